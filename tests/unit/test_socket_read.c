// rooms: pa_host pa_base
/* SPDX-License-Identifier: GPL-2.0-or-later */
/* audit/host: the texts and messages that tell who listens, without a kernel. */
#include <arpa/inet.h>
#include <check.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../audit/host/socket_read.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
	const char *path, *unit, *container;
} paths[] = {
	{ "/", NULL, NULL },
	{ "/system.slice/ssh.service", "ssh.service", NULL },
	{ "/system.slice/ssh.socket", "ssh.socket", NULL },
	{ "/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", NULL },
	{ "/system.slice/db.service/payload", "db.service", NULL },
	{ "/system.slice/_cpu.service", "cpu.service", NULL },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/web.service", "web.service", NULL },
	{ "/user.slice/user-1000.slice/session-3.scope", "session-3.scope", NULL },
	{ "/user.slice", NULL, NULL },
	{ "/system.slice/docker-" ID ".scope", "docker-" ID ".scope", "docker:0123456789ab" },
	{ "/docker/" ID, NULL, "docker:0123456789ab" },
	{ "/docker/0123", NULL, NULL },
	{ "/machine.slice/libpod-" ID ".scope/container", "libpod-" ID ".scope", "podman:0123456789ab" },
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-" ID ".scope",
	  "cri-containerd-" ID ".scope", "containerd:0123456789ab" },
	{ "/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" ID, "containerd.service",
	  "containerd:0123456789ab" },
	{ "/kubepods/burstable/pod8a1b/" ID, NULL, "kube:0123456789ab" },
	{ "/crio-" ID ".scope", "crio-" ID ".scope", "crio:0123456789ab" },
	{ "/lxc/web", NULL, "lxc:web" },
	{ "/lxc.payload.web/system.slice/nginx.service", "nginx.service", "lxc:web" },
	{ "/machine.slice/machine-web.scope", "machine-web.scope", "machine:web" },
};

START_TEST(test_control_groups)
{
	struct pa_arena *arena = pa_arena_new();
	const char *unit = pa_cgroup_unit(paths[_i].path, arena), *container = pa_cgroup_container(paths[_i].path, arena);
	ck_assert_msg(pa_text_equal(unit, paths[_i].unit), "%s: %s", paths[_i].path, unit ? unit : "no unit");
	ck_assert_msg(pa_text_equal(container, paths[_i].container), "%s: %s", paths[_i].path, container ? container : "none");
	pa_arena_free(arena);
}
END_TEST

START_TEST(test_proxy)
{
	static const char arguments[] = "/usr/bin/docker-proxy\0-proto\0tcp\0-host-ip\0"
					"0.0.0.0\0-host-port\0"
					"8080\0-container-ip\0"
					"172.17.0.2\0-container-port\0"
					"80";
	static const char doubled[] = "docker-proxy\0--container-ip\0fd00::2\0--container-port\0"
				      "443";
	static const char wrong[] = "docker-proxy\0-container-ip\0web\0-container-port\0"
				    "80";
	struct pa_process process = { 0 };
	char address[PA_ADDRESS_TEXT_MAX];
	pa_process_parse_proxy(&process, arguments, sizeof(arguments));
	ck_assert_uint_eq(process.proxy_port, 80);
	pa_address_format(process.proxy_address, process.proxy_family, address);
	ck_assert_str_eq(address, "172.17.0.2");
	process = (struct pa_process){ 0 };
	pa_process_parse_proxy(&process, doubled, sizeof(doubled));
	ck_assert_uint_eq(process.proxy_port, 443);
	ck_assert_int_eq(process.proxy_family, 6);
	process = (struct pa_process){ 0 };
	pa_process_parse_proxy(&process, wrong, sizeof(wrong));
	ck_assert_uint_eq(process.proxy_port, 0);
}
END_TEST

/* --- unit files ----------------------------------------------------------------------------------------------- */

static void write_unit(const char *folder, const char *name, const char *text)
{
	char path[600];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
}

