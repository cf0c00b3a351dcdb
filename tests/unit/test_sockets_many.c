// rooms: pa_host pa_base
// labels: root slow
/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit/host on a large host: 50,000 listeners of 5,000 processes, each found with its holder; the time is told. Smaller with
 * arguments: PROCESSES SOCKETS-OF-EACH. Needs root; status 77 (skipped) without.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "portaudit/socket.h"

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Seconds of the processor: the machine may be busy with other things. */
static double processor_time(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void loopback_up(void)
{
	struct ifreq request = { .ifr_flags = IFF_UP, .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		fail("lo");
	close(fd);
}

/* Listener `number` of all: TCP and UDP by turns, ports 1024 and up, 127.0.0.1 and up. */
static void open_listener(size_t number)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(1024 + number % 40000) };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(number / 40000));
	int fd = socket(AF_INET, number % 2 ? SOCK_DGRAM : SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || (number % 2 == 0 && listen(fd, 1)))
		_exit(1);
}

static pid_t start_process(size_t first, size_t count, int ready)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < count; i++)
		open_listener(first + i);
	if (write(ready, "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static size_t wrong_holders(const struct pa_sockets *sockets, const pid_t *pids, size_t each)
{
	size_t wrong = 0;
	for (size_t i = 0; i < sockets->listener_count; i++) {
		const struct pa_listener *listener = &sockets->listeners[i];
		size_t number = (size_t)(listener->address - (PA_IPV4_BASE | INADDR_LOOPBACK)) * 40000 + listener->port - 1024;
		wrong += listener->process_count != 1 || !listener->processes_known ||
			 sockets->processes[listener->processes[0]].pid != (uint32_t)pids[number / each];
	}
	return wrong;
}

static bool measure(const pid_t *pids, size_t count, size_t each)
{
	struct pa_diags diags = { 0 };
	double start = now(), processor = processor_time();
	struct pa_sockets *sockets = pa_sockets_read_live(&diags);
	double seconds = now() - start;
	processor = processor_time() - processor;
	size_t wrong = wrong_holders(sockets, pids, each);
	printf("%zu listeners of %zu processes read in %.2f s (processor: %.2f s); %zu wrong\n", sockets->listener_count,
	       sockets->process_count, seconds, processor, wrong);
	bool good =
		sockets->listener_count == count * each && sockets->process_count == count && wrong == 0 && diags.count == 0;
	pa_sockets_free(sockets);
	pa_diags_done(&diags);
	return good;
}

int main(int argc, char **argv)
{
	size_t count = argc > 2 ? strtoul(argv[1], NULL, 10) : 5000, each = argc > 2 ? strtoul(argv[2], NULL, 10) : 10;
	int ready[2];
	char byte;
	if (geteuid() != 0) {
		puts("SKIPPED: needs root");
		return 77;
	}
	if (unshare(CLONE_NEWNET) || pipe(ready))
		fail("namespace");
	loopback_up();
	pid_t *pids = calloc(count, sizeof(*pids));
	for (size_t i = 0; i < count; i++)
		if ((pids[i] = start_process(i * each, each, ready[1])) < 0)
			fail("fork");
	for (size_t i = 0; i < count; i++)
		if (read(ready[0], &byte, 1) != 1)
			fail("a process");
	bool good = measure(pids, count, each);
	for (size_t i = 0; i < count; i++)
		kill(pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	free(pids);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
