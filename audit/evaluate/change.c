/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps that change the environment: assignments, and translations, which also end the chain as accept does. */
#include "evaluation.h"

#define LO pa_ifname_value("lo")

struct change {
	struct pa_evaluation *e;
	const struct pa_rule *rule;
	size_t step;
	uint32_t env;
	int family; /* NAT */
};

static struct pa_value unknown_value(struct pa_evaluation *e, const char *text)
{
	return (struct pa_value){ .kind = PA_VALUE_UNKNOWN,
				  .text = pa_intern(e, text ? text : "a value that cannot be known") };
}

static struct pa_value interval_value(struct pa_evaluation *e, struct pa_interval interval, const char *text)
{
	if (interval.first == interval.last)
		return (struct pa_value){ .kind = PA_VALUE_CONST, .first = interval.first, .last = interval.last };
	return (struct pa_value){ .kind = PA_VALUE_RANGE,
				  .first = interval.first,
				  .last = interval.last,
				  .text = pa_intern(e, text ? text : "a range") };
}

/* --- new addresses --- */

/*
 * The type of the new destination: known for one address of a known host, else a question. It is one question for all addresses,
 * since a packet gets one of them: 10,000 services behind a map would make 10,000 questions otherwise.
 */
static struct pa_value destination_type(struct pa_evaluation *e, const struct pa_value *address, int family)
{
	if (address->kind == PA_VALUE_SELF)
		return (struct pa_value){ .kind = PA_VALUE_CONST, .first = PA_TYPE_LOCAL, .last = PA_TYPE_LOCAL };
	if (address->kind != PA_VALUE_CONST && address->kind != PA_VALUE_RANGE)
		return unknown_value(e, "the new destination is an address of this host");
	unsigned type = pa_range_type(e->host, (struct pa_interval){ address->first, address->last }, family);
	if (type)
		return (struct pa_value){ .kind = PA_VALUE_CONST, .first = type, .last = type };
	return unknown_value(e, "the new destination is an address of this host");
}

static uint32_t translate_destination(struct pa_evaluation *e, uint32_t env, const struct pa_value *address,
				      const struct pa_value *port, int family)
{
	if (address) {
		struct pa_value type = destination_type(e, address, family);
		env = pa_env_set(e, env, PA_FIELD_DADDR, address);
		env = pa_env_set(e, env, PA_FIELD_DADDR_TYPE, &type);
		if (type.kind != PA_VALUE_CONST || type.first == PA_TYPE_LOCAL)
			type = unknown_value(e, "the new destination is an address of the incoming interface");
		env = pa_env_set(e, env, PA_FIELD_DADDR_IIF_TYPE, &type);
	}
	if (port)
		env = pa_env_set(e, env, PA_FIELD_DPORT, port);
	return env;
}

static bool is_known(const struct pa_value *value)
{
	return value->kind == PA_VALUE_CONST || value->kind == PA_VALUE_RANGE;
}

static uint32_t new_source(struct pa_evaluation *e, uint32_t env, const struct pa_value *address)
{
	bool known = is_known(address);
	struct pa_interval range = { address->first, address->last };
	unsigned number = known ? pa_range_type(e->host, range, pa_value_is_ipv4(address->first) ? 4 : 6) : 0;
	struct pa_value type = unknown_value(e, "the new source is an address of this host");
	if (number)
		type = (struct pa_value){ .kind = PA_VALUE_CONST, .first = number, .last = number };
	env = pa_env_set(e, env, PA_FIELD_SADDR, address);
	return pa_env_set(e, env, PA_FIELD_SADDR_TYPE, &type);
}

/* --- assignments --- */

/* The value of another field here, under mask and xor. *breaks: it cannot be read, the rule ends. */
static struct pa_value field_value(struct pa_evaluation *e, const struct pa_key_part *part, const char *text, uint32_t env,
				   bool *breaks)
{
	if (part->opaque)
		return unknown_value(e, text);
	if (pa_field_needs_flow(part->field) && !pa_env_has_flow(e, env)) {
		*breaks = true;
		return (struct pa_value){ 0 };
	}
	const struct pa_value *value = pa_env_find(e, env, part->field);
	if (value && value->kind == PA_VALUE_CONST) {
		pa_u128 v = (value->first & part->mask) ^ part->xor_value;
		return (struct pa_value){ .kind = PA_VALUE_CONST, .first = v, .last = v };
	}
	bool plain = part->mask == pa_field_max(part->field) && !part->xor_value;
	if (value && plain)
		return *value;
	return unknown_value(e, text);
}

