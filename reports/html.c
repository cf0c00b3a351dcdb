/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One page without anything from outside and without scripts: what was found, what is waived, what is reachable, what became of each
 * check. For screen readers and for paper: headings in order, tables with captions and scopes, and no meaning in colors alone. All
 * outside text is escaped, and the page forbids itself to load anything.
 */
#include <string.h>
#include <time.h>

#include "format.h"
#include "lines.h"
#include "phrase.h"
#include "suggestion.h"

struct page {
	const struct pa_report *report;
	struct pa_buffer *out;
};

static const char style_sheet[] =
	":root{color-scheme:light dark;--line:#8a8f98;--soft:#eef0f3;--text:#16181d;--back:#fff}"
	"@media(prefers-color-scheme:dark){:root{--line:#7d838f;--soft:#24272e;--text:#e8eaee;--back:#15171b}}"
	"body{font:16px/1.5 system-ui,sans-serif;color:var(--text);background:var(--back);max-width:75rem;margin:0 auto;padding:1rem}"
	"h1{font-size:1.6rem}h2{font-size:1.3rem;margin-top:2rem}h3{font-size:1.05rem;margin:0 0 .5rem}"
	"code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}"
	"table{border-collapse:collapse;width:100%;font-size:.92rem}caption{text-align:left;padding:.3rem 0}"
	"th,td{border:1px solid var(--line);padding:.3rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
	"th{background:var(--soft)}.scroll{overflow-x:auto}"
	"article{border:1px solid var(--line);border-left-width:.5rem;padding:.7rem 1rem;margin:1rem 0;break-inside:avoid}"
	".critical,.high{border-left-color:#c0182b}.medium{border-left-color:#b45f06}.low{border-left-color:#3565a8}"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:.5rem 0}dt{font-weight:600}dd{margin:0}"
	".alert{border:3px solid #c0182b;padding:.7rem 1rem;margin:1rem 0}"
	"@media(max-width:40rem){dl{grid-template-columns:1fr}}";

static void put(struct page *page, const char *markup)
{
	pa_buffer_puts(page->out, markup);
}

/* Outside text: control characters become \xNN, and < > & and quotes entities. */
static void put_text(struct page *page, const char *text)
{
	struct pa_buffer safe = { 0 };
	pa_text_escape(text ? text : "", &safe);
	for (const char *at = safe.data ? safe.data : ""; *at; at++) {
		switch (*at) {
		case '<':
			put(page, "&lt;");
			break;
		case '>':
			put(page, "&gt;");
			break;
		case '&':
			put(page, "&amp;");
			break;
		case '"':
			put(page, "&quot;");
			break;
		case '\'':
			put(page, "&#39;");
			break;
		default:
			pa_buffer_putc(page->out, *at);
		}
	}
	pa_buffer_done(&safe);
}

static void put_element(struct page *page, const char *name, const char *text)
{
	pa_buffer_printf(page->out, "<%s>", name);
	put_text(page, text);
	pa_buffer_printf(page->out, "</%s>", name);
}

/* A term and its description; nothing when there is nothing to say. Clears `text`. */
static void put_term(struct page *page, const char *term, struct pa_buffer *text, bool code)
{
	if (text->length == 0)
		return;
	put_element(page, "dt", term);
	put(page, code ? "<dd><code>" : "<dd>");
	put_text(page, text->data);
	put(page, code ? "</code></dd>\n" : "</dd>\n");
	pa_buffer_clear(text);
}

static void put_cell(struct page *page, struct pa_buffer *text)
{
	put_element(page, "td", text->data);
	pa_buffer_clear(text);
}

