/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stage 2: what the ruleset lets in.
 *
 * pa_evaluate() works out, for each path, the exact set of new connections that get in; pa_walk() follows one packet (or
 * a box of packets) rule by rule. They are two independent implementations over one ruleset; tests hold them against
 * each other and both against the kernel.
 */
#ifndef PORTAUDIT_EVALUATE_H
#define PORTAUDIT_EVALUATE_H

#include "portaudit/host.h"
#include "portaudit/policy.h" /* enum pa_path */
#include "portaudit/ruleset.h"
#include "portaudit/space.h"

enum pa_certainty {
	PA_CERTAIN,  /* gets in whatever the opaque tests say */
	PA_POSSIBLE, /* gets in for some outcome of them; the condition says which */
};

/* Where NAT sends the packet; the intervals are single values unless the rule gives a range. */
struct pa_target {
	bool has_address;
	int family; /* 4 or 6 */
	struct pa_interval address;
	bool has_port;
	struct pa_interval port;
	bool to_self; /* redirect: an address of this host */
};

/* What conntrack makes of a packet. */
enum pa_scenario {
	PA_SCENARIO_NEW,	 /* the first packet of a connection: what the functions above speak of */
	PA_SCENARIO_REPLY,	 /* established, reply direction */
	PA_SCENARIO_RELATED,	 /* related: ICMP errors, expected connections */
	PA_SCENARIO_INVALID,	 /* conntrack calls it invalid */
	PA_SCENARIO_UNTRACKED,	 /* as if a notrack rule had met it */
	PA_SCENARIO_ESTABLISHED, /* established, original direction */
};
#define PA_SCENARIOS 6

/* A part of what gets in: one certainty, one NAT result, a set of packets as they arrive (before any NAT). */
struct pa_exposure {
	enum pa_path path;
	enum pa_scenario scenario; /* new connections, unless it was made for others */
	enum pa_certainty certainty;
	const char *condition; /* POSSIBLE: in words; else NULL */
	bool has_target;
	struct pa_target target;
	pa_set set;
};

/* A packet with every field known that matters: what findings show and what `explain` takes. Arrives before any NAT. */
struct pa_packet {
	enum pa_path path;
	int family;
	pa_u128 value[PA_FIELD_COUNT];
	bool known[PA_FIELD_COUNT]; /* a field that is not known is open: any value */
};

struct pa_listener;
struct pa_sockets;
/* What is known of a row beside the rules; pa_join_listeners() fills it. */
struct pa_row_facts {
	const struct pa_policy *policy;	      /* its names of services come first; or NULL */
	struct pa_interval ephemeral;	      /* the host's range of ephemeral ports; 0, 0: not known */
	const struct pa_sockets *sockets;     /* NULL: not looked at, or the packets do not end on this host */
	const struct pa_listener **listeners; /* that take packets of the row, in the order of the sockets */
	size_t listener_count;
	bool covered; /* all listeners of TCP and UDP are known that could be among them: "nobody" may be said */
};

/* One row of `list`: a box, with the rules that accept it. */
struct pa_row {
	enum pa_path path;
	enum pa_certainty certainty;
	const char *condition;
	int family;
	struct pa_box box; /* family and the fields that matter; intervals live in the evaluation */
	bool plain;	   /* only nfproto, iif, oif, protocol, addresses, ports, icmp are limited; else `box` says what more */
	bool has_target;
	struct pa_target target;
	const struct pa_rule **rules; /* the rules that accept; empty: the policy of the base chains does */
	size_t rule_count;
	bool rules_complete; /* false: more rules than were looked for */
	struct pa_packet example;
	const struct pa_row_facts *facts; /* or NULL */
};

/* An opaque test that the answer depends on. */
struct pa_opaque {
	const char *text;	    /* "limit rate 5/second" */
	const struct pa_rule *rule; /* the first rule that asks it, or NULL */
	const char *reason;	    /* why it cannot be decided */
	bool matters;		    /* some packet's fate depends on it */
	bool understood; /* its meaning is known, only its outcome depends on time or state (limit, quota, a dynamic set) */
};

/* Further intervals that will be asked of the sets (from the policy); copied. */
struct pa_cut {
	enum pa_field field;
	struct pa_interval interval;
};

struct pa_evaluation;

/*
 * Evaluate all paths. `host` may know nothing. NULL only when diags says why (budget spent: kind INCOMPLETE).
 * ruleset and host must outlive the evaluation.
 */
struct pa_evaluation *pa_evaluate(const struct pa_ruleset *ruleset, const struct pa_host *host, const struct pa_cut *cuts,
				  size_t cut_count, struct pa_diags *diags);
