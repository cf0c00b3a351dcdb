/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_nft pa_ir pa_base
/*
 * libnftables JSON to the ruleset. tests/cases/ir holds the cases: name.json goes in, name.expected is the text of what
 * comes out, rules and steps, or the errors.
 */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../rules/nft/document.h"
#include "case_file.h"
#include "ir_text.h"

#define CASES PA_SOURCE_DIR "/tests/cases/ir"

static struct pa_ruleset *lower(const char *json, size_t length, struct pa_diags *diags)
{
	struct pa_nft_document document = { .json = json, .length = length, .source_name = "test.json" };
	struct pa_ruleset *ruleset = pa_ruleset_new();
	if (pa_nft_lower(&document, ruleset, diags) && pa_ruleset_check(ruleset, diags))
		return ruleset;
	ck_assert(pa_diags_has_errors(diags));
	return pa_ruleset_free(ruleset);
}

static struct pa_ruleset *lower_text(const char *json, struct pa_diags *diags)
{
	return lower(json, strlen(json), diags);
}

/* What a document comes to, errors included. */
static void describe(const char *json, size_t length, struct pa_buffer *out)
{
	struct pa_diags diags = { 0 };
	struct pa_ruleset *ruleset = lower(json, length, &diags);
	for (size_t i = 0; i < diags.count; i++)
		pa_buffer_printf(out, "%s:%u:%u: %s: %s\n", diags.items[i].where.file, diags.items[i].where.line,
				 diags.items[i].where.column, diags.items[i].kind == PA_DIAG_INPUT ? "input" : "incomplete",
				 diags.items[i].message);
	if (ruleset)
		put_ruleset_with_steps(ruleset, out);
	pa_ruleset_free(ruleset);
	pa_diags_done(&diags);
}

static int is_case(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);
	return length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0;
}

static bool run_case(const char *name)
{
	struct pa_buffer in_path = { 0 }, out_path = { 0 }, in = { 0 }, found = { 0 };
	pa_buffer_printf(&in_path, "%s/%s", CASES, name);
	pa_buffer_printf(&out_path, "%s/%.*s.expected", CASES, (int)strlen(name) - 5, name);
	ck_assert(read_file(in_path.data, &in));
	describe(in.data ? in.data : "", in.length, &found);
	bool same = case_is_expected(out_path.data, &found);
	pa_buffer_done(&in_path);
	pa_buffer_done(&out_path);
	pa_buffer_done(&in);
	pa_buffer_done(&found);
	return same;
}

