/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chains and rules. Runs of plain rules (guards and a verdict) are built as one list; everything else is a diagram of its own;
 * the pieces of a chain are merged as a balanced tree. A rule that changes the environment and goes on ends the run: what
 * follows is evaluated for each environment that leaves it.
 */
#include "evaluation.h"
#include "fib.h"

#include <stdlib.h>

/* --- what a chain reads and changes --- */

static pa_u128 slot_bit(unsigned slot)
{
	return (pa_u128)1 << slot;
}

static pa_u128 part_reads(const struct pa_key_part *part)
{
	if (part->opaque && part->fib != PA_FIB_NONE)
		return slot_bit(PA_FIELD_SADDR) | slot_bit(PA_FIELD_IIFNAME) | slot_bit(PA_FIELD_CT_STATE) |
		       (pa_fib_is_of_destination(part->fib) ? slot_bit(PA_FIELD_DADDR) : 0);
	if (part->opaque)
		return part->link ? slot_bit(part->link->interface) : 0;
	if (part->field == PA_FIELD_SADDR_TYPE)
		return slot_bit(part->field) | slot_bit(PA_SLOT_SOURCE_TYPE);
	return slot_bit(part->field) | (pa_part_needs_flow(part) ? slot_bit(PA_FIELD_CT_STATE) : 0);
}

static pa_u128 key_reads(const struct pa_key *key)
{
	pa_u128 reads = 0;
	for (unsigned i = 0; i < key->count; i++)
		reads |= part_reads(&key->parts[i]);
	return reads;
}

/*
 * Header fields that an environment may hold for a while, because the way to a chain tested them: see vmap_result(). The destination
 * has slots of its own, since its usual ones mean that NAT changed it; it matters where `ct status` is read.
 */
static const struct fact {
	enum pa_field field;
	unsigned slot;
} facts_held[] = {
	{ PA_FIELD_NFPROTO, PA_FIELD_NFPROTO },
	{ PA_FIELD_L4PROTO, PA_FIELD_L4PROTO },
	{ PA_FIELD_DADDR, PA_SLOT_WAS_DADDR },
	{ PA_FIELD_DPORT, PA_SLOT_WAS_DPORT },
};

static size_t fact_count(const struct pa_evaluation *e)
{
	return e->plan.reads_status ? sizeof(facts_held) / sizeof(facts_held[0]) : 2;
}

static pa_u128 fact_slots(const struct pa_evaluation *e)
{
	pa_u128 slots = 0;
	for (size_t i = 0; i < fact_count(e); i++)
		slots |= slot_bit(facts_held[i].slot);
	return slots;
}

static pa_u128 operand_reads(const struct pa_operand *operand)
{
	if (operand->kind == PA_OPERAND_FIELD)
		return part_reads(&operand->part);
	return operand->kind == PA_OPERAND_MAP ? key_reads(&operand->key) : 0;
}

static bool goes_elsewhere(const struct pa_verdict *verdict)
{
	return verdict->kind == PA_VERDICT_JUMP || verdict->kind == PA_VERDICT_GOTO;
}

