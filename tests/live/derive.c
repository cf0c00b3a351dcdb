/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets out of a ruleset: its addresses and numbers, their neighbours, and what every host sees. Only packets whose
 * conntrack state the kernel is sure about, and that reach netfilter at all (no martians).
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"

#define POOL 512

/* What the ruleset speaks of. */
struct pool {
	struct address address[2][POOL]; /* IPv4, IPv6 */
	size_t addresses[2];
	uint32_t number[POOL];
	size_t numbers;
	bool nat, marks, pkttype, loopback;
	bool lost_flows;    /* conntrack does not find the flows that were made beforehand */
	uint16_t next_port; /* for flows that stay */
	struct chance *chance;
};

/* Addresses or ports: what conntrack reads then is no packet of the flow that was made for it. */
static bool writes_before_conntrack(const char *ruleset)
{
	bool writes = strstr(ruleset, "addr set") || strstr(ruleset, "port set");
	for (const char *at = strstr(ruleset, "priority -"); writes && at; at = strstr(at + 1, "priority -"))
		if (strtol(at + 10, NULL, 10) >= 200)
			return true;
	return false;
}

static void add_number(struct pool *pool, uint32_t number)
{
	for (size_t i = 0; i < pool->numbers; i++)
		if (pool->number[i] == number)
			return;
	if (pool->numbers < POOL)
		pool->number[pool->numbers++] = number;
}

static void add_address(struct pool *pool, int family, const struct address *address)
{
	size_t six = family == 6;
	for (size_t i = 0; i < pool->addresses[six]; i++)
		if (memcmp(&pool->address[six][i], address, sizeof(*address)) == 0)
			return;
	if (pool->addresses[six] < POOL)
		pool->address[six][pool->addresses[six]++] = *address;
}

/* The address after or before. */
static struct address step(int family, struct address address, int by)
{
	for (int i = family == 4 ? 3 : 15; i >= 0; i--) {
		uint8_t old = address.byte[i];
		address.byte[i] = (uint8_t)(old + by);
		if (!(by > 0 ? old == 0xff : old == 0))
			break;
	}
	return address;
}

static void add_around(struct pool *pool, int family, struct address first, struct address last)
{
	struct address before = step(family, first, -1), after = step(family, last, 1);
	add_address(pool, family, &first);
	add_address(pool, family, &last);
	add_address(pool, family, &before);
	add_address(pool, family, &after);
}

