/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edits that may close a finding: the proof decides which of them does. */
#include "trial.h"

/* Rules of one finding that are looked at. */
#define RULES_MAX 6

static const struct aim aims[] = {
#define REPAIR(check, edits, effects, scope) { PA_CHECK_##check, edits, effects, scope },
#include "repair.def"
#undef REPAIR
};

const struct aim *repair_aim(enum pa_check_id check)
{
	for (size_t i = 0; i < sizeof(aims) / sizeof(*aims); i++)
		if (aims[i].check == check)
			return &aims[i];
	return NULL;
}

void candidates_add(struct repairing *r, struct candidates *out, enum edit kind, const struct pa_edit *edit)
{
	if (out->count == CANDIDATES_MAX) {
		out->untried++;
		return;
	}
	out->kinds[out->count] = kind;
	out->items[out->count++] = pa_arena_dup(r->scratch, edit, 1, sizeof(*edit));
}

const struct pa_rule *repair_whole_rule(const struct pa_rule *rule)
{
	unsigned index = rule->index;

	while (index > 0 && rule->chain->rules[index]->continues)
		index--;
	return rule->chain->rules[index];
}

/* --- the rules of a finding ----------------------------------------------------------------------------------------------- */

/* Anonymous chains are part of the rule that jumps there: nothing can be said of their rules alone. */
static bool can_be_edited(const struct pa_rule *rule)
{
	enum pa_family family = rule->chain->table->family;

	return !rule->chain->is_anonymous && (family == PA_FAMILY_IP || family == PA_FAMILY_IP6 || family == PA_FAMILY_INET) &&
	       rule->chain->name;
}

/* Of findings about a rule that never takes effect, the first rule is that one. */
static size_t own_rules(const struct pa_finding *finding)
{
	return finding->check == PA_CHECK_HYG_001 || finding->check == PA_CHECK_HYG_003 ? finding->rule_count > 0
											: finding->rule_count;
}

static void find_deletions(struct repairing *r, const struct pa_finding *finding, struct candidates *out)
{
	for (size_t i = 0; i < own_rules(finding) && i < RULES_MAX; i++) {
		const struct pa_rule *rule = repair_whole_rule(finding->rules[i]);
		struct pa_edit edit = { .kind = PA_EDIT_DELETE, .chain = rule->chain, .rule = rule };

		if (can_be_edited(rule))
			candidates_add(r, out, DELETE, &edit);
	}
}

/* `ct state != invalid accept` was meant for packets of connections that exist. */
static void find_states(struct repairing *r, const struct pa_finding *finding, struct candidates *out)
{
	static const struct pa_interval states[] = { { PA_CT_ESTABLISHED, PA_CT_ESTABLISHED },
						     { PA_CT_RELATED, PA_CT_RELATED } };
	const struct pa_rule *rule = finding->rule_count > 0 ? repair_whole_rule(finding->rules[0]) : NULL;

	for (size_t i = 0; rule && can_be_edited(rule) && i < rule->step_count; i++) {
		const struct pa_step *step = &rule->steps[i];
		struct pa_edit edit = { .kind = PA_EDIT_NARROW, .chain = rule->chain, .rule = rule, .rule_count = 1 };

		if (step->kind != PA_STEP_MATCH || !step->negated || step->implied || !step->text || step->key.count != 1 ||
		    step->key.parts[0].opaque || step->key.parts[0].field != PA_FIELD_CT_STATE)
			continue;
		edit.rules[0].test_count = 1;
		edit.rules[0].tests[0] = (struct pa_edit_test){ PA_FIELD_CT_STATE, false, { states, 2 }, step };
		candidates_add(r, out, STATES, &edit);
	}
}

static void find_narrower(struct repairing *r, const struct pa_finding *finding, struct candidates *out)
{
	for (size_t i = 0; i < finding->rule_count && i < RULES_MAX && finding->has_region; i++)
		if (can_be_edited(finding->rules[i]))
			narrow_find(r, finding, repair_whole_rule(finding->rules[i]), out);
}

/* Before one of the rules that decide its packets now: the nearest first. */
static void find_moves(struct repairing *r, const struct pa_finding *finding, struct candidates *out)
{
	const struct pa_rule *rule = finding->rule_count > 1 ? repair_whole_rule(finding->rules[0]) : NULL;

	for (size_t i = finding->rule_count; rule && i-- > 1 && finding->rule_count - i <= RULES_MAX;) {
		struct pa_edit edit = { .kind = PA_EDIT_MOVE, .chain = rule->chain, .rule = rule };

		edit.before = repair_whole_rule(finding->rules[i]);
		if (can_be_edited(rule) && edit.before->chain == rule->chain && edit.before->index < rule->index)
			candidates_add(r, out, MOVE, &edit);
	}
}

/* --- policies of base chains ------------------------------------------------------------------------------------------------ */

static bool sees(const struct pa_chain *chain, int family)
{
	enum pa_family table = chain->table->family;

	return table == PA_FAMILY_INET || table == (family == 6 ? PA_FAMILY_IP6 : PA_FAMILY_IP);
}

static void find_policies(struct repairing *r, const struct pa_finding *finding, struct candidates *out)
{
	static const enum pa_hook hooks[] = {
		[PA_PATH_IN] = PA_HOOK_INPUT, [PA_PATH_FORWARD] = PA_HOOK_FORWARD, [PA_PATH_OUT] = PA_HOOK_OUTPUT
	};
	enum pa_path path = finding->has_region ? finding->region_path : finding->packet.path;

	if (!finding->has_packet || finding->rule_count > 0)
		return;
	for (size_t i = 0; i < r->ruleset->chain_count; i++) {
		const struct pa_chain *chain = r->ruleset->chains[i];
		struct pa_edit edit = { .kind = PA_EDIT_POLICY, .chain = chain };

		if (chain->is_base && chain->type == PA_CHAIN_FILTER && chain->hook == hooks[path] && !chain->table->dormant &&
		    chain->policy == PA_VERDICT_ACCEPT && sees(chain, finding->packet.family))
			candidates_add(r, out, CLOSE_POLICY, &edit);
	}
}

void candidates_find(struct repairing *r, const struct pa_finding *finding, const struct aim *aim, struct candidates *out)
{
	*out = (struct candidates){ .count = 0 };
	if (aim->scope == SCOPE_STATEMENT && !finding->statement)
		return;
	if (aim->edits & MOVE)
		find_moves(r, finding, out);
	if (aim->edits & STATES)
		find_states(r, finding, out);
	insert_find(r, finding, aim, out);
	if (aim->edits & DELETE)
		find_deletions(r, finding, out);
	if (aim->edits & NARROW)
		find_narrower(r, finding, out);
	if (aim->edits & CLOSE_POLICY)
		find_policies(r, finding, out);
	if (aim->edits & EXCEPT)
		except_find(r, finding, out);
}
