/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The administrator's own connection: does it survive a ruleset? Its packets are followed one by one. */
#include <string.h>

#include "difference_private.h"

static void set(struct pa_packet *packet, enum pa_field field, pa_u128 value)
{
	packet->value[field] = value;
	packet->known[field] = true;
}

static struct pa_packet packet_of(const struct pa_session *session, enum pa_session_packet which)
{
	bool reply = which == PA_SESSION_TO_CLIENT;
	struct pa_packet packet = { .path = reply ? PA_PATH_OUT : PA_PATH_IN, .family = session->family };

	set(&packet, PA_FIELD_NFPROTO, session->family == 4 ? PA_NFPROTO_IPV4 : PA_NFPROTO_IPV6);
	set(&packet, PA_FIELD_L4PROTO, PROTOCOL_TCP);
	set(&packet, PA_FIELD_SADDR, reply ? session->server : session->client);
	set(&packet, PA_FIELD_DADDR, reply ? session->client : session->server);
	set(&packet, PA_FIELD_SPORT, reply ? session->server_port : session->client_port);
	set(&packet, PA_FIELD_DPORT, reply ? session->client_port : session->server_port);
	set(&packet, PA_FIELD_TCP_FLAGS, which == PA_SESSION_SYN ? PA_TCP_SYN : PA_TCP_ACK);
	set(&packet, PA_FIELD_CT_STATE, which == PA_SESSION_SYN ? PA_CT_NEW : PA_CT_ESTABLISHED);
	set(&packet, PA_FIELD_CT_DIRECTION, reply);
	set(&packet, PA_FIELD_MARK, 0);
	if (which == PA_SESSION_SYN)
		set(&packet, PA_FIELD_CT_MARK, 0);
	return packet;
}

/* Where the host is known, packets for an address arrive on the interface that has it, and leave there. */
static void set_interface(struct pa_packet *packet, const struct pa_host *host, const struct pa_session *session)
{
	enum pa_field field = packet->path == PA_PATH_OUT ? PA_FIELD_OIFNAME : PA_FIELD_IIFNAME;

	for (size_t i = 0; host->addresses_known && i < host->address_count; i++) {
		const struct pa_host_address *own = &host->addresses[i];

		if (own->family == session->family && own->address == session->server && own->interface && !own->broadcast)
			set(packet, field, pa_ifname_value(own->interface));
	}
}

struct following {
	struct pa_walker *walker;
	struct pa_arena *arena;
	struct pa_packet *packet;
	struct pa_decision *decision;
	unsigned accepted, refused, undecided;
};

/* The decision that is kept is the worst one. */
static void follow(struct following *f, const pa_u128 *interface)
{
	enum pa_field field = f->packet->path == PA_PATH_OUT ? PA_FIELD_OIFNAME : PA_FIELD_IIFNAME;
	struct pa_walk walk;
	struct pa_decision decision;
	bool refused;

	if (interface)
		set(f->packet, field, *interface);
	pa_walker_walk(f->walker, f->packet, true, &walk);
	decision = difference_decision(&walk, f->arena);
	pa_walk_done(&walk);
	refused = decision.fate == PA_FATE_DROP || decision.fate == PA_FATE_REJECT;
	if (f->accepted + f->refused + f->undecided == 0 || (refused && !f->refused) ||
	    (decision.fate == PA_FATE_DEPENDS && !f->refused && !f->undecided))
		*f->decision = decision;
	f->accepted += decision.fate == PA_FATE_ACCEPT;
	f->refused += refused;
	f->undecided += decision.fate == PA_FATE_DEPENDS;
}

/* On every interface that the rules name, and on one that they do not; over lo nobody comes from elsewhere. */
static void follow_everywhere(struct following *f, const struct arbitrary *arbitrary)
{
	const struct pa_ranges names = f->packet->path == PA_PATH_OUT ? arbitrary->output_names : arbitrary->input_names;
	pa_u128 other = pa_ifname_value("another0");

	follow(f, &other);
	for (size_t i = 0; i < names.count; i++)
		if (names.items[i].first != compare_loopback_name() && names.items[i].first != 0)
			follow(f, &names.items[i].first);
	if (f->refused && f->accepted)
		*f->decision = (struct pa_decision){ PA_FATE_DEPENDS, NULL, NULL, "the interface, which is not known" };
}

void pa_session_follow(const struct pa_ruleset *ruleset, const struct pa_host *host, const struct pa_session *session,
		       struct pa_arena *arena, struct pa_session_fate *ret_fate)
{
	struct pa_walker *walker = pa_walker_new(ruleset, host);
	const struct arbitrary *arbitrary = compare_arbitrary(ruleset, arena);

	memset(ret_fate, 0, sizeof(*ret_fate));
	ret_fate->session = *session;
	pa_walker_be_brief(walker);
	for (enum pa_session_packet i = PA_SESSION_SYN; i < PA_SESSION_PACKETS; i++) {
		struct pa_packet *packet = &ret_fate->packet[i];
		struct following f = { walker, arena, packet, &ret_fate->decision[i], 0, 0, 0 };

		*packet = packet_of(session, i);
		set_interface(packet, host, session);
		if (packet->known[PA_FIELD_IIFNAME] || packet->known[PA_FIELD_OIFNAME])
			follow(&f, NULL);
		else
			follow_everywhere(&f, arbitrary);
		ret_fate->lost = ret_fate->lost || (f.refused && !f.accepted && !f.undecided);
		ret_fate->unsure = ret_fate->unsure || f.undecided || (f.refused && f.accepted);
	}
	pa_walker_free(walker);
}

bool pa_session_fails(const struct pa_session_fate *fate)
{
	return fate->lost || fate->decision[PA_SESSION_TO_SERVER].fate == PA_FATE_DEPENDS ||
	       fate->decision[PA_SESSION_TO_CLIENT].fate == PA_FATE_DEPENDS;
}
