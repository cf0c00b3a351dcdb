/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: portaudit pa_base
// labels: root
/*
 * PA-SPF-001 held against the kernel: packets with forged sources come in by eth0 of a namespace, where each source has a rule and a port
 * of its own. What is reported is exactly what arrived and is from inside.
 */
#include "wire.h"

#include <unistd.h>

#define FIRST_PORT 1000
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *address;
	enum { OUTSIDE, INSIDE, SEVERAL /* ways inside: what a rule says of it is open */ } place;
} sources[] = {
	{ "192.0.2.77", OUTSIDE },    { "192.0.2.1", INSIDE },
	{ "10.0.0.1", INSIDE },	      { "10.0.0.77", INSIDE },
	{ "10.0.0.255", INSIDE },     { "10.0.0.0", INSIDE },
	{ "10.9.1.1", INSIDE },	      { "10.9.9.9", OUTSIDE },
	{ "10.77.0.1", OUTSIDE },     { "203.0.113.9", OUTSIDE },
	{ "127.0.0.9", OUTSIDE },     { "8.8.8.8", OUTSIDE },
	{ "169.254.3.4", OUTSIDE },   { "172.16.1.1", SEVERAL },
	{ "172.31.1.1", OUTSIDE },    { "2001:db8:1::77", OUTSIDE },
	{ "2001:db8:1::1", INSIDE },  { "2001:db8:2::1", INSIDE },
	{ "2001:db8:2::77", INSIDE }, { "2001:db8:2::", INSIDE },
	{ "2001:db8:9::77", INSIDE }, { "2001:db8:9:9::1", OUTSIDE },
	{ "fe80::1", OUTSIDE },	      { "fe80::77", OUTSIDE },
	{ "::1", OUTSIDE },	      { "2a00::1", OUTSIDE },
};

static const char setup[] =
	"for i in eth0 lan0; do ip link add $i type veth peer name p$i && ip link set $i up && ip link set p$i up || exit 1; done\n"
	"ip link set lo up\n"
	"ip addr add 192.0.2.1/24 brd + dev eth0 && ip addr add 10.0.0.1/24 brd + dev lan0\n"
	"ip addr add 2001:db8:1::1/64 dev eth0 nodad && ip addr add 2001:db8:2::1/64 dev lan0 nodad\n"
	"ip addr add fe80::1/64 dev eth0 nodad && ip addr add fe80::2/64 dev lan0 nodad\n"
	"ip route add default via 192.0.2.254 && ip -6 route add default via 2001:db8:1::fe\n"
	"ip route add 10.9.0.0/16 via 10.0.0.2 && ip route add 10.9.9.0/24 via 192.0.2.9 && ip route add unreachable 10.77.0.0/16\n"
	"ip route add 172.16.0.0/16 nexthop dev lan0 nexthop via 10.0.0.3\n"
	"ip route add 172.31.0.0/16 nexthop via 10.0.0.3 nexthop via 192.0.2.9\n"
	"ip -6 route add 2001:db8:9::/48 dev lan0 && ip -6 route add 2001:db8:9:9::/64 dev eth0\n";

/* Where a packet goes in: an interface, the other end of its pair, and the addresses that packets are sent to. */
struct wire {
	const char *interface, *peer;
	const char *ipv4, *ipv6;
};

static unsigned add_words(const uint8_t *bytes, size_t size, unsigned sum)
{
	for (size_t i = 0; i < size; i += 2)
		sum += (unsigned)bytes[i] << 8 | bytes[i + 1];
	return sum;
}

static unsigned fold(unsigned sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16)) & 0xffff;
}

/* An empty UDP datagram to the host. */
static size_t make_packet(uint8_t *bytes, const struct wire *wire, const char *source, unsigned port)
{
	bool six = strchr(source, ':') != NULL;
	size_t header = six ? 40 : 20;
	memset(bytes, 0, 80);
	put16(bytes + header, 40000);
	put16(bytes + header + 2, port);
	put16(bytes + header + 4, 8);
	if (six) {
		bytes[0] = 0x60;
		put16(bytes + 4, 8);
		bytes[6] = 17;
		bytes[7] = 64;
		ck_assert_int_eq(inet_pton(AF_INET6, source, bytes + 8), 1);
		ck_assert_int_eq(inet_pton(AF_INET6, wire->ipv6, bytes + 24), 1);
		put16(bytes + 46, fold(add_words(bytes + 8, 40, 17 + 8)));
	} else {
		bytes[0] = 0x45;
		put16(bytes + 2, 28);
		bytes[8] = 64;
		bytes[9] = 17;
		ck_assert_int_eq(inet_pton(AF_INET, source, bytes + 12), 1);
		ck_assert_int_eq(inet_pton(AF_INET, wire->ipv4, bytes + 16), 1);
		put16(bytes + 10, fold(add_words(bytes, 20, 0)));
	}
	return header + 8;
}

static void send_packet(int descriptor, const struct wire *wire, const char *source, unsigned port)
{
	uint8_t frame[100] = { 0 };
	hardware_address(descriptor, wire->interface, frame);
	hardware_address(descriptor, wire->peer, frame + 6);
	put16(frame + 12, strchr(source, ':') ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	size_t size = 14 + make_packet(frame + 14, wire, source, port);
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(wire->peer), .sll_halen = 6 };
	ck_assert_int_eq(sendto(descriptor, frame, size, 0, (struct sockaddr *)&to, sizeof(to)), (ssize_t)size);
}

