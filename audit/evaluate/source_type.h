/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PA_EVALUATE_SOURCE_TYPE_H
#define PA_EVALUATE_SOURCE_TYPE_H

#include "portaudit/host.h"
#include "portaudit/ruleset.h"

/*
 * IPv6 sources of one type, which the address alone does not tell: `usual`, or, where `otherwise` is not NULL and holds, one of
 * `other`. Of IPv4 sources it does.
 */
struct pa_source_region {
	struct pa_interval from;
	const char *interface; /* only those that come in by it; NULL: by any */
	bool own;	       /* the host's own addresses as well; else foreign ones only */
	struct pa_interval usual, other;
	const char *otherwise; /* a question */
};

/* What tests of the type tell apart. */
struct pa_source_questions {
	bool local;   /* own addresses from others */
	bool foreign; /* foreign ones that a route leads to from others */
};
/* Notes what these elements tell apart; `at`: the part of a concatenation. */
void pa_note_source_types(const struct pa_elements *elements, unsigned at, struct pa_source_questions *questions);

/*
 * In the order of a lookup: the first region that holds a packet tells the type of its source; without one the address does.
 * Allocated in `arena`.
 */
size_t pa_source_regions(const struct pa_host *host, const struct pa_source_questions *questions, struct pa_arena *arena,
			 const struct pa_source_region **ret_regions);

#endif
