/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an expression looks at: dispatch, concatenations, arithmetic, and the expressions that stay opaque. */
#include <string.h>

#include "lower.h"

static const struct expression {
	const char *name;
	size_t length;
	void (*lower)(struct pa_lowering *, const struct pa_json_node *, const struct pa_json_node *, struct pa_lowered_part *);
} expressions[] = {
#define EXPRESSION(name, lowering, text, treatment, reason, since, example) \
	{ name, sizeof(name) - 1, pa_expression_##lowering },
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

void pa_lower_unknown(struct pa_lowering *lowering, const struct pa_json_node *node, enum pa_nft_reason_id reason,
		      struct pa_lowered_part *ret_part)
{
	struct pa_buffer text = { 0 };
	pa_expression_text(&text, &lowering->tape, node, &pa_plain_types);
	*ret_part = (struct pa_lowered_part){ .type = PA_DATATYPE_WORD };
	ret_part->part.mask = PA_U128_MAX;
	ret_part->part.opaque = pa_arena_strndup(lowering->arena, text.data ? text.data : "", text.length);
	ret_part->part.reason = pa_nft_reasons[reason].text;
	ret_part->part.volatile_ = pa_nft_reasons[reason].again == PA_AGAIN_ANY;
	ret_part->part.understood = pa_nft_reasons[reason].understood;
	ret_part->part.always = pa_nft_reasons[reason].answers == PA_ANSWERS_ALWAYS;
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
	pa_lower_unknown(lowering, node, PA_REASON_UNKNOWN, ret_part);
}

void pa_lower_unshifted(struct pa_lowering *lowering, const struct pa_json_node *node, struct pa_lowered_part *part)
{
	if (part->shift)
		pa_lower_unknown(lowering, node, PA_REASON_ARITHMETIC, part);
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
		pa_lower_unshifted(lowering, item, &ret_key->parts[i]);
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
static bool apply(struct pa_lowered_part *part, struct pa_link_test *link, char operation, pa_u128 value)
{
	pa_u128 high = part->type == PA_DATATYPE_IPV4 ? ~(pa_u128)0xffffffff : 0;
	pa_u128 *mask = part->part.link ? &link->mask : &part->part.mask;
	pa_u128 *xor_value = part->part.link ? &link->xor_value : &part->part.xor_value;
	switch (operation) {
	case '&':
		*mask &= value | high;
		*xor_value &= value | high;
		return true;
	case '|':
		*mask &= ~value;
		*xor_value = (*xor_value & ~value) | value;
		return true;
	case '^':
		*xor_value ^= value;
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

/* What is left of an expression whose inner part is looked at, and then is not followed any further. */
static void unknown_arithmetic(struct pa_lowering *lowering, const struct pa_json_node *whole, struct pa_lowered_part *ret_part)
{
	struct pa_lowered_part inner = *ret_part;
	pa_lower_unknown(lowering, whole, PA_REASON_ARITHMETIC, ret_part);
	if (!inner.part.opaque)
		return;
	ret_part->part.reason = inner.part.reason;
	ret_part->part.volatile_ = inner.part.volatile_;
	ret_part->part.understood = inner.part.understood;
	ret_part->part.always = inner.part.always;
}

void pa_expression_binary(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			  struct pa_lowered_part *ret_part)
{
	if (node->kind != PA_JSON_ARRAY || node->length < 2) {
		pa_lower_unknown(lowering, whole, PA_REASON_UNKNOWN, ret_part);
		return;
	}
	char operation = whole[1].string[0];
	const struct pa_json_node *item = node + 1;
	pa_lower_part(lowering, item, ret_part);
	struct pa_lowered_part inner = *ret_part;
	struct pa_link_test link = inner.part.link ? *inner.part.link : (struct pa_link_test){ 0 };
	bool known = (!inner.part.opaque || inner.part.link) && !inner.shift && has_plain_bits(inner.type);
	for (uint32_t i = 1; known && i < node->length; i++) {
		struct pa_interval value;
		const char *problem;
		item = pa_json_after(&lowering->tape, item);
		known = pa_lower_raw_value(lowering, item, ret_part->type, &value, &problem) == PA_VALUE_KNOWN &&
			value.first == value.last && value.last <= pa_lower_type_max(ret_part->type) &&
			apply(ret_part, &link, operation, value.first);
	}
	if (!known || inner.part.link)
		unknown_arithmetic(lowering, whole, ret_part);
	if (known && inner.part.link) {
		ret_part->part.link = pa_arena_dup(lowering->arena, &link, 1, sizeof(link));
		ret_part->type = inner.type;
	}
}

/* << and >>: what is shifted is looked at all the same. */
void pa_expression_shift(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			 struct pa_lowered_part *ret_part)
{
	*ret_part = (struct pa_lowered_part){ 0 };
	if (node->kind == PA_JSON_ARRAY && node->length)
		pa_lower_part(lowering, node + 1, ret_part);
	unknown_arithmetic(lowering, whole, ret_part);
}

/* --- what the kernel works out or draws ----------------------------------------------------------------------------- */

/* An opaque part gives xor_value..mask: offset, and as many numbers as `mod` says. */
static void set_outcomes(const struct pa_json_tape *tape, const struct pa_json_node *node, struct pa_lowered_part *part)
{
	uint64_t first = pa_lower_number(pa_json_member(tape, node, "offset"), 0);
	uint64_t count = pa_lower_number(pa_json_member(tape, node, "mod"), 0);
	part->type = PA_DATATYPE_INTEGER;
	if (!count)
		return;
	part->part.xor_value = first;
	part->part.mask = (pa_u128)first + count - 1;
}

void pa_expression_numgen(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			  struct pa_lowered_part *ret_part)
{
	const struct pa_json_node *mode = pa_json_member(&lowering->tape, node, "mode");
	bool counts = mode && pa_json_is(mode, "inc");
	pa_lower_unknown(lowering, whole, counts ? PA_REASON_COUNTED : PA_REASON_RANDOM, ret_part);
	set_outcomes(&lowering->tape, node, ret_part);
}

void pa_expression_symhash(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			   struct pa_lowered_part *ret_part)
{
	pa_lower_unknown(lowering, whole, PA_REASON_HASH, ret_part);
	set_outcomes(&lowering->tape, node, ret_part);
}

void pa_expression_jhash(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			 struct pa_lowered_part *ret_part)
{
	struct pa_lowered_key hashed;
	const struct pa_json_node *inner = pa_json_member(&lowering->tape, node, "expr");
	if (inner)
		pa_lower_key(lowering, inner, &hashed); /* the tests that come with it */
	pa_lower_unknown(lowering, whole, PA_REASON_HASH, ret_part);
	set_outcomes(&lowering->tape, node, ret_part);
}

/* --- what is no key of a test ------------------------------------------------------------------------------------------ */

void pa_expression_opaque(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			  struct pa_lowered_part *ret_part)
{
	(void)node;
	pa_lower_unknown(lowering, whole, PA_REASON_ARITHMETIC, ret_part);
}
