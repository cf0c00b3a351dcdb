/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `fib saddr type` in IPv6: unicast where a route leads to a foreign source, anycast where it is the first address of a network that a
 * route leads to directly, and one of the types of a route that refuses where none does. Link-local sources are looked up on the
 * interface that the packet came in by: what is local on one link is another host's on the next (__nft_fib6_eval_type() in
 * net/ipv6/netfilter/nft_fib_ipv6.c; measured). In IPv4 only the table of local addresses is asked.
 */
#include "source_type.h"

#define ROUTES_MAX 2048
#define TYPE_REFUSED_FIRST 6 /* RTN_BLACKHOLE */
#define TYPE_REFUSED_LAST 9  /* RTN_THROW */

static const struct pa_interval unicast = { PA_TYPE_UNICAST, PA_TYPE_UNICAST }, local = { PA_TYPE_LOCAL, PA_TYPE_LOCAL },
				anycast = { PA_TYPE_ANYCAST, PA_TYPE_ANYCAST },
				refused = { TYPE_REFUSED_FIRST, TYPE_REFUSED_LAST },
				not_unicast = { PA_TYPE_ANYCAST, TYPE_REFUSED_LAST };
static const char no_route[] = "no route leads to the source", first_address[] = "the source is the first address of a network",
		  either_of_both[] = "no route leads to the source, or it is the first address of a network",
		  of_another_link[] = "the link-local source is not the host's on this link";

struct list {
	const struct pa_host *host;
	struct pa_source_region *items;
	size_t count;
};

static struct pa_source_region *add(struct list *list, struct pa_interval from, struct pa_interval usual)
{
	struct pa_source_region *region = &list->items[list->count++];
	*region = (struct pa_source_region){ .from = from, .usual = usual };
	return region;
}

static void add_question(struct list *list, struct pa_interval from, struct pa_interval usual, struct pa_interval other,
			 const char *otherwise)
{
	struct pa_source_region *region = add(list, from, usual);
	region->other = other;
	region->otherwise = otherwise;
}

static struct pa_interval link_network(void)
{
	return pa_prefix_interval((pa_u128)0xfe80 << 112, 6, 64);
}

static bool is_of_link(const struct pa_host_address *own)
{
	return own->family == 6 && !own->anycast && own->address >> 118 == 0xfe80 >> 6;
}

/* Where an own address of a link is local, and what it is elsewhere. */
static void add_own_of_links(struct list *list)
{
	const struct pa_host *host = list->host;
	for (size_t i = 0; i < host->address_count; i++) {
		const struct pa_host_address *own = &host->addresses[i];
		struct pa_interval from = { own->address, own->address };
		if (!is_of_link(own) || !own->interface)
			continue;
		struct pa_source_region *region = add(list, from, local);
		region->interface = own->interface;
		region->own = true;
	}
	for (size_t i = 0; i < host->address_count; i++) {
		const struct pa_host_address *own = &host->addresses[i];
		struct pa_interval from = { own->address, own->address };
		if (!is_of_link(own))
			continue;
		if (own->interface)
			add_question(list, from, unicast, refused, no_route);
		else
			add_question(list, from, local, unicast, of_another_link);
		list->items[list->count - 1].own = true;
	}
}

/* An interface that has an address of its link has a route to the others there. */
static void add_links(struct list *list)
{
	const struct pa_host *host = list->host;
	struct pa_interval network = link_network(), first = { network.first, network.first };
	for (size_t i = 0; i < host->address_count; i++) {
		const struct pa_host_address *own = &host->addresses[i];
		if (!is_of_link(own) || !own->interface)
			continue;
		add(list, first, anycast)->interface = own->interface;
		list->items[list->count - 1].own = true;
		add(list, network, unicast)->interface = own->interface;
	}
	add_question(list, first, unicast, not_unicast, either_of_both);
	list->items[list->count - 1].own = true;
	add_question(list, pa_prefix_interval((pa_u128)0xfe80 << 112, 6, 10), unicast, not_unicast, either_of_both);
}

static bool is_own_network(const struct pa_host *host, struct pa_interval network)
{
	for (size_t i = 0; i < host->address_count; i++) {
		const struct pa_host_address *own = &host->addresses[i];
		struct pa_interval around = pa_prefix_interval(own->address, 6, own->prefix_length);
		if (own->family == 6 && around.first == network.first && around.last == network.last)
			return true;
	}
	return false;
}

/* The first address of a network of more than two: whether a route leads there through a router is known of own networks only. */
static void add_first_address(struct list *list, const struct pa_host_route *route)
{
	struct pa_interval first = { route->to.first, route->to.first };
	if (!route->interface || route->to.last - route->to.first < 2)
		return;
	if (is_own_network(list->host, route->to))
		add(list, first, anycast);
	else
		add_question(list, first, unicast, anycast, first_address);
}

static void add_routes(struct list *list)
{
	const struct pa_host *host = list->host;
	struct pa_interval all = { 0, PA_U128_MAX };
	if (!host->routes_known || host->route_count > ROUTES_MAX) {
		add_question(list, all, unicast, not_unicast, either_of_both);
		return;
	}
	for (size_t i = 0; i < host->route_count; i++) {
		const struct pa_host_route *route = &host->routes[i];
		if (route->family != 6)
			continue;
		add_first_address(list, route);
		add(list, route->to, route->interface ? unicast : refused);
	}
	add(list, all, refused);
}

size_t pa_source_regions(const struct pa_host *host, const struct pa_source_questions *questions, struct pa_arena *arena,
			 const struct pa_source_region **ret_regions)
{
	struct list list = { .host = host };
	if (!host->addresses_known || !(questions->local || questions->foreign))
		return 0;
	list.items = pa_arena_alloc(arena, 4 * host->address_count + 2 * host->route_count + 8, sizeof(*list.items));
	add_own_of_links(&list);
	if (questions->foreign) {
		/* of :: the destination decides as well */
		add_question(&list, (struct pa_interval){ 0, 0 }, unicast, refused, no_route);
		add_links(&list);
		add_routes(&list);
	}
	*ret_regions = list.items;
	return list.count;
}

/* Is a type among the elements? */
static bool holds(const struct pa_elements *elements, unsigned at, pa_u128 type)
{
	for (size_t i = 0; i < elements->count; i++) {
		const struct pa_interval *key = &elements->keys[i * elements->parts + at];
		if (key->first <= type && key->last >= type)
			return true;
	}
	return false;
}

void pa_note_source_types(const struct pa_elements *elements, unsigned at, struct pa_source_questions *questions)
{
	bool held = holds(elements, at, PA_TYPE_UNICAST);
	questions->local = questions->local || holds(elements, at, PA_TYPE_LOCAL) != held;
	questions->foreign =
		questions->foreign || holds(elements, at, PA_TYPE_ANYCAST) != held || holds(elements, at, 0) != held;
	for (pa_u128 type = TYPE_REFUSED_FIRST; type <= TYPE_REFUSED_LAST; type++)
		questions->foreign = questions->foreign || holds(elements, at, type) != held;
}
