/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands share: loading, evaluating, telling what went wrong, the exit status. */
#include "job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LIVE "live"

void pa_job_done(struct pa_job *job)
{
	pa_result_free(job->result);
	for (size_t i = 0; i < 2; i++) {
		pa_difference_free(job->beside[i].difference);
		pa_evaluation_free(job->beside[i].pair[0]);
		pa_evaluation_free(job->beside[i].pair[1]);
		pa_ruleset_free(job->beside[i].ruleset);
	}
	pa_evaluation_free(job->evaluation);
	pa_policy_free(job->policy);
	pa_scan_free(job->scan);
	pa_baseline_free(job->known);
	pa_host_free(job->host);
	pa_sockets_free(job->sockets);
	pa_snapshot_free(job->snapshot);
	pa_ruleset_free(job->ruleset);
	pa_arena_free(job->arena);
	pa_diags_done(&job->diags);
	free(job->rows);
}

bool pa_job_is_offline(const struct pa_options *options)
{
	if (options->command != PA_COMMAND_DIFF)
		return options->ruleset_count > 0;
	for (size_t i = 0; i < options->ruleset_count; i++) {
		if (strcmp(options->rulesets[i], LIVE) == 0)
			return false;
	}
	return true;
}

/* --- diagnostics --- */

void pa_job_print_diags(struct pa_job *job)
{
	struct pa_buffer text = { 0 };
	const struct pa_style style = { .color = pa_options_color(job->options, STDERR_FILENO) };
	pa_diags_sort(&job->diags);
	pa_report_diags(&job->diags, &style, &text);
	if (text.length)
		fwrite(text.data, 1, text.length, stderr);
	pa_buffer_done(&text);
}

/* The exit status that the errors so far call for; 0: there are none. */
int pa_diags_status(const struct pa_diags *diags)
{
	int status = PA_EXIT_CLEAN;
	for (size_t i = 0; i < diags->count; i++) {
		if (diags->items[i].level != PA_DIAG_ERROR)
			continue;
		int wanted = diags->items[i].kind == PA_DIAG_INCOMPLETE ? PA_EXIT_INCOMPLETE : PA_EXIT_WRONG_INPUT;
		status = wanted > status ? wanted : status;
	}
	return status;
}

/* --- loading --- */

static void show_progress(void *context, const char *what)
{
	(void)context;
	fprintf(stderr, "\r\033[Kportaudit: %s", what);
	fflush(stderr);
}

/* `count` 0: the live kernel. */
static struct pa_ruleset *load(struct pa_job *job, const char *const *paths, size_t count, struct pa_diags *diags)
{
	const struct pa_options *options = job->options;
	struct pa_load_options wanted = { .include_folders = (const char *const *)options->include_folders,
					  .recording = job->recording,
					  .ret_snapshot = &job->snapshot };
	bool terminal = isatty(STDERR_FILENO) && !options->quiet;
	if (terminal)
		wanted.progress = show_progress;
	struct pa_ruleset *ruleset =
		count ? pa_ruleset_load_files(paths, count, &wanted, diags) : pa_ruleset_load_live(&wanted, diags);
	if (terminal)
		fputs("\r\033[K", stderr);
	return ruleset;
}

bool pa_job_load_ruleset(struct pa_job *job)
{
	job->ruleset = load(job, (const char *const *)job->options->rulesets, job->options->ruleset_count, &job->diags);
	return job->ruleset != NULL;
}

struct pa_ruleset *pa_job_load_source(struct pa_job *job, const char *source, struct pa_diags *diags)
{
	const char *paths[16];
	size_t count = 0;
	if (strcmp(source, LIVE) == 0)
		return load(job, NULL, 0, diags);
	if (access(source, F_OK) == 0 || !strchr(source, ',')) {
		paths[count++] = source;
		return load(job, paths, count, diags);
	}
	for (const char *at = source; count < sizeof(paths) / sizeof(*paths);) {
		size_t length = strcspn(at, ",");
		paths[count++] = pa_arena_strndup(job->arena, at, length);
		if (!at[length])
			break;
		at += length + 1;
	}
	return load(job, paths, count, diags);
}

const char *pa_job_host_name(struct pa_job *job)
{
	char name[256] = "";
	if (job->options->as_host)
		return job->options->as_host;
	if (job->snapshot)
		return job->snapshot->host ? job->snapshot->host->name : job->host->name;
	if (pa_job_is_offline(job->options))
		return "offline";
	if (gethostname(name, sizeof(name) - 1) != 0 || !name[0])
		return "localhost";
	return pa_arena_strdup(job->arena, name);
}

