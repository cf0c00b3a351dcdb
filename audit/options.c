/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line: GNU style, from the rows of option.def. All errors are told in one run. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options_parse.h"

#define ON(command) (1u << PA_COMMAND_##command)

static const struct pa_command_info commands[PA_COMMAND_COUNT] = {
#define COMMAND(id, name_, positional_, run, summary_, details_) \
	[PA_COMMAND_##id] = { .name = name_, .positional = positional_, .summary = summary_, .details = details_ },
#include "option.def"
};

static const struct pa_option_info options_known[PA_OPTION_COUNT] = {
#define OPTION(id, letter_, name_, argument_, commands_, summary_) \
	[PA_OPTION_##                                              \
		id] = { .letter = letter_, .name = name_, .argument = argument_, .commands = commands_, .summary = summary_ },
#include "option.def"
};

/* What the next version will have: known, so that giving it is answered with a reason. */
struct later {
	const char *name, *what;
	bool has_argument;
};
static const struct later later_commands[] = {
#define LATER_COMMAND(name_, what_) { .name = name_, .what = what_ },
#include "option.def"
};
static const struct later later_options[] = {
#define LATER_OPTION(name_, has_argument_, what_) { .name = name_, .what = what_, .has_argument = has_argument_ },
#include "option.def"
};
#define ROWS(table) (sizeof(table) / sizeof(*(table)))

const struct pa_command_info *pa_command_info(enum pa_command command)
{
	return &commands[command];
}

const struct pa_option_info *pa_option_info(enum pa_option option)
{
	return &options_known[option];
}

void pa_options_append(struct pa_arena *arena, const char ***list, const char *item)
{
	size_t count = 0;
	while (*list && (*list)[count])
		count++;
	const char **longer = pa_arena_alloc(arena, count + 2, sizeof(*longer));
	if (count)
		memcpy(longer, *list, count * sizeof(*longer));
	longer[count] = item;
	*list = longer;
}

static size_t list_length(const char **list)
{
	size_t count = 0;
	while (list && list[count])
		count++;
	return count;
}

/* --- did you mean ------------------------------------------------------------------------------------------- */

/* A third of the word may be wrong. */
struct pa_nearest pa_nearest_start(const char *word)
{
	size_t length = strlen(word);
	return (struct pa_nearest){ .word = word, .distance = length < 2 || length > 64 ? 0 : (unsigned)(length + 2) / 3 + 1 };
}

void pa_nearest_offer(struct pa_nearest *nearest, const char *candidate)
{
	if (nearest->distance == 0)
		return;
	unsigned distance = pa_text_distance(nearest->word, candidate);
	if (distance >= nearest->distance)
		return;
	nearest->distance = distance;
	nearest->best = candidate;
}

const char *pa_nearest_help(const struct pa_nearest *nearest, struct pa_diags *diags, const char *otherwise)
{
	return nearest->best ? pa_arena_printf(diags->arena, "did you mean '%s'?", nearest->best) : otherwise;
}

/* --- options ------------------------------------------------------------------------------------------------ */

__attribute__((format(printf, 2, 3))) static struct pa_diag *wrong(struct pa_command_line *line, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	struct pa_diag *diag = pa_diags_add(line->diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "%s",
					    pa_arena_vprintf(line->options->arena, format, arguments));
	va_end(arguments);
	return diag;
}

/* Options that say one thing: a second one would silently replace the first. */
static bool is_single(enum pa_option option)
{
	return option == PA_OPTION_POLICY || option == PA_OPTION_PACKETS || option == PA_OPTION_SESSION ||
	       option == PA_OPTION_SAVED || option == PA_OPTION_BASELINE || option == PA_OPTION_AS_HOST ||
	       option == PA_OPTION_SOCKETS || option == PA_OPTION_NETNS || option == PA_OPTION_SCAN ||
	       option == PA_OPTION_SCAN_FROM;
}

static void note_given(struct pa_command_line *line, enum pa_option option)
{
	if (line->given[option] && is_single(option))
		wrong(line, "--%s is given twice", options_known[option].name)->help = "one run takes one of them";
	line->given[option] = true;
}

/* Options whose argument is kept as it is. */
static const char **text_option(struct pa_options *options, enum pa_option option)
{
	if (option == PA_OPTION_POLICY)
		return &options->policy;
	if (option == PA_OPTION_PACKETS)
		return &options->packets;
	if (option == PA_OPTION_AS_HOST)
		return &options->as_host;
	if (option == PA_OPTION_SAVED)
		return &options->saved;
	if (option == PA_OPTION_SOCKETS)
		return &options->sockets;
	if (option == PA_OPTION_SCAN)
		return &options->scan;
	if (option == PA_OPTION_NETNS)
		return &options->netns;
	return option == PA_OPTION_BASELINE ? &options->baseline : NULL;
}

/* Options that are given or not. */
static bool *flag_option(struct pa_command_line *line, enum pa_option option)
{
	struct pa_options *options = line->options;
	if (option == PA_OPTION_HELP || option == PA_OPTION_VERSION)
		return option == PA_OPTION_HELP ? &line->help : &line->version;
	if (option == PA_OPTION_QUIET || option == PA_OPTION_VERBOSE)
		return option == PA_OPTION_QUIET ? &options->quiet : &options->verbose;
	if (option == PA_OPTION_ALLOW_UNKNOWN)
		return &options->allow_unknown;
	if (option == PA_OPTION_PRINT_RULES)
		return &options->print_rules;
	if (option == PA_OPTION_LOOPBACK)
		return &options->loopback;
	if (option == PA_OPTION_SUGGEST)
		return &options->suggest;
	return option == PA_OPTION_FMT_CHECK ? &options->fmt_check : NULL;
}

/* `argument` is NULL for options without one. */
static void take_option(struct pa_command_line *line, enum pa_option option, const char *argument)
{
	struct pa_options *options = line->options;
	struct pa_diags *diags = line->diags;
	note_given(line, option);
	const char **text = text_option(options, option);
	bool *flag = flag_option(line, option);
	if (text)
		*text = argument;
	if (flag)
		*flag = true;
	switch (option) {
	case PA_OPTION_POLICY:
	case PA_OPTION_PACKETS:
	case PA_OPTION_AS_HOST:
	case PA_OPTION_SAVED:
	case PA_OPTION_SOCKETS:
	case PA_OPTION_SCAN:
	case PA_OPTION_NETNS:
	case PA_OPTION_BASELINE:
	case PA_OPTION_QUIET:
	case PA_OPTION_VERBOSE:
	case PA_OPTION_ALLOW_UNKNOWN:
	case PA_OPTION_PRINT_RULES:
	case PA_OPTION_LOOPBACK:
	case PA_OPTION_SUGGEST:
	case PA_OPTION_FMT_CHECK:
	case PA_OPTION_HELP:
	case PA_OPTION_VERSION:
		return;
	case PA_OPTION_RULESET:
		pa_options_append(options->arena, &options->rulesets, argument);
		return;
	case PA_OPTION_FORMAT:
		pa_options_take_format(&line->format, argument, diags);
		return;
	case PA_OPTION_OUTPUT:
		pa_options_append(options->arena, &line->outputs, argument);
		return;
	case PA_OPTION_COLOR:
		pa_options_take_color(options, argument, diags);
		return;
	case PA_OPTION_FAIL_ON:
		pa_options_take_level(options, argument, diags);
		return;
	case PA_OPTION_CHECK:
		pa_options_take_checks(options->arena, &options->checks, argument, diags);
		return;
	case PA_OPTION_SELF:
		pa_options_take_self(options, argument, diags);
		return;
	case PA_OPTION_INTERFACES:
		pa_options_take_interfaces(options, argument, diags);
		return;
	case PA_OPTION_NOW:
		options->now_given = pa_options_take_time(options, argument, "--now", diags);
		return;
	case PA_OPTION_INCLUDE_FOLDER:
		pa_options_append(options->arena, &options->include_folders, argument);
		return;
	case PA_OPTION_SESSION:
		pa_options_take_session(options, argument, diags);
		return;
	case PA_OPTION_SCAN_FROM:
		pa_options_take_scan_from(options, argument, diags);
		return;
	case PA_OPTION_COUNT:
		return;
	}
}

/* All long options in one row of numbers: those of this version, then those of later ones. */
#define LONG_COUNT (PA_OPTION_COUNT + ROWS(later_options))

static const char *long_name(size_t number)
{
	return number < PA_OPTION_COUNT ? options_known[number].name : later_options[number - PA_OPTION_COUNT].name;
}

static bool long_has_argument(size_t number)
{
	return number < PA_OPTION_COUNT ? options_known[number].argument != NULL
					: later_options[number - PA_OPTION_COUNT].has_argument;
}

/*
 * The option whose name, or whose name alone, begins with a text (GNU style). Names of later versions count, so that an
 * abbreviation keeps its meaning. LONG_COUNT: none, and the error is told.
 */
static size_t find_long(struct pa_command_line *line, const char *text)
{
	size_t found = LONG_COUNT, matches = 0, length = strlen(text);
	struct pa_nearest nearest = pa_nearest_start(text);
	for (size_t i = 0; i < LONG_COUNT; i++) {
		if (i == (size_t)(line->fmt ? PA_OPTION_CHECK : PA_OPTION_FMT_CHECK))
			continue; /* the other one of that name */
		pa_nearest_offer(&nearest, long_name(i));
		if (strcmp(long_name(i), text) == 0)
			return i;
		if (strncmp(long_name(i), text, length) == 0 && length) {
			found = i;
			matches++;
		}
	}
	if (matches == 1)
		return found;
	struct pa_diag *diag = wrong(line, matches ? "option '--%s' may mean several" : "unknown option '--%s'", text);
	if (matches == 0)
		diag->help = nearest.best ? pa_arena_printf(line->diags->arena, "did you mean '--%s'?", nearest.best)
					  : "'portaudit --help' lists the options";
	return LONG_COUNT;
}

static void take_long_number(struct pa_command_line *line, size_t number, const char *argument)
{
	if (number < PA_OPTION_COUNT) {
		take_option(line, (enum pa_option)number, argument);
		return;
	}
	const struct later *later = &later_options[number - PA_OPTION_COUNT];
	wrong(line, "this version of portaudit does not have --%s: %s", later->name, later->what);
}

/* argv[*index] is "--name" or "--name=argument"; *index moves on over an argument of its own. */
static void take_long(struct pa_command_line *line, int argc, char **argv, int *index)
{
	const char *text = argv[*index] + 2, *equals = strchr(text, '=');
	const char *name = equals ? pa_arena_strndup(line->options->arena, text, (size_t)(equals - text)) : text;
	size_t number = find_long(line, name);
	if (number == LONG_COUNT)
		return;
	if (!long_has_argument(number)) {
		if (equals)
			wrong(line, "--%s takes no argument", long_name(number));
		else
			take_long_number(line, number, NULL);
		return;
	}
	if (equals) {
		take_long_number(line, number, equals + 1);
	} else if (*index + 1 < argc) {
		take_long_number(line, number, argv[++*index]);
	} else {
		wrong(line, "--%s needs an argument", long_name(number));
	}
}

static enum pa_option find_letter(char letter)
{
	unsigned option = 0;
	while (option < PA_OPTION_COUNT && options_known[option].letter != letter)
		option++;
	return (enum pa_option)option;
}

/* argv[*index] is "-qv", "-pFILE" or "-p", with its argument behind. */
static void take_letters(struct pa_command_line *line, int argc, char **argv, int *index)
{
	for (const char *letter = argv[*index] + 1; *letter; letter++) {
		enum pa_option option = find_letter(*letter);
		if (option == PA_OPTION_COUNT) {
			wrong(line, "unknown option '-%c'", *letter)->help = "'portaudit --help' lists the options";
			return;
		}
		if (!options_known[option].argument) {
			take_option(line, option, NULL);
			continue;
		}
		if (letter[1])
			take_option(line, option, letter + 1);
		else if (*index + 1 < argc)
			take_option(line, option, argv[++*index]);
		else
			wrong(line, "-%c needs an argument", *letter);
		return;
	}
}

static void take_arguments(struct pa_command_line *line, int argc, char **argv)
{
	bool options_end = false;
	for (int i = 1; i < argc; i++) {
		if (options_end || argv[i][0] != '-' || argv[i][1] == '\0')
			pa_options_append(line->options->arena, &line->positional, argv[i]);
		else if (strcmp(argv[i], "--") == 0)
			options_end = true;
		else if (argv[i][1] == '-')
			take_long(line, argc, argv, &i);
		else
			take_letters(line, argc, argv, &i);
	}
}

/* --- commands ----------------------------------------------------------------------------------------------- */

/* A word that is neither a command nor a file is more likely a command mistyped than a ruleset that is missing. */
static void doubt_ruleset(struct pa_command_line *line, const char *word)
{
	if (strpbrk(word, "./") || strcmp(word, "-") == 0 || access(word, F_OK) == 0)
		return;
	struct pa_nearest nearest = pa_nearest_start(word);
	for (unsigned i = 0; i < PA_COMMAND_COUNT; i++)
		pa_nearest_offer(&nearest, commands[i].name);
	struct pa_diag *diag = wrong(line, "'%s' is neither a command nor a file", word);
	diag->help = pa_nearest_help(&nearest, line->diags, "'portaudit --help' lists the commands");
}

/* The first word may name the command; returns how many words it took. */
static size_t take_command(struct pa_command_line *line)
{
	const char *word = line->positional ? line->positional[0] : NULL;
	for (unsigned i = 0; word && i < PA_COMMAND_COUNT; i++) {
		if (strcmp(commands[i].name, word) != 0)
			continue;
		line->options->command = (enum pa_command)i;
		line->has_command = true;
		return 1;
	}
	for (size_t i = 0; word && i < ROWS(later_commands); i++) {
		if (strcmp(later_commands[i].name, word) != 0)
			continue;
		wrong(line, "this version of portaudit does not have the command '%s': it cannot %s yet", word,
		      later_commands[i].what);
		line->help = false;
		return list_length(line->positional);
	}
	if (word)
		doubt_ruleset(line, word);
	return 0;
}

static void take_words(struct pa_command_line *line, const char *const *words)
{
	struct pa_options *options = line->options;
	for (; *words; words++)
		if (options->command == PA_COMMAND_EXPLAIN || options->command == PA_COMMAND_FMT ||
		    (options->command == PA_COMMAND_PORT && !options->words))
			pa_options_append(options->arena, &options->words, *words);
		else if (options->command == PA_COMMAND_CHECKS)
			pa_options_take_checks(options->arena, &options->words, *words, line->diags);
		else if (options->command == PA_COMMAND_LINT && !options->policy)
			options->policy = *words;
		else
			pa_options_append(options->arena, &options->rulesets, *words);
}

/* Name the commands that an option is for: "check and list". */
static const char *commands_of(struct pa_command_line *line, const struct pa_option_info *info)
{
	struct pa_buffer names = { 0 };
	unsigned left = info->commands;
	for (unsigned i = 0; i < PA_COMMAND_COUNT; i++) {
		if (!(left & (1u << i)))
			continue;
		left &= ~(1u << i);
		pa_buffer_printf(&names, "%s'%s'", names.length == 0 ? "" : left ? ", " : " and ", commands[i].name);
	}
	const char *text = pa_arena_strdup(line->options->arena, names.data);
	pa_buffer_done(&names);
	return text;
}

static void check_options_of_command(struct pa_command_line *line)
{
	const char *command = commands[line->options->command].name;
	for (unsigned i = 0; i < PA_OPTION_COUNT; i++) {
		const struct pa_option_info *info = &options_known[i];
		if (line->given[i] && !(info->commands & (1u << line->options->command)))
			wrong(line, "--%s is not for '%s' but for %s", info->name, command, commands_of(line, info));
	}
	if (line->options->command == PA_COMMAND_FMT && !line->options->words)
		wrong(line, "'fmt' needs a policy file");
	if (line->options->command == PA_COMMAND_LINT && !line->options->policy)
		wrong(line, "'lint' needs a policy file");
	if (line->options->command == PA_COMMAND_LINT && line->options->rulesets)
		wrong(line, "'lint' looks at one policy, and at no ruleset");
	if (line->options->command == PA_COMMAND_SNAPSHOT && line->options->rulesets)
		wrong(line, "'snapshot' takes no file: it records the live ruleset of this host");
	if (line->options->command == PA_COMMAND_DIFF && list_length(line->options->rulesets) != 2)
		wrong(line, "'diff' needs two rulesets, OLD and NEW")->help =
			"for example: portaudit diff live /etc/nftables.conf; several files of one host have commas between them";
	if (line->options->command == PA_COMMAND_TRACE && !line->options->packets)
		wrong(line, "'trace' needs --packets FILE");
	if (line->given[PA_OPTION_SCAN_FROM] && !line->options->scan)
		wrong(line, "--scan-from says where a scan came from: it needs --scan FILE");
	if (line->options->command == PA_COMMAND_PORT && !line->options->words)
		wrong(line, "'port' needs a port")->help =
			"for example: portaudit port 8080/tcp, or portaudit port 8080/tcp firewall.nft";
	if (line->options->command == PA_COMMAND_EXPLAIN && !line->options->words)
		wrong(line, "'explain' needs a packet to explain")->help =
			"for example: portaudit explain 3306/tcp from 203.0.113.7 on eth0";
}

/* The formats of `diff`, for a person: "text, json and junit". */
static const char *difference_formats(struct pa_arena *arena)
{
	struct pa_buffer list = { 0 };
	const char *before = NULL;
	for (enum pa_format format = 0; format < PA_FORMAT_COUNT; format++) {
		if (!pa_format_has_difference(format))
			continue;
		if (before)
			pa_buffer_printf(&list, "%s%s", list.length ? ", " : "", before);
		before = pa_format_name(format);
	}
	const char *text = pa_arena_printf(arena, "it writes %s and %s", list.data, before);
	pa_buffer_done(&list);
	return text;
}

/* trace and diff have no report of findings: not every format can say what they say. */
static void check_formats(struct pa_command_line *line)
{
	static const unsigned trace = 1u << PA_FORMAT_JSON | 1u << PA_FORMAT_TEXT | 1u << PA_FORMAT_JUNIT;
	const struct pa_options *options = line->options;
	bool is_trace = options->command == PA_COMMAND_TRACE;
	for (size_t i = 0; (is_trace || options->command == PA_COMMAND_DIFF) && i < options->output_count; i++) {
		enum pa_format format = options->outputs[i].format;
		if (is_trace ? 1u << format & trace : pa_format_has_difference(format))
			continue;
		wrong(line, "'%s' does not write the format '%s'", commands[options->command].name, pa_format_name(format))
			->help = is_trace ? "it writes json (lines), text (TAP) and junit" : difference_formats(options->arena);
	}
}

/*
 * Where reports go. An --output without a format has that of --format and takes the place of standard output; one with a
 * format comes beside it.
 */
static void take_outputs(struct pa_command_line *line)
{
	struct pa_options *options = line->options;
	if (!(options_known[PA_OPTION_OUTPUT].commands & (1u << options->command)))
		return;
	if (options->command == PA_COMMAND_TRACE && !line->given[PA_OPTION_FORMAT])
		line->format = PA_FORMAT_JSON;
	size_t count = list_length(line->outputs), to_standard_output = 0;
	bool replaced = false;
	options->outputs = pa_arena_alloc(options->arena, count + 1, sizeof(*options->outputs));
	for (size_t i = 0; i < count; i++) {
		struct pa_output *output = &options->outputs[options->output_count++];
		bool has_format = false;
		if (!pa_options_take_output(output, &has_format, line->outputs[i], line->diags))
			continue;
		bool is_policy = options->command == PA_COMMAND_INIT || options->command == PA_COMMAND_FMT;
		if (has_format && is_policy)
			wrong(line, "'%s' writes a policy and no report: --output FILE", commands[options->command].name);
		if (!has_format)
			output->format = line->format;
		to_standard_output += strcmp(output->path, "-") == 0;
		replaced = replaced || !has_format || strcmp(output->path, "-") == 0;
	}
	if (options->command == PA_COMMAND_FMT && count > 1)
		wrong(line, "'fmt' writes one file");
	if (!replaced)
		options->outputs[options->output_count++] = (struct pa_output){ .format = line->format, .path = "-" };
	check_formats(line);
	if (to_standard_output > 1)
		wrong(line, "two reports cannot both go to standard output");
}

/* Reports of several namespaces become one, which text and JSON can hold. */
static void check_namespaces(struct pa_command_line *line)
{
	const struct pa_options *options = line->options;
	if (!options->netns)
		return;
	if (options->rulesets)
		wrong(line, "--netns is for the live ruleset, not for files");
	if (strcmp(options->netns, "all") != 0)
		return;
	for (size_t i = 0; i < options->output_count; i++)
		if (strcmp(options->outputs[i].path, "-") != 0 ||
		    (options->outputs[i].format != PA_FORMAT_TEXT && options->outputs[i].format != PA_FORMAT_JSON))
			wrong(line, "with --netns all there is one report, as text or JSON, on standard output");
}

static void take_source_date_epoch(struct pa_command_line *line)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	if (epoch && epoch[0] && !line->options->has_now)
		pa_options_take_time(line->options, epoch, "SOURCE_DATE_EPOCH", line->diags);
}

