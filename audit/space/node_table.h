/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was worked out for a node, for one operation: a hash table from nodes to numbers. Zero-initialise it. */
#ifndef PA_SPACE_NODE_TABLE_H
#define PA_SPACE_NODE_TABLE_H

#include "space_private.h"

struct pa_node_table {
	pa_node *keys; /* open addressing; PA_NO_NODE: free */
	size_t *values;
	size_t count, capacity;
};
#define PA_NODE_TABLE_NONE SIZE_MAX
size_t pa_node_table_find(const struct pa_node_table *table, pa_node node);
/* The node must not be in the table. */
void pa_node_table_put(struct pa_node_table *table, pa_node node, size_t value);
void pa_node_table_done(struct pa_node_table *table);

#endif
