/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The catalogue of checks, from check.def. */
#include <string.h>
#include <strings.h>

#include "portaudit/difference.h"

static const struct pa_check_info catalogue[PA_CHECK_COUNT] = {
#define CHECK(id, code, severity, needs, title, why) [PA_CHECK_##id] = { code, severity, needs, title, why },
#include "portaudit/check.def"
#undef CHECK
};

const struct pa_check_info *pa_check_info(enum pa_check_id check)
{
	return &catalogue[check];
}

bool pa_check_find(const char *code, enum pa_check_id *ret_check)
{
	static const char prefix[] = "PA-";

	if (strncasecmp(code, prefix, strlen(prefix)) == 0)
		code += strlen(prefix);
	for (int i = 0; i < PA_CHECK_COUNT; i++) {
		if (strcasecmp(code, catalogue[i].code + strlen(prefix)) == 0) {
			*ret_check = (enum pa_check_id)i;
			return true;
		}
	}
	return false;
}

bool pa_check_known(const char *code)
{
	enum pa_check_id check;

	return pa_check_find(code, &check);
}

/* --- words and questions of differences ------------------------------------------------------------------------------ */

const char *pa_scenario_name(enum pa_scenario scenario)
{
	static const char *const names[PA_SCENARIOS] = {
		[PA_SCENARIO_NEW] = "new",
		[PA_SCENARIO_REPLY] = "reply",
		[PA_SCENARIO_RELATED] = "related",
		[PA_SCENARIO_INVALID] = "invalid",
		[PA_SCENARIO_UNTRACKED] = "untracked",
		[PA_SCENARIO_ESTABLISHED] = "established",
	};
	return names[scenario];
}

bool pa_difference_is_same(const struct pa_difference *difference)
{
	return difference->change_count == difference->note_count && difference->counting_count == 0 &&
	       difference->not_compared == 0;
}
