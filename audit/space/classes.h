/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Classes of field values. Every constant that will ever be asked of a field is announced as a *test*; values that
 * every test treats alike form one class. A 1,000,000-prefix block list is one test, so it makes two classes.
 */
#ifndef PA_SPACE_CLASSES_H
#define PA_SPACE_CLASSES_H

#include "portaudit/field.h"

/* The tests announced so far, of all fields. Intervals of tests are borrowed until pa_classes_build(). */
struct pa_cuts;
struct pa_cuts *pa_cuts_new(void);
struct pa_cuts *pa_cuts_free(struct pa_cuts *cuts);

/*
 * Announce the union of `count` intervals as one test. items[i * stride] is interval i (elements of concatenations lie
 * interleaved). `sorted`: the intervals are known to be sorted and disjoint. Gives the number of the test among those of its
 * field (PA_NO_TEST when there are no intervals); one and the same interval is one test, however often it is announced.
 */
#define PA_NO_TEST UINT32_MAX
uint32_t pa_cuts_add(struct pa_cuts *cuts, enum pa_field field, const struct pa_interval *items, size_t count, size_t stride,
		     bool sorted);
/* Announce one interval as a test of its own. */
uint32_t pa_cuts_add_interval(struct pa_cuts *cuts, enum pa_field field, struct pa_interval interval);

bool pa_cuts_has(const struct pa_cuts *cuts, enum pa_field field); /* was any test of the field announced? */

/* The segments that hold the first and the last value of a test. */
struct pa_test_segments {
	uint32_t first, last;
};

/* The classes of one field. Segment i is start[i] ... start[i + 1] - 1 and belongs to class class_of[i]. */
struct pa_classes {
	pa_u128 max;
	size_t segments;
	pa_u128 *start;
	uint32_t *class_of;
	uint32_t count;
	uint32_t *segments_of; /* segments in each class */
	uint32_t *order;       /* segments by class, made when boxes are listed; or NULL */
	uint32_t *first_of;
	struct pa_test_segments *tests; /* by number */
	size_t test_count;
	double weight; /* sum over the tests of the share of classes they hold: small = selective */
	size_t uses;   /* how often tests were announced */
};

/* Work out the classes of a field from the announced tests. Sorting is O(E log E) in the interval ends. */
void pa_classes_build(const struct pa_cuts *cuts, enum pa_field field, struct pa_classes *ret_classes);
void pa_classes_done(struct pa_classes *classes);

uint32_t pa_classes_find(const struct pa_classes *classes, pa_u128 value);  /* the class of a value */
size_t pa_classes_segment(const struct pa_classes *classes, pa_u128 value); /* the segment of a value */

#endif
