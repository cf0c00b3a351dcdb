/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * addrtype (net/netfilter/xt_addrtype.c). IPv4: the type that the routes give an address is one of the list. IPv6 has other
 * rules: MULTICAST, UNICAST and UNSPEC are properties of the address and must all hold; of LOCAL, ANYCAST and UNREACHABLE, which
 * the routes know, one must hold as well.
 */
#include "xt.h"

static const char *const types[] = { "UNSPEC",	  "UNICAST",	 "LOCAL",    "BROADCAST", "ANYCAST", "MULTICAST",
				     "BLACKHOLE", "UNREACHABLE", "PROHIBIT", "THROW",	  "NAT",     "XRESOLVE" };
enum { UNSPEC = 1, UNICAST = 2, LOCAL = 4, ANYCAST = 16, MULTICAST = 32, UNREACHABLE = 128 };

/* A list of types as bits; a word may be shortened. */
static bool parse_types(const char *text, unsigned *ret_bits)
{
	*ret_bits = 0;
	for (;; text++) {
		size_t length = strcspn(text, ","), i = 0;
		while (i < 12 && (!length || length > strlen(types[i]) || strncasecmp(text, types[i], length) != 0))
			i++;
		if (i == 12)
			return false;
		*ret_bits |= 1u << i;
		text += length;
		if (!*text)
			return true;
	}
}

static size_t type_keys(unsigned bits, struct pa_interval *keys)
{
	size_t count = 0;
	for (unsigned i = 0; i < 12; i++)
		if (bits >> i & 1)
			keys[count++] = (struct pa_interval){ i, i };
	return count;
}

struct question {
	const struct pa_xt_option *option;
	unsigned bits;
	enum pa_field address, type;
};

/* What the address itself must be; an interval list. */
static struct pa_step address_step(struct pa_xt_lowering *lowering, enum pa_field field, unsigned bit)
{
	pa_u128 multicast = (pa_u128)0xff << 120;
	struct pa_interval any = { 0, 0 }, group = { multicast, PA_U128_MAX };
	/* no multicast, not ::, no IPv4-mapped address (__ipv6_addr_type() in net/ipv6/addrconf_core.c) */
	struct pa_interval unicast[] = { { 1, PA_IPV4_BASE - 1 }, { PA_IPV4_LAST + 1, multicast - 1 } };
	if (bit == UNICAST)
		return pa_xt_test(lowering->arena, field, unicast, 2, false);
	return pa_xt_test(lowering->arena, field, bit == MULTICAST ? &group : &any, 1, false);
}

/* All tests of one question hold, or, negated, not all of them: alternatives that no packet shares. */
static void add_conjunction(struct pa_xt_lowering *lowering, const struct pa_xt_option *option, struct pa_step *steps,
			    size_t count)
{
	struct pa_xt_fork forks[4] = { 0 };
	const char *text = pa_xt_option_text(lowering, option);
	if (!option->negated) {
		for (size_t i = 0; i < count; i++)
			pa_xt_add_option(lowering, option, steps[i]);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k <= i; k++) {
			struct pa_step step = steps[k];
			step.text = pa_arena_printf(lowering->arena, "! %s", text);
			step.negated = k == i;
			forks[i].steps[forks[i].count++] = step;
		}
	}
	pa_xt_add_fork(lowering, forks, count);
}

static void ask_ipv6(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, const struct question *question)
{
	static const unsigned of_address[] = { MULTICAST, UNICAST, UNSPEC };
	struct pa_interval keys[12];
	struct pa_step steps[4];
	size_t count = 0;
	unsigned routes = question->bits & (LOCAL | ANYCAST | UNREACHABLE);
	if (question->bits & ~(unsigned)(LOCAL | ANYCAST | UNREACHABLE | MULTICAST | UNICAST | UNSPEC)) {
		pa_xt_fail(lowering, question->option->arguments[0], "IPv6 addresses have no such type: \"%s\"",
			   question->option->arguments[0]->text);
		return;
	}
	/* which networks are reached directly, so that their first address is ANYCAST, is not read */
	if (routes & (ANYCAST | UNREACHABLE)) {
		pa_xt_add_opaque_option(lowering, use, question->option, false);
		return;
	}
	for (size_t i = 0; i < 3; i++)
		if (question->bits & of_address[i])
			steps[count++] = address_step(lowering, question->address, of_address[i]);
	if (routes)
		steps[count++] = pa_xt_test(lowering->arena, question->type, keys, type_keys(routes, keys), false);
	add_conjunction(lowering, question->option, steps, count);
}

static void ask_ipv4(struct pa_xt_lowering *lowering, const struct question *question)
{
	struct pa_interval keys[12];
	size_t count = type_keys(question->bits, keys);
	pa_xt_add_option(lowering, question->option,
			 pa_xt_test(lowering->arena, question->type, keys, count, question->option->negated));
}

/* Of the types by interface we know that of the destination and the interface where it came in. */
static void ask(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, const char *name)
{
	bool source = name[0] == 's';
	bool in = pa_xt_option(use, "limit-iface-in"), out = pa_xt_option(use, "limit-iface-out");
	struct question question = { .option = pa_xt_option(use, name) };
	if (!question.option)
		return;
	if (!parse_types(question.option->arguments[0]->text, &question.bits)) {
		pa_xt_fail(lowering, question.option->arguments[0], "\"%s\" is no list of types of addresses",
			   question.option->arguments[0]->text);
		return;
	}
	question.address = source ? PA_FIELD_SADDR : PA_FIELD_DADDR;
	question.type = source ? PA_FIELD_SADDR_TYPE : in ? PA_FIELD_DADDR_IIF_TYPE : PA_FIELD_DADDR_TYPE;
	if (out || (source && in))
		pa_xt_add_opaque(lowering, use, false);
	else if (lowering->family == 6)
		ask_ipv6(lowering, use, &question);
	else
		ask_ipv4(lowering, &question);
}

void pa_xt_match_addrtype(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	if (!pa_xt_option(use, "src-type") && !pa_xt_option(use, "dst-type"))
		pa_xt_fail(lowering, use->word, "the match addrtype needs --src-type or --dst-type");
	ask(lowering, use, "src-type");
	ask(lowering, use, "dst-type");
}
