/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lines.h"

#include <stdlib.h>
#include <string.h>

/* The rules that were seen of one chain, in order. */
struct chain_lines {
	const char *family;
	const char *table;
	const char *chain;
	bool unknown;
	struct pa_location policy;
	struct pa_location *rules;
	size_t count;
	size_t capacity;
};

struct pa_rule_lines {
	struct pa_arena *arena;
	struct chain_lines *chains;
	size_t count;
	size_t capacity;
	uint32_t *slots; /* positions plus 1, by hash */
	size_t slot_count;
	size_t last; /* the chain found last: records of a chain follow each other */
	bool all_unknown;
};

#define FIELDS_MAX 5

/* --- chains ------------------------------------------------------------------------------------------------ */

static size_t hash_names(const char *family, const char *table, const char *chain)
{
	const char *const names[] = { family, table, chain };
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < 3; i++) {
		for (const char *c = names[i]; *c; c++)
			hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
		hash = (hash ^ 0xff) * 0x100000001b3u;
	}
	return (size_t)(hash ^ hash >> 31);
}

static bool is_chain(const struct chain_lines *c, const char *family, const char *table, const char *chain)
{
	return strcmp(c->family, family) == 0 && strcmp(c->table, table) == 0 && strcmp(c->chain, chain) == 0;
}

static struct chain_lines *find_chain(const struct pa_rule_lines *lines, const char *family, const char *table,
				      const char *chain)
{
	size_t i;

	if (lines->slot_count == 0)
		return NULL;
	for (i = hash_names(family, table, chain) & (lines->slot_count - 1); lines->slots[i];
	     i = (i + 1) & (lines->slot_count - 1))
		if (is_chain(&lines->chains[lines->slots[i] - 1], family, table, chain))
			return &lines->chains[lines->slots[i] - 1];
	return NULL;
}

static void place_chain(struct pa_rule_lines *lines, size_t position)
{
	const struct chain_lines *c = &lines->chains[position];
	size_t i = hash_names(c->family, c->table, c->chain) & (lines->slot_count - 1);

	while (lines->slots[i])
		i = (i + 1) & (lines->slot_count - 1);
	lines->slots[i] = (uint32_t)position + 1;
}

static struct chain_lines *add_chain(struct pa_rule_lines *lines, const char *family, const char *table, const char *chain)
{
	struct chain_lines *found = NULL;

	if (lines->last < lines->count && is_chain(&lines->chains[lines->last], family, table, chain))
		return &lines->chains[lines->last];
	found = find_chain(lines, family, table, chain);
	if (!found) {
		pa_grow(&lines->chains, &lines->capacity, lines->count + 1, sizeof(*lines->chains));
		lines->chains[lines->count++] = (struct chain_lines){ .family = pa_arena_strdup(lines->arena, family),
								      .table = pa_arena_strdup(lines->arena, table),
								      .chain = pa_arena_strdup(lines->arena, chain) };
		if (lines->count * 2 > lines->slot_count) {
			lines->slot_count = lines->slot_count ? lines->slot_count * 2 : 64;
			free(lines->slots);
			lines->slots = pa_xcalloc(lines->slot_count, sizeof(*lines->slots));
			for (size_t i = 0; i + 1 < lines->count; i++)
				place_chain(lines, i);
		}
		place_chain(lines, lines->count - 1);
		found = &lines->chains[lines->count - 1];
	}
	lines->last = (size_t)(found - lines->chains);
	return found;
}

/* --- records ----------------------------------------------------------------------------------------------- */

static void forget_rules(struct pa_rule_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++) {
		lines->chains[i].count = 0;
		lines->chains[i].unknown = false;
		lines->chains[i].policy = (struct pa_location){ 0 };
	}
	lines->all_unknown = false;
}

static bool matches(const char *pattern, const char *name)
{
	return strcmp(pattern, "*") == 0 || strcmp(pattern, name) == 0;
}

/* Chains that come later are known again only after everything was flushed: a wildcard holds for all of a table. */
static void mark_unknown(struct pa_rule_lines *lines, const char *family, const char *table, const char *chain)
{
	if (strcmp(table, "*") == 0 || strcmp(family, "*") == 0) {
		lines->all_unknown = true;
		return;
	}
	for (size_t i = 0; i < lines->count; i++) {
		struct chain_lines *c = &lines->chains[i];
		if (strcmp(c->family, family) == 0 && strcmp(c->table, table) == 0 && matches(chain, c->chain))
			c->unknown = true;
	}
	add_chain(lines, family, table, chain)->unknown = true;
}

