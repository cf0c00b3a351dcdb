/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dead rules. Chain by chain, callers first: the packets that still arrive at each rule, in a space of its own in which marks and
 * conntrack states are fields like any other and opaque tests are variables. A rule to which nothing arrives that it matches is
 * dead. Where a rule changes a field, what was known of it is forgotten: that finds fewer dead rules, never a wrong one.
 */
#include "evaluation.h"

#include <stdlib.h>

struct pass {
	struct pa_evaluation *e; /* symbolic */
	struct pa_evaluation *owner;
	pa_node *entry; /* per chain: what its callers send into it */
	pa_node *back;	/* per chain: what comes back from it, whatever enters */
	bool *back_known;
	pa_node *stopped; /* per rule that was looked at: the packets that go no further */
	bool *done;
	size_t capacity;
	pa_node states; /* consistent packets */
};

static const enum pa_field changed_fields[] = { PA_FIELD_MARK, PA_FIELD_CT_MARK, PA_FIELD_CT_STATE, PA_FIELD_CT_STATUS };

static pa_node forget_states(struct pass *pass, pa_node set)
{
	for (size_t i = 0; i < sizeof(changed_fields) / sizeof(changed_fields[0]); i++)
		set = pa_set_project(pass->e->space, (pa_set){ set }, changed_fields[i]).node;
	return set;
}

static pa_node found_element(void *context, size_t element)
{
	(void)context;
	(void)element;
	return PA_TRUE;
}

static pa_node returning(struct pass *pass, const struct pa_chain *chain);

/* Of the packets that a verdict is given to: which go on with the next rule. */
static pa_node verdict_goes_on(struct pass *pass, const struct pa_verdict *verdict)
{
	switch (verdict->kind) {
	case PA_VERDICT_CONTINUE:
		return PA_TRUE;
	case PA_VERDICT_JUMP:
		return returning(pass, verdict->target);
	case PA_VERDICT_ACCEPT:
	case PA_VERDICT_DROP:
	case PA_VERDICT_REJECT:
	case PA_VERDICT_RETURN:
	case PA_VERDICT_GOTO:
		break;
	}
	return PA_FALSE;
}

static pa_node vmap_goes_on(struct pass *pass, const struct pa_elements *map)
{
	pa_node on = PA_FALSE;
	for (size_t i = 0; i < map->count && on != PA_TRUE; i++)
		on = pa_node_or(pass->e->space, on, verdict_goes_on(pass, &map->data[i].verdict));
	if (map->catch_all)
		on = pa_node_or(pass->e->space, on, verdict_goes_on(pass, &map->catch_all->verdict));
	return on;
}

/* What one rule does: the packets it matches (all its tests hold), and those of them that go on behind it. */
struct effect {
	pa_node matches;
	pa_node goes_on;
	bool changes; /* a field; what was known of it is void */
	bool opaque;  /* something in it may end the rule */
};

/* Without a flow its fields cannot be read: the rule ends, negated test or not. */
static pa_node readable(struct pa_evaluation *e, const struct pa_key *key)
{
	static const pa_u128 with_flow[] = { PA_CT_ESTABLISHED, PA_CT_RELATED, PA_CT_NEW };
	bool needs_flow = false;
	pa_node set = PA_FALSE;
	for (unsigned p = 0; p < key->count; p++)
		needs_flow = needs_flow || pa_part_needs_flow(&key->parts[p]);
	for (size_t i = 0; needs_flow && i < sizeof(with_flow) / sizeof(with_flow[0]); i++)
		set = pa_node_or(e->space, set, pa_field_in(e, PA_FIELD_CT_STATE, with_flow[i], with_flow[i]));
	return needs_flow ? set : PA_TRUE;
}

/* A value that may not be there: a map without the key, a field of a flow. */
static bool may_break(const struct pa_operand *operand)
{
	if (operand->kind == PA_OPERAND_FIELD)
		return pa_part_needs_flow(&operand->part);
	return operand->kind == PA_OPERAND_MAP;
}

