/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The elements of JUnit XML that several documents share: suites with all their attributes, testcases with at most one outcome. Text is
 * filtered before libxml2 sees it.
 */
#ifndef PORTAUDIT_REPORTS_JUNIT_PARTS_H
#define PORTAUDIT_REPORTS_JUNIT_PARTS_H

#include <libxml/xmlwriter.h>

#include "portaudit/report.h"

/* A document that is being written. */
struct pa_junit {
	const struct pa_report *report; /* host, now, command, sources */
	xmlTextWriterPtr writer;
	bool failed;   /* the library said no */
	bool extended; /* testcases have the attributes file and line, which the strict schemas do not know */
	unsigned suites;
	struct pa_buffer text; /* for whoever needs a text for a moment */
};

/* What became of a testcase, known before it is written: a suite's attributes count them. */
struct pa_junit_outcome {
	const char *element; /* "failure", "error", "skipped", or NULL: passed */
	const char *type;
};
struct pa_junit_counts {
	size_t tests, failures, errors, skipped;
};
void pa_junit_count(struct pa_junit_counts *counts, struct pa_junit_outcome outcome);

/* One testcase. `name` went through pa_junit_name(); `where` may be NULL. */
struct pa_junit_case {
	const char *suite, *name;
	struct pa_junit_outcome outcome;
	const char *message, *details;
	const struct pa_location *where;
};

void pa_junit_open_suite(struct pa_junit *junit, const char *name, const struct pa_junit_counts *counts, double seconds);
/* `output` goes into system-out. */
void pa_junit_close_suite(struct pa_junit *junit, const char *output);
void pa_junit_add(struct pa_junit *junit, const struct pa_junit_case *testcase);
/* Blanks in names are folded: the schemas say xs:token, and readers compare names byte by byte. Filtered as well. */
void pa_junit_name(const char *text, struct pa_buffer *out);

/* The document around what `body` writes. false: the library failed, nothing usable was written. */
bool pa_junit_document(struct pa_junit *junit, void (*body)(struct pa_junit *junit, const void *context), const void *context,
		       struct pa_buffer *out);

#endif
