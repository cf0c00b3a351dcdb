/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "program.h"
#include "xtables.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BYTES_MAX ((size_t)1 << 30)
#define TRIES_MAX 8
#define PAUSE_MAX 64 /* milliseconds between tries */

static const struct {
	const char *program, *argument, *package;
	int family;
} programs[] = {
#define XTABLES_PROGRAM(id, program, argument, family, package) { program, argument, package, family },
#include "xtables_program.def"
#undef XTABLES_PROGRAM
};

/* What is being read, for all programs. */
struct reader {
	const struct pa_xtables_request *request;
	struct pa_xtables_text *texts;
};

/* --- the same state --------------------------------------------------------------------------------------------------------- */

static bool is_number_word(const char *text, const char *word)
{
	size_t length = strlen(word);
	return strncmp(text, word, length) == 0;
}

/* Behind what may differ from one reading to the next: the comment lines with the time, [packets:bytes], timeouts and counters. */
static const char *skip_changing(const char *begin, const char *at)
{
	static const char *const words[] = { " timeout ", " packets ", " bytes " };
	bool line_begins = at == begin || at[-1] == '\n';

	if (line_begins && *at == '#')
		return at + strcspn(at, "\n");
	if (*at == '[' && at[1 + strspn(at + 1, "0123456789:")] == ']')
		return strchr(at, ']') + 1;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is_number_word(at, words[i])) {
			const char *digits = at + strlen(words[i]);
			return digits + strspn(digits, "0123456789");
		}
	return at;
}

bool pa_xtables_same_state(const char *one, const char *other)
{
	const char *a = one, *b = other;

	for (;;) {
		const char *next_a = skip_changing(one, a), *next_b = skip_changing(other, b);
		/* what is skipped must be there in both: "timeout 5" is not "no timeout" */
		if ((next_a == a) != (next_b == b))
			return false;
		if (next_a != a) {
			a = next_a;
			b = next_b;
			continue;
		}
		if (*a != *b)
			return false;
		if (!*a)
			return true;
		a++;
		b++;
	}
}

/* --- one program -------------------------------------------------------------------------------------------------------------- */

static void set_problem(struct pa_xtables_text *text, const char *problem, const char *help)
{
	text->problem = pa_xstrdup(problem);
	text->help = help ? pa_xstrdup(help) : NULL;
	pa_buffer_done(&text->text);
	text->text = (struct pa_buffer){ 0 };
}

static bool run_once(const struct reader *reader, enum pa_xtables_kind kind, struct pa_buffer *ret_text)
{
	struct pa_xtables_text *text = &reader->texts[kind];
	const char *const *folders = reader->request->folders ? reader->request->folders : pa_program_folders;
	const char *arguments[] = { programs[kind].program, programs[kind].argument, NULL };
	struct pa_program_limits limits = { BYTES_MAX, reader->request->deadline };
	struct pa_program_output output;
	char path[PA_PROGRAM_PATH_MAX], problem[256], help[256];

	if (!pa_program_find(programs[kind].program, folders, path)) {
		snprintf(problem, sizeof(problem), "%s is needed to see all rules, and it is not installed",
			 programs[kind].program);
		snprintf(help, sizeof(help), "install it (Debian: apt install %s)", programs[kind].package);
		set_problem(text, problem, help);
		return false;
	}
	if (!pa_program_run(path, arguments, limits, &output)) {
		set_problem(text, output.problem, NULL);
		return false;
	}
	pa_buffer_putc(&output.text, '\0'); /* so that an empty text is one, too */
	output.text.length--;
	*ret_text = output.text;
	return true;
}

/*
 * Legacy tables and sets have no generation: a text is believed when the next one says the same. Sets that packets fill may never
 * be so; that is a problem, too, for what they hold is not known then.
 */
