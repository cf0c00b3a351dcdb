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
	const char *command;	/* as the kernel names it: /proc/PID/comm */
	const char *executable; /* path, without " (deleted)"; NULL: not known */
	bool executable_deleted;
	bool ids_known;
	uint32_t real_uid, effective_uid, effective_gid;
	const char *user; /* name of effective_uid, or NULL */
	const char *group;
	bool capabilities_known;
	uint64_t permitted, effective, ambient;
	const char *unit;      /* systemd unit: "ssh.service", or NULL */
	const char *container; /* "docker:0123456789ab", or NULL */
};

/* One listening socket (TCP, SCTP, DCCP, MPTCP: LISTEN; UDP, UDP-Lite, raw: not connected). */
struct pa_listener {
	unsigned protocol; /* IPPROTO_TCP ...; mptcp is TCP with `mptcp` set */
	bool mptcp;
	bool raw;		 /* a raw socket of `protocol`; port is 0 */
	int family;		 /* of the socket: 4 or 6 */
	bool any_address;	 /* 0.0.0.0, :: or *; `address` is 0 then */
	pa_u128 address;	 /* as pa_address_parse() gives it: IPv4 is mapped */
	enum pa_tristate v6only; /* family 6 and any_address: does it take IPv4, too? YES: it does not */
	unsigned port;
	const char *interface; /* bound to it (SO_BINDTODEVICE), or NULL */
	bool uid_known;
	uint32_t uid;	  /* of the socket: who made it */
	const char *user; /* name of uid, or NULL */
	uint64_t inode;	  /* 0: not known */
	enum pa_tristate reuseport;
	const char *unit;    /* of the socket's cgroup or of the unit that activates it, or NULL */
	uint32_t *processes; /* indices into pa_sockets.processes: those that hold it, by pid */
	size_t process_count;
	bool processes_known; /* false: other users' processes could not be looked at, or the source names none */
};

/* Connections with one remote address and port, for the budget of source ports. */
struct pa_connections {
	unsigned protocol;
	int family;
	pa_u128 local, remote;
	unsigned remote_port;
	size_t count;	  /* of all states */
	size_t time_wait; /* of them in TIME-WAIT */
};

struct pa_sockets {
	struct pa_arena *arena;
	const char *source;	       /* "the kernel", or the file's name */
	struct pa_listener *listeners; /* sorted: protocol, port, family, address, interface, inode */
	size_t listener_count;
	struct pa_process *processes; /* sorted by pid */
	size_t process_count;
	bool connections_known;
	struct pa_connections *connections; /* outgoing ones, sorted as listeners are */
	size_t connection_count;
	bool listeners_complete; /* false: `missing` says what is not in the list */
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
struct pa_sockets *pa_sockets_free(struct pa_sockets *sockets);

/* Does a listener take a packet of a family (4 or 6) to a local address that arrives on an interface (NULL: any)? */
bool pa_listener_takes(const struct pa_listener *listener, int family, pa_u128 address, const char *interface);

#endif
