/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making and freeing an evaluation. */
#include "evaluation.h"

#include <stdlib.h>

_Static_assert(PA_SLOT_COUNT <= 128, "sets of slots are 128-bit masks");

static void list_opaques(struct pa_evaluation *e)
{
	bool *matters = pa_xcalloc(e->variable_count + 1, sizeof(*matters));
	for (unsigned path = 0; e->variable_count && path < PA_PATHS; path++) {
		const struct pa_answer *answer = pa_answer(e, (enum pa_path)path, PA_SCENARIO_NEW);
		pa_node accepted = pa_node_and(e->space, pa_accepted(e, answer->node), answer->universe);
		pa_node_variables(e->space, accepted, matters, e->variable_count);
	}
	e->opaques = pa_arena_alloc(e->arena, e->variable_count + 1, sizeof(*e->opaques));
	for (size_t i = 0; i < e->variable_count; i++) {
		const struct pa_variable *variable = &e->variables[i];
		struct pa_opaque *last = e->opaque_count ? &e->opaques[e->opaque_count - 1] : NULL;
		if (last && last->text == variable->text && last->rule == variable->rule) {
			last->matters = last->matters || matters[i]; /* one statement may need several variables */
			continue;
		}
		e->opaques[e->opaque_count++] = (struct pa_opaque){ variable->text, variable->rule, variable->reason,
								    matters[i], variable->understood };
	}
	free(matters);
}

struct pa_evaluation *pa_evaluation_begin(const struct pa_ruleset *ruleset, const struct pa_host *host,
					  const struct pa_cut *cuts, size_t cut_count, bool symbolic)
{
	struct pa_evaluation *e = pa_xcalloc(1, sizeof(*e));
	struct pa_cuts *announced = pa_cuts_new();
	e->ruleset = ruleset;
	e->host = host;
	e->symbolic = symbolic;
	e->arena = pa_arena_new();
	pa_plan_make(ruleset, e->arena, &e->plan);
	e->chains = pa_arena_alloc(e->arena, ruleset->chain_count + 1, sizeof(*e->chains));
	pa_gather(e, announced);
	for (size_t i = 0; i < cut_count; i++) {
		pa_cuts_add_interval(announced, cuts[i].field, cuts[i].interval);
		if (cuts[i].field == PA_FIELD_L4PROTO && pa_cuts_has(announced, PA_FIELD_IP6_NEXTHDR))
			pa_cuts_add_interval(announced, PA_FIELD_IP6_NEXTHDR, cuts[i].interval);
	}
	pa_universe_cuts(e, announced);
	e->space = pa_space_new(announced, ruleset->rule_count + cut_count);
	pa_cuts_free(announced);
	pa_env_empty(e); /* environment 0: that of dropped packets */
	/* outcomes 0 and 1 share their terminals with FALSE and TRUE: neither is a packet that goes on */
	pa_outcome(e, PA_OUTCOME_DROP, 0);
	pa_outcome(e, PA_OUTCOME_ELSEWHERE, 0);
	pa_universe_make(e);
	return e;
}

struct pa_evaluation *pa_evaluate(const struct pa_ruleset *ruleset, const struct pa_host *host, const struct pa_cut *cuts,
				  size_t cut_count, struct pa_diags *diags)
{
	struct pa_evaluation *e = pa_evaluation_begin(ruleset, host, cuts, cut_count, false);
	for (unsigned path = 0; path < PA_PATHS; path++)
		pa_evaluation_reachable(e, (enum pa_path)path, PA_CERTAIN);
	if (!pa_space_failed(e->space))
		list_opaques(e);
	const char *failed = pa_space_failed(e->space);
	if (!failed)
		return e;
	struct pa_diag *diag =
		pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "the ruleset could not be evaluated: %s", failed);
	diag->help = "no answer is given, because it could be wrong; please report this ruleset";
	return pa_evaluation_free(e);
}

struct pa_evaluation *pa_evaluation_free(struct pa_evaluation *e)
{
	if (!e)
		return NULL;
	for (unsigned path = 0; path < PA_PATHS; path++)
		free(e->exposures[path].items);
	pa_table128_done(&e->env_index);
	pa_table128_done(&e->value_index);
	free(e->values);
	pa_table128_done(&e->outcome_index);
	pa_table128_done(&e->tails);
	pa_table128_done(&e->base_chains);
	pa_table128_done(&e->base_reads);
	pa_table128_done(&e->overlays);
	pa_table128_done(&e->variable_index);
	pa_table128_done(&e->text_index);
	free(e->dead);
	free(e->envs);
	free(e->env_next);
	free(e->outcomes);
	free(e->variables);
	free(e->texts);
	pa_space_free(e->space);
	pa_arena_free(e->arena);
	free(e);
	return NULL;
}

struct pa_space *pa_evaluation_space(struct pa_evaluation *e)
{
	return e->space;
}

size_t pa_evaluation_opaques(struct pa_evaluation *e, const struct pa_opaque **ret_opaques)
{
	*ret_opaques = e->opaques;
	return e->opaque_count;
}
