/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Matches of transport headers. Each is of one protocol, which the rule must ask for with -p: the kernel refuses others. */
#include "xt.h"

#include "../ir/names.h"

/* --- ports -------------------------------------------------------------------------------------------------------------------- */

static bool is_protocol(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, unsigned number)
{
	const struct pa_xt_rule *rule = lowering->rule;
	if (rule->has_protocol && !rule->protocol.negated && rule->number_of_protocol == number)
		return true;
	pa_xt_fail(lowering, use->word, "the match %s needs the protocol of its name: -p %s", use->name,
		   strcmp(use->name, "icmp6") == 0 ? "ipv6-icmp" : use->name);
	return false;
}

static void add_port(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, const char *name, enum pa_field field)
{
	const struct pa_xt_option *option = pa_xt_option(use, name);
	struct pa_interval ports;
	if (!option)
		return;
	bool is_range = pa_xt_port_range(option->arguments[0]->text, ':', &ports), none = is_range && ports.first > ports.last;
	/* of the match itself, measured: the others refuse a range that ends before it begins */
	if (none && strcmp(use->name, "udp") != 0 && strcmp(use->name, "dccp") != 0)
		is_range = false;
	if (!is_range) {
		pa_xt_fail(lowering, option->arguments[0], "\"%s\" is no port or range of ports (0 to 65535)",
			   option->arguments[0]->text);
		return;
	}
	pa_xt_add_option(lowering, option, pa_xt_test(lowering->arena, field, &ports, none ? 0 : 1, option->negated));
}

static void add_opaque_options(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, const char *const *names,
			       size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct pa_xt_option *option = pa_xt_option(use, names[i]);
		if (option)
			pa_xt_add_opaque_option(lowering, use, option, false);
	}
}

static bool add_both_ports(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, unsigned protocol)
{
	if (!is_protocol(lowering, use, protocol))
		return false;
	add_port(lowering, use, "sport", PA_FIELD_SPORT);
	add_port(lowering, use, "dport", PA_FIELD_DPORT);
	return true;
}

void pa_xt_match_ports(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	static const char *const more[] = { "dccp-types", "dccp-option" };
	unsigned protocol = 0;
	if (pa_xt_protocol(use->name, &protocol) && add_both_ports(lowering, use, protocol))
		add_opaque_options(lowering, use, more, 2);
}

void pa_xt_match_sctp(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	static const char *const more[] = { "chunk-types" };
	if (add_both_ports(lowering, use, 132))
		add_opaque_options(lowering, use, more, 1);
}

/* --- tcp ------------------------------------------------------------------------------------------------------------------------- */

/* "SYN,ACK", "ALL", "NONE" */
static bool parse_flags(const char *text, unsigned *ret_flags)
{
	static const struct {
		const char *name;
		unsigned bits;
	} flags[] = { { "FIN", PA_TCP_FIN }, { "SYN", PA_TCP_SYN }, { "RST", PA_TCP_RST }, { "PSH", PA_TCP_PSH },
		      { "ACK", PA_TCP_ACK }, { "URG", PA_TCP_URG }, { "ALL", 0x3f },	   { "NONE", 0 } };
	*ret_flags = 0;
	for (;;) {
		size_t length = strcspn(text, ","), i = 0;
		while (i < 8 && (strlen(flags[i].name) != length || strncasecmp(text, flags[i].name, length) != 0))
			i++;
		if (i == 8)
			return false;
		*ret_flags |= flags[i].bits;
		if (!text[length])
			return true;
		text += length + 1;
	}
}

static void add_flags(struct pa_xt_lowering *lowering, const struct pa_xt_option *option)
{
	unsigned mask, wanted;
	for (unsigned i = 0; i < 2; i++) {
		if (!parse_flags(option->arguments[i]->text, i ? &wanted : &mask)) {
			pa_xt_fail(lowering, option->arguments[i], "\"%s\" are no tcp flags: FIN SYN RST PSH ACK URG ALL NONE",
				   option->arguments[i]->text);
			return;
		}
	}
	/* flags that the mask does not hold are never equal: no packet matches */
	pa_xt_add_option(lowering, option,
			 pa_xt_test_masked(lowering->arena, PA_FIELD_TCP_FLAGS, mask, wanted, option->negated));
}

