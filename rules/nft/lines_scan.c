/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A light scan of nft scripts: enough of the grammar to see where rules begin. Whatever it does not know makes it say
 * that it knows nothing ("X"); whatever it takes wrongly is found out when the rules of a chain are counted.
 */
#include "lines.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define WORDS_MAX 8
#define INCLUDE_DEPTH_MAX 16 /* as in nft */
#define FILE_SIZE_MAX ((off_t)1 << 30)

/* A word of a statement; quotes are taken off. */
struct word {
	const char *text;
	size_t length;
	uint32_t line;
	uint32_t column;
	bool quoted;
};

/* The beginning of a statement, up to its end or to a '{'. */
struct statement {
	struct word words[WORDS_MAX];
	size_t count;
};

/* What the statements of a block are about. */
enum place_kind { IN_FILE, IN_TABLE, IN_CHAIN };
struct place {
	enum place_kind kind;
	struct word family, table, chain;
};

struct scan {
	const char *file;
	const char *at;
	const char *end;
	const char *line_start;
	uint32_t line;
	unsigned depth; /* of includes */
	const char *const *folders;
	struct pa_buffer *out;
};

static const struct word default_family = { .text = "ip", .length = 2 };
static const struct word any = { .text = "*", .length = 1 };

/* --- words ------------------------------------------------------------------------------------------------- */

static void newline(struct scan *scan)
{
	scan->at++;
	scan->line++;
	scan->line_start = scan->at;
}

/* Skips blanks, comments and escaped line ends; stops at a line end. */
static void skip_blanks(struct scan *scan)
{
	while (scan->at < scan->end) {
		if (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\r') {
			scan->at++;
		} else if (*scan->at == '\\' && scan->at + 1 < scan->end && scan->at[1] == '\n') {
			scan->at++;
			newline(scan);
		} else if (*scan->at == '#') {
			while (scan->at < scan->end && *scan->at != '\n')
				scan->at++;
		} else {
			return;
		}
	}
}

static bool ends_word(char c)
{
	return c != '\0' && strchr(" \t\r\n;{}#\"", c) != NULL;
}

static struct word take_word(struct scan *scan)
{
	struct word word = { .text = scan->at, .line = scan->line, .column = (uint32_t)(scan->at - scan->line_start) + 1 };

	if (*scan->at == '"') {
		word.quoted = true;
		word.text = ++scan->at;
		while (scan->at < scan->end && *scan->at != '"' && *scan->at != '\n')
			scan->at++;
		word.length = (size_t)(scan->at - word.text);
		if (scan->at < scan->end && *scan->at == '"')
			scan->at++;
		return word;
	}
	while (scan->at < scan->end && !ends_word(*scan->at))
		scan->at++;
	word.length = (size_t)(scan->at - word.text);
	return word;
}

static bool is(const struct word *word, const char *text)
{
	return !word->quoted && word->length == strlen(text) && memcmp(word->text, text, word->length) == 0;
}

static bool is_one_of(const struct word *word, const char *const *texts)
{
	for (; *texts; texts++)
		if (is(word, *texts))
			return true;
	return false;
}

static bool is_family(const struct word *word)
{
	static const char *const families[] = { "ip", "ip6", "inet", "arp", "bridge", "netdev", NULL };

	return is_one_of(word, families);
}

/* Skips a block, whose '{' was read, to after its '}'. */
static void skip_block(struct scan *scan)
{
	unsigned depth = 1;

	while (scan->at < scan->end && depth > 0) {
		skip_blanks(scan);
		if (scan->at >= scan->end)
			return;
		if (*scan->at == '\n') {
			newline(scan);
		} else if (*scan->at == '"') {
			take_word(scan);
		} else {
			depth += *scan->at == '{';
			depth -= *scan->at == '}';
			scan->at++;
		}
	}
}

/* --- records ----------------------------------------------------------------------------------------------- */

static void put_word(struct scan *scan, const struct word *word, char end)
{
	pa_buffer_add(scan->out, word->text, word->length);
	pa_buffer_putc(scan->out, end);
}

static void put_chain(struct scan *scan, char record, const struct word *family, const struct word *table,
		      const struct word *chain, char end)
{
	/* A variable stands for a name that is not known here. */
	bool known = !memchr(table->text, '$', table->length) && !memchr(chain->text, '$', chain->length) &&
		     !memchr(family->text, '$', family->length);

	pa_buffer_putc(scan->out, known ? record : 'X');
	put_word(scan, known ? family : &any, '\t');
	put_word(scan, known ? table : &any, '\t');
	put_word(scan, known ? chain : &any, known ? end : '\n');
}

