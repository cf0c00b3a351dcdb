/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An edit of the ruleset (repair.h) as commands and in words. */
#ifndef PORTAUDIT_REPORTS_EDIT_H
#define PORTAUDIT_REPORTS_EDIT_H

#include "portaudit/repair.h"

/* "delete rules.nft:12: tcp dport 3306 accept", "set policy drop in chain inet filter input" */
void pa_edit_phrase(const struct pa_edit *edit, struct pa_buffer *out);

#define PA_EDIT_COMMANDS_MAX 12
struct pa_edit_commands {
	struct pa_arena *arena;
	const char *items[PA_EDIT_COMMANDS_MAX];
	size_t count;
	bool failed; /* it cannot be written in these words: count is 0 then */
};
/*
 * The edit as commands for a shell, in order; allocated in commands->arena. None where it is of the text of a script alone: its rules have
 * no handles on the host.
 */
void pa_edit_write(const struct pa_edit *edit, struct pa_edit_commands *commands);
/* The rules that an edit writes (NARROW, INSERT, MOVE), as they stand in a file: one a line. false: they cannot be written. */
bool pa_edit_lines(const struct pa_edit *edit, struct pa_buffer *out);

/* edit_iptables.c, edit_nft.c */
bool pa_edit_is_iptables(const struct pa_edit *edit);
void pa_edit_write_nft(const struct pa_edit *edit, struct pa_edit_commands *commands);
void pa_edit_write_iptables(const struct pa_edit *edit, struct pa_edit_commands *commands);
/* The text of one rule of the edit. false: it cannot be written. */
bool pa_edit_nft_rule(const struct pa_edit *edit, size_t index, struct pa_buffer *out);
/* The specifications ("-p tcp --dport 22 -j ACCEPT") of one rule of the edit, quoted for a shell: more than one where a test has no lists. */
bool pa_edit_iptables_rule(const struct pa_edit *edit, size_t index, struct pa_edit_commands *out);

/* edit.c, for both */
void pa_edit_add(struct pa_edit_commands *commands, const struct pa_buffer *text);
/* A word for a shell, in quotes where it needs them. */
void pa_edit_quote(const char *word, struct pa_buffer *out);
/* The protocol whose header the tests of a rule look into; -1: none, or not one alone. */
int pa_edit_protocol(const struct pa_edit_rule *rule);

#endif
