/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "round.h"

/* What one run of kernel and program says of all packets. */
struct answers {
	struct observation *seen;
	struct said *said;
	struct boxes *boxes;
	size_t count;
};

static void answers_done(struct answers *answers)
{
	said_free(answers->said, answers->count);
	if (answers->boxes)
		boxes_free(answers->boxes);
	free(answers->seen);
}

/* Lost messages of the observer: everything once more. */
static bool ask_kernel(struct round *round, const struct packets *packets, struct answers *answers)
{
	for (int attempt = 0; attempt < 3; attempt++)
		if (kernel_judge(round->topology, packets, answers->seen))
			return true;
	fprintf(stderr, "judge: the observer loses messages\n");
	return false;
}

/* Without a program the kernel is held against itself: the same packets once more. */
static struct said *ask_kernel_again(struct round *round, const struct packets *packets)
{
	struct said *said = calloc(packets->count + 1, sizeof(*said));
	struct observation *seen = calloc(packets->count + 1, sizeof(*seen));
	bool good = said && seen && kernel_judge(round->topology, packets, seen);
	for (size_t i = 0; good && i < packets->count; i++)
		said[i] = (struct said){ .fate = kernel_fate(&packets->item[i], &seen[i]),
					 .has_src = true,
					 .has_dst = true,
					 .has_sport = true,
					 .has_dport = true,
					 .src = seen[i].src,
					 .dst = seen[i].dst,
					 .sport = seen[i].sport,
					 .dport = seen[i].dport,
					 .sport_last = seen[i].sport,
					 .dport_last = seen[i].dport };
	free(seen);
	return said;
}

static enum round_end ask(struct round *round, const char *name, const char *ruleset, const struct packets *packets, bool list,
			  struct answers *answers)
{
	memset(answers, 0, sizeof(*answers));
	char *complaint = ruleset_load(round->topology, ruleset);
	if (complaint) {
		if (round->verbose)
			fprintf(stderr, "judge: %s: nft: %s\n", name, complaint);
		free(complaint);
		return ROUND_REFUSED;
	}
	answers->count = packets->count;
	answers->seen = calloc(packets->count + 1, sizeof(*answers->seen));
	if (!answers->seen || !ask_kernel(round, packets, answers))
		return ROUND_BROKEN;
	answers->said = round->program ? program_trace(round->program, ruleset, packets, answers->seen)
				       : ask_kernel_again(round, packets);
	list = list && round->program;
	if (answers->said && list)
		answers->boxes = program_list(round->program, ruleset);
	return answers->said && (answers->boxes || !list) ? ROUND_AGREED : ROUND_BROKEN;
}

static enum fate listed(const struct packets *packets, const struct answers *answers, size_t i)
{
	int oif = answers->seen[i].oif != JUDGE_NO_INTERFACE ? answers->seen[i].oif : packets->item[i].oif;
	return boxes_fate(answers->boxes, &packets->item[i], oif);
}

static enum difference difference_of(const struct packets *packets, const struct answers *answers, size_t i,
				     const char *ruleset)
{
	const struct packet *packet = &packets->item[i];
	enum difference difference = compare_packet(packet, &answers->seen[i], &answers->said[i], ruleset);
	if (difference == DIFFERENCE_NONE && answers->boxes)
		difference = compare_row(packet, &answers->seen[i], listed(packets, answers, i));
	return difference;
}

static void fill(const struct packets *packets, const struct answers *answers, size_t i, enum difference kind,
		 struct disagreement *ret_found)
{
	char text[INET6_ADDRSTRLEN] = "";
	const struct said *said = &answers->said[i];
	memset(ret_found, 0, sizeof(*ret_found));
	ret_found->kind = kind;
	ret_found->packet = packets->item[i];
	ret_found->seen = answers->seen[i];
	ret_found->said = said->fate;
	snprintf(ret_found->condition, sizeof(ret_found->condition), "%s", said->condition ? said->condition : "");
	if (ret_found->packet.entry == ENTRY_WIRE && ret_found->seen.oif != JUDGE_NO_INTERFACE)
		ret_found->packet.oif = ret_found->seen.oif;
	if (said->has_dst || said->has_dport) {
		address_format(packets->item[i].family, said->has_dst ? &said->dst : &packets->item[i].dst, text);
		snprintf(ret_found->address, sizeof(ret_found->address), "%s %u", text,
			 said->has_dport ? said->dport : packets->item[i].dport);
	}
}

enum difference round_again(struct round *round, const char *ruleset, const struct packet *packet,
			    struct disagreement *ret_found)
{
	struct packets one = { 0 };
	struct answers answers;
	enum difference kind = DIFFERENCE_NONE;
	struct packet *copy = packets_add(&one);
	*copy = *packet;
	copy->id = 0;
	if (ask(round, "again", ruleset, &one, round->list, &answers) == ROUND_AGREED) {
		kind = difference_of(&one, &answers, 0, ruleset);
		fill(&one, &answers, 0, kind, ret_found);
	}
	answers_done(&answers);
	packets_done(&one);
	return kind;
}

bool round_breaks(struct round *round, const char *ruleset, const struct packet *packet)
{
	struct packets one = { 0 };
	struct answers answers;
	*packets_add(&one) = *packet;
	one.item[0].id = 0;
	bool broken = ask(round, "again", ruleset, &one, round->list, &answers) == ROUND_BROKEN;
	answers_done(&answers);
	packets_done(&one);
	return broken;
}

