/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One packet: in English, and as the JSON that `trace --packets` reads. */
#include "json_parts.h"

#include <netinet/in.h>
#include <string.h>

#include "phrase.h"

static bool has_ports(const struct pa_packet *packet)
{
	pa_u128 protocol = packet->value[PA_FIELD_L4PROTO];
	return packet->known[PA_FIELD_L4PROTO] &&
	       (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_DCCP || protocol == IPPROTO_SCTP ||
		protocol == IPPROTO_UDPLITE);
}

static bool is_icmp(const struct pa_packet *packet)
{
	pa_u128 protocol = packet->value[PA_FIELD_L4PROTO];
	return packet->known[PA_FIELD_L4PROTO] && (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6);
}

static bool is_tcp(const struct pa_packet *packet)
{
	return packet->known[PA_FIELD_L4PROTO] && packet->value[PA_FIELD_L4PROTO] == IPPROTO_TCP;
}

/* A known field whose value is not the usual one. */
static bool says(const struct pa_packet *packet, enum pa_field field, pa_u128 usual)
{
	return packet->known[field] && packet->value[field] != usual;
}

static void print_end(const struct pa_packet *packet, enum pa_field address, enum pa_field port, struct pa_buffer *out)
{
	char text[PA_ADDRESS_TEXT_MAX] = "any";
	bool with_port = has_ports(packet) && packet->known[port];
	if (packet->known[address])
		pa_address_format(packet->value[address], packet->family, text);
	pa_buffer_printf(out, with_port && strchr(text, ':') ? "[%s]" : "%s", text);
	if (with_port)
		pa_buffer_printf(out, ":%u", (unsigned)packet->value[port]);
}

static void print_icmp_type(const struct pa_packet *packet, struct pa_buffer *out)
{
	if (!is_icmp(packet) || !packet->known[PA_FIELD_ICMP_TYPE])
		return;
	unsigned type = (unsigned)packet->value[PA_FIELD_ICMP_TYPE];
	const char *name = pa_icmp_type_name((unsigned)packet->value[PA_FIELD_L4PROTO], type);
	if (name)
		pa_buffer_printf(out, "%s ", name);
	else
		pa_buffer_printf(out, "type %u ", type);
	if (says(packet, PA_FIELD_ICMP_CODE, 0))
		pa_buffer_printf(out, "code %u ", (unsigned)packet->value[PA_FIELD_ICMP_CODE]);
}

static void print_interface(const struct pa_packet *packet, enum pa_field field, const char *word, struct pa_buffer *out)
{
	char name[PA_IFNAME_MAX + 1];
	if (!says(packet, field, 0))
		return;
	pa_ifname_format(packet->value[field], name);
	pa_buffer_puts(out, word);
	pa_text_escape(name, out);
}

/* What is unusual about the packet and may decide its fate. */
static void print_unusual(const struct pa_packet *packet, struct pa_buffer *out)
{
	static const struct {
		enum pa_field field;
		pa_u128 usual;
	} usual[] = {
		{ PA_FIELD_TCP_FLAGS, PA_TCP_SYN },
		{ PA_FIELD_CT_STATE, PA_CT_NEW },
		{ PA_FIELD_MARK, 0 },
		{ PA_FIELD_CT_MARK, 0 },
		{ PA_FIELD_CT_DIRECTION, 0 },
		{ PA_FIELD_CT_STATUS, 0 },
		{ PA_FIELD_PKTTYPE, 0 },
		{ PA_FIELD_DSCP, 0 },
		{ PA_FIELD_TTL, 64 },
		{ PA_FIELD_IP_OPTIONS, 0 },
		{ PA_FIELD_EXTHDRS, 0 },
		{ PA_FIELD_RT_TYPE, 0 },
		{ PA_FIELD_FRAG, 0 },
		{ PA_FIELD_TCP_OPTIONS, 0 },
		{ PA_FIELD_TCP_MSS, 1460 },
		{ PA_FIELD_WINDOW, 64240 },
		{ PA_FIELD_ICMP_ID, 1 },
		{ PA_FIELD_TH_LENGTH, 20 },
	};
	struct pa_arena *arena = pa_arena_new();
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
		enum pa_field field = usual[i].field;
		if (!says(packet, field, usual[i].usual) || (field == PA_FIELD_TCP_FLAGS && !is_tcp(packet)))
			continue;
		struct pa_interval value = { .first = packet->value[field], .last = packet->value[field] };
		pa_buffer_printf(out, ", %s ", pa_field_info(field)->name);
		pa_phrase_values(arena, field, packet->family, (struct pa_ranges){ .items = &value, .count = 1 }, 0, out);
	}
	pa_arena_free(arena);
}

