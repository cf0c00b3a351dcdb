/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libnftables runs in a child process of its own: it aborts, segfaults or exits on inputs that can be written down, and
 * it is given scripts of unknown origin. The child has limits of memory, time and output; it hands its results back in
 * memory files and one shared page. Whatever it dies of is an outcome, never a result.
 */
#ifndef PORTAUDIT_NFT_CHILD_H
#define PORTAUDIT_NFT_CHILD_H

#include "portaudit/load.h"

#include <sys/types.h>

/* The memory files that a child fills. */
enum pa_child_text {
	PA_CHILD_JSON,	 /* the ruleset as libnftables prints it */
	PA_CHILD_FACTS,	 /* recorded netlink messages, see facts.h */
	PA_CHILD_ERRORS, /* what libnftables says is wrong with a script */
	PA_CHILD_LINES,	 /* see lines.h */
	PA_CHILD_NOISE,	 /* standard output and error of the child */
	PA_CHILD_TEXT_COUNT,
};

enum pa_child_outcome {
	PA_CHILD_DIED,	 /* the report was never written: message says what the process died of */
	PA_CHILD_DONE,	 /* the texts are complete */
	PA_CHILD_TORN,	 /* a dump was not whole: try again */
	PA_CHILD_SCRIPT, /* script number `script` was refused: PA_CHILD_ERRORS */
	PA_CHILD_INPUT,	 /* message: the user's file asks for something that is refused */
	PA_CHILD_UNABLE, /* message: could not be done here */
};

/* One page shared by both processes; the child writes it, and the parent believes no length in it. */
struct pa_child_report {
	enum pa_child_outcome outcome;
	unsigned script;
	char message[1024];
	char help[512];
};

/* What the work sees, in the child. */
struct pa_child {
	int text[PA_CHILD_TEXT_COUNT];
	int socket; /* lines to the parent (progress, requests), bytes from it (answers) */
	struct pa_child_report *report;
};

struct pa_child_job {
	/* Runs in the child; a return without pa_child_end() counts as died. */
	void (*work)(const struct pa_child *child, void *context);
	/* Runs in the parent when the child asks with pa_child_request(); may be NULL. */
	bool (*answer)(pid_t child, void *context);
	void *context;
	const int *keep; /* further descriptors that stay open in the child */
	size_t keep_count;
	int64_t deadline; /* CLOCK_MONOTONIC, milliseconds */
	const struct pa_load_options *options;
};

struct pa_child_result {
	struct pa_child_report report; /* strings are terminated */
	struct {
		const char *data; /* mapped; NULL when empty */
		size_t length;
	} text[PA_CHILD_TEXT_COUNT];
};

/* Runs the job to its end or to the deadline. Always fills *ret_result; release it with pa_child_result_done(). */
void pa_child_run(const struct pa_child_job *job, struct pa_child_result *ret_result);
void pa_child_result_done(struct pa_child_result *result);

/* In the child: write the report and end the process. */
__attribute__((noreturn, format(printf, 3, 4))) void pa_child_end(const struct pa_child *child, enum pa_child_outcome outcome,
								  const char *message, ...);
/* In the child: what to do about the message that pa_child_end() will give. */
void pa_child_help(const struct pa_child *child, const char *help);
/* In the child: ask the parent to run job->answer; its result. */
bool pa_child_request(const struct pa_child *child);
/* In the child: what is being read; one line, handed to options->progress. */
void pa_child_progress(const struct pa_child *child, const char *what);
/* In the child: append to one of the texts; ends the process when that fails. */
void pa_child_write(const struct pa_child *child, enum pa_child_text text, const void *data, size_t length);

#endif
