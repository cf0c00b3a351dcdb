/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_load pa_evaluate pa_space pa_host pa_ir pa_base
// labels: root
/*
 * Chains of netdev and bridge tables against the kernel, where the host is known: a plain interface, a bridge with one port and a
 * macvlan. Packets come in over the wire's ends, which are in the same namespace, and leave to them; what gets through is what the walk
 * must say.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "portaudit/evaluate.h"
#include "portaudit/load.h"

#define FIRST_PORT 1000
#define LAST_PORT 1060
#define PORTS (LAST_PORT - FIRST_PORT + 1)

static const char links[] = "ip link set lo up\n"
			    "ip link add name wire0 type veth peer name eth0\n"
			    "ip link add name wire1 type veth peer name port1\n"
			    "ip link add name wire2 type veth peer name eth2\n"
			    "ip link add name br1 address 02:00:00:00:01:01 type bridge mcast_snooping 0\n"
			    "ip link set eth0 address 02:00:00:00:00:01\n"
			    "ip link set port1 master br1\n"
			    "ip link add link eth2 name top2 address 02:00:00:00:02:01 type macvlan mode bridge\n"
			    "for i in wire0 wire1 wire2 eth0 port1 eth2 br1 top2; do ip link set $i up; done\n"
			    "ip addr add 192.0.2.1/24 dev eth0; ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:99 dev eth0\n"
			    "ip addr add 198.51.100.1/24 dev br1; ip neigh add 198.51.100.9 lladdr 02:00:00:00:01:99 dev br1\n"
			    "ip addr add 203.0.113.1/24 dev top2; ip neigh add 203.0.113.9 lladdr 02:00:00:00:02:99 dev top2\n"
			    "for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done\n"
			    "echo 1 > /proc/sys/net/ipv4/ip_forward\n";

static const char rules[] =
	"table netdev d {\n"
	"	chain eth0 { type filter hook ingress device eth0 priority 0; udp dport 1001 drop; udp dport 1012 meta mark set 9; }\n"
	"	chain port1 { type filter hook ingress device port1 priority 0; udp dport 1002 drop; udp dport 1013 meta mark set 1; }\n"
	"	chain eth2 { type filter hook ingress device eth2 priority 0; udp dport 1003 drop; }\n"
	"	chain br1 { type filter hook ingress device br1 priority -500; udp dport 1004 drop; meta mark 5 udp dport 1011 drop; }\n"
	"	chain top2 { type filter hook ingress device top2 priority 0; iifname \"top2\" udp dport 1005 drop; }\n"
	"	chain out0 { type filter hook egress device eth0 priority 0; udp dport 1021 drop; iifname \"lo\" drop; }\n"
	"	chain out1 { type filter hook egress device br1 priority 0; udp dport 1022 drop; udp dport 1023 meta mark set 7; }\n"
	"	chain out_port1 { type filter hook egress device port1 priority 0; udp dport 1024 drop; }\n"
	"	chain out2 { type filter hook egress devices = { eth2, top2 } priority 0; udp dport 1025 drop; }\n"
	"}\n"
	"table bridge b {\n"
	"	chain pre { type filter hook prerouting priority 0; udp dport 1006 drop; udp dport 1011 meta mark set 5; udp dport 1014 notrack; }\n"
	"	chain in { type filter hook input priority 0; udp dport 1007 drop; meta mark 5 udp dport 1008 drop; ip saddr 198.51.100.9 udp dport 1009 drop;\n"
	"		iifname \"br1\" udp dport 1010 drop; ip dscp set cs1; }\n"
	"	chain carried { type filter hook forward priority 0; policy drop; }\n"
	"	chain out { type filter hook output priority 0; meta mark 7 udp dport 1023 drop; udp dport 1026 drop; oifname \"br1\" udp dport 1027 drop; }\n"
	"	chain post { type filter hook postrouting priority 0; udp dport 1028 drop; iifname != \"br*\" ip daddr 198.51.100.9 udp dport 1029 drop; }\n"
	"}\n"
	"table inet f {\n"
	"	chain in { type filter hook input priority 0; policy drop; meta mark 9 drop; ct state untracked drop; ip dscp cs1 udp dport 1040 drop;\n"
	"		ct state new udp dport 1000-1050 accept; }\n"
	"	chain out { type filter hook output priority 0; udp dport 1030 drop; }\n"
	"}\n";

/* One way in and out: the wire, the interface that IP sees, both ends' addresses and the interface's own hardware address. */
static const struct place {
	const char *wire, *interface, *own, *peer;
	unsigned char number;
	uint16_t open_in, open_out; /* ports whose fate depends on what lies below: the walk may say so */
} places[] = {
	{ "wire0", "eth0", "192.0.2.1", "192.0.2.9", 0, 0, 0 },
	{ "wire1", "br1", "198.51.100.1", "198.51.100.9", 1, 1002, 1024 },
	{ "wire2", "top2", "203.0.113.1", "203.0.113.9", 2, 1003, 0 },
};

