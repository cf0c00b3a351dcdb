/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inner header of rules/iptables. A text goes through in this order:
 *
 *   words.c      a line becomes words                     family.c   which dump is of which family
 *   tables.c     lines become tables, chains, rule lines  option.c   the words of a rule line become options
 *   lower.c      a rule becomes steps                     match_*.c, target_*.c   one function per row of the registries
 */
#ifndef PORTAUDIT_IPTABLES_XT_H
#define PORTAUDIT_IPTABLES_XT_H

#include <string.h>

#include "iptables.h"

/* --- words.c --------------------------------------------------------------------------------------------------- */
struct pa_xt_word {
	const char *text;
	uint32_t column, length; /* in the line; with quotes */
	bool quoted;
};
struct pa_xt_line {
	const char *source; /* the whole line, without its end */
	uint32_t number;
	struct pa_xt_word *words;
	size_t count;
};

/* One text being read. */
struct pa_xt_reader {
	struct pa_arena *arena; /* of the ruleset */
	struct pa_ruleset *ruleset;
	struct pa_diags *diags;
	struct pa_ipsets *sets;
	const char *file;
	enum pa_diag_kind kind; /* of errors */
	size_t error_count;
};

/* false: a quote is not closed; the error is in diags. Counters `[1:2]` in front are left out. */
bool pa_xt_split(struct pa_xt_reader *reader, const char *text, size_t length, uint32_t number, struct pa_xt_line *ret_line);
/* An error at a word (NULL: at the line). Returns false, for `return pa_xt_error(...)`. */
__attribute__((format(printf, 4, 5))) bool pa_xt_error(struct pa_xt_reader *reader, const struct pa_xt_line *line,
						       const struct pa_xt_word *word, const char *format, ...);
/* What to do about the error that was added last. */
void pa_xt_help(struct pa_xt_reader *reader, const char *help);
/* The words as iptables-save writes them: quoted where they must be. */
void pa_xt_put_word(struct pa_buffer *out, const char *word);

/* --- family.c -------------------------------------------------------------------------------------------------- */
/* Where one table of a text stands, from its `*name` line on, and whose it is. */
struct pa_xt_span {
	size_t first, end; /* bytes of the text */
	uint32_t line;	   /* of `*name` */
	int family;
	bool guessed; /* nothing tells the family */
	bool legacy;
};
/* The tables of a text in order; *ret_spans is in the arena. Lines before the first and between them are passed over. */
size_t pa_xt_spans(struct pa_xt_reader *reader, const struct pa_iptables_text *text, struct pa_xt_span **ret_spans);

/* --- tables.c -------------------------------------------------------------------------------------------------- */
struct pa_xt_chain {
	const char *name;
	bool is_base;
	enum pa_hook hook;
	enum pa_verdict_kind policy;
	uint32_t line_number;
	struct pa_xt_rule **rules;
	size_t count, capacity;
};
struct pa_xt_table {
	int family;
	const char *name;
	const struct pa_xt_table_row *row;
	enum pa_table_source source;
	uint32_t line_number;
	struct pa_xt_chain **chains; /* base chains first, as the kernel has them */
	size_t count, capacity;
	struct pa_xt_chain **slots; /* the chains by the hash of their names, a power of two of them */
	size_t slot_count;
	bool replaced; /* the same table came once more */
};
/* What the kernel has of a table by itself. */
struct pa_xt_table_row {
	const char *name;
	enum pa_chain_type type; /* mangle's output is of type route */
	unsigned hooks;		 /* bit (1 << enum pa_hook) */
	int priority;		 /* nat: see tables.c */
	unsigned bit;		 /* one of PA_XT_IN_* */
};
struct pa_xt_chain *pa_xt_find_chain(const struct pa_xt_table *table, const char *name);
/* Reads a table; what is wrong in it is in diags. NULL: iptables has no such table. */
struct pa_xt_table *pa_xt_read_table(struct pa_xt_reader *reader, const char *text, const struct pa_xt_span *span,
				     const struct pa_xt_table *before);

/* --- extension.c: the registries --------------------------------------------------------------------------------- */
enum pa_xt_treatment {
	PA_XT_EXACT,	/* its function knows what it means; parts of it may still be opaque */
	PA_XT_OPAQUE,	/* headers and state do not decide it, but it is the same for the same packet */
	PA_XT_VOLATILE, /* two evaluations for one packet may differ */
	/* the same, and what is asked is understood: only the moment decides */
	PA_XT_TIME,
	PA_XT_RANDOM,
	PA_XT_COUNTED,
	PA_XT_PROCESSOR,
};
enum { PA_XT_V4 = 1, PA_XT_V6 = 2, PA_XT_BOTH = 3 };
enum { PA_XT_IN_FILTER = 1, PA_XT_IN_NAT = 2, PA_XT_IN_MANGLE = 4, PA_XT_IN_RAW = 8, PA_XT_IN_SECURITY = 16, PA_XT_ANY = 31 };

