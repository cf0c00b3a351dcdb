/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the command `port`. */
#ifndef PORTAUDIT_COMMANDS_PORT_H
#define PORTAUDIT_COMMANDS_PORT_H

#include "job.h"
#include "portaudit/port.h"

#define PA_PORTS 65536

/* What is asked: a port, and the protocols. */
struct pa_port_question {
	unsigned port;
	unsigned protocols[4];
	size_t protocol_count;
};
/* "8080", "8080/tcp", "ssh". false: diags says why. */
bool pa_port_parse(const char *text, struct pa_port_question *ret_question, struct pa_diags *diags);

/* port_choice.c: conflicts and objections of each side, and other ports that have none. */
void pa_port_judge(struct pa_job *job, struct pa_port_report *port, struct pa_port_side *sides);

#endif
