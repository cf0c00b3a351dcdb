/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hash-consed multi-terminal decision diagrams over class numbers.
 *
 * A diagram is a function from packets to *terminals* (31-bit numbers that the caller gives a meaning). Each field with
 * more than one class takes ceil(log16(classes)) levels, the most significant digit first; opaque variables are one level
 * each, below all fields. Equal functions are equal handles. Nodes are never freed before the space.
 *
 * Digits beyond the last class of a field behave like the last class; every operation keeps that so.
 */
#ifndef PA_SPACE_DIAGRAM_H
#define PA_SPACE_DIAGRAM_H

#include "classes.h"
#include "portaudit/space.h"

typedef uint32_t pa_node;

#define PA_TERMINAL_BIT 0x80000000u
#define PA_TERMINAL(value) (PA_TERMINAL_BIT | (uint32_t)(value))
#define PA_RADIX 16

static inline bool pa_node_is_terminal(pa_node node)
{
	return (node & PA_TERMINAL_BIT) != 0;
}
static inline uint32_t pa_node_value(pa_node node)
{
	return node & ~PA_TERMINAL_BIT;
}

/* Sets of packets are diagrams with these two terminals. */
#define PA_FALSE PA_TERMINAL(0)
#define PA_TRUE PA_TERMINAL(1)

/* Make a space for the announced tests. `items` is about how many rules there will be (it decides the order of fields). */
struct pa_space *pa_space_new(const struct pa_cuts *cuts, size_t items);
struct pa_space *pa_space_free(struct pa_space *space);
/* Ascending; the numbers are different ones, all below `limit`. */
void pa_sort_numbers(uint32_t *numbers, size_t count, size_t limit);
void pa_space_fail(struct pa_space *space, const char *reason); /* a static string; the first one stays */
/* For tests and small machines: how many nodes may exist (default PA_NODE_LIMIT). */
#define PA_NODE_LIMIT (24u * 1024 * 1024)
void pa_space_limit(struct pa_space *space, size_t nodes);

const struct pa_classes *pa_space_classes(const struct pa_space *space, enum pa_field field);
size_t pa_space_nodes(const struct pa_space *space);
/* A new opaque variable: its number. */
unsigned pa_space_add_variable(struct pa_space *space);

/* A set of classes of one field as sorted, disjoint ranges of class numbers. */
struct pa_class_range {
	uint32_t first, last;
};
struct pa_class_set {
	struct pa_class_range *items;
	uint32_t count;
};
/*
 * The classes that make up a union of intervals (item i at items[i * stride]). Intervals that are not made of whole classes fail the
 * space. The result lives in `arena`.
 */
struct pa_class_set pa_space_class_set(struct pa_space *space, enum pa_field field, const struct pa_interval *items,
				       size_t count, size_t stride, struct pa_arena *arena);
/* The classes of a test that is one interval, by the number that announcing it gave. Lives as long as the space. */
struct pa_class_set pa_space_test_set(struct pa_space *space, enum pa_field field, uint32_t test);
/* Every class that is not in the set. */
struct pa_class_set pa_space_class_complement(struct pa_space *space, enum pa_field field, struct pa_class_set set,
					      struct pa_arena *arena);
bool pa_class_set_has(struct pa_class_set set, uint32_t number);
static inline bool pa_class_set_is_all(const struct pa_classes *classes, struct pa_class_set set)
{
	return set.count == 1 && set.items[0].first == 0 && set.items[0].last == classes->count - 1;
}

/* --- nodes ------------------------------------------------------------------------------------------------- */
pa_node pa_node_make(struct pa_space *space, unsigned level, const pa_node child[PA_RADIX]);
unsigned pa_node_level(const struct pa_space *space, pa_node node); /* terminals: UINT_MAX */
const pa_node *pa_node_children(const struct pa_space *space, pa_node node);

/* `inside` where the field's class is in the set, `outside` elsewhere; both must lie below the field's levels, or be terminals. */
pa_node pa_node_field(struct pa_space *space, enum pa_field field, struct pa_class_set set, pa_node inside, pa_node outside);
/* TRUE where the opaque variable is set. */
pa_node pa_node_variable(struct pa_space *space, unsigned variable);

