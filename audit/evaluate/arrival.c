/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A limit that both rulesets of a pair ask is one question, but it gives the same answers only while the same packets come to it:
 * each one that comes takes a token, whether a later test of the rule fits it or not. Which packets come to a step is worked out by
 * evaluating once more, with the step as an end that nothing else has; only where a rule before it is not the same.
 */
#include <stdlib.h>
#include <string.h>

#include "evaluation.h"

/* How many limits are compared, with an evaluation of both rulesets each; of those beyond it is said that they were not. */
#define TAPS_MIN 4
#define TAPS_MAX 64
#define WORK_MAX 20000 /* rules */

/* A step of both rulesets. */
struct tap {
	const struct pa_rule *rule[2];
	size_t step[2];
};

/* --- what comes to it ------------------------------------------------------------------------------------------- */

static pa_node to_arrived(void *context, uint32_t terminal)
{
	const struct pa_evaluation *e = context;
	return e->terms->outcomes[terminal].kind == PA_OUTCOME_REJECT ? PA_TRUE : PA_FALSE;
}

static pa_node arrivals(struct pa_evaluation *e, const struct pa_evaluation *aside, unsigned path, unsigned scenario)
{
	const struct pa_answer *answer = pa_answer(e, (enum pa_path)path, (enum pa_scenario)scenario);
	return pa_node_and(e->space, pa_node_bind(e->space, answer->node, to_arrived, e),
			   aside->answers[scenario][path].universe);
}

/* What was worked out without the tap is put aside meanwhile. */
static struct pa_evaluation *begin_tap(struct pa_evaluation *e, const struct pa_rule *rule, size_t step)
{
	struct pa_evaluation *aside = pa_xmalloc(sizeof(*aside));
	*aside = *e;
	e->tails = e->base_chains = e->base_reads = (struct pa_table128){ 0 };
	memset(e->answers, 0, sizeof(e->answers));
	memset(e->prerouting_known, 0, sizeof(e->prerouting_known));
	memset(e->translated, 0, sizeof(e->translated));
	e->tapped = rule;
	e->tapped_step = step;
	return aside;
}

static void end_tap(struct pa_evaluation *e, struct pa_evaluation *aside)
{
	pa_table128_done(&e->tails);
	pa_table128_done(&e->base_chains);
	pa_table128_done(&e->base_reads);
	e->tails = aside->tails;
	e->base_chains = aside->base_chains;
	e->base_reads = aside->base_reads;
	memcpy(e->answers, aside->answers, sizeof(e->answers));
	memcpy(e->prerouting, aside->prerouting, sizeof(e->prerouting));
	memcpy(e->prerouting_known, aside->prerouting_known, sizeof(e->prerouting_known));
	memcpy(e->translated, aside->translated, sizeof(e->translated));
	e->tapped = NULL;
	free(aside);
}

/* --- which steps are compared ------------------------------------------------------------------------------------- */

static bool same_sets(struct pa_evaluation *const pair[2])
{
	const struct pa_ruleset *old = pair[0]->ruleset, *new = pair[1]->ruleset;
	if (old->table_count != new->table_count)
		return false;
	for (size_t i = 0; i < old->table_count; i++) {
		const struct pa_table *a = old->tables[i], *b = new->tables[i];
		if (a->set_count != b->set_count)
			return false;
		for (size_t k = 0; k < a->set_count; k++)
			if (strcmp(a->sets[k]->name, b->sets[k]->name) != 0 ||
			    pa_contents(pair[0], &a->sets[k]->elements) != pa_contents(pair[1], &b->sets[k]->elements))
				return false;
	}
	return true;
}

/* Is the text of everything before the step the same, and all other chains? Then so is what comes to it. */
static bool same_before(struct pa_evaluation *const pair[2], const struct tap *tap)
{
	const struct pa_ruleset *old = pair[0]->ruleset, *new = pair[1]->ruleset;
	const struct pa_chain *own[2] = { tap->rule[0]->chain, tap->rule[1]->chain };
	if (old->chain_count != new->chain_count || tap->rule[0]->index != tap->rule[1]->index ||
	    tap->step[0] != tap->step[1] || own[0]->id != own[1]->id)
		return false;
	for (size_t i = 0; i < old->chain_count; i++) {
		const struct pa_chain *a = old->chains[i], *b = new->chains[i];
		size_t count = a == own[0] ? tap->rule[0]->index + 1 : a->rule_count;
		if (a->is_base != b->is_base || a->hook != b->hook || a->priority != b->priority || a->policy != b->policy ||
		    a->table->dormant != b->table->dormant || a->table->family != b->table->family ||
		    (a != own[0] && a->rule_count != b->rule_count) || strcmp(a->name, b->name) != 0 ||
		    strcmp(a->table->name, b->table->name) != 0)
			return false;
		for (size_t k = 0; k < count; k++)
			if (!pa_text_equal(a->rules[k]->text, b->rules[k]->text))
				return false;
	}
	return same_sets(pair);
}

/* The variable that the step asks, if the fate of some packet hangs on it. */
static bool matters(struct pa_evaluation *e, const struct tap *tap, const bool *used)
{
	const struct pa_step *step = &tap->rule[1]->steps[tap->step[1]];
	bool *own = pa_xcalloc(e->terms->variable_count + 1, sizeof(*own)), found = false;
	pa_node variable = pa_variable(e, step->text, pa_place(e, tap->rule[1], tap->step[1]) | (uint64_t)1 << 61, step->reason,
				       tap->rule[1], step->understood);
	pa_node_variables(e->space, variable, own, e->terms->variable_count);
	for (size_t i = 0; i < e->terms->variable_count; i++)
		found = found || (own[i] && used[i]);
	free(own);
	return found;
}

