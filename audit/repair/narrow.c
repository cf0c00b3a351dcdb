/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule that lets in too much asks more: what the packets have in common that it lets in and that are none of the finding. Only what
 * differs from all that it lets in becomes a test: a policy that names networks gives the sources, one that names zones the interfaces.
 */
#include "trial.h"

struct narrowing {
	struct repairing *r;
	const struct pa_finding *finding;
	const struct pa_rule *rule; /* the first of its alternatives */
	struct comparison c;
	struct hull keep[2], all[2]; /* IPv4, IPv6 */
	bool cut;
	bool beyond;	 /* keeps something that does not arrive on lo */
	bool translated; /* some of it: the rule sees other destinations than the packets arrived with */
};

static bool is_by_rule(const struct narrowing *n, const struct group *group)
{
	for (size_t i = 0; i < group->row.rule_count; i++)
		if (repair_whole_rule(group->row.rules[i]) == n->rule)
			return true;
	return false;
}

static void take(struct narrowing *n, const struct group *group, bool keep)
{
	n->cut = n->cut || group->cut;
	n->translated = n->translated || group->exposure->has_target;
	for (size_t i = 0; i < group->piece_count; i++) {
		unsigned six = group->pieces[i].family == 6;

		hull_add(&n->all[six], &group->pieces[i], n->r->scratch);
		if (keep)
			hull_add(&n->keep[six], &group->pieces[i], n->r->scratch);
	}
}

static void look_at(struct narrowing *n, const struct pa_exposure *exposure, pa_set set, bool keep)
{
	struct groups groups = { 0 };

	groups_add(&n->c, &groups, exposure, set);
	for (size_t i = 0; i < groups.count; i++)
		if (is_by_rule(n, &groups.items[i]))
			take(n, &groups.items[i], keep);
	groups_done(&groups);
}

/* What the rule lets in: the finding's packets and the others. */
static void look_around(struct narrowing *n, bool with_loopback)
{
	for (int p = 0; p < PATH_COUNT; p++) {
		enum pa_path path = (enum pa_path)p;
		const struct pa_exposure *exposures;
		size_t count = pa_evaluation_exposures(n->c.evaluation, path, &exposures);

		for (size_t i = 0; i < count; i++) {
			pa_set region = path == n->finding->region_path ? n->finding->region : pa_set_empty(n->c.space);
			pa_set rest = pa_set_minus(n->c.space, exposures[i].set, region);

			if (!with_loopback && path != PA_PATH_OUT)
				rest = pa_set_minus(n->c.space, rest, compare_loopback(&n->c, path));
			look_at(n, &exposures[i], pa_set_intersect(n->c.space, exposures[i].set, region), false);
			look_at(n, &exposures[i], rest, true);
			if (!with_loopback)
				n->beyond = n->keep[0].used || n->keep[1].used;
		}
	}
}

/* --- tests --------------------------------------------------------------------------------------------------------------- */

static bool is_within(struct pa_ranges values, const struct pa_elements *elements)
{
	for (size_t i = 0; i < values.count; i++) {
		bool found = false;

		for (size_t k = 0; k < elements->count; k++)
			found = found || (elements->keys[k].first <= values.items[i].first &&
					  values.items[i].last <= elements->keys[k].last);
		if (!found)
			return false;
	}
	return true;
}

/* The test of the rule that the new one can stand for: it lists values of the field, and all of the new ones. */
static const struct pa_step *own_test(const struct pa_rule *rule, const struct pa_edit_test *test)
{
	for (size_t i = 0; i < rule->step_count && !test->negated; i++) {
		const struct pa_step *step = &rule->steps[i];

		if (step->kind == PA_STEP_MATCH && !step->negated && !step->implied && step->key.count == 1 && step->text &&
		    step->key.parts[0].field == test->field && !step->key.parts[0].opaque && !step->elements->decl &&
		    !step->elements->opaque && step->key.parts[0].mask == pa_field_max(test->field) &&
		    is_within(test->values, step->elements))
			return step;
	}
	return NULL;
}

static bool is_of_header(enum pa_field field)
{
	return field == PA_FIELD_SPORT || field == PA_FIELD_DPORT || field == PA_FIELD_ICMP_TYPE;
}