static int failures, exact;
static struct pa_walker *walker;

static void expect(bool holds, const char *what)
{
	if (!holds)
		printf("FAILED: %s\n", what);
	failures += !holds;
}

static bool feed(const char *command, const char *text)
{
	FILE *program = popen(command, "w");
	if (!program)
		return false;
	fputs(text, program);
	return pclose(program) == 0;
}

static uint32_t address(const char *text)
{
	struct in_addr value = { 0 };
	inet_pton(AF_INET, text, &value);
	return value.s_addr;
}

/* --- packets ------------------------------------------------------------------------------------------------------ */

static uint16_t checksum(const uint8_t *bytes, size_t size)
{
	uint32_t sum = 0;
	for (size_t i = 0; i < size; i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* A UDP packet without payload in a frame for the place. */
static void send_frame(int wire, const struct place *place, unsigned port)
{
	uint8_t frame[60] = { 2, 0, 0, 0, place->number, 1, 2, 0, 0, 0, place->number, 0x99, 8, 0 }, *ip = frame + 14;
	uint32_t from = address(place->peer), to = address(place->own);
	ip[0] = 0x45;
	put16(ip + 2, 28);
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	memcpy(ip + 12, &from, 4);
	memcpy(ip + 16, &to, 4);
	put16(ip + 10, checksum(ip, 20));
	put16(ip + 20, 40000);
	put16(ip + 22, port);
	put16(ip + 24, 8);
	expect(send(wire, frame, sizeof(frame), 0) == sizeof(frame), "a frame is sent");
}

static int open_wire(const char *name)
{
	struct sockaddr_ll place = { .sll_family = AF_PACKET,
				     .sll_ifindex = (int)if_nametoindex(name),
				     .sll_protocol = htons(ETH_P_IP) };
	int wire = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_IP));
	if (wire >= 0 && bind(wire, (struct sockaddr *)&place, sizeof(place)) < 0)
		return -1;
	return wire;
}

static int open_port(unsigned port)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int one = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (one >= 0 && bind(one, (struct sockaddr *)&local, sizeof(local)) < 0)
		return -1;
	return one;
}

static void pause_shortly(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
}

/* --- the answer ----------------------------------------------------------------------------------------------------- */

static void compare(const struct place *place, enum pa_path path, unsigned port, bool seen)
{
	static const char *const fates[] = { "accept", "drop", "reject", "depends" };
	struct pa_packet packet = { .path = path, .family = 4 };
	struct pa_walk walk;
	bool in = path == PA_PATH_IN;
	const struct {
		enum pa_field field;
		pa_u128 value;
	} values[] = {
		{ PA_FIELD_NFPROTO, PA_NFPROTO_IPV4 },
		{ PA_FIELD_L4PROTO, IPPROTO_UDP },
		{ in ? PA_FIELD_IIFNAME : PA_FIELD_OIFNAME, pa_ifname_value(place->interface) },
		{ PA_FIELD_SADDR, PA_IPV4_BASE | ntohl(address(in ? place->peer : place->own)) },
		{ PA_FIELD_DADDR, PA_IPV4_BASE | ntohl(address(in ? place->own : place->peer)) },
		{ PA_FIELD_SPORT, 40000 },
		{ PA_FIELD_DPORT, port },
		{ PA_FIELD_DSCP, 0 },
		{ PA_FIELD_MARK, 0 },
		{ PA_FIELD_CT_MARK, 0 },
		{ PA_FIELD_TTL, 64 },
	};
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		packet.value[values[i].field] = values[i].value;
		packet.known[values[i].field] = true;
	}
	pa_walker_walk(walker, &packet, true, &walk);
	bool open = port == (in ? place->open_in : place->open_out);
	bool good = walk.fate == PA_FATE_DEPENDS ? open : (walk.fate == PA_FATE_ACCEPT) == seen;
	exact += walk.fate != PA_FATE_DEPENDS;
	if (!good)
		printf("FAILED: %s %s, port %u: the kernel %s, the walk says %s%s%s\n", in ? "in through" : "out through",
		       place->interface, port, seen ? "lets it pass" : "does not", fates[walk.fate], walk.condition ? ": " : "",
		       walk.condition ? walk.condition : "");
	failures += !good;
	pa_walk_done(&walk);
}

