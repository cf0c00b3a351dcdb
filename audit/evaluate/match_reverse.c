/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reverse path as a set of packets: of which sources and interfaces the host would answer through the same interface. */
#include "evaluation.h"
#include "reverse.h"

#define LO pa_ifname_value("lo")

/* The rule asks whether there is a way back (1) or none (0), and nothing else. */
static bool asks_yes_or_no(const struct pa_step *step)
{
	const struct pa_elements *elements = step->elements;
	return step->key.count == 1 && elements->count == 1 && !elements->data && !elements->opaque &&
	       elements->keys[0].first == elements->keys[0].last && elements->keys[0].first <= 1;
}

/* A packet that nothing has changed yet, and that is of no flow whose socket could answer in the place of the routes. */
bool pa_reverse_applies(const struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step, uint32_t env)
{
	const struct pa_key_part *part = &step->key.parts[0];
	const struct pa_value *state = pa_env_find(e, env, PA_FIELD_CT_STATE);
	bool is_new = state && state->kind == PA_VALUE_CONST && state->first == PA_CT_NEW;
	if (e->symbolic || !part->opaque || part->reverse == PA_REVERSE_NONE || !e->reverse_count[part->reverse])
		return false;
	return (is_new || pa_reverse_is_routed(rule, part->reverse)) && asks_yes_or_no(step) &&
	       !pa_env_find(e, env, PA_FIELD_SADDR) && !pa_env_find(e, env, PA_FIELD_IIFNAME);
}

/* The packets of a region for which the test holds. */
static pa_node region_set(struct pa_evaluation *e, const struct pa_reverse_region *region, bool wanted, pa_node unknown)
{
	pa_node way_back = region->any ? PA_TRUE : PA_FALSE;
	for (size_t i = 0; i < region->count; i++) {
		pa_u128 name = pa_ifname_value(region->interfaces[i]);
		way_back = pa_node_or(e->space, way_back, pa_field_in(e, PA_FIELD_IIFNAME, name, name));
	}
	pa_node holds = wanted ? PA_TRUE : PA_FALSE, fails = wanted ? PA_FALSE : PA_TRUE;
	return pa_node_choose(e->space, way_back, holds, region->unknown ? unknown : fails);
}

pa_node pa_reverse_set(struct pa_evaluation *e, const struct pa_step *step, pa_node unknown)
{
	enum pa_reverse kind = step->key.parts[0].reverse;
	bool wanted = step->elements->keys[0].first == 1;
	pa_node set = wanted ? PA_FALSE : PA_TRUE;
	for (size_t i = e->reverse_count[kind]; i-- > 0;) {
		const struct pa_reverse_region *region = &e->reverse[kind][i];
		pa_node here = pa_node_and(e->space, e->family[region->family == 6],
					   pa_field_in(e, PA_FIELD_SADDR, region->from.first, region->from.last));
		set = pa_node_choose(e->space, here, region_set(e, region, wanted, unknown), set);
	}
	return pa_node_choose(e->space, pa_field_in(e, PA_FIELD_IIFNAME, LO, LO), wanted ? PA_TRUE : PA_FALSE, set);
}

void pa_reverse_gather(struct pa_evaluation *e, enum pa_reverse kind, struct pa_cuts *cuts)
{
	if (e->reverse_count[kind] || e->symbolic)
		return;
	e->reverse_count[kind] = pa_reverse_regions(e->host, kind, e->arena, &e->reverse[kind]);
	for (size_t i = 0; i < e->reverse_count[kind]; i++) {
		const struct pa_reverse_region *region = &e->reverse[kind][i];
		pa_cuts_add_interval(cuts, PA_FIELD_SADDR, region->from);
		for (size_t k = 0; k < region->count; k++) {
			pa_u128 name = pa_ifname_value(region->interfaces[k]);
			pa_cuts_add_interval(cuts, PA_FIELD_IIFNAME, (struct pa_interval){ name, name });
		}
	}
}
