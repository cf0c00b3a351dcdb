/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets against what the policy says of sockets.
 *
 * SOC-001  a listener beyond loopback that no `allow`, `require` or `listen` speaks of, even where the firewall refuses what is
 *          sent to it. What a finding on exposures names already is left out.
 * SOC-004  a listener that is not held by those that an `allow` or `require` (`listener ...`) or a `listen ... by` names, or that
 *          `listener none` or `listen ... never` forbids. Several `listen ... by` for one port add up.
 * SOC-008  a listener on more addresses than `listen ... only on` grants; these add up, too.
 *
 * UDP sockets of clients (compare_is_client()) are nobody's service and left out.
 */
#include "listener.h"

#define PROGRAMS_MAX 12

/* --- what `listen` says of a socket -------------------------------------------------------------------------------------- */

static bool covers(const struct comparison *c, const struct pa_statement *statement, enum pa_listen_kind kind,
		   const struct pa_listener *listener)
{
	return statement->kind == PA_STATEMENT_LISTEN && statement->listen == kind &&
	       compare_names_port(c, statement->items, statement->item_count, listener);
}

static bool holds(const struct pa_interval *items, size_t count, pa_u128 first, pa_u128 last)
{
	for (size_t i = 0; i < count; i++)
		if (items[i].first <= first && last <= items[i].last)
			return true;
	return false;
}

static bool grants(const struct pa_addresses *addresses, bool ipv4, pa_u128 first, pa_u128 last)
{
	if (addresses->any)
		return true;
	return ipv4 ? holds(addresses->ipv4, addresses->ipv4_count, first, last)
		    : holds(addresses->ipv6, addresses->ipv6_count, first, last);
}

/* `self` is every address of the host, as a socket without an address is. */
static bool is_granted(const struct pa_addresses *addresses, const struct pa_listener *listener)
{
	bool loopback = compare_is_loopback(listener);

	if (addresses->self && addresses->except_ipv4_count == 0 && addresses->except_ipv6_count == 0)
		return true;
	if (!listener->any_address)
		return grants(addresses, pa_value_is_ipv4(listener->address), listener->address, listener->address);
	if (listener->family == 4 || listener->v6only != PA_YES)
		if (!grants(addresses, true, loopback ? LOOPBACK4_ADDRESS : PA_IPV4_BASE,
			    loopback ? LOOPBACK4_ADDRESS : PA_IPV4_LAST))
			return false;
	return listener->family == 4 || grants(addresses, false, loopback ? LOOPBACK6 : 0, loopback ? LOOPBACK6 : PA_U128_MAX);
}

/* --- SOC-008 ------------------------------------------------------------------------------------------------------------ */

static void report_wide(struct comparison *c, const struct pa_statement *statement, struct listening *listening)
{
	struct holding holding = { &listening, 1 };
	struct pa_finding *finding = compare_add_holding(c, PA_CHECK_SOC_008, &holding, statement->text);
	struct pa_buffer text = { 0 };

	compare_statement_severity(c, finding, statement);
	describe_holding(c, &holding, &text);
	if (listening->socket->any_address)
		pa_buffer_puts(&text, " on all addresses");
	pa_buffer_puts(&text, ", wider than ");
	describe_place(&statement->where, &text);
	pa_buffer_printf(&text, " grants: `%s`", statement->text);
	finding->message = compare_text(c, &text);
	finding->fix =
		pa_arena_printf(c->result->arena, "bind the service to %s only, in its own configuration",
				statement->listen_only_on.text ? statement->listen_only_on.text : "the address that is named");
	pa_buffer_done(&text);
}

static void check_addresses(struct comparison *c, struct listening *listening)
{
	const struct pa_statement *first = NULL;

	for (size_t i = 0; i < c->policy->statement_count; i++) {
		const struct pa_statement *statement = c->policy->statements[i];

		if (!covers(c, statement, PA_LISTEN_ONLY_ON, listening->socket))
			continue;
		if (is_granted(&statement->listen_only_on, listening->socket))
			return;
		first = first ? first : statement;
	}
	if (first)
		report_wide(c, first, listening);
}

void check_bound_wide(struct comparison *c)
{
	for (size_t i = 0; i < c->listening_count; i++)
		if (!compare_is_client(c, &c->listening[i]))
			check_addresses(c, &c->listening[i]);
}

