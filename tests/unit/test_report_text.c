// rooms: pa_reports pa_compare pa_ir pa_allow pa_base
/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report for people. What it looks like is in tests/cases/report: look at the difference when one of these tests fails, and
 * let PA_UPDATE_CASES=1 write the files anew when it is what you want.
 */
#include <stdio.h>

#include "test_report_fixture.h"

static struct fixture f;
static struct pa_style style;

static void setup(void)
{
	fixture_open(&f);
	style = (struct pa_style){ .width = 80 };
}

static void teardown(void)
{
	fixture_close(&f);
}

static char *text(void)
{
	return fixture_format(&f, PA_FORMAT_TEXT, &style);
}

static char *read_case(const char *path)
{
	FILE *file = fopen(path, "r");
	ck_assert_msg(file != NULL, "%s", path);
	char *contents = pa_xcalloc(1, 65536);
	ck_assert_uint_lt(fread(contents, 1, 65535, file), 65535);
	fclose(file);
	return contents;
}

static void check_case(const char *name)
{
	char *is = text(), *path = pa_arena_printf(f.arena, PA_SOURCE_DIR "/tests/cases/report/%s.txt", name);
	if (getenv("PA_UPDATE_CASES")) {
		FILE *file = fopen(path, "w");
		ck_assert_ptr_nonnull(file);
		fputs(is, file);
		ck_assert_int_eq(fclose(file), 0);
	}
	char *expected = read_case(path);
	ck_assert_msg(strcmp(is, expected) == 0, "%s:\n%.3000s", name, is);
	free(expected);
	free(is);
}

static void check_holds(const char *part)
{
	char *is = text();
	ck_assert_msg(strstr(is, part) != NULL, "no '%s' in\n%.3000s", part, is);
	free(is);
}

static void check_lacks(const char *part)
{
	char *is = text();
	ck_assert_msg(strstr(is, part) == NULL, "'%s' in\n%.3000s", part, is);
	free(is);
}

static void set_rows(struct pa_row *rows, size_t count)
{
	f.report.rows = rows;
	f.report.row_count = count;
}

START_TEST(lists)
{
	fixture_add_rows(&f);
	check_case("list-80");
	style.width = 140;
	check_case("list-140");
	style.width = 0;
	check_case("list-unfolded");
}
END_TEST

START_TEST(checks)
{
	fixture_add_rows(&f);
	fixture_add_result(&f);
	check_case("check-80");
	style.width = 140;
	check_case("check-140");
	style.quiet = true;
	check_case("check-quiet-140");
}
END_TEST

START_TEST(a_check_without_policy_lists_as_well)
{
	fixture_add_rows(&f);
	fixture_add_result(&f);
	f.report.policy = NULL;
	check_holds("web1 (live kernel): 7 ways in");
	check_holds("CRITICAL: 1 finding\n");
	style.quiet = true;
	check_lacks("7 ways in");
}
END_TEST

/* Each line fits, except where a single word is longer than the column. */
START_TEST(lines_fit_the_terminal)
{
	fixture_add_rows(&f);
	fixture_add_result(&f);
	f.report.policy = NULL;
	for (style.width = 80; style.width < 200; style.width++) {
		char *is = text();
		for (char *line = is, *end; *line; line = end + 1) {
			end = strchr(line, '\n');
			ck_assert_msg(end - line <= (long)style.width, "%u columns: %.*s", style.width, (int)(end - line),
				      line);
			ck_assert_msg(end == line || end[-1] != ' ', "%.*s|", (int)(end - line), line);
		}
		free(is);
	}
}
END_TEST

START_TEST(no_firewall)
{
	f.report.no_firewall = true;
	struct pa_row row = fixture_row(&f, 4, 6, 0, NULL);
	row.box.field[PA_FIELD_L4PROTO].count = 0;
	f.report.rows = &row;
	f.report.row_count = 1;
	check_holds("no firewall: everything is reachable\n");
	check_holds("any protocol");
	check_holds("no rule at all");
	fixture_add_result(&f);
	check_holds("no firewall: everything is reachable\n");
}
END_TEST

START_TEST(who_accepts)
{
	struct pa_row row = fixture_row(&f, 4, 6, 22, NULL);
	set_rows(&row, 1);
	check_holds("accepted by policy\n");
	row.rules_complete = false;
	check_holds("(rules not looked up)\n");
	const struct pa_rule *rules[6];
	for (unsigned i = 0; i < 6; i++)
		rules[i] = fixture_rule(&f, &f.input, i + 1, "accept");
	row.rules = rules;
	row.rule_count = 1;
	check_holds("... and perhaps more\n");
	row.rules_complete = true;
	row.rule_count = 6;
	check_holds("inet filter input handle 3\n");
	check_holds("... and 3 more\n");
	check_lacks("handle 4");
}
END_TEST

