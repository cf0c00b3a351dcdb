/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What handles packets of this network namespace beside its rules: XDP and tc programs see them before netfilter does, sk_lookup
 * programs choose another socket behind it, IPVS and IPsec take them out of its hooks and put others in.
 *
 * Programs of cgroups count only where they are attached to the root of the tree: those of single services (systemd's
 * IPAddressDeny=, which nearly every host has) only refuse, for that service alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "surroundings.h"

/* uapi/linux/bpf.h since Linux 6.6; older headers do not have them. */
enum { TCX_INGRESS = 46, TCX_EGRESS = 47 };

/* --- netlink ------------------------------------------------------------------------------------------------------------ */

/* All objects of one kind; the socket is opened anew, so that answers of different requests cannot mix. */
static int dump(int protocol, uint16_t type, const void *body, size_t size, struct pa_buffer *messages)
{
	struct mnl_socket *socket = mnl_socket_open2(protocol, SOCK_CLOEXEC);
	if (!socket)
		return errno;
	int error = pa_netlink_dump_with(socket, type, body, size, 0, messages);
	mnl_socket_close(socket);
	/* Whether there is anything is all that is asked: a torn list answers that. */
	return error == EAGAIN ? 0 : error;
}

static const struct nlattr *attribute_of(const struct nlmsghdr *message, size_t header_size, unsigned type)
{
	const struct nlattr *attribute = NULL;
	while ((attribute = pa_netlink_attribute(message, header_size, attribute)))
		if (mnl_attr_get_type(attribute) == type)
			return attribute;
	return NULL;
}

static const char *text_of(struct pa_arena *arena, const struct nlattr *attribute)
{
	return attribute ? pa_arena_strndup(arena, mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute)) : "?";
}

/* --- XDP -------------------------------------------------------------------------------------------------------------------- */

static bool has_xdp(const struct nlattr *nest)
{
	const struct nlattr *attribute = mnl_attr_get_payload(nest);
	int left = (int)mnl_attr_get_payload_len(nest);
	while (mnl_attr_ok(attribute, left)) {
		if (mnl_attr_get_type(attribute) == IFLA_XDP_ATTACHED && mnl_attr_get_payload_len(attribute) >= 1)
			return mnl_attr_get_u8(attribute) != XDP_ATTACHED_NONE;
		left -= (int)MNL_ALIGN(attribute->nla_len);
		attribute = mnl_attr_next(attribute);
	}
	return false;
}

struct link {
	unsigned index;
	const char *name;
};

/* The interfaces; those with an XDP program are told. */
static struct link *read_links(struct pa_surroundings *found, size_t *ret_count)
{
	const struct ifinfomsg all = { .ifi_family = AF_UNSPEC };
	struct pa_buffer messages = { 0 };
	const struct nlmsghdr *message = NULL;
	int error = dump(NETLINK_ROUTE, RTM_GETLINK, &all, sizeof(all), &messages);
	struct link *links = pa_arena_alloc(found->arena, messages.length / sizeof(all) + 1, sizeof(*links));
	*ret_count = 0;
	if (error)
		pa_surroundings_unseen(found, "XDP programs: %s", strerrordesc_np(error));
	while (!error && (message = pa_netlink_next(&messages, message))) {
		const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
		const struct nlattr *xdp = attribute_of(message, sizeof(*header), IFLA_XDP);
		struct link *link = &links[(*ret_count)++];
		*link = (struct link){ (unsigned)header->ifi_index,
				       text_of(found->arena, attribute_of(message, sizeof(*header), IFLA_IFNAME)) };
		if (xdp && has_xdp(xdp))
			pa_surroundings_beside(found, "an XDP program on %s", link->name);
	}
	pa_buffer_done(&messages);
	return links;
}

static const char *name_of(const struct link *links, size_t count, unsigned index)
{
	for (size_t i = 0; i < count; i++)
		if (links[i].index == index)
			return links[i].name;
	return "?";
}

/* --- tc ------------------------------------------------------------------------------------------------------------------- */

/* The kinds of filters at one side of an interface. */
static void read_filters(struct pa_surroundings *found, const char *name, unsigned index, bool egress)
{
	const struct tcmsg request = { .tcm_ifindex = (int)index,
				       .tcm_parent = TC_H_MAKE(TC_H_CLSACT, egress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS) };
	struct pa_buffer messages = { 0 };
	const struct nlmsghdr *message = NULL;
	int error = dump(NETLINK_ROUTE, RTM_GETTFILTER, &request, sizeof(request), &messages);
	if (error && error != EINVAL && error != ENOENT)
		pa_surroundings_unseen(found, "tc filters of %s: %s", name, strerrordesc_np(error));
	if (!error && (message = pa_netlink_next(&messages, NULL)))
		pa_surroundings_beside(found, "tc filters (%s) on %s, %s",
				       text_of(found->arena, attribute_of(message, sizeof(request), TCA_KIND)), name,
				       egress ? "outgoing" : "incoming");
	pa_buffer_done(&messages);
}

