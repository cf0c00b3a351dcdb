/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Regions, rules and places in words, for messages and advice. Where the policy language has a word for it, the words are
 * those of the policy, so that a reader can copy them.
 */
#include <inttypes.h>

#include "compare.h"

/* Longer lists are cut in messages; the row of the finding has all of it. */
#define LIST_LIMIT 6

static bool has_ports(pa_u128 protocol)
{
	return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP || protocol == 33 || protocol == 132 || protocol == 136;
}

static void put_number(pa_u128 value, struct pa_buffer *out)
{
	if (value <= UINT64_MAX)
		pa_buffer_printf(out, "%" PRIu64, (uint64_t)value);
	else
		pa_buffer_printf(out, "0x%" PRIx64 "%016" PRIx64, (uint64_t)(value >> 64), (uint64_t)value);
}

static void put_numbers(struct pa_interval interval, struct pa_buffer *out)
{
	put_number(interval.first, out);
	if (interval.last == interval.first)
		return;
	pa_buffer_putc(out, '-');
	put_number(interval.last, out);
}

static void put_protocol(pa_u128 protocol, struct pa_buffer *out)
{
	const char *name = protocol <= 255 ? pa_protocol_name((unsigned)protocol) : NULL;

	if (name)
		pa_buffer_puts(out, name);
	else
		put_number(protocol, out);
}

/* --- interfaces --------------------------------------------------------------------------------------------------- */

/* "br-*" for the names that begin so; anything else is printed from end to end. */
static void put_name(struct pa_interval interval, struct pa_buffer *out)
{
	char first[PA_IFNAME_MAX + 1];
	struct pa_interval prefix;

	pa_ifname_format(interval.first, first);
	pa_buffer_puts(out, first);
	if (interval.first == interval.last)
		return;
	prefix = pa_ifname_prefix(first);
	if (prefix.first == interval.first && prefix.last == interval.last) {
		pa_buffer_putc(out, '*');
		return;
	}
	pa_ifname_format(interval.last, first);
	pa_buffer_printf(out, "...%s", first);
}

/* The gaps of a list of intervals; NULL items when there is none. The caller frees nothing: at most `limit` are made. */
static size_t find_gaps(struct pa_ranges ranges, pa_u128 first, pa_u128 last, struct pa_interval *gaps, size_t limit)
{
	size_t count = 0;
	pa_u128 next = first;

	for (size_t i = 0; i < ranges.count; i++) {
		if (ranges.items[i].first > next) {
			if (count == limit)
				return limit + 1;
			gaps[count++] = (struct pa_interval){ next, ranges.items[i].first - 1 };
		}
		if (ranges.items[i].last >= last)
			return count;
		next = ranges.items[i].last + 1;
	}
	if (count == limit)
		return limit + 1;
	gaps[count++] = (struct pa_interval){ next, last };
	return count;
}

/* Names are few and the rest of them is everything: "any but eth0". No name (0) and lo are left out of the exceptions. */
static bool put_names_except(struct pa_ranges ranges, struct pa_buffer *out)
{
	struct pa_interval gaps[LIST_LIMIT];
	size_t count = find_gaps(ranges, 0, PA_U128_MAX, gaps, LIST_LIMIT), shown = 0;

	if (count > LIST_LIMIT || ranges.items[ranges.count - 1].last != PA_U128_MAX)
		return false;
	pa_buffer_puts(out, "any interface");
	for (size_t i = 0; i < count; i++) {
		if (gaps[i].last == 0 || (gaps[i].first == compare_loopback_name() && gaps[i].last == compare_loopback_name()))
			continue;
		pa_buffer_puts(out, shown++ ? ", " : " except ");
		put_name(gaps[i], out);
	}
	return true;
}

