/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy file in canonical form.
 *
 * - One blank between words, ", " between the members of a list, "," between the ports of one group (print.c).
 * - A block that stands on one line stays there, `{ owner a; reason "b" }`; one over several lines has a field on each, four
 *   blanks in. So are the statements of a host block.
 * - In a paragraph (lines up to an empty one or to a brace that stands alone) one-line blocks stand under each other, as far as their heads have at most HEAD_MAX
 *   columns; so do the names and the values of definitions that follow each other.
 * - Comments stay where they are, two blanks behind what stands on their line. Several empty lines become one.
 *
 * Whatever the blanks were, the tokens stay what they were and keep their order: this is checked at the end, so that a mistake here
 * cannot change what a policy says.
 */
#include <stdlib.h>
#include <string.h>

#include "allow.h"

enum { INDENT = 4, HEAD_MAX = 72 };

enum line_kind { LINE_BLANK, LINE_COMMENT, LINE_STATEMENT, LINE_DEFINITION, LINE_OPEN, LINE_FIELD, LINE_CLOSE };

struct line {
	enum line_kind kind;
	unsigned depth;
	const char *head;    /* of a definition: "network" */
	const char *name;    /* of a definition */
	const char *block;   /* one-line block or, of a definition, the value; or NULL */
	const char *comment; /* with its #, or NULL */
};

struct layout {
	struct pa_allow *allow;
	struct pa_source *source;
	const struct pa_token *at;
	unsigned depth;
	bool in_block;
	struct line *lines;
	size_t count, capacity;
};

static struct line *add_line(struct layout *layout, enum line_kind kind)
{
	pa_grow(&layout->lines, &layout->capacity, layout->count + 1, sizeof(*layout->lines));
	layout->lines[layout->count] = (struct line){ .kind = kind, .depth = layout->depth };
	return &layout->lines[layout->count++];
}

/* Tokens on one line, with blocks in them: semicolons need no blank before them, braces have one on each side. */
static const char *text_of(struct layout *layout, const struct pa_token *first, const struct pa_token *end)
{
	struct pa_buffer text = { 0 };
	for (const struct pa_token *token = first; token < end; token++)
		pa_token_print(token, token == first, &text);
	const char *kept = pa_arena_strndup(layout->allow->scratch, text.data ? text.data : "", text.length);
	pa_buffer_done(&text);
	return kept;
}

static bool ends_line(const struct pa_token *token)
{
	return token->kind == PA_TOKEN_EOL || token->kind == PA_TOKEN_END;
}

/* The `}` of a block on the same line as its `{` at `open`, or NULL. */
static const struct pa_token *close_on_line(const struct pa_token *open)
{
	for (const struct pa_token *token = open + 1; !ends_line(token); token++)
		if (token->kind == PA_TOKEN_CLOSE)
			return token;
	return NULL;
}

static const struct pa_token *field_end(const struct pa_token *token)
{
	while (!ends_line(token) && token->kind != PA_TOKEN_SEMICOLON && token->kind != PA_TOKEN_CLOSE)
		token++;
	return token;
}

/* "{ owner a; reason "b" }" */
static const char *block_text(struct layout *layout, const struct pa_token *open, const struct pa_token *close)
{
	struct pa_buffer text = { 0 };
	for (const struct pa_token *at = open + 1; at < close;) {
		const struct pa_token *end = field_end(at);
		if (end > at)
			pa_buffer_printf(&text, "%s %s", text.length ? ";" : "{", text_of(layout, at, end));
		at = end < close ? end + 1 : close;
	}
	pa_buffer_puts(&text, text.length ? " }" : "{ }");
	const char *kept = pa_arena_strdup(layout->allow->scratch, text.data);
	pa_buffer_done(&text);
	return kept;
}

static void add_definition(struct layout *layout, const struct pa_token *first, const struct pa_token *end)
{
	struct line *line = add_line(layout, LINE_DEFINITION);
	line->head = text_of(layout, first, first + 1);
	line->name = text_of(layout, first + 1, first + 2);
	line->block = text_of(layout, first + 3, end);
}

static bool is_definition(const struct pa_token *first, const struct pa_token *end)
{
	return end - first > 3 && first[2].kind == PA_TOKEN_EQUALS &&
	       (pa_token_is(first, "network") || pa_token_is(first, "zone") || pa_token_is(first, "service"));
}

/* A statement, or the part of it that stands on this line. */
static void lay_statement(struct layout *layout)
{
	const struct pa_token *first = layout->at, *end = first;
	while (!ends_line(end) && end->kind != PA_TOKEN_OPEN && end->kind != PA_TOKEN_CLOSE)
		end++;
	layout->at = end;
	if (end->kind != PA_TOKEN_OPEN) {
		if (is_definition(first, end))
			add_definition(layout, first, end);
		else
			add_line(layout, LINE_STATEMENT)->head = text_of(layout, first, end);
		return;
	}
	bool is_host = pa_token_is(first, "host");
	const struct pa_token *close = is_host ? NULL : close_on_line(end);
	const char *head = text_of(layout, first, end);
	if (close) {
		const char *block = block_text(layout, end, close);
		struct line *line = add_line(layout, LINE_STATEMENT);
		line->head = head;
		line->block = block;
		layout->at = close + 1;
		return;
	}
	add_line(layout, LINE_OPEN)->head = head;
	layout->depth++;
	layout->in_block = !is_host;
	layout->at = end + 1;
}

