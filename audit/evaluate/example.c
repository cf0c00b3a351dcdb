/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An example packet of a set: values that a reader recognises where the set allows them. */
#include "evaluation.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define V4(a, b, c, d) (PA_IPV4_BASE | (pa_u128)((a) << 24 | (b) << 16 | (c) << 8 | (d)))
#define V6(high, low) ((pa_u128)(high) << 64 | (low))
#define CANDIDATES 24

/* Addresses for documentation (RFC 5737, RFC 3849), then others that rules often leave over. */
static const pa_u128 sources[] = {
	V4(198u, 51, 100, 7),	    V4(203u, 0, 113, 7),	V4(192u, 0, 2, 77),	    V4(8u, 8, 8, 8),
	V6(0x20010db8000000ffu, 7), V6(0x2001067c00000000u, 7), V6(0xfe80000000000000u, 7),
};
static const pa_u128 destinations[] = { V4(192u, 0, 2, 1), V4(203u, 0, 113, 1), V6(0x20010db800000000u, 1),
					V6(0x20010db800000001u, 1) };
static const char *const interfaces[] = { "eth0", "eth1", "wan0", "lan0", "eth2", "wlan0", "ens3", "if9" };
static const pa_u128 protocols[] = { 6, 17, 1, 58, 132, 47 };
static const pa_u128 ports[] = { 40000, 50000, 33000, 61000, 1500 };
static const pa_u128 icmp_types[] = { 8, 128, 135 };
static const pa_u128 services[] = { 22, 80, 443, 8080, 5000, 53, 123 };
static const pa_u128 flags[] = { PA_TCP_SYN, PA_TCP_ACK };
static const pa_u128 families[] = { PA_NFPROTO_IPV4, PA_NFPROTO_IPV6 };
static const pa_u128 ttls[] = { 64, 63, 255 };
static const pa_u128 lengths[] = { 60, 40, 1000 };
static const pa_u128 whole[] = { 0x4000, 0 };

struct candidates {
	pa_u128 values[CANDIDATES];
	size_t count;
};

static void add_all(struct candidates *c, const pa_u128 *values, size_t count)
{
	for (size_t i = 0; i < count && c->count < CANDIDATES; i++)
		c->values[c->count++] = values[i];
}
#define ADD(list) add_all(c, list, sizeof(list) / sizeof((list)[0]))

static void add_interfaces(const struct pa_evaluation *e, struct candidates *c, size_t skip)
{
	for (size_t i = 0; i < e->host->interface_count && c->count < CANDIDATES / 2; i++) {
		if (strcmp(e->host->interfaces[i], "lo") != 0)
			c->values[c->count++] = pa_ifname_value(e->host->interfaces[i]);
	}
	for (size_t i = 0; i < sizeof(interfaces) / sizeof(interfaces[0]) && c->count < CANDIDATES; i++)
		c->values[c->count++] = pa_ifname_value(interfaces[(i + skip) % (sizeof(interfaces) / sizeof(interfaces[0]))]);
}

static void add_own_addresses(const struct pa_evaluation *e, struct candidates *c)
{
	for (size_t i = 0; e->host->addresses_known && i < e->host->address_count && c->count < CANDIDATES / 2; i++) {
		const struct pa_host_address *own = &e->host->addresses[i];
		if (!own->broadcast && !own->anycast && !pa_text_equal(own->interface, "lo"))
			c->values[c->count++] = own->address;
	}
}

static void add_plain(enum pa_field field, struct candidates *c)
{
	static const struct {
		enum pa_field field;
		pa_u128 value;
	} values[] = {
#define PLAIN(field, value) { PA_FIELD_##field, value },
#include "portaudit/plain.def"
#undef PLAIN
	};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (values[i].field == field)
			add_all(c, &values[i].value, 1);
	}
}

