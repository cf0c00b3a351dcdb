/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Assignments and translations in a state of the walk. */
#include "evaluation.h"
#include "walker.h"

#define LO pa_ifname_value("lo")

static struct pa_wvalue unknown_value(const char *text)
{
	return (struct pa_wvalue){ .kind = PA_W_UNKNOWN, .text = text ? text : "a value that cannot be known" };
}

static struct pa_wvalue interval_value(struct pa_interval interval, const char *text)
{
	return (struct pa_wvalue){ PA_W_VALUE, PA_FIELD_NFPROTO, interval.first, interval.last, text ? text : "a range" };
}

/* What another field holds now, under mask and xor. */
static struct pa_wvalue field_value(const struct pa_wstate *state, const struct pa_key_part *part, const char *text)
{
	if (part->opaque)
		return unknown_value(text);
	struct pa_wvalue value = state->now[part->field];
	bool plain = part->mask == pa_field_max(part->field) && !part->xor_value;
	if (value.kind == PA_W_PACKET) {
		struct pa_wrange range = state->packet[value.field];
		if (range.count == 1 && range.items[0].first == range.items[0].last)
			value = interval_value(range.items[0], text);
	}
	if (plain)
		return value;
	if (value.kind != PA_W_VALUE || value.first != value.last)
		return unknown_value(text);
	value.first = value.last = (value.first & part->mask) ^ part->xor_value;
	return value;
}

static struct pa_wvalue datum_value(const struct pa_operand *operand, const struct pa_datum *datum, const char *text)
{
	if (datum->kind == PA_DATUM_VALUES && operand->datum_index < datum->count)
		return interval_value(datum->values[operand->datum_index], text);
	return unknown_value(text);
}

/* The bits that the target keeps, with the value turned over on top of them. */
static struct pa_wvalue with_kept(const struct pa_wstate *state, const struct pa_step *step, struct pa_wvalue value)
{
	const struct pa_key_part old = { .field = step->field, .mask = step->value.keep };
	if (!step->value.keep)
		return value;
	struct pa_wvalue kept = field_value(state, &old, step->text);
	bool known = kept.kind == PA_W_VALUE && kept.first == kept.last;
	if (!known || value.kind != PA_W_VALUE || value.first != value.last)
		return unknown_value(step->text);
	value.first = value.last = value.first ^ kept.first;
	return value;
}

/* The element that the step's map gives; NULL: none, the rule ends. */
static const struct pa_datum *find_datum(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule,
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
		return interval_value((struct pa_interval){ PA_TYPE_LOCAL, PA_TYPE_LOCAL }, NULL);
	if (address->kind != PA_W_VALUE)
		return unknown_value("the new destination is an address of this host");
	unsigned type = pa_range_type(run->walker->host, (struct pa_interval){ address->first, address->last }, family);
	if (type)
		return interval_value((struct pa_interval){ type, type }, NULL);
	return unknown_value(locality_text(run, address, family));
}

static void new_destination(struct pa_wrun *run, struct pa_wstate *state, const struct pa_wvalue *address, int family)
{
	struct pa_wvalue type = destination_type(run, address, family);
	state->now[PA_FIELD_DADDR] = *address;
	state->now[PA_FIELD_DADDR_TYPE] = type;
	if (type.kind != PA_W_VALUE || type.first == PA_TYPE_LOCAL)
		type = unknown_value("the new destination is an address of the incoming interface");
	state->now[PA_FIELD_DADDR_IIF_TYPE] = type;
}

static void new_source(struct pa_wrun *run, struct pa_wstate *state, const struct pa_wvalue *address)
{
	struct pa_interval range = { address->first, address->last };
	unsigned type = 0;
	if (address->kind == PA_W_VALUE)
		type = pa_range_type(run->walker->host, range, pa_value_is_ipv4(address->first) ? 4 : 6);
	state->now[PA_FIELD_SADDR] = *address;
	state->now[PA_FIELD_SADDR_TYPE] = type ? interval_value((struct pa_interval){ type, type }, NULL)
					       : unknown_value("the new source is an address of this host");
}

