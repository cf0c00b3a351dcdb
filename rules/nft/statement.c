/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statements: dispatch, and those that need no more than a line or two. What each may do is read in net/netfilter/nft_*.c. */
#include <string.h>

#include "lower.h"

static const struct statement {
	const char *name;
	size_t length;
	void (*lower)(struct pa_lowering *, const char *, const struct pa_json_node *);
} statements[] = {
#define STATEMENT(name, lowering, treatment, reason, since, example) { name, sizeof(name) - 1, pa_statement_##lowering },
#include "nft_statement.def"
#undef STATEMENT
};

static void unknown_statement(struct pa_lowering *lowering, const struct pa_json_node *node)
{
	struct pa_buffer *text = pa_lower_opaque(lowering, PA_OPACITY_VERDICT, PA_REASON_UNKNOWN);
	pa_json_text(text, &lowering->tape, node, 120);
	pa_lower_end_text(lowering);
}

/* Blanks and line ends in one: "jump { tcp dport 22 accept tcp dport 80 drop }". */
static void put_squeezed(struct pa_buffer *out, const struct pa_json_node *node, size_t limit)
{
	bool blank = false;
	for (uint32_t i = 0; i < node->length && i < limit; i++) {
		char c = node->string[i];
		bool is_blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
		if (is_blank && !blank)
			pa_buffer_putc(out, ' ');
		else if (!is_blank)
			pa_buffer_putc(out, c);
		blank = is_blank;
	}
	while (node->length > limit && out->length && ((unsigned char)out->data[out->length - 1] & 0x80))
		out->length--; /* not the half of a character */
	if (node->length > limit)
		pa_buffer_puts(out, "...");
}

/*
 * What libnftables has no JSON for stands there as plain text: `update @m { ip saddr : tcp sport }`, and jumps to anonymous
 * chains, whose rules the listing does not show.
 */
static void text_statement(struct pa_lowering *lowering, const struct pa_json_node *node)
{
	static const char *const verbs[] = { "add @", "update @", "delete @" };
	enum pa_opacity opacity = PA_OPACITY_VERDICT;
	enum pa_nft_reason_id reason = PA_REASON_CHAIN;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		size_t length = strlen(verbs[i]);
		if (node->length <= length || memcmp(node->string, verbs[i], length) != 0)
			continue;
		const char *name = node->string + length;
		const char *blank = memchr(name, ' ', node->length - length);
		size_t size = blank ? (size_t)(blank - name) : node->length - length;
		struct pa_json_node set = { .kind = PA_JSON_STRING, .length = (uint32_t)size, .string = name };
		struct pa_set_decl *decl = pa_lower_find_set(lowering, &set);
		if (decl)
			*(verbs[i][0] == 'd' ? &decl->elements.may_shrink : &decl->elements.may_grow) = true;
		opacity = PA_OPACITY_MATCH;
		reason = PA_REASON_FULL;
	}
	put_squeezed(pa_lower_opaque(lowering, opacity, reason), node, 160);
	pa_lower_end_text(lowering);
}

void pa_lower_statement(struct pa_lowering *lowering, const struct pa_json_node *node)
{
	const struct pa_json_node *name;
	const struct pa_json_node *value = pa_lower_only_member(&lowering->tape, node, &name);
	for (size_t i = 0; value && i < sizeof(statements) / sizeof(*statements); i++)
		if (pa_json_is_named(name, statements[i].name, statements[i].length)) {
			statements[i].lower(lowering, statements[i].name, value);
			return;
		}
	if (node->kind == PA_JSON_STRING)
		text_statement(lowering, node);
	else
		unknown_statement(lowering, node);
}

/* --- verdicts ------------------------------------------------------------------------------------------------------ */

void pa_statement_verdict(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	struct pa_verdict verdict;
	/* The value is inside the object that pa_lower_verdict() expects, behind the name. */
	bool known = pa_lower_verdict(lowering, node - 2, &verdict);
	if (!known) {
		unknown_statement(lowering, node - 2);
		return;
	}
	pa_lower_add_step(lowering, PA_STEP_VERDICT)->verdict = verdict;
	struct pa_buffer *text = pa_lower_begin_text(lowering);
	pa_buffer_puts(text, kind);
	if (verdict.target_name) {
		pa_buffer_putc(text, ' ');
		pa_buffer_puts(text, verdict.target_name);
	}
	pa_lower_end_text(lowering);
}

