/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ERRORS_MAX 2048 /* bytes of standard error that are kept */

const char *const pa_program_folders[] = { "/usr/sbin", "/sbin", "/usr/bin", "/bin", NULL };

/* The pipes between this process and the program. */
struct pipes {
	int output[2];
	int errors[2];
	int failure[2]; /* the errno of execve(); closed by it when it succeeds */
};

/* What is being read. */
struct reading {
	const char *name;
	struct pa_program_limits limits;
	struct pa_program_output *output;
	char errors[ERRORS_MAX + 1];
	size_t error_length;
};

bool pa_program_find(const char *name, const char *const *folders, char out[PA_PROGRAM_PATH_MAX])
{
	struct stat state;

	for (; *folders; folders++) {
		int length = snprintf(out, PA_PROGRAM_PATH_MAX, "%s/%s", *folders, name);
		if (length > 0 && length < PA_PROGRAM_PATH_MAX && stat(out, &state) == 0 && S_ISREG(state.st_mode) &&
		    access(out, X_OK) == 0)
			return true;
	}
	return false;
}

__attribute__((format(printf, 2, 3))) static bool fail(struct reading *reading, const char *format, ...)
{
	char *out = reading->output->problem;
	va_list arguments;
	int used;

	va_start(arguments, format);
	used = vsnprintf(out, PA_PROGRAM_PROBLEM_MAX, format, arguments);
	va_end(arguments);
	while (reading->error_length && strchr("\n ", reading->errors[reading->error_length - 1]))
		reading->error_length--;
	reading->errors[reading->error_length] = '\0';
	for (char *c = reading->errors; *c; c++)
		*c = *c == '\n' ? ' ' : *c;
	if (reading->error_length && used > 0 && used < PA_PROGRAM_PROBLEM_MAX)
		snprintf(out + used, (size_t)(PA_PROGRAM_PROBLEM_MAX - used), ": %.*s", PA_PROGRAM_PROBLEM_MAX - used - 3,
			 reading->errors);
	pa_buffer_done(&reading->output->text);
	reading->output->text = (struct pa_buffer){ 0 };
	return false;
}

/* --- in the child ------------------------------------------------------------------------------------------------------- */

/* The pipes may have any numbers, 0 to 2 as well: they are moved out of the way first. */
static bool place_descriptors(struct pipes *pipes)
{
	int null = open("/dev/null", O_RDONLY);
	int high[] = { fcntl(null, F_DUPFD, 10), fcntl(pipes->output[1], F_DUPFD, 10), fcntl(pipes->errors[1], F_DUPFD, 10) };
	int failure = fcntl(pipes->failure[1], F_DUPFD, 10);

	for (int i = 0; i < 3; i++)
		if (high[i] < 0 || dup2(high[i], i) < 0)
			return false;
	if (failure < 0 || dup3(failure, 3, O_CLOEXEC) < 0)
		return false;
	pipes->failure[1] = 3;
	pa_process_close_others(&pipes->failure[1], 1);
	return true;
}

__attribute__((noreturn)) static void run_child(struct pipes *pipes, const char *path, const char *const *arguments,
						pid_t parent, int64_t deadline)
{
	static const char *const environment[] = { "LC_ALL=C", "TZ=UTC", NULL };
	int64_t seconds = (deadline - pa_clock_now()) / 1000 + 2;
	struct rlimit cpu = { seconds > 0 ? (rlim_t)seconds : 1, seconds > 0 ? (rlim_t)seconds + 1 : 2 }, core = { 0, 0 };
	int error;

	pa_process_reset_signals();
	setpgid(0, 0); /* what it starts is ended with it */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || !place_descriptors(pipes) || chdir("/") != 0)
		_exit(126);
	setrlimit(RLIMIT_CPU, &cpu);
	setrlimit(RLIMIT_CORE, &core);
	execve(path, (char *const *)(uintptr_t)arguments, (char *const *)(uintptr_t)environment);
	error = errno;
	(void)!write(pipes->failure[1], &error, sizeof(error));
	_exit(127);
}

/* --- in the parent -------------------------------------------------------------------------------------------------------- */

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_pipes(struct pipes *pipes)
{
	for (int i = 0; i < 2; i++) {
		close_end(&pipes->output[i]);
		close_end(&pipes->errors[i]);
		close_end(&pipes->failure[i]);
	}
}

