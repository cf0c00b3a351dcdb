/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "intercept.h"

#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <jansson.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct pa_intercept active;

void pa_intercept_set(const struct pa_intercept *hooks)
{
	active = hooks ? *hooks : (struct pa_intercept){ 0 };
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t length = syscall(SYS_recvmsg, fd, message, flags);

	if (active.received && length > 0 && message->msg_iovlen == 1 && !(flags & MSG_PEEK)) {
		int error = errno;
		active.received(active.context, message->msg_iov[0].iov_base, (size_t)length);
		errno = error;
	}
	return length;
}

ssize_t pa_intercept_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return syscall(SYS_sendmsg, fd, message, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	if (active.send)
		return active.send(active.context, fd, message, flags);
	return pa_intercept_sendmsg(fd, message, flags);
}

typedef int glob_function(const char *pattern, int flags, int (*failed)(const char *, int), glob_t *result);

static int folder_failed(const char *path, int error)
{
	if (active.unreadable && error != ENOENT && error != ENOTDIR)
		active.unreadable(active.context, path, error);
	return 0;
}

int glob(const char *pattern, int flags, int (*failed)(const char *, int), glob_t *result)
{
	static glob_function *original;
	int status;

	if (!original) {
		/* POSIX lets dlsym() give functions; ISO C has no conversion for it. */
		void *symbol = dlsym(RTLD_NEXT, "glob");
		__builtin_memcpy(&original, &symbol, sizeof(original));
	}
	if (!original)
		return GLOB_ABORTED;
	status = original(pattern, flags, failed || !active.unreadable ? failed : folder_failed, result);
	for (size_t i = 0; status == 0 && active.found && i < result->gl_pathc; i++)
		active.found(active.context, result->gl_pathv[i]);
	return status;
}

static int give_json(const char *text, size_t length, void *unused)
{
	(void)unused;
	return active.json(active.context, text, length) ? 0 : -1;
}

static int give_file(const char *text, size_t length, void *file)
{
	return fwrite(text, 1, length, file) == length ? 0 : -1;
}

/* The tree keeps a reference: taking it apart costs as much as printing it, and the process ends soon. */
int json_dumpf(const json_t *json, FILE *output, size_t flags)
{
	if (!active.json)
		return json_dump_callback(json, give_file, output, flags);
	json_incref((json_t *)(uintptr_t)json);
	return json_dump_callback(json, give_json, NULL, flags);
}

#define SMALL_BLOCK 128

static void keep_small(void *block)
{
	if (block && malloc_usable_size(block) > SMALL_BLOCK)
		free(block);
}

void pa_intercept_keep_json(void)
{
	json_set_alloc_funcs(malloc, keep_small);
}
