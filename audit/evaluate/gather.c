/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Announce every constant that the rules compare a packet field with, and number the steps and their key parts. */
#include "evaluation.h"

struct gathering {
	struct pa_evaluation *e;
	struct pa_cuts *cuts;
	struct pa_table128 seen;
	uint32_t parts;
};

/* Fields that the environment always holds are compared by value and need no classes. */
static bool by_value(const struct pa_evaluation *e, enum pa_field field)
{
	if (e->symbolic)
		return false;
	return field == PA_FIELD_MARK || field == PA_FIELD_CT_MARK || field == PA_FIELD_CT_STATE ||
	       field == PA_FIELD_CT_STATUS || field == PA_FIELD_CT_DIRECTION;
}

/* The flow's original header is the header of its first packet, the reply's is that turned round. */
enum pa_field pa_field_alias(const struct pa_evaluation *e, enum pa_field field)
{
	if (e->symbolic)
		return field;
	for (size_t i = 0; i < PA_TUPLE_PARTS; i++) {
		if (field == pa_tuple[i].original)
			return pa_tuple[i].header;
		if (field == pa_tuple[i].reply)
			return pa_tuple[pa_tuple_turned(i)].header;
	}
	return field == PA_FIELD_CT_PROTOCOL ? PA_FIELD_L4PROTO : field;
}

const struct pa_key *pa_step_key(const struct pa_step *step, const struct pa_elements **ret_elements)
{
	if (step->kind == PA_STEP_MATCH || step->kind == PA_STEP_VMAP) {
		*ret_elements = step->elements;
		return &step->key;
	}
	if ((step->kind == PA_STEP_ASSIGN || step->kind == PA_STEP_NAT) && step->value.kind == PA_OPERAND_MAP) {
		*ret_elements = step->value.map;
		return &step->value.key;
	}
	if (step->kind == PA_STEP_NAT && step->port.kind == PA_OPERAND_MAP) {
		*ret_elements = step->port.map;
		return &step->port.key;
	}
	return NULL;
}

/* The constants of the first next header and of the transport protocol cut each other, when a rule asks for the former. */
static void announce_twin(struct gathering *g, enum pa_field field, const struct pa_interval *items, size_t count,
			  size_t stride)
{
	if (g->e->plan.reads_nexthdr && field == PA_FIELD_L4PROTO)
		pa_cuts_add(g->cuts, PA_FIELD_IP6_NEXTHDR, items, count, stride, false);
	if (field == PA_FIELD_IP6_NEXTHDR)
		pa_cuts_add(g->cuts, PA_FIELD_L4PROTO, items, count, stride, false);
}

/* Each element is a test of its own. */
static const uint32_t *announce_each(struct gathering *g, enum pa_field field, const struct pa_interval *items, size_t count,
				     size_t stride)
{
	uint32_t *tests = pa_arena_alloc(g->e->arena, count, sizeof(*tests));
	for (size_t i = 0; i < count; i++)
		tests[i] = pa_cuts_add_interval(g->cuts, field, items[i * stride]);
	return tests;
}

/* Each element of a map or concatenation under a mask has a preimage of its own (element_guards() asks for the same). */
static bool gather_preimages(struct gathering *g, const struct pa_key_part *part, const struct pa_elements *elements,
			     unsigned at)
{
	for (size_t i = 0; i < elements->count; i++) {
		struct pa_interval *intervals;
		size_t count;
		if (!pa_preimage(pa_field_info(part->field)->bits, part->mask, part->xor_value,
				 &elements->keys[i * elements->parts + at], 1, 1, g->e->arena, &intervals, &count))
			return false;
		pa_cuts_add(g->cuts, pa_field_alias(g->e, part->field), intervals, count, 1, false);
		announce_twin(g, pa_field_alias(g->e, part->field), intervals, count, 1);
	}
	return true;
}

