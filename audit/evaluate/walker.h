/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk of one packet, or of a box of packets, inside.
 *
 * A state is a box of packets at one place in the rules. A test that holds for a part of the box only splits it: one
 * state goes on where the test holds, the other where it does not. A test that cannot be decided splits it as well, with a note of what
 * was assumed. Each state that comes to an end is a leaf; the leaves partition the box.
 */
#ifndef PA_EVALUATE_WALKER_H
#define PA_EVALUATE_WALKER_H

#include "plan.h"

/* A union of sorted disjoint intervals; immutable, in the walk's arena. */
struct pa_wrange {
	const struct pa_interval *items;
	size_t count;
};

enum pa_wkind {
	PA_W_PACKET,  /* what the packet carries in `field` (a test narrows the box) */
	PA_W_VALUE,   /* one of first..last; a range that NAT chooses from is named by text */
	PA_W_UNKNOWN, /* anything; text names it */
	PA_W_SELF,    /* some address of this host */
};
struct pa_wvalue {
	enum pa_wkind kind;
	enum pa_field field;
	pa_u128 first, last;
	const char *text;
};

/* What was assumed on the way to a state, newest first. `sibling` is the other answer, at the same place. */
struct pa_wassumption {
	const struct pa_wassumption *before, *sibling;
	const char *text;
	uint64_t key;
	bool holds;
	bool understood;
};

struct pa_wframe {
	const struct pa_chain *chain;
	size_t rule; /* the next one */
};

#define PA_WDEPTH 20

struct pa_wstep {
	const struct pa_wstep *before;
	struct pa_walk_step step;
};

struct pa_wstate {
	struct pa_wrange packet[PA_FIELD_COUNT];
	struct pa_wvalue now[PA_FIELD_COUNT];
	const struct pa_wassumption *assumptions;
	const struct pa_wstep *steps;
	pa_u128 split_mask; /* fields of the packet that a test split */
	bool state_default; /* nobody said what conntrack calls the packet: new, or untracked by itself */
	bool marks_given;   /* the marks are what the caller said */
	bool status_given;  /* now[CT_STATUS] is what the caller said */
	/* where it is */
	enum pa_path path;
	enum pa_hook at;
	bool seen;	   /* conntrack has seen the packet */
	bool by_conntrack; /* the state is what conntrack made of the packet */
	bool early;	   /* in a chain that is assumed to run before conntrack; state_after is put back after it */
	struct pa_wvalue state_after;
	bool template; /* behind conntrack, a rule gave the packet a template in the place of a flow */
	bool natted;   /* a nat chain of this hook has translated */
	bool below;    /* in a chain of a device below the packet's interface, which is `on_top` and put back after it */
	bool ordered;  /* ... and which chain comes first is known */
	struct pa_wvalue on_top;
	size_t stage, nat; /* of the hook; nat: chain of a nat stage */
	size_t order;	   /* of the stages of the hook `order_of`: see pa_hook_plan */
	int order_of;
	struct pa_wframe frames[PA_WDEPTH];
	unsigned depth;
	size_t step;			   /* of the rule frames[depth - 1] is in; SIZE_MAX: between rules */
	const struct pa_rule *accepted[8]; /* rules whose accept let it through, one per base chain */
	unsigned accepted_count;
	bool ended;
	enum pa_fate fate;
};

/* What the rules of a chain can match at all, of two fields (walk_index.c): one entry a rule. */
struct pa_walk_span {
	uint16_t *port_first, *port_last;
	uint32_t *narrow, *wide; /* numbers of rules: of one port, sorted by it, and of more than one */
	size_t narrow_count, wide_count;
	struct pa_interval *sources;
};

struct pa_fib_region;
struct pa_source_region;
struct pa_link_fact;
struct pa_walker {
	const struct pa_ruleset *ruleset;
	const struct pa_host *host;
	struct pa_plan plan;
	struct pa_arena *arena;
	const struct pa_walk_span **index; /* per chain; NULL for short ones, or altogether */
	const struct pa_fib_region *fib[PA_FIB_COUNT];
	size_t fib_count[PA_FIB_COUNT];
	const struct pa_source_region *source_regions;
	size_t source_region_count;
	const struct pa_link_fact *links;
	size_t link_count;
	bool brief;	  /* rules that did not match are not told */
	bool without_nat; /* as if no rule translated */
	const struct pa_reply_translation *replies;
};

/* One entry for each chain, NULL for short ones. */
void pa_walk_index_make(const struct pa_ruleset *ruleset, struct pa_arena *arena, const struct pa_walk_span ***ret_index);
/* The first rule from `from` on that packets of the state may match. */
size_t pa_walk_index_skip(const struct pa_walk_span *spans, const struct pa_wstate *state, size_t from, size_t count);

