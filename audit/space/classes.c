/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sweep over the interval ends of all tests of a field with a running signature: each test has a random 128-bit number,
 * added where an interval begins and subtracted behind its end. Two values with the same signature are covered by the
 * same tests (128 bits: a collision is not a practical matter). Classes are numbered by first occurrence. The sweep also
 * notes where each test begins and ends, so that nobody has to look for it again.
 */
#include "classes.h"

#include <stdlib.h>
#include <string.h>

/* A test with at least this many sorted intervals is swept in place instead of being copied and sorted. */
#define RUN_MINIMUM 1024
#define RUNS_MAXIMUM 16

struct event {
	pa_u128 at;
	uint32_t test;
	bool begins; /* else it is the value behind the end of an interval */
};

struct run {
	const struct pa_interval *items;
	size_t count, stride;
	uint32_t test;
};

struct field_cuts {
	struct event *events;
	size_t count, capacity;
	struct run runs[RUNS_MAXIMUM];
	size_t run_count;
	uint32_t *uses; /* how often each test was announced: for its weight */
	size_t test_count, test_capacity;
};

/* The single intervals announced so far: many rules name one port. */
struct seen {
	struct pa_interval *keys;
	uint32_t *tests; /* PA_NO_TEST: free */
	size_t count, capacity;
};

struct pa_cuts {
	struct field_cuts field[PA_FIELD_COUNT];
	struct seen seen[PA_FIELD_COUNT];
};

struct pa_cuts *pa_cuts_new(void)
{
	return pa_xcalloc(1, sizeof(struct pa_cuts));
}

