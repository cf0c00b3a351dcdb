/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets as JSON lines, addresses and fates as text, files. */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"

static const struct {
	uint8_t number;
	const char *name;
} protocols[] = {
	{ IPPROTO_TCP, "tcp" },	  { IPPROTO_UDP, "udp" },   { IPPROTO_UDPLITE, "udplite" }, { IPPROTO_SCTP, "sctp" },
	{ IPPROTO_DCCP, "dccp" }, { IPPROTO_ICMP, "icmp" }, { IPPROTO_ICMPV6, "icmpv6" },
};
#define PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

static const char *const flag_names[8] = { "fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr" };
static const char *const state_names[STATE_COUNT] = { "new", "established", "related", "invalid", "untracked" };
static const char *const pkttype_names[] = { "host", "broadcast", "multicast" };
static const char *const fate_names[] = { "none", "in-accept", "forward-accept", "out-accept", "drop", "reject", "depends" };
#define FATES (sizeof(fate_names) / sizeof(fate_names[0]))

const char *fate_name(enum fate fate)
{
	return fate_names[fate];
}

enum fate fate_parse(const char *name)
{
	for (size_t i = 1; name && i < FATES; i++)
		if (strcmp(name, fate_names[i]) == 0)
			return (enum fate)i;
	return FATE_NONE;
}

void address_format(int family, const struct address *address, char text[INET6_ADDRSTRLEN])
{
	inet_ntop(family == 4 ? AF_INET : AF_INET6, address->byte, text, INET6_ADDRSTRLEN);
}

bool address_parse(const char *text, int *ret_family, struct address *ret_address)
{
	struct address address = { { 0 } };
	int family = text && strchr(text, ':') ? 6 : 4;
	if (!text || inet_pton(family == 4 ? AF_INET : AF_INET6, text, address.byte) != 1)
		return false;
	*ret_family = family;
	*ret_address = address;
	return true;
}

bool address_in(const char *text, int family, const struct address *address)
{
	char copy[100];
	struct address first, last;
	int own;
	snprintf(copy, sizeof(copy), "%s", text);
	char *slash = strchr(copy, '/'), *dash = strchr(copy, '-');
	unsigned width = family == 4 ? 32 : 128, length = width;
	if (slash) {
		*slash = '\0';
		length = (unsigned)strtoul(slash + 1, NULL, 10);
	}
	if (dash)
		*dash = '\0';
	if (strcmp(copy, "any") == 0)
		return true;
	if (!address_parse(copy, &own, &first) || own != family)
		return false;
	if (dash)
		return address_parse(dash + 1, &own, &last) && memcmp(address, &first, sizeof(first)) >= 0 &&
		       memcmp(address, &last, sizeof(last)) <= 0;
	for (unsigned bit = 0; bit < length; bit++)
		if ((first.byte[bit / 8] ^ address->byte[bit / 8]) & (0x80 >> bit % 8))
			return false;
	return true;
}

static void write_flags(FILE *file, uint8_t flags)
{
	const char *between = "";
	fprintf(file, ",\"flags\":\"%s", flags ? "" : "none");
	for (int i = 0; i < 8; i++)
		if (flags >> i & 1) {
			fprintf(file, "%s%s", between, flag_names[i]);
			between = ",";
		}
	fputc('"', file);
}

static void write_protocol(FILE *file, const struct packet *packet)
{
	const char *name = NULL;
	for (size_t i = 0; i < PROTOCOLS; i++)
		if (protocols[i].number == packet->protocol)
			name = protocols[i].name;
	if (name)
		fprintf(file, ",\"proto\":\"%s\"", name);
	else
		fprintf(file, ",\"proto\":%u", packet->protocol);
}

static void write_message(FILE *file, const struct packet *packet)
{
	if (packet_has_ports(packet->protocol))
		fprintf(file, ",\"sport\":%u,\"dport\":%u", packet->sport, packet->dport);
	if (packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6)
		fprintf(file, ",\"type\":%u,\"code\":%u", packet->type, packet->code);
	if (packet->protocol == IPPROTO_TCP)
		write_flags(file, packet->flags);
}