void pa_phrase_packet(const struct pa_packet *packet, struct pa_buffer *out)
{
	if (packet->known[PA_FIELD_L4PROTO])
		pa_phrase_protocol(packet->value[PA_FIELD_L4PROTO], out);
	else
		pa_buffer_puts(out, "any protocol");
	pa_buffer_putc(out, ' ');
	print_icmp_type(packet, out);
	print_end(packet, PA_FIELD_SADDR, PA_FIELD_SPORT, out);
	pa_buffer_puts(out, " -> ");
	print_end(packet, PA_FIELD_DADDR, PA_FIELD_DPORT, out);
	print_interface(packet, PA_FIELD_IIFNAME, " on ", out);
	print_interface(packet, PA_FIELD_OIFNAME, " out of ", out);
	print_unusual(packet, out);
}

static void json_protocol(struct pa_json *json, const struct pa_packet *packet)
{
	if (!packet->known[PA_FIELD_L4PROTO])
		return;
	const char *name = pa_protocol_name((unsigned)packet->value[PA_FIELD_L4PROTO]);
	if (has_ports(packet) || is_icmp(packet))
		pa_json_string(json, "proto", name);
	else
		pa_json_number(json, "proto", (uint64_t)packet->value[PA_FIELD_L4PROTO]);
}

static void json_number(struct pa_json *json, const struct pa_packet *packet, const char *key, enum pa_field field)
{
	if (packet->known[field])
		pa_json_number(json, key, (uint64_t)packet->value[field]);
}

static void json_interface(struct pa_json *json, const struct pa_packet *packet, const char *key, enum pa_field field)
{
	char name[PA_IFNAME_MAX + 1];
	if (!says(packet, field, 0))
		return;
	pa_ifname_format(packet->value[field], name);
	pa_json_string(json, key, name);
}

static void json_address(struct pa_json *json, const struct pa_packet *packet, const char *key, enum pa_field field)
{
	char text[PA_ADDRESS_TEXT_MAX];
	if (!packet->known[field])
		return;
	pa_address_format(packet->value[field], packet->family, text);
	pa_json_string(json, key, text);
}

static void json_flags(struct pa_json *json, const struct pa_packet *packet)
{
	if (!is_tcp(packet) || !packet->known[PA_FIELD_TCP_FLAGS])
		return;
	struct pa_buffer text = { 0 };
	pa_phrase_tcp_flags(packet->value[PA_FIELD_TCP_FLAGS], ',', &text);
	pa_json_string(json, "flags", text.data);
	pa_buffer_done(&text);
}

/* The list of names of CLI's packet format; bits that it has no name for are left out. */
static void json_status(struct pa_json *json, const struct pa_packet *packet)
{
	static const struct {
		unsigned bit;
		const char *name;
	} bits[] = {
		{ PA_STATUS_DNAT, "dnat" },	  { PA_STATUS_SNAT, "snat" },		{ PA_STATUS_SEEN_REPLY, "seen-reply" },
		{ PA_STATUS_ASSURED, "assured" }, { PA_STATUS_CONFIRMED, "confirmed" },
	};
	if (!says(packet, PA_FIELD_CT_STATUS, 0))
		return;
	pa_json_open(json, "status", '[');
	for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++)
		if (packet->value[PA_FIELD_CT_STATUS] & bits[i].bit)
			pa_json_string(json, NULL, bits[i].name);
	pa_json_close(json, ']');
}

