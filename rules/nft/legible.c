/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "legible.h"

#include "kernel_expression.h"

#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

/* nft's datatype numbers (include/datatype.h of nftables): those that are text, and those not 4 bytes long in a key. */
enum {
	TYPE_BITMASK = 3,
	TYPE_INTEGER = 4,
	TYPE_STRING = 5,
	TYPE_LLADDR = 6,
	TYPE_IP6ADDR = 8,
	TYPE_ETHERADDR = 9,
	TYPE_TIME = 18,
	TYPE_CT_LABEL = 30,
	TYPE_IFNAME = 41,
	TYPE_TIME_DATE = 43,
	TYPE_CGROUPV2 = 46,
};
#define TYPE_BITS 6
#define TYPE_MASK ((1u << TYPE_BITS) - 1)
#define PARTS_MAX 5 /* five types fit into 32 bits */

/* Types of user data (libnftnl/udata.h). */
enum {
	COMMENT_OF_TABLE = 0,
	COMMENT_OF_CHAIN = 0,
	COMMENT_OF_RULE = 0,
	COMMENT_OF_ELEMENT = 0,
	COMMENT_OF_OBJECT = 0,
	COMMENT_OF_SET = 7
};

/* Where the text was found. */
struct place {
	struct pa_legible *legible;
	const char *what;  /* "the name of a table" */
	const char *table; /* or NULL */
	const char *name;  /* or NULL: of the set or chain */
};

static void escape(char *out, size_t size, const char *text, size_t length)
{
	size_t used = 0;

	for (size_t i = 0; i < length && used + 5 < size; i++) {
		unsigned char byte = (unsigned char)text[i];
		if (byte >= 0x20 && byte < 0x7f)
			out[used++] = (char)byte;
		else
			used += (size_t)snprintf(out + used, size - used, "\\x%02x", byte);
	}
	out[used] = '\0';
}

static void must_be_utf8(const struct place *place, const char *text, size_t length)
{
	char shown[80], table[80] = "", name[80] = "";

	length = strnlen(text, length);
	if (place->legible->lost || pa_text_is_utf8(text, length))
		return;
	escape(shown, sizeof(shown), text, length);
	if (place->table)
		escape(table, sizeof(table), place->table, strlen(place->table));
	if (place->name)
		escape(name, sizeof(name), place->name, strlen(place->name));
	place->legible->lost = true;
	snprintf(place->legible->problem, sizeof(place->legible->problem), "%s%s%s%s%s is not UTF-8: \"%s\"", place->what,
		 place->table ? " in table " : "", table, place->name ? " " : "", name, shown);
}

/* User data is a list of (type, length, bytes). */
static void check_userdata(const struct place *place, const struct pa_attribute *data, unsigned comment)
{
	for (size_t at = 0; at + 2 <= data->length;) {
		unsigned type = (unsigned char)data->data[at], length = (unsigned char)data->data[at + 1];

		if (at + 2 + length > data->length)
			return;
		if (type == comment)
			must_be_utf8(place, data->data + at + 2, length);
		at += 2 + length;
	}
}

/* --- elements ---------------------------------------------------------------------------------------------- */

static bool is_text(unsigned type)
{
	return type == TYPE_IFNAME || type == TYPE_STRING;
}

static bool has_text(uint32_t types)
{
	for (; types; types >>= TYPE_BITS)
		if (is_text(types & TYPE_MASK))
			return true;
	return false;
}

/* Bytes of a part in a concatenation, padded to 4; 0: the type does not say. */
static size_t size_of_part(unsigned type)
{
	switch (type) {
	case TYPE_BITMASK:
	case TYPE_INTEGER:
	case TYPE_STRING:
	case TYPE_LLADDR:
		return 0;
	case TYPE_ETHERADDR:
	case TYPE_TIME:
	case TYPE_TIME_DATE:
	case TYPE_CGROUPV2:
		return 8;
	case TYPE_IP6ADDR:
	case TYPE_CT_LABEL:
	case TYPE_IFNAME:
		return 16;
	default:
		return 4;
	}
}

