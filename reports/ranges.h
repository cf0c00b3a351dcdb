/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The values of one field in a box, tidied and put into words. All results live in the arena given.
 *
 * Lists for people are cut after `most` items with "... and N more"; 0 shows all.
 */
#ifndef PORTAUDIT_REPORTS_RANGES_H
#define PORTAUDIT_REPORTS_RANGES_H

#include "portaudit/evaluate.h"

/*
 * Sorted and joined, cut to what the field can hold; everything becomes count 0. An IPv4 field is cut to the IPv4-mapped
 * values; in an IPv6 field the IPv4-mapped hole closes when both sides of it are there, since no IPv6 packet lies in it.
 */
struct pa_ranges pa_ranges_clean(struct pa_arena *arena, struct pa_ranges ranges, enum pa_field field, int family);
int pa_ranges_compare(struct pa_ranges a, struct pa_ranges b);
bool pa_ranges_hold(struct pa_ranges ranges, pa_u128 value); /* cleaned ones */
bool pa_ranges_is_single(struct pa_ranges ranges);	     /* exactly one value */
/* What the field can hold and `ranges` (cleaned, not "any") does not. */
struct pa_ranges pa_ranges_gaps(struct pa_arena *arena, struct pa_ranges ranges, enum pa_field field, int family);

/* "22", "8000-8080" */
void pa_number_range_print(struct pa_interval range, struct pa_buffer *out);
/* "22,80,8000-8080" */
void pa_number_ranges_print(struct pa_ranges ranges, size_t most, struct pa_buffer *out);
/* "10.0.0.0/8, 192.0.2.1"; where less is missing than is there, `any` and " but 10.0.0.0/8". */
void pa_address_ranges_print(struct pa_arena *arena, struct pa_ranges ranges, int family, const char *any, size_t most,
			     struct pa_buffer *out);

/*
 * Interface names: a list in which the longest entry that fits a name decides. `any`: every name but lo is in, less the
 * entries with `except`.
 */
struct pa_name_entry {
	const char *text; /* "eth0", or "br-*"; a star in a name itself is written \* */
	bool except;
};
struct pa_name_list {
	bool any;
	bool loopback; /* any, and lo as well */
	bool none;     /* packets without such an interface are in */
	struct pa_name_entry *entries;
	size_t count;
};
struct pa_name_list pa_name_list_make(struct pa_arena *arena, struct pa_ranges names);
/* "eth0, br-*", "any", "any but eth0" */
void pa_name_list_print(const struct pa_name_list *list, size_t most, struct pa_buffer *out);

/* "echo-request", or NULL; protocol 1 or 58. */
const char *pa_icmp_type_name(unsigned protocol, unsigned type);

/* ", ... and 997 more" */
void pa_print_more(size_t hidden, struct pa_buffer *out);

#endif