static void write_flow(FILE *file, const struct packet *packet)
{
	fprintf(file, ",\"state\":\"%s\"", state_names[packet->state]);
	if (packet->entry == ENTRY_LO) /* conntrack has met it on its way out, and no NAT: see derive.c */
		fputs(",\"status\":[\"confirmed\"]", file);
	if (packet->state != STATE_ESTABLISHED && packet->state != STATE_RELATED)
		return;
	fprintf(file, ",\"direction\":\"%s\",\"status\":[\"seen-reply\",\"assured\",\"confirmed\"]",
		packet->reply ? "reply" : "original");
	if (packet->ct_mark)
		fprintf(file, ",\"ct_mark\":%u", packet->ct_mark);
}

static void write_way(FILE *file, const struct packet *packet)
{
	bool out = packet->entry == ENTRY_OUT;
	if (!out)
		fprintf(file, ",\"iif\":\"%s\"", interface_name[packet->entry == ENTRY_LO ? JUDGE_LO : packet->iif]);
	if (out)
		fprintf(file, ",\"path\":\"out\"");
	else if (packet->said_path || packet->entry == ENTRY_LO)
		fprintf(file, ",\"path\":\"in\"");
	if (packet->oif != JUDGE_NO_INTERFACE && !packet->said_path)
		fprintf(file, ",\"oif\":\"%s\"", interface_name[packet->oif]);
}

void packet_write(FILE *file, const struct packet *packet, const char *expect)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	uint8_t bytes[512];
	address_format(packet->family, &packet->src, src);
	address_format(packet->family, &packet->dst, dst);
	fprintf(file, "{\"id\":%u", packet->id);
	write_way(file, packet);
	fprintf(file, ",\"family\":%d", packet->family);
	write_protocol(file, packet);
	fprintf(file, ",\"src\":\"%s\",\"dst\":\"%s\"", src, dst);
	write_message(file, packet);
	write_flow(file, packet);
	fprintf(file, ",\"ttl\":%u,\"dscp\":%u,\"length\":%zu,\"pkttype\":\"%s\"", packet->ttl, packet->dscp,
		packet_bytes(packet, bytes, sizeof(bytes)), pkttype_names[packet->pkttype]);
	if (packet->mark)
		fprintf(file, ",\"mark\":%u", packet->mark);
	detail_write(file, packet);
	if (expect)
		fprintf(file, ",\"expect\":\"%s\"", expect);
	fputs("}\n", file);
}

bool moved_write(FILE *file, const struct packet *packet, const struct observation *seen, uint32_t id)
{
	char dst[INET6_ADDRSTRLEN];
	enum fate fate = kernel_fate(packet, seen);
	if ((fate != FATE_IN && fate != FATE_FORWARD && fate != FATE_OUT) || packet->entry == ENTRY_LO)
		return false;
	if (memcmp(&packet->dst, &seen->dst, sizeof(packet->dst)) == 0 && packet->dport == seen->dport)
		return false;
	address_format(packet->family, &seen->dst, dst);
	fprintf(file, "{\"id\":%u,\"dst\":\"%s\",\"dport\":%u}\n", id, dst, seen->dport);
	return true;
}

static const char *text_of(const json_t *object, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : otherwise;
}

static uint32_t number_of(const json_t *object, const char *key, uint32_t otherwise)
{
	const json_t *value = json_object_get(object, key);
	return json_is_integer(value) ? (uint32_t)json_integer_value(value) : otherwise;
}

static size_t index_of(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	return count;
}

static uint8_t parse_flags(const char *text)
{
	uint8_t flags = 0;
	for (int i = 0; i < 8; i++)
		if (strstr(text, flag_names[i]))
			flags |= (uint8_t)(1 << i);
	return flags;
}

