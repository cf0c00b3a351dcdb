/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, interfaces, routes and settings of a snapshot. */
#include "document.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* { "complete": ..., "list": [...] }, with one function for each item. */
static void read_list(struct pa_document *document, bool *ret_complete,
		      void (*take)(struct pa_document *document, const struct pa_json_node *item, void *context), void *context)
{
	size_t start = pa_json_offset(&document->reader), length;
	bool has_complete = false, has_list = false;
	const char *key;
	if (!pa_document_enter(document, PA_JSON_OBJECT))
		return;
	while (!pa_document_failed(document) && pa_json_next_key(&document->reader, &key, &length)) {
		if (length == 8 && memcmp(key, "complete", 8) == 0) {
			enum pa_json_kind kind = pa_json_peek(&document->reader);
			if (kind != PA_JSON_TRUE && kind != PA_JSON_FALSE)
				pa_document_wrong(document, pa_json_offset(&document->reader),
						  "true or false should stand here");
			*ret_complete = kind == PA_JSON_TRUE;
			has_complete = true;
			pa_json_skip(&document->reader);
		} else if (length == 4 && memcmp(key, "list", 4) == 0 && !has_list) {
			has_list = pa_document_enter(document, PA_JSON_ARRAY);
			while (has_list && pa_document_next_item(document)) {
				const struct pa_json_node *item = pa_document_read(document, PA_JSON_OBJECT);
				if (item)
					take(document, item, context);
			}
		} else {
			pa_json_skip(&document->reader);
		}
	}
	if (!pa_document_failed(document) && !(has_complete && has_list))
		pa_document_wrong(document, start, "\"%s\" is missing here", has_complete ? "list" : "complete");
}

/* --- addresses -------------------------------------------------------------------------------------------------------- */

struct addresses {
	struct pa_host_address *items;
	size_t count, capacity;
};

static void take_address(struct pa_document *document, const struct pa_json_node *item, void *context)
{
	struct addresses *addresses = context;
	struct pa_host_address own = { .family = pa_document_family(document, item, "family") };
	const char *type = pa_document_text(document, item, "type");
	bool known = pa_document_address(document, item, "address", own.family, &own.address);
	own.prefix_length = (unsigned)pa_document_number(document, item, "prefix_length", own.family == 4 ? 32 : 128);
	own.interface = pa_document_text(document, item, "interface");
	own.broadcast = pa_text_equal(type, "broadcast");
	own.anycast = pa_text_equal(type, "anycast");
	if (!document->failed && (!known || !(own.broadcast || own.anycast || pa_text_equal(type, "local"))))
		pa_document_wrong(document, pa_document_place(document, item),
				  "an address of type local, broadcast or anycast should stand here");
	pa_grow(&addresses->items, &addresses->capacity, addresses->count + 1, sizeof(own));
	addresses->items[addresses->count++] = own;
}

void pa_document_read_addresses(struct pa_document *document)
{
	struct pa_host *host = document->snapshot->host;
	struct addresses addresses = { 0 };
	read_list(document, &host->addresses_known, take_address, &addresses);
	host->addresses = pa_arena_dup(host->arena, addresses.items, addresses.count, sizeof(*addresses.items));
	host->address_count = addresses.count;
	free(addresses.items);
}

/* --- interfaces ------------------------------------------------------------------------------------------------------- */

void pa_document_read_interfaces(struct pa_document *document)
{
	struct pa_host *host = document->snapshot->host;
	const char **names = NULL;
	size_t count = 0, capacity = 0;
	if (pa_json_peek(&document->reader) == PA_JSON_NULL && !pa_document_failed(document)) {
		pa_json_skip(&document->reader);
		return;
	}
	if (!pa_document_enter(document, PA_JSON_ARRAY))
		return;
	while (pa_document_next_item(document)) {
		const char *name = pa_document_string(document, pa_document_read(document, PA_JSON_STRING));
		if (!name)
			break;
		if (strlen(name) >= PA_IFNAME_MAX)
			pa_document_wrong(document, document->item_offset, "no name of an interface is as long as that");
		pa_grow(&names, &capacity, count + 1, sizeof(*names));
		names[count++] = name;
	}
	host->interfaces = pa_arena_dup(host->arena, names, count, sizeof(*names));
	host->interface_count = count;
	host->interfaces_known = true;
	free(names);
}

/* --- links ------------------------------------------------------------------------------------------------------------ */

/* NULL-terminated; null: NULL. */
static const char *const *take_lower(struct pa_document *document, const struct pa_json_node *item)
{
	struct pa_arena *arena = document->snapshot->host->arena;
	const struct pa_json_node *list = pa_document_member(document, item, "lower");
	if (!list || list->kind == PA_JSON_NULL)
		return NULL;
	if (list->kind != PA_JSON_ARRAY) {
		pa_document_wrong(document, pa_document_place(document, list), "a list of names should stand here");
		return NULL;
	}
	const char **names = pa_arena_alloc(arena, list->length + 1, sizeof(*names));
	const struct pa_json_node *name = list + 1;
	for (uint32_t i = 0; i < list->length && !document->failed; i++, name = pa_json_after(&document->tape, name))
		names[i] = pa_document_string(document, name);
	return names;
}

