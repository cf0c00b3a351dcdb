/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nft's listing of a rule loses: random rules are loaded, listed, and the listing is loaded again; the kernel's expressions of
 * the two are compared.
 *
 *   relist_rule.c   random rules       relist_guards.c  a rule's expressions as tests between effects, and their difference
 *   relist_load.c   loads and lists    relist.c         rounds, classes of differences, the smallest rule of each
 *   relist_understood.c  what the program makes of the same rules
 */
#ifndef RELIST_H
#define RELIST_H

#include "judge.h"

#define RELIST_PARTS 10

enum relist_table { RELIST_IP, RELIST_IP6, RELIST_INET, RELIST_NETDEV, RELIST_BRIDGE, RELIST_TABLES };
extern const char *const relist_table_name[RELIST_TABLES];
/* The sets that rules name, for one table, as commands of nft. Freed by the caller. */
char *relist_base(enum relist_table table);

/* relist_rule.c: a rule in parts, which can be left out one by one. */
struct relist_rule {
	char *part[RELIST_PARTS];
	size_t parts;
};
void relist_rule_draw(struct chance *chance, enum relist_table table, struct relist_rule *ret_rule);
void relist_rule_done(struct relist_rule *rule);
char *relist_rule_text(const struct relist_rule *rule); /* freed by the caller */

/* relist_load.c */
enum relist_result {
	RELIST_REFUSED,	 /* the kernel or nft does not take the rule */
	RELIST_UNLISTED, /* nft does not take its listing */
	RELIST_SAME,
	RELIST_DIFFERENT,
};
struct relist_outcome {
	enum relist_result result;
	char *listing;			     /* as nft prints the rule */
	char *before, *after;		     /* the kernel's expressions, a line each */
	char *difference;		     /* DIFFERENT: "lost ... new ..."; UNLISTED: what nft says */
	char *understood, *understood_again; /* what the program makes of either, when it is asked */
};
extern bool relist_asks; /* whether the program is asked */
/* Several rules in one table. false: nothing could be loaded at all. */
bool relist_try(enum relist_table table, char *const *rules, size_t count, struct relist_outcome *ret_outcomes);
void relist_outcome_done(struct relist_outcome *outcome);

/* relist_understood.c: what the program makes of the `count` rules of chain c. */
bool relist_understand(char **ret_understood, size_t count);

/* relist_guards.c: NULL: the two lists ask the same of every packet, as far as their texts tell. Freed by the caller. */
char *relist_difference(const char *before, const char *after);
/* What was lost makes no difference to any packet, for what the program understood of the rule. */
bool relist_is_harmless(const char *difference, const char *understood);

#endif
