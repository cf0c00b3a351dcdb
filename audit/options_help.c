/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --help and --version, from the same rows as the parser. */
#include <string.h>

#include "options_parse.h"
#include "portaudit/portaudit.h"

#define WIDTH 80
#define OPTION_COLUMN 28
#define COMMAND_COLUMN 12

/* Text folded at blanks to WIDTH, each further line beginning at `indent`; `column` is where the first line stands. */
static void fold(struct pa_buffer *out, const char *text, size_t column, size_t indent)
{
	while (*text) {
		size_t length = strcspn(text, " ");
		if (column > indent && column + length + 1 > WIDTH) {
			pa_buffer_printf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			pa_buffer_putc(out, ' ');
			column++;
		}
		pa_buffer_add(out, text, length);
		column += length;
		text += length + strspn(text + length, " ");
	}
	pa_buffer_putc(out, '\n');
}

/* A row of two columns; a first column that is too wide has a line of its own. */
static void row(struct pa_buffer *out, const char *first, size_t column, const char *second)
{
	size_t width = strlen(first);
	if (width + 1 > column)
		pa_buffer_printf(out, "%s\n%*s", first, (int)column, "");
	else
		pa_buffer_printf(out, "%-*s", (int)column, first);
	fold(out, second, column, column);
}

static void option_row(struct pa_buffer *out, const struct pa_option_info *info)
{
	struct pa_buffer first = { 0 };
	if (info->letter)
		pa_buffer_printf(&first, "  -%c, --%s", info->letter, info->name);
	else
		pa_buffer_printf(&first, "      --%s", info->name);
	if (info->argument)
		pa_buffer_printf(&first, " %s", info->argument);
	row(out, first.data, OPTION_COLUMN, info->summary);
	pa_buffer_done(&first);
}

/* The options of one command, or of all. */
static void options_table(struct pa_buffer *out, unsigned commands)
{
	pa_buffer_puts(out, "\nOptions:\n");
	for (unsigned i = 0; i < PA_OPTION_COUNT; i++)
		if (pa_option_info((enum pa_option)i)->commands & commands)
			option_row(out, pa_option_info((enum pa_option)i));
}

static void formats_table(struct pa_buffer *out)
{
	pa_buffer_puts(out, "\nFormats:\n");
#define FORMAT(id, name, writer, difference, description) row(out, "  " name, COMMAND_COLUMN, description);
#include "portaudit/format.def"
#undef FORMAT
}

static bool has_command(unsigned commands, enum pa_command command)
{
	return commands & (1u << command);
}

static void exit_table(struct pa_buffer *out, unsigned commands)
{
	pa_buffer_puts(out, "\nExit status:\n");
	row(out, "  0", 5, has_command(commands, PA_COMMAND_CHECK) ? "nothing found at or above --fail-on" : "done");
	if (has_command(commands, PA_COMMAND_CHECK))
		row(out, "  1", 5, "findings");
	else if (has_command(commands, PA_COMMAND_DIFF))
		row(out, "  1", 5, "the rulesets differ; with --policy: in something that is against it");
	else if (has_command(commands, PA_COMMAND_TRACE))
		row(out, "  1", 5, "a packet fared otherwise than its \"expect\" says");
	else if (has_command(commands, PA_COMMAND_LINT))
		row(out, "  1", 5, "warnings at or above --fail-on");
	else if (has_command(commands, PA_COMMAND_FMT))
		row(out, "  1", 5, "with --check: a file would change");
	row(out, "  2", 5, "the command line, the policy or a file is wrong");
	if (commands & ~(1u << PA_COMMAND_CHECKS | 1u << PA_COMMAND_FMT))
		row(out, "  3", 5, "the audit is not complete: what was found is reported, what is missing may be more");
}

static void program_help(struct pa_buffer *out)
{
	pa_buffer_puts(out, "Usage: portaudit [COMMAND] [OPTION]... [RULESET]...\n");
	fold(out,
	     "Finds out which packets the packet filter lets in - all of them, exactly - and compares that with what should be reachable.",
	     0, 0);
	fold(out, "Without RULESET: the live ruleset of this host, which needs root (CAP_NET_ADMIN).", 0, 0);
	pa_buffer_puts(out, "\nCommands:\n");
	for (unsigned i = 0; i < PA_COMMAND_COUNT; i++) {
		struct pa_buffer first = { 0 };
		pa_buffer_printf(&first, "  %s", pa_command_info((enum pa_command)i)->name);
		row(out, first.data, COMMAND_COLUMN, pa_command_info((enum pa_command)i)->summary);
		pa_buffer_done(&first);
	}
	options_table(out, ~0u);
	formats_table(out);
	exit_table(out, ~0u);
	pa_buffer_puts(out, "\nExamples:\n"
			    "  portaudit list                            what is reachable on this host\n"
			    "  portaudit list firewall.nft               what a file would let in\n"
			    "  portaudit --policy allow.conf             is it what it should be?\n"
			    "  portaudit -p allow.conf -o junit:out.xml  the same, for a CI system\n"
			    "  portaudit explain 22/tcp from 203.0.113.7 on eth0\n"
			    "\nManual: portaudit(1), portaudit-allow(5)\n");
}

static void command_help(enum pa_command command, struct pa_buffer *out)
{
	const struct pa_command_info *info = pa_command_info(command);
	pa_buffer_printf(out, "Usage: portaudit %s [OPTION]... %s\n", info->name, info->positional);
	fold(out, info->details, 0, 0);
	options_table(out, 1u << command);
	if (pa_option_info(PA_OPTION_FORMAT)->commands & (1u << command))
		formats_table(out);
	exit_table(out, 1u << command);
}

void pa_options_help(bool has_command, enum pa_command command, struct pa_buffer *out)
{
	if (has_command)
		command_help(command, out);
	else
		program_help(out);
}

void pa_options_version(struct pa_buffer *out)
{
	pa_buffer_puts(out, "portaudit " PA_VERSION "\n"
			    "Licence GPL-2.0-or-later <https://www.gnu.org/licenses/old-licenses/gpl-2.0.html>\n"
			    "This is free software; there is no warranty, to the extent permitted by law.\n");
}
