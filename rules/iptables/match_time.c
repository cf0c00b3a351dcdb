/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -m time: one question, which the time answers where it is known (libxt_time.c for the words, net/netfilter/xt_time.c for what
 * they mean). Words that iptables would not take leave it a question.
 */
#include "xt.h"

#include <stdlib.h>

#define LAST_SECOND 86399
#define LAST_DATE 2147483647 /* what iptables writes where nothing is said: in 2038 the match ends */

/* Numbers with what stands between them: "2026-01-31T12:00" with "--T::" are five. 0: it is no such text. */
static size_t read_numbers(const char *text, const char *separators, size_t max, uint64_t *numbers)
{
	for (size_t count = 0; count < max; text++) {
		char *end;
		if (*text < '0' || *text > '9') /* 08 is no octal number here */
			return 0;
		numbers[count] = strtoull(text, &end, 10);
		text = end;
		count++;
		if (!*text)
			return count;
		if (count == max || *text != separators[count - 1])
			return 0;
	}
	return 0;
}

static bool read_date(const char *text, int64_t *ret_seconds)
{
	uint64_t n[6] = { 1970, 1, 1, 0, 0, 0 };
	if (!read_numbers(text, "--T::", 6, n) || n[0] < 1970 || n[0] > 2038 || n[1] < 1 || n[1] > 12 || n[2] < 1 ||
	    n[2] > 31 || n[3] > 23 || n[4] > 59 || n[5] > 59)
		return false;
	*ret_seconds = pa_calendar_day((int64_t)n[0], (unsigned)n[1], (unsigned)n[2]) * 86400;
	*ret_seconds += (int64_t)((n[3] * 60 + n[4]) * 60 + n[5]);
	return true;
}

static bool read_daytime(const char *text, unsigned *ret_seconds)
{
	uint64_t n[3] = { 0 };
	if (read_numbers(text, "::", 3, n) < 2 || n[0] > 23 || n[1] > 59 || n[2] > 59)
		return false;
	*ret_seconds = (unsigned)((n[0] * 60 + n[1]) * 60 + n[2]);
	return true;
}

/* "Mon" or "1" (Monday) to "7": 0 for Sunday. */
static bool read_weekday(const char *text, size_t length, unsigned *ret_day)
{
	static const char *const names[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	if (length == 1 && *text >= '1' && *text <= '7') {
		*ret_day = (unsigned)(*text - '0') % 7;
		return true;
	}
	for (unsigned i = 0; length == 3 && i < 7; i++) {
		if (memcmp(names[i], text, 3) == 0) {
			*ret_day = i;
			return true;
		}
	}
	return false;
}

static bool read_monthday(const char *text, size_t length, unsigned *ret_day)
{
	uint64_t day;
	const char *at = text;
	if (!pa_xt_number_part(&at, 31, &day) || at != text + length || day == 0)
		return false;
	*ret_day = (unsigned)day;
	return true;
}

/* A list with commas as bits; `all` are those of its opposite. */
static bool read_days(const struct pa_xt_option *option, bool (*read)(const char *, size_t, unsigned *), uint32_t all,
		      uint32_t *ret_days)
{
	uint32_t days = 0;
	for (const char *text = option->arguments[0]->text;; text++) {
		size_t length = strcspn(text, ",");
		unsigned day;
		if (!read(text, length, &day))
			return false;
		days |= (uint32_t)1 << day;
		text += length;
		if (!*text)
			break;
	}
	*ret_days = option->negated ? all & ~days : days;
	return true;
}

static bool read_option(const struct pa_xt_option *option, struct pa_moment *span)
{
	const char *text = option->arguments[0] ? option->arguments[0]->text : "";
	if (strcmp(option->name, "datestart") == 0)
		return read_date(text, &span->date_first);
	if (strcmp(option->name, "datestop") == 0)
		return read_date(text, &span->date_last);
	if (strcmp(option->name, "timestart") == 0)
		return read_daytime(text, &span->daytime_first);
	if (strcmp(option->name, "timestop") == 0)
		return read_daytime(text, &span->daytime_last);
	if (strcmp(option->name, "weekdays") == 0)
		return read_days(option, read_weekday, 0x7f, &span->weekdays);
	if (strcmp(option->name, "monthdays") == 0)
		return read_days(option, read_monthday, 0xfffffffe, &span->monthdays);
	span->contiguous = span->contiguous || strcmp(option->name, "contiguous") == 0;
	span->kernel_zone = span->kernel_zone || strcmp(option->name, "kerneltz") == 0 || strcmp(option->name, "localtz") == 0;
	return true;
}

static const struct pa_moment *read_span(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	struct pa_moment span = { .kind = PA_MOMENT_SPAN,
				  .weekdays = 0x7f,
				  .monthdays = 0xfffffffe,
				  .daytime_last = LAST_SECOND,
				  .date_last = LAST_DATE };
	for (size_t i = 0; i < use->count; i++)
		if (!read_option(&use->options[i], &span))
			return NULL;
	return pa_arena_dup(lowering->arena, &span, 1, sizeof(span));
}

void pa_xt_match_time(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	struct pa_step step = pa_xt_question(lowering->arena, pa_xt_use_text(lowering, use));
	struct pa_key_part *part = &step.key.parts[0];
	part->reason = "depends on the time, which --now tells";
	part->understood = part->always = true;
	part->moment = read_span(lowering, use);
	pa_xt_add(lowering, &step);
}