START_TEST(cases)
{
	struct dirent **entries;
	int count = scandir(CASES, &entries, is_case, alphasort);
	ck_assert_int_ge(count, 20);
	int wrong = 0;
	for (int i = 0; i < count; i++) {
		wrong += !run_case(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	ck_assert_int_eq(wrong, 0);
}
END_TEST

/* Every document cut short anywhere is refused, and with a place. */
START_TEST(truncated)
{
	struct pa_buffer in = { 0 };
	ck_assert(read_file(CASES "/verdict-maps.json", &in));
	while (in.length && in.data[in.length - 1] != '}')
		in.length--;
	for (size_t length = 0; length < in.length; length++) {
		struct pa_diags diags = { 0 };
		char *copy = pa_xmalloc(length);
		memcpy(copy, in.data, length);
		ck_assert_ptr_null(lower(copy, length, &diags));
		ck_assert_uint_eq(diags.count, 1);
		ck_assert_str_eq(diags.items[0].where.file, "test.json");
		ck_assert_uint_ge(diags.items[0].where.line, 1);
		free(copy);
		pa_diags_done(&diags);
	}
	pa_buffer_done(&in);
}
END_TEST

#define TABLE "{\"table\": {\"family\": \"inet\", \"name\": \"t\"}}"
#define CHAIN(name) "{\"chain\": {\"family\": \"inet\", \"table\": \"t\", \"name\": \"" name "\"}}"
#define RULE(expr) "{\"rule\": {\"family\": \"inet\", \"table\": \"t\", \"chain\": \"c\", \"expr\": [" expr "]}}"
#define LIST(...) "{\"nftables\": [" __VA_ARGS__ "]}"

static const struct {
	const char *json;
	const char *message; /* what the error must contain */
} broken[] = {
	{ "", "the text ends in the middle" },
	{ " \n ", "the text ends in the middle" },
	{ "[]", "this is no object" },
	{ "{}", "this is no { \"nftables\": [...] }" },
	{ "{\"nftables\": {}}", "this is no array" },
	{ "{\"nftables\": []} x", "text behind the end" },
	{ "{\"nftables\": [], \"nftables\": []}", "this is no { \"nftables\": [...] }" },
	{ LIST("5"), "this is no object" },
	{ LIST("{}"), "an object without a kind" },
	{ LIST(TABLE " " TABLE), "no comma between two values" },
	{ LIST(TABLE ", " TABLE), "table inet t is listed twice" },
	{ LIST(TABLE ", " CHAIN("c") ", " CHAIN("c")), "chain \"c\" of table inet t is listed twice" },
	{ LIST("{\"table\": {\"family\": \"inet\", \"name\": \"t\"}, \"x\": 1}"), "an object with two kinds" },
	{ LIST("{\"table\": 5}"), "\"table\" is no object" },
	{ LIST("{\"table\": {\"family\": \"dns\", \"name\": \"t\"}}"), "a table without family and name" },
	{ LIST("{\"table\": {\"family\": \"inet\", \"family\": \"ip\"}}"), "two members of one name" },
	{ LIST("{\"table\": {\"family\": \"inet\", \"name\": \"a\\u0000b\"}}"), "names no character" },
	{ LIST("{\"table\": {\"family\": \"inet\", \"name\": \"\\ud800\"}}"), "names no character" },
	{ LIST("{\"table\": {\"family\": \"inet\", \"name\": \"\\q\"}}"), "an unknown escape" },
	{ LIST("{\"table\": {\"family\": \"inet\", \"name\": \"a\nb\"}}"), "a control character inside a string" },
	{ LIST("{\"table\": {\"family\": \"inet\", \"name\": \"a\xff\"}}"), "not UTF-8" },
	{ LIST("{\"table\": {\"family\": \"inet\", \"name\": \"t\", \"handle\": 1e400}}"), "out of range" },
	{ LIST("{\"table\": {\"family\": \"inet\", \"name\": \"t\", \"handle\": 99999999999999999999}}"), "over 64 bits" },
	{ LIST("{\"table\": {\"family\": \"inet\", \"name\": \"t\", \"handle\": 01}}"), "no JSON value" },
	{ LIST(CHAIN("c")), "a chain of table inet t, which the listing does not have" },
	{ LIST(TABLE ", " RULE("{\"accept\": null}")), "a rule of chain \"c\", which the listing does not have" },
	{ LIST(TABLE ", " CHAIN("c") ", " RULE(
		  "{\"match\": {\"op\": \"==\", \"left\": {\"meta\": {\"key\": \"mark\"}}, \"right\": \"@s\"}}")),
	  "the set \"s\", which its table does not have" },
	{ LIST(TABLE
	       ", {\"chain\": {\"family\": \"inet\", \"table\": \"t\", \"name\": \"b\", \"type\": \"filter\", \"hook\": \"moon\", \"prio\": 0}}"),
	  "a type or hook that is not known" },
	{ LIST("{\"add\": " TABLE "}"), "these are commands, not a listing" },
};

START_TEST(refused)
{
	struct pa_diags diags = { 0 };
	ck_assert_ptr_null(lower_text(broken[_i].json, &diags));
	ck_assert_uint_eq(diags.count, 1);
	ck_assert_int_eq(diags.items[0].kind, PA_DIAG_INPUT);
	if (!strstr(diags.items[0].message, broken[_i].message))
		ck_abort_msg("%s\n%s", broken[_i].json, diags.items[0].message);
	pa_diags_done(&diags);
}
END_TEST

START_TEST(deep)
{
	struct pa_buffer text = { 0 };
	struct pa_diags diags = { 0 };
	pa_buffer_puts(&text,
		       "{\"nftables\": [" TABLE
		       ", " CHAIN("c") ", {\"rule\": {\"family\": \"inet\", \"table\": \"t\", \"chain\": \"c\", \"expr\": ");
	for (int i = 0; i < 200000; i++)
		pa_buffer_putc(&text, '[');
	ck_assert_ptr_null(lower(text.data, text.length, &diags));
	ck_assert_ptr_nonnull(strstr(diags.items[0].message, "nested too deeply"));
	pa_diags_done(&diags);
	pa_buffer_done(&text);
}
END_TEST

/* Two documents are one host: a chain of both has the rules of both, in order. */
START_TEST(two_documents)
{
	static const char *const texts[] = { LIST(TABLE ", " CHAIN("c") ", " RULE("{\"accept\": null}")),
					     LIST(TABLE ", " CHAIN("c") ", " RULE("{\"drop\": null}")) };
	struct pa_diags diags = { 0 };
	struct pa_ruleset *ruleset = pa_ruleset_new();
	for (int i = 0; i < 2; i++) {
		struct pa_nft_document document = { .json = texts[i],
						    .length = strlen(texts[i]),
						    .source_name = i ? "b" : "a" };
		ck_assert(pa_nft_lower(&document, ruleset, &diags));
	}
	ck_assert(pa_ruleset_check(ruleset, &diags));
	ck_assert_uint_eq(ruleset->source_count, 2);
	ck_assert_uint_eq(ruleset->table_count, 1);
	ck_assert_uint_eq(ruleset->rule_count, 2);
	ck_assert_str_eq(ruleset->rules[0]->text, "accept");
	ck_assert_str_eq(ruleset->rules[0]->where.file, "a");
	ck_assert_str_eq(ruleset->rules[1]->text, "drop");
	ck_assert_str_eq(ruleset->rules[1]->where.file, "b");
	pa_ruleset_free(ruleset);
}
END_TEST

/* The corpus of others' rulesets, where it is at hand: everything is read, and nothing common is opaque. */
START_TEST(corpus)
{
	static const char *const names[] = {
		"firewalld/default-public", "firewalld/ipsets-policies",  "firewalld/panic",
		"fail2ban/nftables",	    "fail2ban/nftables_allports", "wireguard/wg-quick-nft"
	};
	size_t rules = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct pa_buffer path = { 0 }, text = { 0 };
		struct pa_diags diags = { 0 };
		pa_buffer_printf(&path, "%s/../shared/corpus/managers/%s.json", PA_SOURCE_DIR, names[i]);
		if (!read_file(path.data, &text)) {
			printf("SKIPPED: %s is not at hand\n", path.data);
			pa_buffer_done(&path);
			continue;
		}
		struct pa_ruleset *ruleset = lower(text.data, text.length, &diags);
		ck_assert_msg(ruleset != NULL, "%s: %s", names[i], diags.count ? diags.items[0].message : "");
		for (size_t j = 0; j < ruleset->rule_count; j++)
			for (size_t k = 0; k < ruleset->rules[j]->step_count; k++)
				ck_assert_msg(ruleset->rules[j]->steps[k].kind != PA_STEP_OPAQUE, "%s",
					      ruleset->rules[j]->text);
		ck_assert_uint_eq(ruleset->gap_count, 0);
		rules += ruleset->rule_count;
		pa_ruleset_free(ruleset);
		pa_diags_done(&diags);
		pa_buffer_done(&path);
		pa_buffer_done(&text);
	}
	printf("corpus: %zu rules\n", rules);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lower");
	TCase *tests = tcase_create("lower");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, cases);
	tcase_add_test(tests, truncated);
	tcase_add_loop_test(tests, refused, 0, sizeof(broken) / sizeof(*broken));
	tcase_add_test(tests, deep);
	tcase_add_test(tests, two_documents);
	tcase_add_test(tests, corpus);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
