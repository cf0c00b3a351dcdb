/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processes behind a socket, in words. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "listener.h"

#define PIDS_SHOWN 3
#define SOCKETS_SHOWN 8

static const struct pa_process *process_of(const struct comparison *c, const struct pa_listener *listener, size_t index)
{
	return &c->host->sockets->processes[listener->processes[index]];
}

/* A socket unit stays open in systemd while its service runs. Sorted by pid, it comes first. */
static size_t first_holder(const struct comparison *c, const struct pa_listener *listener)
{
	const struct pa_process *first = listener->process_count > 1 ? process_of(c, listener, 0) : NULL;

	return first && (first->is_service_manager || (first->pid == 1 && pa_text_equal(first->command, "systemd"))) ? 1 : 0;
}

size_t compare_holder_count(const struct comparison *c, const struct pa_listener *listener)
{
	return listener->process_count - first_holder(c, listener);
}

const struct pa_process *compare_holder(const struct comparison *c, const struct pa_listener *listener, size_t index)
{
	return process_of(c, listener, first_holder(c, listener) + index);
}

bool compare_is_waiting(const struct pa_listener *listener, const struct pa_process *process)
{
	return listener->activates && process->is_service_manager;
}

static const char *name_of(const struct pa_process *process)
{
	const char *slash = process->executable ? strrchr(process->executable, '/') : NULL;

	return process->command ? process->command : slash ? slash + 1 : process->executable;
}

const char *compare_program(const struct comparison *c, const struct pa_listener *listener)
{
	return compare_holder_count(c, listener) > 0 ? name_of(compare_holder(c, listener, 0)) : NULL;
}

/* --- words ------------------------------------------------------------------------------------------------------------ */

static void put_user(const char *name, uint32_t uid, struct pa_buffer *out)
{
	if (name)
		pa_buffer_printf(out, "user %s", name);
	else
		pa_buffer_printf(out, "uid %" PRIu32, uid);
}

static void put_pids(const struct comparison *c, const struct pa_listener *listener, struct pa_buffer *out)
{
	size_t count = compare_holder_count(c, listener), shown = count > PIDS_SHOWN ? PIDS_SHOWN - 1 : count;

	pa_buffer_puts(out, count > 1 ? "pids" : "pid");
	for (size_t i = 0; i < shown; i++)
		pa_buffer_printf(out, "%s %" PRIu32, i ? "," : "", compare_holder(c, listener, i)->pid);
	if (shown < count)
		pa_buffer_printf(out, " and %zu more", count - shown);
}

/* Each user once, in the order of the processes. */
static void put_users(const struct comparison *c, const struct pa_listener *listener, struct pa_buffer *out)
{
	size_t count = compare_holder_count(c, listener);

	for (size_t i = 0; i < count; i++) {
		const struct pa_process *process = compare_holder(c, listener, i);
		bool seen = !process->ids_known;

		for (size_t k = 0; k < i && !seen; k++) {
			const struct pa_process *before = compare_holder(c, listener, k);
			seen = before->ids_known && before->effective_uid == process->effective_uid;
		}
		if (seen)
			continue;
		pa_buffer_puts(out, ", ");
		put_user(process->user, process->effective_uid, out);
	}
}

static const char *unit_of(const struct comparison *c, const struct pa_listener *listener)
{
	if (listener->activates)
		return listener->activates;
	for (size_t i = 0; i < compare_holder_count(c, listener); i++)
		if (compare_holder(c, listener, i)->unit)
			return compare_holder(c, listener, i)->unit;
	return listener->unit;
}

static void put_unknown_holder(const struct pa_listener *listener, struct pa_buffer *out)
{
	pa_buffer_puts(out, listener->processes_known ? "the kernel or another container" : "a process that is not known");
	if (!listener->uid_known && !listener->unit)
		return;
	pa_buffer_puts(out, " (");
	if (listener->uid_known)
		put_user(listener->user, listener->uid, out);
	if (listener->unit)
		pa_buffer_printf(out, "%s%s", listener->uid_known ? ", " : "", listener->unit);
	pa_buffer_putc(out, ')');
}