/*
 * A template in the place of a flow (nf_ct_tmpl_alloc) for a packet that has none: not seen by conntrack yet, invalid or untracked.
 * Before conntrack it undoes notrack; behind it the packet stays new (both measured). Templates are kept for each CPU, with the mark
 * that any rule of any namespace gave them.
 */
static uint32_t set_template(struct pa_evaluation *e, uint32_t env)
{
	static const enum pa_field unknown[] = { PA_FIELD_CT_ORIG_SADDR,  PA_FIELD_CT_ORIG_DADDR,  PA_FIELD_CT_ORIG_SPORT,
						 PA_FIELD_CT_ORIG_DPORT,  PA_FIELD_CT_PROTOCOL,	   PA_FIELD_CT_STATUS,
						 PA_FIELD_CT_MARK,	  PA_FIELD_CT_REPLY_SADDR, PA_FIELD_CT_REPLY_DADDR,
						 PA_FIELD_CT_REPLY_SPORT, PA_FIELD_CT_REPLY_DPORT };
	const struct pa_value *phase = pa_env_find(e, env, PA_SLOT_PHASE), *state = pa_env_find(e, env, PA_FIELD_CT_STATE);
	bool none =
		state && state->kind == PA_VALUE_CONST && (state->first == PA_CT_INVALID || state->first == PA_CT_UNTRACKED);
	if (!phase || !none)
		return env;
	if (phase->first == 1)
		env = pa_env_set_const(e, env, PA_SLOT_PHASE, 2);
	/* every other key of ct ends the rule (6.18, measured): the text tells this state from that of a flow, see pa_env_has_flow() */
	struct pa_value new = {
		.kind = PA_VALUE_CONST, .first = PA_CT_NEW, .last = PA_CT_NEW, .text = pa_intern(e, "a template")
	};
	env = pa_env_set(e, env, PA_FIELD_CT_STATE, &new);
	env = pa_env_set_const(e, env, PA_FIELD_CT_DIRECTION, 0);
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		struct pa_value value = unknown_value(e, "what conntrack says of a packet that only has a zone");
		env = pa_env_set(e, env, unknown[i], &value);
	}
	return env;
}

/* `ip daddr set`: the routing decision sees the new one, except over lo, where the way was chosen on the way out. */
static pa_node write_destination(struct pa_evaluation *e, const struct pa_rule *rule, size_t step, uint32_t env,
				 const struct pa_value *value)
{
	int family = value->kind == PA_VALUE_CONST && pa_value_is_ipv4(value->first) ? 4 : 6;
	uint32_t routed = translate_destination(e, env, value, NULL, family);
	if (pa_env_find(e, env, PA_FIELD_IIFNAME)) /* on its way out it has not arrived anywhere */
		return pa_steps_node(e, rule, step + 1, routed);
	pa_node over_lo = pa_steps_node(e, rule, step + 1, pa_env_set(e, env, PA_FIELD_DADDR, value));
	return pa_node_choose(e->space, pa_field_in(e, PA_FIELD_IIFNAME, LO, LO), over_lo,
			      pa_steps_node(e, rule, step + 1, routed));
}

/* The bits that the target keeps, with the value turned over on top of them. */
static struct pa_value with_kept(struct pa_evaluation *e, const struct pa_step *step, uint32_t env, struct pa_value value,
				 bool *breaks)
{
	const struct pa_key_part old = { .field = step->field, .mask = step->value.keep };
	if (!step->value.keep || *breaks)
		return value;
	struct pa_value kept = field_value(e, &old, step->text, env, breaks);
	if (kept.kind != PA_VALUE_CONST || value.kind != PA_VALUE_CONST)
		return unknown_value(e, step->text);
	value.first = value.last = value.first ^ kept.first;
	return value;
}

