/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests under an environment: of one field, of concatenations, and lookups in maps. */
#include "evaluation.h"
#include "moment.h"

#include <stdlib.h>
#include <string.h>

/* Does the union of elements' intervals (part `at`) hold all of first..last (1), none of it (0), or some (-1)? */
static int elements_hold(const struct pa_elements *elements, unsigned at, pa_u128 first, pa_u128 last)
{
	if (elements->sorted && elements->parts == 1) {
		size_t low = 0, high = elements->count;
		while (low < high) {
			size_t middle = low + (high - low) / 2;
			if (elements->keys[middle].last < first)
				low = middle + 1;
			else
				high = middle;
		}
		if (low == elements->count || elements->keys[low].first > last)
			return 0;
		return elements->keys[low].first <= first && elements->keys[low].last >= last ? 1 : -1;
	}
	int result = 0;
	for (size_t i = 0; i < elements->count; i++) {
		const struct pa_interval *key = &elements->keys[i * elements->parts + at];
		if (key->first <= first && key->last >= last)
			return 1;
		if (key->first <= last && key->last >= first)
			result = -1;
	}
	return result;
}

static int interval_holds(struct pa_interval key, pa_u128 first, pa_u128 last)
{
	if (key.first <= first && key.last >= last)
		return 1;
	return key.first <= last && key.last >= first ? -1 : 0;
}

/* What a key part is in this environment. */
struct part_view {
	enum { VIEW_FIELD, VIEW_RANGE, VIEW_UNKNOWN, VIEW_BREAK } kind;
	pa_u128 first, last; /* RANGE: after mask and xor; of an opaque expression: what it can give at all */
	const char *text;    /* UNKNOWN */
	const char *reason;
	bool understood;  /* what is asked is known, only the answer is not (NAT, facts of the host) */
	bool is_opaque;	  /* UNKNOWN: an expression that is no field; it gives a value of first..last */
	bool is_shared;	  /* ... with a reason: its text says all of what is asked */
	bool is_volatile; /* UNKNOWN: it may have changed since it was asked last */
};

static struct part_view view_value(const struct pa_value *value, const struct pa_key_part *part)
{
	bool plain = part->mask == pa_field_max(part->field) && !part->xor_value;
	switch (value->kind) {
	case PA_VALUE_CONST: {
		pa_u128 v = (value->first & part->mask) ^ part->xor_value;
		return (struct part_view){ VIEW_RANGE, v, v, NULL, NULL, false, false, false, false };
	}
	case PA_VALUE_RANGE:
		if (plain)
			return (struct part_view){ VIEW_RANGE, value->first, value->last, value->text, NULL,
						   true,       false,	     false,	  false };
		break;
	case PA_VALUE_FIELD:
		return (struct part_view){ .kind = VIEW_FIELD };
	case PA_VALUE_UNKNOWN:
	case PA_VALUE_SELF:
		break;
	}
	return (struct part_view){ VIEW_UNKNOWN, 0,	0,     value->text, "the value is not known at this point",
				   true,	 false, false, false };
}

/* What the interface gives; false: not known in this case. */
static bool view_link(const struct pa_key_part *part, const struct pa_link_case *links, struct part_view *ret_view)
{
	pa_u128 value = 0;
	enum pa_link_finding found = part->link ? pa_link_find(links, part->link, &value) : PA_LINK_UNKNOWN;
	*ret_view =
		(struct part_view){ .kind = found == PA_LINK_NONE ? VIEW_BREAK : VIEW_RANGE, .first = value, .last = value };
	return found != PA_LINK_UNKNOWN;
}

