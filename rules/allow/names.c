/* SPDX-License-Identifier: GPL-2.0-or-later */
/* network, zone and service definitions: found by name, resolved once. */
#include <stdlib.h>
#include <string.h>

#include "allow.h"

const char *pa_definition_word(enum pa_definition_kind kind)
{
	static const char *const words[] = {
		[PA_DEFINE_NETWORK] = "network", [PA_DEFINE_ZONE] = "zone", [PA_DEFINE_SERVICE] = "service"
	};
	return words[kind];
}

void pa_names_add(struct pa_allow *allow, const struct pa_definition *definition)
{
	struct pa_definition *kept = pa_arena_dup(allow->scratch, definition, 1, sizeof(*definition));
	kept->order = allow->definition_count;
	pa_grow(&allow->definitions, &allow->definition_capacity, allow->definition_count + 1, sizeof(struct pa_definition *));
	allow->definitions[allow->definition_count++] = kept;
}

static int compare_numbers(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int compare_keys(const struct pa_definition *a, const struct pa_definition *b)
{
	int order = compare_numbers(a->kind, b->kind);
	if (order == 0)
		order = strcmp(a->name, b->name);
	return order ? order : compare_numbers(a->scope->id, b->scope->id);
}

static int compare_definitions(const void *left, const void *right)
{
	const struct pa_definition *const *a = left, *const *b = right;
	int order = compare_keys(*a, *b);
	return order ? order : compare_numbers((*a)->order, (*b)->order);
}

/* The first definition of the name in exactly this scope, or NULL. */
static struct pa_definition *find_in_scope(const struct pa_allow *allow, enum pa_definition_kind kind,
					   const struct pa_scope *scope, const char *name)
{
	const struct pa_definition key = { .kind = kind, .name = name, .scope = scope };
	size_t low = 0, high = allow->definition_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_keys(allow->definitions[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == allow->definition_count || compare_keys(allow->definitions[low], &key) != 0)
		return NULL;
	return allow->definitions[low];
}

static struct pa_definition *find(const struct pa_allow *allow, enum pa_definition_kind kind, const struct pa_scope *scope,
				  const char *name)
{
	for (; scope; scope = scope->parent) {
		struct pa_definition *definition = find_in_scope(allow, kind, scope, name);
		if (definition)
			return definition;
	}
	return NULL;
}

bool pa_names_defined(const struct pa_allow *allow, enum pa_definition_kind kind, const struct pa_scope *scope,
		      const char *name)
{
	return find(allow, kind, scope, name) != NULL;
}

void pa_names_offer(const struct pa_allow *allow, enum pa_definition_kind kind, const struct pa_scope *scope,
		    struct pa_suggestion *suggestion)
{
	for (size_t i = 0; i < allow->definition_count && allow->suggestion_budget; i++) {
		const struct pa_definition *definition = allow->definitions[i];
		const struct pa_scope *seen = scope;
		while (seen && seen != definition->scope)
			seen = seen->parent;
		if (seen && definition->kind == kind)
			pa_suggestion_offer(suggestion, definition->name);
	}
}

static void report_double(struct pa_allow *allow, const struct pa_definition *second, const struct pa_definition *first)
{
	struct pa_place place = pa_token_place(first->source, first->token);
	pa_allow_meaning_error(allow, pa_token_place(second->source, second->token),
			       pa_allow_text(allow, "the other one is at %s:%u:%u", first->source->path, place.line,
					     place.column),
			       "%s '%s' is defined twice", pa_definition_word(second->kind), second->name);
}

/* Twice in one scope, or in a host block and around it: order never matters, so neither can win. */
static void check_double(struct pa_allow *allow, size_t index)
{
	const struct pa_definition *definition = allow->definitions[index];
	const struct pa_definition *before = index ? allow->definitions[index - 1] : NULL;
	if (before && compare_keys(before, definition) == 0) {
		report_double(allow, definition, before);
		return;
	}
	const struct pa_scope *around = definition->scope->parent;
	const struct pa_definition *outer = around ? find(allow, definition->kind, around, definition->name) : NULL;
	if (outer)
		report_double(allow, definition, outer);
}

static bool parse_body(struct pa_cursor *cursor, struct pa_definition *definition)
{
	bool parsed = false;
	switch (definition->kind) {
	case PA_DEFINE_NETWORK:
		parsed = pa_parse_addresses(cursor, &definition->value.network);
		break;
	case PA_DEFINE_ZONE:
		parsed = pa_parse_interfaces(cursor, &definition->value.zone);
		break;
	case PA_DEFINE_SERVICE:
		parsed = pa_parse_what(cursor, &definition->value.service);
		break;
	}
	if (!parsed || pa_cursor_done(cursor))
		return parsed;
	static const char *const after_network[] = { ",", "except", NULL }, *const after_list[] = { ",", NULL };
	pa_cursor_unexpected(cursor, definition->kind == PA_DEFINE_NETWORK ? after_network : after_list);
	return false;
}

/* Items of a service are called by its name. */
static void name_items(struct pa_allow *allow, struct pa_definition *definition)
{
	struct pa_items *service = &definition->value.service;
	const char *name = pa_arena_strdup(allow->policy->arena, definition->name);
	service->items = pa_arena_dup(allow->policy->arena, service->items, service->count, sizeof(*service->items));
	for (size_t i = 0; i < service->count; i++)
		service->items[i].text = name;
}

static void resolve(struct pa_allow *allow, struct pa_definition *definition)
{
	struct pa_cursor cursor = {
		.allow = allow,
		.source = definition->source,
		.scope = definition->scope,
		.at = definition->body,
		.end = definition->end,
	};
	struct pa_definition *outer = allow->resolving;
	definition->state = PA_DEFINITION_BUSY;
	allow->resolving = definition;
	allow->name_depth++;
	bool parsed = parse_body(&cursor, definition);
	allow->name_depth--;
	allow->resolving = outer;
	if (!parsed)
		memset(&definition->value, 0, sizeof(definition->value));
	else if (definition->kind == PA_DEFINE_SERVICE)
		name_items(allow, definition);
	definition->state = parsed ? PA_DEFINITION_DONE : PA_DEFINITION_FAILED;
}

static void too_deep(struct pa_allow *allow, struct pa_place place)
{
	pa_allow_meaning_error(allow, place, NULL, "names are defined by names more than %d deep",
			       (int)PA_ALLOW_NAME_DEPTH_MAX);
}

/* The depth counts by what is defined, not by what happens to be resolved already. */
static void count_depth(struct pa_allow *allow, const struct pa_definition *used, struct pa_place place)
{
	struct pa_definition *user = allow->resolving;
	if (!user || used->state != PA_DEFINITION_DONE || user->depth > used->depth)
		return;
	user->depth = used->depth + 1;
	if (user->depth == PA_ALLOW_NAME_DEPTH_MAX)
		too_deep(allow, place);
}

const struct pa_definition *pa_names_find(struct pa_allow *allow, enum pa_definition_kind kind, const struct pa_scope *scope,
					  const char *name, struct pa_place place)
{
	struct pa_definition *definition = find(allow, kind, scope, name);
	if (!definition)
		return NULL;
	definition->used = true;
	if (definition->state == PA_DEFINITION_BUSY) {
		pa_allow_meaning_error(allow, place, NULL, "%s '%s' is defined by itself", pa_definition_word(kind), name);
		definition->state = PA_DEFINITION_FAILED; /* said once; the outer resolve() ends it */
	} else if (definition->state == PA_DEFINITION_NEW && allow->name_depth >= PA_ALLOW_NAME_DEPTH_MAX) {
		too_deep(allow, place);
		definition->state = PA_DEFINITION_FAILED;
	} else if (definition->state == PA_DEFINITION_NEW) {
		resolve(allow, definition);
	}
	count_depth(allow, definition, place);
	return definition;
}

void pa_names_resolve(struct pa_allow *allow)
{
	if (allow->definition_count) /* the array may be NULL */
		qsort(allow->definitions, allow->definition_count, sizeof(struct pa_definition *), compare_definitions);
	for (size_t i = 0; i < allow->definition_count; i++)
		check_double(allow, i);
	for (size_t i = 0; i < allow->definition_count; i++)
		if (allow->definitions[i]->state == PA_DEFINITION_NEW)
			resolve(allow, allow->definitions[i]);
}

void pa_names_keep_services(struct pa_allow *allow)
{
	struct pa_policy *policy = allow->policy;
	policy->services = pa_arena_alloc(policy->arena, allow->definition_count + 1, sizeof(*policy->services));
	for (size_t i = 0; i < allow->definition_count; i++) {
		const struct pa_definition *definition = allow->definitions[i];
		if (definition->kind != PA_DEFINE_SERVICE || definition->state != PA_DEFINITION_DONE ||
		    !definition->scope->active)
			continue;
		struct pa_place place = pa_token_place(definition->source, definition->token);
		policy->services[policy->service_count++] = (struct pa_named_service){
			.name = pa_arena_strdup(policy->arena, definition->name),
			.items = definition->value.service.items,
			.count = definition->value.service.count,
			.where = { .file = definition->source->path,
				   .line = place.line,
				   .column = place.column,
				   .length = place.length },
		};
	}
}
