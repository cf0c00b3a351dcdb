/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The symbolic constants are those of `nft describe` (1.0.6); protocols are those of IANA's list that have short names. */
#include "names.h"

#include <string.h>

struct symbol {
	const char *name; /* NULL ends the list */
	uint64_t value;
};

static const struct symbol no_symbols[] = { { NULL, 0 } };

static const struct symbol protocol_symbols[] = {
	{ "tcp", 6 },
	{ "udp", 17 },
	{ "icmp", 1 },
	{ "ipv6-icmp", 58 },
	{ "icmpv6", 58 },
	{ "sctp", 132 },
	{ "dccp", 33 },
	{ "udplite", 136 },
	{ "igmp", 2 },
	{ "gre", 47 },
	{ "esp", 50 },
	{ "ah", 51 },
	{ "ip", 0 },
	{ "hopopt", 0 },
	{ "ggp", 3 },
	{ "ipencap", 4 },
	{ "ipv4", 4 },
	{ "st", 5 },
	{ "cbt", 7 },
	{ "egp", 8 },
	{ "igp", 9 },
	{ "bbn-rcc", 10 },
	{ "nvp", 11 },
	{ "pup", 12 },
	{ "argus", 13 },
	{ "emcon", 14 },
	{ "xnet", 15 },
	{ "chaos", 16 },
	{ "mux", 18 },
	{ "dcn", 19 },
	{ "hmp", 20 },
	{ "prm", 21 },
	{ "xns-idp", 22 },
	{ "trunk-1", 23 },
	{ "trunk-2", 24 },
	{ "leaf-1", 25 },
	{ "leaf-2", 26 },
	{ "rdp", 27 },
	{ "irtp", 28 },
	{ "iso-tp4", 29 },
	{ "netblt", 30 },
	{ "mfe-nsp", 31 },
	{ "merit-inp", 32 },
	{ "3pc", 34 },
	{ "idpr", 35 },
	{ "xtp", 36 },
	{ "ddp", 37 },
	{ "idpr-cmtp", 38 },
	{ "tp++", 39 },
	{ "il", 40 },
	{ "ipv6", 41 },
	{ "sdrp", 42 },
	{ "ipv6-route", 43 },
	{ "ipv6-frag", 44 },
	{ "idrp", 45 },
	{ "rsvp", 46 },
	{ "dsr", 48 },
	{ "bna", 49 },
	{ "i-nlsp", 52 },
	{ "swipe", 53 },
	{ "narp", 54 },
	{ "mobile", 55 },
	{ "tlsp", 56 },
	{ "skip", 57 },
	{ "ipv6-nonxt", 59 },
	{ "ipv6-opts", 60 },
	{ "cftp", 62 },
	{ "sat-expak", 64 },
	{ "kryptolan", 65 },
	{ "rvd", 66 },
	{ "ippc", 67 },
	{ "sat-mon", 69 },
	{ "visa", 70 },
	{ "ipcv", 71 },
	{ "cpnx", 72 },
	{ "rspf", 73 },
	{ "cphb", 73 },
	{ "wsn", 74 },
	{ "pvp", 75 },
	{ "vmtp", 81 },
	{ "secure-vmtp", 82 },
	{ "vines", 83 },
	{ "ttp", 84 },
	{ "nsfnet-igp", 85 },
	{ "dgp", 86 },
	{ "tcf", 87 },
	{ "eigrp", 88 },
	{ "ospf", 89 },
	{ "ospfigp", 89 },
	{ "sprite-rpc", 90 },
	{ "larp", 91 },
	{ "mtp", 92 },
	{ "ax.25", 93 },
	{ "ipip", 94 },
	{ "micp", 95 },
	{ "scc-sp", 96 },
	{ "etherip", 97 },
	{ "encap", 98 },
	{ "gmtp", 100 },
	{ "ifmp", 101 },
	{ "pnni", 102 },
	{ "pim", 103 },
	{ "aris", 104 },
	{ "scps", 105 },
	{ "qnx", 106 },
	{ "a/n", 107 },
	{ "ipcomp", 108 },
	{ "snp", 109 },
	{ "compaq-peer", 110 },
	{ "ipx-in-ip", 111 },
	{ "vrrp", 112 },
	{ "carp", 112 },
	{ "pgm", 113 },
	{ "l2tp", 115 },
	{ "ddx", 116 },
	{ "iatp", 117 },
	{ "stp", 118 },
	{ "srp", 119 },
	{ "uti", 120 },
	{ "smp", 121 },
	{ "sm", 122 },
	{ "ptp", 123 },
	{ "isis", 124 },
	{ "fire", 125 },
	{ "crtp", 126 },
	{ "crudp", 127 },
	{ "sscopmce", 128 },
	{ "iplt", 129 },
	{ "sps", 130 },
	{ "pipe", 131 },
	{ "fc", 133 },
	{ "rsvp-e2e-ignore", 134 },
	{ "mobility-header", 135 },
	{ "mpls-in-ip", 137 },
	{ "manet", 138 },
	{ "hip", 139 },
	{ "shim6", 140 },
	{ "wesp", 141 },
	{ "rohc", 142 },
	{ "ethernet", 143 },
	{ NULL, 0 },
};

