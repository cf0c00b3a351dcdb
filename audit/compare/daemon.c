/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Well-known programs, from daemon.def. */
#include <stdio.h>
#include <string.h>

#include "listener.h"

#define TCP PROTOCOL_TCP
#define UDP PROTOCOL_UDP
#define INTERPRETERS "java* python* node* MainThread perl* ruby* php* dotnet* beam.smp erl*"

static const struct {
	unsigned protocol, port;
	const char *service, *programs;
} daemons[] = {
#define DAEMON(protocol, port, service, programs) { protocol, port, service, programs },
#define GENERIC(program)
#define NEEDS_ROOT(program)
#include "daemon.def"
#undef DAEMON
#undef GENERIC
};

static const char *const generic[] = {
#define DAEMON(protocol, port, service, programs)
#define GENERIC(program) program,
#include "daemon.def"
#undef GENERIC
#undef NEEDS_ROOT
};

static const char *const needs_root[] = {
#define GENERIC(program)
#define NEEDS_ROOT(program) program,
#include "daemon.def"
#undef DAEMON
#undef GENERIC
#undef NEEDS_ROOT
};

/* Commands may be written like "nginx: worker": the word before the colon counts. */
static bool fits(const char *pattern, size_t length, const char *program)
{
	char wanted[64], name[64];

	snprintf(wanted, sizeof(wanted), "%.*s", (int)length, pattern);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(program, ": "), program);
	return pa_text_glob(wanted, name);
}

static bool is_one_of(const char *const *patterns, size_t count, const char *program)
{
	for (size_t i = 0; i < count; i++)
		if (fits(patterns[i], strlen(patterns[i]), program))
			return true;
	return false;
}

bool compare_is_generic(const char *program)
{
	return is_one_of(generic, sizeof(generic) / sizeof(*generic), program);
}

bool compare_needs_root(const char *program)
{
	return is_one_of(needs_root, sizeof(needs_root) / sizeof(*needs_root), program);
}

static bool is_in_list(const char *programs, const char *program)
{
	for (const char *at = programs; *at; at += strspn(at, " ")) {
		size_t length = strcspn(at, " ");

		if (fits(at, length, program))
			return true;
		at += length;
	}
	return false;
}

bool compare_is_stranger(unsigned protocol, unsigned port, const char *program, const char **ret_service)
{
	if (compare_is_generic(program))
		return false;
	for (size_t i = 0; i < sizeof(daemons) / sizeof(*daemons); i++) {
		if (daemons[i].protocol != protocol || daemons[i].port != port)
			continue;
		*ret_service = pa_service_name(protocol, port) ? pa_service_name(protocol, port) : daemons[i].service;
		return !is_in_list(daemons[i].programs, program);
	}
	return false;
}