static struct part_view view_part(struct pa_evaluation *e, const struct pa_key_part *part, const struct pa_part_cache *cache,
				  uint32_t env, const struct pa_link_case *links)
{
	struct pa_interval given;
	struct part_view of_link;
	if (part->opaque && view_link(part, links, &of_link))
		return of_link;
	if (part->opaque && !e->symbolic && pa_moment_value(part->moment, e->host, &given))
		return (struct part_view){ VIEW_RANGE, given.first, given.last, part->opaque, part->reason,
					   true,       true,	    true,	false };
	if (part->opaque)
		return (struct part_view){ VIEW_UNKNOWN,
					   pa_opaque_outcomes(part).first,
					   pa_opaque_outcomes(part).last,
					   part->opaque,
					   part->reason ? part->reason : "the packet's headers do not tell",
					   part->understood,
					   true,
					   part->reason != NULL,
					   part->volatile_ };
	if (!e->symbolic && pa_part_needs_flow(part) && !pa_env_has_flow(e, env))
		return part->of_xtables && pa_env_has_template(e, env)
			       ? (struct part_view){ .kind = VIEW_UNKNOWN,
						     .text = "what conntrack says of a packet that only has a zone",
						     .reason = "a packet that has no flow was given a zone or a helper",
						     .is_volatile = true }
			       : (struct part_view){ .kind = VIEW_BREAK };
	const struct pa_value *value = pa_env_find(e, env, part->field);
	if (!value && part->field == PA_FIELD_SADDR_TYPE && !part->of_xtables)
		value = pa_env_find(e, env, PA_SLOT_SOURCE_TYPE);
	if (value) {
		struct part_view view = view_value(value, part);
		if (view.kind != VIEW_FIELD)
			return view;
	}
	if (cache->impossible_mask)
		return (struct part_view){
			VIEW_UNKNOWN, 0,     0,	   pa_field_info(part->field)->name, "the mask makes too many intervals", false,
			false,	      false, false
		};
	return (struct part_view){ .kind = VIEW_FIELD };
}

/* Of a pair: the name of what is asked, with what it is held against, which its text need not tell. */
static const char *shared_name(struct pa_evaluation *e, const struct part_view *view, const struct pa_step *step)
{
	struct pa_buffer name = { 0 };
	pa_buffer_printf(&name, "%s in %s", !view->is_shared && view->text ? view->text : "", pa_contents(e, step->elements));
	const char *interned = pa_intern(e, name.data);
	pa_buffer_done(&name);
	return interned;
}

/*
 * A variable for a test of something unknown. The same test of the same thing is the same variable, and a negated test is its
 * opposite, unless there may be no answer. The caller turns what a negated test gives around.
 */
static pa_node unknown_test(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step,
			    const struct part_view *view, bool volatile_)
{
	const char *what = step->text ? step->text : view->text;
	/* what the environment does not know is told apart by its name, an expression by the set that it is looked up in */
	uint64_t key = (uint64_t)(uintptr_t)(view->is_shared ? (const void *)step->elements->decl : (const void *)view->text);
	bool of_one_ruleset = view->is_opaque && !view->is_shared; /* its name is no term that both rulesets of a pair share */
	if (e->places)
		key = (uint64_t)(uintptr_t)shared_name(e, view, step);
	if (volatile_ || !step->text || (e->places && (of_one_ruleset || pa_text_is_cut(step->text))))
		key = pa_place(e, rule, (size_t)(step - rule->steps)) | (uint64_t)1 << 63;
	if (!what)
		what = "an unknown value";
	struct pa_buffer positive = { 0 };
	bool opposite = step->negated && step->key.count == 1 && !pa_is_same_as_positive(&step->key.parts[0], what, &positive);
	if (positive.length)
		what = positive.data;
	pa_node test = pa_variable(e, what, key, view->reason ? view->reason : "NAT may choose one of several values", rule,
				   view->understood || (volatile_ && !view->is_shared));
	pa_buffer_done(&positive);
	return opposite ? pa_node_minus(e->space, PA_TRUE, test) : test;
}

/* May some part of the key have no answer, in this case? */
static bool may_break(const struct pa_key *key, const struct pa_link_case *links)
{
	for (unsigned i = 0; i < key->count; i++) {
		const struct pa_key part = { 1, &key->parts[i] };
		struct part_view of_link;
		if (pa_key_may_break(&part) && !view_link(&key->parts[i], links, &of_link))
			return true;
	}
	return false;
}

