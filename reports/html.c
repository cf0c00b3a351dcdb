/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One page without anything from outside and without scripts: what was found, what is waived, what is reachable, what became of each
 * check. For screen readers and for paper: headings in order, tables with captions and scopes, and no meaning in colors alone. All
 * outside text is escaped, and the page forbids itself to load anything.
 */
#include <stdio.h>
#include <string.h>

#include "format.h"
#include "html_parts.h"
#include "lines.h"
#include "phrase.h"
#include "suggestion.h"

struct page {
	const struct pa_report *report;
	struct pa_buffer *out;
};

/* --- findings -------------------------------------------------------------------------------------------------------- */
static void put_waiver(struct page *page, const struct pa_statement *waiver, struct pa_buffer *text)
{
	char until[PA_DAY_TEXT_MAX];
	if (!waiver)
		return;
	pa_day_format(waiver->until, until);
	pa_buffer_printf(text, "until %s: %s", until, waiver->fields.reason ? waiver->fields.reason : "no reason");
	pa_html_term(page->out, "waived", text, false);
}

/* Lines as "command: nft delete rule ...": each is a term and its description. */
static void put_suggestion(struct page *page, const struct pa_finding *finding, struct pa_buffer *text)
{
	struct pa_buffer lines = { 0 };
	pa_text_suggestion_plain(finding, &lines);
	for (const char *at = lines.data ? lines.data : ""; *at;) {
		char term[16];
		size_t name = strcspn(at, ":"), length = strcspn(at, "\n");
		snprintf(term, sizeof(term), "%.*s", (int)(name < length ? name : 0), at);
		size_t skipped = name + 2 <= length ? name + 2 : 0;
		pa_buffer_add(text, at + skipped, length - skipped);
		pa_html_term(page->out, skipped ? term : "repair", text, true);
		at += length + (at[length] == '\n');
	}
	pa_buffer_done(&lines);
}

static void put_facts(struct page *page, const struct pa_finding *finding)
{
	struct pa_buffer text = { 0 };
	pa_html_put(page->out, "<dl>\n");
	if (finding->has_row)
		pa_phrase_traffic(finding, &text);
	pa_html_term(page->out, "traffic", &text, false);
	if (finding->certainty == PA_POSSIBLE)
		pa_buffer_puts(&text,
			       finding->condition ? finding->condition : "it depends on a test that packets do not decide");
	pa_html_term(page->out, "only", &text, false);
	for (size_t i = 0; i < finding->rule_count; i++) {
		pa_text_rule(finding->rules[i], 0, &text);
		pa_html_term(page->out, "where", &text, true);
	}
	if (finding->statement)
		pa_buffer_printf(&text, "%s:%u: %s", finding->statement->where.file ? finding->statement->where.file : "policy",
				 finding->statement->where.line, finding->statement->text ? finding->statement->text : "");
	pa_html_term(page->out, "policy", &text, true);
	if (finding->has_packet)
		pa_phrase_packet(&finding->packet, &text);
	pa_html_term(page->out, "example", &text, true);
	pa_buffer_puts(&text, pa_check_info(finding->check)->why);
	pa_html_term(page->out, "why", &text, false);
	if (finding->fix)
		pa_buffer_puts(&text, finding->fix);
	pa_html_term(page->out, "change", &text, false);
	put_suggestion(page, finding, &text);
	put_waiver(page, finding->waiver, &text);
	pa_html_put(page->out, "</dl>\n");
	pa_buffer_done(&text);
}

static void put_finding(struct page *page, const struct pa_finding *finding)
{
	pa_buffer_printf(page->out, "<article class=\"%s\" id=\"f-%s\">\n<h3>%s, %s: ", pa_severity_name(finding->severity),
			 finding->fingerprint, pa_check_info(finding->check)->code, pa_severity_name(finding->severity));
	pa_html_text(page->out, finding->message);
	pa_html_put(page->out, "</h3>\n");
	put_facts(page, finding);
	pa_html_put(page->out, "</article>\n");
}

