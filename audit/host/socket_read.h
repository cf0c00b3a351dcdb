/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside audit/host: the parts of pa_sockets_read_live(). */
#ifndef PORTAUDIT_HOST_SOCKET_READ_H
#define PORTAUDIT_HOST_SOCKET_READ_H

#include "portaudit/socket.h"

struct mnl_socket;
struct nlmsghdr;

/* States of sockets as the kernel numbers them (include/net/tcp_states.h). */
enum { PA_SOCKET_TIME_WAIT = 6, PA_SOCKET_CLOSE = 7, PA_SOCKET_LISTEN = 10 };
#define PA_SOCKET_ALL_STATES 0xfffu

/* --- numbers as keys (number_map.c) ------------------------------------------------------------------------- */
/* Zero-initialise it; pa_number_map_done() frees. */
struct pa_number_map {
	uint64_t *keys;
	size_t *values; /* + 1; 0: the place is free */
	size_t size, count;
};
/* true and *ret_value: the key is there. */
bool pa_number_map_find(const struct pa_number_map *map, uint64_t key, size_t *ret_value);
/* Adds a key, or replaces its value. */
void pa_number_map_put(struct pa_number_map *map, uint64_t key, size_t value);
void pa_number_map_done(struct pa_number_map *map);

/* --- one socket as the kernel tells it ---------------------------------------------------------------------- */
struct pa_socket_row {
	int family; /* of the socket: 4 or 6 */
	unsigned state;
	pa_u128 local, remote; /* as pa_address_parse() gives them */
	unsigned local_port, remote_port;
	unsigned interface; /* index; 0: not bound to one */
	uint32_t uid;
	uint64_t inode;
	uint64_t cookie; /* one for each socket; 0: not known */
	enum pa_tristate v6only;
	uint64_t cgroup; /* id; 0: not known */
	/* SCTP: all local addresses, as an array of struct sockaddr_storage; NULL: `local` is the only one. */
	const void *locals;
	size_t local_count;
};
typedef void pa_socket_row_take(void *context, const struct pa_socket_row *row);

/*
 * The sockets of a protocol (IPPROTO_MPTCP and IPPROTO_RAW as well) and family in some states (bits), from sock_diag (sock_diag.c).
 * 0, or a positive errno; ENOENT: the kernel does not tell this protocol's sockets that way.
 */
int pa_sock_diag_read(struct mnl_socket *socket, unsigned protocol, int family, uint32_t states, pa_socket_row_take *take,
		      void *context);
/* One message of it; false: it is not about a socket. */
bool pa_sock_diag_parse(const struct nlmsghdr *message, struct pa_socket_row *ret_row);

/* The same from a table like /proc/net/raw6 (socket_proc.c), which tells neither interfaces nor IPV6_V6ONLY. 0 or errno. */
int pa_socket_proc_read(const char *path, int family, pa_socket_row_take *take, void *context);
/* One line of it; false: it is not about a socket. */
bool pa_socket_proc_parse(const char *line, int family, struct pa_socket_row *ret_row);
/*
 * Does the kernel have a protocol, by its name in /proc/net/protocols? YES: *ret_count sockets of this network namespace, about:
 * the kernel adds up the counts of its processors while they change.
 */
enum pa_tristate pa_socket_proc_protocol(const char *protocol, long *ret_count);

/* --- names --------------------------------------------------------------------------------------------------- */
/* The names of /etc/passwd or /etc/group by number (account.c): files only, so that no directory service is asked. */
struct pa_accounts {
	struct pa_arena *arena; /* of the names; NULL: nothing was read yet */
	struct pa_number_map users, groups;
	const char **names;
	size_t name_count, name_capacity;
};
void pa_accounts_read(struct pa_accounts *accounts);
const char *pa_accounts_user(const struct pa_accounts *accounts, uint32_t uid); /* NULL: none is known */
const char *pa_accounts_group(const struct pa_accounts *accounts, uint32_t gid);
void pa_accounts_done(struct pa_accounts *accounts);

/* Paths of control groups by id (cgroup.c), which is the inode number of their folder. */
struct pa_cgroups {
	struct pa_arena *arena;
	struct pa_number_map ids;
	const char **paths;
	size_t path_count, path_capacity;
};
void pa_cgroups_read(struct pa_cgroups *cgroups);
const char *pa_cgroups_path(const struct pa_cgroups *cgroups, uint64_t id); /* "/system.slice/ssh.service", or NULL */
void pa_cgroups_done(struct pa_cgroups *cgroups);
/* The systemd unit that a path of a control group belongs to, or NULL: neither slices nor control groups of others. */
const char *pa_cgroup_unit(const char *path, struct pa_arena *arena);
/* "docker:0123456789ab", "lxc:web", or NULL. */
const char *pa_cgroup_container(const char *path, struct pa_arena *arena);

/*
 * What the unit files say of .socket units (socket_unit.c). `folders` (NULL-terminated) in falling precedence; NULL: where
 * systemd looks.
 */
/* The service that a .socket unit starts: "ssh.service", "cups@.service"; NULL: no such file is to be read. */
const char *pa_socket_unit_service(const char *const *folders, const char *unit, struct pa_arena *arena);
/* What a service runs, and as whom ("root" without User=); NULL: not known. */
void pa_socket_unit_program(const char *const *folders, const char *service, struct pa_arena *arena,
			    const char **ret_executable, const char **ret_user);
/* The only .socket unit that listens to a port, or NULL: none or several. */
const char *pa_socket_unit_find(const char *const *folders, unsigned protocol, unsigned port, struct pa_arena *arena);

/* --- processes (process.c) ------------------------------------------------------------------------------------ */
/* Numbers of listeners by inode: several listeners may have one (the addresses of an SCTP socket). */
struct pa_inodes {
	struct pa_number_map first; /* inode: number of its first listener */
	size_t *next;		    /* by number of a listener: the next one + 1, or 0 */
	size_t capacity;
};
/* Finds who holds the listeners; what could not be looked at goes to `missing`, and processes_complete is set. */
void pa_processes_read(struct pa_sockets *sockets, const struct pa_inodes *inodes, const struct pa_accounts *accounts);
/* docker-proxy's command line, arguments ended by NUL: sets proxy_* of the process. */
void pa_process_parse_proxy(struct pa_process *process, const char *arguments, size_t length);

#endif
