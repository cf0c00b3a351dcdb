/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * V6-001: a TCP or UDP port that any source reaches over one family only, while the other family is in use too (some
 * port is reachable over it from any source; a family that is closed altogether is a decision, not an oversight). With a
 * policy, only what an `allow` without ipv4 or ipv6 declares for any source: the rest is undeclared anyway, or declared so.
 * A port on which somebody listens over that family alone is meant so. DHCP belongs to one family. Where one family is open by default, DEN-001 or DEN-002 says so.
 *
 * V6-002: IPv6 is in use (replies get in), and on no interface neighbour solicitations or advertisements from a link-local
 * source get in or out, or packet-too-big gets in. Neighbour discovery is untracked, packet-too-big is related.
 */
#include "listener.h"

/* --- V6-001 ------------------------------------------------------------------------------------------------------------------ */

static pa_set family_set(struct comparison *c, int family)
{
	struct box_builder builder = { 0 };

	box_family(&builder, family);
	return compare_box(c, &builder);
}

static pa_set dhcp_set(struct comparison *c)
{
	static const unsigned ports[] = { 67, 68, 546, 547 };
	pa_set set = pa_set_empty(c->space);

	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++) {
		struct box_builder builder = { 0 };

		box_set(&builder, PA_FIELD_L4PROTO, PROTOCOL_UDP, PROTOCOL_UDP);
		box_set(&builder, PA_FIELD_DPORT, ports[i], ports[i]);
		set = pa_set_union(c->space, set, compare_box(c, &builder));
	}
	return set;
}

static bool is_for_anyone(const struct pa_statement *statement)
{
	return statement->kind == PA_STATEMENT_ALLOW && statement->path == PA_PATH_IN && statement->family == 0 &&
	       (!statement->from.given || statement->from.addresses.any) &&
	       (!statement->to.given || statement->to.addresses.any);
}

/* What is meant for both families. */
static pa_set meant_for_both(struct comparison *c)
{
	pa_set set = pa_set_empty(c->space);

	if (!c->policy)
		return pa_set_full(c->space);
	for (size_t i = 0; i < c->policy->statement_count; i++)
		if (is_for_anyone(c->policy->statements[i]))
			set = pa_set_union(c->space, set, c->regions[i].set);
	return set;
}

/* The services (protocol, port, interface) that any source reaches over one family. */
static pa_set services_over(struct comparison *c, int family, pa_set of)
{
	pa_set ports = pa_set_union(c->space, compare_single(c, PA_FIELD_L4PROTO, PROTOCOL_TCP, PROTOCOL_TCP),
				    compare_single(c, PA_FIELD_L4PROTO, PROTOCOL_UDP, PROTOCOL_UDP));
	pa_set set = pa_set_intersect(c->space, c->anywhere[PA_PATH_IN], pa_set_intersect(c->space, ports, of));

	set = pa_set_minus(c->space, pa_set_intersect(c->space, set, family_set(c, family)), dhcp_set(c));
	return pa_set_project(c->space, compare_contexts(c, set, true), PA_FIELD_NFPROTO);
}

static void report_one_family(struct comparison *c, int family, const struct group *group)
{
	struct pa_finding *finding = compare_add_group(c, PA_CHECK_V6_001, group, NULL);
	struct pa_buffer text = { 0 };

	describe_group(group, &text);
	pa_buffer_printf(&text, " gets in, but not over IPv%d", family == 4 ? 6 : 4);
	finding->message = compare_text(c, &text);
	pa_buffer_printf(&text, "accept it over IPv%d as well, or close it", family == 4 ? 6 : 4);
	if (group->piece_count > 0) {
		pa_buffer_puts(&text, "; if one family is meant, declare it: `");
		describe_declaration(group, 0, "allow", &text);
		pa_buffer_putc(&text, '`');
	}
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
}

/*
 * Ports that are served over one family and not over the other: nothing is missing there. Only where it is known who listens.
 */
static pa_set served_only_over(struct comparison *c, int family)
{
	pa_set mine = pa_set_empty(c->space), other = mine;

	for (size_t i = 0; i < c->listening_count; i++) {
		pa_set takes = c->listening[i].takes;

		mine = pa_set_union(c->space, mine, pa_set_intersect(c->space, takes, family_set(c, family)));
		other = pa_set_union(c->space, other, pa_set_intersect(c->space, takes, family_set(c, family == 4 ? 6 : 4)));
	}
	if (c->host->sockets)
		mine = pa_set_intersect(c->space, mine, compare_covered(c));
	for (int i = 0; i < PA_FIELD_COUNT; i++)
		if (i != PA_FIELD_L4PROTO && i != PA_FIELD_DPORT)
			other = pa_set_project(c->space, other, (enum pa_field)i);
	return pa_set_minus(c->space, mine, other);
}

static void check_only_over(struct comparison *c, int family, pa_set services)
{
	pa_set set = pa_set_intersect(c->space, services, family_set(c, family));
	struct groups groups = { 0 };

	set = pa_set_intersect(c->space, pa_set_intersect(c->space, set, meant_for_both(c)), c->anywhere[PA_PATH_IN]);
	set = pa_set_minus(c->space, set, served_only_over(c, family));
	for (size_t i = 0; i < c->part_count[PA_PATH_IN]; i++) {
		const struct pa_exposure *exposure = c->parts[PA_PATH_IN][i].exposure;

		groups_add(c, &groups, exposure, pa_set_intersect(c->space, exposure->set, set));
	}
	groups_merge(c, &groups);
	for (size_t i = 0; i < groups.count; i++)
		if (compare_is_for_anyone(c, &groups.items[i]))
			report_one_family(c, family, &groups.items[i]);
	groups_done(&groups);
}