static void put_findings(struct page *page, const char *heading, const struct pa_finding *findings, size_t count)
{
	if (count == 0)
		return;
	pa_html_put(page->out, "<section>\n");
	pa_html_element(page->out, "h2", heading);
	pa_html_put(page->out, "\n");
	for (size_t i = 0; i < count; i++)
		put_finding(page, &findings[i]);
	pa_html_put(page->out, "</section>\n");
}

/* What the baseline has and is not found any more. */
static void put_vanished(struct page *page)
{
	const struct pa_result *result = page->report->result;
	if (!result->vanished_count)
		return;
	pa_html_put(page->out, "<section>\n<h2>Gone since the baseline</h2>\n<ul>\n");
	for (size_t i = 0; i < result->vanished_count; i++) {
		const struct pa_known_finding *known = result->vanished[i];
		pa_html_put(page->out, "<li>");
		pa_html_text(page->out, known->check);
		pa_html_put(page->out, ": ");
		pa_html_text(page->out, known->message);
		pa_html_put(page->out, "</li>\n");
	}
	pa_html_put(page->out, "</ul>\n</section>\n");
}

/* --- what is reachable -------------------------------------------------------------------------------------------------- */
static void put_line(struct page *page, struct pa_arena *arena, const struct pa_region *line)
{
	const struct pa_row *row = line->row;
	struct pa_buffer text = { 0 }, part = { 0 };
	pa_phrase_ports(arena, line, 0, &text);
	if (pa_phrase_services(line, &part))
		pa_buffer_printf(&text, " (%s)", part.data);
	pa_html_put(page->out, "<tr>");
	pa_html_cell(page->out, &text);
	pa_phrase_source(arena, line, 0, &text);
	pa_html_cell(page->out, &text);
	pa_phrase_interface(arena, line, 0, &text);
	pa_html_cell(page->out, &text);
	pa_buffer_puts(&text, pa_path_name(row->path));
	if (row->has_target) {
		pa_buffer_puts(&text, ", to ");
		pa_phrase_target(&row->target, &text);
	}
	pa_html_cell(page->out, &text);
	if (row->certainty == PA_POSSIBLE)
		pa_buffer_printf(&text, "possible: %s", row->condition ? row->condition : "not known on what it depends");
	pa_html_cell(page->out, &text);
	for (size_t i = 0; i < row->rule_count; i++) {
		pa_buffer_puts(&text, i ? "; " : "");
		pa_text_rule(row->rules[i], 0, &text);
	}
	if (row->rule_count == 0)
		pa_buffer_puts(&text, "accepted by policy");
	pa_html_cell(page->out, &text);
	pa_html_put(page->out, "</tr>\n");
	pa_buffer_done(&text);
	pa_buffer_done(&part);
}

static void put_reachable(struct page *page)
{
	static const char *const columns[] = { "what", "from", "interface", "path", "condition", "rule", NULL };
	const struct pa_report *report = page->report;
	if (report->row_count == 0 && report->result)
		return;
	struct pa_arena *arena = pa_arena_new();
	struct pa_region *lines;
	size_t count = pa_lines_make(arena, report->rows, report->row_count, &lines);
	pa_html_put(page->out, "<section>\n<h2>What is reachable</h2>\n");
	if (count == 0) {
		pa_html_put(page->out, "<p>Nothing gets in.</p>\n");
	} else {
		pa_html_open_table(page->out, "New connections that get in", columns);
		for (size_t i = 0; i < count; i++)
			put_line(page, arena, &lines[i]);
		pa_html_close_table(page->out);
	}
	pa_html_put(page->out, "</section>\n");
	pa_arena_free(arena);
}

/* --- checks ----------------------------------------------------------------------------------------------------------------- */
static const char *status_word(enum pa_check_status status)
{
	static const char *const words[] = { [PA_STATUS_PASSED] = "passed",
					     [PA_STATUS_FAILED] = "failed",
					     [PA_STATUS_WAIVED] = "waived",
					     [PA_STATUS_KNOWN] = "known",
					     [PA_STATUS_NOT_ASSESSED] = "not assessed",
					     [PA_STATUS_OFF] = "off" };
	return words[status];
}

