/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_host pa_base
/* The table of listeners: its order, who holds what, whom a listener serves. */
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "portaudit/socket.h"

static pa_u128 address(const char *text)
{
	pa_u128 value;
	int family;
	ck_assert(pa_address_parse(text, &value, &family));
	return value;
}

static size_t add(struct pa_sockets *sockets, unsigned protocol, int family, const char *local, unsigned port)
{
	struct pa_listener listener = { .protocol = protocol, .family = family, .port = port, .any_address = !local };
	if (local)
		listener.address = address(local);
	return pa_sockets_add_listener(sockets, &listener);
}

START_TEST(test_order_and_processes)
{
	struct pa_sockets *sockets = pa_sockets_new("a test");
	size_t udp = add(sockets, IPPROTO_UDP, 4, NULL, 53), https = add(sockets, IPPROTO_TCP, 6, NULL, 443),
	       ssh = add(sockets, IPPROTO_TCP, 4, "192.0.2.1", 22);
	const struct pa_process late = { .pid = 900, .command = "nginx" }, early = { .pid = 7, .command = "sshd" };
	size_t nginx = pa_sockets_add_process(sockets, &late), sshd = pa_sockets_add_process(sockets, &early);
	ck_assert_uint_eq(pa_sockets_add_process(sockets, &late), nginx);
	pa_sockets_hold(sockets, https, nginx);
	pa_sockets_hold(sockets, https, sshd);
	pa_sockets_hold(sockets, https, nginx);
	pa_sockets_hold(sockets, udp, nginx);
	pa_sockets_hold(sockets, ssh, sshd);
	pa_sockets_finish(sockets);
	ck_assert_uint_eq(sockets->process_count, 2);
	ck_assert_str_eq(sockets->processes[0].command, "sshd");
	ck_assert_uint_eq(sockets->listeners[0].port, 22);
	ck_assert_uint_eq(sockets->listeners[1].port, 443);
	ck_assert_uint_eq(sockets->listeners[2].port, 53);
	ck_assert_uint_eq(sockets->listeners[1].process_count, 2);
	ck_assert_uint_eq(sockets->listeners[1].processes[0], 0);
	ck_assert_uint_eq(sockets->listeners[1].processes[1], 1);
	ck_assert_uint_eq(sockets->listeners[2].process_count, 1);
	ck_assert_uint_eq(sockets->listeners[2].processes[0], 1);
	ck_assert_int_eq(sockets->listeners[1].reuseport, PA_UNKNOWN);
	pa_sockets_free(sockets);
}
END_TEST

START_TEST(test_many_processes)
{
	struct pa_sockets *sockets = pa_sockets_new("a test");
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 5000; i++) {
			const struct pa_process process = { .pid = 4096 * (5000 - i) };
			ck_assert_uint_eq(pa_sockets_add_process(sockets, &process), i);
		}
	pa_sockets_finish(sockets);
	ck_assert_uint_eq(sockets->process_count, 5000);
	for (size_t i = 0; i < 5000; i++)
		ck_assert_uint_eq(sockets->processes[i].pid, 4096 * (i + 1));
	pa_sockets_free(sockets);
}
END_TEST

START_TEST(test_shared_and_summed)
{
	struct pa_sockets *sockets = pa_sockets_new("a test");
	add(sockets, IPPROTO_TCP, 4, NULL, 80);
	add(sockets, IPPROTO_TCP, 6, NULL, 80);
	add(sockets, IPPROTO_TCP, 4, NULL, 80);
	struct pa_connections one = { .protocol = IPPROTO_TCP, .family = 4, .remote_port = 5432, .count = 3, .time_wait = 1 };
	one.local = address("192.0.2.1");
	one.remote = address("198.51.100.7");
	pa_sockets_add_connections(sockets, &one);
	pa_sockets_add_connections(sockets, &one);
	one.remote_port = 80;
	pa_sockets_add_connections(sockets, &one);
	pa_sockets_finish(sockets);
	ck_assert_int_eq(sockets->listeners[0].reuseport, PA_YES);
	ck_assert_int_eq(sockets->listeners[1].reuseport, PA_YES);
	ck_assert_int_eq(sockets->listeners[2].reuseport, PA_UNKNOWN);
	ck_assert_uint_eq(sockets->connection_count, 2);
	ck_assert_uint_eq(sockets->connections[0].remote_port, 80);
	ck_assert_uint_eq(sockets->connections[1].count, 6);
	ck_assert_uint_eq(sockets->connections[1].time_wait, 2);
	pa_sockets_free(sockets);
}
END_TEST

START_TEST(test_takes)
{
	struct pa_listener any6 = { .family = 6, .any_address = true, .v6only = PA_UNKNOWN };
	ck_assert(pa_listener_takes(&any6, 4, address("192.0.2.1"), NULL));
	ck_assert(pa_listener_takes(&any6, 6, address("2001:db8::1"), "eth0"));
	any6.v6only = PA_YES;
	ck_assert(!pa_listener_takes(&any6, 4, address("192.0.2.1"), NULL));
	struct pa_listener bound = { .family = 4, .address = address("192.0.2.1"), .interface = "eth0" };
	ck_assert(pa_listener_takes(&bound, 4, address("192.0.2.1"), "eth0"));
	ck_assert(pa_listener_takes(&bound, 4, address("192.0.2.1"), NULL));
	ck_assert(!pa_listener_takes(&bound, 4, address("192.0.2.1"), "eth1"));
	ck_assert(!pa_listener_takes(&bound, 4, address("192.0.2.2"), "eth0"));
	ck_assert(!pa_listener_takes(&bound, 6, address("2001:db8::1"), "eth0"));
}
END_TEST

START_TEST(test_coverage)
{
	struct pa_sockets *sockets = pa_sockets_new("a test");
	ck_assert(!pa_sockets_cover(NULL, IPPROTO_TCP, 4));
	pa_sockets_add_coverage(sockets, IPPROTO_UDP, 6);
	pa_sockets_add_coverage(sockets, IPPROTO_TCP, 4);
	ck_assert(!pa_sockets_cover(sockets, IPPROTO_TCP, 4)); /* an IPv6 socket may take IPv4 */
	pa_sockets_add_coverage(sockets, IPPROTO_TCP, 6);
	pa_sockets_add_coverage(sockets, IPPROTO_TCP, 6);
	ck_assert(pa_sockets_cover(sockets, IPPROTO_TCP, 4));
	ck_assert(pa_sockets_cover(sockets, IPPROTO_UDP, 6));
	pa_sockets_finish(sockets);
	ck_assert(!sockets->listeners_complete);
	ck_assert_uint_eq(sockets->coverage_count, 3);
	ck_assert_uint_eq(sockets->coverage[0].protocol, IPPROTO_TCP);
	ck_assert_int_eq(sockets->coverage[0].family, 4);
	pa_sockets_add_coverage(sockets, IPPROTO_UDP, 4);
	pa_sockets_finish(sockets);
	ck_assert(sockets->listeners_complete);
	pa_sockets_free(sockets);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("socket table");
	TCase *tests = tcase_create("table");
	tcase_add_test(tests, test_order_and_processes);
	tcase_add_test(tests, test_many_processes);
	tcase_add_test(tests, test_shared_and_summed);
	tcase_add_test(tests, test_takes);
	tcase_add_test(tests, test_coverage);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
