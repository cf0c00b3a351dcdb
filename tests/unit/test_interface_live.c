/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_load pa_evaluate pa_space pa_host pa_ir pa_base
// labels: root
/*
 * What rules ask of interfaces against the kernel: packets of UDP come in by, go out by and are forwarded through interfaces of several
 * types, groups and kinds, each port with one test of its own before its accept. The walk and the sets must say what the kernel does,
 * without a condition, and must leave an interface that the host does not have open.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "portaudit/evaluate.h"
#include "portaudit/load.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FIRST_PORT 1000

static const char setup[] =
	"ip link set lo up\n"
	"for i in 0 1 2; do ip link add name wire$i type veth peer name eth$i; ip link set wire$i up; ip link set eth$i up; done\n"
	"ip link set eth0 address 02:00:00:00:00:01; ip link set eth1 address 02:00:00:00:01:01\n"
	"ip link add name br0 address 02:00:00:00:02:01 type bridge mcast_snooping 0\n"
	"ip link set eth2 master br0; ip link set br0 up; ip link set tun0 up; ip link set tun1 up\n"
	"ip link set eth0 group 5; ip link set eth1 group 6; ip link set br0 group 7; ip link set tun0 group 300\n"
	"ip addr add 192.0.2.1/24 dev eth0; ip addr add 198.51.100.1/24 dev eth1; ip addr add 203.0.113.1/24 dev br0\n"
	"ip addr add 10.0.0.1/24 dev tun0; ip addr add 10.0.1.1/24 dev tun1\n"
	"ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:99 dev eth0; ip neigh add 198.51.100.9 lladdr 02:00:00:00:01:99 dev eth1\n"
	"ip neigh add 203.0.113.9 lladdr 02:00:00:00:02:99 dev br0\n"
	"for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done\n"
	"echo 1 > /proc/sys/net/ipv4/ip_forward\n";

static struct place {
	const char *name, *wire; /* wire: the other end, NULL: none */
	const char *own, *peer;
	unsigned char number;
	int tun;
} places[] = {
	{ "eth0", "wire0", "192.0.2.1", "192.0.2.9", 0, -1 },
	{ "br0", "wire2", "203.0.113.1", "203.0.113.9", 2, -1 },
	{ "tun0", NULL, "10.0.0.1", "10.0.0.9", 0, -1 },
	{ "tun1", NULL, "10.0.1.1", "10.0.1.9", 0, -1 },
	{ "eth1", "wire1", "198.51.100.1", "198.51.100.9", 1, -1 },
	{ "lo", NULL, "127.0.0.1", "127.0.0.1", 0, -1 },
};
static const struct place *const to = &places[4]; /* forwarded packets leave by eth1 */

