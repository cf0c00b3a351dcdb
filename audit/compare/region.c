/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Statements of the policy as sets of packets. */
#include <stdlib.h>
#include <string.h>

#include "compare.h"

struct interval_list {
	struct pa_interval *items;
	size_t count;
	size_t capacity;
};

static void list_add(struct interval_list *list, pa_u128 first, pa_u128 last)
{
	pa_grow(&list->items, &list->capacity, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = (struct pa_interval){ first, last };
}

static struct pa_ranges list_keep(struct interval_list *list, struct pa_arena *arena)
{
	struct pa_ranges ranges = { NULL, 0 };

	list->count = compare_merge_intervals(list->items, list->count);
	if (list->count > 0) {
		ranges.items = pa_arena_dup(arena, list->items, list->count, sizeof(*list->items));
		ranges.count = list->count;
	}
	free(list->items);
	return ranges;
}

/* --- interfaces ----------------------------------------------------------------------------------------------- */

static void add_if_matches(struct interval_list *list, const char *glob, const char *name)
{
	pa_u128 value = pa_ifname_value(name);

	if (pa_text_glob(glob, name))
		list_add(list, value, value);
}

static void expand_globs(struct interval_list *list, const struct pa_interfaces *interfaces, struct pa_ranges known)
{
	char name[PA_IFNAME_MAX + 1];

	for (size_t i = 0; i < interfaces->glob_count; i++) {
		for (size_t j = 0; j < known.count; j++) {
			if (known.items[j].first != known.items[j].last)
				continue;
			pa_ifname_format(known.items[j].first, name);
			add_if_matches(list, interfaces->globs[i], name);
		}
	}
}

struct pa_ranges compare_interfaces(const struct arbitrary *arbitrary, const struct pa_host *host, struct pa_arena *arena,
				    const struct pa_interfaces *interfaces)
{
	struct interval_list list = { 0 };

	for (size_t i = 0; i < interfaces->name_count; i++)
		list_add(&list, interfaces->names[i].first, interfaces->names[i].last);
	expand_globs(&list, interfaces, arbitrary->input_names);
	expand_globs(&list, interfaces, arbitrary->output_names);
	for (size_t i = 0; i < interfaces->glob_count; i++)
		for (size_t j = 0; j < host->interface_count; j++)
			add_if_matches(&list, interfaces->globs[i], host->interfaces[j]);
	return list_keep(&list, arena);
}

/* --- addresses ------------------------------------------------------------------------------------------------ */

static void self_of_host(const struct pa_host *host, struct interval_list lists[2])
{
	for (size_t i = 0; i < host->address_count; i++) {
		const struct pa_host_address *address = &host->addresses[i];

		if (!address->broadcast)
			list_add(&lists[address->family == 6], address->address, address->address);
	}
	list_add(&lists[0], LOOPBACK4_FIRST, LOOPBACK4_LAST);
	list_add(&lists[1], LOOPBACK6, LOOPBACK6);
}

static void self_of_policy(const struct pa_policy *policy, struct interval_list lists[2])
{
	for (size_t i = 0; i < policy->self.ipv4_count; i++)
		list_add(&lists[0], policy->self.ipv4[i].first, policy->self.ipv4[i].last);
	for (size_t i = 0; i < policy->self.ipv6_count; i++)
		list_add(&lists[1], policy->self.ipv6[i].first, policy->self.ipv6[i].last);
}

/* The host's own addresses: from the host, else from `set self`. */
static bool self_lists(const struct pa_host *host, const struct pa_policy *policy, struct interval_list lists[2])
{
	if (host->addresses_known)
		self_of_host(host, lists);
	else if (policy && policy->has_self)
		self_of_policy(policy, lists);
	else
		return false;
	for (int i = 0; i < 2; i++)
		lists[i].count = compare_merge_intervals(lists[i].items, lists[i].count);
	return true;
}

/* A set of addresses of one family, as a test of one field. */
static pa_set address_set(struct comparison *c, enum pa_field field, int family, const struct pa_interval *items, size_t count)
{
	struct box_builder builder = { 0 };

	if (count == 0)
		return pa_set_empty(c->space);
	box_family(&builder, family);
	builder.box.field[field] = (struct pa_ranges){ items, count };
	return compare_box(c, &builder);
}

static pa_set self_set(struct comparison *c, enum pa_field field, bool *ret_known)
{
	struct interval_list lists[2] = { { 0 }, { 0 } };
	pa_set set = pa_set_empty(c->space);

	*ret_known = self_lists(c->host, c->policy, lists);
	if (*ret_known)
		for (int i = 0; i < 2; i++)
			set = pa_set_union(c->space, set, address_set(c, field, i ? 6 : 4, lists[i].items, lists[i].count));
	free(lists[0].items);
	free(lists[1].items);
	return set;
}

/* The three steps of struct pa_addresses. `own_side`: packets of this path have an address of this host there anyway. */
static pa_set addresses_set(struct comparison *c, enum pa_field field, const struct pa_addresses *addresses, bool own_side,
			    bool *ret_known)
{
	bool known = true;
	pa_set self, set;

	if (addresses->any)
		return pa_set_full(c->space);
	set = pa_set_union(c->space, address_set(c, field, 4, addresses->ipv4, addresses->ipv4_count),
			   address_set(c, field, 6, addresses->ipv6, addresses->ipv6_count));
	if (!addresses->self && !addresses->except_self)
		return set;
	self = own_side ? pa_set_full(c->space) : self_set(c, field, &known);
	if (!known)
		*ret_known = false;
	if (addresses->except_self)
		set = pa_set_minus(c->space, set, self);
	if (addresses->self) {
		self = pa_set_minus(c->space, self,
				    address_set(c, field, 4, addresses->except_ipv4, addresses->except_ipv4_count));
		self = pa_set_minus(c->space, self,
				    address_set(c, field, 6, addresses->except_ipv6, addresses->except_ipv6_count));
		set = pa_set_union(c->space, set, self);
	}
	return set;
}

/* --- services ------------------------------------------------------------------------------------------------- */

struct pa_interval compare_ephemeral(const struct pa_host *host)
{
	/* The kernel's default, Documentation/networking/ip-sysctl.rst; pa_compare() says so when the host's is not known. */
	if (host->ephemeral_last == 0)
		return (struct pa_interval){ 32768, 60999 };
	return (struct pa_interval){ host->ephemeral_first, host->ephemeral_last };
}

/* Port 0 cannot be written, and nobody can listen there: a range from 1 on holds it. */
struct pa_interval compare_port_range(struct pa_interval ports)
{
	return (struct pa_interval){ ports.first == 1 ? 0 : ports.first, ports.last };
}

pa_set compare_item_set(struct comparison *c, const struct pa_service_item *item)
{
	struct pa_interval ports = item->ephemeral ? compare_ephemeral(c->host) : compare_port_range(item->ports);
	struct box_builder builder = { 0 };

	if (item->any_protocol)
		return pa_set_full(c->space);
	box_set(&builder, PA_FIELD_L4PROTO, item->protocol, item->protocol);
	if (item->icmp) {
		box_family(&builder, item->protocol == PROTOCOL_ICMP ? 4 : 6);
		box_set(&builder, PA_FIELD_ICMP_TYPE, item->icmp_type.first, item->icmp_type.last);
		box_set(&builder, PA_FIELD_ICMP_CODE, item->icmp_code.first, item->icmp_code.last);
	} else if (!item->any_port) {
		box_set(&builder, PA_FIELD_DPORT, ports.first, ports.last);
	}
	return compare_box(c, &builder);
}

static pa_set ports_set(struct comparison *c, enum pa_field field, const struct pa_ports *ports)
{
	struct pa_interval ephemeral = compare_ephemeral(c->host);
	pa_set set = pa_set_empty(c->space);

	if (ports->any)
		return pa_set_full(c->space);
	for (size_t i = 0; i < ports->count; i++) {
		struct pa_interval range = compare_port_range(ports->items[i]);

		set = pa_set_union(c->space, set, compare_single(c, field, range.first, range.last));
	}
	if (ports->ephemeral)
		set = pa_set_union(c->space, set, compare_single(c, field, ephemeral.first, ephemeral.last));
	return set;
}

static pa_set interfaces_set(struct comparison *c, enum pa_field field, const struct pa_interfaces *interfaces)
{
	struct box_builder builder = { 0 };
	struct pa_ranges ranges;

	if (interfaces->any)
		return pa_set_full(c->space);
	ranges = compare_interfaces(c->arbitrary, c->host, c->scratch, interfaces);
	if (ranges.count == 0)
		return pa_set_empty(c->space);
	builder.box.field[field] = ranges;
	return compare_box(c, &builder);
}

/* --- statements ----------------------------------------------------------------------------------------------- */

/*
 * `from ... on` is where packets come in and `to ... on` where they go out; on the paths that have one interface only, it
 * is that one.
 */
static pa_set endpoint_set(struct comparison *c, const struct pa_statement *statement, bool source, unsigned relax,
			   bool *ret_known)
{
	const struct pa_endpoint *endpoint = source ? &statement->from : &statement->to;
	enum pa_path path = statement->path;
	bool own_side = (path == PA_PATH_IN && !source) || (path == PA_PATH_OUT && source);
	enum pa_field interface =
		path == PA_PATH_IN || (path == PA_PATH_FORWARD && source) ? PA_FIELD_IIFNAME : PA_FIELD_OIFNAME;
	pa_set set = pa_set_full(c->space);

	if (!endpoint->given)
		return set;
	if (!(relax & (source ? RELAX_SOURCE : RELAX_DESTINATION)))
		set = addresses_set(c, source ? PA_FIELD_SADDR : PA_FIELD_DADDR, &endpoint->addresses, own_side, ret_known);
	if (!source || !(relax & RELAX_SOURCE_PORT))
		set = pa_set_intersect(c->space, set, ports_set(c, source ? PA_FIELD_SPORT : PA_FIELD_DPORT, &endpoint->ports));
	if (!(relax & RELAX_INTERFACE))
		set = pa_set_intersect(c->space, set, interfaces_set(c, interface, &endpoint->interfaces));
	return set;
}

/* A `require` that names its interfaces speaks of lo, too. */
static pa_set statement_scope(struct comparison *c, const struct pa_statement *statement)
{
	const struct pa_endpoint *endpoint = statement->path == PA_PATH_OUT ? &statement->to : &statement->from;

	if (statement->kind == PA_STATEMENT_REQUIRE && endpoint->given && !endpoint->interfaces.any)
		return pa_evaluation_universe(c->evaluation, statement->path);
	return c->scope[statement->path];
}

struct region compare_region(struct comparison *c, const struct pa_statement *statement, unsigned relax)
{
	struct region region = { .known = true, .set = pa_set_empty(c->space) };

	for (size_t i = 0; i < statement->item_count; i++)
		region.set = pa_set_union(c->space, region.set, compare_item_set(c, &statement->items[i]));
	region.set = pa_set_intersect(c->space, region.set, endpoint_set(c, statement, true, relax, &region.known));
	region.set = pa_set_intersect(c->space, region.set, endpoint_set(c, statement, false, relax, &region.known));
	if (statement->family != 0 && !(relax & RELAX_FAMILY)) {
		struct box_builder builder = { 0 };

		box_family(&builder, statement->family);
		region.set = pa_set_intersect(c->space, region.set, compare_box(c, &builder));
	}
	region.set = pa_set_intersect(c->space, region.set, statement_scope(c, statement));
	if (!region.known) {
		region.reason = "the addresses of the host (`self`) are not known; give them with `set self` or --self";
		region.set = pa_set_empty(c->space);
	}
	return region;
}

void compare_regions(struct comparison *c)
{
	if (!c->policy || c->policy->statement_count == 0)
		return;
	c->regions = pa_arena_alloc(c->scratch, c->policy->statement_count, sizeof(*c->regions));
	for (size_t i = 0; i < c->policy->statement_count; i++) {
		const struct pa_statement *statement = c->policy->statements[i];

		if (statement->kind == PA_STATEMENT_LISTEN || statement->kind == PA_STATEMENT_WAIVE)
			c->regions[i] = (struct region){ .known = false, .set = pa_set_empty(c->space) };
		else
			c->regions[i] = compare_region(c, statement, RELAX_NOTHING);
	}
}

/* A redirect, or a translation to an address of this host, stays here. */
static bool target_is_self(const struct comparison *c, const struct pa_target *target)
{
	struct interval_list lists[2] = { { 0 }, { 0 } };
	bool inside = false;

	if (target->to_self || !target->has_address)
		return true;
	if (self_lists(c->host, c->policy, lists)) {
		const struct interval_list *list = &lists[target->family == 6];

		for (size_t i = 0; i < list->count && !inside; i++)
			inside = list->items[i].first <= target->address.first && target->address.last <= list->items[i].last;
	}
	free(lists[0].items);
	free(lists[1].items);
	return inside;
}

/* The headers before the translation that end at the declared target; a port that is not translated stays what it is. */
static pa_set declared_target(struct comparison *c, const struct pa_statement *statement, const struct pa_target *target)
{
	struct pa_target declared = { .has_address = true,
				      .family = statement->dnat_family,
				      .address = { statement->dnat_address, statement->dnat_address } };
	pa_u128 port = statement->dnat_port;
	bool same = target->has_address
			    ? target->address.first == declared.address.first && target->address.last == declared.address.last
			    : target_is_self(c, &declared);

	if (!same)
		return pa_set_empty(c->space);
	if (port == 0)
		return pa_set_full(c->space);
	if (!target->has_port)
		return compare_single(c, PA_FIELD_DPORT, port, port);
	return target->port.first == port && target->port.last == port ? pa_set_full(c->space) : pa_set_empty(c->space);
}

/*
 * `dnat to` speaks of exactly that translation. Without it, a statement on path `in` speaks of everything that ends on
 * this host, a redirect to another local port included (`deny` and `require`: of everything with these headers); on path
 * `forward` an `allow` speaks of connections that are not translated, because a target that nobody declared is what
 * FWD-002 looks for.
 */
pa_set compare_target_set(struct comparison *c, const struct pa_statement *statement, const struct pa_exposure *exposure)
{
	bool covered = !exposure->has_target || statement->kind != PA_STATEMENT_ALLOW ||
		       (exposure->path != PA_PATH_FORWARD && target_is_self(c, &exposure->target));

	if (statement->has_dnat)
		return exposure->has_target ? declared_target(c, statement, &exposure->target) : pa_set_empty(c->space);
	return covered ? pa_set_full(c->space) : pa_set_empty(c->space);
}