/* What a step itself reads and changes, without the chains it leads to. */
static void learn_step(const struct pa_evaluation *e, const struct pa_step *step, struct pa_rule_facts *facts)
{
	switch (step->kind) {
	case PA_STEP_MATCH:
		facts->reads |= key_reads(&step->key);
		break;
	case PA_STEP_VERDICT:
		facts->jumps = facts->jumps || goes_elsewhere(&step->verdict);
		break;
	case PA_STEP_VMAP:
		facts->reads |= key_reads(&step->key);
		facts->jumps = true;
		break;
	case PA_STEP_ASSIGN:
		facts->reads |= operand_reads(&step->value) | slot_bit(PA_FIELD_CT_STATE) |
				(step->field == PA_FIELD_CT_STATE ? slot_bit(PA_SLOT_PHASE) : 0);
		facts->reads |= step->value.kind == PA_OPERAND_FIELD && step->value.keep ? slot_bit(step->field) : 0;
		facts->changes = true;
		break;
	case PA_STEP_NAT:
		facts->reads |= operand_reads(&step->value) | operand_reads(&step->port) | slot_bit(PA_FIELD_CT_STATUS) |
				slot_bit(PA_SLOT_PHASE) | slot_bit(PA_FIELD_DADDR) | slot_bit(PA_FIELD_DADDR_TYPE) |
				fact_slots(e);
		/* what NAT puts back, see as_flow() in translate.c */
		if (pa_plan_writes(&e->plan, PA_FIELD_DADDR) || pa_plan_writes(&e->plan, PA_FIELD_DPORT))
			facts->reads |=
				slot_bit(PA_FIELD_DPORT) | slot_bit(PA_FIELD_CT_ORIG_DADDR) | slot_bit(PA_FIELD_CT_ORIG_DPORT);
		if (e->plan.reads_status)
			facts->reads |= slot_bit(PA_FIELD_SADDR) | slot_bit(PA_FIELD_SPORT);
		if (pa_plan_writes(&e->plan, PA_FIELD_SADDR) || pa_plan_writes(&e->plan, PA_FIELD_SPORT))
			facts->reads |= slot_bit(PA_FIELD_SADDR_TYPE) | slot_bit(PA_FIELD_CT_ORIG_SADDR) |
					slot_bit(PA_FIELD_CT_ORIG_SPORT);
		break;
	case PA_STEP_NOTRACK:
		facts->reads |= slot_bit(PA_FIELD_CT_STATE);
		facts->changes = true;
		break;
	case PA_STEP_NONE:
	case PA_STEP_OPAQUE:
		break;
	}
}

void pa_rule_learn(const struct pa_evaluation *e, const struct pa_rule *rule, struct pa_rule_facts *ret_facts)
{
	*ret_facts = (struct pa_rule_facts){ 0 };
	for (size_t k = 0; k < rule->step_count; k++)
		learn_step(e, &rule->steps[k], ret_facts);
	for (size_t k = 0; k < rule->step_count && pa_fib_is_prerouting(rule); k++)
		if (pa_fib_asked(&rule->steps[k]) != PA_FIB_ASKS_NOTHING) /* regions of both addresses */
			ret_facts->reads |= slot_bit(PA_FIELD_DADDR);
}

static void learn_target(struct pa_evaluation *e, const struct pa_verdict *verdict, pa_u128 *reads, bool *changes)
{
	if (!goes_elsewhere(verdict) || !verdict->target)
		return;
	const struct pa_chain_facts *facts = pa_chain_learn(e, verdict->target);
	*reads |= facts->reads[0];
	*changes = *changes || facts->changes;
}

static void learn_targets(struct pa_evaluation *e, const struct pa_rule *rule, pa_u128 *reads, bool *changes)
{
	for (size_t k = 0; k < rule->step_count; k++) {
		const struct pa_step *step = &rule->steps[k];
		if (step->kind == PA_STEP_VERDICT)
			learn_target(e, &step->verdict, reads, changes);
		if (step->kind != PA_STEP_VMAP)
			continue;
		for (size_t i = 0; i < step->elements->count; i++)
			learn_target(e, &step->elements->data[i].verdict, reads, changes);
		if (step->elements->catch_all)
			learn_target(e, &step->elements->catch_all->verdict, reads, changes);
	}
}

const struct pa_chain_facts *pa_chain_learn(struct pa_evaluation *e, const struct pa_chain *chain)
{
	struct pa_chain_facts *facts = &e->chains[chain->id];
	if (facts->known)
		return facts;
	facts->reads = pa_arena_alloc(e->arena, chain->rule_count + 1, sizeof(*facts->reads));
	facts->known = true; /* set first: chains that nothing reaches may be loops */
	for (size_t i = chain->rule_count; i-- > 0;) {
		const struct pa_rule *rule = chain->rules[i];
		const struct pa_rule_facts *own = &e->rules[rule->id];
		facts->reads[i] = facts->reads[i + 1] | own->reads;
		facts->changes = facts->changes || own->changes;
		if (own->jumps)
			learn_targets(e, rule, &facts->reads[i], &facts->changes);
	}
	return facts;
}

