/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process: its streams, its signals, its environment. The work is done in run.c. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "large_pages.h"
#include "run.h"

enum { EXIT_WRONG_INPUT = 2, EXIT_INCOMPLETE = 3 };

static void say(const char *line)
{
	ssize_t written = write(STDERR_FILENO, line, strlen(line));
	(void)written;
}

/*
 * A closed standard stream would be taken by the first file that is opened, and a report be written into it. Standard
 * input and standard error are pointed at nothing; without standard output there is nobody to report to.
 */
static bool streams_are_open(void)
{
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0) {
		say("portaudit: standard output is closed: nothing can be reported\n");
		return false;
	}
	static const int others[] = { STDIN_FILENO, STDERR_FILENO };
	for (size_t i = 0; i < 2; i++)
		if (fcntl(others[i], F_GETFD) < 0 && open("/dev/null", O_RDWR) != others[i])
			return false;
	return true;
}

static pid_t main_process;

/*
 * An audit that a signal ends is not complete, which is status 3. Processes forked from this one inherit the handler but
 * die of the signal, so that their parent sees it.
 */
static void end_incomplete(int number)
{
	if (getpid() != main_process) {
		signal(number, SIG_DFL);
		raise(number);
		return;
	}
	say("portaudit: ended by a signal: the audit is not complete\n");
	_exit(EXIT_INCOMPLETE);
}

/* A crash is told on a stack of its own: the usual one may be what ran out. Sanitizers want to see it themselves. */
static void catch_crashes(struct sigaction action)
{
#ifndef __SANITIZE_ADDRESS__
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	static char stack[64 * 1024];
	const stack_t alternative = { .ss_sp = stack, .ss_size = sizeof(stack) };
	if (sigaltstack(&alternative, NULL) == 0)
		action.sa_flags |= SA_ONSTACK;
	for (size_t i = 0; i < sizeof(crashes) / sizeof(*crashes); i++)
		sigaction(crashes[i], &action, NULL);
#else
	(void)action;
#endif
}

static void prepare_signals(void)
{
	static const int ending[] = { SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGXCPU };
	main_process = getpid();
	struct sigaction action = { .sa_handler = end_incomplete, .sa_flags = SA_NODEFER };
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(ending) / sizeof(*ending); i++) {
		struct sigaction inherited;
		/* nohup(1) and shells in the background ask for some to be ignored. */
		if (sigaction(ending[i], NULL, &inherited) == 0 && inherited.sa_handler != SIG_IGN)
			sigaction(ending[i], &action, NULL);
	}
	catch_crashes(action);
	signal(SIGPIPE, SIG_IGN); /* a reader that went away is an error of write(2), which is reported */
	signal(SIGXFSZ, SIG_IGN); /* so is a file that grows too large */
	signal(SIGCHLD, SIG_DFL); /* ignored, children could not be waited for */
}

static int print_text(const char *text)
{
	if (fputs(text, stdout) >= 0 && fflush(stdout) == 0)
		return 0;
	perror("portaudit: cannot write to standard output");
	return EXIT_INCOMPLETE;
}

static void print_diags(const struct pa_options *options, const struct pa_diags *diags)
{
	struct pa_buffer text = { 0 };
	const struct pa_style style = { .color = pa_options_color(options, STDERR_FILENO) };
	pa_report_diags(diags, &style, &text);
	if (text.data)
		say(text.data);
	pa_buffer_done(&text);
}

int main(int argc, char **argv)
{
	large_pages_use();
	if (!streams_are_open())
		return EXIT_INCOMPLETE;
	prepare_signals();
	/* Programs that are run and libraries that format times must not follow the user's language and clock. */
	setenv("LC_ALL", "C", 1);
	setenv("TZ", "UTC0", 1);

	struct pa_options options;
	struct pa_diags diags = { 0 };
	int status = pa_options_parse(argc, argv, &options, &diags);
	if (status != 0)
		print_diags(&options, &diags);
	else if (options.text)
		status = print_text(options.text);
	else
		status = pa_run(&options);
	pa_diags_done(&diags);
	pa_options_done(&options);
	return status;
}