/* Which of the ports from `first` on a command writes, each behind `before` at the beginning of a line or anywhere (""). */
static void read_ports(const char *command, const char *before, unsigned first, bool *in, size_t count)
{
	char line[65536];
	FILE *pipe = popen(command, "r");
	ck_assert(pipe != NULL);
	while (fgets(line, sizeof(line), pipe)) {
		size_t length = strlen(before);
		if (strncmp(line, before, length) != 0)
			continue;
		unsigned long port = strtoul(line + length, NULL, 10);
		if (port >= first && port < first + count)
			in[port - first] = true;
	}
	pclose(pipe);
}

/* The ports in a set of table inet judge. */
static void read_set(const char *name, unsigned first, bool *in, size_t count)
{
	char command[100];
	snprintf(command, sizeof(command), "nft -n list set inet judge %s | tr -cs 0-9 '\\n'", name);
	read_ports(command, "", first, in, count);
}

static const struct wire wire = { "eth0", "peth0", "192.0.2.1", "2001:db8:1::1" };

static void load_rules(const char *prerouting)
{
	FILE *pipe = popen("nft -f -", "w");
	ck_assert(pipe != NULL);
	fprintf(pipe,
		"table inet judge {\n set seen { type inet_service; flags dynamic; size 9999; }\n"
		" chain pre { type filter hook prerouting priority -150; policy accept;\n  %s\n }\n"
		" chain input { type filter hook input priority 0; policy drop;\n",
		prerouting);
	for (unsigned i = 0; i < COUNT(sources); i++)
		fprintf(pipe, "  %s saddr %s udp dport %u accept\n", strchr(sources[i].address, ':') ? "ip6" : "ip",
			sources[i].address, FIRST_PORT + i);
	fputs(" }\n chain last { type filter hook input priority 10; policy accept;\n"
	      "  udp dport 1000-1999 add @seen { udp dport }\n }\n}\n",
	      pipe);
	ck_assert_int_eq(pclose(pipe), 0);
}

static char policy[64];

static unsigned compare(const char *what, unsigned *ret_reported)
{
	bool seen[COUNT(sources)] = { false }, found[COUNT(sources)] = { false };
	char command[400];
	unsigned wrong = 0;
	read_set("seen", FIRST_PORT, seen, COUNT(seen));
	snprintf(command, sizeof(command), "%s check -p %s --check PA-SPF-001 --sockets none --color never 2>&1", PA_PROGRAM,
		 policy);
	read_ports(command, "    traffic  ", FIRST_PORT, found, COUNT(found));
	for (unsigned i = 0; i < COUNT(sources); i++) {
		*ret_reported += found[i];
		if (found[i] == (seen[i] && sources[i].place != OUTSIDE) || (found[i] && sources[i].place == SEVERAL))
			continue;
		printf("%s: %s %s, and is %sreported\n", what, sources[i].address, seen[i] ? "arrives" : "does not arrive",
		       found[i] ? "" : "not ");
		wrong++;
	}
	fflush(stdout);
	return wrong;
}

static const struct {
	const char *name;
	unsigned all, own, accept_local;
	const char *prerouting;
	unsigned reported;
} table[] = {
	{ "off", 0, 0, 0, "", 5 + 5 },
	{ "strict", 0, 1, 0, "", 5 },
	{ "strict for all", 1, 0, 0, "", 5 },
	{ "loose", 2, 0, 0, "", 4 + 5 },
	{ "loose before strict", 2, 1, 0, "", 4 + 5 },
	{ "own addresses", 0, 0, 1, "", 7 + 5 },
	{ "a rule", 0, 0, 0, "iifname \"eth0\" fib saddr . iif oif missing drop", 0 },
	{ "a rule for IPv6", 1, 0, 0, "iifname \"eth0\" meta nfproto ipv6 fib saddr . iif oif missing drop", 0 },
};

START_TEST(kernel_agrees)
{
	unsigned reported = 0;
	enter_namespace(setup);
	set_sysctl("ipv4/conf/all/rp_filter", table[_i].all);
	set_sysctl("ipv4/conf/eth0/rp_filter", table[_i].own);
	set_sysctl("ipv4/conf/eth0/accept_local", table[_i].accept_local);
	load_rules(table[_i].prerouting);
	snprintf(policy, sizeof(policy), "/tmp/portaudit-spoof-XXXXXX");
	int file = mkstemp(policy), descriptor = socket(AF_PACKET, SOCK_RAW, 0);
	ck_assert(file >= 0 && descriptor >= 0);
	dprintf(file, "allow any from any\n");
	close(file);
	for (unsigned i = 0; i < COUNT(sources); i++)
		send_packet(descriptor, &wire, sources[i].address, FIRST_PORT + i);
	usleep(100000);
	unsigned wrong = compare(table[_i].name, &reported);
	unlink(policy);
	close(descriptor);
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_eq(reported, table[_i].reported);
}
END_TEST

int main(void)
{
	if (geteuid() != 0) {
		puts("NOT RUN: this needs root and network namespaces");
		return 77;
	}
	Suite *suite = suite_create("spoof");
	TCase *tests = tcase_create("spoof");
	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, kernel_agrees, 0, COUNT(table));
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
