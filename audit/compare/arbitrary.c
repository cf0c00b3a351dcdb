/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values that the ruleset does not single out (see compare.h). */
#include <stdlib.h>
#include <string.h>

#include "compare.h"

/* One use of a list of elements: part `part` of them is compared with `field`. */
struct mention {
	const struct pa_elements *elements;
	unsigned part;
	enum pa_field field;
};

struct mentions {
	struct mention *items;
	size_t count;
	size_t capacity;
	bool used[PA_FIELD_COUNT];
};

static void mention_key(struct mentions *mentions, const struct pa_key *key, const struct pa_elements *elements)
{
	for (unsigned i = 0; i < key->count; i++) {
		const struct pa_key_part *part = &key->parts[i];

		if (part->opaque)
			continue;
		mentions->used[part->field] = true;
		if (!elements || part->mask != pa_field_max(part->field) || part->xor_value != 0 || elements->parts <= i)
			continue;
		pa_grow(&mentions->items, &mentions->capacity, mentions->count + 1, sizeof(*mentions->items));
		mentions->items[mentions->count++] = (struct mention){ elements, i, part->field };
	}
}

static void mention_step(struct mentions *mentions, const struct pa_step *step)
{
	if (step->kind == PA_STEP_MATCH || step->kind == PA_STEP_VMAP)
		mention_key(mentions, &step->key, step->elements);
	if ((step->kind == PA_STEP_ASSIGN || step->kind == PA_STEP_NAT) && step->value.kind == PA_OPERAND_MAP)
		mention_key(mentions, &step->value.key, step->value.map);
	if (step->kind == PA_STEP_NAT && step->port.kind == PA_OPERAND_MAP)
		mention_key(mentions, &step->port.key, step->port.map);
}

static int compare_mentions(const void *left, const void *right)
{
	const struct mention *a = left, *b = right;

	if (a->field != b->field)
		return a->field < b->field ? -1 : 1;
	if (a->elements != b->elements)
		return (uintptr_t)a->elements < (uintptr_t)b->elements ? -1 : 1;
	return (a->part > b->part) - (a->part < b->part);
}

/* A named set that a thousand rules use is listed once. */
static void mentions_collect(struct mentions *mentions, const struct pa_ruleset *ruleset)
{
	size_t kept = 0;

	for (size_t i = 0; i < ruleset->rule_count; i++)
		for (size_t j = 0; j < ruleset->rules[i]->step_count; j++)
			mention_step(mentions, &ruleset->rules[i]->steps[j]);
	if (mentions->count > 0)
		qsort(mentions->items, mentions->count, sizeof(*mentions->items), compare_mentions);
	for (size_t i = 0; i < mentions->count; i++)
		if (kept == 0 || compare_mentions(&mentions->items[kept - 1], &mentions->items[i]) != 0)
			mentions->items[kept++] = mentions->items[i];
	mentions->count = kept;
}

static int compare_intervals(const void *left, const void *right)
{
	const struct pa_interval *a = left, *b = right;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return (a->last > b->last) - (a->last < b->last);
}

size_t compare_merge_intervals(struct pa_interval *items, size_t count)
{
	size_t kept = 0;

	if (count > 1)
		qsort(items, count, sizeof(*items), compare_intervals);
	for (size_t i = 0; i < count; i++) {
		struct pa_interval *last = kept > 0 ? &items[kept - 1] : NULL;

		if (last && (last->last == PA_U128_MAX || items[i].first <= last->last + 1)) {
			if (items[i].last > last->last)
				last->last = items[i].last;
		} else {
			items[kept++] = items[i];
		}
	}
	return kept;
}

struct interval_list {
	struct pa_interval *items;
	size_t count;
	size_t capacity;
};