static void json_flow(struct pa_json *json, const struct pa_packet *packet)
{
	const char *state = pa_ct_state_name(packet->value[PA_FIELD_CT_STATE]);
	if (packet->known[PA_FIELD_CT_STATE] && state)
		pa_json_string(json, "state", state);
	if (says(packet, PA_FIELD_MARK, 0))
		json_number(json, packet, "mark", PA_FIELD_MARK);
	if (says(packet, PA_FIELD_CT_MARK, 0))
		json_number(json, packet, "ct_mark", PA_FIELD_CT_MARK);
	if (says(packet, PA_FIELD_CT_DIRECTION, 0))
		pa_json_string(json, "direction", "reply");
	json_status(json, packet);
}

/* Fields that hardly ever matter, where the example is about them. */
static const struct {
	const char *key;
	enum pa_field field;
} rare_keys[] = {
	{ "ecn", PA_FIELD_ECN },
	{ "ip_id", PA_FIELD_IP_ID },
	{ "frag_off", PA_FIELD_IP_FRAG_OFF },
	{ "ip_options", PA_FIELD_IP_OPTIONS },
	{ "flowlabel", PA_FIELD_IP6_FLOWLABEL },
	{ "exthdr", PA_FIELD_EXTHDRS },
	{ "rt_type", PA_FIELD_RT_TYPE },
	{ "rt_seg_left", PA_FIELD_RT_SEGMENTS },
	{ "rt_length", PA_FIELD_RT_LENGTH },
	{ "frag", PA_FIELD_FRAG },
	{ "frag_offset", PA_FIELD_FRAG_OFF },
	{ "frag_more", PA_FIELD_FRAG_MORE },
	{ "frag_id", PA_FIELD_FRAG_ID },
	{ "seq", PA_FIELD_SEQUENCE },
	{ "ackseq", PA_FIELD_ACKSEQ },
	{ "doff", PA_FIELD_DOFF },
	{ "window", PA_FIELD_WINDOW },
	{ "urgptr", PA_FIELD_URGPTR },
	{ "tcp_options", PA_FIELD_TCP_OPTIONS },
	{ "mss", PA_FIELD_TCP_MSS },
	{ "wscale", PA_FIELD_TCP_WSCALE },
	{ "udp_length", PA_FIELD_TH_LENGTH },
	{ "spi", PA_FIELD_SPI },
	{ "icmp_id", PA_FIELD_ICMP_ID },
	{ "icmp_seq", PA_FIELD_ICMP_SEQUENCE },
};

void pa_json_packet(struct pa_json *json, const char *key, const struct pa_packet *packet)
{
	static const char *const packet_types[] = { "host", "broadcast", "multicast", "other" };
	pa_json_open(json, key, '{');
	pa_json_string(json, "path", pa_path_name(packet->path));
	json_interface(json, packet, "iif", PA_FIELD_IIFNAME);
	json_interface(json, packet, "oif", PA_FIELD_OIFNAME);
	pa_json_number(json, "family", packet->family == 6 ? 6 : 4);
	json_protocol(json, packet);
	json_address(json, packet, "src", PA_FIELD_SADDR);
	if (has_ports(packet))
		json_number(json, packet, "sport", PA_FIELD_SPORT);
	json_address(json, packet, "dst", PA_FIELD_DADDR);
	if (has_ports(packet))
		json_number(json, packet, "dport", PA_FIELD_DPORT);
	if (is_icmp(packet)) {
		json_number(json, packet, "type", PA_FIELD_ICMP_TYPE);
		json_number(json, packet, "code", PA_FIELD_ICMP_CODE);
	}
	json_flags(json, packet);
	json_flow(json, packet);
	json_number(json, packet, "ttl", PA_FIELD_TTL);
	json_number(json, packet, "dscp", PA_FIELD_DSCP);
	if (packet->known[PA_FIELD_PKTTYPE] && packet->value[PA_FIELD_PKTTYPE] < 4)
		pa_json_string(json, "pkttype", packet_types[(unsigned)packet->value[PA_FIELD_PKTTYPE]]);
	json_number(json, packet, "length", PA_FIELD_META_LENGTH);
	for (size_t i = 0; i < sizeof(rare_keys) / sizeof(*rare_keys); i++)
		json_number(json, packet, rare_keys[i].key, rare_keys[i].field);
	pa_json_close(json, '}');
}
