/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a box is worth showing. */
#include "region.h"

#include <netinet/in.h>

static const unsigned port_protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_DCCP, IPPROTO_SCTP, IPPROTO_UDPLITE };
static const unsigned icmp_protocols[] = { IPPROTO_ICMP, IPPROTO_ICMPV6 };

static bool holds_one_of(struct pa_ranges protocols, const unsigned *wanted, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (pa_ranges_hold(protocols, wanted[i]))
			return true;
	return false;
}

struct pa_ranges pa_interfaces_clean(struct pa_arena *arena, struct pa_ranges names)
{
	static const struct pa_interval every_name = { .first = 1, .last = PA_U128_MAX };
	struct pa_ranges clean = pa_ranges_clean(arena, names, PA_FIELD_IIFNAME, 0);
	if (names.count && clean.count == 0)
		return (struct pa_ranges){ .items = &every_name, .count = 1 };
	struct pa_name_list list = pa_name_list_make(arena, clean);
	if (list.any && !list.loopback && list.count == 0)
		return (struct pa_ranges){ .items = NULL, .count = 0 };
	return clean;
}

struct pa_region pa_region_make(struct pa_arena *arena, const struct pa_row *row)
{
	struct pa_region region = { .row = row };
	const struct pa_ranges *field = row->box.field;
	int family = row->family, index = family == 6;
	region.protocol = pa_ranges_clean(arena, field[PA_FIELD_L4PROTO], PA_FIELD_L4PROTO, family);
	region.has_ports = holds_one_of(region.protocol, port_protocols, sizeof(port_protocols) / sizeof(*port_protocols));
	region.has_icmp = holds_one_of(region.protocol, icmp_protocols, sizeof(icmp_protocols) / sizeof(*icmp_protocols));
	if (region.has_ports) {
		region.sport = pa_ranges_clean(arena, field[PA_FIELD_SPORT], PA_FIELD_SPORT, family);
		region.dport = pa_ranges_clean(arena, field[PA_FIELD_DPORT], PA_FIELD_DPORT, family);
	}
	if (region.has_icmp) {
		region.icmp_type = pa_ranges_clean(arena, field[PA_FIELD_ICMP_TYPE], PA_FIELD_ICMP_TYPE, family);
		region.icmp_code = pa_ranges_clean(arena, field[PA_FIELD_ICMP_CODE], PA_FIELD_ICMP_CODE, family);
	}
	region.iif = pa_interfaces_clean(arena, field[PA_FIELD_IIFNAME]);
	region.oif = pa_ranges_clean(arena, field[PA_FIELD_OIFNAME], PA_FIELD_OIFNAME, family);
	if (row->facts) {
		region.listeners = row->facts->listeners;
		region.listener_count = row->facts->listener_count;
		region.covered = row->facts->covered;
	}
	region.has_family[index] = true;
	region.source[index] = pa_ranges_clean(arena, field[PA_FIELD_SADDR], PA_FIELD_SADDR, family);
	region.destination[index] = pa_ranges_clean(arena, field[PA_FIELD_DADDR], PA_FIELD_DADDR, family);
	return region;
}

int pa_region_family(const struct pa_region *region)
{
	if (region->has_family[0] && region->has_family[1])
		return 0;
	return region->has_family[1] ? 6 : 4;
}

bool pa_region_is_wide(const struct pa_region *region)
{
	return region->sport.count == 0 && region->dport.count == 0 && region->icmp_type.count == 0 &&
	       region->icmp_code.count == 0;
}

bool pa_region_from_anywhere(const struct pa_region *region)
{
	for (int i = 0; i < 2; i++)
		if (region->has_family[i] && region->source[i].count == 0)
			return true;
	return false;
}

bool pa_region_shows(enum pa_field field)
{
	return field == PA_FIELD_NFPROTO || field == PA_FIELD_IIFNAME || field == PA_FIELD_OIFNAME ||
	       field == PA_FIELD_L4PROTO || field == PA_FIELD_SADDR || field == PA_FIELD_DADDR || field == PA_FIELD_SPORT ||
	       field == PA_FIELD_DPORT || field == PA_FIELD_ICMP_TYPE || field == PA_FIELD_ICMP_CODE;
}

