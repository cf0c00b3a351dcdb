/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel holds and JSON cannot: JSON is UTF-8, and libnftables leaves out set elements and comments that are
 * not, or aborts. The messages from the kernel are looked through, so that nothing is lost without a word.
 */
#ifndef PORTAUDIT_NFT_LEGIBLE_H
#define PORTAUDIT_NFT_LEGIBLE_H

#include "wholeness.h"

/* One finding is enough: the ruleset is not audited then. */
struct pa_legible {
	bool lost;	   /* something is not UTF-8 */
	char problem[400]; /* a sentence about it */
};

/*
 * Look at one message of nf_tables; `digest` remembers the types of sets from message to message. Marks in it the sets
 * that rules add elements to. Returns true when the message must be kept for facts.h.
 */
bool pa_legible_take(struct pa_legible *legible, struct pa_digest *digest, const struct nlmsghdr *message);

#endif
