/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The written rulesets: packets made from them, what the kernel says written down, and whether it still says it. */
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "iptables.h"
#include "modes.h"

#define PACKETS_PER_CASE 600
#define RECORD_FROM 3000
#define RECORD_KEEP 100

/* One DIR/NAME.nft, or one DIR/NAME.rules4 (.rules6) of iptables. */
struct written {
	char *rules, *lines; /* paths */
	char *text;
};

static bool written_open(struct written *written, const char *path, bool legacy)
{
	bool dump = iptables_is_case(path);
	written->rules = strdup(path);
	written->lines = NULL;
	written->text = dump ? iptables_read_case(path, legacy) : file_read(path);
	if (!written->text || asprintf(&written->lines, "%.*s.jsonl", (int)(strlen(path) - (dump ? 7 : 4)), path) < 0) {
		fprintf(stderr, "judge: %s: %s\n", path, strerror(errno));
		return false;
	}
	return true;
}

static void written_done(struct written *written)
{
	free(written->rules);
	free(written->lines);
	free(written->text);
}

typedef int one_case(struct round *, const struct settings *, const struct written *);

static int open_case(struct round *round, const struct settings *settings, const char *path, bool legacy, one_case *one)
{
	struct written written;
	int result = written_open(&written, path, legacy) ? one(round, settings, &written) : 3;
	written_done(&written);
	return result;
}

static int for_each_case(struct round *round, const struct settings *settings, one_case *one)
{
	char *pattern = NULL;
	glob_t found = { 0 };
	int status = 0;
	if (asprintf(&pattern, "%s/*.{nft,rules4,rules6}", settings->folder) < 0 ||
	    glob(pattern, GLOB_BRACE, NULL, &found) != 0 || found.gl_pathc == 0) {
		fprintf(stderr, "judge: %s: no rulesets\n", settings->folder);
		status = 2;
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i];
		if (iptables_is_second_half(path))
			continue;
		int result = open_case(round, settings, path, false, one);
		/* what one kind of iptables does is recorded, and the other does the same */
		int again = iptables_is_case(path) && settings->mode != MODE_RECORD
				    ? open_case(round, settings, path, true, one)
				    : 0;
		status = result > status ? result : status;
		status = again > status ? again : status;
	}
	globfree(&found);
	free(pattern);
	return status;
}

/* The same packets for a ruleset whatever other rulesets there are. */
static struct chance chance_for(const struct settings *settings, const char *text)
{
	struct chance chance = { settings->seed * 0x9e3779b97f4a7c15u };
	for (; *text; text++)
		chance.state = (chance.state ^ (unsigned char)*text) * 0x100000001b3u;
	return chance;
}

static int judge_case(struct round *round, const struct settings *settings, const struct written *written)
{
	struct packets packets = { 0 };
	struct disagreement found;
	struct chance chance = chance_for(settings, written->text);
	packets_derive(written->text, settings->packets ? settings->packets : PACKETS_PER_CASE, &chance, &packets);
	enum round_end end = round_run(round, written->rules, written->text, &packets, &found);
	packets_done(&packets);
	if (end == ROUND_DIFFERED) {
		printf("%s: ", written->rules);
		disagreement_print(stdout, &found);
	} else if (end != ROUND_AGREED) {
		printf("%s: %s\n", written->rules, end == ROUND_REFUSED ? "refused by nft" : "no answer");
	}
	fflush(stdout);
	return end == ROUND_AGREED ? 0 : end == ROUND_DIFFERED ? 1 : 3;
}

int mode_cases(struct round *round, const struct settings *settings)
{
	int status = for_each_case(round, settings, judge_case);
	tally_print(stdout, &round->tally);
	return status;
}

/* What makes two packets' stories alike, roughly: a few of each are kept. */
static unsigned story_of(const struct packet *packet, const struct observation *seen)
{
	bool moved = memcmp(&packet->dst, &seen->dst, sizeof(seen->dst)) != 0 || packet->dport != seen->dport;
	unsigned story = (unsigned)kernel_fate(packet, seen);
	story = story * 3 + (unsigned)packet->entry;
	story = story * STATE_COUNT + (unsigned)packet->state;
	story = (story * 2 + (packet->family == 6)) * 2 + moved;
	return story * 3 + (packet->protocol == IPPROTO_TCP ? 0 : packet->protocol == IPPROTO_UDP ? 1 : 2);
}

static size_t keep(const struct packets *packets, const struct observation *seen, size_t *kept)
{
	unsigned char count[2048] = { 0 };
	size_t number = 0;
	for (unsigned char limit = 1; limit <= 4 && number < RECORD_KEEP; limit++)
		for (size_t i = 0; i < packets->count && number < RECORD_KEEP; i++) {
			unsigned story = story_of(&packets->item[i], &seen[i]) % sizeof(count);
			if (packets->item[i].entry == ENTRY_LO && !(seen[i].seen & SEEN_OUT))
				continue;
			bool ordinary = packets->item[i].entry == ENTRY_WIRE && packets->item[i].state == STATE_NEW;
			if (count[story] < (ordinary ? limit * 3 : (limit + 1) / 2)) {
				count[story]++;
				kept[number++] = i;
			}
		}
	return number;
}

