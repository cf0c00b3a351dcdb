/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which services boot starts, and which of them load rules. One question, asked in one place: links in the folders of systemd, SysV and
 * OpenRC. All paths are below `root` ("" on a live host), so that a tree of a test serves as well.
 */
#include "boot.h"

#include <ctype.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Units are links in folders of this kind; a service that is started by another one's is started, too. */
static const char *const enabled_units[] = { "/etc/systemd/system/*.wants/*.service",
					     "/etc/systemd/system/*.requires/*.service",
					     "/usr/lib/systemd/system/*.wants/*.service", "/etc/rc[2345S].d/S*",
					     "/etc/runlevels/*/*" };

/* What a program that loads rules is called, in the name of a unit or in its ExecStart=. */
static const char *const loaders[] = { "nft",	   "iptables", "ip6tables",    "netfilter-persistent",
				       "ufw-init", "ufw",      "firewalld",    "shorewall",
				       "ferm",	   "firehol",  "pve-firewall", "proxmox-firewall",
				       "/csf" };

/* Scripts that boot runs. */
static const char *const scripts[] = { "/etc/rc.local", "/etc/network/if-pre-up.d/*tables*", "/etc/network/if-up.d/*tables*",
				       "/etc/local.d/*.start" };

static void find_paths(const char *root, const char *pattern, glob_t *paths)
{
	char whole[PATH_MAX];
	snprintf(whole, sizeof(whole), "%s%s", root, pattern);
	if (glob(whole, 0, NULL, paths) != 0)
		paths->gl_pathc = 0;
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

/* --- what a unit is ------------------------------------------------------------------------------------------------------ */

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

/* `systemctl mask` puts a link to /dev/null where a unit of the administrator would be. */
static bool is_masked(const char *root, const char *name)
{
	char path[PATH_MAX], target[16];
	snprintf(path, sizeof(path), "%s/etc/systemd/system/%s.service", root, name);
	ssize_t length = readlink(path, target, sizeof(target));
	return length == (ssize_t)strlen("/dev/null") && memcmp(target, "/dev/null", (size_t)length) == 0;
}

/* --- ufw -------------------------------------------------------------------------------------------------------------------- */

/*
 * The value that a line of a shell's file gives to ENABLED, without its quotes; NULL: it gives none. What a shell would have to work out
 * ("$1", `...`) is told as it stands.
 */
static const char *enabled_value(char *line)
{
	char *at = line + strspn(line, " \t");
	if (strncmp(at, "export", strlen("export")) == 0 && isblank((unsigned char)at[strlen("export")]))
		at += strlen("export") + strspn(at + strlen("export"), " \t");
	if (strncmp(at, "ENABLED=", strlen("ENABLED=")) != 0)
		return NULL;
	at += strlen("ENABLED=");
	bool quoted = *at == '"' || *at == '\'';
	const char end[] = { quoted ? *at : ' ', '\0' };
	at += quoted;
	at[strcspn(at, quoted ? end : " \t\r\n;#")] = '\0';
	return at;
}

/*
 * ufw is started by its unit on every boot, and loads nothing unless it is enabled: ufw-init reads ufw.conf as a shell does (the last line
 * counts) and asks for "yes" or "YES". Without the file it does nothing.
 */
static enum pa_tristate is_idle_ufw(const char *root)
{
	char path[PATH_MAX], line[1024];
	enum pa_tristate idle = PA_YES;
	snprintf(path, sizeof(path), "%s/etc/ufw/ufw.conf", root);
	FILE *file = fopen(path, "re");
	if (!file)
		return access(path, F_OK) == 0 ? PA_UNKNOWN : PA_YES;
	while (fgets(line, sizeof(line), file)) {
		const char *value = enabled_value(line);
		if (!value)
			continue;
		idle = strcmp(value, "yes") == 0 || strcmp(value, "YES") == 0 ? PA_NO : PA_YES;
		if (strpbrk(value, "$`\\"))
			idle = PA_UNKNOWN;
	}
	fclose(file);
	return idle;
}

/* --- the services --------------------------------------------------------------------------------------------------------------- */

/* "nftables" of ".../nftables.service", "/etc/rc2.d/S01nftables" and "/etc/runlevels/default/nftables". */
static const char *service_name(const char *path, struct pa_arena *arena)
{
	const char *name = strrchr(path, '/') + 1;
	size_t length = strlen(name), suffix = strlen(".service");
	if (strstr(path, "/rc") && name[0] == 'S' && isdigit((unsigned char)name[1])) {
		name += 1 + strspn(name + 1, "0123456789");
		return pa_arena_strdup(arena, name);
	}
	if (length > suffix && strcmp(name + length - suffix, ".service") == 0)
		length -= suffix;
	return pa_arena_strndup(arena, name, length);
}

static void add_service(struct pa_boot *boot, const char *root, const char *path, struct pa_arena *arena)
{
	const char *name = service_name(path, arena);
	for (size_t i = 0; i < boot->count; i++)
		if (strcmp(boot->services[i].name, name) == 0)
			return;
	if (is_masked(root, name))
		return;
	bool loads = is_loader(name) || starts_loader(path);
	pa_grow(&boot->services, &boot->capacity, boot->count + 1, sizeof(*boot->services));
	boot->services[boot->count++] = (struct pa_boot_service){
		.name = name, .loads = loads, .idle = loads && strstr(name, "ufw") ? is_idle_ufw(root) : PA_NO
	};
}

void pa_boot_read(const char *root, struct pa_arena *arena, struct pa_boot *ret_boot)
{
	*ret_boot = (struct pa_boot){ 0 };
	for (size_t i = 0; i < sizeof(enabled_units) / sizeof(*enabled_units); i++) {
		glob_t paths = { 0 };
		find_paths(root, enabled_units[i], &paths);
		for (size_t j = 0; j < paths.gl_pathc; j++)
			add_service(ret_boot, root, paths.gl_pathv[j], arena);
		globfree(&paths);
	}
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts) && !ret_boot->scripts; i++)
		ret_boot->scripts = is_executable(root, scripts[i]);
}

