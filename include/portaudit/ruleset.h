/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ruleset as every front end hands it over and as nothing behind it changes it: tables, chains, rules, steps.
 *
 * A rule is an *ordered list of steps*. A MATCH that fails ends the rule ("break": the next rule is tried), but what
 * earlier steps of the rule changed (a mark) stays changed. The front end writes the tests that the kernel does
 * implicitly (nfproto for `ip saddr` in an inet table, l4proto for `tcp dport`) as MATCH steps of their own, marked
 * `implied`. Whatever a front end cannot express becomes an OPAQUE step with its text: never left out, never guessed.
 *
 * Everything is allocated in `arena` and read-only once loaded.
 */
#ifndef PORTAUDIT_RULESET_H
#define PORTAUDIT_RULESET_H

#include "portaudit/base.h"
#include "portaudit/field.h"

enum pa_family { PA_FAMILY_IP, PA_FAMILY_IP6, PA_FAMILY_INET, PA_FAMILY_ARP, PA_FAMILY_BRIDGE, PA_FAMILY_NETDEV };
enum pa_hook {
	PA_HOOK_PREROUTING,
	PA_HOOK_INPUT,
	PA_HOOK_FORWARD,
	PA_HOOK_OUTPUT,
	PA_HOOK_POSTROUTING,
	PA_HOOK_INGRESS,
	PA_HOOK_EGRESS,
};
enum pa_chain_type { PA_CHAIN_FILTER, PA_CHAIN_NAT, PA_CHAIN_ROUTE };

struct pa_table;
struct pa_chain;
struct pa_rule;

enum pa_verdict_kind {
	PA_VERDICT_ACCEPT,
	PA_VERDICT_DROP,
	PA_VERDICT_REJECT, /* dropped, and the sender is told */
	PA_VERDICT_CONTINUE,
	PA_VERDICT_RETURN,
	PA_VERDICT_JUMP,
	PA_VERDICT_GOTO,
};
struct pa_verdict {
	enum pa_verdict_kind kind;
	const char *target_name;       /* jump, goto: the chain as written */
	const struct pa_chain *target; /* resolved by pa_ruleset_check(); anonymous chains are set directly */
};

/*
 * The interface through which the host's routes lead to the packet's source or destination, with IIF only if it is the one that the
 * packet came in by: nft's fib, which gives its name (as in PA_FIELD_IIFNAME) or 0, and is asked for 1 where only whether there is
 * such an interface counts. XT: iptables' rpfilter, which asks for the source, and gives 1 or 0.
 */
enum pa_fib {
	PA_FIB_NONE,
	PA_FIB_SOURCE_IIF,
	PA_FIB_SOURCE,
	PA_FIB_DESTINATION_IIF,
	PA_FIB_DESTINATION,
	PA_FIB_XT_STRICT,
	PA_FIB_XT_LOOSE,
	PA_FIB_COUNT
};

/*
 * What a test of the time asks. SPAN is iptables' -m time, which gives 1 (inside) or 0: seconds since 1970, bit n for the day of the
 * week n (0 Sunday) and of the month n, seconds of the day (first above last: over midnight; `contiguous`: what is behind
 * midnight is of the day before).
 */
enum pa_moment_kind {
	PA_MOMENT_TIME, /* nanoseconds since 1970 */
	PA_MOMENT_DAY,	/* 0 Sunday to 6 Saturday */
	PA_MOMENT_HOUR, /* seconds of the day */
	PA_MOMENT_SPAN,
};
struct pa_moment {
	enum pa_moment_kind kind;
	bool contiguous;
	bool kernel_zone; /* SPAN: in the zone that the kernel was told, else in UTC. DAY and HOUR always ask that zone */
	uint32_t weekdays, monthdays;
	unsigned daytime_first, daytime_last;
	int64_t date_first, date_last;
};

/*
 * What a test asks of the interface that the packet came in by (PA_FIELD_IIFNAME) or goes out by (PA_FIELD_OIFNAME): the value
 * (property & mask) ^ xor_value. Without that interface, and of one without a kind (pa_ifname_value() of its name), the rule ends.
 */
