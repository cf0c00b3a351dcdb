/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Default deny: DEN-001, DEN-002, DEN-003, DEN-005, DEN-006, and the negated state of STA-002.
 *
 * Meaning, not text. A path denies a family by default when new TCP and UDP packets of which nothing is singled out by any
 * rule (arbitrary.c: source, client port, port, and an interface that no rule names; forwarded packets: destination and both
 * interfaces as well) do not get through. Where every interface is named by some rule, all of them must be open to call the
 * default open. `policy drop` is neither needed nor enough.
 *
 * An open default is one mistake, reported once, by the first of these that explains it:
 *   STA-002  the accepting rule tests a negated state (`ct state != invalid accept`)
 *   DEN-006  a base chain of the hook says `policy drop`, yet a rule accepts everything before, or the table is dormant
 *   DEN-005  no base chain of type filter sees the family at that hook
 *   DEN-001, DEN-002, DEN-003  else
 * Both families are one finding where the explanation is the same. The finding stands for EXP-007, EXP-006 and EXP-005 too.
 *
 * Forwarding that is off lowers the forward findings to info; when it is not known, they are possible and at most medium.
 */
#include "compare.h"

struct open_default {
	bool open;
	int family; /* 0: both */
	enum pa_path path;
	enum pa_check_id check;
	enum pa_certainty certainty;
	const char *condition;
	bool tcp, udp;
	const struct pa_rule *rule;   /* that accepts; NULL: none, a policy does */
	const struct pa_chain *chain; /* DEN-006: says `policy drop`; DEN-001...: the one that does not; or NULL */
	bool dormant;		      /* the chain's table is */
	struct pa_packet example;
};

/* --- base chains -------------------------------------------------------------------------------------------------------- */

static bool sees(const struct pa_chain *chain, int family)
{
	enum pa_family table = chain->table->family;

	return table == PA_FAMILY_INET || table == (family == 6 ? PA_FAMILY_IP6 : PA_FAMILY_IP);
}

/* A filtering base chain of the path's hook: with `policy drop` if drop, in a dormant table if dormant. */
static const struct pa_chain *find_base(const struct comparison *c, enum pa_path path, int family, bool drop, bool dormant)
{
	enum pa_hook hook = path == PA_PATH_IN ? PA_HOOK_INPUT : PA_HOOK_FORWARD;

	for (size_t i = 0; i < c->ruleset->chain_count; i++) {
		const struct pa_chain *chain = c->ruleset->chains[i];

		if (chain->is_base && chain->hook == hook && chain->type == PA_CHAIN_FILTER && sees(chain, family) &&
		    chain->table->dormant == dormant && (!drop || chain->policy == PA_VERDICT_DROP))
			return chain;
	}
	return NULL;
}

/* --- is the default open? --------------------------------------------------------------------------------------------------- */

static pa_set named_interfaces(struct comparison *c, enum pa_field field, struct pa_ranges names)
{
	struct box_builder builder = { 0 };

	if (names.count == 0)
		return pa_set_empty(c->space);
	builder.box.field[field] = names;
	return compare_box(c, &builder);
}

/* Contexts of one family whose interfaces no rule names. */
static pa_set nameless_contexts(struct comparison *c, enum pa_path path, int family, pa_set *ret_all)
{
	pa_set packets = pa_set_union(c->space, compare_arbitrary_packets(c, path, family, PROTOCOL_TCP, 0, 0),
				      compare_arbitrary_packets(c, path, family, PROTOCOL_UDP, 0, 0));
	pa_set all = compare_contexts(c, pa_set_intersect(c->space, packets, c->scope[path]), false), nameless;

	nameless = pa_set_minus(c->space, all, named_interfaces(c, PA_FIELD_IIFNAME, c->arbitrary->input_names));
	if (path == PA_PATH_FORWARD)
		nameless = pa_set_minus(c->space, nameless, named_interfaces(c, PA_FIELD_OIFNAME, c->arbitrary->output_names));
	*ret_all = all;
	return nameless;
}

/* The contexts in which the default is open, or the empty set. */
static pa_set open_default_contexts(struct comparison *c, enum pa_path path, int family, unsigned protocol,
				    enum pa_certainty certainty)
{
	pa_set open = compare_open_contexts(c, path, family, protocol, compare_new_packets(c, path, certainty));
	pa_set all, nameless = nameless_contexts(c, path, family, &all);

