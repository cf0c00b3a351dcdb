// rooms: pa_reports pa_compare pa_ir pa_allow pa_base PkgConfig::XML2 PkgConfig::JANSSON
/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The formats of CI systems: SARIF, workflow commands, CSV, OpenMetrics; TAP and JUnit of packets. The schema of SARIF: tests/cases/formats. */
#include <jansson.h>
#include <stdio.h>

#include "portaudit/socket.h"
#include "test_report_fixture.h"

static struct fixture f;
static const struct pa_style plain;
static struct pa_statement waiver;

static void setup(void)
{
	fixture_open(&f);
	fixture_add_rows(&f);
	fixture_add_result(&f);
	/* The second finding is waived. */
	waiver = (struct pa_statement){ .kind = PA_STATEMENT_WAIVE,
					.text = "waive PA-EXP-001 for 8080/tcp until 2026-12-31",
					.where = { .file = "allow.conf", .line = 30, .column = 1 },
					.fields = { .reason = "moves, \"soon\"" },
					.until = 20818 };
	f.result.findings[1].waiver = &waiver;
	f.result.finding_count = 1;
	f.result.waived = &f.result.findings[1];
	f.result.waived_count = 1;
	f.result.checks[PA_CHECK_EXP_001].status = PA_STATUS_WAIVED;
}

static void teardown(void)
{
	fixture_close(&f);
}

static void put_into_file(struct pa_finding *finding, const char *file, unsigned line)
{
	struct pa_rule *rule = pa_arena_dup(f.arena, finding->rules[0], 1, sizeof(*rule));
	const struct pa_rule **rules = pa_arena_alloc(f.arena, 1, sizeof(*rules));
	rule->where = (struct pa_location){ .file = file, .line = line, .column = 2 };
	rules[0] = rule;
	finding->rules = rules;
}

/* --- SARIF ------------------------------------------------------------------------------------------------------------ */
static json_t *sarif(void)
{
	char *text = fixture_format(&f, PA_FORMAT_SARIF, &plain);
	json_error_t error;
	json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(document != NULL, "%s at %d", error.text, error.position);
	free(text);
	return document;
}

static json_t *result_at(json_t *document, size_t index)
{
	json_t *run = json_array_get(json_object_get(document, "runs"), 0);
	return json_array_get(json_object_get(run, "results"), index);
}

START_TEST(sarif_has_a_rule_for_each_check_and_results_that_point_at_it)
{
	json_t *document = sarif(), *run = json_array_get(json_object_get(document, "runs"), 0);
	json_t *rules = json_object_get(json_object_get(json_object_get(run, "tool"), "driver"), "rules");
	ck_assert_uint_eq(json_array_size(rules), PA_CHECK_COUNT);
	ck_assert_uint_eq(json_array_size(json_object_get(run, "results")), 2);
	for (size_t i = 0; i < 2; i++) {
		json_t *result = result_at(document, i);
		json_t *rule = json_array_get(rules, (size_t)json_integer_value(json_object_get(result, "ruleIndex")));
		ck_assert_str_eq(json_string_value(json_object_get(rule, "id")),
				 json_string_value(json_object_get(result, "ruleId")));
		ck_assert_str_eq(
			json_string_value(json_object_get(json_object_get(result, "partialFingerprints"), "portaudit/v1")),
			f.result.findings[i].fingerprint);
	}
	json_decref(document);
}
END_TEST

START_TEST(sarif_suppresses_what_is_waived_and_nothing_else)
{
	json_t *document = sarif();
	ck_assert(json_object_get(result_at(document, 0), "suppressions") == NULL);
	json_t *suppression = json_array_get(json_object_get(result_at(document, 1), "suppressions"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(suppression, "kind")), "external");
	ck_assert_str_eq(json_string_value(json_object_get(suppression, "justification")), "until 2026-12-31: moves, \"soon\"");
	json_decref(document);
}
END_TEST

