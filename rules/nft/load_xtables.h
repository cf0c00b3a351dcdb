/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel holds and nft does not show in full, put into a live ruleset from the texts of the -save programs.
 *
 * Tables of iptables-nft stay as nft listed them - their chains are as old as the listing says, which decides their order among chains
 * of one priority - and get the rules of the text, chain by chain. The listing and the text must agree on the chains and on the number
 * of rules of each. Tables of iptables-legacy are added as they are.
 */
#ifndef PORTAUDIT_NFT_LOAD_XTABLES_H
#define PORTAUDIT_NFT_LOAD_XTABLES_H

#include "../xtables/xtables.h"
#include "portaudit/ruleset.h"

/*
 * Reads a text of one program into `ruleset`, which is empty. `texts` are all that were read, by kind: the rules of one may fill sets
 * that the rules of another ask, and PA_XTABLES_SETS holds the sets. false: diags says why.
 */
struct pa_xtables_reader {
	bool (*read)(struct pa_ruleset *ruleset, const struct pa_xtables_text *text, const struct pa_xtables_text *texts,
		     enum pa_table_source source, struct pa_diags *diags);
};

/* What is to be asked for, and the legacy tables by family (4, 6) for the gaps of what cannot be read. */
struct pa_legacy_names {
	char names[PA_XTABLES_NAMES_MAX];
	const char *error; /* not NULL: they could not be read */
};
struct pa_xtables_plan {
	struct pa_xtables_request request;
	bool any;
	char legacy_names[2][PA_XTABLES_NAMES_MAX];
};
/* The names of both families, from /proc. */
void pa_xtables_read_names(struct pa_legacy_names names[2]);
void pa_xtables_make_plan(struct pa_ruleset *ruleset, const struct pa_legacy_names names[2], struct pa_xtables_plan *ret_plan);

/* Adds gaps for tables with xt parts that no program of ours shows (ebtables, arptables). */
void pa_xtables_add_other_gaps(struct pa_ruleset *ruleset);

/* Without a reader: gaps for all tables with xt parts, and for legacy tables. */
void pa_xtables_add_gaps(struct pa_ruleset *ruleset, const struct pa_xtables_plan *plan);

enum pa_xtables_result {
	PA_XTABLES_DONE,     /* the texts are in the ruleset; what they lack became a gap */
	PA_XTABLES_DISAGREE, /* the same, and a text has other rules than the listing: one of the two may have been torn */
	PA_XTABLES_CHANGED,  /* the ruleset changed between the listing and the texts (load_live.c): nothing was done */
	PA_XTABLES_FAILED,   /* a text could not be understood, see diags */
};
/* Puts the texts into the ruleset. */
enum pa_xtables_result pa_xtables_apply(struct pa_ruleset *ruleset, const struct pa_xtables_plan *plan,
					const struct pa_xtables_text *texts, const struct pa_xtables_reader *reader,
					struct pa_diags *diags);

#endif
