/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_nft pa_xtables pa_ir pa_base
/*
 * Texts of the -save programs put into a listing. The reader in this test knows a language of its own: words, "t TABLE", "c CHAIN"
 * (capital letters: a base chain of input), "drop" (its policy), "r" a rule, "m" a rule that sets a mark, "+" more of the rule before
 * it, "gap", "bad".
 */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../rules/nft/load_xtables.h"

static uint32_t line;

static void add_rule(struct pa_ruleset *ruleset, struct pa_chain *chain, const char *word)
{
	struct pa_rule *rule = pa_chain_add_rule(ruleset, chain);

	rule->text = pa_arena_printf(ruleset->arena, "%s of %s", word, chain->name);
	rule->where = (struct pa_location){ "text", *word == '+' ? line : ++line, 1, 1 };
	rule->steps = pa_arena_alloc(ruleset->arena, 1, sizeof(*rule->steps));
	rule->step_count = 1;
	rule->steps[0].kind = *word == 'm' ? PA_STEP_ASSIGN : PA_STEP_VERDICT;
}

static bool read_words(struct pa_ruleset *ruleset, const struct pa_xtables_text *text, const struct pa_xtables_text *texts,
		       enum pa_table_source source, struct pa_diags *diags)
{
	char *copy = pa_arena_strdup(ruleset->arena, text->text.data), *rest = copy;
	struct pa_table *table = NULL;
	struct pa_chain *chain = NULL;

	for (char *word; (word = strsep(&rest, " "));) {
		if (strcmp(word, "t") == 0) {
			table = pa_ruleset_add_table(ruleset, text->family == 4 ? PA_FAMILY_IP : PA_FAMILY_IP6,
						     strsep(&rest, " "));
			table->source = source;
		} else if (strcmp(word, "c") == 0) {
			chain = pa_table_add_chain(ruleset, table, strsep(&rest, " "));
			chain->is_base = isupper(chain->name[0]);
			chain->hook = PA_HOOK_INPUT;
		} else if (strcmp(word, "drop") == 0) {
			chain->policy = PA_VERDICT_DROP;
		} else if (strcmp(word, "gap") == 0) {
			pa_ruleset_add_gap(ruleset, texts && texts[PA_XTABLES_SETS].text.data ? "with sets" : "without sets",
					   NULL);
		} else if (strcmp(word, "bad") == 0) {
			pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "not understood");
			return false;
		} else if (*word) {
			add_rule(ruleset, chain, word);
		}
	}
	return true;
}

static const struct pa_xtables_reader reader = { read_words };

/* A listing: tables of family ip in the same language; "x" behind the name of a table: it has xt parts. */
static struct pa_ruleset *listing(const char *text)
{
	struct pa_ruleset *ruleset = pa_ruleset_new();
	struct pa_xtables_text words = { .family = 4 };
	struct pa_diags diags = { 0 };
	uint64_t handle = 100;

	pa_buffer_puts(&words.text, text);
	ck_assert(read_words(ruleset, &words, NULL, PA_SOURCE_NFT, &diags));
	pa_buffer_done(&words.text);
	for (size_t i = 0; i < ruleset->table_count; i++)
		ruleset->tables[i]->has_xt = strchr(ruleset->tables[i]->name, 'x') != NULL;
	for (size_t i = 0; i < ruleset->chain_count; i++)
		for (size_t j = 0; j < ruleset->chains[i]->rule_count; j++) {
			ruleset->chains[i]->rules[j]->handle = handle++;
			ruleset->chains[i]->rules[j]->text = "listed";
			ruleset->chains[i]->rules[j]->where = (struct pa_location){ 0 };
		}
	return ruleset;
}

