/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside rules/snapshot: the document while it is read. The first error stays, and everything that is asked after it is empty, so that
 * what fills a struct need not ask after each value; who fills a list stops at pa_document_failed().
 */
#ifndef PORTAUDIT_SNAPSHOT_DOCUMENT_H
#define PORTAUDIT_SNAPSHOT_DOCUMENT_H

#include "../nft/json_reader.h"
#include "portaudit/snapshot.h"

struct pa_document {
	const char *name;
	struct pa_diags *diags;
	struct pa_snapshot *snapshot;
	struct pa_json_reader reader;
	struct pa_json_tape tape; /* the value that was read last */
	size_t item_offset;	  /* where it begins */
	bool failed;
};

/* An error at a number of bytes. Returns false. */
__attribute__((format(printf, 3, 4))) bool pa_document_wrong(struct pa_document *document, size_t offset, const char *format,
							     ...);
/* Something is wrong, or the text is no JSON. */
bool pa_document_failed(struct pa_document *document);

/* Reads the value that comes next, which must be of a kind; NULL: it is not. Valid until the next one is read. */
const struct pa_json_node *pa_document_read(struct pa_document *document, enum pa_json_kind kind);
/* Enters an object or a list. */
bool pa_document_enter(struct pa_document *document, enum pa_json_kind kind);
/* null comes next, and is passed over. */
bool pa_document_take_null(struct pa_document *document);

/* A member of an object, and what reads the value behind its key. */
struct pa_document_part {
	const char *key;
	void (*read)(struct pa_document *document);
	unsigned pass;
};
/* An object that has each of these once, in any order; those of another pass, and what is not among them, are passed over. */
void pa_document_read_parts(struct pa_document *document, const struct pa_document_part *parts, size_t count, unsigned pass);

/* --- lists ------------------------------------------------------------------------------------------------------------ */
typedef void pa_document_take(struct pa_document *document, const struct pa_json_node *item, void *context);
/* A list of items of one kind, each given to `take`. */
void pa_document_read_items(struct pa_document *document, enum pa_json_kind kind, pa_document_take *take, void *context);
/* { "complete": ..., "list": [...] }, a list of objects. */
void pa_document_read_list(struct pa_document *document, bool *ret_complete, pa_document_take *take, void *context);
void pa_document_read_bool(struct pa_document *document, bool *ret_value);

/* Items of one size while they are read, and what they are in the end: an array in the arena. */
struct pa_document_array {
	size_t size; /* of one */
	void *items;
	size_t count, capacity;
};
void pa_document_add(struct pa_document_array *array, const void *item);
void *pa_document_finish(struct pa_document_array *array, struct pa_arena *arena, size_t *ret_count);

/* --- members of an object that was read; a member that is missing or of another kind is an error --------------------- */
struct pa_json_node;
const struct pa_json_node *pa_document_member(struct pa_document *document, const struct pa_json_node *object, const char *key);
const char *pa_document_text(struct pa_document *document, const struct pa_json_node *object, const char *key); /* null: NULL */
uint64_t pa_document_number(struct pa_document *document, const struct pa_json_node *object, const char *key, uint64_t most);
/* null: false. */
bool pa_document_known_number(struct pa_document *document, const struct pa_json_node *object, const char *key, uint64_t most,
			      uint64_t *ret_number);
bool pa_document_bool(struct pa_document *document, const struct pa_json_node *object, const char *key);
enum pa_tristate pa_document_tristate(struct pa_document *document, const struct pa_json_node *object, const char *key);
int pa_document_family(struct pa_document *document, const struct pa_json_node *object, const char *key); /* 4 or 6 */
/* null: false and 0. */
bool pa_document_address(struct pa_document *document, const struct pa_json_node *object, const char *key, int family,
			 pa_u128 *ret_address);
/* Two numbers, the first not larger than the second. null: false. */
bool pa_document_range(struct pa_document *document, const struct pa_json_node *object, const char *key, uint64_t most,
		       struct pa_interval *ret_range);
/* A member that must be a list, of what is said; null or NULL: NULL. */
const struct pa_json_node *pa_document_list(struct pa_document *document, const struct pa_json_node *member, const char *of);
/* The text of a node that must be a string, ended by NUL; NULL with an error. */
const char *pa_document_string(struct pa_document *document, const struct pa_json_node *node);
/* The place of a node, for pa_document_wrong(). */
size_t pa_document_place(const struct pa_document *document, const struct pa_json_node *node);

/* --- the parts of a snapshot; each reads the value that comes next ----------------------------------------------------- */
void pa_document_read_ruleset(struct pa_document *document);
void pa_document_read_addresses(struct pa_document *document);
void pa_document_read_interfaces(struct pa_document *document);
void pa_document_read_links(struct pa_document *document);
void pa_document_read_routes(struct pa_document *document);
void pa_document_read_settings(struct pa_document *document);
void pa_document_read_sockets(struct pa_document *document);

#endif
