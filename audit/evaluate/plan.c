/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "evaluation.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define PRIORITY_DEFRAG (-400)
#define PRIORITY_CONNTRACK (-200)

bool pa_family_sees(enum pa_family family, int ip_family)
{
	return family == PA_FAMILY_INET || family == (ip_family == 4 ? PA_FAMILY_IP : PA_FAMILY_IP6);
}

bool pa_part_needs_flow(const struct pa_key_part *part)
{
	return !part->opaque && (part->of_flow || pa_field_is_of_flow(part->field));
}

bool pa_is_same_as_positive(const struct pa_key_part *part, const char *text, struct pa_buffer *out)
{
	const char *sign = strstr(text, " != ");
	if (!sign || (part->opaque && !part->always))
		return false;
	pa_buffer_add(out, text, (size_t)(sign - text) + 1);
	pa_buffer_puts(out, sign + 4);
	return true;
}

bool pa_key_may_break(const struct pa_key *key)
{
	for (unsigned i = 0; i < key->count; i++) {
		if (key->parts[i].opaque && !key->parts[i].always)
			return true;
	}
	return false;
}

struct pa_interval pa_opaque_outcomes(const struct pa_key_part *part)
{
	if (!part->mask)
		return (struct pa_interval){ 0, PA_U128_MAX };
	return (struct pa_interval){ part->xor_value, part->mask };
}

bool pa_covers(const struct pa_elements *map, pa_u128 first, pa_u128 last)
{
	bool found = true;
	while (found) {
		found = false;
		for (size_t i = 0; i < map->count; i++) {
			if (map->keys[i].first > first || map->keys[i].last < first)
				continue;
			if (map->keys[i].last >= last)
				return true;
			first = map->keys[i].last + 1;
			found = true;
			break;
		}
	}
	return false;
}

/* nat chains run at a fixed place (nf_nat_inet_ops in net/netfilter/nf_nat_proto.c). */
static int effective_priority(const struct pa_chain *chain)
{
	if (chain->type != PA_CHAIN_NAT)
		return chain->priority;
	return chain->hook == PA_HOOK_INPUT || chain->hook == PA_HOOK_POSTROUTING ? 100 : -100;
}

/* Own priority first, then the later created first. */
static int compare_chains(const void *a, const void *b)
{
	const struct pa_chain *const *x = a, *const *y = b;
	if ((*x)->priority != (*y)->priority)
		return (*x)->priority < (*y)->priority ? -1 : 1;
	return (*x)->id > (*y)->id ? -1 : 1;
}

/* A stage and when it was registered: later registered runs first at equal priority. */
struct slot {
	struct pa_stage stage;
	unsigned registered;
};

static int compare_slots(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;
	if (x->stage.priority != y->stage.priority)
		return x->stage.priority < y->stage.priority ? -1 : 1;
	bool x_tracks = x->stage.kind == PA_STAGE_CONNTRACK || x->stage.kind == PA_STAGE_DEFRAG;
	bool y_tracks = y->stage.kind == PA_STAGE_CONNTRACK || y->stage.kind == PA_STAGE_DEFRAG;
	if (x_tracks != y_tracks)
		return x_tracks ? -1 : 1;
	return x->registered > y->registered ? -1 : 1;
}

static bool is_ip_family(enum pa_family family)
{
	return family == PA_FAMILY_IP || family == PA_FAMILY_IP6 || family == PA_FAMILY_INET;
}

