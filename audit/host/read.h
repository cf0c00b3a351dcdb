/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside audit/host: the parts of pa_host_read_live(). */
#ifndef PORTAUDIT_HOST_READ_H
#define PORTAUDIT_HOST_READ_H

#include "portaudit/host.h"

struct mnl_socket;
struct nlmsghdr;
struct nlattr;

/*
 * Dump one kind of object (RTM_GETLINK ...) of a family (AF_*) into `messages`, replacing what it holds: whole netlink
 * messages, one behind the other. Starts again when the kernel says that the dump was torn. 0, or a positive errno.
 */
int pa_netlink_dump(struct mnl_socket *socket, uint16_t type, uint8_t family, struct pa_buffer *messages);
/* The same with a request of any kind; `number` tells requests on one socket apart. */
int pa_netlink_dump_with(struct mnl_socket *socket, uint16_t type, const void *body, size_t size, uint32_t number,
			 struct pa_buffer *messages);

/*
 * Take over the messages of one datagram of a dump; true: it was the last one. *ret_error: 0, a positive errno, or EAGAIN
 * when the kernel says that the dump is torn.
 */
bool pa_netlink_take(const void *data, int length, uint32_t sequence, struct pa_buffer *messages, int *ret_error);

/* The message after `previous` (NULL: the first), or NULL. */
const struct nlmsghdr *pa_netlink_next(const struct pa_buffer *messages, const struct nlmsghdr *previous);
/* The attribute after `previous` (NULL: the first) of a message with a fixed header of header_size bytes, or NULL. */
const struct nlattr *pa_netlink_attribute(const struct nlmsghdr *message, size_t header_size, const struct nlattr *previous);

/* The name of an interface index; NULL: there is none. */
struct pa_links {
	unsigned *indices;
	const char **names; /* in the host's arena */
	size_t count;
};
const char *pa_links_name(const struct pa_links *links, unsigned index);

/* Each fills its part of the host. 0, or a positive errno. */
int pa_host_read_links(struct pa_host *host, struct mnl_socket *socket, struct pa_links *links);
int pa_host_read_addresses(struct pa_host *host, struct mnl_socket *socket, const struct pa_links *links);

/* Does routing of a family (4 or 6) follow the rules that the kernel starts with (rule.c)? 0, or a positive errno. */
struct pa_routing_rules {
	bool local_first; /* the local table is looked at before all others */
	bool plain;	  /* then the main and the default table, for every packet */
};
int pa_host_read_rules(struct mnl_socket *socket, int family, struct pa_routing_rules *ret_rules);

/*
 * The routes of the main table; from the local table the broadcast and anycast addresses and single local addresses that
 * no interface carries. Sets routes_known and addresses_known, with a note where one of them is false.
 */
int pa_host_read_routes(struct pa_host *host, struct mnl_socket *socket, const struct pa_links *links, struct pa_diags *diags);

void pa_host_read_sysctls(struct pa_host *host);
/* "22,8000-8080" as the kernel writes lists of ports (in the arena). false: it is no such list. */
bool pa_port_list_parse(const char *text, struct pa_arena *arena, struct pa_interval **ret_ports, size_t *ret_count);

/* Append to the host's list. */
void pa_host_add_address(struct pa_host *host, const struct pa_host_address *address);

/* The value of an address in network order, 4 or 16 bytes by family (4 or 6). */
pa_u128 pa_address_from_bytes(const void *bytes, int family);

#endif
