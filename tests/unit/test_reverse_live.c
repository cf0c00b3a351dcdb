/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: portaudit pa_load pa_evaluate pa_space pa_host pa_ir pa_base
// labels: root
/*
 * Which way the routes lead as the kernel has it: packets with many sources and destinations come in by three interfaces of a
 * namespace, where rules of nft and of iptables write down what each form of `fib ... oif` and -m rpfilter says of each. Both
 * evaluators are asked the same of the rules that the kernel lists.
 */
#include "../../audit/evaluate/evaluation.h"
#include "../../audit/evaluate/fib.h"
#include "../../audit/evaluate/walker.h"
#include "portaudit/load.h"

#include "wire.h"

#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const interfaces[] = { "eth0", "eth1", "eth2" };
static const char *const addresses[] = {
	"192.0.2.9",
	"192.0.2.1",
	"192.0.2.255",
	"198.51.100.9",
	"198.51.100.1",
	"10.1.2.3",
	"10.9.1.1",
	"203.0.113.9",
	"172.16.3.4",
	"100.64.1.1",
	"8.8.8.8",
	"0.0.0.0",
	"224.0.0.5",
	"127.0.0.9",
	"172.31.255.255",
	"2001:db8::9",
	"2001:db8::1",
	"2001:db8::",
	"2001:db8:1::9",
	"fe80::9",
	"fe80::1",
	"fe80:0:0:1::1",
	"2001:db8:f::1",
	"2001:db8:a::1",
	"2001:db8:b:2::1",
	"2a00::1",
	"::",
	"::1",
	"240.0.0.1",
	"255.255.255.255",
	"224.1.2.3",
	"fe80::2",
	"fe90::1",
	"febf::1",
	"ff02::9",
	"0.1.2.3",
	"10.8.0.1",
	"10.7.0.1",
	"2001:db8:c::1",
	"2001:db8:d::1",
	"ff05::9",
	"10.6.1.1",
	"192.0.2.0",
	"198.51.100.255",
	"10.255.255.255",
	"2001:db8:e:1::1",
	"10.5.0.1",
	"2001:db8:a::",
	"2001:db8:1::",
	"2001:db8:b:2::",
	"2001:db8:f::",
	"fe80::",
	"3fff::1",
};
/* Where source and destination decide together; `icmp`: a neighbour solicitation, which DAD sends from ::. */
static const struct pair {
	const char *source, *destination;
	bool icmp;
} pairs[] = {
	{ "0.0.0.0", "255.255.255.255", false },
	{ "0.0.0.0", "224.0.0.251", false },
	{ "0.0.0.0", "224.1.2.3", false },
	{ "0.1.2.3", "255.255.255.255", false },
	{ "8.8.8.8", "224.0.0.251", false },
	{ "8.8.8.8", "2.3.4.5", false },
	{ "::", "ff02::1:ff00:1", true },
	{ "::", "2001:db8::1", true },
	{ "::", "fe80::1", true },
	{ "::", "fe80::7", true },
	{ "::", "fe80::7", false },
	{ "fe80::9", "ff02::1", true },
	{ "2001:db8::9", "ff02::1:ff00:1", true },
	{ "2a00::9", "2a00::1", false },
	{ "203.0.113.9", "203.0.113.9", false },
};
/* Each address once as a source and once as a destination, and the pairs; each by all interfaces. */
#define PACKETS ((2 * COUNT(addresses) + COUNT(pairs)) * COUNT(interfaces))

static struct pair pair_of(unsigned packet)
{
	unsigned at = packet / COUNT(interfaces);
	if (at >= 2 * COUNT(addresses))
		return pairs[at - 2 * COUNT(addresses)];
	const char *address = addresses[at / 2];
	bool six = strchr(address, ':') != NULL;
	if (at % 2)
		return (struct pair){ six ? "2001:db8::9" : "192.0.2.9", address, false };
	return (struct pair){ address, six ? "2001:db8::1" : "192.0.2.1", false };
}

