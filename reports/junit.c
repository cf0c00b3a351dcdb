/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JUnit XML in the subset that the strict schemas of Ant/Jenkins and Windy Road both take. One testcase for each check and each
 * line of the policy, whatever became of it, by a name that is the same from run to run: GitLab compares runs by name, Jenkins
 * drops suites without testcases.
 */
#include <libxml/hash.h>
#include <string.h>

#include "format.h"
#include "junit_parts.h"
#include "suggestion.h"

/* The suites by the family of the check's code (the word behind "PA-"), in the order of the catalogue. */
struct suite {
	const char *family;
	const char *name;
};
static const struct suite suites[] = {
	{ "EXP", "exposure" },	  { "REQ", "required" }, { "DEN", "default-deny" }, { "LOO", "loopback" },
	{ "SPF", "spoofing" },	  { "STA", "state" },	 { "FWD", "forward" },	    { "NAT", "nat" },
	{ "OUT", "outbound" },	  { "SOC", "sockets" },	 { "V6", "ipv6" },	    { "ICM", "icmp" },
	{ "FRG", "fragments" },	  { "HYG", "hygiene" },	 { "LOG", "logging" },	    { "MGR", "managers" },
	{ "PER", "persistence" }, { "SCN", "scan" },	 { "POL", "policy" },	    { "WVR", "waivers" },
	{ "UNK", "unknown" },
};
#define SUITES (sizeof(suites) / sizeof(*suites))

/* --- what became of a check or line --------------------------------------------------------------------------- */
static bool is_of_family(enum pa_check_id check, const char *family)
{
	const char *code = pa_check_info(check)->code + 3;
	size_t length = strlen(family);
	return strncmp(code, family, length) == 0 && code[length] == '-';
}

/* Findings of the family UNK say that something could not be analysed: an error, not a failure. */
static struct pa_junit_outcome outcome_of(enum pa_check_status status, const char *code)
{
	if (status == PA_STATUS_PASSED)
		return (struct pa_junit_outcome){ .element = NULL };
	bool unknown = strncmp(code, "PA-UNK-", 7) == 0;
	if (status == PA_STATUS_FAILED || (status == PA_STATUS_KNOWN && unknown))
		return (struct pa_junit_outcome){ .element = unknown ? "error" : "failure", .type = code };
	return (struct pa_junit_outcome){ .element = "skipped" };
}

/* --- findings --------------------------------------------------------------------------------------------------- */
static void describe_finding(const struct pa_finding *finding, struct pa_buffer *out)
{
	pa_buffer_printf(out, "%s (%s)\n", finding->message, pa_severity_name(finding->severity));
	if (finding->has_row) {
		pa_buffer_puts(out, "traffic: ");
		pa_phrase_traffic(finding, out);
		pa_buffer_putc(out, '\n');
	}
	if (finding->certainty == PA_POSSIBLE)
		pa_buffer_printf(out, "only: %s\n", finding->condition ? finding->condition : "not known");
	for (size_t i = 0; i < finding->rule_count; i++) {
		pa_buffer_puts(out, "rule: ");
		pa_text_rule(finding->rules[i], 0, out);
		pa_buffer_putc(out, '\n');
	}
	if (finding->has_packet) {
		pa_buffer_puts(out, "example: ");
		pa_phrase_packet(&finding->packet, out);
		pa_buffer_putc(out, '\n');
	}
	if (finding->statement)
		pa_buffer_printf(out, "policy: %s:%u: %s\n",
				 finding->statement->where.file ? finding->statement->where.file : "-",
				 finding->statement->where.line, finding->statement->text ? finding->statement->text : "");
	if (finding->fix)
		pa_buffer_printf(out, "change: %s\n", finding->fix);
	pa_text_suggestion_plain(finding, out);
	if (finding->waiver) {
		char until[PA_DAY_TEXT_MAX];
		pa_day_format(finding->waiver->until, until);
		pa_buffer_printf(out, "waived until %s: %s (%s:%u)\n", until,
				 finding->waiver->fields.reason ? finding->waiver->fields.reason : "no reason",
				 finding->waiver->where.file ? finding->waiver->where.file : "-", finding->waiver->where.line);
	}
	pa_buffer_printf(out, "fingerprint: %s\n", finding->fingerprint);
}

static const struct pa_finding *findings_of(const struct pa_result *result, enum pa_check_status status, size_t *ret_count)
{
	if (status == PA_STATUS_WAIVED || status == PA_STATUS_KNOWN) {
		*ret_count = status == PA_STATUS_WAIVED ? result->waived_count : result->known_count;
		return status == PA_STATUS_WAIVED ? result->waived : result->known;
	}
	*ret_count = result->finding_count;
	return result->findings;
}

static bool has_findings(enum pa_check_status status)
{
	return status == PA_STATUS_FAILED || status == PA_STATUS_WAIVED || status == PA_STATUS_KNOWN;
}

