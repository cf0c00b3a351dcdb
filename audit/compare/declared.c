/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What gets in against what the policy says: EXP-001, EXP-002, EXP-003, EXP-004, EXP-008, FWD-001, FWD-002, ICM-001.
 *
 * EXP-003  what a `deny` names and the ruleset lets in (on every path, also out), one finding for each `deny` and rule.
 * EXP-004  undeclared, but an `allow` of the same path and NAT target names the service (protocol and port; `any` names
 *          nothing): the finding says in which respect the ruleset is wider.
 * FWD-002  undeclared, translated by DNAT or redirect.
 * FWD-001  undeclared, forwarded as it is. EXP-001: the same for traffic to this host; of ICMP alone ICM-001, of other protocols
 *          than TCP and UDP alone EXP-008 (as EXP-001 where that check is switched off).
 * EXP-002  EXP-001, where somebody listens on a part of it: one mistake, one finding.
 *
 * What goes out is held against `deny out` and `require out`; OUT-001 is opt-in (strict.c).
 */
#include "listener.h"

/* Move what lies in `region` from the part into the groups. */
static void take(struct comparison *c, struct groups *groups, struct part *part, pa_set region)
{
	pa_set taken = pa_set_intersect(c->space, part->left, region);

	if (pa_set_is_empty(c->space, taken))
		return;
	groups_add(c, groups, part->exposure, taken);
	part->left = pa_set_minus(c->space, part->left, taken);
}

static pa_set statement_region(struct comparison *c, size_t index, const struct pa_exposure *exposure)
{
	pa_set headers = compare_target_set(c, c->policy->statements[index], exposure);

	return pa_set_intersect(c->space, c->regions[index].set, headers);
}

/* "is reachable", "goes out" */
static const char *verb_for(const struct group *group)
{
	static const char *const certain[PATH_COUNT] = { "gets in", "is forwarded", "goes out" };
	static const char *const possible[PATH_COUNT] = { "may get in", "may be forwarded", "may go out" };

	return (group->row.certainty == PA_CERTAIN ? certain : possible)[group->exposure->path];
}

/* "8080/tcp from any on eth0 gets in" and the condition. */
static void put_subject(const struct group *group, struct pa_buffer *out)
{
	describe_group(group, out);
	pa_buffer_printf(out, " %s", verb_for(group));
	if (group->exposure->has_target) {
		pa_buffer_puts(out, " (translated to ");
		describe_target(&group->exposure->target, out);
		pa_buffer_putc(out, ')');
	}
	if (group->row.condition)
		pa_buffer_printf(out, " (%s)", group->row.condition);
}

/* "; nginx (pid 9, user www-data) listens on 80/tcp" */
static void put_takers(struct comparison *c, const struct group *group, enum pa_check_id check, struct pa_buffer *out)
{
	struct pa_buffer takers = { 0 };

	if (describe_takers(c, group, check, &takers))
		pa_buffer_printf(out, "; %s", takers.data);
	pa_buffer_done(&takers);
}

static void put_culprit(const struct group *group, struct pa_buffer *out)
{
	if (group->row.rule_count > 0) {
		pa_buffer_puts(out, "narrow or remove ");
		describe_rules(group->row.rules, group->row.rule_count, out);
	} else {
		pa_buffer_printf(out, "refuse it in a base chain at hook %s: no rule accepts it, and no policy drops it",
				 group->exposure->path == PA_PATH_IN ? "input" : pa_path_name(group->exposure->path));
	}
}

static void put_declarations(const struct group *group, struct pa_buffer *out)
{
	bool exact = true;

	pa_buffer_puts(out, ", or declare it: `");
	for (size_t i = 0; i < group->piece_count && i < 3; i++) {
		pa_buffer_puts(out, i ? "` and `" : "");
		exact = describe_declaration(group, i, "allow", out) && exact;
	}
	pa_buffer_puts(out, exact && group->piece_count <= 3 && !group->cut ? "`" : "` (which is not exactly what is open)");
}

