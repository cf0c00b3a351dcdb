/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that users name on the command line, read whole. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "portaudit/base.h"

#define FILE_SIZE_MAX ((size_t)256 << 20)

int pa_descriptor_read(int fd, size_t most, bool text_only, struct pa_buffer *ret_text)
{
	char block[65536];
	for (;;) {
		ssize_t got = read(fd, block, sizeof(block));
		if (got == 0)
			return 0;
		if (got < 0 && errno != EINTR)
			return errno;
		if (got < 0)
			continue;
		pa_buffer_add(ret_text, block, (size_t)got);
		if (text_only && memchr(block, '\0', (size_t)got))
			return 0;
		if (ret_text->length > most)
			return EFBIG;
	}
}

/* NULL, or why it could not be read. */
static const char *read_whole(int fd, struct pa_buffer *ret_text)
{
	int error = pa_descriptor_read(fd, FILE_SIZE_MAX, false, ret_text);
	return error == EFBIG ? "it is larger than 256 MB" : error ? strerrordesc_np(error) : NULL;
}

bool pa_file_read(const char *path, struct pa_buffer *ret_text, const char **ret_name, struct pa_diags *diags)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	const char *fault = fd < 0 ? strerrordesc_np(errno) : read_whole(fd, ret_text);
	*ret_name = is_stdin ? "standard input" : path;
	if (fault)
		pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "cannot read %s: %s", *ret_name, fault);
	if (fd >= 0 && !is_stdin)
		close(fd);
	return !fault;
}
