/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_ir pa_base
/* Building, checking and printing rulesets. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "portaudit/ruleset.h"

static struct pa_ruleset *ruleset;
static struct pa_table *table;
static struct pa_diags diags;

static void setup(void)
{
	ruleset = pa_ruleset_new();
	table = pa_ruleset_add_table(ruleset, PA_FAMILY_INET, "t");
	diags = (struct pa_diags){ 0 };
}

static void teardown(void)
{
	ruleset = pa_ruleset_free(ruleset);
	pa_diags_done(&diags);
}

/* "c5": a prefix and a number; without one when it is negative. */
static struct pa_chain *add_chain(bool is_base, const char *prefix, int number)
{
	const char *name = number < 0 ? prefix : pa_arena_printf(ruleset->arena, "%s%d", prefix, number);
	struct pa_chain *chain = pa_table_add_chain(ruleset, table, name);
	chain->is_base = is_base;
	return chain;
}

static struct pa_rule *add_rule(struct pa_chain *chain, const char *text)
{
	struct pa_rule *rule = pa_chain_add_rule(ruleset, chain);
	rule->text = text;
	rule->where = (struct pa_location){ .file = "f", .line = (uint32_t)chain->rule_count };
	return rule;
}

static struct pa_rule *add_jump(struct pa_chain *chain, const char *target, enum pa_verdict_kind kind)
{
	struct pa_rule *rule = add_rule(chain, "jump");
	rule->steps = pa_arena_alloc(ruleset->arena, 1, sizeof(*rule->steps));
	rule->step_count = 1;
	rule->steps[0].kind = PA_STEP_VERDICT;
	rule->steps[0].verdict.kind = kind;
	rule->steps[0].verdict.target_name = target;
	return rule;
}

START_TEST(names)
{
	ck_assert_str_eq(pa_family_name(PA_FAMILY_NETDEV), "netdev");
	ck_assert_str_eq(pa_hook_name(PA_HOOK_EGRESS), "egress");
	ck_assert_str_eq(pa_chain_type_name(PA_CHAIN_ROUTE), "route");
	ck_assert_str_eq(pa_verdict_name(PA_VERDICT_GOTO), "goto");
	ck_assert_ptr_null(pa_ruleset_free(NULL));
}
END_TEST

START_TEST(finding)
{
	ck_assert_ptr_eq(pa_ruleset_find_table(ruleset, PA_FAMILY_INET, "t"), table);
	ck_assert_ptr_null(pa_ruleset_find_table(ruleset, PA_FAMILY_IP, "t"));
	ck_assert_ptr_null(pa_table_find_chain(table, "c0"));
	struct pa_chain *chains[1000];
	for (int i = 0; i < 1000; i++)
		chains[i] = add_chain(false, "c", i);
	struct pa_set_decl *set = pa_table_add_set(ruleset, table, "c5");
	for (int i = 0; i < 1000; i++) {
		char name[16];
		snprintf(name, sizeof(name), "c%d", i);
		ck_assert_ptr_eq(pa_table_find_chain(table, name), chains[i]);
		ck_assert_uint_eq(chains[i]->id, i);
		ck_assert_ptr_eq(ruleset->chains[i], chains[i]);
	}
	ck_assert_ptr_eq(pa_table_find_set(table, "c5"), set);
	ck_assert_ptr_null(pa_table_find_set(table, "c6"));
	ck_assert_uint_eq(table->chain_count, 1000);
}
END_TEST