	if (!pa_set_is_empty(c->space, nameless))
		return pa_set_intersect(c->space, open, nameless);
	return pa_set_is_empty(c->space, pa_set_minus(c->space, all, open)) ? open : pa_set_empty(c->space);
}

/* --- why ----------------------------------------------------------------------------------------------------------------------- */

/* `ct state != invalid`, `ct state != established`: a test that lets new connections through by not naming them. */
static bool has_negated_state(const struct pa_rule *rule)
{
	for (size_t i = 0; i < rule->step_count; i++) {
		const struct pa_step *step = &rule->steps[i];

		if (step->kind == PA_STEP_MATCH && step->negated && step->key.count == 1 && !step->key.parts[0].opaque &&
		    step->key.parts[0].field == PA_FIELD_CT_STATE)
			return true;
	}
	return false;
}

/* The row that lets an arbitrary packet in: its rule, its condition, its example. */
static void attribute(struct comparison *c, struct open_default *found, pa_set packets)
{
	const struct pa_exposure *exposures;
	size_t count = pa_evaluation_exposures(c->evaluation, found->path, &exposures);

	for (size_t i = 0; i < count; i++) {
		pa_set part = pa_set_intersect(c->space, exposures[i].set, packets);
		const struct pa_row *rows;

		if (pa_set_is_empty(c->space, part) || (found->certainty == PA_CERTAIN && exposures[i].certainty != PA_CERTAIN))
			continue;
		if (pa_evaluation_rows(c->evaluation, &exposures[i], part, false, 1, &rows) == 0)
			continue;
		found->example = rows[0].example;
		found->condition = rows[0].condition;
		for (size_t j = 0; j < rows[0].rule_count; j++) {
			enum pa_hook hook = rows[0].rules[j]->chain->hook;

			/* A rule of the filter hook explains more than one of prerouting. */
			if (!found->rule || !rows[0].rules[j]->chain->is_base || hook == PA_HOOK_INPUT ||
			    hook == PA_HOOK_FORWARD)
				found->rule = rows[0].rules[j];
		}
		return;
	}
}

static enum pa_check_id plain_check(enum pa_path path, int family)
{
	if (path == PA_PATH_FORWARD)
		return PA_CHECK_DEN_003;
	return family == 6 ? PA_CHECK_DEN_002 : PA_CHECK_DEN_001;
}

static void explain(struct comparison *c, struct open_default *found)
{
	const struct pa_chain *drop = find_base(c, found->path, found->family, true, false);
	const struct pa_chain *active = find_base(c, found->path, found->family, false, false);
	const struct pa_chain *asleep = find_base(c, found->path, found->family, true, true);

	found->check = plain_check(found->path, found->family);
	found->chain = active;
	if (found->rule && has_negated_state(found->rule) && compare_enabled(c, PA_CHECK_STA_002)) {
		found->check = PA_CHECK_STA_002;
	} else if ((drop || asleep) && compare_enabled(c, PA_CHECK_DEN_006)) {
		found->check = PA_CHECK_DEN_006;
		found->chain = drop ? drop : asleep;
		found->dormant = !drop;
	} else if (!active && compare_enabled(c, PA_CHECK_DEN_005)) {
		found->check = PA_CHECK_DEN_005;
	}
}

static struct open_default look_at(struct comparison *c, enum pa_path path, int family)
{
	struct open_default found = { .family = family, .path = path };

	for (int certainty = PA_CERTAIN; certainty <= PA_POSSIBLE && !found.open; certainty++) {
		pa_set tcp = open_default_contexts(c, path, family, PROTOCOL_TCP, (enum pa_certainty)certainty);
		pa_set udp = open_default_contexts(c, path, family, PROTOCOL_UDP, (enum pa_certainty)certainty);
		pa_set packets = pa_set_empty(c->space);

		found.tcp = !pa_set_is_empty(c->space, tcp);
		found.udp = !pa_set_is_empty(c->space, udp);
		found.open = found.tcp || found.udp;
		found.certainty = (enum pa_certainty)certainty;
		if (!found.open)
			continue;
		packets = compare_arbitrary_packets(c, path, family, found.tcp ? PROTOCOL_TCP : PROTOCOL_UDP, 0, 0);
		packets = pa_set_intersect(c->space, packets, compare_new_packets(c, path, found.certainty));
		attribute(c, &found, pa_set_intersect(c->space, packets, found.tcp ? tcp : udp));
	}
	if (found.open)
		explain(c, &found);
	return found;
}

