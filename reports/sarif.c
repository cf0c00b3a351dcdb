/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SARIF 2.1.0 (OASIS): one run; a rule for each check of the catalogue that was assessed, a result for each finding. A rule of a
 * file has a physical location, one of the live kernel (or of a listing) a logical one: family, table, chain, handle. A
 * waived finding is a result with a suppression, which code scanning shows as dismissed.
 */
#include "format.h"
#include "sarif_parts.h"

static struct pa_sarif_kind kind_of(size_t check)
{
	const struct pa_check_info *info = pa_check_info((enum pa_check_id)check);
	return (struct pa_sarif_kind){ info->code, info->title, info->why, info->severity };
}

/* --- places --------------------------------------------------------------------------------------------------------- */
/* Where it is to be mended: the rules, else the line of the policy, else what was read. Code scanning shows the first one. */
static void add_places(struct pa_json *json, const struct pa_finding *finding, const struct pa_report *report)
{
	const struct pa_location *place = pa_finding_place(finding);
	pa_json_open(json, "locations", '[');
	if (finding->rule_count > 0) {
		pa_sarif_rule(json, finding->rules[0]);
	} else if (place) {
		pa_sarif_statement(json, finding->statement);
	} else {
		pa_sarif_source(json, report->ruleset);
	}
	pa_json_close(json, ']');
	pa_json_open(json, "relatedLocations", '[');
	for (size_t i = 1; i < finding->rule_count; i++)
		pa_sarif_rule(json, finding->rules[i]);
	if (finding->statement && finding->statement->where.file && finding->rule_count > 0)
		pa_sarif_statement(json, finding->statement);
	pa_json_close(json, ']');
}

/* --- results ---------------------------------------------------------------------------------------------------------- */
static void add_suppression(struct pa_json *json, const struct pa_statement *waiver)
{
	struct pa_buffer text = { 0 };
	char until[PA_DAY_TEXT_MAX];
	pa_day_format(waiver->until, until);
	pa_buffer_printf(&text, "until %s: %s", until, waiver->fields.reason ? waiver->fields.reason : "no reason");
	pa_json_open(json, "suppressions", '[');
	pa_json_open(json, NULL, '{');
	pa_json_string(json, "kind", "external");
	pa_json_string(json, "status", "accepted");
	pa_json_string(json, "justification", text.data);
	if (waiver->where.file) {
		pa_json_open(json, "location", '{');
		pa_sarif_physical(json, &waiver->where);
		pa_json_close(json, '}');
	}
	pa_json_close(json, '}');
	pa_json_close(json, ']');
	pa_buffer_done(&text);
}

static void add_properties(struct pa_json *json, const struct pa_finding *finding)
{
	struct pa_buffer text = { 0 };
	pa_json_open(json, "properties", '{');
	pa_json_string(json, "severity", pa_severity_name(finding->severity));
	pa_json_string(json, "security-severity", pa_sarif_score(finding->severity));
	pa_json_string(json, "certainty", finding->certainty == PA_CERTAIN ? "certain" : "possible");
	if (finding->has_packet) {
		pa_phrase_packet(&finding->packet, &text);
		pa_json_string(json, "packet", text.data);
	}
	pa_json_close(json, '}');
	pa_buffer_done(&text);
}

static void add_result(struct pa_json *json, const struct pa_finding *finding, const struct pa_report *report)
{
	struct pa_buffer text = { 0 };
	struct pa_sarif_kind kind = kind_of(finding->check);
	kind.severity = finding->severity;
	pa_buffer_puts(&text, finding->message);
	if (finding->fix)
		pa_buffer_printf(&text, ". To change it: %s.", finding->fix);
	pa_sarif_open_result(json, &kind, finding->check, text.data);
	add_places(json, finding, report);
	pa_sarif_fingerprint(json, finding->fingerprint);
	if (finding->waiver)
		add_suppression(json, finding->waiver);
	if (report->result->baseline && !finding->waiver)
		pa_json_string(json, "baselineState", finding->known ? "unchanged" : "new");
	add_properties(json, finding);
	pa_json_close(json, '}');
	pa_buffer_done(&text);
}

/* What the baseline has and is not found any more. */
static void add_vanished(struct pa_json *json, const struct pa_known_finding *known, const struct pa_report *report)
{
	enum pa_check_id check;
	if (!pa_check_find(known->check, &check))
		return;
	struct pa_sarif_kind kind = kind_of(check);
	kind.severity = PA_SEVERITY_INFO;
	pa_sarif_open_result(json, &kind, check, known->message);
	pa_json_string(json, "baselineState", "absent");
	pa_json_open(json, "locations", '[');
	pa_sarif_source(json, report->ruleset);
	pa_json_close(json, ']');
	pa_sarif_fingerprint(json, known->fingerprint);
	pa_json_close(json, '}');
}

bool pa_format_sarif(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	struct pa_json json = { .out = out };
	const struct pa_result *result = report->result;
	const struct pa_sarif_run run = { .id = pa_text_equal(report->command, "list") ? "portaudit/list/" : "portaudit/check/",
					  .version = report->version,
					  .kind = kind_of,
					  .kind_count = PA_CHECK_COUNT,
					  .complete = report->complete && !report->rows_cut,
					  .incomplete = report->incomplete,
					  .incomplete_count = report->incomplete_count };
	(void)style;
	pa_sarif_open(&json, &run);
	for (size_t i = 0; result && i < result->finding_count; i++)
		add_result(&json, &result->findings[i], report);
	for (size_t i = 0; result && i < result->known_count; i++)
		add_result(&json, &result->known[i], report);
	for (size_t i = 0; result && i < result->waived_count; i++)
		add_result(&json, &result->waived[i], report);
	for (size_t i = 0; result && i < result->vanished_count; i++)
		add_vanished(&json, result->vanished[i], report);
	pa_sarif_close(&json);
	return true;
}
