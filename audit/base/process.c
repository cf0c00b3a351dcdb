/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a child process leaves behind of its parent, right after fork(), and waiting for its end. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "portaudit/base.h"

void pa_process_reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int compare_ints(const void *a, const void *b)
{
	int left = *(const int *)a, right = *(const int *)b;

	return (left > right) - (left < right);
}

void pa_process_close_others(int *keep, size_t count)
{
	unsigned next = 3;

	qsort(keep, count, sizeof(*keep), compare_ints);
	for (size_t i = 0; i < count; i++) {
		if (keep[i] < (int)next)
			continue;
		if (keep[i] > (int)next)
			close_range(next, (unsigned)keep[i] - 1, 0);
		next = (unsigned)keep[i] + 1;
	}
	close_range(next, ~0u, 0);
}

int64_t pa_clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool pa_process_wait_until(pid_t pid, int64_t deadline, int *ret_status)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	while (waitpid(pid, ret_status, WNOHANG) != pid) {
		if (pa_clock_now() >= deadline)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}