/* " with icmp port-unreachable"; the family of the answer and TCP for a reset are tested before, and not printed. */
void pa_statement_reject(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	const struct pa_json_node *type = pa_json_member(&lowering->tape, node, "type");
	const struct pa_json_node *code = pa_json_member(&lowering->tape, node, "expr");
	if (type && pa_json_is(type, "tcp reset"))
		pa_lower_require_l4proto(lowering, 6);
	if (type && pa_json_is(type, "icmp"))
		pa_lower_require_nfproto(lowering, PA_NFPROTO_IPV4);
	if (type && pa_json_is(type, "icmpv6"))
		pa_lower_require_nfproto(lowering, PA_NFPROTO_IPV6);
	pa_lower_add_step(lowering, PA_STEP_VERDICT)->verdict.kind = PA_VERDICT_REJECT;
	struct pa_buffer *text = pa_lower_begin_text(lowering);
	pa_buffer_puts(text, kind);
	if (type) {
		pa_buffer_puts(text, " with ");
		pa_text_node(text, type);
	}
	if (code) {
		pa_buffer_putc(text, ' ');
		pa_expression_text(text, &lowering->tape, code, &pa_plain_types);
	}
	pa_lower_end_text(lowering);
}

void pa_statement_notrack(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	(void)node;
	pa_lower_add_step(lowering, PA_STEP_NOTRACK);
	pa_buffer_puts(pa_lower_begin_text(lowering), kind);
	pa_lower_end_text(lowering);
}

/* --- what changes nothing ------------------------------------------------------------------------------------------ */

static void put_name(struct pa_lowering *lowering, struct pa_buffer *text, const struct pa_json_node *node)
{
	if (node->kind == PA_JSON_STRING) {
		pa_buffer_puts(text, " name ");
		pa_text_quoted(text, node);
	} else if (pa_json_member(&lowering->tape, node, "map")) {
		pa_buffer_puts(text, " name ");
		pa_expression_text(text, &lowering->tape, node, &pa_plain_types);
	}
}

/*
 * `counter name tcp dport map { 80 : "c1" }`: nft_objref_map_eval() ends the rule for keys that the map does not have.
 * The same for limits, quotas and the like by name.
 */
static void require_object_map(struct pa_lowering *lowering, const struct pa_json_node *node)
{
	static const struct pa_value_types words = { .count = 1, .types = { PA_DATATYPE_WORD } };
	const struct pa_json_node *map = pa_json_member(&lowering->tape, node, "map");
	struct pa_operand operand;
	if (!map)
		return;
	if (!pa_lower_map(lowering, map, &words, &operand)) {
		pa_expression_text(pa_lower_opaque(lowering, PA_OPACITY_MATCH, PA_REASON_OBJECT), &lowering->tape, node,
				   &pa_plain_types);
		pa_lower_end_text(lowering);
		return;
	}
	struct pa_step *step = pa_lower_add_step(lowering, PA_STEP_MATCH);
	step->implied = true;
	step->key = operand.key;
	step->elements = operand.map;
}

void pa_statement_no_effect(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	require_object_map(lowering, node);
	pa_lower_add_step(lowering, PA_STEP_NONE);
	struct pa_buffer *text = pa_lower_begin_text(lowering);
	pa_buffer_puts(text, kind);
	put_name(lowering, text, node);
	pa_lower_end_text(lowering);
}

void pa_statement_log(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	static const char *const members[] = { "level", "group", "snaplen", "queue-threshold", "flags" };
	const struct pa_json_node *prefix = pa_json_member(&lowering->tape, node, "prefix");
	pa_lower_add_step(lowering, PA_STEP_NONE);
	struct pa_buffer *text = pa_lower_begin_text(lowering);
	pa_buffer_puts(text, kind);
	if (prefix) {
		pa_buffer_puts(text, " prefix ");
		pa_text_quoted(text, prefix);
	}
	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		const struct pa_json_node *value = pa_json_member(&lowering->tape, node, members[i]);
		if (!value)
			continue;
		pa_buffer_printf(text, " %s ", members[i]);
		pa_expression_text(text, &lowering->tape, value, &pa_plain_types);
	}
	pa_lower_end_text(lowering);
}