START_TEST(nothing_reachable)
{
	check_holds("web1 (live kernel): no new connection gets in\n");
	check_lacks("WHAT");
}
END_TEST

START_TEST(an_incomplete_audit_stands_above)
{
	const char *reasons[] = { "the ruleset changed while it was read", "legacy \033[2J tables are there" };
	fixture_add_result(&f);
	f.report.complete = false;
	f.report.incomplete = reasons;
	f.report.incomplete_count = 2;
	char *is = text();
	static const char above[] = "NOT COMPLETE: there may be more than is shown here.\n"
				    "  - the ruleset changed while it was read\n"
				    "  - legacy \\x1b[2J tables are there\n\n";
	ck_assert_msg(strncmp(is, above, strlen(above)) == 0, "%.500s", is);
	free(is);
	f.result.finding_count = 0;
	check_holds("\nno findings, but the audit is not complete\n");
	f.report.complete = true;
	check_holds("\nno findings\n");
	f.report.rows_cut = true;
	f.report.result = NULL;
	check_holds("... and more: the list was cut here\n");
}
END_TEST

/* The same rows in another order are the same table. */
START_TEST(order_does_not_matter)
{
	fixture_add_rows(&f);
	char *first = text();
	size_t count = f.report.row_count;
	struct pa_row *turned = pa_arena_alloc(f.arena, count, sizeof(*turned));
	for (size_t i = 0; i < count; i++)
		turned[i] = f.report.rows[count - 1 - i];
	f.report.rows = turned;
	char *second = text();
	ck_assert_str_eq(first, second);
	free(first);
	free(second);
}
END_TEST

START_TEST(families_are_merged_where_equal)
{
	struct pa_rule *rule = fixture_rule(&f, &f.input, 5, "tcp dport 22 accept"),
		       *other = fixture_rule(&f, &f.input, 6, "accept");
	struct pa_row rows[] = { fixture_row(&f, 4, 6, 22, rule), fixture_row(&f, 6, 6, 22, rule) };
	set_rows(rows, 2);
	check_holds(": 1 way in, 1 from anywhere\n");
	check_lacks("IPv");
	rows[0].box.field[PA_FIELD_SADDR] = fixture_prefix(&f, "10.0.0.0", 8);
	check_holds("10.0.0.0/8, any IPv6 ");
	rows[1].box.field[PA_FIELD_SADDR] = fixture_prefix(&f, "2001:db8::", 32);
	style.width = 140;
	check_holds("10.0.0.0/8, 2001:db8::/32  any");
	rows[1].rules = pa_arena_dup(f.arena, &other, 1, sizeof(other));
	check_holds(": 2 ways in, 0 from anywhere\n");
	rows[1].rules = rows[0].rules;
	rows[1].box.field[PA_FIELD_IIFNAME] = fixture_name(&f, "eth0");
	check_holds(": 2 ways in, 0 from anywhere\n");
	rows[1].box.field[PA_FIELD_IIFNAME] = rows[0].box.field[PA_FIELD_IIFNAME];
	rows[1].certainty = PA_POSSIBLE;
	check_holds(": 2 ways in, 0 from anywhere; 1 only possible, marked ?\n");
}
END_TEST

/* Two destinations of one family and one of the other: joining any two would claim more than is true. */
START_TEST(destinations_are_not_mixed)
{
	struct pa_rule *rule = fixture_rule(&f, &f.input, 5, "tcp dport 22 accept");
	struct pa_row rows[] = { fixture_row(&f, 4, 6, 22, rule), fixture_row(&f, 4, 6, 22, rule),
				 fixture_row(&f, 6, 6, 22, rule) };
	static const char *const addresses[] = { "192.0.2.1", "192.0.2.2", "2001:db8::1" };
	for (size_t i = 0; i < 3; i++)
		rows[i].box.field[PA_FIELD_DADDR] = RANGES(&f, ONE(fixture_address(addresses[i])));
	set_rows(rows, 3);
	check_holds(": 3 ways in");
	set_rows(rows + 1, 2);
	check_holds(": 1 way in");
	check_holds("to 192.0.2.2,");
}
END_TEST

START_TEST(sources_are_joined)
{
	struct pa_rule *rule = fixture_rule(&f, &f.input, 5, "tcp dport 22 accept");
	struct pa_row rows[] = { fixture_row(&f, 4, 6, 22, rule), fixture_row(&f, 4, 6, 22, rule) };
	rows[0].box.field[PA_FIELD_SADDR] = fixture_prefix(&f, "10.0.0.0", 9);
	rows[1].box.field[PA_FIELD_SADDR] = fixture_prefix(&f, "10.128.0.0", 9);
	set_rows(rows, 2);
	check_holds(": 1 way in");
	check_holds("  10.0.0.0/8 ");
}
END_TEST

