/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors are gathered over all files, then sorted and handed over. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "allow.h"

static void add(struct pa_allow *allow, enum pa_diag_level level, struct pa_place place, const char *help, bool with_line,
		const char *message)
{
	pa_grow(&allow->errors, &allow->error_capacity, allow->error_count + 1, sizeof(*allow->errors));
	allow->errors[allow->error_count++] = (struct pa_allow_error){
		.level = level,
		.place = place,
		.message = message,
		.help = help ? pa_arena_strdup(allow->scratch, help) : NULL,
		.with_line = with_line,
	};
}

void pa_allow_form_error(struct pa_allow *allow, struct pa_place place, const char *help, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	add(allow, PA_DIAG_ERROR, place, help, true, pa_arena_vprintf(allow->scratch, format, arguments));
	va_end(arguments);
}

void pa_allow_meaning_error(struct pa_allow *allow, struct pa_place place, const char *help, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	add(allow, PA_DIAG_ERROR, place, help, false, pa_arena_vprintf(allow->scratch, format, arguments));
	va_end(arguments);
}

void pa_allow_warning(struct pa_allow *allow, struct pa_place place, const char *help, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	add(allow, PA_DIAG_WARNING, place, help, false, pa_arena_vprintf(allow->scratch, format, arguments));
	va_end(arguments);
}

const char *pa_allow_text(struct pa_allow *allow, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	const char *text = pa_arena_vprintf(allow->scratch, format, arguments);
	va_end(arguments);
	return text;
}

const char *pa_allow_shown(struct pa_allow *allow, const char *text, size_t length)
{
	if (length <= PA_ALLOW_WORD_SHOWN)
		return pa_arena_strndup(allow->scratch, text, length);
	size_t cut = PA_ALLOW_WORD_SHOWN - 3;
	while (cut && ((unsigned char)text[cut] & 0xc0) == 0x80) /* not inside a character */
		cut--;
	return pa_allow_text(allow, "%.*s...", (int)cut, text);
}

bool pa_allow_has_errors(const struct pa_allow *allow)
{
	for (size_t i = 0; i < allow->error_count; i++)
		if (allow->errors[i].level == PA_DIAG_ERROR)
			return true;
	return false;
}

static int compare_numbers(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

/* By file in order of reading, then line and column; equal places keep their order (the array is one allocation). */
static int compare_errors(const void *left, const void *right)
{
	const struct pa_allow_error *const *a = left, *const *b = right;
	const struct pa_place *pa = &(*a)->place, *pb = &(*b)->place;
	size_t file_a = pa->source ? pa->source->index + 1 : 0, file_b = pb->source ? pb->source->index + 1 : 0;
	int order = compare_numbers(file_a, file_b);
	if (order == 0)
		order = compare_numbers(pa->line, pb->line);
	if (order == 0)
		order = compare_numbers(pa->column, pb->column);
	return order ? order : compare_numbers((uintptr_t)*a, (uintptr_t)*b);
}

static void hand_over(const struct pa_allow_error *error, struct pa_diags *diags)
{
	struct pa_diag *diag = pa_diags_add(diags, error->level, PA_DIAG_INPUT, "%s", error->message);
	const struct pa_place *place = &error->place;
	if (error->help)
		diag->help = pa_arena_strdup(diags->arena, error->help);
	if (!place->source)
		return;
	diag->where = (struct pa_location){
		.file = pa_arena_strdup(diags->arena, place->source->path),
		.line = place->line,
		.column = place->column,
		.length = place->length,
	};
	const char *text;
	size_t length = place->line ? pa_source_line(place->source, place->line, &text) : 0;
	if (error->with_line && length && length <= PA_ALLOW_LINE_MAX)
		diag->source = pa_arena_strndup(diags->arena, text, length);
}

/* Beside errors, warnings are noise, and must not use up the room. */
void pa_allow_errors_report(struct pa_allow *allow, struct pa_diags *diags)
{
	size_t count = 0;
	bool errors_only = pa_allow_has_errors(allow);
	const struct pa_allow_error **sorted = pa_xcalloc(allow->error_count + 1, sizeof(*sorted));
	for (size_t i = 0; i < allow->error_count; i++)
		if (!errors_only || allow->errors[i].level == PA_DIAG_ERROR)
			sorted[count++] = &allow->errors[i];
	qsort(sorted, count, sizeof(*sorted), compare_errors);
	size_t shown = count < PA_ALLOW_ERRORS_SHOWN ? count : PA_ALLOW_ERRORS_SHOWN;
	for (size_t i = 0; i < shown; i++)
		hand_over(sorted[i], diags);
	if (count > shown)
		pa_diags_add(diags, PA_DIAG_NOTE, PA_DIAG_INPUT, "%zu more %s in %s not shown", count - shown,
			     errors_only ? "errors" : "warnings", allow->policy->file);
	free(sorted);
}
