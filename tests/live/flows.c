/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Flows made by hand over ctnetlink: what a packet called established or related belongs to. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "judge.h"

#define TCP_STATE_ESTABLISHED 3	 /* TCP_CONNTRACK_ESTABLISHED */
#define SCTP_STATE_ESTABLISHED 4 /* SCTP_CONNTRACK_ESTABLISHED */

/* One direction of a flow. */
struct tuple {
	int family;
	uint8_t protocol, type, code;
	uint16_t sport, dport; /* icmp: sport is the id */
	struct address src, dst;
};

bool flows_open(struct topology *topology)
{
	int size = 1 << 22, one = 1;
	topology->conntrack = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	return topology->conntrack >= 0 &&
	       setsockopt(topology->conntrack, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) == 0 &&
	       setsockopt(topology->conntrack, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one)) == 0;
}

static struct nlmsghdr *start(char *buffer, uint8_t message, uint16_t flags, int family)
{
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	header->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | message);
	header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	struct nfgenmsg *extra = mnl_nlmsg_put_extra_header(header, sizeof(*extra));
	extra->nfgen_family = (uint8_t)family;
	extra->version = NFNETLINK_V0;
	return header;
}

static bool talk(struct topology *topology, const struct nlmsghdr *header)
{
	char buffer[1024];
	if (send(topology->conntrack, header, header->nlmsg_len, 0) < 0 ||
	    recv(topology->conntrack, buffer, sizeof(buffer), 0) < 0)
		return false;
	const struct nlmsgerr *error = mnl_nlmsg_get_payload((const struct nlmsghdr *)buffer);
	errno = -error->error;
	return error->error == 0;
}

void flows_flush(struct topology *topology)
{
	char buffer[256];
	talk(topology, start(buffer, IPCTNL_MSG_CT_DELETE, 0, AF_UNSPEC));
}

static uint8_t echo_answer(const struct tuple *tuple)
{
	if (tuple->protocol == IPPROTO_ICMP)
		return tuple->type == 8 ? 0 : 8;
	return tuple->type == 128 ? 129 : 128;
}

static struct tuple inverse(const struct tuple *tuple)
{
	struct tuple other = *tuple;
	other.src = tuple->dst;
	other.dst = tuple->src;
	if (tuple->protocol == IPPROTO_ICMP || tuple->protocol == IPPROTO_ICMPV6) {
		other.type = echo_answer(tuple);
		return other;
	}
	other.sport = tuple->dport;
	other.dport = tuple->sport;
	return other;
}

/* The flow's original direction: the packet's own, or the other one; of an error, that of the packet it quotes. */
static struct tuple original_of(const struct packet *packet)
{
	struct tuple tuple = { .family = packet->family,
			       .protocol = packet->protocol,
			       .type = packet->type,
			       .code = packet->code,
			       .sport = packet->sport,
			       .dport = packet->dport,
			       .src = packet->src,
			       .dst = packet->dst };
	bool turned = packet->reply;
	if (packet->state == STATE_RELATED) {
		tuple.protocol = IPPROTO_UDP;
		tuple = inverse(&tuple);
		turned = !packet->reply;
	}
	return turned ? inverse(&tuple) : tuple;
}

static void put_tuple(struct nlmsghdr *header, uint16_t attribute, const struct tuple *tuple)
{
	struct nlattr *nest = mnl_attr_nest_start(header, attribute);
	struct nlattr *ip = mnl_attr_nest_start(header, CTA_TUPLE_IP);
	bool four = tuple->family == 4, six_icmp = tuple->protocol == IPPROTO_ICMPV6;
	mnl_attr_put(header, four ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, four ? 4 : 16, tuple->src.byte);
	mnl_attr_put(header, four ? CTA_IP_V4_DST : CTA_IP_V6_DST, four ? 4 : 16, tuple->dst.byte);
	mnl_attr_nest_end(header, ip);
	struct nlattr *protocol = mnl_attr_nest_start(header, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(header, CTA_PROTO_NUM, tuple->protocol);
	if (packet_has_ports(tuple->protocol)) {
		mnl_attr_put_u16(header, CTA_PROTO_SRC_PORT, htons(tuple->sport));
		mnl_attr_put_u16(header, CTA_PROTO_DST_PORT, htons(tuple->dport));
	} else if (six_icmp || tuple->protocol == IPPROTO_ICMP) {
		mnl_attr_put_u16(header, six_icmp ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID, htons(tuple->sport));
		mnl_attr_put_u8(header, six_icmp ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE, tuple->type);
		mnl_attr_put_u8(header, six_icmp ? CTA_PROTO_ICMPV6_CODE : CTA_PROTO_ICMP_CODE, tuple->code);
	}
	mnl_attr_nest_end(header, protocol);
	mnl_attr_nest_end(header, nest);
}

/* An open connection whose windows nobody checks. */
static void put_tcp(struct nlmsghdr *header)
{
	struct nf_ct_tcp_flags liberal = { .flags = IP_CT_TCP_FLAG_BE_LIBERAL, .mask = IP_CT_TCP_FLAG_BE_LIBERAL };
	struct nlattr *info = mnl_attr_nest_start(header, CTA_PROTOINFO);
	struct nlattr *tcp = mnl_attr_nest_start(header, CTA_PROTOINFO_TCP);
	mnl_attr_put_u8(header, CTA_PROTOINFO_TCP_STATE, TCP_STATE_ESTABLISHED);
	mnl_attr_put(header, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, sizeof(liberal), &liberal);
	mnl_attr_put(header, CTA_PROTOINFO_TCP_FLAGS_REPLY, sizeof(liberal), &liberal);
	mnl_attr_nest_end(header, tcp);
	mnl_attr_nest_end(header, info);
}

/* The verification tags are 1, as packet.c writes them. */
static void put_sctp(struct nlmsghdr *header)
{
	struct nlattr *info = mnl_attr_nest_start(header, CTA_PROTOINFO);
	struct nlattr *sctp = mnl_attr_nest_start(header, CTA_PROTOINFO_SCTP);
	mnl_attr_put_u8(header, CTA_PROTOINFO_SCTP_STATE, SCTP_STATE_ESTABLISHED);
	mnl_attr_put_u32(header, CTA_PROTOINFO_SCTP_VTAG_ORIGINAL, htonl(1));
	mnl_attr_put_u32(header, CTA_PROTOINFO_SCTP_VTAG_REPLY, htonl(1));
	mnl_attr_nest_end(header, sctp);
	mnl_attr_nest_end(header, info);
}

bool flow_add(struct topology *topology, const struct packet *packet)
{
	char buffer[1024];
	struct tuple original = original_of(packet), reply = inverse(&original);
	struct nlmsghdr *header =
		start(buffer, IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL, packet->family == 4 ? AF_INET : AF_INET6);
	put_tuple(header, CTA_TUPLE_ORIG, &original);
	put_tuple(header, CTA_TUPLE_REPLY, &reply);
	mnl_attr_put_u32(header, CTA_STATUS, htonl(IPS_SEEN_REPLY | IPS_ASSURED | IPS_CONFIRMED));
	mnl_attr_put_u32(header, CTA_TIMEOUT, htonl(600));
	mnl_attr_put_u32(header, CTA_MARK, htonl(packet->ct_mark));
	if (original.protocol == IPPROTO_TCP)
		put_tcp(header);
	else if (original.protocol == IPPROTO_SCTP)
		put_sctp(header);
	return talk(topology, header);
}