/* Splits `types` into parts, first part first; fills in the one size that a type leaves open. 0: cannot be told. */
static size_t split_parts(uint32_t types, size_t total, unsigned type[PARTS_MAX], size_t size[PARTS_MAX])
{
	size_t count = 0, known = 0, open = 0, open_at = 0;

	for (int shift = (PARTS_MAX - 1) * TYPE_BITS; shift >= 0; shift -= TYPE_BITS) {
		unsigned part = types >> shift & TYPE_MASK;
		if (part == 0)
			continue;
		type[count] = part;
		size[count] = size_of_part(part);
		known += size[count];
		if (size[count] == 0) {
			open++;
			open_at = count;
		}
		count++;
	}
	if (open == 1 && known < total) {
		size[open_at] = total - known;
		open = 0;
	}
	return open ? 0 : count;
}

static void check_value(const struct place *place, uint32_t types, const char *data, size_t length)
{
	unsigned type[PARTS_MAX];
	size_t size[PARTS_MAX], at = 0, count;

	if (types <= TYPE_MASK) {
		must_be_utf8(place, data, length);
		return;
	}
	count = split_parts(types, length, type, size);
	if (count == 0 && !place->legible->lost) {
		place->legible->lost = true;
		snprintf(place->legible->problem, sizeof(place->legible->problem),
			 "the parts of an element in table %s %s cannot be told apart, so its names cannot be checked",
			 place->table, place->name);
	}
	for (size_t i = 0; i < count && at + size[i] <= length; at += size[i++])
		if (is_text(type[i]))
			must_be_utf8(place, data + at, size[i]);
}

static void check_data(const struct place *place, uint32_t types, const struct pa_attribute *data)
{
	struct pa_attributes list = pa_attributes_nested(data);
	struct pa_attribute attribute;

	while (pa_attributes_next(&list, &attribute))
		if (attribute.type == NFTA_DATA_VALUE)
			check_value(place, types, attribute.data, attribute.length);
}

static void check_element(const struct place *place, const struct pa_seen *set, const struct pa_attribute *element)
{
	struct pa_attributes list = pa_attributes_nested(element);
	struct pa_attribute attribute, key = { 0 }, data = { 0 };
	struct place comment = *place;
	uint32_t flags = 0;

	comment.what = "the comment of an element";
	while (pa_attributes_next(&list, &attribute)) {
		if (attribute.type == NFTA_SET_ELEM_KEY)
			key = attribute;
		else if (attribute.type == NFTA_SET_ELEM_DATA)
			data = attribute;
		else if (attribute.type == NFTA_SET_ELEM_FLAGS)
			flags = pa_attribute_u32(&attribute);
		else if (attribute.type == NFTA_SET_ELEM_USERDATA)
			check_userdata(&comment, &attribute, COMMENT_OF_ELEMENT);
	}
	/* The end of an interval is no name: br-* ends at "br." */
	if (flags & NFT_SET_ELEM_INTERVAL_END)
		return;
	if (key.data && has_text(set->key_type))
		check_data(place, set->key_type, &key);
	if (data.data && has_text(set->data_type))
		check_data(place, set->data_type, &data);
}

static void check_elements(struct pa_legible *legible, struct pa_digest *digest, const struct nlmsghdr *message)
{
	struct pa_attributes list = pa_attributes_of(message), elements = { 0 };
	struct pa_attribute attribute, element;
	struct place place = { .legible = legible, .what = "an element", .table = "", .name = "" };
	const struct pa_seen *set;

	while (pa_attributes_next(&list, &attribute)) {
		if (attribute.type == NFTA_SET_ELEM_LIST_TABLE)
			place.table = pa_attribute_text(&attribute);
		else if (attribute.type == NFTA_SET_ELEM_LIST_SET)
			place.name = pa_attribute_text(&attribute);
		else if (attribute.type == NFTA_SET_ELEM_LIST_ELEMENTS)
			elements = pa_attributes_nested(&attribute);
	}
	set = pa_digest_set(digest, pa_message_family(message), place.table, place.name);
	while (pa_attributes_next(&elements, &element))
		check_element(&place, set, &element);
}

