/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel_expression.h"

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
