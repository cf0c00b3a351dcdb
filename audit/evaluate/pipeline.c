/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet's way: prerouting, the routing decision, input or forward and postrouting; or output and postrouting. At each
 * stage the outcome THROUGH of what came before is replaced by what the stage does with that environment.
 */
#include "evaluation.h"

#define LO pa_ifname_value("lo")

static pa_node through_node(struct pa_evaluation *e, uint32_t env)
{
	return pa_outcome(e, PA_OUTCOME_THROUGH, env);
}

/* --- conntrack --- */

static struct pa_value question(struct pa_evaluation *e, const char *text)
{
	return (struct pa_value){ .kind = PA_VALUE_UNKNOWN, .text = pa_intern(e, text) };
}

static struct pa_value same_as(enum pa_field field)
{
	return (struct pa_value){ .kind = PA_VALUE_FIELD, .field = field };
}

/* What rules wrote into the header before is what conntrack reads. */
static uint32_t set_as(struct pa_evaluation *e, uint32_t env, enum pa_field field, enum pa_field header)
{
	const struct pa_value *written = pa_env_find(e, env, header);
	struct pa_value value = written ? *written : same_as(header);
	return pa_env_set(e, env, field, &value);
}

static uint32_t new_flow(struct pa_evaluation *e, uint32_t env)
{
	for (size_t i = 0; i < PA_TUPLE_PARTS; i++)
		env = set_as(e, env, pa_tuple[i].original, pa_tuple[i].header);
	for (size_t i = 0; e->plan.reads_reply && i < PA_TUPLE_PARTS; i++)
		env = set_as(e, env, pa_tuple[i].reply, pa_tuple[pa_tuple_turned(i)].header);
	env = set_as(e, env, PA_FIELD_CT_PROTOCOL, PA_FIELD_L4PROTO);
	env = pa_env_set_const(e, env, PA_FIELD_CT_DIRECTION, 0);
	env = pa_env_set_const(e, env, PA_FIELD_CT_STATUS, 0);
	struct pa_value mark = question(e, "the mark that a bridge table gave the flow");
	return e->plan.bridge_ct_marks ? pa_env_set(e, env, PA_FIELD_CT_MARK, &mark)
				       : pa_env_set_const(e, env, PA_FIELD_CT_MARK, 0);
}

enum flow_direction { FLOW_ORIGINAL, FLOW_REPLY, FLOW_ANY };

/* A flow that exists: what its first packet was, which mark it has and whether it is translated is not known. */
static uint32_t old_flow(struct pa_evaluation *e, uint32_t env, enum flow_direction direction)
{
	static const struct {
		enum pa_field field;
		const char *text;
	} unknown[] = {
		{ PA_FIELD_CT_ORIG_SADDR, "the flow's original source" },
		{ PA_FIELD_CT_ORIG_DADDR, "the flow's original destination" },
		{ PA_FIELD_CT_ORIG_SPORT, "the flow's original source port" },
		{ PA_FIELD_CT_ORIG_DPORT, "the flow's original port" },
		{ PA_FIELD_CT_REPLY_SADDR, "where the flow's replies come from" },
		{ PA_FIELD_CT_REPLY_DADDR, "where the flow's replies go to" },
		{ PA_FIELD_CT_REPLY_SPORT, "the port that the flow's replies come from" },
		{ PA_FIELD_CT_REPLY_DPORT, "the port that the flow's replies go to" },
		{ PA_FIELD_CT_PROTOCOL, "the flow's protocol" },
		{ PA_FIELD_CT_STATUS, "the flow's conntrack status" },
		{ PA_FIELD_CT_MARK, "the flow's conntrack mark" },
		{ PA_FIELD_CT_DIRECTION, "the packet's direction in the flow" },
	};
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		struct pa_value value = question(e, unknown[i].text);
		env = pa_env_set(e, env, unknown[i].field, &value);
	}
	if (direction == FLOW_ANY)
		return env;
	/* the reply matched what it is found by (only an ICMP error has another header or protocol than its flow) */
	for (size_t i = 0; direction == FLOW_REPLY && e->plan.reads_reply && i < PA_TUPLE_PARTS; i++)
		env = set_as(e, env, pa_tuple[i].reply, pa_tuple[i].header);
	struct pa_value protocol = same_as(PA_FIELD_L4PROTO);
	env = pa_env_set(e, env, PA_FIELD_CT_PROTOCOL, &protocol);
	return pa_env_set_const(e, env, PA_FIELD_CT_DIRECTION, direction == FLOW_REPLY);
}

static uint32_t with_state(struct pa_evaluation *e, uint32_t env, pa_u128 state)
{
	env = pa_env_set_const(e, env, PA_SLOT_PHASE, 1);
	return pa_env_set_const(e, env, PA_FIELD_CT_STATE, state);
}

