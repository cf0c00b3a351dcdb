/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file, or standard input, read into memory. */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_SIZE_MAX ((size_t)1 << 30)

struct pa_diag *pa_input_error(struct pa_diags *diags, enum pa_diag_kind kind, const struct pa_input *input, uint32_t line,
			       const char *message)
{
	struct pa_diag *diag = pa_diags_add(diags, PA_DIAG_ERROR, kind, "%s", message);

	diag->where.file = pa_arena_strdup(diags->arena, input->name);
	diag->where.line = line;
	diag->where.column = line ? 1 : 0;
	return diag;
}

bool pa_input_read(const char *path, struct pa_input *input, struct pa_diags *diags)
{
	int fd = STDIN_FILENO, error = 0;

	*input = (struct pa_input){ .name = path, .is_standard_input = strcmp(path, "-") == 0 };
	if (input->is_standard_input)
		input->name = "standard input";
	else
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &input->state) != 0)
		error = errno;
	else
		error = pa_descriptor_read(fd, FILE_SIZE_MAX, true, &input->text);
	if (fd >= 0 && !input->is_standard_input)
		close(fd);
	if (error == EFBIG)
		pa_input_error(diags, PA_DIAG_INPUT, input, 0, "larger than 1 GiB");
	else if (error)
		pa_input_error(diags, PA_DIAG_INPUT, input, 0, strerror(error));
	return error == 0;
}
