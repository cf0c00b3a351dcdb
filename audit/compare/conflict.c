/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SOC-011: two that want one port.
 *
 * Two different programs listen on one port: for the same packets (SO_REUSEPORT deals them out, the socket with the
 *          narrower address wins), or one for IPv4 and the other for IPv6. Multicast services (mDNS, SSDP ...) are shared by design.
 *          Also: two services of the policy that are allowed in hold one port, neither of them being a part of the other.
 */
#include <string.h>

#include "listener.h"

/* --- SOC-011: sockets ------------------------------------------------------------------------------------------------------ */

/* Protocols whose packets go to every socket that joined the group: mDNS, LLMNR, SSDP, WS-Discovery. */
static bool is_shared(const struct pa_listener *socket)
{
	return socket->protocol == PROTOCOL_UDP &&
	       (socket->port == 5353 || socket->port == 5355 || socket->port == 1900 || socket->port == 3702);
}

/* systemd holds a socket until its service is asked for: whose it is, is not to be seen. */
static bool is_comparable(const struct comparison *c, const struct pa_listener *socket)
{
	if (socket->raw || is_shared(socket))
		return false;
	return compare_holder_count(c, socket) > 0 && compare_holder(c, socket, 0)->pid != 1 &&
	       !compare_holder(c, socket, 0)->is_service_manager;
}

static bool is_same_program(const struct comparison *c, const struct pa_listener *a, const struct pa_listener *b)
{
	const struct pa_process *first = compare_holder(c, a, 0), *second = compare_holder(c, b, 0);

	if (first == second || (first->unit && pa_text_equal(first->unit, second->unit)))
		return true;
	return pa_text_equal(compare_program(c, a), compare_program(c, b)) &&
	       (!first->ids_known || !second->ids_known || first->effective_uid == second->effective_uid);
}

/* How two sockets get in each other's way; NULL: they do not. */
static const char *collision(struct comparison *c, const struct listening *a, const struct listening *b)
{
	bool any =
		a->socket->any_address && b->socket->any_address && pa_text_equal(a->socket->interface, b->socket->interface);

	if (!pa_set_is_empty(c->space, pa_set_intersect(c->space, a->takes, b->takes)))
		return a->socket->any_address == b->socket->any_address
			       ? "which of them answers is a matter of chance (SO_REUSEPORT)"
			       : "the one with the narrower address answers there, the other one everywhere else";
	return any && a->socket->family != b->socket->family ? "one answers over IPv4, the other over IPv6" : NULL;
}

static void report_collision(struct comparison *c, struct listening *a, struct listening *b, const char *how)
{
	struct holding one = { &a, 1 }, two = { &b, 1 };
	const char *other = compare_program(c, b->socket);
	struct pa_finding *finding = compare_add_holding(c, PA_CHECK_SOC_011, &one, other ? other : "?");
	struct pa_buffer text = { 0 };

	describe_holding(c, &one, &text);
	pa_buffer_puts(&text, ", and so does ");
	describe_holders(c, b->socket, &text);
	pa_buffer_puts(&text, " on ");
	describe_holding_ports(&two, &text);
	pa_buffer_printf(&text, ": %s", how);
	finding->message = compare_text(c, &text);
	finding->fix = "give one of them another port, or an address of its own";
	pa_buffer_done(&text);
}

/* One collision for each pair of programs on a port. */
static bool was_reported(const struct comparison *c, size_t end, const struct pa_listener *a, const struct pa_listener *b)
{
	for (size_t i = 0; i < end; i++) {
		const struct pa_listener *before = c->listening[i].socket;

		if (before->port == a->port && before->protocol == a->protocol && before != a && is_comparable(c, before) &&
		    (is_same_program(c, before, a) || is_same_program(c, before, b)))
			return true;
	}
	return false;
}

static void check_socket(struct comparison *c, size_t index)
{
	struct listening *a = &c->listening[index];

	for (size_t i = index + 1; i < c->listening_count; i++) {
		struct listening *b = &c->listening[i];
		const char *how;

		if (b->socket->protocol != a->socket->protocol || b->socket->port != a->socket->port)
			break; /* the table is sorted */
		if (!is_comparable(c, b->socket) || is_same_program(c, a->socket, b->socket))
			continue;
		how = collision(c, a, b);
		if (!how || was_reported(c, index, a->socket, b->socket))
			continue;
		report_collision(c, a, b, how);
		return;
	}
}

/* --- SOC-011: the policy ------------------------------------------------------------------------------------------------------ */

