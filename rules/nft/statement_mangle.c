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

static struct pa_operand opaque_value(const char *text)
{
	return (struct pa_operand){ .kind = PA_OPERAND_OPAQUE, .text = text, .reason = pa_nft_reasons[PA_REASON_REWRITE].text };
}

/* --- raw bytes ------------------------------------------------------------------------------------------------------ */

struct raw_write {
	struct pa_lowering *lowering;
	const struct pa_json_node *node;
	const char *value;
	bool any;
};

static void assign_raw_field(void *context, enum pa_field field)
{
	struct raw_write *write = context;
	struct pa_step *step = pa_lower_add_step(write->lowering, PA_STEP_ASSIGN);
	pa_lower_note_translation(write->lowering, field);
	step->implied = write->any; /* one statement, one text */
	write->any = true;
	step->field = field;
	step->value = opaque_value(write->value);
	put_mangle(write->lowering, pa_lower_begin_text(write->lowering), write->node, PA_DATATYPE_WORD);
}

/* `@nh,90,12 set ...`: the fields that lie there are not known any more. */
static bool mangle_raw(struct pa_lowering *lowering, const struct pa_json_node *node, const struct pa_json_node *payload)
{
	struct raw_write write = { .lowering = lowering, .node = node };
	struct pa_buffer name = { 0 };
	pa_expression_text(&name, &lowering->tape, pa_json_member(&lowering->tape, node, "value"), &pa_plain_types);
	write.value = pa_arena_strndup(lowering->arena, name.data ? name.data : "", name.length);
	pa_buffer_done(&name);
	if (!pa_lower_raw_fields(lowering, payload, assign_raw_field, &write))
		return false;
	if (!write.any) {
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

/* nft_exthdr_eval() in its writing forms: the rule goes on or ends. */
static bool only_breaks(const struct pa_json_node *kind)
{
	return pa_json_is(kind, "exthdr") || pa_json_is(kind, "ip option");
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
	bool breaks = target && only_breaks(kind);
	put_mangle(lowering,
		   pa_lower_opaque(lowering, breaks ? PA_OPACITY_MATCH : PA_OPACITY_VERDICT,
				   breaks ? PA_REASON_REWRITE : PA_REASON_UNKNOWN),
		   node, part->type);
}

/*
 * nft_exthdr_tcp_set_eval(): ends the rule for what is no TCP, goes on where the option is not there, and makes a maximum
 * segment size only smaller.
 */
static void mangle_tcp_option(struct pa_lowering *lowering, const struct pa_json_node *node, const struct pa_json_node *key)
{
	const struct pa_json_node *option = pa_json_member(&lowering->tape, key, "tcp option");
	const struct pa_json_node *name = pa_json_member(&lowering->tape, option, "name");
	struct pa_lowered_part part;
	pa_lower_require_l4proto(lowering, 6);
	pa_lower_unknown(lowering, key, PA_REASON_HEADER, &part);
	pa_lower_note_assigned(lowering, part.part.opaque);
	bool is_size = name && (pa_json_is(name, "maxseg") || pa_json_is(name, "window"));
	struct pa_step *step = pa_lower_add_step(lowering, is_size ? PA_STEP_ASSIGN : PA_STEP_NONE);
	if (is_size) {
		step->field = pa_json_is(name, "maxseg") ? PA_FIELD_TCP_MSS : PA_FIELD_TCP_WSCALE;
		step->value = opaque_value(part.part.opaque);
	}
	put_mangle(lowering, pa_lower_begin_text(lowering), node, PA_DATATYPE_WORD);
}

static bool is_zone(const struct pa_json_tape *tape, const struct pa_json_node *key)
{
	const struct pa_json_node *name = pa_json_member(tape, pa_json_member(tape, key, "ct"), "key");
	return name && pa_json_is(name, "zone");
}

/*
 * nft_ct_set_zone_eval(): nothing for packets that conntrack has seen; the others get a template, and what
 * asks for the state until conntrack runs reads "new".
 */
static void mangle_zone(struct pa_lowering *lowering, const struct pa_json_node *node, const struct pa_json_node *value)
{
	struct pa_operand operand;
	pa_lower_note_assigned(lowering, "ct zone");
	pa_lower_operand(lowering, value, PA_DATATYPE_INTEGER, &operand);
	if (operand.kind == PA_OPERAND_MAP) {
		struct pa_step *match = pa_lower_add_step(lowering, PA_STEP_MATCH);
		match->implied = true;
		match->key = operand.key;
		match->elements = operand.map;
	}
	struct pa_step *step = pa_lower_add_step(lowering, PA_STEP_ASSIGN);
	step->field = PA_FIELD_CT_STATE;
	step->value = (struct pa_operand){ .kind = PA_OPERAND_VALUE, .interval = { PA_CT_NEW, PA_CT_NEW } };
	put_mangle(lowering, pa_lower_begin_text(lowering), node, PA_DATATYPE_INTEGER);
}

void pa_statement_mangle(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	const struct pa_json_node *key = pa_json_member(&lowering->tape, node, "key");
	const struct pa_json_node *value = pa_json_member(&lowering->tape, node, "value");
	struct pa_lowered_part part;
	struct pa_operand operand;
	(void)kind;
	if (!key || !value) {
		pa_json_text(pa_lower_opaque(lowering, PA_OPACITY_VERDICT, PA_REASON_UNKNOWN), &lowering->tape, node, 120);
		pa_lower_end_text(lowering);
		return;
	}
	if (pa_json_member(&lowering->tape, key, "tcp option")) {
		mangle_tcp_option(lowering, node, key);
		return;
	}
	if (is_zone(&lowering->tape, key)) {
		mangle_zone(lowering, node, value);
		return;
	}
	pa_lower_part(lowering, key, &part);
	pa_lower_operand(lowering, value, part.type, &operand);
	bool plain = !part.part.opaque && !part.shift && part.part.mask == pa_field_max(part.part.field) &&
		     part.type != PA_DATATYPE_ETHERTYPE;
	if (!plain) {
		if (!part.part.opaque)
			pa_lower_unknown(lowering, key, PA_REASON_ARITHMETIC, &part);
		mangle_unknown(lowering, node, key, &part);
		return;
	}
	if (operand.kind == PA_OPERAND_VALUE && operand.interval.last > pa_field_max(part.part.field))
		operand = (struct pa_operand){ .kind = PA_OPERAND_OPAQUE, .text = "a value that the field cannot hold" };
	struct pa_step *step = pa_lower_add_step(lowering, PA_STEP_ASSIGN);
	if (part.part.field == PA_FIELD_L4PROTO)
		lowering->required_l4proto = 0; /* test again */
	pa_lower_note_translation(lowering, part.part.field);
	step->field = part.part.field;
	step->value = operand;
	put_mangle(lowering, pa_lower_begin_text(lowering), node, part.type);
}

/*
 * `reset tcp option md5sig`: nft_exthdr_tcp_strip_eval() puts NOPs in its place; ends the rule where there is no TCP header,
 * and goes on where the option is not there.
 */
void pa_statement_reset(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	struct pa_lowered_part part;
	pa_lower_unknown(lowering, node, PA_REASON_HEADER, &part);
	pa_lower_note_assigned(lowering, part.part.opaque);
	pa_lower_require_l4proto(lowering, 6);
	struct pa_step *step = pa_lower_add_step(lowering, PA_STEP_ASSIGN);
	step->field = PA_FIELD_TCP_OPTIONS;
	step->value = opaque_value(part.part.opaque);
	struct pa_buffer *text = pa_lower_begin_text(lowering);
	pa_buffer_printf(text, "%s ", kind);
	pa_expression_text(text, &lowering->tape, node, &pa_plain_types);
	pa_lower_end_text(lowering);
}
