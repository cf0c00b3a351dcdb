/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a policy that is written from what is reachable (`init`); policy_text.c puts them together. */
#ifndef PORTAUDIT_REPORTS_POLICY_TEXT_H
#define PORTAUDIT_REPORTS_POLICY_TEXT_H

#include "portaudit/report.h"
#include "region.h"

/* A `network` or `zone` line that statements refer to. */
struct pa_named_list {
	const char *name;
	const char *comment;
	int family; /* networks; zones: 0 */
	struct pa_ranges ranges;
	const char *text; /* zones: the interfaces as written */
};

struct pa_policy_names {
	struct pa_arena *arena;
	const struct pa_ruleset *ruleset;
	const struct pa_host *host; /* or NULL */
	struct pa_named_list *networks, *zones;
	size_t network_count, network_capacity, zone_count, zone_capacity;
};

/* --- policy_names.c --- */
/* Addresses of one family as a policy writes them: "any except blocked", "10.0.0.0/8", "admins". `ranges` is not "any". */
void pa_policy_addresses(struct pa_policy_names *names, struct pa_ranges ranges, int family, struct pa_buffer *out);
/* "any except ..." is shorter than the list: then a statement must name the family. */
bool pa_policy_told_by_gaps(struct pa_policy_names *names, struct pa_ranges ranges, int family);
/* Interfaces as a policy writes them. false: they cannot be written exactly; then nothing is written, which is any of them. */
bool pa_policy_interfaces(struct pa_policy_names *names, struct pa_ranges ranges, struct pa_buffer *out);
/* The lines that define what the above referred to. */
void pa_policy_definitions(const struct pa_policy_names *names, struct pa_buffer *out);
void pa_policy_names_done(struct pa_policy_names *names);

/* --- policy_items.c --- */
/*
 * The services of a region, as few words as can stand in one statement each: known services alone, the other ports together.
 * Returns their number (at most `most`).
 */
size_t pa_policy_items(struct pa_arena *arena, const struct pa_region *region, const char **items, size_t most);

#endif
