// rooms: pa_host pa_base
// labels: root
/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit/host: who listens, each test in a network namespace of its own with real sockets and real processes, held against what
 * ss(8) says. Needs root; status 77 (skipped) without.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "portaudit/host.h"
#include "portaudit/socket.h"

#define NOBODY 65534

static void interface_up(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_UP };
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
}

static void enter_namespace(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	interface_up("lo");
}

/* --- sockets ------------------------------------------------------------------------------------------------- */

struct wanted {
	int type, protocol;
	const char *address; /* with ':': IPv6 */
	unsigned port;
	bool v6only, reuseport;
	const char *interface;
};

static socklen_t fill_address(struct sockaddr_storage *storage, const char *text, unsigned port)
{
	memset(storage, 0, sizeof(*storage));
	struct sockaddr_in6 *six = (void *)storage;
	struct sockaddr_in *four = (void *)storage;
	if (strchr(text, ':')) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		ck_assert_int_eq(inet_pton(AF_INET6, text, &six->sin6_addr), 1);
		return sizeof(*six);
	}
	four->sin_family = AF_INET;
	four->sin_port = htons(port);
	ck_assert_int_eq(inet_pton(AF_INET, text, &four->sin_addr), 1);
	return sizeof(*four);
}

static int open_listener(const struct wanted *wanted)
{
	int six = strchr(wanted->address, ':') != NULL, on = 1, off = 0;
	int fd = socket(six ? AF_INET6 : AF_INET, wanted->type | SOCK_CLOEXEC, wanted->protocol);
	if (fd < 0)
		return -1;
	if (six)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, wanted->v6only ? &on : &off, sizeof(on));
	if (wanted->reuseport)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (wanted->interface)
		ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, wanted->interface, strlen(wanted->interface)), 0);
	struct sockaddr_storage storage;
	socklen_t length = fill_address(&storage, wanted->address, wanted->port);
	ck_assert_msg(bind(fd, (struct sockaddr *)&storage, length) == 0, "%s port %u: %s", wanted->address, wanted->port,
		      strerror(errno));
	if (wanted->type == SOCK_STREAM)
		ck_assert_int_eq(listen(fd, 5), 0);
	return fd;
}

static const struct pa_listener *find(const struct pa_sockets *sockets, unsigned protocol, unsigned port, size_t which)
{
	for (size_t i = 0; i < sockets->listener_count; i++)
		if (sockets->listeners[i].protocol == protocol && sockets->listeners[i].port == port && which-- == 0)
			return &sockets->listeners[i];
	ck_abort_msg("no listener of protocol %u on port %u", protocol, port);
}

static struct pa_sockets *read_live(void)
{
	struct pa_diags diags = { 0 };
	struct pa_sockets *sockets = pa_sockets_read_live(&diags);
	for (size_t i = 0; i < diags.count; i++)
		ck_abort_msg("%s", diags.items[i].message);
	pa_diags_done(&diags);
	ck_assert(sockets->listeners_complete);
	ck_assert(sockets->connections_known);
	return sockets;
}

/* --- held against ss ------------------------------------------------------------------------------------------ */

/* "tcp [::]:22" as ss writes it. */
static void add_line(struct pa_buffer *lines, const struct pa_listener *listener)
{
	char address[PA_ADDRESS_TEXT_MAX];
	pa_address_format(listener->address, listener->family, address);
	const char *name = listener->protocol == IPPROTO_TCP ? "tcp" : "udp";
	const char *zone = listener->interface ? listener->interface : "", *percent = listener->interface ? "%" : "";
	if (listener->family == 4)
		pa_buffer_printf(lines, "%s %s%s%s:%u\n", name, listener->any_address ? "0.0.0.0" : address, percent, zone,
				 listener->port);
	else if (listener->any_address && listener->v6only != PA_YES)
		pa_buffer_printf(lines, "%s *%s%s:%u\n", name, percent, zone, listener->port);
	else
		pa_buffer_printf(lines, "%s [%s]%s%s:%u\n", name, listener->any_address ? "::" : address, percent, zone,
				 listener->port);
}

