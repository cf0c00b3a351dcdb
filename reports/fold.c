/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Folding, colours and the table. */
#include "fold.h"

#include <string.h>

#include "utf8.h"

enum pa_paint pa_paint_of_severity(enum pa_severity severity)
{
	static const enum pa_paint paints[] = {
		[PA_SEVERITY_INFO] = PA_PAINT_FAINT,	    [PA_SEVERITY_LOW] = PA_PAINT_NOTE,
		[PA_SEVERITY_MEDIUM] = PA_PAINT_WARN,	    [PA_SEVERITY_HIGH] = PA_PAINT_BAD,
		[PA_SEVERITY_CRITICAL] = PA_PAINT_CRITICAL,
	};
	return paints[severity];
}

void pa_painted(const struct pa_style *style, enum pa_paint paint, const char *text, size_t length, struct pa_buffer *out)
{
	/* SGR parameters of ECMA-48. */
	static const char *const codes[] = {
		[PA_PAINT_NONE] = "",  [PA_PAINT_STRONG] = "1", [PA_PAINT_FAINT] = "2", [PA_PAINT_CRITICAL] = "1;31",
		[PA_PAINT_BAD] = "31", [PA_PAINT_WARN] = "33",	[PA_PAINT_NOTE] = "36", [PA_PAINT_GOOD] = "32",
	};
	bool color = style->color && paint != PA_PAINT_NONE && length;
	if (color)
		pa_buffer_printf(out, "\033[%sm", codes[paint]);
	pa_buffer_add(out, text, length);
	if (color)
		pa_buffer_puts(out, "\033[0m");
}

void pa_painted_text(const struct pa_style *style, enum pa_paint paint, const char *text, struct pa_buffer *out)
{
	pa_painted(style, paint, text, strlen(text), out);
}

/* The bytes of `text` that fit into `width` columns, at least one character. */
static size_t fitting(const char *text, size_t length, unsigned width)
{
	size_t at = 0;
	unsigned columns = 0;
	while (at < length) {
		uint32_t code = 0;
		size_t taken = pa_utf8_decode(text + at, length - at, &code);
		columns += taken ? pa_utf8_columns(code) : 1;
		if (columns > width && at)
			break;
		at += taken ? taken : 1;
	}
	return at;
}

size_t pa_fold_next(const char **text, unsigned width)
{
	const char *line = *text;
	size_t length = strcspn(line, "\n");
	*text = line[length] ? line + length + 1 : NULL;
	if (width == 0 || pa_utf8_width(line, length) <= width)
		return length;
	size_t taken = fitting(line, length, width);
	size_t blank = taken;
	while (blank && line[blank] != ' ')
		blank--;
	if (blank == 0 && line[taken] != ' ') {
		*text = line + taken;
		return taken;
	}
	*text = line + blank + 1;
	return blank;
}

void pa_hanging(const struct pa_style *style, enum pa_paint lead_paint, const char *lead, enum pa_paint paint, const char *text,
		struct pa_buffer *out)
{
	unsigned indent = pa_utf8_width(lead, strlen(lead));
	unsigned width = style->width > indent + 20 ? style->width - indent : style->width ? 20 : 0;
	pa_painted_text(style, lead_paint, lead, out);
	for (const char *rest = text, *line = text; rest; line = rest) {
		if (line != text)
			pa_buffer_printf(out, "%*s", (int)indent, "");
		size_t length = pa_fold_next(&rest, width);
		pa_painted(style, paint, line, length, out);
		pa_buffer_putc(out, '\n');
	}
}

void pa_paragraph(const struct pa_style *style, enum pa_paint paint, const char *lead, const char *text, struct pa_buffer *out)
{
	pa_hanging(style, PA_PAINT_NONE, lead, paint, text, out);
}

/* --- a table ------------------------------------------------------------------------------------------------ */
#define GAP 2 /* blanks between columns */

static unsigned widest_line(const char *text)
{
	unsigned widest = 0;
	for (const char *rest = text; rest;) {
		const char *line = rest;
		unsigned width = pa_utf8_width(line, pa_fold_next(&rest, 0));
		widest = width > widest ? width : widest;
	}
	return widest;
}

static unsigned total_width(const struct pa_grid *grid, const unsigned *widths)
{
	unsigned total = 0;
	for (unsigned column = 0; column < grid->columns; column++)
		total += widths[column] + (column ? GAP : 0);
	return total;
}

