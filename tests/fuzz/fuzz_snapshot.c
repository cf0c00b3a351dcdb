/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_load pa_snapshot pa_sockets pa_nft pa_iptables pa_ir pa_host pa_reports pa_base
/*
 * Any bytes as a snapshot: a host, or errors with places. What is read and written again is the same document. The ruleset is loaded
 * from it, or refused.
 */
#include <stdlib.h>
#include <string.h>

#include "portaudit/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void check_again(const struct pa_snapshot *snapshot)
{
	struct pa_diags diags = { 0 };
	struct pa_buffer once = { 0 }, twice = { 0 };
	pa_snapshot_write(snapshot, &once);
	struct pa_snapshot *again = pa_snapshot_parse(once.data, once.length, "FILE", &diags);
	demand(again != NULL);
	pa_snapshot_write(again, &twice);
	demand(once.length == twice.length && memcmp(once.data, twice.data, once.length) == 0);
	pa_snapshot_free(again);
	pa_buffer_done(&once);
	pa_buffer_done(&twice);
	pa_diags_done(&diags);
}

static void check_ruleset(const struct pa_snapshot *snapshot)
{
	struct pa_diags diags = { 0 };
	struct pa_ruleset *ruleset = pa_ruleset_load_recording(&snapshot->recording, &diags);
	demand(ruleset || pa_diags_has_errors(&diags));
	pa_ruleset_free(ruleset);
	pa_diags_done(&diags);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pa_diags diags = { 0 };
	struct pa_snapshot *snapshot = pa_snapshot_parse(data ? (const char *)data : "", size, "FILE", &diags);
	demand(!snapshot == pa_diags_has_errors(&diags));
	for (size_t i = 0; i < diags.count; i++)
		demand(diags.items[i].where.line > 0 && diags.items[i].where.column > 0);
	if (snapshot) {
		check_again(snapshot);
		check_ruleset(snapshot);
	}
	pa_snapshot_free(snapshot);
	pa_diags_done(&diags);
	return 0;
}
