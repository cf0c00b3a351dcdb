/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_evaluate pa_space pa_ir pa_base pa_host
/*
 * Random changes of random rulesets: a packet fares otherwise, as two walks say, exactly when it is in a delta of the pair. Where
 * questions are open, the walks give several ends each, which may be the same ones on other conditions: then only one way round.
 */
#include "packet_ends.h"
#include "property.h"

#include <check.h>

static unsigned long rounds = 600, first_seed = 1;
#define PACKETS 40

/* --- changes ---------------------------------------------------------------------------------------------------- */

static struct pa_rule *some_rule(struct pa_ruleset *ruleset)
{
	return ruleset->rules[draw((unsigned)ruleset->rule_count)];
}

static void change_verdict(struct pa_rule *rule)
{
	for (size_t k = 0; k < rule->step_count; k++) {
		struct pa_step *step = &rule->steps[k];
		if (step->kind != PA_STEP_VERDICT || step->verdict.target)
			continue;
		step->verdict.kind = step->verdict.kind == PA_VERDICT_ACCEPT ? PA_VERDICT_DROP : PA_VERDICT_ACCEPT;
		return;
	}
	rule->step_count = 0;
}

static void change_test(struct pa_rule *rule)
{
	for (size_t k = 0; k < rule->step_count; k++) {
		struct pa_step *step = &rule->steps[k];
		if (step->kind != PA_STEP_MATCH || step->implied)
			continue;
		step->negated = !step->negated;
		return;
	}
}

/* Only rules of one chain without jumps, so that nothing is jumped to that comes later. */
static void swap_rules(struct pa_ruleset *ruleset)
{
	struct pa_rule *rule = some_rule(ruleset), *other = some_rule(ruleset);
	struct pa_step *steps = rule->steps;
	size_t count = rule->step_count;
	if (rule->chain != other->chain)
		return;
	rule->steps = other->steps;
	rule->step_count = other->step_count;
	other->steps = steps;
	other->step_count = count;
}

static void change(struct pa_ruleset *ruleset)
{
	struct pa_chain *chain = ruleset->chains[draw((unsigned)ruleset->chain_count)];
	switch (draw(7)) {
	case 0:
	case 1:
		some_rule(ruleset)->step_count = 0;
		break;
	case 2:
		change_verdict(some_rule(ruleset));
		break;
	case 3:
		change_test(some_rule(ruleset));
		break;
	case 4:
		swap_rules(ruleset);
		break;
	case 5:
		if (chain->is_base)
			chain->policy = chain->policy == PA_VERDICT_ACCEPT ? PA_VERDICT_DROP : PA_VERDICT_ACCEPT;
		break;
	case 6:
		ruleset->tables[draw((unsigned)ruleset->table_count)]->dormant = true;
		break;
	}
	write_texts(ruleset);
}

/* --- the comparison ---------------------------------------------------------------------------------------------- */

struct trial {
	struct pa_ruleset *rulesets[2];
	struct pa_host *host;
	struct pa_evaluation *pair[2];
	struct pa_walker *walkers[2];
	pa_node deltas[PA_SCENARIOS][3];
	pa_node reach[PA_SCENARIOS][3]; /* of them those in which packets get in that did not, or the other way round */
	bool sure;			/* nothing is open: the same ends are the same fate */
};

static bool begin_trial(struct trial *trial)
{
	struct pa_diags diags = { 0 };
	const struct pa_ruleset *const rulesets[2] = { trial->rulesets[0], trial->rulesets[1] };
	bool good = pa_evaluate_pair(rulesets, trial->host, NULL, 0, &diags, trial->pair);
	pa_diags_done(&diags);
	for (unsigned i = 0; i < 2 && good; i++)
		trial->walkers[i] = pa_walker_new(trial->rulesets[i], trial->host);
	for (unsigned s = 0; s < PA_SCENARIOS && good; s++) {
		for (unsigned path = 0; path < 3; path++) {
			struct pa_delta deltas[PA_DELTAS_MAX];
			size_t count = pa_evaluation_delta(trial->pair, (enum pa_path)path, (enum pa_scenario)s, deltas);
			ck_assert_uint_le(count, PA_DELTAS_MAX);
			trial->deltas[s][path] = trial->reach[s][path] = PA_FALSE;
			for (size_t i = 0; i < count; i++) {
				ck_assert(pa_node_and(trial->pair[0]->space, trial->deltas[s][path], deltas[i].set.node) ==
					  PA_FALSE);
				trial->deltas[s][path] =
					pa_node_or(trial->pair[0]->space, trial->deltas[s][path], deltas[i].set.node);
				if (deltas[i].kind == PA_DELTA_OPENS || deltas[i].kind == PA_DELTA_CLOSES)
					trial->reach[s][path] =
						pa_node_or(trial->pair[0]->space, trial->reach[s][path], deltas[i].set.node);
			}
		}
	}
	trial->sure = good && trial->pair[0]->terms->variable_count == 0 && pa_universe_knows_interfaces(trial->host);
	return good;
}