/* ct helper, ct timeout: neither ends the rule. */
void pa_statement_ct_object(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	require_object_map(lowering, node);
	pa_lower_note_assigned(lowering, kind);
	pa_lower_add_step(lowering, PA_STEP_NONE);
	struct pa_buffer *text = pa_lower_begin_text(lowering);
	pa_buffer_printf(text, "%s set ", kind);
	if (node->kind == PA_JSON_STRING)
		pa_text_quoted(text, node);
	else
		pa_expression_text(text, &lowering->tape, node, &pa_plain_types);
	pa_lower_end_text(lowering);
}

/* nft_ct_expect_obj_eval() goes on, ends the rule, or drops. */
void pa_statement_ct_expectation(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	struct pa_buffer *text = pa_lower_opaque(lowering, PA_OPACITY_VERDICT, PA_REASON_EXPECTED);
	pa_buffer_printf(text, "%s set ", kind);
	pa_expression_text(text, &lowering->tape, node, &pa_plain_types);
	pa_lower_end_text(lowering);
}

/* --- what may end the rule ------------------------------------------------------------------------------------------ */

static bool is_inverted(struct pa_lowering *lowering, const struct pa_json_node *node)
{
	const struct pa_json_node *inverted = pa_json_member(&lowering->tape, node, "inv");
	return inverted && inverted->kind == PA_JSON_TRUE;
}

static void put_member(struct pa_lowering *lowering, struct pa_buffer *text, const struct pa_json_node *node,
		       const char *member, const char *before)
{
	const struct pa_json_node *value = pa_json_member(&lowering->tape, node, member);
	if (!value)
		return;
	pa_buffer_puts(text, before);
	pa_text_node(text, value);
}

static void put_limit(struct pa_lowering *lowering, struct pa_buffer *text, const struct pa_json_node *node)
{
	const struct pa_json_node *burst = pa_json_member(&lowering->tape, node, "burst");
	pa_buffer_puts(text, is_inverted(lowering, node) ? " rate over" : " rate");
	put_member(lowering, text, node, "rate", " ");
	put_member(lowering, text, node, "rate_unit", " ");
	put_member(lowering, text, node, "per", "/");
	bool bytes = pa_json_member(&lowering->tape, node, "rate_unit") != NULL;
	if (!burst || (burst->kind == PA_JSON_INTEGER && burst->number == (bytes ? 0 : 5)))
		return; /* the default is not printed */
	pa_buffer_puts(text, " burst ");
	pa_text_node(text, burst);
	put_member(lowering, text, node, "burst_unit", " ");
	if (!bytes)
		pa_buffer_puts(text, " packets");
}

static void put_stateful(struct pa_lowering *lowering, struct pa_buffer *text, const char *kind,
			 const struct pa_json_node *node)
{
	pa_buffer_puts(text, kind);
	if (node->kind == PA_JSON_STRING || pa_json_member(&lowering->tape, node, "map")) {
		put_name(lowering, text, node);
	} else if (kind[0] == 'l' && kind[1] == 'i') {
		put_limit(lowering, text, node);
	} else if (kind[0] == 'q' || kind[0] == 'c') {
		if (is_inverted(lowering, node))
			pa_buffer_puts(text, " over");
		put_member(lowering, text, node, "val", " ");
		put_member(lowering, text, node, "val_unit", " ");
	}
}

static void may_break(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	require_object_map(lowering, node);
	put_stateful(lowering, pa_lower_opaque(lowering, PA_OPACITY_MATCH, PA_REASON_COUNTED), kind, node);
	pa_lower_end_text(lowering);
}

void pa_statement_limit(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	may_break(lowering, kind, node);
}

void pa_statement_quota(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	may_break(lowering, kind, node);
}

/* nft_connlimit_eval() ends the rule while there are few connections, and drops when it cannot count. */
void pa_statement_ct_count(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	may_break(lowering, kind, node);
}

/* --- sets that packets feed ------------------------------------------------------------------------------------------ */

/* { "limit": {...} } inside a meter or a set statement: only its text; pa_statement_*() are for rules. */
static void put_inner(struct pa_lowering *lowering, struct pa_buffer *text, const struct pa_json_node *node)
{
	const struct pa_json_node *name;
	const struct pa_json_node *value = pa_lower_only_member(&lowering->tape, node, &name);
	pa_buffer_putc(text, ' ');
	if (!value) {
		pa_json_text(text, &lowering->tape, node, 80);
		return;
	}
	for (size_t i = 0; i < sizeof(statements) / sizeof(*statements); i++)
		if (pa_json_is_named(name, statements[i].name, statements[i].length)) {
			put_stateful(lowering, text, statements[i].name, value);
			return;
		}
	pa_json_text(text, &lowering->tape, node, 80);
}