enum pa_link_property { PA_LINK_TYPE, PA_LINK_GROUP, PA_LINK_KIND, PA_LINK_PROPERTIES };
struct pa_link_test {
	enum pa_link_property property;
	enum pa_field interface;
	pa_u128 mask;
	pa_u128 xor_value;
};

/*
 * One part of what a test looks at: the value (field & mask) ^ xor_value. Without an operation mask is
 * pa_field_max(field) and xor_value is 0.
 * An expression that is no known field has opaque != NULL: its text in nft's words ("numgen random mod 4",
 * "socket cgroupv2 level 1"); field is then meaningless, and it gives a value of xor_value..mask (mask 0: any). Two opaque
 * parts with the same text ask the same thing: `volatile_` says that two evaluations for one packet may differ all the same (numgen, limit).
 */
struct pa_key_part {
	pa_u128 mask;
	pa_u128 xor_value;
	const char *opaque;
	const char *reason;		 /* opaque: why it cannot be decided, half a sentence; NULL: not known */
	enum pa_fib fib;		 /* opaque: where the host's routes are known, they tell */
	const struct pa_moment *moment;	 /* opaque: the time gives the value; NULL: something else does */
	const struct pa_link_test *link; /* opaque: the interface gives it, where the host has it; NULL: something else does */
	enum pa_field field;
	bool volatile_;
	bool understood; /* opaque: what is asked is known, only the moment or the host decides the answer */
	bool always;	 /* opaque: the kernel finds a value for every packet; else the rule may end, negated or not */
	/*
	 * `th dport`, `th sport`: these bytes of the transport header whatever the protocol is. The port for tcp, udp, udplite,
	 * sctp and dccp; for any other protocol no field of ours, so that the test may go either way.
	 */
	bool any_transport;
	/*
	 * Asked by a match of iptables: it reads a template that a rule gave the packet like a flow, though nobody knows what is in it,
	 * and takes a link-local address of the host for its own on every link.
	 */
	bool of_xtables;
	bool of_flow; /* `ct l3proto`: what the packet has, but a packet without a flow has none, and the rule ends */
};
struct pa_key {
	unsigned count; /* 1, or the number of concatenated parts (at most PA_KEY_PARTS_MAX) */
	struct pa_key_part *parts;
};
#define PA_KEY_PARTS_MAX 8

/* What a map gives for an element: a verdict, or one or more values (an address, a port, a mark; an address and a port). */
enum pa_datum_kind { PA_DATUM_VERDICT, PA_DATUM_VALUES, PA_DATUM_OPAQUE };
#define PA_DATUM_VALUES_MAX 4
struct pa_datum {
	enum pa_datum_kind kind;
	struct pa_verdict verdict;
	unsigned count;
	struct pa_interval *values; /* count of them: a single value has first == last */
	const char *text;	    /* OPAQUE: what it is */
};

/*
 * The contents of a set or map, named or anonymous: `count` boxes of `parts` intervals each, box i being
 * keys[i * parts] ... keys[i * parts + parts - 1]. Elements of one set do not overlap (the kernel sees to that); one-part
 * elements are sorted when `sorted` is true. Maps have data[count].
 * Interface names: "eth0" is one value, "br-*" an interval. IPv4 addresses are IPv4-mapped.
 */
struct pa_elements {
	unsigned parts;
	bool sorted;
	bool has_catch_all; /* the element `*`: what no other element holds */
	bool may_grow;	    /* packets or user space may add elements (dynamic): a miss may become a hit */
	bool may_shrink;    /* elements carry a timeout or a per-element limit: a hit may become a miss */
	size_t count;
	struct pa_interval *keys;
	struct pa_datum *data;	    /* NULL for a set */
	struct pa_datum *catch_all; /* its datum, for maps */
	const char *opaque;	    /* not NULL: an element could not be expressed, with the reason; any answer is possible */
	const struct pa_set_decl *decl; /* the named set, or NULL for an anonymous one */
};

/* A named set or map of a table. */
struct pa_set_decl {
	const struct pa_table *table;
	const char *name;
	const char *type_text; /* "ipv4_addr . inet_service", for maps "ipv4_addr : verdict" */
	uint64_t handle;
	bool is_map;
	bool dynamic;
	bool timeout;
	bool interval;
	uint64_t size; /* elements that fit; 0: no limit */
	const char *comment;
	struct pa_elements elements;
	struct pa_location where;
};