START_TEST(sarif_names_files_as_uris_and_handles_as_logical_places)
{
	put_into_file(&f.result.findings[0], "./rules of 50%/a#b.nft", 12);
	json_t *document = sarif();
	json_t *place = json_array_get(json_object_get(result_at(document, 0), "locations"), 0);
	json_t *physical = json_object_get(place, "physicalLocation");
	ck_assert_str_eq(json_string_value(json_object_get(json_object_get(physical, "artifactLocation"), "uri")),
			 "rules%20of%2050%25/a%23b.nft");
	ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(physical, "region"), "startLine")), 12);
	json_t *logical = json_array_get(json_object_get(place, "logicalLocations"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(logical, "fullyQualifiedName")), "inet filter input handle 17");
	/* The waived one has the rule of the kernel only. */
	place = json_array_get(json_object_get(result_at(document, 1), "locations"), 0);
	ck_assert(json_object_get(place, "physicalLocation") == NULL);
	ck_assert(json_object_get(place, "logicalLocations") != NULL);
	json_decref(document);
}
END_TEST

START_TEST(sarif_says_when_the_audit_is_not_complete)
{
	static const char *const why[] = { "a table could not be read" };
	f.report.complete = false;
	f.report.incomplete = why;
	f.report.incomplete_count = 1;
	json_t *document = sarif(), *run = json_array_get(json_object_get(document, "runs"), 0);
	json_t *invocation = json_array_get(json_object_get(run, "invocations"), 0);
	ck_assert(json_is_false(json_object_get(invocation, "executionSuccessful")));
	ck_assert_uint_eq(json_array_size(json_object_get(invocation, "toolExecutionNotifications")), 1);
	json_decref(document);
}
END_TEST

START_TEST(hostile_text_leaves_every_format_readable)
{
	f.result.findings[0].message = HOSTILE;
	f.result.findings[0].fix = HOSTILE;
	waiver.fields.reason = HOSTILE;
	f.report.host = HOSTILE;
	put_into_file(&f.result.findings[0], HOSTILE, 1);
	json_decref(sarif());
	static const enum pa_format formats[] = { PA_FORMAT_GITHUB, PA_FORMAT_CSV, PA_FORMAT_PROM, PA_FORMAT_JUNIT_EXT,
						  PA_FORMAT_HTML };
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		char *text = fixture_format(&f, formats[i], &plain);
		ck_assert_msg(pa_text_is_utf8(text, strlen(text)), "%s", text);
		ck_assert_msg(!strchr(text, '\033'), "%s", text);
		free(text);
	}
}
END_TEST

/* --- workflow commands -------------------------------------------------------------------------------------------------- */
START_TEST(github_escapes_what_would_end_a_command)
{
	f.result.findings[0].message = "50% of\nit: a, b";
	f.result.findings[0].fix = NULL;
	put_into_file(&f.result.findings[0], "a,b:c.nft", 12);
	char *text = fixture_format(&f, PA_FORMAT_GITHUB, &plain);
	ck_assert_ptr_nonnull(strstr(text, "::error file=a%2Cb%3Ac.nft,line=12,title=PA-EXP-003 (critical)::50%25 of"));
	ck_assert_ptr_nonnull(strstr(text, "it: a, b\n"));
	ck_assert_ptr_nonnull(strstr(text, "portaudit: 1 finding (1 error, 0 warnings, 0 notices), 1 waived\n"));
	ck_assert_ptr_null(strstr(text, "PA-EXP-001 ("));
	free(text);
}
END_TEST

START_TEST(github_shows_ten_of_a_kind_and_says_how_many_there_are)
{
	struct pa_finding *many = pa_arena_alloc(f.arena, 25, sizeof(*many));
	for (size_t i = 0; i < 25; i++)
		many[i] = f.result.findings[0];
	f.result.findings = many;
	f.result.finding_count = 25;
	f.result.waived_count = 0;
	char *text = fixture_format(&f, PA_FORMAT_GITHUB, &plain);
	size_t shown = 0;
	for (const char *at = text; (at = strstr(at, "::error ")); at++)
		shown++;
	ck_assert_uint_eq(shown, 10);
	ck_assert_ptr_nonnull(strstr(text, "25 findings (25 errors, 0 warnings, 0 notices); 15 without an annotation"));
	free(text);
}
END_TEST

