/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of the less common fields in words: flags, states, packet types; and the extras of a region. */
#include "phrase.h"

struct value_name {
	unsigned value;
	const char *name;
};

static const struct value_name states[] = {
	{ PA_CT_INVALID, "invalid" }, { PA_CT_ESTABLISHED, "established" }, { PA_CT_RELATED, "related" },
	{ PA_CT_NEW, "new" },	      { PA_CT_UNTRACKED, "untracked" },	    { 0, NULL },
};
static const struct value_name packet_types[] = {
	{ 0, "host" }, { 1, "broadcast" }, { 2, "multicast" }, { 3, "other" }, { 0, NULL },
};
static const struct value_name directions[] = { { 0, "original" }, { 1, "reply" }, { 0, NULL } };
static const struct value_name address_types[] = {
	{ PA_TYPE_UNICAST, "unicast" },
	{ PA_TYPE_LOCAL, "local" },
	{ PA_TYPE_BROADCAST, "broadcast" },
	{ PA_TYPE_ANYCAST, "anycast" },
	{ PA_TYPE_MULTICAST, "multicast" },
	{ 6, "blackhole" },
	{ 7, "unreachable" },
	{ 8, "prohibit" },
	{ 0, NULL },
};

/* By position of the bit; nft's names. */
static const char *const tcp_flags[] = { "fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr" };

static const char *name_of(const struct value_name *names, pa_u128 value)
{
	for (; names && names->name; names++)
		if (names->value == value)
			return names->name;
	return NULL;
}

const char *pa_ct_state_name(pa_u128 state)
{
	return name_of(states, state);
}

static const char *const tcp_options[] = { "eol", "nop", "maxseg", "window", "sack-perm", "sack", "timestamp" };
static const char *const ip_options[] = { "lsrr", "rr", "ssrr", "ra" };
static const char *const headers[] = { "hbh", "rt", "dst", "mh" };

struct bit_names {
	const char *const *names;
	unsigned count;
};

/* The bits of a field whose values are sets of something; count 0: it is no such field. */
static struct bit_names bits_of_field(enum pa_field field)
{
#define NAMES(array) ((struct bit_names){ array, sizeof(array) / sizeof((array)[0]) })
	if (field == PA_FIELD_TCP_FLAGS)
		return NAMES(tcp_flags);
	if (field == PA_FIELD_TCP_OPTIONS)
		return NAMES(tcp_options);
	if (field == PA_FIELD_IP_OPTIONS)
		return NAMES(ip_options);
	return field == PA_FIELD_EXTHDRS ? NAMES(headers) : (struct bit_names){ NULL, 0 };
#undef NAMES
}

static void print_bits(struct bit_names bits, pa_u128 value, char separator, struct pa_buffer *out)
{
	bool follows = false;
	for (unsigned bit = 0; bit < bits.count; bit++) {
		if (!(value >> bit & 1))
			continue;
		if (follows)
			pa_buffer_putc(out, separator);
		pa_buffer_puts(out, bits.names[bit]);
		follows = true;
	}
	if (!follows)
		pa_buffer_puts(out, "none");
}

void pa_phrase_tcp_flags(pa_u128 flags, char separator, struct pa_buffer *out)
{
	print_bits(bits_of_field(PA_FIELD_TCP_FLAGS), flags, separator, out);
}

static const struct value_name *names_of_field(enum pa_field field)
{
	if (field == PA_FIELD_CT_STATE)
		return states;
	if (field == PA_FIELD_PKTTYPE)
		return packet_types;
	if (field == PA_FIELD_CT_DIRECTION)
		return directions;
	if (field == PA_FIELD_DADDR_TYPE || field == PA_FIELD_DADDR_IIF_TYPE || field == PA_FIELD_SADDR_TYPE)
		return address_types;
	return NULL;
}

static void print_ether(pa_u128 value, struct pa_buffer *out)
{
	for (int shift = 40; shift >= 0; shift -= 8)
		pa_buffer_printf(out, "%02x%s", (unsigned)(value >> shift & 0xff), shift ? ":" : "");
}

static bool is_hex(enum pa_field field)
{
	return field == PA_FIELD_MARK || field == PA_FIELD_CT_MARK || field == PA_FIELD_CT_STATUS ||
	       field == PA_FIELD_IP_FRAG_OFF;
}

