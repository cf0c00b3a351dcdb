/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random packets of the values that random rules ask for. */
#ifndef RANDOM_PACKETS_H
#define RANDOM_PACKETS_H

#include "random_host.h"

static pa_u128 neighbour(pa_u128 value, pa_u128 least, pa_u128 greatest)
{
	unsigned way = draw(6);
	if (way == 0 && value > least)
		return value - 1;
	return way == 1 && value < greatest ? value + 1 : value;
}

__attribute__((unused)) static struct pa_packet random_packet(enum pa_path path)
{
	struct pa_packet packet = { .path = path, .family = draw(2) ? 4 : 6 };
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		bool open = f == PA_FIELD_CT_STATE || f == PA_FIELD_CT_DIRECTION || f == PA_FIELD_CT_STATUS ||
			    f == PA_FIELD_DADDR_TYPE || f == PA_FIELD_DADDR_IIF_TYPE || f == PA_FIELD_SADDR_TYPE ||
			    (f >= PA_FIELD_CT_ORIG_SADDR && f <= PA_FIELD_CT_REPLY_DPORT);
		packet.known[f] = !open;
		if (!open)
			packet.value[f] = random_value((enum pa_field)f, packet.family);
	}
	bool ipv4 = packet.family == 4;
	for (unsigned f = PA_FIELD_SADDR; f <= PA_FIELD_DADDR; f++)
		packet.value[f] = neighbour(packet.value[f], ipv4 ? PA_IPV4_BASE : 0, ipv4 ? PA_IPV4_LAST : PA_U128_MAX);
	for (unsigned f = PA_FIELD_SPORT; f <= PA_FIELD_DPORT; f++)
		packet.value[f] = neighbour(packet.value[f], 0, 65535);
	packet.value[PA_FIELD_IP6_NEXTHDR] = packet.value[PA_FIELD_L4PROTO];
	packet.value[PA_FIELD_TCP_OPTIONS] = packet.value[PA_FIELD_L4PROTO] == 6 ? draw(128) : 0;
	packet.value[PA_FIELD_IP_OPTIONS] = ipv4 ? draw(16) : 0;
	packet.value[PA_FIELD_FRAG] = ipv4 ? 0 : draw(2);
	packet.value[PA_FIELD_EXTHDRS] = ipv4 ? 0 : draw(8) | (packet.value[PA_FIELD_L4PROTO] == 135 ? 8 : 0);
	/* what stands behind a fragment header and other headers is known to the walk as little as to the diagrams, but not to dead rules */
	if (packet.value[PA_FIELD_FRAG]) {
		packet.value[PA_FIELD_IP6_NEXTHDR] = 44;
		packet.value[PA_FIELD_EXTHDRS] &= 8;
	}
	packet.value[PA_FIELD_MARK] = packet.value[PA_FIELD_CT_MARK] = 0;
	return packet;
}

#endif
