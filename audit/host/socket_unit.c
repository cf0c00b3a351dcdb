/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * systemd.socket(5): which .socket unit listens to a port, which service it starts, and what that service is. Only unit files are read.
 */
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

/* What is of use in the section [Socket] or [Service]. */
struct unit {
	struct pa_arena *arena;
	const char *section;
	bool has_file;
	/* [Socket] */
	bool accepts;	      /* Accept=yes: an instance of a template for each connection */
	const char *service;  /* Service=, or NULL */
	unsigned stream;      /* the protocol of ListenStream=: SocketProtocol= may change it */
	unsigned datagram;    /* of ListenDatagram= */
	unsigned stream_port; /* the port that is asked for, when one of these names it; or 0 */
	unsigned datagram_port;
	unsigned port;
	/* [Service] */
	const char *executable; /* the first program of ExecStart=, or NULL */
	const char *user;	/* User=, or NULL */
	bool dynamic_user;
};

/* The port of "22", "0.0.0.0:22", "[::]:22", "[fe80::1]:631%eth0"; 0: it is a path or the like. */
static unsigned port_of(const char *value)
{
	const char *colon = strrchr(value, ':'), *digits = colon ? colon + 1 : value;
	size_t length = strspn(digits, "0123456789");
	if (length == 0 || length > 5 || (digits[length] != '\0' && digits[length] != '%'))
		return 0;
	return (unsigned)strtoul(digits, NULL, 10);
}

/* An empty assignment forgets the earlier ones. */
static void take_listen(const struct unit *unit, unsigned *port, const char *value)
{
	if (value[0] == '\0')
		*port = 0;
	else if (port_of(value) == unit->port)
		*port = unit->port;
}

static bool is_true(const char *value)
{
	static const char *const words[] = { "1", "yes", "y", "true", "t", "on" };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(value, words[i]) == 0)
			return true;
	return false;
}

static void take_protocol(struct unit *unit, const char *value)
{
	unit->stream = strcmp(value, "sctp") == 0 ? IPPROTO_SCTP : IPPROTO_TCP;
	unit->datagram = strcmp(value, "udplite") == 0 ? IPPROTO_UDPLITE : IPPROTO_UDP;
}

static void take_socket_setting(struct unit *unit, const char *name, const char *value)
{
	if (strcmp(name, "ListenStream") == 0)
		take_listen(unit, &unit->stream_port, value);
	else if (strcmp(name, "ListenDatagram") == 0)
		take_listen(unit, &unit->datagram_port, value);
	else if (strcmp(name, "SocketProtocol") == 0)
		take_protocol(unit, value);
	else if (strcmp(name, "Service") == 0)
		unit->service = value[0] ? pa_arena_strdup(unit->arena, value) : NULL;
	else if (strcmp(name, "Accept") == 0)
		unit->accepts = is_true(value);
}

/* The path of a program without the signs before it (systemd.service(5), "Special executable prefixes"). */
static void take_program(struct unit *unit, const char *value)
{
	if (value[0] == '\0')
		unit->executable = NULL;
	value += strspn(value, "@-:+!|");
	if (value[0] == '/' && !unit->executable)
		unit->executable = pa_arena_strndup(unit->arena, value, strcspn(value, " \t"));
}

static void take_service_setting(struct unit *unit, const char *name, const char *value)
{
	if (strcmp(name, "ExecStart") == 0)
		take_program(unit, value);
	else if (strcmp(name, "User") == 0)
		unit->user = value[0] ? pa_arena_strdup(unit->arena, value) : NULL;
	else if (strcmp(name, "DynamicUser") == 0)
		unit->dynamic_user = is_true(value);
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

static void read_unit_file(struct unit *unit, const char *path)
{
	FILE *file = fopen(path, "re");
	char *buffer = NULL;
	size_t size = 0;
	bool in_section = false, is_socket = strcmp(unit->section, "[Socket]") == 0;
	if (!file)
		return;
	unit->has_file = true;
	while (getline(&buffer, &size, file) >= 0) {
		char *line = trimmed(buffer), *equals = strchr(line, '=');
		if (line[0] == '[')
			in_section = strcmp(line, unit->section) == 0;
		if (!in_section || !equals || line[0] == '#' || line[0] == ';')
			continue;
		*equals = '\0';
		if (is_socket)
			take_socket_setting(unit, trimmed(line), trimmed(equals + 1));
		else
			take_service_setting(unit, trimmed(line), trimmed(equals + 1));
	}
	free(buffer);
	fclose(file);
}

static int is_configuration(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);
	return length > 5 && strcmp(entry->d_name + length - 5, ".conf") == 0;
}

