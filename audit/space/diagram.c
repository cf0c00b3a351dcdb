/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nodes, the unique table, and the operations that walk two or three diagrams at once. */
#include "space_private.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* --- memo: a direct-mapped cache whose keys are compared in full, so a collision costs time and never an answer --- */

static size_t memo_slot(const struct pa_space *space, uint32_t op, pa_node a, pa_node b, pa_node c)
{
	uint64_t h = pa_mix(pa_mix(op, (uint64_t)a << 32 | b), c);
	return (size_t)h & (space->memo_capacity - 1);
}

static void memo_grow(struct pa_space *space)
{
	struct pa_memo *old = space->memo;
	size_t old_capacity = space->memo_capacity;
	space->memo_capacity = old_capacity ? old_capacity * 2 : 1u << 14;
	space->memo = pa_xcalloc(space->memo_capacity, sizeof(*space->memo));
	for (size_t i = 0; i < old_capacity; i++) {
		if (old[i].op)
			space->memo[memo_slot(space, old[i].op, old[i].a, old[i].b, old[i].c)] = old[i];
	}
	free(old);
}

pa_node pa_memo_find(struct pa_space *space, uint32_t op, pa_node a, pa_node b, pa_node c)
{
	if (!space->memo)
		return PA_NO_NODE;
	const struct pa_memo *memo = &space->memo[memo_slot(space, op, a, b, c)];
	return memo->op == op && memo->a == a && memo->b == b && memo->c == c ? memo->result : PA_NO_NODE;
}

#define MEMO_LIMIT (1u << 22)

void pa_memo_store(struct pa_space *space, uint32_t op, pa_node a, pa_node b, pa_node c, pa_node result)
{
	if (!space->memo || (space->count > space->memo_capacity * 2 && space->memo_capacity < MEMO_LIMIT))
		memo_grow(space);
	space->memo[memo_slot(space, op, a, b, c)] = (struct pa_memo){ op, a, b, c, result };
}

/* --- nodes --- */

