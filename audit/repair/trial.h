/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the room of repairs: candidates.c says which edits may do, apply.c makes them on a copy, proof.c judges, suggest.c chooses. */
#ifndef REPAIR_TRIAL_H
#define REPAIR_TRIAL_H

#include "../compare/compare.h"
#include "portaudit/repair.h"

/* Edits that may be tried, in this order. */
enum edit {
	MOVE = 1 << 0,
	TWIN = 1 << 1, /* the same over the other family */
	OPEN = 1 << 2, /* a rule that accepts what a statement of the policy names */
	OPEN_LOOPBACK = 1 << 3,
	OPEN_REPLIES = 1 << 4,
	OPEN_NEIGHBOURS = 1 << 5,
	REFUSE_INVALID = 1 << 6,
	DELETE = 1 << 7,
	NARROW = 1 << 8,
	CLOSE_POLICY = 1 << 9,
	STATES = 1 << 11, /* a negated test of the state becomes one that names states */
	EXCEPT = 1 << 10, /* a rule before the accepting one that refuses the finding's packets */
};
/* What an edit may do to packets. */
enum effect { NOTHING = 0, CLOSE = 1, OPEN_UP = 2 };
/* Which packets are the finding's own. */
enum scope {
	SCOPE_NONE,
	SCOPE_REGION,	 /* its region, in whatever state conntrack sees the packets */
	SCOPE_STATEMENT, /* what its statement of the policy speaks of */
	SCOPE_SERVICE,	 /* V6_001: its region, and the same services over the other family */
	SCOPE_PATH,	 /* what begins something on its path */
	SCOPE_LOOPBACK,
	SCOPE_REPLIES, /* packets of connections that exist */
	SCOPE_ICMPV6,
	SCOPE_ALL, /* whatever it is, it is told */
};
struct aim {
	enum pa_check_id check;
	unsigned edits, effects;
	enum scope scope;
};
/* NULL: no edit of the rules is for this check. */
const struct aim *repair_aim(enum pa_check_id check);

struct repairing {
	struct pa_result *result;
	const struct pa_ruleset *ruleset;
	const struct pa_host *host;
	const struct pa_repair_options *options;
	struct pa_arena *arena;	  /* of the result */
	struct pa_arena *scratch; /* of the finding at hand */
	uint64_t work_left;
};

/* --- candidates.c, narrow.c, insert.c ---------------------------------------------------------------------------------- */
#define CANDIDATES_MAX 24
struct candidates {
	struct pa_edit *items[CANDIDATES_MAX];
	unsigned kinds[CANDIDATES_MAX]; /* enum edit */
	size_t count;
	size_t untried; /* that there was no room for */
};
void candidates_find(struct repairing *r, const struct pa_finding *finding, const struct aim *aim, struct candidates *out);
void candidates_add(struct repairing *r, struct candidates *out, enum edit kind, const struct pa_edit *edit);
/* The first of the alternatives that one rule of the administrator was taken apart into. */
const struct pa_rule *repair_whole_rule(const struct pa_rule *rule);
/* Ask of the rule what the packets have in common that it lets in and that are none of the finding. */
void narrow_find(struct repairing *r, const struct pa_finding *finding, const struct pa_rule *rule, struct candidates *out);
void insert_find(struct repairing *r, const struct pa_finding *finding, const struct aim *aim, struct candidates *out);
/* Refuse the packets before the rule that accepts them. */
void except_find(struct repairing *r, const struct pa_finding *finding, struct candidates *out);

/* --- boxes.c: sets of packets as tests --------------------------------------------------------------------------------- */
/* What the checks use to speak of packets, for another reader of the evaluation; lives as long as the scratch arena. */
struct comparison repair_view(struct repairing *r, struct pa_evaluation *evaluation, const struct pa_ruleset *ruleset);
/* The smallest box of the packets of one family. `any` of a field: every value. */
struct hull {
	bool used;
	int family;
	struct pa_interval *items[PA_FIELD_COUNT];
	size_t count[PA_FIELD_COUNT];
	bool any[PA_FIELD_COUNT];
};
void hull_add(struct hull *hull, const struct piece *piece, struct pa_arena *arena);
bool hull_same(const struct hull *a, const struct hull *b, enum pa_field field);
/* A test for the values of a field; false: they cannot be written in a few words. */
bool hull_test(const struct hull *hull, enum pa_field field, struct pa_arena *arena, struct pa_edit_test *ret_test);

/* --- apply.c ------------------------------------------------------------------------------------------------------------ */
/* The ruleset with the edit, NULL: it cannot be made. Borrows the original. */
struct pa_ruleset *edit_apply(const struct pa_ruleset *ruleset, const struct pa_edit *edit);

/* --- proof.c ------------------------------------------------------------------------------------------------------------ */
enum verdict {
	PROVED,
	NOT_EVALUATED,	 /* the edited ruleset could not be evaluated */
	STILL_THERE,	 /* the finding is found again */
	ANOTHER_FINDING, /* something else is found then */
	CHANGES_MORE,	 /* packets fare otherwise that are none of the finding */
};
struct proof {
	enum verdict verdict;
	enum pa_check_id other;	     /* ANOTHER_FINDING */
	const struct pa_rule *still; /* STILL_THERE: the rule (of the original) that lets it in then, if one is known */
	const char *what;	     /* CHANGES_MORE: in words; or NULL */
	const char *closes, *opens;
	bool exact;
	const char *others, *then;
	bool untranslated;
};
void proof_make(struct repairing *r, const struct pa_finding *finding, const struct aim *aim, const struct pa_edit *edit,
		struct proof *ret_proof);

#endif
