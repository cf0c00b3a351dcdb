/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PA_EVALUATE_FIB_H
#define PA_EVALUATE_FIB_H

#include "portaudit/host.h"
#include "portaudit/ruleset.h"

/* What the kernel finds. */
struct pa_fib_answer {
	enum {
		PA_FIB_VALUE,	 /* `value`: the name of an interface; 0: nothing */
		PA_FIB_INCOMING, /* the interface that the packet came in by */
		PA_FIB_SOME,	 /* an interface, it is not known which */
		PA_FIB_ANYTHING, /* not known */
	} kind;
	pa_u128 value;
};

/* Addresses of one answer; where `other` or `protocol` limit it, only for packets whose other address and protocol are such. */
struct pa_fib_region {
	int family;
	struct pa_interval address; /* the one that is looked up */
	struct pa_interval other;
	unsigned protocol; /* 0: any */
	bool prerouting;   /* in other hooks than this and ingress the answer is not known */
	const char **interfaces;
	size_t count;
	struct pa_fib_answer listed; /* for packets that come in by one of `interfaces` */
	struct pa_fib_answer answer; /* for all others */
};

/* What a test of such a value asks. */
enum pa_fib_asked {
	PA_FIB_ASKS_NOTHING, /* that could be decided */
	PA_FIB_ASKS_WHETHER, /* whether there is an interface */
	PA_FIB_ASKS_WHICH,   /* whether it is one of these; 0: whether there is none */
};
enum pa_fib_asked pa_fib_asked(const struct pa_step *step);

/* Is the destination looked up, else the source? */
bool pa_fib_is_of_destination(enum pa_fib kind);

bool pa_fib_is_prerouting(const struct pa_rule *rule);
/*
 * A region as it is for this rule. The other address is known to a rule that asks for the source in prerouting only, and there not
 * where it was changed (`other_changed`): else the answer is not known.
 */
struct pa_fib_region pa_fib_region_at(const struct pa_fib_region *region, const struct pa_rule *rule, enum pa_fib kind,
				      bool other_changed);
static inline bool pa_fib_asks_other(const struct pa_fib_region *region)
{
	return region->other.first > 0 || region->other.last < PA_U128_MAX;
}

/*
 * Does only the route answer, and no socket (nft_fib_can_skip() in include/net/netfilter/nft_fib.h)? In input the socket of a flow
 * may; -m rpfilter is of prerouting only.
 */
bool pa_fib_is_routed(const struct pa_rule *rule, enum pa_fib kind);

/*
 * What the kernel finds for packets that do not come in over lo (there it is lo always), in the order of a lookup: the first region
 * that holds a packet answers, and without one it is nothing. 0: the host's routes are not known, or too many. Allocated in
 * `arena`.
 */
size_t pa_fib_regions(const struct pa_host *host, enum pa_fib kind, struct pa_arena *arena,
		      const struct pa_fib_region **ret_regions);

#endif