/* The column that gives way: the widest that is still above its least width. */
static unsigned widest_column(const struct pa_grid *grid, const unsigned *widths)
{
	unsigned widest = grid->columns;
	for (unsigned column = 0; column < grid->columns; column++) {
		if (widths[column] <= grid->least[column])
			continue;
		if (widest == grid->columns || widths[column] > widths[widest])
			widest = column;
	}
	return widest;
}

static void choose_widths(const struct pa_grid *grid, unsigned width, unsigned *widths)
{
	for (unsigned column = 0; column < grid->columns; column++) {
		widths[column] = widest_line(grid->title[column]);
		for (size_t i = 0; i < grid->count; i++) {
			unsigned cell = widest_line(grid->rows[i].cell[column]);
			widths[column] = cell > widths[column] ? cell : widths[column];
		}
	}
	while (width && total_width(grid, widths) > width) {
		unsigned column = widest_column(grid, widths);
		if (column == grid->columns)
			break;
		widths[column]--;
	}
}

/* The cell folded to its column; what is folded stands two blanks further in than the line that it belongs to. */
static void fold_cell(const char *cell, unsigned width, struct pa_buffer *out)
{
	for (const char *line = cell; line;) {
		size_t whole = strcspn(line, "\n");
		const char *next = line[whole] ? line + whole + 1 : NULL;
		unsigned indent = (unsigned)strspn(line, " ") + 2;
		unsigned narrow = width > indent + 8 ? width - indent : 0;
		const char *rest = line;
		size_t length = pa_fold_next(&rest, width);
		pa_buffer_add(out, line, length);
		while (rest && rest != next) {
			line = rest;
			length = pa_fold_next(&rest, narrow ? narrow : width);
			pa_buffer_printf(out, "\n%*s", narrow ? (int)indent : 0, "");
			pa_buffer_add(out, line, length);
		}
		if (next)
			pa_buffer_putc(out, '\n');
		line = next;
	}
}

/* One line of a table row; `rests` are moved on. Returns whether another line is needed. */
static bool print_line(const struct pa_grid *grid, const struct pa_style *style, const unsigned *widths, enum pa_paint paint,
		       const char **rests, struct pa_buffer *out)
{
	bool more = false;
	unsigned owed = 0; /* blanks, written only when something follows: no line ends in blanks */
	for (unsigned column = 0; column < grid->columns; column++) {
		const char *line = rests[column];
		size_t length = line ? pa_fold_next(&rests[column], 0) : 0;
		if (length) {
			pa_buffer_printf(out, "%*s", (int)owed, "");
			pa_painted(style, paint, line, length, out);
			owed = 0;
		}
		unsigned taken = length ? pa_utf8_width(line, length) : 0;
		owed += GAP + (widths[column] > taken ? widths[column] - taken : 0);
		more = more || rests[column];
	}
	pa_buffer_putc(out, '\n');
	return more;
}

static void print_row(const struct pa_grid *grid, const struct pa_style *style, const unsigned *widths, enum pa_paint paint,
		      const char *const *cells, struct pa_buffer *out)
{
	struct pa_buffer folded[PA_GRID_COLUMNS_MAX] = { 0 };
	const char *rests[PA_GRID_COLUMNS_MAX];
	for (unsigned column = 0; column < grid->columns; column++) {
		fold_cell(cells[column], style->width ? widths[column] : 0, &folded[column]);
		rests[column] = folded[column].length ? folded[column].data : NULL;
	}
	while (print_line(grid, style, widths, paint, rests, out))
		continue;
	for (unsigned column = 0; column < grid->columns; column++)
		pa_buffer_done(&folded[column]);
}

void pa_grid_print(const struct pa_grid *grid, const struct pa_style *style, struct pa_buffer *out)
{
	unsigned widths[PA_GRID_COLUMNS_MAX] = { 0 };
	choose_widths(grid, style->width, widths);
	print_row(grid, style, widths, PA_PAINT_STRONG, grid->title, out);
	for (size_t i = 0; i < grid->count; i++) {
		print_row(grid, style, widths, grid->rows[i].paint, grid->rows[i].cell, out);
		if (grid->rows[i].note)
			pa_paragraph(style, grid->rows[i].paint, "    ", grid->rows[i].note, out);
	}
}
