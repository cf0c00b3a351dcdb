/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Workflow commands of GitHub Actions, one line for each finding:
 *
 *     ::error file=fw.nft,line=12,title=PA-EXP-001 (high)::message
 *
 * GitHub shows ten errors, ten warnings and ten notices of a step: the most severe findings come first, and a summary says how
 * many there are. In values % and ends of lines are escaped, in properties also : and , (toolkit, core/src/command.ts).
 */
#include <string.h>

#include "format.h"

enum { SHOWN_MAX = 10 };

static void escape(const char *text, bool property, struct pa_buffer *out)
{
	struct pa_buffer safe = { 0 };
	pa_text_escape(text, &safe);
	for (const char *at = safe.data ? safe.data : ""; *at; at++) {
		bool special = *at == '%' || *at == '\r' || *at == '\n' || (property && (*at == ':' || *at == ','));
		if (special)
			pa_buffer_printf(out, "%%%02X", (unsigned)(unsigned char)*at);
		else
			pa_buffer_putc(out, *at);
	}
	pa_buffer_done(&safe);
}

enum kind { KIND_ERROR, KIND_WARNING, KIND_NOTICE, KIND_COUNT };
static const char *const commands[KIND_COUNT] = { "error", "warning", "notice" };

/* What does not make the run fail is no error. */
static enum kind kind_of(const struct pa_finding *finding, const struct pa_report *report)
{
	if (!pa_finding_fails(finding, report))
		return KIND_NOTICE;
	return finding->severity >= PA_SEVERITY_HIGH ? KIND_ERROR : KIND_WARNING;
}

static void print_place(const struct pa_finding *finding, struct pa_buffer *out)
{
	const struct pa_location *place = pa_finding_place(finding);
	if (!place)
		return;
	const char *file = place->file;
	while (strncmp(file, "./", 2) == 0)
		file += 2;
	pa_buffer_puts(out, "file=");
	escape(file, true, out);
	if (place->line)
		pa_buffer_printf(out, ",line=%u", place->line);
	pa_buffer_putc(out, ',');
}

static void print_finding(const struct pa_finding *finding, enum kind kind, struct pa_buffer *out)
{
	pa_buffer_printf(out, "::%s ", commands[kind]);
	print_place(finding, out);
	pa_buffer_printf(out, "title=%s (%s)::", pa_check_info(finding->check)->code, pa_severity_name(finding->severity));
	escape(finding->message, false, out);
	if (finding->fix) {
		pa_buffer_puts(out, "%0ATo change it: ");
		escape(finding->fix, false, out);
	}
	pa_buffer_putc(out, '\n');
}

static void print_summary(const struct pa_result *result, const size_t counts[KIND_COUNT], size_t hidden, struct pa_buffer *out)
{
	size_t all = counts[KIND_ERROR] + counts[KIND_WARNING] + counts[KIND_NOTICE];
	pa_buffer_printf(out, "portaudit: %zu finding%s (%zu error%s, %zu warning%s, %zu notice%s)", all, all == 1 ? "" : "s",
			 counts[KIND_ERROR], counts[KIND_ERROR] == 1 ? "" : "s", counts[KIND_WARNING],
			 counts[KIND_WARNING] == 1 ? "" : "s", counts[KIND_NOTICE], counts[KIND_NOTICE] == 1 ? "" : "s");
	if (result->waived_count)
		pa_buffer_printf(out, ", %zu waived", result->waived_count);
	if (hidden)
		pa_buffer_printf(out, "; %zu without an annotation: GitHub shows ten of each kind", hidden);
	pa_buffer_putc(out, '\n');
}

bool pa_format_github(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	const struct pa_result *result = report->result;
	size_t counts[KIND_COUNT] = { 0 }, hidden = 0;
	(void)style;
	for (size_t i = 0; i < report->incomplete_count; i++) {
		pa_buffer_puts(out, "::error title=the audit is not complete::");
		escape(report->incomplete[i], false, out);
		pa_buffer_putc(out, '\n');
	}
	if (!result) {
		pa_text_list(report, style, out);
		return true;
	}
	for (size_t i = 0; i < result->finding_count; i++) {
		enum kind kind = kind_of(&result->findings[i], report);
		if (counts[kind]++ < SHOWN_MAX)
			print_finding(&result->findings[i], kind, out);
		else
			hidden++;
	}
	print_summary(result, counts, hidden, out);
	return true;
}
