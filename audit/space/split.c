/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All groups of terminals at once: for every node the groups below it, each with the set of packets that leads there. One pass over
 * the diagram, in place of one for each group.
 */
#include "node_table.h"

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
	struct pa_node_table table; /* node -> index of values */
	struct branches *values;
	size_t count, capacity;
};

static void remember(struct splitting *s, pa_node node, struct branches found)
{
	if (s->count == s->capacity)
		pa_grow(&s->values, &s->capacity, s->count + 1, sizeof(*s->values));
	pa_node_table_put(&s->table, node, s->count);
	s->values[s->count++] = found;
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
	size_t known = pa_node_table_find(&s->table, f);
	if (known != PA_NODE_TABLE_NONE)
		return s->values[known];
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
	pa_node_table_done(&s.table);
	free(s.values);
}
