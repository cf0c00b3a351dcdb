/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run a program and read what it prints: by absolute path, without a shell, with an environment of LC_ALL=C and TZ=UTC, nothing on
 * standard input, and limits of time and bytes. Only output that is whole counts.
 */
#ifndef PORTAUDIT_XTABLES_PROGRAM_H
#define PORTAUDIT_XTABLES_PROGRAM_H

#include "portaudit/base.h"

#define PA_PROGRAM_PATH_MAX 256
#define PA_PROGRAM_PROBLEM_MAX 512

struct pa_program_limits {
	size_t bytes;	  /* of output */
	int64_t deadline; /* CLOCK_MONOTONIC, milliseconds */
};

struct pa_program_output {
	struct pa_buffer text; /* what it printed; release it with pa_buffer_done() */
	char problem
		[PA_PROGRAM_PROBLEM_MAX]; /* when it failed: one sentence, with what it said on standard error; may hold any bytes */
};

/* The folders in which programs are looked for, NULL-terminated: /usr/sbin, /sbin, /usr/bin, /bin. */
extern const char *const pa_program_folders[];

/* The path of a program that can be run. false: there is none in these folders. */
bool pa_program_find(const char *name, const char *const *folders, char out[PA_PROGRAM_PATH_MAX]);

/*
 * Runs `path` with `arguments` (NULL-terminated, the first is the name). true: it ended with status 0 and what it printed is in
 * ret_output->text. false: ret_output->problem says why, and there is no text. The process that calls may have any signal handlers and
 * descriptors; the program gets none of them.
 */
bool pa_program_run(const char *path, const char *const *arguments, struct pa_program_limits limits,
		    struct pa_program_output *ret_output);

#endif
