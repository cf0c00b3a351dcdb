/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From outcomes to exposures: what gets in, split by where NAT sends it and by what the opaque tests have to say.
 *
 * Fields that nobody asks about in a report (fib types) are forgotten; in fields that hardly ever matter (TCP flags, TTL ...)
 * plain packets decide for all, and other values appear only where they get in and plain ones do not.
 */
#include "evaluation.h"

#include <stdlib.h>
#include <string.h>

static bool is_accepted(void *context, uint32_t terminal)
{
	const struct pa_evaluation *e = context;
	return e->terms->outcomes[terminal].kind == PA_OUTCOME_THROUGH;
}

static pa_node is_through(void *context, uint32_t terminal)
{
	return is_accepted(context, terminal) ? PA_TRUE : PA_FALSE;
}

pa_node pa_accepted(struct pa_evaluation *e, pa_node outcomes)
{
	return pa_node_bind(e->space, outcomes, is_through, e);
}

static const enum pa_field not_shown[] = {
	PA_FIELD_DADDR_TYPE, PA_FIELD_DADDR_IIF_TYPE, PA_FIELD_SADDR_TYPE, PA_FIELD_TCP_FLAGS, PA_FIELD_IP6_NEXTHDR,
#define PLAIN(field, value) PA_FIELD_##field,
#include "portaudit/plain.def"
#undef PLAIN
};

static const bool hidden[PA_FIELD_COUNT] = {
	[PA_FIELD_DADDR_TYPE] = true, [PA_FIELD_DADDR_IIF_TYPE] = true, [PA_FIELD_SADDR_TYPE] = true
};

/* All packets whose plain sister is in the set. */
static pa_node plain_decides(struct pa_evaluation *e, pa_node set)
{
	bool fixed[PA_FIELD_COUNT] = { false };
	uint32_t classes[PA_FIELD_COUNT] = { 0 };
	pa_universe_plain(e, fixed, classes);
	pa_node plain = set;
	if (pa_space_classes(e->space, PA_FIELD_IP6_NEXTHDR)->count > 1) {
		/* plain is not one value: the first next header is the protocol */
		bool header[PA_FIELD_COUNT] = { [PA_FIELD_IP6_NEXTHDR] = true };
		plain = pa_node_and(e->space, plain, pa_node_or(e->space, e->family[0], e->plain_nextheader));
		plain = pa_node_forget(e->space, plain, header);
	}
	return pa_node_fix(e->space, plain, fixed, classes);
}

/* Let plain packets decide for the fields that hardly ever matter. */
static pa_node with_plain(struct pa_evaluation *e, pa_node set)
{
	return pa_node_or(e->space, set, plain_decides(e, set));
}

static const bool ports[PA_FIELD_COUNT] = { [PA_FIELD_SPORT] = true, [PA_FIELD_DPORT] = true };

/* `th dport` reads the same bytes of protocols without ports: no field that a row could show. */
static pa_node without_raw_ports(struct pa_evaluation *e, pa_node set)
{
	if (e->with_ports == PA_TRUE)
		return set;
	pa_node raw = pa_node_forget(e->space, pa_node_minus(e->space, set, e->with_ports), ports);
	return pa_node_or(e->space, pa_node_and(e->space, set, e->with_ports), raw);
}

/* The same for what is certain: whatever those bytes are. */
static pa_node certain_without_raw_ports(struct pa_evaluation *e, pa_node set, pa_node universe)
{
	if (e->with_ports == PA_TRUE)
		return set;
	pa_node raw = pa_node_minus(e->space, set, e->with_ports), all = pa_node_minus(e->space, universe, e->with_ports);
	pa_node missing = pa_node_forget(e->space, pa_node_minus(e->space, all, raw), ports);
	raw = pa_node_minus(e->space, pa_node_forget(e->space, raw, ports), missing);
	return pa_node_or(e->space, pa_node_and(e->space, set, e->with_ports), raw);
}

static pa_node without_hidden(struct pa_evaluation *e, pa_node set)
{
	return pa_node_forget(e->space, pa_node_and(e->space, set, e->usual_types), hidden);
}

pa_node pa_visible(struct pa_evaluation *e, pa_node set)
{
	return without_raw_ports(e, with_plain(e, without_hidden(e, set)));
}

static bool asks_not_shown(struct pa_evaluation *e, pa_node set)
{
	bool used[PA_FIELD_COUNT] = { false };
	if (e->with_ports != PA_TRUE)
		return true;
	pa_node_fields(e->space, set, used);
	for (size_t i = 0; i < sizeof(not_shown) / sizeof(not_shown[0]); i++) {
		if (used[not_shown[i]])
			return true;
	}
	return false;
}

