/* SPDX-License-Identifier: GPL-2.0-or-later */
/* match and vmap: what is looked at against what it is compared with. */
#include <string.h>

#include "lower.h"

enum relation { EQUAL, NOT_EQUAL, LESS, GREATER, LESS_EQUAL, GREATER_EQUAL, ANY_BIT, NO_BIT, UNKNOWN };

static const char *const relation_names[] = { "==", "!=", "<", ">", "<=", ">=", "in", "!" };

static enum relation read_relation(const struct pa_json_node *node)
{
	for (int i = EQUAL; node && i < UNKNOWN; i++)
		if (pa_json_is(node, relation_names[i]))
			return (enum relation)i;
	return UNKNOWN;
}

/* --- texts --------------------------------------------------------------------------------------------------------- */

static bool is_arithmetic(const struct pa_json_tape *tape, const struct pa_json_node *node)
{
	const struct pa_json_node *name;
	return pa_lower_only_member(tape, node, &name) && name->length && strchr("&|^<>", name->string[0]);
}

/* nft leaves out == and `in`; where the two could be mistaken for each other it prints ==. */
static void put_match(struct pa_lowering *lowering, struct pa_buffer *text, const struct pa_json_node *node,
		      const struct pa_value_types *types)
{
	const struct pa_json_node *operation = pa_json_member(&lowering->tape, node, "op");
	const struct pa_json_node *left = pa_json_member(&lowering->tape, node, "left");
	const struct pa_json_node *right = pa_json_member(&lowering->tape, node, "right");
	enum relation relation = read_relation(operation);
	bool is_set = pa_json_member(&lowering->tape, right, "set") ||
		      (right->kind == PA_JSON_STRING && right->length && right->string[0] == '@');
	pa_expression_text(text, &lowering->tape, left, types);
	bool bare = relation == ANY_BIT ||
		    (relation == EQUAL && !pa_datatype_is_flags(types->types[0]) && !is_arithmetic(&lowering->tape, left));
	if (!bare && !(relation == EQUAL && is_set)) {
		pa_buffer_putc(text, ' ');
		pa_text_node(text, operation);
	}
	pa_buffer_putc(text, ' ');
	pa_expression_text(text, &lowering->tape, right, types);
}

static void add_text(struct pa_lowering *lowering, const struct pa_json_node *node, const struct pa_value_types *types)
{
	put_match(lowering, pa_lower_begin_text(lowering), node, types);
	pa_lower_end_text(lowering);
}

/* The whole test is what cannot be decided; what its key says of the reason holds for it. */
static void opaque_match(struct pa_lowering *lowering, const struct pa_json_node *node, const struct pa_lowered_key *key)
{
	struct pa_value_types types = pa_lower_types(key);
	put_match(lowering, pa_lower_opaque(lowering, PA_OPACITY_MATCH, PA_REASON_ARITHMETIC), node, &types);
	pa_lower_end_text(lowering);
	struct pa_step *step = &lowering->steps[lowering->step_count - 1];
	step->volatile_ = false;
	for (unsigned i = 0; i < key->count; i++) {
		const struct pa_key_part *part = &key->parts[i].part;
		step->volatile_ = step->volatile_ || part->volatile_;
		if (!part->opaque || !part->reason)
			continue;
		step->reason = part->reason;
		step->understood = part->understood;
	}
}

/* --- one value ------------------------------------------------------------------------------------------------------ */

static bool fits(const struct pa_lowered_part *part, struct pa_interval interval)
{
	return part->part.opaque || !part->part.mask || interval.last <= pa_field_max(part->part.field);
}

/* The values that stand in the relation to `value`; false: none does. */
static bool related_interval(enum relation relation, enum pa_datatype type, struct pa_interval value,
			     struct pa_interval *ret_interval)
{
	pa_u128 max = pa_lower_type_max(type);
	*ret_interval = value;
	switch (relation) {
	case LESS:
		*ret_interval = (struct pa_interval){ 0, value.first - 1 };
		return value.first > 0;
	case LESS_EQUAL:
		*ret_interval = (struct pa_interval){ 0, value.last };
		return true;
	case GREATER:
		*ret_interval = (struct pa_interval){ value.last + 1, max };
		return value.last < max;
	case GREATER_EQUAL:
		*ret_interval = (struct pa_interval){ value.first, max };
		return true;
	case EQUAL:
	case NOT_EQUAL:
	case ANY_BIT:
	case NO_BIT:
	case UNKNOWN:
		break;
	}
	return true;
}

