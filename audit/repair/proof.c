/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an edit does, proved: the ruleset before and after is evaluated in one space, both are compared with the policy, and every
 * packet that fares otherwise must be one of the finding's own. The finding must be gone and no other may be there that was not.
 *
 * More than the finding's own packets may be closed only where that is told: on lo, and where other findings are closed with it.
 */
#include <string.h>

#include "trial.h"

/* Sets that are told in more pieces than these are not told exactly. */
#define PIECES_MAX 3
#define SAME_ON_LO "the same on lo"

struct trial {
	struct repairing *r;
	const struct pa_finding *finding; /* of the result that is given suggestions */
	const struct aim *aim;
	struct pa_evaluation *pair[2];
	const struct pa_ruleset *rulesets[2];
	struct pa_evaluation *edited; /* the edited ruleset alone */
	struct pa_result *after;      /* what is found then */
	struct pa_result *again;      /* what is found now, with its regions in the space of the pair */
	struct pa_space *space;
	const struct pa_finding *before; /* the finding, among those of `again` */
	pa_set own[PATH_COUNT][PA_SCENARIOS];
	struct proof *proof;
	struct pa_buffer closes, opens;
};

/* --- the comparison again --------------------------------------------------------------------------------------------- */

static const struct pa_finding *find_same(const struct pa_result *result, const struct pa_finding *finding)
{
	for (size_t i = 0; i < result->finding_count; i++)
		if (memcmp(result->findings[i].fingerprint, finding->fingerprint, sizeof(finding->fingerprint)) == 0)
			return &result->findings[i];
	for (size_t i = 0; i < result->waived_count; i++)
		if (memcmp(result->waived[i].fingerprint, finding->fingerprint, sizeof(finding->fingerprint)) == 0)
			return &result->waived[i];
	return NULL;
}

static struct pa_result *compare_side(struct trial *t, struct pa_evaluation *evaluation, int side)
{
	struct pa_compare_options options = *t->r->options->compare;
	struct pa_session_fate session;

	/* these are pairs of their own; an edit of the running rules is no matter of what boot loads */
	options.saved = options.baseline = NULL;
	if (options.session) {
		pa_session_follow(t->rulesets[side], t->r->host, &options.session->session, t->r->scratch, &session);
		options.session = &session;
	}
	return pa_compare(evaluation, t->rulesets[side], t->r->host, t->r->options->policy, &options);
}

/* What the policy, the scan and the checks ask of both rulesets. */
static size_t all_cuts(struct trial *t, struct pa_cut **ret_cuts)
{
	const struct pa_repair_options *options = t->r->options;
	struct pa_cut *parts[2], *all;
	size_t counts[2], count = 0;

	for (int i = 0; i < 2; i++)
		counts[i] = pa_policy_cuts(options->policy, t->r->host, t->rulesets[i], t->r->scratch, &parts[i]);
	all = pa_arena_alloc(t->r->scratch, counts[0] + counts[1] + options->cut_count + 1, sizeof(*all));
	for (int i = 0; i < 2; i++)
		for (size_t k = 0; k < counts[i]; k++)
			all[count++] = parts[i][k];
	for (size_t k = 0; k < options->cut_count; k++)
		all[count++] = options->cuts[k];
	*ret_cuts = all;
	return count;
}

static bool evaluate(struct trial *t)
{
	struct pa_diags diags = { 0 };
	struct pa_cut *cuts;
	size_t count = all_cuts(t, &cuts);
	bool done = pa_evaluate_pair(t->rulesets, t->r->host, cuts, count, &diags, t->pair);

	pa_diags_done(&diags);
	if (!done)
		return false;
	t->space = pa_evaluation_space(t->pair[1]);
	t->again = compare_side(t, t->pair[0], 0);
	return !pa_space_failed(t->space);
}

