/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Header fields: which of our fields they are, and what the kernel tests before it looks at them. The tests are those
 * that `nft --debug=netlink` 1.0.6 shows; libnftables leaves them out when it prints.
 */
#include "lower.h"

struct header_field {
	const char *name;
	int field; /* enum pa_field; NONE: none of ours */
	enum pa_datatype type;
};
#define NONE (-1)

static const struct header_field ip_fields[] = {
	{ "saddr", PA_FIELD_SADDR, PA_DATATYPE_IPV4 },
	{ "daddr", PA_FIELD_DADDR, PA_DATATYPE_IPV4 },
	{ "protocol", PA_FIELD_L4PROTO, PA_DATATYPE_PROTO },
	{ "dscp", PA_FIELD_DSCP, PA_DATATYPE_DSCP },
	{ "ecn", PA_FIELD_ECN, PA_DATATYPE_ECN },
	{ "ttl", PA_FIELD_TTL, PA_DATATYPE_INTEGER },
	{ "length", PA_FIELD_IP_LENGTH, PA_DATATYPE_INTEGER },
	{ "id", PA_FIELD_IP_ID, PA_DATATYPE_INTEGER },
	{ "frag-off", PA_FIELD_IP_FRAG_OFF, PA_DATATYPE_INTEGER },
	{ "version", PA_FIELD_IP_VERSION, PA_DATATYPE_INTEGER },
	{ "hdrlength", PA_FIELD_IP_HDRLENGTH, PA_DATATYPE_INTEGER },
	{ NULL, NONE, PA_DATATYPE_WORD },
};

static const struct header_field ip6_fields[] = {
	{ "saddr", PA_FIELD_SADDR, PA_DATATYPE_IPV6 },
	{ "daddr", PA_FIELD_DADDR, PA_DATATYPE_IPV6 },
	{ "nexthdr", PA_FIELD_IP6_NEXTHDR, PA_DATATYPE_PROTO },
	{ "dscp", PA_FIELD_DSCP, PA_DATATYPE_DSCP },
	{ "ecn", PA_FIELD_ECN, PA_DATATYPE_ECN },
	{ "hoplimit", PA_FIELD_TTL, PA_DATATYPE_INTEGER },
	{ "length", PA_FIELD_IP6_LENGTH, PA_DATATYPE_INTEGER },
	{ "flowlabel", PA_FIELD_IP6_FLOWLABEL, PA_DATATYPE_INTEGER },
	{ "version", PA_FIELD_IP_VERSION, PA_DATATYPE_INTEGER },
	{ NULL, NONE, PA_DATATYPE_WORD },
};

static const struct header_field port_fields[] = {
	{ "dport", PA_FIELD_DPORT, PA_DATATYPE_PORT },
	{ "sport", PA_FIELD_SPORT, PA_DATATYPE_PORT },
	{ NULL, NONE, PA_DATATYPE_WORD },
};

static const struct header_field tcp_fields[] = {
	{ "dport", PA_FIELD_DPORT, PA_DATATYPE_PORT },
	{ "sport", PA_FIELD_SPORT, PA_DATATYPE_PORT },
	{ "flags", PA_FIELD_TCP_FLAGS, PA_DATATYPE_TCP_FLAG },
	{ NULL, NONE, PA_DATATYPE_WORD },
};

static const struct header_field icmp_fields[] = {
	{ "type", PA_FIELD_ICMP_TYPE, PA_DATATYPE_ICMP_TYPE },
	{ "code", PA_FIELD_ICMP_CODE, PA_DATATYPE_ICMP_CODE },
	{ NULL, NONE, PA_DATATYPE_WORD },
};

static const struct header_field icmpv6_fields[] = {
	{ "type", PA_FIELD_ICMP_TYPE, PA_DATATYPE_ICMPV6_TYPE },
	{ "code", PA_FIELD_ICMP_CODE, PA_DATATYPE_ICMPV6_CODE },
	{ NULL, NONE, PA_DATATYPE_WORD },
};

