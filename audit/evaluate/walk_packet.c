/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walk of one packet: the leaves of its box put together to one fate. */
#include "fib.h"
#include "interface.h"
#include "source_type.h"
#include "walker.h"

#include <stdlib.h>
#include <string.h>

#define LEAVES_MAX 1024

struct pa_walker *pa_walker_new(const struct pa_ruleset *ruleset, const struct pa_host *host)
{
	struct pa_walker *walker = pa_xcalloc(1, sizeof(*walker));
	walker->ruleset = ruleset;
	walker->host = host;
	walker->arena = pa_arena_new();
	pa_plan_make(ruleset, walker->arena, &walker->plan);
	for (enum pa_fib kind = PA_FIB_NONE + 1; kind < PA_FIB_COUNT; kind++)
		walker->fib_count[kind] = pa_fib_regions(host, kind, walker->arena, &walker->fib[kind]);
	walker->source_region_count =
		pa_source_regions(host, &walker->plan.source_types, walker->arena, &walker->source_regions);
	walker->link_count = pa_link_facts(host, walker->arena, &walker->links);
	return walker;
}

void pa_walker_leave_nat_out(struct pa_walker *walker)
{
	walker->without_nat = true;
}

void pa_walker_translate_replies(struct pa_walker *walker, const struct pa_reply_translation *translation)
{
	walker->replies = translation;
}

void pa_walker_be_brief(struct pa_walker *walker)
{
	walker->brief = true;
	pa_walk_index_make(walker->ruleset, walker->arena, &walker->index);
}

struct pa_walker *pa_walker_free(struct pa_walker *walker)
{
	if (!walker)
		return NULL;
	pa_arena_free(walker->arena);
	free(walker);
	return NULL;
}

/* What the leaves say together. */
struct verdict {
	const struct pa_wstate *first, *accepting;
	bool differ;
	struct pa_arena *arena;
	const struct pa_wstate **leaves;
	size_t leaf_count, leaf_capacity;
	const char **texts; /* what the leaves assumed */
	size_t text_count, text_capacity;
	pa_u128 split_fields;
};

static bool same_now(const struct pa_wstate *a, const struct pa_wstate *b, enum pa_field field)
{
	const struct pa_wvalue *x = &a->now[field], *y = &b->now[field];
	return x->kind == y->kind && (x->kind != PA_W_VALUE || (x->first == y->first && x->last == y->last));
}

static bool same_end(const struct pa_wstate *a, const struct pa_wstate *b)
{
	if (a->fate != b->fate || (a->fate == PA_FATE_ACCEPT && a->path != b->path))
		return false;
	if (a->fate != PA_FATE_ACCEPT)
		return true;
	return same_now(a, b, PA_FIELD_DADDR) && same_now(a, b, PA_FIELD_DPORT) && same_now(a, b, PA_FIELD_SADDR) &&
	       same_now(a, b, PA_FIELD_SPORT);
}

static void add_text(struct verdict *v, const char *text)
{
	for (size_t i = 0; i < v->text_count; i++) {
		if (strcmp(v->texts[i], text) == 0)
			return;
	}
	pa_grow(&v->texts, &v->text_capacity, v->text_count + 1, sizeof(*v->texts));
	v->texts[v->text_count++] = text;
}

static void take_leaf(void *context, const struct pa_wstate *state)
{
	struct verdict *v = context;
	pa_grow(&v->leaves, &v->leaf_capacity, v->leaf_count + 1, sizeof(*v->leaves));
	v->leaves[v->leaf_count++] = state;
	if (!v->first)
		v->first = state;
	else
		v->differ = v->differ || !same_end(v->first, state);
	if (state->fate == PA_FATE_ACCEPT && !v->accepting)
		v->accepting = state;
	for (const struct pa_wassumption *a = state->assumptions; a; a = a->before)
		add_text(v, a->text);
	v->split_fields |= state->split_mask;
}

static const char *condition(const struct verdict *v, bool cut)
{
	struct pa_buffer text = { 0 };
	for (size_t i = 0; i < v->text_count; i++)
		pa_buffer_printf(&text, "%s`%s`", text.length ? ", " : "", v->texts[i]);
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		if (v->split_fields >> f & 1)
			pa_buffer_printf(&text, "%sthe packet's %s", text.length ? ", " : "",
					 pa_field_info((enum pa_field)f)->name);
	}
	if (cut)
		pa_buffer_printf(&text, "%smore cases than are followed", text.length ? ", " : "");
	char *kept = pa_arena_strdup(v->arena, text.data ? text.data : "");
	pa_buffer_done(&text);
	return kept;
}

