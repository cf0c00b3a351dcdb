/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fmt: policy files in canonical form. */
#include <string.h>

#include "job.h"

static bool is_same(const struct pa_buffer *a, const struct pa_buffer *b)
{
	return a->length == b->length && (a->length == 0 || memcmp(a->data, b->data, a->length) == 0);
}

/* Lays one file out; *ret_changed: it was not so before. */
static bool lay_out(struct pa_job *job, const char *path, struct pa_buffer *out, bool *ret_changed)
{
	struct pa_buffer text = { 0 };
	bool good = pa_policy_read(path, &text, &job->diags) &&
		    pa_policy_layout(text.data ? text.data : "", text.length, path, out, &job->diags);
	*ret_changed = good && !is_same(&text, out);
	pa_buffer_done(&text);
	return good;
}

int pa_command_fmt(struct pa_job *job)
{
	const struct pa_options *options = job->options;
	struct pa_buffer out = { 0 }, names = { 0 };
	bool any_changed = false;
	for (size_t i = 0; i < options->word_count; i++) {
		struct pa_buffer text = { 0 };
		bool changed;
		if (lay_out(job, options->words[i], &text, &changed) && changed)
			pa_buffer_printf(&names, "%s\n", options->words[i]);
		any_changed = any_changed || changed;
		if (text.length)
			pa_buffer_add(&out, text.data, text.length);
		pa_buffer_done(&text);
	}
	int status = pa_diags_status(&job->diags);
	if (options->fmt_check) {
		int printed = pa_job_print(&names, job);
		status = printed > status ? printed : status;
		if (status == PA_EXIT_CLEAN && any_changed)
			status = PA_EXIT_FINDINGS;
	} else if (status == PA_EXIT_CLEAN) {
		pa_report_write(options->output_count ? options->outputs[0].path : "-", &out, &job->diags);
		status = pa_diags_status(&job->diags);
	}
	pa_buffer_done(&out);
	pa_buffer_done(&names);
	return status;
}
