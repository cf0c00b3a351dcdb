/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FWD-003: a rule of dnat whose packets never get through. Asked of every rule that prerouting reaches and that can match (else it is
 * HYG-001): does it take part in anything that gets in or is forwarded, for some outcome of what cannot be decided?
 */
#include "compare.h"

#define ROWS_MAX 4000

struct nat_search {
	bool *reached; /* by chain id: packets of prerouting come here */
	bool *seen;    /* by rule id: takes part in what gets through */
	size_t rows;
};

static bool has_destination_nat(const struct pa_rule *rule)
{
	for (size_t i = 0; i < rule->step_count; i++)
		if (rule->steps[i].kind == PA_STEP_NAT &&
		    (rule->steps[i].nat == PA_NAT_DNAT || rule->steps[i].nat == PA_NAT_REDIRECT))
			return true;
	return false;
}

static void reach(struct nat_search *search, const struct pa_chain *chain);

static void reach_verdict(struct nat_search *search, const struct pa_verdict *verdict)
{
	if (verdict->target)
		reach(search, verdict->target);
}

static void reach_elements(struct nat_search *search, const struct pa_elements *elements)
{
	for (size_t i = 0; elements && elements->data && i < elements->count; i++)
		if (elements->data[i].kind == PA_DATUM_VERDICT)
			reach_verdict(search, &elements->data[i].verdict);
	if (elements && elements->catch_all && elements->catch_all->kind == PA_DATUM_VERDICT)
		reach_verdict(search, &elements->catch_all->verdict);
}

/* At most sixteen deep: deeper jumps are refused when a ruleset is read. */
static void reach(struct nat_search *search, const struct pa_chain *chain)
{
	if (search->reached[chain->id])
		return;
	search->reached[chain->id] = true;
	for (size_t i = 0; i < chain->rule_count; i++) {
		const struct pa_rule *rule = chain->rules[i];

		for (size_t j = 0; j < rule->step_count; j++) {
			if (rule->steps[j].kind == PA_STEP_VERDICT)
				reach_verdict(search, &rule->steps[j].verdict);
			else if (rule->steps[j].kind == PA_STEP_VMAP)
				reach_elements(search, rule->steps[j].elements);
		}
	}
}

static void see_rows(struct comparison *c, struct nat_search *search, const struct pa_exposure *exposure)
{
	const struct pa_row *rows;
	size_t count = pa_evaluation_rows(c->evaluation, exposure, exposure->set, true, ROWS_MAX, &rows);

	search->rows += count;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < rows[i].rule_count; j++)
			search->seen[rows[i].rules[j]->id] = true;
}

static void report(struct comparison *c, const struct pa_rule *rule)
{
	struct pa_buffer text = { 0 };
	struct pa_finding *finding;

	describe_chain(rule->chain, &text);
	pa_buffer_printf(&text, " %s", rule->text ? rule->text : "");
	finding = compare_add(c, PA_CHECK_FWD_003, text.data);
	pa_buffer_clear(&text);
	describe_rule(rule, &text);
	pa_buffer_puts(&text, " has no effect: the filter refuses everything that it translates");
	finding->message = compare_text(c, &text);
	finding->fix =
		"accept the translated packets (`ct status dnat accept` at hook forward, or their new address and port), or remove "
		"the rule";
	finding->rules = pa_arena_dup(c->result->arena, &rule, 1, sizeof(rule));
	finding->rule_count = 1;
	pa_buffer_done(&text);
}

/* Rules of prerouting; nothing is forwarded by a host that does not forward, so a dnat to elsewhere is idle there, not refused. */
static void find_chains(struct comparison *c, struct nat_search *search)
{
	for (size_t i = 0; i < c->ruleset->chain_count; i++) {
		const struct pa_chain *chain = c->ruleset->chains[i];

		if (chain->is_base && chain->hook == PA_HOOK_PREROUTING && chain->type == PA_CHAIN_NAT &&
		    !chain->table->dormant)
			reach(search, chain);
	}
}

void check_dead_nat(struct comparison *c)
{
	struct nat_search search = { pa_arena_alloc(c->scratch, c->ruleset->chain_count + 1, sizeof(bool)),
				     pa_arena_alloc(c->scratch, c->ruleset->rule_count + 1, sizeof(bool)), 0 };

	find_chains(c, &search);
	for (int path = PA_PATH_IN; path <= PA_PATH_FORWARD; path++) {
		for (size_t i = 0; i < c->part_count[path] && search.rows < ROWS_MAX; i++)
			if (c->parts[path][i].exposure->has_target)
				see_rows(c, &search, c->parts[path][i].exposure);
	}
	if (search.rows >= ROWS_MAX) {
		compare_not_assessed(c, PA_CHECK_FWD_003, "there are too many translations to look at each");
		return;
	}
	for (size_t i = 0; i < c->ruleset->rule_count; i++) {
		const struct pa_rule *rule = c->ruleset->rules[i];

		if (has_destination_nat(rule) && search.reached[rule->chain->id] && !search.seen[rule->id] &&
		    !compare_is_dead(c, rule))
			report(c, rule);
	}
}
