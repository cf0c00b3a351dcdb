/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Boxes and the sets that the checks share: loopback, plain packets, arbitrary packets, contexts. */
#include "compare.h"

void box_set(struct box_builder *builder, enum pa_field field, pa_u128 first, pa_u128 last)
{
	builder->own[field] = (struct pa_interval){ first, last };
	builder->box.field[field].items = NULL; /* compare_box() points it at `own`, so that builders can be copied */
	builder->box.field[field].count = 1;
}

void box_family(struct box_builder *builder, int family)
{
	unsigned value = family == 4 ? PA_NFPROTO_IPV4 : PA_NFPROTO_IPV6;

	box_set(builder, PA_FIELD_NFPROTO, value, value);
}

pa_set compare_box(struct comparison *c, const struct box_builder *builder)
{
	struct pa_box box = builder->box;

	for (int i = 0; i < PA_FIELD_COUNT; i++)
		if (box.field[i].count == 1 && !box.field[i].items)
			box.field[i].items = &builder->own[i];
	return pa_set_box(c->space, &box);
}

pa_set compare_single(struct comparison *c, enum pa_field field, pa_u128 first, pa_u128 last)
{
	struct box_builder builder = { 0 };

	box_set(&builder, field, first, last);
	return compare_box(c, &builder);
}

pa_u128 compare_loopback_name(void)
{
	return pa_ifname_value("lo");
}

pa_set compare_loopback(struct comparison *c, enum pa_path path)
{
	pa_u128 name = compare_loopback_name();

	return compare_single(c, path == PA_PATH_OUT ? PA_FIELD_OIFNAME : PA_FIELD_IIFNAME, name, name);
}

/*
 * PKTTYPE 0 is PACKET_HOST; DF set and no fragment; a dscp and a ttl as a sender's kernel sets them; no options and
 * extension headers.
 */
static const struct ordinary_value ordinary_values[] = {
	{ PA_FIELD_PKTTYPE, 0, 0 },
	{ PA_FIELD_TCP_FLAGS, PROTOCOL_TCP, PA_TCP_SYN },
	{ PA_FIELD_DSCP, 0, 0 },
	{ PA_FIELD_ECN, 0, 0 },
	{ PA_FIELD_TTL, 0, 64 },
	{ PA_FIELD_IP_FRAG_OFF, 0, 0x4000 },
	{ PA_FIELD_IP_OPTIONS, 0, 0 },
	{ PA_FIELD_EXTHDRS, 0, 0 },
	{ PA_FIELD_FRAG, 0, 0 },
	{ PA_FIELD_TCP_OPTIONS, 0, 0 },
	{ PA_FIELD_WINDOW, PROTOCOL_TCP, 64240 },
	{ PA_FIELD_URGPTR, PROTOCOL_TCP, 0 },
	{ PA_FIELD_TCP_MSS, PROTOCOL_TCP, 1460 },
};

size_t compare_ordinary_values(const struct ordinary_value **ret_values)
{
	*ret_values = ordinary_values;
	return sizeof(ordinary_values) / sizeof(*ordinary_values);
}

void box_ordinary(const struct comparison *c, struct box_builder *builder, unsigned protocol)
{
	for (size_t i = 0; i < sizeof(ordinary_values) / sizeof(*ordinary_values); i++) {
		const struct ordinary_value *value = &ordinary_values[i];

		if (!c->arbitrary->used[value->field] || (value->protocol != 0 && value->protocol != protocol))
			continue;
		box_set(builder, value->field, value->value, value->value);
	}
}

pa_set compare_ordinary(struct comparison *c, unsigned protocol)
{
	struct box_builder builder = { 0 };

	box_ordinary(c, &builder, protocol);
	return compare_box(c, &builder);
}

pa_set compare_arbitrary_packets(struct comparison *c, enum pa_path path, int family, unsigned protocol, size_t source,
				 size_t port)
{
	const struct arbitrary *a = c->arbitrary;
	const struct arbitrary_values *sources = &a->source[family == 6], *destinations = &a->destination[family == 6];
	struct box_builder builder = { 0 };

	if (source >= sources->count || port >= a->port.count)
		return pa_set_empty(c->space);
	box_ordinary(c, &builder, protocol);
	builder.box.field[PA_FIELD_TCP_FLAGS].count = 0;
	box_family(&builder, family);
	box_set(&builder, PA_FIELD_L4PROTO, protocol, protocol);
	box_set(&builder, PA_FIELD_SADDR, sources->value[source], sources->value[source]);
	box_set(&builder, PA_FIELD_DPORT, a->port.value[port], a->port.value[port]);
	if (a->source_port.count > 0)
		box_set(&builder, PA_FIELD_SPORT, a->source_port.value[0], a->source_port.value[0]);
	if (path == PA_PATH_FORWARD && destinations->count > 0)
		box_set(&builder, PA_FIELD_DADDR, destinations->value[0], destinations->value[0]);
	return compare_box(c, &builder);
}

pa_set compare_contexts(struct comparison *c, pa_set set, bool services)
{
	for (int i = 0; i < PA_FIELD_COUNT; i++) {
		enum pa_field field = (enum pa_field)i;
		bool kept = field == PA_FIELD_NFPROTO || field == PA_FIELD_IIFNAME || field == PA_FIELD_OIFNAME ||
			    (services && (field == PA_FIELD_L4PROTO || field == PA_FIELD_DPORT));

		if (!kept)
			set = pa_set_project(c->space, set, field);
	}
	return set;
}

pa_set compare_services_for_anyone(struct comparison *c, pa_set reach)
{
	pa_set set = pa_set_empty(c->space);

	for (int family = 0; family < 2; family++) {
		for (size_t i = 0; i < c->arbitrary->source[family].count; i++) {
			struct box_builder builder = { 0 };
			pa_u128 source = c->arbitrary->source[family].value[i];

			box_family(&builder, family ? 6 : 4);
			box_set(&builder, PA_FIELD_SADDR, source, source);
			set = pa_set_union(c->space, set, pa_set_intersect(c->space, reach, compare_box(c, &builder)));
		}
	}
	return compare_contexts(c, set, true);
}

pa_set compare_open_contexts(struct comparison *c, enum pa_path path, int family, unsigned protocol, pa_set accepted)
{
	const struct arbitrary *a = c->arbitrary;
	pa_set open = pa_set_full(c->space);

	accepted = pa_set_intersect(c->space, accepted, c->scope[path]);
	if (a->source[family == 6].count == 0 || a->port.count == 0)
		return pa_set_empty(c->space);
	for (size_t i = 0; i < a->source[family == 6].count; i++) {
		for (size_t j = 0; j < a->port.count; j++) {
			pa_set packets = compare_arbitrary_packets(c, path, family, protocol, i, j);

			packets = pa_set_intersect(c->space, packets, accepted);
			open = pa_set_intersect(c->space, open, compare_contexts(c, packets, false));
		}
	}
	return open;
}

pa_set compare_new_packets(struct comparison *c, enum pa_path path, enum pa_certainty certainty)
{
	pa_set reach = pa_set_intersect(c->space, pa_evaluation_reachable(c->evaluation, path, certainty), c->scope[path]);
	pa_set tcp = compare_single(c, PA_FIELD_L4PROTO, PROTOCOL_TCP, PROTOCOL_TCP);
	pa_set plain = pa_set_intersect(c->space, tcp, compare_ordinary(c, PROTOCOL_TCP));

	return pa_set_intersect(c->space, reach,
				pa_set_union(c->space, plain, pa_set_minus(c->space, pa_set_full(c->space), tcp)));
}
