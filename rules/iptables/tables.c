/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables as iptables-restore builds them: the lines of a table one after the other, each doing what it says (-A, -I, -N, -P, -F,
 * -X, -D and -R with numbers). The kernel gives a table its base chains; priorities are those of include/uapi/linux/netfilter_ipv4.h.
 */
#include "xt.h"

#define HOOK(name) (1u << PA_HOOK_##name)

static const struct pa_xt_table_row rows[] = {
	{ "filter", PA_CHAIN_FILTER, HOOK(INPUT) | HOOK(FORWARD) | HOOK(OUTPUT), 0, PA_XT_IN_FILTER },
	{ "nat", PA_CHAIN_NAT, HOOK(PREROUTING) | HOOK(INPUT) | HOOK(OUTPUT) | HOOK(POSTROUTING), 0, PA_XT_IN_NAT },
	{ "mangle", PA_CHAIN_ROUTE, HOOK(PREROUTING) | HOOK(INPUT) | HOOK(FORWARD) | HOOK(OUTPUT) | HOOK(POSTROUTING), -150,
	  PA_XT_IN_MANGLE },
	{ "raw", PA_CHAIN_FILTER, HOOK(PREROUTING) | HOOK(OUTPUT), -300, PA_XT_IN_RAW },
	{ "security", PA_CHAIN_FILTER, HOOK(INPUT) | HOOK(FORWARD) | HOOK(OUTPUT), 50, PA_XT_IN_SECURITY },
};

