/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A change as a page for a reviewer's browser: what opens first, each part with its packets, what decided before and decides now. */
#include "difference_words.h"
#include "format.h"
#include "html_parts.h"
#include "lines.h"
#include "phrase.h"

static void put_regions(struct pa_buffer *out, const struct pa_change *change)
{
	struct pa_arena *arena = pa_arena_new();
	struct pa_region *lines;
	size_t count = pa_lines_make(arena, change->rows, change->row_count, &lines);
	pa_html_put(out, "<dt>packets</dt><dd>");
	for (size_t i = 0; i < count; i++) {
		struct pa_buffer text = { 0 };
		pa_phrase_region(arena, &lines[i], 0, &text);
		pa_html_put(out, i ? "<br>" : "");
		pa_html_text(out, text.data);
		pa_buffer_done(&text);
	}
	pa_html_put(out, "</dd>\n");
	pa_arena_free(arena);
}

static void put_rules(struct pa_buffer *out, const struct pa_change *change, struct pa_buffer *text)
{
	const struct pa_row *row = &change->rows[0];
	for (size_t i = 0; row->rule_count > 1 && i < row->rule_count; i++) {
		pa_text_rule(row->rules[i], 0, text);
		pa_html_term(out, "rule", text, true);
	}
}

static void put_change(struct pa_buffer *out, const struct pa_change *change)
{
	struct pa_buffer text = { 0 };
	pa_buffer_printf(out, "<article class=\"%s\" id=\"c-%s\">\n<h3>", pa_severity_name(change->severity),
			 change->fingerprint);
	pa_phrase_change_regions(change, 1, &text);
	pa_html_text(out, text.data);
	pa_buffer_clear(&text);
	pa_html_put(out, ": ");
	pa_phrase_change_kind(change, &text);
	pa_html_text(out, text.data);
	pa_buffer_clear(&text);
	pa_html_put(out, "</h3>\n<dl>\n");
	pa_phrase_change_verdict(change, &text);
	pa_html_term(out, "policy", &text, false);
	put_regions(out, change);
	pa_phrase_change_before(change, &text);
	pa_html_term(out, "before", &text, true);
	pa_phrase_change_now(change, &text);
	pa_html_term(out, "now", &text, true);
	put_rules(out, change, &text);
	pa_phrase_packet(&change->example, &text);
	pa_html_term(out, "example", &text, true);
	pa_html_put(out, "</dl>\n</article>\n");
	pa_buffer_done(&text);
}

static void put_changes(struct pa_buffer *out, const struct pa_difference *difference, const char *heading,
			enum pa_delta_kind first, enum pa_delta_kind last)
{
	bool any = false;
	for (size_t i = 0; i < difference->change_count; i++) {
		const struct pa_change *change = &difference->changes[i];
		if (change->kind < first || change->kind > last)
			continue;
		if (!any)
			pa_buffer_printf(out, "<section>\n<h2>%s</h2>\n", heading);
		any = true;
		put_change(out, change);
	}
	pa_html_put(out, any ? "</section>\n" : "");
}

static void put_session(struct pa_buffer *out, const struct pa_session_fate *session)
{
	struct pa_buffer text = { 0 };
	if (!session)
		return;
	bool bad = session->lost || session->unsure;
	pa_html_put(out, bad ? "<div class=\"alert\" role=\"alert\">\n<p><strong>" : "<div>\n<p><strong>");
	pa_phrase_session(session, &text);
	pa_html_text(out, text.data);
	pa_html_put(out, "</strong></p>\n<ul>\n");
	for (unsigned i = 0; i < PA_SESSION_PACKETS; i++) {
		pa_buffer_clear(&text);
		pa_phrase_session_packet(session, i, &text);
		pa_html_element(out, "li", text.data);
	}
	pa_html_put(out, "</ul>\n</div>\n");
	pa_buffer_done(&text);
}

static void put_lost_replies(struct pa_buffer *out, const struct pa_difference *difference)
{
	struct pa_buffer text = { 0 };
	for (size_t i = 0; i < difference->lost_reply_count; i++) {
		const struct pa_lost_reply *lost = &difference->lost_replies[i];
		pa_html_put(out, "<div class=\"alert\" role=\"alert\">\n<p><strong>");
		pa_phrase_lost_reply(lost, &text);
		pa_html_text(out, text.data);
		pa_buffer_clear(&text);
		pa_html_put(out, "</strong></p>\n<dl>\n");
		pa_phrase_decision(&lost->old, &text);
		pa_html_term(out, "before", &text, true);
		pa_phrase_decision(&lost->new, &text);
		pa_html_term(out, "now", &text, true);
		pa_phrase_packet(&lost->opening, &text);
		pa_html_term(out, "example", &text, true);
		pa_phrase_packet(&lost->reply, &text);
		pa_html_term(out, "its reply", &text, true);
		pa_html_put(out, "</dl>\n</div>\n");
	}
	pa_buffer_done(&text);
}

static void put_countings(struct pa_buffer *out, const struct pa_difference *difference)
{
	struct pa_buffer text = { 0 };
	if (!difference->counting_count && !difference->not_compared)
		return;
	pa_html_put(out, "<section>\n<h2>Limits that count other packets</h2>\n<ul>\n");
	for (size_t i = 0; i < difference->counting_count; i++) {
		pa_phrase_counting(&difference->countings[i], &text);
		pa_html_element(out, "li", text.data);
		pa_buffer_clear(&text);
	}
	pa_phrase_not_compared(difference, &text);
	if (text.length)
		pa_html_element(out, "li", text.data);
	pa_html_put(out, "</ul>\n</section>\n");
	pa_buffer_done(&text);
}

static void put_notes(struct pa_buffer *out, const struct pa_difference *difference)
{
	if (!difference->sentence_count)
		return;
	pa_html_put(out, "<section>\n<h2>Beside single packets</h2>\n<ul>\n");
	for (size_t i = 0; i < difference->sentence_count; i++)
		pa_html_element(out, "li", difference->notes[i]);
	pa_html_put(out, "</ul>\n</section>\n");
}

bool pa_difference_html(const struct pa_difference_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	const struct pa_difference *difference = report->difference;
	struct pa_buffer text = { 0 };
	(void)style;
	pa_html_open(out, "What the change opens and closes", report->host, report->now);
	pa_html_sources(out, report->rulesets[0]);
	pa_html_put(out, " &rarr; ");
	pa_html_sources(out, report->rulesets[1]);
	pa_html_put(out, "</p>\n</header>\n<main>\n");
	if (!report->complete)
		pa_html_incomplete(out, report->incomplete, report->incomplete_count);
	pa_phrase_difference(report, &text);
	pa_html_put(out, "<p><strong>");
	pa_html_text(out, text.data);
	pa_html_put(out, "</strong></p>\n");
	put_session(out, report->session);
	put_lost_replies(out, difference);
	put_changes(out, difference, "What opens", PA_DELTA_OPENS, PA_DELTA_OPENS);
	put_changes(out, difference, "What closes", PA_DELTA_CLOSES, PA_DELTA_CLOSES);
	put_changes(out, difference, "What changes otherwise", PA_DELTA_CONDITION, PA_DELTA_FATE);
	put_changes(out, difference, "Refused as before, but with another answer", PA_DELTA_ANSWER, PA_DELTA_ANSWER);
	put_countings(out, difference);
	put_notes(out, difference);
	pa_html_close(out);
	pa_buffer_done(&text);
	return true;
}
