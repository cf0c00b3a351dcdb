/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_repair pa_compare pa_evaluate pa_space pa_allow pa_ir pa_base pa_host
/*
 * Repairs of random rulesets: what is claimed of an edit holds for every packet that is walked through the rules before and after. A
 * repair that closes lets nothing in that did not get in, one that opens refuses nothing, one of a dead rule changes nothing; an
 * exact one changes only packets of the finding; and the finding's example fares otherwise then.
 */
#include "packet_ends.h"
#include "property.h"
#include "repair/trial.h"

#include <check.h>

static unsigned long rounds = 24, first_seed = 1;
#define PACKETS 60

struct claim {
	const struct pa_finding *finding;
	const struct pa_repair *repair;
	struct pa_evaluation *evaluation; /* of the ruleset as it is */
	struct pa_walker *walkers[2];
	bool has_nat;
};
static unsigned repairs, walked, differing, kinds[PA_EDIT_POLICY + 1];

/* In the region, for some type that the addresses may have? -1: no such packet arrives. */
static int in_region(const struct claim *claim, const struct pa_packet *packet)
{
	struct pa_evaluation *e = claim->evaluation;
	uint32_t classes[PA_FIELD_COUNT];
	int result = -1;
	pa_node universe = universe_of(e, packet->path);
	class_numbers(e, packet, classes);
	for (unsigned i = 0; i < 125; i++) {
		unsigned types[] = { 1 + i % 5, 1 + i / 5 % 5, 1 + i / 25 };
		for (unsigned f = 0; f < 3; f++)
			classes[type_fields[f]] = pa_classes_find(pa_space_classes(e->space, type_fields[f]), types[f]);
		if (!has_next(e, universe, classes))
			continue;
		result = result < 0 ? 0 : result;
		if (has_next(e, claim->finding->region.node, classes))
			result = 1;
	}
	return result;
}

static bool holds(const struct ends *ends, const struct end *end)
{
	for (size_t i = 0; i < ends->count; i++)
		if (memcmp(&ends->items[i], end, sizeof(*end)) == 0)
			return true;
	return false;
}

/* Every way in that there is on one side is there on the other. */
static bool is_within(const struct ends *inner, const struct ends *outer)
{
	for (size_t i = 0; i < inner->count; i++)
		if (inner->items[i].kind == END_ACCEPT && !holds(outer, &inner->items[i]))
			return false;
	return true;
}

static bool is_exact_region(const struct claim *claim)
{
	const struct aim *aim = repair_aim(claim->finding->check);
	return claim->repair->exact && aim->scope == SCOPE_REGION && claim->finding->has_region;
}

/* NULL: the claim holds for the packet. */
static const char *broken_by(struct claim *claim, const struct pa_packet *packet, enum pa_scenario scenario)
{
	const struct pa_repair *repair = claim->repair;
	struct ends ends[2];
	memset(ends, 0, sizeof(ends));
	if (claim->has_nat && scenario != PA_SCENARIO_NEW && scenario != PA_SCENARIO_INVALID)
		return NULL; /* the walk knows that flows may have been translated before */
	for (unsigned i = 0; i < 2; i++) {
		if (!walk_ends(claim->walkers[i], packet, scenario, &ends[i]) || ends[i].count == 64)
			return NULL;
		forget_rejects(&ends[i]);
	}
	walked++;
	if (ends[0].count == ends[1].count && memcmp(ends[0].items, ends[1].items, sizeof(ends[0].items)) == 0)
		return NULL;
	int inside = in_region(claim, packet);
	if (inside < 0 && scenario == PA_SCENARIO_NEW)
		return NULL;
	differing++;
	if (!repair->opens && !repair->closes)
		return "nothing was to change";
	if (!repair->opens && !is_within(&ends[1], &ends[0]))
		return "it gets in now";
	if (!repair->closes && !is_within(&ends[0], &ends[1]))
		return "it gets in no longer";
	if (scenario == PA_SCENARIO_NEW && is_exact_region(claim) && inside == 0)
		return "it is no packet of the finding";
	return NULL;
}

static void report(const struct claim *claim, const struct pa_ruleset *const rulesets[2], const struct pa_packet *packet,
		   enum pa_scenario scenario, const char *what, unsigned long seed)
{
	struct pa_buffer text = { 0 };
	fprintf(stderr, "seed %lu: %s: %s\n  edit %d of rule %s, closes %s, opens %s, scenario %u: %s\n", seed,
		pa_check_info(claim->finding->check)->code, claim->finding->message, (int)claim->repair->edit.kind,
		claim->repair->edit.rule ? claim->repair->edit.rule->text : "-",
		claim->repair->closes ? claim->repair->closes : "-", claim->repair->opens ? claim->repair->opens : "-",
		scenario, what);
	for (unsigned i = 0; i < 2; i++) {
		struct ends ends = { .count = 0 };
		pa_buffer_clear(&text);
		pa_ruleset_print(rulesets[i], &text);
		fprintf(stderr, "--- %s\n%s", i ? "new" : "old", text.data);
		walk_ends(claim->walkers[i], packet, scenario, &ends);
		print_ends(i ? "new" : "old", &ends);
	}
	for (unsigned f = 0; f < PA_FIELD_COUNT && f <= PA_FIELD_TTL; f++) {
		pa_buffer_clear(&text);
		put_value(&text, (enum pa_field)f, (struct pa_interval){ packet->value[f], packet->value[f] });
		fprintf(stderr, " %s %s", pa_field_info((enum pa_field)f)->name, text.data);
	}
	fprintf(stderr, " path %u\n", packet->path);
	pa_buffer_done(&text);
}