void pa_xt_match_tcp(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	static const char *const more[] = { "tcp-option" };
	const struct pa_xt_option *flags = pa_xt_option(use, "tcp-flags"), *syn = pa_xt_option(use, "syn");
	if (!add_both_ports(lowering, use, 6))
		return;
	if (flags)
		add_flags(lowering, flags);
	if (syn) /* SYN,RST,ACK,FIN SYN */
		pa_xt_add_option(lowering, syn,
				 pa_xt_test_masked(lowering->arena, PA_FIELD_TCP_FLAGS, 0x17, PA_TCP_SYN, syn->negated));
	add_opaque_options(lowering, use, more, 1);
}

/* --- icmp -------------------------------------------------------------------------------------------------------------------------- */

struct icmp_name {
	const char *name;
	unsigned type, first_code, last_code;
};
#define ICMP(family, name, type, first, last) ICMP_##family(name, type, first, last)
#define ICMP_V4(name, type, first, last) { name, type, first, last },
#define ICMP_V6(name, type, first, last)
static const struct icmp_name icmp_names[] = {
#include "icmp_type.def"
};
#undef ICMP_V4
#undef ICMP_V6
#define ICMP_V4(name, type, first, last)
#define ICMP_V6(name, type, first, last) { name, type, first, last },
static const struct icmp_name icmpv6_names[] = {
#include "icmp_type.def"
};
#undef ICMP_V4
#undef ICMP_V6
#undef ICMP

/* "8", "3/1"; names may be shortened while they are unique (xtables_parse_icmp() takes the only one that begins so). */
static bool parse_icmp(const char *text, const struct icmp_name *names, size_t count, struct pa_interval ret_box[2])
{
	uint64_t type, code = 0;
	const char *at = text;
	const struct icmp_name *found = NULL;
	for (size_t i = 0; i < count; i++) {
		if (strncasecmp(names[i].name, text, strlen(text)) != 0)
			continue;
		bool exact = strlen(names[i].name) == strlen(text);
		if (found && !exact)
			return false;
		found = &names[i];
		if (exact)
			break;
	}
	if (found) {
		ret_box[0] = (struct pa_interval){ found->type, found->type };
		ret_box[1] = (struct pa_interval){ found->first_code, found->last_code };
		return true;
	}
	if (!pa_xt_number_part(&at, 255, &type) || (*at && *at != '/'))
		return false;
	ret_box[0] = (struct pa_interval){ type, type };
	ret_box[1] = (struct pa_interval){ 0, 255 };
	if (!*at)
		return true;
	if (!pa_xt_number(at + 1, 255, &code))
		return false;
	ret_box[1] = (struct pa_interval){ code, code };
	return true;
}

/* IPv4 has a type 255 that means any (icmp_type_code_match() in net/ipv4/netfilter/ip_tables.c). */
void pa_xt_match_icmp(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	const struct pa_xt_option *option = pa_xt_option(use, "icmp-type");
	bool four = lowering->family == 4;
	struct pa_interval box[2];
	if (!is_protocol(lowering, use, four ? 1 : 58))
		return;
	if (!option) {
		pa_xt_fail(lowering, use->word, "the match %s needs a type", use->name);
		return;
	}
	const char *text = option->arguments[0]->text;
	bool known = four ? parse_icmp(text, icmp_names, sizeof(icmp_names) / sizeof(*icmp_names), box)
			  : parse_icmp(text, icmpv6_names, sizeof(icmpv6_names) / sizeof(*icmpv6_names), box);
	if (!known) {
		pa_xt_fail(lowering, option->arguments[0], "\"%s\" is no type of %s, or short for more than one", text,
			   four ? "icmp" : "icmpv6");
		return;
	}
	if (four && box[0].first == 255)
		box[0] = (struct pa_interval){ 0, 255 };
	bool any_code = box[1].first == 0 && box[1].last == 255;
	pa_xt_add_option(lowering, option,
			 any_code ? pa_xt_test(lowering->arena, PA_FIELD_ICMP_TYPE, box, 1, option->negated)
				  : pa_xt_test_pair(lowering->arena, PA_FIELD_ICMP_TYPE, PA_FIELD_ICMP_CODE, box, 1,
						    option->negated));
}