struct pa_xt_lowering;
struct pa_xt_use;
struct pa_xt_extension {
	const char *name;
	unsigned families;
	unsigned tables; /* targets: where the kernel takes it */
	enum pa_xt_treatment treatment;
	void (*lower)(struct pa_xt_lowering *lowering, const struct pa_xt_use *use);
	const char *options; /* "sport source-port=sport tcp-flags:2 syn:0": canonical names, numbers of arguments (1) */
};
const struct pa_xt_extension *pa_xt_find_match(const char *name, int family);
const struct pa_xt_extension *pa_xt_find_target(const char *name, int family);

/* One option as an extension's row spells it. */
struct pa_xt_option_row {
	const char *name;
	size_t length;
	const char *canonical;
	size_t canonical_length;
	unsigned arguments; /* 0, 1, 2, or PA_XT_MAYBE_ONE */
};
#define PA_XT_MAYBE_ONE 3u /* the next word, unless it is an option */
/* The next one of the list; false: there is none. Begin with *at = row->options. */
bool pa_xt_next_option(const char **at, struct pa_xt_option_row *ret_row);

/* --- option.c ---------------------------------------------------------------------------------------------------- */
/* An option of an extension, as it was given. */
struct pa_xt_option {
	const char *name;    /* canonical */
	const char *spelled; /* in full, as it was meant: an alias stays one */
	const struct pa_xt_word *word;
	bool negated;
	const struct pa_xt_word *arguments[2];
};
/* A match or a target of a rule, with its options. */
struct pa_xt_use {
	const struct pa_xt_extension *extension; /* NULL: nobody knows it */
	const char *name;
	const struct pa_xt_word *word; /* where it is named */
	struct pa_xt_option *options;
	size_t count, capacity;
};
struct pa_xt_general {
	const struct pa_xt_word *word; /* the argument; -f: the option */
	const struct pa_xt_word *option;
	bool negated;
};
struct pa_xt_rule {
	struct pa_xt_line line;
	char command; /* A, I, N, P, F, X, Z, D, R; 0: none */
	const struct pa_xt_word *chain;
	const struct pa_xt_word *value; /* of -P; the rule's number of -I, -D, -R */
	bool other_family;		/* -4 in a dump of IPv6 or the other way round: iptables passes such lines over */
	struct pa_xt_general source, destination, in, out, protocol, fragment;
	struct pa_xt_use **matches;
	size_t match_count, match_capacity;
	const struct pa_xt_word *jump; /* -j, -g: its name */
	bool is_goto;
	struct pa_xt_use *target; /* NULL: a chain, or none */
	unsigned number_of_protocol;
	bool has_protocol; /* and not -p all */
};
struct pa_xt_rule *pa_xt_read_rule(struct pa_xt_reader *reader, const struct pa_xt_table *table, const struct pa_xt_line *line);

const struct pa_xt_option *pa_xt_option(const struct pa_xt_use *use, const char *name); /* NULL: not given */

/* --- value.c: what arguments say; all: false when it says nothing of the kind ------------------------------------ */
bool pa_xt_number(const char *text, uint64_t max, uint64_t *ret_value); /* decimal, 0x, 0 as strtoul(3) */
bool pa_xt_number_part(const char **at, uint64_t max, uint64_t *ret_value);
/* Of ranges: they may be the wrong way round, "9:8", which no value fits: some matches take that, and some refuse it. */
bool pa_xt_range(const char *text, char separator, uint64_t max, struct pa_interval *ret_range); /* "5", "5:9", ":9", "5:" */
bool pa_xt_value_mask(const char *text, uint64_t max, uint64_t *ret_value, uint64_t *ret_mask);	 /* "1/0xff" */
bool pa_xt_protocol(const char *text, unsigned *ret_number);
bool pa_xt_port(const char *text, size_t length, uint64_t *ret_port); /* number or service */
bool pa_xt_port_range(const char *text, char separator, struct pa_interval *ret_range);
bool pa_xt_address(const char *text, size_t length, int family, pa_u128 *ret_value);
/* "192.0.2.1", "10.0.0.0/8", "10/8", "10.0.0.0/255.0.255.0": *ret_mask has the bits that count, mapped for IPv4. */
bool pa_xt_network(const char *text, size_t length, int family, pa_u128 *ret_value, pa_u128 *ret_mask);
bool pa_xt_address_range(const char *text, size_t length, int family, struct pa_interval *ret_range);
/* Masks that are prefixes are intervals. */
bool pa_xt_mask_interval(pa_u128 value, pa_u128 mask, struct pa_interval *ret_interval);

/* --- lower.c ------------------------------------------------------------------------------------------------------- */
/* A way through the tests of a rule. Rules that ask "this or that" have several, which no packet shares. */
struct pa_xt_way {
	struct pa_step *steps;
	size_t count, capacity;
};
struct pa_xt_lowering {
	struct pa_xt_reader *reader;
	struct pa_arena *arena;
	const struct pa_xt_table *table;
	const struct pa_xt_chain *chain;
	const struct pa_xt_rule *rule;
	int family;
	struct pa_xt_way *ways;
	size_t way_count;
	bool failed;
};
#define PA_XT_WAYS_MAX 64

