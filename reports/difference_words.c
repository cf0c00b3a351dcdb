/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A change of a ruleset in words, for every report that tells of one. */
#include "difference_words.h"

#include "format.h"
#include "lines.h"
#include "phrase.h"

#define RULE_COLUMNS 160

/* --- words that programs read ---------------------------------------------------------------------------------------- */

const char *pa_change_kind_word(enum pa_delta_kind kind)
{
	switch (kind) {
	case PA_DELTA_OPENS:
		return "opens";
	case PA_DELTA_CLOSES:
		return "closes";
	case PA_DELTA_CONDITION:
		return "condition";
	case PA_DELTA_FATE:
		return "changes";
	case PA_DELTA_ANSWER:
		return "answer";
	}
	return NULL;
}

const char *pa_presence_word(enum pa_presence presence)
{
	switch (presence) {
	case PA_NEVER:
		return "never";
	case PA_SOMETIMES:
		return "possible";
	case PA_ALWAYS:
		return "certain";
	}
	return NULL;
}

const char *pa_change_verdict_word(enum pa_change_verdict verdict)
{
	switch (verdict) {
	case PA_CHANGE_UNJUDGED:
		return NULL;
	case PA_CHANGE_FITS:
		return "fits";
	case PA_CHANGE_UNDECLARED:
		return "not-allowed";
	case PA_CHANGE_DENIED:
		return "denied";
	case PA_CHANGE_REQUIRED:
		return "required";
	case PA_CHANGE_NOT_ASSESSED:
		return "not-assessed";
	}
	return NULL;
}

const char *pa_decision_word(enum pa_fate fate)
{
	switch (fate) {
	case PA_FATE_ACCEPT:
		return "accept";
	case PA_FATE_DROP:
		return "drop";
	case PA_FATE_REJECT:
		return "reject";
	case PA_FATE_DEPENDS:
		return "depends";
	}
	return NULL;
}

/* --- sentences ----------------------------------------------------------------------------------------------------- */

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

void pa_phrase_change_kind(const struct pa_change *change, struct pa_buffer *out)
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

void pa_phrase_decision(const struct pa_decision *decision, struct pa_buffer *out)
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
			pa_phrase_decision(decision, out);
		else
			pa_buffer_puts(out, "refused");
		return;
	case PA_ALWAYS:
		if (decision->fate == PA_FATE_ACCEPT)
			pa_phrase_decision(decision, out);
		else
			pa_buffer_puts(out, "accepted");
	}
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

void pa_phrase_change_verdict(const struct pa_change *change, struct pa_buffer *out)
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

void pa_phrase_change_before(const struct pa_change *change, struct pa_buffer *out)
{
	if (change->has_old_target && change->kind == PA_DELTA_FATE) {
		pa_buffer_puts(out, "sent to ");
		pa_phrase_target(&change->old_target, out);
		pa_buffer_puts(out, "; ");
	}
	put_side(&change->old, change->before, change->condition_before, out);
}

void pa_phrase_change_now(const struct pa_change *change, struct pa_buffer *out)
{
	put_side(&change->new, change->after, change->condition_after, out);
}

void pa_phrase_change_regions(const struct pa_change *change, size_t most, struct pa_buffer *out)
{
	struct pa_arena *arena = pa_arena_new();
	struct pa_region *lines;
	size_t count = pa_lines_make(arena, change->rows, change->row_count, &lines);
	for (size_t i = 0; i < count && i < most; i++) {
		pa_buffer_puts(out, i ? "; " : "");
		pa_phrase_region(arena, &lines[i], 8, out);
	}
	if (count > most)
		pa_buffer_printf(out, "; and %zu more", count - most);
	pa_arena_free(arena);
}

/* --- all of it ------------------------------------------------------------------------------------------------------ */

static void put_sources(const struct pa_ruleset *ruleset, struct pa_buffer *out)
{
	for (size_t i = 0; i < ruleset->source_count; i++) {
		pa_buffer_puts(out, i ? ", " : "");
		pa_text_escape(ruleset->sources[i], out);
	}
}

static void put_count(size_t count, const char *word, size_t *total, struct pa_buffer *out)
{
	if (count)
		pa_buffer_printf(out, "%s%zu %s", *total ? ", " : ": ", count, word);
	*total += count;
}

