/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the policy declares, and whether it is served.
 *
 * SOC-003  somebody listens on a port that an `allow` names, and nothing of the `allow` gets through to him. A `require` that
 *          does not get in is REQ-001. Ranges of more than 64 ports name nobody in particular.
 * REQ-002  `listener required`, and nobody takes the packets of one of its services.
 */
#include "listener.h"

#define NAMED_PORTS_MAX 64

/* --- SOC-003 ------------------------------------------------------------------------------------------------------------ */

static bool names_one(const struct pa_statement *statement, const struct pa_listener *listener)
{
	for (size_t i = 0; i < statement->item_count; i++) {
		const struct pa_service_item *item = &statement->items[i];

		if (!item->any_protocol && !item->any_port && !item->icmp && !item->ephemeral &&
		    item->protocol == listener->protocol && item->ports.last - item->ports.first < NAMED_PORTS_MAX &&
		    item->ports.first <= listener->port && listener->port <= item->ports.last)
			return true;
	}
	return false;
}

/* What of the `allow` is meant for the listener and can arrive from outside at all. */
static pa_set meant_for(struct comparison *c, size_t statement, const struct listening *listening)
{
	pa_set meant = pa_set_intersect(c->space, c->regions[statement].set, listening->takes);

	meant = pa_set_intersect(c->space, meant, c->scope[PA_PATH_IN]);
	return pa_set_minus(c->space, meant, compare_loopback(c, PA_PATH_IN));
}

/* The listener gets some of it, headers before or behind a translation. */
static bool is_served(struct comparison *c, size_t statement, const struct listening *listening)
{
	return !pa_set_is_empty(c->space, pa_set_intersect(c->space, c->regions[statement].set, listening->reach));
}

static void report_blocked(struct comparison *c, size_t index, struct listening *listening)
{
	const struct pa_statement *statement = c->policy->statements[index];
	pa_set meant = meant_for(c, index, listening);
	struct holding holding = { &listening, 1 };
	struct pa_finding *finding;
	struct pa_buffer text = { 0 };

	finding = compare_add_holding(c, PA_CHECK_SOC_003, &holding, statement->text);
	compare_statement_severity(c, finding, statement);
	compare_add_example(c, finding, PA_PATH_IN, meant, PA_SCENARIO_NEW);
	describe_holding(c, &holding, &text);
	pa_buffer_puts(&text, ", but the firewall lets nothing through to it that ");
	describe_place(&statement->where, &text);
	pa_buffer_printf(&text, " allows: `%s`", statement->text);
	finding->message = compare_text(c, &text);
	pa_buffer_puts(&text, "accept it");
	if (finding->rule_count > 0) {
		pa_buffer_puts(&text, " before ");
		describe_rules(finding->rules, finding->rule_count, &text);
		pa_buffer_puts(&text, ", which refuses the example");
	}
	pa_buffer_puts(&text, "; or take the `allow` out and stop the service");
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
	c->blocked[index] = true;
}

void check_blocked(struct comparison *c)
{
	for (size_t i = 0; i < c->policy->statement_count; i++) {
		const struct pa_statement *statement = c->policy->statements[i];

		if (statement->kind != PA_STATEMENT_ALLOW || statement->path != PA_PATH_IN || statement->has_dnat ||
		    !c->regions[i].known)
			continue;
		for (size_t k = 0; k < c->listening_count; k++) {
			struct listening *listening = &c->listening[k];

			if (names_one(statement, listening->socket) && !is_served(c, i, listening) &&
			    !pa_set_is_empty(c->space, meant_for(c, i, listening)))
				report_blocked(c, i, listening);
		}
	}
}

/* --- REQ-002 ------------------------------------------------------------------------------------------------------------- */

/* What is translated away does not arrive where it was sent to. */
static pa_set translated(struct comparison *c)
{
	pa_set set = pa_set_empty(c->space);

	for (size_t i = 0; i < c->part_count[PA_PATH_IN]; i++)
		if (c->parts[PA_PATH_IN][i].exposure->has_target)
			set = pa_set_union(c->space, set, c->parts[PA_PATH_IN][i].exposure->set);
	return set;
}