static pa_node assign(struct pa_evaluation *e, const struct pa_rule *rule, size_t step, uint32_t env,
		      const struct pa_value *value)
{
	enum pa_field field = rule->steps[step].field;
	if (field == PA_FIELD_DADDR)
		return write_destination(e, rule, step, env, value);
	if (field == PA_FIELD_CT_STATE)
		env = set_template(e, env);
	else if (field == PA_FIELD_SADDR)
		env = new_source(e, env, value);
	/* without a flow there is nothing to set; the rule goes on (nft_ct_set_eval) */
	else if (field != PA_FIELD_CT_MARK || pa_env_has_flow(e, env))
		env = pa_env_set(e, env, field, value);
	return pa_steps_node(e, rule, step + 1, env);
}

static pa_node assign_element(void *context, size_t element)
{
	struct change *c = context;
	const struct pa_step *step = &c->rule->steps[c->step];
	const struct pa_elements *map = step->value.map;
	const struct pa_datum *datum = element < map->count ? &map->data[element] : map->catch_all;
	struct pa_value value = unknown_value(c->e, step->text);
	if (datum->kind == PA_DATUM_VALUES && step->value.datum_index < datum->count)
		value = interval_value(c->e, datum->values[step->value.datum_index], step->text);
	return assign(c->e, c->rule, c->step, c->env, &value);
}

static pa_node assign_map(struct change *c)
{
	const struct pa_step *step = &c->rule->steps[c->step];
	const struct pa_elements *map = step->value.map;
	pa_node miss = pa_outcome(c->e, PA_OUTCOME_NEXT, c->env);
	struct pa_value any = unknown_value(c->e, step->text);
	pa_node changed = map->opaque || map->may_grow ? assign(c->e, c->rule, c->step, c->env, &any) : miss;
	if (map->opaque || map->may_grow) {
		pa_node there = pa_variable(c->e, step->text ? step->text : "a map", pa_changes_of(c->e, map, c->rule, step),
					    map->opaque ? map->opaque : "elements may be added to the map at run time", c->rule,
					    !map->opaque);
		miss = pa_node_choose(c->e->space, there, changed, miss);
	}
	if (map->opaque)
		return miss;
	pa_node found = pa_lookup(c->e, c->rule, step, &step->value.key, map, c->env, assign_element, c, miss);
	if (!map->may_shrink)
		return found;
	pa_node there = pa_variable(c->e, step->text ? step->text : "a map", pa_changes_of(c->e, map, c->rule, step) + 1,
				    "elements of the map may have expired", c->rule, true);
	return pa_node_choose(c->e->space, there, found, miss);
}

pa_node pa_assign_node(struct pa_evaluation *e, const struct pa_rule *rule, size_t step, uint32_t env)
{
	const struct pa_step *s = &rule->steps[step];
	struct change change = { e, rule, step, env, 0 };
	struct pa_value value = unknown_value(e, s->text);
	bool breaks = false;
	switch (s->value.kind) {
	case PA_OPERAND_VALUE:
		value = interval_value(e, s->value.interval, s->text);
		break;
	case PA_OPERAND_FIELD:
		value = field_value(e, &s->value.part, s->text, env, &breaks);
		value = with_kept(e, s, env, value, &breaks);
		break;
	case PA_OPERAND_MAP:
		return assign_map(&change);
	case PA_OPERAND_NONE:
	case PA_OPERAND_PREFIX:
	case PA_OPERAND_OPAQUE:
		break;
	}
	return breaks ? pa_outcome(e, PA_OUTCOME_NEXT, env) : assign(e, rule, step, env, &value);
}

/* --- translations --- */

static uint32_t set_status(struct pa_evaluation *e, uint32_t env, pa_u128 bit)
{
	const struct pa_value *status = pa_env_find(e, env, PA_FIELD_CT_STATUS);
	if (!status || status->kind != PA_VALUE_CONST)
		return env;
	return pa_env_set_const(e, env, PA_FIELD_CT_STATUS, status->first | bit);
}

static bool is_of_source(enum pa_field field)
{
	return field == PA_FIELD_SADDR || field == PA_FIELD_SPORT;
}

