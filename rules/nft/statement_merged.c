/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `tcp sport != 22 tcp dport != 80`: libnftables up to 1.0.9 makes one comparison of neighbouring header fields, also where
 * they are negated (payload_do_merge(); mended in 1.1.0). The kernel then tests "not both" in place of "neither", and the
 * listing shows the two tests again. Neighbours of 32 bits together at most are merged, and come out in the order of the
 * header.
 *
 * A script that this program has loaded with such a version is known to be merged. In any other listing nobody knows who
 * wrote the rule: there a packet that meets both tests passes, one that meets none does not, and the rest is open.
 */
#include "lower.h"

struct place {
	const char *protocol;
	const char *field;
	char base;	 /* network, transport, link layer */
	unsigned offset; /* bits */
	unsigned length;
};

/* Fields of whole bytes that have a neighbour of whole bytes, 32 bits at most together. */
static const struct place places[] = {
	{ "tcp", "sport", 't', 0, 16 },		{ "tcp", "dport", 't', 16, 16 },
	{ "tcp", "flags", 't', 104, 8 },	{ "tcp", "window", 't', 112, 16 },
	{ "tcp", "checksum", 't', 128, 16 },	{ "tcp", "urgptr", 't', 144, 16 },
	{ "udp", "sport", 't', 0, 16 },		{ "udp", "dport", 't', 16, 16 },
	{ "udp", "length", 't', 32, 16 },	{ "udp", "checksum", 't', 48, 16 },
	{ "udplite", "sport", 't', 0, 16 },	{ "udplite", "dport", 't', 16, 16 },
	{ "udplite", "csumcov", 't', 32, 16 },	{ "udplite", "checksum", 't', 48, 16 },
	{ "sctp", "sport", 't', 0, 16 },	{ "sctp", "dport", 't', 16, 16 },
	{ "dccp", "sport", 't', 0, 16 },	{ "dccp", "dport", 't', 16, 16 },
	{ "th", "sport", 't', 0, 16 },		{ "th", "dport", 't', 16, 16 },
	{ "icmp", "type", 't', 0, 8 },		{ "icmp", "code", 't', 8, 8 },
	{ "icmp", "checksum", 't', 16, 16 },	{ "icmp", "id", 't', 32, 16 },
	{ "icmp", "sequence", 't', 48, 16 },	{ "icmp", "mtu", 't', 48, 16 },
	{ "icmpv6", "type", 't', 0, 8 },	{ "icmpv6", "code", 't', 8, 8 },
	{ "icmpv6", "checksum", 't', 16, 16 },	{ "icmpv6", "id", 't', 32, 16 },
	{ "icmpv6", "max-delay", 't', 32, 16 }, { "icmpv6", "sequence", 't', 48, 16 },
	{ "ip", "length", 'n', 16, 16 },	{ "ip", "id", 'n', 32, 16 },
	{ "ip", "frag-off", 'n', 48, 16 },	{ "ip", "ttl", 'n', 64, 8 },
	{ "ip", "protocol", 'n', 72, 8 },	{ "ip", "checksum", 'n', 80, 16 },
	{ "ip6", "length", 'n', 32, 16 },	{ "ip6", "nexthdr", 'n', 48, 8 },
	{ "ip6", "hoplimit", 'n', 56, 8 },
};
#define BITS_MAX 32

/* Where the field of a negated test of one value lies; NULL for any other statement. */
static const struct place *negated_place(const struct pa_json_tape *tape, const struct pa_json_node *statement)
{
	const struct pa_json_node *match = pa_json_member(tape, statement, "match");
	const struct pa_json_node *operation = pa_json_member(tape, match, "op");
	if (!operation || !pa_json_is(operation, "!="))
		return NULL;
	const struct pa_json_node *right = pa_json_member(tape, match, "right");
	const struct pa_json_node *payload = pa_json_member(tape, pa_json_member(tape, match, "left"), "payload");
	const struct pa_json_node *protocol = pa_json_member(tape, payload, "protocol");
	const struct pa_json_node *field = pa_json_member(tape, payload, "field");
	bool constant = right && (right->kind == PA_JSON_INTEGER ||
				  (right->kind == PA_JSON_STRING && right->length && right->string[0] != '@'));
	if (!constant || !protocol || !field || pa_json_member(tape, payload, "tunnel"))
		return NULL;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (pa_json_is(protocol, places[i].protocol) && pa_json_is(field, places[i].field))
			return &places[i];
	return NULL;
}