/* What conntrack makes of a packet in this scenario. */
static pa_node tracked(struct pa_evaluation *e, uint32_t env, enum pa_scenario scenario)
{
	pa_node invalid = through_node(e, with_state(e, env, PA_CT_INVALID));
	switch (scenario) {
	case PA_SCENARIO_NEW: {
		uint32_t discovery = pa_env_set_const(e, with_state(e, env, PA_CT_UNTRACKED), PA_SLOT_ICMPV6, 1);
		/* what would be invalid opens no connection and is not in this scenario's universe: it goes with the new ones */
		return pa_node_choose(e->space, pa_universe_untracked(e), through_node(e, discovery),
				      through_node(e, with_state(e, new_flow(e, env), PA_CT_NEW)));
	}
	case PA_SCENARIO_REPLY:
		return through_node(e, with_state(e, old_flow(e, env, FLOW_REPLY), PA_CT_ESTABLISHED));
	case PA_SCENARIO_RELATED:
		return through_node(e, with_state(e, old_flow(e, env, FLOW_ANY), PA_CT_RELATED));
	case PA_SCENARIO_ESTABLISHED:
		return through_node(e, with_state(e, old_flow(e, env, FLOW_ORIGINAL), PA_CT_ESTABLISHED));
	case PA_SCENARIO_UNTRACKED:
		return through_node(e, with_state(e, env, PA_CT_UNTRACKED));
	case PA_SCENARIO_INVALID:
		return invalid;
	}
	return invalid;
}

static pa_node conntrack_stage(struct pa_evaluation *e, uint32_t env, enum pa_scenario scenario)
{
	const struct pa_value *phase = pa_env_find(e, env, PA_SLOT_PHASE), *state = pa_env_find(e, env, PA_FIELD_CT_STATE);
	if (phase->first == 1)
		return through_node(e, env); /* over lo: the flow came with the packet */
	if (state->first == PA_CT_UNTRACKED)
		return through_node(e, with_state(e, env, PA_CT_UNTRACKED));
	return tracked(e, env, scenario);
}

/* --- fragments --- */

/*
 * Conntrack's defragmentation leaves a packet that is whole without its fragment header (nf_ct_frag6_gather; measured): it is
 * shorter, and the header before names what came behind. Not for packets that notrack met even before.
 */
static pa_node defrag_stage(struct pa_evaluation *e, uint32_t env)
{
	static const enum pa_field changed[] = { PA_FIELD_IP6_NEXTHDR, PA_FIELD_IP6_LENGTH, PA_FIELD_META_LENGTH };
	const struct pa_value *state = pa_env_find(e, env, PA_FIELD_CT_STATE);
	if (state && state->kind == PA_VALUE_CONST && state->first == PA_CT_UNTRACKED)
		return through_node(e, env);
	uint32_t whole = pa_env_set_const(e, env, PA_FIELD_FRAG, 0), gathered = whole;
	for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
		struct pa_value value = question(e, "what the header says when the fragment header is gone");
		gathered = pa_env_set(e, gathered, changed[i], &value);
	}
	pa_node fragment = PA_FALSE;
	if (pa_space_classes(e->space, PA_FIELD_FRAG)->count > 1)
		fragment = pa_field_in(e, PA_FIELD_FRAG, 1, 1);
	if (pa_space_classes(e->space, PA_FIELD_IP6_NEXTHDR)->count > 1)
		fragment = pa_node_or(e->space, fragment, pa_field_in(e, PA_FIELD_IP6_NEXTHDR, 44, 44));
	fragment = pa_node_and(e->space, fragment, e->family[1]);
	return pa_node_choose(e->space, fragment, through_node(e, gathered), through_node(e, whole));
}

/* --- filter chains --- */

struct policy {
	struct pa_evaluation *e;
	bool accept;
	pa_u128 keep; /* slots that are looked at later */
	uint32_t env; /* that of the packet before the chain: the outcomes of the chain lie over it */
};

static pa_node end_of_base_chain(void *context, uint32_t terminal)
{
	struct policy *policy = context;
	struct pa_outcome outcome = policy->e->terms->outcomes[terminal];
	if (outcome.kind == PA_OUTCOME_ACCEPT || (outcome.kind == PA_OUTCOME_RETURN && policy->accept))
		return through_node(policy->e, pa_env_restrict(policy->e, pa_env_overlay(policy->e, policy->env, outcome.env),
							       policy->keep));
	return outcome.kind == PA_OUTCOME_RETURN ? pa_outcome(policy->e, PA_OUTCOME_DROP, 0) : PA_TERMINAL(terminal);
}

/* Only packets of the families that the chain sees go through it. */
static pa_node for_family(struct pa_evaluation *e, enum pa_family family, pa_node inside, pa_node outside)
{
	if (family != PA_FAMILY_IP && family != PA_FAMILY_IP6)
		return inside;
	return pa_node_choose(e->space, e->family[family == PA_FAMILY_IP ? 0 : 1], inside, outside);
}

