/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process that listens may do, and what it is.
 *
 * SOC-005  a process with all rights of this host's root holds a port below 1024, and nothing is known that it needs them for: binding
 *          the port takes CAP_NET_BIND_SERVICE only. A daemon that shares the socket with workers of another user has given its rights up
 *          where it matters. Also: net.ipv4.ip_unprivileged_port_start below 1024.
 * SOC-007  a process of root on a port from 1024 on that something outside reaches.
 * SOC-009  the executable was deleted or replaced since the process started.
 * SOC-010  a port whose programs are known (daemon.def) is held by another one. Where the policy says who listens there, or gives the
 *          port a service of its own, that counts instead.
 */
#include <string.h>

#include "listener.h"

/* Bits of linux/capability.h: whoever has these can become anybody. */
#define CAP_DAC_OVERRIDE 1
#define CAP_SETUID 7
#define CAP_SYS_ADMIN 21
#define BIT(number) (UINT64_C(1) << (number))
#define FULL_RIGHTS (BIT(CAP_DAC_OVERRIDE) | BIT(CAP_SETUID) | BIT(CAP_SYS_ADMIN))
#define PROGRAMS_MAX 12

static const char *executable_name(const struct pa_process *process)
{
	const char *slash = process->executable ? strrchr(process->executable, '/') : NULL;

	return slash ? slash + 1 : process->executable;
}

static bool is_any_of(bool (*test)(const char *program), const struct pa_process *process)
{
	const char *name = executable_name(process);

	return (process->command && test(process->command)) || (name && test(name));
}

/* --- reporting ----------------------------------------------------------------------------------------------------------- */

/* What the findings of one check say of each program. */
struct words {
	enum pa_check_id check;
	bool (*wanted)(struct comparison *c, struct listening *listening);
	const char *what; /* behind "nginx (...) listens on 80/tcp" */
	const char *fix;
};

static void report_holding(struct comparison *c, const struct words *words, const struct holding *holding)
{
	struct pa_finding *finding = compare_add_holding(c, words->check, holding, NULL);
	struct pa_buffer text = { 0 };

	describe_holding(c, holding, &text);
	pa_buffer_puts(&text, words->what);
	finding->message = compare_text(c, &text);
	finding->fix = words->fix;
	pa_buffer_done(&text);
}

static void report_more(struct comparison *c, const struct words *words, const struct holding *holdings, size_t count)
{
	struct pa_finding *finding = compare_add(c, words->check, "more");
	struct pa_buffer text = { 0 };

	pa_buffer_printf(&text, "the same holds for %zu more programs: ", count);
	for (size_t i = 0; i < count; i++) {
		const char *name = compare_program(c, holdings[i].items[0]->socket);

		pa_buffer_printf(&text, "%s%s ", i ? "; " : "", name ? name : "?");
		describe_holding_ports(&holdings[i], &text);
	}
	finding->message = compare_text(c, &text);
	finding->fix = words->fix;
	pa_buffer_done(&text);
}

static void report_all(struct comparison *c, const struct words *words)
{
	struct holding *holdings;
	size_t count = compare_holdings(c, words->wanted, &holdings);
	size_t shown = count > PROGRAMS_MAX ? PROGRAMS_MAX - 1 : count;

	for (size_t i = 0; i < shown; i++)
		report_holding(c, words, &holdings[i]);
	if (shown < count)
		report_more(c, words, holdings + shown, count - shown);
}

/* --- which facts are there -------------------------------------------------------------------------------------------------- */

static bool knows_rights(const struct pa_process *process)
{
	return process->ids_known && process->capabilities_known;
}

static bool knows_ids(const struct pa_process *process)
{
	return process->ids_known;
}

static bool knows_executable(const struct pa_process *process)
{
	return process->executable != NULL;
}

static bool knows_name(const struct pa_process *process)
{
	return process->command || process->executable;
}

