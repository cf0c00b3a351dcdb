/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Part by part, the larger ones first: what can go without the difference going is gone. */
#include <stdlib.h>
#include <string.h>

#include "judge.h"

struct trial {
	struct script *script;
	bool (*still)(const char *text, void *data);
	void *data;
};

static bool holds(const struct trial *trial)
{
	char *text = script_text(trial->script);
	bool result = trial->still(text, trial->data);
	free(text);
	return result;
}

/* Takes item i out of an array of `size` bytes each, tries, and puts it back when it was needed. */
static bool drop_item(const struct trial *trial, void *items, size_t *count, size_t i, size_t size)
{
	char *base = items;
	char *saved = malloc(size);
	if (!saved)
		abort();
	memcpy(saved, base + i * size, size);
	memmove(base + i * size, base + (i + 1) * size, (*count - i - 1) * size);
	(*count)--;
	bool gone = holds(trial);
	if (!gone) {
		memmove(base + (i + 1) * size, base + i * size, (*count - i) * size);
		memcpy(base + i * size, saved, size);
		(*count)++;
	}
	free(saved);
	return gone;
}

/* From the end: what is jumped to stands before who jumps. */
static bool drop_items(const struct trial *trial, void *items, size_t *count, size_t size)
{
	bool any = false;
	for (size_t i = *count; i-- > 0;)
		any = drop_item(trial, items, count, i, size) || any;
	return any;
}

static bool drop_in_block(const struct trial *trial, struct script_block *block)
{
	bool any = drop_items(trial, block->rule, &block->rules, sizeof(*block->rule));
	for (size_t r = 0; r < block->rules; r++)
		any = drop_items(trial, block->rule[r].step, &block->rule[r].steps, sizeof(*block->rule[r].step)) || any;
	return any;
}

static bool pass(const struct trial *trial)
{
	struct script *script = trial->script;
	bool any = drop_items(trial, script->table, &script->tables, sizeof(*script->table));
	for (size_t t = 0; t < script->tables; t++)
		any = drop_items(trial, script->table[t].block, &script->table[t].blocks, sizeof(*script->table[t].block)) ||
		      any;
	for (size_t t = 0; t < script->tables; t++)
		for (size_t b = 0; b < script->table[t].blocks; b++)
			any = drop_in_block(trial, &script->table[t].block[b]) || any;
	return any;
}

void script_minimise(struct script *script, bool (*still)(const char *text, void *data), void *data)
{
	struct trial trial = { .script = script, .still = still, .data = data };
	while (pass(&trial))
		;
}
