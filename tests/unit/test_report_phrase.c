// rooms: pa_reports pa_compare pa_ir pa_allow pa_base
/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Regions, packets and places in English. */
#include "../../reports/ranges.h"
#include "test_report_fixture.h"

static struct fixture f;

static void setup(void)
{
	fixture_open(&f);
}

static void teardown(void)
{
	fixture_close(&f);
}

static void check_row(const struct pa_row *row, const char *expected)
{
	struct pa_buffer out = { 0 };
	pa_phrase_row(row, &out);
	ck_assert_str_eq(out.data, expected);
	pa_buffer_done(&out);
}

START_TEST(sources)
{
	struct pa_row row = fixture_row(&f, 4, 6, 3306, NULL);
	check_row(&row, "3306/tcp from anywhere (IPv4)");
	row.box.field[PA_FIELD_SADDR] = RANGES(&f, { PA_IPV4_BASE, PA_IPV4_LAST });
	check_row(&row, "3306/tcp from anywhere (IPv4)");
	row.box.field[PA_FIELD_SADDR] = fixture_prefix(&f, "10.0.0.0", 8);
	check_row(&row, "3306/tcp from 10.0.0.0/8 (IPv4)");
	struct pa_interval hole = pa_prefix_interval(fixture_address("10.0.0.0"), 4, 8);
	row.box.field[PA_FIELD_SADDR] = RANGES(&f, { PA_IPV4_BASE, hole.first - 1 }, { hole.last + 1, PA_IPV4_LAST });
	check_row(&row, "3306/tcp from any but 10.0.0.0/8 (IPv4)");
	/* Neighbouring intervals are one. */
	row.box.field[PA_FIELD_SADDR] = RANGES(&f, { hole.first, hole.first + 255 }, { hole.first + 256, hole.last });
	check_row(&row, "3306/tcp from 10.0.0.0/8 (IPv4)");
	row.box.field[PA_FIELD_SPORT] = RANGES(&f, ONE(53));
	check_row(&row, "3306/tcp from 10.0.0.0/8, source port 53 (IPv4)");
}
END_TEST

/* The IPv4-mapped block is no place for an IPv6 packet: a set without it is still every IPv6 address. */
START_TEST(ipv6_sources)
{
	struct pa_row row = fixture_row(&f, 6, 17, 53, NULL);
	row.box.field[PA_FIELD_SADDR] = RANGES(&f, { 0, PA_IPV4_BASE - 1 }, { PA_IPV4_LAST + 1, PA_U128_MAX });
	check_row(&row, "53/udp from anywhere (IPv6)");
	struct pa_interval hole = pa_prefix_interval(fixture_address("2001:db8::"), 6, 32);
	row.box.field[PA_FIELD_SADDR] =
		RANGES(&f, { 0, PA_IPV4_BASE - 1 }, { PA_IPV4_LAST + 1, hole.first - 1 }, { hole.last + 1, PA_U128_MAX });
	check_row(&row, "53/udp from any but 2001:db8::/32 (IPv6)");
	row.box.field[PA_FIELD_SADDR] = fixture_prefix(&f, "2001:db8::", 32);
	check_row(&row, "53/udp from 2001:db8::/32 (IPv6)");
}
END_TEST

START_TEST(long_lists_are_cut)
{
	struct pa_interval items[1000];
	for (size_t i = 0; i < 1000; i++)
		items[i] = (struct pa_interval)ONE(fixture_address("10.0.0.1") + 2 * i);
	struct pa_row row = fixture_row(&f, 4, 6, 22, NULL);
	row.box.field[PA_FIELD_SADDR] = fixture_ranges(&f, 1000, items);
	check_row(&row, "22/tcp from 10.0.0.1, 10.0.0.3, 10.0.0.5, 10.0.0.7, ... and 996 more (IPv4)");
	row.box.field[PA_FIELD_SADDR] = fixture_ranges(&f, 5, items);
	check_row(&row, "22/tcp from 10.0.0.1, 10.0.0.3, 10.0.0.5, 10.0.0.7, 10.0.0.9 (IPv4)");
}
END_TEST

