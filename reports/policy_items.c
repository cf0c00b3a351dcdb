/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Protocols, ports and ICMP types in the words of the policy language. */
#include <netinet/in.h>
#include <string.h>

#include "policy_text.h"

/* Named services of one line that get a statement of their own; more of them are a list of ports. */
enum { SERVICES_ALONE = 12 };

struct items {
	struct pa_arena *arena;
	const struct pa_region *region;
	const char **texts;
	size_t count, most;
	struct pa_buffer list; /* what stands in one statement together */
};

static void add_to_list(struct items *items, const char *text)
{
	pa_buffer_printf(&items->list, "%s%s", items->list.length ? ", " : "", text);
}

static void add_alone(struct items *items, const char *text)
{
	if (items->count + 1 < items->most)
		items->texts[items->count++] = text;
	else
		add_to_list(items, text);
}

static bool has_ports(unsigned protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_DCCP || protocol == IPPROTO_SCTP ||
	       protocol == IPPROTO_UDPLITE;
}

static const char *protocol_word(struct items *items, unsigned protocol)
{
	const char *name = pa_protocol_name(protocol);
	return name ? name : pa_arena_printf(items->arena, "%u", protocol);
}

/* --- ports ---------------------------------------------------------------------------------------------------------- */
/* Does the name stand for exactly this port (of all protocols, or of this one)? */
static bool stands_for(const char *name, unsigned protocol, unsigned port, bool of_protocol_only)
{
	const struct pa_service_item *known;
	size_t count = pa_service_lookup(name, &known), fitting = 0;
	for (size_t i = 0; i < count; i++) {
		if (of_protocol_only && known[i].protocol != protocol)
			continue;
		if (known[i].protocol != protocol || known[i].icmp || known[i].any_port || known[i].ports.first != port ||
		    known[i].ports.last != port)
			return false;
		fitting++;
	}
	return fitting > 0;
}

static const char *service_word(struct items *items, unsigned protocol, struct pa_interval port)
{
	const char *name = port.first == port.last ? pa_service_name(protocol, (unsigned)port.first) : NULL;
	if (!name)
		return NULL;
	if (stands_for(name, protocol, (unsigned)port.first, false))
		return name;
	if (stands_for(name, protocol, (unsigned)port.first, true))
		return pa_arena_printf(items->arena, "%s/%s", name, protocol_word(items, protocol));
	return NULL;
}

/* The policy has no port 0: 1 stands for it. */
static void print_port(struct pa_interval port, struct pa_buffer *out)
{
	if (port.first == 0)
		port.first = 1;
	if (port.last == 0)
		port.last = 1;
	pa_number_range_print(port, out);
}

static void print_ports(struct items *items, const struct pa_interval *ports, size_t count, const char *protocol)
{
	struct pa_buffer text = { 0 };
	for (size_t i = 0; i < count; i++) {
		pa_buffer_puts(&text, i ? "," : "");
		print_port(ports[i], &text);
	}
	pa_buffer_printf(&text, "/%s", protocol);
	add_to_list(items, text.data);
	pa_buffer_done(&text);
}

static size_t count_services(struct items *items, unsigned protocol)
{
	size_t count = 0;
	for (size_t i = 0; i < items->region->dport.count; i++)
		count += service_word(items, protocol, items->region->dport.items[i]) != NULL;
	return count;
}

/* The ports of one protocol: services by their names, alone where they are few; the rest in one list. */
static void add_ports(struct items *items, unsigned protocol)
{
	struct pa_ranges ports = items->region->dport;
	struct pa_interval *rest = pa_arena_alloc(items->arena, ports.count + 1, sizeof(*rest));
	size_t rest_count = 0, services = count_services(items, protocol);
	if (ports.count == 0) {
		add_to_list(items, pa_arena_printf(items->arena, "any/%s", protocol_word(items, protocol)));
		return;
	}
	for (size_t i = 0; i < ports.count; i++) {
		const char *name = services <= SERVICES_ALONE ? service_word(items, protocol, ports.items[i]) : NULL;
		if (name)
			add_alone(items, name);
		else
			rest[rest_count++] = ports.items[i];
	}
	if (rest_count)
		print_ports(items, rest, rest_count, protocol_word(items, protocol));
}