static const struct symbol iftype_symbols[] = {
	{ "ether", 1 },	     { "ppp", 512 }, { "ipip", 768 },  { "ipip6", 769 },
	{ "loopback", 772 }, { "sit", 776 }, { "ipgre", 778 }, { NULL, 0 },
};

/* Other names are those of /etc/iproute2/group. */
static const struct symbol devgroup_symbols[] = { { "default", 0 }, { NULL, 0 } };

static const struct symbol icmp_type_symbols[] = {
	{ "echo-reply", 0 },	     { "destination-unreachable", 3 }, { "source-quench", 4 },	      { "redirect", 5 },
	{ "echo-request", 8 },	     { "router-advertisement", 9 },    { "router-solicitation", 10 }, { "time-exceeded", 11 },
	{ "parameter-problem", 12 }, { "timestamp-request", 13 },      { "timestamp-reply", 14 },     { "info-request", 15 },
	{ "info-reply", 16 },	     { "address-mask-request", 17 },   { "address-mask-reply", 18 },  { NULL, 0 },
};

static const struct symbol icmpv6_type_symbols[] = {
	{ "destination-unreachable", 1 }, { "packet-too-big", 2 },
	{ "time-exceeded", 3 },		  { "parameter-problem", 4 },
	{ "echo-request", 128 },	  { "echo-reply", 129 },
	{ "mld-listener-query", 130 },	  { "mld-listener-report", 131 },
	{ "mld-listener-done", 132 },	  { "mld-listener-reduction", 132 },
	{ "nd-router-solicit", 133 },	  { "nd-router-advert", 134 },
	{ "nd-neighbor-solicit", 135 },	  { "nd-neighbor-advert", 136 },
	{ "nd-redirect", 137 },		  { "router-renumbering", 138 },
	{ "ind-neighbor-solicit", 141 },  { "ind-neighbor-advert", 142 },
	{ "mld2-listener-report", 143 },  { NULL, 0 },
};

static const struct symbol icmp_code_symbols[] = {
	{ "net-unreachable", 0 },  { "host-unreachable", 1 },  { "prot-unreachable", 2 },
	{ "port-unreachable", 3 }, { "frag-needed", 4 },       { "net-prohibited", 9 },
	{ "host-prohibited", 10 }, { "admin-prohibited", 13 }, { NULL, 0 },
};

static const struct symbol icmpv6_code_symbols[] = {
	{ "no-route", 0 },
	{ "admin-prohibited", 1 },
	{ "addr-unreachable", 3 },
	{ "port-unreachable", 4 },
	{ "policy-fail", 5 },
	{ "reject-route", 6 },
	{ NULL, 0 },
};

static const struct symbol ct_state_symbols[] = {
	{ "established", 2 }, { "related", 4 }, { "new", 8 }, { "invalid", 1 }, { "untracked", 64 }, { NULL, 0 },
};

static const struct symbol ct_dir_symbols[] = { { "original", 0 }, { "reply", 1 }, { NULL, 0 } };

static const struct symbol ct_status_symbols[] = {
	{ "expected", 1 }, { "seen-reply", 2 }, { "assured", 4 }, { "confirmed", 8 },
	{ "snat", 16 },	   { "dnat", 32 },	{ "dying", 512 }, { NULL, 0 },
};

static const struct symbol ethertype_symbols[] = {
	{ "ip", 0x0800 },    { "ip6", 0x86dd },	   { "arp", 0x0806 }, { "vlan", 0x8100 },
	{ "8021q", 0x8100 }, { "8021ad", 0x88a8 }, { NULL, 0 },
};

