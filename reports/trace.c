/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trace: packets with an expectation as tests, for people and for CI. */
#include <string.h>

#include "format.h"
#include "junit_parts.h"

/* The last verdict is the one that counts; several rules may decide what depends on more than the packet. */
static void find_decision(const struct pa_walk *walk, struct pa_trace_case *made)
{
	for (size_t i = 0; i < walk->step_count; i++) {
		const struct pa_walk_step *step = &walk->steps[i];
		bool final = step->verdict == PA_VERDICT_ACCEPT || step->verdict == PA_VERDICT_DROP ||
			     step->verdict == PA_VERDICT_REJECT;
		bool refuses = step->verdict == PA_VERDICT_DROP || step->verdict == PA_VERDICT_REJECT;
		if (!step->chain || !final || step->chain->type == PA_CHAIN_NAT)
			continue;
		if (step->outcome == PA_WALK_MATCHED) {
			made->rule = step->rule;
			made->chain = step->chain;
		} else if (step->outcome == PA_WALK_POLICY && (refuses || !made->chain)) {
			made->rule = NULL;
			made->chain = step->chain;
		}
	}
}

struct pa_trace_case pa_trace_case_make(const struct pa_walk *walk, struct pa_arena *arena)
{
	struct pa_trace_case made = { .fate = pa_fate_word(walk) };
	if (walk->fate == PA_FATE_DEPENDS)
		made.condition = pa_arena_strdup(arena, walk->condition ? walk->condition : "not known");
	else
		find_decision(walk, &made);
	return made;
}

/* The id without its quotes, safe for a terminal; packets without one are named by their line. */
static void print_id(const struct pa_trace_case *traced, struct pa_buffer *out)
{
	const char *id = traced->id_json;
	if (!id || strcmp(id, "null") == 0) {
		pa_buffer_printf(out, "line %u", traced->where.line);
		return;
	}
	struct pa_buffer bare = { 0 };
	size_t length = strlen(id);
	bool quoted = length >= 2 && id[0] == '"' && id[length - 1] == '"';
	pa_buffer_add(&bare, quoted ? id + 1 : id, quoted ? length - 2 : length);
	pa_buffer_putc(&bare, '\0');
	pa_text_escape(bare.data, out);
	pa_buffer_done(&bare);
}

static void print_decision(const struct pa_trace_case *traced, struct pa_buffer *out)
{
	if (traced->condition) {
		pa_buffer_puts(out, " (");
		pa_text_escape(traced->condition, out);
		pa_buffer_putc(out, ')');
	} else if (traced->rule) {
		pa_buffer_puts(out, " by ");
		pa_text_rule(traced->rule, 0, out);
	} else if (traced->chain) {
		pa_buffer_printf(out, " by the policy of chain %s ", pa_family_name(traced->chain->table->family));
		pa_text_escape(traced->chain->table->name, out);
		pa_buffer_putc(out, ' ');
		pa_text_escape(traced->chain->name, out);
	}
}

static void print_name(const struct pa_trace_case *traced, struct pa_buffer *out)
{
	print_id(traced, out);
	pa_buffer_puts(out, ": ");
	pa_phrase_packet(traced->packet, out);
}

/* "expected drop, got in-accept by fw.nft:12: tcp dport 22 accept" */
static void print_difference(const struct pa_trace_case *traced, struct pa_buffer *out)
{
	pa_buffer_printf(out, "expected %s, got %s", traced->expect_text ? traced->expect_text : "-", traced->fate);
	print_decision(traced, out);
}

/* --- TAP ------------------------------------------------------------------------------------------------------------ */
/* In a description a # begins a directive, and a backslash escapes it (TAP 14). */
static void print_description(const char *text, struct pa_buffer *out)
{
	for (; *text; text++) {
		if (*text == '#' || *text == '\\')
			pa_buffer_putc(out, '\\');
		pa_buffer_putc(out, *text);
	}
}

static void print_test(const struct pa_trace_case *traced, size_t number, struct pa_buffer *out)
{
	struct pa_buffer text = { 0 };
	print_name(traced, &text);
	if (traced->has_expect && !traced->met) {
		pa_buffer_putc(&text, ' ');
		print_difference(traced, &text);
	} else {
		pa_buffer_printf(&text, " is %s", traced->fate);
	}
	pa_buffer_printf(out, "%s %zu - ", traced->has_expect && !traced->met ? "not ok" : "ok", number);
	print_description(text.data, out);
	pa_buffer_puts(out, traced->has_expect ? "\n" : " # SKIP nothing is expected\n");
	pa_buffer_done(&text);
}

