/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_compare pa_base
/* The catalogue of checks: codes and texts. */
#include <check.h>
#include <ctype.h>
#include <string.h>

#include "portaudit/finding.h"

START_TEST(codes_are_unique_and_well_formed)
{
	for (int i = 0; i < PA_CHECK_COUNT; i++) {
		const char *code = pa_check_info(i)->code;
		size_t length = strlen(code);

		ck_assert_msg(strncmp(code, "PA-", 3) == 0 && length >= 9 && length <= 10 && code[length - 4] == '-', "%s",
			      code);
		for (size_t j = length - 3; j < length; j++)
			ck_assert_msg(isdigit((unsigned char)code[j]), "%s", code);
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(code, pa_check_info(j)->code);
	}
	ck_assert_int_ge(PA_CHECK_COUNT, 70);
}
END_TEST

START_TEST(texts_are_sentences_without_an_end_and_with_one)
{
	for (int i = 0; i < PA_CHECK_COUNT; i++) {
		const struct pa_check_info *info = pa_check_info(i);

		ck_assert_msg(strlen(info->title) > 15 && info->title[strlen(info->title) - 1] != '.', "%s", info->code);
		ck_assert_msg(strlen(info->why) > 20 && info->why[strlen(info->why) - 1] == '.', "%s", info->code);
		ck_assert_msg(isupper((unsigned char)info->why[0]) || info->why[0] == '`', "%s", info->code);
		ck_assert_msg(info->needs != 0, "%s", info->code);
		for (int j = 0; j < i; j++)
			ck_assert_str_ne(info->title, pa_check_info(j)->title);
	}
}
END_TEST

START_TEST(codes_are_found)
{
	enum pa_check_id check;

	ck_assert(pa_check_find("PA-EXP-001", &check));
	ck_assert_int_eq(check, PA_CHECK_EXP_001);
	ck_assert(pa_check_find("v6-002", &check));
	ck_assert_int_eq(check, PA_CHECK_V6_002);
	ck_assert(pa_check_find("pa-unk-001", &check));
	ck_assert_int_eq(check, PA_CHECK_UNK_001);
	ck_assert(!pa_check_find("EXP-01", &check));
	ck_assert(!pa_check_find("", &check));
	ck_assert(!pa_check_find("PA-", &check));
	ck_assert(!pa_check_known("PA-EXP-999"));
	ck_assert(pa_check_known("PA-WVR-004"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("catalogue");
	TCase *tests = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, codes_are_unique_and_well_formed);
	tcase_add_test(tests, texts_are_sentences_without_an_end_and_with_one);
	tcase_add_test(tests, codes_are_found);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
