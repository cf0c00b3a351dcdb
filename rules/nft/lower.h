/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libnftables JSON to the ruleset, between the files that do it:
 *
 *   lower.c          the document: what order its objects come in, places, errors
 *   lower_object.c   tables, chains, sets
 *   lower_rule.c     one rule: its steps and their texts
 *   account.c        what the kernel says of it that the listing does not show
 *   statement*.c     one statement (nft_statement.def): adds steps
 *   expression*.c    one expression (nft_expression.def): what a test looks at, with the tests that the kernel adds
 *   elements*.c      values, sets, maps
 */
#ifndef PORTAUDIT_NFT_LOWER_H
#define PORTAUDIT_NFT_LOWER_H

#include "../ir/names.h"
#include "document.h"
#include "json_reader.h"
#include "key.h"

/* What an expression is, and of what type its values are. */
struct pa_lowered_part {
	struct pa_key_part part;
	enum pa_datatype type;
	/*
	 * `ct original saddr 10.0.0.0/8`: libnftables (1.0.6) prints the prefix 10 as the address 0.0.0.10. An address whose
	 * first byte is zero may be either.
	 */
	bool short_prefix;
	unsigned shift; /* the field holds nft's value shifted left by as many bits, under the mask */
};
static inline bool pa_is_word(enum pa_datatype type)
{
	return type == PA_DATATYPE_WORD || type == PA_DATATYPE_STRING;
}
struct pa_lowered_key {
	unsigned count;
	struct pa_lowered_part parts[PA_KEY_PARTS_MAX];
};

/* The types of the values that stand against a key, for reading and printing them. */
struct pa_value_types {
	unsigned count;
	enum pa_datatype types[PA_KEY_PARTS_MAX];
};

/* A test of one value that the kernel adds; all rules share them. */
struct pa_requirement {
	struct pa_key_part part;
	struct pa_key key;
	struct pa_elements elements;
	struct pa_interval value;
};

struct pa_lowering {
	const struct pa_nft_document *document;
	struct pa_ruleset *ruleset;
	struct pa_arena *arena;
	struct pa_diags *diags;
	const char *source_name; /* in the arena */
	struct pa_json_reader reader;
	struct pa_json_tape tape;
	bool failed;
	bool merges_widely;   /* printed by a version of libnftables that may merge 16 bytes: statement_merged.c */
	bool final_pass;      /* what is not known by now will not be */
	unsigned first_chain; /* chains from this id on belong to this document */
	unsigned first_table;
	size_t counted; /* lines are counted up to this offset */
	size_t line_start;
	uint32_t line;
	size_t *deferred; /* offsets of rules that came before what they name */
	size_t deferred_count;
	size_t deferred_capacity;
	const char **assigned; /* texts of opaque expressions that a statement sets */
	size_t assigned_count;
	size_t assigned_capacity;
	bool translates; /* some rule changes addresses, ports or the protocol of packets */

	/* the rule in hand */
	uint64_t rule_handle;
	size_t comparisons_seen; /* of struct pa_nft_rule_fact */
	struct pa_table *table;
	struct pa_chain *chain;
	struct pa_step *steps;
	size_t step_count;
	size_t step_capacity;
	size_t *texts; /* by step: offset into `text`, or PA_NO_TEXT */
	size_t text_capacity;
	struct pa_buffer text; /* texts of the steps, each with its NUL */
	const char *missing;   /* a set that is not known (yet) */
	unsigned required_nfproto;
	unsigned required_l4proto;
	bool required_ether;

	/* made when first needed, and shared by all rules */
	struct pa_key_part *plain_parts[PA_FIELD_COUNT]; /* a whole field */
	struct pa_elements **single;			 /* PA_SINGLE_SLOTS sets of one interval, by hash */
	struct pa_requirement *nfproto[256];
	struct pa_requirement *l4proto[256];
	struct pa_requirement *ether;
};
#define PA_NO_TEXT SIZE_MAX
#define PA_SINGLE_SLOTS 4096

/* --- lower.c ------------------------------------------------------------------------------------------------ */
/* An error of the document at an offset of its text; returns false. */
__attribute__((format(printf, 3, 4))) bool pa_lower_fail(struct pa_lowering *lowering, size_t offset, const char *format, ...);
/* A string node as a string, in the arena; NULL for NULL and for other kinds. */
const char *pa_lower_string(struct pa_lowering *lowering, const struct pa_json_node *node);
uint64_t pa_lower_number(const struct pa_json_node *node, uint64_t otherwise);
/* "ipv4_addr . inet_service : verdict" */
void pa_lower_read_types(const char *text, struct pa_value_types *ret_types, struct pa_value_types *ret_data);
bool pa_lower_read_family(const struct pa_json_node *node, enum pa_family *ret_family);
struct pa_location pa_lower_place(struct pa_lowering *lowering, size_t offset);