pa_node pa_base_chain_end(struct pa_evaluation *e, const struct pa_chain *chain, uint32_t env, pa_u128 keep)
{
	struct policy policy = { e, chain->policy == PA_VERDICT_ACCEPT, keep, env };
	struct pa_chain_end end = { end_of_base_chain, &policy, pa_env_restrict(e, env, keep) };
	pa_node node = pa_base_chain_node(e, chain, env, &end);
	return for_family(e, chain->table->family, node, through_node(e, end.env));
}

struct restore {
	struct pa_evaluation *e;
	uint32_t env; /* as conntrack left it */
};

static pa_node restore_state(void *context, uint32_t terminal)
{
	struct restore *restore = context;
	struct pa_evaluation *e = restore->e;
	struct pa_outcome outcome = e->terms->outcomes[terminal];
	if (outcome.kind != PA_OUTCOME_THROUGH)
		return PA_TERMINAL(terminal);
	const struct pa_value *state = pa_env_find(e, outcome.env, PA_FIELD_CT_STATE);
	if (state->first == PA_CT_UNTRACKED)
		return through_node(e, with_state(e, outcome.env, PA_CT_UNTRACKED));
	const struct pa_value *after = pa_env_find(e, restore->env, PA_FIELD_CT_STATE);
	return through_node(e, with_state(e, outcome.env, after->first));
}

/* A chain at exactly -200: whether conntrack was first depends on what was loaded when. Both ways are possible. */
static pa_node unsure_chain(struct pa_evaluation *e, const struct pa_chain *chain, uint32_t env)
{
	pa_node after = pa_base_chain_end(e, chain, env, PA_U128_MAX);
	uint32_t early = pa_env_set_const(e, env, PA_SLOT_PHASE, 0);
	early = pa_env_set_const(e, early, PA_FIELD_CT_STATE, PA_CT_INVALID);
	struct restore restore = { e, env };
	pa_node before = pa_node_bind(e->space, pa_base_chain_end(e, chain, early, PA_U128_MAX), restore_state, &restore);
	if (after == before)
		return after;
	const struct pa_table *table = chain->table;
	const char *name = pa_arena_printf(e->arena, "%s %s %s", pa_family_name(table->family), table->name, chain->name);
	pa_node seen = pa_variable(
		e, "conntrack runs before the chain of priority -200", pa_thing(e, chain, name),
		"chains of equal priority run in the reverse order of their registration, which the listing does not show",
		NULL, true);
	pa_node either = pa_node_choose(e->space, seen, after, before);
	/* over lo the flow comes with the packet: there is nothing to wait for */
	return chain->hook == PA_HOOK_PREROUTING
		       ? pa_node_choose(e->space, pa_field_in(e, PA_FIELD_IIFNAME, LO, LO), after, either)
		       : either;
}

/* --- nat chains --- */

struct nat_walk {
	struct pa_evaluation *e;
	const struct pa_stage *stage;
	size_t at;
	uint32_t env;
	pa_u128 keep; /* slots that are looked at later */
};

static pa_node nat_chain(struct pa_evaluation *e, const struct pa_stage *stage, size_t at, uint32_t env, pa_u128 keep);

/* What NAT put back is the packet's own again. */
static uint32_t untouched(struct pa_evaluation *e, uint32_t env)
{
	static const enum pa_field fields[] = { PA_FIELD_DADDR, PA_FIELD_DPORT, PA_FIELD_DADDR_TYPE };
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct pa_value *value = pa_env_find(e, env, fields[i]);
		if (value && value->kind == PA_VALUE_FIELD && value->field == fields[i])
			env = pa_env_set(e, env, fields[i], NULL);
	}
	return env;
}

static pa_node after_nat_chain(void *context, uint32_t terminal)
{
	struct nat_walk *walk = context;
	struct pa_evaluation *e = walk->e;
	struct pa_outcome outcome = e->terms->outcomes[terminal];
	outcome.env = pa_env_overlay(e, walk->env, outcome.env);
	bool accepted = outcome.kind == PA_OUTCOME_ACCEPT;
	if (accepted && pa_env_find(e, outcome.env, PA_SLOT_NATTED)) {
		uint32_t translated = untouched(e, pa_env_set(e, outcome.env, PA_SLOT_NATTED, NULL));
		return through_node(e, pa_env_restrict(e, translated, walk->keep));
	}
	if (outcome.kind == PA_OUTCOME_RETURN && walk->stage->nat[walk->at]->policy != PA_VERDICT_ACCEPT)
		return pa_outcome(e, PA_OUTCOME_DROP, 0);
	if (!accepted && outcome.kind != PA_OUTCOME_RETURN)
		return PA_TERMINAL(terminal);
	return nat_chain(e, walk->stage, walk->at + 1, outcome.env, walk->keep);
}

