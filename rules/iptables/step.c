/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps and what they hold. */
#include "xt.h"

#include <stdlib.h>

/* --- texts -------------------------------------------------------------------------------------------------------------- */

static void put_option(struct pa_buffer *out, const struct pa_xt_option *option, bool foreign)
{
	if (foreign) { /* a word as it stands */
		pa_xt_put_word(out, option->word->text);
		return;
	}
	pa_buffer_printf(out, "--%s", option->spelled);
	for (unsigned i = 0; i < 2 && option->arguments[i]; i++) {
		pa_buffer_putc(out, ' ');
		pa_xt_put_word(out, option->arguments[i]->text);
	}
}

static const char *keep(struct pa_arena *arena, struct pa_buffer *text)
{
	const char *kept = pa_arena_strndup(arena, text->data ? text->data : "", text->length);
	pa_buffer_done(text);
	return kept;
}

static const struct pa_xt_use *use_of(const struct pa_xt_lowering *lowering, const struct pa_xt_option *option)
{
	const struct pa_xt_rule *rule = lowering->rule;
	for (size_t i = 0; i < rule->match_count; i++) {
		const struct pa_xt_use *use = rule->matches[i];
		if (use->count && option >= use->options && option < use->options + use->count)
			return use;
	}
	return rule->target;
}

const char *pa_xt_option_text(struct pa_xt_lowering *lowering, const struct pa_xt_option *option)
{
	struct pa_buffer text = { 0 };
	put_option(&text, option, use_of(lowering, option)->extension == NULL);
	return keep(lowering->arena, &text);
}

/* --- keys and elements ------------------------------------------------------------------------------------------------------ */

struct pa_key pa_xt_key(struct pa_arena *arena, enum pa_field field, pa_u128 mask)
{
	struct pa_key key = { .count = 1, .parts = pa_arena_alloc(arena, 1, sizeof(*key.parts)) };
	key.parts[0].field = field;
	key.parts[0].mask = mask & pa_field_max(field);
	return key;
}

static int compare_intervals(const void *a, const void *b)
{
	const struct pa_interval *x = a, *y = b;
	return x->first < y->first ? -1 : x->first > y->first;
}

size_t pa_xt_merge(struct pa_interval *keys, size_t count)
{
	size_t merged = 0;
	qsort(keys, count, sizeof(*keys), compare_intervals);
	for (size_t i = 0; i < count; i++) {
		struct pa_interval *last = merged ? &keys[merged - 1] : NULL;
		if (last && (last->last == PA_U128_MAX || keys[i].first <= last->last + 1)) {
			if (keys[i].last > last->last)
				last->last = keys[i].last;
			continue;
		}
		keys[merged++] = keys[i];
	}
	return merged;
}

struct pa_elements *pa_xt_elements(struct pa_arena *arena, const struct pa_interval *keys, size_t count, unsigned parts)
{
	struct pa_elements *elements = pa_arena_alloc(arena, 1, sizeof(*elements));
	*elements = (struct pa_elements){ .parts = parts, .count = count, .sorted = parts == 1 };
	elements->keys = pa_arena_alloc(arena, count * parts + 1, sizeof(*keys));
	if (count)
		memcpy(elements->keys, keys, count * parts * sizeof(*keys));
	if (parts == 1)
		elements->count = pa_xt_merge(elements->keys, count);
	return elements;
}

/* --- steps ------------------------------------------------------------------------------------------------------------------- */

struct pa_step pa_xt_test(struct pa_arena *arena, enum pa_field field, const struct pa_interval *keys, size_t count,
			  bool negated)
{
	struct pa_step step = { .kind = PA_STEP_MATCH, .negated = negated };
	step.key = pa_xt_key(arena, field, pa_field_max(field));
	step.elements = pa_xt_elements(arena, keys, count, 1);
	return step;
}

struct pa_step pa_xt_test_value(struct pa_arena *arena, enum pa_field field, pa_u128 value, bool negated)
{
	struct pa_interval key = { value, value };
	return pa_xt_test(arena, field, &key, 1, negated);
}

struct pa_step pa_xt_test_masked(struct pa_arena *arena, enum pa_field field, pa_u128 mask, pa_u128 value, bool negated)
{
	struct pa_step step = pa_xt_test_value(arena, field, value, negated);
	step.key.parts[0].mask = mask & pa_field_max(field);
	return step;
}

struct pa_step pa_xt_test_pair(struct pa_arena *arena, enum pa_field first, enum pa_field second,
			       const struct pa_interval *boxes, size_t count, bool negated)
{
	struct pa_step step = { .kind = PA_STEP_MATCH, .negated = negated };
	step.key = (struct pa_key){ .count = 2, .parts = pa_arena_alloc(arena, 2, sizeof(struct pa_key_part)) };
	step.key.parts[0] = (struct pa_key_part){ .field = first, .mask = pa_field_max(first) };
	step.key.parts[1] = (struct pa_key_part){ .field = second, .mask = pa_field_max(second) };
	step.elements = pa_xt_elements(arena, boxes, count, 2);
	return step;
}

struct pa_step pa_xt_no_effect(const char *text)
{
	return (struct pa_step){ .kind = PA_STEP_NONE, .text = text };
}

struct pa_step pa_xt_opaque_step(const char *text, enum pa_opacity opacity, bool is_volatile)
{
	return (struct pa_step){ .kind = PA_STEP_OPAQUE, .text = text, .opacity = opacity, .volatile_ = is_volatile };
}

struct pa_step pa_xt_question(struct pa_arena *arena, const char *text)
{
	struct pa_step step = pa_xt_test_value(arena, PA_FIELD_NFPROTO, 1, false);
	step.key.parts[0] = (struct pa_key_part){ .mask = PA_U128_MAX, .opaque = text };
	step.text = text;
	return step;
}

