/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who holds the listeners: proc(5). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "socket_read.h"

/* The search through all processes. */
struct search {
	struct pa_sockets *sockets;
	const struct pa_inodes *inodes;
	const struct pa_accounts *accounts;
	struct stat own_user_namespace;
	bool own_user_namespace_known;
	size_t unseen; /* processes whose files could not be looked at */
};

/* --- small files --------------------------------------------------------------------------------------------- */

#define FILE_MAX ((size_t)64 << 10)

/* A file of a process's folder, at most FILE_MAX bytes, ended by NUL. false: it cannot be read. */
static bool read_file(int folder, const char *name, struct pa_buffer *ret)
{
	pa_buffer_clear(ret);
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	char chunk[4096];
	ssize_t got = 0;
	while (ret->length < FILE_MAX && (got = read(fd, chunk, sizeof(chunk))) > 0)
		pa_buffer_add(ret, chunk, (size_t)got);
	close(fd);
	return got >= 0 && ret->length > 0;
}

/* The value behind "Name:\t" at the beginning of a line, or NULL. */
static const char *line_of(const char *text, const char *name)
{
	size_t length = strlen(name);
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) == 0 && line[length] == ':')
			return line + length + 1;
	}
	return NULL;
}

/* --- one process --------------------------------------------------------------------------------------------- */

static void read_executable(struct pa_process *process, int folder, struct pa_arena *arena)
{
	static const char deleted[] = " (deleted)";
	char path[4096];
	ssize_t length = readlinkat(folder, "exe", path, sizeof(path));
	if (length <= 0 || (size_t)length >= sizeof(path))
		return;
	size_t end = (size_t)length, mark = sizeof(deleted) - 1;
	/* A file may be named so: then it can be reached. */
	struct stat state;
	process->executable_deleted = end > mark && memcmp(path + end - mark, deleted, mark) == 0 &&
				      fstatat(folder, "exe", &state, 0) == 0 && state.st_nlink == 0;
	process->executable = pa_arena_strndup(arena, path, process->executable_deleted ? end - mark : end);
}

static bool parse_ids(const char *line, uint32_t *ret_real, uint32_t *ret_effective)
{
	return line && sscanf(line, " %u %u", ret_real, ret_effective) == 2;
}

static bool parse_set(const char *line, uint64_t *ret_set)
{
	unsigned long long value;
	if (!line || sscanf(line, " %llx", &value) != 1)
		return false;
	*ret_set = value;
	return true;
}

/* Who it runs as, and what it may do. */
static void read_status(struct pa_process *process, int folder, const struct pa_accounts *accounts, struct pa_buffer *text)
{
	uint32_t real_gid;
	if (!read_file(folder, "status", text))
		return;
	process->ids_known = parse_ids(line_of(text->data, "Uid"), &process->real_uid, &process->effective_uid) &&
			     parse_ids(line_of(text->data, "Gid"), &real_gid, &process->effective_gid);
	process->capabilities_known = parse_set(line_of(text->data, "CapPrm"), &process->permitted) &&
				      parse_set(line_of(text->data, "CapEff"), &process->effective) &&
				      parse_set(line_of(text->data, "CapAmb"), &process->ambient);
	if (process->ids_known) {
		process->user = pa_accounts_user(accounts, process->effective_uid);
		process->group = pa_accounts_group(accounts, process->effective_gid);
	}
}

/* The unit stands in the hierarchy of version 2 or in systemd's own one; a container in any. */
static void read_cgroups(struct pa_process *process, int folder, struct pa_arena *arena, struct pa_buffer *text)
{
	if (!read_file(folder, "cgroup", text))
		return;
	char *rest = text->data;
	for (char *line; (line = strsep(&rest, "\n"));) {
		const char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!path)
			continue;
		if (!process->unit && (controllers + 1 == path || strncmp(controllers, ":name=systemd:", 14) == 0))
			process->unit = pa_cgroup_unit(path + 1, arena);
		if (!process->container)
			process->container = pa_cgroup_container(path + 1, arena);
	}
}

static void read_user_namespace(const struct search *search, struct pa_process *process, int folder)
{
	struct stat state;
	if (!search->own_user_namespace_known || fstatat(folder, "ns/user", &state, 0) != 0)
		return;
	bool own = state.st_dev == search->own_user_namespace.st_dev && state.st_ino == search->own_user_namespace.st_ino;
	process->foreign_user_namespace = own ? PA_NO : PA_YES;
}

/* The value of an option among arguments that end with NUL each, or NULL. */
static const char *argument_of(const char *arguments, size_t length, const char *name)
{
	bool next = false;
	for (size_t at = 0; at < length; at += strlen(arguments + at) + 1) {
		if (next)
			return arguments + at;
		next = strcmp(arguments + at + (arguments[at] == '-' && arguments[at + 1] == '-'), name) == 0;
	}
	return NULL;
}

void pa_process_parse_proxy(struct pa_process *process, const char *arguments, size_t length)
{
	const char *address = argument_of(arguments, length, "-container-ip"),
		   *port = argument_of(arguments, length, "-container-port");
	if (!address || !port || strspn(port, "0123456789") != strlen(port) || strlen(port) > 5 || port[0] == '\0')
		return;
	unsigned long number = strtoul(port, NULL, 10);
	if (number > 65535 || !pa_address_parse(address, &process->proxy_address, &process->proxy_family))
		return;
	process->proxy_port = (unsigned)number;
}

static void read_proxy(struct pa_process *process, int folder, struct pa_buffer *text)
{
	if (pa_text_equal(process->command, "docker-proxy") && read_file(folder, "cmdline", text))
		pa_process_parse_proxy(process, text->data, text->length);
}

