/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings, what was not assessed, and the sum, for people. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "fold.h"
#include "format.h"
#include "suggestion.h"

#define RULES_SHOWN 5	 /* rules of one finding */
#define RULE_COLUMNS 240 /* of one rule's text */

/* One labelled line of a finding; nothing when `text` is empty. Clears `text`. */
static void print_part(const struct pa_style *style, const char *label, struct pa_buffer *text, struct pa_buffer *out)
{
	if (text->length == 0)
		return;
	char lead[16];
	snprintf(lead, sizeof(lead), "    %-9s", label);
	pa_paragraph(style, PA_PAINT_NONE, lead, text->data, out);
	pa_buffer_clear(text);
}

static void print_rules(const struct pa_finding *finding, const struct pa_style *style, struct pa_buffer *out)
{
	size_t most = style->verbose ? SIZE_MAX : RULES_SHOWN;
	struct pa_buffer text = { 0 };
	for (size_t i = 0; i < finding->rule_count && i < most; i++) {
		pa_text_rule(finding->rules[i], style->verbose ? 0 : RULE_COLUMNS, &text);
		print_part(style, i ? "" : "where", &text, out);
	}
	if (finding->rule_count > most)
		pa_buffer_printf(out, "             ... and %zu more\n", finding->rule_count - most);
	pa_buffer_done(&text);
}

static void print_statement(const struct pa_statement *statement, struct pa_buffer *text)
{
	if (!statement)
		return;
	if (statement->where.file) {
		pa_text_escape(statement->where.file, text);
		pa_buffer_printf(text, ":%u: ", statement->where.line);
	}
	pa_text_escape(statement->text, text);
}

static void print_finding(const struct pa_finding *finding, const struct pa_style *style, struct pa_buffer *out)
{
	const struct pa_check_info *info = pa_check_info(finding->check);
	char lead[32];
	struct pa_buffer text = { 0 };
	snprintf(lead, sizeof(lead), "  %s  ", info->code);
	pa_text_escape(finding->message, &text);
	pa_hanging(style, pa_paint_of_severity(finding->severity), lead, PA_PAINT_STRONG, text.data ? text.data : "", out);
	pa_buffer_clear(&text);
	if (finding->has_row)
		pa_phrase_traffic(finding, &text);
	print_part(style, "traffic", &text, out);
	if (finding->certainty == PA_POSSIBLE)
		pa_text_escape(finding->condition ? finding->condition : "it depends on a test that packets do not decide",
			       &text);
	print_part(style, "only", &text, out);
	print_rules(finding, style, out);
	print_statement(finding->statement, &text);
	print_part(style, "policy", &text, out);
	if (finding->has_packet)
		pa_phrase_packet(&finding->packet, &text);
	print_part(style, "example", &text, out);
	pa_text_escape(info->why, &text);
	print_part(style, "why", &text, out);
	pa_text_escape(finding->fix, &text);
	print_part(style, "change", &text, out);
	pa_text_suggestion(finding, style, out);
	pa_buffer_putc(out, '\n');
	pa_buffer_done(&text);
}

static void print_heading(enum pa_severity severity, size_t count, const struct pa_style *style, struct pa_buffer *out)
{
	struct pa_buffer heading = { 0 };
	for (const char *letter = pa_severity_name(severity); *letter; letter++)
		pa_buffer_putc(&heading, (char)toupper((unsigned char)*letter));
	pa_buffer_printf(&heading, ": %zu finding%s", count, count == 1 ? "" : "s");
	pa_painted_text(style, pa_paint_of_severity(severity), heading.data, out);
	pa_buffer_puts(out, "\n\n");
	pa_buffer_done(&heading);
}

/* Waived findings, one line each: what, until when, why. */
void pa_text_waived(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	const struct pa_result *result = report->result;
	if (result->waived_count == 0 || !style->verbose)
		return;
	pa_painted_text(style, PA_PAINT_STRONG, "waived", out);
	pa_buffer_puts(out, " (the policy hides them until the day given)\n");
	for (size_t i = 0; i < result->waived_count; i++) {
		const struct pa_finding *finding = &result->waived[i];
		struct pa_buffer text = { 0 };
		char until[PA_DAY_TEXT_MAX];
		pa_day_format(finding->waiver->until, until);
		pa_buffer_printf(&text, "%s %s: ", pa_check_info(finding->check)->code, pa_severity_name(finding->severity));
		pa_text_escape(finding->message, &text);
		pa_buffer_printf(&text, "; until %s, ", until);
		if (finding->waiver->where.file) {
			pa_text_escape(finding->waiver->where.file, &text);
			pa_buffer_printf(&text, ":%u: ", finding->waiver->where.line);
		}
		pa_text_escape(finding->waiver->fields.reason ? finding->waiver->fields.reason : "no reason", &text);
		pa_paragraph(style, PA_PAINT_NONE, "  - ", text.data, out);
		pa_buffer_done(&text);
	}
	pa_buffer_putc(out, '\n');
}

