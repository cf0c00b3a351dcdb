/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random rules out of relist.def: most parts of a rule speak of one network and one transport protocol, so that nft takes them. */
#include <stdlib.h>
#include <string.h>

#include "relist.h"

enum kind { KIND_TEST, KIND_ACT, KIND_END };
enum {
	IP = 1 << RELIST_IP,
	IP6 = 1 << RELIST_IP6,
	INET = 1 << RELIST_INET,
	NETDEV = 1 << RELIST_NETDEV,
	BRIDGE = 1 << RELIST_BRIDGE,
	ALL = IP | IP6 | INET | NETDEV | BRIDGE,
};

static const struct row {
	enum kind kind;
	int network;
	const char *transport;
	unsigned tables;
	const char *text;
} rows[] = {
#define TEST(network, transport, tables, text) { KIND_TEST, network, transport, tables, text },
#define ACT(network, transport, tables, text) { KIND_ACT, network, transport, tables, text },
#define END(network, transport, tables, text) { KIND_END, network, transport, tables, text },
#include "relist.def"
};
#define ROWS (uint32_t)(sizeof(rows) / sizeof(rows[0]))

/* What a rule speaks of; `strict`: of nothing else. */
struct theme {
	enum relist_table table;
	int network;
	const char *transport;
};

#define PICK(chance, list) (list)[chance_below(chance, (uint32_t)(sizeof(list) / sizeof((list)[0])))]

static void put_number(struct chance *chance, FILE *out, char bytes)
{
	static const char *const one[] = { "0", "1", "2", "6", "17", "58", "64", "200" };
	static const char *const two[] = { "0", "22", "53", "80", "443", "1023", "1024", "2000" };
	static const char *const four[] = { "0", "1", "2", "22", "256", "1024", "65537" };
	fputs(bytes == '1' ? PICK(chance, one) : bytes == '2' ? PICK(chance, two) : PICK(chance, four), out);
}

static void put_comparison(struct chance *chance, FILE *out, char bytes)
{
	static const char *const relations[] = { " ", " ", " ", " != ", " != ", " < ", " > ", " <= ", " >= ", " <= ", " >= " };
	static const char *const fixed[] = { " & 3 == 1",      " & 1 != 1",	    " 2-60",	    " != 2-60",
					     " { 1, 22, 80 }", " != { 22, 30-40 }", " & 0xf0 == 0", " { 1-10, 60-90 }" };
	if (chance_of(chance, 30)) {
		fputs(PICK(chance, fixed), out);
		return;
	}
	fputs(PICK(chance, relations), out);
	put_number(chance, out, bytes);
}

static const char *const addresses4[] = { "10.0.0.1", "192.0.2.1", "192.0.2.2", "203.0.113.4" };
static const char *const addresses6[] = { "2001:db8::1", "2001:db8::2", "fd00::5", "2001:db8:9::4" };

static void put_address(struct chance *chance, FILE *out, bool six)
{
	static const char *const fixed4[] = { " 10.0.0.0/8",
					      " != 203.0.113.0/25",
					      " 192.0.2.0-192.0.2.9",
					      " != { 10.0.0.0/8, 192.0.2.1 }",
					      " & 255.255.255.0 == 203.0.113.0",
					      " { 203.0.113.0/24, 10.0.0.1 }",
					      " 0.0.0.0/0",
					      " 192.0.0.0/10",
					      " > 10.0.0.5",
					      " <= 203.0.113.4" };
	static const char *const fixed6[] = { " 2001:db8::/32",
					      " != fd00::/8",
					      " 2001:db8::-2001:db8::9",
					      " != { fd00::/8, 2001:db8::1 }",
					      " & ffff:ffff:: == 2001:db8::",
					      " { 2001:db8:9::/48, fd00::5 }",
					      " ::/0" };
	if (chance_of(chance, 60)) {
		fputs(six ? PICK(chance, fixed6) : PICK(chance, fixed4), out);
		return;
	}
	fputs(chance_of(chance, 25) ? " != " : " ", out);
	fputs(six ? PICK(chance, addresses6) : PICK(chance, addresses4), out);
}

static void put_letter(struct chance *chance, FILE *out, char letter)
{
	static const char *const interfaces[] = { "eth0", "eth1", "lan0" };
	static const char *const verdicts[] = { "accept", "accept", "accept", "drop", "return", "goto c9", "jump c9" };
	switch (letter) {
	case '1':
	case '2':
	case '4':
		put_comparison(chance, out, letter);
		break;
	case 'A':
	case 'B':
		put_address(chance, out, letter == 'B');
		break;
	case 'n':
		put_number(chance, out, '2');
		break;
	case 'a':
		fputs(PICK(chance, addresses4), out);
		break;
	case 'b':
		fputs(PICK(chance, addresses6), out);
		break;
	case 'i':
		fputs(PICK(chance, interfaces), out);
		break;
	case 'o':
		fputs(chance_of(chance, 25) ? "!= " : "", out);
		break;
	case 'v':
		fputs(PICK(chance, verdicts), out);
		break;
	default:
		break;
	}
}

static char *expand(struct chance *chance, const char *text)
{
	char *result = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&result, &size);
	for (; *text; text++)
		if (*text == '$' && text[1])
			put_letter(chance, out, *++text);
		else
			fputc(*text, out);
	fclose(out);
	return result;
}

static bool fits(const struct theme *theme, const struct row *row, enum kind kind)
{
	if (row->kind != kind || !(row->tables >> theme->table & 1))
		return false;
	if (theme->network && row->network && row->network != theme->network)
		return false;
	return !row->transport || !theme->transport || strcmp(row->transport, theme->transport) == 0;
}

static void add_part(struct chance *chance, const struct theme *theme, enum kind kind, struct relist_rule *rule)
{
	for (int attempt = 0; attempt < 1000; attempt++) {
		const struct row *row = &rows[chance_below(chance, ROWS)];
		if (!fits(theme, row, kind) || (kind == KIND_TEST && !row->transport && !row->network && chance_of(chance, 60)))
			continue;
		rule->part[rule->parts++] = expand(chance, row->text);
		return;
	}
}

void relist_rule_draw(struct chance *chance, enum relist_table table, struct relist_rule *ret_rule)
{
	static const char *const transports[] = { "tcp", "tcp", "tcp", "udp", "icmp", "icmpv6", "sctp", "udplite", "dccp" };
	struct theme theme = { .table = table, .transport = PICK(chance, transports) };
	unsigned tests = 1 + chance_below(chance, 5);
	theme.network = table == RELIST_IP	? 4
			: table == RELIST_IP6	? 6
			: chance_of(chance, 20) ? 0
			: chance_of(chance, 60) ? 4
						: 6;
	*ret_rule = (struct relist_rule){ 0 };
	for (unsigned i = 0; i < tests; i++) {
		add_part(chance, &theme, KIND_TEST, ret_rule);
		if (chance_of(chance, 12))
			add_part(chance, &theme, KIND_ACT, ret_rule);
	}
	add_part(chance, &theme, KIND_END, ret_rule);
}

void relist_rule_done(struct relist_rule *rule)
{
	for (size_t i = 0; i < rule->parts; i++)
		free(rule->part[i]);
	rule->parts = 0;
}

char *relist_rule_text(const struct relist_rule *rule)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	for (size_t i = 0; i < rule->parts; i++)
		fprintf(out, "%s%s", i && *rule->part[i] ? " " : "", rule->part[i]);
	fclose(out);
	return text;
}
