/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of a table: protocols, states, addresses with ports. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

char *pa_table_word(char **line)
{
	char *word = *line + strspn(*line, " \t");
	size_t length = strcspn(word, " \t");
	if (length == 0)
		return NULL;
	*line = word + length;
	if (word[length])
		*(*line)++ = '\0';
	return word;
}

bool pa_table_number(const char *text, uint64_t most, uint64_t *ret_number)
{
	size_t length = strspn(text, "0123456789");
	if (length == 0 || length > 19 || text[length] != '\0')
		return false;
	*ret_number = strtoull(text, NULL, 10);
	return *ret_number <= most;
}

bool pa_table_protocol(const char *word, struct pa_table_row *row)
{
	static const struct {
		const char *text;
		unsigned protocol;
		enum pa_row_kind kind;
	} protocols[] = {
#define PROTOCOL(text_, number, kind_) { .text = (text_), .protocol = (number), .kind = PA_ROW_##kind_ },
#include "table_protocol.def"
	};
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++) {
		if (strcmp(word, protocols[i].text) != 0)
			continue;
		row->protocol = protocols[i].protocol;
		row->kind = protocols[i].kind;
		return true;
	}
	return false;
}

bool pa_table_state(const char *word, enum pa_row_state *ret_state)
{
	static const struct {
		const char *text;
		enum pa_row_state state;
	} states[] = {
		{ "LISTEN", PA_ROW_LISTENS },	    { "UNCONN", PA_ROW_UNCONNECTED },	{ "CLOSE", PA_ROW_UNCONNECTED },
		{ "CLOSED", PA_ROW_UNCONNECTED },   { "ESTAB", PA_ROW_CONNECTED },	{ "ESTABLISHED", PA_ROW_CONNECTED },
		{ "SYN-SENT", PA_ROW_CONNECTED },   { "SYN_SENT", PA_ROW_CONNECTED },	{ "SYN-RECV", PA_ROW_CONNECTED },
		{ "SYN_RECV", PA_ROW_CONNECTED },   { "FIN-WAIT-1", PA_ROW_CONNECTED }, { "FIN_WAIT1", PA_ROW_CONNECTED },
		{ "FIN-WAIT-2", PA_ROW_CONNECTED }, { "FIN_WAIT2", PA_ROW_CONNECTED },	{ "TIME-WAIT", PA_ROW_TIME_WAIT },
		{ "TIME_WAIT", PA_ROW_TIME_WAIT },  { "CLOSE-WAIT", PA_ROW_CONNECTED }, { "CLOSE_WAIT", PA_ROW_CONNECTED },
		{ "LAST-ACK", PA_ROW_CONNECTED },   { "LAST_ACK", PA_ROW_CONNECTED },	{ "CLOSING", PA_ROW_CONNECTED },
		{ "UNKNOWN", PA_ROW_CONNECTED },
	};
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		if (strcmp(word, states[i].text) != 0)
			continue;
		*ret_state = states[i].state;
		return true;
	}
	return false;
}

/* --- addresses ------------------------------------------------------------------------------------------------ */

/* netstat's columns are 23 wide; what does not fit is cut off, and nothing shows that. */
#define NETSTAT_WIDTH 23

static bool wrong_address(struct pa_table *table, const struct pa_endpoint *endpoint)
{
	int shown = endpoint->length > 80 ? 80 : (int)endpoint->length;
	if (endpoint->cut)
		return true;
	pa_table_wrong(table, endpoint->text, endpoint->length, "'%.*s' is not an address", shown,
		       table->source + (endpoint->text - table->text))
		->help = "names are not looked up: use the option -n of ss or netstat";
	return false;
}

static bool parse_port(const char *text, bool raw, struct pa_endpoint *endpoint)
{
	uint64_t port;
	endpoint->any_port = strcmp(text, "*") == 0;
	if (endpoint->any_port)
		return true;
	if (!pa_table_number(text, raw ? 255 : 65535, &port))
		return false;
	endpoint->port = (unsigned)port;
	return true;
}

static bool wrong_port(struct pa_table *table, const char *text, bool raw, const struct pa_endpoint *endpoint)
{
	if (endpoint->cut)
		return true;
	pa_table_wrong(table, text, strlen(text), "'%s' is not a %s", text, raw ? "protocol number" : "port")->help =
		"names are not looked up: use the option -n of ss or netstat";
	return false;
}

/* What is left of the address when port, brackets and interface are off. */
static bool parse_address(struct pa_endpoint *endpoint, const char *text)
{
	if (strcmp(text, "*") == 0) {
		endpoint->any_address = true;
		return true;
	}
	if (!pa_address_parse(text, &endpoint->address, &endpoint->family))
		return false;
	endpoint->is_mapped = endpoint->family == 6 && pa_value_is_ipv4(endpoint->address);
	if (endpoint->is_mapped)
		endpoint->family = 4;
	endpoint->any_address = endpoint->address == (endpoint->family == 4 ? PA_IPV4_BASE : 0);
	if (endpoint->any_address)
		endpoint->address = 0;
	return true;
}

/* A zone is the name of an interface; busybox writes numbers of no meaning behind the addresses of raw sockets. */
static void take_zone(struct pa_table *table, struct pa_endpoint *endpoint, const char *zone, bool raw)
{
	if (!(raw && zone[strspn(zone, "0123456789")] == '\0'))
		endpoint->interface = pa_arena_strdup(table->sockets->arena, zone);
}

/* "[fe80::1]%eth0", "*", "::1": what stands before the port. */
static bool take_address(struct pa_table *table, char *word, bool raw, struct pa_endpoint *endpoint)
{
	char *percent = strchr(word, '%'), *bracket = word[0] == '[' ? strchr(word, ']') : NULL;
	if (percent) {
		*percent = '\0';
		if (percent[1] == '\0' || strlen(percent + 1) >= PA_IFNAME_MAX)
			return false;
		take_zone(table, endpoint, percent + 1, raw);
	}
	if (bracket) {
		endpoint->has_brackets = true;
		if (bracket[1] != '\0')
			return false;
		*bracket = '\0';
		word++;
	}
	return parse_address(endpoint, word);
}

bool pa_table_endpoint(struct pa_table *table, char *word, bool raw, struct pa_endpoint *ret_endpoint)
{
	*ret_endpoint = (struct pa_endpoint){ .text = word, .length = strlen(word) };
	ret_endpoint->cut = table->is_netstat && ret_endpoint->length == NETSTAT_WIDTH;
	char *colon = strrchr(word, ':');
	if (!colon || colon == word)
		return wrong_address(table, ret_endpoint);
	if (!parse_port(colon + 1, raw, ret_endpoint))
		return wrong_port(table, colon + 1, raw, ret_endpoint);
	*colon = '\0';
	return take_address(table, word, raw, ret_endpoint) || wrong_address(table, ret_endpoint);
}
