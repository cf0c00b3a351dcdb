/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Targets that decide, or leave the decision to somebody else. */
#include "xt.h"

static void add_verdict(struct pa_xt_lowering *lowering, const struct pa_xt_use *use, enum pa_verdict_kind kind)
{
	struct pa_step step = { .kind = PA_STEP_VERDICT };
	step.verdict.kind = kind;
	step.text = pa_xt_use_text(lowering, use);
	pa_xt_add(lowering, &step);
}

/* iptables refuses DROP in rules of the table nat, not as a policy. */
void pa_xt_target_verdict(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	switch (use->name[0]) {
	case 'A':
		add_verdict(lowering, use, PA_VERDICT_ACCEPT);
		break;
	case 'D':
		if (lowering->table->row->bit == PA_XT_IN_NAT)
			pa_xt_fail(lowering, use->word, "the table nat is not for filtering: iptables takes no DROP there");
		add_verdict(lowering, use, PA_VERDICT_DROP);
		break;
	default:
		add_verdict(lowering, use, PA_VERDICT_RETURN);
		break;
	}
}

/* The answers of --reject-with. They may be shortened: the first that begins so is meant (libipt_REJECT.c, libip6t_REJECT.c). */
static const char *find_answer(const char *text, int family)
{
	static const char *const four[] = { "icmp-net-unreachable",
					    "net-unreach",
					    "icmp-host-unreachable",
					    "host-unreach",
					    "icmp-proto-unreachable",
					    "proto-unreach",
					    "icmp-port-unreachable",
					    "port-unreach",
					    "icmp-net-prohibited",
					    "net-prohib",
					    "icmp-host-prohibited",
					    "host-prohib",
					    "tcp-reset",
					    "tcp-rst",
					    "icmp-admin-prohibited",
					    "admin-prohib" };
	static const char *const six[] = { "icmp6-no-route",
					   "no-route",
					   "icmp6-adm-prohibited",
					   "adm-prohibited",
					   "icmp6-addr-unreachable",
					   "addr-unreach",
					   "icmp6-port-unreachable",
					   "port-unreach",
					   "tcp-reset",
					   "tcp-rst",
					   "icmp6-policy-fail",
					   "policy-fail",
					   "icmp6-reject-route",
					   "reject-route" };
	const char *const *answers = family == 4 ? four : six;
	size_t count = family == 4 ? sizeof(four) / sizeof(*four) : sizeof(six) / sizeof(*six);
	for (size_t i = 0; i < count; i++)
		if (strncasecmp(answers[i], text, strlen(text)) == 0)
			return answers[i];
	return NULL;
}

void pa_xt_target_reject(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	const struct pa_xt_option *with = pa_xt_option(use, "reject-with");
	const struct pa_xt_rule *rule = lowering->rule;
	bool tcp = rule->has_protocol && !rule->protocol.negated && rule->number_of_protocol == 6;
	const char *answer = with ? find_answer(with->arguments[0]->text, lowering->family) : NULL;
	if (with && !answer)
		pa_xt_fail(lowering, with->arguments[0], "\"%s\" is no answer that REJECT sends", with->arguments[0]->text);
	if (answer && strncmp(answer, "tcp-", 4) == 0 && !tcp)
		pa_xt_fail(lowering, with->arguments[0], "tcp-reset answers packets of TCP: it needs -p tcp");
	add_verdict(lowering, use, PA_VERDICT_REJECT);
}

/* A program, or the far end of a connection, decides, and may decide anything. */
void pa_xt_target_anything(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	struct pa_step step = pa_xt_opaque_step(pa_xt_use_text(lowering, use), PA_OPACITY_VERDICT, true);
	pa_xt_add(lowering, &step);
}

void pa_xt_target_no_effect(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	struct pa_step step = pa_xt_no_effect(pa_xt_use_text(lowering, use));
	pa_xt_add(lowering, &step);
}

static void add_notrack(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	struct pa_step step = { .kind = PA_STEP_NOTRACK, .text = pa_xt_use_text(lowering, use) };
	pa_xt_add(lowering, &step);
}

void pa_xt_target_notrack(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	add_notrack(lowering, use);
}

/*
 * Helpers, timeouts, events and zones say how a flow is tracked, not whether; but a packet that has no flow yet gets a template, which
 * is new (xt_ct_target() in net/netfilter/xt_CT.c). Of an untracked packet it makes nothing, unlike nft's `ct zone set` (measured).
 */
void pa_xt_target_ct(struct pa_xt_lowering *lowering, const struct pa_xt_use *use)
{
	struct pa_step without_flow = pa_xt_test_value(lowering->arena, PA_FIELD_CT_STATE, PA_CT_INVALID, false);
	struct pa_step template = pa_xt_assign_step(PA_FIELD_CT_STATE, pa_xt_use_text(lowering, use));
	if (pa_xt_option(use, "notrack")) {
		add_notrack(lowering, use);
		return;
	}
	without_flow.implied = true;
	pa_xt_add(lowering, &without_flow);
	template.value = (struct pa_operand){ .kind = PA_OPERAND_VALUE, .interval = { PA_CT_NEW, PA_CT_NEW } };
	pa_xt_add(lowering, &template);
}
