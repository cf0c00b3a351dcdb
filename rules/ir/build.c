/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds a ruleset object by object. Arrays double inside the arena: at most as much again is left behind. */
#include <stdlib.h>
#include <string.h>

#include "build.h"

const char *pa_family_name(enum pa_family family)
{
	static const char *const names[] = { "ip", "ip6", "inet", "arp", "bridge", "netdev" };
	return names[family];
}

const char *pa_hook_name(enum pa_hook hook)
{
	static const char *const names[] = { "prerouting", "input", "forward", "output", "postrouting", "ingress", "egress" };
	return names[hook];
}

const char *pa_chain_type_name(enum pa_chain_type type)
{
	static const char *const names[] = { "filter", "nat", "route" };
	return names[type];
}

const char *pa_verdict_name(enum pa_verdict_kind kind)
{
	static const char *const names[] = { "accept", "drop", "reject", "continue", "return", "jump", "goto" };
	return names[kind];
}

struct pa_ruleset *pa_ruleset_new(void)
{
	struct built_ruleset *built = pa_xcalloc(1, sizeof(*built));
	built->ruleset.arena = pa_arena_new();
	return &built->ruleset;
}

struct pa_ruleset *pa_ruleset_free(struct pa_ruleset *ruleset)
{
	if (!ruleset)
		return NULL;
	struct built_ruleset *built = (struct built_ruleset *)ruleset;
	for (size_t i = 0; i < built->adopted_count; i++)
		pa_ruleset_free(built->adopted[i]);
	free(built->adopted);
	pa_arena_free(ruleset->arena);
	free(ruleset);
	return NULL;
}

/* The array `items` with room for one more; the old one stays in the arena. */
static void *with_room(struct pa_arena *arena, const void *items, size_t count, size_t *capacity, size_t size)
{
	size_t larger = *capacity ? *capacity * 2 : 4;
	void *array = pa_arena_alloc(arena, larger, size);
	if (count)
		memcpy(array, items, count * size);
	*capacity = larger;
	return array;
}

#define MAKE_ROOM(arena, items, count, capacity)                                                       \
	do {                                                                                           \
		if ((count) == (capacity))                                                             \
			(items) = with_room((arena), (items), (count), &(capacity), sizeof(*(items))); \
	} while (0)

/* --- names ---------------------------------------------------------------------------------------------- */

static size_t name_hash(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
	return (size_t)(hash ^ (hash >> 29));
}

static struct name_slot *name_slot(const struct name_index *index, const char *name)
{
	size_t mask = index->capacity - 1;
	size_t i = name_hash(name) & mask;
	while (index->slots[i].name && strcmp(index->slots[i].name, name) != 0)
		i = (i + 1) & mask;
	return &index->slots[i];
}

static void *name_find(const struct name_index *index, const char *name)
{
	return index->capacity ? name_slot(index, name)->object : NULL;
}

static void name_add(struct pa_arena *arena, struct name_index *index, const char *name, void *object)
{
	if (index->count * 2 >= index->capacity) {
		struct name_index larger = { .capacity = index->capacity ? index->capacity * 2 : 16, .count = index->count };
		larger.slots = pa_arena_alloc(arena, larger.capacity, sizeof(*larger.slots));
		for (size_t i = 0; i < index->capacity; i++)
			if (index->slots[i].name)
				*name_slot(&larger, index->slots[i].name) = index->slots[i];
		*index = larger;
	}
	*name_slot(index, name) = (struct name_slot){ .name = name, .object = object };
	index->count++;
}

/* --- objects -------------------------------------------------------------------------------------------- */

