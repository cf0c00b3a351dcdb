/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "facts.h"

#include "kernel_tests.h"

#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>

/* Types of user data (libnftnl/udata.h). */
enum { COMMENT_OF_TABLE = 0, COMMENT_OF_CHAIN = 0, COMMENT_OF_SET = 7 };

/* Positions in one of the arrays, plus 1, by the hash of their names. 0: free. */
struct index {
	uint32_t *slots;
	size_t capacity; /* a power of two */
};

struct pa_nft_facts {
	struct pa_arena *arena;
	struct pa_nft_table_fact *tables;
	struct pa_nft_chain_fact *chains;
	struct pa_nft_set_fact *sets;
	struct pa_nft_rule_fact *rules;
	size_t table_count, chain_count, set_count, rule_count;
	size_t table_capacity, chain_capacity, set_capacity, rule_capacity;
	struct index chain_index, set_index, rule_index;
};

/* --- messages ---------------------------------------------------------------------------------------------- */

static bool family_from_kernel(uint8_t number, enum pa_family *ret_family)
{
	switch (number) {
	case NFPROTO_IPV4:
		*ret_family = PA_FAMILY_IP;
		return true;
	case NFPROTO_IPV6:
		*ret_family = PA_FAMILY_IP6;
		return true;
	case NFPROTO_INET:
		*ret_family = PA_FAMILY_INET;
		return true;
	case NFPROTO_ARP:
		*ret_family = PA_FAMILY_ARP;
		return true;
	case NFPROTO_BRIDGE:
		*ret_family = PA_FAMILY_BRIDGE;
		return true;
	case NFPROTO_NETDEV:
		*ret_family = PA_FAMILY_NETDEV;
		return true;
	default:
		return false;
	}
}

static const char *keep_text(struct pa_nft_facts *facts, const struct pa_attribute *attribute)
{
	return pa_arena_strdup(facts->arena, pa_attribute_text(attribute));
}

/* User data is a list of (type, length, bytes); a comment is terminated there. NULL: none. */
static const char *read_comment(struct pa_nft_facts *facts, const struct pa_attribute *data, unsigned comment)
{
	for (size_t at = 0; at + 2 <= data->length;) {
		unsigned type = (unsigned char)data->data[at], length = (unsigned char)data->data[at + 1];

		if (at + 2 + length > data->length)
			return NULL;
		if (type == comment)
			return pa_arena_strndup(facts->arena, data->data + at + 2, strnlen(data->data + at + 2, length));
		at += 2 + length;
	}
	return NULL;
}

static void read_table(struct pa_nft_facts *facts, const struct nlmsghdr *message, enum pa_family family)
{
	struct pa_attributes list = pa_attributes_of(message);
	struct pa_attribute attribute;
	struct pa_nft_table_fact table = { .family = family, .name = "" };

	while (pa_attributes_next(&list, &attribute)) {
		if (attribute.type == NFTA_TABLE_NAME)
			table.name = keep_text(facts, &attribute);
		else if (attribute.type == NFTA_TABLE_HANDLE)
			table.handle = pa_attribute_u64(&attribute);
		else if (attribute.type == NFTA_TABLE_USERDATA)
			table.comment = read_comment(facts, &attribute, COMMENT_OF_TABLE);
		else if (attribute.type == NFTA_TABLE_FLAGS) {
			table.dormant = pa_attribute_u32(&attribute) & NFT_TABLE_F_DORMANT;
			table.owned = pa_attribute_u32(&attribute) & NFT_TABLE_F_OWNER;
		}
	}
	pa_grow(&facts->tables, &facts->table_capacity, facts->table_count + 1, sizeof(*facts->tables));
	facts->tables[facts->table_count++] = table;
}

/* Newer than the header of Debian 12: a device of the list that is a prefix (linux/netfilter/nf_tables.h of 6.16). */
#define DEVICE_NAME 1
#define DEVICE_PREFIX 2

