/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Assignments in a state of the walk. */
#include "walk_change.h"

#define LO pa_ifname_value("lo")

struct pa_wvalue pa_wunknown(const char *text)
{
	return (struct pa_wvalue){ .kind = PA_W_UNKNOWN, .text = text ? text : "a value that cannot be known" };
}

struct pa_wvalue pa_wrange_value(struct pa_interval interval, const char *text)
{
	return (struct pa_wvalue){ PA_W_VALUE, PA_FIELD_NFPROTO, interval.first, interval.last, text ? text : "a range" };
}

struct pa_wvalue pa_wpart_value(const struct pa_wstate *state, const struct pa_key_part *part, const char *text)
{
	if (part->opaque)
		return pa_wunknown(text);
	struct pa_wvalue value = state->now[part->field];
	bool plain = part->mask == pa_field_max(part->field) && !part->xor_value;
	if (value.kind == PA_W_PACKET) {
		struct pa_wrange range = state->packet[value.field];
		if (range.count == 1 && range.items[0].first == range.items[0].last)
			value = pa_wrange_value(range.items[0], text);
	}
	if (plain)
		return value;
	if (value.kind != PA_W_VALUE || value.first != value.last)
		return pa_wunknown(text);
	value.first = value.last = (value.first & part->mask) ^ part->xor_value;
	return value;
}

struct pa_wvalue pa_wdatum_value(const struct pa_operand *operand, const struct pa_datum *datum, const char *text)
{
	if (datum->kind == PA_DATUM_VALUES && operand->datum_index < datum->count)
		return pa_wrange_value(datum->values[operand->datum_index], text);
	return pa_wunknown(text);
}

/* The bits that the target keeps, with the value turned over on top of them. */
static struct pa_wvalue with_kept(const struct pa_wstate *state, const struct pa_step *step, struct pa_wvalue value)
{
	const struct pa_key_part old = { .field = step->field, .mask = step->value.keep };
	if (!step->value.keep)
		return value;
	struct pa_wvalue kept = pa_wpart_value(state, &old, step->text);
	bool known = kept.kind == PA_W_VALUE && kept.first == kept.last;
	if (!known || value.kind != PA_W_VALUE || value.first != value.last)
		return pa_wunknown(step->text);
	value.first = value.last = value.first ^ kept.first;
	return value;
}

const struct pa_datum *pa_wfind_datum(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule,
				      const struct pa_step *step, const struct pa_key *key, const struct pa_elements *map)
{
	static const struct pa_datum anything = { .kind = PA_DATUM_OPAQUE };
	const char *text = step->text ? step->text : "a map";
	uint64_t id = pa_changes_key(map, rule, step);
	if (map->opaque)
		return pa_wassume(run, state, text, id, false) ? &anything : NULL;
	size_t found = pa_wlookup(run, state, rule, step, key, map);
	if (found != SIZE_MAX && map->may_shrink && !pa_wassume(run, state, text, id + 1, true))
		found = SIZE_MAX;
	if (found == SIZE_MAX && map->may_grow && pa_wassume(run, state, text, id + 2, true))
		return &anything;
	if (found == SIZE_MAX)
		return NULL;
	return found < map->count ? &map->data[found] : map->catch_all;
}

/* --- new addresses --- */

static const char *locality_text(struct pa_wrun *run, const struct pa_wvalue *value, int family)
{
	char range[PA_ADDRESS_RANGE_TEXT_MAX];
	pa_address_range_format((struct pa_interval){ value->first, value->last }, family, range);
	return pa_arena_printf(run->arena, "%s is an address of this host", range);
}

static struct pa_wvalue destination_type(struct pa_wrun *run, const struct pa_wvalue *address, int family)
{
	if (address->kind == PA_W_SELF)
		return pa_wrange_value((struct pa_interval){ PA_TYPE_LOCAL, PA_TYPE_LOCAL }, NULL);
	if (address->kind != PA_W_VALUE)
		return pa_wunknown("the new destination is an address of this host");
	unsigned type = pa_range_type(run->walker->host, (struct pa_interval){ address->first, address->last }, family);
	if (type)
		return pa_wrange_value((struct pa_interval){ type, type }, NULL);
	return pa_wunknown(locality_text(run, address, family));
}

