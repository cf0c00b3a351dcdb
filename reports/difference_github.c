/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change as workflow commands of GitHub Actions, one line for each part of it, at the rule that decides now (or that decided):
 *
 *     ::warning file=firewall.nft,line=12,title=opens%2C in%3A new connections::8080/tcp from anywhere%0Abefore: ...
 */
#include "difference_words.h"
#include "format.h"
#include "github_parts.h"

static enum pa_github_kind kind_of(const struct pa_change *change)
{
	if (change->severity >= PA_SEVERITY_HIGH)
		return PA_GITHUB_ERROR;
	return change->severity >= PA_SEVERITY_MEDIUM ? PA_GITHUB_WARNING : PA_GITHUB_NOTICE;
}

static void add_line(const char *label, struct pa_buffer *line, struct pa_buffer *text)
{
	if (line->length)
		pa_buffer_printf(text, "\n%s: %s", label, line->data);
	pa_buffer_clear(line);
}

static void print_change(struct pa_github *github, const struct pa_change *change)
{
	struct pa_buffer title = { 0 }, text = { 0 }, line = { 0 };
	pa_phrase_change_kind(change, &title);
	pa_phrase_change_regions(change, 4, &text);
	pa_phrase_change_verdict(change, &line);
	add_line("policy", &line, &text);
	pa_phrase_change_before(change, &line);
	add_line("before", &line, &text);
	pa_phrase_change_now(change, &line);
	add_line("now", &line, &text);
	pa_phrase_packet(&change->example, &line);
	add_line("example", &line, &text);
	pa_github_annotate(github, kind_of(change), pa_change_place(change), title.data, text.data);
	pa_buffer_done(&title);
	pa_buffer_done(&text);
	pa_buffer_done(&line);
}

static void print_session(struct pa_github *github, const struct pa_session_fate *session)
{
	struct pa_buffer title = { 0 }, text = { 0 };
	if (!session || (!session->lost && !session->unsure))
		return;
	pa_phrase_session(session, &title);
	for (unsigned i = 0; i < PA_SESSION_PACKETS; i++) {
		pa_buffer_puts(&text, i ? "\n" : "");
		pa_phrase_session_packet(session, i, &text);
	}
	pa_github_annotate(github, session->lost ? PA_GITHUB_ERROR : PA_GITHUB_WARNING, pa_session_place(session), title.data,
			   text.data);
	pa_buffer_done(&title);
	pa_buffer_done(&text);
}

static void print_lost_replies(struct pa_github *github, const struct pa_difference *difference)
{
	struct pa_buffer title = { 0 }, text = { 0 };
	for (size_t i = 0; i < difference->lost_reply_count; i++) {
		const struct pa_lost_reply *lost = &difference->lost_replies[i];
		pa_buffer_clear(&title);
		pa_buffer_clear(&text);
		pa_phrase_lost_reply(lost, &title);
		pa_buffer_puts(&text, "before: ");
		pa_phrase_decision(&lost->old, &text);
		pa_buffer_puts(&text, "\nnow: ");
		pa_phrase_decision(&lost->new, &text);
		pa_buffer_puts(&text, "\nexample: ");
		pa_phrase_packet(&lost->opening, &text);
		pa_buffer_puts(&text, "\nits reply: ");
		pa_phrase_packet(&lost->reply, &text);
		pa_github_annotate(github, PA_GITHUB_ERROR, pa_lost_reply_place(lost), title.data, text.data);
	}
	pa_buffer_done(&title);
	pa_buffer_done(&text);
}

/* No violation of a policy: it speaks of what gets in, not of how much. */
static void print_countings(struct pa_github *github, const struct pa_difference_report *report)
{
	struct pa_buffer text = { 0 };
	for (size_t i = 0; i < report->difference->counting_count; i++) {
		const struct pa_counting *counting = &report->difference->countings[i];
		const struct pa_location *where = &counting->rule[1]->where;
		pa_buffer_clear(&text);
		pa_phrase_counting(counting, &text);
		pa_github_annotate(github, report->policy ? PA_GITHUB_NOTICE : PA_GITHUB_WARNING, where->file ? where : NULL,
				   "a limit counts other packets", text.data);
	}
	pa_buffer_clear(&text);
	pa_phrase_not_compared(report->difference, &text);
	if (text.length)
		pa_github_annotate(github, PA_GITHUB_WARNING, NULL, "limits were not compared", text.data);
	pa_buffer_done(&text);
}

bool pa_difference_github(const struct pa_difference_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	const struct pa_difference *difference = report->difference;
	struct pa_github github = { .out = out };
	struct pa_buffer text = { 0 };
	(void)style;
	pa_github_incomplete(&github, "the comparison is not complete", report->incomplete, report->incomplete_count);
	print_session(&github, report->session);
	print_lost_replies(&github, difference);
	for (size_t i = 0; i < difference->change_count; i++)
		print_change(&github, &difference->changes[i]);
	print_countings(&github, report);
	for (size_t i = 0; i < difference->sentence_count; i++)
		pa_github_annotate(&github, PA_GITHUB_NOTICE, NULL, "beside single packets", difference->notes[i]);
	pa_buffer_puts(out, "portaudit: ");
	pa_phrase_difference(report, &text);
	pa_github_escape(text.data, false, out);
	pa_github_counts(&github);
	pa_buffer_putc(out, '\n');
	pa_buffer_done(&text);
	return true;
}
