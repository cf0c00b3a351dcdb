/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The JSON document of `list` and `check`. Its order is that of the report, its schema is tests/schemas/portaudit-1.json. */
#include <stdio.h>

#include "format.h"
#include "json_parts.h"
#include "suggestion.h"

static const char *status_word(enum pa_check_status status)
{
	switch (status) {
	case PA_STATUS_PASSED:
		return "passed";
	case PA_STATUS_FAILED:
		return "failed";
	case PA_STATUS_WAIVED:
		return "waived";
	case PA_STATUS_KNOWN:
		return "known";
	case PA_STATUS_NOT_ASSESSED:
		return "not-assessed";
	case PA_STATUS_OFF:
		return "off";
	}
	return NULL;
}

static void add_sentences(struct pa_json *json, const char *key, const char *const *sentences, size_t count)
{
	pa_json_open(json, key, '[');
	for (size_t i = 0; i < count; i++)
		pa_json_string(json, NULL, sentences[i]);
	pa_json_close(json, ']');
}

static void add_statement(struct pa_json *json, const char *key, const struct pa_statement *statement)
{
	if (!statement) {
		pa_json_null(json, key);
		return;
	}
	pa_json_open(json, key, '{');
	pa_json_string(json, "file", statement->where.file);
	pa_json_number(json, "line", statement->where.line);
	pa_json_string(json, "text", statement->text);
	pa_json_close(json, '}');
}

/* What the policy says of the exception: until when, why, who agreed. */
static void add_waiver(struct pa_json *json, const struct pa_statement *waiver)
{
	if (!waiver) {
		pa_json_null(json, "waiver");
		return;
	}
	char until[PA_DAY_TEXT_MAX];
	pa_day_format(waiver->until, until);
	pa_json_open(json, "waiver", '{');
	pa_json_string(json, "file", waiver->where.file);
	pa_json_number(json, "line", waiver->where.line);
	pa_json_string(json, "text", waiver->text);
	pa_json_string(json, "until", until);
	pa_json_string(json, "reason", waiver->fields.reason);
	pa_json_string(json, "owner", waiver->fields.owner);
	pa_json_string(json, "ticket", waiver->fields.ticket);
	pa_json_string(json, "approved_by", waiver->fields.approved_by);
	pa_json_close(json, '}');
}

/* "PA-EXP-001-" and the first half of the fingerprint: short enough to be spoken of, the same from run to run. */
static void add_id(struct pa_json *json, const struct pa_finding *finding)
{
	char id[48];
	snprintf(id, sizeof(id), "%s-%.16s", pa_check_info(finding->check)->code, finding->fingerprint);
	pa_json_string(json, "id", id);
}

static void add_finding(struct pa_json *json, const struct pa_result *result, const struct pa_finding *finding)
{
	pa_json_line(json);
	pa_json_open(json, NULL, '{');
	add_id(json, finding);
	pa_json_string(json, "check", pa_check_info(finding->check)->code);
	pa_json_string(json, "severity", pa_severity_name(finding->severity));
	pa_json_string(json, "certainty", finding->certainty == PA_CERTAIN ? "certain" : "possible");
	pa_json_string(json, "message", finding->message);
	pa_json_string(json, "condition", finding->certainty == PA_CERTAIN ? NULL : finding->condition);
	pa_json_string(json, "fix", finding->fix);
	if (finding->has_packet)
		pa_json_packet(json, "packet", &finding->packet);
	else
		pa_json_null(json, "packet");
	pa_json_open(json, "rules", '[');
	for (size_t i = 0; i < finding->rule_count; i++)
		pa_json_rule(json, NULL, finding->rules[i]);
	pa_json_close(json, ']');
	add_statement(json, "allow", finding->statement);
	add_waiver(json, finding->waiver);
	pa_json_string(json, "baseline", !result->baseline || finding->waiver ? NULL : finding->known ? "known" : "new");
	pa_json_string(json, "fingerprint", finding->fingerprint);
	pa_json_null(json, "proof");
	pa_json_suggestion(json, finding);
	pa_json_close(json, '}');
}

