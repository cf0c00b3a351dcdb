/* SPDX-License-Identifier: GPL-2.0-or-later */
/* allow, deny, require, listen, waive */
#include <string.h>

#include "allow.h"

enum { ICMP = 1, ICMPV6 = 58 };

static struct pa_statement *new_statement(struct pa_cursor *cursor, enum pa_statement_kind kind)
{
	struct pa_statement *statement = pa_arena_alloc(cursor->allow->policy->arena, 1, sizeof(*statement));
	const struct pa_token *last = cursor->at;
	while (last + 1 < cursor->end && last[1].kind != PA_TOKEN_OPEN)
		last++;
	struct pa_place place = pa_token_place(cursor->source, cursor->at);
	statement->kind = kind;
	statement->where = (struct pa_location){
		.file = cursor->source->path,
		.line = place.line,
		.column = place.column,
		.length = (uint32_t)(last->text + last->length - cursor->at->text),
	};
	statement->text = pa_tokens_text(cursor->allow, cursor->at, cursor->end);
	statement->until = PA_DAY_NONE;
	struct pa_endpoint everything = {
		.addresses = { .any = true, .text = "any" },
		.ports = { .any = true },
		.interfaces = { .any = true, .text = "any" },
	};
	statement->from = statement->to = everything;
	cursor->at++;
	return statement;
}

static void keep_statement(struct pa_allow *allow, struct pa_statement *statement)
{
	struct pa_policy *policy = allow->policy;
	pa_grow(&policy->statements, &allow->statement_capacity, policy->statement_count + 1, sizeof(struct pa_statement *));
	statement->id = (unsigned)policy->statement_count;
	policy->statements[policy->statement_count++] = statement;
}

/* After an error in the head: the block is read for its errors. */
static void skip_to_block(struct pa_cursor *cursor)
{
	while (!pa_cursor_done(cursor) && cursor->at->kind != PA_TOKEN_OPEN)
		cursor->at++;
}

/* --- endpoints ---------------------------------------------------------------------------------------------------------- */
/* endpoint = addrs [ "port" ports ] [ "on" ifs ] | "on" ifs */
static bool parse_endpoint(struct pa_cursor *cursor, struct pa_endpoint *endpoint)
{
	endpoint->given = true;
	if (!pa_cursor_is_word(cursor, "on")) {
		if (!pa_parse_addresses(cursor, &endpoint->addresses))
			return false;
		if (pa_cursor_take_word(cursor, "port") && !pa_parse_ports(cursor, &endpoint->ports))
			return false;
	}
	return !pa_cursor_take_word(cursor, "on") || pa_parse_interfaces(cursor, &endpoint->interfaces);
}

/* What may follow, given what is there. `last`: the endpoint that has just been read. */
static void list_legal(const struct pa_statement *statement, const struct pa_endpoint *last, const char *legal[8])
{
	size_t count = 0;
	if (last && last->interfaces.any) {
		if (last->ports.any)
			legal[count++] = "port";
		legal[count++] = "on";
	}
	if (!statement->from.given && !statement->to.given && !statement->has_dnat)
		legal[count++] = "from";
	if (!statement->to.given && !statement->has_dnat)
		legal[count++] = "to";
	if (statement->kind != PA_STATEMENT_WAIVE && !statement->has_dnat)
		legal[count++] = "dnat";
	legal[count++] = statement->kind == PA_STATEMENT_WAIVE ? "until" : "{";
	legal[count] = NULL;
}

/* Words that are known, but not here: better help than a list. */
static const char *misplaced(struct pa_cursor *cursor, const struct pa_statement *statement)
{
	if (pa_cursor_is_word(cursor, "from"))
		return statement->from.given ? "one 'from' with a list says it all" : "'from' comes before 'to' and 'dnat'";
	if (pa_cursor_is_word(cursor, "to"))
		return statement->to.given ? "one 'to' with a list says it all" : "'to' comes before 'dnat'";
	if (pa_cursor_is_word(cursor, "on") && !statement->from.given && !statement->to.given)
		return "write 'from any on ...'";
	if (pa_cursor_is_word(cursor, "on"))
		return "one 'on' with a list says it all";
	if (pa_cursor_is_word(cursor, "port") && !statement->from.given && !statement->to.given)
		return "write 'from any port ...'";
	if (pa_cursor_is_word(cursor, "port"))
		return "'port' comes before 'on'";
	return NULL;
}

