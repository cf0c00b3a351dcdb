/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * what = item { "," item }: services, ports with a protocol, ICMP types, `any`. The ports of a group share the
 * protocol after the last one (3306,5432/tcp), so numbers wait until it is known.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "allow.h"

enum { ICMP = 1, ICMPV6 = 58, PROTOCOL_LAST = 255 };

/* A port that waits for its protocol. */
struct waiting {
	const char *text;
	struct pa_place place;
};

struct what {
	struct pa_cursor *cursor;
	struct pa_service_item *items;
	size_t count, capacity;
	struct waiting *waiting;
	size_t waiting_count, waiting_capacity;
};

/* A protocol as written after the slash. */
struct protocol {
	const char *text;
	bool any;
	unsigned number;
	bool has_ports;
};

/* Protocols of `80/any`: all that have ports. */
static const unsigned with_ports[] = { 6, 17, 136, 132, 33 };

static void add_item(struct what *what, struct pa_service_item item)
{
	pa_grow(&what->items, &what->capacity, what->count + 1, sizeof(*what->items));
	what->items[what->count++] = item;
}

static struct pa_allow *allow_of(const struct what *what)
{
	return what->cursor->allow;
}

static const char *shown(const struct what *what, const char *text)
{
	return pa_allow_shown(allow_of(what), text, strlen(text));
}

static void wait_for_protocol(struct what *what, const char *text, struct pa_place place)
{
	pa_grow(&what->waiting, &what->waiting_capacity, what->waiting_count + 1, sizeof(*what->waiting));
	what->waiting[what->waiting_count++] = (struct waiting){ .text = text, .place = place };
}

/* What follows the ports is no protocol. */
static void refuse_waiting(struct what *what)
{
	if (what->waiting_count) {
		const struct waiting *last = &what->waiting[what->waiting_count - 1];
		pa_allow_form_error(allow_of(what), last->place,
				    pa_allow_text(allow_of(what), "write %s/tcp", shown(what, last->text)),
				    "'%s' has no protocol", shown(what, last->text));
	}
	what->waiting_count = 0;
}

/* --- ports/PROTO ---------------------------------------------------------------------------------------------------- */
static bool parse_protocol(struct what *what, struct pa_place place, const char *text, struct protocol *ret_protocol)
{
	const struct pa_protocol_row *row = pa_protocol_find(text);
	unsigned long number;
	bool numeric = pa_number_parse(text, strlen(text), &number);
	*ret_protocol = (struct protocol){ .text = text };
	if (strcmp(text, "any") == 0) {
		ret_protocol->any = ret_protocol->has_ports = true;
		return true;
	}
	if (numeric) {
		if (number > PROTOCOL_LAST) {
			pa_allow_meaning_error(allow_of(what), place, "protocols are 0 to 255", "protocol %s is out of range",
					       shown(what, text));
			return false;
		}
		row = pa_protocol_of((unsigned)number);
		ret_protocol->number = (unsigned)number;
	}
	if (row) {
		ret_protocol->number = row->number;
		ret_protocol->has_ports = row->has_ports;
	}
	if (row || numeric)
		return true;
	struct pa_suggestion suggestion = pa_suggestion_start(allow_of(what), text, strlen(text));
	pa_protocols_offer(&suggestion);
	pa_allow_meaning_error(allow_of(what), place, pa_suggestion_help(&suggestion, NULL), "unknown protocol '%s'",
			       shown(what, text));
	return false;
}

static void add_ports(struct what *what, const struct pa_port_spec *spec, const struct protocol *protocol, const char *text)
{
	struct pa_service_item item = {
		.protocol = protocol->number,
		.any_port = spec->any,
		.ports = spec->range,
		.ephemeral = spec->ephemeral,
		.text = text,
	};
	if (!protocol->any) {
		add_item(what, item);
		return;
	}
	for (size_t i = 0; i < sizeof(with_ports) / sizeof(*with_ports); i++) {
		item.protocol = with_ports[i];
		add_item(what, item);
	}
}

