/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The structure of the files: which tokens make a statement, what is defined, which host block it stands in. Includes
 * are read here, so that afterwards every name of every file is known.
 */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "allow.h"

struct scan {
	struct pa_allow *allow;
	struct pa_source *source;
	struct pa_scope *scope;
	const struct pa_token *at;
};

const char *const pa_allow_statement_words[] = { "network", "zone",    "service", "set",   "check", "include", "allow",
						 "deny",    "require", "listen",  "waive", "host",  NULL };

static bool is_statement_word(const struct pa_token *token)
{
	for (size_t i = 0; pa_allow_statement_words[i]; i++)
		if (pa_token_is(token, pa_allow_statement_words[i]))
			return true;
	return false;
}

static struct pa_place place_at(const struct scan *scan)
{
	return pa_token_place(scan->source, scan->at);
}

/* An unclosed string swallows the rest of its line, and a `}` with it: said already. */
static void not_closed(struct scan *scan, const struct pa_token *open)
{
	for (const struct pa_token *token = open; token < scan->at; token++)
		if (token->kind == PA_TOKEN_BAD)
			return;
	pa_allow_form_error(scan->allow, pa_token_place(scan->source, open), NULL, "'{' is not closed");
}

/* `at` is after a block's `{`: its `}`, or where a statement begins that cannot be a field, or the end. */
static const struct pa_token *block_end(const struct pa_token *at)
{
	unsigned depth = 1;
	for (; at->kind != PA_TOKEN_END; at++) {
		if (at->kind == PA_TOKEN_OPEN)
			depth++;
		if (at->kind == PA_TOKEN_CLOSE && --depth == 0)
			return at;
		if (at[-1].kind == PA_TOKEN_EOL && is_statement_word(at))
			return at;
	}
	return at;
}

/* Moves behind the statement: to its EOL, or to a `}` that is not its own. */
static void find_end(struct scan *scan)
{
	while (scan->at->kind != PA_TOKEN_EOL && scan->at->kind != PA_TOKEN_END && scan->at->kind != PA_TOKEN_CLOSE) {
		const struct pa_token *token = scan->at++;
		if (token->kind != PA_TOKEN_OPEN)
			continue;
		scan->at = block_end(scan->at);
		if (scan->at->kind != PA_TOKEN_CLOSE) {
			not_closed(scan, token);
			return;
		}
		scan->at++;
	}
}

static void keep_span(struct scan *scan, const struct pa_token *first)
{
	struct pa_allow *allow = scan->allow;
	pa_grow(&allow->spans, &allow->span_capacity, allow->span_count + 1, sizeof(*allow->spans));
	allow->spans[allow->span_count++] =
		(struct pa_span){ .source = scan->source, .first = first, .end = scan->at, .scope = scan->scope };
}

/* --- definitions ----------------------------------------------------------------------------------------------- */
static const char *const reserved[] = { "any",	   "self",  "file", "except", "port",	 "on",	      "from",
					"to",	   "dnat",  "in",   "out",    "forward", "ipv4",      "ipv6",
					"for",	   "until", "by",   "only",   "never",	 "system",    "user",
					"dynamic", "tcp",   "udp",  "icmp",   "icmpv6",	 "ephemeral", NULL };

static bool is_name(const struct pa_token *token)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	static const char others[] = "0123456789-.";
	if (token->kind != PA_TOKEN_WORD || !strchr(letters, token->text[0]))
		return false;
	for (uint32_t i = 1; i < token->length; i++)
		if (!strchr(letters, token->text[i]) && !strchr(others, token->text[i]))
			return false;
	return true;
}

bool pa_policy_is_name(const char *word)
{
	struct pa_token token = { .kind = PA_TOKEN_WORD, .text = word, .length = (uint32_t)strlen(word) };
	for (size_t i = 0; reserved[i]; i++)
		if (strcmp(reserved[i], word) == 0)
			return false;
	return *word && is_name(&token);
}