static void unexpected_clause(struct pa_cursor *cursor, const struct pa_statement *statement, const struct pa_endpoint *last)
{
	const char *legal[8];
	list_legal(statement, last, legal);
	bool here = false;
	for (size_t i = 0; legal[i]; i++)
		here |= pa_cursor_is_word(cursor, legal[i]);
	const char *help = here ? NULL : misplaced(cursor, statement);
	if (help)
		pa_allow_form_error(cursor->allow, pa_cursor_place(cursor), help, "unexpected '%.*s'", (int)cursor->at->length,
				    cursor->at->text);
	else
		pa_cursor_unexpected(cursor, legal);
}

/* [ "from" endpoint ] [ "to" endpoint ]; *ret_last is the one read last, or NULL. */
static bool parse_endpoints(struct pa_cursor *cursor, struct pa_statement *statement, const struct pa_endpoint **ret_last)
{
	*ret_last = NULL;
	if (pa_cursor_take_word(cursor, "from")) {
		*ret_last = &statement->from;
		if (!parse_endpoint(cursor, &statement->from))
			return false;
	}
	if (pa_cursor_take_word(cursor, "to")) {
		*ret_last = &statement->to;
		if (!parse_endpoint(cursor, &statement->to))
			return false;
	}
	return true;
}

/* --- dnat to TARGET ------------------------------------------------------------------------------------------------------ */
/* The address and the port (or NULL) of "10.0.0.5", "10.0.0.5:80", "2001:db8::5", "[2001:db8::5]:80". */
static bool split_target(struct pa_allow *allow, const char *word, const char **ret_address, const char **ret_port)
{
	const char *colon = strchr(word, ':'), *bracket = strchr(word, ']');
	*ret_address = word;
	*ret_port = NULL;
	if (word[0] == '[') {
		if (!bracket || (bracket[1] != '\0' && bracket[1] != ':'))
			return false;
		*ret_address = pa_arena_strndup(allow->scratch, word + 1, (size_t)(bracket - word - 1));
		*ret_port = bracket[1] ? bracket + 2 : NULL;
	} else if (colon && !strchr(colon + 1, ':')) {
		*ret_address = pa_arena_strndup(allow->scratch, word, (size_t)(colon - word));
		*ret_port = colon + 1;
	}
	return true;
}

static void parse_target(struct pa_cursor *cursor, struct pa_statement *statement)
{
	struct pa_allow *allow = cursor->allow;
	struct pa_place place = pa_cursor_place(cursor);
	const char *word = pa_cursor_word(cursor), *address, *port, *shown = pa_allow_shown(allow, word, strlen(word));
	struct pa_interval interval;
	unsigned long number = 0;
	if (!split_target(allow, word, &address, &port) ||
	    !pa_address_word(allow, place, address, &interval, &statement->dnat_family)) {
		pa_allow_meaning_error(allow, place, "write ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT", "'%s' is not a target",
				       shown);
	} else if (statement->dnat_family && interval.first != interval.last) {
		pa_allow_meaning_error(allow, place, NULL, "the target '%s' is more than one address", shown);
	} else if (port && (!pa_number_parse(port, strlen(port), &number) || number == 0 || number > 65535)) {
		pa_allow_meaning_error(allow, place, NULL, "the port of the target '%s' is not a number from 1 to 65535",
				       shown);
	} else if (statement->dnat_family) {
		statement->dnat_address = interval.first;
		statement->dnat_port = (unsigned)number;
	}
}

static bool parse_dnat(struct pa_cursor *cursor, struct pa_statement *statement)
{
	static const char *const to[] = { "to", NULL };
	if (!pa_cursor_take_word(cursor, "dnat"))
		return true;
	statement->has_dnat = true;
	if (pa_cursor_choose(cursor, to) < 0) {
		pa_cursor_unexpected(cursor, to);
		return false;
	}
	if (!pa_cursor_expect_word(cursor, "an address"))
		return false;
	parse_target(cursor, statement);
	return true;
}

