/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stage 3 as a whole: set up, run the checks in their order, say what became of each check and each statement. */
#include "listener.h"

#include <stdlib.h>
#include <string.h>

/* The checks of this version, in the order in which they claim what gets in (compare.h). */
static const struct {
	enum pa_check_id check;
	void (*run)(struct comparison *c); /* NULL: done by the row above */
} implemented[] = {
	{ PA_CHECK_DEN_001, check_default_deny },
	{ PA_CHECK_DEN_002, NULL },
	{ PA_CHECK_DEN_003, NULL },
	{ PA_CHECK_DEN_005, NULL },
	{ PA_CHECK_DEN_006, NULL },
	{ PA_CHECK_EXP_003, check_denied },
	{ PA_CHECK_EXP_009, check_source_ports },
	{ PA_CHECK_EXP_001, check_declared },
	{ PA_CHECK_EXP_002, NULL },
	{ PA_CHECK_EXP_004, NULL },
	{ PA_CHECK_EXP_008, NULL },
	{ PA_CHECK_ICM_001, NULL },
	{ PA_CHECK_FWD_001, NULL },
	{ PA_CHECK_FWD_002, NULL },
	{ PA_CHECK_FWD_004, check_published },
	{ PA_CHECK_EXP_007, check_open },
	{ PA_CHECK_EXP_006, check_classes },
	{ PA_CHECK_EXP_005, check_services },
	{ PA_CHECK_EXP_010, check_latent },
	{ PA_CHECK_SOC_002, NULL },
	{ PA_CHECK_REQ_001, check_required },
	{ PA_CHECK_LOO_001, check_loopback },
	{ PA_CHECK_LOO_002, check_loopback_source },
	{ PA_CHECK_LOO_003, check_loopback_services },
	{ PA_CHECK_SPF_001, check_spoofed_sources },
	{ PA_CHECK_STA_001, check_replies },
	{ PA_CHECK_STA_002, check_invalid },
	{ PA_CHECK_STA_005, check_untracked },
	{ PA_CHECK_V6_001, check_one_family },
	{ PA_CHECK_V6_002, check_neighbours },
	{ PA_CHECK_HYG_001, check_dead_rules },
	{ PA_CHECK_HYG_003, NULL },
	{ PA_CHECK_SOC_001, check_undeclared_listeners },
	{ PA_CHECK_SOC_003, check_blocked },
	{ PA_CHECK_SOC_004, check_strangers },
	{ PA_CHECK_SOC_005, check_rights },
	{ PA_CHECK_SOC_007, NULL },
	{ PA_CHECK_SOC_009, NULL },
	{ PA_CHECK_SOC_010, NULL },
	{ PA_CHECK_SOC_006, check_ephemeral_listeners },
	{ PA_CHECK_SOC_008, check_bound_wide },
	{ PA_CHECK_SOC_011, check_collisions },
	{ PA_CHECK_SOC_012, check_source_port_budget },
	{ PA_CHECK_REQ_002, check_required_listeners },
	{ PA_CHECK_POL_003, check_stale_allows },
	{ PA_CHECK_POL_004, check_allow_in_deny },
	{ PA_CHECK_POL_001, check_fields },
	{ PA_CHECK_POL_002, check_reviews },
	{ PA_CHECK_POL_005, check_port_choice },
	{ PA_CHECK_LOG_001, check_logging },
	{ PA_CHECK_LOG_002, check_limits },
	{ PA_CHECK_UNK_001, check_opaque },
	{ PA_CHECK_UNK_002, check_surroundings },
	{ PA_CHECK_UNK_003, NULL },
	{ PA_CHECK_UNK_004, NULL },
	{ PA_CHECK_MGR_001, check_several_managers },
	{ PA_CHECK_MGR_002, check_legacy_beside_nft },
	{ PA_CHECK_PER_001, check_saved },
	{ PA_CHECK_PER_004, check_baseline },
	{ PA_CHECK_NAT_001, check_port_budget },
	{ PA_CHECK_NAT_002, check_mappings },
	{ PA_CHECK_SCN_001, check_scan },
	{ PA_CHECK_PER_002, check_boot },
	{ PA_CHECK_PER_003, check_writers },
	{ PA_CHECK_DEN_004, check_outgoing_deny },
	{ PA_CHECK_OUT_001, check_undeclared_outgoing },
	{ PA_CHECK_STA_003, check_without_syn },
	{ PA_CHECK_STA_004, check_related },
	{ PA_CHECK_FWD_003, check_dead_nat },
	{ PA_CHECK_FWD_005, check_offload },
	{ PA_CHECK_FRG_001, check_fragments },
	{ PA_CHECK_HYG_002, check_redundant },
	{ PA_CHECK_HYG_004, check_unused },
	/* Behind all findings about an open default. */
	{ PA_CHECK_DEN_007, check_literal_deny },
	/* Behind all checks that can be waived. */
	{ PA_CHECK_WVR_001, check_waivers },
	{ PA_CHECK_WVR_002, NULL },
	{ PA_CHECK_WVR_003, NULL },
	{ PA_CHECK_WVR_004, NULL },
};
#define IMPLEMENTED_COUNT (sizeof(implemented) / sizeof(*implemented))

