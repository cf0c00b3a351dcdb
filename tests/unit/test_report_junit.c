// rooms: pa_reports pa_compare pa_ir pa_allow pa_base PkgConfig::XML2
/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JUnit: held against our schema, and against those of others where they are at hand. */
#include <libxml/parser.h>
#include <libxml/xmlschemas.h>
#include <libxml/xpath.h>
#include <stdio.h>
#include <unistd.h>

#include "test_report_fixture.h"

static const char *const schemas[] = {
	PA_SOURCE_DIR "/tests/schemas/junit-strict.xsd",
	PA_SOURCE_DIR "/../shared/schemas/jenkins-junit-10.xsd",
	PA_SOURCE_DIR "/../shared/schemas/windyroad-JUnit.xsd",
};

static struct fixture f;
static const struct pa_style plain;

static void setup(void)
{
	fixture_open(&f);
}

static void teardown(void)
{
	fixture_close(&f);
}

static void quiet(void *context, const char *format, ...)
{
	(void)context;
	(void)format;
}

/* 0: valid. */
static int validate(const char *path, xmlDocPtr document, bool loud)
{
	xmlSchemaParserCtxtPtr parser = xmlSchemaNewParserCtxt(path);
	xmlSchemaPtr schema = xmlSchemaParse(parser);
	ck_assert_msg(schema != NULL, "%s", path);
	xmlSchemaValidCtxtPtr validator = xmlSchemaNewValidCtxt(schema);
	if (!loud)
		xmlSchemaSetValidErrors(validator, quiet, quiet, NULL);
	int result = xmlSchemaValidateDoc(validator, document);
	xmlSchemaFreeValidCtxt(validator);
	xmlSchemaFree(schema);
	xmlSchemaFreeParserCtxt(parser);
	return result;
}

static xmlDocPtr parse(const char *text)
{
	return xmlReadMemory(text, (int)strlen(text), "report", NULL, XML_PARSE_NONET);
}

static xmlDocPtr document(void)
{
	char *text = fixture_format(&f, PA_FORMAT_JUNIT, &plain);
	xmlDocPtr parsed = parse(text);
	ck_assert_msg(parsed != NULL, "%.1000s", text);
	for (size_t i = 0; i < sizeof(schemas) / sizeof(*schemas); i++) {
		if (access(schemas[i], R_OK) != 0) {
			ck_assert_msg(i != 0, "%s", schemas[i]);
			fprintf(stderr, "SKIPPED: not held against %s, which is not here\n", schemas[i]);
			continue;
		}
		ck_assert_msg(validate(schemas[i], parsed, true) == 0, "%s: %.1000s", schemas[i], text);
	}
	free(text);
	return parsed;
}

static char *ask(xmlDocPtr parsed, const char *expression)
{
	xmlXPathContextPtr context = xmlXPathNewContext(parsed);
	xmlXPathObjectPtr found = xmlXPathEvalExpression((const xmlChar *)expression, context);
	ck_assert_msg(found != NULL, "%s", expression);
	char *text = (char *)xmlXPathCastToString(found);
	xmlXPathFreeObject(found);
	xmlXPathFreeContext(context);
	return text;
}

static void check(xmlDocPtr parsed, const char *expression, const char *expected)
{
	char *text = ask(parsed, expression);
	ck_assert_msg(strcmp(text, expected) == 0, "%s is '%s', not '%s'", expression, text, expected);
	xmlFree(text);
}

START_TEST(our_schema_can_refuse)
{
#define SUITE_HEAD                                                                                                                        \
	"<testsuites><testsuite package='portaudit' id='0' name='a' timestamp='2026-11-22T10:30:00' hostname='h' tests='1' failures='0' " \
	"errors='0' skipped='0' time='0.000'><properties/>"
#define SUITE_TAIL "<system-out/><system-err/></testsuite></testsuites>"
#define CASE "<testcase classname='portaudit.a' name='n' time='0.000'/>"
	static const char *const wrong[] = {
		"<testsuites/>",
		SUITE_HEAD SUITE_TAIL,			     /* no testcase: Jenkins drops it */
		SUITE_HEAD CASE CASE SUITE_TAIL,	     /* GitLab overwrites equal names */
		SUITE_HEAD CASE "</testsuite></testsuites>", /* no system-out */
		SUITE_HEAD "<testcase classname='portaudit.a' name='n' time='0.0001'/>" SUITE_TAIL,
		SUITE_HEAD
		"<testcase classname='portaudit.a' name='n' time='0'><skipped message=''/><failure type='a' message='b'/></testcase>" SUITE_TAIL,
		SUITE_HEAD "<testcase classname='portaudit.a' name='n' time='0'><failure message='b'/></testcase>" SUITE_TAIL,
	};
	xmlDocPtr good = parse(SUITE_HEAD CASE SUITE_TAIL);
	ck_assert_int_eq(validate(schemas[0], good, true), 0);
	xmlFreeDoc(good);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		xmlDocPtr parsed = parse(wrong[i]);
		ck_assert_msg(validate(schemas[0], parsed, false) > 0, "%s", wrong[i]);
		xmlFreeDoc(parsed);
	}
}
END_TEST

