/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pa-load [-I FOLDER]... [-t SECONDS] [-q] [FILE...]: load the live ruleset or files, print the ruleset, then gaps and
 * diagnostics, one a line: "LEVEL KIND FILE:LINE:COLUMN: message | help | source". Exit 0, 2 (INPUT) or 3 (INCOMPLETE).
 */
#include "portaudit/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *text_or(const char *text, const char *other)
{
	return text ? text : other;
}

static int print_diags(const struct pa_diags *diags)
{
	static const char *const levels[] = { "error", "warning", "note" }, *const kinds[] = { "input", "incomplete" };
	int status = 0;

	for (size_t i = 0; i < diags->count; i++) {
		const struct pa_diag *diag = &diags->items[i];
		fprintf(stderr, "%s %s %s:%u:%u+%u: %s | %s | %s\n", levels[diag->level], kinds[diag->kind],
			text_or(diag->where.file, "-"), diag->where.line, diag->where.column, diag->where.length, diag->message,
			text_or(diag->help, "-"), text_or(diag->source, "-"));
		if (diag->level == PA_DIAG_ERROR && status != 3)
			status = diag->kind == PA_DIAG_INCOMPLETE ? 3 : 2;
	}
	return status;
}

static void print_ruleset(const struct pa_ruleset *ruleset, bool places)
{
	struct pa_buffer out = { 0 };

	pa_ruleset_print(ruleset, &out);
	if (out.length)
		fwrite(out.data, 1, out.length, stdout);
	pa_buffer_done(&out);
	for (size_t i = 0; places && i < ruleset->rule_count; i++) {
		const struct pa_rule *rule = ruleset->rules[i];
		printf("rule %s %s %u: %s:%u\n", rule->chain->table->name, rule->chain->name, rule->index,
		       text_or(rule->where.file, "-"), rule->where.line);
	}
	for (size_t i = 0; i < ruleset->gap_count; i++)
		printf("gap: %s | %s\n", ruleset->gaps[i].message, text_or(ruleset->gaps[i].help, "-"));
}

static void show_progress(void *unused, const char *what)
{
	(void)unused;
	fprintf(stderr, "progress: %s\n", what);
}

static void print_cost(void)
{
	struct rusage self, children;

	getrusage(RUSAGE_SELF, &self);
	getrusage(RUSAGE_CHILDREN, &children);
	fprintf(stderr, "cost: self %ld ms, children %ld ms, children's memory %ld KiB\n",
		(self.ru_utime.tv_sec + self.ru_stime.tv_sec) * 1000 + (self.ru_utime.tv_usec + self.ru_stime.tv_usec) / 1000,
		(children.ru_utime.tv_sec + children.ru_stime.tv_sec) * 1000 +
			(children.ru_utime.tv_usec + children.ru_stime.tv_usec) / 1000,
		children.ru_maxrss);
}

int main(int argc, char **argv)
{
	const char *folders[16] = { NULL };
	struct pa_load_options options = { .include_folders = folders };
	struct pa_diags diags = { 0 };
	struct pa_ruleset *ruleset;
	bool quiet = false, places = false, cost = false;
	int option, status;
	size_t folder_count = 0;

	while ((option = getopt(argc, argv, "I:t:qlcp")) != -1) {
		if (option == 'I' && folder_count + 1 < sizeof(folders) / sizeof(folders[0]))
			folders[folder_count++] = optarg;
		else if (option == 't')
			options.timeout_seconds = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'q')
			quiet = true;
		else if (option == 'l')
			places = true;
		else if (option == 'c')
			cost = true;
		else if (option == 'p')
			options.progress = show_progress;
		else
			return 64;
	}
	if (optind < argc)
		ruleset = pa_ruleset_load_files((const char *const *)argv + optind, (size_t)(argc - optind), &options, &diags);
	else
		ruleset = pa_ruleset_load_live(&options, &diags);
	if (cost)
		print_cost();
	if (ruleset && quiet)
		printf("%zu rules\n", ruleset->rule_count);
	else if (ruleset)
		print_ruleset(ruleset, places);
	status = print_diags(&diags);
	if (!ruleset && status == 0)
		status = 70; /* a failure without an error */
	if (ruleset && status != 0)
		status = 71; /* an error, and a ruleset all the same */
	pa_ruleset_free(ruleset);
	pa_diags_done(&diags);
	return status;
}
