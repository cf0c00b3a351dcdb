/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ways in behind which nobody listens.
 *
 * EXP-010  of TCP or UDP, on ports that every user of the host may bind (at or above ip_unprivileged_port_start): whoever gets
 *          an account can put a service there.
 * SOC-002  on the other ports: only root can, so it is a stale hole. Ports that are served on some address beyond loopback are not.
 *
 * With a policy they speak of what it allows (what it does not is reported anyway), unless it says `listener none` or
 * `listener required`; without one, of what no other check reported. Multicast and DHCP are left out: their sockets come
 * and go. Nothing is claimed of protocols and families whose sockets may be missing from the list.
 */
#include "listener.h"

static pa_set services_set(struct comparison *c)
{
	return pa_set_union(c->space, compare_single(c, PA_FIELD_L4PROTO, PROTOCOL_TCP, PROTOCOL_TCP),
			    compare_single(c, PA_FIELD_L4PROTO, PROTOCOL_UDP, PROTOCOL_UDP));
}

/* IPv4 ends at 255.255.255.255: broadcast is no service's address either. */
static pa_set multicast_set(struct comparison *c)
{
	struct box_builder four = { 0 }, six = { 0 };

	box_family(&four, 4);
	box_set(&four, PA_FIELD_DADDR, MULTICAST4_FIRST, PA_IPV4_LAST);
	box_family(&six, 6);
	box_set(&six, PA_FIELD_DADDR, MULTICAST6_FIRST, PA_U128_MAX);
	return pa_set_union(c->space, compare_box(c, &four), compare_box(c, &six));
}

/* DHCP: 67 and 68 of IPv4, 546 and 547 of IPv6 (RFC 2131, RFC 8415). */
static pa_set passing_set(struct comparison *c)
{
	static const unsigned ports[] = { 67, 68, 546, 547 };
	pa_set set = multicast_set(c);

	for (size_t i = 0; i < sizeof(ports) / sizeof(*ports); i++)
		set = pa_set_union(c->space, set, compare_single(c, PA_FIELD_DPORT, ports[i], ports[i]));
	return set;
}

/* A port that is served somewhere, on another address or over the other family, is no stale hole: nobody but root can take it. */
static pa_set served_ports(struct comparison *c)
{
	pa_set set = pa_set_empty(c->space);

	for (size_t i = 0; i < c->listening_count; i++) {
		const struct pa_listener *socket = c->listening[i].socket;
		struct box_builder builder = { 0 };

		if (c->listening[i].loopback || socket->raw)
			continue;
		box_set(&builder, PA_FIELD_L4PROTO, socket->protocol, socket->protocol);
		box_set(&builder, PA_FIELD_DPORT, socket->port, socket->port);
		set = pa_set_union(c->space, set, compare_box(c, &builder));
	}
	return set;
}

/* The ports that every user may bind; behind a translation the port of the target counts. */
static pa_set free_ports(struct comparison *c, const struct pa_exposure *exposure)
{
	int start = compare_unprivileged_start(c->host);

	if (start > 65535)
		return pa_set_empty(c->space);
	if (exposure->has_target && exposure->target.has_port)
		return exposure->target.port.first >= (pa_u128)start ? pa_set_full(c->space) : pa_set_empty(c->space);
	return compare_single(c, PA_FIELD_DPORT, (pa_u128)start, 65535);
}

/* Some packet to an address of this host alone must be among them; then those to multicast are told with it. */
static pa_set deserted(struct comparison *c, const struct part *part)
{
	pa_set set = pa_set_intersect(c->space, c->policy ? part->declared : part->left, services_set(c)), single;

	set = pa_set_minus(c->space, set, compare_loopback(c, PA_PATH_IN));
	set = pa_set_minus(c->space, set, compare_taken(c, part->exposure));
	single = pa_set_minus(c->space, set, passing_set(c));
	return pa_set_intersect(c->space, set, pa_set_project(c->space, single, PA_FIELD_DADDR));
}

/* Is anything left of which it is not known who listens, or (by the port) which of the two checks speaks of it? */
static bool is_settled(struct comparison *c)
{
	pa_set covered = compare_covered(c);

	for (size_t i = 0; i < c->part_count[PA_PATH_IN]; i++)
		if (!pa_set_is_empty(c->space, pa_set_minus(c->space, deserted(c, &c->parts[PA_PATH_IN][i]), covered)))
			return false;
	return true;
}

static bool is_deserted(struct comparison *c)
{
	for (size_t i = 0; i < c->part_count[PA_PATH_IN]; i++)
		if (!pa_set_is_empty(c->space, deserted(c, &c->parts[PA_PATH_IN][i])))
			return true;
	return false;
}

