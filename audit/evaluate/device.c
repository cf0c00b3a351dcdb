/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chains that are bound to devices, and chains of bridge tables: which packets they see. Those of a device itself always; those of an
 * interface that may lie on top of it where a variable says so, and then the chain takes them for packets of its device.
 */
#include "evaluation.h"

#define LO pa_ifname_value("lo")

static struct pa_value question(struct pa_evaluation *e, const char *text)
{
	return (struct pa_value){ .kind = PA_VALUE_UNKNOWN, .text = pa_intern(e, text) };
}

/* The packets whose interface, as the environment has it, is one of first..last. */
static pa_node is_interface(struct pa_evaluation *e, uint32_t env, enum pa_field field, pa_u128 first, pa_u128 last)
{
	const struct pa_value *value = pa_env_find(e, env, field);
	if (!value)
		return pa_field_in(e, field, first, last);
	if (value->kind == PA_VALUE_CONST)
		return value->first >= first && value->first <= last ? PA_TRUE : PA_FALSE;
	return pa_variable(e, value->text, pa_interval_key(first, last), "where NAT sends the packet is not known", NULL, true);
}

static pa_node is_bound(struct pa_evaluation *e, const struct pa_stage *stage, enum pa_field field, uint32_t env)
{
	pa_node bound = PA_FALSE;
	for (size_t i = 0; i < stage->devices->count; i++)
		bound = pa_node_or(e->space, bound,
				   is_interface(e, env, field, stage->devices->items[i].first, stage->devices->items[i].last));
	return bound;
}

static uint32_t set_unknown(struct pa_evaluation *e, uint32_t env, pa_u128 fields, const struct pa_value *unknown)
{
	if (fields >> PA_FIELD_DADDR & 1)
		fields |= (pa_u128)1 << PA_FIELD_DADDR_TYPE | (pa_u128)1 << PA_FIELD_DADDR_IIF_TYPE;
	if (fields >> PA_FIELD_SADDR & 1)
		fields |= (pa_u128)1 << PA_FIELD_SADDR_TYPE;
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		if (fields >> f & 1)
			env = pa_env_set(e, env, f, unknown);
	}
	return env;
}

static uint32_t set_unordered(struct pa_evaluation *e, enum pa_hook hook, uint32_t env)
{
	struct pa_value unknown = question(e, "what several chains give the packets of interfaces on top of their devices");
	return set_unknown(e, env, e->plan.unordered[hook], &unknown);
}

struct below {
	struct pa_evaluation *e;
	enum pa_hook hook; /* ingress, egress */
	bool ordered;	   /* the order of chains is known */
	uint32_t env;	   /* before the chain */
};

/* Behind the chain the packet is one of its own interface again. */
static pa_node back_on_top(void *context, uint32_t terminal)
{
	struct below *below = context;
	struct pa_evaluation *e = below->e;
	struct pa_outcome outcome = e->terms->outcomes[terminal];
	enum pa_field field = pa_device_field(below->hook);
	if (outcome.kind != PA_OUTCOME_THROUGH)
		return PA_TERMINAL(terminal);
	uint32_t env = pa_env_set(e, outcome.env, field, pa_env_find(e, below->env, field));
	return pa_outcome(e, PA_OUTCOME_THROUGH, below->ordered ? env : set_unordered(e, below->hook, env));
}

static struct pa_value device_below(struct pa_evaluation *e, const struct pa_stage *stage, pa_u128 known)
{
	if (known)
		return (struct pa_value){ .kind = PA_VALUE_CONST, .first = known, .last = known };
	const struct pa_devices *devices = stage->devices;
	if (!devices || !devices->single)
		return question(e, devices ? "the device below the interface" : "the port of the bridge");
	return (struct pa_value){ .kind = PA_VALUE_CONST, .first = devices->items[0].first, .last = devices->items[0].last };
}

