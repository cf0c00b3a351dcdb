/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walk: a small machine that carries a state through stages, chains, rules and steps. It shares the order of base chains with
 * the symbolic evaluation and nothing else, so that each can find the other's mistakes.
 */
#include "evaluation.h"
#include "walker.h"

#include <string.h>

#define LO pa_ifname_value("lo")

/* --- the trail --- */

static void note(struct pa_wrun *run, struct pa_wstate *s, struct pa_walk_step step)
{
	if (!run->trace)
		return;
	struct pa_wstep *link = pa_arena_alloc(run->arena, 1, sizeof(*link));
	*link = (struct pa_wstep){ s->steps, step };
	s->steps = link;
}

static void note_kernel(struct pa_wrun *run, struct pa_wstate *s, const char *text)
{
	note(run, s, (struct pa_walk_step){ .outcome = PA_WALK_KERNEL, .text = text });
}

static void note_rule(struct pa_wrun *run, struct pa_wstate *s, const struct pa_rule *rule, enum pa_walk_outcome outcome,
		      enum pa_verdict_kind verdict, const struct pa_step *failed)
{
	if (outcome == PA_WALK_NO_MATCH && run->walker->brief)
		return;
	note(run, s,
	     (struct pa_walk_step){ .chain = rule->chain,
				    .rule = rule,
				    .depth = s->depth ? s->depth - 1 : 0,
				    .outcome = outcome,
				    .verdict = verdict,
				    .failed_step = failed });
}

static void end(struct pa_wstate *s, enum pa_fate fate)
{
	s->ended = true;
	s->fate = fate;
}

/* --- stages --- */

static bool sees_family(struct pa_wrun *run, struct pa_wstate *s, enum pa_family family)
{
	if (family != PA_FAMILY_IP && family != PA_FAMILY_IP6)
		return true;
	bool ipv4 = pa_wfield_in(run, s, PA_FIELD_NFPROTO, PA_NFPROTO_IPV4, PA_NFPROTO_IPV4);
	return ipv4 == (family == PA_FAMILY_IP);
}

static void enter_chain(struct pa_wstate *s, const struct pa_chain *chain)
{
	s->frames[0] = (struct pa_wframe){ chain, 0 };
	s->depth = 1;
	s->step = SIZE_MAX;
}

/* The base chain let the packet through: on to what comes next at this hook. */
static void leave_base_chain(struct pa_wrun *run, struct pa_wstate *s)
{
	const struct pa_stage *stage = pa_wstage(run, s);
	s->depth = 0;
	if (stage->kind == PA_STAGE_NAT && !s->natted && s->nat + 1 < stage->nat_count) {
		s->nat++;
		return;
	}
	if (s->early) {
		/* a chain that may have run before conntrack: from here on conntrack has seen the packet */
		s->early = false;
		s->seen = true;
		if (s->now[PA_FIELD_CT_STATE].kind != PA_W_VALUE || s->now[PA_FIELD_CT_STATE].first != PA_CT_UNTRACKED)
			s->now[PA_FIELD_CT_STATE] = s->state_after;
	}
	pa_wdevice_leave(run, s);
	s->natted = false;
	s->nat = 0;
	s->stage++;
}

static void base_chain_end(struct pa_wrun *run, struct pa_wstate *s)
{
	const struct pa_stage *stage = pa_wstage(run, s);
	const struct pa_chain *chain = stage->kind == PA_STAGE_NAT ? stage->nat[s->nat] : stage->chain;
	note(run, s, (struct pa_walk_step){ .chain = chain, .outcome = PA_WALK_POLICY, .verdict = chain->policy });
	if (chain->policy == PA_VERDICT_ACCEPT)
		leave_base_chain(run, s);
	else
		end(s, PA_FATE_DROP);
}

/* --- fragments --- */

