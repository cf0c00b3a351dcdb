/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diff as JUnit XML: one testcase for each kind of change and path. */

#include "difference_words.h"
#include "format.h"
#include "junit_parts.h"
#include "phrase.h"

static void add_case(struct pa_junit *junit, const char *name, struct pa_junit_outcome outcome, const char *message,
		     const char *details)
{
	const struct pa_junit_case testcase = {
		.suite = "diff", .name = name, .outcome = outcome, .message = message, .details = details
	};
	pa_junit_add(junit, &testcase);
}

/* Changes of one kind and path are one testcase, so that names stay the same from run to run. */
static size_t describe_changes(const struct pa_difference_report *report, enum pa_path path, enum pa_delta_kind kind,
			       struct pa_buffer *message, struct pa_buffer *details)
{
	const struct pa_difference *difference = report->difference;
	size_t found = 0;
	for (size_t i = 0; i < difference->change_count; i++) {
		const struct pa_change *change = &difference->changes[i];
		if (change->path != path || change->kind != kind || (report->policy && change->verdict < PA_CHANGE_UNDECLARED))
			continue;
		if (found++ == 0)
			pa_phrase_row(&change->rows[0], message);
		pa_text_change(change, details);
	}
	return found;
}

static const char *const change_names[] = { [PA_DELTA_OPENS] = "nothing opens",
					    [PA_DELTA_CLOSES] = "nothing closes",
					    [PA_DELTA_CONDITION] = "nothing gets in on another condition",
					    [PA_DELTA_FATE] = "nothing leaves otherwise" };

static void add_change_cases(struct pa_junit *junit, const struct pa_difference_report *report, struct pa_junit_counts *counts,
			     bool write)
{
	for (enum pa_path path = PA_PATH_IN; path <= PA_PATH_OUT; path++) {
		for (enum pa_delta_kind kind = PA_DELTA_OPENS; kind < PA_DELTA_ANSWER; kind++) {
			struct pa_buffer name = { 0 }, message = { 0 }, details = { 0 };
			size_t found = describe_changes(report, path, kind, &message, &details);
			struct pa_junit_outcome outcome = { .element = found ? "failure" : NULL, .type = "difference" };
			pa_buffer_printf(&name, "%s: %s%s", pa_path_name(path), change_names[kind],
					 report->policy ? " against the policy" : "");
			if (write)
				add_case(junit, name.data, outcome, message.data ? message.data : "",
					 details.data ? details.data : "");
			else
				pa_junit_count(counts, outcome);
			pa_buffer_done(&name);
			pa_buffer_done(&message);
			pa_buffer_done(&details);
		}
	}
}

static void add_replies_case(struct pa_junit *junit, const struct pa_difference *difference, struct pa_junit_counts *counts,
			     bool write)
{
	struct pa_junit_outcome outcome = { .element = difference->lost_reply_count ? "failure" : NULL, .type = "difference" };
	struct pa_buffer message = { 0 }, details = { 0 };
	if (!write) {
		pa_junit_count(counts, outcome);
		return;
	}
	for (size_t i = 0; i < difference->lost_reply_count; i++) {
		pa_phrase_lost_reply(&difference->lost_replies[i], i ? &details : &message);
		pa_buffer_puts(&details, i ? ": " : "");
		pa_phrase_decision(&difference->lost_replies[i].new, &details);
		pa_buffer_putc(&details, '\n');
	}
	add_case(junit, "replies get through as before", outcome, message.data ? message.data : "",
		 details.data ? details.data : "");
	pa_buffer_done(&message);
	pa_buffer_done(&details);
}

/* A policy speaks of what gets in, not of how much of it: with one this is no failure. */
static void add_counting_case(struct pa_junit *junit, const struct pa_difference_report *report, struct pa_junit_counts *counts,
			      bool write)
{
	const struct pa_difference *difference = report->difference;
	bool differs = difference->counting_count || difference->not_compared;
	struct pa_junit_outcome outcome = { .element = differs && !report->policy ? "failure" : NULL, .type = "difference" };
	struct pa_buffer details = { 0 };
	if (!write) {
		pa_junit_count(counts, outcome);
		return;
	}
	for (size_t i = 0; i < difference->counting_count; i++) {
		pa_phrase_counting(&difference->countings[i], &details);
		pa_buffer_putc(&details, '\n');
	}
	pa_phrase_not_compared(difference, &details);
	add_case(junit, "limits count the same packets", outcome, "limits count other packets than before",
		 details.data ? details.data : "");
	pa_buffer_done(&details);
}

static void add_session_case(struct pa_junit *junit, const struct pa_session_fate *session, struct pa_junit_counts *counts,
			     bool write)
{
	struct pa_junit_outcome outcome = { .element = session && (session->lost || session->unsure) ? "failure" : NULL,
					    .type = "session" };
	if (!session)
		return;
	if (write)
		add_case(junit, "the session stays", outcome, session->lost ? "it would be lost" : "it may be lost", "");
	else
		pa_junit_count(counts, outcome);
}

static void write_body(struct pa_junit *junit, const void *context)
{
	const struct pa_difference_report *report = context;
	struct pa_junit_counts counts = { 0 };
	struct pa_junit_outcome complete = { .element = report->complete ? NULL : "error", .type = "incomplete" };
	struct pa_buffer reasons = { 0 }, notes = { 0 };
	pa_junit_sentences(report->incomplete, report->incomplete_count, &reasons);
	pa_junit_sentences(report->difference->notes, report->difference->sentence_count, &notes);
	pa_junit_count(&counts, complete);
	add_change_cases(junit, report, &counts, false);
	add_replies_case(junit, report->difference, &counts, false);
	add_counting_case(junit, report, &counts, false);
	add_session_case(junit, report->session, &counts, false);
	pa_junit_open_suite(junit, "diff", &counts, report->seconds);
	add_case(junit, "the comparison is complete", complete, report->incomplete_count ? report->incomplete[0] : "",
		 reasons.data ? reasons.data : "");
	add_change_cases(junit, report, &counts, true);
	add_replies_case(junit, report->difference, &counts, true);
	add_counting_case(junit, report, &counts, true);
	add_session_case(junit, report->session, &counts, true);
	pa_junit_close_suite(junit, notes.data ? notes.data : "");
	pa_buffer_done(&reasons);
	pa_buffer_done(&notes);
}

static bool write_junit(const struct pa_difference_report *difference, bool extended, struct pa_buffer *out)
{
	/* what the suites say of the run; the findings are those of the difference */
	const struct pa_report report = { .command = "diff",
					  .host = difference->host,
					  .now = difference->now,
					  .ruleset = difference->rulesets[1],
					  .policy = difference->policy,
					  .complete = difference->complete };
	struct pa_junit junit = { .report = &report, .extended = extended };
	return pa_junit_document(&junit, write_body, difference, out);
}

bool pa_difference_junit(const struct pa_difference_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	(void)style;
	return write_junit(report, false, out);
}

bool pa_difference_junit_ext(const struct pa_difference_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	(void)style;
	return write_junit(report, true, out);
}
