/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Matches of what a packet is: marks, lengths, header fields, where it came from. */
#include "xt.h"

#include "../ir/names.h"

void pa_xt_match_comment(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	(void)lowering;
	(void)use;
}

/* Why two evaluations may differ; NULL: not known. */
static const char *reason_of(enum pa_xt_treatment treatment)
{
	switch (treatment) {
	case PA_XT_RANDOM:
		return "is drawn by lot, or counted, for each packet";
	case PA_XT_COUNTED:
		return "depends on other packets";
	case PA_XT_PROCESSOR:
		return "depends on the processor that handles the packet";
	case PA_XT_TIME: /* pa_xt_match_time() */
	case PA_XT_EXACT:
	case PA_XT_OPAQUE:
	case PA_XT_VOLATILE:
		break;
	}
	return NULL;
}

void pa_xt_match_opaque(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	const char *reason = reason_of(use->extension->treatment);
	struct pa_step step;

	if (!reason) {
		pa_xt_add_opaque(lowering, use, use->extension->treatment == PA_XT_VOLATILE);
		return;
	}
	step = pa_xt_opaque_step(pa_xt_use_text(lowering, use), PA_OPACITY_MATCH, true);
	step.reason = reason;
	step.understood = true;
	step.counted = use->extension->treatment == PA_XT_COUNTED || (step.text && strstr(step.text, "--mode nth"));
	pa_xt_add(lowering, &step);
}

static void require_header(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, unsigned bit)
{
	struct pa_step step = pa_xt_test_masked(lowering->arena, PA_FIELD_EXTHDRS, bit, bit, false);
	step.text = pa_arena_printf(lowering->arena, "-m %s", use->name);
	pa_xt_add(lowering, &step);
}

/*
 * Matches of an IPv6 extension header: without the header the rule ends, whatever is negated in it (ipv6_find_hdr() in
 * net/ipv6/netfilter/ip6t_srh.c, ip6t_hbh.c). What stands in the header is not followed, but for the type that srh wants.
 */
void pa_xt_match_exthdr(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	static const struct {
		const char *name;
		unsigned bit; /* of PA_FIELD_EXTHDRS */
	} headers[] = { { "hbh", 1 }, { "srh", 2 }, { "dst", 4 } };

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		if (strcmp(headers[i].name, use->name) == 0)
			require_header(lowering, use, headers[i].bit);
	if (strcmp(use->name, "srh") == 0) {
		struct pa_step type = pa_xt_test_value(lowering->arena, PA_FIELD_RT_TYPE, 4, false);
		type.text = "-m srh";
		pa_xt_add(lowering, &type);
	}
	pa_xt_add_opaque(lowering, use, false);
}

/* The kernel compares bytes, and every header has a multiple of 8 (ipv6_optlen()): other lengths fit no packet. */
static struct pa_step test_header_length(struct pa_xt_lowering *lowering, const struct pa_xt_option *option)
{
	uint64_t bytes = 0;
	if (!pa_xt_number(option->arguments[0]->text, UINT32_MAX, &bytes))
		pa_xt_fail_value(lowering, option);
	bool possible = bytes >= 8 && bytes % 8 == 0 && bytes / 8 <= 256;
	struct pa_interval key = { possible ? bytes / 8 - 1 : 0, possible ? bytes / 8 - 1 : 0 };
	return pa_xt_test(lowering->arena, PA_FIELD_RT_LENGTH, &key, possible, option->negated);
}

static void lower_rt_option(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, const struct pa_xt_option *option)
{
	struct pa_interval range;
	if (strcmp(option->name, "rt-len") == 0) {
		pa_xt_add_option(lowering, option, test_header_length(lowering, option));
	} else if (strcmp(option->name, "rt-type") != 0 && strcmp(option->name, "rt-segsleft") != 0) {
		pa_xt_add_opaque_option(lowering, use, option, false); /* what is behind the first 8 bytes */
	} else if (!pa_xt_range(option->arguments[0]->text, ':', UINT32_MAX, &range)) {
		pa_xt_fail_value(lowering, option);
	} else {
		enum pa_field field = strcmp(option->name, "rt-type") == 0 ? PA_FIELD_RT_TYPE : PA_FIELD_RT_SEGMENTS;
		bool possible = range.first <= pa_field_max(field);
		if (range.last > pa_field_max(field))
			range.last = pa_field_max(field);
		pa_xt_add_option(lowering, option, pa_xt_test(lowering->arena, field, &range, possible, option->negated));
	}
}

/*
 * rt_mt6() in net/ipv6/netfilter/ip6t_rt.c looks at the first routing header; without one the rule ends, whatever is negated. The
 * packet's own length is not asked: one whose routing header is cut off has no transport header, and no receiver.
 */
