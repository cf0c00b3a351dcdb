/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All groups of terminals at once: for every node the groups below it, each with the set of packets that leads there. One pass over
 * the diagram, in place of one for each group.
 */
#include "space_private.h"

#include <stdlib.h>
#include <string.h>

struct branch {
	uint32_t group;
	pa_node set;
};
struct branches {
	struct branch *items;
	size_t count;
};

struct splitting {
	struct pa_space *space;
	uint32_t (*group_of)(void *context, uint32_t terminal);
	void *context;
	struct pa_arena *arena;
	pa_node *keys; /* memo, open addressing */
	struct branches *values;
	size_t count, capacity;
};

static size_t slot_of(const struct splitting *s, pa_node node)
{
	size_t slot = (size_t)pa_mix(7, node) & (s->capacity - 1);
	while (s->keys[slot] != PA_NO_NODE && s->keys[slot] != node)
		slot = (slot + 1) & (s->capacity - 1);
	return slot;
}

static void remember(struct splitting *s, pa_node node, struct branches branches)
{
	if ((s->count + 1) * 2 > s->capacity) {
		struct splitting old = *s;
		s->capacity = old.capacity ? old.capacity * 2 : 1024;
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
	s->values[slot] = branches;
	s->count++;
}

static struct branches split(struct splitting *s, pa_node f);

static int compare_groups(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

/* The groups of all children, each once, ascending. */
static size_t all_groups(const struct branches child[PA_RADIX], uint32_t **ret_groups)
{
	size_t total = 0, kept = 0;
	for (unsigned i = 0; i < PA_RADIX; i++)
		total += child[i].count;
	uint32_t *groups = pa_xmalloc((total + 1) * sizeof(*groups));
	total = 0;
	for (unsigned i = 0; i < PA_RADIX; i++) {
		for (size_t k = 0; k < child[i].count; k++)
			groups[total++] = child[i].items[k].group;
	}
	if (total > 1)
		qsort(groups, total, sizeof(*groups), compare_groups);
	for (size_t i = 0; i < total; i++) {
		if (kept == 0 || groups[kept - 1] != groups[i])
			groups[kept++] = groups[i];
	}
	*ret_groups = groups;
	return kept;
}

static struct branches split_node(struct splitting *s, pa_node f)
{
	struct branches child[PA_RADIX], out;
	size_t at[PA_RADIX] = { 0 };
	uint32_t *groups;
	for (unsigned i = 0; i < PA_RADIX; i++) {
		bool repeated = i > 0 && s->space->child[f][i] == s->space->child[f][i - 1];
		child[i] = repeated ? child[i - 1] : split(s, s->space->child[f][i]);
	}
	out.count = all_groups(child, &groups);
	out.items = pa_arena_alloc(s->arena, out.count + 1, sizeof(*out.items));
	for (size_t g = 0; g < out.count; g++) {
		pa_node part[PA_RADIX];
		for (unsigned i = 0; i < PA_RADIX; i++) {
			bool has = at[i] < child[i].count && child[i].items[at[i]].group == groups[g];
			part[i] = has ? child[i].items[at[i]++].set : PA_FALSE;
		}
		out.items[g] = (struct branch){ groups[g], pa_node_make(s->space, s->space->level[f], part) };
	}
	free(groups);
	return out;
}

static struct branches split(struct splitting *s, pa_node f)
{
	if (s->capacity) {
		size_t slot = slot_of(s, f);
		if (s->keys[slot] == f)
			return s->values[slot];
	}
	struct branches out = { 0 };
	if (!pa_node_is_terminal(f)) {
		out = split_node(s, f);
	} else {
		uint32_t group = s->group_of(s->context, pa_node_value(f));
		out.count = group != PA_NO_GROUP;
		out.items = pa_arena_alloc(s->arena, 1, sizeof(*out.items));
		out.items[0] = (struct branch){ group, PA_TRUE };
	}
	remember(s, f, out);
	return out;
}

void pa_node_groups(struct pa_space *space, pa_node f, uint32_t (*group_of)(void *context, uint32_t terminal),
		    void (*visit)(void *context, uint32_t group, pa_node set), void *context)
{
	struct splitting s = { .space = space, .group_of = group_of, .context = context, .arena = pa_arena_new() };
	struct branches all = split(&s, f);
	for (size_t i = 0; i < all.count; i++)
		visit(context, all.items[i].group, all.items[i].set);
	pa_arena_free(s.arena);
	free(s.keys);
	free(s.values);
}
