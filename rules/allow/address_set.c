/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses while they are put together: unions and differences of intervals, and of the one set whose members are
 * not known yet, `self`. Any such expression is a pair: what it holds of the host's own addresses (own) and what of all
 * others (foreign). While `self` has not been met the two are the same and only `foreign` is kept.
 */
#include <stdlib.h>
#include <string.h>

#include "allow.h"

enum { FAMILY_COUNT = 2 };

static struct pa_interval everything(int index)
{
	return index == 0 ? (struct pa_interval){ PA_IPV4_BASE, PA_IPV4_LAST } : (struct pa_interval){ 0, PA_U128_MAX };
}

void pa_span_list_add(struct pa_span_list *list, struct pa_interval interval)
{
	pa_grow(&list->items, &list->capacity, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = interval;
}

static void add_many(struct pa_span_list *list, const struct pa_interval *items, size_t count)
{
	if (count == 0)
		return;
	pa_grow(&list->items, &list->capacity, list->count + count, sizeof(*list->items));
	memcpy(list->items + list->count, items, count * sizeof(*items));
	list->count += count;
}

static int compare_intervals(const void *left, const void *right)
{
	const struct pa_interval *a = left, *b = right;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return (a->last > b->last) - (a->last < b->last);
}

/* Already sorted, with gaps? Then there is nothing to do. */
static bool is_normal(const struct pa_span_list *list)
{
	for (size_t i = 1; i < list->count; i++)
		if (list->items[i - 1].last == PA_U128_MAX || list->items[i].first <= list->items[i - 1].last + 1)
			return false;
	return true;
}

/* Sorted, disjoint, and no two that touch. */
void pa_span_list_normalise(struct pa_span_list *list)
{
	if (is_normal(list))
		return;
	qsort(list->items, list->count, sizeof(*list->items), compare_intervals);
	size_t kept = 0;
	for (size_t i = 1; i < list->count; i++) {
		struct pa_interval *last = &list->items[kept], next = list->items[i];
		if (last->last == PA_U128_MAX || next.first <= last->last + 1) {
			if (next.last > last->last)
				last->last = next.last;
		} else {
			list->items[++kept] = next;
		}
	}
	list->count = kept + 1;
}

struct pa_interval *pa_span_list_keep(const struct pa_span_list *list, struct pa_arena *arena)
{
	return list->count ? pa_arena_dup(arena, list->items, list->count, sizeof(*list->items)) : NULL;
}

/* What of `from` is in none of `taken`; both normal. */
static struct pa_span_list difference(const struct pa_span_list *from, const struct pa_span_list *taken)
{
	struct pa_span_list rest = { 0 };
	size_t t = 0;
	for (size_t i = 0; i < from->count; i++) {
		pa_u128 first = from->items[i].first, last = from->items[i].last;
		bool left = true;
		while (t < taken->count && taken->items[t].last < first)
			t++;
		for (size_t k = t; left && k < taken->count && taken->items[k].first <= last; k++) {
			if (taken->items[k].first > first)
				pa_span_list_add(&rest, (struct pa_interval){ first, taken->items[k].first - 1 });
			left = taken->items[k].last < last;
			first = left ? taken->items[k].last + 1 : first;
		}
		if (left)
			pa_span_list_add(&rest, (struct pa_interval){ first, last });
	}
	return rest;
}

static void replace(struct pa_span_list *list, struct pa_span_list by)
{
	free(list->items);
	*list = by;
}

static struct pa_span_list complement(const struct pa_span_list *list, int index)
{
	struct pa_interval whole = everything(index);
	struct pa_span_list all = { .items = &whole, .count = 1 };
	return difference(&all, list);
}

static bool is_everything(const struct pa_span_list *list, int index)
{
	struct pa_interval whole = everything(index);
	return list->count == 1 && list->items[0].first == whole.first && list->items[0].last == whole.last;
}

static bool is_same(const struct pa_span_list *a, const struct pa_span_list *b)
{
	return a->count == b->count && (a->count == 0 || memcmp(a->items, b->items, a->count * sizeof(*a->items)) == 0);
}

static void split(struct pa_address_set *set)
{
	if (set->split)
		return;
	for (int i = 0; i < FAMILY_COUNT; i++)
		add_many(&set->own[i], set->foreign[i].items, set->foreign[i].count);
	set->split = true;
}

static void normalise(struct pa_address_set *set)
{
	for (int i = 0; i < FAMILY_COUNT; i++) {
		pa_span_list_normalise(&set->foreign[i]);
		pa_span_list_normalise(&set->own[i]);
	}
}

void pa_address_set_add(struct pa_address_set *set, int family, struct pa_interval interval)
{
	int index = family == 4 ? 0 : 1;
	pa_span_list_add(&set->foreign[index], interval);
	if (set->split)
		pa_span_list_add(&set->own[index], interval);
}

void pa_address_set_add_all(struct pa_address_set *set)
{
	pa_address_set_add(set, 4, everything(0));
	pa_address_set_add(set, 6, everything(1));
}

void pa_address_set_add_self(struct pa_address_set *set)
{
	split(set);
	for (int i = 0; i < FAMILY_COUNT; i++)
		pa_span_list_add(&set->own[i], everything(i));
}

/* The lists of finished addresses as the pair that they stand for (policy.h says what they mean). */
static void open_addresses(const struct pa_addresses *addresses, struct pa_address_set *set)
{
	if (addresses->any)
		pa_address_set_add_all(set);
	add_many(&set->foreign[0], addresses->ipv4, addresses->ipv4_count);
	add_many(&set->foreign[1], addresses->ipv6, addresses->ipv6_count);
	if (addresses->except_self)
		set->split = true; /* nothing of the host's own */
	if (!addresses->self)
		return;
	split(set);
	struct pa_span_list except[FAMILY_COUNT] = {
		{ .items = addresses->except_ipv4, .count = addresses->except_ipv4_count },
		{ .items = addresses->except_ipv6, .count = addresses->except_ipv6_count },
	};
	for (int i = 0; i < FAMILY_COUNT; i++) {
		struct pa_span_list own = complement(&except[i], i);
		add_many(&set->own[i], own.items, own.count);
		free(own.items);
	}
}

void pa_address_set_unite(struct pa_address_set *set, const struct pa_addresses *other)
{
	struct pa_address_set opened = { 0 };
	open_addresses(other, &opened);
	if (opened.split)
		split(set);
	else if (set->split)
		split(&opened);
	for (int i = 0; i < FAMILY_COUNT; i++) {
		add_many(&set->foreign[i], opened.foreign[i].items, opened.foreign[i].count);
		add_many(&set->own[i], opened.own[i].items, opened.own[i].count);
	}
	pa_address_set_done(&opened);
}

void pa_address_set_minus(struct pa_address_set *set, struct pa_address_set *other)
{
	if (set->split)
		split(other);
	else if (other->split)
		split(set);
	normalise(set);
	normalise(other);
	for (int i = 0; i < FAMILY_COUNT; i++) {
		replace(&set->foreign[i], difference(&set->foreign[i], &other->foreign[i]));
		replace(&set->own[i], difference(&set->own[i], &other->own[i]));
	}
}

bool pa_address_set_is_empty(const struct pa_address_set *set)
{
	size_t count = 0;
	for (int i = 0; i < FAMILY_COUNT; i++)
		count += set->foreign[i].count + set->own[i].count;
	return count == 0;
}

/* Does `all` hold every address of `part`? */
static bool holds(const struct pa_span_list *all, const struct pa_span_list *part)
{
	struct pa_span_list missing = difference(part, all);
	size_t count = missing.count;
	free(missing.items);
	return count == 0;
}

static void keep_own(struct pa_address_set *set, struct pa_arena *arena, struct pa_addresses *addresses)
{
	if (is_same(&set->own[0], &set->foreign[0]) && is_same(&set->own[1], &set->foreign[1]))
		return;
	addresses->except_self = !holds(&set->own[0], &set->foreign[0]) || !holds(&set->own[1], &set->foreign[1]);
	addresses->self = set->own[0].count || set->own[1].count;
	if (!addresses->self)
		return;
	struct pa_span_list except4 = complement(&set->own[0], 0), except6 = complement(&set->own[1], 1);
	addresses->except_ipv4 = pa_span_list_keep(&except4, arena);
	addresses->except_ipv4_count = except4.count;
	addresses->except_ipv6 = pa_span_list_keep(&except6, arena);
	addresses->except_ipv6_count = except6.count;
	free(except4.items);
	free(except6.items);
}

void pa_address_set_keep(struct pa_address_set *set, struct pa_arena *arena, struct pa_addresses *ret_addresses)
{
	struct pa_addresses addresses = { 0 };
	normalise(set);
	if (set->split)
		keep_own(set, arena, &addresses);
	addresses.any = !addresses.self && !addresses.except_self && is_everything(&set->foreign[0], 0) &&
			is_everything(&set->foreign[1], 1);
	if (!addresses.any) {
		addresses.ipv4 = pa_span_list_keep(&set->foreign[0], arena);
		addresses.ipv4_count = set->foreign[0].count;
		addresses.ipv6 = pa_span_list_keep(&set->foreign[1], arena);
		addresses.ipv6_count = set->foreign[1].count;
	}
	*ret_addresses = addresses;
}

void pa_address_set_done(struct pa_address_set *set)
{
	for (int i = 0; i < FAMILY_COUNT; i++) {
		free(set->foreign[i].items);
		free(set->own[i].items);
	}
	*set = (struct pa_address_set){ 0 };
}
