/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of what is reachable. */
#include <string.h>

#include "fold.h"
#include "format.h"
#include "lines.h"
#include "listener.h"
#include "phrase.h"

#define WIDE 110	/* from this width on there is room for the texts of the rules */
#define RULES_SHOWN 3	/* rules in one cell */
#define OPAQUES_SHOWN 8 /* undecided tests below the table */

struct table {
	const struct pa_report *report;
	const struct pa_style *style;
	struct pa_arena *arena;
	size_t most;	 /* items of a list in a cell */
	bool with_texts; /* of rules */
	bool wide;	 /* there is a column for who listens; else it stands below what is reachable */
};

/* What was printed into `buffer`, kept in the arena; the buffer is empty again. */
static const char *take(struct pa_arena *arena, struct pa_buffer *buffer)
{
	const char *text = pa_arena_strndup(arena, buffer->data ? buffer->data : "", buffer->length);
	pa_buffer_clear(buffer);
	return text;
}

#define PROGRAMS_SHOWN 3
static const char *listener_cell(const struct table *table, const struct pa_region *line, struct pa_buffer *buffer)
{
	pa_phrase_listeners(line, table->style->verbose ? 0 : PROGRAMS_SHOWN, buffer);
	return take(table->arena, buffer);
}

/* "443/tcp https", and below it where the packets must go to, where NAT sends them, and what else they must be. */
static const char *what_cell(const struct table *table, const struct pa_region *line, struct pa_buffer *buffer)
{
	const struct pa_row *row = line->row;
	pa_buffer_puts(buffer, row->certainty == PA_POSSIBLE ? "? " : "  ");
	pa_phrase_ports(table->arena, line, table->most, buffer);
	struct pa_buffer part = { 0 };
	if (pa_phrase_services(line, &part))
		pa_buffer_printf(buffer, " %s", part.data);
	pa_buffer_clear(&part);
	if (pa_phrase_destination(table->arena, line, table->most, &part))
		pa_buffer_printf(buffer, "\n    to %s", part.data);
	if (row->has_target) {
		pa_buffer_puts(buffer, "\n    -> ");
		pa_phrase_target(&row->target, buffer);
	}
	pa_buffer_clear(&part);
	if (pa_phrase_extras(table->arena, line, table->most, &part))
		pa_buffer_printf(buffer, "\n    with %s", part.data);
	pa_buffer_done(&part);
	return take(table->arena, buffer);
}

/* Sources of outgoing packets are the host's own addresses: "anywhere" would read wrong. */
static const char *source_cell(const struct table *table, const struct pa_region *line, struct pa_buffer *buffer)
{
	pa_phrase_source(table->arena, line, table->most, buffer);
	if (line->row->path == PA_PATH_OUT && buffer->length >= 8 && memcmp(buffer->data, "anywhere", 8) == 0) {
		const char *rest = pa_arena_strdup(table->arena, buffer->data + 8);
		pa_buffer_clear(buffer);
		pa_buffer_printf(buffer, "this host%s", rest);
	}
	return take(table->arena, buffer);
}

static void print_rule(const struct table *table, const struct pa_rule *rule, struct pa_buffer *buffer)
{
	const struct pa_manager *manager = pa_rule_manager(rule);
	if (table->with_texts) {
		pa_text_rule(rule, 120, buffer);
	} else {
		pa_phrase_place(rule, buffer);
		if (rule->comment) {
			pa_buffer_puts(buffer, " \"");
			pa_text_escape(rule->comment, buffer);
			pa_buffer_putc(buffer, '"');
		}
	}
	if (manager)
		pa_buffer_printf(buffer, " (%s)", manager->name);
}

static const char *rule_cell(const struct table *table, const struct pa_row *row, struct pa_buffer *buffer)
{
	size_t shown = row->rule_count <= RULES_SHOWN + 1 ? row->rule_count : RULES_SHOWN;
	for (size_t i = 0; i < shown; i++) {
		pa_buffer_puts(buffer, i ? "\n" : "");
		print_rule(table, row->rules[i], buffer);
	}
	if (shown < row->rule_count)
		pa_buffer_printf(buffer, "\n... and %zu more", row->rule_count - shown);
	if (row->rule_count == 0 && !row->rules_complete)
		pa_buffer_puts(buffer, "(rules not looked up)");
	else if (row->rule_count == 0)
		pa_buffer_puts(buffer, table->report->no_firewall ? "no rule at all" : "accepted by policy");
	else if (!row->rules_complete)
		pa_buffer_puts(buffer, "\n... and perhaps more");
	return take(table->arena, buffer);
}