static void put_checks(struct page *page)
{
	static const char *const columns[] = { "check", "fails when", "result", "because", NULL };
	const struct pa_result *result = page->report->result;
	pa_html_put(page->out, "<section>\n<h2>Checks</h2>\n");
	pa_html_open_table(page->out, "What became of each check", columns);
	for (enum pa_check_id check = 0; check < PA_CHECK_COUNT; check++) {
		pa_html_put(page->out, "<tr><th scope=\"row\">");
		pa_html_text(page->out, pa_check_info(check)->code);
		pa_html_put(page->out, "</th>");
		pa_html_element(page->out, "td", pa_check_info(check)->title);
		pa_html_element(page->out, "td", status_word(result->checks[check].status));
		pa_html_element(page->out, "td", result->checks[check].reason);
		pa_html_put(page->out, "</tr>\n");
	}
	pa_html_close_table(page->out);
	if (result->not_assessed_count)
		pa_html_put(page->out, "<ul>\n");
	for (size_t i = 0; i < result->not_assessed_count; i++)
		pa_html_element(page->out, "li", result->not_assessed[i]);
	pa_html_put(page->out, result->not_assessed_count ? "</ul>\n</section>\n" : "</section>\n");
}

static void put_statements(struct page *page)
{
	static const char *const columns[] = { "line", "statement", "result", "because", NULL };
	const struct pa_result *result = page->report->result;
	if (result->statement_count == 0)
		return;
	pa_html_put(page->out, "<section>\n<h2>The policy</h2>\n");
	pa_html_open_table(page->out, "What became of each line of the policy", columns);
	for (size_t i = 0; i < result->statement_count; i++) {
		const struct pa_statement_result *line = &result->statements[i];
		struct pa_buffer place = { 0 };
		pa_buffer_printf(&place, "%s:%u", line->statement->where.file ? line->statement->where.file : "policy",
				 line->statement->where.line);
		pa_html_put(page->out, "<tr><th scope=\"row\">");
		pa_html_text(page->out, place.data);
		pa_html_put(page->out, "</th><td><code>");
		pa_html_text(page->out, line->statement->text);
		pa_html_put(page->out, "</code></td>");
		pa_html_element(page->out, "td", status_word(line->status));
		pa_html_element(page->out, "td", line->reason);
		pa_html_put(page->out, "</tr>\n");
		pa_buffer_done(&place);
	}
	pa_html_close_table(page->out);
	pa_html_put(page->out, "</section>\n");
}

/* --- the page ----------------------------------------------------------------------------------------------------------------- */
static void put_summary(struct page *page)
{
	const struct pa_result *result = page->report->result;
	size_t failing = 0;
	for (size_t i = 0; i < result->finding_count; i++)
		failing += pa_finding_fails(&result->findings[i], page->report);
	pa_buffer_printf(
		page->out,
		"<p><strong>%zu finding%s</strong>, %zu of them at or above %s; %zu known from the baseline, %zu waived.</p>\n",
		result->finding_count, result->finding_count == 1 ? "" : "s", failing, pa_severity_name(page->report->fail_on),
		result->known_count, result->waived_count);
}

bool pa_format_html(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	struct page page = { .report = report, .out = out };
	const struct pa_result *result = report->result;
	(void)style;
	pa_html_open(out, "What gets in", report->host, report->now);
	pa_html_sources(out, report->ruleset);
	pa_html_put(out, "</p>\n</header>\n<main>\n");
	if (!report->complete || report->rows_cut)
		pa_html_incomplete(out, report->incomplete, report->incomplete_count);
	if (report->no_firewall)
		pa_html_put(
			page.out,
			"<div class=\"alert\" role=\"alert\"><p><strong>No firewall:</strong> everything is reachable.</p></div>\n");
	if (result) {
		put_summary(&page);
		put_findings(&page, "Findings", result->findings, result->finding_count);
		put_findings(&page, "Known findings (the baseline has them)", result->known, result->known_count);
		put_vanished(&page);
		put_findings(&page, "Waived findings", result->waived, result->waived_count);
	}
	put_reachable(&page);
	if (result) {
		put_statements(&page);
		put_checks(&page);
	}
	pa_html_close(out);
	return true;
}