/* What a named set may gain or lose at run time. */
static pa_node with_changes(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step,
			    const struct pa_elements *elements, const struct pa_link_case *links, pa_node set)
{
	const char *text = step->text ? step->text : "a set";
	uint64_t key = pa_changes_of(e, elements, rule, step);
	if (elements->opaque)
		return pa_variable(e, text, key, elements->opaque, rule, false);
	if (elements->has_catch_all && !may_break(&step->key, links))
		set = PA_TRUE;
	if (elements->may_shrink)
		set = pa_node_and(e->space, set,
				  pa_variable(e, text, key + 1, "elements of the set may have expired or been removed", rule,
					      true));
	if (elements->may_grow)
		set = pa_node_or(e->space, set,
				 pa_variable(e, text, key + 2, "packets may add elements to the set at run time", rule, true));
	return set;
}

static bool is_whole(const struct pa_key_part *part)
{
	return part->mask == pa_field_max(part->field) && !part->xor_value;
}

/* The keys of a map under a mask, asked as a set: gather_preimages() has announced them one by one. */
static struct pa_class_set masked_keys(struct pa_evaluation *e, const struct pa_key_part *part, enum pa_field field,
				       const struct pa_elements *elements)
{
	struct pa_interval *intervals;
	size_t count;
	if (!pa_preimage(pa_field_info(part->field)->bits, part->mask, part->xor_value, elements->keys, elements->count, 1,
			 e->arena, &intervals, &count))
		pa_space_fail(e->space, "a mask makes too many intervals");
	return pa_space_class_set(e->space, field, intervals, count, 1, e->arena);
}

static struct pa_class_set part_set(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step)
{
	struct pa_part_cache *cache = pa_part(e, rule, step, 0);
	if (!cache->has_set) {
		const struct pa_elements *elements = step->elements;
		enum pa_field field = pa_field_alias(e, step->key.parts[0].field);
		if (cache->test != PA_NO_TEST)
			cache->set = pa_space_test_set(e->space, field, cache->test);
		else if (cache->intervals)
			cache->set = pa_space_class_set(e->space, field, cache->intervals, cache->count, 1, e->arena);
		else if (elements->data && !is_whole(&step->key.parts[0]))
			cache->set = masked_keys(e, &step->key.parts[0], field, elements);
		else
			cache->set = pa_space_class_set(e->space, field, elements->keys, elements->count, 1, e->arena);
		cache->has_set = true;
	}
	return cache->set;
}

enum pa_match_kind pa_match_simple(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step,
				   uint32_t env, struct pa_guard *ret_guard, struct pa_arena *arena)
{
	const struct pa_elements *elements = step->elements;
	if (step->key.count != 1 || elements->opaque || elements->may_grow || elements->may_shrink || elements->has_catch_all)
		return PA_MATCH_DIAGRAM;
	struct pa_link_case links = pa_link_case_of(e, rule, &step->key, env);
	struct part_view view = view_part(e, &step->key.parts[0], pa_part(e, rule, step, 0), env, &links);
	if (view.kind == VIEW_BREAK)
		return PA_MATCH_NEVER;
	if (view.kind == VIEW_UNKNOWN)
		return PA_MATCH_DIAGRAM;
	if (view.kind == VIEW_RANGE) {
		int held = elements_hold(elements, 0, view.first, view.last);
		if (held < 0)
			return PA_MATCH_DIAGRAM;
		return (held == 1) != step->negated ? PA_MATCH_ALWAYS : PA_MATCH_NEVER;
	}
	ret_guard->field = pa_field_alias(e, step->key.parts[0].field);
	ret_guard->set = part_set(e, rule, step);
	if (step->negated)
		ret_guard->set = pa_space_class_complement(e->space, ret_guard->field, ret_guard->set, arena);
	return PA_MATCH_GUARD;
}

/* The classes that one value of a key part stands for, under the part's mask. */
static struct pa_class_set key_set(struct pa_evaluation *e, const struct pa_key_part *part, const struct pa_interval *key,
				   struct pa_arena *arena)
{
	enum pa_field field = pa_field_alias(e, part->field);
	struct pa_interval *intervals;
	size_t count;
	if (part->mask == pa_field_max(part->field) && !part->xor_value)
		return pa_space_class_set(e->space, field, key, 1, 1, arena);
	if (!pa_preimage(pa_field_info(part->field)->bits, part->mask, part->xor_value, key, 1, 1, arena, &intervals, &count))
		pa_space_fail(e->space, "a mask makes too many intervals");
	return pa_space_class_set(e->space, field, intervals, count, 1, arena);
}

