/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files ipset*.c share: a set as it was read.
 *
 *   ipset_read.c    lines: create, add and their options
 *   ipset_entry.c   one entry: addresses, ports, interfaces
 *   ipset_region.c  what the entries hold together, `nomatch` taken into account
 *   ipset_match.c   that, as a step of a rule
 */
#ifndef PORTAUDIT_IPTABLES_IPSET_DATA_H
#define PORTAUDIT_IPTABLES_IPSET_DATA_H

#include "ipset.h"

enum pa_ipset_dimension {
	PA_IPSET_NONE,
	PA_IPSET_IP,
	PA_IPSET_NET,
	PA_IPSET_PORT,
	PA_IPSET_MARK,
	PA_IPSET_MAC,
	PA_IPSET_IFACE,
	PA_IPSET_SET,
};
#define PA_IPSET_DIMENSIONS 3

struct pa_ipset_type_row {
	const char *name;
	const char *old_name;
	bool both_families;
	bool prefix_zero;
	enum pa_ipset_dimension dimensions[PA_IPSET_DIMENSIONS];
};

enum { PA_ENTRY_NOMATCH = 1, PA_ENTRY_PHYSDEV = 2, PA_ENTRY_EXPIRES = 4, PA_ENTRY_ANY_MAC = 8 };
struct pa_ipset_entry {
	uint8_t flags;
	uint8_t lengths[PA_IPSET_DIMENSIONS]; /* of NET: its prefix length */
};

/*
 * Values of the dimensions: addresses mapped as everywhere; PORT protocol << 16 | port, where ICMP has type << 8 | code and a
 * protocol without ports 0 to 65535; IFACE as pa_ifname_value().
 */
struct pa_ipset {
	const char *name;
	const struct pa_ipset_type_row *type;
	unsigned dimension_count;
	int family;
	unsigned prefix_max;  /* 32 or 128 */
	pa_u128 address_mask; /* netmask and bitmask of `create` */
	bool is_masked;	      /* by a bitmask, which makes no prefix */
	uint32_t mark_mask;
	bool has_range;
	struct pa_interval range; /* bitmap types */
	bool has_timeout;
	uint64_t timeout; /* of entries that do not say theirs; 0: for ever */
	bool force_add;
	bool packets_add, packets_delete;
	struct pa_location where;
	size_t count;
	size_t entry_capacity, key_capacity;
	struct pa_ipset_entry *entries;
	struct pa_interval *keys; /* entry i: keys[i * dimension_count] ... */
	const char **members;	  /* list:set, as many as entries */
	size_t member_capacity;
};

struct pa_ipset_lowered; /* ipset_match.c */

struct pa_ipsets {
	struct pa_arena *arena;
	struct pa_ipset **sets;
	size_t count;
	size_t capacity;
	struct pa_ipset *last; /* the set that was found last */
	struct pa_ipset_lowered **lowered;
	size_t lowered_count;
	size_t lowered_capacity;
};

/* A part of a line. */
struct pa_word {
	const char *text; /* not terminated */
	size_t length;
};

const struct pa_ipset_type_row *pa_ipset_type_find(struct pa_word name);
bool pa_word_is(struct pa_word word, const char *text);
/* Decimal, or hexadecimal with 0x; the whole word, at most `most`. */
bool pa_word_number(struct pa_word word, uint64_t most, uint64_t *ret_value);
/* An address of the family, which is written in full: "10.0.0.1", not "10". */
bool pa_word_address(struct pa_word word, int family, pa_u128 *ret_value);
/* "10.0.0.0/8", "10.0.0.1-10.0.0.9", "10.0.0.1": *ret_length is the prefix length, or -1 for a range. */
bool pa_word_addresses(struct pa_word word, int family, struct pa_interval *ret_addresses, int *ret_length);

/*
 * Add the entry that `word` writes (10.0.0.0/8,tcp:80) to the set, with these flags; a range in a NET dimension becomes several.
 * NULL, or what is wrong (in static storage) with *ret_at the part of the word.
 */
const char *pa_ipset_add(struct pa_ipsets *sets, struct pa_ipset *set, struct pa_word word, unsigned flags, bool wildcard,
			 struct pa_word *ret_at);

/* Boxes in the set's dimensions: box i is keys[i * dimension_count] ... . They are in the heap. */
struct pa_ipset_region {
	size_t count;
	size_t capacity;
	struct pa_interval *keys;
	const char *problem; /* not NULL: the region could not be worked out, with the reason */
};
/* What matches: the entries, or with `nomatch` those that say nomatch. */
void pa_ipset_region(const struct pa_ipset *set, bool nomatch, struct pa_ipset_region *ret_region);

#endif
