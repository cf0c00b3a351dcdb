/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random rulesets until the time is up; what differs is made small and printed as a case for tests/packets. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "modes.h"

#define PACKETS_PER_RULESET 400
#define MOST_FOUND 5
#define MOST_BROKEN 20 /* rulesets that the program does not answer */

/* What has to stay while a ruleset gets smaller. */
struct wanted {
	struct round *round;
	struct packet packet;
	enum difference kind;
	struct disagreement found;
};

static bool still_differs(const char *text, void *data)
{
	struct wanted *wanted = data;
	struct disagreement found;
	if (round_again(wanted->round, text, &wanted->packet, &found) != wanted->kind)
		return false;
	wanted->found = found;
	return true;
}

static bool still_breaks(const char *text, void *data)
{
	struct wanted *wanted = data;
	return round_breaks(wanted->round, text, &wanted->packet);
}

/* The program did not answer: the smallest ruleset to which it does not. */
static void print_broken(struct round *round, const struct settings *settings, struct script *script,
			 const struct packet *packet, unsigned long number)
{
	struct wanted wanted = { .round = round, .packet = *packet };
	round->program->quiet = true;
	script_minimise(script, still_breaks, &wanted);
	round->program->quiet = false;
	char *text = script_text(script);
	printf("--- no answer to ruleset %lu of seed %lu\n%s", number, settings->seed, text);
	fflush(stdout);
	free(text);
}

static void print_case(const struct settings *settings, unsigned long number, const char *text,
		       const struct disagreement *found)
{
	char name[64];
	printf("--- disagreement %lu of seed %lu\n%s", number, settings->seed, text);
	disagreement_print(stdout, found);
	fflush(stdout);
	snprintf(name, sizeof(name), "found-%lu-%lu", settings->seed, number);
	if (settings->save && (mkdir(settings->save, 0777) == 0 || errno == EEXIST))
		case_save(settings->save, name, text, found);
}

/* The packet alone, in the ruleset as it was, may not differ any more: then the ruleset is printed whole. */
static void make_small(struct round *round, const struct settings *settings, struct script *script,
		       const struct disagreement *first, unsigned long number)
{
	struct wanted wanted = { .round = round, .packet = first->packet, .kind = first->kind, .found = *first };
	wanted.packet.oif = first->packet.entry == ENTRY_WIRE && !first->packet.said_path
				    ? topology_route(first->packet.family, &first->packet.dst)
				    : first->packet.oif;
	script_minimise(script, still_differs, &wanted);
	char *text = script_text(script);
	print_case(settings, number, text, &wanted.found);
	free(text);
}

/* One of the words, which are separated by commas. */
static bool has_word(const char *text, const char *words)
{
	bool found = false;
	while (words && *words && !found) {
		size_t size = strcspn(words, ",");
		found = size > 0 && memmem(text, strlen(text), words, size);
		words += size + (words[size] == ',');
	}
	return found;
}

/* One ruleset with its packets, from one number: the same whatever came before. */
static enum round_end hunt_once(struct round *round, const struct settings *settings, unsigned long number)
{
	struct chance chance = { (settings->seed + 1) * 0x9e3779b97f4a7c15u ^ (number + 1) * 0xd1342543de82ef95u };
	struct script script = { 0 };
	struct packets packets = { 0 };
	struct disagreement found;
	char name[32];
	char *text = NULL;
	do {
		free(text);
		script_generate(&script, &chance, round->program != NULL);
		text = script_text(&script);
	} while (has_word(text, settings->without));
	packets_derive(text, settings->packets ? settings->packets : PACKETS_PER_RULESET, &chance, &packets);
	snprintf(name, sizeof(name), "ruleset %lu", number);
	enum round_end end = round_run(round, name, text, &packets, &found);
	if (end == ROUND_DIFFERED)
		make_small(round, settings, &script, &found, number);
	if (end == ROUND_BROKEN && round->program)
		print_broken(round, settings, &script, &packets.item[0], number);
	free(text);
	packets_done(&packets);
	script_done(&script);
	return end;
}

int mode_random(struct round *round, const struct settings *settings)
{
	time_t end = time(NULL) + (time_t)settings->seconds;
	unsigned found = 0, broken = 0;
	unsigned long most = settings->most ? settings->most : MOST_FOUND;
	for (unsigned long i = 0; settings->rulesets ? i < settings->rulesets : settings->seconds || i < 100; i++) {
		if (settings->seconds && time(NULL) >= end)
			break;
		enum round_end result = hunt_once(round, settings, i);
		found += result == ROUND_DIFFERED;
		broken += result == ROUND_BROKEN;
		if (found >= most || broken >= MOST_BROKEN)
			break;
	}
	printf("seed %lu: ", settings->seed);
	tally_print(stdout, &round->tally);
	return broken ? 3 : found ? 1 : 0;
}