static int by_line(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* The lines of a text in the order of the alphabet. */
static char *sorted(char *text)
{
	char *lines[4096], *rest = text, *line;
	size_t count = 0;
	struct pa_buffer joined = { 0 };
	while ((line = strsep(&rest, "\n")) && count < 4096)
		if (line[0])
			lines[count++] = line;
	qsort(lines, count, sizeof(*lines), by_line);
	for (size_t i = 0; i < count; i++)
		pa_buffer_printf(&joined, "%s\n", lines[i]);
	return joined.data ? joined.data : strdup("");
}

/* ss writes IPv4-mapped addresses as such: [::ffff:127.0.0.1]; here they are IPv4. */
static void compare_with_ss(const struct pa_sockets *sockets)
{
	struct pa_buffer own = { 0 };
	for (size_t i = 0; i < sockets->listener_count; i++)
		if (!sockets->listeners[i].raw &&
		    (sockets->listeners[i].protocol == IPPROTO_TCP || sockets->listeners[i].protocol == IPPROTO_UDP))
			add_line(&own, &sockets->listeners[i]);
	FILE *ss = popen(
		"PATH=$PATH:/sbin:/usr/sbin; ss -Htuln | awk '{print $1, $5}' | sed 's/\\[::ffff:\\([0-9.]*\\)\\]/\\1/'", "r");
	ck_assert_ptr_nonnull(ss);
	char text[65536];
	size_t length = fread(text, 1, sizeof(text) - 1, ss);
	text[length] = '\0';
	ck_assert_int_eq(pclose(ss), 0);
	char *theirs = sorted(text), *ours = sorted(own.data ? own.data : text);
	ck_assert_msg(strcmp(theirs, ours) == 0, "ss:\n%s\nportaudit:\n%s", theirs, ours);
	free(theirs);
	free(ours);
	pa_buffer_done(&own);
}

START_TEST(kinds_of_listeners)
{
	enter_namespace();
	ck_assert_int_eq(system("PATH=$PATH:/sbin:/usr/sbin ip link add wan0 type veth peer name wan1"), 0);
	static const struct wanted all[] = {
		{ .type = SOCK_STREAM, .address = "0.0.0.0", .port = 22 },
		{ .type = SOCK_STREAM, .address = "127.0.0.1", .port = 631 },
		{ .type = SOCK_STREAM, .address = "::", .port = 80 },
		{ .type = SOCK_STREAM, .address = "::", .port = 22, .v6only = true },
		{ .type = SOCK_STREAM, .address = "::1", .port = 631 },
		{ .type = SOCK_STREAM, .address = "::ffff:127.0.0.1", .port = 8080 },
		{ .type = SOCK_STREAM, .address = "::ffff:0.0.0.0", .port = 8081 },
		{ .type = SOCK_STREAM, .address = "0.0.0.0", .port = 9000, .reuseport = true },
		{ .type = SOCK_STREAM, .address = "0.0.0.0", .port = 9000, .reuseport = true },
		{ .type = SOCK_STREAM, .address = "0.0.0.0", .port = 9001, .interface = "wan0" },
		{ .type = SOCK_DGRAM, .address = "0.0.0.0", .port = 53 },
		{ .type = SOCK_DGRAM, .address = "::", .port = 123 },
		{ .type = SOCK_DGRAM, .address = "::", .port = 500, .v6only = true, .interface = "wan1" },
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		ck_assert_int_ge(open_listener(&all[i]), 0);
	struct pa_sockets *sockets = read_live();
	ck_assert_uint_eq(sockets->listener_count, sizeof(all) / sizeof(*all));
	compare_with_ss(sockets);
	ck_assert_int_eq(find(sockets, IPPROTO_TCP, 80, 0)->v6only, PA_NO);
	ck_assert_int_eq(find(sockets, IPPROTO_TCP, 22, 1)->v6only, PA_YES);
	ck_assert_int_eq(find(sockets, IPPROTO_TCP, 8080, 0)->family, 4);
	ck_assert(find(sockets, IPPROTO_TCP, 8081, 0)->any_address);
	ck_assert_int_eq(find(sockets, IPPROTO_TCP, 9000, 0)->reuseport, PA_YES);
	ck_assert_int_eq(find(sockets, IPPROTO_TCP, 9000, 1)->reuseport, PA_YES);
	ck_assert_int_eq(find(sockets, IPPROTO_TCP, 22, 0)->reuseport, PA_UNKNOWN);
	ck_assert_str_eq(find(sockets, IPPROTO_TCP, 9001, 0)->interface, "wan0");
	for (size_t i = 0; i < sockets->listener_count; i++) {
		const struct pa_listener *listener = &sockets->listeners[i];
		ck_assert(listener->processes_known && listener->process_count == 1 && listener->inode != 0);
		ck_assert_uint_eq(sockets->processes[listener->processes[0]].pid, getpid());
		ck_assert(listener->uid_known && listener->uid == 0);
		ck_assert_str_eq(listener->user, "root");
	}
	pa_sockets_free(sockets);
}
END_TEST

START_TEST(other_protocols)
{
	enter_namespace();
	static const struct wanted lite = {
		.type = SOCK_DGRAM, .protocol = IPPROTO_UDPLITE, .address = "0.0.0.0", .port = 7000
	};
	static const struct wanted multipath = {
		.type = SOCK_STREAM, .protocol = IPPROTO_MPTCP, .address = "0.0.0.0", .port = 7001
	};
	static const struct wanted multipath6 = {
		.type = SOCK_STREAM, .protocol = IPPROTO_MPTCP, .address = "::", .port = 7002
	};
	static const struct wanted plain = { .type = SOCK_STREAM, .address = "0.0.0.0", .port = 7003 };
	int has_lite = open_listener(&lite) >= 0, has_multipath = open_listener(&multipath) >= 0;
	ck_assert_int_ge(open_listener(&plain), 0);
	ck_assert_int_ge(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP), 0);
	ck_assert_int_ge(socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, 89), 0);
	if (has_multipath)
		ck_assert_int_ge(open_listener(&multipath6), 0);
	struct pa_sockets *sockets = read_live();
	if (has_lite)
		ck_assert_uint_eq(find(sockets, IPPROTO_UDPLITE, 7000, 0)->process_count, 1);
	if (has_multipath) {
		ck_assert(find(sockets, IPPROTO_TCP, 7001, 0)->mptcp && find(sockets, IPPROTO_TCP, 7002, 0)->mptcp);
		ck_assert_uint_eq(find(sockets, IPPROTO_TCP, 7001, 0)->process_count, 1);
		ck_assert_int_eq(find(sockets, IPPROTO_TCP, 7002, 0)->v6only, PA_NO);
	}
	ck_assert(!find(sockets, IPPROTO_TCP, 7003, 0)->mptcp);
	const struct pa_listener *icmp = find(sockets, IPPROTO_ICMP, 0, 0), *ospf = find(sockets, 89, 0, 0);
	ck_assert(icmp->raw && icmp->family == 4 && icmp->any_address && icmp->process_count == 1);
	ck_assert(ospf->raw && ospf->family == 6 && ospf->v6only == PA_YES);
	ck_assert_uint_eq(sockets->listener_count, 3 + has_lite + 2 * has_multipath);
	pa_sockets_free(sockets);
}
END_TEST

