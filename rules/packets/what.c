/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is explained: one port of one protocol, an ICMP type, or a service's first port. */
#include <string.h>

#include "explain.h"

/* --- PORT/PROTOCOL ---------------------------------------------------------------------------------------------------- */
static void take_own(struct pa_explain *explain)
{
	explain->items = &explain->own;
	explain->item_count = 1;
}

/* TYPE, TYPE:CODE or a type's name. */
static void read_icmp(struct pa_explain *explain, const char *text, const char *word)
{
	struct pa_service_item *item = &explain->own;
	const char *colon = strchr(text, ':');
	unsigned long type, code = 0;
	item->icmp = true;
	if (pa_icmp_find(item->protocol, text, &item->icmp_type, &item->icmp_code)) {
		take_own(explain);
	} else if (!pa_number_parse(text, colon ? (size_t)(colon - text) : strlen(text), &type) ||
		   (colon && !pa_number_parse(colon + 1, strlen(colon + 1), &code))) {
		struct pa_suggestion suggestion = pa_suggestion_start(&explain->words, text, strlen(text));
		pa_icmp_offer(item->protocol, &suggestion);
		pa_explain_error(explain, pa_suggestion_help(&suggestion, "name one type: ping, 8/icmp, 3:4/icmp"),
				 "'%s' names no ICMP type", pa_explain_shown(explain, word));
	} else if (type > 255 || code > 255) {
		pa_explain_error(explain, "ICMP types and codes are 0 to 255", "'%s' is out of range",
				 pa_explain_shown(explain, word));
	} else {
		item->icmp_type = (struct pa_interval){ type, type };
		item->icmp_code = (struct pa_interval){ code, code };
		take_own(explain);
	}
}

static bool is_range(const char *text)
{
	const char *dash = strchr(text, '-');
	unsigned long number;
	return dash && pa_number_parse(text, (size_t)(dash - text), &number) &&
	       pa_number_parse(dash + 1, strlen(dash + 1), &number);
}

/* domain/udp: the port that the service has with this protocol. */
static void read_port_name(struct pa_explain *explain, const char *name, const char *word)
{
	const struct pa_service_item *items = NULL;
	size_t count = pa_service_lookup(name, &items), with = 0;
	for (size_t i = 0; i < count; i++)
		with += !items[i].icmp && items[i].protocol == explain->own.protocol;
	for (size_t i = 0; i < count && with && !explain->items; i++) {
		if (!items[i].icmp && items[i].protocol == explain->own.protocol) {
			explain->items = &items[i]; /* the rows of one protocol stand together */
			explain->item_count = with;
		}
	}
	if (with)
		return;
	struct pa_suggestion suggestion = pa_suggestion_start(&explain->words, name, strlen(name));
	if (count)
		pa_explain_error(explain, pa_allow_text(&explain->words, "write %s", name),
				 "'%s': the service has no such port", pa_explain_shown(explain, word));
	pa_services_offer(&suggestion);
	if (!count)
		pa_explain_error(explain, pa_suggestion_help(&suggestion, NULL), "unknown port '%s'",
				 pa_explain_shown(explain, name));
}

static void read_port(struct pa_explain *explain, const char *text, const char *word)
{
	unsigned long port;
	if (strcmp(text, "any") == 0) {
		pa_explain_error(explain, "name a port: 22/tcp", "'%s' is more than one packet",
				 pa_explain_shown(explain, word));
	} else if (is_range(text) || strchr(text, ',')) {
		pa_explain_error(explain,
				 pa_allow_text(&explain->words, "name one: %.*s/%s", (int)strcspn(text, "-,"), text,
					       strchr(word, '/') + 1),
				 "'%s' is more than one port", pa_explain_shown(explain, word));
	} else if (!pa_number_parse(text, strlen(text), &port)) {
		read_port_name(explain, text, word);
	} else if (port > 65535) {
		pa_explain_error(explain, "ports are 0 to 65535", "port %s is out of range", pa_explain_shown(explain, text));
	} else {
		explain->own.ports = (struct pa_interval){ port, port };
		take_own(explain);
	}
}

/* A name or a number. false: an error was added. */
static bool read_protocol(struct pa_explain *explain, const char *text, bool *ret_has_ports)
{
	const struct pa_protocol_row *row = pa_protocol_find(text);
	unsigned long number = 0;
	bool is_number = pa_number_parse(text, strlen(text), &number);
	if (is_number && number <= 255)
		row = pa_protocol_of((unsigned)number);
	explain->own.protocol = row ? row->number : (unsigned)number;
	*ret_has_ports = row && row->has_ports;
	if (row || (is_number && number <= 255))
		return true;
	struct pa_suggestion suggestion = pa_suggestion_start(&explain->words, text, strlen(text));
	pa_protocols_offer(&suggestion);
	if (is_number)
		pa_explain_error(explain, "protocols are 0 to 255", "protocol %s is out of range",
				 pa_explain_shown(explain, text));
	else
		pa_explain_error(explain, pa_suggestion_help(&suggestion, NULL), "unknown protocol '%s'",
				 pa_explain_shown(explain, text));
	return false;
}

