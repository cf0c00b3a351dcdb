/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects of SARIF 2.1.0 that several documents share. */
#ifndef PORTAUDIT_REPORTS_SARIF_PARTS_H
#define PORTAUDIT_REPORTS_SARIF_PARTS_H

#include "json_writer.h"
#include "portaudit/report.h"

/* What SARIF calls a rule: a kind of result. */
struct pa_sarif_kind {
	const char *id, *title, *why;
	enum pa_severity severity;
};

/* A document with one run. */
struct pa_sarif_run {
	const char *id;	     /* of the kind of run: "portaudit/check/" */
	const char *version; /* of portaudit */
	struct pa_sarif_kind (*kind)(size_t index);
	size_t kind_count; /* all there are, so that an index is the same in every run of a version */
	bool complete;
	const char *const *incomplete;
	size_t incomplete_count;
};
/* The document as far as its results, and its end. */
void pa_sarif_open(struct pa_json *json, const struct pa_sarif_run *run);
void pa_sarif_close(struct pa_json *json);

/* A result as far as its message; `kind` is that of the index, with the severity of this result. The caller closes it. */
void pa_sarif_open_result(struct pa_json *json, const struct pa_sarif_kind *kind, size_t index, const char *message);
void pa_sarif_fingerprint(struct pa_json *json, const char *fingerprint);

/* Where code scanning sorts by, and the level. */
const char *pa_sarif_score(enum pa_severity severity);
const char *pa_sarif_level(enum pa_severity severity);
void pa_sarif_message(struct pa_json *json, const char *key, const char *text);

/* Locations: of a rule, of the policy of a base chain, of a statement of allow.conf, of a ruleset as a whole (live: none). */
void pa_sarif_rule(struct pa_json *json, const struct pa_rule *rule);
void pa_sarif_chain(struct pa_json *json, const struct pa_chain *chain);
void pa_sarif_statement(struct pa_json *json, const struct pa_statement *statement);
void pa_sarif_source(struct pa_json *json, const struct pa_ruleset *ruleset);
/* "physicalLocation" of a place in a file. */
void pa_sarif_physical(struct pa_json *json, const struct pa_location *where);

#endif
