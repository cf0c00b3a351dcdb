/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One port: for people, and as JSON. */
#include "portaudit/port.h"

#include "fold.h"
#include "format.h"
#include "json_parts.h"
#include "lines.h"
#include "listener.h"
#include "phrase.h"

/* --- text ------------------------------------------------------------------------------------------------------------ */

struct writer {
	const struct pa_port_report *port;
	const struct pa_style *style;
	struct pa_buffer *out;
};

/* "  label        text", folded below the text. */
static void print_fact(const struct writer *writer, const char *label, enum pa_paint paint, const char *text)
{
	struct pa_buffer lead = { 0 };
	pa_buffer_printf(&lead, "  %-13s", label);
	pa_hanging(writer->style, PA_PAINT_FAINT, lead.data, paint, text, writer->out);
	pa_buffer_done(&lead);
}

static const char *class_range(const char *class)
{
	return class[0] == 's' ? "0-1023" : class[0] == 'u' ? "1024-49151" : "49152-65535";
}

static void print_number(const struct writer *writer)
{
	const struct pa_port_report *port = writer->port;
	struct pa_buffer text = { 0 };
	pa_buffer_printf(&text, "%s port (%s)", port->class, class_range(port->class));
	if (port->port < port->privileged_below)
		pa_buffer_puts(&text, "; a program needs root rights or CAP_NET_BIND_SERVICE for it");
	else
		pa_buffer_puts(&text, "; a program of any user may listen on it");
	print_fact(writer, "class", PA_PAINT_NONE, text.data);
	pa_buffer_clear(&text);
	pa_buffer_printf(&text, "%s: the kernel hands out %u-%u to outgoing connections%s", port->is_ephemeral ? "yes" : "no",
			 port->ephemeral_first, port->ephemeral_last,
			 port->ephemeral_known ? "" : " (its default; this host's is not known)");
	if (port->reserved == PA_YES)
		pa_buffer_puts(&text, "; this one is reserved (ip_local_reserved_ports)");
	print_fact(writer, "ephemeral", port->is_ephemeral && port->reserved != PA_YES ? PA_PAINT_WARN : PA_PAINT_NONE,
		   text.data);
	pa_buffer_done(&text);
}

static void put_address(const struct pa_listener *listener, struct pa_buffer *out)
{
	char address[PA_ADDRESS_TEXT_MAX];
	if (listener->any_address) {
		pa_buffer_puts(out, listener->family == 4	     ? "all IPv4 addresses"
				    : listener->v6only == PA_YES     ? "all IPv6 addresses"
				    : listener->v6only == PA_UNKNOWN ? "all IPv6 addresses, perhaps IPv4"
								     : "all addresses");
	} else {
		bool is_ipv4 = pa_value_is_ipv4(listener->address);
		pa_address_format(listener->address, is_ipv4 ? 4 : 6, address);
		pa_buffer_printf(out, is_ipv4 ? "%s" : "[%s]", address);
	}
	if (listener->interface) {
		pa_buffer_puts(out, " on ");
		pa_text_escape(listener->interface, out);
	}
}

static void put_process(const struct pa_listener *listener, const struct pa_process *process, struct pa_buffer *out)
{
	if (pa_listener_is_waiting(listener, process)) {
		pa_buffer_puts(out, "systemd, which starts ");
		pa_text_escape(listener->activates, out);
		pa_buffer_puts(out, " on demand");
		return;
	}
	pa_text_escape(process->command ? process->command : process->executable ? process->executable : "?", out);
	pa_buffer_printf(out, " (pid %u", (unsigned)process->pid);
	if (process->user) {
		pa_buffer_puts(out, ", user ");
		pa_text_escape(process->user, out);
	}
	if (process->unit || process->container) {
		pa_buffer_puts(out, ", ");
		pa_text_escape(process->container ? process->container : process->unit, out);
	}
	pa_buffer_putc(out, ')');
	if (process->proxy_port)
		pa_buffer_puts(out, " for ");
	pa_process_put_proxied(process, out);
}

