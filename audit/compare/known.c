/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An earlier result as a baseline: findings that it has do not count, and what it has and is not found any more is named. A finding is
 * known when it is the same one (its fingerprint), says the same, and is no worse. What was waived then is not known: its waiver
 * was to end.
 */
#include <ctype.h>
#include <string.h>

#include "compare.h"

/*
 * Numbers that change without a reason: those of lines ("fw.nft:12"), of rules ("handle 5") and of days that have gone by. A number
 * behind an address and a colon is a port.
 */
static bool is_passing_number(const char *message, const char *at)
{
	static const char *const before[] = { "handle ", "line " };
	size_t digits = strspn(at, "0123456789");

	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++) {
		size_t length = strlen(before[i]);

		if ((size_t)(at - message) >= length && memcmp(at - length, before[i], length) == 0)
			return true;
	}
	if (at - message >= 2 && at[-1] == ':' && isalpha((unsigned char)at[-2]))
		return true;
	return strncmp(at + digits, " day", 4) == 0 || strncmp(at + digits, " more day", 9) == 0;
}

static void put_lasting(const char *message, struct pa_buffer *out)
{
	for (const char *at = message; *at;) {
		if (isdigit((unsigned char)*at) && is_passing_number(message, at))
			at += strspn(at, "0123456789");
		else
			pa_buffer_putc(out, *at++);
	}
	pa_buffer_puts(out, "");
}

static bool says_the_same(const char *a, const char *b)
{
	struct pa_buffer left = { 0 }, right = { 0 };
	bool same;

	put_lasting(a, &left);
	put_lasting(b, &right);
	same = pa_text_equal(left.data, right.data);
	pa_buffer_done(&left);
	pa_buffer_done(&right);
	return same;
}

static bool is_same_finding(const struct pa_known_finding *known, const struct pa_finding *finding)
{
	return strcmp(known->fingerprint, finding->fingerprint) == 0 &&
	       strcmp(known->check, pa_check_info(finding->check)->code) == 0;
}

static bool knows(const struct pa_baseline *baseline, const struct pa_finding *finding)
{
	for (size_t i = 0; i < baseline->finding_count; i++) {
		const struct pa_known_finding *known = &baseline->findings[i];

		if (!known->waived && known->severity >= finding->severity && is_same_finding(known, finding) &&
		    says_the_same(known->message, finding->message))
			return true;
	}
	return false;
}

void compare_mark_known(struct comparison *c)
{
	const struct pa_baseline *baseline = c->options ? c->options->known : NULL;

	for (size_t i = 0; baseline && i < c->result->finding_count; i++) {
		struct pa_finding *finding = &c->result->findings[i];

		finding->known = !finding->waiver && knows(baseline, finding);
	}
}

/* A check that was not assessed tells nothing of what it found before. */
static bool was_looked_for(const struct comparison *c, const struct pa_known_finding *known)
{
	enum pa_check_id check;

	return pa_check_find(known->check, &check) && c->result->checks[check].status != PA_STATUS_NOT_ASSESSED &&
	       c->result->checks[check].status != PA_STATUS_OFF;
}

static bool is_found(const struct pa_result *result, const struct pa_known_finding *known)
{
	for (size_t i = 0; i < result->finding_count; i++)
		if (is_same_finding(known, &result->findings[i]))
			return true;
	return false;
}

void compare_list_vanished(struct comparison *c)
{
	const struct pa_baseline *baseline = c->options ? c->options->known : NULL;
	struct pa_result *result = c->result;

	if (!baseline)
		return;
	result->baseline = pa_arena_strdup(result->arena, baseline->name);
	result->vanished = pa_arena_alloc(result->arena, baseline->finding_count + 1, sizeof(*result->vanished));
	for (size_t i = 0; i < baseline->finding_count; i++)
		if (was_looked_for(c, &baseline->findings[i]) && !is_found(result, &baseline->findings[i]))
			result->vanished[result->vanished_count++] = &baseline->findings[i];
}