static void candidates_for(const struct pa_evaluation *e, enum pa_field field, enum pa_path path, struct candidates *c)
{
	c->count = 0;
	if (field == PA_FIELD_SADDR)
		ADD(sources);
	else if (field == PA_FIELD_DADDR && path == PA_PATH_IN)
		add_own_addresses(e, c);
	else if (field == PA_FIELD_IIFNAME || field == PA_FIELD_OIFNAME)
		add_interfaces(e, c, field == PA_FIELD_OIFNAME ? 1 : 0);
	else if (field == PA_FIELD_L4PROTO || field == PA_FIELD_IP6_NEXTHDR)
		ADD(protocols);
	else if (field == PA_FIELD_SPORT)
		ADD(ports);
	else if (field == PA_FIELD_DPORT)
		ADD(services);
	else if (field == PA_FIELD_ICMP_TYPE)
		ADD(icmp_types);
	else if (field == PA_FIELD_TCP_FLAGS)
		ADD(flags);
	else if (field == PA_FIELD_NFPROTO)
		ADD(families);
	else if (field == PA_FIELD_TTL)
		ADD(ttls);
	else if (field == PA_FIELD_IP_LENGTH || field == PA_FIELD_IP6_LENGTH || field == PA_FIELD_META_LENGTH)
		ADD(lengths);
	else if (field == PA_FIELD_IP_FRAG_OFF)
		ADD(whole);
	else
		add_plain(field, c);
	if (field == PA_FIELD_DADDR)
		ADD(destinations);
}

/* A name that could be an interface's: printable, no slash or blank. */
static bool is_printable_name(pa_u128 value)
{
	char name[PA_IFNAME_MAX + 1];
	pa_ifname_format(value, name);
	for (const char *c = name; *c; c++) {
		if (!isgraph((unsigned char)*c) || *c == '/' || *c == ':')
			return false;
	}
	return name[0] != 0 && pa_ifname_value(name) == value;
}

/* A readable name in first..last: the prefix itself, or with a digit behind it. */
static bool name_between(struct pa_interval range, pa_u128 *ret)
{
	char name[PA_IFNAME_MAX + 3];
	if (is_printable_name(range.first)) {
		*ret = range.first;
		return true;
	}
	pa_ifname_format(range.first, name);
	size_t length = strlen(name);
	while (length && !isgraph((unsigned char)name[length - 1]))
		length--;
	for (char c = '0'; c <= 'z' && length < PA_IFNAME_MAX - 1; c++) {
		if (!isalnum((unsigned char)c))
			continue;
		name[length] = c;
		name[length + 1] = 0;
		*ret = pa_ifname_value(name);
		if (*ret >= range.first && *ret <= range.last)
			return true;
	}
	return false;
}

static bool family_clip(struct pa_interval *range, enum pa_field field, int family)
{
	if (field != PA_FIELD_SADDR && field != PA_FIELD_DADDR)
		return true;
	if (family == 4) {
		if (range->last < PA_IPV4_BASE || range->first > PA_IPV4_LAST)
			return false;
		range->first = range->first < PA_IPV4_BASE ? PA_IPV4_BASE : range->first;
		range->last = range->last > PA_IPV4_LAST ? PA_IPV4_LAST : range->last;
	}
	return true;
}

/* Any value of the class; addresses of the family. Addresses avoid the first one of a network where they can. */
pa_u128 pa_class_value(struct pa_evaluation *e, enum pa_field field, uint32_t number, int family)
{
	const struct pa_classes *classes = pa_space_classes(e->space, field);
	pa_u128 fallback = 0;
	bool found = false;
	for (size_t i = 0; i < classes->segments; i++) {
		if (classes->class_of[i] != number)
			continue;
		struct pa_interval range = { classes->start[i],
					     i + 1 < classes->segments ? classes->start[i + 1] - 1 : classes->max };
		if (!family_clip(&range, field, family))
			continue;
		pa_u128 value = range.first;
		bool name = field == PA_FIELD_IIFNAME || field == PA_FIELD_OIFNAME;
		if (name && name_between(range, &value))
			return value;
		bool address = field == PA_FIELD_SADDR || field == PA_FIELD_DADDR;
		if (address && range.last > range.first)
			value++;
		if (!found)
			fallback = value;
		found = true;
		if (!name)
			return value;
	}
	return fallback;
}

