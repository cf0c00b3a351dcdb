/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of a document, with the place of each for errors. */
#include <stdio.h>
#include <stdlib.h>

#include "document.h"

/* --- errors ------------------------------------------------------------------------------------------------------- */

#define SOURCE_SHOWN 120

/* The place of an offset; *ret_line: the text of its line, as far as it is worth showing. */
static struct pa_location place_of(const struct pa_document *document, size_t offset, const char **ret_line)
{
	const char *text = document->reader.text, *line = text, *at = text + offset;
	struct pa_location where = { .line = 1, .length = 1 };
	for (const char *end; (end = memchr(line, '\n', (size_t)(at - line))); line = end + 1)
		where.line++;
	where.column = (uint32_t)(at - line) + 1;
	*ret_line = line;
	return where;
}

bool pa_document_wrong(struct pa_document *document, size_t offset, const char *format, ...)
{
	if (document->failed)
		return false;
	document->failed = true;
	size_t length = (size_t)(document->reader.end - document->reader.text);
	const char *line;
	va_list arguments;
	va_start(arguments, format);
	const char *message = pa_arena_vprintf(document->snapshot->arena, format, arguments);
	va_end(arguments);
	struct pa_diag *diag = pa_diags_add(document->diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "%s", message);
	diag->where = place_of(document, offset < length ? offset : length, &line);
	diag->where.file = pa_arena_strdup(document->diags->arena, document->name);
	diag->help = "'portaudit snapshot' makes one anew";
	size_t shown = (size_t)(document->reader.end - line);
	if (diag->where.column <= SOURCE_SHOWN)
		diag->source = pa_arena_strndup(document->diags->arena, line, shown < SOURCE_SHOWN ? shown : SOURCE_SHOWN);
	return false;
}

bool pa_document_failed(struct pa_document *document)
{
	if (document->reader.error && !document->failed)
		pa_document_wrong(document, document->reader.error_offset, "the snapshot cannot be read: %s",
				  document->reader.error);
	return document->failed;
}

/* --- the next value ------------------------------------------------------------------------------------------------- */

static const char *kind_name(enum pa_json_kind kind)
{
	static const char *const names[] = {
		[PA_JSON_NULL] = "null",   [PA_JSON_FALSE] = "false",	[PA_JSON_TRUE] = "true",   [PA_JSON_INTEGER] = "number",
		[PA_JSON_REAL] = "number", [PA_JSON_STRING] = "string", [PA_JSON_ARRAY] = "array", [PA_JSON_OBJECT] = "object"
	};
	return names[kind];
}

static bool expect(struct pa_document *document, enum pa_json_kind kind)
{
	if (pa_document_failed(document))
		return false;
	enum pa_json_kind found = pa_json_peek(&document->reader);
	if (pa_document_failed(document))
		return false;
	document->item_offset = pa_json_offset(&document->reader);
	return found == kind || pa_document_wrong(document, document->item_offset, "this is %s, and should be %s",
						  kind_name(found), kind_name(kind));
}

const struct pa_json_node *pa_document_read(struct pa_document *document, enum pa_json_kind kind)
{
	size_t index;
	document->tape.count = 0;
	if (!expect(document, kind) || !pa_json_read(&document->reader, &document->tape, &index)) {
		pa_document_failed(document);
		return NULL;
	}
	return &document->tape.nodes[index];
}

bool pa_document_enter(struct pa_document *document, enum pa_json_kind kind)
{
	return expect(document, kind) && (pa_json_enter(&document->reader, kind) || !pa_document_failed(document));
}

bool pa_document_take_null(struct pa_document *document)
{
	if (pa_json_peek(&document->reader) != PA_JSON_NULL || pa_document_failed(document))
		return false;
	pa_json_skip(&document->reader);
	return true;
}

static size_t find_part(const struct pa_document_part *parts, size_t count, const char *key, size_t length)
{
	size_t at = 0;
	while (at < count && (strlen(parts[at].key) != length || memcmp(parts[at].key, key, length) != 0))
		at++;
	return at;
}

