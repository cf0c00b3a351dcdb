/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the next boot loads, and who may change it: files of rules, and the units of systemd, SysV and OpenRC that are enabled. All paths
 * are below `root` ("" on a live host), so that a tree of a test serves as well.
 */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "surroundings.h"

/* Where distributions keep rules. */
static const char *const rule_files[] = {
	"/etc/nftables.conf",	    "/etc/nftables/*.nft",    "/etc/nftables.d/*",     "/etc/sysconfig/nftables.conf",
	"/etc/iptables/rules.v4",   "/etc/iptables/rules.v6", "/etc/iptables/*.rules", "/etc/sysconfig/iptables",
	"/etc/sysconfig/ip6tables", "/etc/ipset.conf",	      "/etc/ufw/*.rules",      "/etc/firewalld/*.conf",
	"/etc/firewalld/zones/*",
};

/* Units are links in folders of this kind; a service that is started by another one's is started, too. */
static const char *const enabled_units[] = { "/etc/systemd/system/*.wants/*.service",
					     "/etc/systemd/system/*.requires/*.service",
					     "/usr/lib/systemd/system/*.wants/*.service", "/etc/rc[2345S].d/S*",
					     "/etc/runlevels/*/*" };

/* What a program that loads rules is called, in the name of a unit or in its ExecStart=. */
static const char *const loaders[] = { "nft",  "iptables", "netfilter-persistent", "ufw-init", "ufw", "firewalld", "shorewall",
				       "ferm", "firehol" };

static void find_paths(const char *root, const char *pattern, glob_t *paths)
{
	char whole[PATH_MAX];
	snprintf(whole, sizeof(whole), "%s%s", root, pattern);
	if (glob(whole, 0, NULL, paths) != 0)
		paths->gl_pathc = 0;
}

/* --- who may change a file ------------------------------------------------------------------------------------------------ */

/* A name for who may write besides root, or NULL. In a folder with the sticky bit nobody renames the files of others. */
static const char *writer_of(struct pa_arena *arena, const struct stat *information)
{
	bool sticky = S_ISDIR(information->st_mode) && information->st_mode & S_ISVTX;
	if (information->st_uid != 0)
		return pa_arena_printf(arena, "its owner, user %u", (unsigned)information->st_uid);
	if (information->st_mode & S_IWOTH && !sticky)
		return "everybody";
	if (information->st_mode & S_IWGRP && information->st_gid != 0 && !sticky)
		return pa_arena_printf(arena, "group %u", (unsigned)information->st_gid);
	return NULL;
}

/* The file and every folder that leads to it, up to the root. */
static const char *find_writer(struct pa_arena *arena, const char *root, char *path)
{
	struct stat information;
	size_t stop = strlen(root);
	const char *writer = NULL;
	for (;;) {
		if (stat(path[0] ? path : "/", &information) != 0)
			return NULL;
		writer = writer_of(arena, &information);
		if (writer)
			return pa_arena_printf(arena, "%s may be written by %s", path[0] ? path : "/", writer);
		char *slash = strrchr(path, '/');
		if (!slash || (size_t)(slash - path) < stop || path[0] == '\0' || strlen(path) <= stop)
			return NULL;
		*slash = '\0';
	}
}

void pa_host_check_file(struct pa_host *host, const char *root, const char *path)
{
	char *resolved = realpath(path, NULL);
	const char *problem = resolved ? find_writer(host->arena, root, resolved) : NULL;
	free(resolved);
	for (size_t i = 0; problem && i < host->loose_file_count; i++)
		if (strcmp(host->loose_files[i], problem) == 0)
			return;
	if (!problem)
		return;
	const char **longer = pa_arena_alloc(host->arena, host->loose_file_count + 1, sizeof(*longer));
	if (host->loose_file_count)
		memcpy(longer, host->loose_files, host->loose_file_count * sizeof(*longer));
	longer[host->loose_file_count++] = problem;
	host->loose_files = longer;
}

/* --- what boot starts --------------------------------------------------------------------------------------------------------- */

static bool is_loader(const char *text)
{
	for (size_t i = 0; i < sizeof(loaders) / sizeof(*loaders); i++)
		if (strstr(text, loaders[i]))
			return true;
	return false;
}

/* A unit of another name that starts a program which loads rules. */
static bool starts_loader(const char *path)
{
	char line[512];
	bool found = false;
	FILE *file = fopen(path, "re");
	while (file && !found && fgets(line, sizeof(line), file))
		found = strncmp(line, "ExecStart", strlen("ExecStart")) == 0 && is_loader(line);
	if (file)
		fclose(file);
	return found;
}

