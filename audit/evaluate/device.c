/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chains that are bound to devices: which packets they see. Those of a device itself always; those of an interface that may lie
 * on top of it where a variable says so, and then the chain takes them for packets of its device.
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

static pa_node is_bound(struct pa_evaluation *e, const struct pa_stage *stage, uint32_t env)
{
	enum pa_field field = pa_device_field(stage->chain->hook);
	pa_node bound = PA_FALSE;
	for (size_t i = 0; i < stage->devices->count; i++)
		bound = pa_node_or(e->space, bound,
				   is_interface(e, env, field, stage->devices->items[i].first, stage->devices->items[i].last));
	return bound;
}

/* The packets of interfaces that lie on top of nothing. What no listing of devices says may be any interface. */
static pa_node is_apart(struct pa_evaluation *e, const struct pa_stage *stage, uint32_t env)
{
	enum pa_field field = pa_device_field(stage->chain->hook);
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

static uint32_t set_unordered(struct pa_evaluation *e, enum pa_hook hook, uint32_t env)
{
	uint64_t fields = e->plan.unordered[hook];
	struct pa_value unknown = question(e, "what several chains give the packets of interfaces on top of their devices");
	if (fields >> PA_FIELD_DADDR & 1)
		fields |= (uint64_t)1 << PA_FIELD_DADDR_TYPE | (uint64_t)1 << PA_FIELD_DADDR_IIF_TYPE;
	if (fields >> PA_FIELD_SADDR & 1)
		fields |= (uint64_t)1 << PA_FIELD_SADDR_TYPE;
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		if (fields >> f & 1)
			env = pa_env_set(e, env, f, &unknown);
	}
	return env;
}

struct below {
	struct pa_evaluation *e;
	enum pa_hook hook;
	uint32_t env; /* before the chain */
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
	return pa_outcome(e, PA_OUTCOME_THROUGH, set_unordered(e, below->hook, env));
}

static struct pa_value device_below(struct pa_evaluation *e, const struct pa_devices *devices)
{
	if (!devices->single)
		return question(e, "the device below the interface");
	return (struct pa_value){ .kind = PA_VALUE_CONST, .first = devices->items[0].first, .last = devices->items[0].last };
}

static pa_node below_stage(struct pa_evaluation *e, const struct pa_stage *stage, uint32_t env, pa_node skipped)
{
	struct below below = { e, stage->chain->hook, env };
	struct pa_value device = device_below(e, stage->devices);
	pa_node apart = is_apart(e, stage, env);
	if (stage->devices->single)
		apart = pa_node_or(e->space, apart, is_bound(e, stage, env));
	if (apart == PA_TRUE)
		return skipped;
	uint32_t inside = pa_env_set(e, set_unordered(e, below.hook, env), pa_device_field(below.hook), &device);
	pa_node seen = pa_node_bind(e->space, pa_base_chain_end(e, stage->chain, inside, UINT64_MAX), back_on_top, &below);
	if (seen == skipped)
		return skipped;
	const char *reason = stage->devices->known ? "which interfaces lie on top of others is not known"
						   : "the listing does not say which devices the chain is bound to";
	pa_node sees = pa_variable(e, stage->text, 0, reason, NULL, true);
	return pa_node_choose(e->space, apart, skipped, pa_node_choose(e->space, sees, seen, skipped));
}

pa_node pa_device_stage(struct pa_evaluation *e, const struct pa_stage *stage, uint32_t env, uint64_t keep)
{
	pa_node skipped = pa_outcome(e, PA_OUTCOME_THROUGH, env);
	if (stage->below)
		return below_stage(e, stage, env, skipped);
	pa_node bound = is_bound(e, stage, env);
	return bound == PA_FALSE ? skipped
				 : pa_node_choose(e->space, bound, pa_base_chain_end(e, stage->chain, env, keep), skipped);
}