struct pa_step pa_xt_assign_step(enum pa_field field, const char *text)
{
	return (struct pa_step){ .kind = PA_STEP_ASSIGN, .field = field, .text = text };
}

/* --- into the rule ---------------------------------------------------------------------------------------------------------------- */

static void push(struct pa_arena *arena, struct pa_xt_way *way, const struct pa_step *step)
{
	if (way->count == way->capacity) {
		struct pa_step *old = way->steps;
		way->capacity = way->capacity ? way->capacity * 2 : 8;
		way->steps = pa_arena_alloc(arena, way->capacity, sizeof(*way->steps));
		if (old)
			memcpy(way->steps, old, way->count * sizeof(*old));
	}
	way->steps[way->count++] = *step;
}

void pa_xt_add(struct pa_xt_lowering *lowering, const struct pa_step *step)
{
	for (size_t i = 0; i < lowering->way_count; i++)
		push(lowering->arena, &lowering->ways[i], step);
}

/* What is left of the values of a field of at most eight bits; false: nothing. A flow's field is read of packets with a flow only. */
static bool is_possible(const struct pa_xt_way *way, enum pa_field field)
{
	bool out[256] = { false };
	unsigned left = 0;
	for (size_t i = 0; i < way->count; i++) {
		const struct pa_step *step = &way->steps[i];
		if (step->kind != PA_STEP_MATCH || step->key.count != 1 || step->key.parts[0].opaque || step->elements->opaque)
			continue;
		enum pa_field tested = step->key.parts[0].field;
		if (field == PA_FIELD_CT_STATE && pa_field_is_of_flow(tested))
			out[PA_CT_INVALID] = out[PA_CT_UNTRACKED] = true;
		for (unsigned value = 0; tested == field && value < 256; value++) {
			bool in = false;
			for (size_t k = 0; k < step->elements->count; k++)
				in = in || (value >= step->elements->keys[k].first && value <= step->elements->keys[k].last);
			out[value] = out[value] || in == step->negated;
		}
	}
	for (unsigned value = 0; value < 256; value++) {
		bool is_state = value == PA_CT_INVALID || value == PA_CT_ESTABLISHED || value == PA_CT_RELATED ||
				value == PA_CT_NEW || value == PA_CT_UNTRACKED;
		left += !out[value] && (field != PA_FIELD_CT_STATE || is_state);
	}
	return left > 0;
}

/* Ways that contradict themselves are left out, but for one of them when all do: the rule is there. */
static void keep_possible(struct pa_xt_lowering *lowering)
{
	size_t kept = 0;
	for (size_t i = 0; i < lowering->way_count; i++)
		if (is_possible(&lowering->ways[i], PA_FIELD_CT_STATE) && is_possible(&lowering->ways[i], PA_FIELD_L4PROTO))
			lowering->ways[kept++] = lowering->ways[i];
	lowering->way_count = kept ? kept : 1;
}

void pa_xt_add_fork(struct pa_xt_lowering *lowering, const struct pa_xt_fork *forks, size_t count)
{
	struct pa_xt_way *ways = pa_arena_alloc(lowering->arena, lowering->way_count * count + 1, sizeof(*ways));
	if (lowering->way_count * count > PA_XT_WAYS_MAX) {
		pa_xt_fail(lowering, NULL, "this rule asks for too many alternatives at once");
		return;
	}
	for (size_t i = 0; i < lowering->way_count; i++) {
		for (size_t k = 0; k < count; k++) {
			struct pa_xt_way *way = &ways[i * count + k];
			for (size_t s = 0; s < lowering->ways[i].count; s++)
				push(lowering->arena, way, &lowering->ways[i].steps[s]);
			for (size_t s = 0; s < forks[k].count; s++)
				push(lowering->arena, way, &forks[k].steps[s]);
		}
	}
	lowering->ways = ways;
	lowering->way_count *= count;
	keep_possible(lowering);
}

void pa_xt_add_option(struct pa_xt_lowering *lowering, const struct pa_xt_option *option, struct pa_step step)
{
	const char *text = pa_xt_option_text(lowering, option);
	step.text = option->negated ? pa_arena_printf(lowering->arena, "! %s", text) : text;
	pa_xt_add(lowering, &step);
}

static const char *use_text(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, const struct pa_xt_option *only)
{
	struct pa_buffer text = { 0 };
	pa_buffer_printf(&text, "%s %s", use == lowering->rule->target ? "-j" : "-m", use->name);
	for (size_t i = 0; i < use->count; i++) {
		if (only && only != &use->options[i])
			continue;
		pa_buffer_puts(&text, use->options[i].negated ? " ! " : " ");
		put_option(&text, &use->options[i], use->extension == NULL);
	}
	return keep(lowering->arena, &text);
}

static void add_opaque(struct pa_xt_lowering *lowering, const char *text, bool is_volatile)
{
	struct pa_step step =
		is_volatile ? pa_xt_opaque_step(text, PA_OPACITY_MATCH, true) : pa_xt_question(lowering->arena, text);
	pa_xt_add(lowering, &step);
}

void pa_xt_add_opaque(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, bool is_volatile)
{
	add_opaque(lowering, use_text(lowering, use, NULL), is_volatile);
}

void pa_xt_add_opaque_option(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, const struct pa_xt_option *option,
			     bool is_volatile)
{
	add_opaque(lowering, use_text(lowering, use, option), is_volatile);
}

const char *pa_xt_use_text(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	return use_text(lowering, use, NULL);
}
