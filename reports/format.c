/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of formats. */
#include "format.h"

#include <strings.h>

struct format_row {
	const char *name;
	bool (*write)(const struct pa_report *report, const struct pa_style *style, struct pa_buffer *out);
};

static const struct format_row formats[PA_FORMAT_COUNT] = {
#define FORMAT(id, name_, writer, description) [PA_FORMAT_##id] = { .name = name_, .write = writer },
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

bool pa_report_format(enum pa_format format, const struct pa_report *report, const struct pa_style *style,
		      struct pa_buffer *out)
{
	return formats[format].write(report, style, out);
}

bool pa_report_difference(enum pa_format format, const struct pa_difference_report *report, const struct pa_style *style,
			  struct pa_buffer *out)
{
	switch (format) {
	case PA_FORMAT_TEXT:
		return pa_difference_text(report, style, out);
	case PA_FORMAT_JSON:
		return pa_difference_json(report, out);
	case PA_FORMAT_JUNIT:
		return pa_difference_junit(report, out);
	case PA_FORMAT_COUNT:
		break;
	}
	return false;
}
