/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interfaces and the addresses that they carry, from rtnetlink(7). */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "read.h"

const char *pa_links_name(const struct pa_links *links, unsigned index)
{
	for (size_t i = 0; i < links->count; i++)
		if (links->indices[i] == index)
			return links->names[i];
	return NULL;
}

pa_u128 pa_address_from_bytes(const void *bytes, int family)
{
	const unsigned char *byte = bytes;
	pa_u128 value = 0;
	for (unsigned i = 0; i < (family == 4 ? 4 : 16); i++)
		value = value << 8 | byte[i];
	return family == 4 ? PA_IPV4_BASE | value : value;
}

static const char *link_name(struct pa_host *host, const struct nlmsghdr *message)
{
	const struct nlattr *attribute = NULL;
	while ((attribute = pa_netlink_attribute(message, sizeof(struct ifinfomsg), attribute)))
		if (mnl_attr_get_type(attribute) == IFLA_IFNAME)
			return pa_arena_strndup(host->arena, mnl_attr_get_payload(attribute),
						mnl_attr_get_payload_len(attribute));
	return NULL;
}

/* --- what lies on top of what --- */

/* What one interface says of itself and of others. */
struct link_facts {
	unsigned master; /* the interface that it is a port of, 0: none */
	unsigned lower;	 /* the one that it is made on, 0: none, or one of another namespace */
	bool has_lower;	 /* it names another interface, wherever that is */
	const char *kind;
	uint32_t type, group;
	bool group_known;
};

static const char *link_kind(const struct nlattr *info, struct pa_arena *arena)
{
	const struct nlattr *attribute = mnl_attr_get_payload(info);
	int left = (int)mnl_attr_get_payload_len(info);
	for (; mnl_attr_ok(attribute, left); attribute = mnl_attr_next(attribute)) {
		if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND)
			return pa_arena_strndup(arena, mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute));
		left -= MNL_ALIGN(attribute->nla_len);
	}
	return NULL;
}

static struct link_facts link_facts(const struct nlmsghdr *message, struct pa_arena *arena)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	struct link_facts facts = { .type = header->ifi_type };
	bool is_abroad = false;
	const struct nlattr *attribute = NULL;
	while ((attribute = pa_netlink_attribute(message, sizeof(struct ifinfomsg), attribute))) {
		bool is_number = mnl_attr_get_payload_len(attribute) >= sizeof(uint32_t);
		if (mnl_attr_get_type(attribute) == IFLA_MASTER && is_number)
			facts.master = mnl_attr_get_u32(attribute);
		else if (mnl_attr_get_type(attribute) == IFLA_LINK && is_number)
			facts.lower = mnl_attr_get_u32(attribute);
		else if (mnl_attr_get_type(attribute) == IFLA_LINK_NETNSID)
			is_abroad = true;
		else if (mnl_attr_get_type(attribute) == IFLA_LINKINFO)
			facts.kind = link_kind(attribute, arena);
		if (mnl_attr_get_type(attribute) == IFLA_GROUP && is_number) {
			facts.group = mnl_attr_get_u32(attribute);
			facts.group_known = true;
		}
	}
	facts.has_lower = facts.lower != 0;
	facts.lower = is_abroad ? 0 : facts.lower;
	return facts;
}

static bool is_one_of(const char *kind, const char *const *kinds)
{
	for (; kind && *kinds; kinds++)
		if (pa_text_equal(kind, *kinds))
			return true;
	return false;
}

/*
 * Kinds whose packets come in through no other interface of this host: hardware, which names no other one (the port of a switch does), and
 * what makes packets or unwraps them with nothing of the outer one left. A veth names its peer.
 */
static bool is_apart(const struct link_facts *facts)
{
	static const char *const kinds[] = { "veth", "dummy", "ifb", "tun", "wireguard", "ppp", NULL };
	return is_one_of(facts->kind, kinds) || (!facts->kind && !facts->has_lower);
}

static bool is_made_on_another(const struct link_facts *facts)
{
	static const char *const kinds[] = { "vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", NULL };
	return is_one_of(facts->kind, kinds);
}

/* Is it known what lies below: nothing, its ports, or what it is made on? */
static bool is_known(const struct link_facts *facts)
{
	static const char *const with_ports[] = { "bridge", "bond", "team", "vrf", NULL };
	return is_apart(facts) || is_made_on_another(facts) || is_one_of(facts->kind, with_ports);
}

#define LINK_DEPTH 8

struct lowering {
	const struct pa_links *links;
	const struct link_facts *facts;
	const char **names; /* room for all */
	size_t count;
	bool known, deep;
};

static bool is_below(const struct lowering *l, size_t lower, size_t upper)
{
	return l->facts[lower].master == l->links->indices[upper] ||
	       (is_made_on_another(&l->facts[upper]) && l->facts[upper].lower == l->links->indices[lower]);
}

