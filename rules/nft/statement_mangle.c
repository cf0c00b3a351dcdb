/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mangle: what a packet or its flow is given. */
#include "lower.h"

static void put_mangle(struct pa_lowering *lowering, struct pa_buffer *text, const struct pa_json_node *node,
		       enum pa_datatype type)
{
	const struct pa_json_node *value = pa_json_member(&lowering->tape, node, "value");
	struct pa_value_types types = { .count = 1, .types = { type } };
	pa_expression_text(text, &lowering->tape, pa_json_member(&lowering->tape, node, "key"), &pa_plain_types);
	pa_buffer_puts(text, " set ");
	pa_expression_text(text, &lowering->tape, value, &types);
	pa_lower_end_text(lowering);
}

/* --- raw bytes ------------------------------------------------------------------------------------------------------ */

/* Where our fields lie in the headers, in bits, for both families. */
static const struct place {
	char base; /* n: network, t: transport, l: link layer */
	unsigned offset;
	unsigned length;
	enum pa_field field;
} places[] = {
	{ 'n', 0, 4, PA_FIELD_IP_VERSION },   { 'n', 4, 4, PA_FIELD_IP_HDRLENGTH },    { 'n', 4, 12, PA_FIELD_DSCP },
	{ 'n', 8, 8, PA_FIELD_ECN },	      { 'n', 12, 20, PA_FIELD_IP6_FLOWLABEL }, { 'n', 16, 16, PA_FIELD_IP_LENGTH },
	{ 'n', 32, 16, PA_FIELD_IP6_LENGTH }, { 'n', 32, 16, PA_FIELD_IP_ID },	       { 'n', 48, 16, PA_FIELD_IP_FRAG_OFF },
	{ 'n', 48, 8, PA_FIELD_IP6_NEXTHDR }, { 'n', 48, 24, PA_FIELD_TTL },	       { 'n', 72, 8, PA_FIELD_L4PROTO },
	{ 'n', 64, 128, PA_FIELD_SADDR },     { 'n', 128, 192, PA_FIELD_DADDR },       { 't', 0, 16, PA_FIELD_SPORT },
	{ 't', 16, 16, PA_FIELD_DPORT },      { 't', 0, 8, PA_FIELD_ICMP_TYPE },       { 't', 8, 8, PA_FIELD_ICMP_CODE },
	{ 't', 104, 8, PA_FIELD_TCP_FLAGS },  { 'l', 0, 48, PA_FIELD_ETHER_DADDR },    { 'l', 48, 48, PA_FIELD_ETHER_SADDR },
	{ 'l', 96, 16, PA_FIELD_NFPROTO },
};

/* `@nh,96,32 set ...`: the fields that lie there are not known any more. */
static bool mangle_raw(struct pa_lowering *lowering, const struct pa_json_node *node, const struct pa_json_node *payload)
{
	const struct pa_json_node *base = pa_json_member(&lowering->tape, payload, "base");
	uint64_t offset = pa_lower_number(pa_json_member(&lowering->tape, payload, "offset"), 0);
	uint64_t length = pa_lower_number(pa_json_member(&lowering->tape, payload, "len"), 0);
	if (!base || base->kind != PA_JSON_STRING || !base->length || !memchr("ntl", base->string[0], 3))
		return false;
	struct pa_buffer name = { 0 };
	pa_expression_text(&name, &lowering->tape, pa_json_member(&lowering->tape, node, "value"), &pa_plain_types);
	const char *value = pa_arena_strndup(lowering->arena, name.data ? name.data : "", name.length);
	pa_buffer_done(&name);
	bool first = true;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		const struct place *place = &places[i];
		if (place->base != base->string[0] || offset >= place->offset + place->length ||
		    offset + length <= place->offset)
			continue;
		struct pa_step *step = pa_lower_add_step(lowering, PA_STEP_ASSIGN);
		step->implied = !first; /* one statement, one text */
		first = false;
		step->field = place->field;
		step->value = (struct pa_operand){ .kind = PA_OPERAND_OPAQUE, .text = value };
		put_mangle(lowering, pa_lower_begin_text(lowering), node, PA_DATATYPE_WORD);
	}
	if (first) {
		pa_lower_add_step(lowering, PA_STEP_NONE);
		put_mangle(lowering, pa_lower_begin_text(lowering), node, PA_DATATYPE_WORD);
	}
	return true;
}

/* --- what is not one of our fields ------------------------------------------------------------------------------------ */

