/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of listeners and their processes: filled in any order, then sorted, so that equal hosts give equal tables. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "portaudit/socket.h"
#include "socket_read.h"

/* A process holds a listener: their numbers in the order in which they were added. */
struct hold {
	size_t listener, process;
};

/* What is needed while the table is filled stands behind what everybody sees. */
struct table {
	struct pa_sockets seen;
	struct hold *holds;
	size_t hold_count, hold_capacity;
	size_t listener_capacity, process_capacity, connection_capacity;
	size_t *by_pid; /* number of a process + 1, at the first free place from its pid on; 0: free */
	size_t by_pid_size;
};

static struct table *table_of(struct pa_sockets *sockets)
{
	return (struct table *)(void *)sockets;
}

struct pa_sockets *pa_sockets_new(const char *source)
{
	struct table *table = pa_xcalloc(1, sizeof(*table));
	table->seen.arena = pa_arena_new();
	table->seen.source = source ? pa_arena_strdup(table->seen.arena, source) : NULL;
	return &table->seen;
}

struct pa_sockets *pa_sockets_free(struct pa_sockets *sockets)
{
	if (!sockets)
		return NULL;
	struct table *table = table_of(sockets);
	free(table->holds);
	free(table->by_pid);
	free(sockets->listeners);
	free(sockets->processes);
	free(sockets->connections);
	pa_arena_free(sockets->arena);
	free(table);
	return NULL;
}

static const char *copy(struct pa_sockets *sockets, const char *text)
{
	return text ? pa_arena_strdup(sockets->arena, text) : NULL;
}

size_t pa_sockets_add_listener(struct pa_sockets *sockets, const struct pa_listener *listener)
{
	pa_grow(&sockets->listeners, &table_of(sockets)->listener_capacity, sockets->listener_count + 1,
		sizeof(*sockets->listeners));
	struct pa_listener *added = &sockets->listeners[sockets->listener_count];
	*added = *listener;
	added->interface = copy(sockets, listener->interface);
	added->user = copy(sockets, listener->user);
	added->cgroup = copy(sockets, listener->cgroup);
	added->unit = copy(sockets, listener->unit);
	added->activates = copy(sockets, listener->activates);
	added->activates_executable = copy(sockets, listener->activates_executable);
	added->activates_user = copy(sockets, listener->activates_user);
	added->processes = NULL;
	added->process_count = 0;
	return sockets->listener_count++;
}

/* --- processes ---------------------------------------------------------------------------------------------- */

/* The place of a pid in by_pid: where it stands, or where it may be put. */
static size_t *place_of_pid(struct table *table, uint32_t pid)
{
	size_t at = ((size_t)pid * 2654435761u) & (table->by_pid_size - 1);
	while (table->by_pid[at] && table->seen.processes[table->by_pid[at] - 1].pid != pid)
		at = (at + 1) & (table->by_pid_size - 1);
	return &table->by_pid[at];
}

/* Room for one more, with half of the places free. */
static void grow_by_pid(struct table *table)
{
	size_t wanted = 2 * (table->seen.process_count + 1);
	if (wanted <= table->by_pid_size)
		return;
	free(table->by_pid);
	table->by_pid_size = table->by_pid_size ? 2 * table->by_pid_size : 64;
	table->by_pid = pa_xcalloc(table->by_pid_size, sizeof(*table->by_pid));
	for (size_t i = 0; i < table->seen.process_count; i++)
		*place_of_pid(table, table->seen.processes[i].pid) = i + 1;
}

size_t pa_sockets_add_process(struct pa_sockets *sockets, const struct pa_process *process)
{
	struct table *table = table_of(sockets);
	grow_by_pid(table);
	size_t *place = place_of_pid(table, process->pid);
	if (*place)
		return *place - 1;
	pa_grow(&sockets->processes, &table->process_capacity, sockets->process_count + 1, sizeof(*sockets->processes));
	struct pa_process *added = &sockets->processes[sockets->process_count];
	*added = *process;
	added->command = copy(sockets, process->command);
	added->executable = copy(sockets, process->executable);
	added->user = copy(sockets, process->user);
	added->group = copy(sockets, process->group);
	added->unit = copy(sockets, process->unit);
	added->container = copy(sockets, process->container);
	*place = ++sockets->process_count;
	return sockets->process_count - 1;
}

void pa_sockets_hold(struct pa_sockets *sockets, size_t listener, size_t process)
{
	struct table *table = table_of(sockets);
	pa_grow(&table->holds, &table->hold_capacity, table->hold_count + 1, sizeof(*table->holds));
	table->holds[table->hold_count++] = (struct hold){ listener, process };
}

