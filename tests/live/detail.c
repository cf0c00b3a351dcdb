/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What packets may have beside the ordinary: options of TCP and of IPv4, extension headers of IPv6. Such packets, and all fields that
 * hardly any ruleset asks for, are told only where a ruleset speaks of them: `detail` of struct packet. Sequence numbers and
 * IPv4's id follow from the packet's own id, which recording gives anew: recorded cases do not ask for them.
 */
#include <jansson.h>
#include <string.h>

#include "judge.h"

/* Bits are those of the fields in include/portaudit/field.def. */
static const struct tcp_options {
	unsigned bits;
	uint16_t mss;
	uint8_t scale;
	uint8_t size;
	uint8_t bytes[20];
} tcp_options[] = {
	{ 0, 0, 0, 0, { 0 } },
	{ 4, 1460, 0, 4, { 2, 4, 0x05, 0xb4 } },
	{ 4 | 2 | 16, 536, 0, 8, { 2, 4, 0x02, 0x18, 1, 1, 4, 2 } },
	{ 4 | 16 | 64 | 2 | 8, 1460, 7, 20, { 2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7 } },
	{ 2 | 8, 0, 3, 4, { 1, 3, 3, 3 } },
};
static const struct ip_options {
	unsigned bits;
	uint8_t size;
	uint8_t bytes[8];
} ip_options[] = {
	{ 0, 0, { 0 } },
	{ 8, 4, { 148, 4, 0, 0 } },
	{ 2, 8, { 7, 7, 4, 0, 0, 0, 0, 0 } },
};
/*
 * Each 8 bytes, in the order in which they stand: hop by hop, routing, destination, fragment (of a packet that is whole). A routing
 * header has its type, the segments left, and 8 bytes more for each of `length`.
 */
