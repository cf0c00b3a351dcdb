/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy that allows what is reachable now (`init`): the rows, joined as the table joins them, whatever rule they come from, each
 * line as one or more statements. What the language cannot say exactly is said wider, and a comment tells so; a translation
 * that it cannot name is waived. Who listens on system ports is written as `listen`.
 */
#include "policy_text.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"
#include "phrase.h"
#include "portaudit/socket.h"

enum { ITEMS_MAX = 64, WAIVER_DAYS = 90, SYSTEM_PORTS = 1024, SECONDS_PER_DAY = 86400 };

/* In the order in which they are written. */
enum section { SECTION_ANYWHERE, SECTION_SOME, SECTION_FORWARD, SECTION_PUBLISHED, SECTION_COUNT };
static const char *const headings[SECTION_COUNT] = {
	[SECTION_ANYWHERE] = "Open to anybody",
	[SECTION_SOME] = "Open to some",
	[SECTION_FORWARD] = "Forwarded to other machines",
	[SECTION_PUBLISHED] = "Published: translated to another address",
};

struct line {
	enum section section;
	const char *head;    /* "allow forward " */
	const char *keyword; /* "ipv4 ", "" */
	const char *rest;    /* "ssh from any" */
	const char *text;    /* all of it */
	const char *comment; /* or NULL */
};

struct writer {
	const struct pa_report *report;
	const struct pa_host *host;
	struct pa_arena *arena;
	struct pa_policy_names names;
	struct line *lines;
	size_t count, capacity;
	const char *ssh; /* the part of the first statement on ssh behind "allow", for the suggestion */
};

static void make_text(struct writer *writer, struct line *line)
{
	line->text = pa_arena_printf(writer->arena, "%s%s%s", line->head, line->keyword, line->rest);
}

/*
 * The same text twice says nothing more; of its comments the first one stays. What is said of both families, each alone, is
 * said of both.
 */
static void add_line(struct writer *writer, struct line line)
{
	for (size_t i = 0; i < writer->count; i++) {
		struct line *known = &writer->lines[i];
		if (strcmp(known->head, line.head) != 0 || strcmp(known->rest, line.rest) != 0)
			continue;
		bool same = strcmp(known->keyword, line.keyword) == 0 || !*known->keyword;
		if (!same && (!*line.keyword || pa_text_equal(known->comment, line.comment))) {
			known->keyword = "";
			make_text(writer, known);
			same = true;
		}
		if (same)
			return;
	}
	make_text(writer, &line);
	pa_grow(&writer->lines, &writer->capacity, writer->count + 1, sizeof(*writer->lines));
	writer->lines[writer->count++] = line;
}

/* --- one statement --------------------------------------------------------------------------------------------------- */
/* What a line says besides its services. */
struct frame {
	const struct pa_region *region;
	int family;	     /* 0: of both */
	const char *keyword; /* "ipv4 ", "" */
	const char *ends;    /* " from ... to ..." */
	const char *target;  /* " dnat to ...", "" */
	bool waive;	     /* the target cannot be said */
	const char *comment;
};

static struct pa_ranges end_of(const struct pa_region *region, bool source, int index)
{
	return source ? region->source[index] : region->destination[index];
}

/* "from any", "from 10.0.0.0/8, 2001:db8::/32". Both families only where both are any, or both are lists or both gaps. */
static void print_addresses(struct writer *writer, const struct frame *frame, bool source, struct pa_buffer *out)
{
	int first = frame->family == 6, last = frame->family != 4;
	if (frame->family == 0 && end_of(frame->region, source, 0).count == 0) {
		pa_buffer_puts(out, "any");
		return;
	}
	for (int i = first; i <= last; i++) {
		struct pa_ranges ranges = end_of(frame->region, source, i);
		struct pa_buffer text = { 0 };
		if (ranges.count)
			pa_policy_addresses(&writer->names, ranges, i ? 6 : 4, &text);
		else
			pa_buffer_puts(&text, "any");
		/* "any except A" of both families is one "any except" with both lists */
		bool again = i > first && strncmp(text.data, "any except ", 11) == 0;
		pa_buffer_printf(out, "%s%s", i > first ? ", " : "", again ? text.data + 11 : text.data);
		pa_buffer_done(&text);
	}
}

/* Must a statement of one family name it, because its addresses do not? */
static bool needs_keyword(struct writer *writer, const struct pa_region *region, int family)
{
	int index = family == 6;
	for (int source = 0; source < 2; source++) {
		struct pa_ranges ranges = end_of(region, source, index);
		if (ranges.count && !pa_policy_told_by_gaps(&writer->names, ranges, family))
			return false;
	}
	struct pa_ranges protocol = region->protocol;
	unsigned icmp = family == 6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	return !(pa_ranges_is_single(protocol) && protocol.items[0].first == icmp);
}

