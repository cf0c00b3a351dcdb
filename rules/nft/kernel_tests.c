/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel_tests.h"

enum { ETHERTYPE_PLACE = 12, IP_PROTOCOL_PLACE = 9, IP6_NEXTHDR_PLACE = 6 };

static uint32_t find(const struct pa_kernel_expression *expression, uint16_t type)
{
	return pa_attributes_find_u32(expression->attributes, type);
}

static bool is(const struct pa_kernel_expression *expression, const char *name)
{
	return strcmp(expression->name, name) == 0;
}

/* --- loads that the listing has to show ---------------------------------------------------------------------------- */

/* Does meta or ct load what nft asks for by itself as well? Those have accounts of their own. */
static bool is_protocol(const struct pa_kernel_expression *expression)
{
	uint32_t key = is(expression, "meta") ? find(expression, NFTA_META_KEY) : UINT32_MAX;
	return key == NFT_META_NFPROTO || key == NFT_META_PROTOCOL || key == NFT_META_L4PROTO || key == NFT_META_IIFTYPE ||
	       pa_kernel_expression_reads_flow_protocol(expression);
}

/* PA_SOURCE_COUNT: it loads nothing that is counted. */
static enum pa_source source_of(const struct pa_kernel_expression *expression)
{
	static const struct {
		const char *name;
		uint16_t target; /* the attribute that it has when it loads; 0: always */
	} loaders[PA_SOURCE_COUNT] = {
		[PA_SOURCE_META] = { "meta", NFTA_META_DREG },
		[PA_SOURCE_CT] = { "ct", NFTA_CT_DREG },
		[PA_SOURCE_EXTHDR] = { "exthdr", NFTA_EXTHDR_DREG },
		[PA_SOURCE_FIB] = { "fib", 0 },
		[PA_SOURCE_RT] = { "rt", 0 },
		[PA_SOURCE_SOCKET] = { "socket", 0 },
		[PA_SOURCE_OSF] = { "osf", 0 },
		[PA_SOURCE_IPSEC] = { "xfrm", 0 },
		[PA_SOURCE_NUMGEN] = { "numgen", 0 },
		[PA_SOURCE_HASH] = { "hash", 0 },
	};

	for (unsigned i = 0; i < PA_SOURCE_COUNT && !is_protocol(expression); i++)
		if (is(expression, loaders[i].name) &&
		    (!loaders[i].target || find(expression, loaders[i].target) != UINT32_MAX))
			return (enum pa_source)i;
	return PA_SOURCE_COUNT;
}

/* nft_ct_get_eval() and nft_rt_get_eval() end the rule for packets of another family. */
static bool ends_for_family(const struct pa_kernel_expression *expression)
{
	if (is(expression, "rt"))
		return true;
	if (!is(expression, "ct"))
		return false;
	switch (find(expression, NFTA_CT_KEY)) {
	case NFT_CT_SRC:
	case NFT_CT_DST:
	case NFT_CT_SRC_IP:
	case NFT_CT_DST_IP:
	case NFT_CT_SRC_IP6:
	case NFT_CT_DST_IP6:
		return true;
	default:
		return false;
	}
}

/* --- header bytes --------------------------------------------------------------------------------------------------- */

static void load_bytes(struct pa_kernel_walk *walk, const struct pa_kernel_expression *expression)
{
	if (walk->pending_count == PA_NFT_TESTS_MAX) {
		walk->tests.too_many = true;
		return;
	}
	walk->pending[walk->pending_count++] = (struct pa_nft_comparison){ .base = find(expression, NFTA_PAYLOAD_BASE),
									   .offset = find(expression, NFTA_PAYLOAD_OFFSET),
									   .length = find(expression, NFTA_PAYLOAD_LEN) };
}

static void look_at_bytes(struct pa_kernel_walk *walk)
{
	for (unsigned i = 0; i < walk->pending_count; i++)
		if (walk->tests.payload_count < PA_NFT_TESTS_MAX)
			walk->payload[walk->tests.payload_count++] = walk->pending[i];
		else
			walk->tests.too_many = true;
	walk->pending_count = 0;
}

/* --- protocols -------------------------------------------------------------------------------------------------------- */

