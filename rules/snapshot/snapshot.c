/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A snapshot from its text. */
#include "document.h"

#include <stdlib.h>

struct pa_snapshot *pa_snapshot_free(struct pa_snapshot *snapshot)
{
	if (!snapshot)
		return NULL;
	pa_recording_done(&snapshot->recording);
	pa_host_free(snapshot->host);
	pa_sockets_free(snapshot->sockets);
	pa_arena_free(snapshot->arena);
	free(snapshot);
	return NULL;
}

static void read_schema(struct pa_document *document)
{
	const char *schema = pa_document_string(document, pa_document_read(document, PA_JSON_STRING));
	if (!schema || strcmp(schema, PA_SNAPSHOT_SCHEMA) == 0)
		return;
	if (strncmp(schema, "portaudit/snapshot-", 19) == 0)
		pa_document_wrong(document, document->item_offset,
				  "a snapshot of another portaudit (%s), which this one does not know", schema);
	else
		pa_document_wrong(document, document->item_offset, "a report of portaudit (%s), not a snapshot", schema);
}

static void read_version(struct pa_document *document)
{
	document->snapshot->version = pa_document_string(document, pa_document_read(document, PA_JSON_STRING));
}

static void read_kernel(struct pa_document *document)
{
	if (!pa_document_take_null(document))
		document->snapshot->kernel = pa_document_string(document, pa_document_read(document, PA_JSON_STRING));
}

static void read_time(struct pa_document *document)
{
	const struct pa_json_node *node = pa_document_read(document, PA_JSON_INTEGER);
	if (node && (node->negative || node->number > INT64_MAX))
		pa_document_wrong(document, document->item_offset, "this is no time");
	else if (node)
		document->snapshot->time = (int64_t)node->number;
}

static void read_host(struct pa_document *document)
{
	const char *name = pa_document_string(document, pa_document_read(document, PA_JSON_STRING));
	if (name)
		document->snapshot->host->name = pa_arena_strdup(document->snapshot->host->arena, name);
}

static bool level_of(const char *word, enum pa_diag_level *ret_level)
{
	static const char *const levels[] = {
		[PA_DIAG_ERROR] = "error", [PA_DIAG_WARNING] = "warning", [PA_DIAG_NOTE] = "note"
	};
	for (unsigned i = 0; word && i < sizeof(levels) / sizeof(*levels); i++) {
		if (strcmp(word, levels[i]) != 0)
			continue;
		*ret_level = (enum pa_diag_level)i;
		return true;
	}
	return false;
}

static void take_note(struct pa_document *document, const struct pa_json_node *item, void *context)
{
	struct pa_diag note = { .kind = PA_DIAG_INCOMPLETE };
	note.message = pa_document_text(document, item, "message");
	note.help = pa_document_text(document, item, "help");
	if (!document->failed && (!level_of(pa_document_text(document, item, "level"), &note.level) || !note.message))
		pa_document_wrong(document, pa_document_place(document, item), "a message with a level should stand here");
	pa_document_add(context, &note);
}

static void read_notes(struct pa_document *document)
{
	struct pa_snapshot *snapshot = document->snapshot;
	struct pa_document_array notes = { .size = sizeof(*snapshot->notes) };
	pa_document_read_items(document, PA_JSON_OBJECT, take_note, &notes);
	snapshot->notes = pa_document_finish(&notes, snapshot->arena, &snapshot->note_count);
}

static const struct pa_document_part parts[] = {
	{ "schema", read_schema, 0 },
	{ "portaudit", read_version, 0 },
	{ "kernel", read_kernel, 0 },
	{ "time", read_time, 0 },
	{ "host", read_host, 0 },
	{ "ruleset", pa_document_read_ruleset, 0 },
	{ "addresses", pa_document_read_addresses, 0 },
	{ "interfaces", pa_document_read_interfaces, 0 },
	{ "links", pa_document_read_links, 0 },
	{ "routes", pa_document_read_routes, 0 },
	{ "settings", pa_document_read_settings, 0 },
	{ "sockets", pa_document_read_sockets, 0 },
	{ "notes", read_notes, 0 },
};

/* Whether it can be read at all is asked before anything of it is. */
static void require_schema(struct pa_document *document)
{
	const struct pa_json_reader start = document->reader;
	const char *key;
	size_t length;
	if (!pa_document_enter(document, PA_JSON_OBJECT))
		return;
	bool found = pa_json_next_key(&document->reader, &key, &length);
	if (!pa_document_failed(document) && !(found && length == 6 && memcmp(key, "schema", 6) == 0))
		pa_document_wrong(document, pa_json_offset(&document->reader), "\"schema\" should come first");
	if (!document->failed)
		document->reader = start;
}

/* What later versions add is passed over; what this version needs must be there. */
static void read_document(struct pa_document *document)
{
	require_schema(document);
	if (!pa_document_failed(document))
		pa_document_read_parts(document, parts, sizeof(parts) / sizeof(*parts), 0);
	if (!pa_document_failed(document) && !pa_json_finish(&document->reader))
		pa_document_failed(document);
}

struct pa_snapshot *pa_snapshot_parse(const char *text, size_t length, const char *name, struct pa_diags *diags)
{
	struct pa_snapshot *snapshot = pa_xcalloc(1, sizeof(*snapshot));
	struct pa_document document = { .name = name, .diags = diags, .snapshot = snapshot };
	snapshot->arena = pa_arena_new();
	snapshot->host = pa_host_new(NULL);
	snapshot->host->live = true;
	pa_json_init(&document.reader, text, length, snapshot->arena);
	read_document(&document);
	pa_json_tape_done(&document.tape);
	if (pa_document_failed(&document))
		return pa_snapshot_free(snapshot);
	snapshot->host->sockets = snapshot->sockets;
	return snapshot;
}
