/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "grammar.h"

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))
#define ANY(grammar, array) ((array)[chance_below((grammar)->chance, COUNT(array))])
#define HALF(grammar) chance_of((grammar)->chance, 50)

/* No two of one list overlap, so that any of them may stand in one interval set. */
static const char *const ports[] = { "22", "53", "80-90", "443", "1024-2000", "8080", "33000-40000", "65535", "1" };
static const char *const single_ports[] = { "22", "53", "80", "443", "1024", "8080", "33000" };
static const char *const hosts4[] = { "203.0.113.0/25", "203.0.113.128-203.0.113.200",
				      "10.0.0.0/29",	"10.0.0.77",
				      "198.51.100.9",	"198.51.100.64/26",
				      "192.0.2.77",	"192.0.2.1",
				      "192.0.2.2",	"10.0.0.9-10.0.0.20" };
static const char *const hosts6[] = { "2001:db8:9::/64", "2001:db8::77",	"2001:db8:1::9",
				      "fd00::5",	 "fd00::100-fd00::1ff", "2001:db8::1",
				      "2001:db8::2",	 "2001:db8:1::1:0/112", "2001:db8:a::/48" };
static const char *const marks[] = { "0x0", "0x1", "0x2", "0x3", "0x10", "0xff" };
static const char *const masks[] = { "0x1", "0x3", "0xf0", "0xff" };
static const char *const interfaces[] = { "eth0", "eth1", "lan0", "lo", "eth*", "e*" };
static const char *const operators[] = { "", "", "", "!= " };
static const char *const protocols[] = { "tcp", "udp", "icmp", "ipv6-icmp", "sctp", "udplite", "dccp", "47", "99" };

const char grammar_several[] = "several";

static const char *negation(struct grammar *grammar)
{
	return ANY(grammar, operators);
}

uint32_t grammar_list(char letter, const char *const **ret_list)
{
	static const char *const addresses4[] = { "10.0.0.5", "198.51.100.9", "192.0.2.1", "203.0.113.4", "192.0.2.2" };
	static const char *const addresses6[] = { "fd00::5", "2001:db8:1::9", "2001:db8::1", "2001:db8:9::4" };
	static const struct {
		char letter;
		const char *const *list;
		uint32_t count;
	} lists[] = {
		{ 'p', ports, COUNT(ports) },
		{ 'n', single_ports, COUNT(single_ports) },
		{ '4', hosts4, COUNT(hosts4) },
		{ '6', hosts6, COUNT(hosts6) },
		{ 'a', addresses4, COUNT(addresses4) },
		{ 'b', addresses6, COUNT(addresses6) },
		{ 'i', interfaces, 4 },
		{ 'm', marks, COUNT(marks) },
		{ 'k', masks, COUNT(masks) },
	};
	*ret_list = NULL;
	for (size_t i = 0; i < COUNT(lists); i++)
		if (lists[i].letter == letter) {
			*ret_list = lists[i].list;
			return lists[i].count;
		}
	return 0;
}

/* A few of a list, in its order. */
static char *some_of(struct grammar *grammar, const char *const *from, uint32_t count, unsigned percent)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	uint32_t always = chance_below(grammar->chance, count);
	const char *between = "";
	for (uint32_t i = 0; i < count; i++)
		if (i == always || chance_of(grammar->chance, percent)) {
			fprintf(out, "%s%s", between, from[i]);
			between = ", ";
		}
	fclose(out);
	return text;
}
#define SOME(grammar, list, percent) some_of(grammar, list, COUNT(list), percent)

/* a : b or a . b, the keys from one list. */
static char *pairs_of(struct grammar *grammar, const char *const *keys, uint32_t key_count, const char *between,
		      const char *const *values, uint32_t value_count)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	uint32_t first = chance_below(grammar->chance, key_count), count = 1 + chance_below(grammar->chance, 4);
	for (uint32_t i = 0; i < count && i < key_count; i++)
		fprintf(out, "%s%s%s%s", i ? ", " : "", keys[(first + i) % key_count], between,
			values[chance_below(grammar->chance, value_count)]);
	fclose(out);
	return text;
}
#define PAIRS(grammar, keys, between, values) pairs_of(grammar, keys, COUNT(keys), between, values, COUNT(values))

