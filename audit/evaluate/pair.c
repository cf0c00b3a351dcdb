/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two rulesets of which one became the other: what both ask alike ("limit rate 5/second" of a rule that nobody touched) is one
 * question. Else everything that headers do not decide would seem to be different.
 *
 * A test that asks something undecidable is the same in both when its words and its contents are: the elements of the set it looks
 * into, the named object (limit, quota) it uses, the rules that fill the set. Among several of equal words those of an equal rule in the
 * chain of the same name belong together, then those of an equal rule anywhere, then the first with the first.
 */
#include "evaluation.h"

#include <stdlib.h>
#include <string.h>

/* --- contents ------------------------------------------------------------------------------------------------ */

/* Two sums of 64 bits, as pa_intern() has them for texts. */
struct digest {
	uint64_t a, b;
};

static void digest_word(struct digest *digest, uint64_t word)
{
	digest->a = (digest->a ^ word) * 0xff51afd7ed558ccdu;
	digest->a ^= digest->a >> 32;
	digest->b = (digest->b + word) * 0x9e3779b97f4a7c15u;
	digest->b ^= digest->b >> 29;
}

static void digest_text(struct digest *digest, const char *text)
{
	for (; text && *text; text++)
		digest_word(digest, (unsigned char)*text);
	digest_word(digest, 256);
}

static void digest_interval(struct digest *digest, struct pa_interval interval)
{
	digest_word(digest, (uint64_t)(interval.first >> 64));
	digest_word(digest, (uint64_t)interval.first);
	digest_word(digest, (uint64_t)(interval.last >> 64));
	digest_word(digest, (uint64_t)interval.last);
}

static void digest_datum(struct digest *digest, const struct pa_datum *datum)
{
	digest_word(digest, datum->kind);
	switch (datum->kind) {
	case PA_DATUM_VERDICT:
		digest_word(digest, datum->verdict.kind);
		digest_text(digest, datum->verdict.target_name);
		break;
	case PA_DATUM_VALUES:
		for (unsigned i = 0; i < datum->count; i++)
			digest_interval(digest, datum->values[i]);
		break;
	case PA_DATUM_OPAQUE:
		digest_text(digest, datum->text);
		break;
	}
}

const char *pa_contents(struct pa_evaluation *e, const struct pa_elements *elements)
{
	struct digest digest = { 1, 2 };
	struct pa_buffer text = { 0 };
	digest_word(&digest, elements->parts << 3 | (elements->has_catch_all ? 4u : 0u) | (elements->may_grow ? 2u : 0u) |
				     (elements->may_shrink ? 1u : 0u));
	for (size_t i = 0; i < elements->count * elements->parts; i++)
		digest_interval(&digest, elements->keys[i]);
	for (size_t i = 0; elements->data && i < elements->count; i++)
		digest_datum(&digest, &elements->data[i]);
	if (elements->catch_all)
		digest_datum(&digest, elements->catch_all);
	digest_text(&digest, elements->opaque);
	pa_buffer_printf(&text, "%zu elements %016llx%016llx", elements->count, (unsigned long long)digest.a,
			 (unsigned long long)digest.b);
	const char *interned = pa_intern(e, text.data);
	pa_buffer_done(&text);
	return interned;
}

static void digest_rules(struct digest *digest, const struct pa_chain *chain)
{
	for (size_t i = 0; i < chain->rule_count; i++)
		digest_text(digest, chain->rules[i]->text);
}

const char *pa_table_contents(struct pa_evaluation *e, const struct pa_table *table)
{
	struct digest digest = { 3, 4 };
	struct pa_buffer text = { 0 };
	for (size_t i = 0; i < table->chain_count; i++) {
		const struct pa_chain *chain = table->chains[i];
		digest_text(&digest, chain->name);
		if (chain->is_base)
			digest_word(&digest, (uint64_t)chain->priority << 8 | chain->hook << 4 | chain->policy);
		for (size_t k = 0; chain->devices && chain->devices[k]; k++)
			digest_text(&digest, chain->devices[k]);
		digest_rules(&digest, chain);
	}
	for (size_t i = 0; i < table->set_count; i++) {
		digest_text(&digest, table->sets[i]->name);
		digest_text(&digest, pa_contents(e, &table->sets[i]->elements));
	}
	pa_buffer_printf(&text, "table %s %s %016llx%016llx", pa_family_name(table->family), table->name,
			 (unsigned long long)digest.a, (unsigned long long)digest.b);
	const char *interned = pa_intern(e, text.data);
	pa_buffer_done(&text);
	return interned;
}