static void print_listener(const struct writer *writer, const char *label, const struct pa_listener *listener)
{
	const struct pa_sockets *sockets = writer->port->host->sockets;
	struct pa_buffer text = { 0 };
	size_t first, count = pa_listener_holders(sockets, listener, &first);
	put_address(listener, &text);
	pa_buffer_puts(&text, ": ");
	for (size_t i = first; i < first + count && i < first + 4; i++) {
		pa_buffer_puts(&text, i > first ? ", " : "");
		put_process(listener, &sockets->processes[listener->processes[i]], &text);
	}
	if (count > 4)
		pa_buffer_printf(&text, " and %zu more", count - 4);
	if (listener->process_count == 0)
		pa_buffer_puts(&text,
			       listener->processes_known ? "no process (the kernel itself)" : "a process that is not known");
	print_fact(writer, label, PA_PAINT_STRONG, text.data);
	pa_buffer_done(&text);
}

static void print_listeners(const struct writer *writer, const struct pa_port_side *side)
{
	const struct pa_sockets *sockets = writer->port->host->sockets;
	if (!sockets)
		print_fact(writer, "listens", PA_PAINT_FAINT, "not looked at: the sockets of this host are not known");
	else if (side->listener_count == 0)
		print_fact(writer, "listens", PA_PAINT_NONE, side->covered ? "nobody" : "nobody that could be seen");
	for (size_t i = 0; i < side->listener_count; i++)
		print_listener(writer, i ? "" : "listens", side->listeners[i]);
}

static void print_sentences(const struct writer *writer, const char *label, enum pa_paint paint, const char *const *sentences,
			    size_t count)
{
	struct pa_buffer text = { 0 };
	for (size_t i = 0; i < count; i++) {
		pa_buffer_puts(&text, label[0] ? "" : "- ");
		pa_text_escape(sentences[i], &text);
		print_fact(writer, i ? "" : label, paint, text.data);
		pa_buffer_clear(&text);
	}
	pa_buffer_done(&text);
}

/* The table of `list`, of some rows. */
static void print_rows(const struct writer *writer, const struct pa_row *rows, size_t count)
{
	struct pa_report report = *writer->port->report;
	report.rows = rows;
	report.row_count = count;
	pa_buffer_putc(writer->out, '\n');
	pa_text_rows(&report, writer->style, writer->out);
}

static void print_reach(const struct writer *writer, const struct pa_port_side *side)
{
	struct pa_arena *arena = pa_arena_new();
	struct pa_region *lines;
	size_t count = pa_lines_make(arena, side->rows, side->row_count, &lines);
	struct pa_buffer text = { 0 };
	size_t anywhere = 0, everywhere = 0, away = 0;
	for (size_t i = 0; i < count; i++) {
		anywhere += lines[i].rank == 0;
		everywhere += lines[i].rank == 0 && lines[i].iif.count == 0;
		away += lines[i].row->has_target;
	}
	if (count == 0)
		pa_buffer_puts(&text, "no: no new connection gets in");
	else
		pa_buffer_printf(&text, "yes, %s%s",
				 everywhere ? "from anywhere"
				 : anywhere ? "from anywhere on some interfaces"
					    : "from some senders only",
				 away ? "; address translation sends packets elsewhere" : "");
	print_fact(writer, "reachable", anywhere ? PA_PAINT_WARN : PA_PAINT_NONE, text.data);
	pa_buffer_done(&text);
	pa_arena_free(arena);
}

static void print_choice(const struct writer *writer, const struct pa_port_side *side)
{
	if (side->objection_count == 0) {
		print_fact(writer, "new service", PA_PAINT_GOOD,
			   side->covered ? "a good choice: nothing speaks against it"
					 : "a good choice, as long as no program listens there: that is not known");
		return;
	}
	print_fact(writer, "new service", PA_PAINT_WARN, "not a good choice");
	print_sentences(writer, "", PA_PAINT_NONE, side->objections, side->objection_count);
}

