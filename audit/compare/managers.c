/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MGR-001: two programs that decide for the whole host wrote rules, or are started at boot to write them. MGR-002: rules of iptables-legacy beside rules of nf_tables. And whose rules the findings speak of: what a program wrote it writes
 * again, so a fix names its own way.
 */
#include "compare.h"

#include <string.h>

/* --- MGR-002 ------------------------------------------------------------------------------------------------------------ */

/* Legacy tables exist with empty chains as soon as somebody has looked for them. */
static bool decides(const struct pa_table *table)
{
	for (size_t i = 0; i < table->chain_count; i++) {
		const struct pa_chain *chain = table->chains[i];
		if (chain->rule_count > 0 || (chain->is_base && chain->policy == PA_VERDICT_DROP))
			return true;
	}
	return false;
}

static const struct pa_rule *first_rule(const struct pa_table *table)
{
	for (size_t i = 0; i < table->chain_count; i++)
		if (table->chains[i]->rule_count > 0)
			return table->chains[i]->rules[0];
	return NULL;
}

/* "ip filter, ip nat": the tables of one kind that decide something. The first rule of each is added to `rules`, if given. */
static size_t put_tables(const struct comparison *c, bool legacy, struct pa_buffer *out, const struct pa_rule **rules,
			 size_t *rule_count)
{
	size_t count = 0;

	for (size_t i = 0; i < c->ruleset->table_count; i++) {
		const struct pa_table *table = c->ruleset->tables[i];

		if ((table->source == PA_SOURCE_IPTABLES_LEGACY) != legacy || table->dormant || !decides(table))
			continue;
		pa_buffer_printf(out, "%s%s %s", count++ ? ", " : "", pa_family_name(table->family), table->name);
		if (rules && first_rule(table))
			rules[(*rule_count)++] = first_rule(table);
	}
	return count;
}

/* Only the kernel shows that there are no legacy rules; what was saved of nft says nothing of them. */
static const char *unknown_legacy(const struct pa_ruleset *ruleset)
{
	if (ruleset->legacy_unread)
		return "tables of iptables-legacy exist, or may exist, that were not read";
	for (size_t i = 0; i < ruleset->source_count; i++)
		if (!pa_text_equal(ruleset->sources[i], PA_LIVE_NAME))
			return "the rules were read from files, which do not tell whether iptables-legacy has rules beside them";
	return NULL;
}

void check_legacy_beside_nft(struct comparison *c)
{
	struct pa_buffer legacy = { 0 }, nft = { 0 };
	const struct pa_rule **rules = pa_arena_alloc(c->result->arena, c->ruleset->table_count + 1, sizeof(*rules));
	size_t rule_count = 0, legacy_count = put_tables(c, true, &legacy, rules, &rule_count);
	const char *unknown = unknown_legacy(c->ruleset);

	if (legacy_count > 0 && put_tables(c, false, &nft, NULL, NULL) > 0) {
		bool one = legacy_count == 1;
		struct pa_finding *finding = compare_add(c, PA_CHECK_MGR_002, legacy.data);
		finding->rules = rules;
		finding->rule_count = rule_count;
		finding->message =
			pa_arena_printf(c->result->arena,
					"table%s %s of iptables-legacy decide%s beside %s of nf_tables: a packet gets in "
					"only where both let it in, and nft shows only its own",
					one ? "" : "s", legacy.data, one ? "s" : "", nft.data);
		finding->fix =
			"move the legacy rules (iptables-legacy-save, then iptables-nft-restore, or rules of nft that say the "
			"same), and empty the legacy tables";
	} else if (legacy_count == 0 && unknown) {
		compare_not_assessed(c, PA_CHECK_MGR_002, unknown);
	}
	pa_buffer_done(&legacy);
	pa_buffer_done(&nft);
}

/* --- MGR-001 ------------------------------------------------------------------------------------------------------------ */

#define MANAGERS_MAX 8

struct owners {
	const struct pa_manager *manager[MANAGERS_MAX];
	const struct pa_rule *rule[MANAGERS_MAX]; /* the first one of each; NULL: it has none */
	const char *unit[MANAGERS_MAX];		  /* that boot starts; or NULL */
	size_t count;
};

/* The place of a manager among the owners; NULL: it does not decide for the whole host. */
static size_t owner_of(struct owners *owners, const struct pa_manager *manager)
{
	if (!manager || !pa_manager_is_whole(manager))
		return MANAGERS_MAX;
	for (size_t i = 0; i < owners->count; i++)
		if (owners->manager[i] == manager)
			return i;
	if (owners->count == MANAGERS_MAX)
		return MANAGERS_MAX;
	owners->manager[owners->count] = manager;
	return owners->count++;
}