void pa_phrase_difference(const struct pa_difference_report *report, struct pa_buffer *out)
{
	const struct pa_difference *difference = report->difference;
	size_t counts[PA_DELTA_ANSWER + 1] = { 0 }, total = 0;
	for (size_t i = 0; i < difference->change_count; i++)
		counts[difference->changes[i].kind]++;
	put_sources(report->rulesets[0], out);
	pa_buffer_puts(out, " -> ");
	put_sources(report->rulesets[1], out);
	if (pa_difference_is_same(difference))
		pa_buffer_puts(out, report->complete ? ": same meaning: every packet fares the same"
						     : ": no difference in what was read");
	put_count(counts[PA_DELTA_OPENS], "opens", &total, out);
	put_count(counts[PA_DELTA_CLOSES], "closes", &total, out);
	put_count(counts[PA_DELTA_CONDITION] + counts[PA_DELTA_FATE], "changes otherwise", &total, out);
	if (difference->lost_reply_count)
		pa_buffer_puts(out, ", also replies of connections that are let in as before");
	put_count(difference->counting_count,
		  difference->counting_count == 1 ? "limit counts otherwise" : "limits count otherwise", &total, out);
	if (!report->policy || !total)
		return;
	if (difference->violation_count)
		pa_buffer_printf(out, "; %zu against the policy", difference->violation_count);
	else
		pa_buffer_puts(out, "; all of it fits the policy");
}

void pa_phrase_counting(const struct pa_counting *counting, struct pa_buffer *out)
{
	const struct pa_rule *rule = counting->rule[1];
	pa_buffer_putc(out, '`');
	pa_text_escape(counting->text, out);
	pa_buffer_puts(out, "` (");
	pa_phrase_place(rule, out);
	pa_buffer_puts(out, counting->more && counting->less ? ") counts other packets than before"
			    : counting->more		     ? ") counts more packets than before"
							     : ") counts fewer packets than before");
	pa_buffer_printf(out, ", so that it is exceeded at other times; %s ", counting->more ? "newly" : "no longer");
	pa_phrase_packet(&counting->example, out);
}

void pa_phrase_lost_reply(const struct pa_lost_reply *lost, struct pa_buffer *out)
{
	static const char *const whose[] = { [PA_PATH_IN] = "that get in",
					     [PA_PATH_FORWARD] = "that are forwarded",
					     [PA_PATH_OUT] = "that this host opens" },
				 *const fate[] = { [PA_PATH_IN] = "no longer leave this host",
						   [PA_PATH_FORWARD] = "are no longer let through",
						   [PA_PATH_OUT] = "no longer get in" };
	pa_buffer_printf(out, "replies to connections %s (IPv%d) %s", whose[lost->opening.path], lost->opening.family,
			 fate[lost->opening.path]);
}

void pa_phrase_not_compared(const struct pa_difference *difference, struct pa_buffer *out)
{
	if (difference->not_compared)
		pa_buffer_printf(out, "of %zu more limits it was not worked out whether they count the same packets as before",
				 difference->not_compared);
}

/* --- the session ----------------------------------------------------------------------------------------------------------- */

void pa_phrase_session(const struct pa_session_fate *session, struct pa_buffer *out)
{
	pa_buffer_puts(out, session->lost     ? "this session would be LOST"
			    : session->unsure ? "this session may be lost"
					      : "this session stays");
}

void pa_phrase_session_packet(const struct pa_session_fate *session, unsigned packet, struct pa_buffer *out)
{
	static const char *const names[] = { "a new connection", "packets of the flow", "its replies" };
	pa_buffer_printf(out, "%s: ", names[packet]);
	pa_phrase_decision(&session->decision[packet], out);
}

/* --- places ------------------------------------------------------------------------------------------------------------ */

static const struct pa_location *decided_at(const struct pa_decision *decision)
{
	const struct pa_location *where = decision->rule    ? &decision->rule->where
					  : decision->chain ? &decision->chain->where
							    : NULL;
	return where && where->file && where->line ? where : NULL;
}

const struct pa_location *pa_session_place(const struct pa_session_fate *session)
{
	for (unsigned i = 0; i < PA_SESSION_PACKETS; i++)
		if (session->decision[i].fate != PA_FATE_ACCEPT && decided_at(&session->decision[i]))
			return decided_at(&session->decision[i]);
	return NULL;
}

const struct pa_location *pa_lost_reply_place(const struct pa_lost_reply *lost)
{
	const struct pa_location *now = decided_at(&lost->new);
	return now ? now : decided_at(&lost->old);
}

const struct pa_location *pa_change_place(const struct pa_change *change)
{
	const struct pa_location *now = decided_at(&change->new);
	return now ? now : decided_at(&change->old);
}
