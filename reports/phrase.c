/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Regions, packets and rules in English, in one place. */
#include "phrase.h"

#include <netinet/in.h>
#include <string.h>

void pa_phrase_protocol(pa_u128 protocol, struct pa_buffer *out)
{
	const char *name = pa_protocol_name((unsigned)protocol);
	if (name)
		pa_buffer_puts(out, name);
	else
		pa_buffer_printf(out, "%u", (unsigned)protocol);
}

/* "tcp, udp", "47-50"; names where each value has its own place in the list. */
static void print_protocols(struct pa_ranges protocols, size_t most, struct pa_buffer *out)
{
	size_t shown = most == 0 || protocols.count <= most + 1 ? protocols.count : most;
	for (size_t i = 0; i < shown; i++) {
		struct pa_interval item = protocols.items[i];
		if (i)
			pa_buffer_puts(out, ", ");
		if (item.first == item.last)
			pa_phrase_protocol(item.first, out);
		else
			pa_number_range_print(item, out);
	}
	if (shown < protocols.count)
		pa_print_more(protocols.count - shown, out);
}

static void phrase_protocols(struct pa_arena *arena, struct pa_ranges protocols, size_t most, struct pa_buffer *out)
{
	struct pa_ranges gaps = pa_ranges_gaps(arena, protocols, PA_FIELD_L4PROTO, 0);
	bool but = gaps.count < protocols.count;
	if (but)
		pa_buffer_puts(out, "any protocol but ");
	print_protocols(but ? gaps : protocols, most, out);
}

static void print_icmp(const struct pa_region *region, unsigned protocol, size_t most, struct pa_buffer *out)
{
	size_t count = region->icmp_type.count, shown = most == 0 || count <= most + 1 ? count : most;
	pa_phrase_protocol(protocol, out);
	pa_buffer_putc(out, ' ');
	for (size_t i = 0; i < shown; i++) {
		struct pa_interval type = region->icmp_type.items[i];
		const char *name = type.first == type.last ? pa_icmp_type_name(protocol, (unsigned)type.first) : NULL;
		if (i)
			pa_buffer_puts(out, ", ");
		else if (!name)
			pa_buffer_puts(out, "type ");
		if (name)
			pa_buffer_puts(out, name);
		else
			pa_number_range_print(type, out);
	}
	if (shown < count)
		pa_print_more(count - shown, out);
	if (count == 0)
		pa_buffer_puts(out, "any type");
	if (region->icmp_code.count) {
		pa_buffer_puts(out, " code ");
		pa_number_ranges_print(region->icmp_code, most, out);
	}
}

void pa_phrase_ports(struct pa_arena *arena, const struct pa_region *region, size_t most, struct pa_buffer *out)
{
	struct pa_ranges protocols = region->protocol;
	bool one = pa_ranges_is_single(protocols);
	if (region->dport.count) {
		pa_number_ranges_print(region->dport, most, out);
		pa_buffer_putc(out, '/');
		if (protocols.count == 0)
			pa_buffer_puts(out, "any protocol");
		else
			phrase_protocols(arena, protocols, most, out);
	} else if (one && region->has_icmp) {
		print_icmp(region, (unsigned)protocols.items[0].first, most, out);
	} else if (one && region->has_ports) {
		pa_buffer_puts(out, "any/");
		pa_phrase_protocol(protocols.items[0].first, out);
	} else if (protocols.count == 0) {
		pa_buffer_puts(out, "any protocol");
	} else {
		phrase_protocols(arena, protocols, most, out);
	}
	if (!one && (region->icmp_type.count || region->icmp_code.count)) {
		pa_buffer_puts(out, ", of icmp type ");
		pa_number_ranges_print(region->icmp_type, most, out);
	}
}

#define SERVICES_SHOWN 4

bool pa_phrase_services(const struct pa_region *region, struct pa_buffer *out)
{
	if (!pa_ranges_is_single(region->protocol) || region->dport.count == 0 || region->dport.count > SERVICES_SHOWN)
		return false;
	bool written = false;
	const char *last = "";
	for (size_t i = 0; i < region->dport.count; i++) {
		struct pa_interval port = region->dport.items[i];
		for (pa_u128 number = port.first; number <= port.last; number++) {
			if (port.last - port.first >= SERVICES_SHOWN)
				break;
			const char *name =
				pa_region_port_name(region, (unsigned)region->protocol.items[0].first, (unsigned)number);
			if (!name || pa_text_equal(name, last)) /* a service of the policy may have several */
				continue;
			last = name;
			pa_buffer_puts(out, written ? ", " : "");
			pa_text_escape(name, out);
			written = true;
		}
	}
	return written;
}

static const char *const family_names[] = { "IPv4", "IPv6" };

/* How "any but ..." begins: where both families stand side by side, it must say which it means. */
static const char *any_address(int only, int index)
{
	return only ? "any" : index ? "any IPv6" : "any IPv4";
}

void pa_phrase_source(struct pa_arena *arena, const struct pa_region *region, size_t most, struct pa_buffer *out)
{
	int only = pa_region_family(region);
	bool open4 = region->has_family[0] && region->source[0].count == 0;
	bool open6 = region->has_family[1] && region->source[1].count == 0;
	if (open4 && open6) {
		pa_buffer_puts(out, "anywhere");
	} else if (only && (open4 || open6)) {
		pa_buffer_printf(out, "anywhere (%s)", family_names[only == 6]);
	} else {
		for (int i = 0; i < 2; i++) {
			if (!region->has_family[i])
				continue;
			if (i && region->has_family[0])
				pa_buffer_puts(out, ", ");
			if (region->source[i].count == 0)
				pa_buffer_printf(out, "any %s", family_names[i]);
			else
				pa_address_ranges_print(arena, region->source[i], i ? 6 : 4, any_address(only, i), most, out);
		}
	}
	if (region->sport.count) {
		pa_buffer_puts(out, ", source port ");
		pa_number_ranges_print(region->sport, most, out);
	}
}

