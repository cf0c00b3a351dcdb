/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes: the rows of a part, put together by the rules that decide them before and after. */
#include <stdlib.h>
#include <string.h>

#include "difference_private.h"

/* --- who decides ---------------------------------------------------------------------------------------------------- */

static bool accepts(const struct pa_walk_step *step)
{
	return step->verdict == PA_VERDICT_ACCEPT;
}

static bool refuses(const struct pa_walk_step *step)
{
	return step->verdict == PA_VERDICT_DROP || step->verdict == PA_VERDICT_REJECT;
}

/* The last verdict of the walk. A rule that accepts in one base chain is named unless a later policy or rule refuses. */
struct pa_decision difference_decision(const struct pa_walk *walk, struct pa_arena *arena)
{
	struct pa_decision decision = { .fate = walk->fate };

	for (size_t i = 0; i < walk->step_count; i++) {
		const struct pa_walk_step *step = &walk->steps[i];

		if (step->chain && step->chain->type == PA_CHAIN_NAT && !refuses(step))
			continue; /* a translation decides nothing */
		if (step->outcome == PA_WALK_MATCHED && (accepts(step) || refuses(step)))
			decision = (struct pa_decision){ walk->fate, step->rule, step->chain, NULL };
		else if (step->outcome == PA_WALK_POLICY && (refuses(step) || !decision.rule))
			decision = (struct pa_decision){ walk->fate, NULL, step->chain, NULL };
	}
	if (walk->fate == PA_FATE_DEPENDS && walk->condition)
		decision.condition = pa_arena_strdup(arena, walk->condition);
	return decision;
}

static struct pa_decision decide(struct difference *d, int side, const struct pa_packet *packet, bool path_known)
{
	struct pa_walk walk;
	struct pa_decision decision;

	pa_walker_walk(d->walkers[side], packet, path_known, &walk);
	decision = difference_decision(&walk, d->result->arena);
	pa_walk_done(&walk);
	return decision;
}

/* --- groups ------------------------------------------------------------------------------------------------------------- */

struct group_of_rows {
	struct pa_change change;
	struct pa_row *rows;
	size_t count, capacity;
};
struct grouping {
	struct group_of_rows *items;
	size_t count, capacity;
};

static bool same_decision(const struct pa_decision *a, const struct pa_decision *b)
{
	return a->fate == b->fate && a->rule == b->rule && (a->rule || a->chain == b->chain) &&
	       pa_text_equal(a->condition, b->condition);
}

static bool same_rules(const struct pa_row *a, const struct pa_row *b)
{
	return a->rule_count == b->rule_count && memcmp(a->rules, b->rules, a->rule_count * sizeof(*a->rules)) == 0;
}

static void add_to_group(struct grouping *grouping, const struct pa_change *change, const struct pa_row *row)
{
	struct group_of_rows *group = NULL;

	for (size_t i = 0; i < grouping->count && !group; i++) {
		struct group_of_rows *other = &grouping->items[i];

		if (change->kind == PA_DELTA_FATE && difference_only_marks(change->fields))
			group = other; /* whoever accepts them */
		else if (same_decision(&other->change.old, &change->old) && same_decision(&other->change.new, &change->new) &&
			 same_rules(&other->rows[0], row))
			group = other;
	}
	if (!group) {
		pa_grow(&grouping->items, &grouping->capacity, grouping->count + 1, sizeof(*grouping->items));
		group = &grouping->items[grouping->count++];
		*group = (struct group_of_rows){ .change = *change };
	}
	pa_grow(&group->rows, &group->capacity, group->count + 1, sizeof(*group->rows));
	group->rows[group->count++] = *row;
}

static void keep_groups(struct difference *d, struct grouping *grouping)
{
	struct pa_difference *result = d->result;

	for (size_t i = 0; i < grouping->count; i++) {
		struct group_of_rows *group = &grouping->items[i];

		group->change.rows = pa_arena_dup(result->arena, group->rows, group->count, sizeof(*group->rows));
		group->change.row_count = group->count;
		pa_grow(&result->changes, &d->change_capacity, result->change_count + 1, sizeof(*result->changes));
		result->changes[result->change_count++] = group->change;
		free(group->rows);
	}
	free(grouping->items);
}

/* --- rows ------------------------------------------------------------------------------------------------------------------- */

/* What a packet of TCP looks like in this state; SYN is how flows begin. */
static unsigned usual_flags(enum pa_scenario scenario)
{
	switch (scenario) {
	case PA_SCENARIO_REPLY:
	case PA_SCENARIO_ESTABLISHED:
		return PA_TCP_ACK;
	case PA_SCENARIO_INVALID:
		return PA_TCP_SYN | PA_TCP_ACK;
	case PA_SCENARIO_NEW:
	case PA_SCENARIO_RELATED:
	case PA_SCENARIO_UNTRACKED:
		break;
	}
	return PA_TCP_SYN;
}

static void decide_both(struct difference *d, struct pa_change *change, bool path_known)
{
	change->old = decide(d, 0, &change->example, path_known);
	change->new = decide(d, 1, &change->example, path_known);
}