/* Snapshots of versions that did not look have none. */
static bool take_property(struct pa_document *document, const struct pa_json_node *item, const char *key, uint32_t most,
			  uint32_t *ret_value)
{
	uint64_t number = 0;
	bool known = !document->failed && pa_json_member(&document->tape, item, key) &&
		     pa_document_known_number(document, item, key, most, &number);
	*ret_value = (uint32_t)number;
	return known;
}

/* What rules ask of an interface. */
static void take_properties(struct pa_document *document, const struct pa_json_node *item, struct pa_host_link *link)
{
	link->type_known = take_property(document, item, "type", UINT16_MAX, &link->type);
	link->group_known = take_property(document, item, "group", UINT32_MAX, &link->group);
	if (!document->failed && pa_json_member(&document->tape, item, "kind"))
		link->kind = pa_document_text(document, item, "kind");
}

void pa_document_read_links(struct pa_document *document)
{
	struct pa_host *host = document->snapshot->host;
	struct pa_host_link *links = NULL;
	size_t count = 0, capacity = 0;
	if (pa_json_peek(&document->reader) == PA_JSON_NULL && !pa_document_failed(document)) {
		pa_json_skip(&document->reader);
		return;
	}
	if (!pa_document_enter(document, PA_JSON_ARRAY))
		return;
	while (pa_document_next_item(document)) {
		const struct pa_json_node *item = pa_document_read(document, PA_JSON_OBJECT);
		if (!item)
			break;
		struct pa_host_link link = { .name = pa_document_text(document, item, "name"),
					     .flat = pa_document_bool(document, item, "flat"),
					     .always = pa_document_bool(document, item, "always"),
					     .bridge = pa_document_bool(document, item, "bridge"),
					     .port = pa_document_bool(document, item, "port") };
		link.lower = take_lower(document, item);
		take_properties(document, item, &link);
		if (!document->failed && !link.name)
			pa_document_wrong(document, pa_document_place(document, item),
					  "an interface with a name should stand here");
		pa_grow(&links, &capacity, count + 1, sizeof(*links));
		links[count++] = link;
	}
	host->links = pa_arena_dup(host->arena, links, count, sizeof(*links));
	host->link_count = count;
	host->links_known = true;
	free(links);
}

/* --- routes ----------------------------------------------------------------------------------------------------------- */

struct routes {
	struct pa_host_route *items;
	size_t count, capacity;
};

static void take_route(struct pa_document *document, const struct pa_json_node *item, void *context)
{
	struct routes *routes = context;
	struct pa_host_route route = { .family = pa_document_family(document, item, "family") };
	bool known = pa_document_address(document, item, "first", route.family, &route.to.first);
	known = pa_document_address(document, item, "last", route.family, &route.to.last) && known;
	route.interface = pa_document_text(document, item, "interface");
	route.multipath = pa_document_bool(document, item, "multipath");
	if (!document->failed && (!known || route.to.first > route.to.last))
		pa_document_wrong(document, pa_document_place(document, item),
				  "a first and a last address should stand here, in their order");
	pa_grow(&routes->items, &routes->capacity, routes->count + 1, sizeof(route));
	routes->items[routes->count++] = route;
}

void pa_document_read_routes(struct pa_document *document)
{
	struct pa_host *host = document->snapshot->host;
	struct routes routes = { 0 };
	read_list(document, &host->routes_known, take_route, &routes);
	host->routes = pa_arena_dup(host->arena, routes.items, routes.count, sizeof(*routes.items));
	host->route_count = routes.count;
	free(routes.items);
}

/* --- settings --------------------------------------------------------------------------------------------------------- */

static void take_reserved_ports(struct pa_document *document, const struct pa_json_node *settings)
{
	struct pa_host *host = document->snapshot->host;
	const struct pa_json_node *list = pa_document_member(document, settings, "ip_local_reserved_ports");
	if (!list || list->kind == PA_JSON_NULL)
		return;
	if (list->kind != PA_JSON_ARRAY) {
		pa_document_wrong(document, pa_document_place(document, list), "a list of pairs of ports should stand here");
		return;
	}
	host->reserved_ports = pa_arena_alloc(host->arena, list->length + 1, sizeof(*host->reserved_ports));
	const struct pa_json_node *pair = list + 1;
	for (uint32_t i = 0; i < list->length; i++, pair = pa_json_after(&document->tape, pair)) {
		bool good = pair->kind == PA_JSON_ARRAY && pair->length == 2 && pair[1].kind == PA_JSON_INTEGER &&
			    pair[2].kind == PA_JSON_INTEGER && !pair[1].negative && pair[1].number <= pair[2].number &&
			    pair[2].number <= 65535;
		if (!good) {
			pa_document_wrong(document, pa_document_place(document, pair),
					  "two ports in their order should stand here");
			return;
		}
		host->reserved_ports[host->reserved_port_count++] = (struct pa_interval){ pair[1].number, pair[2].number };
	}
	host->reserved_ports_known = true;
}