static void end_trial(struct trial *trial)
{
	for (unsigned i = 0; i < 2; i++) {
		pa_evaluation_free(trial->pair[i]);
		pa_walker_free(trial->walkers[i]);
		pa_ruleset_free(trial->rulesets[i]);
	}
	pa_host_free(trial->host);
}

/* In a delta, for some type that the destination may have? -1: no such packet arrives in this scenario. */
static int in_delta(struct trial *trial, const struct pa_packet *packet, enum pa_scenario scenario,
		    pa_node sets[PA_SCENARIOS][3])
{
	struct pa_evaluation *e = trial->pair[1];
	uint32_t classes[PA_FIELD_COUNT];
	int result = -1;
	pa_node universe = scenario == PA_SCENARIO_NEW ? universe_of(e, packet->path) : pa_universe_path(e, packet->path);
	class_numbers(e, packet, classes);
	for (unsigned i = 0; i < 125; i++) {
		unsigned types[] = { 1 + i % 5, 1 + i / 5 % 5, 1 + i / 25 };
		for (unsigned f = 0; f < 3; f++)
			classes[type_fields[f]] = pa_classes_find(pa_space_classes(e->space, type_fields[f]), types[f]);
		if (!has_next(e, universe, classes))
			continue;
		result = result < 0 ? 0 : result;
		for (unsigned path = 0; path < 3; path++) {
			if ((packet->path == PA_PATH_OUT) == (path == PA_PATH_OUT) &&
			    has_next(e, sets[scenario][path], classes))
				result = 1;
		}
	}
	return result;
}

static bool has_step(const struct pa_ruleset *ruleset, enum pa_step_kind kind, enum pa_field field)
{
	for (size_t i = 0; i < ruleset->rule_count; i++) {
		for (size_t k = 0; k < ruleset->rules[i]->step_count; k++) {
			const struct pa_step *step = &ruleset->rules[i]->steps[k];
			if (step->kind == kind && step->field == field)
				return true;
		}
	}
	return false;
}

static bool has_nat_chain(const struct pa_ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		if (ruleset->chains[i]->is_base && ruleset->chains[i]->type == PA_CHAIN_NAT)
			return true;
	}
	return false;
}

/*
 * The walk knows that a flow may have been translated before; the sets of these scenarios speak of flows that were not. An untracked
 * packet is one that notrack met before all rules, for the sets; for the walk it is invalid until conntrack runs, and may get a zone.
 */
static bool means_other_packets(const struct trial *trial, enum pa_scenario scenario)
{
	bool nat = false, zone = false;
	for (unsigned i = 0; i < 2; i++) {
		nat = nat || has_nat_chain(trial->rulesets[i]);
		zone = zone || has_step(trial->rulesets[i], PA_STEP_ASSIGN, PA_FIELD_CT_STATE);
	}
	switch (scenario) {
	case PA_SCENARIO_NEW:
	case PA_SCENARIO_INVALID:
		return false;
	case PA_SCENARIO_REPLY:
	case PA_SCENARIO_RELATED:
	case PA_SCENARIO_ESTABLISHED:
		return nat;
	case PA_SCENARIO_UNTRACKED:
		break;
	}
	return zone;
}

static unsigned differing, same, same_sure;

