/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which way the host's routes lead: nft_fib4_eval() and nft_fib6_eval() (net/ipv4/netfilter/nft_fib_ipv4.c,
 * net/ipv6/netfilter/nft_fib_ipv6.c), rpfilter_mt() (ipt_rpfilter.c, ip6t_rpfilter.c). Where they look at more than the address, or
 * choose among several routes, the answer is not known. The mark chooses a table by rules of its own (`ip rule`) only, and where
 * there are such the routes are not known.
 */
#include "fib.h"

#include <string.h>

#define ROUTES_MAX 2048
#define ICMPV6 58
/* The lowest value that is an interface's name (pa_ifname_value()). */
#define FIRST_NAME ((pa_u128)1 << 120)

static const struct pa_fib_answer incoming = { .kind = PA_FIB_INCOMING }, some = { .kind = PA_FIB_SOME },
				  anything = { .kind = PA_FIB_ANYTHING };

struct list {
	const struct pa_host *host;
	struct pa_arena *arena;
	struct pa_fib_region *items;
	size_t count;
	bool of_xtables;
	bool of_destination;
	bool by_incoming; /* asks for the interface that the packet came in by and no other one */
};

/* Nothing is found, as long as the caller says nothing else. */
static struct pa_fib_region *add(struct list *list, int family, struct pa_interval address)
{
	struct pa_fib_region *region = &list->items[list->count++];
	*region = (struct pa_fib_region){ .family = family, .address = address, .other = { 0, PA_U128_MAX } };
	return region;
}

static struct pa_interval unspecified(int family)
{
	return family == 4 ? (struct pa_interval){ PA_IPV4_BASE, PA_IPV4_BASE } : (struct pa_interval){ 0, 0 };
}

static void add_pair(struct list *list, struct pa_interval source, struct pa_interval destination, unsigned protocol)
{
	bool of_destination = list->of_destination;
	int family = pa_value_is_ipv4(source.first) ? 4 : 6;
	struct pa_fib_region *region = add(list, family, of_destination ? destination : source);
	region->other = of_destination ? source : destination;
	region->protocol = protocol;
	region->prerouting = protocol != 0;
	region->answer = incoming;
}

/*
 * Where source and destination decide together, the way is where the packet came from: from 0.0.0.0 to everyone (DHCP), and of
 * ICMPv6 from :: to an address or a group of a link (nft_fib_v6_skip_icmpv6(), which older kernels ask in prerouting only).
 */
static void add_pairs(struct list *list)
{
	add_pair(list, unspecified(4), (struct pa_interval){ PA_IPV4_LAST, PA_IPV4_LAST }, 0);
	add_pair(list, unspecified(4), pa_prefix_interval(PA_IPV4_BASE | 0xe0000000, 4, 24), 0);
	if (list->of_xtables) {
		add(list, 6, unspecified(6))->answer = incoming;
		return;
	}
	add_pair(list, unspecified(6), pa_prefix_interval((pa_u128)0xfe80 << 112, 6, 10), ICMPV6);
	for (unsigned flags = 0; flags < 16; flags++)
		add_pair(list, unspecified(6), pa_prefix_interval((pa_u128)(0xff02 | flags << 4) << 112, 6, 16), ICMPV6);
}

/*
 * Of no address that the kernel takes from a wire (::1, multicast as a source in IPv6) it is answered as it is asked: nothing. The
 * routes to IPv6 multicast are not read.
 */
static void add_special(struct list *list)
{
	add(list, 4, pa_prefix_interval(PA_IPV4_BASE | 0x7f000000, 4, 8));
	add(list, 6, (struct pa_interval){ 1, 1 });
	struct pa_fib_region *multicast = add(list, 6, pa_prefix_interval((pa_u128)0xff << 120, 6, 8));
	if (list->of_destination)
		multicast->answer = anything;
}

static bool is_link_local(int family, pa_u128 address)
{
	return family == 6 && address >> 118 == 0xfe80 >> 6;
}

/*
 * Link-local addresses are looked up on the interface that the packet came in by: any route of it to them will do, but not to an
 * address of its own (`except`, or NULL).
 */
