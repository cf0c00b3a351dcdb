/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "modes.h"

static const char usage[] =
	"judge: real packets through real rulesets; the kernel against what a program says (root, own namespaces)\n"
	"  judge --cases DIR [--program PATH] [--list] [--packets N] [--seed N]   packets made from each DIR/*.nft\n"
	"  judge --record DIR [--packets N] [--seed N]       write what the kernel says into DIR/*.jsonl\n"
	"  judge --verify DIR                                the kernel still says what DIR/*.jsonl expect\n"
	"  judge --random --program PATH [--list] [--seconds N] [--rulesets N] [--packets N] [--seed N] [--save DIR]\n"
	"        [--without WORD,...]                        rulesets with such a word are left out\n"
	"        [--most N]                                  stops after so many that differ (5)\n"
	"  judge --corpus DIR --program PATH [--list] [--packets N] [--seed N]    each DIR/**.nft that loads\n"
	"  judge --rate [--packets N]                        packets per second through an empty ruleset\n"
	"  --table FILE: the results by construct, as Markdown\n"
	"Exit: 0 agreed, 1 differed, 2 usage, 3 not answered, 77 no namespaces here.\n";

static const struct option options[] = {
	{ "cases", required_argument, NULL, 'c' },
	{ "record", required_argument, NULL, 'r' },
	{ "verify", required_argument, NULL, 'v' },
	{ "random", no_argument, NULL, 'R' },
	{ "rate", no_argument, NULL, 'T' },
	{ "program", required_argument, NULL, 'p' },
	{ "list", no_argument, NULL, 'l' },
	{ "packets", required_argument, NULL, 'n' },
	{ "seed", required_argument, NULL, 's' },
	{ "seconds", required_argument, NULL, 't' },
	{ "rulesets", required_argument, NULL, 'm' },
	{ "save", required_argument, NULL, 'o' },
	{ "corpus", required_argument, NULL, 'C' },
	{ "without", required_argument, NULL, 'w' },
	{ "most", required_argument, NULL, 'M' },
	{ "table", required_argument, NULL, 'b' },
	{ "verbose", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static unsigned long number(const char *text)
{
	char *end;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	if (errno || *end || end == text) {
		fprintf(stderr, "judge: not a number: %s\n", text);
		exit(2);
	}
	return value;
}

static void set_mode(struct settings *settings, enum mode mode, const char *folder)
{
	settings->mode = mode;
	settings->folder = folder;
}

static void take_option(struct settings *settings, int option)
{
	switch (option) {
	case 'c':
		set_mode(settings, MODE_CASES, optarg);
		break;
	case 'C':
		set_mode(settings, MODE_CORPUS, optarg);
		break;
	case 'w':
		settings->without = optarg;
		break;
	case 'M':
		settings->most = number(optarg);
		break;
	case 'b':
		settings->table = optarg;
		break;
	case 'r':
		set_mode(settings, MODE_RECORD, optarg);
		break;
	case 'v':
		set_mode(settings, MODE_VERIFY, optarg);
		break;
	case 'R':
		set_mode(settings, MODE_RANDOM, NULL);
		break;
	case 'T':
		set_mode(settings, MODE_RATE, NULL);
		break;
	case 'p':
		settings->program = optarg;
		break;
	case 'l':
		settings->list = true;
		break;
	case 'n':
		settings->packets = number(optarg);
		break;
	case 's':
		settings->seed = number(optarg);
		break;
	case 't':
		settings->seconds = number(optarg);
		break;
	case 'm':
		settings->rulesets = number(optarg);
		break;
	case 'o':
		settings->save = optarg;
		break;
	case 'V':
		settings->verbose = true;
		break;
	case 'h':
		fputs(usage, stdout);
		exit(0);
	default:
		fputs(usage, stderr);
		exit(2);
	}
}

/* The program's files; nothing stays behind. */
static bool scratch_open(struct program *program, const char *path)
{
	char folder[] = "/tmp/judge.XXXXXX";
	program->path = path;
	program->folder = mkdtemp(folder) ? strdup(folder) : NULL;
	return program->folder != NULL;
}

static void scratch_close(struct program *program)
{
	static const char *const names[] = { "output", "errors", "ruleset.nft", "packets.jsonl" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = NULL;
		if (asprintf(&path, "%s/%s", program->folder, names[i]) >= 0)
			unlink(path);
		free(path);
	}
	rmdir(program->folder);
	free(program->folder);
}

static int run_mode(struct round *round, const struct settings *settings)
{
	switch (settings->mode) {
	case MODE_CASES:
		return mode_cases(round, settings);
	case MODE_CORPUS:
		return mode_corpus(round, settings);
	case MODE_RECORD:
		return mode_record(round, settings);
	case MODE_VERIFY:
		return mode_verify(round, settings);
	case MODE_RANDOM:
		return mode_random(round, settings);
	case MODE_RATE:
		return mode_rate(round, settings);
	case MODE_NONE:
		break;
	}
	fputs(usage, stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct settings settings = { .seed = 1 };
	struct topology topology;
	struct program program = { 0 };
	int option;
	setenv("TZ", "UTC", 1); /* nft reads and writes times of day in the zone of whoever runs it */
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1)
		take_option(&settings, option);
	if (settings.mode == MODE_NONE || optind != argc) {
		fputs(usage, stderr);
		return 2;
	}
	if (!topology_open(&topology)) {
		fputs("judge: NOT RUN: this needs root and network namespaces\n", stderr);
		return 77;
	}
	if (settings.program && !scratch_open(&program, settings.program)) {
		perror("judge: /tmp");
		return 3;
	}
	struct round round = { .topology = &topology,
			       .program = settings.program ? &program : NULL,
			       .list = settings.list,
			       .verbose = settings.verbose };
	int status = run_mode(&round, &settings);
	if (settings.table && !table_write(settings.table))
		status = 3;
	tally_done(&round.tally);
	if (settings.program)
		scratch_close(&program);
	topology_close(&topology);
	return status;
}