static bool is_one_port(const struct pa_service_item *item)
{
	return !item->any_protocol && !item->any_port && !item->icmp && !item->ephemeral &&
	       item->ports.first == item->ports.last;
}

static bool has_item(const struct pa_named_service *service, const struct pa_service_item *wanted)
{
	for (size_t i = 0; i < service->count; i++)
		if (is_one_port(&service->items[i]) && service->items[i].protocol == wanted->protocol &&
		    service->items[i].ports.first == wanted->ports.first)
			return true;
	return false;
}

/* Every item of one is an item of the other: a service that is made of others. */
static bool is_part(const struct pa_named_service *part, const struct pa_named_service *whole)
{
	for (size_t i = 0; i < part->count; i++)
		if (!is_one_port(&part->items[i]) || !has_item(whole, &part->items[i]))
			return false;
	return part->count < whole->count;
}

static bool is_used_by(const struct pa_statement *statement, const struct pa_named_service *service)
{
	if (statement->path != PA_PATH_IN || (statement->kind != PA_STATEMENT_ALLOW && statement->kind != PA_STATEMENT_REQUIRE))
		return false;
	for (size_t i = 0; i < statement->item_count; i++)
		if (pa_text_equal(statement->items[i].text, service->name))
			return true;
	return false;
}

/* Two statements that let the same packets in under the two names. */
static bool meet(struct comparison *c, const struct pa_named_service *a, const struct pa_named_service *b,
		 const struct pa_service_item *item)
{
	struct box_builder builder = { 0 };
	pa_set first = pa_set_empty(c->space), second = first;

	box_set(&builder, PA_FIELD_L4PROTO, item->protocol, item->protocol);
	box_set(&builder, PA_FIELD_DPORT, item->ports.first, item->ports.last);
	for (size_t i = 0; i < c->policy->statement_count; i++) {
		if (is_used_by(c->policy->statements[i], a))
			first = pa_set_union(c->space, first, c->regions[i].set);
		if (is_used_by(c->policy->statements[i], b))
			second = pa_set_union(c->space, second, c->regions[i].set);
	}
	first = pa_set_intersect(c->space, pa_set_intersect(c->space, first, second), compare_box(c, &builder));
	return !pa_set_is_empty(c->space, first);
}

static void report_two_services(struct comparison *c, const struct pa_named_service *a, const struct pa_named_service *b,
				const struct pa_service_item *item)
{
	const char *protocol = pa_protocol_name(item->protocol);
	struct pa_buffer text = { 0 };
	struct pa_finding *finding;

	pa_buffer_printf(&text, "services %s %s %u %u", a->name, b->name, item->protocol, (unsigned)item->ports.first);
	finding = compare_add(c, PA_CHECK_SOC_011, text.data);
	pa_buffer_clear(&text);
	describe_place(&b->where, &text);
	pa_buffer_printf(&text,
			 ": the services %s and %s both claim port %u/%s, and the policy lets the same packets in for both",
			 a->name, b->name, (unsigned)item->ports.first, protocol ? protocol : "?");
	finding->message = compare_text(c, &text);
	finding->fix = "give one of them another port, or make one service of them";
	pa_buffer_done(&text);
}

static void compare_services(struct comparison *c, const struct pa_named_service *a, const struct pa_named_service *b)
{
	if (is_part(a, b) || is_part(b, a))
		return;
	for (size_t i = 0; i < a->count; i++) {
		if (is_one_port(&a->items[i]) && has_item(b, &a->items[i]) && meet(c, a, b, &a->items[i])) {
			report_two_services(c, a, b, &a->items[i]);
			return;
		}
	}
}

static void check_two_services(struct comparison *c)
{
	for (size_t i = 0; i < c->policy->service_count; i++)
		for (size_t k = i + 1; k < c->policy->service_count; k++)
			compare_services(c, &c->policy->services[i], &c->policy->services[k]);
}

static void check_sockets(struct comparison *c)
{
	for (size_t i = 0; i < c->listening_count; i++) {
		if (is_comparable(c, c->listening[i].socket) && !compare_is_client(c, &c->listening[i]))
			check_socket(c, i);
		if (!c->listening[i].socket->processes_known)
			compare_not_assessed(c, PA_CHECK_SOC_011, "the processes behind the sockets are not known");
	}
}

void check_collisions(struct comparison *c)
{
	if (c->host->sockets)
		check_sockets(c);
	else
		compare_not_assessed(c, PA_CHECK_SOC_011, "the listening sockets were not looked at");
	if (c->policy)
		check_two_services(c);
}
