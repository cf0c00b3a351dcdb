/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The document: { "nftables": [ { "metainfo": ... }, { "table": ... }, { "chain": ... }, { "rule": ... } ] }.
 *
 * Versions of nft print the objects in different orders. Rules are lowered as they come; one that names a chain or set
 * that has not come yet is read again at the end, and so are all rules behind it, so that they keep their order.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lower.h"

/* --- places and errors ---------------------------------------------------------------------------------------------- */

/* Counts on from where it was asked last; the questions come nearly in order. */
static void count_lines(struct pa_lowering *lowering, size_t offset)
{
	const char *text = lowering->document->json;
	if (offset < lowering->counted) {
		lowering->counted = lowering->line_start = 0;
		lowering->line = 1;
	}
	const char *end;
	while ((end = memchr(text + lowering->counted, '\n', offset - lowering->counted))) {
		lowering->counted = lowering->line_start = (size_t)(end - text) + 1;
		lowering->line++;
	}
	lowering->counted = offset;
}

/* The kernel's rules have no place, and those of a script have one that the document's `lines` knows. */
struct pa_location pa_lower_place(struct pa_lowering *lowering, size_t offset)
{
	if (lowering->document->facts)
		return (struct pa_location){ 0 };
	count_lines(lowering, offset);
	return (struct pa_location){ .file = lowering->source_name,
				     .line = lowering->line,
				     .column = (uint32_t)(offset - lowering->line_start) + 1 };
}

bool pa_lower_fail(struct pa_lowering *lowering, size_t offset, const char *format, ...)
{
	char message[512];
	va_list arguments;
	if (lowering->failed)
		return false;
	lowering->failed = true;
	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	bool is_file = lowering->document->facts == NULL;
	struct pa_diag *diag = pa_diags_add(lowering->diags, PA_DIAG_ERROR, is_file ? PA_DIAG_INPUT : PA_DIAG_INCOMPLETE,
					    "%s%sthe nftables listing cannot be read: %s (byte %zu)",
					    is_file ? "" : lowering->source_name, is_file ? "" : ": ", message, offset);
	diag->where = pa_lower_place(lowering, offset);
	/* The ruleset goes, the message stays. */
	if (diag->where.file)
		diag->where.file = pa_arena_strdup(lowering->diags->arena, diag->where.file);
	return false;
}

/* --- small readings --------------------------------------------------------------------------------------------------- */

const char *pa_lower_string(struct pa_lowering *lowering, const struct pa_json_node *node)
{
	if (!node || node->kind != PA_JSON_STRING)
		return NULL;
	return pa_arena_strndup(lowering->arena, node->string, node->length);
}

uint64_t pa_lower_number(const struct pa_json_node *node, uint64_t otherwise)
{
	return node && node->kind == PA_JSON_INTEGER && !node->negative ? node->number : otherwise;
}

bool pa_lower_read_family(const struct pa_json_node *node, enum pa_family *ret_family)
{
	for (int i = PA_FAMILY_IP; node && i <= PA_FAMILY_NETDEV; i++)
		if (pa_json_is(node, pa_family_name((enum pa_family)i))) {
			*ret_family = (enum pa_family)i;
			return true;
		}
	return false;
}

/* --- objects ----------------------------------------------------------------------------------------------------------- */

enum object_kind { TABLE, CHAIN, RULE, SET, MAP, METAINFO, WITHOUT_EFFECT, COMMAND };

static const struct object {
	const char *name;
	enum object_kind kind;
} objects[] = {
#define OBJECT(name, kind, treatment, meaning) { name, kind },
#include "nft_object.def"
#undef OBJECT
};

static const struct object *find_object(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(objects) / sizeof(*objects); i++)
		if (strlen(objects[i].name) == length && memcmp(objects[i].name, name, length) == 0)
			return &objects[i];
	return NULL;
}

static void defer(struct pa_lowering *lowering, size_t offset)
{
	pa_grow(&lowering->deferred, &lowering->deferred_capacity, lowering->deferred_count + 1, sizeof(*lowering->deferred));
	lowering->deferred[lowering->deferred_count++] = offset;
}

static bool lower_rule(struct pa_lowering *lowering, size_t offset)
{
	size_t index;
	if (lowering->deferred_count && !lowering->final_pass) {
		defer(lowering, offset);
		return pa_json_skip(&lowering->reader);
	}
	if (!pa_json_read(&lowering->reader, &lowering->tape, &index))
		return false;
	enum pa_rule_result result = pa_lower_rule(lowering, index, offset);
	if (result == PA_RULE_DEFER)
		defer(lowering, offset);
	return result != PA_RULE_FAILED;
}

