/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One entry of a set: "10.0.0.0/8,tcp:80-90", read as libipset reads it, without looking up names of hosts and services. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../ir/names.h"
#include "ipset_data.h"

#define PROTOCOL_ICMP 1u
#define PROTOCOL_TCP 6u
#define PROTOCOL_UDP 17u
#define PROTOCOL_ICMPV6 58u

/* --- words ---------------------------------------------------------------------------------------------------------- */

bool pa_word_is(struct pa_word word, const char *text)
{
	return strlen(text) == word.length && memcmp(text, word.text, word.length) == 0;
}

bool pa_word_number(struct pa_word word, uint64_t most, uint64_t *ret_value)
{
	bool hex = word.length > 2 && word.text[0] == '0' && (word.text[1] == 'x' || word.text[1] == 'X');
	uint64_t value = 0, base = hex ? 16 : 10;

	if (word.length == 0)
		return false;
	for (size_t i = hex ? 2 : 0; i < word.length; i++) {
		char c = word.text[i];
		uint64_t digit = c >= '0' && c <= '9'			     ? (uint64_t)(c - '0')
				 : hex && (c | 32) >= 'a' && (c | 32) <= 'f' ? (uint64_t)((c | 32) - 'a') + 10
									     : 16;
		if (digit >= base || value > (most - digit) / base || digit > most)
			return false;
		value = value * base + digit;
	}
	*ret_value = value;
	return true;
}

bool pa_word_address(struct pa_word word, int family, pa_u128 *ret_value)
{
	char text[PA_ADDRESS_TEXT_MAX];
	int found;

	if (word.length >= 2 && word.text[0] == '[' && word.text[word.length - 1] == ']')
		word = (struct pa_word){ word.text + 1, word.length - 2 };
	if (word.length >= sizeof(text) || memchr(word.text, '\0', word.length))
		return false;
	memcpy(text, word.text, word.length);
	text[word.length] = '\0';
	return pa_address_parse(text, ret_value, &found) && found == family;
}

/* The word up to a separator, and behind it. false: there is none. */
static bool split(struct pa_word word, char separator, struct pa_word *ret_left, struct pa_word *ret_right)
{
	const char *at = memchr(word.text, separator, word.length);

	if (!at)
		return false;
	*ret_left = (struct pa_word){ word.text, (size_t)(at - word.text) };
	*ret_right = (struct pa_word){ at + 1, word.length - ret_left->length - 1 };
	return true;
}

bool pa_word_addresses(struct pa_word word, int family, struct pa_interval *ret_addresses, int *ret_length)
{
	struct pa_word left, right;
	uint64_t length = family == 4 ? 32 : 128;
	pa_u128 first, last;

	if (split(word, '/', &left, &right)) {
		if (!pa_word_address(left, family, &first) || !pa_word_number(right, length, &length))
			return false;
	} else if (family == 4 && split(word, '-', &left, &right)) {
		if (!pa_word_address(left, 4, &first) || !pa_word_address(right, 4, &last))
			return false;
		*ret_length = -1;
		*ret_addresses = first < last ? (struct pa_interval){ first, last } : (struct pa_interval){ last, first };
		return true;
	} else if (!pa_word_address(word, family, &first)) {
		return false;
	}
	*ret_length = (int)length;
	*ret_addresses = pa_prefix_interval(first, family, (unsigned)length);
	return true;
}

/* --- the dimensions --------------------------------------------------------------------------------------------------- */

/* What is read of an entry. */
struct reading {
	const struct pa_ipset *set;
	struct pa_interval keys[PA_IPSET_DIMENSIONS];
	int lengths[PA_IPSET_DIMENSIONS]; /* -1: a range */
	unsigned flags;
	bool wildcard;
};

static const char *read_addresses(struct reading *reading, unsigned at, struct pa_word word)
{
	const struct pa_ipset *set = reading->set;
	bool is_net = set->type->dimensions[at] == PA_IPSET_NET;
	struct pa_interval *key = &reading->keys[at];

	if (!pa_word_addresses(word, set->family, key, &reading->lengths[at]))
		return set->family == 4 ? "no IPv4 address, prefix or range" : "no IPv6 address or prefix";
	if (is_net && key->first == (set->family == 4 ? PA_IPV4_BASE : 0) &&
	    key->last == (set->family == 4 ? PA_IPV4_LAST : PA_U128_MAX) && !set->type->prefix_zero)
		return "this type of set cannot hold all addresses";
	if (set->has_range && (key->first < set->range.first || key->last > set->range.last))
		return "outside the range of the set";
	if (set->is_masked) {
		if (key->first != key->last)
			return "one address is wanted in a set with a bitmask";
		key->first = key->last = key->first & set->address_mask;
	} else if (!is_net) {
		/* netmask: the subnets that the addresses are in */
		key->first &= set->address_mask;
		key->last |= ~set->address_mask;
	} else if ((key->first & set->address_mask) != key->first) {
		return "a prefix longer than the netmask of the set";
	}
	return NULL;
}