static bool belongs_to_family(enum pa_field field, int family)
{
	if (field == PA_FIELD_IP6_LENGTH || field == PA_FIELD_IP6_NEXTHDR || field == PA_FIELD_IP6_FLOWLABEL ||
	    field == PA_FIELD_EXTHDRS || field == PA_FIELD_FRAG || field == PA_FIELD_FRAG_OFF || field == PA_FIELD_FRAG_MORE ||
	    field == PA_FIELD_FRAG_ID || field == PA_FIELD_RT_TYPE || field == PA_FIELD_RT_SEGMENTS ||
	    field == PA_FIELD_RT_LENGTH)
		return family == 6;
	if (field == PA_FIELD_IP_LENGTH || field == PA_FIELD_IP_OPTIONS || field == PA_FIELD_IP_CHECKSUM ||
	    field == PA_FIELD_IP_ID || field == PA_FIELD_IP_FRAG_OFF || field == PA_FIELD_IP_VERSION ||
	    field == PA_FIELD_IP_HDRLENGTH)
		return family == 4;
	return true;
}

/* All flags with which conntrack begins a flow: SYN or ACK alone, whatever PSH, URG, ECN and CWR are. */
static bool holds_new_flags(struct pa_ranges flags)
{
	for (unsigned value = 0; value < 256; value++) {
		unsigned core = value & ~(unsigned)(PA_TCP_PSH | PA_TCP_URG | PA_TCP_ECN | PA_TCP_CWR);
		if ((core == PA_TCP_SYN || core == PA_TCP_ACK) && !pa_ranges_hold(flags, value))
			return false;
	}
	return true;
}

/* The value that the first packet of a connection has unless somebody arranges otherwise. */
static bool is_usual(enum pa_field field, struct pa_ranges ranges, enum pa_path path)
{
	if (field == PA_FIELD_TCP_FLAGS && holds_new_flags(ranges))
		return true;
	if (!pa_ranges_is_single(ranges))
		return false;
	pa_u128 value = ranges.items[0].first;
	if (field == PA_FIELD_TCP_FLAGS)
		return value == PA_TCP_SYN;
	if (field == PA_FIELD_CT_STATE)
		return value == PA_CT_NEW;
	if (field == PA_FIELD_DADDR_TYPE)
		return value == (path == PA_PATH_IN ? PA_TYPE_LOCAL : PA_TYPE_UNICAST);
	if (field == PA_FIELD_MARK || field == PA_FIELD_CT_MARK || field == PA_FIELD_CT_DIRECTION ||
	    field == PA_FIELD_CT_STATUS)
		return value == 0;
	return false;
}

bool pa_region_extra(struct pa_arena *arena, const struct pa_region *region, enum pa_field field, struct pa_ranges *ret_ranges)
{
	const struct pa_row *row = region->row;
	if (row->plain || row->box.field[field].count == 0 || pa_region_shows(field) || !belongs_to_family(field, row->family))
		return false;
	if (field == PA_FIELD_TCP_FLAGS && !pa_ranges_hold(region->protocol, IPPROTO_TCP))
		return false;
	struct pa_ranges ranges = pa_ranges_clean(arena, row->box.field[field], field, row->family);
	if (ranges.count == 0 || is_usual(field, ranges, row->path))
		return false;
	*ret_ranges = ranges;
	return true;
}

static unsigned class_of(pa_u128 port)
{
	return port <= 1023 ? 0 : port <= 49151 ? 1 : 2;
}

static bool is_ephemeral(const struct pa_region *region)
{
	const struct pa_row_facts *facts = region->row->facts;
	if (!facts || facts->ephemeral.last == 0)
		return false;
	return facts->ephemeral.first <= region->dport.items[0].first &&
	       region->dport.items[region->dport.count - 1].last <= facts->ephemeral.last;
}

const char *pa_region_port_class(const struct pa_region *region)
{
	static const char *const names[] = { "system", "user", "dynamic" };
	if (region->dport.count == 0)
		return NULL;
	if (is_ephemeral(region))
		return "ephemeral";
	unsigned first = class_of(region->dport.items[0].first);
	unsigned last = class_of(region->dport.items[region->dport.count - 1].last);
	return first == last ? names[first] : NULL;
}

const char *pa_region_service(const struct pa_region *region)
{
	if (!pa_ranges_is_single(region->protocol) || !pa_ranges_is_single(region->dport))
		return NULL;
	return pa_region_port_name(region, (unsigned)region->protocol.items[0].first, (unsigned)region->dport.items[0].first);
}

const char *pa_region_port_name(const struct pa_region *region, unsigned protocol, unsigned port)
{
	const struct pa_row_facts *facts = region->row->facts;
	const char *own = facts ? pa_policy_service_name(facts->policy, protocol, port) : NULL;
	return own ? own : pa_service_name(protocol, port);
}