/* --- the rest ----------------------------------------------------------------------------------------------- */

void pa_sockets_add_connections(struct pa_sockets *sockets, const struct pa_connections *connections)
{
	pa_grow(&sockets->connections, &table_of(sockets)->connection_capacity, sockets->connection_count + 1,
		sizeof(*sockets->connections));
	sockets->connections[sockets->connection_count++] = *connections;
}

static bool has_coverage(const struct pa_sockets *sockets, unsigned protocol, int family)
{
	for (size_t i = 0; i < sockets->coverage_count; i++)
		if (sockets->coverage[i].protocol == protocol && sockets->coverage[i].family == family)
			return true;
	return false;
}

void pa_sockets_add_coverage(struct pa_sockets *sockets, unsigned protocol, int family)
{
	if (has_coverage(sockets, protocol, family))
		return;
	size_t count = sockets->coverage_count, at = count;
	struct pa_socket_coverage *longer = pa_arena_alloc(sockets->arena, count + 1, sizeof(*longer));
	if (count)
		memcpy(longer, sockets->coverage, count * sizeof(*longer));
	for (; at > 0 &&
	       (longer[at - 1].protocol > protocol || (longer[at - 1].protocol == protocol && longer[at - 1].family > family));
	     at--)
		longer[at] = longer[at - 1];
	longer[at] = (struct pa_socket_coverage){ protocol, family };
	sockets->coverage = longer;
	sockets->coverage_count = count + 1;
}

void pa_sockets_add_missing(struct pa_sockets *sockets, const char *format, ...)
{
	const char **longer = pa_arena_alloc(sockets->arena, sockets->missing_count + 1, sizeof(*longer));
	if (sockets->missing_count)
		memcpy(longer, sockets->missing, sockets->missing_count * sizeof(*longer));
	va_list arguments;
	va_start(arguments, format);
	longer[sockets->missing_count++] = pa_arena_vprintf(sockets->arena, format, arguments);
	va_end(arguments);
	sockets->missing = longer;
}

bool pa_sockets_cover(const struct pa_sockets *sockets, unsigned protocol, int family)
{
	if (!sockets)
		return false;
	/* An IPv6 socket may be what takes IPv4. */
	return has_coverage(sockets, protocol, family) && (family == 6 || has_coverage(sockets, protocol, 6));
}

bool pa_listener_takes(const struct pa_listener *listener, int family, pa_u128 address, const char *interface)
{
	if (listener->interface && interface && strcmp(listener->interface, interface) != 0)
		return false;
	if (listener->family != family)
		return listener->family == 6 && listener->any_address && listener->v6only != PA_YES;
	return listener->any_address || listener->address == address;
}

/* --- finishing ---------------------------------------------------------------------------------------------- */

#define COMPARE(a, b)                              \
	do {                                       \
		if ((a) != (b))                    \
			return (a) < (b) ? -1 : 1; \
	} while (0)

static int compare_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

/* What several sockets can share: where packets go to. */
static int compare_endpoint(const struct pa_listener *a, const struct pa_listener *b)
{
	COMPARE(a->protocol, b->protocol);
	COMPARE(a->raw, b->raw);
	COMPARE(a->port, b->port);
	COMPARE(a->family, b->family);
	COMPARE(!a->any_address, !b->any_address);
	COMPARE(a->address, b->address);
	return compare_text(a->interface, b->interface);
}

static int compare_listeners(const void *left, const void *right, void *context)
{
	const struct pa_listener *listeners = context, *a = &listeners[*(const size_t *)left],
				 *b = &listeners[*(const size_t *)right];
	int order = compare_endpoint(a, b);
	if (order)
		return order;
	COMPARE(a->inode, b->inode);
	COMPARE(a->uid, b->uid);
	COMPARE(*(const size_t *)left, *(const size_t *)right);
	return 0;
}

static int compare_processes(const void *left, const void *right, void *context)
{
	const struct pa_process *processes = context;
	COMPARE(processes[*(const size_t *)left].pid, processes[*(const size_t *)right].pid);
	return 0;
}

/*
 * Sort an array that others point into. Returns for each old number the new one, to be freed.
 */
