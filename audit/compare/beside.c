/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ruleset beside others: what boot loads (PER-001), a recorded baseline (PER-004); and the administrator's own connection (REQ-001). */
#include <string.h>

#include "compare.h"

/* --- another ruleset ------------------------------------------------------------------------------------------------ */

static bool same_but_family(const struct pa_row *a, const struct pa_row *b)
{
	for (int i = 0; i < PA_FIELD_COUNT; i++) {
		struct pa_ranges left = a->box.field[i], right = b->box.field[i];

		if (i != PA_FIELD_NFPROTO &&
		    (left.count != right.count ||
		     (left.count > 0 && memcmp(left.items, right.items, left.count * sizeof(*left.items)) != 0)))
			return false;
	}
	return a->family != b->family;
}

/* The first row in words: "3306/tcp from any on eth0", with the family unless the other one fares alike. */
static void put_rows(const struct pa_row *row, size_t count, struct pa_buffer *out)
{
	struct pa_exposure exposure = { .path = row->path, .has_target = row->has_target, .target = row->target };
	struct piece piece = { .family = row->family };
	struct group group = { .exposure = &exposure, .row = *row, .pieces = &piece, .piece_count = 1 };

	memcpy(piece.field, row->box.field, sizeof(piece.field));
	piece.field[PA_FIELD_NFPROTO].count = 0;
	for (size_t i = 1; i < count; i++)
		if (same_but_family(row, &row[i]))
			piece.family = 0;
	describe_group(&group, out);
	if (row->has_target) {
		pa_buffer_puts(out, " (translated to ");
		describe_target(&row->target, out);
		pa_buffer_putc(out, ')');
	}
}

struct words {
	enum pa_check_id check;
	const char *opens, *closes, *otherwise; /* what happens to packets, said of the second ruleset of the pair */
};

static const char *verb_of(const struct words *words, enum pa_delta_kind kind)
{
	switch (kind) {
	case PA_DELTA_OPENS:
		return words->opens;
	case PA_DELTA_CLOSES:
		return words->closes;
	case PA_DELTA_CONDITION:
	case PA_DELTA_FATE:
	case PA_DELTA_ANSWER:
		break;
	}
	return words->otherwise;
}

static void put_rules(struct comparison *c, struct pa_finding *finding, const struct pa_change *change)
{
	const struct pa_rule *rule = change->kind == PA_DELTA_CLOSES ? change->old.rule : change->new.rule;

	if (!rule)
		rule = change->kind == PA_DELTA_CLOSES ? change->new.rule : change->old.rule;
	if (!rule)
		return;
	finding->rules = pa_arena_dup(c->result->arena, &rule, 1, sizeof(rule));
	finding->rule_count = 1;
}

static void report_change(struct comparison *c, const struct pa_beside *beside, const struct words *words,
			  const struct pa_change *change, size_t others)
{
	struct pa_buffer text = { 0 };
	struct pa_finding *finding;

	pa_buffer_printf(&text, "%d %d %s", (int)change->kind, (int)change->path, beside->name);
	finding = compare_add(c, words->check, text.data);
	pa_buffer_clear(&text);
	if (change->scenario != PA_SCENARIO_NEW)
		pa_buffer_printf(&text, "%s packets: ", pa_scenario_name(change->scenario));
	put_rows(change->rows, change->row_count, &text);
	pa_buffer_printf(&text, " %s", verb_of(words, change->kind));
	pa_buffer_printf(&text, " (%s)", beside->name);
	if (others)
		pa_buffer_printf(&text, "; %zu more of the kind", others);
	finding->message = compare_text(c, &text);
	finding->certainty = change->before == PA_SOMETIMES || change->after == PA_SOMETIMES ? PA_POSSIBLE : PA_CERTAIN;
	finding->condition = change->after == PA_SOMETIMES ? change->condition_after : change->condition_before;
	finding->has_packet = true;
	finding->packet = change->example;
	put_rules(c, finding, change);
	pa_buffer_printf(&text, "`portaudit diff` shows all of it; %s",
			 words->check == PA_CHECK_PER_001 ? "save the running ruleset, or load the saved one"
							  : "undo the change, or record a new baseline");
	finding->fix = compare_text(c, &text);
	pa_buffer_done(&text);
}