static void add_place(struct pa_rule_lines *lines, bool is_rule, char **fields, const char *file)
{
	struct chain_lines *chain = add_chain(lines, fields[0], fields[1], fields[2]);
	struct pa_location where = { .file = file,
				     .line = (uint32_t)strtoul(fields[3], NULL, 10),
				     .column = (uint32_t)strtoul(fields[4], NULL, 10),
				     .length = 1 };

	if (!is_rule) {
		chain->policy = where;
		return;
	}
	pa_grow(&chain->rules, &chain->capacity, chain->count + 1, sizeof(*chain->rules));
	chain->rules[chain->count++] = where;
}

static size_t split_fields(char *record, char *fields[FIELDS_MAX])
{
	size_t count = 0;

	for (char *at = record; at && count < FIELDS_MAX;) {
		char *tab = strchr(at, '\t');
		fields[count++] = at;
		if (tab)
			*tab++ = '\0';
		at = tab;
	}
	return count;
}

static void take_record(struct pa_rule_lines *lines, char *record, const char **file)
{
	char *fields[FIELDS_MAX];

	if (record[0] == 'F') {
		*file = pa_arena_strdup(lines->arena, record + 1);
	} else if (record[0] == 'Z') {
		forget_rules(lines);
	} else if (record[0] == 'R' || record[0] == 'P' || record[0] == 'X') {
		size_t count = split_fields(record + 1, fields);
		if (record[0] != 'X' && count == 5)
			add_place(lines, record[0] == 'R', fields, *file);
		else if (record[0] == 'X' && count == 3)
			mark_unknown(lines, fields[0], fields[1], fields[2]);
	}
}

struct pa_rule_lines *pa_rule_lines_read(const char *records, size_t length)
{
	struct pa_arena *arena = pa_arena_new();
	struct pa_rule_lines *lines = pa_arena_alloc(arena, 1, sizeof(*lines));
	const char *end = records + length, *file = NULL;
	struct pa_buffer record = { 0 };

	lines->arena = arena;
	while (records < end) {
		const char *stop = memchr(records, '\n', (size_t)(end - records));
		stop = stop ? stop : end;
		pa_buffer_clear(&record);
		pa_buffer_add(&record, records, (size_t)(stop - records));
		pa_buffer_putc(&record, '\0');
		take_record(lines, record.data, &file);
		records = stop + (stop < end);
	}
	pa_buffer_done(&record);
	return lines;
}

/* NULL: nothing is known of the chain. */
static const struct chain_lines *find_known(const struct pa_rule_lines *lines, enum pa_family family, const char *table,
					    const char *chain)
{
	const char *name = pa_family_name(family);
	const struct chain_lines *all_chains = find_chain(lines, name, table, "*");
	const struct chain_lines *found = find_chain(lines, name, table, chain);

	return lines->all_unknown || (all_chains && all_chains->unknown) || !found || found->unknown ? NULL : found;
}

bool pa_rule_lines_find(const struct pa_rule_lines *lines, enum pa_family family, const char *table, const char *chain,
			size_t index, size_t count, struct pa_location *ret_where)
{
	const struct chain_lines *found = find_known(lines, family, table, chain);

	if (!found || found->count != count || index >= count || !found->rules[index].file)
		return false;
	*ret_where = found->rules[index];
	return true;
}

bool pa_rule_lines_find_policy(const struct pa_rule_lines *lines, enum pa_family family, const char *table, const char *chain,
			       struct pa_location *ret_where)
{
	const struct chain_lines *found = find_known(lines, family, table, chain);

	if (!found || !found->policy.file)
		return false;
	*ret_where = found->policy;
	return true;
}

struct pa_rule_lines *pa_rule_lines_free(struct pa_rule_lines *lines)
{
	if (lines) {
		for (size_t i = 0; i < lines->count; i++)
			free(lines->chains[i].rules);
		free(lines->chains);
		free(lines->slots);
		pa_arena_free(lines->arena);
	}
	return NULL;
}
