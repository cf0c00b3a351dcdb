/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A child takes one ruleset through the stages of the program and tells after each what it cost. */
#include "../../audit/large_pages.h"
#include "bench.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "portaudit/portaudit.h"

/* What the child writes into the pipe after each phase. */
struct message {
	enum phase phase;
	struct cost cost;
	size_t count; /* rules, rows, dead rules, findings */
	char failed[200];
};

struct subject {
	int pipe;
	const char *path;
	struct pa_arena *arena;
	struct pa_diags diags;
	struct pa_ruleset *ruleset;
	struct pa_host *host;
	struct pa_evaluation *evaluation;
};

static void tell(const struct subject *subject, enum phase phase, struct cost cost, size_t count)
{
	struct message message = { .phase = phase, .cost = cost, .count = count };
	const char *failed = subject->evaluation ? pa_space_failed(pa_evaluation_space(subject->evaluation)) : NULL;
	if (!failed && subject->diags.count)
		failed = subject->diags.items[0].message;
	snprintf(message.failed, sizeof(message.failed), "%s", failed ? failed : "");
	if (write(subject->pipe, &message, sizeof(message)) != (ssize_t)sizeof(message) || failed)
		_exit(1);
}

static void load(struct subject *subject)
{
	const struct pa_load_options options = { .timeout_seconds = 600 };
	struct cost_start start = cost_begin();
	subject->ruleset = pa_ruleset_load_files(&subject->path, 1, &options, &subject->diags);
	tell(subject, PHASE_LOAD, cost_end(start), subject->ruleset ? subject->ruleset->rule_count : 0);
	subject->host = pa_host_new("bench");
}

static void evaluate(struct subject *subject)
{
	struct cost_start start = cost_begin();
	subject->evaluation = pa_evaluate(subject->ruleset, subject->host, NULL, 0, &subject->diags);
	tell(subject, PHASE_EVALUATE, cost_end(start), 0);
}

static void list_rows(struct subject *subject)
{
	size_t count = 0;
	struct cost_start start = cost_begin();
	for (unsigned path = PA_PATH_IN; path <= PA_PATH_FORWARD; path++) {
		const struct pa_exposure *exposures;
		const struct pa_row *rows;
		size_t found = pa_evaluation_exposures(subject->evaluation, (enum pa_path)path, &exposures);
		for (size_t i = 0; i < found; i++)
			count += pa_evaluation_rows(subject->evaluation, &exposures[i], exposures[i].set, false, 0, &rows);
	}
	tell(subject, PHASE_ROWS, cost_end(start), count);
}

/* As `check` does it: with the intervals that the checks ask for. */
static void evaluate_with_cuts(struct subject *subject)
{
	struct pa_cut *cuts;
	subject->evaluation = pa_evaluation_free(subject->evaluation);
	struct cost_start start = cost_begin();
	size_t count = pa_policy_cuts(NULL, subject->host, subject->ruleset, subject->arena, &cuts);
	subject->evaluation = pa_evaluate(subject->ruleset, subject->host, cuts, count, &subject->diags);
	tell(subject, PHASE_CUTS, cost_end(start), 0);
}

static void dead_rules(struct subject *subject)
{
	const struct pa_dead_rule *dead;
	struct cost_start start = cost_begin();
	size_t count = pa_evaluation_dead_rules(subject->evaluation, &dead);
	tell(subject, PHASE_DEAD, cost_end(start), count);
}

static void compare(struct subject *subject)
{
	const struct pa_compare_options options = { 0 };
	struct cost_start start = cost_begin();
	struct pa_result *result = pa_compare(subject->evaluation, subject->ruleset, subject->host, NULL, &options);
	tell(subject, PHASE_COMPARE, cost_end(start), result->finding_count);
	pa_result_free(result);
}

static void run_phase(struct subject *subject, enum phase phase)
{
	switch (phase) {
	case PHASE_LOAD:
		load(subject);
		break;
	case PHASE_EVALUATE:
		evaluate(subject);
		break;
	case PHASE_ROWS:
		list_rows(subject);
		break;
	case PHASE_CUTS:
		evaluate_with_cuts(subject);
		break;
	case PHASE_DEAD:
		dead_rules(subject);
		break;
	case PHASE_COMPARE:
		compare(subject);
		break;
	case PHASE_COUNT:
		break;
	}
}

