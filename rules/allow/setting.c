/* SPDX-License-Identifier: GPL-2.0-or-later */
/* set NAME value, check ID ... */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "allow.h"

enum { WAIVER_DAYS_MAX = 36500 };

static const char *const setting_words[] = {
	[PA_SETTING_FAIL_ON] = "fail-on",
	[PA_SETTING_WAIVER_MAX] = "waiver-max",
	[PA_SETTING_REQUIRE_FIELDS] = "require-fields",
	[PA_SETTING_LOOPBACK] = "loopback",
	[PA_SETTING_SELF] = "self",
	[PA_SETTING_UNTRUSTED] = "untrusted",
	NULL,
};

/* --- the values ------------------------------------------------------------------------------------------------------------ */
static bool parse_fail_on(struct pa_cursor *cursor, struct pa_policy *policy)
{
	int level = pa_cursor_choose(cursor, pa_level_words);
	if (level < 0) {
		pa_cursor_unexpected(cursor, pa_level_words);
		return false;
	}
	policy->has_fail_on = true;
	policy->fail_on = (enum pa_severity)level;
	return true;
}

static bool parse_waiver_max(struct pa_cursor *cursor, struct pa_policy *policy)
{
	static const char *const units[] = { "days", "day", NULL };
	if (!pa_cursor_expect_word(cursor, "a number of days"))
		return false;
	struct pa_place place = pa_cursor_place(cursor);
	const char *word = pa_cursor_word(cursor);
	unsigned long days;
	if (!pa_number_parse(word, strlen(word), &days) || days < 1 || days > WAIVER_DAYS_MAX)
		pa_allow_meaning_error(cursor->allow, place, "write 'set waiver-max 180 days'",
				       "'%s' is not a number from 1 to %d", pa_allow_shown(cursor->allow, word, strlen(word)),
				       (int)WAIVER_DAYS_MAX);
	else
		policy->waiver_max_days = (int)days;
	if (pa_cursor_choose(cursor, units) >= 0)
		return true;
	pa_cursor_unexpected(cursor, units);
	return false;
}

/* Fields that a block can have, but not `rate-limited` and `logged`, which say something of the rules. */
static bool parse_require_fields(struct pa_cursor *cursor, struct pa_policy *policy)
{
	static const char *const words[] = {
		"owner", "reason", "ticket", "approved-by", "review", "severity", "listener", NULL
	};
	bool seen[8] = { false };
	size_t count = 0;
	const char *fields[8] = { NULL };
	do {
		struct pa_place place = pa_cursor_place(cursor);
		int field = pa_cursor_choose(cursor, words);
		if (field < 0) {
			pa_cursor_unexpected(cursor, words);
			return false;
		}
		if (seen[field])
			pa_allow_meaning_error(cursor->allow, place, NULL, "'%s' is given twice", words[field]);
		else
			fields[count++] = words[field];
		seen[field] = true;
		pa_cursor_take(cursor, PA_TOKEN_COMMA);
	} while (!pa_cursor_done(cursor));
	policy->require_fields = pa_arena_alloc(policy->arena, count + 1, sizeof(*policy->require_fields));
	memcpy(policy->require_fields, fields, count * sizeof(*fields));
	return true;
}

static bool parse_loopback(struct pa_cursor *cursor, struct pa_policy *policy)
{
	static const char *const words[] = { "trusted", "checked", NULL };
	int word = pa_cursor_choose(cursor, words);
	if (word < 0) {
		pa_cursor_unexpected(cursor, words);
		return false;
	}
	policy->loopback_checked = word == 1;
	return true;
}

static bool parse_self(struct pa_cursor *cursor, struct pa_policy *policy)
{
	struct pa_place place = pa_cursor_place(cursor);
	struct pa_addresses self;
	if (!pa_parse_addresses(cursor, &self))
		return false;
	if (self.any || self.self || self.except_self) {
		pa_allow_meaning_error(cursor->allow, place, "write the addresses of the host",
				       "'%s' does not say which addresses are the host's", self.text);
		return true;
	}
	policy->has_self = true;
	policy->self = self;
	return true;
}

static bool parse_value(struct pa_cursor *cursor, enum pa_setting setting, struct pa_policy *policy)
{
	switch (setting) {
	case PA_SETTING_FAIL_ON:
		return parse_fail_on(cursor, policy);
	case PA_SETTING_WAIVER_MAX:
		return parse_waiver_max(cursor, policy);
	case PA_SETTING_REQUIRE_FIELDS:
		return parse_require_fields(cursor, policy);
	case PA_SETTING_LOOPBACK:
		return parse_loopback(cursor, policy);
	case PA_SETTING_SELF:
		return parse_self(cursor, policy);
	case PA_SETTING_UNTRUSTED:
		policy->has_untrusted = true;
		return pa_parse_interfaces(cursor, &policy->untrusted);
	case PA_SETTING_COUNT:
		break;
	}
	return false;
}