static bool somebody_takes(struct comparison *c, pa_set wanted)
{
	pa_set direct = pa_set_minus(c->space, wanted, translated(c));

	for (size_t i = 0; i < c->listening_count; i++) {
		const struct listening *listening = &c->listening[i];

		if (!pa_set_is_empty(c->space, pa_set_intersect(c->space, direct, listening->takes)) ||
		    !pa_set_is_empty(c->space, pa_set_intersect(c->space, wanted, listening->reach)))
			return true;
	}
	return false;
}

/* Somebody listens on the port, but not for those: on loopback, another address, the other family. */
static const struct pa_listener *nearest(const struct comparison *c, const struct pa_service_item *item)
{
	for (size_t i = 0; i < c->listening_count; i++)
		if (compare_names_port(c, item, 1, c->listening[i].socket))
			return c->listening[i].socket;
	return NULL;
}

static void report_missing(struct comparison *c, const struct pa_statement *statement, const struct pa_service_item *item)
{
	struct pa_buffer text = { 0 }, region = { 0 };
	const struct pa_listener *near = nearest(c, item);
	struct pa_finding *finding;

	pa_buffer_printf(&region, "%s;%u %u-%u", statement->text, item->protocol, (unsigned)item->ports.first,
			 (unsigned)item->ports.last);
	finding = compare_add(c, PA_CHECK_REQ_002, region.data);
	pa_buffer_done(&region);
	compare_statement_severity(c, finding, statement);
	describe_place(&statement->where, &text);
	pa_buffer_printf(&text, " says `listener required`, but nobody listens for %s",
			 item->text ? item->text : statement->text);
	if (near) {
		pa_buffer_puts(&text, "; ");
		describe_holders(c, near, &text);
		pa_buffer_puts(&text, " listens on ");
		describe_socket(near, &text);
		pa_buffer_puts(&text, ", where these packets do not arrive");
	}
	finding->message = compare_text(c, &text);
	finding->fix = near ? "bind the service to the addresses that the policy names"
			    : "start the service, and enable it at boot; or take the statement out";
	pa_buffer_done(&text);
}

static void check_items(struct comparison *c, size_t index)
{
	const struct pa_statement *statement = c->policy->statements[index];
	pa_set region = pa_set_intersect(c->space, c->regions[index].set, c->scope[PA_PATH_IN]);

	for (size_t i = 0; i < statement->item_count; i++) {
		const struct pa_service_item *item = &statement->items[i];

		if (!item->icmp && !somebody_takes(c, pa_set_intersect(c->space, region, compare_item_set(c, item))))
			report_missing(c, statement, item);
	}
}

/* Why it cannot be told whether somebody listens; NULL: it can. */
static const char *why_not_required(struct comparison *c, size_t index)
{
	const struct pa_statement *statement = c->policy->statements[index];

	if (statement->path != PA_PATH_IN || statement->has_dnat)
		return "who listens on other hosts, or behind a translation to them, is not known here";
	if (!c->regions[index].known)
		return c->regions[index].reason;
	return compare_covers_items(c, statement->items, statement->item_count) ? NULL : compare_why_uncovered(c);
}

void check_required_listeners(struct comparison *c)
{
	compare_settle(c, PA_CHECK_REQ_002);
	for (size_t i = 0; i < c->policy->statement_count; i++) {
		const struct pa_statement *statement = c->policy->statements[i];

		if (statement->fields.listener_demand != PA_LISTENER_REQUIRED || statement->kind == PA_STATEMENT_DENY)
			continue;
		c->unsure[i] = why_not_required(c, i);
		if (c->unsure[i])
			compare_not_assessed(c, PA_CHECK_REQ_002, c->unsure[i]);
		else
			check_items(c, i);
	}
}