static _Noreturn void run_child(const char *path, const struct limits *limits, int pipe)
{
	large_pages_use(); /* as the program does */
	struct subject subject = { .pipe = pipe, .path = path, .arena = pa_arena_new() };
	for (unsigned phase = 0; phase <= limits->last; phase++) {
		if (!(limits->skipped & 1u << phase))
			run_phase(&subject, (enum phase)phase);
	}
	_exit(0);
}

static void note_count(struct phases *phases, const struct message *message)
{
	switch (message->phase) {
	case PHASE_LOAD:
		phases->rules = message->count;
		break;
	case PHASE_ROWS:
		phases->rows = message->count;
		break;
	case PHASE_DEAD:
		phases->dead = message->count;
		break;
	case PHASE_COMPARE:
		phases->findings = message->count;
		break;
	case PHASE_EVALUATE:
	case PHASE_CUTS:
	case PHASE_COUNT:
		break;
	}
}

/* Waits for the next message of the child; false: it ended, or took too long. */
static bool hear(int pipe, unsigned seconds, struct phases *phases)
{
	struct message message;
	struct pollfd ready = { .fd = pipe, .events = POLLIN };
	int polled;
	do
		polled = poll(&ready, 1, (int)seconds * 1000);
	while (polled < 0 && errno == EINTR);
	if (polled == 0)
		snprintf(phases->failed, sizeof(phases->failed), "not done after %u s", seconds);
	if (polled <= 0 || read(pipe, &message, sizeof(message)) != (ssize_t)sizeof(message))
		return false;
	memcpy(phases->failed, message.failed, sizeof(phases->failed));
	if (phases->failed[0])
		return false;
	phases->done[message.phase] = true;
	phases->cost[message.phase] = message.cost;
	note_count(phases, &message);
	return true;
}

static void measure_once(const char *path, const struct limits *limits, struct phases *phases)
{
	int ends[2], status = 0;
	if (pipe(ends) != 0) {
		snprintf(phases->failed, sizeof(phases->failed), "no pipe");
		return;
	}
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		close(ends[0]);
		run_child(path, limits, ends[1]);
	}
	close(ends[1]);
	while (hear(ends[0], limits->seconds, phases))
		;
	close(ends[0]);
	if (child > 0 && phases->failed[0])
		kill(child, SIGKILL);
	if (child < 0 || waitpid(child, &status, 0) != child || (status && !phases->failed[0]))
		snprintf(phases->failed, sizeof(phases->failed), "it ended with status 0x%x", (unsigned)status);
}

static void keep_smaller(struct cost *kept, const struct cost *cost)
{
	kept->cpu = cost->cpu < kept->cpu ? cost->cpu : kept->cpu;
	kept->memory = cost->memory < kept->memory ? cost->memory : kept->memory;
	kept->growth = cost->growth < kept->growth ? cost->growth : kept->growth;
}

/* The phase that has not been reached yet, other than the skipped ones. */
static unsigned first_missing(const struct phases *phases, unsigned skipped)
{
	unsigned phase = 0;
	while (phase < PHASE_COUNT && (phases->done[phase] || skipped & 1u << phase))
		phase++;
	return phase;
}

/* What comes after rows or dead rules does not need them: when they fail, the others are measured without them. */
static void measure_others(const char *path, struct limits *limits, struct phases *phases)
{
	char failed[sizeof(phases->failed)];
	memcpy(failed, phases->failed, sizeof(failed));
	for (unsigned missing; (missing = first_missing(phases, limits->skipped)) <= limits->last;) {
		if (missing != PHASE_ROWS && missing != PHASE_DEAD)
			break;
		limits->skipped |= 1u << missing;
		phases->failed[0] = '\0';
		measure_once(path, limits, phases);
	}
	memcpy(phases->failed, failed, sizeof(failed));
}

struct phases phases_measure(const char *path, const struct limits *given)
{
	struct limits limits = *given;
	struct phases best = { 0 };
	measure_once(path, &limits, &best);
	if (best.failed[0])
		measure_others(path, &limits, &best);
	for (unsigned run = 1; run < limits.runs && !best.failed[0]; run++) {
		struct phases again = { 0 };
		measure_once(path, &limits, &again);
		if (again.failed[0])
			return again;
		for (unsigned phase = 0; phase < PHASE_COUNT; phase++)
			keep_smaller(&best.cost[phase], &again.cost[phase]);
	}
	return best;
}