static void print_side(const struct writer *writer, const struct pa_port_side *side)
{
	struct pa_buffer title = { 0 };
	pa_buffer_printf(&title, "%u/", writer->port->port);
	pa_phrase_protocol(side->protocol, &title);
	if (side->service)
		pa_buffer_printf(&title, "  %s", side->service);
	pa_buffer_putc(&title, '\n');
	pa_painted_text(writer->style, PA_PAINT_STRONG, title.data, writer->out);
	pa_buffer_done(&title);
	print_fact(writer, "service", PA_PAINT_NONE, side->service ? side->service : "none is registered or usual there");
	print_listeners(writer, side);
	print_reach(writer, side);
	print_sentences(writer, "conflict", PA_PAINT_BAD, side->conflicts, side->conflict_count);
	print_choice(writer, side);
	if (side->row_count > 0)
		print_rows(writer, side->rows, side->row_count);
	if (side->translated_count > 0) {
		pa_buffer_puts(writer->out, "\n  Packets for other ports that are sent here:\n");
		print_rows(writer, side->translated, side->translated_count);
	}
	pa_buffer_putc(writer->out, '\n');
}

static void print_suggestions(const struct writer *writer)
{
	const struct pa_port_report *port = writer->port;
	struct pa_buffer text = { 0 };
	bool covered = true;
	if (port->suggestion_count == 0)
		return;
	for (size_t i = 0; i < port->side_count; i++)
		covered = covered && port->sides[i].covered;
	pa_buffer_puts(&text, "Near ports that a new service could have: ");
	for (size_t i = 0; i < port->suggestion_count; i++)
		pa_buffer_printf(&text, "%s%u", i ? ", " : "", port->suggestions[i]);
	pa_buffer_printf(&text, " (not registered, not ephemeral, no translation%s)",
			 covered ? ", nobody listens" : "; who listens is not known");
	pa_paragraph(writer->style, PA_PAINT_NONE, "", text.data, writer->out);
	pa_buffer_done(&text);
}

void pa_report_port_text(const struct pa_port_report *port, const struct pa_style *style, struct pa_buffer *out)
{
	const struct writer writer = { port, style, out };
	struct pa_buffer title = { 0 };
	pa_buffer_printf(&title, "port %u on ", port->port);
	pa_text_escape(port->report->host ? port->report->host : "this host", &title);
	for (size_t i = 0; i < port->report->ruleset->source_count && i < 4; i++) {
		pa_buffer_puts(&title, i ? ", " : " (");
		pa_text_escape(port->report->ruleset->sources[i], &title);
	}
	pa_buffer_puts(&title, port->report->ruleset->source_count ? ")\n" : "\n");
	pa_painted_text(style, PA_PAINT_STRONG, title.data, out);
	pa_buffer_done(&title);
	print_number(&writer);
	pa_buffer_putc(out, '\n');
	for (size_t i = 0; i < port->side_count; i++)
		print_side(&writer, &port->sides[i]);
	print_suggestions(&writer);
	for (size_t i = 0; i < port->report->incomplete_count; i++)
		pa_hanging(style, PA_PAINT_BAD, "not complete: ", PA_PAINT_NONE, port->report->incomplete[i], out);
}

/* --- JSON ------------------------------------------------------------------------------------------------------------- */

static void add_sentences(struct pa_json *json, const char *key, const char *const *sentences, size_t count)
{
	pa_json_open(json, key, '[');
	for (size_t i = 0; i < count; i++)
		pa_json_string(json, NULL, sentences[i]);
	pa_json_close(json, ']');
}

