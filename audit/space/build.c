/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a list of rules to a diagram.
 *
 * Top-down: at each field the rules are dealt out to the 16 digits, in order; a list that has been seen before is the
 * same diagram. This is fast while few rules overlap; a budget of units (rules dealt out) stops it when they do, and
 * then blocks of rules are built alone and merged with seq(), which is associative, as a balanced tree.
 */
#include "space_private.h"

#include <stdlib.h>
#include <string.h>

#define UNITS_PER_RULE 200
#define BLOCK 128

struct key {
	uint64_t a, b; /* 128 bits of the list; a == 0 && b == 0: empty */
};

/* To which digits a rule of the list goes. */
struct dealt {
	uint16_t full, part;
};

struct builder {
	struct pa_space *space;
	const struct pa_item *items;
	pa_node otherwise;
	unsigned position[PA_FIELD_COUNT]; /* of a field in the order; UINT_MAX: one class only */
	uint32_t *stack; /* lists of rule numbers; OPEN marks one whose guard of this field is not decided yet */
	size_t used, capacity;
	struct dealt *dealt; /* a stack as well */
	size_t dealt_used, dealt_capacity;
	struct key *keys;
	pa_node *nodes;
	size_t memo_count, memo_capacity;
	size_t units, budget;
	bool spent;
};

#define OPEN 0x80000000u

static const struct pa_guard *guard_at(const struct builder *b, uint32_t item, unsigned position)
{
	const struct pa_item *it = &b->items[item & ~OPEN];
	for (uint32_t i = 0; i < it->guard_count; i++) {
		if (b->position[it->guards[i].field] == position)
			return &it->guards[i];
	}
	return NULL;
}

/* The first position >= from at which the rule has a guard; order_count: none, it matches. */
static unsigned next_guard(const struct builder *b, uint32_t item, unsigned from)
{
	const struct pa_item *it = &b->items[item];
	unsigned best = b->space->order_count;
	for (uint32_t i = 0; i < it->guard_count; i++) {
		unsigned position = b->position[it->guards[i].field];
		if (position >= from && position < best)
			best = position;
	}
	return best;
}

static struct key key_of(const uint32_t *list, size_t count, unsigned position)
{
	struct key key = { position + 1, count + 0x51ed27 };
	for (size_t i = 0; i < count; i++) {
		key.a = pa_mix(key.a, list[i]);
		key.b = (key.b ^ list[i]) * 0x100000001b3u;
		key.b ^= key.b >> 29;
	}
	key.a |= 1;
	return key;
}

static void memo_put(struct builder *b, struct key key, pa_node node);

static void memo_grow(struct builder *b)
{
	struct key *keys = b->keys;
	pa_node *nodes = b->nodes;
	size_t capacity = b->memo_capacity;
	b->memo_capacity = capacity ? capacity * 4 : 1024;
	b->keys = pa_xcalloc(b->memo_capacity, sizeof(*b->keys));
	b->nodes = pa_xcalloc(b->memo_capacity, sizeof(*b->nodes));
	b->memo_count = 0;
	for (size_t i = 0; i < capacity; i++) {
		if (keys[i].a)
			memo_put(b, keys[i], nodes[i]);
	}
	free(keys);
	free(nodes);
}

static size_t memo_slot(const struct builder *b, struct key key)
{
	size_t slot = (size_t)key.b & (b->memo_capacity - 1);
	while (b->keys[slot].a && (b->keys[slot].a != key.a || b->keys[slot].b != key.b))
		slot = (slot + 1) & (b->memo_capacity - 1);
	return slot;
}

static void memo_put(struct builder *b, struct key key, pa_node node)
{
	if ((b->memo_count + 1) * 2 > b->memo_capacity)
		memo_grow(b);
	size_t slot = memo_slot(b, key);
	b->keys[slot] = key;
	b->nodes[slot] = node;
	b->memo_count++;
}

static void push(struct builder *b, uint32_t entry)
{
	if (b->used == b->capacity)
		pa_grow(&b->stack, &b->capacity, b->used + 1, sizeof(*b->stack));
	b->stack[b->used++] = entry;
}

