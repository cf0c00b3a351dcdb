/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs, users and ports of sockets for people. */
#include "listener.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "phrase.h"

#define USERS_SHOWN 3
#define PORTS_SHOWN 4
#define PORTS_NAMED 12

size_t pa_listener_holders(const struct pa_sockets *sockets, const struct pa_listener *listener, size_t *ret_first)
{
	*ret_first = 0;
	if (listener->process_count > 1 && sockets->processes[listener->processes[0]].is_service_manager)
		*ret_first = 1;
	return listener->process_count - *ret_first;
}

static const struct pa_process *first_holder(const struct pa_sockets *sockets, const struct pa_listener *listener)
{
	size_t first;
	return pa_listener_holders(sockets, listener, &first) ? &sockets->processes[listener->processes[first]] : NULL;
}

bool pa_listener_is_waiting(const struct pa_listener *listener, const struct pa_process *process)
{
	return listener->activates && process->is_service_manager;
}

const char *pa_listener_unit(const struct pa_listener *listener, const struct pa_process *process)
{
	if (listener->activates)
		return listener->activates;
	return process && process->unit ? process->unit : listener->unit;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static const char *program_of(const struct pa_sockets *sockets, const struct pa_listener *listener)
{
	const struct pa_process *process = first_holder(sockets, listener);
	if (!process || pa_listener_is_waiting(listener, process))
		return listener->unit ? pa_listener_unit(listener, NULL) : NULL;
	return process->command ? process->command : process->executable ? last_part(process->executable) : NULL;
}

static void print_user(const char *name, uint32_t uid, struct pa_buffer *out)
{
	if (name)
		pa_text_escape(name, out);
	else
		pa_buffer_printf(out, "uid %" PRIu32, uid);
}

static bool user_seen(const struct pa_sockets *sockets, const struct pa_listener *listener, size_t first, size_t index)
{
	const struct pa_process *process = &sockets->processes[listener->processes[index]];
	for (size_t i = first; i < index; i++)
		if (sockets->processes[listener->processes[i]].effective_uid == process->effective_uid)
			return true;
	return false;
}

/* "(root, www-data)"; where no process is known, who made the socket. */
static void print_users(const struct pa_sockets *sockets, const struct pa_listener *listener, struct pa_buffer *out)
{
	size_t first, shown = 0, count = pa_listener_holders(sockets, listener, &first);
	struct pa_buffer users = { 0 };
	if (count > 0 && pa_listener_is_waiting(listener, &sockets->processes[listener->processes[first]])) {
		pa_buffer_puts(out, " (on demand)");
		return;
	}
	for (size_t i = first; i < first + count && shown < USERS_SHOWN; i++) {
		const struct pa_process *process = &sockets->processes[listener->processes[i]];
		if (!process->ids_known || user_seen(sockets, listener, first, i))
			continue;
		pa_buffer_puts(&users, shown++ ? ", " : "");
		print_user(process->user, process->effective_uid, &users);
	}
	if (count == 0 && listener->uid_known)
		print_user(listener->user, listener->uid, &users);
	if (users.length)
		pa_buffer_printf(out, " (%s)", users.data);
	pa_buffer_done(&users);
}

bool pa_process_put_proxied(const struct pa_process *process, struct pa_buffer *out)
{
	char address[PA_ADDRESS_TEXT_MAX];
	if (process->proxy_port == 0)
		return false;
	pa_address_format(process->proxy_address, process->proxy_family, address);
	pa_buffer_printf(out, process->proxy_family == 6 ? "[%s]:%u" : "%s:%u", address, process->proxy_port);
	return true;
}

/* A proxy is told with whom it works for: "docker-proxy for 172.17.0.2:80". */
static void print_proxied(const struct pa_process *process, struct pa_buffer *out)
{
	struct pa_buffer text = { 0 };
	if (process && pa_process_put_proxied(process, &text))
		pa_buffer_printf(out, " for %s", text.data);
	pa_buffer_done(&text);
}

static void print_program(const struct pa_sockets *sockets, const struct pa_listener *listener, struct pa_buffer *out)
{
	const char *program = program_of(sockets, listener);
	if (program)
		pa_text_escape(program, out);
	else
		pa_buffer_puts(out, listener->processes_known ? "the kernel" : "somebody");
	print_proxied(first_holder(sockets, listener), out);
}

static bool same_program(const struct pa_sockets *sockets, const struct pa_listener *a, const struct pa_listener *b)
{
	const struct pa_process *first = first_holder(sockets, a), *second = first_holder(sockets, b);
	if (!pa_text_equal(program_of(sockets, a), program_of(sockets, b)) || !first != !second)
		return false;
	return !first || (first->ids_known == second->ids_known && first->effective_uid == second->effective_uid &&
			  first->proxy_port == second->proxy_port && first->proxy_address == second->proxy_address);
}

/* The first of its program among those before `index`? */
static bool is_first(const struct pa_sockets *sockets, const struct pa_listener *const *listeners, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (same_program(sockets, listeners[i], listeners[index]))
			return false;
	return true;
}

static void print_port(const struct pa_listener *listener, bool protocol, struct pa_buffer *out)
{
	pa_buffer_printf(out, "%u", listener->port);
	if (!protocol)
		return;
	pa_buffer_putc(out, '/');
	pa_phrase_protocol(listener->protocol, out);
}

static bool same_port(const struct pa_listener *a, const struct pa_listener *b)
{
	return a->protocol == b->protocol && a->port == b->port;
}

/* The ports of one program, each once. */
static void print_ports(const struct pa_sockets *sockets, const struct pa_listener *const *listeners, size_t count,
			size_t first, bool protocol, struct pa_buffer *out)
{
	size_t shown = 0, hidden = 0;
	for (size_t i = first; i < count; i++) {
		bool told = !same_program(sockets, listeners[first], listeners[i]);
		for (size_t k = first; k < i && !told; k++)
			told = same_port(listeners[k], listeners[i]) && same_program(sockets, listeners[first], listeners[k]);
		if (told)
			continue;
		if (shown >= PORTS_SHOWN) {
			hidden++;
			continue;
		}
		pa_buffer_puts(out, shown++ ? ", " : " ");
		print_port(listeners[i], protocol, out);
	}
	if (hidden)
		pa_print_more(hidden, out);
}

static void print_programs(const struct pa_sockets *sockets, const struct pa_listener *const *listeners, size_t count,
			   size_t most, bool users, bool ports, bool protocol, struct pa_buffer *out)
{
	size_t programs = 0, shown = 0;
	for (size_t i = 0; i < count; i++)
		programs += is_first(sockets, listeners, i);
	for (size_t i = 0; i < count && (most == 0 || shown < most || programs <= most + 1); i++) {
		if (!is_first(sockets, listeners, i))
			continue;
		pa_buffer_puts(out, shown++ ? "; " : "");
		print_program(sockets, listeners[i], out);
		if (users)
			print_users(sockets, listeners[i], out);
		if (ports)
			print_ports(sockets, listeners, count, i, protocol, out);
	}
	if (shown < programs)
		pa_print_more(programs - shown, out);
}

/* Nobody can listen on ICMP; of other protocols without ports a raw socket may. */
static bool may_have_listeners(const struct pa_region *region)
{
	return region->has_ports || region->protocol.count == 0;
}

static bool is_taken(const struct pa_region *region, pa_u128 port)
{
	for (size_t i = 0; i < region->listener_count; i++)
		if (region->listeners[i]->port == port && pa_ranges_hold(region->protocol, region->listeners[i]->protocol))
			return true;
	return false;
}

/* Of a few ports that are named one by one, those on which nobody listens: "; nobody 443, 8443". */
static void print_deserted(const struct pa_region *region, struct pa_buffer *out)
{
	bool named = region->covered && !region->row->has_target && pa_ranges_is_single(region->protocol) &&
		     region->dport.count > 1 && region->dport.count <= PORTS_NAMED;
	size_t shown = 0;
	for (size_t i = 0; named && i < region->dport.count; i++)
		named = region->dport.items[i].first == region->dport.items[i].last;
	for (size_t i = 0; named && i < region->dport.count; i++) {
		pa_u128 port = region->dport.items[i].first;
		if (!is_taken(region, port))
			pa_buffer_printf(out, "%s%u", shown++ ? ", " : "; nobody ", (unsigned)port);
	}
}

bool pa_phrase_listeners(const struct pa_region *region, size_t most, struct pa_buffer *out)
{
	const struct pa_row_facts *facts = region->row->facts;
	if (!facts || !facts->sockets)
		return false;
	if (region->listener_count == 0) {
		if (may_have_listeners(region))
			pa_buffer_puts(out, region->covered ? "nobody" : "nobody that is known");
		return may_have_listeners(region);
	}
	bool one_port = pa_ranges_is_single(region->dport) || region->row->has_target;
	print_programs(facts->sockets, region->listeners, region->listener_count, most, true, !one_port,
		       !pa_ranges_is_single(region->protocol), out);
	print_deserted(region, out);
	return true;
}

void pa_phrase_sockets(const struct pa_sockets *sockets, const struct pa_listener *const *listeners, size_t count, size_t most,
		       struct pa_buffer *out)
{
	print_programs(sockets, listeners, count, most, false, true, true, out);
}
