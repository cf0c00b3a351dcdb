/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel says of tables, chains and sets, read from the netlink messages that libnftables itself was given:
 * its JSON loses the dormant flag, the devices of netdev chains, the dynamic flag of sets, and which header fields a rule
 * compares in one piece.
 *
 * Families are the kernel's numbers here (NFPROTO_*); pa_family is translated by pa_nft_facts_*().
 */
#ifndef PORTAUDIT_NFT_FACTS_H
#define PORTAUDIT_NFT_FACTS_H

#include "portaudit/ruleset.h"

struct pa_nft_table_fact {
	enum pa_family family;
	const char *name;
	bool dormant; /* NFT_TABLE_F_DORMANT */
	bool owned;   /* NFT_TABLE_F_OWNER: belongs to a running program */
	uint64_t handle;
	const char *comment; /* or NULL */
};

struct pa_nft_chain_fact {
	enum pa_family family;
	const char *table;
	const char *name;
	uint64_t handle;
	bool is_base;
	bool anonymous;		    /* NFT_CHAIN_BINDING: the chain of `jump { ... }` */
	bool offload;		    /* NFT_CHAIN_HW_OFFLOAD */
	const char *const *devices; /* NULL-terminated, empty list: none; a trailing '*' is a wildcard */
	const char *comment;	    /* or NULL */
};

struct pa_nft_set_fact {
	enum pa_family family;
	const char *table;
	const char *name; /* anonymous sets: "__set0" */
	uint64_t handle;
	bool anonymous;
	bool constant;
	bool interval;
	bool is_map;
	bool timeout;	      /* elements may expire */
	bool dynamic;	      /* NFT_SET_EVAL: packets may add elements */
	bool concat;	      /* NFT_SET_CONCAT */
	bool has_expressions; /* elements get stateful expressions (limit, counter, quota ...) */
	uint32_t key_length;  /* bytes */
	uint32_t key_type;    /* nft's datatype number; parts of a concatenation are 6 bits each, first part highest */
	uint32_t data_length;
	uint32_t data_type;
	const char *comment; /* or NULL */
};

/* Bytes of a packet that a rule compares with a constant in one piece. */
struct pa_nft_comparison {
	uint32_t base; /* NFT_PAYLOAD_*: 0 link layer, 1 network header, 2 transport header */
	uint32_t offset;
	uint32_t length;
};

/*
 * A rule that has such a comparison of more than one byte that must be different (several fields may lie in it), that reads the
 * protocol of the flow, or that tests a protocol before something in it has an effect.
 */
struct pa_nft_rule_fact {
	enum pa_family family;
	const char *table;
	uint64_t handle;	  /* of one rule of the table only */
	unsigned flow_protocols;  /* how often it reads ct l3proto or ct protocol */
	unsigned hidden_family;	  /* 4 or 6: it asks for this family, and the listing may not show it */
	bool hidden_late;	  /* it does so behind a verdict map or a change */
	unsigned hidden_protocol; /* the transport protocol that it asks for, and that the listing may not show */
	bool protocol_late;
	unsigned first_headers, ethertypes; /* loads of the first next header of IPv6 (ip6 tables), of the Ethernet type */
	unsigned paired_relations;	    /* comparisons that the listing runs into one: kernel_expression.h */
	int first_header;		    /* what the former must be; -1: not one value */
	bool any_network;		    /* it tests for ICMP, and not for a family */
	bool l4proto_first, nfproto_first;  /* tested before a verdict map or mark of the rule: kernel_expression.h */
	size_t count;
	const struct pa_nft_comparison *differing; /* all that must be different, those of one byte too, in their order */
};

struct pa_nft_facts;

/*
 * Read the facts from recorded messages (struct nlmsghdr after struct nlmsghdr, 4-byte aligned). NULL and *ret_problem
 * (a sentence in static storage) when they cannot be read.
 */
struct pa_nft_facts *pa_nft_facts_read(const void *messages, size_t length, const char **ret_problem);
struct pa_nft_facts *pa_nft_facts_free(struct pa_nft_facts *facts); /* takes NULL, returns NULL */

/* NULL: the kernel has no such object. */
const struct pa_nft_table_fact *pa_nft_facts_table(const struct pa_nft_facts *facts, enum pa_family family, const char *name);
const struct pa_nft_chain_fact *pa_nft_facts_chain(const struct pa_nft_facts *facts, enum pa_family family, const char *table,
						   const char *name);
const struct pa_nft_set_fact *pa_nft_facts_set(const struct pa_nft_facts *facts, enum pa_family family, const char *table,
					       const char *name);
/* NULL: the rule has no comparison of several bytes that must be different. */
const struct pa_nft_rule_fact *pa_nft_facts_rule(const struct pa_nft_facts *facts, enum pa_family family, const char *table,
						 uint64_t handle);
/* All of one kind, in the order of the kernel. */
size_t pa_nft_facts_tables(const struct pa_nft_facts *facts, const struct pa_nft_table_fact **ret_tables);
size_t pa_nft_facts_chains(const struct pa_nft_facts *facts, const struct pa_nft_chain_fact **ret_chains);
size_t pa_nft_facts_sets(const struct pa_nft_facts *facts, const struct pa_nft_set_fact **ret_sets);

#endif
