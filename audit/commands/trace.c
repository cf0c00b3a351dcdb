/* SPDX-License-Identifier: GPL-2.0-or-later */
/* trace: a verdict for each packet of a file. */
#include <stdio.h>

#include "job.h"
#include "portaudit/packets.h"

/* A packet with an expectation that the verdict does not meet. */
static bool is_unexpected(const struct pa_packet_line *line, const struct pa_walk *walk)
{
	if (!line->has_expect)
		return false;
	return line->expect != walk->fate || (line->expect_path_known && line->expect_path != walk->path);
}

int pa_command_trace(struct pa_job *job)
{
	struct pa_packet_file *file = pa_packets_load(job->options->packets, &job->diags);
	if (!file || !pa_job_load_ruleset(job) || !pa_job_load_host(job)) {
		pa_packets_free(file);
		return pa_diags_status(&job->diags);
	}
	struct pa_buffer text = { 0 };
	struct pa_walker *walker = pa_walker_new(job->ruleset, job->host);
	pa_walker_be_brief(walker);
	size_t unexpected = 0;
	for (size_t i = 0; i < file->count; i++) {
		const struct pa_packet_line *line = &file->lines[i];
		struct pa_walk walk;
		pa_walker_walk(walker, &line->packet, line->path_known, &walk);
		pa_report_verdict(&walk, &line->packet, line->id_json, &text);
		if (is_unexpected(line, &walk)) {
			unexpected++;
			fprintf(stderr, "%s:%u: packet %s: expected %s\n", line->where.file ? line->where.file : "-",
				line->where.line, line->id_json, line->expect_text);
		}
		pa_walk_done(&walk);
	}
	pa_walker_free(walker);
	pa_packets_free(file);
	int status = pa_job_print(&text, job);
	pa_buffer_done(&text);
	int told = pa_job_finish(job, job->ruleset->gap_count == 0);
	if (told == PA_EXIT_CLEAN && unexpected)
		told = PA_EXIT_FINDINGS;
	return told > status ? told : status;
}