bool pa_phrase_destination(struct pa_arena *arena, const struct pa_region *region, size_t most, struct pa_buffer *out)
{
	if (region->destination[0].count == 0 && region->destination[1].count == 0)
		return false;
	bool written = false;
	for (int i = 0; i < 2; i++) {
		if (!region->has_family[i])
			continue;
		if (written)
			pa_buffer_puts(out, ", ");
		if (region->destination[i].count)
			pa_address_ranges_print(arena, region->destination[i], i ? 6 : 4,
						any_address(pa_region_family(region), i), most, out);
		else
			pa_buffer_printf(out, "any %s", family_names[i]);
		written = true;
	}
	return written;
}

void pa_phrase_interface(struct pa_arena *arena, const struct pa_region *region, size_t most, struct pa_buffer *out)
{
	struct pa_name_list in = pa_name_list_make(arena, region->iif), way_out = pa_name_list_make(arena, region->oif);
	enum pa_path path = region->row->path;
	if (path != PA_PATH_IN)
		in.loopback = way_out.loopback = false;
	if (path != PA_PATH_OUT)
		pa_name_list_print(&in, most, out);
	if (path == PA_PATH_IN || (path == PA_PATH_FORWARD && region->oif.count == 0))
		return;
	pa_buffer_puts(out, path == PA_PATH_FORWARD ? " -> " : "");
	pa_name_list_print(&way_out, most, out);
}

static void print_target_address(const struct pa_target *target, struct pa_buffer *out)
{
	char text[PA_ADDRESS_RANGE_TEXT_MAX];
	pa_address_range_format(target->address, target->family, text);
	bool brackets = target->has_port && strchr(text, ':');
	pa_buffer_printf(out, brackets ? "[%s]" : "%s", text);
}

void pa_phrase_target(const struct pa_target *target, struct pa_buffer *out)
{
	bool addressed = target->has_address && !target->to_self;
	if (addressed)
		print_target_address(target, out);
	else
		pa_buffer_puts(out, target->to_self ? "this host" : "same address");
	if (target->has_port) {
		pa_buffer_puts(out, addressed ? ":" : ", port ");
		pa_number_range_print(target->port, out);
	}
}

void pa_phrase_region(struct pa_arena *arena, const struct pa_region *region, size_t most, struct pa_buffer *out)
{
	const struct pa_row *row = region->row;
	int family = pa_region_family(region);
	if (row->path != PA_PATH_IN)
		pa_buffer_printf(out, "%s ", pa_path_name(row->path));
	pa_phrase_ports(arena, region, most, out);
	pa_buffer_puts(out, " from ");
	size_t before = out->length;
	pa_phrase_source(arena, region, most, out);
	bool says_family = strstr(out->data + before, "(IPv") != NULL;
	struct pa_buffer part = { 0 };
	pa_phrase_interface(arena, region, most, &part);
	if (part.length && strcmp(part.data, "any") != 0)
		pa_buffer_printf(out, " on %s", part.data);
	pa_buffer_clear(&part);
	if (pa_phrase_destination(arena, region, most, &part))
		pa_buffer_printf(out, " to %s", part.data);
	if (row->has_target) {
		pa_buffer_puts(out, " -> ");
		pa_phrase_target(&row->target, out);
	}
	pa_buffer_clear(&part);
	if (pa_phrase_extras(arena, region, most, &part))
		pa_buffer_printf(out, " with %s", part.data);
	if (!says_family && family)
		pa_buffer_printf(out, " (%s)", family_names[family == 6]);
	pa_buffer_done(&part);
}

void pa_phrase_row(const struct pa_row *row, struct pa_buffer *out)
{
	struct pa_arena *arena = pa_arena_new();
	struct pa_region region = pa_region_make(arena, row);
	pa_phrase_region(arena, &region, 4, out);
	pa_arena_free(arena);
}

/* A source or destination that is limited cannot be said of the other family: it has other addresses there. */
void pa_phrase_traffic(const struct pa_finding *finding, struct pa_buffer *out)
{
	struct pa_arena *arena = pa_arena_new();
	struct pa_region region = pa_region_make(arena, &finding->row);
	int own = region.has_family[1];
	if (finding->in_both && region.source[own].count == 0 && region.destination[own].count == 0)
		region.has_family[!own] = true;
	pa_phrase_region(arena, &region, 4, out);
	pa_arena_free(arena);
}

void pa_phrase_place(const struct pa_rule *rule, struct pa_buffer *out)
{
	if (rule->where.file) {
		pa_text_escape(rule->where.file, out);
		if (rule->where.line)
			pa_buffer_printf(out, ":%u", rule->where.line);
		return;
	}
	const struct pa_chain *chain = rule->chain;
	pa_buffer_printf(out, "%s ", pa_family_name(chain->table->family));
	pa_text_escape(chain->table->name, out);
	pa_buffer_putc(out, ' ');
	pa_text_escape(chain->name ? chain->name : "(unnamed chain)", out);
	if (rule->handle)
		pa_buffer_printf(out, " handle %llu", (unsigned long long)rule->handle);
	else
		pa_buffer_printf(out, " rule %u", rule->index + 1);
}
