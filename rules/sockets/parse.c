/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of ss(8) and netstat(8): which of them it is, its head, and line after line. */
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define ERRORS_MAX 20

struct pa_diag *pa_table_wrong(struct pa_table *table, const char *at, size_t length, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	const char *message = pa_arena_vprintf(table->sockets->arena, format, arguments);
	va_end(arguments);
	struct pa_diag *diag = pa_diags_add(table->diags, PA_DIAG_ERROR, PA_DIAG_INPUT, "%s", message);
	diag->where = (struct pa_location){ .file = pa_arena_strdup(table->diags->arena, table->name),
					    .line = table->line,
					    .column = (uint32_t)(at - table->text) + 1,
					    .length = (uint32_t)length };
	diag->source = table->source ? pa_arena_strdup(table->diags->arena, table->source) : NULL;
	table->error_count++;
	return diag;
}

void pa_table_add_row(struct pa_table *table, const struct pa_table_row *row)
{
	bool listens = row->state == PA_ROW_LISTENS || row->state == PA_ROW_UNCONNECTED;
	if (listens && row->local.cut) {
		pa_table_wrong(table, row->local.text, row->local.length, "the local address may be cut off")->help =
			"netstat -W shows addresses whole, and so does ss";
		return;
	}
	if (listens && row->local.any_port && row->kind != PA_ROW_RAW)
		return; /* not bound to a port */
	pa_grow(&table->rows, &table->row_capacity, table->row_count + 1, sizeof(*table->rows));
	table->rows[table->row_count++] = *row;
}

void pa_table_add_process(struct pa_table *table, struct pa_table_row *row, uint32_t pid, const char *command, size_t length)
{
	struct pa_arena *arena = table->sockets->arena;
	struct pa_process *longer = pa_arena_alloc(arena, row->process_count + 1, sizeof(*longer));
	if (row->process_count)
		memcpy(longer, row->processes, row->process_count * sizeof(*longer));
	longer[row->process_count] = (struct pa_process){ .pid = pid, .command = pa_arena_strndup(arena, command, length) };
	longer[row->process_count].is_service_manager = pa_text_equal(longer[row->process_count].command, "systemd");
	row->processes = longer;
	row->process_count++;
}

/* --- the head ------------------------------------------------------------------------------------------------- */

static bool begins(const char *line, const char *start)
{
	return strncmp(line, start, strlen(start)) == 0;
}

static void refuse_head(struct pa_table *table, const char *line)
{
	table->stops = true;
	pa_table_wrong(table, line, strlen(line), "this is not the text of ss or netstat")->help =
		"what 'ss -tulpn', 'ss -tan', 'netstat -tulpn' or 'netstat -an' of Linux print is read";
}

/* Without a head (ss -H) the first word of the first row tells which columns there are. */
static bool take_first_row(struct pa_table *table, const char *line)
{
	char *copy = pa_arena_strdup(table->sockets->arena, line), *rest = copy;
	const char *word = pa_table_word(&rest);
	struct pa_table_row row;
	enum pa_row_state state;
	table->has_protocol = word && pa_table_protocol(word, &row);
	if (table->has_protocol)
		word = pa_table_word(&rest);
	table->has_state = table->has_head = word && pa_table_state(word, &state);
	if (!table->has_head)
		refuse_head(table, line);
	return table->has_head;
}

/* Two tables may show one socket twice, which would count as two. */
static void second_table(struct pa_table *table, const char *line)
{
	table->stops = true;
	pa_table_wrong(table, line, strlen(line), "a second table begins here")->help =
		"give one table: ss -tulpn, or netstat -tulpn";
}

