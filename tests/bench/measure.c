/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static double milliseconds(const struct rusage *usage)
{
	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e3 +
	       (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e3;
}

static double cpu_now(void)
{
	struct rusage self, children;
	getrusage(RUSAGE_SELF, &self);
	getrusage(RUSAGE_CHILDREN, &children);
	return milliseconds(&self) + milliseconds(&children);
}

/* A line of /proc/self/status, in bytes. */
static size_t status_bytes(const char *name)
{
	char line[128];
	size_t kilobytes = 0;
	FILE *file = fopen("/proc/self/status", "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, strlen(name)) == 0)
			kilobytes = strtoul(line + strlen(name) + 1, NULL, 10);
	}
	if (file)
		fclose(file);
	return kilobytes * 1024;
}

/* "5" sets the highest resident size back to the present one: proc(5). */
static void forget_highest(void)
{
	FILE *file = fopen("/proc/self/clear_refs", "we");
	if (!file)
		return;
	fputs("5", file);
	fclose(file);
}

struct cost_start cost_begin(void)
{
	forget_highest();
	struct cost_start start = { .resident = status_bytes("VmRSS") };
	start.cpu = cpu_now();
	return start;
}

struct cost cost_end(struct cost_start start)
{
	struct cost cost = { .cpu = cpu_now() - start.cpu };
	cost.memory = status_bytes("VmHWM");
	cost.growth = cost.memory > start.resident ? cost.memory - start.resident : 0;
	return cost;
}

static void become(const char *const *arguments)
{
	char *copies[16] = { 0 };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (size_t i = 0; i < 15 && arguments[i]; i++)
		copies[i] = strdup(arguments[i]);
	if (null >= 0 && dup2(null, 0) == 0 && dup2(null, 1) == 1 && dup2(null, 2) == 2)
		execvp(copies[0], copies);
	_exit(127);
}

struct cost cost_of_program(const char *const *arguments, int *ret_status)
{
	struct rusage usage = { 0 };
	*ret_status = -1;
	pid_t child = fork();
	if (child == 0)
		become(arguments);
	if (child < 0 || wait4(child, ret_status, 0, &usage) != child)
		return (struct cost){ 0 };
	return (struct cost){ .cpu = milliseconds(&usage), .memory = (size_t)usage.ru_maxrss * 1024 };
}
