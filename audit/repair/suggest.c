/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the edits that may close a finding is suggested: the first one, in the order of enum edit, whose proof is exact. */
#include "trial.h"

/*
 * What a run may spend: a trial evaluates and compares two rulesets, which takes about as long as they have rules. It is not a matter
 * of the clock: the same input gives the same suggestions.
 */
#define WORK_MAX 16000
#define WORK_OF_A_TRIAL 80
#define RULES_COUNTED_MAX 3000 /* some edits are tried even of the largest rulesets */

struct choosing {
	struct repairing *r;
	const struct pa_finding *finding;
	const struct aim *aim;
	struct pa_suggestion *suggestion;
	bool has_wider;
	struct pa_repair wider; /* closes more than the finding, which is told */
	const struct pa_edit *failed_edit;
	struct proof failed; /* of the first edit that did not do */
};

/* --- one trial --------------------------------------------------------------------------------------------------------------- */

static void keep_values(struct pa_arena *arena, struct pa_edit *edit)
{
	for (size_t i = 0; i < edit->rule_count; i++)
		for (size_t k = 0; k < edit->rules[i].test_count; k++) {
			struct pa_ranges *values = &edit->rules[i].tests[k].values;

			values->items = pa_arena_dup(arena, values->items, values->count, sizeof(*values->items));
		}
}

static struct pa_repair make_repair(struct choosing *choosing, const struct pa_edit *edit, const struct proof *proof)
{
	struct pa_repair repair = { .edit = *edit,
				    .closes = proof->closes,
				    .opens = proof->opens,
				    .exact = proof->exact,
				    .others = proof->others,
				    .then = proof->then,
				    .untranslated = proof->untranslated };
	const struct pa_rule *rule = edit->rule ? edit->rule : edit->before;

	repair.manager = rule ? pa_rule_manager(rule) : NULL;
	if (!repair.manager)
		repair.manager = pa_chain_manager(edit->chain);
	keep_values(choosing->r->arena, &repair.edit);
	return repair;
}

/* Why the first one did not do is what is told; that another rule lets it in as well tells more than the rest. */
static void note_failure(struct choosing *choosing, const struct pa_edit *edit, const struct proof *proof)
{
	bool better = edit->kind == PA_EDIT_DELETE && proof->verdict == STILL_THERE && proof->still &&
		      choosing->failed.verdict != STILL_THERE;

	if (choosing->failed_edit && !better)
		return;
	choosing->failed_edit = pa_arena_dup(choosing->r->arena, edit, 1, sizeof(*edit));
	choosing->failed = *proof;
}

/* true: proved, and nothing more than the finding changes. */
static bool try(struct choosing *choosing, const struct pa_edit *edit)
{
	struct repairing *r = choosing->r;
	struct pa_suggestion *suggestion = choosing->suggestion;
	size_t rules = r->ruleset->rule_count;
	uint64_t work = (rules < RULES_COUNTED_MAX ? rules : RULES_COUNTED_MAX) + WORK_OF_A_TRIAL;
	struct proof proof;

	if (work > r->work_left) {
		suggestion->untried++;
		return false;
	}
	r->work_left -= work;
	suggestion->tried++;
	proof_make(r, choosing->finding, choosing->aim, edit, &proof);
	if (proof.verdict != PROVED) {
		note_failure(choosing, edit, &proof);
		return false;
	}
	if (proof.exact && suggestion->count < PA_REPAIRS_MAX) {
		suggestion->repairs[suggestion->count++] = make_repair(choosing, edit, &proof);
		return true;
	}
	if (!proof.exact && !choosing->has_wider) {
		choosing->wider = make_repair(choosing, edit, &proof);
		choosing->has_wider = true;
	}
	return false;
}

/* --- why not ------------------------------------------------------------------------------------------------------------------- */

