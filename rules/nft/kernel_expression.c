/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel_expression.h"

enum { PROTOCOL_ICMP = 1, PROTOCOL_ICMPV6 = 58 };

static void take_payload(struct pa_kernel_loads *loads, struct pa_attributes attributes)
{
	uint32_t target = pa_attributes_find_u32(attributes, NFTA_PAYLOAD_DREG);

	if (target > NFT_REG32_15)
		return; /* it writes to the packet */
	loads->in_register[target] =
		(struct pa_nft_comparison){ .base = pa_attributes_find_u32(attributes, NFTA_PAYLOAD_BASE),
					    .offset = pa_attributes_find_u32(attributes, NFTA_PAYLOAD_OFFSET),
					    .length = pa_attributes_find_u32(attributes, NFTA_PAYLOAD_LEN) };
	loads->some = true;
}

bool pa_kernel_loads_take(struct pa_kernel_loads *loads, const struct pa_kernel_expression *expression,
			  struct pa_nft_comparison *ret_comparison)
{
	uint32_t source;

	if (strcmp(expression->name, "payload") == 0) {
		take_payload(loads, expression->attributes);
		return false;
	}
	if (!loads->some)
		return false;
	if (strcmp(expression->name, "cmp") != 0) {
		if (pa_kernel_expression_loads(expression))
			*loads = (struct pa_kernel_loads){ 0 };
		return false;
	}
	source = pa_attributes_find_u32(expression->attributes, NFTA_CMP_SREG);
	if (source > NFT_REG32_15 || loads->in_register[source].length == 0 ||
	    pa_attributes_find_u32(expression->attributes, NFTA_CMP_OP) != NFT_CMP_NEQ)
		return false;
	*ret_comparison = loads->in_register[source];
	return true;
}

/* Does the expression decide, or change the packet or its flow? */
static bool has_effect(const struct pa_kernel_expression *expression)
{
	static const struct {
		const char *name;
		uint16_t source;
	} setters[] = { { "meta", NFTA_META_SREG }, { "ct", NFTA_CT_SREG }, { "payload", NFTA_PAYLOAD_SREG } };

	for (size_t i = 0; i < sizeof(setters) / sizeof(setters[0]); i++)
		if (strcmp(expression->name, setters[i].name) == 0)
			return pa_attributes_find_u32(expression->attributes, setters[i].source) != UINT32_MAX;
	if (strcmp(expression->name, "lookup") == 0)
		return pa_attributes_find_u32(expression->attributes, NFTA_LOOKUP_DREG) == NFT_REG_VERDICT;
	return strcmp(expression->name, "notrack") == 0;
}

/* The first byte of the constant that a comparison has. */
static unsigned compared_byte(const struct pa_kernel_expression *expression)
{
	struct pa_attribute data, value;

	if (!pa_attributes_find(expression->attributes, NFTA_CMP_DATA, &data) ||
	    !pa_attributes_find(pa_attributes_nested(&data), NFTA_DATA_VALUE, &value) || value.length == 0)
		return 0;
	return *(const unsigned char *)value.data;
}

static void note_network(struct pa_kernel_order *order, const struct pa_kernel_expression *expression)
{
	uint32_t key = UINT32_MAX;

	if (strcmp(expression->name, "meta") == 0)
		key = pa_attributes_find_u32(expression->attributes, NFTA_META_KEY);
	if (strcmp(expression->name, "cmp") == 0 && order->l4proto_loaded) {
		unsigned protocol = compared_byte(expression);
		if (!order->icmp && (protocol == PROTOCOL_ICMP || protocol == PROTOCOL_ICMPV6))
			order->icmp_family = protocol == PROTOCOL_ICMP ? 4 : 6;
		order->icmp = order->icmp || protocol == PROTOCOL_ICMP || protocol == PROTOCOL_ICMPV6;
	}
	if (strcmp(expression->name, "cmp") == 0 && order->network_loaded && !order->family &&
	    pa_attributes_find_u32(expression->attributes, NFTA_CMP_OP) == NFT_CMP_EQ) {
		unsigned wanted = compared_byte(expression); /* NFPROTO_*, or the first byte of an ethertype */
		order->family = wanted == 2 || wanted == 0x08 ? 4 : wanted == 10 || wanted == 0x86 ? 6 : 0;
	}
	if (pa_kernel_expression_loads(expression)) {
		order->network_loaded = key == NFT_META_NFPROTO || key == NFT_META_PROTOCOL;
		order->l4proto_loaded = key == NFT_META_L4PROTO;
	}
	order->network = order->network || key == NFT_META_NFPROTO || key == NFT_META_PROTOCOL ||
			 (strcmp(expression->name, "payload") == 0 &&
			  pa_attributes_find_u32(expression->attributes, NFTA_PAYLOAD_BASE) == NFT_PAYLOAD_LL_HEADER);
}

void pa_kernel_order_take(struct pa_kernel_order *order, const struct pa_kernel_expression *expression)
{
	note_network(order, expression);
	order->effect = order->effect || has_effect(expression);
}
