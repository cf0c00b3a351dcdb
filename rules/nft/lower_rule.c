/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One rule: its steps are collected in arrays that all rules share, then copied into the arena in one piece. */
#include <stdlib.h>
#include <string.h>

#include "lower.h"

/* --- steps -------------------------------------------------------------------------------------------------------- */

struct pa_step *pa_lower_add_step(struct pa_lowering *lowering, enum pa_step_kind kind)
{
	size_t wanted = lowering->step_count + 1;
	pa_grow(&lowering->steps, &lowering->step_capacity, wanted, sizeof(*lowering->steps));
	pa_grow(&lowering->texts, &lowering->text_capacity, wanted, sizeof(*lowering->texts));
	lowering->texts[lowering->step_count] = PA_NO_TEXT;
	struct pa_step *step = &lowering->steps[lowering->step_count++];
	memset(step, 0, sizeof(*step));
	step->kind = kind;
	return step;
}

struct pa_buffer *pa_lower_begin_text(struct pa_lowering *lowering)
{
	lowering->texts[lowering->step_count - 1] = lowering->text.length;
	return &lowering->text;
}

void pa_lower_end_text(struct pa_lowering *lowering)
{
	pa_buffer_putc(&lowering->text, '\0');
}

struct pa_buffer *pa_lower_opaque(struct pa_lowering *lowering, enum pa_opacity opacity, enum pa_nft_reason_id reason)
{
	struct pa_step *step = pa_lower_add_step(lowering, PA_STEP_OPAQUE);
	step->opacity = opacity;
	step->volatile_ = true;
	step->reason = pa_nft_reasons[reason].text;
	step->understood = pa_nft_reasons[reason].understood;
	step->counted = reason == PA_REASON_COUNTED;
	return pa_lower_begin_text(lowering);
}

/* Most keys are one field as it is: rules share these. */
static struct pa_key_part *shared_part(struct pa_lowering *lowering, const struct pa_key_part *part)
{
	if (part->opaque || part->any_transport || part->of_flow || part->xor_value || part->mask != pa_field_max(part->field))
		return NULL;
	struct pa_key_part **slot = &lowering->plain_parts[part->field];
	if (!*slot)
		*slot = pa_arena_dup(lowering->arena, part, 1, sizeof(*part));
	return *slot;
}

/* Are the elements numbers or kinds, and not the names of groups, of which only the host knows what they stand for? */
static bool are_properties(const struct pa_elements *elements, unsigned part, enum pa_datatype type)
{
	struct pa_value_types types = { .count = 0 };
	if (elements->decl)
		pa_lower_read_types(elements->decl->type_text, &types, NULL);
	if (part >= elements->parts || (elements->decl && (part >= types.count || types.types[part] != type)))
		return false;
	for (size_t i = 0; i < elements->count; i++)
		if (elements->keys[i * elements->parts + part].last > pa_lower_type_max(type))
			return false;
	return true;
}

struct pa_key pa_lower_keep_key(struct pa_lowering *lowering, const struct pa_lowered_key *key,
				const struct pa_elements *elements)
{
	struct pa_key kept = { .count = key->count };
	if (key->count == 1 && (kept.parts = shared_part(lowering, &key->parts[0].part)))
		return kept;
	kept.parts = pa_arena_alloc(lowering->arena, key->count, sizeof(*kept.parts));
	for (unsigned i = 0; i < key->count; i++) {
		kept.parts[i] = key->parts[i].part;
		if (kept.parts[i].link && !are_properties(elements, i, key->parts[i].type))
			kept.parts[i].link = NULL;
	}
	return kept;
}

struct pa_step *pa_lower_add_match(struct pa_lowering *lowering, const struct pa_lowered_key *key,
				   const struct pa_elements *elements, bool negated)
{
	struct pa_key kept = pa_lower_keep_key(lowering, key, elements);
	struct pa_step *step = pa_lower_add_step(lowering, PA_STEP_MATCH);
	step->key = kept;
	step->elements = elements;
	step->negated = negated;
	return step;
}

