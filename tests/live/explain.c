/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `depends` is an answer only where something is open: each part of its condition has to name what that is. */
#include <stdlib.h>
#include <string.h>

#include "judge.h"

static const char *const opaque_words[] = {
#define OPAQUE(word) word,
#include "opaque.def"
};
#define OPAQUE_WORDS (sizeof(opaque_words) / sizeof(opaque_words[0]))

/* The word without the space that keeps it from matching others. */
static bool is_named(const char *condition, const char *word)
{
	size_t size = strlen(word) - (word[strlen(word) - 1] == ' ');
	for (; *condition; condition++)
		if (strncmp(condition, word, size) == 0)
			return true;
	return false;
}

/* By nft or by iptables. */
static bool translates(const char *ruleset)
{
	static const char *const words[] = { "dnat", "snat",	 "redirect",   "masquerade", "DNAT",
					     "SNAT", "REDIRECT", "MASQUERADE", "NETMAP" };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(ruleset, words[i]))
			return true;
	return false;
}

/* The program is told the host's addresses, not which interface has them: what redirect and masquerade choose is open to it. */
static bool is_own_choice(const char *ruleset, const char *part)
{
	if (translates(ruleset) && (strstr(part, "NAT chooses") || strstr(part, "translation") || strstr(part, "the new ") ||
				    strstr(part, "translates") || strstr(part, "outgoing interface")))
		return true;
	bool redirects = strstr(ruleset, "redirect") || strstr(ruleset, "REDIRECT");
	bool masquerades = strstr(ruleset, "masquerade") || strstr(ruleset, "MASQUERADE");
	return (redirects && strstr(part, "daddr")) || (masquerades && strstr(part, "saddr"));
}

/* nft writes some of them otherwise than they were written (`ct original l3proto`): the last word has to be there. */
static bool stands_in(const char *ruleset, const char *word)
{
	const char *space = strchr(word, ' ');
	return strstr(ruleset, space && space[1] ? space + 1 : word) != NULL;
}

/* The field that the program prints is in the rules by another name: `ip ecn` is `ecn`. */
static bool is_unsaid_field(const char *ruleset, const char *part)
{
	static const char *const fields[] = { "ecn",	     "ether saddr", "ether daddr",  "ip id",
					      "ip frag-off", "ip version",  "ip hdrlength", "ip6 flowlabel" };
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strstr(part, fields[i]) && stands_in(ruleset, fields[i]))
			return true;
	if ((strstr(part, "checksum") && strstr(ruleset, "checksum")) ||
	    (strstr(part, "udp length") && strstr(ruleset, "csumcov")))
		return true;
	/* of an address that is none of the host's: whether it is one of broadcast is not told to the program */
	if (strstr(part, "fib daddr type") && strstr(ruleset, "--dst-type"))
		return true;
	if (strstr(part, "ip frag-off") && strstr(ruleset, " -f "))
		return true;
	if (strstr(part, "icmp sequence") && strstr(ruleset, "icmp mtu")) /* the same bytes */
		return true;
	/* the tag of SCTP is where the others have their number */
	return strstr(part, "spi") && (strstr(ruleset, "vtag") || strstr(ruleset, "spi") || strstr(ruleset, "cpi"));
}

/* A mark that was drawn by lot; the link type that nft asks for before it looks at an Ethernet address. */
static bool is_made_open(const char *ruleset, const char *part)
{
	bool lot = strstr(ruleset, "numgen") || strstr(ruleset, "hash") || strstr(ruleset, "dynamic");
	/* the program is not told what lies on top of what */
	bool bound = strstr(ruleset, "hook ingress") || strstr(ruleset, "hook egress");
	if (bound && (strstr(part, "lies on top of") || strstr(part, "on top of their devices")))
		return true;
	if ((strstr(ruleset, "iiftype") || strstr(ruleset, "ether ")) &&
	    strstr(part, "@ll,")) /* for which nft asks first, or which it runs together */
		return true;
	/* of either family: nft lists the address as raw bytes, which are others in the other family's header */
	if (strstr(ruleset, "meta nfproto {") && strstr(part, "@nh,"))
		return true;
	/* another destination may leave by another interface */
	if (strstr(ruleset, "daddr set") && strstr(part, "oifname"))
		return true;
	/* behind source NAT the port is whatever NAT chose */
	if ((strstr(ruleset, "snat") || strstr(ruleset, "masquerade")) &&
	    (strstr(part, "sport") || strstr(part, "reply proto-dst")))
		return true;
	if (strstr(ruleset, "table bridge") && (strstr(part, "through a bridge") || strstr(part, "br_netfilter")))
		return true;
	return (lot && strstr(part, "mark")) || (strstr(part, "iiftype") && strstr(ruleset, "ether "));
}

