/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a fuzz target on every file of a folder, in the order of names. An empty folder is a failure, not a pass. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "portaudit/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && entry->d_type != DT_DIR;
}

static bool replay(const char *folder, const char *name)
{
	struct pa_buffer path = { 0 }, text = { 0 };
	char block[65536];
	size_t got;
	pa_buffer_printf(&path, "%s/%s", folder, name);
	FILE *file = fopen(path.data, "re");
	if (!file) {
		perror(path.data);
		pa_buffer_done(&path);
		return false;
	}
	while ((got = fread(block, 1, sizeof(block), file)) > 0)
		pa_buffer_add(&text, block, got);
	bool read = !ferror(file);
	fclose(file);
	/* A copy of exactly this size, so that a sanitizer sees a byte too many. */
	uint8_t *data = pa_xmalloc(text.length ? text.length : 1);
	for (size_t i = 0; i < text.length; i++)
		data[i] = (uint8_t)text.data[i];
	LLVMFuzzerTestOneInput(data, text.length);
	free(data);
	pa_buffer_done(&text);
	pa_buffer_done(&path);
	return read;
}

static bool replay_folder(const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_visible, alphasort);
	if (count <= 0) {
		fprintf(stderr, "%s: no inputs\n", folder);
		return false;
	}
	bool good = true;
	for (int i = 0; i < count; i++) {
		good &= replay(folder, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	printf("%s: %d inputs\n", folder, count);
	return good;
}

int main(int argc, char **argv)
{
	bool good = true;
	if (argc < 2) {
		fputs("usage: replay FOLDER...\n", stderr);
		return 2;
	}
	for (int i = 1; i < argc; i++)
		good &= replay_folder(argv[i]);
	return good ? 0 : 1;
}
