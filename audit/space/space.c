/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making a space: classes of every field, the order of the fields, the table of levels. */
#include "space_private.h"

#include <limits.h>
#include <stdlib.h>

static unsigned digits_for(uint32_t classes)
{
	unsigned digits = 0;
	for (uint32_t rest = classes - 1; rest; rest >>= 4)
		digits++;
	return digits;
}

static void add_level(struct pa_space *space, struct pa_level level)
{
	size_t capacity = space->level_capacity;
	if (space->level_count >= PA_LEVELS_MAX) {
		pa_space_fail(space, "too many opaque tests");
		return;
	}
	if (space->level_count == capacity) {
		pa_grow(&space->levels, &capacity, capacity + 1, sizeof(*space->levels));
		space->level_capacity = (unsigned)capacity;
	}
	space->levels[space->level_count++] = level;
}

static void add_field_levels(struct pa_space *space, enum pa_field field)
{
	uint32_t last = space->classes[field].count - 1;
	unsigned digits = digits_for(last + 1);
	space->first_level[field] = space->level_count;
	space->digits[field] = digits;
	for (unsigned i = 0; i < digits; i++) {
		unsigned shift = 4 * (digits - 1 - i);
		unsigned arity = i == 0 ? (last >> shift) + 1 : PA_RADIX;
		add_level(space, (struct pa_level){ (int)field, shift, arity });
	}
}

/*
 * Selective fields first: ascending sum of the share of classes that each rule's test holds, a rule without a test of the
 * field counting as a whole one. Measured on 10,000 rules: the wrong order costs up to 80 times.
 */
static void order_fields(struct pa_space *space, size_t items)
{
	double weight[PA_FIELD_COUNT];
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		const struct pa_classes *classes = &space->classes[f];
		space->first_level[f] = UINT_MAX;
		if (classes->count < 2)
			continue;
		double untested = classes->uses < items ? (double)(items - classes->uses) : 0;
		weight[f] = classes->weight + untested;
		unsigned at = space->order_count++;
		while (at > 0 && weight[space->order[at - 1]] > weight[f]) {
			space->order[at] = space->order[at - 1];
			at--;
		}
		space->order[at] = (enum pa_field)f;
	}
}

struct pa_space *pa_space_new(const struct pa_cuts *cuts, size_t items)
{
	struct pa_space *space = pa_xcalloc(1, sizeof(*space));
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++)
		pa_classes_build(cuts, (enum pa_field)f, &space->classes[f]);
	order_fields(space, items);
	for (unsigned i = 0; i < space->order_count; i++)
		add_field_levels(space, space->order[i]);
	space->field_levels = space->level_count;
	space->limit = PA_NODE_LIMIT;
	space->child = pa_reserve(PA_NODE_LIMIT * sizeof(*space->child));
	space->reserved = space->child != NULL;
	space->next_op = PA_OP_FIRST_FREE;
	space->arena = pa_arena_new();
	return space;
}

struct pa_space *pa_space_free(struct pa_space *space)
{
	if (!space)
		return NULL;
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++)
		pa_classes_done(&space->classes[f]);
	free(space->levels);
	if (space->reserved)
		pa_unreserve(space->child, PA_NODE_LIMIT * sizeof(*space->child));
	else
		free(space->child);
	free(space->level);
	free(space->unique);
	free(space->memo);
	free(space->scratch);
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++)
		free(space->test_sets[f]);
	pa_arena_free(space->arena);
	free(space);
	return NULL;
}

void pa_space_fail(struct pa_space *space, const char *reason)
{
	if (!space->failed)
		space->failed = reason;
}

const char *pa_space_failed(const struct pa_space *space)
{
	return space->failed;
}

void pa_space_limit(struct pa_space *space, size_t nodes)
{
	space->limit = nodes < PA_NODE_LIMIT ? nodes : PA_NODE_LIMIT;
}

size_t pa_space_nodes(const struct pa_space *space)
{
	return space->count;
}

