/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys that must fit each other. A key that could not be read is not blamed a second time, nor one that may be misspelt. */
#include "reader.h"

static void refuse(struct pa_packet_reader *reader, enum pa_packet_key key, const char *help, const char *message)
{
	pa_packet_error(reader, pa_packet_key_name(key), PA_PART_VALUE, help, "%s", message);
}

/* --- the family ------------------------------------------------------------------------------------------------- */
static void check_address(struct pa_packet_reader *reader, enum pa_packet_key key, int family)
{
	int wanted = reader->line->packet.family;
	if (family && family != wanted)
		pa_packet_error(reader, pa_packet_key_name(key), PA_PART_VALUE, NULL,
				"%s is an IPv%d address in an IPv%d packet", pa_packet_key_name(key), family, wanted);
}

/* ICMP is IPv4's and ICMPv6 is IPv6's, where nobody says another thing. */
static int family_of_protocol(const struct pa_packet *packet)
{
	if (packet->known[PA_FIELD_L4PROTO] && packet->value[PA_FIELD_L4PROTO] == PA_PROTO_ICMP)
		return 4;
	if (packet->known[PA_FIELD_L4PROTO] && packet->value[PA_FIELD_L4PROTO] == PA_PROTO_ICMPV6)
		return 6;
	return 0;
}

static void agree_family(struct pa_packet_reader *reader)
{
	struct pa_packet *packet = &reader->line->packet;
	bool told = reader->named[PA_KEY_FAMILY] || reader->named[PA_KEY_SRC] || reader->named[PA_KEY_DST];
	bool given = reader->given[PA_KEY_FAMILY];
	if (!given)
		packet->family = reader->source_family ? reader->source_family : reader->destination_family;
	if (!told)
		packet->family = family_of_protocol(packet);
	if (!told && packet->family == 0 && !reader->has_unknown_key)
		pa_packet_error(reader, NULL, PA_PART_KEY, "add \"family\":4, \"family\":6, or an address",
				"the packet has no family");
	if (packet->family == 0)
		return;
	check_address(reader, PA_KEY_SRC, reader->source_family);
	check_address(reader, PA_KEY_DST, reader->destination_family);
}

/* --- the protocol ----------------------------------------------------------------------------------------------- */
static const char *protocol_text(struct pa_packet_reader *reader, unsigned protocol)
{
	const char *name = pa_protocol_name(protocol);
	return name ? name : pa_allow_text(&reader->words, "%u", protocol);
}

static void needs(struct pa_packet_reader *reader, enum pa_packet_key key, bool fits, const char *wanted, const char *help)
{
	const struct pa_packet *packet = &reader->line->packet;
	if (!reader->named[key] || fits)
		return;
	if (!reader->named[PA_KEY_PROTO]) {
		pa_packet_error(reader, pa_packet_key_name(key), PA_PART_KEY, help, "%s without proto",
				pa_packet_key_name(key));
	} else if (reader->given[PA_KEY_PROTO]) {
		const char *protocol = protocol_text(reader, (unsigned)packet->value[PA_FIELD_L4PROTO]);
		pa_packet_error(reader, pa_packet_key_name(key), PA_PART_KEY, help, "%s has no %s", protocol, wanted);
	}
}

static void agree_protocol(struct pa_packet_reader *reader)
{
	const struct pa_packet *packet = &reader->line->packet;
	unsigned protocol = packet->known[PA_FIELD_L4PROTO] ? (unsigned)packet->value[PA_FIELD_L4PROTO] : 0;
	const struct pa_protocol_row *row = packet->known[PA_FIELD_L4PROTO] ? pa_protocol_of(protocol) : NULL;
	bool is_icmp = row && (protocol == PA_PROTO_ICMP || protocol == PA_PROTO_ICMPV6);
	const char *help = is_icmp ? "it has type and code" : NULL;
	needs(reader, PA_KEY_SPORT, row && row->has_ports, "ports", help);
	needs(reader, PA_KEY_DPORT, row && row->has_ports, "ports", help);
	needs(reader, PA_KEY_TYPE, is_icmp, "type", NULL);
	needs(reader, PA_KEY_CODE, is_icmp, "code", NULL);
	needs(reader, PA_KEY_FLAGS, row && protocol == PA_PROTO_TCP, "flags", NULL);
	if (is_icmp && reader->named[PA_KEY_CODE] && !reader->named[PA_KEY_TYPE])
		pa_packet_error(reader, "code", PA_PART_KEY, NULL, "code without type");
}

/* --- the rest --------------------------------------------------------------------------------------------------- */
static void agree_path(struct pa_packet_reader *reader)
{
	const struct pa_packet_line *line = reader->line;
	if (line->path_known && line->packet.path == PA_PATH_OUT && reader->named[PA_KEY_IIF])
		refuse(reader, PA_KEY_IIF, "name the interface that it leaves through: oif", "a packet of path out has no iif");
	if (line->path_known && line->packet.path == PA_PATH_IN && reader->named[PA_KEY_OIF])
		refuse(reader, PA_KEY_OIF, "name the interface that it comes in through: iif",
		       "a packet of path in has no oif");
}

/* The first packet of a connection sets the original direction: a packet of the other one is never new. */
static void agree_direction(struct pa_packet_reader *reader)
{
	const struct pa_packet *packet = &reader->line->packet;
	bool is_new = reader->named[PA_KEY_STATE] ? reader->given[PA_KEY_STATE] && packet->value[PA_FIELD_CT_STATE] == PA_CT_NEW
						  : true;
	if (is_new && reader->given[PA_KEY_DIRECTION] && packet->value[PA_FIELD_CT_DIRECTION] == 1)
		refuse(reader, PA_KEY_DIRECTION, "add \"state\":\"established\"", "a new packet has the original direction");
}

/* The shortest header, and the longest packet that its length field can say. */
static void agree_length(struct pa_packet_reader *reader)
{
	const struct pa_packet *packet = &reader->line->packet;
	if (!reader->given[PA_KEY_LENGTH] || packet->family == 0)
		return;
	if (packet->family == 4 && packet->value[PA_FIELD_META_LENGTH] > 65535)
		refuse(reader, PA_KEY_LENGTH, NULL, "an IPv4 packet has at most 65535 bytes");
	if (packet->family == 6 && packet->value[PA_FIELD_META_LENGTH] < 40)
		refuse(reader, PA_KEY_LENGTH, NULL, "an IPv6 packet has at least 40 bytes");
}

void pa_packet_line_agree(struct pa_packet_reader *reader)
{
	agree_family(reader);
	agree_protocol(reader);
	agree_path(reader);
	agree_direction(reader);
	agree_length(reader);
}
