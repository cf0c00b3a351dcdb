/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings: making them, their severity, their fingerprint. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"

/* --- which checks run, and how much their findings weigh --------------------------------------------------------- */

static const struct pa_check_setting *setting_of(const struct comparison *c, enum pa_check_id check)
{
	for (size_t i = c->policy ? c->policy->check_count : 0; i > 0; i--)
		if (pa_text_equal(c->policy->checks[i - 1].check, pa_check_info(check)->code))
			return &c->policy->checks[i - 1];
	return NULL;
}

static bool is_selected(const struct comparison *c, enum pa_check_id check)
{
	const char *const *only = c->options ? c->options->only_checks : NULL;
	enum pa_check_id wanted;

	if (!only)
		return true;
	for (; *only; only++)
		if (pa_check_find(*only, &wanted) && wanted == check)
			return true;
	return false;
}

bool compare_enabled(const struct comparison *c, enum pa_check_id check)
{
	const struct pa_check_setting *setting = setting_of(c, check);

	if (!is_selected(c, check))
		return false;
	if (setting && setting->has_enabled)
		return setting->enabled;
	return !(pa_check_info(check)->needs & PA_OPT_IN) || (c->options && c->options->only_checks);
}

enum pa_severity compare_severity(const struct comparison *c, enum pa_check_id check)
{
	const struct pa_check_setting *setting = setting_of(c, check);

	if (setting && setting->has_severity)
		return setting->severity;
	return setting && setting->fields.has_severity ? setting->fields.severity : pa_check_info(check)->severity;
}

/* `{ severity ... }` of a statement is the last word. */
void compare_statement_severity(const struct comparison *c, struct pa_finding *finding, const struct pa_statement *statement)
{
	(void)c;
	finding->statement = statement;
	if (statement && statement->fields.has_severity)
		finding->severity = statement->fields.severity;
}

/*
 * What the policy says about the finding's own check or statement stands; without that, the finding weighs as much as the
 * heavier of the two checks.
 */
void compare_stands_for(struct comparison *c, struct pa_finding *finding, enum pa_check_id other)
{
	const struct pa_check_setting *setting = setting_of(c, finding->check);
	bool fixed = (setting && (setting->has_severity || setting->fields.has_severity)) ||
		     (finding->statement && finding->statement->fields.has_severity);
	enum pa_severity severity = compare_severity(c, other);

	if (!compare_enabled(c, other) || other == finding->check)
		return;
	c->found_as[other] = pa_check_info(finding->check)->code;
	pa_grow(&c->stand_ins, &c->stand_in_capacity, c->stand_in_count + 1, sizeof(*c->stand_ins));
	c->stand_ins[c->stand_in_count++] = (struct stand_in){ (size_t)(finding - c->result->findings), other };
	if (!fixed && severity > finding->severity)
		finding->severity = severity;
}

void compare_not_assessed(struct comparison *c, enum pa_check_id check, const char *reason)
{
	c->result->checks[check] =
		(struct pa_check_result){ PA_STATUS_NOT_ASSESSED, pa_arena_strdup(c->result->arena, reason) };
}

void compare_sentence(struct comparison *c, const char *format, ...)
{
	struct pa_result *result = c->result;
	char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = pa_xstrdup(
			"a part of the policy is not assessed"); /* the sentence could not be built, but is not lost */
	va_end(arguments);
	pa_grow(&result->not_assessed, &c->sentence_capacity, result->not_assessed_count + 1, sizeof(*result->not_assessed));
	result->not_assessed[result->not_assessed_count++] = pa_arena_strdup(result->arena, text);
	free(text);
}

/* --- fingerprints --------------------------------------------------------------------------------------------------- */

static void make_fingerprint(struct pa_finding *finding, const char *region)
{
	fingerprint_make(pa_check_info(finding->check)->code, region, finding->fingerprint);
}

/* Two findings of one run differ: the second of equal ones counts on. */
static bool fingerprint_taken(const struct comparison *c, const char *fingerprint)
{
	for (size_t i = 0; i + 1 < c->result->finding_count; i++)
		if (memcmp(c->result->findings[i].fingerprint, fingerprint, sizeof(c->result->findings[i].fingerprint)) == 0)
			return true;
	return false;
}

static void set_fingerprint(struct comparison *c, struct pa_finding *finding, const char *region)
{
	struct pa_buffer text = { 0 };

	make_fingerprint(finding, region);
	for (unsigned number = 2; fingerprint_taken(c, finding->fingerprint); number++) {
		pa_buffer_clear(&text);
		pa_buffer_printf(&text, "%s #%u", region, number);
		make_fingerprint(finding, text.data);
	}
	pa_buffer_done(&text);
}

static void put_region(const struct group *group, struct pa_buffer *out)
{
	pa_buffer_printf(out, "%s %d ", pa_path_name(group->exposure->path), group->row.certainty == PA_CERTAIN);
	fingerprint_region(group->pieces, group->piece_count, out);
	if (group->exposure->has_target)
		describe_target(&group->exposure->target, out);
}