/* --- findings --------------------------------------------------------------------------------------------------------------------- */

static const char *family_words(int family)
{
	return family == 4 ? "IPv4" : family == 6 ? "IPv6" : "IPv4 and IPv6";
}

static const char *hook_word(enum pa_path path)
{
	return path == PA_PATH_IN ? "input" : "forward";
}

static void put_message(const struct open_default *found, struct pa_buffer *out)
{
	const char *protocols = found->tcp && found->udp ? "TCP and UDP" : found->tcp ? "TCP" : "UDP";

	pa_buffer_printf(out, "%s over %s from any source to any port %s%s unless a rule refuses it", protocols,
			 family_words(found->family), found->certainty == PA_CERTAIN ? "" : "may ",
			 found->path == PA_PATH_IN ? (found->certainty == PA_CERTAIN ? "gets in" : "get in")
						   : (found->certainty == PA_CERTAIN ? "is forwarded" : "be forwarded"));
	if (found->check == PA_CHECK_DEN_006) {
		pa_buffer_puts(out, ", although chain ");
		describe_chain(found->chain, out);
		pa_buffer_puts(out, " says `policy drop`: ");
		if (found->dormant)
			pa_buffer_puts(out, "its table is dormant");
		else if (found->rule)
			describe_rule(found->rule, out);
		else
			pa_buffer_puts(out, "it does not see these packets");
		if (!found->dormant && found->rule)
			pa_buffer_puts(out, " accepts everything before");
	} else if (found->check == PA_CHECK_DEN_005) {
		pa_buffer_printf(out, ": no base chain filters at hook %s", hook_word(found->path));
	} else if (found->check == PA_CHECK_STA_002) {
		pa_buffer_puts(out, ": the negated state in ");
		describe_rule(found->rule, out);
		pa_buffer_puts(out, " is true for new connections");
	} else if (found->rule) {
		pa_buffer_puts(out, ": ");
		describe_rule(found->rule, out);
		pa_buffer_puts(out, " accepts it");
	} else if (found->chain) {
		pa_buffer_puts(out, ": the policy of chain ");
		describe_chain(found->chain, out);
		pa_buffer_puts(out, " is accept");
	}
	if (found->condition)
		pa_buffer_printf(out, " (%s)", found->condition);
}

static void put_fix(const struct open_default *found, struct pa_buffer *out)
{
	const char *family = found->family == 0 ? "inet" : found->family == 6 ? "ip6" : "ip";

	if (found->dormant) {
		pa_buffer_printf(out, "wake the table: `add table %s %s` without `flags dormant`",
				 pa_family_name(found->chain->table->family), found->chain->table->name);
	} else if (found->check == PA_CHECK_DEN_005) {
		pa_buffer_printf(
			out,
			"add a base chain: `table %s filter { chain %s { type filter hook %s priority filter; policy drop; } }`",
			family, hook_word(found->path), hook_word(found->path));
	} else if (found->check == PA_CHECK_STA_002) {
		pa_buffer_puts(out,
			       "write `ct state established,related accept` instead, and `ct state invalid drop` before it");
	} else if (found->rule) {
		pa_buffer_puts(out, "remove ");
		describe_rule(found->rule, out);
		pa_buffer_puts(out, " or limit it to what is needed; let the chain end with `policy drop`");
	} else if (found->chain) {
		pa_buffer_puts(out, "set the policy: `chain ");
		describe_chain(found->chain, out);
		pa_buffer_puts(out, " { policy drop; }`, after rules that accept what is needed");
	} else {
		pa_buffer_puts(out, "let the filtering base chains end with `policy drop`");
	}
}

static enum pa_tristate forwarding(const struct comparison *c, int family)
{
	enum pa_tristate four = c->host->forward_ipv4, six = c->host->forward_ipv6;

	if (family != 0)
		return family == 6 ? six : four;
	if (four == PA_YES || six == PA_YES)
		return PA_YES;
	return four == PA_NO && six == PA_NO ? PA_NO : PA_UNKNOWN;
}

