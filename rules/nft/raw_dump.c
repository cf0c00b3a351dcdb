/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The second reading of the ruleset: netlink dumps without libnftables. */
#include "attributes.h"
#include "wholeness.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>

/* The kernel fills at most 32 KiB at a time, and one message must fit. */
#define RECEIVE_SIZE 65536

/* The sets whose elements are still to be read. */
struct set_name {
	uint8_t family;
	char *table;
	char *name;
};

struct reading {
	struct pa_digest *digest;
	struct set_name *sets;
	size_t set_count;
	size_t set_capacity;
	uint32_t generation;
};

static void remember_set(struct reading *reading, const struct nlmsghdr *message)
{
	struct pa_attributes list = pa_attributes_of(message);
	struct pa_attribute attribute;
	struct set_name set = { .family = pa_message_family(message) };
	uint32_t flags = 0;

	while (pa_attributes_next(&list, &attribute)) {
		if (attribute.type == NFTA_SET_TABLE && !set.table)
			set.table = pa_xstrdup(pa_attribute_text(&attribute));
		else if (attribute.type == NFTA_SET_NAME && !set.name)
			set.name = pa_xstrdup(pa_attribute_text(&attribute));
		else if (attribute.type == NFTA_SET_FLAGS)
			flags = pa_attribute_u32(&attribute);
	}
	if (!set.table || !set.name || ((flags & NFT_SET_ANONYMOUS) && (flags & NFT_SET_CONSTANT))) {
		free(set.table);
		free(set.name);
		return;
	}
	pa_grow(&reading->sets, &reading->set_capacity, reading->set_count + 1, sizeof(*reading->sets));
	reading->sets[reading->set_count++] = set;
}

static int take(const struct nlmsghdr *message, void *context)
{
	struct reading *reading = context;

	if (pa_message_is(message, NFT_MSG_NEWGEN))
		pa_message_generation(message, &reading->generation);
	else if (pa_message_is(message, NFT_MSG_NEWSET))
		remember_set(reading, message);
	if (reading->digest)
		pa_digest_take(reading->digest, message);
	return MNL_CB_OK;
}

/* libmnl 1.0.4 takes any NLMSG_DONE for success; an error of the dump is in its payload. */
static int done_error(const char *buffer, ssize_t length)
{
	const struct nlmsghdr *message = (const void *)buffer;
	int left = (int)length;

	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		int error = 0;

		if (message->nlmsg_type != NLMSG_DONE || mnl_nlmsg_get_payload_len(message) < sizeof(error))
			continue;
		memcpy(&error, mnl_nlmsg_get_payload(message), sizeof(error));
		return error < 0 ? error : 0;
	}
	return 0;
}

static int receive(struct mnl_socket *socket, uint32_t sequence, struct reading *reading)
{
	_Alignas(struct nlmsghdr) char buffer[RECEIVE_SIZE];
	uint32_t port = mnl_socket_get_portid(socket);

	for (;;) {
		ssize_t length = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		int status;

		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			return length < 0 ? -errno : -EIO;
		status = done_error(buffer, length);
		if (status < 0)
			return status;
		status = mnl_cb_run(buffer, (size_t)length, sequence, port, take, reading);
		if (status < 0)
			return -errno;
		if (status == MNL_CB_STOP)
			return 0;
	}
}

static struct nlmsghdr *request(char *buffer, uint16_t type, uint8_t family, uint16_t flags, uint32_t sequence)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *general;

	message->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	message->nlmsg_seq = sequence;
	general = mnl_nlmsg_put_extra_header(message, sizeof(*general));
	general->nfgen_family = family;
	general->version = NFNETLINK_V0;
	return message;
}

static int dump(struct mnl_socket *socket, uint16_t type, const struct set_name *set, uint32_t sequence,
		struct reading *reading)
{
	_Alignas(struct nlmsghdr) char buffer[2048];
	struct nlmsghdr *message = request(buffer, type, set ? set->family : NFPROTO_UNSPEC, NLM_F_DUMP, sequence);

	if (set && (!mnl_attr_put_strz_check(message, sizeof(buffer), NFTA_SET_ELEM_LIST_TABLE, set->table) ||
		    !mnl_attr_put_strz_check(message, sizeof(buffer), NFTA_SET_ELEM_LIST_SET, set->name)))
		return -EINVAL;
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return -errno;
	return receive(socket, sequence, reading);
}

/* Chains come before rules, sets before elements: the digest looks them up. */
static const uint16_t kinds[] = { NFT_MSG_GETTABLE, NFT_MSG_GETCHAIN,	  NFT_MSG_GETSET,
				  NFT_MSG_GETOBJ,   NFT_MSG_GETFLOWTABLE, NFT_MSG_GETRULE };

int pa_raw_dump(struct mnl_socket *socket, bool with_rules, struct pa_digest *digest)
{
	struct reading reading = { .digest = digest };
	uint32_t sequence = 1000;
	int status = 0;

	for (size_t i = 0; status == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (with_rules || kinds[i] != NFT_MSG_GETRULE)
			status = dump(socket, kinds[i], NULL, ++sequence, &reading);
	for (size_t i = 0; status == 0 && i < reading.set_count; i++)
		status = dump(socket, NFT_MSG_GETSETELEM, &reading.sets[i], ++sequence, &reading);
	for (size_t i = 0; i < reading.set_count; i++) {
		free(reading.sets[i].table);
		free(reading.sets[i].name);
	}
	free(reading.sets);
	return status;
}

int pa_raw_generation(struct mnl_socket *socket, uint32_t *ret_generation)
{
	_Alignas(struct nlmsghdr) char buffer[256];
	struct reading reading = { 0 };
	struct nlmsghdr *message = request(buffer, NFT_MSG_GETGEN, NFPROTO_UNSPEC, NLM_F_ACK, 1);
	int status;

	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return -errno;
	status = receive(socket, 1, &reading);
	if (status == 0)
		*ret_generation = reading.generation;
	return status;
}
