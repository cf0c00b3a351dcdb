/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The routing policy rules (`ip rule`): are they those that the kernel starts with? */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "read.h"

/* The table that a rule sends every packet to; 0: it asks something of the packet, or does something else. */
static uint32_t unconditional_table(const struct nlmsghdr *message)
{
	const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(message);
	if (header->action != FR_ACT_TO_TBL || header->dst_len || header->src_len || header->tos ||
	    (header->flags & ~(uint32_t)FIB_RULE_PERMANENT))
		return 0;
	uint32_t table = header->table;
	const struct nlattr *attribute = NULL;
	while ((attribute = pa_netlink_attribute(message, sizeof(*header), attribute))) {
		uint16_t type = mnl_attr_get_type(attribute);
		if (type == FRA_PROTOCOL || type == FRA_PRIORITY || type == FRA_PAD)
			continue;
		if (mnl_attr_get_payload_len(attribute) < sizeof(uint32_t))
			return 0;
		if (type == FRA_TABLE)
			table = mnl_attr_get_u32(attribute);
		else if (type != FRA_SUPPRESS_PREFIXLEN || mnl_attr_get_u32(attribute) != UINT32_MAX)
			return 0;
	}
	return table;
}

int pa_host_read_rules(struct mnl_socket *socket, int family, struct pa_routing_rules *ret_rules)
{
	/* The order in which the kernel starts with them; IPv6 has no default table. */
	static const uint32_t plain[] = { RT_TABLE_LOCAL, RT_TABLE_MAIN, RT_TABLE_DEFAULT };
	uint8_t wanted = family == 4 ? AF_INET : AF_INET6;
	struct pa_buffer messages = { 0 };
	int error = pa_netlink_dump(socket, RTM_GETRULE, wanted, &messages);
	*ret_rules = (struct pa_routing_rules){ .local_first = true, .plain = true };
	size_t position = 0;
	const struct nlmsghdr *message = NULL;
	while (!error && (message = pa_netlink_next(&messages, message))) {
		const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(message);
		if (message->nlmsg_type != RTM_NEWRULE || header->family != wanted)
			continue;
		uint32_t table = unconditional_table(message);
		if (position == 0 && table != RT_TABLE_LOCAL)
			ret_rules->local_first = false;
		if (position >= sizeof(plain) / sizeof(*plain) || table != plain[position])
			ret_rules->plain = false;
		position++;
	}
	if (position == 1) /* the main table is never looked at */
		ret_rules->plain = false;
	pa_buffer_done(&messages);
	/* A kernel without policy routing has no rules. */
	return error == EOPNOTSUPP ? 0 : error;
}
