/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an expression looks at: dispatch, concatenations, arithmetic, and the expressions that stay opaque. */
#include <string.h>

#include "lower.h"

static const struct expression {
	const char *name;
	size_t length;
	void (*lower)(struct pa_lowering *, const struct pa_json_node *, const struct pa_json_node *, struct pa_lowered_part *);
} expressions[] = {
#define EXPRESSION(name, lowering, text) { name, sizeof(name) - 1, pa_expression_##lowering },
#include "nft_expression.def"
#undef EXPRESSION
};

const struct pa_json_node *pa_lower_only_member(const struct pa_json_tape *tape, const struct pa_json_node *node,
						const struct pa_json_node **ret_name)
{
	(void)tape;
	if (!node || node->kind != PA_JSON_OBJECT || node->length != 1)
		return NULL;
	*ret_name = node + 1;
	return node + 2;
}

void pa_lower_known(struct pa_lowered_part *ret_part, enum pa_field field, enum pa_datatype type)
{
	*ret_part = (struct pa_lowered_part){ .part = { .field = field, .mask = pa_field_max(field) }, .type = type };
}

/* Whether two looks at the expression may give different answers for one packet. */
static bool is_volatile(const char *text)
{
	return strstr(text, "numgen ") || strstr(text, "meta random");
}

/* nft puts the values of these in quotes. */
static enum pa_datatype word_type(const char *text)
{
	static const char *const quoted[] = { "meta time", "meta hour",	      "meta day",     "ct helper",
					      "osf ",	   "socket cgroupv2", "meta ibrname", "meta obrname" };
	for (size_t i = 0; i < sizeof(quoted) / sizeof(*quoted); i++)
		if (strncmp(text, quoted[i], strlen(quoted[i])) == 0)
			return PA_DATATYPE_STRING;
	return PA_DATATYPE_WORD;
}

void pa_lower_unknown(struct pa_lowering *lowering, const struct pa_json_node *node, struct pa_lowered_part *ret_part)
{
	struct pa_buffer text = { 0 };
	pa_expression_text(&text, &lowering->tape, node, &pa_plain_types);
	*ret_part = (struct pa_lowered_part){ 0 };
	ret_part->part.mask = PA_U128_MAX;
	ret_part->part.opaque = pa_arena_strndup(lowering->arena, text.data ? text.data : "", text.length);
	ret_part->part.volatile_ = is_volatile(ret_part->part.opaque);
	ret_part->type = word_type(ret_part->part.opaque);
	pa_buffer_done(&text);
}

void pa_lower_part(struct pa_lowering *lowering, const struct pa_json_node *node, struct pa_lowered_part *ret_part)
{
	const struct pa_json_node *name;
	const struct pa_json_node *value = pa_lower_only_member(&lowering->tape, node, &name);
	for (size_t i = 0; value && i < sizeof(expressions) / sizeof(*expressions); i++)
		if (pa_json_is_named(name, expressions[i].name, expressions[i].length)) {
			expressions[i].lower(lowering, node, value, ret_part);
			return;
		}
	pa_lower_unknown(lowering, node, ret_part);
}

bool pa_lower_key(struct pa_lowering *lowering, const struct pa_json_node *node, struct pa_lowered_key *ret_key)
{
	const struct pa_json_node *concat = pa_json_member(&lowering->tape, node, "concat");
	if (!concat || concat->kind != PA_JSON_ARRAY) {
		ret_key->count = 1;
		pa_lower_part(lowering, node, &ret_key->parts[0]);
		return true;
	}
	if (concat->length == 0 || concat->length > PA_KEY_PARTS_MAX)
		return false;
	const struct pa_json_node *item = concat + 1;
	ret_key->count = concat->length;
	for (unsigned i = 0; i < ret_key->count; i++) {
		pa_lower_part(lowering, item, &ret_key->parts[i]);
		item = pa_json_after(&lowering->tape, item);
	}
	return true;
}

