/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_evaluate pa_space pa_ir pa_base pa_host
/*
 * Rows of random rulesets: per exposure they are disjoint and make up its set; no row holds a packet of its path that does not get
 * in; the example of a row is in it and is accepted by the walk, through the rules that the row names, to where the row says.
 */
#include "evaluate/evaluation.h"
#include "property.h"
#include "random_host.h"

#include <check.h>

static unsigned long rounds = 600, first_seed = 1;
static unsigned rows_seen, rules_seen, targets_seen, possible_seen;

struct trial {
	unsigned long seed;
	struct pa_ruleset *ruleset;
	struct pa_host *host;
	struct pa_evaluation *e;
	struct pa_walker *walker;
	const char *problem;
	struct pa_row row; /* that has it */
};

static void print_row(const struct pa_row *row, const struct pa_walk *walk)
{
	static const char *const paths[] = { "in", "forward", "out" };
	struct pa_buffer text = { 0 };
	pa_buffer_printf(&text, "row %s %s IPv%d%s:", paths[row->path], row->certainty == PA_CERTAIN ? "certain" : "possible",
			 row->family, row->has_target ? " translated" : "");
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		for (size_t i = 0; i < row->box.field[f].count; i++) {
			pa_buffer_printf(&text, "%s", i ? "," : " ");
			pa_buffer_printf(&text, "%s", i ? "" : pa_field_info((enum pa_field)f)->name);
			pa_buffer_putc(&text, ' ');
			put_value(&text, (enum pa_field)f, row->box.field[f].items[i]);
		}
	}
	pa_buffer_puts(&text, "\nexample:");
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		if (!row->example.known[f])
			continue;
		pa_buffer_printf(&text, " %s ", pa_field_info((enum pa_field)f)->name);
		put_value(&text, (enum pa_field)f, (struct pa_interval){ row->example.value[f], row->example.value[f] });
	}
	for (size_t i = 0; i < row->rule_count; i++)
		pa_buffer_printf(&text, "\nrule: %s %s", row->rules[i]->chain->name, row->rules[i]->text);
	if (walk && walk->condition)
		pa_buffer_printf(&text, "\nwalk: %s", walk->condition);
	fprintf(stderr, "%s\n", text.data);
	pa_buffer_done(&text);
}

/* Notes the first problem of a trial. */
static bool demand(struct trial *trial, bool holds, const struct pa_row *row, const char *problem)
{
	if (holds || trial->problem)
		return holds;
	trial->problem = problem;
	trial->row = row ? *row : (struct pa_row){ 0 };
	return false;
}

/* --- sets --- */

static bool is_empty(struct trial *trial, pa_set set)
{
	return pa_set_is_empty(pa_evaluation_space(trial->e), set);
}

static pa_set without_lo(struct trial *trial, pa_set set)
{
	pa_u128 lo = pa_ifname_value("lo");
	return (pa_set){ pa_node_minus(trial->e->space, set.node, pa_field_in(trial->e, PA_FIELD_IIFNAME, lo, lo)) };
}

/* A row that names no interface speaks of all but lo. */
static pa_set box_of(struct trial *trial, const struct pa_row *row)
{
	pa_set box = pa_set_box(pa_evaluation_space(trial->e), &row->box);
	return row->path == PA_PATH_OUT || row->box.field[PA_FIELD_IIFNAME].count ? box : without_lo(trial, box);
}

/* For the report: what no row holds. */
static bool take_missing(void *context, const struct pa_box *box)
{
	static struct pa_interval kept[PA_FIELD_COUNT];
	struct pa_box *missing = context;
	memset(missing, 0, sizeof(*missing));
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		if (!box->field[f].count)
			continue;
		kept[f] = box->field[f].items[0];
		missing->field[f] = (struct pa_ranges){ &kept[f], 1 };
	}
	return false;
}

static void check_boxes(struct trial *trial, const struct pa_exposure *exposure, const struct pa_row *rows, size_t count)
{
	struct pa_space *space = pa_evaluation_space(trial->e);
	pa_set all = pa_set_empty(space), universe = pa_evaluation_universe(trial->e, exposure->path);
	pa_node tracked = pa_node_or(space, pa_universe_new(trial->e), pa_universe_untracked(trial->e));
	pa_set own = { pa_visible(trial->e, pa_node_and(space, pa_universe_path(trial->e, exposure->path), tracked)) };
	for (size_t i = 0; i < count; i++) {
		pa_set box = box_of(trial, &rows[i]), inside = pa_set_intersect(space, box, exposure->set);
		demand(trial, is_empty(trial, pa_set_intersect(space, inside, all)), &rows[i], "two rows hold one packet");
		all = pa_set_union(space, all, inside);
		/* what NAT brings from the other path is a matter of rows with a target */
		pa_set here = pa_set_intersect(space, box, without_lo(trial, exposure->has_target ? universe : own));
		demand(trial, is_empty(trial, pa_set_minus(space, here, exposure->set)), &rows[i],
		       "a row holds more than its exposure");
	}
	demand(trial, !pa_space_failed(space), NULL, "the space failed");
	struct pa_row missing = count ? rows[0] : (struct pa_row){ 0 };
	pa_set_boxes(space, pa_set_minus(space, exposure->set, all), 1, take_missing, &missing.box);
	demand(trial, pa_set_equal(space, all, exposure->set), count ? &missing : NULL, "the rows are not the exposure");
}

