/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connection states: STA-002, STA-005.
 *
 * STA-002  packets of state invalid get in where new connections do not: on ports that no rule names. (An open port that
 *          takes packets of any state is an ordinary ruleset. `ct state != invalid accept` is found by deny.c.)
 * STA-005  a notrack rule makes packets untracked, these get in, and untracked packets get in on ports that no rule names,
 *          where new connections do not. (Stateless rules for one service are an ordinary ruleset.)
 */
#include "compare.h"

/* --- STA-002 and STA-005 ----------------------------------------------------------------------------------------------------- */

/* Contexts in which packets of the scenario reach ports that no rule names, and new connections do not. */
static pa_set stray_contexts(struct comparison *c, enum pa_path path, unsigned protocol, enum pa_scenario scenario,
			     enum pa_certainty certainty)
{
	pa_set accepted = pa_evaluation_scenario(c->evaluation, path, scenario, certainty);
	pa_set new = compare_new_packets(c, path, PA_POSSIBLE), all = pa_set_empty(c->space);
	pa_set here = compare_new_packets(c, PA_PATH_IN, PA_POSSIBLE);

	/* A redirect takes new connections in that would be forwarded. */
	if (path == PA_PATH_FORWARD)
		new = pa_set_union(c->space, new, pa_set_project(c->space, here, PA_FIELD_OIFNAME));

	for (int family = 4; family <= 6; family += 2) {
		pa_set stray = compare_open_contexts(c, path, family, protocol, accepted);

		stray = pa_set_minus(c->space, stray, compare_open_contexts(c, path, family, protocol, new));
		all = pa_set_union(c->space, all, stray);
	}
	return all;
}

static pa_set arbitrary_of_both(struct comparison *c, enum pa_path path, unsigned protocol)
{
	return pa_set_union(c->space, compare_arbitrary_packets(c, path, 4, protocol, 0, 0),
			    compare_arbitrary_packets(c, path, 6, protocol, 0, 0));
}

static bool report_invalid(struct comparison *c, enum pa_path path, unsigned protocol, enum pa_certainty certainty)
{
	pa_set contexts = stray_contexts(c, path, protocol, PA_SCENARIO_INVALID, certainty);
	pa_set packets = pa_set_intersect(c->space, arbitrary_of_both(c, path, protocol), contexts);
	struct pa_buffer text = { 0 };
	struct pa_finding *finding;

	packets = pa_set_intersect(c->space, packets,
				   pa_evaluation_scenario(c->evaluation, path, PA_SCENARIO_INVALID, certainty));
	if (pa_set_is_empty(c->space, packets))
		return false;
	pa_buffer_printf(&text, "invalid %s", pa_path_name(path));
	finding = compare_add(c, PA_CHECK_STA_002, text.data);
	pa_buffer_clear(&text);
	finding->certainty = certainty;
	compare_add_example(c, finding, path, packets, PA_SCENARIO_INVALID);
	pa_buffer_printf(&text, "packets of state invalid %s where new connections do not%s",
			 path == PA_PATH_IN ? "get in" : "are forwarded", finding->rule_count ? ": " : "");
	describe_rules(finding->rules, finding->rule_count, &text);
	finding->message = compare_text(c, &text);
	pa_buffer_puts(&text, "put `ct state invalid drop` before the rules that accept, and leave `invalid` out of them");
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
	return true;
}

void check_invalid(struct comparison *c)
{
	for (int path = PA_PATH_IN; path <= PA_PATH_FORWARD; path++) {
		bool done = report_invalid(c, (enum pa_path)path, PROTOCOL_TCP, PA_CERTAIN) ||
			    report_invalid(c, (enum pa_path)path, PROTOCOL_UDP, PA_CERTAIN) ||
			    report_invalid(c, (enum pa_path)path, PROTOCOL_TCP, PA_POSSIBLE);

		(void)done;
	}
}

static void report_untracked(struct comparison *c, const struct group *group)
{
	struct pa_finding *finding = compare_add_group(c, PA_CHECK_STA_005, group, NULL);
	struct pa_buffer text = { 0 };

	describe_group(group, &text);
	pa_buffer_puts(&text, " is made untracked by a notrack rule, and gets past the state rules");
	finding->message = compare_text(c, &text);
	pa_buffer_puts(&text,
		       "name the ports of the untracked service in the accepting rule, and drop other untracked packets: "
		       "`ct state untracked drop`");
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
}

void check_untracked(struct comparison *c)
{
	for (int path = PA_PATH_IN; path <= PA_PATH_FORWARD; path++) {
		pa_set untracked = pa_evaluation_untracked(c->evaluation, (enum pa_path)path, PA_POSSIBLE);
		pa_set contexts =
			pa_set_union(c->space,
				     stray_contexts(c, (enum pa_path)path, PROTOCOL_TCP, PA_SCENARIO_UNTRACKED, PA_POSSIBLE),
				     stray_contexts(c, (enum pa_path)path, PROTOCOL_UDP, PA_SCENARIO_UNTRACKED, PA_POSSIBLE));
		struct groups groups = { 0 };

		untracked = pa_set_intersect(c->space, pa_set_intersect(c->space, untracked, contexts), c->scope[path]);
		for (size_t i = 0; i < c->part_count[path]; i++) {
			const struct pa_exposure *exposure = c->parts[path][i].exposure;

			groups_add(c, &groups, exposure, pa_set_intersect(c->space, exposure->set, untracked));
		}
		groups_merge(c, &groups);
		for (size_t i = 0; i < groups.count; i++)
			report_untracked(c, &groups.items[i]);
		groups_done(&groups);
	}
}
