// rooms: pa_options
/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: words in, what was understood out in one line; or the messages. */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../audit/options_parse.h"
#include "portaudit/portaudit.h"

/* Split a line at blanks; ~ stands for a blank inside a word, @ for an empty word. */
static int split(char *line, char **words)
{
	static char program[] = "portaudit";
	int count = 0;
	words[count++] = program;
	for (char *word, *rest = line; (word = strtok_r(NULL, " ", &rest));) {
		for (char *c = word; *c; c++)
			*c = *c == '~' ? ' ' : *c;
		words[count++] = strcmp(word, "@") == 0 ? word + 1 : word;
	}
	words[count] = NULL;
	return count;
}

static int parse(const char *line, struct pa_options *options, struct pa_diags *diags)
{
	static char copy[1000];
	static char *words[100];
	snprintf(copy, sizeof(copy), "%s", line);
	return pa_options_parse(split(copy, words), words, options, diags);
}

static void add_list(struct pa_buffer *out, const char *name, const char *const *list)
{
	for (size_t i = 0; list && list[i]; i++)
		pa_buffer_printf(out, " %s=%s", name, list[i]);
}

static void add_switch(struct pa_buffer *out, const char *name, bool on)
{
	if (on)
		pa_buffer_printf(out, " %s", name);
}

static void add_text(struct pa_buffer *out, const char *name, const char *text)
{
	if (text)
		pa_buffer_printf(out, " %s=%s", name, text);
}

/* What was understood: only what differs from the default. */
static void summarise(const struct pa_options *options, struct pa_buffer *out)
{
	pa_buffer_puts(out, pa_command_info(options->command)->name);
	add_text(out, "policy", options->policy);
	add_list(out, "ruleset", options->rulesets);
	add_list(out, "word", options->words);
	add_text(out, "packets", options->packets);
	for (size_t i = 0; i < options->output_count; i++)
		if (options->output_count > 1 || options->outputs[i].format != PA_FORMAT_TEXT ||
		    strcmp(options->outputs[i].path, "-") != 0)
			pa_buffer_printf(out, " %s:%s", pa_format_name(options->outputs[i].format), options->outputs[i].path);
	add_switch(out, "quiet", options->quiet);
	add_switch(out, "verbose", options->verbose);
	add_switch(out, "color", options->color == PA_COLOR_ALWAYS);
	add_switch(out, "no-color", options->color == PA_COLOR_NEVER);
	add_text(out, "fail-on", options->has_fail_on ? pa_severity_name(options->fail_on) : NULL);
	add_list(out, "check", options->checks);
	add_list(out, "self", options->self);
	add_list(out, "interface", options->interfaces);
	add_text(out, "sockets", options->sockets);
	add_text(out, "as-host", options->as_host);
	add_switch(out, "allow-unknown", options->allow_unknown);
	if (options->has_now)
		pa_buffer_printf(out, " now=%lld", (long long)options->now);
	add_switch(out, "print-rules", options->print_rules);
	add_switch(out, "loopback", options->loopback);
	add_list(out, "include-folder", options->include_folders);
}

