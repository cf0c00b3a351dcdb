/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which packets there are at all: headers that agree with each other, what the destination is to this host, and what conntrack
 * calls a packet without a flow (measured on kernel 6.18; tcp_valid_flags and tcp_conntracks in
 * net/netfilter/nf_conntrack_proto_tcp.c).
 */
#include "evaluation.h"

#include <stdlib.h>

#define LO pa_ifname_value("lo")

static const struct pa_interval ipv4_all = { PA_IPV4_BASE, PA_IPV4_LAST };
static const struct pa_interval loopback4 = { PA_IPV4_BASE | 0x7f000000, PA_IPV4_BASE | 0x7fffffff };
static const struct pa_interval multicast4 = { PA_IPV4_BASE | 0xe0000000, PA_IPV4_BASE | 0xefffffff };
static const struct pa_interval loopback6 = { 1, 1 };
static const struct pa_interval multicast6 = { (pa_u128)0xff << 120, PA_U128_MAX };
static const struct pa_interval broadcasts4[] = { { PA_IPV4_BASE, PA_IPV4_BASE }, { PA_IPV4_LAST, PA_IPV4_LAST } };

/* ICMP types that open a flow of their own, and ICMPv6 types that conntrack leaves untracked by itself (ND, MLD). */
static const struct pa_interval icmp_new[] = { { 8, 8 }, { 13, 13 }, { 15, 15 }, { 17, 17 } };
static const struct pa_interval icmpv6_new[] = { { 128, 128 }, { 139, 139 } };
static const struct pa_interval icmpv6_untracked[] = { { 130, 136 }, { 143, 143 }, { 151, 151 } };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The flags of a TCP packet that may open a flow: SYN or ACK alone, whatever URG, PSH, ECN and CWR are. */
static size_t tcp_new_flags(struct pa_interval out[256])
{
	size_t count = 0;
	for (unsigned flags = 0; flags < 256; flags++) {
		unsigned core = flags & ~(unsigned)(PA_TCP_ECN | PA_TCP_CWR | PA_TCP_PSH | PA_TCP_URG);
		if (core == PA_TCP_SYN || core == PA_TCP_ACK)
			out[count++] = (struct pa_interval){ flags, flags };
	}
	return count;
}

/* Other values than these get a row of their own only where they decide. */
static const struct {
	enum pa_field field;
	struct pa_interval plain;
} plain_values[] = {
#define PLAIN(field, value) { PA_FIELD_##field, { value, value } },
#include "portaudit/plain.def"
#undef PLAIN
};

/* A mobility header is the last of the headers: the protocol of the packet (ipv6_find_hdr in net/ipv6/exthdrs_core.c). */
#define MOBILITY 135
#define EXTHDR_MH 8

static void cut(struct pa_cuts *cuts, enum pa_field field, pa_u128 first, pa_u128 last)
{
	pa_cuts_add_interval(cuts, field, (struct pa_interval){ first, last });
}

static void cut_all(struct pa_cuts *cuts, enum pa_field field, const struct pa_interval *items, size_t count)
{
	pa_cuts_add(cuts, field, items, count, 1, true);
}

/* The addresses whose type is the same on every host. */
static void cut_special_addresses(struct pa_cuts *cuts, enum pa_field field)
{
	cut_all(cuts, field, &loopback4, 1);
	cut_all(cuts, field, &loopback6, 1);
	cut_all(cuts, field, &multicast4, 1);
	cut_all(cuts, field, &multicast6, 1);
	cut_all(cuts, field, broadcasts4, COUNT(broadcasts4));
}

static void cut_addresses(const struct pa_evaluation *e, struct pa_cuts *cuts)
{
	cut_all(cuts, PA_FIELD_SADDR, &ipv4_all, 1);
	cut_all(cuts, PA_FIELD_DADDR, &ipv4_all, 1);
	cut_special_addresses(cuts, PA_FIELD_DADDR);
	for (size_t i = 0; e->host->addresses_known && i < e->host->address_count; i++) {
		pa_u128 own = e->host->addresses[i].address;
		cut(cuts, PA_FIELD_DADDR, own, own);
		if (pa_universe_knows_interfaces(e->host) && pa_cuts_has(cuts, PA_FIELD_DADDR_IIF_TYPE)) {
			pa_u128 name = pa_ifname_value(e->host->addresses[i].interface);
			cut(cuts, PA_FIELD_IIFNAME, name, name);
		}
		if (pa_cuts_has(cuts, PA_FIELD_SADDR_TYPE))
			cut(cuts, PA_FIELD_SADDR, own, own);
	}
	if (e->host->addresses_known && pa_cuts_has(cuts, PA_FIELD_SADDR_TYPE))
		cut_special_addresses(cuts, PA_FIELD_SADDR);
}

