/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random rulesets: valid for nft nearly always, small pools of constants so that rules meet each other's packets. What a
 * single rule asks is in grammar.c; here are tables, chains and who may jump where (only forward: no loops).
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "grammar.h"

char *say(const char *format, ...)
{
	char *text = NULL;
	va_list arguments;
	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		abort();
	va_end(arguments);
	return text;
}

static void *grow(void *items, size_t count, size_t size)
{
	items = realloc(items, (count + 1) * size);
	if (!items)
		abort();
	memset((char *)items + count * size, 0, size);
	return items;
}

struct script_table *script_add_table(struct script *script, char *head)
{
	script->table = grow(script->table, script->tables, sizeof(*script->table));
	script->table[script->tables].head = head;
	return &script->table[script->tables++];
}

struct script_block *script_add_block(struct script_table *table, char *head)
{
	table->block = grow(table->block, table->blocks, sizeof(*table->block));
	struct script_block *block = &table->block[table->blocks++];
	block->head = head;
	return block;
}

struct script_rule *script_add_rule(struct script_block *block)
{
	block->rule = grow(block->rule, block->rules, sizeof(*block->rule));
	return &block->rule[block->rules++];
}

void rule_step(struct script_rule *rule, char *step)
{
	if (step && rule->steps < SCRIPT_STEPS)
		rule->step[rule->steps++] = step;
	else
		free(step);
}

static void write_set(struct script_table *table, char *head, const char *elements)
{
	script_add_block(table, say("%s\t\telements = { %s }\n\t}\n", head, elements));
	free(head);
}

/* Named sets and maps that grammar.c speaks of: each table of a family has them all or none. */
static void add_sets(struct script_table *table, struct grammar *grammar)
{
	grammar->sets = chance_of(grammar->chance, 45);
	if (!grammar->sets)
		return;
	char *first = grammar_elements(grammar, ELEMENTS_PORT), *second = grammar_elements(grammar, ELEMENTS_PORT_MARK);
	write_set(table, say("\tset ports {\n\t\ttype inet_service\n\t\tflags interval\n"), first);
	write_set(table, say("\tmap colours {\n\t\ttype inet_service : mark\n"), second);
	free(first);
	free(second);
	if (grammar->family != 6) {
		first = grammar_elements(grammar, ELEMENTS_IP4);
		second = grammar_elements(grammar, ELEMENTS_IP4_PORT);
		write_set(table, say("\tset hosts {\n\t\ttype ipv4_addr\n\t\tflags interval\n"), first);
		write_set(table, say("\tset pairs {\n\t\ttype ipv4_addr . inet_service\n\t\tflags interval\n"), second);
		free(first);
		free(second);
	}
	if (grammar->family != 4) {
		first = grammar_elements(grammar, ELEMENTS_IP6);
		write_set(table, say("\tset hosts6 {\n\t\ttype ipv6_addr\n\t\tflags interval\n"), first);
		free(first);
	}
}

/* Which hooks, how often; nat chains have their own share. */
static enum hook pick_hook(struct grammar *grammar, enum chain_type type)
{
	static const enum hook filter[] = { HOOK_PREROUTING, HOOK_PREROUTING, HOOK_INPUT,   HOOK_INPUT,	 HOOK_INPUT,
					    HOOK_INPUT,	     HOOK_FORWARD,    HOOK_FORWARD, HOOK_OUTPUT, HOOK_POSTROUTING };
	static const enum hook nat[] = { HOOK_PREROUTING,  HOOK_PREROUTING, HOOK_PREROUTING,
					 HOOK_POSTROUTING, HOOK_INPUT,	    HOOK_OUTPUT };
	if (type == TYPE_ROUTE)
		return HOOK_OUTPUT;
	return type == TYPE_NAT ? nat[chance_below(grammar->chance, 6)] : filter[chance_below(grammar->chance, 10)];
}

/* Not -200 (the kernel's own order of arrival decides there) and not the observer's. */
static int pick_priority(struct grammar *grammar)
{
	static const int priorities[] = { -300, -250, -150, -110, -90, -10, 0, 0, 0, 0, 5, 10, 50, 90, 110, 300 };
	return priorities[chance_below(grammar->chance, 16)];
}

static bool is_drop_policy(struct grammar *grammar, enum chain_type type, enum hook hook)
{
	unsigned percent = type == TYPE_NAT ? 2 : hook == HOOK_INPUT || hook == HOOK_FORWARD ? 50 : 10;
	return chance_of(grammar->chance, percent);
}