static bool field_matters(enum pa_field field, enum pa_path path, pa_u128 protocol)
{
	bool has_ports = protocol == 6 || protocol == 17 || protocol == 136 || protocol == 132 || protocol == 33;
	switch ((int)field) {
	case PA_FIELD_SPORT:
	case PA_FIELD_DPORT:
		return has_ports;
	case PA_FIELD_ICMP_TYPE:
	case PA_FIELD_ICMP_CODE:
	case PA_FIELD_ICMP_ID:
	case PA_FIELD_ICMP_SEQUENCE:
		return protocol == 1 || protocol == 58;
	case PA_FIELD_TCP_FLAGS:
	case PA_FIELD_ACKSEQ:
	case PA_FIELD_DOFF:
	case PA_FIELD_WINDOW:
	case PA_FIELD_URGPTR:
	case PA_FIELD_TCP_OPTIONS:
	case PA_FIELD_TCP_MSS:
	case PA_FIELD_TCP_WSCALE:
		return protocol == 6;
	case PA_FIELD_SEQUENCE:
		return protocol == 6 || protocol == 50 || protocol == 51;
	case PA_FIELD_SPI:
		return protocol == 50 || protocol == 51 || protocol == 132;
	case PA_FIELD_TH_LENGTH:
		return protocol == 17 || protocol == 136;
	case PA_FIELD_IIFNAME:
		return path != PA_PATH_OUT;
	case PA_FIELD_OIFNAME:
		return path != PA_PATH_IN;
	case PA_FIELD_DADDR_TYPE:
	case PA_FIELD_DADDR_IIF_TYPE:
	case PA_FIELD_SADDR_TYPE:
		return false;
	default:
		return true;
	}
}

static void prefer(struct pa_evaluation *e, enum pa_path path, struct pa_preference preference[PA_FIELD_COUNT],
		   struct pa_arena *arena)
{
	struct candidates candidates;
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		candidates_for(e, (enum pa_field)f, path, &candidates);
		uint32_t *numbers = pa_arena_alloc(arena, candidates.count + 1, sizeof(*numbers));
		for (size_t i = 0; i < candidates.count; i++)
			numbers[i] = pa_classes_find(pa_space_classes(e->space, (enum pa_field)f), candidates.values[i]);
		preference[f] = (struct pa_preference){ numbers, candidates.count };
	}
}

static pa_u128 value_of(struct pa_evaluation *e, enum pa_field field, uint32_t number, enum pa_path path, int family)
{
	struct candidates candidates;
	candidates_for(e, field, path, &candidates);
	for (size_t i = 0; i < candidates.count; i++) {
		struct pa_interval value = { candidates.values[i], candidates.values[i] };
		bool fits = family_clip(&value, field, family);
		if (family == 6 && (field == PA_FIELD_SADDR || field == PA_FIELD_DADDR) && pa_value_is_ipv4(value.first))
			fits = false;
		if (fits && pa_classes_find(pa_space_classes(e->space, field), value.first) == number)
			return value.first;
	}
	return pa_class_value(e, field, number, family);
}

/* Told of every packet that has them. */
static const enum pa_field always[] = { PA_FIELD_NFPROTO,   PA_FIELD_L4PROTO,	PA_FIELD_SADDR,	   PA_FIELD_DADDR,
					PA_FIELD_SPORT,	    PA_FIELD_DPORT,	PA_FIELD_IIFNAME,  PA_FIELD_OIFNAME,
					PA_FIELD_ICMP_TYPE, PA_FIELD_ICMP_CODE, PA_FIELD_TCP_FLAGS };

struct pa_packet pa_evaluation_example(struct pa_evaluation *e, enum pa_path path, pa_set set)
{
	struct pa_packet packet = { .path = path };
	struct pa_preference preference[PA_FIELD_COUNT];
	uint32_t classes[PA_FIELD_COUNT];
	struct pa_arena *arena = pa_arena_new();
	prefer(e, path, preference, arena);
	pa_node inside = pa_node_and(e->space, set.node, pa_evaluation_universe(e, path).node);
	if (inside == PA_FALSE)
		inside = set.node; /* replies and the like */
	pa_node plain = pa_node_and(e->space, inside, e->plain);
	inside = plain == PA_FALSE ? inside : plain;
	/* IPv6 packets with IPv4-mapped addresses exist, but surprise */
	pa_node common = pa_node_and(e->space, inside, e->common);
	pa_node_pick(e->space, common == PA_FALSE ? inside : common, preference, classes);
	pa_arena_free(arena);
	pa_u128 nfproto = value_of(e, PA_FIELD_NFPROTO, classes[PA_FIELD_NFPROTO], path, 0);
	packet.family = nfproto == PA_NFPROTO_IPV6 ? 6 : 4;
	pa_u128 protocol = value_of(e, PA_FIELD_L4PROTO, classes[PA_FIELD_L4PROTO], path, packet.family);
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		bool wanted = pa_space_classes(e->space, (enum pa_field)f)->count > 1;
		for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
			wanted = wanted || always[i] == (enum pa_field)f;
		if (!wanted || !field_matters((enum pa_field)f, path, protocol))
			continue;
		packet.known[f] = true;
		packet.value[f] = value_of(e, (enum pa_field)f, classes[f], path, packet.family);
	}
	packet.known[PA_FIELD_MARK] = packet.known[PA_FIELD_CT_MARK] = true;
	return packet;
}

