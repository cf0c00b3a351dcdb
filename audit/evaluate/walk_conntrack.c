/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What conntrack makes of the packet: its state, and what its flow remembers. */
#include "evaluation.h"
#include "walker.h"

/* Neighbour discovery and multicast listener messages are left untracked by conntrack itself. */
static bool untracked_by_itself(struct pa_wrun *run, struct pa_wstate *s)
{
	return pa_wfield_in(run, s, PA_FIELD_NFPROTO, PA_NFPROTO_IPV6, PA_NFPROTO_IPV6) &&
	       pa_wfield_in(run, s, PA_FIELD_L4PROTO, 58, 58) &&
	       (pa_wfield_in(run, s, PA_FIELD_ICMP_TYPE, 130, 136) || pa_wfield_in(run, s, PA_FIELD_ICMP_TYPE, 143, 143) ||
		pa_wfield_in(run, s, PA_FIELD_ICMP_TYPE, 151, 151));
}

bool pa_wstate_is(struct pa_wrun *run, struct pa_wstate *s, pa_u128 flow_state)
{
	return pa_wfield_in(run, s, PA_FIELD_CT_STATE, flow_state, flow_state);
}

/* Until conntrack runs the state is invalid whatever the packet is; then it is what the packet says. */
void pa_wsee_packet(struct pa_wrun *run, struct pa_wstate *s)
{
	struct pa_wvalue state = pa_wcarried(PA_FIELD_CT_STATE);
	if (s->state_default && untracked_by_itself(run, s))
		state = pa_wconstant(PA_CT_UNTRACKED);
	s->by_conntrack = true;
	s->now[PA_FIELD_CT_STATE] = state;
	s->seen = true;
}

/* Before NAT the reply to a new flow is its first packet turned round; a reply matched what it is found by. */
static void set_reply(struct pa_wrun *run, struct pa_wstate *s)
{
	bool first = pa_wstate_is(run, s, PA_CT_NEW);
	bool reply = !first && pa_wstate_is(run, s, PA_CT_ESTABLISHED) && pa_wfield_in(run, s, PA_FIELD_CT_DIRECTION, 1, 1);
	for (size_t i = 0; run->walker->plan.reads_reply && i < PA_TUPLE_PARTS; i++) {
		struct pa_wvalue *value = &s->now[pa_tuple[i].reply];
		*value = pa_wcarried(pa_tuple[i].reply);
		if (first || reply)
			*value = s->now[pa_tuple[first ? pa_tuple_turned(i) : i].header];
	}
}

/* What the flow remembers of its first packet: this packet's own header when it is in the original direction. */
void pa_wset_original(struct pa_wrun *run, struct pa_wstate *s)
{
	bool own = pa_wstate_is(run, s, PA_CT_NEW) ||
		   (pa_wstate_is(run, s, PA_CT_ESTABLISHED) && pa_wfield_in(run, s, PA_FIELD_CT_DIRECTION, 0, 0));
	for (size_t i = 0; i < PA_TUPLE_PARTS; i++)
		s->now[pa_tuple[i].original] = own ? s->now[pa_tuple[i].header] : pa_wcarried(pa_tuple[i].original);
	set_reply(run, s);
	/* only an ICMP error has another protocol than its flow */
	if (!pa_wstate_is(run, s, PA_CT_RELATED))
		s->now[PA_FIELD_CT_PROTOCOL] = s->now[PA_FIELD_L4PROTO];
	if (pa_wstate_is(run, s, PA_CT_NEW) && !s->status_given)
		s->now[PA_FIELD_CT_STATUS] = pa_wconstant(0);
	if (run->walker->plan.bridge_ct_marks && !s->marks_given)
		s->now[PA_FIELD_CT_MARK] =
			(struct pa_wvalue){ .kind = PA_W_UNKNOWN, .text = "the mark that a bridge table gave the flow" };
}

void pa_wconntrack(struct pa_wrun *run, struct pa_wstate *s)
{
	if (!s->seen) {
		struct pa_wvalue *state = &s->now[PA_FIELD_CT_STATE];
		if (state->kind == PA_W_VALUE && state->first == PA_CT_UNTRACKED)
			s->seen = true;
		else
			pa_wsee_packet(run, s);
		return; /* a unit of its own: a split below must not see the packet twice */
	}
	pa_wset_original(run, s);
	s->stage++;
}