static struct pa_ranges prefix_range(const char *prefix)
{
	struct pa_interval names = pa_ifname_prefix(prefix);
	return fixture_ranges(&f, 1, &names);
}

static void check_interface(struct pa_ranges names, const char *expected)
{
	struct pa_row row = fixture_row(&f, 4, 6, 22, NULL);
	struct pa_buffer out = { 0 };
	row.box.field[PA_FIELD_IIFNAME] = names;
	pa_phrase_row(&row, &out);
	char *whole = pa_arena_printf(
		f.arena, *expected ? "22/tcp from anywhere (IPv4) on %s" : "22/tcp from anywhere (IPv4)%s", expected);
	ck_assert_str_eq(out.data, whole);
	pa_buffer_done(&out);
}

START_TEST(interfaces)
{
	check_interface(fixture_not_lo(&f), ""); /* any is every interface but lo */
	check_interface(fixture_name(&f, "eth0"), "eth0");
	check_interface(prefix_range("br-"), "br-*");
	check_interface(fixture_all_but(&f, 2, (const char *const[]){ "eth0", "lo" }), "any but eth0");
	check_interface(fixture_all_but(&f, 3, (const char *const[]){ "eth0", "eth1", "lo" }), "any but eth0, eth1");
	check_interface(fixture_all_but(&f, 1, (const char *const[]){ "eth0" }), "any but eth0 and lo");
	check_interface((struct pa_ranges){ .count = 0 }, "");
	check_interface(RANGES(&f, { 1, PA_U128_MAX }), "any and lo");
	check_interface(RANGES(&f, { 0, PA_U128_MAX }), "any and lo");
	check_interface(RANGES(&f, ONE(pa_ifname_value("eth0")), ONE(pa_ifname_value("wg0"))), "eth0, wg0");
	struct pa_interval bridges = pa_ifname_prefix("br-");
	pa_u128 first = pa_ifname_value("br-1");
	check_interface(RANGES(&f, { bridges.first, first - 1 }, { first + 1, bridges.last }), "br-* but br-1");
	check_interface(RANGES(&f, { 0, bridges.first - 1 }, { bridges.last + 1, pa_ifname_value("lo") - 1 },
			       { pa_ifname_value("lo") + 1, PA_U128_MAX }),
			"any but br-*");
	check_interface(RANGES(&f, { bridges.first, bridges.last }, ONE(pa_ifname_value("eth0"))), "br-*, eth0");
	check_interface(fixture_name(&f, "a\033b"), "a\\x1bb");
	check_interface(fixture_name(&f, "br*"), "br\\*");
}
END_TEST

/* --- a list of names says exactly what the set says: random sets, every name of four letters ------------------- */
#define STEPS_MOST 8
struct name_step {
	struct pa_interval names;
	bool add;
};

static unsigned next_random(unsigned *state)
{
	*state = *state * 1103515245u + 12345u;
	return *state >> 16;
}

static bool steps_hold(const struct name_step *made, size_t count, pa_u128 value)
{
	bool in = false;
	for (size_t i = 0; i < count; i++)
		if (value >= made[i].names.first && value <= made[i].names.last)
			in = made[i].add;
	return in;
}

/* Adds and takes away names and prefixes; the first step may be every name. */
static size_t random_steps(unsigned *state, struct name_step *made)
{
	size_t count = 1 + next_random(state) % STEPS_MOST;
	for (size_t i = 0; i < count; i++) {
		char name[4] = { 0 };
		size_t length = i == 0 && next_random(state) % 2 ? 0 : 1 + next_random(state) % 3;
		for (size_t at = 0; at < length; at++)
			name[at] = (char)('a' + next_random(state) % 3);
		bool wild = length == 0 || next_random(state) % 2;
		made[i].names = wild ? pa_ifname_prefix(name) : (struct pa_interval)ONE(pa_ifname_value(name));
		made[i].add = next_random(state) % 3 != 0;
	}
	return count;
}