struct pa_wrun {
	const struct pa_walker *walker;
	struct pa_arena *arena;
	struct pa_wstate **work; /* states that wait */
	size_t work_count, work_capacity;
	size_t splits, limit;
	bool cut;   /* too many cases: the leaves are not all */
	bool trace; /* keep the steps */
	void (*leaf)(void *context, const struct pa_wstate *state);
	void *context;
};

/* Run a state to its leaves. */
void pa_wrun_start(struct pa_wrun *run, struct pa_wstate *state);
void pa_wstate_init(struct pa_wrun *run, struct pa_wstate *state, enum pa_path path, bool path_open);
void pa_wstate_enter(struct pa_wrun *run, struct pa_wstate *state);

/* walk_test.c: decide a test in a state. A part where the answer is different is put on the work list (`other` is filled). */
enum pa_wanswer { PA_W_NO, PA_W_YES, PA_W_BREAK };
enum pa_wanswer pa_wtest(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule, const struct pa_step *step);
/* A lookup: the element found, SIZE_MAX for none, map->count for the catch-all. */
size_t pa_wlookup(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule, const struct pa_step *step,
		  const struct pa_key *key, const struct pa_elements *map);
/* Is a named free variable assumed to hold? Splits the state when it was not asked before. */
bool pa_wassume(struct pa_wrun *run, struct pa_wstate *state, const char *text, uint64_t key, bool understood);
/* Is the field's value inside? Splits. */
bool pa_wfield_in(struct pa_wrun *run, struct pa_wstate *state, enum pa_field field, pa_u128 first, pa_u128 last);
/* Is what the packet carries in the field among sorted intervals? Splits. */
bool pa_wnarrow(struct pa_wrun *run, struct pa_wstate *state, enum pa_field field, const struct pa_interval *items,
		size_t count);
void pa_wsplit(struct pa_wrun *run, const struct pa_wstate *other);
bool pa_whas_flow(struct pa_wrun *run, struct pa_wstate *state);
/* What a look at a key part gives: its value, something that nobody knows, or nothing, which ends the rule. */
enum pa_wread { PA_WREAD_VALUE, PA_WREAD_UNKNOWN, PA_WREAD_NOTHING };
enum pa_wread pa_wreadable(struct pa_wrun *run, struct pa_wstate *state, const struct pa_key_part *part);

static inline struct pa_wvalue pa_wconstant(pa_u128 value)
{
	return (struct pa_wvalue){ PA_W_VALUE, PA_FIELD_NFPROTO, value, value, NULL };
}

/* What the packet carries in the field. */
static inline struct pa_wvalue pa_wcarried(enum pa_field field)
{
	return (struct pa_wvalue){ PA_W_PACKET, field, 0, 0, NULL };
}

/* walk_conntrack.c. The flow's state; splits. */
bool pa_wstate_is(struct pa_wrun *run, struct pa_wstate *s, pa_u128 flow_state);
void pa_wsee_packet(struct pa_wrun *run, struct pa_wstate *s); /* it finds the packet's flow */
void pa_wset_original(struct pa_wrun *run,
		      struct pa_wstate *state);		      /* what the flow remembers of its first packet and its reply */
void pa_wconntrack(struct pa_wrun *run, struct pa_wstate *s); /* the whole stage */

/* walk_device.c: chains that are bound to devices */
bool pa_wdevice_enter(struct pa_wrun *run, struct pa_wstate *state, const struct pa_stage *stage); /* false: not asked */
void pa_wdevice_leave(struct pa_wrun *run, struct pa_wstate *state);
/* These fields, one bit each, may have any value now. */
void pa_wforget(struct pa_wstate *state, pa_u128 fields, const char *text);

/* walk_fib.c: does the test hold by the host's routes? 1, 0, or -1: not known, or no such test. Splits. */
int pa_wfib(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule, const struct pa_step *step);
/* What the part's field holds now; of the type of a source the routes may tell. Splits. */
const struct pa_wvalue *pa_wnow(struct pa_wrun *run, struct pa_wstate *state, const struct pa_key_part *part);

/*
 * walk_interface.c: is what the packet's interface is among the elements (NULL: is it anything)? One of enum pa_wanswer, or -1: not known.
 * Splits.
 */
int pa_winterface(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule, const struct pa_link_test *test,
		  const struct pa_elements *elements);

/* walk_order.c: the stage that the state is at; which of the chains of one priority run first is assumed before a hook begins. */
const struct pa_stage *pa_wstage(const struct pa_wrun *run, const struct pa_wstate *state);
void pa_wchoose_order(struct pa_wrun *run, struct pa_wstate *state);

/* walk_change.c */
void pa_wassign(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule, const struct pa_step *step);
/* true: translated, the chain ends as with accept; false: not for this family, or nothing found */
enum pa_wnat { PA_WNAT_DONE, PA_WNAT_GOES_ON, PA_WNAT_BREAKS };
enum pa_wnat pa_wtranslate(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule,
			   const struct pa_step *step);

#endif