/* --- what the kernel tests by itself ------------------------------------------------------------------------------ */

/* The only expression that is no field. */
#define INCOMING_TYPE "meta iiftype"
static const struct pa_link_test incoming_type = { PA_LINK_TYPE, PA_FIELD_IIFNAME, PA_U128_MAX, 0 };

static struct pa_requirement *requirement(struct pa_lowering *lowering, struct pa_requirement **slot, enum pa_field field,
					  const char *opaque, unsigned value)
{
	if (*slot)
		return *slot;
	struct pa_requirement *made = pa_arena_alloc(lowering->arena, 1, sizeof(*made));
	made->part.field = field;
	made->part.mask = opaque ? PA_U128_MAX : pa_field_max(field);
	made->part.opaque = opaque;
	made->part.reason = opaque ? pa_nft_reasons[PA_REASON_INTERFACE].text : NULL;
	made->part.understood = opaque != NULL;
	made->part.link = opaque ? &incoming_type : NULL;
	made->key = (struct pa_key){ .count = 1, .parts = &made->part };
	made->value = (struct pa_interval){ value, value };
	made->elements = (struct pa_elements){ .parts = 1, .count = 1, .keys = &made->value, .sorted = true };
	*slot = made;
	return made;
}

static void add_requirement(struct pa_lowering *lowering, const struct pa_requirement *needed)
{
	struct pa_step *step = pa_lower_add_step(lowering, PA_STEP_MATCH);
	step->implied = true;
	step->key = needed->key;
	step->elements = &needed->elements;
}

/* In a table of one family nft adds no test of it; `icmp` in an ip6 table asks only for the protocol. */
void pa_lower_require_nfproto(struct pa_lowering *lowering, unsigned nfproto)
{
	enum pa_family family = lowering->table->family;
	if (family == PA_FAMILY_IP || family == PA_FAMILY_IP6 || lowering->required_nfproto == nfproto)
		return;
	lowering->required_nfproto = nfproto;
	add_requirement(lowering, requirement(lowering, &lowering->nfproto[nfproto & 255], PA_FIELD_NFPROTO, NULL, nfproto));
}

void pa_lower_require_l4proto(struct pa_lowering *lowering, unsigned l4proto)
{
	if (lowering->required_l4proto == l4proto)
		return;
	lowering->required_l4proto = l4proto;
	add_requirement(lowering, requirement(lowering, &lowering->l4proto[l4proto & 255], PA_FIELD_L4PROTO, NULL, l4proto));
}

void pa_lower_require_value(struct pa_lowering *lowering, enum pa_field field, unsigned value)
{
	struct pa_requirement *made = NULL;
	struct pa_requirement **slot = field == PA_FIELD_NFPROTO   ? &lowering->nfproto[value & 255]
				       : field == PA_FIELD_L4PROTO ? &lowering->l4proto[value & 255]
								   : &made;
	add_requirement(lowering, requirement(lowering, slot, field, NULL, value));
}

void pa_lower_require_link_type(struct pa_lowering *lowering, unsigned type)
{
	struct pa_requirement *made = NULL;
	add_requirement(lowering, requirement(lowering, &made, PA_FIELD_COUNT, INCOMING_TYPE, type));
}

/* ARPHRD_ETHER: which kind an interface is of is not told by its name. In netdev tables nft tests it as well. */
void pa_lower_require_ether(struct pa_lowering *lowering)
{
	enum pa_family family = lowering->table->family;
	if (family == PA_FAMILY_BRIDGE || family == PA_FAMILY_ARP || lowering->required_ether)
		return;
	lowering->required_ether = true;
	add_requirement(lowering, requirement(lowering, &lowering->ether, PA_FIELD_COUNT, INCOMING_TYPE, 1));
}

/* --- opaque expressions that another statement sets --------------------------------------------------------------- */

void pa_lower_note_assigned(struct pa_lowering *lowering, const char *text)
{
	pa_grow(&lowering->assigned, &lowering->assigned_capacity, lowering->assigned_count + 1, sizeof(*lowering->assigned));
	lowering->assigned[lowering->assigned_count++] = text;
}