/* --- statements that nothing can match ------------------------------------------------------------------------------------ */
enum { IPV4 = 1, IPV6 = 2, BOTH = 3 };

/* Families that the addresses can have; an empty list (of a file) is no contradiction. */
static int families_of(const struct pa_addresses *addresses)
{
	if (addresses->any || addresses->self)
		return BOTH;
	int families = (addresses->ipv4_count ? IPV4 : 0) | (addresses->ipv6_count ? IPV6 : 0);
	return families ? families : BOTH;
}

static int families_of_items(const struct pa_service_item *items, size_t count)
{
	int families = count ? 0 : BOTH;
	for (size_t i = 0; i < count; i++) {
		bool icmp = !items[i].any_protocol && items[i].protocol == ICMP;
		bool icmpv6 = !items[i].any_protocol && items[i].protocol == ICMPV6;
		families |= icmp ? IPV4 : icmpv6 ? IPV6 : BOTH;
	}
	return families;
}

/* A deny or require that says nothing must not look like protection. */
static void check_families(struct pa_cursor *cursor, const struct pa_statement *statement, struct pa_place place)
{
	int families = statement->family == 4 ? IPV4 : statement->family == 6 ? IPV6 : BOTH;
	families &= families_of_items(statement->items, statement->item_count);
	families &= families_of(&statement->from.addresses) & families_of(&statement->to.addresses);
	if (statement->dnat_family)
		families &= statement->dnat_family == 4 ? IPV4 : IPV6;
	if (families == 0)
		pa_allow_meaning_error(cursor->allow, place, "its parts belong to different families",
				       "no IPv4 and no IPv6 packet can match this");
}

/* A connection has no output interface on its way in, and no input interface on its way out. */
static void check_interfaces(struct pa_cursor *cursor, const struct pa_statement *statement, struct pa_place place)
{
	if (statement->path == PA_PATH_IN && !statement->to.interfaces.any)
		pa_allow_meaning_error(cursor->allow, place, "write 'from ... on', or 'forward'",
				       "'to ... on' is the interface on the way out: a connection to this host has none");
	if (statement->path == PA_PATH_OUT && !statement->from.interfaces.any)
		pa_allow_meaning_error(cursor->allow, place, "write 'to ... on'",
				       "'from ... on' is the interface on the way in: a connection from this host has none");
}

/* --- allow, deny, require -------------------------------------------------------------------------------------------------- */
static bool parse_head(struct pa_cursor *cursor, struct pa_statement *statement)
{
	static const char *const paths[] = { "in", "forward", "out", NULL }, *const families[] = { "ipv4", "ipv6", NULL };
	static const int family_numbers[] = { 4, 6 };
	int path = pa_cursor_choose(cursor, paths), family = pa_cursor_choose(cursor, families);
	statement->path = path < 0 ? PA_PATH_IN : (enum pa_path)path;
	statement->family = family < 0 ? 0 : family_numbers[family];
	struct pa_items items = { 0 };
	if (!pa_parse_what(cursor, &items))
		return false;
	statement->items = items.items;
	statement->item_count = items.count;
	const struct pa_endpoint *last;
	if (!parse_endpoints(cursor, statement, &last) || !parse_dnat(cursor, statement))
		return false;
	if (!pa_cursor_done(cursor) && cursor->at->kind != PA_TOKEN_OPEN) {
		unexpected_clause(cursor, statement, statement->has_dnat ? NULL : last);
		return false;
	}
	return true;
}

void pa_parse_verdict(struct pa_cursor *cursor, enum pa_statement_kind kind, bool active)
{
	struct pa_place place = pa_cursor_place(cursor);
	struct pa_statement *statement = new_statement(cursor, kind);
	if (parse_head(cursor, statement)) {
		check_families(cursor, statement, place);
		check_interfaces(cursor, statement, place);
	} else {
		skip_to_block(cursor);
	}
	pa_parse_block(cursor, &statement->fields);
	if (active)
		keep_statement(cursor->allow, statement);
}