/* The edited ruleset alone: most edits that do not do are told so by its findings. */
static bool evaluate_after(struct trial *t)
{
	struct pa_diags diags = { 0 };
	struct pa_cut *cuts;
	size_t count = all_cuts(t, &cuts);

	t->edited = pa_evaluate(t->rulesets[1], t->r->host, cuts, count, &diags);
	pa_diags_done(&diags);
	if (!t->edited)
		return false;
	t->after = compare_side(t, t->edited, 1);
	return !pa_space_failed(pa_evaluation_space(t->edited));
}

/* --- the finding's own packets ------------------------------------------------------------------------------------------ */

static struct comparison view(struct trial *t, int side)
{
	return repair_view(t->r, t->pair[side], t->rulesets[side]);
}

static pa_set in_any_state(struct trial *t, pa_set set)
{
	static const enum pa_field fields[] = { PA_FIELD_TCP_FLAGS, PA_FIELD_ICMP_TYPE, PA_FIELD_ICMP_CODE };

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		set = pa_set_project(t->space, set, fields[i]);
	return set;
}

static void own_set(struct trial *t, enum pa_path path, pa_set set)
{
	for (int s = 0; s < PA_SCENARIOS; s++)
		t->own[path][s] = s == PA_SCENARIO_NEW ? set : in_any_state(t, set);
}

static void own_states(struct trial *t, enum pa_path path, unsigned scenarios, pa_set set)
{
	for (int s = 0; s < PA_SCENARIOS; s++)
		if (scenarios & 1u << s)
			t->own[path][s] = set;
}

/* The services of the region, from any source over the family that does not reach them, and the region itself. */
static void own_service(struct trial *t)
{
	static const enum pa_field kept[] = { PA_FIELD_L4PROTO, PA_FIELD_DPORT, PA_FIELD_IIFNAME };
	pa_set set = t->before->region;

	for (int f = 0; f < PA_FIELD_COUNT; f++) {
		bool keep = false;

		for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
			keep = keep || f == (int)kept[i];
		if (!keep)
			set = pa_set_project(t->space, set, (enum pa_field)f);
	}
	own_set(t, t->before->region_path, set);
}

static bool own_statement(struct trial *t)
{
	struct comparison c = view(t, 0);
	const struct pa_statement *statement = t->finding->statement;
	struct region region;

	if (!statement)
		return false;
	region = compare_region(&c, statement, RELAX_NOTHING);
	own_set(t, statement->path, region.set);
	return region.known;
}

static enum pa_path path_of(const struct pa_finding *finding)
{
	return finding->has_region ? finding->region_path : finding->packet.path;
}

static bool set_up_own(struct trial *t)
{
	struct comparison c = { .space = t->space };
	pa_set all = pa_set_full(t->space);
	enum pa_path path = path_of(t->before);
	const unsigned begins = 1u << PA_SCENARIO_NEW | 1u << PA_SCENARIO_UNTRACKED | 1u << PA_SCENARIO_INVALID;

	for (int p = 0; p < PATH_COUNT; p++)
		own_states(t, (enum pa_path)p, ~0u, pa_set_empty(t->space));
	switch (t->aim->scope) {
	case SCOPE_NONE:
		return true;
	case SCOPE_REGION:
		if (t->before->has_region)
			own_set(t, path, t->before->region);
		return t->before->has_region;
	case SCOPE_STATEMENT:
		return own_statement(t);
	case SCOPE_SERVICE:
		if (t->before->has_region)
			own_service(t);
		return t->before->has_region;
	case SCOPE_PATH:
		own_states(t, path, begins, all);
		break;
	case SCOPE_LOOPBACK:
		own_states(t, path, ~0u, compare_loopback(&c, path));
		break;
	case SCOPE_REPLIES:
		own_states(t, path, ~begins, all);
		break;
	case SCOPE_ICMPV6:
		own_states(t, path, ~0u, compare_single(&c, PA_FIELD_L4PROTO, PROTOCOL_ICMPV6, PROTOCOL_ICMPV6));
		break;
	case SCOPE_ALL:
		for (int p = 0; p < PATH_COUNT; p++)
			own_states(t, (enum pa_path)p, ~0u, all);
		return true;
	}
	return t->before->has_packet;
}