/* --- EXP-003 --------------------------------------------------------------------------------------------------------- */

static void report_denied(struct comparison *c, const struct pa_statement *statement, const struct group *group)
{
	struct pa_finding *finding = compare_add_group(c, PA_CHECK_EXP_003, group, statement);
	struct pa_buffer text = { 0 };

	put_subject(group, &text);
	pa_buffer_puts(&text, ", but ");
	describe_place(&statement->where, &text);
	pa_buffer_printf(&text, " forbids it: `%s`", statement->text);
	put_takers(c, group, PA_CHECK_EXP_003, &text);
	finding->message = compare_text(c, &text);
	put_culprit(group, &text);
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
	if (group->exposure->path == PA_PATH_IN)
		compare_stands_for(c, finding, PA_CHECK_EXP_001);
	compare_note_ports(c, finding, group);
}

void check_denied(struct comparison *c)
{
	for (size_t i = 0; i < c->policy->statement_count; i++) {
		const struct pa_statement *statement = c->policy->statements[i];
		struct groups groups = { .divides = true, .check = PA_CHECK_EXP_003 };

		if (statement->kind != PA_STATEMENT_DENY || !c->regions[i].known)
			continue;
		for (size_t j = 0; j < c->part_count[statement->path]; j++) {
			struct part *part = &c->parts[statement->path][j];

			take(c, &groups, part, statement_region(c, i, part->exposure));
		}
		groups_merge(c, &groups);
		for (size_t j = 0; j < groups.count; j++)
			report_denied(c, statement, &groups.items[j]);
		groups_done(&groups);
	}
}

/* --- EXP-004 --------------------------------------------------------------------------------------------------------- */

/* `any` names no service: everything would be "declared, but wider". */
static bool names_services(const struct pa_statement *statement)
{
	for (size_t i = 0; i < statement->item_count; i++)
		if (statement->items[i].any_protocol || (statement->items[i].any_port && !statement->items[i].icmp))
			return false;
	return statement->item_count > 0;
}

/* In which single respect the group leaves the statement; NULL when it is several. */
static const char *wider_in(struct comparison *c, const struct pa_statement *statement, pa_set set)
{
	static const struct {
		unsigned relax;
		const char *words;
	} respects[] = {
		{ RELAX_SOURCE, "from other sources" },		  { RELAX_INTERFACE, "on other interfaces" },
		{ RELAX_SOURCE_PORT, "from other source ports" }, { RELAX_FAMILY, "over the other address family" },
		{ RELAX_DESTINATION, "to other destinations" },
	};

	for (size_t i = 0; i < sizeof(respects) / sizeof(*respects); i++) {
		pa_set region = compare_region(c, statement, respects[i].relax).set;

		if (pa_set_is_empty(c->space, pa_set_minus(c->space, set, region)))
			return respects[i].words;
	}
	return "wider in several respects";
}

static void report_wider(struct comparison *c, const struct pa_statement *statement, const struct group *group)
{
	struct pa_finding *finding = compare_add_group(c, PA_CHECK_EXP_004, group, statement);
	struct pa_buffer text = { 0 };

	put_subject(group, &text);
	pa_buffer_printf(&text, ", %s than declared in ", wider_in(c, statement, group->set));
	describe_place(&statement->where, &text);
	pa_buffer_printf(&text, ": `%s`", statement->text);
	put_takers(c, group, PA_CHECK_EXP_004, &text);
	finding->message = compare_text(c, &text);
	put_culprit(group, &text);
	put_declarations(group, &text);
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
	compare_stands_for(c, finding, group->exposure->path == PA_PATH_IN ? PA_CHECK_EXP_001 : PA_CHECK_FWD_001);
	compare_note_ports(c, finding, group);
}