/* --- multiport ---------------------------------------------------------------------------------------------------------------------- */

#define MULTIPORT_MAX 15 /* ranges count twice */

static size_t parse_list(struct pa_xt_lowering *lowering, const struct pa_xt_option *option, struct pa_interval *ports)
{
	size_t count = 0, places = 0;
	const char *at = option->arguments[0]->text;
	for (;; at++) {
		size_t length = strcspn(at, ",");
		const char *part = pa_arena_strndup(lowering->arena, at, length);
		if (places >= MULTIPORT_MAX || !pa_xt_port_range(part, ':', &ports[count]) ||
		    ports[count].first > ports[count].last) {
			pa_xt_fail(lowering, option->arguments[0], "\"%s\" is no list of at most 15 ports",
				   option->arguments[0]->text);
			return 0;
		}
		places += ports[count].first == ports[count].last ? 1 : 2;
		count++;
		at += length;
		if (!*at)
			break;
	}
	return pa_xt_merge(ports, count);
}

/* --ports: one of the two is in the list. Boxes that do not overlap: the source port is in it, or it is not and the other is. */
static struct pa_step either_port(struct pa_xt_lowering *lowering, const struct pa_interval *ports, size_t count, bool negated)
{
	static const struct pa_interval any = { 0, 65535 };
	struct pa_interval boxes[2 * MULTIPORT_MAX * (MULTIPORT_MAX + 2)];
	size_t boxes_count = 0;
	pa_u128 from = 0;
	for (size_t i = 0; i <= count; i++) {
		pa_u128 until = i < count ? ports[i].first : 65536;
		for (size_t k = 0; until > from && k < count; k++) {
			boxes[2 * boxes_count] = (struct pa_interval){ from, until - 1 };
			boxes[2 * boxes_count++ + 1] = ports[k];
		}
		if (i == count)
			break;
		boxes[2 * boxes_count] = ports[i];
		boxes[2 * boxes_count++ + 1] = any;
		from = ports[i].last + 1;
	}
	return pa_xt_test_pair(lowering->arena, PA_FIELD_SPORT, PA_FIELD_DPORT, boxes, boxes_count, negated);
}

void pa_xt_match_multiport(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	static const unsigned protocols[] = { 6, 17, 33, 132, 136 };
	struct pa_interval ports[MULTIPORT_MAX + 1];
	const struct pa_xt_rule *rule = lowering->rule;
	bool good = false;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		good = good || (rule->has_protocol && !rule->protocol.negated && rule->number_of_protocol == protocols[i]);
	if (!good || use->count != 1) {
		pa_xt_fail(lowering, use->word,
			   "multiport needs -p tcp, udp, udplite, dccp or sctp, and one of --sports, --dports, --ports");
		return;
	}
	const struct pa_xt_option *option = &use->options[0];
	size_t count = parse_list(lowering, option, ports);
	if (!count)
		return;
	if (strcmp(option->name, "ports") == 0) {
		pa_xt_add_option(lowering, option, either_port(lowering, ports, count, option->negated));
		return;
	}
	enum pa_field field = option->name[0] == 's' ? PA_FIELD_SPORT : PA_FIELD_DPORT;
	pa_xt_add_option(lowering, option, pa_xt_test(lowering->arena, field, ports, count, option->negated));
}
