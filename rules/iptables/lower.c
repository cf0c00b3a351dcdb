/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables to the ruleset. What a rule asks becomes MATCH steps in the order of iptables-save: addresses, interfaces, protocol,
 * matches; its target comes last. A rule that asks for one of two things of which the ruleset cannot speak in one test
 * (`--ctstate ESTABLISHED,DNAT`) becomes several, which no packet shares; they have one text and one place.
 */
#include "xt.h"

#include <stdarg.h>

void pa_xt_fail(struct pa_xt_lowering *lowering, const struct pa_xt_word *word, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	const char *message = pa_arena_vprintf(lowering->arena, format, arguments);
	va_end(arguments);
	pa_xt_error(lowering->reader, &lowering->rule->line, word, "%s", message);
	lowering->failed = true;
}

void pa_xt_fail_value(struct pa_xt_lowering *lowering, const struct pa_xt_option *option)
{
	pa_xt_fail(lowering, option->arguments[0], "\"%s\" is nothing that --%s takes", option->arguments[0]->text,
		   option->name);
}

void pa_xt_fail_without(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	bool target = use == lowering->rule->target;
	pa_xt_fail(lowering, use->word, "the %s %s %s", target ? "target" : "match", use->name,
		   target ? "does not say what to do" : "says nothing of what it looks for");
}

/* --- the text of a rule ------------------------------------------------------------------------------------------------------ */

static bool is_at(const struct pa_xt_word *word, const struct pa_xt_word *place)
{
	return place && place->column >= word->column && place->column < word->column + word->length;
}

/* Words that the text leaves out: the command, which is -A for every rule that is there, and the comment. */
static bool is_left_out(const struct pa_xt_rule *rule, size_t at)
{
	const struct pa_xt_word *word = &rule->line.words[at];
	const struct pa_xt_word *next = at + 1 < rule->line.count ? word + 1 : NULL;
	if (is_at(word, rule->chain) || is_at(word, rule->value) || (next && is_at(next, rule->chain)))
		return true;
	for (size_t i = 0; i < rule->match_count; i++) {
		const struct pa_xt_use *use = rule->matches[i];
		if (strcmp(use->name, "comment") != 0)
			continue;
		if (is_at(word, use->word) || (next && is_at(next, use->word)))
			return true;
		for (size_t k = 0; k < use->count; k++)
			if (is_at(word, use->options[k].word) || is_at(word, use->options[k].arguments[0]))
				return true;
	}
	return false;
}

static const char *rule_text(struct pa_arena *arena, const struct pa_xt_chain *chain, const struct pa_xt_rule *rule)
{
	struct pa_buffer text = { 0 };
	pa_buffer_puts(&text, "-A ");
	pa_xt_put_word(&text, chain->name);
	for (size_t i = 0; i < rule->line.count; i++) {
		if (is_left_out(rule, i))
			continue;
		pa_buffer_putc(&text, ' ');
		pa_xt_put_word(&text, rule->line.words[i].text);
	}
	const char *kept = pa_arena_strndup(arena, text.data, text.length);
	pa_buffer_done(&text);
	return kept;
}

static const char *rule_comment(const struct pa_xt_rule *rule)
{
	for (size_t i = 0; i < rule->match_count; i++) {
		const struct pa_xt_option *comment =
			strcmp(rule->matches[i]->name, "comment") == 0 ? pa_xt_option(rule->matches[i], "comment") : NULL;
		if (comment)
			return comment->arguments[0]->text;
	}
	return NULL;
}

/* --- what a rule asks and does -------------------------------------------------------------------------------------------------- */

static void lower_matches(struct pa_xt_lowering *lowering)
{
	for (size_t i = 0; i < lowering->rule->match_count; i++) {
		const struct pa_xt_use *use = lowering->rule->matches[i];
		if (!use->extension)
			pa_xt_add_opaque(lowering, use, false);
		else
			use->extension->lower(lowering, use);
	}
}

