/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What listeners take of what gets in. */
#include "listener.h"

#define PROTOCOL_DCCP 33
#define PROTOCOL_SCTP 132
#define PROTOCOL_UDPLITE 136

static bool has_ports(unsigned protocol)
{
	return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP || protocol == PROTOCOL_DCCP || protocol == PROTOCOL_SCTP ||
	       protocol == PROTOCOL_UDPLITE;
}

static bool is_loopback_address(pa_u128 address)
{
	return address == LOOPBACK6 || (address >= LOOPBACK4_FIRST && address <= LOOPBACK4_LAST);
}

bool compare_is_loopback(const struct pa_listener *listener)
{
	if (pa_text_equal(listener->interface, "lo"))
		return true;
	return !listener->any_address && is_loopback_address(listener->address);
}

/* An IPv6 socket that is bound to ::ffff:192.0.2.1 takes IPv4; one bound to :: takes both, unless IPV6_V6ONLY is set (ipv6(7)). */
static bool takes_family(const struct pa_listener *listener, int family)
{
	if (!listener->any_address)
		return pa_value_is_ipv4(listener->address) == (family == 4);
	return listener->family == family || (listener->family == 6 && listener->v6only != PA_YES);
}

/* A redirect goes to an address of the interface that the packet came in by; never to loopback, unless it came from there. */
static bool takes_target_address(const struct pa_listener *listener, const struct pa_target *target)
{
	if (listener->any_address)
		return true;
	if (target->has_address && !target->to_self)
		return target->address.first <= listener->address && listener->address <= target->address.last;
	return !is_loopback_address(listener->address);
}

static bool limit_to_port(const struct pa_listener *listener, const struct pa_target *target, struct box_builder *builder)
{
	if (listener->raw || !has_ports(listener->protocol))
		return true;
	if (target && target->has_port)
		return target->port.first <= listener->port && listener->port <= target->port.last;
	box_set(builder, PA_FIELD_DPORT, listener->port, listener->port);
	return true;
}

static bool limit_to_address(const struct pa_listener *listener, int family, const struct pa_target *target,
			     struct box_builder *builder)
{
	if (target && (target->has_address || target->to_self)) {
		bool other = target->has_address && target->family != 0 && target->family != family;

		return !other && takes_target_address(listener, target);
	}
	if (!listener->any_address)
		box_set(builder, PA_FIELD_DADDR, listener->address, listener->address);
	return true;
}

static pa_set taken_of_family(struct comparison *c, const struct pa_listener *listener, int family,
			      const struct pa_target *target)
{
	struct box_builder builder = { 0 };

	if (!takes_family(listener, family))
		return pa_set_empty(c->space);
	box_family(&builder, family);
	box_set(&builder, PA_FIELD_L4PROTO, listener->protocol, listener->protocol);
	if (listener->interface) {
		pa_u128 name = pa_ifname_value(listener->interface);

		box_set(&builder, PA_FIELD_IIFNAME, name, name);
	}
	if (!limit_to_port(listener, target, &builder) || !limit_to_address(listener, family, target, &builder))
		return pa_set_empty(c->space);
	return compare_box(c, &builder);
}

/* A raw socket of a protocol with ports, or of ICMP, gets copies of what others are sent: it serves nobody. */
static bool serves(const struct pa_listener *listener)
{
	return !listener->raw ||
	       (!has_ports(listener->protocol) && listener->protocol != PROTOCOL_ICMP && listener->protocol != PROTOCOL_ICMPV6);
}

static pa_set taken(struct comparison *c, const struct pa_listener *listener, const struct pa_target *target)
{
	if (!serves(listener))
		return pa_set_empty(c->space);
	return pa_set_union(c->space, taken_of_family(c, listener, 4, target), taken_of_family(c, listener, 6, target));
}

pa_set compare_listener_takes(struct comparison *c, const struct pa_listener *listener, const struct pa_exposure *exposure)
{
	return taken(c, listener, exposure->has_target ? &exposure->target : NULL);
}

pa_set compare_taken(struct comparison *c, const struct pa_exposure *exposure)
{
	pa_set all = pa_set_empty(c->space);

	for (size_t i = 0; i < c->listening_count; i++)
		all = pa_set_union(c->space, all,
				   exposure->has_target ? compare_listener_takes(c, c->listening[i].socket, exposure)
							: c->listening[i].takes);
	return all;
}