/* Conntrack's defragmentation leaves a packet that is whole without its fragment header. */
static void defrag_stage(struct pa_wrun *run, struct pa_wstate *s)
{
	struct pa_wvalue unknown = { .kind = PA_W_UNKNOWN, .text = "what the header says when the fragment header is gone" };
	bool untracked = s->now[PA_FIELD_CT_STATE].kind == PA_W_VALUE && s->now[PA_FIELD_CT_STATE].first == PA_CT_UNTRACKED;
	bool fragment = !untracked && pa_wfield_in(run, s, PA_FIELD_NFPROTO, PA_NFPROTO_IPV6, PA_NFPROTO_IPV6) &&
			pa_wfield_in(run, s, PA_FIELD_FRAG, 1, 1);
	if (fragment) {
		/* no other header: what is behind is the transport's */
		bool alone = pa_wfield_in(run, s, PA_FIELD_EXTHDRS, 0, 0) || pa_wfield_in(run, s, PA_FIELD_EXTHDRS, 8, 8);
		s->now[PA_FIELD_IP6_NEXTHDR] = alone ? pa_wcarried(PA_FIELD_L4PROTO) : unknown;
		s->now[PA_FIELD_IP6_LENGTH] = s->now[PA_FIELD_META_LENGTH] = unknown;
		s->now[PA_FIELD_FRAG] = pa_wconstant(0);
	}
	s->stage++;
}

/* --- nat --- */

static bool nat_is_on(struct pa_wrun *run, struct pa_wstate *s)
{
	const struct pa_plan *plan = &run->walker->plan;
	if (plan->conntrack_ipv4 && plan->conntrack_ipv6)
		return true;
	return pa_wfield_in(run, s, PA_FIELD_NFPROTO, PA_NFPROTO_IPV4, PA_NFPROTO_IPV4) ? plan->conntrack_ipv4
											: plan->conntrack_ipv6;
}

/* Is the first packet of the flow, which is the one that nat chains see, this one? */
static bool nat_asks(struct pa_wrun *run, struct pa_wstate *s)
{
	if (!nat_is_on(run, s))
		return false;
	/* over lo the flow was made on the way out */
	if ((s->at == PA_HOOK_PREROUTING || s->at == PA_HOOK_INPUT) && pa_wfield_in(run, s, PA_FIELD_IIFNAME, LO, LO))
		return false;
	if (pa_wstate_is(run, s, PA_CT_NEW))
		return true;
	return pa_wstate_is(run, s, PA_CT_RELATED) && !pa_wfield_in(run, s, PA_FIELD_L4PROTO, 1, 1) &&
	       !pa_wfield_in(run, s, PA_FIELD_L4PROTO, 58, 58);
}

/* A packet of a flow that exists is translated as its first packet was: known only from its status. */
static bool flow_is_translated(struct pa_wrun *run, struct pa_wstate *s)
{
	if (!nat_is_on(run, s) || (!s->template && !pa_whas_flow(run, s)))
		return false;
	/* over lo: what was translated on the way out arrives so */
	if (pa_wstate_is(run, s, PA_CT_NEW))
		return false;
	if (run->walker->replies)
		return true;
	if (s->status_given)
		return s->now[PA_FIELD_CT_STATUS].kind == PA_W_VALUE &&
		       (s->now[PA_FIELD_CT_STATUS].first & (PA_STATUS_SNAT | PA_STATUS_DNAT)) != 0;
	return pa_wassume(run, s, "the flow is translated (NAT)", 1, true);
}

static void translate_reply(struct pa_wrun *run, struct pa_wstate *s, const struct pa_reply_translation *replies)
{
	int family = pa_wfield_in(run, s, PA_FIELD_NFPROTO, PA_NFPROTO_IPV4, PA_NFPROTO_IPV4) ? 4 : 6;
	bool arriving = s->at == PA_HOOK_PREROUTING || s->at == PA_HOOK_OUTPUT;
	if (arriving && replies->destination) {
		unsigned type = pa_address_type(run->walker->host, replies->destination_address, family);
		s->now[PA_FIELD_DADDR] = pa_wconstant(replies->destination_address);
		s->now[PA_FIELD_DADDR_TYPE] = type ? pa_wconstant(type) : pa_wcarried(PA_FIELD_DADDR_TYPE);
		if (replies->has_ports)
			s->now[PA_FIELD_DPORT] = pa_wconstant(replies->destination_port);
	} else if (!arriving && replies->source) {
		s->now[PA_FIELD_SADDR] = pa_wconstant(replies->source_address);
		if (replies->has_ports)
			s->now[PA_FIELD_SPORT] = pa_wconstant(replies->source_port);
	}
}

