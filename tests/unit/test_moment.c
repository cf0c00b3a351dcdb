// rooms: pa_evaluate pa_host pa_space pa_ir pa_base
/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calendar day by day, and what tests of the time give at known moments. */
#include "../../audit/evaluate/moment.h"

#include <check.h>

#define AT(day, hour, minute, second) ((int64_t)(day)*86400 + (hour)*3600 + (minute)*60 + (second))

static unsigned days_of(int year, unsigned month)
{
	static const unsigned days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return days[month - 1] + (month == 2 && leap);
}

START_TEST(every_day)
{
	int64_t day = 0;
	for (int year = 1970; year <= 2420; year++) {
		for (unsigned month = 1; month <= 12; month++) {
			for (unsigned of_month = 1; of_month <= days_of(year, month); of_month++, day++) {
				bool right = pa_calendar_day(year, month, of_month) == day;
				right = right && pa_calendar_day_of_month(day) == of_month;
				right = right && pa_calendar_weekday(day) == (unsigned)((day + 4) % 7);
				if (!right) /* an assertion a day would take too long */
					ck_abort_msg("%d-%u-%u", year, month, of_month);
			}
		}
	}
	ck_assert_int_eq(pa_calendar_day(2026, 2, 31), pa_calendar_day(2026, 3, 3));
	ck_assert_int_eq(pa_calendar_day(1969, 12, 31), -1);
	ck_assert_uint_eq(pa_calendar_weekday(-1), 3);
	ck_assert_uint_eq(pa_calendar_day_of_month(-1), 31);
}
END_TEST

/* 2026-11-28 was a Saturday. */
START_TEST(parts_of_the_time)
{
	struct pa_host *host = pa_host_new("h");
	struct pa_moment moment = { .kind = PA_MOMENT_HOUR };
	struct pa_interval value;
	ck_assert(!pa_moment_value(&moment, host, &value)); /* the time is not known */
	host->has_now = true;
	host->now = AT(pa_calendar_day(2026, 11, 28), 0, 30, 1);
	ck_assert(!pa_moment_value(NULL, host, &value));
	ck_assert(pa_moment_value(&moment, host, &value) && value.first == 1801 && value.last == 1801);
	moment.kind = PA_MOMENT_DAY;
	ck_assert(pa_moment_value(&moment, host, &value) && value.first == 6 && value.last == 6);
	moment.kind = PA_MOMENT_TIME;
	ck_assert(pa_moment_value(&moment, host, &value));
	ck_assert(value.first == (pa_u128)host->now * 1000000000 && value.last == value.first + 999999999);
	host->zone_known = true;
	host->minutes_west = 60; /* there it is half past eleven on Friday */
	moment.kind = PA_MOMENT_DAY;
	ck_assert(pa_moment_value(&moment, host, &value) && value.first == 5);
	moment.kind = PA_MOMENT_HOUR;
	ck_assert(pa_moment_value(&moment, host, &value) && value.first == 84601);
	pa_host_free(host);
}
END_TEST

static bool holds(struct pa_host *host, struct pa_moment span, int64_t now)
{
	struct pa_interval value = { 7, 7 };
	span.kind = PA_MOMENT_SPAN;
	host->has_now = true;
	host->now = now;
	ck_assert(pa_moment_value(&span, host, &value));
	ck_assert(value.first == value.last && value.first <= 1);
	return value.first == 1;
}

START_TEST(spans)
{
	struct pa_host *host = pa_host_new("h");
	const struct pa_moment any = { .kind = PA_MOMENT_SPAN,
				       .weekdays = 0x7f,
				       .monthdays = 0xfffffffe,
				       .daytime_last = 86399,
				       .date_last = 2147483647 };
	struct pa_moment night = any, office = any, dated = any;
	int64_t saturday = pa_calendar_day(2026, 11, 28);
	ck_assert(holds(host, any, AT(saturday, 23, 59, 59)));
	ck_assert(!holds(host, any, AT(pa_calendar_day(2038, 1, 20), 0, 0, 0)));
	office.weekdays = 0x3e;
	office.daytime_first = 8 * 3600;
	office.daytime_last = 17 * 3600;
	ck_assert(holds(host, office, AT(saturday - 1, 17, 0, 0)));
	ck_assert(!holds(host, office, AT(saturday - 1, 17, 0, 1)));
	ck_assert(!holds(host, office, AT(saturday, 12, 0, 0)));
	night.weekdays = 1 << 5; /* Friday */
	night.daytime_first = 22 * 3600;
	night.daytime_last = 6 * 3600;
	ck_assert(holds(host, night, AT(saturday - 1, 1, 0, 0)));
	ck_assert(!holds(host, night, AT(saturday, 1, 0, 0)));
	night.contiguous = true;
	ck_assert(!holds(host, night, AT(saturday - 1, 1, 0, 0)));
	ck_assert(holds(host, night, AT(saturday, 1, 0, 0)));
	ck_assert(!holds(host, night, AT(saturday, 6, 0, 1)));
	dated.monthdays = (uint32_t)1 << 28;
	dated.date_first = AT(saturday, 1, 0, 0);
	ck_assert(!holds(host, dated, AT(saturday, 0, 59, 59)) && holds(host, dated, AT(saturday, 1, 0, 0)));
	ck_assert(!holds(host, dated, AT(saturday + 1, 1, 0, 0)));
	dated.kernel_zone = true;
	struct pa_interval value;
	ck_assert(!pa_moment_value(&dated, host, &value)); /* nobody knows the zone */
	host->zone_known = true;
	host->minutes_west = -60;
	ck_assert(holds(host, dated, AT(saturday, 0, 0, 0)));
	pa_host_free(host);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("moment");
	TCase *tests = tcase_create("moment");
	tcase_add_test(tests, every_day);
	tcase_add_test(tests, parts_of_the_time);
	tcase_add_test(tests, spans);
	suite_add_tcase(suite, tests);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
