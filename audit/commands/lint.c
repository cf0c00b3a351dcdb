/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lint: the policy alone, as a compiler looks at a program. */
#include <string.h>
#include <unistd.h>

#include "job.h"

/* Of these checks the ruleset is no part. */
static const char *const checks[] = {
	"PA-POL-001", "PA-POL-002", "PA-POL-004", "PA-POL-005", "PA-WVR-001", "PA-WVR-004", NULL
};

static struct pa_location place_of(const struct pa_finding *finding, struct pa_diags *warnings)
{
	struct pa_location where = { 0 };
	if (!finding->statement)
		return where;
	where = finding->statement->where;
	if (where.file)
		where.file = pa_arena_strdup(warnings->arena, where.file);
	return where;
}

/* A message begins with the place when it stands alone; here the place stands in front of it anyway. */
static const char *without_place(const struct pa_finding *finding, struct pa_arena *arena)
{
	const struct pa_location *where = finding->statement ? &finding->statement->where : NULL;
	if (!where || !where->file)
		return finding->message;
	const char *place = pa_arena_printf(arena, "%s:%u: ", where->file, where->line);
	size_t length = strlen(place);
	return strncmp(finding->message, place, length) == 0 ? finding->message + length : finding->message;
}

static enum pa_severity add_findings(struct pa_job *job, struct pa_diags *warnings)
{
	enum pa_severity worst = PA_SEVERITY_INFO;
	for (size_t i = 0; i < job->result->finding_count; i++) {
		const struct pa_finding *finding = &job->result->findings[i];
		const char *message = without_place(finding, job->arena);
		struct pa_diag *diag = pa_diags_add(warnings, PA_DIAG_WARNING, PA_DIAG_INPUT, "%s [%s]", message,
						    pa_check_info(finding->check)->code);
		diag->where = place_of(finding, warnings);
		diag->help = pa_arena_strdup(warnings->arena, finding->fix);
		worst = finding->severity > worst ? finding->severity : worst;
	}
	return worst;
}

static bool look_at_sets(struct pa_job *job, struct pa_diags *warnings, enum pa_severity *ret_worst)
{
	struct pa_cut *cuts = NULL;
	const struct pa_compare_options options = { .only_checks = checks,
						    .now = pa_job_now(job->options),
						    .policy_alone = true };
	job->host = pa_host_new(pa_job_host_name(job));
	job->ruleset = pa_ruleset_new();
	pa_ruleset_finish(job->ruleset);
	size_t count = pa_policy_cuts(job->policy, job->host, job->ruleset, job->arena, &cuts);
	job->evaluation = pa_evaluate(job->ruleset, job->host, cuts, count, &job->diags);
	if (!job->evaluation)
		return false;
	job->result = pa_compare(job->evaluation, job->ruleset, job->host, job->policy, &options);
	*ret_worst = add_findings(job, warnings);
	pa_policy_lint(job->evaluation, job->ruleset, job->host, job->policy, warnings);
	const char *failed = pa_space_failed(pa_evaluation_space(job->evaluation));
	if (failed)
		pa_diags_add(&job->diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "the policy could not be held against itself: %s",
			     failed);
	return !failed;
}

/* Warnings of the parser are those of lint; errors and what ends the run stay where errors are told. */
static void move_warnings(struct pa_job *job, struct pa_diags *warnings)
{
	struct pa_diags all = job->diags;
	*warnings = (struct pa_diags){ 0 };
	if (pa_diags_has_errors(&all))
		return;
	*warnings = all;
	job->diags = (struct pa_diags){ 0 };
}

static int print_warnings(struct pa_job *job, struct pa_diags *warnings)
{
	struct pa_buffer text = { 0 };
	const struct pa_style style = { .color = pa_options_color(job->options, STDOUT_FILENO) };
	size_t count = 0;
	for (size_t i = 0; i < warnings->count; i++)
		count += warnings->items[i].level == PA_DIAG_WARNING;
	pa_diags_sort(warnings);
	pa_report_diags(warnings, &style, &text);
	if (count == 0 && !job->options->quiet)
		pa_buffer_printf(&text, "%s: no warnings\n", job->options->policy);
	else if (!job->options->quiet)
		pa_buffer_printf(&text, "%zu warning%s\n", count, count == 1 ? "" : "s");
	int status = pa_job_print(&text, job);
	pa_buffer_done(&text);
	return status != PA_EXIT_CLEAN ? status : count > 0 ? PA_EXIT_FINDINGS : PA_EXIT_CLEAN;
}

/* What has no severity of its own weighs as a stale declaration does. */
static bool is_failing(const struct pa_job *job, const struct pa_diags *warnings, enum pa_severity worst)
{
	size_t unweighed = warnings->count - job->result->finding_count;
	return (unweighed > 0 && pa_job_fail_on(job) <= PA_SEVERITY_LOW) ||
	       (job->result->finding_count > 0 && worst >= pa_job_fail_on(job));
}

int pa_command_lint(struct pa_job *job)
{
	enum pa_severity worst = PA_SEVERITY_INFO;
	struct pa_diags warnings = { 0 };
	job->policy = pa_policy_load_for_lint(job->options->policy, pa_job_host_name(job), pa_check_known, &job->diags);
	if (!job->policy)
		return pa_diags_status(&job->diags);
	move_warnings(job, &warnings);
	int status = PA_EXIT_INCOMPLETE;
	if (look_at_sets(job, &warnings, &worst)) {
		status = print_warnings(job, &warnings);
		if (status == PA_EXIT_FINDINGS && !is_failing(job, &warnings, worst))
			status = PA_EXIT_CLEAN;
	}
	pa_diags_done(&warnings);
	return status;
}
