/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts that several pages share. `text` is from outside and is escaped; `markup` is ours. */
#ifndef PORTAUDIT_REPORTS_HTML_PARTS_H
#define PORTAUDIT_REPORTS_HTML_PARTS_H

#include "portaudit/report.h"

void pa_html_put(struct pa_buffer *out, const char *markup);
void pa_html_text(struct pa_buffer *out, const char *text);
/* <name>text</name> */
void pa_html_element(struct pa_buffer *out, const char *name, const char *text);
/* A term and its description; nothing when there is nothing to say. Clears `text`. */
void pa_html_term(struct pa_buffer *out, const char *term, struct pa_buffer *text, bool code);
/* A cell of a table. Clears `text`. */
void pa_html_cell(struct pa_buffer *out, struct pa_buffer *text);
/* `columns` ends with NULL. */
void pa_html_open_table(struct pa_buffer *out, const char *caption, const char *const *columns);
void pa_html_close_table(struct pa_buffer *out);

/* The page as far as its heading and, in a paragraph that is left open, the time; the caller names what was read. */
void pa_html_open(struct pa_buffer *out, const char *heading, const char *host, int64_t now);
void pa_html_sources(struct pa_buffer *out, const struct pa_ruleset *ruleset);
/* Why more may be true than the page says. */
void pa_html_incomplete(struct pa_buffer *out, const char *const *sentences, size_t count);
void pa_html_close(struct pa_buffer *out);

#endif
