/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of a space, for audit/space only. */
#ifndef PA_SPACE_PRIVATE_H
#define PA_SPACE_PRIVATE_H

#include "diagram.h"

#define PA_LEVELS_MAX 65535u

struct pa_level {
	int field;	/* enum pa_field, or -1: an opaque variable */
	unsigned shift; /* this digit is (class >> shift) & 15 */
	unsigned arity; /* digits in use, 1..16 */
};

/* One remembered result of an operation. */
struct pa_memo {
	uint32_t op;
	pa_node a, b, c;
	pa_node result;
};

struct pa_space {
	struct pa_classes classes[PA_FIELD_COUNT];
	unsigned first_level[PA_FIELD_COUNT]; /* UINT_MAX: one class only, no level */
	unsigned digits[PA_FIELD_COUNT];
	enum pa_field order[PA_FIELD_COUNT];
	unsigned order_count;
	struct pa_level *levels;
	unsigned level_count, level_capacity, field_levels;
	unsigned variable_count;

	pa_node (*child)[PA_RADIX];
	uint16_t *level;
	size_t count, capacity, limit;
	bool reserved;	  /* child is address space for PA_NODE_LIMIT nodes: growing moves nothing */
	uint64_t *unique; /* open addressing; UINT64_MAX: free */
	size_t unique_capacity;
	struct pa_memo *memo;
	size_t memo_capacity;
	uint32_t next_op; /* a fresh number for each bind, so that memos of different maps never meet */
	struct pa_class_set *test_sets[PA_FIELD_COUNT]; /* by number of the test; no ranges: not made yet */
	struct pa_arena *arena;
	uint32_t *scratch; /* per class counters */
	size_t scratch_capacity;
	const char *failed;
};

enum pa_op { PA_OP_NONE, PA_OP_SEQ, PA_OP_CHOOSE, PA_OP_AND, PA_OP_OR, PA_OP_MINUS, PA_OP_SOME, PA_OP_EVERY, PA_OP_FIRST_FREE };

/* The remembered result, or none. Terminals stay below 2^31 - 1, so this is never a node. */
#define PA_NO_NODE UINT32_MAX
pa_node pa_memo_find(struct pa_space *space, uint32_t op, pa_node a, pa_node b, pa_node c);
void pa_memo_store(struct pa_space *space, uint32_t op, pa_node a, pa_node b, pa_node c, pa_node result);

static inline uint64_t pa_mix(uint64_t h, uint64_t v)
{
	h ^= v + 0x9e3779b97f4a7c15u + (h << 6) + (h >> 2);
	h *= 0xff51afd7ed558ccdu;
	return h ^ (h >> 32);
}

#endif