static void cut_types(struct pa_cuts *cuts, enum pa_field field)
{
	for (pa_u128 type = PA_TYPE_UNICAST; type <= PA_TYPE_MULTICAST; type++)
		cut(cuts, field, type, type);
}

/* The first next header is compared with the protocol: what cuts one cuts the other. */
static void cut_protocols(const struct pa_evaluation *e, struct pa_cuts *cuts)
{
	static const pa_u128 always[] = { 1, 6, 33, 58 }, with_ports[] = { 17, 132, 136 };
	bool both_fields = pa_cuts_has(cuts, PA_FIELD_IP6_NEXTHDR);
	if (both_fields)
		cut(cuts, PA_FIELD_IP6_NEXTHDR, 44, 44);
	if (pa_cuts_has(cuts, PA_FIELD_EXTHDRS)) {
		cut(cuts, PA_FIELD_L4PROTO, MOBILITY, MOBILITY);
		cut(cuts, PA_FIELD_EXTHDRS, EXTHDR_MH, pa_field_max(PA_FIELD_EXTHDRS));
		if (both_fields)
			cut(cuts, PA_FIELD_IP6_NEXTHDR, MOBILITY, MOBILITY);
		/* the walk asks whether a fragment header is the only one */
		if (e->plan.reads_fragments) {
			cut(cuts, PA_FIELD_EXTHDRS, 0, 0);
			cut(cuts, PA_FIELD_EXTHDRS, EXTHDR_MH, EXTHDR_MH);
		}
	}
	for (size_t i = 0; i < COUNT(always) + (e->plan.reads_status || e->plan.raw_ports ? COUNT(with_ports) : 0); i++) {
		pa_u128 protocol = i < COUNT(always) ? always[i] : with_ports[i - COUNT(always)];
		cut(cuts, PA_FIELD_L4PROTO, protocol, protocol);
		if (both_fields)
			cut(cuts, PA_FIELD_IP6_NEXTHDR, protocol, protocol);
	}
}

/* The devices that chains are bound to, and the interfaces of which it is known what they are to others. */
static void cut_devices(const struct pa_evaluation *e, struct pa_cuts *cuts, enum pa_hook hook, enum pa_field field)
{
	const struct pa_hook_plan *plan = &e->plan.hook[hook];
	bool any = false;
	for (size_t i = 0; i < plan->count; i++) {
		const struct pa_devices *devices = plan->stages[i].devices;
		any = any || plan->stages[i].binding != PA_BOUND_NOT;
		for (size_t k = 0; devices && k < devices->count; k++)
			cut(cuts, field, devices->items[k].first, devices->items[k].last);
	}
	for (size_t i = 0; any && e->host->links_known && i < e->host->link_count; i++) {
		pa_u128 name = pa_ifname_value(e->host->links[i].name);
		cut(cuts, field, name, name);
	}
	if (any)
		cut(cuts, field, LO, LO);
}

