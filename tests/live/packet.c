/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"

bool packet_has_ports(uint8_t protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE || protocol == IPPROTO_SCTP ||
	       protocol == IPPROTO_DCCP;
}

bool packet_is_error(const struct packet *packet)
{
	if (packet->protocol == IPPROTO_ICMP)
		return packet->type == 3 || packet->type == 11 || packet->type == 12;
	return packet->protocol == IPPROTO_ICMPV6 && packet->type >= 1 && packet->type <= 4;
}

/* RFC 3309, table-free: packets are short. */
uint32_t crc32c(const uint8_t *bytes, size_t size)
{
	uint32_t sum = 0xffffffffu;
	for (size_t i = 0; i < size; i++) {
		sum ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			sum = (sum >> 1) ^ (sum & 1 ? 0x82f63b78u : 0);
	}
	return ~sum;
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

static uint32_t sum_words(uint32_t sum, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i + 1 < size; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	if (size & 1)
		sum += (uint32_t)bytes[size - 1] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* RFC 1071 over the pseudo header and the message; UDP-Lite as UDP, which is how conntrack reads it. */
static uint16_t checksum(const struct packet *packet, const uint8_t *message, size_t size)
{
	size_t width = packet->family == 4 ? 4 : 16;
	uint32_t sum = (uint32_t)size + packet->protocol;
	sum = sum_words(sum, packet->src.byte, width);
	sum = sum_words(sum, packet->dst.byte, width);
	uint16_t result = fold(sum_words(sum, message, size));
	return packet->protocol == IPPROTO_UDP && result == 0 ? 0xffff : result;
}

static size_t put_payload(uint8_t *at, uint32_t id)
{
	put32(at, JUDGE_MAGIC);
	put32(at + 4, id);
	memset(at + 8, 0, JUDGE_PAYLOAD - 8);
	return JUDGE_PAYLOAD;
}

/* Sequence and acknowledgement carry the id as well: a RST that answers repeats them. */
static size_t put_tcp(const struct packet *packet, uint8_t *at)
{
	memset(at, 0, 20);
	put16(at, packet->sport);
	put16(at + 2, packet->dport);
	put32(at + 4, packet->id * JUDGE_SEQUENCE);
	put32(at + 8, packet->id * JUDGE_SEQUENCE);
	size_t header = 20 + detail_tcp(packet, at + 20);
	at[12] = (uint8_t)(header << 2);
	at[13] = packet->flags;
	put16(at + 14, 8192);
	size_t size = header + put_payload(at + header, packet->id);
	put16(at + 16, checksum(packet, at, size));
	return size;
}

static size_t put_udp(const struct packet *packet, uint8_t *at)
{
	put16(at, packet->sport);
	put16(at + 2, packet->dport);
	put16(at + 4, 8 + JUDGE_PAYLOAD);
	put16(at + 6, 0);
	size_t size = 8 + put_payload(at + 8, packet->id);
	put16(at + 6, checksum(packet, at, size));
	return size;
}

/* INIT (RFC 9260), or for a flow that exists a DATA chunk with our id as its user data. */
static size_t put_sctp(const struct packet *packet, uint8_t *at)
{
	bool init = packet->state != STATE_ESTABLISHED;
	memset(at, 0, 48);
	put16(at, packet->sport);
	put16(at + 2, packet->dport);
	put32(at + 4, init ? 0 : 1);
	at[12] = init ? 1 : 0;
	size_t body = init ? 32 : 28;
	put16(at + 14, (uint32_t)(body - 12) + JUDGE_PAYLOAD);
	put32(at + 16, 1); /* initiate tag, or TSN */
	put32(at + 20, 65535);
	put16(at + 24, 1);
	put16(at + 26, 1);
	size_t size = body + put_payload(at + body, packet->id);
	uint32_t sum = crc32c(at, size);
	for (int i = 0; i < 4; i++)
		at[8 + i] = (uint8_t)(sum >> 8 * i);
	return size;
}

/* A REQUEST with 48-bit sequence numbers (RFC 4340). */
static size_t put_dccp(const struct packet *packet, uint8_t *at)
{
	memset(at, 0, 20);
	put16(at, packet->sport);
	put16(at + 2, packet->dport);
	at[4] = 5;
	at[8] = 1;
	put32(at + 12, packet->id);
	size_t size = 20 + put_payload(at + 20, packet->id);
	put16(at + 6, checksum(packet, at, size));
	return size;
}

/* The packet that an ICMP error of ours quotes: UDP, the other way, its payload our id. */
static size_t put_quoted(const struct packet *packet, uint8_t *at)
{
	struct packet quoted = { .id = packet->id,
				 .family = packet->family,
				 .protocol = IPPROTO_UDP,
				 .ttl = 64,
				 .sport = packet->dport,
				 .dport = packet->sport,
				 .src = packet->dst,
				 .dst = packet->src };
	return packet_bytes(&quoted, at, 256);
}

static size_t put_icmp(const struct packet *packet, uint8_t *at)
{
	memset(at, 0, 8);
	at[0] = packet->type;
	at[1] = packet->code;
	put16(at + 4, packet->sport); /* the echo id */
	put16(at + 6, 1);
	size_t size = 8 + (packet_is_error(packet) ? put_quoted(packet, at + 8) : put_payload(at + 8, packet->id));
	put16(at + 2, packet->protocol == IPPROTO_ICMPV6 ? checksum(packet, at, size) : fold(sum_words(0, at, size)));
	return size;
}

/* Other protocols: four bytes where ports would be, so that th can be asked; GRE wants a version it knows. */
static size_t put_other(const struct packet *packet, uint8_t *at)
{
	put16(at, packet->protocol == IPPROTO_GRE ? 0 : packet->sport);
	put16(at + 2, packet->protocol == IPPROTO_GRE ? 0x0800 : packet->dport);
	return 4 + put_payload(at + 4, packet->id);
}

static size_t put_message(const struct packet *packet, uint8_t *at)
{
	switch (packet->protocol) {
	case IPPROTO_TCP:
		return put_tcp(packet, at);
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return put_udp(packet, at);
	case IPPROTO_SCTP:
		return put_sctp(packet, at);
	case IPPROTO_DCCP:
		return put_dccp(packet, at);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return put_icmp(packet, at);
	default:
		return put_other(packet, at);
	}
}

size_t packet_bytes(const struct packet *packet, uint8_t *bytes, size_t room)
{
	size_t header = packet->family == 4 ? 20 : 40;
	uint8_t first;
	memset(bytes, 0, room < header ? room : header);
	header += detail_network(packet, bytes + header, &first);
	size_t size = header + put_message(packet, bytes + header);
	if (packet->family == 6) {
		put32(bytes, 0x60000000u | (uint32_t)packet->dscp << 22);
		put16(bytes + 4, (uint32_t)(size - 40));
		bytes[6] = first;
		bytes[7] = packet->ttl;
		memcpy(bytes + 8, packet->src.byte, 16);
		memcpy(bytes + 24, packet->dst.byte, 16);
		return size;
	}
	bytes[0] = (uint8_t)(0x40 | header / 4);
	bytes[1] = (uint8_t)(packet->dscp << 2);
	put16(bytes + 2, (uint32_t)size);
	put16(bytes + 4, (packet->id & 0xffff) | 1);
	bytes[8] = packet->ttl;
	bytes[9] = packet->protocol;
	memcpy(bytes + 12, packet->src.byte, 4);
	memcpy(bytes + 16, packet->dst.byte, 4);
	put16(bytes + 10, fold(sum_words(0, bytes, header)));
	return size;
}

struct packet *packets_add(struct packets *packets)
{
	if (packets->count == packets->room) {
		packets->room = packets->room ? packets->room * 2 : 256;
		packets->item = realloc(packets->item, packets->room * sizeof(*packets->item));
		if (!packets->item)
			abort();
	}
	struct packet *packet = &packets->item[packets->count];
	memset(packet, 0, sizeof(*packet));
	packet->id = (uint32_t)packets->count++;
	packet->oif = JUDGE_NO_INTERFACE;
	packet->ttl = 64;
	return packet;
}

void packets_done(struct packets *packets)
{
	free(packets->item);
	memset(packets, 0, sizeof(*packets));
}
