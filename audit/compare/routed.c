/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which addresses lie behind which interface, by the routes of the host. Nothing is routed to the host's own addresses: what goes there
 * goes over lo.
 */
#include "compare.h"

struct routed {
	struct comparison *c;
	int family;
	enum pa_field address, interface;
};

static pa_set addresses(const struct routed *routed, struct pa_interval range)
{
	struct box_builder builder = { 0 };

	box_family(&builder, routed->family);
	box_set(&builder, routed->address, range.first, range.last);
	return compare_box(routed->c, &builder);
}

static pa_set own_addresses(const struct routed *routed)
{
	struct comparison *c = routed->c;
	pa_set set = pa_set_empty(c->space);

	for (size_t i = 0; i < c->host->address_count; i++) {
		const struct pa_host_address *own = &c->host->addresses[i];

		if (own->family == routed->family)
			set = pa_set_union(c->space, set,
					   addresses(routed, (struct pa_interval){ own->address, own->address }));
	}
	return set;
}

bool compare_knows_routes(const struct pa_host *host)
{
	return host->addresses_known && host->routes_known && host->route_count <= COMPARE_ROUTES_MAX;
}

size_t compare_route_ways(const struct pa_host *host, size_t first)
{
	const struct pa_host_route *routes = host->routes, *route = &routes[first];
	size_t next = first + 1;

	while (next < host->route_count && routes[next].family == route->family && routes[next].to.first == route->to.first &&
	       routes[next].to.last == route->to.last)
		next++;
	return next - first;
}

/* The interfaces that the ways of one destination go through. */
static pa_set way_out(const struct routed *routed, size_t first, size_t ways)
{
	struct comparison *c = routed->c;
	pa_set set = pa_set_empty(c->space);

	for (size_t i = first; i < first + ways; i++) {
		const char *name = c->host->routes[i].interface;

		if (name)
			set = pa_set_union(c->space, set,
					   compare_single(c, routed->interface, pa_ifname_value(name), pa_ifname_value(name)));
	}
	return set;
}

pa_set compare_routed(struct comparison *c, int family, enum pa_field address, enum pa_field interface)
{
	struct routed routed = { c, family, address, interface };
	pa_set set = pa_set_empty(c->space), taken;

	taken = c->host->addresses_known ? own_addresses(&routed) : pa_set_empty(c->space);
	if (!compare_knows_routes(c->host))
		return pa_set_minus(c->space, pa_set_full(c->space), taken);
	for (size_t i = 0, ways; i < c->host->route_count; i += ways) {
		pa_set here;

		ways = compare_route_ways(c->host, i);
		if (c->host->routes[i].family != family)
			continue;
		here = pa_set_minus(c->space, addresses(&routed, c->host->routes[i].to), taken);
		taken = pa_set_union(c->space, taken, here);
		set = pa_set_union(c->space, set, pa_set_intersect(c->space, here, way_out(&routed, i, ways)));
	}
	return set;
}
