/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Translations: they change the environment, and end the chain as accept does. */
#include "change.h"

struct translation {
	struct pa_evaluation *e;
	const struct pa_rule *rule;
	size_t step;
	uint32_t env;
	int family;
};

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
static pa_node unchanged_source(struct translation *c, uint32_t env, const struct pa_value *address,
				const struct pa_value *port)
{
	struct pa_evaluation *e = c->e;
	const struct pa_step *step = &c->rule->steps[c->step];
	if (!e->plan.reads_status)
		return PA_FALSE;
	pa_node maybe = pa_variable(e, "the translation changes nothing", (uint64_t)PA_FIELD_SPORT,
				    "where the packet comes from without it is not known", NULL, true);
	/* the host's bits that netmap keeps are those in the header */
	struct pa_value netmap = pa_unknown_value(e, step->text);
	bool written = step->value.kind == PA_OPERAND_PREFIX && pa_plan_writes(&e->plan, PA_FIELD_SADDR);
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

/* One end of a packet: its parts of the tuple, the type of its address, and names for what is not known of it. */
struct end {
	const struct pa_tuple_part *address, *port;
	enum pa_field type;
	const char *read, *is_own;
};
static const struct end source_end = { &pa_tuple[0], &pa_tuple[2], PA_FIELD_SADDR_TYPE, "the source that conntrack read",
				       "the source is an address of this host" };
static const struct end destination_end = { &pa_tuple[1], &pa_tuple[3], PA_FIELD_DADDR_TYPE,
					    "the destination that conntrack read",
					    "the new destination is an address of this host" };

/*
 * NAT translates what conntrack read: what rules have written into the header since then is gone with the first translation of that
 * end that changes anything (measured).
 */
static uint32_t as_flow(struct pa_evaluation *e, uint32_t env, const struct end *end)
{
	const struct pa_value *port = pa_env_find(e, env, end->port->header);
	const struct pa_value *address = pa_env_find(e, env, end->address->header);
	const struct pa_value *flow_port = pa_env_find(e, env, end->port->original);
	const struct pa_value *flow_address = pa_env_find(e, env, end->address->original);
	struct pa_value unknown = pa_unknown_value(e, end->read), type = { .kind = PA_VALUE_FIELD, .field = end->type };
	if (port && pa_plan_writes(&e->plan, end->port->header))
		env = pa_env_set(e, env, end->port->header, flow_port ? flow_port : &unknown);
	if (!pa_plan_writes(&e->plan, end->address->header) || is_as_flow(address, flow_address))
		return env;
	env = pa_env_set(e, env, end->address->header, flow_address ? flow_address : &unknown);
	bool of_routes = end == &source_end && e->source_region_count;
	if (!flow_address || flow_address->kind != PA_VALUE_FIELD || of_routes)
		type = pa_unknown_value(e, end->is_own);
	env = pa_env_set(e, env, end->type, &type);
	if (end->type != PA_FIELD_DADDR_TYPE)
		return env;
	unknown = pa_unknown_value(e, "the new destination is an address of the incoming interface");
	return pa_env_set(e, env, PA_FIELD_DADDR_IIF_TYPE, &unknown);
}

/* The reply comes from where the flow goes now, or goes where it comes from now. NULL: as before. */
static uint32_t set_reply(struct pa_evaluation *e, uint32_t env, enum pa_field field, const struct pa_value *value)
{
	struct pa_value self = pa_unknown_value(e, "an address of this host");
	if (!value || !e->plan.reads_reply)
		return env;
	return pa_env_set(e, env, field, value->kind == PA_VALUE_SELF ? &self : value);
}

static pa_node source_node(struct translation *c, const struct pa_value *address, const struct pa_value *port)
{
	struct pa_evaluation *e = c->e;
	struct pa_value chosen = pa_unknown_value(e, "the source port that NAT chooses");
	uint32_t flow = as_flow(e, c->env, &source_end), env = address ? pa_new_source(e, flow, address) : flow;
	env = pa_env_set(e, env, PA_FIELD_SPORT, port ? port : &chosen);
	env = set_reply(e, set_reply(e, env, PA_FIELD_CT_REPLY_DADDR, address), PA_FIELD_CT_REPLY_DPORT, port ? port : &chosen);
	env = set_status(e, pa_env_set_const(e, env, PA_SLOT_NATTED, 1), PA_STATUS_SNAT);
	/* what changes nothing puts nothing back either */
	uint32_t left = set_reply(e, pa_env_set_const(e, c->env, PA_SLOT_NATTED, 1), PA_FIELD_CT_REPLY_DPORT, &chosen);
	if (address && !pa_plan_writes(&e->plan, PA_FIELD_SADDR) && !pa_value_is_known(address))
		left = pa_new_source(e, left, address);
	if (!pa_plan_writes(&e->plan, PA_FIELD_SPORT))
		left = pa_env_set(e, left, PA_FIELD_SPORT, &chosen);
	return pa_node_choose(e->space, unchanged_source(c, flow, address, port), pa_outcome(e, PA_OUTCOME_ACCEPT, left),
			      pa_outcome(e, PA_OUTCOME_ACCEPT, env));
}

static pa_node destination_node(struct translation *c, const struct pa_value *address, const struct pa_value *port)
{
	struct pa_evaluation *e = c->e;
	uint32_t flow = as_flow(e, c->env, &destination_end), env = pa_new_destination(e, flow, address, port, c->family);
	env = pa_env_set_const(e, env, PA_SLOT_NATTED, 1);
	env = set_reply(e, set_reply(e, env, PA_FIELD_CT_REPLY_SADDR, address), PA_FIELD_CT_REPLY_SPORT, port);
	uint32_t marked = set_status(e, env, PA_STATUS_DNAT);
	/* what changes nothing puts nothing back either */
	uint32_t left = flow == c->env ? env : pa_env_set_const(e, c->env, PA_SLOT_NATTED, 1);
	return pa_node_choose(e->space, unchanged(e, flow, address, port), pa_outcome(e, PA_OUTCOME_ACCEPT, left),
			      pa_outcome(e, PA_OUTCOME_ACCEPT, marked));
}

/* Most rules name their protocol before they translate a port. */
static bool excludes_dccp(const struct translation *c)
{
	pa_u128 protocol;
	return pa_known_at(c->e, c->rule, c->step, c->env, PA_FIELD_L4PROTO, &protocol) && protocol != 33;
}

static pa_node translated(struct translation *c, const struct pa_value *address, const struct pa_value *port)
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
	struct pa_value unsure = pa_unknown_value(e, "whether this kernel translates DCCP ports");
	return pa_node_choose(e->space, pa_field_in(e, PA_FIELD_L4PROTO, 33, 33), destination_node(c, address, &unsure), node);
}

