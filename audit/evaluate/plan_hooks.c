/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From which hooks a chain is reached. */
#include "plan.h"

static void reach(struct pa_plan *plan, const struct pa_chain *chain, unsigned hook);

static void reach_target(struct pa_plan *plan, const struct pa_verdict *verdict, unsigned hook)
{
	if ((verdict->kind == PA_VERDICT_JUMP || verdict->kind == PA_VERDICT_GOTO) && verdict->target)
		reach(plan, verdict->target, hook);
}

static void reach_from_map(struct pa_plan *plan, const struct pa_elements *map, unsigned hook)
{
	for (size_t i = 0; map->data && i < map->count; i++)
		reach_target(plan, &map->data[i].verdict, hook);
	if (map->catch_all)
		reach_target(plan, &map->catch_all->verdict, hook);
}

/* Jumps are at most 16 deep, or the ruleset would not be sound. */
static void reach(struct pa_plan *plan, const struct pa_chain *chain, unsigned hook)
{
	if (plan->chain_hooks[chain->id] & hook)
		return;
	plan->chain_hooks[chain->id] |= hook;
	for (size_t i = 0; i < chain->rule_count; i++) {
		const struct pa_rule *rule = chain->rules[i];
		for (size_t k = 0; k < rule->step_count; k++) {
			if (rule->steps[k].kind == PA_STEP_VERDICT)
				reach_target(plan, &rule->steps[k].verdict, hook);
			else if (rule->steps[k].kind == PA_STEP_VMAP)
				reach_from_map(plan, rule->steps[k].elements, hook);
		}
	}
}

void pa_plan_reach(const struct pa_ruleset *ruleset, struct pa_arena *arena, struct pa_plan *plan)
{
	plan->chain_hooks = pa_arena_alloc(arena, ruleset->chain_count + 1, sizeof(*plan->chain_hooks));
	for (size_t i = 0; i < ruleset->chain_count; i++)
		if (ruleset->chains[i]->is_base)
			reach(plan, ruleset->chains[i], 1u << ruleset->chains[i]->hook);
}

bool pa_plan_knows_link(const struct pa_plan *plan, const struct pa_rule *rule, const struct pa_link_test *test)
{
	const unsigned arriving =
		1u << PA_HOOK_INGRESS | 1u << PA_HOOK_PREROUTING | 1u << PA_HOOK_INPUT | 1u << PA_HOOK_FORWARD;
	if (test->property != PA_LINK_TYPE || test->interface != PA_FIELD_IIFNAME)
		return true;
	return !(plan->chain_hooks[rule->chain->id] & ~arriving) && rule->chain->table->family != PA_FAMILY_BRIDGE;
}
