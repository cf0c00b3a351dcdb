/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the policy parser share. Nobody else includes this.
 *
 *   source.c    files: only regular ones, of bounded size; bytes that a policy may not hold
 *   lexer.c     text -> tokens
 *   scan.c      tokens -> statements, definitions, host blocks, includes (all files are read here)
 *   names.c     the definitions by name; each is resolved once, wherever it stands
 *   cursor.c    walking the tokens of one statement
 *   address.c, address_set.c, interface.c, what.c, port.c, who.c, field.c    the parts of a statement
 *   verdict.c   allow, deny, require, listen, waive
 *   setting.c   set, check
 *   error.c     errors with places; suggest.c: "did you mean"
 *   service.c   the compiled-in tables; word.c: severities, paths, days
 *   print.c     the canonical text of a statement
 *   policy.c    pa_policy_load() and its kin
 *   layout.c    pa_policy_layout(): the file in canonical form (fmt)
 *   reminder.c  what is no error, but worth a word (lint)
 *
 * Definitions may stand after their use, so all files are read and split into statements before any is understood.
 */
#ifndef PORTAUDIT_RULES_ALLOW_H
#define PORTAUDIT_RULES_ALLOW_H

#include <sys/types.h>

#include "portaudit/policy.h"

/* --- limits: beyond them a policy is refused, with a sentence ------------------------------------------------ */
enum {
	PA_ALLOW_LINE_MAX = 65536, /* bytes of a line */
	PA_ALLOW_FILES_MAX = 1000, /* included files and address lists */
	PA_ALLOW_INCLUDE_DEPTH_MAX = 16,
	PA_ALLOW_HOST_DEPTH_MAX = 16,	/* host blocks inside host blocks */
	PA_ALLOW_NAME_DEPTH_MAX = 64,	/* names defined by names */
	PA_ALLOW_EXCEPT_DEPTH_MAX = 16, /* except ... except ... */
	PA_ALLOW_ERRORS_SHOWN = 100,
	PA_ALLOW_WORD_SHOWN = 60, /* bytes of a word that a message quotes */
};
#define PA_ALLOW_FILE_SIZE_MAX ((size_t)16 << 20)
#define PA_ALLOW_LIST_SIZE_MAX ((size_t)256 << 20)

/* --- tokens ------------------------------------------------------------------------------------------------- */
enum pa_token_kind {
	PA_TOKEN_WORD,
	PA_TOKEN_STRING, /* with its quotes */
	PA_TOKEN_COMMA,
	PA_TOKEN_OPEN,
	PA_TOKEN_CLOSE,
	PA_TOKEN_SEMICOLON,
	PA_TOKEN_EQUALS,
	PA_TOKEN_EOL,
	PA_TOKEN_END, /* of the file; always the last token */
	PA_TOKEN_BAD, /* the lexer has reported it: no second error */
};

struct pa_token {
	const char *text;
	uint32_t length;
	uint32_t line;
	enum pa_token_kind kind;
};

/* One file. path lives in the policy's arena. */
struct pa_source {
	const char *path;
	const char *text;
	size_t length;
	char *owned;	    /* text, when it was read here */
	const char **lines; /* where each line begins */
	size_t line_count;
	struct pa_token *tokens;
	size_t token_count;
	size_t index; /* in order of reading, which is the order of reporting */
	dev_t device;
	ino_t inode;		    /* 0: not from a file */
	struct pa_source *includer; /* while it is being read */
};

/* A stretch of a line, for errors. */
struct pa_place {
	const struct pa_source *source;
	uint32_t line, column, length;
};

/* --- names -------------------------------------------------------------------------------------------------- */
/* A host block, or (parent NULL) the whole policy. Names of a block are seen inside it only. */
struct pa_scope {
	struct pa_scope *parent;
	unsigned id;
	unsigned depth;
	bool active;	   /* this block and all around it speak of the host in question */
	unsigned settings; /* bit per enum pa_setting that it sets */
};

enum pa_definition_kind { PA_DEFINE_NETWORK, PA_DEFINE_ZONE, PA_DEFINE_SERVICE };
enum pa_definition_state { PA_DEFINITION_NEW, PA_DEFINITION_BUSY, PA_DEFINITION_DONE, PA_DEFINITION_FAILED };

struct pa_items {
	struct pa_service_item *items;
	size_t count;
};

struct pa_definition {
	enum pa_definition_kind kind;
	enum pa_definition_state state;
	const char *name;
	const struct pa_source *source;
	const struct pa_token *token; /* the name */
	const struct pa_token *body, *end;
	const struct pa_scope *scope;
	size_t order;
	unsigned depth; /* names below it */
	bool used;
	union {
		struct pa_addresses network;
		struct pa_interfaces zone;
		struct pa_items service;
	} value;
};