void pa_universe_cuts(const struct pa_evaluation *e, struct pa_cuts *cuts)
{
	struct pa_interval flags[256];
	cut(cuts, PA_FIELD_NFPROTO, PA_NFPROTO_IPV4, PA_NFPROTO_IPV4);
	cut(cuts, PA_FIELD_NFPROTO, PA_NFPROTO_IPV6, PA_NFPROTO_IPV6);
	cut_addresses(e, cuts);
	cut_devices(e, cuts, PA_HOOK_INGRESS, PA_FIELD_IIFNAME);
	cut_devices(e, cuts, PA_HOOK_FORWARD, PA_FIELD_IIFNAME);
	cut_devices(e, cuts, PA_HOOK_EGRESS, PA_FIELD_OIFNAME);
	cut_protocols(e, cuts);
	cut_all(cuts, PA_FIELD_TCP_FLAGS, flags, tcp_new_flags(flags));
	cut(cuts, PA_FIELD_TCP_FLAGS, PA_TCP_SYN, PA_TCP_SYN);
	cut_all(cuts, PA_FIELD_ICMP_TYPE, icmp_new, COUNT(icmp_new));
	cut_all(cuts, PA_FIELD_ICMP_TYPE, icmpv6_new, COUNT(icmpv6_new));
	for (size_t i = 0; i < COUNT(icmpv6_untracked); i++) /* the walk asks them one by one */
		cut_all(cuts, PA_FIELD_ICMP_TYPE, &icmpv6_untracked[i], 1);
	cut(cuts, PA_FIELD_IIFNAME, 0, 0);
	cut(cuts, PA_FIELD_IIFNAME, LO, LO);
	cut(cuts, PA_FIELD_OIFNAME, 0, 0);
	cut(cuts, PA_FIELD_OIFNAME, LO, LO);
	cut_types(cuts, PA_FIELD_DADDR_TYPE);
	if (e->plan.conntrack_ipv6 && e->plan.reads_fragments)
		cut(cuts, PA_FIELD_FRAG, 1, 1);
	for (pa_u128 state = 1; e->symbolic && state <= PA_CT_UNTRACKED; state <<= 1)
		cut(cuts, PA_FIELD_CT_STATE, state, state);
	if (pa_cuts_has(cuts, PA_FIELD_DADDR_IIF_TYPE))
		cut_types(cuts, PA_FIELD_DADDR_IIF_TYPE);
	if (pa_cuts_has(cuts, PA_FIELD_SADDR_TYPE))
		cut_types(cuts, PA_FIELD_SADDR_TYPE);
	for (size_t i = 0; i < COUNT(plain_values); i++) {
		if (pa_cuts_has(cuts, plain_values[i].field))
			cut_all(cuts, plain_values[i].field, &plain_values[i].plain, 1);
	}
}

/* --- sets --- */

static pa_node field_set(struct pa_evaluation *e, enum pa_field field, const struct pa_interval *items, size_t count)
{
	struct pa_arena *arena = pa_arena_new();
	struct pa_class_set set = pa_space_class_set(e->space, field, items, count, 1, arena);
	pa_node node = pa_node_field(e->space, field, set, PA_TRUE, PA_FALSE);
	pa_arena_free(arena);
	return node;
}

pa_node pa_field_in(struct pa_evaluation *e, enum pa_field field, pa_u128 first, pa_u128 last)
{
	return field_set(e, field, &(struct pa_interval){ first, last }, 1);
}

static pa_node outside(struct pa_evaluation *e, pa_node set)
{
	return pa_node_minus(e->space, PA_TRUE, set);
}

static pa_node both(struct pa_evaluation *e, pa_node a, pa_node b)
{
	return pa_node_and(e->space, a, b);
}

static pa_node either(struct pa_evaluation *e, pa_node a, pa_node b)
{
	return pa_node_or(e->space, a, b);
}

static pa_node type_is(struct pa_evaluation *e, enum pa_field field, unsigned type)
{
	return pa_field_in(e, field, type, type);
}

/* The addresses of the host that are of one kind, as a set over `field`. */
static pa_node own_addresses(struct pa_evaluation *e, enum pa_field field, unsigned type)
{
	struct pa_interval *items = pa_xcalloc(e->host->address_count + 1, sizeof(*items));
	pa_node set = PA_FALSE;
	for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
		size_t count = 0;
		for (size_t i = 0; i < e->host->address_count; i++) {
			const struct pa_host_address *own = &e->host->addresses[i];
			unsigned kind = own->broadcast ? PA_TYPE_BROADCAST : own->anycast ? PA_TYPE_ANYCAST : PA_TYPE_LOCAL;
			if (kind == type && (own->family == 6) == ipv6)
				items[count++] = (struct pa_interval){ own->address, own->address };
		}
		set = either(e, set, both(e, e->family[ipv6], field_set(e, field, items, count)));
	}
	free(items);
	return set;
}

static pa_node loopback_addresses(struct pa_evaluation *e, enum pa_field address)
{
	return either(e, both(e, e->family[0], field_set(e, address, &loopback4, 1)),
		      both(e, e->family[1], field_set(e, address, &loopback6, 1)));
}

