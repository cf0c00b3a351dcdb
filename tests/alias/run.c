/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two rulesets of one meaning: `list --format json` must show the same exposures, whatever the rules are called.
 * Usage: alias-run PROGRAM ONE OTHER
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* NULL: the program gave no document. */
static json_t *list(const char *program, const char *ruleset)
{
	int ends[2], status = -1;
	if (pipe(ends) < 0)
		return NULL;
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		execl(program, program, "list", "--format", "json", "--self", "192.0.2.1,2001:db8::1", ruleset, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	FILE *file = fdopen(ends[0], "r");
	json_t *document = file ? json_loadf(file, 0, NULL) : NULL;
	if (file)
		fclose(file);
	if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) > 1) {
		printf("%s: status %#x\n", ruleset, (unsigned)status);
		json_decref(document);
		return NULL;
	}
	return document;
}

/* The exposures as sorted lines without what names the rules. */
static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **lines_of(const json_t *document, size_t *ret_count)
{
	const json_t *exposures = json_object_get(document, "exposures");
	char **lines = calloc(json_array_size(exposures) + 1, sizeof(char *));
	size_t i;
	json_t *exposure;
	*ret_count = 0;
	json_array_foreach(exposures, i, exposure)
	{
		json_object_del(exposure, "rules");
		lines[(*ret_count)++] = json_dumps(exposure, JSON_COMPACT | JSON_SORT_KEYS);
	}
	qsort(lines, *ret_count, sizeof(char *), compare_lines);
	return lines;
}

static void free_lines(char **lines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(lines[i]);
	free(lines);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fputs("usage: alias-run PROGRAM ONE OTHER\n", stderr);
		return 2;
	}
	json_t *one = list(argv[1], argv[2]), *other = list(argv[1], argv[3]);
	if (!one || !other)
		return 1;
	size_t counts[2], i = 0, k = 0, wrong = 0;
	char **lines = lines_of(one, &counts[0]), **others = lines_of(other, &counts[1]);
	while (i < counts[0] || k < counts[1]) {
		int order = i == counts[0] ? 1 : k == counts[1] ? -1 : strcmp(lines[i], others[k]);
		if (order < 0)
			printf("only %s: %s\n", argv[2], lines[i]);
		if (order > 0)
			printf("only %s: %s\n", argv[3], others[k]);
		wrong += order != 0;
		i += order <= 0;
		k += order >= 0;
	}
	printf("%zu and %zu exposures, %zu of them of one alone\n", counts[0], counts[1], wrong);
	free_lines(lines, counts[0]);
	free_lines(others, counts[1]);
	json_decref(one);
	json_decref(other);
	return wrong == 0 && counts[0] > 0 ? 0 : 1;
}
