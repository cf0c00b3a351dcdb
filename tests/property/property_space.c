/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_space pa_base
/* Random rule lists: the diagrams against a linear interpreter, the laws of sets, boxes and projections. */
#include "space/diagram.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define RULES_MAX 60
#define FIELDS 4
static const enum pa_field fields[FIELDS] = { PA_FIELD_SADDR, PA_FIELD_DPORT, PA_FIELD_L4PROTO, PA_FIELD_IIFNAME };

static uint64_t state = 1;
static unsigned draw(unsigned below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % below;
}

struct rule {
	bool guarded[FIELDS];
	unsigned count[FIELDS];
	struct pa_interval range[FIELDS][3];
	bool negated[FIELDS];
	unsigned terminal;
};

static struct pa_interval draw_interval(enum pa_field field, unsigned wide)
{
	pa_u128 a = draw(wide), b = a + draw(wide / 4 + 1);
	if (field == PA_FIELD_SADDR || field == PA_FIELD_IIFNAME) {
		a <<= draw(2) * 90;
		b = draw(8) ? a + (b - a) : pa_field_max(field);
		if (b < a)
			b = a;
	}
	if (b > pa_field_max(field))
		b = pa_field_max(field);
	if (a > b)
		a = b;
	return (struct pa_interval){ a, b };
}

static void draw_rules(struct rule *rules, unsigned n, unsigned wide)
{
	for (unsigned i = 0; i < n; i++) {
		memset(&rules[i], 0, sizeof(rules[i]));
		for (unsigned f = 0; f < FIELDS; f++) {
			rules[i].guarded[f] = draw(3) > 0;
			rules[i].count[f] = 1 + draw(3);
			rules[i].negated[f] = draw(6) == 0;
			for (unsigned k = 0; k < rules[i].count[f]; k++)
				rules[i].range[f][k] = draw_interval(fields[f], f == 2 ? 200 : wide);
		}
		rules[i].terminal = 2 + draw(3);
	}
}

static bool holds(const struct rule *rule, const pa_u128 value[FIELDS])
{
	for (unsigned f = 0; f < FIELDS; f++) {
		bool in = false;
		for (unsigned k = 0; k < rule->count[f]; k++)
			in = in || (value[f] >= rule->range[f][k].first && value[f] <= rule->range[f][k].last);
		if (rule->guarded[f] && in == rule->negated[f])
			return false;
	}
	return true;
}

static unsigned interpret(const struct rule *rules, unsigned n, const pa_u128 value[FIELDS])
{
	for (unsigned i = 0; i < n; i++) {
		if (holds(&rules[i], value))
			return rules[i].terminal;
	}
	return 1;
}

static struct pa_space *make_space(const struct rule *rules, unsigned n)
{
	struct pa_cuts *cuts = pa_cuts_new();
	for (unsigned i = 0; i < n; i++) {
		for (unsigned f = 0; f < FIELDS; f++) {
			if (rules[i].guarded[f])
				pa_cuts_add(cuts, fields[f], rules[i].range[f], rules[i].count[f], 1, rules[i].count[f] == 1);
		}
	}
	struct pa_space *space = pa_space_new(cuts, n);
	pa_cuts_free(cuts);
	return space;
}

static pa_node make_node(struct pa_space *space, const struct rule *rules, unsigned n, struct pa_arena *arena)
{
	struct pa_item *items = pa_arena_alloc(arena, n, sizeof(*items));
	for (unsigned i = 0; i < n; i++) {
		struct pa_guard *guards = pa_arena_alloc(arena, FIELDS, sizeof(*guards));
		items[i].guards = guards;
		items[i].terminal = PA_TERMINAL(rules[i].terminal);
		for (unsigned f = 0; f < FIELDS; f++) {
			if (!rules[i].guarded[f])
				continue;
			struct pa_class_set set =
				pa_space_class_set(space, fields[f], rules[i].range[f], rules[i].count[f], 1, arena);
			if (rules[i].negated[f])
				set = pa_space_class_complement(space, fields[f], set, arena);
			guards[items[i].guard_count++] = (struct pa_guard){ fields[f], set };
		}
	}
	return pa_node_list(space, items, n, PA_TERMINAL(1));
}

