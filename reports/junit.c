/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JUnit XML in the subset that the strict schemas of Ant/Jenkins and Windy Road both take. One testcase for each check and each
 * line of the policy, whatever became of it, by a name that is the same from run to run: GitLab compares runs by name, Jenkins
 * drops suites without testcases.
 */
#include <libxml/hash.h>
#include <libxml/xmlwriter.h>
#include <string.h>
#include <time.h>

#include "format.h"
#include "portaudit/socket.h"

struct junit {
	const struct pa_report *report;
	xmlTextWriterPtr writer;
	bool failed; /* the library said no */
	unsigned suites;
	struct pa_buffer text;
};

/* One testcase, before it is written: a suite's attributes count them. */
struct outcome {
	const char *element; /* "failure", "error", "skipped", or NULL: passed */
	const char *type;
};

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

static void check_library(struct junit *junit, int result)
{
	junit->failed = junit->failed || result < 0;
}

static const xmlChar *xml(const char *text)
{
	return (const xmlChar *)text;
}

static void open_element(struct junit *junit, const char *name)
{
	check_library(junit, xmlTextWriterStartElement(junit->writer, xml(name)));
}

static void close_element(struct junit *junit)
{
	check_library(junit, xmlTextWriterEndElement(junit->writer));
}

/* Text that is ours, or that went through pa_text_escape_xml(). */
static void attribute(struct junit *junit, const char *name, const char *safe)
{
	check_library(junit, xmlTextWriterWriteAttribute(junit->writer, xml(name), xml(safe)));
}

static void number_attribute(struct junit *junit, const char *name, size_t number)
{
	char text[32];
	snprintf(text, sizeof(text), "%zu", number);
	attribute(junit, name, text);
}

static void filtered_attribute(struct junit *junit, const char *name, const char *text)
{
	struct pa_buffer safe = { 0 };
	pa_text_escape_xml(text, &safe);
	attribute(junit, name, safe.data ? safe.data : "");
	pa_buffer_done(&safe);
}

static void filtered_text(struct junit *junit, const char *text)
{
	struct pa_buffer safe = { 0 };
	pa_text_escape_xml(text, &safe);
	if (safe.length)
		check_library(junit, xmlTextWriterWriteString(junit->writer, xml(safe.data)));
	pa_buffer_done(&safe);
}

/* --- what became of a check or line --------------------------------------------------------------------------- */
static bool is_of_family(enum pa_check_id check, const char *family)
{
	const char *code = pa_check_info(check)->code + 3;
	size_t length = strlen(family);
	return strncmp(code, family, length) == 0 && code[length] == '-';
}

/* Findings of the family UNK say that something could not be analysed: an error, not a failure. */
static struct outcome outcome_of(enum pa_check_status status, const char *code)
{
	if (status == PA_STATUS_PASSED)
		return (struct outcome){ .element = NULL };
	if (status == PA_STATUS_FAILED)
		return (struct outcome){ .element = strncmp(code, "PA-UNK-", 7) == 0 ? "error" : "failure", .type = code };
	return (struct outcome){ .element = "skipped" };
}

static bool outcome_is(struct outcome outcome, const char *element)
{
	return outcome.element && strcmp(outcome.element, element) == 0;
}

/* --- suites ----------------------------------------------------------------------------------------------------- */
static void timestamp_attribute(struct junit *junit)
{
	int64_t now = junit->report->now;
	const int64_t last = 253402300799; /* 9999-12-31T23:59:59: four digits of a year are all that the format has */
	time_t seconds = (time_t)(now < 0 ? 0 : now > last ? last : now);
	struct tm utc;
	char text[32] = "1970-01-01T00:00:00";
	if (gmtime_r(&seconds, &utc))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
	attribute(junit, "timestamp", text);
}

static void time_attribute(struct junit *junit, double seconds)
{
	char text[32];
	/* !(>= 0) also catches what is no number. */
	if (!(seconds >= 0) || seconds > 1e9)
		seconds = 0;
	snprintf(text, sizeof(text), "%.3f", seconds);
	attribute(junit, "time", text);
}

