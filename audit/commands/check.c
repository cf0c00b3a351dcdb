/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check and list: what is reachable, compared with the policy. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "job.h"

/* Base chains of the paths that may let nothing through: without one there is no firewall. */
static bool has_firewall(const struct pa_ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		const struct pa_chain *chain = ruleset->chains[i];
		if (!chain->is_base || chain->table->dormant || chain->type == PA_CHAIN_NAT ||
		    chain->table->family == PA_FAMILY_ARP)
			continue;
		if (chain->policy == PA_VERDICT_DROP || chain->rule_count > 0)
			return true;
	}
	return false;
}

static double seconds_since(const struct timespec *start)
{
	struct timespec end;
	clock_gettime(CLOCK_MONOTONIC, &end);
	return (double)(end.tv_sec - start->tv_sec) + (double)(end.tv_nsec - start->tv_nsec) / 1e9;
}

static struct pa_report make_report(struct pa_job *job)
{
	const struct pa_options *options = job->options;
	struct pa_report report = { .version = PA_VERSION,
				    .command = options->command == PA_COMMAND_LIST ? "list" : "check",
				    .host = pa_job_host_name(job),
				    .now = pa_job_now(options),
				    .seconds = options->has_now ? 0 : seconds_since(&job->started),
				    .ruleset = job->ruleset,
				    .policy = job->policy,
				    .result = job->result,
				    .rows = job->rows,
				    .sockets = job->host->sockets,
				    .row_count = job->row_count,
				    .no_firewall = !has_firewall(job->ruleset),
				    .fail_on = pa_job_fail_on(job) };
	report.incomplete = pa_job_incomplete_reasons(job, &report.incomplete_count);
	report.complete = report.incomplete_count == 0;
	report.opaque_count = pa_evaluation_opaques(job->evaluation, &report.opaques);
	return report;
}

static bool write_outputs(struct pa_job *job, const struct pa_report *report)
{
	const struct pa_options *options = job->options;
	bool written = true;
	for (size_t i = 0; i < options->output_count; i++) {
		const struct pa_output *output = &options->outputs[i];
		const struct pa_style style = pa_job_style(job, output);
		struct pa_buffer document = { 0 };
		if (!pa_report_format(output->format, report, &style, &document)) {
			pa_diags_add(&job->diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "the %s report could not be made",
				     pa_format_name(output->format));
			written = false;
		} else {
			written = pa_report_write(output->path, &document, &job->diags) && written;
		}
		pa_buffer_done(&document);
	}
	return written;
}

/* check shows the table as well where no policy says what is worth telling; not when only findings are wanted. */
static bool wants_rows(const struct pa_options *options)
{
	bool only_text = true;
	for (size_t i = 0; i < options->output_count; i++)
		only_text = only_text && options->outputs[i].format == PA_FORMAT_TEXT;
	return options->command == PA_COMMAND_LIST || (!options->policy && !(options->quiet && only_text));
}

static void compare(struct pa_job *job)
{
	const struct pa_options *options = job->options;
	struct pa_compare_options compare = { .only_checks = (const char *const *)options->checks,
					      .allow_unknown = options->allow_unknown,
					      .now = pa_job_now(options),
					      .scan = job->scan };
	struct pa_repair_options repair = { .evaluation = job->evaluation, .policy = job->policy, .compare = &compare };
	struct pa_cut *cuts = NULL;
	pa_job_compare_beside(job, &compare);
	job->result = pa_compare(job->evaluation, job->ruleset, job->host, job->policy, &compare);
	if (!options->suggest || pa_space_failed(pa_evaluation_space(job->evaluation)))
		return;
	if (job->scan)
		repair.cut_count = pa_scan_cuts(job->scan, job->host, job->arena, &cuts);
	repair.cuts = cuts;
	pa_suggest(job->result, job->ruleset, job->host, &repair);
}

int pa_command_check_or_list(struct pa_job *job)
{
	const struct pa_options *options = job->options;
	/* A snapshot names the host whose blocks of the policy count. Errors of both are told. */
	bool has_ruleset = pa_job_load_ruleset(job), has_policy = pa_job_load_policy(job);
	if (!has_ruleset || !has_policy || !pa_job_load_scan(job) || !pa_job_load_host(job) || !pa_job_load_sockets(job))
		return pa_diags_status(&job->diags);
	if (options->command == PA_COMMAND_CHECK && !pa_job_read_beside(job))
		return pa_diags_status(&job->diags);
	if (!pa_job_evaluate(job))
		return pa_diags_status(&job->diags);
	if (wants_rows(options)) {
		for (unsigned path = PA_PATH_IN; path <= PA_PATH_FORWARD; path++)
			pa_job_add_rows(job, (enum pa_path)path);
	}
	if (options->command == PA_COMMAND_CHECK)
		compare(job);
	const char *failed = pa_space_failed(pa_evaluation_space(job->evaluation));
	if (failed) {
		pa_diags_add(&job->diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "the ruleset could not be evaluated: %s", failed);
		return PA_EXIT_INCOMPLETE;
	}
	struct pa_report report = make_report(job);
	pa_join_listeners(job->rows, job->row_count, job->host, job->policy, job->arena, &report.unreached);
	write_outputs(job, &report);
	return pa_job_finish(job, report.complete);
}
