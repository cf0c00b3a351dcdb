/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The observer: a table whose chains come after everybody else's. A packet that gets to input's or postrouting's end is
 * logged whole over netlink and then dropped, before conntrack confirms its flow: so every packet is the first of its
 * flow, no port answers, and what NAT made of it is in the copy. lo is the exception: what leaves there comes in again.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "judge.h"

#define GROUP 17

static const char observer_table[] = "table inet judge_observer {\n"
				     "	chain input {\n"
				     "		type filter hook input priority 2147483646; policy accept;\n"
				     "		log group 17 snaplen 256 queue-threshold 1 drop\n"
				     "	}\n"
				     "	chain forward {\n"
				     "		type filter hook forward priority -2147483647; policy accept;\n"
				     "		log group 17 snaplen 256 queue-threshold 1\n"
				     "	}\n"
				     "	chain postrouting {\n"
				     "		type filter hook postrouting priority 2147483646; policy accept;\n"
				     "		log group 17 snaplen 256 queue-threshold 1\n"
				     "		oif \"lo\" accept\n"
				     "		drop\n"
				     "	}\n"
				     "}\n";

/*
 * The same for rulesets with chains of egress, which come behind all of that: what leaves is logged there. Its flow is confirmed, and
 * gone at once, because its lifetime is 0 (topology.c). %s: the interfaces.
 */
static const char egress_format[] =
	"table inet judge_observer {\n"
	"	chain input {\n"
	"		type filter hook input priority 2147483646; policy accept;\n"
	"		log group 17 snaplen 256 queue-threshold 1 drop\n"
	"	}\n"
	"	chain forward {\n"
	"		type filter hook forward priority -2147483647; policy accept;\n"
	"		log group 17 snaplen 256 queue-threshold 1\n"
	"	}\n"
	"}\n"
	"table netdev judge_observer {\n"
	"	chain egress {\n"
	"		type filter hook egress devices = { %s, %s, %s } priority 2147483646; policy accept;\n"
	"		log group 17 snaplen 256 queue-threshold 1 drop\n"
	"	}\n"
	"	chain egress_lo {\n"
	"		type filter hook egress device \"lo\" priority 2147483646; policy accept;\n"
	"		log group 17 snaplen 256 queue-threshold 1\n"
	"	}\n"
	"}\n";

char *observer_rules(const char *ruleset)
{
	char *text = NULL;
	int size = strstr(ruleset, "hook egress")
			   ? asprintf(&text, egress_format, interface_name[0], interface_name[1], interface_name[2])
			   : asprintf(&text, "%s", observer_table);
	return size < 0 ? NULL : text;
}

static bool request(int socket, uint16_t flags, uint16_t attribute, size_t size, const void *data)
{
	char buffer[512];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	header->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	struct nfgenmsg *family = mnl_nlmsg_put_extra_header(header, sizeof(*family));
	family->nfgen_family = AF_UNSPEC;
	family->version = NFNETLINK_V0;
	family->res_id = htons(GROUP);
	mnl_attr_put(header, attribute, size, data);
	if (send(socket, header, header->nlmsg_len, 0) < 0 || recv(socket, buffer, sizeof(buffer), 0) < 0)
		return false;
	const struct nlmsghdr *answer = (const struct nlmsghdr *)buffer;
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(answer);
	errno = -error->error;
	return answer->nlmsg_type == NLMSG_ERROR && error->error == 0;
}

