/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SARIF 2.1.0 (OASIS): one run; a rule for each check of the catalogue that was assessed, a result for each finding. A rule of a
 * file has a physical location, one of the live kernel (or of a listing) a logical one: family, table, chain, handle. A
 * waived finding is a result with a suppression, which code scanning shows as dismissed.
 */
#include <string.h>

#include "format.h"
#include "json_writer.h"

/* Where code scanning sorts by: https://docs.github.com/code-security (security-severity). */
static const char *security_severity(enum pa_severity severity)
{
	static const char *const scores[] = {
		[PA_SEVERITY_INFO] = "0.0", [PA_SEVERITY_LOW] = "3.0",	    [PA_SEVERITY_MEDIUM] = "5.5",
		[PA_SEVERITY_HIGH] = "8.0", [PA_SEVERITY_CRITICAL] = "9.5",
	};
	return scores[severity];
}

static const char *level(enum pa_severity severity)
{
	static const char *const levels[] = {
		[PA_SEVERITY_INFO] = "note",  [PA_SEVERITY_LOW] = "note",	[PA_SEVERITY_MEDIUM] = "warning",
		[PA_SEVERITY_HIGH] = "error", [PA_SEVERITY_CRITICAL] = "error",
	};
	return levels[severity];
}

static void add_message(struct pa_json *json, const char *key, const char *text)
{
	pa_json_open(json, key, '{');
	pa_json_string(json, "text", text && *text ? text : "-");
	pa_json_close(json, '}');
}

/* --- rules ---------------------------------------------------------------------------------------------------------- */
static void add_rule(struct pa_json *json, enum pa_check_id check)
{
	const struct pa_check_info *info = pa_check_info(check);
	pa_json_line(json);
	pa_json_open(json, NULL, '{');
	pa_json_string(json, "id", info->code);
	add_message(json, "shortDescription", info->title);
	add_message(json, "fullDescription", info->why);
	pa_json_open(json, "help", '{');
	struct pa_buffer text = { 0 };
	pa_buffer_printf(&text, "%s: %s. %s", info->code, info->title, info->why);
	pa_json_string(json, "text", text.data);
	pa_json_close(json, '}');
	pa_buffer_done(&text);
	pa_json_open(json, "defaultConfiguration", '{');
	pa_json_string(json, "level", level(info->severity));
	pa_json_close(json, '}');
	pa_json_open(json, "properties", '{');
	pa_json_open(json, "tags", '[');
	pa_json_string(json, NULL, "security");
	pa_json_string(json, NULL, "firewall");
	pa_json_close(json, ']');
	pa_json_string(json, "security-severity", security_severity(info->severity));
	pa_json_close(json, '}');
	pa_json_close(json, '}');
}

/* Every check has its place, so that its index is the same in every run of a version. */
static void add_driver(struct pa_json *json, const char *version)
{
	pa_json_open(json, "tool", '{');
	pa_json_open(json, "driver", '{');
	pa_json_string(json, "name", "portaudit");
	pa_json_string(json, "semanticVersion", version);
	pa_json_string(json, "version", version);
	pa_json_open(json, "rules", '[');
	for (enum pa_check_id check = 0; check < PA_CHECK_COUNT; check++)
		add_rule(json, check);
	pa_json_close(json, ']');
	pa_json_close(json, '}');
	pa_json_close(json, '}');
}

/* --- places --------------------------------------------------------------------------------------------------------- */
/* A path as a URI reference (RFC 3986): what is not plain is percent-encoded; absolute paths are file URIs. */
static void print_uri(const char *path, struct pa_buffer *out)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
	while (strncmp(path, "./", 2) == 0)
		path += 2;
	pa_buffer_puts(out, *path == '/' ? "file://" : "");
	for (const char *at = path; *at; at++) {
		if (strchr(plain, *at))
			pa_buffer_putc(out, *at);
		else
			pa_buffer_printf(out, "%%%02X", (unsigned)(unsigned char)*at);
	}
}

static void add_physical(struct pa_json *json, const struct pa_location *where)
{
	struct pa_buffer uri = { 0 };
	print_uri(where->file, &uri);
	pa_json_open(json, "physicalLocation", '{');
	pa_json_open(json, "artifactLocation", '{');
	pa_json_string(json, "uri", uri.data ? uri.data : "-");
	pa_json_close(json, '}');
	if (where->line) {
		pa_json_open(json, "region", '{');
		pa_json_number(json, "startLine", where->line);
		if (where->column)
			pa_json_number(json, "startColumn", where->column);
		pa_json_close(json, '}');
	}
	pa_json_close(json, '}');
	pa_buffer_done(&uri);
}

