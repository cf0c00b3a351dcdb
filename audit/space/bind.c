/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replacing terminals by diagrams, and looking through the nodes of one diagram. */
#include "space_private.h"

#include <stdlib.h>
#include <string.h>

struct binding {
	struct pa_space *space;
	uint32_t op;
	pa_node (*map)(void *context, uint32_t terminal);
	void *context;
};

/*
 * A node whose children became diagrams that may test fields above it: one choice per distinct child, each under
 * "the digit is one of those". Every choice is remembered, so that it is fit for large diagrams.
 */
static pa_node regroup_large(struct pa_space *space, unsigned level, const pa_node child[PA_RADIX])
{
	pa_node result = child[0];
	for (unsigned i = 1; i < PA_RADIX; i++) {
		bool seen = false;
		for (unsigned j = 0; j < i && !seen; j++)
			seen = child[j] == child[i];
		if (seen)
			continue;
		pa_node digits[PA_RADIX];
		for (unsigned j = 0; j < PA_RADIX; j++)
			digits[j] = child[j] == child[i] ? PA_TRUE : PA_FALSE;
		result = pa_node_choose(space, pa_node_make(space, level, digits), child[i], result);
	}
	return result;
}

/* The children's cofactors for each digit of the level `top`; each array of them once. */
static pa_node regroup_small(struct pa_space *space, unsigned level, const pa_node child[PA_RADIX], unsigned *budget)
{
	unsigned top = level;
	for (unsigned i = 0; i < PA_RADIX; i++) {
		unsigned at = pa_node_level(space, child[i]);
		top = at < top ? at : top;
	}
	pa_node part[PA_RADIX][PA_RADIX], result[PA_RADIX];
	for (unsigned d = 0; d < PA_RADIX; d++) {
		for (unsigned i = 0; i < PA_RADIX; i++)
			part[d][i] = pa_node_level(space, child[i]) == top ? space->child[child[i]][d] : child[i];
	}
	if (top == level) {
		for (unsigned i = 0; i < PA_RADIX; i++)
			result[i] = part[i][i];
		return pa_node_make(space, level, result);
	}
	for (unsigned d = 0; d < PA_RADIX && *budget; d++) {
		unsigned same = 0;
		while (same < d && memcmp(part[same], part[d], sizeof(part[d])) != 0)
			same++;
		--*budget;
		result[d] = same < d ? result[same] : regroup_small(space, level, part[d], budget);
	}
	return *budget ? pa_node_make(space, top, result) : PA_FALSE;
}

static pa_node regroup(struct pa_space *space, unsigned level, const pa_node child[PA_RADIX])
{
	unsigned budget = 1000;
	pa_node result = regroup_small(space, level, child, &budget);
	return budget ? result : regroup_large(space, level, child);
}

static pa_node bind(struct binding *binding, pa_node f)
{
	struct pa_space *space = binding->space;
	if (space->failed)
		return PA_FALSE;
	pa_node result = pa_memo_find(space, binding->op, f, 0, 0);
	if (result != PA_NO_NODE)
		return result;
	if (pa_node_is_terminal(f)) {
		result = binding->map(binding->context, pa_node_value(f));
		pa_memo_store(space, binding->op, f, 0, 0, result);
		return result;
	}
	unsigned level = space->level[f];
	pa_node child[PA_RADIX];
	bool below = true;
	for (unsigned i = 0; i < PA_RADIX; i++) {
		bool repeated = i > 0 && space->child[f][i] == space->child[f][i - 1];
		child[i] = repeated ? child[i - 1] : bind(binding, space->child[f][i]);
		below = below && pa_node_level(space, child[i]) > level;
	}
	result = below ? pa_node_make(space, level, child) : regroup(space, level, child);
	pa_memo_store(space, binding->op, f, 0, 0, result);
	return result;
}