static void draw_point(const struct rule *rules, unsigned n, pa_u128 value[FIELDS])
{
	for (unsigned f = 0; f < FIELDS; f++) {
		const struct rule *rule = &rules[draw(n)];
		struct pa_interval r = rule->range[f][draw(rule->count[f])];
		pa_u128 v = draw(2) ? r.first : r.last;
		v += draw(3);
		v -= v ? 1 : 0;
		value[f] = v > pa_field_max(fields[f]) ? pa_field_max(fields[f]) : v;
	}
}

static unsigned at(struct pa_space *space, pa_node node, const pa_u128 value[FIELDS])
{
	uint32_t classes[PA_FIELD_COUNT] = { 0 };
	for (unsigned f = 0; f < FIELDS; f++)
		classes[fields[f]] = pa_classes_find(pa_space_classes(space, fields[f]), value[f]);
	return pa_node_value(pa_node_at(space, node, classes, false));
}

static void compare_list(unsigned n, unsigned wide)
{
	struct rule *rules = calloc(n, sizeof(*rules));
	draw_rules(rules, n, wide);
	struct pa_space *space = make_space(rules, n);
	struct pa_arena *arena = pa_arena_new();
	pa_node node = make_node(space, rules, n, arena);
	/* the same by merging single rules: seq must agree with the top-down build to the node */
	pa_node merged = PA_TERMINAL(1);
	for (unsigned i = 0; i < n; i++)
		merged = pa_node_seq(space, merged, make_node(space, &rules[i], 1, arena), PA_TERMINAL(1));
	ck_assert_ptr_null(pa_space_failed(space));
	ck_assert_uint_eq(node, merged);
	for (unsigned k = 0; k < 300; k++) {
		pa_u128 value[FIELDS];
		draw_point(rules, n, value);
		ck_assert_uint_eq(at(space, node, value), interpret(rules, n, value));
	}
	pa_arena_free(arena);
	pa_space_free(space);
	free(rules);
}

START_TEST(test_list_agrees_with_interpreter)
{
	for (unsigned round = 0; round < 300; round++)
		compare_list(1 + draw(RULES_MAX), round % 2 ? 40 : 5000);
	compare_list(1500, 30000);
}
END_TEST

static pa_node only(void *context, uint32_t terminal)
{
	return terminal == *(unsigned *)context ? PA_TRUE : PA_FALSE;
}

struct sum {
	const struct rule *rules;
	unsigned n, wanted;
	pa_u128 (*points)[FIELDS];
	unsigned *hits;
	unsigned boxes;
};

static bool count_box(void *context, const struct pa_box *box)
{
	struct sum *sum = context;
	sum->boxes++;
	for (unsigned k = 0; k < 300; k++) {
		bool inside = true;
		for (unsigned f = 0; f < FIELDS && inside; f++) {
			struct pa_ranges ranges = box->field[fields[f]];
			bool in = ranges.count == 0;
			for (size_t i = 0; i < ranges.count; i++)
				in = in ||
				     (sum->points[k][f] >= ranges.items[i].first && sum->points[k][f] <= ranges.items[i].last);
			inside = in;
		}
		sum->hits[k] += inside;
	}
	return true;
}

START_TEST(test_boxes_are_disjoint_and_exact)
{
	for (unsigned round = 0; round < 150; round++) {
		struct rule rules[12];
		unsigned n = 1 + draw(12), wanted = 2 + draw(3), hits[300] = { 0 };
		pa_u128 points[300][FIELDS];
		draw_rules(rules, n, 300);
		struct pa_space *space = make_space(rules, n);
		struct pa_arena *arena = pa_arena_new();
		pa_node node = pa_node_bind(space, make_node(space, rules, n, arena), only, &wanted);
		struct sum sum = { rules, n, wanted, points, hits, 0 };
		for (unsigned k = 0; k < 300; k++)
			draw_point(rules, n, points[k]);
		ck_assert(pa_set_boxes(space, (pa_set){ node }, 0, count_box, &sum));
		for (unsigned k = 0; k < 300; k++)
			ck_assert_uint_eq(hits[k], interpret(rules, n, points[k]) == wanted);
		if (sum.boxes > 1)
			ck_assert(!pa_set_boxes(space, (pa_set){ node }, sum.boxes - 1, count_box, &sum));
		uint32_t classes[PA_FIELD_COUNT];
		ck_assert_int_eq(pa_node_pick(space, node, NULL, classes), sum.boxes > 0);
		if (sum.boxes > 0)
			ck_assert_uint_eq(pa_node_at(space, node, classes, false), PA_TRUE);
		pa_arena_free(arena);
		pa_space_free(space);
	}
}
END_TEST

