/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In the child: the ruleset of its network namespace, as JSON and facts. */
#ifndef PORTAUDIT_NFT_LISTING_H
#define PORTAUDIT_NFT_LISTING_H

#include "child.h"

enum pa_listing_proof {
	PA_LISTING_ALONE, /* nobody else can change this namespace */
	PA_LISTING_PROVE, /* prove that what was read is whole, see wholeness.h */
};

/* Prints the ruleset into PA_CHILD_JSON and PA_CHILD_FACTS and ends the process with the outcome. */
__attribute__((noreturn)) void pa_listing_run(const struct pa_child *child, enum pa_listing_proof proof);

#endif