/* Often like the finding's example, but for some fields. */
static struct pa_packet draw_packet(const struct pa_finding *finding)
{
	struct pa_packet packet = random_packet((enum pa_path)draw(3));
	if (!finding->has_packet || draw(3) == 0)
		return packet;
	struct pa_packet near = finding->packet;
	for (unsigned f = 0; f < PA_FIELD_COUNT; f++) {
		if (!packet.known[f])
			near.known[f] = false;
		else if (!near.known[f] || (draw(12) == 0 && near.family == packet.family && f != PA_FIELD_NFPROTO))
			near.value[f] = packet.value[f];
		if (packet.known[f])
			near.known[f] = true;
	}
	return near;
}

static bool keeps(struct claim *claim, const struct pa_ruleset *ruleset, const struct pa_host *host, unsigned long seed)
{
	struct pa_ruleset *edited = edit_apply(ruleset, &claim->repair->edit);
	const struct pa_ruleset *const rulesets[2] = { ruleset, edited };
	bool good = true;
	ck_assert_ptr_nonnull(edited);
	repairs++;
	kinds[claim->repair->edit.kind]++;
	for (unsigned i = 0; i < 2; i++)
		claim->walkers[i] = pa_walker_new(rulesets[i], host);
	for (unsigned i = 0; i < PACKETS && good; i++) {
		struct pa_packet packet = draw_packet(claim->finding);
		enum pa_scenario scenario = draw(3) ? PA_SCENARIO_NEW : (enum pa_scenario)draw(PA_SCENARIOS);
		const char *what = broken_by(claim, &packet, scenario);
		good = !what;
		if (what)
			report(claim, rulesets, &packet, scenario, what, seed);
	}
	for (unsigned i = 0; i < 2; i++)
		pa_walker_free(claim->walkers[i]);
	pa_ruleset_free(edited);
	return good;
}

static bool has_nat_chain(const struct pa_ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->chain_count; i++)
		if (ruleset->chains[i]->is_base && ruleset->chains[i]->type == PA_CHAIN_NAT)
			return true;
	return false;
}

/* --- plain rulesets: a chain that accepts services and drops the rest, which is what is narrowed ------------------------------- */

static void add_test(struct pa_ruleset *ruleset, struct pa_rule *rule, enum pa_field field, const struct pa_interval *values,
		     size_t count, const char *text)
{
	struct pa_step *step = &rule->steps[rule->step_count++];
	struct pa_elements *elements = pa_arena_alloc(ruleset->arena, 1, sizeof(*elements));
	struct pa_key_part *part = pa_arena_alloc(ruleset->arena, 1, sizeof(*part));
	*part = (struct pa_key_part){ .field = field, .mask = pa_field_max(field) };
	*elements = (struct pa_elements){ .parts = 1, .sorted = true, .count = count };
	elements->keys = pa_arena_dup(ruleset->arena, values, count, sizeof(*values));
	*step = (struct pa_step){ .kind = PA_STEP_MATCH, .text = text, .implied = !text };
	step->key.count = 1;
	step->key.parts = part;
	step->elements = elements;
}

static void add_service(struct pa_ruleset *ruleset, struct pa_chain *chain)
{
	static const struct pa_interval ports[] = { { 22, 22 },	  { 53, 53 },	  { 80, 80 },
						    { 443, 443 }, { 3306, 3306 }, { 8000, 9000 } };
	struct pa_rule *rule = pa_chain_add_rule(ruleset, chain);
	unsigned first = draw(5), count = 1 + draw(6 - first);
	pa_u128 protocol = draw(3) ? 6 : 17, family = PA_NFPROTO_IPV4, name = pa_ifname_value(draw(2) ? "eth0" : "eth1");
	struct pa_interval prefix = { PA_IPV4_BASE | 0x0a000000u, PA_IPV4_BASE | 0x0affffffu };
	rule->steps = pa_arena_alloc(ruleset->arena, 8, sizeof(*rule->steps));
	rule->text = "a service";
	if (draw(3) == 0)
		add_test(ruleset, rule, PA_FIELD_IIFNAME, &(struct pa_interval){ name, name }, 1, "iifname x");
	if (draw(3) == 0) {
		add_test(ruleset, rule, PA_FIELD_NFPROTO, &(struct pa_interval){ family, family }, 1, NULL);
		add_test(ruleset, rule, PA_FIELD_SADDR, &prefix, 1, "ip saddr 10.0.0.0/8");
	}
	add_test(ruleset, rule, PA_FIELD_L4PROTO, &(struct pa_interval){ protocol, protocol }, 1, NULL);
	add_test(ruleset, rule, PA_FIELD_DPORT, &ports[first], count, "tcp dport { x }");
	rule->steps[rule->step_count++] = (struct pa_step){
		.kind = PA_STEP_VERDICT, .text = "accept", .verdict = { .kind = draw(6) ? PA_VERDICT_ACCEPT : PA_VERDICT_DROP }
	};
}