static const struct pa_value *datum_value(struct pa_evaluation *e, const struct pa_operand *operand,
					  const struct pa_datum *datum, const char *text, struct pa_value *room)
{
	if (datum->kind == PA_DATUM_VALUES && operand->datum_index < datum->count)
		*room = pa_interval_value(e, datum->values[operand->datum_index], text);
	else
		*room = pa_unknown_value(e, text);
	return room;
}

/* The value of an operand; `datum` is the element found in the map that the step looks up. NULL: not given. */
static const struct pa_value *operand_value(struct translation *c, const struct pa_operand *operand,
					    const struct pa_datum *datum, const struct pa_elements *map, struct pa_value *room)
{
	const char *text = c->rule->steps[c->step].text;
	bool breaks = false;
	switch (operand->kind) {
	case PA_OPERAND_NONE:
		return NULL;
	case PA_OPERAND_VALUE:
	case PA_OPERAND_PREFIX:
		*room = pa_interval_value(c->e, operand->interval, text);
		return room;
	case PA_OPERAND_FIELD:
		*room = pa_part_value(c->e, &operand->part, text, c->env, &breaks);
		return room;
	case PA_OPERAND_MAP:
		if (datum && operand->map == map)
			return datum_value(c->e, operand, datum, text, room);
		break;
	case PA_OPERAND_OPAQUE:
		break;
	}
	*room = pa_unknown_value(c->e, text);
	return room;
}

static pa_node translate(struct translation *c, const struct pa_datum *datum)
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
		address_room = pa_unknown_value(c->e, "the address of the outgoing interface");
		address = &address_room;
	}
	return translated(c, address, port);
}

static pa_node translate_element(void *context, size_t element)
{
	struct translation *c = context;
	const struct pa_elements *map = NULL;
	pa_step_key(&c->rule->steps[c->step], &map);
	return translate(c, element < map->count ? &map->data[element] : map->catch_all);
}

/* A translation that reads its values from a map: no element, no translation, and the rule ends. */
static pa_node translate_by_map(struct translation *c)
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

static pa_node nat_of_family(struct translation *c)
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
	struct translation translation = { e, rule, step, env, family };
	if (table != PA_FAMILY_INET) {
		translation.family = table == PA_FAMILY_IP6 ? 6 : 4;
		return nat_of_family(&translation);
	}
	pa_node on = pa_steps_node(e, rule, step + 1, env);
	pa_u128 nfproto;
	if (pa_known_at(e, rule, step, env, PA_FIELD_NFPROTO, &nfproto)) {
		translation.family = nfproto == PA_NFPROTO_IPV6 ? 6 : 4;
		return family && family != translation.family ? on : nat_of_family(&translation);
	}
	translation.family = 4;
	pa_node ipv4 = family == 6 ? on : nat_of_family(&translation);
	translation.family = 6;
	pa_node ipv6 = family == 4 ? on : nat_of_family(&translation);
	return pa_node_choose(e->space, e->family[0], ipv4, ipv6);
}