/* The guards of one element; false: the element cannot match here. *unknown is set when a part cannot be decided. */
static bool element_guards(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step,
			   const struct pa_key *key, const struct part_view *views, const struct pa_elements *map,
			   size_t element, struct pa_guard *guards, uint32_t *ret_count, bool *unknown, struct pa_arena *arena)
{
	const struct pa_interval *keys = &map->keys[element * map->parts];
	*ret_count = 0;
	for (unsigned p = 0; p < key->count; p++) {
		if (views[p].kind == VIEW_UNKNOWN) {
			if (views[p].is_opaque && (keys[p].last < views[p].first || keys[p].first > views[p].last))
				return false;
			*unknown = true;
			continue;
		}
		if (views[p].kind == VIEW_RANGE) {
			int held = interval_holds(keys[p], views[p].first, views[p].last);
			if (held == 0)
				return false;
			*unknown = *unknown || held < 0;
			continue;
		}
		enum pa_field field = pa_field_alias(e, key->parts[p].field);
		guards[*ret_count].field = field;
		const struct pa_part_cache *cache = pa_part(e, rule, step, p);
		guards[*ret_count].set = cache->tests ? pa_space_test_set(e->space, field, cache->tests[element])
						      : key_set(e, &key->parts[p], &keys[p], arena);
		if (guards[(*ret_count)++].set.count == 0)
			return false; /* no value gives this under the mask */
	}
	return true;
}

/* The same field twice in one key (ip saddr . ip saddr): only what both allow. */
static bool merge_guards(struct pa_evaluation *e, struct pa_guard *guards, uint32_t *count)
{
	for (uint32_t i = 1; i < *count; i++) {
		for (uint32_t j = 0; j < i; j++) {
			if (guards[j].field == guards[i].field) {
				pa_space_fail(e->space, "a concatenation names one field twice");
				return false;
			}
		}
	}
	return true;
}

struct element_list {
	struct pa_item *items;
	size_t count;
	bool unknown; /* some element depends on something unknown: then a hit is only possible */
	bool breaks;  /* the key cannot be read at all: the rule ends */
};

/* An item for each element that can match; terminal is the place of the element. */
static struct element_list list_elements(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step,
					 const struct pa_key *key, const struct pa_elements *map, uint32_t env,
					 const struct pa_link_case *links, struct pa_arena *arena,
					 struct part_view views[PA_KEY_PARTS_MAX])
{
	struct element_list list = { .items = pa_arena_alloc(arena, map->count + 1, sizeof(*list.items)) };
	for (unsigned p = 0; p < key->count; p++) {
		views[p] = view_part(e, &key->parts[p], pa_part(e, rule, step, p), env, links);
		list.breaks = list.breaks || views[p].kind == VIEW_BREAK;
	}
	for (size_t i = 0; !list.breaks && i < map->count; i++) {
		struct pa_guard *guards = pa_arena_alloc(arena, key->count, sizeof(*guards));
		uint32_t count;
		if (!element_guards(e, rule, step, key, views, map, i, guards, &count, &list.unknown, arena) ||
		    !merge_guards(e, guards, &count))
			continue;
		list.items[list.count++] = (struct pa_item){ guards, count, PA_TERMINAL(PA_PLACE_BASE + i) };
	}
	return list;
}

static const struct part_view *first_unknown(const struct part_view *views, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (views[i].kind != VIEW_FIELD)
			return &views[i];
	}
	return &views[0];
}

static bool is_volatile(const struct part_view *views, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (views[i].is_volatile)
			return true;
	}
	return false;
}

