/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is a dump of the ruleset whole? While another process commits, the kernel can hand out rules twice or not at all and
 * call it success; the generation counter and NLM_F_DUMP_INTR do not show it, because a commit raises the counter before
 * it unlinks what is gone, and a transaction that is still being prepared moves the positions at which a dump goes on.
 *
 * A digest is taken of the messages that libnftables was given and another of a second, raw dump. The first is believed
 * when
 *  - each rule names the rule before it as the one it follows (NFTA_RULE_POSITION), so none is missing between two, and
 *    none is there twice;
 *  - no chain lacks its last rules, which leaves no gap: the kernel counts the rules of a chain and the verdicts that
 *    name it together (NFTA_CHAIN_USE), and as many were seen; where they were not, both dumps hold the same rules;
 *  - both dumps hold the same objects and elements;
 *  - the generation is the same before the first and after the last message.
 * The dump of rules takes time that grows with the square of their number in a chain: it is the second of them that the
 * count saves.
 * Elements of dynamic sets, which packets change without a commit, are left out, and so are elements that are about to
 * expire.
 */
#ifndef PORTAUDIT_NFT_WHOLENESS_H
#define PORTAUDIT_NFT_WHOLENESS_H

#include "portaudit/base.h"

struct nlmsghdr;

/* What was seen of one kind of object: how many, and a sum that does not depend on their order. */
struct pa_tally {
	uint64_t count;
	uint64_t sum;
};

enum pa_tally_kind {
	PA_TALLY_TABLES,
	PA_TALLY_CHAINS,
	PA_TALLY_SETS,
	PA_TALLY_OBJECTS,
	PA_TALLY_FLOWTABLES,
	PA_TALLY_RULES, /* with the rule before, so that it does depend on the order in a chain */
	PA_TALLY_COUNT,
};

/* A set or chain, by the hash of its family, table and name. Chains and sets have different hashes. */
struct pa_seen {
	uint64_t hash; /* 0: this slot is free */
	struct pa_tally elements;
	bool constant;	/* an anonymous set: its elements cannot change */
	bool dynamic;	/* packets change it */
	bool anonymous; /* a chain that JSON does not list */
	bool is_chain;	/* it was listed as a chain, with `use` */
	uint32_t use;
	uint32_t rules;	   /* of the chain */
	uint32_t verdicts; /* of rules and elements that name it */
	uint32_t key_type; /* for legible.h: datatype numbers and bytes of a set */
	uint32_t data_type;
};
struct pa_seen_table {
	struct pa_seen *slots;
	size_t capacity; /* a power of two, or 0 */
	size_t count;
};

struct pa_digest {
	struct pa_tally tally[PA_TALLY_COUNT];
	struct pa_tally listed; /* handles of the rules of chains that have a name: those that JSON shows */
	uint32_t generation;	/* of the last NFT_MSG_NEWGEN, 0: none was seen */
	bool torn;		/* the positions of the rules do not fit */
	uint64_t chain_hash;	/* of the chain that rules are being read of */
	uint64_t last_handle;
	bool in_anonymous_chain;
	/*
	 * libnftables 1.0.6 asks for all rules of a family once for each table of it, and keeps those of the table. The first of
	 * these dumps counts; that the text was made from the others is seen when its handles are compared.
	 */
	uint64_t rules_dump[16]; /* the one that counts, by family; 0: none yet */
	uint32_t dumps;		 /* that have ended: libnftables gives several the same sequence number */
	struct pa_seen_table seen;
};

void pa_digest_init(struct pa_digest *digest);
void pa_digest_done(struct pa_digest *digest);
/* Forget what was seen, when libnftables starts again. */
void pa_digest_restart(struct pa_digest *digest);
/* One message of nf_tables. Returns the number of elements in it. */
size_t pa_digest_take(struct pa_digest *digest, const struct nlmsghdr *message);
/* What is known of a set; made when it was not seen yet. Valid until the next call that takes the digest. */
struct pa_seen *pa_digest_set(struct pa_digest *digest, uint8_t family, const char *table, const char *set);
/* No rule is missing between two others or at the end of a chain, as far as one dump shows. */
bool pa_digest_rules_complete(const struct pa_digest *digest);
/* Both saw the same, and neither is torn; of rules only when `with_rules`. */
bool pa_digest_agree(const struct pa_digest *a, const struct pa_digest *b, bool with_rules);

/* The sum that `listed` has for one rule. */
uint64_t pa_digest_handle(uint64_t handle);

struct mnl_socket;
/*
 * Read the ruleset raw into `digest`, as libnftables does it, with or without rules. 0, or a negative errno: -EINTR when the kernel
 * says that the dump was interrupted.
 */
int pa_raw_dump(struct mnl_socket *socket, bool with_rules, struct pa_digest *digest);
/* The generation of the ruleset: 0, or a negative errno. */
int pa_raw_generation(struct mnl_socket *socket, uint32_t *ret_generation);

#endif
