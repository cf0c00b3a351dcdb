/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "iptables.h"

static const char *const first_name[JUDGE_INTERFACES + 1] = { "eth0", "eth1", "lan0", "lo" };
const char *interface_name[JUDGE_INTERFACES + 1] = { "eth0", "eth1", "lan0", "lo" };

/* The networks and addresses of the judged host; everything else goes out on eth0. */
static const struct network {
	int interface;
	const char *address;
	unsigned length;
	bool main; /* of its prefix: the other ones are further addresses */
} networks[] = {
	{ 0, "192.0.2.1", 24, true },	 { 0, "192.0.2.2", 24, false },	     { 1, "198.51.100.1", 24, true },
	{ 2, "10.0.0.1", 24, true },	 { JUDGE_LO, "127.0.0.1", 8, true }, { 0, "2001:db8::1", 64, true },
	{ 0, "2001:db8::2", 64, false }, { 1, "2001:db8:1::1", 64, true },   { 2, "fd00::1", 64, true },
	{ JUDGE_LO, "::1", 128, true },
};
#define NETWORKS (sizeof(networks) / sizeof(networks[0]))

static const char first_addresses[] = "192.0.2.1,192.0.2.2,198.51.100.1,10.0.0.1,127.0.0.1,"
				      "2001:db8::1,2001:db8::2,2001:db8:1::1,fd00::1,::1";
const char *own_addresses = first_addresses;

/* Addresses that the host has for a while, on lan0. */
#define EXTRA 12
static struct extra {
	int family;
	struct address address;
} extra[EXTRA];
static size_t extras;

/* Written before the interfaces exist: their defaults. No replies that nobody asked for, no limits on errors. */
static const char *const settings[][2] = {
	{ "net/ipv6/conf/default/addr_gen_mode", "1" },
	{ "net/ipv6/conf/default/accept_dad", "0" },
	{ "net/ipv6/conf/default/accept_ra", "0" },
	{ "net/ipv4/conf/default/rp_filter", "0" },
	{ "net/ipv4/conf/all/rp_filter", "0" },
	{ "net/ipv4/conf/default/send_redirects", "0" },
	{ "net/ipv4/conf/all/send_redirects", "0" },
	{ "net/ipv4/ip_forward", "1" },
	{ "net/ipv6/conf/all/forwarding", "1" },
	{ "net/ipv4/icmp_ratelimit", "0" },
	{ "net/ipv6/icmp/ratelimit", "0" },
	{ "net/ipv4/icmp_msgs_per_sec", "100000000" },
	{ "net/ipv4/icmp_msgs_burst", "100000000" },
	{ "net/netfilter/nf_conntrack_tcp_be_liberal", "1" },
	{ "net/netfilter/nf_conntrack_checksum", "0" }, /* UDP-Lite would be invalid: conntrack takes it for UDP */
};

static bool match_prefix(const struct address *a, const struct address *b, unsigned length)
{
	for (unsigned bit = 0; bit < length; bit++)
		if ((a->byte[bit / 8] ^ b->byte[bit / 8]) & (0x80 >> bit % 8))
			return false;
	return true;
}

int topology_owner(int family, const struct address *address)
{
	for (size_t i = 0; i < NETWORKS; i++) {
		struct address own;
		int own_family;
		if (address_parse(networks[i].address, &own_family, &own) && own_family == family &&
		    match_prefix(&own, address, family == 4 ? 32 : 128))
			return networks[i].interface;
	}
	for (size_t i = 0; i < extras; i++)
		if (extra[i].family == family && memcmp(&extra[i].address, address, sizeof(*address)) == 0)
			return 2;
	return JUDGE_NO_INTERFACE;
}

int topology_route(int family, const struct address *destination)
{
	if (topology_owner(family, destination) != JUDGE_NO_INTERFACE)
		return JUDGE_NO_INTERFACE;
	for (size_t i = 0; i < NETWORKS; i++) {
		struct address own;
		int own_family;
		if (address_parse(networks[i].address, &own_family, &own) && own_family == family && networks[i].main &&
		    match_prefix(&own, destination, networks[i].length))
			return networks[i].interface;
	}
	return 0;
}

/* In the child: its standard streams, its namespace, the program. */
static void exec_inside(int namespace, char *const argv[], int input, int output)
{
	if (setns(namespace, CLONE_NEWNET) == 0 && dup2(input, 0) >= 0 && dup2(output, 1) >= 0 && dup2(output, 2) >= 0)
		execvp(argv[0], argv);
	_exit(127);
}