/* Does the text of a rule hold the name as a word, behind one of the verbs that change sets? */
static bool fills(const char *text, const char *name)
{
	static const char *const verbs[] = { "add @", "update @", "delete @", "--add-set ", "--del-set ", "--map-set " };
	size_t length = strlen(name);
	for (size_t i = 0; text && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		size_t verb = strlen(verbs[i]);
		for (const char *at = text; (at = strstr(at, verbs[i])); at += verb) {
			char behind = strncmp(at + verb, name, length) == 0 ? at[verb + length] : 'x';
			if (behind == ' ' || behind == '\0')
				return true;
		}
	}
	return false;
}

static uint64_t filling_rules(const struct pa_chain *chain, const char *name)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < chain->rule_count; i++) {
		struct digest digest = { 5, 6 };
		if (!fills(chain->rules[i]->text, name))
			continue;
		digest_text(&digest, chain->rules[i]->text);
		sum += digest.a ^ digest.b;
	}
	return sum;
}

/*
 * A set by its name and the rules that may add to it or take from it, whatever their order: a sum, so that moving one changes nothing.
 * ip sets belong to no table.
 */
static const char *filled_by(struct pa_evaluation *e, const struct pa_set_decl *decl)
{
	const struct pa_table *table = decl->table;
	struct pa_buffer text = { 0 };
	uint64_t sum = 0;
	for (size_t i = 0; i < e->ruleset->chain_count; i++) {
		if (!table || e->ruleset->chains[i]->table == table)
			sum += filling_rules(e->ruleset->chains[i], decl->name);
	}
	pa_buffer_printf(&text, "set %s %s %s of %llu filled by %016llx", table ? pa_family_name(table->family) : "ip",
			 table ? table->name : "sets", decl->name, (unsigned long long)decl->size, (unsigned long long)sum);
	const char *interned = pa_intern(e, text.data);
	pa_buffer_done(&text);
	return interned;
}

static const struct pa_object *object_of(const struct pa_ruleset *ruleset, const struct pa_table *table, const char *text,
					 struct pa_buffer *quoted)
{
	for (size_t i = 0; i < ruleset->object_count; i++) {
		pa_buffer_clear(quoted);
		pa_buffer_printf(quoted, "\"%s\"", ruleset->objects[i].name);
		if (ruleset->objects[i].table == table && strstr(text, quoted->data))
			return &ruleset->objects[i];
	}
	return NULL;
}

/* The words of a step and what they stand for. */
static const char *content_of(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step)
{
	const struct pa_elements *elements = NULL;
	struct pa_buffer text = { 0 }, quoted = { 0 };
	pa_buffer_printf(&text, "%d %s", (int)step->kind, step->text ? pa_canonical_words(e, step->text) : "");
	if (pa_step_key(step, &elements) && elements && (elements->decl || elements->opaque || !step->text))
		pa_buffer_printf(&text, " %s", pa_contents(e, elements));
	if (elements && elements->decl && (elements->may_grow || elements->may_shrink))
		pa_buffer_printf(&text, " %s", filled_by(e, elements->decl));
	const struct pa_object *object = NULL;
	if (step->kind == PA_STEP_OPAQUE && step->text)
		object = object_of(e->ruleset, rule->chain->table, step->text, &quoted);
	if (object)
		pa_buffer_printf(&text, " %s %s", object->kind, object->text);
	if (pa_text_is_cut(step->text))
		pa_buffer_printf(&text, " of %p", (const void *)e->ruleset);
	const char *content = pa_intern(e, text.data);
	pa_buffer_done(&text);
	pa_buffer_done(&quoted);
	return content;
}

/* --- keys of variables ---------------------------------------------------------------------------------------- */

static size_t step_number(const struct pa_evaluation *e, const struct pa_rule *rule, size_t step)
{
	return e->step_base[rule->id] + step;
}

uint64_t pa_place(const struct pa_evaluation *e, const struct pa_rule *rule, size_t step)
{
	size_t number = step_number(e, rule, step);
	return e->places ? e->places[number] : number;
}

uint64_t pa_thing(struct pa_evaluation *e, const void *thing, const char *description)
{
	return (uint64_t)(uintptr_t)(e->places ? pa_intern(e, description) : (const char *)thing);
}

uint64_t pa_changes_of(struct pa_evaluation *e, const struct pa_elements *elements, const struct pa_rule *rule,
		       const struct pa_step *step)
{
	uint64_t place = pa_place(e, rule, (size_t)(step - rule->steps)) << 2 | (uint64_t)1 << 59;
	if (elements->may_grow || (e->places && !elements->decl))
		return place;
	if (!elements->decl)
		return (uint64_t)(uintptr_t)elements;
	return e->places ? (uint64_t)(uintptr_t)filled_by(e, elements->decl) : (uint64_t)(uintptr_t)elements->decl;
}

uint64_t pa_question(struct pa_evaluation *e, const struct pa_rule *rule, size_t step)
{
	return e->places ? (uint64_t)(uintptr_t)content_of(e, rule, &rule->steps[step]) : 0;
}

/* --- which step is which -------------------------------------------------------------------------------------- */