static void read_devices(struct pa_nft_facts *facts, struct pa_nft_chain_fact *chain, const struct pa_attribute *hook)
{
	struct pa_attributes list = pa_attributes_nested(hook), devices;
	struct pa_attribute attribute, device;
	const char **names = NULL;
	size_t count = 0, capacity = 0;

	while (pa_attributes_next(&list, &attribute)) {
		if (attribute.type == NFTA_HOOK_DEV && count == 0) {
			pa_grow(&names, &capacity, count + 1, sizeof(*names));
			names[count++] = keep_text(facts, &attribute);
		} else if (attribute.type == NFTA_HOOK_DEVS) {
			devices = pa_attributes_nested(&attribute);
			for (count = 0; pa_attributes_next(&devices, &device);) {
				pa_grow(&names, &capacity, count + 1, sizeof(*names));
				names[count++] = device.type == DEVICE_PREFIX
							 ? pa_arena_printf(facts->arena, "%s*", pa_attribute_text(&device))
							 : keep_text(facts, &device);
			}
		}
	}
	pa_grow(&names, &capacity, count + 1, sizeof(*names));
	names[count] = NULL;
	chain->devices = pa_arena_dup(facts->arena, names, count + 1, sizeof(*names));
	free(names);
}

static void read_chain(struct pa_nft_facts *facts, const struct nlmsghdr *message, enum pa_family family)
{
	static const char *const no_devices[] = { NULL };
	struct pa_attributes list = pa_attributes_of(message);
	struct pa_attribute attribute;
	struct pa_nft_chain_fact chain = { .family = family, .table = "", .name = "", .devices = no_devices };

	while (pa_attributes_next(&list, &attribute)) {
		if (attribute.type == NFTA_CHAIN_TABLE)
			chain.table = keep_text(facts, &attribute);
		else if (attribute.type == NFTA_CHAIN_NAME)
			chain.name = keep_text(facts, &attribute);
		else if (attribute.type == NFTA_CHAIN_HANDLE)
			chain.handle = pa_attribute_u64(&attribute);
		else if (attribute.type == NFTA_CHAIN_USERDATA)
			chain.comment = read_comment(facts, &attribute, COMMENT_OF_CHAIN);
		else if (attribute.type == NFTA_CHAIN_HOOK) {
			chain.is_base = true;
			read_devices(facts, &chain, &attribute);
		} else if (attribute.type == NFTA_CHAIN_FLAGS) {
			chain.anonymous = pa_attribute_u32(&attribute) & NFT_CHAIN_BINDING;
			chain.offload = pa_attribute_u32(&attribute) & NFT_CHAIN_HW_OFFLOAD;
		}
	}
	pa_grow(&facts->chains, &facts->chain_capacity, facts->chain_count + 1, sizeof(*facts->chains));
	facts->chains[facts->chain_count++] = chain;
}

/* NFT_SET_CONCAT and NFT_SET_EXPR (linux/netfilter/nf_tables.h). */
static void read_set_flags(struct pa_nft_set_fact *set, uint32_t flags)
{
	set->anonymous = flags & NFT_SET_ANONYMOUS;
	set->constant = flags & NFT_SET_CONSTANT;
	set->interval = flags & NFT_SET_INTERVAL;
	set->is_map = flags & NFT_SET_MAP;
	set->timeout = flags & NFT_SET_TIMEOUT;
	set->dynamic = flags & NFT_SET_EVAL;
	set->concat = flags & NFT_SET_CONCAT;
}

