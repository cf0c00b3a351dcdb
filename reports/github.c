/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Workflow commands of GitHub Actions, one line for each finding:
 *
 *     ::error file=fw.nft,line=12,title=PA-EXP-001 (high)::message
 *
 * The most severe findings come first, and a summary says how many there are.
 */
#include "format.h"
#include "github_parts.h"

/* What does not make the run fail is no error. */
static enum pa_github_kind kind_of(const struct pa_finding *finding, const struct pa_report *report)
{
	if (!pa_finding_fails(finding, report))
		return PA_GITHUB_NOTICE;
	return finding->severity >= PA_SEVERITY_HIGH ? PA_GITHUB_ERROR : PA_GITHUB_WARNING;
}

static void print_finding(struct pa_github *github, const struct pa_finding *finding, const struct pa_report *report)
{
	struct pa_buffer title = { 0 }, text = { 0 };
	pa_buffer_printf(&title, "%s (%s)", pa_check_info(finding->check)->code, pa_severity_name(finding->severity));
	pa_text_escape(finding->message, &text);
	if (finding->fix) {
		pa_buffer_puts(&text, "\nTo change it: ");
		pa_text_escape(finding->fix, &text);
	}
	pa_github_annotate(github, kind_of(finding, report), pa_finding_place(finding), title.data, text.data);
	pa_buffer_done(&title);
	pa_buffer_done(&text);
}

bool pa_format_github(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	const struct pa_result *result = report->result;
	struct pa_github github = { .out = out };
	pa_github_incomplete(&github, "the audit is not complete", report->incomplete, report->incomplete_count);
	if (!result) {
		pa_text_list(report, style, out);
		return true;
	}
	for (size_t i = 0; i < result->finding_count; i++)
		print_finding(&github, &result->findings[i], report);
	pa_buffer_printf(out, "portaudit: %zu finding%s", result->finding_count, result->finding_count == 1 ? "" : "s");
	pa_github_counts(&github);
	if (result->waived_count)
		pa_buffer_printf(out, ", %zu waived", result->waived_count);
	if (result->known_count)
		pa_buffer_printf(out, ", %zu known from the baseline", result->known_count);
	if (result->vanished_count)
		pa_buffer_printf(out, ", %zu gone since", result->vanished_count);
	pa_buffer_putc(out, '\n');
	return true;
}
