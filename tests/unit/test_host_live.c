// rooms: pa_host pa_base
// labels: root
/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * audit/host: what is read of the kernel, each test in a network namespace of its own with interfaces made by ip(8).
 * Needs root; status 77 (skipped) without.
 */
#include <check.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "portaudit/host.h"

static bool enter_namespace(void)
{
	return unshare(CLONE_NEWNET) == 0;
}

/* Kernels differ in the kinds of interfaces that lead nowhere. */
static const char *stub_type(void)
{
	static const char *const types[] = { "dummy", "ifb" };
	for (size_t i = 0; i < 2; i++) {
		char command[200];
		snprintf(command, sizeof(command),
			 "PATH=$PATH:/sbin:/usr/sbin; ip link add stub type %s 2>/dev/null && ip link del stub", types[i]);
		if (system(command) == 0)
			return types[i];
	}
	ck_abort_msg("this kernel has neither dummy nor ifb interfaces");
}

/* Commands of ip(8) with an option (-6 or ""); STUB stands for a type of interface. */
static void ip_batch_with(const char *option, const char *commands)
{
	const char *type = stub_type();
	char ip_command[80];
	snprintf(ip_command, sizeof(ip_command), "PATH=$PATH:/sbin:/usr/sbin ip %s -batch -", option);
	FILE *ip = popen(ip_command, "w");
	ck_assert_ptr_nonnull(ip);
	for (const char *stub; (stub = strstr(commands, "STUB")); commands = stub + 4)
		fprintf(ip, "%.*s%s", (int)(stub - commands), commands, type);
	fputs(commands, ip);
	ck_assert_int_eq(pclose(ip), 0);
}

static void ip_batch(const char *commands)
{
	ip_batch_with("", commands);
}

static void set_sysctl(const char *name, const char *value)
{
	char path[200];
	snprintf(path, sizeof(path), "/proc/sys/net/%s", name);
	FILE *file = fopen(path, "w");
	ck_assert_msg(file != NULL, "%s", path);
	fputs(value, file);
	ck_assert_int_eq(fclose(file), 0);
}

/* Duplicate address detection would keep a fresh IPv6 address tentative. */
static struct pa_host *read_after(const char *commands, struct pa_diags *diags)
{
	ck_assert(enter_namespace());
	set_sysctl("ipv6/conf/default/accept_dad", "0");
	set_sysctl("ipv6/conf/default/addr_gen_mode", "1"); /* no link-local address by itself */
	ip_batch(commands);
	struct pa_host *host = pa_host_read_live(diags);
	ck_assert(host->live);
	for (size_t i = 0; i < diags->count; i++)
		ck_assert_msg(diags->items[i].level == PA_DIAG_NOTE, "%s", diags->items[i].message);
	return host;
}

