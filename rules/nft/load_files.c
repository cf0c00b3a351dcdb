/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "child.h"
#include "document.h"
#include "reading.h"
#include "recognise.h"
#include "script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_SIZE_MAX ((size_t)1 << 30)
#define READ_CHUNK ((size_t)1 << 16)
#define NOBODY 65534

/* A file that was read. */
struct input {
	const char *name; /* for messages */
	struct pa_buffer text;
	enum pa_text_kind kind;
	struct stat state;
	bool is_standard_input;
};

struct inputs {
	struct input *items;
	size_t count;
};

/* --- reading ----------------------------------------------------------------------------------------------- */

static struct pa_diag *add_file_error(struct pa_diags *diags, enum pa_diag_kind kind, const struct input *input, uint32_t line,
				      const char *message)
{
	struct pa_diag *diag = pa_diags_add(diags, PA_DIAG_ERROR, kind, "%s", message);

	diag->where.file = pa_arena_strdup(diags->arena, input->name);
	diag->where.line = line;
	diag->where.column = line ? 1 : 0;
	return diag;
}

/* 0 or an errno. Stops at the first NUL byte: this is no text, and a device may never end. */
static int read_all(int fd, struct pa_buffer *text)
{
	char chunk[READ_CHUNK];

	for (;;) {
		ssize_t got = read(fd, chunk, sizeof(chunk));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno;
		if (got == 0)
			return 0;
		pa_buffer_add(text, chunk, (size_t)got);
		if (memchr(chunk, '\0', (size_t)got))
			return 0;
		if (text->length > FILE_SIZE_MAX)
			return EFBIG;
	}
}

static bool read_input(const char *path, struct input *input, struct pa_diags *diags)
{
	int fd = STDIN_FILENO, error = 0;

	*input = (struct input){ .name = path, .is_standard_input = strcmp(path, "-") == 0 };
	if (input->is_standard_input)
		input->name = "standard input";
	else
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &input->state) != 0)
		error = errno;
	else
		error = read_all(fd, &input->text);
	if (fd >= 0 && !input->is_standard_input)
		close(fd);
	if (error == EFBIG)
		add_file_error(diags, PA_DIAG_INPUT, input, 0, "larger than 1 GiB");
	else if (error)
		add_file_error(diags, PA_DIAG_INPUT, input, 0, strerror(error));
	return error == 0;
}

/* --- what kinds of text are read --------------------------------------------------------------------------- */

static bool refuse_kind(const struct input *input, uint32_t line, struct pa_diags *diags)
{
	static const char not_yet[] =
		"this version reads nft scripts and the JSON of nft: load the rules with iptables-nft-restore "
		"and audit the live ruleset, or translate them with iptables-restore-translate";

	switch (input->kind) {
	case PA_TEXT_NFT_SCRIPT:
	case PA_TEXT_NFT_JSON:
		return false;
	case PA_TEXT_SNAPSHOT:
		add_file_error(diags, PA_DIAG_INCOMPLETE, input, line,
			       "a portaudit snapshot, which this version cannot read yet");
		return true;
	case PA_TEXT_IPTABLES_SAVE:
		add_file_error(diags, PA_DIAG_INCOMPLETE, input, line,
			       "the output of iptables-save, which this version cannot read yet")
			->help = not_yet;
		return true;
	case PA_TEXT_IP6TABLES_SAVE:
		add_file_error(diags, PA_DIAG_INCOMPLETE, input, line,
			       "the output of ip6tables-save, which this version cannot read yet")
			->help = not_yet;
		return true;
	case PA_TEXT_IPSET_SAVE:
		add_file_error(diags, PA_DIAG_INCOMPLETE, input, line,
			       "the output of ipset save, which this version cannot read yet");
		return true;
	case PA_TEXT_BINARY:
		add_file_error(diags, PA_DIAG_INPUT, input, line, "holds a NUL byte: this is no text");
		return true;
	}
	return true;
}

static bool refuse_defect(const struct input *input, struct pa_diags *diags)
{
	uint32_t line;

	switch (pa_text_defect(input->text.data, input->text.length, &line)) {
	case PA_TEXT_SOUND:
		break;
	case PA_TEXT_HAS_MARK:
		add_file_error(diags, PA_DIAG_INPUT, input, line, "begins with a byte order mark, which nft does not read")
			->help = "save it as UTF-8 without a mark";
		return true;
	case PA_TEXT_HAS_CRLF:
		if (input->kind == PA_TEXT_NFT_JSON)
			break; /* white space in JSON */
		add_file_error(diags, PA_DIAG_INPUT, input, line, "the line ends with CR LF, which nft does not read")->help =
			"convert it: sed -i 's/\\r$//' FILE";
		return true;
	}
	return false;
}

static bool recognise(struct input *input, struct pa_diags *diags)
{
	uint32_t line;

	if (input->text.length == 0)
		pa_buffer_puts(&input->text, "\n");
	input->kind = pa_text_recognise(input->text.data, input->text.length, &line);
	return !refuse_kind(input, line, diags) && !refuse_defect(input, diags);
}

