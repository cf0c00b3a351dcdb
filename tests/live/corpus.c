/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rulesets that others wrote: each that loads is judged with its own interface names on our interfaces, three at a time, and every
 * other time with its destinations as addresses of the host. What does not load is said, with nft's reason. Dumps of iptables are
 * loaded by iptables-nft-restore and then by iptables-legacy-restore. What came out is printed for each file and for each folder.
 */
#include <arpa/inet.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>

#include "iptables.h"
#include "modes.h"

#define PACKETS_PER_RUN 500
#define RUNS 4
#define NAMES 24
#define STUBS 40

static struct {
	char **path;
	size_t count;
} files;

static int note_file(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	size_t size = strlen(path);
	(void)status;
	(void)where;
	bool script = size >= 5 && (strcmp(path + size - 4, ".nft") == 0 || strcmp(path + size - 5, ".list") == 0);
	if (kind != FTW_F || !(script || (iptables_is_dump(path) && !iptables_is_second_half(path))))
		return 0;
	files.path = realloc(files.path, (files.count + 1) * sizeof(*files.path));
	if (!files.path)
		abort();
	files.path[files.count++] = strdup(path);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* One ruleset on its way. */
struct ruleset {
	const char *path;
	char *text, *listing;
	char name[NAMES][16]; /* interfaces that it speaks of */
	size_t names;
	unsigned stubs;
	bool dump; /* of iptables */
};

static bool is_interface(const char *text, size_t size)
{
	return size > 0 && size < 16 &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_@:$") >= size &&
	       !(size == 2 && memcmp(text, "lo", 2) == 0);
}

static void add_name(struct ruleset *ruleset, const char *text, size_t size)
{
	char name[16];
	if (!is_interface(text, size) || ruleset->names == NAMES)
		return;
	memcpy(name, text, size);
	name[size] = '\0';
	for (size_t i = 0; i < ruleset->names; i++)
		if (strcmp(ruleset->name[i], name) == 0)
			return;
	memcpy(ruleset->name[ruleset->names++], name, sizeof(name));
}

/* `-i eth0`; `-i br-+` gives br-7. */
static void find_dump_names(struct ruleset *ruleset)
{
	static const char *const options[] = { "-i", "-o", "--in-interface", "--out-interface", NULL };
	const char *at = ruleset->text;
	for (char *word; (word = iptables_next_word(&at, options)); free(word)) {
		size_t size = strlen(word);
		if (size > 1 && word[size - 1] == '+')
			word[size - 1] = '7';
		add_name(ruleset, word, size);
	}
}

/* Strings in lines that are about interfaces; `"br-*"` gives br-7. */
static void find_names(struct ruleset *ruleset)
{
	if (ruleset->dump) {
		find_dump_names(ruleset);
		return;
	}
	for (const char *line = ruleset->listing; *line; line += strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n')) {
		size_t size = strcspn(line, "\n");
		const char *comment = memmem(line, size, "comment \"", 9), *prefix = memmem(line, size, "prefix \"", 8);
		size_t end = comment ? (size_t)(comment - line) : prefix ? (size_t)(prefix - line) : size;
		for (const char *at = line; (at = memchr(at, '"', (size_t)(line + end - at)));) {
			size_t length = strcspn(++at, "\"\n");
			char wildcard[16];
			if (length > 1 && length < 15 && at[length - 1] == '*') {
				snprintf(wildcard, sizeof(wildcard), "%.*s7", (int)length - 1, at);
				add_name(ruleset, wildcard, length);
			} else {
				add_name(ruleset, at, length);
			}
			at += length;
			if (at >= line + end)
				break;
			at++;
		}
	}
}

/* The words at LINE:FIRST-LAST of the text. */
static char *words_at(const char *text, unsigned long line, unsigned long first, unsigned long last)
{
	for (; line > 1 && *text; line--)
		text += strcspn(text, "\n") + 1;
	size_t size = strcspn(text, "\n");
	if (first < 1 || last < first || last > size)
		return NULL;
	text += first - 1;
	size = last - first + 1;
	if (size > 2 && text[0] == '"' && text[size - 1] == '"') {
		text++;
		size -= 2;
	}
	return is_interface(text, size) ? strndup(text, size) : NULL;
}

/* The value of the `define` that a $variable stands for; itself, when it is none. */
static char *defined(const char *text, char *word)
{
	char *define = NULL, *value = NULL;
	if (word[0] != '$')
		return word;
	if (asprintf(&define, "define %s", word + 1) < 0)
		abort();
	for (const char *at = text; !value && (at = strstr(at, define)); at++) {
		const char *from = at + strlen(define) + strspn(at + strlen(define), " \t={\"");
		size_t size = strcspn(from, " \t\n,}\"#;");
		if (is_interface(from, size))
			value = strndup(from, size);
	}
	free(define);
	free(word);
	return value;
}

static bool add_link(struct topology *topology, const char *name, const char *type)
{
	char *output = NULL, *script = NULL;
	char *const argv[] = { (char[]){ "ip" }, (char[]){ "-batch" }, (char[]){ "-" }, NULL };
	if (asprintf(&script, "link add %s type %s\n", name, type) < 0)
		abort();
	bool made = run_inside(topology->judged, argv, script, &output) == 0;
	free(output);
	free(script);
	return made;
}

/* nft misses an interface: make it. false: it complains about something else. */
static bool make_stub(struct topology *topology, struct ruleset *ruleset, const char *complaint)
{
	const char *error = strstr(complaint, "Error: Interface does not exist"), *start = error;
	char *name = NULL;
	while (start && start > complaint && start[-1] != '\n')
		start--;
	const char *colon = start ? strchr(start, ':') : NULL;
	if (colon && colon < error) {
		char *end;
		unsigned long line = strtoul(colon + 1, &end, 10), first = strtoul(end + 1, &end, 10),
			      last = *end == '-' ? strtoul(end + 1, NULL, 10) : first;
		name = words_at(ruleset->text, line, first, last);
		name = name ? defined(ruleset->text, name) : NULL;
	}
	bool made = name && ruleset->stubs++ < STUBS && (add_link(topology, name, "dummy") || add_link(topology, name, "ifb"));
	if (made)
		add_name(ruleset, name, strlen(name));
	free(name);
	return made;
}

/* NULL, or why not. */
static char *load(struct topology *topology, struct ruleset *ruleset)
{
	for (;;) {
		char *complaint = ruleset_load(topology, ruleset->text);
		if (!complaint || !make_stub(topology, ruleset, complaint))
			return complaint;
		free(complaint);
	}
}

/* What was made for nft; the judge's own interfaces stay. */
static void drop_stub(struct topology *topology, const char *name)
{
	for (int i = 0; i < JUDGE_INTERFACES; i++)
		if (strcmp(interface_name[i], name) == 0)
			return;
	char *output = NULL, *copy = strdup(name);
	char *const argv[] = { (char[]){ "ip" }, (char[]){ "link" }, (char[]){ "del" }, copy, NULL };
	run_inside(topology->judged, argv, NULL, &output);
	free(output);
	free(copy);
}

static void list(struct topology *topology, struct ruleset *ruleset)
{
	char *const argv[] = { (char[]){ "nft" }, (char[]){ "list" }, (char[]){ "ruleset" }, NULL };
	free(ruleset->listing);
	ruleset->listing = NULL;
	run_inside(topology->judged, argv, NULL, &ruleset->listing);
	char *observer = ruleset->listing ? strstr(ruleset->listing, "table inet judge_observer") : NULL;
	if (observer)
		*observer = '\0';
}

/* The names of this turn on our interfaces, and stubs for the others that it needs. */
static bool name_interfaces(struct topology *topology, const struct ruleset *ruleset, unsigned turn,
			    const char *names[JUDGE_INTERFACES])
{
	static const char *const others[JUDGE_INTERFACES] = { "eth0", "eth1", "lan0" };
	size_t from = turn * JUDGE_INTERFACES;
	for (size_t i = 0; i < ruleset->names; i++)
		drop_stub(topology, ruleset->name[i]);
	for (size_t i = 0; i < JUDGE_INTERFACES; i++)
		names[i] = from + i < ruleset->names ? ruleset->name[from + i] : NULL;
	for (size_t i = 0; i < JUDGE_INTERFACES; i++) {
		bool taken = false;
		for (size_t j = 0; j < JUDGE_INTERFACES; j++)
			taken = taken || (names[j] && strcmp(names[j], others[i]) == 0);
		for (size_t j = 0; j < JUDGE_INTERFACES && !taken; j++)
			if (!names[j]) {
				names[j] = others[i];
				taken = true;
			}
	}
	return topology_rename(topology, names);
}

static void add_destination(struct topology *topology, const char *text)
{
	struct address address;
	int family;
	if (!address_parse(text, &family, &address))
		return;
	bool four = family == 4 && address.byte[0] != 0 && address.byte[0] != 127 && address.byte[0] < 224 &&
		    address.byte[3] != 255 && address.byte[3] != 0;
	bool six = family == 6 && ((address.byte[0] & 0xe0) == 0x20 || address.byte[0] == 0xfd);
	if (four || six)
		topology_add_address(topology, family, &address);
}

/* Single addresses that rules take for destinations. */
static void add_destinations(struct topology *topology, const struct ruleset *ruleset)
{
	static const char *const options[] = { "-d", "--destination", "--dst", NULL };
	const char *words = ruleset->dump ? ruleset->text : "";
	for (const char *at = ruleset->listing; (at = strstr(at, "daddr ")); at += 6) {
		char text[64];
		size_t from = 6 + strspn(at + 6, "{ !="), size = strspn(at + from, "0123456789abcdef.:/-");
		snprintf(text, sizeof(text), "%.*s", (int)size, at + from);
		if (size < sizeof(text))
			add_destination(topology, text);
	}
	for (char *word; (word = iptables_next_word(&words, options)); free(word)) {
		char *slash = strchr(word, '/');
		bool single = !slash || strcmp(slash, "/32") == 0 || strcmp(slash, "/128") == 0;
		if (slash)
			*slash = '\0';
		if (single)
			add_destination(topology, word);
	}
}

struct wanted {
	struct round *round;
	struct packet packet;
	enum difference kind;
	struct disagreement found;
};

static bool still_differs(const char *text, void *data)
{
	struct wanted *wanted = data;
	struct disagreement found;
	if (round_again(wanted->round, text, &wanted->packet, &found) != wanted->kind)
		return false;
	wanted->found = found;
	return true;
}

/* The smallest text that shows the difference: of the dump itself, of the listing if that shows it too. */
static char *make_small(const struct ruleset *ruleset, struct wanted *wanted)
{
	struct script script = { 0 };
	if (ruleset->dump)
		return iptables_minimise(strdup(ruleset->text), still_differs, wanted);
	script_read(&script, ruleset->listing);
	char *text = script_text(&script);
	if (still_differs(text, wanted)) {
		free(text);
		script_minimise(&script, still_differs, wanted);
		text = script_text(&script);
	} else {
		*text = '\0';
	}
	script_done(&script);
	return text;
}

static void print_difference(struct round *round, const struct settings *settings, const struct ruleset *ruleset,
			     const struct disagreement *first)
{
	struct wanted wanted = { .round = round, .packet = first->packet, .kind = first->kind, .found = *first };
	printf("--- disagreement about %s\n", ruleset->path);
	char *text = make_small(ruleset, &wanted);
	fputs(text, stdout);
	disagreement_print(stdout, &wanted.found);
	fflush(stdout);
	if (settings->save) {
		char name[64];
		const char *slash = strrchr(ruleset->path, '/');
		snprintf(name, sizeof(name), "corpus-%.50s", slash ? slash + 1 : ruleset->path);
		case_save(settings->save, name, text, &wanted.found);
	}
	free(text);
}

static struct chance chance_for(const struct settings *settings, const char *text, unsigned turn)
{
	struct chance chance = { (settings->seed + turn) * 0x9e3779b97f4a7c15u };
	for (; *text; text++)
		chance.state = (chance.state ^ (unsigned char)*text) * 0x100000001b3u;
	return chance;
}

static enum round_end run_once(struct round *round, const struct settings *settings, struct ruleset *ruleset, unsigned turn)
{
	struct packets packets = { 0 };
	struct disagreement found;
	struct chance chance = chance_for(settings, ruleset->text, turn);
	char *both = NULL;
	if (turn % 2)
		add_destinations(round->topology, ruleset);
	if (asprintf(&both, "%s\n%s", ruleset->text, ruleset->listing) < 0)
		abort();
	packets_derive(both, settings->packets ? settings->packets : PACKETS_PER_RUN, &chance, &packets);
	enum round_end end = round_run(round, ruleset->path, ruleset->text, &packets, &found);
	if (end == ROUND_DIFFERED)
		print_difference(round, settings, ruleset, &found);
	topology_drop_addresses(round->topology);
	packets_done(&packets);
	free(both);
	return end;
}

static void list_and_name(struct round *round, struct ruleset *ruleset)
{
	if (ruleset->dump)
		ruleset->listing = strdup("");
	else
		list(round->topology, ruleset);
	find_names(ruleset);
}

/* 0 agreed, 1 differed, 3 no answer. */
static int judge_turns(struct round *round, const struct settings *settings, struct ruleset *ruleset)
{
	int status = 0;
	size_t turns = (ruleset->names + JUDGE_INTERFACES - 1) / JUDGE_INTERFACES;
	turns = turns < 2 ? 2 : turns > RUNS ? RUNS : turns;
	for (unsigned turn = 0; status == 0 && turn < turns; turn++) {
		const char *names[JUDGE_INTERFACES];
		if (!name_interfaces(round->topology, ruleset,
				     turn % ((unsigned)(ruleset->names + 2) / 3 + (ruleset->names == 0)), names))
			break;
		char *again = load(round->topology, ruleset);
		enum round_end end = again ? ROUND_REFUSED : run_once(round, settings, ruleset, turn);
		status = end == ROUND_AGREED ? 0 : end == ROUND_DIFFERED ? 1 : 3;
		if (status == 3)
			printf("no answer to %s%s%.*s\n", ruleset->path, again ? ": " : "",
			       again ? (int)strcspn(again, "\n") : 0, again ? again : "");
		free(again);
	}
	return status;
}

/* 0 agreed, 1 differed, 2 skipped, 3 no answer. */
static int judge_ruleset(struct round *round, const struct settings *settings, struct ruleset *ruleset)
{
	char *complaint = ruleset->dump && round->program
				  ? iptables_load_sets(round->topology, ruleset->path, &round->program->sets)
				  : NULL;
	if (!complaint)
		complaint = ruleset->text ? load(round->topology, ruleset) : strdup("cannot be read");
	int status = 2;
	if (complaint) {
		printf("skipped %s: %.*s\n", ruleset->path, (int)strcspn(complaint, "\n"), complaint);
	} else {
		list_and_name(round, ruleset);
		status = judge_turns(round, settings, ruleset);
	}
	free(ruleset_load(round->topology, ""));
	topology_rename(round->topology, NULL);
	for (size_t i = 0; i < ruleset->names; i++)
		drop_stub(round->topology, ruleset->name[i]);
	if (round->program) {
		free(round->program->sets);
		round->program->sets = NULL;
	}
	free(complaint);
	free(ruleset->text);
	free(ruleset->listing);
	fflush(stdout);
	return status;
}

static int judge_file(struct round *round, const struct settings *settings, const char *path, const char *kind)
{
	bool dump = iptables_is_dump(path);
	struct ruleset ruleset = { .path = path,
				   .dump = dump,
				   .text = dump ? iptables_read_case(path, strcmp(kind, "iptables-legacy") == 0)
						: file_read(path) };
	struct tally before = round->tally;
	int status = judge_ruleset(round, settings, &ruleset);
	share_note(path, kind, &before, &round->tally, status == 2);
	return status;
}

int mode_corpus(struct round *round, const struct settings *settings)
{
	unsigned long ended[4] = { 0 };
	if (nftw(settings->folder, note_file, 16, FTW_PHYS) != 0 || files.count == 0) {
		fprintf(stderr, "judge: %s: no rulesets\n", settings->folder);
		return 2;
	}
	qsort(files.path, files.count, sizeof(*files.path), by_name);
	for (size_t i = 0; i < files.count; i++) {
		bool dump = iptables_is_dump(files.path[i]);
		ended[judge_file(round, settings, files.path[i], dump ? "iptables-nft" : "nft")]++;
		if (dump)
			ended[judge_file(round, settings, files.path[i], "iptables-legacy")]++;
		free(files.path[i]);
	}
	free(files.path);
	share_print_folders();
	printf("rulesets: agreed %lu, differed %lu, skipped %lu, no answer %lu\n", ended[0], ended[1], ended[2], ended[3]);
	tally_print(stdout, &round->tally);
	return ended[1] ? 1 : ended[3] ? 3 : 0;
}