START_TEST(every_check_and_line_is_a_testcase)
{
	fixture_add_rows(&f);
	fixture_add_result(&f);
	xmlDocPtr parsed = document();
	char count[16];
	snprintf(count, sizeof(count), "%d", PA_CHECK_COUNT + 3 + 1);
	check(parsed, "count(//testcase)", count);
	for (enum pa_check_id id = 0; id < PA_CHECK_COUNT; id++) {
		char expression[128];
		snprintf(expression, sizeof(expression), "count(//testcase[starts-with(@name, '%s ')])",
			 pa_check_info(id)->code);
		check(parsed, expression, "1");
	}
	check(parsed, "count(//testsuite[@tests != count(testcase)])", "0");
	check(parsed, "count(//testsuite[@failures != count(testcase/failure)])", "0");
	check(parsed, "count(//testsuite[@errors != count(testcase/error)])", "0");
	check(parsed, "count(//testsuite[@skipped != count(testcase/skipped)])", "0");
	check(parsed, "count(/testsuites/@*)", "0");
	check(parsed, "string(//testsuite[1]/@timestamp)", "2026-11-22T10:30:00");
	check(parsed, "string(//testsuite[1]/@time)", "0.021");
	check(parsed, "string(//testsuite[1]/@hostname)", "web1");
	xmlFreeDoc(parsed);
}
END_TEST

START_TEST(outcomes)
{
	fixture_add_result(&f);
	f.result.findings[1].check = PA_CHECK_UNK_001;
	f.result.checks[PA_CHECK_EXP_001].status = PA_STATUS_PASSED;
	f.result.checks[PA_CHECK_UNK_001].status = PA_STATUS_FAILED;
	f.result.checks[PA_CHECK_EXP_005].status = PA_STATUS_FAILED;
	f.result.checks[PA_CHECK_EXP_005].reason = "reported as PA-EXP-003";
	xmlDocPtr parsed = document();
	check(parsed, "count(//testcase[starts-with(@name, 'PA-EXP-001 ')]/*)", "0");
	check(parsed, "string(//testcase[starts-with(@name, 'PA-EXP-005 ')]/failure/@message)", "reported as PA-EXP-003");
	check(parsed, "string(//testcase[starts-with(@name, 'PA-EXP-003 ')]/failure/@type)", "PA-EXP-003");
	check(parsed, "string(//testcase[starts-with(@name, 'PA-EXP-003 ')]/failure/@message)",
	      "3306/tcp (mysql) is reachable from anywhere, and 'deny 3306/tcp from any' says it must never be");
	check(parsed, "string(//testcase[starts-with(@name, 'PA-UNK-001 ')]/error/@type)", "PA-UNK-001");
	check(parsed, "string(//testcase[starts-with(@name, 'PA-SOC-001 ')]/skipped/@message)",
	      "not assessed: sockets are not read yet");
	check(parsed, "string(//testcase[starts-with(@name, 'PA-HYG-001 ')]/skipped/@message)", "off in allow.conf:3");
	check(parsed, "count(//testcase[@name = 'allow ssh from 10.20.0.0/16']/*)", "0");
	check(parsed, "count(//testcase[@name = 'deny 3306/tcp from any']/failure)", "1");
	check(parsed, "string(//testcase[@name = 'listen 3306/tcp never']/skipped/@message)",
	      "allow.conf:12: not assessed: sockets are not read yet");
	check(parsed, "contains(//testcase/failure, 'example: tcp 198.51.100.7:40000 -> 192.0.2.1:3306 on eth0')", "true");
	check(parsed, "contains(//testsuite[@name = 'audit']/system-out, '`listen` in allow.conf:12 is not assessed')", "true");
	xmlFreeDoc(parsed);
}
END_TEST

START_TEST(several_findings_are_one_failure)
{
	fixture_add_result(&f);
	f.result.findings[1].check = PA_CHECK_EXP_003;
	f.result.checks[PA_CHECK_EXP_001].status = PA_STATUS_PASSED;
	xmlDocPtr parsed = document();
	check(parsed,
	      "starts-with(//testcase[starts-with(@name, 'PA-EXP-003 ')]/failure/@message, '2 findings, the first: 3306/tcp')",
	      "true");
	check(parsed, "contains(//testcase[starts-with(@name, 'PA-EXP-003 ')]/failure, '8080/tcp is reachable over IPv6')",
	      "true");
	xmlFreeDoc(parsed);
}
END_TEST