/* Rules are numbered chain by chain, in whatever order they were added. */
START_TEST(numbering)
{
	struct pa_chain *a = add_chain(false, "a", -1);
	struct pa_chain *b = add_chain(false, "b", -1);
	struct pa_rule *b0 = add_rule(b, "b0");
	struct pa_rule *a0 = add_rule(a, "a0");
	struct pa_rule *b1 = add_rule(b, "b1");
	pa_ruleset_finish(ruleset);
	ck_assert_uint_eq(ruleset->rule_count, 3);
	ck_assert_ptr_eq(ruleset->rules[0], a0);
	ck_assert_ptr_eq(ruleset->rules[1], b0);
	ck_assert_ptr_eq(ruleset->rules[2], b1);
	ck_assert_uint_eq(b1->id, 2);
	ck_assert_uint_eq(b1->index, 1);
	struct pa_rule *a1 = add_rule(a, "a1");
	pa_ruleset_finish(ruleset);
	ck_assert_uint_eq(ruleset->rule_count, 4);
	ck_assert_uint_eq(a1->id, 1);
	ck_assert_uint_eq(b1->id, 3);
}
END_TEST

START_TEST(resolving)
{
	struct pa_chain *base = add_chain(true, "base", -1);
	struct pa_chain *x = add_chain(false, "x", -1);
	struct pa_rule *rule = add_jump(base, "x", PA_VERDICT_JUMP);
	ck_assert(pa_ruleset_check(ruleset, &diags));
	ck_assert_ptr_eq(rule->steps[0].verdict.target, x);
	ck_assert_uint_eq(diags.count, 0);
	add_jump(base, "y", PA_VERDICT_GOTO);
	add_jump(x, "base", PA_VERDICT_JUMP);
	ck_assert(!pa_ruleset_check(ruleset, &diags));
	ck_assert_uint_eq(diags.count, 2);
	ck_assert_str_eq(diags.items[0].message, "goto to chain \"y\", which table inet t does not have");
	ck_assert_uint_eq(diags.items[0].where.line, 2);
	ck_assert_int_eq(diags.items[0].kind, PA_DIAG_INPUT);
	ck_assert_str_eq(diags.items[1].message,
			 "jump to base chain \"base\" of table inet t: only other chains can be jumped to");
}
END_TEST

/* A verdict map, named or not, is an edge like a jump. */
START_TEST(maps)
{
	struct pa_chain *base = add_chain(true, "base", -1);
	struct pa_chain *x = add_chain(false, "x", -1);
	struct pa_set_decl *map = pa_table_add_set(ruleset, table, "m");
	struct pa_datum *data = pa_arena_alloc(ruleset->arena, 2, sizeof(*data));
	map->elements.data = data;
	map->elements.count = 1;
	map->elements.has_catch_all = true;
	map->elements.catch_all = &data[1];
	data[0].verdict = (struct pa_verdict){ .kind = PA_VERDICT_ACCEPT };
	data[1].verdict = (struct pa_verdict){ .kind = PA_VERDICT_JUMP, .target_name = "x" };
	for (int i = 0; i < 2; i++) {
		struct pa_rule *rule = add_jump(i ? x : base, "x", PA_VERDICT_ACCEPT);
		rule->steps[0] = (struct pa_step){ .kind = PA_STEP_VMAP, .elements = &map->elements };
		ck_assert_int_eq(pa_ruleset_check(ruleset, &diags), i == 0);
		ck_assert_ptr_eq(data[1].verdict.target, x);
	}
	ck_assert_uint_eq(diags.count, 1);
	ck_assert_str_eq(diags.items[0].message,
			 "the jump from chain \"x\" to chain \"x\" of table inet t closes a loop that a base "
			 "chain reaches");
	/* Checked again, the answer is the same. */
	ck_assert(!pa_ruleset_check(ruleset, &diags));
	ck_assert_uint_eq(diags.count, 2);
}
END_TEST

START_TEST(loops)
{
	struct pa_chain *a = add_chain(false, "a", -1);
	struct pa_chain *b = add_chain(false, "b", -1);
	add_jump(a, "b", PA_VERDICT_JUMP);
	add_jump(b, "a", PA_VERDICT_GOTO);
	ck_assert(pa_ruleset_check(ruleset, &diags)); /* nothing reaches it: the kernel takes it */
	struct pa_chain *base = add_chain(true, "base", -1);
	ck_assert(pa_ruleset_check(ruleset, &diags));
	add_jump(base, "a", PA_VERDICT_JUMP);
	ck_assert(!pa_ruleset_check(ruleset, &diags));
	ck_assert_uint_eq(diags.count, 1);
}
END_TEST

