/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The symbolic evaluation, inside.
 *
 * A diagram says, for every packet *as it arrives*, what becomes of it. What changes on the way (mark, addresses after
 * NAT, conntrack state) is not in the diagram but in an *environment*: values that take the place of packet fields. A
 * terminal of a diagram is an *outcome*: a kind (next rule, return, accept, drop ...) and the environment there.
 * Tests of a field that the environment holds are decided by its value; only tests of untouched fields become levels.
 *
 * A chain is evaluated once for the part of the environment that it reads; the rest is laid over the result.
 */
#ifndef PA_EVALUATE_EVALUATION_H
#define PA_EVALUATE_EVALUATION_H

#include "../space/diagram.h"
#include "interface.h"
#include "plan.h"
#include "preimage.h"

#include <string.h>

/* What an environment may hold beside packet fields. */
enum pa_slot {
	PA_SLOT_PHASE = PA_FIELD_COUNT, /* constant 0: conntrack has not seen the packet; 1: it has; 2: template behind it */
	PA_SLOT_NATTED,			/* constant 1: a nat chain of this hook has translated */
	PA_SLOT_ICMPV6,	     /* constant 1: only ICMPv6 packets matter here (neighbour discovery, untracked by itself) */
	PA_SLOT_SOURCE_TYPE, /* what nft finds for the type of the source, where routes decide it: source_type.h */
	PA_SLOT_WAS_DADDR,   /* constant: the destination in the header, for a while: see vmap_result() in rules.c */
	PA_SLOT_WAS_DPORT,
	PA_SLOT_COUNT
};

enum pa_value_kind {
	PA_VALUE_CONST,	  /* first */
	PA_VALUE_RANGE,	  /* one of first..last, which is not known; text names it */
	PA_VALUE_FIELD,	  /* what the packet carries in another field (ct original daddr) */
	PA_VALUE_UNKNOWN, /* anything; text names it */
	PA_VALUE_SELF,	  /* some address of this host (redirect) */
};
struct pa_value {
	enum pa_value_kind kind;
	enum pa_field field;
	pa_u128 first, last;
	const char *text; /* interned: equal texts are equal pointers */
};

/* The values of the slots that it holds, ascending by slot; values and environments are interned: an environment is its number. */
struct pa_env {
	pa_u128 mask; /* bit n: slot n is held */
	const struct pa_value *const *values;
};

enum pa_outcome_kind {
	PA_OUTCOME_NEXT,    /* go on with the next rule of the chain */
	PA_OUTCOME_THROUGH, /* through a base chain, a stage, a hook: on to the next one */
	PA_OUTCOME_RETURN,  /* back to the caller of the chain */
	PA_OUTCOME_ACCEPT,
	PA_OUTCOME_DROP,
	PA_OUTCOME_REJECT,
	PA_OUTCOME_ELSEWHERE, /* not on this path */
};
struct pa_outcome {
	enum pa_outcome_kind kind;
	uint32_t env;
};

/* From here on terminals stand for "element i" of a lookup that is being built. */
#define PA_PLACE_BASE 0x40000000u

/* A hash table from 128-bit keys made of small numbers to numbers; keys are compared in full. */
struct pa_table128 {
	uint64_t (*keys)[2];
	uint32_t *values;
	size_t count, capacity;
};
#define PA_TABLE_NONE UINT32_MAX
uint32_t pa_table128_find(const struct pa_table128 *table, uint64_t a, uint64_t b);
void pa_table128_put(struct pa_table128 *table, uint64_t a, uint64_t b, uint32_t value);
void pa_table128_done(struct pa_table128 *table);

struct pa_fib_region;
struct pa_source_region;

/* What is known of one part of one test, whatever the environment. */
struct pa_part_cache {
	bool impossible_mask; /* too many intervals: the test is opaque */
	bool has_set;
	const struct pa_interval *intervals; /* preimage under mask and xor; NULL: the elements' own */
	size_t count;
	uint32_t test;	       /* of a set of one interval: its number, or PA_NO_TEST */
	const uint32_t *tests; /* of a map or concatenation: the number of each element */
	struct pa_class_set set;
};

/* What one rule reads and changes, without the chains it leads to. */
struct pa_rule_facts {
	pa_u128 reads;	 /* slots */
	bool changes;	 /* the environment, and goes on */
	bool jumps;	 /* or looks up verdicts */
	bool not_icmpv6; /* a test that holds in every environment excludes ICMPv6; set when found out */
};

