/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts that several JSON documents share. */
#ifndef PORTAUDIT_REPORTS_JSON_PARTS_H
#define PORTAUDIT_REPORTS_JSON_PARTS_H

#include "json_writer.h"
#include "portaudit/evaluate.h"

/* "family", "table", "chain", "handle", "file", "line" of a rule; NULL: of the end of a base chain. */
void pa_json_place(struct pa_json *json, const struct pa_chain *chain, const struct pa_rule *rule);
/* An object of the above with "text", and "manager" where a program is known that writes the rule. */
void pa_json_rule(struct pa_json *json, const char *key, const struct pa_rule *rule);
/* A number, or "1000-2000" for a range of NAT. */
void pa_json_port(struct pa_json *json, const char *key, struct pa_interval port);
/* The packet as `trace --packets` reads it: only what is known of it. */
void pa_json_packet(struct pa_json *json, const char *key, const struct pa_packet *packet);
/* The array "exposures". */
void pa_json_exposures(struct pa_json *json, const struct pa_row *rows, size_t count);

#endif
