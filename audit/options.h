/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line, parsed (option.def). */
#ifndef PORTAUDIT_OPTIONS_H
#define PORTAUDIT_OPTIONS_H

#include "portaudit/policy.h"
#include "portaudit/report.h"

enum pa_command {
#define COMMAND(id, name, positional, run, summary, details) PA_COMMAND_##id,
#include "option.def"
	PA_COMMAND_COUNT
};

enum pa_option {
#define OPTION(id, letter, name, argument, commands, summary) PA_OPTION_##id,
#include "option.def"
	PA_OPTION_COUNT
};

enum pa_color { PA_COLOR_AUTO, PA_COLOR_ALWAYS, PA_COLOR_NEVER };

struct pa_output {
	enum pa_format format;
	const char *path; /* "-": standard output */
};

/* Strings are those of argv or live in the arena; lists end with NULL and are NULL when the option was not given. */
struct pa_options {
	struct pa_arena *arena;
	enum pa_command command;
	const char *text;      /* --help, --version: what to print in place of working; else NULL */
	const char *policy;    /* or NULL */
	const char **rulesets; /* positional ones and --ruleset, as given; none: the live kernel */
	size_t ruleset_count;
	const char **words; /* explain: WHAT. checks: the IDs, in their canonical form. fmt: files. Else none */
	size_t word_count;
	const char *packets;
	struct pa_output *outputs; /* at least one for check and list; at most one of them is standard output */
	size_t output_count;
	bool quiet, verbose;
	enum pa_color color;
	bool has_fail_on;
	enum pa_severity fail_on;
	const char **checks; /* canonical: "PA-EXP-001" */
	const char **self;   /* each a list with commas, valid for pa_host_add_self() */
	const char **interfaces;
	const char *sockets; /* a file, "none", or NULL */
	const char *netns;   /* a name, a process id, "all", or NULL */
	const char *as_host;
	const char *saved, *baseline; /* or NULL */
	bool has_session;
	struct pa_session session; /* --session */
	bool allow_unknown;
	bool now_given; /* --now */
	bool has_now;	/* --now or SOURCE_DATE_EPOCH: the run is to be reproducible */
	int64_t now;	/* seconds since 1970 UTC */
	bool print_rules, loopback;
	bool suggest;
	bool fmt_check; /* fmt --check */
	const char **include_folders;
	const char *scan;      /* or NULL */
	const char *scan_from; /* a valid address, or NULL */
};

/*
 * 0: `ret` is to be done (or ret->text to be printed); 2: diags says what is wrong, all of it (kind INPUT). Reads the
 * environment variable SOURCE_DATE_EPOCH. In both cases pa_options_done() frees.
 */
int pa_options_parse(int argc, char **argv, struct pa_options *ret, struct pa_diags *diags);
void pa_options_done(struct pa_options *options);

/* Shall a stream (a file descriptor) get colors? Looks at NO_COLOR, CLICOLOR_FORCE, TERM and the stream. */
bool pa_options_color(const struct pa_options *options, int stream);

#endif