static void put_names(struct pa_ranges ranges, size_t limit, struct pa_buffer *out)
{
	for (size_t i = 0; i < ranges.count && i < limit; i++) {
		pa_buffer_puts(out, i ? ", " : "");
		put_name(ranges.items[i], out);
	}
	if (ranges.count > limit)
		pa_buffer_printf(out, " and %zu more", ranges.count - limit);
}

/* --- addresses ----------------------------------------------------------------------------------------------------- */

static void put_address_list(const struct pa_interval *items, size_t count, int family, struct pa_buffer *out)
{
	char text[PA_ADDRESS_RANGE_TEXT_MAX];

	for (size_t i = 0; i < count; i++) {
		pa_address_range_format(items[i], family, text);
		pa_buffer_printf(out, "%s%s", i ? ", " : "", text);
	}
}

#define GAP_LIMIT 64

/* The gaps of a list of addresses; more than GAP_LIMIT of them are not looked for. */
static size_t address_gaps(struct pa_ranges ranges, int family, struct pa_interval gaps[GAP_LIMIT])
{
	pa_u128 first = family == 6 ? 0 : PA_IPV4_BASE, last = family == 6 ? PA_U128_MAX : PA_IPV4_LAST;

	return find_gaps(ranges, first, last, gaps, GAP_LIMIT);
}

/* Are the addresses told as "any" or "any except ..."? */
static bool is_told_by_gaps(struct pa_ranges ranges, int family)
{
	struct pa_interval gaps[GAP_LIMIT];

	size_t count = ranges.count == 0 || family == 0 ? 0 : address_gaps(ranges, family, gaps);

	return count <= GAP_LIMIT && (count == 0 || count < ranges.count);
}

static void put_some_addresses(const struct pa_interval *items, size_t count, int family, size_t limit, struct pa_buffer *out)
{
	size_t shown = limit && count > limit ? limit : count;

	put_address_list(items, shown, family, out);
	if (shown < count)
		pa_buffer_printf(out, " and %zu more", count - shown);
}

/*
 * A list of addresses, or what is missing from "any", whichever is shorter. `limit` 0: all of them. family 0 has no
 * addresses in common: both families are "any" then.
 */
static void put_addresses(struct pa_ranges ranges, int family, size_t limit, struct pa_buffer *out)
{
	struct pa_interval gaps[GAP_LIMIT];
	size_t gap_count;

	if (!is_told_by_gaps(ranges, family)) {
		put_some_addresses(ranges.items, ranges.count, family, limit, out);
		return;
	}
	gap_count = ranges.count == 0 || family == 0 ? 0 : address_gaps(ranges, family, gaps);
	pa_buffer_puts(out, gap_count ? "any except " : "any");
	put_some_addresses(gaps, gap_count, family, limit, out);
}

void describe_ranges(enum pa_field field, int family, struct pa_ranges ranges, struct pa_buffer *out)
{
	if (field == PA_FIELD_IIFNAME || field == PA_FIELD_OIFNAME)
		put_names(ranges, LIST_LIMIT, out);
	else
		put_addresses(ranges, family, LIST_LIMIT, out);
}

/* --- services ------------------------------------------------------------------------------------------------------- */

static void put_ports(struct pa_ranges ports, size_t limit, struct pa_buffer *out)
{
	for (size_t i = 0; i < ports.count && (!limit || i < limit); i++) {
		struct pa_interval range = ports.items[i];

		if (!limit && range.first == 0 && range.last > 0)
			range.first = 1; /* the policy has no port 0: 1 stands for it */
		pa_buffer_puts(out, i ? "," : "");
		put_numbers(range, out);
	}
	if (limit && ports.count > limit)
		pa_buffer_printf(out, ",... (%zu more)", ports.count - limit);
}