/* --- SOC-004 ------------------------------------------------------------------------------------------------------------ */

static void report_stranger(struct comparison *c, const struct pa_statement *statement, struct listening *listening,
			    const char *what, const char *fix)
{
	struct holding holding = { &listening, 1 };
	struct pa_finding *finding = compare_add_holding(c, PA_CHECK_SOC_004, &holding, statement->text);
	struct pa_buffer text = { 0 };

	compare_statement_severity(c, finding, statement);
	describe_holding(c, &holding, &text);
	pa_buffer_printf(&text, ", but ");
	describe_place(&statement->where, &text);
	pa_buffer_printf(&text, " %s", what);
	if (statement->kind == PA_STATEMENT_LISTEN)
		pa_buffer_printf(&text, ": `%s`", statement->text);
	else
		pa_buffer_printf(&text, ": `listener %s` for `%s`", statement->fields.listener, statement->text);
	finding->message = compare_text(c, &text);
	finding->fix = fix;
	pa_buffer_done(&text);
}

static const char stop_it[] = "stop it, or change the policy if it is wanted there";
static const char who_is_it[] =
	"find out who started it and why; stop it, run it as the policy says, or change the policy if this is meant";

static void say_unsure(struct comparison *c, size_t statement, const char *reason)
{
	c->unsure[statement] = reason;
	compare_not_assessed(c, PA_CHECK_SOC_004, reason);
}

/* `listener ...` of one allow or require. */
static void check_demand(struct comparison *c, size_t index, struct listening *listening)
{
	const struct pa_statement *statement = c->policy->statements[index];
	const struct pa_fields *fields = &statement->fields;
	const char *reason = NULL;

	if (fields->listener_demand == PA_LISTENER_NONE) {
		report_stranger(c, statement, listening, "wants nobody there", stop_it);
		return;
	}
	switch (compare_fits(c, &fields->listener_whos, listening->socket, &reason)) {
	case PA_NO:
		report_stranger(c, statement, listening, "wants somebody else", who_is_it);
		break;
	case PA_UNKNOWN:
		say_unsure(c, index, reason);
		break;
	case PA_YES:
		break;
	}
}

static void check_demands(struct comparison *c, struct listening *listening)
{
	for (size_t i = 0; i < c->policy->statement_count; i++) {
		const struct pa_statement *statement = c->policy->statements[i];
		enum pa_listener_demand demand = statement->fields.listener_demand;

		if ((statement->kind == PA_STATEMENT_ALLOW || statement->kind == PA_STATEMENT_REQUIRE) &&
		    (demand == PA_LISTENER_NONE || demand == PA_LISTENER_BY) && compare_speaks_of(c, i, listening))
			check_demand(c, i, listening);
	}
}

/* The best answer of all `listen ... by` that cover the socket; *ret_first is the first of them, or NULL. */
static enum pa_tristate fits_some(struct comparison *c, const struct listening *listening, size_t *ret_first,
				  const char **ret_reason)
{
	enum pa_tristate best = PA_NO;

	*ret_first = SIZE_MAX;
	for (size_t i = 0; i < c->policy->statement_count; i++) {
		const struct pa_statement *statement = c->policy->statements[i];
		enum pa_tristate fits;

		if (!covers(c, statement, PA_LISTEN_BY, listening->socket))
			continue;
		*ret_first = *ret_first == SIZE_MAX ? i : *ret_first;
		fits = compare_fits(c, &statement->listen_whos, listening->socket, ret_reason);
		if (fits == PA_YES)
			return PA_YES;
		best = fits == PA_UNKNOWN ? fits : best;
	}
	return best;
}

static void check_listen(struct comparison *c, struct listening *listening)
{
	const char *reason = NULL;
	size_t first;
	enum pa_tristate fits = fits_some(c, listening, &first, &reason);

	if (first != SIZE_MAX && fits == PA_NO)
		report_stranger(c, c->policy->statements[first], listening, "lets only others listen there", who_is_it);
	if (first != SIZE_MAX && fits == PA_UNKNOWN)
		say_unsure(c, first, reason);
	for (size_t i = 0; i < c->policy->statement_count; i++)
		if (covers(c, c->policy->statements[i], PA_LISTEN_NEVER, listening->socket))
			report_stranger(c, c->policy->statements[i], listening, "lets nobody listen there", stop_it);
}