void pa_lower_note_translation(struct pa_lowering *lowering, enum pa_field field)
{
	if (field == PA_FIELD_SADDR || field == PA_FIELD_DADDR || field == PA_FIELD_SPORT || field == PA_FIELD_DPORT ||
	    field == PA_FIELD_L4PROTO)
		lowering->translates = true;
}

static bool changes_with_header(const struct pa_lowering *lowering, const char *reason)
{
	const struct pa_nft_reason *row = pa_nft_reason_of(reason);
	return lowering->translates && row && row->again == PA_AGAIN_HEADER;
}

/* `ct zone`, once some rule sets it. */
static void mark_zone(const struct pa_lowering *lowering, struct pa_key_part *part)
{
	for (size_t i = 0; i < lowering->assigned_count; i++) {
		if (strcmp(lowering->assigned[i], "ct zone") != 0)
			continue;
		part->opaque = "ct zone";
		part->reason = pa_nft_reasons[PA_REASON_FLOW].text;
		part->mask = PA_U128_MAX;
		part->volatile_ = true;
		return;
	}
}

static void mark_part(const struct pa_lowering *lowering, struct pa_key_part *part)
{
	if (!part->opaque && !part->mask && !part->xor_value && part->field == PA_FIELD_CT_DIRECTION)
		mark_zone(lowering, part);
	if (part->opaque && changes_with_header(lowering, part->reason))
		part->volatile_ = true;
	for (size_t i = 0; part->opaque && i < lowering->assigned_count; i++)
		if (strstr(part->opaque, lowering->assigned[i]))
			part->volatile_ = true;
}

static void mark_step(const struct pa_lowering *lowering, struct pa_step *step)
{
	struct pa_key none = { 0 };
	bool is_opaque = step->kind == PA_STEP_OPAQUE;
	if (is_opaque && changes_with_header(lowering, step->reason))
		step->volatile_ = true;
	for (size_t i = 0; is_opaque && i < lowering->assigned_count; i++)
		if (strstr(step->text, lowering->assigned[i]))
			step->volatile_ = true;
	struct pa_key *key = step->kind == PA_STEP_MATCH || step->kind == PA_STEP_VMAP ? &step->key : &none;
	bool takes_value = step->kind == PA_STEP_ASSIGN || step->kind == PA_STEP_NAT;
	if (takes_value && step->value.kind == PA_OPERAND_MAP)
		key = &step->value.key;
	else if (step->kind == PA_STEP_NAT && step->port.kind == PA_OPERAND_MAP)
		key = &step->port.key;
	for (unsigned i = 0; i < key->count; i++)
		mark_part(lowering, &key->parts[i]);
	if (takes_value && step->value.kind == PA_OPERAND_FIELD)
		mark_part(lowering, &step->value.part);
}

/* Two tests with one text ask the same thing only as long as nothing in between sets it. */
void pa_lower_mark_assigned(struct pa_lowering *lowering)
{
	struct pa_ruleset *ruleset = lowering->ruleset;
	if (!lowering->assigned_count && !lowering->translates)
		return;
	for (size_t i = 0; i < ruleset->chain_count; i++)
		for (size_t j = 0; j < ruleset->chains[i]->rule_count; j++) {
			const struct pa_rule *rule = ruleset->chains[i]->rules[j];
			for (size_t k = 0; k < rule->step_count; k++)
				mark_step(lowering, &rule->steps[k]);
		}
}

/* --- the rule ------------------------------------------------------------------------------------------------------ */

/* What ends the rule and is followed by nothing changes nothing. */
static void drop_idle_end(struct pa_lowering *lowering)
{
	for (size_t i = lowering->step_count; i > 0; i--) {
		struct pa_step *step = &lowering->steps[i - 1];
		if (step->kind == PA_STEP_OPAQUE && step->opacity == PA_OPACITY_MATCH)
			step->kind = PA_STEP_NONE;
		else if (step->kind != PA_STEP_NONE)
			break;
	}
}

