/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an interface is, as a set of packets: a test that asks for it is built once for each kind of interface that the host has, as if
 * the packet's were of it, and once for those that the host does not have, where it stays a question.
 */
#include "evaluation.h"

#include <stdlib.h>
#include <string.h>

/* The properties of one interface that the key asks for, one bit each; `rule`: as far as it is that interface which the kernel asks. */
static unsigned asked(const struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_key *key,
		      enum pa_field interface)
{
	unsigned properties = 0;
	for (unsigned i = 0; !e->symbolic && i < key->count; i++) {
		const struct pa_link_test *test = key->parts[i].opaque ? key->parts[i].link : NULL;
		if (test && test->interface == interface && pa_plan_knows_link(&e->plan, rule, test))
			properties |= 1u << test->property;
	}
	return properties;
}

void pa_link_gather(struct pa_evaluation *e, const struct pa_link_test *test, struct pa_cuts *cuts)
{
	if (e->symbolic)
		return;
	if (!e->links)
		e->link_count = pa_link_facts(e->host, e->arena, &e->links);
	for (size_t i = 0; i < e->link_count; i++)
		pa_cuts_add_interval(cuts, test->interface, (struct pa_interval){ e->links[i].name, e->links[i].name });
}

enum pa_link_finding pa_link_find(const struct pa_link_case *links, const struct pa_link_test *test, pa_u128 *ret_value)
{
	bool in = test->interface == PA_FIELD_IIFNAME;
	const struct pa_link_fact *fact = in ? links->in : links->out;
	if (!fact || (in && test->property == PA_LINK_TYPE && !links->wants_type))
		return PA_LINK_UNKNOWN;
	*ret_value = (fact->value[test->property] & test->mask) ^ test->xor_value;
	return fact->found[test->property];
}

static const struct pa_link_fact *fact_in(const struct pa_evaluation *e, uint32_t env, enum pa_field interface)
{
	const struct pa_value *value = pa_env_find(e, env, interface);
	return value && value->kind == PA_VALUE_CONST ? pa_link_fact_of(e->links, e->link_count, value->first) : NULL;
}

struct pa_link_case pa_link_case_of(const struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_key *key,
				    uint32_t env)
{
	struct pa_link_case links = { NULL, NULL, false };
	unsigned in = asked(e, rule, key, PA_FIELD_IIFNAME);
	links.wants_type = in >> PA_LINK_TYPE & 1;
	links.in = in ? fact_in(e, env, PA_FIELD_IIFNAME) : NULL;
	links.out = asked(e, rule, key, PA_FIELD_OIFNAME) ? fact_in(e, env, PA_FIELD_OIFNAME) : NULL;
	return links;
}

struct casing {
	struct pa_evaluation *e;
	unsigned in, out; /* properties that are asked for */
	uint32_t env;
	pa_node (*build)(void *context, const struct pa_link_case *links);
	void *context;
};

/* Do two interfaces give the same answers? */
static bool is_alike(const struct pa_link_fact *one, const struct pa_link_fact *other, unsigned properties)
{
	for (enum pa_link_property p = PA_LINK_TYPE; p < PA_LINK_PROPERTIES; p++)
		if (properties >> p & 1 && (one->found[p] != other->found[p] || one->value[p] != other->value[p]))
			return false;
	return true;
}

static pa_node names_alike(struct pa_evaluation *e, enum pa_field interface, size_t first, unsigned properties, bool *done)
{
	struct pa_arena *arena = pa_arena_new();
	struct pa_interval *names = pa_arena_alloc(arena, e->link_count, sizeof(*names));
	size_t count = 0;
	for (size_t i = first; i < e->link_count; i++) {
		if (done[i] || !is_alike(&e->links[first], &e->links[i], properties))
			continue;
		done[i] = true;
		names[count++] = (struct pa_interval){ e->links[i].name, e->links[i].name };
	}
	struct pa_class_set set = pa_space_class_set(e->space, interface, names, count, 1, arena);
	pa_node node = pa_node_field(e->space, interface, set, PA_TRUE, PA_FALSE);
	pa_arena_free(arena);
	return node;
}

static pa_node split(struct casing *casing, enum pa_field interface, struct pa_link_case links);

static pa_node go_on(struct casing *casing, enum pa_field interface, struct pa_link_case links, const struct pa_link_fact *fact)
{
	if (interface == PA_FIELD_OIFNAME) {
		links.out = fact;
		return casing->build(casing->context, &links);
	}
	links.in = fact;
	return split(casing, PA_FIELD_OIFNAME, links);
}

/* A packet has the interfaces that its path gives it: where there is none, the environment says so. */
static pa_node split(struct casing *casing, enum pa_field interface, struct pa_link_case links)
{
	struct pa_evaluation *e = casing->e;
	unsigned properties = interface == PA_FIELD_IIFNAME ? casing->in : casing->out;
	if (!properties || pa_env_find(e, casing->env, interface))
		return go_on(casing, interface, links, properties ? fact_in(e, casing->env, interface) : NULL);
	pa_node node = go_on(casing, interface, links, NULL);
	bool *done = pa_xcalloc(e->link_count + 1, sizeof(*done));
	for (size_t i = 0; i < e->link_count; i++) {
		if (done[i])
			continue;
		pa_node names = names_alike(e, interface, i, properties, done);
		node = pa_node_choose(e->space, names, go_on(casing, interface, links, &e->links[i]), node);
	}
	free(done);
	return node;
}

pa_node pa_link_cases(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_key *key, uint32_t env,
		      pa_node (*build)(void *context, const struct pa_link_case *links), void *context)
{
	struct casing casing = {
		e, asked(e, rule, key, PA_FIELD_IIFNAME), asked(e, rule, key, PA_FIELD_OIFNAME), env, build, context
	};
	struct pa_link_case links = { NULL, NULL, casing.in >> PA_LINK_TYPE & 1 };
	return casing.in || casing.out ? split(&casing, PA_FIELD_IIFNAME, links) : build(context, &links);
}