/* Can the families of a line share a statement? */
static bool shares(struct writer *writer, const struct pa_region *region)
{
	for (int source = 0; source < 2; source++) {
		struct pa_ranges four = end_of(region, source, 0), six = end_of(region, source, 1);
		if ((four.count == 0) != (six.count == 0) ||
		    pa_policy_told_by_gaps(&writer->names, four, 4) != pa_policy_told_by_gaps(&writer->names, six, 6))
			return false;
	}
	return true;
}

static bool is_single(struct pa_interval interval)
{
	return interval.first == interval.last;
}

/* false: the language has no words for where the packets are sent. */
static bool print_target(const struct pa_row *row, struct pa_buffer *out)
{
	const struct pa_target *target = &row->target;
	char address[PA_ADDRESS_TEXT_MAX];
	if (!row->has_target || (row->path == PA_PATH_IN && (target->to_self || !target->has_address)))
		return true;
	if (!target->has_address || !is_single(target->address) || (target->has_port && !is_single(target->port)))
		return false;
	pa_address_format(target->address.first, target->family, address);
	if (!target->has_port || target->port.first == 0)
		pa_buffer_printf(out, " dnat to %s", address);
	else
		pa_buffer_printf(out, target->family == 6 ? " dnat to [%s]:%u" : " dnat to %s:%u", address,
				 (unsigned)target->port.first);
	return true;
}

static const char *take(struct writer *writer, struct pa_buffer *buffer)
{
	const char *text = pa_arena_strndup(writer->arena, buffer->data ? buffer->data : "", buffer->length);
	pa_buffer_clear(buffer);
	return text;
}

/* What is open only in part of what the statement says. */
static void print_comment(struct writer *writer, const struct frame *frame, bool interfaces_told, struct pa_buffer *out)
{
	const struct pa_region *region = frame->region;
	struct pa_buffer part = { 0 };
	if (region->row->certainty == PA_POSSIBLE) {
		pa_text_escape(region->row->condition ? region->row->condition : "perhaps", &part);
		pa_buffer_puts(out, part.data);
		pa_buffer_clear(&part);
	}
	if (pa_phrase_extras(writer->arena, region, 4, &part))
		pa_buffer_printf(out, "%sonly with %s", out->length ? "; " : "", part.data);
	pa_buffer_clear(&part);
	if (!interfaces_told) {
		pa_phrase_interface(writer->arena, region, 4, &part);
		pa_buffer_printf(out, "%sonly on %s, which a policy cannot say", out->length ? "; " : "", part.data);
	}
	pa_buffer_clear(&part);
	if (frame->waive) {
		pa_phrase_target(&region->row->target, &part);
		pa_buffer_printf(out, "%stranslated to %s, which an `allow` cannot name", out->length ? "; " : "", part.data);
	}
	pa_buffer_done(&part);
}

static void print_ends(struct writer *writer, const struct frame *frame, bool *ret_interfaces_told, struct pa_buffer *out)
{
	const struct pa_region *region = frame->region;
	struct pa_buffer names = { 0 };
	*ret_interfaces_told = pa_policy_interfaces(&writer->names, region->iif, &names);
	pa_buffer_puts(out, " from ");
	print_addresses(writer, frame, true, out);
	if (region->sport.count) {
		struct pa_interval zero = region->sport.items[0];
		pa_buffer_puts(out, " port ");
		if (zero.first == 0 && zero.last == 0) /* the policy has no port 0: 1 stands for it */
			pa_buffer_puts(out, region->sport.count > 1 ? "1," : "1");
		struct pa_ranges rest = region->sport;
		if (zero.first == 0) {
			struct pa_interval *items =
				pa_arena_dup(writer->arena, rest.items, rest.count, sizeof(struct pa_interval));
			items[0].first = 1;
			rest = zero.last == 0 ? (struct pa_ranges){ items + 1, rest.count - 1 }
					      : (struct pa_ranges){ items, rest.count };
		}
		if (rest.count)
			pa_number_ranges_print(rest, 0, out);
	}
	if (names.length)
		pa_buffer_printf(out, " on %s", names.data);
	pa_buffer_clear(&names);
	bool out_told = region->row->path == PA_PATH_IN || pa_policy_interfaces(&writer->names, region->oif, &names);
	bool limited = false;
	for (int i = 0; i < 2; i++)
		limited = limited || (region->has_family[i] && region->destination[i].count);
	if (limited || names.length) {
		pa_buffer_puts(out, " to ");
		print_addresses(writer, frame, false, out);
	}
	if (names.length)
		pa_buffer_printf(out, " on %s", names.data);
	*ret_interfaces_told = *ret_interfaces_told && out_told;
	pa_buffer_done(&names);
}