static bool example_is_inside(struct trial *trial, const struct pa_row *row, pa_set set)
{
	uint32_t classes[PA_FIELD_COUNT];
	struct pa_space *space = pa_evaluation_space(trial->e);
	pa_node inside = pa_set_intersect(space, set, box_of(trial, row)).node;
	bool unknown[PA_FIELD_COUNT];
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		unknown[f] = !row->example.known[f];
		classes[f] = pa_classes_find(pa_space_classes(space, (enum pa_field)f), row->example.value[f]);
	}
	inside = pa_node_forget(space, inside, unknown);
	return pa_node_at(space, inside, classes, false) == PA_TRUE;
}

/* --- walks --- */

static bool has_rule(const struct pa_row *row, const struct pa_rule *rule)
{
	for (size_t i = 0; i < row->rule_count; i++) {
		if (row->rules[i] == rule)
			return true;
	}
	return false;
}

static void check_rules(struct trial *trial, const struct pa_row *row, const struct pa_walk *walk)
{
	size_t accepts = 0;
	for (size_t i = 0; i < walk->step_count; i++) {
		const struct pa_walk_step *step = &walk->steps[i];
		if (step->outcome != PA_WALK_MATCHED || step->verdict != PA_VERDICT_ACCEPT)
			continue;
		accepts++;
		demand(trial, has_rule(row, step->rule), row, "a rule that accepts the example is not named");
	}
	demand(trial, accepts >= row->rule_count, row, "a rule is named that does not accept the example");
	rules_seen += row->rule_count > 0;
}

static void check_target(struct trial *trial, const struct pa_row *row, const struct pa_walk *walk)
{
	const struct pa_target *target = &row->target;
	demand(trial, (row->has_target && target->to_self) == walk->destination_is_self, row, "redirect: row and walk differ");
	demand(trial, (row->has_target && target->has_address) == walk->destination_changed, row,
	       "new address: row and walk differ");
	if (row->has_target && target->has_address && walk->destination_changed)
		demand(trial,
		       target->address.first == walk->destination.first && target->address.last == walk->destination.last, row,
		       "new address: not the same");
	if (row->has_target && target->has_port && walk->has_destination_port)
		demand(trial,
		       target->port.first == walk->destination_port.first && target->port.last == walk->destination_port.last,
		       row, "new port: not the same");
	targets_seen += row->has_target;
}

static void check_example(struct trial *trial, const struct pa_exposure *exposure, const struct pa_row *row)
{
	struct pa_walk walk;
	bool known = trial->host->addresses_known;
	const struct pa_opaque *opaques;
	/* else there are several ways for one packet, and the row names those of the first */
	bool decided = pa_universe_knows_interfaces(trial->host) && pa_evaluation_opaques(trial->e, &opaques) == 0;
	bool lo = row->example.known[PA_FIELD_IIFNAME] && row->example.value[PA_FIELD_IIFNAME] == pa_ifname_value("lo");
	if (!demand(trial, example_is_inside(trial, row, exposure->set), row, "the example is not in its row"))
		return;
	if (lo && (trial->e->plan.output_marks || trial->e->plan.output_ct_marks || trial->e->plan.output_nat))
		return; /* it may bring marks and a flow along, of which the example says nothing */
	if (row->path == PA_PATH_FORWARD && (row->family == 4 ? trial->host->forward_ipv4 : trial->host->forward_ipv6) == PA_NO)
		return;
	pa_walker_walk(trial->walker, &row->example, row->path == PA_PATH_OUT || !row->has_target, &walk);
	/* to where a packet is translated may depend although it gets in; of an unknown host rows speak of the usual types */
	bool typed = walk.condition && strstr(walk.condition, "fib ") && !known;
	bool sure = row->certainty == PA_CERTAIN && (known || row->path == PA_PATH_IN) && !typed &&
		    !has_translations(trial->ruleset);
	/* two questions about one unknown value are two variables of the diagrams: possible may be too wide there */
	bool wide = row->certainty == PA_POSSIBLE && !pa_universe_knows_interfaces(trial->host);
	demand(trial, wide || walk.fate == PA_FATE_ACCEPT || (!sure && walk.fate == PA_FATE_DEPENDS), row,
	       walk.fate == PA_FATE_DEPENDS ? "a certain row's example depends" : "the example does not get in");
	if (walk.fate == PA_FATE_ACCEPT) {
		demand(trial, walk.path == row->path, row, "the example gets in on another path");
		check_target(trial, row, &walk);
		if (row->rules_complete && decided)
			check_rules(trial, row, &walk);
	}
	rows_seen++;
	possible_seen += row->certainty == PA_POSSIBLE;
	pa_walk_done(&walk);
}

/* --- trials --- */