/* Four pieces of "22,23/tcp on eth0 and eth1", and two that only together are every interface. */
START_TEST(pieces_are_joined)
{
	struct pa_rule *rule = fixture_rule(&f, &f.input, 5, "tcp dport 22-23 accept");
	struct pa_row rows[4];
	static const char *const names[] = { "eth0", "eth1" };
	for (unsigned i = 0; i < 4; i++) {
		rows[i] = fixture_row(&f, 4, 6, 22 + i / 2, rule);
		rows[i].box.field[PA_FIELD_IIFNAME] = fixture_name(&f, names[i % 2]);
	}
	set_rows(rows, 4);
	style.width = 140;
	check_holds(": 1 way in");
	check_holds("  22-23/tcp ssh, telnet  anywhere (IPv4)  eth0, eth1 ");
	rows[1].box.field[PA_FIELD_IIFNAME] = fixture_all_but(&f, 2, (const char *const[]){ "eth0", "lo" });
	set_rows(rows, 2);
	check_holds("  22/tcp ssh  anywhere (IPv4)  any  ");
}
END_TEST

/* What accepts everything comes in pieces, one for each kind of protocol. */
START_TEST(whole_protocols_are_joined)
{
	struct pa_rule *rule = fixture_rule(&f, &f.input, 5, "accept");
	struct pa_row rows[6];
	for (size_t i = 0; i < 6; i++) {
		static const struct pa_interval kinds[] = { ONE(1), ONE(6), { 7, 255 } };
		rows[i] = fixture_row(&f, i < 3 ? 4 : 6, 6, 0, rule);
		rows[i].box.field[PA_FIELD_L4PROTO] =
			i % 3 ? RANGES(&f, kinds[i % 3]) : RANGES(&f, { 0, 0 }, kinds[0], { 2, 5 });
	}
	set_rows(rows, 6);
	check_holds(": 1 way in, 1 from anywhere\n");
	check_holds("  any protocol");
	rows[1].box.field[PA_FIELD_DPORT] = RANGES(&f, ONE(22));
	check_holds("  22/tcp ssh");
	check_holds("any protocol but tcp");
}
END_TEST

START_TEST(who_is_most_exposed_comes_first)
{
	struct pa_row rows[] = { fixture_row(&f, 4, 6, 5, NULL), fixture_row(&f, 4, 6, 4, NULL),
				 fixture_row(&f, 4, 17, 3, NULL), fixture_row(&f, 4, 6, 2, NULL),
				 fixture_row(&f, 4, 6, 1, NULL) };
	struct pa_interval hole = pa_prefix_interval(fixture_address("10.0.0.0"), 4, 8);
	rows[0].path = PA_PATH_OUT;
	rows[1].box.field[PA_FIELD_SADDR] = fixture_prefix(&f, "10.0.0.0", 8);
	rows[4].box.field[PA_FIELD_SADDR] = RANGES(&f, { PA_IPV4_BASE, hole.first - 1 }, { hole.last + 1, PA_IPV4_LAST });
	set_rows(rows, 5);
	char *is = text();
	static const char *const order[] = { "\n  2/tcp", "\n  3/udp", "\n  1/tcp", "\n  4/tcp", "\n  5/tcp" };
	const char *before = is;
	for (size_t i = 0; i < 5; i++) {
		const char *at = strstr(is, order[i]);
		ck_assert_msg(at && at > before, "%s in\n%s", order[i], is);
		before = at;
	}
	ck_assert_ptr_nonnull(strstr(is, "this host (IPv4)"));
	ck_assert_ptr_nonnull(strstr(is, ": 4 ways in, 2 from anywhere; 1 way out\n"));
	free(is);
}
END_TEST

START_TEST(long_lists_are_shortened)
{
	struct pa_interval items[1000];
	for (size_t i = 0; i < 1000; i++)
		items[i] = (struct pa_interval)ONE(fixture_address("10.0.0.1") + 2 * i);
	struct pa_row row = fixture_row(&f, 4, 6, 22, NULL);
	row.box.field[PA_FIELD_SADDR] = fixture_ranges(&f, 1000, items);
	set_rows(&row, 1);
	style.width = 200;
	check_holds("10.0.0.15, ... and 992 more");
	style.verbose = true;
	style.width = 0;
	check_holds("10.0.7.205, 10.0.7.207");
}
END_TEST