/* The packets that a nat chain is asked about. */
static pa_node nat_asked(struct pa_evaluation *e, const struct pa_chain *chain)
{
	enum pa_family family = chain->table->family;
	pa_node asked = PA_FALSE;
	if (e->plan.conntrack_ipv4 && pa_family_sees(family, 4))
		asked = e->family[0];
	if (e->plan.conntrack_ipv6 && pa_family_sees(family, 6))
		asked = pa_node_or(e->space, asked, e->family[1]);
	/* over lo the flow was made on the way out: prerouting and input nat chains are not asked (measured) */
	if (chain->hook == PA_HOOK_PREROUTING || chain->hook == PA_HOOK_INPUT)
		asked = pa_node_minus(e->space, asked, pa_field_in(e, PA_FIELD_IIFNAME, LO, LO));
	return asked;
}

static pa_node nat_chain(struct pa_evaluation *e, const struct pa_stage *stage, size_t at, uint32_t env, pa_u128 keep)
{
	if (at == stage->nat_count)
		return through_node(e, pa_env_restrict(e, env, keep));
	const struct pa_chain *chain = stage->nat[at];
	struct nat_walk walk = { e, stage, at, env, keep };
	uint32_t read;
	pa_node node = pa_node_bind(e->space, pa_chain_node(e, chain, env, &read), after_nat_chain, &walk);
	return pa_node_choose(e->space, nat_asked(e, chain), node, nat_chain(e, stage, at + 1, env, keep));
}

/* The first packet of a flow is asked; established, invalid and untracked ones are not. */
static pa_node nat_stage(struct pa_evaluation *e, const struct pa_stage *stage, uint32_t env, pa_u128 keep)
{
	const struct pa_value *state = pa_env_find(e, env, PA_FIELD_CT_STATE);
	pa_node skipped = through_node(e, pa_env_restrict(e, env, keep));
	if (state->first != PA_CT_NEW && state->first != PA_CT_RELATED)
		return skipped;
	pa_node node = nat_chain(e, stage, 0, env, keep);
	if (state->first == PA_CT_RELATED) {
		/* an ICMP error is related to a flow that exists; other related packets open an expected one */
		pa_node icmp =
			pa_node_or(e->space, pa_field_in(e, PA_FIELD_L4PROTO, 1, 1), pa_field_in(e, PA_FIELD_L4PROTO, 58, 58));
		node = pa_node_choose(e->space, icmp, skipped, node);
	}
	return node;
}

/* --- hooks --- */

struct hook_run {
	struct pa_evaluation *e;
	const struct pa_stage *stage;
	enum pa_scenario scenario;
	pa_u128 keep; /* slots that are looked at after this stage */
};

static pa_node restrict_outcome(void *context, uint32_t terminal)
{
	struct hook_run *run = context;
	struct pa_outcome outcome = run->e->terms->outcomes[terminal];
	if (outcome.kind != PA_OUTCOME_THROUGH)
		return PA_TERMINAL(terminal);
	return through_node(run->e, pa_env_restrict(run->e, outcome.env, run->keep));
}

/* Environments that differ only in what nobody asks later are one. */
static pa_node restricted(struct hook_run *run, pa_node node)
{
	return pa_node_bind(run->e->space, node, restrict_outcome, run);
}

static pa_node run_stage(void *context, uint32_t terminal)
{
	struct hook_run *run = context;
	struct pa_evaluation *e = run->e;
	struct pa_outcome outcome = e->terms->outcomes[terminal];
	if (outcome.kind != PA_OUTCOME_THROUGH)
		return PA_TERMINAL(terminal);
	switch (run->stage->kind) {
	case PA_STAGE_CHAIN:
		if (run->stage->binding != PA_BOUND_NOT)
			return restricted(run, pa_device_stage(e, run->stage, outcome.env, run->keep));
		if (run->stage->state_unsure && pa_env_find(e, outcome.env, PA_SLOT_PHASE)->first != 0)
			return unsure_chain(e, run->stage->chain, outcome.env);
		return pa_base_chain_end(e, run->stage->chain, outcome.env, run->keep);
	case PA_STAGE_DEFRAG:
		return restricted(run, defrag_stage(e, outcome.env));
	case PA_STAGE_CONNTRACK:
		return restricted(run, conntrack_stage(e, outcome.env, run->scenario));
	case PA_STAGE_NAT:
		return e->without_nat ? restricted(run, through_node(e, outcome.env))
				      : nat_stage(e, run->stage, outcome.env, run->keep);
	}
	return PA_FALSE;
}

static pa_u128 slot_bit(unsigned slot)
{
	return (pa_u128)1 << slot;
}