/*
 * Two rulesets of one host in one space: their sets can be compared (difference.h). What both ask alike of what is not known is one
 * question. Freed one by one, in any order; false as NULL above.
 */
bool pa_evaluate_pair(const struct pa_ruleset *const rulesets[2], const struct pa_host *host, const struct pa_cut *cuts,
		      size_t cut_count, struct pa_diags *diags, struct pa_evaluation *ret_pair[2]);
struct pa_evaluation *pa_evaluation_free(struct pa_evaluation *evaluation);

struct pa_space *pa_evaluation_space(struct pa_evaluation *evaluation);

/* Every packet that can arrive on a path at all (its headers are consistent); everything below is a subset of it. */
pa_set pa_evaluation_universe(struct pa_evaluation *evaluation, enum pa_path path);

/* New connections that get in, disjoint exposures, interfaces other than lo as well as lo (iif lo is in the sets). */
size_t pa_evaluation_exposures(struct pa_evaluation *evaluation, enum pa_path path, const struct pa_exposure **ret_exposures);

/* The union over exposures: certain only, or certain and possible. */
pa_set pa_evaluation_reachable(struct pa_evaluation *evaluation, enum pa_path path, enum pa_certainty certainty);

/*
 * Other kinds of packets on a path, as sets of those accepted (possible ones included when certainty is POSSIBLE):
 * STA checks ask for replies, invalid and untracked packets.
 */
pa_set pa_evaluation_scenario(struct pa_evaluation *evaluation, enum pa_path path, enum pa_scenario scenario,
			      enum pa_certainty certainty);
/* Every packet that can arrive on a path in that state, accepted or not (NEW: the same as pa_evaluation_universe()). */
pa_set pa_evaluation_scenario_universe(struct pa_evaluation *evaluation, enum pa_path path, enum pa_scenario scenario);
/*
 * How packets of a path fare otherwise under the second ruleset of a pair than under the first. `set` is exact, fields that rows do
 * not show included; `shown` is what rows can be made of, like the sets above. Sets of one path and scenario share no packet.
 */
enum pa_delta_kind {
	PA_DELTA_OPENS,	    /* got in for no outcome of what is not known, or for some: now for some, or for all */
	PA_DELTA_CLOSES,    /* the other way round */
	PA_DELTA_CONDITION, /* gets in on another condition */
	PA_DELTA_FATE,	    /* gets in on the same condition, but is sent elsewhere, or leaves with another header or mark */
	PA_DELTA_ANSWER,    /* is refused as before, but the sender is told, or no longer */
};
enum pa_presence { PA_NEVER, PA_SOMETIMES, PA_ALWAYS };
struct pa_delta {
	enum pa_delta_kind kind;
	enum pa_presence before, after;
	pa_set set, shown;
};
#define PA_DELTAS_MAX 10
/* Returns the number of deltas that are not empty; 0: every packet of the path and scenario fares the same. */
size_t pa_evaluation_delta(struct pa_evaluation *const pair[2], enum pa_path path, enum pa_scenario scenario,
			   struct pa_delta ret_deltas[PA_DELTAS_MAX]);
/* What decides about packets of a set besides their headers, in words, when they get in in this scenario; NULL: nothing. */
const char *pa_evaluation_condition(struct pa_evaluation *evaluation, enum pa_path path, enum pa_scenario scenario, pa_set set);
/* Some of what the deltas of a pair depend on is not understood (struct pa_opaque): the opaque's text, or NULL. */
const char *pa_evaluation_delta_unknown(struct pa_evaluation *const pair[2], enum pa_path path, enum pa_scenario scenario);
/* FATE: the fields in which packets of a delta leave otherwise, one bit each. */
pa_u128 pa_evaluation_delta_fields(struct pa_evaluation *const pair[2], enum pa_path path, enum pa_scenario scenario,
				   pa_set set);
/* New connections that the ruleset itself makes untracked (notrack) and that get in. */
pa_set pa_evaluation_untracked(struct pa_evaluation *evaluation, enum pa_path path, enum pa_certainty certainty);

/*
 * New connections to this host that its rules let in as they arrive, as if none translated addresses or ports; a part of
 * pa_evaluation_universe() of path in.
 */
pa_set pa_evaluation_untranslated(struct pa_evaluation *evaluation, enum pa_certainty certainty);

/*
 * The rows of a set that is part of an exposure: disjoint boxes, with rules and example packets; `with_loopback` keeps rows
 * of iif lo. Allocated in the evaluation. `limit` 0: all.
 */
size_t pa_evaluation_rows(struct pa_evaluation *evaluation, const struct pa_exposure *exposure, pa_set part, bool with_loopback,
			  size_t limit, const struct pa_row **ret_rows);