enum way { IN, OUT, THROUGH };
static const struct test {
	enum way way;
	const char *chain; /* of nft, or of iptables: "INPUT" */
	const char *text;  /* behind `udp dport N` */
	bool open;	   /* kernels differ in which interface they ask */
} tests[] = {
	{ IN, "in", "meta iiftype ether accept", false },
	{ IN, "in", "meta iiftype != ether accept", false },
	{ IN, "in", "meta iiftype loopback accept", false },
	{ IN, "in", "meta iiftype != { ether, loopback } accept", false },
	{ IN, "in", "meta iiftype 1-600 accept", false },
	{ IN, "in", "meta iiftype > 700 accept", false },
	{ IN, "in", "meta iiftype & 4 == 4 accept", false },
	{ IN, "in", "meta iiftype @types accept", false },
	{ IN, "in", "meta iiftype vmap { ether : drop, 512 : accept, loopback : accept }", false },
	{ IN, "in", "meta iiftype vmap { ether : drop, * : accept }", false },
	{ IN, "in", "iifgroup 5 accept", false },
	{ IN, "in", "iifgroup != 5 accept", false },
	{ IN, "in", "iifgroup default accept", false },
	{ IN, "in", "iifgroup & 1 == 1 accept", false },
	{ IN, "in", "iifgroup & 3 != 1 accept", false },
	{ IN, "in", "iifgroup | 2 == 7 accept", false },
	{ IN, "in", "iifgroup ^ 1 == 4 accept", false },
	{ IN, "in", "iifgroup 5-6 accept", false },
	{ IN, "in", "iifgroup != 5-6 accept", false },
	{ IN, "in", "iifgroup >= 6 accept", false },
	{ IN, "in", "iifgroup < 6 accept", false },
	{ IN, "in", "iifgroup >= 256 accept", false },
	{ IN, "in", "iifgroup { 5-6, 300 } accept", false },
	{ IN, "in", "iifgroup @groups accept", false },
	{ IN, "in", "iifgroup vmap { 5-6 : accept, 300 : jump more }", false },
	{ IN, "in", "iifgroup vmap @verdicts", false },
	{ IN, "in", "meta mark set iifgroup map { 5 : 1, 7 : 2 } meta mark 1 accept", false },
	{ IN, "in", "meta iifkind \"veth\" accept", false },
	{ IN, "in", "meta iifkind != \"veth\" accept", false },
	{ IN, "in", "meta iifkind \"t*\" accept", false },
	{ IN, "in", "meta iifkind { \"veth\", \"tun\" } accept", false },
	{ IN, "in", "meta iifkind != { \"veth\", \"tun\" } accept", false },
	{ IN, "in", "meta iifkind @kinds accept", false },
	{ IN, "in", "meta iifkind vmap { \"veth\" : drop, * : accept }", false },
	{ IN, "in", "iifgroup . meta iifkind { 5 . \"veth\", 7 . \"bridge\", 0 . \"veth\" } accept", false },
	{ IN, "in", "iifgroup . meta iifkind != { 5 . \"veth\", 7 . \"bridge\" } accept", false },
	{ IN, "in", "iifname . meta iiftype { \"eth0\" . ether, \"lo\" . ether, \"tun1\" . loopback } accept", false },
	{ IN, "in", "meta iifkind . udp dport vmap { \"veth\" . 1000-9999 : accept, \"tun\" . 1000-1001 : accept }", false },
	{ IN, "in", "oifgroup 0 accept", false },
	{ IN, "in", "oifgroup != 0 accept", false },
	{ IN, "in", "meta oiftype != ether accept", false },
	{ IN, "in", "ether saddr != 02:00:00:00:00:77 accept", false },
	{ IN, "in", "meta iiftype ether meta protocol ip accept", false },
	{ IN, "in", "meta iiftype loopback meta protocol ip accept", false },
	{ IN, "in", "meta iiftype 65534 meta protocol ip accept", false },
	{ IN, "INPUT", "-m devgroup --src-group 5", false },
	{ IN, "INPUT", "-m devgroup ! --src-group 5", false },
	{ IN, "INPUT", "-m devgroup --src-group 0", false },
	{ IN, "INPUT", "-m devgroup --src-group 0xf5/0x3", false },
	{ IN, "INPUT", "-m devgroup ! --src-group 4/4", false },
	{ IN, "INPUT", "-m mac ! --mac-source 02:00:00:00:00:77", false },
	{ OUT, "out", "oifgroup 5 accept", false },
	{ OUT, "out", "oifgroup != { 5, 300 } accept", false },
	{ OUT, "out", "meta oifkind \"veth\" accept", false },
	{ OUT, "out", "meta oifkind != \"veth\" accept", false },
	{ OUT, "out", "meta oiftype loopback accept", false },
	{ OUT, "out", "meta oiftype != ether accept", false },
	{ OUT, "out", "iifgroup 0 accept", false },
	{ OUT, "out", "iifgroup != 0 accept", false },
	{ OUT, "out", "meta iiftype != ether accept", true },
	{ IN, "in", "jump shared", true },
	{ OUT, "out", "jump shared", true },
	{ IN, "in", "jump arriving", false },
	{ OUT, "out", "meta iifkind != \"veth\" accept", false },
	{ OUT, "out", "iifgroup vmap { 5 : accept, * : accept }", false },
	{ OUT, "out", "iifgroup . oifgroup != { 5 . 5 } accept", false },
	{ OUT, "OUTPUT", "-m devgroup --dst-group 5", false },
	{ OUT, "OUTPUT", "-m devgroup ! --dst-group 5", false },
	{ THROUGH, "through", "iifgroup 5 oifgroup 6 accept", false },
	{ THROUGH, "through", "iifgroup . oifgroup { 5 . 6, 300 . 6 } accept", false },
	{ THROUGH, "through", "iifgroup . oifgroup != { 5 . 6, 300 . 6 } accept", false },
	{ THROUGH, "through", "meta iifkind != \"veth\" meta oifkind \"veth\" accept", false },
	{ THROUGH, "through", "meta iiftype . meta oifkind { loopback . \"veth\", ether . \"bridge\" } accept", false },
	{ THROUGH, "post", "meta iiftype != ether drop", true },
	{ THROUGH, "post", "meta iifkind \"bridge\" drop", false },
	{ THROUGH, "FORWARD", "-m devgroup --src-group 5 --dst-group 6", false },
	{ THROUGH, "FORWARD", "-m devgroup ! --src-group 5 ! --dst-group 7", false },
};
#define TESTS COUNT(tests)