static const struct {
	const char *line, *understood;
} good_table[] = {
	{ "", "check" },
	{ "check", "check" },
	{ "list", "list" },
	{ "a.nft", "check ruleset=a.nft" },
	{ "-", "check ruleset=-" },
	{ "check a.nft b.nft", "check ruleset=a.nft ruleset=b.nft" },
	{ "-r a.nft list b.nft", "list ruleset=a.nft ruleset=b.nft" },
	{ "-p allow.conf", "check policy=allow.conf" },
	{ "-o junit-ext:a.xml", "check junit-ext:a.xml text:-" },
	{ "-pallow.conf", "check policy=allow.conf" },
	{ "--policy allow.conf", "check policy=allow.conf" },
	{ "--policy=allow.conf", "check policy=allow.conf" },
	{ "--pol=allow.conf", "check policy=allow.conf" },
	{ "--policy=", "check policy=" },
	{ "--policy=a=b", "check policy=a=b" },
	{ "--policy -- check", "check policy=--" }, /* an argument is an argument */
	{ "list -- -f", "list ruleset=-f" },
	{ "-- list a.nft", "list ruleset=a.nft" },
	{ "-qv", "check quiet verbose" },
	{ "-qvpallow.conf", "check policy=allow.conf quiet verbose" },
	{ "list -f json", "list json:-" },
	{ "list --format=JUnit", "list junit:-" },
	{ "-o report.txt", "check text:report.txt" },
	{ "-o report.xml -f junit", "check junit:report.xml" },
	{ "-o junit:report.xml", "check junit:report.xml text:-" },
	{ "-f json -o junit:a.xml -o text:b.txt", "check junit:a.xml text:b.txt json:-" },
	{ "-o junit:a.xml -o b.txt", "check junit:a.xml text:b.txt" },
	{ "-o junit:-", "check junit:-" },
	{ "-o ./junit:a.xml", "check text:./junit:a.xml" },
	{ "-o /tmp/a:b", "check text:/tmp/a:b" },
	{ "-o C:a", "check text:C:a" },
	{ "--color always", "check color" },
	{ "--color=never", "check no-color" },
	{ "--color=never --color=auto", "check" },
	{ "--fail-on medium", "check fail-on=medium" },
	{ "--check pa-exp-001,DEN-001 --check PA-LOO-001", "check check=PA-EXP-001 check=PA-DEN-001 check=PA-LOO-001" },
	{ "--self 192.0.2.1,2001:db8::1 --self 192.0.2.2", "check self=192.0.2.1,2001:db8::1 self=192.0.2.2" },
	{ "--interfaces eth0,wg0 --interfaces br-lan.5", "check interface=eth0 interface=wg0 interface=br-lan.5" },
	{ "--as-host web1 --allow-unknown", "check as-host=web1 allow-unknown" },
	{ "list --sockets ss.txt a.nft", "list ruleset=a.nft sockets=ss.txt" },
	{ "--now 1970-01-02", "check now=86400" },
	{ "--now 2026-01-31T12:00:01Z", "check now=1769860801" },
	{ "--now 1769860801", "check now=1769860801" },
	{ "--now 0", "check now=0" },
	{ "list --print-rules --loopback", "list print-rules loopback" },
	{ "--include-folder /etc/nft --include-folder b", "check include-folder=/etc/nft include-folder=b" },
	{ "explain 3306/tcp from 203.0.113.7 port 40000 to 192.0.2.1 on eth0",
	  "explain word=3306/tcp word=from word=203.0.113.7 word=port word=40000 word=to word=192.0.2.1 word=on word=eth0" },
	{ "explain 22/tcp -r a.nft --self 192.0.2.1", "explain ruleset=a.nft word=22/tcp self=192.0.2.1" },
	{ "trace --packets p.jsonl a.nft", "trace ruleset=a.nft packets=p.jsonl json:-" },
	{ "checks", "checks" },
	{ "checks exp-001", "checks word=PA-EXP-001" },
};

START_TEST(lines_are_understood)
{
	struct pa_options options;
	struct pa_diags diags = { 0 };
	int status = parse(good_table[_i].line, &options, &diags);
	ck_assert_msg(status == 0, "'%s': %s", good_table[_i].line, diags.count ? diags.items[0].message : "?");
	struct pa_buffer understood = { 0 };
	summarise(&options, &understood);
	ck_assert_str_eq(understood.data, good_table[_i].understood);
	size_t rulesets = 0, words = 0;
	while (options.rulesets && options.rulesets[rulesets])
		rulesets++;
	while (options.words && options.words[words])
		words++;
	ck_assert_uint_eq(options.ruleset_count, rulesets);
	ck_assert_uint_eq(options.word_count, words);
	ck_assert_ptr_null(options.text);
	pa_buffer_done(&understood);
	pa_diags_done(&diags);
	pa_options_done(&options);
}
END_TEST