static bool check_name(struct scan *scan, const char *word)
{
	struct pa_cursor cursor = { .allow = scan->allow, .source = scan->source, .at = scan->at, .end = scan->at + 1 };
	if (scan->at->kind != PA_TOKEN_WORD) {
		pa_cursor_expected(&cursor, pa_allow_text(scan->allow, "the name of the %s", word));
		return false;
	}
	const char *shown = pa_allow_shown(scan->allow, scan->at->text, scan->at->length);
	if (!is_name(scan->at)) {
		pa_allow_form_error(scan->allow, place_at(scan), "a name is a letter, then letters, digits, '-', '_' and '.'",
				    "'%s' cannot be a name", shown);
		return false;
	}
	for (size_t i = 0; reserved[i]; i++) {
		if (pa_token_is(scan->at, reserved[i])) {
			pa_allow_form_error(scan->allow, place_at(scan), NULL,
					    "'%s' is a word of the language and cannot be a name", shown);
			return false;
		}
	}
	return true;
}

static void scan_definition(struct scan *scan, enum pa_definition_kind kind)
{
	struct pa_definition definition = { .kind = kind, .source = scan->source, .token = scan->at + 1, .scope = scan->scope };
	scan->at++;
	bool named = check_name(scan, pa_definition_word(kind));
	if (named && scan->at[1].kind != PA_TOKEN_EQUALS) {
		struct pa_cursor cursor = {
			.allow = scan->allow, .source = scan->source, .at = scan->at + 1, .end = scan->at + 2
		};
		pa_cursor_expected(&cursor, "'='");
		named = false;
	}
	if (named) {
		definition.name = pa_arena_strndup(scan->allow->scratch, scan->at->text, scan->at->length);
		scan->at += 2;
		definition.body = scan->at;
	}
	find_end(scan);
	definition.end = scan->at;
	if (named)
		pa_names_add(scan->allow, &definition);
}

/* --- includes ----------------------------------------------------------------------------------------------------- */
static unsigned include_depth(const struct pa_source *source)
{
	unsigned depth = 0;
	for (; source->includer; source = source->includer)
		depth++;
	return depth;
}

/* The same file among those that are being read. */
static bool is_loop(const struct pa_source *source)
{
	for (const struct pa_source *outer = source->includer; outer; outer = outer->includer)
		if (source->inode && outer->inode == source->inode && outer->device == source->device)
			return true;
	return false;
}

static void include_file(struct scan *scan, const char *path, struct pa_place place)
{
	if (include_depth(scan->source) >= PA_ALLOW_INCLUDE_DEPTH_MAX) {
		pa_allow_meaning_error(scan->allow, place, NULL, "includes are nested more than %d deep",
				       (int)PA_ALLOW_INCLUDE_DEPTH_MAX);
		return;
	}
	struct pa_source *source = pa_source_read(scan->allow, path, PA_ALLOW_FILE_SIZE_MAX, place);
	if (!source)
		return;
	source->includer = scan->source;
	if (is_loop(source))
		pa_allow_meaning_error(scan->allow, place, NULL, "%s includes itself", path);
	else
		pa_allow_scan(scan->allow, source, scan->scope);
	source->includer = NULL;
}

static int compare_paths(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;
	return strcmp(*a, *b);
}

/* In the order of bytes, whatever the locale. No match is no error, a folder that cannot be read is one. */
static void include_glob(struct scan *scan, const char *pattern, struct pa_place place)
{
	glob_t found = { 0 };
	errno = 0;
	int status = glob(pattern, GLOB_ERR | GLOB_NOSORT, NULL, &found);
	if (status == GLOB_ABORTED)
		pa_allow_meaning_error(scan->allow, place, NULL, "cannot read the folder of %s: %s", pattern,
				       strerrordesc_np(errno ? errno : EIO));
	else if (status == GLOB_NOSPACE)
		pa_allow_meaning_error(scan->allow, place, NULL, "cannot read %s: %s", pattern, strerrordesc_np(ENOMEM));
	if (status == 0) {
		qsort(found.gl_pathv, found.gl_pathc, sizeof(char *), compare_paths);
		for (size_t i = 0; i < found.gl_pathc; i++)
			include_file(scan, pa_arena_strdup(scan->allow->policy->arena, found.gl_pathv[i]), place);
	}
	globfree(&found);
}

