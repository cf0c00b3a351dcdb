/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ICMP types by nft's names (nft(8), ICMP TYPE and ICMPV6 TYPE; numbers of RFC 792, 950, 4443, 4861, 3810). */
#include <netinet/in.h>

#include "ranges.h"

static const char *const types4[] = {
	[0] = "echo-reply",	    [3] = "destination-unreachable", [4] = "source-quench",	   [5] = "redirect",
	[8] = "echo-request",	    [9] = "router-advertisement",    [10] = "router-solicitation", [11] = "time-exceeded",
	[12] = "parameter-problem", [13] = "timestamp-request",	     [14] = "timestamp-reply",	   [15] = "info-request",
	[16] = "info-reply",	    [17] = "address-mask-request",   [18] = "address-mask-reply",
};

static const char *const types6[] = {
	[1] = "destination-unreachable", [2] = "packet-too-big",	[3] = "time-exceeded",
	[4] = "parameter-problem",	 [128] = "echo-request",	[129] = "echo-reply",
	[130] = "mld-listener-query",	 [131] = "mld-listener-report", [132] = "mld-listener-done",
	[133] = "nd-router-solicit",	 [134] = "nd-router-advert",	[135] = "nd-neighbor-solicit",
	[136] = "nd-neighbor-advert",	 [137] = "nd-redirect",		[138] = "router-renumbering",
	[141] = "ind-neighbor-solicit",	 [142] = "ind-neighbor-advert", [143] = "mld2-listener-report",
};

const char *pa_icmp_type_name(unsigned protocol, unsigned type)
{
	if (protocol == IPPROTO_ICMP && type < sizeof(types4) / sizeof(*types4))
		return types4[type];
	if (protocol == IPPROTO_ICMPV6 && type < sizeof(types6) / sizeof(*types6))
		return types6[type];
	return NULL;
}
