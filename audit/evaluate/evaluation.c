/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making and freeing an evaluation. */
#include "evaluation.h"

#include <stdlib.h>

_Static_assert(PA_SLOT_COUNT <= 128, "sets of slots are 128-bit masks");

static void list_opaques(struct pa_evaluation *e)
{
	bool *matters = pa_xcalloc(e->terms->variable_count + 1, sizeof(*matters));
	for (unsigned path = 0; e->terms->variable_count && path < PA_PATHS; path++) {
		const struct pa_answer *answer = pa_answer(e, (enum pa_path)path, PA_SCENARIO_NEW);
		pa_node accepted = pa_node_and(e->space, pa_accepted(e, answer->node), answer->universe);
		pa_node_variables(e->space, accepted, matters, e->terms->variable_count);
	}
	e->opaques = pa_arena_alloc(e->arena, e->terms->variable_count + 1, sizeof(*e->opaques));
	for (size_t i = 0; i < e->terms->variable_count; i++) {
		const struct pa_variable *variable = &e->terms->variables[i];
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

/* The usual answers, and what they depend on. */
static void finish(struct pa_evaluation *e)
{
	for (unsigned path = 0; path < PA_PATHS; path++)
		pa_evaluation_reachable(e, (enum pa_path)path, PA_CERTAIN);
	if (!pa_space_failed(e->space))
		list_opaques(e);
}

static void say_failed(const char *failed, struct pa_diags *diags)
{
	struct pa_diag *diag =
		pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "the ruleset could not be evaluated: %s", failed);
	diag->help = "no answer is given, because it could be wrong; please report this ruleset";
}

/* What can be known of a ruleset before there is a space. */
static struct pa_evaluation *prepare(const struct pa_ruleset *ruleset, const struct pa_host *host, bool symbolic)
{
	struct pa_evaluation *e = pa_xcalloc(1, sizeof(*e));
	e->ruleset = ruleset;
	e->host = host;
	e->symbolic = symbolic;
	e->arena = pa_arena_new();
	pa_plan_make(ruleset, e->arena, &e->plan);
	e->chains = pa_arena_alloc(e->arena, ruleset->chain_count + 1, sizeof(*e->chains));
	return e;
}

static void announce_cuts(struct pa_cuts *announced, const struct pa_cut *cuts, size_t cut_count)
{
	for (size_t i = 0; i < cut_count; i++) {
		pa_cuts_add_interval(announced, cuts[i].field, cuts[i].interval);
		if (cuts[i].field == PA_FIELD_L4PROTO && pa_cuts_has(announced, PA_FIELD_IP6_NEXTHDR))
			pa_cuts_add_interval(announced, PA_FIELD_IP6_NEXTHDR, cuts[i].interval);
	}
}

/* The space and the terms of one evaluation, or of two that are to be compared. */
static void share_space(struct pa_evaluation *const *evaluations, unsigned count, const struct pa_cuts *announced, size_t items)
{
	struct pa_terms *terms = pa_xcalloc(1, sizeof(*terms));
	struct pa_space *space = pa_space_new(announced, items);
	terms->arena = pa_arena_new();
	terms->users = count;
	for (unsigned i = 0; i < count; i++) {
		evaluations[i]->terms = terms;
		evaluations[i]->space = space;
	}
	pa_env_empty(evaluations[0]); /* environment 0: that of dropped packets */
	/* outcomes 0 and 1 share their terminals with FALSE and TRUE: neither is a packet that goes on */
	pa_outcome(evaluations[0], PA_OUTCOME_DROP, 0);
	pa_outcome(evaluations[0], PA_OUTCOME_ELSEWHERE, 0);
	for (unsigned i = 0; i < count; i++)
		pa_universe_make(evaluations[i]);
}

struct pa_evaluation *pa_evaluation_begin(const struct pa_ruleset *ruleset, const struct pa_host *host,
					  const struct pa_cut *cuts, size_t cut_count, bool symbolic)
{
	struct pa_cuts *announced = pa_cuts_new();
	struct pa_evaluation *e = prepare(ruleset, host, symbolic);
	pa_gather(e, announced);
	announce_cuts(announced, cuts, cut_count);
	pa_universe_cuts(e, announced);
	share_space(&e, 1, announced, ruleset->rule_count + cut_count);
	pa_cuts_free(announced);
	return e;
}

/* What some rule of either ruleset looks at is looked at: the universe and what NAT leaves alone are the same for both. */
static void join_plans(struct pa_plan *a, const struct pa_plan *b)
{
	a->reads_status = a->reads_status || b->reads_status;
	a->reads_reply = a->reads_reply || b->reads_reply;
	a->reads_nexthdr = a->reads_nexthdr || b->reads_nexthdr;
	a->reads_fragments = a->reads_fragments || b->reads_fragments;
	a->writes |= b->writes;
	a->raw_ports = a->raw_ports || b->raw_ports;
}

/* What rules may give a packet that leaves them: the source, marks, fields of the header. */
static pa_u128 kept_of(const struct pa_evaluation *e)
{
	pa_u128 kept = (pa_u128)1 << PA_FIELD_SADDR | (pa_u128)1 << PA_FIELD_SPORT;
	for (size_t i = 0; i < e->ruleset->rule_count; i++) {
		const struct pa_rule *rule = e->ruleset->rules[i];
		for (size_t k = 0; k < rule->step_count; k++) {
			if (rule->steps[k].kind == PA_STEP_ASSIGN && rule->steps[k].field != PA_FIELD_CT_STATE)
				kept |= (pa_u128)1 << rule->steps[k].field;
		}
	}
	return kept;
}

bool pa_evaluate_pair(const struct pa_ruleset *const rulesets[2], const struct pa_host *host, const struct pa_cut *cuts,
		      size_t cut_count, struct pa_diags *diags, struct pa_evaluation *ret_pair[2])
{
	struct pa_cuts *announced = pa_cuts_new();
	struct pa_evaluation *pair[2];
	for (unsigned i = 0; i < 2; i++)
		pair[i] = prepare(rulesets[i], host, false);
	join_plans(&pair[0]->plan, &pair[1]->plan);
	join_plans(&pair[1]->plan, &pair[0]->plan);
	for (unsigned i = 0; i < 2; i++)
		pa_gather(pair[i], announced);
	announce_cuts(announced, cuts, cut_count);
	/* twice: what the second one announces the first one may want to know of */
	for (unsigned i = 0; i < 4; i++)
		pa_universe_cuts(pair[i % 2], announced);
	share_space(pair, 2, announced, rulesets[0]->rule_count + rulesets[1]->rule_count + cut_count);
	pa_cuts_free(announced);
	pa_pair_places(pair);
	pair[0]->kept = pair[1]->kept = kept_of(pair[0]) | kept_of(pair[1]);
	for (unsigned i = 0; i < 2; i++)
		finish(pair[i]);
	const char *failed = pa_space_failed(pair[0]->space);
	if (!failed) {
		ret_pair[0] = pair[0];
		ret_pair[1] = pair[1];
		return true;
	}
	say_failed(failed, diags);
	pa_evaluation_free(pair[0]);
	pa_evaluation_free(pair[1]);
	return false;
}

struct pa_evaluation *pa_evaluate(const struct pa_ruleset *ruleset, const struct pa_host *host, const struct pa_cut *cuts,
				  size_t cut_count, struct pa_diags *diags)
{
	struct pa_evaluation *e = pa_evaluation_begin(ruleset, host, cuts, cut_count, false);
	finish(e);
	const char *failed = pa_space_failed(e->space);
	if (!failed)
		return e;
	say_failed(failed, diags);
	return pa_evaluation_free(e);
}

/* The space and the terms, when nobody uses them any more. */
static void release_terms(struct pa_terms *terms, struct pa_space *space)
{
	if (--terms->users)
		return;
	pa_table128_done(&terms->env_index);
	pa_table128_done(&terms->value_index);
	pa_table128_done(&terms->outcome_index);
	pa_table128_done(&terms->variable_index);
	pa_table128_done(&terms->text_index);
	free(terms->values);
	free(terms->envs);
	free(terms->env_next);
	free(terms->outcomes);
	free(terms->variables);
	free(terms->texts);
	pa_arena_free(terms->arena);
	free(terms);
	pa_space_free(space);
}

struct pa_evaluation *pa_evaluation_free(struct pa_evaluation *e)
{
	if (!e)
		return NULL;
	for (unsigned path = 0; path < PA_PATHS; path++)
		free(e->exposures[path].items);
	pa_table128_done(&e->tails);
	pa_table128_done(&e->base_chains);
	pa_table128_done(&e->base_reads);
	pa_table128_done(&e->overlays);
	free(e->dead);
	release_terms(e->terms, e->space);
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
