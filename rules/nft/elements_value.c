/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Constants of nft as intervals of field values. */
#include <stdio.h>
#include <string.h>

#include "lower.h"

/* 128-bit FNV-1a: words that no field of ours has are compared as words. */
static pa_u128 word_value(const char *text, size_t length)
{
	pa_u128 hash = (pa_u128)0x6c62272e07bb0142u << 64 | 0x62b821756295c58du;
	pa_u128 prime = (pa_u128)1 << 88 | 0x13b;
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)text[i]) * prime;
	return hash;
}

pa_u128 pa_lower_type_max(enum pa_datatype type)
{
	unsigned bits = pa_datatype_bits(type);
	return bits >= 128 ? PA_U128_MAX : ((pa_u128)1 << bits) - 1;
}

static enum pa_value_result unknown(struct pa_lowering *lowering, const struct pa_json_node *node, const char **ret_problem)
{
	struct pa_buffer text = { 0 };
	pa_expression_text(&text, &lowering->tape, node, &pa_plain_types);
	*ret_problem = pa_arena_printf(lowering->arena, "the value \"%.*s\" is not known",
				       (int)(text.length < 60 ? text.length : 60), text.data ? text.data : "");
	pa_buffer_done(&text);
	return PA_VALUE_UNKNOWN;
}

/* --- strings ------------------------------------------------------------------------------------------------------ */

/* The common case, quicker than the general reader: a.b.c.d. */
static bool read_ipv4(const char *text, size_t length, pa_u128 *ret_value)
{
	uint32_t value = 0;
	unsigned part = 0, parts = 1, digits = 0;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '.') {
			if (!digits || parts == 4)
				return false;
			value = value << 8 | part;
			part = digits = 0;
			parts++;
		} else if (text[i] >= '0' && text[i] <= '9' && ++digits <= 3) {
			part = part * 10 + (unsigned)(text[i] - '0');
		} else {
			return false;
		}
		if (part > 255)
			return false;
	}
	*ret_value = value << 8 | part;
	return digits && parts == 4;
}

