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
	if (pa_json_peek(&document->reader) == PA_JSON_NULL)
		pa_json_skip(&document->reader);
	else
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

void pa_document_read_notes(struct pa_document *document)
{
	struct pa_diag *notes = NULL;
	size_t count = 0, capacity = 0;
	if (!pa_document_enter(document, PA_JSON_ARRAY))
		return;
	while (pa_document_next_item(document)) {
		const struct pa_json_node *item = pa_document_read(document, PA_JSON_OBJECT);
		if (!item)
			break;
		struct pa_diag note = { .kind = PA_DIAG_INCOMPLETE };
		note.message = pa_document_text(document, item, "message");
		note.help = pa_document_text(document, item, "help");
		if (!document->failed && (!level_of(pa_document_text(document, item, "level"), &note.level) || !note.message))
			pa_document_wrong(document, pa_document_place(document, item),
					  "a message with a level should stand here");
		pa_grow(&notes, &capacity, count + 1, sizeof(*notes));
		notes[count++] = note;
	}
	document->snapshot->notes = pa_arena_dup(document->snapshot->arena, notes, count, sizeof(*notes));
	document->snapshot->note_count = count;
	free(notes);
}

static const struct {
	const char *key;
	void (*read)(struct pa_document *document);
} members[] = {
	{ "schema", read_schema },
	{ "portaudit", read_version },
	{ "kernel", read_kernel },
	{ "time", read_time },
	{ "host", read_host },
	{ "ruleset", pa_document_read_ruleset },
	{ "addresses", pa_document_read_addresses },
	{ "interfaces", pa_document_read_interfaces },
	{ "links", pa_document_read_links },
	{ "routes", pa_document_read_routes },
	{ "settings", pa_document_read_settings },
	{ "sockets", pa_document_read_sockets },
	{ "notes", pa_document_read_notes },
};
#define MEMBER_COUNT (sizeof(members) / sizeof(*members))

static size_t find_member(const char *key, size_t length)
{
	size_t at = 0;
	while (at < MEMBER_COUNT && (strlen(members[at].key) != length || memcmp(members[at].key, key, length) != 0))
		at++;
	return at;
}

/* What later versions add is passed over; what this version needs must be there. */
static void read_document(struct pa_document *document)
{
	bool seen[MEMBER_COUNT] = { false };
	const char *key;
	size_t length;
	if (!pa_document_enter(document, PA_JSON_OBJECT))
		return;
	while (!pa_document_failed(document) && pa_json_next_key(&document->reader, &key, &length)) {
		size_t at = find_member(key, length);
		if (!seen[0] && at != 0)
			pa_document_wrong(document, pa_json_offset(&document->reader), "\"schema\" should come first");
		else if (at < MEMBER_COUNT && seen[at])
			pa_document_wrong(document, pa_json_offset(&document->reader), "a second \"%s\"", members[at].key);
		else if (at < MEMBER_COUNT)
			members[at].read(document);
		else
			pa_json_skip(&document->reader);
		if (at < MEMBER_COUNT)
			seen[at] = true;
	}
	if (pa_document_failed(document) || (!pa_json_finish(&document->reader) && pa_document_failed(document)))
		return;
	for (size_t i = 0; i < MEMBER_COUNT; i++)
		if (!seen[i])
			pa_document_wrong(document, pa_json_offset(&document->reader), "\"%s\" is missing", members[i].key);
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