/* Rules that add the sender of the frame, which is the number of the packet, to a set of their own. */
static const struct form {
	const char *test;
	enum pa_fib kind; /* NONE: no interface has this index, so that nothing is known; or a type */
} forms[] = {
	{ "fib saddr . iif oif exists", PA_FIB_SOURCE_IIF },
	{ "fib saddr . iif oif missing", PA_FIB_SOURCE_IIF },
	{ "fib saddr . mark . iif oif exists", PA_FIB_SOURCE_IIF },
	{ "fib saddr . iif oif \"eth0\"", PA_FIB_SOURCE_IIF },
	{ "fib saddr . iif oif 0", PA_FIB_SOURCE_IIF },
	{ "fib saddr . iif oif 4242", PA_FIB_NONE },
	{ "fib saddr . iif oifname != \"eth1\"", PA_FIB_SOURCE_IIF },
	{ "fib saddr . iif oifname \"eth*\"", PA_FIB_SOURCE_IIF },
	{ "fib saddr oif exists", PA_FIB_SOURCE },
	{ "fib saddr . mark oif exists", PA_FIB_SOURCE },
	{ "fib saddr oif \"eth0\"", PA_FIB_SOURCE },
	{ "fib saddr oifname { \"eth0\", \"eth2\" }", PA_FIB_SOURCE },
	{ "fib saddr . mark oifname \"eth1\"", PA_FIB_SOURCE },
	{ "fib daddr . iif oif exists", PA_FIB_DESTINATION_IIF },
	{ "fib daddr . mark . iif oif missing", PA_FIB_DESTINATION_IIF },
	{ "fib daddr . iif oifname \"eth2\"", PA_FIB_DESTINATION_IIF },
	{ "fib daddr oif missing", PA_FIB_DESTINATION },
	{ "fib daddr . mark oif exists", PA_FIB_DESTINATION },
	{ "fib daddr oif \"eth1\"", PA_FIB_DESTINATION },
	{ "fib daddr oif != \"lo\"", PA_FIB_DESTINATION },
	{ "fib daddr oifname { \"eth0\", \"eth1\" }", PA_FIB_DESTINATION },
	{ "fib daddr oifname != \"eth*\"", PA_FIB_DESTINATION },
	{ "fib daddr . mark oifname { \"eth1\", \"eth2\" }", PA_FIB_DESTINATION },
	{ "fib saddr type unicast", PA_FIB_NONE },
	{ "fib saddr type != unicast", PA_FIB_NONE },
	{ "fib saddr type local", PA_FIB_NONE },
	{ "fib saddr type anycast", PA_FIB_NONE },
	{ "fib saddr type { blackhole, unreachable, prohibit }", PA_FIB_NONE },
	{ "mark & 1 == 1", PA_FIB_XT_STRICT },
	{ "mark & 2 == 2", PA_FIB_XT_LOOSE },
};

static const char setup[] =
	"for i in 0 1 2; do ip link add eth$i type veth peer name p$i && ip link set eth$i up && ip link set p$i up || exit 1; done\n"
	"ip link set lo up\n"
	"ip addr add 192.0.2.1/24 brd + dev eth0 && ip addr add 198.51.100.1/24 dev eth1 && ip addr add 10.0.0.1/8 brd + dev eth2\n"
	"ip addr add 2001:db8::1/64 dev eth0 nodad && ip addr add 2001:db8:1::1/64 dev eth1 nodad\n"
	"ip addr add fe80::1/64 dev eth0 nodad && ip addr add fe80::2/64 dev eth1 nodad\n"
	"ip route add default via 192.0.2.254 && ip route add unreachable 203.0.113.0/24 && ip route add throw 100.64.0.0/10\n"
	"ip route add 10.9.0.0/16 dev eth0 metric 5 && ip route add 10.9.0.0/16 dev eth1 metric 1\n"
	"ip route add 172.16.0.0/12 nexthop dev eth1 nexthop dev eth0\n"
	"ip route add blackhole 10.8.0.0/16 && ip route add prohibit 10.7.0.0/16\n"
	"ip route add 10.6.0.0/16 dev eth0 metric 7 && ip route append 10.6.0.0/16 dev eth1 metric 7\n"
	"ip route add 10.5.0.0/16 nexthop dev eth0 weight 1 nexthop dev eth2 weight 9\n"
	"ip -6 route add default via 2001:db8:1::fe && ip -6 route add blackhole 2001:db8:f::/48\n"
	"ip -6 route add 2001:db8:a::/48 dev eth2 && ip -6 route add 2001:db8:b::/48 dev eth0 && "
	"ip -6 route add 2001:db8:b:2::/64 dev eth2\n"
	"ip -6 route add 2001:db8:c::/48 nexthop via 2001:db8::7 dev eth0 nexthop via 2001:db8:1::7 dev eth1 && ip -6 route add unreachable 2001:db8:d::/48\n"
	"ip -6 route add 2001:db8:e::/48 dev eth1 metric 9 && ip -6 route add 2001:db8:e::/48 dev eth2 metric 10\n"
	"for t in iptables ip6tables; do\n"
	" $t -t raw -A PREROUTING -m rpfilter -j MARK --or-mark 1 2>/dev/null || "
	"{ $t -t mangle -A PREROUTING -m rpfilter -j MARK --or-mark 1; }\n"
	" $t -t raw -A PREROUTING -m rpfilter --loose -j MARK --or-mark 2 2>/dev/null || "
	"{ $t -t mangle -A PREROUTING -m rpfilter --loose -j MARK --or-mark 2; }\n"
	"done\n";