static int failures, compared;
static struct pa_walker *walker;
static struct pa_evaluation *evaluation;

static void expect(bool holds, const char *what)
{
	if (!holds)
		printf("FAILED: %s\n", what);
	failures += !holds;
}

/* --- the rules ---------------------------------------------------------------------------------------------------- */

static bool feed(const char *command, const char *text)
{
	FILE *program = popen(command, "w");
	if (!program)
		return false;
	fputs(text, program);
	return pclose(program) == 0;
}

static bool is_of_iptables(const struct test *test)
{
	return test->chain[0] >= 'A' && test->chain[0] <= 'Z';
}

static void put_chain(FILE *out, const char *chain, const char *hook, const char *policy)
{
	fprintf(out, " chain %s { type filter hook %s priority 5; policy %s;\n  udp dport != 1000-9999 accept\n", chain, hook,
		policy);
	for (size_t i = 0; i < TESTS; i++) {
		if (strcmp(tests[i].chain, chain) == 0)
			fprintf(out, "  udp dport %zu %s\n", FIRST_PORT + i, tests[i].text);
		else
			fprintf(out, "  udp dport %zu accept\n", FIRST_PORT + i);
	}
	fputs(" }\n", out);
}

static void load_rules(void)
{
	FILE *nft = popen("PATH=$PATH:/sbin:/usr/sbin nft -f -", "w"),
	     *xt = popen("PATH=$PATH:/sbin:/usr/sbin iptables-nft-restore", "w");
	if (!nft || !xt) {
		expect(false, "nft and iptables run");
		return;
	}
	fputs("table inet judge {\n set types { type iface_type; elements = { ether, 512 } }\n"
	      " set groups { type devgroup; elements = { 0, 7 } }\n"
	      " set kinds { type ifname; flags interval; elements = { \"br*\", \"tun\" } }\n"
	      " map verdicts { type devgroup : verdict; elements = { 5 : accept, 6 : accept, 300 : drop } }\n"
	      " chain more { accept\n }\n chain shared { meta iiftype ether accept\n }\n"
	      " chain arriving { meta iiftype != ether accept\n }\n",
	      nft);
	put_chain(nft, "in", "input", "drop");
	put_chain(nft, "out", "output", "drop");
	put_chain(nft, "through", "forward", "drop");
	put_chain(nft, "post", "postrouting", "accept");
	fputs("}\n", nft);
	fputs("*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n", xt);
	for (size_t i = 0; i < TESTS; i++) {
		if (!is_of_iptables(&tests[i]))
			continue;
		fprintf(xt, "-A %s -p udp --dport %zu %s -j ACCEPT\n", tests[i].chain, FIRST_PORT + i, tests[i].text);
		fprintf(xt, "-A %s -p udp --dport %zu -j DROP\n", tests[i].chain, FIRST_PORT + i);
	}
	fputs("COMMIT\n", xt);
	expect(pclose(nft) == 0, "nft takes the rules");
	expect(pclose(xt) == 0, "iptables takes the rules");
}

/* --- packets ------------------------------------------------------------------------------------------------------ */