START_TEST(github_takes_what_does_not_fail_for_a_notice)
{
	f.result.findings[0].severity = PA_SEVERITY_LOW;
	f.report.fail_on = PA_SEVERITY_MEDIUM;
	char *text = fixture_format(&f, PA_FORMAT_GITHUB, &plain);
	ck_assert_ptr_nonnull(strstr(text, "::notice "));
	ck_assert_ptr_null(strstr(text, "::error "));
	free(text);
}
END_TEST

/* --- CSV ------------------------------------------------------------------------------------------------------------------ */
/* Cells of a line; quotes are doubled inside. Returns what stands behind the line. */
static const char *count_cells(const char *at, size_t *ret_cells)
{
	bool quoted = false;
	*ret_cells = 1;
	for (; *at && (quoted || *at != '\r'); at++) {
		if (*at == '"')
			quoted = !quoted;
		*ret_cells += !quoted && *at == ',';
	}
	ck_assert(strncmp(at, "\r\n", 2) == 0);
	return at + 2;
}

static size_t check_table(enum pa_format format)
{
	char *text = fixture_format(&f, format, &plain);
	size_t columns, cells, lines = 0;
	const char *at = count_cells(text, &columns);
	for (; *at; lines++) {
		at = count_cells(at, &cells);
		ck_assert_uint_eq(cells, columns);
	}
	free(text);
	return lines;
}

START_TEST(csv_has_a_line_for_each_finding_or_row)
{
	f.result.findings[0].message = "a \"quoted\", b\r\nc";
	ck_assert_uint_eq(check_table(PA_FORMAT_CSV), 2);
	f.report.result = NULL;
	ck_assert_uint_ge(check_table(PA_FORMAT_CSV), 5);
}
END_TEST

START_TEST(csv_cells_are_no_formulas)
{
	f.result.findings[0].message = "=HYPERLINK(\"x\")";
	char *text = fixture_format(&f, PA_FORMAT_CSV, &plain);
	ck_assert_ptr_nonnull(strstr(text, "\"'=HYPERLINK(\"\"x\"\")\""));
	free(text);
}
END_TEST

/* --- OpenMetrics ---------------------------------------------------------------------------------------------------------- */
START_TEST(metrics_count_findings_and_keep_waived_ones_apart)
{
	f.report.host = "a\"b\\c";
	char *text = fixture_format(&f, PA_FORMAT_PROM, &plain);
	ck_assert_ptr_nonnull(strstr(text, "portaudit_complete{host=\"a\\\"b\\\\c\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(text, ",check=\"PA-EXP-003\",severity=\"critical\"} 1\n"));
	ck_assert_ptr_nonnull(
		strstr(text, "portaudit_findings{host=\"a\\\"b\\\\c\",check=\"PA-EXP-001\",severity=\"high\"} 0\n"));
	ck_assert_ptr_nonnull(
		strstr(text, "portaudit_waived_findings{host=\"a\\\"b\\\\c\",check=\"PA-EXP-001\",severity=\"high\"} 1\n"));
	ck_assert_ptr_null(strstr(text, "PA-HYG-001")); /* off */
	ck_assert_str_eq(text + strlen(text) - 6, "# EOF\n");
	free(text);
}
END_TEST

/* --- HTML ----------------------------------------------------------------------------------------------------------------- */
START_TEST(html_escapes_and_tells_everything)
{
	f.result.findings[0].message = "<script>alert('1')</script> & \"x\"";
	f.report.complete = false;
	char *text = fixture_format(&f, PA_FORMAT_HTML, &plain);
	ck_assert_ptr_null(strstr(text, "<script"));
	ck_assert_ptr_nonnull(strstr(text, "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot;"));
	ck_assert_ptr_nonnull(strstr(text, "Not complete:"));
	ck_assert_ptr_nonnull(strstr(text, "<h2>Waived findings</h2>"));
	ck_assert_ptr_nonnull(strstr(text, "<h2>What is reachable</h2>"));
	ck_assert_ptr_nonnull(strstr(text, "<h2>The policy</h2>"));
	ck_assert_ptr_nonnull(strstr(text, "<h2>Checks</h2>"));
	ck_assert_ptr_null(strstr(text, "http://"));
	free(text);
}
END_TEST

