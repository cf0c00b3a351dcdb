/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PA_EVALUATE_INTERFACE_H
#define PA_EVALUATE_INTERFACE_H

#include "portaudit/host.h"
#include "portaudit/ruleset.h"

/* What the kernel finds when a rule asks for a property: nothing, which ends the rule, or a value. */
enum pa_link_finding { PA_LINK_UNKNOWN, PA_LINK_NONE, PA_LINK_VALUE };

struct pa_link_fact {
	pa_u128 name;
	enum pa_link_finding found[PA_LINK_PROPERTIES];
	pa_u128 value[PA_LINK_PROPERTIES];
};

/*
 * The interfaces of the host, sorted by their names, each name once. Others may come, and are what they are. A property that has too
 * many values is known of none. Allocated in `arena`.
 */
size_t pa_link_facts(const struct pa_host *host, struct pa_arena *arena, const struct pa_link_fact **ret_facts);
/* NULL: not known. No name: no interface, of which nothing is found. */
const struct pa_link_fact *pa_link_fact_of(const struct pa_link_fact *facts, size_t count, pa_u128 name);

#endif
