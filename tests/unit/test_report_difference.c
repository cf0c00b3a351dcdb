// rooms: pa_reports pa_compare pa_ir pa_allow pa_base PkgConfig::JANSSON PkgConfig::XML2
/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Differences of rulesets as text, JSON and JUnit: their shape by the schemas; hostile names survive. */
#include <jansson.h>
#include <libxml/parser.h>
#include <libxml/xmlschemas.h>

#include "json_schema.h"
#include "test_report_fixture.h"

static struct fixture f;
static struct pa_difference difference;
static struct pa_difference_report report;
static struct pa_change changes[3];
static struct pa_statement statement;
static const struct pa_style plain;

static void setup(void)
{
	json_error_t error;
	fixture_open(&f);
	schema = json_load_file(PA_SOURCE_DIR "/doc/portaudit-diff-1.json", JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(schema != NULL, "%s:%d: %s", error.source, error.line, error.text);
	struct pa_row *row = pa_arena_alloc(f.arena, 1, sizeof(*row));
	const struct pa_rule *rule = fixture_rule(&f, &f.input, 5, "tcp dport 3306 accept");
	*row = fixture_row(&f, 4, 6, 3306, rule);
	changes[0] = (struct pa_change){ .kind = PA_DELTA_OPENS,
					 .after = PA_ALWAYS,
					 .also = 1u << PA_SCENARIO_UNTRACKED,
					 .rows = row,
					 .row_count = 1,
					 .example = fixture_packet(4, 3306),
					 .old = { PA_FATE_DROP, NULL, &f.input, NULL },
					 .new = { PA_FATE_ACCEPT, rule, NULL, NULL },
					 .severity = PA_SEVERITY_MEDIUM,
					 .fingerprint = "0123456789abcdef0123456789abcdef" };
	changes[1] = changes[0];
	changes[1].kind = PA_DELTA_CLOSES;
	changes[1].before = PA_ALWAYS;
	changes[1].after = PA_SOMETIMES;
	changes[1].condition_after = "only while `limit rate 5/second` holds";
	changes[2] = changes[0];
	changes[2].kind = PA_DELTA_FATE;
	changes[2].before = PA_ALWAYS;
	changes[2].fields = (uint64_t)1 << PA_FIELD_MARK;
	difference = (struct pa_difference){ .changes = changes, .change_count = 3 };
	report = (struct pa_difference_report){ .host = "web1",
						.now = 1795343400,
						.rulesets = { &f.ruleset, &f.ruleset },
						.difference = &difference,
						.complete = true };
	statement = (struct pa_statement){ .text = "require ssh from any", .where = { "allow.conf", 7, 1, 1 } };
}

static void teardown(void)
{
	json_decref(schema);
	fixture_close(&f);
}

static char *format(enum pa_format wanted)
{
	struct pa_buffer out = { 0 };
	ck_assert(pa_report_difference(wanted, &report, &plain, &out));
	return out.data;
}

static json_t *document(void)
{
	json_error_t error;
	char *text = format(PA_FORMAT_JSON);
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(json != NULL, "%s at %d: %.1000s", error.text, error.position, text);
	const char *wrong = conforms(schema, json);
	ck_assert_msg(!wrong, "%s in %.1000s", wrong, text);
	free(text);
	return json;
}

static void junit_is_valid(const char *text, const char *piece)
{
	xmlDocPtr parsed = xmlReadMemory(text, (int)strlen(text), "report", NULL, XML_PARSE_NONET);
	ck_assert_msg(parsed != NULL, "%.1000s", text);
	xmlSchemaParserCtxtPtr parser = xmlSchemaNewParserCtxt(PA_SOURCE_DIR "/tests/schemas/junit-strict.xsd");
	xmlSchemaPtr strict = xmlSchemaParse(parser);
	xmlSchemaValidCtxtPtr validator = xmlSchemaNewValidCtxt(strict);
	ck_assert_msg(xmlSchemaValidateDoc(validator, parsed) == 0, "%.1000s", text);
	ck_assert_msg(strstr(text, piece) != NULL, "%s in %.2000s", piece, text);
	xmlSchemaFreeValidCtxt(validator);
	xmlSchemaFree(strict);
	xmlSchemaFreeParserCtxt(parser);
	xmlFreeDoc(parsed);
}

START_TEST(the_schema_can_refuse)
{
	json_t *json = document();
	json_object_set_new(json_array_get(json_object_get(json, "changes"), 0), "kind", json_string("opened"));
	ck_assert(conforms(schema, json) != NULL);
	json_decref(json);
}
END_TEST

START_TEST(every_change_is_there)
{
	json_t *json = document(), *listed = json_object_get(json, "changes");
	ck_assert_uint_eq(json_array_size(listed), 3);
	ck_assert(json_is_false(json_object_get(json, "same")));
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(listed, 1), "after")), "possible");
	json_decref(json);
	char *text = format(PA_FORMAT_TEXT);
	ck_assert_ptr_nonnull(strstr(text, "1 opens, 1 closes, 1 changes otherwise"));
	ck_assert_ptr_nonnull(strstr(text, "  + 3306/tcp from anywhere (IPv4)"));
	ck_assert_ptr_nonnull(strstr(text, "now      possible: only while `limit rate 5/second` holds"));
	ck_assert_ptr_nonnull(strstr(text, "dropped by the policy of inet filter input"));
	free(text);
	text = format(PA_FORMAT_JUNIT);
	junit_is_valid(text, "tests=\"15\" failures=\"3\"");
	free(text);
}
END_TEST