/* A port is of a protocol: it is asked where the rule does so itself, or where there is one only. */
static bool add_protocol(const struct hull *all, struct pa_edit_rule *edit, struct pa_arena *arena)
{
	struct pa_edit_test test;

	if (!hull_test(all, PA_FIELD_L4PROTO, arena, &test) || test.negated || test.values.count != 1 ||
	    test.values.items[0].first != test.values.items[0].last)
		return false;
	edit->tests[edit->test_count++] = test;
	return true;
}

static bool add_tests(struct narrowing *n, unsigned six, struct pa_edit_rule *edit)
{
	static const enum pa_field fields[] = { PA_FIELD_IIFNAME, PA_FIELD_OIFNAME, PA_FIELD_SADDR,    PA_FIELD_DADDR,
						PA_FIELD_SPORT,	  PA_FIELD_DPORT,   PA_FIELD_ICMP_TYPE };
	bool has_protocol = false;

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		struct pa_edit_test test;

		if (hull_same(&n->keep[six], &n->all[six], fields[i]))
			continue;
		if (edit->test_count + 2 > PA_EDIT_TESTS_MAX || !hull_test(&n->keep[six], fields[i], n->r->scratch, &test))
			return false;
		test.instead = own_test(n->rule, &test);
		if (n->translated && !test.instead && (fields[i] == PA_FIELD_DADDR || fields[i] == PA_FIELD_DPORT))
			return false;
		if (is_of_header(fields[i]) && !test.instead && !has_protocol) {
			if (!add_protocol(&n->all[six], edit, n->r->scratch))
				return false;
			has_protocol = true;
		}
		edit->tests[edit->test_count++] = test;
	}
	return true;
}

static bool same_tests(const struct pa_edit_rule *a, const struct pa_edit_rule *b, const struct narrowing *n)
{
	if (a->test_count != b->test_count)
		return false;
	for (size_t i = 0; i < a->test_count; i++) {
		enum pa_field field = a->tests[i].field;

		if (field == PA_FIELD_SADDR || field == PA_FIELD_DADDR || field != b->tests[i].field ||
		    !hull_same(&n->keep[0], &n->keep[1], field))
			return false;
	}
	return true;
}

/* One rule for both families where they ask the same, else one for each family that anything is kept of. */
static void propose(struct narrowing *n, struct candidates *out)
{
	struct pa_edit edit = { .kind = PA_EDIT_NARROW, .chain = n->rule->chain, .rule = n->rule };
	bool one_family = n->rule->chain->table->family != PA_FAMILY_INET, narrower = false;

	for (unsigned six = 0; six < 2; six++) {
		struct pa_edit_rule *rule = &edit.rules[edit.rule_count];

		if (!n->keep[six].used) {
			narrower = narrower || n->all[six].used;
			continue;
		}
		rule->family = one_family ? 0 : six ? 6 : 4;
		if (!add_tests(n, six, rule))
			return;
		narrower = narrower || rule->test_count > 0;
		edit.rule_count++;
	}
	if (edit.rule_count == 0 || !narrower || n->cut)
		return;
	if (edit.rule_count == 2 && same_tests(&edit.rules[0], &edit.rules[1], n)) {
		edit.rule_count = 1;
		edit.rules[0].family = 0;
	}
	candidates_add(n->r, out, NARROW, &edit);
}

/* What is not known of a rule cannot be written again. */
static bool can_be_written(const struct pa_rule *rule)
{
	bool unknown = !rule->text || !*rule->text;

	for (size_t i = 0; i < rule->step_count; i++)
		unknown = unknown || (rule->steps[i].kind == PA_STEP_OPAQUE && !rule->steps[i].understood);
	return !unknown;
}

static struct narrowing *look(struct repairing *r, const struct pa_finding *finding, const struct pa_rule *rule,
			      bool with_loopback)
{
	struct narrowing *n = pa_arena_alloc(r->scratch, 1, sizeof(*n));

	*n = (struct narrowing){ .r = r, .finding = finding, .rule = rule };
	n->c = repair_view(r, r->options->evaluation, r->ruleset);
	look_around(n, with_loopback);
	return n;
}

void narrow_find(struct repairing *r, const struct pa_finding *finding, const struct pa_rule *rule, struct candidates *out)
{
	size_t before = out->count;
	struct narrowing *without;

	if (!can_be_written(rule))
		return;
	without = look(r, finding, rule, false);
	if (!without->beyond)
		return; /* nothing of it is left: it can be deleted */
	/* what arrives on lo is left alone where that is possible */
	propose(look(r, finding, rule, true), out);
	if (out->count == before)
		propose(without, out);
}