/* --- laying an environment over relative outcomes --- */

struct overlay {
	struct pa_evaluation *e;
	uint32_t below;
};

static pa_node overlay_outcome(void *context, uint32_t terminal)
{
	struct overlay *overlay = context;
	struct pa_outcome outcome = overlay->e->terms->outcomes[terminal];
	return pa_outcome(overlay->e, outcome.kind, pa_env_overlay(overlay->e, overlay->below, outcome.env));
}

static pa_node overlay_node(struct pa_evaluation *e, pa_node node, uint32_t below)
{
	struct overlay overlay = { e, below };
	if (pa_node_is_terminal(node))
		return overlay_outcome(&overlay, pa_node_value(node));
	uint32_t known = pa_table128_find(&e->overlays, node, below);
	if (known != PA_TABLE_NONE)
		return known;
	pa_node result = pa_node_bind(e->space, node, overlay_outcome, &overlay);
	pa_table128_put(&e->overlays, node, below, result);
	return result;
}

/* --- one rule --- */

static pa_node chain_tail(struct pa_evaluation *e, const struct pa_chain *chain, size_t from, uint32_t env);

/* After a jump the rule is done: the caller goes on with its next rule. */
static pa_node returned(void *context, uint32_t terminal)
{
	struct pa_evaluation *e = context;
	struct pa_outcome outcome = e->terms->outcomes[terminal];
	return outcome.kind == PA_OUTCOME_RETURN ? pa_outcome(e, PA_OUTCOME_NEXT, outcome.env) : PA_TERMINAL(terminal);
}

/* Many rules jump to few chains: the result is kept under an environment that does not exist. */
static pa_node returned_node(struct pa_evaluation *e, pa_node chain)
{
	if (pa_node_is_terminal(chain))
		return returned(e, pa_node_value(chain));
	pa_node node = pa_table128_find(&e->overlays, chain, UINT64_MAX);
	if (node == PA_TABLE_NONE) {
		node = pa_node_bind(e->space, chain, returned, e);
		pa_table128_put(&e->overlays, chain, UINT64_MAX, node);
	}
	return node;
}

static pa_node verdict_node(struct pa_evaluation *e, const struct pa_rule *rule, size_t step, const struct pa_verdict *verdict,
			    uint32_t env)
{
	switch (verdict->kind) {
	case PA_VERDICT_ACCEPT:
		return pa_outcome(e, PA_OUTCOME_ACCEPT, env);
	case PA_VERDICT_DROP:
		return pa_outcome(e, PA_OUTCOME_DROP, env);
	case PA_VERDICT_REJECT: /* while a step is tapped, what comes there is told from the rest by this outcome */
		return pa_outcome(e, e->tapped ? PA_OUTCOME_DROP : PA_OUTCOME_REJECT, env);
	case PA_VERDICT_RETURN:
		return pa_outcome(e, PA_OUTCOME_RETURN, env);
	case PA_VERDICT_CONTINUE:
		return pa_steps_node(e, rule, step + 1, env);
	case PA_VERDICT_JUMP:
		return returned_node(e, chain_tail(e, verdict->target, 0, env));
	case PA_VERDICT_GOTO:
		return chain_tail(e, verdict->target, 0, env);
	}
	return PA_FALSE;
}

struct vmap_context {
	struct pa_evaluation *e;
	const struct pa_rule *rule;
	size_t step;
	uint32_t env;
	uint32_t known; /* env with what earlier tests of the rule tell of the packet */
	uint32_t held;	/* and with what the element tells, while its target is evaluated */
};

static bool is_plain_part(const struct pa_key_part *part, enum pa_field field)
{
	return !part->opaque && part->field == field && part->mask == pa_field_max(field) && !part->xor_value;
}

