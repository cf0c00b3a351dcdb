/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes otherwise of packets under the second ruleset of a pair. Both answers are written in the same terms, so that equal
 * diagrams are equal meanings; where they differ, the difference is worked out packet by packet and question by question.
 */
#include "evaluation.h"

#include <stdlib.h>

#define SLOT(field) ((pa_u128)1 << PA_FIELD_##field)

/* --- fates: outcomes without what only mattered on the way ----------------------------------------------------- */

static uint32_t without_text(struct pa_evaluation *e, uint32_t env, enum pa_field field)
{
	const struct pa_value *value = pa_env_find(e, env, field);
	if (!value || value->kind != PA_VALUE_RANGE)
		return env;
	struct pa_value range = *value;
	range.text = NULL; /* two spellings of one range are one range */
	return pa_env_set(e, env, field, &range);
}

static pa_node to_fate(void *context, uint32_t terminal)
{
	struct pa_evaluation *e = context;
	struct pa_outcome outcome = e->terms->outcomes[terminal];
	if (outcome.kind != PA_OUTCOME_THROUGH)
		return PA_TERMINAL(terminal);
	uint32_t env = pa_env_restrict(e, outcome.env, e->kept | SLOT(DADDR) | SLOT(DPORT));
	static const enum pa_field ranges[] = { PA_FIELD_SADDR, PA_FIELD_DADDR, PA_FIELD_SPORT, PA_FIELD_DPORT };
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		env = without_text(e, env, ranges[i]);
	return pa_outcome(e, PA_OUTCOME_THROUGH, env);
}

static bool through(const struct pa_evaluation *e, uint32_t terminal)
{
	return e->terms->outcomes[terminal].kind == PA_OUTCOME_THROUGH;
}

static bool is_other_way(void *context, uint32_t a, uint32_t b)
{
	return through(context, a) && through(context, b);
}

static bool is_other_answer(void *context, uint32_t a, uint32_t b)
{
	const struct pa_evaluation *e = context;
	enum pa_outcome_kind first = e->terms->outcomes[a].kind, second = e->terms->outcomes[b].kind;
	return (first == PA_OUTCOME_DROP && second == PA_OUTCOME_REJECT) ||
	       (first == PA_OUTCOME_REJECT && second == PA_OUTCOME_DROP);
}

/* --- one side --------------------------------------------------------------------------------------------------- */

struct side {
	pa_node fate, universe;
	pa_node arriving;    /* the universe, and what does not get in from elsewhere */
	pa_node accepted;    /* with variables */
	pa_node some, every; /* accepted for some, for all outcomes of what is not known */
};

static struct side side_of(struct pa_evaluation *e, enum pa_path path, enum pa_scenario scenario)
{
	const struct pa_answer *answer = pa_answer(e, path, scenario);
	struct side side = { .universe = answer->universe, .arriving = answer->universe };
	if (path != PA_PATH_OUT && e->translated[scenario]) /* what NAT sends here from the other path and is refused, too */
		side.arriving =
			pa_node_or(e->space, side.arriving,
				   pa_node_or(e->space, pa_universe_path(e, PA_PATH_IN), pa_universe_path(e, PA_PATH_FORWARD)));
	side.fate = pa_node_bind(e->space, answer->node, to_fate, e);
	side.accepted = pa_node_and(e->space, pa_accepted(e, side.fate), side.universe);
	side.some = pa_node_some_variable(e->space, side.accepted);
	side.every = pa_node_every_variable(e->space, side.accepted);
	return side;
}

/* --- the parts -------------------------------------------------------------------------------------------------- */

struct parts {
	struct pa_evaluation *e;
	struct pa_delta *deltas;
	size_t count;
	pa_node left; /* packets that no part holds yet */
};

static void add_part(struct parts *parts, enum pa_delta_kind kind, enum pa_presence before, enum pa_presence after, pa_node set)
{
	struct pa_space *space = parts->e->space;
	set = pa_node_and(space, set, parts->left);
	parts->left = pa_node_minus(space, parts->left, set);
	if (set != PA_FALSE)
		parts->deltas[parts->count++] =
			(struct pa_delta){ kind, before, after, { set }, { pa_visible(parts->e, set) } };
}

static pa_node differing(struct pa_evaluation *e, const struct side *before, const struct side *after,
			 bool (*picks)(void *context, uint32_t a, uint32_t b))
{
	pa_node node = pa_node_differ(e->space, before->fate, after->fate, picks, e);
	node = pa_node_and(e->space, node, pa_node_or(e->space, before->arriving, after->arriving));
	return pa_node_some_variable(e->space, node);
}

static pa_node either_way(struct pa_space *space, pa_node a, pa_node b)
{
	return pa_node_or(space, pa_node_minus(space, a, b), pa_node_minus(space, b, a));
}

