/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may change what boot loads: files of rules and the folders above them. All paths are below `root` ("" on a live host), so that a
 * tree of a test serves as well.
 */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot.h"

/* Where distributions keep rules. */
static const char *const rule_files[] = {
	"/etc/nftables.conf",	    "/etc/nftables/*.nft",    "/etc/nftables.d/*",     "/etc/sysconfig/nftables.conf",
	"/etc/iptables/rules.v4",   "/etc/iptables/rules.v6", "/etc/iptables/*.rules", "/etc/sysconfig/iptables",
	"/etc/sysconfig/ip6tables", "/etc/ipset.conf",	      "/etc/ufw/*.rules",      "/etc/firewalld/*.conf",
	"/etc/firewalld/zones/*",
};

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
	pa_host_read_boot(host, root);
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
