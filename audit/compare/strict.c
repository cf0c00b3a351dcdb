/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks that are opt-in, because nearly every host fails them and few want to hear it (PA_OPT_IN in check.def): DEN-004, OUT-001, STA-003.
 *
 * DEN-004  outgoing packets to an arbitrary destination and port leave, over TCP or UDP.
 * OUT-001  what may leave this host and no `allow out` covers.
 * STA-003  TCP packets without SYN open connections to this host: conntrack calls a lone ACK new unless nf_conntrack_tcp_loose is 0.
 */
#include "compare.h"

/* --- DEN-004 ------------------------------------------------------------------------------------------------------------- */

static pa_set outgoing(struct comparison *c, int family, unsigned protocol)
{
	const struct arbitrary_values *destinations = &c->arbitrary->destination[family == 6];
	struct box_builder builder = { 0 };

	box_ordinary(c, &builder, protocol);
	box_family(&builder, family);
	box_set(&builder, PA_FIELD_L4PROTO, protocol, protocol);
	box_set(&builder, PA_FIELD_DPORT, c->arbitrary->port.value[0], c->arbitrary->port.value[0]);
	if (destinations->count > 0)
		box_set(&builder, PA_FIELD_DADDR, destinations->value[0], destinations->value[0]);
	return pa_set_intersect(c->space, compare_box(c, &builder), c->scope[PA_PATH_OUT]);
}

static void report_outgoing(struct comparison *c, int family, pa_set open, enum pa_certainty certainty)
{
	struct pa_buffer text = { 0 };
	struct pa_finding *finding;

	pa_buffer_printf(&text, "out v%d", family);
	finding = compare_add(c, PA_CHECK_DEN_004, text.data);
	pa_buffer_clear(&text);
	finding->certainty = certainty;
	compare_add_example(c, finding, PA_PATH_OUT, open, PA_SCENARIO_NEW);
	pa_buffer_printf(&text, "outgoing connections to any port %s over IPv%d unless a rule refuses it%s",
			 certainty == PA_CERTAIN ? "leave" : "may leave", family, finding->rule_count ? ": " : "");
	describe_rules(finding->rules, finding->rule_count, &text);
	finding->message = compare_text(c, &text);
	finding->fix =
		"let the base chain at hook output end with `policy drop`, after rules for what this host needs (DNS, time, updates)";
	pa_buffer_done(&text);
}

void check_outgoing_deny(struct comparison *c)
{
	if (c->arbitrary->port.count == 0) {
		compare_not_assessed(c, PA_CHECK_DEN_004,
				     "the ruleset singles out every port, so there is no default to look at");
		return;
	}
	for (int family = 4; family <= 6; family += 2) {
		pa_set all = pa_set_union(c->space, outgoing(c, family, PROTOCOL_TCP), outgoing(c, family, PROTOCOL_UDP));

		for (int certainty = PA_CERTAIN; certainty <= PA_POSSIBLE; certainty++) {
			pa_set open = pa_set_intersect(c->space, all,
						       pa_evaluation_reachable(c->evaluation, PA_PATH_OUT,
									       (enum pa_certainty)certainty));

			if (pa_set_is_empty(c->space, open))
				continue;
			report_outgoing(c, family, open, (enum pa_certainty)certainty);
			break;
		}
	}
}

/* --- OUT-001 ------------------------------------------------------------------------------------------------------------------ */

static void report_undeclared(struct comparison *c, const struct group *group)
{
	struct pa_finding *finding = compare_add_group(c, PA_CHECK_OUT_001, group, NULL);
	struct pa_buffer text = { 0 };

	describe_group(group, &text);
	pa_buffer_printf(&text, " %s", group->row.certainty == PA_CERTAIN ? "goes out" : "may go out");
	if (group->row.condition)
		pa_buffer_printf(&text, " (%s)", group->row.condition);
	pa_buffer_puts(&text, ", and no `allow out` covers it");
	finding->message = compare_text(c, &text);
	if (group->row.rule_count > 0) {
		pa_buffer_puts(&text, "narrow or remove ");
		describe_rules(group->row.rules, group->row.rule_count, &text);
	} else {
		pa_buffer_puts(&text, "refuse it at hook output");
	}
	pa_buffer_puts(&text, ", or declare it: `");
	describe_declaration(group, 0, "allow", &text);
	pa_buffer_puts(&text, group->piece_count > 1 ? "` (a part of it)" : "`");
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
}

void check_undeclared_outgoing(struct comparison *c)
{
	struct groups groups = { 0 };

	for (size_t i = 0; i < c->part_count[PA_PATH_OUT]; i++)
		groups_add(c, &groups, c->parts[PA_PATH_OUT][i].exposure, c->parts[PA_PATH_OUT][i].left);
	groups_merge(c, &groups);
	for (size_t i = 0; i < groups.count; i++)
		report_undeclared(c, &groups.items[i]);
	groups_done(&groups);
}

/* --- STA-003 ------------------------------------------------------------------------------------------------------------------ */

/* The sets of what gets in speak of SYN (they leave out what plain packets do not need), so that examples are walked with a lone ACK. */
#define EXAMPLES_MAX 64

struct ack_search {
	struct comparison *c;
	bool found;
	struct pa_packet packet;
};

static bool try_ack(void *context, const struct pa_box *box)
{
	struct ack_search *search = context;
	struct comparison *c = search->c;
	struct pa_packet packet = pa_evaluation_example(c->evaluation, PA_PATH_IN, pa_set_box(c->space, box));
	struct pa_walk walk = { 0 };

	packet.path = PA_PATH_IN;
	packet.value[PA_FIELD_TCP_FLAGS] = PA_TCP_ACK;
	packet.known[PA_FIELD_TCP_FLAGS] = true;
	packet.value[PA_FIELD_CT_STATE] = PA_CT_NEW;
	packet.known[PA_FIELD_CT_STATE] = true;
	pa_walk(c->ruleset, c->host, &packet, true, &walk);
	search->found = walk.fate == PA_FATE_ACCEPT;
	search->packet = packet;
	pa_walk_done(&walk);
	return !search->found;
}

void check_without_syn(struct comparison *c)
{
	struct ack_search search = { .c = c };
	struct pa_finding *finding;
	pa_set tcp = pa_set_intersect(c->space, pa_evaluation_reachable(c->evaluation, PA_PATH_IN, PA_CERTAIN),
				      c->scope[PA_PATH_IN]);

	tcp = pa_set_intersect(c->space, tcp, compare_single(c, PA_FIELD_L4PROTO, PROTOCOL_TCP, PROTOCOL_TCP));
	pa_set_boxes(c->space, tcp, EXAMPLES_MAX, try_ack, &search);
	if (!search.found)
		return;
	finding = compare_add(c, PA_CHECK_STA_003, "in");
	finding->has_packet = true;
	finding->packet = search.packet;
	finding->message = "TCP packets without SYN open connections to this host";
	finding->fix = "put `tcp flags & (fin|syn|rst|ack) != syn ct state new drop` before the rules that accept, or set "
		       "net.netfilter.nf_conntrack_tcp_loose to 0";
}
