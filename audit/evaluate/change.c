/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps that give fields of the environment another value. */
#include "change.h"

#define LO pa_ifname_value("lo")

struct pa_value pa_unknown_value(struct pa_evaluation *e, const char *text)
{
	return (struct pa_value){ .kind = PA_VALUE_UNKNOWN,
				  .text = pa_intern(e, text ? text : "a value that cannot be known") };
}

struct pa_value pa_interval_value(struct pa_evaluation *e, struct pa_interval interval, const char *text)
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
		return pa_unknown_value(e, "the new destination is an address of this host");
	unsigned type = pa_range_type(e->host, (struct pa_interval){ address->first, address->last }, family);
	if (type)
		return (struct pa_value){ .kind = PA_VALUE_CONST, .first = type, .last = type };
	return pa_unknown_value(e, "the new destination is an address of this host");
}

uint32_t pa_new_destination(struct pa_evaluation *e, uint32_t env, const struct pa_value *address, const struct pa_value *port,
			    int family)
{
	if (address) {
		struct pa_value type = destination_type(e, address, family);
		env = pa_env_set(e, env, PA_FIELD_DADDR, address);
		env = pa_env_set(e, env, PA_FIELD_DADDR_TYPE, &type);
		if (type.kind != PA_VALUE_CONST || type.first == PA_TYPE_LOCAL)
			type = pa_unknown_value(e, "the new destination is an address of the incoming interface");
		env = pa_env_set(e, env, PA_FIELD_DADDR_IIF_TYPE, &type);
	}
	if (port)
		env = pa_env_set(e, env, PA_FIELD_DPORT, port);
	return env;
}

uint32_t pa_new_source(struct pa_evaluation *e, uint32_t env, const struct pa_value *address)
{
	bool known = pa_value_is_known(address);
	struct pa_interval range = { address->first, address->last };
	unsigned number = known ? pa_range_type(e->host, range, pa_value_is_ipv4(address->first) ? 4 : 6) : 0;
	struct pa_value type = pa_unknown_value(e, "the new source is an address of this host");
	if (number)
		type = (struct pa_value){ .kind = PA_VALUE_CONST, .first = number, .last = number };
	env = pa_env_set(e, env, PA_FIELD_SADDR, address);
	return pa_env_set(e, env, PA_FIELD_SADDR_TYPE, &type);
}

/* --- assignments --- */

struct pa_value pa_part_value(struct pa_evaluation *e, const struct pa_key_part *part, const char *text, uint32_t env,
			      bool *breaks)
{
	if (part->opaque)
		return pa_unknown_value(e, text);
	if (pa_part_needs_flow(part) && !pa_env_has_flow(e, env)) {
		if (part->of_xtables && pa_env_has_template(e, env))
			return pa_unknown_value(e, text);
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
	return pa_unknown_value(e, text);
}

/*
 * A template in the place of a flow (nf_ct_tmpl_alloc) for a packet that has none: not seen by conntrack yet, invalid or untracked.
 * Before conntrack it undoes notrack; behind it the packet stays new, and every key of ct but the state ends the rule (all measured on
 * 6.18). The text of the state tells it from that of a flow, see pa_env_has_flow().
 */
static uint32_t set_template(struct pa_evaluation *e, uint32_t env)
{
	struct pa_value new = {
		.kind = PA_VALUE_CONST, .first = PA_CT_NEW, .last = PA_CT_NEW, .text = pa_intern(e, "a template")
	};
	const struct pa_value *phase = pa_env_find(e, env, PA_SLOT_PHASE), *state = pa_env_find(e, env, PA_FIELD_CT_STATE);
	bool none =
		state && state->kind == PA_VALUE_CONST && (state->first == PA_CT_INVALID || state->first == PA_CT_UNTRACKED);
	if (!phase || !none)
		return env;
	if (phase->first == 1)
		env = pa_env_set_const(e, env, PA_SLOT_PHASE, 2);
	return pa_env_set(e, env, PA_FIELD_CT_STATE, &new);
}

/* `ip daddr set`: the routing decision sees the new one, except over lo, where the way was chosen on the way out. */
static pa_node write_destination(struct pa_evaluation *e, const struct pa_rule *rule, size_t step, uint32_t env,
				 const struct pa_value *value)
{
	int family = value->kind == PA_VALUE_CONST && pa_value_is_ipv4(value->first) ? 4 : 6;
	uint32_t routed = pa_new_destination(e, env, value, NULL, family);
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
	struct pa_value kept = pa_part_value(e, &old, step->text, env, breaks);
	if (kept.kind != PA_VALUE_CONST || value.kind != PA_VALUE_CONST)
		return pa_unknown_value(e, step->text);
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
		env = pa_new_source(e, env, value);
	/* without a flow there is nothing to set; the rule goes on (nft_ct_set_eval) */
	else if (field != PA_FIELD_CT_MARK || pa_env_has_flow(e, env))
		env = pa_env_set(e, env, field, value);
	return pa_steps_node(e, rule, step + 1, env);
}

struct change {
	struct pa_evaluation *e;
	const struct pa_rule *rule;
	size_t step;
	uint32_t env;
};

static pa_node assign_element(void *context, size_t element)
{
	struct change *c = context;
	const struct pa_step *step = &c->rule->steps[c->step];
	const struct pa_elements *map = step->value.map;
	const struct pa_datum *datum = element < map->count ? &map->data[element] : map->catch_all;
	struct pa_value value = pa_unknown_value(c->e, step->text);
	if (datum->kind == PA_DATUM_VALUES && step->value.datum_index < datum->count)
		value = pa_interval_value(c->e, datum->values[step->value.datum_index], step->text);
	return assign(c->e, c->rule, c->step, c->env, &value);
}

static pa_node assign_map(struct change *c)
{
	const struct pa_step *step = &c->rule->steps[c->step];
	const struct pa_elements *map = step->value.map;
	pa_node miss = pa_outcome(c->e, PA_OUTCOME_NEXT, c->env);
	struct pa_value any = pa_unknown_value(c->e, step->text);
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
	struct change change = { e, rule, step, env };
	struct pa_value value = pa_unknown_value(e, s->text);
	bool breaks = false;
	switch (s->value.kind) {
	case PA_OPERAND_VALUE:
		value = pa_interval_value(e, s->value.interval, s->text);
		break;
	case PA_OPERAND_FIELD:
		value = pa_part_value(e, &s->value.part, s->text, env, &breaks);
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
