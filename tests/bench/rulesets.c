/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rulesets that are measured. Each is what `nft -j list ruleset` would print; `nft -j -f` reads them as well. The seed is
 * fixed: two runs measure the same bytes.
 */
#include "bench.h"

#include <arpa/inet.h>
#include <string.h>

struct chance {
	uint64_t state;
};

/* splitmix64, Steele, Lea and Flood 2014. */
static uint64_t next(struct chance *chance)
{
	uint64_t x = chance->state += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static uint32_t below(struct chance *chance, uint32_t bound)
{
	return (uint32_t)((next(chance) >> 32) % bound);
}

static const char *ipv4(uint32_t address, char out[INET_ADDRSTRLEN])
{
	const struct in_addr in = { htonl(address) };
	return inet_ntop(AF_INET, &in, out, INET_ADDRSTRLEN);
}

/* --- pieces of a document --- */

static void begin(FILE *out, const char *table)
{
	fprintf(out,
		"{\"nftables\": [{\"metainfo\": {\"version\": \"1.0.6\", \"release_name\": \"Lester Gooch #5\", \"json_schema_version\": 1}}, "
		"{\"table\": {\"family\": \"inet\", \"name\": \"%s\", \"handle\": 1}}",
		table);
}

static void end(FILE *out)
{
	fputs("]}\n", out);
}

static void base_chain(FILE *out, const char *table, const char *hook, const char *type, int priority, const char *policy)
{
	fprintf(out,
		", {\"chain\": {\"family\": \"inet\", \"table\": \"%s\", \"name\": \"%s\", \"handle\": 2, \"type\": \"%s\", "
		"\"hook\": \"%s\", \"prio\": %d, \"policy\": \"%s\"}}",
		table, hook, type, hook, priority, policy);
}

static void rule_begin(FILE *out, const char *table, const char *chain, size_t handle)
{
	fprintf(out, ", {\"rule\": {\"family\": \"inet\", \"table\": \"%s\", \"chain\": \"%s\", \"handle\": %zu, \"expr\": [",
		table, chain, handle);
}

static void rule_end(FILE *out, const char *verdict)
{
	fprintf(out, "{\"%s\": null}]}}", verdict);
}

static void match_address(FILE *out, const char *protocol, const char *address, unsigned length, unsigned whole)
{
	fprintf(out,
		"{\"match\": {\"op\": \"==\", \"left\": {\"payload\": {\"protocol\": \"%s\", \"field\": \"saddr\"}}, \"right\": ",
		protocol);
	if (length == whole)
		fprintf(out, "\"%s\"}}, ", address);
	else
		fprintf(out, "{\"prefix\": {\"addr\": \"%s\", \"len\": %u}}}}, ", address, length);
}

static void match_port(FILE *out, const char *protocol, uint32_t first, uint32_t last)
{
	fprintf(out,
		"{\"match\": {\"op\": \"==\", \"left\": {\"payload\": {\"protocol\": \"%s\", \"field\": \"dport\"}}, \"right\": ",
		protocol);
	if (first == last)
		fprintf(out, "%u}}, ", first);
	else
		fprintf(out, "{\"range\": [%u, %u]}}}, ", first, last);
}

static void accept_established(FILE *out, const char *table, const char *chain)
{
	rule_begin(out, table, chain, 3);
	fputs("{\"match\": {\"op\": \"in\", \"left\": {\"ct\": {\"key\": \"state\"}}, \"right\": [\"established\", \"related\"]}}, ",
	      out);
	rule_end(out, "accept");
}

/* --- linear rules: source, protocol, destination port --- */

static const unsigned lengths4[] = { 32, 32, 32, 32, 32, 24, 24, 24, 24, 16 };
static const unsigned lengths6[] = { 128, 128, 128, 128, 128, 64, 64, 64, 56, 48 };

static void random_source4(FILE *out, struct chance *chance)
{
	char text[INET_ADDRSTRLEN];
	unsigned length = lengths4[below(chance, 10)];
	uint32_t address = (uint32_t)next(chance) & (0xffffffffu << (32 - length));
	match_address(out, "ip", ipv4(address, text), length, 32);
}

static void random_source6(FILE *out, struct chance *chance)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address = { 0 };
	unsigned length = lengths6[below(chance, 10)];
	for (unsigned i = 0; i < length / 8; i++)
		address.s6_addr[i] = (uint8_t)next(chance);
	address.s6_addr[0] = 0x20;
	match_address(out, "ip6", inet_ntop(AF_INET6, &address, text, sizeof(text)), length, 128);
}

/* 7 of 10 rules are about one of 200 ports, the others about any; 1 of 10 has a range. */
static void random_service(FILE *out, struct chance *chance)
{
	uint32_t first = below(chance, 10) < 7 ? 1 + 37 * below(chance, 200) : 1 + below(chance, 60000);
	uint32_t last = below(chance, 10) ? first : first + 1 + below(chance, 1000);
	match_port(out, below(chance, 4) ? "tcp" : "udp", first, last);
}