/* --- of a box --- */

static bool in_ranges(struct pa_ranges ranges, pa_u128 value)
{
	for (size_t i = 0; i < ranges.count; i++) {
		if (value >= ranges.items[i].first && value <= ranges.items[i].last)
			return true;
	}
	return ranges.count == 0;
}

/* From the wire nothing comes that has an address of this host for its source: the next one that has not. */
static pa_u128 foreign_source(const struct pa_evaluation *e, pa_u128 value, pa_u128 last)
{
	for (size_t i = 0; e->host->addresses_known && i < e->host->address_count; i++) {
		if (e->host->addresses[i].address != value || value >= last)
			continue;
		value++;
		i = (size_t)-1; /* and look through all of them again */
	}
	return value;
}

static pa_u128 value_in(struct pa_evaluation *e, enum pa_field field, struct pa_ranges ranges, enum pa_path path, int family)
{
	struct candidates candidates;
	bool address = field == PA_FIELD_SADDR || field == PA_FIELD_DADDR,
	     name = field == PA_FIELD_IIFNAME || field == PA_FIELD_OIFNAME;
	candidates_for(e, field, path, &candidates);
	for (size_t i = 0; i < candidates.count; i++) {
		pa_u128 value = candidates.values[i];
		if (in_ranges(ranges, value) && !(address && pa_value_is_ipv4(value) != (family == 4)))
			return value;
	}
	for (size_t i = 0; i < ranges.count; i++) {
		struct pa_interval range = ranges.items[i];
		pa_u128 value = range.first;
		bool mapped = address && pa_value_is_ipv4(range.first);
		if (name ? name_between(range, &value) : !address || mapped == (family == 4))
			value = address && range.last > range.first ? value + 1 : value;
		else
			continue;
		return field == PA_FIELD_SADDR && path != PA_PATH_OUT ? foreign_source(e, value, range.last) : value;
	}
	return ranges.count ? ranges.items[0].first : 0;
}

struct pa_packet pa_box_example(struct pa_evaluation *e, enum pa_path path, int family, const struct pa_box *box)
{
	struct pa_packet packet = { .path = path, .family = family };
	struct pa_ranges protocols_of_box = box->field[PA_FIELD_L4PROTO];
	pa_u128 protocol = value_in(e, PA_FIELD_L4PROTO, protocols_of_box, path, family);
	/* ICMP only where nothing else is in the box */
	if (protocols_of_box.count == 0)
		protocol = 6;
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		bool wanted = pa_space_classes(e->space, (enum pa_field)f)->count > 1;
		for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
			wanted = wanted || always[i] == (enum pa_field)f;
		if (!wanted || !field_matters((enum pa_field)f, path, protocol))
			continue;
		packet.known[f] = true;
		packet.value[f] = value_in(e, (enum pa_field)f, box->field[f], path, family);
	}
	packet.value[PA_FIELD_NFPROTO] = family == 4 ? PA_NFPROTO_IPV4 : PA_NFPROTO_IPV6;
	packet.value[PA_FIELD_L4PROTO] = protocol;
	if (in_ranges(box->field[PA_FIELD_IP6_NEXTHDR], protocol))
		packet.value[PA_FIELD_IP6_NEXTHDR] = protocol;
	if (protocol == 58 && box->field[PA_FIELD_ICMP_TYPE].count == 0)
		packet.value[PA_FIELD_ICMP_TYPE] = 128;
	packet.known[PA_FIELD_MARK] = packet.known[PA_FIELD_CT_MARK] = true;
	return packet;
}
