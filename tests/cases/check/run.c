/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One case: NAME.nft or NAME.rules4 (.rules6), perhaps NAME.conf and NAME.ss (what `ss -tulpn` printed), and NAME.expected with all findings that `check` must make, no more and no fewer:
 *
 *     PA-EXP-001 high certain 8080/tcp from any     check, severity, certainty, a piece of the message
 *     none                                          no finding at all
 *     waived PA-EXP-001 high certain 8080/tcp       a finding that a waiver of the policy hides
 *     args --self 192.0.2.1                         more arguments
 *     exit 3                                        the exit status (else: 1 with findings that are more than info, 0 without)
 *     failed PA-EXP-007                             the status of a check that has no finding of its own
 *     passed|waived|off|not-assessed PA-...
 *
 * Usage: check-case PROGRAM NAME.nft
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINES 64
#define WORDS 32

struct expectation {
	char check[16], severity[16], certainty[16], piece[256];
	bool waived;
	bool met;
};

struct expected {
	struct expectation findings[LINES];
	size_t finding_count;
	char *words[WORDS]; /* of args */
	size_t word_count;
	struct {
		char status[16], check[16];
	} statuses[LINES];
	size_t status_count;
	int exit; /* -1: by the findings */
	bool none;
};

/* The name of the case with another ending. */
static char *beside(const char *ruleset, const char *ending)
{
	char *path = NULL;

	const char *dot = strrchr(ruleset, '.');
	return !dot || asprintf(&path, "%.*s%s", (int)(dot - ruleset), ruleset, ending) < 0 ? NULL : path;
}

static void read_words(struct expected *expected, char *line)
{
	char *rest = NULL;

	for (char *word = strtok_r(line, " ", &rest); word && expected->word_count < WORDS; word = strtok_r(NULL, " ", &rest))
		expected->words[expected->word_count++] = strdup(word);
}

/* "waived PA-..." alone is a status, with a severity behind it a finding. */
static bool is_status(const char *word, const char *rest)
{
	if (strcmp(word, "waived") == 0)
		return strchr(rest, ' ') == NULL;
	return strcmp(word, "failed") == 0 || strcmp(word, "passed") == 0 || strcmp(word, "off") == 0 ||
	       strcmp(word, "not-assessed") == 0;
}

static bool read_line(struct expected *expected, char *line)
{
	struct expectation *finding = &expected->findings[expected->finding_count];
	char word[16] = "";
	int at = 0;

	sscanf(line, "%15s %n", word, &at);
	if (word[0] == '\0' || word[0] == '#')
		return true;
	if (strcmp(word, "none") == 0)
		return expected->none = true;
	if (strcmp(word, "args") == 0) {
		read_words(expected, line + at);
		return true;
	}
	if (strcmp(word, "exit") == 0)
		return sscanf(line + at, "%d", &expected->exit) == 1;
	if (expected->status_count == LINES || expected->finding_count == LINES)
		return false;
	if (is_status(word, line + at)) {
		memcpy(expected->statuses[expected->status_count].status, word, sizeof(word));
		return sscanf(line + at, "%15s", expected->statuses[expected->status_count++].check) == 1;
	}
	expected->finding_count++;
	finding->waived = strcmp(word, "waived") == 0;
	return sscanf(finding->waived ? line + at : line, "%15s %15s %15s %255[^\n]", finding->check, finding->severity,
		      finding->certainty, finding->piece) >= 3;
}

static bool read_expected(const char *path, struct expected *expected)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	bool good = file != NULL;

	expected->exit = -1;
	while (good && getline(&line, &room, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		good = read_line(expected, line);
		if (!good)
			printf("%s: not understood: %s\n", path, line);
	}
	free(line);
	if (file)
		fclose(file);
	if (good && expected->none != (expected->finding_count == 0)) {
		printf("%s: either findings or `none`\n", path);
		good = false;
	}
	return good;
}

/* The JSON document that the program writes; NULL: it wrote none. */
static json_t *ask(const char *program, const char *ruleset, const char *policy, const struct expected *expected,
		   int *ret_status)
{
	static const char *const fixed[] = { "check", "--format", "json", "--now", "2026-01-01" };
	const char *arguments[WORDS + 16] = { program };
	char *sockets = beside(ruleset, ".ss");
	size_t count = 1;
	int ends[2];
	pid_t child = -1;
	FILE *file;
	json_t *document = NULL;

	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
		arguments[count++] = fixed[i];
	arguments[count++] = ruleset;
	if (access(policy, R_OK) == 0) {
		arguments[count++] = "--policy";
		arguments[count++] = policy;
	}
	if (access(sockets, R_OK) == 0) {
		arguments[count++] = "--sockets";
		arguments[count++] = sockets;
	}
	for (size_t i = 0; i < expected->word_count; i++)
		arguments[count++] = expected->words[i];
	if (pipe(ends) == 0)
		child = fork();
	if (child == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		execv(program, (char *const *)(uintptr_t)arguments);
		_exit(127);
	}
	if (child > 0) {
		close(ends[1]);
		file = fdopen(ends[0], "r");
		document = json_loadf(file, 0, NULL);
		fclose(file);
		if (waitpid(child, ret_status, 0) < 0)
			*ret_status = -1;
	}
	free(sockets);
	return document;
}