static uint8_t parse_protocol(const json_t *object)
{
	const char *name = text_of(object, "proto", "");
	for (size_t i = 0; i < PROTOCOLS; i++)
		if (strcmp(name, protocols[i].name) == 0)
			return protocols[i].number;
	return (uint8_t)number_of(object, "proto", 255);
}

/* iif lo: by a socket of the host; path out: to the wire; else from the wire. */
static bool parse_way(const json_t *object, struct packet *packet)
{
	const char *path = text_of(object, "path", "");
	size_t iif = index_of(text_of(object, "iif", ""), interface_name, JUDGE_INTERFACES + 1);
	packet->said_path = strcmp(path, "in") == 0 && iif != JUDGE_LO;
	packet->entry = strcmp(path, "out") == 0 ? ENTRY_OUT : iif == JUDGE_LO ? ENTRY_LO : ENTRY_WIRE;
	packet->iif = (int)iif;
	return packet->entry != ENTRY_WIRE || iif < JUDGE_INTERFACES;
}

static bool parse_addresses(const json_t *object, struct packet *packet)
{
	int src_family, dst_family;
	if (!address_parse(text_of(object, "src", NULL), &src_family, &packet->src) ||
	    !address_parse(text_of(object, "dst", NULL), &dst_family, &packet->dst) || src_family != dst_family)
		return false;
	packet->family = src_family;
	packet->oif = packet->said_path ? JUDGE_NO_INTERFACE : topology_route(packet->family, &packet->dst);
	return true;
}

static bool parse_packet(const json_t *object, struct packet *packet)
{
	packet->protocol = parse_protocol(object);
	packet->sport = (uint16_t)number_of(object, "sport", 0);
	packet->dport = (uint16_t)number_of(object, "dport", 0);
	packet->type = (uint8_t)number_of(object, "type", 0);
	packet->code = (uint8_t)number_of(object, "code", 0);
	packet->ttl = (uint8_t)number_of(object, "ttl", 64);
	packet->dscp = (uint8_t)number_of(object, "dscp", 0);
	packet->mark = number_of(object, "mark", 0);
	packet->ct_mark = number_of(object, "ct_mark", 0);
	packet->flags = parse_flags(text_of(object, "flags", "syn"));
	packet->state = (enum flow_state)index_of(text_of(object, "state", "new"), state_names, STATE_COUNT);
	packet->pkttype = (uint8_t)index_of(text_of(object, "pkttype", "host"), pkttype_names, 3);
	packet->reply = strcmp(text_of(object, "direction", "original"), "reply") == 0;
	snprintf(packet->expect, sizeof(packet->expect), "%s", text_of(object, "expect", ""));
	if (packet->state >= STATE_COUNT || packet->pkttype >= 3 || !parse_way(object, packet) ||
	    !parse_addresses(object, packet))
		return false;
	detail_read(object, packet);
	return true;
}

bool packets_read(const char *path, struct packets *packets)
{
	FILE *file = fopen(path, "re");
	char line[4096];
	bool good = file != NULL;
	for (unsigned number = 1; good && fgets(line, sizeof(line), file); number++) {
		if (line[0] == '\n')
			continue;
		json_t *object = json_loads(line, 0, NULL);
		good = object && parse_packet(object, packets_add(packets));
		if (!good)
			fprintf(stderr, "judge: %s:%u: not a packet that can be sent\n", path, number);
		json_decref(object);
	}
	if (file)
		fclose(file);
	else
		fprintf(stderr, "judge: %s: %s\n", path, strerror(errno));
	return good;
}

char *file_read(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL, part[4096];
	size_t size = 0, count;
	if (!file)
		return NULL;
	FILE *copy = open_memstream(&text, &size);
	while ((count = fread(part, 1, sizeof(part), file)) > 0)
		fwrite(part, 1, count, copy);
	fclose(copy);
	fclose(file);
	return text;
}

bool file_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	if (!file)
		return false;
	bool good = fputs(text, file) >= 0;
	return fclose(file) == 0 && good;
}