/* domain/tcp: the tcp ports of the service. */
static void add_named_ports(struct what *what, const struct waiting *port, const struct protocol *protocol, const char *text)
{
	struct pa_allow *allow = allow_of(what);
	const struct pa_definition *definition =
		pa_names_find(allow, PA_DEFINE_SERVICE, what->cursor->scope, port->text, port->place);
	const struct pa_service_item *items = definition ? definition->value.service.items : NULL;
	size_t count = definition ? definition->value.service.count : pa_service_lookup(port->text, &items), found = 0;
	for (size_t i = 0; i < count; i++) {
		if (items[i].icmp || items[i].any_protocol || !(protocol->any || items[i].protocol == protocol->number))
			continue;
		struct pa_service_item item = items[i];
		item.text = text;
		add_item(what, item);
		found++;
	}
	if (found || (definition && definition->state != PA_DEFINITION_DONE))
		return;
	if (count) {
		pa_allow_meaning_error(allow, port->place, pa_allow_text(allow, "write %s", port->text), "'%s' has no %s port",
				       port->text, protocol->text);
		return;
	}
	struct pa_suggestion suggestion = pa_suggestion_start(allow, port->text, strlen(port->text));
	pa_names_offer(allow, PA_DEFINE_SERVICE, what->cursor->scope, &suggestion);
	pa_services_offer(&suggestion);
	pa_allow_meaning_error(allow, port->place, pa_suggestion_help(&suggestion, NULL), "unknown port '%s'",
			       shown(what, port->text));
}

static void add_port(struct what *what, const struct waiting *port, const struct protocol *protocol)
{
	struct pa_allow *allow = allow_of(what);
	const char *text = pa_arena_printf(allow->policy->arena, "%s/%s", port->text, protocol->text);
	struct pa_port_spec spec;
	bool good;
	if (protocol->number == ICMP || protocol->number == ICMPV6) {
		struct pa_service_item item = { .protocol = protocol->number, .text = text };
		if (pa_icmp_spec_parse(allow, port->place, port->text, protocol->number, &item))
			add_item(what, item);
	} else if (!protocol->has_ports) {
		struct pa_port_spec whole = { .any = true, .range = { 0, 65535 } };
		if (strcmp(port->text, "any") == 0)
			add_ports(what, &whole, protocol, text);
		else
			pa_allow_meaning_error(allow, port->place, pa_allow_text(allow, "write any/%s", protocol->text),
					       "protocol %s has no ports", protocol->text);
	} else if (pa_port_spec_parse(allow, port->place, port->text, pa_allow_text(allow, "/%s", protocol->text), &spec,
				      &good)) {
		if (good && spec.any && protocol->any)
			add_item(what, (struct pa_service_item){
					       .any_protocol = true, .any_port = true, .ports = { 0, 65535 }, .text = text });
		else if (good)
			add_ports(what, &spec, protocol, text);
	} else {
		add_named_ports(what, port, protocol, text);
	}
}

static void slash_error(struct what *what, struct pa_place place, const char *word, const char *slash)
{
	struct pa_allow *allow = allow_of(what);
	if (slash == word)
		pa_allow_form_error(allow, place, pa_allow_text(allow, "write any%s", shown(what, word)), "'%s' has no port",
				    shown(what, word));
	else if (slash[1] == '\0')
		pa_allow_form_error(allow, place, pa_allow_text(allow, "write %stcp", shown(what, word)),
				    "'%s' has no protocol", shown(what, word));
	else
		pa_allow_form_error(allow, place, "write PORT/PROTOCOL, PORT/PROTOCOL", "'%s' has more than one '/'",
				    shown(what, word));
}

/* PORT/PROTO: with the ports that wait for the protocol. */
static void add_slashed(struct what *what, struct pa_place place, const char *word)
{
	const char *slash = strchr(word, '/'), *right = slash + 1;
	char *left = pa_arena_strndup(allow_of(what)->scratch, word, (size_t)(slash - word));
	struct protocol protocol;
	if (slash == word || *right == '\0' || strchr(right, '/')) {
		slash_error(what, place, word, slash);
	} else if (pa_protocol_find(left) && !pa_protocol_find(right) && strcmp(right, "any") != 0) {
		pa_allow_form_error(allow_of(what), place,
				    pa_allow_text(allow_of(what), "write %s/%s", shown(what, right), left),
				    "'%s' has the protocol first", shown(what, word));
	} else if (parse_protocol(what, place, right, &protocol)) {
		wait_for_protocol(what, left, place);
		for (size_t i = 0; i < what->waiting_count; i++)
			add_port(what, &what->waiting[i], &protocol);
	}
	what->waiting_count = 0;
}

