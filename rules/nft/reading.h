/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What reading the kernel and reading files have in common. */
#ifndef PORTAUDIT_NFT_READING_H
#define PORTAUDIT_NFT_READING_H

#include "child.h"
#include "document.h"

/* When the load must be over. CLOCK_MONOTONIC, milliseconds. */
int64_t pa_load_deadline(const struct pa_load_options *options);

/* Adds why the child did not finish, as kind INCOMPLETE (or INPUT where the file is to blame). */
void pa_load_add_failure(struct pa_diags *diags, const struct pa_child_result *result, const char *what);

/* Lower the JSON and the facts of a child that is done. */
bool pa_load_lower(struct pa_ruleset *ruleset, const struct pa_child_result *result, const char *source_name,
		   const struct pa_rule_lines *lines, struct pa_diags *diags);
/* The same of texts that are in memory. */
bool pa_load_lower_texts(struct pa_ruleset *ruleset, const struct pa_buffer *json, const struct pa_buffer *facts,
			 struct pa_diags *diags);
/* The same of the live kernel; tables with xt parts are the business of the caller (load_xtables.h). */
bool pa_load_lower_live(struct pa_ruleset *ruleset, const struct pa_child_result *result, struct pa_diags *diags);

#endif