START_TEST(opaque_tests_are_named)
{
	struct pa_rule *rule = fixture_rule(&f, &f.input, 5, "limit rate 5/second accept");
	struct pa_opaque opaques[] = {
		{ .text = "limit rate 5/second", .rule = rule, .reason = "it depends on time", .matters = true },
		{ .text = "numgen random mod 4", .rule = rule, .matters = false },
	};
	f.report.opaques = opaques;
	f.report.opaque_count = 2;
	check_holds(
		"Not decided by the packet alone:\n  - `limit rate 5/second` in inet filter input handle 5: it depends on time\n");
	check_lacks("numgen");
}
END_TEST

START_TEST(colour_only_when_wanted)
{
	fixture_add_rows(&f);
	fixture_add_result(&f);
	f.report.policy = NULL;
	check_lacks("\033");
	style.color = true;
	check_holds("\033[1;31mCRITICAL: 1 finding\033[0m");
	char *colored = text();
	style.color = false;
	char *bare = text();
	/* Colours change nothing but colours. */
	char *to = colored;
	for (char *from = colored; *from;) {
		if (*from == '\033')
			from = strchr(from, 'm') + 1;
		else
			*to++ = *from++;
	}
	*to = '\0';
	ck_assert_str_eq(colored, bare);
	free(colored);
	free(bare);
}
END_TEST

START_TEST(hostile_strings_do_nothing)
{
	struct pa_rule *rule = fixture_rule(&f, &f.input, 5, HOSTILE);
	struct pa_opaque opaque = { .text = HOSTILE, .rule = rule, .reason = HOSTILE, .matters = true };
	fixture_add_rows(&f);
	fixture_add_result(&f);
	rule->comment = HOSTILE "!";
	struct pa_row *row = pa_arena_dup(f.arena, f.report.rows, 1, sizeof(*row));
	row->rules = pa_arena_dup(f.arena, &rule, 1, sizeof(rule));
	row->box.field[PA_FIELD_IIFNAME] = fixture_name(&f, "e\033[2J\n\xff");
	row->certainty = PA_POSSIBLE;
	row->condition = HOSTILE;
	set_rows(row, 1);
	f.table.name = f.input.name = f.report.host = f.source = f.policy.file = HOSTILE;
	f.result.findings[0].message = f.result.findings[0].fix = f.result.findings[1].condition = HOSTILE;
	f.result.findings[0].rules[0] = rule;
	f.result.not_assessed[0] = HOSTILE;
	f.result.checks[PA_CHECK_SOC_001].reason = HOSTILE;
	f.report.opaques = &opaque;
	f.report.opaque_count = 1;
	f.report.policy = NULL;
	for (style.width = 0; style.width <= 140; style.width += 70) {
		char *is = text();
		ck_assert(pa_text_is_utf8(is, strlen(is)));
		for (const char *c = is; *c; c++)
			ck_assert(((unsigned char)*c >= 0x20 && *c != 0x7f) || *c == '\n');
		ck_assert_ptr_null(strstr(is, "\xc2\x9b"));
		ck_assert_ptr_null(strstr(is, "\xe2\x80\xae"));
		ck_assert_ptr_null(strstr(is, "\nz<a&b>"));
		free(is);
	}
}
END_TEST

START_TEST(formats_by_name)
{
	enum pa_format format;
	ck_assert(pa_format_parse("JUnit", &format));
	ck_assert_int_eq(format, PA_FORMAT_JUNIT);
	ck_assert_str_eq(pa_format_name(format), "junit");
	ck_assert(!pa_format_parse("pdf", &format));
	ck_assert(!pa_format_parse("", &format));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report_text");
	TCase *tcase = tcase_create("text");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, lists);
	tcase_add_test(tcase, checks);
	tcase_add_test(tcase, a_check_without_policy_lists_as_well);
	tcase_add_test(tcase, lines_fit_the_terminal);
	tcase_add_test(tcase, no_firewall);
	tcase_add_test(tcase, who_accepts);
	tcase_add_test(tcase, nothing_reachable);
	tcase_add_test(tcase, an_incomplete_audit_stands_above);
	tcase_add_test(tcase, order_does_not_matter);
	tcase_add_test(tcase, families_are_merged_where_equal);
	tcase_add_test(tcase, destinations_are_not_mixed);
	tcase_add_test(tcase, sources_are_joined);
	tcase_add_test(tcase, pieces_are_joined);
	tcase_add_test(tcase, whole_protocols_are_joined);
	tcase_add_test(tcase, who_is_most_exposed_comes_first);
	tcase_add_test(tcase, long_lists_are_shortened);
	tcase_add_test(tcase, opaque_tests_are_named);
	tcase_add_test(tcase, colour_only_when_wanted);
	tcase_add_test(tcase, hostile_strings_do_nothing);
	tcase_add_test(tcase, formats_by_name);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