/* `early`: conntrack may have seen a packet before the first chain. */
static void plan_hook(const struct pa_ruleset *ruleset, enum pa_hook hook, struct pa_arena *arena, bool defrag, bool early,
		      struct pa_hook_plan *plan)
{
	struct slot *slots = pa_xcalloc(ruleset->chain_count + 3, sizeof(*slots));
	const struct pa_chain **nat = pa_arena_alloc(arena, ruleset->chain_count + 1, sizeof(const struct pa_chain *));
	size_t count = 0, nat_count = 0;
	unsigned nat_registered = 0;
	int nat_priority = 0;
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		const struct pa_chain *chain = ruleset->chains[i];
		if (!chain->is_base || chain->hook != hook || chain->table->dormant || !is_ip_family(chain->table->family))
			continue;
		if (chain->type == PA_CHAIN_NAT) {
			if (nat_count == 0)
				nat_registered = chain->id;
			nat_priority = effective_priority(chain);
			nat[nat_count++] = chain;
			continue;
		}
		bool tracked_hook = hook == PA_HOOK_PREROUTING || hook == PA_HOOK_OUTPUT;
		slots[count++] =
			(struct slot){ { .kind = PA_STAGE_CHAIN,
					 .chain = chain,
					 .priority = chain->priority,
					 .state_unsure = tracked_hook && (chain->priority == PRIORITY_CONNTRACK ||
									  (early && chain->priority < PRIORITY_CONNTRACK)) },
				       chain->id };
	}
	if (hook == PA_HOOK_PREROUTING || hook == PA_HOOK_OUTPUT)
		slots[count++] =
			(struct slot){ { .kind = PA_STAGE_CONNTRACK, .priority = early ? INT_MIN : PRIORITY_CONNTRACK }, 0 };
	if (defrag && (hook == PA_HOOK_PREROUTING || hook == PA_HOOK_OUTPUT))
		slots[count++] = (struct slot){ { .kind = PA_STAGE_DEFRAG, .priority = PRIORITY_DEFRAG }, 0 };
	if (nat_count) {
		qsort(nat, nat_count, sizeof(const struct pa_chain *), compare_chains);
		slots[count++] =
			(struct slot){ { .kind = PA_STAGE_NAT, .nat = nat, .nat_count = nat_count, .priority = nat_priority },
				       nat_registered };
	}
	qsort(slots, count, sizeof(*slots), compare_slots);
	plan->stages = pa_arena_alloc(arena, count + 1, sizeof(*plan->stages));
	plan->count = count;
	for (size_t i = 0; i < count; i++)
		plan->stages[i] = slots[i].stage;
	free(slots);
}

static bool part_uses_conntrack(const struct pa_key_part *part)
{
	if (part->opaque)
		return strstr(part->opaque, "ct ") != NULL;
	return part->field == PA_FIELD_CT_STATE || pa_part_needs_flow(part);
}

static bool key_uses_conntrack(const struct pa_key *key)
{
	for (unsigned i = 0; i < key->count; i++) {
		if (part_uses_conntrack(&key->parts[i]))
			return true;
	}
	return false;
}

static bool step_uses_conntrack(const struct pa_step *step)
{
	switch (step->kind) {
	case PA_STEP_MATCH:
	case PA_STEP_VMAP:
		return key_uses_conntrack(&step->key);
	case PA_STEP_ASSIGN:
		if (step->field == PA_FIELD_CT_MARK || step->field == PA_FIELD_CT_STATE)
			return true;
		if (step->value.kind == PA_OPERAND_OPAQUE)
			return step->value.text && strstr(step->value.text, "ct ");
		if (step->value.kind == PA_OPERAND_FIELD)
			return part_uses_conntrack(&step->value.part);
		return step->value.kind == PA_OPERAND_MAP && key_uses_conntrack(&step->value.key);
	case PA_STEP_NAT:
		return true;
	case PA_STEP_OPAQUE:
	case PA_STEP_NONE:
		return step->text && (strstr(step->text, "ct ") || strstr(step->text, "synproxy") ||
				      strstr(step->text, "xt ") || strstr(step->text, "flow "));
	case PA_STEP_VERDICT:
	case PA_STEP_NOTRACK:
		return false;
	}
	return false;
}

