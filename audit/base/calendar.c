/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Gregorian calendar, in eras of 400 years that begin in March, so that the day of a leap year is the last of its year. */
#include "portaudit/base.h"

#define ERA_YEARS 400
#define ERA_DAYS 146097
#define DAYS_BEFORE_1970 719468 /* from 0000-03-01 */

static int64_t divide_down(int64_t value, int64_t by)
{
	return value / by - (value % by < 0);
}

int64_t pa_calendar_day(int64_t year, unsigned month, unsigned day)
{
	int64_t of_march = month > 2 ? year : year - 1;
	int64_t era = divide_down(of_march, ERA_YEARS), of_era = of_march - era * ERA_YEARS;
	int64_t of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
	return era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + of_year - DAYS_BEFORE_1970;
}

unsigned pa_calendar_weekday(int64_t day)
{
	int64_t shifted = day + 4; /* 1970-01-01 was a Thursday */
	return (unsigned)(shifted - divide_down(shifted, 7) * 7);
}

unsigned pa_calendar_day_of_month(int64_t day)
{
	int64_t shifted = day + DAYS_BEFORE_1970;
	int64_t of_era = shifted - divide_down(shifted, ERA_DAYS) * ERA_DAYS;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / (ERA_DAYS - 1)) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;
	return (unsigned)(of_year - (153 * month + 2) / 5 + 1);
}