static pa_u128 stage_reads(struct pa_evaluation *e, const struct pa_stage *stage)
{
	pa_u128 reads = slot_bit(PA_FIELD_CT_STATE) | slot_bit(PA_SLOT_PHASE);
	pa_u128 device = stage->binding == PA_BOUND_NOT ? 0 : slot_bit(PA_FIELD_IIFNAME) | slot_bit(PA_FIELD_OIFNAME);
	if (stage->kind == PA_STAGE_CHAIN)
		return (stage->state_unsure ? reads : 0) | device | pa_chain_learn(e, stage->chain)->reads[0];
	/* what rules wrote into the header is what the flow remembers */
	if (stage->kind == PA_STAGE_CONNTRACK)
		reads |= slot_bit(PA_FIELD_SADDR) | slot_bit(PA_FIELD_DADDR) | slot_bit(PA_FIELD_SPORT) |
			 slot_bit(PA_FIELD_DPORT);
	for (size_t i = 0; i < stage->nat_count; i++)
		reads |= pa_chain_learn(e, stage->nat[i])->reads[0];
	return reads;
}

static pa_u128 hook_reads(struct pa_evaluation *e, enum pa_hook hook, size_t from)
{
	pa_u128 reads = 0;
	for (size_t i = from; i < e->plan.hook[hook].count; i++)
		reads |= stage_reads(e, &e->plan.hook[hook].stages[i]);
	return reads;
}

static bool is_first_hook(enum pa_hook hook)
{
	return hook == PA_HOOK_PREROUTING || hook == PA_HOOK_OUTPUT;
}

/* The hooks that come next, one bit each. */
static unsigned next_hooks(enum pa_hook hook)
{
	switch (hook) {
	case PA_HOOK_INGRESS:
		return 1u << PA_HOOK_PREROUTING;
	case PA_HOOK_PREROUTING:
		return 1u << PA_HOOK_INPUT | 1u << PA_HOOK_FORWARD;
	case PA_HOOK_OUTPUT:
	case PA_HOOK_FORWARD:
		return 1u << PA_HOOK_POSTROUTING;
	case PA_HOOK_POSTROUTING:
		return 1u << PA_HOOK_EGRESS;
	case PA_HOOK_INPUT:
	case PA_HOOK_EGRESS:
		break;
	}
	return 0;
}

static unsigned hooks_behind(enum pa_hook hook)
{
	unsigned next = next_hooks(hook), all = next;
	for (unsigned h = 0; h < PA_PLAN_HOOKS; h++) {
		if (next >> h & 1)
			all |= hooks_behind((enum pa_hook)h);
	}
	return all;
}

static size_t stages_behind(const struct pa_evaluation *e, enum pa_hook hook, size_t from)
{
	size_t count = e->plan.hook[hook].count - from;
	unsigned behind = hooks_behind(hook);
	for (unsigned h = 0; h < PA_PLAN_HOOKS; h++)
		count += behind >> h & 1 ? e->plan.hook[h].count : 0;
	return count;
}

/* Slots that stages of this hook from `from` on, or of the hooks behind it, look at; and what the answer is made from. */
static pa_u128 reads_behind(struct pa_evaluation *e, enum pa_hook hook, size_t from)
{
	pa_u128 reads =
		slot_bit(PA_FIELD_DADDR) | slot_bit(PA_FIELD_DPORT) | slot_bit(PA_FIELD_DADDR_TYPE) | hook_reads(e, hook, from);
	reads |= e->kept;
	unsigned behind = hooks_behind(hook);
	if (is_first_hook(hook))
		reads |= slot_bit(PA_FIELD_CT_STATE); /* pa_evaluation_untracked() */
	if (stages_behind(e, hook, from))
		reads |= slot_bit(PA_SLOT_ICMPV6);
	for (unsigned h = 0; h < PA_PLAN_HOOKS; h++)
		reads |= behind >> h & 1 ? hook_reads(e, (enum pa_hook)h, 0) : 0;
	return reads;
}

static pa_node run_stages(struct pa_evaluation *e, pa_node node, enum pa_hook hook, enum pa_scenario scenario)
{
	const struct pa_hook_plan *plan = &e->plan.hook[hook];
	for (size_t i = 0; i < plan->count; i++) {
		struct hook_run run = { e, &plan->stages[i], scenario, reads_behind(e, hook, i + 1) };
		node = pa_node_bind(e->space, node, run_stage, &run);
	}
	return node;
}

static pa_node whether(struct pa_evaluation *e, const char *text, pa_node yes, pa_node no)
{
	return text ? pa_node_choose(e->space, pa_variable(e, text, 0, PA_ORDER_REASON, NULL, true), yes, no) : no;
}

