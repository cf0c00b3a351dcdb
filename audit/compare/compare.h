/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the checks share. A comparison is made once per run; each check is a function that looks at it and adds findings.
 *
 * Who reports a packet: every packet that gets in is reported once, by the most specific check that speaks of it. The
 * checks on exposures run in this order, and each takes what it reports out of the parts (struct part, `left`):
 *
 *   EXP-003 (denied) > EXP-009 (source-port hole) > FWD-002, EXP-004, EXP-002 or EXP-001, FWD-001 (undeclared)
 *           > FWD-004 (published past the input rules) > EXP-007 (everything open) > EXP-006 (a class of ports) > EXP-005 (a risky service)
 *           > EXP-010 or SOC-002 (nobody listens)
 *
 * Without a policy the middle group does not exist; with one, nothing is left for the last group, because what the policy
 * allows is not held against the ruleset either. A check whose packets were reported by another one still fails: its result
 * says "reported as ...", and the finding takes the higher of the two severities.
 *
 * The checks on default deny, states, loopback and families speak of the ruleset, not of single packets; they stand beside
 * those. Of DEN-005, DEN-006, STA-002 and DEN-001/002/003 only the first that explains an open default is reported.
 */
#ifndef COMPARE_H
#define COMPARE_H

#include "portaudit/difference.h"

#define PATH_COUNT 3
#define PROTOCOL_ICMP 1
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define PROTOCOL_ICMPV6 58

/* --- arbitrary values (arbitrary.c) ------------------------------------------------------------------------- */
/*
 * Values that the ruleset does not speak of. A test with an interval that covers half of all values or more ("dport 1024-65535",
 * "saddr != 10.0.0.0/8") speaks of nothing in particular: it only splits the arbitrary values into several kinds, one of
 * each kind is here. What holds for all of them holds for every value that the ruleset does not single out.
 */
#define ARBITRARY_MAX 4
struct arbitrary_values {
	pa_u128 value[ARBITRARY_MAX];
	size_t count; /* 0: the ruleset singles out every value */
};
struct arbitrary {
	struct arbitrary_values source[2]; /* of the Internet at large; [0] IPv4, [1] IPv6 */
	struct arbitrary_values destination[2];
	struct arbitrary_values source_port; /* of a client: ephemeral */
	struct arbitrary_values port;
	struct pa_ranges input_names; /* the interfaces that the ruleset singles out */
	struct pa_ranges output_names;
	bool used[PA_FIELD_COUNT]; /* the ruleset looks at this field */
};
const struct arbitrary *compare_arbitrary(const struct pa_ruleset *ruleset, struct pa_arena *arena);
/* Sorts, and merges intervals that touch. Returns the new number. */
size_t compare_merge_intervals(struct pa_interval *items, size_t count);

/* --- sets (region.c) ---------------------------------------------------------------------------------------- */
/* A part of what gets in that no check has reported yet. */
struct part {
	const struct pa_exposure *exposure;
	pa_set left;
	pa_set declared; /* of it, what an `allow` covers that says nothing of its listener */
};

/* What a statement of the policy speaks of. */
struct region {
	bool known;	    /* false: a fact of the host is missing */
	const char *reason; /* which */
	pa_set set;
};

/* A `waive` of the policy. */
struct waiver {
	const struct pa_statement *statement;
	enum pa_check_id check;
	bool expired;
	struct region regions[3]; /* what its `for` speaks of, by path; every packet without `for` */
	size_t matches;		  /* findings that it hides, or, expired, that it would hide at least in part */
};

/* What a finding speaks of, as far as it is a set of packets. */
struct finding_region {
	bool known;
	enum pa_path path;
	pa_set set;
};

/* A finding (by its index) that stands for another check as well. */
struct stand_in {
	size_t finding;
	enum pa_check_id check;
};

