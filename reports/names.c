/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of interface names in words. The set is a list of intervals over padded 16-byte names; rules only ever name single
 * names and prefixes, so the list is a tree of prefixes in which each node differs from its parent or does not.
 */
#include <string.h>

#include "portaudit/report.h"
#include "ranges.h"

struct describer {
	struct pa_arena *arena;
	struct pa_ranges names;
	struct pa_name_entry *entries;
	size_t count;
	size_t capacity;
};

/* The names that begin with `length` bytes of `value`; the bytes behind them are zero. */
static struct pa_interval node_interval(pa_u128 value, unsigned length)
{
	pa_u128 rest = length == 0		 ? PA_U128_MAX
		       : length >= PA_IFNAME_MAX ? 0
						 : ((pa_u128)1 << (8 * (PA_IFNAME_MAX - length))) - 1;
	return (struct pa_interval){ .first = value, .last = value | rest };
}

static const char *entry_text(struct pa_arena *arena, pa_u128 value, unsigned length, bool wild)
{
	char name[PA_IFNAME_MAX + 1], text[2 * PA_IFNAME_MAX + 2];
	size_t at = 0;
	pa_ifname_format(value, name);
	for (unsigned i = 0; i < length && name[i]; i++) {
		if (name[i] == '*')
			text[at++] = '\\';
		text[at++] = name[i];
	}
	if (wild)
		text[at++] = '*';
	return pa_arena_strndup(arena, text, at);
}

static void add_entry(struct describer *describer, pa_u128 value, unsigned length, bool wild, bool except)
{
	if (describer->count == describer->capacity) {
		size_t capacity = describer->capacity ? 2 * describer->capacity : 8;
		struct pa_name_entry *entries = pa_arena_alloc(describer->arena, capacity, sizeof(*entries));
		if (describer->count)
			memcpy(entries, describer->entries, describer->count * sizeof(*entries));
		describer->entries = entries;
		describer->capacity = capacity;
	}
	describer->entries[describer->count++] =
		(struct pa_name_entry){ .text = entry_text(describer->arena, value, length, wild), .except = except };
}

/* The first interval that does not end before `value`; names.count when there is none. */
static size_t interval_at(const struct pa_ranges *names, pa_u128 value)
{
	size_t low = 0, high = names->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (value > names->items[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The last value from `value` on up to which all are in, or all are out, as `value` is. */
static pa_u128 uniform_until(const struct describer *describer, pa_u128 value)
{
	const struct pa_ranges *names = &describer->names;
	size_t at = interval_at(names, value);
	if (at == names->count)
		return PA_U128_MAX;
	return names->items[at].first > value ? names->items[at].first - 1 : names->items[at].last;
}

static bool is_uniform(const struct describer *describer, struct pa_interval interval)
{
	return uniform_until(describer, interval.first) >= interval.last;
}

/*
 * `parent`: what the nearest entry above says. What a node says as a whole is read off its last name (prefix, then bytes
 * 0xff): no rule names it, so it stands for all names of the prefix that no rule names.
 */
static void describe(struct describer *describer, pa_u128 value, unsigned length, bool parent)
{
	struct pa_interval node = node_interval(value, length);
	bool bulk = pa_ranges_hold(describer->names, node.last);
	if (length && bulk != parent)
		add_entry(describer, value, length, length < PA_IFNAME_MAX, !bulk);
	if (length == PA_IFNAME_MAX || (length && is_uniform(describer, node)))
		return;
	bool exact = pa_ranges_hold(describer->names, node.first);
	if (length && exact != bulk)
		add_entry(describer, value, length, false, !exact);
	unsigned shift = 8 * (PA_IFNAME_MAX - 1 - length);
	for (unsigned byte = 1; byte < 256; byte++) {
		struct pa_interval below = node_interval(value | (pa_u128)byte << shift, length + 1);
		pa_u128 until = uniform_until(describer, below.first);
		if (until < below.last || pa_ranges_hold(describer->names, below.first) != bulk)
			describe(describer, below.first, length + 1, bulk);
		else if (until >= node.last)
			break;
		else /* nothing changes before the byte that the next value has here */
			byte = (unsigned)((until + 1) >> shift & 0xff) - 1;
	}
}

/* "any" leaves lo out by itself: an entry that says so again is taken away. */
static bool drop_loopback_exception(struct describer *describer)
{
	for (size_t i = 0; i < describer->count; i++) {
		if (!describer->entries[i].except || strcmp(describer->entries[i].text, "lo") != 0)
			continue;
		memmove(&describer->entries[i], &describer->entries[i + 1],
			(describer->count - i - 1) * sizeof(*describer->entries));
		describer->count--;
		return true;
	}
	return false;
}

struct pa_name_list pa_name_list_make(struct pa_arena *arena, struct pa_ranges names)
{
	struct pa_name_list list = { .any = pa_ranges_hold(names, PA_U128_MAX), .none = pa_ranges_hold(names, 0) };
	struct describer describer = { .arena = arena, .names = names };
	if (names.count)
		describe(&describer, 0, 0, false);
	if (list.any)
		list.loopback =
			!drop_loopback_exception(&describer) && names.count && pa_ranges_hold(names, pa_ifname_value("lo"));
	list.entries = describer.entries;
	list.count = describer.count;
	return list;
}

/* The entries of one kind, with commas. Returns how many there are. */
static size_t print_entries(const struct pa_name_list *list, bool except, const char *before, size_t most,
			    struct pa_buffer *out)
{
	size_t seen = 0, hidden = 0;
	for (size_t i = 0; i < list->count; i++) {
		if (list->entries[i].except != except)
			continue;
		if (most && seen >= most) {
			hidden++;
			continue;
		}
		pa_buffer_puts(out, seen++ ? ", " : before);
		pa_text_escape(list->entries[i].text, out);
	}
	if (hidden)
		pa_print_more(hidden, out);
	return seen;
}

void pa_name_list_print(const struct pa_name_list *list, size_t most, struct pa_buffer *out)
{
	if (list->any) {
		pa_buffer_puts(out, "any");
		print_entries(list, true, " but ", most, out);
		print_entries(list, false, " and ", most, out);
		pa_buffer_puts(out, list->loopback ? " and lo" : "");
		return;
	}
	size_t seen = print_entries(list, false, "", most, out);
	if (list->none)
		pa_buffer_puts(out, seen ? ", none" : "none");
	print_entries(list, true, " but ", most, out);
}