/* An example packet of a non-empty set: plain values preferred (a client port, documentation addresses, SYN). */
struct pa_packet pa_evaluation_example(struct pa_evaluation *evaluation, enum pa_path path, pa_set set);

size_t pa_evaluation_opaques(struct pa_evaluation *evaluation, const struct pa_opaque **ret_opaques);

/* A rule that no packet can match, or whose matching packets were all decided by earlier rules of its chain. */
struct pa_dead_rule {
	const struct pa_rule *rule;
	bool impossible;	   /* contradicts itself: no earlier rule is to blame */
	const struct pa_rule **by; /* the earlier rules that decide its packets, in order */
	size_t by_count;
	bool opposite; /* some of them decide the other way */
};
size_t pa_evaluation_dead_rules(struct pa_evaluation *evaluation, const struct pa_dead_rule **ret_rules);

/* --- one packet ------------------------------------------------------------------------------------------- */
enum pa_fate { PA_FATE_ACCEPT, PA_FATE_DROP, PA_FATE_REJECT, PA_FATE_DEPENDS };

enum pa_walk_outcome {
	PA_WALK_MATCHED,  /* the rule's verdict was taken */
	PA_WALK_NO_MATCH, /* a test failed (failed_step) */
	PA_WALK_PASSED,	  /* all steps done, no verdict: next rule */
	PA_WALK_POLICY,	  /* end of a base chain: rule is NULL */
	PA_WALK_KERNEL,	  /* a decision of the kernel between hooks (routing, NAT): rule is NULL, text says it */
};
struct pa_walk_step {
	const struct pa_chain *chain;
	const struct pa_rule *rule;
	unsigned depth; /* of jumps */
	enum pa_walk_outcome outcome;
	const struct pa_step *failed_step;
	enum pa_verdict_kind verdict; /* MATCHED, POLICY */
	const char *text;	      /* what happened, where no rule says it, or what was assumed of an opaque test */
};
/* An answer that was assumed on the way shown, and what becomes of the packet when it is the other one. */
struct pa_walk_assumption {
	const char *text;		 /* "limit rate 5/minute" */
	bool holds;			 /* on the way shown */
	bool otherwise[PA_FATE_DEPENDS]; /* by fate: some way with the other answer ends so */
};
struct pa_walk {
	enum pa_fate fate;
	enum pa_path path;     /* after the routing decision */
	const char *condition; /* DEPENDS: on what, in words */
	bool source_changed, destination_changed;
	struct pa_interval source, destination, source_port, destination_port; /* after NAT, when changed */
	bool has_source_port, has_destination_port; /* NAT set the port (of a protocol that has ports) */
	bool destination_is_self;		    /* redirected to an address of this host, which is not known */
	bool destination_unknown;		    /* translated to an address that is not known */
	struct pa_walk_step *steps;		    /* of the first way; for DEPENDS, of a way that gets in */
	size_t step_count;
	struct pa_walk_assumption *assumptions; /* in the order in which they were asked */
	size_t assumption_count;
	struct pa_arena *arena;
};
/* For many packets through one ruleset: what can be prepared once. Borrows both. */
struct pa_walker;
struct pa_walker *pa_walker_new(const struct pa_ruleset *ruleset, const struct pa_host *host);
/* Leave rules that did not match out of the steps: much faster in long chains. */
void pa_walker_be_brief(struct pa_walker *walker);
/* As if no rule translated addresses or ports: what would the filter say of the packet as it arrives? */
void pa_walker_leave_nat_out(struct pa_walker *walker);
struct pa_walker *pa_walker_free(struct pa_walker *walker);
/*
 * What NAT makes of the reply of a translated connection: its destination becomes the one that opened, its source the address that
 * was called. Packets of an existing flow are translated so from now on; NULL: not known, any address.
 */
struct pa_reply_translation {
	bool source, destination;
	pa_u128 source_address, destination_address;
	bool has_ports;
	pa_u128 source_port, destination_port;
};
void pa_walker_translate_replies(struct pa_walker *walker, const struct pa_reply_translation *translation);
void pa_walker_walk(const struct pa_walker *walker, const struct pa_packet *packet, bool path_known, struct pa_walk *ret_walk);
/*
 * Follow a packet; fields that are not known are open. `path_known` false: the destination decides (host's addresses).
 * Free with pa_walk_done().
 */
void pa_walk(const struct pa_ruleset *ruleset, const struct pa_host *host, const struct pa_packet *packet, bool path_known,
	     struct pa_walk *ret_walk);
void pa_walk_done(struct pa_walk *walk);

#endif
