/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Workflow commands of GitHub Actions: in values % and ends of lines are escaped, in properties also : and , (core/src/command.ts). */
#include "github_parts.h"

#include <string.h>

enum { SHOWN_MAX = 10 };

void pa_github_escape(const char *text, bool property, struct pa_buffer *out)
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

/* Ends of lines are ours: outside text has none any more. */
static void put_message(const char *message, struct pa_buffer *out)
{
	while (message) {
		const char *end = strchr(message, '\n');
		struct pa_buffer line = { 0 };
		pa_buffer_add(&line, message, end ? (size_t)(end - message) : strlen(message));
		pa_github_escape(line.data ? line.data : "", false, out);
		pa_buffer_puts(out, end ? "%0A" : "\n");
		pa_buffer_done(&line);
		message = end ? end + 1 : NULL;
	}
}

static void put_place(const struct pa_location *where, struct pa_buffer *out)
{
	if (!where)
		return;
	const char *file = where->file;
	while (strncmp(file, "./", 2) == 0)
		file += 2;
	pa_buffer_puts(out, "file=");
	pa_github_escape(file, true, out);
	if (where->line)
		pa_buffer_printf(out, ",line=%u", where->line);
	pa_buffer_putc(out, ',');
}

void pa_github_annotate(struct pa_github *github, enum pa_github_kind kind, const struct pa_location *where, const char *title,
			const char *message)
{
	static const char *const commands[PA_GITHUB_KINDS] = { "error", "warning", "notice" };
	if (github->counts[kind]++ >= SHOWN_MAX) {
		github->hidden++;
		return;
	}
	pa_buffer_printf(github->out, "::%s ", commands[kind]);
	put_place(where, github->out);
	pa_buffer_puts(github->out, "title=");
	pa_github_escape(title, true, github->out);
	pa_buffer_puts(github->out, "::");
	put_message(message, github->out);
}

void pa_github_incomplete(struct pa_github *github, const char *title, const char *const *sentences, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		pa_buffer_printf(github->out, "::error title=%s::", title);
		pa_github_escape(sentences[i], false, github->out);
		pa_buffer_putc(github->out, '\n');
	}
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

void pa_github_counts(const struct pa_github *github)
{
	size_t errors = github->counts[PA_GITHUB_ERROR], warnings = github->counts[PA_GITHUB_WARNING],
	       notices = github->counts[PA_GITHUB_NOTICE];
	pa_buffer_printf(github->out, " (%zu error%s, %zu warning%s, %zu notice%s)", errors, plural(errors), warnings,
			 plural(warnings), notices, plural(notices));
	if (github->hidden)
		pa_buffer_printf(github->out, "; %zu without an annotation: GitHub shows ten of each kind", github->hidden);
}
