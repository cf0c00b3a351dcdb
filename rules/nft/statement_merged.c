/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `tcp sport != 22 tcp dport != 80`: libnftables up to 1.0.9 makes one comparison of neighbouring header fields, also where
 * they are negated (payload_do_merge() in src/rule.c). The kernel then tests "not both" in place of "neither", and the
 * listing shows the two tests again, next to each other and in the order of the header.
 *
 * What the kernel said of the rule (facts.h) tells which it is. Where there is nothing but the listing, nobody knows who
 * wrote the rule, whatever program printed it: a packet that meets both tests passes, one that meets none does not, and
 * the rest is open.
 */
#include <linux/netfilter/nf_tables.h>

#include "header_place.h"
#include "lower.h"

/*
 * What libnftables makes one comparison of, in bits: a register; later versions only where that is as fast
 * (payload_can_merge() in src/payload.c).
 */
#define REGISTER_LENGTH 128
#define FAST_LENGTH 32

/* Not a set, range or prefix; a list is one of flags. */
static bool is_constant(const struct pa_json_tape *tape, const struct pa_json_node *right)
{
	if (!right || right->kind == PA_JSON_OBJECT)
		return pa_json_member(tape, right, "|") != NULL;
	return right->kind != PA_JSON_STRING || (right->length && right->string[0] != '@');
}

/* Where the field of a negated test of one value lies; NULL for any other statement. */
static const struct pa_header_place *negated_place(const struct pa_json_tape *tape, const struct pa_json_node *statement)
{
	const struct pa_json_node *match = pa_json_member(tape, statement, "match");
	const struct pa_json_node *operation = pa_json_member(tape, match, "op");
	if (!operation || !pa_json_is(operation, "!="))
		return NULL;
	const struct pa_json_node *right = pa_json_member(tape, match, "right");
	const struct pa_json_node *payload = pa_json_member(tape, pa_json_member(tape, match, "left"), "payload");
	const struct pa_json_node *protocol = pa_json_member(tape, payload, "protocol");
	const struct pa_json_node *field = pa_json_member(tape, payload, "field");
	if (!is_constant(tape, right) || !protocol || !field || pa_json_member(tape, payload, "tunnel"))
		return NULL;
	const struct pa_header_place *place = pa_header_place_find(protocol, field);
	return place && place->offset % 8 == 0 && place->length % 8 == 0 ? place : NULL;
}

static bool is_next(const struct pa_header_place *last, const struct pa_header_place *next)
{
	return next && next->base == last->base && next->offset == last->offset + last->length;
}

/* How many of the `left` statements from this one on make up exactly these bytes; 0: they do not. */
static unsigned covering(const struct pa_json_tape *tape, const struct pa_json_node *statement, uint32_t left,
			 const struct pa_header_place *first, const struct pa_nft_comparison *whole)
{
	const struct pa_header_place *last = first;
	unsigned end = (whole->offset + whole->length) * 8, count = 1;
	if (whole->base != first->base || whole->offset * 8 != first->offset)
		return 0;
	while (last->offset + last->length < end && count < left && count < PA_KEY_PARTS_MAX) {
		statement = pa_json_after(tape, statement);
		const struct pa_header_place *next = negated_place(tape, statement);
		if (!is_next(last, next))
			return 0;
		last = next;
		count++;
	}
	return last->offset + last->length == end ? count : 0;
}

/* The comparisons of the rule stand in the order of its statements; each is made once. */
static unsigned known_length(struct pa_lowering *lowering, const struct pa_json_node *statement, uint32_t left,
			     const struct pa_header_place *first)
{
	const struct pa_nft_rule_fact *rule = pa_nft_facts_rule(lowering->document->facts, lowering->table->family,
								lowering->table->name, lowering->rule_handle);
	for (size_t i = lowering->comparisons_seen; rule && i < rule->count; i++) {
		unsigned length = covering(&lowering->tape, statement, left, first, &rule->differing[i]);
		if (!length)
			continue;
		lowering->comparisons_seen = i + 1;
		return length;
	}
	return 1;
}

/* As libnftables would have merged them. */
static unsigned possible_length(const struct pa_lowering *lowering, const struct pa_json_node *statement, uint32_t left,
				const struct pa_header_place *last)
{
	unsigned bits = last->length, most = FAST_LENGTH, length = 1;
	if (lowering->merges_widely || last->base == NFT_PAYLOAD_LL_HEADER)
		most = REGISTER_LENGTH;
	for (; length < left && length < PA_KEY_PARTS_MAX; length++) {
		statement = pa_json_after(&lowering->tape, statement);
		const struct pa_header_place *next = negated_place(&lowering->tape, statement);
		if (!is_next(last, next) || bits + next->length > most)
			break;
		bits += next->length;
		last = next;
	}
	return length;
}

unsigned pa_lower_merged_length(struct pa_lowering *lowering, const struct pa_json_node *statement, uint32_t left)
{
	const struct pa_header_place *place = negated_place(&lowering->tape, statement);
	if (!place)
		return 1;
	return lowering->document->facts ? known_length(lowering, statement, left, place)
					 : possible_length(lowering, statement, left, place);
}