static void gather_part(struct gathering *g, const struct pa_key_part *part, const struct pa_elements *elements, unsigned at,
			struct pa_part_cache *cache)
{
	cache->test = PA_NO_TEST;
	if (part->opaque && part->fib != PA_FIB_NONE)
		pa_fib_gather(g->e, part->fib, elements, g->cuts);
	if (part->opaque && part->link)
		pa_link_gather(g->e, part->link, g->cuts);
	if (part->opaque || by_value(g->e, part->field))
		return;
	const struct pa_interval *items = elements->keys + at;
	size_t count = elements->count, stride = elements->parts;
	bool together = elements->parts == 1 && !elements->data,
	     plain = part->mask == pa_field_max(part->field) && !part->xor_value;
	if (!plain) {
		struct pa_interval *intervals;
		if (!together) {
			cache->impossible_mask = !gather_preimages(g, part, elements, at);
			return;
		}
		if (!pa_preimage(pa_field_info(part->field)->bits, part->mask, part->xor_value, items, count, stride,
				 g->e->arena, &intervals, &count)) {
			cache->impossible_mask = true;
			return;
		}
		cache->intervals = items = intervals;
		cache->count = count;
		stride = 1;
	} else if (elements->decl) {
		/* a named set is announced once, however many rules ask it */
		uint64_t key = (uint64_t)at << 8 | (uint64_t)pa_field_alias(g->e, part->field);
		uint32_t first = pa_table128_find(&g->seen, (uint64_t)(uintptr_t)elements, key);
		if (first != PA_TABLE_NONE) {
			*cache = g->e->parts[first];
			return;
		}
		pa_table128_put(&g->seen, (uint64_t)(uintptr_t)elements, key, (uint32_t)(cache - g->e->parts));
	}
	enum pa_field field = pa_field_alias(g->e, part->field);
	if (!together)
		cache->tests = announce_each(g, field, items, count, stride);
	else if (count == 1)
		cache->test = pa_cuts_add_interval(g->cuts, field, items[0]);
	else
		pa_cuts_add(g->cuts, field, items, count, stride, elements->sorted && plain);
	announce_twin(g, field, items, count, stride);
}

/* One of several destinations is drawn; of several sources the packet's own is kept. */
static bool is_compared(enum pa_field field, struct pa_interval value)
{
	return value.first == value.last || field == PA_FIELD_SADDR || field == PA_FIELD_SPORT;
}

static void gather_datum(struct gathering *g, const struct pa_datum *datum, unsigned index, enum pa_field field)
{
	if (datum->kind == PA_DATUM_VALUES && index < datum->count && is_compared(field, datum->values[index]))
		pa_cuts_add_interval(g->cuts, field, datum->values[index]);
}

/* A translation to where the packet goes anyway sets no status bit: where somebody looks, its values cut too. */
static void gather_target(struct gathering *g, const struct pa_operand *operand, enum pa_field field)
{
	bool value = operand->kind == PA_OPERAND_VALUE || operand->kind == PA_OPERAND_PREFIX;
	if (value && is_compared(field, operand->interval))
		pa_cuts_add_interval(g->cuts, field, operand->interval);
	if (operand->kind != PA_OPERAND_MAP)
		return;
	for (size_t i = 0; operand->map->data && i < operand->map->count; i++)
		gather_datum(g, &operand->map->data[i], operand->datum_index, field);
	if (operand->map->catch_all)
		gather_datum(g, operand->map->catch_all, operand->datum_index, field);
}

static void gather_step(struct gathering *g, const struct pa_step *step, uint32_t number)
{
	const struct pa_elements *elements;
	const struct pa_key *key = pa_step_key(step, &elements);
	if (step->kind == PA_STEP_NAT && g->e->plan.reads_status && !g->e->symbolic) {
		bool source = step->nat == PA_NAT_SNAT || step->nat == PA_NAT_MASQUERADE;
		gather_target(g, &step->value, source ? PA_FIELD_SADDR : PA_FIELD_DADDR);
		gather_target(g, &step->port, source ? PA_FIELD_SPORT : PA_FIELD_DPORT);
	}
	g->e->first_part[number] = g->parts;
	for (unsigned i = 0; key && i < key->count; i++)
		gather_part(g, &key->parts[i], elements, i, &g->e->parts[g->parts++]);
}

void pa_gather(struct pa_evaluation *e, struct pa_cuts *cuts)
{
	struct gathering g = { .e = e, .cuts = cuts };
	e->parts = pa_arena_alloc(e->arena, e->plan.key_parts + 1, sizeof(*e->parts));
	e->first_part = pa_arena_alloc(e->arena, e->plan.steps + 1, sizeof(*e->first_part));
	e->step_base = pa_arena_alloc(e->arena, e->ruleset->rule_count + 1, sizeof(*e->step_base));
	e->rules = pa_arena_alloc(e->arena, e->ruleset->rule_count + 1, sizeof(*e->rules));
	uint32_t number = 0;
	for (size_t i = 0; i < e->ruleset->rule_count; i++) {
		const struct pa_rule *rule = e->ruleset->rules[i];
		e->step_base[i] = number;
		for (size_t k = 0; k < rule->step_count; k++)
			gather_step(&g, &rule->steps[k], number++);
		pa_rule_learn(e, rule, &e->rules[i]);
	}
	pa_source_gather(e, cuts);
	pa_table128_done(&g.seen);
}

struct pa_part_cache *pa_part(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step, unsigned part)
{
	uint32_t number = e->step_base[rule->id] + (uint32_t)(step - rule->steps);
	return &e->parts[e->first_part[number] + part];
}