static void linear(FILE *out, size_t count, void (*source)(FILE *out, struct chance *chance))
{
	struct chance chance = { 1 };
	begin(out, "filter");
	base_chain(out, "filter", "input", "filter", 0, "drop");
	accept_established(out, "filter", "input");
	for (size_t i = 1; i < count; i++) {
		rule_begin(out, "filter", "input", i + 3);
		source(out, &chance);
		random_service(out, &chance);
		rule_end(out, below(&chance, 7) ? "accept" : "drop");
	}
	end(out);
}

static void write_linear4(FILE *out, size_t count)
{
	linear(out, count, random_source4);
}

static void write_linear6(FILE *out, size_t count)
{
	linear(out, count, random_source6);
}

/* --- a block list: `count` prefixes that do not overlap, then 1,000 rules --- */

static void write_block_list(FILE *out, size_t count)
{
	struct chance chance = { 2 };
	char text[INET_ADDRSTRLEN];
	uint32_t room = count ? (uint32_t)(0xe0000000u / count) : 1; /* below 224.0.0.0 */
	unsigned shortest = 32;
	while (shortest > 8 && (2u << (32 - shortest)) <= room)
		shortest--;
	begin(out, "filter");
	fputs(", {\"set\": {\"family\": \"inet\", \"name\": \"blocked\", \"table\": \"filter\", \"type\": \"ipv4_addr\", \"handle\": 9, "
	      "\"flags\": [\"interval\"], \"elem\": [",
	      out);
	for (size_t i = 0; i < count; i++) {
		unsigned length = shortest + below(&chance, 33 - shortest);
		uint32_t start = (uint32_t)i << (32 - shortest);
		uint32_t address = start + (below(&chance, 1u << (length - shortest)) << (32 - length));
		fprintf(out, length < 32 ? "%s{\"prefix\": {\"addr\": \"%s\", \"len\": %u}}" : "%s\"%s\"", i ? ", " : "",
			ipv4(address, text), length);
	}
	fputs("]}}", out);
	base_chain(out, "filter", "input", "filter", 0, "drop");
	accept_established(out, "filter", "input");
	rule_begin(out, "filter", "input", 4);
	match_address(out, "ip", "@blocked", 32, 32);
	rule_end(out, "drop");
	for (size_t i = 2; i < 1000; i++) {
		rule_begin(out, "filter", "input", i + 3);
		random_source4(out, &chance);
		random_service(out, &chance);
		rule_end(out, "accept");
	}
	end(out);
}

/* --- a verdict map of services: accepted, or a chain for each that translates --- */

static void service_map(FILE *out, size_t count, bool translates)
{
	char text[INET_ADDRSTRLEN], verdict[64] = "{\"accept\": null}";
	fputs(", {\"map\": {\"family\": \"inet\", \"name\": \"services\", \"table\": \"proxy\", \"type\": [\"ipv4_addr\", \"inet_proto\", "
	      "\"inet_service\"], \"handle\": 9, \"map\": \"verdict\", \"elem\": [",
	      out);
	for (size_t i = 0; i < count; i++) {
		if (translates)
			snprintf(verdict, sizeof(verdict), "{\"goto\": {\"target\": \"service-%zu\"}}", i);
		fprintf(out, "%s[{\"concat\": [\"%s\", \"%s\", %u]}, %s]", i ? ", " : "",
			ipv4(0x0a600000u + (uint32_t)(i / 2), text), i % 8 ? "tcp" : "udp", i % 2 ? 443u : 80u, verdict);
	}
	fputs("]}}", out);
}

static void look_up_service(FILE *out, const char *chain)
{
	rule_begin(out, "proxy", chain, 5);
	fputs("{\"vmap\": {\"key\": {\"concat\": [{\"payload\": {\"protocol\": \"ip\", \"field\": \"daddr\"}}, {\"meta\": {\"key\": "
	      "\"l4proto\"}}, {\"payload\": {\"protocol\": \"th\", \"field\": \"dport\"}}]}, \"data\": \"@services\"}}]}}",
	      out);
}

static void write_map(FILE *out, size_t count)
{
	begin(out, "proxy");
	base_chain(out, "proxy", "input", "filter", 0, "drop");
	service_map(out, count, false);
	accept_established(out, "proxy", "input");
	look_up_service(out, "input");
	end(out);
}

