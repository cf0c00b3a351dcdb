/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Raw bytes, `@nh,96,32`: which of our fields they are. */
#include <string.h>

#include "lower.h"

/* In bits from the beginning of the header (RFC 791, 8200, 9293, 768, 792, 4443, 4302, 4303, 9260). */
static const struct place {
	char base;	   /* n: network, t: transport, l: link layer */
	unsigned protocol; /* n: nfproto; t: l4proto, 0 for all that have ports */
	unsigned offset;
	unsigned length;
	enum pa_field field;
	enum pa_datatype type;
} places[] = {
	{ 'n', PA_NFPROTO_IPV4, 0, 4, PA_FIELD_IP_VERSION, PA_DATATYPE_INTEGER },
	{ 'n', PA_NFPROTO_IPV4, 4, 4, PA_FIELD_IP_HDRLENGTH, PA_DATATYPE_INTEGER },
	{ 'n', PA_NFPROTO_IPV4, 8, 6, PA_FIELD_DSCP, PA_DATATYPE_INTEGER },
	{ 'n', PA_NFPROTO_IPV4, 14, 2, PA_FIELD_ECN, PA_DATATYPE_INTEGER },
	{ 'n', PA_NFPROTO_IPV4, 16, 16, PA_FIELD_IP_LENGTH, PA_DATATYPE_INTEGER },
	{ 'n', PA_NFPROTO_IPV4, 32, 16, PA_FIELD_IP_ID, PA_DATATYPE_INTEGER },
	{ 'n', PA_NFPROTO_IPV4, 48, 16, PA_FIELD_IP_FRAG_OFF, PA_DATATYPE_INTEGER },
	{ 'n', PA_NFPROTO_IPV4, 64, 8, PA_FIELD_TTL, PA_DATATYPE_INTEGER },
	{ 'n', PA_NFPROTO_IPV4, 72, 8, PA_FIELD_L4PROTO, PA_DATATYPE_INTEGER },
	{ 'n', PA_NFPROTO_IPV4, 80, 16, PA_FIELD_IP_CHECKSUM, PA_DATATYPE_INTEGER },
	{ 'n', PA_NFPROTO_IPV4, 96, 32, PA_FIELD_SADDR, PA_DATATYPE_IPV4 },
	{ 'n', PA_NFPROTO_IPV4, 128, 32, PA_FIELD_DADDR, PA_DATATYPE_IPV4 },
	{ 'n', PA_NFPROTO_IPV6, 0, 4, PA_FIELD_IP_VERSION, PA_DATATYPE_INTEGER },
	{ 'n', PA_NFPROTO_IPV6, 4, 6, PA_FIELD_DSCP, PA_DATATYPE_INTEGER },
	{ 'n', PA_NFPROTO_IPV6, 10, 2, PA_FIELD_ECN, PA_DATATYPE_INTEGER },
	{ 'n', PA_NFPROTO_IPV6, 12, 20, PA_FIELD_IP6_FLOWLABEL, PA_DATATYPE_INTEGER },
	{ 'n', PA_NFPROTO_IPV6, 32, 16, PA_FIELD_IP6_LENGTH, PA_DATATYPE_INTEGER },
	{ 'n', PA_NFPROTO_IPV6, 48, 8, PA_FIELD_IP6_NEXTHDR, PA_DATATYPE_INTEGER },
	{ 'n', PA_NFPROTO_IPV6, 56, 8, PA_FIELD_TTL, PA_DATATYPE_INTEGER },
	{ 'n', PA_NFPROTO_IPV6, 64, 128, PA_FIELD_SADDR, PA_DATATYPE_INTEGER },
	{ 'n', PA_NFPROTO_IPV6, 192, 128, PA_FIELD_DADDR, PA_DATATYPE_INTEGER },
	{ 't', 0, 0, 16, PA_FIELD_SPORT, PA_DATATYPE_INTEGER },
	{ 't', 0, 16, 16, PA_FIELD_DPORT, PA_DATATYPE_INTEGER },
	{ 't', 6, 32, 32, PA_FIELD_SEQUENCE, PA_DATATYPE_INTEGER },
	{ 't', 6, 64, 32, PA_FIELD_ACKSEQ, PA_DATATYPE_INTEGER },
	{ 't', 6, 96, 4, PA_FIELD_DOFF, PA_DATATYPE_INTEGER },
	{ 't', 6, 104, 8, PA_FIELD_TCP_FLAGS, PA_DATATYPE_INTEGER },
	{ 't', 6, 112, 16, PA_FIELD_WINDOW, PA_DATATYPE_INTEGER },
	{ 't', 6, 128, 16, PA_FIELD_CHECKSUM, PA_DATATYPE_INTEGER },
	{ 't', 6, 144, 16, PA_FIELD_URGPTR, PA_DATATYPE_INTEGER },
	{ 't', 17, 32, 16, PA_FIELD_TH_LENGTH, PA_DATATYPE_INTEGER },
	{ 't', 17, 48, 16, PA_FIELD_CHECKSUM, PA_DATATYPE_INTEGER },
	{ 't', 136, 32, 16, PA_FIELD_TH_LENGTH, PA_DATATYPE_INTEGER },
	{ 't', 136, 48, 16, PA_FIELD_CHECKSUM, PA_DATATYPE_INTEGER },
	{ 't', 1, 0, 8, PA_FIELD_ICMP_TYPE, PA_DATATYPE_INTEGER },
	{ 't', 1, 8, 8, PA_FIELD_ICMP_CODE, PA_DATATYPE_INTEGER },
	{ 't', 1, 16, 16, PA_FIELD_CHECKSUM, PA_DATATYPE_INTEGER },
	{ 't', 1, 32, 16, PA_FIELD_ICMP_ID, PA_DATATYPE_INTEGER },
	{ 't', 1, 48, 16, PA_FIELD_ICMP_SEQUENCE, PA_DATATYPE_INTEGER },
	{ 't', 58, 0, 8, PA_FIELD_ICMP_TYPE, PA_DATATYPE_INTEGER },
	{ 't', 58, 8, 8, PA_FIELD_ICMP_CODE, PA_DATATYPE_INTEGER },
	{ 't', 58, 16, 16, PA_FIELD_CHECKSUM, PA_DATATYPE_INTEGER },
	{ 't', 58, 32, 16, PA_FIELD_ICMP_ID, PA_DATATYPE_INTEGER },
	{ 't', 58, 48, 16, PA_FIELD_ICMP_SEQUENCE, PA_DATATYPE_INTEGER },
	{ 't', 50, 0, 32, PA_FIELD_SPI, PA_DATATYPE_INTEGER },
	{ 't', 50, 32, 32, PA_FIELD_SEQUENCE, PA_DATATYPE_INTEGER },
	{ 't', 51, 32, 32, PA_FIELD_SPI, PA_DATATYPE_INTEGER },
	{ 't', 51, 64, 32, PA_FIELD_SEQUENCE, PA_DATATYPE_INTEGER },
	{ 't', 132, 32, 32, PA_FIELD_SPI, PA_DATATYPE_INTEGER },
	{ 'l', 0, 0, 48, PA_FIELD_ETHER_DADDR, PA_DATATYPE_INTEGER },
	{ 'l', 0, 48, 48, PA_FIELD_ETHER_SADDR, PA_DATATYPE_INTEGER },
	{ 'l', 0, 96, 16, PA_FIELD_NFPROTO, PA_DATATYPE_INTEGER },
};