/* Where a value comes from, for assignments and NAT. */
enum pa_operand_kind {
	PA_OPERAND_NONE,   /* not given (dnat without a port) */
	PA_OPERAND_VALUE,  /* interval: one value, or any value of it (a NAT range) */
	PA_OPERAND_FIELD,  /* part: another field, with mask and xor (meta mark set ct mark and 0xff); see keep */
	PA_OPERAND_MAP,	   /* key looked up in map: a miss ends the rule; datum_index says which value of the datum */
	PA_OPERAND_PREFIX, /* interval: an address prefix; the host bits stay those of the old value (netmap) */
	PA_OPERAND_OPAQUE, /* text: cannot be known */
};
struct pa_operand {
	enum pa_operand_kind kind;
	unsigned datum_index; /* MAP */
	const char *text;     /* OPAQUE */
	const char *reason;   /* OPAQUE: why it cannot be known, half a sentence; NULL: not known */
	uint64_t keep; /* FIELD, in an ASSIGN of a mark: bits that stay as they were; the part is turned over on top of them */
	union {
		struct pa_interval interval; /* VALUE, PREFIX */
		struct pa_key_part part;     /* FIELD */
		struct {		     /* MAP */
			struct pa_key key;
			const struct pa_elements *map;
		};
	};
};

enum pa_nat_kind { PA_NAT_SNAT, PA_NAT_DNAT, PA_NAT_MASQUERADE, PA_NAT_REDIRECT };

enum pa_step_kind {
	PA_STEP_MATCH,	 /* key in elements (or not in, when negated); if not, the rule ends */
	PA_STEP_VERDICT, /* verdict */
	PA_STEP_VMAP,	 /* key looked up in elements, data[] are verdicts; a miss ends the rule (NFT_BREAK) */
	/*
	 * field := operand (meta mark set, ct mark set, ip dscp set ...). CT_STATE := new is what `ct zone set` does for packets
	 * that conntrack has not seen yet: until it runs, they seem to have a new flow.
	 */
	PA_STEP_ASSIGN,
	PA_STEP_NAT,	 /* snat, dnat, masquerade, redirect; ends the chain as accept does */
	PA_STEP_NOTRACK, /* the packet becomes untracked if conntrack has not seen it yet */
	PA_STEP_NONE,	 /* counter, log, comment: no effect on what gets in */
	PA_STEP_OPAQUE,	 /* text: something whose outcome cannot be known from the packet, see enum pa_opacity */
};

/* What an opaque step may do. The front end picks the narrowest that is certainly true. */
enum pa_opacity {
	PA_OPACITY_MATCH, /* goes on or ends the rule (limit, quota, ct count, an unknown match) */
	PA_OPACITY_VERDICT, /* anything: goes on, ends the rule, accepts, drops (an unknown statement, queue, an unknown target) */
	PA_OPACITY_STOLEN, /* may take the packet away (fwd, dup target, tproxy): goes on, or never arrives here */
};

/* Only the members that are named for its kind mean anything in a step: the others may share their memory. */
struct pa_step {
	enum pa_step_kind kind;
	bool implied;		 /* written by the front end, not by the administrator */
	bool negated;		 /* MATCH */
	bool volatile_;		 /* OPAQUE: two evaluations for one packet may differ */
	bool understood;	 /* OPAQUE: as in struct pa_key_part */
	bool counted;		 /* OPAQUE: the packets that came here before decide (a limit, a quota) */
	enum pa_opacity opacity; /* OPAQUE */
	enum pa_field field;	 /* ASSIGN */
	enum pa_nat_kind nat;	 /* NAT */
	bool random;		 /* NAT: the port is drawn, even where the old one would do */
	int nat_family;		 /* NAT: 4, 6, or 0 when the address or packet decides */
	const char *text;	 /* canonical text of this step; NULL for implied ones. OPAQUE: names the free variable */
	const char *reason;	 /* OPAQUE: why its outcome is not known, half a sentence; NULL: not known */
	union {
		struct {
			struct pa_key key;		    /* MATCH, VMAP */
			const struct pa_elements *elements; /* MATCH, VMAP */
			struct pa_verdict verdict;	    /* VERDICT */
		};
		struct {
			struct pa_operand value; /* ASSIGN; NAT: the address */
			struct pa_operand port;	 /* NAT */
		};
	};
};