static void step_effect(struct pass *pass, const struct pa_rule *rule, const struct pa_step *step, struct effect *effect)
{
	struct pa_evaluation *e = pass->e;
	pa_node set;
	switch (step->kind) {
	case PA_STEP_MATCH:
		set = pa_node_and(e->space, pa_match_set(e, rule, step, 0), readable(e, &step->key));
		if (!effect->changes) /* what is tested behind a change is not what arrived */
			effect->matches = pa_node_and(e->space, effect->matches, set);
		else
			effect->opaque = true;
		return;
	case PA_STEP_VERDICT:
		if (effect->goes_on == PA_FALSE)
			effect->goes_on = verdict_goes_on(pass, &step->verdict);
		return;
	case PA_STEP_VMAP:
		set = step->elements->opaque || step->elements->may_grow || step->elements->may_shrink
			      ? PA_TRUE
			      : pa_lookup(e, rule, step, &step->key, step->elements, 0, found_element, NULL, PA_FALSE);
		set = pa_node_and(e->space, set, readable(e, &step->key));
		effect->goes_on = set == PA_TRUE && !step->elements->catch_all ? PA_TRUE : vmap_goes_on(pass, step->elements);
		if (!effect->changes)
			effect->matches = pa_node_and(e->space, effect->matches, set);
		effect->opaque = effect->opaque || effect->changes;
		return;
	case PA_STEP_ASSIGN:
		effect->opaque = effect->opaque || may_break(&step->value);
		effect->changes = true;
		return;
	case PA_STEP_NOTRACK:
		effect->changes = true;
		return;
	case PA_STEP_NAT:
		effect->opaque = effect->opaque || may_break(&step->value) || may_break(&step->port);
		effect->goes_on = step->nat_family ? PA_TRUE : PA_FALSE;
		return;
	case PA_STEP_OPAQUE:
		effect->opaque = true;
		/* it may have acted on what a test behind it does not hold for */
		effect->changes = effect->changes || step->opacity != PA_OPACITY_MATCH;
		return;
	case PA_STEP_NONE:
		return;
	}
}

static bool ends_in_verdict(const struct pa_rule *rule)
{
	for (size_t i = 0; i < rule->step_count; i++) {
		enum pa_step_kind kind = rule->steps[i].kind;
		if (kind == PA_STEP_VERDICT || kind == PA_STEP_VMAP || kind == PA_STEP_NAT)
			return true;
	}
	return false;
}

static struct effect rule_effect(struct pass *pass, const struct pa_rule *rule)
{
	struct effect effect = { .matches = PA_TRUE, .goes_on = PA_FALSE };
	for (size_t i = 0; i < rule->step_count; i++)
		step_effect(pass, rule, &rule->steps[i], &effect);
	/* without a verdict, or when an opaque statement may end the rule, everything goes on */
	if (!ends_in_verdict(rule) || effect.opaque)
		effect.goes_on = PA_TRUE;
	return effect;
}

static bool target_changes(struct pass *pass, const struct pa_rule *rule)
{
	for (size_t i = 0; i < rule->step_count; i++) {
		const struct pa_step *step = &rule->steps[i];
		bool jumps = step->kind == PA_STEP_VERDICT && step->verdict.kind == PA_VERDICT_JUMP;
		if (step->kind == PA_STEP_VMAP || (jumps && pa_chain_learn(pass->e, step->verdict.target)->changes))
			return true;
	}
	return false;
}

/* The packets left behind a rule. */
static pa_node behind(struct pass *pass, const struct pa_rule *rule, const struct effect *effect, pa_node live)
{
	struct pa_space *space = pass->e->space;
	pass->stopped[rule->id] = pa_node_minus(space, effect->matches, effect->goes_on);
	live = pa_node_minus(space, live, pass->stopped[rule->id]);
	return effect->changes || target_changes(pass, rule) ? forget_states(pass, live) : live;
}