START_TEST(test_laws)
{
	for (unsigned round = 0; round < 200; round++) {
		struct rule rules[9];
		draw_rules(rules, 9, 100);
		struct pa_space *space = make_space(rules, 9);
		struct pa_arena *arena = pa_arena_new();
		unsigned two = 2;
		pa_set a = { pa_node_bind(space, make_node(space, rules, 3, arena), only, &two) };
		pa_set b = { pa_node_bind(space, make_node(space, rules + 3, 3, arena), only, &two) };
		pa_set c = { pa_node_bind(space, make_node(space, rules + 6, 3, arena), only, &two) };
		pa_set full = pa_set_full(space);
#define U(x, y) pa_set_union(space, x, y)
#define I(x, y) pa_set_intersect(space, x, y)
#define M(x, y) pa_set_minus(space, x, y)
#define EQ(x, y) ck_assert(pa_set_equal(space, x, y))
		EQ(U(a, U(b, c)), U(U(a, b), c));
		EQ(I(a, U(b, c)), U(I(a, b), I(a, c)));
		EQ(M(full, U(a, b)), I(M(full, a), M(full, b)));
		EQ(M(a, b), I(a, M(full, b)));
		EQ(U(M(a, b), I(a, b)), a);
		EQ(M(M(full, a), full), pa_set_empty(space));
		for (unsigned f = 0; f < FIELDS; f++) {
			pa_set p = pa_set_project(space, a, fields[f]);
			ck_assert(pa_set_is_empty(space, M(a, p)));
			EQ(pa_set_project(space, p, fields[f]), p);
			EQ(pa_set_project(space, U(a, b), fields[f]), U(p, pa_set_project(space, b, fields[f])));
		}
		/* opaque variables: certain <= given <= possible */
		pa_node v = pa_node_variable(space, pa_space_add_variable(space));
		pa_node mixed = pa_node_choose(space, v, a.node, b.node);
		ck_assert_uint_eq(pa_node_some_variable(space, mixed), U(a, b).node);
		ck_assert_uint_eq(pa_node_every_variable(space, mixed), I(a, b).node);
		ck_assert_ptr_null(pa_space_failed(space));
		pa_arena_free(arena);
		pa_space_free(space);
	}
}
END_TEST

#define LISTS 5
#define PORTS 65536

/* Of a list: its intervals lie `stride` apart. Sorted ones keep clear of each other, or touch; the last may end where the field does. */
struct list {
	struct pa_interval *items;
	size_t count, stride;
	bool sorted;
	bool *has; /* by port */
};

static void draw_ports(struct list *list, size_t count, bool sorted, size_t stride)
{
	unsigned at = draw(3), step = (unsigned)(PORTS / count);
	*list = (struct list){ calloc(count * stride, sizeof(struct pa_interval)), count, stride, sorted,
			       calloc(PORTS, sizeof(bool)) };
	for (size_t i = 0; i < count; i++) {
		unsigned first = sorted ? at + draw(step / 2) : draw(PORTS), last = first + draw(step / 2);
		last = last >= PORTS || (i + 1 == count && draw(2)) ? PORTS - 1 : last;
		list->items[i * stride] = (struct pa_interval){ first, last };
		memset(list->has + first, true, last - first + 1);
		at = last + 1 + draw(2);
	}
}

