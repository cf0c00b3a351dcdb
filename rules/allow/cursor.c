/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walking the tokens of one statement. */
#include <string.h>

#include "allow.h"

bool pa_cursor_done(const struct pa_cursor *cursor)
{
	return cursor->at == cursor->end;
}

bool pa_cursor_is(const struct pa_cursor *cursor, enum pa_token_kind kind)
{
	return !pa_cursor_done(cursor) && cursor->at->kind == kind;
}

bool pa_cursor_is_word(const struct pa_cursor *cursor, const char *word)
{
	return !pa_cursor_done(cursor) && pa_token_is(cursor->at, word);
}

bool pa_cursor_take(struct pa_cursor *cursor, enum pa_token_kind kind)
{
	bool is = pa_cursor_is(cursor, kind);
	cursor->at += is;
	return is;
}

bool pa_cursor_take_word(struct pa_cursor *cursor, const char *word)
{
	bool is = pa_cursor_is_word(cursor, word);
	cursor->at += is;
	return is;
}

struct pa_place pa_cursor_place(const struct pa_cursor *cursor)
{
	if (!pa_cursor_done(cursor) && cursor->at->kind != PA_TOKEN_EOL)
		return pa_token_place(cursor->source, cursor->at);
	struct pa_place place = pa_token_place(cursor->source, cursor->at - 1);
	place.column += place.length;
	place.length = 1;
	return place;
}

const char *pa_cursor_word(struct pa_cursor *cursor)
{
	const struct pa_token *token = cursor->at++;
	return pa_arena_strndup(cursor->allow->scratch, token->text, token->length);
}

/* "'form'", "','", "the end of the line" */
static const char *found(const struct pa_cursor *cursor)
{
	if (pa_cursor_done(cursor) || cursor->at->kind == PA_TOKEN_EOL)
		return "the end of the line";
	return pa_allow_text(cursor->allow, "'%s'", pa_allow_shown(cursor->allow, cursor->at->text, cursor->at->length));
}

/* "'from', 'to' or '{'" */
static const char *listed(struct pa_allow *allow, const char *const *words)
{
	struct pa_buffer buffer = { 0 };
	for (size_t i = 0; words[i]; i++) {
		const char *before = i == 0 ? "" : words[i + 1] ? ", " : " or ";
		pa_buffer_printf(&buffer, "%s'%s'", before, words[i]);
	}
	const char *text = pa_arena_strdup(allow->scratch, buffer.data);
	pa_buffer_done(&buffer);
	return text;
}

void pa_cursor_unexpected(struct pa_cursor *cursor, const char *const *legal)
{
	if (pa_cursor_is(cursor, PA_TOKEN_BAD))
		return;
	const char *expected = pa_allow_text(cursor->allow, "expected %s", listed(cursor->allow, legal));
	struct pa_suggestion suggestion = pa_suggestion_start(cursor->allow, "", 0);
	if (pa_cursor_is(cursor, PA_TOKEN_WORD))
		suggestion = pa_suggestion_start(cursor->allow, cursor->at->text, cursor->at->length);
	pa_suggestion_offer_all(&suggestion, legal);
	const char *what = found(cursor);
	pa_allow_form_error(cursor->allow, pa_cursor_place(cursor), pa_suggestion_help(&suggestion, expected), "unexpected %s",
			    strncmp(what, "the ", 4) == 0 ? what + 4 : what);
}

void pa_cursor_expected(struct pa_cursor *cursor, const char *what)
{
	if (!pa_cursor_is(cursor, PA_TOKEN_BAD))
		pa_allow_form_error(cursor->allow, pa_cursor_place(cursor), NULL, "expected %s, found %s", what, found(cursor));
}

bool pa_cursor_expect_word(struct pa_cursor *cursor, const char *what)
{
	bool is = pa_cursor_is(cursor, PA_TOKEN_WORD);
	if (!is)
		pa_cursor_expected(cursor, what);
	return is;
}

int pa_cursor_choose(struct pa_cursor *cursor, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (pa_cursor_take_word(cursor, words[i]))
			return i;
	return -1;
}
