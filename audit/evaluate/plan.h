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

#include "source_type.h"

enum pa_stage_kind {
	PA_STAGE_CHAIN,	    /* one filter or route base chain */
	PA_STAGE_DEFRAG,    /* IPv6 packets lose their fragment header (priority -400); where somebody asks for it */
	PA_STAGE_CONNTRACK, /* conntrack looks at the packet (priority -200) */
	PA_STAGE_NAT,	    /* all nat base chains of the hook, until one translates */
};

/* The interfaces that a chain of ingress or egress is bound to. */
struct pa_devices {
	bool known;  /* false: the listing does not say which */
	bool single; /* one name */
	struct pa_interval *items;
	size_t count;
};

/* Which packets a CHAIN stage is for, where not for all. */
enum pa_binding {
	PA_BOUND_NOT,
	PA_BOUND_OWN, /* chains of ingress and egress: packets of their devices */
	/*
	 * The same chains, for packets of interfaces that may lie on top of one of the devices (a VLAN, a bridge, a bond): the chain sees
	 * them then as packets of that device.
	 */
	PA_BOUND_BELOW,
	PA_BOUND_BRIDGE, /* chains of bridge tables: packets that come in or leave through a bridge, as packets of its port */
};

struct pa_stage {
	enum pa_stage_kind kind;
	enum pa_binding binding;
	const struct pa_devices *devices; /* OWN, BELOW */
	const char *text;		  /* BELOW, BRIDGE: what decides whether the chain sees a packet */
	bool opaque;			  /* BRIDGE: the chain is not followed; see `assigns` */
	pa_u128 assigns;		  /* opaque: the fields, one bit each, that it may give another value */
	const struct pa_chain *chain;	  /* CHAIN */
	const struct pa_chain **nat;	  /* NAT: in order */
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

#define PA_PLAN_HOOKS 7 /* prerouting ... egress */

struct pa_plan {
	struct pa_hook_plan hook[PA_PLAN_HOOKS];
	bool conntrack_ipv4, conntrack_ipv6; /* something turns connection tracking on for the family */
	/* some rule tests ct status, or writes an address or port that NAT may put back: whether a translation changes anything matters */
	bool reads_status;
	bool reads_reply;			 /* some rule tests the reply's addresses or ports, which NAT changes */
	struct pa_source_questions source_types; /* what rules tell apart (fib saddr type) */
	bool reads_nexthdr;			 /* some rule tests the first next header of IPv6 */
	size_t steps, key_parts;		 /* of all rules */
	bool reads_fragments; /* some rule asks for the fragment header of IPv6, or for what it changes: next header and lengths */
	pa_u128 writes;	      /* addresses and ports, a bit each, that some rule writes into the header */
	bool raw_ports;	      /* some rule looks at ports whatever the protocol is (th dport, ct original proto-dst) */
	/* what chains of output and postrouting may give a packet before it arrives over lo */
	bool output_marks, output_ct_marks, output_nat;
	bool bridge_tracks; /* some rule of a bridge table asks conntrack, which then sees what bridges carry before IP does */
	bool bridge_ct_marks; /* ... or gives the flow a mark */
	/*
	 * Fields that chains of ingress or egress may give packets of interfaces on top of their devices, where it matters which chain a
	 * packet meets first, or how often it meets one: that depends on what lies on top of what.
	 */
	pa_u128 unordered[PA_PLAN_HOOKS];
	unsigned *chain_hooks; /* by chain: the hooks that it is reached from, one bit each */
};

static inline bool pa_plan_writes(const struct pa_plan *plan, enum pa_field field)
{
	return plan->writes >> field & 1;
}

/* The ties and orders of a hook whose stages are there. */
void pa_plan_orders(struct pa_hook_plan *plan, struct pa_arena *arena);
void pa_plan_make(const struct pa_ruleset *ruleset, struct pa_arena *arena, struct pa_plan *ret_plan);

/* Can the chain (or one that it jumps to) drop or change packets? */
bool pa_chain_matters(const struct pa_chain *chain);
/* The fields, one bit each, that the chain (or one that it jumps to) may give another value. */
pa_u128 pa_chain_assigns(const struct pa_chain *chain);
/* Does the chain (or one that it jumps to) ask conntrack for anything? */
bool pa_chain_tracks(const struct pa_chain *chain);
/* plan_device.c: the stages of ingress and egress. */
void pa_plan_devices(const struct pa_ruleset *ruleset, struct pa_arena *arena, struct pa_plan *plan);
/* plan_hooks.c: the hooks of chains. */
void pa_plan_reach(const struct pa_ruleset *ruleset, struct pa_arena *arena, struct pa_plan *plan);
/*
 * Is what the rule asks for that of the interface which the test names? Measured on Linux 6.18: meta iiftype is the type of the device
 * that has the packet in hand, as it goes out the one that it goes out by (behind a tunnel, in output, the tunnel); older kernels ask the
 * incoming one.
 */
bool pa_plan_knows_link(const struct pa_plan *plan, const struct pa_rule *rule, const struct pa_link_test *test);
/* Do packets of an interface, whose name tells nothing else, meet a BELOW or BRIDGE stage? What is known of it tells. */
enum pa_meets { PA_MEETS_NEVER, PA_MEETS_MAYBE, PA_MEETS_ALWAYS };
struct pa_link_meets {
	enum pa_meets meets;
	bool ordered;	/* each chain once, in the order of the stages */
	pa_u128 device; /* the device below, or the port, when there is only one; else 0 */
};
struct pa_link_meets pa_link_meets(const struct pa_host *host, const struct pa_host_link *link, const struct pa_stage *stage);
/* The field that tells whether a chain at ingress or egress is asked. */
enum pa_field pa_device_field(enum pa_hook hook);
/* The fields, one bit each, that the chain (or one that it jumps to) looks at. */
pa_u128 pa_chain_reads(const struct pa_chain *chain);
/* Is the chain bound to a device that holds this name? */
bool pa_chain_has_device(const struct pa_chain *chain, const char *name);

/* Tells apart questions about the same unknown value: whether it is one of first..last. All bits count, names have theirs at the top. */
static inline uint64_t pa_interval_key(pa_u128 first, pa_u128 last)
{
	uint64_t a = (uint64_t)first * 7 + (uint64_t)(first >> 64) * 0x100000001b3u;
	return a * 31 + (uint64_t)last + (uint64_t)(last >> 64) * 0xff51afd7ed558ccdu;
}

/* Does a chain of this family see packets of IP family 4 or 6? */
bool pa_family_sees(enum pa_family family, int ip_family);

/* What exists only while the packet has a flow: testing it without one ends the rule, negated or not. */
bool pa_part_needs_flow(const struct pa_key_part *part);
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