static bool is_implemented(enum pa_check_id check)
{
	for (size_t i = 0; i < IMPLEMENTED_COUNT; i++)
		if (implemented[i].check == check)
			return true;
	return false;
}

/* Why the check cannot be asked at all; NULL: it can. */
static const char *missing_facts(const struct comparison *c, enum pa_check_id check)
{
	unsigned needs = pa_check_info(check)->needs;

	bool of_session = check == PA_CHECK_REQ_001 && c->options && c->options->session;

	if (!c->policy && !of_session && needs & PA_NEEDS_POLICY)
		return "needs a policy";
	if (!c->host->sockets && needs & PA_NEEDS_SOCKETS && !(c->policy && check == PA_CHECK_SOC_011))
		return "the listening sockets were not looked at";
	return NULL;
}

static bool has_facts(const struct comparison *c, enum pa_check_id check)
{
	return !missing_facts(c, check);
}

static bool is_assessed(const struct comparison *c, enum pa_check_id check)
{
	return compare_enabled(c, check) && has_facts(c, check);
}

/* --- running -------------------------------------------------------------------------------------------------------------- */

static void set_up_scope(struct comparison *c)
{
	for (int i = 0; i < PATH_COUNT; i++) {
		enum pa_path path = (enum pa_path)i;

		c->scope[i] = pa_evaluation_universe(c->evaluation, path);
		if (!c->policy || !c->policy->loopback_checked)
			c->scope[i] = pa_set_minus(c->space, c->scope[i], compare_loopback(c, path));
		c->open_default[i] = pa_set_empty(c->space);
		c->anywhere[i] = path == PA_PATH_OUT ? pa_set_empty(c->space) : compare_from_anywhere(c, path);
	}
	c->open = compare_open(c, PA_PATH_IN);
}

static void set_up_parts(struct comparison *c)
{
	for (int i = 0; i < PATH_COUNT; i++) {
		const struct pa_exposure *exposures;
		size_t count = pa_evaluation_exposures(c->evaluation, (enum pa_path)i, &exposures);

		c->part_count[i] = count;
		c->parts[i] = count > 0 ? pa_arena_alloc(c->scratch, count, sizeof(*c->parts[i])) : NULL;
		for (size_t j = 0; j < count; j++) {
			c->parts[i][j].exposure = &exposures[j];
			c->parts[i][j].left = pa_set_intersect(c->space, exposures[j].set, c->scope[i]);
			c->parts[i][j].declared = pa_set_empty(c->space);
		}
	}
}

static void set_up_listeners(struct comparison *c)
{
	size_t statements = c->policy ? c->policy->statement_count : 0;

	c->unsure = pa_arena_alloc(c->scratch, statements + 1, sizeof(*c->unsure));
	c->blocked = pa_arena_alloc(c->scratch, statements + 1, sizeof(*c->blocked));
	compare_listeners(c);
}

/* A row runs when it, or one of the rows that it does as well, is wanted. */
static bool row_is_wanted(const struct comparison *c, size_t row)
{
	if (is_assessed(c, implemented[row].check))
		return true;
	for (size_t i = row + 1; i < IMPLEMENTED_COUNT && !implemented[i].run; i++)
		if (is_assessed(c, implemented[i].check))
			return true;
	return false;
}