static bool *used_variables(struct pa_evaluation *const pair[2])
{
	size_t count = pair[1]->terms->variable_count;
	bool *used = pa_xcalloc(count + 1, sizeof(*used));
	for (unsigned side = 0; side < 2; side++)
		for (unsigned path = 0; path < PA_PATHS; path++)
			for (unsigned s = 0; s < PA_SCENARIOS; s++)
				pa_node_variables(pair[side]->space,
						  pa_answer(pair[side], (enum pa_path)path, (enum pa_scenario)s)->node, used,
						  count);
	return used;
}

struct tap_list {
	struct tap *items;
	size_t count, capacity;
};

/* The rule and step of a number of the old ruleset. */
static void find_old(const struct pa_evaluation *old, uint32_t number, struct tap *tap)
{
	for (size_t i = 0; i < old->ruleset->rule_count; i++) {
		const struct pa_rule *rule = old->ruleset->rules[i];
		size_t first = old->step_base[rule->id];
		if (number >= first && number < first + rule->step_count) {
			tap->rule[0] = rule;
			tap->step[0] = number - first;
			return;
		}
	}
}

/* Steps that count packets, are the same question in both, and may be asked of others. */
static void list_taps(struct pa_evaluation *const pair[2], struct tap_list *taps)
{
	const struct pa_ruleset *ruleset = pair[1]->ruleset;
	for (size_t i = 0; i < ruleset->rule_count; i++) {
		const struct pa_rule *rule = ruleset->rules[i];
		for (size_t k = 0; k < rule->step_count; k++) {
			uint32_t number = pair[1]->places[pair[1]->step_base[rule->id] + k];
			struct tap tap = { .rule = { NULL, rule }, .step = { 0, k } };
			if (rule->steps[k].kind != PA_STEP_OPAQUE || !rule->steps[k].counted || !rule->steps[k].text)
				continue;
			find_old(pair[0], number, &tap);
			if (!tap.rule[0] || same_before(pair, &tap))
				continue;
			pa_grow(&taps->items, &taps->capacity, taps->count + 1, sizeof(*taps->items));
			taps->items[taps->count++] = tap;
		}
	}
}

/* --- the whole --------------------------------------------------------------------------------------------------------- */

static void tell(struct pa_evaluation *e, const struct tap *tap, unsigned path, unsigned scenario, const pa_node arrived[2],
		 struct pa_counting *ret_counting)
{
	pa_node more = pa_node_some_variable(e->space, pa_node_minus(e->space, arrived[1], arrived[0]));
	pa_node less = pa_node_some_variable(e->space, pa_node_minus(e->space, arrived[0], arrived[1]));
	pa_set set = { pa_visible(e, more != PA_FALSE ? more : less) };
	*ret_counting = (struct pa_counting){ .rule = { tap->rule[0], tap->rule[1] },
					      .text = tap->rule[1]->steps[tap->step[1]].text,
					      .scenario = (enum pa_scenario)scenario,
					      .more = more != PA_FALSE,
					      .less = less != PA_FALSE };
	ret_counting->example = pa_evaluation_example(e, (enum pa_path)path, set);
	ret_counting->example.path = (enum pa_path)path;
}

static bool compare_tap(struct pa_evaluation *const pair[2], const struct tap *tap, struct pa_counting *ret_counting)
{
	static const enum pa_scenario order[PA_SCENARIOS] = {
		PA_SCENARIO_NEW,     PA_SCENARIO_ESTABLISHED, PA_SCENARIO_REPLY,
		PA_SCENARIO_RELATED, PA_SCENARIO_UNTRACKED,   PA_SCENARIO_INVALID
	};
	struct pa_evaluation *aside[2];
	unsigned path = 0, scenario = 0;
	pa_node arrived[2] = { PA_FALSE, PA_FALSE };
	for (unsigned side = 0; side < 2; side++)
		aside[side] = begin_tap(pair[side], tap->rule[side], tap->step[side]);
	for (unsigned i = 0; i < PA_SCENARIOS * PA_PATHS && arrived[0] == arrived[1]; i++) {
		scenario = order[i / PA_PATHS];
		path = i % PA_PATHS;
		for (unsigned side = 0; side < 2; side++)
			arrived[side] = arrivals(pair[side], aside[side], path, scenario);
	}
	for (unsigned side = 0; side < 2; side++)
		end_tap(pair[side], aside[side]);
	if (arrived[0] == arrived[1])
		return false;
	tell(pair[1], tap, path, scenario, arrived, ret_counting);
	return true;
}

/* About a second of work: what is to be evaluated again is in proportion to the rules. */
static size_t most_taps(const struct pa_ruleset *ruleset)
{
	size_t most = WORK_MAX / (ruleset->rule_count + 1);
	return most < TAPS_MIN ? TAPS_MIN : most > TAPS_MAX ? TAPS_MAX : most;
}

size_t pa_evaluation_counting(struct pa_evaluation *const pair[2], const struct pa_counting **ret_countings,
			      size_t *ret_not_compared)
{
	struct tap_list taps = { 0 };
	size_t found = 0, looked = 0, most = most_taps(pair[1]->ruleset);
	*ret_not_compared = 0;
	list_taps(pair, &taps);
	struct pa_counting *countings = pa_arena_alloc(pair[1]->arena, taps.count + 1, sizeof(*countings));
	bool *used = taps.count ? used_variables(pair) : NULL;
	for (size_t i = 0; i < taps.count; i++) {
		if (!matters(pair[1], &taps.items[i], used))
			continue;
		if (looked++ >= most)
			++*ret_not_compared;
		else if (compare_tap(pair, &taps.items[i], &countings[found]))
			found++;
	}
	free(used);
	free(taps.items);
	*ret_countings = countings;
	return found;
}