static void read_set(struct pa_nft_facts *facts, const struct nlmsghdr *message, enum pa_family family)
{
	struct pa_attributes list = pa_attributes_of(message);
	struct pa_attribute attribute;
	struct pa_nft_set_fact set = { .family = family, .table = "", .name = "" };

	while (pa_attributes_next(&list, &attribute)) {
		if (attribute.type == NFTA_SET_TABLE)
			set.table = keep_text(facts, &attribute);
		else if (attribute.type == NFTA_SET_NAME)
			set.name = keep_text(facts, &attribute);
		else if (attribute.type == NFTA_SET_HANDLE)
			set.handle = pa_attribute_u64(&attribute);
		else if (attribute.type == NFTA_SET_FLAGS)
			read_set_flags(&set, pa_attribute_u32(&attribute));
		else if (attribute.type == NFTA_SET_KEY_TYPE)
			set.key_type = pa_attribute_u32(&attribute);
		else if (attribute.type == NFTA_SET_KEY_LEN)
			set.key_length = pa_attribute_u32(&attribute);
		else if (attribute.type == NFTA_SET_DATA_TYPE)
			set.data_type = pa_attribute_u32(&attribute);
		else if (attribute.type == NFTA_SET_DATA_LEN)
			set.data_length = pa_attribute_u32(&attribute);
		else if (attribute.type == NFTA_SET_EXPR || attribute.type == NFTA_SET_EXPRESSIONS)
			set.has_expressions = true;
		else if (attribute.type == NFTA_SET_USERDATA)
			set.comment = read_comment(facts, &attribute, COMMENT_OF_SET);
	}
	pa_grow(&facts->sets, &facts->set_capacity, facts->set_count + 1, sizeof(*facts->sets));
	facts->sets[facts->set_count++] = set;
}

/* --- looking up -------------------------------------------------------------------------------------------- */

static size_t hash_names(enum pa_family family, const char *table, const char *name)
{
	uint64_t hash = 0xcbf29ce484222325u ^ (uint64_t)family;

	for (; *table; table++)
		hash = (hash ^ (unsigned char)*table) * 0x100000001b3u;
	hash *= 0x100000001b3u;
	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
	return (size_t)(hash ^ hash >> 29);
}

static void index_init(struct pa_nft_facts *facts, struct index *index, size_t count)
{
	for (index->capacity = 16; index->capacity < count * 2;)
		index->capacity *= 2;
	index->slots = pa_arena_alloc(facts->arena, index->capacity, sizeof(*index->slots));
}

static void index_add(struct index *index, size_t hash, size_t position)
{
	size_t i = hash & (index->capacity - 1);

	while (index->slots[i])
		i = (i + 1) & (index->capacity - 1);
	index->slots[i] = (uint32_t)position + 1;
}

static void index_all(struct pa_nft_facts *facts)
{
	index_init(facts, &facts->chain_index, facts->chain_count);
	index_init(facts, &facts->set_index, facts->set_count);
	for (size_t i = 0; i < facts->chain_count; i++) {
		const struct pa_nft_chain_fact *chain = &facts->chains[i];
		index_add(&facts->chain_index, hash_names(chain->family, chain->table, chain->name), i);
	}
	for (size_t i = 0; i < facts->set_count; i++) {
		const struct pa_nft_set_fact *set = &facts->sets[i];
		index_add(&facts->set_index, hash_names(set->family, set->table, set->name), i);
	}
}

const struct pa_nft_table_fact *pa_nft_facts_table(const struct pa_nft_facts *facts, enum pa_family family, const char *name)
{
	for (size_t i = 0; i < facts->table_count; i++)
		if (facts->tables[i].family == family && pa_text_equal(facts->tables[i].name, name))
			return &facts->tables[i];
	return NULL;
}

const struct pa_nft_chain_fact *pa_nft_facts_chain(const struct pa_nft_facts *facts, enum pa_family family, const char *table,
						   const char *name)
{
	const struct index *index = &facts->chain_index;
	size_t i = hash_names(family, table, name) & (index->capacity - 1);

	for (; index->slots[i]; i = (i + 1) & (index->capacity - 1)) {
		const struct pa_nft_chain_fact *chain = &facts->chains[index->slots[i] - 1];
		if (chain->family == family && pa_text_equal(chain->name, name) && pa_text_equal(chain->table, table))
			return chain;
	}
	return NULL;
}

static struct pa_nft_set_fact *find_set(const struct pa_nft_facts *facts, enum pa_family family, const char *table,
					const char *name)
{
	const struct index *index = &facts->set_index;
	size_t i = hash_names(family, table, name) & (index->capacity - 1);

	for (; index->slots[i]; i = (i + 1) & (index->capacity - 1)) {
		struct pa_nft_set_fact *set = &facts->sets[index->slots[i] - 1];
		if (set->family == family && pa_text_equal(set->name, name) && pa_text_equal(set->table, table))
			return set;
	}
	return NULL;
}

