/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other network namespaces of this host: those that processes are in (/proc/PID/ns/net), and those that a mount keeps (`ip netns`). One
 * counts when it is connected: an interface other than lo has an address or a route. The many that browsers and services with
 * PrivateNetwork= make have none. A namespace that only a thread or a descriptor keeps is not found.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "surroundings.h"

struct seen_list {
	ino_t *items;
	size_t count, capacity;
};

/* true: it is new. */
static bool remember(struct seen_list *seen, ino_t namespace)
{
	for (size_t i = 0; i < seen->count; i++)
		if (seen->items[i] == namespace)
			return false;
	pa_grow(&seen->items, &seen->capacity, seen->count + 1, sizeof(*seen->items));
	seen->items[seen->count++] = namespace;
	return true;
}

/* Does a file name an interface other than lo, as the first or the last word of a line behind a header of `skipped` lines? */
static bool names_interface(const char *path, unsigned skipped, bool last_word)
{
	char line[512];
	bool found = false;
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		char *end = line + strcspn(line, "\n"), *word = line;
		*end = '\0';
		if (skipped > 0) {
			skipped--;
			continue;
		}
		while (end > line && end[-1] == ' ')
			*--end = '\0';
		if (last_word && strrchr(line, ' '))
			word = strrchr(line, ' ') + 1;
		else if (!last_word)
			word[strcspn(word, "\t ")] = '\0';
		found = word[0] && strcmp(word, "lo") != 0;
	}
	fclose(file);
	return found;
}

/* `folder`: /proc/PID/net. Addresses of IPv6 and routes of IPv4: an interface that is up has one of them, or is of no use. */
static bool is_connected(const char *folder)
{
	char path[320];
	snprintf(path, sizeof(path), "%s/if_inet6", folder);
	if (names_interface(path, 0, true))
		return true;
	snprintf(path, sizeof(path), "%s/route", folder);
	return names_interface(path, 1, false);
}

static const char *command_of(struct pa_arena *arena, const char *pid)
{
	char path[300], name[32] = "";
	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	FILE *file = fopen(path, "re");
	if (file && fgets(name, sizeof(name), file))
		name[strcspn(name, "\n")] = '\0';
	if (file)
		fclose(file);
	return pa_arena_strdup(arena, name[0] ? name : "?");
}

/* --- of processes ------------------------------------------------------------------------------------------------------- */

static void look_at_process(struct pa_surroundings *found, struct seen_list *seen, const char *pid, size_t *denied)
{
	char path[300];
	struct stat information;
	snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
	if (stat(path, &information) != 0) {
		bool refused = errno == EACCES || errno == EPERM;
		snprintf(path, sizeof(path), "/proc/%s", pid);
		*denied += refused && stat(path, &information) == 0; /* a process that has just ended is refused, too */
		return;
	}
	if (!remember(seen, information.st_ino))
		return;
	snprintf(path, sizeof(path), "/proc/%s/net", pid);
	if (is_connected(path))
		pa_surroundings_namespace(found, "that of process %s (%s)", pid, command_of(found->arena, pid));
}

/* With it, only a process that a security module guards (a confined service manager, say) is refused. */
static bool may_see_all(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
	return syscall(SYS_capget, &header, data) == 0 && (data[0].effective & 1u << CAP_SYS_PTRACE);
}

static void look_at_processes(struct pa_surroundings *found, struct seen_list *seen)
{
	size_t denied = 0;
	DIR *folder = opendir("/proc");
	const struct dirent *entry;
	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			look_at_process(found, seen, entry->d_name, &denied);
	if (folder)
		closedir(folder);
	if (!folder || (denied > 0 && !may_see_all()))
		pa_surroundings_unseen(found, "the network namespaces of other users' processes: run as root");
}

/* --- kept by mounts -------------------------------------------------------------------------------------------------------- */

enum { CONNECTED = 0, NOT_CONNECTED = 1, NOT_SEEN = 2 };

/* In a child of its own, since a process that has entered a namespace does not come back without privileges. */
static int ask_child(const char *mount_point)
{
	int status = 0;
	pid_t child = fork();
	if (child == 0) {
		int file = open(mount_point, O_RDONLY | O_CLOEXEC);
		if (file < 0 || setns(file, CLONE_NEWNET) != 0)
			_exit(NOT_SEEN);
		_exit(is_connected("/proc/self/net") ? CONNECTED : NOT_CONNECTED);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : NOT_SEEN;
}

static void look_at_mount(struct pa_surroundings *found, struct seen_list *seen, const char *mount_point)
{
	struct stat information;
	const char *name = strrchr(mount_point, '/');
	if (stat(mount_point, &information) != 0 || !remember(seen, information.st_ino))
		return;
	switch (ask_child(mount_point)) {
	case CONNECTED:
		pa_surroundings_namespace(found, "%s",
					  strncmp(mount_point, "/run/netns/", strlen("/run/netns/")) == 0 ||
							  strncmp(mount_point, "/var/run/netns/", strlen("/var/run/netns/")) ==
								  0
						  ? pa_arena_printf(found->arena, "%s (ip netns)", name + 1)
						  : mount_point);
		return;
	case NOT_CONNECTED:
		return;
	default:
		pa_surroundings_unseen(found, "the network namespace %s", mount_point);
	}
}

/* proc(5): the fourth word of a line is "net:[4026531833]", the fifth the place; blanks are written as \040. */
static void look_at_mounts(struct pa_surroundings *found, struct seen_list *seen)
{
	char *line = NULL;
	size_t room = 0;
	FILE *file = fopen("/proc/self/mountinfo", "re");
	while (file && getline(&line, &room, file) > 0) {
		char *rest = NULL, *word = strtok_r(line, " ", &rest);
		for (unsigned i = 0; i < 3 && word; i++)
			word = strtok_r(NULL, " ", &rest);
		if (!word || strncmp(word, "net:[", 5) != 0)
			continue;
		word = strtok_r(NULL, " ", &rest);
		if (word)
			look_at_mount(found, seen, word);
	}
	free(line);
	if (file)
		fclose(file);
}

void pa_surroundings_read_namespaces(struct pa_surroundings *found)
{
	struct seen_list seen = { 0 };
	struct stat own;
	if (stat("/proc/self/ns/net", &own) != 0) {
		pa_surroundings_unseen(found, "network namespaces: %s", strerrordesc_np(errno));
		return;
	}
	remember(&seen, own.st_ino);
	look_at_processes(found, &seen);
	look_at_mounts(found, &seen);
	free(seen.items);
}
