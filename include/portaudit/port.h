/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything about one port (the command `port`), as plain data for reports. */
#ifndef PORTAUDIT_PORT_H
#define PORTAUDIT_PORT_H

#include "portaudit/report.h"
#include "portaudit/socket.h"

/* One protocol's side of the port. Lists live in the job; sentences say one thing each. */
struct pa_port_side {
	unsigned protocol;
	const char *service;		      /* registered or usual on this port, or NULL */
	const struct pa_listener **listeners; /* of host->sockets; those of raw sockets are no listeners of a port */
	size_t listener_count;
	bool covered;		   /* these are all */
	const struct pa_row *rows; /* what gets in that asks for this port */
	size_t row_count;
	const struct pa_row *translated; /* what asks for another port and is sent to this one on this host */
	size_t translated_count;
	const char **conflicts;
	size_t conflict_count;
	const char **objections; /* why a new service should have another port; none: it may have this one */
	size_t objection_count;
};

#define PA_PORT_SUGGESTIONS 3
struct pa_port_report {
	const struct pa_report *report; /* host, ruleset, completeness; its rows are not used */
	const struct pa_host *host;
	unsigned port;
	const char *class;    /* "system", "user", "dynamic": RFC 6335 section 6 */
	bool ephemeral_known; /* false: the kernel's default is taken */
	unsigned ephemeral_first, ephemeral_last;
	bool is_ephemeral;
	enum pa_tristate reserved; /* in ip_local_reserved_ports */
	unsigned privileged_below; /* ports below this one need CAP_NET_BIND_SERVICE */
	const struct pa_port_side *sides;
	size_t side_count;
	unsigned suggestions[PA_PORT_SUGGESTIONS];
	size_t suggestion_count;
};

void pa_report_port_text(const struct pa_port_report *port, const struct pa_style *style, struct pa_buffer *out);
void pa_report_port_json(const struct pa_port_report *port, struct pa_buffer *out);

#endif