static void open_table(struct page *page, const char *caption, const char *const *columns)
{
	put(page, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
	put_text(page, caption);
	put(page, "\">\n<table>\n");
	put_element(page, "caption", caption);
	put(page, "\n<thead><tr>");
	for (size_t i = 0; columns[i]; i++) {
		put(page, "<th scope=\"col\">");
		put_text(page, columns[i]);
		put(page, "</th>");
	}
	put(page, "</tr></thead>\n<tbody>\n");
}

static void close_table(struct page *page)
{
	put(page, "</tbody>\n</table>\n</div>\n");
}

/* --- findings -------------------------------------------------------------------------------------------------------- */
static void put_waiver(struct page *page, const struct pa_statement *waiver, struct pa_buffer *text)
{
	char until[PA_DAY_TEXT_MAX];
	if (!waiver)
		return;
	pa_day_format(waiver->until, until);
	pa_buffer_printf(text, "until %s: %s", until, waiver->fields.reason ? waiver->fields.reason : "no reason");
	put_term(page, "waived", text, false);
}

/* A term for each line: what, the commands, what was proved. */
static void put_suggestion(struct page *page, const struct pa_finding *finding, struct pa_buffer *text)
{
	struct pa_buffer lines = { 0 };
	pa_text_suggestion_plain(finding, &lines);
	for (const char *at = lines.data ? lines.data : ""; *at;) {
		size_t length = strcspn(at, "\n");
		pa_buffer_add(text, at, length);
		put_term(page, "suggestion", text, true);
		at += length + (at[length] == '\n');
	}
	pa_buffer_done(&lines);
}

static void put_facts(struct page *page, const struct pa_finding *finding)
{
	struct pa_buffer text = { 0 };
	put(page, "<dl>\n");
	if (finding->has_row)
		pa_phrase_row(&finding->row, &text);
	put_term(page, "traffic", &text, false);
	if (finding->certainty == PA_POSSIBLE)
		pa_buffer_puts(&text,
			       finding->condition ? finding->condition : "it depends on a test that packets do not decide");
	put_term(page, "only", &text, false);
	for (size_t i = 0; i < finding->rule_count; i++) {
		pa_text_rule(finding->rules[i], 0, &text);
		put_term(page, "where", &text, true);
	}
	if (finding->statement)
		pa_buffer_printf(&text, "%s:%u: %s", finding->statement->where.file ? finding->statement->where.file : "policy",
				 finding->statement->where.line, finding->statement->text ? finding->statement->text : "");
	put_term(page, "policy", &text, true);
	if (finding->has_packet)
		pa_phrase_packet(&finding->packet, &text);
	put_term(page, "example", &text, true);
	pa_buffer_puts(&text, pa_check_info(finding->check)->why);
	put_term(page, "why", &text, false);
	if (finding->fix)
		pa_buffer_puts(&text, finding->fix);
	put_term(page, "change", &text, false);
	put_suggestion(page, finding, &text);
	put_waiver(page, finding->waiver, &text);
	put(page, "</dl>\n");
	pa_buffer_done(&text);
}

static void put_finding(struct page *page, const struct pa_finding *finding)
{
	pa_buffer_printf(page->out, "<article class=\"%s\" id=\"f-%s\">\n<h3>%s, %s: ", pa_severity_name(finding->severity),
			 finding->fingerprint, pa_check_info(finding->check)->code, pa_severity_name(finding->severity));
	put_text(page, finding->message);
	put(page, "</h3>\n");
	put_facts(page, finding);
	put(page, "</article>\n");
}

static void put_findings(struct page *page, const char *heading, const struct pa_finding *findings, size_t count)
{
	if (count == 0)
		return;
	put(page, "<section>\n");
	put_element(page, "h2", heading);
	put(page, "\n");
	for (size_t i = 0; i < count; i++)
		put_finding(page, &findings[i]);
	put(page, "</section>\n");
}

/* --- what is reachable -------------------------------------------------------------------------------------------------- */
static void put_line(struct page *page, struct pa_arena *arena, const struct pa_region *line)
{
	const struct pa_row *row = line->row;
	struct pa_buffer text = { 0 }, part = { 0 };
	pa_phrase_ports(arena, line, 0, &text);
	if (pa_phrase_services(line, &part))
		pa_buffer_printf(&text, " (%s)", part.data);
	put(page, "<tr>");
	put_cell(page, &text);
	pa_phrase_source(arena, line, 0, &text);
	put_cell(page, &text);
	pa_phrase_interface(arena, line, 0, &text);
	put_cell(page, &text);
	pa_buffer_puts(&text, pa_path_name(row->path));
	if (row->has_target) {
		pa_buffer_puts(&text, ", to ");
		pa_phrase_target(&row->target, &text);
	}
	put_cell(page, &text);
	if (row->certainty == PA_POSSIBLE)
		pa_buffer_printf(&text, "possible: %s", row->condition ? row->condition : "not known on what it depends");
	put_cell(page, &text);
	for (size_t i = 0; i < row->rule_count; i++) {
		pa_buffer_puts(&text, i ? "; " : "");
		pa_text_rule(row->rules[i], 0, &text);
	}
	if (row->rule_count == 0)
		pa_buffer_puts(&text, "accepted by policy");
	put_cell(page, &text);
	put(page, "</tr>\n");
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
	put(page, "<section>\n<h2>What is reachable</h2>\n");
	if (count == 0) {
		put(page, "<p>Nothing gets in.</p>\n");
	} else {
		open_table(page, "New connections that get in", columns);
		for (size_t i = 0; i < count; i++)
			put_line(page, arena, &lines[i]);
		close_table(page);
	}
	put(page, "</section>\n");
	pa_arena_free(arena);
}

/* --- checks ----------------------------------------------------------------------------------------------------------------- */
static const char *status_word(enum pa_check_status status)
{
	static const char *const words[] = { [PA_STATUS_PASSED] = "passed",
					     [PA_STATUS_FAILED] = "failed",
					     [PA_STATUS_WAIVED] = "waived",
					     [PA_STATUS_NOT_ASSESSED] = "not assessed",
					     [PA_STATUS_OFF] = "off" };
	return words[status];
}

static void put_checks(struct page *page)
{
	static const char *const columns[] = { "check", "fails when", "result", "because", NULL };
	const struct pa_result *result = page->report->result;
	put(page, "<section>\n<h2>Checks</h2>\n");
	open_table(page, "What became of each check", columns);
	for (enum pa_check_id check = 0; check < PA_CHECK_COUNT; check++) {
		put(page, "<tr><th scope=\"row\">");
		put_text(page, pa_check_info(check)->code);
		put(page, "</th>");
		put_element(page, "td", pa_check_info(check)->title);
		put_element(page, "td", status_word(result->checks[check].status));
		put_element(page, "td", result->checks[check].reason);
		put(page, "</tr>\n");
	}
	close_table(page);
	if (result->not_assessed_count)
		put(page, "<ul>\n");
	for (size_t i = 0; i < result->not_assessed_count; i++)
		put_element(page, "li", result->not_assessed[i]);
	put(page, result->not_assessed_count ? "</ul>\n</section>\n" : "</section>\n");
}

static void put_statements(struct page *page)
{
	static const char *const columns[] = { "line", "statement", "result", "because", NULL };
	const struct pa_result *result = page->report->result;
	if (result->statement_count == 0)
		return;
	put(page, "<section>\n<h2>The policy</h2>\n");
	open_table(page, "What became of each line of the policy", columns);
	for (size_t i = 0; i < result->statement_count; i++) {
		const struct pa_statement_result *line = &result->statements[i];
		struct pa_buffer place = { 0 };
		pa_buffer_printf(&place, "%s:%u", line->statement->where.file ? line->statement->where.file : "policy",
				 line->statement->where.line);
		put(page, "<tr><th scope=\"row\">");
		put_text(page, place.data);
		put(page, "</th><td><code>");
		put_text(page, line->statement->text);
		put(page, "</code></td>");
		put_element(page, "td", status_word(line->status));
		put_element(page, "td", line->reason);
		put(page, "</tr>\n");
		pa_buffer_done(&place);
	}
	close_table(page);
	put(page, "</section>\n");
}

/* --- the page ----------------------------------------------------------------------------------------------------------------- */
static void put_head(struct page *page)
{
	const struct pa_report *report = page->report;
	put(page, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
		  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>portaudit: ");
	put_text(page, report->host);
	put(page, "</title>\n<style>");
	put(page, style_sheet);
	put(page, "</style>\n</head>\n<body>\n<header>\n<h1>What gets in: ");
	put_text(page, report->host);
	put(page, "</h1>\n<p>");
	time_t seconds = (time_t)report->now;
	struct tm utc;
	char moment[40] = "";
	if (gmtime_r(&seconds, &utc))
		strftime(moment, sizeof(moment), "%Y-%m-%d %H:%M UTC", &utc);
	put_text(page, moment);
	for (size_t i = 0; report->ruleset && i < report->ruleset->source_count; i++) {
		put(page, i ? ", " : "; ");
		put_text(page, report->ruleset->sources[i]);
	}
	put(page, "</p>\n</header>\n<main>\n");
}

static void put_incomplete(struct page *page)
{
	const struct pa_report *report = page->report;
	if (report->complete && !report->rows_cut)
		return;
	put(page,
	    "<div class=\"alert\" role=\"alert\">\n<p><strong>Not complete:</strong> there may be more than is shown here.</p>\n");
	put(page, report->incomplete_count ? "<ul>\n" : "");
	for (size_t i = 0; i < report->incomplete_count; i++)
		put_element(page, "li", report->incomplete[i]);
	put(page, report->incomplete_count ? "</ul>\n</div>\n" : "</div>\n");
}

static void put_summary(struct page *page)
{
	const struct pa_result *result = page->report->result;
	size_t failing = 0;
	for (size_t i = 0; i < result->finding_count; i++)
		failing += pa_finding_fails(&result->findings[i], page->report);
	pa_buffer_printf(page->out, "<p><strong>%zu finding%s</strong>, %zu of them at or above %s; %zu waived.</p>\n",
			 result->finding_count, result->finding_count == 1 ? "" : "s", failing,
			 pa_severity_name(page->report->fail_on), result->waived_count);
}

bool pa_format_html(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	struct page page = { .report = report, .out = out };
	const struct pa_result *result = report->result;
	(void)style;
	put_head(&page);
	put_incomplete(&page);
	if (report->no_firewall)
		put(&page,
		    "<div class=\"alert\" role=\"alert\"><p><strong>No firewall:</strong> everything is reachable.</p></div>\n");
	if (result) {
		put_summary(&page);
		put_findings(&page, "Findings", result->findings, result->finding_count);
		put_findings(&page, "Waived findings", result->waived, result->waived_count);
	}
	put_reachable(&page);
	if (result) {
		put_statements(&page);
		put_checks(&page);
	}
	put(&page, "</main>\n</body>\n</html>\n");
	return true;
}
