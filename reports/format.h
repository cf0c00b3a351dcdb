/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The writers of format.def. Each appends its whole document, or returns false and leaves nothing usable. */
#ifndef PORTAUDIT_REPORTS_FORMAT_H
#define PORTAUDIT_REPORTS_FORMAT_H

#include "portaudit/report.h"

#define FORMAT(id, name, writer, difference, description) \
	bool writer(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out);
#include "portaudit/format.def"
#undef FORMAT

/* The same for two rulesets. */
bool pa_difference_text(const struct pa_difference_report *report, const struct pa_style *style, struct pa_buffer *out);
bool pa_difference_json(const struct pa_difference_report *report, const struct pa_style *style, struct pa_buffer *out);
bool pa_difference_junit(const struct pa_difference_report *report, const struct pa_style *style, struct pa_buffer *out);
bool pa_difference_junit_ext(const struct pa_difference_report *report, const struct pa_style *style, struct pa_buffer *out);
bool pa_difference_sarif(const struct pa_difference_report *report, const struct pa_style *style, struct pa_buffer *out);
bool pa_difference_github(const struct pa_difference_report *report, const struct pa_style *style, struct pa_buffer *out);
bool pa_difference_csv(const struct pa_difference_report *report, const struct pa_style *style, struct pa_buffer *out);
bool pa_difference_html(const struct pa_difference_report *report, const struct pa_style *style, struct pa_buffer *out);
/* One change without colours and folding, for reports that hold it as text. */
void pa_text_change(const struct pa_change *change, struct pa_buffer *out);

/* Parts of the text format (text_list.c, text_check.c). */
void pa_text_list(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out);
/* The table alone. */
void pa_text_rows(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out);
void pa_text_findings(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out);
void pa_text_known(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out);
void pa_text_waived(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out);
void pa_text_not_assessed(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out);
void pa_text_summary(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out);

/* A list of sentences, each a paragraph of its own behind a dash. */
void pa_text_items(const struct pa_style *style, const char *const *items, size_t count, struct pa_buffer *out);

/* "inet filter input handle 5: tcp dport 22 accept", long texts cut after `most` columns (0: not). */
void pa_text_rule(const struct pa_rule *rule, unsigned most, struct pa_buffer *out);

/* "in-accept", "drop", "depends" */
const char *pa_fate_word(const struct pa_walk *walk);

/* Where a finding is to be mended: its first rule that stands in a file, else the line of the policy, else NULL. */
const struct pa_location *pa_finding_place(const struct pa_finding *finding);
/* Does the finding make the run fail? Waived ones do not. */
bool pa_finding_fails(const struct pa_finding *finding, const struct pa_report *report);

#endif
