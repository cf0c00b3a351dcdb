/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy held against itself (`lint`). The comparison is made with a ruleset that has no rules, so that every set of packets is
 * there and nothing else is. What the checks on the policy alone find is added as findings; the rest are warnings here:
 * an `allow` that lies inside another one, a `require` that a `deny` forbids or that no `allow` covers.
 *
 * A pattern of interface names means nothing without names: statements with one are left out.
 */
#include <stdlib.h>

#include "compare.h"

/* Pairs of more statements than this are not looked at, and a note says so. */
enum { STATEMENTS_MAX = 2000 };

struct lint {
	struct comparison c;
	struct pa_diags *diags;
};

static struct pa_diag *add_warning(struct lint *lint, const struct pa_statement *statement, struct pa_buffer *text)
{
	struct pa_diag *diag = pa_diags_add(lint->diags, PA_DIAG_WARNING, PA_DIAG_INPUT, "%s", text->data ? text->data : "");

	diag->where = statement->where;
	if (statement->where.file)
		diag->where.file = pa_arena_strdup(lint->diags->arena, statement->where.file);
	pa_buffer_clear(text);
	return diag;
}

static bool is_comparable(const struct lint *lint, size_t index)
{
	const struct pa_statement *statement = lint->c.policy->statements[index];

	return lint->c.regions[index].known && statement->from.interfaces.glob_count == 0 &&
	       statement->to.interfaces.glob_count == 0;
}

static bool same_target(const struct pa_statement *a, const struct pa_statement *b)
{
	return a->has_dnat == b->has_dnat && a->dnat_family == b->dnat_family && a->dnat_address == b->dnat_address &&
	       (a->dnat_port == b->dnat_port || b->dnat_port == 0);
}

/* The first `allow` that says all of what this one says; of two equal ones the later is told. */
static void look_for_container(struct lint *lint, size_t index)
{
	struct comparison *c = &lint->c;
	const struct pa_statement *inner = c->policy->statements[index];
	struct pa_buffer text = { 0 };

	for (size_t i = 0; i < c->policy->statement_count; i++) {
		const struct pa_statement *outer = c->policy->statements[i];
		bool equal;

		if (i == index || outer->kind != PA_STATEMENT_ALLOW || outer->path != inner->path ||
		    !same_target(inner, outer) || !is_comparable(lint, i) ||
		    !pa_set_is_empty(c->space, pa_set_minus(c->space, c->regions[index].set, c->regions[i].set)))
			continue;
		equal = pa_set_equal(c->space, c->regions[index].set, c->regions[i].set);
		if (equal && i > index)
			continue;
		pa_buffer_printf(&text, equal ? "`%s` says the same as `%s` at " : "`%s` lies inside `%s` at ", inner->text,
				 outer->text);
		describe_place(&outer->where, &text);
		add_warning(lint, inner, &text)->help = equal ? "remove one of them" : "remove it, or narrow the other one";
		break;
	}
	pa_buffer_done(&text);
}

/* What is left of a `require` when the statements of a kind are taken out. */
static pa_set left_of(struct lint *lint, size_t index, enum pa_statement_kind kind, bool *ret_comparable)
{
	struct comparison *c = &lint->c;
	pa_set rest = c->regions[index].set;

	for (size_t i = 0; i < c->policy->statement_count; i++) {
		const struct pa_statement *other = c->policy->statements[i];

		if (other->kind != kind || other->path != c->policy->statements[index]->path)
			continue;
		*ret_comparable = *ret_comparable && is_comparable(lint, i);
		rest = pa_set_minus(c->space, rest, c->regions[i].set);
	}
	return rest;
}

static void look_at_require(struct lint *lint, size_t index)
{
	struct comparison *c = &lint->c;
	const struct pa_statement *statement = c->policy->statements[index];
	bool comparable = true;
	struct pa_buffer text = { 0 };
	pa_set not_denied = left_of(lint, index, PA_STATEMENT_DENY, &comparable);
	pa_set not_allowed = left_of(lint, index, PA_STATEMENT_ALLOW, &comparable);

	if (!pa_set_equal(c->space, not_denied, c->regions[index].set)) {
		pa_buffer_printf(&text, "a `deny` forbids a part of `%s`", statement->text);
		add_warning(lint, statement, &text)->help = "the two contradict each other: no ruleset can satisfy both";
	}
	if (comparable && statement->path != PA_PATH_OUT && !pa_set_is_empty(c->space, not_allowed)) {
		pa_buffer_printf(&text, "no `allow` covers all of `%s`", statement->text);
		add_warning(lint, statement, &text)->help =
			"what is required must be allowed as well, or it is a finding when it is there";
	}
	pa_buffer_done(&text);
}

static void look_at_pairs(struct lint *lint)
{
	const struct pa_policy *policy = lint->c.policy;

	if (policy->statement_count > STATEMENTS_MAX) {
		pa_diags_add(lint->diags, PA_DIAG_NOTE, PA_DIAG_INPUT,
			     "the policy has %zu statements: which of them lie inside others was not looked for",
			     policy->statement_count);
		return;
	}
	for (size_t i = 0; i < policy->statement_count; i++) {
		if (!is_comparable(lint, i))
			continue;
		if (policy->statements[i]->kind == PA_STATEMENT_ALLOW)
			look_for_container(lint, i);
		else if (policy->statements[i]->kind == PA_STATEMENT_REQUIRE)
			look_at_require(lint, i);
	}
}

void pa_policy_lint(struct pa_evaluation *evaluation, const struct pa_ruleset *ruleset, const struct pa_host *host,
		    const struct pa_policy *policy, struct pa_diags *diags)
{
	struct lint lint = {
		.c = { .evaluation = evaluation, .ruleset = ruleset, .host = host, .policy = policy },
		.diags = diags,
	};
	struct comparison *c = &lint.c;

	c->space = pa_evaluation_space(evaluation);
	c->scratch = pa_arena_new();
	c->arbitrary = compare_arbitrary(ruleset, c->scratch);
	for (int i = 0; i < PATH_COUNT; i++)
		c->scope[i] = pa_evaluation_universe(evaluation, (enum pa_path)i);
	compare_regions(c);
	look_at_pairs(&lint);
	pa_arena_free(c->scratch);
}
