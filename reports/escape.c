/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text from outside (comments, names, rule texts) made safe to show. A comment may hold an escape sequence that clears the
 * screen, and a process can name itself anything.
 */
#include <string.h>

#include "portaudit/report.h"
#include "utf8.h"

/* Code points from `first` to `last`. */
struct span {
	uint32_t first;
	uint32_t last;
};

/* Unicode 15, EastAsianWidth W and F, joined over unassigned gaps; and the emoji blocks. */
static const struct span wide[] = {
	{ 0x1100, 0x115f },   { 0x231a, 0x231b },   { 0x2329, 0x232a },	  { 0x23e9, 0x23ec },	{ 0x25fd, 0x25fe },
	{ 0x2614, 0x2615 },   { 0x2648, 0x2653 },   { 0x26a1, 0x26a1 },	  { 0x26bd, 0x26be },	{ 0x2705, 0x2705 },
	{ 0x274c, 0x274c },   { 0x2753, 0x2757 },   { 0x2795, 0x2797 },	  { 0x2e80, 0x303e },	{ 0x3041, 0x33ff },
	{ 0x3400, 0x4dbf },   { 0x4e00, 0x9fff },   { 0xa000, 0xa4cf },	  { 0xa960, 0xa97f },	{ 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff01, 0xff60 },	  { 0xffe0, 0xffe6 },	{ 0x16fe0, 0x18aff },
	{ 0x1b000, 0x1b2ff }, { 0x1f18e, 0x1f18e }, { 0x1f191, 0x1f19a }, { 0x1f200, 0x1f320 }, { 0x1f32d, 0x1f64f },
	{ 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};

/* Unicode 15, general categories Mn and Me of the scripts in common use, and the zero-width characters. */
static const struct span zero[] = {
	{ 0x0300, 0x036f }, { 0x0483, 0x0489 }, { 0x0591, 0x05bd },   { 0x0610, 0x061a }, { 0x064b, 0x065f },
	{ 0x093c, 0x093c }, { 0x0941, 0x0948 }, { 0x0e31, 0x0e31 },   { 0x0e34, 0x0e3a }, { 0x0e47, 0x0e4e },
	{ 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x200b, 0x200d },   { 0x20d0, 0x20f0 }, { 0xfe00, 0xfe0f },
	{ 0xfe20, 0xfe2f }, { 0xfeff, 0xfeff }, { 0xe0100, 0xe01ef },
};

/* Directional marks and overrides (UAX 9), line and paragraph separators. */
static const struct span controls[] = {
	{ 0x0000, 0x001f }, { 0x007f, 0x009f }, { 0x061c, 0x061c }, { 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2066, 0x2069 },
};

static bool in_spans(const struct span *spans, size_t count, uint32_t code)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (code > spans[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && code >= spans[low].first;
}

unsigned pa_utf8_columns(uint32_t code)
{
	if (code < 0x300)
		return 1;
	if (in_spans(zero, sizeof(zero) / sizeof(*zero), code))
		return 0;
	return in_spans(wide, sizeof(wide) / sizeof(*wide), code) ? 2 : 1;
}

bool pa_utf8_is_control(uint32_t code)
{
	return in_spans(controls, sizeof(controls) / sizeof(*controls), code);
}

/* The shape is checked by pa_text_is_utf8(), which knows overlong forms and surrogates. */
size_t pa_utf8_decode(const char *text, size_t left, uint32_t *ret_code)
{
	const unsigned char *bytes = (const unsigned char *)text;
	if (bytes[0] < 0x80) {
		*ret_code = bytes[0];
		return 1;
	}
	size_t length = bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
	if (length > left || !pa_text_is_utf8(text, length))
		return 0;
	uint32_t code = bytes[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++)
		code = code << 6 | (bytes[i] & 0x3fu);
	*ret_code = code;
	return length;
}

unsigned pa_utf8_width(const char *text, size_t length)
{
	unsigned columns = 0;
	for (size_t at = 0, taken; at < length; at += taken) {
		uint32_t code = 0;
		taken = pa_utf8_decode(text + at, length - at, &code);
		columns += taken ? pa_utf8_columns(code) : 1;
		taken += taken == 0;
	}
	return columns;
}

static void add_hex(const char *bytes, size_t length, struct pa_buffer *out)
{
	for (size_t i = 0; i < length; i++)
		pa_buffer_printf(out, "\\x%02x", (unsigned)(unsigned char)bytes[i]);
}

/* Copy `text`; what is broken, or what `refuse` names, becomes \xNN byte by byte. */
static void escape(const char *text, bool (*refuse)(uint32_t code), struct pa_buffer *out)
{
	size_t left = text ? strlen(text) : 0;
	while (left) {
		uint32_t code = 0;
		size_t taken = pa_utf8_decode(text, left, &code);
		if (taken && !refuse(code))
			pa_buffer_add(out, text, taken);
		else
			add_hex(text, taken ? taken : 1, out);
		taken += taken == 0;
		text += taken;
		left -= taken;
	}
}

/* XML 1.0, production 2 (Char), less the C1 controls and direction marks, which the text reaches a terminal with. */
static bool refused_in_xml(uint32_t code)
{
	if (code == '\t' || code == '\n')
		return false;
	return pa_utf8_is_control(code) || (code & 0xfffe) == 0xfffe;
}

static bool refused_on_terminal(uint32_t code)
{
	return pa_utf8_is_control(code);
}

void pa_text_escape(const char *text, struct pa_buffer *out)
{
	escape(text, refused_on_terminal, out);
}

void pa_text_escape_xml(const char *text, struct pa_buffer *out)
{
	escape(text, refused_in_xml, out);
}