/* --- waivers in the older formats ------------------------------------------------------------------------------------------- */
START_TEST(a_waived_check_is_skipped_in_junit)
{
	char *text = fixture_format(&f, PA_FORMAT_JUNIT, &plain);
	ck_assert_ptr_nonnull(strstr(text, "<skipped message=\"waived: 8080/tcp"));
	ck_assert_ptr_nonnull(strstr(text, "waived until 2026-12-31: moves"));
	free(text);
}
END_TEST

START_TEST(a_waived_finding_is_told_at_the_end_and_listed_with_v)
{
	const struct pa_style verbose = { .verbose = true };
	char *text = fixture_format(&f, PA_FORMAT_TEXT, &plain);
	ck_assert_ptr_nonnull(strstr(text, "1 finding: 1 critical; 1 waived (-v shows them)"));
	ck_assert_ptr_null(strstr(text, "8080/tcp is reachable"));
	free(text);
	text = fixture_format(&f, PA_FORMAT_TEXT, &verbose);
	ck_assert_ptr_nonnull(strstr(text, "8080/tcp is reachable"));
	ck_assert_ptr_nonnull(strstr(text, "until 2026-12-31, allow.conf:30: moves"));
	free(text);
}
END_TEST

START_TEST(junit_ext_has_files_and_lines)
{
	put_into_file(&f.result.findings[0], "fw.nft", 12);
	char *text = fixture_format(&f, PA_FORMAT_JUNIT_EXT, &plain);
	ck_assert_ptr_nonnull(strstr(text, "file=\"fw.nft\" line=\"12\""));
	ck_assert_ptr_nonnull(strstr(text, "file=\"allow.conf\" line=\"11\""));
	free(text);
	text = fixture_format(&f, PA_FORMAT_JUNIT, &plain);
	ck_assert_ptr_null(strstr(text, "file=\"fw.nft\""));
	free(text);
}
END_TEST

/* --- the policy of init ----------------------------------------------------------------------------------------------------- */
/* sshd on 22 for everybody, a name server on loopback only, something without a known owner, a port above 1023. */
static void add_listeners(struct pa_host *host, struct pa_sockets *sockets)
{
	static uint32_t first = 0;
	static struct pa_process process = { .pid = 1, .executable = "/usr/sbin/sshd", .user = "root" };
	static struct pa_listener listeners[] = {
		{ .protocol = 6, .family = 4, .any_address = true, .port = 22, .processes = &first, .process_count = 1 },
		{ .protocol = 6, .family = 6, .any_address = true, .port = 22, .processes = &first, .process_count = 1 },
		{ .protocol = 17, .family = 6, .address = 1, .port = 53, .user = "bind" },
		{ .protocol = 17, .family = 4, .any_address = true, .port = 123, .user = "_chrony" },
		{ .protocol = 6, .family = 4, .any_address = true, .port = 80 },
		{ .protocol = 6, .family = 4, .any_address = true, .port = 8080, .user = "web" },
	};
	*sockets = (struct pa_sockets){ .listeners = listeners,
					.listener_count = sizeof(listeners) / sizeof(*listeners),
					.processes = &process,
					.process_count = 1 };
	host->sockets = sockets;
}

