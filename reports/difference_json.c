/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The JSON document of `diff`. Its schema, with a description of each part, is doc/portaudit-diff-1.json. */
#include "difference_words.h"
#include "format.h"
#include "json_parts.h"

static void add_sources(struct pa_json *json, const char *key, const struct pa_ruleset *ruleset)
{
	pa_json_open(json, key, '[');
	for (size_t i = 0; i < ruleset->source_count; i++)
		pa_json_string(json, NULL, ruleset->sources[i]);
	pa_json_close(json, ']');
}

static void add_sentences(struct pa_json *json, const char *key, const char *const *sentences, size_t count)
{
	pa_json_open(json, key, '[');
	for (size_t i = 0; i < count; i++)
		pa_json_string(json, NULL, sentences[i]);
	pa_json_close(json, ']');
}

static void add_decision(struct pa_json *json, const char *key, const struct pa_decision *decision)
{
	pa_json_open(json, key, '{');
	pa_json_string(json, "fate", pa_decision_word(decision->fate));
	pa_json_string(json, "condition", decision->condition);
	if (decision->rule)
		pa_json_rule(json, "rule", decision->rule);
	else
		pa_json_null(json, "rule");
	if (!decision->rule && decision->chain) {
		pa_json_open(json, "policy_of", '{');
		pa_json_place(json, decision->chain, NULL);
		pa_json_close(json, '}');
	} else {
		pa_json_null(json, "policy_of");
	}
	pa_json_close(json, '}');
}

static void add_old_target(struct pa_json *json, const struct pa_change *change)
{
	const struct pa_target *target = &change->old_target;
	char text[PA_ADDRESS_RANGE_TEXT_MAX] = "self";
	if (!change->has_old_target) {
		pa_json_null(json, "to_before");
		return;
	}
	pa_json_open(json, "to_before", '{');
	if (!target->to_self && target->has_address)
		pa_address_range_format(target->address, target->family, text);
	pa_json_string(json, "addr", target->to_self || target->has_address ? text : NULL);
	if (target->has_port)
		pa_json_port(json, "port", target->port);
	else
		pa_json_null(json, "port");
	pa_json_close(json, '}');
}

static void add_policy(struct pa_json *json, const struct pa_change *change)
{
	if (change->verdict == PA_CHANGE_UNJUDGED) {
		pa_json_null(json, "policy");
		return;
	}
	pa_json_open(json, "policy", '{');
	pa_json_string(json, "verdict", pa_change_verdict_word(change->verdict));
	pa_json_string(json, "file", change->statement ? change->statement->where.file : NULL);
	if (change->statement)
		pa_json_number(json, "line", change->statement->where.line);
	else
		pa_json_null(json, "line");
	pa_json_string(json, "statement", change->statement ? change->statement->text : NULL);
	pa_json_close(json, '}');
}

static void add_names(struct pa_json *json, const struct pa_change *change)
{
	pa_json_open(json, "also", '[');
	for (enum pa_scenario s = 0; s < PA_SCENARIOS; s++)
		if (change->also >> s & 1)
			pa_json_string(json, NULL, pa_scenario_name(s));
	pa_json_close(json, ']');
	pa_json_open(json, "fields", '[');
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++)
		if (change->fields >> f & 1)
			pa_json_string(json, NULL, pa_field_info((enum pa_field)f)->name);
	pa_json_close(json, ']');
}

