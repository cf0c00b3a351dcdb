/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The difference of two rulesets for people: like a review, + what opens, - what closes, ~ what is otherwise changed. */
#include <stdio.h>
#include <string.h>

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

static const char *packets_of(enum pa_scenario scenario)
{
	switch (scenario) {
	case PA_SCENARIO_NEW:
		return "new connections";
	case PA_SCENARIO_REPLY:
		return "replies";
	case PA_SCENARIO_RELATED:
		return "related packets";
	case PA_SCENARIO_INVALID:
		return "invalid packets";
	case PA_SCENARIO_UNTRACKED:
		return "untracked packets";
	case PA_SCENARIO_ESTABLISHED:
		return "packets of established connections";
	}
	return NULL;
}

static void put_fields(pa_u128 fields, struct pa_buffer *out)
{
	const char *before = "";
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		if (!(fields >> f & 1))
			continue;
		pa_buffer_printf(out, "%s%s", before, pa_field_info((enum pa_field)f)->name);
		before = ", ";
	}
}

void pa_text_change_kind(const struct pa_change *change, struct pa_buffer *out)
{
	static const char *const places[] = { [PA_PATH_IN] = "in", [PA_PATH_FORWARD] = "through", [PA_PATH_OUT] = "out" };
	switch (change->kind) {
	case PA_DELTA_OPENS:
		pa_buffer_puts(out, change->before == PA_NEVER ? "opens" : "opens for sure");
		break;
	case PA_DELTA_CLOSES:
		pa_buffer_puts(out, change->after == PA_NEVER ? "closes" : "closes in part");
		break;
	case PA_DELTA_CONDITION:
		pa_buffer_puts(out, "gets in on another condition");
		break;
	case PA_DELTA_FATE:
		pa_buffer_puts(out, "leaves otherwise (");
		put_fields(change->fields, out);
		pa_buffer_putc(out, ')');
		break;
	case PA_DELTA_ANSWER:
		pa_buffer_puts(out, change->new.fate == PA_FATE_REJECT ? "is now refused with an answer (reject), not silently"
								       : "is now refused silently (drop), without an answer");
		break;
	}
	if (change->kind == PA_DELTA_OPENS && change->after == PA_SOMETIMES)
		pa_buffer_puts(out, " on a condition");
	pa_buffer_printf(out, ", %s: %s", places[change->path], packets_of(change->scenario));
	unsigned also = change->also;
	for (enum pa_scenario s = 0; s < PA_SCENARIOS; s++) {
		if (!(also >> s & 1))
			continue;
		also &= ~(1u << s);
		pa_buffer_printf(out, "%s %s", also ? "," : " and", packets_of(s));
	}
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

static void put_chain(const struct pa_chain *chain, struct pa_buffer *out)
{
	pa_buffer_printf(out, "the policy of %s ", pa_family_name(chain->table->family));
	pa_text_escape(chain->table->name, out);
	pa_buffer_putc(out, ' ');
	pa_text_escape(chain->name, out);
	if (chain->where.file && chain->where.line) {
		pa_buffer_puts(out, " (");
		pa_text_escape(chain->where.file, out);
		pa_buffer_printf(out, ":%u)", chain->where.line);
	}
}

static void put_decision(const struct pa_decision *decision, struct pa_buffer *out)
{
	static const char *const fates[] = { [PA_FATE_ACCEPT] = "accepted",
					     [PA_FATE_DROP] = "dropped",
					     [PA_FATE_REJECT] = "rejected",
					     [PA_FATE_DEPENDS] = "undecided" };
	pa_buffer_puts(out, fates[decision->fate]);
	if (decision->condition) {
		pa_buffer_puts(out, ": ");
		pa_text_escape(decision->condition, out);
		return;
	}
	if (decision->rule) {
		pa_buffer_puts(out, " by ");
		pa_text_rule(decision->rule, RULE_COLUMNS, out);
	} else if (decision->chain) {
		pa_buffer_puts(out, " by ");
		put_chain(decision->chain, out);
	} else {
		pa_buffer_puts(out, decision->fate == PA_FATE_ACCEPT ? ": no rule refuses it" : "");
	}
}

/* What the sets say decides; the walk of the example names the rule. */
static void put_side(const struct pa_decision *decision, enum pa_presence presence, const char *condition,
		     struct pa_buffer *out)
{
	bool refused = decision->fate == PA_FATE_DROP || decision->fate == PA_FATE_REJECT;
	switch (presence) {
	case PA_SOMETIMES:
		pa_buffer_puts(out, "possible: ");
		pa_text_escape(condition ? condition : "it depends on what is not known", out);
		return;
	case PA_NEVER:
		if (refused)
			put_decision(decision, out);
		else
			pa_buffer_puts(out, "refused");
		return;
	case PA_ALWAYS:
		if (decision->fate == PA_FATE_ACCEPT)
			put_decision(decision, out);
		else
			pa_buffer_puts(out, "accepted");
	}
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

static void put_statement(const struct pa_statement *statement, struct pa_buffer *out)
{
	if (!statement)
		return;
	pa_buffer_puts(out, ": ");
	if (statement->where.file) {
		pa_text_escape(statement->where.file, out);
		pa_buffer_printf(out, ":%u: ", statement->where.line);
	}
	pa_text_escape(statement->text, out);
}

static void put_verdict(const struct pa_change *change, struct pa_buffer *out)
{
	switch (change->verdict) {
	case PA_CHANGE_UNJUDGED:
		return;
	case PA_CHANGE_FITS:
		if (!change->statement)
			return;
		pa_buffer_puts(out, "allowed");
		break;
	case PA_CHANGE_UNDECLARED:
		pa_buffer_puts(out, "NOT ALLOWED: no `allow` covers it");
		break;
	case PA_CHANGE_DENIED:
		pa_buffer_puts(out, "DENIED");
		break;
	case PA_CHANGE_REQUIRED:
		pa_buffer_puts(out, "REQUIRED");
		break;
	case PA_CHANGE_NOT_ASSESSED:
		pa_buffer_puts(out, "NOT ASSESSED: the addresses of the host (`self`) are not known; give them with --self");
		break;
	}
	put_statement(change->statement, out);
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
	pa_text_change_kind(change, &text);
	part(p, "what", &text);
	put_verdict(change, &text);
	part(p, "policy", &text);
	if (change->has_old_target && change->kind == PA_DELTA_FATE) {
		pa_buffer_puts(&text, "sent to ");
		pa_phrase_target(&change->old_target, &text);
		pa_buffer_puts(&text, "; ");
	}
	put_side(&change->old, change->before, change->condition_before, &text);
	part(p, "before", &text);
	if (change->kind == PA_DELTA_CLOSES)
		print_rules(p, "rules", change, &text);
	put_side(&change->new, change->after, change->condition_after, &text);
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

static void put_sources(const struct pa_ruleset *ruleset, struct pa_buffer *out)
{
	for (size_t i = 0; i < ruleset->source_count; i++) {
		pa_buffer_puts(out, i ? ", " : "");
		pa_text_escape(ruleset->sources[i], out);
	}
}

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

static void put_count(size_t count, const char *word, size_t *total, struct pa_buffer *out)
{
	if (count)
		pa_buffer_printf(out, "%s%zu %s", *total ? ", " : ": ", count, word);
	*total += count;
}

static void print_headline(const struct printer *p, const struct pa_difference_report *report)
{
	const struct pa_difference *difference = report->difference;
	struct pa_buffer text = { 0 };
	size_t counts[PA_DELTA_ANSWER + 1] = { 0 }, total = 0;
	for (size_t i = 0; i < difference->change_count; i++)
		counts[difference->changes[i].kind]++;
	put_sources(report->rulesets[0], &text);
	pa_buffer_puts(&text, " -> ");
	put_sources(report->rulesets[1], &text);
	if (pa_difference_is_same(difference))
		pa_buffer_puts(&text, report->complete ? ": same meaning: every packet fares the same"
						       : ": no difference in what was read");
	put_count(counts[PA_DELTA_OPENS], "opens", &total, &text);
	put_count(counts[PA_DELTA_CLOSES], "closes", &total, &text);
	put_count(counts[PA_DELTA_CONDITION] + counts[PA_DELTA_FATE], "changes otherwise", &total, &text);
	if (report->policy && total) {
		pa_buffer_puts(&text, "; ");
		if (difference->violation_count)
			pa_buffer_printf(&text, "%zu against the policy", difference->violation_count);
		else
			pa_buffer_puts(&text, "all of it fits the policy");
	}
	enum pa_paint paint = pa_difference_is_same(difference) && report->complete ? PA_PAINT_GOOD : PA_PAINT_STRONG;
	pa_paragraph(p->style, paint, "", text.data, p->out);
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
	pa_buffer_done(&text);
}

static void print_session(const struct printer *p, const struct pa_session_fate *session)
{
	static const char *const names[] = { "a new connection", "packets of the flow", "its replies" };
	struct pa_buffer text = { 0 };
	if (!session)
		return;
	pa_buffer_puts(&text, session->lost	? "this session would be LOST"
			      : session->unsure ? "this session may be lost"
						: "this session stays");
	pa_painted_text(p->style,
			session->lost	  ? PA_PAINT_CRITICAL
			: session->unsure ? PA_PAINT_WARN
					  : PA_PAINT_GOOD,
			text.data, p->out);
	pa_buffer_putc(p->out, '\n');
	pa_buffer_clear(&text);
	for (unsigned i = 0; (session->lost || session->unsure || p->style->verbose) && i < PA_SESSION_PACKETS; i++) {
		pa_buffer_printf(&text, "%s: ", names[i]);
		put_decision(&session->decision[i], &text);
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
	if (report->difference->change_count || report->session)
		pa_buffer_putc(out, '\n');
	print_session(&p, report->session);
	for (size_t i = 0; i < report->difference->change_count; i++) {
		bool violates = report->difference->changes[i].verdict >= PA_CHANGE_UNDECLARED;
		if (!style->quiet || !report->policy || violates)
			print_change(&p, &report->difference->changes[i]);
	}
	print_notes(&p, report->difference);
	pa_arena_free(p.arena);
	return true;
}