START_TEST(init_names_who_listens_on_system_ports)
{
	struct pa_host host = { .name = "web1" };
	struct pa_sockets sockets;
	struct pa_buffer out = { 0 };
	add_listeners(&host, &sockets);
	f.report.result = NULL;
	pa_report_policy(&f.report, &host, &out);
	const char *first = strstr(out.data, "listen 22/tcp by user root exe /usr/sbin/sshd\n");
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(strstr(first + 1, "listen 22/tcp"));
	ck_assert_ptr_nonnull(strstr(out.data, "listen 123/udp by user _chrony\n"));
	ck_assert_ptr_null(strstr(out.data, "listen 53"));
	ck_assert_ptr_null(strstr(out.data, "listen 80"));
	struct pa_diags diags = { 0 };
	struct pa_policy *policy = pa_policy_parse(out.data, out.length, "init.conf", NULL, pa_check_known, &diags);
	ck_assert_msg(policy != NULL, "%s: %s", diags.count ? diags.items[0].message : "?", out.data);
	pa_policy_free(policy);
	pa_diags_done(&diags);
	pa_buffer_done(&out);
}
END_TEST

/* --- packets ------------------------------------------------------------------------------------------------------------------ */
START_TEST(packets_are_tests)
{
	const struct pa_packet packet = fixture_packet(4, 22);
	const struct pa_rule *rule = fixture_rule(&f, &f.input, 7, "tcp dport 22 accept");
	const struct pa_trace_case cases[] = {
		{ .id_json = "\"a # b\"",
		  .packet = &packet,
		  .has_expect = true,
		  .met = true,
		  .expect_text = "drop",
		  .fate = "drop" },
		{ .id_json = "7",
		  .packet = &packet,
		  .has_expect = true,
		  .expect_text = "drop",
		  .fate = "in-accept",
		  .rule = rule },
		{ .id_json = "null", .where = { .line = 3 }, .packet = &packet, .fate = "drop", .chain = &f.input },
	};
	struct pa_buffer out = { 0 };
	pa_report_trace_text(cases, 3, &out);
	ck_assert_ptr_nonnull(strstr(out.data, "\n1..3\nok 1 - a \\# b: tcp "));
	ck_assert_ptr_nonnull(strstr(out.data,
				     "\nnot ok 2 - 7: tcp 198.51.100.7:40000 -> 192.0.2.1:22 on eth0 expected drop, got "
				     "in-accept by inet filter input handle 7: tcp dport 22 accept\n"));
	ck_assert_ptr_nonnull(strstr(out.data, "\nok 3 - line 3: tcp "));
	ck_assert_ptr_nonnull(strstr(out.data, " is drop # SKIP nothing is expected\n# 1 of 2 packets"));
	pa_buffer_clear(&out);
	ck_assert(pa_report_trace_junit(cases, 3, &f.report, &out));
	ck_assert_ptr_nonnull(strstr(out.data, "tests=\"4\" failures=\"1\" errors=\"0\" skipped=\"1\""));
	pa_buffer_done(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report-ci");
	TCase *tests = tcase_create("ci");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, sarif_has_a_rule_for_each_check_and_results_that_point_at_it);
	tcase_add_test(tests, sarif_suppresses_what_is_waived_and_nothing_else);
	tcase_add_test(tests, sarif_names_files_as_uris_and_handles_as_logical_places);
	tcase_add_test(tests, sarif_says_when_the_audit_is_not_complete);
	tcase_add_test(tests, hostile_text_leaves_every_format_readable);
	tcase_add_test(tests, github_escapes_what_would_end_a_command);
	tcase_add_test(tests, github_shows_ten_of_a_kind_and_says_how_many_there_are);
	tcase_add_test(tests, github_takes_what_does_not_fail_for_a_notice);
	tcase_add_test(tests, csv_has_a_line_for_each_finding_or_row);
	tcase_add_test(tests, csv_cells_are_no_formulas);
	tcase_add_test(tests, metrics_count_findings_and_keep_waived_ones_apart);
	tcase_add_test(tests, html_escapes_and_tells_everything);
	tcase_add_test(tests, a_waived_check_is_skipped_in_junit);
	tcase_add_test(tests, a_waived_finding_is_told_at_the_end_and_listed_with_v);
	tcase_add_test(tests, junit_ext_has_files_and_lines);
	tcase_add_test(tests, init_names_who_listens_on_system_ports);
	tcase_add_test(tests, packets_are_tests);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
