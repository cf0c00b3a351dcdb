/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * explain: what becomes of a packet, then why: chain by chain, rule by rule, each jump one step to the right. The answer comes
 * first because it is what was asked; the rule that gives it is marked in the walk.
 */
#include <string.h>

#include "fold.h"
#include "phrase.h"

#define INDENT 4
#define SILENT_SHOWN 6 /* rules in a row that did not match: the first and last of a longer run stand for it */
#define RULE_COLUMNS 160

struct explainer {
	const struct pa_walk *walk;
	const struct pa_style *style;
	struct pa_buffer *out;
	size_t deciding; /* the step that the verdict comes from */
};

static const char *fate_phrase(const struct pa_walk *walk)
{
	static const char *const accepted[] = { [PA_PATH_IN] = "accepted, gets in",
						[PA_PATH_FORWARD] = "accepted, is forwarded",
						[PA_PATH_OUT] = "accepted, goes out" };
	switch (walk->fate) {
	case PA_FATE_ACCEPT:
		return accepted[walk->path];
	case PA_FATE_DROP:
		return "dropped";
	case PA_FATE_REJECT:
		return "rejected";
	case PA_FATE_DEPENDS:
		return "may get through: it depends";
	}
	return NULL;
}

static enum pa_paint fate_paint(enum pa_fate fate)
{
	return fate == PA_FATE_ACCEPT ? PA_PAINT_GOOD : fate == PA_FATE_DEPENDS ? PA_PAINT_WARN : PA_PAINT_BAD;
}

static bool is_final(const struct pa_walk_step *step)
{
	return step->outcome == PA_WALK_MATCHED || step->outcome == PA_WALK_POLICY || step->outcome == PA_WALK_KERNEL;
}

/* Every base chain has its say; the last verdict stands for all of them. */
static size_t deciding_step(const struct pa_walk *walk)
{
	size_t deciding = SIZE_MAX;
	for (size_t i = 0; i < walk->step_count; i++) {
		enum pa_verdict_kind verdict = walk->steps[i].verdict;
		bool decides = verdict == PA_VERDICT_ACCEPT || verdict == PA_VERDICT_DROP || verdict == PA_VERDICT_REJECT;
		bool filters = !walk->steps[i].chain || walk->steps[i].chain->type == PA_CHAIN_FILTER;
		if (is_final(&walk->steps[i]) && walk->steps[i].outcome != PA_WALK_KERNEL && decides && filters)
			deciding = i;
	}
	return deciding;
}

static void print_chain_name(const struct pa_chain *chain, struct pa_buffer *out)
{
	pa_buffer_printf(out, "%s ", pa_family_name(chain->table->family));
	pa_text_escape(chain->table->name, out);
	pa_buffer_putc(out, ' ');
	pa_text_escape(chain->name ? chain->name : "(unnamed chain)", out);
}

static void print_indented(const struct explainer *explainer, unsigned depth, enum pa_paint paint, const char *lead,
			   const char *text)
{
	struct pa_buffer whole = { 0 };
	pa_buffer_printf(&whole, "%*s%s", (int)(INDENT * depth), "", lead);
	pa_paragraph(explainer->style, paint, whole.data, text ? text : "", explainer->out);
	pa_buffer_done(&whole);
}

/* "inet filter input: filter, hook input, priority 0, policy drop"; after a jump: "back in inet filter input". */
static void print_chain(const struct explainer *explainer, const struct pa_walk_step *step, bool back)
{
	const struct pa_chain *chain = step->chain;
	struct pa_buffer text = { 0 };
	pa_buffer_puts(&text, back ? "back in " : "");
	print_chain_name(chain, &text);
	if (chain->is_base && !back)
		pa_buffer_printf(&text, ": %s, hook %s, priority %d, policy %s", pa_chain_type_name(chain->type),
				 pa_hook_name(chain->hook), chain->priority, pa_verdict_name(chain->policy));
	print_indented(explainer, step->depth, PA_PAINT_STRONG, "", text.data);
	pa_buffer_done(&text);
}

