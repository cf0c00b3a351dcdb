/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Split x from its highest bit down. What is left of y = (x & mask) ^ xor below a prefix of x lies between two bounds: where all
 * of that is inside the wanted intervals, or none of it, the whole subtree is decided.
 */
#include "preimage.h"

#include <stdlib.h>
#include <string.h>

#define VISITS_MAX 2000000

struct search {
	pa_u128 mask, xor_value;
	struct pa_interval *wanted; /* sorted, disjoint, not touching */
	size_t wanted_count;
	struct pa_interval *out;
	size_t count, capacity, visits;
	bool too_many;
};

/* 1: y_low..y_high is inside one interval, 0: it meets none, -1: neither. */
static int meets(const struct search *s, pa_u128 y_low, pa_u128 y_high)
{
	size_t low = 0, high = s->wanted_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (s->wanted[middle].last < y_low)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == s->wanted_count || s->wanted[low].first > y_high)
		return 0;
	return s->wanted[low].first <= y_low && s->wanted[low].last >= y_high ? 1 : -1;
}

static void emit(struct search *s, pa_u128 first, pa_u128 last)
{
	if (s->count && s->out[s->count - 1].last + 1 == first) {
		s->out[s->count - 1].last = last;
		return;
	}
	if (s->count == PA_PREIMAGE_MAX) {
		s->too_many = true;
		return;
	}
	pa_grow(&s->out, &s->capacity, s->count + 1, sizeof(*s->out));
	s->out[s->count++] = (struct pa_interval){ first, last };
}

/* All x that begin with `prefix` and have `bits` more bits. */
static void search(struct search *s, pa_u128 prefix, unsigned bits)
{
	pa_u128 below = bits == 128 ? PA_U128_MAX : ((pa_u128)1 << bits) - 1;
	pa_u128 fixed = ((prefix & s->mask) ^ s->xor_value) & ~(below & s->mask);
	if (++s->visits > VISITS_MAX)
		s->too_many = true;
	int met = s->too_many ? 0 : meets(s, fixed, fixed | (below & s->mask));
	if (met == 0)
		return;
	/* between the bounds y takes only values that keep the fixed bits: inside one interval is enough, single bits decide */
	if (met == 1) {
		emit(s, prefix, prefix | below);
		return;
	}
	if (bits == 0)
		return;
	search(s, prefix, bits - 1);
	search(s, prefix | (pa_u128)1 << (bits - 1), bits - 1);
}

static int compare_intervals(const void *a, const void *b)
{
	const struct pa_interval *x = a, *y = b;
	return x->first < y->first ? -1 : x->first > y->first;
}

static void collect_wanted(struct search *s, const struct pa_interval *items, size_t count, size_t stride)
{
	s->wanted = pa_xcalloc(count + 1, sizeof(*s->wanted));
	for (size_t i = 0; i < count; i++)
		s->wanted[i] = items[i * stride];
	qsort(s->wanted, count, sizeof(*s->wanted), compare_intervals);
	for (size_t i = 0; i < count; i++) {
		struct pa_interval *last = s->wanted_count ? &s->wanted[s->wanted_count - 1] : NULL;
		if (last && (last->last == PA_U128_MAX || s->wanted[i].first <= last->last + 1)) {
			if (s->wanted[i].last > last->last)
				last->last = s->wanted[i].last;
			continue;
		}
		s->wanted[s->wanted_count++] = s->wanted[i];
	}
}

bool pa_preimage(unsigned bits, pa_u128 mask, pa_u128 xor_value, const struct pa_interval *items, size_t count, size_t stride,
		 struct pa_arena *arena, struct pa_interval **ret_items, size_t *ret_count)
{
	struct search s = { .mask = mask, .xor_value = xor_value };
	collect_wanted(&s, items, count, stride);
	search(&s, 0, bits);
	*ret_items = pa_arena_dup(arena, s.out, s.count, sizeof(*s.out));
	*ret_count = s.count;
	free(s.wanted);
	free(s.out);
	return !s.too_many;
}
