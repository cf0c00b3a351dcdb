/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of the `list` table: rows joined where a reader would write one, in the order in which they should be read. */
#ifndef PORTAUDIT_REPORTS_LINES_H
#define PORTAUDIT_REPORTS_LINES_H

#include "region.h"

/*
 * Regions that differ in one thing only become one: protocols (when all their ports are in), ports, interfaces, sources, families.
 * First what is reachable from anywhere, then almost anywhere, then from some; outgoing last; in each by path, protocol and
 * port. Allocated in *arena.
 */
size_t pa_lines_make(struct pa_arena *arena, const struct pa_row *rows, size_t count, struct pa_region **ret_lines);

#endif
