/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a test of the time gives at a known moment: nft_meta_get_eval_time() and its sisters in net/netfilter/nft_meta.c, time_mt() in
 * net/netfilter/xt_time.c.
 */
#include "moment.h"

#define DAY_SECONDS 86400
#define NANOSECONDS 1000000000

static int64_t divide_down(int64_t value, int64_t by)
{
	return value / by - (value % by < 0);
}

static unsigned second_of_day(int64_t seconds)
{
	return (unsigned)(seconds - divide_down(seconds, DAY_SECONDS) * DAY_SECONDS);
}

static bool span_holds(const struct pa_moment *span, int64_t now)
{
	unsigned second = second_of_day(now);
	if (now < span->date_first || now > span->date_last)
		return false;
	if (span->daytime_first < span->daytime_last) {
		if (second < span->daytime_first || second > span->daytime_last)
			return false;
	} else {
		if (second < span->daytime_first && second > span->daytime_last)
			return false;
		if (span->contiguous && second <= span->daytime_last) /* the night belongs to the day in which it began */
			now -= DAY_SECONDS;
	}
	int64_t day = divide_down(now, DAY_SECONDS);
	return span->weekdays >> pa_calendar_weekday(day) & 1 && span->monthdays >> pa_calendar_day_of_month(day) & 1;
}

/* The kernel's own zone is known of the live host only; nft takes it for UTC, and so do we of others. */
bool pa_moment_value(const struct pa_moment *moment, const struct pa_host *host, struct pa_interval *ret_value)
{
	int64_t local = host->now - 60 * (int64_t)host->minutes_west;
	if (!moment || !host->has_now)
		return false;
	switch (moment->kind) {
	case PA_MOMENT_TIME: /* nanoseconds: any of that second */
		ret_value->first = (pa_u128)host->now * NANOSECONDS;
		ret_value->last = ret_value->first + NANOSECONDS - 1;
		return true;
	case PA_MOMENT_DAY:
		ret_value->first = ret_value->last = pa_calendar_weekday(divide_down(local, DAY_SECONDS));
		return true;
	case PA_MOMENT_HOUR:
		ret_value->first = ret_value->last = second_of_day(local);
		return true;
	case PA_MOMENT_SPAN:
		if (moment->kernel_zone && !host->zone_known)
			return false;
		ret_value->first = ret_value->last = span_holds(moment, moment->kernel_zone ? local : host->now);
		return true;
	}
	return false;
}
