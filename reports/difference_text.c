/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The difference of two rulesets for people: like a review, + what opens, - what closes, ~ what is otherwise changed. */
#include <stdio.h>
#include <string.h>

#include "difference_words.h"
#include "fold.h"
#include "format.h"
#include "lines.h"
#include "phrase.h"

#define LINES_SHOWN 12 /* regions of one change */
#define RULES_SHOWN 4
#define RULE_COLUMNS 160

struct printer {
	const struct pa_style *style;
	struct pa_arena *arena;
	struct pa_buffer *out;
};

/* --- words ------------------------------------------------------------------------------------------------------ */

static char sign_of(enum pa_delta_kind kind)
{
	switch (kind) {
	case PA_DELTA_OPENS:
		return '+';
	case PA_DELTA_CLOSES:
		return '-';
	case PA_DELTA_CONDITION:
	case PA_DELTA_FATE:
		return '~';
	case PA_DELTA_ANSWER:
		break;
	}
	return ' ';
}

static enum pa_paint paint_of(const struct pa_change *change)
{
	switch (change->kind) {
	case PA_DELTA_OPENS:
		return change->verdict >= PA_CHANGE_UNDECLARED ? PA_PAINT_CRITICAL : PA_PAINT_GOOD;
	case PA_DELTA_CLOSES:
		return PA_PAINT_BAD;
	case PA_DELTA_CONDITION:
	case PA_DELTA_FATE:
		return PA_PAINT_WARN;
	case PA_DELTA_ANSWER:
		break;
	}
	return PA_PAINT_FAINT;
}

/* --- parts of a change --------------------------------------------------------------------------------------------- */

static void part(const struct printer *p, const char *label, struct pa_buffer *text)
{
	if (text->length) {
		char lead[24];
		snprintf(lead, sizeof(lead), "      %-9s", label);
		pa_paragraph(p->style, PA_PAINT_NONE, lead, text->data, p->out);
	}
	pa_buffer_clear(text);
}

/* The rules that let it in, when there are several; one is named as the decision. */
static void print_rules(const struct printer *p, const char *label, const struct pa_change *change, struct pa_buffer *text)
{
	const struct pa_row *row = &change->rows[0];
	for (size_t i = 0; row->rule_count > 1 && i < row->rule_count && i < RULES_SHOWN; i++) {
		pa_text_rule(row->rules[i], RULE_COLUMNS, text);
		part(p, i ? "" : label, text);
	}
	if (row->rule_count > RULES_SHOWN)
		pa_buffer_printf(p->out, "               ... and %zu more\n", row->rule_count - RULES_SHOWN);
}

/* --- a change -------------------------------------------------------------------------------------------------------- */

static void print_regions(const struct printer *p, const struct pa_change *change, struct pa_buffer *text)
{
	struct pa_region *lines;
	size_t count = pa_lines_make(p->arena, change->rows, change->row_count, &lines);
	size_t most = p->style->verbose ? SIZE_MAX : LINES_SHOWN;
	char lead[8] = "  x ";
	lead[2] = sign_of(change->kind);
	for (size_t i = 0; i < count && i < most; i++) {
		pa_phrase_region(p->arena, &lines[i], p->style->verbose ? 0 : 8, text);
		pa_hanging(p->style, paint_of(change), lead, PA_PAINT_STRONG, text->data, p->out);
		pa_buffer_clear(text);
	}
	if (count > most)
		pa_buffer_printf(p->out, "  %c ... and %zu more (-v shows all)\n", sign_of(change->kind), count - most);
}

static void print_change(const struct printer *p, const struct pa_change *change)
{
	struct pa_buffer text = { 0 };
	print_regions(p, change, &text);
	pa_phrase_change_kind(change, &text);
	part(p, "what", &text);
	pa_phrase_change_verdict(change, &text);
	part(p, "policy", &text);
	pa_phrase_change_before(change, &text);
	part(p, "before", &text);
	if (change->kind == PA_DELTA_CLOSES)
		print_rules(p, "rules", change, &text);
	pa_phrase_change_now(change, &text);
	part(p, "now", &text);
	if (change->kind != PA_DELTA_CLOSES)
		print_rules(p, "rules", change, &text);
	pa_phrase_packet(&change->example, &text);
	part(p, "example", &text);
	pa_buffer_putc(p->out, '\n');
	pa_buffer_done(&text);
}

void pa_text_change(const struct pa_change *change, struct pa_buffer *out)
{
	const struct pa_style plain = { .verbose = true };
	struct printer p = { &plain, pa_arena_new(), out };
	print_change(&p, change);
	pa_arena_free(p.arena);
}

/* --- the whole --------------------------------------------------------------------------------------------------------- */