/* --- lower_object.c, lower_rule.c -------------------------------------------------------------------------------------------- */
/* table, chain, set, map: false after an error. */
bool pa_lower_table(struct pa_lowering *lowering, size_t index, size_t offset);
bool pa_lower_chain(struct pa_lowering *lowering, size_t index, size_t offset);
bool pa_lower_set(struct pa_lowering *lowering, size_t offset, bool is_map);

enum pa_rule_result { PA_RULE_DONE, PA_RULE_DEFER, PA_RULE_FAILED };
enum pa_rule_result pa_lower_rule(struct pa_lowering *lowering, size_t index, size_t offset);
/* A new step of the rule in hand, without text. Valid until the next one. */
struct pa_step *pa_lower_add_step(struct pa_lowering *lowering, enum pa_step_kind kind);
/* The text of the step that was added last: whatever is added to the buffer until pa_lower_end_text(). */
struct pa_buffer *pa_lower_begin_text(struct pa_lowering *lowering);
void pa_lower_end_text(struct pa_lowering *lowering);
/* An OPAQUE step whose text follows. */
struct pa_buffer *pa_lower_opaque(struct pa_lowering *lowering, enum pa_opacity opacity, enum pa_nft_reason_id reason);
/* A MATCH step: key in elements. The key is copied into the arena. */
struct pa_step *pa_lower_add_match(struct pa_lowering *lowering, const struct pa_lowered_key *key,
				   const struct pa_elements *elements, bool negated);
/* For a lookup in these elements. */
struct pa_key pa_lower_keep_key(struct pa_lowering *lowering, const struct pa_lowered_key *key,
				const struct pa_elements *elements);
/* The tests that the kernel makes before it looks at a header; once per rule. */
void pa_lower_require_nfproto(struct pa_lowering *lowering, unsigned nfproto);
void pa_lower_require_l4proto(struct pa_lowering *lowering, unsigned l4proto);
void pa_lower_require_ether(struct pa_lowering *lowering);
/* Asks for the type of the interface that a packet came in by. */
void pa_lower_require_link_type(struct pa_lowering *lowering, unsigned type);
/* The same whatever was tested before. */
void pa_lower_require_value(struct pa_lowering *lowering, enum pa_field field, unsigned value);
/* The step that was added last becomes the first one. */
void pa_lower_move_to_front(struct pa_lowering *lowering);
/* The first step that decides, or changes the packet or its flow; step_count: none does. */
size_t pa_lower_first_effect(const struct pa_lowering *lowering);
/* Another statement sets what opaque expressions with this text give. */
void pa_lower_note_assigned(struct pa_lowering *lowering, const char *text);
/* Some statement changes the header that sockets, routes and hashes are looked up by. */
void pa_lower_note_translation(struct pa_lowering *lowering, enum pa_field field);
/* At the end of the document: what that means for the tests of all rules. */
void pa_lower_mark_assigned(struct pa_lowering *lowering);

/* --- account.c --------------------------------------------------------------------------------------------------- */
/* The rule in hand against what the kernel says of it, where it does: adds what the listing of these statements does not show. */
void pa_lower_account(struct pa_lowering *lowering, const struct pa_json_node *statements);

/* --- expression.c ---------------------------------------------------------------------------------------------- */
/* What `node` looks at; adds the implied tests. Never fails: what is not known is an opaque part. */
void pa_lower_part(struct pa_lowering *lowering, const struct pa_json_node *node, struct pa_lowered_part *ret_part);
/* The same for one part or a concatenation. false: too many parts. */
bool pa_lower_key(struct pa_lowering *lowering, const struct pa_json_node *node, struct pa_lowered_key *ret_key);
/* Elements of sets and maps are not shifted: what holds its values so becomes opaque. */
void pa_lower_unshifted(struct pa_lowering *lowering, const struct pa_json_node *node, struct pa_lowered_part *part);
struct pa_value_types pa_lower_types(const struct pa_lowered_key *key);
void pa_lower_known(struct pa_lowered_part *ret_part, enum pa_field field, enum pa_datatype type);
void pa_lower_unknown(struct pa_lowering *lowering, const struct pa_json_node *node, enum pa_nft_reason_id reason,
		      struct pa_lowered_part *ret_part);
/* The only member of an object, as { "payload": {...} } has; NULL when it is none. *ret_name is not terminated. */
const struct pa_json_node *pa_lower_only_member(const struct pa_json_tape *tape, const struct pa_json_node *node,
						const struct pa_json_node **ret_name);

#define EXPRESSION(name, lowering, text, treatment, reason, since, example)                                                    \
	void pa_expression_##lowering(struct pa_lowering *, const struct pa_json_node *whole, const struct pa_json_node *node, \
				      struct pa_lowered_part *ret_part);                                                       \
	void pa_expression_text_##text(struct pa_buffer *out, const struct pa_json_tape *tape, const char *kind,               \
				       const struct pa_json_node *node, const struct pa_value_types *types);