unsigned pa_lower_merged_length(const struct pa_lowering *lowering, const struct pa_json_node *statement, uint32_t left)
{
	const struct place *last = lowering->merges_negations ? negated_place(&lowering->tape, statement) : NULL;
	unsigned bits = last ? last->length : 0;
	unsigned length = 1;
	while (last && length < left && length < PA_KEY_PARTS_MAX) {
		statement = pa_json_after(&lowering->tape, statement);
		const struct place *next = negated_place(&lowering->tape, statement);
		if (!next || next->base != last->base || next->offset != last->offset + last->length ||
		    bits + next->length > BITS_MAX)
			break;
		bits += next->length;
		last = next;
		length++;
	}
	return length;
}

/* All values at once: the only thing that the merged test refuses. */
static struct pa_elements *read_box(struct pa_lowering *lowering, const struct pa_json_node *statement, unsigned length,
				    struct pa_lowered_key *key)
{
	const struct pa_json_tape *tape = &lowering->tape;
	struct pa_elements *elements = pa_arena_alloc(lowering->arena, 1, sizeof(*elements));
	*elements = (struct pa_elements){ .parts = length, .count = 1 };
	elements->keys = pa_arena_alloc(lowering->arena, length, sizeof(*elements->keys));
	key->count = length;
	bool known = true;
	for (unsigned i = 0; i < length; i++, statement = pa_json_after(tape, statement)) {
		const struct pa_json_node *match = pa_json_member(tape, statement, "match");
		const char *problem;
		struct pa_lowered_part *part = &key->parts[i];
		pa_lower_part(lowering, pa_json_member(tape, match, "left"), part);
		enum pa_value_result result = pa_lower_value(lowering, pa_json_member(tape, match, "right"), part->type,
							     &elements->keys[i], &problem);
		known = known && result == PA_VALUE_KNOWN && !part->part.opaque &&
			elements->keys[i].last <= pa_field_max(part->part.field);
	}
	return known ? elements : NULL;
}

static void put_texts(struct pa_lowering *lowering, const struct pa_json_node *statement, const struct pa_lowered_key *key)
{
	const struct pa_json_tape *tape = &lowering->tape;
	for (unsigned i = 0; i < key->count; i++, statement = pa_json_after(tape, statement)) {
		const struct pa_json_node *match = pa_json_member(tape, statement, "match");
		struct pa_value_types type = { .count = 1, .types = { key->parts[i].type } };
		pa_buffer_puts(&lowering->text, i ? " " : "");
		pa_expression_text(&lowering->text, tape, pa_json_member(tape, match, "left"), &pa_plain_types);
		pa_buffer_puts(&lowering->text, " != ");
		pa_expression_text(&lowering->text, tape, pa_json_member(tape, match, "right"), &type);
	}
	pa_lower_end_text(lowering);
}

/* Each test alone, which may have been made or not: its value may or may not be in the set of what is refused. */
static void add_open_tests(struct pa_lowering *lowering, const struct pa_json_node *statement, const struct pa_lowered_key *key,
			   const struct pa_elements *box)
{
	for (unsigned i = 0; i < key->count; i++) {
		struct pa_lowered_key single = { .count = 1, .parts = { key->parts[i] } };
		struct pa_elements *elements = pa_arena_dup(lowering->arena, box, 1, sizeof(*box));
		elements->parts = 1;
		elements->keys = &box->keys[i];
		elements->sorted = true;
		elements->may_shrink = true;
		pa_lower_add_match(lowering, &single, elements, true)->implied = true;
		pa_lower_begin_text(lowering);
		put_texts(lowering, statement, &single);
		statement = pa_json_after(&lowering->tape, statement);
	}
}

void pa_lower_merged(struct pa_lowering *lowering, const struct pa_json_node *statement, unsigned length)
{
	struct pa_lowered_key key = { 0 };
	struct pa_elements *box = read_box(lowering, statement, length, &key);
	if (!box) {
		pa_lower_opaque(lowering, PA_OPACITY_MATCH, false);
		put_texts(lowering, statement, &key);
		return;
	}
	pa_lower_add_match(lowering, &key, box, true);
	pa_lower_begin_text(lowering);
	put_texts(lowering, statement, &key);
	if (!lowering->document->lines)
		add_open_tests(lowering, statement, &key, box);
}