/* The chain is named already: a rule needs only its handle, its line or its number. */
static void print_rule_place(const struct pa_rule *rule, struct pa_buffer *out)
{
	if (rule->where.file)
		pa_phrase_place(rule, out);
	else if (rule->handle)
		pa_buffer_printf(out, "handle %llu", (unsigned long long)rule->handle);
	else
		pa_buffer_printf(out, "rule %u", rule->index + 1);
}

static void print_rule_text(const struct explainer *explainer, const struct pa_rule *rule, struct pa_buffer *out)
{
	struct pa_buffer text = { 0 };
	pa_text_escape(rule->text, &text);
	const char *rest = text.data ? text.data : "";
	const char *line = rest;
	size_t length = pa_fold_next(&rest, explainer->style->verbose ? 0 : RULE_COLUMNS);
	pa_buffer_puts(out, ": ");
	pa_buffer_add(out, line, length);
	pa_buffer_puts(out, rest ? " ..." : "");
	pa_buffer_done(&text);
}

/* Which test said no. Implied tests have no text of their own; their field tells which they are. */
static void print_reason(const struct pa_step *failed, struct pa_buffer *out)
{
	pa_buffer_puts(out, "no match");
	if (failed && failed->text) {
		pa_buffer_puts(out, ": not `");
		pa_text_escape(failed->text, out);
		pa_buffer_putc(out, '`');
	} else if (failed && failed->key.count && !failed->key.parts[0].opaque) {
		pa_buffer_printf(out, ": the test of %s that the rule implies",
				 pa_field_info(failed->key.parts[0].field)->name);
	}
}

static void print_outcome(const struct pa_walk_step *step, struct pa_buffer *out)
{
	if (step->outcome == PA_WALK_NO_MATCH)
		print_reason(step->failed_step, out);
	else if (step->outcome == PA_WALK_PASSED)
		pa_buffer_puts(out, "matches, and goes on");
	else
		pa_buffer_printf(out, "matches: %s", pa_verdict_name(step->verdict));
}

/* Why a test cannot be decided; NULL: it can, or nobody knows. */
static const char *step_reason(const struct pa_step *step)
{
	if (step->kind == PA_STEP_OPAQUE)
		return step->reason;
	for (unsigned i = 0; (step->kind == PA_STEP_MATCH || step->kind == PA_STEP_VMAP) && i < step->key.count; i++)
		if (step->key.parts[i].opaque)
			return step->key.parts[i].reason;
	return NULL;
}

/* Of an interface that the host has, what it is was known. */
static bool was_known(const struct pa_walk *walk, const struct pa_step *step)
{
	bool asks_links = false;
	for (unsigned i = 0; step->kind != PA_STEP_OPAQUE && i < step->key.count; i++)
		asks_links = asks_links || (step->key.parts[i].opaque && step->key.parts[i].link);
	for (size_t i = 0; asks_links && i < walk->assumption_count; i++)
		if (strstr(walk->assumptions[i].text, step->text))
			return false;
	return asks_links;
}

/* The tests of the rule that were asked and whose answer was assumed. */
static void print_assumed(const struct explainer *explainer, const struct pa_walk_step *step)
{
	const struct pa_rule *rule = step->rule;
	for (size_t i = 0; i < rule->step_count; i++) {
		const char *reason = step_reason(&rule->steps[i]);
		if (reason && rule->steps[i].text && !rule->steps[i].implied && !was_known(explainer->walk, &rule->steps[i])) {
			struct pa_buffer text = { 0 };
			pa_buffer_putc(&text, '`');
			pa_text_escape(rule->steps[i].text, &text);
			pa_buffer_printf(&text, "` is assumed: it %s", reason);
			print_indented(explainer, step->depth, PA_PAINT_WARN, "        ", text.data);
			pa_buffer_done(&text);
		}
		if (step->outcome == PA_WALK_NO_MATCH && &rule->steps[i] == step->failed_step)
			break;
	}
}