bool pa_known_at(const struct pa_evaluation *e, const struct pa_rule *rule, size_t step, uint32_t env, enum pa_field field,
		 pa_u128 *ret_value)
{
	const struct pa_value *value = pa_env_find(e, env, field);
	if (value && value->kind == PA_VALUE_CONST) {
		*ret_value = value->first;
		return true;
	}
	for (size_t i = step; i-- > 0;) {
		const struct pa_step *s = &rule->steps[i];
		if (s->kind == PA_STEP_ASSIGN && s->field == field)
			return false;
		if (s->kind != PA_STEP_MATCH || s->negated || s->key.count != 1 || !is_plain_part(&s->key.parts[0], field))
			continue;
		const struct pa_elements *elements = s->elements;
		if (elements->count != 1 || elements->has_catch_all || elements->may_grow || elements->opaque ||
		    elements->keys[0].first != elements->keys[0].last)
			continue;
		*ret_value = elements->keys[0].first;
		return true;
	}
	return false;
}

static uint32_t with_facts_of_rule(struct pa_evaluation *e, const struct pa_rule *rule, size_t step, uint32_t env)
{
	pa_u128 value;
	for (size_t i = 0; i < 2; i++) {
		if (pa_known_at(e, rule, step, env, facts_held[i].field, &value))
			env = pa_env_set_const(e, env, facts_held[i].slot, value);
	}
	return env;
}

static uint32_t with_facts_of_element(struct pa_evaluation *e, const struct pa_step *step, size_t element, uint32_t env)
{
	for (unsigned p = 0; p < step->key.count; p++) {
		struct pa_interval key = step->elements->keys[element * step->elements->parts + p];
		for (size_t i = 0; key.first == key.last && i < fact_count(e); i++) {
			const struct fact *fact = &facts_held[i];
			if (is_plain_part(&step->key.parts[p], fact->field) && !pa_env_find(e, env, fact->field))
				env = pa_env_set_const(e, env, fact->slot, key.first);
		}
	}
	return env;
}

/* Back from the target: the facts are held no longer than where they spare something. */
static pa_node without_facts(void *context, uint32_t terminal)
{
	struct vmap_context *c = context;
	struct pa_outcome outcome = c->e->terms->outcomes[terminal];
	for (size_t i = 0; i < fact_count(c->e); i++)
		outcome.env = pa_env_set(c->e, outcome.env, facts_held[i].slot, pa_env_find(c->e, c->env, facts_held[i].slot));
	return pa_outcome(c->e, outcome.kind, outcome.env);
}

/*
 * What an element of the map leads to. The chain it jumps to is evaluated knowing what was tested on the way: the chain of a
 * service that translates is one outcome then, without tests of family and protocol of its own.
 */
static pa_node vmap_result(void *context, size_t element)
{
	struct vmap_context *c = context;
	struct pa_evaluation *e = c->e;
	const struct pa_step *step = &c->rule->steps[c->step];
	bool found = element < step->elements->count;
	const struct pa_verdict *verdict = found ? &step->elements->data[element].verdict : &step->elements->catch_all->verdict;
	if (verdict->kind != PA_VERDICT_JUMP && verdict->kind != PA_VERDICT_GOTO)
		return verdict_node(e, c->rule, c->step, verdict, c->env);
	uint32_t held = found ? with_facts_of_element(e, step, element, c->known) : c->known;
	pa_node node = verdict_node(e, c->rule, c->step, verdict, held);
	if (held == c->env)
		return node;
	c->held = held;
	return pa_node_is_terminal(node) ? without_facts(c, pa_node_value(node))
					 : pa_node_bind(e->space, node, without_facts, c);
}

/* Anything may happen: go on, end the rule, accept or drop. */
static pa_node any_verdict(struct pa_evaluation *e, const struct pa_rule *rule, size_t step, const char *text,
			   const char *reason, pa_node on, uint32_t env)
{
	uint64_t key = pa_place(e, rule, step) << 2 | (uint64_t)1 << 62;
	pa_node decides = pa_variable(e, text, key, reason, rule, false),
		accepts = pa_variable(e, text, key + 1, reason, rule, false);
	pa_node ends = pa_variable(e, text, key + 2, reason, rule, false);
	pa_node verdict =
		pa_node_choose(e->space, accepts, pa_outcome(e, PA_OUTCOME_ACCEPT, env), pa_outcome(e, PA_OUTCOME_DROP, env));
	pa_node other = pa_node_choose(e->space, ends, pa_outcome(e, PA_OUTCOME_NEXT, env), on);
	return pa_node_choose(e->space, decides, verdict, other);
}