void pa_xt_match_rt(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	require_header(lowering, use, 2);
	for (size_t i = 0; i < use->count; i++)
		lower_rt_option(lowering, use, &use->options[i]);
}

/*
 * The mark matters to rules of its own (`ip rule`), and where there are such the routes are not known. --accept-local is not
 * followed.
 */
void pa_xt_match_rpfilter(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	struct pa_step step = pa_xt_question(lowering->arena, pa_xt_use_text(lowering, use));
	struct pa_key_part *part = &step.key.parts[0];
	bool inverted = pa_xt_option(use, "invert") != NULL;
	part->reason =
		"asks whether this host would answer the source through the interface that the packet came in by, which its "
		"routes say";
	part->understood = part->always = true;
	part->fib = pa_xt_option(use, "loose") ? PA_FIB_XT_LOOSE : PA_FIB_XT_STRICT;
	if (pa_xt_option(use, "accept-local"))
		part->fib = PA_FIB_NONE;
	if (inverted)
		step.elements = pa_xt_elements(lowering->arena, &(struct pa_interval){ 0, 0 }, 1, 1);
	pa_xt_add(lowering, &step);
}

/* It may give the packet the mark of its socket. */
void pa_xt_match_socket(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	pa_xt_add_opaque(lowering, use, true);
	if (!pa_xt_option(use, "restore-skmark"))
		return;
	struct pa_step step = pa_xt_assign_step(PA_FIELD_MARK, "the mark of the packet's socket");
	step.value = (struct pa_operand){ .kind = PA_OPERAND_OPAQUE, .text = step.text };
	pa_xt_add(lowering, &step);
}

/*
 * ip sets. The contents come from another file; until they are given any answer is possible. Negation is a property of the step,
 * so that the same set asked twice is one question.
 */
static bool tests_counters(const struct pa_xt_use *use)
{
	for (size_t i = 0; i < use->count; i++)
		if (strncmp(use->options[i].name, "packets-", 8) == 0 || strncmp(use->options[i].name, "bytes-", 6) == 0)
			return true;
	return false;
}

static void lower_match_set(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, const struct pa_xt_option *option)
{
	struct pa_ipset_match match = { .name = option->arguments[0]->text,
					.directions = option->arguments[1]->text,
					.family = lowering->family,
					.negated = option->negated,
					.return_nomatch = pa_xt_option(use, "return-nomatch") != NULL,
					.tests_counters = tests_counters(use),
					.text = pa_xt_option_text(lowering, option) };
	struct pa_step steps[PA_IPSET_STEPS_MAX];
	size_t count;

	pa_ipset_lower(lowering->reader->sets, &match, lowering->arena, steps, &count);
	for (size_t i = 0; i < count; i++)
		pa_xt_add(lowering, &steps[i]);
}

void pa_xt_match_set(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	const struct pa_xt_option *option = pa_xt_option(use, "match-set");
	if (option)
		lower_match_set(lowering, use, option);
	else
		pa_xt_fail_without(lowering, use);
}

/* --- marks ------------------------------------------------------------------------------------------------------------------ */

static void lower_mark(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, enum pa_field field)
{
	const struct pa_xt_option *option = pa_xt_option(use, "mark");
	uint64_t value, mask;
	if (!option)
		pa_xt_fail_without(lowering, use);
	else if (!pa_xt_value_mask(option->arguments[0]->text, UINT32_MAX, &value, &mask))
		pa_xt_fail_value(lowering, option);
	else
		pa_xt_add_option(lowering, option, pa_xt_test_masked(lowering->arena, field, mask, value, option->negated));
}

void pa_xt_match_mark(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	lower_mark(lowering, use, PA_FIELD_MARK);
}

void pa_xt_match_connmark(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	lower_mark(lowering, use, PA_FIELD_CT_MARK);
}

/* --- addresses ------------------------------------------------------------------------------------------------------------------- */

void pa_xt_match_iprange(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	static const struct {
		const char *name;
		enum pa_field field;
	} sides[] = { { "src-range", PA_FIELD_SADDR }, { "dst-range", PA_FIELD_DADDR } };
	for (size_t i = 0; i < 2; i++) {
		const struct pa_xt_option *option = pa_xt_option(use, sides[i].name);
		struct pa_interval range;
		if (!option)
			continue;
		const char *text = option->arguments[0]->text;
		if (!pa_xt_address_range(text, strlen(text), lowering->family, &range))
			pa_xt_fail_value(lowering, option);
		else
			pa_xt_add_option(lowering, option,
					 pa_xt_test(lowering->arena, sides[i].field, &range, range.first <= range.last,
						    option->negated));
	}
	if (!use->count)
		pa_xt_fail_without(lowering, use);
}