static const char *lead_of(enum pa_check_status status)
{
	return status == PA_STATUS_WAIVED ? "waived: " : status == PA_STATUS_KNOWN ? "known from the baseline: " : "";
}

/*
 * The findings (WAIVED: those that are waived) of a check (statement NULL) or of a policy line, as one message and one text: a testcase has at most one
 * outcome element. Returns how many there are.
 */
static size_t describe_findings(const struct pa_result *result, enum pa_check_status status, enum pa_check_id check,
				const struct pa_statement *statement, struct pa_buffer *message, struct pa_buffer *details)
{
	size_t count, found = 0;
	const struct pa_finding *findings = findings_of(result, status, &count);
	const char *first = NULL;
	for (size_t i = 0; i < count; i++) {
		const struct pa_finding *finding = &findings[i];
		if (statement ? finding->statement != statement : finding->check != check)
			continue;
		first = found++ ? first : finding->message;
		pa_buffer_puts(details, found > 1 ? "\n" : "");
		describe_finding(finding, details);
	}
	if (found > 1)
		pa_buffer_printf(message, "%zu findings, the first: ", found);
	pa_buffer_puts(message, first ? first : "");
	return found;
}

/* Where the first finding of a check is to be mended. */
static const struct pa_location *place_of_check(const struct pa_result *result, enum pa_check_status status,
						enum pa_check_id check)
{
	size_t count;
	const struct pa_finding *findings = findings_of(result, status, &count);
	for (size_t i = 0; i < count; i++)
		if (findings[i].check == check)
			return pa_finding_place(&findings[i]);
	return NULL;
}

static void add_check(struct pa_junit *junit, const struct suite *suite, enum pa_check_id check)
{
	const struct pa_result *result = junit->report->result;
	const struct pa_check_info *info = pa_check_info(check);
	const struct pa_check_result *entry = &result->checks[check];
	struct pa_buffer message = { 0 }, details = { 0 };
	/* what another check reports already has no finding of its own */
	bool found = has_findings(entry->status);
	pa_buffer_puts(&message, lead_of(entry->status));
	if (found && !describe_findings(result, entry->status, check, NULL, &message, &details))
		pa_buffer_puts(&message, entry->reason ? entry->reason : info->title);
	else if (entry->status == PA_STATUS_OFF)
		pa_buffer_puts(&message, entry->reason ? entry->reason : "switched off");
	else if (entry->status == PA_STATUS_NOT_ASSESSED)
		pa_buffer_printf(&message, "not assessed: %s", entry->reason ? entry->reason : "no reason is known");
	struct pa_buffer name = { 0 };
	pa_buffer_clear(&junit->text);
	pa_buffer_printf(&junit->text, "%s %s", info->code, info->title);
	pa_junit_name(junit->text.data, &name);
	const struct pa_junit_case testcase = { .suite = suite->name,
						.name = name.data,
						.outcome = outcome_of(entry->status, info->code),
						.message = message.data ? message.data : "",
						.details = details.data ? details.data : "",
						.where = place_of_check(result, entry->status, check) };
	pa_junit_add(junit, &testcase);
	pa_buffer_done(&name);
	pa_buffer_done(&message);
	pa_buffer_done(&details);
}

static void add_check_suite(struct pa_junit *junit, const struct suite *suite)
{
	const struct pa_result *result = junit->report->result;
	struct pa_junit_counts counts = { 0 };
	for (enum pa_check_id check = 0; check < PA_CHECK_COUNT; check++)
		if (is_of_family(check, suite->family))
			pa_junit_count(&counts, outcome_of(result->checks[check].status, pa_check_info(check)->code));
	if (counts.tests == 0)
		return;
	pa_junit_open_suite(junit, suite->name, &counts, 0);
	for (enum pa_check_id check = 0; check < PA_CHECK_COUNT; check++)
		if (is_of_family(check, suite->family))
			add_check(junit, suite, check);
	pa_junit_close_suite(junit, "");
}

/* --- lines of the policy ------------------------------------------------------------------------------------------ */
struct names {
	xmlHashTablePtr used; /* name -> struct name_use */
	struct pa_arena *arena;
	bool failed;
};
struct name_use {
	unsigned count;
};

static bool take_name(struct names *names, const char *name)
{
	struct name_use *use = pa_arena_alloc(names->arena, 1, sizeof(*use));
	use->count = 1;
	return xmlHashAddEntry(names->used, (const xmlChar *)name, use) == 0;
}

