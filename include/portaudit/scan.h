/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a port scanner saw from outside: the XML of `nmap -oX` (masscan writes the same). Read in rules/scan; audit/compare holds
 * it against the analysis. What the words mean is in nmap(1), "Port scanning basics".
 */
#ifndef PORTAUDIT_SCAN_H
#define PORTAUDIT_SCAN_H

#include "portaudit/base.h"

enum pa_scan_state {
	PA_SCAN_OPEN,	  /* something answered as a service does: the packet got in, and its answer out */
	PA_SCAN_CLOSED,	  /* refused by a TCP reset or an ICMP port unreachable: the host, or a rule that rejects in that way */
	PA_SCAN_FILTERED, /* nothing came back, or an ICMP error that a filter sends */
	PA_SCAN_UNFILTERED, /* an ACK was answered by a reset */
	PA_SCAN_UNCERTAIN,  /* open|filtered, closed|filtered: nmap could not tell */
};

/* What the scanner sent. */
enum pa_scan_probe {
	PA_PROBE_NEW,	/* an ordinary first packet: SYN, a datagram, INIT */
	PA_PROBE_ACK,	/* a lone ACK */
	PA_PROBE_OTHER, /* FIN, null, Xmas, idle, forged checksums ...: says nothing of new connections */
};

/* Ports of one host that fared alike. */
struct pa_scan_answer {
	unsigned protocol; /* 6, 17, 132 */
	enum pa_scan_state state;
	enum pa_scan_probe probe;
	const char *reason;	   /* as nmap names it: "syn-ack", "no-response"; "" when it does not say */
	struct pa_interval *ports; /* sorted, disjoint */
	size_t count;
	struct pa_location where; /* the first of them */
};

struct pa_scan_host {
	int family;
	pa_u128 address;
	bool from_itself; /* the scanner ran on this host: its packets came over lo */
	struct pa_location where;
	struct pa_scan_answer *answers;
	size_t answer_count;
	size_t unnamed; /* ports that are counted in the file, but not named */
};

struct pa_scan {
	struct pa_arena *arena;
	const char *file;
	const char *scanner; /* "nmap" */
	int64_t start;	     /* seconds since 1970 UTC; 0: not told */
	bool source_known;   /* -S in the scanner's arguments, or pa_scan_set_source() */
	int source_family;
	pa_u128 source;
	unsigned source_port; /* -g; 0: any */
	struct pa_scan_host *hosts;
	size_t host_count;
};

/*
 * Read a file ("-": standard input), or text. NULL: diags says what is wrong, and where (INPUT). Nothing but the text itself is read:
 * no DTD, no network; a document that declares entities is refused.
 */
struct pa_scan *pa_scan_load(const char *path, struct pa_diags *diags);
struct pa_scan *pa_scan_parse(const char *text, size_t length, const char *name, struct pa_diags *diags);
struct pa_scan *pa_scan_free(struct pa_scan *scan);

#endif
