/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ifs = IFGLOB { "," IFGLOB }: interfaces, patterns and zones. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "allow.h"

/* While a list is put together. */
struct interface_list {
	bool any;
	struct pa_span_list names;
	const char **globs;
	size_t glob_count, glob_capacity;
};

static void add_glob(struct interface_list *list, const char *glob)
{
	pa_grow(&list->globs, &list->glob_capacity, list->glob_count + 1, sizeof(*list->globs));
	list->globs[list->glob_count++] = glob;
}

static void unite(struct interface_list *list, const struct pa_interfaces *zone)
{
	list->any |= zone->any;
	for (size_t i = 0; i < zone->name_count; i++)
		pa_span_list_add(&list->names, zone->names[i]);
	for (size_t i = 0; i < zone->glob_count; i++)
		add_glob(list, zone->globs[i]);
}

/* What the kernel takes as a name (dev_valid_name() in net/core/dev.c), patterns aside. */
static bool is_valid(struct pa_allow *allow, struct pa_place place, const char *word)
{
	const char *shown = pa_allow_shown(allow, word, strlen(word));
	size_t length = strlen(word);
	if (length && word[length - 1] == '*')
		length--;
	if (length >= PA_IFNAME_MAX)
		pa_allow_meaning_error(allow, place, NULL, "the interface name '%s' is longer than %d bytes", shown,
				       PA_IFNAME_MAX - 1);
	else if (strchr(word, ':'))
		pa_allow_meaning_error(allow, place, "rules see the interface, not its alias: leave ':' and what follows out",
				       "'%s' is not an interface name", shown);
	else if (strchr(word, '/') || strcmp(word, ".") == 0 || strcmp(word, "..") == 0)
		pa_allow_meaning_error(allow, place, NULL, "'%s' is not an interface name", shown);
	else
		return true;
	return false;
}

/*
 * A word that is no zone is an interface, so a slip in a zone's name cannot be an error. Interfaces nearly always have a
 * digit; a word without one that is nearly a zone's name is worth a warning.
 */
static void warn_of_slip(struct pa_cursor *cursor, struct pa_place place, const char *word)
{
	for (const char *at = word; *at; at++)
		if (isdigit((unsigned char)*at))
			return;
	struct pa_suggestion suggestion = pa_suggestion_start(cursor->allow, word, strlen(word));
	pa_names_offer(cursor->allow, PA_DEFINE_ZONE, cursor->scope, &suggestion);
	if (suggestion.best && strcmp(word, "lo") != 0)
		pa_allow_warning(cursor->allow, place, pa_suggestion_help(&suggestion, NULL),
				 "'%s' is no zone and is taken as an interface", word);
}

static void add_pattern(struct interface_list *list, struct pa_allow *allow, const char *word)
{
	size_t plain = strcspn(word, "*?");
	char prefix[PA_IFNAME_MAX] = "";
	if (word[plain] == '*' && word[plain + 1] == '\0') {
		memcpy(prefix, word, plain);
		pa_span_list_add(&list->names, pa_ifname_prefix(prefix));
		list->any |= plain == 0;
	} else {
		add_glob(list, pa_arena_strdup(allow->policy->arena, word));
	}
}

static void add_word(struct pa_cursor *cursor, struct interface_list *list, struct pa_place place, const char *word)
{
	const struct pa_definition *zone = pa_names_find(cursor->allow, PA_DEFINE_ZONE, cursor->scope, word, place);
	if (zone) {
		unite(list, &zone->value.zone);
	} else if (strcmp(word, "any") == 0) {
		list->any = true;
	} else if (is_valid(cursor->allow, place, word)) {
		pa_u128 value = pa_ifname_value(word);
		if (strpbrk(word, "*?")) {
			add_pattern(list, cursor->allow, word);
		} else {
			warn_of_slip(cursor, place, word);
			pa_span_list_add(&list->names, (struct pa_interval){ value, value });
		}
	}
}

static int compare_texts(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;
	return strcmp(*a, *b);
}

static void drop_double_globs(struct interface_list *list)
{
	size_t kept = 0;
	if (list->glob_count < 2)
		return;
	qsort(list->globs, list->glob_count, sizeof(*list->globs), compare_texts);
	for (size_t i = 1; i < list->glob_count; i++)
		if (strcmp(list->globs[kept], list->globs[i]) != 0)
			list->globs[++kept] = list->globs[i];
	list->glob_count = kept + 1;
}

static void keep(struct interface_list *list, struct pa_arena *arena, struct pa_interfaces *ret_interfaces)
{
	*ret_interfaces = (struct pa_interfaces){ .any = list->any };
	if (list->any)
		return;
	pa_span_list_normalise(&list->names);
	drop_double_globs(list);
	ret_interfaces->names = pa_span_list_keep(&list->names, arena);
	ret_interfaces->name_count = list->names.count;
	if (list->glob_count)
		ret_interfaces->globs = pa_arena_dup(arena, list->globs, list->glob_count, sizeof(*list->globs));
	ret_interfaces->glob_count = list->glob_count;
}

bool pa_parse_interfaces(struct pa_cursor *cursor, struct pa_interfaces *ret_interfaces)
{
	struct interface_list list = { 0 };
	const struct pa_token *first = cursor->at;
	bool parsed;
	do {
		parsed = pa_cursor_expect_word(cursor, "an interface or a zone");
		if (parsed) {
			struct pa_place place = pa_cursor_place(cursor);
			add_word(cursor, &list, place, pa_cursor_word(cursor));
		}
	} while (parsed && pa_cursor_take(cursor, PA_TOKEN_COMMA));
	if (parsed) {
		keep(&list, cursor->allow->policy->arena, ret_interfaces);
		ret_interfaces->text = pa_tokens_text(cursor->allow, first, cursor->at);
	}
	free(list.names.items);
	free(list.globs);
	return parsed;
}
