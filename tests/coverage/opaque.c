/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coverage-opaque FILE[,FILE...] ...: each argument is the ruleset of one host. Prints, as Markdown, what in them is not decided by
 * packets and state: the construct, why, in how many rulesets and rules. Exit 2: no ruleset could be loaded.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portaudit/load.h"

#define FILES_MAX 8

struct entry {
	char *construct, *reason;
	unsigned long rulesets, rules;
	unsigned last_ruleset;
	const struct pa_rule *last_rule;
};
static struct entry *entries;
static size_t entry_count, entry_capacity;
static unsigned ruleset_number;
static unsigned long rule_count;

/* Words of the front end before its values: "limit rate", "-m recent", "@nh". */
static void cut_construct(const char *text, char *out, size_t room)
{
	unsigned most = text[0] == '-' ? 2 : strncmp(text, "meter ", 6) == 0 ? 1 : 3; /* a meter has a name of its own */
	size_t length = 0;
	for (unsigned words = 0; *text && words < most; words++) {
		size_t size = strcspn(text, " ");
		if (words > 0 && (!isalpha((unsigned char)*text) || strcspn(text, "0123456789\"{@,") < size))
			break;
		size_t part = text[0] == '@' ? strcspn(text, ",") : size;
		if (length + part + 2 > room)
			break;
		if (words > 0)
			out[length++] = ' ';
		memcpy(out + length, text, part);
		length += part;
		text += size + (text[size] == ' ');
	}
	out[length] = '\0';
}

static void count(const struct pa_rule *rule, const char *text, const char *reason)
{
	char construct[80];
	cut_construct(text ? text : "(no text)", construct, sizeof(construct));
	reason = reason ? reason : "the headers do not tell";
	struct entry *entry = NULL;
	for (size_t i = 0; i < entry_count && !entry; i++)
		if (strcmp(entries[i].construct, construct) == 0 && strcmp(entries[i].reason, reason) == 0)
			entry = &entries[i];
	if (!entry) {
		pa_grow(&entries, &entry_capacity, entry_count + 1, sizeof(*entries));
		entry = &entries[entry_count++];
		*entry = (struct entry){ .construct = pa_xstrdup(construct), .reason = pa_xstrdup(reason) };
	}
	entry->rulesets += entry->last_ruleset != ruleset_number;
	entry->rules += entry->last_rule != rule;
	entry->last_ruleset = ruleset_number;
	entry->last_rule = rule;
}

static void look_at_part(const struct pa_rule *rule, const struct pa_step *step, const struct pa_key_part *part)
{
	if (part->opaque)
		count(rule, step->text && step->text[0] == '-' ? step->text : part->opaque, part->reason);
}

static void look_at_key(const struct pa_rule *rule, const struct pa_step *step, const struct pa_key *key,
			const struct pa_elements *elements)
{
	for (unsigned i = 0; i < key->count; i++)
		look_at_part(rule, step, &key->parts[i]);
	if (elements->opaque)
		count(rule, "a set", elements->opaque);
	if (elements->may_grow && !step->implied)
		count(rule, "a set", "packets may add elements to the set at run time");
	if (elements->may_shrink)
		count(rule, "a set", "elements of the set may have expired or been removed");
}

static void look_at_operand(const struct pa_rule *rule, const struct pa_step *step, const struct pa_operand *operand)
{
	if (operand->kind == PA_OPERAND_OPAQUE)
		count(rule, operand->text, operand->reason);
	if (operand->kind == PA_OPERAND_FIELD)
		look_at_part(rule, step, &operand->part);
	if (operand->kind == PA_OPERAND_MAP)
		look_at_key(rule, step, &operand->key, operand->map);
}

static void look_at_step(const struct pa_rule *rule, const struct pa_step *step)
{
	switch (step->kind) {
	case PA_STEP_MATCH:
	case PA_STEP_VMAP:
		look_at_key(rule, step, &step->key, step->elements);
		break;
	case PA_STEP_ASSIGN:
		look_at_operand(rule, step, &step->value);
		break;
	case PA_STEP_NAT:
		look_at_operand(rule, step, &step->value);
		look_at_operand(rule, step, &step->port);
		break;
	case PA_STEP_OPAQUE:
		count(rule, step->text, step->reason);
		break;
	case PA_STEP_VERDICT:
	case PA_STEP_NOTRACK:
	case PA_STEP_NONE:
		break;
	}
}

static bool load(char *files)
{
	const char *names[FILES_MAX];
	size_t name_count = 0;
	for (char *rest = NULL, *name = strtok_r(files, ",", &rest); name && name_count < FILES_MAX;
	     name = strtok_r(NULL, ",", &rest))
		names[name_count++] = name;
	struct pa_diags diags = { 0 };
	struct pa_load_options options = { .timeout_seconds = 60 };
	struct pa_ruleset *ruleset = pa_ruleset_load_files(names, name_count, &options, &diags);
	bool loaded = ruleset != NULL;
	ruleset_number += loaded;
	for (size_t i = 0; loaded && i < ruleset->rule_count; i++) {
		rule_count++;
		for (size_t k = 0; k < ruleset->rules[i]->step_count; k++)
			look_at_step(ruleset->rules[i], &ruleset->rules[i]->steps[k]);
	}
	for (size_t i = 0; i < entry_count; i++)
		entries[i].last_rule = NULL;
	pa_ruleset_free(ruleset);
	pa_diags_done(&diags);
	return loaded;
}

static int by_use(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	if (a->rulesets != b->rulesets)
		return a->rulesets > b->rulesets ? -1 : 1;
	if (a->rules != b->rules)
		return a->rules > b->rules ? -1 : 1;
	return strcmp(a->construct, b->construct);
}

int main(int argc, char **argv)
{
	unsigned refused = 0;
	for (int i = 1; i < argc; i++)
		refused += !load(argv[i]);
	if (entry_count)
		qsort(entries, entry_count, sizeof(*entries), by_use);
	printf("%u rulesets with %lu rules; %u do not load here.\n\n| construct | why | rulesets | rules |\n|---|---|--:|--:|\n",
	       ruleset_number, rule_count, refused);
	for (size_t i = 0; i < entry_count; i++) {
		printf("| `%s` | %s | %lu | %lu |\n", entries[i].construct, entries[i].reason, entries[i].rulesets,
		       entries[i].rules);
		free(entries[i].construct);
		free(entries[i].reason);
	}
	free(entries);
	return ruleset_number == 0 ? 2 : 0;
}