/* Every order from this tie on; `order`: the digits of those before. */
static pa_node run_orders(struct pa_evaluation *e, pa_node node, enum pa_hook hook, enum pa_scenario scenario, size_t at,
			  size_t order)
{
	struct pa_hook_plan *plan = &e->plan.hook[hook];
	if (at == plan->tie_count) {
		struct pa_stage *usual = plan->stages;
		plan->stages = plan->orders[order];
		node = run_stages(e, node, hook, scenario);
		plan->stages = usual;
		return node;
	}
	const struct pa_tie *tie = &plan->ties[at];
	pa_node result = run_orders(e, node, hook, scenario, at + 1, order * (tie->count + 1) + tie->count);
	for (size_t i = tie->count; i-- > 0;) {
		pa_node before = run_orders(e, node, hook, scenario, at + 1, order * (tie->count + 1) + i);
		if (before != result)
			result = pa_node_choose(e->space, e->family[0], whether(e, tie->text[0][i], before, result),
						whether(e, tie->text[1][i], before, result));
	}
	return result;
}

static pa_node run_hook(struct pa_evaluation *e, pa_node node, enum pa_hook hook, enum pa_scenario scenario)
{
	return e->plan.hook[hook].tie_count ? run_orders(e, node, hook, scenario, 0, 0) : run_stages(e, node, hook, scenario);
}

/* --- routing --- */

struct route {
	struct pa_evaluation *e;
	enum pa_path path;
	bool translated; /* some packets go elsewhere than their header says */
};

static bool is_loopback4(const struct pa_value *address)
{
	pa_u128 network = (PA_IPV4_BASE | 0x7f000000) >> 24;
	return address && (address->kind == PA_VALUE_CONST || address->kind == PA_VALUE_RANGE) &&
	       address->first >> 24 == network && address->last >> 24 == network;
}

/* From the wire to 127/8 by DNAT: a martian, unless route_localnet is on for the interface. */
static pa_node drop_martian(struct pa_evaluation *e, pa_node node)
{
	if (e->host->route_localnet == PA_YES)
		return node;
	pa_node lo = pa_field_in(e, PA_FIELD_IIFNAME, LO, LO), drop = pa_outcome(e, PA_OUTCOME_DROP, 0);
	if (e->host->route_localnet == PA_UNKNOWN) {
		pa_node on = pa_variable(e, "net.ipv4.conf.*.route_localnet is 1", 0, "the host's sysctls are not known", NULL,
					 true);
		drop = pa_node_choose(e->space, on, node, drop);
	}
	return pa_node_choose(e->space, lo, node, drop);
}

/*
 * Forwarding takes one off the TTL before the forward hook; what a rule left with one is not forwarded (ip_forward, ip6_forward). That
 * packets arrive with enough of it is assumed.
 */
static pa_node forwarded(struct pa_evaluation *e, uint32_t env)
{
	const struct pa_value *written = pa_env_find(e, env, PA_FIELD_TTL);
	struct pa_value ttl = question(e, "the TTL after forwarding took one off");
	pa_node expired = pa_outcome(e, PA_OUTCOME_DROP, 0);
	env = pa_env_set(e, env, PA_FIELD_OIFNAME, NULL);
	if (written && written->kind == PA_VALUE_CONST)
		return written->first <= 1 ? expired
					   : through_node(e, pa_env_set_const(e, env, PA_FIELD_TTL, written->first - 1));
	return through_node(e, pa_env_set(e, env, PA_FIELD_TTL, &ttl));
}

static pa_node route(void *context, uint32_t terminal)
{
	struct route *route = context;
	struct pa_evaluation *e = route->e;
	struct pa_outcome outcome = e->terms->outcomes[terminal];
	if (outcome.kind != PA_OUTCOME_THROUGH)
		return PA_TERMINAL(terminal);
	const struct pa_value *type = pa_env_find(e, outcome.env, PA_FIELD_DADDR_TYPE);
	pa_node local, here = through_node(e, outcome.env), elsewhere = pa_outcome(e, PA_OUTCOME_ELSEWHERE, 0);
	if (!type && !route->translated)
		local = route->path == PA_PATH_FORWARD ? PA_FALSE : PA_TRUE; /* the universe of the path says the rest */
	else if (!type)
		local = pa_node_minus(e->space, PA_TRUE, pa_field_in(e, PA_FIELD_DADDR_TYPE, PA_TYPE_UNICAST, PA_TYPE_UNICAST));
	else if (type->kind == PA_VALUE_CONST)
		local = type->first == PA_TYPE_UNICAST ? PA_FALSE : PA_TRUE;
	else
		local = pa_variable(e, type->text, 0, "the host's addresses are not known (give them with --self)", NULL, true);
	if (route->path == PA_PATH_FORWARD)
		return pa_node_choose(e->space, local, elsewhere, forwarded(e, outcome.env));
	if (is_loopback4(pa_env_find(e, outcome.env, PA_FIELD_DADDR)))
		here = drop_martian(e, here);
	return pa_node_choose(e->space, local, here, elsewhere);
}

