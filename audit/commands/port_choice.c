/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is a port a good one for a new service? What speaks against it, and near ports that nothing speaks against: not registered for
 * anything, outside the ports that the kernel hands out itself, nobody listens, no translation uses them.
 */
#include <netinet/in.h>
#include <string.h>

#include "port.h"

#define LAST_SYSTEM 1023
#define LAST_USER 49151

struct sentences {
	const char **items;
	size_t count;
};

static void say(struct pa_arena *arena, struct sentences *list, const char *sentence)
{
	const char **longer = pa_arena_alloc(arena, list->count + 1, sizeof(*longer));
	if (list->count)
		memcpy(longer, list->items, list->count * sizeof(*longer));
	longer[list->count++] = sentence;
	list->items = longer;
}

/* --- translations ------------------------------------------------------------------------------------------------------ */

/* The source ports that a step of snat or masquerade uses. */
static bool has_source_ports(const struct pa_step *step, struct pa_interval *ret_ports)
{
	if (step->kind != PA_STEP_NAT || (step->nat != PA_NAT_SNAT && step->nat != PA_NAT_MASQUERADE) ||
	    step->port.kind != PA_OPERAND_VALUE)
		return false;
	*ret_ports = step->port.interval;
	return true;
}

static bool uses_source_port(const struct pa_rule *rule, unsigned port)
{
	struct pa_interval ports;
	for (size_t i = 0; i < rule->step_count; i++)
		if (has_source_ports(&rule->steps[i], &ports) && port >= ports.first && port <= ports.last)
			return true;
	return false;
}

static void mark(bool *taken, pa_u128 first, pa_u128 last)
{
	for (pa_u128 port = first; port <= last && port < PA_PORTS; port++)
		taken[port] = true;
}

static bool mark_box(void *context, const struct pa_box *box)
{
	for (size_t i = 0; i < box->field[PA_FIELD_DPORT].count; i++)
		mark(context, box->field[PA_FIELD_DPORT].items[i].first, box->field[PA_FIELD_DPORT].items[i].last);
	if (box->field[PA_FIELD_DPORT].count == 0)
		mark(context, 0, PA_PORTS - 1);
	return true;
}

/* Ports whose packets NAT sends elsewhere, those that it sends packets to on this host, and its source ports. */
static void mark_translated(struct pa_job *job, bool *taken)
{
	struct pa_space *space = pa_evaluation_space(job->evaluation);
	for (enum pa_path path = PA_PATH_IN; path <= PA_PATH_FORWARD; path++) {
		const struct pa_exposure *exposures;
		size_t count = pa_evaluation_exposures(job->evaluation, path, &exposures);
		for (size_t i = 0; i < count; i++) {
			pa_set set = exposures[i].set;
			if (!exposures[i].has_target)
				continue;
			for (enum pa_field field = 0; field < PA_FIELD_COUNT; field++)
				if (field != PA_FIELD_DPORT)
					set = pa_set_project(space, set, field);
			pa_set_boxes(space, set, 0, mark_box, taken);
			if (path == PA_PATH_IN && exposures[i].target.has_port)
				mark(taken, exposures[i].target.port.first, exposures[i].target.port.last);
		}
	}
	for (size_t i = 0; i < job->ruleset->rule_count; i++) {
		const struct pa_rule *rule = job->ruleset->rules[i];
		struct pa_interval ports;
		for (size_t j = 0; j < rule->step_count; j++)
			if (has_source_ports(&rule->steps[j], &ports))
				mark(taken, ports.first, ports.last);
	}
}

/* --- other ports ---------------------------------------------------------------------------------------------------------- */

static void mark_host(const struct pa_job *job, const struct pa_port_report *port, bool *taken)
{
	const struct pa_host *host = job->host;
	mark(taken, 0, port->privileged_below > LAST_SYSTEM + 1 ? port->privileged_below - 1 : LAST_SYSTEM);
	mark(taken, LAST_USER + 1, PA_PORTS - 1);
	mark(taken, port->ephemeral_first, port->ephemeral_last);
	for (size_t i = 0; i < host->reserved_port_count; i++)
		mark(taken, host->reserved_ports[i].first, host->reserved_ports[i].last);
	for (size_t i = 0; host->sockets && i < host->sockets->listener_count; i++)
		if (!host->sockets->listeners[i].raw)
			mark(taken, host->sockets->listeners[i].port, host->sockets->listeners[i].port);
}

static bool is_registered(unsigned port)
{
	return pa_service_name(IPPROTO_TCP, port) || pa_service_name(IPPROTO_UDP, port) || pa_service_name(IPPROTO_SCTP, port);
}

/* The neighbours of a port, the nearest first; of a system port those of 8000 more, as people remember them. */
static void suggest(struct pa_job *job, struct pa_port_report *port)
{
	bool *taken = pa_arena_alloc(job->arena, PA_PORTS, sizeof(*taken));
	unsigned centre = port->port <= LAST_SYSTEM ? port->port + 8000 : port->port;
	mark_host(job, port, taken);
	mark_translated(job, taken);
	taken[port->port] = true;
	for (unsigned distance = 0; distance < PA_PORTS && port->suggestion_count < PA_PORT_SUGGESTIONS; distance++) {
		unsigned candidates[2] = { centre + distance, centre >= distance ? centre - distance : 0 };
		for (unsigned i = 0; i < (distance ? 2 : 1) && port->suggestion_count < PA_PORT_SUGGESTIONS; i++)
			if (candidates[i] > 0 && candidates[i] < PA_PORTS && !taken[candidates[i]] &&
			    !is_registered(candidates[i]))
				port->suggestions[port->suggestion_count++] = candidates[i];
	}
}