static void scan_include(struct scan *scan)
{
	struct pa_cursor cursor = { .allow = scan->allow, .source = scan->source, .at = scan->at + 1 };
	find_end(scan);
	cursor.end = scan->at;
	if (!pa_cursor_is(&cursor, PA_TOKEN_STRING)) {
		pa_cursor_expected(&cursor, "a file name in double quotes");
		return;
	}
	struct pa_place place = pa_cursor_place(&cursor);
	const char *name = pa_token_string(scan->allow, cursor.at++);
	if (!pa_cursor_done(&cursor)) {
		pa_cursor_expected(&cursor, "the end of the line");
		return;
	}
	if (*name == '\0')
		pa_allow_form_error(scan->allow, place, NULL, "the file name is empty");
	else if (strpbrk(name, "*?["))
		include_glob(scan, pa_source_relative(scan->allow, scan->source, name), place);
	else
		include_file(scan, pa_source_relative(scan->allow, scan->source, name), place);
}

/* --- host blocks ---------------------------------------------------------------------------------------------------- */
static void scan_statements(struct scan *scan, const struct pa_token *open);

/* HOSTGLOB { "," HOSTGLOB } "{". false: an error was added. */
static bool scan_globs(struct scan *scan, struct pa_cursor *cursor, bool *ret_matches)
{
	*ret_matches = false;
	do {
		if (!pa_cursor_expect_word(cursor, "the name of a host"))
			return false;
		const char *glob = pa_cursor_word(cursor);
		if (scan->allow->host && pa_text_glob(glob, scan->allow->host))
			*ret_matches = true;
	} while (pa_cursor_take(cursor, PA_TOKEN_COMMA));
	static const char *const legal[] = { ",", "{", NULL };
	if (pa_cursor_is(cursor, PA_TOKEN_OPEN))
		return true;
	pa_cursor_unexpected(cursor, legal);
	return false;
}

static void expect_line_end(struct scan *scan, const char *after)
{
	if (scan->at->kind == PA_TOKEN_EOL || scan->at->kind == PA_TOKEN_END || scan->at->kind == PA_TOKEN_BAD)
		return;
	pa_allow_form_error(scan->allow, place_at(scan), NULL, "expected the end of the line after '%s'", after);
}

/* Behind the `}` that belongs to the `{` before `at`. */
static void skip_braces(struct scan *scan)
{
	for (unsigned depth = 1; depth && scan->at->kind != PA_TOKEN_END; scan->at++) {
		depth += scan->at->kind == PA_TOKEN_OPEN;
		depth -= scan->at->kind == PA_TOKEN_CLOSE;
	}
}

