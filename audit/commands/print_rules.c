/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --print-rules: the ruleset as it was understood. */
#include "job.h"

int pa_command_print_rules(struct pa_job *job)
{
	if (!pa_job_load_ruleset(job))
		return pa_diags_status(&job->diags);
	struct pa_buffer text = { 0 };
	pa_ruleset_print(job->ruleset, &text);
	int status = pa_job_print(&text, job);
	pa_buffer_done(&text);
	return status;
}
