/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Long chains, walked often: which rules a packet cannot match is seen from two arrays, without looking at the rules. Only tests of
 * the destination port and the source address that come before anything with an effect count.
 */
#include "walker.h"

#include <stdlib.h>

#define LONG_CHAIN 8

/* The interval that spans what a MATCH step lets through, or everything. */
static struct pa_interval span_of(const struct pa_step *step, enum pa_field field)
{
	struct pa_interval all = { 0, pa_field_max(field) };
	const struct pa_elements *elements = step->elements;
	const struct pa_key_part *part = step->key.parts;
	bool plain =
		step->key.count == 1 && !part->opaque && part->field == field && part->mask == all.last && !part->xor_value;
	if (!plain || step->negated || !elements->count || elements->opaque || elements->may_grow || elements->has_catch_all)
		return all;
	struct pa_interval span = elements->keys[0];
	for (size_t i = 1; i < elements->count && i < 64; i++) {
		span.first = elements->keys[i].first < span.first ? elements->keys[i].first : span.first;
		span.last = elements->keys[i].last > span.last ? elements->keys[i].last : span.last;
	}
	return elements->count > 64 && !elements->sorted ? all
	       : elements->count > 64 ? (struct pa_interval){ span.first, elements->keys[elements->count - 1].last }
				      : span;
}

/* The two fields of one rule. */
struct span {
	struct pa_interval port, source;
};

static void index_rule(const struct pa_rule *rule, struct span *span)
{
	span->port = (struct pa_interval){ 0, pa_field_max(PA_FIELD_DPORT) };
	span->source = (struct pa_interval){ 0, pa_field_max(PA_FIELD_SADDR) };
	for (size_t i = 0; i < rule->step_count; i++) {
		const struct pa_step *step = &rule->steps[i];
		if (step->kind == PA_STEP_NONE)
			continue;
		if (step->kind != PA_STEP_MATCH)
			return;
		struct pa_interval port = span_of(step, PA_FIELD_DPORT), source = span_of(step, PA_FIELD_SADDR);
		span->port.first = port.first > span->port.first ? port.first : span->port.first;
		span->port.last = port.last < span->port.last ? port.last : span->port.last;
		span->source.first = source.first > span->source.first ? source.first : span->source.first;
		span->source.last = source.last < span->source.last ? source.last : span->source.last;
	}
}

static bool is_narrow(const struct pa_walk_span *spans, uint32_t rule)
{
	return spans->port_first[rule] == spans->port_last[rule];
}

static int compare_by_port(const void *a, const void *b, void *context)
{
	const struct pa_walk_span *spans = context;
	const uint32_t *x = a, *y = b;
	if (spans->port_first[*x] != spans->port_first[*y])
		return spans->port_first[*x] < spans->port_first[*y] ? -1 : 1;
	return *x < *y ? -1 : *x > *y;
}

/* Rules of one port, by port and then in order; all others in order. */
static void sort_rules(struct pa_walk_span *spans, size_t count, struct pa_arena *arena)
{
	spans->narrow = pa_arena_alloc(arena, count, sizeof(*spans->narrow));
	spans->wide = pa_arena_alloc(arena, count, sizeof(*spans->wide));
	for (uint32_t i = 0; i < count; i++) {
		if (is_narrow(spans, i))
			spans->narrow[spans->narrow_count++] = i;
		else
			spans->wide[spans->wide_count++] = i;
	}
	if (spans->narrow_count)
		qsort_r(spans->narrow, spans->narrow_count, sizeof(*spans->narrow), compare_by_port, spans);
}

void pa_walk_index_make(const struct pa_ruleset *ruleset, struct pa_arena *arena, const struct pa_walk_span ***ret_index)
{
	const struct pa_walk_span **index =
		pa_arena_alloc(arena, ruleset->chain_count + 1, sizeof(const struct pa_walk_span *));
	for (size_t c = 0; c < ruleset->chain_count; c++) {
		const struct pa_chain *chain = ruleset->chains[c];
		if (chain->rule_count < LONG_CHAIN)
			continue;
		struct pa_walk_span *spans = pa_arena_alloc(arena, 1, sizeof(*spans));
		spans->port_first = pa_arena_alloc(arena, chain->rule_count, sizeof(*spans->port_first));
		spans->port_last = pa_arena_alloc(arena, chain->rule_count, sizeof(*spans->port_last));
		spans->sources = pa_arena_alloc(arena, chain->rule_count, sizeof(*spans->sources));
		for (size_t i = 0; i < chain->rule_count; i++) {
			struct span span;
			index_rule(chain->rules[i], &span);
			/* contradictions span nothing: first behind last */
			spans->port_first[i] = (uint16_t)span.port.first;
			spans->port_last[i] = (uint16_t)span.port.last;
			spans->sources[i] = span.source;
		}
		sort_rules(spans, chain->rule_count, arena);
		index[c] = spans;
	}
	*ret_index = index;
}

/* From what to what the packets of the state reach in a field that nothing has changed; everything otherwise. */
static struct pa_interval reach(const struct pa_wstate *state, enum pa_field field)
{
	if (state->now[field].kind != PA_W_PACKET)
		return (struct pa_interval){ 0, pa_field_max(field) };
	struct pa_wrange range = state->packet[state->now[field].field];
	return (struct pa_interval){ range.items[0].first, range.items[range.count - 1].last };
}

static bool source_fits(const struct pa_walk_span *spans, uint32_t rule, struct pa_interval source)
{
	return spans->sources[rule].first <= source.last && spans->sources[rule].last >= source.first;
}

/* Of the rules of exactly this port, the first from `from` on whose sources fit; `none` if there is none. */
static size_t next_narrow(const struct pa_walk_span *spans, uint16_t port, struct pa_interval source, size_t from, size_t none)
{
	size_t low = 0, high = spans->narrow_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint32_t rule = spans->narrow[middle];
		uint16_t found = spans->port_first[rule];
		if (found < port || (found == port && rule < from))
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < spans->narrow_count && spans->port_first[spans->narrow[low]] == port; low++) {
		if (source_fits(spans, spans->narrow[low], source))
			return spans->narrow[low];
	}
	return none;
}

/* The same of all other rules, before `behind`. */
static size_t next_wide(const struct pa_walk_span *spans, uint16_t port, struct pa_interval source, size_t from, size_t behind)
{
	size_t low = 0, high = spans->wide_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (spans->wide[middle] < from)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < spans->wide_count && spans->wide[low] < behind; low++) {
		uint32_t rule = spans->wide[low];
		if (spans->port_first[rule] <= port && spans->port_last[rule] >= port && source_fits(spans, rule, source))
			return rule;
	}
	return behind;
}

size_t pa_walk_index_skip(const struct pa_walk_span *spans, const struct pa_wstate *state, size_t from, size_t count)
{
	struct pa_interval port = reach(state, PA_FIELD_DPORT), source = reach(state, PA_FIELD_SADDR);
	uint16_t first = (uint16_t)port.first, last = (uint16_t)port.last;
	if (first == last)
		return next_wide(spans, first, source, from, next_narrow(spans, first, source, from, count));
	for (; from < count; from++) {
		bool fits = spans->port_first[from] <= last && spans->port_last[from] >= first;
		if (fits && source_fits(spans, (uint32_t)from, source))
			break;
	}
	return from;
}
