/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The results in Markdown, which a terminal shows well enough. */
#include "bench.h"

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define MEBIBYTE (1024.0 * 1024.0)

static void print_cpu_model(FILE *out)
{
	char line[256];
	FILE *file = fopen("/proc/cpuinfo", "re");
	while (file && fgets(line, sizeof(line), file)) {
		const char *value = strchr(line, ':');
		if (strncmp(line, "model name", 10) == 0 && value) {
			fprintf(out, "%.*s", (int)strcspn(value + 2, "\n"), value + 2);
			break;
		}
	}
	if (file)
		fclose(file);
}

static void print_nft_version(FILE *out)
{
	char line[128] = "";
	FILE *program = popen("nft --version 2>/dev/null", "re");
	if (program && fgets(line, sizeof(line), program))
		fprintf(out, "; %.*s", (int)strcspn(line, "\n"), line);
	if (program)
		pclose(program);
}

void table_machine(FILE *out, const char *flags, const struct limits *limits)
{
	struct utsname name;
	fputs("Measured on: ", out);
	print_cpu_model(out);
	fprintf(out, ", %ld CPUs", sysconf(_SC_NPROCESSORS_ONLN));
	if (uname(&name) == 0)
		fprintf(out, "; %s %s %s", name.sysname, name.release, name.machine);
	print_nft_version(out);
	fprintf(out, "; gcc %s, `%s`. The smallest of %u runs; no phase may take more than %u s.\n\n", __VERSION__, flags,
		limits->runs, limits->seconds);
}

static void print_time(FILE *out, const struct phases *phases, enum phase phase)
{
	double cpu = phases->cost[phase].cpu;
	if (!phases->done[phase])
		fputs(" - |", out);
	else if (cpu < 1000)
		fprintf(out, " %.1f ms |", cpu);
	else
		fprintf(out, " %.2f s |", cpu / 1000);
}

/* The reference, as fast as this machine is today, and how the analysis compares. */
static void print_ratio(FILE *out, const struct measured *measured, double speed)
{
	const struct phases *phases = &measured->phases;
	double reference = measured->work->reference * speed;
	bool whole = measured->count == measured->work->count;
	if (!whole)
		fprintf(out, " (only %zu) |", measured->count);
	else if (reference <= 0)
		fputs(" - |", out);
	else
		fprintf(out, " %.0f ms |", reference);
	print_time(out, phases, PHASE_EVALUATE);
	if (whole && reference > 0 && phases->done[PHASE_EVALUATE])
		fprintf(out, " %.2f |", phases->cost[PHASE_EVALUATE].cpu / reference);
	else
		fputs(" - |", out);
}

static void print_row(FILE *out, const struct measured *measured, double speed)
{
	const struct phases *phases = &measured->phases;
	fprintf(out, "| %s |", measured->work->title);
	print_ratio(out, measured, speed);
	fprintf(out, " %.0f MB |", (double)phases->cost[PHASE_EVALUATE].growth / MEBIBYTE);
	for (unsigned phase = 0; phase < PHASE_COUNT; phase++) {
		if (phase != PHASE_EVALUATE)
			print_time(out, phases, (enum phase)phase);
	}
	size_t most = 0;
	for (unsigned phase = 0; phase < PHASE_COUNT; phase++)
		most = phases->cost[phase].memory > most ? phases->cost[phase].memory : most;
	fprintf(out, " %.0f MB |", (double)most / MEBIBYTE);
	if (phases->failed[0])
		fprintf(out, " %s |\n", phases->failed);
	else
		fprintf(out, " %zu rules, %zu rows, %zu dead, %zu findings |\n", phases->rules, phases->rows, phases->dead,
			phases->findings);
}

void table_phases(FILE *out, const struct measured *measured, size_t count, double nft)
{
	double speed = nft > 0 ? nft / NFT_REFERENCE : 1;
	fputs("| ruleset | aim | analysis alone | ratio | its memory | load (JSON) | rows of `list` | analysis for `check` | dead rules | other checks | "
	      "memory in all | |\n",
	      out);
	fputs("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n", out);
	for (size_t i = 0; i < count; i++)
		print_row(out, &measured[i], speed);
}

void table_list(FILE *out, const struct measured *measured, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (measured[i].list > 0)
			fprintf(out, "\n`portaudit list FILE` of the %s, the whole program: %.0f ms of CPU time.\n",
				measured[i].work->title, measured[i].list);
	}
}

void table_live(FILE *out, const struct live *live, size_t rules)
{
	fprintf(out, "\nLive, %zu rules (CPU time of the whole run; user and system, children included):\n\n", rules);
	if (live->skipped[0]) {
		fprintf(out, "Not measured: %s.\n", live->skipped);
		return;
	}
	fputs("| program | CPU time | ratio |\n|---|--:|--:|\n", out);
	fprintf(out, "| `nft -j list ruleset` | %.0f ms | 1.00 |\n", live->nft);
	fprintf(out, "| `portaudit list` | %.0f ms | %.2f |\n", live->list, live->list / live->nft);
	fprintf(out, "| `portaudit check -q` | %.0f ms | %.2f |\n", live->check, live->check / live->nft);
}
