/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who listens in this network namespace. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "read.h"
#include "socket_read.h"

#define PORTS 65536

static const struct protocol {
	unsigned number;
	const char *name, *count_name[2], *table[2]; /* [0]: IPv4 */
	uint32_t state;
} protocols[] = {
#define PROTOCOL(number_, name_, count4, count6, table4, table6, state_) \
	{ .number = (number_),                                           \
	  .name = (name_),                                               \
	  .count_name = { count4, count6 },                              \
	  .table = { table4, table6 },                                   \
	  .state = (state_) },
#include "socket_protocol.def"
};
#define PROTOCOL_COUNT (sizeof(protocols) / sizeof(*protocols))

struct reading {
	struct pa_sockets *sockets;
	struct pa_diags *diags;
	struct mnl_socket *socket; /* NULL: sock_diag is not to be had */
	int socket_error;
	const struct protocol *protocol; /* that is being read */
	struct pa_accounts accounts;
	struct pa_cgroups cgroups;
	struct pa_number_map seen; /* cookies of the protocol and family that is being read */
	bool listening[PORTS];	   /* TCP ports with a listener */
	size_t mptcp_count;	   /* listeners of MPTCP: the last ones in the table */
};

/* --- one listener -------------------------------------------------------------------------------------------- */

static bool is_multipath(const struct reading *reading)
{
	return reading->protocol->number == IPPROTO_MPTCP;
}

static void set_address(struct pa_listener *listener, pa_u128 address)
{
	/* Bound to an IPv4-mapped address, a socket takes IPv4 alone. */
	if (listener->family == 6 && pa_value_is_ipv4(address))
		listener->family = 4;
	listener->any_address = address == (listener->family == 4 ? PA_IPV4_BASE : 0);
	listener->address = listener->any_address ? 0 : address;
	if (listener->family == 4 || !listener->any_address)
		listener->v6only = listener->family == 4 ? PA_NO : PA_YES;
}

static void set_names(struct reading *reading, struct pa_listener *listener, const struct pa_socket_row *row)
{
	struct pa_arena *arena = reading->sockets->arena;
	char name[IF_NAMESIZE];
	if (row->interface)
		listener->interface = if_indextoname(row->interface, name) ? pa_arena_strdup(arena, name)
									   : pa_arena_printf(arena, "if%u", row->interface);
	listener->user = pa_accounts_user(&reading->accounts, row->uid);
	if (row->cgroup)
		listener->cgroup = pa_cgroups_path(&reading->cgroups, row->cgroup);
}

static void add_listener(struct reading *reading, const struct pa_socket_row *row, pa_u128 address)
{
	bool raw = reading->protocol->number == IPPROTO_RAW;
	struct pa_listener listener = { .protocol = reading->protocol->number,
					.raw = raw,
					.mptcp = is_multipath(reading),
					.family = row->family,
					.v6only = row->v6only,
					.port = row->local_port,
					.uid_known = true,
					.uid = row->uid,
					.inode = row->inode };
	if (raw) { /* the kernel keeps the protocol of a raw socket where others have their port */
		listener.protocol = row->local_port;
		listener.port = 0;
		listener.v6only = row->family == 6 ? PA_YES : PA_NO; /* raw_v6_match(): no IPv4 packet comes by */
	} else if (listener.mptcp) {
		listener.protocol = IPPROTO_TCP;
		reading->mptcp_count++;
	}
	set_address(&listener, address);
	set_names(reading, &listener, row);
	if (listener.protocol == IPPROTO_TCP && !raw)
		reading->listening[listener.port] = true;
	pa_sockets_add_listener(reading->sockets, &listener);
}

/* SCTP: one listener for each local address. */
static void add_listeners(struct reading *reading, const struct pa_socket_row *row)
{
	for (size_t i = 0; i < row->local_count; i++) {
		struct sockaddr_storage local;
		memcpy(&local, (const char *)row->locals + i * sizeof(local), sizeof(local));
		const void *address = local.ss_family == AF_INET
					      ? (const void *)&((const struct sockaddr_in *)(const void *)&local)->sin_addr
					      : (const void *)&((const struct sockaddr_in6 *)(const void *)&local)->sin6_addr;
		struct pa_socket_row one = *row;
		if (local.ss_family == AF_INET)
			one.family = 4;
		add_listener(reading, &one, pa_address_from_bytes(address, local.ss_family == AF_INET ? 4 : 6));
	}
	if (row->local_count == 0)
		add_listener(reading, row, row->local);
}

