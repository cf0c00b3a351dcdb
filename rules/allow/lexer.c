/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text -> tokens. A WORD is any run without space , { } ; = # " */
#include <stdlib.h>
#include <string.h>

#include "allow.h"

struct lexer {
	struct pa_allow *allow;
	struct pa_source *source;
	size_t capacity;
	uint32_t line;
};

static void add_token(struct lexer *lexer, enum pa_token_kind kind, const char *text, size_t length)
{
	struct pa_source *source = lexer->source;
	pa_grow(&source->tokens, &lexer->capacity, source->token_count + 1, sizeof(*source->tokens));
	source->tokens[source->token_count++] =
		(struct pa_token){ .text = text, .length = (uint32_t)length, .line = lexer->line, .kind = kind };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static size_t word_length(const char *text, const char *end)
{
	const char *at = text;
	while (at < end && !is_blank(*at) && !strchr(",{};=#\"", *at))
		at++;
	return (size_t)(at - text);
}

/* From quote to quote; \" and \\ stand for themselves. 0: not closed. */
static size_t string_length(const char *text, const char *end)
{
	for (const char *at = text + 1; at < end; at++) {
		if (*at == '"')
			return (size_t)(at + 1 - text);
		if (*at == '\\' && at + 1 < end)
			at++;
	}
	return 0;
}

/* A backslash before anything but " and \ : returns its place in the string, or 0. */
static size_t wrong_escape(const char *text, size_t length)
{
	for (size_t i = 1; i + 1 < length; i++) {
		if (text[i] != '\\')
			continue;
		if (text[i + 1] != '"' && text[i + 1] != '\\')
			return i;
		i++;
	}
	return 0;
}

static size_t lex_string(struct lexer *lexer, const char *text, const char *end)
{
	struct pa_token token = { .text = text, .length = (uint32_t)(end - text), .line = lexer->line };
	size_t length = string_length(text, end);
	if (length == 0) {
		pa_allow_form_error(lexer->allow, pa_token_place(lexer->source, &token),
				    "a string ends with \" on the same line", "the string is not closed");
		add_token(lexer, PA_TOKEN_BAD, text, (size_t)(end - text));
		return (size_t)(end - text);
	}
	size_t wrong = wrong_escape(text, length);
	if (wrong) {
		token = (struct pa_token){ .text = text + wrong, .length = 2, .line = lexer->line };
		pa_allow_form_error(lexer->allow, pa_token_place(lexer->source, &token),
				    "only \\\" and \\\\ are known in a string", "unknown escape in a string");
	}
	add_token(lexer, wrong ? PA_TOKEN_BAD : PA_TOKEN_STRING, text, length);
	return length;
}

static enum pa_token_kind mark_kind(char c)
{
	switch (c) {
	case ',':
		return PA_TOKEN_COMMA;
	case '{':
		return PA_TOKEN_OPEN;
	case '}':
		return PA_TOKEN_CLOSE;
	case ';':
		return PA_TOKEN_SEMICOLON;
	case '=':
		return PA_TOKEN_EQUALS;
	default:
		return PA_TOKEN_WORD;
	}
}

static void lex_line(struct lexer *lexer, const char *text, size_t length)
{
	const char *at = text, *end = text + length;
	while (at < end && *at != '#') {
		enum pa_token_kind kind = mark_kind(*at);
		size_t taken = 1;
		if (is_blank(*at)) {
			at++;
			continue;
		}
		if (*at == '"') {
			at += lex_string(lexer, at, end);
			continue;
		}
		if (kind == PA_TOKEN_WORD)
			taken = word_length(at, end);
		add_token(lexer, kind, at, taken);
		at += taken;
	}
	add_token(lexer, PA_TOKEN_EOL, at, 0);
}

void pa_source_lex(struct pa_allow *allow, struct pa_source *source)
{
	struct lexer lexer = { .allow = allow, .source = source };
	for (lexer.line = 1; lexer.line <= source->line_count; lexer.line++) {
		const char *text;
		size_t length = pa_source_line(source, lexer.line, &text);
		if (pa_source_check_line(allow, source, lexer.line)) {
			lex_line(&lexer, text, length);
		} else {
			add_token(&lexer, PA_TOKEN_BAD, text, 0);
			add_token(&lexer, PA_TOKEN_EOL, text, 0);
		}
	}
	lexer.line--;
	add_token(&lexer, PA_TOKEN_END, source->text + source->length, 0);
}

const char *pa_token_string(struct pa_allow *allow, const struct pa_token *token)
{
	char *out = pa_arena_alloc(allow->policy->arena, token->length, 1);
	size_t length = 0;
	for (uint32_t i = 1; i + 1 < token->length; i++) {
		if (token->text[i] == '\\')
			i++;
		out[length++] = token->text[i];
	}
	return out;
}

bool pa_token_is(const struct pa_token *token, const char *word)
{
	return token->kind == PA_TOKEN_WORD && strlen(word) == token->length && memcmp(token->text, word, token->length) == 0;
}

struct pa_place pa_token_place(const struct pa_source *source, const struct pa_token *token)
{
	return (struct pa_place){
		.source = source,
		.line = token->line,
		.column = (uint32_t)(token->text - source->lines[token->line - 1]) + 1,
		.length = token->length ? token->length : 1,
	};
}
