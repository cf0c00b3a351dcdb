/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comma-separated values (RFC 4180): `check` writes a line for each finding, `list` one for each row of the table, `diff` one for
 * each region of a change. Lines end with
 * CR LF as the RFC says. A cell that a spreadsheet would take for a formula gets an apostrophe in front.
 */
#include <string.h>

#include "difference_words.h"
#include "format.h"
#include "lines.h"
#include "phrase.h"

static void print_cell(const char *text, bool first, struct pa_buffer *out)
{
	struct pa_buffer safe = { 0 };
	pa_text_escape(text ? text : "", &safe);
	const char *plain = safe.data ? safe.data : "";
	pa_buffer_puts(out, first ? "\"" : ",\"");
	if (*plain && strchr("=+-@\t", *plain))
		pa_buffer_putc(out, '\'');
	for (const char *at = plain; *at; at++)
		pa_buffer_puts(out, *at == '"' ? "\"\"" : (const char[]){ *at, '\0' });
	pa_buffer_putc(out, '"');
	pa_buffer_done(&safe);
}

/* The text of a buffer as a cell; the buffer is empty again. */
static void print_buffer(struct pa_buffer *text, struct pa_buffer *out)
{
	print_cell(text->data, false, out);
	pa_buffer_clear(text);
}

static void print_head(const char *const *columns, struct pa_buffer *out)
{
	for (size_t i = 0; columns[i]; i++)
		print_cell(columns[i], i == 0, out);
	pa_buffer_puts(out, "\r\n");
}

static void print_number(unsigned number, struct pa_buffer *out)
{
	struct pa_buffer text = { 0 };
	if (number)
		pa_buffer_printf(&text, "%u", number);
	print_buffer(&text, out);
	pa_buffer_done(&text);
}

static void print_finding(const struct pa_finding *finding, const struct pa_report *report, struct pa_buffer *out)
{
	const struct pa_location *place = pa_finding_place(finding);
	struct pa_buffer text = { 0 };
	char until[PA_DAY_TEXT_MAX] = "";
	print_cell(report->host ? report->host : "", true, out);
	print_cell(pa_check_info(finding->check)->code, false, out);
	print_cell(pa_severity_name(finding->severity), false, out);
	print_cell(finding->certainty == PA_CERTAIN ? "certain" : "possible", false, out);
	print_cell(finding->message, false, out);
	print_cell(finding->fix, false, out);
	print_cell(place ? place->file : "", false, out);
	print_number(place ? place->line : 0, out);
	if (finding->rule_count > 0)
		pa_text_rule(finding->rules[0], 0, &text);
	print_buffer(&text, out);
	if (finding->has_packet)
		pa_phrase_packet(&finding->packet, &text);
	print_buffer(&text, out);
	if (finding->waiver)
		pa_day_format(finding->waiver->until, until);
	print_cell(until, false, out);
	print_cell(finding->waiver ? finding->waiver->fields.reason : "", false, out);
	print_cell(finding->fingerprint, false, out);
	print_cell(!report->result->baseline || finding->waiver ? "" : finding->known ? "known" : "new", false, out);
	pa_buffer_puts(out, "\r\n");
	pa_buffer_done(&text);
}

static void print_findings(const struct pa_report *report, struct pa_buffer *out)
{
	static const char *const columns[] = { "host",	       "check",		 "severity",	"certainty", "message",
					       "fix",	       "file",		 "line",	"rule",	     "example",
					       "waived_until", "waived_because", "fingerprint", "baseline",  NULL };
	const struct pa_result *result = report->result;
	print_head(columns, out);
	for (size_t i = 0; i < result->finding_count; i++)
		print_finding(&result->findings[i], report, out);
	for (size_t i = 0; i < result->known_count; i++)
		print_finding(&result->known[i], report, out);
	for (size_t i = 0; i < result->waived_count; i++)
		print_finding(&result->waived[i], report, out);
}

/* Five cells: source, destination, interface, to, with. `text` is room, empty before and after. */
static void print_ends(struct pa_arena *arena, const struct pa_region *line, struct pa_buffer *text, struct pa_buffer *out)
{
	pa_phrase_source(arena, line, 0, text);
	print_buffer(text, out);
	pa_phrase_destination(arena, line, 0, text);
	print_buffer(text, out);
	pa_phrase_interface(arena, line, 0, text);
	print_buffer(text, out);
	if (line->row->has_target)
		pa_phrase_target(&line->row->target, text);
	print_buffer(text, out);
	pa_phrase_extras(arena, line, 0, text);
	print_buffer(text, out);
}

