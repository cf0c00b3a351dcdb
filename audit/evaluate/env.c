/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Environments, outcomes and variables: interned, so that equal ones are equal numbers. */
#include "evaluation.h"

#include <stdlib.h>
#include <string.h>

static uint64_t mix(uint64_t h, uint64_t v)
{
	h ^= v + 0x9e3779b97f4a7c15u + (h << 6) + (h >> 2);
	h *= 0xff51afd7ed558ccdu;
	return h ^ (h >> 32);
}

static size_t table_slot(const struct pa_table128 *table, uint64_t a, uint64_t b)
{
	size_t slot = (size_t)mix(a, b) & (table->capacity - 1);
	while (table->values[slot] != PA_TABLE_NONE && (table->keys[slot][0] != a || table->keys[slot][1] != b))
		slot = (slot + 1) & (table->capacity - 1);
	return slot;
}

uint32_t pa_table128_find(const struct pa_table128 *table, uint64_t a, uint64_t b)
{
	return table->capacity ? table->values[table_slot(table, a, b)] : PA_TABLE_NONE;
}

void pa_table128_put(struct pa_table128 *table, uint64_t a, uint64_t b, uint32_t value)
{
	if ((table->count + 1) * 2 > table->capacity) {
		struct pa_table128 old = *table;
		table->capacity = old.capacity ? old.capacity * 2 : 64;
		table->keys = pa_xcalloc(table->capacity, sizeof(*table->keys));
		table->values = pa_xmalloc(table->capacity * sizeof(*table->values));
		memset(table->values, 0xff, table->capacity * sizeof(*table->values));
		for (size_t i = 0; i < old.capacity; i++) {
			if (old.values[i] == PA_TABLE_NONE)
				continue;
			size_t slot = table_slot(table, old.keys[i][0], old.keys[i][1]);
			memcpy(table->keys[slot], old.keys[i], sizeof(old.keys[i]));
			table->values[slot] = old.values[i];
		}
		free(old.keys);
		free(old.values);
	}
	size_t slot = table_slot(table, a, b);
	table->count += table->values[slot] == PA_TABLE_NONE;
	table->keys[slot][0] = a;
	table->keys[slot][1] = b;
	table->values[slot] = value;
}

void pa_table128_done(struct pa_table128 *table)
{
	free(table->keys);
	free(table->values);
	memset(table, 0, sizeof(*table));
}

/* --- texts --- */

const char *pa_intern(struct pa_evaluation *e, const char *text)
{
	uint64_t a = 0xcbf29ce484222325u, b = 7;
	for (const char *c = text; *c; c++) {
		a = (a ^ (unsigned char)*c) * 0x100000001b3u;
		b = mix(b, (unsigned char)*c);
	}
	uint32_t at = pa_table128_find(&e->terms->text_index, a, b);
	if (at != PA_TABLE_NONE)
		return e->terms->texts[at];
	pa_grow(&e->terms->texts, &e->terms->text_capacity, e->terms->text_count + 1, sizeof(*e->terms->texts));
	e->terms->texts[e->terms->text_count] = pa_arena_strdup(e->terms->arena, text);
	pa_table128_put(&e->terms->text_index, a, b, (uint32_t)e->terms->text_count);
	return e->terms->texts[e->terms->text_count++];
}

pa_node pa_variable(struct pa_evaluation *e, const char *text, uint64_t key, const char *reason, const struct pa_rule *rule,
		    bool understood)
{
	const char *name = pa_intern(e, pa_canonical_words(e, text));
	uint32_t at = pa_table128_find(&e->terms->variable_index, (uint64_t)(uintptr_t)name, key);
	if (at == PA_TABLE_NONE) {
		at = pa_space_add_variable(e->space);
		pa_grow(&e->terms->variables, &e->terms->variable_capacity, e->terms->variable_count + 1,
			sizeof(*e->terms->variables));
		e->terms->variables[e->terms->variable_count++] =
			(struct pa_variable){ pa_intern(e, text), pa_intern(e, reason), rule, understood };
		pa_table128_put(&e->terms->variable_index, (uint64_t)(uintptr_t)name, key, at);
	}
	return pa_node_variable(e->space, at);
}

