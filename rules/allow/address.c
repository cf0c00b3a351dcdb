/* SPDX-License-Identifier: GPL-2.0-or-later */
/* addrs = addr { "," addr } [ "except" addrs ] and the files with one address a line. */
#include <string.h>

#include "allow.h"

/* The longest address, prefix or range: two IPv6 addresses and a dash. */
enum { ADDRESS_WORD_MAX = 2 * PA_ADDRESS_TEXT_MAX };

static const char *const address_words[] = { "any", "self", "file", NULL };

/* Names begin with a letter and have no '/', ':' or '%'. */
static bool looks_like_address(const char *word)
{
	return strchr("0123456789[", word[0]) || strpbrk(word, "/:%");
}

static void wrong(struct pa_allow *allow, struct pa_place place, const char *word, const char *help)
{
	pa_allow_meaning_error(allow, place, help, "'%s' is not an address", pa_allow_shown(allow, word, strlen(word)));
}

/* The address in the first `length` bytes of text. IPv4-mapped IPv6 addresses are never on a wire. */
static bool parse_one(const char *text, size_t length, pa_u128 *ret_value, int *ret_family)
{
	char copy[PA_ADDRESS_TEXT_MAX];
	if (length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	return pa_address_parse(copy, ret_value, ret_family);
}

static bool is_mapped(struct pa_allow *allow, struct pa_place place, const char *word, pa_u128 value, int family)
{
	if (family != 6 || !pa_value_is_ipv4(value))
		return false;
	char plain[PA_ADDRESS_TEXT_MAX];
	pa_address_format(value, 4, plain);
	bool single = !strpbrk(word, "/-");
	pa_allow_meaning_error(allow, place, single ? pa_allow_text(allow, "write %s", plain) : "write it in IPv4 form",
			       "%s is an IPv4 address in IPv6 form", word);
	return true;
}

/* The prefix length of a netmask ("255.255.0.0"), or -1. */
static int netmask_length(const char *text)
{
	pa_u128 value;
	int family;
	if (!pa_address_parse(text, &value, &family) || family != 4)
		return -1;
	uint32_t mask = (uint32_t)(value & 0xffffffffu), host = ~mask;
	return host & (host + 1) ? -1 : __builtin_popcount(mask);
}

static bool parse_length(struct pa_allow *allow, struct pa_place place, const char *word, const char *slash, int family,
			 unsigned long *ret_length)
{
	unsigned long most = family == 4 ? 32 : 128;
	int mask = netmask_length(slash + 1);
	if (mask >= 0) {
		wrong(allow, place, word, pa_allow_text(allow, "write %.*s/%d", (int)(slash - word), word, mask));
		return false;
	}
	if (!pa_number_parse(slash + 1, strlen(slash + 1), ret_length)) {
		wrong(allow, place, word, NULL);
		return false;
	}
	if (*ret_length > most) {
		pa_allow_meaning_error(allow, place, pa_allow_text(allow, "an IPv%d prefix has 0 to %lu bits", family, most),
				       "the prefix length of %s is out of range", pa_allow_shown(allow, word, strlen(word)));
		return false;
	}
	return true;
}

static bool parse_cidr(struct pa_allow *allow, struct pa_place place, const char *word, const char *slash,
		       struct pa_interval *ret_interval, int *ret_family)
{
	pa_u128 value;
	int family;
	unsigned long length;
	if (!parse_one(word, (size_t)(slash - word), &value, &family)) {
		wrong(allow, place, word, NULL);
		return false;
	}
	if (is_mapped(allow, place, word, value, family) || !parse_length(allow, place, word, slash, family, &length))
		return false;
	struct pa_interval network = pa_prefix_interval(value, family, (unsigned)length);
	if (network.first != value) {
		char written[PA_ADDRESS_TEXT_MAX], start[PA_ADDRESS_TEXT_MAX];
		pa_address_format(value, family, written);
		pa_address_format(network.first, family, start);
		pa_allow_meaning_error(allow, place, pa_allow_text(allow, "write %s/%lu or %s", start, length, written),
				       "%s has host bits set", word);
		return false;
	}
	*ret_interval = network;
	*ret_family = family;
	return true;
}

static bool parse_range(struct pa_allow *allow, struct pa_place place, const char *word, const char *dash,
			struct pa_interval *ret_interval, int *ret_family)
{
	struct pa_interval range;
	int family, family_last;
	if (!parse_one(word, (size_t)(dash - word), &range.first, &family) ||
	    !parse_one(dash + 1, strlen(dash + 1), &range.last, &family_last)) {
		wrong(allow, place, word, NULL);
		return false;
	}
	if (is_mapped(allow, place, word, range.first, family) || is_mapped(allow, place, word, range.last, family_last))
		return false;
	if (family != family_last) {
		pa_allow_meaning_error(allow, place, NULL, "%s goes from IPv%d to IPv%d", word, family, family_last);
		return false;
	}
	if (range.last < range.first) {
		pa_allow_meaning_error(allow, place, pa_allow_text(allow, "write %s-%.*s", dash + 1, (int)(dash - word), word),
				       "the range %s is reversed", word);
		return false;
	}
	*ret_interval = range;
	*ret_family = family;
	return true;
}

static bool parse_single(struct pa_allow *allow, struct pa_place place, const char *word, struct pa_interval *ret_interval,
			 int *ret_family)
{
	pa_u128 value;
	int family;
	if (!pa_address_parse(word, &value, &family)) {
		const char *colon = strchr(word, ':');
		bool with_port = strchr(word, '.') && colon && !strchr(colon + 1, ':');
		wrong(allow, place, word,
		      with_port ? pa_allow_text(allow, "write %.*s port %s", (int)(colon - word), word, colon + 1) : NULL);
		return false;
	}
	if (is_mapped(allow, place, word, value, family))
		return false;
	*ret_interval = (struct pa_interval){ value, value };
	*ret_family = family;
	return true;
}

bool pa_address_word(struct pa_allow *allow, struct pa_place place, const char *word, struct pa_interval *ret_interval,
		     int *ret_family)
{
	const char *slash = strchr(word, '/'), *dash = strchr(word, '-'), *percent = strchr(word, '%');
	bool good;
	*ret_family = 0;
	if (!looks_like_address(word))
		return false;
	if (strlen(word) > ADDRESS_WORD_MAX) {
		wrong(allow, place, word, NULL);
		return true;
	}
	if (percent) {
		pa_allow_meaning_error(allow, place,
				       pa_allow_text(allow, "write %.*s, and the interface after 'on'", (int)(percent - word),
						     word),
				       "%s has a zone id", word);
		return true;
	}
	if (slash)
		good = parse_cidr(allow, place, word, slash, ret_interval, ret_family);
	else if (dash)
		good = parse_range(allow, place, word, dash, ret_interval, ret_family);
	else
		good = parse_single(allow, place, word, ret_interval, ret_family);
	if (!good)
		*ret_family = 0;
	return true;
}

/* --- address lists ------------------------------------------------------------------------------------------------ */
/* Blanks and a comment off; the start is moved, the new length returned. */
static size_t trim(const char **text, size_t length)
{
	const char *comment = memchr(*text, '#', length);
	if (comment)
		length = (size_t)(comment - *text);
	while (length && ((*text)[0] == ' ' || (*text)[0] == '\t')) {
		(*text)++;
		length--;
	}
	while (length && ((*text)[length - 1] == ' ' || (*text)[length - 1] == '\t'))
		length--;
	return length;
}

static void list_line(struct pa_allow *allow, const struct pa_source *list, uint32_t line, struct pa_address_set *set)
{
	const char *start, *text;
	if (!pa_source_check_line(allow, list, line))
		return;
	size_t length = pa_source_line(list, line, &start);
	text = start;
	length = trim(&text, length);
	if (length == 0)
		return;
	struct pa_place place = {
		.source = list, .line = line, .column = (uint32_t)(text - start) + 1, .length = (uint32_t)length
	};
	char word[ADDRESS_WORD_MAX + 2];
	size_t copied = length < sizeof(word) ? length : sizeof(word) - 1;
	memcpy(word, text, copied);
	word[copied] = '\0';
	struct pa_interval interval;
	int family;
	if (!pa_address_word(allow, place, word, &interval, &family))
		wrong(allow, place, word, "a list has one address, prefix or range a line");
	else if (family)
		pa_address_set_add(set, family, interval);
}

static bool parse_file(struct pa_cursor *cursor, struct pa_address_set *set)
{
	struct pa_allow *allow = cursor->allow;
	if (!pa_cursor_is(cursor, PA_TOKEN_STRING)) {
		pa_cursor_expected(cursor, "a file name in double quotes");
		return false;
	}
	struct pa_place place = pa_cursor_place(cursor);
	const char *name = pa_token_string(allow, cursor->at++);
	const char *path = pa_source_relative(allow, cursor->source, name);
	struct pa_source *list = pa_source_read(allow, path, PA_ALLOW_LIST_SIZE_MAX, place);
	for (uint32_t line = 1; list && line <= list->line_count; line++)
		list_line(allow, list, line, set);
	return true;
}

/* --- names ------------------------------------------------------------------------------------------------------------ */
static void unknown_network(struct pa_cursor *cursor, struct pa_place place, const char *word)
{
	struct pa_allow *allow = cursor->allow;
	struct pa_suggestion suggestion = pa_suggestion_start(allow, word, strlen(word));
	pa_suggestion_offer_all(&suggestion, address_words);
	pa_names_offer(allow, PA_DEFINE_NETWORK, cursor->scope, &suggestion);
	const char *otherwise = NULL;
	if (pa_names_defined(allow, PA_DEFINE_ZONE, cursor->scope, word))
		otherwise = pa_allow_text(allow, "'%s' is a zone: write 'any on %s'", word, word);
	else if (strchr(word, '.'))
		otherwise = "names are never looked up in the DNS: write the address";
	else if (!suggestion.best)
		otherwise = "define it: network NAME = ADDRESS, ...";
	if (pa_names_defined(allow, PA_DEFINE_ZONE, cursor->scope, word))
		suggestion.best = NULL;
	pa_allow_meaning_error(allow, place, pa_suggestion_help(&suggestion, otherwise), "unknown network '%s'",
			       pa_allow_shown(allow, word, strlen(word)));
}

/* The network of a name; an unknown one is reported and empty. */
static const struct pa_addresses *find_network(struct pa_cursor *cursor, struct pa_place place, const char *word)
{
	static const struct pa_addresses none;
	const struct pa_definition *definition = pa_names_find(cursor->allow, PA_DEFINE_NETWORK, cursor->scope, word, place);
	if (!definition)
		unknown_network(cursor, place, word);
	return definition ? &definition->value.network : &none;
}

/* A word that begins the next part: the address is missing. */
static bool is_clause(const struct pa_cursor *cursor)
{
	static const char *const words[] = { "port", "on", "from", "to", "dnat", "until", "except", NULL };
	for (size_t i = 0; words[i]; i++)
		if (pa_cursor_is_word(cursor, words[i]))
			return true;
	return false;
}

static bool parse_address(struct pa_cursor *cursor, struct pa_address_set *set)
{
	if (!pa_cursor_is(cursor, PA_TOKEN_WORD) || is_clause(cursor)) {
		pa_cursor_expected(cursor, "an address");
		return false;
	}
	struct pa_place place = pa_cursor_place(cursor);
	switch (pa_cursor_choose(cursor, address_words)) {
	case 0:
		pa_address_set_add_all(set);
		return true;
	case 1:
		pa_address_set_add_self(set);
		return true;
	case 2:
		return parse_file(cursor, set);
	default:
		break;
	}
	const char *word = pa_cursor_word(cursor);
	struct pa_interval interval;
	int family;
	if (!pa_address_word(cursor->allow, place, word, &interval, &family))
		pa_address_set_unite(set, find_network(cursor, place, word));
	else if (family)
		pa_address_set_add(set, family, interval);
	return true;
}

static bool parse_set(struct pa_cursor *cursor, struct pa_address_set *set);

static bool parse_except(struct pa_cursor *cursor, struct pa_address_set *set, struct pa_place place)
{
	struct pa_address_set except = { 0 };
	if (++cursor->except_depth > PA_ALLOW_EXCEPT_DEPTH_MAX) {
		pa_allow_form_error(cursor->allow, place, NULL, "'except' is nested more than %d deep",
				    (int)PA_ALLOW_EXCEPT_DEPTH_MAX);
		return false;
	}
	bool parsed = parse_set(cursor, &except);
	cursor->except_depth--;
	bool was_empty = pa_address_set_is_empty(set);
	if (parsed)
		pa_address_set_minus(set, &except);
	if (parsed && !was_empty && pa_address_set_is_empty(set))
		pa_allow_meaning_error(cursor->allow, place, NULL, "'except' leaves no address");
	pa_address_set_done(&except);
	return parsed;
}

static bool parse_set(struct pa_cursor *cursor, struct pa_address_set *set)
{
	do {
		if (!parse_address(cursor, set))
			return false;
	} while (pa_cursor_take(cursor, PA_TOKEN_COMMA));
	struct pa_place place = pa_cursor_place(cursor);
	return !pa_cursor_take_word(cursor, "except") || parse_except(cursor, set, place);
}

/* Is the whole list one name? Then its intervals are shared, not copied. */
static bool is_single_name(const struct pa_cursor *cursor)
{
	if (!pa_cursor_is(cursor, PA_TOKEN_WORD) || is_clause(cursor))
		return false;
	const struct pa_token *token = cursor->at, *next = token + 1;
	for (size_t i = 0; address_words[i]; i++)
		if (pa_token_is(token, address_words[i]))
			return false;
	if (memchr(token->text, '/', token->length) || memchr(token->text, ':', token->length) ||
	    strchr("0123456789[", token->text[0]))
		return false;
	return next == cursor->end || (next->kind != PA_TOKEN_COMMA && !pa_token_is(next, "except"));
}

bool pa_parse_addresses(struct pa_cursor *cursor, struct pa_addresses *ret_addresses)
{
	const struct pa_token *first = cursor->at;
	if (is_single_name(cursor)) {
		struct pa_place place = pa_cursor_place(cursor);
		*ret_addresses = *find_network(cursor, place, pa_cursor_word(cursor));
	} else {
		struct pa_address_set set = { 0 };
		bool parsed = parse_set(cursor, &set);
		if (parsed)
			pa_address_set_keep(&set, cursor->allow->policy->arena, ret_addresses);
		pa_address_set_done(&set);
		if (!parsed)
			return false;
	}
	ret_addresses->text = pa_tokens_text(cursor->allow, first, cursor->at);
	return true;
}
