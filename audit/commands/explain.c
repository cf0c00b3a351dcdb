/* SPDX-License-Identifier: GPL-2.0-or-later */
/* explain: one packet through the rules, in words. */
#include <unistd.h>

#include "job.h"
#include "portaudit/packets.h"

int pa_command_explain(struct pa_job *job)
{
	struct pa_packet packets[PA_EXPLAIN_MAX];
	bool path_known = false;
	const struct pa_options *options = job->options;
	size_t count =
		pa_explain_parse((const char *const *)options->words, options->word_count, packets, &path_known, &job->diags);
	if (count == 0 || !pa_job_load_ruleset(job) || !pa_job_load_host(job))
		return pa_diags_status(&job->diags);
	struct pa_buffer text = { 0 };
	const struct pa_style style = { .color = pa_options_color(options, STDOUT_FILENO),
					.width = pa_terminal_width(),
					.quiet = options->quiet };
	struct pa_walker *walker = pa_walker_new(job->ruleset, job->host);
	for (size_t i = 0; i < count; i++) {
		struct pa_walk walk;
		/* without a destination the question is about this host */
		bool to_host = path_known || !packets[i].known[PA_FIELD_DADDR];
		pa_walker_walk(walker, &packets[i], to_host, &walk);
		if (i)
			pa_buffer_putc(&text, '\n');
		pa_report_walk(&walk, &packets[i], &style, &text);
		pa_walk_done(&walk);
	}
	pa_walker_free(walker);
	int status = pa_job_print(&text, job);
	pa_buffer_done(&text);
	int told = pa_job_finish(job, job->ruleset->gap_count == 0);
	return told > status ? told : status;
}