static void check_ports(struct pa_space *space, const struct list *lists)
{
	bool met[1 << LISTS] = { false };
	uint32_t patterns = 0;
	struct pa_class_set sets[LISTS];
	struct pa_arena *arena = pa_arena_new();
	for (unsigned i = 0; i < LISTS; i++)
		sets[i] = pa_space_class_set(space, PA_FIELD_DPORT, lists[i].items, lists[i].count, lists[i].stride, arena);
	ck_assert_ptr_null(pa_space_failed(space));
	const struct pa_classes *classes = pa_space_classes(space, PA_FIELD_DPORT);
	for (unsigned port = 0; port < PORTS; port++) {
		unsigned pattern = 0;
		for (unsigned i = 0; i < LISTS; i++) {
			ck_assert_msg(pa_class_set_has(sets[i], pa_classes_find(classes, port)) == lists[i].has[port],
				      "port %u, list %u of %zu", port, i, lists[i].count);
			pattern |= (unsigned)lists[i].has[port] << i;
		}
		patterns += !met[pattern];
		met[pattern] = true;
	}
	ck_assert_uint_eq(classes->count, patterns);
	pa_arena_free(arena);
}

/* Long sorted lists are swept where they are, others are copied and sorted: each port is in the same lists as its class. */
START_TEST(test_long_lists)
{
	for (unsigned round = 0; round < 4; round++) {
		struct list lists[LISTS];
		struct pa_cuts *cuts = pa_cuts_new();
		draw_ports(&lists[0], 1024 + draw(2000), true, 1 + draw(3));
		draw_ports(&lists[1], 1024 + draw(2000), true, 1);
		draw_ports(&lists[2], 1 + draw(500), true, 1 + draw(3));
		draw_ports(&lists[3], 1 + draw(500), false, 1 + draw(3));
		draw_ports(&lists[4], 2 + draw(30), false, 1);
		for (unsigned i = 0; i < LISTS; i++)
			pa_cuts_add(cuts, PA_FIELD_DPORT, lists[i].items, lists[i].count, lists[i].stride, lists[i].sorted);
		struct pa_space *space = pa_space_new(cuts, 1);
		pa_cuts_free(cuts);
		check_ports(space, lists);
		pa_space_free(space);
		for (unsigned i = 0; i < LISTS; i++) {
			free(lists[i].items);
			free(lists[i].has);
		}
	}
}
END_TEST

START_TEST(test_failures_are_said)
{
	struct pa_cuts *cuts = pa_cuts_new();
	pa_cuts_add_interval(cuts, PA_FIELD_DPORT, (struct pa_interval){ 22, 22 });
	struct pa_space *space = pa_space_new(cuts, 1);
	struct pa_interval inside = { 22, 22 }, outside = { 23, 23 };
	struct pa_box box = { 0 };
	box.field[PA_FIELD_DPORT] = (struct pa_ranges){ &inside, 1 };
	pa_set_box(space, &box);
	ck_assert_ptr_null(pa_space_failed(space));
	box.field[PA_FIELD_DPORT] = (struct pa_ranges){ &outside, 1 };
	pa_set_box(space, &box);
	ck_assert_ptr_nonnull(pa_space_failed(space));
	pa_space_free(space);
	pa_cuts_free(cuts);

	struct rule *rules = calloc(RULES_MAX, sizeof(*rules));
	draw_rules(rules, RULES_MAX, 5000);
	space = make_space(rules, RULES_MAX);
	pa_space_limit(space, 50);
	struct pa_arena *arena = pa_arena_new();
	make_node(space, rules, RULES_MAX, arena);
	ck_assert_ptr_nonnull(pa_space_failed(space));
	pa_arena_free(arena);
	pa_space_free(space);
	free(rules);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("space");
	TCase *cases = tcase_create("space");
	tcase_set_timeout(cases, 200);
	tcase_add_test(cases, test_list_agrees_with_interpreter);
	tcase_add_test(cases, test_boxes_are_disjoint_and_exact);
	tcase_add_test(cases, test_laws);
	tcase_add_test(cases, test_long_lists);
	tcase_add_test(cases, test_failures_are_said);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