/* --- listen ------------------------------------------------------------------------------------------------------------------ */
static bool parse_listen_rest(struct pa_cursor *cursor, struct pa_statement *statement)
{
	static const char *const ways[] = { "by", "only", "never", NULL }, *const on[] = { "on", NULL };
	switch (pa_cursor_choose(cursor, ways)) {
	case 0:
		statement->listen = PA_LISTEN_BY;
		return pa_parse_whos(cursor, &statement->listen_whos);
	case 1:
		statement->listen = PA_LISTEN_ONLY_ON;
		if (pa_cursor_choose(cursor, on) == 0)
			return pa_parse_addresses(cursor, &statement->listen_only_on);
		pa_cursor_unexpected(cursor, on);
		return false;
	case 2:
		statement->listen = PA_LISTEN_NEVER;
		return true;
	default:
		pa_cursor_unexpected(cursor, ways);
		return false;
	}
}

/* A statement that can never mean a socket must not look like a rule. */
static void check_listenable(struct pa_cursor *cursor, const struct pa_statement *statement, struct pa_place place)
{
	bool some = statement->item_count == 0;
	for (size_t i = 0; i < statement->item_count; i++)
		some = some || !statement->items[i].icmp;
	if (!some)
		pa_allow_meaning_error(cursor->allow, place, "name ports, as in 22/tcp", "nobody listens on ICMP");
}

void pa_parse_listen(struct pa_cursor *cursor, bool active)
{
	static const char *const legal[] = { "{", NULL };
	struct pa_place place = pa_cursor_place(cursor);
	struct pa_statement *statement = new_statement(cursor, PA_STATEMENT_LISTEN);
	struct pa_items items = { 0 };
	bool parsed = pa_parse_what(cursor, &items);
	statement->items = items.items;
	statement->item_count = items.count;
	const struct pa_token *rest = cursor->at;
	if (parsed)
		check_listenable(cursor, statement, place);
	parsed = parsed && parse_listen_rest(cursor, statement);
	if (parsed)
		statement->listen_text = pa_tokens_text(cursor->allow, rest, cursor->at);
	if (parsed && !pa_cursor_done(cursor) && cursor->at->kind != PA_TOKEN_OPEN)
		pa_cursor_unexpected(cursor, legal);
	skip_to_block(cursor);
	pa_parse_block(cursor, &statement->fields);
	if (active)
		keep_statement(cursor->allow, statement);
}

/* --- waive ------------------------------------------------------------------------------------------------------------------- */
static bool parse_until(struct pa_cursor *cursor, struct pa_statement *statement, const struct pa_endpoint *last)
{
	if (!pa_cursor_take_word(cursor, "until")) {
		static const char *const legal[] = { "for", "until", NULL };
		if (statement->has_what)
			unexpected_clause(cursor, statement, last);
		else
			pa_cursor_unexpected(cursor, legal);
		return false;
	}
	return pa_parse_date(cursor, &statement->until);
}

static bool parse_waive_head(struct pa_cursor *cursor, struct pa_statement *statement)
{
	static const char *const legal[] = { "{", NULL };
	const struct pa_endpoint *last = NULL;
	statement->check = pa_parse_check_id(cursor);
	if (!statement->check)
		return false;
	statement->has_what = pa_cursor_take_word(cursor, "for");
	if (statement->has_what) {
		struct pa_items items = { 0 };
		bool parsed = pa_parse_what(cursor, &items);
		statement->items = items.items;
		statement->item_count = items.count;
		if (!parsed || !parse_endpoints(cursor, statement, &last))
			return false;
	}
	if (!parse_until(cursor, statement, last))
		return false;
	if (!pa_cursor_done(cursor) && cursor->at->kind != PA_TOKEN_OPEN) {
		pa_cursor_unexpected(cursor, legal);
		return false;
	}
	return true;
}

void pa_parse_waive(struct pa_cursor *cursor, bool active)
{
	struct pa_place place = pa_cursor_place(cursor);
	struct pa_statement *statement = new_statement(cursor, PA_STATEMENT_WAIVE);
	bool parsed = parse_waive_head(cursor, statement);
	if (parsed)
		check_families(cursor, statement, place);
	skip_to_block(cursor);
	pa_parse_block(cursor, &statement->fields);
	if (parsed && !statement->fields.reason)
		pa_allow_meaning_error(cursor->allow, place, "add { reason \"...\" }", "a waiver needs a reason");
	if (active)
		keep_statement(cursor->allow, statement);
}
