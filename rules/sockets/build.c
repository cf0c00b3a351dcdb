/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the rows of a table to listeners and connections, and what the table leaves open. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

/*
 * How ss writes "any address": an older one * for IPv4 and :: for IPv6; a newer one 0.0.0.0, [::] for IPv6 alone, and * for IPv6
 * that takes IPv4 as well.
 */
enum spelling { SPELLING_OPEN, SPELLING_OLD, SPELLING_NEW };

static void look_at_spelling(const struct pa_endpoint *endpoint, enum spelling *spelling)
{
	if (endpoint->has_brackets || (endpoint->family == 4 && endpoint->any_address))
		*spelling = SPELLING_NEW;
	else if (*spelling == SPELLING_OPEN && endpoint->family == 6)
		*spelling = SPELLING_OLD;
}

static enum spelling find_spelling(const struct pa_table *table)
{
	enum spelling spelling = SPELLING_OPEN;
	for (size_t i = 0; i < table->row_count; i++) {
		look_at_spelling(&table->rows[i].local, &spelling);
		look_at_spelling(&table->rows[i].peer, &spelling);
	}
	return spelling;
}

static bool is_listener(const struct pa_table_row *row)
{
	return row->state == PA_ROW_LISTENS || (row->state == PA_ROW_UNCONNECTED && row->peer.any_port);
}

/* A socket of TCP that neither listens nor is connected takes nothing. */
static bool takes_new(const struct pa_table_row *row)
{
	bool needs_listen = row->kind != PA_ROW_RAW && row->protocol != IPPROTO_UDP && row->protocol != IPPROTO_UDPLITE;
	return is_listener(row) && !(needs_listen && row->state != PA_ROW_LISTENS);
}

static void set_family(struct pa_listener *listener, const struct pa_table_row *row, enum spelling spelling)
{
	bool star = row->local.family == 0;
	listener->family = star ? (spelling == SPELLING_OLD ? 4 : 6) : row->local.family;
	listener->v6only = row->v6only;
	if (listener->family == 4)
		listener->v6only = PA_NO;
	else if (!listener->any_address)
		listener->v6only = PA_YES;
	else if (listener->v6only == PA_UNKNOWN && spelling == SPELLING_NEW && row->kind != PA_ROW_RAW)
		listener->v6only = star ? PA_NO : row->local.has_brackets ? PA_YES : PA_UNKNOWN;
}

/* The family of the socket, which decides whether an option like -4 would have hidden it. */
static int family_of_socket(const struct pa_table_row *row, enum spelling spelling)
{
	if (row->names_ipv6 || row->local.is_mapped || row->local.family == 6)
		return 6;
	return row->local.family == 4 || spelling == SPELLING_OLD ? 4 : 6;
}

static void add_listener(struct pa_table *table, const struct pa_table_row *row, enum spelling spelling)
{
	bool raw = row->kind == PA_ROW_RAW;
	struct pa_listener listener = { .protocol = raw ? row->local.port : row->protocol,
					.raw = raw,
					.mptcp = row->kind == PA_ROW_MULTIPATH,
					.any_address = row->local.any_address,
					.address = row->local.address,
					.port = raw ? 0 : row->local.port,
					.interface = row->local.interface,
					.uid_known = row->uid_known,
					.uid = row->uid,
					.user = row->user,
					.inode = row->inode,
					.cgroup = row->cgroup };
	set_family(&listener, row, spelling);
	listener.processes_known = row->process_count > 0;
	size_t number = pa_sockets_add_listener(table->sockets, &listener);
	for (size_t i = 0; i < row->process_count; i++)
		pa_sockets_hold(table->sockets, number, pa_sockets_add_process(table->sockets, &row->processes[i]));
}

/* --- connections ---------------------------------------------------------------------------------------------- */

#define PORTS 65536

static bool is_tcp(const struct pa_table_row *row)
{
	return row->protocol == IPPROTO_TCP && row->kind == PA_ROW_PLAIN;
}

static void add_connection(struct pa_table *table, const struct pa_table_row *row)
{
	const struct pa_connections connections = { .protocol = IPPROTO_TCP,
						    .family = row->peer.family,
						    .local = row->local.address,
						    .remote = row->peer.address,
						    .remote_port = row->peer.port,
						    .count = 1,
						    .time_wait = row->state == PA_ROW_TIME_WAIT };
	pa_sockets_add_connections(table->sockets, &connections);
}

