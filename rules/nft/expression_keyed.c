/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keyed expressions of nft_key.def: meta, ct, rt, fib, socket, osf, ipsec, tunnel, header fields, options, chunks. */
#include <string.h>

#include "key.h"
#include "lower.h"

/* --- what a row adds ---------------------------------------------------------------------------------------------- */

/* A field of an option that is not there ends the rule (nft_exthdr_eval). */
static void require_bit(struct pa_lowering *lowering, const struct pa_nft_key *presence)
{
	struct pa_lowered_key key = { .count = 1 };
	pa_u128 bit = (pa_u128)1 << presence->bit;
	pa_lower_known(&key.parts[0], presence->field, PA_DATATYPE_INTEGER);
	key.parts[0].part.mask = bit;
	pa_lower_add_match(lowering, &key, pa_lower_interval(lowering, (struct pa_interval){ bit, bit }), false)->implied =
		true;
}

/*
 * nft tests the type before it looks at the id of an echo or the MTU of an error, and does not always show it; a rule that was
 * written with raw bytes has no such test. Messages of other types may end here or go on.
 */
static void require_icmp_type(struct pa_lowering *lowering, const struct pa_nft_key *key)
{
	unsigned first = key->icmp_type[0], second = key->icmp_type[1];
	struct pa_lowered_key tested = { .count = 1 };
	struct pa_elements *elements = pa_arena_alloc(lowering->arena, 1, sizeof(*elements));
	*elements = (struct pa_elements){ .parts = 1, .sorted = true, .count = first == second ? 1 : 2 };
	elements->may_grow = true;
	elements->keys = pa_arena_alloc(lowering->arena, 2, sizeof(*elements->keys));
	elements->keys[0] = (struct pa_interval){ first, first };
	elements->keys[1] = (struct pa_interval){ second, second };
	pa_lower_known(&tested.parts[0], PA_FIELD_ICMP_TYPE, PA_DATATYPE_INTEGER);
	pa_lower_add_match(lowering, &tested, elements, false)->implied = true;
	pa_buffer_puts(pa_lower_begin_text(lowering),
		       "a rule goes on for other ICMP types until a test of it that the listing does not show");
	pa_lower_end_text(lowering);
}

/* The kernel asks such a rule's packets for ICMP and not for their family (kernel_expression.h). */
static bool is_of_any_network(const struct pa_lowering *lowering, const struct pa_nft_group *group)
{
	bool icmp = group->l4proto == 1 || group->l4proto == 58;
	const struct pa_nft_facts *facts = lowering->document->facts;
	const struct pa_nft_rule_fact *fact =
		icmp && facts ? pa_nft_facts_rule(facts, lowering->table->family, lowering->table->name, lowering->rule_handle)
			      : NULL;
	return fact && fact->any_network;
}

static void require_group(struct pa_lowering *lowering, const struct pa_nft_group *group)
{
	if (group->nfproto && !is_of_any_network(lowering, group))
		pa_lower_require_nfproto(lowering, group->nfproto);
	if (group->l4proto)
		pa_lower_require_l4proto(lowering, group->l4proto);
	if (group->flags & PA_NFT_ETHER)
		pa_lower_require_ether(lowering);
}

static void lower_known_key(struct pa_lowering *lowering, const struct pa_nft_group *group, const struct pa_nft_key *key,
			    struct pa_lowered_part *ret_part)
{
	const struct pa_nft_key *presence = pa_nft_presence(group);
	if (presence && !key->is_present)
		require_bit(lowering, presence);
	if (key->has_icmp_types)
		require_icmp_type(lowering, key);
	if (key->field == PA_FIELD_IP_VERSION) {
		/* no packet of a family has another version: 4 is NFPROTO_IPV4 ^ 6, 6 is NFPROTO_IPV6 ^ 12 */
		pa_lower_known(ret_part, PA_FIELD_NFPROTO, key->type);
		ret_part->part.xor_value = group->nfproto == PA_NFPROTO_IPV4 ? 6 : 12;
		return;
	}
	pa_lower_known(ret_part, key->field, key->type);
	ret_part->part.of_flow = key->needs_flow;
	ret_part->part.any_transport = (group->flags & PA_NFT_ANY_TRANSPORT) != 0;
	if (key->is_zero)
		ret_part->part.mask = 0;
	if (key->is_present) {
		ret_part->part.mask = (pa_u128)1 << key->bit;
		ret_part->shift = key->bit;
	}
}

static const struct pa_moment *moment_of(enum pa_datatype type)
{
	static const struct pa_moment time = { .kind = PA_MOMENT_TIME }, day = { .kind = PA_MOMENT_DAY },
				      hour = { .kind = PA_MOMENT_HOUR };
	return type == PA_DATATYPE_DATE ? &time : type == PA_DATATYPE_DAY ? &day : type == PA_DATATYPE_HOUR ? &hour : NULL;
}

/* The key of a group, or an opaque part with the reason that its row has. */
static void lower_key(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_nft_group *group,
		      const struct pa_json_node *name, struct pa_lowered_part *ret_part)
{
	const struct pa_nft_key *key = group ? pa_nft_find_key(group, name) : NULL;
	if (group)
		require_group(lowering, group);
	if (key && !key->is_opaque) {
		lower_known_key(lowering, group, key, ret_part);
		return;
	}
	pa_lower_unknown(lowering, whole, key ? key->reason : PA_REASON_UNKNOWN, ret_part);
	if (key)
		ret_part->type = key->type;
	ret_part->part.moment = moment_of(ret_part->type);
	ret_part->part.fib = key ? key->fib : PA_FIB_NONE;
	ret_part->part.link = key && key->is_linked ? &key->link : NULL;
}