static void note_rule(struct owners *owners, const struct pa_rule *rule)
{
	size_t owner = owner_of(owners, pa_rule_manager(rule));

	if (owner < MANAGERS_MAX && !owners->rule[owner])
		owners->rule[owner] = rule;
}

/* Chains that a manager left behind empty decide nothing. */
static struct owners find_owners(const struct pa_ruleset *ruleset, const struct pa_host *host)
{
	struct owners owners = { .count = 0 };

	for (size_t i = 0; i < ruleset->chain_count; i++)
		for (size_t k = 0; !ruleset->chains[i]->table->dormant && k < ruleset->chains[i]->rule_count; k++)
			note_rule(&owners, ruleset->chains[i]->rules[k]);
	for (size_t i = 0; i < host->boot_loader_count; i++) {
		size_t owner = owner_of(&owners, pa_unit_manager(host->boot_loaders[i]));

		if (owner < MANAGERS_MAX && !owners.unit[owner])
			owners.unit[owner] = host->boot_loaders[i];
	}
	return owners;
}

/* "ufw (boot starts it), firewalld" */
static void put_owners(const struct owners *owners, bool with_units, struct pa_buffer *out)
{
	for (size_t i = 0; i < owners->count; i++) {
		pa_buffer_printf(out, "%s%s", i == 0 ? "" : i + 1 < owners->count ? ", " : " and ", owners->manager[i]->name);
		if (with_units && !owners->rule[i])
			pa_buffer_printf(out, " (service %s, which boot starts)", owners->unit[i]);
	}
}

static void report_owners(struct comparison *c, const struct owners *owners)
{
	const struct pa_rule *rules[MANAGERS_MAX];
	struct pa_buffer text = { 0 };
	struct pa_finding *finding;
	size_t count = 0;

	for (size_t i = 0; i < owners->count; i++)
		if (owners->rule[i])
			rules[count++] = owners->rule[i];
	put_owners(owners, false, &text);
	finding = compare_add(c, PA_CHECK_MGR_001, text.data);
	pa_buffer_clear(&text);
	finding->rules = pa_arena_dup(c->result->arena, rules, count, sizeof(*rules));
	finding->rule_count = count;
	put_owners(owners, true, &text);
	pa_buffer_puts(&text, count == owners->count
				      ? " each rule the whole firewall: a packet gets in only where all of them let it "
					"in, and each writes its rules anew without the others"
				      : " each rule the whole firewall: each writes its rules anew without the others, and "
					"the last one to be started may throw away what the others wrote");
	finding->message = compare_text(c, &text);
	finding->fix =
		"keep one of them, and disable the others so that they are not started at boot (`systemctl disable --now NAME`)";
	pa_buffer_done(&text);
}

void check_several_managers(struct comparison *c)
{
	struct owners owners = find_owners(c->ruleset, c->host);

	if (owners.count >= 2)
		report_owners(c, &owners);
	else if (!c->host->files_known)
		compare_not_assessed(
			c, PA_CHECK_MGR_001,
			"the rules are of one program at most, but only the live host's own network namespace tells what boot "
			"starts beside it");
}

/* --- whose rules ----------------------------------------------------------------------------------------------------------- */

static bool was_named(const struct pa_finding *finding, size_t rule, const struct pa_manager *manager)
{
	for (size_t i = 0; i < rule; i++)
		if (pa_rule_manager(finding->rules[i]) == manager)
			return true;
	return false;
}

static void name_managers(struct comparison *c, struct pa_finding *finding)
{
	struct pa_buffer text = { 0 };
	size_t named = 0;

	if (finding->check == PA_CHECK_MGR_001)
		return; /* it is about them */
	pa_buffer_puts(&text, finding->fix ? finding->fix : "");
	for (size_t i = 0; i < finding->rule_count; i++) {
		const struct pa_manager *manager = pa_rule_manager(finding->rules[i]);

		if (!manager || was_named(finding, i, manager))
			continue;
		pa_buffer_puts(&text, text.length ? "; " : "");
		describe_rule(finding->rules[i], &text);
		/* without packets there is no port to be closed: a rule is odd */
		pa_buffer_printf(&text, " is written by %s: %s", manager->name,
				 finding->has_row ? manager->close : "change it there");
		named++;
	}
	if (named > 0)
		finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
}

void compare_name_managers(struct comparison *c)
{
	for (size_t i = 0; i < c->result->finding_count; i++)
		name_managers(c, &c->result->findings[i]);
}