static void write_proxy(FILE *out, size_t count)
{
	char text[INET_ADDRSTRLEN];
	begin(out, "proxy");
	for (size_t i = 0; i < count; i++)
		fprintf(out,
			", {\"chain\": {\"family\": \"inet\", \"table\": \"proxy\", \"name\": \"service-%zu\", \"handle\": %zu}}",
			i, i + 10);
	base_chain(out, "proxy", "prerouting", "nat", -100, "accept");
	base_chain(out, "proxy", "forward", "filter", 0, "drop");
	base_chain(out, "proxy", "input", "filter", 0, "drop");
	service_map(out, count, true);
	accept_established(out, "proxy", "input");
	accept_established(out, "proxy", "forward");
	rule_begin(out, "proxy", "forward", 4);
	fputs("{\"match\": {\"op\": \"in\", \"left\": {\"ct\": {\"key\": \"status\"}}, \"right\": \"dnat\"}}, ", out);
	rule_end(out, "accept");
	look_up_service(out, "prerouting");
	for (size_t i = 0; i < count; i++) {
		char chain[32];
		snprintf(chain, sizeof(chain), "service-%zu", i);
		rule_begin(out, "proxy", chain, 20 + count + i);
		fprintf(out, "{\"dnat\": {\"family\": \"ip\", \"addr\": \"%s\", \"port\": %u}}]}}",
			ipv4(0x0af40000u + (uint32_t)i, text), 8000u + (unsigned)(i % 100));
	}
	end(out);
}

/*
 * --- stripes that cross: a rule for one source and every port, then one for one port and every source, and so on. As boxes
 * they fall into a quarter of the square of their number. ---
 */

static void write_stripes(FILE *out, size_t count)
{
	char text[INET_ADDRSTRLEN];
	begin(out, "filter");
	base_chain(out, "filter", "input", "filter", 0, "drop");
	for (size_t i = 0; i < count; i++) {
		rule_begin(out, "filter", "input", i + 3);
		if (i % 2)
			match_port(out, "tcp", 1 + (uint32_t)(i / 2) % 65535, 1 + (uint32_t)(i / 2) % 65535);
		else
			match_address(out, "ip", ipv4(0x0a000000u + (uint32_t)i, text), 32, 32);
		rule_end(out, i / 2 % 2 ? "drop" : "accept");
	}
	end(out);
}

/* --- a dump of iptables --- */

#define DUMP_NETWORKS 50

static void dump_rule(FILE *out, struct chance *chance, unsigned network, size_t i)
{
	char address[INET_ADDRSTRLEN];
	ipv4(0x0a000000u | network << 16 | below(chance, 65536), address);
	fprintf(out, "-A net-%u -s %s/32 -p %s ", network, address, i % 4 ? "tcp" : "udp");
	if (i % 7 == 0)
		fprintf(out, "-m multiport --dports %u,%u:%u -m conntrack --ctstate NEW ", 1 + below(chance, 1000),
			2000 + below(chance, 500), 2600 + below(chance, 500));
	else
		fprintf(out, "-m %s --dport %u ", i % 4 ? "tcp" : "udp", 1 + below(chance, 2000));
	fprintf(out, "-m comment --comment \"rule %zu\" -j %s\n", i, i % 11 ? "ACCEPT" : "DROP");
}

/* A host that has a chain for each of its networks, as iptables-save prints it. */
static void write_dump(FILE *out, size_t count)
{
	struct chance chance = { 23 };
	fputs("# Generated by iptables-save v1.8.9 (nf_tables)\n*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n",
	      out);
	for (unsigned i = 0; i < DUMP_NETWORKS; i++)
		fprintf(out, ":net-%u - [0:0]\n", i);
	fputs("-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n", out);
	for (unsigned i = 0; i < DUMP_NETWORKS; i++)
		fprintf(out, "-A INPUT -s 10.%u.0.0/16 -j net-%u\n", i, i);
	for (size_t i = 0; i + DUMP_NETWORKS + 5 < count; i++)
		dump_rule(out, &chance, (unsigned)(i % DUMP_NETWORKS), i);
	fputs("COMMIT\n# Generated by ip6tables-save v1.8.9 (nf_tables)\n*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"
	      "-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n-A INPUT -p ipv6-icmp -j ACCEPT\n"
	      "COMMIT\n",
	      out);
}

const struct work works[] = {
	{ "rules", "10,000 rules, 3 fields", 10000, 8, write_linear4 },
	{ "rules-100k", "100,000 rules, 3 fields", 100000, 170, write_linear4 },
	{ "rules-100k-ipv6", "100,000 rules, 3 fields, IPv6", 100000, 170, write_linear6 },
	{ "block-list", "block list of 1,000,000 prefixes, 1,000 rules", 1000000, 100, write_block_list },
	{ "map", "verdict map of 10,000 services", 10000, 11, write_map },
	{ "proxy", "the same, each with a chain that translates (dnat)", 10000, 0, write_proxy },
	{ "dump", "iptables-save of 5,500 rules in 50 chains", 5500, 0, write_dump },
	{ "stripes", "100,000 rules that cross each other", 100000, 1600, write_stripes },
};
const size_t work_count = sizeof(works) / sizeof(works[0]);

const struct work *work_find(const char *name)
{
	for (size_t i = 0; i < work_count; i++) {
		if (strcmp(works[i].name, name) == 0)
			return &works[i];
	}
	return NULL;
}