struct pa_cuts *pa_cuts_free(struct pa_cuts *cuts)
{
	if (!cuts)
		return NULL;
	for (size_t i = 0; i < PA_FIELD_COUNT; i++) {
		free(cuts->field[i].events);
		free(cuts->field[i].uses);
		free(cuts->seen[i].keys);
		free(cuts->seen[i].tests);
	}
	free(cuts);
	return NULL;
}

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators): number `index` of its sequence. */
static uint64_t random_number(uint64_t index)
{
	uint64_t z = (index + 1) * 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* The same in every run. */
static pa_u128 signature_of(uint32_t test)
{
	return (pa_u128)random_number(2 * (uint64_t)test) << 64 | random_number(2 * (uint64_t)test + 1);
}

static void add_event(struct field_cuts *field, struct event event)
{
	if (field->count == field->capacity)
		pa_grow(&field->events, &field->capacity, field->count + 1, sizeof(*field->events));
	field->events[field->count++] = event;
}

static void add_interval_events(struct field_cuts *field, struct pa_interval interval, pa_u128 max, uint32_t test)
{
	add_event(field, (struct event){ interval.first, test, true });
	if (interval.last < max)
		add_event(field, (struct event){ interval.last + 1, test, false });
}

static uint32_t add_test(struct field_cuts *field)
{
	if (field->test_count == field->test_capacity)
		pa_grow(&field->uses, &field->test_capacity, field->test_count + 1, sizeof(*field->uses));
	field->uses[field->test_count] = 1;
	return (uint32_t)field->test_count++;
}

/* Overlapping intervals of one test would count twice; sorted copies are merged first. */
static int compare_intervals(const void *a, const void *b)
{
	const struct pa_interval *x = a, *y = b;
	return x->first < y->first ? -1 : x->first > y->first;
}

static void add_unsorted(struct field_cuts *field, const struct pa_interval *items, size_t count, size_t stride, pa_u128 max,
			 uint32_t test)
{
	struct pa_interval *copy = pa_xcalloc(count, sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		copy[i] = items[i * stride];
	qsort(copy, count, sizeof(*copy), compare_intervals);
	struct pa_interval open = copy[0];
	for (size_t i = 1; i < count; i++) {
		if (copy[i].first <= open.last) {
			if (copy[i].last > open.last)
				open.last = copy[i].last;
			continue;
		}
		add_interval_events(field, open, max, test);
		open = copy[i];
	}
	add_interval_events(field, open, max, test);
	free(copy);
}

static size_t seen_slot(const struct seen *seen, struct pa_interval key)
{
	uint64_t h = (uint64_t)key.first * 0x9e3779b97f4a7c15u ^ (uint64_t)(key.first >> 64) * 0xbf58476d1ce4e5b9u;
	h = (h ^ h >> 29 ^ (uint64_t)key.last ^ (uint64_t)(key.last >> 64)) * 0x94d049bb133111ebu;
	size_t slot = (size_t)(h ^ h >> 32) & (seen->capacity - 1);
	while (seen->tests[slot] != PA_NO_TEST && (seen->keys[slot].first != key.first || seen->keys[slot].last != key.last))
		slot = (slot + 1) & (seen->capacity - 1);
	return slot;
}

static void seen_grow(struct seen *seen)
{
	struct seen old = *seen;
	seen->capacity = old.capacity ? old.capacity * 4 : 64;
	seen->keys = pa_xmalloc(seen->capacity * sizeof(*seen->keys));
	seen->tests = pa_xmalloc(seen->capacity * sizeof(*seen->tests));
	memset(seen->tests, 0xff, seen->capacity * sizeof(*seen->tests));
	for (size_t i = 0; i < old.capacity; i++) {
		if (old.tests[i] == PA_NO_TEST)
			continue;
		size_t slot = seen_slot(seen, old.keys[i]);
		seen->keys[slot] = old.keys[i];
		seen->tests[slot] = old.tests[i];
	}
	free(old.keys);
	free(old.tests);
}

uint32_t pa_cuts_add_interval(struct pa_cuts *cuts, enum pa_field id, struct pa_interval interval)
{
	struct field_cuts *field = &cuts->field[id];
	struct seen *seen = &cuts->seen[id];
	if ((seen->count + 1) * 2 > seen->capacity)
		seen_grow(seen);
	size_t slot = seen_slot(seen, interval);
	if (seen->tests[slot] != PA_NO_TEST) {
		field->uses[seen->tests[slot]]++;
		return seen->tests[slot];
	}
	uint32_t test = add_test(field);
	seen->keys[slot] = interval;
	seen->tests[slot] = test;
	seen->count++;
	add_interval_events(field, interval, pa_field_max(id), test);
	return test;
}

uint32_t pa_cuts_add(struct pa_cuts *cuts, enum pa_field id, const struct pa_interval *items, size_t count, size_t stride,
		     bool sorted)
{
	struct field_cuts *field = &cuts->field[id];
	if (count == 0)
		return PA_NO_TEST;
	if (count == 1)
		return pa_cuts_add_interval(cuts, id, items[0]);
	uint32_t test = add_test(field);
	if (sorted && count >= RUN_MINIMUM && field->run_count < RUNS_MAXIMUM) {
		field->runs[field->run_count++] = (struct run){ items, count, stride, test };
		return test;
	}
	if (!sorted) {
		add_unsorted(field, items, count, stride, pa_field_max(id), test);
		return test;
	}
	for (size_t i = 0; i < count; i++)
		add_interval_events(field, items[i * stride], pa_field_max(id), test);
	return test;
}

bool pa_cuts_has(const struct pa_cuts *cuts, enum pa_field field)
{
	return cuts->field[field].test_count > 0;
}

/* Merge sort: the ends are many, and comparing them through a function pointer was a tenth of the analysis. */
static void sort_events(struct event *events, struct event *room, size_t count)
{
	if (count < 2)
		return;
	if (count <= 12) {
		for (size_t i = 1; i < count; i++) {
			struct event event = events[i];
			size_t at = i;
			for (; at > 0 && events[at - 1].at > event.at; at--)
				events[at] = events[at - 1];
			events[at] = event;
		}
		return;
	}
	size_t half = count / 2, i = 0, j = half;
	sort_events(events, room, half);
	sort_events(events + half, room, count - half);
	memcpy(room, events, half * sizeof(*room));
	for (size_t out = 0; i < half; out++) {
		if (j < count && events[j].at < room[i].at)
			events[out] = events[j++];
		else
			events[out] = room[i++];
	}
}

/* Signature -> class number, open addressing. */
struct numbering {
	pa_u128 *signature;
	uint32_t *number;
	size_t capacity;
	uint32_t count;
};

static void numbering_grow(struct numbering *n)
{
	struct numbering old = *n;
	n->capacity = old.capacity ? old.capacity * 2 : 1024;
	n->signature = pa_xcalloc(n->capacity, sizeof(*n->signature));
	n->number = pa_xmalloc(n->capacity * sizeof(*n->number));
	memset(n->number, 0xff, n->capacity * sizeof(*n->number));
	for (size_t i = 0; i < old.capacity; i++) {
		if (old.number[i] == UINT32_MAX)
			continue;
		size_t slot = (size_t)(old.signature[i] >> 64) & (n->capacity - 1);
		while (n->number[slot] != UINT32_MAX)
			slot = (slot + 1) & (n->capacity - 1);
		n->signature[slot] = old.signature[i];
		n->number[slot] = old.number[i];
	}
	free(old.signature);
	free(old.number);
}

static uint32_t number_of(struct numbering *n, pa_u128 signature)
{
	if (((size_t)n->count + 1) * 2 > n->capacity)
		numbering_grow(n);
	size_t slot = (size_t)(signature >> 64) & (n->capacity - 1);
	while (n->number[slot] != UINT32_MAX) {
		if (n->signature[slot] == signature)
			return n->number[slot];
		slot = (slot + 1) & (n->capacity - 1);
	}
	n->signature[slot] = signature;
	n->number[slot] = n->count;
	return n->count++;
}

/* Where the sweep stands in one run: the end at `index`, and whether it is the one behind an interval. */
struct cursor {
	size_t index;
	bool behind;
	bool finished;
};

static pa_u128 cursor_at(const struct run *run, const struct cursor *cursor)
{
	const struct pa_interval *item = &run->items[cursor->index * run->stride];
	return cursor->behind ? item->last + 1 : item->first;
}

static pa_u128 cursor_step(const struct run *run, struct cursor *cursor, pa_u128 max)
{
	pa_u128 signature = signature_of(run->test), change = cursor->behind ? (pa_u128)0 - signature : signature;
	if (cursor->behind) {
		cursor->behind = false;
		cursor->index++;
		cursor->finished = cursor->index == run->count;
	} else {
		cursor->behind = true;
		cursor->finished = run->items[cursor->index * run->stride].last >= max;
	}
	return change;
}

static void append_segment(struct pa_classes *classes, size_t *capacity, pa_u128 at, uint32_t number)
{
	size_t n = classes->segments;
	if (n && classes->class_of[n - 1] == number)
		return;
	if (n == *capacity) {
		*capacity = *capacity ? *capacity * 2 : 64;
		classes->start = pa_xrealloc(classes->start, *capacity, sizeof(*classes->start));
		classes->class_of = pa_xrealloc(classes->class_of, *capacity, sizeof(*classes->class_of));
	}
	classes->start[n] = at;
	classes->class_of[n] = number;
	classes->segments++;
}

/* Where tests begin and end, of the events that are about the segment that was appended last. */
static void note_tests(struct pa_classes *classes, const struct event *events, size_t count)
{
	uint32_t here = (uint32_t)classes->segments - 1;
	for (size_t i = 0; i < count; i++) {
		struct pa_test_segments *test = &classes->tests[events[i].test];
		if (events[i].begins && test->first == UINT32_MAX)
			test->first = here;
		test->last = events[i].begins ? UINT32_MAX : here - 1;
	}
}

static void sweep(const struct field_cuts *field, struct pa_classes *classes, struct numbering *numbering)
{
	struct cursor cursors[RUNS_MAXIMUM] = { 0 };
	size_t next = 0, capacity = 0;
	pa_u128 at = 0, signature = 0;
	for (;;) {
		size_t begin = next;
		while (next < field->count && field->events[next].at == at) {
			pa_u128 change = signature_of(field->events[next].test);
			signature += field->events[next++].begins ? change : (pa_u128)0 - change;
		}
		for (size_t r = 0; r < field->run_count; r++) {
			while (!cursors[r].finished && cursor_at(&field->runs[r], &cursors[r]) == at)
				signature += cursor_step(&field->runs[r], &cursors[r], classes->max);
		}
		append_segment(classes, &capacity, at, number_of(numbering, signature));
		note_tests(classes, field->events + begin, next - begin);
		bool more = next < field->count;
		pa_u128 to = more ? field->events[next].at : 0;
		for (size_t r = 0; r < field->run_count; r++) {
			if (cursors[r].finished)
				continue;
			pa_u128 candidate = cursor_at(&field->runs[r], &cursors[r]);
			if (!more || candidate < to)
				to = candidate;
			more = true;
		}
		if (!more)
			break;
		at = to;
	}
}

/* Tests that reach to the last value never ended; runs were not noted in the sweep. */
static void finish_tests(const struct field_cuts *field, struct pa_classes *classes)
{
	for (size_t i = 0; i < field->test_count; i++) {
		if (classes->tests[i].last == UINT32_MAX)
			classes->tests[i].last = (uint32_t)classes->segments - 1;
	}
	for (size_t r = 0; r < field->run_count; r++) {
		const struct run *run = &field->runs[r];
		pa_u128 first = run->items[0].first, last = run->items[(run->count - 1) * run->stride].last;
		classes->tests[run->test] = (struct pa_test_segments){ (uint32_t)pa_classes_segment(classes, first),
								       (uint32_t)pa_classes_segment(classes, last) };
	}
}

static void weigh(const struct field_cuts *field, struct pa_classes *classes)
{
	for (size_t i = 0; i < field->test_count; i++) {
		uint32_t low = classes->class_of[classes->tests[i].first], high = classes->class_of[classes->tests[i].last];
		uint32_t span = low < high ? high - low : low - high;
		classes->weight += field->uses[i] * (double)(span + 1) / (double)classes->count;
		classes->uses += field->uses[i];
	}
}

static bool events_sorted(const struct field_cuts *field)
{
	for (size_t i = 1; i < field->count; i++) {
		if (field->events[i - 1].at > field->events[i].at)
			return false;
	}
	return true;
}

void pa_classes_build(const struct pa_cuts *cuts, enum pa_field id, struct pa_classes *ret)
{
	const struct field_cuts *field = &cuts->field[id];
	struct numbering numbering = { 0 };
	memset(ret, 0, sizeof(*ret));
	ret->max = pa_field_max(id);
	if (!events_sorted(field)) {
		struct event *room = pa_xmalloc((field->count / 2 + 1) * sizeof(*room));
		sort_events(field->events, room, field->count);
		free(room);
	}
	ret->test_count = field->test_count;
	ret->tests = pa_xmalloc((field->test_count + 1) * sizeof(*ret->tests));
	memset(ret->tests, 0xff, field->test_count * sizeof(*ret->tests));
	sweep(field, ret, &numbering);
	ret->count = numbering.count;
	free(numbering.signature);
	free(numbering.number);
	ret->segments_of = pa_xcalloc(ret->count, sizeof(*ret->segments_of));
	for (size_t i = 0; i < ret->segments; i++)
		ret->segments_of[ret->class_of[i]]++;
	finish_tests(field, ret);
	weigh(field, ret);
}

void pa_classes_done(struct pa_classes *classes)
{
	free(classes->start);
	free(classes->class_of);
	free(classes->segments_of);
	free(classes->tests);
	free(classes->order);
	free(classes->first_of);
	memset(classes, 0, sizeof(*classes));
}

size_t pa_classes_segment(const struct pa_classes *classes, pa_u128 value)
{
	size_t low = 0, high = classes->segments;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (classes->start[middle] <= value)
			low = middle;
		else
			high = middle;
	}
	return low;
}

uint32_t pa_classes_find(const struct pa_classes *classes, pa_u128 value)
{
	return classes->class_of[pa_classes_segment(classes, value)];
}
