/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "child.h"
#include "reading.h"
#include "script.h"
#include "scripts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NOBODY 65534

/* What the child is given. */
struct work {
	struct pa_script_job job;
	int *files;	      /* the memory files of the scripts */
	const char **folders; /* NULL-terminated */
};

/*
 * Root does not load a script with the rights of root: the child has those of the script's owner, so that a script
 * includes what its owner may read.
 */
static struct pa_sandbox_identity identity_for(const struct pa_nft_text *scripts, size_t count)
{
	struct pa_sandbox_identity found = { .user = geteuid(), .group = getegid() };
	const struct pa_nft_text *first = NULL;

	if (geteuid() != 0)
		return found;
	for (size_t i = 0; i < count; i++) {
		if (!scripts[i].is_regular || (first && first->owner != scripts[i].owner))
			return (struct pa_sandbox_identity){ NOBODY, NOBODY };
		first = &scripts[i];
		found = (struct pa_sandbox_identity){ scripts[i].owner, scripts[i].group };
	}
	return found;
}

/* The folder that a script is in; the working directory for standard input. */
static char *folder_of(const struct pa_nft_text *input)
{
	const char *slash = input->is_standard_input ? NULL : strrchr(input->name, '/');

	if (!slash)
		return pa_xstrdup(".");
	if (slash == input->name)
		return pa_xstrdup("/");
	return strndup(input->name, (size_t)(slash - input->name));
}

/* nft wants a newline after the last line. */
static int script_file(const struct pa_nft_text *input)
{
	int fd = memfd_create("script", MFD_CLOEXEC), high;
	const char *at = input->text;
	size_t left = input->length;

	high = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
	if (fd >= 0)
		close(fd);
	while (high >= 0 && left > 0) {
		ssize_t done = write(high, at, left);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			break;
		at += done;
		left -= (size_t)done;
	}
	if (high >= 0 && (left > 0 || write(high, "\n", 1) != 1)) {
		close(high);
		return -1;
	}
	return high;
}

static bool add_script(struct work *work, const struct pa_nft_text *input, struct pa_diags *diags)
{
	int fd = script_file(input);

	if (fd < 0) {
		pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "%s", strerror(errno))->where.file =
			pa_arena_strdup(diags->arena, input->name);
		return false;
	}
	work->job.scripts[work->job.count] = (struct pa_script){ input->name, input->text, input->length, fd };
	work->folders[work->job.count] = folder_of(input);
	work->files[work->job.count++] = fd;
	return true;
}

static bool prepare(struct work *work, const struct pa_nft_text *scripts, size_t count, const struct pa_load_options *options,
		    struct pa_diags *diags)
{
	size_t given = 0, at;

	while (options && options->include_folders && options->include_folders[given])
		given++;
	*work = (struct work){ .job = { .identity = identity_for(scripts, count) } };
	work->job.scripts = pa_xcalloc(count + 1, sizeof(*work->job.scripts));
	work->files = pa_xcalloc(count + 1, sizeof(*work->files));
	work->folders = pa_xcalloc(count + given + 1, sizeof(*work->folders));
	for (size_t i = 0; i < count; i++)
		if (!add_script(work, &scripts[i], diags))
			return false;
	at = work->job.count;
	for (size_t i = 0; i < given; i++)
		work->folders[at + i] = pa_xstrdup(options->include_folders[i]);
	work->job.folders = work->folders;
	work->job.include_folders = options ? options->include_folders : NULL;
	return true;
}

static void work_done(struct work *work)
{
	for (size_t i = 0; i < work->job.count; i++)
		close(work->files[i]);
	for (size_t i = 0; work->folders && work->folders[i]; i++)
		free((char *)(uintptr_t)work->folders[i]);
	free(work->folders);
	free(work->files);
	free(work->job.scripts);
}

static void add_failure(const struct work *work, const struct pa_child_result *result, struct pa_diags *diags)
{
	unsigned script = result->report.script;
	struct pa_diag *diag;

	if (result->report.outcome == PA_CHILD_SCRIPT && script < work->job.count) {
		pa_script_errors_add(diags, &work->job.scripts[script], result->text[PA_CHILD_ERRORS].data,
				     result->text[PA_CHILD_ERRORS].length);
		return;
	}
	pa_load_add_failure(diags, result, "the script could not be loaded");
	diag = &diags->items[diags->count - 1];
	if (work->job.count == 1)
		diag->where.file = pa_arena_strdup(diags->arena, work->job.scripts[0].name);
}

static bool lower_scripts(struct pa_ruleset *ruleset, const struct work *work, const struct pa_child_result *result,
			  struct pa_diags *diags)
{
	struct pa_rule_lines *lines =
		pa_rule_lines_read(result->text[PA_CHILD_LINES].data, result->text[PA_CHILD_LINES].length);
	struct pa_buffer names = { 0 };
	bool lowered;

	for (size_t i = 0; i < work->job.count; i++)
		pa_buffer_printf(&names, "%s%s", i ? ", " : "", work->job.scripts[i].name);
	lowered = pa_load_lower(ruleset, result, names.data, lines, diags);
	pa_buffer_done(&names);
	pa_rule_lines_free(lines);
	return lowered;
}

bool pa_nft_load_scripts(const struct pa_nft_text *scripts, size_t count, struct pa_ruleset *ruleset,
			 const struct pa_load_options *options, struct pa_diags *diags)
{
	struct pa_child_result result;
	struct work work;
	bool loaded = prepare(&work, scripts, count, options, diags);

	if (loaded && work.job.count > 0) {
		struct pa_child_job job = { .work = pa_script_work,
					    .answer = pa_script_answer,
					    .context = &work.job,
					    .keep = work.files,
					    .keep_count = work.job.count,
					    .deadline = pa_load_deadline(options),
					    .options = options };
		pa_child_run(&job, &result);
		loaded = result.report.outcome == PA_CHILD_DONE;
		if (loaded)
			loaded = lower_scripts(ruleset, &work, &result, diags);
		else
			add_failure(&work, &result, diags);
		pa_child_result_done(&result);
	}
	work_done(&work);
	return loaded;
}