static pa_node vmap_node(struct pa_evaluation *e, const struct pa_rule *rule, size_t step, uint32_t env)
{
	const struct pa_step *s = &rule->steps[step];
	struct vmap_context context = { e, rule, step, env, with_facts_of_rule(e, rule, step, env), env };
	const char *text = s->text ? s->text : "a verdict map";
	pa_node miss = pa_outcome(e, PA_OUTCOME_NEXT, env);
	if (s->elements->opaque)
		return any_verdict(e, rule, step, text, s->elements->opaque, miss, env);
	if (s->elements->may_grow)
		miss = any_verdict(e, rule, step, text, "elements may be added to the map at run time", miss, env);
	pa_node found = pa_lookup(e, rule, s, &s->key, s->elements, env, vmap_result, &context, miss);
	if (!s->elements->may_shrink)
		return found;
	pa_node there = pa_variable(e, text, pa_changes_of(e, s->elements, rule, s), "elements of the map may have expired",
				    rule, true);
	return pa_node_choose(e->space, there, found, miss);
}

static pa_node opaque_node(struct pa_evaluation *e, const struct pa_rule *rule, size_t step, uint32_t env)
{
	const struct pa_step *s = &rule->steps[step];
	const char *text = s->text ? s->text : "an unknown statement";
	pa_node on = pa_steps_node(e, rule, step + 1, env), next = pa_outcome(e, PA_OUTCOME_NEXT, env);
	uint64_t key = s->volatile_ || !s->text ? pa_place(e, rule, step) | (uint64_t)1 << 61 : pa_question(e, rule, step);
	const char *reason = s->reason ? s->reason : "its outcome is not known";
	switch (s->opacity) {
	case PA_OPACITY_MATCH:
		return pa_node_choose(e->space, pa_variable(e, text, key, reason, rule, s->understood), on, next);
	case PA_OPACITY_STOLEN:
		return pa_node_choose(e->space, pa_variable(e, text, key, reason, rule, true), on,
				      pa_outcome(e, PA_OUTCOME_DROP, env));
	case PA_OPACITY_VERDICT:
		return any_verdict(e, rule, step, text, reason, on, env);
	}
	return PA_FALSE;
}

static pa_node notrack_node(struct pa_evaluation *e, const struct pa_rule *rule, size_t step, uint32_t env)
{
	const struct pa_value *state = pa_env_find(e, env, PA_FIELD_CT_STATE);
	/* only what has no flow: not seen yet, or found invalid; not what has a template (nft_notrack_eval) */
	if (state && state->kind == PA_VALUE_CONST && state->first == PA_CT_INVALID)
		env = pa_env_set_const(e, env, PA_FIELD_CT_STATE, PA_CT_UNTRACKED);
	return pa_steps_node(e, rule, step + 1, env);
}

pa_node pa_steps_node(struct pa_evaluation *e, const struct pa_rule *rule, size_t step, uint32_t env)
{
	if (step == rule->step_count)
		return pa_outcome(e, PA_OUTCOME_NEXT, env);
	const struct pa_step *s = &rule->steps[step];
	switch (s->kind) {
	case PA_STEP_MATCH: {
		pa_node set = pa_match_set(e, rule, s, env);
		if (set == PA_FALSE)
			return pa_outcome(e, PA_OUTCOME_NEXT, env);
		return pa_node_choose(e->space, set, pa_steps_node(e, rule, step + 1, env),
				      pa_outcome(e, PA_OUTCOME_NEXT, env));
	}
	case PA_STEP_VERDICT:
		return verdict_node(e, rule, step, &s->verdict, env);
	case PA_STEP_VMAP:
		return vmap_node(e, rule, step, env);
	case PA_STEP_ASSIGN:
		return pa_assign_node(e, rule, step, env);
	case PA_STEP_NAT:
		return pa_nat_node(e, rule, step, env);
	case PA_STEP_NOTRACK:
		return notrack_node(e, rule, step, env);
	case PA_STEP_NONE:
		return pa_steps_node(e, rule, step + 1, env);
	case PA_STEP_OPAQUE:
		return rule == e->tapped && step == e->tapped_step ? pa_outcome(e, PA_OUTCOME_REJECT, 0)
								   : opaque_node(e, rule, step, env);
	}
	return PA_FALSE;
}