/* The hooks that the kernel takes such tests in, and how many of the packets come there at least. */
static const struct place {
	const char *hook;
	enum pa_hook number;
	unsigned arrive;
} places[] = {
	{ "prerouting", PA_HOOK_PREROUTING, PACKETS * 9 / 10 },
	{ "input", PA_HOOK_INPUT, 60 },
	{ "forward", PA_HOOK_FORWARD, 40 },
};

static bool is_of_xtables(const struct form *form)
{
	return form->kind == PA_FIB_XT_STRICT || form->kind == PA_FIB_XT_LOOSE;
}

static bool is_of_type(const struct form *form)
{
	return strncmp(form->test, "fib saddr type ", 15) == 0;
}

static void load_chain(FILE *pipe, const struct place *place)
{
	fprintf(pipe, "table inet judge {\n set %s { type ether_addr; flags dynamic; size 9999; }\n", place->hook);
	for (unsigned i = 0; i < COUNT(forms); i++)
		fprintf(pipe, " set %s%u { type ether_addr; flags dynamic; size 9999; }\n", place->hook, i);
	fprintf(pipe, " chain at_%s { type filter hook %s priority -100;\n", place->hook, place->hook);
	fputs("  ether saddr & ff:ff:ff:ff:00:00 != 02:00:00:00:00:00 accept\n", pipe);
	fprintf(pipe, "  add @%s { ether saddr }\n", place->hook);
	for (unsigned i = 0; i < COUNT(forms); i++)
		fprintf(pipe, "  %s add @%s%u { ether saddr }\n", forms[i].test, place->hook, i);
	fputs(" }\n}\n", pipe);
}

static void load_rules(void)
{
	FILE *pipe = popen("nft -f -", "w");
	ck_assert(pipe != NULL);
	for (unsigned i = 0; i < COUNT(places); i++)
		load_chain(pipe, &places[i]);
	ck_assert_int_eq(pclose(pipe), 0);
}

/* An empty UDP datagram, or a neighbour solicitation without a target. */
static size_t make_packet(uint8_t *bytes, const struct pair *pair)
{
	bool six = strchr(pair->source, ':') != NULL;
	size_t header = six ? 40 : 20, payload = pair->icmp ? 24 : 8;
	memset(bytes, 0, 80);
	if (six) {
		bytes[0] = 0x60;
		put16(bytes + 4, (unsigned)payload);
		bytes[6] = pair->icmp ? 58 : 17;
		bytes[7] = 255;
		ck_assert_int_eq(inet_pton(AF_INET6, pair->source, bytes + 8), 1);
		ck_assert_int_eq(inet_pton(AF_INET6, pair->destination, bytes + 24), 1);
	} else {
		unsigned sum = 0;
		bytes[0] = 0x45;
		put16(bytes + 2, 28);
		bytes[8] = 64;
		bytes[9] = 17;
		ck_assert_int_eq(inet_pton(AF_INET, pair->source, bytes + 12), 1);
		ck_assert_int_eq(inet_pton(AF_INET, pair->destination, bytes + 16), 1);
		for (unsigned i = 0; i < 20; i += 2)
			sum += (unsigned)bytes[i] << 8 | bytes[i + 1];
		put16(bytes + 10, ~((sum & 0xffff) + (sum >> 16)));
	}
	if (pair->icmp) {
		bytes[header] = 135;
		return header + payload;
	}
	put16(bytes + header, 40000);
	put16(bytes + header + 2, 1000);
	put16(bytes + header + 4, 8);
	return header + payload;
}