/* "inet filter input handle 5" */
static void add_logical(struct pa_json *json, const struct pa_rule *rule)
{
	struct pa_buffer name = { 0 };
	pa_buffer_printf(&name, "%s %s %s", pa_family_name(rule->chain->table->family), rule->chain->table->name,
			 rule->chain->name);
	if (rule->handle)
		pa_buffer_printf(&name, " handle %llu", (unsigned long long)rule->handle);
	pa_json_open(json, "logicalLocations", '[');
	pa_json_open(json, NULL, '{');
	pa_json_string(json, "fullyQualifiedName", name.data);
	pa_json_string(json, "kind", "function");
	pa_json_close(json, '}');
	pa_json_close(json, ']');
	pa_buffer_done(&name);
}

static void add_rule_place(struct pa_json *json, const struct pa_rule *rule)
{
	pa_json_open(json, NULL, '{');
	if (rule->where.file)
		add_physical(json, &rule->where);
	add_logical(json, rule);
	if (rule->text)
		add_message(json, "message", rule->text);
	pa_json_close(json, '}');
}

static void add_statement_place(struct pa_json *json, const struct pa_statement *statement)
{
	pa_json_open(json, NULL, '{');
	add_physical(json, &statement->where);
	add_message(json, "message", statement->text);
	pa_json_close(json, '}');
}

/* Where it is to be mended: the rules, else the line of the policy, else what was read. Code scanning shows the first one. */
static void add_places(struct pa_json *json, const struct pa_finding *finding, const struct pa_report *report)
{
	const struct pa_location *place = pa_finding_place(finding);
	pa_json_open(json, "locations", '[');
	if (finding->rule_count > 0) {
		add_rule_place(json, finding->rules[0]);
	} else if (place) {
		add_statement_place(json, finding->statement);
	} else if (report->ruleset && report->ruleset->source_count &&
		   !pa_text_equal(report->ruleset->sources[0], PA_LIVE_NAME)) {
		const struct pa_location whole = { .file = report->ruleset->sources[0], .line = 1 };
		pa_json_open(json, NULL, '{');
		add_physical(json, &whole);
		pa_json_close(json, '}');
	}
	pa_json_close(json, ']');
	pa_json_open(json, "relatedLocations", '[');
	for (size_t i = 1; i < finding->rule_count; i++)
		add_rule_place(json, finding->rules[i]);
	if (finding->statement && finding->statement->where.file && finding->rule_count > 0)
		add_statement_place(json, finding->statement);
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
		add_physical(json, &waiver->where);
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
	pa_json_string(json, "security-severity", security_severity(finding->severity));
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
	pa_buffer_puts(&text, finding->message);
	if (finding->fix)
		pa_buffer_printf(&text, ". To change it: %s.", finding->fix);
	pa_json_line(json);
	pa_json_open(json, NULL, '{');
	pa_json_string(json, "ruleId", pa_check_info(finding->check)->code);
	pa_json_number(json, "ruleIndex", (unsigned)finding->check);
	pa_json_string(json, "level", level(finding->severity));
	add_message(json, "message", text.data);
	add_places(json, finding, report);
	pa_json_open(json, "partialFingerprints", '{');
	pa_json_string(json, "portaudit/v1", finding->fingerprint);
	pa_json_close(json, '}');
	if (finding->waiver)
		add_suppression(json, finding->waiver);
	add_properties(json, finding);
	pa_json_close(json, '}');
	pa_buffer_done(&text);
}

static void add_invocation(struct pa_json *json, const struct pa_report *report)
{
	pa_json_open(json, "invocations", '[');
	pa_json_open(json, NULL, '{');
	pa_json_bool(json, "executionSuccessful", report->complete && !report->rows_cut);
	pa_json_open(json, "toolExecutionNotifications", '[');
	for (size_t i = 0; i < report->incomplete_count; i++) {
		pa_json_open(json, NULL, '{');
		pa_json_string(json, "level", "error");
		add_message(json, "message", report->incomplete[i]);
		pa_json_close(json, '}');
	}
	pa_json_close(json, ']');
	pa_json_close(json, '}');
	pa_json_close(json, ']');
}

bool pa_format_sarif(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	struct pa_json json = { .out = out };
	const struct pa_result *result = report->result;
	(void)style;
	pa_json_open(&json, NULL, '{');
	pa_json_string(&json, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
	pa_json_string(&json, "version", "2.1.0");
	pa_json_open(&json, "runs", '[');
	pa_json_open(&json, NULL, '{');
	add_driver(&json, report->version ? report->version : "0");
	add_invocation(&json, report);
	pa_json_open(&json, "automationDetails", '{');
	pa_json_string(&json, "id", pa_text_equal(report->command, "list") ? "portaudit/list/" : "portaudit/check/");
	pa_json_close(&json, '}');
	pa_json_string(&json, "columnKind", "utf16CodeUnits");
	pa_json_open(&json, "results", '[');
	for (size_t i = 0; result && i < result->finding_count; i++)
		add_result(&json, &result->findings[i], report);
	for (size_t i = 0; result && i < result->waived_count; i++)
		add_result(&json, &result->waived[i], report);
	pa_json_close(&json, ']');
	pa_json_close(&json, '}');
	pa_json_close(&json, ']');
	pa_json_close(&json, '}');
	pa_buffer_putc(out, '\n');
	return true;
}
