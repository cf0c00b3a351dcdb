/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of a packet beside its headers: meta, ct, fib. */
#include "lower.h"

struct named_field {
	const char *name;
	enum pa_field field;
	enum pa_datatype type;
};

static const struct named_field *find_field(const struct named_field *fields, const struct pa_json_node *name)
{
	for (; name && fields->name; fields++)
		if (pa_json_is(name, fields->name))
			return fields;
	return NULL;
}

static const struct named_field meta_fields[] = {
	{ "iifname", PA_FIELD_IIFNAME, PA_DATATYPE_IFNAME },
	{ "oifname", PA_FIELD_OIFNAME, PA_DATATYPE_IFNAME },
	{ "iif", PA_FIELD_IIFNAME, PA_DATATYPE_IFINDEX },
	{ "oif", PA_FIELD_OIFNAME, PA_DATATYPE_IFINDEX },
	{ "l4proto", PA_FIELD_L4PROTO, PA_DATATYPE_PROTO },
	{ "nfproto", PA_FIELD_NFPROTO, PA_DATATYPE_NFPROTO },
	{ "protocol", PA_FIELD_NFPROTO, PA_DATATYPE_ETHERTYPE },
	{ "mark", PA_FIELD_MARK, PA_DATATYPE_MARK },
	{ "pkttype", PA_FIELD_PKTTYPE, PA_DATATYPE_PKTTYPE },
	{ "length", PA_FIELD_META_LENGTH, PA_DATATYPE_INTEGER },
	{ NULL, PA_FIELD_COUNT, PA_DATATYPE_WORD },
};

void pa_expression_meta(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			struct pa_lowered_part *ret_part)
{
	const struct pa_json_node *key = pa_json_member(&lowering->tape, node, "key");
	const struct named_field *field = find_field(meta_fields, key);
	if (field) {
		pa_lower_known(ret_part, field->field, field->type);
		return;
	}
	pa_lower_unknown(lowering, whole, ret_part);
	if (key && (pa_json_is(key, "iiftype") || pa_json_is(key, "oiftype")))
		ret_part->type = PA_DATATYPE_IFTYPE;
	if (key && (pa_json_is(key, "ipsec") || pa_json_is(key, "secpath")))
		ret_part->type = PA_DATATYPE_BOOLEAN;
}

/* --- conntrack --------------------------------------------------------------------------------------------------- */

static const struct named_field ct_fields[] = {
	{ "state", PA_FIELD_CT_STATE, PA_DATATYPE_CT_STATE },
	{ "status", PA_FIELD_CT_STATUS, PA_DATATYPE_CT_STATUS },
	{ "direction", PA_FIELD_CT_DIRECTION, PA_DATATYPE_CT_DIR },
	{ "mark", PA_FIELD_CT_MARK, PA_DATATYPE_MARK },
	{ NULL, PA_FIELD_COUNT, PA_DATATYPE_WORD },
};

static const struct named_field ct_original_fields[] = {
	{ "ip saddr", PA_FIELD_CT_ORIG_SADDR, PA_DATATYPE_IPV4 },
	{ "ip daddr", PA_FIELD_CT_ORIG_DADDR, PA_DATATYPE_IPV4 },
	{ "ip6 saddr", PA_FIELD_CT_ORIG_SADDR, PA_DATATYPE_IPV6 },
	{ "ip6 daddr", PA_FIELD_CT_ORIG_DADDR, PA_DATATYPE_IPV6 },
	{ "saddr", PA_FIELD_CT_ORIG_SADDR, PA_DATATYPE_ADDRESS },
	{ "daddr", PA_FIELD_CT_ORIG_DADDR, PA_DATATYPE_ADDRESS },
	{ "proto-src", PA_FIELD_CT_ORIG_SPORT, PA_DATATYPE_PORT },
	{ "proto-dst", PA_FIELD_CT_ORIG_DPORT, PA_DATATYPE_PORT },
	{ NULL, PA_FIELD_COUNT, PA_DATATYPE_WORD },
};

