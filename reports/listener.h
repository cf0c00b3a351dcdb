/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who listens, in the words of the table. */
#ifndef PORTAUDIT_REPORTS_LISTENER_H
#define PORTAUDIT_REPORTS_LISTENER_H

#include "portaudit/socket.h"
#include "region.h"

/*
 * "sshd (root)", "nginx (root, www-data) 80, 443; java (app) 8080 ... and 3 more", "nobody". Nothing where sockets were not looked
 * at, and where no socket could listen. Returns whether something was written. `most` 0: all programs.
 */
bool pa_phrase_listeners(const struct pa_region *region, size_t most, struct pa_buffer *out);
/* "postgres 5432/tcp, cupsd 631/tcp": a list of sockets for a sentence. */
void pa_phrase_sockets(const struct pa_sockets *sockets, const struct pa_listener *const *listeners, size_t count, size_t most,
		       struct pa_buffer *out);
/* The processes behind a listener; systemd is left out where it only keeps the socket of a service that runs. */
size_t pa_listener_holders(const struct pa_sockets *sockets, const struct pa_listener *listener, size_t *ret_first);
/* "172.17.0.2:80": where a proxy passes on what it gets. false: it is none, and nothing is written. */
bool pa_process_put_proxied(const struct pa_process *process, struct pa_buffer *out);
/* systemd keeps the socket of a service that it starts on demand, and that does not run. */
bool pa_listener_is_waiting(const struct pa_listener *listener, const struct pa_process *process);
/* The systemd unit that is told of a holder (NULL: of a listener without one), or NULL. */
const char *pa_listener_unit(const struct pa_listener *listener, const struct pa_process *process);

#endif