static void list_add(struct interval_list *list, struct pa_interval interval)
{
	pa_grow(&list->items, &list->capacity, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = interval;
}

static pa_u128 span_inside(struct pa_interval interval, const struct pa_interval *population, size_t count)
{
	pa_u128 sum = 0;

	for (size_t i = 0; i < count; i++) {
		pa_u128 first = interval.first > population[i].first ? interval.first : population[i].first;
		pa_u128 last = interval.last < population[i].last ? interval.last : population[i].last;

		if (first <= last)
			sum += last - first + 1;
	}
	return sum;
}

/* The intervals that the ruleset uses of a field: those below half of the population single values out, the others split. */
static void sort_mentions(const struct mentions *mentions, enum pa_field field, const struct pa_interval *population,
			  size_t count, struct interval_list *narrow, struct interval_list *wide)
{
	pa_u128 all = 0;

	for (size_t i = 0; i < count; i++)
		all += population[i].last - population[i].first + 1;
	for (size_t i = 0; i < mentions->count; i++) {
		const struct mention *mention = &mentions->items[i];
		const struct pa_elements *elements = mention->elements;

		for (size_t j = 0; mention->field == field && j < elements->count; j++) {
			struct pa_interval interval = elements->keys[j * elements->parts + mention->part];
			pa_u128 span = span_inside(interval, population, count);

			if (span > 0)
				list_add(span >= all - span ? wide : narrow, interval);
		}
	}
	narrow->count = compare_merge_intervals(narrow->items, narrow->count);
}

/* Which of the wide intervals hold the value, as text of one bit each (at most 64 matter). */
static uint64_t kind_of(pa_u128 value, const struct interval_list *wide)
{
	uint64_t kind = 0;

	for (size_t i = 0; i < wide->count && i < 64; i++)
		if (value >= wide->items[i].first && value <= wide->items[i].last)
			kind |= UINT64_C(1) << i;
	return kind;
}

/* narrow is sorted and merged. */
static bool is_singled_out(pa_u128 value, const struct interval_list *narrow)
{
	size_t low = 0, high = narrow->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (narrow->items[middle].last < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low < narrow->count && narrow->items[low].first <= value;
}

/* Take the value if it is inside, free, and the first of its kind. */
static void try_value(struct arbitrary_values *values, pa_u128 value, const struct interval_list *narrow,
		      const struct interval_list *wide)
{
	if (values->count == ARBITRARY_MAX || is_singled_out(value, narrow))
		return;
	for (size_t i = 0; i < values->count; i++)
		if (kind_of(values->value[i], wide) == kind_of(value, wide))
			return;
	values->value[values->count++] = value;
}

static void try_around(struct arbitrary_values *values, struct pa_interval inside, pa_u128 value,
		       const struct interval_list *narrow, const struct interval_list *wide)
{
	if (value >= inside.first && value <= inside.last)
		try_value(values, value, narrow, wide);
}

/* Every place where a new kind of value can begin: the start of the population, and the ends of intervals. */
static void try_all(struct arbitrary_values *values, struct pa_interval inside, const struct interval_list *narrow,
		    const struct interval_list *wide)
{
	try_around(values, inside, inside.first, narrow, wide);
	for (size_t i = 0; i < wide->count; i++) {
		try_around(values, inside, wide->items[i].first, narrow, wide);
		if (wide->items[i].last != PA_U128_MAX)
			try_around(values, inside, wide->items[i].last + 1, narrow, wide);
	}
	for (size_t i = 0; i < narrow->count && values->count < ARBITRARY_MAX; i++) {
		if (narrow->items[i].last != PA_U128_MAX)
			try_around(values, inside, narrow->items[i].last + 1, narrow, wide);
		/* One beyond the gap's first value is not needed; a few thousand gaps are enough for any list of kinds. */
		if (i > 4096 && values->count > 0)
			break;
	}
}

static struct arbitrary_values find_values(const struct mentions *mentions, enum pa_field field,
					   const struct pa_interval *population, size_t count, const pa_u128 *preferred,
					   size_t preferred_count)
{
	struct interval_list narrow = { 0 }, wide = { 0 };
	struct arbitrary_values values = { .count = 0 };

	sort_mentions(mentions, field, population, count, &narrow, &wide);
	for (size_t i = 0; i < preferred_count; i++)
		try_value(&values, preferred[i], &narrow, &wide);
	for (size_t i = 0; i < count; i++)
		try_all(&values, population[i], &narrow, &wide);
	free(narrow.items);
	free(wide.items);
	return values;
}

/* The interface names that the ruleset singles out; "every name" is no name. */
static struct pa_ranges find_names(const struct mentions *mentions, enum pa_field field, struct pa_arena *arena)
{
	struct interval_list names = { 0 };
	struct pa_ranges ranges;

	for (size_t i = 0; i < mentions->count; i++) {
		const struct pa_elements *elements = mentions->items[i].elements;

		for (size_t j = 0; mentions->items[i].field == field && j < elements->count; j++) {
			struct pa_interval interval = elements->keys[j * elements->parts + mentions->items[i].part];

			if (interval.last - interval.first < PA_U128_MAX / 2)
				list_add(&names, interval);
		}
	}
	names.count = compare_merge_intervals(names.items, names.count);
	ranges.items = names.count ? pa_arena_dup(arena, names.items, names.count, sizeof(*names.items)) : NULL;
	ranges.count = names.count;
	free(names.items);
	return ranges;
}

#define IPV4(a, b, c, d) (PA_IPV4_BASE | ((uint32_t)(a) << 24) | ((uint32_t)(b) << 16) | ((uint32_t)(c) << 8) | (uint32_t)(d))

/* Public unicast IPv4 addresses: what is left of RFC 6890's special-purpose blocks of /8 to /16. */
static const struct pa_interval public_ipv4[] = {
	{ IPV4(1, 0, 0, 0), IPV4(9, 255, 255, 255) },	    { IPV4(11, 0, 0, 0), IPV4(100, 63, 255, 255) },
	{ IPV4(100, 128, 0, 0), IPV4(126, 255, 255, 255) }, { IPV4(128, 0, 0, 0), IPV4(169, 253, 255, 255) },
	{ IPV4(169, 255, 0, 0), IPV4(172, 15, 255, 255) },  { IPV4(172, 32, 0, 0), IPV4(192, 167, 255, 255) },
	{ IPV4(192, 169, 0, 0), IPV4(223, 255, 255, 255) },
};
/* Global unicast IPv6 (RFC 4291, IANA): 2000::/3. */
static const struct pa_interval public_ipv6[] = { { (pa_u128)0x2000 << 112, ((pa_u128)0x4000 << 112) - 1 } };

static void find_addresses(const struct mentions *mentions, enum pa_field field, struct arbitrary_values ret_values[2])
{
	/* Addresses for documentation (RFC 5737, RFC 3849) make the clearest examples, unless the ruleset speaks of them. */
	static const pa_u128 ipv4[][2] = { { IPV4(198, 51, 100, 7), IPV4(203, 0, 113, 7) },
					   { IPV4(192, 0, 2, 1), IPV4(203, 0, 113, 1) } };
	static const pa_u128 ipv6[] = { ((pa_u128)0x20010db8 << 96) | 7, ((pa_u128)0x20010db8 << 96) | 1 };
	unsigned end = field == PA_FIELD_DADDR;

	ret_values[0] = find_values(mentions, field, public_ipv4, sizeof(public_ipv4) / sizeof(*public_ipv4), ipv4[end], 2);
	ret_values[1] = find_values(mentions, field, public_ipv6, 1, &ipv6[end], 1);
}

const struct arbitrary *compare_arbitrary(const struct pa_ruleset *ruleset, struct pa_arena *arena)
{
	/* The range that most systems take source ports from, and where clients behind NAT appear as well. */
	static const struct pa_interval client_ports[] = { { 32768, 60999 } };
	static const struct pa_interval ports[] = { { 1, 65535 } };
	static const pa_u128 client_port[] = { 40000 }, port[] = { 47011, 29873, 711 };
	struct arbitrary *arbitrary = pa_arena_alloc(arena, 1, sizeof(*arbitrary));
	struct mentions mentions = { 0 };

	mentions_collect(&mentions, ruleset);
	memcpy(arbitrary->used, mentions.used, sizeof(arbitrary->used));
	find_addresses(&mentions, PA_FIELD_SADDR, arbitrary->source);
	find_addresses(&mentions, PA_FIELD_DADDR, arbitrary->destination);
	arbitrary->source_port = find_values(&mentions, PA_FIELD_SPORT, client_ports, 1, client_port, 1);
	arbitrary->port = find_values(&mentions, PA_FIELD_DPORT, ports, 1, port, 3);
	arbitrary->input_names = find_names(&mentions, PA_FIELD_IIFNAME, arena);
	arbitrary->output_names = find_names(&mentions, PA_FIELD_OIFNAME, arena);
	free(mentions.items);
	return arbitrary;
}