static const struct pa_elements *no_elements(struct pa_lowering *lowering)
{
	struct pa_elements *elements = pa_arena_alloc(lowering->arena, 1, sizeof(*elements));
	elements->parts = 1;
	elements->sorted = true;
	return elements;
}

/* A relation of a word that has no order; libnftables prints 86400, the end of a day, as "00:00", its beginning. */
static bool has_order(const struct pa_lowered_part *part, const struct pa_json_node *right)
{
	if (part->type == PA_DATATYPE_HOUR && pa_json_is(right, "00:00"))
		return false;
	if (part->part.fib != PA_FIB_NONE || part->type == PA_DATATYPE_IFINDEX) /* that of indices, which names do not tell */
		return false;
	if (part->part.link && right->kind == PA_JSON_STRING &&
	    part->type != PA_DATATYPE_IFTYPE) /* a kind, the name of a group */
		return false;
	return !pa_is_word(part->type) || right->kind == PA_JSON_INTEGER;
}

/* What the rule tests itself need not be tested again before a header. */
static void note_tested(struct pa_lowering *lowering, const struct pa_lowered_part *part, pa_u128 value)
{
	if (part->part.opaque || part->part.mask != pa_field_max(part->part.field) || part->part.xor_value)
		return;
	if (part->part.field == PA_FIELD_NFPROTO)
		lowering->required_nfproto = (unsigned)value;
	if (part->part.field == PA_FIELD_L4PROTO)
		lowering->required_l4proto = (unsigned)value;
}

static bool match_value(struct pa_lowering *lowering, const struct pa_lowered_key *key, enum relation relation,
			const struct pa_json_node *right)
{
	const struct pa_lowered_part *part = &key->parts[0];
	struct pa_interval value, interval;
	const char *problem;
	bool ordered = relation != EQUAL && relation != NOT_EQUAL;
	if (part->part.fib != PA_FIB_NONE && pa_json_is(right, "0") && !ordered) /* as an index: no interface */
		value = (struct pa_interval){ 0, 0 };
	else if (pa_lower_raw_value(lowering, right, part->type, &value, &problem) != PA_VALUE_KNOWN ||
		 (ordered && !has_order(part, right)))
		return false;
	value.first <<= part->shift;
	value.last <<= part->shift;
	if (part->short_prefix && !ordered && value.first == value.last &&
	    !(value.first >> (part->type == PA_DATATYPE_IPV4 ? 24 : 120)))
		return false;
	bool some = related_interval(relation, part->type, value, &interval);
	if (some && !part->part.opaque && interval.last > pa_field_max(part->part.field) && ordered)
		interval.last = pa_field_max(part->part.field);
	some = some && interval.first <= interval.last && pa_lower_map_value(part->type, &interval) == PA_VALUE_KNOWN;
	if (some && !fits(part, interval))
		return false;
	const struct pa_elements *elements = some ? pa_lower_interval(lowering, interval) : no_elements(lowering);
	pa_lower_add_match(lowering, key, elements, relation == NOT_EQUAL);
	if (relation == EQUAL && some && interval.first == interval.last)
		note_tested(lowering, part, interval.first);
	return true;
}

/*
 * Any bit of a mask, or none. ct state has exactly one bit set: there it is a plain list of states. Elsewhere the test is
 * (value & mask) != 0.
 */
static bool match_bits(struct pa_lowering *lowering, struct pa_lowered_key *key, enum relation relation,
		       const struct pa_json_node *right)
{
	struct pa_lowered_part *part = &key->parts[0];
	struct pa_interval bits;
	const char *problem;
	if (key->count != 1 || part->part.opaque || part->part.xor_value || part->shift || part->type == PA_DATATYPE_IPV4 ||
	    pa_lower_raw_value(lowering, right, part->type, &bits, &problem) != PA_VALUE_KNOWN || bits.first != bits.last)
		return false;
	if (part->part.field != PA_FIELD_CT_STATE || part->part.mask != pa_field_max(PA_FIELD_CT_STATE)) {
		part->part.mask &= bits.first;
		pa_lower_add_match(lowering, key, pa_lower_interval(lowering, (struct pa_interval){ 0, 0 }),
				   relation == ANY_BIT);
		return true;
	}
	struct pa_elements *elements = pa_arena_alloc(lowering->arena, 1, sizeof(*elements));
	*elements = (struct pa_elements){ .parts = 1, .sorted = true };
	elements->keys = pa_arena_alloc(lowering->arena, 8, sizeof(*elements->keys));
	for (unsigned bit = 1; bit <= 0x80; bit <<= 1)
		if (bits.first & bit)
			elements->keys[elements->count++] = (struct pa_interval){ bit, bit };
	pa_lower_add_match(lowering, key, elements, relation == NO_BIT);
	return bits.first <= 0xff;
}