/* true: the line is the head of ss, or a wrong one. */
static bool take_ss_head(struct pa_table *table, const char *line)
{
	if (!begins(line, "Netid ") && !begins(line, "State ") && !begins(line, "Recv-Q "))
		return false;
	if (table->has_head) {
		second_table(table, line);
		return true;
	}
	table->has_protocol = begins(line, "Netid");
	table->has_state = strstr(line, "State") != NULL;
	table->has_head = true;
	table->stops = !table->has_protocol && !table->has_state;
	if (table->stops)
		pa_table_wrong(table, line, strlen(line), "the table names neither the protocol nor the state of the sockets")
			->help = "use ss -tulpn, without a filter for states";
	return true;
}

/* "Active Internet connections (only servers)", "Proto Recv-Q ...". true: the line is about the table. */
static bool take_netstat_head(struct pa_table *table, const char *line)
{
	if (begins(line, "Active ")) {
		table->is_netstat = true;
		table->skips = !begins(line, "Active Internet");
		if (!table->skips) {
			table->has_connections = strstr(line, "servers and established") != NULL;
			table->has_only_connections = strstr(line, "w/o servers") != NULL;
		}
		return true;
	}
	if (!begins(line, "Proto "))
		return false;
	table->is_netstat = true;
	if (table->skips)
		return true;
	if (table->has_head)
		second_table(table, line);
	if (!strstr(line, "Foreign Address") || strstr(line, "(state)"))
		refuse_head(table, line);
	table->has_head = true;
	table->has_user = strstr(line, "User") && strstr(line, "Inode");
	table->has_program = strstr(line, "PID/Program name") != NULL;
	table->has_timer = strstr(line, "Timer") != NULL;
	return true;
}

/* What netstat says on standard error, which often lands in the same file. */
static bool take_remark(struct pa_table *table, const char *line)
{
	if (!begins(line, "(Not all processes could be identified") && !begins(line, "(No info could be read for \"-p\"") &&
	    !begins(line, " will not be shown, you would have to be root"))
		return false;
	table->hides_processes = true;
	return true;
}

/* --- lines ---------------------------------------------------------------------------------------------------- */

static void take_line(struct pa_table *table, char *line)
{
	if (line[strspn(line, " \t")] == '\0' || take_remark(table, line) || take_netstat_head(table, line))
		return;
	if (table->skips)
		return;
	if (!table->is_netstat && take_ss_head(table, line))
		return;
	if (table->is_netstat && !table->has_head) {
		refuse_head(table, line);
		return;
	}
	if (!table->has_head && !take_first_row(table, line))
		return;
	if (table->is_netstat)
		pa_table_take_netstat(table, line);
	else
		pa_table_take_ss(table, line);
}

/* The line is taken apart in place; errors show it as it was. */
static void take_whole_line(struct pa_table *table, const char *text, size_t length)
{
	struct pa_arena *arena = table->sockets->arena;
	if (length && text[length - 1] == '\r')
		length--;
	table->source = pa_arena_strndup(arena, text, length);
	table->text = pa_arena_strndup(arena, text, length);
	const char *nul = memchr(text, '\0', length);
	if (nul)
		pa_table_wrong(table, table->text + (nul - text), 1, "a NUL byte: this is no text");
	else
		take_line(table, table->text);
}

struct pa_sockets *pa_sockets_parse(const char *text, size_t length, const char *name, struct pa_diags *diags)
{
	struct pa_table table = { .name = name, .sockets = pa_sockets_new(name), .diags = diags };
	const char *end = text + length;
	for (const char *line = text; line < end && table.error_count < ERRORS_MAX && !table.stops;) {
		const char *next = memchr(line, '\n', (size_t)(end - line));
		table.line++;
		take_whole_line(&table, line, (size_t)((next ? next : end) - line));
		line = next ? next + 1 : end;
	}
	if (!table.has_head && table.error_count == 0) {
		table.line = 1;
		table.source = NULL;
		table.text = pa_arena_strdup(table.sockets->arena, "");
		pa_table_wrong(&table, table.text, 0, "no table of ss or netstat in it");
	}
	if (table.error_count == 0)
		pa_table_build(&table);
	else
		table.sockets = pa_sockets_free(table.sockets);
	free(table.rows);
	return table.sockets;
}