/* Key parts are met here first: what the plan wants to know of them. */
static void note_key(const struct pa_step *step, struct pa_plan *plan)
{
	const struct pa_elements *elements;
	const struct pa_key *key = pa_step_key(step, &elements);
	plan->steps++;
	if (!key)
		return;
	plan->key_parts += key->count;
	for (unsigned i = 0; i < key->count; i++) {
		const struct pa_key_part *part = &key->parts[i];
		if (part->opaque)
			continue;
		plan->raw_ports = plan->raw_ports || part->any_transport || part->field == PA_FIELD_CT_ORIG_SPORT ||
				  part->field == PA_FIELD_CT_ORIG_DPORT || part->field == PA_FIELD_CT_REPLY_SPORT ||
				  part->field == PA_FIELD_CT_REPLY_DPORT;
		plan->reads_reply =
			plan->reads_reply || (part->field >= PA_FIELD_CT_REPLY_SADDR && part->field <= PA_FIELD_CT_REPLY_DPORT);
		if (part->field == PA_FIELD_SADDR_TYPE && !part->of_xtables)
			pa_note_source_types(elements, i, &plan->source_types);
		plan->reads_nexthdr = plan->reads_nexthdr || part->field == PA_FIELD_IP6_NEXTHDR;
		plan->reads_fragments = plan->reads_fragments || part->field == PA_FIELD_IP6_NEXTHDR ||
					part->field == PA_FIELD_FRAG || part->field == PA_FIELD_IP6_LENGTH ||
					part->field == PA_FIELD_META_LENGTH;
	}
}

static bool reads_status(const struct pa_step *step)
{
	bool keyed = step->kind == PA_STEP_MATCH || step->kind == PA_STEP_VMAP;
	for (unsigned i = 0; keyed && i < step->key.count; i++) {
		if (!step->key.parts[i].opaque && step->key.parts[i].field == PA_FIELD_CT_STATUS)
			return true;
	}
	return false;
}

static void note_step(const struct pa_rule *rule, const struct pa_step *step, struct pa_plan *plan)
{
	enum pa_family family = rule->chain->table->family;
	if (family == PA_FAMILY_BRIDGE && step_uses_conntrack(step)) {
		plan->bridge_tracks = true;
		plan->bridge_ct_marks =
			plan->bridge_ct_marks || (step->kind == PA_STEP_ASSIGN && step->field == PA_FIELD_CT_MARK);
	}
	if (step_uses_conntrack(step)) {
		/* `dnat ip to` in an inet table turns it on for IPv4 alone (measured) */
		int only = step->kind == PA_STEP_NAT && family == PA_FAMILY_INET ? step->nat_family : 0;
		plan->conntrack_ipv4 = plan->conntrack_ipv4 || (pa_family_sees(family, 4) && only != 6);
		plan->conntrack_ipv6 = plan->conntrack_ipv6 || (pa_family_sees(family, 6) && only != 4);
	}
	note_key(step, plan);
	for (size_t i = 0; step->kind == PA_STEP_ASSIGN && i < PA_TUPLE_PARTS; i++)
		plan->writes |= step->field == pa_tuple[i].header ? (pa_u128)1 << step->field : 0;
	plan->reads_status = plan->reads_status || plan->writes || reads_status(step);
}

/* --- what leaves over lo arrives again --- */

static void note_output_chain(const struct pa_chain *chain, bool *seen, struct pa_plan *plan);

static void note_output_target(const struct pa_verdict *verdict, bool *seen, struct pa_plan *plan)
{
	if ((verdict->kind == PA_VERDICT_JUMP || verdict->kind == PA_VERDICT_GOTO) && verdict->target)
		note_output_chain(verdict->target, seen, plan);
}