void pa_report_trace_text(const struct pa_trace_case *cases, size_t count, struct pa_buffer *out)
{
	size_t tests = 0, met = 0;
	pa_buffer_printf(out, "TAP version 14\n1..%zu\n", count);
	for (size_t i = 0; i < count; i++) {
		print_test(&cases[i], i + 1, out);
		tests += cases[i].has_expect;
		met += cases[i].has_expect && cases[i].met;
	}
	pa_buffer_printf(out, "# %zu of %zu packets fared as expected", met, tests);
	if (tests < count)
		pa_buffer_printf(out, "; nothing is expected of %zu", count - tests);
	pa_buffer_putc(out, '\n');
}

/* --- JUnit ---------------------------------------------------------------------------------------------------------- */
struct trace {
	const struct pa_trace_case *cases;
	size_t count;
};

static struct pa_junit_outcome outcome_of(const struct pa_trace_case *traced)
{
	if (!traced->has_expect)
		return (struct pa_junit_outcome){ .element = "skipped" };
	return (struct pa_junit_outcome){ .element = traced->met ? NULL : "failure", .type = "packet" };
}

/* Two packets may have one id: the line tells them apart, so that no test replaces another one. */
static bool is_second(const struct trace *trace, size_t index)
{
	const char *id = trace->cases[index].id_json;
	for (size_t i = 0; id && i < index; i++)
		if (pa_text_equal(trace->cases[i].id_json, id))
			return true;
	return false;
}

static void add_packet(struct pa_junit *junit, const struct trace *trace, size_t index)
{
	const struct pa_trace_case *traced = &trace->cases[index];
	struct pa_buffer name = { 0 }, safe = { 0 }, message = { 0 }, details = { 0 };
	print_name(traced, &name);
	if (is_second(trace, index))
		pa_buffer_printf(&name, " (line %u)", traced->where.line);
	pa_junit_name(name.data, &safe);
	if (traced->has_expect)
		print_difference(traced, &message);
	else
		pa_buffer_printf(&message, "nothing is expected; it is %s", traced->fate);
	pa_buffer_printf(&details, "%s:%u: ", traced->where.file ? traced->where.file : "-", traced->where.line);
	pa_buffer_add(&details, message.data, message.length);
	pa_buffer_putc(&details, '\0');
	const struct pa_junit_case testcase = { .suite = "packets",
						.name = safe.data,
						.outcome = outcome_of(traced),
						.message = message.data,
						.details = details.data };
	pa_junit_add(junit, &testcase);
	pa_buffer_done(&name);
	pa_buffer_done(&safe);
	pa_buffer_done(&message);
	pa_buffer_done(&details);
}

static void add_completeness(struct pa_junit *junit, struct pa_junit_outcome outcome)
{
	const struct pa_report *report = junit->report;
	const struct pa_junit_case testcase = { .suite = "packets",
						.name = "the ruleset was read completely",
						.outcome = outcome,
						.message = report->incomplete_count ? report->incomplete[0] : "not complete",
						.details = "" };
	pa_junit_add(junit, &testcase);
}

static void write_body(struct pa_junit *junit, const void *context)
{
	const struct trace *trace = context;
	struct pa_junit_outcome complete = { .element = junit->report->complete ? NULL : "error", .type = "incomplete" };
	struct pa_junit_counts counts = { 0 };
	pa_junit_count(&counts, complete);
	for (size_t i = 0; i < trace->count; i++)
		pa_junit_count(&counts, outcome_of(&trace->cases[i]));
	pa_junit_open_suite(junit, "packets", &counts, junit->report->seconds);
	add_completeness(junit, complete);
	for (size_t i = 0; i < trace->count; i++)
		add_packet(junit, trace, i);
	pa_junit_close_suite(junit, "");
}

bool pa_report_trace_junit(const struct pa_trace_case *cases, size_t count, const struct pa_report *report,
			   struct pa_buffer *out)
{
	struct pa_junit junit = { .report = report };
	const struct trace trace = { .cases = cases, .count = count };
	return pa_junit_document(&junit, write_body, &trace, out);
}
