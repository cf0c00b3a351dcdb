/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gathering what lies beside and around the rules (PA-UNK-002, 003, 004). */
#ifndef PORTAUDIT_HOST_SURROUNDINGS_H
#define PORTAUDIT_HOST_SURROUNDINGS_H

#include "read.h"

struct pa_text_list {
	const char **items;
	size_t count, capacity;
};
struct pa_surroundings {
	struct pa_arena *arena;
	struct pa_text_list beside, namespaces, unseen;
};

/* Say once what there is; equal sentences count once. */
__attribute__((format(printf, 2, 3))) void pa_surroundings_beside(struct pa_surroundings *found, const char *format, ...);
__attribute__((format(printf, 2, 3))) void pa_surroundings_namespace(struct pa_surroundings *found, const char *format, ...);
__attribute__((format(printf, 2, 3))) void pa_surroundings_unseen(struct pa_surroundings *found, const char *format, ...);

void pa_surroundings_read_beside(struct pa_surroundings *found);     /* beside.c */
void pa_surroundings_read_namespaces(struct pa_surroundings *found); /* namespaces.c */

#endif