static void lay_close(struct layout *layout)
{
	layout->depth -= layout->depth > 0;
	layout->in_block = false;
	add_line(layout, LINE_CLOSE);
	layout->at++;
}

static void lay_field(struct layout *layout)
{
	const struct pa_token *end = field_end(layout->at);
	if (end > layout->at)
		add_line(layout, LINE_FIELD)->head = text_of(layout, layout->at, end);
	layout->at = end->kind == PA_TOKEN_SEMICOLON ? end + 1 : end;
}

/* The comment of a source line: what stands behind its last token, from # on. */
static const char *comment_of(struct layout *layout, uint32_t number, const struct pa_token *last)
{
	const char *text, *from;
	size_t length = pa_source_line(layout->source, number, &text);
	from = last ? last->text + last->length : text;
	const char *mark = memchr(from, '#', (size_t)(text + length - from));
	if (!mark)
		return NULL;
	size_t left = (size_t)(text + length - mark);
	while (left > 1 && (mark[left - 1] == ' ' || mark[left - 1] == '\t'))
		left--;
	return pa_arena_strndup(layout->allow->scratch, mark, left);
}

static void lay_line(struct layout *layout, uint32_t number)
{
	const struct pa_token *last = NULL;
	size_t before = layout->count;
	for (const struct pa_token *token = layout->at; !ends_line(token); token++)
		last = token;
	const char *comment = comment_of(layout, number, last);
	while (!ends_line(layout->at)) {
		if (layout->at->kind == PA_TOKEN_CLOSE)
			lay_close(layout);
		else if (layout->in_block)
			lay_field(layout);
		else
			lay_statement(layout);
	}
	if (layout->at->kind == PA_TOKEN_EOL)
		layout->at++;
	if (comment && layout->count > before)
		layout->lines[layout->count - 1].comment = comment;
	else if (comment)
		add_line(layout, LINE_COMMENT)->comment = comment;
	else if (!last)
		add_line(layout, LINE_BLANK);
}

/* --- printing ------------------------------------------------------------------------------------------------------------- */
static bool has_block(const struct line *line)
{
	return line->kind == LINE_STATEMENT && line->block;
}

static bool ends_paragraph(const struct line *line)
{
	return line->kind == LINE_BLANK || line->kind == LINE_OPEN || line->kind == LINE_CLOSE;
}

/* The widest head of the paragraph that begins at `start`, among those that others are aligned with. */
static size_t head_width(const struct layout *layout, size_t start)
{
	size_t widest = 0;
	for (size_t i = start; i < layout->count && !ends_paragraph(&layout->lines[i]); i++) {
		const struct line *line = &layout->lines[i];
		size_t width = has_block(line) ? line->depth * INDENT + strlen(line->head) : 0;
		widest = width > widest && width <= HEAD_MAX ? width : widest;
	}
	return widest;
}

/* Definitions that follow each other share two columns. */
static void definition_widths(const struct layout *layout, size_t index, int *ret_word, int *ret_name)
{
	size_t first = index, word = 0, name = 0;
	while (first > 0 && layout->lines[first - 1].kind == LINE_DEFINITION)
		first--;
	for (; first < layout->count && layout->lines[first].kind == LINE_DEFINITION; first++) {
		size_t length = strlen(layout->lines[first].name);
		word = strlen(layout->lines[first].head) > word ? strlen(layout->lines[first].head) : word;
		name = length > name && length <= HEAD_MAX ? length : name;
	}
	*ret_word = (int)word;
	*ret_name = (int)name;
}

static void print_line(const struct layout *layout, size_t index, size_t width, struct pa_buffer *out)
{
	const struct line *line = &layout->lines[index];
	int word, name;
	if (line->kind != LINE_BLANK)
		pa_buffer_printf(out, "%*s", (int)(line->depth * INDENT), "");
	switch (line->kind) {
	case LINE_STATEMENT:
	case LINE_FIELD:
		width = width > line->depth * INDENT ? width - line->depth * INDENT : 0;
		if (line->block)
			pa_buffer_printf(out, "%-*s %s", (int)width, line->head, line->block);
		else
			pa_buffer_puts(out, line->head);
		break;
	case LINE_DEFINITION:
		definition_widths(layout, index, &word, &name);
		pa_buffer_printf(out, "%-*s %-*s = %s", word, line->head, name, line->name, line->block);
		break;
	case LINE_OPEN:
		pa_buffer_printf(out, "%s {", line->head);
		break;
	case LINE_CLOSE:
		pa_buffer_putc(out, '}');
		break;
	case LINE_BLANK:
	case LINE_COMMENT:
		break;
	}
	if (line->comment)
		pa_buffer_printf(out, "%s%s", line->kind == LINE_COMMENT ? "" : "  ", line->comment);
	pa_buffer_putc(out, '\n');
}

