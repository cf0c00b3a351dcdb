/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_reports pa_ir pa_allow pa_compare pa_evaluate pa_space pa_host pa_base
/* Who listens, in the table and in JSON: the join of rows and sockets, and its words. */
#include "test_report_fixture.h"

#include "portaudit/socket.h"

static struct fixture f;
static struct pa_style style;
static struct pa_sockets *sockets;
static struct pa_host *host;

static void setup(void)
{
	struct pa_diags diags = { 0 };
	fixture_open(&f);
	style = (struct pa_style){ .width = 0 };
	sockets = pa_sockets_new("a test");
	host = pa_host_new("web1");
	ck_assert(pa_host_add_self(host, "192.0.2.1", &diags));
	pa_diags_done(&diags);
}

static void teardown(void)
{
	pa_host_free(host);
	pa_sockets_free(sockets);
	fixture_close(&f);
}

static size_t add(unsigned protocol, const char *address, unsigned port)
{
	struct pa_listener listener = { .protocol = protocol,
					.family = 6,
					.port = port,
					.any_address = !address,
					.v6only = PA_NO,
					.processes_known = true };
	if (address) {
		listener.address = fixture_address(address);
		listener.family = strchr(address, ':') ? 6 : 4;
	}
	return pa_sockets_add_listener(sockets, &listener);
}

static void hold(size_t listener, uint32_t pid, const char *command, const char *user, uint32_t uid)
{
	const struct pa_process process = {
		.pid = pid, .command = command, .ids_known = true, .user = user, .effective_uid = uid
	};
	pa_sockets_hold(sockets, listener, pa_sockets_add_process(sockets, &process));
}

/* A row for a range of TCP ports from anywhere, on any interface but lo. */
static struct pa_row row_of(int family, unsigned first, unsigned last)
{
	struct pa_row row = fixture_row(&f, family, 6, first, fixture_rule(&f, &f.input, first, "accept"));
	struct pa_interval ports = { first, last };
	row.box.field[PA_FIELD_DPORT] = fixture_ranges(&f, 1, &ports);
	return row;
}

static char *shown(struct pa_row *rows, size_t count, enum pa_format format)
{
	for (unsigned protocol = 6; protocol <= 17; protocol += 11)
		for (int family = 4; family <= 6; family += 2)
			pa_sockets_add_coverage(sockets, protocol, family);
	pa_sockets_finish(sockets);
	host->sockets = sockets;
	f.report.rows = rows;
	f.report.row_count = count;
	f.report.sockets = sockets;
	pa_join_listeners(rows, count, host, NULL, f.arena, &f.report.unreached);
	return fixture_format(&f, format, &style);
}

static void check_holds(char *is, const char *part)
{
	ck_assert_msg(strstr(is, part) != NULL, "no '%s' in\n%.3000s", part, is);
}

START_TEST(programs_users_and_ports)
{
	size_t web = add(6, NULL, 80), app = add(6, NULL, 8080);
	struct pa_row rows[] = { row_of(4, 80, 80), row_of(4, 1000, 9999), row_of(4, 443, 443) };
	hold(web, 10, "nginx", "root", 0);
	hold(web, 11, "nginx", "www-data", 33);
	hold(web, 12, "nginx", "www-data", 33);
	hold(app, 20, "java", NULL, 1001);
	char *is = shown(rows, 3, PA_FORMAT_TEXT);
	check_holds(is, "nginx (root, www-data)  ");
	check_holds(is, "java (uid 1001) 8080  ");
	check_holds(is, "  nobody  ");
	free(is);
}
END_TEST

/* Whom a proxy works for, and which service systemd keeps a socket for, count more than who has the socket. */
START_TEST(real_services)
{
	struct pa_row rows[] = { row_of(4, 80, 80), row_of(4, 81, 81), row_of(4, 22, 22) };
	for (unsigned i = 0; i < 2; i++) {
		const struct pa_process proxy = { .pid = 40 + i,
						  .command = "docker-proxy",
						  .ids_known = true,
						  .user = "root",
						  .proxy_family = 4,
						  .proxy_address = fixture_address("172.17.0.2") + i,
						  .proxy_port = 8080 };
		pa_sockets_hold(sockets, add(6, NULL, 80 + i), pa_sockets_add_process(sockets, &proxy));
	}
	const struct pa_listener ssh = { .protocol = 6,
					 .family = 6,
					 .any_address = true,
					 .v6only = PA_NO,
					 .port = 22,
					 .processes_known = true,
					 .unit = "ssh.socket",
					 .activates = "ssh.service" };
	const struct pa_process manager = { .pid = 1, .command = "systemd", .ids_known = true, .is_service_manager = true };
	pa_sockets_hold(sockets, pa_sockets_add_listener(sockets, &ssh), pa_sockets_add_process(sockets, &manager));
	char *is = shown(rows, 3, PA_FORMAT_TEXT);
	check_holds(is, "docker-proxy for 172.17.0.2:8080 (root)");
	check_holds(is, "docker-proxy for 172.17.0.3:8080 (root)");
	check_holds(is, "ssh.service (on demand)");
	free(is);
	is = shown(rows, 1, PA_FORMAT_JSON);
	check_holds(is, "\"proxied\":\"172.17.0.2:8080\"");
	free(is);
}
END_TEST

