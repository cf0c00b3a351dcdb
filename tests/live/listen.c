/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A service without a service: binds what it is told to, becomes another user, and waits in the background. The name of the program is the
 * name of its file, so that copies of it are sshd, nginx ...
 *
 * Usage: listen UID KIND:ADDRESS:PORT|connect:ADDRESS:PORT:COUNT...
 *
 * KIND is tcp, udp, udplite, sctp, dccp, mptcp or raw (PORT is the protocol then); with "only" behind it an IPv6 socket takes no IPv4. IPv6
 * addresses stand in brackets. Writes the process id of the one that waits, once everything is bound. connect: that many connections are held
 * open. Status 77: this kernel does not have the protocol.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SKIPPED 77

static const struct kind {
	const char *name;
	int type, protocol;
} kinds[] = {
	{ "tcp", SOCK_STREAM, IPPROTO_TCP },
	{ "udp", SOCK_DGRAM, IPPROTO_UDP },
	{ "udplite", SOCK_DGRAM, IPPROTO_UDPLITE },
	{ "sctp", SOCK_STREAM, IPPROTO_SCTP },
	{ "dccp", SOCK_DCCP, IPPROTO_DCCP },
	{ "mptcp", SOCK_STREAM, IPPROTO_MPTCP },
	{ "raw", SOCK_RAW, 0 },
	{ "connect", SOCK_STREAM, IPPROTO_TCP },
};

union address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
};

static int fail(const char *what)
{
	bool missing = errno == EPROTONOSUPPORT || errno == ESOCKTNOSUPPORT;

	fprintf(stderr, "%s%s: %s\n", missing ? "NOT RUN, this kernel does not have it: " : "", what, strerror(errno));
	return missing ? SKIPPED : 1;
}

static const struct kind *find_kind(const char *text, bool *ret_only)
{
	size_t length = strcspn(text, ":");

	*ret_only = length > 4 && strncmp(text + length - 4, "only", 4) == 0;
	length -= *ret_only ? 4 : 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].name) == length && strncmp(kinds[i].name, text, length) == 0)
			return &kinds[i];
	return NULL;
}

static socklen_t parse_address(const char *host, unsigned port, union address *ret_address)
{
	memset(ret_address, 0, sizeof(*ret_address));
	if (strchr(host, ':')) {
		ret_address->six.sin6_family = AF_INET6;
		ret_address->six.sin6_port = htons((uint16_t)port);
		return inet_pton(AF_INET6, host, &ret_address->six.sin6_addr) == 1 ? sizeof(ret_address->six) : 0;
	}
	ret_address->four.sin_family = AF_INET;
	ret_address->four.sin_port = htons((uint16_t)port);
	return inet_pton(AF_INET, host, &ret_address->four.sin_addr) == 1 ? sizeof(ret_address->four) : 0;
}

/* The socket stays open as long as the process lives. */
static int open_one(const struct kind *kind, bool only, union address *address, socklen_t length, unsigned port)
{
	int protocol = kind->type == SOCK_RAW ? (int)port : kind->protocol, one = 1, wanted = only;
	int descriptor = socket(address->any.sa_family, kind->type, protocol);

	if (descriptor < 0)
		return fail(kind->name);
	if (strcmp(kind->name, "connect") == 0)
		return connect(descriptor, &address->any, length) == 0 ? 0 : fail("connect");
	setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (address->any.sa_family == AF_INET6)
		setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &wanted, sizeof(wanted));
	if (kind->type == SOCK_RAW)
		address->four.sin_port = 0; /* at the same place in both */
	if (bind(descriptor, &address->any, length) < 0)
		return fail("bind");
	if (kind->type != SOCK_DGRAM && kind->type != SOCK_RAW && listen(descriptor, 64) < 0)
		return fail("listen");
	return 0;
}

static int serve_text(const char *text)
{
	char host[64];
	unsigned port, count = 1;
	bool only;
	const struct kind *kind = find_kind(text, &only);
	const char *rest = strchr(text, ':');
	union address address;
	socklen_t length = 0;
	int status = 0;

	if (kind && (sscanf(rest, ":[%63[0-9a-f:.]]:%u:%u", host, &port, &count) >= 2 ||
		     sscanf(rest, ":%63[0-9.]:%u:%u", host, &port, &count) >= 2))
		length = parse_address(host, port, &address);
	if (length == 0) {
		fprintf(stderr, "listen: not understood: %s\n", text);
		return 2;
	}
	for (unsigned i = 0; i < count && status == 0; i++)
		status = open_one(kind, only, &address, length, port);
	return status;
}

int main(int argc, char **argv)
{
	uid_t user = argc > 1 ? (uid_t)strtoul(argv[1], NULL, 10) : 0;
	pid_t child;
	int status = 0;

	for (int i = 2; i < argc && status == 0; i++)
		status = serve_text(argv[i]);
	if (status != 0)
		return status;
	if (user != 0 && (setgid(user) < 0 || setuid(user) < 0))
		return fail("setuid");
	child = fork();
	if (child < 0)
		return fail("fork");
	if (child > 0) {
		printf("%d\n", (int)child);
		return 0;
	}
	/* whoever reads our output waits for its end */
	fclose(stdout);
	alarm(300);
	for (;;)
		pause();
}
