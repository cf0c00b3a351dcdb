/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Chains of which nobody knows when they were registered (those of iptables-legacy beside nft's) may run before or behind the others of
 * their hook and priority: every order that is possible is a list of stages of its own.
 */
#include "evaluation.h"

#include <string.h>

/* A run of stages, or of the chains of a nat stage, that have one priority: some wander, the others stand. */
struct run {
	size_t first, end;
	size_t nat; /* the stage whose chains they are; SIZE_MAX: stages */
};

static bool wanders(const struct pa_stage *stage)
{
	for (size_t i = 0; i < stage->nat_count; i++)
		if (stage->nat[i]->table->age_unknown)
			return true;
	return stage->kind == PA_STAGE_CHAIN && stage->chain->table->age_unknown;
}

/* Chains of devices and bridges have places of their own. */
static bool is_placed(const struct pa_stage *stage)
{
	return (stage->kind == PA_STAGE_CHAIN || stage->kind == PA_STAGE_NAT) && stage->binding == PA_BOUND_NOT;
}

/* Item i of a run as a stage: a chain of a nat stage is taken for one. */
static struct pa_stage item(const struct pa_hook_plan *plan, const struct run *run, size_t i)
{
	if (run->nat == SIZE_MAX)
		return plan->stages[i];
	const struct pa_chain *chain = plan->stages[run->nat].nat[i];
	return (struct pa_stage){ .kind = PA_STAGE_CHAIN, .chain = chain, .priority = chain->priority };
}

static void put_stage(const struct pa_stage *stage, struct pa_buffer *out)
{
	if (stage->kind == PA_STAGE_NAT) {
		pa_buffer_puts(out, "NAT");
		return;
	}
	pa_buffer_printf(out, "chain %s of %stable %s %s", stage->chain->name,
			 stage->chain->table->age_unknown ? "iptables-legacy's " : "",
			 pa_family_name(stage->chain->table->family), stage->chain->table->name);
}

static bool sees(const struct pa_stage *stage, int family)
{
	for (size_t i = 0; i < stage->nat_count; i++)
		if (pa_family_sees(stage->nat[i]->table->family, family))
			return true;
	return stage->kind == PA_STAGE_CHAIN && pa_family_sees(stage->chain->table->family, family);
}

/* "chain INPUT of iptables-legacy's table ip filter runs before chain c of table inet t"; NULL: they have no packets in common. */
static const char *text_of(const struct pa_hook_plan *plan, const struct run *run, const struct pa_stage *standing, int family,
			   struct pa_arena *arena)
{
	for (size_t i = run->first; i < run->end; i++) {
		struct pa_stage stage = item(plan, run, i);
		struct pa_buffer text = { 0 };
		if (!wanders(&stage) || !sees(&stage, family) || !sees(standing, family))
			continue;
		put_stage(&stage, &text);
		pa_buffer_puts(&text, " runs before ");
		put_stage(standing, &text);
		const char *kept = pa_arena_strndup(arena, text.data, text.length);
		pa_buffer_done(&text);
		return kept;
	}
	return NULL;
}

/* false: in this run there is only one order. */
static bool make_tie(const struct pa_hook_plan *plan, const struct run *run, struct pa_arena *arena, struct pa_tie *ret_tie)
{
	size_t wandering = 0;
	*ret_tie = (struct pa_tie){ 0 };
	for (unsigned f = 0; f < 2; f++)
		ret_tie->text[f] = pa_arena_alloc(arena, run->end - run->first, sizeof(const char *));
	for (size_t i = run->first; i < run->end; i++) {
		struct pa_stage stage = item(plan, run, i);
		if (wanders(&stage)) {
			wandering++;
			continue;
		}
		ret_tie->text[0][ret_tie->count] = text_of(plan, run, &stage, 4, arena);
		ret_tie->text[1][ret_tie->count++] = text_of(plan, run, &stage, 6, arena);
	}
	return wandering > 0 && ret_tie->count > 0;
}

static bool same_run(const struct pa_hook_plan *plan, const struct run *run, size_t next)
{
	struct pa_stage first = item(plan, run, run->first), other = item(plan, run, next);
	return is_placed(&first) && is_placed(&other) && first.priority == other.priority;
}

static size_t find_runs(const struct pa_hook_plan *plan, size_t nat, size_t count, struct pa_arena *arena, struct run *runs,
			struct pa_tie *ties)
{
	size_t found = 0;
	for (size_t i = 0, end; i < count; i = end) {
		struct run run = { i, i + 1, nat };
		while (run.end < count && same_run(plan, &run, run.end))
			run.end++;
		end = run.end;
		if (make_tie(plan, &run, arena, &ties[found]))
			runs[found++] = run;
	}
	return found;
}

/* Those that wander behind the first `before` of the others. */
static void arrange_stages(struct pa_stage *stages, const struct run *run, size_t before, struct pa_arena *arena)
{
	size_t count = run->end - run->first, at = run->first, standing = 0;
	struct pa_stage *old = pa_arena_dup(arena, stages + run->first, count, sizeof(*old));
	for (unsigned pass = 0; pass < 3; pass++, standing = 0)
		for (size_t i = 0; i < count; i++) {
			bool moves = wanders(&old[i]), early = !moves && standing++ < before;
			if (moves ? pass == 1 : pass == (early ? 0 : 2))
				stages[at++] = old[i];
		}
}

static void arrange_nat(struct pa_stage *stage, const struct run *run, size_t before, struct pa_arena *arena)
{
	const struct pa_chain **nat = pa_arena_dup(arena, stage->nat, stage->nat_count, sizeof(const struct pa_chain *));
	size_t at = run->first, standing = 0;
	for (unsigned pass = 0; pass < 3; pass++, standing = 0)
		for (size_t i = run->first; i < run->end; i++) {
			bool moves = stage->nat[i]->table->age_unknown, early = !moves && standing++ < before;
			if (moves ? pass == 1 : pass == (early ? 0 : 2))
				nat[at++] = stage->nat[i];
		}
	stage->nat = nat;
}

/* The list of stages of one order: a digit for each tie, the first one counts most. Chains inside a stage first: then the stages move. */
static struct pa_stage *make_order(const struct pa_hook_plan *plan, const struct run *runs, size_t order,
				   struct pa_arena *arena)
{
	struct pa_stage *stages = pa_arena_dup(arena, plan->stages, plan->count, sizeof(*stages));
	for (unsigned pass = 0; pass < 2; pass++) {
		size_t rest = order;
		for (size_t t = plan->tie_count; t-- > 0; rest /= plan->ties[t].count + 1) {
			size_t before = rest % (plan->ties[t].count + 1);
			if (pass == 0 && runs[t].nat != SIZE_MAX)
				arrange_nat(&stages[runs[t].nat], &runs[t], before, arena);
			if (pass == 1 && runs[t].nat == SIZE_MAX)
				arrange_stages(stages, &runs[t], before, arena);
		}
	}
	return stages;
}

void pa_plan_orders(struct pa_hook_plan *plan, struct pa_arena *arena)
{
	size_t room = plan->count + 1, orders = 1;
	for (size_t i = 0; i < plan->count; i++)
		room += plan->stages[i].nat_count;
	struct run *runs = pa_arena_alloc(arena, room, sizeof(*runs));
	plan->ties = pa_arena_alloc(arena, room, sizeof(*plan->ties));
	plan->tie_count = find_runs(plan, SIZE_MAX, plan->count, arena, runs, plan->ties);
	for (size_t i = 0; i < plan->count; i++)
		plan->tie_count += find_runs(plan, i, plan->stages[i].nat_count, arena, runs + plan->tie_count,
					     plan->ties + plan->tie_count);
	for (size_t t = 0; t < plan->tie_count; t++)
		orders *= plan->ties[t].count + 1;
	if (plan->tie_count == 0)
		return;
	plan->orders = pa_arena_alloc(arena, orders, sizeof(struct pa_stage *));
	for (size_t i = 0; i < orders; i++)
		plan->orders[i] = make_order(plan, runs, i, arena);
}