static void add_ladder(int depth, enum pa_verdict_kind kind)
{
	struct pa_chain *from = add_chain(true, "base", -1);
	for (int i = 1; i <= depth; i++) {
		char *name = pa_arena_printf(ruleset->arena, "c%d", i);
		add_jump(from, name, kind);
		from = add_chain(false, "c", i);
	}
}

/* What the kernel says: fifteen inside each other load, sixteen do not, and goto counts as jump does. */
START_TEST(depth)
{
	enum pa_verdict_kind kind = _i & 1 ? PA_VERDICT_GOTO : PA_VERDICT_JUMP;
	bool deep = _i & 2;
	add_ladder(deep ? 16 : 15, kind);
	ck_assert_int_eq(pa_ruleset_check(ruleset, &diags), !deep);
	ck_assert_uint_eq(diags.count, deep);
	if (deep)
		ck_assert_str_eq(
			diags.items[0].message,
			"16 jumps inside each other from base chain \"base\" of table inet t on: the kernel allows 15");
}
END_TEST

/* 14 storeys of four jumps each: 4^14 ways down. */
START_TEST(diamonds)
{
	struct pa_chain *storeys[15];
	clock_t before = clock();
	for (int i = 0; i < 15; i++)
		storeys[i] = add_chain(i == 0, "s", i);
	for (int i = 0; i < 14; i++)
		for (int j = 0; j < 4; j++)
			add_jump(storeys[i], pa_arena_printf(ruleset->arena, "s%d", i + 1), PA_VERDICT_JUMP);
	ck_assert(pa_ruleset_check(ruleset, &diags));
	ck_assert_int_lt((clock() - before) / CLOCKS_PER_SEC, 1);
}
END_TEST

START_TEST(printing)
{
	struct pa_buffer out = { 0 };
	struct pa_chain *base = add_chain(true, "input", -1);
	base->hook = PA_HOOK_INPUT;
	base->priority = -5;
	base->policy = PA_VERDICT_DROP;
	base->handle = 7;
	struct pa_rule *rule = add_rule(base, "tcp dport 22 accept");
	rule->handle = 9;
	rule->comment = "ssh";
	table->dormant = true;
	struct pa_set_decl *set = pa_table_add_set(ruleset, table, "s");
	set->type_text = "ifname . mark";
	static struct pa_interval keys[4];
	keys[0] = pa_ifname_prefix("br-");
	keys[1] = (struct pa_interval){ 1, 5 };
	keys[2].first = keys[2].last = pa_ifname_value("eth0");
	keys[3] = (struct pa_interval){ 16, 16 };
	set->elements.parts = 2;
	set->elements.count = 2;
	set->elements.keys = keys;
	pa_ruleset_add_gap(ruleset, "something is missing", NULL);
	pa_ruleset_print(ruleset, &out);
	ck_assert_str_eq(out.data, "# incomplete: something is missing\n"
				   "table inet t {\n"
				   "\tflags dormant\n"
				   "\tset s {\n"
				   "\t\ttype ifname . mark\n"
				   "\t\telements = { \"br-*\" . 0x00000001-0x00000005,\n"
				   "\t\t\t     \"eth0\" . 0x00000010 }\n"
				   "\t}\n"
				   "\tchain input { # handle 7\n"
				   "\t\ttype filter hook input priority -5; policy drop;\n"
				   "\t\ttcp dport 22 accept comment \"ssh\" # handle 9\n"
				   "\t}\n"
				   "}\n");
	pa_buffer_done(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ir");
	TCase *tests = tcase_create("ir");
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, names);
	tcase_add_test(tests, finding);
	tcase_add_test(tests, numbering);
	tcase_add_test(tests, resolving);
	tcase_add_test(tests, maps);
	tcase_add_test(tests, loops);
	tcase_add_loop_test(tests, depth, 0, 4);
	tcase_add_test(tests, diamonds);
	tcase_add_test(tests, printing);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
