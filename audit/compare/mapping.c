/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NAT-002: one port, two users.
 *
 *   - two rules of snat or masquerade with port ranges that overlap on one address: the connections of the one take the ports of the other;
 *   - a range of source ports that holds a port which dnat or redirect publishes, or on which a program of this host listens: an answer and
 *     a new connection can be the same packet;
 *   - a program listens on a port whose packets a translation sends elsewhere, from any interface: it never gets them over IPv4 or IPv6.
 *
 * Without the sockets of the host only translations are held against each other.
 */
#include <string.h>

#include "compare.h"
#include "portaudit/socket.h"

#define ALL_PROTOCOLS 0

/* A rule that takes source ports of this host. */
struct source_range {
	const struct pa_rule *rule;
	struct pa_interval addresses; /* masquerade: all of them */
	struct pa_interval ports;
	int family; /* 0: any */
};

/* Does the rule speak of packets of this protocol? An exact test or none is looked for: more would not make it narrower. */
static bool speaks_of(const struct pa_rule *rule, unsigned protocol)
{
	for (size_t i = 0; i < rule->step_count; i++) {
		const struct pa_step *step = &rule->steps[i];
		bool found = false;

		if (step->kind != PA_STEP_MATCH || step->key.count != 1 || step->key.parts[0].opaque ||
		    step->key.parts[0].field != PA_FIELD_L4PROTO || !step->elements)
			continue;
		for (size_t j = 0; j < step->elements->count; j++)
			found = found ||
				(protocol >= step->elements->keys[j].first && protocol <= step->elements->keys[j].last);
		if (found == step->negated)
			return false;
	}
	return true;
}

static bool source_range_of(const struct pa_rule *rule, struct source_range *ret_range)
{
	for (size_t i = 0; i < rule->step_count; i++) {
		const struct pa_step *step = &rule->steps[i];

		if (step->kind != PA_STEP_NAT || (step->nat != PA_NAT_SNAT && step->nat != PA_NAT_MASQUERADE) ||
		    step->port.kind != PA_OPERAND_VALUE)
			continue;
		*ret_range = (struct source_range){ rule, { 0, PA_U128_MAX }, step->port.interval, step->nat_family };
		if (step->nat == PA_NAT_SNAT && step->value.kind == PA_OPERAND_VALUE)
			ret_range->addresses = step->value.interval;
		return true;
	}
	return false;
}

static bool overlap(struct pa_interval a, struct pa_interval b)
{
	return a.first <= b.last && b.first <= a.last;
}

static bool same_family(int a, int b)
{
	return a == 0 || b == 0 || a == b;
}

/* --- findings -------------------------------------------------------------------------------------------------------------- */

static void report(struct comparison *c, const struct pa_rule *first, const struct pa_rule *second, struct pa_buffer *message,
		   const char *fix)
{
	const struct pa_rule *rules[2] = { first, second };
	struct pa_finding *finding = compare_add(c, PA_CHECK_NAT_002, message->data);

	finding->message = compare_text(c, message);
	finding->fix = fix;
	finding->rule_count = second ? 2 : 1;
	finding->rules = pa_arena_dup(c->result->arena, rules, finding->rule_count, sizeof(*rules));
}

static void put_range(struct pa_interval ports, struct pa_buffer *out)
{
	pa_buffer_printf(out, "%u", (unsigned)ports.first);
	if (ports.last > ports.first)
		pa_buffer_printf(out, "-%u", (unsigned)ports.last);
}

static void report_overlap(struct comparison *c, const struct source_range *a, const struct source_range *b)
{
	struct pa_interval both = { a->ports.first > b->ports.first ? a->ports.first : b->ports.first,
				    a->ports.last < b->ports.last ? a->ports.last : b->ports.last };
	struct pa_buffer text = { 0 };

	pa_buffer_puts(&text, "the source ports ");
	put_range(both, &text);
	pa_buffer_puts(&text, " are taken by two translations: ");
	describe_rule(a->rule, &text);
	pa_buffer_puts(&text, " and ");
	describe_rule(b->rule, &text);
	report(c, a->rule, b->rule, &text,
	       "give each of the two ranges of its own, so that neither can use up the ports of the other");
	pa_buffer_done(&text);
}

