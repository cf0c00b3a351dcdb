/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expressions in nft's words: the canonical texts of rules, and the names of what is opaque. */
#include <inttypes.h>

#include "lower.h"

const struct pa_value_types pa_plain_types = { .count = 1, .types = { PA_DATATYPE_WORD } };

static const struct expression {
	const char *name;
	size_t length;
	void (*print)(struct pa_buffer *, const struct pa_json_tape *, const char *, const struct pa_json_node *,
		      const struct pa_value_types *);
} expressions[] = {
#define EXPRESSION(name, lowering, text, treatment, reason, since, example) \
	{ name, sizeof(name) - 1, pa_expression_text_##text },
#include "nft_expression.def"
#undef EXPRESSION
};

static void put_number(struct pa_buffer *out, bool negative, uint64_t number)
{
	char digits[24];
	char *at = digits + sizeof(digits);
	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	if (negative)
		*--at = '-';
	pa_buffer_add(out, at, (size_t)(digits + sizeof(digits) - at));
}

void pa_text_node(struct pa_buffer *out, const struct pa_json_node *node)
{
	if (!node)
		return;
	if (node->kind == PA_JSON_STRING)
		pa_buffer_add(out, node->string, node->length);
	else if (node->kind == PA_JSON_INTEGER)
		put_number(out, node->negative, node->number);
	else if (node->kind == PA_JSON_TRUE)
		pa_buffer_puts(out, "exists");
	else if (node->kind == PA_JSON_FALSE)
		pa_buffer_puts(out, "missing");
}

void pa_text_nodes(struct pa_buffer *out, const struct pa_json_tape *tape, const struct pa_json_node *list,
		   const char *separator)
{
	const struct pa_json_node *item = list + 1;
	for (uint32_t i = 0; i < list->length; i++, item = pa_json_after(tape, item)) {
		pa_buffer_puts(out, i ? separator : "");
		pa_text_node(out, item);
	}
}

void pa_text_quoted(struct pa_buffer *out, const struct pa_json_node *node)
{
	pa_buffer_putc(out, '"');
	pa_text_node(out, node);
	pa_buffer_putc(out, '"');
}

/* --- compact JSON ------------------------------------------------------------------------------------------------ */

static void json_scalar(struct pa_buffer *out, const struct pa_json_node *node)
{
	static const char *const words[] = {
		[PA_JSON_NULL] = "null", [PA_JSON_FALSE] = "false", [PA_JSON_TRUE] = "true", [PA_JSON_REAL] = "(real)"
	};
	if (node->kind == PA_JSON_STRING)
		pa_text_quoted(out, node);
	else if (node->kind == PA_JSON_INTEGER)
		pa_text_node(out, node);
	else
		pa_buffer_puts(out, words[node->kind]);
}

static void json_value(struct pa_buffer *out, const struct pa_json_tape *tape, const struct pa_json_node *node, size_t end)
{
	if (node->kind != PA_JSON_ARRAY && node->kind != PA_JSON_OBJECT) {
		json_scalar(out, node);
		return;
	}
	bool is_object = node->kind == PA_JSON_OBJECT;
	const struct pa_json_node *item = node + 1;
	pa_buffer_putc(out, is_object ? '{' : '[');
	for (uint32_t i = 0; i < node->length && out->length < end; i++) {
		if (i)
			pa_buffer_puts(out, ", ");
		if (is_object) {
			pa_text_quoted(out, item);
			pa_buffer_puts(out, ": ");
			item++;
		}
		json_value(out, tape, item, end);
		item = pa_json_after(tape, item);
	}
	pa_buffer_putc(out, is_object ? '}' : ']');
}

/* No byte of a character that does not end before `end`. */
static void cut(struct pa_buffer *out, size_t end)
{
	while (end && ((unsigned char)out->data[end] & 0xc0) == 0x80)
		end--;
	out->length = end;
	pa_buffer_puts(out, "...");
}

void pa_json_text(struct pa_buffer *out, const struct pa_json_tape *tape, const struct pa_json_node *node, size_t limit)
{
	size_t end = out->length + limit;
	json_value(out, tape, node, end);
	if (out->length > end)
		cut(out, end);
}

/* --- values ------------------------------------------------------------------------------------------------------ */

/* nft prints the index of an interface that has no name as it is. */
static bool is_index(const struct pa_json_node *node, enum pa_datatype type)
{
	bool digits = type == PA_DATATYPE_IFINDEX;
	for (uint32_t i = 0; i < node->length && digits; i++)
		digits = node->string[i] >= '0' && node->string[i] <= '9';
	return digits;
}

static void put_scalar(struct pa_buffer *out, const struct pa_json_node *node, enum pa_datatype type)
{
	bool is_name = type == PA_DATATYPE_IFNAME || type == PA_DATATYPE_IFINDEX || type == PA_DATATYPE_STRING ||
		       type == PA_DATATYPE_DATE || type == PA_DATATYPE_DAY || type == PA_DATATYPE_HOUR;
	if (node->kind == PA_JSON_INTEGER && type == PA_DATATYPE_MARK)
		pa_buffer_printf(out, "0x%08" PRIx64, node->number);
	else if (node->kind == PA_JSON_STRING && is_name && !(node->length && node->string[0] == '@') && !is_index(node, type))
		pa_text_quoted(out, node);
	else if (node->kind == PA_JSON_NULL || node->kind == PA_JSON_REAL)
		json_scalar(out, node);
	else
		pa_text_node(out, node);
}

/* The values of an array, separated. */
static void put_list(struct pa_buffer *out, const struct pa_json_tape *tape, const struct pa_json_node *list,
		     const char *separator, const struct pa_value_types *types)
{
	const struct pa_json_node *item = list + 1;
	for (uint32_t i = 0; i < list->length; i++, item = pa_json_after(tape, item)) {
		if (i)
			pa_buffer_puts(out, separator);
		pa_expression_text(out, tape, item, types);
	}
}

void pa_expression_text(struct pa_buffer *out, const struct pa_json_tape *tape, const struct pa_json_node *node,
			const struct pa_value_types *types)
{
	const struct pa_json_node *name;
	const struct pa_json_node *value = pa_lower_only_member(tape, node, &name);
	for (size_t i = 0; value && i < sizeof(expressions) / sizeof(*expressions); i++)
		if (pa_json_is_named(name, expressions[i].name, expressions[i].length)) {
			expressions[i].print(out, tape, expressions[i].name, value, types);
			return;
		}
	if (node->kind == PA_JSON_ARRAY)
		put_list(out, tape, node, ",", types);
	else if (node->kind == PA_JSON_OBJECT && value && value->kind == PA_JSON_NULL)
		pa_text_node(out, name); /* a verdict */
	else if (node->kind == PA_JSON_OBJECT)
		pa_json_text(out, tape, node, 200);
	else
		put_scalar(out, node, types->types[0]);
}

static struct pa_value_types one_type(const struct pa_value_types *types, uint32_t i)
{
	return (struct pa_value_types){ .count = 1, .types = { i < types->count ? types->types[i] : PA_DATATYPE_WORD } };
}

void pa_expression_text_concat(struct pa_buffer *out, const struct pa_json_tape *tape, const char *kind,
			       const struct pa_json_node *node, const struct pa_value_types *types)
{
	(void)kind;
	if (node->kind != PA_JSON_ARRAY) {
		pa_expression_text(out, tape, node, types);
		return;
	}
	const struct pa_json_node *item = node + 1;
	for (uint32_t i = 0; i < node->length; i++, item = pa_json_after(tape, item)) {
		struct pa_value_types type = one_type(types, i);
		if (i)
			pa_buffer_puts(out, " . ");
		pa_expression_text(out, tape, item, &type);
	}
}

/* { "jump": { "target": "x" } } inside a verdict map. */
static void put_datum(struct pa_buffer *out, const struct pa_json_tape *tape, const struct pa_json_node *node)
{
	const struct pa_json_node *name;
	const struct pa_json_node *value = pa_lower_only_member(tape, node, &name);
	const struct pa_json_node *target = pa_json_member(tape, value, "target");
	if (!target) {
		pa_expression_text(out, tape, node, &pa_plain_types);
		return;
	}
	pa_text_node(out, name);
	pa_buffer_putc(out, ' ');
	pa_text_node(out, target);
}

void pa_expression_text_set(struct pa_buffer *out, const struct pa_json_tape *tape, const char *kind,
			    const struct pa_json_node *node, const struct pa_value_types *types)
{
	(void)kind;
	if (node->kind != PA_JSON_ARRAY) {
		pa_buffer_puts(out, "{ ");
		pa_expression_text(out, tape, node, types);
		pa_buffer_puts(out, " }");
		return;
	}
	const struct pa_json_node *item = node + 1;
	for (uint32_t i = 0; i < node->length; i++, item = pa_json_after(tape, item)) {
		pa_buffer_puts(out, i ? ", " : "{ ");
		if (item->kind == PA_JSON_ARRAY && item->length == 2) {
			pa_expression_text(out, tape, item + 1, types);
			pa_buffer_puts(out, " : ");
			put_datum(out, tape, pa_json_after(tape, item + 1));
		} else {
			pa_expression_text(out, tape, item, types);
		}
	}
	pa_buffer_puts(out, node->length ? " }" : "{ }");
}

void pa_expression_text_map(struct pa_buffer *out, const struct pa_json_tape *tape, const char *kind,
			    const struct pa_json_node *node, const struct pa_value_types *types)
{
	(void)kind;
	(void)types;
	const struct pa_json_node *key = pa_json_member(tape, node, "key");
	const struct pa_json_node *data = pa_json_member(tape, node, "data");
	if (key)
		pa_expression_text(out, tape, key, &pa_plain_types);
	pa_buffer_puts(out, " map ");
	if (data)
		pa_expression_text(out, tape, data, &pa_plain_types);
}

void pa_expression_text_range(struct pa_buffer *out, const struct pa_json_tape *tape, const char *kind,
			      const struct pa_json_node *node, const struct pa_value_types *types)
{
	(void)kind;
	if (node->kind == PA_JSON_ARRAY)
		put_list(out, tape, node, "-", types);
}

void pa_expression_text_prefix(struct pa_buffer *out, const struct pa_json_tape *tape, const char *kind,
			       const struct pa_json_node *node, const struct pa_value_types *types)
{
	(void)kind;
	const struct pa_json_node *address = pa_json_member(tape, node, "addr");
	if (address)
		pa_expression_text(out, tape, address, types);
	pa_buffer_putc(out, '/');
	pa_text_node(out, pa_json_member(tape, node, "len"));
}

void pa_expression_text_elem(struct pa_buffer *out, const struct pa_json_tape *tape, const char *kind,
			     const struct pa_json_node *node, const struct pa_value_types *types)
{
	(void)kind;
	const struct pa_json_node *value = pa_json_member(tape, node, "val");
	const struct pa_json_node *timeout = pa_json_member(tape, node, "timeout");
	if (value)
		pa_expression_text(out, tape, value, types);
	if (timeout) {
		pa_buffer_puts(out, " timeout ");
		pa_text_node(out, timeout);
		pa_buffer_putc(out, 's');
	}
}

void pa_expression_text_binary(struct pa_buffer *out, const struct pa_json_tape *tape, const char *kind,
			       const struct pa_json_node *node, const struct pa_value_types *types)
{
	if (node->kind != PA_JSON_ARRAY)
		return;
	const struct pa_json_node *item = node + 1;
	for (uint32_t i = 0; i < node->length; i++, item = pa_json_after(tape, item)) {
		const struct pa_json_node *name;
		/* Only `a | b | c` of constants needs no brackets: these lists are what a mask is. */
		bool brackets = item->kind == PA_JSON_ARRAY || (i && pa_lower_only_member(tape, item, &name) &&
								(pa_json_is(name, "|") || pa_json_is(name, "&")));
		if (i)
			pa_buffer_printf(out, " %s ", kind);
		if (brackets)
			pa_buffer_putc(out, '(');
		if (item->kind == PA_JSON_ARRAY)
			put_list(out, tape, item, " | ", types);
		else
			pa_expression_text(out, tape, item, types);
		if (brackets)
			pa_buffer_putc(out, ')');
	}
}