/* Interfaces of another kind have no such address: the test fails there, negated or not (mac_mt() in net/netfilter/xt_mac.c). */
void pa_xt_match_mac(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	const struct pa_xt_option *option = pa_xt_option(use, "mac-source");
	uint64_t value = 0;
	if (!option) {
		pa_xt_fail_without(lowering, use);
		return;
	}
	const char *text = option->arguments[0]->text;
	for (unsigned i = 0; i < 6; i++, text += 3) {
		static const char digits[] = "00112233445566778899aAbBcCdDeEfF";
		const char *high = *text ? strchr(digits, text[0]) : NULL,
			   *low = high && text[1] ? strchr(digits, text[1]) : NULL;
		if (!low || text[2] != (i < 5 ? ':' : '\0')) {
			pa_xt_fail_value(lowering, option);
			return;
		}
		value = value << 8 | (uint64_t)((high - digits) / 2 << 4 | (low - digits) / 2);
	}
	static const struct pa_link_test type = { PA_LINK_TYPE, PA_FIELD_IIFNAME, PA_U128_MAX, 0 };
	struct pa_step ether = pa_xt_question(lowering->arena, "meta iiftype");
	ether.key.parts[0].link = &type;
	ether.implied = true;
	ether.text = NULL;
	pa_xt_add(lowering, &ether);
	pa_xt_add_option(lowering, option, pa_xt_test_value(lowering->arena, PA_FIELD_ETHER_SADDR, value, option->negated));
}

void pa_xt_match_pkttype(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	static const struct {
		const char *name;
		unsigned type;
	} types[] = { { "unicast", 0 },	  { "host", 0 },  { "broadcast", 1 }, { "bcast", 1 },
		      { "multicast", 2 }, { "mcast", 2 }, { "otherhost", 3 } };
	const struct pa_xt_option *option = pa_xt_option(use, "pkt-type");
	if (!option) {
		pa_xt_fail_without(lowering, use);
		return;
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (strcasecmp(option->arguments[0]->text, types[i].name) == 0) {
			pa_xt_add_option(lowering, option,
					 pa_xt_test_value(lowering->arena, PA_FIELD_PKTTYPE, types[i].type, option->negated));
			return;
		}
	}
	pa_xt_fail_value(lowering, option);
}

/* --- header fields ------------------------------------------------------------------------------------------------------------------ */

/* IPv6: the length with the header's 40 bytes (net/netfilter/xt_length.c). */
void pa_xt_match_length(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	const struct pa_xt_option *option = pa_xt_option(use, "length");
	struct pa_interval range;
	if (!option) {
		pa_xt_fail_without(lowering, use);
		return;
	}
	if (!pa_xt_range(option->arguments[0]->text, ':', 65535, &range)) {
		pa_xt_fail_value(lowering, option);
		return;
	}
	bool none = range.first > range.last;
	if (lowering->family == 4) {
		pa_xt_add_option(lowering, option,
				 pa_xt_test(lowering->arena, PA_FIELD_IP_LENGTH, &range, none ? 0 : 1, option->negated));
		return;
	}
	none = none || range.last < 40;
	range.first = range.first > 40 ? range.first - 40 : 0;
	range.last = range.last == 65535 ? 65535 : none ? 0 : range.last - 40;
	pa_xt_add_option(lowering, option,
			 pa_xt_test(lowering->arena, PA_FIELD_IP6_LENGTH, &range, none ? 0 : 1, option->negated));
}

void pa_xt_match_ttl(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	struct pa_interval range = { 0, 255 };
	uint64_t value;
	if (use->count != 1) {
		pa_xt_fail_without(lowering, use);
		return;
	}
	const struct pa_xt_option *option = &use->options[0];
	if (!pa_xt_number(option->arguments[0]->text, 255, &value)) {
		pa_xt_fail_value(lowering, option);
		return;
	}
	bool less = strcmp(option->name, "lt") == 0, more = strcmp(option->name, "gt") == 0;
	range.first = less ? 0 : more ? value + 1 : value;
	range.last = more ? 255 : less ? value - (value > 0) : value;
	bool none = (less && value == 0) || (more && value == 255);
	pa_xt_add_option(lowering, option, pa_xt_test(lowering->arena, PA_FIELD_TTL, &range, none ? 0 : 1, option->negated));
}