/* Every error of a line, one behind the other: "message [help]". */
static const struct {
	const char *line, *errors;
} bad_table[] = {
	{ "--polcy x",
	  "unknown option '--polcy' [did you mean '--policy'?]; 'x' is neither a command nor a file ['portaudit --help' lists the commands]" },
	{ "--frobnicate", "unknown option '--frobnicate' ['portaudit --help' lists the options]" },
	{ "--p", "option '--p' may mean several" },
	{ "--in=x", "option '--in' may mean several" },
	{ "--=x", "unknown option '--' ['portaudit --help' lists the options]" },
	{ "-z", "unknown option '-z' ['portaudit --help' lists the options]" },
	{ "-qz", "unknown option '-z' ['portaudit --help' lists the options]" },
	{ "-p", "-p needs an argument" },
	{ "--policy", "--policy needs an argument" },
	{ "--quiet=yes", "--quiet takes no argument" },
	{ "-p a -p b", "--policy is given twice [one run takes one of them]" },
	{ "lsit", "'lsit' is neither a command nor a file [did you mean 'list'?]" },
	{ "frobnicate", "'frobnicate' is neither a command nor a file ['portaudit --help' lists the commands]" },
	{ "-f xml", "unknown format 'xml' [the formats are text, json, junit, junit-ext, sarif, github, csv, html, prom]" },
	{ "-f jsno", "unknown format 'jsno' [did you mean 'json'?]" },
	{ "-o jnuit:x", "unknown format 'jnuit' [did you mean 'junit'?]" },
	{ "-o junit:", "--output 'junit:' names no file" },
	{ "-o @", "--output '' names no file" },
	{ "-o - -o junit:-", "two reports cannot both go to standard output" },
	{ "--color=yes", "--color is auto, always or never, not 'yes'" },
	{ "--fail-on hihg", "unknown level 'hihg' [did you mean 'high'?]" },
	{ "--fail-on 5", "unknown level '5' [the levels are info, low, medium, high, critical]" },
	{ "--check PA-EXP-0O1", "unknown check 'PA-EXP-0O1' [did you mean 'PA-EXP-001'?]" },
	{ "--check DEN-001,,",
	  "unknown check '' ['portaudit checks' lists them]; unknown check '' ['portaudit checks' lists them]" },
	{ "--self eth0",
	  "'eth0' is not an address [give the audited host's own IPv4 and IPv6 addresses, without prefix lengths, separated by commas]" },
	{ "--interfaces a/b,eth0,,abcdefghijklmnop",
	  "'a/b' cannot be the name of an interface; '' cannot be the name of an interface; "
	  "'abcdefghijklmnop' cannot be the name of an interface" },
	{ "--now yesterday",
	  "--now: 'yesterday' is not a time [write 2026-01-31, 2026-01-31T12:00:00Z or seconds since 1970]" },
	{ "--now 2026-02-29",
	  "--now: '2026-02-29' is not a time [write 2026-01-31, 2026-01-31T12:00:00Z or seconds since 1970]" },
	{ "--now 2026-01-31T24:00:00Z",
	  "--now: '2026-01-31T24:00:00Z' is not a time [write 2026-01-31, 2026-01-31T12:00:00Z or seconds since 1970]" },
	{ "--now 2026-01-31T12:00:00",
	  "--now: '2026-01-31T12:00:00' is not a time [write 2026-01-31, 2026-01-31T12:00:00Z or seconds since 1970]" },
	{ "--now 999999999999",
	  "--now: '999999999999' is not a time [write 2026-01-31, 2026-01-31T12:00:00Z or seconds since 1970]" },
	{ "--now -1", "--now: '-1' is not a time [write 2026-01-31, 2026-01-31T12:00:00Z or seconds since 1970]" },
	{ "list -p x", "--policy is not for 'list' but for 'check', 'lint' and 'diff'" },
	{ "explain 22/tcp -f json", "--format is not for 'explain' but for 'check', 'list', 'trace', 'port' and 'diff'" },
	{ "checks --self 192.0.2.1",
	  "--self is not for 'checks' but for 'check', 'list', 'init', 'explain', 'trace', 'port' and 'diff'" },
	{ "trace a.nft", "'trace' needs --packets FILE" },
	{ "explain", "'explain' needs a packet to explain [for example: portaudit explain 3306/tcp from 203.0.113.7 on eth0]" },
	{ "fmt", "'fmt' needs a policy file" },
	{ "fmt -o junit:x a.conf", "'fmt' writes a policy and no report: --output FILE" },
	{ "fmt -o x -o y a.conf", "'fmt' writes one file" },
	{ "init -o json:x a.nft", "'init' writes a policy and no report: --output FILE" },
	{ "lint", "'lint' needs a policy file" },
	{ "lint a.conf b.nft", "'lint' looks at one policy, and at no ruleset" },
	{ "trace --packets p -f csv",
	  "'trace' does not write the format 'csv' [it writes json (lines), text (TAP) and junit]" },
	{ "--netns web a.nft", "--netns is for the live ruleset, not for files" },
	{ "--netns all -f junit", "with --netns all there is one report, as text or JSON, on standard output" },
	{ "--netns all -o x.txt", "with --netns all there is one report, as text or JSON, on standard output" },
	{ "snapshot a.nft", "'snapshot' takes no file: it records the live ruleset of this host" },
	{ "--sockets a --sockets=none", "--sockets is given twice [one run takes one of them]" },
	{ "explain 22/tcp --sockets a",
	  "--sockets is not for 'explain' but for 'check', 'list', 'init', 'port' and 'snapshot'" },
	{ "diff a b -f prom",
	  "'diff' does not write the format 'prom' [it writes text, json, junit, junit-ext, sarif, github, csv and html]" },
	{ "diff a",
	  "'diff' needs two rulesets, OLD and NEW [for example: portaudit diff live /etc/nftables.conf; several files of one "
	  "host have commas between them]" },
	{ "check --session x",
	  "'x' is no connection [write 'auto', or as in 198.51.100.7:40000->192.0.2.1:22 and [2001:db8::7]:40000->[2001:db8::1]:22]" },
	{ "list --saved x --baseline y",
	  "--saved is not for 'list' but for 'check'; --baseline is not for 'list' but for 'check'" },
	{ "--jobs 4", "this version of portaudit does not have --jobs: it works on one thing at a time" },
	{ "--helpme --color=x lsit",
	  "unknown option '--helpme' [did you mean '--help'?]; --color is auto, always or never, not 'x'; "
	  "'lsit' is neither a command nor a file [did you mean 'list'?]" },
	{ "--help --frob", "unknown option '--frob' ['portaudit --help' lists the options]" },
};

