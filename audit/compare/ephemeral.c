/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports that the kernel hands to outgoing connections (net.ipv4.ip_local_port_range without ip_local_reserved_ports).
 *
 * SOC-006  a TCP (SCTP, DCCP) listener on such a port, or in 49152-65535; of UDP, where a socket of a client looks the same, only
 *          one that the policy names.
 * SOC-012  connections from one local address to one remote address and port that hold 80 % of them or more: each needs a source
 *          port of its own. A socket in TIME-WAIT keeps its port for a minute (net/ipv4/tcp_minisocks.c, TCP_TIMEWAIT_LEN).
 */
#include "listener.h"

#define NEARLY_ALL 80 /* percent */

/* --- SOC-006 ------------------------------------------------------------------------------------------------------------ */

static bool is_named(const struct comparison *c, const struct pa_listener *socket)
{
	for (size_t i = 0; c->policy && i < c->policy->statement_count; i++) {
		const struct pa_statement *statement = c->policy->statements[i];

		for (size_t k = 0; k < statement->item_count; k++) {
			const struct pa_service_item *item = &statement->items[k];

			if (!item->any_protocol && !item->any_port && !item->icmp && !item->ephemeral &&
			    item->protocol == socket->protocol && item->ports.first == item->ports.last &&
			    item->ports.first == socket->port)
				return true;
		}
	}
	return false;
}

static bool is_in_the_way(struct comparison *c, struct listening *listening)
{
	const struct pa_listener *socket = listening->socket;
	bool dynamic = socket->port >= FIRST_DYNAMIC_PORT && !compare_is_reserved(c->host, socket->port);

	if (socket->raw || !(dynamic || compare_is_ephemeral(c->host, socket->port)))
		return false;
	return (socket->protocol != PROTOCOL_UDP && socket->protocol != 136) || is_named(c, socket);
}

bool compare_is_in_the_way(struct comparison *c, const struct pa_service_item *item)
{
	for (size_t i = 0; compare_enabled(c, PA_CHECK_SOC_006) && i < c->listening_count; i++)
		if (compare_names_port(c, item, 1, c->listening[i].socket) && is_in_the_way(c, &c->listening[i]))
			return true;
	return false;
}

static void report_in_the_way(struct comparison *c, const struct holding *holding)
{
	struct pa_finding *finding = compare_add_holding(c, PA_CHECK_SOC_006, holding, NULL);
	struct pa_interval range = compare_ephemeral(c->host);
	const char *assumed = compare_assumed_ephemeral(c);
	struct pa_buffer text = { 0 };

	describe_holding(c, holding, &text);
	pa_buffer_printf(
		&text, ", which is among the ports for outgoing connections (%u-%u %s, 49152-65535 elsewhere) and not reserved",
		(unsigned)range.first, (unsigned)range.last, c->host->ephemeral_last ? "here" : "by default");
	if (assumed)
		compare_assume(c, finding, assumed);
	finding->message = compare_text(c, &text);
	pa_buffer_puts(&text, "choose a port below both, or reserve it: net.ipv4.ip_local_reserved_ports = ");
	for (size_t i = 0, shown = 0; i < holding->count; i++) {
		unsigned port = holding->items[i]->socket->port;

		if (i == 0 || port != holding->items[i - 1]->socket->port)
			pa_buffer_printf(&text, "%s%u", shown++ ? "," : "", port);
	}
	pa_buffer_puts(&text, " in sysctl.d(5)");
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
}

void check_ephemeral_listeners(struct comparison *c)
{
	struct holding *holdings;
	size_t count;

	if (!compare_knows_ephemeral(c->host))
		compare_not_assessed(
			c, PA_CHECK_SOC_006,
			"the range of ephemeral ports, or which of them are reserved, is not known; with the kernel's "
			"defaults nothing is found");
	count = compare_holdings(c, is_in_the_way, &holdings);
	for (size_t i = 0; i < count; i++)
		report_in_the_way(c, &holdings[i]);
}

/* --- SOC-012 ------------------------------------------------------------------------------------------------------------ */

static size_t budget(const struct pa_host *host)
{
	struct pa_interval range = compare_ephemeral(host);
	size_t count = 0;

	for (unsigned port = (unsigned)range.first; port <= range.last; port++)
		count += !compare_is_reserved(host, port);
	return count;
}

static void report_exhaustion(struct comparison *c, const struct pa_connections *connections, size_t ports)
{
	char remote[PA_ADDRESS_TEXT_MAX], local[PA_ADDRESS_TEXT_MAX];
	const char *protocol = pa_protocol_name(connections->protocol);
	struct pa_finding *finding;
	struct pa_buffer text = { 0 };

	pa_address_format(connections->remote, connections->family, remote);
	pa_address_format(connections->local, connections->family, local);
	pa_buffer_printf(&text, "%s %s %u %s", local, remote, connections->remote_port, protocol ? protocol : "?");
	finding = compare_add(c, PA_CHECK_SOC_012, text.data);
	pa_buffer_clear(&text);
	pa_buffer_printf(&text, "%zu connections from %s to %s port %u/%s use up %zu %% of the %zu source ports that there are",
			 connections->count, local, remote, connections->remote_port, protocol ? protocol : "?",
			 connections->count * 100 / ports, ports);
	if (connections->time_wait > 0)
		pa_buffer_printf(&text, "; %zu of them are closed and wait in TIME-WAIT", connections->time_wait);
	if (compare_assumed_ephemeral(c))
		compare_assume(c, finding, compare_assumed_ephemeral(c));
	finding->message = compare_text(c, &text);
	pa_buffer_puts(&text,
		       connections->time_wait * 2 > connections->count
			       ? "keep connections open and use them again (keep-alive, a pool) instead of one for each request"
			       : "find out whether they are leaked");
	pa_buffer_puts(&text, "; more source ports: a wider net.ipv4.ip_local_port_range, or a second address on either side");
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
}

void check_source_port_budget(struct comparison *c)
{
	const struct pa_sockets *sockets = c->host->sockets;
	size_t ports;

	if (!sockets->connections_known) {
		compare_not_assessed(c, PA_CHECK_SOC_012,
				     "the connections of this host are not in the list (ss -tan shows them)");
		return;
	}
	compare_settle(c, PA_CHECK_SOC_012); /* who else listens does not matter */
	if (c->host->ephemeral_last == 0)
		compare_not_assessed(c, PA_CHECK_SOC_012,
				     "the range of ephemeral ports is not known; with the kernel's default nothing is found");
	ports = budget(c->host);
	for (size_t i = 0; i < sockets->connection_count; i++)
		if (ports > 0 && sockets->connections[i].count * 100 >= ports * NEARLY_ALL)
			report_exhaustion(c, &sockets->connections[i], ports);
}
