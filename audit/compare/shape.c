/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks on how a ruleset is built: DEN-007, FRG-001, FWD-005, STA-004.
 *
 * DEN-007  a path denies by default (no finding of DEN-001, 002, 003, 005 or 006 speaks of it), but no base chain of its hook has `policy
 *          drop`: benchmarks that look for these words fail the host.
 * FRG-001  where nothing turns conntrack on, later fragments are seen by the rules, and have no ports: a rule that refuses a port lets
 *          them pass to what follows, and that accepts.
 * FWD-005  flows are put into a flowtable: from then on no rule of the hook forward sees them.
 * STA-004  a connection helper is assigned, and packets of state related reach ports that no rule names: who speaks the
 *          helper's protocol chooses which port is opened.
 */
#include <string.h>

#include "compare.h"

/* --- DEN-007 --------------------------------------------------------------------------------------------------------------- */

static bool default_is_open(const struct comparison *c, enum pa_path path)
{
	static const enum pa_check_id checks[] = { PA_CHECK_DEN_001, PA_CHECK_DEN_002, PA_CHECK_DEN_003,
						   PA_CHECK_DEN_005, PA_CHECK_DEN_006, PA_CHECK_STA_002 };

	for (size_t i = 0; i < c->result->finding_count; i++) {
		const struct pa_finding *finding = &c->result->findings[i];

		for (size_t j = 0; j < sizeof(checks) / sizeof(*checks); j++)
			if (finding->check == checks[j] && (!finding->has_packet || finding->packet.path == path))
				return true;
	}
	return false;
}

static const struct pa_chain *base_of(const struct comparison *c, enum pa_hook hook, bool drop)
{
	for (size_t i = 0; i < c->ruleset->chain_count; i++) {
		const struct pa_chain *chain = c->ruleset->chains[i];
		enum pa_family family = chain->table->family;

		if (chain->is_base && chain->hook == hook && chain->type == PA_CHAIN_FILTER && !chain->table->dormant &&
		    (family == PA_FAMILY_INET || family == PA_FAMILY_IP || family == PA_FAMILY_IP6) &&
		    (!drop || chain->policy == PA_VERDICT_DROP))
			return chain;
	}
	return NULL;
}

void check_literal_deny(struct comparison *c)
{
	static const struct {
		enum pa_path path;
		enum pa_hook hook;
	} hooks[] = { { PA_PATH_IN, PA_HOOK_INPUT }, { PA_PATH_FORWARD, PA_HOOK_FORWARD } };

	for (size_t i = 0; i < 2; i++) {
		const struct pa_chain *chain = base_of(c, hooks[i].hook, false);
		struct pa_buffer text = { 0 };

		if (!chain || base_of(c, hooks[i].hook, true) || default_is_open(c, hooks[i].path))
			continue;
		pa_buffer_printf(&text, "hook %s denies by default, but no base chain there says `policy drop`: chain ",
				 pa_hook_name(hooks[i].hook));
		describe_chain(chain, &text);
		pa_buffer_puts(&text, " ends in rules that do");
		compare_report_rule(c, PA_CHECK_DEN_007, NULL, pa_hook_name(hooks[i].hook), &text,
				    "for benchmarks that look for these words: give the chain `policy drop` as well");
		pa_buffer_done(&text);
	}
}

/* --- FRG-001 ------------------------------------------------------------------------------------------------------------------ */

static bool is_of_conntrack(enum pa_field field)
{
	return field == PA_FIELD_CT_STATE || pa_field_is_of_flow(field);
}

/* Anything that speaks of flows turns conntrack on, which puts fragments together before rules see them. A text of the kind counts too. */
static bool speaks_of_flows(const struct pa_rule *rule)
{
	for (size_t i = 0; i < rule->step_count; i++) {
		const struct pa_step *step = &rule->steps[i];

		if (step->kind == PA_STEP_NAT || step->kind == PA_STEP_NOTRACK || step->kind == PA_STEP_OPAQUE ||
		    (step->kind == PA_STEP_ASSIGN && is_of_conntrack(step->field)))
			return true;
		if (step->kind != PA_STEP_MATCH && step->kind != PA_STEP_VMAP)
			continue;
		for (unsigned j = 0; j < step->key.count; j++)
			if (step->key.parts[j].opaque || step->key.parts[j].of_flow ||
			    is_of_conntrack(step->key.parts[j].field))
				return true;
	}
	return false;
}

static bool sees(const struct pa_table *table, int family)
{
	return table->family == PA_FAMILY_INET || table->family == (family == 6 ? PA_FAMILY_IP6 : PA_FAMILY_IP);
}

static bool is_tracked(const struct comparison *c, int family)
{
	for (size_t i = 0; i < c->ruleset->rule_count; i++) {
		const struct pa_rule *rule = c->ruleset->rules[i];

		if (sees(rule->chain->table, family) && !rule->chain->table->dormant && speaks_of_flows(rule))
			return true;
	}
	return false;
}

/* A rule of a base chain that refuses packets by their port. */
static bool refuses_port(const struct pa_rule *rule)
{
	bool port = false;

	for (size_t i = 0; i < rule->step_count; i++) {
		const struct pa_step *step = &rule->steps[i];

		if (step->kind == PA_STEP_MATCH && step->key.count == 1 && !step->key.parts[0].opaque &&
		    (step->key.parts[0].field == PA_FIELD_DPORT || step->key.parts[0].field == PA_FIELD_SPORT))
			port = true;
		if (step->kind == PA_STEP_VERDICT)
			return port && (step->verdict.kind == PA_VERDICT_DROP || step->verdict.kind == PA_VERDICT_REJECT);
	}
	return false;
}