/* After the output hook: a new destination may leave through another interface, which only postrouting sees. */
static pa_node reroute(void *context, uint32_t terminal)
{
	struct pa_evaluation *e = context;
	struct pa_outcome outcome = e->terms->outcomes[terminal];
	if (outcome.kind != PA_OUTCOME_THROUGH || !pa_env_find(e, outcome.env, PA_FIELD_DADDR))
		return PA_TERMINAL(terminal);
	struct pa_value unknown = question(e, "the interface after NAT changed the destination");
	return through_node(e, pa_env_set(e, outcome.env, PA_FIELD_OIFNAME, &unknown));
}

/* --- whole paths --- */

static uint32_t start_env(struct pa_evaluation *e, enum pa_path path)
{
	uint32_t env = pa_env_set_const(e, pa_env_empty(e), PA_FIELD_MARK, 0);
	env = pa_env_set_const(e, env, PA_FIELD_CT_STATE, PA_CT_INVALID);
	env = pa_env_set_const(e, env, PA_SLOT_PHASE, 0);
	if (!pa_universe_knows_interfaces(e->host)) {
		struct pa_value type = question(e, "which interface has the destination address");
		env = pa_env_set(e, env, PA_FIELD_DADDR_IIF_TYPE, &type);
	}
	if (!e->host->addresses_known) {
		struct pa_value type = question(e, "whether the source is an address of this host");
		env = pa_env_set(e, env, PA_FIELD_SADDR_TYPE, &type);
	}
	return pa_env_set_const(e, env, path == PA_PATH_OUT ? PA_FIELD_IIFNAME : PA_FIELD_OIFNAME, 0);
}

/* What the flow of a packet over lo got on the way out. */
static pa_node with_output_flow(void *context, uint32_t terminal)
{
	struct pa_evaluation *e = context;
	struct pa_outcome outcome = e->terms->outcomes[terminal];
	if (outcome.kind != PA_OUTCOME_THROUGH || !pa_env_has_flow(e, outcome.env))
		return PA_TERMINAL(terminal);
	if (e->plan.output_ct_marks) {
		struct pa_value mark = question(e, "the conntrack mark that a flow over lo got on its way out");
		outcome.env = pa_env_set(e, outcome.env, PA_FIELD_CT_MARK, &mark);
	}
	if (e->plan.output_nat) {
		struct pa_value header = question(e, "what a flow over lo was before NAT on its way out");
		outcome.env = pa_env_set(e, outcome.env, PA_FIELD_CT_STATUS, &header);
		for (size_t i = 0; i < PA_TUPLE_PARTS; i++) {
			outcome.env = pa_env_set(e, outcome.env, pa_tuple[i].original, &header);
			outcome.env = pa_env_set(e, outcome.env, pa_tuple[i].reply, &header);
		}
	}
	return through_node(e, outcome.env);
}

/* Over lo the packet arrives as it left: with its flow, and with the marks that rules gave both. */
static pa_node start_lo(struct pa_evaluation *e, uint32_t env, enum pa_scenario scenario)
{
	if (e->plan.output_marks) {
		struct pa_value mark = question(e, "the mark that a packet over lo got on its way out");
		env = pa_env_set(e, env, PA_FIELD_MARK, &mark);
	}
	pa_node node = tracked(e, env, scenario);
	bool changed = e->plan.output_ct_marks || e->plan.output_nat;
	return changed ? pa_node_bind(e->space, node, with_output_flow, e) : node;
}

static pa_node run_prerouting(struct pa_evaluation *e, enum pa_scenario scenario)
{
	uint32_t env = start_env(e, PA_PATH_IN);
	if (scenario == PA_SCENARIO_UNTRACKED)
		env = pa_env_set_const(e, env, PA_FIELD_CT_STATE, PA_CT_UNTRACKED);
	pa_node lo = pa_field_in(e, PA_FIELD_IIFNAME, LO, LO);
	pa_node start = pa_node_choose(e->space, lo, start_lo(e, env, scenario), pa_source_start(e, env));
	start = run_hook(e, start, PA_HOOK_INGRESS, scenario);
	return run_hook(e, start, PA_HOOK_PREROUTING, scenario);
}

static pa_node prerouting(struct pa_evaluation *e, enum pa_scenario scenario)
{
	if (!e->prerouting_known[scenario]) {
		e->prerouting[scenario] = run_prerouting(e, scenario);
		e->prerouting_known[scenario] = true;
	}
	return e->prerouting[scenario];
}

static void note_translation(void *context, uint32_t terminal)
{
	struct route *route = context;
	struct pa_outcome outcome = route->e->terms->outcomes[terminal];
	if (outcome.kind == PA_OUTCOME_THROUGH && pa_env_find(route->e, outcome.env, PA_FIELD_DADDR_TYPE))
		route->translated = true;
}