static void read_twice(const struct reader *reader, enum pa_xtables_kind kind)
{
	struct pa_xtables_text *text = &reader->texts[kind];
	struct pa_buffer before = { 0 }, after = { 0 };
	unsigned pause = 1;

	if (!run_once(reader, kind, &before))
		return;
	for (unsigned tries = 0; tries < TRIES_MAX && run_once(reader, kind, &after); tries++) {
		bool same = pa_xtables_same_state(before.data, after.data);
		pa_buffer_done(&before);
		before = after;
		after = (struct pa_buffer){ 0 };
		if (same) {
			text->text = before;
			return;
		}
		usleep(pause * 1000);
		pause = pause < PAUSE_MAX ? pause * 2 : pause;
	}
	pa_buffer_done(&before);
	if (!text->problem) {
		char problem[256];
		snprintf(problem, sizeof(problem), "%s %s printed something else each of %d times", programs[kind].program,
			 programs[kind].argument ? programs[kind].argument : "", TRIES_MAX);
		set_problem(text, problem, "stop what changes it all the time, or audit saved files");
	}
}

/* "# Table `filter' is incompatible, use 'nft' tool.": the rest of the text is printed with status 0. */
static void refuse_incompatible(struct pa_xtables_text *text)
{
	const char *at = text->text.data;

	for (; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL) {
		size_t length = strcspn(at, "\n");
		if (strncmp(at, "# Table `", 9) == 0 && memmem(at, length, "incompatible", 12)) {
			char *problem = strndup(at + 2, length - 2);
			set_problem(text, problem ? problem : "a table is incompatible",
				    "the table holds rules that only nft can show");
			free(problem);
			return;
		}
	}
}

static void read_tables(const struct reader *reader, enum pa_xtables_kind kind)
{
	struct pa_xtables_text *text = &reader->texts[kind];

	if (kind == PA_XTABLES_LEGACY4 || kind == PA_XTABLES_LEGACY6) {
		read_twice(reader, kind);
	} else if (run_once(reader, kind, &text->text)) {
		refuse_incompatible(text); /* the caller compares generations */
	}
}

/* --- all ----------------------------------------------------------------------------------------------------------------------- */

static bool names_sets(const struct pa_xtables_text *text)
{
	static const char *const words[] = { "--match-set ", "--add-set ", "--del-set ", "--map-set " };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (text->text.data && strstr(text->text.data, words[i]))
			return true;
	return false;
}

struct pa_xtables_text *pa_xtables_read_live(const struct pa_xtables_request *request)
{
	struct reader reader = { request, pa_xcalloc(PA_XTABLES_COUNT, sizeof(*reader.texts)) };
	bool sets = request->wanted[PA_XTABLES_SETS];

	for (unsigned i = 0; i < PA_XTABLES_COUNT; i++) {
		struct pa_xtables_text *text = &reader.texts[i];
		text->program = programs[i].program;
		text->family = programs[i].family;
		text->wanted = request->wanted[i];
		if (i == PA_XTABLES_SETS || !text->wanted)
			continue;
		read_tables(&reader, (enum pa_xtables_kind)i);
		sets = sets || names_sets(text);
	}
	reader.texts[PA_XTABLES_SETS].wanted = sets;
	if (sets)
		read_twice(&reader, PA_XTABLES_SETS);
	return reader.texts;
}

struct pa_xtables_text *pa_xtables_free(struct pa_xtables_text *texts)
{
	for (unsigned i = 0; texts && i < PA_XTABLES_COUNT; i++) {
		pa_buffer_done(&texts[i].text);
		free((char *)(uintptr_t)texts[i].problem);
		free((char *)(uintptr_t)texts[i].help);
	}
	free(texts);
	return NULL;
}

bool pa_xtables_legacy_names(const char *path, char names[PA_XTABLES_NAMES_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	names[0] = '\0';
	if (fd < 0)
		return errno == ENOENT; /* a kernel without legacy tables */
	length = read(fd, names, PA_XTABLES_NAMES_MAX - 1);
	int error = errno;
	close(fd);
	errno = error;
	if (length < 0)
		return false;
	names[length] = '\0';
	for (char *c = names; *c; c++)
		*c = *c == '\n' && c[1] ? ' ' : *c == '\n' ? '\0' : *c;
	return true;
}