static int by_text(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Lines in the order of the alphabet: the kernel's own order is not promised. */
static void assert_lines(const char **lines, size_t count, const char *const *expected)
{
	qsort(lines, count, sizeof(*lines), by_text);
	for (size_t i = 0; i < count; i++)
		ck_assert_str_eq(lines[i], expected[i] ? expected[i] : "(nothing more)");
	ck_assert_ptr_null(expected[count]);
}

static void assert_addresses(const struct pa_host *host, const char *const *expected)
{
	const char **lines = pa_arena_alloc(host->arena, host->address_count, sizeof(*lines));
	for (size_t i = 0; i < host->address_count; i++) {
		const struct pa_host_address *own = &host->addresses[i];
		char text[PA_ADDRESS_TEXT_MAX];
		pa_address_format(own->address, own->family, text);
		lines[i] = pa_arena_printf(host->arena, "%s/%u %s%s%s", text, own->prefix_length, own->interface,
					   own->broadcast ? " broadcast" : "", own->anycast ? " anycast" : "");
	}
	assert_lines(lines, host->address_count, expected);
}

/* In the order of the list, which is that of a lookup. */
static void assert_routes(const struct pa_host *host, int family, const char *const *expected)
{
	for (size_t i = 0; i < host->route_count; i++) {
		const struct pa_host_route *route = &host->routes[i];
		if (route->family != family)
			continue;
		char to[PA_ADDRESS_RANGE_TEXT_MAX];
		pa_address_range_format(route->to, family, to);
		const char *line = pa_arena_printf(host->arena, "%s %s", to, route->interface ? route->interface : "nowhere");
		ck_assert_str_eq(line, *expected ? *expected : "(nothing more)");
		expected++;
	}
	ck_assert_msg(*expected == NULL, "missing: %s", *expected);
}

START_TEST(interfaces_and_addresses)
{
	struct pa_diags diags = { 0 };
	struct pa_host *host = read_after("link set lo up\n"
					  "link add lan0 type STUB\nlink add p2p type STUB\nlink add down0 type STUB\n"
					  "link set lan0 up\nlink set p2p up\n"
					  "address add 192.0.2.1/24 broadcast 192.0.2.255 dev lan0\n"
					  "address add 198.51.100.5/25 dev lan0\n"
					  "address add 10.0.0.1 peer 10.0.0.2/32 dev p2p\n"
					  "address add 203.0.113.9/24 dev down0\n"
					  "address add 2001:db8::5/64 dev lan0\n",
					  &diags);
	ck_assert(host->addresses_known && host->interfaces_known && host->routes_known);
	ck_assert_uint_eq(diags.count, 0);
	ck_assert_uint_eq(host->interface_count, 4);
	ck_assert_str_eq(host->interfaces[0], "lo");
	ck_assert_str_eq(host->interfaces[1], "lan0");
	static const char *const expected[] = { "10.0.0.1/32 p2p",
						"127.0.0.1/8 lo",
						"127.255.255.255/8 lo broadcast",
						"192.0.2.1/24 lan0",
						"192.0.2.255/24 lan0 broadcast",
						"198.51.100.127/25 lan0 broadcast",
						"198.51.100.5/25 lan0",
						"2001:db8::5/64 lan0",
						"203.0.113.9/24 down0",
						"::1/128 lo",
						NULL };
	assert_addresses(host, expected);
	pa_diags_done(&diags);
	pa_host_free(host);
}
END_TEST

/* "name", "=" for a bridge, "-" for a port, "<" and what is below, "!" when every packet passes that, "..." when more is below that. */
static const char *link_text(struct pa_arena *arena, const struct pa_host_link *link)
{
	struct pa_buffer text = { 0 };
	pa_buffer_printf(&text, "%s%s%s", link->name, link->bridge ? "=" : "", link->port ? "-" : "");
	for (const char *const *lower = link->lower; lower && *lower; lower++)
		pa_buffer_printf(&text, "<%s", *lower);
	pa_buffer_printf(&text, "%s%s%s", link->lower ? "" : "?", link->always ? "!" : "",
			 link->lower && !link->flat ? "..." : "");
	const char *kept = pa_arena_strdup(arena, text.data);
	pa_buffer_done(&text);
	return kept;
}

START_TEST(what_lies_on_top_of_what)
{
	struct pa_diags diags = { 0 };
	struct pa_host *host =
		read_after("link set lo up\nlink add name v0 type veth peer name v1\nlink add name br0 type bridge\n"
			   "link set v0 master br0\n"
			   "link add link v1 name mac0 type macvlan\nlink add link br0 name mac1 type macvlan\n"
			   "link add alone type STUB\n",
			   &diags);
	static const char *const expected[] = { "alone", "br0=<v0", "lo", "mac0<v1!", "mac1<br0<v0...", "v0-", "v1", NULL };
	const char **lines = pa_arena_alloc(host->arena, host->link_count, sizeof(*lines));
	ck_assert(host->links_known);
	for (size_t i = 0; i < host->link_count; i++)
		lines[i] = link_text(host->arena, &host->links[i]);
	assert_lines(lines, host->link_count, expected);
	pa_diags_done(&diags);
	pa_host_free(host);
}
END_TEST

START_TEST(what_rules_ask_of_interfaces)
{
	struct pa_diags diags = { 0 };
	struct pa_host *host = read_after("link add name v0 type veth peer name v1\nlink add name br0 type bridge\n"
					  "link set v0 group 5\nlink set br0 group 2147483647\nlink set v0 master br0\n",
					  &diags);
	static const char *const expected[] = { "br0 1 2147483647 bridge", "lo 772 0 ", "v0 1 5 veth", "v1 1 0 veth", NULL };
	const char **lines = pa_arena_alloc(host->arena, host->link_count, sizeof(*lines));
	for (size_t i = 0; i < host->link_count; i++) {
		const struct pa_host_link *link = &host->links[i];
		ck_assert(link->type_known && link->group_known && link->kind);
		lines[i] = pa_arena_printf(host->arena, "%s %u %u %s", link->name, link->type, link->group, link->kind);
	}
	assert_lines(lines, host->link_count, expected);
	pa_diags_done(&diags);
	pa_host_free(host);
}
END_TEST

START_TEST(subnet_router_anycast_of_a_forwarding_host)
{
	struct pa_diags diags = { 0 };
	ck_assert(enter_namespace());
	set_sysctl("ipv6/conf/default/accept_dad", "0");
	set_sysctl("ipv6/conf/default/addr_gen_mode", "1");
	set_sysctl("ipv6/conf/all/forwarding", "1");
	ip_batch("link set lo up\nlink add lan0 type STUB\nlink set lan0 up\naddress add 2001:db8:1::5/64 dev lan0\n");
	struct pa_host *host = pa_host_read_live(&diags);
	static const char *const expected[] = { "127.0.0.1/8 lo",
						"127.255.255.255/8 lo broadcast",
						"2001:db8:1::/64 lan0 anycast",
						"2001:db8:1::5/64 lan0",
						"::1/128 lo",
						NULL };
	assert_addresses(host, expected);
	ck_assert(host->addresses_known);
	pa_diags_done(&diags);
	pa_host_free(host);
}
END_TEST

START_TEST(routes_in_the_order_of_a_lookup)
{
	struct pa_diags diags = { 0 };
	struct pa_host *host = read_after(
		"link set lo up\nlink add lan0 type STUB\nlink add wan0 type STUB\nlink add wan1 type STUB\n"
		"link set lan0 up\nlink set wan0 up\nlink set wan1 up\n"
		"address add 192.0.2.1/24 dev lan0\naddress add 2001:db8::5/64 dev lan0\n"
		"route add default dev wan0 metric 200\nroute add default dev wan1 metric 100\n"
		"route add 10.0.0.0/8 dev wan0\nroute add 10.1.0.0/16 dev lan0\n"
		"route add unreachable 10.2.0.0/16\nroute add blackhole 10.3.0.0/16\nroute add prohibit 10.4.0.0/16\n"
		"route add 10.9.0.0/16 nexthop dev wan0 nexthop dev wan1\n"
		"route add 2001:db8:5::/48 dev wan0\nroute add default via 2001:db8::1 dev lan0\n"
		"route add blackhole 2001:db8:6::/48\n",
		&diags);
	ck_assert(host->routes_known && host->addresses_known);
	static const char *const ipv4[] = {
		"192.0.2.0/24 lan0", "10.1.0.0/16 lan0", "10.2.0.0/16 nowhere", "10.3.0.0/16 nowhere", "10.4.0.0/16 nowhere",
		"10.9.0.0/16 wan0",  "10.9.0.0/16 wan1", "10.0.0.0/8 wan0",	"0.0.0.0/0 wan1",      NULL
	};
	static const char *const ipv6[] = { "2001:db8::/64 lan0", "2001:db8:5::/48 wan0", "2001:db8:6::/48 nowhere",
					    "::/0 lan0", NULL };
	assert_routes(host, 4, ipv4);
	assert_routes(host, 6, ipv6);
	pa_diags_done(&diags);
	pa_host_free(host);
}
END_TEST

/* What the struct cannot hold is not known: never a smaller list that claims to be whole. */
static const struct {
	const char *commands;
	bool addresses_known, routes_known;
	const char *note;
} doubt_table[] = {
	{ "", true, true, NULL },
	{ "route add local 10.7.0.0/16 dev lo table local\n", false, true,
	  "which IPv4 addresses are local is not known for certain: a route that makes a whole network local" },
	{ "route add local 10.7.0.0/16 dev lo table main\n", false, true,
	  "which IPv4 addresses are local is not known for certain: a route of type local in the main table" },
	{ "route add local default dev lo table 100\n", true, true, NULL },
	{ "route add local default dev lo table 100\nrule add fwmark 1 lookup 100\n", false, false,
	  "which IPv4 addresses are local is not known for certain: a route of type local in a table of its own" },
	{ "rule add fwmark 1 lookup 100\n", true, false,
	  "where IPv4 packets are routed is not known for certain: routing rules of its own (ip rule)" },
	{ "rule add from 10.0.0.0/8 lookup main\n", true, false,
	  "where IPv4 packets are routed is not known for certain: routing rules of its own (ip rule)" },
	{ "rule add from 2001:db8::/32 lookup main\n", true, false,
	  "where IPv6 packets are routed is not known for certain: routing rules of its own (ip rule)" },
	{ "rule del pref 0\n", false, false,
	  "which IPv4 addresses are local is not known for certain: a routing rule comes before the local table (ip rule)" },
	{ "rule del pref 32766\n", true, false,
	  "where IPv4 packets are routed is not known for certain: routing rules of its own (ip rule)" },
	{ "route add 10.0.0.0/8 dev lan0 table default\n", true, false,
	  "where IPv4 packets are routed is not known for certain: there are routes in the default table" },
	{ "route add 10.0.0.0/8 dev lan0 tos 0x10\n", true, false,
	  "where IPv4 packets are routed is not known for certain: a route depends on the source or the type of service" },
};

START_TEST(what_the_lists_cannot_hold_is_unknown)
{
	ck_assert(enter_namespace());
	ip_batch("link set lo up\nlink add lan0 type STUB\nlink set lan0 up\naddress add 192.0.2.1/24 dev lan0\n");
	ip_batch_with(strstr(doubt_table[_i].commands, "2001:") ? "-6" : "-4", doubt_table[_i].commands);
	struct pa_diags diags = { 0 };
	struct pa_host *host = pa_host_read_live(&diags);
	ck_assert_int_eq(host->addresses_known, doubt_table[_i].addresses_known);
	ck_assert_int_eq(host->routes_known, doubt_table[_i].routes_known);
	ck_assert_str_eq(diags.count ? diags.items[0].message : "", doubt_table[_i].note ? doubt_table[_i].note : "");
	pa_diags_done(&diags);
	pa_host_free(host);
}
END_TEST

START_TEST(single_local_addresses_without_an_interface_are_addresses)
{
	struct pa_diags diags = { 0 };
	struct pa_host *host = read_after(
		"link set lo up\nroute add local 10.7.0.1 dev lo table local\nroute add local 2001:db8::9 dev lo table local\n",
		&diags);
	static const char *const expected[] = { "10.7.0.1/32 lo",     "127.0.0.1/8 lo", "127.255.255.255/8 lo broadcast",
						"2001:db8::9/128 lo", "::1/128 lo",	NULL };
	assert_addresses(host, expected);
	ck_assert(host->addresses_known);
	pa_diags_done(&diags);
	pa_host_free(host);
}
END_TEST

static const struct {
	const char *name, *value; /* set before reading */
	enum pa_tristate forward_ipv4, forward_ipv6, route_localnet;
} sysctl_table[] = {
	{ NULL, NULL, PA_NO, PA_NO, PA_NO },
	{ "ipv4/ip_forward", "1", PA_YES, PA_NO, PA_NO },
	{ "ipv4/conf/lan0/forwarding", "1", PA_YES, PA_NO, PA_NO },
	{ "ipv4/conf/default/forwarding", "1", PA_NO, PA_NO, PA_NO },
	{ "ipv6/conf/all/forwarding", "1", PA_NO, PA_YES, PA_NO },
	{ "ipv4/conf/lan0/route_localnet", "1", PA_NO, PA_NO, PA_YES },
	{ "ipv4/conf/all/route_localnet", "1", PA_NO, PA_NO, PA_YES },
};

/* The larger rp_filter counts, either accept_local. */
START_TEST(source_checks)
{
	ck_assert(enter_namespace());
	ip_batch("link add lan0 type STUB\nlink add lan1 type STUB\n");
	set_sysctl("ipv4/conf/all/rp_filter", "1");
	set_sysctl("ipv4/conf/lan0/rp_filter", "2");
	set_sysctl("ipv4/conf/lan1/rp_filter", "0");
	set_sysctl("ipv4/conf/all/accept_local", "0");
	set_sysctl("ipv4/conf/lan1/accept_local", "1");
	struct pa_diags diags = { 0 };
	struct pa_host *host = pa_host_read_live(&diags);
	ck_assert(host->source_checks_known);
	unsigned seen = 0;
	for (size_t i = 0; i < host->source_check_count; i++) {
		const struct pa_source_check *check = &host->source_checks[i];
		if (strncmp(check->interface, "lan", 3) != 0)
			continue;
		bool first = strcmp(check->interface, "lan0") == 0;
		ck_assert_uint_eq(check->rp_filter, first ? 2 : 1);
		ck_assert(check->accept_local == !first);
		seen++;
	}
	ck_assert_uint_eq(seen, 2);
	pa_diags_done(&diags);
	pa_host_free(host);
}
END_TEST

START_TEST(switches_of_the_kernel)
{
	ck_assert(enter_namespace());
	/* A new namespace may inherit the settings of the first one. */
	set_sysctl("ipv4/ip_forward", "0");
	set_sysctl("ipv6/conf/all/forwarding", "0");
	ip_batch("link add lan0 type STUB\n");
	if (sysctl_table[_i].name)
		set_sysctl(sysctl_table[_i].name, sysctl_table[_i].value);
	set_sysctl("ipv4/ip_local_port_range", "20000 30001");
	struct pa_diags diags = { 0 };
	struct pa_host *host = pa_host_read_live(&diags);
	ck_assert_int_eq(host->forward_ipv4, sysctl_table[_i].forward_ipv4);
	ck_assert_int_eq(host->forward_ipv6, sysctl_table[_i].forward_ipv6);
	ck_assert_int_eq(host->route_localnet, sysctl_table[_i].route_localnet);
	ck_assert(host->source_checks_known && host->source_check_count == host->interface_count);
	ck_assert_uint_eq(host->ephemeral_first, 20000);
	ck_assert_uint_eq(host->ephemeral_last, 30001);
	pa_diags_done(&diags);
	pa_host_free(host);
}
END_TEST

/* More than one buffer of the kernel, while another process adds and removes: whole lists only. */
START_TEST(large_lists_are_whole)
{
	ck_assert(enter_namespace());
	struct pa_buffer commands = { 0 };
	pa_buffer_puts(&commands, "link set lo up\nlink add lan0 type STUB\nlink set lan0 up\n");
	for (unsigned i = 0; i < 2000; i++)
		pa_buffer_printf(&commands, "address add 10.%u.%u.1/24 dev lan0\n", i / 250, i % 250);
	ip_batch(commands.data);
	pa_buffer_done(&commands);
	struct pa_diags diags = { 0 };
	struct pa_host *host = pa_host_read_live(&diags);
	ck_assert_uint_eq(diags.count, 0);
	/* each with its broadcast address; 127.0.0.1, ::1 and 127.255.255.255 */
	ck_assert_uint_eq(host->address_count, 2 * 2000 + 3 + 1);
	ck_assert_uint_eq(host->route_count, 2000 + 1);
	pa_diags_done(&diags);
	pa_host_free(host);
}
END_TEST

/* Tried in a child: a process that has entered a namespace does not get back. */
static bool namespaces_work(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(enter_namespace() ? 0 : 1);
	int status = 1;
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int main(void)
{
	if (!namespaces_work()) {
		puts("SKIPPED: a network namespace cannot be made: this test needs root");
		return 77;
	}
	Suite *suite = suite_create("host, live");
	TCase *live = tcase_create("live");
	tcase_set_timeout(live, 60);
	tcase_add_test(live, interfaces_and_addresses);
	tcase_add_test(live, what_lies_on_top_of_what);
	tcase_add_test(live, what_rules_ask_of_interfaces);
	tcase_add_test(live, subnet_router_anycast_of_a_forwarding_host);
	tcase_add_test(live, routes_in_the_order_of_a_lookup);
	tcase_add_loop_test(live, what_the_lists_cannot_hold_is_unknown, 0, sizeof(doubt_table) / sizeof(*doubt_table));
	tcase_add_test(live, single_local_addresses_without_an_interface_are_addresses);
	tcase_add_loop_test(live, switches_of_the_kernel, 0, sizeof(sysctl_table) / sizeof(*sysctl_table));
	tcase_add_test(live, source_checks);
	tcase_add_test(live, large_lists_are_whole);
	suite_add_tcase(suite, live);
	SRunner *runner = srunner_create(suite);
	srunner_set_fork_status(runner, CK_FORK);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
