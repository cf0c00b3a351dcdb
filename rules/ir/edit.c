/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ruleset that differs from another one in a few places. Objects are copied, their texts and their values are shared: the original
 * must outlive the copy. What points to an object of the original (a chain that is jumped to, a named set) points to its copy.
 */
#include <stdlib.h>
#include <string.h>

#include "build.h"

struct copying {
	const struct pa_ruleset *from;
	struct pa_ruleset *to;
	const struct pa_table *table; /* of the copy, whose parts are being copied */
	bool failed;
};

/* --- what points elsewhere ------------------------------------------------------------------------------------------ */

static const struct pa_chain *copied_chain(struct copying *copying, const struct pa_chain *chain)
{
	const struct pa_chain *found = NULL;
	if (!chain)
		return NULL;
	if (chain->id < copying->from->chain_count && copying->from->chains[chain->id] == chain)
		return copying->to->chains[chain->id];
	if (!chain->is_anonymous && chain->name)
		found = pa_table_find_chain(copying->table, chain->name);
	copying->failed = copying->failed || !found;
	return found;
}

static void copy_verdict(struct copying *copying, struct pa_verdict *verdict)
{
	verdict->target = copied_chain(copying, verdict->target);
}

/* The data of a map, where they are verdicts. */
static struct pa_datum *copied_data(struct copying *copying, const struct pa_datum *data, size_t count)
{
	struct pa_datum *copy;
	if (!data)
		return NULL;
	copy = pa_arena_dup(copying->to->arena, data, count, sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		if (copy[i].kind == PA_DATUM_VERDICT)
			copy_verdict(copying, &copy[i].verdict);
	return copy;
}

static const struct pa_elements *copied_elements(struct copying *copying, const struct pa_elements *elements)
{
	struct pa_elements *copy;
	const struct pa_set_decl *set;
	if (!elements)
		return NULL;
	if (elements->decl) {
		if (!elements->decl->table)
			return elements; /* an ip set is of no table */
		set = pa_table_find_set(copying->table, elements->decl->name);
		copying->failed = copying->failed || !set;
		return set ? &set->elements : elements;
	}
	if (!elements->data && !elements->catch_all)
		return elements;
	copy = pa_arena_dup(copying->to->arena, elements, 1, sizeof(*copy));
	copy->data = copied_data(copying, elements->data, elements->count);
	copy->catch_all = copied_data(copying, elements->catch_all, 1);
	return copy;
}

static void copy_operand(struct copying *copying, struct pa_operand *operand)
{
	if (operand->kind == PA_OPERAND_MAP)
		operand->map = copied_elements(copying, operand->map);
}

static void copy_step(struct copying *copying, struct pa_step *step)
{
	switch (step->kind) {
	case PA_STEP_MATCH:
	case PA_STEP_VMAP:
		step->elements = copied_elements(copying, step->elements);
		break;
	case PA_STEP_VERDICT:
		copy_verdict(copying, &step->verdict);
		break;
	case PA_STEP_ASSIGN:
		copy_operand(copying, &step->value);
		break;
	case PA_STEP_NAT:
		copy_operand(copying, &step->value);
		copy_operand(copying, &step->port);
		break;
	case PA_STEP_NOTRACK:
	case PA_STEP_NONE:
	case PA_STEP_OPAQUE:
		break;
	}
}

/* --- objects ---------------------------------------------------------------------------------------------------------- */

static void copy_sets(struct copying *copying, const struct pa_table *from, struct pa_table *to)
{
	for (size_t i = 0; i < from->set_count; i++) {
		struct pa_set_decl *set = pa_table_add_set(copying->to, to, from->sets[i]->name);
		*set = *from->sets[i];
		set->table = to;
		set->elements.decl = set;
	}
}

/* Of the copy, when all chains are there. */
static void copy_set_data(struct copying *copying, struct pa_table *table)
{
	copying->table = table;
	for (size_t i = 0; i < table->set_count; i++) {
		struct pa_elements *elements = &table->sets[i]->elements;
		elements->data = copied_data(copying, elements->data, elements->count);
		elements->catch_all = copied_data(copying, elements->catch_all, 1);
	}
}

static void copy_tables(struct copying *copying)
{
	for (size_t i = 0; i < copying->from->table_count; i++) {
		const struct pa_table *from = copying->from->tables[i];
		struct pa_table *to = pa_ruleset_add_table(copying->to, from->family, from->name);
		struct pa_table made = *to;
		*to = *from;
		to->id = made.id;
		to->chains = made.chains;
		to->chain_count = made.chain_count;
		to->sets = made.sets;
		to->set_count = made.set_count;
		copy_sets(copying, from, to);
	}
}

/* In the order of their creation, which is that of their ids. */
static void copy_chains(struct copying *copying)
{
	for (size_t i = 0; i < copying->from->chain_count; i++) {
		const struct pa_chain *from = copying->from->chains[i];
		struct pa_table *table = copying->to->tables[from->table->id];
		struct pa_chain *to = pa_table_add_chain(copying->to, table, from->name ? from->name : "");
		unsigned id = to->id;
		*to = *from;
		to->table = table;
		to->id = id;
		to->rules = NULL;
		to->rule_count = 0;
	}
}

static void copy_rule(struct copying *copying, const struct pa_rule *from, struct pa_chain *chain)
{
	struct pa_rule *to = pa_chain_add_rule(copying->to, chain);
	unsigned index = to->index;
	*to = *from;
	to->chain = chain;
	to->index = index;
	to->steps = pa_arena_dup(copying->to->arena, from->steps, from->step_count, sizeof(*to->steps));
	for (size_t i = 0; i < to->step_count; i++)
		copy_step(copying, &to->steps[i]);
}

static void copy_rules(struct copying *copying)
{
	for (size_t i = 0; i < copying->from->chain_count; i++) {
		const struct pa_chain *from = copying->from->chains[i];
		copying->table = copying->to->chains[i]->table;
		for (size_t k = 0; k < from->rule_count; k++)
			copy_rule(copying, from->rules[k], copying->to->chains[i]);
	}
}

static void copy_rest(struct copying *copying)
{
	const struct pa_ruleset *from = copying->from;
	for (size_t i = 0; i < from->object_count; i++) {
		struct pa_object object = from->objects[i];
		object.table = copying->to->tables[object.table->id];
		pa_ruleset_add_object(copying->to, &object);
	}
	for (size_t i = 0; i < from->gap_count; i++)
		pa_ruleset_add_gap(copying->to, from->gaps[i].message, from->gaps[i].help);
	for (size_t i = 0; i < from->source_count; i++)
		pa_ruleset_add_source(copying->to, from->sources[i]);
	copying->to->legacy_unread = from->legacy_unread;
}

struct pa_ruleset *pa_ruleset_copy(const struct pa_ruleset *ruleset)
{
	struct copying copying = { .from = ruleset, .to = pa_ruleset_new() };
	copy_tables(&copying);
	copy_chains(&copying);
	for (size_t i = 0; i < ruleset->table_count; i++)
		copy_set_data(&copying, copying.to->tables[i]);
	copy_rules(&copying);
	copy_rest(&copying);
	if (copying.failed)
		return pa_ruleset_free(copying.to);
	pa_ruleset_finish(copying.to);
	return copying.to;
}

/* --- edits -------------------------------------------------------------------------------------------------------------- */

static void renumber(struct pa_ruleset *ruleset, struct pa_chain *chain)
{
	for (size_t i = 0; i < chain->rule_count; i++)
		chain->rules[i]->index = (unsigned)i;
	((struct built_ruleset *)ruleset)->finished = false;
}

void pa_chain_remove_rule(struct pa_ruleset *ruleset, struct pa_chain *chain, size_t index)
{
	chain->rule_count--;
	memmove(&chain->rules[index], &chain->rules[index + 1], (chain->rule_count - index) * sizeof(struct pa_rule *));
	renumber(ruleset, chain);
}

static void shift_last_to(struct pa_chain *chain, size_t index)
{
	struct pa_rule *rule = chain->rules[chain->rule_count - 1];
	memmove(&chain->rules[index + 1], &chain->rules[index], (chain->rule_count - 1 - index) * sizeof(struct pa_rule *));
	chain->rules[index] = rule;
}

struct pa_rule *pa_chain_insert_rule(struct pa_ruleset *ruleset, struct pa_chain *chain, size_t index)
{
	struct pa_rule *rule = pa_chain_add_rule(ruleset, chain);
	shift_last_to(chain, index);
	renumber(ruleset, chain);
	return rule;
}
