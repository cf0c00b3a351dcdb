/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks on the policy itself.
 *
 * POL-003  an `allow` of which no packet gets in, not even possibly. An `allow` that POL-004 or SOC-003 reports is left out.
 * POL-004  an `allow` that lies in the union of the `deny` statements of its path: it never has an effect. An `allow` that is
 *          only partly denied is the normal way to write an exception.
 */
#include "compare.h"

static bool same_target(const struct pa_statement *a, const struct pa_statement *b)
{
	return a->dnat_family == b->dnat_family && a->dnat_address == b->dnat_address &&
	       (a->dnat_port == b->dnat_port || b->dnat_port == 0);
}

/* The denies that speak of everything the allow speaks of, as far as NAT goes. */
static bool is_denied(struct comparison *c, size_t index, const struct pa_statement **ret_deny)
{
	const struct pa_statement *allow = c->policy->statements[index];
	pa_set rest = c->regions[index].set;

	*ret_deny = NULL;
	if (pa_set_is_empty(c->space, rest))
		return false;
	for (size_t i = 0; i < c->policy->statement_count; i++) {
		const struct pa_statement *deny = c->policy->statements[i];
		pa_set before = rest;

		if (deny->kind != PA_STATEMENT_DENY || deny->path != allow->path || (deny->has_dnat && !allow->has_dnat) ||
		    (deny->has_dnat && !same_target(allow, deny)))
			continue;
		rest = pa_set_minus(c->space, rest, c->regions[i].set);
		if (!*ret_deny && !pa_set_equal(c->space, before, rest))
			*ret_deny = deny;
	}
	return pa_set_is_empty(c->space, rest);
}

static struct pa_finding *report(struct comparison *c, enum pa_check_id check, const struct pa_statement *statement)
{
	struct pa_finding *finding = compare_add(c, check, statement->text);

	compare_statement_severity(c, finding, statement);
	compare_set_region(c, finding, statement->path, c->regions[statement->id].set);
	return finding;
}

void check_allow_in_deny(struct comparison *c)
{
	struct pa_buffer text = { 0 };

	for (size_t i = 0; i < c->policy->statement_count; i++) {
		const struct pa_statement *statement = c->policy->statements[i], *deny;
		struct pa_finding *finding;

		if (statement->kind != PA_STATEMENT_ALLOW || !c->regions[i].known || !is_denied(c, i, &deny))
			continue;
		finding = report(c, PA_CHECK_POL_004, statement);
		describe_place(&statement->where, &text);
		pa_buffer_printf(&text, ": `%s` has no effect, because `deny` wins: ", statement->text);
		describe_place(&deny->where, &text);
		pa_buffer_printf(&text, " `%s`", deny->text);
		finding->message = compare_text(c, &text);
		finding->fix = "remove the `allow`, or take the exception out of the `deny` with `except`";
	}
	pa_buffer_done(&text);
}

static bool is_used(struct comparison *c, size_t index)
{
	const struct pa_statement *statement = c->policy->statements[index];
	const struct pa_exposure *exposures;
	size_t count = pa_evaluation_exposures(c->evaluation, statement->path, &exposures);

	for (size_t i = 0; i < count; i++) {
		pa_set set = pa_set_intersect(c->space, exposures[i].set, c->regions[index].set);

		set = pa_set_intersect(c->space, set, compare_target_set(c, statement, &exposures[i]));
		if (!pa_set_is_empty(c->space, set))
			return true;
	}
	return false;
}

void check_stale_allows(struct comparison *c)
{
	struct pa_buffer text = { 0 };

	for (size_t i = 0; i < c->policy->statement_count; i++) {
		const struct pa_statement *statement = c->policy->statements[i], *deny;
		struct pa_finding *finding;

		if (statement->kind != PA_STATEMENT_ALLOW || !c->regions[i].known || is_used(c, i))
			continue;
		if (c->blocked[i]) {
			c->found_as[PA_CHECK_POL_003] = pa_check_info(PA_CHECK_SOC_003)->code;
			continue;
		}
		if (compare_enabled(c, PA_CHECK_POL_004) && is_denied(c, i, &deny)) {
			c->found_as[PA_CHECK_POL_003] = pa_check_info(PA_CHECK_POL_004)->code;
			continue;
		}
		finding = report(c, PA_CHECK_POL_003, statement);
		describe_place(&statement->where, &text);
		pa_buffer_printf(&text, ": nothing that the ruleset lets through matches `%s`", statement->text);
		finding->message = compare_text(c, &text);
		finding->fix = "remove the statement, or open the service; write `require` if it must be reachable";
	}
	pa_buffer_done(&text);
}
