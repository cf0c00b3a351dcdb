// rooms: pa_host pa_base
// labels: root
/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What handles packets beside the rules, and other network namespaces: each made for real in a network namespace of the test's own.
 * Needs root; status 77 (skipped) without. What a kernel does not have (tcx before 6.6) is passed over, and said.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../audit/host/read.h"
#include "portaudit/host.h"

static void command(const char *text)
{
	char *whole = NULL;
	ck_assert_int_gt(asprintf(&whole, "PATH=$PATH:/sbin:/usr/sbin; %s", text), 0);
	ck_assert_msg(system(whole) == 0, "%s", text);
	free(whole);
}

static struct pa_host *enter_and_read(const char *commands)
{
	struct pa_diags diags = { 0 };
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	command("ip link add a0 type veth peer name b0 && ip link set a0 up && ip link set b0 up");
	if (commands)
		command(commands);
	struct pa_host *host = pa_host_read_live(&diags);
	ck_assert(host->surroundings_known);
	pa_diags_done(&diags);
	return host;
}

static bool lists(const char *const *items, size_t count, const char *piece)
{
	for (size_t i = 0; i < count; i++)
		if (strstr(items[i], piece))
			return true;
	return false;
}

/* Programs of the root cgroup are this machine's, not the namespace's. */
static size_t own_count(const struct pa_host *host)
{
	size_t count = 0;
	for (size_t i = 0; i < host->beside_count; i++)
		count += strstr(host->beside[i], "cgroups") == NULL;
	return count;
}

START_TEST(nothing_is_there)
{
	struct pa_host *host = enter_and_read("tc qdisc add dev a0 clsact");
	ck_assert_msg(own_count(host) == 0, "%s", host->beside_count ? host->beside[0] : "");
	ck_assert_msg(host->unseen_count == 0, "%s", host->unseen_count ? host->unseen[0] : "");
	pa_host_free(host);
}
END_TEST

START_TEST(tc_filters)
{
	struct pa_host *host =
		enter_and_read("tc qdisc add dev a0 clsact && tc filter add dev a0 ingress bpf da bytecode '1,6 0 0 0'");
	ck_assert(lists(host->beside, host->beside_count, "tc filters (bpf) on a0, incoming"));
	ck_assert_uint_eq(own_count(host), 1);
	pa_host_free(host);
}
END_TEST

START_TEST(tc_filters_on_the_way_out)
{
	struct pa_host *host =
		enter_and_read("tc qdisc add dev a0 clsact && tc filter add dev a0 egress bpf da bytecode '1,6 0 0 0'");
	ck_assert(lists(host->beside, host->beside_count, "tc filters (bpf) on a0, outgoing"));
	ck_assert_uint_eq(own_count(host), 1);
	pa_host_free(host);
}
END_TEST

START_TEST(ipsec)
{
	struct pa_host *host = enter_and_read("ip xfrm policy add dir in src 192.0.2.0/24 dst 198.51.100.0/24 action block");
	ck_assert(lists(host->beside, host->beside_count, "IPsec with 1 policy and 0 states"));
	pa_host_free(host);
}
END_TEST

/* --- programs ---------------------------------------------------------------------------------------------------------- */

enum { TCX_INGRESS = 46 };

static int bpf(enum bpf_cmd cmd, union bpf_attr *attributes)
{
	return (int)syscall(SYS_bpf, cmd, attributes, sizeof(*attributes));
}

/* r0 = answer; exit */
static int load(unsigned type, unsigned attach_type, int answer)
{
	const struct bpf_insn code[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = answer },
					 { .code = BPF_JMP | BPF_EXIT } };
	union bpf_attr attributes = { .prog_type = type,
				      .insn_cnt = 2,
				      .insns = (uintptr_t)code,
				      .license = (uintptr_t) "GPL",
				      .expected_attach_type = attach_type };
	return bpf(BPF_PROG_LOAD, &attributes);
}

static bool attach(int program, unsigned target, unsigned type)
{
	union bpf_attr attributes = { .link_create = {
					      .prog_fd = (unsigned)program, .target_fd = target, .attach_type = type } };
	return program >= 0 && bpf(BPF_LINK_CREATE, &attributes) >= 0;
}

static const struct {
	const char *said;
	unsigned program, type;
	int answer;
	bool of_namespace;
} programs[] = {
	{ "an XDP program on a0", BPF_PROG_TYPE_XDP, BPF_XDP, XDP_PASS, false },
	{ "a tcx program on a0, incoming", BPF_PROG_TYPE_SCHED_CLS, TCX_INGRESS, 0, false },
	{ "a program at sk_lookup", BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP, SK_PASS, true },
};

START_TEST(bpf_programs)
{
	struct pa_diags diags = { 0 };
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	command("ip link add a0 type veth peer name b0 && ip link set a0 up && ip link set b0 up");
	unsigned target =
		programs[_i].of_namespace ? (unsigned)open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC) : if_nametoindex("a0");
	if (!attach(load(programs[_i].program, programs[_i].type, programs[_i].answer), target, programs[_i].type)) {
		printf("passed over: %s: %s\n", programs[_i].said, strerrordesc_np(errno));
		return;
	}
	struct pa_host *host = pa_host_read_live(&diags);
	ck_assert_msg(lists(host->beside, host->beside_count, programs[_i].said), "%s", programs[_i].said);
	ck_assert_uint_eq(own_count(host), 1);
	pa_host_free(host);
	pa_diags_done(&diags);
}
END_TEST

/* --- namespaces ---------------------------------------------------------------------------------------------------------- */

/* A process in a namespace of its own, in which a command has run. */
static pid_t live_elsewhere(const char *commands)
{
	int ready[2];
	char byte = 0;
	ck_assert_int_eq(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		char *whole = NULL;
		if (unshare(CLONE_NEWNET) != 0 || asprintf(&whole, "PATH=$PATH:/sbin:/usr/sbin; %s", commands) < 0 ||
		    system(whole) != 0)
			_exit(1);
		if (write(ready[1], &byte, 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return child;
}

static bool is_found(const char *commands)
{
	char name[64];
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	pid_t child = live_elsewhere(commands);
	struct pa_host *host = pa_host_new("test");
	pa_host_read_surroundings(host);
	snprintf(name, sizeof(name), "that of process %d (", (int)child);
	bool found = lists(host->namespaces, host->namespace_count, name);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	pa_host_free(host);
	return found;
}

START_TEST(a_connected_namespace_counts)
{
	ck_assert(is_found(
		"ip link set lo up; ip link add a0 type veth peer name b0 && ip addr add 192.0.2.1/24 dev a0 && ip link set a0 up && "
		"ip link set b0 up"));
}
END_TEST

START_TEST(a_namespace_with_lo_alone_does_not)
{
	ck_assert(!is_found("ip link set lo up; ip link add a0 type veth peer name b0"));
}
END_TEST

int main(void)
{
	if (geteuid() != 0) {
		puts("skipped: not root");
		return 77;
	}
	Suite *suite = suite_create("surroundings");
	TCase *tests = tcase_create("surroundings");
	tcase_add_test(tests, nothing_is_there);
	tcase_add_test(tests, tc_filters);
	tcase_add_test(tests, tc_filters_on_the_way_out);
	tcase_add_test(tests, ipsec);
	tcase_add_loop_test(tests, bpf_programs, 0, sizeof(programs) / sizeof(*programs));
	tcase_add_test(tests, a_connected_namespace_counts);
	tcase_add_test(tests, a_namespace_with_lo_alone_does_not);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
