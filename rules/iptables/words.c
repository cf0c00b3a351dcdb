/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines as words, the way iptables-restore takes them apart (add_param_to_argv() in iptables/xshared.c), and errors about them. */
#include "xt.h"

#include <stdarg.h>

#define ERRORS_MAX 100

bool pa_xt_error(struct pa_xt_reader *reader, const struct pa_xt_line *line, const struct pa_xt_word *word, const char *format,
		 ...)
{
	va_list arguments;
	if (reader->error_count++ >= ERRORS_MAX)
		return false;
	va_start(arguments, format);
	const char *message = pa_arena_vprintf(reader->arena, format, arguments);
	va_end(arguments);
	struct pa_diag *diag = pa_diags_add(reader->diags, PA_DIAG_ERROR, reader->kind, "%s", message);
	struct pa_arena *arena = reader->diags->arena;
	diag->where.file = pa_arena_strdup(arena, reader->file);
	diag->where.line = line->number;
	diag->where.column = word ? word->column : 1;
	diag->where.length = word ? word->length : (uint32_t)strlen(line->source);
	diag->source = pa_arena_strdup(arena, line->source);
	return false;
}

void pa_xt_help(struct pa_xt_reader *reader, const char *help)
{
	if (reader->error_count <= ERRORS_MAX && reader->diags->count)
		reader->diags->items[reader->diags->count - 1].help = pa_arena_strdup(reader->diags->arena, help);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Where the words begin: behind `[packets:bytes]`, which says nothing of what gets in. */
static size_t skip_counters(const char *text, size_t length)
{
	size_t at = 0;
	while (at < length && is_blank(text[at]))
		at++;
	if (at == length || text[at] != '[')
		return at;
	const char *end = memchr(text + at, ']', length - at);
	const char *colon = memchr(text + at, ':', length - at);
	return end && colon && colon < end ? (size_t)(end - text) + 1 : at;
}

/* One word from `at` on, which is no blank. Its end; 0: a quote is not closed. A word ends with its closing quote. */
static size_t take_word(const char *text, size_t length, size_t at, struct pa_buffer *out, bool *ret_quoted)
{
	bool open = false;
	*ret_quoted = false;
	for (; at < length; at++) {
		char c = text[at];
		if (!open && is_blank(c))
			return at;
		if (open && c == '\\' && at + 1 < length)
			c = text[++at];
		else if (c == '"') {
			if (open)
				return at + 1;
			open = *ret_quoted = true;
			continue;
		}
		pa_buffer_putc(out, c);
	}
	return open ? 0 : at;
}

bool pa_xt_split(struct pa_xt_reader *reader, const char *text, size_t length, uint32_t number, struct pa_xt_line *ret_line)
{
	struct pa_buffer word = { 0 };
	size_t capacity = 0, at = skip_counters(text, length);
	struct pa_xt_word *words = NULL;
	*ret_line = (struct pa_xt_line){ .source = pa_arena_strndup(reader->arena, text, length), .number = number };
	for (;;) {
		while (at < length && is_blank(text[at]))
			at++;
		if (at == length)
			break;
		bool quoted;
		size_t end = take_word(text, length, at, &word, &quoted);
		struct pa_xt_word taken = { .column = (uint32_t)at + 1, .length = (uint32_t)((end ? end : length) - at) };
		taken.text = pa_arena_strndup(reader->arena, word.data ? word.data : "", word.length);
		taken.quoted = quoted;
		pa_buffer_clear(&word);
		if (!end) {
			pa_buffer_done(&word);
			return pa_xt_error(reader, ret_line, &taken, "the quote is not closed on this line");
		}
		if (ret_line->count == capacity) {
			struct pa_xt_word *old = words;
			capacity = capacity ? capacity * 2 : 16;
			words = pa_arena_alloc(reader->arena, capacity, sizeof(*words));
			if (old)
				memcpy(words, old, ret_line->count * sizeof(*words));
		}
		words[ret_line->count++] = taken;
		at = end;
	}
	ret_line->words = words;
	pa_buffer_done(&word);
	return true;
}

void pa_xt_put_word(struct pa_buffer *out, const char *word)
{
	static const char plain[] =
		"_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!./,:+[]@%=*#<>~^&|;?{}()$";
	if (*word && word[strspn(word, plain)] == '\0') {
		pa_buffer_puts(out, word);
		return;
	}
	pa_buffer_putc(out, '"');
	for (; *word; word++) {
		if (*word == '"' || *word == '\\')
			pa_buffer_putc(out, '\\');
		pa_buffer_putc(out, *word);
	}
	pa_buffer_putc(out, '"');
}