/* What the baseline has and is not found any more. */
static void add_vanished(struct pa_json *json, const struct pa_result *result)
{
	pa_json_open(json, "vanished", '[');
	for (size_t i = 0; i < result->vanished_count; i++) {
		const struct pa_known_finding *known = result->vanished[i];
		pa_json_line(json);
		pa_json_open(json, NULL, '{');
		pa_json_string(json, "check", known->check);
		pa_json_string(json, "severity", pa_severity_name(known->severity));
		pa_json_string(json, "message", known->message);
		pa_json_string(json, "fingerprint", known->fingerprint);
		pa_json_close(json, '}');
	}
	pa_json_close(json, ']');
}

static void add_checks(struct pa_json *json, const struct pa_result *result)
{
	pa_json_open(json, "checks", '[');
	for (enum pa_check_id check = 0; check < PA_CHECK_COUNT; check++) {
		pa_json_line(json);
		pa_json_open(json, NULL, '{');
		pa_json_string(json, "check", pa_check_info(check)->code);
		pa_json_string(json, "status", status_word(result->checks[check].status));
		pa_json_string(json, "reason", result->checks[check].reason);
		pa_json_close(json, '}');
	}
	pa_json_close(json, ']');
}

static void add_statements(struct pa_json *json, const struct pa_result *result)
{
	pa_json_open(json, "policy", '[');
	for (size_t i = 0; i < result->statement_count; i++) {
		const struct pa_statement_result *entry = &result->statements[i];
		pa_json_line(json);
		pa_json_open(json, NULL, '{');
		add_statement(json, "statement", entry->statement);
		pa_json_string(json, "status", status_word(entry->status));
		pa_json_string(json, "reason", entry->reason);
		pa_json_close(json, '}');
	}
	pa_json_close(json, ']');
}

static void add_result(struct pa_json *json, const struct pa_result *result)
{
	pa_json_open(json, "findings", '[');
	for (size_t i = 0; i < result->finding_count; i++)
		add_finding(json, result, &result->findings[i]);
	for (size_t i = 0; i < result->known_count; i++)
		add_finding(json, result, &result->known[i]);
	for (size_t i = 0; i < result->waived_count; i++)
		add_finding(json, result, &result->waived[i]);
	pa_json_close(json, ']');
	pa_json_line(json);
	add_vanished(json, result);
	pa_json_line(json);
	add_checks(json, result);
	pa_json_line(json);
	add_statements(json, result);
	pa_json_line(json);
	add_sentences(json, "not_assessed", result->not_assessed, result->not_assessed_count);
}

static void add_head(struct pa_json *json, const struct pa_report *report)
{
	pa_json_string(json, "schema", "portaudit/1");
	pa_json_string(json, "host", report->host);
	pa_json_open(json, "sources", '[');
	for (size_t i = 0; report->ruleset && i < report->ruleset->source_count; i++)
		pa_json_string(json, NULL, report->ruleset->sources[i]);
	pa_json_close(json, ']');
	/* A list that was cut is not the exact set that this document promises. */
	pa_json_bool(json, "complete", report->complete && !report->rows_cut);
	add_sentences(json, "incomplete", report->incomplete, report->incomplete_count);
	pa_json_bool(json, "exposures_cut", report->rows_cut);
	pa_json_bool(json, "no_firewall", report->no_firewall);
}

bool pa_format_json(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	struct pa_json json = { .out = out };
	(void)style;
	pa_json_open(&json, NULL, '{');
	add_head(&json, report);
	pa_json_line(&json);
	pa_json_exposures(&json, report->rows, report->row_count);
	if (report->result) {
		pa_json_line(&json);
		add_result(&json, report->result);
	}
	pa_json_close(&json, '}');
	pa_buffer_putc(out, '\n');
	return true;
}
