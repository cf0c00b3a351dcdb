/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "split.h"

#include "attributes.h"
#include "intercept.h"
#include "portaudit/base.h"

#include <errno.h>
#include <stdlib.h>

/* The kernel keeps 32 bytes of the send buffer for itself (netlink_sendmsg). */
#define SEND_OVERHEAD 64

/* Anonymous objects that the rule which uses them has not followed yet. */
struct hanging {
	long sets;
	long chains;
};

/* --- where a batch may be cut ------------------------------------------------------------------------------ */

static uint32_t flags_of(const struct nlmsghdr *message, uint16_t type)
{
	struct pa_attributes list = pa_attributes_of(message);
	struct pa_attribute attribute;

	while (pa_attributes_next(&list, &attribute))
		if (attribute.type == type)
			return pa_attribute_u32(&attribute);
	return 0;
}

/* Anonymous sets are called by these names until the kernel has numbered them; a named set cannot contain a '%'. */
static long anonymous_sets_in(const struct nlmsghdr *message)
{
	static const char *const names[] = { "__set%d", "__map%d" };
	const char *start = (const char *)message, *end = start + message->nlmsg_len;
	long count = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (const char *at = start; (at = memmem(at, (size_t)(end - at), names[i], strlen(names[i]) + 1)); at++)
			count++;
	return count;
}

static bool find(struct pa_attributes list, uint16_t type, struct pa_attributes *ret_nested)
{
	struct pa_attribute attribute;

	while (pa_attributes_next(&list, &attribute))
		if (attribute.type == type) {
			*ret_nested = pa_attributes_nested(&attribute);
			return true;
		}
	return false;
}

/* Verdicts that name a chain by the number it has in this batch. */
static long anonymous_chains_in(const struct nlmsghdr *message)
{
	struct pa_attributes expressions, inner;
	struct pa_attribute item;
	long count = 0;

	if (!find(pa_attributes_of(message), NFTA_RULE_EXPRESSIONS, &expressions))
		return 0;
	while (pa_attributes_next(&expressions, &item))
		if (find(pa_attributes_nested(&item), NFTA_EXPR_DATA, &inner) && find(inner, NFTA_IMMEDIATE_DATA, &inner) &&
		    find(inner, NFTA_DATA_VERDICT, &inner) && find(inner, NFTA_VERDICT_CHAIN_ID, &inner))
			count++;
	return count;
}

/* Returns true when the batch may be cut after this message. */
static bool may_cut_after(struct hanging *hanging, const struct nlmsghdr *message)
{
	if (pa_message_is(message, NFT_MSG_NEWSET) && (flags_of(message, NFTA_SET_FLAGS) & NFT_SET_ANONYMOUS)) {
		hanging->sets++;
	} else if (pa_message_is(message, NFT_MSG_NEWCHAIN) && (flags_of(message, NFTA_CHAIN_FLAGS) & NFT_CHAIN_BINDING)) {
		hanging->chains++;
	} else if (pa_message_is(message, NFT_MSG_NEWRULE)) {
		hanging->sets -= anonymous_sets_in(message);
		hanging->chains -= anonymous_chains_in(message);
	}
	return hanging->sets <= 0 && hanging->chains <= 0;
}

/* --- cutting ----------------------------------------------------------------------------------------------- */

struct cutting {
	const struct nlmsghdr *begin;
	const struct nlmsghdr *end;
	struct pa_buffer part;
	bool (*send)(void *context, const void *part, size_t length);
	void *context;
};

/* The generation that a batch was made for is in an attribute of its begin; the parts before change it. */
static bool send_part(struct cutting *cutting, const char *from, const char *to)
{
	struct nlmsghdr begin = *cutting->begin;
	const size_t header = NLMSG_LENGTH(sizeof(struct nfgenmsg));

	begin.nlmsg_len = (uint32_t)header;
	pa_buffer_clear(&cutting->part);
	pa_buffer_add(&cutting->part, &begin, sizeof(begin));
	pa_buffer_add(&cutting->part, (const char *)cutting->begin + sizeof(begin), header - sizeof(begin));
	pa_buffer_add(&cutting->part, from, (size_t)(to - from));
	pa_buffer_add(&cutting->part, cutting->end, NLMSG_ALIGN((size_t)cutting->end->nlmsg_len));
	return cutting->send(cutting->context, cutting->part.data, cutting->part.length);
}

