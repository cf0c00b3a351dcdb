/* SPDX-License-Identifier: GPL-2.0-or-later */
/* round.c: one ruleset, its packets, the kernel and the program. */
#ifndef JUDGE_ROUND_H
#define JUDGE_ROUND_H

#include "judge.h"

struct round {
	struct topology *topology;
	struct program *program; /* NULL: the kernel alone */
	struct tally tally;
	bool list; /* hold the rows of `list` against the kernel as well */
	bool verbose;
};

/* The first packet of a ruleset about which kernel and program differ. */
struct disagreement {
	enum difference kind;
	struct packet packet;
	struct observation seen;
	enum fate said;
	char condition[400];
	char address[INET6_ADDRSTRLEN + 8]; /* what the program said of the destination, when it said something */
};

enum round_end { ROUND_AGREED, ROUND_DIFFERED, ROUND_REFUSED, ROUND_BROKEN };

/*
 * Loads, sends, asks, compares; a difference counts only when the packet alone shows it again. `name` is for messages.
 * ROUND_REFUSED: nft does not take the ruleset; ROUND_BROKEN: the program gave no answer.
 */
enum round_end round_run(struct round *round, const char *name, const char *ruleset, const struct packets *packets,
			 struct disagreement *ret_first);
/* One packet through one ruleset: how they differ. */
enum difference round_again(struct round *round, const char *ruleset, const struct packet *packet,
			    struct disagreement *ret_found);
/* The program gives no answer to this ruleset, which nft takes. */
bool round_breaks(struct round *round, const char *ruleset, const struct packet *packet);
void disagreement_print(FILE *file, const struct disagreement *disagreement);
/* A case of tests/packets: folder/name.nft, .jsonl and .nat. Complains on stderr. */
bool case_save(const char *folder, const char *name, const char *ruleset, const struct disagreement *disagreement);

#endif