/* Even a block that does not apply is read, for its errors. A wrong head: nothing in the block applies. */
static void scan_host(struct scan *scan)
{
	const struct pa_token *end = scan->at;
	while (end->kind != PA_TOKEN_EOL && end->kind != PA_TOKEN_END)
		end++;
	struct pa_cursor cursor = { .allow = scan->allow, .source = scan->source, .at = scan->at + 1, .end = end };
	bool matches;
	if (!scan_globs(scan, &cursor, &matches)) {
		while (cursor.at < end && cursor.at->kind != PA_TOKEN_OPEN)
			cursor.at++;
		scan->at = cursor.at;
		matches = false;
		if (cursor.at == end)
			return;
	}
	struct pa_scope *outer = scan->scope;
	const struct pa_token *open = cursor.at;
	scan->at = open + 1;
	expect_line_end(scan, "{");
	if (outer->depth >= PA_ALLOW_HOST_DEPTH_MAX) {
		pa_allow_form_error(scan->allow, pa_token_place(scan->source, open), NULL,
				    "host blocks are nested more than %d deep", (int)PA_ALLOW_HOST_DEPTH_MAX);
		skip_braces(scan);
		return;
	}
	scan->scope = pa_arena_alloc(scan->allow->scratch, 1, sizeof(*scan->scope));
	*scan->scope = (struct pa_scope){
		.parent = outer, .id = ++scan->allow->scope_count, .depth = outer->depth + 1, .active = outer->active && matches
	};
	scan_statements(scan, open);
	scan->scope = outer;
	if (scan->at[-1].kind == PA_TOKEN_CLOSE)
		expect_line_end(scan, "}");
}

/* --- statements -------------------------------------------------------------------------------------------------------- */
static void unknown_statement(struct scan *scan)
{
	const struct pa_token *token = scan->at;
	if (token->kind == PA_TOKEN_BAD)
		return;
	const char *shown = pa_allow_shown(scan->allow, token->text, token->length);
	if (token->kind != PA_TOKEN_WORD) {
		pa_allow_form_error(scan->allow, place_at(scan), NULL, "a statement cannot begin with '%s'", shown);
		return;
	}
	struct pa_suggestion suggestion = pa_suggestion_start(scan->allow, token->text, token->length);
	pa_suggestion_offer_all(&suggestion, pa_allow_statement_words);
	pa_allow_form_error(scan->allow, place_at(scan),
			    pa_suggestion_help(&suggestion,
					       "a line begins with network, zone, service, set, check, include, allow, deny, "
					       "require, listen, waive or host"),
			    "unknown statement '%s'", shown);
}

static void scan_statement(struct scan *scan)
{
	const struct pa_token *first = scan->at;
	if (pa_token_is(first, "network")) {
		scan_definition(scan, PA_DEFINE_NETWORK);
	} else if (pa_token_is(first, "zone")) {
		scan_definition(scan, PA_DEFINE_ZONE);
	} else if (pa_token_is(first, "service")) {
		scan_definition(scan, PA_DEFINE_SERVICE);
	} else if (pa_token_is(first, "include")) {
		scan_include(scan);
	} else if (pa_token_is(first, "host")) {
		scan_host(scan);
	} else {
		bool known = is_statement_word(first);
		if (!known)
			unknown_statement(scan);
		find_end(scan);
		if (known)
			keep_span(scan, first);
	}
}

/* Until the `}` of `open`, which is taken, or (open NULL) the end of the file. */
static void scan_statements(struct scan *scan, const struct pa_token *open)
{
	while (scan->at->kind != PA_TOKEN_END) {
		if (scan->at->kind == PA_TOKEN_EOL) {
			scan->at++;
		} else if (scan->at->kind == PA_TOKEN_CLOSE && open) {
			if (scan->at[-1].kind != PA_TOKEN_EOL && scan->at[-1].kind != PA_TOKEN_OPEN)
				pa_allow_form_error(scan->allow, place_at(scan), NULL, "the '}' of a host block begins a line");
			scan->at++;
			return;
		} else if (scan->at->kind == PA_TOKEN_CLOSE) {
			pa_allow_form_error(scan->allow, place_at(scan), NULL, "'}' closes nothing");
			scan->at++;
		} else {
			scan_statement(scan);
		}
	}
	if (open)
		not_closed(scan, open);
}

void pa_allow_scan(struct pa_allow *allow, struct pa_source *source, struct pa_scope *scope)
{
	struct scan scan = { .allow = allow, .source = source, .scope = scope };
	pa_source_lex(allow, source);
	scan.at = source->tokens;
	scan_statements(&scan, NULL);
}
