// rooms: portaudit
/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program as a process: streams, signals, exit statuses. Whatever ends it early is status 3, never 0. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child does before it becomes the program. */
enum condition { NORMAL, NO_INPUT, NO_OUTPUT, NO_ERRORS, FULL_OUTPUT, BROKEN_OUTPUT };

static void open_as(int stream, const char *path)
{
	int file = open(path, O_RDWR);
	if (file < 0 || dup2(file, stream) < 0)
		_exit(99);
	close(file);
}

static void meet(enum condition condition)
{
	int ends[2];
	switch (condition) {
	case NORMAL:
		return;
	case NO_INPUT:
		close(STDIN_FILENO);
		return;
	case NO_OUTPUT:
		close(STDOUT_FILENO);
		return;
	case NO_ERRORS:
		close(STDERR_FILENO);
		return;
	case FULL_OUTPUT:
		open_as(STDOUT_FILENO, "/dev/full");
		return;
	case BROKEN_OUTPUT:
		if (pipe(ends) != 0 || dup2(ends[1], STDOUT_FILENO) < 0)
			_exit(99);
		close(ends[0]);
		close(ends[1]);
		return;
	}
}

/* The program with up to three arguments; its output is not looked at. `input`: a descriptor, or -1. */
static pid_t start(enum condition condition, int input, const char *a, const char *b, const char *c)
{
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	signal(SIGPIPE, SIG_DFL);
	open_as(STDOUT_FILENO, "/dev/null");
	open_as(STDERR_FILENO, "/dev/null");
	if (input >= 0)
		dup2(input, STDIN_FILENO);
	meet(condition);
	execl(PA_PROGRAM, "portaudit", a, b, c, NULL);
	_exit(99);
}

/* The exit status, or 1000 and the signal. */
static int finish(pid_t pid)
{
	int status;
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static const struct {
	enum condition condition;
	const char *argument;
	int status;
} stream_table[] = {
	{ NORMAL, "--version", 0 },	   { NORMAL, "--help", 0 },	  { NORMAL, "--frobnicate", 2 },
	{ NO_INPUT, "--version", 0 },	   { NO_ERRORS, "--version", 0 }, { NO_ERRORS, "--frobnicate", 2 },
	{ NO_OUTPUT, "--version", 3 },	   { FULL_OUTPUT, "--help", 3 },  { FULL_OUTPUT, "--frobnicate", 2 },
	{ BROKEN_OUTPUT, "--version", 3 },
};

START_TEST(streams_that_are_not_as_usual)
{
	ck_assert_int_eq(finish(start(stream_table[_i].condition, -1, stream_table[_i].argument, NULL, NULL)),
			 stream_table[_i].status);
}
END_TEST

static const int ending[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGXCPU,
#ifndef __SANITIZE_ADDRESS__
			      SIGSEGV, SIGBUS, SIGFPE, SIGILL,	SIGABRT
#endif
};

/* It waits for a ruleset on standard input that never comes. */
START_TEST(a_signal_is_an_audit_that_is_not_complete)
{
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	pid_t pid = start(NORMAL, ends[0], "list", "-", NULL);
	usleep(300 * 1000);
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
	ck_assert_int_eq(kill(pid, ending[_i]), 0);
	ck_assert_int_eq(finish(pid), 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("main");
	TCase *process = tcase_create("process");
	tcase_add_loop_test(process, streams_that_are_not_as_usual, 0, sizeof(stream_table) / sizeof(*stream_table));
	tcase_add_loop_test(process, a_signal_is_an_audit_that_is_not_complete, 0, sizeof(ending) / sizeof(*ending));
	suite_add_tcase(suite, process);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