static const struct symbol dscp_symbols[] = {
	{ "cs0", 0x00 },  { "cs1", 0x08 },  { "cs2", 0x10 },  { "cs3", 0x18 },	{ "cs4", 0x20 },   { "cs5", 0x28 },
	{ "cs6", 0x30 },  { "cs7", 0x38 },  { "df", 0x00 },   { "be", 0x00 },	{ "lephb", 0x01 }, { "af11", 0x0a },
	{ "af12", 0x0c }, { "af13", 0x0e }, { "af21", 0x12 }, { "af22", 0x14 }, { "af23", 0x16 },  { "af31", 0x1a },
	{ "af32", 0x1c }, { "af33", 0x1e }, { "af41", 0x22 }, { "af42", 0x24 }, { "af43", 0x26 },  { "va", 0x2c },
	{ "ef", 0x2e },	  { NULL, 0 },
};

static const struct symbol ecn_symbols[] = { { "not-ect", 0 }, { "ect1", 1 }, { "ect0", 2 }, { "ce", 3 }, { NULL, 0 } };

static const struct symbol tcp_flag_symbols[] = {
	{ "fin", 1 },  { "syn", 2 },  { "rst", 4 },   { "psh", 8 }, { "ack", 16 },
	{ "urg", 32 }, { "ecn", 64 }, { "cwr", 128 }, { NULL, 0 },
};

static const struct symbol pkttype_symbols[] = {
	{ "host", 0 }, { "unicast", 0 }, { "broadcast", 1 }, { "multicast", 2 }, { "other", 3 }, { NULL, 0 },
};

static const struct symbol fib_type_symbols[] = {
	{ "unspec", 0 },    { "unicast", 1 },	{ "local", 2 },	      { "broadcast", 3 }, { "anycast", 4 },
	{ "multicast", 5 }, { "blackhole", 6 }, { "unreachable", 7 }, { "prohibit", 8 },  { NULL, 0 },
};

static const struct symbol nfproto_symbols[] = { { "ipv4", 2 }, { "ipv6", 10 }, { NULL, 0 } };

static const struct symbol day_symbols[] = { { "Sunday", 0 },	{ "Monday", 1 }, { "Tuesday", 2 },  { "Wednesday", 3 },
					     { "Thursday", 4 }, { "Friday", 5 }, { "Saturday", 6 }, { NULL, 0 } };

static const struct symbol boolean_symbols[] = { { "missing", 0 }, { "exists", 1 }, { NULL, 0 } };

static const struct datatype {
	const char *name;
	unsigned bits;
	const struct symbol *symbols;
} datatypes[] = {
#define DATATYPE(id, name, bits, symbols) [PA_DATATYPE_##id] = { name, bits, symbols },
#include "datatype.def"
#undef DATATYPE
};

const char *pa_datatype_name(enum pa_datatype type)
{
	return datatypes[type].name;
}

unsigned pa_datatype_bits(enum pa_datatype type)
{
	return datatypes[type].bits;
}

static bool is_name(const char *name, const char *text, size_t length)
{
	return strlen(name) == length && memcmp(name, text, length) == 0;
}

enum pa_datatype pa_datatype_find(const char *name, size_t length)
{
	for (int i = 0; i < PA_DATATYPE_COUNT; i++)
		if (is_name(datatypes[i].name, name, length))
			return (enum pa_datatype)i;
	return PA_DATATYPE_WORD;
}

bool pa_symbol_find(enum pa_datatype type, const char *name, size_t length, uint64_t *ret_value)
{
	for (const struct symbol *symbol = datatypes[type].symbols; symbol->name; symbol++) {
		if (!is_name(symbol->name, name, length))
			continue;
		*ret_value = symbol->value;
		return true;
	}
	return false;
}

const char *pa_symbol_name(enum pa_datatype type, uint64_t value)
{
	for (const struct symbol *symbol = datatypes[type].symbols; symbol->name; symbol++)
		if (symbol->value == value)
			return symbol->name;
	return NULL;
}

bool pa_datatype_is_flags(enum pa_datatype type)
{
	return type == PA_DATATYPE_CT_STATE || type == PA_DATATYPE_CT_STATUS || type == PA_DATATYPE_TCP_FLAG;
}
