/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who takes the packets of each row of `list`: boxes against sockets. compare_listeners() is the same for sets. */
#include <stdlib.h>

#include "listener.h"

static bool range_holds(struct pa_ranges ranges, pa_u128 value)
{
	for (size_t i = 0; i < ranges.count; i++)
		if (ranges.items[i].first <= value && value <= ranges.items[i].last)
			return true;
	return ranges.count == 0;
}

static bool takes_family(const struct pa_listener *listener, int family)
{
	if (!listener->any_address)
		return pa_value_is_ipv4(listener->address) == (family == 4);
	return listener->family == family || (listener->family == 6 && listener->v6only != PA_YES);
}

static bool has_ports(unsigned protocol)
{
	return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP || protocol == 33 || protocol == 132 || protocol == 136;
}

static bool takes_port(const struct pa_listener *listener, const struct pa_row *row)
{
	if (!has_ports(listener->protocol))
		return listener->raw && listener->protocol != PROTOCOL_ICMP && listener->protocol != PROTOCOL_ICMPV6;
	if (listener->raw)
		return false;
	if (row->has_target && row->target.has_port)
		return row->target.port.first <= listener->port && listener->port <= row->target.port.last;
	return range_holds(row->box.field[PA_FIELD_DPORT], listener->port);
}

/* From the wire nothing comes for 127.0.0.0/8 and ::1, unless route_localnet is on; no interfaces at all are all but lo. */
static bool comes_from_lo(const struct pa_row *row)
{
	struct pa_ranges names = row->box.field[PA_FIELD_IIFNAME];

	return names.count > 0 && range_holds(names, compare_loopback_name());
}

static bool takes_address(const struct pa_listener *listener, const struct pa_row *row, const struct pa_host *host)
{
	bool loopback = compare_is_loopback(listener);

	if (loopback && !comes_from_lo(row) && (pa_text_equal(listener->interface, "lo") || host->route_localnet != PA_YES))
		return false;
	if (listener->any_address)
		return true;
	if (row->has_target && row->target.has_address && !row->target.to_self)
		return row->target.address.first <= listener->address && listener->address <= row->target.address.last;
	if (row->has_target && row->target.to_self)
		return !loopback;
	return range_holds(row->box.field[PA_FIELD_DADDR], listener->address);
}

static bool takes_interface(const struct pa_listener *listener, const struct pa_row *row)
{
	struct pa_ranges names = row->box.field[PA_FIELD_IIFNAME];

	if (!listener->interface)
		return true;
	if (names.count == 0)
		return !pa_text_equal(listener->interface, "lo");
	return range_holds(names, pa_ifname_value(listener->interface));
}

static bool takes(const struct pa_listener *listener, const struct pa_row *row, const struct pa_host *host)
{
	return range_holds(row->box.field[PA_FIELD_L4PROTO], listener->protocol) && takes_family(listener, row->family) &&
	       takes_port(listener, row) && takes_interface(listener, row) && takes_address(listener, row, host);
}

static bool is_covered(const struct pa_row *row, const struct pa_sockets *sockets)
{
	static const unsigned protocols[] = { PROTOCOL_TCP, PROTOCOL_UDP };

	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (range_holds(row->box.field[PA_FIELD_L4PROTO], protocols[i]) &&
		    !pa_sockets_cover(sockets, protocols[i], row->family))
			return false;
	return true;
}

static struct pa_row_facts *facts_of(const struct pa_row *row, const struct pa_host *host, const struct pa_policy *policy,
				     bool *reached, struct pa_arena *arena)
{
	const struct pa_sockets *sockets = row->path == PA_PATH_IN ? host->sockets : NULL;
	struct pa_row_facts *facts = pa_arena_alloc(arena, 1, sizeof(*facts));
	size_t count = sockets ? sockets->listener_count : 0;

	facts->policy = policy;
	facts->ephemeral = (struct pa_interval){ host->ephemeral_first, host->ephemeral_last };
	facts->sockets = sockets;
	facts->covered = sockets && is_covered(row, sockets);
	facts->listeners = pa_arena_alloc(arena, count + 1, sizeof(*facts->listeners));
	for (size_t i = 0; i < count; i++) {
		if (!takes(&sockets->listeners[i], row, host))
			continue;
		facts->listeners[facts->listener_count++] = &sockets->listeners[i];
		reached[i] = reached[i] || !comes_from_lo(row);
	}
	return facts;
}

/* A client's UDP socket looks like a service's: it is not worth telling that nobody reaches it. */
static bool is_worth_telling(const struct pa_listener *listener, const struct pa_host *host)
{
	return !listener->raw && !(listener->protocol == PROTOCOL_UDP && compare_is_ephemeral(host, listener->port));
}

void pa_join_listeners(struct pa_row *rows, size_t count, const struct pa_host *host, const struct pa_policy *policy,
		       struct pa_arena *arena, struct pa_unreached *ret_unreached)
{
	size_t listeners = host->sockets ? host->sockets->listener_count : 0;
	bool *reached = pa_xcalloc(listeners + 1, sizeof(*reached));

	for (size_t i = 0; i < count; i++)
		rows[i].facts = facts_of(&rows[i], host, policy, reached, arena);
	ret_unreached->loopback = pa_arena_alloc(arena, listeners + 1, sizeof(*ret_unreached->loopback));
	ret_unreached->refused = pa_arena_alloc(arena, listeners + 1, sizeof(*ret_unreached->refused));
	ret_unreached->loopback_count = ret_unreached->refused_count = 0;
	for (size_t i = 0; i < listeners; i++) {
		const struct pa_listener *listener = &host->sockets->listeners[i];

		if (reached[i] || !is_worth_telling(listener, host))
			continue;
		if (compare_is_loopback(listener))
			ret_unreached->loopback[ret_unreached->loopback_count++] = listener;
		else
			ret_unreached->refused[ret_unreached->refused_count++] = listener;
	}
	free(reached);
}
