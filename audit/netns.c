/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_WRONG = 2, EXIT_INCOMPLETE = 3 };

#define NAMED_FOLDER "/run/netns"
#define SECONDS_MAX 900		       /* of one namespace */
#define OUTPUT_MAX ((rlim_t)256 << 20) /* bytes that one may print */

/* One namespace, once. */
struct namespace
{
	const char *name; /* of the file in /run/netns, or of a process that is in it */
	int fd;
	dev_t device;
	ino_t inode;
};

struct namespaces {
	struct pa_arena *arena;
	struct namespace *items;
	size_t count, capacity;
};

/* --- which ---------------------------------------------------------------------------------------------------- */

/* false: it cannot be opened (errno). One that is there already is not added again. */
static bool add(struct namespaces *all, const char *path, const char *name)
{
	struct stat state;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool known = fstat(fd, &state) != 0;
	for (size_t i = 0; i < all->count; i++)
		known = known || (all->items[i].device == state.st_dev && all->items[i].inode == state.st_ino);
	if (known) {
		close(fd);
		return true;
	}
	pa_grow(&all->items, &all->capacity, all->count + 1, sizeof(*all->items));
	all->items[all->count++] = (struct namespace){ .name = name, .fd = fd, .device = state.st_dev, .inode = state.st_ino };
	return true;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int is_process(const struct dirent *entry)
{
	return entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
}

static void add_named(struct namespaces *all)
{
	struct dirent **entries;
	int count = scandir(NAMED_FOLDER, &entries, is_visible, alphasort);
	for (int i = 0; i < count; i++) {
		const char *name = pa_arena_strdup(all->arena, entries[i]->d_name);
		add(all, pa_arena_printf(all->arena, NAMED_FOLDER "/%s", name), name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

static const char *process_name(struct namespaces *all, const char *pid)
{
	char command[32] = "";
	FILE *file = fopen(pa_arena_printf(all->arena, "/proc/%s/comm", pid), "re");
	if (file && fgets(command, sizeof(command), file))
		command[strcspn(command, "\n")] = '\0';
	if (file)
		fclose(file);
	return pa_arena_printf(all->arena, "process %s%s%s%s", pid, command[0] ? " (" : "", command, command[0] ? ")" : "");
}

static int by_number(const struct dirent **left, const struct dirent **right)
{
	long a = strtol((*left)->d_name, NULL, 10), b = strtol((*right)->d_name, NULL, 10);
	return (a > b) - (a < b);
}

/* Returns how many processes could not be looked at. */
static size_t add_those_of_processes(struct namespaces *all)
{
	struct dirent **entries;
	size_t unseen = 0;
	int count = scandir("/proc", &entries, is_process, by_number);
	for (int i = 0; i < count; i++) {
		const char *pid = pa_arena_strdup(all->arena, entries[i]->d_name);
		if (!add(all, pa_arena_printf(all->arena, "/proc/%s/ns/net", pid), process_name(all, pid)))
			unseen += errno != ENOENT && errno != ESRCH;
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return unseen;
}

static bool find(struct namespaces *all, const char *wanted, struct pa_diags *diags)
{
	bool is_pid = wanted[0] && wanted[strspn(wanted, "0123456789")] == '\0';
	if (strcmp(wanted, "all") == 0) {
		add_named(all);
		size_t unseen = add_those_of_processes(all);
		if (unseen)
			pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE,
				     "the network namespaces of %zu processes could not be looked at", unseen)
				->help = "run as root";
		return true;
	}
	const char *path = pa_arena_printf(all->arena, is_pid ? "/proc/%s/ns/net" : NAMED_FOLDER "/%s", wanted);
	if (wanted[0] && !strchr(wanted, '/') && add(all, path, is_pid ? process_name(all, wanted) : wanted))
		return true;
	pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "--netns: no network namespace '%s': %s", wanted,
		     wanted[0] && !strchr(wanted, '/') ? strerrordesc_np(errno) : "this is neither a name nor a process id")
		->help = "'ip netns list' shows the names; a process id or 'all' will do as well";
	return false;
}

/* --- one namespace -------------------------------------------------------------------------------------------- */

/* What a child printed. */
struct answer {
	int files[2]; /* standard output, standard error: memory files */
	int status;   /* its exit status, EXIT_INCOMPLETE when a signal ended it */
};

/* `ip netns` makes a file and mounts the namespace on it: without a mount the file is all that is left. */
static const char *why_not_entered(int error)
{
	return error == EINVAL
		       ? "the file is no network namespace: what 'ip netns' left of one that is gone ('ip netns del' removes it)"
		       : "run as root";
}

__attribute__((noreturn)) static void work(const struct namespace *namespace, const struct answer *answer,
					   const struct pa_options *options, int (*run)(const struct pa_options *options))
{
	const struct rlimit output = { OUTPUT_MAX, OUTPUT_MAX };
	dup2(answer->files[0], STDOUT_FILENO);
	dup2(answer->files[1], STDERR_FILENO);
	setrlimit(RLIMIT_FSIZE, &output);
	alarm(SECONDS_MAX);
	if (setns(namespace->fd, CLONE_NEWNET) != 0) {
		int error = errno;
		fprintf(stderr, "portaudit: error: the network namespace cannot be entered: %s\n      = help: %s\n",
			strerrordesc_np(error), why_not_entered(error));
		_exit(EXIT_INCOMPLETE);
	}
	int status = run(options);
	fflush(NULL);
	_exit(status);
}

static bool start(const struct namespace *namespace, struct answer *answer, const struct pa_options *options,
		  int (*run)(const struct pa_options *options), struct pa_diags *diags)
{
	answer->files[0] = memfd_create("output", MFD_CLOEXEC);
	answer->files[1] = memfd_create("errors", MFD_CLOEXEC);
	fflush(NULL);
	pid_t child = answer->files[0] >= 0 && answer->files[1] >= 0 ? fork() : -1;
	if (child == 0)
		work(namespace, answer, options, run);
	int status = 0;
	pid_t ended = child;
	while (child > 0 && (ended = waitpid(child, &status, 0)) < 0 && errno == EINTR)
		;
	answer->status = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_INCOMPLETE;
	if (child > 0 && ended == child && WIFEXITED(status))
		return true;
	answer->status = EXIT_INCOMPLETE;
	pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "network namespace %s: %s", namespace->name,
		     child <= 0			   ? strerrordesc_np(errno)
		     : WTERMSIG(status) == SIGALRM ? "it was not read in time"
						   : "the process that read it was ended by a signal");
	return false;
}

static void read_back(int file, struct pa_buffer *text)
{
	char chunk[65536];
	off_t at = 0;
	for (ssize_t got; (got = pread(file, chunk, sizeof(chunk), at)) > 0; at += got)
		pa_buffer_add(text, chunk, (size_t)got);
}

/* --- together ------------------------------------------------------------------------------------------------- */

static bool is_json(const struct pa_options *options)
{
	return options->command == PA_COMMAND_SNAPSHOT ||
	       (options->output_count && options->outputs[0].format == PA_FORMAT_JSON);
}

static void add_name(const struct namespace *namespace, struct pa_buffer *out)
{
	for (const char *c = namespace->name; *c; c++) {
		unsigned char byte = (unsigned char)*c;
		if (byte == '"' || byte == '\\')
			pa_buffer_printf(out, "\\%c", *c);
		else if (byte < 0x20 || byte >= 0x7f)
			pa_buffer_printf(out, "\\u%04x", byte);
		else
			pa_buffer_putc(out, *c);
	}
}

/*
 * Text: a heading for each. JSON: {"schema":"portaudit/namespaces-1","namespaces":[{"name":...,"status":...,"report":...},...]}, where
 * the report is the document of that namespace as it is, or null.
 */
static void add_answer(const struct pa_options *options, const struct namespace *namespace, const struct answer *answer,
		       bool first, struct pa_buffer *out)
{
	struct pa_buffer text = { 0 };
	read_back(answer->files[0], &text);
	if (is_json(options)) {
		pa_buffer_puts(out, first ? "\n{\"name\":\"" : ",\n{\"name\":\"");
		add_name(namespace, out);
		pa_buffer_printf(out, "\",\"status\":%d,\"report\":", answer->status);
		pa_buffer_puts(out, text.length ? text.data : "null");
		pa_buffer_putc(out, '}');
	} else {
		pa_buffer_puts(out, first ? "=== network namespace " : "\n=== network namespace ");
		add_name(namespace, out);
		pa_buffer_puts(out, "\n\n");
		pa_buffer_add(out, text.data ? text.data : "", text.length);
	}
	pa_buffer_done(&text);
}

static void tell_errors(const struct namespace *namespace, const struct answer *answer)
{
	struct pa_buffer text = { 0 }, name = { 0 };
	read_back(answer->files[1], &text);
	add_name(namespace, &name);
	if (text.length) {
		fprintf(stderr, "network namespace %s:\n", name.data);
		fwrite(text.data, 1, text.length, stderr);
	}
	pa_buffer_done(&text);
	pa_buffer_done(&name);
}

static int run_in_all(const struct namespaces *all, const struct pa_options *options,
		      int (*run)(const struct pa_options *options), struct pa_buffer *out, struct pa_diags *diags)
{
	int worst = 0;
	if (is_json(options))
		pa_buffer_puts(out, "{\"schema\":\"portaudit/namespaces-1\",\"namespaces\":[");
	for (size_t i = 0; i < all->count; i++) {
		struct answer answer;
		bool ended = start(&all->items[i], &answer, options, run, diags);
		/* What a process printed before a signal ended it is not whole: JSON would not be valid. */
		if (!ended && answer.files[0] >= 0 && ftruncate(answer.files[0], 0) != 0)
			continue;
		add_answer(options, &all->items[i], &answer, i == 0, out);
		tell_errors(&all->items[i], &answer);
		for (size_t f = 0; f < 2; f++)
			if (answer.files[f] >= 0)
				close(answer.files[f]);
		worst = answer.status > worst ? answer.status : worst;
	}
	if (is_json(options))
		pa_buffer_puts(out, "]}\n");
	return worst;
}

static void namespaces_done(struct namespaces *all)
{
	for (size_t i = 0; i < all->count; i++)
		close(all->items[i].fd);
	free(all->items);
	pa_arena_free(all->arena);
}

int pa_netns_run(const struct pa_options *options, int (*run)(const struct pa_options *options), struct pa_diags *diags)
{
	struct namespaces all = { .arena = pa_arena_new() };
	int status = EXIT_WRONG;
	if (!find(&all, options->netns, diags)) {
		namespaces_done(&all);
		return status;
	}
	if (strcmp(options->netns, "all") == 0) {
		struct pa_buffer out = { 0 };
		status = run_in_all(&all, options, run, &out, diags);
		if (!pa_report_write("-", &out, diags))
			status = EXIT_INCOMPLETE;
		pa_buffer_done(&out);
	} else if (setns(all.items[0].fd, CLONE_NEWNET) == 0) {
		status = run(options); /* this process does nothing else afterwards */
	} else {
		int error = errno;
		pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "the network namespace %s cannot be entered: %s",
			     all.items[0].name, strerrordesc_np(error))
			->help = why_not_entered(error);
		status = EXIT_INCOMPLETE;
	}
	namespaces_done(&all);
	return status;
}
