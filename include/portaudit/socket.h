/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who listens: sockets that take new connections or datagrams, the processes that hold them, and how many connections there
 * are. From the kernel (audit/host), from the text of ss or netstat (rules/sockets) or from a snapshot; what a source does not
 * tell says so.
 */
#ifndef PORTAUDIT_SOCKET_H
#define PORTAUDIT_SOCKET_H

#include "portaudit/base.h"

/* Capabilities that matter for ports; bit numbers are the kernel's (linux/capability.h). */
#define PA_CAP_NET_BIND_SERVICE 10

/* One process. Strings live in the arena of the table; NULL or `known` false: not told, or not to be seen. */
struct pa_process {
	uint32_t pid;
	const char *command;	/* as the kernel names it: /proc/PID/comm, 15 bytes at most */
	const char *executable; /* path, without " (deleted)"; NULL: not known */
	bool executable_deleted;
	bool ids_known;
	uint32_t real_uid, effective_uid, effective_gid;
	const char *user; /* name of effective_uid, or NULL */
	const char *group;
	bool capabilities_known;
	uint64_t permitted, effective, ambient;
	enum pa_tristate foreign_user_namespace; /* YES: its capabilities and its root are not this host's */
	const char *unit;			 /* systemd unit: "ssh.service", or NULL */
	const char *container;			 /* "docker:0123456789ab", or NULL */
	bool is_service_manager;		 /* systemd, which holds the sockets of .socket units for services */
	/* A process that only passes on what it gets as docker-proxy does, and where to. proxy_port 0: it does not, or is not known. */
	int proxy_family;
	pa_u128 proxy_address;
	unsigned proxy_port;
};

/* One listening socket (TCP, SCTP, DCCP, MPTCP: LISTEN; UDP, UDP-Lite, raw: not connected). */
struct pa_listener {
	unsigned protocol; /* IPPROTO_TCP ...; mptcp is TCP with `mptcp` set */
	bool mptcp;
	bool raw;		 /* a raw socket of `protocol`; port is 0 */
	int family;		 /* 4 or 6; 4 as well: an IPv6 socket that is bound to an IPv4-mapped address */
	bool any_address;	 /* 0.0.0.0, :: or *; `address` is 0 then */
	pa_u128 address;	 /* as pa_address_parse() gives it: IPv4 is mapped */
	enum pa_tristate v6only; /* family 6 and any_address: YES: it does not take IPv4 */
	unsigned port;
	const char *interface; /* bound to it (SO_BINDTODEVICE, or the zone of a link-local address), or NULL */
	bool uid_known;
	uint32_t uid;	  /* of the socket: who made it */
	const char *user; /* name of uid, or NULL */
	uint64_t inode;	  /* 0: not known */
	/* YES: another listener has the same address and port, which TCP allows with SO_REUSEPORT only. The kernel tells no more. */
	enum pa_tristate reuseport;
	const char *cgroup;    /* path of the socket's cgroup: "/system.slice/ssh.socket", or NULL */
	const char *unit;      /* the unit of that cgroup (a .socket unit when it holds the socket for a service), or NULL */
	const char *activates; /* unit is a .socket unit: the service that takes the connections; else NULL */
	const char *activates_executable, *activates_user; /* what its unit file says that it runs, and as whom; or NULL */
	uint32_t *processes;				   /* indices into pa_sockets.processes: those that hold it, by pid */
	size_t process_count;
	bool processes_known; /* false: there may be more of them, or the source names none */
};

/* TCP connections that this host opened (their local port is no listener's) to one remote address and port. */
struct pa_connections {
	unsigned protocol;
	int family; /* of the packets */
	pa_u128 local, remote;
	unsigned remote_port;
	size_t count;	  /* of all states */
	size_t time_wait; /* of them in TIME-WAIT */
};

/* For which protocols the listeners are all there: pa_sockets_cover(). */
struct pa_socket_coverage {
	unsigned protocol;
	int family;
};

struct pa_sockets {
	struct pa_arena *arena;
	const char *source;	       /* "the kernel", or the file's name */
	struct pa_listener *listeners; /* sorted: protocol, raw, port, family, address, interface, inode */
	size_t listener_count;
	struct pa_process *processes; /* sorted by pid */
	size_t process_count;
	bool connections_known;
	struct pa_connections *connections; /* sorted: protocol, family, remote, remote_port, local */
	size_t connection_count;
	struct pa_socket_coverage *coverage; /* sorted */
	size_t coverage_count;
	bool listeners_complete; /* TCP and UDP of both families are covered; false: `missing` says what is not in the list */
	bool processes_complete; /* every process could be looked at */
	const char **missing;	 /* sentences: "the processes of other users: run as root" */
	size_t missing_count;
};

/*
 * Listeners of this network namespace by sock_diag, owners by /proc. Never NULL; what could not be read is in `missing`, and
 * in diags (INCOMPLETE) where listeners may be missing. Free with pa_sockets_free().
 */
struct pa_sockets *pa_sockets_read_live(struct pa_diags *diags);
/*
 * The text of `ss -tulpn`, `ss -tan`, `netstat -tulpn`, `netstat -an` (any version, any of their columns). NULL: diags says
 * what is not such text, and where (INPUT). `name` stands in the diagnostics.
 */
struct pa_sockets *pa_sockets_parse(const char *text, size_t length, const char *name, struct pa_diags *diags);
/* The same from a file, or standard input for "-" (rules/load). NULL: diags says why (INPUT). */
struct pa_sockets *pa_sockets_load(const char *path, struct pa_diags *diags);
struct pa_sockets *pa_sockets_free(struct pa_sockets *sockets); /* takes NULL, returns NULL */

/*
 * Does a listener take a packet of its protocol and port, of a family (4 or 6), to a local address, that arrives on an
 * interface (NULL: any)? What is not known counts as yes.
 */
bool pa_listener_takes(const struct pa_listener *listener, int family, pa_u128 address, const char *interface);
/*
 * Are all listeners of a protocol and family in the list, so that "nobody listens" may be said? Listeners of family 6 that take
 * IPv4 belong to both. sockets NULL: no.
 */
bool pa_sockets_cover(const struct pa_sockets *sockets, unsigned protocol, int family);

/*
 * Making a table (audit/host/socket_table.c): readers and tests add what they know in any order and finish. Strings are copied.
 * `processes` of a listener is filled by pa_sockets_hold(); a process with the pid of an earlier one is that one.
 */
struct pa_sockets *pa_sockets_new(const char *source);
/* Returns the number of the listener until pa_sockets_finish(). */
size_t pa_sockets_add_listener(struct pa_sockets *sockets, const struct pa_listener *listener);
/* Returns its number until pa_sockets_finish(); only the pid of an earlier one counts, what is known of it stays. */
size_t pa_sockets_add_process(struct pa_sockets *sockets, const struct pa_process *process);
void pa_sockets_hold(struct pa_sockets *sockets, size_t listener, size_t process); /* process holds listener */
void pa_sockets_add_connections(struct pa_sockets *sockets, const struct pa_connections *connections);
void pa_sockets_add_coverage(struct pa_sockets *sockets, unsigned protocol, int family);
__attribute__((format(printf, 2, 3))) void pa_sockets_add_missing(struct pa_sockets *sockets, const char *format, ...);
/* Sorts, sums up equal connections, works out the units of control groups, reuseport and listeners_complete. */
void pa_sockets_finish(struct pa_sockets *sockets);

#endif
