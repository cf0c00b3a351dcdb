/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packet field values in text: addresses, prefixes, interface names. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "portaudit/base.h"

_Static_assert(PA_ADDRESS_TEXT_MAX >= INET6_ADDRSTRLEN, "an address must fit");
_Static_assert(PA_ADDRESS_RANGE_TEXT_MAX >= 2 * INET6_ADDRSTRLEN, "two addresses and a dash must fit");

/* The value of 16 bytes in network order. */
static pa_u128 from_bytes(const unsigned char bytes[16])
{
	pa_u128 value = 0;
	for (unsigned i = 0; i < 16; i++)
		value = value << 8 | bytes[i];
	return value;
}

static void to_bytes(pa_u128 value, unsigned char bytes[16])
{
	for (unsigned i = 16; i-- > 0; value >>= 8)
		bytes[i] = (unsigned char)(value & 0xff);
}

bool pa_value_is_ipv4(pa_u128 value)
{
	return value >= PA_IPV4_BASE && value <= PA_IPV4_LAST;
}

bool pa_address_parse(const char *text, pa_u128 *ret_value, int *ret_family)
{
	struct in_addr v4;
	struct in6_addr v6;
	if (inet_pton(AF_INET, text, &v4) == 1) {
		*ret_value = PA_IPV4_BASE | ntohl(v4.s_addr);
		*ret_family = 4;
		return true;
	}
	if (inet_pton(AF_INET6, text, &v6) == 1) {
		*ret_value = from_bytes(v6.s6_addr);
		*ret_family = 6;
		return true;
	}
	return false;
}

/* A value that is no IPv4 address is never shown as one, whatever the family says. */
void pa_address_format(pa_u128 value, int family, char out[PA_ADDRESS_TEXT_MAX])
{
	if (family == 4 && pa_value_is_ipv4(value)) {
		struct in_addr v4 = { .s_addr = htonl((uint32_t)(value & 0xffffffffu)) };
		inet_ntop(AF_INET, &v4, out, PA_ADDRESS_TEXT_MAX);
		return;
	}
	struct in6_addr v6;
	to_bytes(value, v6.s6_addr);
	inet_ntop(AF_INET6, &v6, out, PA_ADDRESS_TEXT_MAX);
}

static unsigned count_bits(pa_u128 value)
{
	return (unsigned)__builtin_popcountll((uint64_t)(value >> 64)) + (unsigned)__builtin_popcountll((uint64_t)value);
}

/* Is the interval all addresses of one prefix: its ends differ in the low bits only, and in all of them? */
static bool is_prefix(struct pa_interval range)
{
	pa_u128 host = range.first ^ range.last;
	return (host & (host + 1)) == 0 && (range.first & host) == 0;
}

void pa_address_range_format(struct pa_interval range, int family, char out[PA_ADDRESS_RANGE_TEXT_MAX])
{
	char first[PA_ADDRESS_TEXT_MAX], last[PA_ADDRESS_TEXT_MAX];
	if (family == 4 && !(pa_value_is_ipv4(range.first) && pa_value_is_ipv4(range.last)))
		family = 6;
	pa_address_format(range.first, family, first);
	pa_address_format(range.last, family, last);
	if (range.first == range.last)
		snprintf(out, PA_ADDRESS_RANGE_TEXT_MAX, "%s", first);
	else if (is_prefix(range))
		snprintf(out, PA_ADDRESS_RANGE_TEXT_MAX, "%s/%u", first,
			 (family == 4 ? 32u : 128u) - count_bits(range.first ^ range.last));
	else
		snprintf(out, PA_ADDRESS_RANGE_TEXT_MAX, "%s-%s", first, last);
}

struct pa_interval pa_prefix_interval(pa_u128 address, int family, unsigned length)
{
	unsigned width = family == 4 ? 32 : 128;
	unsigned host_bits = length < width ? width - length : 0;
	pa_u128 host = host_bits == 128 ? PA_U128_MAX : ((pa_u128)1 << host_bits) - 1;
	return (struct pa_interval){ .first = address & ~host, .last = address | host };
}

/* The name's bytes, then `fill`. Bytes after the 16th are not looked at, as in the kernel's comparison. */
static pa_u128 ifname_padded(const char *name, unsigned char fill)
{
	unsigned char bytes[PA_IFNAME_MAX];
	size_t length = strnlen(name, PA_IFNAME_MAX);
	memset(bytes, fill, sizeof(bytes));
	memcpy(bytes, name, length);
	return from_bytes(bytes);
}

pa_u128 pa_ifname_value(const char *name)
{
	return ifname_padded(name, 0);
}

void pa_ifname_format(pa_u128 value, char out[PA_IFNAME_MAX + 1])
{
	unsigned char bytes[PA_IFNAME_MAX];
	to_bytes(value, bytes);
	memcpy(out, bytes, sizeof(bytes));
	out[PA_IFNAME_MAX] = '\0';
}

struct pa_interval pa_ifname_prefix(const char *prefix)
{
	return (struct pa_interval){ .first = ifname_padded(prefix, 0), .last = ifname_padded(prefix, 0xff) };
}
