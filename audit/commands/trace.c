/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trace: a verdict for each packet of a file; with expectations, the tests of a firewall. */
#include <stdio.h>

#include "job.h"
#include "portaudit/packets.h"

/* What has been traced so far: JSON lines and tests. */
struct traced {
	struct pa_buffer lines;
	struct pa_trace_case *cases;
	size_t unexpected;
};

/* A packet with an expectation that the verdict does not meet. */
static bool is_unexpected(const struct pa_packet_line *line, const struct pa_walk *walk)
{
	if (!line->has_expect)
		return false;
	return line->expect != walk->fate || (line->expect_path_known && line->expect_path != walk->path);
}

static bool writes(const struct pa_options *options, enum pa_format format)
{
	for (size_t i = 0; i < options->output_count; i++)
		if (options->outputs[i].format == format)
			return true;
	return false;
}

static void trace_line(struct pa_job *job, const struct pa_walker *walker, const struct pa_packet_line *line,
		       struct pa_trace_case *ret_case, struct traced *traced)
{
	struct pa_walk walk;
	pa_walker_walk(walker, &line->packet, line->path_known, &walk);
	bool unexpected = is_unexpected(line, &walk);
	if (writes(job->options, PA_FORMAT_JSON))
		pa_report_verdict(&walk, &line->packet, line->id_json, &traced->lines);
	*ret_case = pa_trace_case_make(&walk, job->arena);
	ret_case->where = line->where;
	ret_case->id_json = line->id_json;
	ret_case->packet = &line->packet;
	ret_case->has_expect = line->has_expect;
	ret_case->met = !unexpected;
	ret_case->expect_text = line->expect_text;
	/* The other formats say it themselves. */
	if (unexpected && writes(job->options, PA_FORMAT_JSON))
		fprintf(stderr, "%s:%u: packet %s: expected %s\n", line->where.file ? line->where.file : "-", line->where.line,
			line->id_json, line->expect_text);
	traced->unexpected += unexpected;
	pa_walk_done(&walk);
}

static struct pa_report make_report(struct pa_job *job)
{
	struct pa_report report = { .version = PA_VERSION,
				    .command = "trace",
				    .host = pa_job_host_name(job),
				    .now = pa_job_now(job->options),
				    .ruleset = job->ruleset };
	report.incomplete = pa_job_incomplete_reasons(job, &report.incomplete_count);
	report.complete = report.incomplete_count == 0;
	return report;
}

static bool write_output(struct pa_job *job, const struct pa_output *output, const struct traced *traced, size_t count)
{
	struct pa_buffer document = { 0 };
	const struct pa_report report = make_report(job);
	bool good = true;
	if (output->format == PA_FORMAT_JSON)
		pa_buffer_add(&document, traced->lines.data ? traced->lines.data : "", traced->lines.length);
	else if (output->format == PA_FORMAT_TEXT)
		pa_report_trace_text(traced->cases, count, &document);
	else
		good = pa_report_trace_junit(traced->cases, count, &report, &document);
	if (!good)
		pa_diags_add(&job->diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "the %s report could not be made",
			     pa_format_name(output->format));
	else
		good = pa_report_write(output->path, &document, &job->diags);
	pa_buffer_done(&document);
	return good;
}

int pa_command_trace(struct pa_job *job)
{
	struct pa_packet_file *file = pa_packets_load(job->options->packets, &job->diags);
	if (!file || !pa_job_load_ruleset(job) || !pa_job_load_host(job)) {
		pa_packets_free(file);
		return pa_diags_status(&job->diags);
	}
	struct traced traced = { .cases = pa_arena_alloc(job->arena, file->count + 1, sizeof(*traced.cases)) };
	struct pa_walker *walker = pa_walker_new(job->ruleset, job->host);
	pa_walker_be_brief(walker);
	for (size_t i = 0; i < file->count; i++)
		trace_line(job, walker, &file->lines[i], &traced.cases[i], &traced);
	pa_walker_free(walker);
	for (size_t i = 0; i < job->options->output_count; i++)
		write_output(job, &job->options->outputs[i], &traced, file->count);
	pa_packets_free(file);
	pa_buffer_done(&traced.lines);
	int told = pa_job_finish(job, job->ruleset->gap_count == 0);
	return told == PA_EXIT_CLEAN && traced.unexpected ? PA_EXIT_FINDINGS : told;
}