struct pa_chain_facts {
	bool known;
	bool changes;	/* some rule (or a chain it jumps to) changes the environment and goes on */
	pa_u128 *reads; /* reads[i]: slots that rules i, i + 1 ... may look at */
};

#define PA_PATHS 3

/* The answer for one path and scenario. */
struct pa_answer {
	bool known;
	pa_node node;	  /* outcomes */
	pa_node tracked;  /* outcomes of the first hook, in which conntrack sees the packet */
	pa_node universe; /* set: what can arrive there */
	pa_node visible_universe;
	bool visible_known;
	pa_node scenario_set[2]; /* by certainty: accepted, visible */
	bool scenario_known[2];
};

struct pa_variable {
	const char *text;
	const char *reason;
	const struct pa_rule *rule;
	bool understood; /* its meaning is known, only its outcome is not (limit, quota, a set that changes) */
};

struct pa_exposure_list {
	bool known;  /* certain, possible */
	bool listed; /* items */
	bool sure;   /* nothing unknown decides */
	struct pa_exposure *items;
	size_t count;
	pa_set certain, possible;
};

struct pa_walk_span;

/*
 * What answers are written in: environments, outcomes, variables and texts, each of them once. Two evaluations in one space
 * with the same terms (pair.c) give answers that can be compared node by node.
 */
struct pa_terms {
	struct pa_arena *arena;
	unsigned users; /* evaluations; the space and the terms go with the last one */

	struct pa_env *envs;
	size_t env_count, env_capacity;
	struct pa_table128 env_index; /* hash -> first env with it */
	const struct pa_value **values;
	size_t value_count, value_capacity;
	struct pa_table128 value_index;
	uint32_t *env_next; /* chain of envs with the same hash */
	size_t env_next_capacity;
	struct pa_outcome *outcomes;
	size_t outcome_count, outcome_capacity;
	struct pa_table128 outcome_index;
	struct pa_variable *variables;
	size_t variable_count, variable_capacity;
	struct pa_table128 variable_index;
	const char **texts; /* interned */
	size_t text_count, text_capacity;
	struct pa_table128 text_index;
};

struct pa_evaluation {
	const struct pa_ruleset *ruleset;
	const struct pa_host *host;
	struct pa_arena *arena;
	struct pa_space *space;
	struct pa_plan plan;
	/* Rules are compared with each other, not followed: marks and states are fields like any other (hygiene.c). */
	bool symbolic;
	const struct pa_rule
		*tapped; /* for a while: a packet that comes to this step of this rule ends there, see arrival.c; or NULL */
	size_t tapped_step;
	bool without_nat; /* for a while: nat chains are not asked, see pa_untranslated() */
	/* One of a pair: which step of the other ruleset each step is the same as (pair.c); NULL: evaluated alone. By number of the step. */
	uint32_t *places;
	pa_u128 kept; /* slots that an answer keeps beside the destination: what becomes of packets is compared, not only whether they get in */

	struct pa_terms *terms;

	struct pa_part_cache *parts; /* per step and key part */
	uint32_t *first_part;	     /* per step */
	uint32_t *step_base;	     /* per rule */
	struct pa_rule_facts *rules; /* by id */
	struct pa_chain_facts *chains;
	struct pa_table128 tails;	/* (chain, rule, env) -> diagram */
	struct pa_table128 base_chains; /* (chain, env that it reads, env behind it) -> diagram with the policy applied */
	struct pa_table128 base_reads;	/* (chain, env that it reads): was asked for before */
	struct pa_table128 overlays;	/* (diagram, env) -> diagram */

