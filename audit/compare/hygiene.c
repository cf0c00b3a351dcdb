/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HYG-001 and HYG-003: rules that cannot take effect, HYG-003 where the last rule that decides their packets decides the
 * opposite. Rules on a named set that is empty now are left out.
 * UNK-001: tests whose meaning is not known. A test that is understood, and whose outcome only depends on time, rate or what
 * happened before (limit, quota, numgen, a set that packets fill ...), is no UNK-001: its condition stands at every answer.
 */
#include <string.h>

#include "compare.h"

static void put_identity(const struct pa_rule *rule, struct pa_buffer *out)
{
	describe_chain(rule->chain, out);
	pa_buffer_printf(out, " %s", rule->text ? rule->text : "");
}

static void add_rules(struct comparison *c, struct pa_finding *finding, const struct pa_dead_rule *dead)
{
	const struct pa_rule **rules = pa_arena_alloc(c->result->arena, dead->by_count + 1, sizeof(*rules));

	rules[0] = dead->rule;
	for (size_t i = 0; i < dead->by_count; i++)
		rules[i + 1] = dead->by[i];
	finding->rules = rules;
	finding->rule_count = dead->by_count + 1;
}

/* What a rule decides; CONTINUE where that depends on the packet. */
static enum pa_verdict_kind verdict_of(const struct pa_rule *rule)
{
	for (size_t i = rule->step_count; i > 0; i--) {
		const struct pa_step *step = &rule->steps[i - 1];

		if (step->kind == PA_STEP_VERDICT)
			return step->verdict.kind == PA_VERDICT_REJECT ? PA_VERDICT_DROP : step->verdict.kind;
		if (step->kind == PA_STEP_NAT)
			return PA_VERDICT_ACCEPT;
	}
	return PA_VERDICT_CONTINUE;
}

/*
 * The last of the rules that decide its packets is the one that leaves it nothing; what `ct state` rules decide before is
 * seldom what its author had in mind.
 */
static bool decides_opposite(const struct pa_dead_rule *dead)
{
	enum pa_verdict_kind mine = verdict_of(dead->rule), other;

	if (dead->impossible || dead->by_count == 0 || !dead->opposite)
		return false;
	other = verdict_of(dead->by[dead->by_count - 1]);
	if (other != PA_VERDICT_ACCEPT && other != PA_VERDICT_DROP)
		return true;
	return mine != other;
}

/* The decisive rule first, then how many more. */
static void put_shadow(const struct pa_dead_rule *dead, struct pa_buffer *out)
{
	describe_rule(dead->by[dead->by_count - 1], out);
	if (dead->by_count > 1)
		pa_buffer_printf(out, " and %zu before it", dead->by_count - 1);
}

static void report_dead(struct comparison *c, enum pa_check_id check, const struct pa_dead_rule *dead)
{
	struct pa_buffer text = { 0 };
	struct pa_finding *finding;

	put_identity(dead->rule, &text);
	finding = compare_add(c, check, text.data);
	pa_buffer_clear(&text);
	add_rules(c, finding, dead);
	describe_rule(dead->rule, &text);
	if (dead->by_count == 0) {
		pa_buffer_printf(&text, " can never match%s", dead->impossible ? ": no packet fulfils all of its tests" : "");
	} else {
		pa_buffer_printf(&text, "%s: ",
				 check == PA_CHECK_HYG_003 ? " never takes effect, earlier rules decide the opposite"
							   : " can never match, earlier rules decide its packets");
		put_shadow(dead, &text);
	}
	finding->message = compare_text(c, &text);
	finding->fix = check == PA_CHECK_HYG_003
			       ? "decide which of the two is meant: move the rule before the others, or remove it"
			       : "remove the rule, or correct its tests or its place";
	pa_buffer_done(&text);
}

/* A named set that is empty now is filled by other programs later (fail2ban's list of banned hosts): not dead. */
static bool waits_for_elements(const struct pa_rule *rule)
{
	for (size_t i = 0; i < rule->step_count; i++) {
		const struct pa_step *step = &rule->steps[i];

		if ((step->kind == PA_STEP_MATCH || step->kind == PA_STEP_VMAP) && step->elements && step->elements->decl &&
		    step->elements->count == 0)
			return true;
	}
	return false;
}

bool compare_is_dead(struct comparison *c, const struct pa_rule *rule)
{
	const struct pa_dead_rule *dead;
	size_t count = pa_evaluation_dead_rules(c->evaluation, &dead);

	for (size_t i = 0; i < count; i++)
		if (dead[i].rule == rule)
			return true;
	return false;
}

void check_dead_rules(struct comparison *c)
{
	const struct pa_dead_rule *dead;
	size_t count = pa_evaluation_dead_rules(c->evaluation, &dead);

	for (size_t i = 0; i < count; i++) {
		enum pa_check_id check = decides_opposite(&dead[i]) ? PA_CHECK_HYG_003 : PA_CHECK_HYG_001;

		if (compare_enabled(c, check) && !(dead[i].impossible && waits_for_elements(dead[i].rule)))
			report_dead(c, check, &dead[i]);
	}
}

/* --- UNK-001 -------------------------------------------------------------------------------------------------------------------- */

static void report_opaque(struct comparison *c, const struct pa_opaque *opaque)
{
	struct pa_buffer text = { 0 };
	struct pa_finding *finding;

	pa_buffer_printf(&text, "%s ", opaque->text);
	if (opaque->rule)
		put_identity(opaque->rule, &text);
	finding = compare_add(c, PA_CHECK_UNK_001, text.data);
	pa_buffer_clear(&text);
	finding->certainty = PA_POSSIBLE;
	if (opaque->rule) {
		const struct pa_rule *rule = opaque->rule;

		finding->rules = pa_arena_dup(c->result->arena, &rule, 1, sizeof(rule));
		finding->rule_count = 1;
	}
	if (c->options && c->options->allow_unknown)
		finding->severity = PA_SEVERITY_INFO;
	pa_buffer_printf(&text, "`%s` cannot be decided%s%s", opaque->text, opaque->reason ? ": " : "",
			 opaque->reason ? opaque->reason : "");
	if (opaque->rule) {
		pa_buffer_puts(&text, " (first in ");
		describe_rule(opaque->rule, &text);
		pa_buffer_putc(&text, ')');
	}
	pa_buffer_puts(&text, "; what depends on it is reported as possible");
	finding->message = compare_text(c, &text);
	finding->fix =
		"replace the test by one on packet headers or connection states, or accept the wider answer with --allow-unknown";
	pa_buffer_done(&text);
}

void check_opaque(struct comparison *c)
{
	const struct pa_opaque *opaques;
	size_t count = pa_evaluation_opaques(c->evaluation, &opaques);

	for (size_t i = 0; i < count; i++)
		if (opaques[i].matters && !opaques[i].understood)
			report_opaque(c, &opaques[i]);
}