/* What an address is to this host, for each address: where that is not known, any of the kinds it can be. */
static pa_node address_types(struct pa_evaluation *e, enum pa_field address, enum pa_field field)
{
	struct pa_space *space = e->space;
	pa_node set = type_is(e, field, PA_TYPE_UNICAST);
	if (!e->host->addresses_known) {
		set = either(e, set, type_is(e, field, PA_TYPE_LOCAL));
		set = either(e, set, type_is(e, field, PA_TYPE_BROADCAST));
		set = either(e, set, type_is(e, field, PA_TYPE_ANYCAST));
	} else {
		for (unsigned type = PA_TYPE_LOCAL; type <= PA_TYPE_ANYCAST; type++)
			set = pa_node_choose(space, own_addresses(e, address, type), type_is(e, field, type), set);
	}
	pa_node multicast = either(e, both(e, e->family[0], field_set(e, address, &multicast4, 1)),
				   both(e, e->family[1], field_set(e, address, &multicast6, 1)));
	pa_node broadcast = both(e, e->family[0], field_set(e, address, broadcasts4, COUNT(broadcasts4)));
	set = pa_node_choose(space, loopback_addresses(e, address), type_is(e, field, PA_TYPE_LOCAL), set);
	set = pa_node_choose(space, multicast, type_is(e, field, PA_TYPE_MULTICAST), set);
	return pa_node_choose(space, broadcast, type_is(e, field, PA_TYPE_BROADCAST), set);
}

/* Is it known which interface every own address belongs to? */
bool pa_universe_knows_interfaces(const struct pa_host *host)
{
	for (size_t i = 0; i < host->address_count; i++) {
		if (!host->addresses[i].interface)
			return false;
	}
	return host->addresses_known;
}

/*
 * fib daddr . iif type: as fib daddr type, but an address of another interface is unicast there (measured). Where the interfaces
 * are not known, the environment holds the field as unknown instead.
 */
static pa_node interface_types(struct pa_evaluation *e)
{
	const enum pa_field field = PA_FIELD_DADDR_IIF_TYPE;
	if (pa_space_classes(e->space, field)->count < 2)
		return PA_TRUE;
	pa_node set = PA_FALSE, unicast = type_is(e, field, PA_TYPE_UNICAST);
	for (unsigned type = PA_TYPE_UNICAST; type <= PA_TYPE_MULTICAST; type++) {
		pa_node same = type_is(e, field, type);
		if (type == PA_TYPE_LOCAL || type == PA_TYPE_ANYCAST || type == PA_TYPE_BROADCAST)
			same = either(e, same, unicast);
		set = either(e, set, both(e, type_is(e, PA_FIELD_DADDR_TYPE, type), same));
	}
	for (size_t i = 0; pa_universe_knows_interfaces(e->host) && i < e->host->address_count; i++) {
		const struct pa_host_address *own = &e->host->addresses[i];
		pa_u128 name = pa_ifname_value(own->interface);
		unsigned type = own->broadcast ? PA_TYPE_BROADCAST : own->anycast ? PA_TYPE_ANYCAST : PA_TYPE_LOCAL;
		pa_node here = pa_field_in(e, PA_FIELD_IIFNAME, name, name);
		pa_node answer = pa_node_choose(e->space, here, type_is(e, field, type), unicast);
		pa_node mine = both(e, e->family[own->family == 6], pa_field_in(e, PA_FIELD_DADDR, own->address, own->address));
		set = pa_node_choose(e->space, mine, answer, set);
	}
	/* of no interface, and of lo */
	pa_node broadcast = both(e, e->family[0], field_set(e, PA_FIELD_DADDR, broadcasts4, COUNT(broadcasts4)));
	pa_node here =
		pa_node_choose(e->space, pa_field_in(e, PA_FIELD_IIFNAME, LO, LO), type_is(e, field, PA_TYPE_LOCAL), unicast);
	set = pa_node_choose(e->space, broadcast, type_is(e, field, PA_TYPE_BROADCAST), set);
	return pa_node_choose(e->space, loopback_addresses(e, PA_FIELD_DADDR), here, set);
}

static bool is_asked(struct pa_evaluation *e, enum pa_field field)
{
	return pa_space_classes(e->space, field)->count > 1;
}

