/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PA_EVALUATE_PREIMAGE_H
#define PA_EVALUATE_PREIMAGE_H

#include "portaudit/field.h"

#define PA_PREIMAGE_MAX 4096

/*
 * The field values x for which (x & mask) ^ xor_value lies in the union of `count` intervals (item i at items[i * stride]),
 * as sorted disjoint intervals allocated in `arena`. false: more than PA_PREIMAGE_MAX intervals.
 */
bool pa_preimage(unsigned bits, pa_u128 mask, pa_u128 xor_value, const struct pa_interval *items, size_t count, size_t stride,
		 struct pa_arena *arena, struct pa_interval **ret_items, size_t *ret_count);

#endif
