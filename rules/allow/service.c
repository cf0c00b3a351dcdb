/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The compiled-in tables of services, protocols and ICMP types. */
#include <string.h>

#include "allow.h"

enum { TCP = 6, UDP = 17, SCTP = 132, ICMP = 1, ICMPV6 = 58 };

#define CODES_ALL                       \
	{                               \
		.first = 0, .last = 255 \
	}

static const struct pa_service_item items[] = {
#define SERVICE(id, number, from, upto, usual) { .protocol = number, .ports = { from, upto }, .text = id },
#define ICMP_SERVICE(id, number, from, upto) \
	{ .protocol = number,                \
	  .any_port = true,                  \
	  .ports = { 0, 65535 },             \
	  .icmp = true,                      \
	  .icmp_type = { from, upto },       \
	  .icmp_code = CODES_ALL,            \
	  .text = id },
#include "service.def"
#undef SERVICE
#undef ICMP_SERVICE
};
enum { ITEM_COUNT = sizeof(items) / sizeof(*items) };

static const bool item_is_usual[] = {
#define SERVICE(id, number, from, upto, usual) usual,
#define ICMP_SERVICE(id, number, from, upto) false,
#include "service.def"
#undef SERVICE
#undef ICMP_SERVICE
};

static const struct pa_protocol_row protocols[] = {
#define PROTOCOL(id, value, ports) { .name = id, .number = value, .has_ports = ports },
#include "protocol.def"
#undef PROTOCOL
};
enum { PROTOCOL_COUNT = sizeof(protocols) / sizeof(*protocols) };

static const struct {
	unsigned protocol;
	const char *name;
	struct pa_interval type, code;
} icmp_types[] = {
#define ICMP_TYPE(number, id, value, from, upto) \
	{ .protocol = number, .name = id, .type = { value, value }, .code = { from, upto } },
#include "icmp.def"
#undef ICMP_TYPE
};
enum { ICMP_TYPE_COUNT = sizeof(icmp_types) / sizeof(*icmp_types) };

/* The first row whose name is not before `name`. */
static size_t first_row(const char *name)
{
	size_t low = 0, high = ITEM_COUNT;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(items[middle].text, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t pa_service_lookup(const char *name, const struct pa_service_item **ret_items)
{
	size_t first = first_row(name), end = first;
	while (end < ITEM_COUNT && strcmp(items[end].text, name) == 0)
		end++;
	if (end > first)
		*ret_items = &items[first];
	return end - first;
}

/* Single ports win over ranges: 6081/tcp is varnish, not one of a range that happens to hold it. */
const char *pa_service_name(unsigned protocol, unsigned port)
{
	const char *found = NULL;
	for (size_t i = 0; i < ITEM_COUNT; i++) {
		const struct pa_service_item *item = &items[i];
		if (!item_is_usual[i] || item->protocol != protocol || port < item->ports.first || port > item->ports.last)
			continue;
		if (item->ports.first == item->ports.last)
			return item->text;
		if (!found)
			found = item->text;
	}
	return found;
}

/* 443/tcp of the service that names it alone, rather than of one that names 1-1023. */
const char *pa_policy_service_name(const struct pa_policy *policy, unsigned protocol, unsigned port)
{
	const char *found = NULL;
	pa_u128 fewest = 0;
	for (size_t i = 0; policy && i < policy->service_count; i++) {
		const struct pa_named_service *service = &policy->services[i];
		for (size_t k = 0; k < service->count; k++) {
			const struct pa_service_item *item = &service->items[k];
			pa_u128 ports = item->ports.last - item->ports.first;
			if (item->any_protocol || item->icmp || item->any_port || item->ephemeral ||
			    item->protocol != protocol || port < item->ports.first || port > item->ports.last ||
			    (found && ports >= fewest))
				continue;
			found = service->name;
			fewest = ports;
		}
	}
	return found;
}

const struct pa_protocol_row *pa_protocol_find(const char *name)
{
	for (size_t i = 0; i < PROTOCOL_COUNT; i++)
		if (strcmp(protocols[i].name, name) == 0)
			return &protocols[i];
	return NULL;
}

const struct pa_protocol_row *pa_protocol_of(unsigned number)
{
	for (size_t i = 0; i < PROTOCOL_COUNT; i++)
		if (protocols[i].number == number)
			return &protocols[i];
	return NULL;
}

const char *pa_protocol_name(unsigned protocol)
{
	const struct pa_protocol_row *row = pa_protocol_of(protocol);
	return row ? row->name : NULL;
}

void pa_protocols_offer(struct pa_suggestion *suggestion)
{
	for (size_t i = 0; i < PROTOCOL_COUNT; i++)
		pa_suggestion_offer(suggestion, protocols[i].name);
}

void pa_services_offer(struct pa_suggestion *suggestion)
{
	for (size_t i = 0; i < ITEM_COUNT; i++)
		pa_suggestion_offer(suggestion, items[i].text);
}

bool pa_icmp_find(unsigned protocol, const char *name, struct pa_interval *ret_type, struct pa_interval *ret_code)
{
	for (size_t i = 0; i < ICMP_TYPE_COUNT; i++) {
		if (icmp_types[i].protocol == protocol && strcmp(icmp_types[i].name, name) == 0) {
			*ret_type = icmp_types[i].type;
			*ret_code = icmp_types[i].code;
			return true;
		}
	}
	return false;
}

void pa_icmp_offer(unsigned protocol, struct pa_suggestion *suggestion)
{
	for (size_t i = 0; i < ICMP_TYPE_COUNT; i++)
		if (icmp_types[i].protocol == protocol)
			pa_suggestion_offer(suggestion, icmp_types[i].name);
}
