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
	if (said->dst_text && !address_in(said->dst_text, packet->family, &seen->dst))
		return false;
	if (!to_self && !said->dst_text && !same_address(said->has_dst, &said->dst, &packet->dst, &seen->dst))
		return false;
	if (said->src_text && !address_in(said->src_text, packet->family, &seen->src))
		return false;
	if (said->has_src && memcmp(&said->src, &seen->src, sizeof(seen->src)) != 0)
		return false;
	if (!packet_has_ports(packet->protocol))
		return true;
	uint16_t first = said->has_dport ? said->dport : packet->dport,
		 last = said->has_dport ? said->dport_last : packet->dport;
	return seen->dport >= first && seen->dport <= last &&
	       (!said->has_sport || (seen->sport >= said->sport && seen->sport <= said->sport_last));
}

enum difference compare_packet(const struct packet *packet, const struct observation *seen, const struct said *said,
			       const char *ruleset)
{
	enum fate fate = kernel_fate(packet, seen);
	if (packet->entry == ENTRY_LO && !(seen->seen & SEEN_OUT))
		return DIFFERENCE_NONE; /* it did not leave: the way in was not asked */
	if (said->fate == FATE_DEPENDS)
		return condition_explained(ruleset, said->condition, packet) ? DIFFERENCE_NONE : DIFFERENCE_DEPENDS;
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
