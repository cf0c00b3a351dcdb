/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a walk is in the order of chains, and which order it assumes where several are possible. */
#include "evaluation.h"
#include "walker.h"

const struct pa_stage *pa_wstage(const struct pa_wrun *run, const struct pa_wstate *s)
{
	const struct pa_hook_plan *plan = &run->walker->plan.hook[s->at];
	return plan->orders ? &plan->orders[s->order][s->stage] : &plan->stages[s->stage];
}

void pa_wchoose_order(struct pa_wrun *run, struct pa_wstate *s)
{
	const struct pa_hook_plan *plan = &run->walker->plan.hook[s->at];
	unsigned family = pa_wfield_in(run, s, PA_FIELD_NFPROTO, PA_NFPROTO_IPV4, PA_NFPROTO_IPV4) ? 0 : 1;
	size_t order = 0;
	for (size_t t = 0; t < plan->tie_count; t++) {
		const struct pa_tie *tie = &plan->ties[t];
		size_t behind = 0;
		while (behind < tie->count &&
		       !(tie->text[family][behind] && pa_wassume(run, s, tie->text[family][behind], 0, true)))
			behind++;
		order = order * (tie->count + 1) + behind;
	}
	s->order = order;
	s->order_of = (int)s->at;
}
