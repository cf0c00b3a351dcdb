/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_evaluate pa_space pa_ir pa_base
/* The values under a mask: against every value of narrow fields; the limit on wide ones. */
#include "../../audit/evaluate/preimage.h"

#include <check.h>
#include <stdlib.h>

static uint64_t state = 1;
static unsigned draw(unsigned below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % below;
}

static bool holds(const struct pa_interval *items, size_t count, size_t stride, pa_u128 value)
{
	for (size_t i = 0; i < count; i++) {
		if (value >= items[i * stride].first && value <= items[i * stride].last)
			return true;
	}
	return false;
}

static void compare(unsigned bits, struct pa_arena *arena)
{
	unsigned limit = 1u << bits;
	pa_u128 mask = draw(limit), xor_value = draw(3) ? 0 : draw(limit);
	size_t count = draw(5), stride = 1 + draw(2), got;
	struct pa_interval wanted[10], *items;
	for (size_t i = 0; i < count * stride; i++) {
		wanted[i].first = draw(limit);
		wanted[i].last = wanted[i].first + draw(limit - (unsigned)wanted[i].first);
	}
	ck_assert(pa_preimage(bits, mask, xor_value, wanted, count, stride, arena, &items, &got));
	for (unsigned x = 0; x < limit; x++)
		ck_assert_int_eq(holds(items, got, 1, x), holds(wanted, count, stride, (x & mask) ^ xor_value));
	for (size_t i = 0; i < got; i++) {
		ck_assert(items[i].first <= items[i].last);
		ck_assert(i == 0 || items[i].first > items[i - 1].last + 1); /* sorted, and none could be joined */
	}
}

START_TEST(test_against_every_value)
{
	struct pa_arena *arena = pa_arena_new();
	for (unsigned round = 0; round < 4000; round++)
		compare(1 + draw(9), arena);
	pa_arena_free(arena);
}
END_TEST

START_TEST(test_wide_fields)
{
	struct pa_arena *arena = pa_arena_new();
	struct pa_interval *items, one = { (pa_u128)0x20010db8 << 96, (pa_u128)0x20010db8 << 96 };
	size_t count;
	pa_u128 prefix = PA_U128_MAX << 96;
	ck_assert(pa_preimage(128, prefix, 0, &one, 1, 1, arena, &items, &count));
	ck_assert_uint_eq(count, 1);
	ck_assert(items[0].first == one.first && items[0].last == (one.first | ~prefix));
	struct pa_interval all = { 0, PA_U128_MAX };
	ck_assert(pa_preimage(128, 5, 1, &all, 1, 1, arena, &items, &count));
	ck_assert_uint_eq(count, 1);
	ck_assert(items[0].first == 0 && items[0].last == PA_U128_MAX);
	/* 12 bits that are not asked, above one that is: 4096 intervals; with 13 they are too many */
	struct pa_interval odd = { 1, 1 };
	ck_assert(pa_preimage(13, 1, 0, &odd, 1, 1, arena, &items, &count));
	ck_assert_uint_eq(count, PA_PREIMAGE_MAX);
	ck_assert(!pa_preimage(14, 1, 0, &odd, 1, 1, arena, &items, &count));
	pa_arena_free(arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("preimage");
	TCase *cases = tcase_create("preimage");
	tcase_add_test(cases, test_against_every_value);
	tcase_add_test(cases, test_wide_fields);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
