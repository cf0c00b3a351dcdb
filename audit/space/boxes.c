/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a set back to values: boxes in an order of fields that people read, one packet, projections.
 *
 * The order of fields in the diagram is chosen for speed; rows are wanted per protocol and port. split() gives the parts
 * of a set by the classes of any one field: runs of classes with the same remainder.
 */
#include "node_table.h"

#include <stdlib.h>
#include <string.h>

/* Classes up to `last` (from the end of the run before) leave `node`. */
struct run {
	uint32_t last;
	pa_node node;
};
struct runs {
	struct run *items;
	size_t count;
};

struct splitter {
	struct pa_space *space;
	enum pa_field field;
	unsigned first, behind; /* levels of the field: first <= level < behind */
	uint32_t final;
	struct pa_arena *arena;
	struct pa_node_table table; /* node -> index of values */
	struct runs *values;
	size_t count, capacity;
};

static void remember(struct splitter *s, pa_node node, struct runs found)
{
	if (s->count == s->capacity)
		pa_grow(&s->values, &s->capacity, s->count + 1, sizeof(*s->values));
	pa_node_table_put(&s->table, node, s->count);
	s->values[s->count++] = found;
}

static struct runs split(struct splitter *s, pa_node f);

/* A node of the field itself: the runs of its digits, one behind the other. */
static void split_digits(struct splitter *s, pa_node f, unsigned level, uint32_t prefix, struct runs *out, size_t *capacity)
{
	struct pa_space *space = s->space;
	bool here = !pa_node_is_terminal(f) && space->level[f] < s->behind;
	unsigned at = here ? space->level[f] : s->behind;
	uint32_t last = level == s->first ? s->final : prefix + (1u << (space->levels[level - 1].shift)) - 1;
	if (last > s->final)
		last = s->final;
	if (!here || at > level) {
		if (here) { /* the digits at `level` do not matter: the same for each */
			unsigned shift = space->levels[level].shift;
			for (uint32_t begin = prefix; begin <= last; begin += 1u << shift)
				split_digits(s, f, level + 1, begin, out, capacity);
			return;
		}
		if (out->count && out->items[out->count - 1].node == f) {
			out->items[out->count - 1].last = last;
			return;
		}
		pa_grow(&out->items, capacity, out->count + 1, sizeof(*out->items));
		out->items[out->count++] = (struct run){ last, f };
		return;
	}
	unsigned shift = space->levels[level].shift;
	for (unsigned i = 0; i < PA_RADIX && prefix + ((uint32_t)i << shift) <= s->final; i++)
		split_digits(s, space->child[f][i], level + 1, prefix + ((uint32_t)i << shift), out, capacity);
}

/* A node above the field: the common refinement of its children's runs, a node of this level for each. */
static void split_above(struct splitter *s, pa_node f, struct runs *out, size_t *capacity)
{
	struct runs child[PA_RADIX];
	size_t at[PA_RADIX] = { 0 };
	for (unsigned i = 0; i < PA_RADIX; i++) {
		bool repeated = i > 0 && s->space->child[f][i] == s->space->child[f][i - 1];
		child[i] = repeated ? child[i - 1] : split(s, s->space->child[f][i]);
	}
	for (uint32_t next = 0; next <= s->final;) {
		pa_node part[PA_RADIX];
		uint32_t last = s->final;
		for (unsigned i = 0; i < PA_RADIX; i++) {
			while (child[i].items[at[i]].last < next)
				at[i]++;
			part[i] = child[i].items[at[i]].node;
			if (child[i].items[at[i]].last < last)
				last = child[i].items[at[i]].last;
		}
		pa_node node = pa_node_make(s->space, s->space->level[f], part);
		pa_grow(&out->items, capacity, out->count + 1, sizeof(*out->items));
		if (out->count && out->items[out->count - 1].node == node)
			out->items[out->count - 1].last = last;
		else
			out->items[out->count++] = (struct run){ last, node };
		next = last + 1;
	}
}

static struct runs split(struct splitter *s, pa_node f)
{
	size_t known = pa_node_table_find(&s->table, f);
	if (known != PA_NODE_TABLE_NONE)
		return s->values[known];
	struct runs out = { 0 };
	size_t capacity = 0;
	if (pa_node_is_terminal(f) || s->space->level[f] >= s->first)
		split_digits(s, f, s->first, 0, &out, &capacity);
	else
		split_above(s, f, &out, &capacity);
	struct runs kept = { pa_arena_dup(s->arena, out.items, out.count, sizeof(*out.items)), out.count };
	free(out.items);
	remember(s, f, kept);
	return kept;
}

