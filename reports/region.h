/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A row's box made ready to be shown: tidy ranges, and only of fields that mean something for its protocols. */
#ifndef PORTAUDIT_REPORTS_REGION_H
#define PORTAUDIT_REPORTS_REGION_H

#include "ranges.h"

struct pa_region {
	const struct pa_row *row;
	struct pa_ranges protocol, sport, dport, icmp_type, icmp_code, iif, oif;
	/* The sources and destinations by family: [0] IPv4, [1] IPv6. A region of one row has one family. */
	bool has_family[2];
	struct pa_ranges source[2], destination[2];
	bool has_ports; /* some of the protocols have ports */
	bool has_icmp;	/* some of the protocols are ICMP */
	unsigned rank;	/* in the order of the table; set by pa_lines_make() */
	/* Who takes packets of it; of joined rows, of all of them. row->facts says whether that is known. */
	const struct pa_listener *const *listeners;
	size_t listener_count;
	bool covered; /* as in row->facts, of all rows that were joined */
};

/*
 * In a row, no interface intervals at all are "any": every interface but lo. All that comes to the same becomes that; a list
 * that says every name, lo with them, must not, and is kept less the name of no interface.
 */
struct pa_ranges pa_interfaces_clean(struct pa_arena *arena, struct pa_ranges names);

struct pa_region pa_region_make(struct pa_arena *arena, const struct pa_row *row);
/* The family that a phrase must name: 4 or 6, 0 when both are in. */
int pa_region_family(const struct pa_region *region);
/* Any port, any ICMP type: whatever the protocols are, all of them. */
bool pa_region_is_wide(const struct pa_region *region);
/* New connections from any address, of a family that is in. */
bool pa_region_from_anywhere(const struct pa_region *region);

/* The field has a place of its own in struct pa_region. */
bool pa_region_shows(enum pa_field field);

/*
 * What the box says beyond protocol, addresses, ports, interfaces and ICMP. Plain rows say nothing more; what every new
 * connection has (state new, no mark, SYN) is not worth a word. false: the field is not limited.
 */
bool pa_region_extra(struct pa_arena *arena, const struct pa_region *region, enum pa_field field, struct pa_ranges *ret_ranges);

/*
 * "ephemeral" (inside the host's own range, where that is known), "system" (0-1023), "user", "dynamic" (49152-65535; RFC 6335), or NULL
 * when the ports lie in several or there are none.
 */
const char *pa_region_port_class(const struct pa_region *region);
/* The service of a region of one protocol and one port, or NULL. */
const char *pa_region_service(const struct pa_region *region);
/* The name of a port: what the policy calls it, else the registered one, or NULL. */
const char *pa_region_port_name(const struct pa_region *region, unsigned protocol, unsigned port);

#endif
