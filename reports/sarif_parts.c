/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects of SARIF that several documents share. */
#include "sarif_parts.h"

#include <string.h>

/* Where code scanning sorts by: https://docs.github.com/code-security (security-severity). */
const char *pa_sarif_score(enum pa_severity severity)
{
	static const char *const scores[] = {
		[PA_SEVERITY_INFO] = "0.0", [PA_SEVERITY_LOW] = "3.0",	    [PA_SEVERITY_MEDIUM] = "5.5",
		[PA_SEVERITY_HIGH] = "8.0", [PA_SEVERITY_CRITICAL] = "9.5",
	};
	return scores[severity];
}

const char *pa_sarif_level(enum pa_severity severity)
{
	static const char *const levels[] = {
		[PA_SEVERITY_INFO] = "note",  [PA_SEVERITY_LOW] = "note",	[PA_SEVERITY_MEDIUM] = "warning",
		[PA_SEVERITY_HIGH] = "error", [PA_SEVERITY_CRITICAL] = "error",
	};
	return levels[severity];
}

void pa_sarif_message(struct pa_json *json, const char *key, const char *text)
{
	pa_json_open(json, key, '{');
	pa_json_string(json, "text", text && *text ? text : "-");
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

void pa_sarif_physical(struct pa_json *json, const struct pa_location *where)
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
static void add_logical(struct pa_json *json, const struct pa_chain *chain, const struct pa_rule *rule)
{
	struct pa_buffer name = { 0 };
	pa_buffer_printf(&name, "%s %s %s", pa_family_name(chain->table->family), chain->table->name, chain->name);
	if (rule && rule->handle)
		pa_buffer_printf(&name, " handle %llu", (unsigned long long)rule->handle);
	pa_json_open(json, "logicalLocations", '[');
	pa_json_open(json, NULL, '{');
	pa_json_string(json, "fullyQualifiedName", name.data);
	pa_json_string(json, "kind", "function");
	pa_json_close(json, '}');
	pa_json_close(json, ']');
	pa_buffer_done(&name);
}

void pa_sarif_rule(struct pa_json *json, const struct pa_rule *rule)
{
	pa_json_open(json, NULL, '{');
	if (rule->where.file)
		pa_sarif_physical(json, &rule->where);
	add_logical(json, rule->chain, rule);
	if (rule->text)
		pa_sarif_message(json, "message", rule->text);
	pa_json_close(json, '}');
}

void pa_sarif_chain(struct pa_json *json, const struct pa_chain *chain)
{
	struct pa_buffer text = { 0 };
	pa_buffer_printf(&text, "the policy of chain %s", chain->name);
	pa_json_open(json, NULL, '{');
	if (chain->where.file)
		pa_sarif_physical(json, &chain->where);
	add_logical(json, chain, NULL);
	pa_sarif_message(json, "message", text.data);
	pa_json_close(json, '}');
	pa_buffer_done(&text);
}

void pa_sarif_source(struct pa_json *json, const struct pa_ruleset *ruleset)
{
	if (!ruleset || !ruleset->source_count || pa_text_equal(ruleset->sources[0], PA_LIVE_NAME))
		return;
	const struct pa_location whole = { .file = ruleset->sources[0], .line = 1 };
	pa_json_open(json, NULL, '{');
	pa_sarif_physical(json, &whole);
	pa_json_close(json, '}');
}

void pa_sarif_statement(struct pa_json *json, const struct pa_statement *statement)
{
	pa_json_open(json, NULL, '{');
	pa_sarif_physical(json, &statement->where);
	pa_sarif_message(json, "message", statement->text);
	pa_json_close(json, '}');
}

/* --- the run ------------------------------------------------------------------------------------------------------------ */

static void add_kind(struct pa_json *json, const struct pa_sarif_kind *kind)
{
	struct pa_buffer text = { 0 };
	pa_json_line(json);
	pa_json_open(json, NULL, '{');
	pa_json_string(json, "id", kind->id);
	pa_sarif_message(json, "shortDescription", kind->title);
	pa_sarif_message(json, "fullDescription", kind->why);
	pa_buffer_printf(&text, "%s: %s. %s", kind->id, kind->title, kind->why);
	pa_sarif_message(json, "help", text.data);
	pa_json_open(json, "defaultConfiguration", '{');
	pa_json_string(json, "level", pa_sarif_level(kind->severity));
	pa_json_close(json, '}');
	pa_json_open(json, "properties", '{');
	pa_json_open(json, "tags", '[');
	pa_json_string(json, NULL, "security");
	pa_json_string(json, NULL, "firewall");
	pa_json_close(json, ']');
	pa_json_string(json, "security-severity", pa_sarif_score(kind->severity));
	pa_json_close(json, '}');
	pa_json_close(json, '}');
	pa_buffer_done(&text);
}

static void add_driver(struct pa_json *json, const struct pa_sarif_run *run)
{
	const char *version = run->version ? run->version : "0";
	pa_json_open(json, "tool", '{');
	pa_json_open(json, "driver", '{');
	pa_json_string(json, "name", "portaudit");
	pa_json_string(json, "semanticVersion", version);
	pa_json_string(json, "version", version);
	pa_json_open(json, "rules", '[');
	for (size_t i = 0; i < run->kind_count; i++) {
		const struct pa_sarif_kind kind = run->kind(i);
		add_kind(json, &kind);
	}
	pa_json_close(json, ']');
	pa_json_close(json, '}');
	pa_json_close(json, '}');
}

static void add_invocation(struct pa_json *json, const struct pa_sarif_run *run)
{
	pa_json_open(json, "invocations", '[');
	pa_json_open(json, NULL, '{');
	pa_json_bool(json, "executionSuccessful", run->complete);
	pa_json_open(json, "toolExecutionNotifications", '[');
	for (size_t i = 0; i < run->incomplete_count; i++) {
		pa_json_open(json, NULL, '{');
		pa_json_string(json, "level", "error");
		pa_sarif_message(json, "message", run->incomplete[i]);
		pa_json_close(json, '}');
	}
	pa_json_close(json, ']');
	pa_json_close(json, '}');
	pa_json_close(json, ']');
}

void pa_sarif_open(struct pa_json *json, const struct pa_sarif_run *run)
{
	pa_json_open(json, NULL, '{');
	pa_json_string(json, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
	pa_json_string(json, "version", "2.1.0");
	pa_json_open(json, "runs", '[');
	pa_json_open(json, NULL, '{');
	add_driver(json, run);
	add_invocation(json, run);
	pa_json_open(json, "automationDetails", '{');
	pa_json_string(json, "id", run->id);
	pa_json_close(json, '}');
	pa_json_string(json, "columnKind", "utf16CodeUnits");
	pa_json_open(json, "results", '[');
}

void pa_sarif_close(struct pa_json *json)
{
	pa_json_close(json, ']');
	pa_json_close(json, '}');
	pa_json_close(json, ']');
	pa_json_close(json, '}');
	pa_buffer_putc(json->out, '\n');
}

void pa_sarif_open_result(struct pa_json *json, const struct pa_sarif_kind *kind, size_t index, const char *message)
{
	pa_json_line(json);
	pa_json_open(json, NULL, '{');
	pa_json_string(json, "ruleId", kind->id);
	pa_json_number(json, "ruleIndex", index);
	pa_json_string(json, "level", pa_sarif_level(kind->severity));
	pa_sarif_message(json, "message", message);
}

void pa_sarif_fingerprint(struct pa_json *json, const char *fingerprint)
{
	pa_json_open(json, "partialFingerprints", '{');
	pa_json_string(json, "portaudit/v1", fingerprint);
	pa_json_close(json, '}');
}
