/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wholeness.h"

#include "attributes.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

/* An element that expires sooner than this may be gone in the second dump. Milliseconds. */
#define SHORT_LIFE 60000

/* --- hashes ------------------------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t value)
{
	value ^= value >> 32;
	value *= 0xd6e8feb86659fd93u;
	value ^= value >> 32;
	value *= 0xd6e8feb86659fd93u;
	return value ^ (value >> 32);
}

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t length)
{
	const unsigned char *bytes = data;
	uint64_t word;

	for (; length >= sizeof(word); length -= sizeof(word), bytes += sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		hash = mix(hash ^ word) + 0x9e3779b97f4a7c15u;
	}
	word = length;
	for (size_t i = 0; i < length; i++)
		word = word << 8 | bytes[i];
	return mix(hash ^ word) + 0x9e3779b97f4a7c15u;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	return hash_bytes(hash, text, strlen(text) + 1);
}

static uint64_t hash_attribute(uint64_t hash, const struct pa_attribute *attribute)
{
	return hash_bytes(hash ^ attribute->type, attribute->data, attribute->length);
}

static void count_in(struct pa_tally *tally, uint64_t hash)
{
	tally->count++;
	tally->sum += mix(hash);
}

uint64_t pa_digest_handle(uint64_t handle)
{
	return mix(handle);
}

/* --- sets and chains seen ---------------------------------------------------------------------------------- */

static struct pa_seen *slot_of(const struct pa_seen_table *table, uint64_t hash)
{
	size_t i = hash & (table->capacity - 1);

	while (table->slots[i].hash != 0 && table->slots[i].hash != hash)
		i = (i + 1) & (table->capacity - 1);
	return &table->slots[i];
}

static const struct pa_seen *find_seen(const struct pa_seen_table *table, uint64_t hash)
{
	const struct pa_seen *found = table->capacity ? slot_of(table, hash ? hash : 1) : NULL;

	return found && found->hash ? found : NULL;
}

static struct pa_seen *add_seen(struct pa_seen_table *table, uint64_t hash)
{
	struct pa_seen *slot;

	hash = hash ? hash : 1;
	if (table->count * 2 >= table->capacity) {
		struct pa_seen_table larger = { .capacity = table->capacity ? table->capacity * 2 : 64, .count = table->count };

		larger.slots = pa_xcalloc(larger.capacity, sizeof(*larger.slots));
		for (size_t i = 0; i < table->capacity; i++)
			if (table->slots[i].hash)
				*slot_of(&larger, table->slots[i].hash) = table->slots[i];
		free(table->slots);
		*table = larger;
	}
	slot = slot_of(table, hash);
	if (!slot->hash) {
		slot->hash = hash;
		table->count++;
	}
	return slot;
}

/* --- messages ---------------------------------------------------------------------------------------------- */

/*
 * An object's identity. The numbers of the attributes for table, name and handle differ from kind to kind; one further
 * number is picked up on the way.
 */
struct identity {
	const char *table;
	const char *name;
	uint64_t handle;
	uint64_t extra;			  /* flags; the rule before */
	uint64_t use;			  /* of a chain */
	struct pa_attributes expressions; /* of a rule */
};
struct identity_attributes {
	uint16_t table;
	uint16_t name;
	uint16_t handle;
	uint16_t extra;
	uint16_t use;
	uint16_t expressions;
};