/* What of a set is visible within a universe: when the set asks nothing that is not shown, only the universe has to be cut. */
static pa_node visible_within(struct pa_evaluation *e, pa_node set, pa_node universe)
{
	if (asks_not_shown(e, set))
		return pa_visible(e, pa_node_and(e->space, set, universe));
	return pa_node_and(e->space, set, pa_visible(e, universe));
}

/* Certain is what gets in whatever the hidden fields are: on the way out the destination may be an own address or a foreign one. */
static pa_node visible_certain(struct pa_evaluation *e, pa_node set, pa_node universe)
{
	if (!asks_not_shown(e, set))
		return visible_within(e, set, universe);
	pa_node usual = pa_node_and(e->space, universe, e->usual_types);
	pa_node inside = pa_node_forget(e->space, pa_node_and(e->space, usual, set), hidden);
	pa_node outside = pa_node_forget(e->space, pa_node_minus(e->space, usual, set), hidden);
	pa_node visible = pa_visible(e, universe);
	return certain_without_raw_ports(e, with_plain(e, pa_node_minus(e->space, inside, outside)), visible);
}

/* --- groups by target --- */

struct group {
	struct pa_value address, port;
	bool has_address, has_port;
};

struct grouping {
	struct pa_evaluation *e;
	struct group *groups;
	size_t count, capacity;
	struct pa_table128 group_of; /* environment -> group */
};

static bool same_value(bool has_a, const struct pa_value *a, bool has_b, const struct pa_value *b)
{
	if (has_a != has_b || !has_a)
		return has_a == has_b;
	return a->kind == b->kind && a->first == b->first && a->last == b->last && a->text == b->text;
}

static void group_outcome(void *context, uint32_t terminal)
{
	struct grouping *g = context;
	struct pa_outcome outcome = g->e->terms->outcomes[terminal];
	if (outcome.kind != PA_OUTCOME_THROUGH)
		return;
	const struct pa_value *address = pa_env_find(g->e, outcome.env, PA_FIELD_DADDR);
	const struct pa_value *port = pa_env_find(g->e, outcome.env, PA_FIELD_DPORT);
	struct group group = { .has_address = address != NULL, .has_port = port != NULL };
	if (address)
		group.address = *address;
	if (port)
		group.port = *port;
	uint64_t key[2] = {
		address ? (uint64_t)address->first ^ (uint64_t)address->last * 31 ^ (uint64_t)(uintptr_t)address->text : 1,
		port ? (uint64_t)port->first << 20 ^ (uint64_t)port->last : 1
	};
	uint32_t at = pa_table128_find(&g->group_of, ~key[0], key[1] | (uint64_t)1 << 62);
	if (at == PA_TABLE_NONE ||
	    !same_value(group.has_address, &group.address, g->groups[at].has_address, &g->groups[at].address) ||
	    !same_value(group.has_port, &group.port, g->groups[at].has_port, &g->groups[at].port)) {
		pa_grow(&g->groups, &g->capacity, g->count + 1, sizeof(*g->groups));
		at = (uint32_t)g->count++;
		g->groups[at] = group;
		pa_table128_put(&g->group_of, ~key[0], key[1] | (uint64_t)1 << 62, at);
	}
	pa_table128_put(&g->group_of, outcome.env, (uint64_t)1 << 63, at);
}

struct listing {
	struct pa_evaluation *e;
	struct pa_exposure_list *list;
	size_t capacity;
	enum pa_path path;
	struct grouping *grouping;
	const struct group *group;
	pa_node certain_all; /* gets in for sure, wherever it is sent */
	pa_node universe;
	pa_node residue; /* possible packets of the group, as conditions */
	pa_node shown;	 /* what earlier conditions of the group showed */
	pa_node plain;	 /* that plain packets of the residue decide for */
	pa_node all;	 /* gets in perhaps, wherever it is sent; without the fields that are not shown */
	pa_node foreign; /* of other groups alone: where plain packets do not stand for all of a group they do not hold these */
};

static uint32_t group_of(void *context, uint32_t terminal)
{
	struct listing *l = context;
	struct pa_outcome outcome = l->e->terms->outcomes[terminal];
	if (outcome.kind != PA_OUTCOME_THROUGH)
		return PA_NO_GROUP;
	return pa_table128_find(&l->grouping->group_of, outcome.env, (uint64_t)1 << 63);
}

/* --- conditions in words --- */

