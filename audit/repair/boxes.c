/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Boxes of packets put together, and their values as tests that can be written in a rule. */
#include <string.h>

#include "trial.h"

/* Longer lists of values are no test that a person would write. */
#define VALUES_MAX 16

struct comparison repair_view(struct repairing *r, struct pa_evaluation *evaluation, const struct pa_ruleset *ruleset)
{
	struct comparison c = { .evaluation = evaluation,
				.space = pa_evaluation_space(evaluation),
				.ruleset = ruleset,
				.host = r->host,
				.policy = r->options->policy,
				.scratch = r->scratch };

	c.arbitrary = compare_arbitrary(ruleset, c.scratch);
	for (int i = 0; i < PATH_COUNT; i++) {
		c.scope[i] = pa_evaluation_universe(evaluation, (enum pa_path)i);
		if (!c.policy || !c.policy->loopback_checked)
			c.scope[i] = pa_set_minus(c.space, c.scope[i], compare_loopback(&c, (enum pa_path)i));
	}
	return c;
}

void hull_add(struct hull *hull, const struct piece *piece, struct pa_arena *arena)
{
	hull->family = piece->family;
	for (int f = 0; f < PA_FIELD_COUNT; f++) {
		struct pa_ranges ranges = piece->field[f];
		struct pa_interval *items;

		if (ranges.count == 0)
			hull->any[f] = true;
		if (hull->any[f])
			continue;
		items = pa_arena_alloc(arena, hull->count[f] + ranges.count, sizeof(*items));
		if (hull->count[f] > 0)
			memcpy(items, hull->items[f], hull->count[f] * sizeof(*items));
		memcpy(items + hull->count[f], ranges.items, ranges.count * sizeof(*items));
		hull->items[f] = items;
		hull->count[f] = compare_merge_intervals(items, hull->count[f] + ranges.count);
	}
	hull->used = true;
}

bool hull_same(const struct hull *a, const struct hull *b, enum pa_field field)
{
	if (a->any[field] || b->any[field])
		return a->any[field] == b->any[field];
	return a->count[field] == b->count[field] &&
	       (a->count[field] == 0 ||
		memcmp(a->items[field], b->items[field], a->count[field] * sizeof(*a->items[field])) == 0);
}

static struct pa_ranges complement(struct pa_ranges ranges, pa_u128 first, pa_u128 last, struct pa_arena *arena)
{
	struct pa_interval *gaps = pa_arena_alloc(arena, ranges.count + 1, sizeof(*gaps));
	size_t count = 0;
	pa_u128 next = first;

	for (size_t i = 0; i < ranges.count; i++) {
		if (ranges.items[i].last < next)
			continue;
		if (ranges.items[i].first > next)
			gaps[count++] = (struct pa_interval){ next, ranges.items[i].first - 1 };
		if (ranges.items[i].last >= last)
			return (struct pa_ranges){ gaps, count };
		next = ranges.items[i].last + 1;
	}
	gaps[count++] = (struct pa_interval){ next, last };
	return (struct pa_ranges){ gaps, count };
}

/* A name, or all names with a beginning that is not empty. */
static bool is_name(struct pa_interval interval)
{
	char name[PA_IFNAME_MAX + 1];
	struct pa_interval prefix;

	if (interval.first == interval.last)
		return interval.first != 0;
	pa_ifname_format(interval.first, name);
	prefix = pa_ifname_prefix(name);
	return name[0] && prefix.first == interval.first && prefix.last == interval.last;
}

static bool are_names(struct pa_ranges ranges)
{
	for (size_t i = 0; i < ranges.count; i++)
		if (!is_name(ranges.items[i]))
			return false;
	return true;
}

static bool is_interface(enum pa_field field)
{
	return field == PA_FIELD_IIFNAME || field == PA_FIELD_OIFNAME;
}

/* The values of the field that there are: from where to where. */
static struct pa_interval domain(enum pa_field field, int family)
{
	if (field != PA_FIELD_SADDR && field != PA_FIELD_DADDR)
		return (struct pa_interval){ 0, pa_field_max(field) };
	return family == 6 ? (struct pa_interval){ 0, PA_U128_MAX } : (struct pa_interval){ PA_IPV4_BASE, PA_IPV4_LAST };
}

/* Packets always have a name of the interface that is asked for: "no name" is neither here nor there. */
static struct pa_ranges without_no_name(struct pa_ranges ranges, struct pa_arena *arena)
{
	struct pa_interval *items = pa_arena_alloc(arena, ranges.count + 1, sizeof(*items));
	size_t count = 0;

	for (size_t i = 0; i < ranges.count; i++) {
		struct pa_interval range = ranges.items[i];

		if (range.first == 0 && range.last == 0)
			continue;
		range.first = range.first == 0 ? 1 : range.first;
		items[count++] = range;
	}
	return (struct pa_ranges){ items, count };
}

bool hull_test(const struct hull *hull, enum pa_field field, struct pa_arena *arena, struct pa_edit_test *ret_test)
{
	struct pa_ranges values = { hull->items[field], hull->count[field] }, others;
	struct pa_interval all = domain(field, hull->family);

	if (hull->any[field] || values.count == 0)
		return false;
	if (is_interface(field)) {
		values = without_no_name(values, arena);
		all.first = 1;
	}
	others = complement(values, all.first, all.last, arena);
	*ret_test = (struct pa_edit_test){ .field = field, .values = values };
	if (others.count == 0 || values.count == 0)
		return false;
	if (is_interface(field) ? !are_names(values) : others.count < values.count) {
		ret_test->negated = true;
		ret_test->values = others;
	}
	return ret_test->values.count <= VALUES_MAX && (!is_interface(field) || are_names(ret_test->values));
}