static struct pa_ruleset *plain_ruleset(unsigned long seed)
{
	struct pa_ruleset *ruleset = random_ruleset(seed); /* seeds the draws */
	pa_ruleset_free(ruleset);
	ruleset = pa_ruleset_new();
	struct pa_chain *chain = pa_table_add_chain(ruleset, pa_ruleset_add_table(ruleset, PA_FAMILY_INET, "filter"), "input");
	chain->is_base = true;
	chain->hook = PA_HOOK_INPUT;
	chain->policy = PA_VERDICT_DROP;
	for (unsigned i = 2 + draw(5); i > 0; i--)
		add_service(ruleset, chain);
	pa_ruleset_finish(ruleset);
	return ruleset;
}

/* What random rules let in is partly declared, partly forbidden: rules are to be narrowed. */
static struct pa_policy *some_policy(void)
{
	static const char *const texts[] = {
		"allow 22,80/tcp from 10.0.0.0/8\nallow any/udp from any on eth0\nallow any/icmp, any/icmpv6 from any\n",
		"allow any from any on eth1\nallow 22/tcp, 53/udp from any\ndeny 80/tcp from 10.0.0.0/8\nrequire 22/tcp from 192.0.2.0/24\n",
		"allow ipv6 any from any\nallow 22-80/tcp from any\nallow forward any from 10.0.0.0/8\n",
		"allow any/tcp from any except 198.51.100.0/24\nallow 53,443/udp from any port 1024-65535\nallow forward any/tcp from any on eth0\n",
	};
	struct pa_diags diags = { 0 };
	const char *text = texts[draw(4)];
	struct pa_policy *policy = pa_policy_parse(text, strlen(text), "policy", "host", NULL, &diags);
	ck_assert_msg(policy != NULL, "%s", diags.count ? diags.items[0].message : text);
	pa_diags_done(&diags);
	return policy;
}

static bool run_seed(unsigned long seed)
{
	struct pa_ruleset *ruleset = seed % 4 == 3 ? plain_ruleset(seed) : random_ruleset(seed);
	struct pa_policy *policy = seed % 2 ? some_policy() : NULL;
	struct pa_host *host = random_host();
	struct pa_arena *arena = pa_arena_new();
	struct pa_diags diags = { 0 };
	struct pa_cut *cuts;
	bool good = true;
	host->forward_ipv4 = host->forward_ipv6 = PA_YES;
	size_t count = pa_policy_cuts(policy, host, ruleset, arena, &cuts);
	struct pa_evaluation *evaluation = pa_evaluate(ruleset, host, cuts, count, &diags);
	if (evaluation) {
		const struct pa_compare_options compare = { .now = 0 };
		const struct pa_repair_options options = { .evaluation = evaluation, .policy = policy, .compare = &compare };
		struct pa_result *result = pa_compare(evaluation, ruleset, host, policy, &compare);
		pa_suggest(result, ruleset, host, &options);
		for (size_t i = 0; i < result->finding_count && good; i++) {
			const struct pa_suggestion *suggestion = result->findings[i].suggestion;
			ck_assert(suggestion && (suggestion->count > 0) != (suggestion->none != NULL));
			for (size_t k = 0; k < suggestion->count && good; k++) {
				struct claim claim = { .finding = &result->findings[i],
						       .repair = &suggestion->repairs[k],
						       .evaluation = evaluation,
						       .has_nat = has_nat_chain(ruleset) };
				good = keeps(&claim, ruleset, host, seed);
			}
		}
		pa_result_free(result);
	}
	pa_evaluation_free(evaluation);
	pa_diags_done(&diags);
	pa_arena_free(arena);
	pa_policy_free(policy);
	pa_host_free(host);
	pa_ruleset_free(ruleset);
	return good;
}

START_TEST(test_repairs)
{
	unsigned bad = 0;
	for (unsigned long i = 0; i < rounds && bad < 3; i++)
		bad += !run_seed(first_seed + i);
	printf("%u repairs (%u deletions, %u narrowed, %u moved, %u added, %u policies), %u packets walked, %u fared otherwise\n",
	       repairs, kinds[PA_EDIT_DELETE], kinds[PA_EDIT_NARROW], kinds[PA_EDIT_MOVE], kinds[PA_EDIT_INSERT],
	       kinds[PA_EDIT_POLICY], walked, differing);
	ck_assert_uint_eq(bad, 0);
	ck_assert_uint_gt(repairs, rounds / 4);
	ck_assert_uint_gt(differing, rounds / 4);
	ck_assert_uint_gt(kinds[PA_EDIT_NARROW], rounds / 20);
}
END_TEST

int main(int argc, char **argv)
{
	return property_main(argc, argv, "repair", test_repairs, &rounds, &first_seed);
}
