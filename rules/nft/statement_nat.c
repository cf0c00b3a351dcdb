/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operands, and the translation of addresses: dnat, snat, masquerade, redirect. */
#include "lower.h"

static void put_opaque_operand(struct pa_lowering *lowering, const struct pa_json_node *node, struct pa_operand *operand)
{
	struct pa_buffer text = { 0 };
	pa_expression_text(&text, &lowering->tape, node, &pa_plain_types);
	const char *reason = operand->kind == PA_OPERAND_OPAQUE ? operand->reason : NULL;
	reason = reason ? reason : pa_nft_reasons[PA_REASON_ARITHMETIC].text;
	*operand = (struct pa_operand){ .kind = PA_OPERAND_OPAQUE, .reason = reason };
	operand->text = pa_arena_strndup(lowering->arena, text.data ? text.data : "", text.length);
	pa_buffer_done(&text);
}

/* A test whether the map has the key, for a map whose data cannot be used: a miss ends the rule all the same. */
static void require_in_map(struct pa_lowering *lowering, const struct pa_lowered_key *key, const struct pa_elements *elements)
{
	pa_lower_add_match(lowering, key, elements, false)->implied = true;
}

static bool all_values(const struct pa_elements *elements)
{
	for (size_t i = 0; i < elements->count; i++)
		if (elements->data[i].kind != PA_DATUM_VALUES)
			return false;
	return !elements->catch_all || elements->catch_all->kind == PA_DATUM_VALUES;
}

bool pa_lower_map(struct pa_lowering *lowering, const struct pa_json_node *map, const struct pa_value_types *data_types,
		  struct pa_operand *ret_operand)
{
	const struct pa_json_node *left = pa_json_member(&lowering->tape, map, "key");
	const struct pa_json_node *data = pa_json_member(&lowering->tape, map, "data");
	struct pa_lowered_key key = { 0 };
	if (!left || !data || !pa_lower_key(lowering, left, &key))
		return false;
	pa_lower_unshifted(lowering, left, &key.parts[0]);
	struct pa_value_types types = pa_lower_types(&key);
	const struct pa_elements *elements = pa_lower_elements(lowering, data, &types, data_types);
	if (!elements || elements->parts != key.count || !elements->data)
		return false;
	if (!all_values(elements)) {
		require_in_map(lowering, &key, elements);
		return false;
	}
	*ret_operand = (struct pa_operand){ .kind = PA_OPERAND_MAP };
	ret_operand->key = pa_lower_keep_key(lowering, &key, elements);
	ret_operand->map = elements;
	return true;
}

/* The number that the field holds, for a target that is no address. */
static bool use_field(struct pa_lowering *lowering, const struct pa_json_node *node, enum pa_datatype type,
		      struct pa_operand *operand)
{
	struct pa_lowered_part part;
	if (node->kind != PA_JSON_OBJECT)
		return false;
	pa_lower_part(lowering, node, &part);
	*operand = (struct pa_operand){ .kind = PA_OPERAND_OPAQUE, .reason = part.part.reason };
	if (part.part.opaque || part.shift || part.type == PA_DATATYPE_ETHERTYPE || part.type == PA_DATATYPE_IFNAME ||
	    part.type == PA_DATATYPE_IFINDEX)
		return false;
	if (part.type == PA_DATATYPE_IPV4 && type != PA_DATATYPE_IPV4 && type != PA_DATATYPE_ADDRESS)
		part.part.mask &= 0xffffffff;
	*operand = (struct pa_operand){ .kind = PA_OPERAND_FIELD };
	operand->part = part.part;
	return true;
}

void pa_lower_operand(struct pa_lowering *lowering, const struct pa_json_node *node, enum pa_datatype type,
		      struct pa_operand *ret_operand)
{
	struct pa_value_types types = { .count = 1, .types = { type } };
	const struct pa_json_node *map = pa_json_member(&lowering->tape, node, "map");
	struct pa_interval interval;
	const char *problem;
	*ret_operand = (struct pa_operand){ .kind = PA_OPERAND_NONE };
	if (map) {
		if (!pa_lower_map(lowering, map, &types, ret_operand))
			put_opaque_operand(lowering, node, ret_operand);
		return;
	}
	if (pa_lower_value(lowering, node, type, &interval, &problem) == PA_VALUE_KNOWN) {
		*ret_operand = (struct pa_operand){ .kind = PA_OPERAND_VALUE };
		ret_operand->interval = interval;
		return;
	}
	if (!use_field(lowering, node, type, ret_operand))
		put_opaque_operand(lowering, node, ret_operand);
}

/* --- nat ---------------------------------------------------------------------------------------------------------- */

static const enum pa_datatype nat_types[] = { [0] = PA_DATATYPE_ADDRESS, [4] = PA_DATATYPE_IPV4, [6] = PA_DATATYPE_IPV6 };

static int nat_family(struct pa_lowering *lowering, const struct pa_json_node *node)
{
	const struct pa_json_node *family = pa_json_member(&lowering->tape, node, "family");
	if (family && pa_json_is(family, "ip"))
		return 4;
	if (family && pa_json_is(family, "ip6"))
		return 6;
	if (lowering->table->family == PA_FAMILY_IP)
		return 4;
	return lowering->table->family == PA_FAMILY_IP6 ? 6 : 0;
}

