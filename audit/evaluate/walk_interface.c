/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the packet's interface is, in a state of the walk: names are sorted out by what a test finds of each. */
#include "interface.h"
#include "walker.h"

#include <stdlib.h>

/* The outcome of a test against elements for one interface; -1: not known. */
static int outcome_of(const struct pa_link_fact *fact, const struct pa_link_test *test, const struct pa_elements *elements)
{
	if (!fact || fact->found[test->property] == PA_LINK_UNKNOWN)
		return -1;
	if (fact->found[test->property] == PA_LINK_NONE)
		return PA_W_BREAK;
	if (!elements)
		return PA_W_YES;
	pa_u128 value = (fact->value[test->property] & test->mask) ^ test->xor_value;
	for (size_t i = 0; i < elements->count; i++) {
		if (elements->keys[i].first <= value && elements->keys[i].last >= value)
			return PA_W_YES;
	}
	return PA_W_NO;
}

/* Leaves the state with the interfaces for which the test has this outcome; false: there is none among its own. */
static bool is_among(struct pa_wrun *run, struct pa_wstate *state, const struct pa_link_test *test,
		     const struct pa_elements *elements, enum pa_wanswer outcome)
{
	const struct pa_walker *walker = run->walker;
	struct pa_interval *names = pa_xcalloc(walker->link_count + 1, sizeof(*names));
	size_t count = 0;
	for (size_t i = 0; i < walker->link_count; i++) {
		if (outcome_of(&walker->links[i], test, elements) == (int)outcome)
			names[count++] = (struct pa_interval){ walker->links[i].name, walker->links[i].name };
	}
	bool among = pa_wnarrow(run, state, state->now[test->interface].field, names, count);
	free(names);
	return among;
}

int pa_winterface(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule, const struct pa_link_test *test,
		  const struct pa_elements *elements)
{
	const struct pa_wvalue *now = &state->now[test->interface];
	if (!pa_plan_knows_link(&run->walker->plan, rule, test))
		return -1;
	if (now->kind == PA_W_VALUE && now->first == now->last)
		return outcome_of(pa_link_fact_of(run->walker->links, run->walker->link_count, now->first), test, elements);
	if (now->kind != PA_W_PACKET)
		return -1;
	for (enum pa_wanswer outcome = PA_W_NO; outcome <= PA_W_BREAK; outcome++) {
		if (is_among(run, state, test, elements, outcome))
			return (int)outcome;
	}
	return -1;
}
