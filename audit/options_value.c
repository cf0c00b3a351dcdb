/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arguments of options. */
#include <ctype.h>
#include <string.h>

#include "options_parse.h"
#include "portaudit/finding.h"
#include "portaudit/host.h"

#define ROWS(table) (sizeof(table) / sizeof(*(table)))

/* The first word of a list with commas; *list moves behind the comma, or becomes NULL after the last one. */
static const char *next_word(struct pa_arena *arena, const char **list)
{
	size_t length = strcspn(*list, ",");
	const char *word = pa_arena_strndup(arena, *list, length);
	*list = (*list)[length] ? *list + length + 1 : NULL;
	return word;
}

bool pa_options_take_format(enum pa_format *ret_format, const char *name, struct pa_diags *diags)
{
	if (pa_format_parse(name, ret_format))
		return true;
	struct pa_nearest nearest = pa_nearest_start(name);
	struct pa_buffer names = { 0 };
	for (unsigned i = 0; i < PA_FORMAT_COUNT; i++) {
		pa_nearest_offer(&nearest, pa_format_name((enum pa_format)i));
		pa_buffer_printf(&names, "%s%s", i ? ", " : "", pa_format_name((enum pa_format)i));
	}
	struct pa_diag *diag = pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "unknown format '%s'", name);
	const char *all = pa_arena_printf(diags->arena, "the formats are %s", names.data);
	diag->help = pa_nearest_help(&nearest, diags, all);
	pa_buffer_done(&names);
	return false;
}

/* What stands before the first colon is a format when it is one word in lower case; a file of such a name is "./a:b". */
bool pa_options_take_output(struct pa_output *ret_output, bool *ret_has_format, const char *argument, struct pa_diags *diags)
{
	size_t word = strspn(argument, "abcdefghijklmnopqrstuvwxyz-");
	*ret_output = (struct pa_output){ .path = argument };
	*ret_has_format = word > 0 && argument[word] == ':';
	bool good = true;
	if (*ret_has_format) {
		char name[32];
		size_t length = word < sizeof(name) - 1 ? word : sizeof(name) - 1;
		memcpy(name, argument, length);
		name[length] = '\0';
		good = pa_options_take_format(&ret_output->format, name, diags);
		ret_output->path = argument + word + 1;
	}
	if (ret_output->path[0] == '\0') {
		pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "--output '%s' names no file", argument);
		good = false;
	}
	return good;
}

bool pa_options_take_color(struct pa_options *options, const char *argument, struct pa_diags *diags)
{
	static const char *const names[] = {
		[PA_COLOR_AUTO] = "auto", [PA_COLOR_ALWAYS] = "always", [PA_COLOR_NEVER] = "never"
	};
	for (unsigned i = 0; i < ROWS(names); i++) {
		if (strcmp(names[i], argument) == 0) {
			options->color = (enum pa_color)i;
			return true;
		}
	}
	pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "--color is auto, always or never, not '%s'", argument);
	return false;
}

bool pa_options_take_level(struct pa_options *options, const char *argument, struct pa_diags *diags)
{
	options->has_fail_on = pa_severity_parse(argument, &options->fail_on);
	if (options->has_fail_on)
		return true;
	struct pa_nearest nearest = pa_nearest_start(argument);
	for (enum pa_severity level = PA_SEVERITY_INFO; level <= PA_SEVERITY_CRITICAL; level++)
		pa_nearest_offer(&nearest, pa_severity_name(level));
	struct pa_diag *diag = pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "unknown level '%s'", argument);
	diag->help = pa_nearest_help(&nearest, diags, "the levels are info, low, medium, high, critical");
	return false;
}

bool pa_options_take_checks(struct pa_arena *arena, const char ***list, const char *argument, struct pa_diags *diags)
{
	bool good = true;
	while (argument) {
		const char *word = next_word(arena, &argument);
		enum pa_check_id check;
		if (pa_check_find(word, &check)) {
			pa_options_append(arena, list, pa_check_info(check)->code);
			continue;
		}
		struct pa_nearest nearest = pa_nearest_start(word);
		for (unsigned i = 0; i < PA_CHECK_COUNT; i++)
			pa_nearest_offer(&nearest, pa_check_info((enum pa_check_id)i)->code);
		struct pa_diag *diag = pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "unknown check '%s'", word);
		diag->help = pa_nearest_help(&nearest, diags, "'portaudit checks' lists them");
		good = false;
	}
	return good;
}

bool pa_options_take_self(struct pa_options *options, const char *argument, struct pa_diags *diags)
{
	struct pa_host *scratch = pa_host_new(NULL);
	bool good = pa_host_add_self(scratch, argument, diags);
	pa_host_free(scratch);
	if (good)
		pa_options_append(options->arena, &options->self, argument);
	return good;
}

/* What the kernel takes for a name (net/core/dev.c, dev_valid_name). */
static bool is_interface_name(const char *name)
{
	size_t length = strlen(name);
	if (length == 0 || length >= PA_IFNAME_MAX || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (; *name; name++)
		if (*name == '/' || *name == ':' || isspace((unsigned char)*name))
			return false;
	return true;
}

bool pa_options_take_interfaces(struct pa_options *options, const char *argument, struct pa_diags *diags)
{
	bool good = true;
	while (argument) {
		const char *word = next_word(options->arena, &argument);
		if (is_interface_name(word)) {
			pa_options_append(options->arena, &options->interfaces, word);
			continue;
		}
		pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "'%s' cannot be the name of an interface", word);
		good = false;
	}
	return good;
}

/* A number of `digits` digits at `text`, at most `most`. */
static bool take_digits(const char *text, size_t digits, int64_t most, int64_t *ret_number)
{
	int64_t number = 0;
	for (size_t i = 0; i < digits; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number * 10 + (text[i] - '0');
	}
	*ret_number = number;
	return number <= most;
}

/* "T12:30:00Z" (RFC 3339, UTC only, no leap seconds) as seconds. */
static bool parse_time_of_day(const char *text, int64_t *ret_seconds)
{
	int64_t hours, minutes, seconds;
	if (strlen(text) != 10 || text[0] != 'T' || text[3] != ':' || text[6] != ':' || text[9] != 'Z' ||
	    !take_digits(text + 1, 2, 23, &hours) || !take_digits(text + 4, 2, 59, &minutes) ||
	    !take_digits(text + 7, 2, 59, &seconds))
		return false;
	*ret_seconds = (hours * 60 + minutes) * 60 + seconds;
	return true;
}

static bool parse_time(const char *text, int64_t *ret_now)
{
	size_t length = strlen(text);
	if (length > 0 && length <= 12 && strspn(text, "0123456789") == length)
		return take_digits(text, length, 253402300799, ret_now); /* the end of the year 9999 */
	char date[11];
	if (length < 10)
		return false;
	memcpy(date, text, 10);
	date[10] = '\0';
	pa_day day;
	int64_t seconds = 0;
	if (!pa_day_parse(date, &day) || (length > 10 && !parse_time_of_day(text + 10, &seconds)))
		return false;
	*ret_now = (int64_t)day * 86400 + seconds;
	return true;
}

bool pa_options_take_time(struct pa_options *options, const char *argument, const char *from, struct pa_diags *diags)
{
	options->has_now = parse_time(argument, &options->now);
	if (options->has_now)
		return true;
	struct pa_diag *diag = pa_diags_add(diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "%s: '%s' is not a time", from, argument);
	diag->help = "write 2026-01-31, 2026-01-31T12:00:00Z or seconds since 1970";
	return false;
}