/* The example as it would be seen in its state, where that fares as the row says. */
static void make_usual(struct difference *d, struct pa_change *change, const struct pa_row *row, bool path_known)
{
	struct pa_change usual = *change;
	struct pa_packet *packet = &usual.example;

	if (!packet->known[PA_FIELD_TCP_FLAGS] || packet->value[PA_FIELD_L4PROTO] != PROTOCOL_TCP ||
	    row->box.field[PA_FIELD_TCP_FLAGS].count > 0)
		return;
	packet->value[PA_FIELD_TCP_FLAGS] = usual_flags(change->scenario);
	decide_both(d, &usual, path_known);
	if (usual.old.fate == change->old.fate && usual.new.fate == change->new.fate)
		*change = usual;
}

static void add_row(struct difference *d, struct grouping *grouping, const struct pa_change *template, const struct pa_row *row)
{
	struct pa_change change = *template;
	bool path_known = row->path == PA_PATH_OUT || (!row->has_target && !template->has_old_target);

	change.example = row->example;
	compare_set_state(&change.example, change.scenario);
	decide_both(d, &change, path_known);
	make_usual(d, &change, row, path_known);
	add_to_group(grouping, &change, row);
}

/* lo is told apart only where it does not fare as all other interfaces do. */
static pa_set of_loopback(struct difference *d, enum pa_path path, pa_set set, pa_set *ret_others)
{
	struct comparison c = { .space = d->space };
	pa_set lo = path == PA_PATH_OUT ? pa_set_empty(d->space) : pa_set_intersect(d->space, set, compare_loopback(&c, path));

	*ret_others = pa_set_minus(d->space, set, lo);
	/* its loopback addresses are no other interface's */
	return pa_set_minus(d->space, lo,
			    pa_set_project(d->space, pa_set_project(d->space, *ret_others, PA_FIELD_IIFNAME), PA_FIELD_DADDR));
}

static void tell_part(struct difference *d, const struct told *told, struct judged judged, pa_set part)
{
	const struct pa_delta *delta = told->item;
	struct pa_evaluation *e = d->pair[delta->kind == PA_DELTA_CLOSES ? 0 : 1];
	struct grouping grouping = { 0 };
	struct pa_change change = { .kind = delta->kind,
				    .path = told->path,
				    .scenario = told->scenario,
				    .also = told->also,
				    .before = delta->before,
				    .after = delta->after,
				    .condition_before = told->condition_before,
				    .condition_after = told->condition_after,
				    .has_old_target = told->has_old_target,
				    .old_target = told->old_target,
				    .verdict = judged.verdict,
				    .statement = judged.statement };
	pa_set sets[2];

	if (delta->kind == PA_DELTA_FATE)
		change.fields = pa_evaluation_delta_fields(d->pair, told->path, told->scenario,
							   pa_set_intersect(d->space, delta->set, part));
	sets[1] = of_loopback(d, told->path, part, &sets[0]);
	for (int i = 0; i < 2; i++) {
		const struct pa_row *rows;
		size_t count = pa_evaluation_rows(e, told->exposure, sets[i], true, 0, &rows);

		for (size_t k = 0; k < count; k++)
			add_row(d, &grouping, &change, &rows[k]);
	}
	keep_groups(d, &grouping);
}

void difference_tell(struct difference *d, const struct told *told, pa_set set)
{
	difference_judge(d, told, set, tell_part);
}

/* --- beside packets ------------------------------------------------------------------------------------------------------------ */

static void add_text(const char ***list, size_t *count, size_t *capacity, const char *text)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp((*list)[i], text) == 0)
			return;
	pa_grow(list, capacity, *count + 1, sizeof(**list));
	(*list)[(*count)++] = text;
}

void difference_add_unknown(struct difference *d, const char *text)
{
	add_text(&d->result->unknown, &d->result->unknown_count, &d->unknown_capacity, text);
}

void difference_add_note(struct difference *d, const char *text)
{
	add_text(&d->result->notes, &d->result->sentence_count, &d->note_capacity, text);
}

static const struct pa_object *find_object(const struct pa_ruleset *ruleset, const struct pa_object *wanted)
{
	for (size_t i = 0; i < ruleset->object_count; i++) {
		const struct pa_object *object = &ruleset->objects[i];

		if (strcmp(object->kind, wanted->kind) == 0 && strcmp(object->name, wanted->name) == 0 &&
		    object->table->family == wanted->table->family && strcmp(object->table->name, wanted->table->name) == 0)
			return object;
	}
	return NULL;
}

static void note_object(struct difference *d, const struct pa_object *object, const char *what)
{
	bool flows = strcmp(object->kind, "flowtable") == 0;

	difference_add_note(d, pa_arena_printf(d->result->arena, "%s %s of table %s %s %s%s", object->kind, object->name,
					       pa_family_name(object->table->family), object->table->name, what,
					       flows ? ": packets of the flows that it holds bypass the forward rules" : ""));
}

void difference_compare_objects(struct difference *d)
{
	for (int side = 0; side < 2; side++) {
		const struct pa_ruleset *ruleset = d->rulesets[side];

		for (size_t i = 0; i < ruleset->object_count; i++) {
			const struct pa_object *object = &ruleset->objects[i];
			const struct pa_object *other = find_object(d->rulesets[!side], object);

			if (!other)
				note_object(d, object, side ? "is new" : "is gone");
			else if (side && strcmp(object->text, other->text) != 0)
				note_object(d, object,
					    pa_arena_printf(d->result->arena, "was `%s` and is `%s`", other->text,
							    object->text));
		}
	}
}

void difference_end(struct difference *d)
{
	for (int i = 0; i < 2; i++)
		pa_walker_free(d->walkers[i]);
}