/* --- names ---------------------------------------------------------------------------------------------------------------- */
static void unknown_service(struct what *what, struct pa_place place, const char *word)
{
	struct pa_allow *allow = allow_of(what);
	bool is_name = !isdigit((unsigned char)word[0]);
	struct pa_suggestion suggestion = pa_suggestion_start(allow, word, is_name ? strlen(word) : 0);
	static const char *const words[] = { "any", "system", "user", "dynamic", "ephemeral", NULL };
	pa_suggestion_offer_all(&suggestion, words);
	pa_names_offer(allow, PA_DEFINE_SERVICE, what->cursor->scope, &suggestion);
	pa_services_offer(&suggestion);
	const char *otherwise =
		is_name ? "write PORT/PROTOCOL, or define it: service NAME = ..." : "write PORT/PROTOCOL, as in 22/tcp";
	struct pa_interval type, code;
	if (pa_icmp_find(ICMP, word, &type, &code))
		otherwise = pa_allow_text(allow, "write %s/icmp", word);
	else if (pa_icmp_find(ICMPV6, word, &type, &code))
		otherwise = pa_allow_text(allow, "write %s/icmpv6", word);
	pa_allow_meaning_error(allow, place, pa_suggestion_help(&suggestion, otherwise), "unknown service '%s'",
			       shown(what, word));
}

/* A protocol without ports stands for itself: esp, gre, icmp. */
static bool add_protocol(struct what *what, struct pa_place place, const char *word)
{
	const struct pa_protocol_row *row = pa_protocol_find(word);
	if (!row)
		return false;
	if (row->has_ports) {
		pa_allow_form_error(allow_of(what), place,
				    pa_allow_text(allow_of(what), "write PORT/%s, or any/%s", word, word),
				    "'%s' is a protocol, not a service", word);
		return true;
	}
	bool icmp = row->number == ICMP || row->number == ICMPV6;
	add_item(what, (struct pa_service_item){ .protocol = row->number,
						 .any_port = true,
						 .ports = { 0, 65535 },
						 .icmp = icmp,
						 .icmp_type = { 0, icmp ? 255 : 0 },
						 .icmp_code = { 0, icmp ? 255 : 0 },
						 .text = row->name });
	return true;
}

static void add_name(struct what *what, struct pa_place place, const char *word)
{
	const struct pa_definition *definition =
		pa_names_find(allow_of(what), PA_DEFINE_SERVICE, what->cursor->scope, word, place);
	const struct pa_service_item *items = NULL;
	size_t count = definition ? definition->value.service.count : pa_service_lookup(word, &items);
	if (definition)
		items = definition->value.service.items;
	for (size_t i = 0; i < count; i++)
		add_item(what, items[i]);
	if (!definition && count == 0 && !add_protocol(what, place, word))
		unknown_service(what, place, word);
}

static void add_word(struct what *what)
{
	struct pa_place place = pa_cursor_place(what->cursor);
	const char *word = pa_cursor_word(what->cursor);
	if (strchr(word, '/')) {
		add_slashed(what, place, word);
	} else if (pa_port_is_pending(word, strlen(word))) {
		wait_for_protocol(what, word, place);
	} else {
		refuse_waiting(what);
		if (strcmp(word, "any") == 0)
			add_item(what, (struct pa_service_item){
					       .any_protocol = true, .any_port = true, .ports = { 0, 65535 }, .text = "any" });
		else
			add_name(what, place, word);
	}
}

/* --- the list ---------------------------------------------------------------------------------------------------------------- */
static int compare_values(pa_u128 a, pa_u128 b)
{
	return (a > b) - (a < b);
}

