/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every interval that the policy and the checks will ask the space for. */
#include <stdlib.h>

#include "listener.h"

struct cut_list {
	struct pa_cut *items;
	size_t count;
	size_t capacity;
};

static void cut(struct cut_list *cuts, enum pa_field field, pa_u128 first, pa_u128 last)
{
	pa_grow(&cuts->items, &cuts->capacity, cuts->count + 1, sizeof(*cuts->items));
	cuts->items[cuts->count++] = (struct pa_cut){ field, { first, last } };
}

static void cut_single(struct cut_list *cuts, enum pa_field field, pa_u128 value)
{
	cut(cuts, field, value, value);
}

static void cut_list_of(struct cut_list *cuts, enum pa_field field, const struct pa_interval *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		cut(cuts, field, items[i].first, items[i].last);
}

static void cut_values(struct cut_list *cuts, enum pa_field field, const struct arbitrary_values *values)
{
	for (size_t i = 0; i < values->count; i++)
		cut_single(cuts, field, values->value[i]);
}

/* --- the policy ------------------------------------------------------------------------------------------------- */

static void cut_item(struct cut_list *cuts, const struct pa_service_item *item, const struct pa_host *host)
{
	struct pa_interval ports = item->ephemeral ? compare_ephemeral(host) : compare_port_range(item->ports);

	if (item->any_protocol)
		return;
	cut_single(cuts, PA_FIELD_L4PROTO, item->protocol);
	if (item->icmp) {
		cut(cuts, PA_FIELD_ICMP_TYPE, item->icmp_type.first, item->icmp_type.last);
		cut(cuts, PA_FIELD_ICMP_CODE, item->icmp_code.first, item->icmp_code.last);
	} else if (!item->any_port) {
		cut(cuts, PA_FIELD_DPORT, ports.first, ports.last);
	}
}

static void cut_addresses(struct cut_list *cuts, enum pa_field field, const struct pa_addresses *addresses)
{
	cut_list_of(cuts, field, addresses->ipv4, addresses->ipv4_count);
	cut_list_of(cuts, field, addresses->ipv6, addresses->ipv6_count);
	cut_list_of(cuts, field, addresses->except_ipv4, addresses->except_ipv4_count);
	cut_list_of(cuts, field, addresses->except_ipv6, addresses->except_ipv6_count);
}

static void cut_ports(struct cut_list *cuts, enum pa_field field, const struct pa_ports *ports, const struct pa_host *host)
{
	struct pa_interval ephemeral = compare_ephemeral(host);

	for (size_t i = 0; i < ports->count; i++)
		cut(cuts, field, compare_port_range(ports->items[i]).first, ports->items[i].last);
	if (ports->ephemeral)
		cut(cuts, field, ephemeral.first, ephemeral.last);
}

static void cut_endpoint(struct cut_list *cuts, const struct pa_endpoint *endpoint, bool source,
			 const struct arbitrary *arbitrary, const struct pa_host *host, struct pa_arena *arena)
{
	struct pa_ranges names;

	if (!endpoint->given)
		return;
	cut_addresses(cuts, source ? PA_FIELD_SADDR : PA_FIELD_DADDR, &endpoint->addresses);
	cut_ports(cuts, source ? PA_FIELD_SPORT : PA_FIELD_DPORT, &endpoint->ports, host);
	names = compare_interfaces(arbitrary, host, arena, &endpoint->interfaces);
	cut_list_of(cuts, PA_FIELD_IIFNAME, names.items, names.count);
	cut_list_of(cuts, PA_FIELD_OIFNAME, names.items, names.count);
}