/* Folded 64 x 64 -> 128 bit products, two words at a time. */
static uint64_t fold(uint64_t a, uint64_t b)
{
	pa_u128 product = (pa_u128)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t node_hash(unsigned level, const pa_node child[PA_RADIX])
{
	uint64_t word[PA_RADIX / 2];
	memcpy(word, child, sizeof(word));
	uint64_t h = fold(word[0] ^ 0xa0761d6478bd642fu, word[1] ^ 0xe7037ed1a0b428dbu);
	h ^= fold(word[2] ^ 0x8ebc6af09c88c6e3u, word[3] ^ 0x589965cc75374cc3u);
	h ^= fold(word[4] ^ 0x1d8e4e27c47d124fu, word[5] ^ 0xeb44accab455d165u);
	h ^= fold(word[6] ^ 0x9e3779b97f4a7c15u, word[7] ^ 0xbf58476d1ce4e5b9u);
	return fold(h ^ 0x94d049bb133111ebu, level + 0xd6e8feb86659fd93u);
}

/* A slot holds the node and 32 bits of its hash: most nodes that are not the wanted one need not be looked at. */
static uint64_t slot_value(uint64_t hash, pa_node node)
{
	return (hash & 0xffffffff00000000u) | node;
}

/* The hash bits of a slot say where it belongs: a larger table needs no look at the nodes. */
static size_t slot_home(const struct pa_space *space, uint64_t value)
{
	return (size_t)(value >> 32) & (space->unique_capacity - 1);
}

static void unique_grow(struct pa_space *space)
{
	uint64_t *old = space->unique;
	size_t old_capacity = space->unique_capacity;
	space->unique_capacity = old_capacity ? old_capacity * 2 : 1u << 12;
	space->unique = pa_xmalloc(space->unique_capacity * sizeof(*space->unique));
	memset(space->unique, 0xff, space->unique_capacity * sizeof(*space->unique));
	for (size_t i = 0; i < old_capacity; i++) {
		if (old[i] == UINT64_MAX)
			continue;
		size_t slot = slot_home(space, old[i]);
		while (space->unique[slot] != UINT64_MAX)
			slot = (slot + 1) & (space->unique_capacity - 1);
		space->unique[slot] = old[i];
	}
	free(old);
}

static pa_node append_node(struct pa_space *space, unsigned level, const pa_node child[PA_RADIX])
{
	if (space->count >= space->limit) {
		pa_space_fail(space, "the packet sets of this ruleset need more memory than is allowed");
		return PA_FALSE;
	}
	if (space->count == space->capacity) {
		space->capacity = space->capacity ? space->capacity * 2 : 1u << 11;
		if (!space->reserved)
			space->child = pa_xrealloc(space->child, space->capacity, sizeof(*space->child));
		space->level = pa_xrealloc(space->level, space->capacity, sizeof(*space->level));
	}
	memcpy(space->child[space->count], child, sizeof(*space->child));
	space->level[space->count] = (uint16_t)level;
	return (pa_node)space->count++;
}

pa_node pa_node_make(struct pa_space *space, unsigned level, const pa_node child[PA_RADIX])
{
	unsigned same = 1;
	while (same < PA_RADIX && child[same] == child[0])
		same++;
	if (same == PA_RADIX)
		return child[0];
	if (space->failed)
		return PA_FALSE;
	if ((space->count + 1) * 2 > space->unique_capacity)
		unique_grow(space);
	uint64_t hash = node_hash(level, child);
	size_t slot = slot_home(space, hash);
	for (; space->unique[slot] != UINT64_MAX; slot = (slot + 1) & (space->unique_capacity - 1)) {
		pa_node at = (pa_node)space->unique[slot];
		if (slot_value(hash, at) == space->unique[slot] && space->level[at] == level &&
		    memcmp(space->child[at], child, sizeof(*space->child)) == 0)
			return at;
	}
	pa_node node = append_node(space, level, child);
	if (!pa_node_is_terminal(node))
		space->unique[slot] = slot_value(hash, node);
	return node;
}

unsigned pa_node_level(const struct pa_space *space, pa_node node)
{
	return pa_node_is_terminal(node) ? UINT_MAX : space->level[node];
}

const pa_node *pa_node_children(const struct pa_space *space, pa_node node)
{
	return space->child[node];
}

/* Does the set hold all, some or none of the classes first..last? 1 all, 0 none, -1 some. */
static int overlap(struct pa_class_set set, uint32_t first, uint32_t last)
{
	for (uint32_t i = 0; i < set.count; i++) {
		if (set.items[i].last < first)
			continue;
		if (set.items[i].first > last)
			return 0;
		return set.items[i].first <= first && set.items[i].last >= last ? 1 : -1;
	}
	return 0;
}

static pa_node field_digit(struct pa_space *space, enum pa_field field, unsigned digit, uint32_t prefix,
			   struct pa_class_set set, pa_node inside, pa_node outside)
{
	unsigned level = space->first_level[field] + digit;
	unsigned shift = space->levels[level].shift;
	uint32_t final = space->classes[field].count - 1;
	pa_node child[PA_RADIX];
	for (unsigned i = 0; i < PA_RADIX; i++) {
		uint32_t first = prefix + ((uint32_t)i << shift);
		uint32_t last = first + (1u << shift) - 1;
		if (first > final) {
			child[i] = child[i - 1];
			/* beyond the last class: as the last class; the digit before may have been split below */
			if (shift)
				child[i] = pa_class_set_has(set, final) ? inside : outside;
			continue;
		}
		int hit = overlap(set, first, last > final ? final : last);
		if (hit < 0)
			child[i] = field_digit(space, field, digit + 1, first, set, inside, outside);
		else
			child[i] = hit ? inside : outside;
	}
	return pa_node_make(space, level, child);
}

pa_node pa_node_field(struct pa_space *space, enum pa_field field, struct pa_class_set set, pa_node inside, pa_node outside)
{
	if (set.count == 0)
		return outside;
	if (pa_class_set_is_all(&space->classes[field], set))
		return inside;
	return field_digit(space, field, 0, 0, set, inside, outside);
}

pa_node pa_node_variable(struct pa_space *space, unsigned variable)
{
	pa_node child[PA_RADIX];
	for (unsigned i = 0; i < PA_RADIX; i++)
		child[i] = i == 0 ? PA_FALSE : PA_TRUE;
	return pa_node_make(space, space->field_levels + variable, child);
}

/* --- operations --- */

static pa_node digit_of(const struct pa_space *space, pa_node node, unsigned level, unsigned digit)
{
	if (pa_node_is_terminal(node) || space->level[node] != level)
		return node;
	return space->child[node][digit];
}

static unsigned lower(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static pa_node seq(struct pa_space *space, pa_node f, pa_node g, pa_node next)
{
	if (pa_node_is_terminal(f))
		return f == next ? g : f;
	if (g == next || space->failed)
		return f;
	pa_node result = pa_memo_find(space, PA_OP_SEQ, f, g, next);
	if (result != PA_NO_NODE)
		return result;
	unsigned level = lower(pa_node_level(space, f), pa_node_level(space, g));
	pa_node child[PA_RADIX];
	for (unsigned i = 0; i < PA_RADIX; i++) {
		pa_node x = digit_of(space, f, level, i), y = digit_of(space, g, level, i);
		bool repeated = i > 0 && x == digit_of(space, f, level, i - 1) && y == digit_of(space, g, level, i - 1);
		child[i] = repeated ? child[i - 1] : seq(space, x, y, next);
	}
	result = pa_node_make(space, level, child);
	pa_memo_store(space, PA_OP_SEQ, f, g, next, result);
	return result;
}

pa_node pa_node_seq(struct pa_space *space, pa_node f, pa_node g, pa_node next)
{
	return seq(space, f, g, next);
}

pa_node pa_node_choose(struct pa_space *space, pa_node condition, pa_node a, pa_node b)
{
	if (condition == PA_TRUE || a == b)
		return a;
	if (condition == PA_FALSE || space->failed)
		return b;
	pa_node result = pa_memo_find(space, PA_OP_CHOOSE, condition, a, b);
	if (result != PA_NO_NODE)
		return result;
	unsigned level = lower(pa_node_level(space, condition), lower(pa_node_level(space, a), pa_node_level(space, b)));
	pa_node child[PA_RADIX], last[3] = { PA_NO_NODE, PA_NO_NODE, PA_NO_NODE };
	for (unsigned i = 0; i < PA_RADIX; i++) {
		pa_node x = digit_of(space, condition, level, i), y = digit_of(space, a, level, i),
			z = digit_of(space, b, level, i);
		bool repeated = x == last[0] && y == last[1] && z == last[2];
		child[i] = repeated ? child[i - 1] : pa_node_choose(space, x, y, z);
		last[0] = x, last[1] = y, last[2] = z;
	}
	result = pa_node_make(space, level, child);
	pa_memo_store(space, PA_OP_CHOOSE, condition, a, b, result);
	return result;
}

/* The results that need no descent, or PA_NO_NODE. */
static pa_node set_shortcut(enum pa_op op, pa_node a, pa_node b)
{
	if (op == PA_OP_MINUS) {
		if (a == b || a == PA_FALSE || b == PA_TRUE)
			return PA_FALSE;
		return b == PA_FALSE ? a : PA_NO_NODE;
	}
	pa_node absorbing = op == PA_OP_AND ? PA_FALSE : PA_TRUE, neutral = op == PA_OP_AND ? PA_TRUE : PA_FALSE;
	if (a == absorbing || b == absorbing)
		return absorbing;
	if (a == neutral || a == b)
		return b;
	return b == neutral ? a : PA_NO_NODE;
}

static pa_node set_op(struct pa_space *space, enum pa_op op, pa_node a, pa_node b)
{
	pa_node result = set_shortcut(op, a, b);
	if (result != PA_NO_NODE)
		return result;
	if (space->failed)
		return PA_FALSE;
	if (op != PA_OP_MINUS && a > b) {
		pa_node swap = a;
		a = b;
		b = swap;
	}
	result = pa_memo_find(space, op, a, b, 0);
	if (result != PA_NO_NODE)
		return result;
	unsigned level = lower(pa_node_level(space, a), pa_node_level(space, b));
	pa_node child[PA_RADIX], last_x = PA_NO_NODE, last_y = PA_NO_NODE;
	for (unsigned i = 0; i < PA_RADIX; i++) {
		pa_node x = digit_of(space, a, level, i), y = digit_of(space, b, level, i);
		child[i] = x == last_x && y == last_y ? child[i - 1] : set_op(space, op, x, y);
		last_x = x, last_y = y;
	}
	result = pa_node_make(space, level, child);
	pa_memo_store(space, op, a, b, 0, result);
	return result;
}

pa_node pa_node_and(struct pa_space *space, pa_node a, pa_node b)
{
	return set_op(space, PA_OP_AND, a, b);
}

pa_node pa_node_or(struct pa_space *space, pa_node a, pa_node b)
{
	return set_op(space, PA_OP_OR, a, b);
}

pa_node pa_node_minus(struct pa_space *space, pa_node a, pa_node b)
{
	return set_op(space, PA_OP_MINUS, a, b);
}

static pa_node quantify_variables(struct pa_space *space, enum pa_op op, pa_node f)
{
	if (pa_node_is_terminal(f) || space->failed)
		return f;
	pa_node result = pa_memo_find(space, op, f, 0, 0);
	if (result != PA_NO_NODE)
		return result;
	unsigned level = space->level[f];
	pa_node child[PA_RADIX];
	for (unsigned i = 0; i < PA_RADIX; i++) {
		pa_node next = space->child[f][i];
		child[i] = i > 0 && next == space->child[f][i - 1] ? child[i - 1] : quantify_variables(space, op, next);
	}
	if (level >= space->field_levels)
		result = set_op(space, op == PA_OP_SOME ? PA_OP_OR : PA_OP_AND, child[0], child[1]);
	else
		result = pa_node_make(space, level, child);
	pa_memo_store(space, op, f, 0, 0, result);
	return result;
}

pa_node pa_node_some_variable(struct pa_space *space, pa_node f)
{
	return quantify_variables(space, PA_OP_SOME, f);
}

pa_node pa_node_every_variable(struct pa_space *space, pa_node f)
{
	return quantify_variables(space, PA_OP_EVERY, f);
}
