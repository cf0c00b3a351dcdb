/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapshot: this host as one document, to be audited elsewhere. */
#include <string.h>
#include <sys/utsname.h>

#include "job.h"

/* What was said while addresses and sockets were read belongs to the document: its reader says it again. */
static void take_notes(struct pa_snapshot *snapshot, const struct pa_diags *diags, size_t first)
{
	snapshot->notes = diags->items + first;
	snapshot->note_count = diags->count - first;
}

static bool write_documents(struct pa_job *job, const struct pa_buffer *text)
{
	bool written = true;
	for (size_t i = 0; i < job->options->output_count; i++)
		written = pa_report_write(job->options->outputs[i].path, text, &job->diags) && written;
	return written;
}

static bool write_snapshot(struct pa_job *job, struct pa_snapshot *snapshot)
{
	struct utsname system;
	struct pa_buffer text = { 0 };
	snapshot->version = PA_VERSION;
	snapshot->kernel = uname(&system) == 0 ? system.release : NULL;
	snapshot->time = pa_job_now(job->options);
	snapshot->host = job->host;
	snapshot->sockets = job->sockets;
	pa_snapshot_write(snapshot, &text);
	bool written = write_documents(job, &text);
	pa_buffer_done(&text);
	return written;
}

int pa_command_snapshot(struct pa_job *job)
{
	struct pa_snapshot snapshot = { 0 };
	job->recording = &snapshot.recording;
	bool loaded = pa_job_load_ruleset(job), written = false;
	size_t first = job->diags.count;
	if (loaded && pa_job_load_host(job) && pa_job_load_sockets(job)) {
		take_notes(&snapshot, &job->diags, first);
		written = write_snapshot(job, &snapshot);
	}
	pa_recording_done(&snapshot.recording);
	return written ? pa_job_finish(job, job->ruleset->gap_count == 0) : pa_diags_status(&job->diags);
}