static void translate_as_flow(struct pa_wrun *run, struct pa_wstate *s)
{
	if (run->walker->replies) {
		translate_reply(run, s, run->walker->replies);
		return;
	}
	static const char *const text = "the address or port that NAT gave the flow";
	struct pa_wvalue unknown = { .kind = PA_W_UNKNOWN, .text = text };
	if (s->at == PA_HOOK_PREROUTING || s->at == PA_HOOK_OUTPUT) {
		s->now[PA_FIELD_DADDR] = s->now[PA_FIELD_DPORT] = unknown;
		s->now[PA_FIELD_DADDR_TYPE] = s->now[PA_FIELD_DADDR_IIF_TYPE] = unknown;
	} else {
		s->now[PA_FIELD_SADDR] = s->now[PA_FIELD_SPORT] = unknown;
	}
}

static void nat_stage(struct pa_wrun *run, struct pa_wstate *s, const struct pa_stage *stage)
{
	if (run->walker->without_nat) {
		s->stage++;
		return;
	}
	if (s->nat == 0 && !nat_asks(run, s)) {
		if (flow_is_translated(run, s))
			translate_as_flow(run, s);
		s->stage++;
		return;
	}
	const struct pa_chain *chain = stage->nat[s->nat];
	if (sees_family(run, s, chain->table->family)) {
		enter_chain(s, chain);
	} else if (s->nat + 1 < stage->nat_count) {
		s->nat++;
	} else {
		s->nat = 0;
		s->stage++;
	}
}

/* --- filter chains at exactly -200 --- */

/* A chain of a bridge table that is not followed: it may drop, and give what it assigns any value. */
static void pass_opaque(struct pa_wrun *run, struct pa_wstate *s, const struct pa_stage *stage)
{
	const struct pa_chain *chain = stage->chain;
	const char *text = pa_arena_printf(run->arena, "chain %s of table bridge %s lets the packet pass", chain->name,
					   chain->table->name);
	if (!pa_wassume(run, s, text, 0, false)) {
		end(s, PA_FATE_DROP);
		return;
	}
	pa_wforget(s, stage->assigns, "what a chain of a bridge table gives the packet");
	s->stage++;
}

static void chain_stage(struct pa_wrun *run, struct pa_wstate *s, const struct pa_stage *stage)
{
	if ((stage->binding != PA_BOUND_NOT && !pa_wdevice_enter(run, s, stage)) ||
	    !sees_family(run, s, stage->chain->table->family)) {
		s->stage++;
		return;
	}
	if (stage->opaque) {
		pass_opaque(run, s, stage);
		return;
	}
	bool lo = s->at == PA_HOOK_PREROUTING && stage->state_unsure && pa_wfield_in(run, s, PA_FIELD_IIFNAME, LO, LO);
	/* what notrack met before is untracked on either side of conntrack */
	bool by_conntrack = s->by_conntrack || s->now[PA_FIELD_CT_STATE].kind == PA_W_PACKET;
	if (stage->state_unsure && !lo && by_conntrack &&
	    !pa_wassume(run, s, "conntrack runs before the chain of priority -200", stage->chain->id, true)) {
		s->early = true;
		s->seen = false;
		s->state_after = s->now[PA_FIELD_CT_STATE];
		s->now[PA_FIELD_CT_STATE] = pa_wconstant(PA_CT_INVALID);
	}
	enter_chain(s, stage->chain);
}

/* --- between hooks --- */

static bool is_local(struct pa_wrun *run, struct pa_wstate *s)
{
	const struct pa_wvalue *type = &s->now[PA_FIELD_DADDR_TYPE];
	if (type->kind == PA_W_UNKNOWN)
		return pa_wassume(run, s, type->text, 0, true);
	return !pa_wfield_in(run, s, PA_FIELD_DADDR_TYPE, PA_TYPE_UNICAST, PA_TYPE_UNICAST);
}