static void cut_self(struct cut_list *cuts, const struct pa_policy *policy, const struct pa_host *host)
{
	static const enum pa_field fields[] = { PA_FIELD_SADDR, PA_FIELD_DADDR };

	for (size_t f = 0; f < 2; f++) {
		for (size_t i = 0; i < host->address_count; i++)
			cut_single(cuts, fields[f], host->addresses[i].address);
		cut(cuts, fields[f], LOOPBACK4_FIRST, LOOPBACK4_LAST);
		cut_single(cuts, fields[f], LOOPBACK4_ADDRESS);
		cut_single(cuts, fields[f], LOOPBACK6);
		if (policy)
			cut_addresses(cuts, fields[f], &policy->self);
	}
}

static void cut_policy(struct cut_list *cuts, const struct pa_policy *policy, const struct arbitrary *arbitrary,
		       const struct pa_host *host, struct pa_arena *arena)
{
	for (size_t i = 0; i < policy->statement_count; i++) {
		const struct pa_statement *statement = policy->statements[i];

		if (statement->kind == PA_STATEMENT_LISTEN)
			continue;
		for (size_t j = 0; j < statement->item_count; j++)
			cut_item(cuts, &statement->items[j], host);
		cut_endpoint(cuts, &statement->from, true, arbitrary, host, arena);
		cut_endpoint(cuts, &statement->to, false, arbitrary, host, arena);
		if (statement->has_dnat && statement->dnat_port != 0)
			cut_single(cuts, PA_FIELD_DPORT, statement->dnat_port);
	}
}

/* --- the checks ------------------------------------------------------------------------------------------------- */

static void cut_arbitrary(struct cut_list *cuts, const struct arbitrary *arbitrary)
{
	for (int i = 0; i < 2; i++) {
		cut_values(cuts, PA_FIELD_SADDR, &arbitrary->source[i]);
		cut_values(cuts, PA_FIELD_DADDR, &arbitrary->destination[i]);
	}
	cut_values(cuts, PA_FIELD_SPORT, &arbitrary->source_port);
	cut_values(cuts, PA_FIELD_DPORT, &arbitrary->source_port);
	cut_values(cuts, PA_FIELD_DPORT, &arbitrary->port);
	for (int i = 0; i < 2; i++) {
		enum pa_field field = i ? PA_FIELD_OIFNAME : PA_FIELD_IIFNAME;

		cut_list_of(cuts, field, arbitrary->input_names.items, arbitrary->input_names.count);
		cut_list_of(cuts, field, arbitrary->output_names.items, arbitrary->output_names.count);
		cut_single(cuts, field, 0);
	}
}

static void cut_protocols(struct cut_list *cuts)
{
	static const unsigned protocols[] = { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_ICMPV6 };
	static const unsigned dhcp[] = { 67, 68, 546, 547 };
	static const unsigned types[] = { ICMPV6_PACKET_TOO_BIG, ICMPV6_NEIGHBOUR_SOLICITATION,
					  ICMPV6_NEIGHBOUR_ADVERTISEMENT };

	cut_single(cuts, PA_FIELD_NFPROTO, PA_NFPROTO_IPV4);
	cut_single(cuts, PA_FIELD_NFPROTO, PA_NFPROTO_IPV6);
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		cut_single(cuts, PA_FIELD_L4PROTO, protocols[i]);
	for (size_t i = 0; i < sizeof(dhcp) / sizeof(*dhcp); i++)
		cut_single(cuts, PA_FIELD_DPORT, dhcp[i]);
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		cut_single(cuts, PA_FIELD_ICMP_TYPE, types[i]);
}

static void cut_interfaces(struct cut_list *cuts, const struct pa_host *host)
{
	cut_single(cuts, PA_FIELD_IIFNAME, compare_loopback_name());
	cut_single(cuts, PA_FIELD_OIFNAME, compare_loopback_name());
	for (size_t i = 0; i < host->interface_count; i++) {
		cut_single(cuts, PA_FIELD_IIFNAME, pa_ifname_value(host->interfaces[i]));
		cut_single(cuts, PA_FIELD_OIFNAME, pa_ifname_value(host->interfaces[i]));
	}
}