START_TEST(same_is_said)
{
	difference.change_count = 0;
	json_t *json = document();
	ck_assert(json_is_true(json_object_get(json, "same")));
	json_decref(json);
	char *text = format(PA_FORMAT_TEXT);
	ck_assert_ptr_nonnull(strstr(text, "same meaning: every packet fares the same"));
	free(text);
	text = format(PA_FORMAT_JUNIT);
	junit_is_valid(text, "failures=\"0\"");
	free(text);
}
END_TEST

/* What was not read whole is never called the same. */
START_TEST(incomplete_is_not_same)
{
	static const char *const reasons[] = { "a table could not be read" };
	difference.change_count = 0;
	report.complete = false;
	report.incomplete = reasons;
	report.incomplete_count = 1;
	char *text = format(PA_FORMAT_TEXT);
	ck_assert_ptr_null(strstr(text, "same meaning"));
	ck_assert_ptr_nonnull(strstr(text, "NOT COMPLETE"));
	free(text);
	text = format(PA_FORMAT_JUNIT);
	junit_is_valid(text, "errors=\"1\"");
	free(text);
}
END_TEST

START_TEST(the_policy_is_quoted)
{
	report.policy = &f.policy;
	changes[0].verdict = PA_CHANGE_UNDECLARED;
	changes[1].verdict = PA_CHANGE_REQUIRED;
	changes[1].statement = &statement;
	changes[2].verdict = PA_CHANGE_FITS;
	difference.violation_count = 2;
	json_decref(document());
	char *text = format(PA_FORMAT_TEXT);
	ck_assert_ptr_nonnull(strstr(text, "2 against the policy"));
	ck_assert_ptr_nonnull(strstr(text, "NOT ALLOWED: no `allow` covers it"));
	ck_assert_ptr_nonnull(strstr(text, "REQUIRED: allow.conf:7: require ssh from any"));
	free(text);
	text = format(PA_FORMAT_JUNIT);
	junit_is_valid(text, "failures=\"2\"");
	free(text);
}
END_TEST

/* --- for CI -------------------------------------------------------------------------------------------------------------- */

static json_t *sarif_results(json_t **ret_document)
{
	json_error_t error;
	char *text = format(PA_FORMAT_SARIF);
	*ret_document = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(*ret_document != NULL, "%s at %d: %.1000s", error.text, error.position, text);
	free(text);
	return json_object_get(json_array_get(json_object_get(*ret_document, "runs"), 0), "results");
}

static const char *uri_of(const json_t *place)
{
	const json_t *physical = json_object_get(place, "physicalLocation");
	return json_string_value(json_object_get(json_object_get(physical, "artifactLocation"), "uri"));
}

/* What closes is looked at where the new ruleset refuses it, and where it does not say, where the old one let it in. */
START_TEST(places_are_of_the_new_ruleset_first)
{
	struct pa_rule gone = *changes[0].new.rule;
	gone.where = (struct pa_location){ "old.nft", 3, 1, 1 };
	changes[1].old = (struct pa_decision){ PA_FATE_ACCEPT, &gone, NULL, NULL };
	changes[1].new = (struct pa_decision){ PA_FATE_DROP, NULL, &f.input, NULL };
	char *text = format(PA_FORMAT_GITHUB);
	ck_assert_ptr_nonnull(strstr(text, "::warning file=old.nft,line=3,title=closes in part%2C in"));
	free(text);
	f.input.where = (struct pa_location){ "./new.nft", 9, 1, 1 };
	text = format(PA_FORMAT_GITHUB);
	ck_assert_ptr_nonnull(strstr(text, "::warning file=new.nft,line=9,title=closes in part%2C in"));
	free(text);
	json_t *document, *results = sarif_results(&document), *closes = json_array_get(results, 1);
	ck_assert_uint_eq(json_array_size(results), 3);
	ck_assert_str_eq(json_string_value(json_object_get(closes, "ruleId")), "diff/closes");
	ck_assert_str_eq(uri_of(json_array_get(json_object_get(closes, "locations"), 0)), "new.nft");
	ck_assert_str_eq(uri_of(json_array_get(json_object_get(closes, "relatedLocations"), 0)), "old.nft");
	json_decref(document);
}
END_TEST

