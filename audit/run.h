/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a command line asks for, done. */
#ifndef PORTAUDIT_RUN_H
#define PORTAUDIT_RUN_H

#include "options.h"

/* Load, evaluate, compare, report. Returns the exit status: 0, 1 (findings), 2 (wrong input), 3 (not complete). */
int pa_run(const struct pa_options *options);

#endif
