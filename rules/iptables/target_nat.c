/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Translations of addresses. */
#include "xt.h"

static void fail_target(struct pa_xt_lowering *lowering, const struct pa_xt_word *word)
{
	pa_xt_fail(lowering, word, "\"%s\" is nothing to translate to: ADDRESS[-ADDRESS][:PORT[-PORT]]", word->text);
	if (lowering->family == 6)
		pa_xt_help(lowering->reader, "an IPv6 address with a port stands in brackets: [2001:db8::1]:80");
}

/* "80", "80-90", "80-90/8080": the ports that may come of it. With a base each port has one of its own, which is one of the range. */
static bool parse_ports(struct pa_xt_lowering *lowering, const char *text, struct pa_operand *ret_port)
{
	const char *slash = strchr(text, '/');
	const char *range = slash ? pa_arena_strndup(lowering->arena, text, (size_t)(slash - text)) : text;
	uint64_t base;
	*ret_port = (struct pa_operand){ .kind = PA_OPERAND_VALUE };
	if (!pa_xt_port_range(range, '-', &ret_port->interval) || ret_port->interval.first == 0 ||
	    ret_port->interval.first > ret_port->interval.last)
		return false;
	return !slash || pa_xt_port(slash + 1, strlen(slash + 1), &base);
}

/* Where the port of "ADDRESS:PORT" begins; NULL: there is none. *ret_length: of the addresses, *ret_start: behind a bracket. */
static const char *split_port(const struct pa_xt_lowering *lowering, const char *text, const char **ret_start,
			      size_t *ret_length)
{
	*ret_start = text;
	*ret_length = strlen(text);
	if (lowering->family == 6) {
		const char *close = strchr(text, ']');
		if (*text != '[' || !close)
			return NULL;
		*ret_start = text + 1;
		*ret_length = (size_t)(close - text) - 1;
		return close[1] == ':' ? close + 2 : close[1] ? "" : NULL;
	}
	const char *colon = strchr(text, ':');
	if (colon)
		*ret_length = (size_t)(colon - text);
	return colon ? colon + 1 : NULL;
}

static void check_ports(struct pa_xt_lowering *lowering, const struct pa_xt_word *word)
{
	static const unsigned protocols[] = { 6, 17, 33, 132, 136, 1, 58 };
	const struct pa_xt_rule *rule = lowering->rule;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (rule->has_protocol && !rule->protocol.negated && rule->number_of_protocol == protocols[i])
			return;
	pa_xt_fail(lowering, word, "a port needs a protocol that has ports: -p tcp, udp, sctp or dccp");
}

static void add_nat(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, enum pa_nat_kind nat,
		    const struct pa_operand *address, const struct pa_operand *port)
{
	struct pa_step step = { .kind = PA_STEP_NAT, .nat = nat, .nat_family = lowering->family };
	step.value = *address;
	step.port = *port;
	step.random = pa_xt_option(use, "random") || pa_xt_option(use, "random-fully");
	step.text = pa_xt_use_text(lowering, use);
	pa_xt_add(lowering, &step);
}

static void lower_address_nat(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, enum pa_nat_kind nat,
			      const char *name)
{
	const struct pa_xt_option *option = pa_xt_option(use, name);
	struct pa_operand address = { .kind = PA_OPERAND_NONE }, to_port = { .kind = PA_OPERAND_NONE };
	const char *start;
	size_t length;
	if (!option) {
		pa_xt_fail(lowering, use->word, "%s needs --%s", use->name, name);
		return;
	}
	const struct pa_xt_word *word = option->arguments[0];
	const char *port = split_port(lowering, word->text, &start, &length);
	if (length) {
		address.kind = PA_OPERAND_VALUE;
		if (!pa_xt_address_range(start, length, lowering->family, &address.interval) ||
		    address.interval.first > address.interval.last) {
			fail_target(lowering, word);
			return;
		}
	}
	if ((port && !parse_ports(lowering, port, &to_port)) || (!length && !port)) {
		fail_target(lowering, word);
		return;
	}
	if (port)
		check_ports(lowering, word);
	add_nat(lowering, use, nat, &address, &to_port);
}

