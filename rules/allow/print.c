/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The canonical text of a statement: one line, single blanks, ", " between the members of a list but "," between
 * the ports of one group ("3306,5432/tcp"), no comments, no block. Parsing it again gives the same statement.
 */
#include "allow.h"

/* A comma after 3306 in 3306,5432/tcp holds the group together. */
static bool joins_ports(const struct pa_token *comma)
{
	const struct pa_token *before = comma - 1;
	return before->kind == PA_TOKEN_WORD && pa_port_is_pending(before->text, before->length);
}

void pa_token_print(const struct pa_token *token, bool is_first, struct pa_buffer *out)
{
	bool comma = token->kind == PA_TOKEN_COMMA;
	bool tight = is_first || comma || (token[-1].kind == PA_TOKEN_COMMA && joins_ports(token - 1));
	if (!tight)
		pa_buffer_putc(out, ' ');
	pa_buffer_add(out, token->text, token->length);
}

const char *pa_tokens_text(struct pa_allow *allow, const struct pa_token *first, const struct pa_token *end)
{
	struct pa_buffer buffer = { 0 };
	for (const struct pa_token *token = first; token < end && token->kind != PA_TOKEN_OPEN; token++)
		pa_token_print(token, token == first, &buffer);
	const char *text = pa_arena_strndup(allow->policy->arena, buffer.data ? buffer.data : "", buffer.length);
	pa_buffer_done(&buffer);
	return text;
}