struct group;
struct listening; /* listener.h */
struct comparison {
	struct pa_evaluation *evaluation;
	struct pa_space *space;
	const struct pa_ruleset *ruleset;
	const struct pa_host *host;
	const struct pa_policy *policy; /* or NULL */
	const struct pa_compare_options *options;
	const struct arbitrary *arbitrary;
	struct pa_arena *scratch; /* lives as long as the comparison */
	struct pa_result *result;
	size_t finding_capacity;
	size_t sentence_capacity;
	pa_set scope[PATH_COUNT]; /* every packet that the checks speak of: the universe without trusted loopback traffic */
	struct part *parts[PATH_COUNT];
	size_t part_count[PATH_COUNT];
	struct region *regions; /* one for each statement of the policy */
	pa_day today;
	struct waiver *waivers; /* of the policy, in its order */
	size_t waiver_count;
	struct finding_region *finding_regions; /* one for each finding */
	size_t finding_region_capacity;
	struct stand_in *stand_ins;
	size_t stand_in_count, stand_in_capacity;
	const char *found_as[PA_CHECK_COUNT]; /* the code of the check that reported what this one found */
	pa_set anywhere[PATH_COUNT];	      /* compare_from_anywhere() */
	pa_set open;			      /* compare_open() of path in */
	pa_set open_default[PATH_COUNT];      /* contexts (family, interfaces) that default deny reported as open */
	struct listening *listening;	      /* who listens; host->sockets NULL: not looked at */
	size_t listening_count;
	bool *blocked;		      /* for each statement: SOC-003 reported it */
	bool settled[PA_CHECK_COUNT]; /* compare_settle() */
	const char **unsure;	      /* for each statement: why what it says of listeners is not assessed, or NULL */
};

/* A box under construction: values for some fields, any value for the others. */
struct box_builder {
	struct pa_box box;
	struct pa_interval own[PA_FIELD_COUNT]; /* for single intervals */
};
void box_set(struct box_builder *builder, enum pa_field field, pa_u128 first, pa_u128 last);
void box_family(struct box_builder *builder, int family);
pa_set compare_box(struct comparison *c, const struct box_builder *builder);
pa_set compare_single(struct comparison *c, enum pa_field field, pa_u128 first, pa_u128 last);

pa_u128 compare_loopback_name(void);
pa_set compare_loopback(struct comparison *c, enum pa_path path);
void compare_regions(struct comparison *c);
/* The region of a statement with one side forgotten; for the question in which respect an exposure is wider. */
enum relaxation {
	RELAX_NOTHING = 0,
	RELAX_SOURCE = 1,
	RELAX_SOURCE_PORT = 2,
	RELAX_INTERFACE = 4,
	RELAX_FAMILY = 8,
	RELAX_DESTINATION = 16,
	RELAX_ALL = 31,
};
struct region compare_region(struct comparison *c, const struct pa_statement *statement, unsigned relax);
/* Which headers does the statement speak of in exposures with this NAT result: all, none, or those of one port. */
pa_set compare_target_set(struct comparison *c, const struct pa_statement *statement, const struct pa_exposure *exposure);
/* What plain packets look like: unicast, SYN, no fragment ..., in the fields that the ruleset looks at. */
pa_set compare_ordinary(struct comparison *c, unsigned protocol);
/* Packets of one family, protocol and path from one arbitrary source to one arbitrary port (by number), any TCP flags. */
pa_set compare_arbitrary_packets(struct comparison *c, enum pa_path path, int family, unsigned protocol, size_t source,
				 size_t port);
/* The packets of a statement's region that a real client sends (required.c). */
pa_set compare_needed(struct comparison *c, const struct pa_statement *statement, pa_set region);
/* Forget every field but family and interfaces (and, for `services`, protocol and destination port). */
pa_set compare_contexts(struct comparison *c, pa_set set, bool services);
/* The families, interfaces, protocols and ports that some arbitrary source reaches, among what gets in. */
pa_set compare_services_for_anyone(struct comparison *c, pa_set reach);
/* Contexts in which packets from any arbitrary source to any arbitrary port are among those accepted. */
pa_set compare_open_contexts(struct comparison *c, enum pa_path path, int family, unsigned protocol, pa_set accepted);
/* What gets in, of TCP only with SYN. */
pa_set compare_new_packets(struct comparison *c, enum pa_path path, enum pa_certainty certainty);
/* The same for new connections that may get in, of both families, TCP or UDP: contexts in which everything is open. */
pa_set compare_open(struct comparison *c, enum pa_path path);
/* What gets in from any arbitrary source and client port; all sources and source ports of it. */
pa_set compare_from_anywhere(struct comparison *c, enum pa_path path);
/* Risky services, classes of ports, everything open: what a finding about these packets says besides. */
void compare_note_ports(struct comparison *c, struct pa_finding *finding, const struct group *group);
/* Does the group let arbitrary sources in? */
bool compare_is_for_anyone(struct comparison *c, const struct group *group);
void compare_take_declared(struct comparison *c);
/* Intervals of a statement's interfaces, globs expanded against the names that ruleset and host know. */
struct pa_ranges compare_interfaces(const struct arbitrary *arbitrary, const struct pa_host *host, struct pa_arena *arena,
				    const struct pa_interfaces *interfaces);
