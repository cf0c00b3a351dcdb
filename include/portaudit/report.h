/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stage 4: text for people and documents for machines, from plain data. A writer appends the whole document to a
 * buffer; pa_report_write() puts it on a stream or atomically into a file. No writer decides anything: what is a finding, and
 * how severe, was decided before.
 */
#ifndef PORTAUDIT_REPORT_H
#define PORTAUDIT_REPORT_H

#include "portaudit/difference.h"
#include "portaudit/finding.h"

/* Everything a report may speak of. Pointers are borrowed. */
struct pa_report {
	const char *version; /* of portaudit */
	const char *command; /* "check" or "list" */
	const char *host;    /* name of the host audited, or "offline" */
	int64_t now;	     /* seconds since 1970 UTC: --now, SOURCE_DATE_EPOCH or the clock */
	double seconds;	     /* how long the audit took; 0 when the run must be reproducible */
	const struct pa_ruleset *ruleset;
	const struct pa_policy *policy; /* or NULL */
	const struct pa_result *result; /* NULL for list */
	const struct pa_row *rows;
	size_t row_count;
	bool rows_cut;			  /* more rows than shown */
	const struct pa_sockets *sockets; /* NULL: not looked at */
	struct pa_unreached unreached;	  /* listeners that no row reaches; only where there are rows */
	bool complete;
	const char *const *incomplete; /* sentences: why the audit is not complete */
	size_t incomplete_count;
	const struct pa_opaque *opaques;
	size_t opaque_count;
	bool no_firewall; /* no base chain filters anything: everything is reachable */
	enum pa_severity fail_on;
};

struct pa_style {
	bool color;
	unsigned width; /* of the terminal in columns; 0: do not fold */
	bool quiet;	/* findings and summary only */
	bool verbose;
};

enum pa_format {
#define FORMAT(id, name, writer, difference, description) PA_FORMAT_##id,
#include "portaudit/format.def"
#undef FORMAT
	PA_FORMAT_COUNT
};
bool pa_format_parse(const char *name, enum pa_format *ret_format);
const char *pa_format_name(enum pa_format format);

/* Append the report in a format. false: the library failed (memory, libxml2), nothing usable was written. */
bool pa_report_format(enum pa_format format, const struct pa_report *report, const struct pa_style *style,
		      struct pa_buffer *out);

/*
 * init: a policy that allows what the rows say is reachable, for a person to go through. `host` may be NULL. It is in the words
 * of portaudit-allow(5), with FIXME for what only a person knows.
 */
void pa_report_policy(const struct pa_report *report, const struct pa_host *host, struct pa_buffer *out);
/* Everything that a report on two rulesets may speak of. Pointers are borrowed. */
struct pa_difference_report {
	const char *version; /* of portaudit */
	const char *host;
	int64_t now;
	double seconds;
	const struct pa_ruleset *rulesets[2];
	const struct pa_policy *policy; /* or NULL */
	const struct pa_difference *difference;
	bool complete;
	const char *const *incomplete;
	size_t incomplete_count;
	const struct pa_session_fate *session; /* or NULL: nobody asked */
};
/* The same for two rulesets. A format that has no such report: false, and nothing is written. */
bool pa_report_difference(enum pa_format format, const struct pa_difference_report *report, const struct pa_style *style,
			  struct pa_buffer *out);
/* Does the format have one? */
bool pa_format_has_difference(enum pa_format format);

/* explain: the walk of one packet, for people. */
void pa_report_walk(const struct pa_walk *walk, const struct pa_packet *packet, const struct pa_style *style,
		    struct pa_buffer *out);
/* trace: one verdict line (JSON, CLI.md "Verdicts"). id_json: the packet's id as JSON text. */
bool pa_report_verdict(const struct pa_walk *walk, const struct pa_packet *packet, const char *id_json, struct pa_buffer *out);

/* One packet of `trace` with what was expected of it, for people and for CI. Pointers are borrowed. */
struct pa_trace_case {
	struct pa_location where; /* of its line */
	const char *id_json;	  /* as the file says it: `7`, `"web-1"`; `null`: none */
	const struct pa_packet *packet;
	bool has_expect, met;
	const char *expect_text;      /* "drop" */
	const char *fate;	      /* "in-accept" */
	const char *condition;	      /* of "depends" */
	const struct pa_rule *rule;   /* that decided */
	const struct pa_chain *chain; /* whose policy decided, when no rule did; both NULL: it is not one place */
};
/* Take down what became of a packet; strings are copied into the arena. */
struct pa_trace_case pa_trace_case_make(const struct pa_walk *walk, struct pa_arena *arena);
/* TAP (https://testanything.org): "ok 1 - web-1: tcp ... is in-accept". Packets without an expectation are skipped tests. */
void pa_report_trace_text(const struct pa_trace_case *cases, size_t count, struct pa_buffer *out);
/* JUnit XML in the same strict form as reports; `report` says host, time and sources. false: the library failed. */
bool pa_report_trace_junit(const struct pa_trace_case *cases, size_t count, const struct pa_report *report,
			   struct pa_buffer *out);

/* Diagnostics as a good compiler prints them: place, message, source line, caret, help. */
void pa_report_diags(const struct pa_diags *diags, const struct pa_style *style, struct pa_buffer *out);

/* A packet in words: "tcp 198.51.100.7:40000 -> 192.0.2.1:3306 on eth0". */
void pa_phrase_packet(const struct pa_packet *packet, struct pa_buffer *out);
/* A region in words: "3306/tcp from 10.0.0.0/8 on eth0 (IPv4)". */
void pa_phrase_row(const struct pa_row *row, struct pa_buffer *out);
/* The same of the row of a finding, which may speak of both families. */
void pa_phrase_traffic(const struct pa_finding *finding, struct pa_buffer *out);
/* A rule's place: "inet filter input handle 5" or "rules.nft:12". */
void pa_phrase_place(const struct pa_rule *rule, struct pa_buffer *out);

/*
 * Write a document to `path` ("-" is standard output). A regular target is replaced atomically (O_EXCL|O_NOFOLLOW file beside
 * it, fsync, rename); an existing report survives every failure; symbolic links and folders are refused. false: diags says why.
 */
bool pa_report_write(const char *path, const struct pa_buffer *document, struct pa_diags *diags);

/* Text that came from outside (comments, names), safe for a terminal: control bytes and broken UTF-8 become \xNN. */
void pa_text_escape(const char *text, struct pa_buffer *out);
/* The same for XML: characters that XML 1.0 forbids become \xNN; the result is valid UTF-8. */
void pa_text_escape_xml(const char *text, struct pa_buffer *out);

#endif