/* A counter never ends the rule. */
static bool inner_may_break(const struct pa_json_tape *tape, const struct pa_json_node *list)
{
	const struct pa_json_node *name;
	if (!list)
		return true; /* two statements or more, of which libnftables (1.0.6) prints none; or none */
	if (list->kind != PA_JSON_ARRAY)
		return !(pa_lower_only_member(tape, list, &name) && (pa_json_is(name, "counter") || pa_json_is(name, "last")));
	const struct pa_json_node *item = list + 1;
	for (uint32_t i = 0; i < list->length; i++, item = pa_json_after(tape, item))
		if (inner_may_break(tape, item))
			return true;
	return false;
}

static void put_inner_list(struct pa_lowering *lowering, struct pa_buffer *text, const struct pa_json_node *list)
{
	if (!list)
		return;
	if (list->kind != PA_JSON_ARRAY) {
		put_inner(lowering, text, list);
		return;
	}
	const struct pa_json_node *item = list + 1;
	for (uint32_t i = 0; i < list->length; i++, item = pa_json_after(&lowering->tape, item))
		put_inner(lowering, text, item);
}

/* The tests that looking at a key adds: the key of a set statement, of a meter. */
static void require_key_of(struct pa_lowering *lowering, const struct pa_json_node *element)
{
	struct pa_lowered_key key;
	const struct pa_json_node *wrapped = pa_json_member(&lowering->tape, element, "elem");
	const struct pa_json_node *value = pa_json_member(&lowering->tape, wrapped, "val");
	pa_lower_key(lowering, value ? value : element, &key);
}

/*
 * nft_dynset_eval(): add and update end the rule when the set is full, and so may the statements of the element; delete
 * never does.
 */
void pa_statement_set(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	const struct pa_json_tape *tape = &lowering->tape;
	const struct pa_json_node *operation = pa_json_member(tape, node, "op");
	const struct pa_json_node *element = pa_json_member(tape, node, "elem");
	const struct pa_json_node *data = pa_json_member(tape, node, "data");
	const struct pa_json_node *inner = pa_json_member(tape, node, "stmt");
	const struct pa_json_node *set = pa_json_member(tape, node, kind);
	struct pa_set_decl *decl = set ? pa_lower_find_set(lowering, set) : NULL;
	if (!operation || !element || !set) {
		unknown_statement(lowering, node - 2);
		return;
	}
	bool removes = pa_json_is(operation, "delete");
	if (decl)
		*(removes ? &decl->elements.may_shrink : &decl->elements.may_grow) = true;
	if (decl && !removes && inner_may_break(tape, inner))
		decl->elements.may_shrink = true;
	require_key_of(lowering, element);
	if (data)
		require_key_of(lowering, data);
	bool breaks = !removes;
	struct pa_buffer *text = NULL;
	if (breaks) {
		text = pa_lower_opaque(lowering, PA_OPACITY_MATCH, PA_REASON_FULL);
	} else {
		pa_lower_add_step(lowering, PA_STEP_NONE);
		text = pa_lower_begin_text(lowering);
	}
	pa_text_node(text, operation);
	pa_buffer_putc(text, ' ');
	pa_text_node(text, set);
	pa_buffer_puts(text, " { ");
	pa_expression_text(text, tape, element, &pa_plain_types);
	put_inner_list(lowering, text, inner);
	if (data) {
		pa_buffer_puts(text, " : ");
		pa_expression_text(text, tape, data, &pa_plain_types);
	}
	pa_buffer_puts(text, " }");
	pa_lower_end_text(lowering);
}

void pa_statement_meter(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	const struct pa_json_node *key = pa_json_member(&lowering->tape, node, "key");
	if (key)
		require_key_of(lowering, key);
	struct pa_buffer *text = pa_lower_opaque(lowering, PA_OPACITY_MATCH, PA_REASON_COUNTED);
	pa_buffer_puts(text, kind);
	put_member(lowering, text, node, "name", " ");
	put_member(lowering, text, node, "size", " size ");
	pa_buffer_puts(text, " { ");
	if (key)
		pa_expression_text(text, &lowering->tape, key, &pa_plain_types);
	put_inner_list(lowering, text, pa_json_member(&lowering->tape, node, "stmt"));
	pa_buffer_puts(text, " }");
	pa_lower_end_text(lowering);
}