static void fill_chain(struct script_block *block, struct grammar *grammar, unsigned most)
{
	unsigned rules = 1 + chance_below(grammar->chance, most);
	for (unsigned i = 0; i < rules; i++)
		grammar_rule(grammar, script_add_rule(block));
}

static void add_base_chain(struct script_table *table, struct grammar *grammar, unsigned number)
{
	static const char *const type_names[] = { "filter", "nat", "route" };
	static const char *const hook_names[] = { "prerouting", "input", "forward", "output", "postrouting" };
	uint32_t kind = chance_below(grammar->chance, 100);
	grammar->type = kind < 80 ? TYPE_FILTER : kind < 97 ? TYPE_NAT : TYPE_ROUTE;
	grammar->hook = pick_hook(grammar, grammar->type);
	int priority = pick_priority(grammar);
	if (grammar->type == TYPE_NAT && priority < -150)
		priority = -100; /* the kernel wants nat chains after conntrack */
	grammar->base = true;
	grammar->raw = priority == -300 && (grammar->hook == HOOK_PREROUTING || grammar->hook == HOOK_OUTPUT);
	grammar->first_target = 0;
	bool translates = grammar->hook == HOOK_PREROUTING || grammar->hook == HOOK_OUTPUT;
	grammar->first_nat_target = translates ? 0 : grammar->nat_targets;
	fill_chain(script_add_block(table, say("\tchain base%u {\n\t\ttype %s hook %s priority %d; policy %s;\n", number,
					       type_names[grammar->type], hook_names[grammar->hook], priority,
					       is_drop_policy(grammar, grammar->type, grammar->hook) ? "drop" : "accept")),
		   grammar, 7);
}

static void add_plain_chain(struct script_table *table, struct grammar *grammar, unsigned number)
{
	grammar->base = false;
	grammar->raw = false;
	grammar->type = TYPE_FILTER;
	grammar->first_target = number + 1;
	bool wide = grammar->wide;
	grammar->wide = wide && number + 1 < grammar->targets; /* named verdict maps jump to the last one: it asks none */
	fill_chain(script_add_block(table, say("\tchain c%u {\n", number)), grammar, 4);
	grammar->wide = wide;
}

/* A chain with translations, for nat chains to jump to. */
static void add_nat_chain(struct script_table *table, struct grammar *grammar, unsigned number)
{
	grammar->base = false;
	grammar->raw = false;
	grammar->type = TYPE_NAT;
	grammar->hook = HOOK_PREROUTING;
	grammar->first_target = 0;
	grammar->first_nat_target = number + 1;
	fill_chain(script_add_block(table, say("\tchain n%u {\n", number)), grammar, 3);
}

/* The rules of a table as text: whose names they use. */
static char *rules_text(struct script_table *table)
{
	struct script one = { .table = table, .tables = 1 };
	return script_text(&one);
}

/* The sets, maps and objects that the rules name. What a verdict map jumps to jumps nowhere itself. */
static void add_blocks(struct script_table *table, struct grammar *grammar)
{
	char *rules = rules_text(table);
	grammar->first_target = grammar->targets ? grammar->targets - 1 : 0;
	for (size_t i = 0; i < block_count(); i++) {
		char *head = block_draw(grammar, i, rules);
		if (*head)
			script_add_block(table, head);
		else
			free(head);
	}
	free(rules);
}

/* Chains that see the packets of some interfaces, before everything else or behind it. */
static void add_device_chain(struct script_table *table, struct grammar *grammar, unsigned number, bool inet)
{
	static const char *const devices[] = { "eth0", "lan0", "eth1", "eth0, lan0", "eth0, eth1, lan0", "lo" };
	static const char *const priorities[] = { "0", "0", "-10", "10", "-500" };
	struct chance *chance = grammar->chance;
	grammar->hook = inet || chance_of(chance, 65) ? HOOK_INGRESS : HOOK_EGRESS;
	struct script_block *block = script_add_block(
		table, say("\tchain d%u {\n\t\ttype filter hook %s devices = { %s } priority %s; policy %s;\n", number,
			   grammar->hook == HOOK_INGRESS ? "ingress" : "egress", devices[chance_below(chance, 6)],
			   priorities[chance_below(chance, 5)], chance_of(chance, 12) ? "drop" : "accept"));
	for (unsigned i = 1 + chance_below(chance, 4); i > 0; i--) {
		grammar->network = 0;
		grammar->transport = NULL;
		rule_step(script_add_rule(block),
			  phrase_draw(grammar, inet && chance_of(chance, 40) ? PHRASE_INGRESS : PHRASE_NETDEV));
	}
}

