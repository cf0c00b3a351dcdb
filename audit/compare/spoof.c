/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SPF-001: forged inside sources get in from outside. *Outside* are the interfaces that `set untrusted` names, else those of the
 * default routes. *Inside* are the networks that are routed through any other interface, and the host's own addresses. Measured on
 * Linux 6.18 with forged packets; fib_validate_source() in net/ipv4/fib_frontend.c:
 *
 *   - IPv4, rp_filter 1 (the larger of the settings of `all` and of the interface): refused by the kernel.
 *   - rp_filter 0 and 2 let inside networks pass: 2 asks for a way back through any interface. Broadcast addresses pass with 0 only.
 *   - Own IPv4 addresses are refused unless accept_local is on, 127.0.0.0/8 unless route_localnet is (LOO-002).
 *   - IPv6 has no rp_filter: everything but ::1 passes, own addresses too, so that rules must refuse it. What they say of the reverse
 *     path (`fib saddr . iif oif`, -m rpfilter) is a part of what gets in.
 *
 * Link-local addresses are left out: every link has its own. What gets in because of its source (the same service is closed for
 * strangers) is a finding for each rule that trusts the address; where strangers get in as well, one finding says so for each family.
 */
#include "listener.h"

#include <stdlib.h>

struct side {
	int family;
	pa_set routed;	 /* what is routed inside */
	pa_set networks; /* of it, what is no address of this host, and may be a source */
	pa_set broadcasts;
	pa_set own;
	pa_set edges;		  /* the first addresses of networks: sources, but odd ones for an example */
	struct pa_ranges outside; /* names of interfaces */
};

static pa_set sources(struct comparison *c, int family, struct pa_interval addresses)
{
	struct box_builder builder = { 0 };

	box_family(&builder, family);
	box_set(&builder, PA_FIELD_SADDR, addresses.first, addresses.last);
	return compare_box(c, &builder);
}

static bool holds(struct pa_ranges ranges, pa_u128 value)
{
	for (size_t i = 0; i < ranges.count; i++)
		if (value >= ranges.items[i].first && value <= ranges.items[i].last)
			return true;
	return false;
}

/* --- outside ------------------------------------------------------------------------------------------------------------ */

/* All addresses, or half of them, which is how tunnels take the place of a default route. */
static bool leads_everywhere(const struct pa_host_route *route)
{
	pa_u128 half = route->family == 4 ? (pa_u128)1 << 31 : (pa_u128)1 << 127;

	return route->to.last - route->to.first >= half - 1;
}

/* The names in the comparison's scratch memory; none: not known. */
static struct pa_ranges outside_names(struct comparison *c)
{
	struct pa_interval *items;
	size_t count = 0;

	if (c->policy->has_untrusted && c->policy->untrusted.any)
		return (struct pa_ranges){ pa_arena_dup(c->scratch, &(struct pa_interval){ 0, PA_U128_MAX }, 1, sizeof(*items)),
					   1 };
	if (c->policy->has_untrusted)
		return compare_interfaces(c->arbitrary, c->host, c->scratch, &c->policy->untrusted);
	items = pa_arena_alloc(c->scratch, c->host->route_count + 1, sizeof(*items));
	for (size_t i = 0; c->host->routes_known && i < c->host->route_count; i++) {
		const struct pa_host_route *route = &c->host->routes[i];

		if (!route->interface || !leads_everywhere(route))
			continue;
		items[count].first = items[count].last = pa_ifname_value(route->interface);
		count++;
	}
	return (struct pa_ranges){ items, compare_merge_intervals(items, count) };
}

/* --- inside ------------------------------------------------------------------------------------------------------------- */

/* Do all ways to one destination lead inside? */
static bool leads_inside(const struct comparison *c, const struct side *side, size_t first, size_t ways)
{
	const struct pa_host_route *routes = c->host->routes;
	bool inside = !leads_everywhere(&routes[first]);

	for (size_t i = first; i < first + ways; i++)
		inside = inside && routes[i].interface && !holds(side->outside, pa_ifname_value(routes[i].interface));
	return inside;
}

