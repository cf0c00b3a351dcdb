/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line of ss(8): [Netid] State Recv-Q Send-Q Local:Port Peer:Port, then what -p, -e, -i and -m add. Netid is there when more
 * than one kind of socket was asked for.
 */
#include <netinet/in.h>
#include <string.h>

#include "table.h"

/* The number behind a key in "pid=811,fd=3", up to ',' or ')'. false: there is none. */
static bool field_number(const char *text, const char *end, const char *key, uint64_t most, uint64_t *ret_number)
{
	size_t length = strlen(key);
	for (const char *at = text; at && at < end; at = memchr(at, ',', (size_t)(end - at)), at = at ? at + 1 : NULL) {
		if ((size_t)(end - at) <= length || strncmp(at, key, length) != 0)
			continue;
		char digits[24] = "";
		size_t count = strcspn(at + length, ",)");
		if (count >= sizeof(digits))
			return false;
		memcpy(digits, at + length, count);
		return pa_table_number(digits, most, ret_number);
	}
	return false;
}

/* ("sshd",pid=811,fd=3), or ("sshd",811,3) of an older ss. Returns what is behind it, or NULL. */
static const char *take_process(struct pa_table *table, struct pa_table_row *row, const char *text)
{
	if (strncmp(text, "(\"", 2) != 0)
		return NULL;
	const char *command = text + 2, *quote = command;
	/* A command may hold quotes and commas. */
	while ((quote = strstr(quote, "\",")) && strncmp(quote + 2, "pid=", 4) != 0 && (quote[2] < '0' || quote[2] > '9'))
		quote++;
	const char *end = quote ? strchr(quote, ')') : NULL;
	uint64_t pid;
	if (!end ||
	    !(field_number(quote + 2, end, "pid=", UINT32_MAX, &pid) || field_number(quote + 2, end, "", UINT32_MAX, &pid)))
		return NULL;
	pa_table_add_process(table, row, (uint32_t)pid, command, (size_t)(quote - command));
	return end + 1;
}

/* users:(("sshd",pid=811,fd=3),("systemd",pid=1,fd=50)); returns what is behind it, or NULL with an error. */
static char *take_users(struct pa_table *table, struct pa_table_row *row, char *users)
{
	const char *at = users + strlen("users:(");
	while (at && *at != ')') {
		at = take_process(table, row, at);
		if (at && *at == ',')
			at++;
	}
	if (!at) {
		pa_table_wrong(table, users, strlen(users), "this is not a list of processes as ss writes it");
		return NULL;
	}
	return users + (at - users) + 1;
}

/* Words that -e adds; other words (timer:, sk:, cwnd: ...) say nothing about who listens. */
static bool take_detail(struct pa_table *table, struct pa_table_row *row, const char *word)
{
	uint64_t number;
	bool good = true;
	if (strncmp(word, "uid:", 4) == 0) {
		good = row->uid_known = pa_table_number(word + 4, UINT32_MAX, &number);
		row->uid = good ? (uint32_t)number : 0;
	} else if (strncmp(word, "ino:", 4) == 0) {
		good = pa_table_number(word + 4, UINT64_MAX, &row->inode);
	} else if (strncmp(word, "cgroup:", 7) == 0) {
		row->cgroup = word[7] == '/' ? pa_arena_strdup(table->sockets->arena, word + 7) : NULL;
	} else if (strncmp(word, "v6only:", 7) == 0) {
		good = pa_table_number(word + 7, 1, &number);
		row->v6only = good && number ? PA_YES : PA_NO;
	}
	if (!good)
		pa_table_wrong(table, word, strlen(word), "'%s' holds no such number", word);
	return good;
}

static bool take_details(struct pa_table *table, struct pa_table_row *row, char *rest)
{
	bool has_inode = false;
	while (rest && *(rest += strspn(rest, " \t"))) {
		if (strncmp(rest, "users:((", 8) == 0) {
			rest = take_users(table, row, rest);
			if (!rest)
				return false;
			continue;
		}
		const char *word = pa_table_word(&rest);
		if (!word)
			break;
		has_inode = has_inode || strncmp(word, "ino:", 4) == 0;
		if (!take_detail(table, row, word))
			return false;
	}
	/* ss -e leaves uid: out for root. */
	if (has_inode && !row->uid_known)
		row->uid_known = true;
	return true;
}

/* Without Netid the state tells: nothing else in this format does. */
static void guess_protocol(struct pa_table_row *row)
{
	row->kind = PA_ROW_PLAIN;
	row->protocol = row->state == PA_ROW_UNCONNECTED ? IPPROTO_UDP : IPPROTO_TCP;
}

static bool take_first_words(struct pa_table *table, struct pa_table_row *row, char **line)
{
	char *word = pa_table_word(line);
	if (word && table->has_protocol) {
		if (!pa_table_protocol(word, row)) {
			pa_table_wrong(table, word, strlen(word), "unknown kind of socket '%s'", word);
			return false;
		}
		if (row->kind == PA_ROW_OTHER)
			return false;
		word = table->has_state ? pa_table_word(line) : NULL;
	}
	if (!table->has_state) { /* one state was asked for; without a peer it is that of a listener */
		row->state = PA_ROW_CONNECTED;
		return true;
	}
	if (!word || !pa_table_state(word, &row->state)) {
		const char *shown = word ? word : table->text;
		pa_table_wrong(table, shown, strlen(shown), "'%s' is not the state of a socket", shown);
		return false;
	}
	if (!table->has_protocol)
		guess_protocol(row);
	return true;
}

static bool skip_number(struct pa_table *table, char **line)
{
	uint64_t number;
	const char *word = pa_table_word(line);
	if (word && pa_table_number(word, UINT64_MAX, &number))
		return true;
	const char *shown = word ? word : table->text;
	pa_table_wrong(table, shown, strlen(shown), "a number (Recv-Q, Send-Q) should stand here");
	return false;
}

static bool take_endpoints(struct pa_table *table, struct pa_table_row *row, char **line)
{
	char *local = pa_table_word(line), *peer = local ? pa_table_word(line) : NULL;
	if (!peer) {
		pa_table_wrong(table, table->text, strlen(table->text),
			       "the line ends too early: a local and a peer address are missing");
		return false;
	}
	return pa_table_endpoint(table, local, row->kind == PA_ROW_RAW, &row->local) &&
	       pa_table_endpoint(table, peer, row->kind == PA_ROW_RAW, &row->peer);
}

void pa_table_take_ss(struct pa_table *table, char *line)
{
	struct pa_table_row row = { 0 };
	/* The options -i and -m write lines of their own below a socket. */
	if (line[0] == ' ' || line[0] == '\t')
		return;
	if (!take_first_words(table, &row, &line) || !skip_number(table, &line) || !skip_number(table, &line) ||
	    !take_endpoints(table, &row, &line) || !take_details(table, &row, line))
		return;
	if (!table->has_state && row.peer.any_port)
		row.state = row.protocol == IPPROTO_TCP ? PA_ROW_LISTENS : PA_ROW_UNCONNECTED;
	pa_table_add_row(table, &row);
}
