/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the program makes of the rules that are in the kernel: its steps as text, to be compared. */
#include <stdlib.h>
#include <string.h>

#include "portaudit/load.h"
#include "portaudit/ruleset.h"
#include "relist.h"

static void put_number(FILE *out, pa_u128 number)
{
	fprintf(out, "%llx:%llx", (unsigned long long)(number >> 64), (unsigned long long)number);
}

static void put_test(FILE *out, const struct pa_step *step)
{
	for (unsigned i = 0; i < step->key.count; i++) {
		const struct pa_key_part *part = &step->key.parts[i];
		fprintf(out, " %s ", part->opaque ? part->opaque : pa_field_info(part->field)->name);
		put_number(out, part->opaque ? 0 : part->mask ^ part->xor_value);
	}
	fputs(step->negated ? " not" : "", out);
	for (size_t i = 0; !step->elements->decl && i < step->elements->count * step->elements->parts; i++) {
		fputc(' ', out);
		put_number(out, step->elements->keys[i].first);
		fputc('-', out);
		put_number(out, step->elements->keys[i].last);
	}
}

static char *understood(const struct pa_rule *rule)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	for (size_t i = 0; i < rule->step_count; i++) {
		const struct pa_step *step = &rule->steps[i];
		if (step->kind == PA_STEP_NONE)
			continue;
		if (step->implied && step->text && strstr(step->text, " that the listing of rule ")) {
			fprintf(out, "(%.*s) ", (int)(strstr(step->text, " that the listing") - step->text), step->text);
			continue;
		}
		fprintf(out, "[%d", (int)step->kind);
		if (step->kind == PA_STEP_MATCH || step->kind == PA_STEP_VMAP)
			put_test(out, step);
		fputs("] ", out);
	}
	fclose(out);
	return text;
}

bool relist_understand(char **ret_understood, size_t count)
{
	struct pa_load_options options = { 0 };
	struct pa_diags diags = { 0 };
	struct pa_ruleset *ruleset = pa_ruleset_load_live(&options, &diags);
	const struct pa_chain *chain = NULL;
	for (size_t i = 0; ruleset && i < ruleset->chain_count; i++)
		if (strcmp(ruleset->chains[i]->name, "c") == 0)
			chain = ruleset->chains[i];
	for (size_t i = 0; i < diags.count; i++)
		fprintf(stderr, "relist: the program says: %s\n", diags.items[i].message);
	bool same = chain && chain->rule_count == count;
	for (size_t i = 0; same && i < count; i++)
		ret_understood[i] = understood(chain->rules[i]);
	pa_ruleset_free(ruleset);
	pa_diags_done(&diags);
	return same;
}
