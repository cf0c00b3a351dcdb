/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the entries of one set hold together.
 *
 * mtype_test_cidrs() in the kernel's ip_set_hash_gen.h tries prefix lengths from the longest to the shortest (with two prefixes, those
 * of the first in the outer loop) and takes the first entry that it finds: one that says `nomatch` ends the search as well. So the
 * entries are put on top of each other from the shortest prefix to the longest.
 *
 * hash:net,iface stops at the longest prefix that any entry has, whether its interface is the right one or not (IP_SET_HASH_WITH_MULTI).
 * An entry for a bridge port (physdev:) is never found by a rule, which asks without that flag; it ends the search only where it shares
 * a bucket of the hash table by chance.
 */
#include <stdlib.h>
#include <string.h>

#include "ipset_data.h"

/* So much work for exceptions, then the answer is "unknown". */
#define WORK_MAX ((size_t)1 << 28)

struct carving {
	const struct pa_ipset *set;
	struct pa_ipset_region *region;
	size_t *order; /* entries */
	bool nomatch;  /* what is asked for */
	size_t work;
};

static unsigned width(const struct carving *carving)
{
	return carving->set->dimension_count;
}

static const struct pa_interval *entry_box(const struct carving *carving, size_t entry)
{
	return &carving->set->keys[entry * width(carving)];
}

static bool is_wanted(const struct carving *carving, size_t entry)
{
	unsigned flags = carving->set->entries[entry].flags;
	return !(flags & PA_ENTRY_NOMATCH) == !carving->nomatch;
}

static void add_box(struct pa_ipset_region *region, const struct pa_interval *box, unsigned parts)
{
	pa_grow(&region->keys, &region->capacity, (region->count + 1) * parts, sizeof(*region->keys));
	memcpy(&region->keys[region->count++ * parts], box, parts * sizeof(*box));
}

/* --- several dimensions --------------------------------------------------------------------------------------------------- */

/* The parts of `box` that are outside of `hole` are added; false: they do not meet. */
static bool cut(struct pa_ipset_region *region, const struct pa_interval *box, const struct pa_interval *hole, unsigned parts)
{
	struct pa_interval left[PA_IPSET_DIMENSIONS], piece[PA_IPSET_DIMENSIONS];

	for (unsigned i = 0; i < parts; i++)
		if (box[i].first > hole[i].last || box[i].last < hole[i].first)
			return false;
	memcpy(left, box, parts * sizeof(*box));
	for (unsigned i = 0; i < parts; i++) {
		memcpy(piece, left, sizeof(piece));
		if (left[i].first < hole[i].first) {
			piece[i].last = hole[i].first - 1;
			add_box(region, piece, parts);
			left[i].first = hole[i].first;
		}
		memcpy(piece, left, sizeof(piece));
		if (left[i].last > hole[i].last) {
			piece[i].first = hole[i].last + 1;
			add_box(region, piece, parts);
			left[i].last = hole[i].last;
		}
	}
	return true;
}

static void subtract(struct carving *carving, const struct pa_interval *hole)
{
	struct pa_ipset_region *region = carving->region, out = { 0 };
	unsigned parts = width(carving);

	carving->work += region->count;
	for (size_t i = 0; i < region->count; i++)
		if (!cut(&out, &region->keys[i * parts], hole, parts))
			add_box(&out, &region->keys[i * parts], parts);
	free(region->keys);
	*region = out;
}

static int by_length(const void *a, const void *b, void *context)
{
	const struct pa_ipset *set = context;
	size_t left = *(const size_t *)a, right = *(const size_t *)b;

	for (unsigned i = 0; i < set->dimension_count; i++) {
		int difference = set->entries[left].lengths[i] - set->entries[right].lengths[i];
		if (difference && set->type->dimensions[i] == PA_IPSET_NET)
			return difference;
	}
	return (left > right) - (left < right);
}

static void put_on_top(struct carving *carving)
{
	const struct pa_ipset *set = carving->set;

	qsort_r(carving->order, set->count, sizeof(*carving->order), by_length, (void *)(uintptr_t)set);
	for (size_t i = 0; i < set->count && carving->work < WORK_MAX; i++) {
		size_t entry = carving->order[i];
		if (is_wanted(carving, entry))
			add_box(carving->region, entry_box(carving, entry), width(carving));
		else if (carving->region->count)
			subtract(carving, entry_box(carving, entry));
	}
	if (carving->work >= WORK_MAX)
		carving->region->problem = "the exceptions of the set are too many to be worked out";
}

/* --- one prefix, and the interfaces of hash:net,iface ---------------------------------------------------------------------- */