static void ask(struct pa_kernel_walk *walk, enum pa_protocol_source source, unsigned value, bool late)
{
	if (source == PA_PROTOCOL_NETWORK && !walk->family)
		walk->family = value;
	if (walk->tests.protocol_count == PA_NFT_TESTS_MAX) {
		walk->tests.too_many = true;
		return;
	}
	walk->protocol[walk->tests.protocol_count++] =
		(struct pa_nft_protocol_test){ .source = (uint8_t)source, .value = (uint16_t)value, .late = late };
}

static void ask_ethertype(struct pa_kernel_walk *walk, const unsigned char *type, bool late)
{
	unsigned number = (unsigned)type[0] << 8 | type[1];
	if (number == 0x0800)
		ask(walk, PA_PROTOCOL_NETWORK, NFPROTO_IPV4, late);
	else if (number == 0x86dd)
		ask(walk, PA_PROTOCOL_NETWORK, NFPROTO_IPV6, late);
	else
		ask(walk, PA_PROTOCOL_FRAME, number, late);
}

/* nft compares neighbouring fields in one piece: what must be equal may be among other bytes. */
static void ask_bytes(struct pa_kernel_walk *walk, const struct pa_attribute *value, bool late)
{
	const unsigned char *bytes = (const unsigned char *)value->data;
	uint32_t base = find(&walk->before, NFTA_PAYLOAD_BASE), first = find(&walk->before, NFTA_PAYLOAD_OFFSET);
	uint32_t end = first + (uint32_t)value->length;

	if (base == NFT_PAYLOAD_LL_HEADER && first <= ETHERTYPE_PLACE && end >= ETHERTYPE_PLACE + 2)
		ask_ethertype(walk, bytes + (ETHERTYPE_PLACE - first), late);
	if (base != NFT_PAYLOAD_NETWORK_HEADER)
		return;
	if (walk->family == NFPROTO_IPV4 && first <= IP_PROTOCOL_PLACE && end > IP_PROTOCOL_PLACE)
		ask(walk, PA_PROTOCOL_TRANSPORT, bytes[IP_PROTOCOL_PLACE - first], late);
	if (walk->family == NFPROTO_IPV6 && first <= IP6_NEXTHDR_PLACE && end > IP6_NEXTHDR_PLACE)
		ask(walk, PA_PROTOCOL_NEXT_HEADER, bytes[IP6_NEXTHDR_PLACE - first], late);
}

static void ask_meta(struct pa_kernel_walk *walk, const struct pa_attribute *value, bool late)
{
	const unsigned char *bytes = (const unsigned char *)value->data;
	uint16_t type;

	switch (find(&walk->before, NFTA_META_KEY)) {
	case NFT_META_NFPROTO:
		ask(walk, PA_PROTOCOL_NETWORK, bytes[0], late);
		break;
	case NFT_META_L4PROTO:
		ask(walk, PA_PROTOCOL_TRANSPORT, bytes[0], late);
		break;
	case NFT_META_PROTOCOL:
		if (value->length >= 2)
			ask_ethertype(walk, bytes, late);
		break;
	case NFT_META_IIFTYPE:
		memcpy(&type, bytes, value->length >= 2 ? sizeof(type) : 0);
		if (value->length >= 2)
			ask(walk, PA_PROTOCOL_LINK, type, late);
		break;
	default:
		break;
	}
}

/* A value that must be equal, of something that was loaded just before and not changed since. */
static void take_equal(struct pa_kernel_walk *walk, const struct pa_kernel_expression *expression, bool late)
{
	struct pa_attribute data, value;

	if (!walk->before.name || find(expression, NFTA_CMP_OP) != NFT_CMP_EQ ||
	    !pa_attributes_find(expression->attributes, NFTA_CMP_DATA, &data) ||
	    !pa_attributes_find(pa_attributes_nested(&data), NFTA_DATA_VALUE, &value) || value.length == 0)
		return;
	if (is(&walk->before, "meta"))
		ask_meta(walk, &value, late);
	else if (is(&walk->before, "payload"))
		ask_bytes(walk, &value, late);
}

/* --- the walk ---------------------------------------------------------------------------------------------------------- */

