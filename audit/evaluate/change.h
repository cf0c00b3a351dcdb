/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values that rules and NAT give: what change.c and translate.c share. */
#ifndef PA_EVALUATE_CHANGE_H
#define PA_EVALUATE_CHANGE_H

#include "evaluation.h"

/* A value that nobody knows, named by `text` (interned; NULL: nothing to say about it). */
struct pa_value pa_unknown_value(struct pa_evaluation *e, const char *text);
struct pa_value pa_interval_value(struct pa_evaluation *e, struct pa_interval interval, const char *text);
/* The value of another field here, under mask and xor. *breaks: it cannot be read, the rule ends. */
struct pa_value pa_part_value(struct pa_evaluation *e, const struct pa_key_part *part, const char *text, uint32_t env,
			      bool *breaks);
static inline bool pa_value_is_known(const struct pa_value *value)
{
	return value->kind == PA_VALUE_CONST || value->kind == PA_VALUE_RANGE;
}

/* The environment with a new destination (address and port; NULL: as before), or source, and with their types. */
uint32_t pa_new_destination(struct pa_evaluation *e, uint32_t env, const struct pa_value *address, const struct pa_value *port,
			    int family);
uint32_t pa_new_source(struct pa_evaluation *e, uint32_t env, const struct pa_value *address);

#endif