static bool share_a_protocol(const struct pa_rule *a, const struct pa_rule *b)
{
	return (speaks_of(a, PROTOCOL_TCP) && speaks_of(b, PROTOCOL_TCP)) ||
	       (speaks_of(a, PROTOCOL_UDP) && speaks_of(b, PROTOCOL_UDP));
}

static void compare_ranges(struct comparison *c, const struct source_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = i + 1; j < count; j++)
			if (overlap(ranges[i].ports, ranges[j].ports) && overlap(ranges[i].addresses, ranges[j].addresses) &&
			    same_family(ranges[i].family, ranges[j].family) && share_a_protocol(ranges[i].rule, ranges[j].rule))
				report_overlap(c, &ranges[i], &ranges[j]);
}

/* --- published ports ---------------------------------------------------------------------------------------------------------- */

/* The destination ports of some packets of a protocol. */
static pa_set ports_of(struct comparison *c, pa_set set, unsigned protocol)
{
	set = pa_set_intersect(c->space, set, compare_single(c, PA_FIELD_L4PROTO, protocol, protocol));
	for (int i = 0; i < PA_FIELD_COUNT; i++)
		if (i != PA_FIELD_DPORT)
			set = pa_set_project(c->space, set, (enum pa_field)i);
	return set;
}

/* Those of what gets in and is sent elsewhere by a translation. */
static pa_set published_ports(struct comparison *c, unsigned protocol)
{
	pa_set all = pa_set_empty(c->space);

	for (int path = PA_PATH_IN; path <= PA_PATH_FORWARD; path++) {
		for (size_t i = 0; i < c->part_count[path]; i++) {
			const struct pa_exposure *exposure = c->parts[path][i].exposure;

			if (exposure->has_target)
				all = pa_set_union(c->space, all, exposure->set);
		}
	}
	return ports_of(c, all, protocol);
}

struct port_search {
	struct pa_interval wanted;
	bool any_port; /* packets to every port count as well */
	bool found;
	unsigned port;
};

static bool look_for_port(void *context, const struct pa_box *box)
{
	struct port_search *search = context;
	struct pa_ranges ports = box->field[PA_FIELD_DPORT];

	if (ports.count == 0)
		search->found = search->any_port;
	for (size_t i = 0; i < ports.count && !search->found; i++) {
		if (!overlap(ports.items[i], search->wanted))
			continue;
		search->found = true;
		search->port =
			(unsigned)(ports.items[i].first > search->wanted.first ? ports.items[i].first : search->wanted.first);
	}
	return !search->found;
}

static void compare_published(struct comparison *c, const struct source_range *range, unsigned protocol)
{
	struct port_search search = { .wanted = range->ports };
	struct pa_buffer text = { 0 };

	if (!speaks_of(range->rule, protocol))
		return;
	pa_set_boxes(c->space, published_ports(c, protocol), 0, look_for_port, &search);
	if (!search.found)
		return;
	describe_rule(range->rule, &text);
	pa_buffer_printf(&text, " takes %u/%s as a source port, and a translation publishes that port", search.port,
			 protocol == PROTOCOL_TCP ? "tcp" : "udp");
	report(c, range->rule, NULL, &text, "leave published ports out of the range of source ports");
	pa_buffer_done(&text);
}

/* --- programs ------------------------------------------------------------------------------------------------------------------ */

static const char *program_of(const struct pa_sockets *sockets, const struct pa_listener *listener)
{
	if (listener->process_count > 0 && sockets->processes[listener->processes[0]].command)
		return sockets->processes[listener->processes[0]].command;
	return listener->unit ? listener->unit : "a program";
}

static bool is_on_loopback(const struct pa_listener *listener)
{
	return !listener->any_address && (listener->address == LOOPBACK6 ||
					  (listener->address >= LOOPBACK4_FIRST && listener->address <= LOOPBACK4_LAST));
}

static void compare_listeners(struct comparison *c, const struct source_range *range, const struct pa_sockets *sockets)
{
	for (size_t i = 0; i < sockets->listener_count; i++) {
		const struct pa_listener *listener = &sockets->listeners[i];
		struct pa_interval port = { listener->port, listener->port };
		struct pa_buffer text = { 0 };

		if (listener->raw || is_on_loopback(listener) || !overlap(port, range->ports) ||
		    !speaks_of(range->rule, listener->protocol) ||
		    (listener->protocol != PROTOCOL_TCP && listener->protocol != PROTOCOL_UDP))
			continue;
		describe_rule(range->rule, &text);
		pa_buffer_printf(&text, " takes %u/%s as a source port, and %s listens there", listener->port,
				 listener->protocol == PROTOCOL_TCP ? "tcp" : "udp", program_of(sockets, listener));
		report(c, range->rule, NULL, &text, "leave the ports of this host's programs out of the range of source ports");
		pa_buffer_done(&text);
	}
}