static void check_set(struct pa_legible *legible, struct pa_digest *digest, const struct nlmsghdr *message)
{
	struct pa_attributes list = pa_attributes_of(message);
	struct pa_attribute attribute;
	struct place place = { .legible = legible, .what = "the comment of a set" };
	const char *table = "", *name = "";
	struct pa_seen types = { 0 }, *set;

	while (pa_attributes_next(&list, &attribute)) {
		if (attribute.type == NFTA_SET_TABLE)
			table = pa_attribute_text(&attribute);
		else if (attribute.type == NFTA_SET_NAME)
			name = pa_attribute_text(&attribute);
		else if (attribute.type == NFTA_SET_KEY_TYPE)
			types.key_type = pa_attribute_u32(&attribute);
		else if (attribute.type == NFTA_SET_DATA_TYPE)
			types.data_type = pa_attribute_u32(&attribute);
		else if (attribute.type == NFTA_SET_USERDATA)
			check_userdata(&place, &attribute, COMMENT_OF_SET);
	}
	place.what = "the name of a set";
	must_be_utf8(&place, name, strlen(name));
	set = pa_digest_set(digest, pa_message_family(message), table, name);
	set->key_type = types.key_type;
	set->data_type = types.data_type & 0xffffff00u ? 0 : types.data_type; /* NFT_DATA_VERDICT is no type */
}

/* --- rules ------------------------------------------------------------------------------------------------- */

static bool is_text_key(uint32_t key)
{
	return key == NFT_META_IIFNAME || key == NFT_META_OIFNAME || key == NFT_META_BRI_IIFNAME ||
	       key == NFT_META_BRI_OIFNAME || key == NFT_META_IIFKIND || key == NFT_META_OIFKIND || key == NFT_META_SDIFNAME;
}

/* The register that an expression loads a text into, or UINT32_MAX. */
static uint32_t text_register(const struct pa_kernel_expression *expression)
{
	if (strcmp(expression->name, "meta") == 0 && is_text_key(pa_attributes_find_u32(expression->attributes, NFTA_META_KEY)))
		return pa_attributes_find_u32(expression->attributes, NFTA_META_DREG);
	if (strcmp(expression->name, "ct") == 0 && pa_attributes_find_u32(expression->attributes, NFTA_CT_KEY) == NFT_CT_HELPER)
		return pa_attributes_find_u32(expression->attributes, NFTA_CT_DREG);
	if (strcmp(expression->name, "osf") == 0)
		return pa_attributes_find_u32(expression->attributes, NFTA_OSF_DREG);
	return UINT32_MAX;
}

static void check_compare(struct pa_legible *legible, const struct pa_kernel_expression *expression, uint32_t text)
{
	struct place place = { .legible = legible, .what = "a name that a rule compares with" };
	struct pa_attribute data;

	if (text != UINT32_MAX && strcmp(expression->name, "cmp") == 0 &&
	    pa_attributes_find_u32(expression->attributes, NFTA_CMP_SREG) == text &&
	    pa_attributes_find(expression->attributes, NFTA_CMP_DATA, &data))
		check_data(&place, TYPE_IFNAME, &data);
}

