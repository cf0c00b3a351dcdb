/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diff: what a change of the ruleset opens and closes. */
#include <time.h>

#include "job.h"

static double seconds_since(const struct timespec *start)
{
	struct timespec end;
	clock_gettime(CLOCK_MONOTONIC, &end);
	return (double)(end.tv_sec - start->tv_sec) + (double)(end.tv_nsec - start->tv_nsec) / 1e9;
}

static bool load_both(struct pa_job *job)
{
	const struct pa_options *options = job->options;
	if (!pa_job_load_policy(job))
		return false;
	job->beside[0].ruleset = pa_job_load_source(job, options->rulesets[0], &job->diags);
	if (job->beside[0].ruleset)
		job->ruleset = pa_job_load_source(job, options->rulesets[1], &job->diags);
	return job->ruleset && pa_job_load_host(job);
}

static void write_outputs(struct pa_job *job, const struct pa_difference_report *report)
{
	for (size_t i = 0; i < job->options->output_count; i++) {
		const struct pa_output *output = &job->options->outputs[i];
		const struct pa_style style = pa_job_style(job, output);
		struct pa_buffer document = { 0 };
		if (pa_report_difference(output->format, report, &style, &document))
			pa_report_write(output->path, &document, &job->diags);
		else
			pa_diags_add(&job->diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "the %s report could not be made",
				     pa_format_name(output->format));
		pa_buffer_done(&document);
	}
}

/* What is not understood may hide a difference, or make one: the same statement in both rulesets does neither. */
static void add_unknown(struct pa_job *job, struct pa_difference_report *report)
{
	const struct pa_difference *difference = job->beside[0].difference;
	const char **reasons =
		pa_arena_alloc(job->arena, report->incomplete_count + difference->unknown_count + 1, sizeof(*reasons));
	size_t count = 0;
	for (; count < report->incomplete_count; count++)
		reasons[count] = report->incomplete[count];
	for (size_t i = 0; i < difference->unknown_count && !job->options->allow_unknown; i++)
		reasons[count++] = pa_arena_printf(job->arena, "the difference depends on `%s`, which is not understood",
						   difference->unknown[i]);
	report->incomplete = reasons;
	report->incomplete_count = count;
}

static int status_of(const struct pa_job *job, const struct pa_difference_report *report)
{
	int status = pa_diags_status(&job->diags);
	bool different = job->policy ? job->beside[0].difference->violation_count > 0
				     : !pa_difference_is_same(job->beside[0].difference);
	if (status != PA_EXIT_CLEAN)
		return status;
	if (!report->complete)
		return PA_EXIT_INCOMPLETE;
	return different || (report->session && pa_session_fails(report->session)) ? PA_EXIT_FINDINGS : PA_EXIT_CLEAN;
}

int pa_command_diff(struct pa_job *job)
{
	const struct pa_options *options = job->options;
	if (!load_both(job) || !pa_job_compare(job, &job->beside[0], true, &job->diags))
		return pa_diags_status(&job->diags);
	const struct pa_ruleset *const rulesets[2] = { job->beside[0].ruleset, job->ruleset };
	struct pa_difference_report report = { .version = PA_VERSION,
					       .host = pa_job_host_name(job),
					       .now = pa_job_now(options),
					       .seconds = options->has_now ? 0 : seconds_since(&job->started),
					       .rulesets = { job->beside[0].ruleset, job->ruleset },
					       .policy = job->policy,
					       .difference = job->beside[0].difference };
	report.incomplete = pa_job_incomplete_of(job, rulesets, 2, &report.incomplete_count);
	add_unknown(job, &report);
	report.complete = report.incomplete_count == 0;
	if (options->has_session) {
		pa_session_follow(job->ruleset, job->host, &options->session, job->arena, &job->session);
		report.session = &job->session;
	}
	write_outputs(job, &report);
	return status_of(job, &report);
}
