/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LOO-001: a packet from 127.0.0.1 to 127.0.0.1 (or ::1 to ::1) over lo, to a port that no rule names, is refused at input or
 * output. A rule that refuses one local port is nobody's mistake.
 *
 * LOO-002: packets with a source of 127.0.0.0/8 or ::1 get in on another interface. The kernel refuses such IPv4
 * packets as martians unless route_localnet is set (net/ipv4/route.c, ip_route_input_slow), and IPv6 ones always
 * (net/ipv6/ip6_input.c); so
 *   - with route_localnet on, every IPv4 packet of that kind that the rules let in is a finding;
 *   - when it is not known, only what gets in because of the source is: a rule trusts the address instead of the interface;
 *   - when it is off, the kernel refuses all of them: passed.
 *
 * LOO-003: a socket that is bound to 127.0.0.0/8 gets packets from another interface. Without route_localnet the kernel drops
 * them, also those that DNAT sends there; for ::1 it always does.
 */
#include "listener.h"

static pa_set local_packets(struct comparison *c, enum pa_path path, unsigned protocol)
{
	pa_u128 name = compare_loopback_name();
	struct box_builder four = { 0 }, six;

	box_ordinary(c, &four, protocol);
	box_set(&four, path == PA_PATH_OUT ? PA_FIELD_OIFNAME : PA_FIELD_IIFNAME, name, name);
	box_set(&four, PA_FIELD_L4PROTO, protocol, protocol);
	if (c->arbitrary->port.count > 0)
		box_set(&four, PA_FIELD_DPORT, c->arbitrary->port.value[0], c->arbitrary->port.value[0]);
	if (c->arbitrary->source_port.count > 0)
		box_set(&four, PA_FIELD_SPORT, c->arbitrary->source_port.value[0], c->arbitrary->source_port.value[0]);
	six = four;
	box_family(&four, 4);
	box_set(&four, PA_FIELD_SADDR, LOOPBACK4_ADDRESS, LOOPBACK4_ADDRESS);
	box_set(&four, PA_FIELD_DADDR, LOOPBACK4_ADDRESS, LOOPBACK4_ADDRESS);
	box_family(&six, 6);
	box_set(&six, PA_FIELD_SADDR, LOOPBACK6, LOOPBACK6);
	box_set(&six, PA_FIELD_DADDR, LOOPBACK6, LOOPBACK6);
	return pa_set_intersect(c->space, pa_set_union(c->space, compare_box(c, &four), compare_box(c, &six)),
				pa_evaluation_universe(c->evaluation, path));
}

static void report_refused(struct comparison *c, enum pa_path path, pa_set refused, enum pa_certainty certainty)
{
	struct pa_finding *finding = compare_add(c, PA_CHECK_LOO_001, pa_path_name(path));
	struct pa_buffer text = { 0 };

	finding->certainty = certainty;
	compare_add_example(c, finding, path, refused, PA_SCENARIO_NEW);
	pa_buffer_printf(&text, "local traffic over lo %s refused at hook %s", certainty == PA_CERTAIN ? "is" : "may be",
			 path == PA_PATH_IN ? "input" : "output");
	if (finding->rule_count > 0) {
		pa_buffer_puts(&text, " by ");
		describe_rules(finding->rules, finding->rule_count, &text);
	}
	finding->message = compare_text(c, &text);
	pa_buffer_printf(&text, "begin the base chain with `%s \"lo\" accept`", path == PA_PATH_IN ? "iif" : "oif");
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
}

void check_loopback(struct comparison *c)
{
	static const enum pa_path paths[] = { PA_PATH_IN, PA_PATH_OUT };

	for (size_t i = 0; i < 2; i++) {
		pa_set all = pa_set_union(c->space, local_packets(c, paths[i], PROTOCOL_TCP),
					  local_packets(c, paths[i], PROTOCOL_UDP));
		pa_set certain = pa_evaluation_reachable(c->evaluation, paths[i], PA_CERTAIN);
		pa_set possible = pa_evaluation_reachable(c->evaluation, paths[i], PA_POSSIBLE);

		if (!pa_set_is_empty(c->space, pa_set_minus(c->space, all, possible)))
			report_refused(c, paths[i], pa_set_minus(c->space, all, possible), PA_CERTAIN);
		else if (!pa_set_is_empty(c->space, pa_set_minus(c->space, all, certain)))
			report_refused(c, paths[i], pa_set_minus(c->space, all, certain), PA_POSSIBLE);
	}
}

/* --- LOO-002 ------------------------------------------------------------------------------------------------------------------ */

static pa_set loopback_sources(struct comparison *c, bool ipv4_only)
{
	struct box_builder four = { 0 }, six = { 0 };
	pa_set set;

	box_family(&four, 4);
	box_set(&four, PA_FIELD_SADDR, LOOPBACK4_FIRST, LOOPBACK4_LAST);
	box_family(&six, 6);
	box_set(&six, PA_FIELD_SADDR, LOOPBACK6, LOOPBACK6);
	set = compare_box(c, &four);
	return ipv4_only ? set : pa_set_union(c->space, set, compare_box(c, &six));
}