static void print_rule_step(const struct explainer *explainer, size_t index)
{
	const struct pa_walk_step *step = &explainer->walk->steps[index];
	bool decides = index == explainer->deciding;
	enum pa_paint paint = decides				  ? fate_paint(explainer->walk->fate)
			      : step->outcome == PA_WALK_NO_MATCH ? PA_PAINT_FAINT
								  : PA_PAINT_NONE;
	struct pa_buffer text = { 0 };
	print_rule_place(step->rule, &text);
	print_rule_text(explainer, step->rule, &text);
	print_indented(explainer, step->depth, paint, decides ? ">   " : "    ", text.data);
	pa_buffer_clear(&text);
	print_outcome(step, &text);
	print_indented(explainer, step->depth, paint, "        ", text.data);
	pa_buffer_clear(&text);
	print_assumed(explainer, step);
	if (step->text) {
		pa_text_escape(step->text, &text);
		print_indented(explainer, step->depth, PA_PAINT_WARN, "        ", text.data);
	}
	pa_buffer_done(&text);
}

static void print_end_of_chain(const struct explainer *explainer, size_t index)
{
	const struct pa_walk_step *step = &explainer->walk->steps[index];
	bool decides = index == explainer->deciding;
	struct pa_buffer text = { 0 };
	pa_buffer_printf(&text, "no rule decided: policy %s", pa_verdict_name(step->verdict));
	if (step->text) {
		pa_buffer_puts(&text, "; ");
		pa_text_escape(step->text, &text);
	}
	print_indented(explainer, step->depth, decides ? fate_paint(explainer->walk->fate) : PA_PAINT_NONE,
		       decides ? ">   " : "    ", text.data);
	pa_buffer_done(&text);
}

static void print_kernel(const struct explainer *explainer, const struct pa_walk_step *step)
{
	struct pa_buffer text = { 0 };
	pa_text_escape(step->text ? step->text : "a decision of the kernel", &text);
	print_indented(explainer, 0, PA_PAINT_NOTE, "* ", text.data);
	pa_buffer_done(&text);
}

/* How many steps from `index` on are rules of one chain that did not match. */
static size_t silent_run(const struct pa_walk *walk, size_t index)
{
	size_t end = index;
	while (end < walk->step_count && walk->steps[end].outcome == PA_WALK_NO_MATCH && !walk->steps[end].text &&
	       walk->steps[end].chain == walk->steps[index].chain && walk->steps[end].depth == walk->steps[index].depth)
		end++;
	return end - index;
}

/* Returns how many steps from `index` on are not to be shown. */
static size_t skip_silent(const struct explainer *explainer, size_t index)
{
	size_t run = silent_run(explainer->walk, index);
	if (explainer->style->verbose || run <= 2 * SILENT_SHOWN)
		return 0;
	struct pa_buffer text = { 0 };
	size_t hidden = run - SILENT_SHOWN / 2;
	pa_buffer_printf(&text, "... %zu more rules that do not match (-v shows them)", hidden);
	print_indented(explainer, explainer->walk->steps[index].depth, PA_PAINT_FAINT, "    ", text.data);
	pa_buffer_done(&text);
	return hidden;
}

static void print_step(const struct explainer *explainer, size_t index)
{
	const struct pa_walk_step *step = &explainer->walk->steps[index];
	if (step->outcome == PA_WALK_KERNEL)
		print_kernel(explainer, step);
	else if (step->rule)
		print_rule_step(explainer, index);
	else
		print_end_of_chain(explainer, index);
}

static void print_steps(const struct explainer *explainer)
{
	const struct pa_walk *walk = explainer->walk;
	const struct pa_chain *chain = NULL;
	unsigned depth = 0;
	size_t silent = 0;
	for (size_t i = 0; i < walk->step_count; i++) {
		const struct pa_walk_step *step = &walk->steps[i];
		if (step->chain && (step->chain != chain || step->depth != depth)) {
			bool back = step->depth < depth;
			if (i && step->depth == 0 && !back)
				pa_buffer_putc(explainer->out, '\n');
			print_chain(explainer, step, back);
			silent = 0;
		}
		chain = step->chain ? step->chain : chain;
		depth = step->depth;
		silent = step->outcome == PA_WALK_NO_MATCH ? silent + 1 : 0;
		if (silent == SILENT_SHOWN / 2 + 1) {
			size_t hidden = skip_silent(explainer, i);
			if (hidden) {
				i += hidden - 1;
				continue;
			}
		}
		print_step(explainer, i);
	}
}