/* limit 0: as the policy writes it, "8/icmp" */
static void put_icmp(const struct piece *piece, const char *protocol, size_t limit, struct pa_buffer *out)
{
	struct pa_ranges types = piece->field[PA_FIELD_ICMP_TYPE];

	if (types.count == 0) {
		pa_buffer_printf(out, "any/%s", protocol);
		return;
	}
	for (size_t i = 0; i < types.count; i++) {
		pa_buffer_puts(out, i ? ", " : "");
		if (limit)
			pa_buffer_printf(out, "%s type ", protocol);
		put_numbers(types.items[i], out);
		if (!limit)
			pa_buffer_printf(out, "/%s", protocol);
	}
}

static void put_service(const struct piece *piece, pa_u128 protocol, size_t limit, struct pa_buffer *out)
{
	struct pa_ranges ports = piece->field[PA_FIELD_DPORT];

	if (protocol == PROTOCOL_ICMP || protocol == PROTOCOL_ICMPV6) {
		put_icmp(piece, protocol == PROTOCOL_ICMP ? "icmp" : "icmpv6", limit, out);
		return;
	}
	if (limit && !pa_protocol_name((unsigned)protocol)) {
		pa_buffer_puts(out, "protocol ");
		put_number(protocol, out);
		return;
	}
	if (ports.count == 0 || !has_ports(protocol))
		pa_buffer_puts(out, "any");
	else
		put_ports(ports, limit, out);
	pa_buffer_putc(out, '/');
	put_protocol(protocol, out);
}

/* A range of protocols is named one by one while that is short. */
static void put_services(const struct piece *piece, size_t limit, struct pa_buffer *out)
{
	struct pa_ranges protocols = piece->field[PA_FIELD_L4PROTO];

	if (protocols.count == 0) {
		pa_buffer_puts(out, "any");
		return;
	}
	for (size_t i = 0; i < protocols.count; i++) {
		struct pa_interval range = protocols.items[i];

		pa_buffer_puts(out, i ? ", " : "");
		if (range.last - range.first >= 4) {
			pa_buffer_puts(out, "protocols ");
			put_numbers(range, out);
			continue;
		}
		for (pa_u128 protocol = range.first; protocol <= range.last; protocol++) {
			pa_buffer_puts(out, protocol > range.first ? ", " : "");
			put_service(piece, protocol, limit, out);
		}
	}
}

void describe_services(const struct piece *piece, struct pa_buffer *out)
{
	put_services(piece, LIST_LIMIT, out);
}

/* --- whole regions ---------------------------------------------------------------------------------------------------- */

static const char *field_word(enum pa_field field)
{
	return pa_field_info(field)->name;
}

static bool is_told(enum pa_field field)
{
	return field == PA_FIELD_L4PROTO || field == PA_FIELD_SADDR || field == PA_FIELD_DADDR || field == PA_FIELD_SPORT ||
	       field == PA_FIELD_DPORT || field == PA_FIELD_IIFNAME || field == PA_FIELD_OIFNAME || field == PA_FIELD_ICMP_TYPE;
}

/* Fields that the policy has no word for: "with ttl 1-63". TCP flags of a new connection are no news. */
static void put_rest(const struct piece *piece, struct pa_buffer *out)
{
	const char *joint = " with ";

	for (int i = 0; i < PA_FIELD_COUNT; i++) {
		enum pa_field field = (enum pa_field)i;

		if (piece->field[i].count == 0 || is_told(field) || field == PA_FIELD_TCP_FLAGS || field == PA_FIELD_CT_STATE)
			continue;
		pa_buffer_printf(out, "%s%s ", joint, field_word(field));
		put_ports(piece->field[i], LIST_LIMIT, out);
		joint = " and ";
	}
}

static void put_interface(const char *word, struct pa_ranges names, struct pa_buffer *out)
{
	if (names.count == 0)
		return;
	pa_buffer_puts(out, word);
	if (!put_names_except(names, out))
		put_names(names, LIST_LIMIT, out);
}