static void print_known(const char *check, enum pa_severity severity, const char *message, const struct pa_style *style,
			struct pa_buffer *out)
{
	struct pa_buffer text = { 0 };
	pa_text_escape(check, &text);
	pa_buffer_printf(&text, " %s: ", pa_severity_name(severity));
	pa_text_escape(message, &text);
	pa_paragraph(style, PA_PAINT_NONE, "  - ", text.data, out);
	pa_buffer_done(&text);
}

static void print_known_heading(const char *what, const char *baseline, const char *explained, const struct pa_style *style,
				struct pa_buffer *out)
{
	pa_painted_text(style, PA_PAINT_STRONG, what, out);
	pa_buffer_putc(out, ' ');
	pa_text_escape(baseline, out);
	pa_buffer_puts(out, explained);
}

/* A hole that became wider is another finding. */
static bool is_found_otherwise(const struct pa_result *result, const struct pa_known_finding *known)
{
	for (size_t i = 0; i < result->finding_count; i++)
		if (strcmp(pa_check_info(result->findings[i].check)->code, known->check) == 0)
			return true;
	return false;
}

/* Findings that the baseline has, and what it has and is gone: one line each. */
void pa_text_known(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	const struct pa_result *result = report->result;
	if (result->known_count && style->verbose) {
		print_known_heading("known from", result->baseline, " (they do not fail the run)\n", style, out);
		for (size_t i = 0; i < result->known_count; i++)
			print_known(pa_check_info(result->known[i].check)->code, result->known[i].severity,
				    result->known[i].message, style, out);
		pa_buffer_putc(out, '\n');
	}
	if (result->vanished_count && !style->quiet) {
		print_known_heading("gone since", result->baseline,
				    " (record a new baseline, so that they cannot come back unseen)\n", style, out);
		for (size_t i = 0; i < result->vanished_count; i++) {
			const struct pa_known_finding *known = result->vanished[i];
			struct pa_buffer message = { 0 };
			pa_buffer_printf(&message, "%s%s", known->message,
					 is_found_otherwise(result, known) ? " (or it is part of a new finding)" : "");
			print_known(known->check, known->severity, message.data, style, out);
			pa_buffer_done(&message);
		}
		pa_buffer_putc(out, '\n');
	}
}

/* Findings are sorted by severity: one heading where it changes. */
void pa_text_findings(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	const struct pa_result *result = report->result;
	for (size_t start = 0, end; start < result->finding_count; start = end) {
		enum pa_severity severity = result->findings[start].severity;
		for (end = start + 1; end < result->finding_count && result->findings[end].severity == severity;)
			end++;
		print_heading(severity, end - start, style, out);
		for (size_t i = start; i < end; i++)
			print_finding(&result->findings[i], style, out);
	}
}

/* The codes of all checks with this status and reason, with commas. */
static size_t print_codes(const struct pa_result *result, enum pa_check_status status, const char *reason,
			  struct pa_buffer *text)
{
	size_t count = 0;
	for (enum pa_check_id check = 0; check < PA_CHECK_COUNT; check++) {
		if (result->checks[check].status != status || !pa_text_equal(result->checks[check].reason, reason))
			continue;
		pa_buffer_printf(text, "%s%s", count++ ? ", " : "", pa_check_info(check)->code);
	}
	return count;
}

static bool reason_seen_before(const struct pa_result *result, enum pa_check_id check)
{
	for (enum pa_check_id other = 0; other < check; other++)
		if (result->checks[other].status == result->checks[check].status &&
		    pa_text_equal(result->checks[other].reason, result->checks[check].reason))
			return true;
	return false;
}

static void print_unassessed_checks(const struct pa_result *result, const struct pa_style *style, struct pa_buffer *out)
{
	struct pa_buffer text = { 0 };
	for (enum pa_check_id check = 0; check < PA_CHECK_COUNT; check++) {
		const struct pa_check_result *entry = &result->checks[check];
		if (entry->status != PA_STATUS_NOT_ASSESSED || reason_seen_before(result, check))
			continue;
		pa_text_escape(entry->reason ? entry->reason : "no reason is known", &text);
		pa_buffer_puts(&text, ": ");
		print_codes(result, entry->status, entry->reason, &text);
		pa_paragraph(style, PA_PAINT_FAINT, "  - ", text.data, out);
		pa_buffer_clear(&text);
	}
	pa_buffer_done(&text);
}

static size_t count_checks(const struct pa_result *result, enum pa_check_status status)
{
	size_t count = 0;
	for (enum pa_check_id check = 0; check < PA_CHECK_COUNT; check++)
		count += result->checks[check].status == status;
	return count;
}

