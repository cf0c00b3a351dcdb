/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What iptables tests without a match: addresses, interfaces, the protocol, fragments. */
#include "xt.h"

/* --- addresses ------------------------------------------------------------------------------------------------------------ */

static const char *family_name(const struct pa_xt_lowering *lowering)
{
	return lowering->family == 4 ? "IPv4" : "IPv6";
}

static void fail_address(struct pa_xt_lowering *lowering, const struct pa_xt_word *word)
{
	pa_xt_fail(lowering, word, "\"%s\" is no %s address or network", word->text, family_name(lowering));
	if (strpbrk(word->text, "ghijklmnopqrstuvwxyz"))
		pa_xt_help(lowering->reader, "names of hosts are not looked up: write the addresses that they have");
}

static bool is_everything(const struct pa_xt_lowering *lowering, struct pa_interval interval)
{
	if (lowering->family == 6)
		return interval.first == 0 && interval.last == PA_U128_MAX;
	return interval.first == PA_IPV4_BASE && interval.last == PA_IPV4_LAST;
}

static const char *general_text(struct pa_xt_lowering *lowering, const struct pa_xt_general *given, const char *letter)
{
	return pa_arena_printf(lowering->arena, "%s%s %s", given->negated ? "! " : "", letter, given->word->text);
}

/* `-s a,b` is a rule for each address; where they overlap a packet would meet it twice, which changes nothing that counts. */
static void lower_list(struct pa_xt_lowering *lowering, const struct pa_xt_general *given, enum pa_field field,
		       const char *text)
{
	size_t count = 0, room = 1;
	for (const char *c = given->word->text; *c; c++)
		room += *c == ',';
	struct pa_interval *keys = pa_arena_alloc(lowering->arena, room, sizeof(*keys));
	for (const char *at = given->word->text; count < room; at += strcspn(at, ",") + 1) {
		pa_u128 value, mask;
		if (!pa_xt_network(at, strcspn(at, ","), lowering->family, &value, &mask)) {
			fail_address(lowering, given->word);
			return;
		}
		if (!pa_xt_mask_interval(value, mask, &keys[count++])) {
			pa_xt_fail(lowering, given->word, "masks with holes are read of single addresses only");
			return;
		}
	}
	if (given->negated) {
		pa_xt_fail(lowering, given->word, "more than one address cannot be negated");
		return;
	}
	struct pa_step step = pa_xt_test(lowering->arena, field, keys, count, false);
	step.text = text;
	pa_xt_add(lowering, &step);
}

void pa_xt_lower_addresses(struct pa_xt_lowering *lowering, const struct pa_xt_general *given, enum pa_field field,
			   const char *letter)
{
	pa_u128 value, mask;
	struct pa_interval interval;
	struct pa_step step;
	if (!given->word)
		return;
	const char *text = general_text(lowering, given, letter);
	if (strchr(given->word->text, ',')) {
		lower_list(lowering, given, field, text);
		return;
	}
	if (!pa_xt_network(given->word->text, strlen(given->word->text), lowering->family, &value, &mask)) {
		fail_address(lowering, given->word);
		return;
	}
	if (pa_xt_mask_interval(value, mask, &interval)) {
		if (is_everything(lowering, interval) && !given->negated)
			return;
		step = pa_xt_test(lowering->arena, field, &interval, 1, given->negated);
	} else {
		step = pa_xt_test_masked(lowering->arena, field, mask, value & mask, given->negated);
	}
	step.text = text;
	pa_xt_add(lowering, &step);
}

/* --- interfaces ---------------------------------------------------------------------------------------------------------- */

void pa_xt_lower_interface(struct pa_xt_lowering *lowering, const struct pa_xt_general *given, enum pa_field field,
			   const char *letter)
{
	char name[PA_IFNAME_MAX + 1];
	if (!given->word)
		return;
	size_t length = strlen(given->word->text);
	if (!length || length >= PA_IFNAME_MAX) {
		pa_xt_fail(lowering, given->word, "\"%s\" is no name of an interface: they have 1 to 15 bytes",
			   given->word->text);
		return;
	}
	memcpy(name, given->word->text, length + 1);
	struct pa_interval interval;
	if (name[length - 1] == '+') {
		name[length - 1] = '\0';
		interval = pa_ifname_prefix(name);
		if (!*name && !given->negated)
			return;
	} else {
		interval.first = interval.last = pa_ifname_value(name);
	}
	struct pa_step step = pa_xt_test(lowering->arena, field, &interval, 1, given->negated);
	step.text = general_text(lowering, given, letter);
	pa_xt_add(lowering, &step);
}

/* --- protocol, fragments -------------------------------------------------------------------------------------------------- */

void pa_xt_lower_protocol(struct pa_xt_lowering *lowering)
{
	const struct pa_xt_rule *rule = lowering->rule;
	if (!rule->has_protocol)
		return;
	struct pa_step step =
		pa_xt_test_value(lowering->arena, PA_FIELD_L4PROTO, rule->number_of_protocol, rule->protocol.negated);
	step.text = general_text(lowering, &rule->protocol, "-p");
	pa_xt_add(lowering, &step);
}

/* -f: all but the first fragment (ip_packet_match() in net/ipv4/netfilter/ip_tables.c). */
void pa_xt_lower_fragment(struct pa_xt_lowering *lowering)
{
	const struct pa_xt_general *given = &lowering->rule->fragment;
	if (!given->word)
		return;
	struct pa_step step = pa_xt_test_masked(lowering->arena, PA_FIELD_IP_FRAG_OFF, 0x1fff, 0, !given->negated);
	step.text = given->negated ? "! -f" : "-f";
	pa_xt_add(lowering, &step);
}
