/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HYG-001 and HYG-003: rules that cannot take effect, HYG-003 where the rules before them decide the opposite.
 * UNK-001: tests whose meaning is not known. A test that is understood, and whose outcome only depends on time, rate or what
 * happened before (limit, quota, numgen, a set that packets fill ...), is no UNK-001: its condition stands at every answer.
 */
#include <string.h>

#include "compare.h"

static void put_identity(const struct pa_rule *rule, struct pa_buffer *out)
{
	describe_chain(rule->chain, out);
	pa_buffer_printf(out, " %s", rule->text ? rule->text : "");
}

static void add_rules(struct comparison *c, struct pa_finding *finding, const struct pa_dead_rule *dead)
{
	const struct pa_rule **rules = pa_arena_alloc(c->result->arena, dead->by_count + 1, sizeof(*rules));

	rules[0] = dead->rule;
	for (size_t i = 0; i < dead->by_count; i++)
		rules[i + 1] = dead->by[i];
	finding->rules = rules;
	finding->rule_count = dead->by_count + 1;
}

static void report_dead(struct comparison *c, enum pa_check_id check, const struct pa_dead_rule *dead)
{
	struct pa_buffer text = { 0 };
	struct pa_finding *finding;

	put_identity(dead->rule, &text);
	finding = compare_add(c, check, text.data);
	pa_buffer_clear(&text);
	add_rules(c, finding, dead);
	describe_rule(dead->rule, &text);
	if (dead->by_count == 0) {
		pa_buffer_printf(&text, " can never match%s", dead->impossible ? ": no packet fulfils all of its tests" : "");
	} else {
		pa_buffer_printf(&text, "%s: ",
				 check == PA_CHECK_HYG_003 ? " never takes effect, earlier rules decide the opposite"
							   : " can never match, earlier rules decide its packets");
		describe_rules(dead->by, dead->by_count, &text);
	}
	finding->message = compare_text(c, &text);
	finding->fix = check == PA_CHECK_HYG_003
			       ? "decide which of the two is meant: move the rule before the others, or remove it"
			       : "remove the rule, or correct its tests or its place";
	pa_buffer_done(&text);
}

void check_dead_rules(struct comparison *c)
{
	const struct pa_dead_rule *dead;
	size_t count = pa_evaluation_dead_rules(c->evaluation, &dead);

	for (size_t i = 0; i < count; i++) {
		enum pa_check_id check = dead[i].opposite && !dead[i].impossible ? PA_CHECK_HYG_003 : PA_CHECK_HYG_001;

		if (compare_enabled(c, check))
			report_dead(c, check, &dead[i]);
	}
}

/* --- UNK-001 -------------------------------------------------------------------------------------------------------------------- */

/* How tests begin whose meaning nft(8) defines, and that depend on time, rate, chance or earlier packets. */
static const char *const understood[] = {
	"limit ",     "quota ",	   "ct count ",	 "numgen ", "jhash ",	 "symhash ",
	"meta hour ", "meta day ", "meta time ", "last",    "connlimit",
};

static bool is_understood(const struct pa_opaque *opaque)
{
	for (size_t i = 0; i < sizeof(understood) / sizeof(*understood); i++)
		if (strncmp(opaque->text, understood[i], strlen(understood[i])) == 0)
			return true;
	return false;
}

static void report_opaque(struct comparison *c, const struct pa_opaque *opaque)
{
	struct pa_buffer text = { 0 };
	struct pa_finding *finding;

	pa_buffer_printf(&text, "%s ", opaque->text);
	if (opaque->rule)
		put_identity(opaque->rule, &text);
	finding = compare_add(c, PA_CHECK_UNK_001, text.data);
	pa_buffer_clear(&text);
	finding->certainty = PA_POSSIBLE;
	if (opaque->rule) {
		const struct pa_rule *rule = opaque->rule;

		finding->rules = pa_arena_dup(c->result->arena, &rule, 1, sizeof(rule));
		finding->rule_count = 1;
	}
	if (c->options && c->options->allow_unknown)
		finding->severity = PA_SEVERITY_INFO;
	pa_buffer_printf(&text, "`%s` cannot be decided%s%s", opaque->text, opaque->reason ? ": " : "",
			 opaque->reason ? opaque->reason : "");
	if (opaque->rule) {
		pa_buffer_puts(&text, " (first in ");
		describe_rule(opaque->rule, &text);
		pa_buffer_putc(&text, ')');
	}
	pa_buffer_puts(&text, "; what depends on it is reported as possible");
	finding->message = compare_text(c, &text);
	finding->fix =
		"replace the test by one on packet headers or connection states, or accept the wider answer with --allow-unknown";
	pa_buffer_done(&text);
}

void check_opaque(struct comparison *c)
{
	const struct pa_opaque *opaques;
	size_t count = pa_evaluation_opaques(c->evaluation, &opaques);

	for (size_t i = 0; i < count; i++)
		if (opaques[i].matters && !is_understood(&opaques[i]))
			report_opaque(c, &opaques[i]);
}
