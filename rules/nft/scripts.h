/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The scripts of nft that a caller has read. */
#ifndef PORTAUDIT_NFT_SCRIPTS_H
#define PORTAUDIT_NFT_SCRIPTS_H

#include <sys/types.h>

#include "document.h"
#include "portaudit/load.h"

struct pa_nft_text {
	const char *name; /* for messages; the folder in it is where `include` looks */
	const char *text;
	size_t length;
	bool is_standard_input;
	bool is_regular; /* a file, with an owner that means something */
	uid_t owner;
	gid_t group;
};

/*
 * Loads the scripts, in order, in a child with namespaces of its own, and adds what libnftables made of them to the ruleset.
 * No scripts: nothing is done. false: diags says why.
 */
bool pa_nft_load_scripts(const struct pa_nft_text *scripts, size_t count, struct pa_ruleset *ruleset,
			 const struct pa_load_options *options, struct pa_diags *diags);

#endif