/* What gets in from outside as it was sent, all exposures together. */
static pa_set untranslated(struct comparison *c)
{
	pa_set set = pa_set_empty(c->space);

	for (size_t i = 0; i < c->part_count[PA_PATH_IN]; i++)
		if (!c->parts[PA_PATH_IN][i].exposure->has_target)
			set = pa_set_union(c->space, set, c->parts[PA_PATH_IN][i].exposure->set);
	return set;
}

static pa_set reach_of(struct comparison *c, const struct listening *listening, pa_set direct)
{
	pa_set outside = pa_set_minus(c->space, c->scope[PA_PATH_IN], compare_loopback(c, PA_PATH_IN));
	pa_set reach = pa_set_intersect(c->space, direct, listening->takes);

	for (size_t i = 0; i < c->part_count[PA_PATH_IN]; i++) {
		const struct pa_exposure *exposure = c->parts[PA_PATH_IN][i].exposure;

		if (exposure->has_target)
			reach = pa_set_union(c->space, reach,
					     pa_set_intersect(c->space, exposure->set,
							      compare_listener_takes(c, listening->socket, exposure)));
	}
	return pa_set_intersect(c->space, reach, outside);
}

void compare_listeners(struct comparison *c)
{
	const struct pa_sockets *sockets = c->host->sockets;
	pa_set direct = untranslated(c);

	if (!sockets || sockets->listener_count == 0)
		return;
	c->listening = pa_arena_alloc(c->scratch, sockets->listener_count, sizeof(*c->listening));
	c->listening_count = sockets->listener_count;
	for (size_t i = 0; i < c->listening_count; i++) {
		struct listening *listening = &c->listening[i];

		listening->socket = &sockets->listeners[i];
		listening->loopback = compare_is_loopback(listening->socket);
		listening->takes = taken(c, listening->socket, NULL);
		listening->reach = reach_of(c, listening, direct);
		listening->reachable = !pa_set_is_empty(c->space, listening->reach);
	}
}

/* --- ports ---------------------------------------------------------------------------------------------------------- */

bool compare_is_reserved(const struct pa_host *host, unsigned port)
{
	for (size_t i = 0; host->reserved_ports_known && i < host->reserved_port_count; i++)
		if (host->reserved_ports[i].first <= port && port <= host->reserved_ports[i].last)
			return true;
	return false;
}

bool compare_is_ephemeral(const struct pa_host *host, unsigned port)
{
	struct pa_interval range = compare_ephemeral(host);

	return range.first <= port && port <= range.last && !compare_is_reserved(host, port);
}

bool compare_is_client(const struct comparison *c, const struct listening *listening)
{
	const struct pa_listener *socket = listening->socket;

	return (socket->protocol == PROTOCOL_UDP || socket->protocol == PROTOCOL_UDPLITE) && !listening->reachable &&
	       compare_is_ephemeral(c->host, socket->port);
}

/* --- the policy ------------------------------------------------------------------------------------------------------- */

bool compare_names_port(const struct comparison *c, const struct pa_service_item *items, size_t count,
			const struct pa_listener *listener)
{
	for (size_t i = 0; i < count; i++) {
		struct pa_interval ports = items[i].ephemeral ? compare_ephemeral(c->host) : items[i].ports;

		if (items[i].any_protocol)
			return true;
		if (items[i].icmp || items[i].protocol != listener->protocol)
			continue;
		if (items[i].any_port || (ports.first <= listener->port && listener->port <= ports.last))
			return true;
	}
	return false;
}

/* `dnat to` this host: the port behind the translation is the listener's. */
static bool is_dnat_target(const struct pa_statement *statement, const struct pa_listener *listener)
{
	unsigned port = statement->dnat_port;

	if (!takes_family(listener, statement->dnat_family) ||
	    (!listener->any_address && listener->address != statement->dnat_address))
		return false;
	return port == 0 || port == listener->port;
}

bool compare_speaks_of(struct comparison *c, size_t index, const struct listening *listening)
{
	const struct pa_statement *statement = c->policy->statements[index];
	pa_set region = c->regions[index].set, some;

	if (!c->regions[index].known || statement->path != PA_PATH_IN)
		return false;
	if (statement->has_dnat)
		return is_dnat_target(statement, listening->socket) &&
		       (statement->dnat_port != 0 ||
			compare_names_port(c, statement->items, statement->item_count, listening->socket));
	some = pa_set_intersect(c->space, listening->takes, region);
	some = pa_set_intersect(c->space, some, c->scope[PA_PATH_IN]);
	if (!pa_set_is_empty(c->space, some))
		return true;
	return !pa_set_is_empty(c->space, pa_set_intersect(c->space, listening->reach, region));
}
