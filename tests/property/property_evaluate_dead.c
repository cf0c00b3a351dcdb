/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_evaluate pa_space pa_ir pa_base pa_host
/* Random rulesets: a rule that is reported dead is never taken or passed through by the walk of any packet, in whatever state. */
#include "portaudit/evaluate.h"
#include "property.h"
#include "random_packets.h"

#include <check.h>

static unsigned long rounds = 1500, first_seed = 1;
#define PACKETS 150

static unsigned dead_seen, live_seen;

static void note_state(struct pa_packet *packet)
{
	/* what NAT made of a flow that exists is open to the walk: it then allows answers that do not go together */
	static const pa_u128 states[] = { PA_CT_INVALID, PA_CT_NEW, PA_CT_UNTRACKED };
	if (draw(2))
		return;
	packet->known[PA_FIELD_CT_STATE] = true;
	packet->value[PA_FIELD_CT_STATE] = PICK(states);
	packet->value[PA_FIELD_MARK] = packet->value[PA_FIELD_CT_MARK] = draw(4);
}

static bool translates(const struct pa_rule *rule)
{
	for (size_t s = 0; s < rule->step_count; s++) {
		if (rule->steps[s].kind == PA_STEP_NAT)
			return true;
	}
	return false;
}

static bool is_guessed(const struct pa_walk *walk, const char *text)
{
	for (size_t i = 0; text && i < walk->assumption_count; i++)
		if (walk->assumptions[i].holds && strcmp(walk->assumptions[i].text, text) == 0)
			return true;
	return false;
}

/* An unknown value that was taken for two: the walk does not hold the guesses of a rule against each other. */
static bool guesses_twice(const struct pa_walk *walk, const struct pa_rule *rule)
{
	unsigned guessed = 0;
	for (size_t i = 0; i < rule->step_count; i++)
		guessed += rule->steps[i].kind == PA_STEP_MATCH && is_guessed(walk, rule->steps[i].text);
	return guessed > 1;
}

/* The first rule of the walk that is called dead and yet does something. */
static const struct pa_rule *dead_at_work(const struct pa_walk *walk, const bool *dead)
{
	for (size_t i = 0; i < walk->step_count; i++) {
		const struct pa_walk_step *step = &walk->steps[i];
		bool works = step->rule && (step->outcome == PA_WALK_MATCHED || step->outcome == PA_WALK_PASSED);
		live_seen += works;
		if (works && dead[step->rule->id] && !guesses_twice(walk, step->rule))
			return step->rule;
		if (works && translates(step->rule))
			return NULL; /* addresses that NAT chooses are open as well */
	}
	return NULL;
}

static void report(const struct pa_ruleset *ruleset, const struct pa_rule *rule, const struct pa_packet *packet,
		   unsigned long seed)
{
	struct pa_buffer text = { 0 };
	print_rules(ruleset, &text);
	pa_buffer_printf(&text, "dead: %s %s, rule %u: %s\npacket:", rule->chain->table->name, rule->chain->name, rule->index,
			 rule->text);
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		if (!packet->known[f])
			continue;
		pa_buffer_printf(&text, " %s ", pa_field_info((enum pa_field)f)->name);
		put_value(&text, (enum pa_field)f, (struct pa_interval){ packet->value[f], packet->value[f] });
	}
	fprintf(stderr, "seed %lu:\n%s\n", seed, text.data);
	pa_buffer_done(&text);
}

/* Of an unknown host the walk leaves more open than there is; so it does where interfaces lie on top of others. */
static struct pa_host *known_host(void)
{
	static const char *const none[] = { NULL };
	static const struct pa_host_link alone[] = { { .name = "lo", .lower = none, .flat = true },
						     { .name = "eth0", .lower = none, .flat = true },
						     { .name = "eth1", .lower = none, .flat = true },
						     { .name = "br-a", .lower = none, .flat = true },
						     { .name = "br-b", .lower = none, .flat = true } };
	struct pa_host *host = random_host();
	while (!host->addresses_known || !host->addresses[0].interface) {
		pa_host_free(host);
		host = random_host();
	}
	host->links_known = true;
	host->link_count = sizeof(alone) / sizeof(alone[0]);
	host->links = pa_arena_dup(host->arena, alone, host->link_count, sizeof(alone[0]));
	return host;
}

static bool run_seed(unsigned long seed)
{
	struct pa_diags diags = { 0 };
	struct pa_ruleset *ruleset = random_ruleset(seed);
	struct pa_host *host = known_host();
	struct pa_evaluation *e = pa_evaluate(ruleset, host, NULL, 0, &diags);
	struct pa_walker *walker = pa_walker_new(ruleset, host);
	const struct pa_dead_rule *rules;
	const struct pa_rule *wrong = NULL;
	bool *dead = pa_xcalloc(ruleset->rule_count + 1, sizeof(*dead));
	ck_assert_ptr_nonnull(e);
	size_t count = pa_evaluation_dead_rules(e, &rules);
	for (size_t i = 0; i < count; i++)
		dead[rules[i].rule->id] = true;
	dead_seen += (unsigned)count;
	for (unsigned i = 0; i < PACKETS && count && !wrong; i++) {
		struct pa_packet packet = random_packet((enum pa_path)draw(3));
		struct pa_walk walk;
		note_state(&packet);
		pa_walker_walk(walker, &packet, packet.path == PA_PATH_OUT, &walk);
		wrong = dead_at_work(&walk, dead);
		if (wrong)
			report(ruleset, wrong, &packet, seed);
		pa_walk_done(&walk);
	}
	free(dead);
	pa_walker_free(walker);
	pa_evaluation_free(e);
	pa_host_free(host);
	pa_ruleset_free(ruleset);
	pa_diags_done(&diags);
	return !wrong;
}

START_TEST(test_dead_rules_do_nothing)
{
	unsigned bad = 0;
	for (unsigned long i = 0; i < rounds && bad < 5; i++)
		bad += !run_seed(first_seed + i);
	fprintf(stderr, "%u dead rules, %u rules at work\n", dead_seen, live_seen);
	ck_assert_uint_eq(bad, 0);
	ck_assert_uint_gt(dead_seen, rounds / 10);
	ck_assert_uint_gt(live_seen, rounds);
}
END_TEST

int main(int argc, char **argv)
{
	return property_main(argc, argv, "dead", test_dead_rules_do_nothing, &rounds, &first_seed);
}