/*
 * nft_ct_get_eval(): "ip saddr" and "ip6 saddr" end the rule for flows of the other family, without a test in the rule;
 * plain "saddr" is of the table's family.
 */
static enum pa_datatype original_address(struct pa_lowering *lowering, enum pa_datatype type)
{
	if (type == PA_DATATYPE_ADDRESS && lowering->table->family == PA_FAMILY_IP)
		type = PA_DATATYPE_IPV4;
	if (type == PA_DATATYPE_ADDRESS && lowering->table->family == PA_FAMILY_IP6)
		type = PA_DATATYPE_IPV6;
	if (type == PA_DATATYPE_IPV4)
		pa_lower_require_nfproto(lowering, PA_NFPROTO_IPV4);
	if (type == PA_DATATYPE_IPV6)
		pa_lower_require_nfproto(lowering, PA_NFPROTO_IPV6);
	return type;
}

void pa_expression_ct(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
		      struct pa_lowered_part *ret_part)
{
	const struct pa_json_node *key = pa_json_member(&lowering->tape, node, "key");
	const struct pa_json_node *direction = pa_json_member(&lowering->tape, node, "dir");
	const struct named_field *field = NULL;
	if (!direction)
		field = find_field(ct_fields, key);
	else if (pa_json_is(direction, "original"))
		field = find_field(ct_original_fields, key);
	if (!field) {
		pa_lower_unknown(lowering, whole, ret_part);
		return;
	}
	pa_lower_known(ret_part, field->field, direction ? original_address(lowering, field->type) : field->type);
	ret_part->short_prefix = field->type == PA_DATATYPE_ADDRESS;
}

/* --- fib ---------------------------------------------------------------------------------------------------------- */

enum { FIB_SADDR = 1, FIB_DADDR = 2, FIB_IIF = 4, FIB_OTHER = 8 };

static unsigned fib_flag(const struct pa_json_node *flag)
{
	if (pa_json_is(flag, "saddr"))
		return FIB_SADDR;
	if (pa_json_is(flag, "daddr"))
		return FIB_DADDR;
	return pa_json_is(flag, "iif") ? FIB_IIF : FIB_OTHER;
}

static unsigned fib_flags(const struct pa_json_tape *tape, const struct pa_json_node *flags)
{
	if (!flags)
		return FIB_OTHER;
	if (flags->kind != PA_JSON_ARRAY)
		return fib_flag(flags);
	unsigned bits = 0;
	const struct pa_json_node *item = flags + 1;
	for (uint32_t i = 0; i < flags->length; i++, item = pa_json_after(tape, item))
		bits |= fib_flag(item);
	return bits;
}

void pa_expression_fib(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
		       struct pa_lowered_part *ret_part)
{
	const struct pa_json_node *result = pa_json_member(&lowering->tape, node, "result");
	unsigned flags = fib_flags(&lowering->tape, pa_json_member(&lowering->tape, node, "flags"));
	bool is_type = result && pa_json_is(result, "type");
	if (is_type && flags == FIB_DADDR)
		pa_lower_known(ret_part, PA_FIELD_DADDR_TYPE, PA_DATATYPE_FIB_TYPE);
	else if (is_type && flags == (FIB_DADDR | FIB_IIF))
		pa_lower_known(ret_part, PA_FIELD_DADDR_IIF_TYPE, PA_DATATYPE_FIB_TYPE);
	else if (is_type && flags == FIB_SADDR)
		pa_lower_known(ret_part, PA_FIELD_SADDR_TYPE, PA_DATATYPE_FIB_TYPE);
	else
		pa_lower_unknown(lowering, whole, ret_part);
	if (ret_part->part.opaque && is_type)
		ret_part->type = PA_DATATYPE_FIB_TYPE;
}
