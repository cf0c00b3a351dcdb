/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resolves jump targets and refuses what the kernel refuses (nft_chain_validate() in net/netfilter/nf_tables_api.c): a
 * target that does not exist or is a base chain, a loop that a base chain reaches, more than 15 jumps inside each other
 * (the sixteenth is EMLINK; goto counts as jump does). Each chain is entered once, so that diamonds cost nothing.
 */
#include <stdlib.h>

#include "build.h"

#define DEPTH_MAX 15u

struct edge {
	const struct pa_chain *to;
	const struct pa_rule *rule;
};

enum color { UNSEEN, OPEN, DONE };

struct node {
	size_t first_edge; /* its edges end where those of the next chain begin */
	size_t next_edge;  /* the next to follow */
	enum color color;
	unsigned height; /* jumps inside each other below this chain */
};

struct checker {
	struct pa_ruleset *ruleset;
	struct pa_diags *diags;
	struct edge *edges;
	size_t edge_count;
	size_t edge_capacity;
	struct node *nodes;    /* by chain id, and one behind the last */
	unsigned *linked_from; /* by chain id: id + 1 of the last chain that has an edge to it */
	const struct pa_chain **stack;
	size_t stack_count;
	bool sound;
};

/* A ruleset of the kernel has no file: what is wrong with it was not the user's doing. */
static void complain(struct checker *checker, struct pa_location where, const char *message)
{
	enum pa_diag_kind kind = where.file ? PA_DIAG_INPUT : PA_DIAG_INCOMPLETE;
	struct pa_diag *diag = pa_diags_add(checker->diags, PA_DIAG_ERROR, kind, "%s", message);
	diag->where = where;
	/* The ruleset goes when it is not sound, the message stays. */
	if (where.file)
		diag->where.file = pa_arena_strdup(checker->diags->arena, where.file);
	checker->sound = false;
}

static void resolve_verdict(struct checker *checker, const struct pa_table *table, struct pa_location where,
			    struct pa_verdict *verdict)
{
	if ((verdict->kind != PA_VERDICT_JUMP && verdict->kind != PA_VERDICT_GOTO) || verdict->target)
		return;
	struct pa_arena *arena = checker->ruleset->arena;
	const struct pa_chain *target = pa_table_find_chain(table, verdict->target_name);
	if (!target)
		complain(checker, where,
			 pa_arena_printf(arena, "%s to chain \"%s\", which table %s %s does not have",
					 pa_verdict_name(verdict->kind), verdict->target_name, pa_family_name(table->family),
					 table->name));
	else if (target->is_base)
		complain(checker, where,
			 pa_arena_printf(arena, "%s to base chain \"%s\" of table %s %s: only other chains can be jumped to",
					 pa_verdict_name(verdict->kind), target->name, pa_family_name(table->family),
					 table->name));
	else
		verdict->target = target;
}

static void resolve_elements(struct checker *checker, const struct pa_table *table, struct pa_location where,
			     struct pa_elements *elements)
{
	for (size_t i = 0; elements->data && i < elements->count; i++)
		if (elements->data[i].kind == PA_DATUM_VERDICT)
			resolve_verdict(checker, table, where, &elements->data[i].verdict);
	if (elements->catch_all && elements->catch_all->kind == PA_DATUM_VERDICT)
		resolve_verdict(checker, table, where, &elements->catch_all->verdict);
}

static void resolve_rule(struct checker *checker, struct pa_rule *rule)
{
	const struct pa_table *table = rule->chain->table;
	for (size_t i = 0; i < rule->step_count; i++) {
		struct pa_step *step = &rule->steps[i];
		if (step->kind == PA_STEP_VERDICT)
			resolve_verdict(checker, table, rule->where, &step->verdict);
		/* The elements of a rule are const for everybody behind this function, which is the last to write to them. */
		if (step->kind == PA_STEP_VMAP && !step->elements->decl)
			resolve_elements(checker, table, rule->where, (struct pa_elements *)(uintptr_t)step->elements);
	}
}

static void resolve_all(struct checker *checker)
{
	struct pa_ruleset *ruleset = checker->ruleset;
	for (size_t i = 0; i < ruleset->table_count; i++) {
		struct pa_table *table = ruleset->tables[i];
		for (size_t j = 0; j < table->set_count; j++) {
			resolve_elements(checker, table, table->sets[j]->where, &table->sets[j]->elements);
			((struct built_set *)table->sets[j])->visited_by = 0;
		}
	}
	for (size_t i = 0; i < ruleset->rule_count; i++)
		resolve_rule(checker, ruleset->rules[i]);
}

/* --- the graph of chains ----------------------------------------------------------------------------------- */

