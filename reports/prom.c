/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers in the OpenMetrics text format (1.0), for the textfile collector of node_exporter: how many findings by check and
 * severity, waived ones apart, whether the audit was complete, and when it was made.
 */
#include <string.h>

#include "format.h"

/* Label values: backslash, quote and end of line are escaped; the text is UTF-8. */
static void print_value(const char *text, struct pa_buffer *out)
{
	struct pa_buffer safe = { 0 };
	pa_text_escape(text ? text : "", &safe);
	for (const char *at = safe.data ? safe.data : ""; *at; at++) {
		if (*at == '\\' || *at == '"')
			pa_buffer_putc(out, '\\');
		if (*at == '\n')
			pa_buffer_puts(out, "\\n");
		else
			pa_buffer_putc(out, *at);
	}
	pa_buffer_done(&safe);
}

static void print_head(const char *name, const char *help, struct pa_buffer *out)
{
	pa_buffer_printf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void print_host(const struct pa_report *report, struct pa_buffer *out)
{
	pa_buffer_puts(out, "{host=\"");
	print_value(report->host, out);
	pa_buffer_putc(out, '"');
}

static void print_gauge(const struct pa_report *report, const char *name, const char *help, long long value,
			struct pa_buffer *out)
{
	print_head(name, help, out);
	pa_buffer_puts(out, name);
	print_host(report, out);
	pa_buffer_printf(out, "} %lld\n", value);
}

static size_t count_findings(const struct pa_finding *findings, size_t count, enum pa_check_id check, enum pa_severity severity)
{
	size_t found = 0;
	for (size_t i = 0; i < count; i++)
		found += findings[i].check == check && findings[i].severity == severity;
	return found;
}

/* Checks without a finding are there with 0 in their own severity: a series that ends is not a finding that is gone. */
static void print_findings(const struct pa_report *report, const char *name, const char *help,
			   const struct pa_finding *findings, size_t count, struct pa_buffer *out)
{
	print_head(name, help, out);
	for (enum pa_check_id check = 0; check < PA_CHECK_COUNT; check++) {
		enum pa_check_status status = report->result->checks[check].status;
		if (status == PA_STATUS_NOT_ASSESSED || status == PA_STATUS_OFF)
			continue;
		for (enum pa_severity severity = 0; severity <= PA_SEVERITY_CRITICAL; severity++) {
			size_t found = count_findings(findings, count, check, severity);
			if (found == 0 && severity != pa_check_info(check)->severity)
				continue;
			pa_buffer_puts(out, name);
			print_host(report, out);
			pa_buffer_printf(out, ",check=\"%s\",severity=\"%s\"} %zu\n", pa_check_info(check)->code,
					 pa_severity_name(severity), found);
		}
	}
}

static void print_checks(const struct pa_report *report, struct pa_buffer *out)
{
	static const char *const words[] = { [PA_STATUS_PASSED] = "passed",
					     [PA_STATUS_FAILED] = "failed",
					     [PA_STATUS_WAIVED] = "waived",
					     [PA_STATUS_KNOWN] = "known",
					     [PA_STATUS_NOT_ASSESSED] = "not-assessed",
					     [PA_STATUS_OFF] = "off" };
	size_t counts[PA_STATUS_OFF + 1] = { 0 };
	print_head("portaudit_checks", "Checks by what became of them.", out);
	for (enum pa_check_id check = 0; check < PA_CHECK_COUNT; check++)
		counts[report->result->checks[check].status]++;
	for (unsigned status = 0; status <= PA_STATUS_OFF; status++) {
		pa_buffer_puts(out, "portaudit_checks");
		print_host(report, out);
		pa_buffer_printf(out, ",status=\"%s\"} %zu\n", words[status], counts[status]);
	}
}

static size_t count_failing(const struct pa_report *report)
{
	size_t count = 0;
	for (size_t i = 0; i < report->result->finding_count; i++)
		count += pa_finding_fails(&report->result->findings[i], report);
	return count;
}

bool pa_format_prom(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out)
{
	const struct pa_result *result = report->result;
	(void)style;
	print_gauge(report, "portaudit_complete", "1: the audit was complete; 0: there may be more than was found.",
		    report->complete && !report->rows_cut, out);
	print_gauge(report, "portaudit_time_seconds", "When the audit was made, in seconds since 1970.", (long long)report->now,
		    out);
	if (result) {
		print_gauge(report, "portaudit_failing_findings", "Findings that make the run fail.",
			    (long long)count_failing(report), out);
		print_findings(report, "portaudit_findings", "Findings by check and severity.", result->findings,
			       result->finding_count, out);
		print_findings(report, "portaudit_waived_findings", "Findings that the policy waives.", result->waived,
			       result->waived_count, out);
		if (result->baseline)
			print_findings(report, "portaudit_known_findings", "Findings that the baseline has.", result->known,
				       result->known_count, out);
		print_checks(report, out);
	} else {
		print_gauge(report, "portaudit_exposures", "Rows of what is reachable.", (long long)report->row_count, out);
	}
	pa_buffer_puts(out, "# EOF\n");
	return true;
}
