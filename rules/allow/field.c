/* SPDX-License-Identifier: GPL-2.0-or-later */
/* block = "{" { field ( EOL | ";" ) } "}" */
#include <string.h>

#include "allow.h"

enum field {
	FIELD_OWNER,
	FIELD_REASON,
	FIELD_TICKET,
	FIELD_APPROVED_BY,
	FIELD_REVIEW,
	FIELD_SEVERITY,
	FIELD_LISTENER,
	FIELD_RATE_LIMITED,
	FIELD_LOGGED
};
static const char *const field_words[] = { "owner",    "reason",   "ticket",	   "approved-by", "review",
					   "severity", "listener", "rate-limited", "logged",	  NULL };
static bool parse_value(struct pa_cursor *cursor, const char *word, const char **ret_value)
{
	if (pa_cursor_is(cursor, PA_TOKEN_STRING)) {
		*ret_value = pa_token_string(cursor->allow, cursor->at++);
		return true;
	}
	if (!pa_cursor_expect_word(cursor, pa_allow_text(cursor->allow, "a value for '%s'", word)))
		return false;
	*ret_value = pa_arena_strdup(cursor->allow->policy->arena, pa_cursor_word(cursor));
	return true;
}

bool pa_parse_date(struct pa_cursor *cursor, pa_day *ret_day)
{
	if (!pa_cursor_expect_word(cursor, "a date, YYYY-MM-DD"))
		return false;
	struct pa_place place = pa_cursor_place(cursor);
	const char *word = pa_cursor_word(cursor), *shown = pa_allow_shown(cursor->allow, word, strlen(word));
	if (pa_day_parse(word, ret_day))
		return true;
	if (strlen(word) == 10 && word[4] == '-' && word[7] == '-' && strspn(word, "0123456789-") == 10)
		pa_allow_meaning_error(cursor->allow, place, strcmp(word, "1970") < 0 ? "days begin with 1970-01-01" : NULL,
				       "there is no day %s", shown);
	else
		pa_allow_meaning_error(cursor->allow, place, "write YYYY-MM-DD", "'%s' is not a date", shown);
	return true;
}

static bool parse_severity(struct pa_cursor *cursor, struct pa_fields *fields)
{
	int level = pa_cursor_choose(cursor, pa_level_words);
	if (level < 0) {
		pa_cursor_unexpected(cursor, pa_level_words);
		return false;
	}
	fields->has_severity = true;
	fields->severity = (enum pa_severity)level;
	return true;
}

static bool parse_listener(struct pa_cursor *cursor, struct pa_fields *fields)
{
	static const char *const single[] = { "required", "none", "any", NULL };
	static const enum pa_listener_demand demands[] = { PA_LISTENER_REQUIRED, PA_LISTENER_NONE, PA_LISTENER_ANY };
	static const char *const legal[] = { "required", "none", "any", "user", "group", "exe", "unit", "capability", NULL };
	const struct pa_token *first = cursor->at;
	int word = pa_cursor_choose(cursor, single);
	if (word < 0 && !pa_cursor_is_who(cursor)) {
		pa_cursor_unexpected(cursor, legal);
		return false;
	}
	if (word < 0 && !pa_parse_whos(cursor, &fields->listener_whos))
		return false;
	fields->listener_demand = word < 0 ? PA_LISTENER_BY : demands[word];
	fields->listener = pa_tokens_text(cursor->allow, first, cursor->at);
	return true;
}

static bool parse_field_value(struct pa_cursor *cursor, enum field field, struct pa_fields *fields)
{
	const char *word = field_words[field];
	switch (field) {
	case FIELD_OWNER:
		return parse_value(cursor, word, &fields->owner);
	case FIELD_REASON:
		return parse_value(cursor, word, &fields->reason);
	case FIELD_TICKET:
		return parse_value(cursor, word, &fields->ticket);
	case FIELD_APPROVED_BY:
		return parse_value(cursor, word, &fields->approved_by);
	case FIELD_REVIEW:
		return pa_parse_date(cursor, &fields->review);
	case FIELD_SEVERITY:
		return parse_severity(cursor, fields);
	case FIELD_LISTENER:
		return parse_listener(cursor, fields);
	case FIELD_RATE_LIMITED:
		fields->rate_limited = true;
		return true;
	case FIELD_LOGGED:
		fields->logged = true;
		return true;
	}
	return false;
}

static bool is_field_end(const struct pa_cursor *cursor)
{
	return pa_cursor_done(cursor) || cursor->at->kind == PA_TOKEN_EOL || cursor->at->kind == PA_TOKEN_SEMICOLON ||
	       cursor->at->kind == PA_TOKEN_CLOSE;
}

static void after_field(struct pa_cursor *cursor)
{
	if (is_field_end(cursor) || pa_cursor_is(cursor, PA_TOKEN_BAD))
		return;
	static const char *const legal[] = { ";", "}", NULL };
	if (cursor->at->kind == PA_TOKEN_WORD)
		pa_allow_form_error(
			cursor->allow, pa_cursor_place(cursor),
			"a text of several words stands in double quotes; fields are separated by ';' or a new line",
			"unexpected '%s'", pa_allow_shown(cursor->allow, cursor->at->text, cursor->at->length));
	else
		pa_cursor_unexpected(cursor, legal);
}

/* One field; `seen` has a bit for each that was given. A wrong one is reported and skipped. */
static void parse_field(struct pa_cursor *cursor, struct pa_fields *fields, unsigned *seen)
{
	struct pa_place place = pa_cursor_place(cursor);
	int field = pa_cursor_choose(cursor, field_words);
	if (field < 0) {
		pa_cursor_unexpected(cursor, field_words);
	} else {
		if (*seen & 1u << field)
			pa_allow_meaning_error(cursor->allow, place, NULL, "'%s' is given twice", field_words[field]);
		*seen |= 1u << field;
		if (parse_field_value(cursor, (enum field)field, fields))
			after_field(cursor);
	}
	while (!is_field_end(cursor))
		cursor->at++;
}

void pa_parse_block(struct pa_cursor *cursor, struct pa_fields *fields)
{
	unsigned seen = 0;
	fields->review = PA_DAY_NONE;
	if (!pa_cursor_take(cursor, PA_TOKEN_OPEN))
		return;
	while (!pa_cursor_done(cursor) && cursor->at->kind != PA_TOKEN_CLOSE) {
		if (!pa_cursor_take(cursor, PA_TOKEN_EOL) && !pa_cursor_take(cursor, PA_TOKEN_SEMICOLON))
			parse_field(cursor, fields, &seen);
	}
	if (pa_cursor_take(cursor, PA_TOKEN_CLOSE) && !pa_cursor_done(cursor) && !pa_cursor_is(cursor, PA_TOKEN_BAD))
		pa_allow_form_error(cursor->allow, pa_cursor_place(cursor), NULL, "expected the end of the line after '}'");
}
