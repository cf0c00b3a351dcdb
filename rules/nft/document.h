/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What passes between the two halves of rules/nft: the loader gets the text that libnftables prints as JSON and the
 * facts that this text loses; the lowering turns both into the ruleset.
 */
#ifndef PORTAUDIT_NFT_DOCUMENT_H
#define PORTAUDIT_NFT_DOCUMENT_H

#include "facts.h"
#include "lines.h"
#include "portaudit/ruleset.h"

struct pa_nft_document {
	const char *json; /* not terminated; valid JSON is not promised */
	size_t length;
	const char *source_name;	   /* "live kernel", or the name of the file */
	const struct pa_nft_facts *facts;  /* what the kernel says and JSON loses; NULL for a JSON file */
	const struct pa_rule_lines *lines; /* where the rules stand in the script; NULL: the kernel, a JSON file */
	bool replaces_xt;		   /* the caller looks after tables with has_xt: no gap is added for them here */
};

/*
 * Adds what the document holds to the ruleset; several documents may be lowered into one. Strings are copied into the
 * arena of the ruleset. false: diags says why, and the ruleset is not to be used. The loader calls pa_ruleset_check()
 * once, after the last document; what must run first (pa_ruleset_finish) is the business of that function.
 */
bool pa_nft_lower(const struct pa_nft_document *document, struct pa_ruleset *ruleset, struct pa_diags *diags);

/* A gap for each table from this one on that has_xt. */
void pa_xt_add_gaps(struct pa_ruleset *ruleset, size_t first_table);

#endif