static void send_packet(int descriptor, unsigned packet)
{
	char peer[8];
	uint8_t frame[100] = { 0 };
	unsigned interface = packet % COUNT(interfaces);
	struct pair pair = pair_of(packet);
	snprintf(peer, sizeof(peer), "p%u", interface);
	hardware_address(descriptor, interfaces[interface], frame);
	frame[6] = 2;
	put16(frame + 10, packet);
	put16(frame + 12, strchr(pair.source, ':') ? ETHERTYPE_IPV6 : ETHERTYPE_IP);
	size_t size = 14 + make_packet(frame + 14, &pair);
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(peer), .sll_halen = 6 };
	ck_assert_int_eq(sendto(descriptor, frame, size, 0, (struct sockaddr *)&to, sizeof(to)), (ssize_t)size);
}

/* The numbers of packets in a set. */
static void read_set(const char *name, bool in[PACKETS])
{
	char command[100], word[64];
	snprintf(command, sizeof(command), "nft -n list set inet judge %s | grep -o '02:00:00:00:..:..'", name);
	FILE *pipe = popen(command, "r");
	ck_assert(pipe != NULL);
	while (fscanf(pipe, "%63s", word) == 1) {
		unsigned long number = strtoul(word + 12, NULL, 16) << 8 | strtoul(word + 15, NULL, 16);
		ck_assert_uint_lt(number, PACKETS);
		in[number] = true;
	}
	pclose(pipe);
}

/* What the evaluators are asked, and what of. */
struct judged {
	struct pa_host *host;
	struct pa_ruleset *ruleset;
	struct pa_evaluation *e;
	struct pa_walker *walker;
};

static struct pa_packet packet_of(const struct pa_host *host, unsigned number)
{
	struct pair pair = pair_of(number);
	struct pa_packet packet = { .path = PA_PATH_IN };
	int family;
	ck_assert(pa_address_parse(pair.source, &packet.value[PA_FIELD_SADDR], &packet.family));
	ck_assert(pa_address_parse(pair.destination, &packet.value[PA_FIELD_DADDR], &family));
	packet.value[PA_FIELD_NFPROTO] = family == 4 ? PA_NFPROTO_IPV4 : PA_NFPROTO_IPV6;
	packet.value[PA_FIELD_L4PROTO] = pair.icmp ? 58 : 17;
	packet.value[PA_FIELD_IIFNAME] = pa_ifname_value(interfaces[number % COUNT(interfaces)]);
	packet.value[PA_FIELD_CT_STATE] = PA_CT_NEW;
	packet.value[PA_FIELD_SADDR_TYPE] = pa_address_type(host, packet.value[PA_FIELD_SADDR], family);
	return packet;
}

static const struct pa_rule *find_rule(const struct judged *judged, const struct form *form, enum pa_hook hook,
				       const struct pa_step **ret_step)
{
	bool of_xtables = is_of_xtables(form);
	for (size_t i = 0; i < judged->ruleset->rule_count; i++) {
		const struct pa_rule *rule = judged->ruleset->rules[i];
		for (size_t k = 0; k < rule->step_count; k++) {
			const struct pa_step *step = &rule->steps[k];
			if (step->kind != PA_STEP_MATCH || rule->chain->hook != hook || step->key.parts[0].fib != form->kind ||
			    (!of_xtables && !pa_text_equal(step->text, form->test)))
				continue;
			*ret_step = step;
			return rule;
		}
	}
	ck_abort_msg("no rule asks for %s", form->test);
	return NULL;
}

/* What the test gives for packets that have just arrived, with every question answered yes or no. */
static pa_node set_of_types(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step,
			    const uint32_t *classes, bool answer)
{
	pa_node start = pa_node_at(e->space, pa_source_start(e, pa_env_empty(e)), classes, answer);
	return pa_match_set(e, rule, step, e->terms->outcomes[pa_node_value(start)].env);
}

/* 1, 0 or -1: not known. */
static int by_sets(const struct judged *judged, const struct pa_rule *rule, const struct pa_step *step,
		   const struct pa_packet *packet)
{
	uint32_t classes[PA_FIELD_COUNT];
	struct pa_evaluation *e = judged->e;
	bool of_type = !step->key.parts[0].opaque;
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++)
		classes[f] = pa_classes_find(pa_space_classes(e->space, (enum pa_field)f), packet->value[f]);
	if (of_type) {
		bool yes = pa_node_at(e->space, set_of_types(e, rule, step, classes, true), classes, true) == PA_TRUE;
		bool no = pa_node_at(e->space, set_of_types(e, rule, step, classes, false), classes, false) == PA_TRUE;
		return yes != no ? -1 : yes;
	}
	if (pa_fib_asked(step) == PA_FIB_ASKS_NOTHING)
		return -1;
	pa_node set = pa_fib_set(e, rule, step, pa_env_empty(e), pa_variable(e, "not known", 1, "of the test", NULL, true));
	bool with = pa_node_at(e->space, set, classes, true) == PA_TRUE,
	     without = pa_node_at(e->space, set, classes, false) == PA_TRUE;
	return with != without ? -1 : with != step->negated;
}