#include "nft_expression.def"
#undef EXPRESSION

/* --- expression_raw.c ------------------------------------------------------------------------------------------- */
/* `@nh,96,32`: the field that lies there, or a part of it, where the headers are known. */
void pa_lower_raw(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
		  struct pa_lowered_part *ret_part);
/* The fields that may lie in these bytes: calls back for each. false: the base is not known. */
bool pa_lower_raw_fields(struct pa_lowering *lowering, const struct pa_json_node *node,
			 void (*field)(void *context, enum pa_field field), void *context);

/* --- expression_text.c ------------------------------------------------------------------------------------------- */
extern const struct pa_value_types pa_plain_types;
void pa_expression_text(struct pa_buffer *out, const struct pa_json_tape *tape, const struct pa_json_node *node,
			const struct pa_value_types *types);
/* Compact JSON, at most `limit` bytes of it. */
void pa_json_text(struct pa_buffer *out, const struct pa_json_tape *tape, const struct pa_json_node *node, size_t limit);
void pa_text_node(struct pa_buffer *out, const struct pa_json_node *node); /* a scalar as it stands */
void pa_text_quoted(struct pa_buffer *out, const struct pa_json_node *node);
void pa_text_nodes(struct pa_buffer *out, const struct pa_json_tape *tape, const struct pa_json_node *list,
		   const char *separator); /* scalars */

/* --- elements*.c ------------------------------------------------------------------------------------------------- */
enum pa_value_result {
	PA_VALUE_KNOWN,
	PA_VALUE_NEVER,	  /* no packet that we speak of has it (meta protocol arp) */
	PA_VALUE_UNKNOWN, /* *ret_problem says what */
};
/* One value, range, prefix or list of flags as an interval of what the field holds. */
enum pa_value_result pa_lower_value(struct pa_lowering *lowering, const struct pa_json_node *node, enum pa_datatype type,
				    struct pa_interval *ret_interval, const char **ret_problem);
/* The same, before addresses are mapped and ethertypes become families: for arithmetic. */
enum pa_value_result pa_lower_raw_value(struct pa_lowering *lowering, const struct pa_json_node *node, enum pa_datatype type,
					struct pa_interval *ret_interval, const char **ret_problem);
enum pa_value_result pa_lower_map_value(enum pa_datatype type, struct pa_interval *interval);
/* elements_time.c: "08:00", "2026-01-31 12:00:00"; false: none, or of another type. */
bool pa_lower_time_text(const struct pa_json_node *node, enum pa_datatype type, pa_u128 *ret_value);
/* What a value of the type can be at most, before mapping. */
pa_u128 pa_lower_type_max(enum pa_datatype type);

struct pa_elements *pa_lower_interval(struct pa_lowering *lowering, struct pa_interval interval);
/*
 * What stands at the right: "@name", { "set": [...] }, or one value. `data` is NULL for sets. NULL: the named set is not
 * known, lowering->missing is its name.
 */
const struct pa_elements *pa_lower_elements(struct pa_lowering *lowering, const struct pa_json_node *node,
					    const struct pa_value_types *types, const struct pa_value_types *data);
/* The elements of a named set, streamed from the reader, which stands before them. */
bool pa_lower_named_elements(struct pa_lowering *lowering, struct pa_set_decl *decl, const struct pa_value_types *types,
			     const struct pa_value_types *data);
bool pa_lower_verdict(struct pa_lowering *lowering, const struct pa_json_node *node, struct pa_verdict *ret_verdict);
void pa_elements_sort(struct pa_elements *elements);

/* --- statement*.c ------------------------------------------------------------------------------------------------ */
void pa_lower_statement(struct pa_lowering *lowering, const struct pa_json_node *node);
/* How many statements from this one on (of `left`) are, or may be, one comparison of negated neighbours; 1: it stands alone. */
unsigned pa_lower_merged_length(struct pa_lowering *lowering, const struct pa_json_node *statement, uint32_t left);
void pa_lower_merged(struct pa_lowering *lowering, const struct pa_json_node *statement, unsigned length);
/* A value to be assigned: constant, expression or map. `types` are those of the target. */
void pa_lower_operand(struct pa_lowering *lowering, const struct pa_json_node *node, enum pa_datatype type,
		      struct pa_operand *ret_operand);
/* Look a map up: fills a MAP operand. false: it cannot be expressed; a test that the key is in it was added where possible. */
bool pa_lower_map(struct pa_lowering *lowering, const struct pa_json_node *map, const struct pa_value_types *data,
		  struct pa_operand *ret_operand);
struct pa_set_decl *pa_lower_find_set(struct pa_lowering *lowering, const struct pa_json_node *node);

#define STATEMENT(name, lowering, treatment, reason, since, example) \
	void pa_statement_##lowering(struct pa_lowering *, const char *kind, const struct pa_json_node *node);
#include "nft_statement.def"
#undef STATEMENT

#endif
