/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rulesets of iptables for the judge. */
#ifndef JUDGE_IPTABLES_H
#define JUDGE_IPTABLES_H

#include "judge.h"

/* Is it one of NAME.rules4, NAME.rules6? */
bool iptables_is_case(const char *path);
/* NAME.rules4 with NAME.rules6 where there is one, as a dump of iptables-nft or iptables-legacy. NULL: neither can be read. */
char *iptables_read_case(const char *path, bool legacy);
/* Is the text what iptables_read_case() made? */
bool iptables_is_ruleset(const char *text);
/* Loads it into the judged host, whose ruleset is empty. NULL or what iptables-restore says (free it). */
char *iptables_load(struct topology *topology, const char *text);
/* Takes the rules of iptables-legacy away, which nft does not see. */
void iptables_clear(struct topology *topology);

#endif