char *grammar_elements(struct grammar *grammar, enum elements kind)
{
	switch (kind) {
	case ELEMENTS_PORT:
		return SOME(grammar, ports, 35);
	case ELEMENTS_PORT_MARK:
		return PAIRS(grammar, single_ports, " : ", marks);
	case ELEMENTS_IP4:
		return SOME(grammar, hosts4, 35);
	case ELEMENTS_IP6:
		return SOME(grammar, hosts6, 35);
	case ELEMENTS_IP4_PORT:
		return PAIRS(grammar, hosts4, " . ", ports);
	}
	return NULL;
}

/* " { a, b }" or one value, by chance negated. */
static char *value_of(struct grammar *grammar, const char *const *from, uint32_t count, const char *set)
{
	if (set && grammar->sets && chance_of(grammar->chance, 20))
		return say("%s@%s", negation(grammar), set);
	if (chance_of(grammar->chance, 40)) {
		char *list = some_of(grammar, from, count, 30), *text = say("%s{ %s }", negation(grammar), list);
		free(list);
		return text;
	}
	return say("%s%s", negation(grammar), from[chance_below(grammar->chance, count)]);
}
#define VALUE(grammar, list, set) value_of(grammar, list, COUNT(list), set)

static char *join(const char *left, char *right)
{
	char *text = right ? say("%s%s", left, right) : NULL;
	free(right);
	return text;
}

bool grammar_want_transport(struct grammar *grammar, const char *name)
{
	if (grammar->transport && strcmp(grammar->transport, name) != 0)
		return false;
	grammar->transport = name;
	return true;
}

static bool has_port(const struct grammar *grammar)
{
	return grammar->transport && grammar->transport != grammar_several && strncmp(grammar->transport, "icmp", 4) != 0;
}

static bool want_network(struct grammar *grammar, int family)
{
	int other = 10 - family;
	if (grammar->network == other || grammar->family == other)
		return false;
	grammar->network = family;
	return true;
}

static int pick_network(struct grammar *grammar)
{
	int family = grammar->network ? grammar->network : grammar->family;
	return family ? family : chance_of(grammar->chance, 60) ? 4 : 6;
}

static char *match_port(struct grammar *grammar)
{
	static const char *const names[] = { "tcp", "tcp", "tcp", "tcp", "udp", "udp", "udp", "sctp", "udplite", "dccp" };
	const char *name = grammar->transport ? grammar->transport : ANY(grammar, names);
	const char *side = chance_of(grammar->chance, 75) ? "dport" : "sport";
	if (grammar->transport && !has_port(grammar))
		return NULL;
	grammar_want_transport(grammar, name);
	if (chance_of(grammar->chance, 8))
		return say("%s %s %s %s", name, side, HALF(grammar) ? "<" : ">=", ANY(grammar, single_ports));
	char *left = say("%s %s ", name, side), *text = join(left, VALUE(grammar, ports, "ports"));
	free(left);
	return text;
}

static char *match_masked_address(struct grammar *grammar, const char *side)
{
	static const char *const four[] = { "& 255.255.255.0 == 203.0.113.0", "& 0.0.0.1 == 0.0.0.1", "& 255.0.0.4 != 10.0.0.4",
					    "& 0.0.0.255 == 0.0.0.9" };
	static const char *const six[] = { "& ffff:ffff:ffff:: == 2001:db8:9::", "& ::ff == ::5", "& ffff:: != fd00::" };
	return grammar->network == 4 ? say("ip %s %s", side, ANY(grammar, four)) : say("ip6 %s %s", side, ANY(grammar, six));
}

static char *match_address(struct grammar *grammar)
{
	int family = pick_network(grammar);
	const char *side = HALF(grammar) ? "saddr" : "daddr";
	want_network(grammar, family);
	if (chance_of(grammar->chance, 7))
		return match_masked_address(grammar, side);
	char *left = say("%s %s ", family == 4 ? "ip" : "ip6", side);
	char *text = join(left, family == 4 ? VALUE(grammar, hosts4, "hosts") : VALUE(grammar, hosts6, "hosts6"));
	free(left);
	return text;
}

