/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The expressions of a rule as the kernel gives them (NFTA_RULE_EXPRESSIONS), and what they load and compare. */
#ifndef PORTAUDIT_NFT_KERNEL_EXPRESSION_H
#define PORTAUDIT_NFT_KERNEL_EXPRESSION_H

#include "attributes.h"
#include "facts.h"

/* The expression's own attributes, and its name. */
struct pa_kernel_expression {
	const char *name;
	struct pa_attributes attributes;
};

static inline struct pa_kernel_expression pa_kernel_expression_open(const struct pa_attribute *item)
{
	struct pa_attributes list = pa_attributes_nested(item);
	struct pa_attribute attribute;
	struct pa_kernel_expression found = { .name = "" };

	while (pa_attributes_next(&list, &attribute)) {
		if (attribute.type == NFTA_EXPR_NAME)
			found.name = pa_attribute_text(&attribute);
		else if (attribute.type == NFTA_EXPR_DATA)
			found.attributes = pa_attributes_nested(&attribute);
	}
	return found;
}

static inline bool pa_attributes_find(struct pa_attributes list, uint16_t type, struct pa_attribute *ret_attribute)
{
	while (pa_attributes_next(&list, ret_attribute))
		if (ret_attribute->type == type)
			return true;
	return false;
}

/* UINT32_MAX: it is not there. */
static inline uint32_t pa_attributes_find_u32(struct pa_attributes list, uint16_t type)
{
	struct pa_attribute attribute;

	return pa_attributes_find(list, type, &attribute) ? pa_attribute_u32(&attribute) : UINT32_MAX;
}

/* Does the expression put something into a register? nft gives most of them the same one. */
static inline bool pa_kernel_expression_loads(const struct pa_kernel_expression *expression)
{
	static const char *const loaders[] = { "payload",   "meta",	 "ct",	    "exthdr", "fib",  "rt",
					       "numgen",    "hash",	 "socket",  "tunnel", "xfrm", "osf",
					       "immediate", "byteorder", "bitwise", "lookup" };

	for (size_t i = 0; i < sizeof(loaders) / sizeof(*loaders); i++)
		if (strcmp(expression->name, loaders[i]) == 0)
			return true;
	return false;
}

/*
 * Does the expression read a flow's protocol (ct l3proto, ct protocol)? libnftables 1.0.6 takes such a test for one that it added by
 * itself, and leaves it out of the listing where a test of a header of that layer follows.
 */
static inline bool pa_kernel_expression_reads_flow_protocol(const struct pa_kernel_expression *expression)
{
	uint32_t key =
		strcmp(expression->name, "ct") == 0 ? pa_attributes_find_u32(expression->attributes, NFTA_CT_KEY) : UINT32_MAX;
	return key == NFT_CT_L3PROTOCOL || key == NFT_CT_PROTOCOL;
}

/* The header bytes that the registers hold while a rule's expressions are walked. All zero before the first. */
struct pa_kernel_loads {
	struct pa_nft_comparison in_register[NFT_REG32_15 + 1]; /* length 0: something else */
	bool some;
};

/*
 * Take the next expression of a rule. true: it compares header bytes, and the rule goes on when they are different
 * from a constant; *ret_comparison says which. A register whose content was changed in between holds none.
 */
bool pa_kernel_loads_take(struct pa_kernel_loads *loads, const struct pa_kernel_expression *expression,
			  struct pa_nft_comparison *ret_comparison);

/* What a rule asks of the network, and where its effects begin. All zero before the first expression. */
struct pa_kernel_order {
	bool l4proto_loaded, network_loaded; /* in the register, just now */
	bool effect;			     /* a verdict map, a mark: what comes now is behind it */
	bool icmp, network;		     /* it wants ICMP or ICMPv6; it asks for the family as well */
	unsigned icmp_family;		     /* of the first such test: 4 or 6 */
	unsigned family;		     /* 4 or 6: the one that it wants; 0: none */
};
void pa_kernel_order_take(struct pa_kernel_order *order, const struct pa_kernel_expression *expression);

/*
 * `meta l4proto ipv6-icmp icmpv6 type ...`: nft adds no test of the family to a test of the protocol that was written, but lists the
 * rule as if it had added both. A test of the other family (`ip saddr` behind it) is one that something else asked for.
 */
static inline bool pa_kernel_order_any_network(const struct pa_kernel_order *order)
{
	return order->icmp && (!order->network || (order->family && order->family != order->icmp_family));
}

#endif