static const struct identity_attributes attributes_of[PA_TALLY_COUNT] = {
	[PA_TALLY_TABLES] = { NFTA_TABLE_NAME, NFTA_TABLE_NAME, NFTA_TABLE_HANDLE, NFTA_TABLE_FLAGS, 0, 0 },
	[PA_TALLY_CHAINS] = { NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME, NFTA_CHAIN_HANDLE, NFTA_CHAIN_FLAGS, NFTA_CHAIN_USE, 0 },
	[PA_TALLY_SETS] = { NFTA_SET_TABLE, NFTA_SET_NAME, NFTA_SET_HANDLE, NFTA_SET_FLAGS, 0, 0 },
	[PA_TALLY_OBJECTS] = { NFTA_OBJ_TABLE, NFTA_OBJ_NAME, NFTA_OBJ_HANDLE, NFTA_OBJ_TYPE, 0, 0 },
	[PA_TALLY_FLOWTABLES] = { NFTA_FLOWTABLE_TABLE, NFTA_FLOWTABLE_NAME, NFTA_FLOWTABLE_HANDLE, NFTA_FLOWTABLE_FLAGS, 0,
				  0 },
	[PA_TALLY_RULES] = { NFTA_RULE_TABLE, NFTA_RULE_CHAIN, NFTA_RULE_HANDLE, NFTA_RULE_POSITION, 0, NFTA_RULE_EXPRESSIONS },
};

static uint64_t name_hash(uint8_t family, const char *table, const char *name)
{
	return hash_text(hash_text(family, table), name);
}

static struct identity identify(const struct nlmsghdr *message, const struct identity_attributes *names)
{
	struct identity found = { .table = "", .name = "" };
	struct pa_attributes list = pa_attributes_of(message);
	struct pa_attribute attribute;

	while (pa_attributes_next(&list, &attribute)) {
		if (attribute.type == names->table)
			found.table = pa_attribute_text(&attribute);
		if (attribute.type == names->name)
			found.name = pa_attribute_text(&attribute);
		else if (attribute.type == names->handle)
			found.handle = pa_attribute_u64(&attribute);
		else if (names->extra && attribute.type == names->extra)
			found.extra = attribute.length == 8 ? pa_attribute_u64(&attribute) : pa_attribute_u32(&attribute);
		else if (names->use && attribute.type == names->use)
			found.use = pa_attribute_u32(&attribute);
		else if (names->expressions && attribute.type == names->expressions)
			found.expressions = pa_attributes_nested(&attribute);
	}
	return found;
}

static void take_object(struct pa_digest *digest, const struct nlmsghdr *message, enum pa_tally_kind kind)
{
	struct identity found = identify(message, &attributes_of[kind]);
	uint64_t name = name_hash(pa_message_family(message), found.table, found.name);

	count_in(&digest->tally[kind], hash_bytes(name ^ found.extra, &found.handle, sizeof(found.handle)));
	if (kind == PA_TALLY_CHAINS) {
		struct pa_seen *chain = add_seen(&digest->seen, name + 1);
		chain->is_chain = true;
		chain->anonymous = found.extra & NFT_CHAIN_BINDING;
		chain->use = (uint32_t)found.use;
	}
	if (kind == PA_TALLY_SETS) {
		struct pa_seen *set = add_seen(&digest->seen, name);
		set->constant = (found.extra & NFT_SET_ANONYMOUS) && (found.extra & NFT_SET_CONSTANT);
		set->dynamic = set->dynamic || (found.extra & NFT_SET_EVAL);
	}
}

/* Data (NFTA_DATA_*) may be a verdict that names a chain. */
static void take_data(struct pa_digest *digest, uint8_t family, const char *table, struct pa_attributes data)
{
	struct pa_attribute attribute, part;

	while (pa_attributes_next(&data, &attribute)) {
		struct pa_attributes verdict = pa_attributes_nested(&attribute);
		while (attribute.type == NFTA_DATA_VERDICT && pa_attributes_next(&verdict, &part))
			if (part.type == NFTA_VERDICT_CHAIN)
				add_seen(&digest->seen, name_hash(family, table, pa_attribute_text(&part)) + 1)->verdicts++;
	}
}