static char *read_all(int descriptor)
{
	char *text = NULL;
	size_t size = 0;
	FILE *copy = open_memstream(&text, &size);
	char part[4096];
	ssize_t count;
	while ((count = read(descriptor, part, sizeof(part))) > 0)
		fwrite(part, 1, (size_t)count, copy);
	fclose(copy);
	return text;
}

/* The input goes through an unlinked file, so that no pipe can fill up while nobody reads. */
static int input_file(const char *input)
{
	FILE *file = tmpfile();
	if (!file)
		return -1;
	fputs(input ? input : "", file);
	rewind(file);
	int copy = dup(fileno(file));
	fclose(file);
	return copy;
}

int run_inside(int namespace, char *const argv[], const char *input, char **ret_output)
{
	int pipes[2], status = -1, in = input_file(input);
	if (in < 0 || pipe2(pipes, O_CLOEXEC) < 0)
		return -1;
	pid_t child = fork();
	if (child == 0)
		exec_inside(namespace, argv, in, pipes[1]);
	close(pipes[1]);
	close(in);
	*ret_output = read_all(pipes[0]);
	close(pipes[0]);
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int own_namespace(void)
{
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

static int new_namespace(void)
{
	return unshare(CLONE_NEWNET) == 0 ? own_namespace() : -1;
}

static void write_settings(void)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		char path[128];
		snprintf(path, sizeof(path), "/proc/sys/%s", settings[i][0]);
		if (!file_write(path, settings[i][1]))
			fprintf(stderr, "judge: %s: %s\n", path, strerror(errno));
	}
}

/* A flow that is confirmed is gone at once: the next packet like it is the first of its own. */
static void write_lifetimes(void)
{
	glob_t found;
	if (glob("/proc/sys/net/netfilter/nf_conntrack_*timeout*", 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		if (!strstr(found.gl_pathv[i], "frag6") && !file_write(found.gl_pathv[i], "0"))
			fprintf(stderr, "judge: %s: %s\n", found.gl_pathv[i], strerror(errno));
	globfree(&found);
}

/* The links, addresses and routes as `ip -batch` reads them. NOARP: every neighbour is there without asking. */
static char *link_script(const struct topology *topology)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	fprintf(out, "link set lo up\n");
	for (int i = 0; i < JUDGE_INTERFACES; i++) {
		fprintf(out,
			"link add %s address 02:00:00:00:0%d:01 type veth peer name %s address 02:00:00:00:0%d:02 netns /proc/%d/fd/%d\n",
			interface_name[i], i, interface_name[i], i, (int)getpid(), topology->wire);
		fprintf(out, "link set %s arp off up\n", interface_name[i]);
	}
	for (size_t i = 0; i < NETWORKS; i++)
		if (networks[i].interface != JUDGE_LO)
			fprintf(out, "addr add %s/%u dev %s%s\n", networks[i].address, networks[i].length,
				interface_name[networks[i].interface], strchr(networks[i].address, ':') ? " nodad" : "");
	fprintf(out, "route add default via 192.0.2.254\nroute add ::/0 via 2001:db8::fe dev eth0\n");
	fclose(out);
	return text;
}

static bool run_script(int namespace, const char *script)
{
	char *output = NULL;
	char *const argv[] = { (char[]){ "ip" }, (char[]){ "-batch" }, (char[]){ "-" }, NULL };
	int status = run_inside(namespace, argv, script, &output);
	if (status != 0)
		fprintf(stderr, "judge: ip -batch: status %d: %s\n", status, output ? output : "");
	free(output);
	return status == 0;
}

static int open_port(const char *name)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name) };
	int one = 1, port = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (port >= 0 && (bind(port, (struct sockaddr *)&address, sizeof(address)) < 0 ||
			  setsockopt(port, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0)) {
		close(port);
		return -1;
	}
	return port;
}