/* --- environments --- */

/* The one copy of a value; its key is 128 bits wide. */
static const struct pa_value *intern_value(struct pa_evaluation *e, const struct pa_value *value)
{
	uint64_t a = mix((uint64_t)value->kind << 8 | (uint64_t)value->field, (uint64_t)value->first);
	uint64_t b = mix((uint64_t)(value->first >> 64), (uint64_t)(uintptr_t)value->text);
	a = mix(mix(a, (uint64_t)value->last), b);
	b = mix(mix(b, (uint64_t)(value->last >> 64)),
		(uint64_t)value->first ^ (uint64_t)value->last << 1 ^ (uint64_t)value->kind << 56);
	uint32_t at = pa_table128_find(&e->terms->value_index, a, b);
	if (at != PA_TABLE_NONE)
		return e->terms->values[at];
	pa_grow(&e->terms->values, &e->terms->value_capacity, e->terms->value_count + 1, sizeof(*e->terms->values));
	e->terms->values[e->terms->value_count] = pa_arena_dup(e->terms->arena, value, 1, sizeof(*value));
	pa_table128_put(&e->terms->value_index, a, b, (uint32_t)e->terms->value_count);
	return e->terms->values[e->terms->value_count++];
}

static unsigned count_slots(pa_u128 mask)
{
	return (unsigned)(__builtin_popcountll((uint64_t)mask) + __builtin_popcountll((uint64_t)(mask >> 64)));
}

static unsigned slots_below(pa_u128 mask, unsigned slot)
{
	return count_slots(mask & (((pa_u128)1 << slot) - 1));
}

static uint32_t intern_env(struct pa_evaluation *e, pa_u128 mask, const struct pa_value *const *values)
{
	unsigned count = count_slots(mask);
	uint64_t low = (uint64_t)mask, h = mix(low, (uint64_t)(mask >> 64));
	for (unsigned i = 0; i < count; i++)
		h = mix(h, (uint64_t)(uintptr_t)values[i]);
	uint32_t first = pa_table128_find(&e->terms->env_index, h, low);
	for (uint32_t at = first; at != PA_TABLE_NONE; at = e->terms->env_next[at]) {
		if (e->terms->envs[at].mask == mask && memcmp(e->terms->envs[at].values, values, count * sizeof(*values)) == 0)
			return at;
	}
	pa_grow(&e->terms->envs, &e->terms->env_capacity, e->terms->env_count + 1, sizeof(*e->terms->envs));
	pa_grow(&e->terms->env_next, &e->terms->env_next_capacity, e->terms->env_count + 1, sizeof(*e->terms->env_next));
	e->terms->envs[e->terms->env_count] =
		(struct pa_env){ mask, pa_arena_dup(e->terms->arena, values, count, sizeof(*values)) };
	e->terms->env_next[e->terms->env_count] = first;
	pa_table128_put(&e->terms->env_index, h, low, (uint32_t)e->terms->env_count);
	return (uint32_t)e->terms->env_count++;
}

uint32_t pa_env_empty(struct pa_evaluation *e)
{
	const struct pa_value *none[1] = { NULL };
	return intern_env(e, 0, none);
}

const struct pa_value *pa_env_find(const struct pa_evaluation *e, uint32_t number, unsigned slot)
{
	const struct pa_env *env = &e->terms->envs[number];
	return env->mask >> slot & 1 ? env->values[slots_below(env->mask, slot)] : NULL;
}

