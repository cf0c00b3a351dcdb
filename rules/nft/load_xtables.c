/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "load_xtables.h"
#include "document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *names_path, *tool;
	enum pa_xtables_kind nft, legacy;
	enum pa_family family;
} families[] = {
	{ "/proc/self/net/ip_tables_names", "iptables", PA_XTABLES_NFT4, PA_XTABLES_LEGACY4, PA_FAMILY_IP },
	{ "/proc/self/net/ip6_tables_names", "ip6tables", PA_XTABLES_NFT6, PA_XTABLES_LEGACY6, PA_FAMILY_IP6 },
};
#define FAMILIES (sizeof(families) / sizeof(families[0]))

/* --- what is needed --------------------------------------------------------------------------------------------------------- */

static bool has_xt_tables(const struct pa_ruleset *ruleset, enum pa_family family)
{
	for (size_t i = 0; i < ruleset->table_count; i++)
		if (ruleset->tables[i]->has_xt && ruleset->tables[i]->family == family)
			return true;
	return false;
}

void pa_xtables_read_names(struct pa_legacy_names names[2])
{
	for (size_t i = 0; i < FAMILIES; i++)
		names[i].error =
			pa_xtables_legacy_names(families[i].names_path, names[i].names) ? NULL : strerrordesc_np(errno);
}

void pa_xtables_make_plan(struct pa_ruleset *ruleset, const struct pa_legacy_names names_of[2],
			  struct pa_xtables_plan *ret_plan)
{
	*ret_plan = (struct pa_xtables_plan){ .any = false };
	for (size_t i = 0; i < FAMILIES; i++) {
		char *names = ret_plan->legacy_names[i];
		bool *wanted = ret_plan->request.wanted;

		wanted[families[i].nft] = has_xt_tables(ruleset, families[i].family);
		memcpy(names, names_of[i].names, PA_XTABLES_NAMES_MAX);
		if (names_of[i].error) {
			ruleset->legacy_unread = true;
			pa_ruleset_add_gap(ruleset,
					   pa_arena_printf(ruleset->arena,
							   "whether there are %s-legacy tables could not be read (%s: %s)",
							   families[i].tool, families[i].names_path, names_of[i].error),
					   "run as root");
		}
		wanted[families[i].legacy] = names[0] != '\0';
		ret_plan->any = ret_plan->any || wanted[families[i].nft] || wanted[families[i].legacy];
	}
}

void pa_xtables_add_other_gaps(struct pa_ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->table_count; i++) {
		const struct pa_table *table = ruleset->tables[i];

		if (table->has_xt && table->family != PA_FAMILY_IP && table->family != PA_FAMILY_IP6)
			pa_ruleset_add_gap(
				ruleset,
				pa_arena_printf(
					ruleset->arena,
					"table %s %s holds xtables matches or targets whose arguments nft does not show",
					pa_family_name(table->family), table->name),
				"write its rules with nft");
	}
}

void pa_xtables_add_gaps(struct pa_ruleset *ruleset, const struct pa_xtables_plan *plan)
{
	pa_xt_add_gaps(ruleset, 0);
	for (size_t i = 0; i < FAMILIES; i++)
		if (plan->legacy_names[i][0]) {
			ruleset->legacy_unread = true;
			pa_ruleset_add_gap(
				ruleset,
				pa_arena_printf(ruleset->arena,
						"%s-legacy tables exist (%s), and nft does not show them: what they let in or "
						"refuse is not in this audit",
						families[i].tool, plan->legacy_names[i]),
				pa_arena_printf(ruleset->arena, "look at them with %s-legacy-save, and move them to nft",
						families[i].tool));
		}
}

/* --- tables of iptables-nft ----------------------------------------------------------------------------------------------------- */

/* A reader may make several rules of one: they have one line of the text in common. */
static bool goes_on(const struct pa_chain *chain, size_t rule)
{
	const struct pa_location *here = &chain->rules[rule]->where;

	return rule > 0 && here->line > 0 && here->line == chain->rules[rule - 1]->where.line;
}

static size_t count_lines(const struct pa_chain *chain)
{
	size_t count = 0;

	for (size_t i = 0; i < chain->rule_count; i++)
		count += !goes_on(chain, i);
	return count;
}

/* What differs between a table of the listing and of the text; NULL: nothing. In the arena. */
static const char *difference(struct pa_arena *arena, const struct pa_table *listed, const struct pa_table *printed)
{
	for (size_t i = 0; i < listed->chain_count; i++) {
		const struct pa_chain *chain = listed->chains[i], *other = pa_table_find_chain(printed, chain->name);

		if (!other)
			return pa_arena_printf(arena, "it has no chain %s", chain->name);
		if (count_lines(other) != chain->rule_count)
			return pa_arena_printf(arena, "chain %s has %zu rules in it and %zu in nft's listing", chain->name,
					       count_lines(other), chain->rule_count);
		if (chain->is_base && other->policy != chain->policy)
			return pa_arena_printf(arena, "chain %s has another policy", chain->name);
	}
	/* base chains that do not exist are printed, empty and with policy ACCEPT */
	for (size_t i = 0; i < printed->chain_count; i++) {
		const struct pa_chain *chain = printed->chains[i];
		bool is_made_up = chain->is_base && chain->rule_count == 0 && chain->policy == PA_VERDICT_ACCEPT;

		if (!is_made_up && !pa_table_find_chain(listed, chain->name))
			return pa_arena_printf(arena, "nft's listing has no chain %s", chain->name);
	}
	return NULL;
}