/* --- sets ------------------------------------------------------------------------------------------------------------ */

static bool is_set(const struct pa_json_tape *tape, const struct pa_json_node *right)
{
	return pa_json_member(tape, right, "set") || pa_json_member(tape, right, "concat") ||
	       (right->kind == PA_JSON_STRING && right->length && right->string[0] == '@');
}

/* Whether values that were read as `set_type` can be compared with what the key gives. */
static bool is_comparable(const struct pa_lowered_part *part, enum pa_datatype set_type)
{
	enum pa_datatype type = part->type;
	if (part->part.opaque || type == set_type)
		return true;
	bool special = set_type == PA_DATATYPE_IPV4 || set_type == PA_DATATYPE_ETHERTYPE || set_type == PA_DATATYPE_IFNAME ||
		       set_type == PA_DATATYPE_IFINDEX || pa_is_word(set_type);
	bool wants_special = type == PA_DATATYPE_IPV4 || type == PA_DATATYPE_ETHERTYPE || type == PA_DATATYPE_IFNAME ||
			     type == PA_DATATYPE_IFINDEX || pa_is_word(type);
	return !special && !wants_special;
}

static bool is_usable(const struct pa_lowered_key *key, const struct pa_elements *elements)
{
	if (elements->parts != key->count)
		return false;
	if (!elements->decl)
		return true;
	struct pa_value_types types;
	pa_lower_read_types(elements->decl->type_text, &types, NULL);
	for (unsigned i = 0; i < key->count; i++)
		if (!is_comparable(&key->parts[i], types.types[i]))
			return false;
	return true;
}

/* Words of nft that are no constants in a set are compared as words: only ranges of them are too much. */
static bool match_set(struct pa_lowering *lowering, const struct pa_lowered_key *key, enum relation relation,
		      const struct pa_json_node *right)
{
	struct pa_value_types types = pa_lower_types(key);
	const struct pa_elements *elements = pa_lower_elements(lowering, right, &types, NULL);
	if (!elements)
		return lowering->missing != NULL;
	if ((relation != EQUAL && relation != NOT_EQUAL && relation != ANY_BIT) || !is_usable(key, elements))
		return false;
	pa_lower_add_match(lowering, key, elements, relation == NOT_EQUAL);
	return true;
}

/*
 * An expression that nobody can decide against something that is no value of ours (a range of words): which value stands there
 * does not matter, the text says what is asked.
 */
static bool match_undecided(struct pa_lowering *lowering, const struct pa_lowered_key *key, enum relation relation)
{
	struct pa_lowered_key words = *key;
	struct pa_key_part *part = &words.parts[0].part;
	if (key->count != 1 || !part->opaque || (relation != EQUAL && relation != NOT_EQUAL))
		return false;
	part->fib = PA_FIB_NONE;
	part->moment = NULL;
	part->link = NULL;
	pa_lower_add_match(lowering, &words, pa_lower_interval(lowering, (struct pa_interval){ 0, 0 }), relation == NOT_EQUAL);
	return true;
}

/*
 * Where frames are still whole, `ether type` of one with a VLAN tag is that of the tag (nft_payload_copy_vlan() in
 * net/netfilter/nft_payload.c): "not ip" holds for IP packets with a priority tag.
 */
static bool may_be_a_tag(const struct pa_lowering *lowering, const struct pa_json_node *left, const struct pa_lowered_key *key,
			 enum relation relation)
{
	enum pa_family family = lowering->table->family;
	if (relation == EQUAL || (family != PA_FAMILY_NETDEV && family != PA_FAMILY_BRIDGE))
		return false;
	bool is_type = false;
	for (unsigned i = 0; i < key->count; i++)
		is_type = is_type || (!key->parts[i].part.opaque && key->parts[i].part.field == PA_FIELD_NFPROTO);
	return is_type && !pa_json_member(&lowering->tape, left, "meta");
}