static bool add_self_of_policy(struct pa_job *job)
{
	const struct pa_policy *policy = job->policy;
	if (!policy || !policy->has_self || job->options->self || !pa_job_is_offline(job->options) || job->snapshot)
		return true;
	return pa_host_add_self(job->host, policy->self.text, &job->diags);
}

/* With what was said on that host while it was read. */
static void take_host_of_snapshot(struct pa_job *job)
{
	struct pa_snapshot *snapshot = job->snapshot;
	job->host = snapshot->host;
	job->host->sockets = NULL;
	snapshot->host = NULL;
	for (size_t i = 0; i < snapshot->note_count; i++) {
		const struct pa_diag *note = &snapshot->notes[i];
		pa_diags_add(&job->diags, note->level, note->kind, "%s", note->message)->help =
			note->help ? pa_arena_strdup(job->diags.arena, note->help) : NULL;
	}
}

bool pa_job_load_host(struct pa_job *job)
{
	if (job->snapshot)
		take_host_of_snapshot(job);
	else if (pa_job_is_offline(job->options))
		job->host = pa_host_new(pa_job_host_name(job));
	else
		job->host = pa_host_read_live(&job->diags);
	for (size_t i = 0; job->options->self && job->options->self[i]; i++) {
		if (!pa_host_add_self(job->host, job->options->self[i], &job->diags))
			return false;
	}
	if (job->options->policy && !pa_job_is_offline(job->options))
		pa_host_check_file(job->host, "", job->options->policy);
	job->host->has_now = job->options->now_given;
	job->host->now = job->options->now;
	return add_self_of_policy(job);
}

static void take_sockets_of_snapshot(struct pa_job *job)
{
	job->sockets = job->snapshot->sockets;
	job->snapshot->sockets = NULL;
}

bool pa_job_load_sockets(struct pa_job *job)
{
	const char *file = job->options->sockets;
	if (file && strcmp(file, "none") == 0)
		return true;
	if (file)
		job->sockets = pa_sockets_load(file, &job->diags);
	else if (job->snapshot)
		take_sockets_of_snapshot(job);
	else if (!pa_job_is_offline(job->options))
		job->sockets = pa_sockets_read_live(&job->diags);
	job->host->sockets = job->sockets;
	return !file || job->sockets;
}

bool pa_job_load_policy(struct pa_job *job)
{
	if (!job->options->policy)
		return true;
	job->policy = pa_policy_load(job->options->policy, pa_job_host_name(job), pa_check_known, &job->diags);
	return job->policy != NULL;
}

bool pa_job_load_scan(struct pa_job *job)
{
	const struct pa_options *options = job->options;
	if (!options->scan)
		return true;
	job->scan = pa_scan_load(options->scan, &job->diags);
	if (job->scan && options->scan_from)
		job->scan->source_known = pa_address_parse(options->scan_from, &job->scan->source, &job->scan->source_family);
	return job->scan != NULL;
}

static size_t join_cuts(struct pa_job *job, struct pa_cut **cuts, size_t count, const struct pa_cut *more, size_t more_count)
{
	struct pa_cut *all = pa_arena_alloc(job->arena, count + more_count + 1, sizeof(*all));
	for (size_t i = 0; i < count; i++)
		all[i] = (*cuts)[i];
	for (size_t i = 0; i < more_count; i++)
		all[count + i] = more[i];
	*cuts = all;
	return count + more_count;
}

bool pa_job_evaluate(struct pa_job *job)
{
	struct pa_cut *cuts = NULL;
	size_t count = 0;
	if (job->options->command == PA_COMMAND_CHECK)
		count = pa_policy_cuts(job->policy, job->host, job->ruleset, job->arena, &cuts);
	if (job->scan) {
		struct pa_cut *more = NULL;
		size_t more_count = pa_scan_cuts(job->scan, job->host, job->arena, &more);
		count = join_cuts(job, &cuts, count, more, more_count);
	}
	job->evaluation = pa_evaluate(job->ruleset, job->host, cuts, count, &job->diags);
	return job->evaluation != NULL;
}

static bool forwards(const struct pa_host *host, int family)
{
	return (family == 4 ? host->forward_ipv4 : host->forward_ipv6) != PA_NO;
}

