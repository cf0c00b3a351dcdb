/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON straight into a buffer: no tree, the order is the order of the calls. A `key` of NULL is an element of an array.
 * Strings may hold any bytes: control characters become \u escapes, bytes that are no UTF-8 become the text \xNN.
 */
#ifndef PORTAUDIT_REPORTS_JSON_WRITER_H
#define PORTAUDIT_REPORTS_JSON_WRITER_H

#include "portaudit/base.h"

struct pa_json {
	struct pa_buffer *out;
	bool follows; /* a value stands before the next one: a comma is due */
};

void pa_json_open(struct pa_json *json, const char *key, char bracket);	      /* '{' or '[' */
void pa_json_close(struct pa_json *json, char bracket);			      /* '}' or ']' */
void pa_json_line(struct pa_json *json);				      /* the next value begins on a line of its own */
void pa_json_string(struct pa_json *json, const char *key, const char *text); /* NULL is null */
void pa_json_number(struct pa_json *json, const char *key, uint64_t value);
void pa_json_bool(struct pa_json *json, const char *key, bool value);
void pa_json_null(struct pa_json *json, const char *key);
void pa_json_raw(struct pa_json *json, const char *key, const char *value); /* JSON text */

#endif
