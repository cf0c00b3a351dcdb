/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions about text: equality, UTF-8, patterns, likeness. */
#include <stdlib.h>
#include <string.h>

#include "portaudit/base.h"

bool pa_text_equal(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a, b) == 0;
}

/*
 * The length of the well-formed UTF-8 sequence at `bytes` (RFC 3629, table of section 4: no overlong forms, no surrogates,
 * nothing beyond U+10FFFF), or 0.
 */
static size_t utf8_sequence(const unsigned char *bytes, size_t left)
{
	unsigned char lead = bytes[0];
	if (lead < 0x80)
		return lead != 0;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (length > left)
		return 0;
	unsigned char lowest = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	unsigned char highest = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	if (bytes[1] < lowest || bytes[1] > highest)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

bool pa_text_is_utf8(const char *text, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)text;
	while (length) {
		size_t taken = utf8_sequence(bytes, length);
		if (taken == 0)
			return false;
		bytes += taken;
		length -= taken;
	}
	return true;
}

/* Linear in memory and without recursion: on a mismatch, the last star takes one byte more. */
bool pa_text_glob(const char *pattern, const char *text)
{
	const char *star = NULL, *star_text = NULL;
	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			star_text = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++star_text;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;
	return ab < c ? ab : c;
}

/*
 * The distance in bytes, in its common form (optimal string alignment): insert, delete, replace, swap two neighbours,
 * each place touched once. Three rows of the table are kept.
 */
unsigned pa_text_distance(const char *a, const char *b)
{
	size_t length_a = strlen(a), length_b = strlen(b), width = length_b + 1;
	unsigned *rows = pa_xcalloc(3 * width, sizeof(*rows));
	unsigned *before = rows, *above = rows + width, *row = rows + 2 * width;
	for (size_t j = 0; j < width; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= length_a; i++) {
		row[0] = (unsigned)i;
		for (size_t j = 1; j < width; j++) {
			row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		unsigned *oldest = before;
		before = above;
		above = row;
		row = oldest;
	}
	unsigned distance = above[length_b];
	free(rows);
	return distance;
}
