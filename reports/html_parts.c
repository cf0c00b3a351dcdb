/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page around a report, its tables and lists. All outside text is escaped, and the page forbids itself to load anything. */
#include "html_parts.h"

#include <time.h>

static const char style_sheet[] =
	":root{color-scheme:light dark;--line:#8a8f98;--soft:#eef0f3;--text:#16181d;--back:#fff}"
	"@media(prefers-color-scheme:dark){:root{--line:#7d838f;--soft:#24272e;--text:#e8eaee;--back:#15171b}}"
	"body{font:16px/1.5 system-ui,sans-serif;color:var(--text);background:var(--back);max-width:75rem;margin:0 auto;padding:1rem}"
	"h1{font-size:1.6rem}h2{font-size:1.3rem;margin-top:2rem}h3{font-size:1.05rem;margin:0 0 .5rem}"
	"code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}"
	"table{border-collapse:collapse;width:100%;font-size:.92rem}caption{text-align:left;padding:.3rem 0}"
	"th,td{border:1px solid var(--line);padding:.3rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
	"th{background:var(--soft)}th[scope=row]{min-width:7rem}td{min-width:5.5rem}.scroll{overflow-x:auto}"
	"article{border:1px solid var(--line);border-left-width:.5rem;padding:.7rem 1rem;margin:1rem 0;break-inside:avoid}"
	".critical,.high{border-left-color:#c0182b}.medium{border-left-color:#b45f06}.low{border-left-color:#3565a8}"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem;margin:.5rem 0}dt{font-weight:600}dd{margin:0}"
	".alert{border:3px solid #c0182b;padding:.7rem 1rem;margin:1rem 0}"
	"@media(max-width:40rem){dl{grid-template-columns:1fr}}";

void pa_html_put(struct pa_buffer *out, const char *markup)
{
	pa_buffer_puts(out, markup);
}

/* Outside text: control characters become \xNN, and < > & and quotes entities. */
void pa_html_text(struct pa_buffer *out, const char *text)
{
	struct pa_buffer safe = { 0 };
	pa_text_escape(text ? text : "", &safe);
	for (const char *at = safe.data ? safe.data : ""; *at; at++) {
		switch (*at) {
		case '<':
			pa_html_put(out, "&lt;");
			break;
		case '>':
			pa_html_put(out, "&gt;");
			break;
		case '&':
			pa_html_put(out, "&amp;");
			break;
		case '"':
			pa_html_put(out, "&quot;");
			break;
		case '\'':
			pa_html_put(out, "&#39;");
			break;
		default:
			pa_buffer_putc(out, *at);
		}
	}
	pa_buffer_done(&safe);
}

void pa_html_element(struct pa_buffer *out, const char *name, const char *text)
{
	pa_buffer_printf(out, "<%s>", name);
	pa_html_text(out, text);
	pa_buffer_printf(out, "</%s>", name);
}

/* A term and its description; nothing when there is nothing to say. Clears `text`. */
void pa_html_term(struct pa_buffer *out, const char *term, struct pa_buffer *text, bool code)
{
	if (text->length == 0)
		return;
	pa_html_element(out, "dt", term);
	pa_html_put(out, code ? "<dd><code>" : "<dd>");
	pa_html_text(out, text->data);
	pa_html_put(out, code ? "</code></dd>\n" : "</dd>\n");
	pa_buffer_clear(text);
}

void pa_html_cell(struct pa_buffer *out, struct pa_buffer *text)
{
	pa_html_element(out, "td", text->data);
	pa_buffer_clear(text);
}

void pa_html_open_table(struct pa_buffer *out, const char *caption, const char *const *columns)
{
	pa_html_put(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
	pa_html_text(out, caption);
	pa_html_put(out, "\">\n<table>\n");
	pa_html_element(out, "caption", caption);
	pa_html_put(out, "\n<thead><tr>");
	for (size_t i = 0; columns[i]; i++) {
		pa_html_put(out, "<th scope=\"col\">");
		pa_html_text(out, columns[i]);
		pa_html_put(out, "</th>");
	}
	pa_html_put(out, "</tr></thead>\n<tbody>\n");
}

void pa_html_close_table(struct pa_buffer *out)
{
	pa_html_put(out, "</tbody>\n</table>\n</div>\n");
}

/* --- the page --------------------------------------------------------------------------------------------------------- */

void pa_html_open(struct pa_buffer *out, const char *heading, const char *host, int64_t now)
{
	time_t seconds = (time_t)now;
	struct tm utc;
	char moment[40] = "";
	pa_html_put(out,
		    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
		    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>portaudit: ");
	pa_html_text(out, host);
	pa_html_put(out, "</title>\n<style>");
	pa_html_put(out, style_sheet);
	pa_buffer_printf(out, "</style>\n</head>\n<body>\n<header>\n<h1>%s: ", heading);
	pa_html_text(out, host);
	pa_html_put(out, "</h1>\n<p>");
	if (gmtime_r(&seconds, &utc))
		strftime(moment, sizeof(moment), "%Y-%m-%d %H:%M UTC", &utc);
	pa_html_text(out, moment);
	pa_html_put(out, "; ");
}

void pa_html_sources(struct pa_buffer *out, const struct pa_ruleset *ruleset)
{
	for (size_t i = 0; ruleset && i < ruleset->source_count; i++) {
		pa_html_put(out, i ? ", " : "");
		pa_html_text(out, ruleset->sources[i]);
	}
}

void pa_html_incomplete(struct pa_buffer *out, const char *const *sentences, size_t count)
{
	pa_html_put(
		out,
		"<div class=\"alert\" role=\"alert\">\n<p><strong>Not complete:</strong> there may be more than is shown here.</p>\n");
	pa_html_put(out, count ? "<ul>\n" : "");
	for (size_t i = 0; i < count; i++)
		pa_html_element(out, "li", sentences[i]);
	pa_html_put(out, count ? "</ul>\n</div>\n" : "</div>\n");
}

void pa_html_close(struct pa_buffer *out)
{
	pa_html_put(out, "</main>\n</body>\n</html>\n");
}