static bool is_executable(const char *root, const char *pattern)
{
	glob_t paths = { 0 };
	bool found = false;
	find_paths(root, pattern, &paths);
	for (size_t i = 0; i < paths.gl_pathc && !found; i++)
		found = access(paths.gl_pathv[i], X_OK) == 0;
	globfree(&paths);
	return found;
}

/* ufw is started by its unit on every boot, and does nothing unless it is enabled. */
static bool is_idle_ufw(const char *root, const char *name)
{
	char path[PATH_MAX], line[256];
	bool enabled = false;
	if (!strstr(name, "ufw"))
		return false;
	snprintf(path, sizeof(path), "%s/etc/ufw/ufw.conf", root);
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		enabled = enabled || strncmp(line, "ENABLED=yes", strlen("ENABLED=yes")) == 0;
	if (file)
		fclose(file);
	return !enabled;
}

/* UNKNOWN: scripts that nobody can look into may load rules, or this host is started in another way. */
static enum pa_tristate loads_at_boot(const char *root)
{
	enum pa_tristate answer = PA_UNKNOWN;
	for (size_t i = 0; i < sizeof(enabled_units) / sizeof(*enabled_units) && answer != PA_YES; i++) {
		glob_t paths = { 0 };
		find_paths(root, enabled_units[i], &paths);
		if (paths.gl_pathc > 0)
			answer = PA_NO;
		for (size_t j = 0; j < paths.gl_pathc && answer != PA_YES; j++) {
			const char *name = strrchr(paths.gl_pathv[j], '/') + 1;
			if ((is_loader(name) || starts_loader(paths.gl_pathv[j])) && !is_idle_ufw(root, name))
				answer = PA_YES;
		}
		globfree(&paths);
	}
	if (answer == PA_NO &&
	    (is_executable(root, "/etc/rc.local") || is_executable(root, "/etc/network/if-pre-up.d/*tables*") ||
	     is_executable(root, "/etc/network/if-up.d/*tables*") || is_executable(root, "/etc/local.d/*.start")))
		answer = PA_UNKNOWN;
	return answer;
}

bool pa_host_starts_at_boot(const char *service)
{
	static const char *const places[][2] = { { "/etc/systemd/system/*.wants/", ".service" },
						 { "/etc/rc[2345].d/S[0-9][0-9]", "" } };
	bool found = false;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !found; i++) {
		struct pa_buffer pattern = { 0 };
		glob_t paths = { 0 };
		pa_buffer_printf(&pattern, "%s%s%s", places[i][0], service, places[i][1]);
		found = glob(pattern.data, 0, NULL, &paths) == 0 && paths.gl_pathc > 0;
		globfree(&paths);
		pa_buffer_done(&pattern);
	}
	return found;
}

/* --- the whole ------------------------------------------------------------------------------------------------------------------ */

/* kthreadd, which is in the namespace that the kernel started with, stands in for process 1 where that one is hidden. */
static bool is_kernel_thread_daemon(void)
{
	char name[32] = "";
	FILE *file = fopen("/proc/2/comm", "re");
	if (!file)
		return false;
	bool read = fgets(name, sizeof(name), file) != NULL;
	fclose(file);
	return read && strcmp(name, "kthreadd\n") == 0;
}

enum pa_tristate pa_host_in_first_namespace(void)
{
	struct stat own, first;
	if (stat("/proc/self/ns/net", &own) != 0)
		return PA_UNKNOWN;
	if (stat("/proc/1/ns/net", &first) != 0 && !(is_kernel_thread_daemon() && stat("/proc/2/ns/net", &first) == 0))
		return PA_UNKNOWN;
	return own.st_ino == first.st_ino ? PA_YES : PA_NO;
}

void pa_host_read_files_below(struct pa_host *host, const char *root)
{
	host->files_known = true;
	host->loads_at_boot = loads_at_boot(root);
	for (size_t i = 0; i < sizeof(rule_files) / sizeof(*rule_files); i++) {
		glob_t paths = { 0 };
		find_paths(root, rule_files[i], &paths);
		for (size_t j = 0; j < paths.gl_pathc; j++)
			pa_host_check_file(host, root, paths.gl_pathv[j]);
		globfree(&paths);
	}
}

void pa_host_read_files(struct pa_host *host)
{
	if (pa_host_in_first_namespace() == PA_YES)
		pa_host_read_files_below(host, "");
}
