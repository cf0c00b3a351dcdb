/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random rulesets of iptables for the judge: DIR/SEED-N.rules4 and .rules6.
 * Usage: iptables-random DIR SEED COUNT
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "judge.h"

enum { V4 = 1, V6 = 2, BOTH = 3 };

/*
 * A piece of a rule. In the text: %! now and then a negation, %n an address or network, %a an address, %p a port or range, %l a
 * list of them, %i an interface, %s states, %d states and translations, %m a mark, %k a mark with a mask, %x a number of a chain.
 */
struct phrase {
	unsigned percent;
	unsigned families;
	const char *text;
};
#define END                \
	{                  \
		0, 0, NULL \
	}

static const struct phrase addresses[] = { { 35, BOTH, "%!-s %n" }, { 25, BOTH, "%!-d %n" }, END };
static const struct phrase incoming[] = { { 25, BOTH, "%!-i %i" }, END };
static const struct phrase outgoing[] = { { 20, BOTH, "%!-o %i" }, END };

static const struct protocol {
	unsigned families;
	const char *name;
	struct phrase phrases[5];
} protocols[] = {
	{ BOTH,
	  "tcp",
	  { { 40, BOTH, "-m tcp %!--dport %p" },
	    { 20, BOTH, "-m multiport %!--dports %l" },
	    { 15, BOTH, "-m tcp %!--syn" },
	    { 15, BOTH, "-m tcp %!--tcp-flags SYN,RST,ACK ACK" },
	    END } },
	{ BOTH,
	  "udp",
	  { { 40, BOTH, "-m udp %!--dport %p" },
	    { 20, BOTH, "-m udp %!--sport %p" },
	    { 25, BOTH, "-m multiport %!--ports %l" },
	    END } },
	{ BOTH, "sctp", { { 40, BOTH, "-m sctp %!--dport %p" }, { 25, BOTH, "-m multiport %!--sports %l" }, END } },
	{ V4, "icmp", { { 30, V4, "-m icmp %!--icmp-type 8" }, { 20, V4, "-m icmp %!--icmp-type 3/1" }, END } },
	{ V6, "ipv6-icmp", { { 30, V6, "-m icmp6 %!--icmpv6-type 128" }, { 20, V6, "-m icmp6 %!--icmpv6-type 1/4" }, END } },
};
#define PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

static const struct phrase matches[] = {
	{ 18, BOTH, "-m state %!--state %s" },
	{ 18, BOTH, "-m conntrack %!--ctstate %d" },
	{ 8, BOTH, "-m conntrack --ctstate %d %!--ctorigdst %n" },
	{ 5, BOTH, "-m conntrack %!--ctorigsrc %n" },
	{ 5, BOTH, "-m conntrack %!--ctstatus SEEN_REPLY,ASSURED" },
	{ 25, BOTH, "-m mark %!--mark %k" },
	{ 10, BOTH, "-m connmark %!--mark %k" },
	{ 6, BOTH, "-m addrtype %!--dst-type LOCAL" },
	{ 5, BOTH, "-m addrtype %!--dst-type UNICAST" },
	{ 8, V4, "-m iprange %!--src-range 10.0.0.0-192.0.2.1" },
	{ 8, V6, "-m iprange %!--src-range 2001:db8::-2001:db8:1::" },
	{ 6, BOTH, "-m pkttype %!--pkt-type unicast" },
	{ 5, V4, "-m ttl --ttl-lt 40" },
	{ 5, V6, "-m hl --hl-gt 100" },
	{ 5, BOTH, "-m dscp %!--dscp 10" },
	{ 4, BOTH, "-m length %!--length 0:52" },
	END,
};

/* The first that chance takes is the target. */
static const struct phrase filter_targets[] = { { 20, BOTH, "%x" },	   { 40, BOTH, "-j ACCEPT" }, { 30, BOTH, "-j DROP" },
						{ 30, BOTH, "-j RETURN" }, { 50, BOTH, "-j LOG" },    END };
