/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chains of ingress and egress in the walk: whose packets they see. */
#include "walker.h"

#define LO pa_ifname_value("lo")

static enum pa_field field_of(const struct pa_wstate *state)
{
	return state->at == PA_HOOK_EGRESS ? PA_FIELD_OIFNAME : PA_FIELD_IIFNAME;
}

static bool is_bound(struct pa_wrun *run, struct pa_wstate *state, const struct pa_devices *devices)
{
	for (size_t i = 0; i < devices->count; i++) {
		if (pa_wfield_in(run, state, field_of(state), devices->items[i].first, devices->items[i].last))
			return true;
	}
	return false;
}

/* An interface of which it is known that it lies on top of nothing. */
static bool is_apart(struct pa_wrun *run, struct pa_wstate *state)
{
	const struct pa_host *host = run->walker->host;
	if (pa_wfield_in(run, state, field_of(state), LO, LO))
		return true;
	for (size_t i = 0; host->links_known && i < host->link_count; i++) {
		pa_u128 name = pa_ifname_value(host->links[i].name);
		if (!host->links[i].on_top && pa_wfield_in(run, state, field_of(state), name, name))
			return true;
	}
	return false;
}

void pa_wforget(struct pa_wstate *state, uint64_t fields, const char *text)
{
	struct pa_wvalue unknown = { .kind = PA_W_UNKNOWN, .text = text };
	if (fields >> PA_FIELD_DADDR & 1)
		fields |= (uint64_t)1 << PA_FIELD_DADDR_TYPE | (uint64_t)1 << PA_FIELD_DADDR_IIF_TYPE;
	if (fields >> PA_FIELD_SADDR & 1)
		fields |= (uint64_t)1 << PA_FIELD_SADDR_TYPE;
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		if (fields >> f & 1)
			state->now[f] = unknown;
	}
}

/* Several chains below the interface run in an order that is not known: what one of them sets may be there or not. */
static void forget_unordered(const struct pa_wrun *run, struct pa_wstate *state)
{
	enum pa_hook way = state->at == PA_HOOK_EGRESS ? PA_HOOK_EGRESS : PA_HOOK_INGRESS;
	if (!state->ordered)
		pa_wforget(state, run->walker->plan.unordered[way],
			   "what several chains give the packets of interfaces on top of their devices");
}

static struct pa_wvalue device_below(const struct pa_devices *devices)
{
	if (devices->single)
		return (struct pa_wvalue){ .kind = PA_W_VALUE,
					   .first = devices->items[0].first,
					   .last = devices->items[0].last };
	return (struct pa_wvalue){ .kind = PA_W_UNKNOWN, .text = "the device below the interface" };
}

/* What is known of the packet's interface; the first link that it is decides. */
enum relation { RELATION_UNKNOWN, RELATION_BRIDGE, RELATION_NONE };

static enum relation relation_to_bridges(struct pa_wrun *run, struct pa_wstate *state)
{
	const struct pa_host *host = run->walker->host;
	if (pa_wfield_in(run, state, field_of(state), LO, LO))
		return RELATION_NONE;
	for (size_t i = 0; host->links_known && i < host->link_count; i++) {
		const struct pa_host_link *link = &host->links[i];
		pa_u128 name = pa_ifname_value(link->name);
		bool apart = !link->on_top && !link->port;
		if ((link->bridge || apart) && pa_wfield_in(run, state, field_of(state), name, name))
			return apart ? RELATION_NONE : RELATION_BRIDGE;
	}
	return RELATION_UNKNOWN;
}

static bool enter_bridge(struct pa_wrun *run, struct pa_wstate *state, const struct pa_stage *stage)
{
	enum relation relation = relation_to_bridges(run, state);
	bool surely = relation == RELATION_BRIDGE && stage->chain->hook != PA_HOOK_FORWARD;
	if (relation == RELATION_NONE || (!surely && !pa_wassume(run, state, stage->text, 0, true)))
		return false;
	state->ordered = surely;
	forget_unordered(run, state);
	if (stage->opaque) /* nothing that a split of what follows would see twice */
		return true;
	state->below = true;
	state->on_top = state->now[field_of(state)];
	state->now[field_of(state)] = (struct pa_wvalue){ .kind = PA_W_UNKNOWN, .text = "the port of the bridge" };
	return true;
}

bool pa_wdevice_enter(struct pa_wrun *run, struct pa_wstate *state, const struct pa_stage *stage)
{
	const struct pa_devices *devices = stage->devices;
	if (stage->binding == PA_BOUND_BRIDGE)
		return enter_bridge(run, state, stage);
	if (stage->binding == PA_BOUND_OWN)
		return is_bound(run, state, devices);
	if ((devices->single && is_bound(run, state, devices)) || (devices->known && is_apart(run, state)))
		return false;
	if (!pa_wassume(run, state, stage->text, 0, true))
		return false;
	state->below = true;
	state->ordered = false;
	state->on_top = state->now[field_of(state)];
	forget_unordered(run, state);
	state->now[field_of(state)] = device_below(devices);
	return true;
}

void pa_wdevice_leave(struct pa_wrun *run, struct pa_wstate *state)
{
	if (!state->below)
		return;
	state->below = false;
	state->now[field_of(state)] = state->on_top;
	forget_unordered(run, state);
}