static enum section section_of(const struct pa_region *region)
{
	if (region->row->has_target && !(region->row->path == PA_PATH_IN && region->row->target.to_self))
		return SECTION_PUBLISHED;
	if (region->row->path == PA_PATH_FORWARD)
		return SECTION_FORWARD;
	return pa_region_from_anywhere(region) && region->iif.count == 0 ? SECTION_ANYWHERE : SECTION_SOME;
}

static void add_statement(struct writer *writer, const struct frame *frame, const char *item)
{
	const struct pa_row *row = frame->region->row;
	char until[PA_DAY_TEXT_MAX];
	struct line line = { .section = section_of(frame->region),
			     .comment = frame->comment,
			     .head = row->path == PA_PATH_FORWARD ? "allow forward " : "allow ",
			     .keyword = frame->keyword };
	pa_day_format((pa_day)(writer->report->now / SECONDS_PER_DAY) + WAIVER_DAYS, until);
	line.rest = pa_arena_printf(writer->arena, "%s%s%s", item, frame->ends, frame->target);
	if (frame->waive) {
		line.head = pa_arena_printf(writer->arena, "waive %s for ", pa_check_info(PA_CHECK_FWD_002)->code);
		line.keyword = "";
		line.rest = pa_arena_printf(writer->arena, "%s%s until %s", item, frame->ends, until);
	}
	if (!writer->ssh && row->path == PA_PATH_IN && !row->has_target && strcmp(item, "ssh") == 0)
		writer->ssh = pa_arena_printf(writer->arena, "%s%s%s", frame->keyword, item, frame->ends);
	add_line(writer, line);
}

static void add_family(struct writer *writer, const struct pa_region *region, int family)
{
	struct frame frame = { .region = region, .family = family, .keyword = "" };
	struct pa_buffer text = { 0 };
	const char *items[ITEMS_MAX];
	bool interfaces_told;
	if (family && needs_keyword(writer, region, family))
		frame.keyword = family == 6 ? "ipv6 " : "ipv4 ";
	print_ends(writer, &frame, &interfaces_told, &text);
	frame.ends = take(writer, &text);
	frame.waive = !print_target(region->row, &text);
	frame.target = take(writer, &text);
	print_comment(writer, &frame, interfaces_told, &text);
	frame.comment = text.length ? take(writer, &text) : NULL;
	size_t count = pa_policy_items(writer->arena, region, items, ITEMS_MAX);
	for (size_t i = 0; i < count; i++)
		add_statement(writer, &frame, items[i]);
	pa_buffer_done(&text);
}

static void add_region(struct writer *writer, const struct pa_region *region)
{
	int family = pa_region_family(region);
	if (family == 0 && !shares(writer, region)) {
		add_family(writer, region, 4);
		add_family(writer, region, 6);
		return;
	}
	add_family(writer, region, family);
}

/* The rows without the rules that they come from: lines join what several rules let in. */
static size_t make_lines(struct writer *writer, struct pa_region **ret_lines)
{
	const struct pa_report *report = writer->report;
	struct pa_row *rows = pa_arena_dup(writer->arena, report->rows, report->row_count, sizeof(*rows));
	for (size_t i = 0; i < report->row_count; i++) {
		rows[i].rules = NULL;
		rows[i].rule_count = 0;
		rows[i].rules_complete = true;
	}
	return pa_lines_make(writer->arena, rows, report->row_count, ret_lines);
}

/* --- the whole ---------------------------------------------------------------------------------------------------------- */
static void print_head(const struct writer *writer, struct pa_buffer *out)
{
	const struct pa_report *report = writer->report;
	pa_buffer_puts(out, "# What may be reachable: written by `portaudit init` from what is reachable now (");
	pa_text_escape(report->host ? report->host : "this host", out);
	for (size_t i = 0; report->ruleset && i < report->ruleset->source_count; i++) {
		pa_buffer_puts(out, i ? ", " : ": ");
		pa_text_escape(report->ruleset->sources[i], out);
	}
	pa_buffer_puts(
		out,
		").\n# Go through every line: remove what should not be open, and say who owns the rest and why; FIXME stands\n"
		"# where something is to be filled in (`portaudit lint` finds it). The language: portaudit-allow(5).\n");
	if (!report->complete)
		pa_buffer_puts(out, "# NOT COMPLETE: not all rules could be read; there may be more that is open.\n");
	pa_buffer_puts(out, "\nset require-fields owner, reason\n\n");
}