/* One part: a field, a value, or something unknown. */
static pa_node single_set(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step, uint32_t env,
			  const struct pa_link_case *links, bool *breaks)
{
	struct part_view view = view_part(e, &step->key.parts[0], pa_part(e, rule, step, 0), env, links);
	*breaks = view.kind == VIEW_BREAK;
	if (view.kind == VIEW_FIELD)
		return pa_node_field(e->space, pa_field_alias(e, step->key.parts[0].field), part_set(e, rule, step), PA_TRUE,
				     PA_FALSE);
	if (view.kind == VIEW_RANGE) {
		int held = elements_hold(step->elements, 0, view.first, view.last);
		if (held >= 0)
			return held ? PA_TRUE : PA_FALSE;
	}
	if (*breaks)
		return PA_FALSE;
	pa_node unknown = unknown_test(e, rule, step, &view, view.is_volatile);
	return pa_fib_applies(e, rule, step, env) ? pa_fib_set(e, rule, step, env, unknown) : unknown;
}

static pa_node concatenated_set(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step, uint32_t env,
				const struct pa_link_case *links, bool *breaks)
{
	struct part_view views[PA_KEY_PARTS_MAX];
	struct pa_arena *arena = pa_arena_new();
	struct element_list list = list_elements(e, rule, step, &step->key, step->elements, env, links, arena, views);
	*breaks = list.breaks;
	for (size_t i = 0; i < list.count; i++)
		list.items[i].terminal = PA_TRUE;
	pa_node set = pa_node_list(e->space, list.items, list.count, PA_FALSE);
	if (list.unknown)
		set = pa_node_and(e->space, set,
				  unknown_test(e, rule, step, first_unknown(views, step->key.count),
					       is_volatile(views, step->key.count)));
	pa_arena_free(arena);
	return set;
}

/* Where there is nothing to look up the rule ends, whatever is negated in it. */
static pa_node there_is_an_answer(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step)
{
	uint64_t key = pa_place(e, rule, (size_t)(step - rule->steps)) << 28 | (uint64_t)1 << 60;
	struct pa_buffer text = { 0 };
	pa_buffer_printf(&text, "%s has an answer", step->text ? step->text : "a map lookup");
	pa_node answered = pa_variable(e, text.data, key, "there may be nothing to look up", rule, true);
	pa_buffer_done(&text);
	return answered;
}

struct matching {
	struct pa_evaluation *e;
	const struct pa_rule *rule;
	const struct pa_step *step;
	uint32_t env;
};

static pa_node match_case(void *context, const struct pa_link_case *links)
{
	const struct matching *m = context;
	const struct pa_step *step = m->step;
	bool breaks = false;
	pa_node set = step->key.count == 1 ? single_set(m->e, m->rule, step, m->env, links, &breaks)
					   : concatenated_set(m->e, m->rule, step, m->env, links, &breaks);
	if (breaks)
		return PA_FALSE; /* the rule ends, negated or not */
	set = with_changes(m->e, m->rule, step, step->elements, links, set);
	if (!step->negated)
		return set;
	/* of one part the variable of the negated test says it */
	pa_node answered =
		step->key.count > 1 && may_break(&step->key, links) ? there_is_an_answer(m->e, m->rule, step) : PA_TRUE;
	return pa_node_minus(m->e->space, answered, set);
}

pa_node pa_match_set(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step, uint32_t env)
{
	struct matching matching = { e, rule, step, env };
	return pa_link_cases(e, rule, &step->key, env, match_case, &matching);
}

struct placing {
	struct pa_evaluation *e;
	const struct pa_item **items; /* by element; NULL: it cannot match */
	pa_node (*result)(void *context, size_t element);
	void *context;
	size_t count;
	pa_node otherwise;
};

/* A diagram where the guards of an item hold: what it asks of fields of which they leave one class is known. */
static pa_node within_item(struct pa_evaluation *e, pa_node node, const struct pa_item *item)
{
	bool fields[PA_FIELD_COUNT] = { false };
	uint32_t classes[PA_FIELD_COUNT] = { 0 };
	for (uint32_t i = 0; i < item->guard_count; i++) {
		const struct pa_guard *guard = &item->guards[i];
		if (guard->set.count != 1 || guard->set.items[0].first != guard->set.items[0].last)
			continue;
		fields[guard->field] = true;
		classes[guard->field] = guard->set.items[0].first;
	}
	return pa_node_fix(e->space, node, fields, classes);
}

