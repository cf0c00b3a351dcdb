/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One command line, done: the command that option.def names for it. */
#include "run.h"

#include "commands/job.h"
#include "netns.h"

typedef int (*command_function)(struct pa_job *job);

static const command_function commands[PA_COMMAND_COUNT] = {
#define COMMAND(id, name, positional, run, summary, details) [PA_COMMAND_##id] = pa_command_##run,
#include "option.def"
};

static int run_here(const struct pa_options *options)
{
	struct pa_job job = { .options = options, .arena = pa_arena_new() };
	clock_gettime(CLOCK_MONOTONIC, &job.started);
	int status = options->print_rules ? pa_command_print_rules(&job) : commands[options->command](&job);
	pa_job_print_diags(&job);
	int told = pa_diags_status(&job.diags);
	pa_job_done(&job);
	return told > status ? told : status;
}

/* The diagnostics of the search for namespaces; each namespace has its own. */
static int run_in_namespaces(const struct pa_options *options)
{
	struct pa_job job = { .options = options, .arena = pa_arena_new() };
	int status = pa_netns_run(options, run_here, &job.diags);
	pa_job_print_diags(&job);
	int told = pa_diags_status(&job.diags);
	pa_job_done(&job);
	return told > status ? told : status;
}

int pa_run(const struct pa_options *options)
{
	return options->netns ? run_in_namespaces(options) : run_here(options);
}
