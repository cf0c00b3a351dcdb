/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One command line, done: load, evaluate, compare, report. */
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "portaudit/packets.h"
#include "portaudit/portaudit.h"

enum { EXIT_CLEAN = 0, EXIT_FINDINGS = 1, EXIT_WRONG_INPUT = 2, EXIT_INCOMPLETE = 3 };

/* Everything that a command works with; freed by job_done(). */
struct job {
	const struct pa_options *options;
	struct pa_diags diags;
	struct pa_arena *arena;
	struct pa_ruleset *ruleset;
	struct pa_host *host;
	struct pa_policy *policy;
	struct pa_evaluation *evaluation;
	struct pa_result *result;
	struct pa_row *rows;
	size_t row_count, row_capacity;
	struct timespec started;
};

static void job_done(struct job *job)
{
	pa_result_free(job->result);
	pa_evaluation_free(job->evaluation);
	pa_policy_free(job->policy);
	pa_host_free(job->host);
	pa_ruleset_free(job->ruleset);
	pa_arena_free(job->arena);
	pa_diags_done(&job->diags);
	free(job->rows);
}

static bool is_offline(const struct pa_options *options)
{
	return options->ruleset_count > 0;
}

/* --- diagnostics --- */

static void print_diags(struct job *job)
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
static int diags_status(const struct pa_diags *diags)
{
	int status = EXIT_CLEAN;
	for (size_t i = 0; i < diags->count; i++) {
		if (diags->items[i].level != PA_DIAG_ERROR)
			continue;
		int wanted = diags->items[i].kind == PA_DIAG_INCOMPLETE ? EXIT_INCOMPLETE : EXIT_WRONG_INPUT;
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

static bool load_ruleset(struct job *job)
{
	const struct pa_options *options = job->options;
	struct pa_load_options load = { .include_folders = (const char *const *)options->include_folders };
	bool terminal = isatty(STDERR_FILENO) && !options->quiet;
	if (terminal)
		load.progress = show_progress;
	if (is_offline(options))
		job->ruleset = pa_ruleset_load_files((const char *const *)options->rulesets, options->ruleset_count, &load,
						     &job->diags);
	else
		job->ruleset = pa_ruleset_load_live(&load, &job->diags);
	if (terminal)
		fputs("\r\033[K", stderr);
	return job->ruleset != NULL;
}

static const char *host_name(struct job *job)
{
	char name[256] = "";
	if (job->options->as_host)
		return job->options->as_host;
	if (is_offline(job->options))
		return "offline";
	if (gethostname(name, sizeof(name) - 1) != 0 || !name[0])
		return "localhost";
	return pa_arena_strdup(job->arena, name);
}

static bool add_self_of_policy(struct job *job)
{
	const struct pa_policy *policy = job->policy;
	if (!policy || !policy->has_self || job->options->self || !is_offline(job->options))
		return true;
	return pa_host_add_self(job->host, policy->self.text, &job->diags);
}

static bool load_host(struct job *job)
{
	job->host = is_offline(job->options) ? pa_host_new(host_name(job)) : pa_host_read_live(&job->diags);
	for (size_t i = 0; job->options->self && job->options->self[i]; i++) {
		if (!pa_host_add_self(job->host, job->options->self[i], &job->diags))
			return false;
	}
	job->host->has_now = job->options->now_given;
	job->host->now = job->options->now;
	return add_self_of_policy(job);
}

static bool load_policy(struct job *job)
{
	if (!job->options->policy)
		return true;
	job->policy = pa_policy_load(job->options->policy, host_name(job), pa_check_known, &job->diags);
	return job->policy != NULL;
}

static bool evaluate(struct job *job)
{
	struct pa_cut *cuts = NULL;
	size_t count = 0;
	if (job->options->command == PA_COMMAND_CHECK)
		count = pa_policy_cuts(job->policy, job->host, job->ruleset, job->arena, &cuts);
	job->evaluation = pa_evaluate(job->ruleset, job->host, cuts, count, &job->diags);
	return job->evaluation != NULL;
}

/* --- what the reports show --- */

static bool forwards(const struct pa_host *host, int family)
{
	return (family == 4 ? host->forward_ipv4 : host->forward_ipv6) != PA_NO;
}

static void add_rows(struct job *job, enum pa_path path)
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

/* Base chains of the paths that may let nothing through: without one there is no firewall. */
static bool has_firewall(const struct pa_ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		const struct pa_chain *chain = ruleset->chains[i];
		if (!chain->is_base || chain->table->dormant || chain->type == PA_CHAIN_NAT ||
		    chain->table->family == PA_FAMILY_ARP)
			continue;
		if (chain->policy == PA_VERDICT_DROP || chain->rule_count > 0)
			return true;
	}
	return false;
}

static const char **incomplete_reasons(struct job *job, size_t *ret_count)
{
	const struct pa_ruleset *ruleset = job->ruleset;
	const char **reasons = pa_arena_alloc(job->arena, ruleset->gap_count + job->diags.count + 1, sizeof(const char *));
	*ret_count = 0;
	for (size_t i = 0; i < ruleset->gap_count; i++) {
		const struct pa_gap *gap = &ruleset->gaps[i];
		reasons[(*ret_count)++] =
			gap->help ? pa_arena_printf(job->arena, "%s (%s)", gap->message, gap->help) : gap->message;
	}
	for (size_t i = 0; i < job->diags.count; i++) {
		if (job->diags.items[i].level == PA_DIAG_ERROR)
			reasons[(*ret_count)++] = job->diags.items[i].message;
	}
	return reasons;
}

static int64_t now(const struct pa_options *options)
{
	return options->has_now ? options->now : (int64_t)time(NULL);
}

static double seconds_since(const struct timespec *start)
{
	struct timespec end;
	clock_gettime(CLOCK_MONOTONIC, &end);
	return (double)(end.tv_sec - start->tv_sec) + (double)(end.tv_nsec - start->tv_nsec) / 1e9;
}

static enum pa_severity fail_on(const struct job *job)
{
	if (job->options->has_fail_on)
		return job->options->fail_on;
	return job->policy && job->policy->has_fail_on ? job->policy->fail_on : PA_SEVERITY_LOW;
}

static struct pa_report make_report(struct job *job)
{
	const struct pa_options *options = job->options;
	struct pa_report report = { .command = options->command == PA_COMMAND_LIST ? "list" : "check",
				    .host = host_name(job),
				    .now = now(options),
				    .seconds = options->has_now ? 0 : seconds_since(&job->started),
				    .ruleset = job->ruleset,
				    .policy = job->policy,
				    .result = job->result,
				    .rows = job->rows,
				    .row_count = job->row_count,
				    .no_firewall = !has_firewall(job->ruleset),
				    .fail_on = fail_on(job) };
	report.incomplete = incomplete_reasons(job, &report.incomplete_count);
	report.complete = report.incomplete_count == 0;
	report.opaque_count = pa_evaluation_opaques(job->evaluation, &report.opaques);
	return report;
}

static unsigned terminal_width(void)
{
	struct winsize size;
	if (!isatty(STDOUT_FILENO))
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40 ? size.ws_col : 80;
}

static bool write_outputs(struct job *job, const struct pa_report *report)
{
	const struct pa_options *options = job->options;
	bool written = true;
	for (size_t i = 0; i < options->output_count; i++) {
		const struct pa_output *output = &options->outputs[i];
		bool stdout_ = strcmp(output->path, "-") == 0;
		struct pa_style style = { .quiet = options->quiet, .verbose = options->verbose };
		style.color = stdout_ && pa_options_color(options, STDOUT_FILENO);
		style.width = stdout_ ? terminal_width() : 0;
		struct pa_buffer document = { 0 };
		if (!pa_report_format(output->format, report, &style, &document)) {
			pa_diags_add(&job->diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "the %s report could not be made",
				     pa_format_name(output->format));
			written = false;
		} else {
			written = pa_report_write(output->path, &document, &job->diags) && written;
		}
		pa_buffer_done(&document);
	}
	return written;
}

/* --- exit status --- */

static bool has_failing_finding(const struct job *job)
{
	for (size_t i = 0; job->result && i < job->result->finding_count; i++) {
		if (job->result->findings[i].severity >= fail_on(job))
			return true;
	}
	return false;
}

/* PA-UNK findings mean that some answer is not exact; with --allow-unknown they are findings like others. */
static bool has_unknown(const struct job *job)
{
	for (size_t i = 0; job->result && i < job->result->finding_count; i++) {
		if (strncmp(pa_check_info(job->result->findings[i].check)->code, "PA-UNK-", 7) == 0)
			return !job->options->allow_unknown;
	}
	return false;
}

static int finish(struct job *job, bool complete)
{
	int status = diags_status(&job->diags);
	if (status == EXIT_CLEAN && (!complete || has_unknown(job)))
		status = EXIT_INCOMPLETE;
	if (status == EXIT_CLEAN && has_failing_finding(job))
		status = EXIT_FINDINGS;
	return status;
}

/* --- commands --- */

static int print_text(const struct pa_buffer *text, struct job *job)
{
	return pa_report_write("-", text, &job->diags) ? EXIT_CLEAN : EXIT_INCOMPLETE;
}

/* check shows the table as well where no policy says what is worth telling; not when only findings are wanted. */
static bool wants_rows(const struct pa_options *options)
{
	bool only_text = true;
	for (size_t i = 0; i < options->output_count; i++)
		only_text = only_text && options->outputs[i].format == PA_FORMAT_TEXT;
	return options->command == PA_COMMAND_LIST || (!options->policy && !(options->quiet && only_text));
}

static int run_check_or_list(struct job *job)
{
	const struct pa_options *options = job->options;
	if (!load_policy(job) || !load_ruleset(job) || !load_host(job) || !evaluate(job))
		return diags_status(&job->diags);
	if (wants_rows(options)) {
		for (unsigned path = PA_PATH_IN; path <= PA_PATH_FORWARD; path++)
			add_rows(job, (enum pa_path)path);
	}
	if (options->command == PA_COMMAND_CHECK) {
		const struct pa_compare_options compare = { (const char *const *)options->checks, options->allow_unknown };
		job->result = pa_compare(job->evaluation, job->ruleset, job->host, job->policy, &compare);
	}
	const char *failed = pa_space_failed(pa_evaluation_space(job->evaluation));
	if (failed) {
		pa_diags_add(&job->diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "the ruleset could not be evaluated: %s", failed);
		return EXIT_INCOMPLETE;
	}
	struct pa_report report = make_report(job);
	write_outputs(job, &report);
	return finish(job, report.complete);
}

static int run_explain(struct job *job)
{
	struct pa_packet packets[PA_EXPLAIN_MAX];
	bool path_known = false;
	const struct pa_options *options = job->options;
	size_t count =
		pa_explain_parse((const char *const *)options->words, options->word_count, packets, &path_known, &job->diags);
	if (count == 0 || !load_ruleset(job) || !load_host(job))
		return diags_status(&job->diags);
	struct pa_buffer text = { 0 };
	const struct pa_style style = { .color = pa_options_color(options, STDOUT_FILENO),
					.width = terminal_width(),
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
	int status = print_text(&text, job);
	pa_buffer_done(&text);
	int told = finish(job, job->ruleset->gap_count == 0);
	return told > status ? told : status;
}

/* A packet with an expectation that the verdict does not meet. */
static bool is_unexpected(const struct pa_packet_line *line, const struct pa_walk *walk)
{
	if (!line->has_expect)
		return false;
	return line->expect != walk->fate || (line->expect_path_known && line->expect_path != walk->path);
}

static int run_trace(struct job *job)
{
	struct pa_packet_file *file = pa_packets_load(job->options->packets, &job->diags);
	if (!file || !load_ruleset(job) || !load_host(job)) {
		pa_packets_free(file);
		return diags_status(&job->diags);
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
	int status = print_text(&text, job);
	pa_buffer_done(&text);
	int told = finish(job, job->ruleset->gap_count == 0);
	if (told == EXIT_CLEAN && unexpected)
		told = EXIT_FINDINGS;
	return told > status ? told : status;
}

static int run_print_rules(struct job *job)
{
	if (!load_ruleset(job))
		return diags_status(&job->diags);
	struct pa_buffer text = { 0 };
	pa_ruleset_print(job->ruleset, &text);
	int status = print_text(&text, job);
	pa_buffer_done(&text);
	return status;
}

static void print_check(const struct pa_check_info *info, bool whole, struct pa_buffer *text)
{
	pa_buffer_printf(text, "%-11s %-9s %s\n", info->code, pa_severity_name(info->severity), info->title);
	if (whole)
		pa_buffer_printf(text, "\n  %s\n", info->why);
}

static int run_checks(struct job *job)
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
	int status = print_text(&text, job);
	pa_buffer_done(&text);
	return status;
}

int pa_run(const struct pa_options *options)
{
	struct job job = { .options = options, .arena = pa_arena_new() };
	int status = EXIT_INCOMPLETE;
	clock_gettime(CLOCK_MONOTONIC, &job.started);
	if (options->print_rules) {
		status = run_print_rules(&job);
	} else {
		switch (options->command) {
		case PA_COMMAND_CHECK:
		case PA_COMMAND_LIST:
			status = run_check_or_list(&job);
			break;
		case PA_COMMAND_EXPLAIN:
			status = run_explain(&job);
			break;
		case PA_COMMAND_TRACE:
			status = run_trace(&job);
			break;
		case PA_COMMAND_CHECKS:
			status = run_checks(&job);
			break;
		case PA_COMMAND_COUNT:
			break;
		}
	}
	print_diags(&job);
	int told = diags_status(&job.diags);
	job_done(&job);
	return told > status ? told : status;
}
