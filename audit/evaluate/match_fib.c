/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host's routes answer as a set of packets: by the address that is looked up and the interface that they come in by. */
#include "change.h"
#include "fib.h"
#include "source_type.h"

#define LO pa_ifname_value("lo")

/* A packet that nothing has changed yet, and that is of no flow whose socket could answer in the place of the routes. */
bool pa_fib_applies(const struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step, uint32_t env)
{
	enum pa_fib kind = step->key.parts[0].fib;
	const struct pa_value *state = pa_env_find(e, env, PA_FIELD_CT_STATE);
	bool is_new = state && state->kind == PA_VALUE_CONST && state->first == PA_CT_NEW;
	if (e->symbolic || pa_fib_asked(step) == PA_FIB_ASKS_NOTHING || !e->fib_count[kind])
		return false;
	return (is_new || pa_fib_is_routed(rule, kind)) && !pa_env_find(e, env, PA_FIELD_SADDR) &&
	       !pa_env_find(e, env, PA_FIELD_IIFNAME) &&
	       (!pa_fib_is_of_destination(kind) || !pa_env_find(e, env, PA_FIELD_DADDR));
}

struct question {
	struct pa_evaluation *e;
	const struct pa_elements *elements;
	bool whether;
	pa_node unknown;
};

static pa_node known(bool holds)
{
	return holds ? PA_TRUE : PA_FALSE;
}

/* The interface has this name; 0: there is none. */
static pa_node value_holds(const struct question *q, pa_u128 value)
{
	if (q->whether)
		return known(value != 0);
	bool holds = false;
	for (size_t i = 0; i < q->elements->count; i++)
		holds = holds || (value >= q->elements->keys[i].first && value <= q->elements->keys[i].last);
	return known(holds);
}

static pa_node incoming_holds(const struct question *q)
{
	pa_node set = known(q->whether);
	for (size_t i = 0; i < q->elements->count && !q->whether; i++) {
		struct pa_interval key = q->elements->keys[i];
		set = pa_node_or(q->e->space, set, pa_field_in(q->e, PA_FIELD_IIFNAME, key.first, key.last));
	}
	return set;
}

static bool names_some(const struct question *q)
{
	for (size_t i = 0; i < q->elements->count; i++)
		if (q->elements->keys[i].last > 0)
			return true;
	return false;
}

static pa_node answer_holds(const struct question *q, struct pa_fib_answer answer)
{
	switch (answer.kind) {
	case PA_FIB_VALUE:
		return value_holds(q, answer.value);
	case PA_FIB_INCOMING:
		return incoming_holds(q);
	case PA_FIB_SOME:
		return q->whether ? PA_TRUE : names_some(q) ? q->unknown : PA_FALSE;
	case PA_FIB_ANYTHING:
		break;
	}
	return q->unknown;
}

/* The packets of a region for which the test holds. */
static pa_node region_holds(const struct question *q, const struct pa_fib_region *region)
{
	pa_node listed = PA_FALSE;
	for (size_t i = 0; i < region->count; i++) {
		pa_u128 name = pa_ifname_value(region->interfaces[i]);
		listed = pa_node_or(q->e->space, listed, pa_field_in(q->e, PA_FIELD_IIFNAME, name, name));
	}
	return pa_node_choose(q->e->space, listed, answer_holds(q, region->listed), answer_holds(q, region->answer));
}

static pa_node region_packets(struct pa_evaluation *e, const struct pa_fib_region *region, bool of_destination)
{
	enum pa_field address = of_destination ? PA_FIELD_DADDR : PA_FIELD_SADDR,
		      other = of_destination ? PA_FIELD_SADDR : PA_FIELD_DADDR;
	pa_node set = pa_node_and(e->space, e->family[region->family == 6],
				  pa_field_in(e, address, region->address.first, region->address.last));
	if (pa_fib_asks_other(region))
		set = pa_node_and(e->space, set, pa_field_in(e, other, region->other.first, region->other.last));
	if (region->protocol)
		set = pa_node_and(e->space, set, pa_field_in(e, PA_FIELD_L4PROTO, region->protocol, region->protocol));
	return set;
}