static void check_path(struct trial *trial, enum pa_path path)
{
	const struct pa_exposure *exposures;
	const struct pa_row *rows;
	struct pa_space *space = pa_evaluation_space(trial->e);
	pa_set certain = pa_set_empty(space), all = certain;
	size_t count = pa_evaluation_exposures(trial->e, path, &exposures);
	for (size_t i = 0; i < count; i++) {
		all = pa_set_union(space, all, exposures[i].set);
		if (exposures[i].certainty == PA_CERTAIN)
			certain = pa_set_union(space, certain, exposures[i].set);
		size_t row_count = pa_evaluation_rows(trial->e, &exposures[i], exposures[i].set, true, 0, &rows);
		check_boxes(trial, &exposures[i], rows, row_count);
		for (size_t k = 0; k < row_count && k < 40; k++)
			check_example(trial, &exposures[i], &rows[k]);
	}
	demand(trial, pa_set_equal(space, certain, pa_evaluation_reachable(trial->e, path, PA_CERTAIN)), NULL,
	       "certain exposures are not what is certain");
	demand(trial, pa_set_equal(space, all, pa_evaluation_reachable(trial->e, path, PA_POSSIBLE)), NULL,
	       "exposures are not what is possible");
	demand(trial, !pa_space_failed(space), NULL, "the space failed");
}

static void run_trial(struct trial *trial)
{
	struct pa_diags diags = { 0 };
	trial->problem = NULL;
	trial->e = pa_evaluate(trial->ruleset, trial->host, NULL, 0, &diags);
	if (demand(trial, trial->e != NULL, NULL, "not evaluated")) {
		trial->walker = pa_walker_new(trial->ruleset, trial->host);
		for (unsigned path = 0; path < 3; path++)
			check_path(trial, (enum pa_path)path);
		pa_walker_free(trial->walker);
	}
	pa_diags_done(&diags);
}

static bool same_problem(struct trial *trial, const char *problem)
{
	run_trial(trial);
	pa_evaluation_free(trial->e);
	return trial->problem == problem;
}

static void minimise(struct trial *trial)
{
	const char *problem = trial->problem;
	for (size_t t = 0; t < trial->ruleset->table_count; t++) {
		bool old = trial->ruleset->tables[t]->dormant;
		trial->ruleset->tables[t]->dormant = true;
		if (!same_problem(trial, problem))
			trial->ruleset->tables[t]->dormant = old;
	}
	for (size_t i = 0; i < trial->ruleset->rule_count; i++) {
		struct pa_rule *rule = trial->ruleset->rules[i];
		size_t count = rule->step_count;
		rule->step_count = 0;
		if (!same_problem(trial, problem))
			rule->step_count = count;
		for (size_t s = 0; s < rule->step_count; s++) {
			struct pa_step old = rule->steps[s];
			rule->steps[s] = (struct pa_step){ .kind = PA_STEP_NONE, .text = "" };
			if (!same_problem(trial, problem))
				rule->steps[s] = old;
		}
	}
	write_texts(trial->ruleset);
}

static void report(struct trial *trial)
{
	struct pa_buffer text = { 0 };
	pa_evaluation_free(trial->e);
	minimise(trial);
	run_trial(trial);
	print_rules(trial->ruleset, &text);
	fprintf(stderr, "seed %lu: %s; addresses %s%s, route_localnet %d, forwarding %d %d\n%s", trial->seed, trial->problem,
		trial->host->addresses_known ? "known" : "unknown",
		pa_universe_knows_interfaces(trial->host) ? " with interfaces" : "", trial->host->route_localnet,
		trial->host->forward_ipv4, trial->host->forward_ipv6, text.data);
	if (trial->row.example.family) {
		struct pa_walk walk;
		pa_walk(trial->ruleset, trial->host, &trial->row.example,
			trial->row.path == PA_PATH_OUT || !trial->row.has_target, &walk);
		print_row(&trial->row, &walk);
		pa_walk_done(&walk);
	}
	pa_buffer_done(&text);
}

START_TEST(test_rows)
{
	unsigned bad = 0;
	for (unsigned long i = 0; i < rounds && bad < 8; i++) {
		struct trial trial = { .seed = first_seed + i, .ruleset = random_ruleset(first_seed + i) };
		trial.host = random_host();
		run_trial(&trial);
		if (trial.problem) {
			bad++;
			report(&trial);
		}
		pa_evaluation_free(trial.e);
		pa_host_free(trial.host);
		pa_ruleset_free(trial.ruleset);
	}
	fprintf(stderr, "%u rows, %u possible, %u translated, %u with rules\n", rows_seen, possible_seen, targets_seen,
		rules_seen);
	ck_assert_uint_eq(bad, 0);
	ck_assert_uint_gt(rows_seen, rounds);
	ck_assert_uint_gt(rules_seen, rounds / 20);
	ck_assert_uint_gt(targets_seen, rounds / 50);
	ck_assert_uint_gt(possible_seen, rounds / 50);
}
END_TEST

int main(int argc, char **argv)
{
	return property_main(argc, argv, "rows", test_rows, &rounds, &first_seed);
}