pa_node pa_rule_node(struct pa_evaluation *e, const struct pa_rule *rule, uint32_t env)
{
	return pa_steps_node(e, rule, 0, env);
}

/* --- chains --- */

/* The pieces of a chain under one environment, in order. */
struct pieces {
	struct pa_evaluation *e;
	uint32_t env;
	const struct pa_chain_end *end; /* of a base chain, or NULL */
	bool icmpv6;			/* only ICMPv6 packets matter: a rule that none of them meets may be left out */
	struct pa_arena *arena;
	struct pa_item *items; /* the current run of plain rules */
	size_t item_count, item_capacity;
	pa_node *nodes;
	size_t node_count, node_capacity;
};

static void add_node(struct pieces *pieces, pa_node node)
{
	pa_grow(&pieces->nodes, &pieces->node_capacity, pieces->node_count + 1, sizeof(*pieces->nodes));
	pieces->nodes[pieces->node_count++] = node;
}

/* What an outcome is in the result: the end of a base chain is part of it. NEXT stays: it is what the pieces are joined by. */
static pa_node ended(const struct pieces *pieces, pa_node terminal)
{
	return pieces->end ? pieces->end->map(pieces->end->context, pa_node_value(terminal)) : terminal;
}

static void flush_items(struct pieces *pieces, pa_node otherwise)
{
	if (pieces->item_count)
		add_node(pieces, pa_node_list(pieces->e->space, pieces->items, pieces->item_count, otherwise));
	pieces->item_count = 0;
}

static struct pa_class_set intersect_sets(struct pa_class_set a, struct pa_class_set b, struct pa_arena *arena)
{
	struct pa_class_set out = { .items = pa_arena_alloc(arena, (size_t)a.count + b.count + 1, sizeof(*out.items)) };
	for (uint32_t i = 0, j = 0; i < a.count && j < b.count;) {
		uint32_t first = a.items[i].first > b.items[j].first ? a.items[i].first : b.items[j].first;
		uint32_t last = a.items[i].last < b.items[j].last ? a.items[i].last : b.items[j].last;
		if (first <= last)
			out.items[out.count++] = (struct pa_class_range){ first, last };
		if (a.items[i].last < b.items[j].last)
			i++;
		else
			j++;
	}
	return out;
}

static void add_guard(struct pa_item *item, struct pa_guard *guards, struct pa_guard guard, struct pa_arena *arena)
{
	for (uint32_t i = 0; i < item->guard_count; i++) {
		if (guards[i].field == guard.field) {
			guards[i].set = intersect_sets(guards[i].set, guard.set, arena);
			return;
		}
	}
	guards[item->guard_count++] = guard;
}

enum plainness { PLAIN, NO_EFFECT, NOT_PLAIN };

static bool is_final(enum pa_verdict_kind kind)
{
	return kind == PA_VERDICT_ACCEPT || kind == PA_VERDICT_DROP || kind == PA_VERDICT_REJECT || kind == PA_VERDICT_RETURN;
}

/* Does no ICMPv6 packet meet the guard? */
static bool excludes_icmpv6(const struct pieces *pieces, const struct pa_guard *guard)
{
	const struct pa_classes *classes = pa_space_classes(pieces->e->space, guard->field);
	if (guard->field == PA_FIELD_L4PROTO)
		return !pa_class_set_has(guard->set, pa_classes_find(classes, 58));
	return guard->field == PA_FIELD_NFPROTO && !pa_class_set_has(guard->set, pa_classes_find(classes, PA_NFPROTO_IPV6));
}

