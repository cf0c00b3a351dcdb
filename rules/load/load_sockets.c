/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listeners of a host from a file. */
#include "input.h"
#include "portaudit/snapshot.h"

/* Those of a snapshot, whose other facts are not wanted here. */
static struct pa_sockets *take_sockets(const struct pa_input *input, struct pa_diags *diags)
{
	struct pa_snapshot *snapshot = pa_snapshot_parse(input->text.data, input->text.length, input->name, diags);
	struct pa_sockets *sockets = snapshot ? snapshot->sockets : NULL;

	if (snapshot && !sockets)
		pa_input_error(diags, PA_DIAG_INPUT, input, 0, "this snapshot was made without sockets");
	if (snapshot)
		snapshot->sockets = NULL;
	pa_snapshot_free(snapshot);
	return sockets;
}

struct pa_sockets *pa_sockets_load(const char *path, struct pa_diags *diags)
{
	struct pa_input input;
	struct pa_sockets *sockets = NULL;

	uint32_t line;

	if (!pa_input_read(path, &input, diags))
		sockets = NULL;
	else if (input.text.length && pa_text_recognise(input.text.data, input.text.length, &line) == PA_TEXT_SNAPSHOT)
		sockets = take_sockets(&input, diags);
	else
		sockets = pa_sockets_parse(input.text.data ? input.text.data : "", input.text.length, input.name, diags);
	pa_buffer_done(&input.text);
	return sockets;
}
