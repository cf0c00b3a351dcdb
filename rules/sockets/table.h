/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside rules/sockets: a table of ss(8) or netstat(8) while it is read. */
#ifndef PORTAUDIT_SOCKETS_TABLE_H
#define PORTAUDIT_SOCKETS_TABLE_H

#include "portaudit/socket.h"

enum pa_row_kind { PA_ROW_PLAIN, PA_ROW_MULTIPATH, PA_ROW_RAW, PA_ROW_OTHER };
enum pa_row_state { PA_ROW_LISTENS, PA_ROW_UNCONNECTED, PA_ROW_CONNECTED, PA_ROW_TIME_WAIT };

/* "192.0.2.1%eth0:22" */
struct pa_endpoint {
	int family;	   /* 4, 6 or, for "*", 0 */
	bool any_address;  /* 0.0.0.0, :: or * */
	bool has_brackets; /* [::1]: a newer ss wrote it */
	pa_u128 address;
	const char *interface; /* or NULL */
	bool any_port;	       /* "*": there is no port */
	unsigned port;
	bool is_mapped;	  /* written as an IPv4-mapped address */
	bool cut;	  /* the column may have been too narrow for it: what is here may be wrong */
	const char *text; /* where it stands in the line */
	size_t length;
};

/* One row, as far as it says something. */
struct pa_table_row {
	enum pa_row_kind kind;
	unsigned protocol;
	bool names_ipv6; /* netstat: tcp6, udp6 ... */
	enum pa_row_state state;
	struct pa_endpoint local, peer;
	enum pa_tristate v6only;
	bool uid_known;
	uint32_t uid;
	const char *user; /* in place of uid, where the text has a name */
	uint64_t inode;
	const char *cgroup;
	struct pa_process *processes;
	size_t process_count;
};

/* A text while it is read. Strings are in the arena of `sockets`. */
struct pa_table {
	const char *name;
	struct pa_sockets *sockets;
	struct pa_diags *diags;
	size_t error_count;
	uint32_t line;	    /* number of the line, from 1 */
	char *text;	    /* the line, which is taken apart in place */
	const char *source; /* the line as it was */
	/* What the head of the table says. */
	bool is_netstat, has_head;
	bool has_protocol, has_state, has_user, has_program, has_timer; /* columns */
	bool has_connections, has_only_connections;			/* "(servers and established)"; "(w/o servers)" */
	bool stops;							/* the head is wrong: the lines behind it say nothing */
	bool skips;							/* in the part about UNIX sockets or Bluetooth */
	bool hides_processes;						/* netstat said so */
	struct pa_table_row *rows;
	size_t row_count, row_capacity;
};

/* An error at `length` bytes of the line from `at` on (inside table->text). */
__attribute__((format(printf, 4, 5))) struct pa_diag *pa_table_wrong(struct pa_table *table, const char *at, size_t length,
								     const char *format, ...);

/* The next word of a line, ended by NUL in place; *line moves behind it. NULL: there is none. */
char *pa_table_word(char **line);
/* The row of table_protocol.def; false: the word is none of it. */
bool pa_table_protocol(const char *word, struct pa_table_row *row);
/* The state that a word names, in the spelling of either program; false: it is none. */
bool pa_table_state(const char *word, enum pa_row_state *ret_state);
/* "192.0.2.1%eth0:22". false: an error was added. What netstat may have cut off is no error, but `cut`. */
bool pa_table_endpoint(struct pa_table *table, char *word, bool raw, struct pa_endpoint *ret_endpoint);
bool pa_table_number(const char *text, uint64_t most, uint64_t *ret_number);

/* One line of a table: adds a row, or an error. */
void pa_table_take_ss(struct pa_table *table, char *line);
void pa_table_take_netstat(struct pa_table *table, char *line);
void pa_table_add_row(struct pa_table *table, const struct pa_table_row *row);
/* Adds a process to a row. */
void pa_table_add_process(struct pa_table *table, struct pa_table_row *row, uint32_t pid, const char *command, size_t length);

/* Fills table->sockets from the rows (build.c). */
void pa_table_build(struct pa_table *table);

#endif
