/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The speed of portaudit: rulesets made here, measured phase by phase, printed as a table. */
#ifndef PA_BENCH_H
#define PA_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* --- rulesets.c: `nft -j` documents, the same bytes every time --- */

struct work {
	const char *name;  /* on the command line */
	const char *title; /* in the table */
	size_t count;	   /* rules, elements or services at full size */
	double reference;  /* milliseconds that the analysis is compared with, where nft takes NFT_REFERENCE; 0: none */
	void (*write)(FILE *out, size_t count);
};
/* Milliseconds of `nft -j list ruleset` on 10,000 rules, on the machine that the references are from. */
#define NFT_REFERENCE 360.0
extern const struct work works[];
extern const size_t work_count;
const struct work *work_find(const char *name);

/* --- measure.c: cost of a piece of work --- */

struct cost {
	double cpu;    /* milliseconds, user and system, ended children included */
	size_t memory; /* bytes: the highest resident size while it ran */
	size_t growth; /* bytes: how much higher that was than before */
};
/* Wraps what is measured: cost_begin(), the work, cost_end(). */
struct cost_start {
	double cpu;
	size_t resident;
};
struct cost_start cost_begin(void);
struct cost cost_end(struct cost_start start);
/* Runs a program with its outputs thrown away and waits for it. status: of waitpid(). */
struct cost cost_of_program(const char *const *arguments, int *ret_status);

/* --- phases.c: one ruleset through the program's stages --- */

enum phase { PHASE_LOAD, PHASE_EVALUATE, PHASE_ROWS, PHASE_CUTS, PHASE_DEAD, PHASE_COMPARE, PHASE_COUNT };
struct phases {
	bool done[PHASE_COUNT];
	struct cost cost[PHASE_COUNT];
	size_t rules, rows, dead, findings;
	char failed[200]; /* why it ended before the last phase; empty: it did not */
};
struct limits {
	unsigned runs;	  /* the smallest of each figure counts */
	unsigned seconds; /* what a phase may take */
	enum phase last;
	unsigned skipped; /* bit n: phase n is left out */
};
/* In a process of its own for each run. */
struct phases phases_measure(const char *path, const struct limits *limits);

/* --- live.c: the running kernel in a network namespace of its own --- */

struct live {
	double nft, list, check; /* CPU milliseconds */
	char skipped[200];	 /* why it was not measured; empty: it was */
};
struct live live_measure(const char *program, const char *path, unsigned runs);

/* --- table.c --- */

struct measured {
	const struct work *work;
	size_t count;
	struct phases phases;
	double list; /* CPU milliseconds of `portaudit list FILE`, the whole program; 0: not measured */
};
void table_machine(FILE *out, const char *flags, const struct limits *limits);
/* nft: what `nft -j list ruleset` on 10,000 rules took in this run (milliseconds); 0: not known, the references are taken as they are. */
void table_phases(FILE *out, const struct measured *measured, size_t count, double nft);
void table_list(FILE *out, const struct measured *measured, size_t count);
void table_live(FILE *out, const struct live *live, size_t rules);

#endif
