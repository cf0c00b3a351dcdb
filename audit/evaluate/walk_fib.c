/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host's routes answer in a state of the walk: which region the packets are of, and through which interface they came. */
#include "fib.h"
#include "source_type.h"
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

static bool is_in(struct pa_wrun *run, struct pa_wstate *state, const struct pa_fib_region *region, bool of_destination)
{
	enum pa_field looked_up = of_destination ? PA_FIELD_DADDR : PA_FIELD_SADDR;
	enum pa_field beside = of_destination ? PA_FIELD_SADDR : PA_FIELD_DADDR;
	unsigned family = region->family == 6 ? PA_NFPROTO_IPV6 : PA_NFPROTO_IPV4;
	return pa_wfield_in(run, state, PA_FIELD_NFPROTO, family, family) &&
	       pa_wfield_in(run, state, looked_up, region->address.first, region->address.last) &&
	       (!pa_fib_asks_other(region) || pa_wfield_in(run, state, beside, region->other.first, region->other.last)) &&
	       (!region->protocol || pa_wfield_in(run, state, PA_FIELD_L4PROTO, region->protocol, region->protocol));
}

/* Is the incoming interface one of those that are asked for? Splits. */
static int incoming_holds(struct pa_wrun *run, struct pa_wstate *state, const struct pa_elements *elements)
{
	for (size_t i = 0; i < elements->count; i++)
		if (elements->keys[i].first > 0 &&
		    pa_wfield_in(run, state, PA_FIELD_IIFNAME, elements->keys[i].first, elements->keys[i].last))
			return 1;
	return 0;
}

static int name_holds(const struct pa_elements *elements, pa_u128 name)
{
	for (size_t i = 0; i < elements->count; i++)
		if (elements->keys[i].first <= name && name <= elements->keys[i].last)
			return 1;
	return 0;
}

static int answer_holds(struct pa_wrun *run, struct pa_wstate *state, const struct pa_step *step, struct pa_fib_answer answer)
{
	const struct pa_elements *elements = step->elements;
	if (answer.kind == PA_FIB_ANYTHING)
		return -1;
	if (answer.kind == PA_FIB_VALUE && !answer.value)
		return name_holds(elements, 0);
	if (pa_fib_asked(step) == PA_FIB_ASKS_WHETHER)
		return 1;
	if (answer.kind == PA_FIB_INCOMING)
		return incoming_holds(run, state, elements);
	if (answer.kind == PA_FIB_VALUE)
		return name_holds(elements, answer.value);
	bool only_nothing = true;
	for (size_t i = 0; i < elements->count; i++)
		only_nothing = only_nothing && !elements->keys[i].last;
	return only_nothing ? 0 : -1;
}

int pa_wfib(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule, const struct pa_step *step)
{
	enum pa_fib kind = step->key.parts[0].fib;
	bool of_destination = pa_fib_is_of_destination(kind);
	if (pa_fib_asked(step) == PA_FIB_ASKS_NOTHING || !run->walker->fib_count[kind] || !is_carried(state, PA_FIELD_SADDR) ||
	    (of_destination && !is_carried(state, PA_FIELD_DADDR)) || !is_carried(state, PA_FIELD_IIFNAME) ||
	    (!pa_fib_is_routed(rule, kind) && !is_new(run, state)))
		return -1;
	if (comes_in_by(run, state, LO))
		return answer_holds(run, state, step, (struct pa_fib_answer){ PA_FIB_VALUE, LO });
	for (size_t i = 0; i < run->walker->fib_count[kind]; i++) {
		struct pa_fib_region region =
			pa_fib_region_at(&run->walker->fib[kind][i], rule, kind, !is_carried(state, PA_FIELD_DADDR));
		if (!is_in(run, state, &region, of_destination))
			continue;
		for (size_t k = 0; k < region.count; k++)
			if (comes_in_by(run, state, pa_ifname_value(region.interfaces[k])))
				return answer_holds(run, state, step, region.listed);
		return answer_holds(run, state, step, region.answer);
	}
	return name_holds(step->elements, 0);
}

/* --- the type of a foreign source --- */

/* Of a packet that came in by a wire and whose source nothing has changed. */
static bool is_looked_up(struct pa_wrun *run, struct pa_wstate *state)
{
	enum pa_wkind type = state->now[PA_FIELD_SADDR_TYPE].kind;
	bool untouched = is_carried(state, PA_FIELD_SADDR) && (type == PA_W_PACKET || type == PA_W_VALUE);
	return run->walker->source_region_count && untouched && state->path != PA_PATH_OUT &&
	       pa_wfield_in(run, state, PA_FIELD_NFPROTO, PA_NFPROTO_IPV6, PA_NFPROTO_IPV6) && !comes_in_by(run, state, LO);
}

static bool is_held_by(struct pa_wrun *run, struct pa_wstate *state, const struct pa_source_region *region)
{
	return pa_wfield_in(run, state, PA_FIELD_SADDR, region->from.first, region->from.last) &&
	       (!region->interface || comes_in_by(run, state, pa_ifname_value(region->interface))) &&
	       (region->own || pa_wfield_in(run, state, PA_FIELD_SADDR_TYPE, PA_TYPE_UNICAST, PA_TYPE_UNICAST));
}

const struct pa_wvalue *pa_wnow(struct pa_wrun *run, struct pa_wstate *state, const struct pa_key_part *part)
{
	enum pa_field field = part->field;
	const struct pa_walker *walker = run->walker;
	if (field != PA_FIELD_SADDR_TYPE || part->of_xtables || !is_looked_up(run, state))
		return &state->now[field];
	for (size_t i = 0; i < walker->source_region_count; i++) {
		const struct pa_source_region *region = &walker->source_regions[i];
		if (!is_held_by(run, state, region))
			continue;
		bool other = region->otherwise && pa_wassume(run, state, region->otherwise, 0, true);
		struct pa_interval type = other ? region->other : region->usual;
		struct pa_wvalue value = { PA_W_VALUE, field, type.first, type.last, "the type of the source" };
		return pa_arena_dup(run->arena, &value, 1, sizeof(value));
	}
	return &state->now[field];
}