static void print_end(const struct pa_walk *walk, int family, bool source, struct pa_buffer *out)
{
	char text[PA_ADDRESS_RANGE_TEXT_MAX];
	bool has_port = source ? walk->has_source_port : walk->has_destination_port;
	pa_address_range_format(source ? walk->source : walk->destination, family, text);
	pa_buffer_printf(out, has_port && strchr(text, ':') ? "[%s]" : "%s", text);
	if (has_port) {
		pa_buffer_putc(out, ':');
		pa_number_range_print(source ? walk->source_port : walk->destination_port, out);
	}
}

static void print_nat(const struct pa_walk *walk, int family, struct pa_buffer *text)
{
	if (walk->destination_changed) {
		pa_buffer_puts(text, "; NAT sends it to ");
		print_end(walk, family, false, text);
	}
	if (walk->source_changed) {
		pa_buffer_puts(text, "; NAT makes it come from ");
		print_end(walk, family, true, text);
	}
}

static void print_decider(const struct explainer *explainer, struct pa_buffer *text)
{
	if (explainer->deciding == SIZE_MAX)
		return;
	const struct pa_walk_step *step = &explainer->walk->steps[explainer->deciding];
	pa_buffer_puts(text, ", by ");
	if (step->rule) {
		pa_phrase_place(step->rule, text);
		return;
	}
	pa_buffer_puts(text, "the policy of ");
	print_chain_name(step->chain, text);
}

static const char *fate_word(enum pa_fate fate)
{
	return fate == PA_FATE_ACCEPT ? "let through" : fate == PA_FATE_DROP ? "dropped" : "rejected";
}

/* "`limit rate 5/minute` holds. If not: dropped" */
static void print_assumption(const struct explainer *explainer, const struct pa_walk_assumption *assumption)
{
	struct pa_buffer text = { 0 };
	const char *between = "";
	pa_buffer_putc(&text, '`');
	pa_text_escape(assumption->text, &text);
	pa_buffer_printf(&text, "`: %s. If %s: ", assumption->holds ? "yes" : "no", assumption->holds ? "not" : "yes");
	for (unsigned fate = 0; fate < PA_FATE_DEPENDS; fate++) {
		if (!assumption->otherwise[fate])
			continue;
		pa_buffer_printf(&text, "%s%s", between, fate_word((enum pa_fate)fate));
		between = " or ";
	}
	if (!*between)
		pa_buffer_puts(&text, "not followed");
	print_indented(explainer, 1, PA_PAINT_WARN, "", text.data);
	pa_buffer_done(&text);
}

static void print_assumptions(const struct explainer *explainer)
{
	const struct pa_walk *walk = explainer->walk;
	if (walk->assumption_count == 0)
		return;
	pa_paragraph(explainer->style, PA_PAINT_STRONG, "\n",
		     "assumed on this way, and what becomes of the packet when it is otherwise:", explainer->out);
	for (size_t i = 0; i < walk->assumption_count; i++)
		print_assumption(explainer, &walk->assumptions[i]);
}

void pa_report_walk(const struct pa_walk *walk, const struct pa_packet *packet, const struct pa_style *style,
		    struct pa_buffer *out)
{
	struct explainer explainer = { .walk = walk, .style = style, .out = out, .deciding = deciding_step(walk) };
	struct pa_buffer text = { 0 };
	pa_phrase_packet(packet, &text);
	pa_paragraph(style, PA_PAINT_NONE, "packet:  ", text.data, out);
	pa_buffer_clear(&text);
	pa_buffer_puts(&text, fate_phrase(walk));
	print_decider(&explainer, &text);
	print_nat(walk, packet->family, &text);
	pa_paragraph(style, fate_paint(walk->fate), "verdict: ", text.data, out);
	if (walk->fate == PA_FATE_DEPENDS) {
		pa_buffer_clear(&text);
		pa_text_escape(walk->condition ? walk->condition : "on something that the packet does not say", &text);
		pa_paragraph(style, PA_PAINT_WARN, "on what: ", text.data, out);
	}
	pa_buffer_done(&text);
	if (walk->step_count == 0)
		pa_buffer_puts(out, "\nNo chain sees this packet.\n");
	else
		pa_buffer_putc(out, '\n');
	if (!style->quiet)
		print_steps(&explainer);
	if (!style->quiet)
		print_assumptions(&explainer);
}