static int compare_intervals(struct pa_interval a, struct pa_interval b)
{
	int order = compare_values(a.first, b.first);
	return order ? order : compare_values(a.last, b.last);
}

/* By meaning only. */
static int compare_items(const struct pa_service_item *a, const struct pa_service_item *b)
{
	int order = compare_values(a->any_protocol, b->any_protocol);
	if (order == 0)
		order = compare_values(a->protocol, b->protocol);
	if (order == 0)
		order = compare_values(a->ephemeral, b->ephemeral);
	if (order == 0)
		order = compare_intervals(a->ports, b->ports);
	if (order == 0)
		order = compare_intervals(a->icmp_type, b->icmp_type);
	return order ? order : compare_intervals(a->icmp_code, b->icmp_code);
}

static int compare_item_pointers(const void *left, const void *right)
{
	const struct pa_service_item *const *a = left, *const *b = right;
	int order = compare_items(*a, *b);
	return order ? order : (*a > *b) - (*a < *b);
}

/* Services built from services would double their items at each step; the first of equal ones stays, in its place. */
static void drop_doubles(struct what *what)
{
	size_t kept = 0;
	if (what->count < 2)
		return;
	const struct pa_service_item **sorted = pa_xcalloc(what->count, sizeof(*sorted));
	bool *doubled = pa_xcalloc(what->count, sizeof(*doubled));
	for (size_t i = 0; i < what->count; i++)
		sorted[i] = &what->items[i];
	qsort(sorted, what->count, sizeof(*sorted), compare_item_pointers);
	for (size_t i = 1; i < what->count; i++)
		if (compare_items(sorted[i - 1], sorted[i]) == 0)
			doubled[sorted[i] - what->items] = true;
	for (size_t i = 0; i < what->count; i++)
		if (!doubled[i])
			what->items[kept++] = what->items[i];
	what->count = kept;
	free(sorted);
	free(doubled);
}

/* Exactly one name of the policy: its items are shared, not copied. */
static bool is_single_definition(const struct pa_cursor *cursor, const char **ret_name)
{
	if (!pa_cursor_is(cursor, PA_TOKEN_WORD) || (cursor->at + 1 != cursor->end && cursor->at[1].kind == PA_TOKEN_COMMA))
		return false;
	struct pa_cursor copy = *cursor;
	*ret_name = pa_cursor_word(&copy);
	return pa_names_defined(cursor->allow, PA_DEFINE_SERVICE, cursor->scope, *ret_name);
}

/* A word that begins another part: the service is missing. */
static bool is_clause(const struct pa_cursor *cursor)
{
	static const char *const words[] = { "from",  "to", "on",  "port",    "dnat", "until", "by", "only",
					     "never", "in", "out", "forward", "ipv4", "ipv6",  NULL };
	for (size_t i = 0; words[i]; i++)
		if (pa_cursor_is_word(cursor, words[i]))
			return true;
	return false;
}

static bool parse_list(struct what *what)
{
	bool parsed;
	do {
		parsed = pa_cursor_is(what->cursor, PA_TOKEN_WORD) && !is_clause(what->cursor);
		if (parsed)
			add_word(what);
		else
			pa_cursor_expected(what->cursor, "a service or a port");
	} while (parsed && pa_cursor_take(what->cursor, PA_TOKEN_COMMA));
	refuse_waiting(what);
	return parsed;
}

bool pa_parse_what(struct pa_cursor *cursor, struct pa_items *ret_items)
{
	struct what what = { .cursor = cursor };
	const char *name;
	if (is_single_definition(cursor, &name)) {
		struct pa_place place = pa_cursor_place(cursor);
		cursor->at++;
		*ret_items = pa_names_find(cursor->allow, PA_DEFINE_SERVICE, cursor->scope, name, place)->value.service;
		return true;
	}
	bool parsed = parse_list(&what);
	drop_doubles(&what);
	ret_items->count = what.count;
	ret_items->items =
		what.count ? pa_arena_dup(cursor->allow->policy->arena, what.items, what.count, sizeof(*what.items)) : NULL;
	free(what.items);
	free(what.waiting);
	return parsed;
}
