/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stage 3: compare what is reachable with what is declared. The catalogue of checks (check.def) and what they find.
 */
#ifndef PORTAUDIT_FINDING_H
#define PORTAUDIT_FINDING_H

#include "portaudit/evaluate.h"
#include "portaudit/policy.h"

enum pa_check_id {
#define CHECK(id, code, severity, needs, title, why) PA_CHECK_##id,
#include "portaudit/check.def"
#undef CHECK
	PA_CHECK_COUNT
};

/* What a check needs to know: it is "not assessed" without it. */
enum { PA_NEEDS_RULESET = 1, PA_NEEDS_POLICY = 2, PA_NEEDS_SOCKETS = 4, PA_NEEDS_FILES = 8, PA_NEEDS_HOST = 16 };
/* Beside them: runs only when the policy says `check ID on` or --check names it. */
enum { PA_OPT_IN = 64 };

struct pa_check_info {
	const char *code; /* "PA-EXP-001" */
	enum pa_severity severity;
	unsigned needs;
	const char *title; /* what is wrong when it fails: "a new connection gets in that no allow covers" */
	const char *why;   /* why that matters, one or two sentences */
};
const struct pa_check_info *pa_check_info(enum pa_check_id check);
bool pa_check_find(const char *code, enum pa_check_id *ret_check); /* "PA-EXP-001", "EXP-001", any case */
bool pa_check_known(const char *code);

struct pa_suggestion;

/* One finding. Strings and arrays live in the result's arena. */
struct pa_finding {
	enum pa_check_id check;
	enum pa_severity severity;
	enum pa_certainty certainty;
	const char *message; /* one sentence: what */
	const char *fix;     /* what to change, concretely */
	const char *condition;
	bool has_row;
	struct pa_row row; /* the region, when the finding is about packets */
	bool in_both;	   /* the same region of the other family belongs to it; row.box has one */
	bool has_packet;
	struct pa_packet packet;
	const struct pa_rule **rules; /* responsible */
	size_t rule_count;
	const struct pa_statement *statement; /* of the policy, or NULL */
	const struct pa_statement *waiver;    /* the `waive` that hides it; NULL: it counts */
	bool known;			      /* the baseline has it: it does not count */
	char fingerprint[33];		      /* 128 bits in hex, of the check and the normalised region */
	bool has_region;		      /* it speaks of a set of packets: */
	enum pa_path region_path;
	pa_set region;				/* as they arrive, in the space of the evaluation */
	const struct pa_suggestion *suggestion; /* repair.h; NULL: nobody asked for one */
};

enum pa_check_status {
	PA_STATUS_PASSED,
	PA_STATUS_FAILED,
	PA_STATUS_WAIVED,	/* failed, but waivers hide every finding of it */
	PA_STATUS_KNOWN,	/* failed, but the baseline has every finding that no waiver hides */
	PA_STATUS_NOT_ASSESSED, /* facts are missing, or it does not exist yet; reason says which */
	PA_STATUS_OFF,		/* switched off by the policy or --check */
};
struct pa_check_result {
	enum pa_check_status status;
	const char *reason;
};

/* What became of one statement of the policy, for reports that show passing ones too. */
struct pa_statement_result {
	const struct pa_statement *statement;
	enum pa_check_status status;
	const char *reason; /* NOT_ASSESSED: why */
};

/* A finding of an earlier result (`check --format json`). */
struct pa_known_finding {
	const char *check; /* its code */
	enum pa_severity severity;
	const char *message;
	const char *fingerprint;
	bool waived; /* it was: it is not known, for a waiver ends */
};
/* An earlier result as a baseline. Strings live in the arena. */
struct pa_baseline {
	struct pa_arena *arena;
	const char *name; /* of its file */
	bool complete;	  /* the audit was */
	struct pa_known_finding *findings;
	size_t finding_count;
};