void pa_document_read_parts(struct pa_document *document, const struct pa_document_part *parts, size_t count, unsigned pass)
{
	size_t length, start = pa_json_offset(&document->reader);
	uint64_t seen = 0;
	const char *key;
	if (!pa_document_enter(document, PA_JSON_OBJECT))
		return;
	while (!pa_document_failed(document) && pa_json_next_key(&document->reader, &key, &length)) {
		size_t at = find_part(parts, count, key, length);
		if (at < count && seen >> at & 1)
			pa_document_wrong(document, pa_json_offset(&document->reader), "a second \"%s\"", parts[at].key);
		else if (at < count && parts[at].pass == pass)
			parts[at].read(document);
		else
			pa_json_skip(&document->reader);
		seen |= at < count ? UINT64_C(1) << at : 0;
	}
	for (size_t i = 0; i < count && !pa_document_failed(document); i++)
		if (!(seen >> i & 1))
			pa_document_wrong(document, start, "\"%s\" is missing here", parts[i].key);
}

/* --- lists ---------------------------------------------------------------------------------------------------------- */

void pa_document_read_items(struct pa_document *document, enum pa_json_kind kind, pa_document_take *take, void *context)
{
	if (!pa_document_enter(document, PA_JSON_ARRAY))
		return;
	while (!pa_document_failed(document) && pa_json_next_item(&document->reader)) {
		const struct pa_json_node *item = pa_document_read(document, kind);
		if (item)
			take(document, item, context);
	}
}

void pa_document_read_bool(struct pa_document *document, bool *ret_value)
{
	enum pa_json_kind kind = pa_json_peek(&document->reader);
	if (kind != PA_JSON_TRUE && kind != PA_JSON_FALSE)
		pa_document_wrong(document, pa_json_offset(&document->reader), "true or false should stand here");
	*ret_value = kind == PA_JSON_TRUE;
	pa_json_skip(&document->reader);
}

void pa_document_read_list(struct pa_document *document, bool *ret_complete, pa_document_take *take, void *context)
{
	size_t start = pa_json_offset(&document->reader), length;
	bool has_complete = false, has_list = false;
	const char *key;
	if (!pa_document_enter(document, PA_JSON_OBJECT))
		return;
	while (!pa_document_failed(document) && pa_json_next_key(&document->reader, &key, &length)) {
		if (length == 8 && memcmp(key, "complete", 8) == 0) {
			pa_document_read_bool(document, ret_complete);
			has_complete = true;
		} else if (length == 4 && memcmp(key, "list", 4) == 0 && !has_list) {
			pa_document_read_items(document, PA_JSON_OBJECT, take, context);
			has_list = true;
		} else {
			pa_json_skip(&document->reader);
		}
	}
	if (!pa_document_failed(document) && !(has_complete && has_list))
		pa_document_wrong(document, start, "\"%s\" is missing here", has_complete ? "list" : "complete");
}

void pa_document_add(struct pa_document_array *array, const void *item)
{
	pa_grow(&array->items, &array->capacity, array->count + 1, array->size);
	memcpy((char *)array->items + array->count++ * array->size, item, array->size);
}

void *pa_document_finish(struct pa_document_array *array, struct pa_arena *arena, size_t *ret_count)
{
	void *items = pa_arena_dup(arena, array->items, array->count, array->size);
	*ret_count = array->count;
	free(array->items);
	return items;
}

/* --- members -------------------------------------------------------------------------------------------------------- */

size_t pa_document_place(const struct pa_document *document, const struct pa_json_node *node)
{
	return document->item_offset + (node ? node->distance : 0);
}

const struct pa_json_node *pa_document_member(struct pa_document *document, const struct pa_json_node *object, const char *key)
{
	const struct pa_json_node *member = document->failed ? NULL : pa_json_member(&document->tape, object, key);
	if (!member)
		pa_document_wrong(document, pa_document_place(document, object), "\"%s\" is missing here", key);
	return member;
}

const struct pa_json_node *pa_document_list(struct pa_document *document, const struct pa_json_node *member, const char *of)
{
	if (!member || member->kind == PA_JSON_NULL)
		return NULL;
	if (member->kind == PA_JSON_ARRAY)
		return member;
	pa_document_wrong(document, pa_document_place(document, member), "a list of %s should stand here", of);
	return NULL;
}

static void wrong_kind(struct pa_document *document, const struct pa_json_node *node, const char *key, const char *what)
{
	pa_document_wrong(document, pa_document_place(document, node), "\"%s\" should be %s here", key, what);
}

const char *pa_document_string(struct pa_document *document, const struct pa_json_node *node)
{
	if (!node || document->failed)
		return NULL;
	if (node->kind != PA_JSON_STRING) {
		pa_document_wrong(document, pa_document_place(document, node), "a string should stand here");
		return NULL;
	}
	return pa_arena_strndup(document->snapshot->arena, node->string, node->length);
}