static void read_slashed(struct pa_explain *explain, const char *word, const char *slash)
{
	const char *left = pa_arena_strndup(explain->words.scratch, word, (size_t)(slash - word)), *right = slash + 1;
	bool has_ports;
	if (*left == '\0' || *right == '\0' || strchr(right, '/')) {
		pa_explain_error(explain, "write PORT/PROTOCOL: 22/tcp", "'%s' is not PORT/PROTOCOL",
				 pa_explain_shown(explain, word));
		return;
	}
	if (pa_protocol_find(left) && !pa_protocol_find(right)) {
		pa_explain_error(explain, pa_allow_text(&explain->words, "write %s/%s", pa_explain_shown(explain, right), left),
				 "'%s' has the protocol first", pa_explain_shown(explain, word));
		return;
	}
	if (!read_protocol(explain, right, &has_ports))
		return;
	if (explain->own.protocol == PA_PROTO_ICMP || explain->own.protocol == PA_PROTO_ICMPV6) {
		read_icmp(explain, left, word);
	} else if (has_ports) {
		read_port(explain, left, word);
	} else if (strcmp(left, "any") == 0) {
		explain->own.any_port = true;
		take_own(explain);
	} else {
		pa_explain_error(explain, pa_allow_text(&explain->words, "write any/%s", pa_explain_shown(explain, right)),
				 "protocol %s has no ports", pa_explain_shown(explain, right));
	}
}

/* --- a name ------------------------------------------------------------------------------------------------------------ */
static void refuse_name(struct pa_explain *explain, const char *word)
{
	struct pa_suggestion suggestion = pa_suggestion_start(&explain->words, word, strlen(word));
	const struct pa_protocol_row *protocol = pa_protocol_find(word);
	pa_services_offer(&suggestion);
	if (strcmp(word, "any") == 0)
		pa_explain_error(explain, "name a port: 22/tcp", "'any' is more than one packet");
	else if (protocol && (protocol->number == PA_PROTO_ICMP || protocol->number == PA_PROTO_ICMPV6))
		pa_explain_error(explain, pa_allow_text(&explain->words, "write ping, or echo-request/%s", word),
				 "'%s' has no ICMP type", word);
	else if (protocol)
		pa_explain_error(explain,
				 pa_allow_text(&explain->words, protocol->has_ports ? "write 22/%s" : "write any/%s", word),
				 "'%s' is a protocol, not a port", word);
	else
		pa_explain_error(explain, pa_suggestion_help(&suggestion, "write PORT/PROTOCOL: 22/tcp"),
				 "unknown service '%s'", pa_explain_shown(explain, word));
}

void pa_explain_what(struct pa_explain *explain, const char *word)
{
	const char *slash = strchr(word, '/');
	unsigned long number;
	explain->what = word;
	if (slash)
		read_slashed(explain, word, slash);
	else if (pa_number_parse(word, strlen(word), &number))
		pa_explain_error(explain, pa_allow_text(&explain->words, "write %s/tcp", pa_explain_shown(explain, word)),
				 "'%s' has no protocol", pa_explain_shown(explain, word));
	else if ((explain->item_count = pa_service_lookup(word, &explain->items)) == 0)
		refuse_name(explain, word);
}

/* --- the packet's fields -------------------------------------------------------------------------------------------------- */
static bool fits(const struct pa_service_item *item, int family)
{
	return item->icmp ? item->protocol == (family == 4 ? PA_PROTO_ICMP : PA_PROTO_ICMPV6) : true;
}

static const struct pa_service_item *first_item(const struct pa_explain *explain, int family)
{
	for (size_t i = 0; i < explain->item_count; i++)
		if (fits(&explain->items[i], family))
			return &explain->items[i];
	return NULL;
}

static bool is_more_than_one(const struct pa_explain *explain, int family)
{
	size_t count = 0;
	for (size_t i = 0; i < explain->item_count; i++)
		count += fits(&explain->items[i], family);
	const struct pa_service_item *item = first_item(explain, family);
	if (count != 1)
		return count > 1;
	return item->icmp ? item->icmp_type.first != item->icmp_type.last : item->ports.first != item->ports.last;
}

static const char *item_text(struct pa_explain *explain, const struct pa_service_item *item)
{
	return pa_allow_text(&explain->words, "%u/%s", (unsigned)(item->icmp ? item->icmp_type.first : item->ports.first),
			     pa_protocol_name(item->protocol));
}

void pa_explain_check_item(struct pa_explain *explain)
{
	const struct pa_service_item *item = NULL;
	bool several = false;
	for (int family = 4; family <= 6; family += 2) {
		if (explain->family && explain->family != family)
			continue;
		several |= is_more_than_one(explain, family);
		item = item ? item : first_item(explain, family);
	}
	if (!item) {
		pa_explain_error(explain, NULL, "'%s' is IPv%d's", pa_explain_shown(explain, explain->what),
				 10 - explain->family);
		return;
	}
	bool has_ports = !item->icmp && !item->any_port;
	if (explain->has_source_port && !has_ports)
		pa_explain_error(explain, NULL, "'%s' has no source port", pa_explain_shown(explain, explain->what));
	if (several) {
		const char *text = item_text(explain, item);
		struct pa_diag *note =
			pa_diags_add(explain->diags, PA_DIAG_NOTE, PA_DIAG_INPUT, "%s is more than one packet: this is %s",
				     pa_explain_shown(explain, explain->what), text);
		note->help = "for another, write its PORT/PROTOCOL";
	}
}

bool pa_explain_set_item(const struct pa_explain *explain, struct pa_packet *packet)
{
	const struct pa_service_item *item = first_item(explain, packet->family);
	if (!item)
		return false;
	pa_packet_set(packet, PA_FIELD_L4PROTO, item->protocol);
	if (item->icmp) {
		pa_packet_set(packet, PA_FIELD_ICMP_TYPE, item->icmp_type.first);
		pa_packet_set(packet, PA_FIELD_ICMP_CODE, item->icmp_code.first);
	} else if (!item->any_port) {
		pa_packet_set(packet, PA_FIELD_DPORT, item->ports.first);
	}
	return true;
}