static const char *word(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static bool meets(const struct expectation *expectation, const json_t *finding)
{
	return !expectation->met && expectation->waived == json_is_object(json_object_get(finding, "waiver")) &&
	       strcmp(expectation->check, word(finding, "check")) == 0 &&
	       strcmp(expectation->severity, word(finding, "severity")) == 0 &&
	       strcmp(expectation->certainty, word(finding, "certainty")) == 0 &&
	       strstr(word(finding, "message"), expectation->piece) != NULL;
}

/* Every finding says what is wrong and what to do, and has a fingerprint. */
static bool is_complete(const json_t *finding)
{
	return word(finding, "message")[0] && word(finding, "fix")[0] && strlen(word(finding, "fingerprint")) == 32;
}

static unsigned compare_findings(struct expected *expected, const json_t *findings)
{
	const json_t *finding;
	size_t at;
	unsigned wrong = 0;

	json_array_foreach(findings, at, finding)
	{
		bool met = false;

		for (size_t i = 0; i < expected->finding_count && !met; i++)
			if (meets(&expected->findings[i], finding))
				met = expected->findings[i].met = true;
		if (met && is_complete(finding))
			continue;
		printf("%s: %s %s %s %s\n  fix: %s\n", met ? "incomplete" : "not expected", word(finding, "check"),
		       word(finding, "severity"), word(finding, "certainty"), word(finding, "message"), word(finding, "fix"));
		wrong++;
	}
	for (size_t i = 0; i < expected->finding_count; i++) {
		const struct expectation *missing = &expected->findings[i];

		if (missing->met)
			continue;
		printf("missing: %s %s %s %s\n", missing->check, missing->severity, missing->certainty, missing->piece);
		wrong++;
	}
	return wrong;
}

static const char *status_of(const json_t *checks, const char *code)
{
	const json_t *check;
	size_t at;

	json_array_foreach(checks, at, check)
	{
		if (strcmp(word(check, "check"), code) == 0)
			return word(check, "status");
	}
	return "absent";
}

static unsigned compare_statuses(const struct expected *expected, const json_t *checks)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < expected->status_count; i++) {
		const char *said = status_of(checks, expected->statuses[i].check);

		if (strcmp(said, expected->statuses[i].status) == 0)
			continue;
		printf("%s is %s, not %s\n", expected->statuses[i].check, said, expected->statuses[i].status);
		wrong++;
	}
	return wrong;
}

/* check fails from low on, unless the case says otherwise. */
static int expected_exit(const struct expected *expected)
{
	if (expected->exit >= 0)
		return expected->exit;
	for (size_t i = 0; i < expected->finding_count; i++)
		if (!expected->findings[i].waived && strcmp(expected->findings[i].severity, "info") != 0)
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	static struct expected expected;
	char *expectation, *policy;
	bool understood;
	unsigned wrong;
	json_t *document;
	int status = -1;

	if (argc != 3 || strlen(argv[2]) < 5) {
		fputs("usage: check-case PROGRAM NAME.nft\n", stderr);
		return 2;
	}
	expectation = beside(argv[2], ".expected");
	understood = read_expected(expectation, &expected);
	free(expectation);
	if (!understood)
		return 1;
	policy = beside(argv[2], ".conf");
	document = ask(argv[1], argv[2], policy, &expected, &status);
	free(policy);
	if (!document) {
		printf("%s: no JSON document, status %#x\n", argv[2], (unsigned)status);
		return 1;
	}
	wrong = compare_findings(&expected, json_object_get(document, "findings"));
	wrong += compare_statuses(&expected, json_object_get(document, "checks"));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != expected_exit(&expected)) {
		printf("status %#x, not exit %d\n", (unsigned)status, expected_exit(&expected));
		wrong++;
	}
	printf("%s: %zu findings, %u wrong\n", argv[2], json_array_size(json_object_get(document, "findings")), wrong);
	json_decref(document);
	return wrong == 0 ? 0 : 1;
}
