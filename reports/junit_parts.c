/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JUnit XML: see junit_parts.h. */
#include "junit_parts.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "portaudit/socket.h"

static void check_library(struct pa_junit *junit, int result)
{
	junit->failed = junit->failed || result < 0;
}

static const xmlChar *xml(const char *text)
{
	return (const xmlChar *)text;
}

static void open_element(struct pa_junit *junit, const char *name)
{
	check_library(junit, xmlTextWriterStartElement(junit->writer, xml(name)));
}

static void close_element(struct pa_junit *junit)
{
	check_library(junit, xmlTextWriterEndElement(junit->writer));
}

/* Text that is ours, or that went through pa_text_escape_xml(). */
static void attribute(struct pa_junit *junit, const char *name, const char *safe)
{
	check_library(junit, xmlTextWriterWriteAttribute(junit->writer, xml(name), xml(safe)));
}

static void number_attribute(struct pa_junit *junit, const char *name, size_t number)
{
	char text[32];
	snprintf(text, sizeof(text), "%zu", number);
	attribute(junit, name, text);
}

static void filtered_attribute(struct pa_junit *junit, const char *name, const char *text)
{
	struct pa_buffer safe = { 0 };
	pa_text_escape_xml(text, &safe);
	attribute(junit, name, safe.data ? safe.data : "");
	pa_buffer_done(&safe);
}

static void filtered_text(struct pa_junit *junit, const char *text)
{
	struct pa_buffer safe = { 0 };
	pa_text_escape_xml(text, &safe);
	if (safe.length)
		check_library(junit, xmlTextWriterWriteString(junit->writer, xml(safe.data)));
	pa_buffer_done(&safe);
}

static bool outcome_is(struct pa_junit_outcome outcome, const char *element)
{
	return outcome.element && strcmp(outcome.element, element) == 0;
}

/* --- suites ----------------------------------------------------------------------------------------------------- */
static void timestamp_attribute(struct pa_junit *junit)
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

static void time_attribute(struct pa_junit *junit, double seconds)
{
	char text[32];
	/* !(>= 0) also catches what is no number. */
	if (!(seconds >= 0) || seconds > 1e9)
		seconds = 0;
	snprintf(text, sizeof(text), "%.3f", seconds);
	attribute(junit, "time", text);
}

static void property(struct pa_junit *junit, const char *name, const char *value)
{
	open_element(junit, "property");
	attribute(junit, "name", name);
	filtered_attribute(junit, "value", value);
	close_element(junit);
}

/* In the first suite only; the others have the element, empty, because the schemas ask for it. */
static void add_properties(struct pa_junit *junit)
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

void pa_junit_count(struct pa_junit_counts *counts, struct pa_junit_outcome outcome)
{
	counts->tests++;
	counts->failures += outcome_is(outcome, "failure");
	counts->errors += outcome_is(outcome, "error");
	counts->skipped += outcome_is(outcome, "skipped");
}

void pa_junit_open_suite(struct pa_junit *junit, const char *name, const struct pa_junit_counts *counts, double seconds)
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
void pa_junit_close_suite(struct pa_junit *junit, const char *output)
{
	open_element(junit, "system-out");
	filtered_text(junit, output);
	close_element(junit);
	open_element(junit, "system-err");
	filtered_text(junit, "");
	close_element(junit);
	close_element(junit);
}

void pa_junit_name(const char *text, struct pa_buffer *out)
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

static void add_outcome(struct pa_junit *junit, const struct pa_junit_case *testcase)
{
	if (!testcase->outcome.element)
		return;
	open_element(junit, testcase->outcome.element);
	if (testcase->outcome.type)
		attribute(junit, "type", testcase->outcome.type);
	filtered_attribute(junit, "message", testcase->message);
	filtered_text(junit, testcase->details);
	close_element(junit);
}

void pa_junit_add(struct pa_junit *junit, const struct pa_junit_case *testcase)
{
	char class_name[64];
	snprintf(class_name, sizeof(class_name), "portaudit.%s", testcase->suite);
	open_element(junit, "testcase");
	attribute(junit, "classname", class_name);
	attribute(junit, "name", testcase->name);
	if (junit->extended && testcase->where && testcase->where->file) {
		filtered_attribute(junit, "file", testcase->where->file);
		if (testcase->where->line)
			number_attribute(junit, "line", testcase->where->line);
	}
	attribute(junit, "time", "0.000");
	add_outcome(junit, testcase);
	close_element(junit);
}

/* --- the document ------------------------------------------------------------------------------------------------- */
bool pa_junit_document(struct pa_junit *junit, void (*body)(struct pa_junit *junit, const void *context), const void *context,
		       struct pa_buffer *out)
{
	xmlBufferPtr document = xmlBufferCreate();
	if (!document)
		return false;
	junit->writer = xmlNewTextWriterMemory(document, 0);
	if (junit->writer) {
		check_library(junit, xmlTextWriterSetIndent(junit->writer, 1));
		check_library(junit, xmlTextWriterStartDocument(junit->writer, "1.0", "UTF-8", NULL));
		open_element(junit, "testsuites");
		body(junit, context);
		close_element(junit);
		check_library(junit, xmlTextWriterEndDocument(junit->writer));
		xmlFreeTextWriter(junit->writer);
	}
	bool good = junit->writer && !junit->failed;
	if (good)
		pa_buffer_add(out, xmlBufferContent(document), (size_t)xmlBufferLength(document));
	xmlBufferFree(document);
	pa_buffer_done(&junit->text);
	return good;
}

void pa_junit_sentences(const char *const *sentences, size_t number, struct pa_buffer *out)
{
	for (size_t i = 0; i < number; i++)
		pa_buffer_printf(out, "%s\n", sentences[i]);
}