/* The first route that holds an address decides: what an earlier one takes is taken away from the later ones. */
static void add_routed(struct comparison *c, struct side *side)
{
	pa_set taken = pa_set_empty(c->space);

	for (size_t i = 0, ways; i < c->host->route_count; i += ways) {
		bool inside;
		pa_set here;

		ways = compare_route_ways(c->host, i);
		inside = leads_inside(c, side, i, ways);
		if (c->host->routes[i].family != side->family)
			continue;
		here = pa_set_minus(c->space, sources(c, side->family, c->host->routes[i].to), taken);
		taken = pa_set_union(c->space, taken, here);
		if (!inside)
			continue;
		side->routed = pa_set_union(c->space, side->routed, here);
		here = sources(c, side->family,
			       (struct pa_interval){ c->host->routes[i].to.first, c->host->routes[i].to.first });
		side->edges = pa_set_union(c->space, side->edges, here);
	}
}

static bool is_link_local(int family, pa_u128 address)
{
	return family == 4 ? address >= LINK_LOCAL4_FIRST && address <= LINK_LOCAL4_LAST
			   : address >= LINK_LOCAL_FIRST && address <= LINK_LOCAL_LAST;
}

static void add_own(struct comparison *c, struct side *side)
{
	for (size_t i = 0; i < c->host->address_count; i++) {
		const struct pa_host_address *address = &c->host->addresses[i];
		struct pa_interval single = { address->address, address->address };

		if (address->family != side->family || is_link_local(side->family, address->address) ||
		    address->address == LOOPBACK6 ||
		    (address->address >= LOOPBACK4_FIRST && address->address <= LOOPBACK4_LAST))
			continue;
		if (address->broadcast)
			side->broadcasts = pa_set_union(c->space, side->broadcasts, sources(c, side->family, single));
		else
			side->own = pa_set_union(c->space, side->own, sources(c, side->family, single));
	}
}

/* Sources that no packet has, or that other checks speak of. */
static pa_set left_out(struct comparison *c, int family)
{
	const struct family_interval *martians;
	size_t count = compare_martians(&martians);
	pa_set set = family == 4 ? sources(c, 4, (struct pa_interval){ LINK_LOCAL4_FIRST, LINK_LOCAL4_LAST })
				 : sources(c, 6, (struct pa_interval){ LINK_LOCAL_FIRST, LINK_LOCAL_LAST });

	for (size_t i = 0; i < count; i++)
		if (martians[i].family == family)
			set = pa_set_union(c->space, set,
					   sources(c, family, (struct pa_interval){ martians[i].first, martians[i].last }));
	return set;
}

static struct side make_side(struct comparison *c, int family, struct pa_ranges outside)
{
	struct side side = { .family = family, .outside = outside };

	side.routed = side.broadcasts = side.own = side.edges = pa_set_empty(c->space);
	add_own(c, &side);
	add_routed(c, &side);
	side.networks = pa_set_minus(c->space, pa_set_minus(c->space, side.routed, left_out(c, family)), side.own);
	return side;
}

/* --- what the kernel lets through -------------------------------------------------------------------------------------------- */

static const struct pa_source_check *source_check(const struct comparison *c, const char *interface)
{
	for (size_t i = 0; i < c->host->source_check_count; i++)
		if (pa_text_equal(c->host->source_checks[i].interface, interface))
			return &c->host->source_checks[i];
	return NULL;
}

/* Of an interface outside: the forged packets that reach the rules. */
static pa_set forged(struct comparison *c, const struct side *side, const char *interface)
{
	const struct pa_source_check *check = source_check(c, interface);
	pa_u128 name = pa_ifname_value(interface);
	pa_set set = pa_set_empty(c->space);

	if (side->family == 6) {
		set = pa_set_union(c->space, side->networks, side->own);
	} else if (check) {
		if (check->rp_filter != 1)
			set = side->networks;
		if (check->rp_filter != 0)
			set = pa_set_minus(c->space, set, side->broadcasts);
		if (check->accept_local)
			set = pa_set_union(c->space, set, side->own);
	}
	return pa_set_intersect(c->space, set, compare_single(c, PA_FIELD_IIFNAME, name, name));
}

static pa_set forged_of_all(struct comparison *c, const struct side *side)
{
	pa_u128 lo = compare_loopback_name();
	pa_set set = pa_set_empty(c->space);

	for (size_t i = 0; i < c->host->interface_count; i++) {
		pa_u128 name = pa_ifname_value(c->host->interfaces[i]);

		if (name != lo && holds(side->outside, name))
			set = pa_set_union(c->space, set, forged(c, side, c->host->interfaces[i]));
	}
	return set;
}