/* Is the rule only guards and a final verdict under this environment? */
static enum plainness plain_item(struct pieces *pieces, const struct pa_rule *rule, struct pa_item *item)
{
	struct pa_evaluation *e = pieces->e;
	struct pa_rule_facts *rule_facts = &e->rules[rule->id];
	if (pieces->icmpv6 && rule_facts->not_icmpv6)
		return NO_EFFECT;
	size_t room = rule->step_count < PA_FIELD_COUNT ? rule->step_count : PA_FIELD_COUNT;
	struct pa_guard *guards = pa_arena_alloc(pieces->arena, room + 1, sizeof(*guards));
	*item = (struct pa_item){ .guards = guards };
	for (size_t k = 0; k < rule->step_count; k++) {
		const struct pa_step *step = &rule->steps[k];
		struct pa_guard guard;
		if (step->kind == PA_STEP_NONE)
			continue;
		if (step->kind == PA_STEP_VERDICT && is_final(step->verdict.kind)) {
			item->terminal = ended(pieces, verdict_node(e, rule, k, &step->verdict, pieces->env));
			return PLAIN;
		}
		if (step->kind != PA_STEP_MATCH)
			return NOT_PLAIN;
		switch (pa_match_simple(e, rule, step, pieces->env, &guard, pieces->arena)) {
		case PA_MATCH_ALWAYS:
			break;
		case PA_MATCH_NEVER:
			return NO_EFFECT;
		case PA_MATCH_GUARD:
			if (!rule_facts->not_icmpv6 && excludes_icmpv6(pieces, &guard))
				rule_facts->not_icmpv6 = true;
			if (pieces->icmpv6 && rule_facts->not_icmpv6)
				return NO_EFFECT;
			add_guard(item, guards, guard, pieces->arena);
			break;
		case PA_MATCH_DIAGRAM:
			return NOT_PLAIN;
		}
	}
	return NO_EFFECT;
}

struct rest {
	struct pa_evaluation *e;
	const struct pa_chain *chain;
	size_t from;
	uint32_t env;
};

/* Where a rule changed the environment, the rest of the chain is evaluated in the new one. */
static pa_node rest_of_chain(void *context, uint32_t terminal)
{
	struct rest *rest = context;
	struct pa_outcome outcome = rest->e->terms->outcomes[terminal];
	if (outcome.kind != PA_OUTCOME_NEXT || outcome.env == rest->env)
		return PA_TERMINAL(terminal);
	return chain_tail(rest->e, rest->chain, rest->from, outcome.env);
}

static bool rule_changes(struct pa_evaluation *e, const struct pa_rule *rule)
{
	pa_u128 reads = 0;
	bool changes = e->rules[rule->id].changes;
	if (e->rules[rule->id].jumps)
		learn_targets(e, rule, &reads, &changes);
	return changes;
}

static pa_node merge(struct pieces *pieces, size_t first, size_t count, pa_node next)
{
	if (count == 0)
		return next;
	if (count == 1)
		return pieces->nodes[first];
	pa_node left = merge(pieces, first, count / 2, next);
	return pa_node_seq(pieces->e->space, left, merge(pieces, first + count / 2, count - count / 2, next), next);
}

/* A rule that is no guards and a verdict: a diagram of its own. */
static void add_rule(struct pieces *pieces, const struct pa_chain *chain, size_t at)
{
	struct pa_evaluation *e = pieces->e;
	const struct pa_rule *rule = chain->rules[at];
	pa_node node = pa_rule_node(e, rule, pieces->env);
	if (rule_changes(e, rule)) {
		struct rest rest = { e, chain, at + 1, pieces->env };
		node = pa_node_bind(e->space, node, rest_of_chain, &rest);
	}
	if (pieces->end)
		node = pa_node_bind(e->space, node, pieces->end->map, pieces->end->context);
	add_node(pieces, node);
}