static void add_link_local(struct list *list, struct pa_interval address, const char *except)
{
	const struct pa_host *host = list->host;
	struct pa_fib_region *region = add(list, 6, address);
	region->interfaces = pa_arena_alloc(list->arena, host->route_count + 1, sizeof(const char *));
	region->listed = incoming;
	for (size_t i = 0; i < host->route_count; i++) {
		const struct pa_host_route *route = &host->routes[i];
		bool covers = route->to.first <= address.first && route->to.last >= address.last;
		if (route->family != 6 || route->to.first > address.last || route->to.last < address.first)
			continue;
		if (!covers || !route->interface) /* it holds for a part, or refuses */
			region->answer = anything;
		else if (!pa_text_equal(route->interface, except))
			region->interfaces[region->count++] = route->interface;
	}
}

static bool is_of_one_link(const struct pa_host *host, const struct pa_host_address *own)
{
	size_t others = 0;
	for (size_t i = 0; i < host->address_count; i++)
		others += host->addresses[i].family == own->family && host->addresses[i].address == own->address;
	return others == 1;
}

static void add_broadcast(struct list *list, const struct pa_host_address *own)
{
	struct pa_fib_region *region = add(list, own->family, (struct pa_interval){ own->address, own->address });
	bool known = is_of_one_link(list->host, own) && own->interface;
	if (!list->by_incoming) {
		region->answer = some;
		if (known)
			region->answer = (struct pa_fib_answer){ PA_FIB_VALUE, pa_ifname_value(own->interface) };
		return;
	}
	region->answer = known ? region->answer : anything;
	if (!known)
		return;
	region->interfaces = pa_arena_dup(list->arena, &own->interface, 1, sizeof(const char *));
	region->count = 1;
	region->listed = incoming;
}

/*
 * To own addresses, which are of type local or anycast, there is no way; one of a link is so on its own link only. To a broadcast
 * address there is none for iptables and one for nft; several interfaces may have it.
 */
