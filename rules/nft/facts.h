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

/* What tests and values come from, beside header bytes and the protocols that nft asks for by itself. */
enum pa_source {
	PA_SOURCE_META,
	PA_SOURCE_CT,
	PA_SOURCE_EXTHDR, /* options of TCP and IP, chunks of SCTP too */
	PA_SOURCE_FIB,
	PA_SOURCE_RT,
	PA_SOURCE_SOCKET,
	PA_SOURCE_OSF,
	PA_SOURCE_IPSEC,
	PA_SOURCE_NUMGEN,
	PA_SOURCE_HASH,
	PA_SOURCE_COUNT
};

/* A protocol that a rule asks for: by whatever header, value or mark it does so, its listing may not show it. */
enum pa_protocol_source {
	PA_PROTOCOL_NETWORK,	 /* NFPROTO_IPV4, NFPROTO_IPV6 */
	PA_PROTOCOL_TRANSPORT,	 /* IPPROTO_* */
	PA_PROTOCOL_NEXT_HEADER, /* the first of an IPv6 packet */
	PA_PROTOCOL_LINK,	 /* ARPHRD_*: meta iiftype */
	PA_PROTOCOL_FRAME,	 /* an Ethernet type that is neither IPv4 nor IPv6 */
};
struct pa_nft_protocol_test {
	uint8_t source; /* enum pa_protocol_source */
	bool late;	/* behind a verdict map or a change */
	uint16_t value;
};

/* What a rule looks at (kernel_tests.h). */
#define PA_NFT_TESTS_MAX 48
struct pa_nft_tests {
	uint8_t loads[PA_SOURCE_COUNT];
	uint8_t protocol_count, payload_count;
	uint8_t paired_relations; /* comparisons that the listing may run into one */
	bool paired_protocols;	  /* one of them is of a protocol */
	bool too_many;		  /* more than there was room for */
	bool family_by_itself;	  /* something in it ends the rule for packets of another family, without a test of it */
	bool tcp_by_itself;	  /* the same for what is not TCP */
	const struct pa_nft_protocol_test *protocol;
	const struct pa_nft_comparison *payload; /* header bytes that something is compared with */
};

struct pa_nft_rule_fact {
	enum pa_family family;
	const char *table;
	uint64_t handle;	 /* of one rule of the table only */
	unsigned flow_protocols; /* how often it reads ct l3proto or ct protocol */
	bool any_network;	 /* it tests for ICMP, and not for a family */
	struct pa_nft_tests tests;
	size_t count;
	/* All header bytes that must be different, those of one byte too, in their order; none if all are of one byte. */
	const struct pa_nft_comparison *differing;
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
/* NULL: the kernel has no such rule, or one without expressions. */
const struct pa_nft_rule_fact *pa_nft_facts_rule(const struct pa_nft_facts *facts, enum pa_family family, const char *table,
						 uint64_t handle);
/* All of one kind, in the order of the kernel. */
size_t pa_nft_facts_tables(const struct pa_nft_facts *facts, const struct pa_nft_table_fact **ret_tables);
size_t pa_nft_facts_chains(const struct pa_nft_facts *facts, const struct pa_nft_chain_fact **ret_chains);
size_t pa_nft_facts_sets(const struct pa_nft_facts *facts, const struct pa_nft_set_fact **ret_sets);

#endif