static pa_node build_tail(struct pa_evaluation *e, const struct pa_chain *chain, size_t from, uint32_t env,
			  const struct pa_chain_end *end)
{
	struct pieces pieces = { .e = e, .env = env, .end = end, .arena = pa_arena_new() };
	pieces.icmpv6 = pa_env_find(e, env, PA_SLOT_ICMPV6) != NULL;
	pa_node next = pa_outcome(e, PA_OUTCOME_NEXT, env);
	for (size_t i = from; i < chain->rule_count && !pa_space_failed(e->space); i++) {
		struct pa_item item;
		enum plainness plain = plain_item(&pieces, chain->rules[i], &item);
		if (plain == NO_EFFECT)
			continue;
		if (plain == PLAIN) {
			pa_grow(&pieces.items, &pieces.item_capacity, pieces.item_count + 1, sizeof(*pieces.items));
			pieces.items[pieces.item_count++] = item;
			if (item.guard_count == 0)
				break; /* decides for all: nothing behind it is reached */
			continue;
		}
		flush_items(&pieces, next);
		add_rule(&pieces, chain, i);
	}
	pa_node back = ended(&pieces, pa_outcome(e, PA_OUTCOME_RETURN, env));
	if (pieces.item_count)
		flush_items(&pieces, back);
	else
		add_node(&pieces, back);
	pa_node node = merge(&pieces, 0, pieces.node_count, next);
	pa_arena_free(pieces.arena);
	free(pieces.items);
	free(pieces.nodes);
	return node;
}

static pa_node chain_tail(struct pa_evaluation *e, const struct pa_chain *chain, size_t from, uint32_t env)
{
	const struct pa_chain_facts *facts = pa_chain_learn(e, chain);
	uint32_t read = pa_env_restrict(e, env, facts->reads[from] | slot_bit(PA_SLOT_ICMPV6));
	uint64_t place = (uint64_t)chain->id << 32 | from;
	pa_node node = pa_table128_find(&e->tails, place, read);
	if (node == PA_TABLE_NONE) {
		node = build_tail(e, chain, from, read, NULL);
		pa_table128_put(&e->tails, place, read, node);
	}
	return read == env ? node : overlay_node(e, node, env);
}

pa_node pa_chain_node(struct pa_evaluation *e, const struct pa_chain *chain, uint32_t env, uint32_t *ret_read)
{
	const struct pa_chain_facts *facts = pa_chain_learn(e, chain);
	*ret_read = pa_env_restrict(e, env, facts->reads[0] | slot_bit(PA_SLOT_ICMPV6));
	return chain_tail(e, chain, 0, *ret_read);
}

/*
 * The end of the chain is built in, which spares a copy of the whole diagram. When another environment reads the same of the
 * chain, the chain alone is built after all, once, and its end is laid over it for each of them. Where only ICMPv6 matters the result
 * is no answer for others.
 */
pa_node pa_base_chain_node(struct pa_evaluation *e, const struct pa_chain *chain, uint32_t env, const struct pa_chain_end *end)
{
	const struct pa_chain_facts *facts = pa_chain_learn(e, chain);
	bool partial = pa_env_find(e, env, PA_SLOT_ICMPV6) != NULL, kept = !facts->changes;
	uint32_t read = pa_env_restrict(e, env, facts->reads[0]);
	uint64_t place = (uint64_t)chain->id << 32 | read;
	pa_node node = kept ? pa_table128_find(&e->base_chains, place, end->env) : PA_TABLE_NONE;
	if (node != PA_TABLE_NONE)
		return node;
	if (partial || pa_table128_find(&e->base_reads, place, 0) == PA_TABLE_NONE) {
		node = build_tail(e, chain, 0,
				  partial ? pa_env_restrict(e, env, facts->reads[0] | slot_bit(PA_SLOT_ICMPV6)) : read, end);
	} else {
		uint32_t unused;
		node = pa_node_bind(e->space, pa_chain_node(e, chain, env, &unused), end->map, end->context);
	}
	if (!partial) {
		pa_table128_put(&e->base_reads, place, 0, 1);
		if (kept)
			pa_table128_put(&e->base_chains, place, end->env, node);
	}
	return node;
}
