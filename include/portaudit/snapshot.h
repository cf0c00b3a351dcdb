/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host as one document: its ruleset as the kernel gave it, its addresses, interfaces, routes, settings, sockets and processes. To be
 * audited elsewhere, with the same answer. doc/snapshot.schema.json describes it.
 */
#ifndef PORTAUDIT_SNAPSHOT_H
#define PORTAUDIT_SNAPSHOT_H

#include "portaudit/host.h"
#include "portaudit/load.h"
#include "portaudit/socket.h"

/* The first word of the document; the number goes up when an older portaudit could misread it. */
#define PA_SNAPSHOT_SCHEMA "portaudit/snapshot-1"

/* The kernel's zone is written as minutes east of one that is a week west of UTC, so that no number is negative. */
#define PA_SNAPSHOT_ZONE_ZERO (7 * 24 * 60)

struct pa_snapshot {
	struct pa_arena *arena;
	const char *version; /* of the portaudit that made it */
	const char *kernel;  /* release of the kernel, or NULL */
	int64_t time;	     /* when it was made: seconds since 1970 */
	struct pa_recording recording;
	struct pa_host *host;	    /* host->name: its name */
	struct pa_sockets *sockets; /* NULL: not recorded */
	/* What was said while addresses and sockets were read; said again by who reads the snapshot. Strings of the arena. */
	const struct pa_diag *notes;
	size_t note_count;
};

/* Write it; the bytes depend on the snapshot alone (reports/). */
void pa_snapshot_write(const struct pa_snapshot *snapshot, struct pa_buffer *out);
/*
 * Read it. NULL: diags says what is wrong and where (INPUT); `name` stands in the diagnostics. What it holds is not believed to be
 * sound: pa_ruleset_load_recording() finds out for the ruleset.
 */
struct pa_snapshot *pa_snapshot_parse(const char *text, size_t length, const char *name, struct pa_diags *diags);
struct pa_snapshot *pa_snapshot_free(struct pa_snapshot *snapshot); /* takes NULL, returns NULL; frees host and sockets, too */

#endif