static void check_version(struct pa_lowering *lowering, size_t index)
{
	const struct pa_json_node *info = &lowering->tape.nodes[index];
	const struct pa_json_node *version = pa_json_member(&lowering->tape, info, "json_schema_version");
	const char *release = pa_lower_string(lowering, pa_json_member(&lowering->tape, info, "version"));
	lowering->merges_widely = release && strncmp(release, "0.", 2) == 0;
	if (pa_lower_number(version, 0) == 1)
		return;
	pa_ruleset_add_gap(lowering->ruleset,
			   pa_arena_printf(lowering->arena, "%s: a listing of another JSON schema than version 1",
					   lowering->document->source_name),
			   "what is new in it may have been missed");
}

static void add_unknown_object(struct pa_lowering *lowering, const char *name, size_t length)
{
	const char *shown = pa_arena_strndup(lowering->arena, name, length < 40 ? length : 40);
	pa_ruleset_add_gap(lowering->ruleset,
			   pa_arena_printf(lowering->arena, "%s: an object of kind \"%s\", which is not known",
					   lowering->document->source_name, shown),
			   NULL);
}

/* What a limit, a quota ... is set to; counters count, and nothing else. */
static void add_object(struct pa_lowering *lowering, const char *kind, const struct pa_json_node *node)
{
	static const char *const unsaid[] = { "family", "table", "name", "handle", "used", "packets" };
	const struct pa_json_tape *tape = &lowering->tape;
	const char *name = pa_lower_string(lowering, pa_json_member(tape, node, "name"));
	const char *table = pa_lower_string(lowering, pa_json_member(tape, node, "table"));
	enum pa_family family;
	if (!name || !table || strcmp(kind, "counter") == 0 ||
	    !pa_lower_read_family(pa_json_member(tape, node, "family"), &family))
		return;
	struct pa_buffer text = { 0 };
	const struct pa_json_node *key = node + 1;
	for (uint32_t i = 0; i < node->length; i++) {
		bool skipped = false;
		for (size_t k = 0; k < sizeof(unsaid) / sizeof(*unsaid); k++)
			skipped = skipped || pa_json_is(key, unsaid[k]);
		if (!skipped) {
			pa_buffer_printf(&text, "%s%.*s ", text.length ? " " : "", (int)key->length, key->string);
			pa_json_text(&text, tape, key + 1, 4000);
		}
		key = pa_json_after(tape, key + 1);
	}
	struct pa_object object = { pa_ruleset_find_table(lowering->ruleset, family, table), kind, name,
				    text.data ? text.data : "" };
	if (object.table)
		pa_ruleset_add_object(lowering->ruleset, &object);
	pa_buffer_done(&text);
}

static bool lower_value(struct pa_lowering *lowering, const char *name, size_t length, size_t offset)
{
	const struct object *object = find_object(name, length);
	size_t index;
	lowering->tape.count = 0;
	if (!object)
		add_unknown_object(lowering, name, length);
	else if (object->kind == COMMAND)
		return pa_lower_fail(lowering, offset, "\"%s\": these are commands, not a listing", object->name);
	else if (object->kind == SET || object->kind == MAP)
		return pa_lower_set(lowering, offset, object->kind == MAP);
	else if (object->kind == RULE)
		return lower_rule(lowering, offset);
	if (!pa_json_read(&lowering->reader, &lowering->tape, &index))
		return false;
	if (object && lowering->tape.nodes[index].kind != PA_JSON_OBJECT)
		return pa_lower_fail(lowering, offset, "\"%s\" is no object", object->name);
	if (object && object->kind == TABLE)
		return pa_lower_table(lowering, index, offset);
	if (object && object->kind == CHAIN)
		return pa_lower_chain(lowering, index, offset);
	if (object && object->kind == METAINFO)
		check_version(lowering, index);
	if (object && object->kind == WITHOUT_EFFECT)
		add_object(lowering, object->name, &lowering->tape.nodes[index]);
	return true;
}

/* { "rule": {...} } */
static bool lower_item(struct pa_lowering *lowering)
{
	struct pa_json_reader *reader = &lowering->reader;
	const char *name;
	size_t length;
	if (!pa_json_enter(reader, PA_JSON_OBJECT))
		return false;
	size_t offset = pa_json_offset(reader);
	if (!pa_json_next_key(reader, &name, &length))
		return pa_json_fail(reader, offset, "an object without a kind");
	pa_json_peek(reader);
	offset = pa_json_offset(reader);
	if (!lower_value(lowering, name, length, offset))
		return false;
	reader->first = false;
	if (pa_json_next_key(reader, &name, &length))
		return pa_json_fail(reader, offset, "an object with two kinds");
	return !reader->error;
}