static int compare_edges(const void *left, const void *right)
{
	pa_u128 a, b;
	memcpy(&a, left, sizeof(a));
	memcpy(&b, right, sizeof(b));
	return a < b ? -1 : a > b;
}

static struct pa_ranges ranges_of_steps(const struct name_step *made, size_t count)
{
	pa_u128 *edges = pa_arena_alloc(f.arena, 2 * STEPS_MOST + 1, sizeof(*edges));
	struct pa_interval *items = pa_arena_alloc(f.arena, 2 * STEPS_MOST + 1, sizeof(*items));
	size_t edge_count = 1, item_count = 0;
	for (size_t i = 0; i < count; i++) {
		edges[edge_count++] = made[i].names.first;
		if (made[i].names.last != PA_U128_MAX)
			edges[edge_count++] = made[i].names.last + 1;
	}
	qsort(edges, edge_count, sizeof(*edges), compare_edges);
	for (size_t i = 0; i < edge_count; i++) {
		pa_u128 last = i + 1 < edge_count ? edges[i + 1] - 1 : PA_U128_MAX;
		if ((i + 1 < edge_count && edges[i] == edges[i + 1]) || !steps_hold(made, count, edges[i]))
			continue;
		items[item_count++] = (struct pa_interval){ edges[i], last };
	}
	return (struct pa_ranges){ .items = items, .count = item_count };
}

/* The longest entry that fits decides; the exact name is longer than its prefix. */
static bool list_holds(const struct pa_name_list *list, const char *name)
{
	bool in = list->any;
	size_t longest = 0;
	for (size_t i = 0; i < list->count; i++) {
		const char *entry = list->entries[i].text;
		size_t length = strlen(entry);
		bool wild = entry[length - 1] == '*';
		bool fits = wild ? strncmp(entry, name, length - 1) == 0 : strcmp(entry, name) == 0;
		size_t weight = wild ? 2 * (length - 1) : 2 * length + 1;
		if (!fits || weight <= longest)
			continue;
		longest = weight;
		in = !list->entries[i].except;
	}
	return in;
}

static void check_every_name(const struct pa_name_list *list, struct pa_ranges names, unsigned round)
{
	for (unsigned number = 1; number < 5 * 5 * 5 * 5; number++) {
		char name[5] = { 0 };
		size_t length = 0;
		unsigned rest = number;
		for (; rest && rest % 5; rest /= 5)
			name[length++] = (char)('a' + rest % 5 - 1);
		if (rest)
			continue;
		bool in = pa_ranges_hold(names, pa_ifname_value(name));
		ck_assert_msg(list_holds(list, name) == in, "round %u: %s", round, name);
	}
}

START_TEST(name_lists_are_exact)
{
	unsigned state = 20261122;
	for (unsigned round = 0; round < 3000; round++) {
		struct name_step made[STEPS_MOST];
		size_t count = random_steps(&state, made);
		struct pa_ranges names = pa_ranges_clean(f.arena, ranges_of_steps(made, count), PA_FIELD_IIFNAME, 4);
		if (names.count == 0)
			continue;
		struct pa_name_list list = pa_name_list_make(f.arena, names);
		check_every_name(&list, names, round);
	}
}
END_TEST

START_TEST(protocols)
{
	struct pa_row row = fixture_row(&f, 4, 6, 0, NULL);
	check_row(&row, "any/tcp from anywhere (IPv4)");
	row.box.field[PA_FIELD_DPORT] = RANGES(&f, ONE(22), { 8000, 8080 });
	check_row(&row, "22,8000-8080/tcp from anywhere (IPv4)");
	row = fixture_row(&f, 4, 47, 0, NULL);
	check_row(&row, "gre from anywhere (IPv4)");
	row.box.field[PA_FIELD_DPORT] = RANGES(&f, ONE(0)); /* no ports: whatever stands there says nothing */
	check_row(&row, "gre from anywhere (IPv4)");
	row.box.field[PA_FIELD_L4PROTO] = (struct pa_ranges){ .count = 0 };
	row.box.field[PA_FIELD_DPORT] = (struct pa_ranges){ .count = 0 };
	check_row(&row, "any protocol from anywhere (IPv4)");
	row.box.field[PA_FIELD_L4PROTO] = RANGES(&f, ONE(6), ONE(17));
	row.box.field[PA_FIELD_DPORT] = RANGES(&f, ONE(53));
	check_row(&row, "53/tcp, udp from anywhere (IPv4)");
	row = fixture_row(&f, 4, 200, 0, NULL);
	check_row(&row, "200 from anywhere (IPv4)");
}
END_TEST