static void add_own(struct list *list)
{
	for (size_t i = 0; i < list->host->address_count; i++) {
		const struct pa_host_address *own = &list->host->addresses[i];
		struct pa_interval address = { own->address, own->address };
		if (own->broadcast && !list->of_xtables) {
			add_broadcast(list, own);
		} else if (!is_link_local(own->family, own->address)) {
			add(list, own->family, address);
		} else if (is_of_one_link(list->host, own) && own->interface) {
			add_link_local(list, address, own->interface);
		} else { /* the same on several links */
			add(list, 6, address)->answer = anything;
		}
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

/* Rows of one destination. */
struct ways {
	const struct pa_host_route *items;
	size_t count;
	bool refuse;   /* one of them at least */
	bool one_link; /* all of them lead through one interface */
	bool of_route; /* they are those of one route */
};

static struct ways ways_at(const struct pa_host *host, size_t at)
{
	struct ways ways = { .items = &host->routes[at], .one_link = true, .of_route = true };
	while (at + ways.count < host->route_count && is_same_destination(ways.items, &ways.items[ways.count])) {
		const struct pa_host_route *route = &ways.items[ways.count++];
		ways.refuse = ways.refuse || !route->interface;
		ways.one_link = ways.one_link && pa_text_equal(route->interface, ways.items->interface);
		ways.of_route = ways.of_route && route->multipath;
	}
	return ways;
}

/*
 * Of the ways of one route IPv4 takes the first that is alive, or for a test of one interface all of them (fib_table_lookup(),
 * fib_info_nh_uses_dev()). Of several routes to one destination either may take any; what IPv6 holds against the incoming
 * interface is the way that it chose, or all of them, by version.
 */
static void choose_way(const struct list *list, const struct ways *ways, struct pa_fib_region *region)
{
	bool ipv4 = ways->items->family == 4, lone = !ipv4 && ways->count == 1 && ways->of_route; /* the others are dead */
	bool certain = ipv4 ? ways->one_link || ways->of_route : ways->one_link && !lone;
	if (ways->refuse && ways->one_link)
		return;
	if (ways->refuse || (ipv4 && !certain)) {
		region->answer = anything;
		return;
	}
	if (list->of_xtables && !list->by_incoming) {
		region->answer = some;
	} else if (list->by_incoming) {
		region->interfaces = pa_arena_alloc(list->arena, ways->count, sizeof(const char *));
		for (size_t i = 0; i < ways->count; i++)
			region->interfaces[region->count++] = ways->items[i].interface;
		region->listed = certain ? incoming : anything;
	} else {
		struct pa_fib_answer first = { PA_FIB_VALUE, pa_ifname_value(ways->items->interface) };
		region->answer = certain ? first : some;
	}
}

static void add_routes(struct list *list)
{
	for (size_t i = 0; i < list->host->route_count;) {
		struct ways ways = ways_at(list->host, i);
		struct pa_fib_region *region = add(list, ways.items->family, ways.items->to);
		choose_way(list, &ways, region);
		i += ways.count;
	}
}

/* One name, or all that begin alike; ranges are of indices, which names do not tell. */
static bool is_name(struct pa_interval key)
{
	pa_u128 rest = key.first ^ key.last;
	return key.first >= FIRST_NAME && !(rest & (rest + 1)) && !(key.first & rest);
}

static bool is_nothing(struct pa_interval key)
{
	return key.first == 0 && key.last == 0;
}

enum pa_fib_asked pa_fib_asked(const struct pa_step *step)
{
	const struct pa_elements *elements = step->elements;
	if (step->kind != PA_STEP_MATCH || step->key.count != 1 || step->key.parts[0].fib == PA_FIB_NONE ||
	    !step->key.parts[0].opaque || elements->data || elements->opaque || elements->parts != 1)
		return PA_FIB_ASKS_NOTHING;
	if (elements->count == 1 && elements->keys[0].first == 1 && elements->keys[0].last == 1)
		return PA_FIB_ASKS_WHETHER;
	for (size_t i = 0; i < elements->count; i++)
		if (!is_nothing(elements->keys[i]) && !is_name(elements->keys[i]))
			return PA_FIB_ASKS_NOTHING;
	return PA_FIB_ASKS_WHICH;
}

bool pa_fib_is_of_destination(enum pa_fib kind)
{
	return kind == PA_FIB_DESTINATION || kind == PA_FIB_DESTINATION_IIF;
}

static bool is_of_xtables(enum pa_fib kind)
{
	return kind == PA_FIB_XT_STRICT || kind == PA_FIB_XT_LOOSE;
}

bool pa_fib_is_prerouting(const struct pa_rule *rule)
{
	const struct pa_chain *chain = rule->chain;
	return chain->is_base && (chain->hook == PA_HOOK_PREROUTING || chain->hook == PA_HOOK_INGRESS);
}

struct pa_fib_region pa_fib_region_at(const struct pa_fib_region *region, const struct pa_rule *rule, enum pa_fib kind,
				      bool other_changed)
{
	bool of_destination = pa_fib_is_of_destination(kind), elsewhere = !pa_fib_is_prerouting(rule);
	struct pa_fib_region here = *region;
	if (region->prerouting && elsewhere)
		here.answer = here.listed = anything;
	if (pa_fib_asks_other(region) && !of_destination && (elsewhere || other_changed)) {
		here.other = (struct pa_interval){ 0, PA_U128_MAX };
		here.answer = here.listed = anything;
	}
	return here;
}

bool pa_fib_is_routed(const struct pa_rule *rule, enum pa_fib kind)
{
	bool elsewhere = rule->chain->is_base && rule->chain->hook != PA_HOOK_INPUT;
	return elsewhere || is_of_xtables(kind);
}

size_t pa_fib_regions(const struct pa_host *host, enum pa_fib kind, struct pa_arena *arena,
		      const struct pa_fib_region **ret_regions)
{
	struct list list = { .host = host, .arena = arena };
	list.of_xtables = is_of_xtables(kind);
	list.of_destination = pa_fib_is_of_destination(kind);
	list.by_incoming = kind == PA_FIB_SOURCE_IIF || kind == PA_FIB_DESTINATION_IIF || kind == PA_FIB_XT_STRICT;
	if (!host->routes_known || !host->addresses_known || host->route_count > ROUTES_MAX)
		return 0;
	list.items = pa_arena_alloc(arena, host->route_count + host->address_count + 40, sizeof(*list.items));
	add_pairs(&list);
	add_special(&list);
	add_own(&list);
	add_links(&list);
	add_routes(&list);
	*ret_regions = list.items;
	return list.count;
}