static void run_checks(struct comparison *c)
{
	bool declared_taken = !c->policy;

	for (size_t i = 0; i < IMPLEMENTED_COUNT; i++) {
		/* What is denied is claimed first: `deny` wins over `allow`. */
		if (!declared_taken && implemented[i].check == PA_CHECK_EXP_009) {
			compare_take_declared(c);
			declared_taken = true;
		}
		if (implemented[i].check == PA_CHECK_WVR_001)
			compare_apply_waivers(c);
		if (implemented[i].run && row_is_wanted(c, i))
			implemented[i].run(c);
	}
}

/* --- what became of the checks ------------------------------------------------------------------------------------------------ */

static const char *missing_reason(enum pa_check_id check)
{
	unsigned needs = pa_check_info(check)->needs;

	if (needs & PA_NEEDS_FILES)
		return "needs files beside the ruleset (units, saved rules), which this version does not read";
	return "this version does not look for it";
}

/* What one more finding makes of a status: one that counts fails, a known one is known, else it is waived. */
static enum pa_check_status worse_status(enum pa_check_status status, const struct pa_finding *finding)
{
	if (status == PA_STATUS_FAILED || (!finding->waiver && !finding->known))
		return PA_STATUS_FAILED;
	return status == PA_STATUS_KNOWN || finding->known ? PA_STATUS_KNOWN : PA_STATUS_WAIVED;
}

static enum pa_check_status status_of_findings(const struct comparison *c, enum pa_check_id check)
{
	enum pa_check_status status = PA_STATUS_PASSED;

	for (size_t i = 0; i < c->result->finding_count; i++) {
		if (c->result->findings[i].check == check)
			status = worse_status(status, &c->result->findings[i]);
	}
	return status;
}

/* The same of the findings of other checks that stand for this one. */
static enum pa_check_status status_of_others(const struct comparison *c, enum pa_check_id check)
{
	enum pa_check_status status = PA_STATUS_PASSED;
	enum pa_check_id other;

	for (size_t i = 0; i < c->stand_in_count; i++) {
		if (c->stand_ins[i].check == check)
			status = worse_status(status, &c->result->findings[c->stand_ins[i].finding]);
	}
	if (status == PA_STATUS_PASSED && c->found_as[check] && pa_check_find(c->found_as[check], &other)) {
		status = status_of_findings(c, other);
		return status == PA_STATUS_PASSED ? PA_STATUS_FAILED : status;
	}
	return status;
}

struct pa_check_result compare_check_result(struct comparison *c, enum pa_check_id check)
{
	struct pa_check_result before = c->result->checks[check];
	enum pa_check_status own, others;

	if (!compare_enabled(c, check))
		return (struct pa_check_result){ PA_STATUS_OFF, pa_check_info(check)->needs & PA_OPT_IN
									? "opt-in: `check ID on` in the policy, or --check"
									: "switched off by the policy or by --check" };
	if (!is_implemented(check))
		return (struct pa_check_result){ PA_STATUS_NOT_ASSESSED, missing_reason(check) };
	own = status_of_findings(c, check);
	others = status_of_others(c, check);
	if (own == PA_STATUS_FAILED)
		return (struct pa_check_result){ PA_STATUS_FAILED, NULL };
	if (!has_facts(c, check))
		return (struct pa_check_result){ PA_STATUS_NOT_ASSESSED, missing_facts(c, check) };
	if (others == PA_STATUS_FAILED)
		return (struct pa_check_result){ PA_STATUS_FAILED,
						 pa_arena_printf(c->result->arena, "reported as %s", c->found_as[check]) };
	if (own == PA_STATUS_KNOWN || others == PA_STATUS_KNOWN)
		return (struct pa_check_result){ PA_STATUS_KNOWN, "the baseline has what was found" };
	if (own == PA_STATUS_WAIVED || others == PA_STATUS_WAIVED)
		return (struct pa_check_result){ PA_STATUS_WAIVED, "the policy waives what was found" };
	if (before.status == PA_STATUS_NOT_ASSESSED || before.status == PA_STATUS_OFF)
		return before;
	/* A listener that is not in the list may be the one that the check looks for. */
	if (pa_check_info(check)->needs & PA_NEEDS_SOCKETS && c->host->sockets && !c->host->sockets->listeners_complete &&
	    !c->settled[check])
		return (struct pa_check_result){ PA_STATUS_NOT_ASSESSED, compare_why_uncovered(c) };
	return (struct pa_check_result){ PA_STATUS_PASSED, NULL };
}