static void come_in(const struct place *place)
{
	int wire = open_wire(place->wire), ports[PORTS];
	char byte[8];
	for (unsigned i = 0; i < PORTS; i++)
		ports[i] = open_port(FIRST_PORT + i);
	for (unsigned i = 0; i < PORTS; i++)
		send_frame(wire, place, FIRST_PORT + i);
	pause_shortly();
	for (unsigned i = 0; i < PORTS; i++) {
		compare(place, PA_PATH_IN, FIRST_PORT + i, recv(ports[i], byte, sizeof(byte), 0) == 0);
		close(ports[i]);
	}
	close(wire);
}

/* The destination ports of what arrives on the wire. */
static void read_wire(int wire, const struct place *place, bool seen[PORTS])
{
	uint8_t frame[200];
	uint32_t to = address(place->peer);
	for (ssize_t size; (size = recv(wire, frame, sizeof(frame), 0)) > 0;) {
		unsigned port = (unsigned)(frame[36] << 8 | frame[37]);
		if (size >= 42 && memcmp(frame + 30, &to, 4) == 0 && frame[23] == IPPROTO_UDP && port >= FIRST_PORT &&
		    port <= LAST_PORT)
			seen[port - FIRST_PORT] = true;
	}
}

static void go_out(const struct place *place)
{
	int wire = open_wire(place->wire), from = open_port(40000);
	bool seen[PORTS] = { false };
	for (unsigned i = 0; i < PORTS; i++) {
		struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)(FIRST_PORT + i)) };
		to.sin_addr.s_addr = address(place->peer);
		sendto(from, "", 0, 0, (struct sockaddr *)&to, sizeof(to)); /* refused where output drops it */
	}
	pause_shortly();
	read_wire(wire, place, seen);
	for (unsigned i = 0; i < PORTS; i++)
		compare(place, PA_PATH_OUT, FIRST_PORT + i, seen[i]);
	close(from);
	close(wire);
}

int main(void)
{
	struct pa_load_options options = { .timeout_seconds = 30 };
	struct pa_diags diags = { 0 };
	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
		puts("NOT RUN: no network namespace of its own");
		return 77;
	}
	if (!feed("PATH=$PATH:/sbin:/usr/sbin sh -e", links)) {
		puts("NOT RUN: this kernel has no veth, bridge or macvlan");
		return 77;
	}
	expect(feed("PATH=$PATH:/sbin:/usr/sbin nft -f -", rules), "nft takes the rules");
	struct pa_host *host = pa_host_read_live(&diags);
	struct pa_ruleset *ruleset = pa_ruleset_load_live(&options, &diags);
	for (size_t i = 0; i < diags.count; i++)
		printf("%s\n", diags.items[i].message);
	expect(ruleset && host->links_known, "rules and interfaces are read");
	if (ruleset) {
		walker = pa_walker_new(ruleset, host);
		for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
			come_in(&places[i]);
			go_out(&places[i]);
		}
		pa_walker_free(walker);
	}
	printf("%d answers without a condition\n", exact);
	pa_ruleset_free(ruleset);
	pa_host_free(host);
	pa_diags_done(&diags);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