/* Which connections went out is known where the listeners are in the same table. */
static void add_connections(struct pa_table *table)
{
	struct pa_sockets *sockets = table->sockets;
	bool *listening = pa_xcalloc(PORTS, sizeof(*listening)), any = table->has_connections, listeners = false, cut = false;
	for (size_t i = 0; i < table->row_count; i++) {
		const struct pa_table_row *row = &table->rows[i];
		if (is_tcp(row) && row->state == PA_ROW_LISTENS)
			listeners = listening[row->local.port] = true;
	}
	for (size_t i = 0; i < table->row_count; i++) {
		const struct pa_table_row *row = &table->rows[i];
		if (!is_tcp(row) || is_listener(row))
			continue;
		any = true;
		cut = cut || row->peer.cut || row->local.cut;
		bool whole = !row->peer.cut && !row->local.cut && !row->peer.any_port && row->peer.family;
		if (whole && !listening[row->local.port])
			add_connection(table, row);
	}
	free(listening);
	sockets->connections_known = any && listeners && !cut && !table->has_only_connections;
	if (cut)
		pa_sockets_add_missing(
			sockets, "where some connections go to: the addresses may be cut off (netstat -W shows them whole)");
	else if (!sockets->connections_known)
		pa_sockets_add_missing(sockets,
				       "connections that this host opened: no table of all of them (ss -tan shows it)");
}

/* --- what the table leaves open ------------------------------------------------------------------------------- */

/* The options that the table was made with are not in it: it covers what it shows. */
static void add_coverage(struct pa_table *table, enum spelling spelling)
{
	struct pa_sockets *sockets = table->sockets;
	bool families[7] = { false };
	for (size_t i = 0; i < table->row_count; i++)
		families[family_of_socket(&table->rows[i], spelling)] = true;
	for (size_t i = 0; i < sockets->listener_count; i++)
		for (int family = 4; family <= 6; family += 2)
			if (families[family] && !sockets->listeners[i].raw)
				pa_sockets_add_coverage(sockets, sockets->listeners[i].protocol, family);
}

static bool has_protocol(const struct pa_sockets *sockets, unsigned protocol)
{
	for (size_t i = 0; i < sockets->coverage_count; i++)
		if (sockets->coverage[i].protocol == protocol)
			return true;
	return false;
}

static void tell_coverage(struct pa_sockets *sockets)
{
	bool families[7] = { false };
	for (size_t i = 0; i < sockets->coverage_count; i++)
		families[sockets->coverage[i].family] = true;
	if (!has_protocol(sockets, IPPROTO_TCP))
		pa_sockets_add_missing(sockets,
				       "listeners of TCP: none is in the file, which may not have been asked for them");
	if (!has_protocol(sockets, IPPROTO_UDP))
		pa_sockets_add_missing(sockets, "sockets of UDP: none is in the file, which may not have been asked for them");
	for (int family = 4; family <= 6; family += 2)
		if (!families[family])
			pa_sockets_add_missing(sockets,
					       "sockets of IPv%d: none is in the file, which may not have been asked for them",
					       family);
}

static void tell_processes(struct pa_table *table)
{
	struct pa_sockets *sockets = table->sockets;
	size_t unknown = 0;
	for (size_t i = 0; i < sockets->listener_count; i++)
		unknown += sockets->listeners[i].process_count == 0;
	sockets->processes_complete = sockets->listener_count && unknown == 0 && !table->hides_processes;
	if (unknown && unknown == sockets->listener_count)
		pa_sockets_add_missing(sockets, "which processes listen: the file names none (option -p, as root)");
	else if (unknown)
		pa_sockets_add_missing(sockets, "which processes hold %zu of the sockets: the file does not name them",
				       unknown);
}

static void tell_spelling(const struct pa_table *table, enum spelling spelling)
{
	bool star = false, guessed = !table->is_netstat && !table->has_protocol;
	for (size_t i = 0; i < table->row_count; i++)
		star = star || (table->rows[i].local.family == 0 && is_listener(&table->rows[i]));
	if (star && spelling == SPELLING_OPEN)
		pa_sockets_add_missing(table->sockets,
				       "whether * means IPv4 alone: versions of ss differ, it is taken for both families");
	if (guessed)
		pa_sockets_add_missing(
			table->sockets,
			"the protocol: the table does not name it; UNCONN is taken for UDP, other states for TCP");
	if (table->is_netstat)
		pa_sockets_add_missing(table->sockets, "the interfaces that sockets are bound to: netstat does not show them");
}

void pa_table_build(struct pa_table *table)
{
	enum spelling spelling = table->is_netstat ? SPELLING_OLD : find_spelling(table);
	for (size_t i = 0; i < table->row_count; i++)
		if (takes_new(&table->rows[i]))
			add_listener(table, &table->rows[i], spelling);
	add_connections(table);
	if (!table->has_only_connections)
		add_coverage(table, spelling);
	pa_sockets_finish(table->sockets);
	tell_coverage(table->sockets);
	tell_processes(table);
	tell_spelling(table, spelling);
}