/* --- what became of the statements ---------------------------------------------------------------------------------------------- */

static bool speaks_of(enum pa_statement_kind kind, enum pa_check_id check)
{
	switch (kind) {
	case PA_STATEMENT_ALLOW:
		return check == PA_CHECK_EXP_004 || check == PA_CHECK_POL_001 || check == PA_CHECK_POL_003 ||
		       check == PA_CHECK_POL_004 || check == PA_CHECK_SOC_003;
	case PA_STATEMENT_DENY:
		return check == PA_CHECK_EXP_003;
	case PA_STATEMENT_REQUIRE:
		return check == PA_CHECK_REQ_001;
	case PA_STATEMENT_LISTEN:
		return check == PA_CHECK_SOC_004 || check == PA_CHECK_SOC_008;
	case PA_STATEMENT_WAIVE:
		return check == PA_CHECK_WVR_001 || check == PA_CHECK_WVR_003;
	}
	return false;
}

/* Why the statement cannot be held against the facts; NULL: it can. */
static const char *unknown_facts(struct comparison *c, size_t index)
{
	const struct pa_statement *statement = c->policy->statements[index];

	if (statement->kind != PA_STATEMENT_LISTEN)
		return c->regions[index].known ? NULL : c->regions[index].reason;
	if (!c->host->sockets)
		return "the listening sockets were not looked at";
	return compare_covers_items(c, statement->items, statement->item_count) ? c->unsure[index] : compare_why_uncovered(c);
}

/* A waiver whose check was not assessed, or whose region is not known, has nothing to hide. */
static struct pa_statement_result waiver_facts(const struct comparison *c, const struct pa_statement *statement)
{
	const struct waiver *waiver = compare_waiver_of(c, statement);
	const struct pa_check_result *check = waiver->check == PA_CHECK_COUNT ? NULL : &c->result->checks[waiver->check];

	if (!check || check->status == PA_STATUS_NOT_ASSESSED || check->status == PA_STATUS_OFF)
		return (struct pa_statement_result){ statement, check ? check->status : PA_STATUS_NOT_ASSESSED,
						     check && check->status == PA_STATUS_OFF ? "its check is switched off"
											     : "its check is not assessed" };
	if (!waiver->regions[PA_PATH_IN].known)
		return (struct pa_statement_result){ statement, PA_STATUS_NOT_ASSESSED, waiver->regions[PA_PATH_IN].reason };
	return (struct pa_statement_result){ statement, PA_STATUS_PASSED, NULL };
}

/* A statement fails by a finding of its own that counts, and is waived when waivers hide all of them. */
static enum pa_check_status status_of_statement(const struct comparison *c, const struct pa_statement *statement)
{
	enum pa_check_status status = PA_STATUS_PASSED;

	for (size_t i = 0; i < c->result->finding_count; i++) {
		if (c->result->findings[i].statement == statement)
			status = worse_status(status, &c->result->findings[i]);
	}
	return status;
}

static struct pa_statement_result statement_result(struct comparison *c, size_t index)
{
	const struct pa_statement *statement = c->policy->statements[index];
	struct pa_statement_result result = { statement, PA_STATUS_OFF, "its checks are switched off" };
	enum pa_check_status found = status_of_statement(c, statement);

	if (statement->kind == PA_STATEMENT_WAIVE && found == PA_STATUS_PASSED)
		return waiver_facts(c, statement);
	for (int i = 0; i < PA_CHECK_COUNT; i++)
		if (speaks_of(statement->kind, (enum pa_check_id)i) && compare_enabled(c, (enum pa_check_id)i))
			result = (struct pa_statement_result){ statement, PA_STATUS_PASSED, NULL };
	if (statement->kind != PA_STATEMENT_WAIVE && unknown_facts(c, index))
		result = (struct pa_statement_result){ statement, PA_STATUS_NOT_ASSESSED, unknown_facts(c, index) };
	if (found != PA_STATUS_PASSED)
		result = (struct pa_statement_result){ statement, found, NULL };
	return result;
}