/* What the destination in the header is known to be, or NULL. */
static const struct pa_value *known_header(const struct pa_evaluation *e, uint32_t env, enum pa_field field)
{
	if (is_of_source(field))
		return NULL;
	return pa_env_find(e, env, field == PA_FIELD_DADDR ? PA_SLOT_WAS_DADDR : PA_SLOT_WAS_DPORT);
}

/* The packets whose `field` has this value already; of a source, one in this range: it is kept then (get_unique_tuple). */
static pa_node has_value(struct pa_evaluation *e, uint32_t env, enum pa_field field, const struct pa_value *value)
{
	const struct pa_value *now = pa_env_find(e, env, field);
	if (!value)
		return PA_TRUE;
	if (now && now->kind == PA_VALUE_FIELD)
		now = NULL;
	if (!now)
		now = known_header(e, env, field);
	bool known = value->kind == PA_VALUE_CONST || (value->kind == PA_VALUE_RANGE && is_of_source(field));
	if (known && now && now->kind == PA_VALUE_CONST)
		return now->first >= value->first && now->first <= value->last ? PA_TRUE : PA_FALSE;
	if (known && !now)
		return pa_field_in(e, field, value->first, value->last);
	return pa_variable(e, "the translation changes nothing", (uint64_t)field,
			   "where the packet goes without it is not known", NULL, true);
}

static pa_node has_ports(struct pa_evaluation *e, uint32_t env)
{
	static const pa_u128 protocols[] = { 6, 17, 33, 132, 136 };
	const struct pa_value *known = pa_env_find(e, env, PA_FIELD_L4PROTO);
	pa_node set = PA_FALSE;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		if (!known)
			set = pa_node_or(e->space, set, pa_field_in(e, PA_FIELD_L4PROTO, protocols[i], protocols[i]));
		else if (known->first == protocols[i])
			return PA_TRUE;
	}
	return set;
}

/* A translation to where the packet goes anyway leaves no trace in ct status (measured). Ports are ignored without ports. */
static pa_node unchanged(struct pa_evaluation *e, uint32_t env, const struct pa_value *address, const struct pa_value *port)
{
	if (!e->plan.reads_status)
		return PA_FALSE;
	pa_node same_port = has_value(e, env, PA_FIELD_DPORT, port);
	if (port)
		same_port = pa_node_choose(e->space, has_ports(e, env), same_port, PA_TRUE);
	return pa_node_and(e->space, same_port, has_value(e, env, PA_FIELD_DADDR, address));
}

/* The same for a source. ICMP is asked for its id in place of a port. */
static pa_node unchanged_source(struct change *c, uint32_t env, const struct pa_value *address, const struct pa_value *port)
{
	struct pa_evaluation *e = c->e;
	const struct pa_step *step = &c->rule->steps[c->step];
	if (!e->plan.reads_status)
		return PA_FALSE;
	pa_node maybe = pa_variable(e, "the translation changes nothing", (uint64_t)PA_FIELD_SPORT,
				    "where the packet comes from without it is not known", NULL, true);
	/* the host's bits that netmap keeps are those in the header */
	struct pa_value netmap = unknown_value(e, step->text);
	bool written = step->value.kind == PA_OPERAND_PREFIX && e->plan.writes_source;
	pa_node same_port = PA_TRUE;
	if (port) {
		pa_node icmp =
			pa_node_or(e->space, pa_field_in(e, PA_FIELD_L4PROTO, 1, 1), pa_field_in(e, PA_FIELD_L4PROTO, 58, 58));
		same_port = pa_node_choose(e->space, has_ports(e, env), has_value(e, env, PA_FIELD_SPORT, port),
					   pa_node_choose(e->space, icmp, maybe, PA_TRUE));
	}
	pa_node same = pa_node_and(e->space, same_port, has_value(e, env, PA_FIELD_SADDR, written ? &netmap : address));
	return step->random ? pa_node_and(e->space, same, maybe) : same;
}

/* Is the value in the header that of the flow? A value that names its own field means "untouched", see untouched() in pipeline.c. */
static bool is_as_flow(const struct pa_value *header, const struct pa_value *flow)
{
	return !header || (flow && header->kind == flow->kind && header->first == flow->first && header->last == flow->last);
}