/* What packets of other families and protocols do not have: options of TCP and of IPv4, extension headers. */
static pa_node options(struct pa_evaluation *e)
{
	pa_node set = PA_TRUE;
	if (is_asked(e, PA_FIELD_TCP_OPTIONS))
		set = both(e, set,
			   either(e, pa_field_in(e, PA_FIELD_L4PROTO, 6, 6), pa_field_in(e, PA_FIELD_TCP_OPTIONS, 0, 0)));
	if (is_asked(e, PA_FIELD_IP_OPTIONS))
		set = both(e, set, either(e, e->family[0], pa_field_in(e, PA_FIELD_IP_OPTIONS, 0, 0)));
	if (is_asked(e, PA_FIELD_FRAG))
		set = both(e, set, either(e, e->family[1], pa_field_in(e, PA_FIELD_FRAG, 0, 0)));
	if (is_asked(e, PA_FIELD_FRAG) && is_asked(e, PA_FIELD_IP6_NEXTHDR))
		set = both(e, set,
			   either(e, outside(e, pa_field_in(e, PA_FIELD_IP6_NEXTHDR, 44, 44)),
				  pa_field_in(e, PA_FIELD_FRAG, 1, 1)));
	if (is_asked(e, PA_FIELD_EXTHDRS)) {
		pa_node mobile = pa_field_in(e, PA_FIELD_EXTHDRS, EXTHDR_MH, pa_field_max(PA_FIELD_EXTHDRS));
		pa_node headers = pa_node_choose(e->space, pa_field_in(e, PA_FIELD_L4PROTO, MOBILITY, MOBILITY), mobile,
						 outside(e, mobile));
		set = both(e, set, pa_node_choose(e->space, e->family[1], headers, pa_field_in(e, PA_FIELD_EXTHDRS, 0, 0)));
	}
	return set;
}

/* Where the addresses are not known, the environment holds the type of the source as unknown instead. */
static pa_node source_types(struct pa_evaluation *e)
{
	if (pa_space_classes(e->space, PA_FIELD_SADDR_TYPE)->count < 2 || !e->host->addresses_known)
		return PA_TRUE;
	return address_types(e, PA_FIELD_SADDR, PA_FIELD_SADDR_TYPE);
}

/* The first next header of IPv6 is the transport protocol or an extension header (RFC 8200; IANA protocol numbers). */
static pa_node next_headers(struct pa_evaluation *e)
{
	static const struct pa_interval extension[] = {
		{ 0, 0 }, { 43, 44 }, { 50, 51 }, { 60, 60 }, { 135, 135 }, { 139, 140 }
	};
	const struct pa_classes *classes = pa_space_classes(e->space, PA_FIELD_L4PROTO);
	if (pa_space_classes(e->space, PA_FIELD_IP6_NEXTHDR)->count < 2)
		return PA_TRUE;
	pa_node set = PA_FALSE, header = PA_FALSE;
	for (size_t i = 0; i < classes->segments; i++) {
		pa_u128 first = classes->start[i], last = i + 1 < classes->segments ? classes->start[i + 1] - 1 : classes->max;
		bool extends = false;
		for (size_t k = 0; k < COUNT(extension); k++)
			extends = extends || (extension[k].first <= last && extension[k].last >= first);
		uint32_t proto = classes->class_of[i],
			 next = pa_classes_find(pa_space_classes(e->space, PA_FIELD_IP6_NEXTHDR), first);
		struct pa_class_range one = { proto, proto }, other = { next, next };
		pa_node same =
			pa_node_field(e->space, PA_FIELD_IP6_NEXTHDR, (struct pa_class_set){ &other, 1 }, PA_TRUE, PA_FALSE);
		pa_node this = pa_node_field(e->space, PA_FIELD_L4PROTO, (struct pa_class_set){ &one, 1 }, PA_TRUE, PA_FALSE);
		set = either(e, set, both(e, this, same));
		if (extends)
			header = either(e, header, same);
	}
	e->plain_nextheader = set;
	set = either(e, set, header);
	if (is_asked(e, PA_FIELD_FRAG)) /* it is an extension header, and there may be others before it */
		set = pa_node_choose(e->space, pa_field_in(e, PA_FIELD_FRAG, 1, 1), header, set);
	return either(e, e->family[0], set);
}

