/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A service without a service: binds what it is told to, becomes another user, and waits in the background. The name of the program is the
 * name of its file, so that copies of it are sshd, nginx ...
 *
 * Usage: listen UID tcp:ADDRESS:PORT|udp:ADDRESS:PORT|connect:ADDRESS:PORT:COUNT...
 *
 * Writes the process id of the one that waits, once everything is bound. connect: that many connections are held open.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int serve(const char *kind, const struct sockaddr_in *address, unsigned count)
{
	int type = strcmp(kind, "udp") == 0 ? SOCK_DGRAM : SOCK_STREAM, one = 1;

	for (unsigned i = 0; i < count; i++) {
		int descriptor = socket(AF_INET, type, 0);

		if (descriptor < 0)
			return fail("socket");
		if (strcmp(kind, "connect") == 0) {
			if (connect(descriptor, (const struct sockaddr *)address, sizeof(*address)) < 0)
				return fail("connect");
			continue;
		}
		setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
		if (bind(descriptor, (const struct sockaddr *)address, sizeof(*address)) < 0)
			return fail("bind");
		if (type == SOCK_STREAM && listen(descriptor, 64) < 0)
			return fail("listen");
	}
	return 0;
}

static int serve_text(const char *text)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	char kind[16], host[64];
	unsigned port, count = 1;

	if (sscanf(text, "%15[a-z]:%63[0-9.]:%u:%u", kind, host, &port, &count) < 3 ||
	    inet_pton(AF_INET, host, &address.sin_addr) != 1) {
		fprintf(stderr, "listen: not understood: %s\n", text);
		return 2;
	}
	address.sin_port = htons((uint16_t)port);
	return serve(kind, &address, count);
}

int main(int argc, char **argv)
{
	uid_t user = argc > 1 ? (uid_t)strtoul(argv[1], NULL, 10) : 0;
	pid_t child;

	for (int i = 2; i < argc; i++)
		if (serve_text(argv[i]) != 0)
			return 1;
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
