/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rulesets of iptables for the judge. */
#ifndef JUDGE_IPTABLES_H
#define JUDGE_IPTABLES_H

#include "judge.h"

/* Is it one of NAME.rules4, NAME.rules6? */
bool iptables_is_case(const char *path);
/* Is it that, or one of NAME.legacy4, NAME.legacy6? */
bool iptables_is_dump(const char *path);
/* NAME.rules6 beside NAME.rules4 is part of that one. */
bool iptables_is_second_half(const char *path);
/* NAME.rules4 with NAME.rules6 where there is one, as a dump of iptables-nft or iptables-legacy. NULL: neither can be read. */
char *iptables_read_case(const char *path, bool legacy);
/* Is the text what iptables_read_case() made? */
bool iptables_is_ruleset(const char *text);
/* Loads it into the judged host, whose ruleset is empty. NULL or what iptables-restore says (free it). */
char *iptables_load(struct topology *topology, const char *text);
/* Takes the rules of iptables-legacy away, which nft does not see. */
void iptables_clear(struct topology *topology);

/* The ip sets that stand in NAME.ipset beside NAME.rules4; those of before go. NULL: none, or they are there. Else ipset's complaint. */
char *iptables_load_sets(struct topology *topology, const char *path, char **ret_sets);
/* The next value of one of these options (`-i eth0`); moves on. NULL: no more. Free it. */
char *iptables_next_word(const char **at, const char *const *options);
/* Rules go, many at a time and then one by one, as long as `still` says that what matters is there. Frees text. */
char *iptables_minimise(char *text, bool (*still)(const char *text, void *data), void *data);

#endif
