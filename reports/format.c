/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of formats. */
#include "format.h"

#include <strings.h>

struct format_row {
	const char *name;
	bool (*write)(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out);
	bool (*difference)(const struct pa_difference_report *report, const struct pa_style *style, struct pa_buffer *out);
};

static const struct format_row formats[PA_FORMAT_COUNT] = {
#define FORMAT(id, name_, writer, difference_, description) \
	[PA_FORMAT_##id] = { .name = name_, .write = writer, .difference = difference_ },
#include "portaudit/format.def"
#undef FORMAT
};

bool pa_format_parse(const char *name, enum pa_format *ret_format)
{
	for (enum pa_format format = 0; format < PA_FORMAT_COUNT; format++) {
		if (strcasecmp(name, formats[format].name) == 0) {
			*ret_format = format;
			return true;
		}
	}
	return false;
}

const char *pa_format_name(enum pa_format format)
{
	return formats[format].name;
}

const struct pa_location *pa_finding_place(const struct pa_finding *finding)
{
	for (size_t i = 0; i < finding->rule_count; i++)
		if (finding->rules[i]->where.file)
			return &finding->rules[i]->where;
	return finding->statement && finding->statement->where.file ? &finding->statement->where : NULL;
}

bool pa_finding_fails(const struct pa_finding *finding, const struct pa_report *report)
{
	return !finding->waiver && finding->severity >= report->fail_on;
}

bool pa_report_format(enum pa_format format, const struct pa_report *report, const struct pa_style *style,
		      struct pa_buffer *out)
{
	return formats[format].write(report, style, out);
}

bool pa_report_difference(enum pa_format format, const struct pa_difference_report *report, const struct pa_style *style,
			  struct pa_buffer *out)
{
	return formats[format].difference && formats[format].difference(report, style, out);
}

bool pa_format_has_difference(enum pa_format format)
{
	return formats[format].difference != NULL;
}
