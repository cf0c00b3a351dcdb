/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_iptables pa_ir pa_base
/*
 * iptables-save text to the ruleset. tests/cases/iptables holds the cases: NAME.rules* goes in, NAME.rules*.expected is the text
 * of what comes out, rules and steps, or the errors.
 */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../rules/iptables/iptables.h"
#include "case_file.h"
#include "ir_text.h"

#define CASES PA_SOURCE_DIR "/tests/cases/iptables"
#define CORPUS PA_SOURCE_DIR "/../shared/corpus"

static struct pa_ruleset *lower(const char *name, const char *text, size_t length, struct pa_diags *diags)
{
	struct pa_iptables_text given = { .name = name, .text = text, .length = length };
	struct pa_ruleset *ruleset = pa_ruleset_new();
	if (pa_iptables_lower(&given, ruleset, diags) && pa_ruleset_check(ruleset, diags))
		return ruleset;
	ck_assert(pa_diags_has_errors(diags));
	return pa_ruleset_free(ruleset);
}

static void describe(const char *name, const struct pa_buffer *text, struct pa_buffer *out)
{
	static const char *const levels[] = { "error", "warning", "note" };
	static const char *const sources[] = { "nft", "iptables-nft", "iptables-legacy" };
	struct pa_diags diags = { 0 };
	struct pa_ruleset *ruleset = lower(name, text->data ? text->data : "", text->length, &diags);
	for (size_t i = 0; i < diags.count; i++) {
		const struct pa_diag *diag = &diags.items[i];
		pa_buffer_printf(out, "%s:%u:%u+%u: %s: %s\n", diag->where.file, diag->where.line, diag->where.column,
				 diag->where.length, levels[diag->level], diag->message);
		if (diag->help)
			pa_buffer_printf(out, "\thelp: %s\n", diag->help);
		ck_assert(diag->level != PA_DIAG_ERROR || diag->kind == PA_DIAG_INPUT);
		ck_assert(diag->level != PA_DIAG_ERROR || diag->source);
	}
	if (ruleset) {
		for (size_t i = 0; i < ruleset->table_count; i++)
			pa_buffer_printf(out, "# table %s %s is of %s\n", pa_family_name(ruleset->tables[i]->family),
					 ruleset->tables[i]->name, sources[ruleset->tables[i]->source]);
		put_ruleset_with_steps(ruleset, out);
	}
	pa_ruleset_free(ruleset);
	pa_diags_done(&diags);
}

static void check_case(const char *path)
{
	struct pa_buffer text = { 0 }, out = { 0 }, beside = { 0 };
	pa_buffer_printf(&beside, "%s.expected", path);
	ck_assert(read_file(path, &text));
	describe(strrchr(path, '/') + 1, &text, &out);
	ck_assert_msg(case_is_expected(beside.data, &out), "%s: another ruleset", path);
	pa_buffer_done(&text);
	pa_buffer_done(&out);
	pa_buffer_done(&beside);
}

START_TEST(cases)
{
	glob_t found = { 0 };
	ck_assert_int_eq(glob(CASES "/*.{rules,rules4,rules6}", GLOB_BRACE, NULL, &found), 0);
	ck_assert_uint_ge(found.gl_pathc, 15);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check_case(found.gl_pathv[i]);
	globfree(&found);
}
END_TEST

/* --- rulesets that others wrote -------------------------------------------------------------------------------- */

struct tally {
	char text[64][48];
	unsigned count[64];
	size_t kinds;
};

/* By match: "-m limit". */
static void count_opaque(struct tally *tally, const char *text)
{
	char kind[48];
	size_t length = strcspn(text, " ");
	length += text[length] ? 1 + strcspn(text + length + 1, " ") : 0;
	snprintf(kind, sizeof(kind), "%.*s", (int)length, text);
	for (size_t i = 0; i < tally->kinds; i++) {
		if (strcmp(tally->text[i], kind) == 0) {
			tally->count[i]++;
			return;
		}
	}
	ck_assert_uint_lt(tally->kinds, 64);
	snprintf(tally->text[tally->kinds], sizeof(kind), "%s", kind);
	tally->count[tally->kinds++] = 1;
}

static void count_steps(struct tally *tally, const struct pa_ruleset *ruleset)
{
	for (size_t i = 0; i < ruleset->rule_count; i++) {
		for (size_t k = 0; k < ruleset->rules[i]->step_count; k++) {
			const struct pa_step *step = &ruleset->rules[i]->steps[k];
			bool opaque_set = step->kind == PA_STEP_MATCH && step->elements->opaque;
			bool question = step->kind == PA_STEP_MATCH && step->key.parts[0].opaque;
			if (step->kind == PA_STEP_OPAQUE || opaque_set || question)
				count_opaque(tally, step->text ? step->text : step->key.parts[0].opaque);
		}
	}
}

START_TEST(corpus)
{
	glob_t found = { 0 };
	struct tally tally = { 0 };
	size_t rules = 0;
	int status = glob(CORPUS "/{real-ipt/*,managers/*/*}.{rules4,rules6,legacy4,legacy6}", GLOB_BRACE, NULL, &found);
	if (status != 0) {
		printf("SKIPPED: no rulesets of others at " CORPUS "\n");
		return;
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct pa_buffer text = { 0 };
		struct pa_diags diags = { 0 };
		const char *path = found.gl_pathv[i];
		ck_assert(read_file(path, &text));
		struct pa_ruleset *ruleset = lower(path, text.data, text.length, &diags);
		ck_assert_msg(ruleset != NULL, "%s:%u: %s", path, diags.items[0].where.line, diags.items[0].message);
		enum pa_family family = path[strlen(path) - 1] == '4' ? PA_FAMILY_IP : PA_FAMILY_IP6;
		for (size_t k = 0; k < ruleset->table_count; k++)
			ck_assert_msg(ruleset->tables[k]->family == family, "%s: of the other family", path);
		count_steps(&tally, ruleset);
		rules += ruleset->rule_count;
		pa_ruleset_free(ruleset);
		pa_diags_done(&diags);
		pa_buffer_done(&text);
	}
	printf("%zu dumps, %zu rules; opaque steps:", found.gl_pathc, rules);
	for (size_t i = 0; i < tally.kinds; i++)
		printf(" %s %u%s", tally.text[i], tally.count[i], i + 1 < tally.kinds ? "," : "\n");
	ck_assert_uint_ge(found.gl_pathc, 70);
	globfree(&found);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("iptables");
	TCase *tcase = tcase_create("iptables");
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, cases);
	tcase_add_test(tcase, corpus);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