static char *match_interface(struct grammar *grammar)
{
	bool in = grammar->base && (grammar->hook == HOOK_INPUT || grammar->hook == HOOK_PREROUTING)
			  ? chance_of(grammar->chance, 85)
			  : HALF(grammar);
	if (chance_of(grammar->chance, 15))
		return say("%s %s\"%s\"", in ? "iif" : "oif", negation(grammar), interfaces[chance_below(grammar->chance, 4)]);
	if (chance_of(grammar->chance, 30))
		return say("%s %s{ \"eth0\", \"%s\" }", in ? "iifname" : "oifname", negation(grammar),
			   HALF(grammar) ? "lan0" : "lo");
	return say("%s %s\"%s\"", in ? "iifname" : "oifname", negation(grammar), ANY(grammar, interfaces));
}

static char *match_state(struct grammar *grammar)
{
	static const char *const states[] = { "new",
					      "established",
					      "established,related",
					      "related",
					      "invalid",
					      "untracked",
					      "{ new, untracked }",
					      "{ established, related, new }",
					      "{ invalid, untracked }" };
	if (chance_of(grammar->chance, 12))
		return say("ct state vmap { established : accept, related : accept, invalid : drop }");
	return say("ct state %s%s", negation(grammar), ANY(grammar, states));
}

static char *match_flow(struct grammar *grammar)
{
	static const char *const tests[] = { "ct status dnat",
					     "ct status ! dnat",
					     "ct status snat",
					     "ct direction original",
					     "ct direction reply",
					     "ct status seen-reply",
					     "ct status & (confirmed | seen-reply) == 0" };
	if (chance_of(grammar->chance, 30) && want_network(grammar, 4))
		return say("ct original ip %s %s", HALF(grammar) ? "daddr" : "saddr", ANY(grammar, hosts4));
	if (chance_of(grammar->chance, 15) && want_network(grammar, 6))
		return say("ct original ip6 %s %s", HALF(grammar) ? "daddr" : "saddr", ANY(grammar, hosts6));
	if (chance_of(grammar->chance, 25) && grammar_want_transport(grammar, HALF(grammar) ? "tcp" : "udp"))
		return say("meta l4proto %s ct original proto-dst %s%s", grammar->transport, negation(grammar),
			   ANY(grammar, single_ports));
	return say("%s", ANY(grammar, tests));
}

static char *match_mark(struct grammar *grammar)
{
	const char *key = chance_of(grammar->chance, 70) ? "meta mark" : "ct mark";
	if (chance_of(grammar->chance, 30))
		return say("%s & %s %s %s", key, ANY(grammar, masks),
			   HALF(grammar) ? "==" : "!=", HALF(grammar) ? "0x0" : "0x1");
	if (chance_of(grammar->chance, 15))
		return say("%s %s0x1-0x10", key, negation(grammar));
	return join(strcmp(key, "ct mark") == 0 ? "ct mark " : "meta mark ", VALUE(grammar, marks, NULL));
}

static char *match_flags(struct grammar *grammar)
{
	static const char *const tests[] = { "syn",
					     "rst",
					     "== syn",
					     "!= syn",
					     "& (fin | syn | rst | ack) == syn",
					     "! ack",
					     "{ syn, ack }",
					     "& (syn | ack) == (syn | ack)",
					     "& (fin | syn | rst | psh | ack | urg) == 0x0",
					     "& ack != 0",
					     "{ syn, fin | psh | urg, 0x0 }" };
	return grammar_want_transport(grammar, "tcp") ? say("tcp flags %s", ANY(grammar, tests)) : NULL;
}

static char *match_icmp(struct grammar *grammar)
{
	static const char *const four[] = { "type echo-request",
					    "type != echo-request",
					    "type { echo-reply, destination-unreachable }",
					    "code 0",
					    "code != 0",
					    "type 8-13",
					    "type { timestamp-request, address-mask-request }" };
	static const char *const six[] = { "type echo-request",
					   "type != echo-request",
					   "type { nd-neighbor-solicit, nd-neighbor-advert }",
					   "code 0",
					   "type 128-139",
					   "type { destination-unreachable, time-exceeded }",
					   "type != 130-136" };
	int family = pick_network(grammar);
	if (!want_network(grammar, family) || !grammar_want_transport(grammar, family == 4 ? "icmp" : "icmpv6"))
		return NULL;
	return family == 4 ? say("icmp %s", ANY(grammar, four)) : say("icmpv6 %s", ANY(grammar, six));
}

