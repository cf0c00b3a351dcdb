/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reject_policy POLICY EXPECTED: the policy must be refused with exactly the diagnostics in EXPECTED.
 * reject_policy POLICY: print them. Run in the folder of the case, so that messages have short names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portaudit/report.h"

static bool check_known(const char *id)
{
	static const char *const known[] = { "PA-EXP-001", "PA-EXP-002", "PA-HYG-001", "PA-SOC-010", NULL };
	for (size_t i = 0; known[i]; i++)
		if (strcmp(known[i], id) == 0)
			return true;
	return false;
}

static bool read_file(const char *path, struct pa_buffer *ret_text)
{
	FILE *file = fopen(path, "re");
	char block[4096];
	size_t got;
	if (!file)
		return false;
	while ((got = fread(block, 1, sizeof(block), file)) > 0)
		pa_buffer_add(ret_text, block, got);
	pa_buffer_add(ret_text, "", 0);
	fclose(file);
	return true;
}

int main(int argc, char **argv)
{
	struct pa_diags diags = { 0 };
	struct pa_style style = { 0 };
	struct pa_buffer seen = { 0 }, expected = { 0 };
	if (argc < 2 || argc > 3) {
		fputs("usage: reject_policy POLICY [EXPECTED]\n", stderr);
		return 2;
	}
	struct pa_policy *policy = pa_policy_load(argv[1], "web1", check_known, &diags);
	pa_report_diags(&diags, &style, &seen);
	pa_buffer_add(&seen, "", 0);
	bool good = !policy;
	if (policy)
		fputs("the policy was accepted\n", stderr);
	if (argc == 2)
		fwrite(seen.data, 1, seen.length, stdout);
	else if (!read_file(argv[2], &expected))
		good = false;
	else if (seen.length != expected.length || memcmp(seen.data, expected.data, seen.length) != 0)
		good = false;
	if (!good && argc == 3)
		fprintf(stderr, "--- expected\n%s--- seen\n%s", expected.data ? expected.data : "", seen.data ? seen.data : "");
	pa_policy_free(policy);
	pa_diags_done(&diags);
	pa_buffer_done(&seen);
	pa_buffer_done(&expected);
	return good ? 0 : 1;
}