const struct pa_classes *pa_space_classes(const struct pa_space *space, enum pa_field field)
{
	return &space->classes[field];
}

unsigned pa_space_add_variable(struct pa_space *space)
{
	add_level(space, (struct pa_level){ -1, 0, 2 });
	return space->variable_count++;
}

/* Count, per class, the segments that an interval covers; note the classes that are met for the first time. */
static size_t count_segments(struct pa_space *space, const struct pa_classes *classes, struct pa_interval interval,
			     uint32_t *touched, size_t touched_count)
{
	size_t at = pa_classes_segment(classes, interval.first);
	bool aligned = classes->start[at] == interval.first;
	while (at < classes->segments && classes->start[at] <= interval.last) {
		uint32_t number = classes->class_of[at++];
		if (space->scratch[number]++ == 0)
			touched[touched_count++] = number;
	}
	pa_u128 behind = at < classes->segments ? classes->start[at] - 1 : classes->max;
	if (!aligned || behind != interval.last)
		pa_space_fail(space, "a value was asked for that was not announced");
	return touched_count;
}

static int compare_numbers(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

/* Many of them: marked in a map of bits, and read off it. */
void pa_sort_numbers(uint32_t *numbers, size_t count, size_t limit)
{
	uint64_t *marks;
	size_t sorted = 0;

	if (count < limit / 16 + 2) {
		if (count > 1)
			qsort(numbers, count, sizeof(*numbers), compare_numbers);
		return;
	}
	marks = pa_xcalloc(limit / 64 + 1, sizeof(*marks));
	for (size_t i = 0; i < count; i++)
		marks[numbers[i] / 64] |= UINT64_C(1) << numbers[i] % 64;
	for (size_t word = 0; word <= limit / 64; word++)
		for (uint64_t left = marks[word]; left; left &= left - 1)
			numbers[sorted++] = (uint32_t)(word * 64 + (size_t)__builtin_ctzll(left));
	free(marks);
}

static struct pa_class_set ranges_of(const uint32_t *numbers, size_t count, struct pa_arena *arena)
{
	struct pa_class_set set = { 0 };
	uint32_t ranges = 0;
	for (size_t i = 0; i < count; i++)
		ranges += i == 0 || numbers[i] != numbers[i - 1] + 1;
	set.items = pa_arena_alloc(arena, ranges ? ranges : 1, sizeof(*set.items));
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || numbers[i] != numbers[i - 1] + 1)
			set.items[set.count++].first = numbers[i];
		set.items[set.count - 1].last = numbers[i];
	}
	return set;
}

static int compare_intervals(const void *a, const void *b)
{
	const struct pa_interval *x = a, *y = b;
	return x->first < y->first ? -1 : x->first > y->first;
}

