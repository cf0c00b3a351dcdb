/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FWD-004: a connection to an address of this host is translated to another one, as container engines publish ports, and is
 * forwarded, although the input rules refuse the same packet. Who closed the port there believes that it is closed.
 *
 * What the input rules say is what they say of the packet as it arrives, without translation, and it is asked of all packets at once
 * (pa_evaluation_untranslated()); one packet of each finding is then followed to name the rule that refuses it. What an `allow`
 * covers is meant to be so; what no `allow` covers is FWD-002.
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

static struct decision decide(const struct pa_walker *walker, struct pa_packet packet, enum pa_path path)
{
	struct decision decision = { 0 };
	struct pa_walk walk = { 0 };

	packet.path = path;
	packet.known[PA_FIELD_OIFNAME] = packet.known[PA_FIELD_OIFNAME] && path == PA_PATH_FORWARD;
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
	return decision;
}

/* What is looked up once for all ports. */
struct published {
	struct comparison *c;
	struct pa_walker *as_it_is, *untranslated;
	pa_set refused; /* connections to this host that its input rules refuse for sure, as if nothing translated */
	size_t reported, more;
};

static void begin(struct published *p, struct comparison *c)
{
	pa_set arriving = pa_evaluation_universe(c->evaluation, PA_PATH_IN);
	pa_set accepted = pa_evaluation_untranslated(c->evaluation, PA_POSSIBLE);

	*p = (struct published){ .c = c,
				 .as_it_is = pa_walker_new(c->ruleset, c->host),
				 .untranslated = pa_walker_new(c->ruleset, c->host) };
	pa_walker_leave_nat_out(p->untranslated);
	p->refused = pa_set_project(c->space, pa_set_minus(c->space, arriving, accepted), PA_FIELD_OIFNAME);
}

static void finish(struct published *p)
{
	pa_walker_free(p->as_it_is);
	pa_walker_free(p->untranslated);
}

static bool is_refused(const struct decision *decision)
{
	return decision->chain && (decision->fate == PA_FATE_DROP || decision->fate == PA_FATE_REJECT);
}

/* A packet of the group, and which of the input rules refuses it. From an arbitrary source, where one gets through. */
static bool find_refusal(const struct published *p, const struct group *group, struct pa_packet *ret_packet,
			 struct decision *ret_decision)
{
	struct comparison *c = p->c;
	pa_set anywhere = pa_set_intersect(c->space, group->set, c->anywhere[PA_PATH_FORWARD]);

	if (!pa_set_is_empty(c->space, anywhere)) {
		*ret_packet = pa_evaluation_example(c->evaluation, PA_PATH_FORWARD, anywhere);
		*ret_decision = decide(p->untranslated, *ret_packet, PA_PATH_IN);
		if (is_refused(ret_decision))
			return true;
	}
	*ret_packet = group->row.example;
	*ret_decision = decide(p->untranslated, *ret_packet, PA_PATH_IN);
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

static void report(const struct published *p, const struct group *group, const struct pa_packet *packet,
		   const struct decision *refused)
{
	struct comparison *c = p->c;
	struct pa_finding *finding = compare_add_group(c, PA_CHECK_FWD_004, group, NULL);
	struct decision way = decide(p->as_it_is, *packet, PA_PATH_FORWARD);
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

/* A cluster publishes thousands of ports by one mechanism: beyond so many they are counted. */
#define PUBLISHED_MAX 50

static void report_groups(struct published *p, struct part *part, const struct groups *groups)
{
	struct comparison *c = p->c;

	for (size_t k = 0; k < groups->count; k++) {
		struct decision refused;
		struct pa_packet packet;

		if (p->reported == PUBLISHED_MAX) {
			p->more++;
			continue;
		}
		if (!find_refusal(p, &groups->items[k], &packet, &refused))
			continue;
		report(p, &groups->items[k], &packet, &refused);
		p->reported++;
		part->left = pa_set_minus(c->space, part->left, groups->items[k].set);
	}
}

static void look_at(struct published *p, struct part *part)
{
	struct comparison *c = p->c;
	struct groups groups = { 0 };
	pa_set refused = pa_set_intersect(c->space, part->left, p->refused);

	if (pa_set_is_empty(c->space, refused))
		return;
	if (p->reported == PUBLISHED_MAX) {
		p->more++;
		return;
	}
	groups_add(c, &groups, part->exposure, refused);
	groups_merge(c, &groups);
	report_groups(p, part, &groups);
	groups_done(&groups);
}

static void say_more(const struct published *p)
{
	struct comparison *c = p->c;
	struct pa_finding *last;

	if (p->more == 0)
		return;
	last = &c->result->findings[c->result->finding_count - 1];
	last->message =
		pa_arena_printf(c->result->arena, "%s; %zu more are published so and not named here", last->message, p->more);
	compare_sentence(c, "PA-FWD-004 names %d published ports that the input rules refuse, and counts %zu more.",
			 PUBLISHED_MAX, p->more);
}

void check_published(struct comparison *c)
{
	struct published p = { 0 };

	for (size_t i = 0; i < c->part_count[PA_PATH_FORWARD]; i++) {
		struct part *part = &c->parts[PA_PATH_FORWARD][i];

		if (!is_published(c, part->exposure) || pa_set_is_empty(c->space, part->left))
			continue;
		if (!p.c)
			begin(&p, c);
		look_at(&p, part);
	}
	if (p.c)
		say_more(&p);
	finish(&p);
}