pa_node pa_node_bind(struct pa_space *space, pa_node f, pa_node (*map)(void *context, uint32_t terminal), void *context)
{
	struct binding binding = { space, space->next_op++, map, context };
	return bind(&binding, f);
}

struct selection {
	struct pa_space *space;
	uint32_t op;
	bool (*picks)(void *context, uint32_t terminal);
	void *context;
};

static pa_node select_from(struct selection *s, pa_node f, pa_node set)
{
	struct pa_space *space = s->space;
	if (set == PA_FALSE || space->failed)
		return PA_FALSE;
	if (pa_node_is_terminal(f))
		return s->picks(s->context, pa_node_value(f)) ? set : PA_FALSE;
	pa_node result = pa_memo_find(space, s->op, f, set, 0);
	if (result != PA_NO_NODE)
		return result;
	unsigned of_f = space->level[f], of_set = pa_node_level(space, set), level = of_f < of_set ? of_f : of_set;
	pa_node child[PA_RADIX], last_f = PA_NO_NODE, last_set = PA_NO_NODE;
	for (unsigned i = 0; i < PA_RADIX; i++) {
		pa_node below = of_f == level ? space->child[f][i] : f, within = of_set == level ? space->child[set][i] : set;
		child[i] = below == last_f && within == last_set ? child[i - 1] : select_from(s, below, within);
		last_f = below;
		last_set = within;
	}
	result = pa_node_make(space, level, child);
	pa_memo_store(space, s->op, f, set, 0, result);
	return result;
}

pa_node pa_node_select(struct pa_space *space, pa_node f, pa_node set, bool (*picks)(void *context, uint32_t terminal),
		       void *context)
{
	struct selection selection = { space, space->next_op++, picks, context };
	return select_from(&selection, f, set);
}

/* A walk that meets each node once. */
struct visit {
	struct pa_space *space;
	uint8_t *seen; /* one bit per node */
	pa_node *stack;
	size_t count, capacity;
};

static void visit_begin(struct visit *visit, struct pa_space *space, pa_node f)
{
	*visit = (struct visit){ .space = space, .seen = pa_xcalloc(space->count / 8 + 1, 1) };
	pa_grow(&visit->stack, &visit->capacity, 64, sizeof(*visit->stack));
	visit->stack[visit->count++] = f;
}

/* The next node that was not met before; terminals come as often as they are pointed at. false: finished. */
static bool visit_next(struct visit *visit, pa_node *ret)
{
	while (visit->count) {
		pa_node f = visit->stack[--visit->count];
		*ret = f;
		if (pa_node_is_terminal(f))
			return true;
		if (visit->seen[f / 8] & 1u << f % 8)
			continue;
		visit->seen[f / 8] = (uint8_t)(visit->seen[f / 8] | 1u << f % 8);
		pa_grow(&visit->stack, &visit->capacity, visit->count + PA_RADIX, sizeof(*visit->stack));
		for (unsigned i = 0; i < PA_RADIX; i++) {
			if (i == 0 || visit->space->child[f][i] != visit->space->child[f][i - 1])
				visit->stack[visit->count++] = visit->space->child[f][i];
		}
		return true;
	}
	free(visit->seen);
	free(visit->stack);
	return false;
}