/* null, or not there (snapshots of older versions): not known. */
static void take_source_checks(struct pa_document *document, const struct pa_json_node *settings)
{
	struct pa_host *host = document->snapshot->host;
	const struct pa_json_node *list = document->failed ? NULL : pa_json_member(&document->tape, settings, "source_checks");
	if (!list || list->kind == PA_JSON_NULL)
		return;
	if (list->kind != PA_JSON_ARRAY) {
		pa_document_wrong(document, pa_document_place(document, list), "a list of interfaces should stand here");
		return;
	}
	host->source_checks = pa_arena_alloc(host->arena, list->length + 1, sizeof(*host->source_checks));
	const struct pa_json_node *item = list + 1;
	for (uint32_t i = 0; i < list->length && !document->failed; i++, item = pa_json_after(&document->tape, item)) {
		if (item->kind != PA_JSON_OBJECT) {
			pa_document_wrong(document, pa_document_place(document, item), "an interface should stand here");
			return;
		}
		struct pa_source_check check = { .interface = pa_document_text(document, item, "interface") };
		check.rp_filter = (unsigned)pa_document_number(document, item, "rp_filter", INT_MAX);
		check.accept_local = pa_document_bool(document, item, "accept_local");
		if (!document->failed && (!check.interface || strlen(check.interface) >= PA_IFNAME_MAX))
			pa_document_wrong(document, pa_document_place(document, item),
					  "an interface with a name should stand here");
		host->source_checks[host->source_check_count++] = check;
	}
	host->source_checks_known = !document->failed;
}

/* null: nobody looked; false. */
static bool take_sentences(struct pa_document *document, const struct pa_json_node *settings, const char *key,
			   const char ***ret_sentences, size_t *ret_count)
{
	const struct pa_json_node *list = pa_document_member(document, settings, key);
	if (!list || list->kind == PA_JSON_NULL)
		return false;
	if (list->kind != PA_JSON_ARRAY) {
		pa_document_wrong(document, pa_document_place(document, list), "a list of sentences should stand here");
		return false;
	}
	*ret_sentences = pa_arena_alloc(document->snapshot->host->arena, list->length + 1, sizeof(**ret_sentences));
	const struct pa_json_node *item = list + 1;
	for (uint32_t i = 0; i < list->length; i++, item = pa_json_after(&document->tape, item)) {
		const char *sentence = pa_document_string(document, item);
		if (!sentence)
			return false;
		(*ret_sentences)[(*ret_count)++] = sentence;
	}
	return true;
}

static void take_surroundings(struct pa_document *document, const struct pa_json_node *settings)
{
	struct pa_host *host = document->snapshot->host;
	bool beside = take_sentences(document, settings, "beside", &host->beside, &host->beside_count);
	bool namespaces = take_sentences(document, settings, "namespaces", &host->namespaces, &host->namespace_count);
	bool unseen = take_sentences(document, settings, "unseen", &host->unseen, &host->unseen_count);
	host->surroundings_known = beside && namespaces && unseen;
	host->loads_at_boot = pa_document_tristate(document, settings, "loads_at_boot");
	/* Snapshots of older versions have none. */
	if (!document->failed && pa_json_member(&document->tape, settings, "boot_loaders"))
		take_sentences(document, settings, "boot_loaders", &host->boot_loaders, &host->boot_loader_count);
	host->files_known = take_sentences(document, settings, "loose_files", &host->loose_files, &host->loose_file_count);
}

void pa_document_read_settings(struct pa_document *document)
{
	struct pa_host *host = document->snapshot->host;
	const struct pa_json_node *settings = pa_document_read(document, PA_JSON_OBJECT);
	struct pa_interval range;
	uint64_t start;
	if (!settings)
		return;
	host->forward_ipv4 = pa_document_tristate(document, settings, "forward_ipv4");
	host->forward_ipv6 = pa_document_tristate(document, settings, "forward_ipv6");
	host->route_localnet = pa_document_tristate(document, settings, "route_localnet");
	take_source_checks(document, settings);
	if (pa_document_range(document, settings, "ip_local_port_range", 65535, &range)) {
		host->ephemeral_first = (unsigned)range.first;
		host->ephemeral_last = (unsigned)range.last;
	}
	take_reserved_ports(document, settings);
	host->zone_known = pa_document_known_number(document, settings, "zone", 2 * PA_SNAPSHOT_ZONE_ZERO, &start);
	host->minutes_west = host->zone_known ? PA_SNAPSHOT_ZONE_ZERO - (int)start : 0;
	if (pa_document_known_number(document, settings, "ip_unprivileged_port_start", 65536, &start))
		host->unprivileged_port_start = (int)start;
	take_surroundings(document, settings);
}