static void take_expressions(struct pa_digest *digest, uint8_t family, const char *table, struct pa_attributes expressions)
{
	struct pa_attribute expression, attribute, inner;

	while (pa_attributes_next(&expressions, &expression)) {
		struct pa_attributes list = pa_attributes_nested(&expression), data;
		bool immediate = false;

		while (pa_attributes_next(&list, &attribute)) {
			if (attribute.type == NFTA_EXPR_NAME)
				immediate = strcmp(pa_attribute_text(&attribute), "immediate") == 0;
			data = pa_attributes_nested(&attribute);
			while (immediate && attribute.type == NFTA_EXPR_DATA && pa_attributes_next(&data, &inner))
				if (inner.type == NFTA_IMMEDIATE_DATA)
					take_data(digest, family, table, pa_attributes_nested(&inner));
		}
	}
}

static bool is_first_dump(struct pa_digest *digest, const struct nlmsghdr *message)
{
	uint64_t *counted = &digest->rules_dump[pa_message_family(message) & 15];
	uint64_t dump = (uint64_t)digest->dumps << 32 | message->nlmsg_seq;

	if (*counted == 0)
		*counted = dump + 1;
	return *counted == dump + 1;
}

static void take_rule(struct pa_digest *digest, const struct nlmsghdr *message)
{
	struct identity rule = identify(message, &attributes_of[PA_TALLY_RULES]);
	uint64_t chain = name_hash(pa_message_family(message), rule.table, rule.name), before = rule.extra;

	if (chain != digest->chain_hash || digest->tally[PA_TALLY_RULES].count == 0) {
		const struct pa_seen *seen = find_seen(&digest->seen, chain + 1);
		digest->chain_hash = chain;
		digest->in_anonymous_chain = seen && seen->anonymous;
		digest->last_handle = 0;
	} else if (before == 0) {
		digest->torn = true; /* a second first rule */
	}
	if (before != digest->last_handle)
		digest->torn = true;
	digest->last_handle = rule.handle;
	add_seen(&digest->seen, chain + 1)->rules++;
	take_expressions(digest, pa_message_family(message), rule.table, rule.expressions);
	count_in(&digest->tally[PA_TALLY_RULES], hash_bytes(chain ^ before, &rule.handle, sizeof(rule.handle)));
	if (!digest->in_anonymous_chain) {
		digest->listed.count++;
		digest->listed.sum += pa_digest_handle(rule.handle);
	}
}

/* What an element is. A short life: it may be gone in the second dump. */
static uint64_t hash_element(const struct pa_attribute *element, struct pa_attributes *ret_data, bool *ret_short)
{
	uint64_t hash = 0, life = UINT64_MAX;
	struct pa_attributes list = pa_attributes_nested(element);
	struct pa_attribute attribute;

	while (pa_attributes_next(&list, &attribute)) {
		switch (attribute.type) {
		case NFTA_SET_ELEM_DATA:
			*ret_data = pa_attributes_nested(&attribute);
			hash = hash_attribute(hash, &attribute);
			break;
		case NFTA_SET_ELEM_KEY:
		case NFTA_SET_ELEM_KEY_END:
		case NFTA_SET_ELEM_FLAGS:
		case NFTA_SET_ELEM_OBJREF:
			hash = hash_attribute(hash, &attribute);
			break;
		case NFTA_SET_ELEM_EXPIRATION:
			life = pa_attribute_u64(&attribute);
			break;
		default:
			break;
		}
	}
	*ret_short = life <= SHORT_LIFE;
	return hash;
}

static size_t take_elements(struct pa_digest *digest, const struct nlmsghdr *message)
{
	struct pa_attributes list = pa_attributes_of(message), elements = { 0 };
	struct pa_attribute attribute, element;
	const char *table = "", *name = "";
	struct pa_seen set;
	size_t count = 0;

	while (pa_attributes_next(&list, &attribute)) {
		switch (attribute.type) {
		case NFTA_SET_ELEM_LIST_TABLE:
			table = pa_attribute_text(&attribute);
			break;
		case NFTA_SET_ELEM_LIST_SET:
			name = pa_attribute_text(&attribute);
			break;
		case NFTA_SET_ELEM_LIST_ELEMENTS:
			elements = pa_attributes_nested(&attribute);
			break;
		default:
			break;
		}
	}
	set = *pa_digest_set(digest, pa_message_family(message), table, name);
	while (pa_attributes_next(&elements, &element)) {
		struct pa_attributes data = { 0 };
		bool short_lived;
		uint64_t hash = hash_element(&element, &data, &short_lived);

		take_data(digest, pa_message_family(message), table, data);
		if (!short_lived && !set.constant)
			count_in(&set.elements, hash);
		count++;
	}
	pa_digest_set(digest, pa_message_family(message), table, name)->elements = set.elements;
	return count;
}

