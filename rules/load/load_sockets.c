/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listeners of a host from a file. */
#include "input.h"
#include "portaudit/socket.h"

struct pa_sockets *pa_sockets_load(const char *path, struct pa_diags *diags)
{
	struct pa_input input;
	struct pa_sockets *sockets = NULL;

	if (pa_input_read(path, &input, diags))
		sockets = pa_sockets_parse(input.text.data ? input.text.data : "", input.text.length, input.name, diags);
	pa_buffer_done(&input.text);
	return sockets;
}
