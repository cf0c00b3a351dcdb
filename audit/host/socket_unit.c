/* SPDX-License-Identifier: GPL-2.0-or-later */
/* systemd.socket(5): which .socket unit listens to a port, and which service it starts. Only unit files are read. */
#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "socket_read.h"

/* systemd.unit(5), those of the system manager; the first file of a name counts. */
static const char *const system_folders[] = { "/etc/systemd/system",	     "/run/systemd/system",
					      "/run/systemd/generator",	     "/usr/local/lib/systemd/system",
					      "/usr/lib/systemd/system",     "/lib/systemd/system",
					      "/run/systemd/generator.late", NULL };

/* What is of use in the section [Socket]. */
struct socket_unit {
	struct pa_arena *arena;
	bool accepts;	     /* Accept=yes: an instance of a template for each connection */
	const char *service; /* Service=, or NULL */
	unsigned protocol, port;
	bool listens; /* to protocol and port */
	bool has_file;
};

/* The port of "22", "0.0.0.0:22", "[::]:22", "127.0.0.1:631"; 0: it is a path or the like. */
static unsigned port_of(const char *value)
{
	const char *colon = strrchr(value, ':'), *digits = colon ? colon + 1 : value;
	size_t length = strspn(digits, "0123456789");
	if (length == 0 || length > 5 || digits[length] != '\0')
		return 0;
	return (unsigned)strtoul(digits, NULL, 10);
}

static void take_listen(struct socket_unit *unit, unsigned protocol, const char *value)
{
	if (value[0] == '\0')
		unit->listens = false; /* an empty assignment forgets the earlier ones */
	else if (protocol == unit->protocol && port_of(value) == unit->port)
		unit->listens = true;
}

static void take_setting(struct socket_unit *unit, const char *name, const char *value)
{
	if (strcmp(name, "ListenStream") == 0)
		take_listen(unit, IPPROTO_TCP, value);
	else if (strcmp(name, "ListenDatagram") == 0)
		take_listen(unit, IPPROTO_UDP, value);
	else if (strcmp(name, "Service") == 0)
		unit->service = value[0] ? pa_arena_strdup(unit->arena, value) : NULL;
	else if (strcmp(name, "Accept") == 0)
		unit->accepts = strcasecmp(value, "yes") == 0 || strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0 ||
				strcasecmp(value, "on") == 0;
}

/* Cut the blanks at both ends of a line off, in place. */
static char *trimmed(char *line)
{
	line += strspn(line, " \t");
	size_t length = strlen(line);
	while (length > 0 && strchr(" \t\r\n", line[length - 1]))
		line[--length] = '\0';
	return line;
}

static void read_unit_file(struct socket_unit *unit, const char *path)
{
	FILE *file = fopen(path, "re");
	char *buffer = NULL;
	size_t size = 0;
	bool in_section = false;
	if (!file)
		return;
	unit->has_file = true;
	while (getline(&buffer, &size, file) >= 0) {
		char *line = trimmed(buffer), *equals = strchr(line, '=');
		if (line[0] == '[')
			in_section = strcmp(line, "[Socket]") == 0;
		if (!in_section || !equals || line[0] == '#' || line[0] == ';')
			continue;
		*equals = '\0';
		take_setting(unit, trimmed(line), trimmed(equals + 1));
	}
	free(buffer);
	fclose(file);
}

static int is_configuration(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);
	return length > 5 && strcmp(entry->d_name + length - 5, ".conf") == 0;
}

/* The files of NAME.socket.d, of all folders: what they set comes after the unit file. */
static void read_additions(struct socket_unit *unit, const char *const *folders, const char *name)
{
	for (size_t i = 0; folders[i]; i++) {
		const char *path = pa_arena_printf(unit->arena, "%s/%s.d", folders[i], name);
		struct dirent **entries;
		int count = scandir(path, &entries, is_configuration, alphasort);
		for (int e = 0; e < count; e++) {
			read_unit_file(unit, pa_arena_printf(unit->arena, "%s/%s", path, entries[e]->d_name));
			free(entries[e]);
		}
		if (count >= 0)
			free(entries);
	}
}

static struct socket_unit read_unit(const char *const *folders, const char *name, unsigned protocol, unsigned port,
				    struct pa_arena *arena)
{
	struct socket_unit unit = { .arena = arena, .protocol = protocol, .port = port };
	for (size_t i = 0; folders[i] && !unit.has_file; i++)
		read_unit_file(&unit, pa_arena_printf(arena, "%s/%s", folders[i], name));
	read_additions(&unit, folders, name);
	return unit;
}

const char *pa_socket_unit_service(const char *const *folders, const char *unit_name, struct pa_arena *arena)
{
	size_t length = strlen(unit_name);
	if (length <= 7 || strcmp(unit_name + length - 7, ".socket") != 0 || strchr(unit_name, '/'))
		return NULL;
	struct socket_unit unit = read_unit(folders ? folders : system_folders, unit_name, 0, 0, arena);
	if (!unit.has_file)
		return NULL;
	if (unit.service)
		return unit.service;
	return pa_arena_printf(arena, "%.*s%s.service", (int)length - 7, unit_name, unit.accepts ? "@" : "");
}

static int is_socket_unit(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);
	return length > 7 && strcmp(entry->d_name + length - 7, ".socket") == 0;
}

/* The path behind links: one unit may have several names. In the arena. */
static const char *real_path(const char *path, struct pa_arena *arena)
{
	char *real = realpath(path, NULL);
	const char *copy = pa_arena_strdup(arena, real ? real : path);
	free(real);
	return copy;
}

static bool is_hidden(const char *const *folders, size_t folder, const char *name, struct pa_arena *arena)
{
	for (size_t i = 0; i < folder; i++) {
		FILE *file = fopen(pa_arena_printf(arena, "%s/%s", folders[i], name), "re");
		if (!file)
			continue;
		fclose(file);
		return true;
	}
	return false;
}

const char *pa_socket_unit_find(const char *const *folders, unsigned protocol, unsigned port, struct pa_arena *arena)
{
	const char *found = NULL, *found_path = NULL;
	bool several = false;
	folders = folders ? folders : system_folders;
	for (size_t i = 0; folders[i]; i++) {
		struct dirent **entries;
		int count = scandir(folders[i], &entries, is_socket_unit, alphasort);
		for (int e = 0; e < count; e++) {
			const char *name = pa_arena_strdup(arena, entries[e]->d_name);
			free(entries[e]);
			if (is_hidden(folders, i, name, arena) || !read_unit(folders, name, protocol, port, arena).listens)
				continue;
			const char *path = real_path(pa_arena_printf(arena, "%s/%s", folders[i], name), arena);
			several = several || (found && strcmp(path, found_path) != 0);
			if (!found || strcmp(strrchr(path, '/') + 1, name) == 0) {
				found = name;
				found_path = path;
			}
		}
		if (count >= 0)
			free(entries);
	}
	return several ? NULL : found;
}
