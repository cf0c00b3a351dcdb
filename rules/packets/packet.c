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
	set_default(packet, PA_FIELD_IP_OPTIONS, 0);
	if (packet->value[PA_FIELD_IP_OPTIONS] == 0)
		set_default(packet, PA_FIELD_IP_HDRLENGTH, 5);
	pa_packet_set(packet, PA_FIELD_EXTHDRS, 0);
	pa_packet_set(packet, PA_FIELD_FRAG, 0);
	if (packet->known[PA_FIELD_META_LENGTH])
		pa_packet_set(packet, PA_FIELD_IP_LENGTH, packet->value[PA_FIELD_META_LENGTH]);
}

/*
 * Headers of which nobody speaks are not there. Hop-by-hop options come first (RFC 8200 section 4.1); the order of the
 * others is open.
 */
static void complete_headers(struct pa_packet *packet)
{
	static const struct {
		pa_u128 bit, number;
	} headers[] = { { 1, 0 }, { 2, 43 }, { 4, 60 } };
	bool is_mobile = packet->known[PA_FIELD_L4PROTO] && packet->value[PA_FIELD_L4PROTO] == 135;
	set_default(packet, PA_FIELD_EXTHDRS, is_mobile ? 8 : 0);
	set_default(packet, PA_FIELD_FRAG, 0);
	pa_u128 present = packet->value[PA_FIELD_EXTHDRS] & 7;
	if (!present && !packet->value[PA_FIELD_FRAG] && packet->known[PA_FIELD_L4PROTO])
		pa_packet_set(packet, PA_FIELD_IP6_NEXTHDR, packet->value[PA_FIELD_L4PROTO]);
	if (!present && packet->value[PA_FIELD_FRAG])
		pa_packet_set(packet, PA_FIELD_IP6_NEXTHDR, 44);
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		if ((present & 1 ? 1 : present) == headers[i].bit && (present & 1 || !packet->value[PA_FIELD_FRAG]))
			pa_packet_set(packet, PA_FIELD_IP6_NEXTHDR, headers[i].number);
}

/* The length in an IPv6 header does not count the header's 40 bytes (RFC 8200 section 3). */
static void complete_ipv6(struct pa_packet *packet)
{
	pa_packet_set(packet, PA_FIELD_NFPROTO, PA_NFPROTO_IPV6);
	pa_packet_set(packet, PA_FIELD_IP_OPTIONS, 0);
	complete_headers(packet);
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
	else if (protocol < 256)
		pa_packet_set(packet, PA_FIELD_TCP_OPTIONS, 0);
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