static void jump(struct pa_xt_lowering *lowering, const struct pa_xt_rule *rule)
{
	const struct pa_xt_chain *chain = pa_xt_find_chain(lowering->table, rule->jump->text);
	if (!chain) {
		pa_xt_fail(lowering, rule->jump, "\"%s\" is neither a target nor a chain of table %s", rule->jump->text,
			   lowering->table->name);
		return;
	}
	if (chain->is_base) {
		pa_xt_fail(lowering, rule->jump, "\"%s\" is a base chain: only other chains can be jumped to", chain->name);
		return;
	}
	struct pa_step step = { .kind = PA_STEP_VERDICT };
	step.verdict.kind = rule->is_goto ? PA_VERDICT_GOTO : PA_VERDICT_JUMP;
	step.verdict.target_name = chain->name;
	step.text = pa_arena_printf(lowering->arena, "%s %s", rule->is_goto ? "-g" : "-j", chain->name);
	pa_xt_add(lowering, &step);
}

static void lower_target(struct pa_xt_lowering *lowering)
{
	const struct pa_xt_rule *rule = lowering->rule;
	const struct pa_xt_use *target = rule->target;
	if (!rule->jump)
		return;
	/* a chain that has the name of a target is what the rule means (measured, both kinds of iptables) */
	bool is_chain = target && pa_xt_find_chain(lowering->table, target->name);
	if (is_chain && target->count)
		pa_xt_fail(lowering, rule->jump, "\"%s\" is a chain here and a target with options as well", target->name);
	else if (!target || is_chain) {
		jump(lowering, rule);
	} else if (!target->extension) {
		struct pa_step step = pa_xt_opaque_step(pa_xt_use_text(lowering, target), PA_OPACITY_VERDICT, true);
		pa_xt_add(lowering, &step);
	} else if (!(target->extension->tables & lowering->table->row->bit)) {
		pa_xt_fail(lowering, rule->jump, "the target %s has no place in table %s", target->name, lowering->table->name);
	} else {
		target->extension->lower(lowering, target);
	}
}

static void check_interfaces(struct pa_xt_lowering *lowering)
{
	const struct pa_xt_rule *rule = lowering->rule;
	enum pa_hook hook = lowering->chain->hook;
	if (!lowering->chain->is_base)
		return;
	if (rule->in.word && (hook == PA_HOOK_OUTPUT || hook == PA_HOOK_POSTROUTING))
		pa_xt_fail(lowering, rule->in.option, "-i has no place in %s: packets there come from no interface",
			   lowering->chain->name);
	if (rule->out.word && (hook == PA_HOOK_PREROUTING || hook == PA_HOOK_INPUT))
		pa_xt_fail(lowering, rule->out.option, "-o has no place in %s: packets there leave by no interface",
			   lowering->chain->name);
}

static bool lower_rule(struct pa_xt_lowering *lowering)
{
	const struct pa_xt_rule *rule = lowering->rule;
	lowering->ways = pa_arena_alloc(lowering->arena, 1, sizeof(*lowering->ways));
	lowering->way_count = 1;
	lowering->failed = false;
	check_interfaces(lowering);
	pa_xt_lower_addresses(lowering, &rule->source, PA_FIELD_SADDR, "-s");
	pa_xt_lower_addresses(lowering, &rule->destination, PA_FIELD_DADDR, "-d");
	pa_xt_lower_interface(lowering, &rule->in, PA_FIELD_IIFNAME, "-i");
	pa_xt_lower_interface(lowering, &rule->out, PA_FIELD_OIFNAME, "-o");
	pa_xt_lower_protocol(lowering);
	pa_xt_lower_fragment(lowering);
	lower_matches(lowering);
	lower_target(lowering);
	return !lowering->failed;
}

/* --- into the ruleset ------------------------------------------------------------------------------------------------------------ */

