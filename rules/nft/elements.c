/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The contents of sets and maps, anonymous and named. */
#include <stdlib.h>
#include <string.h>

#include "lower.h"

static struct pa_elements *single_interval(struct pa_lowering *lowering, struct pa_interval interval)
{
	struct {
		_Alignas(16) struct pa_interval key;
		struct pa_elements elements;
	} *single = pa_arena_alloc(lowering->arena, 1, sizeof(*single));
	single->key = interval;
	single->elements = (struct pa_elements){ .parts = 1, .count = 1, .keys = &single->key, .sorted = true };
	return &single->elements;
}

/* The same few ports and interfaces come again and again. Nobody changes what is returned. */
struct pa_elements *pa_lower_interval(struct pa_lowering *lowering, struct pa_interval interval)
{
	if (!lowering->single)
		lowering->single = pa_xcalloc(PA_SINGLE_SLOTS, sizeof(struct pa_elements *));
	pa_u128 mixed = interval.first ^ interval.last * 31;
	uint64_t hash = ((uint64_t)mixed ^ (uint64_t)(mixed >> 64)) * 0x9e3779b97f4a7c15u;
	struct pa_elements **slot = &lowering->single[hash >> 52];
	if (!*slot || (*slot)->keys->first != interval.first || (*slot)->keys->last != interval.last)
		*slot = single_interval(lowering, interval);
	return *slot;
}

/* Elements as they come in; the arrays are in the heap until the last one is there. */
struct filling {
	struct pa_lowering *lowering;
	struct pa_elements *elements;
	const struct pa_value_types *types;
	const struct pa_value_types *data_types; /* NULL: a set */
	size_t key_capacity;
	size_t data_capacity;
};

static void problem(struct filling *filling, const char *text)
{
	if (!filling->elements->opaque)
		filling->elements->opaque = text;
}

/* --- data --------------------------------------------------------------------------------------------------------- */

bool pa_lower_verdict(struct pa_lowering *lowering, const struct pa_json_node *node, struct pa_verdict *ret_verdict)
{
	static const enum pa_verdict_kind plain[] = { PA_VERDICT_ACCEPT, PA_VERDICT_DROP, PA_VERDICT_CONTINUE,
						      PA_VERDICT_RETURN };
	const struct pa_json_node *name;
	const struct pa_json_node *value = pa_lower_only_member(&lowering->tape, node, &name);
	*ret_verdict = (struct pa_verdict){ 0 };
	if (!value)
		return false;
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		if (pa_json_is(name, pa_verdict_name(plain[i]))) {
			ret_verdict->kind = plain[i];
			return true;
		}
	if (!pa_json_is(name, "jump") && !pa_json_is(name, "goto"))
		return false;
	ret_verdict->kind = pa_json_is(name, "jump") ? PA_VERDICT_JUMP : PA_VERDICT_GOTO;
	ret_verdict->target_name = pa_lower_string(lowering, pa_json_member(&lowering->tape, value, "target"));
	return ret_verdict->target_name != NULL;
}

/* One value, or the parts of a concatenation; some versions print these as one string: "10.0.0.1 . 80". */
static bool read_values(struct filling *filling, const struct pa_json_node *node, struct pa_datum *datum)
{
	struct pa_lowering *lowering = filling->lowering;
	const struct pa_value_types *types = filling->data_types;
	const struct pa_json_node *concat = pa_json_member(&lowering->tape, node, "concat");
	const struct pa_json_node *item = concat ? concat + 1 : node;
	const char *why;
	unsigned count = concat ? concat->length : 1;
	if (count == 0 || count > PA_DATUM_VALUES_MAX || (concat && concat->kind != PA_JSON_ARRAY))
		return false;
	datum->values = pa_arena_alloc(lowering->arena, count, sizeof(*datum->values));
	datum->count = count;
	for (unsigned i = 0; i < count; i++, item = pa_json_after(&lowering->tape, item)) {
		/* The second part of what NAT takes is the port. */
		enum pa_datatype type = i < types->count ? types->types[i] : PA_DATATYPE_PORT;
		if (pa_lower_value(lowering, item, type, &datum->values[i], &why) != PA_VALUE_KNOWN)
			return false;
	}
	return true;
}

