/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the packet readers share. Nobody else includes this.
 *
 *   load.c      a file to lines, a line to a JSON object
 *   line.c      an object's keys to the fields of a packet
 *   agree.c     keys that must fit each other: family and addresses, protocol and ports
 *   place.c     errors with places
 *   word.c      the vocabularies: states, flags, status bits, packet types, fates
 *   packet.c    what a packet has that nobody says
 *   explain.c   words to a packet; what.c: its service or port
 */
#ifndef PA_PACKETS_READER_H
#define PA_PACKETS_READER_H

#include "../allow/allow.h"
#include "portaudit/packets.h"

enum { PA_PROTO_ICMP = 1, PA_PROTO_TCP = 6, PA_PROTO_ICMPV6 = 58 };

enum pa_packet_key {
#define KEY(id, name, reader) PA_KEY_##id,
#define NUMBER_KEY(id, name, field, lowest, highest) PA_KEY_##id,
#include "packet_key.def"
#undef KEY
#undef NUMBER_KEY
	PA_KEY_COUNT
};

/* --- one file ----------------------------------------------------------------------------------------------- */
enum { PA_PACKETS_ERRORS_MAX = 100 };

struct pa_packet_reader {
	struct pa_packet_file *file;
	size_t capacity;       /* of file->lines */
	struct pa_allow words; /* only its scratch arena and its budget: what suggestions need */
	struct pa_diags *diags;
	size_t error_count;
	const char *name;
	/* the line that is being read */
	const char *text;
	size_t length;
	uint32_t number;
	struct pa_packet_line *line;
	bool given[PA_KEY_COUNT];	       /* and understood */
	bool named[PA_KEY_COUNT];	       /* given, understood or not */
	int source_family, destination_family; /* 0: not given */
	bool has_unknown_key;
};

/* --- place.c --- */
/* An error at a key of the line, or at its value; key NULL: the whole line. help may be NULL; it is copied. */
enum pa_packet_part { PA_PART_KEY, PA_PART_VALUE };
__attribute__((format(printf, 5, 6))) void pa_packet_error(struct pa_packet_reader *reader, const char *key,
							   enum pa_packet_part part, const char *help, const char *format, ...);
/* An error at a column of the line, in bytes from 1. */
__attribute__((format(printf, 3, 4))) struct pa_diag *pa_packet_error_at(struct pa_packet_reader *reader, size_t column,
									 const char *format, ...);

/* --- line.c, agree.c --- */
const char *pa_packet_key_name(enum pa_packet_key key);
struct json_t;
void pa_packet_line_read(struct pa_packet_reader *reader, struct json_t *object);
void pa_packet_line_agree(struct pa_packet_reader *reader);

/* --- vocabularies (word.c) ----------------------------------------------------------------------------------- */
struct pa_packet_word {
	const char *name; /* NULL ends the list */
	unsigned value;
};
extern const struct pa_packet_word pa_packet_states[], pa_packet_flags[], pa_packet_statuses[], pa_packet_types[],
	pa_packet_directions[], pa_packet_paths[], pa_packet_protocols[];
bool pa_packet_word_find(const struct pa_packet_word *list, const char *name, unsigned *ret_value);
/* "did you mean 'x'?", or "new, established or related"; in the scratch arena. */
const char *pa_packet_word_help(struct pa_allow *words, const struct pa_packet_word *list, const char *name);
/* What is wrong with an interface's name, or NULL. */
const char *pa_packet_interface_fault(const char *name);
/* What an address that cannot be read should be instead, or NULL. */
const char *pa_packet_address_help(const char *text);

/* --- packet.c -------------------------------------------------------------------------------------------------- */
void pa_packet_set(struct pa_packet *packet, enum pa_field field, pa_u128 value);
/* A packet whose family is set gets the fields that follow from the others, and the defaults of what nobody says. */
void pa_packet_complete(struct pa_packet *packet);

#endif