static void take_listener(void *context, const struct pa_socket_row *row)
{
	struct reading *reading = context;
	size_t earlier;
	bool takes_new = row->state == reading->protocol->state && row->remote_port == 0;
	if (!takes_new || (row->local_port == 0 && reading->protocol->number != IPPROTO_RAW))
		return;
	if (row->cookie) {
		if (pa_number_map_find(&reading->seen, row->cookie, &earlier))
			return;
		pa_number_map_put(&reading->seen, row->cookie, 0);
	}
	add_listeners(reading, row);
}

/* --- the listeners of a protocol ----------------------------------------------------------------------------- */

/*
 * A dump is not made in one moment, and a socket that is opened or closed meanwhile can push another one out of it: a second
 * dump has that one.
 */
static int read_by_sock_diag(struct reading *reading, int family)
{
	int error = reading->socket ? 0 : reading->socket_error;
	for (unsigned dump = 0; dump < 2 && !error; dump++)
		error = pa_sock_diag_read(reading->socket, reading->protocol->number, family, 1u << reading->protocol->state,
					  take_listener, reading);
	return error;
}

static int read_by_proc(struct reading *reading, int family)
{
	const char *table = reading->protocol->table[family == 6];
	if (!table)
		return ENOENT;
	const char *path = pa_arena_printf(reading->sockets->arena, "/proc/thread-self/net/%s", table);
	int error = 0;
	for (unsigned look = 0; look < 2 && !error; look++)
		error = pa_socket_proc_read(path, family, take_listener, reading);
	return error;
}

static void tell_failure(struct reading *reading, int family, int error)
{
	pa_sockets_add_missing(reading->sockets, "sockets of %s over IPv%d: %s", reading->protocol->name, family,
			       error == ENOENT ? "this kernel does not list them" : strerrordesc_np(error));
	pa_diags_add(reading->diags, PA_DIAG_WARNING, PA_DIAG_INCOMPLETE, "who listens is not known in full: %s",
		     reading->sockets->missing[reading->sockets->missing_count - 1]);
}

/* Not asked of a protocol that the kernel does not have (yet): the question alone might load it. */
static void read_listeners(struct reading *reading, int family)
{
	const struct protocol *protocol = reading->protocol;
	const char *name = protocol->count_name[family == 6];
	long count = 0;
	int error = 0;
	if (pa_socket_proc_protocol(name, &count) != PA_NO) {
		error = read_by_sock_diag(reading, family);
		if (error && read_by_proc(reading, family) == 0)
			error = 0;
		if (error == ENOENT && pa_socket_proc_protocol(name, &count) == PA_YES && count == 0)
			error = 0;
	}
	pa_number_map_done(&reading->seen);
	if (error)
		tell_failure(reading, family, error);
	else if (protocol->number != IPPROTO_MPTCP && protocol->number != IPPROTO_RAW)
		pa_sockets_add_coverage(reading->sockets, protocol->number, family);
}

/* --- multipath TCP ------------------------------------------------------------------------------------------- */

static bool is_same_endpoint(const struct pa_listener *a, const struct pa_listener *b)
{
	return a->protocol == b->protocol && a->port == b->port && a->family == b->family && a->address == b->address &&
	       a->any_address == b->any_address && pa_text_equal(a->interface, b->interface) && !a->raw && !b->raw;
}

/*
 * A listener of MPTCP has a TCP socket below it that the kernel made, with an inode that no process holds: the table names the
 * one that the process holds, once.
 */
static void merge_multipath(struct reading *reading)
{
	struct pa_sockets *sockets = reading->sockets;
	size_t first = sockets->listener_count - reading->mptcp_count, kept = first;
	for (size_t i = first; i < sockets->listener_count; i++) {
		struct pa_listener *upper = &sockets->listeners[i];
		size_t below = 0;
		while (below < first &&
		       !(is_same_endpoint(upper, &sockets->listeners[below]) && !sockets->listeners[below].mptcp))
			below++;
		if (below < first)
			sockets->listeners[below] = *upper;
		else
			sockets->listeners[kept++] = *upper;
	}
	sockets->listener_count = kept;
}

/* --- connections --------------------------------------------------------------------------------------------- */

static void take_connection(void *context, const struct pa_socket_row *row)
{
	struct reading *reading = context;
	if (row->state == PA_SOCKET_LISTEN || row->remote_port == 0 || reading->listening[row->local_port])
		return;
	bool ipv4 = row->family == 4 || pa_value_is_ipv4(row->remote);
	const struct pa_connections connections = { .protocol = IPPROTO_TCP,
						    .family = ipv4 ? 4 : 6,
						    .local = row->local,
						    .remote = row->remote,
						    .remote_port = row->remote_port,
						    .count = 1,
						    .time_wait = row->state == PA_SOCKET_TIME_WAIT };
	pa_sockets_add_connections(reading->sockets, &connections);
}