static pa_node routed(struct pa_evaluation *e, enum pa_path path, enum pa_scenario scenario)
{
	struct route context = { e, path, false };
	pa_node node = e->answers[scenario][path].tracked = prerouting(e, scenario);
	pa_node_terminals(e->space, node, note_translation, &context);
	e->translated[scenario] = context.translated;
	return pa_node_bind(e->space, node, route, &context);
}

/* A packet on its way out has no incoming interface any more (nf_hook_egress() in include/linux/netfilter_netdev.h). */
static pa_node without_iif(void *context, uint32_t terminal)
{
	struct pa_evaluation *e = context;
	struct pa_outcome outcome = e->terms->outcomes[terminal];
	if (outcome.kind != PA_OUTCOME_THROUGH)
		return PA_TERMINAL(terminal);
	struct pa_value length = question(e, "the length with the header of the link");
	uint32_t env = pa_env_set(e, outcome.env, PA_FIELD_META_LENGTH, &length);
	return through_node(e, pa_env_set_const(e, env, PA_FIELD_IIFNAME, 0));
}

static pa_node leave(struct pa_evaluation *e, pa_node node, enum pa_scenario scenario)
{
	node = run_hook(e, node, PA_HOOK_POSTROUTING, scenario);
	if (!e->plan.hook[PA_HOOK_EGRESS].count)
		return node;
	return run_hook(e, pa_node_bind(e->space, node, without_iif, e), PA_HOOK_EGRESS, scenario);
}

static pa_node follow(struct pa_evaluation *e, enum pa_path path, enum pa_scenario scenario)
{
	pa_node node;
	switch (path) {
	case PA_PATH_IN:
		node = routed(e, path, scenario);
		return run_hook(e, node, PA_HOOK_INPUT, scenario);
	case PA_PATH_FORWARD:
		node = routed(e, path, scenario);
		node = run_hook(e, node, PA_HOOK_FORWARD, scenario);
		return leave(e, node, scenario);
	case PA_PATH_OUT:
		node = e->answers[scenario][path].tracked =
			run_hook(e, through_node(e, start_env(e, path)), PA_HOOK_OUTPUT, scenario);
		node = pa_node_bind(e->space, node, reroute, e);
		return leave(e, node, scenario);
	}
	return PA_FALSE;
}

pa_node pa_untranslated(struct pa_evaluation *e)
{
	struct route context = { e, PA_PATH_IN, false };
	e->without_nat = true;
	pa_node node = run_prerouting(e, PA_SCENARIO_NEW);
	pa_node_terminals(e->space, node, note_translation, &context);
	node = run_hook(e, pa_node_bind(e->space, node, route, &context), PA_HOOK_INPUT, PA_SCENARIO_NEW);
	e->without_nat = false;
	return node;
}

static pa_node not_elsewhere(void *context, uint32_t terminal)
{
	struct pa_evaluation *e = context;
	enum pa_outcome_kind kind = e->terms->outcomes[terminal].kind;
	return kind == PA_OUTCOME_THROUGH ? PA_TRUE : PA_FALSE;
}

const struct pa_answer *pa_answer(struct pa_evaluation *e, enum pa_path path, enum pa_scenario scenario)
{
	struct pa_answer *answer = &e->answers[scenario][path];
	if (answer->known)
		return answer;
	answer->node = follow(e, path, scenario);
	pa_node universe = pa_universe_path(e, path);
	if (scenario == PA_SCENARIO_NEW)
		universe = pa_node_and(e->space, universe, pa_node_or(e->space, pa_universe_new(e), pa_universe_untracked(e)));
	if (path != PA_PATH_OUT && e->translated[scenario]) {
		/* what NAT sends to this path from the other one */
		pa_node base = pa_node_or(e->space, pa_universe_path(e, PA_PATH_IN), pa_universe_path(e, PA_PATH_FORWARD));
		if (path == PA_PATH_FORWARD) {
			pa_node lo = pa_field_in(e, PA_FIELD_IIFNAME, LO, LO), none = pa_field_in(e, PA_FIELD_OIFNAME, 0, 0);
			/* NAT is not asked over lo, but where a rule writes a destination, what comes over lo may be forwarded */
			none = pa_plan_writes(&e->plan, PA_FIELD_DADDR) ? none : pa_node_or(e->space, lo, none);
			base = pa_node_minus(e->space, pa_universe_path(e, PA_PATH_IN), none);
			base = pa_node_or(e->space, base, pa_universe_path(e, PA_PATH_FORWARD));
		}
		if (scenario == PA_SCENARIO_NEW)
			base = pa_node_and(e->space, base, pa_node_or(e->space, pa_universe_new(e), pa_universe_untracked(e)));
		pa_node passes = pa_node_bind(e->space, answer->node, not_elsewhere, e);
		universe = pa_node_or(e->space, universe, pa_node_and(e->space, base, pa_node_some_variable(e->space, passes)));
	}
	answer->universe = universe;
	answer->known = true;
	return answer;
}
