/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of `explain` while they are read: explain.c and what.c. */
#ifndef PA_PACKETS_EXPLAIN_H
#define PA_PACKETS_EXPLAIN_H

#include "reader.h"

struct pa_explain {
	const char *const *word;
	size_t count, at;
	struct pa_allow words; /* only its scratch arena and its budget: what suggestions need */
	struct pa_diags *diags;
	bool failed;
	struct pa_packet packet; /* what all families share */
	bool has_what, has_from, has_to, has_on, has_state, has_family, has_path, has_source_port;
	int family, source_family, destination_family; /* 0: not said */
	const char *interface;
	const char *what;
	const struct pa_service_item *items; /* that the first word stands for */
	size_t item_count;
	struct pa_service_item own; /* items, when no table has it */
};

/* Strings are copied; help may be NULL. */
__attribute__((format(printf, 3, 4))) void pa_explain_error(struct pa_explain *explain, const char *help, const char *format,
							    ...);
const char *pa_explain_shown(struct pa_explain *explain, const char *word);

/* what.c: the service, port or ICMP type; into explain->items. */
void pa_explain_what(struct pa_explain *explain, const char *word);
/* It must fit the family; a note where only a part of it is followed. */
void pa_explain_check_item(struct pa_explain *explain);
/* Protocol and port for the packet's family. false: it does not exist in that family. */
bool pa_explain_set_item(const struct pa_explain *explain, struct pa_packet *packet);

#endif