struct pa_interval compare_ephemeral(const struct pa_host *host);
struct pa_interval compare_port_range(struct pa_interval ports);
/* The packets of one service of a statement. */
pa_set compare_item_set(struct comparison *c, const struct pa_service_item *item);

/* Limit a box to plain packets, in the fields that the ruleset looks at. */
void box_ordinary(const struct comparison *c, struct box_builder *builder, unsigned protocol);

/* --- constants of the checks, which cut the space too (cuts.c uses them) ------------------------------------- */
struct risky_service {
	const char *name;
	unsigned protocol;
	unsigned first, last;
};
size_t compare_risky_services(const struct risky_service **ret_services);
struct port_pair {
	unsigned source, destination;
};
/* Source and destination port of protocols that fix both. */
size_t compare_paired_ports(const struct port_pair **ret_pairs);
struct family_interval {
	int family;
	pa_u128 first, last;
};
/* Source addresses that no sender on the Internet has (0/8, 127/8, multicast ...), IPv4 as mapped values. */
size_t compare_martians(const struct family_interval **ret_intervals);
/* Values that plain packets have in fields that seldom matter. */
struct ordinary_value {
	enum pa_field field;
	unsigned protocol; /* only for this protocol; 0: all */
	pa_u128 value;
};
size_t compare_ordinary_values(const struct ordinary_value **ret_values);
/* Hosts with more routes (of the whole Internet) are not asked what is behind which interface. */
#define COMPARE_ROUTES_MAX 1024
#define LINK_LOCAL4_FIRST (PA_IPV4_BASE | 0xa9fe0000u)
#define LINK_LOCAL4_LAST (PA_IPV4_BASE | 0xa9feffffu)
#define LINK_LOCAL_FIRST ((pa_u128)0xfe80 << 112)
#define LINK_LOCAL_LAST (((pa_u128)0xfec0 << 112) - 1)
#define LOOPBACK4_FIRST (PA_IPV4_BASE | 0x7f000000u)
#define LOOPBACK4_LAST (PA_IPV4_BASE | 0x7fffffffu)
#define LOOPBACK4_ADDRESS (PA_IPV4_BASE | 0x7f000001u)
#define LOOPBACK6 ((pa_u128)1)
enum { ICMPV6_PACKET_TOO_BIG = 2, ICMPV6_NEIGHBOUR_SOLICITATION = 135, ICMPV6_NEIGHBOUR_ADVERTISEMENT = 136 };

/* --- routes (routed.c) ---------------------------------------------------------------------------------------- */
/* Addresses and routes are known, and few enough to be looked at. */
bool compare_knows_routes(const struct pa_host *host);
/* The number of rows, from `first` on, that are ways to one destination. */
size_t compare_route_ways(const struct pa_host *host, size_t first);
/* Packets whose address (a field) is reached through the interface (a field) by the host's routes; as far as these are known. */
pa_set compare_routed(struct comparison *c, int family, enum pa_field address, enum pa_field interface);

/* --- groups of rows: what one finding speaks of (group.c) ------------------------------------------------------ */
/* A box in words: family 0 is both; a field with count 0 is any value. */
struct piece {
	int family;
	struct pa_ranges field[PA_FIELD_COUNT];
};
/* The rows that the same rules let in: one mistake, one finding. */
struct group {
	const struct pa_exposure *exposure; /* of the first row */
	struct pa_row row;		    /* the first row */
	struct piece *pieces;		    /* merged where they can be */
	size_t piece_count;
	size_t piece_capacity;
	bool cut;			   /* there are more rows than were looked at */
	bool apart;			   /* the pieces hold more than the group, which other rules let in */
	const struct pa_statement *waiver; /* hides all of it, or NULL */
	pa_set set;
};
struct groups {
	struct group *items;
	size_t count;
	size_t capacity;
	/* What the waivers of this check speak of makes groups of its own: a waiver hides a part of what a rule lets in. */
	bool divides;
	enum pa_check_id check;
};
/* The rows of `set`, a part of an exposure. */
void groups_add(struct comparison *c, struct groups *groups, const struct pa_exposure *exposure, pa_set set);
void groups_merge(struct comparison *c, struct groups *groups);
void groups_done(struct groups *groups);