static void copy_steps(const struct pa_wstate *state, struct pa_walk *walk)
{
	for (const struct pa_wstep *link = state->steps; link; link = link->before)
		walk->step_count++;
	walk->steps = pa_arena_alloc(walk->arena, walk->step_count + 1, sizeof(*walk->steps));
	size_t at = walk->step_count;
	for (const struct pa_wstep *link = state->steps; link; link = link->before)
		walk->steps[--at] = link->step;
}

static bool has_assumed(const struct pa_wstate *state, const struct pa_wassumption *wanted)
{
	const struct pa_wassumption *a = state->assumptions;
	while (a && a != wanted)
		a = a->before;
	return a != NULL;
}

/* What was assumed on the way shown, and how the ways end that differ there. */
static void copy_assumptions(const struct verdict *v, const struct pa_wstate *shown, struct pa_walk *walk)
{
	for (const struct pa_wassumption *a = shown->assumptions; a; a = a->before)
		walk->assumption_count++;
	walk->assumptions = pa_arena_alloc(walk->arena, walk->assumption_count + 1, sizeof(*walk->assumptions));
	size_t at = walk->assumption_count;
	for (const struct pa_wassumption *a = shown->assumptions; a; a = a->before) {
		struct pa_walk_assumption *copy = &walk->assumptions[--at];
		copy->text = a->text;
		copy->holds = a->holds;
		for (size_t i = 0; i < v->leaf_count; i++)
			if (has_assumed(v->leaves[i], a->sibling))
				copy->otherwise[v->leaves[i]->fate] = true;
	}
}

static void copy_translation(const struct pa_wstate *state, struct pa_walk *walk)
{
	const struct pa_wvalue *saddr = &state->now[PA_FIELD_SADDR], *daddr = &state->now[PA_FIELD_DADDR];
	const struct pa_wvalue *sport = &state->now[PA_FIELD_SPORT], *dport = &state->now[PA_FIELD_DPORT];
	static const pa_u128 protocols[] = { 6, 17, 132, 136 };
	struct pa_wrange protocol = state->packet[PA_FIELD_L4PROTO];
	bool ports = protocol.count != 1 || protocol.items[0].first != protocol.items[0].last;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		ports = ports || protocol.items[0].first == protocols[i];
	walk->destination_is_self = daddr->kind == PA_W_SELF;
	walk->destination_unknown = daddr->kind == PA_W_UNKNOWN;
	walk->source_changed = saddr->kind == PA_W_VALUE;
	walk->source_unknown = saddr->kind == PA_W_UNKNOWN;
	walk->source = (struct pa_interval){ saddr->first, saddr->last };
	walk->destination_changed = daddr->kind == PA_W_VALUE;
	walk->destination = (struct pa_interval){ daddr->first, daddr->last };
	walk->has_source_port = ports && sport->kind == PA_W_VALUE;
	walk->source_port = (struct pa_interval){ sport->first, sport->last };
	walk->has_destination_port = ports && (dport->kind == PA_W_VALUE || dport->kind == PA_W_UNKNOWN);
	walk->destination_port = (struct pa_interval){ dport->first, dport->last };
	if (dport->kind == PA_W_UNKNOWN) /* a map of ports beside a map of addresses: it may be any */
		walk->destination_port = (struct pa_interval){ 0, pa_field_max(PA_FIELD_DPORT) };
}

/* All values of a field that no packet names: the conntrack states are few, the rest is a range. */
static struct pa_wrange open_field(struct pa_arena *arena, enum pa_field field)
{
	static const struct pa_interval states[] = { { PA_CT_NEW, PA_CT_NEW } };
	static const struct pa_interval families[] = { { PA_NFPROTO_IPV4, PA_NFPROTO_IPV4 },
						       { PA_NFPROTO_IPV6, PA_NFPROTO_IPV6 } };
	if (field == PA_FIELD_CT_STATE)
		return (struct pa_wrange){ states, 1 };
	if (field == PA_FIELD_NFPROTO)
		return (struct pa_wrange){ families, 2 };
	struct pa_interval *all = pa_arena_alloc(arena, 1, sizeof(*all));
	*all = (struct pa_interval){ 0, pa_field_max(field) };
	/* an interface has a name; a packet that is sent or forwarded leaves through one */
	if (field == PA_FIELD_IIFNAME || field == PA_FIELD_OIFNAME)
		all->first = 1;
	return (struct pa_wrange){ all, 1 };
}