static void property(struct junit *junit, const char *name, const char *value)
{
	open_element(junit, "property");
	attribute(junit, "name", name);
	filtered_attribute(junit, "value", value);
	close_element(junit);
}

/* In the first suite only; the others have the element, empty, because the schemas ask for it. */
static void add_properties(struct junit *junit)
{
	const struct pa_report *report = junit->report;
	open_element(junit, "properties");
	if (junit->suites > 1) {
		close_element(junit);
		return;
	}
	property(junit, "portaudit.command", report->command);
	property(junit, "portaudit.complete", report->complete ? "true" : "false");
	property(junit, "portaudit.fail-on", pa_severity_name(report->fail_on));
	if (report->policy && report->policy->file)
		property(junit, "portaudit.policy", report->policy->file);
	property(junit, "portaudit.sockets", report->sockets ? report->sockets->source : "not looked at");
	for (size_t i = 0; report->ruleset && i < report->ruleset->source_count; i++)
		property(junit, "portaudit.source", report->ruleset->sources[i]);
	close_element(junit);
}

struct counts {
	size_t tests, failures, errors, skipped;
};

static void count(struct counts *counts, struct outcome outcome)
{
	counts->tests++;
	counts->failures += outcome_is(outcome, "failure");
	counts->errors += outcome_is(outcome, "error");
	counts->skipped += outcome_is(outcome, "skipped");
}

static void open_suite(struct junit *junit, const char *name, const struct counts *counts, double seconds)
{
	open_element(junit, "testsuite");
	attribute(junit, "package", "portaudit");
	number_attribute(junit, "id", junit->suites++);
	attribute(junit, "name", name);
	timestamp_attribute(junit);
	const char *host = junit->report->host;
	filtered_attribute(junit, "hostname", host && *host ? host : "localhost");
	number_attribute(junit, "tests", counts->tests);
	number_attribute(junit, "failures", counts->failures);
	number_attribute(junit, "errors", counts->errors);
	number_attribute(junit, "skipped", counts->skipped);
	time_attribute(junit, seconds);
	add_properties(junit);
}

/* `output` goes into system-out; both elements must be there, empty or not. */
static void close_suite(struct junit *junit, const char *output)
{
	open_element(junit, "system-out");
	filtered_text(junit, output);
	close_element(junit);
	open_element(junit, "system-err");
	filtered_text(junit, "");
	close_element(junit);
	close_element(junit);
}

/* Blanks in names are folded: the schemas say xs:token, and readers compare names byte by byte. Filtered as well. */
static void fold_name(const char *text, struct pa_buffer *out)
{
	struct pa_buffer folded = { 0 };
	for (const char *at = text ? text : ""; *at; at++) {
		bool blank = *at == ' ' || *at == '\t' || *at == '\n' || *at == '\r';
		if (!blank)
			pa_buffer_putc(&folded, *at);
		else if (folded.length && folded.data[folded.length - 1] != ' ')
			pa_buffer_putc(&folded, ' ');
	}
	while (folded.length && folded.data[folded.length - 1] == ' ')
		folded.data[--folded.length] = '\0';
	pa_text_escape_xml(folded.length ? folded.data : "unnamed", out);
	pa_buffer_done(&folded);
}

/* `name` is safe: it went through fold_name(). */
static void add_case(struct junit *junit, const char *suite, const char *name, struct outcome outcome, const char *message,
		     const char *details)
{
	char class_name[64];
	snprintf(class_name, sizeof(class_name), "portaudit.%s", suite);
	open_element(junit, "testcase");
	attribute(junit, "classname", class_name);
	attribute(junit, "name", name);
	attribute(junit, "time", "0.000");
	if (outcome.element) {
		open_element(junit, outcome.element);
		if (outcome.type)
			attribute(junit, "type", outcome.type);
		filtered_attribute(junit, "message", message);
		filtered_text(junit, details);
		close_element(junit);
	}
	close_element(junit);
}

