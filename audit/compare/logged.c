/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LOG-001  what is refused on its way in is not logged. Asked for by `logged` in the block of a statement (of a `deny`: what is
 *          refused of it; of an `allow` or `require`: what gets in of it), and in general by `check PA-LOG-001 on` or --check.
 *          Logging is looked for on the way of example packets, a limited number from every part of the region: a finding is certain,
 *          that there is none speaks of these packets. A log statement behind a rate limit counts.
 * LOG-002  a service that the policy calls `rate-limited` has a way in that no rate limit guards. What gets in whatever the rules'
 *          undecided tests say has no limit for certain; what depends on other tests than limits has perhaps none.
 */
#include <string.h>

#include "compare.h"

/* Parts of a region from which an example packet is followed. */
#define EXAMPLES_MAX 32

/* --- LOG-002 ------------------------------------------------------------------------------------------------------- */

/* Does the condition speak of a test that counts: limit, hashlimit, connlimit, recent, ct count, quota, a set with elements that packets add? */
static bool speaks_of_rate(const char *condition)
{
	static const char *const words[] = { "limit", "recent", "ct count", "quota", "@" };

	for (size_t i = 0; condition && i < sizeof(words) / sizeof(*words); i++)
		if (strstr(condition, words[i]))
			return true;
	return false;
}

static void report_unlimited(struct comparison *c, const struct pa_statement *statement, const struct group *group)
{
	struct pa_finding *finding = compare_add_group(c, PA_CHECK_LOG_002, group, statement);
	struct pa_buffer text = { 0 };

	describe_group(group, &text);
	pa_buffer_printf(&text, " %s without a rate limit, and ",
			 group->row.certainty == PA_CERTAIN ? "gets in" : "may get in");
	describe_place(&statement->where, &text);
	pa_buffer_printf(&text, " calls it `rate-limited`: `%s`", statement->text);
	finding->message = compare_text(c, &text);
	if (group->row.rule_count > 0) {
		pa_buffer_puts(&text, "put a limit (`limit rate 10/minute`) into ");
		describe_rules(group->row.rules, group->row.rule_count, &text);
	} else {
		pa_buffer_puts(
			&text,
			"accept it by a rule with a limit (`limit rate 10/minute accept`), not by the policy of the chain");
	}
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
}

static void check_limit(struct comparison *c, size_t index)
{
	const struct pa_statement *statement = c->policy->statements[index];
	struct groups groups = { .divides = true, .check = PA_CHECK_LOG_002 };
	const struct pa_exposure *exposures;
	size_t count = pa_evaluation_exposures(c->evaluation, statement->path, &exposures);

	for (size_t i = 0; i < count; i++) {
		pa_set set = pa_set_intersect(c->space, exposures[i].set, c->regions[index].set);

		if (exposures[i].certainty == PA_POSSIBLE && speaks_of_rate(exposures[i].condition))
			continue;
		set = pa_set_intersect(c->space, set, compare_target_set(c, statement, &exposures[i]));
		groups_add(c, &groups, &exposures[i], set);
	}
	groups_merge(c, &groups);
	for (size_t i = 0; i < groups.count; i++)
		report_unlimited(c, statement, &groups.items[i]);
	groups_done(&groups);
}

void check_limits(struct comparison *c)
{
	for (size_t i = 0; i < c->policy->statement_count; i++) {
		const struct pa_statement *statement = c->policy->statements[i];
		bool speaks = statement->kind == PA_STATEMENT_ALLOW || statement->kind == PA_STATEMENT_REQUIRE;

		if (speaks && statement->fields.rate_limited && c->regions[i].known)
			check_limit(c, i);
	}
}

/* --- LOG-001 ------------------------------------------------------------------------------------------------------- */

static bool is_log(const struct pa_step *step)
{
	static const char *const words[] = { "log", "-j LOG", "-j NFLOG", "-j ULOG" };

	for (size_t i = 0; step->kind == PA_STEP_NONE && step->text && i < sizeof(words) / sizeof(*words); i++) {
		size_t length = strlen(words[i]);

		if (strncmp(step->text, words[i], length) == 0 && (step->text[length] == ' ' || step->text[length] == '\0'))
			return true;
	}
	return false;
}

/* Does the rule log a packet that met it like this? What a rate limit kept from being logged counts as logged. */
static bool logs(const struct pa_walk_step *met)
{
	bool reached = met->outcome == PA_WALK_MATCHED || met->outcome == PA_WALK_PASSED;

	for (size_t i = 0; met->rule && i < met->rule->step_count; i++) {
		const struct pa_step *step = &met->rule->steps[i];

		if (met->outcome == PA_WALK_NO_MATCH && step == met->failed_step)
			reached = step->kind == PA_STEP_OPAQUE && step->understood;
		if (is_log(step) && (reached || met->outcome != PA_WALK_NO_MATCH))
			return true;
	}
	return false;
}

static bool is_logged(const struct comparison *c, const struct pa_packet *packet)
{
	struct pa_walk walk = { 0 };
	bool logged = false;

	pa_walk(c->ruleset, c->host, packet, true, &walk);
	for (size_t i = 0; i < walk.step_count && !logged; i++)
		logged = logs(&walk.steps[i]);
	pa_walk_done(&walk);
	return logged;
}

struct search {
	struct comparison *c;
	enum pa_path path;
	pa_set set;
	bool found;
	struct pa_packet packet; /* that is not logged */
};

