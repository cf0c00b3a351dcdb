/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of the kernel under /proc/sys/net: those of the network namespace of the process that reads. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "read.h"

/* The numbers at the beginning of a file, at most `most`; returns how many there are. */
static size_t read_numbers(const char *path, long *numbers, size_t most)
{
	char line[128];
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	const char *rest = fgets(line, sizeof(line), file);
	fclose(file);
	size_t count = 0;
	while (rest && count < most) {
		char *end;
		errno = 0;
		numbers[count] = strtol(rest, &end, 10);
		if (end == rest || errno != 0)
			break;
		count++;
		rest = end;
	}
	return count;
}

/* Is the setting that a file holds other than 0? */
static enum pa_tristate read_switch(const char *path)
{
	long value;
	if (read_numbers(path, &value, 1) != 1)
		return PA_UNKNOWN;
	return value != 0 ? PA_YES : PA_NO;
}

/* What one of several switches decides: one YES is enough, NO needs them all. */
static enum pa_tristate any_of(enum pa_tristate a, enum pa_tristate b)
{
	if (a == PA_YES || b == PA_YES)
		return PA_YES;
	return a == PA_UNKNOWN || b == PA_UNKNOWN ? PA_UNKNOWN : PA_NO;
}

/*
 * A setting of the interfaces, /proc/sys/net/<family>/conf/<interface>/<name>: is it on for any of them or for "all"?
 * "default" is for interfaces to come. No such file: the kernel does not know the setting, or the interface went away.
 */
static enum pa_tristate read_interface_switch(const char *family, const char *name)
{
	char path[512];
	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf", family);
	DIR *folder = opendir(path);
	if (!folder)
		return PA_UNKNOWN;
	enum pa_tristate answer = PA_NO;
	const struct dirent *entry;
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "default") == 0)
			continue;
		snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, entry->d_name, name);
		if (access(path, F_OK) == 0 || errno != ENOENT)
			answer = any_of(answer, read_switch(path));
	}
	closedir(folder);
	return answer;
}

/*
 * IPv4: ip_forward is conf/all/forwarding, but each interface's own setting decides (net/ipv4/route.c, ip_route_input_slow).
 */
static enum pa_tristate forward_ipv4(void)
{
	return any_of(read_switch("/proc/sys/net/ipv4/ip_forward"), read_interface_switch("ipv4", "forwarding"));
}

/*
 * IPv6: conf/all/forwarding decides alone (net/ipv6/ip6_output.c, ip6_forward), since Linux 6.17 an interface's
 * force_forwarding too. Without IPv6 in the kernel nothing is forwarded.
 */
static enum pa_tristate forward_ipv6(void)
{
	if (access("/proc/sys/net/ipv6", F_OK) != 0 && errno == ENOENT && access("/proc/sys/net/ipv4", F_OK) == 0)
		return PA_NO;
	return any_of(read_switch("/proc/sys/net/ipv6/conf/all/forwarding"), read_interface_switch("ipv6", "force_forwarding"));
}

bool pa_port_list_parse(const char *text, struct pa_arena *arena, struct pa_interval **ret_ports, size_t *ret_count)
{
	size_t most = 1, count = 0;
	for (const char *comma = text; (comma = strchr(comma, ',')); comma++)
		most++;
	struct pa_interval *ports = pa_arena_alloc(arena, most, sizeof(*ports));
	const char *at = text + strspn(text, " \t\n");
	while (*at) {
		char *end;
		unsigned long first = strtoul(at, &end, 10), last = first;
		if (end == at || count == most)
			return false;
		if (*end == '-') {
			at = end + 1;
			last = strtoul(at, &end, 10);
		}
		if (end == at || first > last || last > 65535)
			return false;
		ports[count++] = (struct pa_interval){ first, last };
		end += strspn(end, " \t\n");
		if (*end && *end != ',')
			return false;
		at = *end ? end + 1 : end;
	}
	*ret_ports = ports;
	*ret_count = count;
	return true;
}

/*
 * A list as in ip_local_reserved_ports: "22,8000-8080", sorted by the kernel; a line that is empty is an empty list. A whole
 * list is as long as the ports that it names.
 */
static void read_reserved_ports(struct pa_host *host, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	if (!file)
		return;
	ssize_t length = getline(&line, &size, file);
	fclose(file);
	if (length >= 0)
		host->reserved_ports_known =
			pa_port_list_parse(line, host->arena, &host->reserved_ports, &host->reserved_port_count);
	free(line);
}

/* A number that a file holds; false: none, *ret_missing: because there is no such file. */
static bool read_setting(const char *interface, const char *name, unsigned *ret_value, bool *ret_missing)
{
	char path[512];
	long value;
	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/%s", interface, name);
	*ret_missing = access(path, F_OK) != 0 && errno == ENOENT;
	if (read_numbers(path, &value, 1) != 1 || value < 0 || value > INT_MAX)
		return false;
	*ret_value = (unsigned)value;
	return true;
}

/* An interface without such files takes no IPv4. */
static void read_source_checks(struct pa_host *host)
{
	unsigned all_filter, all_local;
	bool missing;
	if (!host->interfaces_known || !read_setting("all", "rp_filter", &all_filter, &missing) ||
	    !read_setting("all", "accept_local", &all_local, &missing))
		return;
	host->source_checks = pa_arena_alloc(host->arena, host->interface_count + 1, sizeof(*host->source_checks));
	for (size_t i = 0; i < host->interface_count; i++) {
		const char *name = host->interfaces[i];
		unsigned filter, local;
		if (!read_setting(name, "rp_filter", &filter, &missing) ||
		    !read_setting(name, "accept_local", &local, &missing)) {
			if (missing)
				continue;
			return;
		}
		host->source_checks[host->source_check_count++] = (struct pa_source_check){
			.interface = name,
			.rp_filter = filter > all_filter ? filter : all_filter,
			.accept_local = local != 0 || all_local != 0,
		};
	}
	host->source_checks_known = true;
}

void pa_host_read_sysctls(struct pa_host *host)
{
	read_source_checks(host);
	host->forward_ipv4 = forward_ipv4();
	host->forward_ipv6 = forward_ipv6();
	host->route_localnet = read_interface_switch("ipv4", "route_localnet");
	long range[2];
	if (read_numbers("/proc/sys/net/ipv4/ip_local_port_range", range, 2) == 2 && range[0] >= 0 && range[0] <= range[1] &&
	    range[1] <= 65535) {
		host->ephemeral_first = (unsigned)range[0];
		host->ephemeral_last = (unsigned)range[1];
	}
	read_reserved_ports(host, "/proc/sys/net/ipv4/ip_local_reserved_ports");
	long start;
	if (read_numbers("/proc/sys/net/ipv4/ip_unprivileged_port_start", &start, 1) == 1 && start >= 0 && start <= 65536)
		host->unprivileged_port_start = (int)start;
}