/* --- findings ------------------------------------------------------------------------------------------------------------------ */

static void put_protection(const struct comparison *c, const struct side *side, struct pa_buffer *out)
{
	unsigned largest = 0;

	for (size_t i = 0; i < c->host->source_check_count; i++) {
		const struct pa_source_check *check = &c->host->source_checks[i];

		if (holds(side->outside, pa_ifname_value(check->interface)) && check->rp_filter > largest)
			largest = check->rp_filter;
	}
	if (side->family == 6)
		pa_buffer_puts(out, "the kernel does not check sources of IPv6, and no rule refuses them");
	else if (largest == 0)
		pa_buffer_puts(out, "rp_filter is 0, so that the kernel does not check sources");
	else
		pa_buffer_puts(out, "rp_filter is 2 (loose), which lets every source pass that has a route");
}

static void put_fix(const struct comparison *c, int family, struct pa_ranges outside, struct pa_buffer *out)
{
	const char *name = NULL;

	for (size_t i = 0; i < c->host->interface_count && !name; i++)
		if (holds(outside, pa_ifname_value(c->host->interfaces[i])))
			name = c->host->interfaces[i];
	if (family == 4)
		pa_buffer_printf(out, "set net.ipv4.conf.%s.rp_filter = 1 in sysctl.d(5)", name ? name : "all");
	else
		pa_buffer_printf(
			out,
			"drop them in a chain at hook prerouting: `meta nfproto ipv6 iifname \"%s\" fib saddr . iif oif missing drop`",
			name ? name : "eth0");
}

static const char *verb_for(enum pa_path path)
{
	return path == PA_PATH_IN ? "get in" : "are forwarded";
}

static void report_trust(struct comparison *c, const struct side *side, const struct group *group)
{
	struct pa_finding *finding = compare_add_group(c, PA_CHECK_SPF_001, group, NULL);
	struct pa_buffer text = { 0 };

	pa_buffer_printf(
		&text, "forged packets %s because their source looks like one from inside: ", verb_for(group->exposure->path));
	describe_group(group, &text);
	pa_buffer_puts(&text, "; ");
	put_protection(c, side, &text);
	finding->message = compare_text(c, &text);
	put_fix(c, side->family, side->outside, &text);
	if (group->row.rule_count > 0) {
		pa_buffer_puts(&text, ", or test the interface beside the address in ");
		describe_rules(group->row.rules, group->row.rule_count, &text);
	}
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
}

struct values {
	enum pa_field field;
	struct pa_interval *items;
	size_t count, capacity;
};

static bool collect(void *context, const struct pa_box *box)
{
	struct values *values = context;
	struct pa_ranges ranges = box->field[values->field];

	pa_grow(&values->items, &values->capacity, values->count + ranges.count, sizeof(*values->items));
	for (size_t i = 0; i < ranges.count; i++)
		values->items[values->count++] = ranges.items[i];
	return true;
}

static void put_values(struct comparison *c, enum pa_field field, int family, pa_set set, struct pa_buffer *out)
{
	struct values values = { .field = field };

	for (int i = 0; i < PA_FIELD_COUNT; i++)
		if ((enum pa_field)i != field && i != PA_FIELD_NFPROTO)
			set = pa_set_project(c->space, set, (enum pa_field)i);
	pa_set_boxes(c->space, set, 0, collect, &values);
	values.count = compare_merge_intervals(values.items, values.count);
	describe_ranges(field, family, (struct pa_ranges){ values.items, values.count }, out);
	free(values.items);
}

/*
 * What strangers reach as well gains nothing from a forged source: an own address (only IPv6 lets it pass) is worth a note, not a failure. So
 * is what would be forwarded by a host that forwards nothing.
 */
static void weigh_open(const struct comparison *c, const struct side *side, enum pa_path path, pa_set set,
		       struct pa_finding *finding)
{
	enum pa_tristate on = side->family == 6 ? c->host->forward_ipv6 : c->host->forward_ipv4;

	if (pa_set_is_empty(c->space, pa_set_minus(c->space, set, side->own)) || (path == PA_PATH_FORWARD && on == PA_NO))
		finding->severity = PA_SEVERITY_INFO;
}