struct polarity {
	struct pa_space *space;
	unsigned variable;
	int found; /* as pa_condition_polarity() says it */
};

static void add_polarity(void *context, pa_node condition)
{
	struct polarity *polarity = context;
	int here = pa_condition_polarity(polarity->space, condition, polarity->variable);
	if (here)
		polarity->found = !polarity->found || polarity->found == here ? here : 2;
}

/* The condition may be a set: then what holds for its packets together. */
const char *pa_condition_text(struct pa_evaluation *e, pa_node condition)
{
	struct pa_buffer text = { 0 };
	bool *used = pa_xcalloc(e->terms->variable_count + 1, sizeof(*used));
	pa_node_variables(e->space, condition, used, e->terms->variable_count);
	for (size_t i = 0; i < e->terms->variable_count; i++) {
		if (!used[i])
			continue;
		struct polarity polarity = { .space = e->space, .variable = (unsigned)i };
		pa_node_conditions(e->space, condition, add_polarity, &polarity);
		const char *word = polarity.found == 1 ? "only while" : polarity.found < 0 ? "unless" : "depending on whether";
		pa_buffer_printf(&text, "%s%s `%s`%s", text.length ? ", " : "", word, e->terms->variables[i].text,
				 strchr(e->terms->variables[i].text, ' ') && strstr(e->terms->variables[i].text, " is ")
					 ? ""
					 : " holds");
		const struct pa_rule *rule = e->terms->variables[i].rule;
		if (rule && rule->where.file && rule->where.line)
			pa_buffer_printf(&text, " (%s:%u)", rule->where.file, rule->where.line);
		else if (rule && rule->handle)
			pa_buffer_printf(&text, " (%s %s %s handle %llu)", pa_family_name(rule->chain->table->family),
					 rule->chain->table->name, rule->chain->name, (unsigned long long)rule->handle);
	}
	free(used);
	const char *interned = pa_intern(e, text.data ? text.data : "an opaque test");
	pa_buffer_done(&text);
	return interned;
}

/* --- the list --- */

static struct pa_target target_of(const struct group *group)
{
	struct pa_target target = { .has_address = group->has_address && group->address.kind != PA_VALUE_UNKNOWN };
	if (group->has_address && group->address.kind == PA_VALUE_SELF) {
		target.to_self = true;
		target.has_address = false;
	}
	target.address = (struct pa_interval){ group->address.first, group->address.last };
	target.family = pa_value_is_ipv4(group->address.first) ? 4 : 6;
	target.has_port = group->has_port && (group->port.kind == PA_VALUE_CONST || group->port.kind == PA_VALUE_RANGE);
	target.port = (struct pa_interval){ group->port.first, group->port.last };
	return target;
}

static void add_exposure(struct listing *l, enum pa_certainty certainty, const char *condition, pa_node set)
{
	if (set == PA_FALSE)
		return;
	pa_grow(&l->list->items, &l->capacity, l->list->count + 1, sizeof(*l->list->items));
	struct pa_exposure *exposure = &l->list->items[l->list->count++];
	*exposure = (struct pa_exposure){ .path = l->path, .certainty = certainty, .condition = condition, .set = { set } };
	exposure->has_target = l->group->has_address || l->group->has_port;
	if (exposure->has_target)
		exposure->target = target_of(l->group);
}

static void add_condition(void *context, pa_node condition)
{
	struct listing *l = context;
	struct pa_space *space = l->e->space;
	pa_node own = pa_node_where(space, l->residue, condition), visible = pa_visible(l->e, own);
	/* what plain packets decide is shown with them, or a row could be left over that holds none of them */
	pa_node plain = without_raw_ports(l->e, plain_decides(l->e, without_hidden(l->e, own)));
	pa_node set = pa_node_or(space, plain, pa_node_minus(space, visible, l->plain));
	set = pa_node_minus(space, set, pa_node_or(space, l->shown, l->foreign));
	l->shown = pa_node_or(space, l->shown, set);
	add_exposure(l, PA_POSSIBLE, pa_condition_text(l->e, condition), set);
}

static const char *rest_condition(const struct pa_evaluation *e)
{
	if (e->with_ports != PA_TRUE)
		return "depending on what kind of address it is for this host (fib type), or on bytes that are no port of its protocol";
	return "depending on what kind of address it is for this host (fib type)";
}

/* A set as it is, without the fields that are not shown. */
static pa_node only_shown(struct pa_evaluation *e, pa_node set)
{
	return without_raw_ports(e, without_hidden(e, set));
}