static void print_incomplete(const struct printer *p, const struct pa_difference_report *report)
{
	struct pa_buffer text = { 0 };
	if (report->complete)
		return;
	pa_painted_text(p->style, PA_PAINT_CRITICAL, "NOT COMPLETE:", p->out);
	pa_buffer_puts(p->out, " there may be more differences than are shown here.\n");
	for (size_t i = 0; i < report->incomplete_count; i++) {
		pa_text_escape(report->incomplete[i], &text);
		pa_paragraph(p->style, PA_PAINT_NONE, "  - ", text.data ? text.data : "", p->out);
		pa_buffer_clear(&text);
	}
	pa_buffer_putc(p->out, '\n');
	pa_buffer_done(&text);
}

static void print_headline(const struct printer *p, const struct pa_difference_report *report)
{
	struct pa_buffer text = { 0 };
	pa_phrase_difference(report, &text);
	pa_paragraph(p->style, pa_difference_is_same(report->difference) && report->complete ? PA_PAINT_GOOD : PA_PAINT_STRONG,
		     "", text.data, p->out);
	pa_buffer_done(&text);
}

static void print_notes(const struct printer *p, const struct pa_difference *difference)
{
	struct pa_buffer text = { 0 };
	for (size_t i = 0; i < difference->sentence_count; i++) {
		pa_text_escape(difference->notes[i], &text);
		pa_hanging(p->style, PA_PAINT_NOTE, "  note: ", PA_PAINT_NONE, text.data, p->out);
		pa_buffer_clear(&text);
	}
	pa_phrase_not_compared(difference, &text);
	if (text.length)
		pa_hanging(p->style, PA_PAINT_NOTE, "  note: ", PA_PAINT_NONE, text.data, p->out);
	pa_buffer_done(&text);
}

/* Of what closes, the part that breaks connections; an example of it. */
static void print_lost_replies(const struct printer *p, const struct pa_difference_report *report)
{
	struct pa_buffer text = { 0 };
	for (size_t i = 0; i < report->difference->lost_reply_count; i++) {
		const struct pa_lost_reply *lost = &report->difference->lost_replies[i];
		pa_phrase_lost_reply(lost, &text);
		pa_hanging(p->style, PA_PAINT_CRITICAL, "  ! ", PA_PAINT_STRONG, text.data, p->out);
		pa_buffer_clear(&text);
		pa_buffer_puts(&text, report->policy ? "AGAINST IT: connections would be opened and never answered" : "");
		part(p, "policy", &text);
		pa_phrase_decision(&lost->old, &text);
		part(p, "before", &text);
		pa_phrase_decision(&lost->new, &text);
		part(p, "now", &text);
		pa_phrase_packet(&lost->opening, &text);
		part(p, "example", &text);
		pa_buffer_puts(&text, "its reply: ");
		pa_phrase_packet(&lost->reply, &text);
		part(p, "", &text);
		pa_buffer_putc(p->out, '\n');
	}
	pa_buffer_done(&text);
}

static void print_countings(const struct printer *p, const struct pa_difference *difference)
{
	struct pa_buffer text = { 0 };
	for (size_t i = 0; i < difference->counting_count; i++) {
		pa_phrase_counting(&difference->countings[i], &text);
		pa_hanging(p->style, PA_PAINT_WARN, "  ~ ", PA_PAINT_NONE, text.data, p->out);
		pa_buffer_clear(&text);
	}
	pa_buffer_done(&text);
}

static void print_session(const struct printer *p, const struct pa_session_fate *session)
{
	struct pa_buffer text = { 0 };
	if (!session)
		return;
	pa_phrase_session(session, &text);
	pa_painted_text(p->style,
			session->lost	  ? PA_PAINT_CRITICAL
			: session->unsure ? PA_PAINT_WARN
					  : PA_PAINT_GOOD,
			text.data, p->out);
	pa_buffer_putc(p->out, '\n');
	pa_buffer_clear(&text);
	for (unsigned i = 0; (session->lost || session->unsure || p->style->verbose) && i < PA_SESSION_PACKETS; i++) {
		pa_phrase_session_packet(session, i, &text);
		pa_paragraph(p->style, PA_PAINT_NONE, "  - ", text.data, p->out);
		pa_buffer_clear(&text);
	}
	pa_buffer_putc(p->out, '\n');
	pa_buffer_done(&text);
}

bool pa_difference_text(const struct pa_difference_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	struct printer p = { style, pa_arena_new(), out };
	print_incomplete(&p, report);
	print_headline(&p, report);
	if (report->difference->change_count || report->difference->counting_count || report->session)
		pa_buffer_putc(out, '\n');
	print_session(&p, report->session);
	print_lost_replies(&p, report);
	for (size_t i = 0; i < report->difference->change_count; i++) {
		bool violates = report->difference->changes[i].verdict >= PA_CHANGE_UNDECLARED;
		if (!style->quiet || !report->policy || violates)
			print_change(&p, &report->difference->changes[i]);
	}
	print_countings(&p, report->difference);
	print_notes(&p, report->difference);
	pa_arena_free(p.arena);
	return true;
}
