/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One case: NAME.nft, the packets of NAME.jsonl with the fate that the kernel gave each (`expect`), and NAME.nat with the
 * destinations that NAT gave some of them. The program must say the same. Where a ruleset has something that no packet
 * decides, its comment `# depends: words; words` names it: such an answer must name it too.
 * Usage: packets-run PROGRAM SELF-ADDRESSES NAME.nft | NAME.rules4 [NAME.rules6]
 */
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOM 4096
#define PRESENT "2026-11-28T17:50:00Z" /* cases that ask for the time must be right at any */

struct packets {
	json_t *sent[ROOM], *said[ROOM]; /* by id */
	char line[512];			 /* of `# depends:` */
	const char *self;		 /* the host's addresses */
	size_t sent_count, said_count;
	unsigned wrong;
};

/* The program's verdicts as they come; its diagnostics go where ours go. */
static FILE *start(const char *program, const char *self, const char *packets, char *const *rulesets, pid_t *ret_child)
{
	int ends[2];
	if (pipe(ends) < 0)
		return NULL;
	*ret_child = fork();
	if (*ret_child == 0) {
		dup2(ends[1], 1);
		close(ends[0]);
		close(ends[1]);
		execl(program, program, "trace", "--now", PRESENT, "--self", self, "--packets", packets, rulesets[0],
		      rulesets[1], (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	return fdopen(ends[0], "r");
}

static bool read_lines(FILE *file, const char *name, json_t **into, size_t *ret_count)
{
	char *line = NULL;
	size_t room = 0;
	bool good = file != NULL;
	while (good && getline(&line, &room, file) > 0) {
		json_t *object = json_loads(line, 0, NULL);
		json_int_t id = json_integer_value(json_object_get(object, "id"));
		good = object && id >= 0 && id < ROOM && !into[id];
		if (!good)
			fprintf(stderr, "%s: not a line of packets or verdicts, or an id twice: %s", name, line);
		else {
			into[id] = object;
			(*ret_count)++;
		}
	}
	free(line);
	return good;
}

static const char *word(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

/* The words behind `# depends:` in the ruleset. */
static void read_allowed(const char *ruleset, char *line, size_t room)
{
	FILE *file = fopen(ruleset, "re");
	bool found = false;
	while (file && !found && fgets(line, (int)room, file))
		found = strncmp(line, "# depends:", 10) == 0;
	if (!found)
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (file)
		fclose(file);
}

static bool may_depend(const char *line, const char *condition)
{
	char copy[512], *rest = NULL;
	snprintf(copy, sizeof(copy), "%s", line[0] ? line + 10 : "");
	for (char *words = strtok_r(copy, ";", &rest); words; words = strtok_r(NULL, ";", &rest))
		if (strstr(condition, words + strspn(words, " ")))
			return true;
	return false;
}

/* A drop and a silent reject look alike from outside; where an answer was seen it was a reject. */
static bool fits(const struct packets *packets, const char *expect, const json_t *said)
{
	const char *fate = word(said, "fate");
	if (strcmp(fate, "depends") == 0)
		return may_depend(packets->line, word(said, "condition"));
	return strcmp(fate, expect) == 0 || (strcmp(expect, "drop") == 0 && strcmp(fate, "reject") == 0);
}

static void complain(struct packets *packets, size_t id, const char *what)
{
	char *sent = json_dumps(packets->sent[id], JSON_COMPACT),
	     *said = packets->said[id] ? json_dumps(packets->said[id], JSON_COMPACT) : NULL;
	printf("%s\n  packet %s\n  said   %.600s\n", what, sent, said ? said : "nothing");
	free(sent);
	free(said);
	packets->wrong++;
}

/* Absent on both sides is the same (packets without ports). */
static bool same(const json_t *a, const json_t *b)
{
	return (!a && !b) || json_equal(a, b);
}

static bool is_own(const char *self, const char *address)
{
	size_t size = strlen(address);
	for (const char *at = self; (at = strstr(at, address)); at += size)
		if ((at == self || at[-1] == ',') && (at[size] == ',' || at[size] == '\0'))
			return true;
	return false;
}

/* NAT: what the kernel made of the destination; nothing where it left it alone. */
static void compare_moved(struct packets *packets, FILE *file)
{
	char *line = NULL;
	size_t room = 0;
	json_t *moved[ROOM] = { NULL };
	while (file && getline(&line, &room, file) > 0) {
		json_t *object = json_loads(line, 0, NULL);
		moved[json_integer_value(json_object_get(object, "id")) % ROOM] = object;
	}
	for (size_t id = 0; id < ROOM; id++) {
		const char *fate = word(packets->said[id], "fate");
		if (!packets->said[id] || !strstr(fate, "accept"))
			continue;
		for (int key = 0; key < 2; key++) {
			const char *name = key ? "dport" : "dst";
			const json_t *before = json_object_get(packets->sent[id], name),
				     *after = json_object_get(moved[id], name);
			const json_t *said = json_object_get(packets->said[id], name);
			const json_t *now = after ? after : before;
			bool to_self = json_is_null(said) || (!said && after);
			if (!key && to_self && is_own(packets->self, json_string_value(now)))
				continue; /* redirect: which of the host's addresses, the program is not told */
			if (key && !before)
				continue; /* a protocol without ports */
			if (!same(said ? said : before, now))
				complain(packets, id, key ? "another destination port" : "another destination");
		}
	}
	for (size_t id = 0; id < ROOM; id++)
		json_decref(moved[id]);
	free(line);
}

static void compare(struct packets *packets)
{
	for (size_t id = 0; id < ROOM; id++) {
		if (!packets->sent[id])
			continue;
		if (!packets->said[id] || !fits(packets, word(packets->sent[id], "expect"), packets->said[id]))
			complain(packets, id, word(packets->sent[id], "expect"));
	}
}

/* The name with another ending. */
static char *beside(const char *ruleset, const char *ending)
{
	char *path = NULL;
	const char *dot = strrchr(ruleset, '.');
	return !dot || asprintf(&path, "%.*s%s", (int)(dot - ruleset), ruleset, ending) < 0 ? NULL : path;
}

int main(int argc, char **argv)
{
	static struct packets packets;
	pid_t child = -1;
	int status = -1;
	if (argc < 4 || argc > 5 || strlen(argv[3]) < 5) {
		fputs("usage: packets-run PROGRAM SELF-ADDRESSES NAME.nft | NAME.rules4 [NAME.rules6]\n", stderr);
		return 2;
	}
	char *lines = beside(argv[3], ".jsonl"), *moved = beside(argv[3], ".nat");
	FILE *sent = fopen(lines, "re"), *nat = fopen(moved, "re");
	FILE *said = start(argv[1], argv[2], lines, argv + 3, &child);
	packets.self = argv[2];
	read_allowed(argv[3], packets.line, sizeof(packets.line));
	bool good = read_lines(sent, lines, packets.sent, &packets.sent_count) &&
		    read_lines(said, "trace", packets.said, &packets.said_count);
	if (child > 0 && waitpid(child, &status, 0) < 0)
		status = -1;
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) { /* 1: an expectation that it found wrong itself; told below */
		printf("%s: the program ended with status %#x\n", argv[3], (unsigned)status);
		good = false;
	}
	compare(&packets);
	compare_moved(&packets, nat);
	free(lines);
	free(moved);
	printf("%s: %zu packets, %zu verdicts, %u wrong\n", argv[3], packets.sent_count, packets.said_count, packets.wrong);
	return good && packets.wrong == 0 && packets.sent_count > 0 && packets.sent_count == packets.said_count ? 0 : 1;
}
