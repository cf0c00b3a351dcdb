/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program under test: run once for all packets of a ruleset; its JSON read back. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "judge.h"
#include "rows.h"

extern char **environ;

static char *path_in(const struct program *program, const char *name)
{
	char *path = NULL;
	if (asprintf(&path, "%s/%s", program->folder, name) < 0)
		abort();
	return path;
}

/* Runs it, standard output and error into files of the scratch folder. Exit status; over 128: a signal. */
static int run(const struct program *program, char *const argv[])
{
	char *output = path_in(program, "output"), *errors = path_in(program, "errors");
	posix_spawn_file_actions_t actions;
	pid_t child;
	int status = -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	bool started = posix_spawn(&child, program->path, &actions, NULL, argv, environ) == 0;
	posix_spawn_file_actions_destroy(&actions);
	free(output);
	free(errors);
	if (!started || waitpid(child, &status, 0) < 0)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void complain(struct program *program, const char *command, int status)
{
	char *path = path_in(program, "errors"), *errors = file_read(path);
	if (!program->quiet)
		fprintf(stderr, "judge: %s: status %d: %.600s\n", command, status, errors ? errors : "");
	program->failures++;
	free(errors);
	free(path);
}

static char *write_ruleset(const struct program *program, const char *ruleset)
{
	char *path = path_in(program, "ruleset.nft");
	if (!file_write(path, ruleset))
		fprintf(stderr, "judge: %s: %s\n", path, strerror(errno));
	return path;
}

/* The kernel says by which interface a packet was forwarded, after NAT; without that the routes do. */
static char *write_packets(const struct program *program, const struct packets *packets, const struct observation *seen)
{
	char *path = path_in(program, "packets.jsonl");
	FILE *file = fopen(path, "we");
	for (size_t i = 0; file && i < packets->count; i++) {
		struct packet packet = packets->item[i];
		if (packet.entry == ENTRY_WIRE && seen && seen[i].oif != JUDGE_NO_INTERFACE)
			packet.oif = seen[i].oif;
		packet_write(file, &packet, NULL);
	}
	if (file)
		fclose(file);
	return path;
}

/* A number, "1000-2000", or null: it changed, and what to is not known. */
static void read_port(const json_t *object, const char *key, bool *ret_has, uint16_t *ret_first, uint16_t *ret_last)
{
	const json_t *value = json_object_get(object, key);
	char *end;
	*ret_has = value != NULL;
	if (!value)
		return;
	*ret_first = json_is_integer(value) ? (uint16_t)json_integer_value(value) : 0;
	*ret_last = json_is_integer(value) ? *ret_first : 65535;
	if (!json_is_string(value))
		return;
	*ret_first = (uint16_t)strtoul(json_string_value(value), &end, 10);
	*ret_last = *end == '-' ? (uint16_t)strtoul(end + 1, NULL, 10) : *ret_first;
}

/* One address, or the text of several. */
static bool read_address(const json_t *object, const char *key, struct address *ret_address, char **ret_text)
{
	int family;
	const json_t *value = json_object_get(object, key);
	const char *text = json_is_null(value) ? "any" : json_string_value(value);
	if (!text || address_parse(text, &family, ret_address))
		return text != NULL;
	free(*ret_text);
	*ret_text = strdup(text);
	return false;
}

static bool read_said(const char *line, struct said *said, size_t count)
{
	json_t *object = json_loads(line, 0, NULL);
	json_int_t id = json_integer_value(json_object_get(object, "id"));
	enum fate fate = fate_parse(json_string_value(json_object_get(object, "fate")));
	bool good =
		object && json_is_integer(json_object_get(object, "id")) && id >= 0 && (size_t)id < count && fate != FATE_NONE;
	if (good) {
		struct said *one = &said[id];
		const char *condition = json_string_value(json_object_get(object, "condition"));
		one->fate = fate;
		one->has_src = read_address(object, "src", &one->src, &one->src_text);
		one->has_dst = read_address(object, "dst", &one->dst, &one->dst_text);
		read_port(object, "sport", &one->has_sport, &one->sport, &one->sport_last);
		read_port(object, "dport", &one->has_dport, &one->dport, &one->dport_last);
		free(one->condition);
		one->condition = condition ? strdup(condition) : NULL;
	}
	json_decref(object);
	return good;
}

static bool read_verdicts(const struct program *program, struct said *said, size_t count)
{
	char *path = path_in(program, "output"), *line = NULL;
	FILE *file = fopen(path, "re");
	size_t room = 0, lines = 0;
	bool good = file != NULL;
	while (good && getline(&line, &room, file) > 0) {
		good = read_said(line, said, count);
		lines++;
		if (!good)
			fprintf(stderr, "judge: trace: not a verdict: %.200s\n", line);
	}
	if (good && lines != count)
		fprintf(stderr, "judge: trace: %zu verdicts for %zu packets\n", lines, count);
	if (file)
		fclose(file);
	free(line);
	free(path);
	return good && lines == count;
}

/* Rules that ask for the time are judged by the kernel's clock: the program is told what that says. */
static char *present(void)
{
	char *text;
	if (asprintf(&text, "--now=%lld", (long long)time(NULL)) < 0)
		abort();
	return text;
}

struct said *program_trace(struct program *program, const char *ruleset, const struct packets *packets,
			   const struct observation *seen)
{
	char *rules = write_ruleset(program, ruleset), *lines = write_packets(program, packets, seen);
	char *self = strdup(own_addresses), *name = strdup(program->path), *now = present();
	char *const argv[] = { name,
			       (char[]){ "trace" },
			       (char[]){ "--packets" },
			       lines,
			       rules,
			       (char[]){ "--self" },
			       self,
			       now,
			       program->sets,
			       NULL };
	struct said *said = calloc(packets->count + 1, sizeof(*said));
	int status = run(program, argv);
	if (status != 0)
		complain(program, "trace", status);
	if (said && (status != 0 || !read_verdicts(program, said, packets->count))) {
		said_free(said, packets->count);
		said = NULL;
	}
	free(rules);
	free(lines);
	free(self);
	free(name);
	free(now);
	return said;
}

void said_free(struct said *said, size_t count)
{
	for (size_t i = 0; said && i < count; i++) {
		free(said[i].condition);
		free(said[i].src_text);
		free(said[i].dst_text);
	}
	free(said);
}

struct boxes *program_list(struct program *program, const char *ruleset)
{
	char *rules = write_ruleset(program, ruleset), *self = strdup(own_addresses), *name = strdup(program->path);
	char *now = present();
	char *const argv[] = { name,
			       (char[]){ "list" },
			       (char[]){ "--format" },
			       (char[]){ "json" },
			       (char[]){ "--loopback" },
			       (char[]){ "--self" },
			       self,
			       now,
			       rules,
			       program->sets,
			       NULL };
	int status = run(program, argv);
	struct boxes *boxes = NULL;
	if (status != 0 && status != 1)
		complain(program, "list", status);
	else {
		char *path = path_in(program, "output");
		boxes = boxes_read(path, ruleset);
		free(path);
	}
	free(rules);
	free(self);
	free(name);
	free(now);
	return boxes;
}
