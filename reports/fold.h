/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Laying text out in columns of a terminal. Text must be safe already (pa_text_escape); '\n' in it begins a new line. */
#ifndef PORTAUDIT_REPORTS_FOLD_H
#define PORTAUDIT_REPORTS_FOLD_H

#include "portaudit/report.h"

/* Colours by what they say. */
enum pa_paint {
	PA_PAINT_NONE,
	PA_PAINT_STRONG, /* headings */
	PA_PAINT_FAINT,	 /* what explains */
	PA_PAINT_CRITICAL,
	PA_PAINT_BAD,
	PA_PAINT_WARN,
	PA_PAINT_NOTE,
	PA_PAINT_GOOD,
};
enum pa_paint pa_paint_of_severity(enum pa_severity severity);
void pa_painted(const struct pa_style *style, enum pa_paint paint, const char *text, size_t length, struct pa_buffer *out);
void pa_painted_text(const struct pa_style *style, enum pa_paint paint, const char *text, struct pa_buffer *out);

/*
 * The next line of `*text` that fits into `width` columns (0: as it is), broken at a blank where there is one. Returns its
 * length in bytes and moves *text behind it; NULL in *text is the end.
 */
size_t pa_fold_next(const char **text, unsigned width);

/* A paragraph: `lead` before its first line, as many blanks before the others. The last line is ended. */
void pa_paragraph(const struct pa_style *style, enum pa_paint paint, const char *lead, const char *text, struct pa_buffer *out);

/* The same with a lead of another colour. */
void pa_hanging(const struct pa_style *style, enum pa_paint lead_paint, const char *lead, enum pa_paint paint, const char *text,
		struct pa_buffer *out);

/* --- a table ------------------------------------------------------------------------------------------------ */
#define PA_GRID_COLUMNS_MAX 8
struct pa_grid_row {
	const char *cell[PA_GRID_COLUMNS_MAX];
	const char *note; /* a paragraph below the row, or NULL */
	enum pa_paint paint;
};
struct pa_grid {
	unsigned columns;
	const char *title[PA_GRID_COLUMNS_MAX];
	unsigned least[PA_GRID_COLUMNS_MAX]; /* a column never gets narrower than this by folding */
	const struct pa_grid_row *rows;
	size_t count;
};
void pa_grid_print(const struct pa_grid *grid, const struct pa_style *style, struct pa_buffer *out);

#endif