START_TEST(errors_say_what_and_how)
{
	struct pa_options options;
	struct pa_diags diags = { 0 };
	int status = parse(bad_table[_i].line, &options, &diags);
	struct pa_buffer errors = { 0 };
	pa_buffer_puts(&errors, "");
	for (size_t i = 0; i < diags.count; i++) {
		ck_assert_int_eq(diags.items[i].level, PA_DIAG_ERROR);
		ck_assert_int_eq(diags.items[i].kind, PA_DIAG_INPUT);
		pa_buffer_printf(&errors, "%s%s", i ? "; " : "", diags.items[i].message);
		if (diags.items[i].help)
			pa_buffer_printf(&errors, " [%s]", diags.items[i].help);
	}
	ck_assert_str_eq(errors.data, bad_table[_i].errors);
	ck_assert_int_eq(status, 2);
	pa_buffer_done(&errors);
	pa_options_done(&options);
	pa_diags_done(&diags);
}
END_TEST

START_TEST(a_file_in_the_way_is_a_ruleset)
{
	char folder[] = "/tmp/portaudit-options-XXXXXX";
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	FILE *file = fopen("lsit", "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	struct pa_options options;
	struct pa_diags diags = { 0 };
	ck_assert_int_eq(parse("lsit", &options, &diags), 0);
	ck_assert_uint_eq(options.ruleset_count, 1);
	pa_options_done(&options);
	unlink("lsit");
	rmdir(folder);
}
END_TEST

START_TEST(source_date_epoch_is_the_present)
{
	struct pa_options options;
	struct pa_diags diags = { 0 };
	setenv("SOURCE_DATE_EPOCH", "86400", 1);
	ck_assert_int_eq(parse("list", &options, &diags), 0);
	ck_assert(options.has_now && options.now == 86400);
	pa_options_done(&options);
	ck_assert_int_eq(parse("list --now 1", &options, &diags), 0);
	ck_assert(options.has_now && options.now == 1);
	pa_options_done(&options);
	setenv("SOURCE_DATE_EPOCH", "soon", 1);
	ck_assert_int_eq(parse("list", &options, &diags), 2);
	ck_assert_str_eq(diags.items[0].message, "SOURCE_DATE_EPOCH: 'soon' is not a time");
	pa_options_done(&options);
	pa_diags_done(&diags);
}
END_TEST

/* --- help -------------------------------------------------------------------------------------------------- */

static const char *text_of(const char *line, struct pa_options *options)
{
	struct pa_diags diags = { 0 };
	ck_assert_int_eq(parse(line, options, &diags), 0);
	ck_assert_ptr_nonnull(options->text);
	return options->text;
}

static void assert_width(const char *text)
{
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
		ck_assert_msg(strcspn(line, "\n") <= 80, "too wide: %.*s", (int)strcspn(line, "\n"), line);
		if (!strchr(line, '\n'))
			ck_abort_msg("the last line has no end");
	}
}

/* Is a word in the text, not as a part of a longer one? */
static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);
	for (const char *found = text; (found = strstr(found, word)); found++)
		if (!isalnum((unsigned char)found[length]) && found[length] != '-')
			return true;
	return false;
}

