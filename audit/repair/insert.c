/* SPDX-License-Identifier: GPL-2.0-or-later */
/* New rules: what a finding misses is accepted, what it complains of is refused, before the rule that decides otherwise. */
#include <string.h>

#include "trial.h"

/* --- where ------------------------------------------------------------------------------------------------------------------ */

struct place {
	const struct pa_chain *chain;
	const struct pa_rule *before; /* NULL: the end */
};

static bool is_refusal(const struct pa_walk_step *step)
{
	return step->verdict == PA_VERDICT_DROP || step->verdict == PA_VERDICT_REJECT;
}

/* Where the packet is refused: before the rule that does, or at the end of the chain whose policy does. */
static bool find_refusal(struct repairing *r, const struct pa_packet *packet, struct place *ret_place)
{
	struct pa_walk walk;
	bool found = false;

	pa_walk(r->ruleset, r->host, packet, true, &walk);
	for (size_t i = 0; i < walk.step_count; i++) {
		const struct pa_walk_step *step = &walk.steps[i];

		if (!step->chain || !is_refusal(step) || (step->outcome != PA_WALK_MATCHED && step->outcome != PA_WALK_POLICY))
			continue;
		ret_place->chain = step->chain;
		ret_place->before = step->outcome == PA_WALK_MATCHED && step->rule ? repair_whole_rule(step->rule) : NULL;
		found = !step->chain->is_anonymous && step->chain->table->family <= PA_FAMILY_INET;
	}
	pa_walk_done(&walk);
	return found;
}

static struct place at_start(struct place place)
{
	place.before = place.chain->rule_count > 0 ? place.chain->rules[0] : NULL;
	return place;
}

/* --- what: rules from pieces ------------------------------------------------------------------------------------------------ */

struct hulls {
	struct hull items[PA_EDIT_RULES_MAX];
	pa_u128 protocol[PA_EDIT_RULES_MAX];
	size_t count;
	bool cut;
};

static struct hull *hull_for(struct hulls *hulls, int family, pa_u128 protocol)
{
	for (size_t i = 0; i < hulls->count; i++)
		if (hulls->items[i].family == family && hulls->protocol[i] == protocol)
			return &hulls->items[i];
	if (hulls->count == PA_EDIT_RULES_MAX) {
		hulls->cut = true;
		return NULL;
	}
	hulls->protocol[hulls->count] = protocol;
	hulls->items[hulls->count] = (struct hull){ .family = family };
	return &hulls->items[hulls->count++];
}

/* One hull for each family and protocol; a range of protocols is one. */
static void add_piece(struct hulls *hulls, const struct piece *piece, struct pa_arena *arena)
{
	struct pa_ranges protocols = piece->field[PA_FIELD_L4PROTO];
	size_t count = protocols.count == 0 ? 1 : protocols.count;

	for (size_t i = 0; i < count; i++) {
		struct piece part = *piece;
		struct hull *hull = hull_for(hulls, piece->family, protocols.count ? protocols.items[i].first : PA_U128_MAX);

		if (protocols.count > 0)
			part.field[PA_FIELD_L4PROTO] = (struct pa_ranges){ &protocols.items[i], 1 };
		if (hull)
			hull_add(hull, &part, arena);
	}
}

/* The parts of a set, as if the exposure held all of it. */
static void add_set(struct comparison *c, struct hulls *hulls, const struct pa_exposure *exposure, pa_set set)
{
	struct groups groups = { 0 };

	groups_add(c, &groups, exposure, set);
	for (size_t i = 0; i < groups.count; i++) {
		hulls->cut = hulls->cut || groups.items[i].cut;
		for (size_t k = 0; k < groups.items[i].piece_count; k++)
			add_piece(hulls, &groups.items[i].pieces[k], c->scratch);
	}
	groups_done(&groups);
}

static const enum pa_field fields[] = { PA_FIELD_IIFNAME, PA_FIELD_OIFNAME, PA_FIELD_SADDR, PA_FIELD_DADDR,
					PA_FIELD_L4PROTO, PA_FIELD_SPORT,   PA_FIELD_DPORT, PA_FIELD_ICMP_TYPE };
#define FIELD_COUNT (sizeof(fields) / sizeof(*fields))

static bool write_rule(const struct hull *hull, enum pa_verdict_kind verdict, struct pa_arena *arena, struct pa_edit_rule *rule)
{
	*rule = (struct pa_edit_rule){ .family = hull->family, .verdict = verdict };
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		struct pa_edit_test test;

		if (hull->any[fields[i]])
			continue;
		if (rule->test_count == PA_EDIT_TESTS_MAX || !hull_test(hull, fields[i], arena, &test))
			return false;
		rule->tests[rule->test_count++] = test;
	}
	return rule->test_count > 0;
}

static bool asks_addresses(const struct hull *hull)
{
	return !hull->any[PA_FIELD_SADDR] || !hull->any[PA_FIELD_DADDR];
}

