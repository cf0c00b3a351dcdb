/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two rulesets: from packets that fare otherwise to changes that can be told, with their rules. */
#include "portaudit/difference.h"

#include <stdlib.h>
#include <string.h>

#include "difference_private.h"

/* The order in which changes are told. */
static const enum pa_scenario scenarios[PA_SCENARIOS] = { PA_SCENARIO_NEW,     PA_SCENARIO_ESTABLISHED, PA_SCENARIO_REPLY,
							  PA_SCENARIO_RELATED, PA_SCENARIO_UNTRACKED,	PA_SCENARIO_INVALID };

/* --- what is left to tell ---------------------------------------------------------------------------------------- */

/* A delta that was not told with another one. */
struct untold {
	struct pa_delta delta;
	enum pa_scenario scenario;
	unsigned also;
	pa_set left;
	pa_u128 fields; /* FATE */
};
struct path_deltas {
	struct untold items[PA_SCENARIOS * PA_DELTAS_MAX];
	size_t count;
};

static bool is_alike(const struct pa_delta *a, const struct pa_delta *b)
{
	return a->kind == b->kind && a->before == b->before && a->after == b->after;
}

/* The flags of TCP and the types of ICMP depend on the state: only the rest of the header is compared with that of new connections. */
static pa_set in_any_state(struct difference *d, pa_set set)
{
	static const enum pa_field fields[] = { PA_FIELD_TCP_FLAGS, PA_FIELD_ICMP_TYPE, PA_FIELD_ICMP_CODE };

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		set = pa_set_project(d->space, set, fields[i]);
	return set;
}

/* Only marks are otherwise: one change for all states of the path. */
static bool same_marks(const struct untold *a, const struct untold *b)
{
	return a->delta.kind == PA_DELTA_FATE && b->delta.kind == PA_DELTA_FATE && difference_only_marks(a->fields) &&
	       difference_only_marks(b->fields);
}

/* What is told of new connections is not told again of the other states, and of those only once where they are alike. */
static void fold_states(struct difference *d, struct path_deltas *deltas)
{
	for (size_t i = 0; i < deltas->count; i++) {
		struct untold *item = &deltas->items[i];

		for (size_t j = 0; j < i && !pa_set_is_empty(d->space, item->left); j++) {
			struct untold *told = &deltas->items[j];
			bool new = told->scenario == PA_SCENARIO_NEW;
			pa_set left;

			if (item->scenario != told->scenario && same_marks(item, told)) {
				told->also |= 1u << item->scenario;
				item->left = pa_set_empty(d->space);
				continue;
			}
			if (item->scenario == told->scenario || told->delta.kind != item->delta.kind ||
			    (!new && !is_alike(&item->delta, &told->delta)))
				continue;
			if (item->delta.kind == PA_DELTA_FATE && !new && !pa_set_equal(d->space, item->left, told->left))
				continue;
			left = pa_set_minus(d->space, item->left, new ? in_any_state(d, told->delta.shown) : told->left);
			if (pa_set_equal(d->space, left, item->left))
				continue;
			told->also |= 1u << item->scenario;
			item->left = left;
		}
	}
}

static pa_u128 fields_of(struct difference *d, enum pa_path path, enum pa_scenario scenario, const struct pa_delta *delta)
{
	return delta->kind == PA_DELTA_FATE ? pa_evaluation_delta_fields(d->pair, path, scenario, delta->set) : 0;
}

static void collect(struct difference *d, enum pa_path path, struct path_deltas *deltas)
{
	deltas->count = 0;
	for (size_t s = 0; s < PA_SCENARIOS; s++) {
		struct pa_delta found[PA_DELTAS_MAX];
		size_t count = pa_evaluation_delta(d->pair, path, scenarios[s], found);
		const char *unknown = count ? pa_evaluation_delta_unknown(d->pair, path, scenarios[s]) : NULL;

		for (size_t i = 0; i < count; i++)
			deltas->items[deltas->count++] = (struct untold){ found[i], scenarios[s], 0, found[i].shown,
									  fields_of(d, path, scenarios[s], &found[i]) };
		if (unknown)
			difference_add_unknown(d, unknown);
	}
	fold_states(d, deltas);
}

/* --- by where NAT sends packets, and on which condition ------------------------------------------------------------- */

static void tell_other_state(struct difference *d, enum pa_path path, const struct untold *item)
{
	const struct pa_delta *delta = &item->delta;
	struct told told = { .item = delta, .scenario = item->scenario, .also = item->also, .path = path };
	struct pa_exposure exposure = { .path = path, .scenario = item->scenario };

	if (delta->before == PA_SOMETIMES)
		told.condition_before = pa_evaluation_condition(d->pair[0], path, item->scenario, item->left);
	if (delta->after == PA_SOMETIMES)
		told.condition_after = pa_evaluation_condition(d->pair[1], path, item->scenario, item->left);
	told.condition = delta->kind == PA_DELTA_CLOSES ? told.condition_before : told.condition_after;
	exposure.certainty = told.condition ? PA_POSSIBLE : PA_CERTAIN;
	exposure.condition = told.condition;
	told.exposure = &exposure;
	difference_tell(d, &told, item->left);
}