static void say_not_assessed(struct comparison *c, const char *what, const struct pa_statement *statement, const char *reason)
{
	struct pa_buffer place = { 0 };

	describe_place(&statement->where, &place);
	compare_sentence(c, "%s in %s is not assessed: %s", what, place.data, reason);
	pa_buffer_done(&place);
}

static bool uses_ephemeral(const struct pa_statement *statement)
{
	bool uses = statement->from.ports.ephemeral || statement->to.ports.ephemeral;

	for (size_t i = 0; i < statement->item_count; i++)
		uses = uses || statement->items[i].ephemeral;
	return uses;
}

/* What is said of listeners is assessed, where they were looked at. */
static void say_of_listener(struct comparison *c, size_t index)
{
	const struct pa_statement *statement = c->policy->statements[index];

	if (!statement->fields.listener || statement->fields.listener_demand == PA_LISTENER_ANY)
		return;
	if (!c->host->sockets)
		say_not_assessed(c, "`listener`", statement, "the listening sockets were not looked at");
	else if (c->unsure[index] && statement->kind != PA_STATEMENT_LISTEN)
		say_not_assessed(c, "`listener`", statement, c->unsure[index]);
}

static void say_ephemeral(struct comparison *c, const struct pa_statement *statement)
{
	struct pa_buffer place = { 0 };

	describe_place(&statement->where, &place);
	compare_sentence(c,
			 "`ephemeral` in %s was taken for 32768-60999, the kernel's default: the host's own range is not known",
			 place.data);
	pa_buffer_done(&place);
}

static void say_of_statement(struct comparison *c, size_t index, const struct pa_statement_result *result)
{
	static const char *const kinds[] = { "`allow`", "`deny`", "`require`", "`listen`", "`waive`" };
	const struct pa_statement *statement = result->statement;

	if (result->status == PA_STATUS_NOT_ASSESSED) {
		say_not_assessed(c, kinds[statement->kind], statement, result->reason);
		return;
	}
	say_of_listener(c, index);
	if (uses_ephemeral(statement) && c->host->ephemeral_last == 0)
		say_ephemeral(c, statement);
}

static void judge_statements(struct comparison *c)
{
	struct pa_result *result = c->result;

	if (!c->policy || c->policy->statement_count == 0)
		return;
	result->statements = pa_arena_alloc(result->arena, c->policy->statement_count, sizeof(*result->statements));
	result->statement_count = c->policy->statement_count;
	for (size_t i = 0; i < result->statement_count; i++) {
		result->statements[i] = statement_result(c, i);
		say_of_statement(c, i, &result->statements[i]);
	}
}

/* --- the whole --------------------------------------------------------------------------------------------------------------------- */

/* A space that failed gives arbitrary answers: none of them is used. */
static void forget_everything(struct comparison *c, const char *why)
{
	const char *reason = pa_arena_printf(c->result->arena, "the analysis did not finish: %s", why);

	c->result->finding_count = c->result->waived_count = c->result->known_count = c->result->vanished_count = 0;
	for (int i = 0; i < PA_CHECK_COUNT; i++)
		if (c->result->checks[i].status == PA_STATUS_PASSED || c->result->checks[i].status == PA_STATUS_FAILED ||
		    c->result->checks[i].status == PA_STATUS_WAIVED || c->result->checks[i].status == PA_STATUS_KNOWN)
			c->result->checks[i] = (struct pa_check_result){ PA_STATUS_NOT_ASSESSED, reason };
	for (size_t i = 0; i < c->result->statement_count; i++)
		if (c->result->statements[i].status != PA_STATUS_OFF)
			c->result->statements[i] = (struct pa_statement_result){ c->result->statements[i].statement,
										 PA_STATUS_NOT_ASSESSED, reason };
	compare_sentence(c, "the comparison was not finished: %s", why);
}

static int compare_values(pa_u128 a, pa_u128 b)
{
	return (a > b) - (a < b);
}

