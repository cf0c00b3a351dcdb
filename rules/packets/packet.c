/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a packet has that nobody says: the first packet of a connection, without options or extension headers. */
#include "reader.h"

void pa_packet_set(struct pa_packet *packet, enum pa_field field, pa_u128 value)
{
	packet->value[field] = value;
	packet->known[field] = true;
}

static void set_default(struct pa_packet *packet, enum pa_field field, pa_u128 value)
{
	if (!packet->known[field])
		pa_packet_set(packet, field, value);
}

/*
 * `th sport` of ICMP reads the type and the code (the first two bytes behind the IP header); `th dport` the checksum, which
 * stays open.
 */
static void complete_icmp(struct pa_packet *packet)
{
	if (!packet->known[PA_FIELD_ICMP_TYPE])
		return;
	set_default(packet, PA_FIELD_ICMP_CODE, 0);
	pa_packet_set(packet, PA_FIELD_SPORT, packet->value[PA_FIELD_ICMP_TYPE] << 8 | packet->value[PA_FIELD_ICMP_CODE]);
}

/* The fragment field stays open: nobody says whether the packet may be fragmented. */
static void complete_ipv4(struct pa_packet *packet)
{
	pa_packet_set(packet, PA_FIELD_NFPROTO, PA_NFPROTO_IPV4);
	pa_packet_set(packet, PA_FIELD_IP_VERSION, 4);
	pa_packet_set(packet, PA_FIELD_IP_HDRLENGTH, 5);
	if (packet->known[PA_FIELD_META_LENGTH])
		pa_packet_set(packet, PA_FIELD_IP_LENGTH, packet->value[PA_FIELD_META_LENGTH]);
}

/* The length in an IPv6 header does not count the header's 40 bytes (RFC 8200 section 3). */
static void complete_ipv6(struct pa_packet *packet)
{
	pa_packet_set(packet, PA_FIELD_NFPROTO, PA_NFPROTO_IPV6);
	if (packet->known[PA_FIELD_L4PROTO])
		pa_packet_set(packet, PA_FIELD_IP6_NEXTHDR, packet->value[PA_FIELD_L4PROTO]);
	if (packet->known[PA_FIELD_META_LENGTH])
		pa_packet_set(packet, PA_FIELD_IP6_LENGTH, packet->value[PA_FIELD_META_LENGTH] - 40);
}

/*
 * An unknown state is left unknown: it means new, but leaves room for what conntrack does not track by itself. A related
 * packet is an error about either direction, so its direction is open.
 */
void pa_packet_complete(struct pa_packet *packet)
{
	pa_u128 protocol = packet->known[PA_FIELD_L4PROTO] ? packet->value[PA_FIELD_L4PROTO] : 256;
	if (protocol == PA_PROTO_TCP)
		set_default(packet, PA_FIELD_TCP_FLAGS, PA_TCP_SYN);
	if (protocol == PA_PROTO_ICMP || protocol == PA_PROTO_ICMPV6)
		complete_icmp(packet);
	set_default(packet, PA_FIELD_MARK, 0);
	set_default(packet, PA_FIELD_CT_MARK, 0);
	if (!packet->known[PA_FIELD_CT_STATE] || packet->value[PA_FIELD_CT_STATE] != PA_CT_RELATED)
		set_default(packet, PA_FIELD_CT_DIRECTION, 0);
	if (packet->family == 4)
		complete_ipv4(packet);
	else
		complete_ipv6(packet);
}