void pa_text_not_assessed(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	const struct pa_result *result = report->result;
	if (result->not_assessed_count == 0 && count_checks(result, PA_STATUS_NOT_ASSESSED) == 0)
		return;
	pa_painted_text(style, PA_PAINT_STRONG, "not assessed", out);
	pa_buffer_puts(out, " (neither passed nor failed)\n");
	pa_text_items(style, result->not_assessed, result->not_assessed_count, out);
	print_unassessed_checks(result, style, out);
	pa_buffer_putc(out, '\n');
}

static void print_passed(const struct pa_result *result, struct pa_buffer *text)
{
	size_t count = count_checks(result, PA_STATUS_PASSED);
	pa_buffer_printf(text, "%zu check%s passed, %zu failed, %zu not assessed", count, count == 1 ? "" : "s",
			 count_checks(result, PA_STATUS_FAILED), count_checks(result, PA_STATUS_NOT_ASSESSED));
	if (count_checks(result, PA_STATUS_WAIVED))
		pa_buffer_printf(text, ", %zu waived", count_checks(result, PA_STATUS_WAIVED));
	if (count_checks(result, PA_STATUS_KNOWN))
		pa_buffer_printf(text, ", %zu known", count_checks(result, PA_STATUS_KNOWN));
	if (count_checks(result, PA_STATUS_OFF))
		pa_buffer_printf(text, ", %zu off", count_checks(result, PA_STATUS_OFF));
}

static void print_statements(const struct pa_result *result, struct pa_buffer *text)
{
	size_t counts[PA_STATUS_OFF + 1] = { 0 };
	if (result->statement_count == 0)
		return;
	for (size_t i = 0; i < result->statement_count; i++)
		counts[result->statements[i].status]++;
	pa_buffer_printf(text, "; policy: %zu line%s, %zu fail%s, %zu not assessed", counts[PA_STATUS_PASSED],
			 counts[PA_STATUS_PASSED] == 1 ? " holds" : "s hold", counts[PA_STATUS_FAILED],
			 counts[PA_STATUS_FAILED] == 1 ? "s" : "", counts[PA_STATUS_NOT_ASSESSED]);
	if (counts[PA_STATUS_WAIVED])
		pa_buffer_printf(text, ", %zu waived", counts[PA_STATUS_WAIVED]);
	if (counts[PA_STATUS_KNOWN])
		pa_buffer_printf(text, ", %zu known", counts[PA_STATUS_KNOWN]);
}

/* "3 findings: 1 critical, 2 high", in the colour of the worst. */
static void print_sum(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	const struct pa_result *result = report->result;
	size_t counts[PA_SEVERITY_CRITICAL + 1] = { 0 };
	struct pa_buffer text = { 0 };
	for (size_t i = 0; i < result->finding_count; i++)
		counts[result->findings[i].severity]++;
	enum pa_paint paint = report->complete ? PA_PAINT_GOOD : PA_PAINT_WARN;
	if (result->finding_count == 0) {
		pa_buffer_puts(&text, result->known_count ? "no new findings" : "no findings");
		pa_buffer_puts(&text, report->complete ? "" : ", but the audit is not complete");
	} else {
		paint = pa_paint_of_severity(result->findings[0].severity);
		pa_buffer_printf(&text, "%zu %sfinding%s", result->finding_count, result->baseline ? "new " : "",
				 result->finding_count == 1 ? "" : "s");
		const char *before = ": ";
		for (int severity = PA_SEVERITY_CRITICAL; severity >= 0; severity--) {
			if (counts[severity] == 0)
				continue;
			pa_buffer_printf(&text, "%s%zu %s", before, counts[severity],
					 pa_severity_name((enum pa_severity)severity));
			before = ", ";
		}
	}
	pa_painted_text(style, paint, text.data, out);
	pa_buffer_done(&text);
}

void pa_text_summary(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	const struct pa_result *result = report->result;
	struct pa_buffer text = { 0 };
	print_sum(report, style, out);
	size_t low = 0;
	for (size_t i = 0; i < result->finding_count; i++)
		low += result->findings[i].severity < report->fail_on;
	if (low)
		pa_buffer_printf(out, " (%zu below '%s', which do not fail the run)", low, pa_severity_name(report->fail_on));
	if (result->waived_count)
		pa_buffer_printf(out, "; %zu waived%s", result->waived_count, style->verbose ? "" : " (-v shows them)");
	if (result->known_count)
		pa_buffer_printf(out, "; %zu known%s", result->known_count, style->verbose ? "" : " (-v shows them)");
	if (result->vanished_count)
		pa_buffer_printf(out, "; %zu gone", result->vanished_count);
	pa_buffer_putc(out, '\n');
	print_passed(result, &text);
	print_statements(result, &text);
	pa_paragraph(style, PA_PAINT_NONE, "", text.data, out);
	if (style->verbose) {
		pa_buffer_clear(&text);
		pa_buffer_puts(&text, "passed: ");
		if (print_codes(result, PA_STATUS_PASSED, NULL, &text))
			pa_paragraph(style, PA_PAINT_FAINT, "", text.data, out);
	}
	pa_buffer_done(&text);
}
