/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a set back to values: boxes in an order of fields that people read, one packet, projections.
 *
 * The order of fields in the diagram is chosen for speed; rows are wanted per protocol and port. split() gives the parts
 * of a set by the classes of any one field: runs of classes with the same remainder.
 */
#include "space_private.h"

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
	pa_node *keys; /* memo: node -> runs, open addressing */
	struct runs *values;
	size_t count, capacity;
};

static size_t slot_of(const struct splitter *s, pa_node node)
{
	size_t slot = (size_t)pa_mix(1, node) & (s->capacity - 1);
	while (s->keys[slot] != PA_NO_NODE && s->keys[slot] != node)
		slot = (slot + 1) & (s->capacity - 1);
	return slot;
}

static void remember(struct splitter *s, pa_node node, struct runs runs)
{
	if ((s->count + 1) * 2 > s->capacity) {
		struct splitter old = *s;
		s->capacity = old.capacity ? old.capacity * 2 : 256;
		s->keys = pa_xmalloc(s->capacity * sizeof(*s->keys));
		memset(s->keys, 0xff, s->capacity * sizeof(*s->keys));
		s->values = pa_xcalloc(s->capacity, sizeof(*s->values));
		for (size_t i = 0; i < old.capacity; i++) {
			if (old.keys[i] == PA_NO_NODE)
				continue;
			size_t slot = slot_of(s, old.keys[i]);
			s->keys[slot] = old.keys[i];
			s->values[slot] = old.values[i];
		}
		free(old.keys);
		free(old.values);
	}
	size_t slot = slot_of(s, node);
	s->keys[slot] = node;
	s->values[slot] = runs;
	s->count++;
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
	if (s->capacity) {
		size_t slot = slot_of(s, f);
		if (s->keys[slot] == f)
			return s->values[slot];
	}
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
	free(s.keys);
	free(s.values);
	return runs;
}

/* --- intervals of classes --- */

/* The values of the classes marked in `wanted`, as sorted intervals. */
static struct pa_ranges intervals_of(const struct pa_classes *classes, const bool *wanted, struct pa_arena *arena)
{
	size_t count = 0;
	for (size_t i = 0; i < classes->segments; i++) {
		if (wanted[classes->class_of[i]] && (i == 0 || !wanted[classes->class_of[i - 1]]))
			count++;
	}
	struct pa_interval *items = pa_arena_alloc(arena, count ? count : 1, sizeof(*items));
	size_t at = 0;
	for (size_t i = 0; i < classes->segments; i++) {
		if (!wanted[classes->class_of[i]])
			continue;
		if (i == 0 || !wanted[classes->class_of[i - 1]])
			items[at++].first = classes->start[i];
		items[at - 1].last = i + 1 < classes->segments ? classes->start[i + 1] - 1 : classes->max;
	}
	return (struct pa_ranges){ items, count };
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

/* One part: all classes of the field that leave the same remainder as run `first`. */
static bool list_part(struct lister *lister, struct runs runs, size_t first, unsigned position, struct pa_arena *arena)
{
	enum pa_field field = lister->order[position];
	const struct pa_classes *classes = &lister->space->classes[field];
	bool *wanted = pa_arena_alloc(arena, classes->count, sizeof(*wanted)), all = true;
	for (size_t i = 0; i < runs.count; i++) {
		uint32_t begin = i ? runs.items[i - 1].last + 1 : 0;
		bool mine = runs.items[i].node == runs.items[first].node;
		all = all && mine;
		for (uint32_t c = begin; mine && c <= runs.items[i].last; c++)
			wanted[c] = true;
	}
	lister->box.field[field] = all ? (struct pa_ranges){ 0 } : intervals_of(classes, wanted, arena);
	bool more = list_boxes(lister, runs.items[first].node, position + 1);
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
	bool more = true;
	for (size_t i = 0; i < runs.count && more; i++) {
		bool seen = runs.items[i].node == PA_FALSE;
		for (size_t j = 0; j < i && !seen; j++)
			seen = runs.items[j].node == runs.items[i].node;
		if (!seen)
			more = list_part(lister, runs, i, position, arena);
	}
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
