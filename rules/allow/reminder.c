/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is no error in a policy, but worth a word to who goes through it. */
#include <string.h>

#include "allow.h"

static void remind_of_unused(struct pa_allow *allow)
{
	for (size_t i = 0; i < allow->definition_count; i++) {
		const struct pa_definition *definition = allow->definitions[i];
		if (!definition->used)
			pa_allow_warning(allow, pa_token_place(definition->source, definition->token), "remove it, or use it",
					 "%s '%s' is not used", pa_definition_word(definition->kind), definition->name);
	}
}

static bool holds(const struct pa_token *token, const char *word)
{
	return (token->kind == PA_TOKEN_WORD || token->kind == PA_TOKEN_STRING) &&
	       memmem(token->text, token->length, word, strlen(word)) != NULL;
}

/* Files of addresses have no tokens. */
static void remind_of_fixme(struct pa_allow *allow, const struct pa_source *source)
{
	for (size_t i = 0; i < source->token_count; i++)
		if (holds(&source->tokens[i], "FIXME"))
			pa_allow_warning(allow, pa_token_place(source, &source->tokens[i]), NULL,
					 "FIXME is still to be filled in");
}

/* Which statements a field means something for. */
struct meaning {
	const char *field;
	const char *statements[5];
	const char *why;
};
static const struct meaning meanings[] = {
	{ "rate-limited", { "allow", "require", NULL }, "it speaks of what gets in" },
	{ "logged", { "allow", "require", "deny", NULL }, "it speaks of packets that are accepted or refused" },
	{ "listener", { "allow", "require", "deny", NULL }, "it speaks of who listens behind a way in" },
	{ "approved-by", { "allow", "require", "deny", "waive", NULL }, NULL },
};

static bool means_something(const struct meaning *meaning, const struct pa_token *statement)
{
	for (size_t i = 0; meaning->statements[i]; i++)
		if (pa_token_is(statement, meaning->statements[i]))
			return true;
	return false;
}

/* Words at the beginning of a field, in the block of a statement. */
static void remind_of_fields(struct pa_allow *allow, const struct pa_span *span)
{
	const struct pa_token *at = span->first;
	while (at < span->end && at->kind != PA_TOKEN_OPEN)
		at++;
	for (; at < span->end; at++) {
		bool begins = at->kind == PA_TOKEN_OPEN || at->kind == PA_TOKEN_SEMICOLON || at->kind == PA_TOKEN_EOL;
		for (size_t i = 0; begins && at + 1 < span->end && i < sizeof(meanings) / sizeof(*meanings); i++)
			if (pa_token_is(at + 1, meanings[i].field) && !means_something(&meanings[i], span->first))
				pa_allow_warning(allow, pa_token_place(span->source, at + 1), meanings[i].why,
						 "'%s' says nothing in a '%.*s'", meanings[i].field, (int)span->first->length,
						 span->first->text);
	}
}

void pa_allow_remind(struct pa_allow *allow)
{
	remind_of_unused(allow);
	for (size_t i = 0; i < allow->source_count; i++)
		remind_of_fixme(allow, allow->sources[i]);
	for (size_t i = 0; i < allow->span_count; i++)
		remind_of_fields(allow, &allow->spans[i]);
}