/* The listing knows the handles; both have the rules in the same order. */
static void take_rules(struct pa_ruleset *ruleset, struct pa_table *listed, const struct pa_table *printed)
{
	for (size_t i = 0; i < listed->chain_count; i++) {
		struct pa_chain *chain = listed->chains[i], *other = pa_table_find_chain(printed, chain->name);
		size_t line = 0;

		for (size_t j = 0; j < other->rule_count; j++) {
			line += !goes_on(other, j);
			other->rules[j]->handle = chain->rules[line - 1]->handle;
		}
		for (size_t j = 0; j < other->rule_count; j++)
			other->rules[j]->where = (struct pa_location){ 0 };
		pa_chain_take_rules(ruleset, chain, other);
	}
	listed->has_xt = false;
	listed->source = PA_SOURCE_IPTABLES_NFT;
}

static void add_table_gap(struct pa_ruleset *ruleset, const struct pa_table *table, const char *program, const char *why,
			  const char *help)
{
	pa_ruleset_add_gap(ruleset,
			   pa_arena_printf(ruleset->arena,
					   "the rules of table %s %s are not known in full, and %s does not help: %s",
					   pa_family_name(table->family), table->name, program, why),
			   help);
}

/* false: a table differs from what nft listed. */
static bool replace_tables(struct pa_ruleset *ruleset, const struct pa_ruleset *printed, const struct pa_xtables_text *text,
			   enum pa_family family)
{
	bool agrees = true;

	for (size_t i = 0; i < ruleset->table_count; i++) {
		struct pa_table *table = ruleset->tables[i], *other;
		const char *problem = text->problem;

		if (!table->has_xt || table->family != family)
			continue;
		other = printed ? pa_ruleset_find_table(printed, family, table->name) : NULL;
		if (!problem) {
			problem = other ? difference(ruleset->arena, table, other) : "it does not print this table";
			agrees = agrees && !problem;
		}
		if (problem)
			add_table_gap(ruleset, table, text->program, problem, text->help);
		else
			take_rules(ruleset, table, other);
	}
	return agrees;
}

/* --- legacy tables ------------------------------------------------------------------------------------------------------------------ */

static bool changes_packets(const struct pa_table *table)
{
	for (size_t i = 0; i < table->chain_count; i++)
		for (size_t j = 0; j < table->chains[i]->rule_count; j++) {
			const struct pa_rule *rule = table->chains[i]->rules[j];
			for (size_t k = 0; k < rule->step_count; k++) {
				const struct pa_step *step = &rule->steps[k];
				if (step->kind == PA_STEP_ASSIGN || step->kind == PA_STEP_NAT ||
				    step->kind == PA_STEP_NOTRACK ||
				    (step->kind == PA_STEP_OPAQUE && step->opacity != PA_OPACITY_MATCH))
					return true;
			}
		}
	return false;
}

static bool same_place(const struct pa_chain *one, const struct pa_chain *other)
{
	bool shared = one->table->family == other->table->family || other->table->family == PA_FAMILY_INET;

	return shared && one->is_base && other->is_base && one->hook == other->hook && one->priority == other->priority &&
	       (one->type == PA_CHAIN_NAT) == (other->type == PA_CHAIN_NAT);
}

/* More orders than these of one chain are not tried. */
#define OTHERS_MAX 3

static void add_order_gap(struct pa_ruleset *ruleset, const struct pa_chain *mine, const struct pa_chain *other)
{
	pa_ruleset_add_gap(
		ruleset,
		pa_arena_printf(ruleset->arena,
				"chain %s of the iptables-legacy table %s, chain %s of table %s %s and others have the same "
				"hook and priority: which of them runs first cannot be told",
				mine->name, mine->table->name, other->name, pa_family_name(other->table->family),
				other->table->name),
		"move the legacy rules to nft, or give the chains other priorities");
}

/*
 * Of two chains of one hook and priority the one that was registered last runs first, and when a legacy table was registered is nowhere
 * to be read. That matters where one of them changes what the other looks at: then every order is tried.
 */