static void put_ports(const struct group *group, struct pa_buffer *text)
{
	describe_group(group, text);
	pa_buffer_printf(text, " %s", group->row.certainty == PA_CERTAIN ? "gets in" : "may get in");
	if (group->exposure->has_target) {
		pa_buffer_puts(text, " (translated to ");
		describe_target(&group->exposure->target, text);
		pa_buffer_putc(text, ')');
	}
}

static void put_fix(const struct group *group, struct pa_buffer *text)
{
	pa_buffer_puts(text, "close it until a service needs it");
	if (group->row.rule_count > 0) {
		pa_buffer_puts(text, ": ");
		describe_rules(group->row.rules, group->row.rule_count, text);
	}
	pa_buffer_puts(text, "; or start the service, or say `listener none` where the policy allows it");
}

static const char default_start[] =
	"if net.ipv4.ip_unprivileged_port_start is 1024, the kernel's default: the host's own is not known";

static void report(struct comparison *c, enum pa_check_id check, const struct group *group)
{
	struct pa_finding *finding = compare_add_group(c, check, group, NULL);
	struct pa_buffer text = { 0 };

	put_ports(group, &text);
	pa_buffer_puts(&text, ", and nobody listens there");
	if (check == PA_CHECK_EXP_010)
		pa_buffer_printf(&text, ": any user of this host may (ports from %d on are free for all)",
				 compare_unprivileged_start(c->host));
	if (check == PA_CHECK_EXP_010 && c->host->unprivileged_port_start < 0)
		compare_assume(c, finding, default_start);
	finding->message = compare_text(c, &text);
	put_fix(group, &text);
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
	if (check == PA_CHECK_EXP_010)
		compare_stands_for(c, finding, PA_CHECK_SOC_002);
}

/* A ruleset that was written for another host must not fill the screen: the rest is one finding. */
#define REPORTED_MAX 12
#define NAMED_MAX 20

static void report_rest(struct comparison *c, enum pa_check_id check, const struct group *groups, size_t count)
{
	struct pa_finding *finding = compare_add(c, check, "more");
	size_t named = count > NAMED_MAX ? NAMED_MAX : count;
	struct pa_buffer text = { 0 };

	pa_buffer_printf(&text, "nobody listens behind %zu more ways in: ", count);
	for (size_t i = 0; i < named; i++) {
		pa_buffer_puts(&text, i ? ", " : "");
		if (groups[i].piece_count > 0)
			describe_services(&groups[i].pieces[0], &text);
	}
	if (named < count)
		pa_buffer_printf(&text, " and %zu others", count - named);
	finding->message = compare_text(c, &text);
	finding->fix = "close those that nothing needs, or give the host the rules that are meant for it";
	pa_buffer_done(&text);
	if (check == PA_CHECK_EXP_010 && c->host->unprivileged_port_start < 0)
		compare_assume(c, finding, default_start);
	if (check == PA_CHECK_EXP_010)
		compare_stands_for(c, finding, PA_CHECK_SOC_002);
}

static void look_at(struct comparison *c, enum pa_check_id check)
{
	bool split = compare_enabled(c, PA_CHECK_EXP_010);
	struct groups groups = { .divides = true, .check = check };
	pa_set covered = compare_covered(c);
	size_t shown;

	for (size_t i = 0; i < c->part_count[PA_PATH_IN]; i++) {
		const struct part *part = &c->parts[PA_PATH_IN][i];
		pa_set set = pa_set_intersect(c->space, deserted(c, part), covered), high = free_ports(c, part->exposure);

		if (check == PA_CHECK_EXP_010)
			set = pa_set_intersect(c->space, set, high);
		else
			set = pa_set_minus(c->space, split ? pa_set_minus(c->space, set, high) : set,
					   part->exposure->has_target ? pa_set_empty(c->space) : served_ports(c));
		groups_add(c, &groups, part->exposure, set);
	}
	groups_merge(c, &groups);
	shown = groups.count > REPORTED_MAX ? REPORTED_MAX - 1 : groups.count;
	for (size_t i = 0; i < shown; i++)
		report(c, check, &groups.items[i]);
	if (shown < groups.count)
		report_rest(c, check, groups.items + shown, groups.count - shown);
	groups_done(&groups);
}

void check_latent(struct comparison *c)
{
	if (c->host->unprivileged_port_start < 0 && is_deserted(c))
		compare_not_assessed(
			c, PA_CHECK_EXP_010,
			"which ports every user may bind (net.ipv4.ip_unprivileged_port_start) is not known; with the "
			"kernel's default nothing is found");
	if (is_settled(c)) {
		compare_settle(c, PA_CHECK_EXP_010);
		compare_settle(c, PA_CHECK_SOC_002);
	}
	if (compare_enabled(c, PA_CHECK_EXP_010))
		look_at(c, PA_CHECK_EXP_010);
	if (compare_enabled(c, PA_CHECK_SOC_002))
		look_at(c, PA_CHECK_SOC_002);
}