static void print_line(const struct line *line, size_t width, struct pa_buffer *out)
{
	if (line->comment) {
		pa_buffer_puts(out, "# ");
		for (const char *at = line->comment; *at; at++)
			pa_buffer_putc(out, *at == '\n' ? ' ' : *at);
		pa_buffer_putc(out, '\n');
	}
	pa_buffer_printf(out, "%-*s { owner FIXME; reason \"FIXME\" }\n", (int)width, line->text);
}

/* Blocks of one section stand under each other, as far as lines are not too long for that. */
static void print_section(const struct writer *writer, enum section section, struct pa_buffer *out)
{
	const size_t most = 60;
	size_t width = 0, count = 0;
	for (size_t i = 0; i < writer->count; i++) {
		size_t length = strlen(writer->lines[i].text);
		if (writer->lines[i].section != section)
			continue;
		count++;
		width = length > width && length <= most ? length : width;
	}
	if (count == 0)
		return;
	pa_buffer_printf(out, "# %s\n", headings[section]);
	for (size_t i = 0; i < writer->count; i++)
		if (writer->lines[i].section == section)
			print_line(&writer->lines[i], width, out);
	pa_buffer_putc(out, '\n');
}

/* --- listeners ------------------------------------------------------------------------------------------------------------ */
static bool is_word(const char *text)
{
	return text && *text && strcspn(text, ",{};=#\" \t\n\\") == strlen(text);
}

static const struct pa_process *owner_of(const struct pa_sockets *sockets, const struct pa_listener *listener)
{
	return listener->process_count > 0 ? &sockets->processes[listener->processes[0]] : NULL;
}

static bool is_loopback(const struct pa_listener *listener)
{
	if (listener->any_address)
		return false;
	return listener->address == 1 || (pa_value_is_ipv4(listener->address) && ((listener->address >> 24) & 0xff) == 127);
}

static void print_listener(struct writer *writer, const struct pa_sockets *sockets, const struct pa_listener *listener,
			   struct pa_buffer *out)
{
	const struct pa_process *process = owner_of(sockets, listener);
	const char *protocol = pa_protocol_name(listener->protocol);
	struct pa_buffer text = { 0 };
	if (listener->raw || !protocol || listener->port == 0 || listener->port >= SYSTEM_PORTS || is_loopback(listener))
		return;
	const char *user = process && process->user ? process->user : listener->user;
	pa_buffer_printf(&text, "listen %u/%s by", listener->port, protocol);
	size_t bare = text.length;
	if (is_word(user))
		pa_buffer_printf(&text, " user %s", user);
	if (process && is_word(process->executable))
		pa_buffer_printf(&text, " exe %s", process->executable);
	if (text.length > bare && !(out->data && strstr(out->data, text.data)))
		pa_buffer_printf(out, "%s\n", text.data);
	pa_buffer_done(&text);
	(void)writer;
}

static void print_listeners(struct writer *writer, struct pa_buffer *out)
{
	const struct pa_sockets *sockets = writer->host ? writer->host->sockets : NULL;
	struct pa_buffer text = { 0 };
	for (size_t i = 0; sockets && i < sockets->listener_count; i++)
		print_listener(writer, sockets, &sockets->listeners[i], &text);
	if (text.length) {
		pa_buffer_puts(out, "# Who listens on system ports now\n");
		pa_buffer_puts(out, text.data);
		pa_buffer_putc(out, '\n');
	}
	pa_buffer_done(&text);
}

static void print_suggestion(const struct writer *writer, struct pa_buffer *out)
{
	if (!writer->ssh)
		return;
	pa_buffer_puts(
		out,
		"# So that a change that locks the administrators out is seen before it is made (narrow it to where they are):\n");
	pa_buffer_printf(out, "# require %s { owner FIXME; reason \"administration\"; severity critical }\n", writer->ssh);
}

void pa_report_policy(const struct pa_report *report, const struct pa_host *host, struct pa_buffer *out)
{
	struct writer writer = { .report = report, .host = host, .arena = pa_arena_new() };
	struct pa_region *lines;
	writer.names = (struct pa_policy_names){ .arena = writer.arena, .ruleset = report->ruleset, .host = host };
	size_t count = make_lines(&writer, &lines);
	for (size_t i = 0; i < count; i++)
		add_region(&writer, &lines[i]);
	print_head(&writer, out);
	pa_policy_definitions(&writer.names, out);
	for (enum section section = 0; section < SECTION_COUNT; section++)
		print_section(&writer, section, out);
	print_listeners(&writer, out);
	print_suggestion(&writer, out);
	pa_policy_names_done(&writer.names);
	free(writer.lines);
	pa_arena_free(writer.arena);
}