size_t pa_evaluation_delta(struct pa_evaluation *const pair[2], enum pa_path path, enum pa_scenario scenario,
			   struct pa_delta ret_deltas[PA_DELTAS_MAX])
{
	struct pa_evaluation *e = pair[1];
	struct pa_space *space = e->space;
	struct side old = side_of(pair[0], path, scenario), new = side_of(pair[1], path, scenario);
	struct parts parts = { .e = e, .deltas = ret_deltas, .left = PA_TRUE };
	if (old.fate == new.fate && old.universe == new.universe &&old.arriving == new.arriving)
		return 0;
	pa_node maybe_old = pa_node_minus(space, old.some, old.every), maybe_new = pa_node_minus(space, new.some, new.every);
	add_part(&parts, PA_DELTA_OPENS, PA_NEVER, PA_ALWAYS, pa_node_minus(space, new.every, old.some));
	add_part(&parts, PA_DELTA_OPENS, PA_NEVER, PA_SOMETIMES, pa_node_minus(space, maybe_new, old.some));
	add_part(&parts, PA_DELTA_OPENS, PA_SOMETIMES, PA_ALWAYS, pa_node_and(space, new.every, maybe_old));
	add_part(&parts, PA_DELTA_CLOSES, PA_ALWAYS, PA_NEVER, pa_node_minus(space, old.every, new.some));
	add_part(&parts, PA_DELTA_CLOSES, PA_SOMETIMES, PA_NEVER, pa_node_minus(space, maybe_old, new.some));
	add_part(&parts, PA_DELTA_CLOSES, PA_ALWAYS, PA_SOMETIMES, pa_node_and(space, old.every, maybe_new));
	pa_node other = pa_node_some_variable(space, either_way(space, old.accepted, new.accepted));
	add_part(&parts, PA_DELTA_CONDITION, PA_SOMETIMES, PA_SOMETIMES, other);
	/* what is left gets in under the same conditions */
	pa_node fate = differing(e, &old, &new, is_other_way);
	add_part(&parts, PA_DELTA_FATE, PA_ALWAYS, PA_ALWAYS, pa_node_and(space, fate, new.every));
	add_part(&parts, PA_DELTA_FATE, PA_SOMETIMES, PA_SOMETIMES, pa_node_and(space, fate, new.some));
	add_part(&parts, PA_DELTA_ANSWER, PA_NEVER, PA_NEVER, differing(e, &old, &new, is_other_answer));
	return parts.count;
}

const char *pa_evaluation_condition(struct pa_evaluation *e, enum pa_path path, enum pa_scenario scenario, pa_set set)
{
	struct side side = side_of(e, path, scenario);
	pa_node here = pa_node_and(e->space, side.accepted, set.node);
	bool *used = pa_xcalloc(e->terms->variable_count + 1, sizeof(*used)), any = false;
	pa_node_variables(e->space, here, used, e->terms->variable_count);
	for (size_t i = 0; i < e->terms->variable_count; i++)
		any = any || used[i];
	free(used);
	return any ? pa_condition_text(e, here) : NULL;
}

const char *pa_evaluation_delta_unknown(struct pa_evaluation *const pair[2], enum pa_path path, enum pa_scenario scenario)
{
	struct pa_evaluation *e = pair[1];
	struct side old = side_of(pair[0], path, scenario), new = side_of(e, path, scenario);
	const char *text = NULL;
	bool *used = pa_xcalloc(e->terms->variable_count + 1, sizeof(*used));
	pa_node_variables(e->space, either_way(e->space, old.accepted, new.accepted), used, e->terms->variable_count);
	for (size_t i = 0; i < e->terms->variable_count && !text; i++) {
		if (used[i] && !e->terms->variables[i].understood)
			text = e->terms->variables[i].text;
	}
	free(used);
	return text;
}

struct noting {
	struct pa_evaluation *e;
	pa_u128 fields;
};

static bool note_fields(void *context, uint32_t a, uint32_t b)
{
	struct noting *noting = context;
	const struct pa_evaluation *e = noting->e;
	for (unsigned f = 0; is_other_way(noting->e, a, b) && f < PA_FIELD_COUNT; f++) {
		if (pa_env_find(e, e->terms->outcomes[a].env, f) != pa_env_find(e, e->terms->outcomes[b].env, f))
			noting->fields |= (pa_u128)1 << f;
	}
	return false;
}

pa_u128 pa_evaluation_delta_fields(struct pa_evaluation *const pair[2], enum pa_path path, enum pa_scenario scenario,
				   pa_set set)
{
	struct pa_evaluation *e = pair[1];
	struct side old = side_of(pair[0], path, scenario), new = side_of(e, path, scenario);
	struct noting noting = { e, 0 };
	pa_node drop = pa_outcome(e, PA_OUTCOME_DROP, 0);
	pa_node_differ(e->space, pa_node_choose(e->space, set.node, old.fate, drop),
		       pa_node_choose(e->space, set.node, new.fate, drop), note_fields, &noting);
	return noting.fields;
}