/* No test that we know looks at these, and setting them does not end the rule. */
static bool is_harmless(const struct pa_json_tape *tape, const struct pa_json_node *kind, const struct pa_json_node *target)
{
	static const char *const meta_keys[] = { "priority", "nftrace", "secmark" };
	static const char *const ct_keys[] = { "label", "event", "helper", "secmark" };
	const struct pa_json_node *key = pa_json_member(tape, target, "key");
	for (size_t i = 0; key && pa_json_is(kind, "meta") && i < sizeof(meta_keys) / sizeof(*meta_keys); i++)
		if (pa_json_is(key, meta_keys[i]))
			return true;
	for (size_t i = 0; key && pa_json_is(kind, "ct") && i < sizeof(ct_keys) / sizeof(*ct_keys); i++)
		if (pa_json_is(key, ct_keys[i]))
			return true;
	/* Header fields by name that are none of ours: a window, a checksum. */
	return pa_json_is(kind, "payload") && pa_json_member(tape, target, "field") && !pa_json_member(tape, target, "tunnel");
}

/* nft_exthdr_eval() in its writing forms, and zones: the rule goes on or ends. */
static bool only_breaks(const struct pa_json_tape *tape, const struct pa_json_node *kind, const struct pa_json_node *target)
{
	const struct pa_json_node *key = pa_json_member(tape, target, "key");
	return pa_json_is(kind, "tcp option") || pa_json_is(kind, "exthdr") || pa_json_is(kind, "ip option") ||
	       (pa_json_is(kind, "ct") && key && pa_json_is(key, "zone"));
}

static void mangle_unknown(struct pa_lowering *lowering, const struct pa_json_node *node, const struct pa_json_node *key,
			   const struct pa_lowered_part *part)
{
	const struct pa_json_node *kind;
	const struct pa_json_node *target = pa_lower_only_member(&lowering->tape, key, &kind);
	pa_lower_note_assigned(lowering, part->part.opaque);
	if (target && pa_json_is(kind, "payload") && mangle_raw(lowering, node, target))
		return;
	if (target && is_harmless(&lowering->tape, kind, target)) {
		pa_lower_add_step(lowering, PA_STEP_NONE);
		put_mangle(lowering, pa_lower_begin_text(lowering), node, part->type);
		return;
	}
	bool breaks = target && only_breaks(&lowering->tape, kind, target);
	put_mangle(lowering, pa_lower_opaque(lowering, breaks ? PA_OPACITY_MATCH : PA_OPACITY_VERDICT, true), node, part->type);
}

void pa_statement_mangle(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	const struct pa_json_node *key = pa_json_member(&lowering->tape, node, "key");
	const struct pa_json_node *value = pa_json_member(&lowering->tape, node, "value");
	struct pa_lowered_part part;
	struct pa_operand operand;
	(void)kind;
	if (!key || !value) {
		pa_json_text(pa_lower_opaque(lowering, PA_OPACITY_VERDICT, true), &lowering->tape, node, 120);
		pa_lower_end_text(lowering);
		return;
	}
	pa_lower_part(lowering, key, &part);
	pa_lower_operand(lowering, value, part.type, &operand);
	bool plain = !part.part.opaque && part.part.mask == pa_field_max(part.part.field) && part.type != PA_DATATYPE_ETHERTYPE;
	if (!plain) {
		if (!part.part.opaque)
			pa_lower_unknown(lowering, key, &part);
		mangle_unknown(lowering, node, key, &part);
		return;
	}
	if (operand.kind == PA_OPERAND_VALUE && operand.interval.last > pa_field_max(part.part.field))
		operand = (struct pa_operand){ .kind = PA_OPERAND_OPAQUE, .text = "a value that the field cannot hold" };
	struct pa_step *step = pa_lower_add_step(lowering, PA_STEP_ASSIGN);
	if (part.part.field == PA_FIELD_L4PROTO)
		lowering->required_l4proto = 0; /* test again */
	step->field = part.part.field;
	step->value = operand;
	put_mangle(lowering, pa_lower_begin_text(lowering), node, part.type);
}

/* `reset tcp option md5sig`: takes the option out; ends the rule where there is no TCP header. */
void pa_statement_reset(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	struct pa_buffer *text = pa_lower_opaque(lowering, PA_OPACITY_MATCH, true);
	pa_buffer_printf(text, "%s ", kind);
	pa_expression_text(text, &lowering->tape, node, &pa_plain_types);
	pa_lower_end_text(lowering);
}