/* The command of PID 1 may be `init`. */
static bool is_service_manager(const struct pa_process *process)
{
	const char *slash = process->executable ? strrchr(process->executable, '/') : NULL;
	return pa_text_equal(process->command, "systemd") || (slash && strcmp(slash, "/systemd") == 0);
}

/* Returns its number in the table. */
static size_t add_process(const struct search *search, int folder, uint32_t pid)
{
	struct pa_arena *arena = pa_arena_new();
	struct pa_buffer text = { 0 };
	struct pa_process process = { .pid = pid };
	if (read_file(folder, "comm", &text))
		process.command = pa_arena_strndup(arena, text.data, text.length - (text.data[text.length - 1] == '\n'));
	read_executable(&process, folder, arena);
	read_status(&process, folder, search->accounts, &text);
	read_cgroups(&process, folder, arena, &text);
	read_user_namespace(search, &process, folder);
	read_proxy(&process, folder, &text);
	process.is_service_manager = is_service_manager(&process);
	size_t number = pa_sockets_add_process(search->sockets, &process);
	pa_buffer_done(&text);
	pa_arena_free(arena);
	return number;
}

/* --- all processes ------------------------------------------------------------------------------------------- */

/* The inode of "socket:[12345]", or 0. */
static uint64_t socket_inode(int files, const char *name)
{
	char link[64];
	ssize_t length = readlinkat(files, name, link, sizeof(link) - 1);
	if (length <= 9 || memcmp(link, "socket:[", 8) != 0)
		return 0;
	link[length] = '\0';
	return strtoull(link + 8, NULL, 10);
}

/* *process: its number + 1 once it is known to hold a listener. */
static void hold_inode(const struct search *search, int folder, uint32_t pid, uint64_t inode, size_t *process)
{
	size_t first;
	if (inode == 0 || !pa_number_map_find(&search->inodes->first, inode, &first))
		return;
	if (!*process)
		*process = add_process(search, folder, pid) + 1;
	for (size_t listener = first + 1; listener; listener = search->inodes->next[listener - 1])
		pa_sockets_hold(search->sockets, listener - 1, *process - 1);
}

/* A process that ends meanwhile holds nothing any more. */
static bool is_gone(int error)
{
	return error == ENOENT || error == ESRCH;
}

static void look_at_process(struct search *search, int processes, const char *name)
{
	int folder = openat(processes, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0) {
		search->unseen += !is_gone(errno);
		return;
	}
	int files = openat(folder, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = files >= 0 ? fdopendir(files) : NULL;
	const struct dirent *entry;
	size_t number = 0;
	if (!entries)
		search->unseen += !is_gone(errno);
	errno = 0;
	while (entries && (entry = readdir(entries))) {
		if (entry->d_name[0] != '.')
			hold_inode(search, folder, (uint32_t)strtoul(name, NULL, 10), socket_inode(files, entry->d_name),
				   &number);
		errno = 0;
	}
	/* Denied here, where opening is not: /proc of a process whose memory may not be read. */
	if (entries && errno && !is_gone(errno))
		search->unseen++;
	if (entries)
		closedir(entries);
	else if (files >= 0)
		close(files);
	close(folder);
}

static bool is_pid(const char *name)
{
	return name[0] >= '1' && name[0] <= '9' && name[strspn(name, "0123456789")] == '\0';
}

/* /proc may be mounted so that it hides the processes of others (hidepid). */
static bool hides_processes(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;
	bool hides = false;
	while (file && getline(&line, &size, file) >= 0) {
		char where[64];
		if (sscanf(line, "%*s %*s %*s %*s %63s", where) != 1 || strcmp(where, "/proc") != 0)
			continue;
		const char *option = strstr(line, "hidepid=");
		hides = option && strncmp(option + 8, "0", 1) != 0 && strncmp(option + 8, "off", 3) != 0;
	}
	free(line);
	if (file)
		fclose(file);
	return hides && geteuid() != 0;
}

static void tell_what_is_missing(const struct search *search, bool listed)
{
	struct pa_sockets *sockets = search->sockets;
	bool hides = hides_processes();
	sockets->processes_complete = listed && search->unseen == 0 && !hides;
	if (!listed)
		pa_sockets_add_missing(sockets, "which processes listen: /proc cannot be read");
	else if (hides)
		pa_sockets_add_missing(sockets, "the processes of other users, which /proc hides (hidepid): run as root");
	else if (search->unseen)
		pa_sockets_add_missing(sockets, "what %zu process%s hold%s: run as root", search->unseen,
				       search->unseen == 1 ? "" : "es", search->unseen == 1 ? "s" : "");
}

void pa_processes_read(struct pa_sockets *sockets, const struct pa_inodes *inodes, const struct pa_accounts *accounts)
{
	struct search search = { .sockets = sockets, .inodes = inodes, .accounts = accounts };
	search.own_user_namespace_known = stat("/proc/self/ns/user", &search.own_user_namespace) == 0;
	int processes = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = processes >= 0 ? fdopendir(processes) : NULL;
	const struct dirent *entry;
	size_t count = 0;
	while (entries && (entry = readdir(entries))) {
		if (!is_pid(entry->d_name))
			continue;
		look_at_process(&search, processes, entry->d_name);
		count++;
	}
	if (entries)
		closedir(entries);
	else if (processes >= 0)
		close(processes);
	tell_what_is_missing(&search, count > 0);
	for (size_t i = 0; i < sockets->listener_count; i++)
		sockets->listeners[i].processes_known = sockets->processes_complete;
}