START_TEST(help_of_the_program_has_every_row)
{
	struct pa_options options;
	const char *text = text_of("--help", &options);
	assert_width(text);
	for (unsigned i = 0; i < PA_OPTION_COUNT; i++) {
		char name[40];
		snprintf(name, sizeof(name), "--%s", pa_option_info(i)->name);
		ck_assert_msg(has_word(text, name), "%s", name);
	}
	for (unsigned i = 0; i < PA_COMMAND_COUNT; i++)
		ck_assert(has_word(text, pa_command_info(i)->name));
	for (unsigned i = 0; i < PA_FORMAT_COUNT; i++)
		ck_assert(has_word(text, pa_format_name(i)));
	static const char *const later[] = { "--jobs", "  prove" };
	for (size_t i = 0; i < sizeof(later) / sizeof(*later); i++)
		ck_assert_msg(!has_word(text, later[i]), "%s", later[i]);
	pa_options_done(&options);
}
END_TEST

START_TEST(help_of_a_command_has_its_options_only)
{
	enum pa_command command = (enum pa_command)_i;
	const struct pa_command_info *info = pa_command_info(command);
	char line[80], usage[80];
	snprintf(line, sizeof(line), _i % 2 ? "%s --help" : "-h %s", info->name);
	snprintf(usage, sizeof(usage), "Usage: portaudit %s [OPTION]... %s\n", info->name, info->positional);
	struct pa_options options;
	const char *text = text_of(line, &options);
	assert_width(text);
	ck_assert(strncmp(text, usage, strlen(usage)) == 0);
	const char *table = strstr(text, "\nOptions:\n");
	ck_assert_ptr_nonnull(table);
	for (unsigned i = 0; i < PA_OPTION_COUNT; i++) {
		char name[40];
		snprintf(name, sizeof(name), " --%s", pa_option_info(i)->name);
		const struct pa_option_info *option = pa_option_info(i);
		unsigned wanted = option->commands; /* of all options of that name: --check has two meanings */
		for (unsigned k = 0; k < PA_OPTION_COUNT; k++)
			if (strcmp(pa_option_info(k)->name, option->name) == 0)
				wanted |= pa_option_info(k)->commands;
		ck_assert_msg(has_word(table, name) == ((wanted >> command & 1) != 0), "%s: %s", info->name, name);
	}
	pa_options_done(&options);
}
END_TEST

START_TEST(version_is_that_of_the_headers)
{
	struct pa_options options;
	const char *text = text_of("--version", &options);
	ck_assert(strncmp(text, "portaudit " PA_VERSION "\n", strlen("portaudit " PA_VERSION "\n")) == 0);
	pa_options_done(&options);
}
END_TEST

static const struct {
	enum pa_color option;
	const char *no_color, *force;
	bool color;
} color_table[] = {
	{ PA_COLOR_ALWAYS, "1", NULL, true }, { PA_COLOR_NEVER, NULL, "1", false }, { PA_COLOR_AUTO, NULL, NULL, false },
	{ PA_COLOR_AUTO, NULL, "1", true },   { PA_COLOR_AUTO, NULL, "0", false },  { PA_COLOR_AUTO, "1", "1", false },
	{ PA_COLOR_AUTO, "", "1", true },
};

/* The stream is a pipe. */
START_TEST(colors_follow_option_and_environment)
{
	int ends[2];
	ck_assert_int_eq(pipe(ends), 0);
	unsetenv("NO_COLOR");
	unsetenv("CLICOLOR_FORCE");
	if (color_table[_i].no_color)
		setenv("NO_COLOR", color_table[_i].no_color, 1);
	if (color_table[_i].force)
		setenv("CLICOLOR_FORCE", color_table[_i].force, 1);
	struct pa_options options = { .color = color_table[_i].option };
	ck_assert_int_eq(pa_options_color(&options, ends[1]), color_table[_i].color);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof(*(table)))

int main(void)
{
	unsetenv("SOURCE_DATE_EPOCH");
	Suite *suite = suite_create("options");
	TCase *parsing = tcase_create("parsing"), *help = tcase_create("help");
	tcase_add_loop_test(parsing, lines_are_understood, 0, ROWS(good_table));
	tcase_add_loop_test(parsing, errors_say_what_and_how, 0, ROWS(bad_table));
	tcase_add_test(parsing, a_file_in_the_way_is_a_ruleset);
	tcase_add_test(parsing, source_date_epoch_is_the_present);
	tcase_add_loop_test(parsing, colors_follow_option_and_environment, 0, ROWS(color_table));
	tcase_add_test(help, help_of_the_program_has_every_row);
	tcase_add_loop_test(help, help_of_a_command_has_its_options_only, 0, PA_COMMAND_COUNT);
	tcase_add_test(help, version_is_that_of_the_headers);
	suite_add_tcase(suite, parsing);
	suite_add_tcase(suite, help);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
