/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which program writes a chain: names, comments, and for the base chains that iptables gives everybody, what they jump to. */
#include <fnmatch.h>
#include <string.h>

#include "portaudit/ruleset.h"

enum manager_id {
#define MANAGER(id, name, close) MANAGER_##id,
#include "manager.def"
	MANAGER_COUNT
};

static const struct pa_manager managers[] = {
#define MANAGER(id, name, close) { name, close },
#include "manager.def"
};

enum pattern_kind { BY_TABLE, BY_CHAIN, BY_MARKER, BY_BESIDE, BY_END, BY_COMMENT };

static const struct {
	enum manager_id manager;
	enum pattern_kind kind;
	const char *text, *marker;
} patterns[] = {
#define TABLE(id, pattern) { MANAGER_##id, BY_TABLE, pattern, NULL },
#define CHAIN(id, pattern) { MANAGER_##id, BY_CHAIN, pattern, NULL },
#define MARKER(id, pattern) { MANAGER_##id, BY_MARKER, NULL, pattern },
#define COMMENT(id, pattern) { MANAGER_##id, BY_COMMENT, pattern, NULL },
#define BESIDE(id, pattern, marker) { MANAGER_##id, BY_BESIDE, pattern, marker },
#define ENDS(id, pattern) { MANAGER_##id, BY_END, pattern, NULL },
#include "manager.def"
};

static const struct {
	enum manager_id manager;
	const char *unit;
} units[] = {
#define UNIT(id, name) { MANAGER_##id, name },
#include "manager.def"
};

static const enum manager_id whole_host[] = {
#define WHOLE(id) MANAGER_##id,
#include "manager.def"
};
#define PATTERN_COUNT (sizeof(patterns) / sizeof(patterns[0]))

/* What is logged before everything else is refused stands near the end, and is looked for there only. */
#define LAST_RULES 6

static bool ends_so(const struct pa_table *table, const char *text)
{
	for (size_t i = 0; i < table->chain_count; i++) {
		const struct pa_chain *chain = table->chains[i];
		size_t first = chain->rule_count > LAST_RULES ? chain->rule_count - LAST_RULES : 0;
		for (size_t k = first; chain->is_base && k < chain->rule_count; k++)
			if (chain->rules[k]->text && fnmatch(text, chain->rules[k]->text, 0) == 0)
				return true;
	}
	return false;
}

static bool fits(size_t pattern, const struct pa_table *table, const char *chain)
{
	const char *text = patterns[pattern].text;

	switch (patterns[pattern].kind) {
	case BY_TABLE:
		return fnmatch(text, table->name, 0) == 0;
	case BY_CHAIN:
		return fnmatch(text, chain, 0) == 0;
	case BY_MARKER:
		return pa_table_find_chain(table, patterns[pattern].marker) != NULL;
	case BY_BESIDE:
		return fnmatch(text, chain, 0) == 0 && pa_table_find_chain(table, patterns[pattern].marker) != NULL;
	case BY_END:
		return ends_so(table, text);
	case BY_COMMENT:
		return false;
	}
	return false;
}

static const struct pa_manager *by_name(const struct pa_table *table, const char *chain)
{
	for (size_t i = 0; i < PATTERN_COUNT; i++)
		if (fits(i, table, chain))
			return &managers[patterns[i].manager];
	return NULL;
}

/* The comment of the rule, or the chain that it sends packets to. */
static const struct pa_manager *by_rule(const struct pa_rule *rule)
{
	for (size_t i = 0; rule->comment && i < PATTERN_COUNT; i++)
		if (patterns[i].kind == BY_COMMENT && fnmatch(patterns[i].text, rule->comment, 0) == 0)
			return &managers[patterns[i].manager];
	for (size_t i = 0; i < rule->step_count; i++)
		if (rule->steps[i].kind == PA_STEP_VERDICT && rule->steps[i].verdict.target_name)
			return by_name(rule->chain->table, rule->steps[i].verdict.target_name);
	return NULL;
}

const struct pa_manager *pa_rule_manager(const struct pa_rule *rule)
{
	const struct pa_manager *manager = by_name(rule->chain->table, rule->chain->name);

	return manager ? manager : by_rule(rule);
}

const struct pa_manager *pa_chain_manager(const struct pa_chain *chain)
{
	const struct pa_manager *found = by_name(chain->table, chain->name);

	for (size_t i = 0; !found && i < chain->rule_count; i++)
		found = by_rule(chain->rules[i]);
	/* a chain that several programs share belongs to none of them */
	for (size_t i = 0; found && i < chain->rule_count; i++) {
		const struct pa_manager *other = pa_rule_manager(chain->rules[i]);
		if (other && other != found)
			return by_name(chain->table, chain->name);
	}
	return found;
}

bool pa_manager_is_whole(const struct pa_manager *manager)
{
	for (size_t i = 0; i < sizeof(whole_host) / sizeof(*whole_host); i++)
		if (manager == &managers[whole_host[i]])
			return true;
	return false;
}

const struct pa_manager *pa_unit_manager(const char *unit)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(units[i].unit, unit) == 0)
			return &managers[units[i].manager];
	return NULL;
}