/* What comes back from a chain into which everything is sent. */
static pa_node returning(struct pass *pass, const struct pa_chain *chain)
{
	if (pass->back_known[chain->id])
		return pass->back[chain->id];
	pass->back_known[chain->id] = true;
	pass->back[chain->id] = PA_TRUE;
	pa_node live = PA_TRUE, back = PA_FALSE;
	for (size_t i = 0; i < chain->rule_count && live != PA_FALSE; i++) {
		const struct pa_rule *rule = chain->rules[i];
		struct effect effect = rule_effect(pass, rule);
		for (size_t k = 0; k < rule->step_count; k++) {
			const struct pa_step *step = &rule->steps[k];
			bool may = step->kind == PA_STEP_VMAP ||
				   (step->kind == PA_STEP_VERDICT &&
				    (step->verdict.kind == PA_VERDICT_RETURN || step->verdict.kind == PA_VERDICT_GOTO));
			if (may)
				back = pa_node_or(pass->e->space, back, pa_node_and(pass->e->space, live, effect.matches));
		}
		live = behind(pass, rule, &effect, live);
	}
	/* states may have changed inside: anything may come back in them */
	back = pa_node_or(pass->e->space, back, live);
	pass->back[chain->id] = pa_chain_learn(pass->e, chain)->changes ? PA_TRUE : back;
	return pass->back[chain->id];
}

/* --- the list --- */

static int decision(const struct pa_rule *rule)
{
	for (size_t i = 0; i < rule->step_count; i++) {
		if (rule->steps[i].kind != PA_STEP_VERDICT)
			continue;
		enum pa_verdict_kind kind = rule->steps[i].verdict.kind;
		if (kind == PA_VERDICT_ACCEPT)
			return 1;
		return kind == PA_VERDICT_DROP || kind == PA_VERDICT_REJECT ? -1 : 0;
	}
	return 0;
}

/* Which earlier rules of the chain stop the packets that the dead rule matches. */
static void blame(struct pass *pass, const struct pa_rule *rule, pa_node wanted, struct pa_dead_rule *dead)
{
	struct pa_space *space = pass->e->space;
	const struct pa_rule **by = pa_arena_alloc(pass->owner->arena, rule->index + 1, sizeof(const struct pa_rule *));
	for (unsigned i = 0; i < rule->index && wanted != PA_FALSE; i++) {
		const struct pa_rule *earlier = rule->chain->rules[i];
		pa_node stopped = pa_node_and(space, wanted, pass->stopped[earlier->id]);
		if (pa_node_some_variable(space, stopped) == PA_FALSE)
			continue;
		by[dead->by_count++] = earlier;
		dead->opposite = dead->opposite || (decision(earlier) * decision(rule) < 0);
		wanted = pa_node_minus(space, wanted, stopped);
	}
	dead->by = by;
}

static void add_dead(struct pass *pass, const struct pa_rule *rule, pa_node matches)
{
	struct pa_evaluation *owner = pass->owner;
	struct pa_dead_rule dead = { .rule = rule };
	pa_node possible = pa_node_and(pass->e->space, matches, pass->states);
	dead.impossible = pa_node_some_variable(pass->e->space, possible) == PA_FALSE;
	if (!dead.impossible)
		blame(pass, rule, pa_node_and(pass->e->space, possible, pass->entry[rule->chain->id]), &dead);
	pa_grow(&owner->dead, &pass->capacity, owner->dead_count + 1, sizeof(*owner->dead));
	owner->dead[owner->dead_count++] = dead;
}

static void send_into(struct pass *pass, const struct pa_verdict *verdict, pa_node set)
{
	bool goes = verdict->kind == PA_VERDICT_JUMP || verdict->kind == PA_VERDICT_GOTO;
	if (goes)
		pass->entry[verdict->target->id] = pa_node_or(pass->e->space, pass->entry[verdict->target->id], set);
}