struct bytes {
	char base;
	uint64_t offset, length;
};

static bool read_bytes(const struct pa_json_tape *tape, const struct pa_json_node *node, struct bytes *ret)
{
	const struct pa_json_node *base = pa_json_member(tape, node, "base");
	ret->offset = pa_lower_number(pa_json_member(tape, node, "offset"), 0);
	ret->length = pa_lower_number(pa_json_member(tape, node, "len"), 0);
	if (!base || base->kind != PA_JSON_STRING || !base->length || !memchr("ntl", base->string[0], 3))
		return false;
	ret->base = base->string[0];
	return ret->length && ret->length <= 2048 && ret->offset <= 65536;
}

/* What the rule has tested before, or its table: 0 when nothing says it. */
static unsigned known_protocol(const struct pa_lowering *lowering, char base)
{
	enum pa_family family = lowering->table->family;
	if (base == 't')
		return lowering->required_l4proto;
	if (family == PA_FAMILY_IP || family == PA_FAMILY_IP6)
		return family == PA_FAMILY_IP ? PA_NFPROTO_IPV4 : PA_NFPROTO_IPV6;
	return lowering->required_nfproto;
}

static bool has_ports(unsigned l4proto)
{
	return l4proto == 6 || l4proto == 17 || l4proto == 33 || l4proto == 132 || l4proto == 136;
}

static bool may_lie_in(const struct place *place, unsigned protocol)
{
	if (place->base == 't' && !place->protocol)
		return !protocol || has_ports(protocol);
	return !protocol || !place->protocol || place->protocol == protocol;
}

static const struct place *find_place(const struct pa_lowering *lowering, const struct bytes *bytes)
{
	unsigned protocol = known_protocol(lowering, bytes->base);
	for (size_t i = 0; protocol && bytes->base != 'l' && i < sizeof(places) / sizeof(*places); i++) {
		const struct place *place = &places[i];
		if (place->base == bytes->base && may_lie_in(place, protocol) && bytes->offset >= place->offset &&
		    bytes->offset + bytes->length <= place->offset + place->length)
			return place;
	}
	return NULL;
}

void pa_lower_raw(struct pa_lowering *lowering, const struct pa_json_node *whole, const struct pa_json_node *node,
		  struct pa_lowered_part *ret_part)
{
	struct bytes bytes;
	bool known = read_bytes(&lowering->tape, node, &bytes);
	const struct place *place = known ? find_place(lowering, &bytes) : NULL;
	if (!place) {
		pa_lower_unknown(lowering, whole, known && bytes.base == 'l' ? PA_REASON_FRAME : PA_REASON_HEADER, ret_part);
		return;
	}
	pa_u128 ones = bytes.length >= 128 ? PA_U128_MAX : ((pa_u128)1 << bytes.length) - 1;
	pa_lower_known(ret_part, place->field, place->type);
	ret_part->shift = (unsigned)(place->offset + place->length - bytes.offset - bytes.length);
	ret_part->part.mask = ones << ret_part->shift;
	if (place->type == PA_DATATYPE_IPV4) /* the rest of a mapped address stays what it is */
		ret_part->part.mask |= ~(pa_u128)0xffffffff;
}

bool pa_lower_raw_fields(struct pa_lowering *lowering, const struct pa_json_node *node,
			 void (*field)(void *context, enum pa_field field), void *context)
{
	struct bytes bytes;
	if (!read_bytes(&lowering->tape, node, &bytes))
		return false;
	unsigned protocol = known_protocol(lowering, bytes.base);
	uint64_t told = 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		const struct place *place = &places[i];
		if (place->base != bytes.base || !may_lie_in(place, protocol) ||
		    bytes.offset >= place->offset + place->length || bytes.offset + bytes.length <= place->offset ||
		    (told >> place->field & 1))
			continue;
		told |= (uint64_t)1 << place->field;
		field(context, place->field);
	}
	return true;
}