/* A check passes only when it could look at every process that holds a socket. */
static void require_facts(struct comparison *c, enum pa_check_id check, bool (*known)(const struct pa_process *process),
			  const char *reason)
{
	for (size_t i = 0; i < c->listening_count; i++) {
		const struct pa_listener *socket = c->listening[i].socket;
		bool all = socket->processes_known;

		for (size_t k = 0; all && k < compare_holder_count(c, socket); k++)
			all = known(compare_holder(c, socket, k));
		if (!all) {
			compare_not_assessed(c, check, reason);
			return;
		}
	}
}

/* --- SOC-005 ------------------------------------------------------------------------------------------------------------ */

static bool is_full_root(const struct pa_process *process)
{
	return knows_rights(process) && process->effective_uid == 0 && process->foreign_user_namespace != PA_YES &&
	       (process->effective & FULL_RIGHTS) == FULL_RIGHTS;
}

static bool has_idle_rights(struct comparison *c, struct listening *listening)
{
	const struct pa_listener *socket = listening->socket;
	size_t count = compare_holder_count(c, socket), roots = 0;

	if (socket->raw || socket->port >= FIRST_USER_PORT)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct pa_process *process = compare_holder(c, socket, i);

		if (process->ids_known && process->effective_uid != 0)
			return false;
		roots += is_full_root(process) && !is_any_of(compare_needs_root, process);
	}
	return roots > 0 && roots == count;
}

static void report_low_start(struct comparison *c)
{
	int start = c->host->unprivileged_port_start;
	struct pa_finding *finding = compare_add(c, PA_CHECK_SOC_005, "ip_unprivileged_port_start");
	bool one = start == FIRST_USER_PORT - 1;

	finding->message =
		pa_arena_printf(c->result->arena,
				"every user may listen on port%s %d%s: net.ipv4.ip_unprivileged_port_start is %d, not 1024",
				one ? "" : "s", start, one ? "" : "-1023", start);
	finding->fix =
		"set net.ipv4.ip_unprivileged_port_start = 1024 in sysctl.d(5), and give programs that need a system port "
		"AmbientCapabilities=CAP_NET_BIND_SERVICE in their unit";
}

static void check_system_ports(struct comparison *c)
{
	static const struct words words = {
		PA_CHECK_SOC_005, has_idle_rights,
		" with all rights of root; a port below 1024 needs CAP_NET_BIND_SERVICE only",
		"run it as a user of its own: User= and AmbientCapabilities=CAP_NET_BIND_SERVICE in its unit, or a socket unit, or "
		"setcap(8)"
	};

	if (c->host->unprivileged_port_start < 0)
		compare_not_assessed(c, PA_CHECK_SOC_005, "net.ipv4.ip_unprivileged_port_start is not known");
	else if (c->host->unprivileged_port_start < FIRST_USER_PORT)
		report_low_start(c);
	require_facts(c, PA_CHECK_SOC_005, knows_rights, "the users and capabilities of processes are not known");
	report_all(c, &words);
}

/* --- SOC-007 ------------------------------------------------------------------------------------------------------------ */

static bool is_reachable_root(struct comparison *c, struct listening *listening)
{
	const struct pa_listener *socket = listening->socket;

	if (socket->raw || socket->port < FIRST_USER_PORT || !listening->reachable)
		return false;
	for (size_t i = 0; i < compare_holder_count(c, socket); i++)
		if (is_full_root(compare_holder(c, socket, i)) && !is_any_of(compare_needs_root, compare_holder(c, socket, i)))
			return true;
	return false;
}

static void check_high_ports(struct comparison *c)
{
	static const struct words words = { PA_CHECK_SOC_007, is_reachable_root,
					    " with all rights of root, and the firewall lets others reach it",
					    "run it as a user of its own: its port needs no rights at all" };

	require_facts(c, PA_CHECK_SOC_007, knows_ids, "the users of processes are not known");
	report_all(c, &words);
}