START_TEST(what_the_policy_forbids_is_an_error)
{
	report.policy = &f.policy;
	changes[0].verdict = PA_CHANGE_REQUIRED;
	changes[0].statement = &statement;
	changes[0].severity = PA_SEVERITY_CRITICAL;
	changes[2].verdict = PA_CHANGE_FITS;
	changes[2].severity = PA_SEVERITY_INFO;
	char *text = format(PA_FORMAT_GITHUB);
	ck_assert_ptr_nonnull(strstr(text, "::error title=opens%2C in%3A new connections"));
	ck_assert_ptr_nonnull(strstr(text, "%0Apolicy: REQUIRED: allow.conf:7: require ssh from any%0Abefore: "));
	ck_assert_ptr_nonnull(strstr(text, " (1 error, 1 warning, 1 notice)\n"));
	free(text);
	json_t *document, *results = sarif_results(&document), *opens = json_array_get(results, 0);
	ck_assert_str_eq(json_string_value(json_object_get(opens, "level")), "error");
	ck_assert_str_eq(uri_of(json_array_get(json_object_get(opens, "relatedLocations"), 1)), "allow.conf");
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(results, 2), "level")), "note");
	json_decref(document);
}
END_TEST

START_TEST(every_format_tells_every_change)
{
	for (enum pa_format wanted = 0; wanted < PA_FORMAT_COUNT; wanted++) {
		if (!pa_format_has_difference(wanted))
			continue;
		char *text = format(wanted);
		ck_assert_msg(strstr(text, "3306/tcp") || wanted == PA_FORMAT_JSON, "%s: %.500s", pa_format_name(wanted), text);
		ck_assert_msg(strstr(text, "limit rate 5/second"), "%s: %.500s", pa_format_name(wanted), text);
		free(text);
	}
	char *text = format(PA_FORMAT_CSV);
	ck_assert_ptr_nonnull(strstr(text, "\"web1\",\"opens\",\"medium\",\"in\",\"new\",\"never\",\"certain\",\"3306/tcp\","));
	free(text);
	text = format(PA_FORMAT_HTML);
	ck_assert_ptr_nonnull(strstr(text, "<h2>What opens</h2>"));
	ck_assert_ptr_nonnull(strstr(text, "<h2>What closes</h2>"));
	ck_assert_ptr_nonnull(strstr(text, "<h2>What changes otherwise</h2>"));
	free(text);
}
END_TEST

/* What is no change of single packets: replies that are lost, limits that count otherwise. */
START_TEST(every_format_tells_what_breaks)
{
	struct pa_lost_reply lost = { .opening = fixture_packet(4, 22),
				      .reply = fixture_packet(4, 40000),
				      .old = { PA_FATE_ACCEPT, NULL, &f.input, NULL },
				      .new = { PA_FATE_DROP, NULL, &f.input, NULL } };
	struct pa_counting counting = { .rule = { changes[0].new.rule, changes[0].new.rule },
					.text = "limit rate 7/hour",
					.more = true,
					.example = fixture_packet(4, 99) };
	difference.change_count = 0;
	difference.lost_replies = &lost;
	difference.lost_reply_count = 1;
	difference.countings = &counting;
	difference.counting_count = 1;
	difference.not_compared = 3;
	ck_assert(!pa_difference_is_same(&difference));
	json_decref(document());
	for (enum pa_format wanted = 0; wanted < PA_FORMAT_COUNT; wanted++) {
		if (!pa_format_has_difference(wanted) || wanted == PA_FORMAT_CSV)
			continue;
		char *text = format(wanted);
		const char *words = wanted == PA_FORMAT_JSON ? "\"lost_replies\":[\n{" : "no longer leave this host";
		ck_assert_msg(strstr(text, words), "%s: %.2000s", pa_format_name(wanted), text);
		ck_assert_msg(strstr(text, "limit rate 7/hour"), "%s: %.2000s", pa_format_name(wanted), text);
		free(text);
	}
	char *text = format(PA_FORMAT_JUNIT);
	junit_is_valid(text, "failures=\"2\"");
	free(text);
}
END_TEST