static bool read_protocol(struct pa_word word, uint64_t *ret_protocol)
{
	char lower[32];

	if (pa_word_number(word, 255, ret_protocol))
		return *ret_protocol > 0;
	if (word.length >= sizeof(lower))
		return false;
	for (size_t i = 0; i < word.length; i++)
		lower[i] = (char)(word.text[i] >= 'A' && word.text[i] <= 'Z' ? word.text[i] | 32 : word.text[i]);
	return pa_symbol_find(PA_DATATYPE_PROTO, lower, word.length, ret_protocol) && *ret_protocol > 0;
}

static bool read_icmp(unsigned protocol, struct pa_word word, pa_u128 *ret_value)
{
	static const struct {
		unsigned protocol, type, code;
		const char *name;
	} names[] = {
#define IPSET_ICMP(protocol, name, type, code) { protocol, type, code, name },
#include "ipset_icmp.def"
#undef IPSET_ICMP
	};
	struct pa_word left, right;
	uint64_t type, code;

	if (split(word, '/', &left, &right)) {
		if (!pa_word_number(left, 255, &type) || !pa_word_number(right, 255, &code))
			return false;
		*ret_value = type << 8 | code;
		return true;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].protocol == protocol && pa_word_is(word, names[i].name)) {
			*ret_value = names[i].type << 8 | names[i].code;
			return true;
		}
	return false;
}

static const char *read_ports(struct pa_word word, struct pa_interval *ret_ports)
{
	struct pa_word left, right;
	uint64_t first, last;

	if (!split(word, '-', &left, &right))
		left = right = word;
	if (!pa_word_number(left, 65535, &first) || !pa_word_number(right, 65535, &last))
		return "no port number or range (names of services are not looked up)";
	*ret_ports = first < last ? (struct pa_interval){ first, last } : (struct pa_interval){ last, first };
	return NULL;
}

/* tcp, sctp, udp, udplite: ip_set_proto_with_ports() in linux/netfilter/ipset/ip_set_getport.h. */
static bool has_ports(uint64_t protocol)
{
	return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP || protocol == 132 || protocol == 136;
}

static const char *read_port(struct reading *reading, unsigned at, struct pa_word word)
{
	struct pa_interval *key = &reading->keys[at];
	struct pa_word left, right = word;
	uint64_t protocol = PROTOCOL_TCP, zero;
	bool is_bitmap = reading->set->type->both_families;
	const char *problem = NULL;

	if (split(word, ':', &left, &right) && !read_protocol(left, &protocol))
		return "no protocol";
	if (is_bitmap && protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP)
		return "a set of this type is for tcp and udp alone";
	if (protocol == (reading->set->family == 6 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6) && !is_bitmap)
		return "a protocol of the other family than the set";
	if (has_ports(protocol)) {
		problem = read_ports(right, key);
	} else if (protocol == PROTOCOL_ICMP || protocol == PROTOCOL_ICMPV6) {
		if (!read_icmp((unsigned)protocol, right, &key->first))
			return "no ICMP type and code (8/0) or name";
		key->last = key->first;
	} else {
		if (!pa_word_number(right, 0, &zero))
			return "a protocol without ports is written with port 0";
		*key = (struct pa_interval){ 0, 65535 };
	}
	if (!problem && is_bitmap && reading->set->has_range &&
	    (key->first < reading->set->range.first || key->last > reading->set->range.last))
		return "outside the range of the set";
	/* bitmap:port says nothing of the protocol */
	key->first |= is_bitmap ? 0 : (pa_u128)protocol << 16;
	key->last |= is_bitmap ? 0 : (pa_u128)protocol << 16;
	return problem;
}

static const char *read_mac(struct reading *reading, unsigned at, struct pa_word word)
{
	uint64_t value = 0;
	size_t digits = 0, bytes = 1;

	for (size_t i = 0; i < word.length; i++) {
		char c = word.text[i];
		int digit = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
		if (c == ':' && digits > 0) {
			bytes++;
			digits = 0;
			value <<= 8;
		} else if (digit >= 0 && digits < 2) {
			value = (value & ~(uint64_t)0xff) | ((value & 0xff) << 4) | (uint64_t)digit;
			digits++;
		} else {
			return "no Ethernet address";
		}
	}
	if (bytes != 6 || digits == 0)
		return "no Ethernet address";
	reading->keys[at] = (struct pa_interval){ value, value };
	return NULL;
}

static const char *read_iface(struct reading *reading, unsigned at, struct pa_word word)
{
	char name[PA_IFNAME_MAX];

	if (word.length > 8 && memcmp(word.text, "physdev:", 8) == 0) {
		reading->flags |= PA_ENTRY_PHYSDEV;
		word = (struct pa_word){ word.text + 8, word.length - 8 };
	}
	if (word.length == 0 || word.length >= sizeof(name))
		return "no name of an interface (1 to 15 bytes)";
	memcpy(name, word.text, word.length);
	name[word.length] = '\0';
	reading->keys[at] = (struct pa_interval){ pa_ifname_value(name), pa_ifname_value(name) };
	if (reading->wildcard)
		reading->keys[at] = pa_ifname_prefix(name);
	return NULL;
}