/* --- ICMP ------------------------------------------------------------------------------------------------------------- */
static bool is_essential(struct pa_ranges types)
{
	const struct pa_service_item *known;
	size_t count = pa_service_lookup("icmpv6-essential", &known);
	for (unsigned type = 0; type < 256; type++) {
		bool wanted = false;
		for (size_t i = 0; i < count; i++)
			wanted = wanted || (known[i].icmp_type.first <= type && type <= known[i].icmp_type.last);
		if (wanted != pa_ranges_hold(types, type))
			return false;
	}
	return true;
}

/* A code belongs to one type; a range of codes is more than the language can say, and all codes are written. */
static void add_type(struct items *items, unsigned protocol, struct pa_interval type)
{
	struct pa_ranges codes = items->region->icmp_code;
	const char *word = protocol_word(items, protocol);
	const char *name = type.first == type.last ? pa_icmp_type_name(protocol, (unsigned)type.first) : NULL;
	if (type.first == type.last && codes.count == 1 && codes.items[0].first == codes.items[0].last) {
		add_to_list(items, pa_arena_printf(items->arena, "%u:%u/%s", (unsigned)type.first,
						   (unsigned)codes.items[0].first, word));
		return;
	}
	if (name) {
		add_to_list(items, pa_arena_printf(items->arena, "%s/%s", name, word));
		return;
	}
	struct pa_buffer text = { 0 };
	pa_number_range_print(type, &text);
	add_to_list(items, pa_arena_printf(items->arena, "%s/%s", text.data, word));
	pa_buffer_done(&text);
}

static void add_icmp(struct items *items, unsigned protocol)
{
	struct pa_ranges types = items->region->icmp_type;
	if (types.count == 0)
		add_to_list(items, pa_arena_printf(items->arena, "any/%s", protocol_word(items, protocol)));
	else if (protocol == IPPROTO_ICMPV6 && items->region->icmp_code.count == 0 && is_essential(types))
		add_to_list(items, "icmpv6-essential");
	else
		for (size_t i = 0; i < types.count; i++)
			add_type(items, protocol, types.items[i]);
}

/* --- all of it ----------------------------------------------------------------------------------------------------------- */
static bool holds_zero(struct pa_ranges ports)
{
	return ports.count == 0 || ports.items[0].first == 0;
}

/* One protocol of the region; those without ports have port 0, as far as the box is concerned. */
static void add_protocol(struct items *items, unsigned protocol)
{
	const struct pa_region *region = items->region;
	if (has_ports(protocol))
		add_ports(items, protocol);
	else if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		add_icmp(items, protocol);
	else if (holds_zero(region->sport) && holds_zero(region->dport))
		add_to_list(items, pa_arena_printf(items->arena, "any/%s", protocol_word(items, protocol)));
}

size_t pa_policy_items(struct pa_arena *arena, const struct pa_region *region, const char **texts, size_t most)
{
	struct items items = { .arena = arena, .region = region, .texts = texts, .most = most };
	struct pa_ranges protocols = region->protocol;
	if (protocols.count == 0 && pa_region_is_wide(region))
		add_to_list(&items, "any");
	else if (protocols.count == 0 && region->dport.count && !holds_zero(region->dport) && !region->icmp_type.count)
		print_ports(&items, region->dport.items, region->dport.count, "any");
	else
		for (unsigned protocol = 0; protocol < 256; protocol++)
			if (pa_ranges_hold(protocols, protocol))
				add_protocol(&items, protocol);
	if (items.list.length)
		texts[items.count++] = pa_arena_strdup(arena, items.list.data);
	pa_buffer_done(&items.list);
	return items.count;
}