static void print_value(enum pa_field field, pa_u128 value, struct pa_buffer *out)
{
	const char *name = name_of(names_of_field(field), value);
	if (name)
		pa_buffer_puts(out, name);
	else if (field == PA_FIELD_ETHER_SADDR || field == PA_FIELD_ETHER_DADDR)
		print_ether(value, out);
	else
		pa_buffer_printf(out, is_hex(field) ? "0x%llx" : "%llu", (unsigned long long)value);
}

/* Flags have no order that ranges would follow: each combination by itself. */
static void print_flag_sets(struct bit_names bits, struct pa_ranges ranges, size_t most, struct pa_buffer *out)
{
	size_t shown = 0, total = 0;
	for (size_t i = 0; i < ranges.count; i++)
		total += (size_t)(ranges.items[i].last - ranges.items[i].first) + 1;
	for (size_t i = 0; i < ranges.count; i++) {
		for (pa_u128 value = ranges.items[i].first; value <= ranges.items[i].last; value++) {
			if (most && shown == most) {
				pa_print_more(total - shown, out);
				return;
			}
			pa_buffer_puts(out, shown++ ? ", " : "");
			print_bits(bits, value, '|', out);
		}
	}
}

static bool is_address_field(enum pa_field field)
{
	return field == PA_FIELD_SADDR || field == PA_FIELD_DADDR || field == PA_FIELD_CT_ORIG_SADDR ||
	       field == PA_FIELD_CT_ORIG_DADDR || field == PA_FIELD_CT_REPLY_SADDR || field == PA_FIELD_CT_REPLY_DADDR;
}

/* Options and headers: those that are there, and those that are not, where that says all. */
static bool print_presence(struct bit_names bits, struct pa_ranges ranges, struct pa_buffer *out)
{
	pa_u128 all = ((pa_u128)1 << bits.count) - 1, always = all, ever = 0, count = 0;
	for (size_t i = 0; i < ranges.count; i++)
		for (pa_u128 value = ranges.items[i].first; value <= ranges.items[i].last; value++, count++) {
			always &= value;
			ever |= value;
		}
	unsigned open = (unsigned)__builtin_popcountll((unsigned long long)(ever & ~always));
	if (count != (pa_u128)1 << open || (!always && ever == all))
		return false;
	if (always)
		print_bits(bits, always, '|', out);
	if (ever != all) {
		pa_buffer_puts(out, always ? ", without " : "without ");
		print_bits(bits, all & ~ever, '|', out);
	}
	return true;
}

void pa_phrase_values(struct pa_arena *arena, enum pa_field field, int family, struct pa_ranges ranges, size_t most,
		      struct pa_buffer *out)
{
	struct bit_names bits = bits_of_field(field);
	if (bits.count && field != PA_FIELD_TCP_FLAGS && print_presence(bits, ranges, out))
		return;
	if (bits.count) {
		print_flag_sets(bits, ranges, most, out);
		return;
	}
	if (is_address_field(field)) {
		pa_address_ranges_print(arena, ranges, family, "any", most, out);
		return;
	}
	size_t shown = most == 0 || ranges.count <= most + 1 ? ranges.count : most;
	for (size_t i = 0; i < shown; i++) {
		pa_buffer_puts(out, i ? "," : "");
		print_value(field, ranges.items[i].first, out);
		if (ranges.items[i].last != ranges.items[i].first) {
			pa_buffer_putc(out, '-');
			print_value(field, ranges.items[i].last, out);
		}
	}
	if (shown < ranges.count)
		pa_print_more(ranges.count - shown, out);
}

bool pa_phrase_extras(struct pa_arena *arena, const struct pa_region *region, size_t most, struct pa_buffer *out)
{
	bool written = false;
	for (enum pa_field field = 0; field < PA_FIELD_COUNT; field++) {
		struct pa_ranges ranges;
		if (!pa_region_extra(arena, region, field, &ranges))
			continue;
		pa_buffer_printf(out, "%s%s ", written ? ", " : "", pa_field_info(field)->name);
		pa_phrase_values(arena, field, region->row->family, ranges, most, out);
		written = true;
	}
	return written;
}