static void describe_piece(enum pa_path path, const struct piece *piece, struct pa_buffer *out)
{
	put_services(piece, LIST_LIMIT, out);
	if (path == PA_PATH_OUT) {
		pa_buffer_puts(out, " to ");
		put_addresses(piece->field[PA_FIELD_DADDR], piece->family, LIST_LIMIT, out);
		put_interface(" on ", piece->field[PA_FIELD_OIFNAME], out);
	} else {
		pa_buffer_puts(out, " from ");
		put_addresses(piece->field[PA_FIELD_SADDR], piece->family, LIST_LIMIT, out);
	}
	if (piece->field[PA_FIELD_SPORT].count > 0) {
		pa_buffer_puts(out, path == PA_PATH_OUT ? " from port " : " port ");
		put_ports(piece->field[PA_FIELD_SPORT], LIST_LIMIT, out);
	}
	if (path != PA_PATH_OUT) {
		put_interface(" on ", piece->field[PA_FIELD_IIFNAME], out);
		if (piece->field[PA_FIELD_DADDR].count > 0 || piece->field[PA_FIELD_OIFNAME].count > 0) {
			pa_buffer_puts(out, " to ");
			put_addresses(piece->field[PA_FIELD_DADDR], piece->family, LIST_LIMIT, out);
			put_interface(" on ", piece->field[PA_FIELD_OIFNAME], out);
		}
	}
	put_rest(piece, out);
	if (piece->family != 0)
		pa_buffer_printf(out, " (IPv%d)", piece->family);
}

void describe_group(const struct group *group, struct pa_buffer *out)
{
	size_t shown = group->piece_count > 3 ? 3 : group->piece_count;

	for (size_t i = 0; i < shown; i++) {
		pa_buffer_puts(out, i ? "; " : "");
		describe_piece(group->exposure->path, &group->pieces[i], out);
	}
	if (shown < group->piece_count)
		pa_buffer_printf(out, "; and %zu more", group->piece_count - shown);
	else if (group->cut && !group->apart)
		pa_buffer_puts(out, "; and more");
	if (group->apart)
		pa_buffer_puts(out, ", apart from what other rules let in,");
}

void describe_target(const struct pa_target *target, struct pa_buffer *out)
{
	char text[PA_ADDRESS_RANGE_TEXT_MAX];

	if (target->has_address) {
		pa_address_range_format(target->address, target->family, text);
		pa_buffer_printf(out, target->has_port && target->family == 6 ? "[%s]" : "%s", text);
	} else {
		pa_buffer_puts(out, target->to_self ? "this host" : "the same address");
	}
	if (!target->has_port)
		return;
	pa_buffer_puts(out, target->has_address ? ":" : " port ");
	put_numbers(target->port, out);
}

/* --- places ------------------------------------------------------------------------------------------------------------- */

void describe_place(const struct pa_location *where, struct pa_buffer *out)
{
	pa_buffer_printf(out, "%s:%u", where->file ? where->file : "policy", where->line);
}

void describe_chain(const struct pa_chain *chain, struct pa_buffer *out)
{
	pa_buffer_printf(out, "%s %s %s", pa_family_name(chain->table->family), chain->table->name, chain->name);
}

void describe_rule(const struct pa_rule *rule, struct pa_buffer *out)
{
	if (rule->where.file) {
		describe_place(&rule->where, out);
	} else {
		describe_chain(rule->chain, out);
		if (rule->handle != 0)
			pa_buffer_printf(out, " handle %" PRIu64, rule->handle);
		else
			pa_buffer_printf(out, " rule %u", rule->index + 1);
	}
	if (rule->text)
		pa_buffer_printf(out, " `%s`", rule->text);
}

void describe_rules(const struct pa_rule *const *rules, size_t count, struct pa_buffer *out)
{
	for (size_t i = 0; i < count && i < 3; i++) {
		pa_buffer_puts(out, i ? " and " : "");
		describe_rule(rules[i], out);
	}
	if (count > 3)
		pa_buffer_printf(out, " and %zu more", count - 3);
}