void pa_wnew_destination(struct pa_wrun *run, struct pa_wstate *state, const struct pa_wvalue *address, int family)
{
	struct pa_wvalue type = destination_type(run, address, family);
	state->now[PA_FIELD_DADDR] = *address;
	state->now[PA_FIELD_DADDR_TYPE] = type;
	if (type.kind != PA_W_VALUE || type.first == PA_TYPE_LOCAL)
		type = pa_wunknown("the new destination is an address of the incoming interface");
	state->now[PA_FIELD_DADDR_IIF_TYPE] = type;
}

void pa_wnew_source(struct pa_wrun *run, struct pa_wstate *state, const struct pa_wvalue *address)
{
	struct pa_interval range = { address->first, address->last };
	unsigned type = 0;
	if (address->kind == PA_W_VALUE)
		type = pa_range_type(run->walker->host, range, pa_value_is_ipv4(address->first) ? 4 : 6);
	state->now[PA_FIELD_SADDR] = *address;
	state->now[PA_FIELD_SADDR_TYPE] = type ? pa_wrange_value((struct pa_interval){ type, type }, NULL)
					       : pa_wunknown("the new source is an address of this host");
}

/* A template in the place of a flow (nf_ct_tmpl_alloc), for a packet that has none. */
static void set_template(struct pa_wrun *run, struct pa_wstate *state)
{
	static const struct pa_interval new = { PA_CT_NEW, PA_CT_NEW };
	if (!pa_wfield_in(run, state, PA_FIELD_CT_STATE, PA_CT_INVALID, PA_CT_INVALID) &&
	    !pa_wfield_in(run, state, PA_FIELD_CT_STATE, PA_CT_UNTRACKED, PA_CT_UNTRACKED))
		return;
	/* every other key of ct ends the rule (6.18, measured): see pa_whas_flow() */
	state->now[PA_FIELD_CT_STATE] = pa_wrange_value(new, "a template");
	state->template = state->seen;
}

void pa_wassign(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule, const struct pa_step *step)
{
	struct pa_wvalue value = pa_wunknown(step->text);
	const struct pa_datum *datum;
	enum pa_wread read;
	switch (step->value.kind) {
	case PA_OPERAND_VALUE:
		value = pa_wrange_value(step->value.interval, step->text);
		break;
	case PA_OPERAND_FIELD:
		read = pa_wreadable(run, state, &step->value.part);
		if (read == PA_WREAD_NOTHING) {
			state->step = SIZE_MAX;
			return;
		}
		if (read == PA_WREAD_VALUE)
			value = with_kept(state, step, pa_wpart_value(state, &step->value.part, step->text));
		break;
	case PA_OPERAND_MAP:
		datum = pa_wfind_datum(run, state, rule, step, &step->value.key, step->value.map);
		if (!datum) {
			state->step = SIZE_MAX;
			return;
		}
		value = pa_wdatum_value(&step->value, datum, step->text);
		break;
	case PA_OPERAND_NONE:
	case PA_OPERAND_PREFIX:
	case PA_OPERAND_OPAQUE:
		break;
	}
	if (step->field == PA_FIELD_CT_STATE) {
		set_template(run, state);
		state->step++;
		return;
	}
	/* a new address in the header is looked up like any other, except over lo, where the way was chosen on the way out */
	if (step->field == PA_FIELD_DADDR && (state->below || !pa_wfield_in(run, state, PA_FIELD_IIFNAME, LO, LO)))
		pa_wnew_destination(run, state, &value, value.kind == PA_W_VALUE && pa_value_is_ipv4(value.first) ? 4 : 6);
	else if (step->field == PA_FIELD_SADDR)
		pa_wnew_source(run, state, &value);
	else if (step->field != PA_FIELD_CT_MARK || pa_whas_flow(run, state))
		state->now[step->field] = value;
	state->step++;
}