struct pa_rule {
	const struct pa_chain *chain;
	unsigned index;	 /* position in the chain, from 0 */
	unsigned id;	 /* position in pa_ruleset.rules */
	uint64_t handle; /* 0: none */
	struct pa_location where;
	const char *comment;
	const char *text; /* canonical text of the whole rule, in the words of its front end */
	bool continues;	  /* one rule of the administrator with the rule before it: another of its alternatives */
	struct pa_step *steps;
	size_t step_count;
};

struct pa_chain {
	const struct pa_table *table;
	unsigned id; /* position in pa_ruleset.chains: order of creation */
	const char *name;
	uint64_t handle;
	struct pa_location where;
	bool is_base;
	bool is_anonymous;
	enum pa_chain_type type;
	enum pa_hook hook;
	int priority;
	enum pa_verdict_kind policy; /* ACCEPT or DROP */
	const char *const *devices;  /* ingress, egress; NULL-terminated, or NULL when not known */
	const char *comment;
	struct pa_rule **rules;
	size_t rule_count;
};

/* A table written by a compatibility layer whose rules this document cannot show in full. */
enum pa_table_source { PA_SOURCE_NFT, PA_SOURCE_IPTABLES_NFT, PA_SOURCE_IPTABLES_LEGACY };

struct pa_table {
	enum pa_family family;
	const char *name;
	unsigned id;
	uint64_t handle;
	struct pa_location where;
	bool scratch_handles; /* a script's: its handles, those of its chains and rules are not the host's */
	bool dormant;
	bool has_xt; /* holds xtables matches or targets whose arguments are lost */
	enum pa_table_source source;
	/* When its chains were registered is not known: they may run before or behind any other of their hook and priority. */
	bool age_unknown;
	const char *comment;
	struct pa_chain **chains;
	size_t chain_count;
	struct pa_set_decl **sets;
	size_t set_count;
};

/* A limit, quota, flowtable ... that rules use by name: nothing that decides a packet, but two rulesets may differ in it. */
struct pa_object {
	const struct pa_table *table;
	const char *kind; /* "limit" */
	const char *name;
	const char *text; /* what it is set to, without what it has counted */
};

/* Something that makes the audit incomplete although a ruleset was loaded (legacy tables present, xt arguments lost). */
struct pa_gap {
	const char *message; /* one sentence */
	const char *help;
};

#define PA_LIVE_NAME "live kernel"
struct pa_ruleset {
	struct pa_arena *arena;
	struct pa_table **tables;
	size_t table_count;
	struct pa_chain **chains; /* all chains of all tables */
	size_t chain_count;
	struct pa_rule **rules; /* all rules of all chains, chain by chain */
	size_t rule_count;
	struct pa_object *objects;
	size_t object_count;
	struct pa_gap *gaps;
	size_t gap_count;
	bool legacy_unread;   /* tables of iptables-legacy exist that are not in here: a gap says why */
	const char **sources; /* PA_LIVE_NAME, "rules.nft": what was read */
	size_t source_count;
};

const char *pa_family_name(enum pa_family family);
const char *pa_hook_name(enum pa_hook hook);
const char *pa_chain_type_name(enum pa_chain_type type);
const char *pa_verdict_name(enum pa_verdict_kind kind);

struct pa_ruleset *pa_ruleset_free(struct pa_ruleset *ruleset); /* takes NULL, returns NULL */

/*
 * Building (rules/ir/build.c), used by every front end. Each call copies its strings into the arena. Objects are
 * appended in the order of the calls. pa_ruleset_finish() fills ruleset->rules, rule ids and chain->rules.
 */
