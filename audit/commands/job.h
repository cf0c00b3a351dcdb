/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a command works with, and the steps that commands share. */
#ifndef PORTAUDIT_COMMANDS_JOB_H
#define PORTAUDIT_COMMANDS_JOB_H

#include <time.h>

#include "../options.h"
#include "portaudit/baseline.h"
#include "portaudit/portaudit.h"
#include "portaudit/scan.h"

enum { PA_EXIT_CLEAN = 0, PA_EXIT_FINDINGS = 1, PA_EXIT_WRONG_INPUT = 2, PA_EXIT_INCOMPLETE = 3 };

/* Another ruleset, compared. diff has one, OLD; check: what boot loads, and a baseline. */
struct pa_job_beside {
	struct pa_ruleset *ruleset;
	struct pa_evaluation *pair[2];
	struct pa_difference *difference;
	struct pa_beside told;
};

/* One command line being carried out. A command fills what it needs; pa_job_done() frees all of it. */
struct pa_job {
	const struct pa_options *options;
	struct pa_diags diags;
	struct pa_arena *arena;
	struct pa_ruleset *ruleset;
	struct pa_job_beside beside[2];
	struct pa_session_fate session;
	struct pa_host *host;
	struct pa_sockets *sockets;	/* host->sockets, when they are known */
	struct pa_snapshot *snapshot;	/* the ruleset came from it: host and sockets do as well */
	struct pa_recording *recording; /* where the live ruleset is to be recorded, or NULL */
	struct pa_policy *policy;
	struct pa_evaluation *evaluation;
	struct pa_result *result;
	struct pa_scan *scan;
	struct pa_baseline *known; /* --baseline, when it is an earlier result */
	struct pa_row *rows;
	size_t row_count, row_capacity;
	struct timespec started;
};
void pa_job_done(struct pa_job *job);

/* Each fills its part of the job from what the options say; false: the diagnostics say why. */
bool pa_job_load_ruleset(struct pa_job *job);
/* A ruleset beside: "live", "-", a file, or several files of one host with commas; NULL: the diagnostics say why. */
struct pa_ruleset *pa_job_load_source(struct pa_job *job, const char *source, struct pa_diags *diags);
/* Compare the ruleset with beside[n]; `is_old`: that one is the first of the pair. */
bool pa_job_compare(struct pa_job *job, struct pa_job_beside *beside, bool is_old, struct pa_diags *diags);
/* check: what boot loads, the baseline, the session. What cannot be read is told by the checks. */
bool pa_job_read_beside(struct pa_job *job); /* before pa_job_evaluate(); false: an earlier result cannot be used */
void pa_job_compare_beside(struct pa_job *job, struct pa_compare_options *options);
bool pa_job_load_host(struct pa_job *job);
bool pa_job_load_sockets(struct pa_job *job); /* needs host: sets host->sockets as --sockets says */
bool pa_job_load_policy(struct pa_job *job);
bool pa_job_load_scan(struct pa_job *job); /* --scan, --scan-from */
/* The rows of a path join those of the job; those of lo only with --loopback, forwarded ones only where the host may forward. */
void pa_job_add_rows(struct pa_job *job, enum pa_path path);
bool pa_job_evaluate(struct pa_job *job); /* needs ruleset and host; check: with the cuts of the policy */

/* Files or standard input in place of the live kernel. */
bool pa_job_is_offline(const struct pa_options *options);
/* The name of the host audited. */
const char *pa_job_host_name(struct pa_job *job);
/* Seconds since 1970: --now, SOURCE_DATE_EPOCH or the clock. */
int64_t pa_job_now(const struct pa_options *options);
/* Sentences that say why the audit is not complete: gaps of the ruleset, errors. */
const char **pa_job_incomplete_reasons(struct pa_job *job, size_t *ret_count);
const char **pa_job_incomplete_of(struct pa_job *job, const struct pa_ruleset *const *rulesets, size_t count,
				  size_t *ret_count);
/* The style of a report to this output. */
struct pa_style pa_job_style(const struct pa_job *job, const struct pa_output *output);
/* Columns of standard output; 0: it is no terminal. */
unsigned pa_terminal_width(void);

/* Write text to standard output; returns PA_EXIT_CLEAN, or PA_EXIT_INCOMPLETE with a diagnostic. */
int pa_job_print(const struct pa_buffer *text, struct pa_job *job);
void pa_job_print_diags(struct pa_job *job);

/* The exit status that the errors so far call for; 0: there are none. */
int pa_diags_status(const struct pa_diags *diags);
/* The level from which on a finding makes the exit status 1. */
enum pa_severity pa_job_fail_on(const struct pa_job *job);
/* The exit status of a command that did its work: errors, an incomplete audit, findings. */
int pa_job_finish(struct pa_job *job, bool complete);

/* The commands. Each returns the exit status. */
int pa_command_check_or_list(struct pa_job *job);
int pa_command_init(struct pa_job *job);
int pa_command_explain(struct pa_job *job);
int pa_command_trace(struct pa_job *job);
int pa_command_fmt(struct pa_job *job);
int pa_command_lint(struct pa_job *job);
int pa_command_diff(struct pa_job *job);
int pa_command_checks(struct pa_job *job);
int pa_command_snapshot(struct pa_job *job);
int pa_command_port(struct pa_job *job);
int pa_command_print_rules(struct pa_job *job);

#endif