/* One finding for each kind of change on each path: the first stands for all. */
static void report_difference(struct comparison *c, const struct pa_beside *beside, const struct words *words)
{
	const struct pa_difference *difference = beside->difference;
	size_t count = difference->change_count - difference->note_count;

	for (size_t i = 0; i < count; i++) {
		const struct pa_change *change = &difference->changes[i];
		size_t others = 0;
		bool first = true;

		for (size_t j = 0; j < count; j++) {
			bool alike = difference->changes[j].kind == change->kind && difference->changes[j].path == change->path;

			first = first && !(alike && j < i);
			others += alike && j > i;
		}
		if (first)
			report_change(c, beside, words, change, others);
	}
}

static void report_unreadable(struct comparison *c, const struct pa_beside *beside, enum pa_check_id check)
{
	struct pa_finding *finding = compare_add(c, check, beside->name);

	finding->certainty = PA_CERTAIN;
	finding->message = pa_arena_printf(c->result->arena, "%s cannot be loaded: %s", beside->name, beside->failed);
	finding->fix = "correct the file, and load it once by hand";
}

static void check_beside(struct comparison *c, const struct pa_beside *beside, const struct words *words, const char *missing)
{
	if (!beside || !beside->name)
		compare_not_assessed(c, words->check, beside && beside->missing ? beside->missing : missing);
	else if (beside->failed)
		report_unreadable(c, beside, words->check);
	else
		report_difference(c, beside, words);
}

void check_saved(struct comparison *c)
{
	static const struct words words = { PA_CHECK_PER_001, "gets in after the next boot, but not now",
					    "gets in now, but not after the next boot", "fares otherwise after the next boot" };

	check_beside(c, c->options ? c->options->saved : NULL, &words, "what boot loads is not known: --saved FILE says it");
}

void check_baseline(struct comparison *c)
{
	static const struct words words = { PA_CHECK_PER_004, "gets in, but did not when the baseline was recorded",
					    "got in when the baseline was recorded, but does not now",
					    "fares otherwise than when the baseline was recorded" };

	const char *missing = c->options && c->options->known
				      ? "the baseline is an earlier result: its findings are known, and others are new"
				      : "needs --baseline FILE";

	check_beside(c, c->options ? c->options->baseline : NULL, &words, missing);
}

/* --- the session -------------------------------------------------------------------------------------------------------- */

void check_session(struct comparison *c)
{
	static const char *const names[] = { "a new connection of it", "its packets", "replies to it" };
	const struct pa_session_fate *fate = c->options ? c->options->session : NULL;
	struct pa_finding *finding;
	struct pa_buffer text = { 0 };
	char client[PA_ADDRESS_TEXT_MAX];

	if (!fate || (!fate->lost && !fate->unsure))
		return;
	finding = compare_add(c, PA_CHECK_REQ_001, "session");
	finding->certainty = fate->lost ? PA_CERTAIN : PA_POSSIBLE;
	if (!pa_session_fails(fate))
		finding->severity = PA_SEVERITY_INFO;
	pa_address_format(fate->session.client, fate->session.family, client);
	pa_buffer_printf(&text, "the session from %s port %u %s:", client, fate->session.client_port,
			 fate->lost ? "would be lost" : "may be lost");
	for (unsigned i = PA_SESSION_PACKETS; i-- > 0;) {
		const struct pa_decision *decision = &fate->decision[i];

		if (decision->fate == PA_FATE_ACCEPT)
			continue;
		finding->packet = fate->packet[i];
		finding->has_packet = true;
		finding->condition = decision->condition;
		pa_buffer_printf(&text, "%s %s %s", text.data[text.length - 1] == ':' ? "" : ",", names[i],
				 decision->fate == PA_FATE_DEPENDS ? "may be refused" : "would be refused");
		if (decision->rule) {
			finding->rules = pa_arena_dup(c->result->arena, &decision->rule, 1, sizeof(decision->rule));
			finding->rule_count = 1;
		}
	}
	finding->message = compare_text(c, &text);
	finding->fix = "accept the flow and new connections from there before this is loaded";
	pa_buffer_done(&text);
}