/* What remains undeclared although the statement names its service. */
static void report_wider_than(struct comparison *c, const struct pa_statement *statement)
{
	struct region wide = compare_region(c, statement, RELAX_ALL);
	struct groups groups = { .divides = true, .check = PA_CHECK_EXP_004 };

	for (size_t i = 0; i < c->part_count[statement->path]; i++) {
		struct part *part = &c->parts[statement->path][i];

		take(c, &groups, part, pa_set_intersect(c->space, wide.set, compare_target_set(c, statement, part->exposure)));
	}
	groups_merge(c, &groups);
	for (size_t i = 0; i < groups.count; i++)
		report_wider(c, statement, &groups.items[i]);
	groups_done(&groups);
}

/* --- EXP-001, FWD-001, FWD-002 ------------------------------------------------------------------------------------------ */

/* Who speaks of undeclared packets to this host: ICMP alone is ICM-001, other protocols than TCP and UDP alone are EXP-008. */
static enum pa_check_id check_of_protocols(const struct group *group)
{
	bool icmp = true, other = true;

	for (size_t i = 0; i < group->piece_count; i++) {
		struct pa_ranges protocols = group->pieces[i].field[PA_FIELD_L4PROTO];

		if (protocols.count == 0)
			return PA_CHECK_EXP_001;
		for (size_t j = 0; j < protocols.count; j++) {
			struct pa_interval range = protocols.items[j];

			if (range.first != range.last || (range.first != PROTOCOL_ICMP && range.first != PROTOCOL_ICMPV6))
				icmp = false;
			if ((range.first <= PROTOCOL_TCP && PROTOCOL_TCP <= range.last) ||
			    (range.first <= PROTOCOL_UDP && PROTOCOL_UDP <= range.last))
				other = false;
		}
	}
	return icmp ? PA_CHECK_ICM_001 : other ? PA_CHECK_EXP_008 : PA_CHECK_EXP_001;
}

/* What is forwarded or translated stays with its check, and weighs as much as the check of its protocol. */
static void weigh_protocol(struct comparison *c, struct pa_finding *finding, const struct group *group)
{
	enum pa_check_id check = check_of_protocols(group);

	if (check != PA_CHECK_EXP_001 && finding->severity == pa_check_info(finding->check)->severity)
		finding->severity = compare_severity(c, check); /* else the policy has spoken */
}

static void weigh_forwarding(const struct comparison *c, struct pa_finding *finding, const struct group *group)
{
	enum pa_tristate on = group->row.family == 6 ? c->host->forward_ipv6 : c->host->forward_ipv4;

	if (group->exposure->path == PA_PATH_FORWARD && on == PA_NO)
		finding->severity = PA_SEVERITY_INFO;
}

static pa_set taken_part(struct comparison *c, const struct group *group)
{
	return pa_set_intersect(c->space, group->set, compare_taken(c, group->exposure));
}

static enum pa_check_id undeclared_check(struct comparison *c, const struct group *group)
{
	if (group->exposure->has_target)
		return PA_CHECK_FWD_002;
	if (group->exposure->path == PA_PATH_FORWARD)
		return PA_CHECK_FWD_001;
	return compare_enabled(c, PA_CHECK_EXP_002) && !pa_set_is_empty(c->space, taken_part(c, group)) ? PA_CHECK_EXP_002
													: PA_CHECK_EXP_001;
}

/* The example is one that somebody answers. */
static void show_taken(struct comparison *c, struct pa_finding *finding, const struct group *group)
{
	finding->packet = pa_evaluation_example(c->evaluation, PA_PATH_IN, taken_part(c, group));
	finding->packet.path = PA_PATH_IN;
	compare_stands_for(c, finding, PA_CHECK_EXP_001);
}