static int by_prefix(const void *a, const void *b, void *context)
{
	const struct pa_ipset *set = context;
	size_t left = *(const size_t *)a, right = *(const size_t *)b;
	struct pa_interval one = set->keys[left * set->dimension_count], other = set->keys[right * set->dimension_count];

	if (one.first != other.first)
		return one.first < other.first ? -1 : 1;
	if (one.last != other.last)
		return one.last > other.last ? -1 : 1;
	return (left > right) - (left < right);
}

/* Entries with the same prefix: order[first] to order[last - 1]. */
struct prefix {
	struct pa_interval addresses;
	size_t first, last;
};

/* Entries of one prefix (and of interfaces that overlap) that contradict each other: which is found first is chance. */
static bool contradict(const struct carving *carving, const struct prefix *prefix)
{
	for (size_t i = prefix->first; i < prefix->last; i++)
		for (size_t j = i + 1; j < prefix->last; j++) {
			size_t one = carving->order[i], other = carving->order[j];
			struct pa_interval a = entry_box(carving, one)[width(carving) - 1];
			struct pa_interval b = entry_box(carving, other)[width(carving) - 1];
			unsigned flags = carving->set->entries[one].flags, other_flags = carving->set->entries[other].flags;
			if (((flags ^ other_flags) & PA_ENTRY_NOMATCH) && a.first <= b.last && b.first <= a.last)
				return true;
		}
	return false;
}

/* These addresses have `prefix` as their longest. */
static void give(struct carving *carving, const struct prefix *prefix, pa_u128 first, pa_u128 last)
{
	struct pa_interval box[PA_IPSET_DIMENSIONS] = { { first, last } };

	for (size_t i = prefix->first; i < prefix->last; i++)
		if (is_wanted(carving, carving->order[i])) {
			if (width(carving) == 2)
				box[1] = entry_box(carving, carving->order[i])[1];
			add_box(carving->region, box, width(carving));
		}
}

/* Give what is left of the innermost prefix up to `before` (not included; 0 with `all`: to its end). */
static size_t close_prefixes(struct carving *carving, const struct prefix *stack, size_t depth, pa_u128 *at, pa_u128 before,
			     bool all)
{
	while (depth && (all || stack[depth - 1].addresses.last < before)) {
		const struct prefix *top = &stack[depth - 1];
		if (*at <= top->addresses.last && *at >= top->addresses.first)
			give(carving, top, *at, top->addresses.last);
		*at = top->addresses.last + 1;
		if (*at == 0)
			return 0; /* nothing comes behind the last address */
		depth--;
	}
	return depth;
}

/* Prefixes contain each other or are apart: one pass in order of their beginnings, with a stack of those that are open. */
static void nest(struct carving *carving, size_t count)
{
	const struct pa_ipset *set = carving->set;
	struct prefix stack[130];
	size_t depth = 0, *order = carving->order;
	pa_u128 at = 0;

	qsort_r(order, count, sizeof(*order), by_prefix, (void *)(uintptr_t)set);
	for (size_t i = 0; i < count;) {
		struct prefix next = { entry_box(carving, order[i])[0], i, i };
		while (next.last < count && entry_box(carving, order[next.last])[0].first == next.addresses.first &&
		       entry_box(carving, order[next.last])[0].last == next.addresses.last)
			next.last++;
		if (contradict(carving, &next))
			carving->region->problem = "entries of one prefix contradict each other";
		depth = close_prefixes(carving, stack, depth, &at, next.addresses.first, false);
		if (depth && at < next.addresses.first)
			give(carving, &stack[depth - 1], at, next.addresses.first - 1);
		at = next.addresses.first;
		stack[depth++] = next;
		i = next.last;
	}
	close_prefixes(carving, stack, depth, &at, 0, true);
}

/* --- all ------------------------------------------------------------------------------------------------------------------- */

static bool has_exceptions(const struct pa_ipset *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->entries[i].flags & PA_ENTRY_NOMATCH)
			return true;
	return false;
}

void pa_ipset_region(const struct pa_ipset *set, bool nomatch, struct pa_ipset_region *ret_region)
{
	struct carving carving = { .set = set, .region = ret_region, .nomatch = nomatch };
	bool is_net = set->type->dimensions[0] == PA_IPSET_NET;
	size_t count = 0;

	*ret_region = (struct pa_ipset_region){ 0 };
	carving.order = pa_xcalloc(set->count + 1, sizeof(*carving.order));
	for (size_t i = 0; i < set->count; i++)
		if (!(set->entries[i].flags & PA_ENTRY_PHYSDEV))
			carving.order[count++] = i;
	if (is_net && (set->dimension_count == 1 || set->type->dimensions[1] == PA_IPSET_IFACE)) {
		nest(&carving, count);
	} else if (has_exceptions(set)) {
		put_on_top(&carving);
	} else {
		for (size_t i = 0; i < set->count && !nomatch; i++)
			add_box(ret_region, entry_box(&carving, i), width(&carving));
	}
	free(carving.order);
}
