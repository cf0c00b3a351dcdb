/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coverage-corpus [-v] FILE...: load each ruleset and name every construct that has no row in the registries of rules/nft. Exit
 * 0: all have one; 1: some have not; 2: no file could be loaded. -v: also what is opaque and why, and what was not loaded.
 */
#include <stdio.h>
#include <string.h>

#include "key.h"
#include "portaudit/load.h"

static unsigned long unlisted, opaque, known;
static bool verbose;

static void tell(const char *file, const char *what, const char *text, const char *reason)
{
	if (verbose)
		printf("opaque: %s: %s\n", text ? text : "-", reason ? reason : "-");
	if (!reason || strcmp(reason, pa_nft_reasons[PA_REASON_UNKNOWN].text) != 0)
		return;
	printf("%s: no row for the %s %s\n", file, what, text ? text : "without a text");
	unlisted++;
}

static void look_at_part(const char *file, const struct pa_key_part *part)
{
	if (part->opaque)
		opaque++;
	else
		known++;
	if (part->opaque)
		tell(file, "expression", part->opaque, part->reason);
}

static void look_at_key(const char *file, const struct pa_key *key)
{
	for (unsigned i = 0; i < key->count; i++)
		look_at_part(file, &key->parts[i]);
}

static void look_at_operand(const char *file, const struct pa_operand *operand)
{
	if (operand->kind == PA_OPERAND_OPAQUE)
		tell(file, "value", operand->text, operand->reason);
	if (operand->kind == PA_OPERAND_FIELD)
		look_at_part(file, &operand->part);
	if (operand->kind == PA_OPERAND_MAP)
		look_at_key(file, &operand->key);
}

static void look_at_step(const char *file, const struct pa_step *step)
{
	switch (step->kind) {
	case PA_STEP_MATCH:
	case PA_STEP_VMAP:
		look_at_key(file, &step->key);
		break;
	case PA_STEP_ASSIGN:
		look_at_operand(file, &step->value);
		break;
	case PA_STEP_NAT:
		look_at_operand(file, &step->value);
		look_at_operand(file, &step->port);
		break;
	case PA_STEP_OPAQUE:
		opaque++;
		tell(file, "statement", step->text, step->reason);
		break;
	case PA_STEP_VERDICT:
	case PA_STEP_NOTRACK:
	case PA_STEP_NONE:
		break;
	}
}

static void look_at(const char *file, const struct pa_ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->rule_count; i++)
		for (size_t k = 0; k < ruleset->rules[i]->step_count; k++)
			look_at_step(file, &ruleset->rules[i]->steps[k]);
	for (size_t i = 0; i < ruleset->gap_count; i++)
		if (strstr(ruleset->gaps[i].message, "an object of kind")) {
			printf("%s\n", ruleset->gaps[i].message);
			unlisted++;
		}
}

/* What this host's nft or kernel cannot load is counted, and shown where somebody asks for it. */
static bool load(const char *file)
{
	struct pa_diags diags = { 0 };
	struct pa_load_options options = { .timeout_seconds = 60 };
	struct pa_ruleset *ruleset = pa_ruleset_load_files(&file, 1, &options, &diags);
	bool loaded = ruleset != NULL;
	if (loaded)
		look_at(file, ruleset);
	else if (verbose)
		printf("not loaded: %s: %s\n", file, diags.count ? diags.items[0].message : "");
	pa_ruleset_free(ruleset);
	pa_diags_done(&diags);
	return loaded;
}

int main(int argc, char **argv)
{
	verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
	unsigned long loaded = 0, refused = 0;
	for (int i = verbose ? 2 : 1; i < argc; i++)
		*(load(argv[i]) ? &loaded : &refused) += 1;
	printf("%lu files loaded, %lu not; %lu tests of known fields, %lu opaque, %lu of a kind without a row\n", loaded,
	       refused, known, opaque, unlisted);
	return loaded == 0 ? 2 : unlisted > 0;
}