static pa_u128 first_value(const struct pa_finding *finding, enum pa_field field)
{
	return finding->has_row && finding->row.box.field[field].count > 0 ? finding->row.box.field[field].items[0].first : 0;
}

static int compare_findings(const void *left, const void *right)
{
	static const enum pa_field fields[] = { PA_FIELD_L4PROTO, PA_FIELD_DPORT, PA_FIELD_NFPROTO, PA_FIELD_SADDR };
	const struct pa_finding *a = left, *b = right;
	int order = (a->waiver != NULL) - (b->waiver != NULL);

	if (order == 0)
		order = a->known - b->known;
	if (order == 0)
		order = (b->severity > a->severity) - (b->severity < a->severity);
	if (order == 0)
		order = (a->check > b->check) - (a->check < b->check);
	if (order == 0 && a->has_row && b->has_row)
		order = (a->row.path > b->row.path) - (a->row.path < b->row.path);
	for (size_t i = 0; order == 0 && i < sizeof(fields) / sizeof(*fields); i++)
		order = compare_values(first_value(a, fields[i]), first_value(b, fields[i]));
	if (order == 0)
		order = strcmp(a->message, b->message);
	return order != 0 ? order : strcmp(a->fingerprint, b->fingerprint);
}

/* Waived findings are the last ones of the array, and known ones stand before them. */
static void part_from_others(struct pa_result *result)
{
	while (result->finding_count > 0 && result->findings[result->finding_count - 1].waiver) {
		result->finding_count--;
		result->waived_count++;
	}
	if (result->waived_count > 0)
		result->waived = &result->findings[result->finding_count];
	while (result->finding_count > 0 && result->findings[result->finding_count - 1].known) {
		result->finding_count--;
		result->known_count++;
	}
	if (result->known_count > 0)
		result->known = &result->findings[result->finding_count];
}

/* What the findings speak of stays known when they are sorted. */
static void keep_regions(struct comparison *c)
{
	for (size_t i = 0; i < c->result->finding_count; i++) {
		struct pa_finding *finding = &c->result->findings[i];

		finding->has_region = c->finding_regions[i].known;
		finding->region_path = c->finding_regions[i].path;
		finding->region = c->finding_regions[i].set;
	}
}

static void finish(struct comparison *c)
{
	struct pa_result *result = c->result;
	const char *failed;

	keep_regions(c);
	compare_mark_known(c);
	for (int i = 0; i < PA_CHECK_COUNT; i++)
		result->checks[i] = compare_check_result(c, (enum pa_check_id)i);
	judge_statements(c);
	compare_list_vanished(c);
	failed = pa_space_failed(c->space);
	if (failed)
		forget_everything(c, failed);
	if (result->finding_count > 1)
		qsort(result->findings, result->finding_count, sizeof(*result->findings), compare_findings);
	part_from_others(result);
}

/* The day of a time, UTC. */
static pa_day today(int64_t seconds)
{
	const int64_t day = 86400;

	return (pa_day)(seconds / day - (seconds % day < 0));
}

struct pa_result *pa_compare(struct pa_evaluation *evaluation, const struct pa_ruleset *ruleset, const struct pa_host *host,
			     const struct pa_policy *policy, const struct pa_compare_options *options)
{
	struct comparison c = {
		.evaluation = evaluation, .ruleset = ruleset, .host = host, .policy = policy, .options = options
	};

	c.space = pa_evaluation_space(evaluation);
	c.scratch = pa_arena_new();
	c.today = today(options ? options->now : 0);
	c.result = pa_xcalloc(1, sizeof(*c.result));
	c.result->arena = pa_arena_new();
	c.arbitrary = compare_arbitrary(ruleset, c.scratch);
	set_up_scope(&c);
	set_up_parts(&c);
	compare_regions(&c);
	set_up_listeners(&c);
	compare_set_up_waivers(&c);
	run_checks(&c);
	compare_name_managers(&c);
	finish(&c);
	free(c.finding_regions);
	free(c.stand_ins);
	pa_arena_free(c.scratch);
	return c.result;
}

struct pa_result *pa_result_free(struct pa_result *result)
{
	if (!result)
		return NULL;
	free(result->findings);
	free(result->not_assessed);
	pa_arena_free(result->arena);
	free(result);
	return NULL;
}
