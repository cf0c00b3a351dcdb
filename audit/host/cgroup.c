/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control groups: the path of an id, the systemd unit and the container that a path names. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "socket_read.h"

/* --- paths --------------------------------------------------------------------------------------------------- */

/* Where cgroup2 is mounted: /sys/fs/cgroup, or somewhere below it on hosts that have both versions. In the arena, or NULL. */
static const char *mount_point(struct pa_arena *arena)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	const char *found = NULL;
	char *line = NULL;
	size_t size = 0;
	while (file && !found && getline(&line, &size, file) >= 0) {
		char where[4096];
		/* 36 35 98:0 /root /mount/point options ... - type source options */
		const char *type = strstr(line, " - ");
		if (type && strncmp(type, " - cgroup2 ", 11) == 0 && sscanf(line, "%*s %*s %*s %*s %4095s", where) == 1)
			found = pa_arena_strdup(arena, where);
	}
	free(line);
	if (file)
		fclose(file);
	return found;
}

static void add_path(struct pa_cgroups *cgroups, uint64_t id, const char *path)
{
	pa_grow(&cgroups->paths, &cgroups->path_capacity, cgroups->path_count + 1, sizeof(*cgroups->paths));
	cgroups->paths[cgroups->path_count] = path;
	pa_number_map_put(&cgroups->ids, id, cgroups->path_count++);
}

#define DEPTH_MAX 64

/* All folders below one, which is open (and closed here). */
static void walk(struct pa_cgroups *cgroups, int folder, const char *path, unsigned depth)
{
	struct stat state;
	DIR *entries = fstat(folder, &state) == 0 ? fdopendir(folder) : NULL;
	if (!entries) {
		close(folder);
		return;
	}
	add_path(cgroups, state.st_ino, path[0] ? path : "/");
	const struct dirent *entry;
	while (depth < DEPTH_MAX && (entry = readdir(entries))) {
		if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		int below = openat(folder, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (below >= 0)
			walk(cgroups, below, pa_arena_printf(cgroups->arena, "%s/%s", path, entry->d_name), depth + 1);
	}
	closedir(entries);
}

void pa_cgroups_read(struct pa_cgroups *cgroups)
{
	cgroups->arena = pa_arena_new();
	const char *mount = mount_point(cgroups->arena);
	int folder = mount ? open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (folder >= 0)
		walk(cgroups, folder, "", 0);
}

const char *pa_cgroups_path(const struct pa_cgroups *cgroups, uint64_t id)
{
	size_t at;
	return pa_number_map_find(&cgroups->ids, id, &at) ? cgroups->paths[at] : NULL;
}

void pa_cgroups_done(struct pa_cgroups *cgroups)
{
	pa_number_map_done(&cgroups->ids);
	free(cgroups->paths);
	pa_arena_free(cgroups->arena);
	*cgroups = (struct pa_cgroups){ 0 };
}

/* --- what a path names --------------------------------------------------------------------------------------- */

/* One folder of a path. */
struct part {
	const char *text;
	size_t length;
};

/* The part before `end`, going from the last to the first; length 0: there are no more. */
static struct part part_before(const char *path, const char *end)
{
	while (end > path && end[-1] == '/')
		end--;
	const char *start = end;
	while (start > path && start[-1] != '/')
		start--;
	return (struct part){ start, (size_t)(end - start) };
}

static bool ends_with(struct part part, const char *end)
{
	size_t length = strlen(end);
	return part.length > length && memcmp(part.text + part.length - length, end, length) == 0;
}

static bool begins_with(struct part part, const char *start)
{
	size_t length = strlen(start);
	return part.length > length && memcmp(part.text, start, length) == 0;
}

/* systemd puts '_' before names that the kernel would take for its own files. */
const char *pa_cgroup_unit(const char *path, struct pa_arena *arena)
{
	static const char *const kinds[] = { ".service", ".socket", ".scope", ".mount", ".swap" };
	for (struct part part = part_before(path, path + strlen(path)); part.length; part = part_before(path, part.text)) {
		for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
			if (!ends_with(part, kinds[i]))
				continue;
			size_t skipped = part.text[0] == '_';
			return pa_arena_strndup(arena, part.text + skipped, part.length - skipped);
		}
	}
	return NULL;
}

/* The first 12 of 64 hexadecimal digits, as docker and podman show ids; false: these are none. */
static bool is_container_id(const char *text, size_t length)
{
	return length == 64 && strspn(text, "0123456789abcdef") >= 64;
}

/* Names that engines give: <prefix><id><suffix>, prefix behind the last ':' if there is one. */
static const char *container_of_name(struct part part, struct pa_arena *arena)
{
	static const struct {
		const char *prefix, *engine;
	} engines[] = { { "docker-", "docker" },
			{ "libpod-", "podman" },
			{ "cri-containerd-", "containerd" },
			{ "cri-containerd:", "containerd" },
			{ "crio-", "crio" },
			{ "nerdctl-", "containerd" } };
	for (size_t i = 0; i < sizeof(engines) / sizeof(*engines); i++) {
		const char *at = memmem(part.text, part.length, engines[i].prefix, strlen(engines[i].prefix));
		if (!at)
			continue;
		at += strlen(engines[i].prefix);
		size_t length = (size_t)(part.text + part.length - at);
		if (length > 6 && memcmp(at + length - 6, ".scope", 6) == 0)
			length -= 6;
		if (is_container_id(at, length))
			return pa_arena_printf(arena, "%s:%.12s", engines[i].engine, at);
	}
	if (begins_with(part, "lxc.payload."))
		return pa_arena_printf(arena, "lxc:%.*s", (int)part.length - 12, part.text + 12);
	if (begins_with(part, "machine-") && ends_with(part, ".scope"))
		return pa_arena_printf(arena, "machine:%.*s", (int)part.length - 14, part.text + 8);
	return NULL;
}

/* Ids and names that stand alone: the folder above tells whose they are. */
static const char *container_of_folder(struct part above, struct part part, struct pa_arena *arena)
{
	static const struct {
		const char *folder, *engine;
	} engines[] = { { "docker", "docker" }, { "libpod_parent", "podman" }, { "lxc", "lxc" }, { "lxc.payload", "lxc" } };
	for (size_t i = 0; i < sizeof(engines) / sizeof(*engines); i++) {
		if (above.length != strlen(engines[i].folder) || memcmp(above.text, engines[i].folder, above.length) != 0)
			continue;
		if (is_container_id(part.text, part.length))
			return pa_arena_printf(arena, "%s:%.12s", engines[i].engine, part.text);
		if (strcmp(engines[i].engine, "lxc") == 0)
			return pa_arena_printf(arena, "lxc:%.*s", (int)part.length, part.text);
	}
	if (is_container_id(part.text, part.length) && begins_with(above, "pod"))
		return pa_arena_printf(arena, "kube:%.12s", part.text);
	return NULL;
}

const char *pa_cgroup_container(const char *path, struct pa_arena *arena)
{
	struct part part = part_before(path, path + strlen(path));
	while (part.length) {
		struct part above = part_before(path, part.text);
		const char *container = container_of_name(part, arena);
		if (!container)
			container = container_of_folder(above, part, arena);
		if (container)
			return container;
		part = above;
	}
	return NULL;
}