/* --- packets in words ------------------------------------------------------------------------------------------------------- */

/* Whether all of it is told. Boxes are put together, unless what lies between them must not be named. */
static bool put_groups(struct comparison *c, struct groups *groups, bool merge, struct pa_buffer *out)
{
	bool exact = groups->count <= PIECES_MAX;

	if (merge)
		groups_merge(c, groups);
	for (size_t i = 0; i < groups->count && i < PIECES_MAX; i++) {
		struct pa_buffer text = { 0 };

		exact = exact && groups->items[i].piece_count <= PIECES_MAX &&
			(!groups->items[i].cut || groups->items[i].apart);
		describe_group(&groups->items[i], &text);
		if (!out->data || !strstr(out->data, text.data))
			pa_buffer_printf(out, "%s%s", out->length > 0 ? "; " : "", text.data);
		pa_buffer_done(&text);
	}
	return exact;
}

static bool is_inside(struct trial *t, pa_set set, pa_set in)
{
	return pa_set_is_empty(t->space, pa_set_minus(t->space, set, in));
}

/* What the packets are told of: with those of lo, which the checks leave out, only where all are of lo. */
static struct comparison teller(struct trial *t, int side, enum pa_path path, pa_set set)
{
	struct comparison c = view(t, side);

	if (path != PA_PATH_OUT && is_inside(t, set, compare_loopback(&c, path)))
		c.scope[path] = pa_evaluation_universe(t->pair[side], path);
	return c;
}

/* Packets that get in on one side, those of new connections. Whether all of it is told. */
static bool put_new(struct trial *t, int side, enum pa_path path, pa_set set, bool merge, struct pa_buffer *out)
{
	struct comparison c = teller(t, side, path, set);
	struct groups groups = { 0 };
	const struct pa_exposure *exposures;
	size_t count = pa_evaluation_exposures(t->pair[side], path, &exposures);
	bool exact;

	for (size_t i = 0; i < count; i++)
		groups_add(&c, &groups, &exposures[i], pa_set_intersect(t->space, set, exposures[i].set));
	exact = put_groups(&c, &groups, merge, out);
	groups_done(&groups);
	return exact;
}

static bool put_state(struct trial *t, int side, enum pa_path path, enum pa_scenario scenario, pa_set set,
		      struct pa_buffer *out)
{
	struct comparison c = teller(t, side, path, set);
	struct groups groups = { 0 };
	struct pa_exposure exposure = { .path = path, .scenario = scenario, .certainty = PA_CERTAIN, .set = set };
	struct pa_buffer text = { 0 };
	bool exact;

	groups_add(&c, &groups, &exposure, set);
	exact = put_groups(&c, &groups, true, &text);
	groups_done(&groups);
	if (text.length > 0 && (!out->data || !strstr(out->data, text.data)))
		pa_buffer_printf(out, "%s%s packets: %s", out->length > 0 ? "; " : "", pa_scenario_name(scenario), text.data);
	pa_buffer_done(&text);
	return exact;
}

/* A description ends with a comma where a sentence would go on. */
static void trim(struct pa_buffer *text)
{
	if (text->length > 0 && text->data[text->length - 1] == ',')
		text->data[--text->length] = '\0';
}

/* --- what fares otherwise ---------------------------------------------------------------------------------------------------- */

static pa_set regions_of_others(struct trial *t, enum pa_path path)
{
	pa_set set = pa_set_empty(t->space);

	for (size_t i = 0; i < t->again->finding_count; i++) {
		const struct pa_finding *other = &t->again->findings[i];
		const struct aim *aim = repair_aim(other->check);

		if (aim && aim->scope == SCOPE_REGION && other->has_region && other->region_path == path &&
		    !find_same(t->after, other))
			set = pa_set_union(t->space, set, other->region);
	}
	return set;
}