static struct pa_json_node string_node(const char *text, size_t length)
{
	struct pa_json_node node = { .kind = PA_JSON_STRING, .length = (uint32_t)length };
	if (length && strspn(text, "0123456789") >= length) {
		node.kind = PA_JSON_INTEGER;
		node.number = strtoull(text, NULL, 10);
	} else {
		node.string = text;
	}
	return node;
}

static bool read_joined_values(struct filling *filling, const struct pa_json_node *node, struct pa_datum *datum)
{
	const struct pa_value_types *types = filling->data_types;
	const char *why;
	char *text = pa_arena_strndup(filling->lowering->arena, node->string, node->length);
	datum->values = pa_arena_alloc(filling->lowering->arena, PA_DATUM_VALUES_MAX, sizeof(*datum->values));
	while (text && datum->count < PA_DATUM_VALUES_MAX) {
		char *dot = strstr(text, " . ");
		struct pa_json_node part = string_node(text, dot ? (size_t)(dot - text) : strlen(text));
		enum pa_datatype type = datum->count < types->count ? types->types[datum->count] : PA_DATATYPE_PORT;
		if (pa_lower_value(filling->lowering, &part, type, &datum->values[datum->count], &why) != PA_VALUE_KNOWN)
			return false;
		datum->count++;
		text = dot ? dot + 3 : NULL;
	}
	return text == NULL;
}

static bool is_joined(const struct pa_json_node *node)
{
	return node->kind == PA_JSON_STRING && memmem(node->string, node->length, " . ", 3);
}