static bool is_martian(struct pa_wrun *run, struct pa_wstate *s)
{
	const struct pa_wvalue *address = &s->now[PA_FIELD_DADDR];
	pa_u128 network = (PA_IPV4_BASE | 0x7f000000) >> 24;
	bool loopback = address->kind == PA_W_VALUE && address->first >> 24 == network && address->last >> 24 == network;
	if (!loopback || run->walker->host->route_localnet == PA_YES || pa_wfield_in(run, s, PA_FIELD_IIFNAME, LO, LO))
		return false;
	return run->walker->host->route_localnet == PA_NO ||
	       !pa_wassume(run, s, "net.ipv4.conf.*.route_localnet is 1", 0, true);
}

static bool forwarding_is_off(struct pa_wrun *run, struct pa_wstate *s)
{
	const struct pa_host *host = run->walker->host;
	if (host->forward_ipv4 != PA_NO && host->forward_ipv6 != PA_NO)
		return false;
	bool ipv4 = pa_wfield_in(run, s, PA_FIELD_NFPROTO, PA_NFPROTO_IPV4, PA_NFPROTO_IPV4);
	return (ipv4 ? host->forward_ipv4 : host->forward_ipv6) == PA_NO;
}

/* Forwarding takes one off the TTL before the forward hook. false: a rule left none, and the kernel drops the packet. */
static bool decrement_ttl(struct pa_wstate *s)
{
	struct pa_wrange ttl = s->packet[PA_FIELD_TTL];
	struct pa_wvalue *now = &s->now[PA_FIELD_TTL];
	if (now->kind == PA_W_PACKET && ttl.count == 1 && ttl.items[0].first == ttl.items[0].last && ttl.items[0].first > 0) {
		*now = pa_wconstant(ttl.items[0].first - 1);
		return true;
	}
	if (now->kind == PA_W_VALUE && now->first == now->last) {
		bool left = now->first > 1;
		*now = pa_wconstant(left ? now->first - 1 : 0);
		return left;
	}
	*now = (struct pa_wvalue){ .kind = PA_W_UNKNOWN, .text = "the TTL after forwarding took one off" };
	return true;
}

static void route(struct pa_wrun *run, struct pa_wstate *s)
{
	if (is_local(run, s)) {
		if (is_martian(run, s)) {
			note_kernel(run, s,
				    "the kernel drops it: a loopback destination from another interface (route_localnet)");
			end(s, PA_FATE_DROP);
			return;
		}
		note_kernel(run, s, "routing: the destination is this host, on to the input hook");
		s->path = PA_PATH_IN;
		s->at = PA_HOOK_INPUT;
	} else {
		if (forwarding_is_off(run, s)) {
			note_kernel(run, s, "the kernel drops it: the destination is another host and forwarding is off");
			s->path = PA_PATH_FORWARD;
			end(s, PA_FATE_DROP);
			return;
		}
		note_kernel(run, s, "routing: the destination is another host, on to the forward hook");
		s->path = PA_PATH_FORWARD;
		s->at = PA_HOOK_FORWARD;
		s->now[PA_FIELD_OIFNAME] = pa_wcarried(PA_FIELD_OIFNAME);
		if (!decrement_ttl(s)) {
			note_kernel(run, s, "the kernel drops it: its TTL is used up, it cannot be forwarded");
			end(s, PA_FATE_DROP);
			return;
		}
	}
	s->stage = 0;
}