/* Packets of the families that the listener takes; what is not known counts as both. */
static pa_set families_of(struct comparison *c, const struct pa_listener *listener)
{
	bool both = listener->family == 6 && listener->any_address && listener->v6only != PA_YES;
	bool six = listener->family == 6 && (listener->any_address || !pa_value_is_ipv4(listener->address));
	unsigned value = six ? PA_NFPROTO_IPV6 : PA_NFPROTO_IPV4;

	return both ? pa_set_full(c->space) : compare_single(c, PA_FIELD_NFPROTO, value, value);
}

static bool asks_for(struct comparison *c, const struct pa_exposure *exposure, const struct pa_listener *listener)
{
	struct port_search search = { .wanted = { listener->port, listener->port }, .any_port = true };
	pa_set set = pa_set_intersect(c->space, exposure->set, c->scope[exposure->path]);

	set = pa_set_intersect(c->space, set, families_of(c, listener));
	pa_set_boxes(c->space, ports_of(c, set, listener->protocol), 0, look_for_port, &search);
	return search.found;
}

/* Everything that arrives for the port is sent elsewhere: the program gets nothing. */
static const struct pa_exposure *who_takes(struct comparison *c, const struct pa_listener *listener)
{
	const struct pa_exposure *taker = NULL;

	for (int path = PA_PATH_IN; path <= PA_PATH_FORWARD; path++) {
		for (size_t i = 0; i < c->part_count[path]; i++) {
			const struct pa_exposure *exposure = c->parts[path][i].exposure;
			const struct pa_target *target = &exposure->target;

			if (!asks_for(c, exposure, listener))
				continue;
			if (path == PA_PATH_IN &&
			    (!exposure->has_target || !target->has_port ||
			     (listener->port >= target->port.first && listener->port <= target->port.last)))
				return NULL;
			taker = exposure->has_target ? exposure : taker;
		}
	}
	return taker;
}

static void report_taken(struct comparison *c, const struct pa_listener *listener, const struct pa_exposure *taker)
{
	struct pa_buffer text = { 0 };
	struct pa_finding *finding;

	pa_buffer_printf(&text, "%s listens on %u/%s, but all that gets in for that port is sent to ",
			 program_of(c->host->sockets, listener), listener->port,
			 listener->protocol == PROTOCOL_TCP ? "tcp" : "udp");
	describe_target(&taker->target, &text);
	finding = compare_add(c, PA_CHECK_NAT_002, text.data);
	finding->message = compare_text(c, &text);
	finding->fix = "let the program listen on another port, or take its port out of the translation";
	pa_buffer_done(&text);
}

static void compare_taken(struct comparison *c, const struct pa_sockets *sockets)
{
	for (size_t i = 0; i < sockets->listener_count; i++) {
		const struct pa_listener *listener = &sockets->listeners[i];
		const struct pa_exposure *taker;

		if (listener->raw || is_on_loopback(listener) ||
		    (listener->protocol != PROTOCOL_TCP && listener->protocol != PROTOCOL_UDP))
			continue;
		taker = who_takes(c, listener);
		if (taker)
			report_taken(c, listener, taker);
	}
}

void check_mappings(struct comparison *c)
{
	struct source_range *ranges = pa_arena_alloc(c->scratch, c->ruleset->rule_count + 1, sizeof(*ranges));
	const struct pa_sockets *sockets = c->host->sockets;
	size_t count = 0;

	for (size_t i = 0; i < c->ruleset->rule_count; i++)
		count += source_range_of(c->ruleset->rules[i], &ranges[count]);
	compare_ranges(c, ranges, count);
	for (size_t i = 0; i < count; i++) {
		compare_published(c, &ranges[i], PROTOCOL_TCP);
		compare_published(c, &ranges[i], PROTOCOL_UDP);
		if (sockets)
			compare_listeners(c, &ranges[i], sockets);
	}
	if (sockets)
		compare_taken(c, sockets);
	else
		compare_not_assessed(c, PA_CHECK_NAT_002,
				     "translations were held against each other; which programs listen is not known");
}