static struct runs split_by(struct pa_space *space, pa_node f, enum pa_field field, struct pa_arena *arena)
{
	struct splitter s = { .space = space, .field = field, .arena = arena };
	s.final = space->classes[field].count - 1;
	s.first = space->first_level[field];
	if (s.final == 0) {
		struct run *only = pa_arena_alloc(arena, 1, sizeof(*only));
		*only = (struct run){ 0, f };
		return (struct runs){ only, 1 };
	}
	s.behind = s.first + space->digits[field];
	struct runs runs = split(&s, f);
	pa_node_table_done(&s.table);
	free(s.values);
	return runs;
}

/* --- intervals of classes --- */

/* Segments by class: those of class c are order[first_of[c]] ... order[first_of[c + 1] - 1]. Made once per field. */
static void index_segments(struct pa_classes *classes)
{
	classes->first_of = pa_xcalloc((size_t)classes->count + 2, sizeof(*classes->first_of));
	classes->order = pa_xmalloc((classes->segments + 1) * sizeof(*classes->order));
	for (size_t i = 0; i < classes->segments; i++)
		classes->first_of[classes->class_of[i] + 2]++;
	for (uint32_t c = 1; c <= classes->count; c++)
		classes->first_of[c + 1] += classes->first_of[c];
	for (size_t i = 0; i < classes->segments; i++)
		classes->order[classes->first_of[classes->class_of[i] + 1]++] = (uint32_t)i;
}

/* The values of some classes, as sorted intervals. `ranges` are ranges of class numbers. */
static struct pa_ranges intervals_of(struct pa_classes *classes, const struct pa_class_range *ranges, size_t count,
				     struct pa_arena *arena)
{
	size_t total = 0, kept = 0;
	if (!classes->order)
		index_segments(classes);
	for (size_t r = 0; r < count; r++)
		total += classes->first_of[ranges[r].last + 1] - classes->first_of[ranges[r].first];
	uint32_t *segments = pa_arena_alloc(arena, total + 1, sizeof(*segments));
	total = 0;
	for (size_t r = 0; r < count; r++) {
		for (uint32_t i = classes->first_of[ranges[r].first]; i < classes->first_of[ranges[r].last + 1]; i++)
			segments[total++] = classes->order[i];
	}
	pa_sort_numbers(segments, total, classes->segments);
	struct pa_interval *items = pa_arena_alloc(arena, total + 1, sizeof(*items));
	for (size_t i = 0; i < total; i++) {
		size_t at = segments[i];
		pa_u128 last = at + 1 < classes->segments ? classes->start[at + 1] - 1 : classes->max;
		if (i > 0 && segments[i - 1] + 1 == at)
			items[kept - 1].last = last;
		else
			items[kept++] = (struct pa_interval){ classes->start[at], last };
	}
	return (struct pa_ranges){ items, kept };
}

/* --- boxes --- */

/* The order in which rows are cut up: what people look for first. The fields not named follow in their own order. */
static const enum pa_field reading_order[] = {
	PA_FIELD_NFPROTO, PA_FIELD_L4PROTO, PA_FIELD_DPORT, PA_FIELD_ICMP_TYPE, PA_FIELD_ICMP_CODE,
	PA_FIELD_IIFNAME, PA_FIELD_OIFNAME, PA_FIELD_SADDR, PA_FIELD_DADDR,	PA_FIELD_SPORT,
};

struct lister {
	struct pa_space *space;
	enum pa_field order[PA_FIELD_COUNT];
	unsigned order_count;
	struct pa_box box;
	size_t left; /* boxes that may still be given; SIZE_MAX: no limit */
	bool (*visit)(void *context, const struct pa_box *box);
	void *context;
};

static void lister_order(struct lister *lister)
{
	bool used[PA_FIELD_COUNT] = { false };
	for (size_t i = 0; i < sizeof(reading_order) / sizeof(reading_order[0]); i++) {
		used[reading_order[i]] = true;
		if (lister->space->classes[reading_order[i]].count > 1)
			lister->order[lister->order_count++] = reading_order[i];
	}
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		if (!used[f] && lister->space->classes[f].count > 1)
			lister->order[lister->order_count++] = (enum pa_field)f;
	}
}

static bool list_boxes(struct lister *lister, pa_node f, unsigned position);

/* All classes of a field that leave the same remainder: runs linked from the first to the last. */
struct part {
	pa_node node;
	uint32_t first, last, runs;
};
struct parts {
	struct part *items;
	size_t count;
	uint32_t *next; /* per run */
};