pa_node pa_universe_new(struct pa_evaluation *e)
{
	struct pa_interval flags[256];
	pa_node tcp = pa_field_in(e, PA_FIELD_L4PROTO, 6, 6);
	pa_node icmp = pa_field_in(e, PA_FIELD_L4PROTO, 1, 1), icmpv6 = pa_field_in(e, PA_FIELD_L4PROTO, 58, 58);
	pa_node set = PA_TRUE;
	set = pa_node_choose(e->space, tcp, field_set(e, PA_FIELD_TCP_FLAGS, flags, tcp_new_flags(flags)), set);
	/* of the wrong family (IPv4 with protocol 58) they are invalid */
	pa_node types4 = both(e, e->family[0], field_set(e, PA_FIELD_ICMP_TYPE, icmp_new, COUNT(icmp_new)));
	pa_node types6 = both(e, e->family[1], field_set(e, PA_FIELD_ICMP_TYPE, icmpv6_new, COUNT(icmpv6_new)));
	return pa_node_choose(e->space, icmp, types4, pa_node_choose(e->space, icmpv6, types6, set));
}

pa_node pa_universe_untracked(struct pa_evaluation *e)
{
	pa_node icmpv6 = pa_field_in(e, PA_FIELD_L4PROTO, 58, 58);
	pa_node types = field_set(e, PA_FIELD_ICMP_TYPE, icmpv6_untracked, COUNT(icmpv6_untracked));
	return both(e, e->family[1], both(e, icmpv6, types));
}

void pa_universe_plain(struct pa_evaluation *e, bool fields[PA_FIELD_COUNT], uint32_t classes[PA_FIELD_COUNT])
{
	fields[PA_FIELD_TCP_FLAGS] = true; /* of other protocols nobody asks them */
	classes[PA_FIELD_TCP_FLAGS] = pa_classes_find(pa_space_classes(e->space, PA_FIELD_TCP_FLAGS), PA_TCP_SYN);
	for (size_t i = 0; i < COUNT(plain_values); i++) {
		enum pa_field field = plain_values[i].field;
		fields[field] = true;
		classes[field] = pa_classes_find(pa_space_classes(e->space, field), plain_values[i].plain.first);
	}
}

/* What plain packets look like in the fields that get a row of their own only where they decide. */
static pa_node plain_packets(struct pa_evaluation *e)
{
	pa_node tcp = pa_field_in(e, PA_FIELD_L4PROTO, 6, 6);
	pa_node set = either(e, outside(e, tcp), pa_field_in(e, PA_FIELD_TCP_FLAGS, PA_TCP_SYN, PA_TCP_SYN));
	for (size_t i = 0; i < COUNT(plain_values); i++) {
		if (pa_space_classes(e->space, plain_values[i].field)->count > 1)
			set = both(e, set, field_set(e, plain_values[i].field, &plain_values[i].plain, 1));
	}
	return both(e, set, either(e, e->family[0], e->plain_nextheader));
}

/* Packets whose addresses look like their family's: no IPv4-mapped ones in IPv6. */
static pa_node common_packets(struct pa_evaluation *e)
{
	pa_node mapped = either(e, field_set(e, PA_FIELD_SADDR, &ipv4_all, 1), field_set(e, PA_FIELD_DADDR, &ipv4_all, 1));
	return either(e, e->family[0], outside(e, mapped));
}

static pa_node ports_exist(struct pa_evaluation *e)
{
	static const struct pa_interval protocols[] = { { 6, 6 }, { 17, 17 }, { 33, 33 }, { 132, 132 }, { 136, 136 } };
	return field_set(e, PA_FIELD_L4PROTO, protocols, COUNT(protocols));
}

void pa_universe_make(struct pa_evaluation *e)
{
	e->plain_nextheader = PA_TRUE;
	e->family[0] = pa_field_in(e, PA_FIELD_NFPROTO, PA_NFPROTO_IPV4, PA_NFPROTO_IPV4);
	e->family[1] = pa_field_in(e, PA_FIELD_NFPROTO, PA_NFPROTO_IPV6, PA_NFPROTO_IPV6);
	pa_node ipv4 = both(e, field_set(e, PA_FIELD_SADDR, &ipv4_all, 1), field_set(e, PA_FIELD_DADDR, &ipv4_all, 1));
	pa_node set = either(e, both(e, e->family[0], ipv4), e->family[1]);
	set = both(e, set, address_types(e, PA_FIELD_DADDR, PA_FIELD_DADDR_TYPE));
	set = both(e, set, interface_types(e));
	set = both(e, set, source_types(e));
	set = both(e, set, options(e));
	e->base = both(e, set, next_headers(e));
	e->plain = plain_packets(e);
	e->common = common_packets(e);
	e->with_ports = e->plan.raw_ports ? ports_exist(e) : PA_TRUE;
	/* of an unknown host every address may be broadcast or anycast as well: rows speak of own and foreign ones */
	pa_node usual =
		either(e, type_is(e, PA_FIELD_DADDR_TYPE, PA_TYPE_LOCAL), type_is(e, PA_FIELD_DADDR_TYPE, PA_TYPE_UNICAST));
	static const bool types[PA_FIELD_COUNT] = { [PA_FIELD_DADDR_TYPE] = true, [PA_FIELD_DADDR_IIF_TYPE] = true };
	pa_node possible = pa_node_forget(e->space, both(e, e->base, usual), types);
	e->usual_types = either(e, usual, outside(e, possible));
}

