/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

/* The document, kept as it is: a packet is held against each row's text. */
struct boxes {
	json_t *document;
	bool lengths; /* the ruleset tests lengths: rows are about packets of a length that ours do not have */
};

struct boxes *boxes_read(const char *path, const char *ruleset)
{
	json_error_t error;
	json_t *document = json_load_file(path, 0, &error);
	if (!document || !json_is_array(json_object_get(document, "exposures"))) {
		fprintf(stderr, "judge: list: %s\n", document ? "no exposures" : error.text);
		json_decref(document);
		return NULL;
	}
	struct boxes *boxes = calloc(1, sizeof(*boxes));
	if (boxes)
		*boxes = (struct boxes){ .document = document, .lengths = strstr(ruleset, "length") != NULL };
	return boxes;
}

void boxes_free(struct boxes *boxes)
{
	if (boxes)
		json_decref(boxes->document);
	free(boxes);
}

/* A list of prefixes or ranges; absent or null: everything. */
static bool has_address(const json_t *row, const char *key, int family, const struct address *address)
{
	const json_t *list = json_object_get(row, key), *value;
	size_t i;
	if (!json_is_array(list))
		return true;
	json_array_foreach(list, i, value) if (address_in(json_string_value(value), family, address)) return true;
	return false;
}

static bool in_range(const char *text, unsigned number)
{
	char *end;
	unsigned long first = strtoul(text, &end, 10), last = *end == '-' ? strtoul(end + 1, NULL, 10) : first;
	return number >= first && number <= last;
}

static bool has_number(const json_t *row, const char *key, unsigned number)
{
	const json_t *list = json_object_get(row, key), *value;
	size_t i;
	if (!json_is_array(list))
		return true;
	json_array_foreach(list, i, value) if (in_range(json_string_value(value), number)) return true;
	return false;
}

/* "eth0", "br-*", "*"; "!" before it: not. The longest entry that fits decides. */
/* How many characters of the name an entry decides: all of "eth0", three of "eth*", none of "*"; -1: it does not fit. */
static int fits(const char *entry, const char *name)
{
	size_t size = strlen(entry);
	if (size == 0 || entry[size - 1] != '*')
		return strcmp(entry, name) == 0 ? 1000 : -1;
	return strncmp(entry, name, size - 1) == 0 ? (int)size - 1 : -1;
}

/* "any", or entries of which the longest one that fits decides; "!eth0" is an exception. */
static bool has_interface(const json_t *row, const char *key, int interface)
{
	const json_t *list = json_object_get(row, key), *value;
	const char *name = interface == JUDGE_NO_INTERFACE ? "" : interface_name[interface];
	int best = -1;
	bool inside = false;
	size_t i;
	if (!json_is_array(list))
		return true;
	json_array_foreach(list, i, value)
	{
		const char *entry = json_string_value(value);
		bool except = entry[0] == '!';
		int length = fits(entry + except, name);
		if (length > best) {
			best = length;
			inside = !except;
		}
	}
	return inside;
}

static bool has_protocol(const json_t *row, const struct packet *packet)
{
	static const char *const names[256] = {
		[IPPROTO_TCP] = "tcp",	 [IPPROTO_UDP] = "udp",	  [IPPROTO_ICMP] = "icmp",	 [IPPROTO_ICMPV6] = "icmpv6",
		[IPPROTO_SCTP] = "sctp", [IPPROTO_DCCP] = "dccp", [IPPROTO_UDPLITE] = "udplite", [IPPROTO_GRE] = "gre",
		[IPPROTO_ESP] = "esp",	 [IPPROTO_AH] = "ah",	  [IPPROTO_IGMP] = "igmp",	 [112] = "vrrp",
	};
	const char *text = json_string_value(json_object_get(row, "proto")), *name = names[packet->protocol];
	if (!text || strcmp(text, "any") == 0)
		return true;
	if (text[0] >= '0' && text[0] <= '9')
		return in_range(text, packet->protocol);
	return name && strcmp(text, name) == 0;
}

/* Only plain SYN is held against rows. */
static bool has_flags(const json_t *row, const struct packet *packet)
{
	const json_t *list = json_object_get(row, "flags"), *value;
	size_t i;
	if (!json_is_array(list) || packet->protocol != IPPROTO_TCP)
		return true;
	json_array_foreach(list, i, value) if (strcmp(json_string_value(value), "syn") == 0) return true;
	return false;
}