/* The union as sorted intervals that neither overlap nor touch, in place; returns how many remain. */
static size_t normalise(struct pa_interval *items, size_t count)
{
	size_t kept = 0;
	for (size_t i = 1; i < count; i++) {
		if (items[i - 1].first > items[i].first) {
			qsort(items, count, sizeof(*items), compare_intervals);
			break;
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (kept && (items[kept - 1].last == PA_U128_MAX || items[i].first <= items[kept - 1].last + 1)) {
			if (items[i].last > items[kept - 1].last)
				items[kept - 1].last = items[i].last;
			continue;
		}
		items[kept++] = items[i];
	}
	return kept;
}

/* Room for one counter and one note per class, counters zero. */
static uint32_t *scratch_for(struct pa_space *space, size_t classes)
{
	if (space->scratch_capacity < classes) {
		free(space->scratch);
		space->scratch = pa_xcalloc(classes, 2 * sizeof(*space->scratch));
		space->scratch_capacity = classes;
	}
	return space->scratch + space->scratch_capacity;
}

struct pa_class_set pa_space_class_set(struct pa_space *space, enum pa_field field, const struct pa_interval *items,
				       size_t count, size_t stride, struct pa_arena *arena)
{
	const struct pa_classes *classes = &space->classes[field];
	if (count == 1) {
		/* an interval that is one whole class, as most ports and addresses are */
		size_t at = pa_classes_segment(classes, items->first);
		uint32_t number = classes->class_of[at];
		pa_u128 last = at + 1 < classes->segments ? classes->start[at + 1] - 1 : classes->max;
		if (classes->start[at] == items->first && last == items->last && classes->segments_of[number] == 1) {
			struct pa_class_range one = { number, number };
			return (struct pa_class_set){ pa_arena_dup(arena, &one, 1, sizeof(one)), 1 };
		}
	}
	uint32_t *touched = scratch_for(space, classes->count);
	size_t touched_count = 0;
	struct pa_interval *merged = pa_xcalloc(count + 1, sizeof(*merged));
	for (size_t i = 0; i < count; i++)
		merged[i] = items[i * stride];
	count = normalise(merged, count);
	for (size_t i = 0; i < count; i++)
		touched_count = count_segments(space, classes, merged[i], touched, touched_count);
	free(merged);
	for (size_t i = 0; i < touched_count; i++) {
		if (space->scratch[touched[i]] < classes->segments_of[touched[i]])
			pa_space_fail(space, "a part of a set was asked for that was not announced");
		space->scratch[touched[i]] = 0;
	}
	pa_sort_numbers(touched, touched_count, classes->count);
	return ranges_of(touched, touched_count, arena);
}

/* The classes of neighbouring segments, each once, ascending. */
static struct pa_class_set classes_between(struct pa_space *space, const struct pa_classes *classes, struct pa_test_segments at)
{
	uint32_t *touched = scratch_for(space, classes->count), count = 0;
	bool ascending = true;
	for (uint32_t i = at.first; i <= at.last; i++) {
		uint32_t number = classes->class_of[i];
		if (space->scratch[number]++ == 0) {
			ascending = ascending && (count == 0 || touched[count - 1] < number);
			touched[count++] = number;
		}
	}
	for (uint32_t i = 0; i < count; i++)
		space->scratch[touched[i]] = 0;
	if (!ascending)
		pa_sort_numbers(touched, count, classes->count);
	return ranges_of(touched, count, space->arena);
}

struct pa_class_set pa_space_test_set(struct pa_space *space, enum pa_field field, uint32_t test)
{
	const struct pa_classes *classes = &space->classes[field];
	if (!space->test_sets[field])
		space->test_sets[field] = pa_xcalloc(classes->test_count + 1, sizeof(struct pa_class_set));
	struct pa_class_set *set = &space->test_sets[field][test];
	if (set->count)
		return *set;
	struct pa_test_segments at = classes->tests[test];
	if (at.first == at.last) {
		struct pa_class_range one = { classes->class_of[at.first], classes->class_of[at.first] };
		*set = (struct pa_class_set){ pa_arena_dup(space->arena, &one, 1, sizeof(one)), 1 };
	} else {
		*set = classes_between(space, classes, at);
	}
	return *set;
}

struct pa_class_set pa_space_class_complement(struct pa_space *space, enum pa_field field, struct pa_class_set set,
					      struct pa_arena *arena)
{
	struct pa_class_set out = { 0 };
	uint32_t next = 0, count = space->classes[field].count;
	out.items = pa_arena_alloc(arena, (size_t)set.count + 1, sizeof(*out.items));
	for (uint32_t i = 0; i < set.count; i++) {
		if (set.items[i].first > next)
			out.items[out.count++] = (struct pa_class_range){ next, set.items[i].first - 1 };
		next = set.items[i].last + 1;
	}
	if (next < count)
		out.items[out.count++] = (struct pa_class_range){ next, count - 1 };
	return out;
}

bool pa_class_set_has(struct pa_class_set set, uint32_t number)
{
	uint32_t low = 0, high = set.count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (set.items[middle].last < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < set.count && set.items[low].first <= number;
}
