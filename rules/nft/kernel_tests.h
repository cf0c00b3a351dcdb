/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's expressions of a rule look at: the other side of the accounts that the listing is held against (account.c).
 */
#ifndef PORTAUDIT_NFT_KERNEL_TESTS_H
#define PORTAUDIT_NFT_KERNEL_TESTS_H

#include "kernel_expression.h"

/* Marks the walk over a rule's expressions. All zero before the first. */
struct pa_kernel_walk {
	struct pa_nft_tests tests;
	struct pa_nft_comparison pending[PA_NFT_TESTS_MAX]; /* header bytes in registers that nothing has looked at yet */
	struct pa_nft_comparison payload[PA_NFT_TESTS_MAX];
	struct pa_nft_protocol_test protocol[PA_NFT_TESTS_MAX];
	unsigned pending_count;
	unsigned family;		      /* NFPROTO_* of the table, or what was asked for; 0: either */
	struct pa_kernel_expression before;   /* the one before this, when it loads something; name NULL: none */
	struct pa_kernel_expression loader;   /* the last one that loaded something since the last comparison */
	struct pa_kernel_expression compared; /* what the last comparison looked at */
	unsigned loaders;		      /* how many since then */
	bool adjacent;			      /* nothing but loads has come since then */
	uint32_t relation;		      /* NFT_CMP_* of the last comparison; 0: none */
};

/* Takes the next expression. `late`: something before it decides, or changes the packet or its flow. */
void pa_kernel_walk_take(struct pa_kernel_walk *walk, const struct pa_kernel_expression *expression, bool late);

#endif
