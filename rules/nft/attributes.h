/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the attributes of netlink messages. libmnl's loops convert lengths between signed and unsigned in macros and
 * believe them; messages here may come from a child process, so every length is checked.
 */
#ifndef PORTAUDIT_NFT_ATTRIBUTES_H
#define PORTAUDIT_NFT_ATTRIBUTES_H

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* What is left of a list of attributes. */
struct pa_attributes {
	const char *at;
	size_t left;
};

/* One attribute. */
struct pa_attribute {
	uint16_t type; /* without the flags for nesting and byte order */
	const char *data;
	size_t length;
};

/* The next attribute; false at the end, or when a length is impossible. */
static inline bool pa_attributes_next(struct pa_attributes *list, struct pa_attribute *ret_attribute)
{
	struct nlattr header;
	size_t step;

	if (list->left < sizeof(header))
		return false;
	memcpy(&header, list->at, sizeof(header));
	if (header.nla_len < sizeof(header) || header.nla_len > list->left)
		return false;
	ret_attribute->type = (uint16_t)(header.nla_type & NLA_TYPE_MASK);
	ret_attribute->data = list->at + sizeof(header);
	ret_attribute->length = header.nla_len - sizeof(header);
	step = ((size_t)header.nla_len + 3) & ~(size_t)3;
	step = step < list->left ? step : list->left;
	list->at += step;
	list->left -= step;
	return true;
}

static inline struct pa_attributes pa_attributes_nested(const struct pa_attribute *attribute)
{
	return (struct pa_attributes){ attribute->data, attribute->length };
}

/* The attributes of a message of nf_tables; nothing when it is too short. */
static inline struct pa_attributes pa_attributes_of(const struct nlmsghdr *message)
{
	const size_t header = NLMSG_LENGTH(sizeof(struct nfgenmsg));

	if (message->nlmsg_len < header)
		return (struct pa_attributes){ NULL, 0 };
	return (struct pa_attributes){ (const char *)message + header, message->nlmsg_len - header };
}

static inline uint8_t pa_message_family(const struct nlmsghdr *message)
{
	return *((const uint8_t *)message + NLMSG_HDRLEN);
}

/* Is it this message (NFT_MSG_*) of nf_tables, with its header? */
static inline bool pa_message_is(const struct nlmsghdr *message, unsigned type)
{
	return message->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | type) &&
	       message->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nfgenmsg));
}

/* Numbers are big endian; 0 when the attribute is too short. */
static inline uint64_t pa_attribute_u64(const struct pa_attribute *attribute)
{
	uint64_t value = 0;

	for (size_t i = 0; i < 8 && attribute->length >= 8; i++)
		value = value << 8 | (unsigned char)attribute->data[i];
	return value;
}

static inline uint32_t pa_attribute_u32(const struct pa_attribute *attribute)
{
	uint32_t value = 0;

	for (size_t i = 0; i < 4 && attribute->length >= 4; i++)
		value = value << 8 | (unsigned char)attribute->data[i];
	return value;
}

/* A terminated text, "" when it is not terminated. */
static inline const char *pa_attribute_text(const struct pa_attribute *attribute)
{
	return attribute->length > 0 && memchr(attribute->data, '\0', attribute->length) ? attribute->data : "";
}

/* NFT_MSG_NEWGEN: the generation, when it is there. */
static inline void pa_message_generation(const struct nlmsghdr *message, uint32_t *generation)
{
	struct pa_attributes list = pa_attributes_of(message);
	struct pa_attribute attribute;

	while (pa_attributes_next(&list, &attribute))
		if (attribute.type == NFTA_GEN_ID)
			*generation = pa_attribute_u32(&attribute);
}

/* Walk over recorded or received messages: the next one, or NULL at the end or when a length is impossible.
 * Each is long enough for the header of nf_tables. */
static inline const struct nlmsghdr *pa_messages_next(const char **at, size_t *left)
{
	const struct nlmsghdr *message = (const void *)*at;
	size_t step;

	if (*left < NLMSG_LENGTH(sizeof(struct nfgenmsg)) || message->nlmsg_len < NLMSG_LENGTH(sizeof(struct nfgenmsg)) ||
	    message->nlmsg_len > *left)
		return NULL;
	step = NLMSG_ALIGN((size_t)message->nlmsg_len);
	step = step < *left ? step : *left;
	*at += step;
	*left -= step;
	return message;
}

#endif
