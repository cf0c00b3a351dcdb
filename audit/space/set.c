/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The public sets: diagrams with the terminals TRUE and FALSE. */
#include "space_private.h"

pa_set pa_set_empty(struct pa_space *space)
{
	(void)space;
	return (pa_set){ PA_FALSE };
}

pa_set pa_set_full(struct pa_space *space)
{
	(void)space;
	return (pa_set){ PA_TRUE };
}

pa_set pa_set_box(struct pa_space *space, const struct pa_box *box)
{
	struct pa_arena *arena = pa_arena_new();
	pa_node node = PA_TRUE;
	/* from the lowest field up, so that each step only adds nodes above what is there */
	for (unsigned i = space->order_count; i-- > 0;) {
		enum pa_field field = space->order[i];
		struct pa_ranges ranges = box->field[field];
		if (ranges.count == 0)
			continue;
		struct pa_class_set set = pa_space_class_set(space, field, ranges.items, ranges.count, 1, arena);
		node = pa_node_field(space, field, set, node, PA_FALSE);
	}
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		/* a field with one class cannot be limited, except by naming all of it */
		if (box->field[f].count && space->classes[f].count == 1)
			pa_space_class_set(space, (enum pa_field)f, box->field[f].items, box->field[f].count, 1, arena);
	}
	pa_arena_free(arena);
	return (pa_set){ node };
}

pa_set pa_set_union(struct pa_space *space, pa_set a, pa_set b)
{
	return (pa_set){ pa_node_or(space, a.node, b.node) };
}

pa_set pa_set_intersect(struct pa_space *space, pa_set a, pa_set b)
{
	return (pa_set){ pa_node_and(space, a.node, b.node) };
}

pa_set pa_set_minus(struct pa_space *space, pa_set a, pa_set b)
{
	return (pa_set){ pa_node_minus(space, a.node, b.node) };
}

bool pa_set_is_empty(struct pa_space *space, pa_set a)
{
	(void)space;
	return a.node == PA_FALSE;
}

bool pa_set_equal(struct pa_space *space, pa_set a, pa_set b)
{
	(void)space;
	return a.node == b.node;
}

struct forgetting {
	struct pa_space *space;
	const bool *fields;
	uint32_t op;
};

static pa_node forget(struct forgetting *g, pa_node f)
{
	struct pa_space *space = g->space;
	if (pa_node_is_terminal(f) || space->level[f] >= space->field_levels || space->failed)
		return f;
	pa_node result = pa_memo_find(space, g->op, f, 0, 0);
	if (result != PA_NO_NODE)
		return result;
	const struct pa_level *level = &space->levels[space->level[f]];
	unsigned number = space->level[f];
	pa_node child[PA_RADIX];
	for (unsigned i = 0; i < PA_RADIX; i++) {
		bool repeated = i > 0 && space->child[f][i] == space->child[f][i - 1];
		child[i] = repeated ? child[i - 1] : forget(g, space->child[f][i]);
	}
	if (!g->fields[level->field]) {
		result = pa_node_make(space, number, child);
	} else {
		result = child[0];
		for (unsigned i = 1; i < level->arity; i++)
			result = pa_node_or(space, result, child[i]);
	}
	pa_memo_store(space, g->op, f, 0, 0, result);
	return result;
}

pa_node pa_node_forget(struct pa_space *space, pa_node f, const bool fields[PA_FIELD_COUNT])
{
	bool any = false;
	for (unsigned i = 0; i < space->order_count; i++)
		any = any || fields[space->order[i]];
	struct forgetting g = { space, fields, space->next_op++ };
	return any ? forget(&g, f) : f;
}

pa_set pa_set_project(struct pa_space *space, pa_set a, enum pa_field field)
{
	bool fields[PA_FIELD_COUNT] = { false };
	fields[field] = true;
	return (pa_set){ pa_node_forget(space, a.node, fields) };
}

struct fixing {
	struct pa_space *space;
	const bool *fields;
	const uint32_t *classes;
	uint32_t op;
};

static pa_node fix(struct fixing *x, pa_node f)
{
	struct pa_space *space = x->space;
	if (pa_node_is_terminal(f) || space->level[f] >= space->field_levels || space->failed)
		return f;
	pa_node result = pa_memo_find(space, x->op, f, 0, 0);
	if (result != PA_NO_NODE)
		return result;
	unsigned number = space->level[f];
	const struct pa_level *level = &space->levels[number];
	if (x->fields[level->field]) {
		result = fix(x, space->child[f][x->classes[level->field] >> level->shift & (PA_RADIX - 1)]);
	} else {
		pa_node child[PA_RADIX];
		for (unsigned i = 0; i < PA_RADIX; i++) {
			pa_node below = space->child[f][i];
			child[i] = i > 0 && below == space->child[f][i - 1] ? child[i - 1] : fix(x, below);
		}
		result = pa_node_make(space, number, child);
	}
	pa_memo_store(space, x->op, f, 0, 0, result);
	return result;
}

pa_node pa_node_fix(struct pa_space *space, pa_node f, const bool fields[PA_FIELD_COUNT],
		    const uint32_t classes[PA_FIELD_COUNT])
{
	struct fixing x = { space, fields, classes, space->next_op++ };
	return fix(&x, f);
}