/* No empty lines at the ends, and never two of them. */
static bool is_needless(const struct layout *layout, size_t index)
{
	if (layout->lines[index].kind != LINE_BLANK)
		return false;
	for (size_t i = index + 1; i < layout->count; i++)
		if (layout->lines[i].kind != LINE_BLANK)
			return index == 0 || layout->lines[index - 1].kind == LINE_BLANK;
	return true;
}

static void print_all(const struct layout *layout, struct pa_buffer *out)
{
	size_t width = head_width(layout, 0);
	bool first = true;
	for (size_t i = 0; i < layout->count; i++) {
		bool blank = layout->lines[i].kind == LINE_BLANK;
		if (ends_paragraph(&layout->lines[i]))
			width = head_width(layout, i + 1);
		if (is_needless(layout, i) || (blank && first))
			continue;
		print_line(layout, i, width, out);
		first = false;
	}
}

/* --- the same tokens ------------------------------------------------------------------------------------------------------- */
/* Ends of lines and semicolons only separate: what stands between them must be the same. */
static const struct pa_token *next_meaning(const struct pa_token *token)
{
	while (token->kind == PA_TOKEN_EOL || token->kind == PA_TOKEN_SEMICOLON)
		token++;
	return token;
}

static bool same_tokens(const struct pa_source *a, const struct pa_source *b)
{
	const struct pa_token *left = a->tokens, *right = b->tokens;
	for (;; left++, right++) {
		left = next_meaning(left);
		right = next_meaning(right);
		if (left->kind != right->kind || left->length != right->length ||
		    memcmp(left->text, right->text, left->length) != 0)
			return false;
		if (left->kind == PA_TOKEN_END)
			return true;
	}
}

static bool says_the_same(struct layout *layout, const struct pa_buffer *out)
{
	struct pa_source *again = pa_source_of_text(layout->allow, out->data ? out->data : "", out->length, "fmt");
	pa_source_lex(layout->allow, again);
	return !pa_allow_has_errors(layout->allow) && same_tokens(layout->source, again);
}

/* Errors of form in this file; what names mean, and what other files hold, does not matter here. */
static bool has_form(const char *text, size_t length, const char *name, struct pa_diags *diags)
{
	struct pa_diags all = { 0 };
	bool good = true;
	pa_policy_free(pa_policy_parse(text, length, name, NULL, NULL, &all));
	for (size_t i = 0; i < all.count; i++) {
		const struct pa_diag *found = &all.items[i];
		if (found->level != PA_DIAG_ERROR || !found->source || !pa_text_equal(found->where.file, name))
			continue;
		struct pa_diag *diag = pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "%s", found->message);
		diag->where = found->where;
		diag->where.file = pa_arena_strdup(diags->arena, name);
		diag->source = pa_arena_strdup(diags->arena, found->source);
		diag->help = found->help ? pa_arena_strdup(diags->arena, found->help) : NULL;
		good = false;
	}
	pa_diags_done(&all);
	return good;
}

bool pa_policy_layout(const char *text, size_t length, const char *name, struct pa_buffer *out, struct pa_diags *diags)
{
	struct pa_policy policy = { .arena = pa_arena_new(), .file = name };
	struct pa_allow allow = { .policy = &policy, .scratch = pa_arena_new() };
	struct layout layout = { .allow = &allow };
	bool good = has_form(text, length, name, diags);
	if (good) {
		layout.source = pa_source_of_text(&allow, text, length, name);
		pa_source_lex(&allow, layout.source);
		layout.at = layout.source->tokens;
		for (uint32_t number = 1; number <= layout.source->line_count; number++)
			lay_line(&layout, number);
		print_all(&layout, out);
		good = says_the_same(&layout, out);
		if (!good) {
			pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INPUT,
				     "%s cannot be formatted without changing what it says", name);
			pa_buffer_clear(out);
		}
	}
	pa_sources_free(&allow);
	free(layout.lines);
	free(allow.errors);
	pa_arena_free(allow.scratch);
	pa_arena_free(policy.arena);
	return good;
}

bool pa_policy_read(const char *path, struct pa_buffer *out, struct pa_diags *diags)
{
	struct pa_policy policy = { .arena = pa_arena_new(), .file = path };
	struct pa_allow allow = { .policy = &policy, .scratch = pa_arena_new() };
	struct pa_place nowhere = { 0 };
	struct pa_source *source = pa_source_read(&allow, path, PA_ALLOW_FILE_SIZE_MAX, nowhere);
	if (source)
		pa_buffer_add(out, source->text, source->length);
	else
		pa_allow_errors_report(&allow, diags);
	pa_sources_free(&allow);
	free(allow.errors);
	pa_arena_free(allow.scratch);
	pa_arena_free(policy.arena);
	return source != NULL;
}
