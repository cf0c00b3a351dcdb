/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of packets: pa_set is a handle, passed by value, never freed; all sets of a space die with it.
 *
 * A space is made for a fixed list of *cuts*: every interval of every field that will ever be asked of it (constants of
 * the ruleset and of the policy). Values of a field that no cut separates form one class; sets are exact unions of boxes
 * of classes, so every operation is exact. pa_set_box() with an interval that was not announced is a mistake of the
 * caller: the space then fails (see below).
 *
 * Opaque tests ("while limit rate 5/second is not exceeded") are one-bit variables of the space, numbered from 0.
 *
 * Failure: when the node budget is spent, the space *fails*: pa_space_failed() says why, operations return arbitrary
 * sets, and no answer of the space may be used. Check it once, after the last operation.
 */
#ifndef PORTAUDIT_SPACE_H
#define PORTAUDIT_SPACE_H

#include "portaudit/base.h"
#include "portaudit/field.h"

struct pa_space;

typedef struct {
	uint32_t node;
} pa_set;

/* The values of one field in a box: a union of intervals; count 0 means any value. */
struct pa_ranges {
	const struct pa_interval *items;
	size_t count;
};

/* A box of packets. Zero-initialised it is every packet. */
struct pa_box {
	struct pa_ranges field[PA_FIELD_COUNT];
};

pa_set pa_set_empty(struct pa_space *space);
pa_set pa_set_full(struct pa_space *space);
pa_set pa_set_box(struct pa_space *space, const struct pa_box *box);
pa_set pa_set_union(struct pa_space *space, pa_set a, pa_set b);
pa_set pa_set_intersect(struct pa_space *space, pa_set a, pa_set b);
pa_set pa_set_minus(struct pa_space *space, pa_set a, pa_set b);
bool pa_set_is_empty(struct pa_space *space, pa_set a);
bool pa_set_equal(struct pa_space *space, pa_set a, pa_set b);
/* The packets that agree with one of `a` in every field but `field` (the field is forgotten). */
pa_set pa_set_project(struct pa_space *space, pa_set a, enum pa_field field);

/*
 * The set as disjoint boxes, in a stable order, at most `limit` of them (0: no limit). Calls `visit` for each; the box and its
 * intervals live during the call only. Returns false when the limit cut the list short or visit returned false.
 */
bool pa_set_boxes(struct pa_space *space, pa_set a, size_t limit, bool (*visit)(void *context, const struct pa_box *box),
		  void *context);

const char *pa_space_failed(const struct pa_space *space); /* NULL: not failed */

#endif