/* --- SOC-009 ------------------------------------------------------------------------------------------------------------ */

static bool is_deleted(struct comparison *c, struct listening *listening)
{
	for (size_t i = 0; i < compare_holder_count(c, listening->socket); i++)
		if (compare_holder(c, listening->socket, i)->executable_deleted)
			return true;
	return false;
}

static void check_deleted(struct comparison *c)
{
	static const struct words words = {
		PA_CHECK_SOC_009, is_deleted, ", and its executable has been deleted or replaced since it was started",
		"restart it if a package was updated (needrestart(1) lists such services); if none was, find "
		"out what is running: /proc/PID/exe still holds it"
	};

	require_facts(c, PA_CHECK_SOC_009, knows_executable, "the executables of processes are not known");
	report_all(c, &words);
}

/* --- SOC-010 ------------------------------------------------------------------------------------------------------------ */

static bool policy_decides(const struct comparison *c, const struct pa_listener *socket)
{
	if (pa_policy_service_name(c->policy, socket->protocol, socket->port))
		return true;
	for (size_t i = 0; c->policy && i < c->policy->statement_count; i++) {
		const struct pa_statement *statement = c->policy->statements[i];
		bool says = statement->fields.listener_demand == PA_LISTENER_BY;

		if (says && compare_names_port(c, statement->items, statement->item_count, socket))
			return true;
	}
	return false;
}

static const char *squatted_service(const struct comparison *c, const struct pa_listener *socket)
{
	const char *service = NULL, *other = NULL;

	for (size_t i = 0; i < compare_holder_count(c, socket); i++) {
		const struct pa_process *process = compare_holder(c, socket, i);
		const char *name = executable_name(process);

		if (!knows_name(process) ||
		    (process->command && !compare_is_stranger(socket->protocol, socket->port, process->command, &service)) ||
		    (name && !compare_is_stranger(socket->protocol, socket->port, name, &other)))
			return NULL;
	}
	return service ? service : other;
}

static bool is_squatter(struct comparison *c, struct listening *listening)
{
	const struct pa_listener *socket = listening->socket;

	return !socket->raw && squatted_service(c, socket) != NULL && !policy_decides(c, socket);
}

static void report_squatter(struct comparison *c, const struct holding *holding)
{
	struct pa_finding *finding = compare_add_holding(c, PA_CHECK_SOC_010, holding, NULL);
	struct pa_buffer text = { 0 };

	describe_holding(c, holding, &text);
	pa_buffer_printf(&text, ", the port of %s, which is not what it is known as",
			 squatted_service(c, holding->items[0]->socket));
	finding->message = compare_text(c, &text);
	finding->fix =
		"find out what it is; if it is meant, give the port a `service` of its own in the policy, or say who listens "
		"there (`listener exe PATH`)";
	pa_buffer_done(&text);
}

static void check_squatters(struct comparison *c)
{
	struct holding *holdings;
	size_t count = compare_holdings(c, is_squatter, &holdings);

	require_facts(c, PA_CHECK_SOC_010, knows_name, "the programs behind the sockets are not known");
	for (size_t i = 0; i < count; i++) {
		/* each port is another service's */
		for (size_t k = 0; k < holdings[i].count; k++) {
			struct holding one = { &holdings[i].items[k], 1 };

			if (k == 0 || holdings[i].items[k]->socket->port != holdings[i].items[k - 1]->socket->port)
				report_squatter(c, &one);
		}
	}
}

void check_rights(struct comparison *c)
{
	if (compare_enabled(c, PA_CHECK_SOC_005))
		check_system_ports(c);
	if (compare_enabled(c, PA_CHECK_SOC_007))
		check_high_ports(c);
	if (compare_enabled(c, PA_CHECK_SOC_009))
		check_deleted(c);
	if (compare_enabled(c, PA_CHECK_SOC_010))
		check_squatters(c);
}