static bool parse_dscp(const struct pa_xt_option *option, uint64_t *ret_value)
{
	char lower[16] = "";
	const char *text = option->arguments[0]->text;
	if (strstr(option->name, "class") == NULL)
		return pa_xt_number(text, 63, ret_value);
	if (strcasecmp(text, "BE") == 0) {
		*ret_value = 0;
		return true;
	}
	for (size_t i = 0; i + 1 < sizeof(lower) && text[i]; i++)
		lower[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
	return pa_symbol_find(PA_DATATYPE_DSCP, lower, strlen(lower), ret_value);
}

bool pa_xt_dscp(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, uint64_t *ret_value)
{
	if (use->count != 1)
		pa_xt_fail_without(lowering, use);
	else if (!parse_dscp(&use->options[0], ret_value))
		pa_xt_fail_value(lowering, &use->options[0]);
	else
		return true;
	return false;
}

void pa_xt_match_dscp(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	const struct pa_xt_option *option = &use->options[0];
	uint64_t value;
	if (pa_xt_dscp(lowering, use, &value))
		pa_xt_add_option(lowering, option, pa_xt_test_value(lowering->arena, PA_FIELD_DSCP, value, option->negated));
}

void pa_xt_match_ecn(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	for (size_t i = 0; i < use->count; i++) {
		const struct pa_xt_option *option = &use->options[i];
		uint64_t value;
		if (strcmp(option->name, "ecn-ip-ect") == 0) {
			if (!pa_xt_number(option->arguments[0]->text, 3, &value))
				pa_xt_fail_value(lowering, option);
			else
				pa_xt_add_option(lowering, option,
						 pa_xt_test_value(lowering->arena, PA_FIELD_ECN, value, option->negated));
			continue;
		}
		if (!lowering->rule->has_protocol || lowering->rule->protocol.negated ||
		    lowering->rule->number_of_protocol != 6) {
			pa_xt_fail(lowering, option->word, "--%s needs -p tcp", option->name);
			continue;
		}
		unsigned flag = strcmp(option->name, "ecn-tcp-cwr") == 0 ? PA_TCP_CWR : PA_TCP_ECN;
		pa_xt_add_option(lowering, option,
				 pa_xt_test_masked(lowering->arena, PA_FIELD_TCP_FLAGS, flag, 0, !option->negated));
	}
}

/* "0x10/0x3f", "16", "Minimize-Delay" (which leaves the two bits of ECN alone) */
bool pa_xt_tos(const char *text, uint64_t *ret_value, uint64_t *ret_mask)
{
	static const struct {
		const char *name;
		unsigned value;
	} names[] = { { "Minimize-Delay", 16 },
		      { "Maximize-Throughput", 8 },
		      { "Maximize-Reliability", 4 },
		      { "Minimize-Cost", 2 },
		      { "Normal-Service", 0 } };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcasecmp(text, names[i].name) == 0) {
			*ret_value = names[i].value;
			*ret_mask = 0x3f;
			return true;
		}
	}
	return pa_xt_value_mask(text, 255, ret_value, ret_mask);
}

/* The values of a field of `bits` bits that the mask takes to `wanted`, as intervals. */
static size_t masked_values(unsigned bits, unsigned mask, unsigned wanted, struct pa_interval *ret_values)
{
	size_t count = 0;
	for (unsigned value = 0; value < 1u << bits; value++)
		if ((value & mask) == wanted)
			ret_values[count++] = (struct pa_interval){ value, value };
	return pa_xt_merge(ret_values, count);
}

/* The byte is two fields of ours, DSCP and ECN. */
void pa_xt_match_tos(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	const struct pa_xt_option *option = pa_xt_option(use, "tos");
	struct pa_interval dscp[64], ecn[4], boxes[2 * 64 * 4];
	uint64_t value, mask;
	if (!option) {
		pa_xt_fail_without(lowering, use);
		return;
	}
	if (!pa_xt_tos(option->arguments[0]->text, &value, &mask)) {
		pa_xt_fail_value(lowering, option);
		return;
	}
	size_t dscps = masked_values(6, (unsigned)mask >> 2, (unsigned)value >> 2, dscp), count = 0;
	size_t ecns = masked_values(2, mask & 3, value & 3, ecn);
	for (size_t i = 0; i < dscps; i++) {
		for (size_t k = 0; k < ecns; k++) {
			boxes[2 * count] = dscp[i];
			boxes[2 * count++ + 1] = ecn[k];
		}
	}
	bool one = ecns == 1 && ecn[0].first == 0 && ecn[0].last == 3;
	pa_xt_add_option(lowering, option,
			 one ? pa_xt_test(lowering->arena, PA_FIELD_DSCP, dscp, dscps, option->negated)
			     : pa_xt_test_pair(lowering->arena, PA_FIELD_DSCP, PA_FIELD_ECN, boxes, count, option->negated));
}