/* The exposures of one side that a part lies in; NULL when nothing of it gets in there. */
static void tell_within(struct difference *d, struct told *told, const struct pa_exposure *before,
			const struct pa_exposure *after, pa_set set)
{
	told->exposure = told->item->kind == PA_DELTA_CLOSES ? before : after;
	told->condition_before = before ? before->condition : NULL;
	told->condition_after = after ? after->condition : NULL;
	told->has_old_target = before && after && before->has_target;
	if (told->has_old_target)
		told->old_target = before->target;
	difference_tell(d, told, set);
}

static void tell_new(struct difference *d, enum pa_path path, const struct untold *item)
{
	const struct pa_exposure *sides[2];
	size_t counts[2];
	struct told told = { .item = &item->delta, .scenario = PA_SCENARIO_NEW, .also = item->also, .path = path };
	bool on[2] = { item->delta.before != PA_NEVER, item->delta.after != PA_NEVER };

	for (int i = 0; i < 2; i++)
		counts[i] = on[i] ? pa_evaluation_exposures(d->pair[i], path, &sides[i]) : 1;
	for (size_t i = 0; i < counts[0]; i++) {
		pa_set mine = on[0] ? pa_set_intersect(d->space, item->left, sides[0][i].set) : item->left;

		if (pa_set_is_empty(d->space, mine))
			continue;
		for (size_t j = 0; j < counts[1]; j++) {
			pa_set set = on[1] ? pa_set_intersect(d->space, mine, sides[1][j].set) : mine;

			if (!pa_set_is_empty(d->space, set))
				tell_within(d, &told, on[0] ? &sides[0][i] : NULL, on[1] ? &sides[1][j] : NULL, set);
		}
	}
}

static void compare_path(struct difference *d, enum pa_path path)
{
	struct path_deltas deltas;

	collect(d, path, &deltas);
	for (size_t i = 0; i < deltas.count; i++) {
		const struct untold *item = &deltas.items[i];

		if (pa_set_is_empty(d->space, item->left))
			continue;
		if (item->scenario == PA_SCENARIO_NEW && item->delta.kind != PA_DELTA_ANSWER)
			tell_new(d, path, item);
		else
			tell_other_state(d, path, item);
	}
}

/* --- the whole -------------------------------------------------------------------------------------------------------- */

/* What opens first, then what closes; at the end what is no difference of reach. */
static int compare_changes(const void *left, const void *right)
{
	const struct pa_change *a = left, *b = right;
	int order = (a->kind > b->kind) - (a->kind < b->kind);

	if (order == 0)
		order = (b->verdict > a->verdict) - (b->verdict < a->verdict);
	if (order == 0)
		order = (a->path > b->path) - (a->path < b->path);
	if (order == 0)
		order = (a > b) - (a < b);
	return order;
}

static void sum_up(struct difference *d)
{
	struct pa_difference *result = d->result;

	if (result->change_count > 1)
		qsort(result->changes, result->change_count, sizeof(*result->changes), compare_changes);
	for (size_t i = 0; i < result->change_count; i++) {
		result->note_count += result->changes[i].kind == PA_DELTA_ANSWER;
		result->violation_count += result->changes[i].verdict >= PA_CHANGE_UNDECLARED;
	}
}

struct pa_difference *pa_compare_pair(struct pa_evaluation *const pair[2], const struct pa_ruleset *const rulesets[2],
				      const struct pa_host *host, const struct pa_policy *policy, struct pa_diags *diags)
{
	struct difference d = { .host = host, .policy = policy };
	const char *failed;

	d.result = pa_xcalloc(1, sizeof(*d.result));
	d.result->arena = pa_arena_new();
	d.space = pa_evaluation_space(pair[1]);
	for (int i = 0; i < 2; i++) {
		d.pair[i] = pair[i];
		d.rulesets[i] = rulesets[i];
		d.walkers[i] = pa_walker_new(rulesets[i], host);
		pa_walker_be_brief(d.walkers[i]);
	}
	difference_begin_judging(&d);
	for (int path = 0; path < PATH_COUNT; path++)
		compare_path(&d, (enum pa_path)path);
	difference_compare_objects(&d);
	difference_end(&d);
	sum_up(&d);
	failed = pa_space_failed(d.space);
	if (failed) {
		pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "the rulesets could not be compared: %s", failed);
		return pa_difference_free(d.result);
	}
	return d.result;
}

struct pa_difference *pa_difference_free(struct pa_difference *difference)
{
	if (!difference)
		return NULL;
	free(difference->changes);
	free(difference->unknown);
	free(difference->notes);
	pa_arena_free(difference->arena);
	free(difference);
	return NULL;
}