static char *match_protocol(struct grammar *grammar)
{
	if (grammar->transport)
		return NULL;
	grammar->transport = grammar_several;
	if (chance_of(grammar->chance, 25) && want_network(grammar, 4))
		return join("ip protocol ", VALUE(grammar, protocols, NULL));
	if (chance_of(grammar->chance, 25) && want_network(grammar, 6))
		return join("ip6 nexthdr ", VALUE(grammar, protocols, NULL));
	if (chance_of(grammar->chance, 25) && !grammar->network && grammar->family == 0)
		return want_network(grammar, HALF(grammar) ? 4 : 6) ? say("meta nfproto ipv%d", grammar->network) : NULL;
	return join("meta l4proto ", VALUE(grammar, protocols, NULL));
}

/* After it nothing may name a transport: th stands for several. */
static char *match_th(struct grammar *grammar)
{
	if (grammar->transport)
		return NULL;
	grammar->transport = grammar_several;
	char *left = say("meta l4proto { %s } th %s ", HALF(grammar) ? "tcp, udp" : "tcp, udp, sctp, udplite, dccp",
			 HALF(grammar) ? "dport" : "sport");
	char *text = join(left, VALUE(grammar, ports, "ports"));
	free(left);
	return text;
}

static char *match_header(struct grammar *grammar)
{
	static const char *const four[] = { "ip ttl 64",      "ip ttl { 1-63, 128 }",	     "ip ttl != 63",   "ip dscp ef",
					    "ip dscp != cs0", "ip dscp { cs1, af11, 0x3f }", "ip length 40-52" };
	static const char *const six[] = { "ip6 hoplimit 64", "ip6 hoplimit < 64", "ip6 dscp cs1", "ip6 dscp != { cs0, ef }",
					   "ip6 length 32" };
	static const char *const meta[] = { "meta length 40-60", "meta length != 52", "meta pkttype host",
					    "meta pkttype != host", "meta pkttype { broadcast, multicast }" };
	int family = pick_network(grammar);
	if (chance_of(grammar->chance, 30) || !want_network(grammar, family))
		return say("%s", ANY(grammar, meta));
	return family == 4 ? say("%s", ANY(grammar, four)) : say("%s", ANY(grammar, six));
}

static char *match_fib(struct grammar *grammar)
{
	bool with_interface = grammar->base && grammar->hook <= HOOK_FORWARD && chance_of(grammar->chance, 20);
	if (chance_of(grammar->chance, 80) || !grammar->base)
		return say("fib daddr type %slocal", negation(grammar));
	return with_interface ? say("fib daddr . iif type %slocal", negation(grammar))
			      : say("fib saddr type %slocal", negation(grammar));
}

static char *match_concatenation(struct grammar *grammar)
{
	char *list, *text = NULL;
	if (grammar->transport && strcmp(grammar->transport, "tcp") != 0)
		return NULL;
	switch (chance_below(grammar->chance, 4)) {
	case 0:
		if (!want_network(grammar, 4) || !grammar_want_transport(grammar, "tcp"))
			return NULL;
		if (grammar->sets && HALF(grammar))
			return say("ip saddr . tcp dport %s@pairs", negation(grammar));
		list = PAIRS(grammar, hosts4, " . ", ports);
		text = say("ip saddr . tcp dport %s{ %s }", negation(grammar), list);
		break;
	case 1:
		grammar_want_transport(grammar, "tcp");
		list = PAIRS(grammar, single_ports, " . ", marks);
		text = say("tcp dport . meta mark %s{ %s }", negation(grammar), list);
		break;
	case 2:
		grammar_want_transport(grammar, "tcp");
		list = PAIRS(grammar, ports, " . ", ports);
		text = say("tcp sport . tcp dport %s{ %s }", negation(grammar), list);
		break;
	default:
		grammar_want_transport(grammar, "tcp");
		list = PAIRS(grammar, ports, " . ", ((const char *const[]){ "\"eth0\"", "\"lan0\"", "\"eth1\"" }));
		text = say("tcp dport . iifname %s{ %s }", negation(grammar), list);
		break;
	}
	free(list);
	return text;
}