/* --- conflicts ------------------------------------------------------------------------------------------------------------ */

/* What a listener is called: its unit, its program; NULL: not known. */
static const char *holder_of(const struct pa_sockets *sockets, const struct pa_listener *listener)
{
	if (listener->process_count == 0)
		return listener->unit;
	const struct pa_process *process = &sockets->processes[listener->processes[0]];
	return process->executable ? process->executable : process->command;
}

static void find_two_holders(struct pa_job *job, const struct pa_port_side *side, struct sentences *conflicts)
{
	for (size_t i = 1; i < side->listener_count; i++) {
		const char *first = holder_of(job->host->sockets, side->listeners[0]);
		const char *other = holder_of(job->host->sockets, side->listeners[i]);
		if (!first || !other || strcmp(first, other) == 0)
			continue;
		say(job->arena, conflicts,
		    pa_arena_printf(job->arena, "two programs hold it: %s and %s; which of them answers depends on the address",
				    first, other));
		return;
	}
}

/* A translation decides before a local program is asked. */
static void find_translations(struct pa_job *job, const struct pa_port_side *side, unsigned port, struct sentences *conflicts)
{
	size_t away = 0;
	for (size_t i = 0; i < side->row_count; i++)
		away += side->rows[i].has_target;
	if (away > 0 && side->listener_count > 0)
		say(job->arena, conflicts, "a program listens on it, and address translation sends packets for it elsewhere");
	for (size_t i = 0; i < job->ruleset->rule_count; i++) {
		const struct pa_rule *rule = job->ruleset->rules[i];
		if (!uses_source_port(rule, port))
			continue;
		say(job->arena, conflicts,
		    pa_arena_printf(job->arena, "source translation uses it for outgoing connections: %s", rule->text));
		break;
	}
}

static void find_conflicts(struct pa_job *job, const struct pa_port_report *port, struct pa_port_side *side)
{
	struct sentences conflicts = { 0 };
	find_two_holders(job, side, &conflicts);
	find_translations(job, side, port->port, &conflicts);
	if (port->is_ephemeral && port->reserved != PA_YES && side->listener_count > 0)
		say(job->arena, &conflicts,
		    "a program listens on it, and the kernel hands it out to outgoing connections: after a restart it may be taken; "
		    "reserve it in net.ipv4.ip_local_reserved_ports");
	side->conflicts = conflicts.items;
	side->conflict_count = conflicts.count;
}

/* --- a new service ---------------------------------------------------------------------------------------------------------- */

static void object_to_number(struct pa_job *job, const struct pa_port_report *port, struct sentences *objections)
{
	if (port->port < port->privileged_below)
		say(job->arena, objections,
		    pa_arena_printf(job->arena, "ports below %u need root rights or CAP_NET_BIND_SERVICE",
				    port->privileged_below));
	if (port->is_ephemeral && port->reserved != PA_YES)
		say(job->arena, objections,
		    pa_arena_printf(job->arena,
				    "the kernel hands out %u-%u%s to outgoing connections: the service may find its port taken",
				    port->ephemeral_first, port->ephemeral_last,
				    port->ephemeral_known ? "" : " (its default)"));
	else if (strcmp(port->class, "dynamic") == 0)
		say(job->arena, objections, "49152-65535 is for short-lived uses and never registered (RFC 6335)");
	if (port->reserved == PA_YES)
		say(job->arena, objections,
		    "somebody reserved it (net.ipv4.ip_local_reserved_ports), perhaps for another program");
}

static void object_to_use(struct pa_job *job, unsigned port, const struct pa_port_side *side, struct sentences *objections)
{
	bool away = false, source = false;
	for (size_t i = 0; i < job->ruleset->rule_count; i++)
		source = source || uses_source_port(job->ruleset->rules[i], port);
	for (size_t i = 0; i < side->row_count; i++)
		away = away || side->rows[i].has_target;
	if (side->service)
		say(job->arena, objections,
		    pa_arena_printf(job->arena, "it is the port of %s: right for that service only", side->service));
	if (side->listener_count > 0)
		say(job->arena, objections, "a program listens there already");
	if (away)
		say(job->arena, objections, "address translation sends packets for it elsewhere");
	if (source)
		say(job->arena, objections, "source translation uses it for outgoing connections");
	if (side->translated_count > 0)
		say(job->arena, objections, "address translation sends packets for another port here");
}

void pa_port_judge(struct pa_job *job, struct pa_port_report *port, struct pa_port_side *sides)
{
	bool objected = false;
	for (size_t i = 0; i < port->side_count; i++) {
		struct sentences objections = { 0 };
		find_conflicts(job, port, &sides[i]);
		object_to_number(job, port, &objections);
		object_to_use(job, port->port, &sides[i], &objections);
		sides[i].objections = objections.items;
		sides[i].objection_count = objections.count;
		objected = objected || objections.count > 0;
	}
	if (objected)
		suggest(job, port);
}
