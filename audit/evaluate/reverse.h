/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PA_EVALUATE_REVERSE_H
#define PA_EVALUATE_REVERSE_H

#include "portaudit/host.h"
#include "portaudit/ruleset.h"

/* Sources of one answer: the kernel would reply through one of `interfaces`, and is not known to do so through another one. */
struct pa_reverse_region {
	int family;
	struct pa_interval from;
	const char **interfaces;
	size_t count;
	bool any;     /* through any interface */
	bool unknown; /* what the answer is for other interfaces is not known; else it is no */
};

/*
 * Does only the route answer, and no socket (nft_fib_can_skip() in include/net/netfilter/nft_fib.h)? In input the socket of a flow
 * may; -m rpfilter is of prerouting only.
 */
bool pa_reverse_is_routed(const struct pa_rule *rule, enum pa_reverse kind);

/*
 * What `fib saddr . iif oif` and -m rpfilter find for packets that do not come in over lo (over lo they find it always), in the
 * order of a lookup: the first region that holds a source answers, and without one the answer is no. 0: the host's routes are not known, or too many. Allocated in `arena`.
 */
size_t pa_reverse_regions(const struct pa_host *host, enum pa_reverse kind, struct pa_arena *arena,
			  const struct pa_reverse_region **ret_regions);

#endif
