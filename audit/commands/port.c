/* SPDX-License-Identifier: GPL-2.0-or-later */
/* port: everything about one port, from the ruleset, the host and its sockets. */
#include "port.h"

#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

/* --- the question --------------------------------------------------------------------------------------------------- */

static const unsigned port_protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_DCCP, IPPROTO_UDPLITE };

static bool parse_protocol(const char *name, struct pa_port_question *question)
{
	for (size_t i = 0; i < sizeof(port_protocols) / sizeof(*port_protocols); i++) {
		const char *known = pa_protocol_name(port_protocols[i]);
		if (known && strcmp(known, name) == 0) {
			question->protocols[0] = port_protocols[i];
			question->protocol_count = 1;
			return true;
		}
	}
	return false;
}

/* A name stands for its first port, and for each protocol that has it there. */
static bool parse_service(const char *name, struct pa_port_question *question)
{
	const struct pa_service_item *items;
	size_t count = pa_service_lookup(name, &items);
	for (size_t i = 0; i < count; i++) {
		if (items[i].icmp || items[i].any_port || items[i].any_protocol)
			continue;
		if (question->port == 0)
			question->port = (unsigned)items[i].ports.first;
		if (items[i].ports.first == question->port && question->protocol_count < 4)
			question->protocols[question->protocol_count++] = items[i].protocol;
	}
	return question->port != 0;
}

/* A number from 1 to 65535 and nothing else; 0: it is none. */
static unsigned parse_number(const char *text)
{
	unsigned number = 0;
	for (; *text >= '0' && *text <= '9' && number <= 65535; text++)
		number = number * 10 + (unsigned)(*text - '0');
	return *text == '\0' && number <= 65535 ? number : 0;
}

bool pa_port_parse(const char *text, struct pa_port_question *ret_question, struct pa_diags *diags)
{
	struct pa_port_question question = { 0 };
	const char *slash = strchr(text, '/');
	if (!diags->arena)
		diags->arena = pa_arena_new();
	const char *word = slash ? pa_arena_strndup(diags->arena, text, (size_t)(slash - text)) : text;
	bool is_number = word[0] && strspn(word, "0123456789") == strlen(word);
	if (is_number)
		question.port = parse_number(word);
	else
		parse_service(word, &question);
	struct pa_diag *diag = NULL;
	if (question.port == 0)
		diag = pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INPUT,
				    is_number ? "ports are 1 to 65535, not %s" : "'%s' is neither a port nor a known service",
				    word);
	else if (slash && !parse_protocol(slash + 1, &question))
		diag = pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "'%s' is no protocol with ports", slash + 1);
	if (diag) {
		diag->help = "for example: portaudit port 8080/tcp";
		return false;
	}
	if (question.protocol_count == 0) {
		question.protocols[question.protocol_count++] = IPPROTO_TCP;
		question.protocols[question.protocol_count++] = IPPROTO_UDP;
	}
	*ret_question = question;
	return true;
}

/* --- the ruleset ------------------------------------------------------------------------------------------------------ */

static bool evaluate(struct pa_job *job, const struct pa_port_question *question)
{
	struct pa_cut cuts[5] = { { PA_FIELD_DPORT, { question->port, question->port } } };
	size_t count = 1;
	for (size_t i = 0; i < question->protocol_count; i++)
		cuts[count++] = (struct pa_cut){ PA_FIELD_L4PROTO, { question->protocols[i], question->protocols[i] } };
	job->evaluation = pa_evaluate(job->ruleset, job->host, cuts, count, &job->diags);
	return job->evaluation != NULL;
}

static pa_set box_of(struct pa_space *space, unsigned protocol, const unsigned *port)
{
	const struct pa_interval protocols = { protocol, protocol }, ports = { port ? *port : 0, port ? *port : 0 };
	struct pa_box box = { 0 };
	box.field[PA_FIELD_L4PROTO] = (struct pa_ranges){ &protocols, 1 };
	if (port)
		box.field[PA_FIELD_DPORT] = (struct pa_ranges){ &ports, 1 };
	return pa_set_box(space, &box);
}

struct row_list {
	struct pa_row *items;
	size_t count;
};

static void add_rows(struct pa_job *job, struct row_list *list, const struct pa_exposure *exposure, pa_set part)
{
	const struct pa_row *rows;
	size_t found = pa_evaluation_rows(job->evaluation, exposure, part, job->options->loopback, 0, &rows);
	if (found == 0)
		return;
	struct pa_row *all = pa_arena_alloc(job->arena, list->count + found, sizeof(*all));
	if (list->count)
		memcpy(all, list->items, list->count * sizeof(*all));
	for (size_t i = 0; i < found; i++) {
		enum pa_tristate forward = rows[i].family == 4 ? job->host->forward_ipv4 : job->host->forward_ipv6;
		if (rows[i].path != PA_PATH_FORWARD || forward != PA_NO)
			all[list->count++] = rows[i];
	}
	list->items = all;
}

static bool leads_to(const struct pa_exposure *exposure, unsigned port)
{
	const struct pa_target *target = &exposure->target;
	return exposure->has_target && exposure->path == PA_PATH_IN && target->has_port && port >= target->port.first &&
	       port <= target->port.last;
}