/* A template in the place of a flow (nf_ct_tmpl_alloc), for a packet that has none. */
static void set_template(struct pa_wrun *run, struct pa_wstate *state)
{
	static const enum pa_field unknown[] = { PA_FIELD_CT_ORIG_SADDR,  PA_FIELD_CT_ORIG_DADDR,  PA_FIELD_CT_ORIG_SPORT,
						 PA_FIELD_CT_ORIG_DPORT,  PA_FIELD_CT_PROTOCOL,	   PA_FIELD_CT_MARK,
						 PA_FIELD_CT_REPLY_SADDR, PA_FIELD_CT_REPLY_DADDR, PA_FIELD_CT_REPLY_SPORT,
						 PA_FIELD_CT_REPLY_DPORT };
	static const char *const text = "what conntrack says of a packet that only has a zone";
	static const struct pa_interval new = { PA_CT_NEW, PA_CT_NEW };
	struct pa_wvalue *now = state->now;
	if (!pa_wfield_in(run, state, PA_FIELD_CT_STATE, PA_CT_INVALID, PA_CT_INVALID) &&
	    !pa_wfield_in(run, state, PA_FIELD_CT_STATE, PA_CT_UNTRACKED, PA_CT_UNTRACKED))
		return;
	/* every other key of ct ends the rule (6.18, measured): see pa_whas_flow() */
	now[PA_FIELD_CT_STATE] = interval_value(new, "a template");
	state->template = state->seen;
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		now[unknown[i]] = unknown_value(text);
	if (!state->status_given)
		now[PA_FIELD_CT_STATUS] = unknown_value(text);
}