/* where f gives the terminal `next`, go on with g: associative, next is neutral. */
pa_node pa_node_seq(struct pa_space *space, pa_node f, pa_node g, pa_node next);
/* a where condition (a set) is TRUE, b elsewhere. */
pa_node pa_node_choose(struct pa_space *space, pa_node condition, pa_node a, pa_node b);
/* Replace every terminal by what `map` gives for it (a diagram or a terminal). */
pa_node pa_node_bind(struct pa_space *space, pa_node f, pa_node (*map)(void *context, uint32_t terminal), void *context);
/* The packets of a set for which f gives a terminal that `picks`. */
pa_node pa_node_select(struct pa_space *space, pa_node f, pa_node set, bool (*picks)(void *context, uint32_t terminal),
		       void *context);
/* The packets to which two diagrams give different terminals that `picks`. */
pa_node pa_node_differ(struct pa_space *space, pa_node f, pa_node g, bool (*picks)(void *context, uint32_t a, uint32_t b),
		       void *context);
/* The set of packets of each group of terminals (PA_NO_GROUP: in none), groups ascending; one pass for all of them. */
#define PA_NO_GROUP UINT32_MAX
void pa_node_groups(struct pa_space *space, pa_node f, uint32_t (*group_of)(void *context, uint32_t terminal),
		    void (*visit)(void *context, uint32_t group, pa_node set), void *context);
/* Every terminal that occurs, each once, in no particular order. */
void pa_node_terminals(struct pa_space *space, pa_node f, void (*visit)(void *context, uint32_t terminal), void *context);
/* For sets: the packets for which some (all) values of the opaque variables give TRUE. */
pa_node pa_node_some_variable(struct pa_space *space, pa_node f);
pa_node pa_node_every_variable(struct pa_space *space, pa_node f);
/* For sets: which variables the diagram depends on; returns how many of `variables` were set. */
void pa_node_variables(struct pa_space *space, pa_node f, bool *variables, size_t count);

/* Which fields a diagram asks. */
void pa_node_fields(struct pa_space *space, pa_node f, bool fields[PA_FIELD_COUNT]);
/* For sets: each distinct function of the variables that some packets depend on. */
void pa_node_conditions(struct pa_space *space, pa_node f, void (*visit)(void *context, pa_node condition), void *context);
/* The packets for which exactly this function of the variables decides. */
pa_node pa_node_where(struct pa_space *space, pa_node f, pa_node condition);
/* How a condition depends on a variable: 0 not, 1 helps when it holds, -1 helps when it does not, 2 either. */
int pa_condition_polarity(struct pa_space *space, pa_node condition, unsigned variable);

/* For sets: forget several fields at once: packets that agree with one of the set in all other fields. */
pa_node pa_node_forget(struct pa_space *space, pa_node f, const bool fields[PA_FIELD_COUNT]);
/* What a set says where these fields are in these classes, for any value of them. */
pa_node pa_node_fix(struct pa_space *space, pa_node f, const bool fields[PA_FIELD_COUNT],
		    const uint32_t classes[PA_FIELD_COUNT]);

pa_node pa_node_and(struct pa_space *space, pa_node a, pa_node b);
pa_node pa_node_or(struct pa_space *space, pa_node a, pa_node b);
pa_node pa_node_minus(struct pa_space *space, pa_node a, pa_node b);

/* --- building rule lists (build.c) ------------------------------------------------------------------------- */
/* One rule: a box of classes and the terminal it gives. Fields without a guard match always. */
struct pa_guard {
	enum pa_field field;
	struct pa_class_set set;
};
struct pa_item {
	const struct pa_guard *guards; /* at most one per field, any order */
	uint32_t guard_count;
	pa_node terminal;
};
/* The first item whose box holds the packet gives its terminal; `otherwise` where none does. */
pa_node pa_node_list(struct pa_space *space, const struct pa_item *items, size_t count, pa_node otherwise);

/* --- values in a set (boxes.c) ------------------------------------------------------------------------------ */
/* The class of each field of one packet of a non-empty set; `prefer[field]` (may be NULL) lists classes to try first. */
struct pa_preference {
	const uint32_t *classes;
	size_t count;
};
bool pa_node_pick(struct pa_space *space, pa_node set, const struct pa_preference *prefer, uint32_t ret_class[PA_FIELD_COUNT]);
/* The terminal of the packet with these classes; opaque variables are `variable`. */
pa_node pa_node_at(struct pa_space *space, pa_node f, const uint32_t classes[PA_FIELD_COUNT], bool variable);

#endif