static const struct {
	const char *name;
	int type, protocol;
} optional[] = { { "SCTP", SOCK_STREAM, IPPROTO_SCTP }, { "DCCP", SOCK_DCCP, IPPROTO_DCCP } };

/* One-to-one sockets; the kernel may be built without the protocol, and is not made to load it elsewhere. */
START_TEST(protocols_of_modules)
{
	enter_namespace();
	const struct wanted four = {
		.type = optional[_i].type, .protocol = optional[_i].protocol, .address = "0.0.0.0", .port = 7100
	};
	const struct wanted six = {
		.type = optional[_i].type, .protocol = optional[_i].protocol, .address = "::", .port = 7101, .v6only = true
	};
	if (open_listener(&four) < 0) {
		printf("NOT RUN: this kernel has no %s\n", optional[_i].name);
		fflush(stdout);
		struct pa_sockets *none = read_live();
		ck_assert(pa_sockets_cover(none, (unsigned)optional[_i].protocol, 4)); /* nobody can listen */
		pa_sockets_free(none);
		return;
	}
	ck_assert_int_ge(open_listener(&six), 0);
	struct pa_sockets *sockets = read_live();
	ck_assert_uint_eq(find(sockets, (unsigned)optional[_i].protocol, 7100, 0)->process_count, 1);
	ck_assert_int_eq(find(sockets, (unsigned)optional[_i].protocol, 7101, 0)->v6only, PA_YES);
	ck_assert(pa_sockets_cover(sockets, (unsigned)optional[_i].protocol, 4));
	pa_sockets_free(sockets);
}
END_TEST