struct pa_ruleset *pa_ruleset_new(void);
struct pa_table *pa_ruleset_add_table(struct pa_ruleset *ruleset, enum pa_family family, const char *name);
struct pa_table *pa_ruleset_find_table(const struct pa_ruleset *ruleset, enum pa_family family, const char *name);
struct pa_chain *pa_table_add_chain(struct pa_ruleset *ruleset, struct pa_table *table, const char *name);
struct pa_chain *pa_table_find_chain(const struct pa_table *table, const char *name); /* hashed: constant time */
struct pa_set_decl *pa_table_add_set(struct pa_ruleset *ruleset, struct pa_table *table, const char *name);
struct pa_set_decl *pa_table_find_set(const struct pa_table *table, const char *name);
struct pa_rule *pa_chain_add_rule(struct pa_ruleset *ruleset, struct pa_chain *chain);
void pa_ruleset_add_object(struct pa_ruleset *ruleset, const struct pa_object *object);
void pa_ruleset_add_gap(struct pa_ruleset *ruleset, const char *message, const char *help);
void pa_ruleset_add_source(struct pa_ruleset *ruleset, const char *name);
/*
 * Two readings of one ruleset become one. pa_ruleset_adopt(): the memory of `other` lives as long as that of `ruleset`, to which it
 * belongs from now on. pa_chain_take_rules(): the rules of `chain` are those of `from` (which has none then), a chain of an adopted
 * ruleset. pa_ruleset_take_table(): a table of an adopted ruleset, with its chains, behind all others.
 */
void pa_ruleset_adopt(struct pa_ruleset *ruleset, struct pa_ruleset *other);
void pa_chain_take_rules(struct pa_ruleset *ruleset, struct pa_chain *chain, struct pa_chain *from);
void pa_ruleset_take_table(struct pa_ruleset *ruleset, struct pa_table *table);
void pa_ruleset_finish(struct pa_ruleset *ruleset); /* after the last rule; pa_ruleset_check() calls it when needed */

/*
 * Another ruleset of the same rules (rules/ir/edit.c), to be changed: it shares texts and values with the original, which must outlive
 * it. Tables, chains and rules have the positions of the original's. NULL: the original is not sound (a jump leads out of it).
 * The rules behind one that is removed or inserted move up or down; pa_ruleset_finish() afterwards.
 */
struct pa_ruleset *pa_ruleset_copy(const struct pa_ruleset *ruleset);
void pa_chain_remove_rule(struct pa_ruleset *ruleset, struct pa_chain *chain, size_t index);
struct pa_rule *pa_chain_insert_rule(struct pa_ruleset *ruleset, struct pa_chain *chain, size_t index);

/*
 * Resolve jump targets by name within their table and check what the kernel would refuse: unknown targets, jumps to
 * base chains, loops that a base chain reaches, depth over 16. Loops that nothing reaches are legal. Errors go to
 * diags with the rule's place. Linear in the size of the ruleset (4^14 diamonds included). Returns true when sound.
 */
bool pa_ruleset_check(struct pa_ruleset *ruleset, struct pa_diags *diags);

/*
 * The program that writes a chain or a rule (rules/ir/manager.def), told by names, comments and jumps; NULL: nobody that is known. The
 * base chains of iptables are shared: pa_chain_manager() says whose chains one of them jumps to when they are all of one program.
 */
struct pa_manager {
	const char *name;  /* "ufw" */
	const char *close; /* how a port that its rules open is closed so that it stays closed */
};
const struct pa_manager *pa_chain_manager(const struct pa_chain *chain);
const struct pa_manager *pa_rule_manager(const struct pa_rule *rule);
/* Does it decide for the whole host (ufw, firewalld ...), not only for what it runs? */
/* The program that a service starts ("ufw", without ".service"), when it writes rules; or NULL. */
const struct pa_manager *pa_unit_manager(const char *unit);
bool pa_manager_is_whole(const struct pa_manager *manager);

/* Canonical text (rules/ir/print.c): of the whole ruleset for --print-rules; one rule; one step's test or action. */
void pa_ruleset_print(const struct pa_ruleset *ruleset, struct pa_buffer *out);
void pa_rule_print(const struct pa_rule *rule, struct pa_buffer *out);
/* The words of a rule in the words of iptables (rules/ir/words.c), without their quotes: "-A", "INPUT" ... NULL-terminated, in the arena. */
const char **pa_rule_words(const struct pa_rule *rule, struct pa_arena *arena);

#endif
