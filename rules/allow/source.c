/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policy files as bytes: reading them, and what they may not hold. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "allow.h"

const char *pa_source_relative(struct pa_allow *allow, const struct pa_source *source, const char *name)
{
	const char *slash = strrchr(source->path, '/');
	if (name[0] == '/' || !slash)
		return name;
	return pa_arena_printf(allow->policy->arena, "%.*s%s", (int)(slash - source->path + 1), source->path, name);
}

static void index_lines(struct pa_source *source)
{
	size_t capacity = 0;
	const char *at = source->text, *end = at + source->length;
	while (at) {
		pa_grow(&source->lines, &capacity, source->line_count + 1, sizeof(*source->lines));
		source->lines[source->line_count++] = at;
		const char *newline = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
		at = newline ? newline + 1 : NULL;
	}
}

/* A byte order mark at the very start is no part of the text. */
struct pa_source *pa_source_of_text(struct pa_allow *allow, const char *text, size_t length, const char *name)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	size_t skip = length >= 3 && memcmp(text, byte_order_mark, 3) == 0 ? 3 : 0;
	struct pa_source *source = pa_xcalloc(1, sizeof(*source));
	source->path = pa_arena_strdup(allow->policy->arena, name);
	source->text = text + skip;
	source->length = length - skip;
	source->index = allow->source_count;
	index_lines(source);
	pa_grow(&allow->sources, &allow->source_capacity, allow->source_count + 1, sizeof(struct pa_source *));
	allow->sources[allow->source_count++] = source;
	return source;
}

static void cannot_read(struct pa_allow *allow, struct pa_place place, const char *path, const char *why)
{
	pa_allow_meaning_error(allow, place, NULL, "cannot read %s: %s", path, why);
}

/* Everything up to the end of the file, which may be longer or shorter than fstat() said. NULL: *ret_why says why. */
static char *read_whole(int fd, size_t size_max, size_t *ret_length, const char **ret_why)
{
	struct pa_buffer buffer = { 0 };
	char block[65536];
	for (;;) {
		ssize_t got = read(fd, block, sizeof(block));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			*ret_why = strerrordesc_np(errno);
		else if (buffer.length + (size_t)got > size_max)
			*ret_why = "it is too large";
		if (got > 0 && !*ret_why)
			pa_buffer_add(&buffer, block, (size_t)got);
		if (got <= 0 || *ret_why)
			break;
	}
	if (*ret_why) {
		pa_buffer_done(&buffer);
		return NULL;
	}
	*ret_length = buffer.length;
	return buffer.data ? buffer.data : pa_xcalloc(1, 1);
}

/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
static char *read_regular(const char *path, size_t size_max, struct stat *ret_status, size_t *ret_length, const char **ret_why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		*ret_why = strerrordesc_np(errno);
		return NULL;
	}
	char *text = NULL;
	if (fstat(fd, ret_status) != 0)
		*ret_why = strerrordesc_np(errno);
	else if (!S_ISREG(ret_status->st_mode))
		*ret_why = "it is not a regular file";
	else
		text = read_whole(fd, size_max, ret_length, ret_why);
	close(fd);
	return text;
}

struct pa_source *pa_source_read(struct pa_allow *allow, const char *path, size_t size_max, struct pa_place place)
{
	if (allow->source_count > PA_ALLOW_FILES_MAX) {
		pa_allow_meaning_error(allow, place, NULL, "more than %d files", (int)PA_ALLOW_FILES_MAX);
		return NULL;
	}
	struct stat status;
	size_t length = 0;
	const char *why = NULL;
	char *text = read_regular(path, size_max, &status, &length, &why);
	if (!text) {
		cannot_read(allow, place, path, why);
		return NULL;
	}
	struct pa_source *source = pa_source_of_text(allow, text, length, path);
	source->owned = text;
	source->device = status.st_dev;
	source->inode = status.st_ino;
	return source;
}

size_t pa_source_line(const struct pa_source *source, uint32_t line, const char **ret_text)
{
	const char *start = source->lines[line - 1];
	const char *end = line < source->line_count ? source->lines[line] - 1 : source->text + source->length;
	if (end > start && end[-1] == '\r' && line < source->line_count)
		end--;
	*ret_text = start;
	return (size_t)(end - start);
}

/* The bytes of the character at `text`, 0 if it is none (not UTF-8). */
static size_t character_length(const char *text, size_t left)
{
	for (size_t length = 1; length <= 4 && length <= left; length++)
		if (pa_text_is_utf8(text, length))
			return length;
	return 0;
}

/* U+202A-202E and U+2066-2069 make a line look as if it said something else. */
static bool is_direction_mark(const char *text, size_t length)
{
	if (length != 3 || (unsigned char)text[0] != 0xe2)
		return false;
	unsigned char second = (unsigned char)text[1], third = (unsigned char)text[2];
	return (second == 0x80 && third >= 0xaa && third <= 0xae) || (second == 0x81 && third >= 0xa6 && third <= 0xa9);
}

/* Why the character at `text` may not be in a policy, or NULL. */
static const char *character_fault(struct pa_allow *allow, const char *text, size_t length)
{
	unsigned char byte = (unsigned char)text[0];
	if (byte == 0)
		return "a NUL byte";
	if (byte == '\r')
		return "a carriage return inside the line";
	if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
		return pa_allow_text(allow, "the control character 0x%02x", byte);
	if (length == 0)
		return pa_allow_text(allow, "the byte 0x%02x, which is not UTF-8", byte);
	if (is_direction_mark(text, length))
		return "a character that changes the writing direction";
	if (length == 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		return "a byte order mark inside the text";
	return NULL;
}

static bool is_plain(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (((unsigned char)text[i] < 0x20 && text[i] != '\t') || (unsigned char)text[i] >= 0x7f)
			return false;
	return true;
}

bool pa_source_check_line(struct pa_allow *allow, const struct pa_source *source, uint32_t line)
{
	const char *text;
	size_t length = pa_source_line(source, line, &text);
	struct pa_place place = { .source = source, .line = line, .column = 1, .length = 1 };
	if (length > PA_ALLOW_LINE_MAX) {
		place.column = PA_ALLOW_LINE_MAX + 1;
		pa_allow_meaning_error(allow, place, "a long list belongs in a file: network NAME = file \"NAME.list\"",
				       "the line is longer than %d bytes", (int)PA_ALLOW_LINE_MAX);
		return false;
	}
	if (is_plain(text, length))
		return true;
	for (size_t i = 0, step; i < length; i += step) {
		step = character_length(text + i, length - i);
		const char *fault = character_fault(allow, text + i, step);
		if (fault) {
			place.column = (uint32_t)i + 1;
			pa_allow_meaning_error(allow, place, NULL, "the line holds %s", fault);
			return false;
		}
	}
	return true;
}

void pa_sources_free(struct pa_allow *allow)
{
	for (size_t i = 0; i < allow->source_count; i++) {
		free(allow->sources[i]->owned);
		free(allow->sources[i]->lines);
		free(allow->sources[i]->tokens);
		free(allow->sources[i]);
	}
	free(allow->sources);
}