/* Members come and go, or nft's listing does not say what the values are. */
static bool is_open_set(const char *ruleset, const char *part)
{
	bool changes = strstr(ruleset, "timeout") || strstr(ruleset, "dynamic");
	return (strchr(part, '@') && changes) || strstr(part, "[invalid type]") || strstr(part, "dscp >> 2");
}

static bool is_open(const char *ruleset, const char *part, const struct packet *packet)
{
	bool old_flow = packet->state == STATE_RELATED ||
			packet->state == STATE_ESTABLISHED; /* the line says nothing of its first packet */
	bool template = packet->state == STATE_INVALID || packet->state == STATE_UNTRACKED;
	if (old_flow && (strstr(part, "ct original") || strstr(part, "--ctorig")))
		return true;
	if (packet->protocol == IPPROTO_DCCP && strstr(part, "--ctorig")) /* not every kernel tracks its ports */
		return true;
	if (template && strstr(ruleset, "zone set") &&
	    (strstr(part, "ct ") || strstr(part, "mark"))) /* in the place of a flow */
		return true;
	/* matches of iptables look into it, before conntrack has seen the packet */
	if (strstr(ruleset, "-j CT --zone") && (strstr(part, "--ct") || strstr(part, "mark")))
		return true;
	/* the program is not told the routes */
	if (strstr(ruleset, "fib saddr type") && strstr(part, "no route leads to the source"))
		return true;
	/* nft runs two relations into one range, which may end before it begins */
	bool relations = strstr(ruleset, " < ") && strstr(ruleset, " > ");
	if (strstr(part, "that the listing of rule") || (relations && strstr(part, " != ")))
		return true;
	bool raw_ports = strstr(ruleset, "@th,") || strstr(ruleset, "th dport") || strstr(ruleset, "th sport");
	if (!packet_has_ports(packet->protocol) && raw_ports &&
	    (strstr(part, "sport") || strstr(part, "dport"))) /* other bytes there */
		return true;
	if (strstr(ruleset, "hook egress") && strstr(part, " length")) /* the link's header is in it */
		return true;
	/* conntrack may have taken a fragment header away */
	if (packet->family == 6 && (strstr(part, " length") || strstr(part, "--length")))
		return true;
	if (is_own_choice(ruleset, part) || is_unsaid_field(ruleset, part) || is_open_set(ruleset, part) ||
	    is_made_open(ruleset, part))
		return true;
	for (size_t i = 0; i < OPAQUE_WORDS; i++)
		if (stands_in(ruleset, opaque_words[i]) && is_named(part, opaque_words[i]))
			return true;
	return false;
}

/* Where the packet goes depends on an open translation, and what asks for that with it. */
static bool follows(const char *ruleset, const char *part)
{
	static const char *const fields[] = { "oifname", "daddr", "saddr", "dport", "sport", "fib daddr type", "ct status" };
	if (strcmp(part, "more cases than are followed") == 0)
		return true; /* of the other parts */
	/* what such a chain sets, and what asks for that */
	if (strstr(ruleset, "hook ingress") || strstr(ruleset, "hook egress") || strstr(ruleset, "table bridge"))
		return true;
	if ((strstr(part, "goes on for other ICMP types") && strstr(ruleset, "icmp")) ||
	    strstr(part, "that the listing of rule"))
		return true; /* before the test that decides */
	for (size_t i = 0; translates(ruleset) && i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strstr(part, fields[i]))
			return true;
	return false;
}

/* One part: what stands in backquotes, or up to the next comma. Moves on. NULL: no more. */
static char *next_part(const char **at)
{
	const char *from = *at + strspn(*at, ", "), *end = strchr(from, '\0');
	const char *quote = strchr(from, '`'), *comma = strstr(from, ", ");
	if (!*from)
		return NULL;
	if (quote && (!comma || quote < comma)) {
		from = quote + 1;
		end = strstr(from, "`, ");
		if (!end)
			end = strrchr(from, '`');
		if (!end)
			end = strchr(from, '\0');
		*at = *end ? end + 1 : end;
	} else {
		end = comma ? comma : end;
		*at = end;
	}
	return strndup(from, (size_t)(end - from));
}

bool condition_explained(const char *ruleset, const char *condition, const struct packet *packet)
{
	bool good = condition && *condition, open = false;
	/* of a rule whose listing shows other tests than the kernel makes, none of them is known, nor what its verdict map finds */
	bool unread = good && strstr(condition, "`what it asks that the listing of rule") && strstr(ruleset, "vmap");
	for (char *part = NULL; good && (part = next_part(&condition)); free(part)) {
		bool own = is_open(ruleset, part, packet);
		good = own || follows(ruleset, part) || (unread && strstr(part, " vmap "));
		open = open || own;
	}
	return good && open;
}
