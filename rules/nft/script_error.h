/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libnftables says is wrong with a script: "FILE:LINE:FIRST-LAST: Error: MESSAGE", then the line and carets under
 * it. Only places and messages are used: the line may be one of any file that the script includes.
 */
#ifndef PORTAUDIT_NFT_SCRIPT_ERROR_H
#define PORTAUDIT_NFT_SCRIPT_ERROR_H

#include "portaudit/base.h"

struct pa_script_error {
	const char *file; /* not terminated */
	size_t file_length;
	uint32_t line;
	uint32_t first; /* columns, from 1 */
	uint32_t last;
	bool warning;
	const char *message; /* not terminated */
	size_t message_length;
};

/* The next error of the text, which is moved on; false at the end. */
bool pa_script_error_next(const char **text, size_t *length, struct pa_script_error *ret_error);

bool pa_script_error_is(const struct pa_script_error *error, const char *message);

/* Line `number` of a text, without its end; empty when there is none. */
void pa_text_line(const char *text, size_t length, uint32_t number, const char **ret_line, size_t *ret_length);

/* A script as it was read: what the errors are about. */
struct pa_script {
	const char *name;
	const char *text;
	size_t length;
	int fd; /* a memory file with the text, for libnftables */
};

/* Adds the errors about a script to diags, with the places in it; at least one. */
void pa_script_errors_add(struct pa_diags *diags, const struct pa_script *script, const char *text, size_t length);

#endif