static const struct phrase mangle_targets[] = {
	{ 20, BOTH, "%x" },
	{ 12, BOTH, "-j MARK --set-mark %m" },
	{ 12, BOTH, "-j MARK --set-xmark 0x10/0xf0" },
	{ 12, BOTH, "-j MARK --or-mark %m" },
	{ 12, BOTH, "-j MARK --and-mark 0xf0" },
	{ 12, BOTH, "-j MARK --xor-mark %m" },
	{ 15, BOTH, "-j CONNMARK --save-mark" },
	{ 15, BOTH, "-j CONNMARK --restore-mark" },
	{ 15, BOTH, "-j CONNMARK --set-xmark 0x1/0xf" },
	{ 20, BOTH, "-j CONNMARK --save-mark --nfmask 0xf --ctmask 0xff" },
	{ 20, BOTH, "-j CONNMARK --restore-mark --nfmask 0xf0 --ctmask 0xf0" },
	{ 30, BOTH, "-j DSCP --set-dscp 10" },
	{ 50, BOTH, "-j ACCEPT" },
	{ 60, BOTH, "-j DROP" },
	END,
};
static const struct phrase raw_targets[] = { { 20, BOTH, "%x" },
					     { 40, BOTH, "-j CT --notrack" },
					     { 40, BOTH, "-j CT --zone 1" },
					     { 20, BOTH, "-j CONNMARK --restore-mark" },
					     { 60, BOTH, "-j ACCEPT" },
					     END };
static const struct phrase nat_targets[] = { { 60, BOTH, "-j DNAT --to-destination %a" }, { 30, BOTH, "-j ACCEPT" }, END };

static const struct table {
	const char *name;
	unsigned percent;
	const char *chains[6]; /* those that get rules */
	const struct phrase *targets;
} tables[] = {
	{ "raw", 30, { "PREROUTING", NULL }, raw_targets },
	{ "mangle", 50, { "PREROUTING", "INPUT", "FORWARD", NULL }, mangle_targets },
	{ "nat", 40, { "PREROUTING", NULL }, nat_targets },
	{ "filter", 100, { "INPUT", "FORWARD", NULL }, filter_targets },
	{ "security", 20, { "INPUT", "FORWARD", NULL }, filter_targets },
};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

struct writer {
	FILE *out;
	struct chance chance;
	bool six;
	unsigned chains; /* U1 ... that may be jumped to from here on */
	unsigned from;
};

static const char *one_of(struct writer *writer, const char *const *words, size_t count)
{
	return words[chance_below(&writer->chance, (uint32_t)count)];
}
#define ONE_OF(writer, words) one_of(writer, words, sizeof(words) / sizeof(words[0]))

static void put_list(struct writer *writer, const char *const *words, size_t count)
{
	unsigned taken = 0;
	for (unsigned i = 0; i <= chance_below(&writer->chance, 3); i++) {
		size_t at = chance_below(&writer->chance, (uint32_t)count);
		if (taken >> at & 1)
			continue;
		fprintf(writer->out, "%s%s", taken ? "," : "", words[at]);
		taken |= 1u << at;
	}
}

static void put_place(struct writer *writer, char what)
{
	static const char *const four[] = {
		"192.0.2.1", "192.0.2.2",  "198.51.100.1", "10.0.0.1",	     "203.0.113.4",
		"10.0.0.5",  "10.0.0.0/8", "192.0.2.0/25", "203.0.113.0/24", "203.0.113.4/255.0.255.255"
	};
	static const char *const six[] = {
		"2001:db8::1", "2001:db8::2", "2001:db8:1::1",	 "fd00::1",	  "2001:db8:9::4",
		"fd00::5",     "fd00::/64",   "2001:db8:9::/48", "2001:db8::/32", "2001:db8::1/ffff:ffff::ffff"
	};
	static const char *const ports[] = { "22", "53", "80", "443", "8080", "1:1023", "1024:65535", "0:80" };
	static const char *const interfaces[] = { "eth0", "eth1", "lan0", "eth+", "lo" };
	static const char *const states[] = { "INVALID", "NEW", "ESTABLISHED", "RELATED", "UNTRACKED", "DNAT", "SNAT" };
	static const char *const marks[] = { "0x1", "0x5", "0x10", "0xff", "0x10/0xf0", "0x0/0x1", "0x5/0xf" };
	switch (what) {
	case '!':
		fputs(chance_of(&writer->chance, 25) ? "! " : "", writer->out);
		break;
	case 'a':
		fputs(one_of(writer, writer->six ? six : four, 6), writer->out);
		break;
	case 'n':
		fputs(one_of(writer, writer->six ? six : four, 10), writer->out);
		break;
	case 'p':
		fputs(ONE_OF(writer, ports), writer->out);
		break;
	case 'l':
		put_list(writer, ports, sizeof(ports) / sizeof(ports[0]));
		break;
	case 'i':
		fputs(ONE_OF(writer, interfaces), writer->out);
		break;
	case 's':
		put_list(writer, states, 5);
		break;
	case 'd':
		put_list(writer, states, 7);
		break;
	case 'm':
		fputs(one_of(writer, marks, 4), writer->out);
		break;
	case 'k':
		fputs(ONE_OF(writer, marks), writer->out);
		break;
	default: /* a later chain: no loops */
		fprintf(writer->out, "-%c U%u", chance_of(&writer->chance, 70) ? 'j' : 'g',
			writer->from + 1 + chance_below(&writer->chance, writer->chains - writer->from));
		break;
	}
}

