/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A change of a ruleset in words. What is outside text (names, rules, conditions) is escaped for a terminal. */
#ifndef PORTAUDIT_REPORTS_DIFFERENCE_WORDS_H
#define PORTAUDIT_REPORTS_DIFFERENCE_WORDS_H

#include "portaudit/report.h"

/* Words that programs read: "opens", "certain", "not-allowed" (NULL: no policy), "drop". */
const char *pa_change_kind_word(enum pa_delta_kind kind);
const char *pa_presence_word(enum pa_presence presence);
const char *pa_change_verdict_word(enum pa_change_verdict verdict);
const char *pa_decision_word(enum pa_fate fate);

/* "opens, in: new connections and replies" */
void pa_phrase_change_kind(const struct pa_change *change, struct pa_buffer *out);
/* "NOT ALLOWED: no `allow` covers it"; nothing when the policy says nothing. */
void pa_phrase_change_verdict(const struct pa_change *change, struct pa_buffer *out);
/* "dropped by the policy of inet filter input", "accepted by fw.nft:12: tcp dport 22 accept", "possible: only while ..." */
void pa_phrase_change_before(const struct pa_change *change, struct pa_buffer *out);
void pa_phrase_change_now(const struct pa_change *change, struct pa_buffer *out);
void pa_phrase_decision(const struct pa_decision *decision, struct pa_buffer *out);
/* "22/tcp from anywhere; 80/tcp from 10.0.0.0/8; and 3 more": as many as `most` regions. */
void pa_phrase_change_regions(const struct pa_change *change, size_t most, struct pa_buffer *out);
/* "old.nft -> new.nft: 1 opens, 2 closes; 1 against the policy" */
void pa_phrase_difference(const struct pa_difference_report *report, struct pa_buffer *out);

/* "`limit rate 5/second` (new.nft:4) counts packets that did not come to it before, as ..." */
void pa_phrase_counting(const struct pa_counting *counting, struct pa_buffer *out);
void pa_phrase_not_compared(const struct pa_difference *difference, struct pa_buffer *out);

/* "replies to connections that get in (IPv4) no longer leave this host" */
void pa_phrase_lost_reply(const struct pa_lost_reply *lost, struct pa_buffer *out);

/* "this session would be LOST"; "its replies: dropped by ..." */
void pa_phrase_session(const struct pa_session_fate *session, struct pa_buffer *out);
void pa_phrase_session_packet(const struct pa_session_fate *session, unsigned packet, struct pa_buffer *out);
/* What refuses it, in NEW; or NULL. */
const struct pa_location *pa_session_place(const struct pa_session_fate *session);

/*
 * Where a change is to be looked at: what decides in NEW, which is the file that a reviewer has before him; else what decided in
 * OLD; else NULL.
 */
const struct pa_location *pa_lost_reply_place(const struct pa_lost_reply *lost);
const struct pa_location *pa_change_place(const struct pa_change *change);

#endif
