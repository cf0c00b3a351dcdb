/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nft does not show of the live kernel, as the texts of the programs that do: iptables-nft-save (arguments of xtables matches and
 * targets), iptables-legacy-save (tables that nf_tables knows nothing of), ipset save.
 *
 * None of them changes anything: iptables-nft-save makes no table, and iptables-legacy-save reads only tables that exist, which is why
 * it is asked only when the list of names in /proc/net says that there are some (iptables-legacy itself would create them).
 */
#ifndef PORTAUDIT_XTABLES_H
#define PORTAUDIT_XTABLES_H

#include "portaudit/base.h"

enum pa_xtables_kind {
#define XTABLES_PROGRAM(id, program, argument, family, package) PA_XTABLES_##id,
#include "xtables_program.def"
#undef XTABLES_PROGRAM
	PA_XTABLES_COUNT
};

struct pa_xtables_text {
	bool wanted;
	const char *program; /* "iptables-nft-save" */
	int family;	     /* 4, 6; 0: both */
	struct pa_buffer text;
	const char *problem; /* not NULL: what is wanted could not be read; one sentence */
	const char *help;    /* what to do about that, or NULL */
};

/* Reads the texts that are asked for; `ipset save` as well when one of the others names a set. */
struct pa_xtables_request {
	bool wanted[PA_XTABLES_COUNT];
	int64_t deadline;	    /* CLOCK_MONOTONIC, milliseconds */
	const char *const *folders; /* where the programs are; NULL: pa_program_folders */
};

/* An array of PA_XTABLES_COUNT texts, by kind; release it with pa_xtables_free(). Never NULL: what failed is a problem of its text. */
struct pa_xtables_text *pa_xtables_read_live(const struct pa_xtables_request *request);
struct pa_xtables_text *pa_xtables_free(struct pa_xtables_text *texts); /* takes NULL, returns NULL */

/*
 * The tables of iptables-legacy that exist, separated by blanks: "" when there are none. `path` is /proc/self/net/ip_tables_names or
 * ip6_tables_names, which are only read. false: it could not be read, errno says why.
 */
#define PA_XTABLES_NAMES_MAX 1024
bool pa_xtables_legacy_names(const char *path, char names[PA_XTABLES_NAMES_MAX]);

/* Two texts of one program say the same: times, counters and what is left of timeouts do not count. */
bool pa_xtables_same_state(const char *one, const char *other);

#endif
