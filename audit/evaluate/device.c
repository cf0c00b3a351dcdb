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

/* The packets of interfaces that lie on top of nothing. What no listing of devices says may be any interface. */
static pa_node is_apart(struct pa_evaluation *e, const struct pa_stage *stage, enum pa_field field, uint32_t env)
{
	if (!stage->devices->known)
		return PA_FALSE;
	pa_node apart = is_interface(e, env, field, LO, LO);
	for (size_t i = 0; e->host->links_known && i < e->host->link_count; i++) {
		pa_u128 name = pa_ifname_value(e->host->links[i].name);
		if (!e->host->links[i].on_top)
			apart = pa_node_or(e->space, apart, is_interface(e, env, field, name, name));
	}
	return apart;
}

static uint32_t set_unknown(struct pa_evaluation *e, uint32_t env, uint64_t fields, const struct pa_value *unknown)
{
	if (fields >> PA_FIELD_DADDR & 1)
		fields |= (uint64_t)1 << PA_FIELD_DADDR_TYPE | (uint64_t)1 << PA_FIELD_DADDR_IIF_TYPE;
	if (fields >> PA_FIELD_SADDR & 1)
		fields |= (uint64_t)1 << PA_FIELD_SADDR_TYPE;
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
	struct pa_outcome outcome = e->outcomes[terminal];
	enum pa_field field = pa_device_field(below->hook);
	if (outcome.kind != PA_OUTCOME_THROUGH)
		return PA_TERMINAL(terminal);
	uint32_t env = pa_env_set(e, outcome.env, field, pa_env_find(e, below->env, field));
	return pa_outcome(e, PA_OUTCOME_THROUGH, below->ordered ? env : set_unordered(e, below->hook, env));
}

static struct pa_value device_below(struct pa_evaluation *e, const struct pa_devices *devices)
{
	if (!devices->single)
		return question(e, "the device below the interface");
	return (struct pa_value){ .kind = PA_VALUE_CONST, .first = devices->items[0].first, .last = devices->items[0].last };
}

static pa_node below_stage(struct pa_evaluation *e, const struct pa_stage *stage, uint32_t env, pa_node skipped)
{
	struct below below = { e, stage->chain->hook, false, env };
	enum pa_field field = pa_device_field(below.hook);
	struct pa_value device = device_below(e, stage->devices);
	pa_node apart = is_apart(e, stage, field, env);
	if (stage->devices->single)
		apart = pa_node_or(e->space, apart, is_bound(e, stage, field, env));
	if (apart == PA_TRUE)
		return skipped;
	uint32_t inside = pa_env_set(e, set_unordered(e, below.hook, env), field, &device);
	pa_node seen = pa_node_bind(e->space, pa_base_chain_end(e, stage->chain, inside, UINT64_MAX), back_on_top, &below);
	if (seen == skipped)
		return skipped;
	const char *reason = stage->devices->known ? "which interfaces lie on top of others is not known"
						   : "the listing does not say which devices the chain is bound to";
	pa_node sees = pa_variable(e, stage->text, 0, reason, NULL, true);
	return pa_node_choose(e->space, apart, skipped, pa_node_choose(e->space, sees, seen, skipped));
}

/* --- bridges --- */

/* The interfaces that are bridges, or those that neither are nor have anything to do with one. */
static pa_node known_links(struct pa_evaluation *e, uint32_t env, enum pa_field field, bool bridges)
{
	pa_node set = bridges ? PA_FALSE : is_interface(e, env, field, LO, LO);
	for (size_t i = 0; e->host->links_known && i < e->host->link_count; i++) {
		const struct pa_host_link *link = &e->host->links[i];
		pa_u128 name = pa_ifname_value(link->name);
		if (bridges ? link->bridge : !link->on_top && !link->port)
			set = pa_node_or(e->space, set, is_interface(e, env, field, name, name));
	}
	return set;
}

/* A chain that is not followed: it may drop, and give what it assigns any value. */
static pa_node opaque_chain(struct pa_evaluation *e, const struct pa_stage *stage, uint32_t env)
{
	const struct pa_chain *chain = stage->chain;
	struct pa_value unknown = question(e, "what a chain of a bridge table gives the packet");
	struct pa_buffer text = { 0 };
	pa_buffer_printf(&text, "chain %s of table bridge %s lets the packet pass", chain->name, chain->table->name);
	pa_node passes =
		pa_variable(e, text.data, 0, "it asks conntrack for packets that a bridge carries, or br_netfilter does",
			    chain->rule_count ? chain->rules[0] : NULL, false);
	pa_buffer_done(&text);
	env = set_unknown(e, env, stage->assigns, &unknown);
	return pa_node_choose(e->space, passes, pa_outcome(e, PA_OUTCOME_THROUGH, env), pa_outcome(e, PA_OUTCOME_DROP, 0));
}

/* The chain as a packet of the bridge's port meets it. */
static pa_node bridge_chain(struct pa_evaluation *e, const struct pa_stage *stage, struct below *below)
{
	struct pa_value port = question(e, "the port of the bridge");
	uint32_t env = below->ordered ? below->env : set_unordered(e, below->hook, below->env);
	if (stage->opaque)
		return opaque_chain(e, stage, env);
	env = pa_env_set(e, env, pa_device_field(below->hook), &port);
	return pa_node_bind(e->space, pa_base_chain_end(e, stage->chain, env, UINT64_MAX), back_on_top, below);
}

static bool is_leaving(enum pa_hook hook)
{
	return hook == PA_HOOK_OUTPUT || hook == PA_HOOK_POSTROUTING;
}

static pa_node bridge_stage(struct pa_evaluation *e, const struct pa_stage *stage, uint32_t env, pa_node skipped)
{
	struct below below = { e, is_leaving(stage->chain->hook) ? PA_HOOK_EGRESS : PA_HOOK_INGRESS, false, env };
	enum pa_field field = pa_device_field(below.hook);
	pa_node never = known_links(e, env, field, false);
	pa_node maybe = bridge_chain(e, stage, &below);
	below.ordered = true;
	pa_node surely = stage->chain->hook == PA_HOOK_FORWARD ? PA_FALSE : known_links(e, env, field, true);
	pa_node seen = surely == PA_FALSE ? PA_FALSE : bridge_chain(e, stage, &below);
	pa_node through = pa_variable(e, stage->text, 0, "which interfaces are bridges is not known", NULL, true);
	pa_node asked = pa_node_choose(e->space, through, maybe, skipped);
	return pa_node_choose(e->space, never, skipped, pa_node_choose(e->space, surely, seen, asked));
}

pa_node pa_device_stage(struct pa_evaluation *e, const struct pa_stage *stage, uint32_t env, uint64_t keep)
{
	pa_node skipped = pa_outcome(e, PA_OUTCOME_THROUGH, env);
	if (stage->binding == PA_BOUND_BELOW)
		return below_stage(e, stage, env, skipped);
	if (stage->binding == PA_BOUND_BRIDGE)
		return bridge_stage(e, stage, env, skipped);
	pa_node bound = is_bound(e, stage, pa_device_field(stage->chain->hook), env);
	return bound == PA_FALSE ? skipped
				 : pa_node_choose(e->space, bound, pa_base_chain_end(e, stage->chain, env, keep), skipped);
}
