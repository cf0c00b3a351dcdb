/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stage 3 for two rulesets: what a change opens, closes and changes, in regions that a reader can check, each with an example packet
 * and the rules that decide it before and after.
 */
#ifndef PORTAUDIT_DIFFERENCE_H
#define PORTAUDIT_DIFFERENCE_H

#include "portaudit/finding.h"

/* What the policy says of a change. */
enum pa_change_verdict {
	PA_CHANGE_UNJUDGED,	/* there is no policy */
	PA_CHANGE_FITS,		/* the policy allows what is opened, requires nothing of what is closed */
	PA_CHANGE_UNDECLARED,	/* opens what no `allow` covers */
	PA_CHANGE_DENIED,	/* opens what a `deny` forbids */
	PA_CHANGE_REQUIRED,	/* closes what a `require` needs */
	PA_CHANGE_NOT_ASSESSED, /* a fact of the host is missing: counts as a violation */
};

/* Who decided about a packet. */
struct pa_decision {
	enum pa_fate fate;
	const struct pa_rule *rule;   /* the rule that refused or accepted; NULL: */
	const struct pa_chain *chain; /* the policy of this base chain did; NULL: nothing refused it, or it is not known */
	const char *condition;	      /* DEPENDS: on what */
};

/* One change: rows that the same rules decide, before and after. */
struct pa_change {
	enum pa_delta_kind kind;
	enum pa_path path;
	enum pa_scenario scenario; /* what conntrack calls these packets */
	unsigned also;		   /* bit n: packets of these rows in scenario n fare otherwise in the same way, too */
	enum pa_presence before, after;
	const char *condition_before, *condition_after; /* SOMETIMES: on what it depends */
	bool has_old_target;				/* FATE: where NAT sent the packets before; rows say where now */
	struct pa_target old_target;
	pa_u128 fields; /* FATE: which header fields and marks leave with another value, a bit each */
	const struct pa_row *rows;
	size_t row_count;
	struct pa_packet example;
	struct pa_decision old, new;
	enum pa_change_verdict verdict;
	const struct pa_statement *statement; /* of the policy: the one that decides; or NULL */
};

struct pa_difference {
	struct pa_arena *arena;
	struct pa_change *changes; /* what opens, then what closes, then the rest; notes (PA_DELTA_ANSWER) last */
	size_t change_count;
	size_t note_count;	/* the last ones of them: no packet gets in or out otherwise */
	size_t violation_count; /* changes that the policy does not allow */
	const char **unknown;	/* what the difference depends on and is not understood */
	size_t unknown_count;
	const char **notes; /* sentences about what is not a matter of single packets (flowtables) */
	size_t sentence_count;
};

/* No packet fares otherwise. */
bool pa_difference_is_same(const struct pa_difference *difference);

/*
 * Compare a pair (pa_evaluate_pair(), with the cuts of the policy for the second ruleset). Policy may be NULL. The pair and the
 * rulesets must outlive the result. NULL: the space failed, diags says so.
 */
struct pa_difference *pa_compare_pair(struct pa_evaluation *const pair[2], const struct pa_ruleset *const rulesets[2],
				      const struct pa_host *host, const struct pa_policy *policy, struct pa_diags *diags);
struct pa_difference *pa_difference_free(struct pa_difference *difference);

/*
 * The administrator's own connection: would its packets still pass, and could it be opened again? Addresses as they arrive here.
 */
struct pa_session {
	int family;
	pa_u128 client, server;
	unsigned client_port, server_port;
};
enum pa_session_packet { PA_SESSION_SYN, PA_SESSION_TO_SERVER, PA_SESSION_TO_CLIENT, PA_SESSION_PACKETS };
struct pa_session_fate {
	struct pa_session session;
	struct pa_packet packet[PA_SESSION_PACKETS];
	struct pa_decision decision[PA_SESSION_PACKETS]; /* of a new connection, of the flow that exists, and of its replies */
	bool lost;   /* some packet of the flow, or a new connection, does not pass for sure */
	bool unsure; /* not lost, but it depends */
};
/* "198.51.100.7:40000->192.0.2.1:22", "[2001:db8::7]:40000->[2001:db8::1]:22" */
bool pa_session_parse(const char *text, struct pa_session *ret_session);
/* What ssh says: "198.51.100.7 40000 192.0.2.1 22" (SSH_CONNECTION) */
bool pa_session_parse_ssh(const char *text, struct pa_session *ret_session);
void pa_session_follow(const struct pa_ruleset *ruleset, const struct pa_host *host, const struct pa_session *session,
		       struct pa_arena *arena, struct pa_session_fate *ret_fate);

/* Some packet of the flow may be refused, or a new connection will be: a reason to stop. A limit of new connections is none. */
bool pa_session_fails(const struct pa_session_fate *fate);

const char *pa_scenario_name(enum pa_scenario scenario); /* "new", "established", "reply", "related", "invalid", "untracked" */

#endif
