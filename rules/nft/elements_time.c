/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands against meta time and meta hour, as libnftables prints it in UTC. */
#include <string.h>

#include "lower.h"

/* Two digits (four for a year) at text[at], below `end`. */
static bool read_digits(const char *text, size_t at, size_t count, unsigned end, unsigned *ret_number)
{
	*ret_number = 0;
	for (size_t i = at; i < at + count; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*ret_number = *ret_number * 10 + (unsigned)(text[i] - '0');
	}
	return *ret_number < end;
}

/* "08:00", "08:00:05": seconds of the day. */
static bool read_hour(const char *text, size_t length, pa_u128 *ret_value)
{
	unsigned hours, minutes, seconds = 0;
	if ((length != 5 && length != 8) || text[2] != ':' || !read_digits(text, 0, 2, 24, &hours) ||
	    !read_digits(text, 3, 2, 60, &minutes))
		return false;
	if (length == 8 && (text[5] != ':' || !read_digits(text, 6, 2, 60, &seconds)))
		return false;
	*ret_value = (hours * 60 + minutes) * 60 + seconds;
	return true;
}

/* "2026-01-31 12:00:00": nanoseconds since 1970. What a rule has of the second itself is not printed: pa_moment_value(). */
static bool read_date(const char *text, size_t length, pa_u128 *ret_value)
{
	unsigned year, month, day;
	pa_u128 second;
	if (length != 19 || text[4] != '-' || text[7] != '-' || text[10] != ' ' || !read_digits(text, 0, 4, 10000, &year) ||
	    !read_digits(text, 5, 2, 13, &month) || !read_digits(text, 8, 2, 32, &day) || !read_hour(text + 11, 8, &second) ||
	    year < 1970 || !month || !day)
		return false;
	*ret_value = ((pa_u128)pa_calendar_day(year, month, day) * 86400 + second) * 1000000000;
	return true;
}

bool pa_lower_time_text(const struct pa_json_node *node, enum pa_datatype type, pa_u128 *ret_value)
{
	if (type == PA_DATATYPE_HOUR)
		return read_hour(node->string, node->length, ret_value);
	return type == PA_DATATYPE_DATE && read_date(node->string, node->length, ret_value);
}