START_TEST(test_socket_units)
{
	char base[] = "/tmp/pa-units-XXXXXX", etc[100], usr[100], more[100], command[200];
	ck_assert_ptr_nonnull(mkdtemp(base));
	snprintf(etc, sizeof(etc), "%s/etc", base);
	snprintf(usr, sizeof(usr), "%s/usr", base);
	snprintf(more, sizeof(more), "%s/usr/moved.socket.d", base);
	ck_assert(mkdir(etc, 0700) == 0 && mkdir(usr, 0700) == 0 && mkdir(more, 0700) == 0);
	write_unit(usr, "ssh.socket", "[Unit]\nListenStream=1\n[Socket]\n# ListenStream=2\nListenStream = 22\nAccept=no\n");
	write_unit(usr, "cups.socket", "[Socket]\nListenStream=/run/cups.sock\nListenStream=[::]:631\nService=cupsd.service\n");
	write_unit(usr, "time.socket", "[Socket]\nListenDatagram=0.0.0.0:37\nAccept=yes\n");
	write_unit(usr, "moved.socket", "[Socket]\nListenStream=7000\n");
	write_unit(more, "port.conf", "[Socket]\nListenStream=\nListenStream=7001\n");
	write_unit(usr, "off.socket", "[Socket]\nListenStream=7002\n");
	write_unit(etc, "off.socket", "");
	write_unit(usr, "one.socket", "[Socket]\nListenStream=7003\n");
	write_unit(usr, "two.socket", "[Socket]\nListenStream=7003\n");
	write_unit(usr, "link.socket", "[Socket]\nListenStream=[fe80::1]:7004%eth0\n");
	write_unit(usr, "sctp.socket", "[Socket]\nSocketProtocol=sctp\nListenStream=7005\n");
	write_unit(more, "first.conf", "[Socket]\nListenStream=7006\n"); /* before port.conf, which takes it back */
	write_unit(usr, "cupsd.service", "[Service]\nExecStart=\nExecStart=-@/no/such/cupsd cupsd -l\nUser=lp\n");
	write_unit(usr, "ssh.service", "[Unit]\nUser=nobody\n[Service]\nExecStart=/no/such/sshd -D $OPTIONS\n");
	write_unit(usr, "time@.service", "[Service]\nExecStart=/no/such/date\nDynamicUser=yes\n");
	snprintf(command, sizeof(command), "%s/sshd.socket", usr);
	ck_assert_int_eq(symlink("ssh.socket", command), 0);
	const char *const folders[] = { etc, usr, NULL };
	struct pa_arena *arena = pa_arena_new();
	ck_assert_str_eq(pa_socket_unit_find(folders, IPPROTO_TCP, 22, arena), "ssh.socket");
	ck_assert_str_eq(pa_socket_unit_find(folders, IPPROTO_TCP, 631, arena), "cups.socket");
	ck_assert_str_eq(pa_socket_unit_find(folders, IPPROTO_UDP, 37, arena), "time.socket");
	ck_assert_ptr_null(pa_socket_unit_find(folders, IPPROTO_TCP, 37, arena));
	ck_assert_ptr_null(pa_socket_unit_find(folders, IPPROTO_TCP, 1, arena));
	ck_assert_ptr_null(pa_socket_unit_find(folders, IPPROTO_TCP, 7000, arena));
	ck_assert_str_eq(pa_socket_unit_find(folders, IPPROTO_TCP, 7001, arena), "moved.socket");
	ck_assert_ptr_null(pa_socket_unit_find(folders, IPPROTO_TCP, 7002, arena));
	ck_assert_ptr_null(pa_socket_unit_find(folders, IPPROTO_TCP, 7003, arena));
	ck_assert_str_eq(pa_socket_unit_find(folders, IPPROTO_TCP, 7004, arena), "link.socket");
	ck_assert_ptr_null(pa_socket_unit_find(folders, IPPROTO_TCP, 7005, arena));
	ck_assert_str_eq(pa_socket_unit_find(folders, IPPROTO_SCTP, 7005, arena), "sctp.socket");
	ck_assert_ptr_null(pa_socket_unit_find(folders, IPPROTO_TCP, 7006, arena));
	static const char *const programs[][3] = { { "cupsd.service", "/no/such/cupsd", "lp" },
						   { "ssh.service", "/no/such/sshd", "root" },
						   { "time@.service", "/no/such/date", NULL },
						   { "none.service", NULL, NULL } };
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		const char *executable, *user;
		pa_socket_unit_program(folders, programs[i][0], arena, &executable, &user);
		ck_assert_pstr_eq(executable, programs[i][1]);
		ck_assert_pstr_eq(user, programs[i][2]);
	}
	ck_assert_str_eq(pa_socket_unit_service(folders, "ssh.socket", arena), "ssh.service");
	ck_assert_str_eq(pa_socket_unit_service(folders, "cups.socket", arena), "cupsd.service");
	ck_assert_str_eq(pa_socket_unit_service(folders, "time.socket", arena), "time@.service");
	ck_assert_ptr_null(pa_socket_unit_service(folders, "none.socket", arena));
	ck_assert_ptr_null(pa_socket_unit_service(folders, "ssh.service", arena));
	pa_arena_free(arena);
	snprintf(command, sizeof(command), "rm -r %s", base);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