/* Packets of which another is in the set and the plain one is not. */
static pa_node torn(struct pa_evaluation *e, pa_node set)
{
	bool fields[PA_FIELD_COUNT] = { false };
	uint32_t classes[PA_FIELD_COUNT] = { 0 };
	pa_node alone = pa_node_minus(e->space, set, without_raw_ports(e, plain_decides(e, set)));
	pa_universe_plain(e, fields, classes);
	fields[PA_FIELD_IP6_NEXTHDR] = true;
	return pa_node_forget(e->space, alone, fields);
}

static void add_group(struct listing *l, pa_node accepted)
{
	struct pa_space *space = l->e->space;
	accepted = pa_node_and(space, accepted, l->universe);
	pa_node some = pa_node_some_variable(space, accepted);
	/* plain packets of the group decide for others only where they are certain themselves */
	pa_node sure = l->list->certain.node;
	pa_node certain = without_hidden(l->e, pa_node_and(space, some, l->certain_all));
	certain = pa_node_and(space, without_raw_ports(l->e, with_plain(l->e, pa_node_and(space, certain, sure))), sure);
	add_exposure(l, PA_CERTAIN, NULL, certain);
	l->residue = pa_node_minus(space, accepted, l->certain_all);
	l->shown = certain;
	pa_node undecided = without_hidden(l->e, pa_node_some_variable(space, l->residue));
	l->plain = without_raw_ports(l->e, plain_decides(l->e, undecided));
	l->foreign = pa_node_and(space, torn(l->e, certain), pa_node_minus(space, l->all, only_shown(l->e, some)));
	pa_node_conditions(space, l->residue, add_condition, l);
	pa_node rest = pa_node_minus(space, pa_visible(l->e, some), pa_node_or(space, l->shown, l->foreign));
	add_exposure(l, PA_POSSIBLE, rest_condition(l->e), rest);
}

static void list_group(void *context, uint32_t number, pa_node accepted)
{
	struct listing *l = context;
	l->group = &l->grouping->groups[number];
	add_group(l, accepted);
}

static bool asks_hidden(struct pa_evaluation *e, pa_node set)
{
	bool used[PA_FIELD_COUNT] = { false };
	pa_node_fields(e->space, set, used);
	return e->with_ports != PA_TRUE || used[PA_FIELD_DADDR_TYPE] || used[PA_FIELD_DADDR_IIF_TYPE] ||
	       used[PA_FIELD_SADDR_TYPE];
}

static bool asks_variables(struct pa_evaluation *e, pa_node node)
{
	bool *used = pa_xcalloc(e->terms->variable_count + 1, sizeof(*used)), any = false;
	if (e->terms->variable_count)
		pa_node_variables(e->space, node, used, e->terms->variable_count);
	for (size_t i = 0; i < e->terms->variable_count; i++)
		any = any || used[i];
	free(used);
	return any;
}

/* What gets in for sure and perhaps, wherever it is sent. */
static struct pa_exposure_list *reachable(struct pa_evaluation *e, enum pa_path path)
{
	struct pa_exposure_list *list = &e->exposures[path];
	if (list->known)
		return list;
	const struct pa_answer *answer = pa_answer(e, path, PA_SCENARIO_NEW);
	list->known = true;
	if (!asks_variables(e, answer->node) && !asks_not_shown(e, answer->node)) {
		/* the usual answer: nothing is unknown, and what decides is shown: one pass is enough */
		pa_node shown = pa_visible(e, answer->universe);
		list->certain = (pa_set){ pa_node_select(e->space, answer->node, shown, is_accepted, e) };
		list->possible = list->certain;
		list->sure = true;
		return list;
	}
	pa_node accepted = pa_accepted(e, answer->node), certain = pa_node_every_variable(e->space, accepted);
	list->certain = (pa_set){ visible_certain(e, certain, answer->universe) };
	list->possible = list->certain;
	list->sure = certain == accepted && !asks_hidden(e, accepted);
	if (!list->sure)
		list->possible = (pa_set){ visible_within(e, pa_node_some_variable(e->space, accepted), answer->universe) };
	return list;
}

