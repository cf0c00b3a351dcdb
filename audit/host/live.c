/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host that this process runs on, in the network namespace that it is in. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "read.h"

#define READ_ATTEMPTS 10

static void forget_network(struct pa_host *host)
{
	host->addresses_known = host->interfaces_known = host->links_known = host->routes_known = false;
	host->address_count = host->interface_count = host->link_count = host->route_count = 0;
}

/* *ret_what: what was being read when it failed. */
static int read_network(struct pa_host *host, struct mnl_socket *socket, const char **ret_what, struct pa_diags *diags)
{
	struct pa_links links = { 0 };
	forget_network(host);
	*ret_what = "interfaces";
	int error = pa_host_read_links(host, socket, &links);
	if (error)
		return error;
	*ret_what = "addresses";
	error = pa_host_read_addresses(host, socket, &links);
	if (error)
		return error;
	*ret_what = "routes";
	return pa_host_read_routes(host, socket, &links, diags);
}

static int read_network_whole(struct pa_host *host, const char **ret_what, struct pa_diags *diags)
{
	*ret_what = "network";
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!socket)
		return errno;
	int error = EAGAIN;
	/* EAGAIN: the lists belong to different moments. */
	for (unsigned attempt = 0; error == EAGAIN && attempt < READ_ATTEMPTS; attempt++)
		error = read_network(host, socket, ret_what, diags);
	mnl_socket_close(socket);
	return error;
}

/* The C library hides the kernel's zone: gettimeofday(2) itself still tells it. */
static void read_zone(struct pa_host *host)
{
	struct timeval moment;
	struct timezone zone;
	host->zone_known = syscall(SYS_gettimeofday, &moment, &zone) == 0;
	host->minutes_west = host->zone_known ? zone.tz_minuteswest : 0;
}

struct pa_host *pa_host_read_live(struct pa_diags *diags)
{
	char name[256] = "";
	struct pa_host *host = pa_host_new(gethostname(name, sizeof(name) - 1) == 0 && name[0] ? name : "localhost");
	host->live = true;
	const char *what;
	int error = read_network_whole(host, &what, diags);
	if (error) {
		forget_network(host);
		pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "cannot read this host's %s: %s", what,
			     error == EAGAIN ? "they keep changing" : strerrordesc_np(error));
	}
	pa_host_read_sysctls(host);
	pa_host_read_surroundings(host);
	if (pa_host_in_first_namespace() == PA_NO)
		host->namespace_count = 0; /* of the host, not of this namespace, which is audited alone */
	pa_host_read_files(host);
	read_zone(host);
	return host;
}
