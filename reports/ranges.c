/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Intervals of a field: tidying, comparing, and numbers and addresses in text. */
#include "ranges.h"

#include <stdlib.h>

static int compare_values(pa_u128 a, pa_u128 b)
{
	return a < b ? -1 : a > b;
}

static int compare_intervals(const void *left, const void *right)
{
	const struct pa_interval *a = left, *b = right;
	int order = compare_values(a->first, b->first);
	return order ? order : compare_values(a->last, b->last);
}

static bool is_address(enum pa_field field)
{
	return field == PA_FIELD_SADDR || field == PA_FIELD_DADDR || field == PA_FIELD_CT_ORIG_SADDR ||
	       field == PA_FIELD_CT_ORIG_DADDR || field == PA_FIELD_CT_REPLY_SADDR || field == PA_FIELD_CT_REPLY_DADDR;
}

/* All values that the field can have in a packet of the family. */
static struct pa_interval domain(enum pa_field field, int family)
{
	if (is_address(field) && family == 4)
		return (struct pa_interval){ .first = PA_IPV4_BASE, .last = PA_IPV4_LAST };
	return (struct pa_interval){ .first = 0, .last = pa_field_max(field) };
}

/* Sorted intervals; b begins where a ends, or nothing but the IPv4-mapped block lies between them. */
static bool touches(struct pa_interval a, struct pa_interval b, bool ipv6)
{
	if (a.last == PA_U128_MAX || b.first <= a.last + 1)
		return true;
	return ipv6 && a.last + 1 >= PA_IPV4_BASE && a.last <= PA_IPV4_LAST && b.first <= PA_IPV4_LAST + 1;
}

static size_t join(struct pa_interval *items, size_t count, bool ipv6)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		if (kept && touches(items[kept - 1], items[i], ipv6)) {
			if (items[i].last > items[kept - 1].last)
				items[kept - 1].last = items[i].last;
		} else {
			items[kept++] = items[i];
		}
	}
	return kept;
}

struct pa_ranges pa_ranges_clean(struct pa_arena *arena, struct pa_ranges ranges, enum pa_field field, int family)
{
	if (ranges.count == 0)
		return ranges;
	struct pa_interval all = domain(field, family);
	struct pa_interval *items = pa_arena_alloc(arena, ranges.count, sizeof(*items));
	size_t count = 0;
	for (size_t i = 0; i < ranges.count; i++) {
		struct pa_interval item = ranges.items[i];
		if (item.first > all.last || item.last < all.first)
			continue;
		item.first = item.first < all.first ? all.first : item.first;
		item.last = item.last > all.last ? all.last : item.last;
		items[count++] = item;
	}
	/* Nothing left is no box at all; shown as it came rather than turned into "any". */
	if (count == 0)
		return ranges;
	qsort(items, count, sizeof(*items), compare_intervals);
	count = join(items, count, is_address(field) && family == 6);
	if (count == 1 && items[0].first == all.first && items[0].last == all.last)
		return (struct pa_ranges){ .items = NULL, .count = 0 };
	return (struct pa_ranges){ .items = items, .count = count };
}

int pa_ranges_compare(struct pa_ranges a, struct pa_ranges b)
{
	for (size_t i = 0; i < a.count && i < b.count; i++) {
		int order = compare_intervals(&a.items[i], &b.items[i]);
		if (order)
			return order;
	}
	return a.count < b.count ? -1 : a.count > b.count;
}

bool pa_ranges_hold(struct pa_ranges ranges, pa_u128 value)
{
	size_t low = 0, high = ranges.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (value > ranges.items[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return ranges.count == 0 || (low < ranges.count && value >= ranges.items[low].first);
}

bool pa_ranges_is_single(struct pa_ranges ranges)
{
	return ranges.count == 1 && ranges.items[0].first == ranges.items[0].last;
}

struct pa_ranges pa_ranges_gaps(struct pa_arena *arena, struct pa_ranges ranges, enum pa_field field, int family)
{
	struct pa_interval all = domain(field, family);
	struct pa_interval *gaps = pa_arena_alloc(arena, ranges.count + 1, sizeof(*gaps));
	size_t count = 0;
	pa_u128 from = all.first;
	for (size_t i = 0; i < ranges.count; i++) {
		if (ranges.items[i].first > from)
			gaps[count++] = (struct pa_interval){ .first = from, .last = ranges.items[i].first - 1 };
		from = ranges.items[i].last + 1;
	}
	if (ranges.count && ranges.items[ranges.count - 1].last != all.last)
		gaps[count++] = (struct pa_interval){ .first = from, .last = all.last };
	return (struct pa_ranges){ .items = gaps, .count = count };
}

void pa_number_range_print(struct pa_interval range, struct pa_buffer *out)
{
	pa_buffer_printf(out, "%llu", (unsigned long long)range.first);
	if (range.last != range.first)
		pa_buffer_printf(out, "-%llu", (unsigned long long)range.last);
}

void pa_print_more(size_t hidden, struct pa_buffer *out)
{
	pa_buffer_printf(out, ", ... and %zu more", hidden);
}

/* How many of `count` are shown; one alone is not hidden behind "and 1 more". */
static size_t shown_of(size_t count, size_t most)
{
	return most == 0 || count <= most + 1 ? count : most;
}

void pa_number_ranges_print(struct pa_ranges ranges, size_t most, struct pa_buffer *out)
{
	size_t shown = shown_of(ranges.count, most);
	for (size_t i = 0; i < shown; i++) {
		if (i)
			pa_buffer_putc(out, ',');
		pa_number_range_print(ranges.items[i], out);
	}
	if (shown < ranges.count)
		pa_print_more(ranges.count - shown, out);
}

static void print_addresses(struct pa_ranges ranges, int family, size_t most, struct pa_buffer *out)
{
	size_t shown = shown_of(ranges.count, most);
	for (size_t i = 0; i < shown; i++) {
		char text[PA_ADDRESS_RANGE_TEXT_MAX];
		pa_address_range_format(ranges.items[i], family, text);
		if (i)
			pa_buffer_puts(out, ", ");
		pa_buffer_puts(out, text);
	}
	if (shown < ranges.count)
		pa_print_more(ranges.count - shown, out);
}

void pa_address_ranges_print(struct pa_arena *arena, struct pa_ranges ranges, int family, const char *any, size_t most,
			     struct pa_buffer *out)
{
	struct pa_ranges gaps = pa_ranges_gaps(arena, ranges, PA_FIELD_SADDR, family);
	if (gaps.count >= ranges.count) {
		print_addresses(ranges, family, most, out);
		return;
	}
	pa_buffer_printf(out, "%s but ", any);
	print_addresses(gaps, family, most, out);
}