void check_strangers(struct comparison *c)
{
	for (size_t i = 0; i < c->listening_count; i++) {
		if (compare_is_client(c, &c->listening[i]))
			continue;
		check_demands(c, &c->listening[i]);
		check_listen(c, &c->listening[i]);
	}
}

/* --- SOC-001 ------------------------------------------------------------------------------------------------------------ */

static bool is_declared(struct comparison *c, const struct listening *listening)
{
	for (size_t i = 0; i < c->policy->statement_count; i++) {
		const struct pa_statement *statement = c->policy->statements[i];

		switch (statement->kind) {
		case PA_STATEMENT_ALLOW:
		case PA_STATEMENT_REQUIRE:
			if (compare_speaks_of(c, i, listening))
				return true;
			break;
		case PA_STATEMENT_LISTEN: /* whether it is as that says is for the checks above */
			if (compare_names_port(c, statement->items, statement->item_count, listening->socket))
				return true;
			break;
		case PA_STATEMENT_DENY:
		case PA_STATEMENT_WAIVE:
			break;
		}
	}
	return false;
}

static bool is_undeclared(struct comparison *c, struct listening *listening)
{
	return !listening->loopback && !listening->reported && !listening->socket->raw && !compare_is_client(c, listening) &&
	       !is_declared(c, listening);
}

static bool some_reachable(const struct holding *holding)
{
	for (size_t i = 0; i < holding->count; i++)
		if (holding->items[i]->reachable)
			return true;
	return false;
}

static void report_undeclared(struct comparison *c, const struct holding *holding)
{
	struct pa_finding *finding = compare_add_holding(c, PA_CHECK_SOC_001, holding, NULL);
	const struct pa_listener *first = holding->items[0]->socket;
	struct pa_buffer text = { 0 };

	describe_holding(c, holding, &text);
	pa_buffer_printf(&text, ", which the policy does not declare; %s",
			 some_reachable(holding) ? "some of it is reachable" : "the firewall refuses what is sent to it");
	finding->message = compare_text(c, &text);
	pa_buffer_puts(&text, "stop it or bind it to loopback; if it is meant, declare who listens: `listen ");
	pa_buffer_printf(&text, "%u/%s by ", first->port,
			 pa_protocol_name(first->protocol) ? pa_protocol_name(first->protocol) : "any");
	if (compare_holder_count(c, first) > 0 && compare_holder(c, first, 0)->executable)
		pa_buffer_printf(&text, "exe %s`", compare_holder(c, first, 0)->executable);
	else
		pa_buffer_puts(&text, "user NAME`");
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
}

/* One finding for all the others: a host that nobody declared anything for must not fill the screen. */
static void report_rest(struct comparison *c, const struct holding *holdings, size_t count)
{
	struct pa_finding *finding = compare_add(c, PA_CHECK_SOC_001, "more");
	struct pa_buffer text = { 0 };

	pa_buffer_printf(&text, "%zu more programs listen beyond loopback and are not declared: ", count);
	for (size_t i = 0; i < count; i++) {
		const char *name = compare_program(c, holdings[i].items[0]->socket);

		pa_buffer_printf(&text, "%s%s ", i ? "; " : "", name ? name : "?");
		describe_holding_ports(&holdings[i], &text);
	}
	finding->message = compare_text(c, &text);
	finding->fix = "declare those that are meant with `allow` or `listen`, and stop the others";
	pa_buffer_done(&text);
}

void check_undeclared_listeners(struct comparison *c)
{
	struct holding *holdings;
	size_t count = compare_holdings(c, is_undeclared, &holdings);
	size_t shown = count > PROGRAMS_MAX ? PROGRAMS_MAX - 1 : count;

	for (size_t i = 0; i < shown; i++)
		report_undeclared(c, &holdings[i]);
	if (shown < count)
		report_rest(c, holdings + shown, count - shown);
	for (size_t i = 0; i < c->listening_count; i++)
		if (c->listening[i].reported && !is_declared(c, &c->listening[i]))
			c->found_as[PA_CHECK_SOC_001] = c->listening[i].reported;
}