static void put_place(struct scan *scan, char record, const struct word *family, const struct word *table,
		      const struct word *chain, const struct word *first)
{
	size_t before = scan->out->length;

	put_chain(scan, record, family, table, chain, '\t');
	if (scan->out->data[before] == record)
		pa_buffer_printf(scan->out, "%u\t%u\n", first->line, first->column);
}

static void put_unknown(struct scan *scan, const struct word *family, const struct word *table, const struct word *chain)
{
	put_chain(scan, 'X', family, table, chain, '\n');
}

static void put_file(struct scan *scan)
{
	pa_buffer_putc(scan->out, 'F');
	for (const char *c = scan->file; *c; c++)
		pa_buffer_putc(scan->out, *c == '\n' ? '?' : *c);
	pa_buffer_putc(scan->out, '\n');
}

/* --- statements -------------------------------------------------------------------------------------------- */

static void scan_block(struct scan *scan, const struct place *place);

static void scan_file(struct scan *outer, const char *path)
{
	struct scan scan = { .file = path, .line = 1, .depth = outer->depth + 1, .folders = outer->folders, .out = outer->out };
	const struct place place = { .kind = IN_FILE };
	struct stat state;
	char *text = NULL;
	FILE *file;

	if (stat(path, &state) != 0 || !S_ISREG(state.st_mode) || state.st_size > FILE_SIZE_MAX)
		return;
	file = fopen(path, "re");
	if (!file)
		return;
	text = pa_xmalloc((size_t)state.st_size + 1);
	scan.at = scan.line_start = text;
	scan.end = text + fread(text, 1, (size_t)state.st_size, file);
	fclose(file);
	put_file(&scan);
	scan_block(&scan, &place);
	put_file(outer);
	free(text);
}

/* The files of an include, as nft finds them: a name without a folder is searched, a pattern may match none. */
static bool include_from(struct scan *scan, const char *folder, const struct word *name)
{
	char pattern[4096];
	glob_t found;
	int length =
		snprintf(pattern, sizeof(pattern), "%s%s%.*s", folder, folder[0] ? "/" : "", (int)name->length, name->text);
	bool any_found;

	if (name->length > 2048 || length < 0 || (size_t)length >= sizeof(pattern) || glob(pattern, 0, NULL, &found) != 0)
		return false;
	any_found = found.gl_pathc > 0;
	for (size_t i = 0; i < found.gl_pathc; i++)
		scan_file(scan, found.gl_pathv[i]);
	globfree(&found);
	return any_found;
}

static void scan_include(struct scan *scan, const struct word *name)
{
	bool has_folder =
		name->length > 0 && (name->text[0] == '/' || memcmp(name->text, "./", name->length < 2 ? 1 : 2) == 0 ||
				     (name->length > 2 && memcmp(name->text, "../", 3) == 0));

	if (scan->depth >= INCLUDE_DEPTH_MAX)
		return;
	if (has_folder) {
		include_from(scan, "", name);
		return;
	}
	if (include_from(scan, "/etc", name))
		return;
	for (size_t i = 0; scan->folders && scan->folders[i]; i++)
		if (include_from(scan, scan->folders[i], name))
			return;
}

/* Takes "[family] table [chain]" from words[at]; a table or chain that is not given is `any`. Returns the next index. */
static size_t take_names(const struct statement *statement, size_t at, struct place *ret_place)
{
	*ret_place = (struct place){ .family = default_family, .table = any, .chain = any };
	if (at < statement->count && is_family(&statement->words[at]))
		ret_place->family = statement->words[at++];
	if (at < statement->count)
		ret_place->table = statement->words[at++];
	if (at < statement->count)
		ret_place->chain = statement->words[at++];
	return at;
}

static void end_rule_command(struct scan *scan, const struct statement *statement, size_t at, bool appends)
{
	static const char *const positions[] = { "position", "handle", "index", NULL };
	struct place place;
	size_t rest = take_names(statement, at, &place);

	if (appends && rest < statement->count && !is_one_of(&statement->words[rest], positions))
		put_place(scan, 'R', &place.family, &place.table, &place.chain, &statement->words[0]);
	else
		put_unknown(scan, &place.family, &place.table, &place.chain);
}

static const char *const objects[] = { "set",	   "map",	"element", "counter",  "quota", "limit",
				       "ct",	   "flowtable", "secmark", "synproxy", "meter", "define",
				       "undefine", "redefine",	"sets",	   "maps",     NULL };