START_TEST(equal_lines_have_names_of_their_own)
{
	fixture_add_result(&f);
	for (size_t i = 0; i < 3; i++) {
		struct pa_statement *statement = pa_arena_dup(f.arena, f.result.statements[i].statement, 1, sizeof(*statement));
		statement->text = i == 1 ? "allow  ssh\tfrom any" : "allow ssh from any";
		f.result.statements[i].statement = statement;
	}
	xmlDocPtr parsed = document();
	check(parsed, "count(//testcase[@name = 'allow ssh from any'])", "1");
	check(parsed, "count(//testcase[@name = 'allow ssh from any (2)'])", "1");
	check(parsed, "count(//testcase[@name = 'allow ssh from any (3)'])", "1");
	xmlFreeDoc(parsed);
}
END_TEST

START_TEST(an_incomplete_audit_is_an_error)
{
	const char *reasons[] = { "the ruleset changed while it was read", "legacy tables are there" };
	fixture_add_result(&f);
	xmlDocPtr parsed = document();
	check(parsed, "count(//testcase[@name = 'the audit is complete']/*)", "0");
	xmlFreeDoc(parsed);
	f.report.complete = false;
	f.report.incomplete = reasons;
	f.report.incomplete_count = 2;
	parsed = document();
	check(parsed, "string(//testcase[@name = 'the audit is complete']/error/@message)", reasons[0]);
	check(parsed, "contains(//testcase[@name = 'the audit is complete']/error, 'legacy tables')", "true");
	xmlFreeDoc(parsed);
	f.report.complete = true;
	f.report.incomplete_count = 0;
	f.report.rows_cut = true;
	parsed = document();
	check(parsed, "count(//testcase[@name = 'the audit is complete']/error)", "1");
	xmlFreeDoc(parsed);
}
END_TEST

START_TEST(a_list_is_a_report_too)
{
	fixture_add_rows(&f);
	xmlDocPtr parsed = document();
	check(parsed, "count(//testcase)", "1");
	check(parsed, "contains(//system-out, '80,443/tcp http, https')", "true");
	xmlFreeDoc(parsed);
}
END_TEST

START_TEST(odd_times_and_hosts)
{
	static const double times[] = { 0, -1, 0.0004, 86400.5, 1e300 };
	static const int64_t moments[] = { 0, -1, INT64_MAX, INT64_MIN, 253402300800 };
	for (size_t i = 0; i < 5; i++) {
		f.report.seconds = times[i];
		f.report.now = moments[i];
		f.report.host = i % 2 ? "" : NULL;
		xmlDocPtr parsed = document();
		check(parsed, "string(//testsuite/@hostname)", "localhost");
		xmlFreeDoc(parsed);
	}
	f.report.seconds = __builtin_nan("");
	xmlFreeDoc(document());
}
END_TEST

START_TEST(hostile_strings_survive)
{
	struct pa_rule *rule = fixture_rule(&f, &f.input, 5, HOSTILE);
	rule->comment = HOSTILE "!";
	fixture_add_rows(&f);
	fixture_add_result(&f);
	f.table.name = f.input.name = f.report.host = f.source = f.policy.file = HOSTILE;
	f.result.findings[0].message = f.result.findings[0].fix = HOSTILE;
	f.result.findings[1].condition = HOSTILE;
	f.result.findings[0].rules[0] = rule;
	f.result.not_assessed[0] = f.result.statements[2].reason = HOSTILE;
	struct pa_statement *statement = pa_arena_dup(f.arena, f.result.statements[1].statement, 1, sizeof(*statement));
	statement->text = statement->where.file = HOSTILE;
	f.result.statements[1].statement = f.result.findings[0].statement = statement;
	xmlDocPtr parsed = document();
	check(parsed, "count(//testcase[contains(@name, 'z<a&b>]]>')])", "1");
	check(parsed, "contains(//testcase/failure, 'z<a&b>]]>')", "true");
	check(parsed, "contains(//testcase/failure, '\\x1b[2Jy')", "true");
	check(parsed, "contains(//testcase/failure, '\\xff\\xc0\\xaf \\xef\\xbf\\xbe ')", "true");
	xmlFreeDoc(parsed);
}
END_TEST

START_TEST(the_same_input_gives_the_same_bytes)
{
	fixture_add_rows(&f);
	fixture_add_result(&f);
	char *first = fixture_format(&f, PA_FORMAT_JUNIT, &plain), *second = fixture_format(&f, PA_FORMAT_JUNIT, &plain);
	ck_assert_str_eq(first, second);
	free(first);
	free(second);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report_junit");
	TCase *tcase = tcase_create("junit");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, our_schema_can_refuse);
	tcase_add_test(tcase, every_check_and_line_is_a_testcase);
	tcase_add_test(tcase, outcomes);
	tcase_add_test(tcase, several_findings_are_one_failure);
	tcase_add_test(tcase, equal_lines_have_names_of_their_own);
	tcase_add_test(tcase, an_incomplete_audit_is_an_error);
	tcase_add_test(tcase, a_list_is_a_report_too);
	tcase_add_test(tcase, odd_times_and_hosts);
	tcase_add_test(tcase, hostile_strings_survive);
	tcase_add_test(tcase, the_same_input_gives_the_same_bytes);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
