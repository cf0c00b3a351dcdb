/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

/* The document, kept as it is: a packet is held against each row's text. */
struct boxes {
	json_t *document;
};

struct boxes *boxes_read(const char *path)
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
		boxes->document = document;
	return boxes;
}

void boxes_free(struct boxes *boxes)
{
	if (boxes)
		json_decref(boxes->document);
	free(boxes);
}

static bool in_prefix(const char *text, int family, const struct address *address)
{
	char copy[80];
	struct address first, last;
	int own;
	snprintf(copy, sizeof(copy), "%s", text);
	char *slash = strchr(copy, '/'), *dash = strchr(copy, '-');
	unsigned width = family == 4 ? 32 : 128, length = width;
	if (slash) {
		*slash = '\0';
		length = (unsigned)strtoul(slash + 1, NULL, 10);
	}
	if (dash)
		*dash = '\0';
	if (!address_parse(copy, &own, &first) || own != family)
		return false;
	if (dash)
		return address_parse(dash + 1, &own, &last) && memcmp(address, &first, sizeof(first)) >= 0 &&
		       memcmp(address, &last, sizeof(last)) <= 0;
	for (unsigned bit = 0; bit < length; bit++)
		if ((first.byte[bit / 8] ^ address->byte[bit / 8]) & (0x80 >> bit % 8))
			return false;
	return true;
}

/* A list of prefixes or ranges; absent or null: everything. */
static bool has_address(const json_t *row, const char *key, int family, const struct address *address)
{
	const json_t *list = json_object_get(row, key), *value;
	size_t i;
	if (!json_is_array(list))
		return true;
	json_array_foreach(list, i, value) if (in_prefix(json_string_value(value), family, address)) return true;
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

static bool has_interface(const json_t *row, const char *key, const char *name)
{
	const json_t *list = json_object_get(row, key), *value;
	size_t i;
	if (!json_is_array(list))
		return true;
	json_array_foreach(list, i, value) if (strcmp(json_string_value(value), name) == 0) return true;
	return false;
}

static bool has_protocol(const json_t *row, const struct packet *packet)
{
	static const char *const names[256] = { [IPPROTO_TCP] = "tcp",	     [IPPROTO_UDP] = "udp",   [IPPROTO_ICMP] = "icmp",
						[IPPROTO_ICMPV6] = "icmpv6", [IPPROTO_SCTP] = "sctp", [IPPROTO_DCCP] = "dccp" };
	const json_t *protocol = json_object_get(row, "proto");
	const char *name = packet->protocol == IPPROTO_UDPLITE ? "udplite" : names[packet->protocol];
	const char *text = json_string_value(protocol);
	if (json_is_integer(protocol))
		return json_integer_value(protocol) == packet->protocol;
	if (!text || strcmp(text, "any") == 0 || (name && strcmp(text, name) == 0))
		return true;
	return !name && in_range(text, packet->protocol);
}

static bool has_message(const json_t *row, const struct packet *packet)
{
	const json_t *icmp = json_object_get(row, "icmp");
	if (packet_has_ports(packet->protocol))
		return has_number(row, "sport", packet->sport) && has_number(row, "dport", packet->dport);
	return !json_is_object(icmp) || (has_number(icmp, "type", packet->type) && has_number(icmp, "code", packet->code));
}

static bool is_in_row(const json_t *row, const struct packet *packet, bool forward)
{
	const char *path = json_string_value(json_object_get(row, "path"));
	if (!path || strcmp(path, forward ? "forward" : "in") != 0 ||
	    json_integer_value(json_object_get(row, "family")) != packet->family)
		return false;
	return has_protocol(row, packet) && has_message(row, packet) &&
	       has_interface(row, "iif", interface_name[packet->iif]) &&
	       has_address(row, "src", packet->family, &packet->src) && has_address(row, "dst", packet->family, &packet->dst);
}

/* Only rows whose fields are those that every packet says can be held against it: what else limits a row is in `fields`. */
static bool is_plain(const json_t *row)
{
	return !json_object_get(row, "flags") && !json_object_get(row, "fields") && !json_object_get(row, "oif");
}

enum fate boxes_fate(const struct boxes *boxes, const struct packet *packet)
{
	const json_t *row, *rows = json_object_get(boxes->document, "exposures");
	enum fate fate = FATE_DROP;
	size_t i;
	if (packet->entry != ENTRY_WIRE || packet->state != STATE_NEW || packet->said_path)
		return FATE_NONE;
	if (packet->protocol == IPPROTO_TCP && packet->flags != 2)
		return FATE_NONE;
	json_array_foreach(rows, i, row)
	{
		bool in = is_in_row(row, packet, false), forward = is_in_row(row, packet, true);
		const char *certainty = json_string_value(json_object_get(row, "certainty"));
		if (!in && !forward)
			continue;
		if (!is_plain(row))
			return FATE_NONE;
		if (!certainty || strcmp(certainty, "certain") != 0)
			fate = FATE_DEPENDS;
		else
			return in ? FATE_IN : FATE_FORWARD;
	}
	return fate;
}