static void hook_end(struct pa_wrun *run, struct pa_wstate *s)
{
	switch (s->at) {
	case PA_HOOK_INGRESS:
		s->at = PA_HOOK_PREROUTING;
		s->stage = 0;
		return;
	case PA_HOOK_PREROUTING:
		route(run, s);
		return;
	case PA_HOOK_OUTPUT:
		if (s->now[PA_FIELD_DADDR].kind != PA_W_PACKET)
			s->now[PA_FIELD_OIFNAME] =
				(struct pa_wvalue){ .kind = PA_W_UNKNOWN,
						    .text = "the interface after NAT changed the destination" };
		s->at = PA_HOOK_POSTROUTING;
		s->stage = 0;
		return;
	case PA_HOOK_FORWARD:
		s->at = PA_HOOK_POSTROUTING;
		s->stage = 0;
		return;
	case PA_HOOK_POSTROUTING:
		s->at = PA_HOOK_EGRESS;
		s->stage = 0;
		/* no incoming interface any more, and the link's header in front */
		s->now[PA_FIELD_IIFNAME] = pa_wconstant(0);
		s->now[PA_FIELD_META_LENGTH] =
			(struct pa_wvalue){ .kind = PA_W_UNKNOWN, .text = "the length with the header of the link" };
		return;
	case PA_HOOK_EGRESS:
	case PA_HOOK_INPUT:
		break;
	}
	end(s, PA_FATE_ACCEPT);
}

static void next_stage(struct pa_wrun *run, struct pa_wstate *s)
{
	if (run->walker->plan.hook[s->at].tie_count && s->order_of != (int)s->at) {
		pa_wchoose_order(run, s);
		return;
	}
	if (s->stage == run->walker->plan.hook[s->at].count) {
		hook_end(run, s);
		return;
	}
	const struct pa_stage *stage = pa_wstage(run, s);
	switch (stage->kind) {
	case PA_STAGE_CHAIN:
		chain_stage(run, s, stage);
		return;
	case PA_STAGE_DEFRAG:
		defrag_stage(run, s);
		return;
	case PA_STAGE_CONNTRACK:
		pa_wconntrack(run, s);
		return;
	case PA_STAGE_NAT:
		nat_stage(run, s, stage);
		return;
	}
}

/* --- rules --- */

static void next_rule(struct pa_wstate *s)
{
	s->frames[s->depth - 1].rule++;
	s->step = SIZE_MAX;
}

static void accept(struct pa_wrun *run, struct pa_wstate *s, const struct pa_rule *rule)
{
	if (s->accepted_count < sizeof(s->accepted) / sizeof(s->accepted[0]))
		s->accepted[s->accepted_count++] = rule;
	leave_base_chain(run, s);
}

static void return_to_caller(struct pa_wrun *run, struct pa_wstate *s)
{
	s->depth--;
	s->step = SIZE_MAX;
	if (s->depth == 0)
		base_chain_end(run, s);
}

static void take_verdict(struct pa_wrun *run, struct pa_wstate *s, const struct pa_rule *rule, const struct pa_verdict *verdict)
{
	if (verdict->kind == PA_VERDICT_CONTINUE) {
		s->step++;
		return;
	}
	note_rule(run, s, rule, PA_WALK_MATCHED, verdict->kind, NULL);
	switch (verdict->kind) {
	case PA_VERDICT_ACCEPT:
		accept(run, s, rule);
		return;
	case PA_VERDICT_DROP:
		end(s, PA_FATE_DROP);
		return;
	case PA_VERDICT_REJECT:
		end(s, PA_FATE_REJECT);
		return;
	case PA_VERDICT_RETURN:
		return_to_caller(run, s);
		return;
	case PA_VERDICT_JUMP:
	case PA_VERDICT_GOTO:
		next_rule(s);
		if (verdict->kind == PA_VERDICT_GOTO)
			s->depth--;
		if (s->depth == PA_WDEPTH) { /* pa_ruleset_check() allows 16 */
			run->cut = true;
			end(s, PA_FATE_DEPENDS);
			return;
		}
		s->frames[s->depth++] = (struct pa_wframe){ verdict->target, 0 };
		return;
	case PA_VERDICT_CONTINUE:
		return;
	}
}

static void any_verdict(struct pa_wrun *run, struct pa_wstate *s, const struct pa_rule *rule, const char *text)
{
	uint64_t key = (uint64_t)rule->id << 20 | s->step << 4;
	static const struct pa_verdict accepts = { .kind = PA_VERDICT_ACCEPT }, drops = { .kind = PA_VERDICT_DROP };
	if (pa_wassume(run, s, text, key, false)) {
		if (pa_wassume(run, s, text, key + 1, false))
			take_verdict(run, s, rule, &accepts);
		else
			take_verdict(run, s, rule, &drops);
	} else if (pa_wassume(run, s, text, key + 2, false)) {
		next_rule(s);
	} else {
		s->step++;
	}
}

