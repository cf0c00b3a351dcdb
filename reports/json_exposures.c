/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows as boxes of JSON. A packet is in a row when every field of it is; what the row does not name is not limited. Fields
 * beyond those that every row has: "oif", "flags" and "with" stand only in rows that are limited in them.
 */
#include <netinet/in.h>

#include "json_parts.h"
#include "listener.h"
#include "phrase.h"

struct writer {
	struct pa_json *json;
	struct pa_arena *arena;
	struct pa_buffer text;
};

static void add_text(struct writer *writer)
{
	pa_json_string(writer->json, NULL, writer->text.data ? writer->text.data : "");
	pa_buffer_clear(&writer->text);
}

/* ["22","8000-8080"]; everything is ["0-65535"]. */
static void add_numbers(struct writer *writer, const char *key, struct pa_ranges ranges, enum pa_field field)
{
	struct pa_interval all = { .first = 0, .last = pa_field_max(field) };
	if (ranges.count == 0)
		ranges = (struct pa_ranges){ .items = &all, .count = 1 };
	pa_json_open(writer->json, key, '[');
	for (size_t i = 0; i < ranges.count; i++) {
		pa_number_range_print(ranges.items[i], &writer->text);
		add_text(writer);
	}
	pa_json_close(writer->json, ']');
}

static void add_addresses(struct writer *writer, const char *key, struct pa_ranges ranges, int family)
{
	pa_json_open(writer->json, key, '[');
	for (size_t i = 0; i < ranges.count; i++) {
		char text[PA_ADDRESS_RANGE_TEXT_MAX];
		pa_address_range_format(ranges.items[i], family, text);
		pa_json_string(writer->json, NULL, text);
	}
	if (ranges.count == 0)
		pa_json_string(writer->json, NULL, family == 6 ? "::/0" : "0.0.0.0/0");
	pa_json_close(writer->json, ']');
}

/* "any", or a list of which the longest entry that fits a name decides: "eth0", "br-*", "!br-1", "*" for "any". */
static void add_names(struct writer *writer, const char *key, struct pa_ranges names, bool with_loopback)
{
	struct pa_name_list list = pa_name_list_make(writer->arena, names);
	bool loopback = with_loopback && list.loopback;
	if (list.any && list.count == 0 && !loopback) {
		pa_json_string(writer->json, key, "any");
		return;
	}
	pa_json_open(writer->json, key, '[');
	if (list.any)
		pa_json_string(writer->json, NULL, "*");
	if (loopback)
		pa_json_string(writer->json, NULL, "lo");
	for (size_t i = 0; i < list.count; i++) {
		pa_buffer_printf(&writer->text, "%s%s", list.entries[i].except ? "!" : "", list.entries[i].text);
		add_text(writer);
	}
	pa_json_close(writer->json, ']');
}

static void add_protocol(struct writer *writer, struct pa_ranges protocol)
{
	if (protocol.count == 0) {
		pa_json_string(writer->json, "proto", "any");
		return;
	}
	if (pa_ranges_is_single(protocol))
		pa_phrase_protocol(protocol.items[0].first, &writer->text);
	else
		pa_number_range_print(protocol.items[0], &writer->text);
	pa_json_string(writer->json, "proto", writer->text.data);
	pa_buffer_clear(&writer->text);
}

static void add_icmp(struct writer *writer, const struct pa_region *region)
{
	if (!region->has_icmp || region->protocol.count == 0) {
		pa_json_null(writer->json, "icmp");
		return;
	}
	pa_json_open(writer->json, "icmp", '{');
	add_numbers(writer, "type", region->icmp_type, PA_FIELD_ICMP_TYPE);
	add_numbers(writer, "code", region->icmp_code, PA_FIELD_ICMP_CODE);
	pa_json_close(writer->json, '}');
}

static void add_target(struct writer *writer, const struct pa_row *row)
{
	const struct pa_target *target = &row->target;
	if (!row->has_target) {
		pa_json_null(writer->json, "to");
		return;
	}
	pa_json_open(writer->json, "to", '{');
	char text[PA_ADDRESS_RANGE_TEXT_MAX] = "self";
	if (!target->to_self && target->has_address)
		pa_address_range_format(target->address, target->family, text);
	pa_json_string(writer->json, "addr", target->to_self || target->has_address ? text : NULL);
	if (target->has_port)
		pa_json_port(writer->json, "port", target->port);
	else
		pa_json_null(writer->json, "port");
	pa_json_close(writer->json, '}');
}

static void add_flags(struct writer *writer, const struct pa_region *region)
{
	struct pa_ranges flags;
	if (!pa_region_extra(writer->arena, region, PA_FIELD_TCP_FLAGS, &flags))
		return;
	pa_json_open(writer->json, "flags", '[');
	for (size_t i = 0; i < flags.count; i++) {
		for (pa_u128 value = flags.items[i].first; value <= flags.items[i].last; value++) {
			pa_phrase_tcp_flags(value, ',', &writer->text);
			add_text(writer);
		}
	}
	pa_json_close(writer->json, ']');
}

/* Every other limited field, by the name that nft has for it, in numbers. */
static void add_further_fields(struct writer *writer, const struct pa_region *region)
{
	bool open = false;
	for (enum pa_field field = 0; field < PA_FIELD_COUNT; field++) {
		struct pa_ranges ranges;
		if (field == PA_FIELD_TCP_FLAGS || !pa_region_extra(writer->arena, region, field, &ranges))
			continue;
		if (!open)
			pa_json_open(writer->json, "with", '{');
		open = true;
		if (pa_field_info(field)->bits == 128)
			add_addresses(writer, pa_field_info(field)->name, ranges, region->row->family);
		else
			add_numbers(writer, pa_field_info(field)->name, ranges, field);
	}
	if (open)
		pa_json_close(writer->json, '}');
}

