/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FWD-004: a connection to an address of this host is translated to another one, as container engines publish ports, and is
 * forwarded, although the input rules refuse the same packet. Who closed the port there believes that it is closed.
 *
 * What the input rules say is what they say of the packet as it arrives, without translation. A connection from an arbitrary source
 * is asked about where one gets through, else the one that stands for the group. What an `allow` covers is meant to be so; what no
 * `allow` covers is FWD-002.
 */
#include "listener.h"

#include <stdlib.h>

/* Who decides a packet. */
struct decision {
	enum pa_fate fate;
	const struct pa_rule *rule;   /* NULL: the policy of the chain */
	const struct pa_chain *chain; /* NULL: the kernel */
	const struct pa_rule *translates;
};

static bool translates(const struct pa_rule *rule)
{
	for (size_t i = 0; i < rule->step_count; i++)
		if (rule->steps[i].kind == PA_STEP_NAT && rule->steps[i].nat != PA_NAT_SNAT &&
		    rule->steps[i].nat != PA_NAT_MASQUERADE)
			return true;
	return false;
}

static struct decision decide(struct comparison *c, struct pa_packet packet, enum pa_path path, bool with_nat)
{
	struct pa_walker *walker = pa_walker_new(c->ruleset, c->host);
	struct decision decision = { 0 };
	struct pa_walk walk = { 0 };

	packet.path = path;
	packet.known[PA_FIELD_OIFNAME] = packet.known[PA_FIELD_OIFNAME] && path == PA_PATH_FORWARD;
	if (!with_nat)
		pa_walker_leave_nat_out(walker);
	pa_walker_walk(walker, &packet, true, &walk);
	decision.fate = walk.fate;
	for (size_t i = 0; i < walk.step_count; i++) {
		const struct pa_walk_step *step = &walk.steps[i];

		if (step->rule && step->outcome != PA_WALK_NO_MATCH && translates(step->rule))
			decision.translates = step->rule;
	}
	if (walk.step_count > 0) {
		decision.rule = walk.steps[walk.step_count - 1].rule;
		decision.chain = walk.steps[walk.step_count - 1].chain;
	}
	pa_walk_done(&walk);
	pa_walker_free(walker);
	return decision;
}

static bool is_refused(const struct decision *decision)
{
	return decision->chain && (decision->fate == PA_FATE_DROP || decision->fate == PA_FATE_REJECT);
}

/* A packet of the group that the input rules refuse. */
static bool find_refused(struct comparison *c, const struct group *group, struct pa_packet *ret_packet,
			 struct decision *ret_decision)
{
	pa_set anywhere = pa_set_intersect(c->space, group->set, c->anywhere[PA_PATH_FORWARD]);

	if (!pa_set_is_empty(c->space, anywhere)) {
		*ret_packet = pa_evaluation_example(c->evaluation, PA_PATH_FORWARD, anywhere);
		*ret_decision = decide(c, *ret_packet, PA_PATH_IN, false);
		if (is_refused(ret_decision))
			return true;
	}
	*ret_packet = group->row.example;
	*ret_decision = decide(c, *ret_packet, PA_PATH_IN, false);
	return is_refused(ret_decision);
}

static void add_rule(struct comparison *c, struct pa_finding *finding, const struct pa_rule *rule)
{
	const struct pa_rule **rules = pa_arena_alloc(c->result->arena, finding->rule_count + 1, sizeof(*rules));

	for (size_t i = 0; i < finding->rule_count; i++) {
		if (finding->rules[i] == rule)
			return;
		rules[i] = finding->rules[i];
	}
	rules[finding->rule_count] = rule;
	finding->rules = rules;
	finding->rule_count++;
}

static void put_refusal(const struct decision *refused, struct pa_buffer *out)
{
	if (refused->rule) {
		describe_rule(refused->rule, out);
		return;
	}
	pa_buffer_puts(out, "the policy of chain ");
	describe_chain(refused->chain, out);
}

static void put_fix(const struct group *group, const struct decision *way, struct pa_buffer *out)
{
	pa_buffer_puts(
		out,
		"refuse it on its way through, in front of the rule that accepts it (`ct original proto-dst PORT` is the port "
		"that was asked for)");
	if (way->translates) {
		pa_buffer_puts(out, ", or remove ");
		describe_rule(way->translates, out);
	}
	if (group->row.rule_count == 0)
		pa_buffer_puts(out, "; what is forwarded is accepted by policy");
}

/* The program that keeps the port on this host: docker-proxy, which sees local connections only. */
static void put_keeper(struct comparison *c, const struct group *group, struct pa_buffer *out)
{
	for (size_t i = 0; i < c->listening_count; i++) {
		if (pa_set_is_empty(c->space, pa_set_intersect(c->space, c->listening[i].takes, group->set)))
			continue;
		pa_buffer_puts(out, "; the port is kept here by ");
		describe_holders(c, c->listening[i].socket, out);
		return;
	}
}

static void report(struct comparison *c, const struct group *group, const struct pa_packet *packet,
		   const struct decision *refused)
{
	struct pa_finding *finding = compare_add_group(c, PA_CHECK_FWD_004, group, NULL);
	struct decision way = decide(c, *packet, PA_PATH_FORWARD, true);
	struct pa_buffer text = { 0 };

	finding->has_packet = true;
	finding->packet = *packet;
	if (way.translates)
		add_rule(c, finding, way.translates);
	describe_group(group, &text);
	pa_buffer_printf(&text, " %s forwarded (translated to ", group->row.certainty == PA_CERTAIN ? "is" : "may be");
	describe_target(&group->exposure->target, &text);
	pa_buffer_puts(&text, "), although the input rules refuse it: ");
	put_refusal(refused, &text);
	put_keeper(c, group, &text);
	finding->message = compare_text(c, &text);
	put_fix(group, &way, &text);
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
	compare_note_ports(c, finding, group);
}

static bool is_published(const struct comparison *c, const struct pa_exposure *exposure)
{
	const struct pa_target *target = &exposure->target;
	enum pa_tristate on = target->family == 6 ? c->host->forward_ipv6 : c->host->forward_ipv4;

	return exposure->has_target && target->has_address && !target->to_self && on != PA_NO;
}

/* A cluster publishes thousands of ports by one mechanism: beyond so many the report says that there are more. */
#define PUBLISHED_MAX 50

void check_published(struct comparison *c)
{
	size_t reported = 0;

	for (size_t i = 0; i < c->part_count[PA_PATH_FORWARD] && reported < PUBLISHED_MAX; i++) {
		struct part *part = &c->parts[PA_PATH_FORWARD][i];
		struct groups groups = { 0 };

		if (!is_published(c, part->exposure) || pa_set_is_empty(c->space, part->left))
			continue;
		groups_add(c, &groups, part->exposure, part->left);
		groups_merge(c, &groups);
		for (size_t k = 0; k < groups.count && reported < PUBLISHED_MAX; k++) {
			struct decision refused;
			struct pa_packet packet;

			if (!find_refused(c, &groups.items[k], &packet, &refused))
				continue;
			report(c, &groups.items[k], &packet, &refused);
			reported++;
			part->left = pa_set_minus(c->space, part->left, groups.items[k].set);
		}
		groups_done(&groups);
	}
	if (reported == PUBLISHED_MAX)
		compare_sentence(
			c, "PA-FWD-004 names the first %d published ports that the input rules refuse; there may be more.",
			PUBLISHED_MAX);
}