/* Sends [at, stop) in parts. */
static bool cut(struct cutting *cutting, const char *at, const char *stop, size_t limit)
{
	const size_t frame = NLMSG_LENGTH(sizeof(struct nfgenmsg)) + NLMSG_ALIGN((size_t)cutting->end->nlmsg_len);
	size_t left = (size_t)(stop - at);
	const char *start = at, *last_cut = at;
	struct hanging hanging = { 0 };
	const struct nlmsghdr *message;

	while (at < stop && (message = pa_messages_next(&at, &left))) {
		if ((size_t)(at - start) + frame > limit && last_cut > start) {
			if (!send_part(cutting, start, last_cut))
				return false;
			start = last_cut;
		}
		if ((size_t)(at - start) + frame > limit) {
			errno = EMSGSIZE;
			return false;
		}
		if (may_cut_after(&hanging, message))
			last_cut = at;
	}
	if (at < stop) {
		errno = EINVAL;
		return false;
	}
	return start == stop || send_part(cutting, start, stop);
}

bool pa_split_batch(const void *batch, size_t length, size_t limit,
		    bool (*send)(void *context, const void *part, size_t length), void *context)
{
	struct cutting cutting = { .send = send, .context = context };
	const char *at = batch, *body, *stop = NULL;
	const struct nlmsghdr *message;
	size_t left = length;
	bool sent;

	cutting.begin = pa_messages_next(&at, &left);
	body = at;
	for (const char *before = at; (message = pa_messages_next(&at, &left)); before = at)
		if (message->nlmsg_type == NFNL_MSG_BATCH_END) {
			cutting.end = message;
			stop = before;
		}
	if (!cutting.begin || cutting.begin->nlmsg_type != NFNL_MSG_BATCH_BEGIN || !cutting.end || left != 0) {
		errno = EINVAL;
		return false;
	}
	sent = cut(&cutting, body, stop, limit);
	pa_buffer_done(&cutting.part);
	return sent;
}

/* --- sending ----------------------------------------------------------------------------------------------- */

struct sending {
	int fd;
	int flags;
	const struct msghdr *message;
	bool refused; /* the kernel has answered with an error: libnftables will read it */
};

static bool send_piece(void *context, const void *part, size_t length)
{
	struct sending *sending = context;
	struct iovec piece = { .iov_base = (void *)(uintptr_t)part, .iov_len = length };
	struct msghdr message = *sending->message;
	char byte;

	message.msg_iov = &piece;
	message.msg_iovlen = 1;
	if (pa_intercept_sendmsg(sending->fd, &message, sending->flags) < 0)
		return false;
	/* Without echo only errors are answered, and they are there when sendmsg() returns. */
	sending->refused = recv(sending->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
	return !sending->refused;
}

static size_t send_limit(int fd)
{
	int size = 0;
	socklen_t length = sizeof(size);

	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &length) != 0 || size <= SEND_OVERHEAD)
		return 0;
	return (size_t)size - SEND_OVERHEAD;
}

static ssize_t send_split(int fd, const struct msghdr *message, int flags, size_t limit)
{
	struct sending sending = { .fd = fd, .flags = flags, .message = message };
	struct pa_buffer whole = { 0 };
	size_t length;
	bool sent;

	for (size_t i = 0; i < message->msg_iovlen; i++)
		pa_buffer_add(&whole, message->msg_iov[i].iov_base, message->msg_iov[i].iov_len);
	length = whole.length;
	sent = pa_split_batch(whole.data, whole.length, limit, send_piece, &sending);
	pa_buffer_done(&whole);
	return sent || sending.refused ? (ssize_t)length : -1;
}

ssize_t pa_split_send(void *unused, int fd, const struct msghdr *message, int flags)
{
	const int most = 1 << 30; /* the kernel takes net.core.wmem_max when that is less */
	size_t total = 0;

	(void)unused;
	for (size_t i = 0; i < message->msg_iovlen; i++)
		total += message->msg_iov[i].iov_len;
	if (total > send_limit(fd))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &most, sizeof(most));
	if (total <= send_limit(fd))
		return pa_intercept_sendmsg(fd, message, flags);
	return send_split(fd, message, flags, send_limit(fd));
}
