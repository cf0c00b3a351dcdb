/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the arguments of options say: numbers, ports, protocols, addresses. No name is looked up in the network. */
#include "xt.h"

#include <stdlib.h>

#include "../ir/names.h"

bool pa_xt_number_part(const char **at, uint64_t max, uint64_t *ret_value)
{
	const char *text = *at;
	char *end;
	if (!(*text >= '0' && *text <= '9'))
		return false;
	unsigned long long value = strtoull(text, &end, 0);
	if (end == text || end - text > 20 || value > max)
		return false;
	*at = end;
	*ret_value = value;
	return true;
}

bool pa_xt_number(const char *text, uint64_t max, uint64_t *ret_value)
{
	return pa_xt_number_part(&text, max, ret_value) && !*text;
}

bool pa_xt_range(const char *text, char separator, uint64_t max, struct pa_interval *ret_range)
{
	uint64_t first = 0, last = max;
	const char *at = text;
	bool any = false;
	if (*at != separator) {
		if (!pa_xt_number_part(&at, max, &first))
			return false;
		any = true;
		last = first;
	}
	if (*at == separator) {
		at++;
		last = max;
		if (*at) {
			if (!pa_xt_number_part(&at, max, &last))
				return false;
			any = true;
		}
	}
	*ret_range = (struct pa_interval){ first, last };
	return any && !*at;
}

bool pa_xt_value_mask(const char *text, uint64_t max, uint64_t *ret_value, uint64_t *ret_mask)
{
	*ret_mask = max;
	if (!pa_xt_number_part(&text, max, ret_value))
		return false;
	if (*text == '/') {
		text++;
		return pa_xt_number(text, max, ret_mask);
	}
	return !*text;
}

/* --- protocols and ports ------------------------------------------------------------------------------------------ */

bool pa_xt_protocol(const char *text, unsigned *ret_number)
{
	/* names of iptables' own list and of /etc/protocols that nft does not print */
	static const struct {
		const char *name;
		unsigned number;
	} more[] = { { "all", 0 },   { "any", 0 },   { "ipv6-mh", 135 }, { "mh", 135 },	  { "ipv6", 41 },
		     { "ospf", 89 }, { "ipip", 94 }, { "pim", 103 },	 { "vrrp", 112 }, { "l2tp", 115 } };
	uint64_t value;
	char lower[32];
	size_t length = strlen(text);
	if (pa_xt_number(text, 255, &value)) {
		*ret_number = (unsigned)value;
		return true;
	}
	if (!length || length >= sizeof(lower))
		return false;
	for (size_t i = 0; i <= length; i++)
		lower[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
	for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++) {
		if (strcmp(lower, more[i].name) == 0) {
			*ret_number = more[i].number;
			return true;
		}
	}
	if (!pa_symbol_find(PA_DATATYPE_PROTO, lower, length, &value))
		return false;
	*ret_number = (unsigned)value;
	return true;
}

#define SERVICE(name, port) { name, port },
static const struct {
	const char *name;
	unsigned port;
} services[] = {
#include "service.def"
};
#undef SERVICE

bool pa_xt_port(const char *text, size_t length, uint64_t *ret_port)
{
	char name[32];
	if (!length || length >= sizeof(name))
		return false;
	memcpy(name, text, length);
	name[length] = '\0';
	if (pa_xt_number(name, 65535, ret_port))
		return true;
	for (size_t i = 0; i < sizeof(services) / sizeof(*services); i++) {
		if (strcmp(name, services[i].name) == 0) {
			*ret_port = services[i].port;
			return true;
		}
	}
	return false;
}

/* A service's name may hold a dash; with '-' as separator only the last one parts. */
bool pa_xt_port_range(const char *text, char separator, struct pa_interval *ret_range)
{
	uint64_t first = 0, last = 65535;
	size_t length = strlen(text);
	if (pa_xt_port(text, length, &first)) {
		*ret_range = (struct pa_interval){ first, first };
		return true;
	}
	const char *part = strrchr(text, separator);
	if (!part || length == 1)
		return false;
	if (part > text && !pa_xt_port(text, (size_t)(part - text), &first))
		return false;
	if (part[1] && !pa_xt_port(part + 1, strlen(part + 1), &last))
		return false;
	*ret_range = (struct pa_interval){ first, last };
	return true;
}

/* --- addresses -------------------------------------------------------------------------------------------------------- */

/* "10", "10.1" as networks are written: what is missing is zero (xtables_numeric_to_ipaddr() does so for "10.1/16"). */
static bool short_ipv4(const char *text, pa_u128 *ret_value)
{
	uint64_t value = 0, part;
	unsigned count = 0;
	for (;; text++) {
		if (count == 4 || !(*text >= '0' && *text <= '9'))
			return false;
		for (part = 0; *text >= '0' && *text <= '9' && part <= 255; text++)
			part = part * 10 + (uint64_t)(*text - '0');
		if (part > 255)
			return false;
		value = value << 8 | part;
		count++;
		if (*text != '.')
			break;
	}
	*ret_value = PA_IPV4_BASE | value << (8 * (4 - count));
	return !*text;
}

bool pa_xt_address(const char *text, size_t length, int family, pa_u128 *ret_value)
{
	char copy[64];
	int found;
	if (!length || length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (family == 4)
		return short_ipv4(copy, ret_value);
	return pa_address_parse(copy, ret_value, &found) && found == family;
}

bool pa_xt_network(const char *text, size_t length, int family, pa_u128 *ret_value, pa_u128 *ret_mask)
{
	const char *slash = memchr(text, '/', length);
	size_t address = slash ? (size_t)(slash - text) : length;
	unsigned bits = family == 4 ? 32 : 128;
	uint64_t prefix;
	*ret_mask = PA_U128_MAX;
	if (!pa_xt_address(text, address, family, ret_value))
		return false;
	if (!slash)
		return true;
	char copy[64];
	size_t rest = length - address - 1;
	if (!rest || rest >= sizeof(copy))
		return false;
	memcpy(copy, slash + 1, rest);
	copy[rest] = '\0';
	if (copy[strspn(copy, "0123456789")] == '\0') {
		if (strtoull(copy, NULL, 10) > bits)
			return false;
		prefix = strtoull(copy, NULL, 10);
		*ret_mask = prefix == bits ? PA_U128_MAX : ~((((pa_u128)1) << (bits - prefix)) - 1);
		if (family == 6 && prefix == 0)
			*ret_mask = 0;
	} else {
		if (!pa_xt_address(copy, rest, family, ret_mask))
			return false;
		if (family == 4)
			*ret_mask |= ~(pa_u128)0xffffffffu;
	}
	*ret_value &= *ret_mask;
	return true;
}

bool pa_xt_address_range(const char *text, size_t length, int family, struct pa_interval *ret_range)
{
	const char *dash = memchr(text, '-', length);
	size_t first = dash ? (size_t)(dash - text) : length;
	if (!pa_xt_address(text, first, family, &ret_range->first))
		return false;
	ret_range->last = ret_range->first;
	return !dash || pa_xt_address(dash + 1, length - first - 1, family, &ret_range->last);
}

bool pa_xt_mask_interval(pa_u128 value, pa_u128 mask, struct pa_interval *ret_interval)
{
	pa_u128 hosts = ~mask;
	*ret_interval = (struct pa_interval){ value & mask, (value & mask) | hosts };
	return (hosts & (hosts + 1)) == 0;
}
