/* SPDX-License-Identifier: GPL-2.0-or-later */
/* grammar.c: what a random rule says. */
#ifndef JUDGE_GRAMMAR_H
#define JUDGE_GRAMMAR_H

#include "judge.h"

enum chain_type { TYPE_FILTER, TYPE_NAT, TYPE_ROUTE };
enum hook { HOOK_PREROUTING, HOOK_INPUT, HOOK_FORWARD, HOOK_OUTPUT, HOOK_POSTROUTING, HOOK_INGRESS, HOOK_EGRESS };

/* Where a rule stands, and what it has said so far. */
struct grammar {
	struct chance *chance;
	int family; /* of the table: 4, 6, or 0 for inet */
	bool sets;  /* the table has the named sets */
	bool wide;  /* phrases of phrase.def as well */
	enum chain_type type;
	enum hook hook;
	bool base, raw;				/* a base chain; one where notrack has effect */
	unsigned targets, first_target;		/* chains c0... of the table; the first one that may be jumped to */
	unsigned nat_targets, first_nat_target; /* chains n0... for nat chains of prerouting and output alone */
	int network;				/* this rule's family: 4, 6, or 0: either */
	const char *transport;			/* this rule's protocol: NULL: none yet */
};

enum elements { ELEMENTS_PORT, ELEMENTS_PORT_MARK, ELEMENTS_IP4, ELEMENTS_IP6, ELEMENTS_IP4_PORT };

/* The transport of a rule that has named more than one protocol, or one by number: nothing with ports may follow. */
extern const char grammar_several[];
/* This rule speaks of one transport protocol from now on; false: it spoke of another one. */
bool grammar_want_transport(struct grammar *grammar, const char *name);
/* The values that stand for a letter of phrase.def; 0: not a list. */
uint32_t grammar_list(char letter, const char *const **ret_list);
/* accept, drop, return, continue, or a jump. */
char *grammar_verdict(struct grammar *grammar);

/* "a, b, c" without overlaps. Freed by the caller, as everything that say() makes. */
char *grammar_elements(struct grammar *grammar, enum elements kind);
void grammar_rule(struct grammar *grammar, struct script_rule *rule);

/* phrase.c: the wide part, by rows of phrase.def and block.def */
enum phrase_kind { PHRASE_MATCH, PHRASE_CHANGE, PHRASE_END, PHRASE_NAT, PHRASE_NETDEV, PHRASE_INGRESS };
/* NULL: nothing of that kind can stand here. */
char *phrase_draw(struct grammar *grammar, enum phrase_kind kind);
size_t block_count(void);
/* The set, map or object of this number, when these rules name it; else "". */
char *block_draw(struct grammar *grammar, size_t index, const char *rules);

/* generate.c */
char *say(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct script_table *script_add_table(struct script *script, char *head);
struct script_block *script_add_block(struct script_table *table, char *head);
struct script_rule *script_add_rule(struct script_block *block);
void rule_step(struct script_rule *rule, char *step);

#endif
