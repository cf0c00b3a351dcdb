/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order in which the kernel runs base chains at each hook, over all tables. Shared by the symbolic evaluation and
 * by the walk of one packet.
 *
 * Measured on kernel 6.18: chains of one priority run in reverse order of their creation; chains of type nat run
 * together at -100 (prerouting, output) or 100 (input, postrouting) whatever priority they have, their own only sorts
 * them among each other; `accept` in one of them does not keep the next from being asked, a translation does; without
 * anything that turns conntrack on for a family, its nat chains are not run at all.
 */
#ifndef PA_EVALUATE_PLAN_H
#define PA_EVALUATE_PLAN_H

#include "portaudit/evaluate.h"

enum pa_stage_kind {
	PA_STAGE_CHAIN,	    /* one filter or route base chain */
	PA_STAGE_DEFRAG,    /* IPv6 packets lose their fragment header (priority -400); where somebody asks for it */
	PA_STAGE_CONNTRACK, /* conntrack looks at the packet (priority -200) */
	PA_STAGE_NAT,	    /* all nat base chains of the hook, until one translates */
};

struct pa_stage {
	enum pa_stage_kind kind;
	const struct pa_chain *chain; /* CHAIN */
	const struct pa_chain **nat;  /* NAT: in order */
	size_t nat_count;
	int priority;
	bool state_unsure; /* CHAIN at exactly -200: whether conntrack ran before cannot be told from the listing */
};

/*
 * Chains of one hook and priority of which some are of unknown age: the order among the others is known, and these run before all of
 * them, or behind the first, or behind the second ...
 */
struct pa_tie {
	size_t count;	      /* of the others */
	const char **text[2]; /* [0] IPv4, [1] IPv6: that they run before the one, in words; NULL: no packet meets both */
};

struct pa_hook_plan {
	struct pa_stage *stages;
	size_t count;
	/* plan_order.c: every order that is possible, by a digit (0..count) for each tie, of which the first counts most */
	struct pa_tie *ties;
	size_t tie_count;
	struct pa_stage **orders; /* NULL: only one */
};
#define PA_ORDER_REASON                                                                                                               \
	"of two chains of one hook and priority the one that was registered last runs first, and when those of iptables-legacy were " \
	"is nowhere to be read"

#define PA_PLAN_HOOKS 5 /* prerouting ... postrouting */

struct pa_plan {
	struct pa_hook_plan hook[PA_PLAN_HOOKS];
	bool conntrack_ipv4, conntrack_ipv6; /* something turns connection tracking on for the family */
	/* some rule tests ct status, or writes a destination that NAT may put back: whether a translation changes anything matters */
	bool reads_status;
	bool reads_nexthdr;	 /* some rule tests the first next header of IPv6 */
	size_t steps, key_parts; /* of all rules */
	bool reads_fragments; /* some rule asks for the fragment header of IPv6, or for what it changes: next header and lengths */
	bool writes_destination; /* some rule writes a destination into the header: what comes over lo may be forwarded */
	bool writes_port;	 /* ... or a port */
	bool raw_ports;		 /* some rule looks at ports whatever the protocol is (th dport, ct original proto-dst) */
	/* what chains of output and postrouting may give a packet before it arrives over lo */
	bool output_marks, output_ct_marks, output_nat;
	/* base chains of netdev and bridge tables that may drop or change packets of the paths in and forward, or out */
	const struct pa_chain **ingress, **egress;
	size_t ingress_count, egress_count;
	uint64_t ingress_assigns; /* fields, one bit each, that the chains of `ingress` may give another value */
};

/* The ties and orders of a hook whose stages are there. */
void pa_plan_orders(struct pa_hook_plan *plan, struct pa_arena *arena);
void pa_plan_make(const struct pa_ruleset *ruleset, struct pa_arena *arena, struct pa_plan *ret_plan);

/* Does a chain of this family see packets of IP family 4 or 6? */
bool pa_family_sees(enum pa_family family, int ip_family);

/* A field that exists only while the packet has a flow: testing it without one ends the rule, negated or not. */
bool pa_field_needs_flow(enum pa_field field);
/*
 * A negated test of something unknown is the opposite of the positive one, "meta hour 10" for "meta hour != 10", which is put into
 * `out`. false: not so, because there may be no answer at all, or there is no such text.
 */
bool pa_is_same_as_positive(const struct pa_key_part *part, const char *text, struct pa_buffer *out);
/* Some part of the key is an expression that may have no answer: then the rule ends. */
bool pa_key_may_break(const struct pa_key *key);
/* What an opaque part can give. */
struct pa_interval pa_opaque_outcomes(const struct pa_key_part *part);
/* Do the elements of a map with one key hold every value of first..last? */
bool pa_covers(const struct pa_elements *map, pa_u128 first, pa_u128 last);

#endif
