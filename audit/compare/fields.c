/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks on what the policy says beside packets.
 *
 * POL-001  an `allow` lacks a field that `set require-fields` asks for.
 * POL-002  the day of a `review` has passed (it holds through its end, UTC), of any statement and of `check`.
 * POL-005  a single port, or a few, that an `allow` opens on this host lies in the range from which the kernel takes the ports of
 *          outgoing connections and is not reserved (where somebody listens there, SOC-006 says so); a service of the policy has the
 *          name of a known one and the port of another; or `listener exe` names a program that is none of those of the port.
 */
#include <string.h>

#include "listener.h"

/* More ports in one item are a class, not the choice of a port. */
enum { CHOSEN_PORTS_MAX = 16 };

/* --- POL-001 ------------------------------------------------------------------------------------------------------- */

static bool has_field(const struct pa_fields *fields, const char *name)
{
	const struct {
		const char *name;
		bool given;
	} known[] = {
		{ "owner", fields->owner },
		{ "reason", fields->reason },
		{ "ticket", fields->ticket },
		{ "approved-by", fields->approved_by },
		{ "review", fields->review != PA_DAY_NONE },
		{ "severity", fields->has_severity },
		{ "listener", fields->listener },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(known[i].name, name) == 0)
			return known[i].given;
	return true;
}

static void report_missing(struct comparison *c, const struct pa_statement *statement, const char *missing)
{
	struct pa_finding *finding = compare_add(c, PA_CHECK_POL_001, statement->text);
	struct pa_buffer text = { 0 };

	compare_statement_severity(c, finding, statement);
	describe_place(&statement->where, &text);
	pa_buffer_printf(&text, ": `%s` has no %s, which `set require-fields` asks for", statement->text, missing);
	finding->message = compare_text(c, &text);
	pa_buffer_printf(&text, "add it: { %s ... }", missing);
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
}

void check_fields(struct comparison *c)
{
	for (size_t i = 0; c->policy->require_fields && i < c->policy->statement_count; i++) {
		const struct pa_statement *statement = c->policy->statements[i];
		struct pa_buffer missing = { 0 };

		if (statement->kind != PA_STATEMENT_ALLOW)
			continue;
		for (const char **field = c->policy->require_fields; *field; field++)
			if (!has_field(&statement->fields, *field))
				pa_buffer_printf(&missing, "%s%s", missing.length ? ", " : "", *field);
		if (missing.length)
			report_missing(c, statement, missing.data);
		pa_buffer_done(&missing);
	}
}

/* --- POL-002 ------------------------------------------------------------------------------------------------------- */

static struct pa_finding *report_review(struct comparison *c, const struct pa_location *where, const char *what, pa_day review)
{
	struct pa_finding *finding = compare_add(c, PA_CHECK_POL_002, what);
	struct pa_buffer text = { 0 };
	int days = c->today - review;

	describe_place(where, &text);
	pa_buffer_printf(&text, ": the review of `%s` has been due for %d day%s", what, days, days == 1 ? "" : "s");
	finding->message = compare_text(c, &text);
	finding->fix = "decide whether it is still needed, and set the next day of `review`";
	pa_buffer_done(&text);
	return finding;
}

void check_reviews(struct comparison *c)
{
	for (size_t i = 0; i < c->policy->statement_count; i++) {
		const struct pa_statement *statement = c->policy->statements[i];

		if (statement->fields.review == PA_DAY_NONE || c->today <= statement->fields.review)
			continue;
		compare_statement_severity(c, report_review(c, &statement->where, statement->text, statement->fields.review),
					   statement);
	}
	for (size_t i = 0; i < c->policy->check_count; i++) {
		const struct pa_check_setting *setting = &c->policy->checks[i];
		const char *what = pa_arena_printf(c->scratch, "check %s", setting->check);

		if (setting->fields.review != PA_DAY_NONE && c->today > setting->fields.review)
			report_review(c, &setting->where, what, setting->fields.review);
	}
}

/* --- POL-005 ------------------------------------------------------------------------------------------------------- */

static bool is_reserved(const struct pa_host *host, struct pa_interval ports)
{
	for (size_t i = 0; i < host->reserved_port_count; i++)
		if (host->reserved_ports[i].first <= ports.first && ports.last <= host->reserved_ports[i].last)
			return true;
	return false;
}

static bool is_chosen(const struct pa_service_item *item)
{
	return !item->any_protocol && !item->any_port && !item->ephemeral && !item->icmp &&
	       item->ports.last - item->ports.first < CHOSEN_PORTS_MAX;
}