void pa_xt_target_dnat(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	lower_address_nat(lowering, use, PA_NAT_DNAT, "to-destination");
}

void pa_xt_target_snat(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	lower_address_nat(lowering, use, PA_NAT_SNAT, "to-source");
}

static void lower_port_nat(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, enum pa_nat_kind nat)
{
	const struct pa_xt_option *option = pa_xt_option(use, "to-ports");
	struct pa_operand none = { .kind = PA_OPERAND_NONE }, port = { .kind = PA_OPERAND_NONE };
	if (option && !parse_ports(lowering, option->arguments[0]->text, &port)) {
		pa_xt_fail(lowering, option->arguments[0], "\"%s\" is no port or range of ports", option->arguments[0]->text);
		return;
	}
	if (option)
		check_ports(lowering, option->arguments[0]);
	add_nat(lowering, use, nat, &none, &port);
}

void pa_xt_target_masquerade(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	lower_port_nat(lowering, use, PA_NAT_MASQUERADE);
}

void pa_xt_target_redirect(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	lower_port_nat(lowering, use, PA_NAT_REDIRECT);
}

/* --- NETMAP ---------------------------------------------------------------------------------------------------------------- */

enum { IN_FRONT = 1, BEHIND = 2 };

static bool rule_jumps_to(const struct pa_xt_rule *rule, const struct pa_xt_chain *chain)
{
	return rule->jump && strcmp(rule->jump->text, chain->name) == 0;
}

static bool chain_jumps_to(const struct pa_xt_chain *from, const struct pa_xt_chain *chain)
{
	for (size_t i = 0; i < from->count; i++)
		if (rule_jumps_to(from->rules[i], chain))
			return true;
	return false;
}

/* On which side of routing the chain is reached; `depth` ends loops, which are refused later. */
static unsigned sides_of(const struct pa_xt_table *table, const struct pa_xt_chain *chain, unsigned depth)
{
	unsigned sides = 0;
	if (chain->is_base)
		return chain->hook == PA_HOOK_PREROUTING || chain->hook == PA_HOOK_OUTPUT ? IN_FRONT : BEHIND;
	for (size_t i = 0; depth && i < table->count && sides != (IN_FRONT | BEHIND); i++)
		if (chain_jumps_to(table->chains[i], chain))
			sides |= sides_of(table, table->chains[i], depth - 1);
	return sides;
}

/*
 * NETMAP translates the destination in front of routing and the source behind it (net/netfilter/xt_NETMAP.c): in a chain that is
 * reached from both sides it is not one translation, and the rule may do anything.
 */
void pa_xt_target_netmap(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	const struct pa_xt_option *option = pa_xt_option(use, "to");
	struct pa_operand address = { .kind = PA_OPERAND_PREFIX }, none = { .kind = PA_OPERAND_NONE };
	pa_u128 value, mask;
	if (!option) {
		pa_xt_fail(lowering, use->word, "NETMAP needs --to");
		return;
	}
	const char *text = option->arguments[0]->text;
	if (!pa_xt_network(text, strlen(text), lowering->family, &value, &mask) ||
	    !pa_xt_mask_interval(value, mask, &address.interval)) {
		fail_target(lowering, option->arguments[0]);
		return;
	}
	unsigned sides = sides_of(lowering->table, lowering->chain, 16);
	if (sides == (IN_FRONT | BEHIND)) {
		struct pa_step step = pa_xt_opaque_step(pa_xt_use_text(lowering, use), PA_OPACITY_VERDICT, false);
		pa_xt_add(lowering, &step);
		return;
	}
	add_nat(lowering, use, sides == BEHIND ? PA_NAT_SNAT : PA_NAT_DNAT, &address, &none);
}
