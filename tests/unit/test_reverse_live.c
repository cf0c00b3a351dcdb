/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: portaudit pa_evaluate pa_host pa_space pa_ir pa_base
// labels: root
/*
 * The reverse path as the kernel has it: packets of many sources come in by three interfaces of a namespace, where rules of nft
 * and of iptables write down what `fib saddr . iif oif`, `fib saddr oif` and -m rpfilter say of each.
 */
#include "../../audit/evaluate/reverse.h"

#include "forged.h"

#include <unistd.h>

#define FIRST_PORT 1000
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct wire wires[] = { { "eth0", "p0", "192.0.2.1", "2001:db8::1" },
				     { "eth1", "p1", "192.0.2.1", "2001:db8::1" },
				     { "eth2", "p2", "192.0.2.1", "2001:db8::1" } };
static const char *const sources[] = {
	"192.0.2.9",	  "192.0.2.1",	     "192.0.2.255",   "198.51.100.9",	 "198.51.100.1",  "10.1.2.3",  "10.9.1.1",
	"203.0.113.9",	  "172.16.3.4",	     "100.64.1.1",    "8.8.8.8",	 "0.0.0.0",	  "224.0.0.5", "127.0.0.9",
	"172.31.255.255", "2001:db8::9",     "2001:db8::1",   "2001:db8::",	 "2001:db8:1::9", "fe80::9",   "fe80::1",
	"fe80:0:0:1::1",  "2001:db8:f::1",   "2001:db8:a::1", "2001:db8:b:2::1", "2a00::1",	  "::",	       "::1",
	"240.0.0.1",	  "255.255.255.255", "224.1.2.3",     "fe80::2",	 "fe90::1",	  "febf::1",   "ff02::9",
};

static const char setup[] =
	"for i in 0 1 2; do ip link add eth$i type veth peer name p$i && ip link set eth$i up && ip link set p$i up || exit 1; done\n"
	"ip link set lo up\n"
	"ip addr add 192.0.2.1/24 brd + dev eth0 && ip addr add 198.51.100.1/24 dev eth1 && ip addr add 10.0.0.1/8 dev eth2\n"
	"ip addr add 2001:db8::1/64 dev eth0 nodad && ip addr add 2001:db8:1::1/64 dev eth1 nodad\n"
	"ip addr add fe80::1/64 dev eth0 nodad && ip addr add fe80::2/64 dev eth1 nodad\n"
	"ip route add default via 192.0.2.254 && ip route add unreachable 203.0.113.0/24 && ip route add throw 100.64.0.0/10\n"
	"ip route add 10.9.0.0/16 dev eth0 metric 5 && ip route add 10.9.0.0/16 dev eth1 metric 1\n"
	"ip route add 172.16.0.0/12 nexthop dev eth0 nexthop dev eth1\n"
	"ip -6 route add default via 2001:db8:1::fe && ip -6 route add blackhole 2001:db8:f::/48\n"
	"ip -6 route add 2001:db8:a::/48 dev eth2 && ip -6 route add 2001:db8:b::/48 dev eth0 && "
	"ip -6 route add 2001:db8:b:2::/64 dev eth2\n"
	"nft -f - <<'END'\n"
	"table inet judge {\n"
	" set strict { type inet_service; flags dynamic; size 9999; }\n"
	" set loose { type inet_service; flags dynamic; size 9999; }\n"
	" set marked { type inet_service; flags dynamic; size 9999; }\n"
	" set rpfilter { type inet_service; flags dynamic; size 9999; }\n"
	" set rploose { type inet_service; flags dynamic; size 9999; }\n"
	" set seen { type inet_service; flags dynamic; size 9999; }\n"
	" chain pre { type filter hook prerouting priority -250;\n"
	"  udp dport 1000-9999 add @seen { udp dport }\n"
	"  udp dport 1000-9999 fib saddr . iif oif exists add @strict { udp dport }\n"
	"  udp dport 1000-9999 fib saddr . mark . iif oif exists add @marked { udp dport }\n"
	"  udp dport 1000-9999 fib saddr oif exists add @loose { udp dport }\n"
	"  udp dport 1000-9999 mark & 1 == 1 add @rpfilter { udp dport }\n"
	"  udp dport 1000-9999 mark & 2 == 2 add @rploose { udp dport }\n"
	" }\n"
	"}\n"
	"END\n"
	"for t in iptables ip6tables; do\n"
	" $t -t raw -A PREROUTING -p udp -m rpfilter -j MARK --or-mark 1 2>/dev/null || "
	"{ $t -t mangle -A PREROUTING -p udp -m rpfilter -j MARK --or-mark 1; }\n"
	" $t -t raw -A PREROUTING -p udp -m rpfilter --loose -j MARK --or-mark 2 2>/dev/null || "
	"{ $t -t mangle -A PREROUTING -p udp -m rpfilter --loose -j MARK --or-mark 2; }\n"
	"done\n";

/* 1, 0 or -1, as the regions have it. */
static int expected(const struct pa_reverse_region *regions, size_t count, const char *source, const char *interface)
{
	pa_u128 address;
	int family;
	ck_assert(pa_address_parse(source, &address, &family));
	for (size_t i = 0; i < count; i++) {
		const struct pa_reverse_region *region = &regions[i];
		if (region->family != family || address < region->from.first || address > region->from.last)
			continue;
		for (size_t k = 0; k < region->count; k++)
			if (strcmp(region->interfaces[k], interface) == 0)
				return 1;
		return region->any ? 1 : region->unknown ? -1 : 0;
	}
	return 0;
}

