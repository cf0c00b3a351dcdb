/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values that rules and NAT give in a state of the walk: what walk_change.c and walk_translate.c share. */
#ifndef PA_EVALUATE_WALK_CHANGE_H
#define PA_EVALUATE_WALK_CHANGE_H

#include "evaluation.h"
#include "walker.h"

/* A value that nobody knows, named by `text`; NULL: nothing to say about it. */
struct pa_wvalue pa_wunknown(const char *text);
struct pa_wvalue pa_wrange_value(struct pa_interval interval, const char *text);
/* What another field holds now, under mask and xor. */
struct pa_wvalue pa_wpart_value(const struct pa_wstate *state, const struct pa_key_part *part, const char *text);
/* What an element of a map gives to an operand. */
struct pa_wvalue pa_wdatum_value(const struct pa_operand *operand, const struct pa_datum *datum, const char *text);
/* The element that the step's map gives; NULL: none, the rule ends. */
const struct pa_datum *pa_wfind_datum(struct pa_wrun *run, struct pa_wstate *state, const struct pa_rule *rule,
				      const struct pa_step *step, const struct pa_key *key, const struct pa_elements *map);
/* The packet gets another address, and with it another type of address. */
void pa_wnew_destination(struct pa_wrun *run, struct pa_wstate *state, const struct pa_wvalue *address, int family);
void pa_wnew_source(struct pa_wrun *run, struct pa_wstate *state, const struct pa_wvalue *address);

#endif