static char *match(struct grammar *grammar)
{
	static char *(*const kinds[])(struct grammar *) = {
		match_port,    match_port,	match_port,	     match_port,	  match_address,  match_address,
		match_address, match_interface, match_interface,     match_state,	  match_state,	  match_flow,
		match_mark,    match_mark,	match_flags,	     match_icmp,	  match_protocol, match_th,
		match_header,  match_fib,	match_concatenation, match_concatenation,
	};
	char *wide = grammar->wide && chance_of(grammar->chance, 45) ? phrase_draw(grammar, PHRASE_MATCH) : NULL;
	return wide ? wide : ANY(grammar, kinds)(grammar);
}

static char *statement(struct grammar *grammar)
{
	const char *mark = ANY(grammar, marks);
	char *wide = grammar->wide && chance_of(grammar->chance, 50) ? phrase_draw(grammar, PHRASE_CHANGE) : NULL;
	if (wide)
		return wide;
	switch (chance_below(grammar->chance, 11)) {
	case 0:
	case 1:
	case 2:
		return say("meta mark set %s", mark);
	case 3:
		return say("meta mark set meta mark or %s", mark);
	case 4:
		return say("meta mark set meta mark and %s", mark);
	case 5:
		return say("meta mark set meta mark xor %s", mark);
	case 6:
		return say("meta mark set ct mark");
	case 7:
		return say("ct mark set meta mark");
	case 8:
		return say("ct mark set %s", mark);
	case 9:
		if (grammar->transport && strcmp(grammar->transport, "tcp") != 0)
			return say("counter");
		grammar_want_transport(grammar, "tcp");
		return grammar->sets ? say("meta mark set tcp dport map @colours")
				     : say("meta mark set tcp dport map { 22 : 0x1, 80 : 0x2 }");
	default:
		return say("%s", chance_of(grammar->chance, 60)	  ? "counter"
				 : chance_of(grammar->chance, 70) ? "log prefix \"x \""
								  : "limit rate 400000/second burst 100000 packets");
	}
}

static char *target(struct grammar *grammar, const char *how)
{
	if (grammar->type == TYPE_NAT && grammar->first_nat_target < grammar->nat_targets && HALF(grammar))
		return say("%s n%u", how,
			   grammar->first_nat_target +
				   chance_below(grammar->chance, grammar->nat_targets - grammar->first_nat_target));
	if (grammar->first_target >= grammar->targets)
		return say("counter");
	return say("%s c%u", how,
		   grammar->first_target + chance_below(grammar->chance, grammar->targets - grammar->first_target));
}

char *grammar_verdict(struct grammar *grammar)
{
	static const char *const plain[] = { "accept", "drop", "return", "continue", "accept", "drop" };
	uint32_t kind = chance_below(grammar->chance, 100);
	if (kind < 70 || grammar->first_target >= grammar->targets)
		return say("%s", ANY(grammar, plain));
	return say("%s c%u", kind < 90 ? "jump" : "goto",
		   grammar->first_target + chance_below(grammar->chance, grammar->targets - grammar->first_target));
}

static char *verdict_map(struct grammar *grammar)
{
	static const char *const keys[] = { "22", "53", "80", "443", "1024", "8080" };
	char *verdicts[4], *list, *text;
	verdicts[0] = say("accept");
	verdicts[1] = say("drop");
	verdicts[2] = target(grammar, "jump");
	verdicts[3] = target(grammar, "goto");
	for (int i = 2; i < 4; i++)
		if (strcmp(verdicts[i], "counter") == 0)
			memcpy(verdicts[i], "return", 7);
	list = pairs_of(grammar, keys, COUNT(keys), " : ", (const char *const *)verdicts, 4);
	text = say("%s vmap { %s }", grammar->transport && strcmp(grammar->transport, "udp") == 0 ? "udp dport" : "tcp dport",
		   list);
	if (grammar->transport && strcmp(grammar->transport, "udp") != 0 && strcmp(grammar->transport, "tcp") != 0) {
		free(text);
		text = say("meta mark vmap { 0x0 : accept, 0x1 : drop, 0x2-0xff : return }");
	}
	for (int i = 0; i < 4; i++)
		free(verdicts[i]);
	free(list);
	return text;
}