static bool has_flag(const struct pa_json_tape *tape, const struct pa_json_node *node, const char *member, const char *flag)
{
	const struct pa_json_node *flags = pa_json_member(tape, node, member);
	if (!flags)
		return false;
	if (flags->kind != PA_JSON_ARRAY)
		return pa_json_is(flags, flag);
	const struct pa_json_node *item = flags + 1;
	for (uint32_t i = 0; i < flags->length; i++, item = pa_json_after(tape, item))
		if (pa_json_is(item, flag))
			return true;
	return false;
}

static bool has_ports(const struct pa_elements *elements)
{
	struct pa_value_types types, data;
	if (elements->decl) {
		pa_lower_read_types(elements->decl->type_text, &types, &data);
		return data.count == 2;
	}
	if (elements->catch_all)
		return elements->catch_all->count == 2;
	return elements->count && elements->data[0].count == 2;
}

/* Without an element in the map the rule ends. */
static void require_key(struct pa_lowering *lowering, const struct pa_operand *operand)
{
	struct pa_step *step = pa_lower_add_step(lowering, PA_STEP_MATCH);
	step->implied = true;
	step->key = operand->key;
	step->elements = operand->map;
}

/* A netmap keeps the host's bits of the old address: from a constant prefix that can be said, from a map it cannot. */
static void lower_nat_address(struct pa_lowering *lowering, const struct pa_json_node *node, const struct pa_json_node *address,
			      int family, struct pa_operand *ret_address, struct pa_operand *ret_port)
{
	bool netmap =
		has_flag(&lowering->tape, node, "flags", "netmap") || has_flag(&lowering->tape, node, "type_flags", "prefix");
	pa_lower_operand(lowering, address, nat_types[family], ret_address);
	if (ret_address->kind == PA_OPERAND_VALUE && netmap)
		ret_address->kind = PA_OPERAND_PREFIX;
	if (ret_address->kind == PA_OPERAND_FIELD || ret_address->kind != PA_OPERAND_MAP) {
		if (ret_address->kind == PA_OPERAND_FIELD)
			put_opaque_operand(lowering, address, ret_address);
		return;
	}
	if (netmap) {
		require_key(lowering, ret_address);
		put_opaque_operand(lowering, address, ret_address);
	} else if (has_ports(ret_address->map)) {
		*ret_port = *ret_address;
		ret_port->datum_index = 1;
	}
}

static void put_nat(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	const struct pa_json_tape *tape = &lowering->tape;
	const struct pa_json_node *family = pa_json_member(tape, node, "family");
	const struct pa_json_node *address = pa_json_member(tape, node, "addr");
	const struct pa_json_node *port = pa_json_member(tape, node, "port");
	const struct pa_json_node *flags = pa_json_member(tape, node, "flags");
	struct pa_buffer *text = pa_lower_begin_text(lowering);
	pa_buffer_puts(text, kind);
	if (family) {
		pa_buffer_putc(text, ' ');
		pa_text_node(text, family);
	}
	if (has_flag(tape, node, "type_flags", "prefix"))
		pa_buffer_puts(text, " prefix");
	if (address || port)
		pa_buffer_puts(text, " to ");
	bool brackets = port && address && address->kind == PA_JSON_STRING && memchr(address->string, ':', address->length);
	if (address) {
		pa_buffer_puts(text, brackets ? "[" : "");
		pa_expression_text(text, tape, address, &pa_plain_types);
		pa_buffer_puts(text, brackets ? "]" : "");
	}
	if (port) {
		pa_buffer_putc(text, ':');
		pa_expression_text(text, tape, port, &pa_plain_types);
	}
	if (flags && !(pa_json_is(flags, "netmap"))) {
		pa_buffer_putc(text, ' ');
		pa_expression_text(text, tape, flags, &pa_plain_types);
	}
	pa_lower_end_text(lowering);
}

void pa_statement_nat(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	static const char *const names[] = { "snat", "dnat", "masquerade", "redirect" };
	const struct pa_json_node *address = pa_json_member(&lowering->tape, node, "addr");
	const struct pa_json_node *port = pa_json_member(&lowering->tape, node, "port");
	struct pa_operand to = { .kind = PA_OPERAND_NONE };
	struct pa_operand to_port = { .kind = PA_OPERAND_NONE };
	enum pa_nat_kind nat = PA_NAT_SNAT;
	while (strcmp(names[nat], kind) != 0)
		nat++;
	int family = nat_family(lowering, node);
	if (address)
		lower_nat_address(lowering, node, address, family, &to, &to_port);
	if (port)
		pa_lower_operand(lowering, port, PA_DATATYPE_PORT, &to_port);
	/* the step below looks up the first of two maps */
	if (port && to.kind == PA_OPERAND_MAP && to_port.kind == PA_OPERAND_MAP)
		require_key(lowering, &to_port);
	if (family == 0 && (to.kind == PA_OPERAND_VALUE || to.kind == PA_OPERAND_PREFIX))
		family = pa_value_is_ipv4(to.interval.first) ? 4 : 6;
	struct pa_step *step = pa_lower_add_step(lowering, PA_STEP_NAT);
	pa_lower_note_translation(lowering, PA_FIELD_DADDR);
	step->nat = nat;
	step->nat_family = family;
	step->random =
		has_flag(&lowering->tape, node, "flags", "random") || has_flag(&lowering->tape, node, "flags", "fully-random");
	step->value = to;
	step->port = to_port;
	put_nat(lowering, kind, node);
}