/* A command of a file, outside of blocks: what can it do to the rules of chains? */
static void end_command(struct scan *scan, const struct statement *statement)
{
	static const char *const adds[] = { "add", "create", NULL }, *const changes[] = { "insert",  "replace", "delete",
											  "destroy", "flush",	"rename",
											  "reset",   NULL };
	static const char *const holders[] = { "table", "chain", NULL };
	const struct word *words = statement->words;
	bool adds_something = is_one_of(&words[0], adds), changes_something = is_one_of(&words[0], changes);
	size_t at = adds_something || changes_something ? 1 : 0;
	struct place place;

	if (is(&words[0], "include") && statement->count > 1) {
		scan_include(scan, &words[1]);
		return;
	}
	if (at >= statement->count || is_one_of(&words[at], objects))
		return;
	if (is(&words[0], "flush") && is(&words[1], "ruleset") && statement->count == 2) {
		pa_buffer_puts(scan->out, "Z\n");
		return;
	}
	if (is(&words[at], "rule")) {
		end_rule_command(scan, statement, at + 1, !changes_something);
		return;
	}
	if (!is_one_of(&words[at], holders)) {
		put_unknown(scan, &any, &any, &any);
		return;
	}
	if (changes_something) {
		take_names(statement, at + 1, &place);
		if (is(&words[at], "table"))
			place.chain = any;
		put_unknown(scan, &place.family, &place.table, &place.chain);
	}
}

static void end_in_chain(struct scan *scan, const struct place *place, const struct statement *statement)
{
	static const char *const properties[] = { "comment", "device",	 "devices",  "flags",
						  "define",  "undefine", "redefine", NULL },
				 *const policies[] = { "type", "policy", NULL };

	if (is_one_of(&statement->words[0], policies))
		put_place(scan, 'P', &place->family, &place->table, &place->chain, &statement->words[0]);
	else if (is(&statement->words[0], "include") && statement->count > 1)
		put_unknown(scan, &place->family, &place->table, &place->chain);
	else if (!is_one_of(&statement->words[0], properties))
		put_place(scan, 'R', &place->family, &place->table, &place->chain, &statement->words[0]);
}

static void end_statement(struct scan *scan, const struct place *place, struct statement *statement)
{
	if (statement->count > 0) {
		switch (place->kind) {
		case IN_FILE:
			end_command(scan, statement);
			break;
		case IN_TABLE:
			if (is(&statement->words[0], "include") && statement->count > 1)
				put_unknown(scan, &place->family, &place->table, &any);
			break;
		case IN_CHAIN:
			end_in_chain(scan, place, statement);
			break;
		}
	}
	statement->count = 0;
}

/* A '{' was read after these words: does it open a table or a chain? */
static bool opens(const struct place *place, const struct statement *statement, struct place *ret_inner)
{
	static const char *const adds[] = { "add", "create", NULL };
	size_t at = statement->count > 0 && is_one_of(&statement->words[0], adds) ? 1 : 0;

	if (statement->count < at + 2)
		return false;
	if (place->kind == IN_FILE && (is(&statement->words[at], "table") || is(&statement->words[at], "chain"))) {
		take_names(statement, at + 1, ret_inner);
		ret_inner->kind = is(&statement->words[at], "table") ? IN_TABLE : IN_CHAIN;
		return true;
	}
	if (place->kind == IN_TABLE && is(&statement->words[0], "chain")) {
		*ret_inner = *place;
		ret_inner->kind = IN_CHAIN;
		ret_inner->chain = statement->words[1];
		return true;
	}
	return false;
}

static void open_block(struct scan *scan, const struct place *place, struct statement *statement)
{
	struct place inner;

	if (opens(place, statement, &inner)) {
		scan_block(scan, &inner);
		statement->count = 0;
	} else {
		skip_block(scan);
	}
}

/* Reads statements to the end of the block. Blocks nest at most three deep: file, table, chain. */
static void scan_block(struct scan *scan, const struct place *place)
{
	struct statement statement = { .count = 0 };

	for (;;) {
		skip_blanks(scan);
		if (scan->at >= scan->end || (*scan->at == '}' && place->kind != IN_FILE)) {
			scan->at += scan->at < scan->end;
			end_statement(scan, place, &statement);
			return;
		}
		if (*scan->at == '\n' || *scan->at == ';') {
			if (*scan->at == '\n')
				newline(scan);
			else
				scan->at++;
			end_statement(scan, place, &statement);
		} else if (*scan->at == '{') {
			scan->at++;
			open_block(scan, place, &statement);
		} else if (*scan->at == '}') {
			scan->at++; /* one too many: nft has refused this script */
		} else {
			struct word word = take_word(scan);
			if (statement.count < WORDS_MAX)
				statement.words[statement.count++] = word;
		}
	}
}

void pa_rule_lines_scan(const char *name, const char *text, size_t length, const char *const *folders, struct pa_buffer *out)
{
	struct scan scan = {
		.file = name, .at = text, .end = text + length, .line_start = text, .line = 1, .folders = folders, .out = out
	};
	const struct place place = { .kind = IN_FILE };

	put_file(&scan);
	scan_block(&scan, &place);
}
