/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Joining and ordering the rows for people. The documents for machines show the rows as they are. */
#include "lines.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* What two regions may differ in and still be joined: one thing at a time. */
enum difference { DIFFER_PROTOCOL, DIFFER_PORT, DIFFER_SOURCE_PORT, DIFFER_INTERFACE, DIFFER_SOURCE, DIFFER_FAMILY };

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_texts(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

static int compare_intervals(struct pa_interval a, struct pa_interval b)
{
	struct pa_ranges left = { .items = &a, .count = 1 }, right = { .items = &b, .count = 1 };
	return pa_ranges_compare(left, right);
}

static int compare_targets(const struct pa_row *a, const struct pa_row *b)
{
	int order = compare_numbers(a->has_target, b->has_target);
	if (order || !a->has_target)
		return order;
	const struct pa_target *left = &a->target, *right = &b->target;
	if ((order = compare_numbers(left->has_address, right->has_address)) ||
	    (order = compare_numbers(left->has_port, right->has_port)) ||
	    (order = compare_numbers(left->to_self, right->to_self)))
		return order;
	if (left->has_address && !left->to_self && (order = compare_intervals(left->address, right->address)))
		return order;
	return left->has_port ? compare_intervals(left->port, right->port) : 0;
}

static int compare_rules(const struct pa_row *a, const struct pa_row *b)
{
	for (size_t i = 0; i < a->rule_count && i < b->rule_count; i++) {
		int order = compare_numbers(a->rules[i]->id, b->rules[i]->id);
		if (order)
			return order;
	}
	int order = compare_numbers(a->rule_count, b->rule_count);
	return order ? order : compare_numbers(a->rules_complete, b->rules_complete);
}

/* Plain boxes say nothing more; of others every further field is compared as it stands. */
static int compare_extras(const struct pa_row *a, const struct pa_row *b)
{
	int order = compare_numbers(a->plain, b->plain);
	for (enum pa_field field = 0; !a->plain && !order && field < PA_FIELD_COUNT; field++)
		order = pa_region_shows(field) ? 0 : pa_ranges_compare(a->box.field[field], b->box.field[field]);
	return order;
}

static int compare_ports(const struct pa_region *a, const struct pa_region *b)
{
	int order;
	if ((order = pa_ranges_compare(a->dport, b->dport)) || (order = pa_ranges_compare(a->sport, b->sport)) ||
	    (order = pa_ranges_compare(a->icmp_type, b->icmp_type)))
		return order;
	return pa_ranges_compare(a->icmp_code, b->icmp_code);
}

/* Everything that is never joined. */
static int compare_rest(const struct pa_row *a, const struct pa_row *b)
{
	int order;
	if ((order = compare_numbers(a->path, b->path)) || (order = compare_numbers(a->certainty, b->certainty)) ||
	    (order = compare_texts(a->condition, b->condition)) || (order = compare_targets(a, b)) ||
	    (order = compare_rules(a, b)))
		return order;
	return compare_extras(a, b);
}

/* Protocols are joined only where all their ports and types are in. */
static int compare_protocols(const struct pa_region *a, const struct pa_region *b, bool join)
{
	int order = compare_numbers(pa_region_is_wide(a), pa_region_is_wide(b));
	return order || (join && pa_region_is_wide(a)) ? order : pa_ranges_compare(a->protocol, b->protocol);
}

static int compare_ends(const struct pa_region *a, const struct pa_region *b, bool join_sources)
{
	for (int i = 0; i < 2; i++) {
		int order;
		if ((order = compare_numbers(a->has_family[i], b->has_family[i])) ||
		    (order = pa_ranges_compare(a->destination[i], b->destination[i])))
			return order;
		if (!join_sources && (order = pa_ranges_compare(a->source[i], b->source[i])))
			return order;
	}
	return 0;
}

/* By everything that joining on `difference` wants equal; 0: they can be joined. */
static int compare_for(const struct pa_region *a, const struct pa_region *b, enum difference difference)
{
	int order;
	if ((order = compare_protocols(a, b, difference == DIFFER_PROTOCOL)) ||
	    (order = difference == DIFFER_PORT ? 0 : pa_ranges_compare(a->dport, b->dport)) ||
	    (order = difference == DIFFER_SOURCE_PORT ? 0 : pa_ranges_compare(a->sport, b->sport)) ||
	    (order = pa_ranges_compare(a->icmp_type, b->icmp_type)) ||
	    (order = pa_ranges_compare(a->icmp_code, b->icmp_code)) ||
	    (order = difference == DIFFER_INTERFACE ? 0 : pa_ranges_compare(a->iif, b->iif)) ||
	    (order = pa_ranges_compare(a->oif, b->oif)) ||
	    (order = difference == DIFFER_FAMILY ? 0 : compare_ends(a, b, difference == DIFFER_SOURCE)))
		return order;
	return compare_rest(a->row, b->row);
}

static int compare_stable(int order, const struct pa_region *a, const struct pa_region *b)
{
	return order ? order : (a->row < b->row ? -1 : a->row > b->row);
}

static int compare_with(const void *a, const void *b, void *difference)
{
	return compare_stable(compare_for(a, b, *(const enum difference *)difference), a, b);
}

static struct pa_ranges *joined_ranges(struct pa_region *line, enum difference difference)
{
	switch (difference) {
	case DIFFER_PROTOCOL:
		return &line->protocol;
	case DIFFER_PORT:
		return &line->dport;
	case DIFFER_SOURCE_PORT:
		return &line->sport;
	case DIFFER_INTERFACE:
		return &line->iif;
	case DIFFER_SOURCE:
		return &line->source[line->has_family[1]];
	case DIFFER_FAMILY:
		break;
	}
	return NULL;
}

static enum pa_field joined_field(enum difference difference)
{
	static const enum pa_field fields[] = {
		[DIFFER_PROTOCOL] = PA_FIELD_L4PROTO,  [DIFFER_PORT] = PA_FIELD_DPORT,	 [DIFFER_SOURCE_PORT] = PA_FIELD_SPORT,
		[DIFFER_INTERFACE] = PA_FIELD_IIFNAME, [DIFFER_SOURCE] = PA_FIELD_SADDR,
	};
	return fields[difference];
}

/* The values of one field of `count` lines together. */
static struct pa_ranges gather(struct pa_arena *arena, struct pa_region *lines, size_t count, enum difference difference)
{
	size_t total = 0, at = 0;
	for (size_t i = 0; i < count; i++) {
		struct pa_ranges ranges = *joined_ranges(&lines[i], difference);
		if (ranges.count == 0)
			return ranges;
		total += ranges.count;
	}
	struct pa_interval *items = pa_arena_alloc(arena, total, sizeof(*items));
	for (size_t i = 0; i < count; i++) {
		struct pa_ranges ranges = *joined_ranges(&lines[i], difference);
		memcpy(items + at, ranges.items, ranges.count * sizeof(*items));
		at += ranges.count;
	}
	struct pa_ranges all = { .items = items, .count = total };
	if (difference == DIFFER_INTERFACE)
		return pa_interfaces_clean(arena, all);
	return pa_ranges_clean(arena, all, joined_field(difference), lines[0].has_family[1] ? 6 : 4);
}

/* The listeners of both, each once, in the order of the table of sockets (an array). */
static void join_listeners(struct pa_arena *arena, struct pa_region *into, const struct pa_region *from)
{
	size_t a = 0, b = 0, count = 0;
	into->covered = into->covered && from->covered;
	if (from->listener_count == 0)
		return;
	const struct pa_listener **all =
		pa_arena_alloc(arena, into->listener_count + from->listener_count, sizeof(struct pa_listener *));
	while (a < into->listener_count || b < from->listener_count) {
		const struct pa_listener *left = a < into->listener_count ? into->listeners[a] : NULL;
		const struct pa_listener *right = b < from->listener_count ? from->listeners[b] : NULL;
		bool take_left = left && (!right || (uintptr_t)left <= (uintptr_t)right);
		a += take_left;
		b += !take_left || left == right;
		all[count++] = take_left ? left : right;
	}
	into->listeners = all;
	into->listener_count = count;
}

static struct pa_region join_run(struct pa_arena *arena, struct pa_region *lines, size_t count, enum difference difference)
{
	struct pa_region line = lines[0];
	if (count == 1)
		return line;
	*joined_ranges(&line, difference) = gather(arena, lines, count, difference);
	for (size_t i = 1; i < count; i++) {
		line.has_ports = line.has_ports || lines[i].has_ports;
		line.has_icmp = line.has_icmp || lines[i].has_icmp;
		join_listeners(arena, &line, &lines[i]);
	}
	return line;
}

/* Returns how many lines are left. */
static size_t join_lines(struct pa_arena *arena, struct pa_region *lines, size_t count, enum difference difference)
{
	size_t kept = 0;
	qsort_r(lines, count, sizeof(*lines), compare_with, &difference);
	for (size_t start = 0, end; start < count; start = end) {
		for (end = start + 1; end < count && compare_for(&lines[start], &lines[end], difference) == 0;)
			end++;
		lines[kept++] = join_run(arena, lines + start, end - start, difference);
	}
	return kept;
}

static void join_families(struct pa_arena *arena, struct pa_region *into, const struct pa_region *from)
{
	join_listeners(arena, into, from);
	int index = from->has_family[1];
	into->has_family[index] = true;
	into->source[index] = from->source[index];
	into->destination[index] = from->destination[index];
}

/*
 * Runs that are equal but for the family and the destinations. Exactly one line of each family: they become one. Of more,
 * only those whose destination is not limited can be paired without saying more than is true.
 */
static size_t pair_families(struct pa_arena *arena, struct pa_region *lines, size_t count)
{
	enum difference difference = DIFFER_FAMILY;
	size_t kept = 0;
	qsort_r(lines, count, sizeof(*lines), compare_with, &difference);
	for (size_t start = 0, end; start < count; start = end) {
		for (end = start + 1; end < count && compare_for(&lines[start], &lines[end], DIFFER_FAMILY) == 0;)
			end++;
		bool pair = end - start == 2;
		size_t open[2] = { SIZE_MAX, SIZE_MAX };
		for (size_t i = start; i < end; i++) {
			int family = lines[i].has_family[1];
			struct pa_region line = lines[i];
			size_t other = open[!family];
			bool joins = pair || line.destination[family].count == 0;
			if (joins && other != SIZE_MAX) {
				join_families(arena, &lines[other], &line);
				open[!family] = SIZE_MAX;
				continue;
			}
			lines[kept] = line;
			if (joins)
				open[family] = kept;
			kept++;
		}
	}
	return kept;
}

/* How open a line is: 0 from anywhere, 1 from all but some, 2 from some, 3 outgoing. */
static unsigned rank_of(struct pa_arena *arena, const struct pa_region *line)
{
	if (line->row->path == PA_PATH_OUT)
		return 3;
	if (pa_region_from_anywhere(line))
		return 0;
	for (int i = 0; i < 2; i++) {
		if (!line->has_family[i])
			continue;
		struct pa_ranges gaps = pa_ranges_gaps(arena, line->source[i], PA_FIELD_SADDR, i ? 6 : 4);
		if (gaps.count < line->source[i].count)
			return 1;
	}
	return 2;
}

/* Everything, then tcp and udp, then the others by number. */
static unsigned protocol_place(struct pa_ranges protocols)
{
	if (protocols.count == 0)
		return 0;
	pa_u128 first = protocols.items[0].first;
	bool several = !pa_ranges_is_single(protocols);
	return several ? 1 : first == IPPROTO_TCP ? 2 : first == IPPROTO_UDP ? 3 : 4;
}

static int compare_for_reading(const void *left, const void *right)
{
	const struct pa_region *a = left, *b = right;
	int order;
	if ((order = compare_numbers(a->rank, b->rank)) || (order = compare_numbers(a->row->path, b->row->path)) ||
	    (order = compare_numbers(a->row->certainty, b->row->certainty)) ||
	    (order = compare_numbers(protocol_place(a->protocol), protocol_place(b->protocol))) ||
	    (order = pa_ranges_compare(a->protocol, b->protocol)) || (order = compare_ports(a, b)))
		return order;
	return compare_stable(0, a, b);
}

size_t pa_lines_make(struct pa_arena *arena, const struct pa_row *rows, size_t count, struct pa_region **ret_lines)
{
	struct pa_region *lines = pa_arena_alloc(arena, count + 1, sizeof(*lines));
	for (size_t i = 0; i < count; i++)
		lines[i] = pa_region_make(arena, &rows[i]);
	/* What was joined in one thing may now be equal in another. */
	for (size_t before = count + 1; count < before;) {
		before = count;
		for (enum difference difference = DIFFER_PROTOCOL; difference < DIFFER_FAMILY; difference++)
			count = join_lines(arena, lines, count, difference);
	}
	count = pair_families(arena, lines, count);
	for (size_t i = 0; i < count; i++)
		lines[i].rank = rank_of(arena, &lines[i]);
	qsort(lines, count, sizeof(*lines), compare_for_reading);
	*ret_lines = lines;
	return count;
}