static void print_line(struct pa_arena *arena, const struct pa_region *line, const struct pa_report *report,
		       struct pa_buffer *out)
{
	const struct pa_row *row = line->row;
	struct pa_buffer text = { 0 };
	print_cell(report->host ? report->host : "", true, out);
	print_cell(pa_path_name(row->path), false, out);
	print_cell(row->certainty == PA_CERTAIN ? "certain" : "possible", false, out);
	pa_phrase_ports(arena, line, 0, &text);
	print_buffer(&text, out);
	pa_phrase_services(line, &text);
	print_buffer(&text, out);
	print_ends(arena, line, &text, out);
	print_cell(row->condition, false, out);
	if (row->rule_count > 0)
		pa_text_rule(row->rules[0], 0, &text);
	print_buffer(&text, out);
	pa_buffer_puts(out, "\r\n");
	pa_buffer_done(&text);
}

static void print_lines(const struct pa_report *report, struct pa_buffer *out)
{
	static const char *const columns[] = { "host",	    "path",	   "certainty", "what", "service",
					       "source",    "destination", "interface", "to",	"with",
					       "condition", "rule",	   NULL };
	struct pa_arena *arena = pa_arena_new();
	struct pa_region *lines;
	size_t count = pa_lines_make(arena, report->rows, report->row_count, &lines);
	print_head(columns, out);
	for (size_t i = 0; i < count; i++)
		print_line(arena, &lines[i], report, out);
	pa_arena_free(arena);
}

bool pa_format_csv(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	(void)style;
	if (report->result)
		print_findings(report, out);
	else
		print_lines(report, out);
	return true;
}

/* --- diff --------------------------------------------------------------------------------------------------------------- */

static void print_changed_line(struct pa_arena *arena, const struct pa_region *line, const struct pa_change *change,
			       const struct pa_difference_report *report, struct pa_buffer *out)
{
	const struct pa_location *place = pa_change_place(change);
	struct pa_buffer text = { 0 };
	print_cell(report->host ? report->host : "", true, out);
	print_cell(pa_change_kind_word(change->kind), false, out);
	print_cell(pa_severity_name(change->severity), false, out);
	print_cell(pa_path_name(change->path), false, out);
	print_cell(pa_scenario_name(change->scenario), false, out);
	print_cell(pa_presence_word(change->before), false, out);
	print_cell(pa_presence_word(change->after), false, out);
	pa_phrase_ports(arena, line, 0, &text);
	print_buffer(&text, out);
	print_ends(arena, line, &text, out);
	pa_phrase_change_before(change, &text);
	print_buffer(&text, out);
	pa_phrase_change_now(change, &text);
	print_buffer(&text, out);
	print_cell(pa_change_verdict_word(change->verdict), false, out);
	print_cell(place ? place->file : "", false, out);
	print_number(place ? place->line : 0, out);
	pa_phrase_packet(&change->example, &text);
	print_buffer(&text, out);
	print_cell(change->fingerprint, false, out);
	pa_buffer_puts(out, "\r\n");
	pa_buffer_done(&text);
}

bool pa_difference_csv(const struct pa_difference_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	static const char *const columns[] = { "host",
					       "change",
					       "severity",
					       "path",
					       "packets",
					       "before_certainty",
					       "after_certainty",
					       "what",
					       "source",
					       "destination",
					       "interface",
					       "to",
					       "with",
					       "before",
					       "now",
					       "policy",
					       "file",
					       "line",
					       "example",
					       "fingerprint",
					       NULL };
	(void)style;
	print_head(columns, out);
	for (size_t i = 0; i < report->difference->change_count; i++) {
		const struct pa_change *change = &report->difference->changes[i];
		struct pa_arena *arena = pa_arena_new();
		struct pa_region *lines;
		size_t count = pa_lines_make(arena, change->rows, change->row_count, &lines);
		for (size_t k = 0; k < count; k++)
			print_changed_line(arena, &lines[k], change, report, out);
		pa_arena_free(arena);
	}
	return true;
}
