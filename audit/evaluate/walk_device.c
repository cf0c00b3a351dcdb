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

void pa_wforget(struct pa_wstate *state, pa_u128 fields, const char *text)
{
	struct pa_wvalue unknown = { .kind = PA_W_UNKNOWN, .text = text };
	if (fields >> PA_FIELD_DADDR & 1)
		fields |= (pa_u128)1 << PA_FIELD_DADDR_TYPE | (pa_u128)1 << PA_FIELD_DADDR_IIF_TYPE;
	if (fields >> PA_FIELD_SADDR & 1)
		fields |= (pa_u128)1 << PA_FIELD_SADDR_TYPE;
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

static struct pa_wvalue device_below(const struct pa_stage *stage, pa_u128 known)
{
	if (known)
		return (struct pa_wvalue){ .kind = PA_W_VALUE, .first = known, .last = known };
	const struct pa_devices *devices = stage->devices;
	if (!devices || !devices->single)
		return (struct pa_wvalue){ .kind = PA_W_UNKNOWN,
					   .text = devices ? "the device below the interface" : "the port of the bridge" };
	return (struct pa_wvalue){ .kind = PA_W_VALUE, .first = devices->items[0].first, .last = devices->items[0].last };
}

/* What is known of the packet's interface. */
static struct pa_link_meets meets_stage(struct pa_wrun *run, struct pa_wstate *state, const struct pa_stage *stage)
{
	static const struct pa_link_meets never = { PA_MEETS_NEVER, true, 0 }, maybe = { PA_MEETS_MAYBE, false, 0 };
	const struct pa_host *host = run->walker->host;
	bool any = stage->devices && !stage->devices->known;
	if (stage->devices && stage->devices->single && is_bound(run, state, stage->devices))
		return never;
	if (!any && pa_wfield_in(run, state, field_of(state), LO, LO))
		return never;
	for (size_t i = 0; host->links_known && i < host->link_count; i++) {
		pa_u128 name = pa_ifname_value(host->links[i].name);
		if (pa_wfield_in(run, state, field_of(state), name, name))
			return pa_link_meets(host, &host->links[i], stage);
	}
	return maybe;
}

bool pa_wdevice_enter(struct pa_wrun *run, struct pa_wstate *state, const struct pa_stage *stage)
{
	if (stage->binding == PA_BOUND_OWN)
		return is_bound(run, state, stage->devices);
	struct pa_link_meets meets = meets_stage(run, state, stage);
	if (meets.meets == PA_MEETS_NEVER || (meets.meets == PA_MEETS_MAYBE && !pa_wassume(run, state, stage->text, 0, true)))
		return false;
	state->ordered = meets.ordered;
	forget_unordered(run, state);
	if (stage->opaque) /* nothing that a split of what follows would see twice */
		return true;
	state->below = true;
	state->on_top = state->now[field_of(state)];
	state->now[field_of(state)] = device_below(stage, meets.device);
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