/* On lo there are destinations, 127.0.0.0/8, that other interfaces do not have. */
static pa_set to_anywhere(struct trial *t, pa_set set)
{
	static const enum pa_field fields[] = { PA_FIELD_IIFNAME, PA_FIELD_OIFNAME, PA_FIELD_DADDR, PA_FIELD_DADDR_TYPE,
						PA_FIELD_DADDR_IIF_TYPE };

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		set = pa_set_project(t->space, set, fields[i]);
	return set;
}

/* What may fare otherwise beside the finding's own packets, if it is told: the same on lo, and what other findings complain of. */
static pa_set tolerated(struct trial *t, unsigned effect, enum pa_path path, enum pa_scenario scenario)
{
	struct comparison c = { .space = t->space };
	pa_set set;

	if (t->aim->scope != SCOPE_REGION && t->aim->scope != SCOPE_SERVICE && t->aim->scope != SCOPE_STATEMENT)
		return pa_set_empty(t->space);
	set = effect == CLOSE ? regions_of_others(t, path) : pa_set_empty(t->space);
	if (path != PA_PATH_OUT)
		set = pa_set_union(t->space, set,
				   pa_set_intersect(t->space, compare_loopback(&c, path),
						    to_anywhere(t, t->own[path][scenario])));
	return scenario == PA_SCENARIO_NEW ? set : in_any_state(t, set);
}

/* Told with new connections: packets of other states with the same headers fare so as well. */
static bool is_told(struct trial *t, enum pa_path path, const pa_set told[PATH_COUNT], pa_set set)
{
	return is_inside(t, set, in_any_state(t, told[path]));
}

/* What is tolerated on lo has the headers of what is told besides. */
static pa_set without_same_on_lo(struct trial *t, enum pa_path path, enum pa_scenario scenario, pa_set set, bool *ret_same)
{
	struct comparison c = { .space = t->space };
	pa_set lo = path == PA_PATH_OUT ? pa_set_empty(t->space) : pa_set_intersect(t->space, set, compare_loopback(&c, path));

	*ret_same = !is_inside(t, lo, t->own[path][scenario]);
	return *ret_same ? pa_set_minus(t->space, set, lo) : set;
}

static bool tell(struct trial *t, enum pa_path path, enum pa_scenario scenario, const struct pa_delta *delta,
		 pa_set told[PATH_COUNT])
{
	bool closes = delta->kind == PA_DELTA_CLOSES, same_on_lo;
	struct pa_buffer *out = closes ? &t->closes : &t->opens;
	pa_set set = without_same_on_lo(t, path, scenario, delta->shown, &same_on_lo);
	bool exact = true;

	if (scenario == PA_SCENARIO_NEW) {
		exact = put_new(t, closes ? 0 : 1, path, set, true, out);
		told[path] = pa_set_union(t->space, told[path], delta->shown);
	} else if (!is_told(t, path, told, delta->shown)) {
		exact = put_state(t, closes ? 0 : 1, path, scenario, set, out);
	}
	if (same_on_lo && (!out->data || !strstr(out->data, SAME_ON_LO)))
		pa_buffer_printf(out, "%s" SAME_ON_LO, out->length > 0 ? "; " : "");
	return exact;
}

/* A change of packets that are none of the finding. */
static bool refuse(struct trial *t, enum pa_path path, enum pa_scenario scenario, const struct pa_delta *delta, pa_set outside)
{
	struct pa_buffer text = { 0 };
	bool closes = delta->kind == PA_DELTA_CLOSES;

	t->proof->verdict = CHANGES_MORE;
	outside = pa_set_intersect(t->space, delta->shown, outside);
	if (!closes && delta->kind != PA_DELTA_OPENS)
		return false;
	if (scenario == PA_SCENARIO_NEW)
		put_new(t, closes ? 0 : 1, path, outside, false, &text);
	else
		put_state(t, closes ? 0 : 1, path, scenario, outside, &text);
	trim(&text);
	if (text.length > 0)
		t->proof->what = pa_arena_printf(t->r->arena, "%s %s", closes ? "closes" : "opens", text.data);
	pa_buffer_done(&text);
	return false;
}

