/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_evaluate pa_space pa_ir pa_base
/* The order of base chains: by priority, the later created first; nat chains together at -100 or 100; conntrack at -200. */
#include "../../audit/evaluate/plan.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct pa_ruleset *ruleset;
static struct pa_arena *arena;

static void setup(void)
{
	ruleset = pa_ruleset_new();
	arena = pa_arena_new();
}

static void teardown(void)
{
	pa_ruleset_free(ruleset);
	pa_arena_free(arena);
}

static void add(struct pa_table *table, const char *name, enum pa_chain_type type, enum pa_hook hook, int priority)
{
	struct pa_chain *chain = pa_table_add_chain(ruleset, table, name);
	chain->is_base = true;
	chain->type = type;
	chain->hook = hook;
	chain->priority = priority;
}

/* "a CT b [n m] c" */
static void expect(enum pa_hook hook, const char *wanted)
{
	struct pa_plan plan;
	struct pa_buffer text = { 0 };
	pa_ruleset_finish(ruleset);
	pa_plan_make(ruleset, arena, &plan);
	for (size_t i = 0; i < plan.hook[hook].count; i++) {
		const struct pa_stage *stage = &plan.hook[hook].stages[i];
		pa_buffer_puts(&text, i ? " " : "");
		if (stage->kind == PA_STAGE_CHAIN)
			pa_buffer_printf(&text, "%s%s", stage->chain->name, stage->state_unsure ? "?" : "");
		else if (stage->kind == PA_STAGE_CONNTRACK)
			pa_buffer_puts(&text, "CT");
		for (size_t k = 0; stage->kind == PA_STAGE_NAT && k < stage->nat_count; k++)
			pa_buffer_printf(&text, "%s%s%s", k ? " " : "[", stage->nat[k]->name,
					 k + 1 == stage->nat_count ? "]" : "");
	}
	ck_assert_str_eq(text.data ? text.data : "", wanted);
	pa_buffer_done(&text);
}

START_TEST(test_priorities)
{
	struct pa_table *a = pa_ruleset_add_table(ruleset, PA_FAMILY_INET, "a"),
			*b = pa_ruleset_add_table(ruleset, PA_FAMILY_IP, "b");
	add(a, "late", PA_CHAIN_FILTER, PA_HOOK_PREROUTING, 10);
	add(a, "zero", PA_CHAIN_FILTER, PA_HOOK_PREROUTING, 0);
	add(b, "zero-again", PA_CHAIN_FILTER, PA_HOOK_PREROUTING, 0);
	add(b, "raw", PA_CHAIN_FILTER, PA_HOOK_PREROUTING, -300);
	add(b, "input", PA_CHAIN_FILTER, PA_HOOK_INPUT, 5);
	expect(PA_HOOK_PREROUTING, "raw CT zero-again zero late");
	expect(PA_HOOK_INPUT, "input");
	expect(PA_HOOK_OUTPUT, "CT");
	expect(PA_HOOK_FORWARD, "");
}
END_TEST

START_TEST(test_nat_chains_run_together)
{
	struct pa_table *a = pa_ruleset_add_table(ruleset, PA_FAMILY_IP, "a"),
			*b = pa_ruleset_add_table(ruleset, PA_FAMILY_INET, "b");
	add(a, "n10", PA_CHAIN_NAT, PA_HOOK_PREROUTING, 10);
	add(b, "n-150", PA_CHAIN_NAT, PA_HOOK_PREROUTING, -150);
	add(b, "n10-again", PA_CHAIN_NAT, PA_HOOK_PREROUTING, 10);
	add(b, "before", PA_CHAIN_FILTER, PA_HOOK_PREROUTING, -120);
	add(b, "behind", PA_CHAIN_FILTER, PA_HOOK_PREROUTING, -90);
	add(a, "source", PA_CHAIN_NAT, PA_HOOK_POSTROUTING, 0);
	add(a, "p99", PA_CHAIN_FILTER, PA_HOOK_POSTROUTING, 99);
	add(a, "p100", PA_CHAIN_FILTER, PA_HOOK_POSTROUTING, 100);
	add(a, "p101", PA_CHAIN_FILTER, PA_HOOK_POSTROUTING, 101);
	expect(PA_HOOK_PREROUTING, "CT before [n-150 n10-again n10] behind");
	expect(PA_HOOK_POSTROUTING, "p99 p100 [source] p101"); /* p100 was registered later */
}
END_TEST

START_TEST(test_dormant_and_foreign_tables_are_left_out)
{
	struct pa_table *a = pa_ruleset_add_table(ruleset, PA_FAMILY_IP, "a"),
			*b = pa_ruleset_add_table(ruleset, PA_FAMILY_BRIDGE, "b");
	a->dormant = true;
	add(a, "asleep", PA_CHAIN_FILTER, PA_HOOK_FORWARD, 0);
	add(b, "bridge", PA_CHAIN_FILTER, PA_HOOK_FORWARD, 0);
	expect(PA_HOOK_FORWARD, "");
	a->dormant = false;
	expect(PA_HOOK_FORWARD, "asleep");
}
END_TEST

START_TEST(test_chain_at_conntracks_priority_is_unsure)
{
	struct pa_table *a = pa_ruleset_add_table(ruleset, PA_FAMILY_INET, "a");
	add(a, "at", PA_CHAIN_FILTER, PA_HOOK_PREROUTING, -200);
	add(a, "above", PA_CHAIN_FILTER, PA_HOOK_PREROUTING, -199);
	add(a, "input", PA_CHAIN_FILTER, PA_HOOK_INPUT, -200);
	expect(PA_HOOK_PREROUTING, "CT at? above");
	expect(PA_HOOK_INPUT, "input");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan");
	TCase *cases = tcase_create("plan");
	tcase_add_checked_fixture(cases, setup, teardown);
	tcase_add_test(cases, test_priorities);
	tcase_add_test(cases, test_nat_chains_run_together);
	tcase_add_test(cases, test_dormant_and_foreign_tables_are_left_out);
	tcase_add_test(cases, test_chain_at_conntracks_priority_is_unsure);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