static const char *const hook_chains[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING" };

struct builder {
	struct pa_xt_reader *reader;
	struct pa_xt_table *table;
};

/* --- chains ---------------------------------------------------------------------------------------------------------- */

static void *grown(struct pa_arena *arena, void *items, size_t count, size_t *capacity, size_t size)
{
	if (count < *capacity)
		return items;
	size_t larger = *capacity ? *capacity * 2 : 8;
	void *array = pa_arena_alloc(arena, larger, size);
	if (count)
		memcpy(array, items, count * size);
	*capacity = larger;
	return array;
}

static struct pa_xt_chain **chain_slot(const struct pa_xt_table *table, const char *name)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (const char *c = name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
	size_t slot = (size_t)(hash ^ hash >> 29) & (table->slot_count - 1);
	while (table->slots[slot] && strcmp(table->slots[slot]->name, name) != 0)
		slot = (slot + 1) & (table->slot_count - 1);
	return &table->slots[slot];
}

static void index_chains(struct pa_xt_reader *reader, struct pa_xt_table *table)
{
	size_t wanted = table->slot_count ? table->slot_count : 16;
	while (wanted < 2 * (table->count + 1))
		wanted *= 2;
	table->slots = pa_arena_alloc(reader->arena, wanted, sizeof(struct pa_xt_chain *));
	table->slot_count = wanted;
	for (size_t i = 0; i < table->count; i++)
		*chain_slot(table, table->chains[i]->name) = table->chains[i];
}

struct pa_xt_chain *pa_xt_find_chain(const struct pa_xt_table *table, const char *name)
{
	return table->slot_count ? *chain_slot(table, name) : NULL;
}

/* The names that a rule cannot mean a chain by. */
static bool is_standard_target(const char *name)
{
	return strcmp(name, "ACCEPT") == 0 || strcmp(name, "DROP") == 0 || strcmp(name, "RETURN") == 0 ||
	       strcmp(name, "QUEUE") == 0;
}

static struct pa_xt_chain *add_chain(struct pa_xt_reader *reader, struct pa_xt_table *table, const char *name, uint32_t line)
{
	struct pa_xt_chain *chain = pa_arena_alloc(reader->arena, 1, sizeof(*chain));
	*chain = (struct pa_xt_chain){ .name = name, .policy = PA_VERDICT_ACCEPT, .line_number = line };
	table->chains = grown(reader->arena, table->chains, table->count, &table->capacity, sizeof(struct pa_xt_chain *));
	table->chains[table->count++] = chain;
	if (2 * (table->count + 1) > table->slot_count)
		index_chains(reader, table);
	else
		*chain_slot(table, name) = chain;
	return chain;
}

/* iptables-legacy keeps the policies that a table had when it is written anew, iptables-nft does not (measured, 1.8.9). */
static void add_base_chains(struct pa_xt_reader *reader, struct pa_xt_table *table, const struct pa_xt_table *before)
{
	for (unsigned hook = PA_HOOK_PREROUTING; hook <= PA_HOOK_POSTROUTING; hook++) {
		if (!(table->row->hooks >> hook & 1))
			continue;
		struct pa_xt_chain *chain = add_chain(reader, table, hook_chains[hook], table->line_number);
		chain->is_base = true;
		chain->hook = (enum pa_hook)hook;
		if (before && table->source == PA_SOURCE_IPTABLES_LEGACY)
			chain->policy = pa_xt_find_chain(before, chain->name)->policy;
	}
}

static bool set_policy(struct builder *builder, struct pa_xt_chain *chain, const struct pa_xt_line *line,
		       const struct pa_xt_word *word)
{
	if (strcmp(word->text, "ACCEPT") != 0 && strcmp(word->text, "DROP") != 0)
		return pa_xt_error(builder->reader, line, word, "\"%s\" is no policy: a base chain has ACCEPT or DROP",
				   word->text);
	chain->policy = *word->text == 'A' ? PA_VERDICT_ACCEPT : PA_VERDICT_DROP;
	return true;
}

/* ":INPUT DROP [0:0]", ":mine - [0:0]" */
static bool chain_line(struct builder *builder, const struct pa_xt_line *line)
{
	const struct pa_xt_word *name = &line->words[0];
	if (!name->text[1] || line->count < 2 || line->count > 3)
		return pa_xt_error(builder->reader, line, NULL, "a chain is written like :INPUT DROP [0:0] or :NAME - [0:0]");
	if (is_standard_target(name->text + 1))
		return pa_xt_error(builder->reader, line, name, "a chain may not have the name of a target");
	struct pa_xt_chain *chain = pa_xt_find_chain(builder->table, name->text + 1);
	if (!chain)
		chain = add_chain(builder->reader, builder->table, name->text + 1, line->number);
	chain->line_number = line->number;
	chain->count = 0;
	return !chain->is_base || set_policy(builder, chain, line, &line->words[1]);
}

/* --- rules -------------------------------------------------------------------------------------------------------------- */

static bool insert_rule(struct builder *builder, struct pa_xt_chain *chain, struct pa_xt_rule *rule, size_t at)
{
	chain->rules = grown(builder->reader->arena, chain->rules, chain->count, &chain->capacity, sizeof(struct pa_xt_rule *));
	memmove(chain->rules + at + 1, chain->rules + at, (chain->count - at) * sizeof(struct pa_xt_rule *));
	chain->rules[at] = rule;
	chain->count++;
	return true;
}

/* The number of -I, -D, -R, from 1; `last` is the largest that is there. */
static bool rule_number(struct builder *builder, const struct pa_xt_rule *rule, size_t last, size_t *ret_at)
{
	uint64_t number = 1;
	if (rule->value && (!pa_xt_number(rule->value->text, last, &number) || number == 0))
		return pa_xt_error(builder->reader, &rule->line, rule->value, "chain \"%s\" has no rule of this number here",
				   rule->chain->text);
	*ret_at = (size_t)number - 1;
	return true;
}

static bool change_rules(struct builder *builder, struct pa_xt_chain *chain, struct pa_xt_rule *rule)
{
	size_t at = 0;
	switch (rule->command) {
	case 'A':
		return insert_rule(builder, chain, rule, chain->count);
	case 'I':
		return rule_number(builder, rule, chain->count + 1, &at) && insert_rule(builder, chain, rule, at);
	case 'R':
		if (!rule_number(builder, rule, chain->count, &at))
			return false;
		chain->rules[at] = rule;
		return true;
	case 'D':
		if (!rule->value)
			return pa_xt_error(builder->reader, &rule->line, rule->chain,
					   "-D is read with the number of a rule only");
		if (!rule_number(builder, rule, chain->count, &at))
			return false;
		memmove(chain->rules + at, chain->rules + at + 1, (--chain->count - at) * sizeof(struct pa_xt_rule *));
		return true;
	default:
		chain->count = 0; /* -F */
		return true;
	}
}

/* -X: a chain, or all that are not base chains. Jumps to what is gone are found later. */
static bool delete_chains(struct builder *builder, const struct pa_xt_rule *rule)
{
	struct pa_xt_table *table = builder->table;
	size_t kept = 0, count = table->count;
	for (size_t i = 0; i < count; i++) {
		struct pa_xt_chain *chain = table->chains[i];
		if (chain->is_base || (rule->chain && strcmp(chain->name, rule->chain->text) != 0))
			table->chains[kept++] = chain;
	}
	table->count = kept;
	index_chains(builder->reader, table);
	return !rule->chain || kept < count ||
	       pa_xt_error(builder->reader, &rule->line, rule->chain, "no chain \"%s\" that could be deleted",
			   rule->chain->text);
}

static bool new_chain(struct builder *builder, const struct pa_xt_rule *rule)
{
	if (is_standard_target(rule->chain->text))
		return pa_xt_error(builder->reader, &rule->line, rule->chain, "a chain may not have the name of a target");
	if (pa_xt_find_chain(builder->table, rule->chain->text))
		return pa_xt_error(builder->reader, &rule->line, rule->chain, "chain \"%s\" is there already",
				   rule->chain->text);
	add_chain(builder->reader, builder->table, rule->chain->text, rule->line.number);
	return true;
}

static bool flush_all(struct builder *builder)
{
	for (size_t i = 0; i < builder->table->count; i++)
		builder->table->chains[i]->count = 0;
	return true;
}

static bool run_command(struct builder *builder, struct pa_xt_rule *rule)
{
	if (rule->other_family || rule->command == 'Z')
		return true;
	if (rule->command == 'X')
		return delete_chains(builder, rule);
	if (rule->command == 'F' && !rule->chain)
		return flush_all(builder);
	if (rule->command == 'N')
		return new_chain(builder, rule);
	struct pa_xt_chain *chain = pa_xt_find_chain(builder->table, rule->chain->text);
	if (!chain)
		return pa_xt_error(builder->reader, &rule->line, rule->chain, "table %s has no chain \"%s\"",
				   builder->table->name, rule->chain->text);
	if (rule->command != 'P')
		return change_rules(builder, chain, rule);
	if (!chain->is_base)
		return pa_xt_error(builder->reader, &rule->line, rule->chain, "chain \"%s\" is no base chain: it has no policy",
				   chain->name);
	return set_policy(builder, chain, &rule->line, rule->value);
}

/* --- the lines of a table -------------------------------------------------------------------------------------------------- */

static bool table_line(struct builder *builder, const struct pa_xt_line *line)
{
	if (line->words[0].text[0] == ':')
		return chain_line(builder, line);
	if (line->words[0].text[0] == '*')
		return pa_xt_error(builder->reader, line, &line->words[0],
				   "the table before has no COMMIT: iptables-restore would not load it");
	struct pa_xt_rule *rule = pa_xt_read_rule(builder->reader, builder->table, line);
	return rule && run_command(builder, rule);
}

static void read_lines(struct builder *builder, const char *text, const struct pa_xt_span *span)
{
	size_t at = span->first;
	bool committed = false;
	uint32_t number = span->line;
	struct pa_xt_line line = { .source = "", .number = number };
	for (; at < span->end; number++) {
		const char *stop = memchr(text + at, '\n', span->end - at);
		size_t length = stop ? (size_t)(stop - text) - at : span->end - at;
		size_t next = at + length + 1;
		while (length && (text[at + length - 1] == '\r' || text[at + length - 1] == ' '))
			length--;
		if (number == span->line || length == 0 || text[at] == '#') {
			at = next;
			continue;
		}
		if (pa_xt_split(builder->reader, text + at, length, number, &line) && line.count) {
			committed = strcmp(line.words[0].text, "COMMIT") == 0 && line.count == 1;
			if (!committed && line.words[0].text[0] != '#')
				table_line(builder, &line);
		}
		at = next;
	}
	if (!committed)
		pa_xt_error(builder->reader, &line, NULL, "table %s ends without COMMIT: iptables-restore would not load it",
			    builder->table->name);
}

static const struct pa_xt_table_row *find_row(const char *name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

struct pa_xt_table *pa_xt_read_table(struct pa_xt_reader *reader, const char *text, const struct pa_xt_span *span,
				     const struct pa_xt_table *before)
{
	struct pa_xt_line line;
	const char *stop = memchr(text + span->first, '\n', span->end - span->first);
	size_t length = stop ? (size_t)(stop - text) - span->first : span->end - span->first;
	if (!pa_xt_split(reader, text + span->first, length, span->line, &line))
		return NULL;
	const char *name = line.words[0].text + 1;
	struct pa_xt_table *table = pa_arena_alloc(reader->arena, 1, sizeof(*table));
	*table = (struct pa_xt_table){ .family = span->family, .name = name, .line_number = span->line };
	table->row = find_row(name);
	table->source = span->legacy ? PA_SOURCE_IPTABLES_LEGACY : PA_SOURCE_IPTABLES_NFT;
	if (!table->row) {
		pa_xt_error(reader, &line, &line.words[0], "iptables has no table \"%s\"", name);
		pa_xt_help(reader, strcmp(name, "broute") == 0 ? "broute is a table of ebtables, which is not read"
							       : "it has filter, nat, mangle, raw and security");
		return NULL;
	}
	struct builder builder = { reader, table };
	add_base_chains(reader, table, before);
	read_lines(&builder, text, span);
	return table;
}
