/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who listens, for the checks that speak of it. A listener *takes* the packets that would reach its socket: a set, by its
 * protocol, port, address, families and interface; behind a translation it is the target that counts. What a listener takes and
 * the ruleset lets in is its *reach*. All of it is worked out once, before the checks run.
 *
 * Two kinds of sockets are left out where the policy is held against sockets (compare_is_client()): those on loopback, which
 * nobody outside can reach, and UDP sockets on a port that the kernel chose for a client.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include "compare.h"
#include "portaudit/socket.h"

#define FIRST_USER_PORT 1024
#define FIRST_DYNAMIC_PORT 49152
#define MULTICAST4_FIRST (PA_IPV4_BASE | 0xe0000000u)
#define MULTICAST6_FIRST ((pa_u128)0xff00 << 112)

/* --- sets (listener.c) ------------------------------------------------------------------------------------------- */
struct listening {
	const struct pa_listener *socket;
	pa_set takes; /* of packets that are not translated */
	pa_set reach; /* from outside: what gets in and arrives here, headers before any translation */
	bool loopback;
	bool reachable;
	const char *reported; /* the code of the check on exposures that names it, or NULL */
};
void compare_listeners(struct comparison *c);
/* The packets of an exposure that arrive at the listener. */
pa_set compare_listener_takes(struct comparison *c, const struct pa_listener *listener, const struct pa_exposure *exposure);
/* Every packet that some listener takes. */
pa_set compare_taken(struct comparison *c, const struct pa_exposure *exposure);
bool compare_is_loopback(const struct pa_listener *listener);
/* A UDP socket on an ephemeral port that nothing outside reaches: a client's, as far as anybody can tell. */
bool compare_is_client(const struct comparison *c, const struct listening *listening);
/* Does a statement speak of the listener: some packet that it names would arrive there? */
bool compare_speaks_of(struct comparison *c, size_t statement, const struct listening *listening);
/* One of the items names protocol and port. */
bool compare_names_port(const struct comparison *c, const struct pa_service_item *items, size_t count,
			const struct pa_listener *listener);
/* Is a port (of TCP or UDP) among those that the kernel hands out and that nobody reserved? The facts must be known. */
bool compare_is_ephemeral(const struct pa_host *host, unsigned port);
/* Does SOC-006 report a listener on one of these ports? */
bool compare_is_in_the_way(struct comparison *c, const struct pa_service_item *item);
bool compare_is_reserved(const struct pa_host *host, unsigned port);

/* --- what a list of sockets does not tell (coverage.c) -------------------------------------------------------------- */
/* The packets of TCP and UDP whose listeners are all in the list. */
pa_set compare_covered(struct comparison *c);
/* Are all listeners of TCP and UDP in the list that the items could name? */
bool compare_covers_items(const struct comparison *c, const struct pa_service_item *items, size_t count);
/* "TCP over IPv6 and UDP"; "": nothing is missing. */
const char *compare_uncovered(struct comparison *c);
/* The same as the reason why a check is not assessed. */
const char *compare_why_uncovered(struct comparison *c);
/* What is not in the list of sockets does not matter for the check: without a finding it has passed. */
void compare_settle(struct comparison *c, enum pa_check_id check);
bool compare_knows_ephemeral(const struct pa_host *host);
/* What is taken for ip_local_port_range and ip_local_reserved_ports where they are not known, as a condition; NULL: they are. */
const char *compare_assumed_ephemeral(struct comparison *c);
/* ip_unprivileged_port_start; the kernel's default where it is not known. */
int compare_unprivileged_start(const struct pa_host *host);
/* A finding holds on that condition only. */
void compare_assume(struct comparison *c, struct pa_finding *finding, const char *assumption);

/* --- processes and words (holder.c) ------------------------------------------------------------------------------ */
/* The processes that hold a socket. systemd is left out where it only keeps the socket of a unit that runs. */
size_t compare_holder_count(const struct comparison *c, const struct pa_listener *listener);
const struct pa_process *compare_holder(const struct comparison *c, const struct pa_listener *listener, size_t index);
/* The process is systemd, which keeps the socket of a unit: the service that takes the connections does not run yet. */
bool compare_is_waiting(const struct pa_listener *listener, const struct pa_process *process);
/* "sshd", or NULL: the name of the first holder. */
const char *compare_program(const struct comparison *c, const struct pa_listener *listener);
/* "sshd (pid 811, user root, ssh.service)" */
void describe_holders(const struct comparison *c, const struct pa_listener *listener, struct pa_buffer *out);
/* "22/tcp", "5432/tcp on 127.0.0.1", "53/udp on eth0" */
void describe_socket(const struct pa_listener *listener, struct pa_buffer *out);

/* Listeners of one program: what one finding speaks of. */
struct holding {
	struct listening **items;
	size_t count;
};
/* Those that `wanted` says yes to, by program, in the order of the table. In the comparison's scratch memory. */
size_t compare_holdings(struct comparison *c, bool (*wanted)(struct comparison *c, struct listening *listening),
			struct holding **ret_holdings);
/* "sshd (pid 811, user root, ssh.service) listens on 22/tcp and 2222/tcp" */
void describe_holding(const struct comparison *c, const struct holding *holding, struct pa_buffer *out);
/* "22/tcp and 2222/tcp" */
void describe_holding_ports(const struct holding *holding, struct pa_buffer *out);
/* A finding about a holding; the process ids are not part of its fingerprint. `extra` is, and may be NULL. */
struct pa_finding *compare_add_holding(struct comparison *c, enum pa_check_id check, const struct holding *holding,
				       const char *extra);
/* Those that take packets of the group, which `check` reports; returns whether there was one. */
bool describe_takers(struct comparison *c, const struct group *group, enum pa_check_id check, struct pa_buffer *out);

/* --- the policy's words (who.c) ------------------------------------------------------------------------------------ */
/* Is the listener held by one of those? UNKNOWN: *ret_reason says which fact is missing. */
enum pa_tristate compare_fits(const struct comparison *c, const struct pa_whos *whos, const struct pa_listener *listener,
			      const char **ret_reason);

/* --- well-known programs (daemon.c, daemon.def) ---------------------------------------------------------------------- */
/* Is it known which programs listen on that port, and is this program (a command or the last part of a path) none of them? */
bool compare_is_stranger(unsigned protocol, unsigned port, const char *program, const char **ret_service);
/* A program that takes ports for others: proxies, container engines, systemd. */
bool compare_is_generic(const char *program);
/* A program that needs more rights of root than to bind a system port. */
bool compare_needs_root(const char *program);

#endif
