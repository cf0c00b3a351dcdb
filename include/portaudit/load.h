/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stage 1: read rulesets. Nothing here prints; what went wrong is added to diags (kind INPUT: exit 2, kind
 * INCOMPLETE: exit 3) and NULL is returned. A ruleset that is returned is whole.
 */
#ifndef PORTAUDIT_LOAD_H
#define PORTAUDIT_LOAD_H

#include "portaudit/ruleset.h"

struct pa_snapshot; /* snapshot.h */

/* What a program that shows part of the live ruleset printed. */
struct pa_recorded_text {
	const char *program; /* "iptables-nft-save" */
	bool wanted;
	struct pa_buffer text;
	const char *problem; /* not NULL: it could not be had */
	const char *help;
};

/* The tables of iptables-legacy of a family. */
struct pa_recorded_names {
	const char *names; /* separated by blanks */
	const char *error; /* not NULL: whether there are any could not be read */
};

/*
 * The live ruleset as the kernel and the programs gave it, before anything was made of it: a later portaudit reads it as well as this
 * one, or better. Zero-initialise it; pa_recording_done() frees.
 */
#define PA_RECORDED_TEXTS_MAX 8
struct pa_recording {
	struct pa_arena *arena;	   /* of the strings */
	struct pa_buffer listing;  /* what `nft -j list ruleset` prints */
	struct pa_buffer messages; /* the kernel's own netlink messages of it: what the listing loses is read from them */
	struct pa_recorded_names legacy[2]; /* IPv4, IPv6 */
	struct pa_recorded_text texts[PA_RECORDED_TEXTS_MAX];
	size_t text_count;
};
void pa_recording_done(struct pa_recording *recording);

struct pa_load_options {
	const char *const *include_folders; /* further folders that `include` may read; NULL-terminated or NULL */
	unsigned timeout_seconds;	    /* for the whole load; 0: the default */
	/* Called now and then while something long is read ("set inet filter blocklist: 310,000 elements"); may be NULL. */
	void (*progress)(void *context, const char *what);
	void *progress_context;
	struct pa_recording *recording; /* not NULL: pa_ruleset_load_live() puts there what it read */
	/* Not NULL: pa_ruleset_load_files() takes a snapshot in place of a ruleset and puts its other facts there; else NULL there. */
	struct pa_snapshot **ret_snapshot;
};

/*
 * The live ruleset of the network namespace that the process is in: nf_tables, what iptables-nft wrote into it, the tables of
 * iptables-legacy, and the ip sets that rules ask (rules/xtables). Needs CAP_NET_ADMIN. What could not be read is a gap of the ruleset.
 */
struct pa_ruleset *pa_ruleset_load_live(const struct pa_load_options *options, struct pa_diags *diags);

/* The same from what was recorded. */
struct pa_ruleset *pa_ruleset_load_recording(const struct pa_recording *recording, struct pa_diags *diags);

/*
 * Files (paths, or "-" for standard input), together one host, in any order. Each is recognised from its text: nft script, `nft -j`
 * JSON, iptables-save or ip6tables-save, `ipset save`, or one snapshot and nothing else. Sets alone are an error (no rule asks them); a set that rules ask and no
 * file holds may hold anything: what depends on it is opaque, with the name of the set.
 */
struct pa_ruleset *pa_ruleset_load_files(const char *const *paths, size_t count, const struct pa_load_options *options,
					 struct pa_diags *diags);

#endif
