/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sweep over the interval ends of all tests of a field with a running signature: each test has a random 128-bit number,
 * added where an interval begins and subtracted behind its end. Two values with the same signature are covered by the
 * same tests (128 bits: a collision is not a practical matter). Classes are numbered by first occurrence.
 */
#include "classes.h"

#include <stdlib.h>
#include <string.h>

/* A test with at least this many sorted intervals is swept in place instead of being copied and sorted. */
#define RUN_MINIMUM 1024
#define RUNS_MAXIMUM 16

struct event {
	pa_u128 at;
	pa_u128 signature;
};

struct run {
	const struct pa_interval *items;
	size_t count, stride;
	pa_u128 signature;
};

struct field_cuts {
	struct event *events;
	size_t count, capacity;
	struct run runs[RUNS_MAXIMUM];
	size_t run_count;
	struct pa_interval *spans; /* first and last value of each test: for its weight */
	size_t span_count, span_capacity;
};

/* The single intervals announced so far: many rules name one port. */
struct seen {
	struct pa_interval *keys;
	bool *used;
	size_t count, capacity;
};

struct pa_cuts {
	struct field_cuts field[PA_FIELD_COUNT];
	struct seen seen[PA_FIELD_COUNT];
	uint64_t random;
};

struct pa_cuts *pa_cuts_new(void)
{
	struct pa_cuts *cuts = pa_xcalloc(1, sizeof(*cuts));
	cuts->random = 0x9e3779b97f4a7c15u;
	return cuts;
}

struct pa_cuts *pa_cuts_free(struct pa_cuts *cuts)
{
	if (!cuts)
		return NULL;
	for (size_t i = 0; i < PA_FIELD_COUNT; i++) {
		free(cuts->field[i].events);
		free(cuts->field[i].spans);
		free(cuts->seen[i].keys);
		free(cuts->seen[i].used);
	}
	free(cuts);
	return NULL;
}

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators), fixed seed: runs are repeatable. */
static uint64_t next_random(struct pa_cuts *cuts)
{
	uint64_t z = (cuts->random += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static pa_u128 next_signature(struct pa_cuts *cuts)
{
	uint64_t high = next_random(cuts);
	return (pa_u128)high << 64 | next_random(cuts);
}

static void add_event(struct field_cuts *field, pa_u128 at, pa_u128 signature)
{
	if (field->count == field->capacity)
		pa_grow(&field->events, &field->capacity, field->count + 1, sizeof(*field->events));
	field->events[field->count++] = (struct event){ at, signature };
}

static void add_interval_events(struct field_cuts *field, struct pa_interval interval, pa_u128 max, pa_u128 signature)
{
	add_event(field, interval.first, signature);
	if (interval.last < max)
		add_event(field, interval.last + 1, (pa_u128)0 - signature);
}

static void add_span(struct field_cuts *field, struct pa_interval span)
{
	if (field->span_count == field->span_capacity)
		pa_grow(&field->spans, &field->span_capacity, field->span_count + 1, sizeof(*field->spans));
	field->spans[field->span_count++] = span;
}

/* Overlapping intervals of one test would count twice; sorted copies are merged first. */
static int compare_intervals(const void *a, const void *b)
{
	const struct pa_interval *x = a, *y = b;
	return x->first < y->first ? -1 : x->first > y->first;
}

static void add_unsorted(struct field_cuts *field, const struct pa_interval *items, size_t count, size_t stride, pa_u128 max,
			 pa_u128 signature)
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
		add_interval_events(field, open, max, signature);
		open = copy[i];
	}
	add_interval_events(field, open, max, signature);
	free(copy);
}

static size_t seen_slot(const struct seen *seen, struct pa_interval key)
{
	uint64_t h = (uint64_t)key.first * 0x9e3779b97f4a7c15u ^ (uint64_t)(key.first >> 64) * 0xbf58476d1ce4e5b9u;
	h = (h ^ h >> 29 ^ (uint64_t)key.last ^ (uint64_t)(key.last >> 64)) * 0x94d049bb133111ebu;
	size_t slot = (size_t)(h ^ h >> 32) & (seen->capacity - 1);
	while (seen->used[slot] && (seen->keys[slot].first != key.first || seen->keys[slot].last != key.last))
		slot = (slot + 1) & (seen->capacity - 1);
	return slot;
}

