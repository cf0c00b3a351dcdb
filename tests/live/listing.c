/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `nft list ruleset` read back by its lines: tables, then chains and other blocks, then rules. */
#include <stdlib.h>
#include <string.h>

#include "grammar.h"

/* Braces that are open at its end, those in strings left out. */
static int depth_of(const char *line, size_t size)
{
	int depth = 0;
	bool quoted = false;
	for (size_t i = 0; i < size; i++) {
		if (line[i] == '"')
			quoted = !quoted;
		else if (!quoted)
			depth += line[i] == '{' ? 1 : line[i] == '}' ? -1 : 0;
	}
	return depth;
}

/* From here up to and with the line that closes what the first one opened. */
static size_t closed_size(const char *text)
{
	int depth = 0;
	size_t size = 0;
	do {
		size_t line = strcspn(text + size, "\n");
		depth += depth_of(text + size, line);
		size += line + (text[size + line] == '\n');
	} while (depth > 0 && text[size]);
	return size;
}

static bool begins(const char *text, const char *word)
{
	return strncmp(text, word, strlen(word)) == 0;
}

static char *copy(const char *text, size_t size)
{
	char *part = strndup(text, size);
	if (!part)
		abort();
	return part;
}

/* Its head is the first line, and what describes a base chain. */
static void read_chain(struct script_table *table, const char *text, size_t size)
{
	const char *end = text + size, *at = text + strcspn(text, "\n") + 1;
	while (at < end && (begins(at, "\t\ttype ") || begins(at, "\t\tcomment ")))
		at += strcspn(at, "\n") + 1;
	struct script_block *block = script_add_block(table, copy(text, (size_t)(at - text)));
	while (at < end && !begins(at, "\t}")) {
		size_t rule = closed_size(at), first = strspn(at, "\t");
		if (rule > first + 1)
			rule_step(script_add_rule(block), copy(at + first, rule - first - (at[rule - 1] == '\n')));
		at += rule;
	}
}

static void read_table(struct script *script, const char *text, size_t size)
{
	const char *end = text + size, *at = text + strcspn(text, "\n") + 1;
	while (at < end && (begins(at, "\tflags ") || begins(at, "\tcomment ")))
		at += strcspn(at, "\n") + 1;
	struct script_table *table = script_add_table(script, copy(text, (size_t)(at - text)));
	while (at < end && !begins(at, "}")) {
		size_t block = closed_size(at);
		if (begins(at, "\tchain "))
			read_chain(table, at, block);
		else if (block > 1)
			script_add_block(table, copy(at, block));
		at += block;
	}
}

void script_read(struct script *script, const char *listing)
{
	while (*listing) {
		size_t size = closed_size(listing);
		if (begins(listing, "table ") && !begins(listing, "table inet judge_observer "))
			read_table(script, listing, size);
		listing += size;
	}
}
