/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes and what the local table knows of addresses, from rtnetlink(7). */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "read.h"

/* A route as the kernel told it. */
struct route {
	int family;
	const struct rtmsg *header;
	uint32_t table;
	uint32_t metric;
	pa_u128 destination;
	unsigned interface;	   /* index; 0: none */
	const struct nlattr *ways; /* RTA_MULTIPATH, or NULL */
	bool other_conditions;	   /* depends on the source or on more that struct pa_host_route cannot say */
};

/* A route of the main table with what decides its rank. */
struct ranked {
	struct pa_host_route route;
	unsigned prefix_length;
	uint32_t metric;
	size_t position;
	size_t message; /* that told of it: ways of one route come in one */
};

/* What is being gathered of one family. */
struct reading {
	struct pa_host *host;
	const struct pa_links *links;
	struct pa_routing_rules rules;
	int family;
	struct ranked *routes;
	size_t count, capacity, messages;
	const char *address_doubt, *route_doubt; /* why a list cannot be complete, or NULL */
};

static bool parse_attribute(struct route *route, const struct nlattr *attribute)
{
	size_t length = mnl_attr_get_payload_len(attribute), address_length = route->family == 4 ? 4 : 16;
	switch (mnl_attr_get_type(attribute)) {
	case RTA_DST:
		if (length < address_length)
			return false;
		route->destination = pa_address_from_bytes(mnl_attr_get_payload(attribute), route->family);
		return true;
	case RTA_TABLE:
		route->table = length < 4 ? 0 : mnl_attr_get_u32(attribute);
		return length >= 4;
	case RTA_PRIORITY:
		route->metric = length < 4 ? 0 : mnl_attr_get_u32(attribute);
		return length >= 4;
	case RTA_OIF:
		route->interface = length < 4 ? 0 : mnl_attr_get_u32(attribute);
		return length >= 4;
	case RTA_MULTIPATH:
		route->ways = attribute;
		return true;
	default:
		return true;
	}
}

static bool parse_route(struct route *route, const struct nlmsghdr *message)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(message);
	*route =
		(struct route){ .header = header, .table = header->rtm_table, .family = header->rtm_family == AF_INET ? 4 : 6 };
	route->destination = route->family == 4 ? PA_IPV4_BASE : 0;
	route->other_conditions = header->rtm_src_len || header->rtm_tos;
	const struct nlattr *attribute = NULL;
	while ((attribute = pa_netlink_attribute(message, sizeof(*header), attribute)))
		if (!parse_attribute(route, attribute))
			return false;
	return true;
}

/* EAGAIN: the interface is not among the links: the lists are of different moments. */
static int add_way(struct reading *reading, const struct route *route, unsigned interface)
{
	struct ranked ranked = { .prefix_length = route->header->rtm_dst_len,
				 .metric = route->metric,
				 .position = reading->count,
				 .message = reading->messages };
	ranked.route.family = route->family;
	ranked.route.multipath = route->ways != NULL;
	ranked.route.to = pa_prefix_interval(route->destination, route->family, route->header->rtm_dst_len);
	if (interface) {
		ranked.route.interface = pa_links_name(reading->links, interface);
		if (!ranked.route.interface)
			return EAGAIN;
	}
	pa_grow(&reading->routes, &reading->capacity, reading->count + 1, sizeof(*reading->routes));
	reading->routes[reading->count++] = ranked;
	return 0;
}

static int add_ways(struct reading *reading, const struct route *route)
{
	const char *bytes = mnl_attr_get_payload(route->ways);
	size_t left = mnl_attr_get_payload_len(route->ways);
	while (left >= sizeof(struct rtnexthop)) {
		const struct rtnexthop *way = (const void *)bytes;
		if (way->rtnh_len < sizeof(*way) || way->rtnh_len > left)
			return EBADMSG;
		int error = way->rtnh_flags & RTNH_F_DEAD ? 0 : add_way(reading, route, (unsigned)way->rtnh_ifindex);
		if (error)
			return error;
		size_t step = RTNH_ALIGN(way->rtnh_len);
		if (step >= left)
			break;
		bytes += step;
		left -= step;
	}
	return 0;
}