static void send_to_targets(struct pass *pass, const struct pa_rule *rule, pa_node set)
{
	for (size_t i = 0; i < rule->step_count; i++) {
		const struct pa_step *step = &rule->steps[i];
		if (step->kind == PA_STEP_VERDICT)
			send_into(pass, &step->verdict, set);
		for (size_t k = 0; step->kind == PA_STEP_VMAP && k < step->elements->count; k++)
			send_into(pass, &step->elements->data[k].verdict, set);
		if (step->kind == PA_STEP_VMAP && step->elements->catch_all)
			send_into(pass, &step->elements->catch_all->verdict, set);
	}
}

static void examine(struct pass *pass, const struct pa_chain *chain)
{
	struct pa_space *space = pass->e->space;
	pa_node live = pass->entry[chain->id];
	for (size_t i = 0; i < chain->rule_count && !pa_space_failed(space); i++) {
		const struct pa_rule *rule = chain->rules[i];
		struct effect effect = rule_effect(pass, rule);
		pa_node hit = pa_node_and(space, live, effect.matches);
		if (pa_node_some_variable(space, hit) == PA_FALSE)
			add_dead(pass, rule, effect.matches);
		send_to_targets(pass, rule, effect.changes ? forget_states(pass, hit) : hit);
		live = behind(pass, rule, &effect, live);
	}
}

/* --- the order: callers before the chains they jump to --- */

static void visit_chain(struct pass *pass, const struct pa_chain *chain, const struct pa_chain **order, size_t *count);

static void visit_target(struct pass *pass, const struct pa_verdict *verdict, const struct pa_chain **order, size_t *count)
{
	bool goes = verdict->kind == PA_VERDICT_JUMP || verdict->kind == PA_VERDICT_GOTO;
	if (goes && verdict->target)
		visit_chain(pass, verdict->target, order, count);
}

static void visit_chain(struct pass *pass, const struct pa_chain *chain, const struct pa_chain **order, size_t *count)
{
	if (pass->done[chain->id])
		return;
	pass->done[chain->id] = true;
	for (size_t i = 0; i < chain->rule_count; i++) {
		for (size_t k = 0; k < chain->rules[i]->step_count; k++) {
			const struct pa_step *step = &chain->rules[i]->steps[k];
			if (step->kind == PA_STEP_VERDICT)
				visit_target(pass, &step->verdict, order, count);
			for (size_t m = 0; step->kind == PA_STEP_VMAP && m < step->elements->count; m++)
				visit_target(pass, &step->elements->data[m].verdict, order, count);
			if (step->kind == PA_STEP_VMAP && step->elements->catch_all)
				visit_target(pass, &step->elements->catch_all->verdict, order, count);
		}
	}
	order[(*count)++] = chain;
}

/* The headers and interfaces that a base chain sees. */
static pa_node arrives(struct pass *pass, const struct pa_chain *chain)
{
	struct pa_evaluation *e = pass->e;
	pa_node set = pass->states, no_oif = pa_field_in(e, PA_FIELD_OIFNAME, 0, 0),
		no_iif = pa_field_in(e, PA_FIELD_IIFNAME, 0, 0);
	enum pa_family family = chain->table->family;
	if (family == PA_FAMILY_IP || family == PA_FAMILY_IP6)
		set = pa_node_and(e->space, set, e->family[family == PA_FAMILY_IP ? 0 : 1]);
	if (chain->hook == PA_HOOK_PREROUTING || chain->hook == PA_HOOK_INPUT)
		set = pa_node_minus(e->space, pa_node_and(e->space, set, no_oif), no_iif);
	if (chain->hook == PA_HOOK_OUTPUT)
		set = pa_node_minus(e->space, pa_node_and(e->space, set, no_iif), no_oif);
	if (chain->hook == PA_HOOK_FORWARD)
		set = pa_node_minus(e->space, set, pa_node_or(e->space, no_iif, no_oif));
	return set;
}