/* The same, split by where NAT sends it and by conditions. */
static const struct pa_exposure_list *exposures(struct pa_evaluation *e, enum pa_path path)
{
	struct pa_exposure_list *list = reachable(e, path);
	if (list->listed)
		return list;
	const struct pa_answer *answer = pa_answer(e, path, PA_SCENARIO_NEW);
	struct grouping grouping = { .e = e };
	pa_node_terminals(e->space, answer->node, group_outcome, &grouping);
	struct listing listing = { .e = e, .list = list, .path = path, .universe = answer->universe, .grouping = &grouping };
	if (grouping.count == 1 && list->sure) {
		listing.group = &grouping.groups[0];
		add_exposure(&listing, PA_CERTAIN, NULL, list->certain.node);
	} else if (grouping.count) {
		pa_node accepted = pa_accepted(e, answer->node), certain = pa_node_every_variable(e->space, accepted);
		listing.certain_all = pa_node_and(e->space, certain, answer->universe);
		listing.all = pa_node_and(e->space, pa_node_some_variable(e->space, accepted), answer->universe);
		listing.all = only_shown(e, listing.all);
		pa_node_groups(e->space, answer->node, group_of, list_group, &listing);
	}
	free(grouping.groups);
	pa_table128_done(&grouping.group_of);
	list->listed = true;
	return list;
}

size_t pa_evaluation_exposures(struct pa_evaluation *e, enum pa_path path, const struct pa_exposure **ret_exposures)
{
	const struct pa_exposure_list *list = exposures(e, path);
	*ret_exposures = list->items;
	return list->count;
}

pa_set pa_evaluation_reachable(struct pa_evaluation *e, enum pa_path path, enum pa_certainty certainty)
{
	const struct pa_exposure_list *list = reachable(e, path);
	return certainty == PA_CERTAIN ? list->certain : list->possible;
}

/* --- other scenarios --- */

static pa_node quantified(struct pa_evaluation *e, pa_node accepted, pa_node universe, enum pa_certainty certainty)
{
	if (certainty == PA_CERTAIN)
		return visible_certain(e, pa_node_every_variable(e->space, accepted), universe);
	return visible_within(e, pa_node_some_variable(e->space, accepted), universe);
}

pa_set pa_evaluation_scenario(struct pa_evaluation *e, enum pa_path path, enum pa_scenario scenario,
			      enum pa_certainty certainty)
{
	pa_answer(e, path, scenario);
	struct pa_answer *answer = &e->answers[scenario][path];
	if (!answer->scenario_known[certainty])
		answer->scenario_set[certainty] = quantified(e, pa_accepted(e, answer->node), answer->universe, certainty);
	answer->scenario_known[certainty] = true;
	return (pa_set){ answer->scenario_set[certainty] };
}

pa_set pa_evaluation_scenario_universe(struct pa_evaluation *e, enum pa_path path, enum pa_scenario scenario)
{
	pa_answer(e, path, scenario);
	struct pa_answer *answer = &e->answers[scenario][path];
	if (!answer->visible_known)
		answer->visible_universe = pa_visible(e, answer->universe);
	answer->visible_known = true;
	return (pa_set){ answer->visible_universe };
}

pa_set pa_evaluation_universe(struct pa_evaluation *e, enum pa_path path)
{
	return pa_evaluation_scenario_universe(e, path, PA_SCENARIO_NEW);
}

pa_set pa_evaluation_untranslated(struct pa_evaluation *e, enum pa_certainty certainty)
{
	pa_node opened = pa_node_or(e->space, pa_universe_new(e), pa_universe_untracked(e));
	pa_node universe = pa_node_and(e->space, pa_universe_path(e, PA_PATH_IN), opened);
	return (pa_set){ quantified(e, pa_accepted(e, pa_untranslated(e)), universe, certainty) };
}

static pa_node is_untracked(void *context, uint32_t terminal)
{
	struct pa_evaluation *e = context;
	struct pa_outcome outcome = e->terms->outcomes[terminal];
	if (outcome.kind != PA_OUTCOME_THROUGH)
		return PA_FALSE;
	const struct pa_value *state = pa_env_find(e, outcome.env, PA_FIELD_CT_STATE);
	return state && state->first == PA_CT_UNTRACKED ? PA_TRUE : PA_FALSE;
}

pa_set pa_evaluation_untracked(struct pa_evaluation *e, enum pa_path path, enum pa_certainty certainty)
{
	const struct pa_answer *answer = pa_answer(e, path, PA_SCENARIO_NEW);
	/* what conntrack made of a packet in the first hook stays so */
	pa_node untracked = pa_node_bind(e->space, answer->tracked, is_untracked, e);
	pa_node all = pa_node_and(e->space, pa_accepted(e, answer->node), untracked);
	/* neighbour discovery is so by itself */
	pa_node universe = pa_node_minus(e->space, answer->universe, pa_universe_untracked(e));
	return (pa_set){ quantified(e, all, universe, certainty) };
}
