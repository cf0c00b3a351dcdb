/* SPDX-License-Identifier: GPL-2.0-or-later */
/* init: a policy from what is reachable now, held against the ruleset before anybody relies on it. */
#include <string.h>

#include "job.h"

/* With the new policy, what of the ruleset is not covered? Filled into job->result. */
static bool compare_again(struct pa_job *job)
{
	static const char *const checks[] = { "PA-EXP-001", "PA-EXP-004", "PA-FWD-001", "PA-FWD-002", NULL };
	const struct pa_compare_options options = { .only_checks = checks, .now = pa_job_now(job->options) };
	struct pa_cut *cuts = NULL;
	size_t count = pa_policy_cuts(job->policy, job->host, job->ruleset, job->arena, &cuts);
	pa_evaluation_free(job->evaluation);
	job->evaluation = pa_evaluate(job->ruleset, job->host, cuts, count, &job->diags);
	if (!job->evaluation)
		return false;
	job->result = pa_compare(job->evaluation, job->ruleset, job->host, job->policy, &options);
	return pa_space_failed(pa_evaluation_space(job->evaluation)) == NULL;
}

/* What no words were found for stands at the end, in comments. */
static void add_uncovered(struct pa_job *job, struct pa_buffer *text)
{
	const struct pa_result *result = job->result;
	size_t uncovered = 0;
	for (size_t i = 0; i < result->finding_count; i++) {
		if (result->findings[i].severity == PA_SEVERITY_INFO)
			continue; /* forwarding is off */
		if (uncovered++ == 0)
			pa_buffer_puts(text, "\n# The language cannot say this, and the lines above do not cover it:\n");
		pa_buffer_puts(text, "# ");
		pa_text_escape(result->findings[i].message, text);
		pa_buffer_putc(text, '\n');
	}
	if (uncovered)
		pa_diags_add(&job->diags, PA_DIAG_WARNING, PA_DIAG_INPUT,
			     "%zu opening%s could not be written as a policy; the comments at its end say which", uncovered,
			     uncovered == 1 ? "" : "s");
}

/* A policy that cannot be read back would be a mistake of this program: it is written, and said. */
static bool verify(struct pa_job *job, struct pa_buffer *text)
{
	struct pa_diags diags = { 0 };
	job->policy = pa_policy_parse(text->data, text->length, "the policy that init wrote", pa_job_host_name(job),
				      pa_check_known, &diags);
	for (size_t i = 0; i < diags.count; i++)
		if (diags.items[i].level == PA_DIAG_ERROR)
			pa_diags_add(&job->diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "line %u of the policy is wrong: %s",
				     diags.items[i].where.line, diags.items[i].message);
	pa_diags_done(&diags);
	if (!job->policy)
		return false;
	if (!compare_again(job)) {
		pa_diags_add(&job->diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE,
			     "the policy could not be held against the ruleset");
		return false;
	}
	add_uncovered(job, text);
	return true;
}

int pa_command_init(struct pa_job *job)
{
	const struct pa_options *options = job->options;
	if (!pa_job_load_ruleset(job) || !pa_job_load_host(job) || !pa_job_evaluate(job))
		return pa_diags_status(&job->diags);
	for (unsigned path = PA_PATH_IN; path <= PA_PATH_FORWARD; path++)
		pa_job_add_rows(job, (enum pa_path)path);
	struct pa_report report = { .command = "init",
				    .host = pa_job_host_name(job),
				    .now = pa_job_now(options),
				    .ruleset = job->ruleset,
				    .rows = job->rows,
				    .row_count = job->row_count };
	report.incomplete = pa_job_incomplete_reasons(job, &report.incomplete_count);
	report.complete = report.incomplete_count == 0;
	struct pa_buffer text = { 0 }, tidy = { 0 };
	pa_report_policy(&report, job->host, &text);
	bool verified = verify(job, &text) &&
			pa_policy_layout(text.data, text.length, "the policy that init wrote", &tidy, &job->diags);
	for (size_t i = 0; i < options->output_count; i++)
		pa_report_write(options->outputs[i].path, verified ? &tidy : &text, &job->diags);
	pa_buffer_done(&text);
	pa_buffer_done(&tidy);
	job->result = pa_result_free(job->result);
	return pa_job_finish(job, report.complete && verified);
}
