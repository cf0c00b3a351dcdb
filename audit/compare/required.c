/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * REQ-001: some packet of a `require` does not get in.
 *
 * A packet of a `require` is one that a real client sends: an opening SYN, no fragment, and, where the policy says
 * "from any", a source that exists on the Internet (not 127.0.0.1, multicast or one of this host's own addresses). It comes
 * from an interface that the host has, when its interfaces are known. Where the host's addresses are not known and the
 * `require` names no destination, one destination that gets in is enough: the rules may name the host's own address.
 * A `require` that says `rate-limited` may be refused above the rate.
 */
#include "compare.h"

#define V4(a, b, c, d) (PA_IPV4_BASE | ((uint32_t)(a) << 24) | ((uint32_t)(b) << 16) | ((uint32_t)(c) << 8) | (uint32_t)(d))

/* RFC 6890, RFC 1112, RFC 4291: never the source of a connection. */
static const struct family_interval martians[] = {
	{ 4, V4(0, 0, 0, 0), V4(0, 255, 255, 255) },
	{ 4, LOOPBACK4_FIRST, LOOPBACK4_LAST },
	{ 4, V4(224, 0, 0, 0), V4(255, 255, 255, 255) },
	{ 6, 0, 0 },
	{ 6, LOOPBACK6, LOOPBACK6 },
	{ 6, (pa_u128)0xff00 << 112, PA_U128_MAX },
};

size_t compare_martians(const struct family_interval **ret_intervals)
{
	*ret_intervals = martians;
	return sizeof(martians) / sizeof(*martians);
}

static pa_set martian_set(struct comparison *c, enum pa_field field)
{
	pa_set set = pa_set_empty(c->space);

	for (size_t i = 0; i < sizeof(martians) / sizeof(*martians); i++) {
		struct box_builder builder = { 0 };

		box_family(&builder, martians[i].family);
		box_set(&builder, field, martians[i].first, martians[i].last);
		set = pa_set_union(c->space, set, compare_box(c, &builder));
	}
	return set;
}

static pa_set own_sources(struct comparison *c)
{
	pa_set set = pa_set_empty(c->space);

	for (size_t i = 0; c->host->addresses_known && i < c->host->address_count; i++) {
		pa_u128 address = c->host->addresses[i].address;

		set = pa_set_union(c->space, set, compare_single(c, PA_FIELD_SADDR, address, address));
	}
	return set;
}

static pa_set existing_interfaces(struct comparison *c)
{
	pa_set set = pa_set_empty(c->space);

	if (!c->host->interfaces_known)
		return pa_set_full(c->space);
	for (size_t i = 0; i < c->host->interface_count; i++) {
		pa_u128 name = pa_ifname_value(c->host->interfaces[i]);

		set = pa_set_union(c->space, set, compare_single(c, PA_FIELD_IIFNAME, name, name));
	}
	return set;
}

/* Plain packets of every protocol: the values differ by protocol (SYN is TCP's). */
static pa_set ordinary_of_all(struct comparison *c)
{
	pa_set tcp = compare_single(c, PA_FIELD_L4PROTO, PROTOCOL_TCP, PROTOCOL_TCP);
	pa_set others = pa_set_minus(c->space, pa_set_full(c->space), tcp);

	return pa_set_union(c->space, pa_set_intersect(c->space, tcp, compare_ordinary(c, PROTOCOL_TCP)),
			    pa_set_intersect(c->space, others, compare_ordinary(c, 0)));
}

static pa_set needed_packets(struct comparison *c, const struct pa_statement *statement, pa_set region)
{
	pa_set need = pa_set_intersect(c->space, region, ordinary_of_all(c));
	bool any_source = !statement->from.given || statement->from.addresses.any;

	if (statement->path != PA_PATH_OUT && any_source) {
		need = pa_set_minus(c->space, need, martian_set(c, PA_FIELD_SADDR));
		need = pa_set_minus(c->space, need, own_sources(c));
	}
	if (!statement->to.given || statement->to.addresses.any)
		need = pa_set_minus(c->space, need, martian_set(c, PA_FIELD_DADDR));
	if (statement->path != PA_PATH_OUT && (!statement->from.given || statement->from.interfaces.any))
		need = pa_set_intersect(c->space, need, existing_interfaces(c));
	return need;
}

static pa_set admitted(struct comparison *c, const struct pa_statement *statement, enum pa_certainty certainty)
{
	const struct pa_exposure *exposures;
	size_t count = pa_evaluation_exposures(c->evaluation, statement->path, &exposures);
	pa_set set = pa_set_empty(c->space);

	for (size_t i = 0; i < count; i++) {
		pa_set headers;

		if (certainty == PA_CERTAIN && exposures[i].certainty != PA_CERTAIN)
			continue;
		headers = compare_target_set(c, statement, &exposures[i]);
		set = pa_set_union(c->space, set, pa_set_intersect(c->space, headers, exposures[i].set));
	}
	if (statement->path == PA_PATH_IN && !c->host->addresses_known && !statement->to.given)
		set = pa_set_project(c->space, set, PA_FIELD_DADDR);
	return set;
}

static const char *condition_inside(struct comparison *c, enum pa_path path, pa_set set)
{
	const struct pa_exposure *exposures;
	size_t count = pa_evaluation_exposures(c->evaluation, path, &exposures);

	for (size_t i = 0; i < count; i++)
		if (exposures[i].certainty == PA_POSSIBLE && exposures[i].condition &&
		    !pa_set_is_empty(c->space, pa_set_intersect(c->space, exposures[i].set, set)))
			return exposures[i].condition;
	return NULL;
}

static void report_missing(struct comparison *c, const struct pa_statement *statement, pa_set missing,
			   enum pa_certainty certainty)
{
	struct pa_finding *finding = compare_add(c, PA_CHECK_REQ_001, statement->text);
	struct pa_buffer text = { 0 };

	compare_statement_severity(c, finding, statement);
	finding->certainty = certainty;
	compare_set_region(c, finding, statement->path, missing);
	compare_add_example(c, finding, statement->path, missing, PA_SCENARIO_NEW);
	describe_place(&statement->where, &text);
	pa_buffer_printf(&text, " requires `%s`, but some of it %s", statement->text,
			 certainty == PA_CERTAIN ? "does not get through" : "may not get through");
	if (certainty == PA_POSSIBLE) {
		finding->condition = condition_inside(c, statement->path, missing);
		if (finding->condition)
			pa_buffer_printf(&text, " (it does %s)", finding->condition);
	}
	finding->message = compare_text(c, &text);
	pa_buffer_puts(&text, "accept it");
	if (finding->rule_count > 0) {
		pa_buffer_puts(&text, " before ");
		describe_rules(finding->rules, finding->rule_count, &text);
		pa_buffer_puts(&text, ", which decides the example");
	} else if (finding->has_packet) {
		pa_buffer_puts(&text, " with a rule: the policy of a base chain refuses the example");
	}
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
}

/* No packet of it can arrive on its path at all. */
static void report_impossible(struct comparison *c, const struct pa_statement *statement)
{
	struct pa_finding *finding = compare_add(c, PA_CHECK_REQ_001, statement->text);
	struct pa_buffer text = { 0 };

	compare_statement_severity(c, finding, statement);
	describe_place(&statement->where, &text);
	pa_buffer_printf(&text, " requires `%s`, but no such packet can arrive on path %s", statement->text,
			 pa_path_name(statement->path));
	finding->message = compare_text(c, &text);
	finding->fix = "check the addresses, the interfaces and the path of the `require`";
	pa_buffer_done(&text);
}

static void check_statement(struct comparison *c, const struct pa_statement *statement, pa_set region)
{
	pa_set need = needed_packets(c, statement, region);
	pa_set without_certain = pa_set_minus(c->space, need, admitted(c, statement, PA_CERTAIN));
	pa_set without_possible = pa_set_minus(c->space, need, admitted(c, statement, PA_POSSIBLE));

	if (pa_set_is_empty(c->space, need))
		report_impossible(c, statement);
	else if (!pa_set_is_empty(c->space, without_possible))
		report_missing(c, statement, without_possible, PA_CERTAIN);
	else if (!pa_set_is_empty(c->space, without_certain) && !statement->fields.rate_limited)
		report_missing(c, statement, without_certain, PA_POSSIBLE);
}

void check_required(struct comparison *c)
{
	for (size_t i = 0; i < c->policy->statement_count; i++) {
		const struct pa_statement *statement = c->policy->statements[i];

		if (statement->kind == PA_STATEMENT_REQUIRE && c->regions[i].known)
			check_statement(c, statement, c->regions[i].set);
	}
}