	pa_node family[2];	  /* sets: IPv4, IPv6 */
	pa_node base;		  /* set: headers that are consistent, before the path is known */
	pa_node with_ports;	  /* set: protocols that have ports (PA_TRUE when nobody asks) */
	pa_node common;		  /* set: addresses look like their family's */
	pa_node plain;		  /* set: plain packets, see pa_visible() */
	pa_node usual_types;	  /* set: of the kinds a destination can be, those that rows speak of */
	pa_node plain_nextheader; /* set: no extension headers (PA_TRUE when nobody asks) */
	struct pa_answer answers[PA_SCENARIOS][PA_PATHS];
	pa_node prerouting[PA_SCENARIOS];
	bool prerouting_known[PA_SCENARIOS];
	bool translated[PA_SCENARIOS]; /* some rule of prerouting changes where packets go */
	struct pa_exposure_list exposures[PA_PATHS];
	struct pa_ranges *wholes[PA_PATHS][2][2];      /* what fields can be at all: rows.c */
	const struct pa_walk_span **walk_index;	       /* rows.c */
	const struct pa_fib_region *fib[PA_FIB_COUNT]; /* where rules ask the host's routes */
	size_t fib_count[PA_FIB_COUNT];
	const struct pa_source_region *source_regions; /* where rules tell apart types of foreign sources */
	size_t source_region_count;
	const struct pa_link_fact *links; /* where rules ask for properties of interfaces */
	size_t link_count;
	struct pa_dead_rule *dead;
	size_t dead_count;
	bool dead_known;
	struct pa_opaque *opaques;
	size_t opaque_count;
};

/* --- env.c --- */
uint32_t pa_env_empty(struct pa_evaluation *e);
const struct pa_value *pa_env_find(const struct pa_evaluation *e, uint32_t env, unsigned slot); /* NULL: the packet's own */
uint32_t pa_env_set(struct pa_evaluation *e, uint32_t env, unsigned slot, const struct pa_value *value); /* NULL: forget */
uint32_t pa_env_set_const(struct pa_evaluation *e, uint32_t env, unsigned slot, pa_u128 value);
uint32_t pa_env_restrict(struct pa_evaluation *e, uint32_t env, pa_u128 slots);
uint32_t pa_env_overlay(struct pa_evaluation *e, uint32_t below, uint32_t above);
pa_node pa_outcome(struct pa_evaluation *e, enum pa_outcome_kind kind, uint32_t env); /* a terminal */
const char *pa_intern(struct pa_evaluation *e, const char *text);
/* The variable with this text; `key` tells apart variables of one text (0: shared). */
/*
 * The words by which a limit is known, whichever program wrote it: equal for equal rate, unit and burst. Else the text itself. In the
 * arena of the texts.
 */
const char *pa_canonical_words(struct pa_evaluation *e, const char *text); /* limit.c */
/* A free variable; `text` is what a reader sees, the first of those with equal canonical words and key. */
pa_node pa_variable(struct pa_evaluation *e, const char *text, uint64_t key, const char *reason, const struct pa_rule *rule,
		    bool understood);
/* Does the packet have a flow in this environment? */
bool pa_env_has_flow(const struct pa_evaluation *e, uint32_t env);
/* A rule gave the packet a zone or a helper where it has no flow: its state is new, and it has no flow all the same. */
bool pa_env_has_template(const struct pa_evaluation *e, uint32_t env);

/* --- gather.c: announce every constant, number the steps --- */
void pa_gather(struct pa_evaluation *e, struct pa_cuts *cuts);
/* The field whose classes decide a test: the flow's original header is the header of its first packet. */
enum pa_field pa_field_alias(const struct pa_evaluation *e, enum pa_field field);
/*
 * What tells apart the questions whether a set has changed, +0 to +3. A set that rules fill may have changed between two rules
 * of one packet's way (a rule in between adds the packet itself), so that each of them has questions of its own.
 */
static inline uint64_t pa_changes_key(const struct pa_elements *elements, const struct pa_rule *rule,
				      const struct pa_step *step)
{
	if (elements->may_grow)
		return (uint64_t)1 << 60 | (uint64_t)rule->id << 16 | (uint64_t)(step - rule->steps) << 2;
	return (uint64_t)(uintptr_t)(elements->decl ? (const void *)elements->decl : (const void *)elements);
}
/* The same for the diagrams: of a pair, what is the same in both rulesets has the same questions. */
uint64_t pa_changes_of(struct pa_evaluation *e, const struct pa_elements *elements, const struct pa_rule *rule,
		       const struct pa_step *step);
/* The key that a step looks up and where (MATCH, VMAP, maps of ASSIGN and NAT), or NULL. */
const struct pa_key *pa_step_key(const struct pa_step *step, const struct pa_elements **ret_elements);
struct pa_part_cache *pa_part(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step, unsigned part);