void pa_wassign(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule, const struct pa_step *step)
{
	struct pa_wvalue value = unknown_value(step->text);
	const struct pa_datum *datum;
	switch (step->value.kind) {
	case PA_OPERAND_VALUE:
		value = interval_value(step->value.interval, step->text);
		break;
	case PA_OPERAND_FIELD:
		if (!step->value.part.opaque && pa_field_needs_flow(step->value.part.field) && !pa_whas_flow(run, state)) {
			state->step = SIZE_MAX; /* it cannot be read: the rule ends */
			return;
		}
		value = with_kept(state, step, field_value(state, &step->value.part, step->text));
		break;
	case PA_OPERAND_MAP:
		datum = find_datum(run, state, rule, step, &step->value.key, step->value.map);
		if (!datum) {
			state->step = SIZE_MAX;
			return;
		}
		value = datum_value(&step->value, datum, step->text);
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
		new_destination(run, state, &value, value.kind == PA_W_VALUE && pa_value_is_ipv4(value.first) ? 4 : 6);
	else if (step->field == PA_FIELD_SADDR)
		new_source(run, state, &value);
	else if (step->field != PA_FIELD_CT_MARK || pa_whas_flow(run, state))
		state->now[step->field] = value;
	state->step++;
}

/* --- translations --- */

static void add_status(struct pa_wstate *state, pa_u128 bit)
{
	struct pa_wvalue *status = &state->now[PA_FIELD_CT_STATUS];
	if (status->kind == PA_W_VALUE && status->first == status->last)
		status->first = status->last = status->first | bit;
}

/* The prefix with the host's part of the old address, where that is known. */
static struct pa_wvalue prefix_value(const struct pa_wstate *state, const struct pa_step *step, struct pa_interval prefix)
{
	bool source = step->nat == PA_NAT_SNAT || step->nat == PA_NAT_MASQUERADE;
	const struct pa_key_part host = { .field = source ? PA_FIELD_SADDR : PA_FIELD_DADDR,
					  .mask = prefix.first ^ prefix.last };
	struct pa_wvalue old = field_value(state, &host, step->text);
	if (old.kind != PA_W_VALUE || old.first != old.last)
		return interval_value(prefix, step->text);
	pa_u128 address = prefix.first | old.first;
	return interval_value((struct pa_interval){ address, address }, step->text);
}

/* An operand of dnat or snat. false: nothing given. */
static bool operand_value(const struct pa_wstate *state, const struct pa_step *step, const struct pa_operand *operand,
			  const struct pa_datum *datum, const struct pa_elements *map, struct pa_wvalue *ret)
{
	switch (operand->kind) {
	case PA_OPERAND_NONE:
		return false;
	case PA_OPERAND_VALUE:
		*ret = interval_value(operand->interval, step->text);
		return true;
	case PA_OPERAND_PREFIX:
		*ret = prefix_value(state, step, operand->interval);
		return true;
	case PA_OPERAND_FIELD:
		*ret = field_value(state, &operand->part, step->text);
		return true;
	case PA_OPERAND_MAP:
		*ret = datum && operand->map == map ? datum_value(operand, datum, step->text) : unknown_value(step->text);
		return true;
	case PA_OPERAND_OPAQUE:
		break;
	}
	*ret = unknown_value(step->text);
	return true;
}

static void translate_destination(struct pa_wrun *run, struct pa_wstate *state, const struct pa_wvalue *address,
				  const struct pa_wvalue *port, int family)
{
	if (address)
		new_destination(run, state, address, family);
	/* kernels without DCCP support leave its ports alone, others translate them (measured on 6.18) */
	struct pa_wvalue unsure = unknown_value("whether this kernel translates DCCP ports");
	if (port)
		state->now[PA_FIELD_DPORT] = pa_wfield_in(run, state, PA_FIELD_L4PROTO, 33, 33) ? unsure : *port;
}

static bool is_written(const struct pa_wstate *state, enum pa_field field)
{
	return state->now[field].kind != PA_W_PACKET || state->now[field].field != field;
}

static bool same_value(const struct pa_wvalue *a, const struct pa_wvalue *b)
{
	return a->kind == b->kind && a->field == b->field && a->first == b->first && a->last == b->last;
}

/* Has a rule written another destination or port into the header than what conntrack read? */
static bool is_overwritten(const struct pa_wstate *state)
{
	const struct pa_wvalue *now = state->now;
	return (is_written(state, PA_FIELD_DPORT) && !same_value(&now[PA_FIELD_DPORT], &now[PA_FIELD_CT_ORIG_DPORT])) ||
	       (is_written(state, PA_FIELD_DADDR) && !same_value(&now[PA_FIELD_DADDR], &now[PA_FIELD_CT_ORIG_DADDR]));
}

/*
 * NAT translates the destination that conntrack read: what rules have written into the header since then is gone with the first
 * translation that changes anything (measured).
 */
static void put_back(struct pa_wstate *state)
{
	struct pa_wvalue *now = state->now;
	if (is_written(state, PA_FIELD_DPORT))
		now[PA_FIELD_DPORT] = now[PA_FIELD_CT_ORIG_DPORT];
	if (!is_written(state, PA_FIELD_DADDR) || same_value(&now[PA_FIELD_DADDR], &now[PA_FIELD_CT_ORIG_DADDR]))
		return;
	now[PA_FIELD_DADDR] = now[PA_FIELD_CT_ORIG_DADDR];
	now[PA_FIELD_DADDR_TYPE] = (struct pa_wvalue){ PA_W_PACKET, PA_FIELD_DADDR_TYPE, 0, 0, NULL };
	if (is_written(state, PA_FIELD_DADDR))
		now[PA_FIELD_DADDR_TYPE] = unknown_value("the new destination is an address of this host");
	now[PA_FIELD_DADDR_IIF_TYPE] = unknown_value("the new destination is an address of the incoming interface");
}

/* What conntrack read of a header field that rules may have written since. */
static enum pa_field flow_field(enum pa_field field)
{
	if (field == PA_FIELD_SADDR)
		return PA_FIELD_CT_ORIG_SADDR;
	if (field == PA_FIELD_DADDR)
		return PA_FIELD_CT_ORIG_DADDR;
	return field == PA_FIELD_SPORT ? PA_FIELD_CT_ORIG_SPORT : PA_FIELD_CT_ORIG_DPORT;
}

/* A source in the range is kept; of several destinations one is drawn. */
static bool has_value(struct pa_wrun *run, struct pa_wstate *state, enum pa_field field, const struct pa_wvalue *value)
{
	bool source = field == PA_FIELD_SADDR || field == PA_FIELD_SPORT;
	if (value->kind == PA_W_VALUE && (source || value->first == value->last))
		return pa_wfield_in(run, state, is_written(state, field) ? flow_field(field) : field, value->first,
				    value->last);
	return pa_wassume(run, state, "the translation changes nothing", (uint64_t)field, true);
}

static bool has_ports(struct pa_wrun *run, struct pa_wstate *state)
{
	static const pa_u128 protocols[] = { 6, 17, 33, 132, 136 };
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (pa_wfield_in(run, state, PA_FIELD_L4PROTO, protocols[i], protocols[i]))
			return true;
	return false;
}

/* A translation to where the packet goes anyway leaves no trace in ct status (measured). */
static bool is_unchanged(struct pa_wrun *run, struct pa_wstate *state, const struct pa_wvalue *address,
			 const struct pa_wvalue *port)
{
	if (!run->walker->plan.reads_status)
		return false;
	if (port && has_ports(run, state) && !has_value(run, state, PA_FIELD_DPORT, port))
		return false;
	return !address || has_value(run, state, PA_FIELD_DADDR, address);
}

/* The same for a source. ICMP is asked for its id in place of a port; the host's bits that netmap keeps are those in the header. */
static bool is_unchanged_source(struct pa_wrun *run, struct pa_wstate *state, const struct pa_step *step,
				const struct pa_wvalue *address, const struct pa_wvalue *port)
{
	static const char text[] = "the translation changes nothing";
	if (!run->walker->plan.reads_status)
		return false;
	struct pa_wvalue netmap = unknown_value(step->text);
	if (step->value.kind == PA_OPERAND_PREFIX && run->walker->plan.writes_source)
		address = &netmap;
	bool icmp = pa_wfield_in(run, state, PA_FIELD_L4PROTO, 1, 1) || pa_wfield_in(run, state, PA_FIELD_L4PROTO, 58, 58);
	if (port && icmp && !pa_wassume(run, state, text, (uint64_t)PA_FIELD_SPORT, true))
		return false;
	if (port && has_ports(run, state) && !has_value(run, state, PA_FIELD_SPORT, port))
		return false;
	if (address && !has_value(run, state, PA_FIELD_SADDR, address))
		return false;
	return !step->random || pa_wassume(run, state, text, (uint64_t)PA_FIELD_SPORT, true);
}

/* The reply comes from where the flow goes now, or goes where it comes from now. NULL: as before. */
static void set_reply(struct pa_wstate *state, enum pa_field field, const struct pa_wvalue *value)
{
	if (value)
		state->now[field] = value->kind == PA_W_SELF ? unknown_value("an address of this host") : *value;
}

static void put_source_back(struct pa_wstate *state)
{
	struct pa_wvalue *now = state->now;
	if (is_written(state, PA_FIELD_SPORT))
		now[PA_FIELD_SPORT] = now[PA_FIELD_CT_ORIG_SPORT];
	if (!is_written(state, PA_FIELD_SADDR) || same_value(&now[PA_FIELD_SADDR], &now[PA_FIELD_CT_ORIG_SADDR]))
		return;
	now[PA_FIELD_SADDR] = now[PA_FIELD_CT_ORIG_SADDR];
	now[PA_FIELD_SADDR_TYPE] = (struct pa_wvalue){ PA_W_PACKET, PA_FIELD_SADDR_TYPE, 0, 0, NULL };
	if (is_written(state, PA_FIELD_SADDR))
		now[PA_FIELD_SADDR_TYPE] = unknown_value("the source is an address of this host");
}

static void translate_source(struct pa_wrun *run, struct pa_wstate *state, const struct pa_step *step,
			     const struct pa_wvalue *address, const struct pa_wvalue *port)
{
	struct pa_wvalue chosen = unknown_value("the source port that NAT chooses");
	state->now[PA_FIELD_CT_REPLY_DPORT] = chosen;
	if (is_unchanged_source(run, state, step, address, port)) {
		if (address && address->kind != PA_W_VALUE && !run->walker->plan.writes_source)
			new_source(run, state, address);
		if (!run->walker->plan.writes_source_port)
			state->now[PA_FIELD_SPORT] = chosen;
		return;
	}
	put_source_back(state);
	if (address)
		new_source(run, state, address);
	state->now[PA_FIELD_SPORT] = port ? *port : chosen;
	set_reply(state, PA_FIELD_CT_REPLY_DADDR, address);
	set_reply(state, PA_FIELD_CT_REPLY_DPORT, port);
	add_status(state, PA_STATUS_SNAT);
}

enum pa_wnat pa_wtranslate(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule, const struct pa_step *step)
{
	enum pa_family table = rule->chain->table->family;
	const struct pa_elements *map = NULL;
	const struct pa_key *key = pa_step_key(step, &map);
	int family = pa_wfield_in(run, state, PA_FIELD_NFPROTO, PA_NFPROTO_IPV4, PA_NFPROTO_IPV4) ? 4 : 6;
	if (table == PA_FAMILY_INET && step->nat_family && step->nat_family != family)
		return PA_WNAT_GOES_ON;
	const struct pa_datum *datum = NULL;
	if (key) {
		datum = find_datum(run, state, rule, step, key, map);
		if (!datum)
			return PA_WNAT_BREAKS;
	}
	const struct pa_datum *port_datum = datum;
	bool two_maps = step->port.kind == PA_OPERAND_MAP && step->port.map != map;
	if (two_maps)
		port_datum = find_datum(run, state, rule, step, &step->port.key, step->port.map);
	if (two_maps && !port_datum)
		return PA_WNAT_BREAKS;
	struct pa_wvalue address, port;
	bool has_address = operand_value(state, step, &step->value, datum, map, &address);
	bool has_port = operand_value(state, step, &step->port, port_datum, two_maps ? step->port.map : map, &port);
	if (step->nat == PA_NAT_REDIRECT) {
		address = (struct pa_wvalue){ .kind = PA_W_SELF, .text = "an address of this host" };
		has_address = true;
	} else if (step->nat == PA_NAT_MASQUERADE) {
		address = unknown_value("the address of the outgoing interface");
		has_address = true;
	}
	if (state->template) /* a template is confirmed: nothing is translated (nf_nat_setup_info) */
		return PA_WNAT_DONE;
	if (step->nat == PA_NAT_DNAT || step->nat == PA_NAT_REDIRECT) {
		bool unchanged = is_unchanged(run, state, has_address ? &address : NULL, has_port ? &port : NULL);
		bool overwritten = is_overwritten(state);
		if (!unchanged)
			put_back(state);
		if (!unchanged || !overwritten)
			translate_destination(run, state, has_address ? &address : NULL, has_port ? &port : NULL, family);
		if (!unchanged) {
			add_status(state, PA_STATUS_DNAT);
			set_reply(state, PA_FIELD_CT_REPLY_SADDR, has_address ? &address : NULL);
			set_reply(state, PA_FIELD_CT_REPLY_SPORT, has_port ? &port : NULL);
		}
	} else {
		translate_source(run, state, step, has_address ? &address : NULL, has_port ? &port : NULL);
	}
	state->natted = true;
	return PA_WNAT_DONE;
}