static int add_main_route(struct reading *reading, const struct route *route)
{
	reading->messages++;
	if (route->header->rtm_flags & RTNH_F_DEAD)
		return 0;
	if (route->other_conditions)
		reading->route_doubt = "a route depends on the source or the type of service";
	switch (route->header->rtm_type) {
	case RTN_UNICAST:
		if (route->ways)
			return add_ways(reading, route);
		if (!route->interface)
			reading->route_doubt = "a route names no interface";
		return add_way(reading, route, route->interface);
	case RTN_UNREACHABLE:
	case RTN_BLACKHOLE:
	case RTN_PROHIBIT:
	case RTN_THROW: /* the default table, which comes next, is empty or a doubt of its own */
		return add_way(reading, route, 0);
	case RTN_LOCAL:
		reading->address_doubt = "a route of type local in the main table";
		return 0;
	case RTN_MULTICAST: /* IPv6 has those of its links; of IPv4 nobody has any but who wants to know where it leads */
		if (reading->family == 4)
			reading->route_doubt = "a route of type multicast";
		return 0;
	default:
		reading->route_doubt = "a route of a type that is not known here";
		return 0;
	}
}

/* A broadcast or anycast address is kept for each interface that has it. */
static bool has_address(const struct pa_host *host, const struct pa_host_address *address)
{
	for (size_t i = 0; i < host->address_count; i++) {
		const struct pa_host_address *own = &host->addresses[i];
		if (own->family == address->family && own->address == address->address &&
		    own->broadcast == address->broadcast &&
		    ((!own->broadcast && !own->anycast) || pa_text_equal(own->interface, address->interface)))
			return true;
	}
	return false;
}

/* The length of the network that an interface has around an address. */
static unsigned network_length(const struct pa_host *host, const struct pa_host_address *inside)
{
	unsigned longest = 0;
	for (size_t i = 0; i < host->address_count; i++) {
		const struct pa_host_address *own = &host->addresses[i];
		if (own->family != inside->family || own->broadcast || !pa_text_equal(own->interface, inside->interface))
			continue;
		struct pa_interval network = pa_prefix_interval(own->address, own->family, own->prefix_length);
		if (inside->address >= network.first && inside->address <= network.last && own->prefix_length > longest)
			longest = own->prefix_length;
	}
	return longest ? longest : inside->family == 4 ? 32 : 128;
}

static bool is_loopback(const struct route *route)
{
	struct pa_interval loopback =
		route->family == 4 ? pa_prefix_interval(PA_IPV4_BASE | 0x7f000000, 4, 8) : pa_prefix_interval(1, 6, 128);
	struct pa_interval to = pa_prefix_interval(route->destination, route->family, route->header->rtm_dst_len);
	return to.first >= loopback.first && to.last <= loopback.last;
}

static int add_local_route(struct reading *reading, const struct route *route)
{
	unsigned type = route->header->rtm_type;
	if (type == RTN_MULTICAST || route->header->rtm_flags & RTNH_F_DEAD)
		return 0;
	bool known = type == RTN_LOCAL || type == RTN_BROADCAST || type == RTN_ANYCAST;
	if (!known || route->other_conditions) {
		reading->address_doubt = "a route in the local table that is not about local addresses";
		reading->route_doubt = reading->address_doubt;
		return 0;
	}
	if (type == RTN_LOCAL && is_loopback(route))
		return 0;
	if (route->header->rtm_dst_len != (route->family == 4 ? 32 : 128)) {
		reading->address_doubt = "a route that makes a whole network local";
		return 0;
	}
	struct pa_host_address address = { .family = route->family, .address = route->destination };
	address.broadcast = type == RTN_BROADCAST;
	address.anycast = type == RTN_ANYCAST;
	address.interface = pa_links_name(reading->links, route->interface);
	if (!address.interface)
		return EAGAIN;
	address.prefix_length = network_length(reading->host, &address);
	if (!has_address(reading->host, &address))
		pa_host_add_address(reading->host, &address);
	return 0;
}

/* Tables of their own are looked at only where a rule leads there. */
static void look_at_other_table(struct reading *reading, const struct route *route)
{
	if (route->table == RT_TABLE_DEFAULT)
		reading->route_doubt = "there are routes in the default table";
	if (route->header->rtm_type == RTN_LOCAL && (route->table == RT_TABLE_DEFAULT || !reading->rules.plain))
		reading->address_doubt = "a route of type local in a table of its own";
}

static int take_route(struct reading *reading, const struct nlmsghdr *message)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(message);
	if (message->nlmsg_type != RTM_NEWROUTE || header->rtm_family != (reading->family == 4 ? AF_INET : AF_INET6) ||
	    (header->rtm_flags & RTM_F_CLONED))
		return 0;
	struct route route;
	if (!parse_route(&route, message))
		return EBADMSG;
	if (route.table == RT_TABLE_MAIN)
		return add_main_route(reading, &route);
	if (route.table == RT_TABLE_LOCAL)
		return add_local_route(reading, &route);
	look_at_other_table(reading, &route);
	return 0;
}

