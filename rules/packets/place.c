/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors with places: the JSON library does not say where a key stands, so that it is looked up again in the line. */
#include <string.h>

#include "reader.h"

enum { LINE_SHOWN = 65536 }; /* longer lines are not repeated in a message */

/* A stretch of the line. */
struct stretch {
	size_t at, length;
};

static size_t skip_blanks(const char *text, size_t length, size_t at)
{
	while (at < length && strchr(" \t\r\n,:", text[at]) && text[at])
		at++;
	return at;
}

/* `at` is the opening quote; the answer is behind the closing one. */
static size_t skip_string(const char *text, size_t length, size_t at)
{
	for (at++; at < length && text[at] != '"'; at++)
		if (text[at] == '\\')
			at++;
	return at < length ? at + 1 : length;
}

static size_t skip_value(const char *text, size_t length, size_t at)
{
	size_t depth = 0;
	while (at < length && (depth || !strchr(" \t\r\n,]}", text[at]))) {
		char c = text[at];
		if (c == '"') {
			at = skip_string(text, length, at);
			continue;
		}
		depth += c == '[' || c == '{';
		depth -= depth && (c == ']' || c == '}');
		at++;
	}
	return at;
}

/* The key of the outermost object, as it is written without escapes. */
static bool find_key(const char *text, size_t length, const char *key, struct stretch *ret_key, struct stretch *ret_value)
{
	size_t wanted = strlen(key), at = skip_blanks(text, length, 0);
	if (at < length && text[at] == '{')
		at++;
	for (at = skip_blanks(text, length, at); at < length && text[at] == '"'; at = skip_blanks(text, length, at)) {
		size_t begin = at, end = skip_string(text, length, at);
		size_t value = skip_blanks(text, length, end);
		at = skip_value(text, length, value);
		if (end - begin == wanted + 2 && memcmp(text + begin + 1, key, wanted) == 0) {
			*ret_key = (struct stretch){ begin, end - begin };
			*ret_value = (struct stretch){ value, at - value };
			return true;
		}
	}
	return false;
}

static struct pa_diag *add(struct pa_packet_reader *reader, const char *message)
{
	struct pa_diag *diag = pa_diags_add(reader->diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "%s", message);
	diag->where.file = pa_arena_strdup(reader->diags->arena, reader->name);
	diag->where.line = reader->number;
	if (reader->length <= LINE_SHOWN)
		diag->source = pa_arena_strndup(reader->diags->arena, reader->text, reader->length);
	reader->error_count++;
	return diag;
}

void pa_packet_error(struct pa_packet_reader *reader, const char *key, enum pa_packet_part part, const char *help,
		     const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	struct pa_diag *diag = add(reader, pa_arena_vprintf(reader->words.scratch, format, arguments));
	va_end(arguments);
	struct stretch place = { 0, reader->length }, value;
	if (key && find_key(reader->text, reader->length, key, &place, &value) && part == PA_PART_VALUE)
		place = value;
	diag->where.column = (uint32_t)place.at + 1;
	diag->where.length = (uint32_t)place.length;
	diag->help = help ? pa_arena_strdup(reader->diags->arena, help) : NULL;
}

struct pa_diag *pa_packet_error_at(struct pa_packet_reader *reader, size_t column, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	struct pa_diag *diag = add(reader, pa_arena_vprintf(reader->words.scratch, format, arguments));
	va_end(arguments);
	diag->where.column = (uint32_t)column;
	diag->where.length = 1;
	return diag;
}