static void put_edit(const struct pa_edit *edit, struct pa_buffer *out)
{
	switch (edit->kind) {
	case PA_EDIT_DELETE:
		pa_buffer_puts(out, "without ");
		describe_rule(edit->rule, out);
		break;
	case PA_EDIT_NARROW:
		pa_buffer_puts(out, "with more tests in ");
		describe_rule(edit->rule, out);
		break;
	case PA_EDIT_MOVE:
		pa_buffer_puts(out, "moved before ");
		describe_rule(edit->before, out);
		break;
	case PA_EDIT_INSERT:
		pa_buffer_puts(out, "with a rule more in chain ");
		describe_chain(edit->chain, out);
		break;
	case PA_EDIT_POLICY:
		pa_buffer_puts(out, "with policy drop in chain ");
		describe_chain(edit->chain, out);
		break;
	}
}

static const char *failure_text(struct choosing *choosing)
{
	const struct proof *proof = &choosing->failed;
	struct pa_buffer text = { 0 };
	const char *kept;

	put_edit(choosing->failed_edit, &text);
	switch (proof->verdict) {
	case STILL_THERE:
		if (proof->still && repair_whole_rule(proof->still) != choosing->failed_edit->rule) {
			pa_buffer_puts(&text, ", ");
			describe_rule(proof->still, &text);
			pa_buffer_puts(&text, " still decides so");
		} else {
			pa_buffer_puts(&text, " it is still there");
		}
		break;
	case ANOTHER_FINDING:
		pa_buffer_printf(&text, " there is another finding, %s", pa_check_info(proof->other)->code);
		break;
	case CHANGES_MORE:
		pa_buffer_printf(&text, " more changes%s%s", proof->what ? ": it " : "", proof->what ? proof->what : "");
		break;
	case NOT_EVALUATED:
	case PROVED:
		pa_buffer_puts(&text, " the ruleset could not be evaluated");
		break;
	}
	kept = pa_arena_strdup(choosing->r->arena, text.data);
	pa_buffer_done(&text);
	return kept;
}

static const char *no_aim_text(enum pa_check_id check)
{
	unsigned needs = pa_check_info(check)->needs;

	return needs & PA_NEEDS_RULESET ? "no edit of one rule is known for this check"
					: "it is not about the rules of the firewall";
}

static const char *none_text(struct choosing *choosing)
{
	if (!choosing->aim)
		return no_aim_text(choosing->finding->check);
	if (choosing->failed_edit)
		return failure_text(choosing);
	if (choosing->suggestion->untried > 0)
		return "none was tried";
	return "no edit of one rule speaks of exactly these packets";
}

/* --- one finding ---------------------------------------------------------------------------------------------------------------- */

/* Edits that open or move and edits that close are different decisions: one of each may be suggested. */
static bool is_decision(unsigned kind)
{
	return (kind & (MOVE | TWIN)) != 0;
}

static void try_all(struct choosing *choosing, const struct candidates *candidates)
{
	bool done[2] = { false, false };

	for (size_t i = 0; i < candidates->count; i++) {
		bool *mine = &done[is_decision(candidates->kinds[i])];

		if (!*mine)
			*mine = try(choosing, candidates->items[i]);
	}
	choosing->suggestion->untried += candidates->untried;
}

static void suggest(struct repairing *r, struct pa_finding *finding)
{
	struct pa_suggestion *suggestion = pa_arena_alloc(r->arena, 1, sizeof(*suggestion));
	struct choosing choosing = { .r = r, .finding = finding, .aim = repair_aim(finding->check), .suggestion = suggestion };
	struct candidates candidates;

	finding->suggestion = suggestion;
	if (choosing.aim) {
		candidates_find(r, finding, choosing.aim, &candidates);
		try_all(&choosing, &candidates);
	}
	if (suggestion->count == 0 && choosing.has_wider)
		suggestion->repairs[suggestion->count++] = choosing.wider;
	if (suggestion->count == 0)
		suggestion->none = none_text(&choosing);
	pa_arena_clear(r->scratch);
}

void pa_suggest(struct pa_result *result, const struct pa_ruleset *ruleset, const struct pa_host *host,
		const struct pa_repair_options *options)
{
	struct repairing r = { .result = result,
			       .ruleset = ruleset,
			       .host = host,
			       .options = options,
			       .arena = result->arena,
			       .scratch = pa_arena_new(),
			       .work_left = WORK_MAX };

	for (size_t i = 0; i < result->finding_count; i++)
		suggest(&r, &result->findings[i]);
	pa_arena_free(r.scratch);
}
