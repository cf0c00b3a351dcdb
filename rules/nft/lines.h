/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where rules and the policies of chains stand in an nft script. The kernel does not keep it, so the text is scanned lightly; the answer for a chain
 * is used only when the scan found exactly as many rules there as were loaded, and nothing that reorders them.
 */
#ifndef PORTAUDIT_NFT_LINES_H
#define PORTAUDIT_NFT_LINES_H

#include "portaudit/ruleset.h"

/*
 * Scan a script and what it includes, and append what was found to `out`, one record a line:
 *     F<file>                        the file that the following records are about
 *     R<family>\t<table>\t<chain>\t<line>\t<column>   a rule is appended to a chain
 *     P<family>\t<table>\t<chain>\t<line>\t<column>   the policy of a base chain, or its type; a later one counts
 *     X<family>\t<table>\t<chain>    the order of the rules of this chain is not known ("*": of any chain, any table)
 *     Z                              everything before is gone (flush ruleset)
 * Reads files with the rights of the process: it runs in the child. `folders` are searched for includes after /etc.
 */
void pa_rule_lines_scan(const char *name, const char *text, size_t length, const char *const *folders, struct pa_buffer *out);

struct pa_rule_lines;

/* Read records; what cannot be read is left out. */
struct pa_rule_lines *pa_rule_lines_read(const char *records, size_t length);

/*
 * The place of rule `index` (from 0) of a chain that was loaded with `count` rules. false: not known, *ret_where is
 * untouched. The file name lives as long as `lines`.
 */
bool pa_rule_lines_find(const struct pa_rule_lines *lines, enum pa_family family, const char *table, const char *chain,
			size_t index, size_t count, struct pa_location *ret_where);
/* The same for the policy of a base chain; where a script does not say it, for its type. */
bool pa_rule_lines_find_policy(const struct pa_rule_lines *lines, enum pa_family family, const char *table, const char *chain,
			       struct pa_location *ret_where);
struct pa_rule_lines *pa_rule_lines_free(struct pa_rule_lines *lines); /* takes NULL, returns NULL */

#endif
