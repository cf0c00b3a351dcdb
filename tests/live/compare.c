/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "judge.h"

const char *const difference_name[DIFFERENCE_COUNT] = {
	[DIFFERENCE_NONE] = "none",
	[DIFFERENCE_FALSE_CLOSED] = "false-closed",
	[DIFFERENCE_FALSE_OPEN] = "false-open",
	[DIFFERENCE_NAT] = "nat",
	[DIFFERENCE_REJECT] = "reject",
	[DIFFERENCE_DEPENDS] = "unexplained depends",
	[DIFFERENCE_LIST_CLOSED] = "list false-closed",
	[DIFFERENCE_LIST_OPEN] = "list false-open",
};

/* What no packet decides: only with one of these in the ruleset may the answer be `depends`. */
static const char *const opaque_words[] = {
	"limit ",      "quota ",	"numgen ",	"jhash ",	"symhash ",	 "socket ",	  "osf ",
	"meta cpu",    "meta random",	"meta skuid",	"meta skgid",	"meta cgroup",	 "meta priority", "meta rtclassid",
	"meta time",   "meta hour",	"meta day",	"ct helper",	"ct label",	 "ct count",	  "ct bytes",
	"ct packets",  "ct expiration", "ct avgpkt",	"ct zone",	"ct id",	 "rt ",		  "ipsec ",
	"exthdr ",     "synproxy",	"tcp option",	"tcp sequence", "tcp window",	 "tcp checksum",  "tcp ackseq",
	"tcp doff",    "tcp urgptr",	"udp length",	"udp checksum", "icmp id",	 "icmp sequence", "icmpv6 id",
	"icmp mtu",    "@th,",		"@nh,",		"@ll,",		"th sport",	 "th dport",	  "ip id",
	"ip checksum", "ip version",	"ip hdrlength", "ip frag-off",	"ip6 flowlabel", "ether ",	  "flags dynamic",
	"update @",    "add @",		"queue",	"fib "
};

/* The word without the space that keeps it from matching others. */
static bool is_named(const char *condition, const char *word)
{
	size_t size = strlen(word) - (word[strlen(word) - 1] == ' ');
	for (; *condition; condition++)
		if (strncmp(condition, word, size) == 0)
			return true;
	return false;
}

/* The program is told the host's addresses, not which interface has them: what redirect and masquerade choose is open to it. */
static bool is_own_choice(const char *ruleset, const char *condition)
{
	bool destination = strstr(condition, "daddr") || strstr(condition, "translation");
	bool source = strstr(condition, "saddr") || strstr(condition, "translation");
	return (strstr(ruleset, "redirect") && destination) || (strstr(ruleset, "masquerade") && source);
}

/* The condition names something open that the ruleset has, or that the packet does not say. */
static bool is_explained(const char *ruleset, const char *condition, const struct packet *packet)
{
	if (condition && is_own_choice(ruleset, condition))
		return true;
	bool old_flow = packet->state == STATE_RELATED ||
			packet->state == STATE_ESTABLISHED; /* the line says nothing of its first packet */
	if (condition && old_flow && strstr(condition, "ct original"))
		return true;
	for (size_t i = 0; condition && i < sizeof(opaque_words) / sizeof(opaque_words[0]); i++)
		if (strstr(ruleset, opaque_words[i]) && is_named(condition, opaque_words[i]))
			return true;
	return false;
}

static bool is_accepted(enum fate fate)
{
	return fate == FATE_IN || fate == FATE_FORWARD || fate == FATE_OUT;
}

static bool same_address(bool has, const struct address *said, const struct address *before, const struct address *after)
{
	return memcmp(has ? said : before, after, sizeof(*after)) == 0;
}

/* The destination must be said when it changed; the source (masquerade takes the interface's) only be right when it is said. */
static bool nat_agrees(const struct packet *packet, const struct observation *seen, const struct said *said,
		       const char *ruleset)
{
	bool to_self = !said->has_dst && strstr(ruleset, "redirect") &&
		       topology_owner(packet->family, &seen->dst) != JUDGE_NO_INTERFACE;
	if (packet->entry == ENTRY_LO)
		return true;
	if (!to_self && !same_address(said->has_dst, &said->dst, &packet->dst, &seen->dst))
		return false;
	if (said->has_src && memcmp(&said->src, &seen->src, sizeof(seen->src)) != 0)
		return false;
	if (!packet_has_ports(packet->protocol))
		return true;
	return (said->has_dport ? said->dport : packet->dport) == seen->dport &&
	       (!said->has_sport || said->sport == seen->sport);
}

enum difference compare_packet(const struct packet *packet, const struct observation *seen, const struct said *said,
			       const char *ruleset)
{
	enum fate fate = kernel_fate(packet, seen);
	if (packet->entry == ENTRY_LO && !(seen->seen & SEEN_OUT))
		return DIFFERENCE_NONE; /* it did not leave: the way in was not asked */
	if (said->fate == FATE_DEPENDS)
		return is_explained(ruleset, said->condition, packet) ? DIFFERENCE_NONE : DIFFERENCE_DEPENDS;
	if (is_accepted(fate) && !is_accepted(said->fate))
		return DIFFERENCE_FALSE_CLOSED;
	if (!is_accepted(fate) && is_accepted(said->fate))
		return DIFFERENCE_FALSE_OPEN;
	if (is_accepted(fate))
		return fate == said->fate && nat_agrees(packet, seen, said, ruleset) ? DIFFERENCE_NONE : DIFFERENCE_NAT;
	return fate == FATE_REJECT && said->fate != FATE_REJECT ? DIFFERENCE_REJECT : DIFFERENCE_NONE;
}

enum difference compare_row(const struct packet *packet, const struct observation *seen, enum fate listed)
{
	enum fate fate = kernel_fate(packet, seen);
	if (listed == FATE_NONE || listed == FATE_DEPENDS)
		return DIFFERENCE_NONE;
	if (is_accepted(fate))
		return is_accepted(listed) ? DIFFERENCE_NONE : DIFFERENCE_LIST_CLOSED;
	return is_accepted(listed) ? DIFFERENCE_LIST_OPEN : DIFFERENCE_NONE;
}

void tally_depends(struct tally *tally, const char *condition)
{
	const size_t room = sizeof(tally->cause) / sizeof(tally->cause[0]);
	const char *text = condition ? condition : "(no condition given)";
	tally->depends++;
	for (size_t i = 0; i < tally->causes; i++)
		if (strcmp(tally->cause[i].text, text) == 0) {
			tally->cause[i].count++;
			return;
		}
	if (tally->causes == room)
		return;
	tally->cause[tally->causes].text = strdup(text);
	tally->cause[tally->causes++].count = 1;
}

void tally_print(FILE *file, const struct tally *tally)
{
	fprintf(file, "rulesets %lu, packets %lu, accepted by the kernel %lu, agree %lu, depends %lu, held against list %lu",
		tally->rulesets, tally->packets, tally->accepted, tally->agree, tally->depends, tally->listed);
	for (int i = DIFFERENCE_NONE + 1; i < DIFFERENCE_COUNT; i++)
		fprintf(file, ", %s %lu", difference_name[i], tally->difference[i]);
	fputc('\n', file);
	if (tally->refused)
		fprintf(file, "rulesets that nft refused: %lu\n", tally->refused);
	for (size_t i = 0; i < tally->causes && i < 20; i++)
		fprintf(file, "  depends %lu: %s\n", tally->cause[i].count, tally->cause[i].text);
}

void tally_done(struct tally *tally)
{
	for (size_t i = 0; i < tally->causes; i++)
		free(tally->cause[i].text);
}
