/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of fields, drawn from few constants so that rules and packets meet, and elements of sets made of them. */
#ifndef RANDOM_VALUES_H
#define RANDOM_VALUES_H

#include "random_text.h"

#include <stdlib.h>
#include <string.h>

#define V4(a, b, c, d) (PA_IPV4_BASE | (pa_u128)((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d)))
#define V6(high, low) ((pa_u128)(high) << 64 | (low))
#define PICK(array) ((array)[draw(sizeof(array) / sizeof((array)[0]))])

static uint64_t draw_state = 1;
static unsigned draw(unsigned below)
{
	draw_state = draw_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(draw_state >> 33) % below;
}

static const pa_u128 random_v4[] = { V4(192, 0, 2, 1), V4(192, 0, 2, 255), V4(192, 0, 2, 9),
				     V4(10, 0, 0, 5),  V4(10, 0, 0, 1),	   V4(198, 51, 100, 7),
				     V4(127, 0, 0, 1), V4(224, 0, 0, 1),   V4(255, 255, 255, 255) };
static const pa_u128 random_v6[] = { V6(0x20010db800000000, 1),
				     V6(0x20010db800000000, 0),
				     V6(0x20010db800000000, 9),
				     V6(0x20010db800010000, 5),
				     V6(0xfe80000000000000, 1),
				     V6(0xff02000000000000, 1),
				     V6(0, 1) };
static const pa_u128 random_ports[] = { 22, 80, 8080, 53, 1024 };
static const pa_u128 random_protocols[] = { 6, 6, 6, 17, 17, 1, 58, 132, 33, 47, 136 };
static const pa_u128 random_icmp[] = { 8, 13, 0, 3, 128, 135, 139, 143 };
static const pa_u128 random_flags[] = { 2, 2, 16, 18, 4, 0x42, 1 };
static const char *const random_names[] = { "lo", "eth0", "eth0", "eth1", "eth1", "br-a", "br-b" };

static pa_u128 random_value(enum pa_field field, int family)
{
	switch ((int)field) {
	case PA_FIELD_NFPROTO:
		return family == 4 ? PA_NFPROTO_IPV4 : PA_NFPROTO_IPV6;
	case PA_FIELD_IIFNAME:
	case PA_FIELD_OIFNAME:
		return pa_ifname_value(PICK(random_names));
	case PA_FIELD_L4PROTO:
	case PA_FIELD_IP6_NEXTHDR:
		return draw(8) ? PICK(random_protocols) : draw(256);
	case PA_FIELD_SADDR:
	case PA_FIELD_DADDR:
	case PA_FIELD_CT_ORIG_SADDR:
	case PA_FIELD_CT_ORIG_DADDR:
	case PA_FIELD_CT_REPLY_SADDR:
	case PA_FIELD_CT_REPLY_DADDR:
		return family == 4 ? PICK(random_v4) : PICK(random_v6);
	case PA_FIELD_SPORT:
	case PA_FIELD_DPORT:
	case PA_FIELD_CT_ORIG_SPORT:
	case PA_FIELD_CT_ORIG_DPORT:
	case PA_FIELD_CT_REPLY_SPORT:
	case PA_FIELD_CT_REPLY_DPORT:
		return PICK(random_ports);
	case PA_FIELD_ICMP_TYPE:
		return PICK(random_icmp);
	case PA_FIELD_TCP_FLAGS:
		return PICK(random_flags);
	case PA_FIELD_CT_STATE:
		return (pa_u128)1 << (draw(5) ? draw(4) : 6);
	case PA_FIELD_CT_DIRECTION:
		return draw(2);
	case PA_FIELD_CT_STATUS:
		return (pa_u128)1 << draw(6);
	case PA_FIELD_DADDR_TYPE:
	case PA_FIELD_DADDR_IIF_TYPE:
	case PA_FIELD_SADDR_TYPE:
		return 1 + draw(5);
	case PA_FIELD_TTL:
		return 63 + draw(2);
	default: /* marks, codes, dscp ... */
		return draw(4) & (unsigned)pa_field_max(field);
	}
}

static struct pa_interval random_interval(enum pa_field field, int family)
{
	pa_u128 first = random_value(field, family), last = first;
	bool address = field == PA_FIELD_SADDR || field == PA_FIELD_DADDR;
	if (field == PA_FIELD_IIFNAME || field == PA_FIELD_OIFNAME)
		return draw(5) ? (struct pa_interval){ first, last } : pa_ifname_prefix(draw(4) ? "br-" : "eth");
	if (field == PA_FIELD_CT_STATE || field == PA_FIELD_NFPROTO || draw(3))
		return (struct pa_interval){ first, last };
	if (address)
		return pa_prefix_interval(first, family, family == 4 ? 8 * draw(5) : 16 * draw(9));
	last += field == PA_FIELD_SPORT || field == PA_FIELD_DPORT ? draw(2000) : draw(3);
	return (struct pa_interval){ first, last > pa_field_max(field) ? pa_field_max(field) : last };
}

/* --- elements --- */

static bool boxes_meet(const struct pa_interval *a, const struct pa_interval *b, unsigned parts)
{
	for (unsigned p = 0; p < parts; p++) {
		if (a[p].last < b[p].first || a[p].first > b[p].last)
			return false;
	}
	return true;
}

static int by_first(const void *a, const void *b)
{
	const struct pa_interval *x = a, *y = b;
	return x->first < y->first ? -1 : x->first > y->first;
}

static struct pa_elements *random_elements(struct pa_arena *arena, const struct pa_key *key, int family, bool is_map)
{
	struct pa_elements *elements = pa_arena_alloc(arena, 1, sizeof(*elements));
	unsigned wanted = 1 + draw(is_map || draw(2) ? 3 : 1);
	elements->parts = key->count;
	elements->keys = pa_arena_alloc(arena, (wanted + 1) * key->count, sizeof(*elements->keys));
	for (unsigned i = 0; i < wanted; i++) {
		struct pa_interval *box = &elements->keys[elements->count * key->count];
		bool meets = false;
		for (unsigned p = 0; p < key->count; p++) {
			const struct pa_key_part *part = &key->parts[p];
			box[p] = part->opaque ? (struct pa_interval){ draw(4), 4 } : random_interval(part->field, family);
			if (!part->opaque && (part->mask != pa_field_max(part->field) || part->xor_value)) {
				box[p].first =
					draw(2) ? (box[p].first & part->mask) ^ part->xor_value : box[p].first & part->mask;
				box[p].last = box[p].first;
			}
		}
		for (size_t k = 0; k < elements->count; k++)
			meets = meets || boxes_meet(&elements->keys[k * key->count], box, key->count);
		elements->count += !meets;
	}
	if (key->count == 1) {
		qsort(elements->keys, elements->count, sizeof(*elements->keys), by_first);
		elements->sorted = true;
	}
	return elements;
}

#endif