static bool lower_list(struct pa_lowering *lowering)
{
	struct pa_json_reader *reader = &lowering->reader;
	if (!pa_json_enter(reader, PA_JSON_ARRAY))
		return false;
	while (pa_json_next_item(reader))
		if (!lower_item(lowering))
			return false;
	return !reader->error;
}

static bool lower_document(struct pa_lowering *lowering)
{
	struct pa_json_reader *reader = &lowering->reader;
	const char *name;
	size_t length;
	bool found = false;
	if (!pa_json_enter(reader, PA_JSON_OBJECT))
		return false;
	while (pa_json_next_key(reader, &name, &length)) {
		if (found || length != 8 || memcmp(name, "nftables", 8) != 0)
			return pa_json_fail(reader, pa_json_offset(reader), "this is no { \"nftables\": [...] }");
		found = true;
		if (!lower_list(lowering))
			return false;
	}
	if (!found)
		pa_json_fail(reader, pa_json_offset(reader), "this is no { \"nftables\": [...] }");
	return pa_json_finish(reader);
}

static bool lower_deferred(struct pa_lowering *lowering)
{
	lowering->final_pass = true;
	for (size_t i = 0; i < lowering->deferred_count; i++) {
		lowering->reader.at = lowering->reader.text + lowering->deferred[i];
		lowering->tape.count = 0;
		if (!lower_rule(lowering, lowering->deferred[i]))
			return false;
	}
	return true;
}

/* --- afterwards -------------------------------------------------------------------------------------------------------- */

static void place_rules(struct pa_lowering *lowering)
{
	const struct pa_rule_lines *lines = lowering->document->lines;
	struct pa_ruleset *ruleset = lowering->ruleset;
	for (size_t i = lowering->first_chain; lines && i < ruleset->chain_count; i++) {
		struct pa_chain *chain = ruleset->chains[i];
		if (chain->is_base &&
		    pa_rule_lines_find_policy(lines, chain->table->family, chain->table->name, chain->name, &chain->where))
			chain->where.file = pa_arena_strdup(lowering->arena, chain->where.file);
		for (size_t j = 0; j < chain->rule_count; j++) {
			struct pa_location *where = &chain->rules[j]->where;
			if (pa_rule_lines_find(lines, chain->table->family, chain->table->name, chain->name, j,
					       chain->rule_count, where))
				where->file = pa_arena_strdup(lowering->arena, where->file);
		}
	}
}

void pa_xt_add_gaps(struct pa_ruleset *ruleset, size_t first_table)
{
	for (size_t i = first_table; i < ruleset->table_count; i++) {
		const struct pa_table *table = ruleset->tables[i];
		if (!table->has_xt)
			continue;
		pa_ruleset_add_gap(
			ruleset,
			pa_arena_printf(ruleset->arena,
					"table %s %s holds iptables matches or targets whose arguments nft does not show",
					pa_family_name(table->family), table->name),
			"give the output of iptables-nft-save and ip6tables-nft-save instead");
	}
}

static void done(struct pa_lowering *lowering)
{
	pa_json_tape_done(&lowering->tape);
	pa_buffer_done(&lowering->text);
	free(lowering->steps);
	free(lowering->texts);
	free(lowering->deferred);
	free(lowering->assigned);
	free(lowering->single);
}

bool pa_nft_lower(const struct pa_nft_document *document, struct pa_ruleset *ruleset, struct pa_diags *diags)
{
	struct pa_lowering lowering = {
		.document = document, .ruleset = ruleset, .arena = ruleset->arena, .diags = diags, .line = 1
	};
	lowering.first_chain = (unsigned)ruleset->chain_count;
	lowering.first_table = (unsigned)ruleset->table_count;
	lowering.source_name = pa_arena_strdup(lowering.arena, document->source_name);
	pa_ruleset_add_source(ruleset, document->source_name);
	pa_json_init(&lowering.reader, document->json, document->length, lowering.arena);
	bool whole = lower_document(&lowering) && lower_deferred(&lowering);
	if (whole) {
		place_rules(&lowering);
		if (!document->replaces_xt)
			pa_xt_add_gaps(ruleset, lowering.first_table);
		pa_lower_mark_assigned(&lowering);
	} else if (lowering.reader.error) {
		pa_lower_fail(&lowering, lowering.reader.error_offset, "%s", lowering.reader.error);
	}
	done(&lowering);
	return whole;
}