static pa_node consistent(struct pa_evaluation *e)
{
	pa_node state = PA_FALSE;
	for (pa_u128 bit = 1; bit <= PA_CT_UNTRACKED; bit <<= 1) {
		if (bit == PA_CT_INVALID || bit == PA_CT_ESTABLISHED || bit == PA_CT_RELATED || bit == PA_CT_NEW ||
		    bit == PA_CT_UNTRACKED)
			state = pa_node_or(e->space, state, pa_field_in(e, PA_FIELD_CT_STATE, bit, bit));
	}
	return pa_node_and(e->space, e->base, state);
}

static bool is_followed(const struct pa_chain *chain)
{
	enum pa_family family = chain->table->family;
	return chain->is_base && !chain->table->dormant && chain->hook <= PA_HOOK_POSTROUTING &&
	       (family == PA_FAMILY_IP || family == PA_FAMILY_IP6 || family == PA_FAMILY_INET);
}

static void run_pass(struct pass *pass)
{
	const struct pa_ruleset *ruleset = pass->e->ruleset;
	const struct pa_chain **order = pa_xcalloc(ruleset->chain_count + 1, sizeof(const struct pa_chain *));
	size_t count = 0;
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		pass->entry[i] = PA_FALSE;
		if (!is_followed(ruleset->chains[i]))
			continue;
		pass->entry[i] = arrives(pass, ruleset->chains[i]);
		visit_chain(pass, ruleset->chains[i], order, &count);
	}
	while (count-- > 0)
		examine(pass, order[count]);
	free(order);
}

static int compare_dead(const void *a, const void *b)
{
	const struct pa_dead_rule *x = a, *y = b;
	return x->rule->id < y->rule->id ? -1 : x->rule->id > y->rule->id;
}

/* How many rules of the ruleset are one rule of the administrator, from `first` on. */
static size_t alternatives(const struct pa_ruleset *ruleset, size_t first)
{
	size_t count = 1;
	while (first + count < ruleset->rule_count && ruleset->rules[first + count]->continues)
		count++;
	return count;
}

/* A rule that was written as several is dead when all of them are; it is told once. */
static void keep_whole_rules(struct pa_evaluation *e)
{
	size_t kept = 0;
	for (size_t i = 0; i < e->dead_count; i++) {
		const struct pa_rule *rule = e->dead[i].rule;
		size_t count = rule->continues ? 0 : alternatives(e->ruleset, rule->id);
		bool whole = count > 0 && i + count <= e->dead_count && e->dead[i + count - 1].rule->id == rule->id + count - 1;
		size_t told = i;
		while (whole && told + 1 < i + count && e->dead[told].impossible)
			told++;
		if (whole)
			e->dead[kept++] = e->dead[told];
	}
	e->dead_count = kept;
}

static void find_dead(struct pa_evaluation *owner)
{
	struct pa_evaluation *e = pa_evaluation_begin(owner->ruleset, owner->host, NULL, 0, true);
	size_t chains = owner->ruleset->chain_count + 1;
	struct pass pass = { .e = e, .owner = owner };
	pass.entry = pa_xcalloc(chains, sizeof(*pass.entry));
	pass.back = pa_xcalloc(chains, sizeof(*pass.back));
	pass.back_known = pa_xcalloc(chains, sizeof(*pass.back_known));
	pass.done = pa_xcalloc(chains, sizeof(*pass.done));
	pass.stopped = pa_xcalloc(owner->ruleset->rule_count + 1, sizeof(*pass.stopped));
	pass.states = consistent(e);
	run_pass(&pass);
	if (pa_space_failed(e->space))
		pa_space_fail(owner->space, pa_space_failed(e->space));
	if (owner->dead_count)
		qsort(owner->dead, owner->dead_count, sizeof(*owner->dead), compare_dead);
	keep_whole_rules(owner);
	free(pass.entry);
	free(pass.stopped);
	free(pass.back);
	free(pass.back_known);
	free(pass.done);
	pa_evaluation_free(e);
}

size_t pa_evaluation_dead_rules(struct pa_evaluation *e, const struct pa_dead_rule **ret_rules)
{
	if (!e->dead_known)
		find_dead(e);
	e->dead_known = true;
	*ret_rules = e->dead;
	return e->dead_count;
}
