/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports and ICMP types in words: "22", "80-90", "system", "echo-request", "3:4". */
#include <stdlib.h>
#include <string.h>

#include "allow.h"

enum { PORT_LAST = 65535, ICMP_LAST = 255 };

/* POLICY: system, user and dynamic are IANA's (RFC 6335 section 6); ephemeral is what the host's kernel hands out. */
static const struct {
	const char *name;
	struct pa_interval range;
	bool ephemeral;
} classes[] = {
	{ "system", { 0, 1023 }, false },
	{ "user", { 1024, 49151 }, false },
	{ "dynamic", { 49152, 65535 }, false },
	{ "ephemeral", { 0, 0 }, true },
};
enum { CLASS_COUNT = sizeof(classes) / sizeof(*classes) };

bool pa_number_parse(const char *text, size_t length, unsigned long *ret_number)
{
	unsigned long number = 0;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number > 1000000000 ? number : number * 10 + (unsigned long)(text[i] - '0');
	}
	*ret_number = number;
	return length > 0;
}

static int find_class(const char *text, size_t length)
{
	for (int i = 0; i < CLASS_COUNT; i++)
		if (strlen(classes[i].name) == length && memcmp(classes[i].name, text, length) == 0)
			return i;
	return -1;
}

bool pa_port_is_pending(const char *text, size_t length)
{
	size_t marks = 0;
	if (find_class(text, length) >= 0)
		return true;
	if (length == 0 || text[0] < '0' || text[0] > '9')
		return false;
	for (size_t i = 1; i < length; i++) {
		marks += text[i] == '-' || text[i] == ':';
		if ((text[i] < '0' || text[i] > '9') && text[i] != '-' && text[i] != ':')
			return false;
	}
	return marks <= 1;
}

/* "80-90" -> 80, 90; "80" -> 80, 80. false: not digits. */
static bool split_range(const char *text, char mark, unsigned long *ret_first, unsigned long *ret_last)
{
	const char *middle = strchr(text, mark);
	size_t length = middle ? (size_t)(middle - text) : strlen(text);
	if (!pa_number_parse(text, length, ret_first))
		return false;
	*ret_last = *ret_first;
	return !middle || pa_number_parse(middle + 1, strlen(middle + 1), ret_last);
}

static void not_a_port(struct pa_allow *allow, struct pa_place place, const char *text, const char *suffix)
{
	const char *help = NULL, *mark = strpbrk(text, "-:");
	if (mark && mark[1] == '\0')
		help = pa_allow_text(allow, "write %.*s-%d%s", (int)(mark - text), text, PORT_LAST, suffix);
	else if (mark && *mark == ':')
		help = pa_allow_text(allow, "write %.*s-%s%s", (int)(mark - text), text, mark + 1, suffix);
	pa_allow_meaning_error(allow, place, help, "'%s' is not a port", pa_allow_shown(allow, text, strlen(text)));
}

/* The number as it was written: huge ones do not fit. */
static void out_of_range(struct pa_allow *allow, struct pa_place place, const char *text, bool is_last)
{
	const char *dash = strchr(text, '-');
	const char *number = is_last && dash ? dash + 1 : text;
	pa_allow_meaning_error(allow, place, "ports are 1 to 65535", "port %s is out of range",
			       pa_allow_shown(allow, number, strcspn(number, "-")));
}

static bool check_range(struct pa_allow *allow, struct pa_place place, const char *text, const char *suffix,
			unsigned long first, unsigned long last)
{
	if (first > PORT_LAST || last > PORT_LAST) {
		out_of_range(allow, place, text, first <= PORT_LAST);
	} else if (last < first) {
		pa_allow_meaning_error(allow, place, pa_allow_text(allow, "write %lu-%lu%s", last ? last : 1, first, suffix),
				       "the port range %s is reversed", text);
	} else if (first == 0) {
		const char *help = "ports are 1 to 65535";
		if (last == PORT_LAST)
			help = pa_allow_text(allow, "write any%s", suffix);
		else if (last)
			help = pa_allow_text(allow, "write 1-%lu%s", last, suffix);
		pa_allow_meaning_error(allow, place, help, "port 0 is reserved");
	} else {
		return true;
	}
	return false;
}

bool pa_port_spec_parse(struct pa_allow *allow, struct pa_place place, const char *text, const char *suffix,
			struct pa_port_spec *ret_spec, bool *ret_ok)
{
	int class = find_class(text, strlen(text));
	unsigned long first, last;
	*ret_spec = (struct pa_port_spec){ .range = { 0, PORT_LAST } };
	*ret_ok = true;
	if (strcmp(text, "any") == 0) {
		ret_spec->any = true;
		return true;
	}
	if (class >= 0) {
		ret_spec->range = classes[class].range;
		ret_spec->ephemeral = classes[class].ephemeral;
		return true;
	}
	if (!pa_port_is_pending(text, strlen(text)))
		return false;
	if (!split_range(text, '-', &first, &last)) {
		not_a_port(allow, place, text, suffix);
		*ret_ok = false;
		return true;
	}
	*ret_ok = check_range(allow, place, text, suffix, first, last);
	ret_spec->range = (struct pa_interval){ first, last };
	return true;
}

