/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"Usage: bench [OPTION]... [RULESET]...\n"
	"Measures CPU time and memory of portaudit's stages on generated rulesets; all of them when none is named.\n\n"
	"  --program FILE   portaudit, for the live ruleset (root); without it that part is left out\n"
	"  --runs N         runs of each (3); the smallest figure counts\n"
	"  --seconds N      what a phase may take (120)\n"
	"  --until PHASE    stop after load, evaluate, rows, cuts, dead, compare\n"
	"  --scale N        only 1/N of the rules\n"
	"  --print RULESET  print a ruleset as JSON and stop\n"
	"  --help\n\n"
	"Rulesets:";

struct settings {
	const char *program;
	unsigned scale;
	struct limits limits;
	const struct work *print;
};

static void print_usage(void)
{
	fputs(usage, stdout);
	for (size_t i = 0; i < work_count; i++)
		printf(" %s", works[i].name);
	puts(" live");
}

static unsigned number(const char *text)
{
	char *rest;
	unsigned long value = strtoul(text, &rest, 10);
	if (*rest || value < 1 || value > 1000000) {
		fprintf(stderr, "bench: `%s` is not a number from 1 to 1000000\n", text);
		exit(2);
	}
	return (unsigned)value;
}

static enum phase phase_named(const char *name)
{
	static const char *const names[PHASE_COUNT] = { "load", "evaluate", "rows", "cuts", "dead", "compare" };
	for (unsigned phase = 0; phase < PHASE_COUNT; phase++) {
		if (strcmp(names[phase], name) == 0)
			return (enum phase)phase;
	}
	fprintf(stderr, "bench: no phase `%s`; --help names them\n", name);
	exit(2);
}

static const struct work *known(const char *name)
{
	const struct work *work = work_find(name);
	if (!work) {
		fprintf(stderr, "bench: no ruleset `%s`; --help names them\n", name);
		exit(2);
	}
	return work;
}

static struct settings parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "program", required_argument, NULL, 'p' }, { "runs", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 's' }, { "scale", required_argument, NULL, 'c' },
		{ "until", required_argument, NULL, 'u' },   { "print", required_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },	     { NULL, 0, NULL, 0 }
	};
	struct settings settings = { .scale = 1, .limits = { .runs = 3, .seconds = 120, .last = PHASE_COUNT - 1 } };
	int option;
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p')
			settings.program = optarg;
		else if (option == 'r')
			settings.limits.runs = number(optarg);
		else if (option == 's')
			settings.limits.seconds = number(optarg);
		else if (option == 'u')
			settings.limits.last = phase_named(optarg);
		else if (option == 'c')
			settings.scale = number(optarg);
		else if (option == 'j')
			settings.print = known(optarg);
		else if (option == 'h')
			print_usage();
		if (option == 'h' || option == '?')
			exit(option == 'h' ? 0 : 2);
	}
	return settings;
}

/* The ruleset in a file that has no name any more once it is closed; path is its way through /proc. */
static FILE *ruleset_file(const struct work *work, size_t count, char path[64])
{
	snprintf(path, 64, "/tmp/portaudit-bench-XXXXXX");
	int fd = mkstemp(path);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!file) {
		perror(path);
		exit(3);
	}
	work->write(file, count);
	if (fflush(file) != 0) {
		perror(path);
		unlink(path);
		exit(3);
	}
	return file;
}

/* The smallest CPU time of `list`; 0: it failed. */
static double list_whole(const struct settings *settings, const char *path)
{
	const char *const arguments[] = { settings->program, "list", path, NULL };
	double best = 0;
	for (unsigned run = 0; run < settings->limits.runs + 2; run++) {
		int status;
		struct cost cost = cost_of_program(arguments, &status);
		if (status != 0)
			return 0;
		best = best <= 0 || cost.cpu < best ? cost.cpu : best;
	}
	return best;
}

static struct measured measure(const struct work *work, const struct settings *settings)
{
	char path[64];
	struct measured measured = { .work = work, .count = work->count / settings->scale };
	FILE *file = ruleset_file(work, measured.count, path);
	fprintf(stderr, "bench: %s ...\n", work->name);
	measured.phases = phases_measure(path, &settings->limits);
	if (measured.phases.failed[0])
		fprintf(stderr, "bench: %s: %s\n", work->name, measured.phases.failed);
	if (settings->program && strcmp(work->name, "dump") == 0)
		measured.list = list_whole(settings, path);
	unlink(path);
	fclose(file);
	return measured;
}

static struct live measure_live(const struct settings *settings, size_t *ret_rules)
{
	char path[64];
	const struct work *work = work_find("rules");
	*ret_rules = work->count / settings->scale;
	FILE *file = ruleset_file(work, *ret_rules, path);
	fputs("bench: live ...\n", stderr);
	struct live live = { .skipped = "that needs root" };
	if (geteuid() == 0)
		live = live_measure(settings->program, path, settings->limits.runs + 2);
	unlink(path);
	fclose(file);
	if (live.skipped[0])
		fprintf(stderr, "bench: live: not measured: %s\n", live.skipped);
	return live;
}

static bool wanted(const char *name, char *const *names)
{
	for (size_t i = 0; names[i]; i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return !names[0];
}

int main(int argc, char **argv)
{
	struct settings settings = parse(argc, argv);
	char *const *names = argv + optind;
	struct measured measured[16];
	size_t count = 0;
	bool whole = true;
	if (settings.print) {
		settings.print->write(stdout, settings.print->count / settings.scale);
		return fflush(stdout) == 0 ? 0 : 3;
	}
	for (size_t i = 0; names[i]; i++) {
		if (strcmp(names[i], "live") != 0)
			known(names[i]);
	}
	struct live live = { .skipped = "" };
	size_t live_rules = 0;
	if (settings.program) {
		live = measure_live(&settings, &live_rules); /* first: it tells how fast the machine is */
		whole = !live.skipped[0] || geteuid() != 0;
	}
	for (size_t i = 0; i < work_count; i++) {
		if (!wanted(works[i].name, names))
			continue;
		measured[count] = measure(&works[i], &settings);
		whole = !measured[count++].phases.failed[0] && whole;
	}
	table_machine(stdout, BENCH_FLAGS, &settings.limits);
	if (count)
		table_phases(stdout, measured, count, settings.scale == 1 ? live.nft : 0);
	table_list(stdout, measured, count);
	if (settings.program)
		table_live(stdout, &live, live_rules);
	return whole ? 0 : 1;
}
