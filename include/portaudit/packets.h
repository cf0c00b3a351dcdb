/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets as users write them: JSON lines for `trace`, words for `explain`. Read in rules/packets. */
#ifndef PORTAUDIT_PACKETS_H
#define PORTAUDIT_PACKETS_H

#include "portaudit/evaluate.h"

/* A line of a packets file. */
struct pa_packet_line {
	struct pa_location where;
	struct pa_packet packet;
	bool path_known;
	const char *id_json; /* the id as JSON text: `7`, `"web-1"`; `null` when there is none */
	bool has_expect;
	enum pa_fate expect; /* `expect` without a path ("drop") leaves expect_path_known false */
	bool expect_path_known;
	enum pa_path expect_path;
	const char *expect_text;
};
struct pa_packet_file {
	struct pa_arena *arena;
	struct pa_packet_line *lines;
	size_t count;
};

/* Read all packets of a file ("-": standard input). Every error of the file goes to diags (INPUT), then NULL. */
struct pa_packet_file *pa_packets_load(const char *path, struct pa_diags *diags);
struct pa_packet_file *pa_packets_parse(const char *text, size_t length, const char *name, struct pa_diags *diags);
struct pa_packet_file *pa_packets_free(struct pa_packet_file *file);

/*
 * `3306/tcp from 203.0.113.7 port 40000 to 192.0.2.1 on eth0`: words of the policy language. What is not said stays open, except
 * what a first packet is: TCP SYN, a new connection, marks 0. Several packets when no family is named: one for each.
 */
#define PA_EXPLAIN_MAX 2
size_t pa_explain_parse(const char *const *words, size_t count, struct pa_packet ret_packets[PA_EXPLAIN_MAX],
			bool *ret_path_known, struct pa_diags *diags); /* 0: diags says why */

#endif