/* --- match.c: tests and lookups --- */
/* Of a MATCH step: it always holds, never holds, is a guard on one untouched field, or needs a diagram. */
enum pa_match_kind { PA_MATCH_ALWAYS, PA_MATCH_NEVER, PA_MATCH_GUARD, PA_MATCH_DIAGRAM };
enum pa_match_kind pa_match_simple(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step,
				   uint32_t env, struct pa_guard *ret_guard, struct pa_arena *arena);
/* The set of packets for which the MATCH step holds. */
pa_node pa_match_set(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step, uint32_t env);
/*
 * A lookup of `key` in `map`: result(context, i) for element i (i == map->count: the catch-all), `miss` where nothing is found. part_of
 * is the step the key belongs to.
 */
pa_node pa_lookup(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step, const struct pa_key *key,
		  const struct pa_elements *map, uint32_t env, pa_node (*result)(void *context, size_t element), void *context,
		  pa_node miss);

/* --- match_fib.c: tests that the host's routes decide, where they are known --- */
void pa_fib_gather(struct pa_evaluation *e, enum pa_fib kind, const struct pa_elements *elements, struct pa_cuts *cuts);
/* Can the routes decide the step in this environment? */
bool pa_fib_applies(const struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step, uint32_t env);
/* The packets for which the step's test (not negated) holds; `unknown`: the same where the routes do not decide. */
pa_node pa_fib_set(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step, uint32_t env,
		   pa_node unknown);

/* The types of foreign sources, where rules tell them apart: announced, and as packets start with them. */
void pa_source_gather(struct pa_evaluation *e, struct pa_cuts *cuts);
pa_node pa_source_start(struct pa_evaluation *e, uint32_t env);

/* --- match_interface.c: tests of what an interface is, where the host has it --- */
/* The interfaces that a packet may be of, as far as a test has to tell them apart; NULL: none whose properties are known. */
struct pa_link_case {
	const struct pa_link_fact *in, *out;
	bool wants_type; /* of the interface that it came in by: not where the kernel may look at another one */
};
void pa_link_gather(struct pa_evaluation *e, const struct pa_link_test *test, struct pa_cuts *cuts);
/* build() for each case, put together by the packet's interfaces. */
pa_node pa_link_cases(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_key *key, uint32_t env,
		      pa_node (*build)(void *context, const struct pa_link_case *links), void *context);
/* What the environment says of the interface alone. */
struct pa_link_case pa_link_case_of(const struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_key *key,
				    uint32_t env);
/* What the test finds in this case; of a value *ret_value, as it is compared. */
enum pa_link_finding pa_link_find(const struct pa_link_case *links, const struct pa_link_test *test, pa_u128 *ret_value);

/* --- rules.c --- */
/*
 * Chain from its first rule; outcomes RETURN, ACCEPT, DROP, REJECT. Their environments are relative: *ret_read is the part of `env`
 * that the chain reads, and the outcomes are to be laid over `env`.
 */
pa_node pa_chain_node(struct pa_evaluation *e, const struct pa_chain *chain, uint32_t env, uint32_t *ret_read);
/* What the end of a base chain makes of these outcomes, and the environment behind it when the chain changes nothing. */
struct pa_chain_end {
	pa_node (*map)(void *context, uint32_t terminal);
	void *context;
	uint32_t env;
};
/* The same for a base chain, its outcomes replaced by what `end` maps them to. */
pa_node pa_base_chain_node(struct pa_evaluation *e, const struct pa_chain *chain, uint32_t env, const struct pa_chain_end *end);
/* Is a header field known when this step is reached: held by the environment, or tested by an earlier step of the rule? */
bool pa_known_at(const struct pa_evaluation *e, const struct pa_rule *rule, size_t step, uint32_t env, enum pa_field field,
		 pa_u128 *ret_value);
pa_node pa_rule_node(struct pa_evaluation *e, const struct pa_rule *rule, uint32_t env);
void pa_rule_learn(const struct pa_evaluation *e, const struct pa_rule *rule, struct pa_rule_facts *ret_facts);
const struct pa_chain_facts *pa_chain_learn(struct pa_evaluation *e, const struct pa_chain *chain);