/* For the 16 digits below `prefix`: bit i of full, of part: the guard holds for all, for some classes of digit i. */
static void digit_masks(const struct pa_class_set *set, uint32_t final, uint32_t prefix, unsigned shift, uint32_t *full,
			uint32_t *part)
{
	uint64_t begin = prefix, end = begin + ((uint64_t)PA_RADIX << shift) - 1;
	uint32_t low = 0, high = set->count;
	*full = *part = 0;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (set->items[middle].last < begin && set->items[middle].last != final)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < set->count && set->items[low].first <= end; low++) {
		/* classes behind the last one are as the last one */
		uint64_t first = set->items[low].first < begin ? begin : set->items[low].first;
		uint64_t last = set->items[low].last == final || set->items[low].last > end ? end : set->items[low].last;
		unsigned d1 = (unsigned)((first - begin) >> shift), d2 = (unsigned)((last - begin) >> shift);
		for (unsigned d = d1; d <= d2; d++) {
			uint64_t df = begin + ((uint64_t)d << shift), dl = df + (1u << shift) - 1;
			if (first <= df && last >= dl)
				*full |= 1u << d;
			else
				*part |= 1u << d;
		}
	}
}

static pa_node build_list(struct builder *b, size_t at, size_t count, unsigned from);

static pa_node build_digit(struct builder *b, size_t at, size_t count, size_t dealt, unsigned position, unsigned digit,
			   uint32_t prefix, unsigned i);

/* The rules stack[at ...] at one digit of a field; all digits that no undecided guard touches are one child. */
static pa_node build_digits(struct builder *b, size_t at, size_t count, unsigned position, unsigned digit, uint32_t prefix)
{
	struct pa_space *space = b->space;
	enum pa_field field = space->order[position];
	unsigned level = space->first_level[field] + digit, shift = space->levels[level].shift;
	uint32_t final = space->classes[field].count - 1, touched = 0;
	size_t dealt = b->dealt_used;
	pa_grow(&b->dealt, &b->dealt_capacity, b->dealt_used + count + 1, sizeof(*b->dealt));
	b->dealt_used += count;
	for (size_t k = 0; k < count; k++) {
		uint32_t full = 0xffff, part = 0, entry = b->stack[at + k];
		if (entry & OPEN) {
			digit_masks(&guard_at(b, entry, position)->set, final, prefix, shift, &full, &part);
			touched |= full | part;
		}
		b->dealt[dealt + k] = (struct dealt){ (uint16_t)full, (uint16_t)part };
	}
	pa_node child[PA_RADIX], untouched = PA_NO_NODE;
	for (unsigned i = 0; i < PA_RADIX; i++) {
		if (!(touched & 1u << i) && untouched != PA_NO_NODE) {
			child[i] = untouched;
			continue;
		}
		child[i] = build_digit(b, at, count, dealt, position, digit, prefix, i);
		if (!(touched & 1u << i))
			untouched = child[i];
	}
	b->dealt_used = dealt;
	return pa_node_make(space, level, child);
}

/* The list of digit i, and its diagram. */
static pa_node build_digit(struct builder *b, size_t at, size_t count, size_t dealt, unsigned position, unsigned digit,
			   uint32_t prefix, unsigned i)
{
	unsigned shift = b->space->levels[b->space->first_level[b->space->order[position]] + digit].shift;
	size_t begin = b->used;
	bool open = false;
	for (size_t k = 0; k < count; k++) {
		uint32_t entry = b->stack[at + k];
		if (b->dealt[dealt + k].full & 1u << i) {
			push(b, entry & ~OPEN);
		} else if (b->dealt[dealt + k].part & 1u << i) {
			push(b, entry);
			open = true;
		}
	}
	size_t length = b->used - begin;
	b->units += length + 1;
	if (b->units > b->budget)
		b->spent = true;
	pa_node node = PA_FALSE;
	if (!b->spent && !b->space->failed)
		node = open ? build_digits(b, begin, length, position, digit + 1, prefix + ((uint32_t)i << shift))
			    : build_list(b, begin, length, position + 1);
	b->used = begin;
	return node;
}