struct pa_result {
	struct pa_arena *arena;
	struct pa_finding *findings; /* sorted: severity from critical down, then check, then region */
	size_t finding_count;
	/* Those that a waiver hides, sorted alike. They are not among `findings` and do not count. */
	const struct pa_finding *waived;
	size_t waived_count;
	/* Those that the baseline has, sorted alike; neither among `findings` nor among `waived`. */
	const struct pa_finding *known;
	size_t known_count;
	const char *baseline; /* the name of the result that they are known from; NULL: there is none */
	/* What the baseline has and is not found any more, of checks that were assessed; in its order. */
	const struct pa_known_finding **vanished;
	size_t vanished_count;
	struct pa_check_result checks[PA_CHECK_COUNT];
	struct pa_statement_result *statements;
	size_t statement_count;
	const char **not_assessed; /* sentences about the run: "`listen` in allow.conf:12 is not assessed: ..." */
	size_t not_assessed_count;
};

struct pa_difference;
struct pa_session_fate;

/* Another ruleset that the audited one is held against. */
struct pa_beside {
	const char *name; /* "/etc/nftables.conf"; NULL: there is none, and `missing` says why */
	const char *missing;
	const char *failed;			/* it could not be read: why */
	const struct pa_difference *difference; /* of a pair with the audited ruleset */
};
struct pa_scan; /* scan.h */

struct pa_compare_options {
	const char *const *only_checks; /* --check; NULL-terminated, or NULL: all */
	bool allow_unknown;
	bool policy_alone;		       /* there is no ruleset: do not speak of what a waiver hides */
	int64_t now;			       /* seconds since 1970 UTC: decides which waivers have expired */
	const struct pa_beside *saved;	       /* what boot loads: the second ruleset of the pair; or NULL */
	const struct pa_beside *baseline;      /* recorded before: the first ruleset of the pair; or NULL */
	const struct pa_baseline *known;       /* an earlier result; or NULL */
	const struct pa_session_fate *session; /* or NULL */
	const struct pa_scan *scan;	       /* --scan; or NULL */
};

/* The cuts that the policy's regions need, to be given to pa_evaluate(). Allocated in *arena. */
size_t pa_policy_cuts(const struct pa_policy *policy, const struct pa_host *host, const struct pa_ruleset *ruleset,
		      struct pa_arena *arena, struct pa_cut **ret_cuts);

/* The cuts that a scan (scan.h) needs: its ports, this host's addresses in it, its sender. */
size_t pa_scan_cuts(const struct pa_scan *scan, const struct pa_host *host, struct pa_arena *arena, struct pa_cut **ret_cuts);
/* Listeners that no row reaches from outside. */
struct pa_unreached {
	const struct pa_listener **loopback; /* on loopback alone */
	size_t loopback_count;
	const struct pa_listener **refused; /* the rules refuse what is sent to them */
	size_t refused_count;
};
/* Give each row its facts; the rows are all there are. host->sockets NULL: nothing is said of listeners. In *arena. */
void pa_join_listeners(struct pa_row *rows, size_t count, const struct pa_host *host, const struct pa_policy *policy,
		       struct pa_arena *arena, struct pa_unreached *ret_unreached);

/* policy may be NULL: then the checks that need none. Never fails; a check that cannot run is NOT_ASSESSED. */
struct pa_result *pa_compare(struct pa_evaluation *evaluation, const struct pa_ruleset *ruleset, const struct pa_host *host,
			     const struct pa_policy *policy, const struct pa_compare_options *options);
/*
 * lint: the policy held against itself; warnings are added to diags. `evaluation` is that of a ruleset without rules, with the cuts of
 * the policy.
 */
void pa_policy_lint(struct pa_evaluation *evaluation, const struct pa_ruleset *ruleset, const struct pa_host *host,
		    const struct pa_policy *policy, struct pa_diags *diags);
struct pa_result *pa_result_free(struct pa_result *result);

#endif