static void add_listener(struct pa_json *json, const struct pa_sockets *sockets, const struct pa_listener *listener)
{
	struct pa_buffer address = { 0 };
	put_address(listener, &address);
	for (size_t i = 0; i == 0 || i < listener->process_count; i++) {
		const struct pa_process *process =
			i < listener->process_count ? &sockets->processes[listener->processes[i]] : NULL;
		pa_json_open(json, NULL, '{');
		if (process)
			pa_json_number(json, "pid", process->pid);
		else
			pa_json_null(json, "pid");
		pa_json_string(json, "exe", process ? process->executable : NULL);
		pa_json_string(json, "user", process ? process->user : listener->user);
		pa_json_string(json, "unit", process && process->unit ? process->unit : listener->unit);
		pa_json_string(json, "address", address.data);
		pa_json_close(json, '}');
	}
	pa_buffer_done(&address);
}

static void add_side(struct pa_json *json, const struct pa_port_report *port, const struct pa_port_side *side)
{
	struct pa_buffer name = { 0 };
	pa_phrase_protocol(side->protocol, &name);
	pa_json_line(json);
	pa_json_open(json, NULL, '{');
	pa_json_string(json, "proto", name.data);
	pa_json_string(json, "service", side->service);
	if (port->host->sockets) {
		pa_json_open(json, "listeners", '[');
		for (size_t i = 0; i < side->listener_count; i++)
			add_listener(json, port->host->sockets, side->listeners[i]);
		pa_json_close(json, ']');
	} else {
		pa_json_null(json, "listeners");
	}
	pa_json_exposures(json, side->rows, side->row_count);
	pa_json_open(json, "translated", '{');
	pa_json_exposures(json, side->translated, side->translated_count);
	pa_json_close(json, '}');
	add_sentences(json, "conflicts", side->conflicts, side->conflict_count);
	pa_json_bool(json, "good_choice", side->objection_count == 0);
	add_sentences(json, "objections", side->objections, side->objection_count);
	pa_json_close(json, '}');
	pa_buffer_done(&name);
}

static void add_number_facts(struct pa_json *json, const struct pa_port_report *port)
{
	pa_json_number(json, "port", port->port);
	pa_json_string(json, "class", port->class);
	pa_json_open(json, "ephemeral", '{');
	pa_json_bool(json, "inside", port->is_ephemeral);
	pa_json_number(json, "first", port->ephemeral_first);
	pa_json_number(json, "last", port->ephemeral_last);
	pa_json_bool(json, "known", port->ephemeral_known);
	pa_json_close(json, '}');
	if (port->reserved == PA_UNKNOWN)
		pa_json_null(json, "reserved");
	else
		pa_json_bool(json, "reserved", port->reserved == PA_YES);
	pa_json_bool(json, "privileged", port->port < port->privileged_below);
}

void pa_report_port_json(const struct pa_port_report *port, struct pa_buffer *out)
{
	struct pa_json json = { .out = out };
	const struct pa_report *report = port->report;
	pa_json_open(&json, NULL, '{');
	pa_json_string(&json, "schema", "portaudit/1");
	pa_json_string(&json, "host", report->host);
	pa_json_open(&json, "sources", '[');
	for (size_t i = 0; i < report->ruleset->source_count; i++)
		pa_json_string(&json, NULL, report->ruleset->sources[i]);
	pa_json_close(&json, ']');
	pa_json_bool(&json, "complete", report->complete);
	add_sentences(&json, "incomplete", report->incomplete, report->incomplete_count);
	pa_json_line(&json);
	add_number_facts(&json, port);
	pa_json_open(&json, "protocols", '[');
	for (size_t i = 0; i < port->side_count; i++)
		add_side(&json, port, &port->sides[i]);
	pa_json_close(&json, ']');
	pa_json_open(&json, "suggestions", '[');
	for (size_t i = 0; i < port->suggestion_count; i++)
		pa_json_number(&json, NULL, port->suggestions[i]);
	pa_json_close(&json, ']');
	pa_json_close(&json, '}');
	pa_buffer_putc(out, '\n');
}
