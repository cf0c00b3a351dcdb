/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTAUDIT_TESTS_PROPERTY_H
#define PORTAUDIT_TESTS_PROPERTY_H

#include <check.h>
#include <stdlib.h>

/* PROGRAM [ROUNDS [FIRST_SEED]]: one test over random rulesets; with arguments for as long as it takes, in one process. */
static inline int property_main(int argc, char **argv, const char *name, const TTest *test, unsigned long *rounds,
				unsigned long *first_seed)
{
	Suite *suite = suite_create(name);
	TCase *cases = tcase_create(name);
	if (argc > 1)
		*rounds = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		*first_seed = strtoul(argv[2], NULL, 10);
	tcase_set_timeout(cases, argc > 1 ? 0 : 250);
	tcase_add_test(cases, test);
	suite_add_tcase(suite, cases);
	SRunner *runner = srunner_create(suite);
	if (argc > 1)
		srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