bool pa_xt_lower_tables(struct pa_xt_reader *reader, struct pa_xt_table **tables, size_t count);
/* An error at an argument of the rule in hand. */
__attribute__((format(printf, 3, 4))) void pa_xt_fail(struct pa_xt_lowering *lowering, const struct pa_xt_word *word,
						      const char *format, ...);
/* An argument that the option does not take; a match or target without the option that it is about. */
void pa_xt_fail_value(struct pa_xt_lowering *lowering, const struct pa_xt_option *option);
void pa_xt_fail_without(struct pa_xt_lowering *lowering, const struct pa_xt_use *use);

/* A step of the rule; copied. */
void pa_xt_add(struct pa_xt_lowering *lowering, const struct pa_step *step);
/* The rule goes on with each of these lists of steps; no packet may pass two of them. */
struct pa_xt_fork {
	struct pa_step steps[16];
	size_t count;
};
void pa_xt_add_fork(struct pa_xt_lowering *lowering, const struct pa_xt_fork *forks, size_t count);

/* --- step.c: steps --------------------------------------------------------------------------------------------------- */
/* The text of an option of the rule, without its `!`: "--dport 22". */
const char *pa_xt_option_text(struct pa_xt_lowering *lowering, const struct pa_xt_option *option);
struct pa_key pa_xt_key(struct pa_arena *arena, enum pa_field field, pa_u128 mask);
struct pa_elements *pa_xt_elements(struct pa_arena *arena, const struct pa_interval *keys, size_t count, unsigned parts);
/* A test of one field; the intervals are sorted and merged here. */
struct pa_step pa_xt_test(struct pa_arena *arena, enum pa_field field, const struct pa_interval *keys, size_t count,
			  bool negated);
struct pa_step pa_xt_test_value(struct pa_arena *arena, enum pa_field field, pa_u128 value, bool negated);
/* (field & mask) == value */
struct pa_step pa_xt_test_masked(struct pa_arena *arena, enum pa_field field, pa_u128 mask, pa_u128 value, bool negated);
/* Two fields at once, disjoint boxes. */
struct pa_step pa_xt_test_pair(struct pa_arena *arena, enum pa_field first, enum pa_field second,
			       const struct pa_interval *boxes, size_t count, bool negated);
struct pa_step pa_xt_no_effect(const char *text);
struct pa_step pa_xt_opaque_step(const char *text, enum pa_opacity opacity, bool is_volatile);
/*
 * A test whose answer the packet's headers do not give. Each rule asks its own question, whatever the text: between two rules NAT
 * or the state of the flow may change what the answer rests on.
 */
struct pa_step pa_xt_question(struct pa_arena *arena, const char *text);
struct pa_step pa_xt_assign_step(enum pa_field field, const char *text);
/* Adds a step with the text of an option. */
void pa_xt_add_option(struct pa_xt_lowering *lowering, const struct pa_xt_option *option, struct pa_step step);
/* An opaque test with the text of the whole match, or of one option of it. */
void pa_xt_add_opaque(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, bool is_volatile);
void pa_xt_add_opaque_option(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, const struct pa_xt_option *option,
			     bool is_volatile);
/* "-m limit --limit 5/min", "-j LOG --log-prefix x" */
const char *pa_xt_use_text(struct pa_xt_lowering *lowering, const struct pa_xt_use *use);
size_t pa_xt_merge(struct pa_interval *keys, size_t count); /* sorts, joins; the new count */

/* --- match_*.c, target_*.c --------------------------------------------------------------------------------------------- */
void pa_xt_lower_addresses(struct pa_xt_lowering *lowering, const struct pa_xt_general *given, enum pa_field field,
			   const char *letter);
void pa_xt_lower_interface(struct pa_xt_lowering *lowering, const struct pa_xt_general *given, enum pa_field field,
			   const char *letter);
void pa_xt_lower_protocol(struct pa_xt_lowering *lowering);
void pa_xt_lower_fragment(struct pa_xt_lowering *lowering);

/* Of the match and of the target of one name. */
/* Of the only option of the match or target dscp; false: it has failed. */
bool pa_xt_dscp(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, uint64_t *ret_value);
bool pa_xt_tos(const char *text, uint64_t *ret_value, uint64_t *ret_mask);

#define MATCH(name, families, lowering, treatment, options) \
	void pa_xt_match_##lowering(struct pa_xt_lowering *, const struct pa_xt_use *use);
#include "match.def"
#undef MATCH
#define TARGET(name, families, tables, lowering, options) \
	void pa_xt_target_##lowering(struct pa_xt_lowering *, const struct pa_xt_use *use);
#include "target.def"
#undef TARGET

#endif