/* Few ports, named one by one: those that nobody serves are told; not of ranges, and not where sockets may be missing. */
START_TEST(ports_that_nobody_serves)
{
	struct pa_interval ports[] = { { 22, 22 }, { 443, 443 }, { 8443, 8443 } };
	struct pa_row rows[] = { row_of(4, 22, 22), row_of(4, 1000, 9999) };
	rows[0].box.field[PA_FIELD_DPORT] = fixture_ranges(&f, 3, ports);
	hold(add(6, NULL, 22), 10, "sshd", "root", 0);
	hold(add(6, NULL, 2000), 11, "app", "app", 1001);
	char *is = shown(rows, 2, PA_FORMAT_TEXT);
	check_holds(is, "sshd (root) 22; nobody 443, 8443  ");
	check_holds(is, "app (app) 2000  ");
	free(is);
}
END_TEST

START_TEST(a_narrow_terminal)
{
	struct pa_row rows[] = { row_of(4, 80, 80), row_of(6, 80, 80) };
	rows[1].rules = rows[0].rules;
	hold(add(6, NULL, 80), 10, "nginx", "root", 0);
	style.width = 80;
	char *is = shown(rows, 2, PA_FORMAT_TEXT);
	check_holds(is, "\n    listening: nginx (root)\n");
	ck_assert_ptr_null(strstr(is, "LISTENER"));
	free(is);
}
END_TEST

START_TEST(who_is_not_reached)
{
	struct pa_row rows[] = { row_of(4, 80, 80) };
	hold(add(6, "127.0.0.1", 5432), 30, "postgres", "postgres", 105);
	hold(add(6, "::1", 5432), 30, "postgres", "postgres", 105);
	hold(add(6, "192.0.2.1", 631), 31, "cupsd", "root", 0);
	hold(add(6, "127.0.0.1", 80), 32, "proxy", "proxy", 13);
	add(17, NULL, 40000); /* a client's */
	char *is = shown(rows, 1, PA_FORMAT_TEXT);
	check_holds(is, "  - refused by the rules: cupsd 631/tcp\n");
	check_holds(is, "  - on loopback alone: proxy 80/tcp; postgres 5432/tcp\n");
	check_holds(is, "  nobody  ");
	free(is);
}
END_TEST

/* The target of a redirect, an address that is not the listener's, an interface. */
START_TEST(boxes_are_honoured)
{
	struct pa_row rows[] = { row_of(4, 80, 80), row_of(4, 81, 81), row_of(4, 82, 82), row_of(6, 83, 83) };
	rows[0].has_target = true;
	rows[0].target = (struct pa_target){ .to_self = true, .has_port = true, .port = { 8080, 8080 } };
	rows[1].box.field[PA_FIELD_DADDR] = fixture_prefix(&f, "198.51.100.1", 32);
	rows[2].box.field[PA_FIELD_IIFNAME] = fixture_name(&f, "eth1");
	hold(add(6, NULL, 8080), 1, "target", "u", 1);
	hold(add(6, NULL, 80), 2, "passed-by", "u", 1);
	hold(add(6, "192.0.2.1", 81), 3, "elsewhere", "u", 1);
	const struct pa_listener bound = { .protocol = 6, .family = 4, .port = 82, .any_address = true, .interface = "eth0" };
	pa_sockets_add_listener(sockets, &bound);
	const struct pa_listener four = { .protocol = 6, .family = 4, .port = 83, .any_address = true };
	pa_sockets_add_listener(sockets, &four);
	free(shown(rows, 4, PA_FORMAT_TEXT));
	ck_assert_uint_eq(rows[0].facts->listener_count, 1);
	ck_assert_uint_eq(rows[0].facts->listeners[0]->port, 8080);
	for (size_t i = 1; i < 4; i++)
		ck_assert_uint_eq(rows[i].facts->listener_count, 0);
	ck_assert_uint_eq(f.report.unreached.refused_count, 4);
}
END_TEST

START_TEST(loopback_with_route_localnet)
{
	struct pa_row rows[] = { row_of(4, 5432, 5432) };
	hold(add(6, "127.0.0.1", 5432), 30, "postgres", "postgres", 105);
	host->route_localnet = PA_YES;
	free(shown(rows, 1, PA_FORMAT_TEXT));
	ck_assert_uint_eq(rows[0].facts->listener_count, 1);
}
END_TEST

START_TEST(json)
{
	struct pa_row rows[] = { row_of(4, 40000, 40000), row_of(4, 22, 22) };
	host->ephemeral_first = 32768;
	host->ephemeral_last = 60999;
	hold(add(6, "192.0.2.1", 22), 811, "sshd", "root", 0);
	char *is = shown(rows, 2, PA_FORMAT_JSON);
	check_holds(is, "\"class\":\"ephemeral\",\"listeners\":[]}");
	check_holds(
		is,
		"\"class\":\"system\",\"listeners\":[{\"pid\":811,\"command\":\"sshd\",\"exe\":null,\"user\":\"root\",\"unit\":null,"
		"\"address\":\"192.0.2.1\",\"port\":22}]}");
	free(is);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report_listeners");
	TCase *group = tcase_create("listeners");
	tcase_add_checked_fixture(group, setup, teardown);
	tcase_add_test(group, programs_users_and_ports);
	tcase_add_test(group, real_services);
	tcase_add_test(group, ports_that_nobody_serves);
	tcase_add_test(group, a_narrow_terminal);
	tcase_add_test(group, who_is_not_reached);
	tcase_add_test(group, boxes_are_honoured);
	tcase_add_test(group, loopback_with_route_localnet);
	tcase_add_test(group, json);
	suite_add_tcase(suite, group);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