/* With every question answered yes and no. */
static int type_by_walk(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule, const struct pa_step *step)
{
	bool yes = pa_wtest(run, state, rule, step) == PA_W_YES;
	while (run->work_count > 0)
		if ((pa_wtest(run, run->work[--run->work_count], rule, step) == PA_W_YES) != yes)
			return -1;
	return yes;
}

static int by_walk(const struct judged *judged, const struct pa_rule *rule, const struct pa_step *step,
		   const struct pa_packet *packet)
{
	struct pa_wrun run = { .walker = judged->walker, .arena = pa_arena_new(), .limit = 10 };
	struct pa_wstate *state = pa_arena_alloc(run.arena, 1, sizeof(*state));
	struct pa_interval values[PA_FIELD_COUNT];
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		values[f] = (struct pa_interval){ packet->value[f], packet->value[f] };
		state->packet[f] = (struct pa_wrange){ &values[f], 1 };
	}
	pa_wstate_init(&run, state, PA_PATH_IN, false);
	state->now[PA_FIELD_CT_STATE] = pa_wconstant(PA_CT_NEW);
	if (!step->key.parts[0].opaque) {
		int answer = type_by_walk(&run, state, rule, step);
		pa_arena_free(run.arena);
		free(run.work);
		return answer;
	}
	int holds = pa_wfib(&run, state, rule, step);
	ck_assert_uint_eq(run.splits, 0);
	pa_arena_free(run.arena);
	return holds < 0 ? -1 : (holds == 1) != step->negated;
}

static unsigned compare(const struct judged *judged, const struct place *place, unsigned form, const bool *seen,
			unsigned *ret_known)
{
	char name[32];
	bool in[PACKETS] = { false };
	const struct pa_step *step;
	const struct pa_rule *rule = find_rule(judged, &forms[form], place->number, &step);
	unsigned wrong = 0, known = 0;
	snprintf(name, sizeof(name), "%s%u", place->hook, form);
	read_set(name, in);
	for (unsigned i = 0; i < PACKETS; i++) {
		struct pa_packet packet = packet_of(judged->host, i);
		int sets = by_sets(judged, rule, step, &packet), walk = by_walk(judged, rule, step, &packet);
		known += seen[i] && sets >= 0;
		if (sets == walk && (!seen[i] || sets < 0 || sets == in[i]))
			continue;
		printf("%s: %s: %s to %s%s by %s: the kernel says %d, the sets %d, the walk %d\n", place->hook,
		       forms[form].test, pair_of(i).source, pair_of(i).destination, pair_of(i).icmp ? " (icmp)" : "",
		       interfaces[i % COUNT(interfaces)], in[i], sets, walk);
		wrong++;
	}
	printf("%s: %s: %u answers known\n", place->hook, forms[form].test, known);
	ck_assert((forms[form].kind == PA_FIB_NONE && !is_of_type(&forms[form])) || known >= place->arrive / 2);
	*ret_known += known;
	return wrong;
}

/* All forms in one hook. */
static unsigned compare_place(const struct judged *judged, const struct place *place, unsigned *ret_known)
{
	bool seen[PACKETS] = { false };
	unsigned arrived = 0, wrong = 0;
	read_set(place->hook, seen);
	for (unsigned i = 0; i < PACKETS; i++)
		arrived += seen[i];
	printf("%u packets in %s\n", arrived, place->hook);
	ck_assert_uint_ge(arrived, place->arrive);
	for (unsigned i = 0; i < COUNT(forms); i++)
		if (place->number == PA_HOOK_PREROUTING || !is_of_xtables(&forms[i]))
			wrong += compare(judged, place, i, seen, ret_known);
	return wrong;
}