static void weigh_forwarding(const struct comparison *c, struct pa_finding *finding, const struct open_default *found)
{
	enum pa_tristate on = forwarding(c, found->family);

	if (on == PA_NO)
		finding->severity = PA_SEVERITY_INFO;
	if (on != PA_UNKNOWN)
		return;
	finding->certainty = PA_POSSIBLE;
	if (!finding->condition)
		finding->condition = "if this host forwards packets, which is not known";
	if (finding->severity > PA_SEVERITY_MEDIUM && finding->severity == pa_check_info(finding->check)->severity)
		finding->severity = PA_SEVERITY_MEDIUM;
}

static void report(struct comparison *c, const struct open_default *found)
{
	struct pa_buffer text = { 0 };
	struct pa_finding *finding;

	if (!compare_enabled(c, found->check))
		return;
	pa_buffer_printf(&text, "%s v%d", pa_path_name(found->path), found->family);
	finding = compare_add(c, found->check, text.data);
	pa_buffer_clear(&text);
	finding->certainty = found->certainty;
	finding->condition = found->condition;
	finding->has_packet = true;
	finding->packet = found->example;
	if (found->rule) {
		finding->rules = pa_arena_dup(c->result->arena, &found->rule, 1, sizeof(found->rule));
		finding->rule_count = 1;
	}
	put_message(found, &text);
	finding->message = compare_text(c, &text);
	put_fix(found, &text);
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
	if (found->check == PA_CHECK_STA_002 && found->chain && found->chain->policy == PA_VERDICT_DROP)
		compare_stands_for(c, finding, PA_CHECK_DEN_006);
	if (found->path == PA_PATH_FORWARD) {
		compare_stands_for(c, finding, PA_CHECK_DEN_003);
		weigh_forwarding(c, finding, found);
		return;
	}
	if (found->family != 6)
		compare_stands_for(c, finding, PA_CHECK_DEN_001);
	if (found->family != 4)
		compare_stands_for(c, finding, PA_CHECK_DEN_002);
	compare_stands_for(c, finding, PA_CHECK_EXP_007);
	compare_stands_for(c, finding, PA_CHECK_EXP_006);
	compare_stands_for(c, finding, PA_CHECK_EXP_005);
}

static bool same_explanation(const struct open_default *a, const struct open_default *b)
{
	return a->open && b->open && a->check == b->check && a->rule == b->rule && a->chain == b->chain && a->tcp == b->tcp &&
	       a->udp == b->udp && a->certainty == b->certainty && pa_text_equal(a->condition, b->condition) &&
	       a->check != PA_CHECK_DEN_001 && a->check != PA_CHECK_DEN_002;
}

/* What is open by default is not reported again, wherever it is. */
static void note_open(struct comparison *c, const struct open_default *found)
{
	unsigned value = found->family == 6 ? PA_NFPROTO_IPV6 : PA_NFPROTO_IPV4;
	pa_set family = compare_single(c, PA_FIELD_NFPROTO, value, value);

	if (found->open && compare_enabled(c, found->check) && found->path == PA_PATH_IN)
		c->open_default[PA_PATH_IN] =
			pa_set_union(c->space, c->open_default[PA_PATH_IN], pa_set_intersect(c->space, c->open, family));
}

static void check_path(struct comparison *c, enum pa_path path)
{
	struct open_default four = look_at(c, path, 4), six = look_at(c, path, 6);

	note_open(c, &four);
	note_open(c, &six);
	if (same_explanation(&four, &six)) {
		four.family = 0;
		six.open = false;
	}
	if (four.open)
		report(c, &four);
	if (six.open)
		report(c, &six);
}

static const char *unassessable(const struct comparison *c, int family)
{
	const struct arbitrary *a = c->arbitrary;

	if (a->source[family == 6].count == 0)
		return "the ruleset singles out every source address, so there is no default to look at";
	return a->port.count == 0 ? "the ruleset singles out every port, so there is no default to look at" : NULL;
}

void check_default_deny(struct comparison *c)
{
	for (int family = 4; family <= 6; family += 2) {
		const char *reason = unassessable(c, family);

		if (!reason)
			continue;
		compare_not_assessed(c, plain_check(PA_PATH_IN, family), reason);
		compare_not_assessed(c, PA_CHECK_DEN_003, reason);
		compare_not_assessed(c, PA_CHECK_DEN_006, reason);
	}
	check_path(c, PA_PATH_IN);
	check_path(c, PA_PATH_FORWARD);
}