static bool can_connect(const char *address, unsigned port)
{
	struct sockaddr_storage storage;
	socklen_t length = fill_address(&storage, address, port);
	int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool connected = connect(fd, (struct sockaddr *)&storage, length) == 0;
	close(fd);
	return connected;
}

/* What pa_listener_takes() says is what the kernel does. */
START_TEST(takes_what_the_kernel_takes)
{
	static const struct wanted all[] = {
		{ .type = SOCK_STREAM, .address = "0.0.0.0", .port = 7100 },
		{ .type = SOCK_STREAM, .address = "127.0.0.1", .port = 7101 },
		{ .type = SOCK_STREAM, .address = "::", .port = 7102 },
		{ .type = SOCK_STREAM, .address = "::", .port = 7103, .v6only = true },
		{ .type = SOCK_STREAM, .address = "::1", .port = 7104 },
		{ .type = SOCK_STREAM, .address = "::ffff:127.0.0.1", .port = 7105 },
		{ .type = SOCK_STREAM, .address = "::ffff:0.0.0.0", .port = 7106 },
		{ .type = SOCK_STREAM, .address = "0.0.0.0", .port = 7107, .interface = "wan0" },
		{ .type = SOCK_STREAM, .address = "::", .port = 7108, .interface = "lo" },
	};
	static const char *const targets[] = { "127.0.0.1", "127.0.0.2", "::1" };
	enter_namespace();
	ck_assert_int_eq(system("PATH=$PATH:/sbin:/usr/sbin ip link add wan0 type veth peer name wan1"), 0);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		ck_assert_int_ge(open_listener(&all[i]), 0);
	struct pa_sockets *sockets = read_live();
	for (size_t i = 0; i < sockets->listener_count; i++)
		for (size_t t = 0; t < sizeof(targets) / sizeof(*targets); t++) {
			const struct pa_listener *listener = &sockets->listeners[i];
			pa_u128 address;
			int family;
			ck_assert(pa_address_parse(targets[t], &address, &family));
			ck_assert_msg(pa_listener_takes(listener, family, address, "lo") ==
					      can_connect(targets[t], listener->port),
				      "port %u, %s", listener->port, targets[t]);
		}
	pa_sockets_free(sockets);
}
END_TEST

/* --- processes ------------------------------------------------------------------------------------------------ */

