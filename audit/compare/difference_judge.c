/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the policy says of a change. `allow` and `deny` are asked about packets that begin something (new, untracked, invalid ones),
 * `require` about those and about packets of its connections; what goes out is held against `deny out` and `require out` only.
 */
#include "difference_private.h"

void difference_begin_judging(struct difference *d)
{
	struct comparison *c;

	if (!d->policy)
		return;
	c = pa_arena_alloc(d->result->arena, 1, sizeof(*c));
	*c = (struct comparison){ .evaluation = d->pair[1],
				  .space = d->space,
				  .ruleset = d->rulesets[1],
				  .host = d->host,
				  .policy = d->policy,
				  .scratch = d->result->arena };
	c->arbitrary = compare_arbitrary(d->rulesets[1], c->scratch);
	for (int i = 0; i < PATH_COUNT; i++) {
		c->scope[i] = pa_evaluation_universe(d->pair[1], (enum pa_path)i);
		if (!d->policy->loopback_checked)
			c->scope[i] = pa_set_minus(d->space, c->scope[i], compare_loopback(c, (enum pa_path)i));
	}
	compare_regions(c);
	d->judging = c;
}

/* The packets of a statement, in whatever state; headers before any NAT. */
static pa_set region_of(struct difference *d, size_t index, const struct pa_exposure *exposure)
{
	struct comparison *c = d->judging;
	static const enum pa_field by_state[] = { PA_FIELD_TCP_FLAGS, PA_FIELD_ICMP_TYPE, PA_FIELD_ICMP_CODE };
	pa_set set = pa_set_intersect(d->space, c->regions[index].set,
				      compare_target_set(c, d->policy->statements[index], exposure));

	for (size_t i = 0; exposure->scenario != PA_SCENARIO_NEW && i < sizeof(by_state) / sizeof(*by_state); i++)
		set = pa_set_project(d->space, set, by_state[i]);
	return set;
}

struct judging {
	struct difference *d;
	const struct told *told;
	pa_set left;
	void (*tell)(struct difference *d, const struct told *told, struct judged judged, pa_set part);
};

static void take(struct judging *j, struct judged judged, pa_set region)
{
	struct pa_space *space = j->d->space;
	pa_set part = pa_set_intersect(space, j->left, region);

	if (pa_set_is_empty(space, part))
		return;
	j->left = pa_set_minus(space, j->left, part);
	j->tell(j->d, j->told, judged, part);
}

static void judge_opened(struct judging *j)
{
	struct difference *d = j->d;
	const struct pa_policy *policy = d->policy;
	bool unknown = false;

	for (int pass = 0; pass < 2; pass++) {
		enum pa_statement_kind kind = pass == 0 ? PA_STATEMENT_DENY : PA_STATEMENT_ALLOW;

		for (size_t i = 0; i < policy->statement_count; i++) {
			const struct pa_statement *statement = policy->statements[i];
			struct judged judged = { pass == 0 ? PA_CHANGE_DENIED : PA_CHANGE_FITS, statement };

			if (statement->kind != kind || statement->path != j->told->path)
				continue;
			if (d->judging->regions[i].known)
				take(j, judged, region_of(d, i, j->told->exposure));
			else
				unknown = true;
		}
	}
	if (j->told->path != PA_PATH_OUT)
		take(j, (struct judged){ unknown ? PA_CHANGE_NOT_ASSESSED : PA_CHANGE_UNDECLARED, NULL },
		     j->told->scenario == PA_SCENARIO_NEW || d->policy->loopback_checked
			     ? d->judging->scope[j->told->path]
			     : pa_set_minus(d->space, pa_set_full(d->space), compare_loopback(d->judging, j->told->path)));
}

static bool is_needed(struct judging *j, const struct pa_statement *statement, pa_set region)
{
	struct difference *d = j->d;
	pa_set needed = compare_needed(d->judging, statement, region);

	return !pa_set_is_empty(d->space, pa_set_intersect(d->space, j->left, needed));
}

static void judge_closed(struct judging *j)
{
	struct difference *d = j->d;
	const struct pa_policy *policy = d->policy;

	for (size_t i = 0; i < policy->statement_count; i++) {
		const struct pa_statement *statement = policy->statements[i];
		struct judged judged = { PA_CHANGE_REQUIRED, statement };
		pa_set region;

		if (statement->kind != PA_STATEMENT_REQUIRE || statement->path != j->told->path)
			continue;
		if (j->told->item->after == PA_SOMETIMES && statement->fields.rate_limited)
			continue;
		if (!d->judging->regions[i].known) {
			take(j, (struct judged){ PA_CHANGE_NOT_ASSESSED, statement }, pa_set_full(d->space));
			continue;
		}
		region = region_of(d, i, j->told->exposure);
		/* packets that no client sends are told with those that it needs */
		if (j->told->scenario != PA_SCENARIO_NEW || is_needed(j, statement, region))
			take(j, judged, region);
	}
}

static bool begins_something(enum pa_scenario scenario)
{
	return scenario == PA_SCENARIO_NEW || scenario == PA_SCENARIO_UNTRACKED || scenario == PA_SCENARIO_INVALID;
}

void difference_judge(struct difference *d, const struct told *told, pa_set set,
		      void (*tell)(struct difference *d, const struct told *told, struct judged judged, pa_set part))
{
	struct judging j = { d, told, set, tell };
	enum pa_delta_kind kind = told->item->kind;
	bool opens = kind == PA_DELTA_OPENS || kind == PA_DELTA_FATE;

	if (!d->policy) {
		tell(d, told, (struct judged){ PA_CHANGE_UNJUDGED, NULL }, set);
		return;
	}
	if (opens && begins_something(told->scenario))
		judge_opened(&j);
	else if (kind == PA_DELTA_CLOSES && (begins_something(told->scenario) || told->scenario == PA_SCENARIO_ESTABLISHED))
		judge_closed(&j);
	if (!pa_set_is_empty(d->space, j.left))
		tell(d, told, (struct judged){ PA_CHANGE_FITS, NULL }, j.left);
}

enum pa_severity difference_severity(const struct pa_change *change)
{
	switch (change->verdict) {
	case PA_CHANGE_DENIED:
	case PA_CHANGE_REQUIRED:
		return PA_SEVERITY_CRITICAL;
	case PA_CHANGE_UNDECLARED:
	case PA_CHANGE_NOT_ASSESSED:
		return PA_SEVERITY_HIGH;
	case PA_CHANGE_FITS:
		return PA_SEVERITY_INFO;
	case PA_CHANGE_UNJUDGED:
		break;
	}
	return change->kind == PA_DELTA_ANSWER ? PA_SEVERITY_INFO : PA_SEVERITY_MEDIUM;
}
