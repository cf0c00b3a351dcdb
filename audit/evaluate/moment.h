/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PA_EVALUATE_MOMENT_H
#define PA_EVALUATE_MOMENT_H

#include "portaudit/host.h"
#include "portaudit/ruleset.h"

/*
 * What the part of a key with this moment (NULL: none) gives at the host's present: one of *ret_value. false: the present is not
 * known, or not what the kernel makes of it.
 */
bool pa_moment_value(const struct pa_moment *moment, const struct pa_host *host, struct pa_interval *ret_value);

#endif
