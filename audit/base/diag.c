/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of what went wrong, with places. Printing it is the business of reports/. */
#include <stdlib.h>

#include "portaudit/base.h"

struct pa_diag *pa_diags_add(struct pa_diags *diags, enum pa_diag_level level, enum pa_diag_kind kind, const char *format, ...)
{
	if (!diags->arena)
		diags->arena = pa_arena_new();
	pa_grow(&diags->items, &diags->capacity, diags->count + 1, sizeof(*diags->items));

	va_list arguments;
	va_start(arguments, format);
	const char *message = pa_arena_vprintf(diags->arena, format, arguments);
	va_end(arguments);

	struct pa_diag *diag = &diags->items[diags->count++];
	*diag = (struct pa_diag){ .level = level, .kind = kind, .message = message };
	return diag;
}

bool pa_diags_has_errors(const struct pa_diags *diags)
{
	for (size_t i = 0; i < diags->count; i++)
		if (diags->items[i].level == PA_DIAG_ERROR)
			return true;
	return false;
}

/* A diagnostic with what it is sorted by. */
struct placed {
	struct pa_diag diag;
	size_t file;  /* the position of the first diagnostic of the same file */
	size_t index; /* keeps the sort stable */
};

static size_t first_of_file(const struct pa_diags *diags, size_t index)
{
	size_t first = 0;
	while (!pa_text_equal(diags->items[first].where.file, diags->items[index].where.file))
		first++;
	return first;
}

static int compare_sizes(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int compare_placed(const void *left, const void *right)
{
	const struct placed *a = left, *b = right;
	int order = compare_sizes(a->file, b->file);
	if (order == 0)
		order = compare_sizes(a->diag.where.line, b->diag.where.line);
	if (order == 0)
		order = compare_sizes(a->diag.where.column, b->diag.where.column);
	return order ? order : compare_sizes(a->index, b->index);
}

void pa_diags_sort(struct pa_diags *diags)
{
	if (diags->count < 2)
		return;
	struct placed *placed = pa_xcalloc(diags->count, sizeof(*placed));
	for (size_t i = 0; i < diags->count; i++)
		placed[i] = (struct placed){ .diag = diags->items[i], .file = first_of_file(diags, i), .index = i };
	qsort(placed, diags->count, sizeof(*placed), compare_placed);
	for (size_t i = 0; i < diags->count; i++)
		diags->items[i] = placed[i].diag;
	free(placed);
}

void pa_diags_done(struct pa_diags *diags)
{
	pa_arena_free(diags->arena);
	free(diags->items);
	*diags = (struct pa_diags){ 0 };
}