static uint32_t address(const char *text)
{
	struct in_addr value = { 0 };
	inet_pton(AF_INET, text, &value);
	return value.s_addr;
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* A UDP packet without payload, of 28 bytes. */
static void make_packet(uint8_t *ip, const char *source, const char *destination, unsigned port)
{
	uint32_t from = address(source), towards = address(destination), sum = 0;
	memset(ip, 0, 46);
	ip[0] = 0x45;
	put16(ip + 2, 28);
	ip[8] = 64;
	ip[9] = IPPROTO_UDP;
	memcpy(ip + 12, &from, 4);
	memcpy(ip + 16, &towards, 4);
	for (size_t i = 0; i < 20; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	put16(ip + 10, ~((sum & 0xffff) + (sum >> 16)) & 0xffff);
	put16(ip + 20, 40000);
	put16(ip + 22, port);
	put16(ip + 24, 8);
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

/* EPERM: rules of output or postrouting refuse it. */
static bool send_out(int from, const struct place *place, unsigned port)
{
	struct sockaddr_in destination = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	destination.sin_addr.s_addr = address(place->peer);
	bool sent = sendto(from, "", 0, 0, (struct sockaddr *)&destination, sizeof(destination)) == 0;
	expect(sent || errno == EPERM, "a packet is sent or refused");
	return sent;
}

static void send_in(const struct place *place, int wire, const char *destination, unsigned port)
{
	uint8_t frame[60] = { 2, 0, 0, 0, place->number, 1, 2, 0, 0, 0, place->number, 0x99, 8, 0 };
	make_packet(frame + 14, place->peer, destination, port);
	if (place->tun >= 0)
		expect(write(place->tun, frame + 14, 28) == 28, "a packet is written");
	else if (wire >= 0)
		expect(send(wire, frame, sizeof(frame), 0) == sizeof(frame), "a frame is sent");
}

static void pause_shortly(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
}

/* --- the answer ----------------------------------------------------------------------------------------------------- */

static void set_value(struct pa_packet *packet, enum pa_field field, pa_u128 value)
{
	packet->value[field] = value;
	packet->known[field] = true;
}

static struct pa_packet packet_of(const struct test *test, const char *interface, const struct place *place)
{
	static const enum pa_path paths[] = { PA_PATH_IN, PA_PATH_OUT, PA_PATH_FORWARD };
	struct pa_packet packet = { .path = paths[test->way], .family = 4 };
	bool out = test->way == OUT;
	const char *destination = out ? place->peer : test->way == IN ? place->own : to->peer;
	set_value(&packet, PA_FIELD_NFPROTO, PA_NFPROTO_IPV4);
	set_value(&packet, PA_FIELD_L4PROTO, IPPROTO_UDP);
	set_value(&packet, out ? PA_FIELD_OIFNAME : PA_FIELD_IIFNAME, pa_ifname_value(interface));
	if (test->way == THROUGH)
		set_value(&packet, PA_FIELD_OIFNAME, pa_ifname_value(to->name));
	set_value(&packet, PA_FIELD_SADDR, PA_IPV4_BASE | ntohl(address(out ? place->own : place->peer)));
	set_value(&packet, PA_FIELD_DADDR, PA_IPV4_BASE | ntohl(address(destination)));
	set_value(&packet, PA_FIELD_SPORT, 40000);
	set_value(&packet, PA_FIELD_DPORT, FIRST_PORT + (pa_u128)(test - tests));
	set_value(&packet, PA_FIELD_ETHER_SADDR, 0x020000000099 | (pa_u128)place->number << 8);
	set_value(&packet, PA_FIELD_MARK, 0);
	set_value(&packet, PA_FIELD_CT_MARK, 0);
	set_value(&packet, PA_FIELD_TTL, 64);
	return packet;
}

static enum pa_fate walk_says(const struct pa_packet *packet, char condition[200])
{
	struct pa_walk walk;
	pa_walker_walk(walker, packet, true, &walk);
	enum pa_fate fate = walk.fate;
	snprintf(condition, 200, "%s", walk.condition ? walk.condition : "");
	pa_walk_done(&walk);
	return fate;
}

/* Of all packets of this interface and port. */
static enum pa_fate sets_say(const struct pa_packet *packet)
{
	static const enum pa_field fields[] = { PA_FIELD_NFPROTO, PA_FIELD_L4PROTO, PA_FIELD_IIFNAME,	 PA_FIELD_OIFNAME,
						PA_FIELD_DPORT,	  PA_FIELD_SADDR,   PA_FIELD_ETHER_SADDR };
	struct pa_space *space = pa_evaluation_space(evaluation);
	struct pa_interval value[COUNT(fields)];
	struct pa_box box = { 0 };
	for (size_t i = 0; i < COUNT(fields); i++) {
		value[i] = (struct pa_interval){ packet->value[fields[i]], packet->value[fields[i]] };
		if (packet->known[fields[i]] && fields[i] != PA_FIELD_ETHER_SADDR && fields[i] != PA_FIELD_SADDR)
			box.field[fields[i]] = (struct pa_ranges){ &value[i], 1 };
	}
	/* any address but those that the rules ask for */
	static const struct pa_interval ether = { 0x020000000078, 0x0200ffffffff };
	box.field[PA_FIELD_ETHER_SADDR] = (struct pa_ranges){ &ether, 1 };
	pa_set packets = pa_set_intersect(space, pa_set_box(space, &box), pa_evaluation_universe(evaluation, packet->path));
	pa_set certain = pa_evaluation_reachable(evaluation, packet->path, PA_CERTAIN);
	pa_set possible = pa_set_union(space, certain, pa_evaluation_reachable(evaluation, packet->path, PA_POSSIBLE));
	expect(!pa_set_is_empty(space, packets), "there are such packets");
	if (pa_set_is_empty(space, pa_set_intersect(space, packets, possible)))
		return PA_FATE_DROP;
	return pa_set_is_empty(space, pa_set_minus(space, packets, certain)) ? PA_FATE_ACCEPT : PA_FATE_DEPENDS;
}

static void compare(const struct test *test, const struct place *place, bool seen)
{
	static const char *const fates[] = { "accept", "drop", "reject", "depends" };
	struct pa_packet packet = packet_of(test, place->name, place);
	char condition[200];
	enum pa_fate wanted = test->open ? PA_FATE_DEPENDS : seen ? PA_FATE_ACCEPT : PA_FATE_DROP;
	enum pa_fate walked = walk_says(&packet, condition), in_sets = sets_say(&packet);
	compared++;
	if (walked != wanted || in_sets != wanted)
		printf("FAILED: %s by %s: %s is right, the walk says %s, the sets %s %s\n", test->text, place->name,
		       fates[wanted], fates[walked], fates[in_sets], condition);
	failures += walked != wanted || in_sets != wanted;
}

/* --- ways -------------------------------------------------------------------------------------------------------------- */

static void come_in(const struct place *place)
{
	int wire = place->wire ? open_wire(place->wire) : -1, from = open_port(40000), ports[TESTS];
	char byte[8];
	for (size_t i = 0; i < TESTS; i++)
		ports[i] = tests[i].way == IN ? open_port(FIRST_PORT + i) : -1;
	for (size_t i = 0; i < TESTS; i++)
		if (tests[i].way == IN && strcmp(place->name, "lo") == 0)
			send_out(from, place, FIRST_PORT + i);
		else if (tests[i].way == IN)
			send_in(place, wire, place->own, FIRST_PORT + i);
	pause_shortly();
	for (size_t i = 0; i < TESTS; i++) {
		if (tests[i].way != IN)
			continue;
		compare(&tests[i], place, recv(ports[i], byte, sizeof(byte), 0) == 0);
		close(ports[i]);
	}
	close(from);
	close(wire);
}

static void go_out(const struct place *place)
{
	int from = open_port(40000);
	for (size_t i = 0; i < TESTS; i++)
		if (tests[i].way == OUT)
			compare(&tests[i], place, send_out(from, place, FIRST_PORT + i));
	close(from);
}

static void go_through(const struct place *place)
{
	int wire = place->wire ? open_wire(place->wire) : -1, end = open_wire(to->wire);
	uint32_t towards = address(to->peer);
	bool seen[TESTS] = { false };
	uint8_t frame[200];
	for (size_t i = 0; i < TESTS; i++)
		if (tests[i].way == THROUGH)
			send_in(place, wire, to->peer, FIRST_PORT + i);
	pause_shortly();
	for (ssize_t size; (size = recv(end, frame, sizeof(frame), 0)) > 0;) {
		unsigned port = (unsigned)(frame[36] << 8 | frame[37]);
		if (size >= 42 && memcmp(frame + 30, &towards, 4) == 0 && frame[23] == IPPROTO_UDP && port >= FIRST_PORT &&
		    port < FIRST_PORT + TESTS)
			seen[port - FIRST_PORT] = true;
	}
	for (size_t i = 0; i < TESTS; i++)
		if (tests[i].way == THROUGH)
			compare(&tests[i], place, seen[i]);
	close(wire);
	close(end);
}

/* An interface that comes later may be of any type, group and kind. */
static void ask_another(void)
{
	struct place later = places[0];
	char condition[200];
	unsigned open = 0;
	later.name = "later0";
	for (size_t i = 0; i < TESTS; i++) {
		if (tests[i].way != IN || strncmp(tests[i].text, "oif", 3) == 0 || strncmp(tests[i].text, "meta oif", 8) == 0)
			continue;
		struct pa_packet packet = packet_of(&tests[i], later.name, &later);
		bool named = strncmp(tests[i].text, "iifname", 7) == 0; /* which it is not */
		enum pa_fate walked = walk_says(&packet, condition), in_sets = sets_say(&packet);
		enum pa_fate wanted = named ? PA_FATE_DROP : PA_FATE_DEPENDS;
		if (walked != wanted || in_sets != wanted)
			printf("FAILED: %s is decided for an interface that is not there (%d, %d)\n", tests[i].text, walked,
			       in_sets);
		failures += walked != wanted || in_sets != wanted;
		open++;
	}
	printf("%u tests of another interface are open\n", open);
}

static void compare_all(void)
{
	for (size_t i = 0; i < COUNT(places); i++) {
		come_in(&places[i]);
		go_out(&places[i]);
		if (&places[i] != to && strcmp(places[i].name, "lo") != 0)
			go_through(&places[i]);
	}
	ask_another();
}

/* A tun interface whose packets come from and go to this process. -1: the kernel has none. */
static int open_tun(const char *name, int type)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (tun < 0 || ioctl(tun, TUNSETIFF, &request) < 0 || (type && ioctl(tun, TUNSETLINK, type) < 0))
		return -1;
	return tun;
}

int main(void)
{
	struct pa_load_options options = { .timeout_seconds = 30 };
	struct pa_diags diags = { 0 };
	struct pa_cut cuts[COUNT(places) * 2 + 4] = { 0 };
	size_t cut_count = 0;
	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
		puts("NOT RUN: no network namespace of its own");
		return 77;
	}
	places[2].tun = open_tun("tun0", 0);
	places[3].tun = open_tun("tun1", ARPHRD_LOOPBACK);
	if (places[2].tun < 0 || places[3].tun < 0 || !feed("PATH=$PATH:/sbin:/usr/sbin sh -e", setup)) {
		puts("NOT RUN: this kernel has no veth, bridge or tun");
		return 77;
	}
	load_rules();
	struct pa_host *host = pa_host_read_live(&diags);
	struct pa_ruleset *ruleset = pa_ruleset_load_live(&options, &diags);
	for (size_t i = 0; i < COUNT(places); i++) {
		pa_u128 name = pa_ifname_value(places[i].name);
		cuts[cut_count++] = (struct pa_cut){ PA_FIELD_IIFNAME, { name, name } };
		cuts[cut_count++] = (struct pa_cut){ PA_FIELD_OIFNAME, { name, name } };
	}
	pa_u128 later = pa_ifname_value("later0");
	cuts[cut_count++] = (struct pa_cut){ PA_FIELD_IIFNAME, { later, later } };
	cuts[cut_count++] = (struct pa_cut){ PA_FIELD_ETHER_SADDR, { 0x020000000078, 0x0200ffffffff } };
	expect(ruleset && host->links_known, "rules and interfaces are read");
	evaluation = ruleset ? pa_evaluate(ruleset, host, cuts, cut_count, &diags) : NULL;
	for (size_t i = 0; i < diags.count; i++)
		printf("%s\n", diags.items[i].message);
	expect(evaluation != NULL, "the rules are evaluated");
	if (evaluation) {
		walker = pa_walker_new(ruleset, host);
		compare_all();
		pa_walker_free(walker);
	}
	printf("%d answers compared\n", compared);
	expect(compared > 300, "every interface is asked");
	pa_evaluation_free(evaluation);
	pa_ruleset_free(ruleset);
	pa_host_free(host);
	pa_diags_done(&diags);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
