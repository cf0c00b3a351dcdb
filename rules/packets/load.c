/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packets file: one JSON object a line. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "reader.h"

enum { SUGGESTION_BUDGET = 1000000 };

/* --- a line ------------------------------------------------------------------------------------------------------- */
static bool is_blank(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
			return false;
	return true;
}

/* The library's memory is not ours: where it had none, the audit is not complete. */
static void refuse_json(struct pa_packet_reader *reader, const json_error_t *error)
{
	size_t column = error->position > 0 ? (size_t)error->position : 1;
	if (column > reader->length)
		column = reader->length;
	struct pa_diag *diag = pa_packet_error_at(reader, column, "not a JSON object: %s", error->text);
	if (json_error_code(error) == json_error_out_of_memory)
		diag->kind = PA_DIAG_INCOMPLETE;
}

static void begin_line(struct pa_packet_reader *reader)
{
	struct pa_packet_file *file = reader->file;
	pa_grow(&file->lines, &reader->capacity, file->count + 1, sizeof(*file->lines));
	reader->line = &file->lines[file->count++];
	*reader->line = (struct pa_packet_line){
		.where = { .file = reader->name, .line = reader->number, .column = 1, .length = (uint32_t)reader->length },
		.id_json = "null",
	};
	memset(reader->given, 0, sizeof(reader->given));
	memset(reader->named, 0, sizeof(reader->named));
	reader->source_family = reader->destination_family = 0;
	reader->has_unknown_key = false;
}

static void read_line(struct pa_packet_reader *reader)
{
	json_error_t error = { 0 };
	const char *nul = memchr(reader->text, '\0', reader->length);
	if (nul) { /* the library overlooks one behind a number */
		pa_packet_error_at(reader, (size_t)(nul - reader->text) + 1, "a NUL byte");
		return;
	}
	json_t *value = json_loadb(reader->text, reader->length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!value) {
		refuse_json(reader, &error);
		return;
	}
	if (json_is_object(value)) {
		size_t errors = reader->error_count;
		begin_line(reader);
		pa_packet_line_read(reader, value);
		if (errors == reader->error_count)
			pa_packet_complete(&reader->line->packet);
	} else {
		pa_packet_error(reader, NULL, PA_PART_KEY, "write {\"proto\":\"tcp\",\"dst\":\"192.0.2.1\",\"dport\":22}",
				"a packet is a JSON object");
	}
	json_decref(value);
}

/* --- a file ------------------------------------------------------------------------------------------------------- */
/* A byte order mark at the very start is no part of the text. */
static void read_lines(struct pa_packet_reader *reader, const char *text, size_t length)
{
	const char *end = text + length;
	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		text += 3;
	while (text < end && reader->error_count < PA_PACKETS_ERRORS_MAX) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		reader->text = text;
		reader->length = (size_t)((newline ? newline : end) - text);
		reader->number++;
		if (!is_blank(reader->text, reader->length))
			read_line(reader);
		text = newline ? newline + 1 : end;
	}
	if (text < end)
		pa_diags_add(reader->diags, PA_DIAG_NOTE, PA_DIAG_INPUT, "%s: stopped at line %u, after %zu errors",
			     reader->name, reader->number, reader->error_count);
}

/* A file without a packet would prove nothing, and look like a success. */
static void refuse_empty(struct pa_diags *diags, const char *name)
{
	struct pa_diag *diag = pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "%s: no packet in it", name);
	diag->help = "a packet is a line such as {\"proto\":\"tcp\",\"dst\":\"192.0.2.1\",\"dport\":22}";
}

struct pa_packet_file *pa_packets_parse(const char *text, size_t length, const char *name, struct pa_diags *diags)
{
	struct pa_packet_file *file = pa_xcalloc(1, sizeof(*file));
	file->arena = pa_arena_new();
	struct pa_packet_reader reader = {
		.file = file,
		.words = { .scratch = pa_arena_new(), .suggestion_budget = SUGGESTION_BUDGET },
		.diags = diags,
		.name = pa_arena_strdup(file->arena, name),
	};
	read_lines(&reader, text, length);
	bool failed = reader.error_count || file->count == 0;
	if (reader.error_count == 0 && file->count == 0)
		refuse_empty(diags, name);
	pa_diags_sort(diags);
	pa_arena_free(reader.words.scratch);
	return failed ? pa_packets_free(file) : file;
}

struct pa_packet_file *pa_packets_free(struct pa_packet_file *file)
{
	if (!file)
		return NULL;
	free(file->lines);
	pa_arena_free(file->arena);
	free(file);
	return NULL;
}

struct pa_packet_file *pa_packets_load(const char *path, struct pa_diags *diags)
{
	struct pa_packet_file *file = NULL;
	struct pa_buffer text = { 0 };
	const char *name;
	if (pa_file_read(path, &text, &name, diags))
		file = pa_packets_parse(text.data ? text.data : "", text.length, name, diags);
	pa_buffer_done(&text);
	return file;
}
