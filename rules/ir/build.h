/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What building keeps behind the public structs; each begins with its public part, so that a pointer to one is a pointer to both. */
#ifndef PORTAUDIT_RULES_IR_BUILD_H
#define PORTAUDIT_RULES_IR_BUILD_H

#include "portaudit/ruleset.h"

/* Names to objects: open addressing, a power of two of slots, at most half of them used. */
struct name_slot {
	const char *name;
	void *object;
};
struct name_index {
	struct name_slot *slots;
	size_t capacity;
	size_t count;
};

struct built_set {
	struct pa_set_decl decl;
	unsigned visited_by; /* check.c: id + 1 of the last chain that walked its verdicts */
};

struct built_chain {
	struct pa_chain chain;
	size_t rule_capacity;
};

struct built_table {
	struct pa_table table;
	size_t chain_capacity;
	size_t set_capacity;
	struct name_index chains;
	struct name_index sets;
};

struct built_ruleset {
	struct pa_ruleset ruleset;
	size_t table_capacity;
	size_t chain_capacity;
	size_t gap_capacity;
	size_t object_capacity;
	size_t source_capacity;
	size_t rules_added;
	struct pa_ruleset **adopted;
	size_t adopted_count;
	size_t adopted_capacity;
	bool finished;
};

#endif
