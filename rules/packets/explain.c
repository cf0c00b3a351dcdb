/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `3306/tcp from 203.0.113.7 on eth0`: the words of `explain` to packets. Clauses stand in any order. */
#include <string.h>

#include "explain.h"

enum { SUGGESTION_BUDGET = 100000 };

static const char *const clause_words[] = {
	"from", "to", "on", "in", "forward", "out", "ipv4", "ipv6", "state", NULL,
};

void pa_explain_error(struct pa_explain *explain, const char *help, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	const char *message = pa_arena_vprintf(explain->words.scratch, format, arguments);
	va_end(arguments);
	struct pa_diag *diag = pa_diags_add(explain->diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "%s", message);
	diag->help = help ? pa_arena_strdup(explain->diags->arena, help) : NULL;
	explain->failed = true;
}

const char *pa_explain_shown(struct pa_explain *explain, const char *word)
{
	return pa_allow_shown(&explain->words, word, strlen(word));
}

/* The word after a keyword. NULL: there is none, an error was added. */
static const char *next_value(struct pa_explain *explain, const char *keyword, const char *wanted)
{
	if (explain->at < explain->count)
		return explain->word[explain->at++];
	pa_explain_error(explain, NULL, "'%s' needs %s", keyword, wanted);
	return NULL;
}

/* A clause that is given a second time is read all the same, so that the words after it are understood. */
static void take_once(struct pa_explain *explain, bool *taken, const char *what)
{
	if (*taken)
		pa_explain_error(explain, NULL, "%s is given twice", what);
	*taken = true;
}

/* --- from, to, on, state -------------------------------------------------------------------------------------------- */
static void read_address(struct pa_explain *explain, const char *keyword, enum pa_field field, int *ret_family)
{
	const char *word = next_value(explain, keyword, "an address");
	pa_u128 address;
	if (!word || strcmp(word, "any") == 0)
		return;
	if (pa_address_parse(word, &address, ret_family))
		pa_packet_set(&explain->packet, field, address);
	else
		pa_explain_error(explain, pa_packet_address_help(word), "'%s' is not an address",
				 pa_explain_shown(explain, word));
}

static void read_source_port(struct pa_explain *explain)
{
	const char *word = next_value(explain, "port", "a number");
	unsigned long port;
	if (!word || strcmp(word, "any") == 0)
		return;
	explain->has_source_port = true;
	if (!pa_number_parse(word, strlen(word), &port))
		pa_explain_error(explain, NULL, "'%s' is not a port number", pa_explain_shown(explain, word));
	else if (port > 65535)
		pa_explain_error(explain, "ports are 0 to 65535", "port %s is out of range", pa_explain_shown(explain, word));
	else
		pa_packet_set(&explain->packet, PA_FIELD_SPORT, port);
}

static void read_from(struct pa_explain *explain)
{
	take_once(explain, &explain->has_from, "'from'");
	read_address(explain, "from", PA_FIELD_SADDR, &explain->source_family);
	if (explain->at < explain->count && strcmp(explain->word[explain->at], "port") == 0) {
		explain->at++;
		read_source_port(explain);
	}
}

static void read_to(struct pa_explain *explain)
{
	take_once(explain, &explain->has_to, "'to'");
	read_address(explain, "to", PA_FIELD_DADDR, &explain->destination_family);
}

static void read_on(struct pa_explain *explain)
{
	take_once(explain, &explain->has_on, "'on'");
	const char *word = next_value(explain, "on", "an interface");
	if (!word || strcmp(word, "any") == 0)
		return;
	const char *fault = pa_packet_interface_fault(word);
	if (fault)
		pa_explain_error(explain, NULL, "'%s' is no interface name: %s", pa_explain_shown(explain, word), fault);
	explain->interface = word;
}

static void read_state(struct pa_explain *explain)
{
	take_once(explain, &explain->has_state, "'state'");
	const char *word = next_value(explain, "state", "what conntrack calls the packet");
	unsigned state;
	if (!word)
		return;
	if (pa_packet_word_find(pa_packet_states, word, &state))
		pa_packet_set(&explain->packet, PA_FIELD_CT_STATE, state);
	else
		pa_explain_error(explain, pa_packet_word_help(&explain->words, pa_packet_states, word), "unknown state '%s'",
				 pa_explain_shown(explain, word));
}