/* What stands below a row: who listens, where there is no column for it, and what must be so for it to be reachable. */
static const char *note_of(const struct table *table, const struct pa_region *line, struct pa_buffer *buffer)
{
	struct pa_buffer listeners = { 0 };
	if (!table->wide && pa_phrase_listeners(line, table->style->verbose ? 0 : PROGRAMS_SHOWN, &listeners))
		pa_buffer_printf(buffer, "listening: %s", listeners.data);
	pa_buffer_done(&listeners);
	if (line->row->certainty == PA_POSSIBLE) {
		pa_buffer_puts(buffer, buffer->length ? "\npossible: " : "possible: ");
		pa_text_escape(line->row->condition ? line->row->condition : "the rules do not tell on what it depends",
			       buffer);
	}
	return buffer->length ? take(table->arena, buffer) : NULL;
}

static void fill_row(const struct table *table, const struct pa_region *line, struct pa_grid_row *cells)
{
	struct pa_buffer buffer = { 0 };
	cells->cell[0] = what_cell(table, line, &buffer);
	cells->cell[1] = source_cell(table, line, &buffer);
	pa_phrase_interface(table->arena, line, table->most, &buffer);
	cells->cell[2] = take(table->arena, &buffer);
	cells->cell[3] = pa_path_name(line->row->path);
	unsigned column = 4;
	if (table->wide && table->report->sockets)
		cells->cell[column++] = listener_cell(table, line, &buffer);
	cells->cell[column] = rule_cell(table, line->row, &buffer);
	cells->note = note_of(table, line, &buffer);
	cells->paint = line->row->certainty == PA_POSSIBLE ? PA_PAINT_WARN : PA_PAINT_NONE;
	pa_buffer_done(&buffer);
}

static void print_table(const struct table *table, const struct pa_region *lines, size_t count, struct pa_buffer *out)
{
	struct pa_grid_row *rows = pa_arena_alloc(table->arena, count, sizeof(*rows));
	for (size_t i = 0; i < count; i++)
		fill_row(table, &lines[i], &rows[i]);
	struct pa_grid grid = {
		.columns = 5,
		.title = { "  WHAT", "FROM", "INTERFACE", "PATH", "RULE" },
		.least = { 21, 18, 9, 7, 17 },
		.rows = rows,
		.count = count,
	};
	if (table->wide && table->report->sockets) {
		grid.columns = 6;
		grid.title[4] = "LISTENER";
		grid.least[4] = 14;
		grid.title[5] = "RULE";
		grid.least[5] = 17;
	}
	pa_grid_print(&grid, table->style, out);
}

/* Who listens and is not in the table. */
static void print_unreached(const struct table *table, const char *lead, const struct pa_listener *const *listeners,
			    size_t count, struct pa_buffer *out)
{
	struct pa_buffer text = { 0 };
	if (count == 0)
		return;
	pa_phrase_sockets(table->report->sockets, listeners, count, table->style->verbose ? 0 : OPAQUES_SHOWN, &text);
	pa_paragraph(table->style, PA_PAINT_NONE, lead, text.data, out);
	pa_buffer_done(&text);
}

static void print_sockets(const struct table *table, struct pa_buffer *out)
{
	const struct pa_report *report = table->report;
	const struct pa_unreached *unreached = &report->unreached;
	if (!report->sockets) {
		pa_painted_text(table->style, PA_PAINT_FAINT, "\nWho listens was not looked at.\n", out);
		return;
	}
	if (unreached->loopback_count + unreached->refused_count)
		pa_painted_text(table->style, PA_PAINT_STRONG, "\nListening, and not reachable from outside:\n", out);
	print_unreached(table, "  - refused by the rules: ", unreached->refused, unreached->refused_count, out);
	print_unreached(table, "  - on loopback alone: ", unreached->loopback, unreached->loopback_count, out);
	for (size_t i = 0; !report->sockets->listeners_complete && i < report->sockets->missing_count; i++) {
		struct pa_buffer text = { 0 };
		pa_text_escape(report->sockets->missing[i], &text);
		pa_paragraph(table->style, PA_PAINT_WARN, "  - not looked at: ", text.data ? text.data : "", out);
		pa_buffer_done(&text);
	}
}

