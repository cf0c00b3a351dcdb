/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Repairs: one edit of the ruleset that closes one finding and changes nothing else, proved by evaluating the edited ruleset.
 *
 * An edit is data, not text: reports/ writes it in the words of nft or iptables, and audit/repair carries it out on a copy of the ruleset.
 */
#ifndef PORTAUDIT_REPAIR_H
#define PORTAUDIT_REPAIR_H

#include "portaudit/finding.h"

enum pa_edit_kind {
	PA_EDIT_DELETE, /* the rule */
	PA_EDIT_NARROW, /* the rule: it is replaced by `rules`, which ask more */
	PA_EDIT_MOVE,	/* the rule to the place before `before` */
	PA_EDIT_INSERT, /* `rules`, before `before` or at the end of the chain */
	PA_EDIT_POLICY, /* of the chain: drop */
};

/* One test of a rule that an edit writes. Interface names: single ones, or all that begin with something. */
struct pa_edit_test {
	enum pa_field field;
	bool negated;
	struct pa_ranges values;
	const struct pa_step
		*instead; /* NARROW: takes the place of this test of the rule, whose values hold these; NULL: is added */
};
#define PA_EDIT_TESTS_MAX 8
/* NARROW: the rule with these tests before its own. INSERT: these tests and the verdict. */
struct pa_edit_rule {
	int family; /* 4 or 6; 0: both */
	struct pa_edit_test tests[PA_EDIT_TESTS_MAX];
	size_t test_count;
	enum pa_verdict_kind verdict; /* INSERT: accept or drop */
};
#define PA_EDIT_RULES_MAX 4

struct pa_edit {
	enum pa_edit_kind kind;
	const struct pa_chain *chain;
	const struct pa_rule *rule;   /* DELETE, NARROW, MOVE: the first of its alternatives */
	const struct pa_rule *before; /* MOVE, INSERT; NULL: the end of the chain */
	struct pa_edit_rule rules[PA_EDIT_RULES_MAX];
	size_t rule_count;
};

/* An edit that was carried out on a copy and proved. */
struct pa_repair {
	struct pa_edit edit;
	const char *closes; /* all that gets in no longer, in words; NULL: nothing */
	const char *opens;  /* all that gets in now; NULL: nothing */
	bool untranslated;  /* packets of connections that exist, with the same headers, are no longer translated */
	bool exact;	    /* these are the finding's own packets, not more */
	const char *others; /* further findings that it closes: "PA-SOC-002"; NULL: none */
	const char *then;   /* findings that are there then, because less gets in: "PA-POL-003"; NULL: none */
	const struct pa_manager *manager; /* that wrote the rule, and may write it again; or NULL */
};

#define PA_REPAIRS_MAX 2
struct pa_suggestion {
	struct pa_repair repairs[PA_REPAIRS_MAX]; /* where two are given, they are different decisions: one or the other */
	size_t count;
	const char *none; /* count 0: why there is none, half a sentence */
	size_t tried;	  /* edits that were carried out and evaluated */
	size_t untried;	  /* edits that were not, because of the limit of the run */
};

/* What was audited, and how: the same as for pa_evaluate() and pa_compare(). */
struct pa_repair_options {
	struct pa_evaluation *evaluation; /* of the ruleset */
	const struct pa_policy *policy;	  /* or NULL */
	const struct pa_compare_options *compare;
	const struct pa_cut *cuts; /* besides those of the policy (a scan) */
	size_t cut_count;
};

/*
 * Give each finding of the result its suggestion (finding->suggestion, in the result's arena). What is tried is bounded by the
 * size of the ruleset, not by time: the same input gives the same suggestions.
 */
void pa_suggest(struct pa_result *result, const struct pa_ruleset *ruleset, const struct pa_host *host,
		const struct pa_repair_options *options);

#endif
