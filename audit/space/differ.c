/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two diagrams side by side. */
#include "space_private.h"

struct differing {
	struct pa_space *space;
	uint32_t op;
	bool (*picks)(void *context, uint32_t a, uint32_t b);
	void *context;
};

static pa_node differ(struct differing *d, pa_node f, pa_node g)
{
	struct pa_space *space = d->space;
	if (f == g || space->failed)
		return PA_FALSE;
	if (pa_node_is_terminal(f) && pa_node_is_terminal(g))
		return d->picks(d->context, pa_node_value(f), pa_node_value(g)) ? PA_TRUE : PA_FALSE;
	pa_node result = pa_memo_find(space, d->op, f, g, 0);
	if (result != PA_NO_NODE)
		return result;
	unsigned of_f = pa_node_level(space, f), of_g = pa_node_level(space, g), level = of_f < of_g ? of_f : of_g;
	pa_node child[PA_RADIX], last_f = PA_NO_NODE, last_g = PA_NO_NODE;
	for (unsigned i = 0; i < PA_RADIX; i++) {
		pa_node left = of_f == level ? space->child[f][i] : f, right = of_g == level ? space->child[g][i] : g;
		child[i] = left == last_f && right == last_g ? child[i - 1] : differ(d, left, right);
		last_f = left;
		last_g = right;
	}
	result = pa_node_make(space, level, child);
	pa_memo_store(space, d->op, f, g, 0, result);
	return result;
}

pa_node pa_node_differ(struct pa_space *space, pa_node f, pa_node g, bool (*picks)(void *context, uint32_t a, uint32_t b),
		       void *context)
{
	struct differing differing = { space, space->next_op++, picks, context };
	return differ(&differing, f, g);
}