static const struct header_field ether_fields[] = {
	{ "saddr", PA_FIELD_ETHER_SADDR, PA_DATATYPE_ETHER },
	{ "daddr", PA_FIELD_ETHER_DADDR, PA_DATATYPE_ETHER },
	{ "type", PA_FIELD_NFPROTO, PA_DATATYPE_ETHERTYPE },
	{ NULL, NONE, PA_DATATYPE_WORD },
};

static const struct header_field no_fields[] = { { NULL, NONE, PA_DATATYPE_WORD } };

static const struct header {
	const char *name;
	const struct header_field *fields;
	unsigned nfproto; /* tested before; 0: not */
	unsigned l4proto; /* tested before; 0: not */
	bool ether;	  /* the kind of interface is tested before */
	bool any_transport;
} headers[] = {
	{ "tcp", tcp_fields, 0, 6, false, false },
	{ "ip", ip_fields, PA_NFPROTO_IPV4, 0, false, false },
	{ "udp", port_fields, 0, 17, false, false },
	{ "ip6", ip6_fields, PA_NFPROTO_IPV6, 0, false, false },
	{ "icmp", icmp_fields, PA_NFPROTO_IPV4, 1, false, false },
	{ "icmpv6", icmpv6_fields, PA_NFPROTO_IPV6, 58, false, false },
	{ "th", port_fields, 0, 0, false, true },
	{ "ether", ether_fields, 0, 0, true, false },
	{ "sctp", port_fields, 0, 132, false, false },
	{ "dccp", port_fields, 0, 33, false, false },
	{ "udplite", port_fields, 0, 136, false, false },
	{ "vlan", no_fields, 0, 0, true, false },
	{ "igmp", no_fields, 0, 2, false, false },
	{ "ah", no_fields, 0, 51, false, false },
	{ "esp", no_fields, 0, 50, false, false },
	{ "comp", no_fields, 0, 108, false, false },
	{ "gre", no_fields, 0, 47, false, false },
};

static const struct header *find_header(const struct pa_json_node *name)
{
	for (size_t i = 0; name && i < sizeof(headers) / sizeof(*headers); i++)
		if (pa_json_is(name, headers[i].name))
			return &headers[i];
	return NULL;
}

static const struct header_field *find_field(const struct header *header, const struct pa_json_node *name)
{
	const struct header_field *field = header->fields;
	while (field->name && !(name && pa_json_is(name, field->name)))
		field++;
	return field;
}

/* The kernel asks such a rule's packets for ICMP and not for their family (kernel_expression.h). */
static bool is_of_any_network(const struct pa_lowering *lowering, const struct header *header)
{
	bool icmp = header->l4proto == 1 || header->l4proto == 58;
	const struct pa_nft_facts *facts = lowering->document->facts;
	const struct pa_nft_rule_fact *fact =
		icmp && facts ? pa_nft_facts_rule(facts, lowering->table->family, lowering->table->name, lowering->rule_handle)
			      : NULL;
	return fact && fact->any_network;
}

void pa_expression_payload(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			   struct pa_lowered_part *ret_part)
{
	const struct pa_json_tape *tape = &lowering->tape;
	const struct header *header = find_header(pa_json_member(tape, node, "protocol"));
	if (!header || pa_json_member(tape, node, "tunnel")) {
		pa_lower_unknown(lowering, whole, ret_part);
		return;
	}
	const struct header_field *field = find_field(header, pa_json_member(tape, node, "field"));
	if (header->nfproto && !is_of_any_network(lowering, header))
		pa_lower_require_nfproto(lowering, header->nfproto);
	if (header->l4proto)
		pa_lower_require_l4proto(lowering, header->l4proto);
	if (header->ether)
		pa_lower_require_ether(lowering);
	if (field->field == NONE) {
		pa_lower_unknown(lowering, whole, ret_part);
		return;
	}
	if (field->field == PA_FIELD_IP_VERSION) {
		/* no packet of a family has another version: 4 is NFPROTO_IPV4 ^ 6, 6 is NFPROTO_IPV6 ^ 12 */
		pa_lower_known(ret_part, PA_FIELD_NFPROTO, field->type);
		ret_part->part.xor_value = header->nfproto == PA_NFPROTO_IPV4 ? 6 : 12;
		return;
	}
	pa_lower_known(ret_part, (enum pa_field)field->field, field->type);
	ret_part->part.any_transport = header->any_transport;
}