/* Only these two kinds of queueing see packets that arrive; filters of the others sort what leaves into classes. */
static void read_tc(struct pa_surroundings *found, const struct link *links, size_t count)
{
	const struct tcmsg all = { .tcm_family = AF_UNSPEC };
	struct pa_buffer messages = { 0 };
	const struct nlmsghdr *message = NULL;
	int error = dump(NETLINK_ROUTE, RTM_GETQDISC, &all, sizeof(all), &messages);
	if (error && error != EOPNOTSUPP)
		pa_surroundings_unseen(found, "tc programs: %s", strerrordesc_np(error));
	while (!error && (message = pa_netlink_next(&messages, message))) {
		const struct tcmsg *header = mnl_nlmsg_get_payload(message);
		const char *kind = text_of(found->arena, attribute_of(message, sizeof(*header), TCA_KIND));
		bool both = strcmp(kind, "clsact") == 0;
		const char *name = name_of(links, count, (unsigned)header->tcm_ifindex);
		if (!both && strcmp(kind, "ingress") != 0)
			continue;
		if (attribute_of(message, sizeof(*header), TCA_INGRESS_BLOCK))
			pa_surroundings_beside(found, "a shared block of tc filters on %s", name);
		read_filters(found, name, (unsigned)header->tcm_ifindex, false);
		if (both)
			read_filters(found, name, (unsigned)header->tcm_ifindex, true);
	}
	pa_buffer_done(&messages);
}

/* --- programs that only bpf(2) shows ------------------------------------------------------------------------------------------- */

/* The number of programs attached; -1: not permitted. What the kernel does not know is not there. */
static int count_programs(unsigned target, unsigned type)
{
	union bpf_attr query;
	memset(&query, 0, sizeof(query)); /* all of the union: the kernel refuses bits that it does not know */
	query.query.target_fd = target;
	query.query.attach_type = type;
	if (syscall(SYS_bpf, BPF_PROG_QUERY, &query, sizeof(query.query)) == 0)
		return (int)query.query.prog_cnt;
	return errno == EPERM || errno == EACCES ? -1 : 0;
}

static bool read_tcx(struct pa_surroundings *found, const struct link *links, size_t count)
{
	static const struct {
		unsigned type;
		const char *side;
	} sides[] = { { TCX_INGRESS, "incoming" }, { TCX_EGRESS, "outgoing" } };
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < 2; j++) {
			int programs = count_programs(links[i].index, sides[j].type);
			if (programs < 0)
				return false;
			if (programs > 0)
				pa_surroundings_beside(found, "a tcx program on %s, %s", links[i].name, sides[j].side);
		}
	}
	return true;
}

/* A program attached to what a path names. true: it could be asked. */
static bool read_attached(struct pa_surroundings *found, const char *path, unsigned type, const char *what)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return errno != EACCES && errno != EPERM;
	int programs = count_programs((unsigned)file, type);
	close(file);
	if (programs > 0)
		pa_surroundings_beside(found, "%s", what);
	return programs >= 0;
}

static void read_programs(struct pa_surroundings *found, const struct link *links, size_t count)
{
	static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	bool seen = read_tcx(found, links, count);
	seen = read_attached(found, "/proc/self/ns/net", BPF_SK_LOOKUP, "a program at sk_lookup") && seen;
	for (size_t i = 0; i < 2; i++) {
		seen = read_attached(found, roots[i], BPF_CGROUP_INET_INGRESS, "a program of all cgroups, incoming") && seen;
		seen = read_attached(found, roots[i], BPF_CGROUP_INET_EGRESS, "a program of all cgroups, outgoing") && seen;
	}
	if (!seen)
		pa_surroundings_unseen(found, "programs at tcx, sk_lookup and cgroups: bpf(2) is not permitted");
}

/* --- IPVS and IPsec -------------------------------------------------------------------------------------------------------------- */

static void read_ipvs(struct pa_surroundings *found)
{
	static const char *const words[] = { "TCP ", "UDP ", "SCTP ", "FWM " };
	char line[256];
	size_t services = 0;
	FILE *file = fopen("/proc/net/ip_vs", "re");
	if (!file) {
		if (errno != ENOENT)
			pa_surroundings_unseen(found, "IPVS: %s", strerrordesc_np(errno));
		return;
	}
	while (fgets(line, sizeof(line), file))
		for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
			services += strncmp(line, words[i], strlen(words[i])) == 0;
	fclose(file);
	if (services > 0)
		pa_surroundings_beside(found, "IPVS with %zu virtual service%s", services, services == 1 ? "" : "s");
}

static size_t count_xfrm(struct pa_surroundings *found, uint16_t type, const void *body, size_t size)
{
	struct pa_buffer messages = { 0 };
	const struct nlmsghdr *message = NULL;
	size_t count = 0;
	int error = dump(NETLINK_XFRM, type, body, size, &messages);
	if (error == EPERM || error == EACCES)
		pa_surroundings_unseen(found, "IPsec: %s", strerrordesc_np(error));
	while (!error && (message = pa_netlink_next(&messages, message)))
		count++;
	pa_buffer_done(&messages);
	return count;
}

static void read_ipsec(struct pa_surroundings *found)
{
	const struct xfrm_userpolicy_id policy = { 0 };
	const struct xfrm_usersa_id state = { 0 };
	size_t policies = count_xfrm(found, XFRM_MSG_GETPOLICY, &policy, sizeof(policy));
	size_t states = count_xfrm(found, XFRM_MSG_GETSA, &state, sizeof(state));
	if (policies > 0 || states > 0)
		pa_surroundings_beside(found, "IPsec with %zu polic%s and %zu state%s", policies, policies == 1 ? "y" : "ies",
				       states, states == 1 ? "" : "s");
}

void pa_surroundings_read_beside(struct pa_surroundings *found)
{
	size_t count;
	struct link *links = read_links(found, &count);
	read_tc(found, links, count);
	read_programs(found, links, count);
	read_ipvs(found);
	read_ipsec(found);
}