static void note_output_step(const struct pa_step *step, bool *seen, struct pa_plan *plan)
{
	plan->output_nat = plan->output_nat || step->kind == PA_STEP_NAT;
	if (step->kind == PA_STEP_ASSIGN) {
		plan->output_marks = plan->output_marks || step->field == PA_FIELD_MARK;
		plan->output_ct_marks = plan->output_ct_marks || step->field == PA_FIELD_CT_MARK;
	}
	if (step->kind == PA_STEP_VERDICT)
		note_output_target(&step->verdict, seen, plan);
	if (step->kind != PA_STEP_VMAP)
		return;
	for (size_t i = 0; i < step->elements->count; i++)
		note_output_target(&step->elements->data[i].verdict, seen, plan);
	if (step->elements->catch_all)
		note_output_target(&step->elements->catch_all->verdict, seen, plan);
}

static void note_output_chain(const struct pa_chain *chain, bool *seen, struct pa_plan *plan)
{
	if (seen[chain->id])
		return;
	seen[chain->id] = true;
	for (size_t i = 0; i < chain->rule_count; i++) {
		for (size_t k = 0; k < chain->rules[i]->step_count; k++)
			note_output_step(&chain->rules[i]->steps[k], seen, plan);
	}
}

static void note_output(const struct pa_ruleset *ruleset, struct pa_plan *plan)
{
	bool *seen = pa_xcalloc(ruleset->chain_count + 1, sizeof(*seen));
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		const struct pa_chain *chain = ruleset->chains[i];
		bool leaving = chain->is_base && (chain->hook == PA_HOOK_OUTPUT || chain->hook == PA_HOOK_POSTROUTING ||
						  (chain->hook == PA_HOOK_EGRESS && pa_chain_has_device(chain, "lo")));
		if (leaving && !chain->table->dormant)
			note_output_chain(chain, seen, plan);
	}
	free(seen);
}

/* Can this chain (or one that it jumps to) keep a packet from arriving as it was sent? `depth` bounds loops. */
static bool can_matter(const struct pa_chain *chain, unsigned depth);

static bool verdict_matters(const struct pa_verdict *verdict, unsigned depth)
{
	if (verdict->kind == PA_VERDICT_DROP || verdict->kind == PA_VERDICT_REJECT)
		return true;
	bool goes = verdict->kind == PA_VERDICT_JUMP || verdict->kind == PA_VERDICT_GOTO;
	return goes && (!verdict->target || can_matter(verdict->target, depth + 1));
}

static bool step_matters(const struct pa_step *step, unsigned depth)
{
	switch (step->kind) {
	case PA_STEP_VERDICT:
		return verdict_matters(&step->verdict, depth);
	case PA_STEP_VMAP:
		for (size_t i = 0; i < step->elements->count; i++) {
			if (verdict_matters(&step->elements->data[i].verdict, depth))
				return true;
		}
		if (step->elements->catch_all && verdict_matters(&step->elements->catch_all->verdict, depth))
			return true;
		return step->elements->may_grow || step->elements->opaque;
	case PA_STEP_ASSIGN:
	case PA_STEP_NAT:
	case PA_STEP_NOTRACK:
		return true;
	case PA_STEP_OPAQUE:
		return step->opacity != PA_OPACITY_MATCH;
	case PA_STEP_MATCH:
	case PA_STEP_NONE:
		return false;
	}
	return true;
}

static bool can_matter(const struct pa_chain *chain, unsigned depth)
{
	if (depth > 16 || (chain->is_base && chain->policy == PA_VERDICT_DROP))
		return true;
	for (size_t i = 0; i < chain->rule_count; i++) {
		for (size_t k = 0; k < chain->rules[i]->step_count; k++) {
			if (step_matters(&chain->rules[i]->steps[k], depth))
				return true;
		}
	}
	return false;
}

/* The fields that a step gives another value, or looks at. */
static pa_u128 step_assigns(const struct pa_step *step)
{
	return step->kind == PA_STEP_ASSIGN ? (pa_u128)1 << step->field : 0;
}

static pa_u128 part_reads(const struct pa_key_part *part)
{
	if (part->opaque)
		return part->link ? (pa_u128)1 << part->link->interface : 0;
	return (pa_u128)1 << part->field;
}