static bool step_has_effect(const struct pa_step *step)
{
	return step->kind == PA_STEP_VMAP || step->kind == PA_STEP_ASSIGN || step->kind == PA_STEP_NOTRACK ||
	       (step->kind == PA_STEP_OPAQUE && step->opacity != PA_OPACITY_MATCH);
}

size_t pa_lower_first_effect(const struct pa_lowering *lowering)
{
	size_t effect = 0;
	while (effect < lowering->step_count && !step_has_effect(&lowering->steps[effect]))
		effect++;
	return effect;
}

static void insert_step(struct pa_lowering *lowering, size_t at, struct pa_step step)
{
	pa_lower_add_step(lowering, step.kind);
	for (size_t i = lowering->step_count - 1; i > at; i--) {
		lowering->steps[i] = lowering->steps[i - 1];
		lowering->texts[i] = lowering->texts[i - 1];
	}
	lowering->steps[at] = step;
	lowering->texts[at] = PA_NO_TEXT;
}

void pa_lower_move_to_front(struct pa_lowering *lowering)
{
	struct pa_step last = lowering->steps[--lowering->step_count];
	size_t text = lowering->texts[lowering->step_count];
	insert_step(lowering, 0, last);
	lowering->texts[0] = text;
}

/* Nobody says whether the kernel tests the protocol here already: packets of another one may end here or go on. */
static void insert_question(struct pa_lowering *lowering, size_t at, struct pa_step step)
{
	struct pa_elements *elements = pa_arena_dup(lowering->arena, step.elements, 1, sizeof(*elements));
	elements->may_grow = true;
	step.elements = elements;
	insert_step(lowering, at, step);
	lowering->texts[at] = lowering->text.length;
	pa_buffer_puts(&lowering->text,
		       "a rule goes on for another protocol until a test of it that the listing does not show");
	pa_lower_end_text(lowering);
}

/*
 * nft merges tests of neighbouring fields at the place of the last one, and the test of their protocol stays where the first was:
 * before a verdict map or a mark that the listing shows in front of them all. The kernel's word on it is in account.c.
 */
static void add_early_questions(struct pa_lowering *lowering)
{
	size_t effect = pa_lower_first_effect(lowering);
	for (size_t i = effect + 1; i < lowering->step_count && !lowering->document->facts; i++) {
		struct pa_step step = lowering->steps[i];
		bool protocol = step.implied && step.kind == PA_STEP_MATCH && !step.key.parts[0].opaque;
		enum pa_field field = protocol ? step.key.parts[0].field : PA_FIELD_COUNT;
		if (field != PA_FIELD_L4PROTO && field != PA_FIELD_NFPROTO)
			continue;
		insert_question(lowering, effect, step);
		effect++;
		i++;
	}
}

/* The texts of the steps in one block, and behind them the same joined by blanks: the text of the rule. */
static void keep_texts(struct pa_lowering *lowering, struct pa_rule *rule)
{
	size_t length = lowering->text.length;
	char *block = pa_arena_alloc(lowering->arena, length * 2 + 1, 1);
	char *joined = block + length;
	rule->text = joined;
	if (!length)
		return;
	memcpy(block, lowering->text.data, length);
	for (size_t i = 0; i < lowering->step_count; i++) {
		if (lowering->texts[i] == PA_NO_TEXT)
			continue;
		const char *text = block + lowering->texts[i];
		size_t size = strlen(text);
		rule->steps[i].text = text;
		if (rule->steps[i].implied)
			continue;
		if (joined != rule->text)
			*joined++ = ' ';
		memcpy(joined, text, size);
		joined += size;
	}
}

static void begin_rule(struct pa_lowering *lowering, uint64_t handle)
{
	lowering->rule_handle = handle;
	lowering->comparisons_seen = 0;
	lowering->step_count = 0;
	lowering->missing = NULL;
	lowering->required_nfproto = 0;
	lowering->required_l4proto = 0;
	lowering->required_ether = false;
	pa_buffer_clear(&lowering->text);
}

