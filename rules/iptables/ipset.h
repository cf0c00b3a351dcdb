/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sets of ipset(8): `ipset save` text, and `-m set --match-set NAME src,dst` as a step of a rule.
 *
 * What a set holds is worked out as ip_set_hash_gen.h of the kernel does it: the entry with the most specific prefix decides, so
 * that `nomatch` entries cut exceptions; in hash:net,iface the most specific prefix decides even when its interface is another.
 */
#ifndef PORTAUDIT_IPTABLES_IPSET_H
#define PORTAUDIT_IPTABLES_IPSET_H

#include "portaudit/ruleset.h"

struct pa_ipsets;
struct pa_ipset;

struct pa_ipsets *pa_ipsets_new(void);
struct pa_ipsets *pa_ipsets_free(struct pa_ipsets *sets); /* takes NULL, returns NULL */

/*
 * Add what `ipset save` printed, or a file for `ipset restore`. Several texts may be read one after the other; a set of the same name
 * in two of them is an error. `name` is where errors are ("web.ipset"), `kind` what they are: INPUT for a file of the user. The text
 * need not be terminated. false: diags says where and why, and the sets are not to be used.
 */
bool pa_ipsets_read(struct pa_ipsets *sets, const char *name, const char *text, size_t length, enum pa_diag_kind kind,
		    struct pa_diags *diags);

/*
 * Rules fill or empty a set (-j SET --add-set NAME, --del-set NAME): before anything is lowered. Such a set may grow or shrink, and two
 * tests of it are two questions: a packet may have changed it in between. A list passes on what it is given to its members.
 */
enum pa_ipset_change { PA_IPSET_ADDS, PA_IPSET_DELETES };
void pa_ipsets_note_change(struct pa_ipsets *sets, const char *name, enum pa_ipset_change change);
/* The same for all SET targets in the text of iptables-save. Words that only look like one, in a comment, make the answer wider. */
void pa_ipsets_note_targets(struct pa_ipsets *sets, const char *text, size_t length);

const struct pa_ipset *pa_ipsets_find(const struct pa_ipsets *sets, const char *name); /* NULL: there is none */
size_t pa_ipsets_count(const struct pa_ipsets *sets);
const struct pa_ipset *pa_ipsets_at(const struct pa_ipsets *sets, size_t index); /* in the order of creation */

const char *pa_ipset_name(const struct pa_ipset *set);
const char *pa_ipset_type(const struct pa_ipset *set); /* "hash:net,port" */
int pa_ipset_family(const struct pa_ipset *set);       /* 4, 6, or 0: of both (bitmap:port, hash:mac, list:set) */
struct pa_location pa_ipset_where(const struct pa_ipset *set);

/* One `-m set --match-set NAME DIRECTIONS`. */
struct pa_ipset_match {
	const char *name;
	const char *directions; /* "src,dst" */
	int family;		/* 4 or 6: of the table that the rule is in */
	bool negated;
	bool return_nomatch; /* --return-nomatch: the `nomatch` entries are what matches */
	bool tests_counters; /* --packets-gt and the like: an entry may match or not */
	const char *text;    /* canonical text of the step */
};
#define PA_IPSET_STEPS_MAX 2

/*
 * The steps of the match, in order; strings and elements are in `arena`, which must be the same in every call with these sets (what
 * was worked out once is used again). --update-counters and --update-subcounters have no meaning here. A set that is not
 * known (`sets` may be NULL) gives a test of elements that are opaque, with that reason, and the result is false.
 */
bool pa_ipset_lower(struct pa_ipsets *sets, const struct pa_ipset_match *match, struct pa_arena *arena,
		    struct pa_step steps[PA_IPSET_STEPS_MAX], size_t *ret_count);

#endif