static void add_device_table(struct script *script, struct chance *chance, unsigned number)
{
	bool inet = chance_of(chance, 30);
	struct script_table *table = script_add_table(script, say("table %s t%u {\n", inet ? "inet" : "netdev", number));
	struct grammar grammar = { .chance = chance, .base = true };
	for (unsigned i = 1 + chance_below(chance, 3); i > 0; i--)
		add_device_chain(table, &grammar, i, inet);
}

static void add_table(struct script *script, struct chance *chance, unsigned number, bool wide)
{
	static const char *const families[] = { "inet", "ip", "ip6" };
	uint32_t kind = chance_below(chance, 100);
	unsigned which = kind < 55 ? 0 : kind < 83 ? 1 : 2;
	const char *flags = chance_of(chance, 2) ? "\tflags dormant\n" : "";
	struct script_table *table = script_add_table(script, say("table %s t%u {\n%s", families[which], number, flags));
	struct grammar grammar = { .chance = chance, .family = which == 0 ? 0 : which == 1 ? 4 : 6 };
	add_sets(table, &grammar);
	grammar.wide = wide;
	grammar.targets = chance_of(chance, 8) ? 12 : chance_below(chance, 5);
	grammar.nat_targets = chance_of(chance, 30) ? 1 + chance_below(chance, 2) : 0;
	unsigned bases = 1 + chance_below(chance, 4);
	for (unsigned i = 0; i < grammar.targets; i++)
		add_plain_chain(table, &grammar, i);
	for (unsigned i = 0; i < grammar.nat_targets; i++)
		add_nat_chain(table, &grammar, i);
	for (unsigned i = 0; i < bases; i++)
		add_base_chain(table, &grammar, i);
	if (wide)
		add_blocks(table, &grammar);
}

/*
 * The judge says by which interface a packet leaves; when NAT in output sends it elsewhere, it does not know in advance. nft 1.0.6 aborts
 * when it lists a lookup of ports behind a protocol that has none: then the program has no answer (exit 3).
 */
static bool is_judgeable(const struct script *script)
{
	char *text = script_text(script);
	bool good = !(strstr(text, "nat hook output") && strstr(text, "hook postrouting") && strstr(text, "oif"));
	good = good && !(strstr(text, "l4proto 47 ") && strstr(text, ". th dport"));
	free(text);
	return good;
}

void script_generate(struct script *script, struct chance *chance, bool wide_too)
{
	do {
		script_done(script);
		unsigned tables = 1 + chance_below(chance, 3);
		bool wide = wide_too && chance_of(chance, 75);
		for (unsigned i = 0; i < tables; i++)
			add_table(script, chance, i, wide);
		if (wide && chance_of(chance, 15))
			add_device_table(script, chance, tables);
	} while (!is_judgeable(script));
}

static void write_rule(FILE *out, const struct script_rule *rule)
{
	for (size_t i = 0; i < rule->steps; i++)
		fprintf(out, "%s%s", i == 0 ? "\t\t" : " ", rule->step[i]);
	if (rule->steps)
		fputc('\n', out);
}

char *script_text(const struct script *script)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	for (size_t t = 0; t < script->tables; t++) {
		const struct script_table *table = &script->table[t];
		fputs(table->head, out);
		for (size_t b = 0; b < table->blocks; b++) {
			fputs(table->block[b].head, out);
			for (size_t r = 0; r < table->block[b].rules; r++)
				write_rule(out, &table->block[b].rule[r]);
			if (table->block[b].rules || strncmp(table->block[b].head, "\tchain", 6) == 0)
				fputs("\t}\n", out);
		}
		fputs("}\n", out);
	}
	fclose(out);
	return text;
}

static void block_done(struct script_block *block)
{
	for (size_t r = 0; r < block->rules; r++)
		for (size_t s = 0; s < block->rule[r].steps; s++)
			free(block->rule[r].step[s]);
	free(block->rule);
	free(block->head);
}

void script_done(struct script *script)
{
	for (size_t t = 0; t < script->tables; t++) {
		for (size_t b = 0; b < script->table[t].blocks; b++)
			block_done(&script->table[t].block[b]);
		free(script->table[t].block);
		free(script->table[t].head);
	}
	free(script->table);
	memset(script, 0, sizeof(*script));
}