/* Matches and targets of xtables read some things otherwise than nft's expressions (nf_ct_get() gives them a template, for one). */
static void mark_parts(struct pa_step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (unsigned p = 0; steps[i].kind == PA_STEP_MATCH && p < steps[i].key.count; p++)
			steps[i].key.parts[p].of_xtables = true;
		steps[i].value.part.of_xtables = true;
	}
}

static void add_rules(const struct pa_xt_lowering *lowering, struct pa_chain *chain)
{
	const struct pa_xt_rule *rule = lowering->rule;
	const char *text = rule_text(lowering->arena, lowering->chain, rule);
	for (size_t i = 0; i < lowering->way_count; i++) {
		struct pa_rule *added = pa_chain_add_rule(lowering->reader->ruleset, chain);
		added->where = (struct pa_location){ lowering->reader->file, rule->line.number, 1, 0 };
		added->text = text;
		added->continues = i > 0;
		added->comment = rule_comment(rule);
		mark_parts(lowering->ways[i].steps, lowering->ways[i].count);
		added->steps = lowering->ways[i].steps;
		added->step_count = lowering->ways[i].count;
	}
}

static bool lower_chain(struct pa_xt_lowering *lowering, struct pa_chain *chain)
{
	bool sound = true;
	for (size_t i = 0; i < lowering->chain->count; i++) {
		lowering->rule = lowering->chain->rules[i];
		if (lower_rule(lowering))
			add_rules(lowering, chain);
		else
			sound = false;
	}
	return sound;
}

/* nat chains run at -100 before routing and at 100 after it (include/uapi/linux/netfilter_ipv4.h); mangle may reroute in OUTPUT. */
static void describe_chain(const struct pa_xt_table *table, const struct pa_xt_chain *from, struct pa_chain *chain)
{
	chain->is_base = from->is_base;
	chain->policy = from->policy;
	if (!from->is_base)
		return;
	chain->hook = from->hook;
	chain->type = table->row->type;
	chain->priority = table->row->priority;
	if (table->row->type == PA_CHAIN_NAT)
		chain->priority = from->hook == PA_HOOK_PREROUTING || from->hook == PA_HOOK_OUTPUT ? -100 : 100;
	if (table->row->type == PA_CHAIN_ROUTE && from->hook != PA_HOOK_OUTPUT)
		chain->type = PA_CHAIN_FILTER;
}

static bool lower_table(struct pa_xt_reader *reader, const struct pa_xt_table *table)
{
	enum pa_family family = table->family == 4 ? PA_FAMILY_IP : PA_FAMILY_IP6;
	struct pa_table *to = pa_ruleset_add_table(reader->ruleset, family, table->name);
	struct pa_chain **chains = pa_arena_alloc(reader->arena, table->count + 1, sizeof(struct pa_chain *));
	bool sound = true;
	to->source = table->source;
	to->where = (struct pa_location){ reader->file, table->line_number, 1, 0 };
	for (size_t i = 0; i < table->count; i++) {
		chains[i] = pa_table_add_chain(reader->ruleset, to, table->chains[i]->name);
		chains[i]->where = (struct pa_location){ reader->file, table->chains[i]->line_number, 1, 0 };
		describe_chain(table, table->chains[i], chains[i]);
	}
	for (size_t i = 0; i < table->count; i++) {
		struct pa_xt_lowering lowering = { .reader = reader,
						   .arena = reader->arena,
						   .table = table,
						   .chain = table->chains[i],
						   .family = table->family };
		sound = lower_chain(&lowering, chains[i]) && sound;
	}
	return sound;
}

bool pa_xt_lower_tables(struct pa_xt_reader *reader, struct pa_xt_table **tables, size_t count)
{
	bool sound = true;
	for (size_t i = 0; i < count; i++)
		if (!tables[i]->replaced)
			sound = lower_table(reader, tables[i]) && sound;
	return sound;
}