START_TEST(hostile_names_survive)
{
	static const char *const notes[] = { HOSTILE };
	f.input.name = HOSTILE;
	changes[1].condition_after = HOSTILE;
	difference.notes = (const char **)(uintptr_t)notes;
	difference.sentence_count = 1;
	json_decref(document());
	char *text = format(PA_FORMAT_TEXT);
	ck_assert_ptr_null(strchr(text, '\033'));
	free(text);
	text = format(PA_FORMAT_JUNIT);
	junit_is_valid(text, "testsuite");
	free(text);
	text = format(PA_FORMAT_HTML);
	ck_assert_ptr_null(strstr(text, "<a&b>"));
	ck_assert_ptr_null(strchr(text, '\033'));
	free(text);
	text = format(PA_FORMAT_GITHUB);
	ck_assert_ptr_null(strchr(text, '\033'));
	ck_assert_ptr_null(strstr(text, "\nz<a"));
	free(text);
	text = format(PA_FORMAT_CSV);
	ck_assert_ptr_null(strchr(text, '\033'));
	free(text);
	json_t *document;
	sarif_results(&document);
	json_decref(document);
}
END_TEST

START_TEST(a_session_is_told)
{
	struct pa_session_fate session = { .lost = true };
	session.decision[PA_SESSION_SYN] = (struct pa_decision){ PA_FATE_DROP, NULL, &f.input, NULL };
	report.session = &session;
	json_decref(document());
	char *text = format(PA_FORMAT_TEXT);
	ck_assert_ptr_nonnull(strstr(text, "this session would be LOST"));
	ck_assert_ptr_nonnull(strstr(text, "a new connection: dropped by the policy of inet filter input"));
	free(text);
	text = format(PA_FORMAT_JUNIT);
	junit_is_valid(text, "the session stays");
	free(text);
	text = format(PA_FORMAT_GITHUB);
	ck_assert_ptr_nonnull(strstr(text, "::error title=this session would be LOST::a new connection: dropped by"));
	free(text);
	json_t *document, *results = sarif_results(&document);
	ck_assert_str_eq(json_string_value(json_object_get(json_array_get(results, 0), "ruleId")), "diff/session");
	json_decref(document);
	text = format(PA_FORMAT_HTML);
	ck_assert_ptr_nonnull(strstr(text, "<strong>this session would be LOST</strong>"));
	free(text);
}
END_TEST

START_TEST(sessions_are_read)
{
	static const char *const wrong[] = { "",
					     "->",
					     "198.51.100.7:1->192.0.2.1",
					     "198.51.100.7->192.0.2.1:22",
					     "a:1->b:2",
					     "198.51.100.7:0->192.0.2.1:22",
					     "198.51.100.7:1->192.0.2.1:70000",
					     "2001:db8::1:22->2001:db8::2:22",
					     "198.51.100.7:1->[2001:db8::1]:22",
					     "198.51.100.7:1->192.0.2.1:22x" };
	struct pa_session session;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		ck_assert_msg(!pa_session_parse(wrong[i], &session), "%s", wrong[i]);
	ck_assert(pa_session_parse("198.51.100.7:40000->192.0.2.1:22", &session));
	ck_assert(session.family == 4 && session.client_port == 40000 && session.server_port == 22);
	ck_assert(session.client == fixture_address("198.51.100.7") && session.server == fixture_address("192.0.2.1"));
	ck_assert(pa_session_parse("[2001:db8::7]:40000->[2001:db8::1]:22", &session) && session.family == 6);
	ck_assert(pa_session_parse_ssh("2001:db8::7 40000 2001:db8::1 22", &session) && session.server_port == 22);
	ck_assert(!pa_session_parse_ssh("2001:db8::7 40000 192.0.2.1 22", &session));
	ck_assert(!pa_session_parse_ssh("198.51.100.7 40000 192.0.2.1", &session));
	ck_assert(!pa_session_parse_ssh("198.51.100.7 40000 192.0.2.1 22 1", &session));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report_difference");
	TCase *cases = tcase_create("report_difference");
	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_add_test(cases, the_schema_can_refuse);
	tcase_add_test(cases, every_change_is_there);
	tcase_add_test(cases, same_is_said);
	tcase_add_test(cases, incomplete_is_not_same);
	tcase_add_test(cases, the_policy_is_quoted);
	tcase_add_test(cases, places_are_of_the_new_ruleset_first);
	tcase_add_test(cases, what_the_policy_forbids_is_an_error);
	tcase_add_test(cases, every_format_tells_every_change);
	tcase_add_test(cases, every_format_tells_what_breaks);
	tcase_add_test(cases, hostile_names_survive);
	tcase_add_test(cases, a_session_is_told);
	tcase_add_test(cases, sessions_are_read);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
