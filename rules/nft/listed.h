/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the statements of a rule look at, as libnftables lists them: to be held against what the kernel says (account.c). */
#ifndef PORTAUDIT_NFT_LISTED_H
#define PORTAUDIT_NFT_LISTED_H

#include "facts.h"
#include "json_reader.h"

/* Bits of a header. */
struct pa_listed_bits {
	unsigned base; /* NFT_PAYLOAD_* */
	unsigned first, end;
};
struct pa_listed {
	unsigned loads[PA_SOURCE_COUNT];
	unsigned payload_count;
	bool unknown_place; /* a field lies somewhere that is not known here, or there was no room */
	struct pa_listed_bits payload[PA_NFT_TESTS_MAX]; /* that are compared with something */
};

/* `statements` is the array of a rule, or NULL. */
void pa_listed_read(const struct pa_json_tape *tape, const struct pa_json_node *statements, struct pa_listed *ret_listed);
/* Bytes where nft asks for protocols by itself; they have accounts of their own. */
bool pa_listed_is_protocol(const struct pa_listed_bits *bits);

#endif
