/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reverse path in a state of the walk: which region of sources the packets are of, and through which interface they came. */
#include "reverse.h"
#include "walker.h"

#define LO pa_ifname_value("lo")

static bool is_carried(const struct pa_wstate *state, enum pa_field field)
{
	return state->now[field].kind == PA_W_PACKET && state->now[field].field == field;
}

static bool is_new(struct pa_wrun *run, struct pa_wstate *state)
{
	enum pa_wkind kind = state->now[PA_FIELD_CT_STATE].kind;
	return (kind == PA_W_PACKET || kind == PA_W_VALUE) && pa_wfield_in(run, state, PA_FIELD_CT_STATE, PA_CT_NEW, PA_CT_NEW);
}

static bool comes_in_by(struct pa_wrun *run, struct pa_wstate *state, pa_u128 name)
{
	return pa_wfield_in(run, state, PA_FIELD_IIFNAME, name, name);
}

/* 1: there is a way back, 0: there is none, -1: not known. Splits. */
int pa_wreverse(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule, const struct pa_key_part *part)
{
	enum pa_reverse kind = part->reverse;
	if (kind == PA_REVERSE_NONE || !run->walker->reverse_count[kind] || !is_carried(state, PA_FIELD_SADDR) ||
	    !is_carried(state, PA_FIELD_IIFNAME) || (!pa_reverse_is_routed(rule, kind) && !is_new(run, state)))
		return -1;
	if (comes_in_by(run, state, LO))
		return 1;
	for (size_t i = 0; i < run->walker->reverse_count[kind]; i++) {
		const struct pa_reverse_region *region = &run->walker->reverse[kind][i];
		unsigned family = region->family == 6 ? PA_NFPROTO_IPV6 : PA_NFPROTO_IPV4;
		if (!pa_wfield_in(run, state, PA_FIELD_NFPROTO, family, family) ||
		    !pa_wfield_in(run, state, PA_FIELD_SADDR, region->from.first, region->from.last))
			continue;
		bool way_back = region->any;
		for (size_t k = 0; k < region->count && !way_back; k++)
			way_back = comes_in_by(run, state, pa_ifname_value(region->interfaces[k]));
		return way_back ? 1 : region->unknown ? -1 : 0;
	}
	return 0;
}