static void do_opaque(struct pa_wrun *run, struct pa_wstate *s, const struct pa_rule *rule, const struct pa_step *step)
{
	const char *text = step->text ? step->text : "an unknown statement";
	uint64_t key = 0;
	if (step->volatile_ || !step->text) {
		key = (uint64_t)rule->id << 16 | s->step;
		for (unsigned i = 0; i < s->depth; i++)
			key = key * 0x100000001b3u ^ ((uint64_t)s->frames[i].chain->id << 32 | s->frames[i].rule);
	}
	switch (step->opacity) {
	case PA_OPACITY_MATCH:
		if (pa_wassume(run, s, text, key, step->volatile_)) {
			s->step++;
			return;
		}
		note_rule(run, s, rule, PA_WALK_NO_MATCH, PA_VERDICT_CONTINUE, step);
		next_rule(s);
		return;
	case PA_OPACITY_STOLEN:
		if (pa_wassume(run, s, text, key, true))
			s->step++;
		else
			end(s, PA_FATE_DROP);
		return;
	case PA_OPACITY_VERDICT:
		any_verdict(run, s, rule, text);
		return;
	}
}

static void do_vmap(struct pa_wrun *run, struct pa_wstate *s, const struct pa_rule *rule, const struct pa_step *step)
{
	const struct pa_elements *map = step->elements;
	const char *text = step->text ? step->text : "a verdict map";
	if (map->opaque) {
		any_verdict(run, s, rule, text);
		return;
	}
	size_t found = pa_wlookup(run, s, rule, step, &step->key, map);
	if (found != SIZE_MAX && map->may_shrink && !pa_wassume(run, s, text, pa_changes_key(map, rule, step), true))
		found = SIZE_MAX;
	if (found == SIZE_MAX && map->may_grow && pa_wassume(run, s, text, pa_changes_key(map, rule, step) + 1, true)) {
		any_verdict(run, s, rule, text);
		return;
	}
	if (found == SIZE_MAX) {
		note_rule(run, s, rule, PA_WALK_NO_MATCH, PA_VERDICT_CONTINUE, step);
		next_rule(s);
		return;
	}
	take_verdict(run, s, rule, found < map->count ? &map->data[found].verdict : &map->catch_all->verdict);
}

static void do_nat(struct pa_wrun *run, struct pa_wstate *s, const struct pa_rule *rule, const struct pa_step *step)
{
	switch (pa_wtranslate(run, s, rule, step)) {
	case PA_WNAT_DONE:
		note_rule(run, s, rule, PA_WALK_MATCHED, PA_VERDICT_ACCEPT, NULL);
		accept(run, s, rule);
		return;
	case PA_WNAT_GOES_ON:
		s->step++;
		return;
	case PA_WNAT_BREAKS:
		note_rule(run, s, rule, PA_WALK_NO_MATCH, PA_VERDICT_CONTINUE, step);
		next_rule(s);
		return;
	}
}

static void do_step(struct pa_wrun *run, struct pa_wstate *s, const struct pa_rule *rule, const struct pa_step *step)
{
	switch (step->kind) {
	case PA_STEP_MATCH:
		if (pa_wtest(run, s, rule, step) == PA_W_YES) {
			s->step++;
			return;
		}
		note_rule(run, s, rule, PA_WALK_NO_MATCH, PA_VERDICT_CONTINUE, step);
		next_rule(s);
		return;
	case PA_STEP_VERDICT:
		take_verdict(run, s, rule, &step->verdict);
		return;
	case PA_STEP_VMAP:
		do_vmap(run, s, rule, step);
		return;
	case PA_STEP_ASSIGN:
		pa_wassign(run, s, rule, step);
		if (s->step == SIZE_MAX)
			next_rule(s);
		return;
	case PA_STEP_NAT:
		do_nat(run, s, rule, step);
		return;
	case PA_STEP_NOTRACK:
		/* only what has no flow: not seen yet, or found invalid; not what has a template (nft_notrack_eval) */
		if (pa_wfield_in(run, s, PA_FIELD_CT_STATE, PA_CT_INVALID, PA_CT_INVALID))
			s->now[PA_FIELD_CT_STATE] = pa_wconstant(PA_CT_UNTRACKED);
		s->step++;
		return;
	case PA_STEP_NONE:
		s->step++;
		return;
	case PA_STEP_OPAQUE:
		do_opaque(run, s, rule, step);
		return;
	}
}