/* --- text (describe.c, declare.c) ---------------------------------------------------------------------------- */
/* "8080/tcp from any on eth0 (IPv4)"; several pieces with "; ". */
void describe_group(const struct group *group, struct pa_buffer *out);
void describe_services(const struct piece *piece, struct pa_buffer *out);
void describe_target(const struct pa_target *target, struct pa_buffer *out);
/* "inet filter input handle 5 (`tcp dport 22 accept`)" or "rules.nft:12 (...)" */
void describe_rule(const struct pa_rule *rule, struct pa_buffer *out);
void describe_rules(const struct pa_rule *const *rules, size_t count, struct pa_buffer *out);
void describe_chain(const struct pa_chain *chain, struct pa_buffer *out);
/* "allow.conf:12" */
void describe_place(const struct pa_location *where, struct pa_buffer *out);
/* The line of allow.conf that declares a group: "allow 8080/tcp from any on eth0". Returns false when it says more than the group. */
bool describe_declaration(const struct group *group, size_t piece, const char *verb, struct pa_buffer *out);
/* Addresses or names of interfaces. */
void describe_ranges(enum pa_field field, int family, struct pa_ranges ranges, struct pa_buffer *out);
/* Moves the buffer's text into the result and clears it. */
const char *compare_text(struct comparison *c, struct pa_buffer *buffer);

/* --- fingerprints (fingerprint.c) ------------------------------------------------------------------------------ */
/* 128 bits in hex of a kind ("PA-EXP-001") and a region in words of its own. */
void fingerprint_make(const char *kind, const char *region, char ret_fingerprint[33]);
/* The normalised region: which values each field takes, by family. */
void fingerprint_region(const struct piece *pieces, size_t piece_count, struct pa_buffer *out);

/* --- findings (finding.c) ------------------------------------------------------------------------------------- */
bool compare_enabled(const struct comparison *c, enum pa_check_id check);
enum pa_severity compare_severity(const struct comparison *c, enum pa_check_id check);
/* Add a finding about no particular packets; `region` is what its fingerprint is made of. */
struct pa_finding *compare_add(struct comparison *c, enum pa_check_id check, const char *region);
/* Add a finding about a group: row, packet, rules, certainty and fingerprint are filled in. */
struct pa_finding *compare_add_group(struct comparison *c, enum pa_check_id check, const struct group *group,
				     const struct pa_statement *statement);
/* The finding also stands for `other`, which then fails without a finding of its own. */
void compare_stands_for(struct comparison *c, struct pa_finding *finding, enum pa_check_id other);
void compare_statement_severity(const struct comparison *c, struct pa_finding *finding, const struct pa_statement *statement);
__attribute__((format(printf, 2, 3))) void compare_sentence(struct comparison *c, const char *format, ...);
/* What the finding speaks of; compare_add_group() says it for groups. */
void compare_set_region(struct comparison *c, const struct pa_finding *finding, enum pa_path path, pa_set set);
/* What became of a check, as far as the checks that have run tell. */
struct pa_check_result compare_check_result(struct comparison *c, enum pa_check_id check);
void compare_not_assessed(struct comparison *c, enum pa_check_id check, const char *reason);
/* Give the finding an example packet of the set, and the rule that decides it when it arrives in that state. */
void compare_add_example(struct comparison *c, struct pa_finding *finding, enum pa_path path, pa_set set,
			 enum pa_scenario scenario);

/* A finding about one rule, or none (NULL). The message is taken from the buffer, which is empty then. */
void compare_report_rule(struct comparison *c, enum pa_check_id check, const struct pa_rule *rule, const char *identity,
			 struct pa_buffer *message, const char *fix);
/* Exchange what a packet has in two fields. */
void compare_swap_fields(struct pa_packet *packet, enum pa_field a, enum pa_field b);

/* --- waivers (waive.c) ------------------------------------------------------------------------------------------- */
void compare_set_up_waivers(struct comparison *c);
/* An earlier result (known.c): findings that it has are known; what is gone. Behind all checks, and behind their statuses. */
void compare_mark_known(struct comparison *c);
void compare_list_vanished(struct comparison *c);
/* Findings get the waiver that hides them. After all checks that can be waived. */
void compare_apply_waivers(struct comparison *c);
/* What the waiver hides on a path; empty when it is not in force. */
pa_set compare_waived(const struct comparison *c, const struct waiver *waiver, enum pa_path path);
const struct waiver *compare_waiver_of(const struct comparison *c, const struct pa_statement *statement);
/* A packet that conntrack calls what the scenario says. */
void compare_set_state(struct pa_packet *packet, enum pa_scenario scenario);