static const struct headers {
	unsigned bits;
	bool fragment;
	unsigned count;
	uint8_t kind[2];
	uint8_t type, segments, length;
} headers[] = {
	{ 0, false, 0, { 0 }, 0, 0, 0 },     { 1, false, 1, { 0 }, 0, 0, 0 },	   { 4, false, 1, { 60 }, 0, 0, 0 },
	{ 5, false, 2, { 0, 60 }, 0, 0, 0 }, { 0, true, 1, { 44 }, 0, 0, 0 },	   { 2, false, 1, { 43 }, 0, 0, 0 },
	{ 3, false, 2, { 0, 43 }, 2, 1, 2 }, { 6, false, 2, { 43, 60 }, 4, 0, 2 },
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TOLD 0x80 /* the bit of `detail` that says so; below it the number of the options */

static const struct tcp_options *tcp_options_of(const struct packet *packet)
{
	bool tcp = packet->protocol == IPPROTO_TCP;
	return &tcp_options[tcp ? (packet->detail & 7) % COUNT(tcp_options) : 0];
}

static unsigned network_of(const struct packet *packet)
{
	return packet->detail >> 3 & 7;
}

static const struct headers *headers_of(const struct packet *packet)
{
	return &headers[packet->family == 6 ? network_of(packet) % COUNT(headers) : 0];
}

static const struct ip_options *ip_options_of(const struct packet *packet)
{
	return &ip_options[packet->family == 4 ? network_of(packet) % COUNT(ip_options) : 0];
}

size_t detail_tcp(const struct packet *packet, uint8_t *at)
{
	const struct tcp_options *options = tcp_options_of(packet);
	memcpy(at, options->bytes, options->size);
	return options->size;
}

static size_t put_header(const struct headers *list, uint8_t kind, uint8_t next, uint8_t *at)
{
	size_t size = kind == 43 ? 8 + 8u * list->length : 8;
	memset(at, 0, size);
	at[0] = next;
	if (kind == 44)
		at[7] = 77; /* the id */
	else if (kind == 43)
		memcpy(at + 1, (const uint8_t[]){ list->length, list->type, list->segments }, 3);
	else
		memcpy(at + 2, (const uint8_t[]){ 1, 4, 0, 0, 0, 0 }, 6); /* PadN */
	return size;
}

/* Behind the fixed header; *first is the protocol that it names. */
size_t detail_network(const struct packet *packet, uint8_t *at, uint8_t *first)
{
	*first = packet->protocol;
	if (packet->family == 4) {
		const struct ip_options *options = ip_options_of(packet);
		memcpy(at, options->bytes, options->size);
		return options->size;
	}
	const struct headers *list = headers_of(packet);
	size_t size = 0;
	for (unsigned i = 0; i < list->count; i++) {
		uint8_t next = i + 1 < list->count ? list->kind[i + 1] : packet->protocol;
		size += put_header(list, list->kind[i], next, at + size);
	}
	if (list->count)
		*first = list->kind[0];
	return size;
}

size_t detail_skip(const uint8_t *bytes, size_t size, uint8_t *protocol)
{
	size_t at = 40;
	while ((*protocol == 0 || *protocol == 43 || *protocol == 60 || *protocol == 44) && at + 8 <= size) {
		*protocol = bytes[at];
		at += *protocol == 44 ? 8 : (size_t)(bytes[at + 1] + 1) * 8;
	}
	return at;
}

/* The kernel's own sockets fill in headers in their way: only what comes from the wire has options. */
void detail_choose(const char *ruleset, struct chance *chance, struct packet *packet)
{
	static const char *const words[] = { "option",	   "exthdr",   "hbh",	 "frag",  "tcp window", "tcp sequence",
					     "tcp ackseq", "tcp doff", "urgptr", "dst ",  "icmp id",	"sequence",
					     "udp length", "@th",      "@nh",	 "ip id", "frag-off",	"rt type",
					     "seg-left",   "rt hdr",   "-m rt" };
	bool asked = false;
	for (size_t i = 0; i < COUNT(words); i++)
		asked = asked || strstr(ruleset, words[i]);
	if (!asked)
		return;
	packet->detail = TOLD;
	if (packet->entry != ENTRY_WIRE || packet->state == STATE_RELATED || !chance_of(chance, 70))
		return;
	packet->detail |= (uint8_t)(chance_below(chance, COUNT(tcp_options)) |
				    chance_below(chance, packet->family == 4 ? COUNT(ip_options) : COUNT(headers)) << 3);
}

void detail_write(FILE *file, const struct packet *packet)
{
	const struct tcp_options *tcp = tcp_options_of(packet);
	if (!(packet->detail & TOLD))
		return;
	fprintf(file, ",\"tcp_options\":%u,\"ip_options\":%u,\"exthdr\":%u,\"frag\":%u", tcp->bits, ip_options_of(packet)->bits,
		headers_of(packet)->bits, headers_of(packet)->fragment);
	if (headers_of(packet)->bits & 2)
		fprintf(file, ",\"rt_type\":%u,\"rt_seg_left\":%u,\"rt_length\":%u", headers_of(packet)->type,
			headers_of(packet)->segments, headers_of(packet)->length);
	if (headers_of(packet)->fragment)
		fputs(",\"frag_offset\":0,\"frag_more\":0,\"frag_id\":77", file);
	if (packet->family == 4)
		fprintf(file, ",\"ip_id\":%u,\"frag_off\":0,\"hdrlength\":%u", (packet->id & 0xffff) | 1,
			5 + ip_options_of(packet)->size / 4u);
	if (packet->protocol == IPPROTO_TCP)
		fprintf(file, ",\"mss\":%u,\"wscale\":%u,\"window\":8192,\"seq\":%u,\"ackseq\":%u,\"doff\":%u,\"urgptr\":0",
			tcp->mss, tcp->scale, packet->id * JUDGE_SEQUENCE, packet->id * JUDGE_SEQUENCE, 5 + tcp->size / 4u);
	if (packet->protocol == IPPROTO_UDP || packet->protocol == IPPROTO_UDPLITE)
		fprintf(file, ",\"udp_length\":%u", 8 + JUDGE_PAYLOAD);
	if (packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6)
		fprintf(file, ",\"icmp_id\":%u,\"icmp_seq\":1", packet->sport);
}

static uint32_t number_of(const json_t *object, const char *key)
{
	return (uint32_t)json_integer_value(json_object_get(object, key));
}

void detail_read(const void *object, struct packet *packet)
{
	const json_t *line = object;
	if (!json_object_get(line, "tcp_options"))
		return;
	packet->detail = TOLD;
	for (uint8_t i = 0; i < COUNT(tcp_options); i++)
		if (tcp_options[i].bits == number_of(line, "tcp_options") &&
		    (packet->protocol != IPPROTO_TCP || tcp_options[i].mss == number_of(line, "mss")))
			packet->detail |= i;
	for (uint8_t i = 0; packet->family == 4 && i < COUNT(ip_options); i++)
		if (ip_options[i].bits == number_of(line, "ip_options"))
			packet->detail |= (uint8_t)(i << 3);
	for (uint8_t i = 0; packet->family == 6 && i < COUNT(headers); i++)
		if (headers[i].bits == number_of(line, "exthdr") && headers[i].fragment == (number_of(line, "frag") == 1))
			packet->detail |= (uint8_t)(i << 3);
	if (packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6)
		packet->sport = (uint16_t)number_of(line, "icmp_id");
}