static bool is_open(struct comparison *c, int family)
{
	return !pa_set_is_empty(c->space, pa_set_intersect(c->space, c->open_default[PA_PATH_IN], family_set(c, family)));
}

void check_one_family(struct comparison *c)
{
	pa_set all = pa_set_full(c->space), both = meant_for_both(c), four, six;
	bool open4 = is_open(c, 4), open6 = is_open(c, 6);

	if (open4 || open6) {
		enum pa_check_id check = open6 ? PA_CHECK_DEN_002 : PA_CHECK_DEN_001;

		if (open4 != open6)
			c->found_as[PA_CHECK_V6_001] = c->found_as[check] ? c->found_as[check] : pa_check_info(check)->code;
		return;
	}
	if (pa_set_is_empty(c->space, services_over(c, 4, all)) || pa_set_is_empty(c->space, services_over(c, 6, all)))
		return;
	four = services_over(c, 4, both);
	six = services_over(c, 6, both);
	check_only_over(c, 4, pa_set_minus(c->space, four, services_over(c, 6, all)));
	check_only_over(c, 6, pa_set_minus(c->space, six, services_over(c, 4, all)));
}

/* --- V6-002 ------------------------------------------------------------------------------------------------------------------ */

struct vital {
	enum pa_path path;
	enum pa_scenario scenario;
	unsigned type;
	bool link_local;
	const char *words;
};

static const struct vital vitals[] = {
	{ PA_PATH_IN, PA_SCENARIO_UNTRACKED, ICMPV6_NEIGHBOUR_SOLICITATION, true, "neighbour solicitations do not get in" },
	{ PA_PATH_IN, PA_SCENARIO_UNTRACKED, ICMPV6_NEIGHBOUR_ADVERTISEMENT, true, "neighbour advertisements do not get in" },
	{ PA_PATH_IN, PA_SCENARIO_RELATED, ICMPV6_PACKET_TOO_BIG, false, "packet-too-big does not get in" },
	{ PA_PATH_OUT, PA_SCENARIO_UNTRACKED, ICMPV6_NEIGHBOUR_SOLICITATION, true, "neighbour solicitations do not get out" },
	{ PA_PATH_OUT, PA_SCENARIO_UNTRACKED, ICMPV6_NEIGHBOUR_ADVERTISEMENT, true, "neighbour advertisements do not get out" },
};

static pa_set vital_packets(struct comparison *c, const struct vital *vital)
{
	struct box_builder builder = { 0 };
	pa_set set;

	box_family(&builder, 6);
	box_set(&builder, PA_FIELD_L4PROTO, PROTOCOL_ICMPV6, PROTOCOL_ICMPV6);
	box_set(&builder, PA_FIELD_ICMP_TYPE, vital->type, vital->type);
	if (vital->link_local)
		box_set(&builder, PA_FIELD_SADDR, LINK_LOCAL_FIRST, LINK_LOCAL_LAST);
	set = pa_set_intersect(c->space, compare_box(c, &builder), c->scope[vital->path]);
	return pa_set_intersect(c->space, set, pa_evaluation_scenario_universe(c->evaluation, vital->path, vital->scenario));
}

static bool ipv6_in_use(struct comparison *c)
{
	pa_set replies = pa_evaluation_scenario(c->evaluation, PA_PATH_IN, PA_SCENARIO_REPLY, PA_POSSIBLE);

	replies =
		pa_set_intersect(c->space, replies, pa_set_minus(c->space, family_set(c, 6), compare_loopback(c, PA_PATH_IN)));
	return !pa_set_is_empty(c->space, replies);
}

void check_neighbours(struct comparison *c)
{
	struct pa_buffer text = { 0 };
	struct pa_finding *finding = NULL;

	if (!ipv6_in_use(c))
		return;
	for (size_t i = 0; i < sizeof(vitals) / sizeof(*vitals); i++) {
		const struct vital *vital = &vitals[i];
		pa_set packets = vital_packets(c, vital);
		pa_set accepted = pa_evaluation_scenario(c->evaluation, vital->path, vital->scenario, PA_POSSIBLE);

		if (pa_set_is_empty(c->space, packets) ||
		    !pa_set_is_empty(c->space, pa_set_intersect(c->space, packets, accepted)))
			continue;
		if (!finding) {
			finding = compare_add(c, PA_CHECK_V6_002, "icmpv6");
			compare_add_example(c, finding, vital->path, packets, vital->scenario);
		}
		pa_buffer_printf(&text, "%s%s", text.length ? ", " : "IPv6 is in use, but ", vital->words);
	}
	if (finding) {
		finding->message = compare_text(c, &text);
		finding->fix =
			"accept `icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, packet-too-big, "
			"time-exceeded, parameter-problem, destination-unreachable }` (RFC 4890)";
	}
	pa_buffer_done(&text);
}