const struct pa_nft_set_fact *pa_nft_facts_set(const struct pa_nft_facts *facts, enum pa_family family, const char *table,
					       const char *name)
{
	return find_set(facts, family, table, name);
}

size_t pa_nft_facts_tables(const struct pa_nft_facts *facts, const struct pa_nft_table_fact **ret_tables)
{
	*ret_tables = facts->tables;
	return facts->table_count;
}

size_t pa_nft_facts_chains(const struct pa_nft_facts *facts, const struct pa_nft_chain_fact **ret_chains)
{
	*ret_chains = facts->chains;
	return facts->chain_count;
}

size_t pa_nft_facts_sets(const struct pa_nft_facts *facts, const struct pa_nft_set_fact **ret_sets)
{
	*ret_sets = facts->sets;
	return facts->set_count;
}

/* --- rules ------------------------------------------------------------------------------------------------- */

static size_t hash_rule(enum pa_family family, const char *table, uint64_t handle)
{
	uint64_t hash = ((uint64_t)hash_names(family, table, "") ^ handle) * 0x9e3779b97f4a7c15u;

	return (size_t)(hash ^ hash >> 29);
}

const struct pa_nft_rule_fact *pa_nft_facts_rule(const struct pa_nft_facts *facts, enum pa_family family, const char *table,
						 uint64_t handle)
{
	const struct index *index = &facts->rule_index;
	size_t i = hash_rule(family, table, handle) & (index->capacity - 1);

	for (; index->slots[i]; i = (i + 1) & (index->capacity - 1)) {
		const struct pa_nft_rule_fact *rule = &facts->rules[index->slots[i] - 1];
		if (rule->handle == handle && rule->family == family && pa_text_equal(rule->table, table))
			return rule;
	}
	return NULL;
}

static void index_rules(struct pa_nft_facts *facts)
{
	index_init(facts, &facts->rule_index, facts->rule_count);
	for (size_t i = 0; i < facts->rule_count; i++) {
		const struct pa_nft_rule_fact *rule = &facts->rules[i];
		index_add(&facts->rule_index, hash_rule(rule->family, rule->table, rule->handle), i);
	}
}

/* Such a set is dynamic, whatever its flags say. */
static void mark_fed(struct pa_nft_facts *facts, const struct pa_nft_rule_fact *rule,
		     const struct pa_kernel_expression *expression)
{
	struct pa_attribute name;
	struct pa_nft_set_fact *set = NULL;

	if (strcmp(expression->name, "dynset") == 0 && pa_attributes_find(expression->attributes, NFTA_DYNSET_SET_NAME, &name))
		set = find_set(facts, rule->family, rule->table, pa_attribute_text(&name));
	if (set)
		set->dynamic = true;
}

/* Tables have many rules: their names are kept once. */
static const char *keep_table(struct pa_nft_facts *facts, const char *name)
{
	const struct pa_nft_rule_fact *last = facts->rule_count ? &facts->rules[facts->rule_count - 1] : NULL;

	return last && pa_text_equal(last->table, name) ? last->table : pa_arena_strdup(facts->arena, name);
}

static void keep_rule(struct pa_nft_facts *facts, const struct pa_nft_rule_fact *rule, const struct pa_kernel_walk *walk,
		      const struct pa_nft_comparison *differing)
{
	struct pa_nft_rule_fact *kept;
	const char *table = keep_table(facts, rule->table);

	pa_grow(&facts->rules, &facts->rule_capacity, facts->rule_count + 1, sizeof(*facts->rules));
	kept = &facts->rules[facts->rule_count++];
	*kept = *rule;
	kept->table = table;
	kept->differing = pa_arena_dup(facts->arena, differing, rule->count, sizeof(*differing));
	kept->tests = walk->tests;
	kept->tests.protocol = pa_arena_dup(facts->arena, walk->protocol, walk->tests.protocol_count, sizeof(*walk->protocol));
	kept->tests.payload = pa_arena_dup(facts->arena, walk->payload, walk->tests.payload_count, sizeof(*walk->payload));
}