/* The tokens of one statement, `end` excluded (EOL, CLOSE or END). */
struct pa_span {
	const struct pa_source *source;
	const struct pa_token *first, *end;
	struct pa_scope *scope;
};

enum pa_setting {
	PA_SETTING_FAIL_ON,
	PA_SETTING_WAIVER_MAX,
	PA_SETTING_REQUIRE_FIELDS,
	PA_SETTING_LOOPBACK,
	PA_SETTING_SELF,
	PA_SETTING_UNTRUSTED,
	PA_SETTING_COUNT,
};

struct pa_allow_error {
	enum pa_diag_level level;
	struct pa_place place;
	const char *message;
	const char *help;
	bool with_line;
};

/* The whole of one parse. */
struct pa_allow {
	struct pa_policy *policy;
	struct pa_arena *scratch; /* what the policy does not keep */
	const char *host;
	bool (*check_known)(const char *id);
	struct pa_source **sources;
	size_t source_count, source_capacity;
	size_t text_total;
	struct pa_definition **definitions; /* sorted by kind, name, scope once all files are read */
	size_t definition_count, definition_capacity;
	struct pa_span *spans;
	size_t span_count, span_capacity;
	size_t statement_capacity, check_capacity;
	unsigned *check_depths; /* of the scope that set each check */
	size_t check_depth_capacity;
	unsigned scope_count;
	unsigned name_depth;			  /* definitions that are being resolved */
	struct pa_definition *resolving;	  /* the innermost of them */
	unsigned setting_depth[PA_SETTING_COUNT]; /* 1 + depth of the scope that has set it */
	struct pa_allow_error *errors;
	size_t error_count, error_capacity;
	size_t suggestion_budget; /* candidates that may still be looked at */
};

/* --- error.c ------------------------------------------------------------------------------------------------- */
/* Errors of form (the line is shown) and of meaning (the word is quoted). help may be NULL; strings are copied. */
__attribute__((format(printf, 4, 5))) void pa_allow_form_error(struct pa_allow *allow, struct pa_place place, const char *help,
							       const char *format, ...);
__attribute__((format(printf, 4, 5))) void pa_allow_meaning_error(struct pa_allow *allow, struct pa_place place,
								  const char *help, const char *format, ...);
__attribute__((format(printf, 4, 5))) void pa_allow_warning(struct pa_allow *allow, struct pa_place place, const char *help,
							    const char *format, ...);
/* Text in the scratch arena, for help. */
__attribute__((format(printf, 2, 3))) const char *pa_allow_text(struct pa_allow *allow, const char *format, ...);
/* A word as messages quote it, at most PA_ALLOW_WORD_SHOWN bytes. */
const char *pa_allow_shown(struct pa_allow *allow, const char *text, size_t length);
bool pa_allow_has_errors(const struct pa_allow *allow);
/* Sort, and hand the first PA_ALLOW_ERRORS_SHOWN over. */
void pa_allow_errors_report(struct pa_allow *allow, struct pa_diags *diags);

/* --- suggest.c ----------------------------------------------------------------------------------------------- */
struct pa_suggestion {
	struct pa_allow *allow;
	char word[PA_ALLOW_WORD_SHOWN + 1]; /* in lower case */
	size_t length;			    /* 0: too long to be a slip */
	unsigned distance;		    /* of best; before: the limit + 1 */
	const char *best;
};
struct pa_suggestion pa_suggestion_start(struct pa_allow *allow, const char *text, size_t length);
void pa_suggestion_offer(struct pa_suggestion *suggestion, const char *candidate);
void pa_suggestion_offer_all(struct pa_suggestion *suggestion, const char *const *candidates); /* NULL-terminated */
/* "did you mean 'x'?", or `otherwise`. */
const char *pa_suggestion_help(const struct pa_suggestion *suggestion, const char *otherwise);

/* --- reminder.c: warnings for `lint` ------------------------------------------------------------------------ */
/* After all is understood: names that nothing uses, FIXME, fields that say nothing where they stand. */
void pa_allow_remind(struct pa_allow *allow);