/* The steps of one ruleset, by number. */
struct asking {
	const struct pa_rule *rule;
	const char *content; /* interned words and contents; NULL: it asks nothing of its own */
};
struct matching {
	struct pa_evaluation *const *pair;
	struct asking *steps[2];
	uint32_t *next;	 /* of the old ruleset: the next step with the same key, or PA_TABLE_NONE */
	uint32_t *match; /* of the new ruleset */
	bool *taken;	 /* of the old one */
};

static bool asks(const struct pa_step *step)
{
	switch (step->kind) {
	case PA_STEP_VERDICT:
	case PA_STEP_NONE:
	case PA_STEP_NOTRACK:
		return false;
	case PA_STEP_MATCH:
	case PA_STEP_VMAP:
	case PA_STEP_ASSIGN:
	case PA_STEP_NAT:
	case PA_STEP_OPAQUE:
		return true;
	}
	return true;
}

static struct asking *list_steps(struct pa_evaluation *e)
{
	struct asking *steps = pa_arena_alloc(e->arena, e->plan.steps + 1, sizeof(*steps));
	for (size_t i = 0; i < e->ruleset->rule_count; i++) {
		const struct pa_rule *rule = e->ruleset->rules[i];
		for (size_t k = 0; k < rule->step_count; k++) {
			struct asking *step = &steps[step_number(e, rule, k)];
			step->rule = rule;
			step->content = asks(&rule->steps[k]) ? content_of(e, rule, &rule->steps[k]) : NULL;
		}
	}
	return steps;
}

/* How much must agree: the chain's name, the whole rule. */
struct closeness {
	bool chain, rule;
};

static const char *key_of(struct pa_evaluation *e, const struct asking *step, struct closeness close, struct pa_buffer *text)
{
	const struct pa_chain *chain = step->rule->chain;
	pa_buffer_clear(text);
	pa_buffer_printf(text, "%p", (const void *)step->content);
	if (close.chain)
		pa_buffer_printf(text, " of %s %s %s", pa_family_name(chain->table->family), chain->table->name, chain->name);
	if (close.rule)
		pa_buffer_printf(text, " in %s", step->rule->text ? step->rule->text : "");
	return pa_intern(e, text->data);
}

static void match_closely(struct matching *m, struct closeness close)
{
	struct pa_table128 first = { 0 };
	struct pa_buffer text = { 0 };
	size_t old_count = m->pair[0]->plan.steps, new_count = m->pair[1]->plan.steps;
	for (size_t i = old_count; i-- > 0;) {
		if (!m->steps[0][i].content || m->taken[i])
			continue;
		uint64_t key = (uint64_t)(uintptr_t)key_of(m->pair[0], &m->steps[0][i], close, &text);
		m->next[i] = pa_table128_find(&first, key, 0);
		pa_table128_put(&first, key, 0, (uint32_t)i);
	}
	for (size_t i = 0; i < new_count; i++) {
		if (!m->steps[1][i].content || m->match[i] != PA_TABLE_NONE)
			continue;
		uint64_t key = (uint64_t)(uintptr_t)key_of(m->pair[1], &m->steps[1][i], close, &text);
		uint32_t found = pa_table128_find(&first, key, 0);
		if (found == PA_TABLE_NONE)
			continue;
		m->match[i] = found;
		m->taken[found] = true;
		pa_table128_put(&first, key, 0, m->next[found]);
	}
	pa_table128_done(&first);
	pa_buffer_done(&text);
}

void pa_pair_places(struct pa_evaluation *const pair[2])
{
	static const struct closeness passes[] = { { true, true }, { false, true }, { true, false }, { false, false } };
	size_t old_count = pair[0]->plan.steps, new_count = pair[1]->plan.steps;
	struct matching m = { .pair = pair };
	for (unsigned i = 0; i < 2; i++)
		m.steps[i] = list_steps(pair[i]);
	m.next = pa_arena_alloc(pair[0]->arena, old_count + 1, sizeof(*m.next));
	m.taken = pa_arena_alloc(pair[0]->arena, old_count + 1, sizeof(*m.taken));
	m.match = pa_arena_alloc(pair[1]->arena, new_count + 1, sizeof(*m.match));
	memset(m.match, 0xff, (new_count + 1) * sizeof(*m.match));
	for (size_t i = 0; i < sizeof(passes) / sizeof(passes[0]); i++)
		match_closely(&m, passes[i]);
	pair[0]->places = pa_arena_alloc(pair[0]->arena, old_count + 1, sizeof(uint32_t));
	pair[1]->places = pa_arena_alloc(pair[1]->arena, new_count + 1, sizeof(uint32_t));
	for (size_t i = 0; i < old_count; i++)
		pair[0]->places[i] = (uint32_t)i;
	for (size_t i = 0; i < new_count; i++)
		pair[1]->places[i] = m.match[i] == PA_TABLE_NONE ? (uint32_t)(old_count + i) : m.match[i];
}