static void report_source(struct comparison *c, const struct group *group)
{
	struct pa_finding *finding = compare_add_group(c, PA_CHECK_LOO_002, group, NULL);
	struct pa_buffer text = { 0 };

	describe_group(group, &text);
	pa_buffer_puts(&text, " gets in on an interface other than lo");
	if (c->host->route_localnet == PA_YES)
		pa_buffer_puts(&text, ", and route_localnet is on");
	finding->message = compare_text(c, &text);
	if (group->row.rule_count > 0) {
		pa_buffer_puts(&text, "test the interface instead of the address (`iif \"lo\" accept`) in ");
		describe_rules(group->row.rules, group->row.rule_count, &text);
	} else {
		pa_buffer_puts(&text, "drop it: `iif != \"lo\" ip saddr 127.0.0.0/8 drop`");
	}
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
}

void check_loopback_source(struct comparison *c)
{
	pa_set reach = pa_evaluation_reachable(c->evaluation, PA_PATH_IN, PA_POSSIBLE), sources;
	struct groups groups = { 0 };

	if (c->host->route_localnet == PA_NO)
		return;
	reach = pa_set_intersect(c->space, reach, c->scope[PA_PATH_IN]);
	reach = pa_set_minus(c->space, reach, compare_loopback(c, PA_PATH_IN));
	sources = pa_set_intersect(c->space, reach, loopback_sources(c, c->host->route_localnet == PA_YES));
	if (c->host->route_localnet != PA_YES)
		sources = pa_set_minus(c->space, sources, compare_services_for_anyone(c, reach));
	for (size_t i = 0; i < c->part_count[PA_PATH_IN]; i++) {
		const struct pa_exposure *exposure = c->parts[PA_PATH_IN][i].exposure;

		groups_add(c, &groups, exposure, pa_set_intersect(c->space, exposure->set, sources));
	}
	groups_merge(c, &groups);
	for (size_t i = 0; i < groups.count; i++)
		report_source(c, &groups.items[i]);
	groups_done(&groups);
}

/* --- LOO-003 ------------------------------------------------------------------------------------------------------------------ */

/* Packets for a loopback address are dropped when they come from another interface, translated or not, unless route_localnet. */
static pa_set reach_from_outside(struct comparison *c, const struct listening *listening, const struct pa_exposure *exposure)
{
	pa_set set = pa_set_intersect(c->space, exposure->set, compare_listener_takes(c, listening->socket, exposure));

	set = pa_set_intersect(c->space, set, c->scope[PA_PATH_IN]);
	return pa_set_minus(c->space, set, compare_loopback(c, PA_PATH_IN));
}

static void report_loopback_service(struct comparison *c, struct listening *listening, const struct group *group)
{
	struct pa_finding *finding = compare_add_group(c, PA_CHECK_LOO_003, group, NULL);
	struct holding holding = { &listening, 1 };
	struct pa_buffer text = { 0 };

	describe_holding(c, &holding, &text);
	pa_buffer_puts(&text, ", and is reached from outside: ");
	describe_group(group, &text);
	pa_buffer_printf(&text, " %s", group->row.certainty == PA_CERTAIN ? "gets in" : "may get in");
	if (group->exposure->has_target) {
		pa_buffer_puts(&text, ", translated to ");
		describe_target(&group->exposure->target, &text);
	}
	if (c->host->route_localnet == PA_YES) {
		pa_buffer_puts(&text, "; route_localnet is on");
	} else {
		finding->certainty = PA_POSSIBLE;
		finding->condition = "while net.ipv4.conf.*.route_localnet is on for the interface";
		pa_buffer_puts(&text, "; whether route_localnet is on is not known");
	}
	finding->message = compare_text(c, &text);
	finding->fix =
		"turn route_localnet off (net.ipv4.conf.all.route_localnet = 0), or refuse what comes for 127.0.0.0/8 on other "
		"interfaces than lo";
	pa_buffer_done(&text);
	listening->reported = pa_check_info(PA_CHECK_LOO_003)->code;
}

static void check_loopback_socket(struct comparison *c, struct listening *listening)
{
	struct groups groups = { 0 };

	for (size_t i = 0; i < c->part_count[PA_PATH_IN]; i++) {
		const struct pa_exposure *exposure = c->parts[PA_PATH_IN][i].exposure;

		groups_add(c, &groups, exposure, reach_from_outside(c, listening, exposure));
	}
	groups_merge(c, &groups);
	for (size_t i = 0; i < groups.count; i++)
		report_loopback_service(c, listening, &groups.items[i]);
	groups_done(&groups);
}

void check_loopback_services(struct comparison *c)
{
	if (c->host->route_localnet == PA_NO) {
		compare_settle(c, PA_CHECK_LOO_003);
		return;
	}
	for (size_t i = 0; i < c->listening_count; i++) {
		struct listening *listening = &c->listening[i];
		pa_u128 address = listening->socket->address;

		if (!listening->socket->any_address && address >= LOOPBACK4_FIRST && address <= LOOPBACK4_LAST)
			check_loopback_socket(c, listening);
	}
}