/* --- source.c ------------------------------------------------------------------------------------------------ */
/* Read a regular file. NULL: an error was added at `place`. The source is owned by allow. */
struct pa_source *pa_source_read(struct pa_allow *allow, const char *path, size_t size_max, struct pa_place place);
/* The same from memory that outlives the parse. */
struct pa_source *pa_source_of_text(struct pa_allow *allow, const char *text, size_t length, const char *name);
/* `name` as written in `source`: relative to its folder. In the policy's arena. */
const char *pa_source_relative(struct pa_allow *allow, const struct pa_source *source, const char *name);
/* The length of line `line` (from 1) without its line end; *ret_text is where it begins. */
size_t pa_source_line(const struct pa_source *source, uint32_t line, const char **ret_text);
/* Report bytes that have no place in a policy. false: the line is not to be looked at. */
bool pa_source_check_line(struct pa_allow *allow, const struct pa_source *source, uint32_t line);
void pa_sources_free(struct pa_allow *allow);

/* --- lexer.c, scan.c ------------------------------------------------------------------------------------------ */
void pa_source_lex(struct pa_allow *allow, struct pa_source *source);
/* The string's characters without quotes and escapes, in the policy's arena. */
const char *pa_token_string(struct pa_allow *allow, const struct pa_token *token);
bool pa_token_is(const struct pa_token *token, const char *word);
struct pa_place pa_token_place(const struct pa_source *source, const struct pa_token *token);
void pa_allow_scan(struct pa_allow *allow, struct pa_source *source, struct pa_scope *scope);
/* "expected ..., found ...": the help lists the words that begin a line. */
extern const char *const pa_allow_statement_words[];

/* --- names.c -------------------------------------------------------------------------------------------------- */
void pa_names_add(struct pa_allow *allow, const struct pa_definition *definition);
/* All names are known: sort them, report doubles, resolve every definition. */
void pa_names_resolve(struct pa_allow *allow);
/* NULL: there is none. Resolved, or state FAILED (then an error has been added). */
const struct pa_definition *pa_names_find(struct pa_allow *allow, enum pa_definition_kind kind, const struct pa_scope *scope,
					  const char *name, struct pa_place place);
bool pa_names_defined(const struct pa_allow *allow, enum pa_definition_kind kind, const struct pa_scope *scope,
		      const char *name);
void pa_names_offer(const struct pa_allow *allow, enum pa_definition_kind kind, const struct pa_scope *scope,
		    struct pa_suggestion *suggestion);
const char *pa_definition_word(enum pa_definition_kind kind); /* "network" */
/* The services that hold for this host become a part of the policy. */
void pa_names_keep_services(struct pa_allow *allow);

/* --- cursor.c: one statement ------------------------------------------------------------------------------------ */
struct pa_cursor {
	struct pa_allow *allow;
	const struct pa_source *source;
	const struct pa_scope *scope;
	const struct pa_token *at, *end;
	unsigned except_depth;
};
bool pa_cursor_done(const struct pa_cursor *cursor);
bool pa_cursor_is(const struct pa_cursor *cursor, enum pa_token_kind kind);
bool pa_cursor_is_word(const struct pa_cursor *cursor, const char *word);
bool pa_cursor_take(struct pa_cursor *cursor, enum pa_token_kind kind);
bool pa_cursor_take_word(struct pa_cursor *cursor, const char *word);
/* The place of the next token; at the end: just after the last one. */
struct pa_place pa_cursor_place(const struct pa_cursor *cursor);
/* A copy of the next word or string as written, in the scratch arena; moves on. Only when one is there. */
const char *pa_cursor_word(struct pa_cursor *cursor);
/* Is the next token a word? If not: error "expected `what`". */
bool pa_cursor_expect_word(struct pa_cursor *cursor, const char *what);
/*
 * The next token is none of the words that are legal here (NULL-terminated; "{" may be among them): error of form, with
 * a suggestion among them.
 */
void pa_cursor_unexpected(struct pa_cursor *cursor, const char *const *legal);
/* The same where something else than given words belongs: "an address". */
void pa_cursor_expected(struct pa_cursor *cursor, const char *what);
/* The index of the next word in the list, moving on; -1 (nothing said, nothing taken) if it is not in it. */
int pa_cursor_choose(struct pa_cursor *cursor, const char *const *words);