static void add_change(struct pa_json *json, const struct pa_change *change)
{
	pa_json_line(json);
	pa_json_open(json, NULL, '{');
	pa_json_string(json, "kind", pa_change_kind_word(change->kind));
	pa_json_string(json, "fingerprint", change->fingerprint);
	pa_json_string(json, "severity", pa_severity_name(change->severity));
	pa_json_string(json, "path", pa_path_name(change->path));
	pa_json_string(json, "packets", pa_scenario_name(change->scenario));
	add_names(json, change);
	pa_json_string(json, "before", pa_presence_word(change->before));
	pa_json_string(json, "condition_before", change->condition_before);
	pa_json_string(json, "after", pa_presence_word(change->after));
	pa_json_string(json, "condition_after", change->condition_after);
	add_old_target(json, change);
	add_policy(json, change);
	add_decision(json, "old", &change->old);
	add_decision(json, "new", &change->new);
	pa_json_packet(json, "packet", &change->example);
	pa_json_exposures(json, change->rows, change->row_count);
	pa_json_close(json, '}');
}

static void add_session(struct pa_json *json, const struct pa_session_fate *session)
{
	static const char *const names[] = { "new", "established", "reply" };
	if (!session) {
		pa_json_null(json, "session");
		return;
	}
	pa_json_open(json, "session", '{');
	pa_json_string(json, "fate", session->lost ? "lost" : session->unsure ? "unsure" : "stays");
	for (unsigned i = 0; i < PA_SESSION_PACKETS; i++)
		add_decision(json, names[i], &session->decision[i]);
	pa_json_close(json, '}');
}

static void add_lost_replies(struct pa_json *json, const struct pa_difference *difference)
{
	pa_json_open(json, "lost_replies", '[');
	for (size_t i = 0; i < difference->lost_reply_count; i++) {
		const struct pa_lost_reply *lost = &difference->lost_replies[i];
		pa_json_line(json);
		pa_json_open(json, NULL, '{');
		pa_json_string(json, "path", pa_path_name(lost->opening.path));
		pa_json_packet(json, "opening", &lost->opening);
		pa_json_packet(json, "reply", &lost->reply);
		add_decision(json, "old", &lost->old);
		add_decision(json, "new", &lost->new);
		pa_json_close(json, '}');
	}
	pa_json_close(json, ']');
}

/* Limits to which other packets come. */
static void add_countings(struct pa_json *json, const struct pa_difference *difference)
{
	pa_json_number(json, "counting_not_compared", difference->not_compared);
	pa_json_open(json, "counting", '[');
	for (size_t i = 0; i < difference->counting_count; i++) {
		const struct pa_counting *counting = &difference->countings[i];
		pa_json_line(json);
		pa_json_open(json, NULL, '{');
		pa_json_string(json, "text", counting->text);
		pa_json_rule(json, "old", counting->rule[0]);
		pa_json_rule(json, "new", counting->rule[1]);
		pa_json_bool(json, "more", counting->more);
		pa_json_bool(json, "less", counting->less);
		pa_json_packet(json, "packet", &counting->example);
		pa_json_close(json, '}');
	}
	pa_json_close(json, ']');
}

bool pa_difference_json(const struct pa_difference_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	(void)style;
	struct pa_json json = { .out = out };
	const struct pa_difference *difference = report->difference;
	pa_json_open(&json, NULL, '{');
	pa_json_string(&json, "schema", "portaudit-diff/1");
	pa_json_string(&json, "host", report->host);
	add_sources(&json, "old", report->rulesets[0]);
	add_sources(&json, "new", report->rulesets[1]);
	pa_json_bool(&json, "complete", report->complete);
	add_sentences(&json, "incomplete", report->incomplete, report->incomplete_count);
	pa_json_bool(&json, "same", pa_difference_is_same(difference));
	pa_json_number(&json, "violations", difference->violation_count);
	add_session(&json, report->session);
	add_sentences(&json, "notes", difference->notes, difference->sentence_count);
	add_lost_replies(&json, difference);
	pa_json_line(&json);
	add_countings(&json, difference);
	pa_json_line(&json);
	pa_json_open(&json, "changes", '[');
	for (size_t i = 0; i < difference->change_count; i++)
		add_change(&json, &difference->changes[i]);
	pa_json_close(&json, ']');
	pa_json_close(&json, '}');
	pa_buffer_putc(out, '\n');
	return true;
}