static pa_node has_name(struct pa_evaluation *e, enum pa_field field)
{
	return outside(e, pa_field_in(e, field, 0, 0));
}

/*
 * Before any NAT: what is for this host arrives on `in`, what is for others on `forward`. From the wire nothing arrives for a
 * loopback address: the kernel drops it as a martian unless route_localnet says otherwise (IPv6: always).
 */
pa_node pa_universe_path(struct pa_evaluation *e, enum pa_path path)
{
	pa_node lo = pa_field_in(e, PA_FIELD_IIFNAME, LO, LO);
	pa_node foreign = type_is(e, PA_FIELD_DADDR_TYPE, PA_TYPE_UNICAST);
	pa_node loopback = both(e, e->family[1], field_set(e, PA_FIELD_DADDR, &loopback6, 1));
	if (e->host->route_localnet != PA_YES)
		loopback = either(e, loopback, both(e, e->family[0], field_set(e, PA_FIELD_DADDR, &loopback4, 1)));
	switch (path) {
	case PA_PATH_IN:
		return both(e, both(e, e->base, has_name(e, PA_FIELD_IIFNAME)),
			    both(e, outside(e, foreign), either(e, lo, outside(e, loopback))));
	case PA_PATH_FORWARD:
		return both(e, both(e, e->base, both(e, has_name(e, PA_FIELD_IIFNAME), outside(e, lo))),
			    both(e, foreign, has_name(e, PA_FIELD_OIFNAME)));
	case PA_PATH_OUT:
		return both(e, e->base, has_name(e, PA_FIELD_OIFNAME));
	}
	return PA_FALSE;
}

unsigned pa_address_type(const struct pa_host *host, pa_u128 address, int family)
{
	if (family == 4 ? address >= loopback4.first && address <= loopback4.last : address == loopback6.first)
		return PA_TYPE_LOCAL;
	if (family == 4 ? address >= multicast4.first && address <= multicast4.last : address >= multicast6.first)
		return PA_TYPE_MULTICAST;
	if (family == 4 && (address == PA_IPV4_BASE || address == PA_IPV4_LAST))
		return PA_TYPE_BROADCAST;
	if (!host->addresses_known)
		return 0;
	for (size_t i = 0; i < host->address_count; i++) {
		const struct pa_host_address *own = &host->addresses[i];
		if (own->address == address && own->family == family)
			return own->broadcast ? PA_TYPE_BROADCAST : own->anycast ? PA_TYPE_ANYCAST : PA_TYPE_LOCAL;
	}
	return PA_TYPE_UNICAST;
}

unsigned pa_range_type(const struct pa_host *host, struct pa_interval range, int family)
{
	unsigned type = pa_address_type(host, range.first, family);
	struct pa_interval loopback = family == 4 ? loopback4 : loopback6, multicast = family == 4 ? multicast4 : multicast6;
	if (range.first == range.last)
		return type;
	if (range.first >= loopback.first && range.last <= loopback.last)
		return PA_TYPE_LOCAL;
	if (range.first >= multicast.first && range.last <= multicast.last)
		return PA_TYPE_MULTICAST;
	bool special = range.first <= loopback.last && range.last >= loopback.first;
	special = special || (range.first <= multicast.last && range.last >= multicast.first) || range.last == PA_IPV4_LAST;
	for (size_t i = 0; host->addresses_known && i < host->address_count; i++)
		special = special || (host->addresses[i].address >= range.first && host->addresses[i].address <= range.last);
	return special || !host->addresses_known || type != PA_TYPE_UNICAST ? 0 : PA_TYPE_UNICAST;
}