static void print_where(const struct pa_report *report, struct pa_buffer *out)
{
	pa_text_escape(report->host ? report->host : "this host", out);
	for (size_t i = 0; report->ruleset && i < report->ruleset->source_count && i < 4; i++) {
		pa_buffer_puts(out, i ? ", " : " (");
		pa_text_escape(report->ruleset->sources[i], out);
	}
	if (report->ruleset && report->ruleset->source_count > 4)
		pa_print_more(report->ruleset->source_count - 4, out);
	pa_buffer_puts(out, report->ruleset && report->ruleset->source_count ? ")" : "");
}

static void print_counts(const struct pa_region *lines, size_t count, struct pa_buffer *out)
{
	size_t anywhere = 0, possible = 0, outgoing = 0;
	for (size_t i = 0; i < count; i++) {
		anywhere += lines[i].rank == 0;
		outgoing += lines[i].row->path == PA_PATH_OUT;
		possible += lines[i].row->certainty == PA_POSSIBLE;
	}
	size_t inward = count - outgoing;
	pa_buffer_printf(out, ": %zu way%s in, %zu from anywhere", inward, inward == 1 ? "" : "s", anywhere);
	if (outgoing)
		pa_buffer_printf(out, "; %zu way%s out", outgoing, outgoing == 1 ? "" : "s");
	if (possible)
		pa_buffer_printf(out, "; %zu only possible, marked ?", possible);
}

static void print_headline(const struct table *table, const struct pa_region *lines, size_t count, struct pa_buffer *out)
{
	struct pa_buffer text = { 0 };
	if (table->report->no_firewall)
		pa_painted_text(table->style, PA_PAINT_CRITICAL, "no firewall: everything is reachable\n", out);
	print_where(table->report, &text);
	if (count == 0)
		pa_buffer_puts(&text, ": no new connection gets in");
	else
		print_counts(lines, count, &text);
	pa_paragraph(table->style, PA_PAINT_STRONG, "", text.data, out);
	pa_buffer_done(&text);
}

/* Tests whose outcome no packet tells, and that decide something. */
static void print_opaques(const struct table *table, struct pa_buffer *out)
{
	const struct pa_report *report = table->report;
	size_t shown = 0, hidden = 0;
	size_t most = table->style->verbose ? SIZE_MAX : OPAQUES_SHOWN;
	struct pa_buffer text = { 0 };
	for (size_t i = 0; i < report->opaque_count; i++) {
		const struct pa_opaque *opaque = &report->opaques[i];
		if (!opaque->matters)
			continue;
		if (shown >= most) {
			hidden++;
			continue;
		}
		if (shown++ == 0)
			pa_painted_text(table->style, PA_PAINT_STRONG, "\nNot decided by the packet alone:\n", out);
		pa_buffer_putc(&text, '`');
		pa_text_escape(opaque->text, &text);
		pa_buffer_puts(&text, "` in ");
		if (opaque->rule)
			pa_phrase_place(opaque->rule, &text);
		else
			pa_buffer_puts(&text, "the ruleset");
		if (opaque->reason) {
			pa_buffer_puts(&text, ": ");
			pa_text_escape(opaque->reason, &text);
		}
		pa_paragraph(table->style, PA_PAINT_NONE, "  - ", text.data, out);
		pa_buffer_clear(&text);
	}
	if (hidden)
		pa_buffer_printf(out, "  ... and %zu more\n", hidden);
	pa_buffer_done(&text);
}

static struct table make_table(const struct pa_report *report, const struct pa_style *style)
{
	bool wide = style->width == 0 || style->width >= WIDE;
	return (struct table){
		.report = report,
		.style = style,
		.arena = pa_arena_new(),
		.most = style->verbose ? 0
			: wide	       ? 8
				       : 4,
		.with_texts = wide || style->verbose,
		.wide = wide,
	};
}

void pa_text_rows(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	struct table table = make_table(report, style);
	struct pa_region *lines;
	size_t count = pa_lines_make(table.arena, report->rows, report->row_count, &lines);
	if (count)
		print_table(&table, lines, count, out);
	pa_arena_free(table.arena);
}

void pa_text_list(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	struct table table = make_table(report, style);
	struct pa_region *lines;
	size_t count = pa_lines_make(table.arena, report->rows, report->row_count, &lines);
	print_headline(&table, lines, count, out);
	if (count) {
		pa_buffer_putc(out, '\n');
		print_table(&table, lines, count, out);
	}
	if (report->rows_cut)
		pa_painted_text(style, PA_PAINT_CRITICAL, "... and more: the list was cut here\n", out);
	if (!style->quiet)
		print_opaques(&table, out);
	if (!style->quiet)
		print_sockets(&table, out);
	pa_arena_free(table.arena);
}
