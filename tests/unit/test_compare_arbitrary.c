/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_compare pa_evaluate pa_space pa_ir pa_base
/* Values that a ruleset does not single out. */
#include <check.h>

#include "../../audit/compare/compare.h"

static struct pa_ruleset *ruleset;
static struct pa_chain *chain;
static struct pa_arena *arena;

static void set_up(void)
{
	ruleset = pa_ruleset_new();
	chain = pa_table_add_chain(ruleset, pa_ruleset_add_table(ruleset, PA_FAMILY_INET, "t"), "c");
	arena = pa_arena_new();
}

static void tear_down(void)
{
	pa_arena_free(arena);
	pa_ruleset_free(ruleset);
}

static void add_match(enum pa_field field, const struct pa_interval *intervals, size_t count)
{
	struct pa_rule *rule = pa_chain_add_rule(ruleset, chain);
	struct pa_step *step = pa_arena_alloc(ruleset->arena, 1, sizeof(*step));
	struct pa_elements *elements = pa_arena_alloc(ruleset->arena, 1, sizeof(*elements));
	struct pa_key_part *part = pa_arena_alloc(ruleset->arena, 1, sizeof(*part));

	*part = (struct pa_key_part){ .field = field, .mask = pa_field_max(field) };
	*elements = (struct pa_elements){ .parts = 1,
					  .count = count,
					  .keys = pa_arena_dup(ruleset->arena, intervals, count, sizeof(*intervals)),
					  .sorted = true };
	*step = (struct pa_step){ .kind = PA_STEP_MATCH, .key = { 1, part }, .elements = elements };
	rule->steps = step;
	rule->step_count = 1;
}

static void add_interval(enum pa_field field, pa_u128 first, pa_u128 last)
{
	struct pa_interval interval = { first, last };

	add_match(field, &interval, 1);
}

static const struct arbitrary *finish(void)
{
	struct pa_diags diags = { 0 };

	ck_assert(pa_ruleset_check(ruleset, &diags));
	pa_diags_done(&diags);
	return compare_arbitrary(ruleset, arena);
}

static bool has_value(const struct arbitrary_values *values, pa_u128 first, pa_u128 last)
{
	for (size_t i = 0; i < values->count; i++)
		if (values->value[i] >= first && values->value[i] <= last)
			return true;
	return false;
}

START_TEST(nothing_is_singled_out_by_an_empty_ruleset)
{
	const struct arbitrary *arbitrary = finish();

	ck_assert_uint_eq(arbitrary->port.count, 1);
	ck_assert_uint_eq(arbitrary->source_port.count, 1);
	ck_assert_uint_eq(arbitrary->source[0].count, 1);
	ck_assert_uint_eq(arbitrary->source[1].count, 1);
	ck_assert(pa_value_is_ipv4(arbitrary->source[0].value[0]));
	ck_assert(!pa_value_is_ipv4(arbitrary->source[1].value[0]));
	ck_assert_uint_eq(arbitrary->input_names.count, 0);
	ck_assert(!arbitrary->used[PA_FIELD_DPORT]);
}
END_TEST

START_TEST(a_narrow_test_singles_out)
{
	const struct arbitrary *arbitrary;

	add_interval(PA_FIELD_DPORT, 40000, 50000);
	add_interval(PA_FIELD_SPORT, 32768, 50000);
	add_interval(PA_FIELD_SADDR, PA_IPV4_BASE | 0xc6336400u, PA_IPV4_BASE | 0xc63364ffu); /* 198.51.100.0/24 */
	arbitrary = finish();
	ck_assert_uint_eq(arbitrary->port.count, 1);
	ck_assert(!has_value(&arbitrary->port, 40000, 50000));
	ck_assert_uint_eq(arbitrary->source[0].count, 1);
	ck_assert(!has_value(&arbitrary->source[0], PA_IPV4_BASE | 0xc6336400u, PA_IPV4_BASE | 0xc63364ffu));
	ck_assert(arbitrary->used[PA_FIELD_DPORT] && arbitrary->used[PA_FIELD_SADDR] && !arbitrary->used[PA_FIELD_DADDR]);
}
END_TEST

START_TEST(a_wide_test_splits)
{
	const struct arbitrary *arbitrary;

	add_interval(PA_FIELD_DPORT, 1024, 65535);
	arbitrary = finish();
	ck_assert_uint_eq(arbitrary->port.count, 2);
	ck_assert(has_value(&arbitrary->port, 1, 1023));
	ck_assert(has_value(&arbitrary->port, 1024, 65535));
}
END_TEST

START_TEST(all_ports_in_one_test_are_one_kind)
{
	const struct arbitrary *arbitrary;

	add_interval(PA_FIELD_DPORT, 0, 65535);
	arbitrary = finish();
	ck_assert_uint_eq(arbitrary->port.count, 1);
}
END_TEST

START_TEST(everything_singled_out_leaves_nothing)
{
	struct pa_interval quarters[] = { { 0, 16383 }, { 16384, 32767 }, { 32768, 49151 }, { 49152, 65535 } };
	const struct arbitrary *arbitrary;

	add_match(PA_FIELD_DPORT, quarters, 4);
	arbitrary = finish();
	ck_assert_uint_eq(arbitrary->port.count, 0);
}
END_TEST

START_TEST(interfaces_are_listed_but_not_every_name)
{
	const struct arbitrary *arbitrary;
	pa_u128 name = pa_ifname_value("eth0");

	add_interval(PA_FIELD_IIFNAME, name, name);
	add_interval(PA_FIELD_IIFNAME, name, name);
	add_interval(PA_FIELD_IIFNAME, 0, PA_U128_MAX);
	arbitrary = finish();
	ck_assert_uint_eq(arbitrary->input_names.count, 1);
	ck_assert(arbitrary->input_names.items[0].first == name && arbitrary->input_names.items[0].last == name);
}
END_TEST

START_TEST(intervals_merge)
{
	struct pa_interval items[] = { { 10, 20 }, { 1, 2 }, { 21, 30 }, { 5, 12 }, { 3, 3 }, { 40, PA_U128_MAX }, { 50, 60 } };

	ck_assert_uint_eq(compare_merge_intervals(items, 7), 3);
	ck_assert(items[0].first == 1 && items[0].last == 3);
	ck_assert(items[1].first == 5 && items[1].last == 30);
	ck_assert(items[2].first == 40 && items[2].last == PA_U128_MAX);
	ck_assert_uint_eq(compare_merge_intervals(items, 0), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("arbitrary");
	TCase *tests = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_add_test(tests, nothing_is_singled_out_by_an_empty_ruleset);
	tcase_add_test(tests, a_narrow_test_singles_out);
	tcase_add_test(tests, a_wide_test_splits);
	tcase_add_test(tests, all_ports_in_one_test_are_one_kind);
	tcase_add_test(tests, everything_singled_out_leaves_nothing);
	tcase_add_test(tests, interfaces_are_listed_but_not_every_name);
	tcase_add_test(tests, intervals_merge);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
