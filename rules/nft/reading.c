/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reading.h"

/* A set of a million intervals takes the kernel more than a minute, and it is read twice. Seconds. */
#define DEFAULT_TIMEOUT 300

int64_t pa_load_deadline(const struct pa_load_options *options)
{
	unsigned seconds = options && options->timeout_seconds ? options->timeout_seconds : DEFAULT_TIMEOUT;

	return pa_clock_now() + (int64_t)seconds * 1000;
}

/* What else the process said: libnftables writes to standard error before it gives up. */
static void add_last_words(struct pa_diags *diags, struct pa_diag *diag, const struct pa_child_result *result)
{
	const char *noise = result->text[PA_CHILD_NOISE].data;
	size_t length = result->text[PA_CHILD_NOISE].length;

	while (length > 0 && (noise[length - 1] == '\n' || noise[length - 1] == '\0'))
		length--;
	if (length == 0 || !pa_text_is_utf8(noise, length < 200 ? length : 200))
		return;
	diag->help = pa_arena_printf(diags->arena, "its last words: %.*s", (int)(length < 200 ? length : 200), noise);
}

void pa_load_add_failure(struct pa_diags *diags, const struct pa_child_result *result, const char *what)
{
	const struct pa_child_report *report = &result->report;
	enum pa_diag_kind kind = report->outcome == PA_CHILD_INPUT ? PA_DIAG_INPUT : PA_DIAG_INCOMPLETE;
	struct pa_diag *diag = pa_diags_add(diags, PA_DIAG_ERROR, kind, "%s: %s", what, report->message);

	if (report->help[0])
		diag->help = pa_arena_strdup(diags->arena, report->help);
	else if (report->outcome == PA_CHILD_DIED)
		add_last_words(diags, diag, result);
}

/* A listing, and the messages that the facts are read from. */
struct texts {
	const char *json, *facts;
	size_t json_length, facts_length;
};

static bool lower(struct pa_ruleset *ruleset, const struct texts *texts, struct pa_nft_document document,
		  struct pa_diags *diags)
{
	const char *problem = "";
	struct pa_nft_facts *facts = pa_nft_facts_read(texts->facts, texts->facts_length, &problem);
	bool lowered = false;

	document.json = texts->json;
	document.length = texts->json_length;
	document.facts = facts;
	if (facts)
		lowered = pa_nft_lower(&document, ruleset, diags);
	else
		pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "%s: %s", document.source_name, problem);
	pa_nft_facts_free(facts);
	return lowered;
}

/* Those of a child that is done. */
static struct texts texts_of(const struct pa_child_result *result)
{
	return (struct texts){ .json = result->text[PA_CHILD_JSON].data,
			       .json_length = result->text[PA_CHILD_JSON].length,
			       .facts = result->text[PA_CHILD_FACTS].data,
			       .facts_length = result->text[PA_CHILD_FACTS].length };
}

static const struct pa_nft_document live_document = { .source_name = PA_LIVE_NAME, .replaces_xt = true };

bool pa_load_lower(struct pa_ruleset *ruleset, const struct pa_child_result *result, const char *source_name,
		   const struct pa_rule_lines *lines, struct pa_diags *diags)
{
	const struct texts texts = texts_of(result);
	size_t before = ruleset->table_count;
	bool lowered = lower(ruleset, &texts, (struct pa_nft_document){ .source_name = source_name, .lines = lines }, diags);

	for (size_t i = before; i < ruleset->table_count; i++)
		ruleset->tables[i]->scratch_handles = true;
	return lowered;
}

bool pa_load_lower_live(struct pa_ruleset *ruleset, const struct pa_child_result *result, struct pa_diags *diags)
{
	const struct texts texts = texts_of(result);

	return lower(ruleset, &texts, live_document, diags);
}

/* What the listing holds and the messages do not; NULL: they belong together. */
static const char *missing_fact(const struct pa_ruleset *ruleset, const struct pa_nft_facts *facts)
{
	for (size_t i = 0; i < ruleset->table_count; i++) {
		const struct pa_table *table = ruleset->tables[i];

		if (!pa_nft_facts_table(facts, table->family, table->name))
			return table->name;
		for (size_t j = 0; j < table->chain_count; j++)
			if (!pa_nft_facts_chain(facts, table->family, table->name, table->chains[j]->name))
				return table->chains[j]->name;
	}
	return NULL;
}

bool pa_load_lower_texts(struct pa_ruleset *ruleset, const struct pa_buffer *json, const struct pa_buffer *facts,
			 struct pa_diags *diags)
{
	const struct texts texts = { json->data, facts->data, json->length, facts->length };
	const char *problem = "", *missing;
	struct pa_nft_facts *known;

	if (!lower(ruleset, &texts, live_document, diags))
		return false;
	known = pa_nft_facts_read(facts->data, facts->length, &problem);
	missing = missing_fact(ruleset, known);
	pa_nft_facts_free(known);
	if (missing)
		pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "the kernel's messages do not hold '%s' of the listing",
			     missing);
	return !missing;
}
