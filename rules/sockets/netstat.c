/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line of netstat(8), of net-tools or busybox: Proto Recv-Q Send-Q Local Foreign [State] [User Inode] [PID/Program name]
 * [Timer]. The state is empty for UDP.
 */
#include <netinet/in.h>
#include <string.h>

#include "table.h"

static bool take_first_words(struct pa_table *table, struct pa_table_row *row, char **line)
{
	const char *word = pa_table_word(line);
	uint64_t number;
	if (!word || !pa_table_protocol(word, row)) {
		const char *shown = word ? word : table->text;
		pa_table_wrong(table, shown, strlen(shown), "'%s' is not a protocol that netstat shows", shown);
		return false;
	}
	row->names_ipv6 = word[strlen(word) - 1] == '6';
	for (unsigned i = 0; i < 2; i++) {
		word = pa_table_word(line);
		if (word && pa_table_number(word, UINT64_MAX, &number))
			continue;
		const char *shown = word ? word : table->text;
		pa_table_wrong(table, shown, strlen(shown), "a number (Recv-Q, Send-Q) should stand here");
		return false;
	}
	return row->kind != PA_ROW_OTHER;
}

static bool take_endpoints(struct pa_table *table, struct pa_table_row *row, char **line)
{
	char *local = pa_table_word(line), *peer = local ? pa_table_word(line) : NULL;
	if (!peer) {
		pa_table_wrong(table, table->text, strlen(table->text),
			       "the line ends too early: a local and a foreign address are missing");
		return false;
	}
	return pa_table_endpoint(table, local, row->kind == PA_ROW_RAW, &row->local) &&
	       pa_table_endpoint(table, peer, row->kind == PA_ROW_RAW, &row->peer);
}

/* UDP and the like have a state only when they are connected; raw sockets show a number. */
static bool take_state(struct pa_table *table, struct pa_table_row *row, char **line)
{
	char *rest = *line + strspn(*line, " \t");
	size_t length = strcspn(rest, " \t");
	const char *word = pa_arena_strndup(table->sockets->arena, rest, length);
	bool plain_tcp = row->protocol == IPPROTO_TCP || row->protocol == IPPROTO_SCTP || row->protocol == IPPROTO_DCCP;
	uint64_t number;
	bool is_state = pa_table_state(word, &row->state);
	if (is_state || (row->kind == PA_ROW_RAW && pa_table_number(word, 255, &number)))
		*line = rest + length;
	if (is_state)
		return true;
	row->state = row->peer.any_port || row->kind == PA_ROW_RAW ? PA_ROW_UNCONNECTED : PA_ROW_CONNECTED;
	if (!plain_tcp)
		return true;
	pa_table_wrong(table, length ? rest : table->text, length ? length : strlen(table->text),
		       "the state of the socket is missing");
	return false;
}

static bool take_user(struct pa_table *table, struct pa_table_row *row, char **line)
{
	const char *user = pa_table_word(line), *inode = user ? pa_table_word(line) : NULL;
	uint64_t number;
	if (!inode || !pa_table_number(inode, UINT64_MAX, &row->inode)) {
		const char *shown = inode ? inode : table->text;
		pa_table_wrong(table, shown, strlen(shown), "user and inode should stand here");
		return false;
	}
	row->uid_known = pa_table_number(user, UINT32_MAX, &number);
	if (row->uid_known)
		row->uid = (uint32_t)number;
	else
		row->user = pa_arena_strdup(table->sockets->arena, user);
	return true;
}

/* The timer stands behind the program, whose name may hold blanks: "off (0.00/0/0)" is the last pair of words. */
static void cut_timer(char *program)
{
	static const char *const timers[] = {
		" off (", " on (", " keepalive (", " timewait (", " probe (", " on2 (", " unkn-"
	};
	for (size_t i = 0; i < sizeof(timers) / sizeof(*timers); i++) {
		char *at = strstr(program, timers[i]);
		if (at)
			*at = '\0';
	}
}

/* "811/sshd: /usr/sbin", or "-". The program calls itself so; what follows a colon is what it says of itself. */
static bool take_program(struct pa_table *table, struct pa_table_row *row, char *program)
{
	program += strspn(program, " \t");
	if (table->has_timer)
		cut_timer(program);
	size_t length = strlen(program);
	while (length && (program[length - 1] == ' ' || program[length - 1] == '\t'))
		program[--length] = '\0';
	if (length == 0 || program[0] == '-')
		return true;
	char *slash = strchr(program, '/');
	uint64_t pid;
	if (slash)
		*slash = '\0';
	if (!slash || !pa_table_number(program, UINT32_MAX, &pid)) {
		pa_table_wrong(table, program, strlen(program), "a process (811/sshd) or - should stand here");
		return false;
	}
	const char *colon = strchr(slash + 1, ':');
	pa_table_add_process(table, row, (uint32_t)pid, slash + 1, colon ? (size_t)(colon - slash - 1) : strlen(slash + 1));
	return true;
}

void pa_table_take_netstat(struct pa_table *table, char *line)
{
	struct pa_table_row row = { 0 };
	if (!take_first_words(table, &row, &line) || !take_endpoints(table, &row, &line) || !take_state(table, &row, &line))
		return;
	if (table->has_user && !take_user(table, &row, &line))
		return;
	if (table->has_program && !take_program(table, &row, line))
		return;
	pa_table_add_row(table, &row);
}