static const struct pa_json_node *side_of(const struct pa_lowering *lowering, const struct pa_json_node *statement,
					  const char *side)
{
	return pa_json_member(&lowering->tape, pa_json_member(&lowering->tape, statement, "match"), side);
}

/* All values at once: the only thing that the merged test refuses. NULL: a value is not known. */
static struct pa_elements *read_box(struct pa_lowering *lowering, const struct pa_json_node *statement, unsigned length,
				    struct pa_lowered_key *key)
{
	struct pa_elements *box = pa_arena_alloc(lowering->arena, 1, sizeof(*box));
	*box = (struct pa_elements){ .parts = length, .count = 1 };
	box->keys = pa_arena_alloc(lowering->arena, length, sizeof(*box->keys));
	key->count = length;
	bool known = true;
	for (unsigned i = 0; i < length; i++, statement = pa_json_after(&lowering->tape, statement)) {
		const char *problem;
		struct pa_lowered_part *part = &key->parts[i];
		pa_lower_part(lowering, side_of(lowering, statement, "left"), part);
		enum pa_value_result result =
			pa_lower_value(lowering, side_of(lowering, statement, "right"), part->type, &box->keys[i], &problem);
		if (result == PA_VALUE_NEVER)
			box->count = 0;
		known = known && result != PA_VALUE_UNKNOWN &&
			(part->part.opaque || box->keys[i].last <= pa_field_max(part->part.field));
	}
	return known ? box : NULL;
}

/* "tcp sport . tcp dport != 33000 . 80" */
static void put_whole(struct pa_lowering *lowering, struct pa_buffer *text, const struct pa_json_node *statement,
		      const struct pa_lowered_key *key)
{
	const struct pa_json_node *at = statement;
	for (unsigned i = 0; i < key->count; i++, at = pa_json_after(&lowering->tape, at)) {
		pa_buffer_puts(text, i ? " . " : "");
		pa_expression_text(text, &lowering->tape, side_of(lowering, at, "left"), &pa_plain_types);
	}
	pa_buffer_puts(text, " != ");
	at = statement;
	for (unsigned i = 0; i < key->count; i++, at = pa_json_after(&lowering->tape, at)) {
		struct pa_value_types type = { .count = 1, .types = { key->parts[i].type } };
		pa_buffer_puts(text, i ? " . " : "");
		pa_expression_text(text, &lowering->tape, side_of(lowering, at, "right"), &type);
	}
	pa_lower_end_text(lowering);
}

/* "tcp sport != 33000 and tcp dport != 80 are two tests" */
static const char *question(struct pa_lowering *lowering, const struct pa_json_node *statement,
			    const struct pa_lowered_key *key)
{
	static const char *const numbers[] = { "two", "three", "four" };
	struct pa_buffer text = { 0 };
	for (unsigned i = 0; i < key->count; i++, statement = pa_json_after(&lowering->tape, statement)) {
		struct pa_value_types type = { .count = 1, .types = { key->parts[i].type } };
		pa_buffer_puts(&text, i == 0 ? "" : i + 1 < key->count ? ", " : " and ");
		pa_expression_text(&text, &lowering->tape, side_of(lowering, statement, "left"), &pa_plain_types);
		pa_buffer_puts(&text, " != ");
		pa_expression_text(&text, &lowering->tape, side_of(lowering, statement, "right"), &type);
	}
	pa_buffer_printf(&text, " are %s tests", key->count <= 4 ? numbers[key->count - 2] : "several");
	const char *kept = pa_arena_strdup(lowering->arena, text.data);
	pa_buffer_done(&text);
	return kept;
}

/* Each test alone, if the answer to the question is yes. */
static void add_open_tests(struct pa_lowering *lowering, const char *text, const struct pa_lowered_key *key,
			   const struct pa_elements *box)
{
	for (unsigned i = 0; i < key->count && box->count; i++) {
		struct pa_lowered_key single = { .count = 2, .parts = { key->parts[i] } };
		single.parts[1].part = (struct pa_key_part){ .mask = PA_U128_MAX, .opaque = text };
		struct pa_elements *elements = pa_arena_alloc(lowering->arena, 1, sizeof(*elements));
		*elements = (struct pa_elements){ .parts = 2, .count = 1 };
		elements->keys = pa_arena_alloc(lowering->arena, 2, sizeof(*elements->keys));
		elements->keys[0] = box->keys[i];
		elements->keys[1] = (struct pa_interval){ 1, 1 };
		pa_lower_add_match(lowering, &single, elements, true)->implied = true;
		pa_buffer_puts(pa_lower_begin_text(lowering), text);
		pa_lower_end_text(lowering);
	}
}

void pa_lower_merged(struct pa_lowering *lowering, const struct pa_json_node *statement, unsigned length)
{
	struct pa_lowered_key key = { 0 };
	struct pa_elements *box = read_box(lowering, statement, length, &key);
	if (!box) {
		put_whole(lowering, pa_lower_opaque(lowering, PA_OPACITY_MATCH, PA_REASON_ARITHMETIC), statement, &key);
		return;
	}
	pa_lower_add_match(lowering, &key, box, true);
	put_whole(lowering, pa_lower_begin_text(lowering), statement, &key);
	if (!lowering->document->facts)
		add_open_tests(lowering, question(lowering, statement, &key), &key, box);
}
