/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef JUDGE_MODES_H
#define JUDGE_MODES_H

#include "round.h"

enum mode { MODE_NONE, MODE_CASES, MODE_CORPUS, MODE_RECORD, MODE_VERIFY, MODE_RANDOM, MODE_RATE };

struct settings {
	enum mode mode;
	const char *folder, *program, *save, *table;
	const char *without; /* words, separated by commas: rulesets that have one are not made */
	bool list, verbose;
	unsigned long packets, seed, seconds, rulesets, most; /* 0: the mode's own default */
};

/* The exit status of the judge. */
int mode_cases(struct round *round, const struct settings *settings);
int mode_corpus(struct round *round, const struct settings *settings);
int mode_record(struct round *round, const struct settings *settings);
int mode_verify(struct round *round, const struct settings *settings);
int mode_random(struct round *round, const struct settings *settings);
int mode_rate(struct round *round, const struct settings *settings);

#endif
