/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stubs.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

/* Any will do: nothing is ever sent. Which of them a kernel has differs. */
static const char *const kinds[] = { "dummy", "veth", "ifb", "bridge" };

static int make(struct mnl_socket *socket, const char *name, const char *kind)
{
	_Alignas(struct nlmsghdr) char buffer[8192];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nlattr *info;
	ssize_t length;

	message->nlmsg_type = RTM_NEWLINK;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
	message->nlmsg_seq = 1;
	mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(message, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(message, IFLA_LINKINFO);
	mnl_attr_put_str(message, IFLA_INFO_KIND, kind);
	mnl_attr_nest_end(message, info);
	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return -errno;
	length = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
	if (length < 0 || mnl_cb_run(buffer, (size_t)length, 1, mnl_socket_get_portid(socket), NULL, NULL) < 0)
		return -errno;
	return 0;
}

int pa_stub_make(const char *name)
{
	struct mnl_socket *socket;
	int status = -ENODEV;

	if (strlen(name) >= IFNAMSIZ)
		return -ENAMETOOLONG;
	socket = mnl_socket_open(NETLINK_ROUTE);
	if (!socket)
		return -errno;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
		status = -errno;
	else
		for (size_t i = 0; status != 0 && status != -EEXIST && i < sizeof(kinds) / sizeof(kinds[0]); i++)
			status = make(socket, name, kinds[i]);
	mnl_socket_close(socket);
	return status;
}
