/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "listed.h"

#include "header_place.h"

#include <linux/netfilter/nf_tables.h>

bool pa_listed_is_protocol(const struct pa_listed_bits *bits)
{
	static const struct pa_listed_bits places[] = {
		{ NFT_PAYLOAD_NETWORK_HEADER, 72, 80 }, /* ip protocol */
		{ NFT_PAYLOAD_NETWORK_HEADER, 48, 56 }, /* ip6 nexthdr */
		{ NFT_PAYLOAD_LL_HEADER, 96, 112 },	/* ether type */
		{ NFT_PAYLOAD_LL_HEADER, 128, 144 },	/* vlan type */
	};
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (places[i].base == bits->base && places[i].first == bits->first && places[i].end == bits->end)
			return true;
	return false;
}

/* `@th,16,16` as { "base": "th", "offset": 16, "len": 16 }. */
static bool raw_place(const struct pa_json_tape *tape, const struct pa_json_node *payload, struct pa_listed_bits *ret_bits)
{
	static const char *const bases[] = {
		[NFT_PAYLOAD_LL_HEADER] = "ll", [NFT_PAYLOAD_NETWORK_HEADER] = "nh", [NFT_PAYLOAD_TRANSPORT_HEADER] = "th"
	};
	const struct pa_json_node *base = pa_json_member(tape, payload, "base");
	const struct pa_json_node *offset = pa_json_member(tape, payload, "offset");
	const struct pa_json_node *length = pa_json_member(tape, payload, "len");
	if (!base || !offset || !length || offset->kind != PA_JSON_INTEGER || length->kind != PA_JSON_INTEGER)
		return false;
	if (offset->number > 65536 || length->number > 65536)
		return false;
	for (unsigned i = 0; i < sizeof(bases) / sizeof(*bases); i++)
		if (pa_json_is(base, bases[i])) {
			*ret_bits = (struct pa_listed_bits){ .base = i,
							     .first = (unsigned)offset->number,
							     .end = (unsigned)(offset->number + length->number) };
			return true;
		}
	return false;
}

static bool field_place(const struct pa_json_tape *tape, const struct pa_json_node *payload, struct pa_listed_bits *ret_bits)
{
	const struct pa_json_node *protocol = pa_json_member(tape, payload, "protocol");
	const struct pa_json_node *field = pa_json_member(tape, payload, "field");
	const struct pa_header_place *place = protocol && field ? pa_header_place_find(protocol, field) : NULL;
	if (!place || pa_json_member(tape, payload, "tunnel"))
		return false;
	*ret_bits = (struct pa_listed_bits){ place->base, place->offset, place->offset + place->length };
	return true;
}

static void add_payload(const struct pa_json_tape *tape, const struct pa_json_node *payload, struct pa_listed *listed)
{
	struct pa_listed_bits bits;
	if (!raw_place(tape, payload, &bits) && !field_place(tape, payload, &bits))
		listed->unknown_place = true;
	else if (pa_listed_is_protocol(&bits))
		return;
	else if (listed->payload_count == PA_NFT_TESTS_MAX)
		listed->unknown_place = true;
	else
		listed->payload[listed->payload_count++] = bits;
}

/* Of meta and ct: what nft asks for by itself has accounts of its own. */
static bool is_protocol(const struct pa_json_tape *tape, const struct pa_json_node *value)
{
	static const char *const keys[] = { "nfproto", "protocol", "l4proto", "iiftype", "l3proto" };
	const struct pa_json_node *key = pa_json_member(tape, value, "key");
	for (size_t i = 0; key && i < sizeof(keys) / sizeof(*keys); i++)
		if (pa_json_is(key, keys[i]))
			return true;
	return false;
}

static void count_source(const struct pa_json_tape *tape, const struct pa_json_node *name, const struct pa_json_node *value,
			 struct pa_listed *listed)
{
	static const struct {
		const char *name;
		enum pa_source source;
	} rows[] = {
		{ "meta", PA_SOURCE_META },
		{ "ct", PA_SOURCE_CT },
		{ "exthdr", PA_SOURCE_EXTHDR },
		{ "tcp option", PA_SOURCE_EXTHDR },
		{ "ip option", PA_SOURCE_EXTHDR },
		{ "sctp chunk", PA_SOURCE_EXTHDR },
		{ "dccp option", PA_SOURCE_EXTHDR },
		{ "fib", PA_SOURCE_FIB },
		{ "rt", PA_SOURCE_RT },
		{ "socket", PA_SOURCE_SOCKET },
		{ "osf", PA_SOURCE_OSF },
		{ "ipsec", PA_SOURCE_IPSEC },
		{ "numgen", PA_SOURCE_NUMGEN },
		{ "jhash", PA_SOURCE_HASH },
		{ "symhash", PA_SOURCE_HASH },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (pa_json_is(name, rows[i].name))
			listed->loads[rows[i].source] += value->kind == PA_JSON_OBJECT && !is_protocol(tape, value);
}

/*
 * All expressions in the value. Header bytes are counted where something is compared with them: `compared` says so for the whole
 * value, and the key of a map is looked up. What a hash is made of is not.
 */
static void scan(const struct pa_json_tape *tape, const struct pa_json_node *value, bool compared, struct pa_listed *listed)
{
	const struct pa_json_node *end = pa_json_after(tape, value), *hashed = value, *looked_up = value;
	for (const struct pa_json_node *node = value; node < end; node++) {
		if (node->kind != PA_JSON_OBJECT || node->length == 0)
			continue;
		const struct pa_json_node *name = node + 1, *inner = node + 2;
		if (node->length == 1)
			count_source(tape, name, inner, listed);
		if (pa_json_is(name, "jhash"))
			hashed = pa_json_after(tape, inner);
		const struct pa_json_node *key = pa_json_is(name, "map") ? pa_json_member(tape, inner, "key") : NULL;
		if (key)
			looked_up = pa_json_after(tape, key);
		if (node->length == 1 && pa_json_is(name, "payload") && node >= hashed && (compared || node < looked_up))
			add_payload(tape, inner, listed);
	}
}

/* What a statement writes to is not loaded; what it resets neither. */
static void read_statement(const struct pa_json_tape *tape, const struct pa_json_node *statement, struct pa_listed *listed)
{
	if (statement->kind != PA_JSON_OBJECT || statement->length != 1)
		return;
	const struct pa_json_node *name = statement + 1, *value = statement + 2;
	if (pa_json_is(name, "reset"))
		return;
	if (pa_json_is(name, "mangle"))
		value = pa_json_member(tape, value, "value");
	bool compared = pa_json_is(name, "match") || pa_json_is(name, "vmap");
	if (value)
		scan(tape, value, compared, listed);
}

void pa_listed_read(const struct pa_json_tape *tape, const struct pa_json_node *statements, struct pa_listed *ret_listed)
{
	*ret_listed = (struct pa_listed){ 0 };
	const struct pa_json_node *statement = statements ? statements + 1 : NULL;
	for (uint32_t i = 0; statements && i < statements->length; i++, statement = pa_json_after(tape, statement))
		read_statement(tape, statement, ret_listed);
}
