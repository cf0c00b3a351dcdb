/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Diagnostics as a good compiler prints them. */
#include <string.h>

#include "fold.h"
#include "utf8.h"

#define TAB 8
#define GUTTER 5       /* columns of the line number */
#define LINE_SHOWN 160 /* columns of a source line when the terminal's width is not known */
#define LINE_SHOWN_LEAST 30

/* A source line as it is shown: tabs and unsafe characters replaced, and where the marked word stands in it. */
struct shown_line {
	struct pa_buffer text;
	size_t from; /* bytes of text before the marked word */
	size_t to;   /* ... and up to its end */
};

static unsigned level_paint(enum pa_diag_level level)
{
	return level == PA_DIAG_ERROR ? PA_PAINT_CRITICAL : level == PA_DIAG_WARNING ? PA_PAINT_WARN : PA_PAINT_NOTE;
}

static void add_tab(struct shown_line *line)
{
	unsigned column = pa_utf8_width(line->text.data ? line->text.data : "", line->text.length);
	pa_buffer_printf(&line->text, "%*s", (int)(TAB - column % TAB), "");
}

static void add_character(struct shown_line *line, const char *text, size_t length)
{
	char one[5] = { 0 };
	memcpy(one, text, length);
	pa_text_escape(one, &line->text);
}

/* The part of a source line that is worth reading: a line of a megabyte is not walked from its beginning. */
static const char *near(const char *source, const struct pa_location *where, size_t *ret_skipped, size_t *ret_length)
{
	size_t total = strcspn(source, "\n"), mark = where->column ? where->column - 1 : 0, reach = 8 * (size_t)LINE_SHOWN;
	size_t first = mark > reach ? mark - reach : 0;
	if (first > total)
		first = total;
	while (first && ((unsigned char)source[first] & 0xc0) == 0x80)
		first--;
	size_t last = mark + reach < total ? mark + reach : total;
	*ret_skipped = first;
	*ret_length = last - first;
	return source + first;
}

static void show_line(struct shown_line *line, const char *source, const struct pa_location *where)
{
	size_t skipped, length;
	const char *text = near(source, where, &skipped, &length);
	size_t from = where->column ? where->column - 1 - skipped : 0, to = from + where->length;
	line->from = line->to = SIZE_MAX;
	for (size_t at = 0, taken; at < length; at += taken) {
		uint32_t code = 0;
		taken = pa_utf8_decode(text + at, length - at, &code);
		taken += taken == 0;
		if (line->from == SIZE_MAX && at + taken > from)
			line->from = line->text.length;
		if (line->to == SIZE_MAX && at >= to)
			line->to = line->text.length;
		if (text[at] == '\t')
			add_tab(line);
		else if (text[at] != '\r' || at + 1 < length)
			add_character(line, text + at, taken);
	}
	pa_buffer_puts(&line->text, "");
	line->from = line->from == SIZE_MAX ? line->text.length : line->from;
	line->to = line->to == SIZE_MAX ? line->text.length : line->to;
}

/* Bytes behind `at` that take `columns`. */
static size_t forward(const struct shown_line *line, size_t at, unsigned columns)
{
	while (at < line->text.length) {
		uint32_t code = 0;
		size_t taken = pa_utf8_decode(line->text.data + at, line->text.length - at, &code);
		unsigned width = pa_utf8_columns(code);
		if (width > columns)
			break;
		columns -= width;
		at += taken ? taken : 1;
	}
	return at;
}

static size_t backward(const struct shown_line *line, size_t at, unsigned columns)
{
	while (at && columns) {
		do
			at--;
		while (at && ((unsigned char)line->text.data[at] & 0xc0) == 0x80);
		columns--;
	}
	return at;
}

static void print_marks(const struct shown_line *line, size_t first, size_t last, const struct pa_style *style,
			enum pa_paint paint, unsigned before, struct pa_buffer *out)
{
	struct pa_buffer marks = { 0 };
	size_t to = line->to < last ? line->to : last;
	unsigned blanks = before + pa_utf8_width(line->text.data + first, line->from - first);
	unsigned width = to > line->from ? pa_utf8_width(line->text.data + line->from, to - line->from) : 0;
	pa_buffer_putc(&marks, '^');
	for (unsigned i = 1; i < width; i++)
		pa_buffer_putc(&marks, '~');
	pa_buffer_printf(out, "%*s | %*s", GUTTER, "", (int)blanks, "");
	pa_painted(style, paint, marks.data, marks.length, out);
	pa_buffer_putc(out, '\n');
	pa_buffer_done(&marks);
}

static void print_source(const struct pa_diag *diag, const struct pa_style *style, struct pa_buffer *out)
{
	struct shown_line line = { 0 };
	show_line(&line, diag->source, &diag->where);
	unsigned room = style->width ? style->width : LINE_SHOWN;
	room = room > GUTTER + 3 + 6 + LINE_SHOWN_LEAST ? room - GUTTER - 3 - 6 : LINE_SHOWN_LEAST;
	size_t first = 0;
	if (pa_utf8_width(line.text.data, line.text.length) > room + 6) {
		first = forward(&line, 0, room / 2) < line.from ? backward(&line, line.from, room / 2) : 0;
	} else {
		room += 6;
	}
	size_t last = forward(&line, first, room);
	bool cut_before = first > 0 || diag->where.column > 8 * LINE_SHOWN + 1, cut_after = last < line.text.length;
	pa_buffer_printf(out, "%*u | %s", GUTTER, diag->where.line, cut_before ? "..." : "");
	pa_buffer_add(out, line.text.data + first, last - first);
	pa_buffer_puts(out, cut_after ? "...\n" : "\n");
	if (diag->where.column)
		print_marks(&line, first, last, style, (enum pa_paint)level_paint(diag->level), cut_before ? 3 : 0, out);
	pa_buffer_done(&line.text);
}

static void print_place(const struct pa_location *where, struct pa_buffer *out)
{
	if (!where->file) {
		pa_buffer_puts(out, "portaudit: ");
		return;
	}
	pa_text_escape(where->file, out);
	if (where->line)
		pa_buffer_printf(out, ":%u", where->line);
	if (where->line && where->column)
		pa_buffer_printf(out, ":%u", where->column);
	pa_buffer_puts(out, ": ");
}

static void print_diag(const struct pa_diag *diag, const struct pa_style *style, struct pa_buffer *out)
{
	static const char *const levels[] = {
		[PA_DIAG_ERROR] = "error: ", [PA_DIAG_WARNING] = "warning: ", [PA_DIAG_NOTE] = "note: "
	};
	print_place(&diag->where, out);
	pa_painted_text(style, (enum pa_paint)level_paint(diag->level), levels[diag->level], out);
	pa_text_escape(diag->message, out);
	pa_buffer_putc(out, '\n');
	if (diag->source && diag->where.line)
		print_source(diag, style, out);
	if (diag->help) {
		pa_buffer_printf(out, "%*s= help: ", GUTTER + 1, "");
		pa_text_escape(diag->help, out);
		pa_buffer_putc(out, '\n');
	}
}

void pa_report_diags(const struct pa_diags *diags, const struct pa_style *style, struct pa_buffer *out)
{
	for (size_t i = 0; i < diags->count; i++)
		print_diag(&diags->items[i], style, out);
}
