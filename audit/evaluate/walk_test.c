/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests in a state of the walk. A test that splits puts a copy of the state on the work list, narrowed to where the answer is the
 * other one; the copy asks the same test again and finds it decided. So a test may be asked twice and must change nothing else.
 */
#include "evaluation.h"
#include "moment.h"
#include "walker.h"

#include "preimage.h"

#include <stdlib.h>
#include <string.h>

void pa_wsplit(struct pa_wrun *run, const struct pa_wstate *other)
{
	if (run->splits == run->limit) {
		run->cut = true;
		return;
	}
	run->splits++;
	pa_grow(&run->work, &run->work_capacity, run->work_count + 1, sizeof(*run->work));
	run->work[run->work_count++] = pa_arena_dup(run->arena, other, 1, sizeof(*other));
}

bool pa_wassume(struct pa_wrun *run, struct pa_wstate *state, const char *text, uint64_t key, bool understood)
{
	for (const struct pa_wassumption *a = state->assumptions; a; a = a->before) {
		if (a->key == key && strcmp(a->text, text) == 0)
			return a->holds;
	}
	struct pa_wassumption *pair = pa_arena_alloc(run->arena, 2, sizeof(*pair));
	pair[0] = (struct pa_wassumption){ state->assumptions, &pair[1], text, key, true, understood };
	pair[1] = (struct pa_wassumption){ state->assumptions, &pair[0], text, key, false, understood };
	struct pa_wstate other = *state;
	other.assumptions = &pair[1];
	pa_wsplit(run, &other);
	state->assumptions = &pair[0];
	return true;
}

/* --- intervals --- */

