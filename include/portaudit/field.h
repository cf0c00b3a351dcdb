/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packet fields (field.def) and what is known of each. */
#ifndef PORTAUDIT_FIELD_H
#define PORTAUDIT_FIELD_H

#include "portaudit/base.h"

enum pa_field {
#define FIELD(id, bits, treatment, name) PA_FIELD_##id,
#include "portaudit/field.def"
#undef FIELD
	PA_FIELD_COUNT
};

enum pa_treatment { PA_TREATMENT_EXACT, PA_TREATMENT_STATE, PA_TREATMENT_HOST, PA_TREATMENT_OPAQUE };

struct pa_field_info {
	const char *id;	  /* "SADDR" */
	const char *name; /* "saddr" */
	unsigned bits;
	enum pa_treatment treatment;
};

const struct pa_field_info *pa_field_info(enum pa_field field);

/* Does conntrack give the field its value, from the packet's flow? The state it gives to packets without one as well. */
static inline bool pa_field_is_of_flow(enum pa_field field)
{
	return field == PA_FIELD_CT_DIRECTION || field == PA_FIELD_CT_STATUS || field == PA_FIELD_CT_MARK ||
	       (field >= PA_FIELD_CT_ORIG_SADDR && field <= PA_FIELD_CT_PROTOCOL);
}

/*
 * The parts of what tells flows apart: in the packet's header, as conntrack read it of the flow's first packet, and as it will read it
 * of a reply. Part i turned round is part pa_tuple_turned(i): source and destination change places.
 */
struct pa_tuple_part {
	enum pa_field header, original, reply;
};
#define PA_TUPLE_PARTS 4
extern const struct pa_tuple_part pa_tuple[PA_TUPLE_PARTS];
static inline size_t pa_tuple_turned(size_t part)
{
	return part ^ 1;
}
pa_u128 pa_field_max(enum pa_field field); /* the largest value: 2^bits - 1 */

/* Values of PA_FIELD_NFPROTO (linux/netfilter.h), PA_FIELD_CT_STATE (nf_conntrack_common.h) and PA_FIELD_DADDR_TYPE (rtnetlink). */
enum { PA_NFPROTO_IPV4 = 2, PA_NFPROTO_IPV6 = 10 };
enum { PA_CT_INVALID = 1, PA_CT_ESTABLISHED = 2, PA_CT_RELATED = 4, PA_CT_NEW = 8, PA_CT_UNTRACKED = 64 };
enum {
	PA_STATUS_EXPECTED = 1,
	PA_STATUS_SEEN_REPLY = 2,
	PA_STATUS_ASSURED = 4,
	PA_STATUS_CONFIRMED = 8,
	PA_STATUS_SNAT = 16,
	PA_STATUS_DNAT = 32
};
enum { PA_TYPE_UNICAST = 1, PA_TYPE_LOCAL = 2, PA_TYPE_BROADCAST = 3, PA_TYPE_ANYCAST = 4, PA_TYPE_MULTICAST = 5 };
enum {
	PA_TCP_FIN = 1,
	PA_TCP_SYN = 2,
	PA_TCP_RST = 4,
	PA_TCP_PSH = 8,
	PA_TCP_ACK = 16,
	PA_TCP_URG = 32,
	PA_TCP_ECN = 64,
	PA_TCP_CWR = 128
};

#endif