static void advance(struct pa_wrun *run, struct pa_wstate *s)
{
	if (s->depth == 0) {
		next_stage(run, s);
		return;
	}
	struct pa_wframe *frame = &s->frames[s->depth - 1];
	const struct pa_walk_span *spans = run->walker->index ? run->walker->index[frame->chain->id] : NULL;
	if (spans && s->step == SIZE_MAX)
		frame->rule = pa_walk_index_skip(spans, s, frame->rule, frame->chain->rule_count);
	if (frame->rule == frame->chain->rule_count) {
		return_to_caller(run, s);
		return;
	}
	const struct pa_rule *rule = frame->chain->rules[frame->rule];
	if (s->step == SIZE_MAX)
		s->step = 0;
	if (s->step == rule->step_count) {
		note_rule(run, s, rule, PA_WALK_PASSED, PA_VERDICT_CONTINUE, NULL);
		next_rule(s);
		return;
	}
	do_step(run, s, rule, &rule->steps[s->step]);
}

void pa_wrun_start(struct pa_wrun *run, struct pa_wstate *first)
{
	pa_grow(&run->work, &run->work_capacity, run->work_count + 1, sizeof(*run->work));
	run->work[run->work_count++] = first;
	while (run->work_count) {
		struct pa_wstate *s = run->work[--run->work_count];
		while (!s->ended)
			advance(run, s);
		run->leaf(run->context, s);
	}
}

/* --- the first state --- */

static void init_types(struct pa_wrun *run, struct pa_wstate *s, enum pa_path path, bool path_open)
{
	static const struct pa_interval local = { PA_TYPE_LOCAL, PA_TYPE_MULTICAST },
					any = { PA_TYPE_UNICAST, PA_TYPE_MULTICAST };
	static const struct pa_interval foreign = { PA_TYPE_UNICAST, PA_TYPE_UNICAST };
	static const struct pa_interval mine = { PA_TYPE_LOCAL, PA_TYPE_ANYCAST },
					no_multicast = { PA_TYPE_UNICAST, PA_TYPE_ANYCAST };
	const struct pa_interval *type = path_open		   ? &any
					 : path == PA_PATH_IN	   ? &local
					 : path == PA_PATH_FORWARD ? &foreign
								   : &any;
	struct pa_wrange daddr = s->packet[PA_FIELD_DADDR];
	if (daddr.count == 1 && daddr.items[0].first == daddr.items[0].last) {
		int family = s->packet[PA_FIELD_NFPROTO].items[0].first == PA_NFPROTO_IPV4 ? 4 : 6;
		unsigned known = pa_address_type(run->walker->host, daddr.items[0].first, family);
		struct pa_interval *exact = pa_arena_alloc(run->arena, 1, sizeof(*exact));
		*exact = (struct pa_interval){ known, known };
		if (known && known >= type->first && known <= type->last)
			type = exact;
		else if (!known && type->last == PA_TYPE_MULTICAST)
			type = type->first == PA_TYPE_LOCAL ? &mine
							    : &no_multicast; /* which addresses are multicast is known */
	}
	s->packet[PA_FIELD_DADDR_TYPE] = (struct pa_wrange){ type, 1 };
}

static bool single_value(struct pa_wrange range)
{
	return range.count == 1 && range.items[0].first == range.items[0].last;
}

static bool is_loopback(pa_u128 address, int family)
{
	return family == 4 ? address >> 24 == (PA_IPV4_BASE | 0x7f000000) >> 24 : address == 1;
}