/* --- `port ...` of an endpoint -------------------------------------------------------------------------------------- */
/* The ports of a service, of whatever protocol. false: there is no such service. */
static bool named_ports(struct pa_cursor *cursor, struct pa_place place, const char *name, struct pa_span_list *list,
			bool *ret_ephemeral)
{
	const struct pa_definition *definition = pa_names_find(cursor->allow, PA_DEFINE_SERVICE, cursor->scope, name, place);
	const struct pa_service_item *items = definition ? definition->value.service.items : NULL;
	size_t count = definition ? definition->value.service.count : pa_service_lookup(name, &items);
	bool found = definition && definition->state != PA_DEFINITION_DONE;
	for (size_t i = 0; i < count; i++) {
		if (items[i].icmp || items[i].any_protocol || items[i].any_port)
			continue;
		found = true;
		*ret_ephemeral |= items[i].ephemeral;
		if (!items[i].ephemeral)
			pa_span_list_add(list, items[i].ports);
	}
	if (count && !found)
		pa_allow_meaning_error(cursor->allow, place, NULL, "'%s' has no port", name);
	return found || count;
}

static void add_port(struct pa_cursor *cursor, struct pa_ports *ports, struct pa_span_list *list)
{
	struct pa_place place = pa_cursor_place(cursor);
	const char *word = pa_cursor_word(cursor);
	struct pa_port_spec spec;
	bool good;
	if (pa_port_spec_parse(cursor->allow, place, word, "", &spec, &good)) {
		ports->any |= spec.any;
		ports->ephemeral |= spec.ephemeral;
		if (good && !spec.ephemeral)
			pa_span_list_add(list, spec.range);
	} else if (strchr(word, '/')) {
		pa_allow_form_error(cursor->allow, place,
				    pa_allow_text(cursor->allow, "write %.*s", (int)strcspn(word, "/"), word),
				    "'%s': no protocol belongs after 'port'",
				    pa_allow_shown(cursor->allow, word, strlen(word)));
	} else if (!named_ports(cursor, place, word, list, &ports->ephemeral)) {
		struct pa_suggestion suggestion = pa_suggestion_start(cursor->allow, word, strlen(word));
		pa_names_offer(cursor->allow, PA_DEFINE_SERVICE, cursor->scope, &suggestion);
		pa_services_offer(&suggestion);
		pa_allow_meaning_error(cursor->allow, place, pa_suggestion_help(&suggestion, NULL), "unknown port '%s'",
				       pa_allow_shown(cursor->allow, word, strlen(word)));
	}
}

bool pa_parse_ports(struct pa_cursor *cursor, struct pa_ports *ret_ports)
{
	struct pa_span_list list = { 0 };
	bool parsed;
	*ret_ports = (struct pa_ports){ 0 };
	do {
		parsed = pa_cursor_expect_word(cursor, "a port");
		if (parsed)
			add_port(cursor, ret_ports, &list);
	} while (parsed && pa_cursor_take(cursor, PA_TOKEN_COMMA));
	pa_span_list_normalise(&list);
	if (ret_ports->any)
		ret_ports->ephemeral = false;
	else
		ret_ports->items = pa_span_list_keep(&list, cursor->allow->policy->arena);
	ret_ports->count = ret_ports->any ? 0 : list.count;
	free(list.items);
	return parsed;
}

/* --- ICMP -------------------------------------------------------------------------------------------------------------- */
static bool unknown_type(struct pa_allow *allow, struct pa_place place, const char *text, unsigned protocol)
{
	struct pa_suggestion suggestion = pa_suggestion_start(allow, text, strlen(text));
	pa_icmp_offer(protocol, &suggestion);
	pa_allow_meaning_error(allow, place, pa_suggestion_help(&suggestion, NULL), "unknown %s type '%s'",
			       pa_protocol_name(protocol), pa_allow_shown(allow, text, strlen(text)));
	return false;
}

static bool icmp_out_of_range(struct pa_allow *allow, struct pa_place place, const char *text)
{
	pa_allow_meaning_error(allow, place, "ICMP types and codes are 0 to 255", "ICMP type %s is out of range",
			       pa_allow_shown(allow, text, strlen(text)));
	return false;
}

/* NAME, TYPE, TYPE-TYPE or TYPE:CODE into the item. false: an error was added. */
bool pa_icmp_spec_parse(struct pa_allow *allow, struct pa_place place, const char *text, unsigned protocol,
			struct pa_service_item *item)
{
	unsigned long first, last;
	bool with_code = strchr(text, ':');
	item->icmp = true;
	item->any_port = true;
	item->ports = (struct pa_interval){ 0, PORT_LAST };
	item->icmp_type = item->icmp_code = (struct pa_interval){ 0, ICMP_LAST };
	if (strcmp(text, "any") == 0 || pa_icmp_find(protocol, text, &item->icmp_type, &item->icmp_code))
		return true;
	if (!split_range(text, with_code ? ':' : '-', &first, &last))
		return unknown_type(allow, place, text, protocol);
	if (first > ICMP_LAST || last > ICMP_LAST)
		return icmp_out_of_range(allow, place, text);
	if (with_code) {
		item->icmp_type = (struct pa_interval){ first, first };
		item->icmp_code = (struct pa_interval){ last, last };
		return true;
	}
	if (last < first) {
		pa_allow_meaning_error(allow, place, pa_allow_text(allow, "write %lu-%lu", last, first),
				       "the ICMP range %s is reversed", text);
		return false;
	}
	item->icmp_type = (struct pa_interval){ first, last };
	return true;
}