void pa_job_add_rows(struct pa_job *job, enum pa_path path)
{
	const struct pa_exposure *exposures;
	size_t count = pa_evaluation_exposures(job->evaluation, path, &exposures);
	for (size_t i = 0; i < count; i++) {
		const struct pa_row *rows;
		size_t found =
			pa_evaluation_rows(job->evaluation, &exposures[i], exposures[i].set, job->options->loopback, 0, &rows);
		pa_grow(&job->rows, &job->row_capacity, job->row_count + found + 1, sizeof(*job->rows));
		for (size_t r = 0; r < found; r++) {
			if (path != PA_PATH_FORWARD || forwards(job->host, rows[r].family))
				job->rows[job->row_count++] = rows[r];
		}
	}
}

const char **pa_job_incomplete_of(struct pa_job *job, const struct pa_ruleset *const *rulesets, size_t count, size_t *ret_count)
{
	size_t most = job->diags.count + 1;
	for (size_t r = 0; r < count; r++)
		most += rulesets[r]->gap_count;
	const char **reasons = pa_arena_alloc(job->arena, most, sizeof(const char *));
	*ret_count = 0;
	for (size_t r = 0; r < count; r++) {
		for (size_t i = 0; i < rulesets[r]->gap_count; i++) {
			const struct pa_gap *gap = &rulesets[r]->gaps[i];
			reasons[(*ret_count)++] =
				gap->help ? pa_arena_printf(job->arena, "%s (%s)", gap->message, gap->help) : gap->message;
		}
	}
	for (size_t i = 0; i < job->diags.count; i++) {
		if (job->diags.items[i].level == PA_DIAG_ERROR)
			reasons[(*ret_count)++] = job->diags.items[i].message;
	}
	return reasons;
}

const char **pa_job_incomplete_reasons(struct pa_job *job, size_t *ret_count)
{
	const struct pa_ruleset *const rulesets[] = { job->ruleset };
	return pa_job_incomplete_of(job, rulesets, 1, ret_count);
}

/* --- telling --- */

int64_t pa_job_now(const struct pa_options *options)
{
	return options->has_now ? options->now : (int64_t)time(NULL);
}

unsigned pa_terminal_width(void)
{
	struct winsize size;
	if (!isatty(STDOUT_FILENO))
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40 ? size.ws_col : 80;
}

struct pa_style pa_job_style(const struct pa_job *job, const struct pa_output *output)
{
	bool terminal = strcmp(output->path, "-") == 0;
	return (struct pa_style){ .quiet = job->options->quiet,
				  .verbose = job->options->verbose,
				  .color = terminal && pa_options_color(job->options, STDOUT_FILENO),
				  .width = terminal ? pa_terminal_width() : 0 };
}

int pa_job_print(const struct pa_buffer *text, struct pa_job *job)
{
	return pa_report_write("-", text, &job->diags) ? PA_EXIT_CLEAN : PA_EXIT_INCOMPLETE;
}

/* --- exit status --- */

enum pa_severity pa_job_fail_on(const struct pa_job *job)
{
	if (job->options->has_fail_on)
		return job->options->fail_on;
	return job->policy && job->policy->has_fail_on ? job->policy->fail_on : PA_SEVERITY_LOW;
}

static bool has_failing_finding(const struct pa_job *job)
{
	for (size_t i = 0; job->result && i < job->result->finding_count; i++) {
		if (job->result->findings[i].severity >= pa_job_fail_on(job))
			return true;
	}
	return false;
}

static bool any_unknown(const struct pa_finding *findings, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strncmp(pa_check_info(findings[i].check)->code, "PA-UNK-", 7) == 0)
			return true;
	}
	return false;
}

/*
 * PA-UNK findings mean that some answer is not exact, also those that a baseline has; with --allow-unknown they are findings like
 * others.
 */
static bool has_unknown(const struct pa_job *job)
{
	const struct pa_result *result = job->result;
	if (!result || job->options->allow_unknown)
		return false;
	return any_unknown(result->findings, result->finding_count) || any_unknown(result->known, result->known_count);
}

int pa_job_finish(struct pa_job *job, bool complete)
{
	int status = pa_diags_status(&job->diags);
	if (status == PA_EXIT_CLEAN && (!complete || has_unknown(job)))
		status = PA_EXIT_INCOMPLETE;
	if (status == PA_EXIT_CLEAN && has_failing_finding(job))
		status = PA_EXIT_FINDINGS;
	return status;
}
