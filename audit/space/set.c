/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The public sets: diagrams with the terminals TRUE and FALSE. */
#include "space_private.h"

pa_set pa_set_empty(struct pa_space *space)
{
	(void)space;
	return (pa_set){PA_FALSE};
}

pa_set pa_set_full(struct pa_space *space)
{
	(void)space;
	return (pa_set){PA_TRUE};
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
	return (pa_set){node};
}

pa_set pa_set_union(struct pa_space *space, pa_set a, pa_set b)
{
	return (pa_set){pa_node_or(space, a.node, b.node)};
}

pa_set pa_set_intersect(struct pa_space *space, pa_set a, pa_set b)
{
	return (pa_set){pa_node_and(space, a.node, b.node)};
}

pa_set pa_set_minus(struct pa_space *space, pa_set a, pa_set b)
{
	return (pa_set){pa_node_minus(space, a.node, b.node)};
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

static pa_node forget(struct pa_space *space, pa_node f, unsigned first, unsigned behind, uint32_t op)
{
	if (pa_node_is_terminal(f) || pa_node_level(space, f) >= behind || space->failed)
		return f;
	pa_node result = pa_memo_find(space, op, f, 0, 0);
	if (result != PA_NO_NODE)
		return result;
	unsigned level = pa_node_level(space, f), arity = space->levels[level].arity;
	pa_node child[PA_RADIX];
	for (unsigned i = 0; i < PA_RADIX; i++)
		child[i] = forget(space, pa_node_children(space, f)[i], first, behind, op);
	if (level < first) {
		result = pa_node_make(space, level, child);
	} else {
		result = child[0];
		for (unsigned i = 1; i < arity; i++)
			result = pa_node_or(space, result, child[i]);
	}
	pa_memo_store(space, op, f, 0, 0, result);
	return result;
}

pa_set pa_set_project(struct pa_space *space, pa_set a, enum pa_field field)
{
	unsigned first = space->first_level[field];
	if (space->classes[field].count < 2)
		return a;
	return (pa_set){forget(space, a.node, first, first + space->digits[field], space->next_op++)};
}
