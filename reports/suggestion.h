/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The suggestion of a finding, in words and as JSON. */
#ifndef PORTAUDIT_REPORTS_SUGGESTION_H
#define PORTAUDIT_REPORTS_SUGGESTION_H

#include "fold.h"
#include "json_writer.h"

/* Lines of a finding: the edit, its commands, what was proved; or that there is none. Nothing when nobody asked. */
void pa_text_suggestion(const struct pa_finding *finding, const struct pa_style *style, struct pa_buffer *out);
/* The same without layout, for reports that hold it as text: a line each. */
void pa_text_suggestion_plain(const struct pa_finding *finding, struct pa_buffer *out);
/* The member "suggestion"; none when nobody asked. */
void pa_json_suggestion(struct pa_json *json, const struct pa_finding *finding);

#endif
