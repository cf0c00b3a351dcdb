// rooms: pa_reports pa_compare pa_ir pa_allow pa_base
/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Diagnostics, byte for byte. */
#include "test_report_fixture.h"

static struct pa_diags diags;
static struct pa_style style;

static void setup(void)
{
	diags = (struct pa_diags){ 0 };
	style = (struct pa_style){ .width = 80 };
}

static void teardown(void)
{
	pa_diags_done(&diags);
}

static struct pa_diag *add(const char *message, unsigned line, unsigned column, unsigned length, const char *source)
{
	struct pa_diag *diag = pa_diags_add(&diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "%s", message);
	diag->where = (struct pa_location){ .file = "allow.conf", .line = line, .column = column, .length = length };
	diag->source = source;
	return diag;
}

static void check(const char *expected)
{
	struct pa_buffer out = { 0 };
	pa_report_diags(&diags, &style, &out);
	ck_assert_str_eq(out.data ? out.data : "", expected);
	pa_buffer_done(&out);
}

START_TEST(the_samples_of_the_manual)
{
	add("'tcp/22' has the protocol first", 2, 7, 6, "allow tcp/22 from admins")->help = "write 22/tcp";
	add("unknown network 'admim'", 3, 16, 5, NULL)->help = "did you mean 'admins'?";
	add("10.1.2.3/8 has host bits set", 10, 13, 10, NULL)->help = "write 10.0.0.0/8 or 10.1.2.3";
	check("allow.conf:2:7: error: 'tcp/22' has the protocol first\n"
	      "    2 | allow tcp/22 from admins\n"
	      "      |       ^~~~~~\n"
	      "      = help: write 22/tcp\n"
	      "allow.conf:3:16: error: unknown network 'admim'\n"
	      "      = help: did you mean 'admins'?\n"
	      "allow.conf:10:13: error: 10.1.2.3/8 has host bits set\n"
	      "      = help: write 10.0.0.0/8 or 10.1.2.3\n");
}
END_TEST

START_TEST(places_may_be_missing)
{
	pa_diags_add(&diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "cannot read the ruleset")->help = "run it as root";
	add("no such file", 0, 0, 0, NULL);
	add("a line without a column", 7, 0, 0, "the line");
	diags.items[2].level = PA_DIAG_WARNING;
	check("portaudit: error: cannot read the ruleset\n"
	      "      = help: run it as root\n"
	      "allow.conf: error: no such file\n"
	      "allow.conf:7: warning: a line without a column\n"
	      "    7 | the line\n");
}
END_TEST

START_TEST(tabs_and_wide_characters)
{
	add("tab", 1, 2, 4, "\tword x");
	add("tab between", 2, 4, 1, "ab\tc");
	add("wide", 3, 8, 4, "\xe4\xbd\xa0\xe5\xa5\xbd wort"); /* two characters of three bytes and two columns each */
	add("wide word", 4, 1, 6, "\xe4\xbd\xa0\xe5\xa5\xbd wort");
	add("combining", 5, 5, 1, "e\xcc\x81 x"); /* e with an accent of its own */
	add("broken", 6, 3, 1, "\xffy!");
	check("allow.conf:1:2: error: tab\n"
	      "    1 |         word x\n"
	      "      |         ^~~~\n"
	      "allow.conf:2:4: error: tab between\n"
	      "    2 | ab      c\n"
	      "      |         ^\n"
	      "allow.conf:3:8: error: wide\n"
	      "    3 | \xe4\xbd\xa0\xe5\xa5\xbd wort\n"
	      "      |      ^~~~\n"
	      "allow.conf:4:1: error: wide word\n"
	      "    4 | \xe4\xbd\xa0\xe5\xa5\xbd wort\n"
	      "      | ^~~~\n"
	      "allow.conf:5:5: error: combining\n"
	      "    5 | e\xcc\x81 x\n"
	      "      |   ^\n"
	      "allow.conf:6:3: error: broken\n"
	      "    6 | \\xffy!\n"
	      "      |      ^\n");
}
END_TEST

START_TEST(hostile_text_is_escaped)
{
	struct pa_diag *diag = add("unknown word '\033[2J'", 1, 1, 4, "\033[2J\r");
	diag->help = "a\nb";
	diag->where.file = "x\ny.conf";
	check("x\\x0ay.conf:1:1: error: unknown word '\\x1b[2J'\n"
	      "    1 | \\x1b[2J\n"
	      "      | ^~~~~~~\n"
	      "      = help: a\\x0ab\n");
}
END_TEST

START_TEST(the_mark_may_lie_behind_the_line)
{
	add("end of line", 1, 4, 1, "abc");
	add("beyond everything", 2, 500, 3, "abc");
	add("longer than the line", 3, 2, 99, "abc");
	add("empty line", 4, 1, 1, "");
	check("allow.conf:1:4: error: end of line\n"
	      "    1 | abc\n"
	      "      |    ^\n"
	      "allow.conf:2:500: error: beyond everything\n"
	      "    2 | abc\n"
	      "      |    ^\n"
	      "allow.conf:3:2: error: longer than the line\n"
	      "    3 | abc\n"
	      "      |  ^~\n"
	      "allow.conf:4:1: error: empty line\n"
	      "    4 | \n"
	      "      | ^\n");
}
END_TEST

/* A line of a megabyte: what is printed fits the terminal, holds the word, and the caret stands under it. */
START_TEST(long_lines_are_shortened)
{
	static const size_t columns[] = { 1, 30, 200, 500000, 999990 };
	char *line = pa_xmalloc(1000001);
	memset(line, 'a', 1000000);
	line[1000000] = '\0';
	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
		struct pa_buffer out = { 0 };
		memcpy(line + columns[i] - 1, "BAD", 3);
		add("bad word", 1, (unsigned)columns[i], 3, line);
		pa_report_diags(&diags, &style, &out);
		char *source = strchr(out.data, '\n') + 1, *marks = strchr(source, '\n') + 1;
		ck_assert_uint_le((size_t)(marks - source), 81);
		char *word = strstr(source, "BAD"), *caret = strstr(marks, "^~~\n");
		ck_assert_ptr_nonnull(word);
		ck_assert_ptr_nonnull(caret);
		ck_assert_int_eq(word - source, caret - marks);
		memset(line + columns[i] - 1, 'a', 3);
		pa_buffer_done(&out);
		pa_diags_done(&diags);
		diags = (struct pa_diags){ 0 };
	}
	free(line);
}
END_TEST

START_TEST(colour_only_when_wanted)
{
	add("red", 1, 1, 1, "x");
	style.color = true;
	check("allow.conf:1:1: \033[1;31merror: \033[0mred\n"
	      "    1 | x\n"
	      "      | \033[1;31m^\033[0m\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report_diag");
	TCase *tcase = tcase_create("diag");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_samples_of_the_manual);
	tcase_add_test(tcase, places_may_be_missing);
	tcase_add_test(tcase, tabs_and_wide_characters);
	tcase_add_test(tcase, hostile_text_is_escaped);
	tcase_add_test(tcase, the_mark_may_lie_behind_the_line);
	tcase_add_test(tcase, long_lines_are_shortened);
	tcase_add_test(tcase, colour_only_when_wanted);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