static bool read_inputs(const char *const *paths, size_t count, struct inputs *inputs, struct pa_diags *diags)
{
	bool good = true, standard_input = false;

	inputs->items = pa_xcalloc(count ? count : 1, sizeof(*inputs->items));
	for (size_t i = 0; i < count; i++) {
		struct input *input = &inputs->items[inputs->count++];
		bool taken = standard_input && strcmp(paths[i], "-") == 0;

		standard_input = standard_input || strcmp(paths[i], "-") == 0;
		if (taken)
			pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "standard input can be read only once");
		good = !taken && read_input(paths[i], input, diags) && recognise(input, diags) && good;
	}
	return good;
}

static void inputs_done(struct inputs *inputs)
{
	for (size_t i = 0; i < inputs->count; i++)
		pa_buffer_done(&inputs->items[i].text);
	free(inputs->items);
}

/* --- scripts ----------------------------------------------------------------------------------------------- */

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
static struct pa_sandbox_identity identity_for(const struct inputs *inputs)
{
	struct pa_sandbox_identity found = { .user = geteuid(), .group = getegid() };
	const struct input *first = NULL;

	if (geteuid() != 0)
		return found;
	for (size_t i = 0; i < inputs->count; i++) {
		const struct input *input = &inputs->items[i];

		if (input->kind != PA_TEXT_NFT_SCRIPT)
			continue;
		if (!S_ISREG(input->state.st_mode) || (first && first->state.st_uid != input->state.st_uid))
			return (struct pa_sandbox_identity){ NOBODY, NOBODY };
		first = input;
		found = (struct pa_sandbox_identity){ input->state.st_uid, input->state.st_gid };
	}
	return found;
}

/* The folder that a script is in; the working directory for standard input. */
static char *folder_of(const struct input *input)
{
	const char *slash = input->is_standard_input ? NULL : strrchr(input->name, '/');

	if (!slash)
		return pa_xstrdup(".");
	if (slash == input->name)
		return pa_xstrdup("/");
	return strndup(input->name, (size_t)(slash - input->name));
}

/* nft wants a newline after the last line. */
static int script_file(const struct input *input)
{
	int fd = memfd_create("script", MFD_CLOEXEC), high;
	const char *at = input->text.data;
	size_t left = input->text.length;

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

static bool add_script(struct work *work, const struct input *input, struct pa_diags *diags)
{
	int fd = script_file(input);

	if (fd < 0) {
		add_file_error(diags, PA_DIAG_INCOMPLETE, input, 0, strerror(errno));
		return false;
	}
	work->job.scripts[work->job.count] = (struct pa_script){ input->name, input->text.data, input->text.length, fd };
	work->folders[work->job.count] = folder_of(input);
	work->files[work->job.count++] = fd;
	return true;
}

static bool prepare(struct work *work, const struct inputs *inputs, const struct pa_load_options *options,
		    struct pa_diags *diags)
{
	size_t given = 0, at;

	while (options && options->include_folders && options->include_folders[given])
		given++;
	*work = (struct work){ .job = { .identity = identity_for(inputs) } };
	work->job.scripts = pa_xcalloc(inputs->count, sizeof(*work->job.scripts));
	work->files = pa_xcalloc(inputs->count, sizeof(*work->files));
	work->folders = pa_xcalloc(inputs->count + given + 1, sizeof(*work->folders));
	for (size_t i = 0; i < inputs->count; i++)
		if (inputs->items[i].kind == PA_TEXT_NFT_SCRIPT && !add_script(work, &inputs->items[i], diags))
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

static bool load_scripts(struct pa_ruleset *ruleset, const struct inputs *inputs, const struct pa_load_options *options,
			 struct pa_diags *diags)
{
	struct pa_child_result result;
	struct work work;
	bool loaded = prepare(&work, inputs, options, diags);

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

/* --- all --------------------------------------------------------------------------------------------------- */

static bool lower_json(struct pa_ruleset *ruleset, const struct inputs *inputs, struct pa_diags *diags)
{
	bool lowered = true;

	for (size_t i = 0; i < inputs->count; i++) {
		const struct input *input = &inputs->items[i];
		struct pa_nft_document document = { .json = input->text.data,
						    .length = input->text.length,
						    .source_name = input->name };

		pa_ruleset_add_source(ruleset, input->name);
		if (input->kind == PA_TEXT_NFT_JSON)
			lowered = pa_nft_lower(&document, ruleset, diags) && lowered;
	}
	return lowered;
}

struct pa_ruleset *pa_ruleset_load_files(const char *const *paths, size_t count, const struct pa_load_options *options,
					 struct pa_diags *diags)
{
	struct inputs inputs = { 0 };
	struct pa_ruleset *ruleset = NULL;

	if (read_inputs(paths, count, &inputs, diags)) {
		ruleset = pa_ruleset_new();
		if (!load_scripts(ruleset, &inputs, options, diags) || !lower_json(ruleset, &inputs, diags) ||
		    !pa_ruleset_check(ruleset, diags))
			ruleset = pa_ruleset_free(ruleset);
	}
	inputs_done(&inputs);
	return ruleset;
}
