/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The reverse path: nft_fib4_eval() and nft_fib6_eval() (net/ipv4/netfilter/nft_fib_ipv4.c, net/ipv6/netfilter/nft_fib_ipv6.c),
 * rpfilter_mt() (ipt_rpfilter.c, ip6t_rpfilter.c). Where they look at more than the source's route, or choose among several, the
 * answer is not known.
 */
#include "reverse.h"

#include <string.h>

#define ROUTES_MAX 2048

struct list {
	const struct pa_host *host;
	struct pa_arena *arena;
	struct pa_reverse_region *items;
	size_t count;
	bool of_xtables;
};

static struct pa_reverse_region *add(struct list *list, int family, struct pa_interval from)
{
	struct pa_reverse_region *region = &list->items[list->count++];
	*region = (struct pa_reverse_region){ .family = family, .from = from };
	return region;
}

/*
 * Sources that these functions treat each in its own way. What is of no address that the kernel takes from a wire (::1, multicast in
 * IPv6) is answered as it is asked: no.
 */
static void add_special(struct list *list)
{
	add(list, 4, pa_prefix_interval(PA_IPV4_BASE, 4, 8))->unknown = true; /* DHCP: the destination decides as well */
	add(list, 4, pa_prefix_interval(PA_IPV4_BASE | 0x7f000000, 4, 8));
	if (list->of_xtables)
		add(list, 6, (struct pa_interval){ 0, 0 })->any = true;
	add(list, 6, (struct pa_interval){ 1, 1 });
	add(list, 6, pa_prefix_interval((pa_u128)0xff << 120, 6, 8));
}

static bool is_link_local(int family, pa_u128 address)
{
	return family == 6 && address >> 118 == 0xfe80 >> 6;
}

/*
 * Link-local sources are looked up on the interface that the packet came in by: any route of it to them will do, but not to an address
 * of its own (`except`, or NULL).
 */
static void add_link_local(struct list *list, struct pa_interval from, const char *except)
{
	const struct pa_host *host = list->host;
	struct pa_reverse_region *region = add(list, 6, from);
	region->interfaces = pa_arena_alloc(list->arena, host->route_count + 1, sizeof(const char *));
	for (size_t i = 0; i < host->route_count; i++) {
		const struct pa_host_route *route = &host->routes[i];
		bool covers = route->to.first <= from.first && route->to.last >= from.last;
		if (route->family != 6 || route->to.first > from.last || route->to.last < from.first)
			continue;
		if (!covers || !route->interface) /* it holds for a part, or refuses */
			region->unknown = true;
		else if (!pa_text_equal(route->interface, except))
			region->interfaces[region->count++] = route->interface;
	}
}

static bool is_own(const struct pa_host *host, const struct pa_host_address *own)
{
	size_t others = 0;
	for (size_t i = 0; i < host->address_count; i++)
		others += host->addresses[i].family == 6 && host->addresses[i].address == own->address;
	return others == 1;
}

/*
 * An own address is of type local or anycast, and no way back; one of a link is so on its own link only. A broadcast address is no way
 * back for iptables, and may be one for nft.
 */
static void add_own(struct list *list)
{
	for (size_t i = 0; i < list->host->address_count; i++) {
		const struct pa_host_address *own = &list->host->addresses[i];
		struct pa_interval from = { own->address, own->address };
		if (!is_link_local(own->family, own->address))
			add(list, own->family, from)->unknown = own->broadcast && !list->of_xtables;
		else if (is_own(list->host, own) && own->interface)
			add_link_local(list, from, own->interface);
		else /* the same on several links */
			add(list, 6, from)->unknown = true;
	}
}

/* The network that links have; what they have beyond it is hardly ever anything but the default route. */
static void add_links(struct list *list)
{
	struct pa_interval network = pa_prefix_interval((pa_u128)0xfe80 << 112, 6, 64);
	struct pa_interval rest = pa_prefix_interval((pa_u128)0xfe80 << 112, 6, 10);
	add_link_local(list, network, NULL);
	rest.first = network.last + 1;
	add_link_local(list, rest, NULL);
}

static bool is_same_destination(const struct pa_host_route *a, const struct pa_host_route *b)
{
	return a->family == b->family && a->to.first == b->to.first && a->to.last == b->to.last;
}

/* Of several ways to one destination the kernel may take any: not known. */
static void add_routes(struct list *list, bool loose)
{
	const struct pa_host_route *routes = list->host->routes;
	size_t count = list->host->route_count;
	for (size_t i = 0, next; i < count; i = next) {
		struct pa_reverse_region *region = add(list, routes[i].family, routes[i].to);
		for (next = i + 1; next < count && is_same_destination(&routes[i], &routes[next]); next++)
			region->unknown = true;
		region->unknown = region->unknown || routes[i].multipath;
		if (region->unknown || !routes[i].interface)
			continue;
		region->any = loose;
		region->interfaces = pa_arena_dup(list->arena, &routes[i].interface, 1, sizeof(const char *));
		region->count = 1;
	}
}

bool pa_reverse_is_routed(const struct pa_rule *rule, enum pa_reverse kind)
{
	bool elsewhere = rule->chain->is_base && rule->chain->hook != PA_HOOK_INPUT;
	return elsewhere || kind == PA_REVERSE_XT_STRICT || kind == PA_REVERSE_XT_LOOSE;
}

size_t pa_reverse_regions(const struct pa_host *host, enum pa_reverse kind, struct pa_arena *arena,
			  const struct pa_reverse_region **ret_regions)
{
	struct list list = { .host = host, .arena = arena };
	list.of_xtables = kind == PA_REVERSE_XT_STRICT || kind == PA_REVERSE_XT_LOOSE;
	if (!host->routes_known || !host->addresses_known || host->route_count > ROUTES_MAX)
		return 0;
	list.items = pa_arena_alloc(arena, host->route_count + host->address_count + 16, sizeof(*list.items));
	add_special(&list);
	add_own(&list);
	add_links(&list);
	add_routes(&list, kind == PA_REVERSE_LOOSE || kind == PA_REVERSE_XT_LOOSE);
	*ret_regions = list.items;
	return list.count;
}
