/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Translations in a state of the walk. */
#include "walk_change.h"

static const struct pa_tuple_part *const source_address = &pa_tuple[0], *const destination_address = &pa_tuple[1],
					 *const source_port = &pa_tuple[2], *const destination_port = &pa_tuple[3];

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
	struct pa_wvalue old = pa_wpart_value(state, &host, step->text);
	if (old.kind != PA_W_VALUE || old.first != old.last)
		return pa_wrange_value(prefix, step->text);
	pa_u128 address = prefix.first | old.first;
	return pa_wrange_value((struct pa_interval){ address, address }, step->text);
}

/* An operand of dnat or snat. false: nothing given. */
static bool operand_value(const struct pa_wstate *state, const struct pa_step *step, const struct pa_operand *operand,
			  const struct pa_datum *datum, const struct pa_elements *map, struct pa_wvalue *ret)
{
	switch (operand->kind) {
	case PA_OPERAND_NONE:
		return false;
	case PA_OPERAND_VALUE:
		*ret = pa_wrange_value(operand->interval, step->text);
		return true;
	case PA_OPERAND_PREFIX:
		*ret = prefix_value(state, step, operand->interval);
		return true;
	case PA_OPERAND_FIELD:
		*ret = pa_wpart_value(state, &operand->part, step->text);
		return true;
	case PA_OPERAND_MAP:
		*ret = datum && operand->map == map ? pa_wdatum_value(operand, datum, step->text) : pa_wunknown(step->text);
		return true;
	case PA_OPERAND_OPAQUE:
		break;
	}
	*ret = pa_wunknown(step->text);
	return true;
}

static void translate_destination(struct pa_wrun *run, struct pa_wstate *state, const struct pa_wvalue *address,
				  const struct pa_wvalue *port, int family)
{
	if (address)
		pa_wnew_destination(run, state, address, family);
	/* kernels without DCCP support leave its ports alone, others translate them (measured on 6.18) */
	struct pa_wvalue unsure = pa_wunknown("whether this kernel translates DCCP ports");
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

/* Has a rule written something else into the header than what conntrack read? */
static bool is_overwritten(const struct pa_wstate *state, const struct pa_tuple_part *part)
{
	return is_written(state, part->header) && !same_value(&state->now[part->header], &state->now[part->original]);
}

/*
 * NAT translates what conntrack read: what rules have written into the header since then is gone with the first translation of that
 * end that changes anything (measured).
 */
static void put_back(struct pa_wstate *state, const struct pa_tuple_part *address, const struct pa_tuple_part *port)
{
	struct pa_wvalue *now = state->now;
	if (is_written(state, port->header))
		now[port->header] = now[port->original];
	if (is_overwritten(state, address))
		now[address->header] = now[address->original];
}

static void put_destination_back(struct pa_wstate *state)
{
	struct pa_wvalue *now = state->now;
	bool changes = is_overwritten(state, destination_address);
	put_back(state, destination_address, destination_port);
	if (!changes)
		return;
	now[PA_FIELD_DADDR_TYPE] = pa_wcarried(PA_FIELD_DADDR_TYPE);
	if (is_written(state, PA_FIELD_DADDR))
		now[PA_FIELD_DADDR_TYPE] = pa_wunknown("the new destination is an address of this host");
	now[PA_FIELD_DADDR_IIF_TYPE] = pa_wunknown("the new destination is an address of the incoming interface");
}

static void put_source_back(const struct pa_wrun *run, struct pa_wstate *state)
{
	bool changes = is_overwritten(state, source_address);
	put_back(state, source_address, source_port);
	if (!changes)
		return;
	state->now[PA_FIELD_SADDR_TYPE] = pa_wcarried(PA_FIELD_SADDR_TYPE);
	if (is_written(state, PA_FIELD_SADDR) || run->walker->source_region_count)
		state->now[PA_FIELD_SADDR_TYPE] = pa_wunknown("the source is an address of this host");
}

/* What conntrack read of a header field that rules may have written since. */
static enum pa_field flow_field(enum pa_field field)
{
	size_t i = 0;
	while (pa_tuple[i].header != field)
		i++;
	return pa_tuple[i].original;
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
	struct pa_wvalue netmap = pa_wunknown(step->text);
	if (step->value.kind == PA_OPERAND_PREFIX && pa_plan_writes(&run->walker->plan, PA_FIELD_SADDR))
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
		state->now[field] = value->kind == PA_W_SELF ? pa_wunknown("an address of this host") : *value;
}

static void translate_source(struct pa_wrun *run, struct pa_wstate *state, const struct pa_step *step,
			     const struct pa_wvalue *address, const struct pa_wvalue *port)
{
	struct pa_wvalue chosen = pa_wunknown("the source port that NAT chooses");
	state->now[PA_FIELD_CT_REPLY_DPORT] = chosen;
	if (is_unchanged_source(run, state, step, address, port)) {
		if (address && address->kind != PA_W_VALUE && !pa_plan_writes(&run->walker->plan, PA_FIELD_SADDR))
			pa_wnew_source(run, state, address);
		if (!pa_plan_writes(&run->walker->plan, PA_FIELD_SPORT))
			state->now[PA_FIELD_SPORT] = chosen;
		return;
	}
	put_source_back(run, state);
	if (address)
		pa_wnew_source(run, state, address);
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
		datum = pa_wfind_datum(run, state, rule, step, key, map);
		if (!datum)
			return PA_WNAT_BREAKS;
	}
	const struct pa_datum *port_datum = datum;
	bool two_maps = step->port.kind == PA_OPERAND_MAP && step->port.map != map;
	if (two_maps)
		port_datum = pa_wfind_datum(run, state, rule, step, &step->port.key, step->port.map);
	if (two_maps && !port_datum)
		return PA_WNAT_BREAKS;
	struct pa_wvalue address, port;
	bool has_address = operand_value(state, step, &step->value, datum, map, &address);
	bool has_port = operand_value(state, step, &step->port, port_datum, two_maps ? step->port.map : map, &port);
	if (step->nat == PA_NAT_REDIRECT) {
		address = (struct pa_wvalue){ .kind = PA_W_SELF, .text = "an address of this host" };
		has_address = true;
	} else if (step->nat == PA_NAT_MASQUERADE) {
		address = pa_wunknown("the address of the outgoing interface");
		has_address = true;
	}
	if (state->template) /* a template is confirmed: nothing is translated (nf_nat_setup_info) */
		return PA_WNAT_DONE;
	if (step->nat == PA_NAT_DNAT || step->nat == PA_NAT_REDIRECT) {
		bool unchanged = is_unchanged(run, state, has_address ? &address : NULL, has_port ? &port : NULL);
		bool overwritten = is_overwritten(state, destination_address) || is_overwritten(state, destination_port);
		if (!unchanged)
			put_destination_back(state);
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
