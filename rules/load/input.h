/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file, or standard input, read into memory. */
#ifndef PORTAUDIT_LOAD_INPUT_H
#define PORTAUDIT_LOAD_INPUT_H

#include <sys/stat.h>

#include "portaudit/base.h"
#include "recognise.h"

/* A file that was read. */
struct pa_input {
	const char *name; /* for messages */
	struct pa_buffer text;
	enum pa_text_kind kind; /* to be filled by the caller */
	struct stat state;
	bool is_standard_input;
};

/* Reads a path, or standard input for "-", up to the first NUL byte. false: diags says why (INPUT). */
bool pa_input_read(const char *path, struct pa_input *input, struct pa_diags *diags);
/* Adds an error about a file and returns it; line 0: about all of it. */
struct pa_diag *pa_input_error(struct pa_diags *diags, enum pa_diag_kind kind, const struct pa_input *input, uint32_t line,
			       const char *message);

#endif
