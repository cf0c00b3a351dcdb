/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An edit carried out on a copy of the ruleset. */
#include <string.h>

#include "trial.h"

/* --- tests as steps --------------------------------------------------------------------------------------------------- */

static struct pa_step test_step(struct pa_arena *arena, enum pa_field field, struct pa_ranges values, bool negated)
{
	struct pa_step step = { .kind = PA_STEP_MATCH, .negated = negated };
	struct pa_elements *elements = pa_arena_alloc(arena, 1, sizeof(*elements));

	step.key.count = 1;
	step.key.parts = pa_arena_alloc(arena, 1, sizeof(*step.key.parts));
	step.key.parts[0] = (struct pa_key_part){ .field = field, .mask = pa_field_max(field) };
	*elements = (struct pa_elements){ .parts = 1, .sorted = true, .count = values.count };
	elements->keys = pa_arena_dup(arena, values.items, values.count, sizeof(*elements->keys));
	step.elements = elements;
	return step;
}

static struct pa_step family_step(struct pa_arena *arena, int family)
{
	pa_u128 value = family == 6 ? PA_NFPROTO_IPV6 : PA_NFPROTO_IPV4;
	struct pa_interval interval = { value, value };

	return test_step(arena, PA_FIELD_NFPROTO, (struct pa_ranges){ &interval, 1 }, false);
}

static struct pa_step verdict_step(enum pa_verdict_kind kind)
{
	return (struct pa_step){ .kind = PA_STEP_VERDICT, .verdict = { .kind = kind } };
}

/* The tests of the edit before the steps of `own`, or before a verdict. Tests for which they stand stay: they say no more. */
static void write_steps(struct pa_arena *arena, const struct pa_edit_rule *edit, const struct pa_rule *own,
			struct pa_rule *rule)
{
	size_t count = 0, own_count = own ? own->step_count : 1;
	struct pa_step *steps = pa_arena_alloc(arena, edit->test_count + 1 + own_count, sizeof(*steps));

	if (edit->family != 0)
		steps[count++] = family_step(arena, edit->family);
	for (size_t i = 0; i < edit->test_count; i++)
		steps[count++] = test_step(arena, edit->tests[i].field, edit->tests[i].values, edit->tests[i].negated);
	if (own)
		memcpy(&steps[count], own->steps, own_count * sizeof(*steps));
	else
		steps[count] = verdict_step(edit->verdict);
	rule->steps = steps;
	rule->step_count = count + own_count;
}

/* --- rules ------------------------------------------------------------------------------------------------------------- */

/* How many rules of the chain are the alternatives of the one at `index`. */
static size_t alternatives(const struct pa_chain *chain, size_t index)
{
	size_t count = 1;

	while (index + count < chain->rule_count && chain->rules[index + count]->continues)
		count++;
	return count;
}

static void remove_rule(struct pa_ruleset *ruleset, struct pa_chain *chain, size_t index)
{
	for (size_t count = alternatives(chain, index); count > 0; count--)
		pa_chain_remove_rule(ruleset, chain, index);
}

/* A rule with what another one is and has; its steps may be written anew. */
static struct pa_rule *insert_like(struct pa_ruleset *ruleset, struct pa_chain *chain, size_t index, const struct pa_rule *like)
{
	struct pa_rule kept = *like, *rule = pa_chain_insert_rule(ruleset, chain, index);

	kept.chain = chain;
	kept.index = (unsigned)index;
	*rule = kept;
	return rule;
}

static void narrow(struct pa_ruleset *ruleset, struct pa_chain *chain, const struct pa_edit *edit)
{
	size_t from = edit->rule->index, count = alternatives(chain, from);

	for (size_t i = edit->rule_count; i-- > 0;)
		for (size_t k = count; k-- > 0;) {
			/* the old rules are pushed behind those that were inserted so far */
			size_t inserted = (edit->rule_count - 1 - i) * count + (count - 1 - k);
			const struct pa_rule *own = chain->rules[from + inserted + k];
			struct pa_rule *rule = insert_like(ruleset, chain, from, own);

			write_steps(ruleset->arena, &edit->rules[i], own, rule);
		}
	remove_rule(ruleset, chain, from + edit->rule_count * count);
}

static void move(struct pa_ruleset *ruleset, struct pa_chain *chain, const struct pa_edit *edit)
{
	size_t from = edit->rule->index, to = edit->before ? edit->before->index : chain->rule_count;
	size_t count = alternatives(chain, from);

	for (size_t i = count; i-- > 0;) {
		size_t at = from + i + (to <= from ? count - 1 - i : 0);

		insert_like(ruleset, chain, to, chain->rules[at]);
	}
	remove_rule(ruleset, chain, to <= from ? from + count : from);
}

static void insert(struct pa_ruleset *ruleset, struct pa_chain *chain, const struct pa_edit *edit)
{
	size_t at = edit->before ? edit->before->index : chain->rule_count;

	for (size_t i = 0; i < edit->rule_count; i++) {
		struct pa_rule *rule = pa_chain_insert_rule(ruleset, chain, at + i);

		rule->text = "a rule that is suggested";
		write_steps(ruleset->arena, &edit->rules[i], NULL, rule);
	}
}

struct pa_ruleset *edit_apply(const struct pa_ruleset *ruleset, const struct pa_edit *edit)
{
	struct pa_ruleset *copy = pa_ruleset_copy(ruleset);
	struct pa_chain *chain;

	if (!copy)
		return NULL;
	chain = copy->chains[edit->chain->id];
	switch (edit->kind) {
	case PA_EDIT_DELETE:
		remove_rule(copy, chain, edit->rule->index);
		break;
	case PA_EDIT_NARROW:
		narrow(copy, chain, edit);
		break;
	case PA_EDIT_MOVE:
		move(copy, chain, edit);
		break;
	case PA_EDIT_INSERT:
		insert(copy, chain, edit);
		break;
	case PA_EDIT_POLICY:
		chain->policy = PA_VERDICT_DROP;
		break;
	}
	pa_ruleset_finish(copy);
	return copy;
}