pa_node pa_fib_set(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step, uint32_t env,
		   pa_node unknown)
{
	enum pa_fib kind = step->key.parts[0].fib;
	struct question q = { e, step->elements, pa_fib_asked(step) == PA_FIB_ASKS_WHETHER, unknown };
	pa_node set = value_holds(&q, 0);
	bool changed = !pa_fib_is_of_destination(kind) && pa_env_find(e, env, PA_FIELD_DADDR);
	for (size_t i = e->fib_count[kind]; i-- > 0;) {
		struct pa_fib_region region = pa_fib_region_at(&e->fib[kind][i], rule, kind, changed);
		pa_node here = region_packets(e, &region, pa_fib_is_of_destination(kind));
		set = pa_node_choose(e->space, here, region_holds(&q, &region), set);
	}
	return pa_node_choose(e->space, pa_field_in(e, PA_FIELD_IIFNAME, LO, LO), value_holds(&q, LO), set);
}

static void gather_region(struct pa_cuts *cuts, const struct pa_fib_region *region, bool of_destination)
{
	pa_cuts_add_interval(cuts, of_destination ? PA_FIELD_DADDR : PA_FIELD_SADDR, region->address);
	if (pa_fib_asks_other(region))
		pa_cuts_add_interval(cuts, of_destination ? PA_FIELD_SADDR : PA_FIELD_DADDR, region->other);
	if (region->protocol)
		pa_cuts_add_interval(cuts, PA_FIELD_L4PROTO, (struct pa_interval){ region->protocol, region->protocol });
	for (size_t k = 0; k < region->count; k++) {
		pa_u128 name = pa_ifname_value(region->interfaces[k]);
		pa_cuts_add_interval(cuts, PA_FIELD_IIFNAME, (struct pa_interval){ name, name });
	}
}

void pa_fib_gather(struct pa_evaluation *e, enum pa_fib kind, const struct pa_elements *elements, struct pa_cuts *cuts)
{
	if (e->symbolic)
		return;
	for (size_t i = 0; elements->parts == 1 && i < elements->count; i++)
		if (elements->keys[i].last > 1) /* names, not whether there is one */
			pa_cuts_add_interval(cuts, PA_FIELD_IIFNAME, elements->keys[i]);
	if (e->fib_count[kind])
		return;
	e->fib_count[kind] = pa_fib_regions(e->host, kind, e->arena, &e->fib[kind]);
	for (size_t i = 0; i < e->fib_count[kind]; i++)
		gather_region(cuts, &e->fib[kind][i], pa_fib_is_of_destination(kind));
}

/* --- the type of a foreign source --- */

void pa_source_gather(struct pa_evaluation *e, struct pa_cuts *cuts)
{
	if (e->symbolic)
		return;
	e->source_region_count = pa_source_regions(e->host, &e->plan.source_types, e->arena, &e->source_regions);
	for (size_t i = 0; i < e->source_region_count; i++) {
		const struct pa_source_region *region = &e->source_regions[i];
		pa_u128 name = region->interface ? pa_ifname_value(region->interface) : LO;
		pa_cuts_add_interval(cuts, PA_FIELD_SADDR, region->from);
		pa_cuts_add_interval(cuts, PA_FIELD_IIFNAME, (struct pa_interval){ name, name });
	}
}

static pa_node with_type(struct pa_evaluation *e, uint32_t env, struct pa_interval type)
{
	struct pa_value value = pa_interval_value(e, type, "the type of the source");
	return pa_outcome(e, PA_OUTCOME_THROUGH, pa_env_set(e, env, PA_SLOT_SOURCE_TYPE, &value));
}

/* The packets of a region. */
static pa_node held_by(struct pa_evaluation *e, const struct pa_source_region *region)
{
	pa_node held =
		pa_node_and(e->space, e->family[1], pa_field_in(e, PA_FIELD_SADDR, region->from.first, region->from.last));
	pa_u128 name = region->interface ? pa_ifname_value(region->interface) : 0;
	if (region->interface)
		held = pa_node_and(e->space, held, pa_field_in(e, PA_FIELD_IIFNAME, name, name));
	if (!region->own)
		held = pa_node_and(e->space, held, pa_field_in(e, PA_FIELD_SADDR_TYPE, PA_TYPE_UNICAST, PA_TYPE_UNICAST));
	return held;
}

pa_node pa_source_start(struct pa_evaluation *e, uint32_t env)
{
	pa_node node = pa_outcome(e, PA_OUTCOME_THROUGH, env);
	for (size_t i = e->source_region_count; i-- > 0;) {
		const struct pa_source_region *region = &e->source_regions[i];
		pa_node here = with_type(e, env, region->usual);
		if (region->otherwise) {
			pa_node otherwise = pa_variable(e, region->otherwise, 0, "the host's routes do not say it", NULL, true);
			here = pa_node_choose(e->space, otherwise, with_type(e, env, region->other), here);
		}
		node = pa_node_choose(e->space, held_by(e, region), here, node);
	}
	return node;
}