static void report_open(struct comparison *c, const struct side *side, enum pa_path path, pa_set set)
{
	pa_set certain = pa_set_intersect(c->space, set, pa_evaluation_reachable(c->evaluation, path, PA_CERTAIN));
	pa_set example = pa_set_minus(c->space, pa_set_minus(c->space, set, side->edges), side->broadcasts);
	pa_set own = pa_set_intersect(c->space, side->own, side->routed);
	struct pa_buffer text = { 0 };
	struct pa_finding *finding;

	pa_buffer_printf(&text, "%s IPv%d", pa_path_name(path), side->family);
	finding = compare_add(c, PA_CHECK_SPF_001, text.data);
	pa_buffer_clear(&text);
	finding->certainty = pa_set_is_empty(c->space, certain) ? PA_POSSIBLE : PA_CERTAIN;
	compare_add_example(c, finding, path, pa_set_is_empty(c->space, example) ? set : example, PA_SCENARIO_NEW);
	compare_set_region(c, finding, path, set);
	weigh_open(c, side, path, set, finding);
	pa_buffer_puts(&text, "on ");
	put_values(c, PA_FIELD_IIFNAME, side->family, set, &text);
	pa_buffer_printf(&text, ", IPv%d packets with a forged source from inside (", side->family);
	/* An own address inside a network would tear it apart, whether it is refused or not. */
	put_values(c, PA_FIELD_SADDR, side->family, pa_set_union(c->space, set, own), &text);
	pa_buffer_printf(&text, ") %s: ", verb_for(path));
	put_protection(c, side, &text);
	finding->message = compare_text(c, &text);
	put_fix(c, side->family, side->outside, &text);
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
}

/* --- the check -------------------------------------------------------------------------------------------------------------------- */

/*
 * What reaches the path. Whether a rule that asks for the way back refuses broadcast addresses is not known to the evaluation; only what
 * surely passes counts, or a host with such a rule would never be rid of the finding.
 */
static pa_set forged_reach(struct comparison *c, const struct side *side, enum pa_path path, pa_set reach)
{
	pa_set set = pa_set_intersect(c->space, reach, forged_of_all(c, side));
	pa_set certain = pa_evaluation_reachable(c->evaluation, path, PA_CERTAIN);

	return pa_set_minus(c->space, set, pa_set_minus(c->space, side->broadcasts, certain));
}

static void check_path(struct comparison *c, const struct side *side, enum pa_path path)
{
	pa_set reach = pa_set_intersect(c->space, pa_evaluation_reachable(c->evaluation, path, PA_POSSIBLE), c->scope[path]);
	pa_set set = forged_reach(c, side, path, reach), trusted;
	struct groups groups = { 0 };

	if (pa_set_is_empty(c->space, set))
		return;
	trusted = pa_set_minus(c->space, set, compare_services_for_anyone(c, reach));
	for (size_t i = 0; i < c->part_count[path]; i++) {
		const struct pa_exposure *exposure = c->parts[path][i].exposure;

		groups_add(c, &groups, exposure, pa_set_intersect(c->space, exposure->set, trusted));
	}
	groups_merge(c, &groups);
	for (size_t i = 0; i < groups.count; i++)
		report_trust(c, side, &groups.items[i]);
	groups_done(&groups);
	set = pa_set_minus(c->space, set, trusted);
	if (!pa_set_is_empty(c->space, set))
		report_open(c, side, path, set);
}

void check_spoofed_sources(struct comparison *c)
{
	struct pa_ranges outside;

	if (!compare_knows_routes(c->host) || !c->host->interfaces_known) {
		compare_not_assessed(
			c, PA_CHECK_SPF_001,
			c->host->routes_known && c->host->interfaces_known
				? "the host has too many routes"
				: "the interfaces, addresses and routes of the host are not known (live, or a snapshot)");
		return;
	}
	outside = outside_names(c);
	if (outside.count == 0) {
		compare_not_assessed(
			c, PA_CHECK_SPF_001,
			"which interfaces lead outside is not known: there is no default route (`set untrusted ...`)");
		return;
	}
	if (!c->host->source_checks_known)
		compare_not_assessed(c, PA_CHECK_SPF_001, "rp_filter is not known");
	for (int family = 4; family <= 6; family += 2) {
		struct side side = make_side(c, family, outside);

		check_path(c, &side, PA_PATH_IN);
		check_path(c, &side, PA_PATH_FORWARD);
	}
}