START_TEST(icmp)
{
	struct pa_row row = fixture_row(&f, 4, 1, 0, NULL);
	check_row(&row, "icmp any type from anywhere (IPv4)");
	row.box.field[PA_FIELD_ICMP_TYPE] = RANGES(&f, ONE(8));
	check_row(&row, "icmp echo-request from anywhere (IPv4)");
	row.box.field[PA_FIELD_ICMP_CODE] = RANGES(&f, ONE(0));
	check_row(&row, "icmp echo-request code 0 from anywhere (IPv4)");
	row = fixture_row(&f, 6, 58, 0, NULL);
	row.box.field[PA_FIELD_ICMP_TYPE] = RANGES(&f, { 133, 136 });
	check_row(&row, "icmpv6 type 133-136 from anywhere (IPv6)");
}
END_TEST

START_TEST(forwarding_and_nat)
{
	struct pa_row row = fixture_row(&f, 4, 6, 443, NULL);
	row.path = PA_PATH_FORWARD;
	row.box.field[PA_FIELD_IIFNAME] = fixture_name(&f, "eth0");
	row.box.field[PA_FIELD_OIFNAME] = fixture_name(&f, "eth1");
	row.box.field[PA_FIELD_DADDR] = RANGES(&f, ONE(fixture_address("192.0.2.10")));
	row.has_target = true;
	row.target = (struct pa_target){ .has_address = true,
					 .family = 4,
					 .address = ONE(fixture_address("10.0.0.5")),
					 .has_port = true,
					 .port = ONE(8443) };
	check_row(&row, "forward 443/tcp from anywhere (IPv4) on eth0 -> eth1 to 192.0.2.10 -> 10.0.0.5:8443");
	row.target.has_port = false;
	row.target.family = 6;
	row.target.address = (struct pa_interval)ONE(fixture_address("2001:db8::5"));
	check_row(&row, "forward 443/tcp from anywhere (IPv4) on eth0 -> eth1 to 192.0.2.10 -> 2001:db8::5");
	row.target.has_port = true;
	row.target.port = (struct pa_interval){ 1000, 2000 };
	check_row(&row, "forward 443/tcp from anywhere (IPv4) on eth0 -> eth1 to 192.0.2.10 -> [2001:db8::5]:1000-2000");
	row.target = (struct pa_target){ .to_self = true, .has_port = true, .port = ONE(8080) };
	check_row(&row, "forward 443/tcp from anywhere (IPv4) on eth0 -> eth1 to 192.0.2.10 -> this host, port 8080");
}
END_TEST

