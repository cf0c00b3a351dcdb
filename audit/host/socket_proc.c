/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets from the tables of /proc/net, see proc_pid_net(5): what every kernel has, with less in it than sock_diag. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "read.h"
#include "socket_read.h"

/* Hexadecimal words of an address, each as the machine holds it; *text moves behind them. */
static bool parse_address(const char **text, int family, pa_u128 *ret_address)
{
	uint32_t words[4] = { 0 };
	size_t count = family == 4 ? 1 : 4;
	for (size_t i = 0; i < count; i++) {
		char digits[9] = "";
		if (strnlen(*text, 8) < 8 || strspn(*text, "0123456789ABCDEFabcdef") < 8)
			return false;
		memcpy(digits, *text, 8);
		words[i] = (uint32_t)strtoul(digits, NULL, 16);
		*text += 8;
	}
	*ret_address = pa_address_from_bytes(words, family);
	return true;
}

/* "0100007F:0050" */
static bool parse_endpoint(const char *text, int family, pa_u128 *ret_address, unsigned *ret_port)
{
	if (!parse_address(&text, family, ret_address) || *text != ':')
		return false;
	char *end;
	unsigned long port = strtoul(text + 1, &end, 16);
	*ret_port = (unsigned)port;
	return end > text + 1 && *end == '\0' && port <= 65535;
}

bool pa_socket_proc_parse(const char *line, int family, struct pa_socket_row *ret_row)
{
	char local[64], remote[64];
	unsigned state, uid;
	unsigned long long inode;
	*ret_row = (struct pa_socket_row){ .family = family, .v6only = family == 6 ? PA_UNKNOWN : PA_NO };
	/* sl local remote st tx:rx tr:when retransmits uid timeout inode */
	if (sscanf(line, " %*[0-9]: %63s %63s %x %*[^ ] %*[^ ] %*s %u %*s %llu", local, remote, &state, &uid, &inode) != 5 ||
	    !parse_endpoint(local, family, &ret_row->local, &ret_row->local_port) ||
	    !parse_endpoint(remote, family, &ret_row->remote, &ret_row->remote_port))
		return false;
	ret_row->state = state;
	ret_row->uid = uid;
	ret_row->inode = inode;
	ret_row->cookie = inode;
	return true;
}

int pa_socket_proc_read(const char *path, int family, pa_socket_row_take *take, void *context)
{
	FILE *file = fopen(path, "re");
	if (!file)
		return errno;
	char *line = NULL;
	size_t size = 0;
	bool header = true;
	int error = 0;
	while (!error && getline(&line, &size, file) >= 0) {
		struct pa_socket_row row;
		if (!header && !pa_socket_proc_parse(line, family, &row))
			error = EBADMSG;
		else if (!header)
			take(context, &row);
		header = false;
	}
	if (ferror(file))
		error = EIO;
	free(line);
	fclose(file);
	return error;
}

enum pa_tristate pa_socket_proc_protocol(const char *protocol, long *ret_count)
{
	FILE *file = fopen("/proc/thread-self/net/protocols", "re");
	char *line = NULL;
	size_t size = 0;
	enum pa_tristate known = PA_UNKNOWN;
	if (!file)
		return PA_UNKNOWN;
	bool any = false;
	while (known == PA_UNKNOWN && getline(&line, &size, file) >= 0) {
		char name[64];
		if (sscanf(line, "%63s %*s %ld", name, ret_count) == 2 && strcmp(name, protocol) == 0)
			known = PA_YES;
		any = true;
	}
	if (known == PA_UNKNOWN && any && feof(file) && !ferror(file))
		known = PA_NO;
	fclose(file);
	free(line);
	return known;
}