static void find_lower(struct lowering *l, size_t upper, unsigned depth)
{
	l->known = l->known && is_known(&l->facts[upper]) && depth < LINK_DEPTH;
	for (size_t i = 0; l->known && i < l->links->count; i++) {
		bool listed = false;
		if (i == upper || !is_below(l, i, upper))
			continue;
		for (size_t k = 0; k < l->count; k++)
			listed = listed || l->names[k] == l->links->names[i];
		if (listed)
			continue;
		l->names[l->count++] = l->links->names[i];
		l->deep = l->deep || depth > 0;
		find_lower(l, i, depth + 1);
	}
}

static void note_links(struct pa_host *host, const struct pa_links *links, const struct link_facts *facts)
{
	const char **names = pa_xcalloc(links->count + 1, sizeof(const char *));
	host->links = pa_arena_alloc(host->arena, links->count + 1, sizeof(*host->links));
	host->link_count = links->count;
	host->links_known = true;
	for (size_t i = 0; i < links->count; i++) {
		struct lowering l = { links, facts, names, 0, true, false };
		struct pa_host_link *link = &host->links[i];
		find_lower(&l, i, 0);
		names[l.count] = NULL;
		link->name = links->names[i];
		if (l.known)
			link->lower = pa_arena_dup(host->arena, names, l.count + 1, sizeof(const char *));
		link->flat = l.known && !l.deep;
		link->always = l.known && l.count == 1 && is_made_on_another(&facts[i]);
		link->bridge = facts[i].kind && pa_text_equal(facts[i].kind, "bridge");
		link->port = facts[i].master != 0;
		link->type_known = true;
		link->type = facts[i].type;
		link->group_known = facts[i].group_known;
		link->group = facts[i].group;
		link->kind = facts[i].kind ? facts[i].kind : "";
	}
	free(names);
}

int pa_host_read_links(struct pa_host *host, struct mnl_socket *socket, struct pa_links *links)
{
	struct pa_buffer messages = { 0 };
	int error = pa_netlink_dump(socket, RTM_GETLINK, AF_UNSPEC, &messages);
	/* A message is longer than 32 bytes: this many entries are enough. */
	size_t most = messages.length / sizeof(struct ifinfomsg) + 1;
	links->indices = pa_arena_alloc(host->arena, most, sizeof(*links->indices));
	links->names = pa_arena_alloc(host->arena, most, sizeof(*links->names));
	links->count = 0;
	struct link_facts *facts = pa_arena_alloc(host->arena, most, sizeof(*facts));
	const struct nlmsghdr *message = NULL;
	while (!error && (message = pa_netlink_next(&messages, message))) {
		const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
		const char *name = message->nlmsg_type == RTM_NEWLINK ? link_name(host, message) : NULL;
		if (!name)
			continue;
		facts[links->count] = link_facts(message, host->arena);
		links->indices[links->count] = (unsigned)header->ifi_index;
		links->names[links->count++] = name;
	}
	pa_buffer_done(&messages);
	if (error)
		return error;
	note_links(host, links, facts);
	host->interfaces = links->names;
	host->interface_count = links->count;
	host->interfaces_known = true;
	return 0;
}

/* IFA_LOCAL is the host's own address, IFA_ADDRESS the peer's on a point-to-point link; IPv6 has IFA_LOCAL only there. */
static bool own_address(const struct nlmsghdr *message, int family, pa_u128 *ret_address)
{
	const struct nlattr *attribute = NULL, *local = NULL, *address = NULL;
	while ((attribute = pa_netlink_attribute(message, sizeof(struct ifaddrmsg), attribute))) {
		if (mnl_attr_get_payload_len(attribute) < (family == 4 ? 4 : 16))
			continue;
		if (mnl_attr_get_type(attribute) == IFA_LOCAL)
			local = attribute;
		else if (mnl_attr_get_type(attribute) == IFA_ADDRESS)
			address = attribute;
	}
	if (!local)
		local = address;
	if (local)
		*ret_address = pa_address_from_bytes(mnl_attr_get_payload(local), family);
	return local != NULL;
}

/* EAGAIN: the interface is not among the links: the lists are of different moments. */
static int add_address(struct pa_host *host, const struct nlmsghdr *message, const struct pa_links *links)
{
	const struct ifaddrmsg *header = mnl_nlmsg_get_payload(message);
	if (message->nlmsg_type != RTM_NEWADDR || (header->ifa_family != AF_INET && header->ifa_family != AF_INET6))
		return 0;
	struct pa_host_address address = { .family = header->ifa_family == AF_INET ? 4 : 6,
					   .prefix_length = header->ifa_prefixlen };
	if (!own_address(message, address.family, &address.address))
		return EBADMSG;
	address.interface = pa_links_name(links, header->ifa_index);
	if (!address.interface)
		return EAGAIN;
	pa_host_add_address(host, &address);
	return 0;
}

int pa_host_read_addresses(struct pa_host *host, struct mnl_socket *socket, const struct pa_links *links)
{
	struct pa_buffer messages = { 0 };
	int error = pa_netlink_dump(socket, RTM_GETADDR, AF_UNSPEC, &messages);
	const struct nlmsghdr *message = NULL;
	while (!error && (message = pa_netlink_next(&messages, message)))
		error = add_address(host, message, links);
	pa_buffer_done(&messages);
	return error;
}
