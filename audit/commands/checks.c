/* SPDX-License-Identifier: GPL-2.0-or-later */
/* checks: the catalogue. */
#include "job.h"

static void print_check(const struct pa_check_info *info, bool whole, struct pa_buffer *text)
{
	pa_buffer_printf(text, "%-11s %-9s %s\n", info->code, pa_severity_name(info->severity), info->title);
	if (whole)
		pa_buffer_printf(text, "\n  %s\n", info->why);
}

int pa_command_checks(struct pa_job *job)
{
	const struct pa_options *options = job->options;
	struct pa_buffer text = { 0 };
	for (size_t i = 0; i < options->word_count; i++) {
		enum pa_check_id check;
		if (pa_check_find(options->words[i], &check))
			print_check(pa_check_info(check), true, &text);
	}
	for (unsigned check = 0; options->word_count == 0 && check < PA_CHECK_COUNT; check++)
		print_check(pa_check_info((enum pa_check_id)check), false, &text);
	int status = pa_job_print(&text, job);
	pa_buffer_done(&text);
	return status;
}