static bool open_pipes(struct pipes *pipes)
{
	*pipes = (struct pipes){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	return pipe2(pipes->output, O_CLOEXEC) == 0 && pipe2(pipes->errors, O_CLOEXEC) == 0 &&
	       pipe2(pipes->failure, O_CLOEXEC) == 0;
}

/* One read that does not wait; closes the descriptor at the end. false: more than is allowed. */
static bool take(struct reading *reading, int *fd, bool is_output)
{
	char chunk[65536];
	ssize_t got = read(*fd, chunk, sizeof(chunk));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (got <= 0) {
		close_end(fd);
		return true;
	}
	if (is_output) {
		pa_buffer_add(&reading->output->text, chunk, (size_t)got);
		return reading->output->text.length <= reading->limits.bytes;
	}
	size_t room = ERRORS_MAX - reading->error_length;
	size_t kept = (size_t)got < room ? (size_t)got : room;
	memcpy(reading->errors + reading->error_length, chunk, kept);
	reading->error_length += kept;
	return true;
}

enum ending { ENDED, TOO_LONG, TOO_MUCH };

static enum ending read_both(struct reading *reading, struct pipes *pipes)
{
	while (pipes->output[0] >= 0 || pipes->errors[0] >= 0) {
		struct pollfd wait[] = { { pipes->output[0], POLLIN, 0 }, { pipes->errors[0], POLLIN, 0 } };
		int64_t left = reading->limits.deadline - pa_clock_now();

		if (left <= 0)
			return TOO_LONG;
		if (poll(wait, 2, left > 1000 ? 1000 : (int)left) <= 0)
			continue;
		if (wait[0].revents && !take(reading, &pipes->output[0], true))
			return TOO_MUCH;
		if (wait[1].revents)
			take(reading, &pipes->errors[0], false);
	}
	return ENDED;
}

static bool judge(struct reading *reading, enum ending ending, int status, int exec_error)
{
	const struct pa_buffer *text = &reading->output->text;

	if (ending == TOO_LONG || (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU))
		return fail(reading, "%s did not end in the time given", reading->name);
	if (ending == TOO_MUCH)
		return fail(reading, "%s printed more than %zu bytes", reading->name, reading->limits.bytes);
	if (exec_error)
		return fail(reading, "%s could not be started: %s", reading->name, strerror(exec_error));
	if (WIFSIGNALED(status))
		return fail(reading, "%s ended with signal %d (%s)", reading->name, WTERMSIG(status),
			    strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) != 0)
		return fail(reading, "%s ended with status %d", reading->name, WEXITSTATUS(status));
	if (text->length && text->data[text->length - 1] != '\n')
		return fail(reading, "what %s printed is cut off", reading->name);
	if (text->length && memchr(text->data, '\0', text->length))
		return fail(reading, "%s printed a NUL byte", reading->name);
	return true;
}

static bool follow(struct reading *reading, struct pipes *pipes, pid_t pid)
{
	int status = 0, exec_error = 0;
	enum ending ending;

	close_end(&pipes->output[1]);
	close_end(&pipes->errors[1]);
	close_end(&pipes->failure[1]);
	ending = read_both(reading, pipes);
	if (ending == ENDED && !pa_process_wait_until(pid, reading->limits.deadline, &status))
		ending = TOO_LONG;
	/* the group is there as long as its leader was not waited for, or others of it live */
	if (ending != ENDED) {
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			continue;
	}
	if (ending == ENDED && read(pipes->failure[0], &exec_error, sizeof(exec_error)) != sizeof(exec_error))
		exec_error = 0;
	return judge(reading, ending, status, exec_error);
}

bool pa_program_run(const char *path, const char *const *arguments, struct pa_program_limits limits,
		    struct pa_program_output *ret_output)
{
	struct reading reading = { .name = path, .limits = limits, .output = ret_output };
	struct pipes pipes;
	pid_t parent = getpid(), pid = -1;
	bool good;

	*ret_output = (struct pa_program_output){ .problem = "" };
	if (open_pipes(&pipes))
		pid = fork();
	if (pid == 0)
		run_child(&pipes, path, arguments, parent, limits.deadline);
	good = pid < 0 ? fail(&reading, "%s could not be started: %s", path, strerror(errno)) : follow(&reading, &pipes, pid);
	close_pipes(&pipes);
	return good;
}