struct pa_table *pa_ruleset_add_table(struct pa_ruleset *ruleset, enum pa_family family, const char *name)
{
	struct built_ruleset *built = (struct built_ruleset *)ruleset;
	struct built_table *table = pa_arena_alloc(ruleset->arena, 1, sizeof(*table));
	table->table.family = family;
	table->table.name = pa_arena_strdup(ruleset->arena, name);
	table->table.id = (unsigned)ruleset->table_count;
	MAKE_ROOM(ruleset->arena, ruleset->tables, ruleset->table_count, built->table_capacity);
	ruleset->tables[ruleset->table_count++] = &table->table;
	return &table->table;
}

struct pa_table *pa_ruleset_find_table(const struct pa_ruleset *ruleset, enum pa_family family, const char *name)
{
	for (size_t i = 0; i < ruleset->table_count; i++)
		if (ruleset->tables[i]->family == family && strcmp(ruleset->tables[i]->name, name) == 0)
			return ruleset->tables[i];
	return NULL;
}

struct pa_chain *pa_table_add_chain(struct pa_ruleset *ruleset, struct pa_table *table, const char *name)
{
	struct built_ruleset *built = (struct built_ruleset *)ruleset;
	struct built_table *owner = (struct built_table *)table;
	struct built_chain *chain = pa_arena_alloc(ruleset->arena, 1, sizeof(*chain));
	chain->chain.table = table;
	chain->chain.name = pa_arena_strdup(ruleset->arena, name);
	chain->chain.id = (unsigned)ruleset->chain_count;
	MAKE_ROOM(ruleset->arena, ruleset->chains, ruleset->chain_count, built->chain_capacity);
	ruleset->chains[ruleset->chain_count++] = &chain->chain;
	MAKE_ROOM(ruleset->arena, table->chains, table->chain_count, owner->chain_capacity);
	table->chains[table->chain_count++] = &chain->chain;
	name_add(ruleset->arena, &owner->chains, chain->chain.name, &chain->chain);
	built->finished = false;
	return &chain->chain;
}

struct pa_chain *pa_table_find_chain(const struct pa_table *table, const char *name)
{
	return name_find(&((const struct built_table *)table)->chains, name);
}

struct pa_set_decl *pa_table_add_set(struct pa_ruleset *ruleset, struct pa_table *table, const char *name)
{
	struct built_table *owner = (struct built_table *)table;
	struct built_set *set = pa_arena_alloc(ruleset->arena, 1, sizeof(*set));
	set->decl.table = table;
	set->decl.name = pa_arena_strdup(ruleset->arena, name);
	set->decl.elements.decl = &set->decl;
	set->decl.elements.parts = 1;
	MAKE_ROOM(ruleset->arena, table->sets, table->set_count, owner->set_capacity);
	table->sets[table->set_count++] = &set->decl;
	name_add(ruleset->arena, &owner->sets, set->decl.name, &set->decl);
	return &set->decl;
}

struct pa_set_decl *pa_table_find_set(const struct pa_table *table, const char *name)
{
	return name_find(&((const struct built_table *)table)->sets, name);
}

struct pa_rule *pa_chain_add_rule(struct pa_ruleset *ruleset, struct pa_chain *chain)
{
	struct built_ruleset *built = (struct built_ruleset *)ruleset;
	struct built_chain *owner = (struct built_chain *)chain;
	struct pa_rule *rule = pa_arena_alloc(ruleset->arena, 1, sizeof(*rule));
	rule->chain = chain;
	rule->index = (unsigned)chain->rule_count;
	MAKE_ROOM(ruleset->arena, chain->rules, chain->rule_count, owner->rule_capacity);
	chain->rules[chain->rule_count++] = rule;
	built->rules_added++;
	built->finished = false;
	return rule;
}

void pa_ruleset_add_object(struct pa_ruleset *ruleset, const struct pa_object *object)
{
	struct built_ruleset *built = (struct built_ruleset *)ruleset;
	MAKE_ROOM(ruleset->arena, ruleset->objects, ruleset->object_count, built->object_capacity);
	ruleset->objects[ruleset->object_count++] =
		(struct pa_object){ object->table, pa_arena_strdup(ruleset->arena, object->kind),
				    pa_arena_strdup(ruleset->arena, object->name),
				    pa_arena_strdup(ruleset->arena, object->text) };
}