static void find_rows(struct pa_job *job, unsigned port, struct pa_port_side *side)
{
	struct pa_space *space = pa_evaluation_space(job->evaluation);
	pa_set here = box_of(space, side->protocol, &port), any = box_of(space, side->protocol, NULL);
	struct row_list rows = { 0 }, translated = { 0 };
	for (enum pa_path path = PA_PATH_IN; path <= PA_PATH_FORWARD; path++) {
		const struct pa_exposure *exposures;
		size_t count = pa_evaluation_exposures(job->evaluation, path, &exposures);
		for (size_t i = 0; i < count; i++) {
			pa_set part = pa_set_intersect(space, exposures[i].set, here);
			if (!pa_set_is_empty(space, part))
				add_rows(job, &rows, &exposures[i], part);
			part = pa_set_minus(space, pa_set_intersect(space, exposures[i].set, any), here);
			if (leads_to(&exposures[i], port) && !pa_set_is_empty(space, part))
				add_rows(job, &translated, &exposures[i], part);
		}
	}
	side->rows = rows.items;
	side->row_count = rows.count;
	side->translated = translated.items;
	side->translated_count = translated.count;
}

/* --- the host ----------------------------------------------------------------------------------------------------------- */

static void find_listeners(struct pa_job *job, unsigned port, struct pa_port_side *side)
{
	const struct pa_sockets *sockets = job->host->sockets;
	if (!sockets)
		return;
	side->listeners = pa_arena_alloc(job->arena, sockets->listener_count + 1, sizeof(const struct pa_listener *));
	side->covered = pa_sockets_cover(sockets, side->protocol, 4) && pa_sockets_cover(sockets, side->protocol, 6);
	for (size_t i = 0; i < sockets->listener_count; i++) {
		const struct pa_listener *listener = &sockets->listeners[i];
		if (!listener->raw && listener->protocol == side->protocol && listener->port == port)
			side->listeners[side->listener_count++] = listener;
	}
}

static const char *class_of(unsigned port)
{
	return port < 1024 ? "system" : port < 49152 ? "user" : "dynamic";
}

static enum pa_tristate is_reserved(const struct pa_host *host, unsigned port)
{
	if (!host->reserved_ports_known)
		return PA_UNKNOWN;
	for (size_t i = 0; i < host->reserved_port_count; i++)
		if (port >= host->reserved_ports[i].first && port <= host->reserved_ports[i].last)
			return PA_YES;
	return PA_NO;
}

static void describe_host(const struct pa_host *host, struct pa_port_report *port)
{
	port->host = host;
	port->class = class_of(port->port);
	port->ephemeral_known = host->ephemeral_last != 0;
	/* the kernel's defaults: Documentation/networking/ip-sysctl.rst */
	port->ephemeral_first = port->ephemeral_known ? host->ephemeral_first : 32768;
	port->ephemeral_last = port->ephemeral_known ? host->ephemeral_last : 60999;
	port->is_ephemeral = port->port >= port->ephemeral_first && port->port <= port->ephemeral_last;
	port->reserved = is_reserved(host, port->port);
	port->privileged_below = host->unprivileged_port_start >= 0 ? (unsigned)host->unprivileged_port_start : 1024;
}

/* --- the command ---------------------------------------------------------------------------------------------------------- */

static void write_report(struct pa_job *job, const struct pa_port_report *port, const struct pa_output *output)
{
	bool to_terminal = strcmp(output->path, "-") == 0;
	struct pa_style style = { .quiet = job->options->quiet, .verbose = job->options->verbose };
	struct pa_buffer document = { 0 };
	style.color = to_terminal && pa_options_color(job->options, STDOUT_FILENO);
	style.width = to_terminal ? pa_terminal_width() : 0;
	if (output->format == PA_FORMAT_JSON)
		pa_report_port_json(port, &document);
	else
		pa_report_port_text(port, &style, &document);
	pa_report_write(output->path, &document, &job->diags);
	pa_buffer_done(&document);
}

static bool has_usable_formats(struct pa_job *job)
{
	bool good = true;
	for (size_t i = 0; i < job->options->output_count; i++) {
		enum pa_format format = job->options->outputs[i].format;
		if (format == PA_FORMAT_TEXT || format == PA_FORMAT_JSON)
			continue;
		pa_diags_add(&job->diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "'port' writes text or json, not %s",
			     pa_format_name(format));
		good = false;
	}
	return good;
}

static int answer(struct pa_job *job, const struct pa_port_question *question)
{
	struct pa_port_side *sides = pa_arena_alloc(job->arena, question->protocol_count, sizeof(*sides));
	struct pa_port_report port = { .port = question->port, .sides = sides, .side_count = question->protocol_count };
	struct pa_report report = { .command = "port", .host = pa_job_host_name(job), .ruleset = job->ruleset };
	describe_host(job->host, &port);
	for (size_t i = 0; i < port.side_count; i++) {
		sides[i].protocol = question->protocols[i];
		sides[i].service = pa_service_name(sides[i].protocol, port.port);
		find_rows(job, port.port, &sides[i]);
		find_listeners(job, port.port, &sides[i]);
	}
	pa_port_judge(job, &port, sides);
	const char *failed = pa_space_failed(pa_evaluation_space(job->evaluation));
	if (failed) {
		pa_diags_add(&job->diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "the ruleset could not be evaluated: %s", failed);
		return PA_EXIT_INCOMPLETE;
	}
	report.incomplete = pa_job_incomplete_reasons(job, &report.incomplete_count);
	report.complete = report.incomplete_count == 0;
	report.opaque_count = pa_evaluation_opaques(job->evaluation, &report.opaques);
	port.report = &report;
	for (size_t i = 0; i < job->options->output_count; i++)
		write_report(job, &port, &job->options->outputs[i]);
	return pa_job_finish(job, report.complete);
}

int pa_command_port(struct pa_job *job)
{
	struct pa_port_question question;
	bool good = pa_port_parse(job->options->words[0], &question, &job->diags);
	if (!has_usable_formats(job) || !good || !pa_job_load_ruleset(job) || !pa_job_load_host(job) ||
	    !pa_job_load_sockets(job) || !evaluate(job, &question))
		return pa_diags_status(&job->diags);
	return answer(job, &question);
}
