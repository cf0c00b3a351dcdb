/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The JSON document of `check`: of each finding what tells it apart from others. What else is in it is not looked at. */
#include "portaudit/baseline.h"

#include <jansson.h>
#include <string.h>

#define HEAD_MAX ((size_t)4096)
#define SCHEMA "portaudit/1"

struct reading {
	struct pa_baseline *baseline;
	struct pa_diags *diags;
};

static struct pa_diag *wrong(struct reading *reading, unsigned line, const char *message)
{
	struct pa_diag *diag = pa_diags_add(reading->diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "%s", message);
	diag->where.file = pa_arena_strdup(reading->diags->arena, reading->baseline->name);
	diag->where.line = line;
	diag->where.column = line ? 1 : 0;
	return diag;
}

/* The first key says it; a listing of nft and a snapshot begin otherwise. */
static bool is_result(const struct pa_buffer *text)
{
	size_t head = text->length < HEAD_MAX ? text->length : HEAD_MAX;
	const char *at = text->data, *end = text->data + head;
	while (at < end && strchr(" \t\r\n", *at))
		at++;
	return at < end && *at == '{' && memmem(at, (size_t)(end - at), "\"schema\"", 8) &&
	       memmem(at, (size_t)(end - at), "\"" SCHEMA "\"", sizeof(SCHEMA) + 1);
}

static const char *string_of(struct reading *reading, const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? pa_arena_strdup(reading->baseline->arena, text) : NULL;
}

static bool read_finding(struct reading *reading, const json_t *json, struct pa_known_finding *finding)
{
	const char *severity = json_string_value(json_object_get(json, "severity"));
	const json_t *waiver = json_object_get(json, "waiver");
	*finding = (struct pa_known_finding){ .check = string_of(reading, json, "check"),
					      .message = string_of(reading, json, "message"),
					      .fingerprint = string_of(reading, json, "fingerprint"),
					      .waived = waiver && !json_is_null(waiver) };
	return finding->check && finding->message && finding->fingerprint && severity &&
	       pa_severity_parse(severity, &finding->severity);
}

static bool read_result(struct reading *reading, const json_t *document)
{
	struct pa_baseline *baseline = reading->baseline;
	const json_t *findings = json_object_get(document, "findings");
	if (!json_is_array(findings)) {
		wrong(reading, 0, "this result has no findings: it cannot be a baseline")->help =
			"'portaudit check --format json' writes one that has them";
		return false;
	}
	baseline->complete = json_is_true(json_object_get(document, "complete"));
	baseline->findings = pa_arena_alloc(baseline->arena, json_array_size(findings) + 1, sizeof(*baseline->findings));
	for (size_t i = 0; i < json_array_size(findings); i++) {
		const json_t *json = json_array_get(findings, i);
		if (!read_finding(reading, json, &baseline->findings[baseline->finding_count++])) {
			wrong(reading, 0,
			      pa_arena_printf(baseline->arena,
					      "finding %zu of this result has no check, severity, message or fingerprint",
					      i + 1));
			return false;
		}
	}
	return true;
}

static bool read_document(struct reading *reading, const struct pa_buffer *text)
{
	json_error_t error;
	json_t *document = json_loadb(text->data, text->length, JSON_REJECT_DUPLICATES, &error);
	if (!document) {
		wrong(reading, error.line > 0 ? (unsigned)error.line : 0,
		      pa_arena_printf(reading->baseline->arena, "this is no JSON document: %s", error.text));
		return false;
	}
	bool read = read_result(reading, document);
	json_decref(document);
	return read;
}

bool pa_baseline_load(const char *path, struct pa_baseline **ret_baseline, struct pa_diags *diags)
{
	struct pa_buffer text = { 0 };
	struct pa_arena *arena = pa_arena_new();
	struct pa_baseline *baseline = pa_arena_alloc(arena, 1, sizeof(*baseline));
	struct reading reading = { baseline, diags };
	*baseline = (struct pa_baseline){ .arena = arena };
	*ret_baseline = NULL;
	bool read = pa_file_read(path, &text, &baseline->name, diags);
	if (read && text.length && is_result(&text)) {
		read = read_document(&reading, &text);
		*ret_baseline = read ? baseline : NULL;
	}
	if (!*ret_baseline)
		pa_baseline_free(baseline);
	pa_buffer_done(&text);
	return read;
}

struct pa_baseline *pa_baseline_free(struct pa_baseline *baseline)
{
	if (baseline)
		pa_arena_free(baseline->arena);
	return NULL;
}
