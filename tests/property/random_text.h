/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What random rules look like when a difference is shown. */
#ifndef RANDOM_TEXT_H
#define RANDOM_TEXT_H

#include "portaudit/evaluate.h"

#include <inttypes.h>
#include <stdio.h>

static void put_value(struct pa_buffer *out, enum pa_field field, struct pa_interval range)
{
	char text[PA_ADDRESS_RANGE_TEXT_MAX];
	if (field == PA_FIELD_SADDR || field == PA_FIELD_DADDR || field == PA_FIELD_CT_ORIG_SADDR ||
	    field == PA_FIELD_CT_REPLY_SADDR || field == PA_FIELD_CT_REPLY_DADDR || field == PA_FIELD_CT_ORIG_DADDR) {
		pa_address_range_format(range, pa_value_is_ipv4(range.first) && pa_value_is_ipv4(range.last) ? 4 : 6, text);
		pa_buffer_puts(out, text);
	} else if (field == PA_FIELD_IIFNAME || field == PA_FIELD_OIFNAME) {
		pa_ifname_format(range.first, text);
		pa_buffer_printf(out, "\"%s%s\"", text, range.last != range.first ? "*" : "");
	} else if (range.first == range.last) {
		pa_buffer_printf(out, "%" PRIu64, (uint64_t)range.first);
	} else {
		pa_buffer_printf(out, "%" PRIu64 "-%" PRIu64, (uint64_t)range.first, (uint64_t)range.last);
	}
}

static void put_key_text(struct pa_buffer *out, const struct pa_key *key)
{
	for (unsigned p = 0; p < key->count; p++) {
		const struct pa_key_part *part = &key->parts[p];
		pa_buffer_printf(out, "%s%s", p ? " . " : "", part->opaque ? part->opaque : pa_field_info(part->field)->name);
		if (!part->opaque && part->mask != pa_field_max(part->field))
			pa_buffer_printf(out, " & 0x%" PRIx64, (uint64_t)part->mask);
		if (!part->opaque && part->xor_value)
			pa_buffer_printf(out, " ^ 0x%" PRIx64, (uint64_t)part->xor_value);
	}
}

static const char *verdict_text(struct pa_arena *arena, const struct pa_verdict *verdict)
{
	return pa_arena_printf(arena, "%s%s%s", pa_verdict_name(verdict->kind), verdict->target_name ? " " : "",
			       verdict->target_name ? verdict->target_name : "");
}

static void put_elements_text(struct pa_arena *arena, struct pa_buffer *out, const struct pa_key *key,
			      const struct pa_elements *elements)
{
	pa_buffer_printf(out, "{%s%s ", elements->may_grow ? " (may grow)" : "", elements->may_shrink ? " (may shrink)" : "");
	for (size_t i = 0; i < elements->count + elements->has_catch_all; i++) {
		const struct pa_datum *datum =
			elements->data ? i < elements->count ? &elements->data[i] : elements->catch_all : NULL;
		pa_buffer_puts(out, i ? ", " : "");
		for (unsigned p = 0; i < elements->count && p < elements->parts; p++) {
			pa_buffer_puts(out, p ? " . " : "");
			put_value(out, key->parts[p].opaque ? PA_FIELD_MARK : key->parts[p].field,
				  elements->keys[i * elements->parts + p]);
		}
		pa_buffer_puts(out, i < elements->count ? "" : "*");
		if (datum && datum->kind == PA_DATUM_VERDICT)
			pa_buffer_printf(out, " : %s", verdict_text(arena, &datum->verdict));
		for (unsigned d = 0; datum && datum->kind == PA_DATUM_VALUES && d < datum->count; d++) {
			pa_buffer_puts(out, d ? " . " : " : ");
			put_value(out, datum->values[d].first > 0xffff ? PA_FIELD_DADDR : PA_FIELD_DPORT, datum->values[d]);
		}
	}
	pa_buffer_puts(out, " }");
}

static const char *keep_text(struct pa_arena *arena, struct pa_buffer *text)
{
	const char *kept = pa_arena_strdup(arena, text->data ? text->data : "");
	pa_buffer_done(text);
	return kept;
}

#endif
