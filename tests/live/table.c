/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of results: what was judged, by the constructs that occur in the rulesets. */
#include <errno.h>
#include <string.h>

#include "judge.h"

static const struct {
	const char *name, *text;
} constructs[] = {
#define CONSTRUCT(name, text) { name, text },
#include "construct.def"
};
#define CONSTRUCTS (sizeof(constructs) / sizeof(constructs[0]))

static struct result rows[CONSTRUCTS], all;

static void add(struct result *row, const struct result *result)
{
	row->rulesets += result->rulesets;
	row->packets += result->packets;
	row->agree += result->agree;
	row->depends += result->depends;
	row->unexplained += result->unexplained;
	row->differ += result->differ;
}

void table_note(const char *ruleset, const struct result *result)
{
	add(&all, result);
	for (size_t i = 0; i < CONSTRUCTS; i++)
		if (strstr(ruleset, constructs[i].text))
			add(&rows[i], result);
}

static void write_row(FILE *file, const char *name, const struct result *row)
{
	fprintf(file, "| %s | %lu | %lu | %lu | %lu | %lu | %lu |\n", name, row->rulesets, row->packets, row->agree,
		row->depends, row->unexplained, row->differ);
}

bool table_write(const char *path)
{
	FILE *file = fopen(path, "we");
	if (!file) {
		fprintf(stderr, "judge: %s: %s\n", path, strerror(errno));
		return false;
	}
	fputs("| in the ruleset | rulesets | packets | agree | depends | depends, unexplained | disagree |\n|---|---|---|---|---|---|---|\n",
	      file);
	write_row(file, "all", &all);
	for (size_t i = 0; i < CONSTRUCTS; i++)
		if (rows[i].rulesets)
			write_row(file, constructs[i].name, &rows[i]);
	return fclose(file) == 0;
}