/* The prefix's first and last address, and those beside it; one in the middle. */
static void add_prefix(struct pool *pool, int family, struct address address, unsigned length)
{
	unsigned width = family == 4 ? 32 : 128;
	struct address first = address, last = address;
	for (unsigned bit = length; bit < width; bit++) {
		first.byte[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
		last.byte[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
	add_around(pool, family, first, last);
	if (length + 4 < width) {
		first.byte[width / 8 - 1] |= 5;
		add_address(pool, family, &first);
	}
}

static void add_word(struct pool *pool, const char *word)
{
	char text[64];
	int family;
	struct address address;
	snprintf(text, sizeof(text), "%s", word);
	char *slash = strchr(text, '/'), *end;
	if (slash)
		*slash = '\0';
	if (strpbrk(text, ".:") && address_parse(text, &family, &address)) {
		unsigned long length = slash ? strtoul(slash + 1, NULL, 10) : family == 4 ? 32 : 128;
		if (length <= (family == 4 ? 32u : 128u))
			add_prefix(pool, family, address, (unsigned)length);
		return;
	}
	unsigned long number = strtoul(text, &end, 0);
	if (isdigit((unsigned char)text[0]) && *end == '\0' && number <= 0xffffffffu) {
		add_number(pool, (uint32_t)number);
		add_number(pool, (uint32_t)number + 1);
		add_number(pool, (uint32_t)number - 1);
	}
}

/* Words of digits, hex, dots, colons and a slash; `a-b` is two words, `1.2.3.4:80` an address and a number. */
static void add_text(struct pool *pool, const char *text)
{
	char word[64];
	while (*text) {
		size_t size = strspn(text, "0123456789abcdefABCDEFx.:/");
		bool whole = size < sizeof(word) && size > 0;
		if (whole) {
			memcpy(word, text, size);
			word[size] = '\0';
			char *colon = strrchr(word, ':');
			if (strchr(word, '.') && colon) {
				*colon = '\0';
				add_word(pool, colon + 1);
			}
			add_word(pool, word);
		}
		text += size;
		while (*text && !whole && isalnum((unsigned char)*text))
			text++;
		if (*text && !strchr("0123456789abcdefABCDEFx.:/", *text))
			text++;
	}
}

static const char *const always_addresses[] = {
	"192.0.2.1",   "192.0.2.2",   "198.51.100.1",  "10.0.0.1", "192.0.2.77",   "198.51.100.9",  "10.0.0.5", "203.0.113.4",
	"2001:db8::1", "2001:db8::2", "2001:db8:1::1", "fd00::1",  "2001:db8::77", "2001:db8:1::9", "fd00::5",	"2001:db8:9::4",
};
static const uint32_t always_numbers[] = { 22, 53, 80, 443, 1024, 8080, 65535, 33000 };

/* `with_loopback`: what the output path leaves on a packet (marks, NAT) is not asked for on the way in again. */
static void pool_fill(struct pool *pool, const char *ruleset)
{
	int family;
	struct address address;
	for (size_t i = 0; i < sizeof(always_addresses) / sizeof(always_addresses[0]); i++)
		if (address_parse(always_addresses[i], &family, &address))
			add_address(pool, family, &address);
	for (size_t i = 0; i < sizeof(always_numbers) / sizeof(always_numbers[0]); i++)
		add_number(pool, always_numbers[i]);
	add_text(pool, ruleset);
	bool iptables_nat = strstr(ruleset, "DNAT") || strstr(ruleset, "REDIRECT") || strstr(ruleset, "NETMAP");
	pool->nat = strstr(ruleset, "dnat") || strstr(ruleset, "redirect") || strstr(ruleset, "daddr set") || iptables_nat;
	pool->marks = strstr(ruleset, "mark") != NULL;
	pool->lost_flows = strstr(ruleset, "zone set") || strstr(ruleset, "-j CT --zone") || writes_before_conntrack(ruleset);
	pool->pkttype = strstr(ruleset, "pkttype") != NULL;
	pool->loopback = !strstr(ruleset, "mark set") && !strstr(ruleset, "notrack") &&
			 !strstr(ruleset, "type nat hook output") && !strstr(ruleset, "type nat hook postrouting") &&
			 !iptables_nat && !strstr(ruleset, "*mangle") && !strstr(ruleset, "*raw") && !strstr(ruleset, "*nat");
	pool->next_port = 20000;
}

static struct address any_address(const struct pool *pool, int family)
{
	size_t six = family == 6;
	return pool->address[six][chance_below(pool->chance, (uint32_t)pool->addresses[six])];
}

/* Sources that the kernel takes from the wire, destinations that it routes: neither ours nor special. */
static bool is_foreign(int family, const struct address *address)
{
	const uint8_t *byte = address->byte;
	if (topology_owner(family, address) != JUDGE_NO_INTERFACE)
		return false;
	if (family == 4)
		return byte[0] != 0 && byte[0] != 127 && byte[0] < 224 && byte[3] != 255 && byte[3] != 0;
	bool anycast = true;
	for (int i = 8; i < 16; i++)
		anycast = anycast && byte[i] == 0;
	return !anycast && ((byte[0] & 0xe0) == 0x20 || byte[0] == 0xfd);
}

static bool is_ours(int family, const struct address *address)
{
	int owner = topology_owner(family, address);
	return owner != JUDGE_NO_INTERFACE && owner != JUDGE_LO;
}

static struct address pick_address(const struct pool *pool, int family, bool (*good)(int, const struct address *))
{
	struct address address = any_address(pool, family);
	while (!good(family, &address))
		address = any_address(pool, family);
	return address;
}

static uint16_t pick_port(const struct pool *pool)
{
	uint32_t number = pool->number[chance_below(pool->chance, (uint32_t)pool->numbers)];
	return number > 0 && number < 65536 ? (uint16_t)number : (uint16_t)(1 + chance_below(pool->chance, 65535));
}

static uint32_t pick_small(const struct pool *pool, uint32_t bound)
{
	uint32_t number = pool->number[chance_below(pool->chance, (uint32_t)pool->numbers)];
	return number < bound ? number : chance_below(pool->chance, bound);
}

static uint8_t pick_byte(const struct pool *pool, const uint8_t *from, size_t count)
{
	return from[chance_below(pool->chance, (uint32_t)count)];
}
#define PICK(pool, ...) pick_byte(pool, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static uint8_t icmp_of(int family)
{
	return family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
}

static void choose_new(const struct pool *pool, struct packet *packet)
{
	static const uint8_t flags[] = { 2, 2, 2, 2, 2, 2, 16, 24, 2 | 64 | 128, 2 | 8, 48 };
	uint32_t kind = chance_below(pool->chance, 100);
	packet->protocol = kind < 48   ? IPPROTO_TCP
			   : kind < 73 ? IPPROTO_UDP
			   : kind < 86 ? icmp_of(packet->family)
			   : kind < 89 ? IPPROTO_UDPLITE
			   : kind < 92 ? IPPROTO_SCTP
			   : kind < 94 ? IPPROTO_DCCP
				       : PICK(pool, 47, 50, 99, 112, 2, 1, 58);
	packet->flags = pick_byte(pool, flags, sizeof(flags));
	if (packet->protocol == IPPROTO_ICMP)
		packet->type = packet->family == 4 ? PICK(pool, 8, 8, 8, 13, 17) : 8;
	if (packet->protocol == IPPROTO_ICMPV6)
		packet->type = packet->family == 6 ? PICK(pool, 128, 128, 128, 139) : 128;
	if (packet->protocol == icmp_of(10 - packet->family)) /* the other family's: conntrack knows no such flow */
		packet->state = STATE_INVALID;
}

static void choose_established(const struct pool *pool, struct packet *packet)
{
	bool four = packet->family == 4;
	packet->reply = chance_of(pool->chance, 50);
	packet->protocol = PICK(pool, IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP);
	packet->flags = PICK(pool, 16, 24);
	if (packet->protocol == IPPROTO_ICMP) {
		packet->protocol = icmp_of(packet->family);
		packet->type = four ? (packet->reply ? 0 : 8) : (packet->reply ? 129 : 128);
	}
	if (pool->marks)
		packet->ct_mark = chance_of(pool->chance, 60) ? pick_small(pool, 0xffffffff) : 0;
}

static void choose_related(const struct pool *pool, struct packet *packet)
{
	packet->reply = chance_of(pool->chance, 50);
	packet->protocol = icmp_of(packet->family);
	packet->type = packet->family == 4 ? PICK(pool, 3, 3, 11, 12) : PICK(pool, 1, 2, 3, 4);
	packet->code = packet->type == 3 && packet->family == 4 ? PICK(pool, 0, 1, 3, 4) : 0;
	if (pool->marks)
		packet->ct_mark = chance_of(pool->chance, 60) ? pick_small(pool, 0xffffffff) : 0;
}

static void choose_invalid(const struct pool *pool, struct packet *packet)
{
	packet->protocol = chance_of(pool->chance, 75) ? IPPROTO_TCP : icmp_of(packet->family);
	packet->flags = PICK(pool, 0, 1, 4, 8, 18, 20, 17, 3, 6, 41, 32, 5);
	packet->type =
		packet->family == 4 ? PICK(pool, 0, 3, 5, 9, 11, 14, 18, 42) : PICK(pool, 1, 3, 4, 100, 129, 137, 140, 160);
}

static void choose_protocol(struct pool *pool, struct packet *packet)
{
	uint32_t kind = packet->entry == ENTRY_LO ? 0 : chance_below(pool->chance, 100);
	if (pool->lost_flows && kind >= 68 && kind < 88)
		kind = 0;
	packet->state = kind < 68   ? STATE_NEW
			: kind < 82 ? STATE_ESTABLISHED
			: kind < 88 ? STATE_RELATED
			: kind < 97 ? STATE_INVALID
				    : STATE_UNTRACKED;
	switch (packet->state) {
	case STATE_ESTABLISHED:
		choose_established(pool, packet);
		break;
	case STATE_RELATED:
		choose_related(pool, packet);
		break;
	case STATE_INVALID:
		choose_invalid(pool, packet);
		break;
	case STATE_UNTRACKED:
		packet->protocol = IPPROTO_ICMPV6;
		packet->type = PICK(pool, 130, 131, 132, 133, 134, 135, 136, 143);
		if (packet->family == 6)
			break;
		packet->state = STATE_NEW;
		choose_new(pool, packet);
		break;
	case STATE_NEW:
	case STATE_COUNT:
		choose_new(pool, packet);
		break;
	}
}

/* Group destinations: the frame's address decides about pkttype, and the destination does not say that it is ours. */
static void choose_group(const struct pool *pool, struct packet *packet)
{
	static const char *const groups[2][3] = { { "224.0.0.1", "192.0.2.255", "255.255.255.255" },
						  { "ff02::1", "ff02::1", "ff02::2" } };
	uint32_t which = chance_below(pool->chance, 3);
	int family;
	bool multicast = packet->family == 6 || which == 0;
	address_parse(groups[packet->family == 6][which], &family, &packet->dst);
	packet->pkttype = chance_of(pool->chance, 20) ? PACKET_HOST : multicast ? PACKET_MULTICAST : PACKET_BROADCAST;
	packet->said_path = true;
	packet->iif = which == 1 ? 0 : packet->iif;
	packet->state = STATE_NEW;
	packet->protocol = IPPROTO_UDP;
}

static void choose_wire(const struct pool *pool, struct packet *packet)
{
	bool in = chance_of(pool->chance, 62);
	packet->iif = (int)chance_below(pool->chance, JUDGE_INTERFACES);
	packet->src = pick_address(pool, packet->family, is_foreign);
	packet->dst = pick_address(pool, packet->family, in ? is_ours : is_foreign);
	if (in && !pool->nat && chance_of(pool->chance, pool->pkttype ? 12 : 3))
		choose_group(pool, packet);
	if (!packet->said_path)
		packet->oif = topology_route(packet->family, &packet->dst);
}

static void choose_out(const struct pool *pool, struct packet *packet)
{
	packet->src = pick_address(pool, packet->family, is_ours);
	packet->dst = pick_address(pool, packet->family, is_foreign);
	packet->oif = topology_route(packet->family, &packet->dst);
	if (pool->marks && chance_of(pool->chance, 50))
		packet->mark = pick_small(pool, 0xffffffff);
}

/* From the host to itself; the flow stays in conntrack, so each has a port of its own. */
static void choose_loopback(struct pool *pool, struct packet *packet)
{
	int family;
	packet->src = pick_address(pool, packet->family, is_ours);
	packet->dst = pick_address(pool, packet->family, is_ours);
	if (chance_of(pool->chance, 60)) {
		address_parse(packet->family == 4 ? "127.0.0.1" : "::1", &family, &packet->src);
		packet->dst = packet->src;
	}
	packet->oif = JUDGE_NO_INTERFACE;
	packet->protocol = PICK(pool, IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP);
	packet->flags = 2;
	packet->state = STATE_NEW; /* what was drawn before may have been an invalid ICMP */
	packet->type = 0;
	packet->sport = pool->next_port++;
}

static void choose_header(const struct pool *pool, struct packet *packet)
{
	uint32_t least = 3; /* forwarding takes one, and 0 would not get through */
	if (chance_of(pool->chance, 15))
		packet->ttl = (uint8_t)(least + pick_small(pool, 256 - least));
	if (chance_of(pool->chance, 15))
		packet->dscp = (uint8_t)pick_small(pool, 64);
}

void packets_derive(const char *ruleset, size_t count, struct chance *chance, struct packets *packets)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	if (!pool)
		abort();
	pool->chance = chance;
	pool_fill(pool, ruleset);
	while (packets->count < count) {
		struct packet *packet = packets_add(packets);
		uint32_t kind = chance_below(chance, 100);
		packet->entry = kind < 85 ? ENTRY_WIRE : kind < 93 || !pool->loopback ? ENTRY_OUT : ENTRY_LO;
		packet->family = chance_of(chance, 58) ? 4 : 6;
		choose_protocol(pool, packet);
		packet->dport = pick_port(pool);
		packet->sport = chance_of(chance, 30) ? pick_port(pool) : (uint16_t)(32768 + chance_below(chance, 28000));
		choose_header(pool, packet);
		if (packet->entry == ENTRY_WIRE)
			choose_wire(pool, packet);
		else if (packet->entry == ENTRY_OUT)
			choose_out(pool, packet);
		else
			choose_loopback(pool, packet);
		detail_choose(ruleset, chance, packet);
		/* from a port to itself both directions of a flow look alike: conntrack itself cannot say which it is */
		if (packet->sport == packet->dport && memcmp(&packet->src, &packet->dst, sizeof(packet->src)) == 0)
			packet->sport ^= 1;
	}
	free(pool);
}