static bool look_at_box(void *context, const struct pa_box *box)
{
	struct search *search = context;
	struct comparison *c = search->c;
	pa_set part = pa_set_intersect(c->space, search->set, pa_set_box(c->space, box));

	if (pa_set_is_empty(c->space, part))
		return true;
	search->packet = pa_evaluation_example(c->evaluation, search->path, part);
	search->packet.path = search->path;
	search->found = !is_logged(c, &search->packet);
	return !search->found;
}

/* A packet of the set that no rule on its way logs. */
static bool find_unlogged(struct comparison *c, enum pa_path path, pa_set set, struct pa_packet *ret_packet)
{
	struct search search = { .c = c, .path = path, .set = set };

	if (pa_set_is_empty(c->space, set) || pa_space_failed(c->space))
		return false;
	pa_set_boxes(c->space, set, EXAMPLES_MAX, look_at_box, &search);
	*ret_packet = search.packet;
	return search.found;
}

static pa_set plain_packets(struct comparison *c)
{
	pa_set tcp = compare_single(c, PA_FIELD_L4PROTO, PROTOCOL_TCP, PROTOCOL_TCP);
	pa_set others = pa_set_minus(c->space, pa_set_full(c->space), tcp);

	return pa_set_union(c->space, pa_set_intersect(c->space, tcp, compare_ordinary(c, PROTOCOL_TCP)),
			    pa_set_intersect(c->space, others, compare_ordinary(c, 0)));
}

/* Of a `deny` what is refused, of an `allow` or `require` what gets in. */
static pa_set to_be_logged(struct comparison *c, size_t index)
{
	const struct pa_statement *statement = c->policy->statements[index];
	pa_set reach = pa_evaluation_reachable(c->evaluation, statement->path, PA_POSSIBLE);
	pa_set region = pa_set_intersect(c->space, c->regions[index].set, plain_packets(c));

	return statement->kind == PA_STATEMENT_DENY ? pa_set_minus(c->space, region, reach)
						    : pa_set_intersect(c->space, region, reach);
}

static void check_statement(struct comparison *c, size_t index)
{
	const struct pa_statement *statement = c->policy->statements[index];
	bool refused = statement->kind == PA_STATEMENT_DENY;
	struct pa_finding *finding;
	struct pa_buffer text = { 0 };
	struct pa_packet packet;

	if (!find_unlogged(c, statement->path, to_be_logged(c, index), &packet))
		return;
	finding = compare_add(c, PA_CHECK_LOG_001, statement->text);
	compare_statement_severity(c, finding, statement);
	finding->has_packet = true;
	finding->packet = packet;
	describe_place(&statement->where, &text);
	pa_buffer_printf(&text, " says `logged` of `%s`, but no rule on the way of the example logs it", statement->text);
	finding->message = compare_text(c, &text);
	finding->fix = refused ? "add `limit rate 5/second log prefix \"refused: \"` in front of what refuses it"
			       : "add `log prefix \"accepted: \"` to the rule that accepts it";
	pa_buffer_done(&text);
}

static void check_family(struct comparison *c, int family)
{
	pa_set refused = pa_set_empty(c->space);
	struct pa_finding *finding;
	struct pa_packet packet;
	pa_set reach = pa_evaluation_reachable(c->evaluation, PA_PATH_IN, PA_POSSIBLE);

	for (unsigned protocol = PROTOCOL_TCP; protocol <= PROTOCOL_UDP; protocol += PROTOCOL_UDP - PROTOCOL_TCP)
		for (size_t source = 0; source < c->arbitrary->source[family == 6].count; source++)
			for (size_t port = 0; port < c->arbitrary->port.count; port++)
				refused =
					pa_set_union(c->space, refused,
						     compare_arbitrary_packets(c, PA_PATH_IN, family, protocol, source, port));
	refused = pa_set_intersect(c->space, pa_set_minus(c->space, refused, reach), plain_packets(c));
	if (!find_unlogged(c, PA_PATH_IN, pa_set_intersect(c->space, refused, c->scope[PA_PATH_IN]), &packet))
		return;
	finding = compare_add(c, PA_CHECK_LOG_001, family == 6 ? "in v6" : "in v4");
	finding->has_packet = true;
	finding->packet = packet;
	finding->message = family == 6 ? "what is refused of IPv6 on its way in is not logged"
				       : "what is refused of IPv4 on its way in is not logged";
	finding->fix = "let the chain end with `limit rate 5/second log prefix \"refused: \"` in front of the refusal";
}

/* In general only when asked for: most firewalls refuse in silence on purpose. */
static bool is_asked_for(const struct comparison *c)
{
	const char *code = pa_check_info(PA_CHECK_LOG_001)->code;

	for (size_t i = 0; c->policy && i < c->policy->check_count; i++)
		if (strcmp(c->policy->checks[i].check, code) == 0)
			return c->policy->checks[i].has_enabled && c->policy->checks[i].enabled;
	return c->options && c->options->only_checks;
}

void check_logging(struct comparison *c)
{
	bool any = is_asked_for(c);

	for (size_t i = 0; c->policy && i < c->policy->statement_count; i++) {
		const struct pa_statement *statement = c->policy->statements[i];
		bool speaks = statement->kind == PA_STATEMENT_ALLOW || statement->kind == PA_STATEMENT_REQUIRE ||
			      statement->kind == PA_STATEMENT_DENY;

		if (!speaks || !statement->fields.logged)
			continue;
		any = true;
		if (c->regions[i].known)
			check_statement(c, i);
	}
	for (int family = 4; is_asked_for(c) && family <= 6; family += 2)
		check_family(c, family);
	if (!any)
		c->result->checks[PA_CHECK_LOG_001] =
			(struct pa_check_result){ PA_STATUS_OFF,
						  "looked for where the policy says `logged`, or `check PA-LOG-001 on`" };
}