/* false: the walks and the delta do not agree */
static bool compare(struct trial *trial, const struct pa_packet *packet, enum pa_scenario scenario)
{
	struct ends ends[2];
	int told = in_delta(trial, packet, scenario, trial->deltas);
	memset(ends, 0, sizeof(ends));
	if (told < 0 || means_other_packets(trial, scenario))
		return true;
	for (unsigned i = 0; i < 2; i++) {
		if (!walk_ends(trial->walkers[i], packet, scenario, &ends[i]) || ends[i].count == 64)
			return true;
		forget_rejects(&ends[i]); /* how a refusal is answered is told, but is no matter of what gets in */
	}
	bool differ = ends[0].count != ends[1].count || memcmp(ends[0].items, ends[1].items, sizeof(ends[0].items)) != 0;
	differing += differ;
	same += !differ;
	if (differ)
		return told == 1;
	/* the source and marks that a packet leaves with are part of its fate, but not of an end: here it is only asked what gets in */
	if (!trial->sure || ends[0].count != 1 || scenario == PA_SCENARIO_RELATED)
		return true;
	same_sure++;
	return in_delta(trial, packet, scenario, trial->reach) == 0;
}

static void report(struct trial *trial, const struct pa_packet *packet, enum pa_scenario scenario, unsigned long seed)
{
	struct pa_buffer text = { 0 };
	for (unsigned i = 0; i < 2; i++) {
		pa_buffer_puts(&text, i ? "--- new\n" : "--- old\n");
		pa_ruleset_print(trial->rulesets[i], &text);
	}
	fprintf(stderr, "seed %lu, scenario %u, told %d\n%s", seed, scenario, in_delta(trial, packet, scenario, trial->deltas),
		text.data);
	for (unsigned f = 0; f < PA_FIELD_COUNT && f <= PA_FIELD_TTL; f++) {
		pa_buffer_clear(&text);
		put_value(&text, (enum pa_field)f, (struct pa_interval){ packet->value[f], packet->value[f] });
		fprintf(stderr, " %s %s", pa_field_info((enum pa_field)f)->name, text.data);
	}
	fprintf(stderr, " path %u\n", packet->path);
	for (unsigned i = 0; i < 2; i++) {
		struct ends ends = { .count = 0 };
		walk_ends(trial->walkers[i], packet, scenario, &ends);
		print_ends(i ? "new" : "old", &ends);
	}
	pa_buffer_done(&text);
}

static bool run_seed(unsigned long seed)
{
	struct trial trial = { .rulesets = { random_ruleset(seed), random_ruleset(seed) } };
	bool good = true;
	trial.host = random_host();
	/* the deltas speak of the rules: whether the host forwards at all is another question */
	trial.host->forward_ipv4 = trial.host->forward_ipv6 = PA_YES;
	for (unsigned i = trial.rulesets[1]->rule_count ? draw(6) : 0; i > 0; i--)
		change(trial.rulesets[1]);
	if (begin_trial(&trial)) {
		for (unsigned i = 0; i < PACKETS && good; i++) {
			struct pa_packet packet = random_packet((enum pa_path)draw(3));
			enum pa_scenario scenario = draw(2) ? PA_SCENARIO_NEW : (enum pa_scenario)draw(PA_SCENARIOS);
			good = compare(&trial, &packet, scenario);
			if (!good)
				report(&trial, &packet, scenario, seed);
		}
	}
	end_trial(&trial);
	return good;
}

/* Nothing was changed: every diagram is the same, questions included. */
static bool run_unchanged(unsigned long seed)
{
	struct trial trial = { .rulesets = { random_ruleset(seed), random_ruleset(seed) } };
	bool good = true;
	trial.host = random_host();
	if (begin_trial(&trial)) {
		for (unsigned s = 0; s < PA_SCENARIOS; s++) {
			for (unsigned path = 0; path < 3; path++)
				good = good && trial.deltas[s][path] == PA_FALSE;
		}
	}
	if (!good)
		fprintf(stderr, "seed %lu: unchanged, but a delta is not empty\n", seed);
	end_trial(&trial);
	return good;
}

START_TEST(test_deltas)
{
	unsigned bad = 0;
	for (unsigned long i = 0; i < rounds && bad < 5; i++)
		bad += !run_seed(first_seed + i);
	for (unsigned long i = 0; i < rounds / 3 && bad < 5; i++)
		bad += !run_unchanged(first_seed + i);
	fprintf(stderr, "%u packets fare otherwise, %u the same, %u of them for sure\n", differing, same, same_sure);
	ck_assert_uint_eq(bad, 0);
	ck_assert_uint_gt(differing, rounds / 2);
	ck_assert_uint_gt(same_sure, rounds / 4);
}
END_TEST

int main(int argc, char **argv)
{
	return property_main(argc, argv, "delta", test_deltas, &rounds, &first_seed);
}