/* --- the clauses ------------------------------------------------------------------------------------------------------ */
static bool read_clause(struct pa_explain *explain, const char *word)
{
	unsigned path;
	if (strcmp(word, "from") == 0) {
		read_from(explain);
	} else if (strcmp(word, "to") == 0) {
		read_to(explain);
	} else if (strcmp(word, "on") == 0) {
		read_on(explain);
	} else if (strcmp(word, "state") == 0) {
		read_state(explain);
	} else if (strcmp(word, "ipv4") == 0 || strcmp(word, "ipv6") == 0) {
		take_once(explain, &explain->has_family, "the family");
		explain->family = word[3] - '0';
	} else if (pa_packet_word_find(pa_packet_paths, word, &path)) {
		take_once(explain, &explain->has_path, "the path");
		explain->packet.path = (enum pa_path)path;
	} else {
		return false;
	}
	return true;
}

/* A slip in a keyword is read as the keyword, so that the words after it are understood. */
static void refuse_word(struct pa_explain *explain, const char *word)
{
	struct pa_suggestion suggestion = pa_suggestion_start(&explain->words, word, strlen(word));
	pa_suggestion_offer_all(&suggestion, clause_words);
	const char *help =
		pa_suggestion_help(&suggestion, "after the service: from, to, on, in, forward, out, ipv4, ipv6 or state");
	if (strcmp(word, "port") == 0)
		help = "the source port follows 'from ADDRESS', the destination port is the first word: 22/tcp";
	pa_explain_error(explain, help, "unexpected word '%s'", pa_explain_shown(explain, word));
	if (suggestion.best && strcmp(word, "port") != 0)
		read_clause(explain, suggestion.best);
}

static void read_words(struct pa_explain *explain)
{
	while (explain->at < explain->count) {
		const char *word = explain->word[explain->at++];
		if (read_clause(explain, word))
			continue;
		if (explain->has_what) {
			refuse_word(explain, word);
			continue;
		}
		explain->has_what = true;
		pa_explain_what(explain, word);
	}
	if (!explain->has_what)
		pa_explain_error(explain, "write 22/tcp, or the name of a service", "name a port or a service to explain");
}

/* --- the packets -------------------------------------------------------------------------------------------------------- */
static void check_family(struct pa_explain *explain)
{
	if (explain->source_family && explain->destination_family && explain->source_family != explain->destination_family) {
		pa_explain_error(explain, NULL, "'from' is an IPv%d address and 'to' is an IPv%d address",
				 explain->source_family, explain->destination_family);
		return;
	}
	int family = explain->source_family ? explain->source_family : explain->destination_family;
	if (family && explain->family && family != explain->family)
		pa_explain_error(explain, NULL, "an IPv%d address in an IPv%d packet", family, explain->family);
	if (!explain->family)
		explain->family = family;
}

static void set_interface(struct pa_explain *explain)
{
	if (explain->interface)
		pa_packet_set(&explain->packet, explain->packet.path == PA_PATH_OUT ? PA_FIELD_OIFNAME : PA_FIELD_IIFNAME,
			      pa_ifname_value(explain->interface));
}

static size_t make_packets(struct pa_explain *explain, struct pa_packet ret_packets[PA_EXPLAIN_MAX])
{
	static const int families[] = { 4, 6 };
	size_t count = 0;
	for (size_t i = 0; i < 2; i++) {
		struct pa_packet packet = explain->packet;
		packet.family = families[i];
		if ((explain->family && explain->family != families[i]) || !pa_explain_set_item(explain, &packet))
			continue;
		pa_packet_complete(&packet);
		ret_packets[count++] = packet;
	}
	return count;
}

size_t pa_explain_parse(const char *const *words, size_t count, struct pa_packet ret_packets[PA_EXPLAIN_MAX],
			bool *ret_path_known, struct pa_diags *diags)
{
	struct pa_explain explain = {
		.word = words,
		.count = count,
		.words = { .scratch = pa_arena_new(), .suggestion_budget = SUGGESTION_BUDGET },
		.diags = diags,
	};
	struct pa_packet packets[PA_EXPLAIN_MAX];
	size_t made = 0;
	read_words(&explain);
	check_family(&explain);
	set_interface(&explain);
	if (!explain.failed)
		pa_explain_check_item(&explain);
	if (!explain.failed)
		made = make_packets(&explain, packets);
	pa_arena_free(explain.words.scratch);
	if (explain.failed)
		return 0;
	for (size_t i = 0; i < made; i++)
		ret_packets[i] = packets[i];
	*ret_path_known = explain.has_path;
	return made;
}