/* What the host's addresses tell of the source, and of the destination as seen from the incoming interface. */
static void init_host_types(struct pa_wrun *run, struct pa_wstate *s)
{
	const struct pa_host *host = run->walker->host;
	pa_u128 source = s->packet[PA_FIELD_SADDR].items[0].first, destination = s->packet[PA_FIELD_DADDR].items[0].first;
	int family = s->packet[PA_FIELD_NFPROTO].items[0].first == PA_NFPROTO_IPV4 ? 4 : 6;
	if (host->addresses_known && single_value(s->packet[PA_FIELD_SADDR]))
		s->now[PA_FIELD_SADDR_TYPE] = pa_wconstant(pa_address_type(host, source, family));
	if (!pa_universe_knows_interfaces(host) || !single_value(s->packet[PA_FIELD_DADDR]) ||
	    !single_value(s->packet[PA_FIELD_IIFNAME]))
		return;
	unsigned type = pa_address_type(host, destination, family);
	bool own = false, here = false;
	for (size_t i = 0; i < host->address_count; i++) {
		if (host->addresses[i].family != family || host->addresses[i].address != destination)
			continue;
		own = true;
		here = here || pa_ifname_value(host->addresses[i].interface) == s->packet[PA_FIELD_IIFNAME].items[0].first;
	}
	/* all of 127/8 is on lo, whatever addresses it has */
	own = own || type == PA_TYPE_LOCAL;
	here = here ||
	       (type == PA_TYPE_LOCAL && s->packet[PA_FIELD_IIFNAME].items[0].first == LO && is_loopback(destination, family));
	s->now[PA_FIELD_DADDR_IIF_TYPE] = pa_wconstant(own && !here ? PA_TYPE_UNICAST : type);
}

/* Where and as what a packet starts; its fields (packet[]) are filled by the caller. */
void pa_wstate_init(struct pa_wrun *run, struct pa_wstate *s, enum pa_path path, bool path_open)
{
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++)
		s->now[f] = pa_wcarried((enum pa_field)f);
	init_types(run, s, path, path_open);
	init_host_types(run, s);
	s->path = path;
	s->at = path == PA_PATH_OUT && !path_open ? PA_HOOK_OUTPUT : PA_HOOK_INGRESS;
	s->now[s->at == PA_HOOK_OUTPUT ? PA_FIELD_IIFNAME : PA_FIELD_OIFNAME] = pa_wconstant(0);
	s->now[PA_FIELD_CT_STATE] = pa_wconstant(PA_CT_INVALID);
	s->step = SIZE_MAX;
	s->order_of = -1;
}

/* What rules of output and postrouting may have given a packet over lo, where nobody says it. */
static void set_output_flow(struct pa_wrun *run, struct pa_wstate *s)
{
	const struct pa_plan *plan = &run->walker->plan;
	static const struct pa_wvalue before_nat = { .kind = PA_W_UNKNOWN,
						     .text = "what a flow over lo was before NAT on its way out" };
	if (plan->output_marks && !s->marks_given)
		s->now[PA_FIELD_MARK] =
			(struct pa_wvalue){ .kind = PA_W_UNKNOWN, .text = "the mark that a packet over lo got on its way out" };
	if (plan->output_ct_marks && !s->marks_given)
		s->now[PA_FIELD_CT_MARK] =
			(struct pa_wvalue){ .kind = PA_W_UNKNOWN,
					    .text = "the conntrack mark that a flow over lo got on its way out" };
	if (!plan->output_nat || s->status_given)
		return;
	s->now[PA_FIELD_CT_STATUS] = before_nat;
	for (size_t i = 0; i < PA_TUPLE_PARTS; i++)
		s->now[pa_tuple[i].original] = s->now[pa_tuple[i].reply] = before_nat;
}

/* Over lo the flow travels with the packet. May split: the state must be complete. */
void pa_wstate_enter(struct pa_wrun *run, struct pa_wstate *s)
{
	if (s->at == PA_HOOK_INGRESS && pa_wfield_in(run, s, PA_FIELD_IIFNAME, LO, LO)) {
		pa_wsee_packet(run, s);
		pa_wset_original(run, s);
		set_output_flow(run, s);
	}
}