/* --- findings --------------------------------------------------------------------------------------------------- */
static void describe_finding(const struct pa_finding *finding, struct pa_buffer *out)
{
	pa_buffer_printf(out, "%s (%s)\n", finding->message, pa_severity_name(finding->severity));
	if (finding->has_row) {
		pa_buffer_puts(out, "traffic: ");
		pa_phrase_row(&finding->row, out);
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
	if (finding->waiver) {
		char until[PA_DAY_TEXT_MAX];
		pa_day_format(finding->waiver->until, until);
		pa_buffer_printf(out, "waived until %s: %s (%s:%u)\n", until,
				 finding->waiver->fields.reason ? finding->waiver->fields.reason : "no reason",
				 finding->waiver->where.file ? finding->waiver->where.file : "-", finding->waiver->where.line);
	}
	pa_buffer_printf(out, "fingerprint: %s\n", finding->fingerprint);
}

/*
 * The findings (WAIVED: those that are waived) of a check (statement NULL) or of a policy line, as one message and one text: a testcase has at most one
 * outcome element. Returns how many there are.
 */
static size_t describe_findings(const struct pa_result *result, enum pa_check_status status, enum pa_check_id check,
				const struct pa_statement *statement, struct pa_buffer *message, struct pa_buffer *details)
{
	const struct pa_finding *findings = status == PA_STATUS_WAIVED ? result->waived : result->findings;
	size_t count = status == PA_STATUS_WAIVED ? result->waived_count : result->finding_count;
	size_t found = 0;
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

static void add_check(struct junit *junit, const struct suite *suite, enum pa_check_id check)
{
	const struct pa_result *result = junit->report->result;
	const struct pa_check_info *info = pa_check_info(check);
	const struct pa_check_result *entry = &result->checks[check];
	struct pa_buffer message = { 0 }, details = { 0 };
	/* what another check reports already has no finding of its own */
	bool found = entry->status == PA_STATUS_FAILED || entry->status == PA_STATUS_WAIVED;
	if (entry->status == PA_STATUS_WAIVED)
		pa_buffer_puts(&message, "waived: ");
	if (found && !describe_findings(result, entry->status, check, NULL, &message, &details))
		pa_buffer_puts(&message, entry->reason ? entry->reason : info->title);
	else if (entry->status == PA_STATUS_OFF)
		pa_buffer_puts(&message, entry->reason ? entry->reason : "switched off");
	else if (entry->status == PA_STATUS_NOT_ASSESSED)
		pa_buffer_printf(&message, "not assessed: %s", entry->reason ? entry->reason : "no reason is known");
	struct pa_buffer name = { 0 };
	pa_buffer_clear(&junit->text);
	pa_buffer_printf(&junit->text, "%s %s", info->code, info->title);
	fold_name(junit->text.data, &name);
	add_case(junit, suite->name, name.data, outcome_of(entry->status, info->code), message.data ? message.data : "",
		 details.data ? details.data : "");
	pa_buffer_done(&name);
	pa_buffer_done(&message);
	pa_buffer_done(&details);
}

static void add_check_suite(struct junit *junit, const struct suite *suite)
{
	const struct pa_result *result = junit->report->result;
	struct counts counts = { 0 };
	for (enum pa_check_id check = 0; check < PA_CHECK_COUNT; check++)
		if (is_of_family(check, suite->family))
			count(&counts, outcome_of(result->checks[check].status, pa_check_info(check)->code));
	if (counts.tests == 0)
		return;
	open_suite(junit, suite->name, &counts, 0);
	for (enum pa_check_id check = 0; check < PA_CHECK_COUNT; check++)
		if (is_of_family(check, suite->family))
			add_check(junit, suite, check);
	close_suite(junit, "");
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
	return xmlHashAddEntry(names->used, xml(name), use) == 0;
}

/* The line's text is its name: numbers move when the file is edited. Lines of equal text are told apart by their order. */
static void statement_name(struct names *names, const char *text, struct pa_buffer *name)
{
	struct pa_buffer folded = { 0 };
	fold_name(text, &folded);
	pa_buffer_clear(name);
	pa_buffer_puts(name, folded.data);
	while (!take_name(names, name->data)) {
		struct name_use *use = xmlHashLookup(names->used, xml(folded.data));
		/* Not there and not to be added: the library is out of memory. */
		if (!use || !xmlHashLookup(names->used, xml(name->data))) {
			names->failed = true;
			break;
		}
		pa_buffer_clear(name);
		pa_buffer_printf(name, "%s (%u)", folded.data, ++use->count);
	}
	pa_buffer_done(&folded);
}

static void add_statement(struct junit *junit, struct names *names, size_t index)
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
	else if (entry->status == PA_STATUS_WAIVED)
		pa_buffer_puts(&message, "waived: ");
	if ((entry->status == PA_STATUS_FAILED || entry->status == PA_STATUS_WAIVED) &&
	    describe_findings(result, entry->status, PA_CHECK_COUNT, entry->statement, &message, &details) == 0)
		pa_buffer_puts(&message, entry->reason ? entry->reason : "this line does not hold");
	statement_name(names, entry->statement->text, &junit->text);
	add_case(junit, "policy-line", junit->text.data, outcome_of(entry->status, "policy"), message.data,
		 details.data ? details.data : "");
	pa_buffer_done(&message);
	pa_buffer_done(&details);
}

static void add_policy_suite(struct junit *junit)
{
	const struct pa_result *result = junit->report->result;
	struct counts counts = { 0 };
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
		count(&counts, outcome_of(result->statements[i].status, "policy"));
	open_suite(junit, "policy-line", &counts, 0);
	for (size_t i = 0; i < result->statement_count; i++)
		add_statement(junit, &names, i);
	close_suite(junit, "");
	junit->failed = junit->failed || names.failed;
	xmlHashFree(names.used, NULL);
	pa_arena_free(names.arena);
}

/* --- the audit itself --------------------------------------------------------------------------------------------- */
static void join_sentences(const char *const *sentences, size_t number, struct pa_buffer *out)
{
	for (size_t i = 0; i < number; i++)
		pa_buffer_printf(out, "%s\n", sentences[i]);
}

/* Whether everything could be read and understood is a test as well; what the audit does not assess goes with it. */
static void add_audit_suite(struct junit *junit)
{
	const struct pa_report *report = junit->report;
	bool complete = report->complete && !report->rows_cut;
	struct outcome outcome = { .element = complete ? NULL : "error", .type = "incomplete" };
	struct counts counts = { 0 };
	struct pa_buffer reasons = { 0 }, output = { 0 };
	struct pa_style plain = { .width = 0 };
	count(&counts, outcome);
	join_sentences(report->incomplete, report->incomplete_count, &reasons);
	if (report->result && report->result->not_assessed_count)
		join_sentences(report->result->not_assessed, report->result->not_assessed_count, &output);
	if (!report->result || !report->policy)
		pa_text_list(report, &plain, &output);
	open_suite(junit, "audit", &counts, report->seconds);
	add_case(junit, "audit", "the audit is complete", outcome,
		 report->incomplete_count ? report->incomplete[0] : "the list was cut", reasons.data ? reasons.data : "");
	close_suite(junit, output.data ? output.data : "");
	pa_buffer_done(&reasons);
	pa_buffer_done(&output);
}

static void write_document(struct junit *junit)
{
	check_library(junit, xmlTextWriterSetIndent(junit->writer, 1));
	check_library(junit, xmlTextWriterStartDocument(junit->writer, "1.0", "UTF-8", NULL));
	open_element(junit, "testsuites");
	add_audit_suite(junit);
	for (size_t i = 0; junit->report->result && i < SUITES; i++)
		add_check_suite(junit, &suites[i]);
	if (junit->report->result)
		add_policy_suite(junit);
	close_element(junit);
	check_library(junit, xmlTextWriterEndDocument(junit->writer));
}

bool pa_format_junit(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	struct junit junit = { .report = report };
	(void)style;
	xmlBufferPtr document = xmlBufferCreate();
	if (!document)
		return false;
	junit.writer = xmlNewTextWriterMemory(document, 0);
	if (junit.writer) {
		write_document(&junit);
		xmlFreeTextWriter(junit.writer);
	}
	bool good = junit.writer && !junit.failed;
	if (good)
		pa_buffer_add(out, xmlBufferContent(document), (size_t)xmlBufferLength(document));
	xmlBufferFree(document);
	pa_buffer_done(&junit.text);
	return good;
}