/* Was this very interval announced before? Notes it. */
static bool is_repeated(struct seen *seen, struct pa_interval key)
{
	if ((seen->count + 1) * 2 > seen->capacity) {
		struct seen old = *seen;
		seen->capacity = old.capacity ? old.capacity * 2 : 64;
		seen->keys = pa_xcalloc(seen->capacity, sizeof(*seen->keys));
		seen->used = pa_xcalloc(seen->capacity, sizeof(*seen->used));
		for (size_t i = 0; i < old.capacity; i++) {
			if (!old.used[i])
				continue;
			size_t slot = seen_slot(seen, old.keys[i]);
			seen->keys[slot] = old.keys[i];
			seen->used[slot] = true;
		}
		free(old.keys);
		free(old.used);
	}
	size_t slot = seen_slot(seen, key);
	if (seen->used[slot])
		return true;
	seen->keys[slot] = key;
	seen->used[slot] = true;
	seen->count++;
	return false;
}

void pa_cuts_add(struct pa_cuts *cuts, enum pa_field id, const struct pa_interval *items, size_t count, size_t stride,
		 bool sorted)
{
	struct field_cuts *field = &cuts->field[id];
	pa_u128 max = pa_field_max(id);
	if (count == 0)
		return;
	pa_u128 signature = next_signature(cuts);
	struct pa_interval span = items[0];
	if (sorted) {
		span.last = items[(count - 1) * stride].last;
	} else {
		for (size_t i = 1; i < count; i++) {
			if (items[i * stride].first < span.first)
				span.first = items[i * stride].first;
			if (items[i * stride].last > span.last)
				span.last = items[i * stride].last;
		}
	}
	add_span(field, span);
	if (count == 1 && is_repeated(&cuts->seen[id], items[0]))
		return;
	if (sorted && count >= RUN_MINIMUM && field->run_count < RUNS_MAXIMUM) {
		field->runs[field->run_count++] = (struct run){ items, count, stride, signature };
		return;
	}
	if (!sorted && count > 1) {
		add_unsorted(field, items, count, stride, max, signature);
		return;
	}
	for (size_t i = 0; i < count; i++)
		add_interval_events(field, items[i * stride], max, signature);
}

void pa_cuts_add_interval(struct pa_cuts *cuts, enum pa_field field, struct pa_interval interval)
{
	pa_cuts_add(cuts, field, &interval, 1, 1, true);
}

bool pa_cuts_has(const struct pa_cuts *cuts, enum pa_field field)
{
	return cuts->field[field].span_count > 0;
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
	pa_u128 change = cursor->behind ? (pa_u128)0 - run->signature : run->signature;
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

static void sweep(const struct field_cuts *field, struct pa_classes *classes, struct numbering *numbering)
{
	struct cursor cursors[RUNS_MAXIMUM] = { 0 };
	size_t next = 0, capacity = 0;
	pa_u128 at = 0, signature = 0;
	for (;;) {
		while (next < field->count && field->events[next].at == at)
			signature += field->events[next++].signature;
		for (size_t r = 0; r < field->run_count; r++) {
			while (!cursors[r].finished && cursor_at(&field->runs[r], &cursors[r]) == at)
				signature += cursor_step(&field->runs[r], &cursors[r], classes->max);
		}
		append_segment(classes, &capacity, at, number_of(numbering, signature));
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

static void weigh(const struct field_cuts *field, struct pa_classes *classes)
{
	classes->tests = field->span_count;
	for (size_t i = 0; i < field->span_count; i++) {
		uint32_t low = pa_classes_find(classes, field->spans[i].first);
		uint32_t high = pa_classes_find(classes, field->spans[i].last);
		uint32_t span = low < high ? high - low : low - high;
		classes->weight += (double)(span + 1) / (double)classes->count;
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
	sweep(field, ret, &numbering);
	ret->count = numbering.count;
	free(numbering.signature);
	free(numbering.number);
	ret->segments_of = pa_xcalloc(ret->count, sizeof(*ret->segments_of));
	for (size_t i = 0; i < ret->segments; i++)
		ret->segments_of[ret->class_of[i]]++;
	weigh(field, ret);
}

void pa_classes_done(struct pa_classes *classes)
{
	free(classes->start);
	free(classes->class_of);
	free(classes->segments_of);
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
