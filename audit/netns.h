/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --netns: other network namespaces of this host. */
#ifndef PORTAUDIT_NETNS_H
#define PORTAUDIT_NETNS_H

#include "options.h"

/*
 * Runs a command line in the namespaces that options->netns names, each in a process of its own, and puts what they print together.
 * Returns the worst exit status; what went wrong is in diags as well.
 */
int pa_netns_run(const struct pa_options *options, int (*run)(const struct pa_options *options), struct pa_diags *diags);

#endif