const char *pa_document_text(struct pa_document *document, const struct pa_json_node *object, const char *key)
{
	const struct pa_json_node *node = pa_document_member(document, object, key);
	return !node || node->kind == PA_JSON_NULL ? NULL : pa_document_string(document, node);
}

static bool take_number(struct pa_document *document, const struct pa_json_node *node, const char *key, uint64_t most,
			uint64_t *ret_number)
{
	if (node->kind != PA_JSON_INTEGER || node->negative)
		wrong_kind(document, node, key, "a number that is not negative");
	else if (node->number > most)
		pa_document_wrong(document, pa_document_place(document, node), "%llu is too large here: at most %llu",
				  (unsigned long long)node->number, (unsigned long long)most);
	*ret_number = document->failed ? 0 : node->number;
	return !document->failed;
}

bool pa_document_known_number(struct pa_document *document, const struct pa_json_node *object, const char *key, uint64_t most,
			      uint64_t *ret_number)
{
	const struct pa_json_node *node = pa_document_member(document, object, key);
	*ret_number = 0;
	return node && node->kind != PA_JSON_NULL && take_number(document, node, key, most, ret_number);
}

uint64_t pa_document_number(struct pa_document *document, const struct pa_json_node *object, const char *key, uint64_t most)
{
	const struct pa_json_node *node = pa_document_member(document, object, key);
	uint64_t number = 0;
	if (node)
		take_number(document, node, key, most, &number);
	return number;
}

enum pa_tristate pa_document_tristate(struct pa_document *document, const struct pa_json_node *object, const char *key)
{
	const struct pa_json_node *node = pa_document_member(document, object, key);
	if (!node || node->kind == PA_JSON_NULL)
		return PA_UNKNOWN;
	if (node->kind != PA_JSON_TRUE && node->kind != PA_JSON_FALSE)
		wrong_kind(document, node, key, "true, false or null");
	return node->kind == PA_JSON_TRUE ? PA_YES : PA_NO;
}

bool pa_document_bool(struct pa_document *document, const struct pa_json_node *object, const char *key)
{
	const struct pa_json_node *node = pa_document_member(document, object, key);
	if (node && node->kind != PA_JSON_TRUE && node->kind != PA_JSON_FALSE)
		wrong_kind(document, node, key, "true or false");
	return node && node->kind == PA_JSON_TRUE;
}

int pa_document_family(struct pa_document *document, const struct pa_json_node *object, const char *key)
{
	const struct pa_json_node *node = pa_document_member(document, object, key);
	uint64_t family = 0;
	if (node && take_number(document, node, key, 6, &family) && family != 4 && family != 6)
		wrong_kind(document, node, key, "4 or 6");
	return family == 6 ? 6 : 4;
}

bool pa_document_address(struct pa_document *document, const struct pa_json_node *object, const char *key, int family,
			 pa_u128 *ret_address)
{
	const struct pa_json_node *node = pa_document_member(document, object, key);
	*ret_address = 0;
	if (!node || node->kind == PA_JSON_NULL)
		return false;
	const char *text = pa_document_string(document, node);
	pa_u128 address;
	int found;
	if (text && (!pa_address_parse(text, &address, &found) || found != family)) {
		pa_document_wrong(document, pa_document_place(document, node), "an IPv%d address should stand here", family);
		return false;
	}
	if (text)
		*ret_address = address;
	return text != NULL;
}

bool pa_document_range(struct pa_document *document, const struct pa_json_node *object, const char *key, uint64_t most,
		       struct pa_interval *ret_range)
{
	const struct pa_json_node *node = pa_document_member(document, object, key);
	uint64_t first, last;
	*ret_range = (struct pa_interval){ 0 };
	if (!node || node->kind == PA_JSON_NULL)
		return false;
	if (node->kind != PA_JSON_ARRAY || node->length != 2) {
		wrong_kind(document, node, key, "two numbers");
		return false;
	}
	if (!take_number(document, node + 1, key, most, &first) || !take_number(document, node + 2, key, most, &last))
		return false;
	if (first > last) {
		wrong_kind(document, node, key, "two numbers in their order");
		return false;
	}
	*ret_range = (struct pa_interval){ first, last };
	return true;
}