static void read_connections(struct reading *reading)
{
	int error = reading->socket ? 0 : reading->socket_error;
	for (int family = 4; family <= 6 && !error; family += 2) {
		error = pa_sock_diag_read(reading->socket, IPPROTO_TCP, family,
					  PA_SOCKET_ALL_STATES & ~(1u << PA_SOCKET_LISTEN), take_connection, reading);
		long count;
		if (error == ENOENT && family == 6 && pa_socket_proc_protocol("TCPv6", &count) == PA_NO)
			error = 0;
	}
	reading->sockets->connections_known = !error;
	if (error)
		pa_sockets_add_missing(reading->sockets, "connections of TCP: %s", strerrordesc_np(error));
}

/* --- who holds them ------------------------------------------------------------------------------------------ */

static void index_inodes(const struct pa_sockets *sockets, struct pa_inodes *inodes)
{
	inodes->next = pa_xcalloc(sockets->listener_count, sizeof(*inodes->next));
	for (size_t i = 0; i < sockets->listener_count; i++) {
		size_t first;
		if (pa_number_map_find(&inodes->first, sockets->listeners[i].inode, &first))
			inodes->next[i] = first + 1;
		pa_number_map_put(&inodes->first, sockets->listeners[i].inode, i);
	}
}

static void read_processes(struct reading *reading)
{
	struct pa_inodes inodes = { 0 };
	index_inodes(reading->sockets, &inodes);
	pa_processes_read(reading->sockets, &inodes, &reading->accounts);
	pa_number_map_done(&inodes.first);
	free(inodes.next);
}

/* By the manager of the system: those of users have units of their own, in other folders. */
static bool is_held_by_manager(const struct pa_sockets *sockets, const struct pa_listener *listener)
{
	for (size_t i = 0; i < listener->process_count; i++) {
		const struct pa_process *process = &sockets->processes[listener->processes[i]];
		if (process->is_service_manager && (process->pid == 1 || pa_text_equal(process->unit, "init.scope")))
			return true;
	}
	return false;
}

/* The socket's own control group names the .socket unit where systemd made the socket in it; else the unit files may. */
static void name_socket_unit(struct pa_sockets *sockets, struct pa_listener *listener)
{
	size_t length = listener->unit ? strlen(listener->unit) : 0;
	bool is_socket = length > 7 && strcmp(listener->unit + length - 7, ".socket") == 0;
	if (listener->cgroup && strstr(listener->cgroup, "/user@"))
		return;
	if (!is_socket && is_held_by_manager(sockets, listener)) {
		const char *found = pa_socket_unit_find(NULL, listener->protocol, listener->port, sockets->arena);
		listener->unit = found ? found : listener->unit;
		is_socket = found != NULL;
	}
	if (is_socket)
		listener->activates = pa_socket_unit_service(NULL, listener->unit, sockets->arena);
	if (listener->activates)
		pa_socket_unit_program(NULL, listener->activates, sockets->arena, &listener->activates_executable,
				       &listener->activates_user);
}

/* Sockets of the kernel itself, and of processes in a PID namespace that is not below this one. */
static void note_unheld(struct pa_sockets *sockets)
{
	size_t unheld = 0;
	for (size_t i = 0; i < sockets->listener_count; i++) {
		struct pa_listener *listener = &sockets->listeners[i];
		name_socket_unit(sockets, listener);
		if (!listener->processes_known || listener->process_count)
			continue;
		listener->processes_known = false;
		unheld++;
	}
	if (unheld)
		pa_sockets_add_missing(
			sockets,
			"who holds %zu of the sockets: no process that is to be seen here (the kernel, or another "
			"PID namespace)",
			unheld);
}

struct pa_sockets *pa_sockets_read_live(struct pa_diags *diags)
{
	struct reading *reading = pa_xcalloc(1, sizeof(*reading));
	reading->sockets = pa_sockets_new("the kernel");
	reading->diags = diags;
	reading->socket = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	reading->socket_error = reading->socket ? 0 : errno;
	pa_accounts_read(&reading->accounts);
	pa_cgroups_read(&reading->cgroups);
	for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
		reading->protocol = &protocols[i];
		read_listeners(reading, 4);
		read_listeners(reading, 6);
		if (is_multipath(reading))
			merge_multipath(reading);
	}
	read_connections(reading);
	read_processes(reading);
	pa_sockets_finish(reading->sockets);
	note_unheld(reading->sockets);
	if (reading->socket)
		mnl_socket_close(reading->socket);
	pa_accounts_done(&reading->accounts);
	pa_cgroups_done(&reading->cgroups);
	struct pa_sockets *sockets = reading->sockets;
	free(reading);
	return sockets;
}