/* Files that add to a unit, each name once. */
struct additions {
	const char **names, **paths;
	size_t count, capacity, path_capacity;
};

/* In the order of their names, wherever they are; of one name the first folder's counts. */
static void add_addition(struct additions *additions, const char *name, const char *path)
{
	size_t at = 0;
	while (at < additions->count && strcmp(additions->names[at], name) < 0)
		at++;
	if (at < additions->count && strcmp(additions->names[at], name) == 0)
		return;
	pa_grow(&additions->names, &additions->capacity, additions->count + 1, sizeof(const char *));
	pa_grow(&additions->paths, &additions->path_capacity, additions->count + 1, sizeof(const char *));
	memmove(&additions->names[at + 1], &additions->names[at], (additions->count - at) * sizeof(const char *));
	memmove(&additions->paths[at + 1], &additions->paths[at], (additions->count - at) * sizeof(const char *));
	additions->names[at] = name;
	additions->paths[at] = path;
	additions->count++;
}

/* The files of NAME.d, of all folders: what they set comes after the unit file. */
static void read_additions(struct unit *unit, const char *const *folders, const char *name)
{
	struct additions additions = { 0 };
	for (size_t i = 0; folders[i]; i++) {
		const char *folder = pa_arena_printf(unit->arena, "%s/%s.d", folders[i], name);
		struct dirent **entries;
		int count = scandir(folder, &entries, is_configuration, alphasort);
		for (int e = 0; e < count; e++) {
			add_addition(&additions, pa_arena_strdup(unit->arena, entries[e]->d_name),
				     pa_arena_printf(unit->arena, "%s/%s", folder, entries[e]->d_name));
			free(entries[e]);
		}
		if (count >= 0)
			free(entries);
	}
	for (size_t i = 0; i < additions.count; i++)
		read_unit_file(unit, additions.paths[i]);
	free(additions.names);
	free(additions.paths);
}

static struct unit read_unit(const char *const *folders, const char *name, const char *section, unsigned port,
			     struct pa_arena *arena)
{
	struct unit unit = { .arena = arena, .section = section, .port = port };
	unit.stream = IPPROTO_TCP;
	unit.datagram = IPPROTO_UDP;
	for (size_t i = 0; folders[i] && !unit.has_file; i++)
		read_unit_file(&unit, pa_arena_printf(arena, "%s/%s", folders[i], name));
	read_additions(&unit, folders, name);
	return unit;
}

static bool listens(const struct unit *unit, unsigned protocol, unsigned port)
{
	return port != 0 && ((unit->stream == protocol && unit->stream_port == port) ||
			     (unit->datagram == protocol && unit->datagram_port == port));
}

/* The path behind links: one unit may have several names, and /bin may be /usr/bin. In the arena. */
static const char *real_path(const char *path, struct pa_arena *arena)
{
	char *real = realpath(path, NULL);
	const char *copy = pa_arena_strdup(arena, real ? real : path);
	free(real);
	return copy;
}

void pa_socket_unit_program(const char *const *folders, const char *service, struct pa_arena *arena,
			    const char **ret_executable, const char **ret_user)
{
	*ret_executable = *ret_user = NULL;
	if (strchr(service, '/'))
		return;
	struct unit unit = read_unit(folders ? folders : system_folders, service, "[Service]", 0, arena);
	*ret_executable = unit.executable ? real_path(unit.executable, arena) : NULL;
	if (unit.has_file && !unit.dynamic_user)
		*ret_user = unit.user ? unit.user : "root";
}

const char *pa_socket_unit_service(const char *const *folders, const char *unit_name, struct pa_arena *arena)
{
	size_t length = strlen(unit_name);
	if (length <= 7 || strcmp(unit_name + length - 7, ".socket") != 0 || strchr(unit_name, '/'))
		return NULL;
	struct unit unit = read_unit(folders ? folders : system_folders, unit_name, "[Socket]", 0, arena);
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
			if (is_hidden(folders, i, name, arena))
				continue;
			struct unit unit = read_unit(folders, name, "[Socket]", port, arena);
			if (!listens(&unit, protocol, port))
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
