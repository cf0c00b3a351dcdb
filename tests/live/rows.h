/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rows.c: the boxes of `list --format json`. */
#ifndef JUDGE_ROWS_H
#define JUDGE_ROWS_H

#include "judge.h"

/* NULL and a complaint on stderr when the document is not what CLI documentation says. */
struct boxes *boxes_read(const char *path, const char *ruleset);

#endif
