/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The live kernel: nft's listing, and what it does not show from the -save programs. */
#include "../nft/load_live.h"
#include "../iptables/iptables.h"
#include "../nft/recorded.h"

/* The sets, and which of them rules fill: any of the texts may. */
static bool read_sets(struct pa_ipsets *sets, const struct pa_xtables_text *texts, struct pa_diags *diags)
{
	const struct pa_buffer *saved = &texts[PA_XTABLES_SETS].text;

	if (saved->data && !pa_ipsets_read(sets, "ipset save", saved->data, saved->length, PA_DIAG_INCOMPLETE, diags))
		return false;
	for (unsigned i = 0; i < PA_XTABLES_COUNT; i++)
		if (i != PA_XTABLES_SETS && texts[i].text.data)
			pa_ipsets_note_targets(sets, texts[i].text.data, texts[i].text.length);
	return true;
}

static bool read_text(struct pa_ruleset *ruleset, const struct pa_xtables_text *text, const struct pa_xtables_text *texts,
		      enum pa_table_source source, struct pa_diags *diags)
{
	struct pa_ipsets *sets = pa_ipsets_new();
	struct pa_iptables_text whole = { .kind = PA_DIAG_INCOMPLETE,
					  .name = text->program,
					  .text = text->text.data,
					  .length = text->text.length,
					  .family = text->family == 4 ? PA_IPTABLES_IPV4 : PA_IPTABLES_IPV6,
					  .sets = sets,
					  .source = source };
	bool good = read_sets(sets, texts, diags) && pa_iptables_lower(&whole, ruleset, diags);

	pa_ipsets_free(sets);
	return good;
}

static const struct pa_xtables_reader reader = { read_text };

struct pa_ruleset *pa_ruleset_load_live(const struct pa_load_options *options, struct pa_diags *diags)
{
	return pa_nft_load_live(options, &reader, diags);
}

struct pa_ruleset *pa_ruleset_load_recording(const struct pa_recording *recording, struct pa_diags *diags)
{
	return pa_nft_load_recording(recording, &reader, diags);
}