bool observer_open(struct topology *topology)
{
	struct nfulnl_msg_config_cmd bind_group = { .command = NFULNL_CFG_CMD_BIND };
	struct nfulnl_msg_config_mode mode = { .copy_range = htonl(256), .copy_mode = NFULNL_COPY_PACKET };
	uint32_t threshold = htonl(1);
	int size = 1 << 27, one = 1;
	topology->log = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (topology->log < 0 || setsockopt(topology->log, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ||
	    setsockopt(topology->log, SOL_NETLINK, NETLINK_NO_ENOBUFS, &(int){ 0 }, sizeof(int)) < 0)
		return false;
	setsockopt(topology->log, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	return request(topology->log, 0, NFULA_CFG_CMD, sizeof(bind_group), &bind_group) &&
	       request(topology->log, 0, NFULA_CFG_MODE, sizeof(mode), &mode) &&
	       request(topology->log, 0, NFULA_CFG_QTHRESH, sizeof(threshold), &threshold);
}

/* One logged packet, taken apart. */
struct event {
	uint8_t hook;
	bool egress;	  /* of a device, behind all hooks: its own numbers, no incoming interface, and the frame is whole */
	uint32_t in, out; /* interface indexes, 0: none */
	const uint8_t *bytes;
	size_t size;
	int family;
	uint8_t protocol;
	const uint8_t *message; /* behind the IP header */
	size_t message_size;
};

static void read_attributes(const struct nlmsghdr *header, struct event *event)
{
	const char *end = mnl_nlmsg_get_payload_tail(header);
	for (const struct nlattr *attribute = mnl_nlmsg_get_payload_offset(header, sizeof(struct nfgenmsg));
	     mnl_attr_ok(attribute, (int)(end - (const char *)attribute)); attribute = mnl_attr_next(attribute)) {
		switch (mnl_attr_get_type(attribute)) {
		case NFULA_PACKET_HDR:
			event->hook = ((struct nfulnl_msg_packet_hdr *)mnl_attr_get_payload(attribute))->hook;
			break;
		case NFULA_IFINDEX_INDEV:
			event->in = ntohl(mnl_attr_get_u32(attribute));
			break;
		case NFULA_IFINDEX_OUTDEV:
			event->out = ntohl(mnl_attr_get_u32(attribute));
			break;
		case NFULA_PAYLOAD:
			event->bytes = mnl_attr_get_payload(attribute);
			event->size = mnl_attr_get_payload_len(attribute);
			break;
		default:
			break;
		}
	}
	const struct nfgenmsg *family = mnl_nlmsg_get_payload(header);
	event->egress = family->nfgen_family == NFPROTO_NETDEV;
	if (event->egress && event->size > 14) {
		event->bytes += 14;
		event->size -= 14;
	}
	if (event->egress)
		event->hook = NF_INET_POST_ROUTING;
}

static bool split(struct event *event)
{
	if (!event->bytes || event->size < 20)
		return false;
	event->family = event->bytes[0] >> 4;
	size_t header = event->family == 4 ? (size_t)(event->bytes[0] & 15) * 4 : 40;
	if (event->size < header + 4)
		return false;
	event->protocol = event->bytes[event->family == 4 ? 9 : 6];
	if (event->family == 6 && (header = detail_skip(event->bytes, event->size, &event->protocol)) + 4 > event->size)
		return false;
	event->message = event->bytes + header;
	event->message_size = event->size - header;
	return true;
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool find_id(const struct event *event, uint32_t *ret_id)
{
	for (size_t i = 0; i + 8 <= event->message_size; i++)
		if (get32(event->message + i) == JUDGE_MAGIC) {
			*ret_id = get32(event->message + i + 4);
			return true;
		}
	return false;
}

/* Who is answered by a RST: its numbers are the id, or the id and what the answered segment took of sequence space. */
static bool find_reset(const struct event *event, const struct packets *packets, uint32_t *ret_id)
{
	if (event->protocol != IPPROTO_TCP || event->message_size < 20 || !(event->message[13] & 4))
		return false;
	bool has_ack = event->message[13] & 16;
	uint32_t number = has_ack ? get32(event->message + 8) - JUDGE_PAYLOAD : get32(event->message + 4);
	*ret_id = number / JUDGE_SEQUENCE; /* SYN and FIN take one each */
	return *ret_id < packets->count && packets->item[*ret_id].protocol == IPPROTO_TCP;
}

static bool is_refusal(const struct event *event)
{
	return (event->protocol == IPPROTO_ICMP && event->message[0] == 3) ||
	       (event->protocol == IPPROTO_ICMPV6 && event->message[0] == 1);
}

static int interface_of(const struct topology *topology, uint32_t index)
{
	for (int i = 0; i <= JUDGE_INTERFACES; i++)
		if (index && topology->index[i] == index)
			return i;
	return JUDGE_NO_INTERFACE;
}

static void note_final(const struct event *event, const struct packet *packet, struct observation *seen)
{
	size_t width = event->family == 4 ? 4 : 16;
	memcpy(seen->src.byte, event->bytes + (event->family == 4 ? 12 : 8), width);
	memcpy(seen->dst.byte, event->bytes + (event->family == 4 ? 16 : 24), width);
	seen->sport = packet->sport;
	seen->dport = packet->dport;
	if (packet_has_ports(event->protocol)) {
		seen->sport = (uint16_t)(event->message[0] << 8 | event->message[1]);
		seen->dport = (uint16_t)(event->message[2] << 8 | event->message[3]);
	}
}

static void note_packet(const struct topology *topology, const struct event *event, const struct packet *packet,
			struct observation *seen)
{
	int out = interface_of(topology, event->out);
	if (event->hook != NF_INET_LOCAL_IN)
		seen->oif = out;
	if (event->hook == NF_INET_FORWARD)
		return; /* only on its way */
	if (event->hook == NF_INET_LOCAL_IN)
		seen->seen |= SEEN_IN;
	else
		seen->seen |= event->in || (event->egress && packet->entry == ENTRY_WIRE) ? SEEN_FORWARD : SEEN_OUT;
	note_final(event, packet, seen);
}

/* A packet of ours, or the host's answer to one: an error that quotes it, a RST. */
static void note_event(const struct topology *topology, struct event *event, const struct packets *packets,
		       struct observation *seen)
{
	uint32_t id;
	if (!split(event))
		return;
	bool answer = event->hook == NF_INET_POST_ROUTING && !event->in;
	if (answer && find_reset(event, packets, &id) && !find_id(event, &(uint32_t){ 0 })) {
		seen[id].seen |= SEEN_REJECT;
		return;
	}
	if (!find_id(event, &id) || id >= packets->count)
		return;
	const struct packet *packet = &packets->item[id];
	if (answer && is_refusal(event) && !((packet->entry == ENTRY_OUT || event->egress) && packet_is_error(packet)))
		seen[id].seen |= SEEN_REJECT;
	else if (is_refusal(event) && !packet_is_error(packet))
		return; /* the error on its way in through lo: not the packet it quotes */
	else if (packet->protocol == event->protocol)
		note_packet(topology, event, packet, &seen[id]);
}

static void note_messages(const struct topology *topology, char *buffer, size_t size, const struct packets *packets,
			  struct observation *seen)
{
	int left = (int)size;
	for (struct nlmsghdr *header = (struct nlmsghdr *)buffer; mnl_nlmsg_ok(header, left);
	     header = mnl_nlmsg_next(header, &left)) {
		if (header->nlmsg_type != (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET))
			continue;
		struct event event = { 0 };
		read_attributes(header, &event);
		note_event(topology, &event, packets, seen);
	}
}

bool observer_read(struct topology *topology, int milliseconds, const struct packets *packets, struct observation *seen)
{
	char buffer[16384];
	bool complete = true;
	struct pollfd wait = { .fd = topology->log, .events = POLLIN };
	if (milliseconds > 0 && poll(&wait, 1, milliseconds) <= 0)
		return true;
	for (;;) {
		ssize_t size = recv(topology->log, buffer, sizeof(buffer), MSG_DONTWAIT);
		if (size < 0 && errno == ENOBUFS)
			complete = false;
		else if (size <= 0)
			return complete && (size == 0 || errno == EAGAIN);
		else
			note_messages(topology, buffer, (size_t)size, packets, seen);
	}
}
