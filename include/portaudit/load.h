/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stage 1: read rulesets. Nothing here prints; what went wrong is added to diags (kind INPUT: exit 2, kind
 * INCOMPLETE: exit 3) and NULL is returned. A ruleset that is returned is whole.
 */
#ifndef PORTAUDIT_LOAD_H
#define PORTAUDIT_LOAD_H

#include "portaudit/ruleset.h"

struct pa_load_options {
	const char *const *include_folders; /* further folders that `include` may read; NULL-terminated or NULL */
	unsigned timeout_seconds;	    /* for the whole load; 0: the default */
	/* Called now and then while something long is read ("set inet filter blocklist: 310,000 elements"); may be NULL. */
	void (*progress)(void *context, const char *what);
	void *progress_context;
};

/*
 * The live ruleset of the network namespace that the process is in: nf_tables, what iptables-nft wrote into it, the tables of
 * iptables-legacy, and the ip sets that rules ask (rules/xtables). Needs CAP_NET_ADMIN. What could not be read is a gap of the ruleset.
 */
struct pa_ruleset *pa_ruleset_load_live(const struct pa_load_options *options, struct pa_diags *diags);

/*
 * Files (paths, or "-" for standard input), together one host, in any order. Each is recognised from its text: nft script, `nft -j`
 * JSON, iptables-save or ip6tables-save, `ipset save`. Sets alone are an error (no rule asks them); a set that rules ask and no
 * file holds may hold anything: what depends on it is opaque, with the name of the set.
 */
struct pa_ruleset *pa_ruleset_load_files(const char *const *paths, size_t count, const struct pa_load_options *options,
					 struct pa_diags *diags);

#endif
