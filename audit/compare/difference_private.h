/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of a comparison of two rulesets: difference.c finds what to tell, difference_tell.c tells it, difference_judge.c asks the policy. */
#ifndef DIFFERENCE_PRIVATE_H
#define DIFFERENCE_PRIVATE_H

#include "compare.h"
#include "portaudit/difference.h"

struct difference {
	struct pa_evaluation *pair[2];
	const struct pa_ruleset *rulesets[2];
	struct pa_walker *walkers[2];
	struct pa_space *space;
	const struct pa_host *host;
	const struct pa_policy *policy;
	struct comparison *judging; /* the policy as sets, of the second ruleset; NULL: no policy */
	struct pa_difference *result;
	size_t change_capacity, unknown_capacity, note_capacity;
};

/* A part of a delta that is told in one way. */
struct told {
	const struct pa_delta *item;
	enum pa_path path;
	enum pa_scenario scenario;
	unsigned also;
	const struct pa_exposure *exposure; /* of the side on which it gets in; of both: after the change */
	const char *condition, *condition_before, *condition_after;
	bool has_old_target;
	struct pa_target old_target;
};

static inline bool difference_only_marks(pa_u128 fields)
{
	return (fields & ~((pa_u128)1 << PA_FIELD_MARK | (pa_u128)1 << PA_FIELD_CT_MARK)) == 0;
}
/* Who decided about a packet. */
struct pa_decision difference_decision(const struct pa_walk *walk, struct pa_arena *arena);
void difference_tell(struct difference *d, const struct told *told, pa_set set);
void difference_add_unknown(struct difference *d, const char *text);
void difference_add_note(struct difference *d, const char *text);
/* Flowtables: flows that bypass the rules. */
void difference_compare_objects(struct difference *d);
void difference_end(struct difference *d);

/* --- the policy --- */
void difference_begin_judging(struct difference *d);
/* Calls `tell` for each part of the set that the policy sees alike. */
struct judged {
	enum pa_change_verdict verdict;
	const struct pa_statement *statement;
};
void difference_judge(struct difference *d, const struct told *told, pa_set set,
		      void (*tell)(struct difference *d, const struct told *told, struct judged judged, pa_set part));

#endif