/*
 * NAT translates the destination that conntrack read: what rules have written into the header since then is gone with the first
 * translation that changes anything (measured).
 */
static uint32_t as_flow(struct pa_evaluation *e, uint32_t env)
{
	const struct pa_value *port = pa_env_find(e, env, PA_FIELD_DPORT), *address = pa_env_find(e, env, PA_FIELD_DADDR);
	const struct pa_value *flow_port = pa_env_find(e, env, PA_FIELD_CT_ORIG_DPORT),
			      *flow_address = pa_env_find(e, env, PA_FIELD_CT_ORIG_DADDR);
	struct pa_value unknown = unknown_value(e, "the destination that conntrack read"),
			type = { .kind = PA_VALUE_FIELD, .field = PA_FIELD_DADDR_TYPE };
	if (port && e->plan.writes_port)
		env = pa_env_set(e, env, PA_FIELD_DPORT, flow_port ? flow_port : &unknown);
	if (!e->plan.writes_destination || is_as_flow(address, flow_address))
		return env;
	env = pa_env_set(e, env, PA_FIELD_DADDR, flow_address ? flow_address : &unknown);
	if (!flow_address || flow_address->kind != PA_VALUE_FIELD)
		type = unknown_value(e, "the new destination is an address of this host");
	env = pa_env_set(e, env, PA_FIELD_DADDR_TYPE, &type);
	unknown = unknown_value(e, "the new destination is an address of the incoming interface");
	return pa_env_set(e, env, PA_FIELD_DADDR_IIF_TYPE, &unknown);
}

/* The same for the source. */
static uint32_t as_flow_source(struct pa_evaluation *e, uint32_t env)
{
	const struct pa_value *port = pa_env_find(e, env, PA_FIELD_SPORT), *address = pa_env_find(e, env, PA_FIELD_SADDR);
	const struct pa_value *flow_port = pa_env_find(e, env, PA_FIELD_CT_ORIG_SPORT),
			      *flow_address = pa_env_find(e, env, PA_FIELD_CT_ORIG_SADDR);
	struct pa_value unknown = unknown_value(e, "the source that conntrack read"),
			type = { .kind = PA_VALUE_FIELD, .field = PA_FIELD_SADDR_TYPE };
	if (port && e->plan.writes_source_port)
		env = pa_env_set(e, env, PA_FIELD_SPORT, flow_port ? flow_port : &unknown);
	if (!e->plan.writes_source || is_as_flow(address, flow_address))
		return env;
	env = pa_env_set(e, env, PA_FIELD_SADDR, flow_address ? flow_address : &unknown);
	if (!flow_address || flow_address->kind != PA_VALUE_FIELD)
		type = unknown_value(e, "the source is an address of this host");
	return pa_env_set(e, env, PA_FIELD_SADDR_TYPE, &type);
}

/* The reply comes from where the flow goes now, or goes where it comes from now. NULL: as before. */
static uint32_t set_reply(struct pa_evaluation *e, uint32_t env, enum pa_field field, const struct pa_value *value)
{
	struct pa_value self = unknown_value(e, "an address of this host");
	if (!value || !e->plan.reads_reply)
		return env;
	return pa_env_set(e, env, field, value->kind == PA_VALUE_SELF ? &self : value);
}

static pa_node source_node(struct change *c, const struct pa_value *address, const struct pa_value *port)
{
	struct pa_evaluation *e = c->e;
	struct pa_value chosen = unknown_value(e, "the source port that NAT chooses");
	uint32_t flow = as_flow_source(e, c->env), env = address ? new_source(e, flow, address) : flow;
	env = pa_env_set(e, env, PA_FIELD_SPORT, port ? port : &chosen);
	env = set_reply(e, set_reply(e, env, PA_FIELD_CT_REPLY_DADDR, address), PA_FIELD_CT_REPLY_DPORT, port ? port : &chosen);
	env = set_status(e, pa_env_set_const(e, env, PA_SLOT_NATTED, 1), PA_STATUS_SNAT);
	/* what changes nothing puts nothing back either */
	uint32_t left = set_reply(e, pa_env_set_const(e, c->env, PA_SLOT_NATTED, 1), PA_FIELD_CT_REPLY_DPORT, &chosen);
	if (address && !e->plan.writes_source && !is_known(address))
		left = new_source(e, left, address);
	if (!e->plan.writes_source_port)
		left = pa_env_set(e, left, PA_FIELD_SPORT, &chosen);
	return pa_node_choose(e->space, unchanged_source(c, flow, address, port), pa_outcome(e, PA_OUTCOME_ACCEPT, left),
			      pa_outcome(e, PA_OUTCOME_ACCEPT, env));
}

