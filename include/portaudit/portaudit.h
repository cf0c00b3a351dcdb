/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * portaudit as a whole, in the order in which it works:
 *
 *   1. load      pa_ruleset_load_live(), pa_ruleset_load_files()  ->  struct pa_ruleset     (rules/)
 *                pa_policy_load()                                 ->  struct pa_policy      (rules/)
 *                pa_host_read_live()                              ->  struct pa_host        (audit/host)
 *                pa_sockets_read_live(), pa_sockets_load()        ->  struct pa_sockets     (audit/host, rules/)
 *   2. evaluate  pa_evaluate()                                    ->  exposures: packet sets (audit/evaluate, audit/space)
 *                pa_walk()                                        ->  one packet's way
 *   3. compare   pa_compare()                                     ->  findings              (audit/compare)
 *                pa_suggest()                                     ->  repairs of findings   (audit/repair)
 *   4. report    pa_report_format(), pa_report_write()            ->  text, JSON, JUnit     (reports/)
 *
 * Each stage sees only the data of the one before it.
 */
#ifndef PORTAUDIT_PORTAUDIT_H
#define PORTAUDIT_PORTAUDIT_H

#include "portaudit/difference.h"
#include "portaudit/evaluate.h"
#include "portaudit/finding.h"
#include "portaudit/host.h"
#include "portaudit/load.h"
#include "portaudit/policy.h"
#include "portaudit/repair.h"
#include "portaudit/report.h"
#include "portaudit/ruleset.h"
#include "portaudit/snapshot.h"
#include "portaudit/socket.h"

#define PA_VERSION "0.1.0"

#endif