uint32_t pa_env_set(struct pa_evaluation *e, uint32_t number, unsigned slot, const struct pa_value *value)
{
	const struct pa_env *env = &e->terms->envs[number];
	const struct pa_value *values[PA_SLOT_COUNT + 1];
	unsigned count = count_slots(env->mask), at = slots_below(env->mask, slot);
	bool held = env->mask >> slot & 1;
	if (!value && !held)
		return number;
	pa_u128 bit = (pa_u128)1 << slot;
	memcpy(values, env->values, at * sizeof(*values));
	if (value)
		values[at] = intern_value(e, value);
	memcpy(values + at + (value ? 1 : 0), env->values + at + held, (count - at - held) * sizeof(*values));
	return intern_env(e, value ? env->mask | bit : env->mask & ~bit, values);
}

uint32_t pa_env_set_const(struct pa_evaluation *e, uint32_t env, unsigned slot, pa_u128 value)
{
	struct pa_value constant = { .kind = PA_VALUE_CONST, .first = value, .last = value };
	return pa_env_set(e, env, slot, &constant);
}

static unsigned lowest_slot(pa_u128 mask)
{
	uint64_t low = (uint64_t)mask;
	return (unsigned)(low ? __builtin_ctzll(low) : 64 + __builtin_ctzll((uint64_t)(mask >> 64)));
}

/* The values of two environments; where both hold a slot, the one above counts. */
static uint32_t join(struct pa_evaluation *e, const struct pa_env *below, const struct pa_env *above, pa_u128 slots)
{
	const struct pa_value *values[PA_SLOT_COUNT + 1];
	unsigned count = 0;
	for (pa_u128 left = slots; left; left &= left - 1) {
		unsigned slot = lowest_slot(left);
		const struct pa_env *env = above->mask >> slot & 1 ? above : below;
		values[count++] = env->values[slots_below(env->mask, slot)];
	}
	return intern_env(e, slots, values);
}

uint32_t pa_env_restrict(struct pa_evaluation *e, uint32_t number, pa_u128 slots)
{
	const struct pa_env *env = &e->terms->envs[number];
	return env->mask & ~slots ? join(e, env, env, env->mask & slots) : number;
}

uint32_t pa_env_overlay(struct pa_evaluation *e, uint32_t below, uint32_t above)
{
	if (below == above || e->terms->envs[above].mask == 0)
		return below;
	return join(e, &e->terms->envs[below], &e->terms->envs[above], e->terms->envs[below].mask | e->terms->envs[above].mask);
}

pa_node pa_outcome(struct pa_evaluation *e, enum pa_outcome_kind kind, uint32_t env)
{
	/* what was dropped has no further way: one outcome each */
	if (kind == PA_OUTCOME_DROP || kind == PA_OUTCOME_REJECT || kind == PA_OUTCOME_ELSEWHERE)
		env = 0;
	uint32_t at = pa_table128_find(&e->terms->outcome_index, (uint64_t)kind, env);
	if (at == PA_TABLE_NONE) {
		pa_grow(&e->terms->outcomes, &e->terms->outcome_capacity, e->terms->outcome_count + 1,
			sizeof(*e->terms->outcomes));
		at = (uint32_t)e->terms->outcome_count++;
		e->terms->outcomes[at] = (struct pa_outcome){ kind, env };
		pa_table128_put(&e->terms->outcome_index, (uint64_t)kind, env, at);
	}
	return PA_TERMINAL(at);
}

bool pa_env_has_template(const struct pa_evaluation *e, uint32_t env)
{
	const struct pa_value *state = pa_env_find(e, env, PA_FIELD_CT_STATE);
	return state && state->kind == PA_VALUE_CONST && state->text;
}

bool pa_env_has_flow(const struct pa_evaluation *e, uint32_t env)
{
	const struct pa_value *state = pa_env_find(e, env, PA_FIELD_CT_STATE);
	return state && state->kind == PA_VALUE_CONST && !state->text &&
	       (state->first == PA_CT_NEW || state->first == PA_CT_ESTABLISHED || state->first == PA_CT_RELATED);
}