static struct parts group_runs(struct runs runs, struct pa_arena *arena)
{
	size_t capacity = 8;
	while (capacity < runs.count * 2)
		capacity *= 2;
	uint32_t *slots = pa_arena_alloc(arena, capacity, sizeof(*slots)); /* part + 1 */
	struct parts parts = { .items = pa_arena_alloc(arena, runs.count, sizeof(*parts.items)),
			       .next = pa_arena_alloc(arena, runs.count, sizeof(*parts.next)) };
	for (uint32_t i = 0; i < runs.count; i++) {
		pa_node node = runs.items[i].node;
		if (node == PA_FALSE)
			continue;
		size_t slot = (size_t)pa_mix(3, node) & (capacity - 1);
		while (slots[slot] && parts.items[slots[slot] - 1].node != node)
			slot = (slot + 1) & (capacity - 1);
		if (!slots[slot]) {
			parts.items[parts.count] = (struct part){ node, i, i, 1 };
			slots[slot] = (uint32_t)++parts.count;
			continue;
		}
		struct part *part = &parts.items[slots[slot] - 1];
		parts.next[part->last] = i;
		part->last = i;
		part->runs++;
	}
	return parts;
}

static bool list_part(struct lister *lister, struct runs runs, const struct parts *parts, const struct part *part,
		      unsigned position, struct pa_arena *arena)
{
	enum pa_field field = lister->order[position];
	struct pa_class_range *ranges = pa_arena_alloc(arena, part->runs, sizeof(*ranges));
	uint32_t run = part->first;
	for (uint32_t i = 0; i < part->runs; i++) {
		ranges[i] = (struct pa_class_range){ run ? runs.items[run - 1].last + 1 : 0, runs.items[run].last };
		run = parts->next[run];
	}
	bool all = part->runs == runs.count;
	lister->box.field[field] =
		all ? (struct pa_ranges){ 0 } : intervals_of(&lister->space->classes[field], ranges, part->runs, arena);
	bool more = list_boxes(lister, part->node, position + 1);
	lister->box.field[field] = (struct pa_ranges){ 0 };
	return more;
}

static bool list_boxes(struct lister *lister, pa_node f, unsigned position)
{
	if (f == PA_FALSE)
		return true;
	if (f == PA_TRUE || position == lister->order_count) {
		if (lister->left == 0)
			return false;
		lister->left -= lister->left != SIZE_MAX;
		return lister->visit(lister->context, &lister->box);
	}
	struct pa_arena *arena = pa_arena_new();
	struct runs runs = split_by(lister->space, f, lister->order[position], arena);
	struct parts parts = group_runs(runs, arena);
	bool more = true;
	for (size_t i = 0; i < parts.count && more; i++)
		more = list_part(lister, runs, &parts, &parts.items[i], position, arena);
	pa_arena_free(arena);
	return more;
}

bool pa_set_boxes(struct pa_space *space, pa_set a, size_t limit, bool (*visit)(void *context, const struct pa_box *box),
		  void *context)
{
	struct lister lister = { .space = space, .visit = visit, .context = context, .left = limit ? limit : SIZE_MAX };
	lister_order(&lister);
	return list_boxes(&lister, pa_node_some_variable(space, a.node), 0);
}

/* --- one packet --- */

static pa_node descend(const struct pa_space *space, pa_node f, enum pa_field field, uint32_t number)
{
	unsigned first = space->first_level[field];
	for (unsigned d = 0; d < space->digits[field]; d++) {
		if (pa_node_is_terminal(f) || space->level[f] != first + d)
			continue;
		f = space->child[f][number >> space->levels[first + d].shift & (PA_RADIX - 1)];
	}
	return f;
}

bool pa_node_pick(struct pa_space *space, pa_node f, const struct pa_preference *prefer, uint32_t ret_class[PA_FIELD_COUNT])
{
	f = pa_node_some_variable(space, f);
	memset(ret_class, 0, PA_FIELD_COUNT * sizeof(*ret_class));
	if (f == PA_FALSE || space->failed)
		return false;
	for (unsigned i = 0; i < space->order_count; i++) {
		enum pa_field field = space->order[i];
		bool found = false;
		for (size_t p = 0; prefer && p < prefer[field].count && !found; p++) {
			ret_class[field] = prefer[field].classes[p];
			found = descend(space, f, field, ret_class[field]) != PA_FALSE;
		}
		for (uint32_t c = 0; c < space->classes[field].count && !found; c++) {
			ret_class[field] = c;
			found = descend(space, f, field, c) != PA_FALSE;
		}
		f = descend(space, f, field, ret_class[field]);
	}
	return true;
}

pa_node pa_node_at(struct pa_space *space, pa_node f, const uint32_t classes[PA_FIELD_COUNT], bool variable)
{
	while (!pa_node_is_terminal(f)) {
		const struct pa_level *level = &space->levels[space->level[f]];
		unsigned digit = level->field < 0 ? variable : classes[level->field] >> level->shift & (PA_RADIX - 1);
		f = space->child[f][digit];
	}
	return f;
}
