/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lists of what was found, and their way into the host. */
#include <stdlib.h>
#include <string.h>

#include "surroundings.h"

__attribute__((format(printf, 3, 0))) static void add(struct pa_surroundings *found, struct pa_text_list *list,
						      const char *format, va_list arguments)
{
	const char *text = pa_arena_vprintf(found->arena, format, arguments);
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return;
	pa_grow(&list->items, &list->capacity, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = text;
}

void pa_surroundings_beside(struct pa_surroundings *found, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	add(found, &found->beside, format, arguments);
	va_end(arguments);
}

void pa_surroundings_namespace(struct pa_surroundings *found, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	add(found, &found->namespaces, format, arguments);
	va_end(arguments);
}

void pa_surroundings_unseen(struct pa_surroundings *found, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	add(found, &found->unseen, format, arguments);
	va_end(arguments);
}

static const char **keep(struct pa_surroundings *found, struct pa_text_list *list, size_t *ret_count)
{
	*ret_count = list->count;
	const char **kept = list->count ? pa_arena_dup(found->arena, list->items, list->count, sizeof(*list->items)) : NULL;
	free(list->items);
	return kept;
}

void pa_host_read_surroundings(struct pa_host *host)
{
	struct pa_surroundings found = { .arena = host->arena };
	pa_surroundings_read_beside(&found);
	pa_surroundings_read_namespaces(&found);
	host->surroundings_known = true;
	host->beside = keep(&found, &found.beside, &host->beside_count);
	host->namespaces = keep(&found, &found.namespaces, &host->namespace_count);
	host->unseen = keep(&found, &found.unseen, &host->unseen_count);
}
