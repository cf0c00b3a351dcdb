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
		order->family_late = order->effect;
	}
	if (pa_kernel_expression_loads(expression))
		order->network_loaded = key == NFT_META_NFPROTO || key == NFT_META_PROTOCOL;
	order->reset = order->reset || (strcmp(expression->name, "reject") == 0 &&
					pa_attributes_find_u32(expression->attributes, NFTA_REJECT_TYPE) == NFT_REJECT_TCP_RST);
	order->network = order->network || key == NFT_META_NFPROTO || key == NFT_META_PROTOCOL ||
			 (strcmp(expression->name, "payload") == 0 &&
			  pa_attributes_find_u32(expression->attributes, NFTA_PAYLOAD_BASE) == NFT_PAYLOAD_LL_HEADER);
}

static bool is_payload(const struct pa_kernel_expression *expression, uint32_t base, uint32_t offset, uint32_t length)
{
	return strcmp(expression->name, "payload") == 0 &&
	       pa_attributes_find_u32(expression->attributes, NFTA_PAYLOAD_BASE) == base &&
	       pa_attributes_find_u32(expression->attributes, NFTA_PAYLOAD_OFFSET) == offset &&
	       pa_attributes_find_u32(expression->attributes, NFTA_PAYLOAD_LEN) == length;
}

static void note_protocol(struct pa_kernel_order *order, const struct pa_kernel_expression *expression)
{
	bool meta = strcmp(expression->name, "meta") == 0;
	order->options = order->options || strcmp(expression->name, "exthdr") == 0;
	if (strcmp(expression->name, "cmp") == 0 && order->protocol_loaded && !order->protocol &&
	    pa_attributes_find_u32(expression->attributes, NFTA_CMP_OP) == NFT_CMP_EQ) {
		order->protocol = compared_byte(expression);
		order->protocol_late = order->effect;
	}
	if (pa_kernel_expression_loads(expression))
		order->protocol_loaded =
			is_payload(expression, NFT_PAYLOAD_NETWORK_HEADER, 9, 1) ||
			(meta && pa_attributes_find_u32(expression->attributes, NFTA_META_KEY) == NFT_META_L4PROTO);
}

static void note_headers(struct pa_kernel_order *order, const struct pa_kernel_expression *expression)
{
	if (order->first_header_loaded && strcmp(expression->name, "cmp") == 0 &&
	    pa_attributes_find_u32(expression->attributes, NFTA_CMP_OP) == NFT_CMP_EQ)
		order->first_header = (int)compared_byte(expression);
	order->first_header_loaded = is_payload(expression, NFT_PAYLOAD_NETWORK_HEADER, 6, 1);
	if (order->first_header_loaded) {
		order->first_headers++;
		order->first_header = -1;
	}
	order->ip_protocol = order->ip_protocol || is_payload(expression, NFT_PAYLOAD_NETWORK_HEADER, 9, 1);
	order->ethertypes += is_payload(expression, NFT_PAYLOAD_LL_HEADER, 12, 2);
}

static void note_relations(struct pa_kernel_order *order, const struct pa_kernel_expression *expression)
{
	static const char *const transforms[] = { "byteorder", "bitwise", "immediate", "lookup" };
	bool transforms_only = false;

	if (strcmp(expression->name, "cmp") == 0) {
		uint32_t op = pa_attributes_find_u32(expression->attributes, NFTA_CMP_OP);
		bool pair = (order->relation == NFT_CMP_GTE && op == NFT_CMP_LTE) ||
			    (order->relation == NFT_CMP_LT && op == NFT_CMP_GT);
		order->paired_relations += pair && order->loaded_since;
		order->relation = op;
		order->loaded_since = false;
		return;
	}
	for (size_t i = 0; i < sizeof(transforms) / sizeof(*transforms); i++)
		transforms_only = transforms_only || strcmp(expression->name, transforms[i]) == 0;
	order->loaded_since = order->loaded_since || (!transforms_only && pa_kernel_expression_loads(expression));
}

void pa_kernel_order_take(struct pa_kernel_order *order, const struct pa_kernel_expression *expression)
{
	note_network(order, expression);
	note_protocol(order, expression);
	note_headers(order, expression);
	note_relations(order, expression);
	if (has_effect(expression)) {
		order->effect = true;
		return;
	}
	if (strcmp(expression->name, "cmp") == 0 && !order->effect) {
		bool equal = pa_attributes_find_u32(expression->attributes, NFTA_CMP_OP) == NFT_CMP_EQ;
		order->l4proto_first = order->l4proto_first || (equal && order->l4proto_loaded);
		order->nfproto_first = order->nfproto_first || (equal && order->nfproto_loaded);
	}
	if (strcmp(expression->name, "meta") == 0) {
		uint32_t key = pa_attributes_find_u32(expression->attributes, NFTA_META_KEY);
		order->l4proto_loaded = key == NFT_META_L4PROTO;
		order->nfproto_loaded = key == NFT_META_NFPROTO;
	} else if (pa_kernel_expression_loads(expression)) {
		order->l4proto_loaded = order->nfproto_loaded = false;
	}
}