/* --- the checks ------------------------------------------------------------------------------------------------- */
void check_denied(struct comparison *c);	      /* EXP-003 */
void check_source_ports(struct comparison *c);	      /* EXP-009 */
void check_declared(struct comparison *c);	      /* EXP-001, EXP-004, FWD-001, FWD-002 */
void check_required(struct comparison *c);	      /* REQ-001 */
void check_published(struct comparison *c);	      /* FWD-004 */
void check_open(struct comparison *c);		      /* EXP-007 */
void check_classes(struct comparison *c);	      /* EXP-006 */
void check_services(struct comparison *c);	      /* EXP-005 */
void check_default_deny(struct comparison *c);	      /* DEN-001, 002, 003, 005, 006, a negated state of STA-002 */
void check_loopback(struct comparison *c);	      /* LOO-001 */
void check_loopback_source(struct comparison *c);     /* LOO-002 */
void check_spoofed_sources(struct comparison *c);     /* SPF-001 */
void check_replies(struct comparison *c);	      /* STA-001 */
void check_invalid(struct comparison *c);	      /* STA-002 */
void check_untracked(struct comparison *c);	      /* STA-005 */
void check_one_family(struct comparison *c);	      /* V6-001 */
void check_neighbours(struct comparison *c);	      /* V6-002 */
void check_dead_rules(struct comparison *c);	      /* HYG-001, HYG-003 */
void check_stale_allows(struct comparison *c);	      /* POL-003 */
void check_allow_in_deny(struct comparison *c);	      /* POL-004 */
void check_opaque(struct comparison *c);	      /* UNK-001 */
void check_legacy_beside_nft(struct comparison *c);   /* MGR-002 */
void check_port_budget(struct comparison *c);	      /* NAT-001 */
void check_mappings(struct comparison *c);	      /* NAT-002 */
void check_surroundings(struct comparison *c);	      /* UNK-002, UNK-003, UNK-004 */
void check_outgoing_deny(struct comparison *c);	      /* DEN-004 */
void check_undeclared_outgoing(struct comparison *c); /* OUT-001 */
void check_without_syn(struct comparison *c);	      /* STA-003 */
void check_related(struct comparison *c);	      /* STA-004 */
void check_dead_nat(struct comparison *c);	      /* FWD-003 */
void check_offload(struct comparison *c);	      /* FWD-005 */
void check_fragments(struct comparison *c);	      /* FRG-001 */
void check_redundant(struct comparison *c);	      /* HYG-002 */
void check_unused(struct comparison *c);	      /* HYG-004 */
void check_literal_deny(struct comparison *c);	      /* DEN-007 */
void check_boot(struct comparison *c);		      /* PER-002 */
void check_writers(struct comparison *c);	      /* PER-003 */
void check_scan(struct comparison *c);		      /* SCN-001 */
void check_fields(struct comparison *c);	      /* POL-001 */
void check_reviews(struct comparison *c);	      /* POL-002 */
void check_port_choice(struct comparison *c);	      /* POL-005 */
void check_limits(struct comparison *c);	      /* LOG-002 */
void check_logging(struct comparison *c);	      /* LOG-001 */
void check_waivers(struct comparison *c);	      /* WVR-001, 002, 003, 004 */
void check_several_managers(struct comparison *c);    /* MGR-001 */
/* Of those who listen; host->sockets is there. */
void check_latent(struct comparison *c);	       /* EXP-010, SOC-002 */
void check_blocked(struct comparison *c);	       /* SOC-003 */
void check_required_listeners(struct comparison *c);   /* REQ-002 */
void check_strangers(struct comparison *c);	       /* SOC-004 */
void check_bound_wide(struct comparison *c);	       /* SOC-008 */
void check_undeclared_listeners(struct comparison *c); /* SOC-001 */
void check_rights(struct comparison *c);	       /* SOC-005, SOC-007, SOC-009, SOC-010 */
void check_ephemeral_listeners(struct comparison *c);  /* SOC-006 */
void check_source_port_budget(struct comparison *c);   /* SOC-012 */
void check_collisions(struct comparison *c);	       /* SOC-011, sockets */
void check_loopback_services(struct comparison *c);    /* LOO-003 */

void check_saved(struct comparison *c);	   /* PER-001 */
void check_baseline(struct comparison *c); /* PER-004 */
void check_session(struct comparison *c);  /* REQ-001, of the administrator's own connection */

/* Packets of the scenario that certainly reach a port that no rule names, in contexts where new connections do not. */
pa_set compare_stray(struct comparison *c, enum pa_path path, unsigned protocol, enum pa_scenario scenario);
/* HYG-001 or HYG-003 speaks of the rule. */
bool compare_is_dead(struct comparison *c, const struct pa_rule *rule);
/* Where a finding's rules are written by a program, its fix says how that is told. After all checks. */
void compare_name_managers(struct comparison *c);

#endif
