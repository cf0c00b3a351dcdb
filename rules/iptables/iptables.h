/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What iptables-save and ip6tables-save print, and what people write for iptables-restore, as a ruleset. The words and the
 * order of things are those of iptables 1.8.9; spellings of older versions (`-d ! 192.0.2.1`) are read as they meant them.
 */
#ifndef PORTAUDIT_IPTABLES_H
#define PORTAUDIT_IPTABLES_H

#include "ipset.h"
#include "portaudit/load.h"

enum pa_iptables_family { PA_IPTABLES_BY_CONTENT, PA_IPTABLES_IPV4, PA_IPTABLES_IPV6 };

struct pa_iptables_text {
	enum pa_diag_kind kind; /* of errors: INPUT for a file of the user, INCOMPLETE for what a program of the host printed */
	const char *name;	/* of the file, for places */
	const char *text;	/* need not be terminated; holds no NUL */
	size_t length;
	enum pa_iptables_family family; /* BY_CONTENT: as the text says; see family.c */
	struct pa_ipsets *sets;		/* what `-m set` asks; NULL: none were given */
	enum pa_table_source source;	/* NFT: as the headers say, else iptables-nft */
};

/*
 * Adds the tables of a dump, or of several in one text, to the ruleset. A table that a dump has twice is what its last
 * appearance says, as with iptables-restore. false: diags has errors with their places, and the ruleset is not to be used.
 * The caller runs pa_ruleset_check() once everything is loaded.
 */
bool pa_iptables_lower(const struct pa_iptables_text *text, struct pa_ruleset *ruleset, struct pa_diags *diags);

#endif