static bool never_is(struct pa_wrange range, pa_u128 value)
{
	for (size_t i = 0; i < range.count; i++) {
		if (range.items[i].first <= value && range.items[i].last >= value)
			return false;
	}
	return true;
}

/* Options and headers that packets of the family and protocol cannot have are not there. */
static void set_missing(struct pa_wstate *state)
{
	static const struct pa_interval none = { 0, 0 };
	static const struct pa_wrange missing = { &none, 1 };
	if (never_is(state->packet[PA_FIELD_L4PROTO], 6))
		state->packet[PA_FIELD_TCP_OPTIONS] = missing;
	if (never_is(state->packet[PA_FIELD_NFPROTO], PA_NFPROTO_IPV4))
		state->packet[PA_FIELD_IP_OPTIONS] = missing;
	if (never_is(state->packet[PA_FIELD_NFPROTO], PA_NFPROTO_IPV6))
		state->packet[PA_FIELD_EXTHDRS] = state->packet[PA_FIELD_FRAG] = missing;
}

static void fill_packet(struct pa_wrun *run, struct pa_wstate *state, const struct pa_packet *packet)
{
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		if (!packet->known[f]) {
			state->packet[f] = open_field(run->arena, (enum pa_field)f);
			continue;
		}
		struct pa_interval *value = pa_arena_alloc(run->arena, 1, sizeof(*value));
		*value = (struct pa_interval){ packet->value[f], packet->value[f] };
		state->packet[f] = (struct pa_wrange){ value, 1 };
	}
	set_missing(state);
	state->state_default = !packet->known[PA_FIELD_CT_STATE];
	/* the first packet of a flow is the original direction's */
	static const struct pa_interval original = { 0, 0 };
	bool first = state->state_default || packet->value[PA_FIELD_CT_STATE] == PA_CT_NEW;
	if (first && !packet->known[PA_FIELD_CT_DIRECTION])
		state->packet[PA_FIELD_CT_DIRECTION] = (struct pa_wrange){ &original, 1 };
}

/* Marks and status are followed by value; what the packet does not say of them is open. */
static void fill_values(struct pa_wstate *state, const struct pa_packet *packet)
{
	static const enum pa_field fields[] = { PA_FIELD_MARK, PA_FIELD_CT_MARK, PA_FIELD_CT_STATUS };
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (packet->known[fields[i]])
			state->now[fields[i]] = (struct pa_wvalue){ PA_W_VALUE, PA_FIELD_NFPROTO, packet->value[fields[i]],
								    packet->value[fields[i]], NULL };
	}
	state->status_given = packet->known[PA_FIELD_CT_STATUS];
	state->marks_given = packet->known[PA_FIELD_MARK] && packet->known[PA_FIELD_CT_MARK];
}

void pa_walker_walk(const struct pa_walker *walker, const struct pa_packet *packet, bool path_known, struct pa_walk *walk)
{
	memset(walk, 0, sizeof(*walk));
	walk->arena = pa_arena_new();
	struct verdict verdict = { .arena = walk->arena };
	struct pa_wrun run = { .walker = walker, .arena = walk->arena, .limit = LEAVES_MAX, .trace = true };
	run.leaf = take_leaf;
	run.context = &verdict;
	struct pa_wstate *state = pa_arena_alloc(walk->arena, 1, sizeof(*state));
	fill_packet(&run, state, packet);
	pa_wstate_init(&run, state, packet->path, !path_known);
	fill_values(state, packet);
	pa_wstate_enter(&run, state);
	pa_wrun_start(&run, state);
	const struct pa_wstate *shown = verdict.differ && verdict.accepting ? verdict.accepting : verdict.first;
	walk->fate = verdict.differ || run.cut ? PA_FATE_DEPENDS : shown->fate;
	walk->path = shown->path;
	if (walk->fate == PA_FATE_DEPENDS)
		walk->condition = condition(&verdict, run.cut);
	copy_steps(shown, walk);
	copy_assumptions(&verdict, shown, walk);
	copy_translation(shown, walk);
	free(verdict.leaves);
	free(verdict.texts);
	free(run.work);
}

void pa_walk(const struct pa_ruleset *ruleset, const struct pa_host *host, const struct pa_packet *packet, bool path_known,
	     struct pa_walk *ret_walk)
{
	struct pa_walker *walker = pa_walker_new(ruleset, host);
	pa_walker_walk(walker, packet, path_known, ret_walk);
	pa_walker_free(walker);
}

void pa_walk_done(struct pa_walk *walk)
{
	walk->arena = pa_arena_free(walk->arena);
}
