/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The small vocabularies: severities, paths, days. */
#include <stdio.h>
#include <string.h>

#include "allow.h"

const char *const pa_level_words[] = {
	[PA_SEVERITY_INFO] = "info", [PA_SEVERITY_LOW] = "low",		  [PA_SEVERITY_MEDIUM] = "medium",
	[PA_SEVERITY_HIGH] = "high", [PA_SEVERITY_CRITICAL] = "critical", NULL,
};

const char *pa_severity_name(enum pa_severity severity)
{
	return pa_level_words[severity];
}

bool pa_severity_parse(const char *text, enum pa_severity *ret_severity)
{
	for (unsigned i = 0; pa_level_words[i]; i++) {
		if (pa_text_equal(text, pa_level_words[i])) {
			*ret_severity = (enum pa_severity)i;
			return true;
		}
	}
	return false;
}

const char *pa_path_name(enum pa_path path)
{
	static const char *const names[] = { [PA_PATH_IN] = "in", [PA_PATH_FORWARD] = "forward", [PA_PATH_OUT] = "out" };
	return names[path];
}

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_of_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Days before 1 January of a year (from 1970 on), counted from 1970-01-01. */
static pa_day days_before_year(int year)
{
	int past = year - 1;
	return 365 * (year - 1970) + (past / 4 - 1969 / 4) - (past / 100 - 1969 / 100) + (past / 400 - 1969 / 400);
}

/* Exactly YYYY-MM-DD, a day of the Gregorian calendar from 1970-01-01 to 9999-12-31. */
bool pa_day_parse(const char *text, pa_day *ret_day)
{
	if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
		return false;
	unsigned long year, month, day;
	if (!pa_number_parse(text, 4, &year) || !pa_number_parse(text + 5, 2, &month) || !pa_number_parse(text + 8, 2, &day))
		return false;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > (unsigned long)days_of_month((int)year, (int)month))
		return false;
	pa_day days = days_before_year((int)year) + (pa_day)day - 1;
	for (int before = 1; before < (int)month; before++)
		days += days_of_month((int)year, before);
	*ret_day = days;
	return true;
}

void pa_day_format(pa_day day, char out[PA_DAY_TEXT_MAX])
{
	int year = 1970, month = 1;
	if (day < 0 || day >= days_before_year(10000)) {
		snprintf(out, PA_DAY_TEXT_MAX, "never");
		return;
	}
	while (days_before_year(year + 1) <= day)
		year++;
	day -= days_before_year(year);
	for (; day >= days_of_month(year, month); month++)
		day -= days_of_month(year, month);
	snprintf(out, PA_DAY_TEXT_MAX, "%04u-%02u-%02u", (unsigned)year % 10000u, (unsigned)month % 100u,
		 (unsigned)(day + 1) % 100u);
}