void pa_ruleset_add_gap(struct pa_ruleset *ruleset, const char *message, const char *help)
{
	struct built_ruleset *built = (struct built_ruleset *)ruleset;
	MAKE_ROOM(ruleset->arena, ruleset->gaps, ruleset->gap_count, built->gap_capacity);
	ruleset->gaps[ruleset->gap_count++] = (struct pa_gap){
		.message = pa_arena_strdup(ruleset->arena, message),
		.help = help ? pa_arena_strdup(ruleset->arena, help) : NULL,
	};
}

void pa_ruleset_add_source(struct pa_ruleset *ruleset, const char *name)
{
	struct built_ruleset *built = (struct built_ruleset *)ruleset;
	/* the loader and the lowering of a document both name it */
	for (size_t i = 0; i < ruleset->source_count; i++) {
		if (strcmp(ruleset->sources[i], name) == 0)
			return;
	}
	MAKE_ROOM(ruleset->arena, ruleset->sources, ruleset->source_count, built->source_capacity);
	ruleset->sources[ruleset->source_count++] = pa_arena_strdup(ruleset->arena, name);
}

void pa_ruleset_adopt(struct pa_ruleset *ruleset, struct pa_ruleset *other)
{
	struct built_ruleset *built = (struct built_ruleset *)ruleset;
	pa_grow(&built->adopted, &built->adopted_capacity, built->adopted_count + 1, sizeof(struct pa_ruleset *));
	built->adopted[built->adopted_count++] = other;
}

void pa_chain_take_rules(struct pa_ruleset *ruleset, struct pa_chain *chain, struct pa_chain *from)
{
	struct built_ruleset *built = (struct built_ruleset *)ruleset;
	struct built_chain *owner = (struct built_chain *)chain, *giver = (struct built_chain *)from;
	chain->rules = from->rules;
	chain->rule_count = from->rule_count;
	owner->rule_capacity = giver->rule_capacity;
	for (size_t i = 0; i < chain->rule_count; i++)
		chain->rules[i]->chain = chain;
	from->rules = NULL;
	from->rule_count = giver->rule_capacity = 0;
	built->rules_added += chain->rule_count; /* room for as many is made, and more does not matter */
	built->finished = false;
}

void pa_ruleset_take_table(struct pa_ruleset *ruleset, struct pa_table *table)
{
	struct built_ruleset *built = (struct built_ruleset *)ruleset;
	table->id = (unsigned)ruleset->table_count;
	MAKE_ROOM(ruleset->arena, ruleset->tables, ruleset->table_count, built->table_capacity);
	ruleset->tables[ruleset->table_count++] = table;
	for (size_t i = 0; i < table->chain_count; i++) {
		table->chains[i]->id = (unsigned)ruleset->chain_count;
		MAKE_ROOM(ruleset->arena, ruleset->chains, ruleset->chain_count, built->chain_capacity);
		ruleset->chains[ruleset->chain_count++] = table->chains[i];
		built->rules_added += table->chains[i]->rule_count;
	}
	built->finished = false;
}

void pa_ruleset_finish(struct pa_ruleset *ruleset)
{
	struct built_ruleset *built = (struct built_ruleset *)ruleset;
	if (built->finished)
		return;
	ruleset->rules = pa_arena_alloc(ruleset->arena, built->rules_added, sizeof(struct pa_rule *));
	ruleset->rule_count = 0;
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		struct pa_chain *chain = ruleset->chains[i];
		for (size_t j = 0; j < chain->rule_count; j++) {
			chain->rules[j]->id = (unsigned)ruleset->rule_count;
			ruleset->rules[ruleset->rule_count++] = chain->rules[j];
		}
	}
	built->finished = true;
}