static pa_node place(void *context, uint32_t terminal)
{
	struct placing *placing = context;
	size_t at = terminal - PA_PLACE_BASE;
	if (at >= placing->count)
		return placing->otherwise;
	pa_node node = placing->result(placing->context, at);
	return pa_node_is_terminal(node) ? node : within_item(placing->e, node, placing->items[at]);
}

struct lookup {
	struct pa_evaluation *e;
	const struct pa_rule *rule;
	const struct pa_step *step;
	const struct pa_key *key;
	const struct pa_elements *map;
	uint32_t env;
	pa_node (*result)(void *context, size_t element);
	void *context;
	pa_node miss;
};

/* Any element that may match, one after the other behind a variable each: wide, never wrong. */
static pa_node any_element(const struct lookup *l, struct element_list *list, const struct part_view *views)
{
	struct pa_evaluation *e = l->e;
	const struct pa_elements *map = l->map;
	const char *text = l->step->text ? l->step->text : "a map lookup";
	uint64_t asked = pa_place(e, l->rule, (size_t)(l->step - l->rule->steps)) << 28 | (uint64_t)1 << 60;
	pa_node which = map->has_catch_all ? l->result(l->context, map->count) : l->miss;
	if (l->key->count == 1 && views[0].is_opaque && list->count && pa_covers(map, views[0].first, views[0].last))
		which = l->result(l->context, pa_node_value(list->items[--list->count].terminal) - PA_PLACE_BASE);
	for (size_t i = list->count; i-- > 0;) {
		size_t element = pa_node_value(list->items[i].terminal) - PA_PLACE_BASE;
		pa_node hit = pa_node_list(
			e->space, &(struct pa_item){ list->items[i].guards, list->items[i].guard_count, PA_TRUE }, 1, PA_FALSE);
		pa_node chosen = pa_variable(e, text, asked + element + 1, "what the map is asked for cannot be known", l->rule,
					     first_unknown(views, l->key->count)->understood);
		which = pa_node_choose(e->space, pa_node_and(e->space, hit, chosen), l->result(l->context, element), which);
	}
	if (map->has_catch_all && pa_key_may_break(l->key)) {
		which = pa_node_choose(e->space, there_is_an_answer(e, l->rule, l->step), which, l->miss);
	}
	return which;
}

static pa_node lookup_case(void *context, const struct pa_link_case *links)
{
	struct lookup *l = context;
	const struct pa_elements *map = l->map;
	struct part_view views[PA_KEY_PARTS_MAX];
	struct pa_arena *arena = pa_arena_new();
	struct element_list list = list_elements(l->e, l->rule, l->step, l->key, map, l->env, links, arena, views);
	pa_node node = l->miss;
	if (!list.breaks && !list.unknown) {
		pa_node otherwise = PA_TERMINAL(PA_PLACE_BASE + map->count);
		const struct pa_item **items = pa_arena_alloc(arena, map->count + 1, sizeof(const struct pa_item *));
		for (size_t i = 0; i < list.count; i++)
			items[pa_node_value(list.items[i].terminal) - PA_PLACE_BASE] = &list.items[i];
		struct placing placing = { l->e,       items,
					   l->result,  l->context,
					   map->count, map->has_catch_all ? l->result(l->context, map->count) : l->miss };
		node = pa_node_bind(l->e->space, pa_node_list(l->e->space, list.items, list.count, otherwise), place, &placing);
	} else if (list.unknown) {
		node = any_element(l, &list, views);
	}
	pa_arena_free(arena);
	return node;
}

pa_node pa_lookup(struct pa_evaluation *e, const struct pa_rule *rule, const struct pa_step *step, const struct pa_key *key,
		  const struct pa_elements *map, uint32_t env, pa_node (*result)(void *context, size_t element), void *context,
		  pa_node miss)
{
	struct lookup lookup = { e, rule, step, key, map, env, result, context, miss };
	return pa_link_cases(e, rule, key, env, lookup_case, &lookup);
}