/* Returns true when facts.h speaks of the rule: when it has expressions. */
static bool check_expressions(struct pa_legible *legible, struct pa_digest *digest, const struct nlmsghdr *message,
			      const char *table, struct pa_attributes expressions)
{
	struct place prefix = { .legible = legible, .what = "a log prefix" };
	struct pa_attribute item, value;
	uint32_t text = UINT32_MAX;
	bool kept = false;

	while (pa_attributes_next(&expressions, &item)) {
		struct pa_kernel_expression expression = pa_kernel_expression_open(&item);
		uint32_t loaded = text_register(&expression);

		check_compare(legible, &expression, text);
		kept = true;
		if (loaded != UINT32_MAX || pa_kernel_expression_loads(&expression))
			text = loaded;
		if (strcmp(expression.name, "log") == 0 && pa_attributes_find(expression.attributes, NFTA_LOG_PREFIX, &value)) {
			must_be_utf8(&prefix, value.data, value.length);
		} else if (strcmp(expression.name, "dynset") == 0 &&
			   pa_attributes_find(expression.attributes, NFTA_DYNSET_SET_NAME, &value)) {
			pa_digest_set(digest, pa_message_family(message), table, pa_attribute_text(&value))->dynamic = true;
		}
	}
	return kept;
}

static bool check_rule(struct pa_legible *legible, struct pa_digest *digest, const struct nlmsghdr *message)
{
	struct pa_attributes list = pa_attributes_of(message), expressions = { 0 };
	struct pa_attribute attribute;
	struct place place = { .legible = legible, .what = "the comment of a rule" };
	const char *table = "";

	while (pa_attributes_next(&list, &attribute)) {
		if (attribute.type == NFTA_RULE_TABLE)
			table = pa_attribute_text(&attribute);
		else if (attribute.type == NFTA_RULE_CHAIN)
			place.name = pa_attribute_text(&attribute);
		else if (attribute.type == NFTA_RULE_EXPRESSIONS)
			expressions = pa_attributes_nested(&attribute);
		else if (attribute.type == NFTA_RULE_USERDATA) {
			place.table = table;
			check_userdata(&place, &attribute, COMMENT_OF_RULE);
		}
	}
	return check_expressions(legible, digest, message, table, expressions);
}

/* --- the rest ---------------------------------------------------------------------------------------------- */

static void check_name(struct pa_legible *legible, const struct nlmsghdr *message, uint16_t name, uint16_t userdata,
		       const char *what, const char *comment)
{
	struct pa_attributes list = pa_attributes_of(message);
	struct pa_attribute attribute;
	struct place name_place = { .legible = legible, .what = what }, comment_place = { .legible = legible, .what = comment };

	while (pa_attributes_next(&list, &attribute)) {
		if (attribute.type == name)
			must_be_utf8(&name_place, attribute.data, attribute.length);
		else if (userdata && attribute.type == userdata)
			check_userdata(&comment_place, &attribute, COMMENT_OF_TABLE);
	}
}

bool pa_legible_take(struct pa_legible *legible, struct pa_digest *digest, const struct nlmsghdr *message)
{
	switch (message->nlmsg_type & 0xff) {
	case NFT_MSG_NEWTABLE:
		check_name(legible, message, NFTA_TABLE_NAME, NFTA_TABLE_USERDATA, "the name of a table",
			   "the comment of a table");
		return true;
	case NFT_MSG_NEWCHAIN:
		check_name(legible, message, NFTA_CHAIN_NAME, NFTA_CHAIN_USERDATA, "the name of a chain",
			   "the comment of a chain");
		return true;
	case NFT_MSG_NEWOBJ:
		check_name(legible, message, NFTA_OBJ_NAME, NFTA_OBJ_USERDATA, "the name of an object",
			   "the comment of an object");
		return false;
	case NFT_MSG_NEWFLOWTABLE:
		check_name(legible, message, NFTA_FLOWTABLE_NAME, 0, "the name of a flowtable", "");
		return false;
	case NFT_MSG_NEWSET:
		check_set(legible, digest, message);
		return true;
	case NFT_MSG_NEWSETELEM:
		check_elements(legible, digest, message);
		return false;
	case NFT_MSG_NEWRULE:
		return check_rule(legible, digest, message);
	default:
		return false;
	}
}