/* Whom a proxy works for is more telling than the proxy. */
static void put_proxied(const struct pa_process *process, struct pa_buffer *out)
{
	char address[PA_ADDRESS_TEXT_MAX];

	if (process->proxy_port == 0)
		return;
	pa_address_format(process->proxy_address, process->proxy_family, address);
	pa_buffer_printf(out, process->proxy_family == 6 ? " for [%s]:%u" : " for %s:%u", address, process->proxy_port);
}

void describe_holders(const struct comparison *c, const struct pa_listener *listener, struct pa_buffer *out)
{
	const char *name = compare_program(c, listener), *unit = unit_of(c, listener);

	if (compare_holder_count(c, listener) == 0) {
		put_unknown_holder(listener, out);
		return;
	}
	if (compare_is_waiting(listener, compare_holder(c, listener, 0))) {
		pa_buffer_printf(out, "systemd (for %s, which it starts on demand)", listener->activates);
		return;
	}
	pa_buffer_printf(out, "%s (", name ? name : "a process");
	put_pids(c, listener, out);
	put_users(c, listener, out);
	if (unit)
		pa_buffer_printf(out, ", %s", unit);
	if (compare_holder(c, listener, 0)->container)
		pa_buffer_printf(out, ", container %s", compare_holder(c, listener, 0)->container);
	pa_buffer_putc(out, ')');
	put_proxied(compare_holder(c, listener, 0), out);
}

void describe_socket(const struct pa_listener *listener, struct pa_buffer *out)
{
	const char *protocol = pa_protocol_name(listener->protocol);
	char address[PA_ADDRESS_TEXT_MAX];

	if (listener->raw)
		pa_buffer_printf(out, "protocol %u", listener->protocol);
	else if (protocol)
		pa_buffer_printf(out, "%u/%s", listener->port, protocol);
	else
		pa_buffer_printf(out, "%u/%u", listener->port, listener->protocol);
	if (!listener->any_address) {
		pa_address_format(listener->address, pa_value_is_ipv4(listener->address) ? 4 : 6, address);
		pa_buffer_printf(out, " on %s", address);
	}
	if (listener->interface)
		pa_buffer_printf(out, "%s%s", listener->any_address ? " on " : "%", listener->interface);
}

/* --- holdings ---------------------------------------------------------------------------------------------------------- */

/* The same program, user and unit: one daemon, however many sockets and processes it has. */
static bool same_holder(const struct comparison *c, const struct pa_listener *a, const struct pa_listener *b)
{
	const struct pa_process *first, *second;

	if ((compare_holder_count(c, a) == 0) != (compare_holder_count(c, b) == 0))
		return false;
	if (compare_holder_count(c, a) == 0)
		return a->processes_known == b->processes_known && a->uid_known == b->uid_known && a->uid == b->uid &&
		       pa_text_equal(a->unit, b->unit);
	first = compare_holder(c, a, 0);
	second = compare_holder(c, b, 0);
	return pa_text_equal(name_of(first), name_of(second)) && pa_text_equal(first->unit, second->unit) &&
	       pa_text_equal(first->container, second->container) && first->ids_known == second->ids_known &&
	       first->effective_uid == second->effective_uid;
}

static struct holding *holding_for(struct comparison *c, struct holding *holdings, size_t *count, struct listening *listening)
{
	struct holding *holding = NULL;

	for (size_t i = 0; i < *count && !holding; i++)
		if (same_holder(c, holdings[i].items[0]->socket, listening->socket))
			holding = &holdings[i];
	if (!holding) {
		holding = &holdings[(*count)++];
		holding->items = pa_arena_alloc(c->scratch, c->listening_count, sizeof(*holding->items));
	}
	return holding;
}

size_t compare_holdings(struct comparison *c, bool (*wanted)(struct comparison *c, struct listening *listening),
			struct holding **ret_holdings)
{
	size_t count = 0;

	*ret_holdings = pa_arena_alloc(c->scratch, c->listening_count + 1, sizeof(**ret_holdings));
	for (size_t i = 0; i < c->listening_count; i++) {
		struct holding *holding;

		if (!wanted(c, &c->listening[i]))
			continue;
		holding = holding_for(c, *ret_holdings, &count, &c->listening[i]);
		holding->items[holding->count++] = &c->listening[i];
	}
	return count;
}

static const char *socket_text(const struct pa_listener *listener, struct pa_buffer *buffer)
{
	pa_buffer_clear(buffer);
	describe_socket(listener, buffer);
	return buffer->data;
}