/*
 * Where does the value go? A host block overrides what stands around it; equal depth twice is a contradiction. A
 * value that does not count is parsed all the same, into `ignored`.
 */
static struct pa_policy *value_owner(struct pa_cursor *cursor, struct pa_scope *scope, enum pa_setting setting,
				     struct pa_place place, struct pa_policy *ignored)
{
	struct pa_allow *allow = cursor->allow;
	unsigned depth = scope->depth + 1, *known = &allow->setting_depth[setting];
	bool twice = scope->settings & 1u << setting;
	scope->settings |= 1u << setting;
	*ignored = *allow->policy;
	if (twice || (scope->active && *known == depth)) {
		pa_allow_meaning_error(allow, place, NULL, "'%s' is set twice", setting_words[setting]);
		return ignored;
	}
	if (!scope->active || *known > depth)
		return ignored;
	*known = depth;
	return allow->policy;
}

void pa_parse_setting(struct pa_cursor *cursor, struct pa_scope *scope)
{
	struct pa_policy ignored;
	cursor->at++;
	struct pa_place place = pa_cursor_place(cursor);
	int setting = pa_cursor_choose(cursor, setting_words);
	if (setting < 0 && pa_cursor_is(cursor, PA_TOKEN_WORD)) {
		const char *word = pa_allow_shown(cursor->allow, cursor->at->text, cursor->at->length);
		struct pa_suggestion suggestion = pa_suggestion_start(cursor->allow, word, strlen(word));
		pa_suggestion_offer_all(&suggestion, setting_words);
		pa_allow_meaning_error(
			cursor->allow, place,
			pa_suggestion_help(&suggestion,
					   "there are fail-on, waiver-max, require-fields, loopback, self and untrusted"),
			"unknown setting '%s'", word);
		return;
	}
	if (setting < 0) {
		pa_cursor_expected(cursor, "the name of a setting");
		return;
	}
	struct pa_policy *owner = value_owner(cursor, scope, (enum pa_setting)setting, place, &ignored);
	if (parse_value(cursor, (enum pa_setting)setting, owner) && !pa_cursor_done(cursor))
		pa_cursor_expected(cursor, "the end of the line");
}

/* --- check ids ------------------------------------------------------------------------------------------------------------------ */
/* PA-FAMILY-NNN */
static bool is_check_id(const char *word)
{
	const char *family = word + 3, *dash = NULL;
	if (strncmp(word, "PA-", 3) != 0 || !(dash = strchr(family, '-')) || dash == family || strlen(dash) != 4)
		return false;
	for (const char *at = family; at < dash; at++)
		if (!isupper((unsigned char)*at) && !isdigit((unsigned char)*at))
			return false;
	unsigned long number;
	return pa_number_parse(dash + 1, 3, &number);
}

static bool is_known(const struct pa_allow *allow, const char *id)
{
	return is_check_id(id) && (!allow->check_known || allow->check_known(id));
}

/* Known ids that differ in one character or in the order of two. */
static const char *near_id(struct pa_allow *allow, const char *word)
{
	static const char characters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char *copy = pa_arena_strdup(allow->scratch, word);
	size_t length = strlen(word);
	for (size_t i = 3; allow->check_known && length < 20 && i < length; i++) {
		for (const char *c = characters; *c; c++) {
			copy[i] = *c;
			if (is_known(allow, copy))
				return copy;
		}
		copy[i] = word[i];
		copy[i - 1] = word[i];
		copy[i] = word[i - 1];
		if (is_known(allow, copy))
			return copy;
		copy[i - 1] = word[i - 1];
		copy[i] = word[i];
	}
	return NULL;
}

/* "exp-001" -> "PA-EXP-001" */
static const char *completed(struct pa_allow *allow, const char *word)
{
	char *id = pa_arena_printf(allow->scratch, "%s%s", strncasecmp(word, "PA-", 3) == 0 ? "" : "PA-", word);
	for (char *at = id; *at; at++)
		*at = (char)toupper((unsigned char)*at);
	return id;
}

