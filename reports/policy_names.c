/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names for what several statements of a written policy speak of: networks after the sets of the ruleset and the host's own
 * networks, zones after where an interface leads.
 */
#include <stdlib.h>
#include <string.h>

#include "policy_text.h"

/* Addresses in one line: a longer list is made of several. */
enum { ADDRESSES_IN_LINE = 500, SET_ELEMENTS_MAX = 200000 };

static bool is_network_taken(const struct pa_policy_names *names, const char *name)
{
	for (size_t i = 0; i < names->network_count; i++)
		if (strcmp(names->networks[i].name, name) == 0)
			return true;
	return false;
}

/* A name that the policy language takes, made of one that it may not. */
static const char *network_name(struct pa_policy_names *names, const char *wish)
{
	char *name = pa_arena_strdup(names->arena, wish);
	for (char *at = name; *at; at++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", *at))
			*at = '-';
	const char *tried = name;
	if (!pa_policy_is_name(tried))
		tried = pa_arena_printf(names->arena, "set-%s", name);
	for (unsigned number = 2; is_network_taken(names, tried); number++)
		tried = pa_arena_printf(names->arena, "%s-%u", name, number);
	return tried;
}

/* --- where a list comes from ------------------------------------------------------------------------------------------- */
static bool set_holds(struct pa_policy_names *names, const struct pa_set_decl *set, struct pa_ranges wanted, int family)
{
	const struct pa_elements *elements = &set->elements;
	if (set->is_map || elements->parts != 1 || elements->opaque || elements->count < wanted.count || elements->count == 0 ||
	    elements->count > SET_ELEMENTS_MAX || !set->type_text || !strstr(set->type_text, "addr"))
		return false;
	struct pa_arena *scratch = pa_arena_new();
	struct pa_ranges all = { .items = elements->keys, .count = elements->count };
	bool same = pa_ranges_compare(pa_ranges_clean(scratch, all, PA_FIELD_SADDR, family), wanted) == 0;
	pa_arena_free(scratch);
	(void)names;
	return same;
}

static const struct pa_set_decl *find_set(struct pa_policy_names *names, struct pa_ranges wanted, int family)
{
	for (size_t t = 0; names->ruleset && t < names->ruleset->table_count; t++) {
		const struct pa_table *table = names->ruleset->tables[t];
		for (size_t s = 0; s < table->set_count; s++)
			if (set_holds(names, table->sets[s], wanted, family))
				return table->sets[s];
	}
	return NULL;
}

/* The interface whose own network this is. */
static const char *network_of_interface(const struct pa_policy_names *names, struct pa_ranges wanted, int family)
{
	for (size_t i = 0; names->host && wanted.count == 1 && i < names->host->address_count; i++) {
		const struct pa_host_address *address = &names->host->addresses[i];
		if (!address->interface || address->family != family || address->prefix_length == 0)
			continue;
		struct pa_interval own = pa_prefix_interval(address->address, family, address->prefix_length);
		if (own.first == wanted.items[0].first && own.last == wanted.items[0].last && own.first != own.last)
			return address->interface;
	}
	return NULL;
}

static const struct pa_named_list *find_network(const struct pa_policy_names *names, struct pa_ranges ranges, int family)
{
	for (size_t i = 0; i < names->network_count; i++)
		if (names->networks[i].family == family && pa_ranges_compare(names->networks[i].ranges, ranges) == 0)
			return &names->networks[i];
	return NULL;
}

static const char *add_network(struct pa_policy_names *names, const char *wish, const char *comment, struct pa_ranges ranges,
			       int family)
{
	struct pa_named_list list = {
		.name = network_name(names, wish), .comment = comment, .family = family, .ranges = ranges
	};
	pa_grow(&names->networks, &names->network_capacity, names->network_count + 1, sizeof(*names->networks));
	names->networks[names->network_count++] = list;
	return list.name;
}

/* The name of a list of addresses; NULL: it is short, and nothing that is known has it. */
static const char *name_of(struct pa_policy_names *names, struct pa_ranges ranges, int family)
{
	const struct pa_named_list *known = find_network(names, ranges, family);
	if (known)
		return known->name;
	const struct pa_set_decl *set = find_set(names, ranges, family);
	if (set)
		return add_network(names, set->name,
				   pa_arena_printf(names->arena, "the set %s of %s %s", set->name,
						   pa_family_name(set->table->family), set->table->name),
				   ranges, family);
	const char *interface = network_of_interface(names, ranges, family);
	if (interface)
		return add_network(names, pa_arena_printf(names->arena, "net-%s", interface),
				   pa_arena_printf(names->arena, "the network on %s", interface), ranges, family);
	if (ranges.count < 3)
		return NULL;
	return add_network(names, pa_arena_printf(names->arena, "addresses-%zu", names->network_count + 1), NULL, ranges,
			   family);
}

/* --- addresses -------------------------------------------------------------------------------------------------------------- */
static void print_range(struct pa_interval range, int family, struct pa_buffer *out)
{
	char text[PA_ADDRESS_RANGE_TEXT_MAX];
	pa_address_range_format(range, family, text);
	pa_buffer_puts(out, text);
}

static void print_list(struct pa_policy_names *names, struct pa_ranges ranges, int family, struct pa_buffer *out)
{
	const char *name = name_of(names, ranges, family);
	if (name) {
		pa_buffer_puts(out, name);
		return;
	}
	for (size_t i = 0; i < ranges.count; i++) {
		pa_buffer_puts(out, i ? ", " : "");
		print_range(ranges.items[i], family, out);
	}
}

bool pa_policy_told_by_gaps(struct pa_policy_names *names, struct pa_ranges ranges, int family)
{
	return ranges.count > 0 && pa_ranges_gaps(names->arena, ranges, PA_FIELD_SADDR, family).count < ranges.count;
}

void pa_policy_addresses(struct pa_policy_names *names, struct pa_ranges ranges, int family, struct pa_buffer *out)
{
	if (!pa_policy_told_by_gaps(names, ranges, family)) {
		print_list(names, ranges, family, out);
		return;
	}
	pa_buffer_puts(out, "any except ");
	print_list(names, pa_ranges_gaps(names->arena, ranges, PA_FIELD_SADDR, family), family, out);
}

/* --- interfaces -------------------------------------------------------------------------------------------------------------- */
/* The policy reads `?` and an inner `*` as patterns, and a word ends at its own marks. */
static bool is_plain(const char *text)
{
	size_t length = strlen(text);
	if (length && text[length - 1] == '*')
		length--;
	return length > 0 && strcspn(text, ",{};=#\"?*\\ \t") == length && strcmp(text, "any") != 0;
}

static bool leads_to_the_internet(const struct pa_host *host, const char *interface)
{
	for (size_t i = 0; host && host->routes_known && i < host->route_count; i++) {
		const struct pa_host_route *route = &host->routes[i];
		struct pa_interval all = pa_prefix_interval(route->family == 6 ? 0 : PA_IPV4_BASE, route->family, 0);
		if (route->to.first == all.first && route->to.last == all.last && pa_text_equal(route->interface, interface))
			return true;
	}
	return false;
}

static bool is_interface(const struct pa_host *host, const char *name)
{
	for (size_t i = 0; host && i < host->interface_count; i++)
		if (strcmp(host->interfaces[i], name) == 0)
			return true;
	return false;
}

static const char *add_zone(struct pa_policy_names *names, const char *wish, const char *text)
{
	for (size_t i = 0; i < names->zone_count; i++)
		if (strcmp(names->zones[i].text, text) == 0)
			return names->zones[i].name;
	const char *name = wish;
	for (unsigned number = 2; is_interface(names->host, name); number++)
		name = pa_arena_printf(names->arena, "%s-%u", wish, number);
	for (size_t i = 0; i < names->zone_count; i++)
		if (strcmp(names->zones[i].name, name) == 0)
			return NULL;
	pa_grow(&names->zones, &names->zone_capacity, names->zone_count + 1, sizeof(*names->zones));
	names->zones[names->zone_count++] = (struct pa_named_list){ .name = name, .text = pa_arena_strdup(names->arena, text) };
	return name;
}

bool pa_policy_interfaces(struct pa_policy_names *names, struct pa_ranges ranges, struct pa_buffer *out)
{
	struct pa_name_list list = pa_name_list_make(names->arena, ranges);
	struct pa_buffer text = { 0 };
	bool exact = ranges.count > 0 && !list.any && !list.none;
	for (size_t i = 0; exact && i < list.count; i++) {
		exact = !list.entries[i].except && is_plain(list.entries[i].text);
		pa_buffer_printf(&text, "%s%s", i ? ", " : "", list.entries[i].text);
	}
	exact = exact && list.count > 0;
	if (exact) {
		const char *zone = NULL;
		if (list.count == 1 && leads_to_the_internet(names->host, text.data))
			zone = add_zone(names, "internet", text.data);
		else if (list.count > 1)
			zone = add_zone(names, pa_arena_printf(names->arena, "zone-%zu", names->zone_count + 1), text.data);
		pa_buffer_puts(out, zone ? zone : text.data);
	}
	pa_buffer_done(&text);
	return exact || (ranges.count == 0) || (list.any && list.count == 0);
}

/* --- the lines ----------------------------------------------------------------------------------------------------------------- */
static void print_part(const struct pa_named_list *list, size_t from, size_t to, struct pa_buffer *out)
{
	for (size_t i = from; i < to; i++) {
		pa_buffer_puts(out, i > from ? ", " : "");
		print_range(list->ranges.items[i], list->family, out);
	}
	pa_buffer_putc(out, '\n');
}

static void print_network(const struct pa_named_list *list, struct pa_buffer *out)
{
	size_t count = list->ranges.count, parts = (count + ADDRESSES_IN_LINE - 1) / ADDRESSES_IN_LINE;
	if (list->comment) {
		pa_buffer_puts(out, "# ");
		pa_text_escape(list->comment, out);
		pa_buffer_putc(out, '\n');
	}
	for (size_t part = 0; parts > 1 && part < parts; part++) {
		size_t end = (part + 1) * ADDRESSES_IN_LINE;
		pa_buffer_printf(out, "network %s.part%zu = ", list->name, part + 1);
		print_part(list, part * ADDRESSES_IN_LINE, end < count ? end : count, out);
	}
	pa_buffer_printf(out, "network %s = ", list->name);
	if (parts <= 1) {
		print_part(list, 0, count, out);
		return;
	}
	for (size_t part = 0; part < parts; part++)
		pa_buffer_printf(out, "%s%s.part%zu", part ? ", " : "", list->name, part + 1);
	pa_buffer_putc(out, '\n');
}

void pa_policy_definitions(const struct pa_policy_names *names, struct pa_buffer *out)
{
	for (size_t i = 0; i < names->zone_count; i++)
		pa_buffer_printf(out, "zone %s = %s\n", names->zones[i].name, names->zones[i].text);
	if (names->zone_count)
		pa_buffer_putc(out, '\n');
	for (size_t i = 0; i < names->network_count; i++)
		print_network(&names->networks[i], out);
	if (names->network_count)
		pa_buffer_putc(out, '\n');
}

void pa_policy_names_done(struct pa_policy_names *names)
{
	free(names->networks);
	free(names->zones);
}
