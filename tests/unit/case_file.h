/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cases that are files: NAME goes in, NAME.expected is what comes out. With PORTAUDIT_ACCEPT set in the environment what came out is
 * written in place of what was expected, to be read before it is committed.
 */
#ifndef TESTS_UNIT_CASE_FILE_H
#define TESTS_UNIT_CASE_FILE_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portaudit/base.h"

/* Adds to `out`. */
static inline bool read_file(const char *path, struct pa_buffer *out)
{
	char block[65536];
	size_t got;
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	while ((got = fread(block, 1, sizeof(block), file)) > 0)
		pa_buffer_add(out, block, got);
	fclose(file);
	return true;
}

static inline void write_file(const char *path, const struct pa_buffer *text)
{
	FILE *file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text->data, 1, text->length, file), text->length);
	ck_assert_int_eq(fclose(file), 0);
}

/* What came out against what is expected there; the difference is printed. */
static inline bool case_is_expected(const char *path, const struct pa_buffer *found)
{
	struct pa_buffer expected = { 0 };
	if (getenv("PORTAUDIT_ACCEPT"))
		write_file(path, found);
	bool same = read_file(path, &expected) && expected.length == found->length &&
		    memcmp(expected.data, found->data, found->length) == 0;
	if (!same)
		printf("%s: expected\n%s\nfound\n%s\n", path, expected.data ? expected.data : "(nothing)", found->data);
	pa_buffer_done(&expected);
	return same;
}

#endif