static int compare_nodes(const void *a, const void *b)
{
	const pa_node *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

void pa_node_terminals(struct pa_space *space, pa_node f, void (*visit)(void *context, uint32_t terminal), void *context)
{
	struct visit walk;
	pa_node *found = NULL, node;
	size_t count = 0, capacity = 0;
	visit_begin(&walk, space, f);
	while (visit_next(&walk, &node)) {
		if (!pa_node_is_terminal(node) || (count && found[count - 1] == node))
			continue;
		pa_grow(&found, &capacity, count + 1, sizeof(*found));
		found[count++] = node;
	}
	qsort(found, count, sizeof(*found), compare_nodes);
	for (size_t i = 0; i < count; i++) {
		if (i == 0 || found[i] != found[i - 1])
			visit(context, pa_node_value(found[i]));
	}
	free(found);
}

void pa_node_variables(struct pa_space *space, pa_node f, bool *variables, size_t count)
{
	struct visit walk;
	pa_node node;
	visit_begin(&walk, space, f);
	while (visit_next(&walk, &node)) {
		if (pa_node_is_terminal(node) || space->level[node] < space->field_levels)
			continue;
		size_t variable = space->level[node] - space->field_levels;
		if (variable < count)
			variables[variable] = true;
	}
}

void pa_node_fields(struct pa_space *space, pa_node f, bool fields[PA_FIELD_COUNT])
{
	struct visit walk;
	pa_node node;
	visit_begin(&walk, space, f);
	while (visit_next(&walk, &node)) {
		if (!pa_node_is_terminal(node) && space->levels[space->level[node]].field >= 0)
			fields[space->levels[space->level[node]].field] = true;
	}
}

/* --- what a set says of the opaque variables --- */

void pa_node_conditions(struct pa_space *space, pa_node f, void (*visit)(void *context, pa_node condition), void *context)
{
	struct visit walk = { .space = space, .seen = pa_xcalloc(space->count / 8 + 1, 1) };
	pa_grow(&walk.stack, &walk.capacity, 64, sizeof(*walk.stack));
	walk.stack[walk.count++] = f;
	pa_node *found = NULL, node;
	size_t count = 0, capacity = 0;
	while (walk.count) {
		node = walk.stack[--walk.count];
		if (pa_node_is_terminal(node) || walk.seen[node / 8] & 1u << node % 8)
			continue;
		walk.seen[node / 8] = (uint8_t)(walk.seen[node / 8] | 1u << node % 8);
		if (space->level[node] >= space->field_levels) {
			pa_grow(&found, &capacity, count + 1, sizeof(*found));
			found[count++] = node;
			continue;
		}
		pa_grow(&walk.stack, &walk.capacity, walk.count + PA_RADIX, sizeof(*walk.stack));
		for (unsigned i = 0; i < PA_RADIX; i++)
			walk.stack[walk.count++] = space->child[node][i];
	}
	free(walk.seen);
	free(walk.stack);
	if (count)
		qsort(found, count, sizeof(*found), compare_nodes);
	for (size_t i = 0; i < count; i++)
		visit(context, found[i]);
	free(found);
}

static pa_node where(struct pa_space *space, pa_node f, pa_node condition, uint32_t op)
{
	if (f == condition)
		return PA_TRUE;
	if (pa_node_is_terminal(f) || space->level[f] >= space->field_levels || space->failed)
		return PA_FALSE;
	pa_node result = pa_memo_find(space, op, f, condition, 0);
	if (result != PA_NO_NODE)
		return result;
	pa_node child[PA_RADIX];
	for (unsigned i = 0; i < PA_RADIX; i++)
		child[i] = where(space, space->child[f][i], condition, op);
	result = pa_node_make(space, space->level[f], child);
	pa_memo_store(space, op, f, condition, 0, result);
	return result;
}

pa_node pa_node_where(struct pa_space *space, pa_node f, pa_node condition)
{
	return where(space, f, condition, space->next_op++);
}

int pa_condition_polarity(struct pa_space *space, pa_node condition, unsigned variable)
{
	if (pa_node_is_terminal(condition) || space->level[condition] > space->field_levels + variable)
		return 0;
	pa_node off = space->child[condition][0], on = space->child[condition][1];
	if (space->level[condition] == space->field_levels + variable) {
		if (pa_node_minus(space, off, on) == PA_FALSE)
			return 1;
		return pa_node_minus(space, on, off) == PA_FALSE ? -1 : 2;
	}
	int a = pa_condition_polarity(space, off, variable), b = pa_condition_polarity(space, on, variable);
	if (a == 0 || b == 0)
		return a + b;
	return a == b ? a : 2;
}