static pa_node destination_node(struct change *c, const struct pa_value *address, const struct pa_value *port)
{
	struct pa_evaluation *e = c->e;
	uint32_t flow = as_flow(e, c->env), env = translate_destination(e, flow, address, port, c->family);
	env = pa_env_set_const(e, env, PA_SLOT_NATTED, 1);
	env = set_reply(e, set_reply(e, env, PA_FIELD_CT_REPLY_SADDR, address), PA_FIELD_CT_REPLY_SPORT, port);
	uint32_t marked = set_status(e, env, PA_STATUS_DNAT);
	/* what changes nothing puts nothing back either */
	uint32_t left = flow == c->env ? env : pa_env_set_const(e, c->env, PA_SLOT_NATTED, 1);
	return pa_node_choose(e->space, unchanged(e, flow, address, port), pa_outcome(e, PA_OUTCOME_ACCEPT, left),
			      pa_outcome(e, PA_OUTCOME_ACCEPT, marked));
}

/* Most rules name their protocol before they translate a port. */
static bool excludes_dccp(const struct change *c)
{
	pa_u128 protocol;
	return pa_known_at(c->e, c->rule, c->step, c->env, PA_FIELD_L4PROTO, &protocol) && protocol != 33;
}

static pa_node translated(struct change *c, const struct pa_value *address, const struct pa_value *port)
{
	struct pa_evaluation *e = c->e;
	enum pa_nat_kind kind = c->rule->steps[c->step].nat;
	const struct pa_value *phase = pa_env_find(e, c->env, PA_SLOT_PHASE);
	if (phase && phase->first == 2) /* a template is confirmed: nothing is translated (nf_nat_setup_info) */
		return pa_outcome(e, PA_OUTCOME_ACCEPT, c->env);
	if (kind != PA_NAT_DNAT && kind != PA_NAT_REDIRECT)
		return source_node(c, address, port);
	pa_node node = destination_node(c, address, port);
	if (!port || excludes_dccp(c))
		return node;
	/* kernels without DCCP support leave its ports alone, others translate them (measured on 6.18) */
	struct pa_value unsure = unknown_value(e, "whether this kernel translates DCCP ports");
	return pa_node_choose(e->space, pa_field_in(e, PA_FIELD_L4PROTO, 33, 33), destination_node(c, address, &unsure), node);
}

static const struct pa_value *datum_value(struct pa_evaluation *e, const struct pa_operand *operand,
					  const struct pa_datum *datum, const char *text, struct pa_value *room)
{
	if (datum->kind == PA_DATUM_VALUES && operand->datum_index < datum->count)
		*room = interval_value(e, datum->values[operand->datum_index], text);
	else
		*room = unknown_value(e, text);
	return room;
}

/* The value of an operand; `datum` is the element found in the map that the step looks up. NULL: not given. */
static const struct pa_value *operand_value(struct change *c, const struct pa_operand *operand, const struct pa_datum *datum,
					    const struct pa_elements *map, struct pa_value *room)
{
	const char *text = c->rule->steps[c->step].text;
	bool breaks = false;
	switch (operand->kind) {
	case PA_OPERAND_NONE:
		return NULL;
	case PA_OPERAND_VALUE:
	case PA_OPERAND_PREFIX:
		*room = interval_value(c->e, operand->interval, text);
		return room;
	case PA_OPERAND_FIELD:
		*room = field_value(c->e, &operand->part, text, c->env, &breaks);
		return room;
	case PA_OPERAND_MAP:
		if (datum && operand->map == map)
			return datum_value(c->e, operand, datum, text, room);
		break;
	case PA_OPERAND_OPAQUE:
		break;
	}
	*room = unknown_value(c->e, text);
	return room;
}

