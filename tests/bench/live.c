/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The whole program on a live ruleset, beside `nft -j list ruleset` of the same one, in turns. */
#include "bench.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The smallest CPU time so far; false: the program failed. `allowed`: one more exit status that is no failure. */
static bool take(const char *const *arguments, int allowed, double *best)
{
	int status;
	struct cost cost = cost_of_program(arguments, &status);
	if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != allowed))
		return false;
	if (*best <= 0 || cost.cpu < *best)
		*best = cost.cpu;
	return true;
}

static void measure(const char *program, const char *path, unsigned runs, struct live *live)
{
	const char *const fill[] = { "nft", "-j", "-f", path, NULL };
	const char *const nft[] = { "nft", "-j", "list", "ruleset", NULL };
	const char *const list[] = { program, "list", NULL };
	const char *const check[] = { program, "check", "-q", NULL };
	double once = 0;
	if (!take(fill, 0, &once)) {
		snprintf(live->skipped, sizeof(live->skipped), "nft could not load the ruleset");
		return;
	}
	for (unsigned run = 0; run < runs; run++) {
		if (take(nft, 0, &live->nft) && take(list, 0, &live->list) && take(check, 1, &live->check))
			continue;
		snprintf(live->skipped, sizeof(live->skipped), "a program failed: %s",
			 live->nft <= 0	   ? "nft"
			 : live->list <= 0 ? "list"
					   : "check");
		return;
	}
}

static _Noreturn void run_child(const char *program, const char *path, unsigned runs, int pipe)
{
	struct live live = { 0 };
	if (unshare(CLONE_NEWNET) == 0)
		measure(program, path, runs, &live);
	else
		snprintf(live.skipped, sizeof(live.skipped), "no network namespace of its own: %s", strerror(errno));
	_exit(write(pipe, &live, sizeof(live)) == (ssize_t)sizeof(live) ? 0 : 1);
}

struct live live_measure(const char *program, const char *path, unsigned runs)
{
	struct live live = { .skipped = "the measuring process failed" }, told;
	int ends[2];
	if (pipe(ends) != 0)
		return live;
	fflush(NULL);
	pid_t child = fork();
	if (child == 0)
		run_child(program, path, runs, ends[1]);
	close(ends[1]);
	if (child > 0 && read(ends[0], &told, sizeof(told)) == (ssize_t)sizeof(told))
		live = told;
	close(ends[0]);
	if (child > 0)
		waitpid(child, NULL, 0);
	return live;
}