struct pa_value_types pa_lower_types(const struct pa_lowered_key *key)
{
	struct pa_value_types types = { .count = key->count };
	for (unsigned i = 0; i < key->count; i++)
		types.types[i] = key->parts[i].type;
	return types;
}

/* --- arithmetic ------------------------------------------------------------------------------------------------- */

/* Addresses are IPv4-mapped: arithmetic on their 32 bits leaves the prefix alone. */
static bool apply(struct pa_lowered_part *part, char operation, pa_u128 value)
{
	pa_u128 high = part->type == PA_DATATYPE_IPV4 ? ~(pa_u128)0xffffffff : 0;
	struct pa_key_part *key = &part->part;
	switch (operation) {
	case '&':
		key->mask &= value | high;
		key->xor_value &= value | high;
		return true;
	case '|':
		key->mask &= ~value;
		key->xor_value = (key->xor_value & ~value) | value;
		return true;
	case '^':
		key->xor_value ^= value;
		return true;
	default:
		return false;
	}
}

/* The value stands for something else than its bits. */
static bool has_plain_bits(enum pa_datatype type)
{
	return type != PA_DATATYPE_ETHERTYPE && type != PA_DATATYPE_IFNAME && type != PA_DATATYPE_IFINDEX && !pa_is_word(type);
}

void pa_expression_binary(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			  struct pa_lowered_part *ret_part)
{
	if (node->kind != PA_JSON_ARRAY || node->length < 2) {
		pa_lower_unknown(lowering, whole, ret_part);
		return;
	}
	char operation = whole[1].string[0];
	const struct pa_json_node *item = node + 1;
	pa_lower_part(lowering, item, ret_part);
	bool known = !ret_part->part.opaque && has_plain_bits(ret_part->type);
	for (uint32_t i = 1; known && i < node->length; i++) {
		struct pa_interval value;
		const char *problem;
		item = pa_json_after(&lowering->tape, item);
		known = pa_lower_raw_value(lowering, item, ret_part->type, &value, &problem) == PA_VALUE_KNOWN &&
			value.first == value.last && apply(ret_part, operation, value.first);
	}
	if (!known)
		pa_lower_unknown(lowering, whole, ret_part);
}

/* --- opaque expressions, and what the kernel tests before them --------------------------------------------------- */

void pa_expression_opaque(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			  struct pa_lowered_part *ret_part)
{
	(void)node;
	pa_lower_unknown(lowering, whole, ret_part);
}

void pa_expression_jhash(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			 struct pa_lowered_part *ret_part)
{
	struct pa_lowered_key hashed;
	const struct pa_json_node *inner = pa_json_member(&lowering->tape, node, "expr");
	if (inner)
		pa_lower_key(lowering, inner, &hashed);
	pa_lower_unknown(lowering, whole, ret_part);
}

void pa_expression_exthdr(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			  struct pa_lowered_part *ret_part)
{
	(void)node;
	pa_lower_require_nfproto(lowering, PA_NFPROTO_IPV6);
	pa_lower_unknown(lowering, whole, ret_part);
}

void pa_expression_ip_option(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			     struct pa_lowered_part *ret_part)
{
	(void)node;
	pa_lower_require_nfproto(lowering, PA_NFPROTO_IPV4);
	pa_lower_unknown(lowering, whole, ret_part);
}

/* nft_rt_get_eval(): the nexthop of the other family ends the rule. */
void pa_expression_rt(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
		      struct pa_lowered_part *ret_part)
{
	const struct pa_json_node *family = pa_json_member(&lowering->tape, node, "family");
	if (family && pa_json_is(family, "ip"))
		pa_lower_require_nfproto(lowering, PA_NFPROTO_IPV4);
	if (family && pa_json_is(family, "ip6"))
		pa_lower_require_nfproto(lowering, PA_NFPROTO_IPV6);
	pa_lower_unknown(lowering, whole, ret_part);
}