/* The value of a field named in "with"; false: a field that our packets do not say. */
static bool field_value(const char *name, const struct packet *packet, unsigned *ret_value)
{
	const struct {
		const char *name;
		unsigned value;
	} known[] = {
		{ "ct state", 8 },
		{ "ct mark", 0 },
		{ "meta mark", 0 },
		{ "ct direction", 0 },
		{ "ct status", 0 },
		{ "ttl", packet->ttl },
		{ "dscp", packet->dscp },
		{ "ecn", 0 },
		{ "ip6 flowlabel", 0 },
		{ "ip version", (unsigned)packet->family },
		{ "meta pkttype", packet->pkttype },
		{ "ip6 nexthdr", packet->protocol },
	};
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, name) == 0) {
			*ret_value = known[i].value;
			return true;
		}
	return false;
}

/* 1: every further field holds the packet; 0: one does not; -1: one cannot be told. */
static int has_further(const json_t *row, const struct packet *packet)
{
	json_t *with = json_object_get(row, "with"), *list;
	const char *name;
	int result = 1;
	json_object_foreach(with, name, list)
	{
		unsigned value;
		if (!field_value(name, packet, &value))
			result = result == 0 ? 0 : -1;
		else if (!has_number(with, name, value))
			result = 0;
	}
	return result;
}

static bool has_message(const json_t *row, const struct packet *packet)
{
	const json_t *icmp = json_object_get(row, "icmp");
	if (packet_has_ports(packet->protocol))
		return has_number(row, "sport", packet->sport) && has_number(row, "dport", packet->dport);
	return !json_is_object(icmp) || (has_number(icmp, "type", packet->type) && has_number(icmp, "code", packet->code));
}

/* 0.0.0.0/0 is every address of the host on `in` and every other one on `forward`, unless NAT has moved the packet. */
static bool is_of_path(const json_t *row, const struct packet *packet, bool forward)
{
	const char *path = json_string_value(json_object_get(row, "path"));
	bool foreign = topology_owner(packet->family, &packet->dst) == JUDGE_NO_INTERFACE;
	if (!path || strcmp(path, forward ? "forward" : "in") != 0)
		return false;
	return json_is_object(json_object_get(row, "to")) || foreign == forward;
}

static bool is_in_row(const json_t *row, const struct packet *packet, int oif, bool forward)
{
	if (!is_of_path(row, packet, forward) || json_integer_value(json_object_get(row, "family")) != packet->family)
		return false;
	return has_protocol(row, packet) && has_message(row, packet) && has_flags(row, packet) &&
	       has_interface(row, "iif", packet->iif) && has_interface(row, "oif", oif) &&
	       has_address(row, "src", packet->family, &packet->src) && has_address(row, "dst", packet->family, &packet->dst);
}

/* Rows speak of the first packets of connections, from the wire, plain ones: the others may be in a row or not. */
static bool is_plain(const struct boxes *boxes, const struct packet *packet)
{
	if (packet->entry != ENTRY_WIRE || packet->state != STATE_NEW || packet->said_path || boxes->lengths)
		return false;
	return packet->ttl == 64 && packet->dscp == 0 && (packet->protocol != IPPROTO_TCP || packet->flags == 2);
}

enum fate boxes_fate(const struct boxes *boxes, const struct packet *packet, int oif)
{
	const json_t *row, *rows = json_object_get(boxes->document, "exposures");
	enum fate fate = FATE_DROP;
	size_t i;
	if (packet->detail || !is_plain(boxes, packet))
		return FATE_NONE;
	json_array_foreach(rows, i, row)
	{
		bool in = is_in_row(row, packet, oif, false), forward = is_in_row(row, packet, oif, true);
		int further = in || forward ? has_further(row, packet) : 0;
		const char *certainty = json_string_value(json_object_get(row, "certainty"));
		if (further < 0)
			return FATE_NONE;
		if (further == 0)
			continue;
		if (certainty && strcmp(certainty, "certain") == 0)
			return in ? FATE_IN : FATE_FORWARD;
		fate = FATE_DEPENDS;
	}
	return fate;
}
