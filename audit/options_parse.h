/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the parser of the command line. */
#ifndef PORTAUDIT_OPTIONS_PARSE_H
#define PORTAUDIT_OPTIONS_PARSE_H

#include "options.h"

/* A command line that is being read. */
struct pa_command_line {
	struct pa_options *options;
	struct pa_diags *diags;
	bool has_command;
	bool fmt; /* the command is `fmt`, whose --check takes no argument */
	bool help, version;
	enum pa_format format; /* --format */
	bool given[PA_OPTION_COUNT];
	const char **positional; /* all that is no option, the command's name too */
	const char **outputs;	 /* arguments of --output: their meaning depends on --format, which may come later */
};

struct pa_command_info {
	const char *name, *positional, *summary, *details;
};
const struct pa_command_info *pa_command_info(enum pa_command command);

struct pa_option_info {
	char letter;
	const char *name, *argument;
	unsigned commands; /* bits 1 << enum pa_command */
	const char *summary;
};
const struct pa_option_info *pa_option_info(enum pa_option option);

/* options_help.c: the texts of --help (of the program, or of one command) and --version. */
void pa_options_help(bool has_command, enum pa_command command, struct pa_buffer *out);
void pa_options_version(struct pa_buffer *out);

/* options_value.c: one argument each. false: diags says why. */
bool pa_options_take_output(struct pa_output *ret_output, bool *ret_has_format, const char *argument, struct pa_diags *diags);
bool pa_options_take_format(enum pa_format *ret_format, const char *name, struct pa_diags *diags);
bool pa_options_take_color(struct pa_options *options, const char *argument, struct pa_diags *diags);
bool pa_options_take_level(struct pa_options *options, const char *argument, struct pa_diags *diags);
bool pa_options_take_checks(struct pa_arena *arena, const char ***list, const char *argument, struct pa_diags *diags);
bool pa_options_take_self(struct pa_options *options, const char *argument, struct pa_diags *diags);
bool pa_options_take_interfaces(struct pa_options *options, const char *argument, struct pa_diags *diags);
bool pa_options_take_time(struct pa_options *options, const char *argument, const char *from, struct pa_diags *diags);

/* Append to a list that ends with NULL. */
void pa_options_append(struct pa_arena *arena, const char ***list, const char *item);

/* The candidate nearest to a word that the user may have meant, or NULL. */
struct pa_nearest {
	const char *word, *best;
	unsigned distance; /* of best */
};
struct pa_nearest pa_nearest_start(const char *word);
void pa_nearest_offer(struct pa_nearest *nearest, const char *candidate);
const char *pa_nearest_help(const struct pa_nearest *nearest, struct pa_diags *diags, const char *otherwise);

#endif