/* --- messages ------------------------------------------------------------------------------------------------- */

START_TEST(test_message)
{
	char buffer[1024] __attribute__((aligned(4))) = { 0 };
	struct pa_socket_row row;
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	struct inet_diag_msg *body = mnl_nlmsg_put_extra_header(message, sizeof(*body));
	body->idiag_family = AF_INET6;
	body->idiag_state = PA_SOCKET_LISTEN;
	body->id.idiag_sport = htons(3868);
	body->id.idiag_if = 3;
	body->id.idiag_cookie[0] = 7;
	body->id.idiag_cookie[1] = 1;
	body->idiag_uid = 33;
	body->idiag_inode = 4711;
	struct sockaddr_storage locals[2] = { { .ss_family = AF_INET }, { .ss_family = AF_INET6 } };
	mnl_attr_put_u8(message, INET_DIAG_SKV6ONLY, 1);
	mnl_attr_put_u64(message, INET_DIAG_CGROUP_ID, 99);
	mnl_attr_put(message, INET_DIAG_LOCALS, sizeof(locals), locals);
	ck_assert(pa_sock_diag_parse(message, &row));
	ck_assert(row.family == 6 && row.state == PA_SOCKET_LISTEN && row.local == 0 && row.local_port == 3868);
	ck_assert(row.interface == 3 && row.uid == 33 && row.inode == 4711 && row.v6only == PA_YES);
	ck_assert(row.cgroup == 99 && row.cookie == ((uint64_t)1 << 32 | 7) && row.local_count == 2);
	body->idiag_family = AF_UNIX;
	ck_assert(!pa_sock_diag_parse(message, &row));
	body->idiag_family = AF_INET;
	message->nlmsg_len = NLMSG_LENGTH(sizeof(*body) - 4);
	ck_assert(!pa_sock_diag_parse(message, &row));
}
END_TEST

START_TEST(test_proc_table)
{
	struct pa_socket_row row;
	char address[PA_ADDRESS_TEXT_MAX];
	static const char four[] =
		" 1234: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 22222 2 ffff888 0\n";
	static const char six[] = "   0: B80D0120000000000000000001000000:0016 00000000000000000000000000000000:0000 0A "
				  "00000000:00000000 00:00000000 00000000     0        0 33333 1 ffff888 100\n";
	ck_assert(pa_socket_proc_parse(four, 4, &row));
	ck_assert(row.local_port == 53 && row.state == PA_SOCKET_CLOSE && row.uid == 101 && row.inode == 22222);
	pa_address_format(row.local, 4, address);
	ck_assert_str_eq(address, "127.0.0.1");
	ck_assert(pa_socket_proc_parse(six, 6, &row));
	pa_address_format(row.local, 6, address);
	ck_assert_str_eq(address, "2001:db8::1");
	ck_assert(row.state == PA_SOCKET_LISTEN && row.local_port == 22 && row.v6only == PA_UNKNOWN);
	ck_assert(!pa_socket_proc_parse(four, 6, &row));
	ck_assert(!pa_socket_proc_parse("  sl  local_address rem_address", 4, &row));
	ck_assert(!pa_socket_proc_parse("", 4, &row));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reading of sockets");
	TCase *tests = tcase_create("texts");
	tcase_add_loop_test(tests, test_control_groups, 0, (int)(sizeof(paths) / sizeof(*paths)));
	tcase_add_test(tests, test_proxy);
	tcase_add_test(tests, test_socket_units);
	tcase_add_test(tests, test_message);
	tcase_add_test(tests, test_proc_table);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