/* IPv4 and IPv6 alike in a table for both: one rule. */
static bool is_twin(const struct hulls *hulls, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		bool same = hulls->protocol[i] == hulls->protocol[index] && !asks_addresses(&hulls->items[i]) &&
			    !asks_addresses(&hulls->items[index]);

		for (size_t f = 0; same && f < FIELD_COUNT; f++)
			same = hull_same(&hulls->items[i], &hulls->items[index], fields[f]);
		if (same)
			return true;
	}
	return false;
}

static bool table_takes(const struct pa_chain *chain, int family)
{
	return chain->table->family == PA_FAMILY_INET || chain->table->family == (family == 6 ? PA_FAMILY_IP6 : PA_FAMILY_IP);
}

static void propose(struct repairing *r, enum edit kind, const struct hulls *hulls, enum pa_verdict_kind verdict,
		    struct place place, struct candidates *out)
{
	struct pa_edit edit = { .kind = PA_EDIT_INSERT, .chain = place.chain, .before = place.before };

	for (size_t i = 0; i < hulls->count; i++) {
		struct pa_edit_rule *rule = &edit.rules[edit.rule_count];

		if (!table_takes(place.chain, hulls->items[i].family))
			continue;
		if (place.chain->table->family == PA_FAMILY_INET && is_twin(hulls, i)) {
			for (size_t k = 0; k < edit.rule_count; k++)
				edit.rules[k].family = 0;
			continue;
		}
		if (!write_rule(&hulls->items[i], verdict, r->scratch, rule))
			return;
		if (place.chain->table->family != PA_FAMILY_INET)
			rule->family = 0;
		edit.rule_count++;
	}
	if (!hulls->cut && edit.rule_count > 0)
		candidates_add(r, out, kind, &edit);
}

/* --- what a statement of the policy names ------------------------------------------------------------------------------------ */

static void open_statement(struct repairing *r, const struct pa_finding *finding, struct candidates *out)
{
	struct comparison c = repair_view(r, r->options->evaluation, r->ruleset);
	struct pa_exposure exposure = { .certainty = PA_CERTAIN };
	struct hulls hulls = { .count = 0 };
	struct place place;
	struct region region;

	if (!finding->statement || !finding->has_packet || !find_refusal(r, &finding->packet, &place))
		return;
	region = compare_region(&c, finding->statement, RELAX_NOTHING);
	exposure.path = finding->statement->path;
	exposure.set = region.set;
	if (!region.known)
		return;
	add_set(&c, &hulls, &exposure, region.set);
	propose(r, OPEN, &hulls, PA_VERDICT_ACCEPT, place, out);
}

/* --- the same over the other family ------------------------------------------------------------------------------------------- */

/* The services of the region on its interfaces, over the family that the finding is not of. */
static pa_set other_family(struct comparison *c, const struct pa_finding *finding)
{
	struct box_builder builder = { 0 };
	pa_set set = finding->region;

	for (int f = 0; f < PA_FIELD_COUNT; f++)
		if (f != PA_FIELD_L4PROTO && f != PA_FIELD_DPORT && f != PA_FIELD_IIFNAME)
			set = pa_set_project(c->space, set, (enum pa_field)f);
	box_family(&builder, finding->row.family == 6 ? 4 : 6);
	set = pa_set_intersect(c->space, set, compare_box(c, &builder));
	return pa_set_intersect(c->space, set, c->scope[finding->region_path]);
}

static void add_twin(struct repairing *r, const struct pa_finding *finding, struct candidates *out)
{
	struct comparison c = repair_view(r, r->options->evaluation, r->ruleset);
	struct pa_exposure exposure = { .certainty = PA_CERTAIN, .path = finding->region_path };
	struct hulls hulls = { .count = 0 };
	struct pa_packet example;
	struct place place;

	if (!finding->has_region || !finding->has_row)
		return;
	exposure.set = other_family(&c, finding);
	if (pa_set_is_empty(c.space, exposure.set))
		return;
	example = pa_evaluation_example(c.evaluation, exposure.path, exposure.set);
	example.path = exposure.path;
	if (!find_refusal(r, &example, &place))
		return;
	add_set(&c, &hulls, &exposure, exposure.set);
	propose(r, TWIN, &hulls, PA_VERDICT_ACCEPT, place, out);
}

/* --- fixed rules ---------------------------------------------------------------------------------------------------------------- */

static void add_test(struct repairing *r, struct pa_edit_rule *rule, enum pa_field field, const pa_u128 *values, size_t count)
{
	struct pa_interval *items = pa_arena_alloc(r->scratch, count, sizeof(*items));

	for (size_t i = 0; i < count; i++)
		items[i] = (struct pa_interval){ values[i], values[i] };
	rule->tests[rule->test_count++] = (struct pa_edit_test){ .field = field, .values = { items, count } };
}

/* An edit that accepts something at the beginning of the chain that refuses the finding's packet. */
static bool accept_first(struct repairing *r, const struct pa_finding *finding, struct pa_edit *ret_edit)
{
	struct place place;

	if (!finding->has_packet || !find_refusal(r, &finding->packet, &place))
		return false;
	place = at_start(place);
	*ret_edit = (struct pa_edit){ .kind = PA_EDIT_INSERT, .rule_count = 1, .chain = place.chain, .before = place.before };
	ret_edit->rules[0].verdict = PA_VERDICT_ACCEPT;
	return true;
}

