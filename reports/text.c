/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report for people: what matters first, then the details, then the sum. */
#include <string.h>

#include "fold.h"
#include "format.h"
#include "phrase.h"
#include "utf8.h"

void pa_text_items(const struct pa_style *style, const char *const *items, size_t count, struct pa_buffer *out)
{
	for (size_t i = 0; i < count; i++) {
		struct pa_buffer text = { 0 };
		pa_text_escape(items[i], &text);
		pa_paragraph(style, PA_PAINT_NONE, "  - ", text.data ? text.data : "", out);
		pa_buffer_done(&text);
	}
}

/* A report that is not complete must not look like one that is: this stands above everything else. */
static void print_incomplete(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	if (report->complete)
		return;
	pa_painted_text(style, PA_PAINT_CRITICAL, "NOT COMPLETE:", out);
	pa_buffer_puts(out, " there may be more than is shown here.\n");
	pa_text_items(style, report->incomplete, report->incomplete_count, out);
	pa_buffer_putc(out, '\n');
}

void pa_text_rule(const struct pa_rule *rule, unsigned most, struct pa_buffer *out)
{
	pa_phrase_place(rule, out);
	struct pa_buffer text = { 0 };
	pa_text_escape(rule->text, &text);
	if (text.length) {
		const char *rest = text.data;
		pa_buffer_puts(out, ": ");
		pa_buffer_add(out, text.data, pa_fold_next(&rest, most));
		pa_buffer_puts(out, rest ? " ..." : "");
	}
	pa_buffer_clear(&text);
	if (rule->comment && !(rule->text && strstr(rule->text, rule->comment))) {
		pa_text_escape(rule->comment, &text);
		pa_buffer_printf(out, " \"%s\"", text.data ? text.data : "");
	}
	pa_buffer_done(&text);
}

bool pa_format_text(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	print_incomplete(report, style, out);
	bool with_list = !report->result || (!report->policy && !style->quiet);
	if (with_list)
		pa_text_list(report, style, out);
	if (!report->result)
		return true;
	if (with_list)
		pa_buffer_putc(out, '\n');
	else if (report->no_firewall)
		pa_painted_text(style, PA_PAINT_CRITICAL, "no firewall: everything is reachable\n\n", out);
	pa_text_findings(report, style, out);
	pa_text_known(report, style, out);
	pa_text_waived(report, style, out);
	if (!style->quiet)
		pa_text_not_assessed(report, style, out);
	pa_text_summary(report, style, out);
	return true;
}