const char *pa_parse_check_id(struct pa_cursor *cursor)
{
	struct pa_allow *allow = cursor->allow;
	if (!pa_cursor_expect_word(cursor, "the id of a check"))
		return NULL;
	struct pa_place place = pa_cursor_place(cursor);
	const char *word = pa_cursor_word(cursor), *shown = pa_allow_shown(allow, word, strlen(word));
	if (is_known(allow, word))
		return pa_arena_strdup(allow->policy->arena, word);
	const char *full = completed(allow, word), *near;
	if (is_known(allow, full))
		pa_allow_meaning_error(allow, place, pa_allow_text(allow, "write %s", full), "'%s' is not the id of a check",
				       shown);
	else if (!is_check_id(full))
		pa_allow_meaning_error(allow, place, "ids look like PA-EXP-001", "'%s' is not the id of a check", shown);
	else if ((near = near_id(allow, full)))
		pa_allow_meaning_error(allow, place, pa_allow_text(allow, "did you mean '%s'?", near), "unknown check '%s'",
				       shown);
	else
		pa_allow_meaning_error(allow, place, "'portaudit checks' lists them", "unknown check '%s'", shown);
	return pa_arena_strdup(allow->policy->arena, shown);
}

/* --- check ---------------------------------------------------------------------------------------------------------------------------- */
/* What the policy says of a check so far; a new one if it says nothing yet. */
static struct pa_check_setting *find_check(struct pa_allow *allow, const struct pa_check_setting *setting,
					   unsigned **ret_depths)
{
	struct pa_policy *policy = allow->policy;
	size_t i = 0;
	while (i < policy->check_count && strcmp(policy->checks[i].check, setting->check) != 0)
		i++;
	if (i == policy->check_count) {
		pa_grow(&policy->checks, &allow->check_capacity, i + 1, sizeof(*policy->checks));
		pa_grow(&allow->check_depths, &allow->check_depth_capacity, 2 * (i + 1), sizeof(*allow->check_depths));
		policy->checks[i] = (struct pa_check_setting){ .check = setting->check, .where = setting->where };
		allow->check_depths[2 * i] = allow->check_depths[2 * i + 1] = 0;
		policy->check_count++;
	}
	*ret_depths = &allow->check_depths[2 * i];
	return &policy->checks[i];
}

/* on/off and severity are two settings; each may be set once, and again in a host block. */
static void keep_check(struct pa_allow *allow, const struct pa_check_setting *setting, unsigned depth, struct pa_place place)
{
	unsigned *depths;
	struct pa_check_setting *known = find_check(allow, setting, &depths);
	unsigned *set_at = &depths[setting->has_severity];
	if (*set_at == depth)
		pa_allow_meaning_error(allow, place, NULL, "check %s is set twice", setting->check);
	if (*set_at >= depth)
		return;
	*set_at = depth;
	known->where = setting->where;
	known->fields = setting->fields;
	if (setting->has_severity) {
		known->has_severity = true;
		known->severity = setting->severity;
	} else {
		known->has_enabled = true;
		known->enabled = setting->enabled;
	}
}

static bool parse_check_value(struct pa_cursor *cursor, struct pa_check_setting *setting)
{
	static const char *const words[] = { "on", "off", "severity", NULL };
	static const char *const after[] = { "{", NULL };
	int word = pa_cursor_choose(cursor, words), level = -1;
	if (word < 0) {
		pa_cursor_unexpected(cursor, words);
		return false;
	}
	setting->has_enabled = word < 2;
	setting->enabled = word == 0;
	setting->has_severity = word == 2;
	if (setting->has_severity && (level = pa_cursor_choose(cursor, pa_level_words)) < 0) {
		pa_cursor_unexpected(cursor, pa_level_words);
		return false;
	}
	if (setting->has_severity)
		setting->severity = (enum pa_severity)level;
	if (pa_cursor_done(cursor) || cursor->at->kind == PA_TOKEN_OPEN)
		return true;
	pa_cursor_unexpected(cursor, after);
	return false;
}

void pa_parse_check(struct pa_cursor *cursor, const struct pa_scope *scope)
{
	struct pa_place place = pa_cursor_place(cursor);
	struct pa_check_setting setting = {
		.where = { .file = cursor->source->path, .line = place.line, .column = place.column, .length = place.length },
	};
	cursor->at++;
	setting.check = pa_parse_check_id(cursor);
	bool parsed = setting.check && parse_check_value(cursor, &setting);
	while (!pa_cursor_done(cursor) && cursor->at->kind != PA_TOKEN_OPEN)
		cursor->at++;
	pa_parse_block(cursor, &setting.fields);
	if (parsed && scope->active)
		keep_check(cursor->allow, &setting, scope->depth + 1, place);
}