/* The first of sorted intervals that ends at or behind a value. */
static size_t first_reaching(const struct pa_interval *items, size_t count, pa_u128 value)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (items[middle].last < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The common part of a range and of sorted intervals, which may be very many: each interval of the range looks for its own. */
static struct pa_wrange intersect(struct pa_wrun *run, struct pa_wrange range, const struct pa_interval *items, size_t count)
{
	struct pa_interval *out = NULL;
	size_t n = 0, capacity = 0, at = 0;
	for (size_t i = 0; i < range.count; i++) {
		struct pa_interval mine = range.items[i];
		at += first_reaching(items + at, count - at, mine.first);
		for (size_t j = at; j < count && items[j].first <= mine.last; j++) {
			pa_u128 first = mine.first > items[j].first ? mine.first : items[j].first;
			pa_u128 last = mine.last < items[j].last ? mine.last : items[j].last;
			pa_grow(&out, &capacity, n + 1, sizeof(*out));
			out[n++] = (struct pa_interval){ first, last };
		}
	}
	struct pa_wrange common = { pa_arena_dup(run->arena, out, n, sizeof(*out)), n };
	free(out);
	return common;
}

static struct pa_wrange subtract(struct pa_wrun *run, struct pa_wrange range, struct pa_wrange gone)
{
	struct pa_interval *out = pa_arena_alloc(run->arena, range.count + gone.count + 1, sizeof(*out));
	size_t n = 0, j = 0;
	for (size_t i = 0; i < range.count; i++) {
		pa_u128 first = range.items[i].first;
		bool open = true;
		while (j < gone.count && gone.items[j].last < first)
			j++;
		while (j < gone.count && gone.items[j].first <= range.items[i].last) {
			if (gone.items[j].first > first)
				out[n++] = (struct pa_interval){ first, gone.items[j].first - 1 };
			open = gone.items[j].last < range.items[i].last;
			if (!open)
				break;
			first = gone.items[j++].last + 1;
		}
		if (open)
			out[n++] = (struct pa_interval){ first, range.items[i].last };
	}
	return (struct pa_wrange){ out, n };
}

static bool is_single(struct pa_wrange range)
{
	return range.count == 1 && range.items[0].first == range.items[0].last;
}

static bool equal_ranges(struct pa_wrange a, struct pa_wrange b)
{
	return a.count == b.count && memcmp(a.items, b.items, a.count * sizeof(*a.items)) == 0;
}

/* Narrow the packet's field to `hit`, leaving the rest to another state. */
bool pa_wnarrow(struct pa_wrun *run, struct pa_wstate *state, enum pa_field field, const struct pa_interval *items,
		size_t count)
{
	struct pa_wrange range = state->packet[field], hit = intersect(run, range, items, count);
	if (hit.count == 0)
		return false;
	if (equal_ranges(hit, range))
		return true;
	struct pa_wrange rest = subtract(run, range, hit);
	if (rest.count == 0) /* neighbouring intervals that hold all of it together */
		return true;
	struct pa_wstate other = *state;
	other.split_mask |= (pa_u128)1 << field;
	other.packet[field] = rest;
	pa_wsplit(run, &other);
	state->split_mask |= (pa_u128)1 << field;
	state->packet[field] = hit;
	return true;
}

bool pa_wfield_in(struct pa_wrun *run, struct pa_wstate *state, enum pa_field field, pa_u128 first, pa_u128 last)
{
	const struct pa_wvalue *value = &state->now[field];
	struct pa_interval wanted = { first, last };
	switch (value->kind) {
	case PA_W_PACKET:
		return pa_wnarrow(run, state, value->field, &wanted, 1);
	case PA_W_VALUE:
		if (value->first >= first && value->last <= last)
			return true;
		if (value->last < first || value->first > last)
			return false;
		break;
	case PA_W_UNKNOWN:
	case PA_W_SELF:
		break;
	}
	return pa_wassume(run, state, value->text, pa_interval_key(first, last), true);
}

bool pa_whas_flow(struct pa_wrun *run, struct pa_wstate *state)
{
	const struct pa_wvalue *now = &state->now[PA_FIELD_CT_STATE];
	if (now->kind == PA_W_VALUE && (now->first == PA_CT_INVALID || now->text))
		return false;
	/* established, related, new */
	struct pa_interval with[] = { { PA_CT_ESTABLISHED, PA_CT_ESTABLISHED },
				      { PA_CT_RELATED, PA_CT_RELATED },
				      { PA_CT_NEW, PA_CT_NEW } };
	if (state->now[PA_FIELD_CT_STATE].kind == PA_W_PACKET)
		return pa_wnarrow(run, state, PA_FIELD_CT_STATE, with, 3);
	pa_u128 value = state->now[PA_FIELD_CT_STATE].first;
	return value == PA_CT_ESTABLISHED || value == PA_CT_RELATED || value == PA_CT_NEW;
}

/* Behind pa_whas_flow(). */
static bool has_template(const struct pa_wstate *state)
{
	const struct pa_wvalue *now = &state->now[PA_FIELD_CT_STATE];
	return now->kind == PA_W_VALUE && now->text;
}

enum pa_wread pa_wreadable(struct pa_wrun *run, struct pa_wstate *state, const struct pa_key_part *part)
{
	if (!pa_part_needs_flow(part) || pa_whas_flow(run, state))
		return PA_WREAD_VALUE;
	return part->of_xtables && has_template(state) ? PA_WREAD_UNKNOWN : PA_WREAD_NOTHING;
}

/* --- one key part --- */

static bool elements_have(const struct pa_elements *elements, pa_u128 value)
{
	if (!elements->sorted) {
		for (size_t i = 0; i < elements->count; i++) {
			if (value >= elements->keys[i].first && value <= elements->keys[i].last)
				return true;
		}
		return false;
	}
	size_t low = 0, high = elements->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (elements->keys[middle].last < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low < elements->count && elements->keys[low].first <= value;
}

/* A name for "this test, at this visit": two visits of a volatile test may differ. */
static uint64_t visit_key(const struct pa_wstate *state, const struct pa_rule *rule, const struct pa_step *step)
{
	uint64_t key = (uint64_t)rule->id << 16 | (uint64_t)(step - rule->steps);
	for (unsigned i = 0; i < state->depth; i++)
		key = key * 0x100000001b3u ^ ((uint64_t)state->frames[i].chain->id << 32 | state->frames[i].rule);
	return key;
}

/* `key` tells apart tests of one text; what a negated test gives is turned around by the caller. */
static bool unknown_test(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule, const struct pa_step *step,
			 const char *what, const void *key, bool volatile_)
{
	const char *text = step->text ? step->text : what ? what : "an unknown value";
	struct pa_buffer positive = { 0 };
	bool opposite = step->negated && step->key.count == 1 && !pa_is_same_as_positive(&step->key.parts[0], text, &positive);
	if (positive.length)
		text = pa_arena_strdup(run->arena, positive.data);
	pa_buffer_done(&positive);
	bool holds = pa_wassume(run, state, text,
				volatile_ || !step->text ? visit_key(state, rule, step) : (uint64_t)(uintptr_t)key, volatile_);
	return holds != opposite;
}

/* 1: all values of `value` are in the elements, 0: none is, -1: some are, or may be. */
static int range_holds(const struct pa_elements *elements, struct pa_interval value)
{
	int result = 0;
	for (size_t i = 0; i < elements->count; i++) {
		if (elements->keys[i].first <= value.first && elements->keys[i].last >= value.last)
			return 1;
		if (elements->keys[i].first <= value.last && elements->keys[i].last >= value.first)
			result = -1;
	}
	return result;
}

/* A test that only the time decides. -1: it is none, or the time is not known. */
static int moment_holds(const struct pa_wrun *run, const struct pa_key_part *part, const struct pa_elements *elements)
{
	struct pa_interval value;
	if (!part->opaque || !pa_moment_value(part->moment, run->walker->host, &value))
		return -1;
	return range_holds(elements, value);
}

/* A value that the packet does not carry but the walk knows. -1: not decided. */
static int value_holds(const struct pa_wvalue *value, const struct pa_key_part *part, const struct pa_elements *elements)
{
	if (value->kind != PA_W_VALUE)
		return -1;
	if (value->first == value->last)
		return elements_have(elements, (value->first & part->mask) ^ part->xor_value);
	if (part->mask != pa_field_max(part->field) || part->xor_value)
		return -1;
	return range_holds(elements, (struct pa_interval){ value->first, value->last });
}

static enum pa_wanswer single_test(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule,
				   const struct pa_step *step)
{
	const struct pa_key_part *part = &step->key.parts[0];
	const struct pa_elements *elements = step->elements;
	int known = moment_holds(run, part, elements);
	if (known >= 0)
		return known ? PA_W_YES : PA_W_NO;
	known = part->opaque ? pa_wfib(run, state, rule, step) : -1;
	if (known >= 0)
		return known ? PA_W_YES : PA_W_NO;
	known = part->opaque && part->link ? pa_winterface(run, state, rule, part->link, elements) : -1;
	if (known >= 0)
		return (enum pa_wanswer)known;
	if (part->opaque)
		return unknown_test(run, state, rule, step, part->opaque,
				    part->reason ? (const void *)elements->decl : part->opaque, part->volatile_)
			       ? PA_W_YES
			       : PA_W_NO;
	enum pa_wread read = pa_wreadable(run, state, part);
	if (read == PA_WREAD_NOTHING)
		return PA_W_BREAK;
	if (read == PA_WREAD_UNKNOWN)
		return unknown_test(run, state, rule, step, pa_field_info(part->field)->name, NULL, true) ? PA_W_YES : PA_W_NO;
	const struct pa_wvalue *value = pa_wnow(run, state, part);
	if (value->kind != PA_W_PACKET) {
		int holds = value_holds(value, part, elements);
		if (holds < 0)
			holds = unknown_test(run, state, rule, step, value->text, value->text, false);
		return holds ? PA_W_YES : PA_W_NO;
	}
	struct pa_wrange range = state->packet[value->field];
	if (is_single(range))
		return elements_have(elements, (range.items[0].first & part->mask) ^ part->xor_value) ? PA_W_YES : PA_W_NO;
	struct pa_interval *items;
	size_t count;
	if (part->mask == pa_field_max(part->field) && !part->xor_value && elements->sorted)
		return pa_wnarrow(run, state, value->field, elements->keys, elements->count) ? PA_W_YES : PA_W_NO;
	if (!pa_preimage(pa_field_info(part->field)->bits, part->mask, part->xor_value, elements->keys, elements->count, 1,
			 run->arena, &items, &count))
		return unknown_test(run, state, rule, step, pa_field_info(part->field)->name, NULL, false) ? PA_W_YES : PA_W_NO;
	return pa_wnarrow(run, state, value->field, items, count) ? PA_W_YES : PA_W_NO;
}

/* --- concatenations and lookups --- */

/* Part p of element i in this state: 1 holds, 0 not. Splits. */
static bool part_holds(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule, const struct pa_step *step,
		       const struct pa_key_part *part, const struct pa_interval *key)
{
	struct pa_elements one = { .parts = 1, .count = 1, .sorted = true };
	struct pa_interval copy = *key;
	one.keys = &copy;
	struct pa_key_part copied = *part;
	struct pa_step single = { .key = { 1, &copied }, .elements = &one, .text = step->text };
	/* unknown parts: a question per element */
	const struct pa_wvalue *now = part->opaque ? NULL : pa_wnow(run, state, part);
	if (!now || now->kind != PA_W_PACKET) {
		int holds = now ? value_holds(now, part, &one) : moment_holds(run, part, &one);
		if (part->opaque && part->link)
			holds = pa_winterface(run, state, rule, part->link, &one);
		if (holds < 0)
			return pa_wassume(run, state, step->text ? step->text : "a map lookup",
					  visit_key(state, rule, step) * 31 + pa_interval_key(key->first, key->last),
					  part->volatile_);
		return holds == 1;
	}
	return single_test(run, state, rule, &single) == PA_W_YES;
}

static bool key_breaks(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule, const struct pa_key *key)
{
	for (unsigned p = 0; p < key->count; p++) {
		const struct pa_key_part *part = &key->parts[p];
		if (pa_wreadable(run, state, part) == PA_WREAD_NOTHING)
			return true;
		if (part->opaque && part->link && pa_winterface(run, state, rule, part->link, NULL) == PA_W_BREAK)
			return true;
	}
	return false;
}

/* May a part that is no field have no answer? Of one that asks for an interface it is known by now. */
static bool may_lack_answer(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule, const struct pa_key *key)
{
	for (unsigned p = 0; p < key->count; p++) {
		const struct pa_key_part *part = &key->parts[p];
		bool known = part->opaque && part->link && pa_winterface(run, state, rule, part->link, NULL) == PA_W_YES;
		if (part->opaque && !part->always && !known)
			return true;
	}
	return false;
}

/* Could this element match at all? Spares the splits of elements that are far away. */
static bool may_hold(const struct pa_wrun *run, const struct pa_wstate *state, const struct pa_key *key,
		     const struct pa_interval *keys)
{
	for (unsigned p = 0; p < key->count; p++) {
		const struct pa_key_part *part = &key->parts[p];
		struct pa_interval given = pa_opaque_outcomes(part);
		if (part->opaque && (keys[p].last < given.first || keys[p].first > given.last))
			return false;
		bool by_routes = part->field == PA_FIELD_SADDR_TYPE && !part->of_xtables && run->walker->source_region_count;
		if (part->opaque || by_routes || state->now[part->field].kind != PA_W_PACKET ||
		    part->mask != pa_field_max(part->field) || part->xor_value)
			continue;
		struct pa_wrange range = state->packet[state->now[part->field].field];
		if (range.items[range.count - 1].last < keys[p].first || range.items[0].first > keys[p].last)
			return false;
	}
	return true;
}

/* The last element that an expression can give which has no other answer than these; SIZE_MAX: it may give another. */
static size_t inevitable(const struct pa_key *key, const struct pa_elements *map)
{
	struct pa_interval given = pa_opaque_outcomes(&key->parts[0]);
	if (key->count != 1 || !key->parts[0].opaque || !pa_covers(map, given.first, given.last))
		return SIZE_MAX;
	for (size_t i = map->count; i-- > 0;) {
		if (map->keys[i].last >= given.first && map->keys[i].first <= given.last)
			return i;
	}
	return SIZE_MAX;
}

/* Where there is nothing to look up the rule ends, whatever is negated in it. Splits. */
static bool has_answer(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule, const struct pa_step *step)
{
	const char *text = pa_arena_printf(run->arena, "%s has an answer", step->text ? step->text : "a map lookup");
	return pa_wassume(run, state, text, visit_key(state, rule, step), true);
}

static size_t find_element(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule, const struct pa_step *step,
			   const struct pa_key *key, const struct pa_elements *map)
{
	size_t certain = inevitable(key, map);
	if (map->has_catch_all && may_lack_answer(run, state, rule, key) && !has_answer(run, state, rule, step))
		return SIZE_MAX;
	for (size_t i = 0; i < map->count; i++) {
		if (i == certain)
			return i;
		const struct pa_interval *keys = &map->keys[i * map->parts];
		if (!may_hold(run, state, key, keys))
			continue;
		bool holds = true;
		for (unsigned p = 0; p < key->count && holds; p++)
			holds = part_holds(run, state, rule, step, &key->parts[p], &keys[p]);
		if (holds)
			return i;
	}
	return map->has_catch_all ? map->count : SIZE_MAX;
}

static enum pa_wanswer with_changes(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule,
				    const struct pa_step *step, enum pa_wanswer answer)
{
	const struct pa_elements *elements = step->elements;
	const char *text = step->text ? step->text : "a set";
	uint64_t key = pa_changes_key(elements, rule, step);
	if (answer == PA_W_YES && elements->may_shrink && !pa_wassume(run, state, text, key + 1, true))
		answer = PA_W_NO;
	if (answer == PA_W_NO && elements->may_grow && pa_wassume(run, state, text, key + 2, true))
		answer = PA_W_YES;
	return answer;
}

enum pa_wanswer pa_wtest(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule, const struct pa_step *step)
{
	const struct pa_elements *elements = step->elements;
	enum pa_wanswer answer;
	if (key_breaks(run, state, rule, &step->key))
		return PA_W_BREAK;
	if (elements->opaque)
		answer = pa_wassume(run, state, step->text ? step->text : "a set", (uint64_t)(uintptr_t)elements, false)
				 ? PA_W_YES
				 : PA_W_NO;
	else if (elements->has_catch_all && !may_lack_answer(run, state, rule, &step->key))
		answer = PA_W_YES;
	else if (step->key.count == 1)
		answer = single_test(run, state, rule, step);
	else
		answer = find_element(run, state, rule, step, &step->key, elements) == SIZE_MAX ? PA_W_NO : PA_W_YES;
	answer = with_changes(run, state, rule, step, answer);
	if (answer == PA_W_BREAK)
		return answer;
	/* without an answer for one of several parts the rule ends; of one part the question is of the negated test itself */
	if (answer == PA_W_NO && step->negated && step->key.count > 1 && may_lack_answer(run, state, rule, &step->key) &&
	    !has_answer(run, state, rule, step))
		return PA_W_BREAK;
	return (answer == PA_W_YES) != step->negated ? PA_W_YES : PA_W_NO;
}

size_t pa_wlookup(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule, const struct pa_step *step,
		  const struct pa_key *key, const struct pa_elements *map)
{
	if (key_breaks(run, state, rule, key))
		return SIZE_MAX;
	return find_element(run, state, rule, step, key, map);
}