static void cut_tables(struct cut_list *cuts, const struct arbitrary *arbitrary)
{
	const struct risky_service *services;
	const struct family_interval *martians;
	const struct ordinary_value *values;
	const struct port_pair *pairs;
	size_t count = compare_risky_services(&services);

	for (size_t i = 0; i < count; i++)
		cut(cuts, PA_FIELD_DPORT, services[i].first, services[i].last);
	count = compare_paired_ports(&pairs);
	for (size_t i = 0; i < count; i++) {
		cut_single(cuts, PA_FIELD_SPORT, pairs[i].source);
		cut_single(cuts, PA_FIELD_DPORT, pairs[i].destination);
	}
	count = compare_martians(&martians);
	for (size_t i = 0; i < count; i++) {
		cut(cuts, PA_FIELD_SADDR, martians[i].first, martians[i].last);
		cut(cuts, PA_FIELD_DADDR, martians[i].first, martians[i].last);
	}
	count = compare_ordinary_values(&values);
	for (size_t i = 0; i < count; i++)
		if (arbitrary->used[values[i].field])
			cut_single(cuts, values[i].field, values[i].value);
	cut(cuts, PA_FIELD_SADDR, LINK_LOCAL_FIRST, LINK_LOCAL_LAST);
}

/* What lies behind which interface (routed.c, spoof.c). */
static void cut_routes(struct cut_list *cuts, const struct pa_host *host)
{
	cut(cuts, PA_FIELD_SADDR, LINK_LOCAL4_FIRST, LINK_LOCAL4_LAST);
	for (size_t i = 0; compare_knows_routes(host) && i < host->route_count; i++) {
		cut(cuts, PA_FIELD_SADDR, host->routes[i].to.first, host->routes[i].to.last);
		cut_single(cuts, PA_FIELD_SADDR, host->routes[i].to.first);
		cut(cuts, PA_FIELD_DADDR, host->routes[i].to.first, host->routes[i].to.last);
	}
}

static void cut_sockets(struct cut_list *cuts, const struct pa_host *host)
{
	for (size_t i = 0; host->sockets && i < host->sockets->listener_count; i++) {
		const struct pa_listener *listener = &host->sockets->listeners[i];

		cut_single(cuts, PA_FIELD_L4PROTO, listener->protocol);
		cut_single(cuts, PA_FIELD_DPORT, listener->port);
		if (!listener->any_address)
			cut_single(cuts, PA_FIELD_DADDR, listener->address);
		if (listener->interface)
			cut_single(cuts, PA_FIELD_IIFNAME, pa_ifname_value(listener->interface));
	}
	if (host->sockets && compare_unprivileged_start(host) <= 65535)
		cut(cuts, PA_FIELD_DPORT, (pa_u128)compare_unprivileged_start(host), 65535);
	cut(cuts, PA_FIELD_DADDR, MULTICAST4_FIRST, PA_IPV4_LAST);
	cut(cuts, PA_FIELD_DADDR, MULTICAST6_FIRST, PA_U128_MAX);
}

size_t pa_policy_cuts(const struct pa_policy *policy, const struct pa_host *host, const struct pa_ruleset *ruleset,
		      struct pa_arena *arena, struct pa_cut **ret_cuts)
{
	const struct arbitrary *arbitrary = compare_arbitrary(ruleset, arena);
	struct cut_list cuts = { 0 };

	cut_arbitrary(&cuts, arbitrary);
	cut_protocols(&cuts);
	cut_interfaces(&cuts, host);
	cut_self(&cuts, policy, host);
	cut_tables(&cuts, arbitrary);
	cut_sockets(&cuts, host);
	cut_routes(&cuts, host);
	if (policy)
		cut_policy(&cuts, policy, arbitrary, host, arena);
	*ret_cuts = pa_arena_dup(arena, cuts.items, cuts.count, sizeof(*cuts.items));
	free(cuts.items);
	return cuts.count;
}