static pa_node translate(struct change *c, const struct pa_datum *datum)
{
	const struct pa_step *step = &c->rule->steps[c->step];
	const struct pa_elements *map = NULL;
	struct pa_value address_room, port_room;
	pa_step_key(step, &map);
	const struct pa_value *address = operand_value(c, &step->value, datum, map, &address_room);
	const struct pa_value *port = operand_value(c, &step->port, datum, map, &port_room);
	if (step->nat == PA_NAT_REDIRECT) {
		address_room = (struct pa_value){ .kind = PA_VALUE_SELF, .text = pa_intern(c->e, "an address of this host") };
		address = &address_room;
	} else if (step->nat == PA_NAT_MASQUERADE) {
		address_room = unknown_value(c->e, "the address of the outgoing interface");
		address = &address_room;
	}
	return translated(c, address, port);
}

static pa_node translate_element(void *context, size_t element)
{
	struct change *c = context;
	const struct pa_elements *map = NULL;
	pa_step_key(&c->rule->steps[c->step], &map);
	return translate(c, element < map->count ? &map->data[element] : map->catch_all);
}

/* A translation that reads its values from a map: no element, no translation, and the rule ends. */
static pa_node translate_by_map(struct change *c)
{
	struct pa_evaluation *e = c->e;
	const struct pa_step *step = &c->rule->steps[c->step];
	const struct pa_elements *map = NULL;
	const struct pa_key *key = pa_step_key(step, &map);
	const char *text = step->text ? step->text : "a map";
	pa_node miss = pa_outcome(e, PA_OUTCOME_NEXT, c->env);
	if (map->opaque || map->may_grow) {
		static const struct pa_datum anything = { .kind = PA_DATUM_OPAQUE };
		pa_node there = pa_variable(e, text, pa_changes_of(c->e, map, c->rule, step),
					    map->opaque ? map->opaque : "elements may be added to the map at run time", c->rule,
					    !map->opaque);
		miss = pa_node_choose(e->space, there, translate(c, &anything), miss);
	}
	if (map->opaque)
		return miss;
	pa_node found = pa_lookup(e, c->rule, step, key, map, c->env, translate_element, c, miss);
	if (!map->may_shrink)
		return found;
	return pa_node_choose(e->space,
			      pa_variable(e, text, pa_changes_of(c->e, map, c->rule, step) + 1,
					  "elements of the map may have expired", c->rule, true),
			      found, miss);
}

static pa_node nat_of_family(struct change *c)
{
	const struct pa_elements *map = NULL;
	return pa_step_key(&c->rule->steps[c->step], &map) ? translate_by_map(c) : translate(c, NULL);
}

/*
 * In an inet table a translation to an IPv4 address leaves IPv6 packets alone and the rule goes on (nft_nat_inet_eval). Without a
 * family it is the packet's own.
 */
pa_node pa_nat_node(struct pa_evaluation *e, const struct pa_rule *rule, size_t step, uint32_t env)
{
	enum pa_family table = rule->chain->table->family;
	int family = rule->steps[step].nat_family;
	struct change change = { e, rule, step, env, family };
	if (table != PA_FAMILY_INET) {
		change.family = table == PA_FAMILY_IP6 ? 6 : 4;
		return nat_of_family(&change);
	}
	pa_node on = pa_steps_node(e, rule, step + 1, env);
	pa_u128 nfproto;
	if (pa_known_at(e, rule, step, env, PA_FIELD_NFPROTO, &nfproto)) {
		change.family = nfproto == PA_NFPROTO_IPV6 ? 6 : 4;
		return family && family != change.family ? on : nat_of_family(&change);
	}
	change.family = 4;
	pa_node ipv4 = family == 6 ? on : nat_of_family(&change);
	change.family = 6;
	pa_node ipv6 = family == 4 ? on : nat_of_family(&change);
	return pa_node_choose(e->space, e->family[0], ipv4, ipv6);
}
