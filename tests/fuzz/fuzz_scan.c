/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_scan pa_base
/* Any bytes as the XML of a scanner: hosts whose ports are sorted and in range, or errors with places; never both, never neither. */
#include <stdlib.h>

#include "portaudit/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
	if (!holds)
		abort();
}

static void check_host(const struct pa_scan_host *host)
{
	demand(host->family == 4 || host->family == 6);
	demand(host->where.file && host->where.line);
	demand(host->answer_count > 0 || host->unnamed > 0);
	for (size_t i = 0; i < host->answer_count; i++) {
		const struct pa_scan_answer *answer = &host->answers[i];
		demand(answer->protocol == 6 || answer->protocol == 17 || answer->protocol == 132);
		demand(answer->count > 0 && answer->reason && answer->where.line);
		for (size_t j = 0; j < answer->count; j++) {
			demand(answer->ports[j].first <= answer->ports[j].last && answer->ports[j].last <= 65535);
			demand(j == 0 || answer->ports[j].first > answer->ports[j - 1].last + 1);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pa_diags diags = { 0 };
	struct pa_scan *scan = pa_scan_parse((const char *)data, size, "fuzz.xml", &diags);
	demand(!scan == pa_diags_has_errors(&diags));
	demand(!scan || scan->host_count > 0);
	for (size_t i = 0; scan && i < scan->host_count; i++)
		check_host(&scan->hosts[i]);
	for (size_t i = 0; i < diags.count; i++)
		demand(diags.items[i].where.line && diags.items[i].where.column);
	pa_scan_free(scan);
	pa_diags_done(&diags);
	return 0;
}
