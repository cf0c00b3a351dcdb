/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stage 1: an earlier result (`check --format json`), read as a baseline. */
#ifndef PORTAUDIT_BASELINE_H
#define PORTAUDIT_BASELINE_H

#include "portaudit/finding.h"

/*
 * Read a file as an earlier result. *ret_baseline is NULL when it is none (then it may be a ruleset). false: it is one and cannot be
 * used, or it cannot be read; diags says why. Nothing in it is believed but what the shape of a result allows.
 */
bool pa_baseline_load(const char *path, struct pa_baseline **ret_baseline, struct pa_diags *diags);
struct pa_baseline *pa_baseline_free(struct pa_baseline *baseline); /* takes NULL, returns NULL */

#endif