static void put_phrase(struct writer *writer, const char *text)
{
	fputc(' ', writer->out);
	for (; *text; text++) {
		if (*text == '%')
			put_place(writer, *++text);
		else
			fputc(*text, writer->out);
	}
}

static bool is_taken(struct writer *writer, const struct phrase *phrase)
{
	bool family = phrase->families & (writer->six ? V6 : V4);
	bool jumps = strcmp(phrase->text, "%x") == 0;
	return family && !(jumps && writer->from >= writer->chains) && chance_of(&writer->chance, phrase->percent);
}

static void put_some(struct writer *writer, const struct phrase *phrases)
{
	for (; phrases->text; phrases++)
		if (is_taken(writer, phrases))
			put_phrase(writer, phrases->text);
}

static void put_target(struct writer *writer, const struct phrase *targets)
{
	while (targets->text && !is_taken(writer, targets))
		targets++;
	if (targets->text)
		put_phrase(writer, targets->text);
}

static void put_rule(struct writer *writer, const struct table *table, const char *chain)
{
	const struct protocol *protocol = &protocols[chance_below(&writer->chance, PROTOCOLS)];
	bool base = chain[0] != 'U', nat = table->targets == nat_targets;
	fprintf(writer->out, "-A %s", chain);
	put_some(writer, addresses);
	put_some(writer, incoming);
	if (base && strcmp(chain, "FORWARD") == 0)
		put_some(writer, outgoing);
	if ((protocol->families & (writer->six ? V6 : V4)) && chance_of(&writer->chance, 75)) {
		fprintf(writer->out, " -p %s", protocol->name);
		put_some(writer, protocol->phrases);
	}
	put_some(writer, matches);
	put_target(writer, nat || table->targets != filter_targets ? table->targets : filter_targets);
	fputc('\n', writer->out);
}

static void put_table(struct writer *writer, const struct table *table)
{
	bool filter = strcmp(table->name, "filter") == 0;
	char name[8];
	writer->chains = table->targets == nat_targets ? 0 : chance_below(&writer->chance, 4);
	fprintf(writer->out, "*%s\n", table->name);
	for (size_t i = 0; table->chains[i]; i++)
		fprintf(writer->out, ":%s %s [0:0]\n", table->chains[i],
			filter && chance_of(&writer->chance, 70) ? "DROP" : "ACCEPT");
	for (unsigned i = 1; i <= writer->chains; i++)
		fprintf(writer->out, ":U%u - [0:0]\n", i);
	writer->from = 0;
	for (size_t i = 0; table->chains[i]; i++)
		for (unsigned k = 0; k <= chance_below(&writer->chance, 6); k++)
			put_rule(writer, table, table->chains[i]);
	for (writer->from = 1; writer->from <= writer->chains; writer->from++) {
		snprintf(name, sizeof(name), "U%u", writer->from);
		for (unsigned k = 0; k <= chance_below(&writer->chance, 4); k++)
			put_rule(writer, table, name);
	}
	fputs("COMMIT\n", writer->out);
}

static bool put_ruleset(struct writer *writer, const char *folder, unsigned long seed, unsigned long number)
{
	char *path = NULL;
	if (asprintf(&path, "%s/%lu-%lu.rules%c", folder, seed, number, writer->six ? '6' : '4') < 0)
		return false;
	writer->out = fopen(path, "we");
	if (!writer->out) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		free(path);
		return false;
	}
	free(path);
	/* words of nft from which the judge knows what its packets have to be like, and what may be open */
	fputs("# As nft says it: dnat to, redirect, ct original, fib \n", writer->out);
	for (size_t i = 0; i < TABLES; i++)
		if (chance_of(&writer->chance, tables[i].percent))
			put_table(writer, &tables[i]);
	return fclose(writer->out) == 0;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fputs("usage: iptables-random DIR SEED COUNT\n", stderr);
		return 2;
	}
	unsigned long seed = strtoul(argv[2], NULL, 10), count = strtoul(argv[3], NULL, 10);
	struct writer writer = { .chance = { seed * 0x9e3779b97f4a7c15u + 1 } };
	bool good = mkdir(argv[1], 0700) == 0 || errno == EEXIST;
	for (unsigned long i = 0; good && i < count; i++) {
		writer.six = false;
		good = put_ruleset(&writer, argv[1], seed, i);
		writer.six = true;
		good = good && put_ruleset(&writer, argv[1], seed, i);
	}
	return good ? 0 : 1;
}