/* A chain that is not followed: it may drop, and give what it assigns any value. */
static pa_node opaque_chain(struct pa_evaluation *e, const struct pa_stage *stage, uint32_t env)
{
	const struct pa_chain *chain = stage->chain;
	struct pa_value unknown = question(e, "what a chain of a bridge table gives the packet");
	struct pa_buffer text = { 0 };
	pa_buffer_printf(&text, "chain %s of table bridge %s lets the packet pass", chain->name, chain->table->name);
	uint64_t key = e->places ? pa_thing(e, chain, pa_table_contents(e, chain->table)) : 0;
	pa_node passes =
		pa_variable(e, text.data, key, "it asks conntrack for packets that a bridge carries, or br_netfilter does",
			    chain->rule_count ? chain->rules[0] : NULL, false);
	pa_buffer_done(&text);
	env = set_unknown(e, env, stage->assigns, &unknown);
	return pa_node_choose(e->space, passes, pa_outcome(e, PA_OUTCOME_THROUGH, env), pa_outcome(e, PA_OUTCOME_DROP, 0));
}

/* The chain as a packet of the device below, or of the bridge's port, meets it. */
static pa_node below_chain(struct pa_evaluation *e, const struct pa_stage *stage, struct below *below,
			   struct pa_link_meets meets)
{
	struct pa_value device = device_below(e, stage, meets.device);
	uint32_t env = meets.ordered ? below->env : set_unordered(e, below->hook, below->env);
	below->ordered = meets.ordered;
	if (stage->opaque)
		return opaque_chain(e, stage, env);
	env = pa_env_set(e, env, pa_device_field(below->hook), &device);
	return pa_node_bind(e->space, pa_base_chain_end(e, stage->chain, env, PA_U128_MAX), back_on_top, below);
}

static enum pa_hook way_of(enum pa_hook hook)
{
	return hook == PA_HOOK_OUTPUT || hook == PA_HOOK_POSTROUTING || hook == PA_HOOK_EGRESS ? PA_HOOK_EGRESS
											       : PA_HOOK_INGRESS;
}

static const char *why_unknown(const struct pa_stage *stage)
{
	if (stage->binding == PA_BOUND_BRIDGE)
		return "which interfaces are bridges is not known";
	return stage->devices->known ? "which interfaces lie on top of others is not known"
				     : "the listing does not say which devices the chain is bound to";
}

/* A stage for packets of interfaces on top of others: what is known of each interface decides first, then a variable. */
static pa_node below_stage(struct pa_evaluation *e, const struct pa_stage *stage, uint32_t env, pa_node skipped)
{
	struct below below = { e, way_of(stage->chain->hook), false, env };
	enum pa_field field = pa_device_field(below.hook);
	bool any = stage->binding == PA_BOUND_BELOW && !stage->devices->known;
	pa_node sees = pa_variable(e, stage->text, 0, why_unknown(stage), NULL, true);
	pa_node node = pa_node_choose(
		e->space, sees, below_chain(e, stage, &below, (struct pa_link_meets){ PA_MEETS_MAYBE, false, 0 }), skipped);
	for (size_t i = e->host->links_known ? e->host->link_count : 0; i-- > 0;) {
		const struct pa_host_link *link = &e->host->links[i];
		struct pa_link_meets meets = pa_link_meets(e->host, link, stage);
		pa_u128 name = pa_ifname_value(link->name);
		pa_node is_link = is_interface(e, env, field, name, name), met = skipped;
		if (meets.meets != PA_MEETS_NEVER)
			met = below_chain(e, stage, &below, meets);
		if (meets.meets == PA_MEETS_MAYBE)
			met = pa_node_choose(e->space, sees, met, skipped);
		node = pa_node_choose(e->space, is_link, met, node);
	}
	if (!any)
		node = pa_node_choose(e->space, is_interface(e, env, field, LO, LO), skipped, node);
	if (stage->devices && stage->devices->single)
		node = pa_node_choose(e->space, is_bound(e, stage, field, env), skipped, node);
	return node;
}

pa_node pa_device_stage(struct pa_evaluation *e, const struct pa_stage *stage, uint32_t env, pa_u128 keep)
{
	pa_node skipped = pa_outcome(e, PA_OUTCOME_THROUGH, env);
	if (stage->binding != PA_BOUND_OWN)
		return below_stage(e, stage, env, skipped);
	pa_node bound = is_bound(e, stage, pa_device_field(stage->chain->hook), env);
	return bound == PA_FALSE ? skipped
				 : pa_node_choose(e->space, bound, pa_base_chain_end(e, stage->chain, env, keep), skipped);
}