static void write_kept(FILE *lines, FILE *moved, const struct packet *packet, const struct observation *seen, uint32_t id)
{
	struct packet copy = *packet;
	copy.id = id;
	if (copy.entry == ENTRY_WIRE && seen->oif != JUDGE_NO_INTERFACE)
		copy.oif = seen->oif;
	packet_write(lines, &copy, fate_name(kernel_fate(packet, seen)));
	moved_write(moved, &copy, seen, id);
}

static int record_case(struct round *round, const struct settings *settings, const struct written *written)
{
	struct packets packets = { 0 };
	struct chance chance = chance_for(settings, written->text);
	packets_derive(written->text, settings->packets ? settings->packets : RECORD_FROM, &chance, &packets);
	struct observation *seen = calloc(packets.count, sizeof(*seen));
	size_t *kept = calloc(RECORD_KEEP + 1, sizeof(*kept)), moved_size = 0;
	char *complaint = ruleset_load(round->topology, written->text), *moved_text = NULL, *moved_path = NULL;
	bool good = !complaint && seen && kept && kernel_judge(round->topology, &packets, seen);
	FILE *moved = open_memstream(&moved_text, &moved_size), *lines = good ? fopen(written->lines, "we") : NULL;
	for (size_t i = 0, count = lines ? keep(&packets, seen, kept) : 0; i < count; i++)
		write_kept(lines, moved, &packets.item[kept[i]], &seen[kept[i]], (uint32_t)i);
	fclose(moved);
	good = lines && fclose(lines) == 0 &&
	       asprintf(&moved_path, "%.*snat", (int)(strlen(written->lines) - 5), written->lines) > 0 &&
	       (moved_size == 0 || file_write(moved_path, moved_text));
	if (!good)
		fprintf(stderr, "judge: %s: not recorded: %s\n", written->rules, complaint ? complaint : strerror(errno));
	free(moved_path);
	free(moved_text);
	free(complaint);
	free(kept);
	free(seen);
	packets_done(&packets);
	return good ? 0 : 3;
}

int mode_record(struct round *round, const struct settings *settings)
{
	return for_each_case(round, settings, record_case);
}

static int verify_case(struct round *round, const struct settings *settings, const struct written *written)
{
	struct packets packets = { 0 };
	char *complaint = ruleset_load(round->topology, written->text);
	bool good = !complaint && packets_read(written->lines, &packets);
	struct observation *seen = calloc(packets.count + 1, sizeof(*seen));
	int status = good && seen && kernel_judge(round->topology, &packets, seen) ? 0 : 3;
	if (complaint)
		fprintf(stderr, "judge: %s: nft: %s\n", written->rules, complaint);
	for (size_t i = 0; status != 3 && i < packets.count; i++) {
		const char *fate = fate_name(kernel_fate(&packets.item[i], &seen[i]));
		round->tally.packets++;
		if (strcmp(fate, packets.item[i].expect) == 0)
			continue;
		printf("%s: the kernel says %s of ", written->lines, fate);
		packet_write(stdout, &packets.item[i], packets.item[i].expect);
		status = 1;
	}
	(void)settings;
	round->tally.rulesets++;
	free(complaint);
	free(seen);
	packets_done(&packets);
	return status;
}

int mode_verify(struct round *round, const struct settings *settings)
{
	int status = for_each_case(round, settings, verify_case);
	printf("%lu rulesets, %lu packets: %s\n", round->tally.rulesets, round->tally.packets,
	       status == 0 ? "the kernel says what is expected" : "NOT as expected");
	return status;
}

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int mode_rate(struct round *round, const struct settings *settings)
{
	const char *ruleset = "table inet t { chain c { type filter hook input priority 0; ct state invalid drop\n }\n }\n";
	struct packets packets = { 0 };
	struct chance chance = { settings->seed };
	packets_derive(ruleset, settings->packets ? settings->packets : 100000, &chance, &packets);
	struct observation *seen = calloc(packets.count, sizeof(*seen));
	char *complaint = ruleset_load(round->topology, ruleset);
	size_t arrived = 0;
	double start = now();
	bool good = !complaint && seen && kernel_judge(round->topology, &packets, seen);
	double seconds = now() - start;
	for (size_t i = 0; good && i < packets.count; i++)
		arrived += seen[i].seen != 0;
	printf("%zu packets, %zu seen, %.2f s: %.0f packets/s%s%s\n", packets.count, arrived, seconds,
	       (double)packets.count / seconds, good ? "" : " LOST ", complaint ? complaint : "");
	free(complaint);
	free(seen);
	packets_done(&packets);
	return good ? 0 : 3;
}