static unsigned compare(const struct pa_host *host, enum pa_reverse kind, const char *set, unsigned *ret_known)
{
	bool in[COUNT(sources) * COUNT(wires)] = { false };
	const struct pa_reverse_region *regions;
	struct pa_arena *arena = pa_arena_new();
	size_t count = pa_reverse_regions(host, kind, arena, &regions);
	unsigned wrong = 0;
	ck_assert(count > 0);
	read_set(set, FIRST_PORT, in, COUNT(in));
	for (unsigned i = 0; i < COUNT(in); i++) {
		const char *source = sources[i / COUNT(wires)], *interface = wires[i % COUNT(wires)].interface;
		int said = expected(regions, count, source, interface);
		*ret_known += said >= 0;
		if (said < 0 || said == in[i])
			continue;
		printf("%s: %s by %s: the kernel says %d, the regions %d\n", set, source, interface, in[i], said);
		wrong++;
	}
	pa_arena_free(arena);
	return wrong;
}

START_TEST(kernel_agrees)
{
	struct pa_diags diags = { 0 };
	bool seen[COUNT(sources) * COUNT(wires)] = { false };
	enter_namespace(setup);
	struct pa_host *host = pa_host_read_live(&diags);
	ck_assert(host->routes_known && host->addresses_known);
	int descriptor = socket(AF_PACKET, SOCK_RAW, 0);
	for (unsigned i = 0; i < COUNT(seen); i++)
		send_packet(descriptor, &wires[i % COUNT(wires)], sources[i / COUNT(wires)], FIRST_PORT + i);
	usleep(200000);
	read_set("seen", FIRST_PORT, seen, COUNT(seen));
	for (unsigned i = 0; i < COUNT(seen); i++)
		if (!seen[i])
			printf("%s by %s did not arrive\n", sources[i / COUNT(wires)], wires[i % COUNT(wires)].interface);
	unsigned known = 0, wrong = compare(host, PA_REVERSE_STRICT, "strict", &known) +
				    compare(host, PA_REVERSE_STRICT, "marked", &known) +
				    compare(host, PA_REVERSE_LOOSE, "loose", &known) +
				    compare(host, PA_REVERSE_XT_STRICT, "rpfilter", &known) +
				    compare(host, PA_REVERSE_XT_LOOSE, "rploose", &known);
	printf("%u answers known of %zu\n", known, 5 * COUNT(seen));
	fflush(stdout);
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_ge(known, 5 * COUNT(seen) / 2);
	close(descriptor);
	pa_host_free(host);
	pa_diags_done(&diags);
}
END_TEST

/* What `portaudit list` prints of the namespace after these commands of a shell. */
static void list_after(const char *commands, char *out, size_t room)
{
	enter_namespace(commands);
	FILE *pipe = popen(PA_PROGRAM " list --now 2026-11-28T12:00:00Z --color never 2>&1", "r");
	ck_assert(pipe != NULL);
	size_t size = fread(out, 1, room - 1, pipe);
	out[size] = '\0';
	ck_assert_msg(pclose(pipe) == 0, "%s", out);
}

#define HOST                                                                                                         \
	"ip link add eth0 type veth peer name p0 && ip link set eth0 up && ip link set p0 up && ip link set lo up\n" \
	"ip addr add 2001:db8::1/64 dev eth0 nodad && ip addr add 192.0.2.1/24 dev eth0\n"                           \
	"ip -6 route add default via 2001:db8::fe && ip route add default via 192.0.2.254\n"
#define INPUT                                                              \
	" chain input { type filter hook input priority 0; policy drop;\n" \
	"  meta day \"Saturday\" meta hour \"11:00\"-\"13:00\" tcp dport 22 accept\n  meta day \"Sunday\" tcp dport 80 accept\n }\n}\n"

/* From the kernel's listing to the answer: nothing is left open, and IPv6 comes in over eth0 only, on a Saturday. */
START_TEST(nothing_is_open)
{
	char text[8192];
	list_after(HOST "nft -f - <<'END'\ntable inet t {\n"
			" chain pre { type filter hook prerouting priority -150; policy accept;\n"
			"  meta nfproto ipv6 fib saddr . mark . iif oif missing drop\n }\n" INPUT "END\n",
		   text, sizeof(text));
	ck_assert_msg(!strstr(text, "possible") && !strstr(text, "Not decided"), "%s", text);
	ck_assert_msg(strstr(text, "22/tcp") && strstr(text, "2001:db8::2-feff:") && strstr(text, "eth0"), "%s", text);
	ck_assert_msg(strstr(text, "anywhere (IPv4)") && !strstr(text, "80/tcp"), "%s", text);
}
END_TEST

START_TEST(nothing_is_open_behind_iptables)
{
	char text[8192];
	list_after(HOST "ip6tables-nft -t mangle -A PREROUTING -m rpfilter --invert -j DROP || exit 1\n"
			"nft -f - <<'END'\ntable inet t {\n" INPUT "END\n",
		   text, sizeof(text));
	ck_assert_msg(!strstr(text, "possible") && !strstr(text, "Not decided"), "%s", text);
	ck_assert_msg(strstr(text, "22/tcp") && strstr(text, "2001:db8::2-feff:") && strstr(text, "eth0"), "%s", text);
	ck_assert_msg(strstr(text, "anywhere (IPv4)") && !strstr(text, "80/tcp"), "%s", text);
}
END_TEST

int main(void)
{
	if (geteuid() != 0) {
		puts("NOT RUN: this needs root and network namespaces");
		return 77;
	}
	Suite *suite = suite_create("reverse");
	TCase *tests = tcase_create("reverse");
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, kernel_agrees);
	tcase_add_test(tests, nothing_is_open);
	tcase_add_test(tests, nothing_is_open_behind_iptables);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
