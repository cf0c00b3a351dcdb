/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A change as SARIF 2.1.0: a result for each part of it. Its place is what decides in NEW, which is the file under review; what
 * decided in OLD is a related place, and so is the statement of the policy.
 */
#include "difference_words.h"
#include "format.h"
#include "sarif_parts.h"

enum { KIND_SESSION = PA_DELTA_ANSWER + 1, KIND_COUNTING, KIND_REPLIES, KIND_COUNT };

static struct pa_sarif_kind kind_of(size_t index)
{
	static const struct pa_sarif_kind kinds[KIND_COUNT] = {
		[PA_DELTA_OPENS] = { "diff/opens", "the new ruleset lets in what the old one did not",
				     "What a change opens should be what it is meant to open.", PA_SEVERITY_MEDIUM },
		[PA_DELTA_CLOSES] = { "diff/closes", "the new ruleset refuses what the old one let in",
				      "Whoever uses it loses it when the change is loaded.", PA_SEVERITY_MEDIUM },
		[PA_DELTA_CONDITION] = { "diff/condition", "packets get in on another condition than before",
					 "A limit, a set that packets fill or something else that headers do not decide is another one.",
					 PA_SEVERITY_MEDIUM },
		[PA_DELTA_FATE] = { "diff/changes", "packets are sent elsewhere, or leave with another header or mark",
				    "Translations and marks decide where a packet ends and what other rules make of it.",
				    PA_SEVERITY_MEDIUM },
		[PA_DELTA_ANSWER] = { "diff/answer", "packets are refused as before, but the sender is told, or no longer",
				      "Reject answers and drop is silent: clients notice, reach is the same.",
				      PA_SEVERITY_INFO },
		[KIND_SESSION] = { "diff/session", "the administrator's own connection does not survive the new ruleset",
				   "Whoever loads it may be locked out.", PA_SEVERITY_CRITICAL },
		[KIND_COUNTING] = { "diff/counting", "a limit counts other packets than before",
				    "It is exceeded at other times, for the same packets.", PA_SEVERITY_MEDIUM },
		[KIND_REPLIES] = { "diff/replies", "connections are let in as before, and their replies are refused",
				   "Connections that are never answered do not work.", PA_SEVERITY_HIGH },
	};
	return kinds[index];
}

static void add_decision(struct pa_json *json, const struct pa_decision *decision)
{
	if (decision->rule)
		pa_sarif_rule(json, decision->rule);
	else if (decision->chain)
		pa_sarif_chain(json, decision->chain);
}

static bool is_decided(const struct pa_decision *decision)
{
	return decision->rule || decision->chain;
}

static void add_places(struct pa_json *json, const struct pa_change *change, const struct pa_ruleset *ruleset)
{
	bool now = is_decided(&change->new);
	pa_json_open(json, "locations", '[');
	if (now || is_decided(&change->old))
		add_decision(json, now ? &change->new : &change->old);
	else
		pa_sarif_source(json, ruleset);
	pa_json_close(json, ']');
	pa_json_open(json, "relatedLocations", '[');
	if (now)
		add_decision(json, &change->old);
	if (change->statement && change->statement->where.file)
		pa_sarif_statement(json, change->statement);
	pa_json_close(json, ']');
}

static void add_line(const char *label, struct pa_buffer *line, struct pa_buffer *text)
{
	if (line->length)
		pa_buffer_printf(text, ". %s: %s", label, line->data);
	pa_buffer_clear(line);
}

static void put_message(const struct pa_change *change, struct pa_buffer *text)
{
	struct pa_buffer line = { 0 };
	pa_phrase_change_regions(change, 8, text);
	pa_phrase_change_kind(change, &line);
	add_line("What", &line, text);
	pa_phrase_change_verdict(change, &line);
	add_line("Policy", &line, text);
	pa_phrase_change_before(change, &line);
	add_line("Before", &line, text);
	pa_phrase_change_now(change, &line);
	add_line("Now", &line, text);
	pa_buffer_done(&line);
}

static void add_properties(struct pa_json *json, const struct pa_change *change)
{
	struct pa_buffer text = { 0 };
	pa_phrase_packet(&change->example, &text);
	pa_json_open(json, "properties", '{');
	pa_json_string(json, "severity", pa_severity_name(change->severity));
	pa_json_string(json, "security-severity", pa_sarif_score(change->severity));
	pa_json_string(json, "before", pa_presence_word(change->before));
	pa_json_string(json, "after", pa_presence_word(change->after));
	if (change->verdict != PA_CHANGE_UNJUDGED)
		pa_json_string(json, "policy", pa_change_verdict_word(change->verdict));
	pa_json_string(json, "packet", text.data);
	pa_json_close(json, '}');
	pa_buffer_done(&text);
}

