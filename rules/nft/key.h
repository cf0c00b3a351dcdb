/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registry of keyed expressions (nft_key.def) and of the reasons why something is opaque (nft_reason.def). */
#ifndef PORTAUDIT_NFT_KEY_H
#define PORTAUDIT_NFT_KEY_H

#include "../ir/names.h"
#include "json_reader.h"
#include "portaudit/field.h"
#include "portaudit/ruleset.h"

enum pa_nft_reason_id {
#define REASON(id, again, answers, understood, text) PA_REASON_##id,
#include "nft_reason.def"
#undef REASON
	PA_REASON_COUNT,
	PA_REASON_NONE = PA_REASON_COUNT
};
/* What a second look gives for the same packet. */
enum pa_nft_again { PA_AGAIN_SAME, PA_AGAIN_HEADER, PA_AGAIN_ANY };
enum pa_nft_answers { PA_ANSWERS_ALWAYS, PA_ANSWERS_MAYBE };
struct pa_nft_reason {
	const char *id;
	const char *text;
	enum pa_nft_again again;
	enum pa_nft_answers answers;
	bool understood;
};
extern const struct pa_nft_reason pa_nft_reasons[PA_REASON_COUNT];
/* The row whose text this is (the same pointer), or NULL. */
const struct pa_nft_reason *pa_nft_reason_of(const char *text);

#define PA_NFT_ETHER 1u
#define PA_NFT_ANY_TRANSPORT 2u

struct pa_nft_key {
	const char *name; /* NULL: the end of the group. "": is the header there? */
	bool is_opaque;
	bool is_present;     /* one bit of the field says that the header is there */
	unsigned bit;	     /* which */
	bool needs_flow;     /* where there is no flow the rule ends */
	bool is_zero;	     /* 0 for every flow, until a rule sets it */
	bool has_icmp_types; /* only in ICMP messages of these types */
	unsigned icmp_type[2];
	enum pa_field field; /* unless it is opaque */
	enum pa_datatype type;
	enum pa_nft_reason_id reason; /* opaque */
	enum pa_fib fib;	      /* opaque, unless the host's routes are known */
	bool is_linked;		      /* opaque, but for interfaces that the host has */
	struct pa_link_test link;
	const char *since;
};
struct pa_nft_group {
	const char *expression;
	const char *name;
	unsigned nfproto, l4proto, flags;
	const struct pa_nft_key *keys;
};

enum pa_nft_group_id {
#define GROUP(id, expression, name, nfproto, l4proto, flags) PA_GROUP_##id,
#include "nft_key.def"
	PA_GROUP_COUNT
};
extern const struct pa_nft_group pa_nft_groups[PA_GROUP_COUNT];

/* The group of that expression and name (NULL: ""); NULL when there is none. */
const struct pa_nft_group *pa_nft_find_group(const char *expression, const struct pa_json_node *name);
/* The key of that name in the group; a NULL name is "". NULL when there is none. */
const struct pa_nft_key *pa_nft_find_key(const struct pa_nft_group *group, const struct pa_json_node *name);
/* The row that says whether the group's header is there, or NULL. */
const struct pa_nft_key *pa_nft_presence(const struct pa_nft_group *group);

#endif
