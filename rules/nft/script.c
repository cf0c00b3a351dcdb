/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "script.h"

#include "intercept.h"
#include "lines.h"
#include "listing.h"
#include "split.h"
#include "stubs.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* libnftables stops after ten errors, so many interfaces need many runs. */
#define RUNS_MAX 1000

bool pa_script_answer(pid_t child, void *context)
{
	const struct pa_script_job *job = context;

	return pa_sandbox_map(child, &job->identity);
}

/* --- interfaces -------------------------------------------------------------------------------------------- */

/* The line that an error is about: of the script, or of a file that it includes. */
static char *read_line(const struct pa_script *script, const struct pa_script_error *error)
{
	char path[4096], own[64], *line = NULL;
	const char *found;
	size_t size = 0, length;
	FILE *file;

	snprintf(own, sizeof(own), "/proc/self/fd/%d", script->fd);
	snprintf(path, sizeof(path), "%.*s", (int)(error->file_length < sizeof(path) ? error->file_length : 0), error->file);
	if (strcmp(path, own) == 0) {
		pa_text_line(script->text, script->length, error->line, &found, &length);
		return strndup(found, length);
	}
	file = fopen(path, "re");
	for (uint32_t i = 0; file && i < error->line; i++)
		if (getline(&line, &size, file) < 0)
			break;
	if (file)
		fclose(file);
	return line;
}

/* The name between the columns of the error, without quotes. */
static bool interface_name(const char *line, const struct pa_script_error *error, char name[64])
{
	size_t length = strlen(line), first = error->first, last = error->last < length ? error->last : length;

	if (first < 1 || first > last)
		return false;
	line += first - 1;
	length = last - first + 1;
	if (length >= 2 && line[0] == '"' && line[length - 1] == '"') {
		line++;
		length -= 2;
	}
	if (length == 0 || length >= 64)
		return false;
	memcpy(name, line, length);
	name[length] = '\0';
	return true;
}

/*
 * Makes the interfaces that the errors say do not exist. Returns how many were made; a name that is missing although it
 * was made is not counted, so that the runs end.
 */
static unsigned make_missing(const struct pa_script *script, const char *errors)
{
	size_t length = strlen(errors);
	struct pa_script_error error;
	unsigned made = 0;

	while (pa_script_error_next(&errors, &length, &error)) {
		char name[64], *line;

		if (!pa_script_error_is(&error, "Interface does not exist"))
			continue;
		line = read_line(script, &error);
		if (line && interface_name(line, &error, name) && pa_stub_make(name) == 0)
			made++;
		free(line);
	}
	return made;
}

/* --- loading ----------------------------------------------------------------------------------------------- */

static void folder_unreadable(void *context, const char *path, int error)
{
	const struct pa_child *child = context;

	pa_child_help(child, "only the folder of the script and the folders given for includes are read");
	pa_child_end(child, PA_CHILD_INPUT, "an include looks for files in %s, which may not be read here: %s", path,
		     strerror(error));
}

/* libnftables would wait for a FIFO, and read a device until memory is full. A folder it leaves out itself. */
static void include_found(void *context, const char *path)
{
	const struct pa_child *child = context;
	struct stat state;

	if (stat(path, &state) == 0 && !S_ISREG(state.st_mode) && !S_ISDIR(state.st_mode))
		pa_child_end(child, PA_CHILD_INPUT, "an include names %s, which is no regular file", path);
}

static struct nft_ctx *new_context(const struct pa_child *child, const struct pa_script_job *job)
{
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);

	if (!nft || nft_ctx_buffer_error(nft) != 0 || nft_ctx_buffer_output(nft) != 0)
		pa_child_end(child, PA_CHILD_UNABLE, "libnftables could not be started");
	for (size_t i = 0; job->include_folders && job->include_folders[i]; i++)
		if (nft_ctx_add_include_path(nft, job->include_folders[i]) != 0)
			pa_child_end(child, PA_CHILD_UNABLE, "libnftables refuses the folder %s for includes",
				     job->include_folders[i]);
	return nft;
}

static void load(const struct pa_child *child, const struct pa_script_job *job, unsigned number)
{
	const struct pa_script *script = &job->scripts[number];
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", script->fd);
	for (unsigned run = 0;; run++) {
		struct nft_ctx *nft = new_context(child, job);
		const char *errors;

		if (nft_run_cmd_from_filename(nft, path) == 0) {
			nft_ctx_free(nft);
			return;
		}
		errors = nft_ctx_get_error_buffer(nft);
		errors = errors ? errors : "";
		if (run >= RUNS_MAX || make_missing(script, errors) == 0) {
			pa_child_write(child, PA_CHILD_ERRORS, errors, strlen(errors));
			child->report->script = number;
			pa_child_end(child, PA_CHILD_SCRIPT, "%s", "");
		}
		nft_ctx_free(nft);
	}
}

static void write_lines(const struct pa_child *child, const struct pa_script_job *job)
{
	struct pa_buffer lines = { 0 };

	for (size_t i = 0; i < job->count; i++)
		pa_rule_lines_scan(job->scripts[i].name, job->scripts[i].text, job->scripts[i].length, job->include_folders,
				   &lines);
	if (lines.length)
		pa_child_write(child, PA_CHILD_LINES, lines.data, lines.length);
	pa_buffer_done(&lines);
}

void pa_script_work(const struct pa_child *child, void *context)
{
	const struct pa_script_job *job = context;
	struct pa_intercept hooks = { .send = pa_split_send,
				      .unreadable = folder_unreadable,
				      .found = include_found,
				      .context = (void *)(uintptr_t)child };

	setenv("TZ", "UTC", 1);
	pa_sandbox_enter(child, &job->identity);
	pa_sandbox_limit_files(child, job->folders);
	pa_sandbox_limit_calls(child, true);
	pa_intercept_set(&hooks);
	for (unsigned i = 0; i < job->count; i++)
		load(child, job, i);
	pa_intercept_set(NULL);
	write_lines(child, job);
	pa_listing_run(child, PA_LISTING_ALONE);
}
