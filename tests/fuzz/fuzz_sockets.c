/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_sockets pa_host pa_base
/*
 * Any bytes as the text of ss or netstat: a table that keeps the promises of socket.h, or errors with places.
 */
#include <stdlib.h>

#include "portaudit/socket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void check_listener(const struct pa_sockets *sockets, const struct pa_listener *listener)
{
	demand(listener->family == 4 || listener->family == 6);
	demand(listener->port <= 65535 && (!listener->raw || listener->port == 0) && listener->protocol <= 255);
	demand(!listener->any_address || listener->address == 0);
	demand(listener->any_address || listener->family == 6 || pa_value_is_ipv4(listener->address));
	demand(listener->raw || pa_sockets_cover(sockets, listener->protocol, listener->family) || listener->family == 4);
	for (size_t i = 0; i < listener->process_count; i++) {
		demand(listener->processes[i] < sockets->process_count);
		demand(i == 0 || listener->processes[i - 1] < listener->processes[i]);
	}
	demand(pa_listener_takes(listener, listener->family, listener->address, NULL) || listener->any_address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pa_diags diags = { 0 };
	struct pa_sockets *sockets = pa_sockets_parse(data ? (const char *)data : "", size, "FILE", &diags);
	demand(!sockets == pa_diags_has_errors(&diags));
	for (size_t i = 0; i < diags.count; i++)
		demand(diags.items[i].where.line > 0 && diags.items[i].where.column > 0);
	for (size_t i = 0; sockets && i < sockets->listener_count; i++) {
		check_listener(sockets, &sockets->listeners[i]);
		demand(i == 0 || sockets->listeners[i - 1].protocol <= sockets->listeners[i].protocol);
	}
	for (size_t i = 1; sockets && i < sockets->process_count; i++)
		demand(sockets->processes[i - 1].pid < sockets->processes[i].pid);
	pa_sockets_free(sockets);
	pa_diags_done(&diags);
	return 0;
}