static char *verdict(struct grammar *grammar)
{
	uint32_t kind = chance_below(grammar->chance, 100);
	bool may_reject = grammar->base && grammar->type == TYPE_FILTER &&
			  (grammar->hook == HOOK_INPUT || grammar->hook == HOOK_FORWARD || grammar->hook == HOOK_OUTPUT);
	if (kind < 36)
		return say("accept");
	if (kind < 58)
		return say("drop");
	if (kind < 64)
		return may_reject ? say("reject") : say("drop");
	if (kind < 75)
		return target(grammar, "jump");
	if (kind < 81)
		return target(grammar, "goto");
	if (kind < 87)
		return say("return");
	if (kind < 92)
		return verdict_map(grammar);
	return kind < 95 && grammar->raw ? say("notrack") : NULL;
}

static char *translate_destination(struct grammar *grammar)
{
	static const char *const four[] = { "10.0.0.5", "198.51.100.9", "192.0.2.1", "203.0.113.4", "192.0.2.2" };
	static const char *const six[] = { "fd00::5", "2001:db8:1::9", "2001:db8::1", "2001:db8:9::4" };
	int family = pick_network(grammar);
	const char *kind = grammar->family ? "" : family == 4 ? " ip" : " ip6";
	char port[16] = "";
	if (has_port(grammar) && HALF(grammar))
		snprintf(port, sizeof(port), ":%s", ANY(grammar, single_ports));
	if (chance_of(grammar->chance, 25))
		return say("redirect%s%s", port[0] ? " to " : "", port);
	if (family == 4 && grammar->transport && strcmp(grammar->transport, "tcp") == 0 && chance_of(grammar->chance, 20)) {
		char *pairs = HALF(grammar) ? PAIRS(grammar, single_ports, " : ", four)
					    : say("%s : %s . 8080, 8081 : 10.0.0.6 . 22", ANY(grammar, single_ports),
						  ANY(grammar, four));
		char *text = say("dnat ip to tcp dport map { %s }", pairs);
		free(pairs);
		return text;
	}
	if (grammar->family == 4 && port[0] && chance_of(grammar->chance, 15))
		return say("dnat to %s", port);
	if (family == 4)
		return say("dnat%s to %s%s", kind, ANY(grammar, four), port);
	return port[0] ? say("dnat%s to [%s]%s", kind, ANY(grammar, six), port) : say("dnat%s to %s", kind, ANY(grammar, six));
}

static char *translate_source(struct grammar *grammar)
{
	int family = pick_network(grammar);
	const char *kind = grammar->family ? "" : family == 4 ? " ip" : " ip6";
	if (grammar->hook == HOOK_POSTROUTING && HALF(grammar))
		return say("masquerade");
	return say("snat%s to %s", kind, family == 4 ? "198.51.100.1" : "2001:db8:1::1");
}

static char *translation(struct grammar *grammar)
{
	bool destination = grammar->hook == HOOK_PREROUTING || grammar->hook == HOOK_OUTPUT;
	return destination ? translate_destination(grammar) : translate_source(grammar);
}

static char *ending(struct grammar *grammar)
{
	bool translate = grammar->type == TYPE_NAT && chance_of(grammar->chance, 65);
	char *wide = NULL;
	if (grammar->wide && chance_of(grammar->chance, translate ? 40 : 25))
		wide = phrase_draw(grammar, translate ? PHRASE_NAT : PHRASE_END);
	return wide ? wide : translate ? translation(grammar) : verdict(grammar);
}

void grammar_rule(struct grammar *grammar, struct script_rule *rule)
{
	uint32_t matches = chance_below(grammar->chance, 100);
	matches = matches < 5 ? 0 : matches < 60 ? 1 : matches < 90 ? 2 : 3;
	grammar->network = 0;
	grammar->transport = NULL;
	for (uint32_t i = 0; i < matches; i++) {
		if (chance_of(grammar->chance, 12))
			rule_step(rule, statement(grammar));
		rule_step(rule, match(grammar));
	}
	if (chance_of(grammar->chance, 12))
		rule_step(rule, statement(grammar));
	rule_step(rule, ending(grammar));
	if (rule->steps == 0)
		rule_step(rule, say("counter"));
}