void pa_boot_done(struct pa_boot *boot)
{
	free(boot->services);
	*boot = (struct pa_boot){ 0 };
}

/* UNKNOWN: scripts that nobody can look into may load rules, or this host is started in another way. */
void pa_host_read_boot(struct pa_host *host, const char *root)
{
	struct pa_boot boot;
	pa_boot_read(root, host->arena, &boot);
	host->loads_at_boot = boot.count == 0 || boot.scripts ? PA_UNKNOWN : PA_NO;
	host->boot_loaders = pa_arena_alloc(host->arena, boot.count + 1, sizeof(*host->boot_loaders));
	host->boot_loader_count = 0;
	for (size_t i = 0; i < boot.count; i++) {
		const struct pa_boot_service *service = &boot.services[i];
		if (!service->loads || service->idle == PA_YES)
			continue;
		if (service->idle == PA_NO)
			host->boot_loaders[host->boot_loader_count++] = service->name;
		else if (host->loads_at_boot == PA_NO)
			host->loads_at_boot = PA_UNKNOWN;
	}
	if (host->boot_loader_count > 0)
		host->loads_at_boot = PA_YES;
	pa_boot_done(&boot);
}

bool pa_host_starts_at_boot(const char *service)
{
	struct pa_arena *arena = pa_arena_new();
	struct pa_boot boot;
	bool found = false;
	pa_boot_read("", arena, &boot);
	for (size_t i = 0; i < boot.count && !found; i++)
		found = strcmp(boot.services[i].name, service) == 0 && boot.services[i].idle != PA_YES;
	pa_boot_done(&boot);
	pa_arena_free(arena);
	return found;
}