static void open_loopback(struct repairing *r, const struct pa_finding *finding, struct candidates *out)
{
	const pa_u128 lo = compare_loopback_name();
	struct pa_edit edit;

	if (!accept_first(r, finding, &edit))
		return;
	add_test(r, &edit.rules[0], finding->packet.path == PA_PATH_OUT ? PA_FIELD_OIFNAME : PA_FIELD_IIFNAME, &lo, 1);
	candidates_add(r, out, OPEN_LOOPBACK, &edit);
}

static void open_replies(struct repairing *r, const struct pa_finding *finding, struct candidates *out)
{
	static const pa_u128 states[] = { PA_CT_ESTABLISHED, PA_CT_RELATED };
	struct pa_edit edit;

	if (!accept_first(r, finding, &edit))
		return;
	add_test(r, &edit.rules[0], PA_FIELD_CT_STATE, states, 2);
	candidates_add(r, out, OPEN_REPLIES, &edit);
}

/* RFC 4890: what IPv6 cannot do without. */
static void open_neighbours(struct repairing *r, const struct pa_finding *finding, struct candidates *out)
{
	static const pa_u128 types[] = { 1, 2, 3, 4, 134, 135, 136 }, icmpv6 = PROTOCOL_ICMPV6;
	struct pa_edit edit = { .kind = PA_EDIT_INSERT, .rule_count = 1 };
	struct place place;

	if (!finding->has_packet || !find_refusal(r, &finding->packet, &place))
		return;
	edit.chain = place.chain;
	edit.before = place.before;
	edit.rules[0].verdict = PA_VERDICT_ACCEPT;
	edit.rules[0].family = place.chain->table->family == PA_FAMILY_INET ? 6 : 0;
	add_test(r, &edit.rules[0], PA_FIELD_L4PROTO, &icmpv6, 1);
	add_test(r, &edit.rules[0], PA_FIELD_ICMP_TYPE, types, sizeof(types) / sizeof(*types));
	candidates_add(r, out, OPEN_NEIGHBOURS, &edit);
}

/* Before the rule that accepts them. */
static void refuse_invalid(struct repairing *r, const struct pa_finding *finding, struct candidates *out)
{
	static const pa_u128 state = PA_CT_INVALID;
	struct pa_edit edit = { .kind = PA_EDIT_INSERT, .rule_count = 1 };

	if (finding->rule_count == 0 || finding->rules[0]->chain->is_anonymous)
		return;
	edit.before = repair_whole_rule(finding->rules[0]);
	edit.chain = edit.before->chain;
	edit.rules[0].verdict = PA_VERDICT_DROP;
	add_test(r, &edit.rules[0], PA_FIELD_CT_STATE, &state, 1);
	candidates_add(r, out, REFUSE_INVALID, &edit);
}

void insert_find(struct repairing *r, const struct pa_finding *finding, const struct aim *aim, struct candidates *out)
{
	static const struct {
		enum edit edit;
		void (*find)(struct repairing *r, const struct pa_finding *finding, struct candidates *out);
	} finders[] = {
		{ TWIN, add_twin },
		{ OPEN, open_statement },
		{ OPEN_LOOPBACK, open_loopback },
		{ OPEN_REPLIES, open_replies },
		{ OPEN_NEIGHBOURS, open_neighbours },
		{ REFUSE_INVALID, refuse_invalid },
	};

	for (size_t i = 0; i < sizeof(finders) / sizeof(*finders); i++)
		if (aim->edits & (unsigned)finders[i].edit)
			finders[i].find(r, finding, out);
}

/* --- an exception ------------------------------------------------------------------------------------------------------------------ */

static bool translates(const struct pa_rule *rule)
{
	for (size_t i = 0; i < rule->step_count; i++)
		if (rule->steps[i].kind == PA_STEP_NAT)
			return true;
	return false;
}

void except_find(struct repairing *r, const struct pa_finding *finding, struct candidates *out)
{
	struct comparison c = repair_view(r, r->options->evaluation, r->ruleset);
	const struct pa_exposure *exposures;
	struct hulls hulls = { .count = 0 };
	size_t count;

	if (!finding->has_region)
		return;
	count = pa_evaluation_exposures(c.evaluation, finding->region_path, &exposures);
	for (size_t i = 0; i < count; i++)
		add_set(&c, &hulls, &exposures[i], pa_set_intersect(c.space, finding->region, exposures[i].set));
	for (size_t i = 0; i < finding->rule_count && i < 2; i++) {
		const struct pa_rule *rule = repair_whole_rule(finding->rules[i]);
		struct place place = { rule->chain, rule };

		if (!rule->chain->is_anonymous && !translates(rule) && rule->chain->type == PA_CHAIN_FILTER &&
		    rule->chain->table->family <= PA_FAMILY_INET)
			propose(r, EXCEPT, &hulls, PA_VERDICT_DROP, place, out);
	}
}
