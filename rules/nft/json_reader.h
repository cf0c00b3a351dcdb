/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads JSON without building a tree of the document: the caller walks the big arrays and objects item by item
 * (pa_json_enter, pa_json_next_item, pa_json_next_key), skips what it does not need, and reads small values, a rule or
 * an element of a set, onto a tape: one array of nodes, used again for the next value. Nothing is allocated per value.
 *
 * Stricter than most readers, because a listing that is odd is a listing that is broken: duplicate keys, NUL characters,
 * bytes that are not UTF-8, integers over 64 bits, reals out of range, nesting over PA_JSON_DEPTH_MAX and more than
 * PA_JSON_MEMBERS_MAX members are errors. The first error stays; every later call fails.
 */
#ifndef PORTAUDIT_NFT_JSON_READER_H
#define PORTAUDIT_NFT_JSON_READER_H

#include <string.h>

#include "portaudit/base.h"

#define PA_JSON_DEPTH_MAX 500
#define PA_JSON_MEMBERS_MAX 64

enum pa_json_kind {
	PA_JSON_NULL,
	PA_JSON_FALSE,
	PA_JSON_TRUE,
	PA_JSON_INTEGER,
	PA_JSON_REAL, /* nothing in a listing is one: only its being there is kept */
	PA_JSON_STRING,
	PA_JSON_ARRAY,
	PA_JSON_OBJECT,
};

/*
 * One value. Behind an array come its items; behind an object come, in turn, the keys (strings) and values of its
 * members. `end` is the index of the first node that does not belong to this one any more.
 */
struct pa_json_node {
	uint8_t kind;	   /* enum pa_json_kind */
	bool negative;	   /* INTEGER: `number` is the magnitude */
	uint32_t end;	   /* index on the tape */
	uint32_t length;   /* STRING: bytes; ARRAY: items; OBJECT: members */
	uint32_t distance; /* bytes from where the value on the tape begins: for messages */
	union {
		const char *string; /* not terminated */
		uint64_t number;
	};
};

struct pa_json_tape {
	struct pa_json_node *nodes;
	size_t count;
	size_t capacity;
};
void pa_json_tape_done(struct pa_json_tape *tape);

struct pa_json_reader {
	const char *text;
	const char *end;
	const char *at;
	struct pa_arena *arena; /* strings with escapes are decoded into it */
	const char *error;	/* NULL, or what is wrong: half a sentence in static storage */
	size_t error_offset;
	bool first; /* the container that was entered last has given nothing yet */
};

/* The text must live as long as what was read from it. */
void pa_json_init(struct pa_json_reader *reader, const char *text, size_t length, struct pa_arena *arena);

/* Says that something is wrong at `offset` bytes, unless something was before. Returns false. */
bool pa_json_fail(struct pa_json_reader *reader, size_t offset, const char *error);
size_t pa_json_offset(const struct pa_json_reader *reader);

/* The kind of the value that comes next; it is not consumed. At an error: PA_JSON_NULL. */
enum pa_json_kind pa_json_peek(struct pa_json_reader *reader);

/* Enter the array or object that comes next. */
bool pa_json_enter(struct pa_json_reader *reader, enum pa_json_kind kind);
/* true: an item comes next. false: the array was left, or there is an error. */
bool pa_json_next_item(struct pa_json_reader *reader);
/* true: a value comes next and this is its key. false: the object was left, or there is an error. */
bool pa_json_next_key(struct pa_json_reader *reader, const char **ret_key, size_t *ret_length);

/* Move behind the value that comes next, looking only for where it ends; for text that is read later or was before. */
bool pa_json_skip(struct pa_json_reader *reader);
/* Append the value that comes next to the tape; *ret_index is where. */
bool pa_json_read(struct pa_json_reader *reader, struct pa_json_tape *tape, size_t *ret_index);
/*
 * The same for an object, except that the value of member `left_out` is skipped: *ret_offset is where it begins, or 0 if
 * there is no such member.
 */
bool pa_json_read_without(struct pa_json_reader *reader, struct pa_json_tape *tape, const char *left_out, size_t *ret_index,
			  size_t *ret_offset);
/* Nothing but white space is left. */
bool pa_json_finish(struct pa_json_reader *reader);

/* --- nodes ---------------------------------------------------------------------------------------------------- */

static inline bool pa_json_is_named(const struct pa_json_node *node, const char *text, size_t length)
{
	return node->length == length && node->kind == PA_JSON_STRING && memcmp(node->string, text, length) == 0;
}

static inline bool pa_json_is(const struct pa_json_node *node, const char *text)
{
	return pa_json_is_named(node, text, strlen(text));
}

/* Nodes lie in one array: the node after `node` and all that it contains. */
static inline const struct pa_json_node *pa_json_after(const struct pa_json_tape *tape, const struct pa_json_node *node)
{
	return &tape->nodes[node->end];
}

const struct pa_json_node *pa_json_member_named(const struct pa_json_tape *tape, const struct pa_json_node *object,
						const char *key, size_t length);
/* The value of a member, or NULL. NULL also when `object` is no object or is NULL. */
static inline const struct pa_json_node *pa_json_member(const struct pa_json_tape *tape, const struct pa_json_node *object,
							const char *key)
{
	return pa_json_member_named(tape, object, key, strlen(key));
}

#endif