/* --- findings ----------------------------------------------------------------------------------------------------------- */

struct pa_finding *compare_add(struct comparison *c, enum pa_check_id check, const char *region)
{
	struct pa_result *result = c->result;
	struct pa_finding *finding;

	pa_grow(&result->findings, &c->finding_capacity, result->finding_count + 1, sizeof(*result->findings));
	pa_grow(&c->finding_regions, &c->finding_region_capacity, result->finding_count + 1, sizeof(*c->finding_regions));
	c->finding_regions[result->finding_count] = (struct finding_region){ .known = false };
	finding = &result->findings[result->finding_count++];
	*finding = (struct pa_finding){ .check = check, .severity = compare_severity(c, check) };
	set_fingerprint(c, finding, region);
	return finding;
}

void compare_set_region(struct comparison *c, const struct pa_finding *finding, enum pa_path path, pa_set set)
{
	c->finding_regions[finding - c->result->findings] = (struct finding_region){ .known = true, .path = path, .set = set };
}

struct pa_finding *compare_add_group(struct comparison *c, enum pa_check_id check, const struct group *group,
				     const struct pa_statement *statement)
{
	struct pa_buffer region = { 0 };
	struct pa_finding *finding;

	put_region(group, &region);
	finding = compare_add(c, check, region.data);
	pa_buffer_done(&region);
	finding->certainty = group->row.certainty;
	finding->condition = group->row.condition;
	finding->waiver = group->waiver;
	compare_set_region(c, finding, group->exposure->path, group->set);
	finding->has_row = true;
	finding->row = group->row;
	finding->in_both = group->piece_count == 1 && group->pieces[0].family == 0;
	finding->has_packet = true;
	finding->packet = group->row.example;
	finding->rules = group->row.rules;
	finding->rule_count = group->row.rule_count;
	compare_statement_severity(c, finding, statement);
	return finding;
}

/* --- the rule that decides an example -------------------------------------------------------------------------------- */

void compare_set_state(struct pa_packet *packet, enum pa_scenario scenario)
{
	static const unsigned states[] = {
		[PA_SCENARIO_NEW] = PA_CT_NEW,
		[PA_SCENARIO_REPLY] = PA_CT_ESTABLISHED,
		[PA_SCENARIO_RELATED] = PA_CT_RELATED,
		[PA_SCENARIO_INVALID] = PA_CT_INVALID,
		[PA_SCENARIO_UNTRACKED] = PA_CT_UNTRACKED,
		[PA_SCENARIO_ESTABLISHED] = PA_CT_ESTABLISHED,
	};

	packet->value[PA_FIELD_CT_STATE] = states[scenario];
	packet->known[PA_FIELD_CT_STATE] = true;
	if (scenario == PA_SCENARIO_REPLY) {
		packet->value[PA_FIELD_CT_DIRECTION] = 1;
		packet->known[PA_FIELD_CT_DIRECTION] = true;
	}
}

/* The rule or policy that decided: the last verdict of the walk. */
static void add_decision(struct comparison *c, struct pa_finding *finding, const struct pa_walk *walk)
{
	const struct pa_rule *rule = NULL;

	for (size_t i = 0; i < walk->step_count; i++) {
		const struct pa_walk_step *step = &walk->steps[i];
		bool final = step->verdict == PA_VERDICT_ACCEPT || step->verdict == PA_VERDICT_DROP ||
			     step->verdict == PA_VERDICT_REJECT;

		if (step->outcome == PA_WALK_MATCHED && final)
			rule = step->rule;
		else if (step->outcome == PA_WALK_POLICY && step->verdict == PA_VERDICT_DROP)
			rule = NULL;
	}
	if (!rule || walk->fate == PA_FATE_DEPENDS)
		return; /* several rules may decide */
	finding->rules = pa_arena_dup(c->result->arena, &rule, 1, sizeof(rule));
	finding->rule_count = 1;
}

void compare_add_example(struct comparison *c, struct pa_finding *finding, enum pa_path path, pa_set set,
			 enum pa_scenario scenario)
{
	struct pa_walk walk = { 0 };

	if (pa_set_is_empty(c->space, set) || pa_space_failed(c->space))
		return;
	finding->packet = pa_evaluation_example(c->evaluation, path, set);
	finding->packet.path = path;
	if (scenario != PA_SCENARIO_NEW)
		compare_set_state(&finding->packet, scenario);
	finding->has_packet = true;
	pa_walk(c->ruleset, c->host, &finding->packet, true, &walk);
	add_decision(c, finding, &walk);
	pa_walk_done(&walk);
}

void compare_report_rule(struct comparison *c, enum pa_check_id check, const struct pa_rule *rule, const char *identity,
			 struct pa_buffer *message, const char *fix)
{
	struct pa_finding *finding = compare_add(c, check, identity);

	finding->message = compare_text(c, message);
	finding->fix = fix;
	if (!rule)
		return;
	finding->rules = pa_arena_dup(c->result->arena, &rule, 1, sizeof(rule));
	finding->rule_count = 1;
}
