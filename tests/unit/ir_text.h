/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ruleset with all its steps as text, for tests: nothing of a step is left out. */
#ifndef TESTS_UNIT_IR_TEXT_H
#define TESTS_UNIT_IR_TEXT_H

#include <inttypes.h>
#include <string.h>

#include "portaudit/ruleset.h"

static void put_number(struct pa_buffer *out, pa_u128 value)
{
	if (value >> 64)
		pa_buffer_printf(out, "0x%" PRIx64 "_%016" PRIx64, (uint64_t)(value >> 64), (uint64_t)value);
	else if (value > 9999)
		pa_buffer_printf(out, "0x%" PRIx64, (uint64_t)value);
	else
		pa_buffer_printf(out, "%" PRIu64, (uint64_t)value);
}

/* As the field shows: addresses and interface names in words, the rest as numbers. */
static void put_interval(struct pa_buffer *out, const struct pa_key_part *part, struct pa_interval interval)
{
	bool plain = part && !part->opaque;
	if (plain && (part->field == PA_FIELD_SADDR || part->field == PA_FIELD_DADDR || part->field == PA_FIELD_CT_ORIG_SADDR ||
		      part->field == PA_FIELD_CT_REPLY_SADDR || part->field == PA_FIELD_CT_REPLY_DADDR ||
		      part->field == PA_FIELD_CT_ORIG_DADDR)) {
		char text[PA_ADDRESS_RANGE_TEXT_MAX];
		int family = pa_value_is_ipv4(interval.first) && pa_value_is_ipv4(interval.last) ? 4 : 6;
		pa_address_range_format(interval, family, text);
		pa_buffer_puts(out, text);
		return;
	}
	if (plain && (part->field == PA_FIELD_IIFNAME || part->field == PA_FIELD_OIFNAME)) {
		char text[PA_IFNAME_MAX + 1];
		pa_ifname_format(interval.first, text);
		pa_buffer_puts(out, text);
		if (interval.first == interval.last)
			return;
		pa_ifname_format(interval.last, text);
		pa_buffer_printf(out, "..%zu bytes", strlen(text));
		return;
	}
	put_number(out, interval.first);
	if (interval.first != interval.last) {
		pa_buffer_putc(out, '-');
		put_number(out, interval.last);
	}
}

static void put_part(struct pa_buffer *out, const struct pa_key_part *part)
{
	if (part->opaque) {
		pa_buffer_printf(out, "opaque \"%s\"%s", part->opaque, part->volatile_ ? " volatile" : "");
		return;
	}
	pa_buffer_printf(out, "%s%s", pa_field_info(part->field)->id, part->any_transport ? "(any transport)" : "");
	if (part->mask != pa_field_max(part->field)) {
		pa_buffer_puts(out, " & ");
		put_number(out, part->mask);
	}
	if (part->xor_value) {
		pa_buffer_puts(out, " ^ ");
		put_number(out, part->xor_value);
	}
}

static void put_key(struct pa_buffer *out, const struct pa_key *key)
{
	for (unsigned i = 0; i < key->count; i++) {
		pa_buffer_puts(out, i ? " . " : "");
		put_part(out, &key->parts[i]);
	}
}

static void put_datum(struct pa_buffer *out, const struct pa_datum *datum)
{
	static const struct pa_key_part address = { .field = PA_FIELD_SADDR };
	pa_buffer_puts(out, " : ");
	if (datum->kind == PA_DATUM_OPAQUE)
		pa_buffer_printf(out, "opaque \"%s\"", datum->text);
	if (datum->kind == PA_DATUM_VERDICT)
		pa_buffer_printf(out, "%s%s%s", pa_verdict_name(datum->verdict.kind), datum->verdict.target_name ? " " : "",
				 datum->verdict.target_name ? datum->verdict.target_name : "");
	for (unsigned i = 0; datum->kind == PA_DATUM_VALUES && i < datum->count; i++) {
		pa_buffer_puts(out, i ? " . " : "");
		put_interval(out, datum->values[i].first >> 32 ? &address : NULL, datum->values[i]);
	}
}