/*
 * Without its translation a packet is for this host, where rules for connections that exist (`ct state related accept`) may take it. New
 * connections are held to more: they must not get in here. What conntrack has translated before stays translated.
 */
static bool is_no_longer_translated(struct trial *t, enum pa_scenario scenario, pa_set set)
{
	bool of_connection =
		scenario == PA_SCENARIO_RELATED || scenario == PA_SCENARIO_REPLY || scenario == PA_SCENARIO_ESTABLISHED;

	if (t->finding->check != PA_CHECK_FWD_002 && t->finding->check != PA_CHECK_FWD_004)
		return false;
	return of_connection && is_inside(t, set, to_anywhere(t, t->own[t->before->region_path][scenario]));
}

static bool judge_delta(struct trial *t, enum pa_path path, enum pa_scenario scenario, const struct pa_delta *delta,
			pa_set told[PATH_COUNT])
{
	pa_set outside = pa_set_minus(t->space, delta->set, t->own[path][scenario]);
	unsigned effect = delta->kind == PA_DELTA_CLOSES ? CLOSE : delta->kind == PA_DELTA_OPENS ? OPEN_UP : NOTHING;

	if (is_no_longer_translated(t, scenario, delta->set)) {
		t->proof->exact = false;
		t->proof->untranslated = true;
		return true;
	}
	if (!(effect & t->aim->effects))
		return refuse(t, path, scenario, delta, delta->set);
	if (!pa_set_is_empty(t->space, outside)) {
		if (!is_inside(t, outside, tolerated(t, effect, path, scenario)))
			return refuse(t, path, scenario, delta, outside);
		t->proof->exact = false;
	}
	if (tell(t, path, scenario, delta, told))
		return true;
	if (t->aim->scope != SCOPE_ALL && pa_set_is_empty(t->space, outside))
		return true; /* the finding tells it */
	return refuse(t, path, scenario, delta, outside);
}

static bool judge_changes(struct trial *t)
{
	static const enum pa_scenario order[PA_SCENARIOS] = {
		PA_SCENARIO_NEW,     PA_SCENARIO_ESTABLISHED, PA_SCENARIO_REPLY,
		PA_SCENARIO_RELATED, PA_SCENARIO_UNTRACKED,   PA_SCENARIO_INVALID
	};
	pa_set told[PATH_COUNT];

	for (int p = 0; p < PATH_COUNT; p++) {
		told[p] = pa_set_empty(t->space);
		for (size_t s = 0; s < PA_SCENARIOS; s++) {
			struct pa_delta deltas[PA_DELTAS_MAX];
			size_t count = pa_evaluation_delta(t->pair, (enum pa_path)p, order[s], deltas);

			for (size_t i = 0; i < count; i++)
				if (!judge_delta(t, (enum pa_path)p, order[s], &deltas[i], told))
					return false;
		}
	}
	return true;
}

/* --- findings -------------------------------------------------------------------------------------------------------------- */

/* The rule of the original that stands where the copy's rule does. */
static const struct pa_rule *rule_of_original(struct trial *t, const struct pa_rule *rule)
{
	const struct pa_chain *chain = t->r->ruleset->chains[rule->chain->id];

	for (size_t i = 0; i < chain->rule_count; i++)
		if (chain->rules[i]->steps && rule->handle == chain->rules[i]->handle && rule->text == chain->rules[i]->text &&
		    rule->where.line == chain->rules[i]->where.line)
			return chain->rules[i];
	return NULL;
}

/*
 * Findings that are no harm of the edit but what is left when less gets in: an `allow` or a waiver that nothing matches, a listener that
 * is filtered now, a translation that leads nowhere. They are told.
 */