/* The line's text is its name: numbers move when the file is edited. Lines of equal text are told apart by their order. */
static void statement_name(struct names *names, const char *text, struct pa_buffer *name)
{
	struct pa_buffer folded = { 0 };
	pa_junit_name(text, &folded);
	pa_buffer_clear(name);
	pa_buffer_puts(name, folded.data);
	while (!take_name(names, name->data)) {
		struct name_use *use = xmlHashLookup(names->used, (const xmlChar *)folded.data);
		/* Not there and not to be added: the library is out of memory. */
		if (!use || !xmlHashLookup(names->used, (const xmlChar *)name->data)) {
			names->failed = true;
			break;
		}
		pa_buffer_clear(name);
		pa_buffer_printf(name, "%s (%u)", folded.data, ++use->count);
	}
	pa_buffer_done(&folded);
}

static void add_statement(struct pa_junit *junit, struct names *names, size_t index)
{
	const struct pa_result *result = junit->report->result;
	const struct pa_statement_result *entry = &result->statements[index];
	const struct pa_location *where = &entry->statement->where;
	struct pa_buffer message = { 0 }, details = { 0 };
	pa_buffer_printf(&message, "%s:%u: ", where->file ? where->file : "policy", where->line);
	if (entry->status == PA_STATUS_NOT_ASSESSED)
		pa_buffer_printf(&message, "not assessed: %s", entry->reason ? entry->reason : "no reason is known");
	else if (entry->status == PA_STATUS_OFF)
		pa_buffer_puts(&message, entry->reason ? entry->reason : "switched off");
	else
		pa_buffer_puts(&message, lead_of(entry->status));
	if (has_findings(entry->status) &&
	    describe_findings(result, entry->status, PA_CHECK_COUNT, entry->statement, &message, &details) == 0)
		pa_buffer_puts(&message, entry->reason ? entry->reason : "this line does not hold");
	statement_name(names, entry->statement->text, &junit->text);
	const struct pa_junit_case testcase = { .suite = "policy-line",
						.name = junit->text.data,
						.outcome = outcome_of(entry->status, "policy"),
						.message = message.data,
						.details = details.data ? details.data : "",
						.where = where };
	pa_junit_add(junit, &testcase);
	pa_buffer_done(&message);
	pa_buffer_done(&details);
}

static void add_policy_suite(struct pa_junit *junit)
{
	const struct pa_result *result = junit->report->result;
	struct pa_junit_counts counts = { 0 };
	struct names names = { .used = NULL };
	if (result->statement_count == 0)
		return;
	names.used = xmlHashCreate(0);
	if (!names.used) {
		junit->failed = true;
		return;
	}
	names.arena = pa_arena_new();
	for (size_t i = 0; i < result->statement_count; i++)
		pa_junit_count(&counts, outcome_of(result->statements[i].status, "policy"));
	pa_junit_open_suite(junit, "policy-line", &counts, 0);
	for (size_t i = 0; i < result->statement_count; i++)
		add_statement(junit, &names, i);
	pa_junit_close_suite(junit, "");
	junit->failed = junit->failed || names.failed;
	xmlHashFree(names.used, NULL);
	pa_arena_free(names.arena);
}

/* --- the audit itself --------------------------------------------------------------------------------------------- */
/* Whether everything could be read and understood is a test as well; what the audit does not assess goes with it. */
static void add_audit_suite(struct pa_junit *junit)
{
	const struct pa_report *report = junit->report;
	bool complete = report->complete && !report->rows_cut;
	struct pa_junit_outcome outcome = { .element = complete ? NULL : "error", .type = "incomplete" };
	struct pa_junit_counts counts = { 0 };
	struct pa_buffer reasons = { 0 }, output = { 0 };
	struct pa_style plain = { .width = 0 };
	pa_junit_count(&counts, outcome);
	pa_junit_sentences(report->incomplete, report->incomplete_count, &reasons);
	if (report->result && report->result->not_assessed_count)
		pa_junit_sentences(report->result->not_assessed, report->result->not_assessed_count, &output);
	if (!report->result || !report->policy)
		pa_text_list(report, &plain, &output);
	pa_junit_open_suite(junit, "audit", &counts, report->seconds);
	const struct pa_junit_case testcase = { .suite = "audit",
						.name = "the audit is complete",
						.outcome = outcome,
						.message =
							report->incomplete_count ? report->incomplete[0] : "the list was cut",
						.details = reasons.data ? reasons.data : "" };
	pa_junit_add(junit, &testcase);
	pa_junit_close_suite(junit, output.data ? output.data : "");
	pa_buffer_done(&reasons);
	pa_buffer_done(&output);
}

static void write_body(struct pa_junit *junit, const void *context)
{
	(void)context;
	add_audit_suite(junit);
	for (size_t i = 0; junit->report->result && i < SUITES; i++)
		add_check_suite(junit, &suites[i]);
	if (junit->report->result)
		add_policy_suite(junit);
}

bool pa_format_junit(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	struct pa_junit junit = { .report = report };
	(void)style;
	return pa_junit_document(&junit, write_body, NULL, out);
}

bool pa_format_junit_ext(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	struct pa_junit junit = { .report = report, .extended = true };
	(void)style;
	return pa_junit_document(&junit, write_body, NULL, out);
}
