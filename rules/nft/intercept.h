/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libnftables calls recvmsg(), sendmsg(), glob() and json_dumpf() of other libraries; the program defines functions of
 * these names itself, so that the calls come here. Outside of the child process (no hooks set) they do exactly what the
 * originals do. Why:
 *  - what the kernel answers is seen as libnftables sees it: the proof that a dump is whole needs no second reading, and
 *    the facts that JSON loses come from the very messages that became the JSON;
 *  - a large script is sent to the kernel in parts (split.h);
 *  - an `include` pattern in a folder that may not be read is an error, where libnftables sees a pattern without matches;
 *  - the JSON tree is printed without stdio's locks and without being taken apart afterwards.
 *
 * The hooks are the only mutable state outside of function arguments in this library: interposed functions have no
 * other way to find them. They are set in a child process that has one thread.
 */
#ifndef PORTAUDIT_NFT_INTERCEPT_H
#define PORTAUDIT_NFT_INTERCEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

struct pa_intercept {
	/* A netlink message batch was received. */
	void (*received)(void *context, const void *data, size_t length);
	/* In place of sendmsg() with more than one part. */
	ssize_t (*send)(void *context, int fd, const struct msghdr *message, int flags);
	/* glob() could not read a folder. */
	void (*unreadable)(void *context, const char *path, int error);
	/* glob() found this file. */
	void (*found)(void *context, const char *path);
	/* A part of the JSON text. false: stop. */
	bool (*json)(void *context, const char *text, size_t length);
	void *context;
};

/* Copies the hooks; NULL removes them. */
void pa_intercept_set(const struct pa_intercept *hooks);

/* The plain system call. */
ssize_t pa_intercept_sendmsg(int fd, const struct msghdr *message, int flags);

/*
 * Gives jansson an allocator that does not give back small blocks: libnftables 1.0.6 uses a string after freeing it
 * when a table is dormant. Only for a process that ends soon.
 */
void pa_intercept_keep_json(void);

#endif
