/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reading.h"

/* A set of a million intervals takes the kernel more than a minute, and it is read twice. Seconds. */
#define DEFAULT_TIMEOUT 300

int64_t pa_load_deadline(const struct pa_load_options *options)
{
	unsigned seconds = options && options->timeout_seconds ? options->timeout_seconds : DEFAULT_TIMEOUT;

	return pa_child_now() + (int64_t)seconds * 1000;
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

/* The text and the facts of a child that is done. */
static bool lower(struct pa_ruleset *ruleset, const struct pa_child_result *result, struct pa_nft_document document,
		  struct pa_diags *diags)
{
	const char *problem = "";
	struct pa_nft_facts *facts =
		pa_nft_facts_read(result->text[PA_CHILD_FACTS].data, result->text[PA_CHILD_FACTS].length, &problem);
	bool lowered = false;

	document.json = result->text[PA_CHILD_JSON].data;
	document.length = result->text[PA_CHILD_JSON].length;
	document.facts = facts;
	if (facts)
		lowered = pa_nft_lower(&document, ruleset, diags);
	else
		pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "%s: %s", document.source_name, problem);
	pa_nft_facts_free(facts);
	return lowered;
}

bool pa_load_lower(struct pa_ruleset *ruleset, const struct pa_child_result *result, const char *source_name,
		   const struct pa_rule_lines *lines, struct pa_diags *diags)
{
	return lower(ruleset, result, (struct pa_nft_document){ .source_name = source_name, .lines = lines }, diags);
}

bool pa_load_lower_live(struct pa_ruleset *ruleset, const struct pa_child_result *result, struct pa_diags *diags)
{
	return lower(ruleset, result, (struct pa_nft_document){ .source_name = PA_LIVE_NAME, .replaces_xt = true }, diags);
}
