/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fingerprints: the same finding has the same one in the next run, whatever became of lines, handles and other rules. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"

/* FNV-1a with 128 bits (http://www.isthe.com/chongo/tech/comp/fnv/): offset basis and prime. */
static pa_u128 fnv1a(pa_u128 hash, const char *text, size_t length)
{
	const pa_u128 prime = ((pa_u128)1 << 88) + 0x13b;

	for (size_t i = 0; i < length; i++) {
		hash ^= (unsigned char)text[i];
		hash *= prime;
	}
	return hash;
}

void fingerprint_make(const char *kind, const char *region, char ret_fingerprint[33])
{
	pa_u128 hash = ((pa_u128)UINT64_C(0x6c62272e07bb0142) << 64) | UINT64_C(0x62b821756295c58d);

	hash = fnv1a(hash, kind, strlen(kind) + 1);
	hash = fnv1a(hash, region, strlen(region));
	snprintf(ret_fingerprint, 33, "%016llx%016llx", (unsigned long long)(hash >> 64), (unsigned long long)hash);
}

/*
 * The normalised region: which values each field takes, by family. It does not depend on how the region was cut into
 * boxes, so it stays the same while other rules change.
 */
static void put_shadow(const struct piece *pieces, size_t piece_count, int family, struct pa_buffer *out)
{
	for (int i = 0; i < PA_FIELD_COUNT; i++) {
		struct pa_interval *items = NULL;
		size_t capacity = 0, count = 0;
		bool any = false;

		for (size_t j = 0; j < piece_count; j++) {
			struct pa_ranges ranges = pieces[j].field[i];

			if (pieces[j].family != 0 && pieces[j].family != family)
				continue;
			any = any || ranges.count == 0;
			pa_grow(&items, &capacity, count + ranges.count, sizeof(*items));
			for (size_t k = 0; k < ranges.count; k++)
				items[count++] = ranges.items[k];
		}
		count = any ? 0 : compare_merge_intervals(items, count);
		for (size_t k = 0; k < count; k++)
			pa_buffer_printf(out, "%d:%016llx%016llx-%016llx%016llx;", i,
					 (unsigned long long)(items[k].first >> 64), (unsigned long long)items[k].first,
					 (unsigned long long)(items[k].last >> 64), (unsigned long long)items[k].last);
		free(items);
	}
}

void fingerprint_region(const struct piece *pieces, size_t piece_count, struct pa_buffer *out)
{
	for (int family = 4; family <= 6; family += 2) {
		bool any = false;

		for (size_t i = 0; i < piece_count; i++)
			any = any || pieces[i].family == 0 || pieces[i].family == family;
		if (!any)
			continue;
		pa_buffer_printf(out, "v%d ", family);
		put_shadow(pieces, piece_count, family, out);
	}
}