static bool read_ipv6(const char *text, size_t length, pa_u128 *ret_value)
{
	char copy[PA_ADDRESS_TEXT_MAX];
	int family;
	if (length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	return memchr(text, ':', length) && pa_address_parse(copy, ret_value, &family);
}

static bool read_hex(const char *text, size_t length, pa_u128 *ret_value)
{
	if (length < 3 || length > 34 || text[0] != '0' || text[1] != 'x')
		return false;
	*ret_value = 0;
	for (size_t i = 2; i < length; i++) {
		unsigned c = (unsigned char)text[i] | 0x20;
		unsigned digit = c >= 'a' ? c - 'a' + 10 : (unsigned)((unsigned char)text[i] - '0');
		if (digit > 15)
			return false;
		*ret_value = *ret_value << 4 | digit;
	}
	return true;
}

/* 00:11:22:33:44:55 */
static bool read_ether(const char *text, size_t length, pa_u128 *ret_value)
{
	if (length != 17)
		return false;
	*ret_value = 0;
	for (size_t i = 0; i < length; i += 3) {
		char pair[5] = { '0', 'x', text[i], text[i + 1], '\0' };
		pa_u128 byte;
		if ((i + 2 < length && text[i + 2] != ':') || !read_hex(pair, 4, &byte))
			return false;
		*ret_value = *ret_value << 8 | byte;
	}
	return true;
}

/* "eth0", "eth*" (any name that begins so), "eth\*" (the asterisk itself). */
static bool read_ifname(const struct pa_json_node *node, bool wildcard, struct pa_interval *ret_interval)
{
	char name[PA_IFNAME_MAX + 2];
	if (node->length == 0 || node->length > PA_IFNAME_MAX)
		return false;
	memcpy(name, node->string, node->length);
	size_t length = node->length;
	name[length] = '\0';
	bool star = wildcard && name[length - 1] == '*';
	if (star && length > 1 && name[length - 2] == '\\') {
		name[length - 2] = '*';
		name[length - 1] = '\0';
		star = false;
	}
	if (star) {
		name[length - 1] = '\0';
		*ret_interval = pa_ifname_prefix(name);
		return true;
	}
	ret_interval->first = ret_interval->last = pa_ifname_value(name);
	return strlen(name) < PA_IFNAME_MAX;
}

/* An index that has no interface any more is printed as a number. */
static bool is_number(const struct pa_json_node *node)
{
	for (uint32_t i = 0; i < node->length; i++)
		if (node->string[i] < '0' || node->string[i] > '9')
			return false;
	return true;
}

static bool read_string(const struct pa_json_node *node, enum pa_datatype type, struct pa_interval *ret_interval)
{
	uint64_t symbol;
	pa_u128 value = 0;
	bool known = false;
	if (type == PA_DATATYPE_IFNAME)
		return read_ifname(node, true, ret_interval);
	if (type == PA_DATATYPE_IFINDEX)
		return !is_number(node) && read_ifname(node, false, ret_interval);
	if (type == PA_DATATYPE_IPV4) {
		known = read_ipv4(node->string, node->length, &value);
	} else if (type == PA_DATATYPE_IPV6) {
		known = read_ipv6(node->string, node->length, &value);
	} else if (type == PA_DATATYPE_ADDRESS) {
		known = read_ipv6(node->string, node->length, &value);
		if (!known && read_ipv4(node->string, node->length, &value)) {
			value |= PA_IPV4_BASE;
			known = true;
		}
	} else if (type == PA_DATATYPE_ETHER) {
		known = read_ether(node->string, node->length, &value);
	} else if (type == PA_DATATYPE_HOUR || type == PA_DATATYPE_DATE) {
		known = pa_lower_time_text(node, type, &value);
	} else if (pa_is_word(type)) {
		value = word_value(node->string, node->length);
		known = true;
	} else if (pa_symbol_find(type, node->string, node->length, &symbol)) {
		value = symbol;
		known = true;
	} else if (type ==
		   PA_DATATYPE_DEVGROUP) { /* a name of /etc/iproute2/group: no number that we know, and compared as a word */
		value = word_value(node->string, node->length) | (pa_u128)1 << 127;
		known = true;
	} else {
		known = read_hex(node->string, node->length, &value);
	}
	ret_interval->first = ret_interval->last = value;
	return known;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

/* Flags that are or-ed: [ "syn", "ack" ], { "|": [ "syn", "ack" ] }. */
static enum pa_value_result read_flags(struct pa_lowering *lowering, const struct pa_json_node *list, enum pa_datatype type,
				       struct pa_interval *ret_interval, const char **ret_problem)
{
	pa_u128 bits = 0;
	const struct pa_json_node *item = list + 1;
	for (uint32_t i = 0; i < list->length; i++, item = pa_json_after(&lowering->tape, item)) {
		struct pa_interval value;
		enum pa_value_result result = pa_lower_raw_value(lowering, item, type, &value, ret_problem);
		if (result != PA_VALUE_KNOWN)
			return result;
		if (value.first != value.last)
			return unknown(lowering, list, ret_problem);
		bits |= value.first;
	}
	ret_interval->first = ret_interval->last = bits;
	return PA_VALUE_KNOWN;
}

static enum pa_value_result read_range(struct pa_lowering *lowering, const struct pa_json_node *range, enum pa_datatype type,
				       struct pa_interval *ret_interval, const char **ret_problem)
{
	struct pa_interval first, last;
	if (range->kind != PA_JSON_ARRAY || range->length != 2)
		return unknown(lowering, range, ret_problem);
	const struct pa_json_node *second = pa_json_after(&lowering->tape, range + 1);
	/* Words have no order. */
	if (pa_is_word(type) && (range[1].kind != PA_JSON_INTEGER || second->kind != PA_JSON_INTEGER))
		return unknown(lowering, range, ret_problem);
	enum pa_value_result result = pa_lower_raw_value(lowering, range + 1, type, &first, ret_problem);
	if (result == PA_VALUE_KNOWN)
		result = pa_lower_raw_value(lowering, second, type, &last, ret_problem);
	if (result != PA_VALUE_KNOWN)
		return result;
	/* Of indices, between which names do not tell what lies. */
	if (type == PA_DATATYPE_IFINDEX && first.first != last.last)
		return unknown(lowering, range, ret_problem);
	if (type == PA_DATATYPE_DEVGROUP && last.last > pa_lower_type_max(type))
		return unknown(lowering, range, ret_problem);
	/* libnftables prints 86400, the end of a day, as its beginning */
	if (first.first > last.last || (type == PA_DATATYPE_HOUR && first.first == last.last))
		return unknown(lowering, range, ret_problem);
	*ret_interval = (struct pa_interval){ first.first, last.last };
	return PA_VALUE_KNOWN;
}

static enum pa_value_result read_prefix(struct pa_lowering *lowering, const struct pa_json_node *prefix, enum pa_datatype type,
					struct pa_interval *ret_interval, const char **ret_problem)
{
	const struct pa_json_node *address = pa_json_member(&lowering->tape, prefix, "addr");
	const struct pa_json_node *length = pa_json_member(&lowering->tape, prefix, "len");
	struct pa_interval value;
	if (!address || !length || length->kind != PA_JSON_INTEGER || length->negative || pa_is_word(type))
		return unknown(lowering, prefix, ret_problem);
	enum pa_value_result result = pa_lower_raw_value(lowering, address, type, &value, ret_problem);
	if (result != PA_VALUE_KNOWN)
		return result;
	unsigned bits = pa_datatype_bits(type);
	if (type == PA_DATATYPE_ADDRESS && pa_value_is_ipv4(value.first))
		bits = 32;
	if (length->number > bits || type == PA_DATATYPE_INTEGER)
		return unknown(lowering, prefix, ret_problem);
	unsigned host = bits - (unsigned)length->number;
	pa_u128 low = host >= 128 ? PA_U128_MAX : ((pa_u128)1 << host) - 1;
	*ret_interval = (struct pa_interval){ value.first & ~low, value.first | low };
	return PA_VALUE_KNOWN;
}

static enum pa_value_result read_object(struct pa_lowering *lowering, const struct pa_json_node *node, enum pa_datatype type,
					struct pa_interval *ret_interval, const char **ret_problem)
{
	const struct pa_json_node *name;
	const struct pa_json_node *value = pa_lower_only_member(&lowering->tape, node, &name);
	if (value && pa_json_is(name, "range"))
		return read_range(lowering, value, type, ret_interval, ret_problem);
	if (value && pa_json_is(name, "prefix"))
		return read_prefix(lowering, value, type, ret_interval, ret_problem);
	if (value && pa_json_is(name, "|") && value->kind == PA_JSON_ARRAY)
		return read_flags(lowering, value, type, ret_interval, ret_problem);
	return unknown(lowering, node, ret_problem);
}

enum pa_value_result pa_lower_raw_value(struct pa_lowering *lowering, const struct pa_json_node *node, enum pa_datatype type,
					struct pa_interval *ret_interval, const char **ret_problem)
{
	if (node->kind == PA_JSON_OBJECT)
		return read_object(lowering, node, type, ret_interval, ret_problem);
	if (node->kind == PA_JSON_ARRAY && node->length)
		return read_flags(lowering, node, type, ret_interval, ret_problem);
	/* With `nft -nn` ip and ip6 are numbers in the byte order of the host that printed them. */
	if (type == PA_DATATYPE_ETHERTYPE && node->kind == PA_JSON_INTEGER &&
	    (node->number == 0x0008 || node->number == 0xdd86))
		return unknown(lowering, node, ret_problem);
	if (node->kind == PA_JSON_INTEGER && type == PA_DATATYPE_DATE) /* seconds or nanoseconds: nobody prints it so */
		return unknown(lowering, node, ret_problem);
	if (node->kind == PA_JSON_INTEGER && !node->negative && type != PA_DATATYPE_IFNAME && type != PA_DATATYPE_IFINDEX) {
		ret_interval->first = ret_interval->last = node->number;
	} else if (node->kind == PA_JSON_TRUE || node->kind == PA_JSON_FALSE) {
		ret_interval->first = ret_interval->last = node->kind == PA_JSON_TRUE;
	} else if (node->kind != PA_JSON_STRING || !read_string(node, type, ret_interval)) {
		return unknown(lowering, node, ret_problem);
	}
	bool name = type == PA_DATATYPE_DEVGROUP && node->kind == PA_JSON_STRING;
	return name || ret_interval->last <= pa_lower_type_max(type) ? PA_VALUE_KNOWN : unknown(lowering, node, ret_problem);
}

/*
 * From nft's value to the field's: IPv4 addresses are mapped; an ethertype is a family (0x0800 IPv4, 0x86dd IPv6), and
 * where our hooks are there is no other.
 */
enum pa_value_result pa_lower_map_value(enum pa_datatype type, struct pa_interval *interval)
{
	if (type == PA_DATATYPE_IPV4) {
		interval->first |= PA_IPV4_BASE;
		interval->last |= PA_IPV4_BASE;
	}
	if (type != PA_DATATYPE_ETHERTYPE)
		return PA_VALUE_KNOWN;
	bool ipv4 = interval->first <= 0x0800 && interval->last >= 0x0800;
	bool ipv6 = interval->first <= 0x86dd && interval->last >= 0x86dd;
	interval->first = ipv4 ? PA_NFPROTO_IPV4 : PA_NFPROTO_IPV6;
	interval->last = ipv6 ? PA_NFPROTO_IPV6 : PA_NFPROTO_IPV4;
	return ipv4 || ipv6 ? PA_VALUE_KNOWN : PA_VALUE_NEVER;
}

enum pa_value_result pa_lower_value(struct pa_lowering *lowering, const struct pa_json_node *node, enum pa_datatype type,
				    struct pa_interval *ret_interval, const char **ret_problem)
{
	enum pa_value_result result = pa_lower_raw_value(lowering, node, type, ret_interval, ret_problem);
	if (result != PA_VALUE_KNOWN)
		return result;
	return pa_lower_map_value(type, ret_interval);
}
