/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ruleset as text, close to what `nft -a list ruleset` prints. Rules have their texts from the front end; named sets
 * are printed from their values.
 */
#include <inttypes.h>
#include <string.h>

#include "names.h"
#include "portaudit/ruleset.h"

/* --- values --------------------------------------------------------------------------------------------------------- */

static enum pa_datatype part_type(const char *types, unsigned part)
{
	const char *end = strstr(types, " : ");
	if (!end)
		end = types + strlen(types);
	while (part--) {
		const char *dot = memmem(types, (size_t)(end - types), " . ", 3);
		if (!dot)
			return PA_DATATYPE_WORD;
		types = dot + 3;
	}
	const char *dot = memmem(types, (size_t)(end - types), " . ", 3);
	return pa_datatype_find(types, (size_t)((dot ? dot : end) - types));
}

static const char *data_types(const char *types)
{
	const char *colon = strstr(types, " : ");
	if (!colon)
		return "";
	return strncmp(colon + 3, "interval ", 9) == 0 ? colon + 12 : colon + 3;
}

static void put_decimal(struct pa_buffer *out, pa_u128 value)
{
	if (value >> 64)
		pa_buffer_printf(out, "0x%" PRIx64 "%016" PRIx64, (uint64_t)(value >> 64), (uint64_t)value);
	else
		pa_buffer_printf(out, "%" PRIu64, (uint64_t)value);
}

static void put_ether(struct pa_buffer *out, uint64_t value)
{
	for (int shift = 40; shift >= 0; shift -= 8)
		pa_buffer_printf(out, "%02x%s", (unsigned)(value >> shift & 0xff), shift ? ":" : "");
}

static void put_ifname(struct pa_buffer *out, pa_u128 value)
{
	char name[PA_IFNAME_MAX + 1];
	pa_ifname_format(value, name);
	pa_buffer_printf(out, "\"%s\"", name);
}

static void put_value(struct pa_buffer *out, enum pa_datatype type, pa_u128 value)
{
	const char *symbol = value >> 64 ? NULL : pa_symbol_name(type, (uint64_t)value);
	/* A family stands for its ethertype (see the front end). */
	if (type == PA_DATATYPE_ETHERTYPE)
		symbol = value == 2 ? "ip" : "ip6";
	if (symbol)
		pa_buffer_puts(out, symbol);
	else if (type == PA_DATATYPE_ETHER)
		put_ether(out, (uint64_t)value);
	else if (type == PA_DATATYPE_IFNAME || type == PA_DATATYPE_IFINDEX)
		put_ifname(out, value);
	else if (type == PA_DATATYPE_MARK)
		pa_buffer_printf(out, "0x%08" PRIx64, (uint64_t)value);
	else
		put_decimal(out, value);
}

static void put_addresses(struct pa_buffer *out, struct pa_interval interval)
{
	char text[PA_ADDRESS_RANGE_TEXT_MAX];
	pa_address_range_format(interval, pa_value_is_ipv4(interval.first) && pa_value_is_ipv4(interval.last) ? 4 : 6, text);
	pa_buffer_puts(out, text);
}

/* "br-*", when the interval is exactly the names that begin with something. */
static bool put_wildcard(struct pa_buffer *out, struct pa_interval interval)
{
	char name[PA_IFNAME_MAX + 1];
	pa_ifname_format(interval.first, name);
	struct pa_interval wildcard = pa_ifname_prefix(name);
	if (wildcard.first != interval.first || wildcard.last != interval.last)
		return false;
	pa_buffer_printf(out, "\"%s*\"", name);
	return true;
}

static void put_interval(struct pa_buffer *out, enum pa_datatype type, struct pa_interval interval)
{
	if (type == PA_DATATYPE_IPV4 || type == PA_DATATYPE_IPV6 || type == PA_DATATYPE_ADDRESS) {
		put_addresses(out, interval);
		return;
	}
	if (interval.first != interval.last && type == PA_DATATYPE_IFNAME && put_wildcard(out, interval))
		return;
	put_value(out, type, interval.first);
	if (interval.first == interval.last)
		return;
	pa_buffer_putc(out, '-');
	put_value(out, type, interval.last);
}

static void put_verdict(struct pa_buffer *out, const struct pa_verdict *verdict)
{
	pa_buffer_puts(out, pa_verdict_name(verdict->kind));
	if (verdict->target_name)
		pa_buffer_printf(out, " %s", verdict->target_name);
}

static void put_datum(struct pa_buffer *out, const char *types, const struct pa_datum *datum)
{
	pa_buffer_puts(out, " : ");
	switch (datum->kind) {
	case PA_DATUM_VERDICT:
		put_verdict(out, &datum->verdict);
		break;
	case PA_DATUM_VALUES:
		for (unsigned i = 0; i < datum->count; i++) {
			pa_buffer_puts(out, i ? " . " : "");
			put_interval(out, part_type(types, i), datum->values[i]);
		}
		break;
	case PA_DATUM_OPAQUE:
		pa_buffer_puts(out, datum->text);
		break;
	}
}

/* --- objects -------------------------------------------------------------------------------------------------------- */