/* The first word that is no option. An option with an argument in front of the command is not looked through. */
static bool names_fmt(int argc, char **argv)
{
	int i = 1;
	while (i < argc && argv[i][0] == '-')
		i++;
	return i < argc && strcmp(argv[i], commands[PA_COMMAND_FMT].name) == 0;
}

int pa_options_parse(int argc, char **argv, struct pa_options *ret, struct pa_diags *diags)
{
	*ret = (struct pa_options){ .arena = pa_arena_new(), .command = PA_COMMAND_CHECK };
	struct pa_command_line line = { .options = ret, .diags = diags };
	size_t already_wrong = diags->count;
	line.fmt = names_fmt(argc, argv);
	take_arguments(&line, argc, argv);
	size_t taken = take_command(&line);
	if (diags->count == already_wrong && (line.help || line.version)) {
		struct pa_buffer text = { 0 };
		if (line.help)
			pa_options_help(line.has_command, ret->command, &text);
		else
			pa_options_version(&text);
		ret->text = pa_arena_strdup(ret->arena, text.data);
		pa_buffer_done(&text);
		return 0;
	}
	if (line.positional)
		take_words(&line, line.positional + taken);
	ret->ruleset_count = list_length(ret->rulesets);
	ret->word_count = list_length(ret->words);
	check_options_of_command(&line);
	take_outputs(&line);
	check_namespaces(&line);
	take_source_date_epoch(&line);
	return diags->count == already_wrong ? 0 : 2;
}

void pa_options_done(struct pa_options *options)
{
	options->arena = pa_arena_free(options->arena);
}

bool pa_options_color(const struct pa_options *options, int stream)
{
	if (options->color != PA_COLOR_AUTO)
		return options->color == PA_COLOR_ALWAYS;
	const char *none = getenv("NO_COLOR"), *force = getenv("CLICOLOR_FORCE"), *terminal = getenv("TERM");
	if (none && none[0])
		return false;
	if (force && force[0] && strcmp(force, "0") != 0)
		return true;
	return isatty(stream) && terminal && terminal[0] && strcmp(terminal, "dumb") != 0;
}
