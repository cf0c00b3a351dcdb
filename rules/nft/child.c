/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Both ends of everything that connects parent and child. */
struct connection {
	struct pa_child child; /* the child's ends */
	int socket;	       /* the parent's end */
};

#define OUTPUT_MAX ((rlim_t)8 << 30)
#define STACK_MAX ((rlim_t)256 << 20)

/* --- in the child ------------------------------------------------------------------------------------------ */

void pa_child_end(const struct pa_child *child, enum pa_child_outcome outcome, const char *message, ...)
{
	va_list arguments;

	va_start(arguments, message);
	vsnprintf(child->report->message, sizeof(child->report->message), message, arguments);
	va_end(arguments);
	child->report->outcome = outcome;
	_exit(0);
}

void pa_child_help(const struct pa_child *child, const char *help)
{
	snprintf(child->report->help, sizeof(child->report->help), "%s", help);
}

/* A peer that is gone is an error here, not a signal. */
static bool tell(int socket, const char *data, size_t length)
{
	ssize_t done;

	while ((done = send(socket, data, length, MSG_NOSIGNAL)) < 0 && errno == EINTR)
		continue;
	return done == (ssize_t)length;
}

static bool write_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t done = write(fd, data, length);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		data += done;
		length -= (size_t)done;
	}
	return true;
}

void pa_child_write(const struct pa_child *child, enum pa_child_text text, const void *data, size_t length)
{
	if (!write_all(child->text[text], data, length))
		pa_child_end(child, PA_CHILD_UNABLE, "the output of libnftables could not be kept: %s", strerror(errno));
}

bool pa_child_request(const struct pa_child *child)
{
	char answer = 0;

	if (!tell(child->socket, "?\n", 2))
		return false;
	while (recv(child->socket, &answer, 1, 0) < 0 && errno == EINTR)
		continue;
	return answer == 'y';
}

void pa_child_progress(const struct pa_child *child, const char *what)
{
	char line[256];
	int length = snprintf(line, sizeof(line), "p%.250s\n", what);

	if (length > 0)
		(void)tell(child->socket, line, (size_t)length);
}

static void limit(unsigned resource, rlim_t most)
{
	struct rlimit now;

	if (getrlimit(resource, &now) != 0)
		return;
	if (now.rlim_max > most)
		now.rlim_max = most;
	now.rlim_cur = now.rlim_max;
	setrlimit(resource, &now);
}

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

/* Seven eighths of the machine: the largest rulesets need some 7.5 KB a rule. */
static void limit_memory(void)
{
#ifndef __SANITIZE_ADDRESS__ /* which reserves address space without using it */
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);

	if (pages > 0 && page > 0)
		limit(RLIMIT_AS, (rlim_t)pages / 8 * 7 * (rlim_t)page);
#endif
}

/* libnftables descends into nested expressions: the more stack, the fewer of them end it. */
static void set_limits(int64_t deadline)
{
	int64_t seconds = (deadline - pa_clock_now()) / 1000 + 2;

	limit_memory();
	limit(RLIMIT_STACK, STACK_MAX);
	limit(RLIMIT_FSIZE, OUTPUT_MAX);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, seconds > 0 ? (rlim_t)seconds : 1);
}

/* Descriptors of the caller (reports, sockets) are no business of the child. */
static void close_others(const struct pa_child *child, const int *keep, size_t keep_count)
{
	size_t count = 0;
	int *kept = pa_xcalloc(keep_count + PA_CHILD_TEXT_COUNT + 1, sizeof(*kept));

	for (size_t i = 0; i < keep_count; i++)
		kept[count++] = keep[i];
	for (size_t i = 0; i < PA_CHILD_TEXT_COUNT; i++)
		kept[count++] = child->text[i];
	kept[count++] = child->socket;
	pa_process_close_others(kept, count);
	free(kept);
}

__attribute__((noreturn)) static void run_child(const struct pa_child_job *job, const struct pa_child *child, pid_t parent)
{
	int null;

	pa_process_reset_signals();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(child->text[PA_CHILD_NOISE], 1) < 0 ||
	    dup2(child->text[PA_CHILD_NOISE], 2) < 0)
		pa_child_end(child, PA_CHILD_UNABLE, "the standard descriptors could not be set up: %s", strerror(errno));
	close_others(child, job->keep, job->keep_count);
	set_limits(job->deadline);
	job->work(child, job->context);
	_exit(1);
}

/* --- in the parent ----------------------------------------------------------------------------------------- */

static void close_all(struct connection *c)
{
	for (size_t i = 0; i < PA_CHILD_TEXT_COUNT; i++)
		if (c->child.text[i] >= 0)
			close(c->child.text[i]);
	if (c->child.socket >= 0)
		close(c->child.socket);
	if (c->socket >= 0)
		close(c->socket);
	if (c->child.report)
		munmap(c->child.report, sizeof(*c->child.report));
}

/* A memory file above the standard descriptors, even when the caller runs with those closed. */
static int memory_file(void)
{
	int fd = memfd_create("portaudit", MFD_CLOEXEC), high;

	if (fd < 0 || fd > 2)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	close(fd);
	return high;
}

