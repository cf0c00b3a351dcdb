/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the scanner's command line (attribute `args`) says of the packets that it sent; the options are those of nmap(1). */
#include <string.h>

#include "reader.h"

/* With these the probes are no ordinary first packets, or somebody else sent them. */
static const char *const odd_options[] = { "-sI",      "-b",	      "-f",	      "-ff",	   "--mtu",
					   "--badsum", "--scanflags", "--ip-options", "--proxies", "--proxy" };

/* Does `word` give the option, perhaps with "=ARGUMENT"? */
static bool is_option(const char *word, const char *option)
{
	size_t length = strlen(option);
	return strncmp(word, option, length) == 0 && (word[length] == '\0' || (option[1] == '-' && word[length] == '='));
}

/* The argument of an option: behind "=", or glued to a letter, or the next word. NULL: the word is another option. */
static const char *argument_of(const char *word, const char *next, const char *option)
{
	size_t length = strlen(option);
	if (strncmp(word, option, length) != 0)
		return NULL;
	if (word[length] == '\0')
		return next;
	if (option[1] != '-')
		return word + length;
	return word[length] == '=' ? word + length + 1 : NULL;
}

static void take_word(struct scan_reader *reader, const char *word, const char *next)
{
	struct pa_scan *scan = reader->scan;
	const char *source = argument_of(word, next, "-S");
	const char *port = argument_of(word, next, "-g");
	unsigned long number;
	if (!port)
		port = argument_of(word, next, "--source-port");
	for (size_t i = 0; i < sizeof(odd_options) / sizeof(*odd_options); i++)
		reader->odd_probes = reader->odd_probes || is_option(word, odd_options[i]);
	if (source && pa_address_parse(source, &scan->source, &scan->source_family))
		scan->source_known = true;
	if (port && scan_parse_number(port, 65535, &number))
		scan->source_port = (unsigned)number;
}

void scan_read_arguments(struct scan_reader *reader, const char *arguments)
{
	struct pa_arena *scratch = pa_arena_new();
	char *rest = NULL, *text = pa_arena_strdup(scratch, arguments);
	char *word = strtok_r(text, " ", &rest);
	while (word) {
		char *next = strtok_r(NULL, " ", &rest);
		take_word(reader, word, next);
		word = next;
	}
	pa_arena_free(scratch);
}
