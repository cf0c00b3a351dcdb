/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dumps of iptables that others made: their ip sets, the words in their rules, and fewer of these. */
#include <stdlib.h>
#include <string.h>

#include "iptables.h"

char *iptables_load_sets(struct topology *topology, const char *path, char **ret_sets)
{
	const char *dot = strrchr(path, '.');
	char *output = NULL, *sets = NULL;
	char *const destroy[] = { (char[]){ "ipset" }, (char[]){ "destroy" }, NULL };
	char *const load[] = { (char[]){ "ipset" }, (char[]){ "restore" }, NULL };
	*ret_sets = NULL;
	if (asprintf(&sets, "%.*s.ipset", (int)(dot - path), path) < 0)
		abort();
	char *text = file_read(sets);
	if (!text) {
		free(sets);
		return NULL;
	}
	free(ruleset_load(topology, ""));
	run_inside(topology->judged, destroy, NULL, &output);
	free(output);
	int status = run_inside(topology->judged, load, text, &output);
	free(text);
	if (status != 0) {
		free(sets);
		return output ? output : strdup("ipset");
	}
	free(output);
	*ret_sets = sets;
	return NULL;
}

static bool is_option(const char *word, size_t size, const char *const *options)
{
	for (; *options; options++)
		if (strlen(*options) == size && memcmp(*options, word, size) == 0)
			return true;
	return false;
}

char *iptables_next_word(const char **at, const char *const *options)
{
	bool wanted = false;
	while (**at) {
		const char *word = *at + strspn(*at, " \t\n\"");
		size_t size = strcspn(word, " \t\n\"");
		*at = word + size;
		if (wanted && !(size == 1 && *word == '!'))
			return strndup(word, size);
		wanted = wanted || is_option(word, size, options);
	}
	return NULL;
}

/* The text without `count` rules from rule `first` on. */
static char *without(const char *text, size_t first, size_t count)
{
	char *result = malloc(strlen(text) + 1), *end = result;
	size_t rule = 0;
	if (!result)
		abort();
	while (*text) {
		size_t size = strcspn(text, "\n") + (text[strcspn(text, "\n")] == '\n');
		bool is_rule = text[0] == '-' || text[0] == '[';
		bool gone = is_rule && rule >= first && rule < first + count;
		rule += is_rule;
		if (!gone)
			end = mempcpy(end, text, size);
		text += size;
	}
	*end = '\0';
	return result;
}

static size_t count_rules(const char *text)
{
	size_t count = 0;
	for (; *text; text += strcspn(text, "\n") + (text[strcspn(text, "\n")] == '\n'))
		count += text[0] == '-' || text[0] == '[';
	return count;
}

char *iptables_minimise(char *text, bool (*still)(const char *text, void *data), void *data)
{
	for (size_t size = count_rules(text) / 2; size > 0; size /= 2)
		for (size_t first = 0; first < count_rules(text);) {
			char *less = without(text, first, size);
			bool good = still(less, data);
			free(good ? text : less);
			text = good ? less : text;
			first += good ? 0 : size;
		}
	return text;
}
