/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text that may hold anything, character by character: what it is, how wide it is, whether it may be shown. */
#ifndef PORTAUDIT_REPORTS_UTF8_H
#define PORTAUDIT_REPORTS_UTF8_H

#include "portaudit/base.h"

/* The code point at `text` (`left` bytes, more than 0): its length in bytes, or 0 where the bytes are no UTF-8. */
size_t pa_utf8_decode(const char *text, size_t left, uint32_t *ret_code);

/* Columns of a terminal that a code point takes: 0 (combining), 1 or 2 (East Asian wide, emoji). */
unsigned pa_utf8_columns(uint32_t code);

/* Columns of `length` bytes of valid UTF-8. */
unsigned pa_utf8_width(const char *text, size_t length);

/*
 * Code points that do something to a terminal or to a reader instead of being seen: C0, DEL, C1, line separators and the
 * marks that turn the direction of the text around them.
 */
bool pa_utf8_is_control(uint32_t code);

#endif
