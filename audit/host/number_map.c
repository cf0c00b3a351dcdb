/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table of numbers by number: inodes, socket cookies, user ids. */
#include <stdlib.h>

#include "socket_read.h"

static size_t place_of(const struct pa_number_map *map, uint64_t key)
{
	size_t at = (size_t)(key * 0x9e3779b97f4a7c15u >> 20) & (map->size - 1);
	while (map->values[at] && map->keys[at] != key)
		at = (at + 1) & (map->size - 1);
	return at;
}

bool pa_number_map_find(const struct pa_number_map *map, uint64_t key, size_t *ret_value)
{
	if (map->size == 0)
		return false;
	size_t at = place_of(map, key);
	if (map->values[at])
		*ret_value = map->values[at] - 1;
	return map->values[at] != 0;
}

static void grow(struct pa_number_map *map)
{
	struct pa_number_map larger = { .size = map->size ? 2 * map->size : 64, .count = map->count };
	larger.keys = pa_xcalloc(larger.size, sizeof(*larger.keys));
	larger.values = pa_xcalloc(larger.size, sizeof(*larger.values));
	for (size_t i = 0; i < map->size; i++) {
		if (!map->values[i])
			continue;
		size_t at = place_of(&larger, map->keys[i]);
		larger.keys[at] = map->keys[i];
		larger.values[at] = map->values[i];
	}
	pa_number_map_done(map);
	*map = larger;
}

void pa_number_map_put(struct pa_number_map *map, uint64_t key, size_t value)
{
	if (2 * (map->count + 1) > map->size)
		grow(map);
	size_t at = place_of(map, key);
	if (!map->values[at])
		map->count++;
	map->keys[at] = key;
	map->values[at] = value + 1;
}

void pa_number_map_done(struct pa_number_map *map)
{
	free(map->keys);
	free(map->values);
	*map = (struct pa_number_map){ 0 };
}