/* Fragments that this rule lets pass meet the policy, unless a rule without ports behind it refuses them. */
static bool end_accepts(const struct pa_rule *rule)
{
	const struct pa_chain *chain = rule->chain;

	if (chain->policy != PA_VERDICT_ACCEPT)
		return false;
	for (size_t i = rule->index + 1; i < chain->rule_count; i++) {
		const struct pa_rule *next = chain->rules[i];

		if (next->step_count > 0 && next->steps[next->step_count - 1].kind == PA_STEP_VERDICT &&
		    next->steps[next->step_count - 1].verdict.kind != PA_VERDICT_ACCEPT && !refuses_port(next))
			return false;
	}
	return true;
}

void check_fragments(struct comparison *c)
{
	bool tracked[2] = { is_tracked(c, 4), is_tracked(c, 6) };

	for (size_t i = 0; i < c->ruleset->rule_count; i++) {
		const struct pa_rule *rule = c->ruleset->rules[i];
		const struct pa_chain *chain = rule->chain;
		bool open = (sees(chain->table, 4) && !tracked[0]) || (sees(chain->table, 6) && !tracked[1]);
		struct pa_buffer text = { 0 };
		const char *identity;

		if (!open || !chain->is_base || chain->type != PA_CHAIN_FILTER || chain->table->dormant ||
		    chain->hook == PA_HOOK_OUTPUT || !refuses_port(rule) || !end_accepts(rule))
			continue;
		describe_chain(chain, &text);
		pa_buffer_printf(&text, " %s", rule->text ? rule->text : "");
		identity = compare_text(c, &text);
		describe_rule(rule, &text);
		pa_buffer_puts(&text, " does not see later fragments, which have no ports, and what follows accepts them");
		compare_report_rule(
			c, PA_CHECK_FRG_001, rule, identity, &text,
			"let conntrack put fragments together (a rule with `ct state` is enough), or refuse them: `ip frag-off & 0x1fff != 0 "
			"drop`, `exthdr frag exists drop`");
		pa_buffer_done(&text);
	}
}

/* --- FWD-005 ------------------------------------------------------------------------------------------------------------------- */

static bool fills_flowtable(const struct pa_rule *rule)
{
	return rule->text && (strstr(rule->text, "flow add @") || strstr(rule->text, "-j FLOWOFFLOAD"));
}

void check_offload(struct comparison *c)
{
	for (size_t i = 0; i < c->ruleset->rule_count; i++) {
		const struct pa_rule *rule = c->ruleset->rules[i];
		struct pa_buffer text = { 0 };
		const char *identity;

		if (!fills_flowtable(rule) || rule->chain->table->dormant)
			continue;
		describe_chain(rule->chain, &text);
		pa_buffer_printf(&text, " %s", rule->text ? rule->text : "");
		identity = compare_text(c, &text);
		describe_rule(rule, &text);
		pa_buffer_puts(&text,
			       " takes flows past the rules at hook forward: a rule that is changed later does not reach them");
		compare_report_rule(c, PA_CHECK_FWD_005, rule, identity, &text,
				    "after a change of the rules, end the flows that it should reach: `conntrack -D`");
		pa_buffer_done(&text);
	}
}

/* --- STA-004 ------------------------------------------------------------------------------------------------------------------- */

static bool assigns_helper(const struct pa_rule *rule)
{
	return rule->text &&
	       (strstr(rule->text, "ct helper set ") || (strstr(rule->text, "-j CT") && strstr(rule->text, "--helper ")));
}

static void report_related(struct comparison *c, const struct pa_rule *helper, enum pa_path path, pa_set packets)
{
	struct pa_buffer text = { 0 };
	struct pa_finding *finding = compare_add(c, PA_CHECK_STA_004, pa_path_name(path));

	compare_add_example(c, finding, path, packets, PA_SCENARIO_RELATED);
	pa_buffer_printf(&text, "a connection that a helper expects %s to any port%s",
			 path == PA_PATH_IN ? "gets in" : "is forwarded", finding->rule_count > 0 ? ": " : "");
	describe_rules(finding->rules, finding->rule_count, &text);
	pa_buffer_puts(&text, "; the helper is assigned by ");
	describe_rule(helper, &text);
	finding->message = compare_text(c, &text);
	finding->fix =
		"limit what is related to the helper and its ports: `ct state related ct helper \"ftp\" tcp dport 1024-65535 accept`, and "
		"accept related ICMP by itself";
	pa_buffer_done(&text);
}

void check_related(struct comparison *c)
{
	const struct pa_rule *helper = NULL;

	for (size_t i = 0; i < c->ruleset->rule_count && !helper; i++)
		if (assigns_helper(c->ruleset->rules[i]))
			helper = c->ruleset->rules[i];
	for (int path = PA_PATH_IN; helper && path <= PA_PATH_FORWARD; path++) {
		pa_set packets = compare_stray(c, (enum pa_path)path, PROTOCOL_TCP, PA_SCENARIO_RELATED);

		if (!pa_set_is_empty(c->space, packets))
			report_related(c, helper, (enum pa_path)path, packets);
	}
}