static void add_edge(struct checker *checker, const struct pa_rule *rule, const struct pa_verdict *verdict)
{
	if (!verdict->target || checker->linked_from[verdict->target->id] == rule->chain->id + 1)
		return;
	checker->linked_from[verdict->target->id] = rule->chain->id + 1;
	pa_grow(&checker->edges, &checker->edge_capacity, checker->edge_count + 1, sizeof(*checker->edges));
	checker->edges[checker->edge_count++] = (struct edge){ .to = verdict->target, .rule = rule };
}

static void add_map_edges(struct checker *checker, const struct pa_rule *rule, const struct pa_elements *elements)
{
	if (elements->decl) {
		struct built_set *set = (struct built_set *)(uintptr_t)elements->decl;
		if (set->visited_by == rule->chain->id + 1)
			return;
		set->visited_by = rule->chain->id + 1;
	}
	for (size_t i = 0; elements->data && i < elements->count; i++)
		if (elements->data[i].kind == PA_DATUM_VERDICT)
			add_edge(checker, rule, &elements->data[i].verdict);
	if (elements->catch_all && elements->catch_all->kind == PA_DATUM_VERDICT)
		add_edge(checker, rule, &elements->catch_all->verdict);
}

static void add_rule_edges(struct checker *checker, const struct pa_rule *rule)
{
	for (size_t i = 0; i < rule->step_count; i++) {
		if (rule->steps[i].kind == PA_STEP_VERDICT)
			add_edge(checker, rule, &rule->steps[i].verdict);
		else if (rule->steps[i].kind == PA_STEP_VMAP)
			add_map_edges(checker, rule, rule->steps[i].elements);
	}
}

static void build_graph(struct checker *checker)
{
	struct pa_ruleset *ruleset = checker->ruleset;
	checker->nodes = pa_xcalloc(ruleset->chain_count + 1, sizeof(*checker->nodes));
	checker->linked_from = pa_xcalloc(ruleset->chain_count + 1, sizeof(*checker->linked_from));
	checker->stack = pa_xcalloc(ruleset->chain_count + 1, sizeof(*checker->stack));
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		const struct pa_chain *chain = ruleset->chains[i];
		checker->nodes[i].first_edge = checker->nodes[i].next_edge = checker->edge_count;
		for (size_t j = 0; j < chain->rule_count; j++)
			add_rule_edges(checker, chain->rules[j]);
	}
	checker->nodes[ruleset->chain_count].first_edge = checker->edge_count;
}

static void complain_of_loop(struct checker *checker, const struct edge *edge)
{
	const struct pa_chain *chain = edge->rule->chain;
	complain(checker, edge->rule->where,
		 pa_arena_printf(
			 checker->ruleset->arena,
			 "the jump from chain \"%s\" to chain \"%s\" of table %s %s closes a loop that a base chain reaches",
			 chain->name, edge->to->name, pa_family_name(chain->table->family), chain->table->name));
}

/* Follow the next edge of the chain on top of the stack, or leave that chain. */
static void follow(struct checker *checker)
{
	unsigned id = checker->stack[checker->stack_count - 1]->id;
	struct node *node = &checker->nodes[id];
	if (node->next_edge == checker->nodes[id + 1].first_edge) {
		node->color = DONE;
		checker->stack_count--;
		return;
	}
	const struct edge *edge = &checker->edges[node->next_edge];
	struct node *target = &checker->nodes[edge->to->id];
	if (target->color == UNSEEN) {
		target->color = OPEN;
		checker->stack[checker->stack_count++] = edge->to;
		return; /* this edge again when the target is done */
	}
	node->next_edge++;
	if (target->color == OPEN)
		complain_of_loop(checker, edge);
	else if (target->height + 1 > node->height)
		node->height = target->height + 1;
}

static void check_base_chain(struct checker *checker, const struct pa_chain *base)
{
	struct node *node = &checker->nodes[base->id];
	node->color = OPEN;
	checker->stack[checker->stack_count++] = base;
	while (checker->stack_count)
		follow(checker);
	if (node->height <= DEPTH_MAX)
		return;
	const struct edge *deepest = &checker->edges[node->first_edge];
	while (checker->nodes[deepest->to->id].height + 1 < node->height)
		deepest++;
	complain(checker, deepest->rule->where,
		 pa_arena_printf(checker->ruleset->arena,
				 "%u jumps inside each other from base chain \"%s\" of table %s %s on: the kernel allows %u",
				 node->height, base->name, pa_family_name(base->table->family), base->table->name, DEPTH_MAX));
}

bool pa_ruleset_check(struct pa_ruleset *ruleset, struct pa_diags *diags)
{
	struct checker checker = { .ruleset = ruleset, .diags = diags, .sound = true };
	pa_ruleset_finish(ruleset);
	resolve_all(&checker);
	build_graph(&checker);
	for (size_t i = 0; i < ruleset->chain_count; i++)
		if (ruleset->chains[i]->is_base)
			check_base_chain(&checker, ruleset->chains[i]);
	free(checker.edges);
	free(checker.nodes);
	free(checker.linked_from);
	free(checker.stack);
	return checker.sound;
}