static struct pa_finding *report_port(struct comparison *c, const struct pa_statement *statement,
				      const struct pa_service_item *item, struct pa_buffer *text)
{
	const char *region = pa_arena_printf(c->scratch, "%s %s", statement->text, item->text);
	struct pa_finding *finding = compare_add(c, PA_CHECK_POL_005, region);

	compare_statement_severity(c, finding, statement);
	describe_place(&statement->where, text);
	pa_buffer_printf(text, ": `%s`", item->text);
	return finding;
}

static void check_ephemeral(struct comparison *c, const struct pa_statement *statement, const struct pa_service_item *item)
{
	struct pa_interval range = compare_ephemeral(c->host);
	struct pa_buffer text = { 0 };
	struct pa_finding *finding;

	if (item->ports.last < range.first || item->ports.first > range.last || is_reserved(c->host, item->ports))
		return;
	if (compare_is_in_the_way(c, item)) {
		c->found_as[PA_CHECK_POL_005] = pa_check_info(PA_CHECK_SOC_006)->code;
		return;
	}
	finding = report_port(c, statement, item, &text);
	pa_buffer_printf(&text, " lies in %u-%u, where the kernel takes the ports of outgoing connections from",
			 (unsigned)range.first, (unsigned)range.last);
	if (c->host->ephemeral_last == 0 || !c->host->reserved_ports_known) {
		finding->certainty = PA_POSSIBLE;
		finding->condition = c->host->ephemeral_last == 0
					     ? "if ip_local_port_range is the kernel's default and the port is not reserved"
					     : "if the port is not in ip_local_reserved_ports";
		pa_buffer_printf(&text, " (%s)", finding->condition);
	}
	finding->message = compare_text(c, &text);
	finding->fix =
		"choose a port below that range, or add it to net.ipv4.ip_local_reserved_ports: otherwise the service may "
		"find its port taken when it starts";
	pa_buffer_done(&text);
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* `allow 3306/tcp { listener exe /usr/sbin/nginx }`: none of the programs that are to listen usually does so there. */
static void check_program(struct comparison *c, const struct pa_statement *statement, const struct pa_service_item *item)
{
	const struct pa_whos *whos = &statement->fields.listener_whos;
	const char *service = NULL, *program = NULL;
	struct pa_buffer text = { 0 };
	struct pa_finding *finding;

	for (size_t i = 0; i < whos->count; i++) {
		if (!whos->items[i].executable || strpbrk(whos->items[i].executable, "*?"))
			return;
		program = last_part(whos->items[i].executable);
		if (!compare_is_stranger(item->protocol, (unsigned)item->ports.first, program, &service))
			return;
	}
	if (!program)
		return;
	finding = report_port(c, statement, item, &text);
	pa_buffer_printf(&text, " is known as the port of %s, and %s is to listen there", service, program);
	finding->message = compare_text(c, &text);
	finding->fix =
		"give it a port that is not another service's: people, scanners and other rules go by the well-known one";
	pa_buffer_done(&text);
}

static bool has_item(const struct pa_service_item *items, size_t count, const struct pa_service_item *wanted)
{
	for (size_t i = 0; i < count; i++)
		if (items[i].protocol == wanted->protocol &&
		    (items[i].any_port ||
		     (items[i].ports.first <= wanted->ports.first && wanted->ports.last <= items[i].ports.last)))
			return true;
	return false;
}

/* `service ssh = 3306/tcp`: the name of one service, the port of another. */
static void check_name(struct comparison *c, const struct pa_statement *statement, const struct pa_service_item *item)
{
	const struct pa_service_item *known;
	size_t count = pa_service_lookup(item->text, &known);
	const char *other =
		item->ports.first == item->ports.last ? pa_service_name(item->protocol, (unsigned)item->ports.first) : NULL;
	struct pa_buffer text = { 0 };
	struct pa_finding *finding;

	if (count == 0 || !other || strcmp(other, item->text) == 0 || has_item(known, count, item))
		return;
	finding = report_port(c, statement, item, &text);
	pa_buffer_printf(&text, " is %u/%s in this policy, which is the port of %s", (unsigned)item->ports.first,
			 pa_protocol_name(item->protocol), other);
	finding->message = compare_text(c, &text);
	finding->fix = "give the service a name or a port of its own";
	pa_buffer_done(&text);
}

void check_port_choice(struct comparison *c)
{
	for (size_t i = 0; i < c->policy->statement_count; i++) {
		const struct pa_statement *statement = c->policy->statements[i];

		if (statement->kind != PA_STATEMENT_ALLOW && statement->kind != PA_STATEMENT_REQUIRE)
			continue;
		for (size_t j = 0; j < statement->item_count; j++) {
			const struct pa_service_item *item = &statement->items[j];

			if (!is_chosen(item))
				continue;
			check_name(c, statement, item);
			check_program(c, statement, item);
			if (statement->path == PA_PATH_IN && statement->kind == PA_STATEMENT_ALLOW)
				check_ephemeral(c, statement, item);
		}
	}
}
