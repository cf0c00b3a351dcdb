/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "script_error.h"

#include <string.h>

/* --- reading ----------------------------------------------------------------------------------------------- */

static bool take_number(const char **at, const char *end, uint32_t *ret_number)
{
	uint32_t number = 0;
	const char *start = *at;

	for (; *at < end && **at >= '0' && **at <= '9' && *at - start < 9; ++*at)
		number = number * 10 + (uint32_t)(**at - '0');
	*ret_number = number;
	return *at > start;
}

static bool take_text(const char **at, const char *end, const char *text)
{
	size_t length = strlen(text);

	if ((size_t)(end - *at) < length || memcmp(*at, text, length) != 0)
		return false;
	*at += length;
	return true;
}

/* ":3:7-12: Error: " */
static bool take_place(const char **at, const char *end, struct pa_script_error *error)
{
	if (!take_text(at, end, ":") || !take_number(at, end, &error->line) || !take_text(at, end, ":") ||
	    !take_number(at, end, &error->first) || !take_text(at, end, "-") || !take_number(at, end, &error->last) ||
	    !take_text(at, end, ": "))
		return false;
	error->warning = take_text(at, end, "Warning: ");
	return error->warning || take_text(at, end, "Error: ");
}

static bool parse_line(const char *line, const char *end, struct pa_script_error *error)
{
	for (const char *colon = line; (colon = memchr(colon, ':', (size_t)(end - colon))); colon++) {
		const char *at = colon;

		if (colon == line || !take_place(&at, end, error))
			continue;
		error->file = line;
		error->file_length = (size_t)(colon - line);
		error->message = at;
		error->message_length = (size_t)(end - at);
		return true;
	}
	return false;
}

bool pa_script_error_next(const char **text, size_t *length, struct pa_script_error *ret_error)
{
	while (*length > 0) {
		const char *line = *text, *end = memchr(line, '\n', *length);
		size_t step;

		end = end ? end : line + *length;
		step = (size_t)(end - line) + (end < line + *length);
		*text += step;
		*length -= step;
		if (parse_line(line, end, ret_error))
			return true;
	}
	return false;
}

bool pa_script_error_is(const struct pa_script_error *error, const char *message)
{
	size_t length = strlen(message);

	return error->message_length >= length && memcmp(error->message, message, length) == 0;
}

void pa_text_line(const char *text, size_t length, uint32_t number, const char **ret_line, size_t *ret_length)
{
	const char *end = text + length, *stop;

	while (number > 1 && text < end) {
		stop = memchr(text, '\n', (size_t)(end - text));
		text = stop ? stop + 1 : end;
		number--;
	}
	stop = text < end ? memchr(text, '\n', (size_t)(end - text)) : NULL;
	*ret_line = text;
	*ret_length = (size_t)((stop ? stop : end) - text);
}

/* --- telling ----------------------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	enum pa_diag_kind kind;
	const char *help;
} meanings[] = {
#define MESSAGE(text, kind, help) { text, PA_DIAG_##kind, help },
#include "script_error.def"
#undef MESSAGE
};

static void explain(const struct pa_script_error *error, enum pa_diag_kind *ret_kind, const char **ret_help)
{
	*ret_kind = PA_DIAG_INPUT;
	*ret_help = NULL;
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (pa_script_error_is(error, meanings[i].text)) {
			*ret_kind = meanings[i].kind;
			*ret_help = meanings[i].help;
			return;
		}
}

/* The memory file that libnftables reads has a name of its own. */
static bool is_script(const struct pa_script_error *error)
{
	static const char prefix[] = "/proc/self/fd/";

	return error->file_length >= sizeof(prefix) - 1 && memcmp(error->file, prefix, sizeof(prefix) - 1) == 0;
}

/* Text of libnftables, which may hold bytes of any file, as a string of the diagnostics. */
static const char *keep(struct pa_diags *diags, const char *text, size_t length)
{
	char *kept = pa_arena_strndup(diags->arena, text, length);

	if (!pa_text_is_utf8(kept, strlen(kept)))
		for (char *c = kept; *c; c++)
			*c = (unsigned char)*c < 0x80 ? *c : '?';
	return kept;
}

static void add_error(struct pa_diags *diags, const struct pa_script *script, const struct pa_script_error *error)
{
	enum pa_diag_kind kind;
	const char *help, *line;
	struct pa_diag *diag;
	size_t length;

	explain(error, &kind, &help);
	diag = pa_diags_add(diags, error->warning ? PA_DIAG_WARNING : PA_DIAG_ERROR, kind, "%s", "");
	diag->message = keep(diags, error->message, error->message_length);
	diag->help = help;
	diag->where.line = error->line;
	diag->where.column = error->first;
	diag->where.length = error->last >= error->first ? error->last - error->first + 1 : 1;
	if (!is_script(error)) {
		diag->where.file = keep(diags, error->file, error->file_length);
		return;
	}
	diag->where.file = pa_arena_strdup(diags->arena, script->name);
	pa_text_line(script->text, script->length, error->line, &line, &length);
	diag->source = keep(diags, line, length);
}

void pa_script_errors_add(struct pa_diags *diags, const struct pa_script *script, const char *text, size_t length)
{
	const char *all = text;
	size_t all_length = length;
	struct pa_script_error error;
	struct pa_diag *diag;
	size_t count = 0;

	for (; pa_script_error_next(&text, &length, &error); count += !error.warning)
		add_error(diags, script, &error);
	if (count > 0)
		return;
	all_length = all ? strcspn(all, "\n") < all_length ? strcspn(all, "\n") : all_length : 0;
	diag = pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INCOMPLETE, "libnftables refuses the script and does not say where%s",
			    all_length ? ": " : "");
	if (all_length > 0)
		diag->message = pa_arena_printf(diags->arena, "%s%s", diag->message, keep(diags, all, all_length));
	diag->where.file = pa_arena_strdup(diags->arena, script->name);
}
