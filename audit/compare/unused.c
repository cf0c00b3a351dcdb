/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HYG-002 and HYG-004: what a ruleset has and does not need.
 *
 * HYG-002  at the end of a base chain, rules that decide as its policy does: without them the policy gives the same verdict. Only rules
 *          of tests and a verdict: one that counts or logs does that, too. Others that could go are not looked for, since each would
 *          need an evaluation of its own.
 * HYG-004  a chain that nothing jumps to, a named set or map that no rule names. Programs write chains for later (ufw, Docker); theirs are
 *          left out, as are the chains of iptables, which people fill and link at run time.
 */
#include <string.h>

#include "compare.h"

/* --- HYG-002 --------------------------------------------------------------------------------------------------------------- */

/* The verdict of a rule of tests and a verdict; CONTINUE: it is another. */
static enum pa_verdict_kind plain_verdict(const struct pa_rule *rule)
{
	for (size_t i = 0; i < rule->step_count; i++) {
		const struct pa_step *step = &rule->steps[i];

		if (step->kind == PA_STEP_VERDICT && i + 1 == rule->step_count)
			return step->verdict.kind;
		if (step->kind != PA_STEP_MATCH)
			break;
	}
	return PA_VERDICT_CONTINUE;
}

static bool asks_dynamic_set(const struct pa_rule *rule)
{
	for (size_t i = 0; i < rule->step_count; i++)
		if (rule->steps[i].kind == PA_STEP_MATCH && rule->steps[i].elements && rule->steps[i].elements->may_grow)
			return true;
	return false;
}

static void check_chain_end(struct comparison *c, const struct pa_chain *chain)
{
	for (size_t i = chain->rule_count; i > 0; i--) {
		const struct pa_rule *rule = chain->rules[i - 1];
		struct pa_buffer text = { 0 };
		const char *identity;

		if (plain_verdict(rule) != chain->policy || asks_dynamic_set(rule))
			return;
		if (rule->continues || compare_is_dead(c, rule))
			continue; /* told with the rule that it belongs to, or by HYG-001 and HYG-003 */
		describe_chain(chain, &text);
		pa_buffer_printf(&text, " end %s", rule->text ? rule->text : "");
		identity = compare_text(c, &text);
		describe_rule(rule, &text);
		pa_buffer_printf(&text, " is not needed: the policy of the chain is %s, too", pa_verdict_name(chain->policy));
		compare_report_rule(c, PA_CHECK_HYG_002, rule, identity, &text, "remove the rule, or let it count or log");
		pa_buffer_done(&text);
	}
}

void check_redundant(struct comparison *c)
{
	for (size_t i = 0; i < c->ruleset->chain_count; i++) {
		const struct pa_chain *chain = c->ruleset->chains[i];

		if (chain->is_base && chain->type == PA_CHAIN_FILTER && !chain->table->dormant && !pa_chain_manager(chain))
			check_chain_end(c, chain);
	}
}

/* --- HYG-004 --------------------------------------------------------------------------------------------------------------- */

static void use_elements(bool *used, const struct pa_elements *elements)
{
	for (size_t i = 0; elements && elements->data && i < elements->count; i++)
		if (elements->data[i].kind == PA_DATUM_VERDICT && elements->data[i].verdict.target)
			used[elements->data[i].verdict.target->id] = true;
	if (elements && elements->catch_all && elements->catch_all->kind == PA_DATUM_VERDICT &&
	    elements->catch_all->verdict.target)
		used[elements->catch_all->verdict.target->id] = true;
}

static bool *used_chains(struct comparison *c)
{
	const struct pa_ruleset *ruleset = c->ruleset;
	bool *used = pa_arena_alloc(c->scratch, ruleset->chain_count + 1, sizeof(*used));

	for (size_t i = 0; i < ruleset->rule_count; i++) {
		for (size_t j = 0; j < ruleset->rules[i]->step_count; j++) {
			const struct pa_step *step = &ruleset->rules[i]->steps[j];

			if (step->kind == PA_STEP_VERDICT && step->verdict.target)
				used[step->verdict.target->id] = true;
			if (step->kind == PA_STEP_VMAP)
				use_elements(used, step->elements);
		}
	}
	for (size_t i = 0; i < ruleset->table_count; i++)
		for (size_t j = 0; j < ruleset->tables[i]->set_count; j++)
			use_elements(used, &ruleset->tables[i]->sets[j]->elements);
	return used;
}

/* Does a text name "@NAME", and not a longer name? */
static bool names_set(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = text; at && (at = strchr(at, '@')); at++)
		if (strncmp(at + 1, name, length) == 0 &&
		    !strchr("-_.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
			    at[1 + length] ? at[1 + length] : ' '))
			return true;
	return false;
}

static bool rule_uses_set(const struct pa_rule *rule, const struct pa_set_decl *set)
{
	for (size_t i = 0; i < rule->step_count; i++) {
		const struct pa_step *step = &rule->steps[i];

		if ((step->kind == PA_STEP_MATCH || step->kind == PA_STEP_VMAP) && step->elements &&
		    step->elements->decl == set)
			return true;
		if (step->text && names_set(step->text, set->name))
			return true;
	}
	return rule->text && names_set(rule->text, set->name);
}

static bool is_used_set(const struct pa_table *table, const struct pa_set_decl *set)
{
	for (size_t i = 0; i < table->chain_count; i++)
		for (size_t j = 0; j < table->chains[i]->rule_count; j++)
			if (rule_uses_set(table->chains[i]->rules[j], set))
				return true;
	return false;
}

static void report_chain(struct comparison *c, const struct pa_chain *chain)
{
	struct pa_buffer text = { 0 };
	const char *identity;

	pa_buffer_puts(&text, "chain ");
	describe_chain(chain, &text);
	identity = compare_text(c, &text);
	pa_buffer_printf(&text, "%s is never used: no rule jumps to it", identity);
	compare_report_rule(c, PA_CHECK_HYG_004, chain->rule_count > 0 ? chain->rules[0] : NULL, identity, &text,
			    "remove the chain, or jump to it");
	pa_buffer_done(&text);
}

static void report_set(struct comparison *c, const struct pa_table *table, const struct pa_set_decl *set)
{
	struct pa_buffer text = { 0 };
	const char *identity;

	pa_buffer_printf(&text, "%s %s %s %s", set->is_map ? "map" : "set", pa_family_name(table->family), table->name,
			 set->name);
	identity = compare_text(c, &text);
	pa_buffer_printf(&text, "%s is never used: no rule names it", identity);
	compare_report_rule(c, PA_CHECK_HYG_004, NULL, identity, &text, "remove it, or use it in a rule");
	pa_buffer_done(&text);
}

/* A table that a program writes has chains and sets for what may come. */
static bool belongs_to_program(const struct pa_table *table)
{
	for (size_t i = 0; i < table->chain_count; i++)
		if (pa_chain_manager(table->chains[i]))
			return true;
	return table->source != PA_SOURCE_NFT || table->has_xt;
}

void check_unused(struct comparison *c)
{
	const bool *used = used_chains(c);

	for (size_t i = 0; i < c->ruleset->table_count; i++) {
		const struct pa_table *table = c->ruleset->tables[i];

		if (belongs_to_program(table))
			continue;
		for (size_t j = 0; j < table->chain_count; j++) {
			const struct pa_chain *chain = table->chains[j];

			if (!chain->is_base && !chain->is_anonymous && !used[chain->id])
				report_chain(c, chain);
		}
		for (size_t j = 0; j < table->set_count; j++)
			if (!is_used_set(table, table->sets[j]))
				report_set(c, table, table->sets[j]);
	}
}