/* The diagram of the rules stack[at ... at + count - 1], all of whose guards before position `from` hold. */
static pa_node build_list(struct builder *b, size_t at, size_t count, unsigned from)
{
	unsigned nearest = b->space->order_count;
	for (size_t k = 0; k < count; k++) {
		unsigned position = next_guard(b, b->stack[at + k], from);
		if (position == b->space->order_count) {
			if (k == 0)
				return b->items[b->stack[at]].terminal;
			count = k + 1; /* this rule decides: the ones behind it are out of reach */
			break;
		}
		if (position < nearest)
			nearest = position;
	}
	if (count == 0)
		return b->otherwise;
	struct key key = key_of(&b->stack[at], count, nearest);
	if (b->memo_capacity) {
		size_t slot = memo_slot(b, key);
		if (b->keys[slot].a)
			return b->nodes[slot];
	}
	size_t begin = b->used;
	for (size_t k = 0; k < count; k++) {
		uint32_t entry = b->stack[at + k];
		push(b, guard_at(b, entry, nearest) ? entry | OPEN : entry);
	}
	pa_node node = build_digits(b, begin, count, nearest, 0, 0);
	b->used = begin;
	if (!b->spent)
		memo_put(b, key, node);
	return node;
}

/* Build items[first ... first + count - 1]; false: the budget is spent. */
static bool build_range(struct builder *b, size_t first, size_t count, size_t budget, pa_node *ret)
{
	b->units = 0;
	b->budget = budget;
	b->spent = false;
	b->used = 0;
	b->dealt_used = 0;
	for (size_t i = 0; i < count; i++)
		push(b, (uint32_t)(first + i));
	pa_node node = build_list(b, 0, count, 0);
	if (!b->spent)
		*ret = node;
	return !b->spent;
}

static pa_node build_tree(struct builder *b, size_t first, size_t count)
{
	pa_node node = b->otherwise;
	if (count <= 1 || (count <= BLOCK && build_range(b, first, count, UNITS_PER_RULE * BLOCK * 4, &node))) {
		if (count == 1)
			build_range(b, first, count, SIZE_MAX, &node);
		return node;
	}
	size_t half = count / 2;
	pa_node left = build_tree(b, first, half);
	return pa_node_seq(b->space, left, build_tree(b, first + half, count - half), b->otherwise);
}

static bool item_is_possible(const struct pa_item *item)
{
	for (uint32_t i = 0; i < item->guard_count; i++) {
		if (item->guards[i].set.count == 0)
			return false;
	}
	return true;
}

/* Leave out rules that can never match and guards that always hold; what remains has positions for all guards. */
static size_t clean_items(struct pa_space *space, const struct pa_item *items, size_t count, struct pa_item *out,
			  struct pa_guard *guards)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		if (!item_is_possible(&items[i]))
			continue;
		struct pa_guard *begin = guards;
		for (uint32_t g = 0; g < items[i].guard_count; g++) {
			const struct pa_guard *guard = &items[i].guards[g];
			if (!pa_class_set_is_all(&space->classes[guard->field], guard->set))
				*guards++ = *guard;
		}
		out[kept++] = (struct pa_item){ begin, (uint32_t)(guards - begin), items[i].terminal };
	}
	return kept;
}

pa_node pa_node_list(struct pa_space *space, const struct pa_item *items, size_t count, pa_node otherwise)
{
	size_t guard_total = 0;
	for (size_t i = 0; i < count; i++)
		guard_total += items[i].guard_count;
	struct pa_item *clean = pa_xcalloc(count + 1, sizeof(*clean));
	struct pa_guard *guards = pa_xcalloc(guard_total + 1, sizeof(*guards));
	count = clean_items(space, items, count, clean, guards);
	struct builder b = { .space = space, .items = clean, .otherwise = otherwise };
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++)
		b.position[f] = UINT32_MAX;
	for (unsigned i = 0; i < space->order_count; i++)
		b.position[space->order[i]] = i;
	pa_node node = otherwise;
	if (count && !build_range(&b, 0, count, UNITS_PER_RULE * (count + BLOCK), &node))
		node = build_tree(&b, 0, count);
	free(b.stack);
	free(b.dealt);
	free(b.keys);
	free(b.nodes);
	free(clean);
	free(guards);
	return space->failed ? PA_FALSE : node;
}