static const char *read_dimension(struct reading *reading, unsigned at, struct pa_word word)
{
	uint64_t mark;

	switch (reading->set->type->dimensions[at]) {
	case PA_IPSET_IP:
	case PA_IPSET_NET:
		return read_addresses(reading, at, word);
	case PA_IPSET_PORT:
		return read_port(reading, at, word);
	case PA_IPSET_MAC:
		return read_mac(reading, at, word);
	case PA_IPSET_IFACE:
		return read_iface(reading, at, word);
	case PA_IPSET_MARK:
		if (!pa_word_number(word, UINT32_MAX, &mark))
			return "no mark";
		mark &= reading->set->mark_mask;
		reading->keys[at] = (struct pa_interval){ mark, mark };
		return NULL;
	case PA_IPSET_NONE:
	case PA_IPSET_SET:
		break;
	}
	return "no entry of a set of this type";
}

/* --- adding ----------------------------------------------------------------------------------------------------------- */

static void add_entry(struct pa_ipset *set, const struct reading *reading)
{
	struct pa_ipset_entry entry = { .flags = (uint8_t)reading->flags };

	pa_grow(&set->entries, &set->entry_capacity, set->count + 1, sizeof(*set->entries));
	pa_grow(&set->keys, &set->key_capacity, (set->count + 1) * set->dimension_count, sizeof(*set->keys));
	for (unsigned i = 0; i < set->dimension_count; i++) {
		entry.lengths[i] = (uint8_t)(reading->lengths[i] < 0 ? 0 : reading->lengths[i]);
		set->keys[set->count * set->dimension_count + i] = reading->keys[i];
	}
	set->entries[set->count++] = entry;
}

/* The kernel cuts the range in dimension `at` into the largest prefixes that fit. */
static void add_prefixes(struct pa_ipset *set, struct reading *reading, unsigned at)
{
	while (at < set->dimension_count && !(set->type->dimensions[at] == PA_IPSET_NET && reading->lengths[at] < 0))
		at++;
	if (at == set->dimension_count) {
		add_entry(set, reading);
		return;
	}
	struct pa_interval range = reading->keys[at];
	for (pa_u128 first = range.first; first <= range.last; first = reading->keys[at].last + 1) {
		unsigned length = 32;
		while (length > 0) {
			struct pa_interval wider = pa_prefix_interval(first, 4, length - 1);
			if (wider.first != first || wider.last > range.last)
				break;
			length--;
		}
		reading->keys[at] = pa_prefix_interval(first, 4, length);
		reading->lengths[at] = (int)length;
		add_prefixes(set, reading, at + 1);
	}
	reading->keys[at] = range;
	reading->lengths[at] = -1;
}

static const char *add_member(struct pa_ipsets *sets, struct pa_ipset *set, struct pa_word word, unsigned flags)
{
	const char *name = pa_arena_strndup(sets->arena, word.text, word.length);
	const struct pa_ipset *member = pa_ipsets_find(sets, name);
	struct reading reading = { .flags = flags };

	if (!member)
		return "no set of this name was created before";
	if (member->type->dimensions[0] == PA_IPSET_SET)
		return "a list of sets cannot hold another one";
	pa_grow(&set->members, &set->member_capacity, set->count + 1, sizeof(*set->members));
	set->members[set->count] = name;
	add_entry(set, &reading);
	return NULL;
}

const char *pa_ipset_add(struct pa_ipsets *sets, struct pa_ipset *set, struct pa_word word, unsigned flags, bool wildcard,
			 struct pa_word *ret_at)
{
	struct reading reading = { .set = set, .flags = flags, .wildcard = wildcard };
	struct pa_word part, rest = word;
	unsigned at = 0;

	*ret_at = word;
	if (set->type->dimensions[0] == PA_IPSET_SET)
		return add_member(sets, set, word, flags);
	for (bool more = true; more; at++) {
		more = split(rest, ',', &part, &rest);
		if (!more)
			part = rest;
		*ret_at = part;
		if (at == set->dimension_count)
			return "more parts than entries of this type have";
		const char *problem = read_dimension(&reading, at, part);
		if (problem)
			return problem;
	}
	*ret_at = word;
	if (at == 1 && strcmp(set->type->name, "bitmap:ip,mac") == 0) {
		/* the first packet that matches fills the address in */
		reading.flags |= PA_ENTRY_ANY_MAC;
		reading.keys[at++] = (struct pa_interval){ 1, pa_field_max(PA_FIELD_ETHER_SADDR) };
	}
	if (at != set->dimension_count)
		return "fewer parts than entries of this type have";
	add_prefixes(set, &reading, 0);
	return NULL;
}