static bool open_sockets(struct topology *topology)
{
	int one = 1, size = 1 << 24;
	if (setns(topology->wire, CLONE_NEWNET) < 0)
		return false;
	for (int i = 0; i < JUDGE_INTERFACES; i++)
		if ((topology->port[i] = open_port(interface_name[i])) < 0)
			return false;
	if (setns(topology->judged, CLONE_NEWNET) < 0)
		return false;
	for (int i = 0; i <= JUDGE_INTERFACES; i++)
		topology->index[i] = if_nametoindex(interface_name[i]);
	topology->raw4 = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	topology->raw6 = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	setsockopt(topology->raw4, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(topology->raw6, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(topology->raw4, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one));
	setsockopt(topology->raw6, IPPROTO_IPV6, IPV6_HDRINCL, &one, sizeof(one));
	return topology->raw4 >= 0 && topology->raw6 >= 0 && observer_open(topology) && flows_open(topology);
}

bool topology_rename(struct topology *topology, const char *const names[JUDGE_INTERFACES])
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	for (int i = 0; i < JUDGE_INTERFACES; i++) /* out of each other's way first */
		fprintf(out, "link set dev %s name judge.%d\n", interface_name[i], i);
	for (int i = 0; i < JUDGE_INTERFACES; i++) {
		interface_name[i] = names ? names[i] : first_name[i];
		fprintf(out, "link set dev judge.%d name %s\n", i, interface_name[i]);
	}
	fclose(out);
	bool good = run_script(topology->judged, text);
	free(text);
	return good;
}

bool topology_add_address(struct topology *topology, int family, const struct address *address)
{
	char line[128], text[INET6_ADDRSTRLEN], *more = NULL;
	if (extras == EXTRA || topology_owner(family, address) != JUDGE_NO_INTERFACE)
		return false;
	address_format(family, address, text);
	snprintf(line, sizeof(line), "addr add %s/%d dev %s%s\n", text, family == 4 ? 32 : 128, interface_name[2],
		 family == 6 ? " nodad" : "");
	if (!run_script(topology->judged, line) || asprintf(&more, "%s,%s", own_addresses, text) < 0)
		return false;
	extra[extras++] = (struct extra){ .family = family, .address = *address };
	if (own_addresses != first_addresses)
		free((char *)(uintptr_t)own_addresses);
	own_addresses = more;
	return true;
}

void topology_drop_addresses(struct topology *topology)
{
	for (; extras; extras--) {
		char line[128], text[INET6_ADDRSTRLEN];
		address_format(extra[extras - 1].family, &extra[extras - 1].address, text);
		snprintf(line, sizeof(line), "addr del %s/%d dev %s\n", text, extra[extras - 1].family == 4 ? 32 : 128,
			 interface_name[2]);
		run_script(topology->judged, line);
	}
	if (own_addresses != first_addresses)
		free((char *)(uintptr_t)own_addresses);
	own_addresses = first_addresses;
}

bool topology_open(struct topology *topology)
{
	memset(topology, 0, sizeof(*topology));
	topology->home = own_namespace();
	topology->wire = new_namespace();
	if (topology->wire >= 0) {
		file_write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
		topology->judged = new_namespace();
	}
	if (topology->home < 0 || topology->wire < 0 || topology->judged <= 0) {
		fprintf(stderr, "judge: no network namespace of its own: %s\n", strerror(errno));
		return false;
	}
	write_settings();
	write_lifetimes();
	char *script = link_script(topology);
	bool good = run_script(topology->judged, script);
	free(script);
	char *const up = (char[]){ "link set eth0 arp off up\nlink set eth1 arp off up\nlink set lan0 arp off up\n" };
	good = good && run_script(topology->wire, up) && open_sockets(topology);
	if (!good)
		fprintf(stderr, "judge: the namespaces could not be set up: %s\n", strerror(errno));
	if (setns(topology->home, CLONE_NEWNET) < 0)
		return false;
	return good;
}

void topology_close(struct topology *topology)
{
	for (int i = 0; i < JUDGE_INTERFACES; i++)
		close(topology->port[i]);
	close(topology->raw4);
	close(topology->raw6);
	close(topology->log);
	close(topology->conntrack);
	close(topology->judged);
	close(topology->wire);
	close(topology->home);
}

char *ruleset_load(struct topology *topology, const char *text)
{
	char *const flush[] = { (char[]){ "nft" }, (char[]){ "flush" }, (char[]){ "ruleset" }, NULL };
	char *const load[] = { (char[]){ "nft" }, (char[]){ "-f" }, (char[]){ "-" }, NULL };
	char *output = NULL, *both = NULL;
	int status = run_inside(topology->judged, flush, NULL, &output);
	free(output);
	iptables_clear(topology);
	bool dump = iptables_is_ruleset(text);
	char *complaint = dump ? iptables_load(topology, text) : NULL;
	if (complaint)
		return complaint;
	char *observer = observer_rules(text);
	if (status != 0 || !observer || asprintf(&both, "%s\n%s", dump ? "" : text, observer) < 0)
		both = NULL;
	free(observer);
	if (!both)
		return strdup("nft flush ruleset failed");
	status = run_inside(topology->judged, load, both, &output);
	free(both);
	if (status == 0) {
		free(output);
		return NULL;
	}
	return output;
}