static void read_datum(struct filling *filling, const struct pa_json_node *node, struct pa_datum *ret_datum)
{
	struct pa_datum datum = { .kind = PA_DATUM_VERDICT };
	if (!pa_lower_verdict(filling->lowering, node, &datum.verdict)) {
		datum.kind = PA_DATUM_VALUES;
		if (is_joined(node) ? !read_joined_values(filling, node, &datum) : !read_values(filling, node, &datum)) {
			struct pa_buffer text = { 0 };
			pa_expression_text(&text, &filling->lowering->tape, node, &pa_plain_types);
			datum = (struct pa_datum){ .kind = PA_DATUM_OPAQUE };
			datum.text = pa_arena_strndup(filling->lowering->arena, text.data ? text.data : "", text.length);
			pa_buffer_done(&text);
		}
	}
	*ret_datum = datum;
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

/* A stateful statement of an element can end the rule that looks it up; only counters and `last` never do. */
static void note_properties(struct filling *filling, const struct pa_json_node *element)
{
	const struct pa_json_tape *tape = &filling->lowering->tape;
	static const char *const breaking[] = { "limit", "quota", "ct count" };
	if (pa_json_member(tape, element, "timeout") || pa_json_member(tape, element, "expires"))
		filling->elements->may_shrink = true;
	for (size_t i = 0; i < sizeof(breaking) / sizeof(*breaking); i++)
		if (pa_json_member(tape, element, breaking[i]))
			filling->elements->may_shrink = true;
}

/* The box of an element at `box`. */
static enum pa_value_result read_box(struct filling *filling, const struct pa_json_node *node, struct pa_interval *box,
				     const char **ret_problem)
{
	struct pa_lowering *lowering = filling->lowering;
	const struct pa_value_types *types = filling->types;
	if (types->count == 1)
		return pa_lower_value(lowering, node, types->types[0], box, ret_problem);
	const struct pa_json_node *concat = pa_json_member(&lowering->tape, node, "concat");
	*ret_problem = "an element with another number of parts than its set";
	if (!concat || concat->kind != PA_JSON_ARRAY || concat->length != types->count)
		return PA_VALUE_UNKNOWN;
	const struct pa_json_node *item = concat + 1;
	enum pa_value_result worst = PA_VALUE_KNOWN;
	for (unsigned i = 0; i < types->count; i++, item = pa_json_after(&lowering->tape, item)) {
		enum pa_value_result result = pa_lower_value(lowering, item, types->types[i], &box[i], ret_problem);
		if (result > worst)
			worst = result;
	}
	return worst;
}

static void add_catch_all(struct filling *filling, const struct pa_json_node *data)
{
	struct pa_elements *elements = filling->elements;
	elements->has_catch_all = true;
	if (!data)
		return;
	elements->catch_all = pa_arena_alloc(filling->lowering->arena, 1, sizeof(*elements->catch_all));
	read_datum(filling, data, elements->catch_all);
}

static void add_element(struct filling *filling, const struct pa_json_node *node)
{
	struct pa_elements *elements = filling->elements;
	const struct pa_json_node *data = NULL;
	const char *why = NULL;
	if (filling->data_types) {
		if (node->kind != PA_JSON_ARRAY || node->length != 2) {
			problem(filling, "an element of a map that is no pair");
			return;
		}
		data = pa_json_after(&filling->lowering->tape, node + 1);
		node++;
	}
	const struct pa_json_node *wrapped = pa_json_member(&filling->lowering->tape, node, "elem");
	if (wrapped) {
		const struct pa_json_node *value = pa_json_member(&filling->lowering->tape, wrapped, "val");
		note_properties(filling, wrapped);
		node = value ? value : node;
	}
	if (pa_json_is(node, "*")) {
		add_catch_all(filling, data);
		return;
	}
	size_t needed = (elements->count + 1) * elements->parts;
	pa_grow(&elements->keys, &filling->key_capacity, needed, sizeof(*elements->keys));
	enum pa_value_result result = read_box(filling, node, &elements->keys[elements->count * elements->parts], &why);
	if (result == PA_VALUE_UNKNOWN)
		problem(filling, why);
	if (result != PA_VALUE_KNOWN)
		return;
	if (data) {
		pa_grow(&elements->data, &filling->data_capacity, elements->count + 1, sizeof(*elements->data));
		read_datum(filling, data, &elements->data[elements->count]);
	}
	elements->count++;
}

/* --- order -------------------------------------------------------------------------------------------------------- */

static bool is_sorted(const struct pa_elements *elements)
{
	for (size_t i = 1; i < elements->count; i++)
		if (elements->keys[i].first < elements->keys[i - 1].first)
			return false;
	return true;
}

/* Stable, by one byte of the first values. */
static void sort_by_byte(const struct pa_elements *elements, unsigned shift, const uint32_t *from, uint32_t *to)
{
	size_t starts[257] = { 0 };
	for (size_t i = 0; i < elements->count; i++)
		starts[(unsigned)(elements->keys[i].first >> shift & 0xff) + 1]++;
	for (unsigned i = 0; i < 256; i++)
		starts[i + 1] += starts[i];
	for (size_t i = 0; i < elements->count; i++)
		to[starts[(unsigned)(elements->keys[from[i]].first >> shift & 0xff)]++] = from[i];
}

static void reorder(struct pa_elements *elements, const uint32_t *order)
{
	struct pa_interval *keys = pa_xmalloc(elements->count * sizeof(*keys));
	for (size_t i = 0; i < elements->count; i++)
		keys[i] = elements->keys[order[i]];
	memcpy(elements->keys, keys, elements->count * sizeof(*keys));
	free(keys);
	if (!elements->data)
		return;
	struct pa_datum *data = pa_xmalloc(elements->count * sizeof(*data));
	for (size_t i = 0; i < elements->count; i++)
		data[i] = elements->data[order[i]];
	memcpy(elements->data, data, elements->count * sizeof(*data));
	free(data);
}

/* A radix sort over the bytes in which the values differ: four passes for IPv4, whatever the field is wide. */
void pa_elements_sort(struct pa_elements *elements)
{
	if (elements->parts != 1 || elements->count > UINT32_MAX)
		return;
	elements->sorted = true;
	if (is_sorted(elements))
		return;
	pa_u128 different = 0;
	for (size_t i = 1; i < elements->count; i++)
		different |= elements->keys[i].first ^ elements->keys[0].first;
	uint32_t *from = pa_xmalloc(elements->count * sizeof(*from));
	uint32_t *to = pa_xmalloc(elements->count * sizeof(*to));
	for (size_t i = 0; i < elements->count; i++)
		from[i] = (uint32_t)i;
	for (unsigned shift = 0; shift < 128; shift += 8) {
		if (!(different >> shift & 0xff))
			continue;
		sort_by_byte(elements, shift, from, to);
		uint32_t *swapped = from;
		from = to;
		to = swapped;
	}
	reorder(elements, from);
	free(from);
	free(to);
}

/* Move the arrays into the arena. */
static void finish(struct filling *filling)
{
	struct pa_elements *elements = filling->elements;
	struct pa_arena *arena = filling->lowering->arena;
	struct pa_interval *keys = elements->keys;
	struct pa_datum *data = elements->data;
	pa_elements_sort(elements);
	elements->keys = elements->count ? pa_arena_dup(arena, keys, elements->count * elements->parts, sizeof(*keys)) : NULL;
	if (filling->data_types)
		elements->data = pa_arena_dup(arena, data ? (const void *)data : "", data ? elements->count : 0, sizeof(*data));
	free(keys);
	free(data);
}

/* --- sets --------------------------------------------------------------------------------------------------------- */

static void fill_from(struct filling *filling, const struct pa_json_node *list)
{
	const struct pa_json_node *item = list + 1;
	filling->elements->parts = filling->types->count;
	if (list->kind != PA_JSON_ARRAY) {
		add_element(filling, list);
	} else {
		for (uint32_t i = 0; i < list->length; i++, item = pa_json_after(&filling->lowering->tape, item))
			add_element(filling, item);
	}
	finish(filling);
}

struct pa_set_decl *pa_lower_find_set(struct pa_lowering *lowering, const struct pa_json_node *node)
{
	if (node->kind != PA_JSON_STRING || node->length == 0)
		return NULL;
	size_t at = node->string[0] == '@';
	const char *name = pa_arena_strndup(lowering->arena, node->string + at, node->length - at);
	struct pa_set_decl *decl = pa_table_find_set(lowering->table, name);
	if (!decl)
		lowering->missing = name;
	return decl;
}

const struct pa_elements *pa_lower_elements(struct pa_lowering *lowering, const struct pa_json_node *node,
					    const struct pa_value_types *types, const struct pa_value_types *data)
{
	if (node->kind == PA_JSON_STRING && node->length && node->string[0] == '@') {
		struct pa_set_decl *decl = pa_lower_find_set(lowering, node);
		return decl ? &decl->elements : NULL;
	}
	const struct pa_json_node *set = pa_json_member(&lowering->tape, node, "set");
	struct pa_elements *elements = pa_arena_alloc(lowering->arena, 1, sizeof(*elements));
	struct filling filling = { .lowering = lowering, .elements = elements, .types = types, .data_types = data };
	fill_from(&filling, set ? set : node);
	return elements;
}

bool pa_lower_named_elements(struct pa_lowering *lowering, struct pa_set_decl *decl, const struct pa_value_types *types,
			     const struct pa_value_types *data)
{
	struct filling filling = { .lowering = lowering, .elements = &decl->elements, .types = types, .data_types = data };
	struct pa_json_reader *reader = &lowering->reader;
	bool is_list = pa_json_peek(reader) == PA_JSON_ARRAY;
	decl->elements.parts = types->count;
	if (is_list)
		pa_json_enter(reader, PA_JSON_ARRAY);
	while (is_list ? pa_json_next_item(reader) : !reader->error) {
		size_t index;
		lowering->tape.count = 0;
		if (!pa_json_read(reader, &lowering->tape, &index))
			break;
		add_element(&filling, &lowering->tape.nodes[index]);
		reader->first = false;
		if (!is_list)
			break;
	}
	finish(&filling);
	return !reader->error;
}
