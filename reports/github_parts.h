/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Workflow commands of GitHub Actions. GitHub shows ten errors, ten warnings and ten notices of a step: more are counted, not
 * written.
 */
#ifndef PORTAUDIT_REPORTS_GITHUB_PARTS_H
#define PORTAUDIT_REPORTS_GITHUB_PARTS_H

#include "portaudit/report.h"

enum pa_github_kind { PA_GITHUB_ERROR, PA_GITHUB_WARNING, PA_GITHUB_NOTICE, PA_GITHUB_KINDS };
struct pa_github {
	struct pa_buffer *out;
	size_t counts[PA_GITHUB_KINDS]; /* of all annotations, those that are not written as well */
	size_t hidden;
};

/* Text as the value of a command, or, `property`, of one of its properties (toolkit, core/src/command.ts). */
void pa_github_escape(const char *text, bool property, struct pa_buffer *out);
/* One annotation; ends of lines in the message are kept. `where` may be NULL. */
void pa_github_annotate(struct pa_github *github, enum pa_github_kind kind, const struct pa_location *where, const char *title,
			const char *message);
/* Errors that always are written, and are not counted. */
void pa_github_incomplete(struct pa_github *github, const char *title, const char *const *sentences, size_t count);
/* " (1 error, 0 warnings, 2 notices)", and what was not written */
void pa_github_counts(const struct pa_github *github);

#endif