/* "t x[c I: 100 r of I, ...]" for each table, in the order of ids, then gaps. */
static char *print(struct pa_ruleset *ruleset)
{
	struct pa_buffer out = { 0 };

	pa_ruleset_finish(ruleset);
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		const struct pa_chain *chain = ruleset->chains[i];
		ck_assert_uint_eq(chain->id, i);
		pa_buffer_printf(&out, "%s%s %s%s%s:", i ? "; " : "", chain->table->name,
				 chain->table->source == PA_SOURCE_IPTABLES_LEGACY ? "legacy " : "",
				 chain->table->age_unknown ? "sometime " : "", chain->name);
		for (size_t j = 0; j < chain->rule_count; j++) {
			ck_assert_ptr_eq(chain->rules[j]->chain, chain);
			ck_assert_ptr_null(chain->rules[j]->where.file);
			pa_buffer_printf(&out, " %llu %s", (unsigned long long)chain->rules[j]->handle, chain->rules[j]->text);
		}
	}
	for (size_t i = 0; i < ruleset->gap_count; i++)
		pa_buffer_printf(&out, " | %s", ruleset->gaps[i].message);
	return out.data;
}

static const struct {
	const char *listed, *nft4, *legacy4; /* a text that begins with "!" is a problem */
	const char *expected;
} cases[] = {
	{ "t x c I r r c u r t y c J r", "t x c I a b c u d", NULL,
	  "x I: 100 a of I 101 b of I; x u: 102 d of u; y J: 103 listed" },
	/* one rule may become several */
	{ "t x c I r r", "t x c I a + + b", NULL, "x I: 100 a of I 100 + of I 100 + of I 101 b of I" },
	/* base chains that do not exist are printed, empty */
	{ "t x c I r", "t x c FORWARD c I a", NULL, "x I: 100 a of I" },
	{ "t x c I r", "t x c FORWARD drop c I a", NULL,
	  "x I: 100 listed | the rules of table ip x are not known in full, and iptables-nft-save does not help: nft's listing has no chain "
	  "FORWARD" },
	{ "t x c I r r", "t x c I a", NULL,
	  "x I: 100 listed 101 listed | the rules of table ip x are not known in full, and iptables-nft-save does not help: chain I has 1 rules "
	  "in it and 2 in nft's listing" },
	{ "t x c I r", "t x c I drop a", NULL,
	  "x I: 100 listed | the rules of table ip x are not known in full, and iptables-nft-save does not help: chain I has another policy" },
	{ "t x c I r c u", "t x c I a", NULL,
	  "x I: 100 listed; x u: | the rules of table ip x are not known in full, and iptables-nft-save does not help: it has no chain u" },
	{ "t x c I r", "t y c I a", NULL,
	  "x I: 100 listed | the rules of table ip x are not known in full, and iptables-nft-save does not help: it does not print this table" },
	{ "t x c I r", "!it is broken", NULL,
	  "x I: 100 listed | the rules of table ip x are not known in full, and iptables-nft-save does not help: it is broken" },
	{ "t x c I r", "t x c I a gap", NULL, "x I: 100 a of I | without sets" },
	{ "t y c I r", NULL, "t filter c I a c u b", "y I: 100 listed; filter legacy I: 0 a of I; filter legacy u: 0 b of u" },
	{ "t y c I r", NULL, "!gone",
	  "y I: 100 listed | iptables-legacy tables exist (filter), and what they let in or refuse is not in this audit: gone" },
	{ "t y c I r", NULL, "t nat c I a",
	  "y I: 100 listed | iptables-legacy tables exist (filter), and what they let in or refuse is not in this audit: it does not print table "
	  "filter" },
	/* which chain runs first matters when one changes packets */
	{ "t y c I m", NULL, "t filter c I a", "y I: 100 listed; filter legacy sometime I: 0 a of I" },
	{ "t y c I m", NULL, "t filter c I", "y I: 100 listed; filter legacy I:" },
	{ "t y c u m", NULL, "t filter c I a", "y u: 100 listed; filter legacy I: 0 a of I" },
	{ "t y c I r", NULL, "t filter c I a c u m",
	  "y I: 100 listed; filter legacy sometime I: 0 a of I; filter legacy sometime u: 0 m of u" },
	{ "t x c I r", "t x c I m", "t filter c I a", "x I: 100 m of I; filter legacy sometime I: 0 a of I" },
	{ "t y c I m c J c K", NULL, "t filter c I a", "y I: 100 listed; y J:; y K:; filter legacy sometime I: 0 a of I" },
	{ "t y c I m c J c K c L", NULL, "t filter c I a",
	  "y I: 100 listed; y J:; y K:; y L:; filter legacy sometime I: 0 a of I | chain I of the iptables-legacy table filter, chain L of table "
	  "ip y and others have the same hook and priority: which of them runs first cannot be told" },
};