static void put_handle(struct pa_buffer *out, uint64_t handle)
{
	if (handle)
		pa_buffer_printf(out, " # handle %" PRIu64, handle);
	pa_buffer_putc(out, '\n');
}

static void put_elements(struct pa_buffer *out, const struct pa_set_decl *set)
{
	const struct pa_elements *elements = &set->elements;
	const char *data = data_types(set->type_text);
	bool any = elements->count || elements->has_catch_all;
	if (any)
		pa_buffer_puts(out, "\t\telements = { ");
	for (size_t i = 0; i < elements->count; i++) {
		pa_buffer_puts(out, i ? ",\n\t\t\t     " : "");
		for (unsigned part = 0; part < elements->parts; part++) {
			pa_buffer_puts(out, part ? " . " : "");
			put_interval(out, part_type(set->type_text, part), elements->keys[i * elements->parts + part]);
		}
		if (elements->data)
			put_datum(out, data, &elements->data[i]);
	}
	if (elements->has_catch_all) {
		pa_buffer_puts(out, elements->count ? ",\n\t\t\t     *" : "*");
		if (elements->catch_all)
			put_datum(out, data, elements->catch_all);
	}
	if (any)
		pa_buffer_puts(out, " }\n");
	if (elements->opaque)
		pa_buffer_printf(out, "\t\t# not all elements are known: %s\n", elements->opaque);
}

static void put_flags(struct pa_buffer *out, const struct pa_set_decl *set)
{
	const char *const flags[] = { set->interval ? "interval" : NULL, set->dynamic ? "dynamic" : NULL,
				      set->timeout ? "timeout" : NULL };
	const char *separator = "\t\tflags ";
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		if (!flags[i])
			continue;
		pa_buffer_printf(out, "%s%s", separator, flags[i]);
		separator = ",";
	}
	if (separator[0] == ',')
		pa_buffer_putc(out, '\n');
	if (set->elements.may_grow)
		pa_buffer_puts(out, "\t\t# may grow\n");
	if (set->elements.may_shrink)
		pa_buffer_puts(out, "\t\t# may shrink\n");
}

static void put_comment(struct pa_buffer *out, const char *indent, const char *comment)
{
	if (comment)
		pa_buffer_printf(out, "%scomment \"%s\"\n", indent, comment);
}

static void put_set(struct pa_buffer *out, const struct pa_set_decl *set)
{
	pa_buffer_printf(out, "\t%s %s {", set->is_map ? "map" : "set", set->name);
	put_handle(out, set->handle);
	pa_buffer_printf(out, "\t\ttype %s\n", set->type_text);
	if (set->size)
		pa_buffer_printf(out, "\t\tsize %" PRIu64 "\n", set->size);
	put_flags(out, set);
	put_comment(out, "\t\t", set->comment);
	put_elements(out, set);
	pa_buffer_puts(out, "\t}\n");
}

static void put_base(struct pa_buffer *out, const struct pa_chain *chain)
{
	pa_buffer_printf(out, "\t\ttype %s hook %s", pa_chain_type_name(chain->type), pa_hook_name(chain->hook));
	for (const char *const *device = chain->devices; device && *device; device++)
		pa_buffer_printf(out, "%s\"%s\"", device == chain->devices ? " devices = { " : ", ", *device);
	if (chain->devices && *chain->devices)
		pa_buffer_puts(out, " }");
	pa_buffer_printf(out, " priority %d; policy %s;\n", chain->priority, pa_verdict_name(chain->policy));
}

void pa_rule_print(const struct pa_rule *rule, struct pa_buffer *out)
{
	pa_buffer_puts(out, rule->text);
	if (rule->comment)
		pa_buffer_printf(out, "%scomment \"%s\"", *rule->text ? " " : "", rule->comment);
}

static void put_chain(struct pa_buffer *out, const struct pa_chain *chain)
{
	pa_buffer_printf(out, "\tchain %s {", chain->name);
	put_handle(out, chain->handle);
	put_comment(out, "\t\t", chain->comment);
	if (chain->is_base)
		put_base(out, chain);
	for (size_t i = 0; i < chain->rule_count; i++) {
		pa_buffer_puts(out, "\t\t");
		pa_rule_print(chain->rules[i], out);
		put_handle(out, chain->rules[i]->handle);
	}
	pa_buffer_puts(out, "\t}\n");
}

static void put_table(struct pa_buffer *out, const struct pa_table *table)
{
	pa_buffer_printf(out, "table %s %s {", pa_family_name(table->family), table->name);
	put_handle(out, table->handle);
	put_comment(out, "\t", table->comment);
	if (table->dormant)
		pa_buffer_puts(out, "\tflags dormant\n");
	for (size_t i = 0; i < table->set_count; i++)
		put_set(out, table->sets[i]);
	for (size_t i = 0; i < table->chain_count; i++)
		put_chain(out, table->chains[i]);
	pa_buffer_puts(out, "}\n");
}

void pa_ruleset_print(const struct pa_ruleset *ruleset, struct pa_buffer *out)
{
	for (size_t i = 0; i < ruleset->gap_count; i++)
		pa_buffer_printf(out, "# incomplete: %s\n", ruleset->gaps[i].message);
	for (size_t i = 0; i < ruleset->table_count; i++)
		put_table(out, ruleset->tables[i]);
}
