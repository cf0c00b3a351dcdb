/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node_table.h"

#include <stdlib.h>
#include <string.h>

static size_t slot_of(const struct pa_node_table *table, pa_node node)
{
	size_t slot = (size_t)pa_mix(1, node) & (table->capacity - 1);
	while (table->keys[slot] != PA_NO_NODE && table->keys[slot] != node)
		slot = (slot + 1) & (table->capacity - 1);
	return slot;
}

size_t pa_node_table_find(const struct pa_node_table *table, pa_node node)
{
	if (!table->capacity)
		return PA_NODE_TABLE_NONE;
	size_t slot = slot_of(table, node);
	return table->keys[slot] == node ? table->values[slot] : PA_NODE_TABLE_NONE;
}

static void grow(struct pa_node_table *table)
{
	struct pa_node_table old = *table;
	table->capacity = old.capacity ? old.capacity * 2 : 256;
	table->keys = pa_xmalloc(table->capacity * sizeof(*table->keys));
	memset(table->keys, 0xff, table->capacity * sizeof(*table->keys));
	table->values = pa_xcalloc(table->capacity, sizeof(*table->values));
	for (size_t i = 0; i < old.capacity; i++) {
		if (old.keys[i] == PA_NO_NODE)
			continue;
		size_t slot = slot_of(table, old.keys[i]);
		table->keys[slot] = old.keys[i];
		table->values[slot] = old.values[i];
	}
	free(old.keys);
	free(old.values);
}

void pa_node_table_put(struct pa_node_table *table, pa_node node, size_t value)
{
	if ((table->count + 1) * 2 > table->capacity)
		grow(table);
	size_t slot = slot_of(table, node);
	table->keys[slot] = node;
	table->values[slot] = value;
	table->count++;
}

void pa_node_table_done(struct pa_node_table *table)
{
	free(table->keys);
	free(table->values);
	memset(table, 0, sizeof(*table));
}
