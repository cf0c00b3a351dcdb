/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From files to a policy: read all, resolve the names, understand the statements. */
#include <stdlib.h>

#include "allow.h"

/* Enough for a hundred errors among ten thousand names, and done in a moment. */
enum { SUGGESTION_BUDGET = 1000000 };

static void parse_span(struct pa_allow *allow, const struct pa_span *span)
{
	struct pa_cursor cursor = {
		.allow = allow,
		.source = span->source,
		.scope = span->scope,
		.at = span->first,
		.end = span->end,
	};
	bool active = span->scope->active;
	if (pa_token_is(span->first, "allow"))
		pa_parse_verdict(&cursor, PA_STATEMENT_ALLOW, active);
	else if (pa_token_is(span->first, "deny"))
		pa_parse_verdict(&cursor, PA_STATEMENT_DENY, active);
	else if (pa_token_is(span->first, "require"))
		pa_parse_verdict(&cursor, PA_STATEMENT_REQUIRE, active);
	else if (pa_token_is(span->first, "listen"))
		pa_parse_listen(&cursor, active);
	else if (pa_token_is(span->first, "waive"))
		pa_parse_waive(&cursor, active);
	else if (pa_token_is(span->first, "set"))
		pa_parse_setting(&cursor, span->scope);
	else
		pa_parse_check(&cursor, span->scope);
}

/* Heap arrays into the arena. */
static void settle(struct pa_policy *policy)
{
	struct pa_statement **statements = policy->statements;
	struct pa_check_setting *checks = policy->checks;
	policy->statements = pa_arena_dup(policy->arena, statements, policy->statement_count, sizeof(struct pa_statement *));
	policy->checks = pa_arena_dup(policy->arena, checks, policy->check_count, sizeof(*checks));
	free(statements);
	free(checks);
}

static struct pa_policy *new_policy(const char *file)
{
	struct pa_arena *arena = pa_arena_new();
	struct pa_policy *policy = pa_arena_alloc(arena, 1, sizeof(*policy));
	policy->arena = arena;
	policy->file = pa_arena_strdup(arena, file);
	policy->waiver_max_days = -1;
	return policy;
}

static void understand(struct pa_allow *allow, struct pa_source *source)
{
	struct pa_scope whole = { .active = true };
	pa_allow_scan(allow, source, &whole);
	pa_names_resolve(allow);
	pa_names_keep_services(allow);
	for (size_t i = 0; i < allow->span_count; i++)
		parse_span(allow, &allow->spans[i]);
}

/* text NULL: read the file `name`. */
static struct pa_policy *parse(const char *text, size_t length, const char *name, const char *host,
			       bool (*check_known)(const char *id), bool with_reminders, struct pa_diags *diags)
{
	struct pa_policy *policy = new_policy(name);
	struct pa_allow allow = {
		.policy = policy,
		.scratch = pa_arena_new(),
		.host = host,
		.check_known = check_known,
		.suggestion_budget = SUGGESTION_BUDGET,
	};
	struct pa_place nowhere = { 0 };
	struct pa_source *source = text ? pa_source_of_text(&allow, text, length, name)
					: pa_source_read(&allow, name, PA_ALLOW_FILE_SIZE_MAX, nowhere);
	if (source)
		understand(&allow, source);
	if (source && with_reminders && !pa_allow_has_errors(&allow))
		pa_allow_remind(&allow);
	settle(policy);
	bool failed = pa_allow_has_errors(&allow);
	pa_allow_errors_report(&allow, diags);
	pa_sources_free(&allow);
	free(allow.definitions);
	free(allow.spans);
	free(allow.check_depths);
	free(allow.errors);
	pa_arena_free(allow.scratch);
	return failed ? pa_policy_free(policy) : policy;
}

struct pa_policy *pa_policy_load(const char *path, const char *host, bool (*check_known)(const char *id),
				 struct pa_diags *diags)
{
	return parse(NULL, 0, path, host, check_known, false, diags);
}

struct pa_policy *pa_policy_load_for_lint(const char *path, const char *host, bool (*check_known)(const char *id),
					  struct pa_diags *diags)
{
	return parse(NULL, 0, path, host, check_known, true, diags);
}

struct pa_policy *pa_policy_parse(const char *text, size_t length, const char *name, const char *host,
				  bool (*check_known)(const char *id), struct pa_diags *diags)
{
	return parse(text ? text : "", text ? length : 0, name, host, check_known, false, diags);
}

struct pa_policy *pa_policy_free(struct pa_policy *policy)
{
	if (policy)
		pa_arena_free(policy->arena);
	return NULL;
}