static void report_undeclared(struct comparison *c, const struct group *group)
{
	enum pa_check_id check = undeclared_check(c, group), special = check_of_protocols(group);
	struct pa_finding *finding;
	struct pa_buffer text = { 0 };

	if (check == PA_CHECK_EXP_001 && compare_enabled(c, special))
		check = special;
	if (!compare_enabled(c, check))
		return; /* EXP-002 is wanted, EXP-001 is not */
	finding = compare_add_group(c, check, group, NULL);
	put_subject(group, &text);
	pa_buffer_printf(&text, ", and no `allow%s` covers it", group->exposure->path == PA_PATH_FORWARD ? " forward" : "");
	put_takers(c, group, check, &text);
	finding->message = compare_text(c, &text);
	put_culprit(group, &text);
	put_declarations(group, &text);
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
	if (check == PA_CHECK_EXP_002)
		show_taken(c, finding, group);
	else
		weigh_protocol(c, finding, group);
	compare_note_ports(c, finding, group);
	if (check == PA_CHECK_FWD_002)
		compare_stands_for(c, finding, group->exposure->path == PA_PATH_FORWARD ? PA_CHECK_FWD_001 : PA_CHECK_EXP_001);
	weigh_forwarding(c, finding, group); /* the last word: what it stands for is not forwarded either */
}

static void report_undeclared_part(struct comparison *c, enum pa_path path, enum pa_check_id check)
{
	struct groups groups = { .divides = true, .check = check };
	bool others = compare_enabled(c, PA_CHECK_ICM_001) || compare_enabled(c, PA_CHECK_EXP_008) ||
		      compare_enabled(c, PA_CHECK_EXP_002);

	if (!compare_enabled(c, check) && !(check == PA_CHECK_EXP_001 && others))
		return;
	for (size_t i = 0; i < c->part_count[path]; i++) {
		struct part *part = &c->parts[path][i];
		enum pa_check_id mine = part->exposure->has_target ? PA_CHECK_FWD_002
					: path == PA_PATH_FORWARD  ? PA_CHECK_FWD_001
								   : PA_CHECK_EXP_001;

		if (mine == check)
			take(c, &groups, part, pa_set_full(c->space));
	}
	groups_merge(c, &groups);
	for (size_t i = 0; i < groups.count; i++)
		if (compare_enabled(c, check) || compare_enabled(c, check_of_protocols(&groups.items[i])) ||
		    compare_enabled(c, PA_CHECK_EXP_002))
			report_undeclared(c, &groups.items[i]);
	groups_done(&groups);
}

void check_declared(struct comparison *c)
{
	for (size_t i = 0; compare_enabled(c, PA_CHECK_EXP_004) && i < c->policy->statement_count; i++) {
		const struct pa_statement *statement = c->policy->statements[i];

		if (statement->kind == PA_STATEMENT_ALLOW && statement->path != PA_PATH_OUT && c->regions[i].known &&
		    names_services(statement))
			report_wider_than(c, statement);
	}
	report_undeclared_part(c, PA_PATH_IN, PA_CHECK_FWD_002);
	report_undeclared_part(c, PA_PATH_FORWARD, PA_CHECK_FWD_002);
	report_undeclared_part(c, PA_PATH_IN, PA_CHECK_EXP_001);
	report_undeclared_part(c, PA_PATH_FORWARD, PA_CHECK_FWD_001);
}

/* Whether somebody should listen there is for the `allow` to say. */
static void take_declared(struct comparison *c, struct part *part, size_t statement)
{
	enum pa_listener_demand demand = c->policy->statements[statement]->fields.listener_demand;
	pa_set covered = pa_set_intersect(c->space, part->left, statement_region(c, statement, part->exposure));

	if (demand != PA_LISTENER_NONE && demand != PA_LISTENER_REQUIRED)
		part->declared = pa_set_union(c->space, part->declared, covered);
	part->left = pa_set_minus(c->space, part->left, covered);
}

/* What an `allow` covers is nobody's finding. Denied regions were taken before. */
void compare_take_declared(struct comparison *c)
{
	for (size_t i = 0; i < c->policy->statement_count; i++) {
		const struct pa_statement *statement = c->policy->statements[i];

		if (statement->kind != PA_STATEMENT_ALLOW || !c->regions[i].known)
			continue;
		for (size_t j = 0; j < c->part_count[statement->path]; j++) {
			struct part *part = &c->parts[statement->path][j];

			take_declared(c, part, i);
		}
	}
}