START_TEST(kernel_agrees)
{
	struct pa_diags diags = { 0 };
	struct judged judged;
	unsigned known = 0, wrong = 0;
	enter_namespace("echo 1 >/proc/sys/net/ipv4/ip_forward && echo 1 >/proc/sys/net/ipv6/conf/all/forwarding");
	ck_assert_int_eq(system(setup), 0);
	load_rules();
	int descriptor = socket(AF_PACKET, SOCK_RAW, 0);
	for (unsigned i = 0; i < PACKETS; i++)
		send_packet(descriptor, i);
	usleep(200000);
	judged.host = pa_host_read_live(&diags);
	ck_assert(judged.host->routes_known && judged.host->addresses_known);
	judged.ruleset = pa_ruleset_load_live(&(struct pa_load_options){ 0 }, &diags);
	ck_assert_msg(judged.ruleset != NULL, "%s", diags.count ? diags.items[0].message : "");
	judged.e = pa_evaluate(judged.ruleset, judged.host, NULL, 0, &diags);
	judged.walker = pa_walker_new(judged.ruleset, judged.host);
	for (unsigned i = 0; i < COUNT(places); i++)
		wrong += compare_place(&judged, &places[i], &known);
	printf("%u answers known\n", known);
	fflush(stdout);
	ck_assert_uint_eq(wrong, 0);
	close(descriptor);
	pa_walker_free(judged.walker);
	pa_evaluation_free(judged.e);
	pa_ruleset_free(judged.ruleset);
	pa_host_free(judged.host);
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

/* Both ways of a router: by the route of the source, by that of the destination, and NAT of neither. */
START_TEST(every_way_is_decided)
{
	char text[8192];
	list_after(HOST
		   "ip link add eth1 type veth peer name p1 && ip link set eth1 up && ip link set p1 up\n"
		   "ip addr add 198.51.100.1/24 dev eth1 && sysctl -qw net.ipv4.ip_forward=1\n"
		   "nft -f - <<'END'\ntable inet t {\n"
		   " chain pre { type filter hook prerouting priority -150; policy accept;\n  meta nfproto ipv6 drop\n"
		   "  ip saddr 0.0.0.0 drop\n  fib saddr oifname != \"eth0\" drop\n  fib daddr . iif oif \"eth0\" drop\n }\n"
		   " chain input { type filter hook input priority 0; policy drop;\n  tcp dport 22 accept\n }\n"
		   " chain forwarded { type filter hook forward priority 0; policy drop;\n"
		   "  fib daddr . mark oif \"eth1\" fib saddr . iif oif exists tcp dport 443 accept\n }\n}\nEND\n",
		   text, sizeof(text));
	ck_assert_msg(!strstr(text, "possible") && !strstr(text, "Not decided"), "%s", text);
	ck_assert_msg(strstr(text, "443/tcp") && strstr(text, "to 198.51.100.0, 198.51.100.2-198.51.100.254"), "%s", text);
}
END_TEST

/*
 * The address that another interface has for its link: not local to nft, local to iptables wherever it comes in (measured: the
 * counters of both rules, packets from fe80::1 by eth1).
 */
START_TEST(addresses_of_another_link)
{
	char text[8192];
	list_after(
		"for i in 0 1; do ip link add eth$i type veth peer name p$i && ip link set eth$i up && ip link set p$i up || exit 1\n"
		"ip addr add fe80::$((i + 1))/64 dev eth$i nodad; done; ip link set lo up\n"
		"ip6tables-nft -A INPUT -i eth1 -s fe80::1 -p tcp --dport 22 -m addrtype ! --src-type LOCAL -j DROP\n"
		"nft -f - <<'END'\ntable ip6 t {\n chain c { type filter hook input priority 10; policy drop;\n"
		"  iifname \"eth1\" ip6 saddr fe80::1 tcp dport { 22, 23 } fib saddr type != local accept\n"
		"  iifname \"eth0\" ip6 saddr fe80::1 tcp dport 24 fib saddr type != local accept\n"
		"  iifname \"eth1\" ip6 saddr fe80::2 tcp dport 25 fib saddr type local accept\n }\n}\nEND\n",
		text, sizeof(text));
	ck_assert_msg(strstr(text, "22-23/tcp") && strstr(text, "25/tcp") && !strstr(text, "24/tcp"), "%s", text);
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
	tcase_add_test(tests, addresses_of_another_link);
	tcase_add_test(tests, every_way_is_decided);
	tcase_add_test(tests, nothing_is_open);
	tcase_add_test(tests, nothing_is_open_behind_iptables);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