static void read_expressions(struct pa_nft_facts *facts, struct pa_nft_rule_fact *rule, struct pa_attributes expressions)
{
	struct pa_nft_comparison *found = NULL;
	struct pa_kernel_loads loads = { 0 };
	struct pa_kernel_order order = { 0 };
	struct pa_kernel_walk walk = { .family = rule->family == PA_FAMILY_IP	 ? NFPROTO_IPV4
						 : rule->family == PA_FAMILY_IP6 ? NFPROTO_IPV6
										 : 0 };
	struct pa_attribute item;
	size_t capacity = 0, count = 0;
	bool wide = false;

	while (pa_attributes_next(&expressions, &item)) {
		struct pa_kernel_expression expression = pa_kernel_expression_open(&item);

		count++;
		mark_fed(facts, rule, &expression);
		pa_kernel_walk_take(&walk, &expression, order.effect);
		pa_kernel_order_take(&order, &expression);
		rule->flow_protocols += pa_kernel_expression_reads_flow_protocol(&expression);
		pa_grow(&found, &capacity, rule->count + 1, sizeof(*found));
		if (pa_kernel_loads_take(&loads, &expression, &found[rule->count]))
			wide = found[rule->count++].length > 1 || wide;
	}
	rule->any_network = pa_kernel_order_any_network(&order);
	if (!wide)
		rule->count = 0; /* single bytes alone are what they seem */
	if (count)
		keep_rule(facts, rule, &walk, found);
	free(found);
}

static void read_rule(struct pa_nft_facts *facts, const struct nlmsghdr *message, enum pa_family family)
{
	struct pa_attributes list = pa_attributes_of(message), expressions = { 0 };
	struct pa_attribute attribute;
	struct pa_nft_rule_fact rule = { .family = family, .table = "" };

	while (pa_attributes_next(&list, &attribute)) {
		if (attribute.type == NFTA_RULE_TABLE)
			rule.table = pa_attribute_text(&attribute);
		else if (attribute.type == NFTA_RULE_HANDLE)
			rule.handle = pa_attribute_u64(&attribute);
		else if (attribute.type == NFTA_RULE_EXPRESSIONS)
			expressions = pa_attributes_nested(&attribute);
	}
	read_expressions(facts, &rule, expressions);
}

static bool read_objects(struct pa_nft_facts *facts, const char *at, size_t left)
{
	const struct nlmsghdr *message;

	while ((message = pa_messages_next(&at, &left))) {
		enum pa_family family;

		if (!family_from_kernel(pa_message_family(message), &family))
			continue; /* a family that nft does not know either */
		if (pa_message_is(message, NFT_MSG_NEWTABLE))
			read_table(facts, message, family);
		else if (pa_message_is(message, NFT_MSG_NEWCHAIN))
			read_chain(facts, message, family);
		else if (pa_message_is(message, NFT_MSG_NEWSET))
			read_set(facts, message, family);
	}
	return left == 0;
}

static void read_rules(struct pa_nft_facts *facts, const char *at, size_t left)
{
	const struct nlmsghdr *message;
	enum pa_family family;

	while ((message = pa_messages_next(&at, &left)))
		if (pa_message_is(message, NFT_MSG_NEWRULE) && family_from_kernel(pa_message_family(message), &family))
			read_rule(facts, message, family);
}

struct pa_nft_facts *pa_nft_facts_read(const void *messages, size_t length, const char **ret_problem)
{
	struct pa_arena *arena = pa_arena_new();
	struct pa_nft_facts *facts = pa_arena_alloc(arena, 1, sizeof(*facts));

	facts->arena = arena;
	if (length > 0 && !read_objects(facts, messages, length)) {
		*ret_problem = "the recorded messages from the kernel are cut off";
		return pa_nft_facts_free(facts);
	}
	index_all(facts);
	if (length > 0)
		read_rules(facts, messages, length);
	index_rules(facts);
	return facts;
}

struct pa_nft_facts *pa_nft_facts_free(struct pa_nft_facts *facts)
{
	if (facts) {
		free(facts->tables);
		free(facts->chains);
		free(facts->sets);
		free(facts->rules);
		pa_arena_free(facts->arena);
	}
	return NULL;
}