size_t pa_digest_take(struct pa_digest *digest, const struct nlmsghdr *message)
{
	if (!pa_message_is(message, message->nlmsg_type & 0xff))
		return 0;
	switch (message->nlmsg_type & 0xff) {
	case NFT_MSG_NEWTABLE:
		take_object(digest, message, PA_TALLY_TABLES);
		break;
	case NFT_MSG_NEWCHAIN:
		take_object(digest, message, PA_TALLY_CHAINS);
		break;
	case NFT_MSG_NEWSET:
		take_object(digest, message, PA_TALLY_SETS);
		break;
	case NFT_MSG_NEWOBJ:
		take_object(digest, message, PA_TALLY_OBJECTS);
		break;
	case NFT_MSG_NEWFLOWTABLE:
		take_object(digest, message, PA_TALLY_FLOWTABLES);
		break;
	case NFT_MSG_NEWRULE:
		if (is_first_dump(digest, message))
			take_rule(digest, message);
		break;
	case NFT_MSG_NEWSETELEM:
		return take_elements(digest, message);
	default:
		break;
	}
	return 0;
}

/* --- digests ----------------------------------------------------------------------------------------------- */

void pa_digest_init(struct pa_digest *digest)
{
	*digest = (struct pa_digest){ 0 };
}

void pa_digest_done(struct pa_digest *digest)
{
	free(digest->seen.slots);
	digest->seen = (struct pa_seen_table){ 0 };
}

void pa_digest_restart(struct pa_digest *digest)
{
	pa_digest_done(digest);
	pa_digest_init(digest);
}

struct pa_seen *pa_digest_set(struct pa_digest *digest, uint8_t family, const char *table, const char *set)
{
	return add_seen(&digest->seen, name_hash(family, table, set));
}

static bool tallies_equal(struct pa_tally a, struct pa_tally b)
{
	return a.count == b.count && a.sum == b.sum;
}

/* Each set of `a` has the same elements in `b`. */
static bool elements_equal(const struct pa_digest *a, const struct pa_digest *b)
{
	for (size_t i = 0; i < a->seen.capacity; i++) {
		const struct pa_seen *left = &a->seen.slots[i];
		const struct pa_seen *right = left->hash ? find_seen(&b->seen, left->hash) : left;

		if (!right)
			return false;
		if (!left->dynamic && !right->dynamic && !tallies_equal(left->elements, right->elements))
			return false;
	}
	return true;
}

bool pa_digest_rules_complete(const struct pa_digest *digest)
{
	for (size_t i = 0; i < digest->seen.capacity; i++) {
		const struct pa_seen *chain = &digest->seen.slots[i];
		uint32_t seen = chain->rules + chain->verdicts;

		/* The rule of `jump { ... }` holds its chain twice (nf_tables_bind_chain in net/netfilter). */
		if (chain->is_chain ? chain->use != seen + chain->anonymous : seen != 0)
			return false;
	}
	return !digest->torn;
}

bool pa_digest_agree(const struct pa_digest *a, const struct pa_digest *b, bool with_rules)
{
	for (size_t i = 0; i < PA_TALLY_COUNT; i++)
		if ((with_rules || i != PA_TALLY_RULES) && !tallies_equal(a->tally[i], b->tally[i]))
			return false;
	return !a->torn && !b->torn && elements_equal(a, b) && elements_equal(b, a);
}