static const char *name_of(const struct pa_json_tape *tape, const struct pa_json_node *rule, const char *member, char out[256])
{
	const struct pa_json_node *node = pa_json_member(tape, rule, member);
	if (!node || node->kind != PA_JSON_STRING || node->length > 255)
		return NULL;
	memcpy(out, node->string, node->length);
	out[node->length] = '\0';
	return out;
}

/* The rule's table and chain: mostly those of the rule before. */
static bool find_chain(struct pa_lowering *lowering, const struct pa_json_node *rule, size_t offset)
{
	char table_text[256], chain_text[256];
	const char *table_name = name_of(&lowering->tape, rule, "table", table_text);
	const char *chain_name = name_of(&lowering->tape, rule, "chain", chain_text);
	enum pa_family family;
	if (!table_name || !chain_name || !pa_lower_read_family(pa_json_member(&lowering->tape, rule, "family"), &family))
		return pa_lower_fail(lowering, offset, "a rule without family, table and chain");
	if (!lowering->table || lowering->table->family != family || strcmp(lowering->table->name, table_name) != 0) {
		lowering->table = pa_ruleset_find_table(lowering->ruleset, family, table_name);
		lowering->chain = NULL;
	}
	if (!lowering->table)
		return lowering->final_pass
			       ? pa_lower_fail(lowering, offset, "a rule of table \"%s\", which the listing does not have",
					       table_name)
			       : false;
	if (!lowering->chain || strcmp(lowering->chain->name, chain_name) != 0)
		lowering->chain = pa_table_find_chain(lowering->table, chain_name);
	if (!lowering->chain && lowering->final_pass)
		return pa_lower_fail(lowering, offset, "a rule of chain \"%s\", which the listing does not have", chain_name);
	return lowering->chain != NULL;
}

enum pa_rule_result pa_lower_rule(struct pa_lowering *lowering, size_t index, size_t offset)
{
	const struct pa_json_node *node = &lowering->tape.nodes[index];
	const struct pa_json_node *statements = pa_json_member(&lowering->tape, node, "expr");
	const struct pa_json_node *handle = pa_json_member(&lowering->tape, node, "handle");
	if (!find_chain(lowering, node, offset))
		return lowering->failed ? PA_RULE_FAILED : PA_RULE_DEFER;
	if (statements && statements->kind != PA_JSON_ARRAY) {
		pa_lower_fail(lowering, offset, "a rule whose statements are no list");
		return PA_RULE_FAILED;
	}
	begin_rule(lowering, pa_lower_number(handle, 0));
	const struct pa_json_node *statement = statements ? statements + 1 : NULL;
	uint32_t left = statements ? statements->length : 0;
	while (left) {
		unsigned length = pa_lower_merged_length(lowering, statement, left);
		if (length > 1)
			pa_lower_merged(lowering, statement, length);
		else
			pa_lower_statement(lowering, statement);
		for (left -= length; length; length--)
			statement = pa_json_after(&lowering->tape, statement);
	}
	if (lowering->missing) {
		if (!lowering->final_pass)
			return PA_RULE_DEFER;
		pa_lower_fail(lowering, offset, "a rule that names the set \"%s\", which its table does not have",
			      lowering->missing);
		return PA_RULE_FAILED;
	}
	drop_idle_end(lowering);
	add_early_questions(lowering);
	pa_lower_account(lowering, statements);
	struct pa_rule *rule = pa_chain_add_rule(lowering->ruleset, lowering->chain);
	rule->handle = lowering->rule_handle;
	rule->where = pa_lower_place(lowering, offset);
	rule->comment = pa_lower_string(lowering, pa_json_member(&lowering->tape, node, "comment"));
	rule->steps = pa_arena_dup(lowering->arena, lowering->steps, lowering->step_count, sizeof(*rule->steps));
	rule->step_count = lowering->step_count;
	keep_texts(lowering, rule);
	return PA_RULE_DONE;
}