static void put_elements(struct pa_buffer *out, const struct pa_key *key, const struct pa_elements *elements)
{
	if (elements->decl)
		pa_buffer_printf(out, "@%s ", elements->decl->name);
	pa_buffer_puts(out, "{");
	for (size_t i = 0; i < elements->count; i++) {
		pa_buffer_puts(out, i ? ", " : "");
		for (unsigned part = 0; part < elements->parts; part++) {
			pa_buffer_puts(out, part ? " . " : "");
			put_interval(out, &key->parts[part], elements->keys[i * elements->parts + part]);
		}
		if (elements->data)
			put_datum(out, &elements->data[i]);
	}
	if (elements->has_catch_all)
		pa_buffer_puts(out, elements->count ? ", *" : "*");
	if (elements->catch_all)
		put_datum(out, elements->catch_all);
	pa_buffer_puts(out, "}");
	if (elements->may_grow)
		pa_buffer_puts(out, " may grow");
	if (elements->may_shrink)
		pa_buffer_puts(out, " may shrink");
	if (elements->parts == 1 && !elements->sorted && elements->count)
		pa_buffer_puts(out, " unsorted");
	if (elements->opaque)
		pa_buffer_printf(out, " opaque: %s", elements->opaque);
}

static void put_operand(struct pa_buffer *out, const struct pa_operand *operand, const struct pa_key_part *target)
{
	switch (operand->kind) {
	case PA_OPERAND_NONE:
		pa_buffer_puts(out, "-");
		break;
	case PA_OPERAND_VALUE:
		put_interval(out, target, operand->interval);
		break;
	case PA_OPERAND_PREFIX:
		pa_buffer_puts(out, "prefix ");
		put_interval(out, target, operand->interval);
		break;
	case PA_OPERAND_FIELD:
		put_part(out, &operand->part);
		if (operand->keep)
			pa_buffer_printf(out, " keep 0x%" PRIx64, operand->keep);
		break;
	case PA_OPERAND_MAP:
		pa_buffer_printf(out, "value %u of ", operand->datum_index);
		put_key(out, &operand->key);
		pa_buffer_puts(out, " in ");
		put_elements(out, &operand->key, operand->map);
		break;
	case PA_OPERAND_OPAQUE:
		pa_buffer_printf(out, "opaque \"%s\"", operand->text);
		break;
	}
}

static void put_nat(struct pa_buffer *out, const struct pa_step *step)
{
	static const char *const names[] = { "snat", "dnat", "masquerade", "redirect" };
	static const struct pa_key_part address = { .field = PA_FIELD_SADDR };
	pa_buffer_printf(out, "NAT %s family %d address ", names[step->nat], step->nat_family);
	put_operand(out, &step->value, &address);
	pa_buffer_puts(out, " port ");
	put_operand(out, &step->port, NULL);
}

static void put_step(struct pa_buffer *out, const struct pa_step *step)
{
	static const char *const opacities[] = { "match", "verdict", "stolen" };
	struct pa_key_part target = { .field = step->field };
	pa_buffer_puts(out, step->implied ? "\t+ " : "\t- ");
	switch (step->kind) {
	case PA_STEP_MATCH:
		put_key(out, &step->key);
		pa_buffer_puts(out, step->negated ? " not in " : " in ");
		put_elements(out, &step->key, step->elements);
		break;
	case PA_STEP_VERDICT:
		pa_buffer_printf(out, "VERDICT %s %s", pa_verdict_name(step->verdict.kind),
				 step->verdict.target_name ? step->verdict.target_name : "");
		break;
	case PA_STEP_VMAP:
		pa_buffer_puts(out, "VMAP ");
		put_key(out, &step->key);
		pa_buffer_puts(out, " in ");
		put_elements(out, &step->key, step->elements);
		break;
	case PA_STEP_ASSIGN:
		pa_buffer_printf(out, "ASSIGN %s := ", pa_field_info(step->field)->id);
		put_operand(out, &step->value, &target);
		break;
	case PA_STEP_NAT:
		put_nat(out, step);
		break;
	case PA_STEP_NOTRACK:
		pa_buffer_puts(out, "NOTRACK");
		break;
	case PA_STEP_NONE:
		pa_buffer_puts(out, "NONE");
		break;
	case PA_STEP_OPAQUE:
		pa_buffer_printf(out, "OPAQUE %s%s", opacities[step->opacity], step->volatile_ ? " volatile" : "");
		break;
	}
	while (out->length && out->data[out->length - 1] == ' ')
		out->data[--out->length] = '\0';
	if (step->text)
		pa_buffer_printf(out, "   # %s", step->text);
	pa_buffer_putc(out, '\n');
}

static void put_ruleset_with_steps(const struct pa_ruleset *ruleset, struct pa_buffer *out)
{
	pa_ruleset_print(ruleset, out);
	pa_buffer_puts(out, "\nsteps (+: tested by the kernel, not written in the rule)\n");
	for (size_t i = 0; i < ruleset->rule_count; i++) {
		pa_buffer_printf(out, "%s\n", ruleset->rules[i]->text);
		for (size_t j = 0; j < ruleset->rules[i]->step_count; j++)
			put_step(out, &ruleset->rules[i]->steps[j]);
	}
}

#endif