/* --- the parts of statements: false means that an error of form was added and the statement cannot be read on ------ */
bool pa_parse_addresses(struct pa_cursor *cursor, struct pa_addresses *ret_addresses);
bool pa_parse_interfaces(struct pa_cursor *cursor, struct pa_interfaces *ret_interfaces);
bool pa_parse_what(struct pa_cursor *cursor, struct pa_items *ret_items);
bool pa_parse_ports(struct pa_cursor *cursor, struct pa_ports *ret_ports);
/* `{ ... }`, when there is one. Errors in it are all reported. */
void pa_parse_block(struct pa_cursor *cursor, struct pa_fields *fields);
/* YYYY-MM-DD; a wrong date is reported and leaves *ret_day alone. */
bool pa_parse_date(struct pa_cursor *cursor, pa_day *ret_day);
/* whos = who { "," who } (who.c). */
bool pa_parse_whos(struct pa_cursor *cursor, struct pa_whos *ret_whos);
bool pa_cursor_is_who(const struct pa_cursor *cursor);
/* Statements; the keyword is the next token. */
void pa_parse_verdict(struct pa_cursor *cursor, enum pa_statement_kind kind, bool active);
void pa_parse_listen(struct pa_cursor *cursor, bool active);
void pa_parse_waive(struct pa_cursor *cursor, bool active);
void pa_parse_setting(struct pa_cursor *cursor, struct pa_scope *scope);
void pa_parse_check(struct pa_cursor *cursor, const struct pa_scope *scope);
/* A check id, with error: "PA-EXP-001" in the policy's arena, or NULL. */
const char *pa_parse_check_id(struct pa_cursor *cursor);
extern const char *const pa_level_words[]; /* "info" ... in the order of enum pa_severity */

/* One address word. Not an address at all: false, nothing said. Wrong: true with *ret_family 0, an error was added. */
bool pa_address_word(struct pa_allow *allow, struct pa_place place, const char *word, struct pa_interval *ret_interval,
		     int *ret_family);

/* --- port.c: ports and ICMP types in words ------------------------------------------------------------------------ */
struct pa_port_spec {
	bool any, ephemeral;
	struct pa_interval range;
};
/* "22", "80-90", "system"? Then true; out of range or reversed: *ret_ok false, an error was added. `suffix`: "/tcp", for help. */
bool pa_port_spec_parse(struct pa_allow *allow, struct pa_place place, const char *text, const char *suffix,
			struct pa_port_spec *ret_spec, bool *ret_ok);
bool pa_icmp_spec_parse(struct pa_allow *allow, struct pa_place place, const char *text, unsigned protocol,
			struct pa_service_item *item);
bool pa_number_parse(const char *text, size_t length, unsigned long *ret_number); /* digits only; saturates */
bool pa_port_is_pending(const char *text, size_t length); /* a number, a range or a class: needs "/PROTO" after it */

/* --- address_set.c: addresses while they are put together ------------------------------------------------------------ */
struct pa_span_list {
	struct pa_interval *items;
	size_t count, capacity;
};
/* By family (0: IPv4, 1: IPv6): the part among addresses that are not the host's, and, once split, among those that are. */
struct pa_address_set {
	struct pa_span_list foreign[2], own[2];
	bool split;
};
void pa_span_list_add(struct pa_span_list *list, struct pa_interval interval);
void pa_span_list_normalise(struct pa_span_list *list);
struct pa_interval *pa_span_list_keep(const struct pa_span_list *list, struct pa_arena *arena);
void pa_address_set_add(struct pa_address_set *set, int family, struct pa_interval interval);
void pa_address_set_add_all(struct pa_address_set *set);
void pa_address_set_add_self(struct pa_address_set *set);
void pa_address_set_unite(struct pa_address_set *set, const struct pa_addresses *other);
void pa_address_set_minus(struct pa_address_set *set, struct pa_address_set *other); /* normalises both */
bool pa_address_set_is_empty(const struct pa_address_set *set);
void pa_address_set_keep(struct pa_address_set *set, struct pa_arena *arena, struct pa_addresses *ret_addresses);
void pa_address_set_done(struct pa_address_set *set);

/* --- service.c -------------------------------------------------------------------------------------------------------- */
struct pa_protocol_row {
	const char *name;
	unsigned number;
	bool has_ports;
};
const struct pa_protocol_row *pa_protocol_find(const char *name);
const struct pa_protocol_row *pa_protocol_of(unsigned number);
void pa_protocols_offer(struct pa_suggestion *suggestion);
void pa_services_offer(struct pa_suggestion *suggestion);
/* The types that a name stands for; false: unknown. */
bool pa_icmp_find(unsigned protocol, const char *name, struct pa_interval *ret_type, struct pa_interval *ret_code);
void pa_icmp_offer(unsigned protocol, struct pa_suggestion *suggestion);

/* --- print.c ------------------------------------------------------------------------------------------------------------ */
/* The tokens on one line in canonical spacing, in the policy's arena. */
const char *pa_tokens_text(struct pa_allow *allow, const struct pa_token *first, const struct pa_token *end);
/* One token of it, with the blank before it that it needs. */
void pa_token_print(const struct pa_token *token, bool is_first, struct pa_buffer *out);

#endif