static void count(struct round *round, const struct packets *packets, const struct answers *answers, size_t i)
{
	enum fate fate = kernel_fate(&packets->item[i], &answers->seen[i]);
	round->tally.packets++;
	if (fate == FATE_IN || fate == FATE_FORWARD || fate == FATE_OUT)
		round->tally.accepted++;
	if (answers->said && answers->said[i].fate == FATE_DEPENDS)
		tally_depends(&round->tally, answers->said[i].condition);
	if (answers->boxes && listed(packets, answers, i) != FATE_NONE)
		round->tally.listed++;
}

/* What this ruleset adds to the table: the difference between two states of the tally. */
static void note_result(const char *ruleset, const struct tally *before, const struct tally *now)
{
	struct result result = { .rulesets = 1,
				 .packets = now->packets - before->packets,
				 .depends = now->depends - before->depends };
	for (int i = DIFFERENCE_NONE + 1; i < DIFFERENCE_COUNT; i++)
		if (i == DIFFERENCE_DEPENDS)
			result.unexplained = now->difference[i] - before->difference[i];
		else
			result.differ += now->difference[i] - before->difference[i];
	result.agree = result.packets - result.depends - result.differ;
	table_note(ruleset, &result);
}

enum round_end round_run(struct round *round, const char *name, const char *ruleset, const struct packets *packets,
			 struct disagreement *ret_first)
{
	struct answers answers;
	struct tally before = round->tally;
	size_t suspects = 0, *suspect = calloc(packets->count + 1, sizeof(*suspect));
	enum round_end end = suspect ? ask(round, name, ruleset, packets, round->list, &answers) : ROUND_BROKEN;
	ret_first->kind = DIFFERENCE_NONE;
	for (size_t i = 0; end == ROUND_AGREED && i < packets->count; i++) {
		count(round, packets, &answers, i);
		if (answers.said && difference_of(packets, &answers, i, ruleset) != DIFFERENCE_NONE)
			suspect[suspects++] = i;
		else
			round->tally.agree++;
	}
	for (size_t i = 0; i < suspects; i++) {
		struct disagreement found;
		bool more = ret_first->kind != DIFFERENCE_NONE; /* one is asked again: the rest is counted as it is */
		enum difference kind = more ? difference_of(packets, &answers, suspect[i], ruleset)
					    : round_again(round, ruleset, &packets->item[suspect[i]], &found);
		if (kind == DIFFERENCE_NONE)
			round->tally.agree++;
		else
			round->tally.difference[kind]++;
		if (!more && kind != DIFFERENCE_NONE)
			*ret_first = found;
	}
	if (end == ROUND_AGREED)
		note_result(ruleset, &before, &round->tally);
	round->tally.rulesets += end == ROUND_AGREED;
	round->tally.refused += end == ROUND_REFUSED;
	if (suspect)
		answers_done(&answers);
	free(suspect);
	return end == ROUND_AGREED && ret_first->kind != DIFFERENCE_NONE ? ROUND_DIFFERED : end;
}

void disagreement_print(FILE *file, const struct disagreement *disagreement)
{
	const struct packet *packet = &disagreement->packet;
	enum fate fate = kernel_fate(packet, &disagreement->seen);
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	fprintf(file, "%s: the kernel says %s", difference_name[disagreement->kind], fate_name(fate));
	if (fate == FATE_IN || fate == FATE_FORWARD || fate == FATE_OUT) {
		address_format(packet->family, &disagreement->seen.src, src);
		address_format(packet->family, &disagreement->seen.dst, dst);
		fprintf(file, " (%s %u > %s %u)", src, disagreement->seen.sport, dst, disagreement->seen.dport);
	}
	fprintf(file, ", the program %s %s%s%s\n", fate_name(disagreement->said), disagreement->address,
		disagreement->said == FATE_DEPENDS ? " on " : "",
		disagreement->said == FATE_DEPENDS ? disagreement->condition : "");
	packet_write(file, packet, fate_name(fate));
}

/* folder/name and an ending, open for writing. */
static FILE *open_beside(const char *folder, const char *name, const char *ending)
{
	char *path = NULL;
	FILE *file = asprintf(&path, "%s/%s.%s", folder, name, ending) < 0 ? NULL : fopen(path, "we");
	if (!file)
		fprintf(stderr, "judge: %s: %s\n", path ? path : name, strerror(errno));
	free(path);
	return file;
}

bool case_save(const char *folder, const char *name, const char *ruleset, const struct disagreement *disagreement)
{
	FILE *rules = open_beside(folder, name, "nft"), *lines = open_beside(folder, name, "jsonl"),
	     *moved = open_beside(folder, name, "nat");
	bool good = rules && lines && moved;
	if (good) {
		const struct packet *packet = &disagreement->packet;
		fprintf(rules, "# The kernel and the program differed here: %s.\n%s", difference_name[disagreement->kind],
			ruleset);
		packet_write(lines, packet, fate_name(kernel_fate(packet, &disagreement->seen)));
		moved_write(moved, packet, &disagreement->seen, packet->id);
	}
	good = (!rules || fclose(rules) == 0) && good;
	good = (!lines || fclose(lines) == 0) && good;
	good = (!moved || fclose(moved) == 0) && good;
	return good;
}
