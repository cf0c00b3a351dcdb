/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of ports as nmap writes them. */
#include <stdlib.h>

#include "reader.h"

bool scan_parse_number(const char *text, unsigned long most, unsigned long *ret_number)
{
	unsigned long number = 0;
	if (!text || !*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		number = number * 10 + (unsigned long)(*text - '0');
		if (number > most)
			return false;
	}
	*ret_number = number;
	return true;
}

void scan_add_ports(struct port_list *list, pa_u128 first, pa_u128 last)
{
	pa_grow(&list->items, &list->capacity, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = (struct pa_interval){ first, last };
}

/* A number of at most 65535 at *text, which moves on behind it. */
static bool take_port(const char **text, unsigned *ret_port)
{
	unsigned port = 0;
	const char *at = *text;
	for (; *at >= '0' && *at <= '9'; at++) {
		port = port * 10 + (unsigned)(*at - '0');
		if (port > 65535)
			return false;
	}
	*ret_port = port;
	bool any = at != *text;
	*text = at;
	return any;
}

bool scan_parse_ports(const char *text, struct port_list *ret_list)
{
	if (!*text)
		return true;
	for (;;) {
		unsigned first, last;
		if (!take_port(&text, &first))
			return false;
		last = first;
		if (*text == '-') {
			text++;
			if (!take_port(&text, &last) || last < first)
				return false;
		}
		scan_add_ports(ret_list, first, last);
		if (!*text)
			return true;
		if (*text++ != ',')
			return false;
	}
}

static int compare_first(const void *left, const void *right)
{
	const struct pa_interval *a = left, *b = right;
	return (a->first > b->first) - (a->first < b->first);
}

void scan_sort_ports(struct port_list *list)
{
	size_t kept = 0;
	if (list->count == 0)
		return;
	qsort(list->items, list->count, sizeof(*list->items), compare_first);
	for (size_t i = 1; i < list->count; i++) {
		struct pa_interval *last = &list->items[kept];
		if (list->items[i].first > last->last + 1)
			list->items[++kept] = list->items[i];
		else if (list->items[i].last > last->last)
			last->last = list->items[i].last;
	}
	list->count = kept + 1;
}