static bool is_consequence(const struct trial *t, const struct pa_finding *finding)
{
	static const enum pa_check_id checks[] = { PA_CHECK_POL_003, PA_CHECK_WVR_003, PA_CHECK_SOC_001, PA_CHECK_HYG_002,
						   PA_CHECK_HYG_004, PA_CHECK_DEN_007, PA_CHECK_FWD_003 };

	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		if (finding->check == checks[i])
			return t->aim->effects == CLOSE && finding->severity < t->finding->severity;
	return false;
}

static const char *keep_text(struct trial *t, struct pa_buffer *text)
{
	const char *kept = text->length > 0 ? pa_arena_strdup(t->r->arena, text->data) : NULL;

	pa_buffer_done(text);
	return kept;
}

static void put_code(const struct pa_finding *finding, struct pa_buffer *out)
{
	const char *code = pa_check_info(finding->check)->code;

	if (!out->data || !strstr(out->data, code))
		pa_buffer_printf(out, "%s%s", out->length > 0 ? ", " : "", code);
}

static bool judge_findings(struct trial *t)
{
	struct pa_buffer then = { 0 };
	const struct pa_finding *again = find_same(t->after, t->finding);
	const struct pa_result *after = t->after;

	if (again) {
		t->proof->verdict = STILL_THERE;
		if (again->rule_count > 0)
			t->proof->still = rule_of_original(t, again->rules[0]);
		return false;
	}
	for (size_t i = 0; i < after->finding_count + after->waived_count; i++) {
		const struct pa_finding *finding =
			i < after->finding_count ? &after->findings[i] : &after->waived[i - after->finding_count];

		if (find_same(t->r->result, finding))
			continue;
		put_code(finding, &then);
		if (is_consequence(t, finding))
			continue;
		pa_buffer_done(&then);
		t->proof->verdict = ANOTHER_FINDING;
		t->proof->other = finding->check;
		return false;
	}
	t->proof->then = keep_text(t, &then);
	return true;
}

/* Other findings that are gone as well: their codes, each once. */
static void note_others(struct trial *t)
{
	struct pa_buffer text = { 0 };

	for (size_t i = 0; i < t->again->finding_count; i++) {
		const struct pa_finding *other = &t->again->findings[i];

		if (other != t->before && !find_same(t->after, other))
			put_code(other, &text);
	}
	t->proof->others = keep_text(t, &text);
}

/* --- the whole -------------------------------------------------------------------------------------------------------------- */

static void judge(struct trial *t)
{
	struct proof *proof = t->proof;

	if (!evaluate_after(t) || !judge_findings(t) || !evaluate(t))
		return;
	t->before = find_same(t->again, t->finding);
	if (!t->before || !set_up_own(t) || !judge_changes(t))
		return;
	note_others(t);
	if (pa_space_failed(t->space))
		return;
	trim(&t->closes);
	trim(&t->opens);
	proof->closes = t->closes.length > 0 ? pa_arena_strdup(t->r->arena, t->closes.data) : NULL;
	proof->opens = t->opens.length > 0 ? pa_arena_strdup(t->r->arena, t->opens.data) : NULL;
	proof->verdict = PROVED;
}

void proof_make(struct repairing *r, const struct pa_finding *finding, const struct aim *aim, const struct pa_edit *edit,
		struct proof *ret_proof)
{
	struct trial t = { .r = r, .finding = finding, .aim = aim, .proof = ret_proof };
	struct pa_ruleset *edited = edit_apply(r->ruleset, edit);

	*ret_proof = (struct proof){ .verdict = NOT_EVALUATED, .exact = true };
	if (!edited)
		return;
	t.rulesets[0] = r->ruleset;
	t.rulesets[1] = edited;
	judge(&t);
	if (t.space && pa_space_failed(t.space))
		*ret_proof = (struct proof){ .verdict = NOT_EVALUATED };
	pa_result_free(t.after);
	pa_result_free(t.again);
	pa_evaluation_free(t.edited);
	for (int i = 0; i < 2; i++)
		pa_evaluation_free(t.pair[i]);
	pa_ruleset_free(edited);
	pa_buffer_done(&t.closes);
	pa_buffer_done(&t.opens);
}