static bool looks(const struct pa_kernel_expression *expression)
{
	return is(expression, "cmp") || is(expression, "range") || is(expression, "lookup") ||
	       (is(expression, "objref") && find(expression, NFTA_OBJREF_SET_SREG) != UINT32_MAX);
}

static bool keeps(const struct pa_kernel_expression *expression)
{
	static const char *const names[] = { "bitwise", "byteorder", "immediate", "counter", "log" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (is(expression, names[i]))
			return true;
	return false;
}

static bool is_same(const struct pa_kernel_expression *one, const struct pa_kernel_expression *other)
{
	return one->name && other->name && strcmp(one->name, other->name) == 0 &&
	       one->attributes.left == other->attributes.left &&
	       memcmp(one->attributes.at, other->attributes.at, one->attributes.left) == 0;
}

/* Something that has no account of its own. */
static bool may_be_protocol(const struct pa_kernel_expression *expression)
{
	if (!expression->name || !is(expression, "payload"))
		return !expression->name || is_protocol(expression);
	return find(expression, NFTA_PAYLOAD_LEN) <= 2 && find(expression, NFTA_PAYLOAD_BASE) != NFT_PAYLOAD_TRANSPORT_HEADER;
}

/*
 * nft lists a pair of relations (`tcp dport >= 22 tcp dport <= 80`) as one range. It is one when both look at the same thing; of
 * `tcp sport >= 22 tcp dport <= 80`, and of `< 22` with `> 80` behind it, the listing says something else than the rule.
 */
static void take_relation(struct pa_kernel_walk *walk, uint32_t relation)
{
	bool inside = walk->relation == NFT_CMP_GTE && relation == NFT_CMP_LTE;
	bool outside = walk->relation == NFT_CMP_LT && relation == NFT_CMP_GT;
	bool joined = inside && walk->adjacent && walk->loaders == 1 && is_same(&walk->loader, &walk->compared);

	if (joined) {
		enum pa_source source = source_of(&walk->loader);
		walk->pending_count = 0;
		if (source != PA_SOURCE_COUNT)
			walk->tests.loads[source]--;
	} else if ((inside || outside) && walk->loaders) {
		walk->tests.paired_relations++;
		walk->tests.paired_protocols =
			walk->tests.paired_protocols || may_be_protocol(&walk->loader) || may_be_protocol(&walk->compared);
	}
	if (walk->loaders)
		walk->compared = walk->loader;
	walk->relation = relation;
	walk->loaders = 0;
	walk->adjacent = true;
}

static void take_load(struct pa_kernel_walk *walk, const struct pa_kernel_expression *expression)
{
	enum pa_source source = source_of(expression);

	if (source != PA_SOURCE_COUNT)
		walk->tests.loads[source]++;
	walk->tests.family_by_itself = walk->tests.family_by_itself || ends_for_family(expression);
	walk->before = walk->loader = *expression;
	walk->loaders++;
}

void pa_kernel_walk_take(struct pa_kernel_walk *walk, const struct pa_kernel_expression *expression, bool late)
{
	bool writes = is(expression, "payload") && find(expression, NFTA_PAYLOAD_DREG) == UINT32_MAX;
	bool loads = pa_kernel_expression_loads(expression) && !keeps(expression) && !is(expression, "lookup") && !writes;

	/* nft_exthdr_tcp_set_eval(), nft_exthdr_tcp_strip_eval() */
	if (is(expression, "exthdr") && find(expression, NFTA_EXTHDR_DREG) == UINT32_MAX)
		walk->tests.tcp_by_itself = true;
	if (is(expression, "cmp")) {
		take_equal(walk, expression, late);
		take_relation(walk, find(expression, NFTA_CMP_OP));
	} else if (!loads && !is(expression, "byteorder") && !is(expression, "bitwise")) {
		walk->adjacent = false;
	}
	walk->before = (struct pa_kernel_expression){ 0 };
	if (looks(expression))
		look_at_bytes(walk);
	else if (is(expression, "payload") && loads)
		load_bytes(walk, expression);
	else if (!keeps(expression) && (!loads || is(expression, "hash")))
		walk->pending_count = 0;
	if (loads)
		take_load(walk, expression);
}