/* --- declarations ---------------------------------------------------------------------------------------------------------- */

/* Interfaces as the policy writes them. false: they cannot be written, and the line says any of them. */
static bool declare_names(struct pa_ranges names, struct pa_buffer *out)
{
	if (names.count == 0)
		return true;
	for (size_t i = 0; i < names.count; i++) {
		char first[PA_IFNAME_MAX + 1];
		struct pa_interval prefix;

		pa_ifname_format(names.items[i].first, first);
		prefix = pa_ifname_prefix(first);
		if (names.items[i].first == 0 || first[0] == '\0' ||
		    (names.items[i].first != names.items[i].last && prefix.last != names.items[i].last))
			return false;
	}
	pa_buffer_puts(out, " on ");
	put_names(names, names.count, out);
	return true;
}

static bool declare_services(const struct piece *piece, struct pa_buffer *out)
{
	struct pa_ranges protocols = piece->field[PA_FIELD_L4PROTO];

	for (size_t i = 0; i < protocols.count; i++) {
		if (protocols.items[i].last - protocols.items[i].first >= 4) {
			pa_buffer_puts(out, "any");
			return false;
		}
	}
	put_services(piece, 0, out);
	return true;
}

static bool declare_endpoint(const char *word, const struct piece *piece, bool source, bool name_interface,
			     struct pa_buffer *out)
{
	struct pa_ranges addresses = piece->field[source ? PA_FIELD_SADDR : PA_FIELD_DADDR];
	struct pa_ranges ports = piece->field[source ? PA_FIELD_SPORT : PA_FIELD_DPORT];
	struct pa_ranges names = piece->field[source ? PA_FIELD_IIFNAME : PA_FIELD_OIFNAME];

	pa_buffer_puts(out, word);
	put_addresses(addresses, piece->family, 0, out);
	if (source && ports.count > 0) {
		pa_buffer_puts(out, " port ");
		put_ports(ports, 0, out);
	}
	return !name_interface || declare_names(names, out);
}

bool describe_declaration(const struct group *group, size_t index, const char *verb, struct pa_buffer *out)
{
	const struct piece *piece = &group->pieces[index];
	enum pa_path path = group->exposure->path;
	bool exact,
		to = piece->field[PA_FIELD_DADDR].count > 0 || (path != PA_PATH_IN && piece->field[PA_FIELD_OIFNAME].count > 0);

	pa_buffer_puts(out, verb);
	if (path != PA_PATH_IN)
		pa_buffer_printf(out, " %s", pa_path_name(path));
	if (piece->family != 0 && is_told_by_gaps(piece->field[PA_FIELD_SADDR], piece->family) &&
	    is_told_by_gaps(piece->field[PA_FIELD_DADDR], piece->family))
		pa_buffer_printf(out, " ipv%d", piece->family);
	pa_buffer_putc(out, ' ');
	exact = declare_services(piece, out);
	exact = declare_endpoint(" from ", piece, true, path != PA_PATH_OUT, out) && exact;
	if (to || path == PA_PATH_OUT)
		exact = declare_endpoint(" to ", piece, false, path != PA_PATH_IN, out) && exact;
	if (group->exposure->has_target && group->exposure->target.has_address) {
		pa_buffer_puts(out, " dnat to ");
		describe_target(&group->exposure->target, out);
	}
	for (int i = 0; i < PA_FIELD_COUNT; i++)
		if (piece->field[i].count > 0 && !is_told((enum pa_field)i) && i != PA_FIELD_TCP_FLAGS &&
		    i != PA_FIELD_CT_STATE)
			exact = false;
	return exact;
}

const char *compare_text(struct comparison *c, struct pa_buffer *buffer)
{
	const char *text = pa_arena_strndup(c->result->arena, buffer->data ? buffer->data : "", buffer->length);

	pa_buffer_clear(buffer);
	return text;
}