static pa_u128 step_reads(const struct pa_step *step)
{
	const struct pa_elements *elements;
	const struct pa_key *key = pa_step_key(step, &elements);
	pa_u128 fields = 0;
	for (unsigned i = 0; key && i < key->count; i++)
		fields |= part_reads(&key->parts[i]);
	if (step->kind != PA_STEP_ASSIGN)
		return fields;
	if (step->value.kind == PA_OPERAND_FIELD)
		fields |= part_reads(&step->value.part) | (step->value.keep ? (pa_u128)1 << step->field : 0);
	return fields;
}

/* The fields of all steps of this chain and those that it jumps to. `depth` bounds loops. */
static pa_u128 chain_fields(const struct pa_chain *chain, pa_u128 (*of)(const struct pa_step *step), unsigned depth);

static pa_u128 verdict_fields(const struct pa_verdict *verdict, pa_u128 (*of)(const struct pa_step *step), unsigned depth)
{
	bool goes = verdict->kind == PA_VERDICT_JUMP || verdict->kind == PA_VERDICT_GOTO;
	return goes && verdict->target ? chain_fields(verdict->target, of, depth + 1) : 0;
}

static pa_u128 step_fields(const struct pa_step *step, pa_u128 (*of)(const struct pa_step *step), unsigned depth)
{
	pa_u128 fields = of(step);
	if (step->kind == PA_STEP_VERDICT)
		return fields | verdict_fields(&step->verdict, of, depth);
	for (size_t i = 0; step->kind == PA_STEP_VMAP && i < step->elements->count; i++)
		fields |= verdict_fields(&step->elements->data[i].verdict, of, depth);
	if (step->kind == PA_STEP_VMAP && step->elements->catch_all)
		fields |= verdict_fields(&step->elements->catch_all->verdict, of, depth);
	return fields;
}

static pa_u128 chain_fields(const struct pa_chain *chain, pa_u128 (*of)(const struct pa_step *step), unsigned depth)
{
	pa_u128 fields = 0;
	for (size_t i = 0; depth <= 16 && i < chain->rule_count; i++) {
		for (size_t k = 0; k < chain->rules[i]->step_count; k++)
			fields |= step_fields(&chain->rules[i]->steps[k], of, depth);
	}
	return fields;
}

bool pa_chain_matters(const struct pa_chain *chain)
{
	return can_matter(chain, 0);
}

pa_u128 pa_chain_assigns(const struct pa_chain *chain)
{
	return chain_fields(chain, step_assigns, 0);
}

pa_u128 pa_chain_reads(const struct pa_chain *chain)
{
	return chain_fields(chain, step_reads, 0);
}

static pa_u128 step_tracks(const struct pa_step *step)
{
	return step_uses_conntrack(step);
}

bool pa_chain_tracks(const struct pa_chain *chain)
{
	return chain_fields(chain, step_tracks, 0) != 0;
}

void pa_plan_make(const struct pa_ruleset *ruleset, struct pa_arena *arena, struct pa_plan *plan)
{
	memset(plan, 0, sizeof(*plan));
	for (size_t i = 0; i < ruleset->rule_count; i++) {
		const struct pa_rule *rule = ruleset->rules[i];
		for (size_t k = 0; k < rule->step_count; k++)
			note_step(rule, &rule->steps[k], plan);
	}
	bool defrag = plan->conntrack_ipv6 && plan->reads_fragments;
	for (unsigned h = 0; h <= PA_HOOK_POSTROUTING; h++)
		plan_hook(ruleset, (enum pa_hook)h, arena, defrag, h == PA_HOOK_PREROUTING && plan->bridge_tracks,
			  &plan->hook[h]);
	pa_plan_devices(ruleset, arena, plan);
	for (unsigned h = 0; h <= PA_HOOK_POSTROUTING; h++)
		pa_plan_orders(&plan->hook[h], arena);
	note_output(ruleset, plan);
	pa_plan_reach(ruleset, arena, plan);
}