/* --- change.c: assignments and translations --- */
pa_node pa_assign_node(struct pa_evaluation *e, const struct pa_rule *rule, size_t step, uint32_t env);
pa_node pa_nat_node(struct pa_evaluation *e, const struct pa_rule *rule, size_t step, uint32_t env);
/* What follows step `step` of the rule. */
pa_node pa_steps_node(struct pa_evaluation *e, const struct pa_rule *rule, size_t step, uint32_t env);

/* --- universe.c --- */
void pa_universe_cuts(const struct pa_evaluation *e, struct pa_cuts *cuts);
void pa_universe_make(struct pa_evaluation *e);
pa_node pa_universe_path(struct pa_evaluation *e, enum pa_path path);
/* The fields that hardly ever matter, and the classes of their plain values. */
void pa_universe_plain(struct pa_evaluation *e, bool fields[PA_FIELD_COUNT], uint32_t classes[PA_FIELD_COUNT]);
/* What conntrack calls a packet without a flow: sets of new, untracked (neighbour discovery); the rest is invalid. */
pa_node pa_universe_new(struct pa_evaluation *e);
pa_node pa_universe_untracked(struct pa_evaluation *e);
pa_node pa_field_in(struct pa_evaluation *e, enum pa_field field, pa_u128 first, pa_u128 last);
bool pa_universe_knows_interfaces(const struct pa_host *host);
/* The type of a constant address for this host: a PA_TYPE_*, or 0 when it is not known. */
unsigned pa_address_type(const struct pa_host *host, pa_u128 address, int family);
unsigned pa_range_type(const struct pa_host *host, struct pa_interval range, int family); /* of all its addresses, or 0 */

/* --- pipeline.c --- */
/* What becomes of a new connection on path `in` as if no rule translated. */
pa_node pa_untranslated(struct pa_evaluation *e);
const struct pa_answer *pa_answer(struct pa_evaluation *e, enum pa_path path, enum pa_scenario scenario);
/* A filter base chain in this environment: packets go THROUGH, or are dropped or rejected. `keep`: the slots that are looked at later. */
pa_node pa_base_chain_end(struct pa_evaluation *e, const struct pa_chain *chain, uint32_t env, pa_u128 keep);

/* --- device.c: a stage of ingress or egress --- */
pa_node pa_device_stage(struct pa_evaluation *e, const struct pa_stage *stage, uint32_t env, pa_u128 keep);

/* --- exposure.c --- */
pa_node pa_accepted(struct pa_evaluation *e, pa_node outcomes); /* set with variables: what is accepted */
pa_node pa_visible(struct pa_evaluation *e, pa_node set);	/* forget hidden fields, let plain packets decide for all */

/* What decides, in words. */
const char *pa_condition_text(struct pa_evaluation *e, pa_node condition);

/* --- evaluation.c --- */
/* An evaluation with its space and universe, nothing evaluated yet. */
struct pa_evaluation *pa_evaluation_begin(const struct pa_ruleset *ruleset, const struct pa_host *host,
					  const struct pa_cut *cuts, size_t cut_count, bool symbolic);

/* --- pair.c: what is the same in two rulesets, whose questions are shared then --- */
void pa_pair_places(struct pa_evaluation *const pair[2]);
/* The number of a step that asks something: one number for the same step of both rulesets. */
uint64_t pa_place(const struct pa_evaluation *e, const struct pa_rule *rule, size_t step);
/* Long statements that nobody knows are cut: what is left out may differ, so that no two of them are the same. */
static inline bool pa_text_is_cut(const char *text)
{
	return text && strstr(text, "...") != NULL;
}
/* The key of a question that every step of the same words asks: 0, or, of a pair, one for words and contents. */
uint64_t pa_question(struct pa_evaluation *e, const struct pa_rule *rule, size_t step);
/* A key for a thing of the ruleset: its address, or, of a pair, one for all things that are described in the same words. */
uint64_t pa_thing(struct pa_evaluation *e, const void *thing, const char *description);
/* The elements of a set in short: equal ones have equal texts. */
const char *pa_contents(struct pa_evaluation *e, const struct pa_elements *elements);
/* The rules of chains that are not followed, in short. */
const char *pa_table_contents(struct pa_evaluation *e, const struct pa_table *table);

/* --- example.c --- */
struct pa_packet pa_box_example(struct pa_evaluation *e, enum pa_path path, int family, const struct pa_box *box);
pa_u128 pa_class_value(struct pa_evaluation *e, enum pa_field field, uint32_t number, int family);

#endif