static void lower_keyed(struct pa_lowering *lowering, const char *expression, const struct pa_json_node *whole,
			const struct pa_json_node *node, const char *group_member, const char *key_member,
			struct pa_lowered_part *ret_part)
{
	const struct pa_json_node *name = group_member ? pa_json_member(&lowering->tape, node, group_member) : NULL;
	const struct pa_json_node *key = pa_json_member(&lowering->tape, node, key_member);
	lower_key(lowering, whole, pa_nft_find_group(expression, name), key, ret_part);
}

/* --- header fields -------------------------------------------------------------------------------------------------- */

void pa_expression_payload(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			   struct pa_lowered_part *ret_part)
{
	const struct pa_json_tape *tape = &lowering->tape;
	if (pa_json_member(tape, node, "tunnel"))
		pa_lower_unknown(lowering, whole, PA_REASON_TUNNEL, ret_part);
	else if (pa_json_member(tape, node, "base"))
		pa_lower_raw(lowering, whole, node, ret_part);
	else
		lower_keyed(lowering, "payload", whole, node, "protocol", "field", ret_part);
}

void pa_expression_exthdr(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			  struct pa_lowered_part *ret_part)
{
	pa_lower_require_nfproto(lowering, PA_NFPROTO_IPV6);
	lower_keyed(lowering, "exthdr", whole, node, "name", "field", ret_part);
}

void pa_expression_ip_option(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			     struct pa_lowered_part *ret_part)
{
	pa_lower_require_nfproto(lowering, PA_NFPROTO_IPV4);
	lower_keyed(lowering, "ip option", whole, node, "name", "field", ret_part);
}

/* An option by number, `tcp option @30,16,4`, has no row. */
void pa_expression_tcp_option(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			      struct pa_lowered_part *ret_part)
{
	if (pa_json_member(&lowering->tape, node, "base"))
		pa_lower_unknown(lowering, whole, PA_REASON_HEADER, ret_part);
	else
		lower_keyed(lowering, "tcp option", whole, node, "name", "field", ret_part);
}

void pa_expression_sctp_chunk(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			      struct pa_lowered_part *ret_part)
{
	lower_keyed(lowering, "sctp chunk", whole, node, "name", "field", ret_part);
}

/* Options are numbers only. */
void pa_expression_dccp_option(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			       struct pa_lowered_part *ret_part)
{
	(void)node;
	pa_lower_unknown(lowering, whole, PA_REASON_HEADER, ret_part);
}

/* --- beside the headers ----------------------------------------------------------------------------------------------- */

void pa_expression_meta(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			struct pa_lowered_part *ret_part)
{
	lower_key(lowering, whole, &pa_nft_groups[PA_GROUP_meta], pa_json_member(&lowering->tape, node, "key"), ret_part);
}

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

/* Of a flow without ports proto-src and proto-dst are its ICMP id, type and code, or a key of GRE; of DCCP some kernels track none. */
static bool has_flow_ports(unsigned l4proto)
{
	return l4proto == 6 || l4proto == 17 || l4proto == 132 || l4proto == 136;
}

void pa_expression_ct(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
		      struct pa_lowered_part *ret_part)
{
	lower_keyed(lowering, "ct", whole, node, "dir", "key", ret_part);
	if (ret_part->part.opaque || !pa_json_member(&lowering->tape, node, "dir"))
		return;
	enum pa_field field = ret_part->part.field;
	bool port = field == PA_FIELD_CT_ORIG_SPORT || field == PA_FIELD_CT_ORIG_DPORT || field == PA_FIELD_CT_REPLY_SPORT ||
		    field == PA_FIELD_CT_REPLY_DPORT;
	if (port && !has_flow_ports(lowering->required_l4proto)) {
		pa_lower_unknown(lowering, whole, PA_REASON_TUPLE, ret_part);
		return;
	}
	ret_part->short_prefix = ret_part->type == PA_DATATYPE_ADDRESS;
	ret_part->type = original_address(lowering, ret_part->type);
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
	lower_keyed(lowering, "rt", whole, node, NULL, "key", ret_part);
}

void pa_expression_socket(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			  struct pa_lowered_part *ret_part)
{
	lower_keyed(lowering, "socket", whole, node, NULL, "key", ret_part);
}

void pa_expression_osf(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
		       struct pa_lowered_part *ret_part)
{
	lower_keyed(lowering, "osf", whole, node, NULL, "key", ret_part);
}

void pa_expression_ipsec(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			 struct pa_lowered_part *ret_part)
{
	lower_keyed(lowering, "ipsec", whole, node, NULL, "key", ret_part);
}

void pa_expression_tunnel(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
			  struct pa_lowered_part *ret_part)
{
	lower_keyed(lowering, "tunnel", whole, node, NULL, "key", ret_part);
}

/* The flags of a fib expression are its key: in nft's words, in the order that nft prints them. */
void pa_expression_fib(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
		       struct pa_lowered_part *ret_part)
{
	const struct pa_json_tape *tape = &lowering->tape;
	const struct pa_json_node *flags = pa_json_member(tape, node, "flags");
	struct pa_buffer text = { 0 };
	if (flags && flags->kind == PA_JSON_ARRAY)
		pa_text_nodes(&text, tape, flags, " . ");
	else
		pa_text_node(&text, flags);
	struct pa_json_node name = { .kind = PA_JSON_STRING, .length = (uint32_t)text.length };
	name.string = text.data ? text.data : "";
	lower_key(lowering, whole, pa_nft_find_group("fib", pa_json_member(tape, node, "result")), &name, ret_part);
	pa_buffer_done(&text);
}
