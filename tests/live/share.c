/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the judge found of each file of others, and of each folder of them, as rows of Markdown. */
#include <stdlib.h>
#include <string.h>

#include "judge.h"

/* What a file, or the files of one folder, came to. */
struct share {
	char *folder;
	unsigned long files, packets, agree, depends, differ, skipped;
};

static struct {
	struct share *item;
	size_t count;
} folders;

/* "managers/ufw (iptables-nft)" of ".../managers/ufw/webserver.rules4". */
static struct share *folder_of(const char *path, const char *kind)
{
	char *name = NULL;
	const char *end = strrchr(path, '/'), *from = end;
	for (int parts = 0; from > path && (from[-1] != '/' || ++parts < 2); from--)
		;
	if (asprintf(&name, "%.*s (%s)", end ? (int)(end - from) : 1, end ? from : ".", kind) < 0)
		abort();
	for (size_t i = 0; i < folders.count; i++)
		if (strcmp(folders.item[i].folder, name) == 0) {
			free(name);
			return &folders.item[i];
		}
	folders.item = realloc(folders.item, (folders.count + 1) * sizeof(*folders.item));
	if (!folders.item)
		abort();
	folders.item[folders.count] = (struct share){ .folder = name };
	return &folders.item[folders.count++];
}

static struct share share_of(const struct tally *before, const struct tally *now, bool skipped)
{
	struct share share = { .files = 1,
			       .packets = now->packets - before->packets,
			       .depends = now->depends - before->depends,
			       .skipped = skipped };
	for (int i = DIFFERENCE_NONE + 1; i < DIFFERENCE_COUNT; i++)
		share.differ += now->difference[i] - before->difference[i];
	share.agree = share.packets - share.depends - share.differ;
	return share;
}

static void print_share(const char *name, const struct share *share)
{
	printf("| %s | %lu | %lu | %lu | %lu | %lu | %lu |\n", name, share->files - share->skipped, share->packets,
	       share->agree, share->depends, share->differ, share->skipped);
}

static void add(struct share *sum, const struct share *one)
{
	sum->files += one->files;
	sum->packets += one->packets;
	sum->agree += one->agree;
	sum->depends += one->depends;
	sum->differ += one->differ;
	sum->skipped += one->skipped;
}

void share_note(const char *path, const char *kind, const struct tally *before, const struct tally *now, bool skipped)
{
	struct share share = share_of(before, now, skipped);
	char *name = NULL;
	add(folder_of(path, kind), &share);
	if (asprintf(&name, "%s (%s)", path, kind) < 0)
		abort();
	if (!skipped)
		print_share(name, &share);
	free(name);
	fflush(stdout);
}

void share_print_folders(void)
{
	struct share all = { .folder = NULL };
	printf("\n| folder | files | packets | agree | depends | differ | do not load |\n|---|--:|--:|--:|--:|--:|--:|\n");
	for (size_t i = 0; i < folders.count; i++) {
		const struct share *one = &folders.item[i];
		print_share(one->folder, one);
		add(&all, one);
		free(folders.item[i].folder);
	}
	print_share("all", &all);
	free(folders.item);
}