static size_t *sort_numbered(void *items, size_t count, size_t size, int (*compare)(const void *, const void *, void *))
{
	size_t *order = pa_xcalloc(count, sizeof(*order)), *renumbered = pa_xcalloc(count, sizeof(*renumbered));
	for (size_t i = 0; i < count; i++)
		order[i] = i;
	if (count)
		qsort_r(order, count, sizeof(*order), compare, items);
	char *sorted = pa_xmalloc(count * size);
	for (size_t i = 0; i < count; i++) {
		memcpy(sorted + i * size, (char *)items + order[i] * size, size);
		renumbered[order[i]] = i;
	}
	if (count)
		memcpy(items, sorted, count * size);
	free(sorted);
	free(order);
	return renumbered;
}

static int compare_holds(const void *left, const void *right)
{
	const struct hold *a = left, *b = right;
	COMPARE(a->listener, b->listener);
	COMPARE(a->process, b->process);
	return 0;
}

/* Give each listener its processes, each once. */
static void distribute_holds(struct table *table)
{
	struct pa_sockets *sockets = &table->seen;
	uint32_t *numbers = pa_arena_alloc(sockets->arena, table->hold_count + 1, sizeof(*numbers));
	if (table->hold_count)
		qsort(table->holds, table->hold_count, sizeof(*table->holds), compare_holds);
	for (size_t i = 0; i < sockets->listener_count; i++)
		sockets->listeners[i].process_count = 0;
	for (size_t i = 0; i < table->hold_count; i++) {
		const struct hold *hold = &table->holds[i];
		struct pa_listener *listener = &sockets->listeners[hold->listener];
		if (i > 0 && compare_holds(hold, hold - 1) == 0)
			continue;
		if (listener->process_count == 0)
			listener->processes = &numbers[i];
		listener->processes[listener->process_count++] = (uint32_t)hold->process;
	}
}

static void sort_listeners_and_processes(struct table *table)
{
	struct pa_sockets *sockets = &table->seen;
	size_t *listeners =
		sort_numbered(sockets->listeners, sockets->listener_count, sizeof(*sockets->listeners), compare_listeners);
	size_t *processes =
		sort_numbered(sockets->processes, sockets->process_count, sizeof(*sockets->processes), compare_processes);
	for (size_t i = 0; i < table->hold_count; i++) {
		table->holds[i].listener = listeners[table->holds[i].listener];
		table->holds[i].process = processes[table->holds[i].process];
	}
	free(listeners);
	free(processes);
	distribute_holds(table);
}

static void mark_shared(struct pa_sockets *sockets)
{
	for (size_t i = 1; i < sockets->listener_count; i++)
		if (!sockets->listeners[i].raw && compare_endpoint(&sockets->listeners[i - 1], &sockets->listeners[i]) == 0)
			sockets->listeners[i - 1].reuseport = sockets->listeners[i].reuseport = PA_YES;
}

static int compare_connections(const void *left, const void *right)
{
	const struct pa_connections *a = left, *b = right;
	COMPARE(a->protocol, b->protocol);
	COMPARE(a->family, b->family);
	COMPARE(a->remote, b->remote);
	COMPARE(a->remote_port, b->remote_port);
	COMPARE(a->local, b->local);
	return 0;
}

/* One row for what goes from one address to one address and port. */
static void sum_up_connections(struct pa_sockets *sockets)
{
	size_t kept = 0;
	struct pa_connections *rows = sockets->connections;
	if (sockets->connection_count)
		qsort(rows, sockets->connection_count, sizeof(*rows), compare_connections);
	for (size_t i = 0; i < sockets->connection_count; i++) {
		if (kept > 0 && compare_connections(&rows[kept - 1], &rows[i]) == 0) {
			rows[kept - 1].count += rows[i].count;
			rows[kept - 1].time_wait += rows[i].time_wait;
		} else {
			rows[kept++] = rows[i];
		}
	}
	sockets->connection_count = kept;
}

static void name_units(struct pa_sockets *sockets)
{
	for (size_t i = 0; i < sockets->listener_count; i++) {
		struct pa_listener *listener = &sockets->listeners[i];
		if (!listener->unit && listener->cgroup)
			listener->unit = pa_cgroup_unit(listener->cgroup, sockets->arena);
	}
}

void pa_sockets_finish(struct pa_sockets *sockets)
{
	name_units(sockets);
	sort_listeners_and_processes(table_of(sockets));
	mark_shared(sockets);
	sum_up_connections(sockets);
	sockets->listeners_complete = pa_sockets_cover(sockets, IPPROTO_TCP, 4) && pa_sockets_cover(sockets, IPPROTO_UDP, 4);
}
