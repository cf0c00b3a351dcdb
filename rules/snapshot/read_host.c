/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, interfaces, routes and settings of a snapshot. */
#include "document.h"

#include <limits.h>
#include <string.h>

/* --- addresses -------------------------------------------------------------------------------------------------------- */

static void take_address(struct pa_document *document, const struct pa_json_node *item, void *context)
{
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
	pa_document_add(context, &own);
}

void pa_document_read_addresses(struct pa_document *document)
{
	struct pa_host *host = document->snapshot->host;
	struct pa_document_array addresses = { .size = sizeof(*host->addresses) };
	pa_document_read_list(document, &host->addresses_known, take_address, &addresses);
	host->addresses = pa_document_finish(&addresses, host->arena, &host->address_count);
}

/* --- interfaces ------------------------------------------------------------------------------------------------------- */

static void take_interface(struct pa_document *document, const struct pa_json_node *item, void *context)
{
	const char *name = pa_document_string(document, item);
	if (name && strlen(name) >= PA_IFNAME_MAX)
		pa_document_wrong(document, document->item_offset, "no name of an interface is as long as that");
	pa_document_add(context, &name);
}

void pa_document_read_interfaces(struct pa_document *document)
{
	struct pa_host *host = document->snapshot->host;
	struct pa_document_array names = { .size = sizeof(*host->interfaces) };
	if (pa_document_take_null(document))
		return;
	pa_document_read_items(document, PA_JSON_STRING, take_interface, &names);
	host->interfaces = pa_document_finish(&names, host->arena, &host->interface_count);
	host->interfaces_known = true;
}

/* --- links ------------------------------------------------------------------------------------------------------------ */

/* NULL-terminated; null: NULL. */
static const char *const *take_lower(struct pa_document *document, const struct pa_json_node *item)
{
	struct pa_arena *arena = document->snapshot->host->arena;
	const struct pa_json_node *list = pa_document_list(document, pa_document_member(document, item, "lower"), "names");
	if (!list)
		return NULL;
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

static void take_link(struct pa_document *document, const struct pa_json_node *item, void *context)
{
	struct pa_host_link link = { .name = pa_document_text(document, item, "name"),
				     .flat = pa_document_bool(document, item, "flat"),
				     .always = pa_document_bool(document, item, "always"),
				     .bridge = pa_document_bool(document, item, "bridge"),
				     .port = pa_document_bool(document, item, "port") };
	link.lower = take_lower(document, item);
	take_properties(document, item, &link);
	if (!document->failed && !link.name)
		pa_document_wrong(document, pa_document_place(document, item), "an interface with a name should stand here");
	pa_document_add(context, &link);
}

void pa_document_read_links(struct pa_document *document)
{
	struct pa_host *host = document->snapshot->host;
	struct pa_document_array links = { .size = sizeof(*host->links) };
	if (pa_document_take_null(document))
		return;
	pa_document_read_items(document, PA_JSON_OBJECT, take_link, &links);
	host->links = pa_document_finish(&links, host->arena, &host->link_count);
	host->links_known = true;
}

/* --- routes ----------------------------------------------------------------------------------------------------------- */

static void take_route(struct pa_document *document, const struct pa_json_node *item, void *context)
{
	struct pa_host_route route = { .family = pa_document_family(document, item, "family") };
	bool known = pa_document_address(document, item, "first", route.family, &route.to.first);
	known = pa_document_address(document, item, "last", route.family, &route.to.last) && known;
	route.interface = pa_document_text(document, item, "interface");
	route.multipath = pa_document_bool(document, item, "multipath");
	if (!document->failed && (!known || route.to.first > route.to.last))
		pa_document_wrong(document, pa_document_place(document, item),
				  "a first and a last address should stand here, in their order");
	pa_document_add(context, &route);
}

void pa_document_read_routes(struct pa_document *document)
{
	struct pa_host *host = document->snapshot->host;
	struct pa_document_array routes = { .size = sizeof(*host->routes) };
	pa_document_read_list(document, &host->routes_known, take_route, &routes);
	host->routes = pa_document_finish(&routes, host->arena, &host->route_count);
}

/* --- settings --------------------------------------------------------------------------------------------------------- */

static void take_reserved_ports(struct pa_document *document, const struct pa_json_node *settings)
{
	struct pa_host *host = document->snapshot->host;
	const struct pa_json_node *list = pa_document_member(document, settings, "ip_local_reserved_ports");
	list = pa_document_list(document, list, "pairs of ports");
	if (!list)
		return;
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
	list = pa_document_list(document, list, "interfaces");
	if (!list)
		return;
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
	const struct pa_json_node *list = pa_document_list(document, pa_document_member(document, settings, key), "sentences");
	if (!list)
		return false;
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