static void add_box(struct writer *writer, const struct pa_region *region)
{
	struct pa_json *json = writer->json;
	const struct pa_row *row = region->row;
	int index = row->family == 6;
	pa_json_number(json, "family", index ? 6 : 4);
	add_protocol(writer, region->protocol);
	add_names(writer, "iif", region->iif, row->path == PA_PATH_IN);
	if (region->oif.count)
		add_names(writer, "oif", region->oif, false);
	add_addresses(writer, "src", region->source[index], row->family);
	if (region->has_ports)
		add_numbers(writer, "sport", region->sport, PA_FIELD_SPORT);
	else
		pa_json_null(json, "sport");
	add_addresses(writer, "dst", region->destination[index], row->family);
	if (region->has_ports)
		add_numbers(writer, "dport", region->dport, PA_FIELD_DPORT);
	else
		pa_json_null(json, "dport");
	add_icmp(writer, region);
	add_flags(writer, region);
	add_further_fields(writer, region);
}

static void add_holder(struct writer *writer, const struct pa_listener *listener, const struct pa_process *process)
{
	struct pa_json *json = writer->json;
	char address[PA_ADDRESS_TEXT_MAX] = "*";
	struct pa_buffer proxied = { 0 };
	if (!listener->any_address || listener->family == 4 || listener->v6only == PA_YES)
		pa_address_format(listener->any_address && listener->family == 4 ? PA_IPV4_BASE : listener->address,
				  listener->family, address);
	pa_json_open(json, NULL, '{');
	if (process)
		pa_json_number(json, "pid", process->pid);
	else
		pa_json_null(json, "pid");
	pa_json_string(json, "command", process ? process->command : NULL);
	pa_json_string(json, "exe", process ? process->executable : NULL);
	pa_json_string(json, "user", process && process->ids_known ? process->user : process ? NULL : listener->user);
	pa_json_string(json, "unit", pa_listener_unit(listener, process));
	pa_json_string(json, "address", address);
	if (process && pa_process_put_proxied(process, &proxied))
		pa_json_string(json, "proxied", proxied.data);
	pa_buffer_done(&proxied);
	if (listener->interface)
		pa_json_string(json, "interface", listener->interface);
	if (!listener->raw)
		pa_json_number(json, "port", listener->port);
	pa_json_close(json, '}');
}

/* null: who listens was not looked at. A list that may lack somebody says so. */
static void add_listeners(struct writer *writer, const struct pa_region *region)
{
	const struct pa_row_facts *facts = region->row->facts;
	if (!facts || !facts->sockets) {
		pa_json_null(writer->json, "listeners");
		return;
	}
	pa_json_open(writer->json, "listeners", '[');
	for (size_t i = 0; i < region->listener_count; i++) {
		const struct pa_listener *listener = region->listeners[i];
		size_t first, count = pa_listener_holders(facts->sockets, listener, &first);
		if (!pa_ranges_hold(region->protocol, listener->protocol))
			continue;
		for (size_t k = first; k < first + count; k++)
			add_holder(writer, listener, &facts->sockets->processes[listener->processes[k]]);
		if (count == 0)
			add_holder(writer, listener, NULL);
	}
	pa_json_close(writer->json, ']');
	if (!region->covered)
		pa_json_bool(writer->json, "listeners_complete", false);
}

static void add_exposure(struct writer *writer, const struct pa_region *region)
{
	struct pa_json *json = writer->json;
	const struct pa_row *row = region->row;
	pa_json_line(json);
	pa_json_open(json, NULL, '{');
	pa_json_string(json, "path", pa_path_name(row->path));
	pa_json_string(json, "certainty", row->certainty == PA_CERTAIN ? "certain" : "possible");
	pa_json_string(json, "condition", row->certainty == PA_CERTAIN ? NULL : row->condition);
	add_box(writer, region);
	add_target(writer, row);
	pa_json_open(json, "rules", '[');
	for (size_t i = 0; i < row->rule_count; i++)
		pa_json_rule(json, NULL, row->rules[i]);
	pa_json_close(json, ']');
	if (!row->rules_complete)
		pa_json_bool(json, "rules_complete", false);
	pa_json_string(json, "service", pa_region_service(region));
	pa_json_string(json, "class", pa_region_port_class(region));
	add_listeners(writer, region);
	pa_json_close(json, '}');
}

/* "proto" is one protocol or one range of numbers, so a row of several becomes several, each with what concerns it. */
static void add_row(struct writer *writer, const struct pa_row *row)
{
	struct pa_region region = pa_region_make(writer->arena, row);
	struct pa_row part = *row;
	for (size_t i = 0; i < region.protocol.count; i++) {
		part.box.field[PA_FIELD_L4PROTO] = (struct pa_ranges){ .items = &region.protocol.items[i], .count = 1 };
		struct pa_region one = pa_region_make(writer->arena, &part);
		add_exposure(writer, &one);
	}
	if (region.protocol.count == 0)
		add_exposure(writer, &region);
}

void pa_json_exposures(struct pa_json *json, const struct pa_row *rows, size_t count)
{
	struct writer writer = { .json = json };
	pa_json_open(json, "exposures", '[');
	for (size_t i = 0; i < count; i++) {
		writer.arena = pa_arena_new();
		add_row(&writer, &rows[i]);
		pa_arena_free(writer.arena);
	}
	pa_json_close(json, ']');
	pa_buffer_done(&writer.text);
}