static void give(struct pa_xtables_text *text, const char *words, const char *program)
{
	text->wanted = words != NULL;
	text->program = program;
	text->family = 4;
	if (words && *words == '!')
		text->problem = words + 1;
	else if (words)
		pa_buffer_puts(&text->text, words);
}

START_TEST(test_apply)
{
	struct pa_xtables_text texts[PA_XTABLES_COUNT] = { 0 };
	struct pa_ruleset *ruleset = listing(cases[_i].listed);
	struct pa_xtables_plan plan = { .any = true };
	struct pa_diags diags = { 0 };

	give(&texts[PA_XTABLES_NFT4], cases[_i].nft4, "iptables-nft-save");
	give(&texts[PA_XTABLES_LEGACY4], cases[_i].legacy4, "iptables-legacy-save");
	if (cases[_i].legacy4)
		memcpy(plan.legacy_names[0], "filter", 7);
	enum pa_xtables_result result = pa_xtables_apply(ruleset, &plan, texts, &reader, &diags);
	/* a table that is printed and does not fit may be another moment's */
	bool differs =
		strstr(cases[_i].expected, "iptables-nft-save does not help") && !strstr(cases[_i].expected, "it is broken");
	ck_assert_int_eq(result, differs ? PA_XTABLES_DISAGREE : PA_XTABLES_DONE);
	char *text = print(ruleset);
	ck_assert_str_eq(text, cases[_i].expected);
	free(text);
	for (unsigned i = 0; i < PA_XTABLES_COUNT; i++)
		pa_buffer_done(&texts[i].text);
	pa_ruleset_free(ruleset);
}
END_TEST

START_TEST(test_not_understood)
{
	struct pa_xtables_text texts[PA_XTABLES_COUNT] = { 0 };
	struct pa_ruleset *ruleset = listing("t x c I r");
	struct pa_xtables_plan plan = { .any = true };
	struct pa_diags diags = { 0 };

	give(&texts[PA_XTABLES_NFT4], "t x bad", "iptables-nft-save");
	texts[PA_XTABLES_SETS].problem = "ipset is not there";
	ck_assert_int_eq(pa_xtables_apply(ruleset, &plan, texts, &reader, &diags), PA_XTABLES_FAILED);
	/* not the user's file: the audit is incomplete */
	ck_assert_int_eq(diags.items[0].kind, PA_DIAG_INCOMPLETE);
	ck_assert_str_eq(ruleset->gaps[0].message, "rules ask sets whose elements are not known: ipset is not there");
	pa_buffer_done(&texts[PA_XTABLES_NFT4].text);
	pa_ruleset_free(ruleset);
	pa_diags_done(&diags);
}
END_TEST

/* ebtables and arptables have no program here. */
START_TEST(test_other_families)
{
	struct pa_ruleset *ruleset = listing("t x c I r t y c J r");

	pa_xtables_add_other_gaps(ruleset);
	ck_assert_uint_eq(ruleset->gap_count, 0);
	ruleset->tables[0]->family = PA_FAMILY_BRIDGE;
	pa_xtables_add_other_gaps(ruleset);
	ck_assert_uint_eq(ruleset->gap_count, 1);
	ck_assert_str_eq(ruleset->gaps[0].message,
			 "table bridge x holds xtables matches or targets whose arguments nft does not show");
	pa_ruleset_free(ruleset);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("load_xtables");
	TCase *tests = tcase_create("load_xtables");

	tcase_add_loop_test(tests, test_apply, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tests, test_not_understood);
	tcase_add_test(tests, test_other_families);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