START_TEST(further_fields)
{
	struct pa_row row = fixture_row(&f, 4, 6, 22, NULL);
	row.plain = false;
	row.box.field[PA_FIELD_TCP_FLAGS] = RANGES(&f, ONE(PA_TCP_SYN));
	row.box.field[PA_FIELD_CT_STATE] = RANGES(&f, ONE(PA_CT_NEW));
	check_row(&row, "22/tcp from anywhere (IPv4)"); /* every new connection is like that */
	row.box.field[PA_FIELD_TCP_FLAGS] = RANGES(&f, ONE(PA_TCP_ACK), ONE(PA_TCP_ACK | PA_TCP_PSH));
	check_row(&row, "22/tcp from anywhere (IPv4) with tcp flags ack, psh|ack");
	row.box.field[PA_FIELD_TCP_FLAGS].count = 0;
	row.box.field[PA_FIELD_CT_STATE] = RANGES(&f, ONE(PA_CT_UNTRACKED));
	row.box.field[PA_FIELD_PKTTYPE] = RANGES(&f, ONE(2));
	row.box.field[PA_FIELD_TTL] = RANGES(&f, { 0, 9 });
	row.box.field[PA_FIELD_MARK] = RANGES(&f, ONE(16));
	check_row(&row, "22/tcp from anywhere (IPv4) with meta pkttype multicast, ttl 0-9, ct state untracked, meta mark 0x10");
	row.plain = true; /* then the box is not asked */
	check_row(&row, "22/tcp from anywhere (IPv4)");
}
END_TEST

static void check_packet(const struct pa_packet *packet, const char *expected)
{
	struct pa_buffer out = { 0 };
	pa_phrase_packet(packet, &out);
	ck_assert_str_eq(out.data, expected);
	pa_buffer_done(&out);
}

START_TEST(packets)
{
	struct pa_packet packet = fixture_packet(4, 3306);
	check_packet(&packet, "tcp 198.51.100.7:40000 -> 192.0.2.1:3306 on eth0");
	fixture_set(&packet, PA_FIELD_TCP_FLAGS, PA_TCP_ACK);
	fixture_set(&packet, PA_FIELD_CT_STATE, PA_CT_UNTRACKED);
	check_packet(&packet, "tcp 198.51.100.7:40000 -> 192.0.2.1:3306 on eth0, tcp flags ack, ct state untracked");
	packet = fixture_packet(6, 22);
	check_packet(&packet, "tcp [2001:db8::7]:40000 -> [2001:db8::1]:22 on eth0");
	packet.known[PA_FIELD_SPORT] = packet.known[PA_FIELD_DADDR] = packet.known[PA_FIELD_IIFNAME] = false;
	check_packet(&packet, "tcp 2001:db8::7 -> any:22");
	packet = fixture_packet(4, 0);
	fixture_set(&packet, PA_FIELD_L4PROTO, 1);
	fixture_set(&packet, PA_FIELD_ICMP_TYPE, 8);
	fixture_set(&packet, PA_FIELD_ICMP_CODE, 0);
	check_packet(&packet, "icmp echo-request 198.51.100.7 -> 192.0.2.1 on eth0");
	fixture_set(&packet, PA_FIELD_IIFNAME, pa_ifname_value("a\nb"));
	check_packet(&packet, "icmp echo-request 198.51.100.7 -> 192.0.2.1 on a\\x0ab");
}
END_TEST

START_TEST(places)
{
	struct pa_rule *rule = fixture_rule(&f, &f.input, 5, "accept");
	struct pa_buffer out = { 0 };
	pa_phrase_place(rule, &out);
	ck_assert_str_eq(out.data, "inet filter input handle 5");
	rule->handle = 0;
	rule->index = 2;
	pa_buffer_clear(&out);
	pa_phrase_place(rule, &out);
	ck_assert_str_eq(out.data, "inet filter input rule 3");
	rule->where = (struct pa_location){ .file = "a\033.nft", .line = 12 };
	pa_buffer_clear(&out);
	pa_phrase_place(rule, &out);
	ck_assert_str_eq(out.data, "a\\x1b.nft:12");
	pa_buffer_done(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("report_phrase");
	TCase *tcase = tcase_create("phrase");
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, sources);
	tcase_add_test(tcase, ipv6_sources);
	tcase_add_test(tcase, long_lists_are_cut);
	tcase_add_test(tcase, interfaces);
	tcase_add_test(tcase, name_lists_are_exact);
	tcase_add_test(tcase, protocols);
	tcase_add_test(tcase, icmp);
	tcase_add_test(tcase, forwarding_and_nat);
	tcase_add_test(tcase, further_fields);
	tcase_add_test(tcase, packets);
	tcase_add_test(tcase, places);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