/* 0.0.0.0:22 and [::]:22 read the same: said once. */
static bool said_before(const struct holding *holding, size_t index)
{
	struct pa_buffer mine = { 0 }, other = { 0 };
	bool said = false;

	socket_text(holding->items[index]->socket, &mine);
	for (size_t i = 0; i < index && !said; i++)
		said = strcmp(socket_text(holding->items[i]->socket, &other), mine.data) == 0;
	pa_buffer_done(&mine);
	pa_buffer_done(&other);
	return said;
}

void describe_holding_ports(const struct holding *holding, struct pa_buffer *out)
{
	size_t different = 0, shown = 0, most;

	for (size_t i = 0; i < holding->count; i++)
		different += !said_before(holding, i);
	most = different > SOCKETS_SHOWN ? SOCKETS_SHOWN - 1 : different;
	for (size_t i = 0; i < holding->count && shown < most; i++) {
		if (said_before(holding, i))
			continue;
		pa_buffer_puts(out, shown == 0 ? "" : shown + 1 == different ? " and " : ", ");
		describe_socket(holding->items[i]->socket, out);
		shown++;
	}
	if (shown < different)
		pa_buffer_printf(out, " and %zu more", different - shown);
}

void describe_holding(const struct comparison *c, const struct holding *holding, struct pa_buffer *out)
{
	describe_holders(c, holding->items[0]->socket, out);
	pa_buffer_puts(out, " listens on ");
	describe_holding_ports(holding, out);
}

/* Everything that can be sent to the ports, for waivers: they speak of ports, whichever address somebody listens on. */
static pa_set sent_to(struct comparison *c, const struct holding *holding)
{
	pa_set set = pa_set_empty(c->space);

	for (size_t i = 0; i < holding->count; i++) {
		const struct pa_listener *socket = holding->items[i]->socket;
		struct box_builder builder = { 0 };

		box_set(&builder, PA_FIELD_L4PROTO, socket->protocol, socket->protocol);
		if (!socket->raw)
			box_set(&builder, PA_FIELD_DPORT, socket->port, socket->port);
		set = pa_set_union(c->space, set, compare_box(c, &builder));
	}
	return pa_set_intersect(c->space, set, c->scope[PA_PATH_IN]);
}

struct pa_finding *compare_add_holding(struct comparison *c, enum pa_check_id check, const struct holding *holding,
				       const char *extra)
{
	const char *program = compare_program(c, holding->items[0]->socket);
	struct pa_buffer region = { 0 }, text = { 0 };
	struct pa_finding *finding;

	pa_buffer_puts(&region, program ? program : "?");
	for (size_t i = 0; i < holding->count; i++)
		pa_buffer_printf(&region, ";%s/%d", socket_text(holding->items[i]->socket, &text),
				 holding->items[i]->socket->family);
	if (extra)
		pa_buffer_printf(&region, ";%s", extra);
	finding = compare_add(c, check, region.data);
	compare_set_region(c, finding, PA_PATH_IN, sent_to(c, holding));
	pa_buffer_done(&region);
	pa_buffer_done(&text);
	return finding;
}

/* --- who is behind what gets in ----------------------------------------------------------------------------------------- */

#define TAKERS_SHOWN 3

bool describe_takers(struct comparison *c, const struct group *group, enum pa_check_id check, struct pa_buffer *out)
{
	struct holding *holdings = pa_arena_alloc(c->scratch, c->listening_count + 1, sizeof(*holdings));
	size_t count = 0;

	for (size_t i = 0; i < c->listening_count; i++) {
		struct listening *listening = &c->listening[i];
		pa_set takes = compare_listener_takes(c, listening->socket, group->exposure);
		struct holding *holding;

		if (group->exposure->path != PA_PATH_IN ||
		    pa_set_is_empty(c->space, pa_set_intersect(c->space, takes, group->set)))
			continue;
		listening->reported = pa_check_info(check)->code;
		holding = holding_for(c, holdings, &count, listening);
		holding->items[holding->count++] = listening;
	}
	for (size_t i = 0; i < count && i < TAKERS_SHOWN; i++) {
		pa_buffer_puts(out, i ? "; " : "");
		describe_holding(c, &holdings[i], out);
	}
	if (count > TAKERS_SHOWN)
		pa_buffer_printf(out, "; and %zu more programs", count - TAKERS_SHOWN);
	return count > 0;
}