/* A process that listens; *ready: a pipe that says so. */
static pid_t start_dropped(unsigned port)
{
	int ready[2];
	char byte;
	ck_assert_int_eq(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		const struct wanted wanted = { .type = SOCK_STREAM, .address = "0.0.0.0", .port = port };
		if (open_listener(&wanted) < 0 || setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
		    setresuid(NOBODY, NOBODY, NOBODY) || prctl(PR_SET_NAME, "dropped server") || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void end_process(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

START_TEST(process_that_dropped_root)
{
	enter_namespace();
	pid_t pid = start_dropped(81);
	struct pa_sockets *sockets = read_live();
	const struct pa_listener *listener = find(sockets, IPPROTO_TCP, 81, 0);
	ck_assert_uint_eq(listener->uid, 0);
	ck_assert_uint_eq(listener->process_count, 1);
	const struct pa_process *process = &sockets->processes[listener->processes[0]];
	ck_assert_uint_eq(process->pid, (uint32_t)pid);
	ck_assert_str_eq(process->command, "dropped server");
	ck_assert(process->ids_known && process->effective_uid == NOBODY && process->real_uid == NOBODY);
	ck_assert_str_eq(process->user, "nobody");
	ck_assert(process->capabilities_known && process->effective == 0 && process->permitted == 0);
	ck_assert_ptr_nonnull(strstr(process->executable, "test_sockets_live"));
	ck_assert(!process->executable_deleted);
	ck_assert_int_eq(process->foreign_user_namespace, PA_NO);
	pa_sockets_free(sockets);
	end_process(pid);
}
END_TEST

/* A copy of this program with a file capability and nobody's ids: it listens when its first argument says so. */
START_TEST(process_with_a_capability)
{
	enter_namespace();
	char copy[] = "/tmp/pa-sockets-XXXXXX", command[400];
	close(mkstemp(copy));
	snprintf(command, sizeof(command),
		 "PATH=$PATH:/sbin:/usr/sbin; cp /proc/%d/exe %s && chmod 755 %s && setcap cap_net_bind_service=ep %s",
		 getpid(), copy, copy, copy);
	if (system(command) != 0) {
		unlink(copy);
		fputs("SKIPPED: setcap(8) is missing or the file system has no capabilities\n", stderr);
		return;
	}
	int ready[2];
	char byte, number[16];
	ck_assert_int_eq(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
			_exit(1);
		snprintf(number, sizeof(number), "%d", ready[1]);
		execl(copy, copy, "--listen", number, NULL);
		_exit(1);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	ck_assert_int_eq(unlink(copy), 0);
	struct pa_sockets *sockets = read_live();
	const struct pa_listener *listener = find(sockets, IPPROTO_TCP, 82, 0);
	ck_assert_uint_eq(listener->uid, NOBODY);
	const struct pa_process *process = &sockets->processes[listener->processes[0]];
	ck_assert_uint_eq(process->effective, (uint64_t)1 << PA_CAP_NET_BIND_SERVICE);
	ck_assert_str_eq(process->executable, copy);
	ck_assert(process->executable_deleted);
	pa_sockets_free(sockets);
	end_process(pid);
}
END_TEST

START_TEST(several_processes_hold_one_socket)
{
	enter_namespace();
	const struct wanted wanted = { .type = SOCK_STREAM, .address = "0.0.0.0", .port = 83 };
	int fd = open_listener(&wanted);
	pid_t pid = start_dropped(84);
	close(fd);
	struct pa_sockets *sockets = read_live();
	ck_assert_uint_eq(find(sockets, IPPROTO_TCP, 83, 0)->process_count, 1); /* inherited, closed here */
	ck_assert_uint_eq(sockets->processes[find(sockets, IPPROTO_TCP, 83, 0)->processes[0]].pid, (uint32_t)pid);
	ck_assert_uint_eq(sockets->process_count, 1);
	pa_sockets_free(sockets);
	end_process(pid);
}
END_TEST

/* Without privilege: the listeners are all there, the processes of others are not, and that is said. */
START_TEST(without_privilege)
{
	enter_namespace();
	const struct wanted wanted = { .type = SOCK_STREAM, .address = "0.0.0.0", .port = 85 },
			    own = { .type = SOCK_STREAM, .address = "0.0.0.0", .port = 8500 };
	int inherited = open_listener(&wanted);
	pid_t holder = fork();
	if (holder == 0)
		for (;;)
			pause();
	close(inherited);
	pid_t reader = fork();
	if (reader == 0) {
		ck_assert(setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
			  setresuid(NOBODY, NOBODY, NOBODY) == 0);
		prctl(PR_SET_DUMPABLE, 1);
		ck_assert_int_ge(open_listener(&own), 0);
		struct pa_sockets *sockets = read_live();
		const struct pa_listener *listener = find(sockets, IPPROTO_TCP, 85, 0);
		ck_assert(listener->uid_known && listener->uid == 0 && !listener->processes_known);
		ck_assert_uint_eq(listener->process_count, 0);
		ck_assert_uint_eq(find(sockets, IPPROTO_TCP, 8500, 0)->process_count, 1);
		ck_assert(!sockets->processes_complete && sockets->missing_count > 0);
		_exit(strstr(sockets->missing[0], "run as root") ? 0 : 1);
	}
	int status;
	ck_assert_int_eq(waitpid(reader, &status, 0), reader);
	ck_assert_int_eq(status, 0);
	end_process(holder);
}
END_TEST

/* --- connections ---------------------------------------------------------------------------------------------- */

static int connect_to(const char *address, unsigned port)
{
	struct sockaddr_storage storage;
	socklen_t length = fill_address(&storage, address, port);
	int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&storage, length), 0);
	return fd;
}

START_TEST(outgoing_connections)
{
	enter_namespace();
	const struct wanted wanted = { .type = SOCK_STREAM, .address = "::", .port = 5432 };
	int listener = open_listener(&wanted);
	for (int i = 0; i < 5; i++) {
		int client = connect_to(i < 4 ? "127.0.0.1" : "::ffff:127.0.0.1", 5432), server = accept(listener, NULL, NULL);
		ck_assert_int_ge(server, 0);
		if (i >= 2)
			continue;
		close(client); /* who closes first waits */
		close(server);
	}
	struct pa_sockets *sockets = read_live();
	ck_assert_uint_eq(sockets->connection_count, 1);
	const struct pa_connections *row = &sockets->connections[0];
	ck_assert(row->protocol == IPPROTO_TCP && row->family == 4 && row->remote_port == 5432);
	ck_assert_uint_eq(row->count, 5);
	ck_assert_uint_eq(row->time_wait, 2);
	pa_sockets_free(sockets);
}
END_TEST

START_TEST(settings_of_ports)
{
	enter_namespace();
	ck_assert_int_eq(system("echo 3306,8000-8080 >/proc/sys/net/ipv4/ip_local_reserved_ports && "
				"echo 80 >/proc/sys/net/ipv4/ip_unprivileged_port_start"),
			 0);
	struct pa_diags diags = { 0 };
	struct pa_host *host = pa_host_read_live(&diags);
	ck_assert(host->reserved_ports_known);
	ck_assert_uint_eq(host->reserved_port_count, 2);
	ck_assert(host->reserved_ports[0].first == 3306 && host->reserved_ports[0].last == 3306);
	ck_assert(host->reserved_ports[1].first == 8000 && host->reserved_ports[1].last == 8080);
	ck_assert_int_eq(host->unprivileged_port_start, 80);
	pa_host_free(host);
	ck_assert_int_eq(system("echo >/proc/sys/net/ipv4/ip_local_reserved_ports"), 0);
	host = pa_host_read_live(&diags);
	ck_assert(host->reserved_ports_known);
	ck_assert_uint_eq(host->reserved_port_count, 0);
	pa_host_free(host);
	pa_diags_done(&diags);
}
END_TEST

/* Outside of a test, where Check has nobody to report to. */
static int listen_and_wait(const char *ready)
{
	const struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(82) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) || listen(fd, 5) ||
	    write((int)strtol(ready, NULL, 10), "x", 1) != 1)
		return 1;
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--listen") == 0)
		return listen_and_wait(argv[2]);
	if (geteuid() != 0) {
		puts("SKIPPED: needs root");
		return 77;
	}
	Suite *suite = suite_create("live sockets");
	TCase *tests = tcase_create("sockets");
	tcase_add_test(tests, kinds_of_listeners);
	tcase_add_test(tests, other_protocols);
	tcase_add_loop_test(tests, protocols_of_modules, 0, sizeof(optional) / sizeof(*optional));
	tcase_add_test(tests, takes_what_the_kernel_takes);
	tcase_add_test(tests, process_that_dropped_root);
	tcase_add_test(tests, process_with_a_capability);
	tcase_add_test(tests, several_processes_hold_one_socket);
	tcase_add_test(tests, without_privilege);
	tcase_add_test(tests, outgoing_connections);
	tcase_add_test(tests, settings_of_ports);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
