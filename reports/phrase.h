/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of a region in English, used by every report for people. `most` cuts long lists ("... and N more"), 0 does not.
 */
#ifndef PORTAUDIT_REPORTS_PHRASE_H
#define PORTAUDIT_REPORTS_PHRASE_H

#include "portaudit/report.h"
#include "region.h"

/* "22/tcp", "80,443/tcp", "any port/udp", "icmp echo-request", "any protocol" */
void pa_phrase_ports(struct pa_arena *arena, const struct pa_region *region, size_t most, struct pa_buffer *out);
/* "ssh", "http, https"; nothing when no name is known or there are many ports. Returns whether something was written. */
bool pa_phrase_services(const struct pa_region *region, struct pa_buffer *out);
/* "anywhere", "10.0.0.0/8, 2001:db8::/32", "anywhere (IPv4)", "anywhere, source port 53" */
void pa_phrase_source(struct pa_arena *arena, const struct pa_region *region, size_t most, struct pa_buffer *out);
/* "192.0.2.10"; nothing when any destination. Returns whether something was written. */
bool pa_phrase_destination(struct pa_arena *arena, const struct pa_region *region, size_t most, struct pa_buffer *out);
/* "eth0", "any"; forwarded packets: "eth0 -> eth1" when the way out is limited. */
void pa_phrase_interface(struct pa_arena *arena, const struct pa_region *region, size_t most, struct pa_buffer *out);
/* "10.0.0.5:8443", "this host, port 8080" */
void pa_phrase_target(const struct pa_target *target, struct pa_buffer *out);
/* "ttl 0-9, meta pkttype multicast"; nothing for plain rows. Returns whether something was written. */
bool pa_phrase_extras(struct pa_arena *arena, const struct pa_region *region, size_t most, struct pa_buffer *out);
/* A whole region in a line: "22/tcp from 10.0.0.0/8 on eth0 (IPv4)"; the path `in` is not named. */
void pa_phrase_region(struct pa_arena *arena, const struct pa_region *region, size_t most, struct pa_buffer *out);
/* The values of one field: "syn|ack", "multicast", "0-9". */
void pa_phrase_values(struct pa_arena *arena, enum pa_field field, int family, struct pa_ranges ranges, size_t most,
		      struct pa_buffer *out);
/* The protocol's name, or its number. */
void pa_phrase_protocol(pa_u128 protocol, struct pa_buffer *out);
/* "syn,ack" or "none": nft's names of the bits, joined with `separator`. */
void pa_phrase_tcp_flags(pa_u128 flags, char separator, struct pa_buffer *out);
/* "new", "untracked"; NULL: no single state */
const char *pa_ct_state_name(pa_u128 state);

#endif