static int by_rank(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;
	if (a->prefix_length != b->prefix_length)
		return a->prefix_length > b->prefix_length ? -1 : 1;
	if (a->route.to.first != b->route.to.first)
		return a->route.to.first < b->route.to.first ? -1 : 1;
	if (a->metric != b->metric)
		return a->metric < b->metric ? -1 : 1;
	return a->position < b->position ? -1 : 1;
}

/*
 * IPv4 takes the lowest metric. IPv6 may go on to higher ones when a router does not answer (net/ipv6/route.c,
 * find_rr_leaf), so all of them stay.
 */
static bool is_outranked(const struct reading *reading, size_t index, size_t best)
{
	const struct ranked *route = &reading->routes[index], *first = &reading->routes[best];
	return reading->family == 4 && route->prefix_length == first->prefix_length &&
	       route->route.to.first == first->route.to.first && route->metric > first->metric;
}

static bool is_same_destination(const struct ranked *a, const struct ranked *b)
{
	return a->prefix_length == b->prefix_length && a->route.to.first == b->route.to.first;
}

/* Rows of one destination that are not ways of one route (`ip route append`) are no multipath route. */
static void tell_routes_apart(struct reading *reading)
{
	for (size_t i = 0, next; i < reading->count; i = next) {
		bool one = true;
		for (next = i; next < reading->count && is_same_destination(&reading->routes[i], &reading->routes[next]);
		     next++)
			one = one && reading->routes[next].message == reading->routes[i].message;
		for (size_t k = i; k < next && !one; k++)
			reading->routes[k].route.multipath = false;
	}
}

static void keep_routes(struct reading *reading)
{
	struct pa_host *host = reading->host;
	if (reading->count == 0)
		return;
	qsort(reading->routes, reading->count, sizeof(*reading->routes), by_rank);
	struct pa_host_route *routes = pa_arena_alloc(host->arena, host->route_count + reading->count, sizeof(*routes));
	if (host->route_count)
		memcpy(routes, host->routes, host->route_count * sizeof(*routes));
	host->routes = routes;
	size_t best = 0, kept = 0;
	for (size_t i = 0; i < reading->count; i++) {
		if (is_outranked(reading, i, best))
			continue;
		if (!is_same_destination(&reading->routes[i], &reading->routes[best]))
			best = kept;
		reading->routes[kept++] = reading->routes[i];
	}
	reading->count = kept;
	tell_routes_apart(reading);
	for (size_t i = 0; i < kept; i++)
		host->routes[host->route_count++] = reading->routes[i].route;
}

static void note_doubts(const struct reading *reading, struct pa_diags *diags)
{
	if (reading->address_doubt) {
		reading->host->addresses_known = false;
		pa_diags_add(diags, PA_DIAG_NOTE, PA_DIAG_INCOMPLETE,
			     "which IPv%d addresses are local is not known for certain: %s", reading->family,
			     reading->address_doubt);
	}
	if (reading->route_doubt) {
		reading->host->routes_known = false;
		pa_diags_add(diags, PA_DIAG_NOTE, PA_DIAG_INCOMPLETE,
			     "where IPv%d packets are routed is not known for certain: %s", reading->family,
			     reading->route_doubt);
	}
}

static int read_family(struct reading *reading, struct mnl_socket *socket)
{
	int error = pa_host_read_rules(socket, reading->family, &reading->rules);
	if (error)
		return error;
	if (!reading->rules.plain)
		reading->route_doubt = "routing rules of its own (ip rule)";
	if (!reading->rules.local_first)
		reading->address_doubt = "a routing rule comes before the local table (ip rule)";
	struct pa_buffer messages = { 0 };
	error = pa_netlink_dump(socket, RTM_GETROUTE, reading->family == 4 ? AF_INET : AF_INET6, &messages);
	const struct nlmsghdr *message = NULL;
	while (!error && (message = pa_netlink_next(&messages, message)))
		error = take_route(reading, message);
	pa_buffer_done(&messages);
	return error;
}

int pa_host_read_routes(struct pa_host *host, struct mnl_socket *socket, const struct pa_links *links, struct pa_diags *diags)
{
	struct reading readings[] = { { .host = host, .links = links, .family = 4 },
				      { .host = host, .links = links, .family = 6 } };
	int error = 0;
	for (size_t i = 0; i < 2 && !error; i++)
		error = read_family(&readings[i], socket);
	host->addresses_known = host->routes_known = !error;
	for (size_t i = 0; i < 2; i++) {
		if (!error) {
			keep_routes(&readings[i]);
			note_doubts(&readings[i], diags);
		}
		free(readings[i].routes);
	}
	return error;
}
