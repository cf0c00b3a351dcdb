/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One dump of netlink(7), whole or not at all. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "read.h"

#define DUMP_ATTEMPTS 20
/* The kernel fills dump buffers up to 32 KiB when the reader offers as much. */
#define DUMP_BUFFER_SIZE (64 * 1024)

static int send_request(struct mnl_socket *socket, uint16_t type, const void *body, size_t size, uint32_t sequence)
{
	char buffer[256] __attribute__((aligned(NLMSG_ALIGNTO)));
	if (size > sizeof(buffer) - NLMSG_HDRLEN)
		return EMSGSIZE;
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = sequence;
	memcpy(mnl_nlmsg_put_extra_header(request, size), body, size);
	return mnl_socket_sendto(socket, request, request->nlmsg_len) < 0 ? errno : 0;
}

/* The error that ends a dump. libmnl 1.0.4 does not look at the one inside NLMSG_DONE. */
static int ending_error(const struct nlmsghdr *message)
{
	int code = 0;
	if (mnl_nlmsg_get_payload_len(message) >= sizeof(code))
		memcpy(&code, mnl_nlmsg_get_payload(message), sizeof(code));
	else if (message->nlmsg_type == NLMSG_ERROR)
		return EBADMSG;
	return code < 0 ? -code : 0;
}

bool pa_netlink_take(const void *data, int length, uint32_t sequence, struct pa_buffer *messages, int *ret_error)
{
	*ret_error = 0;
	const struct nlmsghdr *message = data;
	for (; mnl_nlmsg_ok(message, length); message = mnl_nlmsg_next(message, &length)) {
		if (message->nlmsg_seq != sequence)
			continue; /* the rest of an attempt that was given up */
		if (message->nlmsg_flags & NLM_F_DUMP_INTR)
			*ret_error = EAGAIN;
		if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) {
			int error = ending_error(message);
			*ret_error = error ? error : *ret_error;
			return true;
		}
		if (message->nlmsg_type >= NLMSG_MIN_TYPE) {
			static const char padding[NLMSG_ALIGNTO];
			pa_buffer_add(messages, message, message->nlmsg_len);
			pa_buffer_add(messages, padding, -messages->length % NLMSG_ALIGNTO);
		}
	}
	return false;
}

static int receive_dump(struct mnl_socket *socket, uint32_t sequence, struct pa_buffer *messages)
{
	int torn = 0;
	char *data = pa_xmalloc(DUMP_BUFFER_SIZE);
	int error = 0;
	for (bool finished = false; !finished && (error == 0 || error == EAGAIN);) {
		ssize_t length = mnl_socket_recvfrom(socket, data, DUMP_BUFFER_SIZE);
		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0) {
			error = length < 0 ? errno : EPIPE;
			break;
		}
		finished = pa_netlink_take(data, (int)length, sequence, messages, &error);
		if (error == EAGAIN)
			torn = EAGAIN;
	}
	free(data);
	return error ? error : torn;
}

int pa_netlink_dump_with(struct mnl_socket *socket, uint16_t type, const void *body, size_t size, uint32_t number,
			 struct pa_buffer *messages)
{
	int error = EAGAIN;
	for (unsigned attempt = 0; attempt < DUMP_ATTEMPTS && (error == EAGAIN || error == EINTR); attempt++) {
		const struct timespec pause = { .tv_nsec = attempt ? 5 * 1000 * 1000 : 0 };
		nanosleep(&pause, NULL);
		uint32_t sequence = (uint32_t)type << 24 | (number & 0xffff) << 8 | (attempt + 1);
		pa_buffer_clear(messages);
		error = send_request(socket, type, body, size, sequence);
		if (error == 0)
			error = receive_dump(socket, sequence, messages);
	}
	return error;
}

int pa_netlink_dump(struct mnl_socket *socket, uint16_t type, uint8_t family, struct pa_buffer *messages)
{
	/* Long enough for the fixed header of every kind that is dumped here, so that strict kernels accept it too. */
	uint8_t header[sizeof(struct ifinfomsg)] = { family }; /* the first byte of ifinfomsg, ifaddrmsg, rtmsg, fib_rule_hdr */
	return pa_netlink_dump_with(socket, type, header, sizeof(header), family, messages);
}

const struct nlmsghdr *pa_netlink_next(const struct pa_buffer *messages, const struct nlmsghdr *previous)
{
	size_t offset = 0;
	if (previous)
		offset = (size_t)((const char *)previous - messages->data) + NLMSG_ALIGN(previous->nlmsg_len);
	/* Whole messages were put in: what is left is one more, or nothing. */
	return offset < messages->length ? (const struct nlmsghdr *)(const void *)(messages->data + offset) : NULL;
}

const struct nlattr *pa_netlink_attribute(const struct nlmsghdr *message, size_t header_size, const struct nlattr *previous)
{
	const struct nlattr *next = previous ? mnl_attr_next(previous) : mnl_nlmsg_get_payload_offset(message, header_size);
	ptrdiff_t left = (const char *)mnl_nlmsg_get_payload_tail(message) - (const char *)next;
	return left > 0 && mnl_attr_ok(next, (int)left) ? next : NULL;
}