static void add_change(struct pa_json *json, const struct pa_change *change, const struct pa_ruleset *ruleset)
{
	struct pa_buffer text = { 0 };
	struct pa_sarif_kind kind = kind_of(change->kind);
	kind.severity = change->severity;
	put_message(change, &text);
	pa_sarif_open_result(json, &kind, change->kind, text.data);
	add_places(json, change, ruleset);
	pa_sarif_fingerprint(json, change->fingerprint);
	add_properties(json, change);
	pa_json_close(json, '}');
	pa_buffer_done(&text);
}

static void add_session(struct pa_json *json, const struct pa_session_fate *session, const struct pa_ruleset *ruleset)
{
	struct pa_buffer text = { 0 };
	struct pa_sarif_kind kind = kind_of(KIND_SESSION);
	const struct pa_decision *refused = NULL;
	if (!session || (!session->lost && !session->unsure))
		return;
	if (!session->lost)
		kind.severity = PA_SEVERITY_MEDIUM;
	pa_phrase_session(session, &text);
	for (unsigned i = 0; i < PA_SESSION_PACKETS; i++) {
		pa_buffer_puts(&text, ". ");
		pa_phrase_session_packet(session, i, &text);
		if (!refused && session->decision[i].fate != PA_FATE_ACCEPT && is_decided(&session->decision[i]))
			refused = &session->decision[i];
	}
	pa_sarif_open_result(json, &kind, KIND_SESSION, text.data);
	pa_json_open(json, "locations", '[');
	if (refused)
		add_decision(json, refused);
	else
		pa_sarif_source(json, ruleset);
	pa_json_close(json, ']');
	pa_sarif_fingerprint(json, "session");
	pa_json_close(json, '}');
	pa_buffer_done(&text);
}

static void add_lost_reply(struct pa_json *json, const struct pa_lost_reply *lost, const struct pa_ruleset *ruleset)
{
	struct pa_buffer text = { 0 }, print = { 0 };
	struct pa_sarif_kind kind = kind_of(KIND_REPLIES);
	pa_phrase_lost_reply(lost, &text);
	pa_buffer_puts(&text, ". Before: ");
	pa_phrase_decision(&lost->old, &text);
	pa_buffer_puts(&text, ". Now: ");
	pa_phrase_decision(&lost->new, &text);
	pa_sarif_open_result(json, &kind, KIND_REPLIES, text.data);
	pa_json_open(json, "locations", '[');
	if (is_decided(&lost->new))
		add_decision(json, &lost->new);
	else
		pa_sarif_source(json, ruleset);
	pa_json_close(json, ']');
	pa_json_open(json, "relatedLocations", '[');
	add_decision(json, &lost->old);
	pa_json_close(json, ']');
	pa_buffer_printf(&print, "replies %s %d", pa_path_name(lost->opening.path), lost->opening.family);
	pa_sarif_fingerprint(json, print.data);
	pa_buffer_clear(&print);
	pa_phrase_packet(&lost->reply, &print);
	pa_json_open(json, "properties", '{');
	pa_json_string(json, "packet", print.data);
	pa_json_close(json, '}');
	pa_json_close(json, '}');
	pa_buffer_done(&text);
	pa_buffer_done(&print);
}

static void add_counting(struct pa_json *json, const struct pa_counting *counting, const struct pa_difference_report *report,
			 size_t number)
{
	struct pa_buffer text = { 0 }, print = { 0 };
	struct pa_sarif_kind kind = kind_of(KIND_COUNTING);
	if (report->policy)
		kind.severity = PA_SEVERITY_INFO;
	pa_phrase_counting(counting, &text);
	pa_sarif_open_result(json, &kind, KIND_COUNTING, text.data);
	pa_json_open(json, "locations", '[');
	pa_sarif_rule(json, counting->rule[1]);
	pa_json_close(json, ']');
	pa_json_open(json, "relatedLocations", '[');
	pa_sarif_rule(json, counting->rule[0]);
	pa_json_close(json, ']');
	pa_buffer_printf(&print, "counting %s %zu", counting->text, number);
	pa_sarif_fingerprint(json, print.data);
	pa_json_close(json, '}');
	pa_buffer_done(&text);
	pa_buffer_done(&print);
}

bool pa_difference_sarif(const struct pa_difference_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	struct pa_json json = { .out = out };
	const struct pa_difference *difference = report->difference;
	const struct pa_sarif_run run = { .id = "portaudit/diff/",
					  .version = report->version,
					  .kind = kind_of,
					  .kind_count = KIND_COUNT,
					  .complete = report->complete,
					  .incomplete = report->incomplete,
					  .incomplete_count = report->incomplete_count };
	(void)style;
	pa_sarif_open(&json, &run);
	add_session(&json, report->session, report->rulesets[1]);
	for (size_t i = 0; i < difference->lost_reply_count; i++)
		add_lost_reply(&json, &difference->lost_replies[i], report->rulesets[1]);
	for (size_t i = 0; i < difference->change_count; i++)
		add_change(&json, &difference->changes[i], report->rulesets[1]);
	for (size_t i = 0; i < difference->counting_count; i++)
		add_counting(&json, &difference->countings[i], report, i + 1);
	pa_sarif_close(&json);
	return true;
}