static bool connect_both(struct connection *c)
{
	int pair[2];
	void *page;

	*c = (struct connection){ .socket = -1, .child = { .socket = -1 } };
	for (size_t i = 0; i < PA_CHILD_TEXT_COUNT; i++)
		c->child.text[i] = -1;
	page = mmap(NULL, sizeof(*c->child.report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return false;
	c->child.report = page;
	for (size_t i = 0; i < PA_CHILD_TEXT_COUNT; i++)
		if ((c->child.text[i] = memory_file()) < 0)
			return false;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return false;
	c->socket = pair[0];
	c->child.socket = pair[1];
	return true;
}

/* One line from the child: "?" asks, "p..." reports progress. */
static void take_line(const struct pa_child_job *job, const struct connection *c, pid_t pid, const char *line)
{
	if (line[0] == '?') {
		bool yes = job->answer && job->answer(pid, job->context);
		(void)tell(c->socket, yes ? "y" : "n", 1);
	} else if (line[0] == 'p' && job->options && job->options->progress) {
		job->options->progress(job->options->progress_context, line + 1);
	}
}

/* Reads lines until the child closes its end (true) or the deadline passes (false). */
static bool listen_until_end(const struct pa_child_job *job, const struct connection *c, pid_t pid)
{
	char line[512];
	size_t used = 0;

	for (;;) {
		int64_t left = job->deadline - pa_clock_now();
		struct pollfd wait = { .fd = c->socket, .events = POLLIN };
		ssize_t got;

		if (left <= 0)
			return false;
		if (poll(&wait, 1, left > 1000 ? 1000 : (int)left) <= 0)
			continue;
		got = recv(c->socket, line + used, 1, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return true;
		if (line[used] == '\n') {
			line[used] = '\0';
			take_line(job, c, pid, line);
			used = 0;
		} else if (used + 2 < sizeof(line)) {
			used++;
		}
	}
}

/* Says what the child died of, in words for the user. */
static void explain_death(struct pa_child_report *report, int status, bool timeout)
{
	int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	report->outcome = PA_CHILD_DIED;
	report->help[0] = '\0';
	if (timeout || number == SIGXCPU)
		snprintf(report->message, sizeof(report->message), "libnftables did not finish in the time given");
	else if (number == SIGXFSZ)
		snprintf(report->message, sizeof(report->message), "libnftables printed more than can be kept");
	else if (number)
		snprintf(report->message, sizeof(report->message), "libnftables ended with signal %d (%s)", number,
			 strsignal(number));
	else
		snprintf(report->message, sizeof(report->message),
			 "libnftables ended the process with status %d (out of memory, or no socket)", WEXITSTATUS(status));
}

static void map_texts(const struct connection *c, struct pa_child_result *result)
{
	for (size_t i = 0; i < PA_CHILD_TEXT_COUNT; i++) {
		struct stat state;
		void *data;

		if (fstat(c->child.text[i], &state) != 0 || state.st_size <= 0)
			continue;
		data = mmap(NULL, (size_t)state.st_size, PROT_READ, MAP_PRIVATE, c->child.text[i], 0);
		if (data == MAP_FAILED) {
			result->report.outcome = PA_CHILD_UNABLE;
			snprintf(result->report.message, sizeof(result->report.message),
				 "the output of libnftables could not be read: %s", strerror(errno));
			return;
		}
		result->text[i].data = data;
		result->text[i].length = (size_t)state.st_size;
	}
}

static void wait_for(const struct pa_child_job *job, const struct connection *c, pid_t pid, struct pa_child_result *result)
{
	int status = 0;
	bool ended = listen_until_end(job, c, pid) && pa_process_wait_until(pid, job->deadline, &status);

	if (!ended) {
		kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			continue;
	}
	result->report = *c->child.report;
	result->report.message[sizeof(result->report.message) - 1] = '\0';
	result->report.help[sizeof(result->report.help) - 1] = '\0';
	if (!ended || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		explain_death(&result->report, status, !ended);
	map_texts(c, result);
}

void pa_child_run(const struct pa_child_job *job, struct pa_child_result *ret_result)
{
	struct connection c;
	pid_t parent = getpid(), pid = -1;

	*ret_result = (struct pa_child_result){ .report = { .outcome = PA_CHILD_UNABLE } };
	if (connect_both(&c))
		pid = fork();
	if (pid == 0) {
		close(c.socket);
		run_child(job, &c.child, parent);
	}
	if (pid < 0) {
		snprintf(ret_result->report.message, sizeof(ret_result->report.message),
			 "a process for libnftables could not be started: %s", strerror(errno));
	} else {
		close(c.child.socket);
		c.child.socket = -1;
		wait_for(job, &c, pid, ret_result);
	}
	close_all(&c);
}

void pa_child_result_done(struct pa_child_result *result)
{
	for (size_t i = 0; i < PA_CHILD_TEXT_COUNT; i++) {
		if (result->text[i].data)
			munmap((void *)(uintptr_t)result->text[i].data, result->text[i].length);
		result->text[i].data = NULL;
		result->text[i].length = 0;
	}
}