void pa_statement_match(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	(void)kind;
	const struct pa_json_node *left = pa_json_member(&lowering->tape, node, "left");
	const struct pa_json_node *right = pa_json_member(&lowering->tape, node, "right");
	enum relation relation = read_relation(pa_json_member(&lowering->tape, node, "op"));
	struct pa_lowered_key key = { 0 };
	if (!left || !right || !pa_lower_key(lowering, left, &key)) {
		struct pa_buffer *text = pa_lower_opaque(lowering, PA_OPACITY_MATCH, PA_REASON_UNKNOWN);
		pa_json_text(text, &lowering->tape, node, 120);
		pa_lower_end_text(lowering);
		return;
	}
	struct pa_value_types types = pa_lower_types(&key);
	if (is_set(&lowering->tape, right))
		pa_lower_unshifted(lowering, left, &key.parts[0]);
	size_t before = lowering->step_count;
	bool known = false;
	if (may_be_a_tag(lowering, left, &key, relation)) {
		opaque_match(lowering, node, &key);
		return;
	}
	if (is_set(&lowering->tape, right))
		known = match_set(lowering, &key, relation, right);
	else if (relation == ANY_BIT || relation == NO_BIT)
		known = match_bits(lowering, &key, relation, right);
	else if (relation != UNKNOWN && key.count == 1)
		known = match_value(lowering, &key, relation, right);
	if (!known) {
		lowering->step_count = before;
		known = match_undecided(lowering, &key, relation);
	}
	if (!known) {
		opaque_match(lowering, node, &key);
	} else if (lowering->step_count > before) {
		add_text(lowering, node, &types);
	}
}

/* --- verdict maps ------------------------------------------------------------------------------------------------------ */

static void put_vmap(struct pa_lowering *lowering, struct pa_buffer *text, const struct pa_json_node *key,
		     const struct pa_json_node *data, const struct pa_value_types *types)
{
	pa_expression_text(text, &lowering->tape, key, types);
	pa_buffer_puts(text, " vmap ");
	pa_expression_text(text, &lowering->tape, data, types);
	pa_lower_end_text(lowering);
}

static const struct pa_value_types no_types = { .count = 1, .types = { PA_DATATYPE_WORD } };

/* `data` of a verdict map that has a datum we do not know (queue) cannot be a VMAP step. */
static bool all_verdicts(const struct pa_elements *elements)
{
	for (size_t i = 0; i < elements->count; i++)
		if (elements->data[i].kind != PA_DATUM_VERDICT)
			return false;
	return !elements->catch_all || elements->catch_all->kind == PA_DATUM_VERDICT;
}

void pa_statement_vmap(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	(void)kind;
	const struct pa_json_node *left = pa_json_member(&lowering->tape, node, "key");
	const struct pa_json_node *data = pa_json_member(&lowering->tape, node, "data");
	struct pa_lowered_key key = { 0 };
	if (!left || !data || !pa_lower_key(lowering, left, &key)) {
		pa_json_text(pa_lower_opaque(lowering, PA_OPACITY_VERDICT, PA_REASON_UNKNOWN), &lowering->tape, node, 120);
		pa_lower_end_text(lowering);
		return;
	}
	pa_lower_unshifted(lowering, left, &key.parts[0]);
	struct pa_value_types types = pa_lower_types(&key);
	const struct pa_elements *elements = pa_lower_elements(lowering, data, &types, &no_types);
	if (!elements)
		return;
	if (!is_usable(&key, elements) || elements->opaque || !elements->data || !all_verdicts(elements)) {
		put_vmap(lowering, pa_lower_opaque(lowering, PA_OPACITY_VERDICT, PA_REASON_ARITHMETIC), left, data, &types);
		return;
	}
	struct pa_key kept = pa_lower_keep_key(lowering, &key, elements);
	struct pa_step *step = pa_lower_add_step(lowering, PA_STEP_VMAP);
	step->key = kept;
	step->elements = elements;
	put_vmap(lowering, pa_lower_begin_text(lowering), left, data, &types);
}
