/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets from sock_diag(7). */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "read.h"
#include "socket_read.h"

/* struct inet_diag_req_v2, with INET_DIAG_REQ_PROTOCOL for numbers that need more than its byte. */
struct request {
	struct inet_diag_req_v2 header;
	struct nlattr attribute;
	uint32_t protocol;
};
_Static_assert(sizeof(struct request) == sizeof(struct inet_diag_req_v2) + 8, "netlink has no padding here");

/* IPPROTO_RAW: raw sockets of every protocol. */
static int dump(struct mnl_socket *socket, unsigned protocol, int family, uint32_t states, struct pa_buffer *messages)
{
	struct request request = { .header = { .sdiag_family = family == 4 ? AF_INET : AF_INET6, .idiag_states = states },
				   .attribute = { .nla_len = 8, .nla_type = INET_DIAG_REQ_PROTOCOL },
				   .protocol = protocol };
	bool wide = protocol > UINT8_MAX;
	request.header.sdiag_protocol = (uint8_t)protocol;
	return pa_netlink_dump_with(socket, SOCK_DIAG_BY_FAMILY, &request, wide ? sizeof(request) : sizeof(request.header),
				    protocol * 2 + (family == 6), messages);
}

static void parse_attribute(struct pa_socket_row *row, const struct nlattr *attribute)
{
	size_t length = mnl_attr_get_payload_len(attribute);
	const void *payload = mnl_attr_get_payload(attribute);
	switch (mnl_attr_get_type(attribute)) {
	case INET_DIAG_SKV6ONLY:
		if (length >= 1)
			row->v6only = *(const uint8_t *)payload ? PA_YES : PA_NO;
		break;
	case INET_DIAG_CGROUP_ID:
		if (length >= sizeof(row->cgroup))
			memcpy(&row->cgroup, payload, sizeof(row->cgroup));
		break;
	case INET_DIAG_LOCALS:
		row->locals = payload;
		row->local_count = length / sizeof(struct sockaddr_storage);
		break;
	default: /* counters and the like, and what later kernels add */
		break;
	}
}

bool pa_sock_diag_parse(const struct nlmsghdr *message, struct pa_socket_row *ret_row)
{
	const struct inet_diag_msg *header = mnl_nlmsg_get_payload(message);
	if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY || mnl_nlmsg_get_payload_len(message) < sizeof(*header) ||
	    (header->idiag_family != AF_INET && header->idiag_family != AF_INET6))
		return false;
	int family = header->idiag_family == AF_INET ? 4 : 6;
	*ret_row = (struct pa_socket_row){ .family = family,
					   .state = header->idiag_state,
					   .local = pa_address_from_bytes(header->id.idiag_src, family),
					   .remote = pa_address_from_bytes(header->id.idiag_dst, family),
					   .local_port = ntohs(header->id.idiag_sport),
					   .remote_port = ntohs(header->id.idiag_dport),
					   .interface = header->id.idiag_if,
					   .uid = header->idiag_uid,
					   .inode = header->idiag_inode };
	ret_row->cookie = (uint64_t)header->id.idiag_cookie[1] << 32 | header->id.idiag_cookie[0];
	const struct nlattr *attribute = NULL;
	while ((attribute = pa_netlink_attribute(message, sizeof(*header), attribute)))
		parse_attribute(ret_row, attribute);
	return true;
}

int pa_sock_diag_read(struct mnl_socket *socket, unsigned protocol, int family, uint32_t states, pa_socket_row_take *take,
		      void *context)
{
	struct pa_buffer messages = { 0 };
	int error = dump(socket, protocol, family, states, &messages);
	const struct nlmsghdr *message = NULL;
	while (!error && (message = pa_netlink_next(&messages, message))) {
		struct pa_socket_row row;
		if (pa_sock_diag_parse(message, &row))
			take(context, &row);
	}
	pa_buffer_done(&messages);
	return error;
}