static void note_order(struct pa_ruleset *ruleset, struct pa_table *legacy)
{
	for (size_t i = 0; i < legacy->chain_count; i++) {
		const struct pa_chain *mine = legacy->chains[i], *last = NULL;
		size_t others = 0;
		bool matters = changes_packets(legacy);

		if (mine->rule_count == 0 && mine->policy == PA_VERDICT_ACCEPT)
			continue;
		for (size_t j = 0; j < ruleset->chain_count; j++) {
			const struct pa_chain *other = ruleset->chains[j];

			if (other->table->source == PA_SOURCE_IPTABLES_LEGACY || other->table->dormant ||
			    !same_place(mine, other))
				continue;
			matters = matters || changes_packets(other->table);
			last = other;
			others++;
		}
		if (!matters || others == 0)
			continue;
		legacy->age_unknown = true;
		if (others > OTHERS_MAX)
			add_order_gap(ruleset, mine, last);
	}
}

/* Every table of the kernel's list must be in the text. */
static const char *missing_name(struct pa_arena *arena, const char *names, const struct pa_ruleset *printed,
				enum pa_family family)
{
	char *copy = pa_arena_strdup(arena, names);

	for (char *name = copy, *end; *name; name = end) {
		end = name + strcspn(name, " ");
		if (*end)
			*end++ = '\0';
		if (!pa_ruleset_find_table(printed, family, name))
			return name;
	}
	return NULL;
}

static void add_legacy(struct pa_ruleset *ruleset, const struct pa_ruleset *printed, const struct pa_xtables_text *text,
		       const char *names, enum pa_family family)
{
	const char *missing = printed ? missing_name(ruleset->arena, names, printed, family) : NULL;
	const char *problem = text->problem;

	if (missing)
		problem = pa_arena_printf(ruleset->arena, "it does not print table %s", missing);
	if (problem) {
		pa_ruleset_add_gap(
			ruleset,
			pa_arena_printf(ruleset->arena,
					"%s tables exist (%s), and what they let in or refuse is not in this audit: %s",
					text->family == 4 ? "iptables-legacy" : "ip6tables-legacy", names, problem),
			text->help);
		return;
	}
	for (size_t i = 0; i < printed->table_count; i++) {
		struct pa_table *table = printed->tables[i];

		for (size_t j = 0; j < table->chain_count; j++)
			for (size_t k = 0; k < table->chains[j]->rule_count; k++)
				table->chains[j]->rules[k]->where = (struct pa_location){ 0 };
		table->source = PA_SOURCE_IPTABLES_LEGACY;
		note_order(ruleset, table);
		pa_ruleset_take_table(ruleset, table);
	}
}

/* --- all --------------------------------------------------------------------------------------------------------------------------- */

/* NULL: the text has a problem, or (*ret_good false) it was not understood: what the kernel holds is no mistake of the user. */
static struct pa_ruleset *read_text(struct pa_ruleset *ruleset, const struct pa_xtables_text *text,
				    const struct pa_xtables_text *texts, enum pa_table_source source,
				    const struct pa_xtables_reader *reader, struct pa_diags *diags, bool *ret_good)
{
	struct pa_ruleset *printed;
	size_t before = diags->count;

	if (!text->wanted || text->problem)
		return NULL;
	printed = pa_ruleset_new();
	pa_ruleset_adopt(ruleset, printed);
	if (!reader->read(printed, text, texts, source, diags)) {
		*ret_good = false;
		printed = NULL;
	}
	for (size_t i = before; i < diags->count; i++)
		diags->items[i].kind = PA_DIAG_INCOMPLETE;
	for (size_t i = 0; printed && i < printed->gap_count; i++)
		pa_ruleset_add_gap(ruleset, printed->gaps[i].message, printed->gaps[i].help);
	return printed;
}

enum pa_xtables_result pa_xtables_apply(struct pa_ruleset *ruleset, const struct pa_xtables_plan *plan,
					const struct pa_xtables_text *texts, const struct pa_xtables_reader *reader,
					struct pa_diags *diags)
{
	const struct pa_xtables_text *sets = &texts[PA_XTABLES_SETS];
	bool good = true, agrees = true;

	if (sets->problem)
		pa_ruleset_add_gap(ruleset,
				   pa_arena_printf(ruleset->arena, "rules ask sets whose elements are not known: %s",
						   sets->problem),
				   sets->help);
	for (size_t i = 0; i < FAMILIES; i++) {
		const struct pa_xtables_text *nft = &texts[families[i].nft], *legacy = &texts[families[i].legacy];
		struct pa_ruleset *printed;

		printed = read_text(ruleset, nft, texts, PA_SOURCE_IPTABLES_NFT, reader, diags, &good);
		if (nft->wanted && (printed || nft->problem))
			agrees = replace_tables(ruleset, printed, nft, families[i].family) && agrees;
		printed = read_text(ruleset, legacy, texts, PA_SOURCE_IPTABLES_LEGACY, reader, diags, &good);
		if (legacy->wanted && (printed || legacy->problem))
			add_legacy(ruleset, printed, legacy, plan->legacy_names[i], families[i].family);
	}
	return !good ? PA_XTABLES_FAILED : agrees ? PA_XTABLES_DONE : PA_XTABLES_DISAGREE;
}
