/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One answer of a scanner on its way through SCN-001. */
#ifndef COMPARE_SCAN_H
#define COMPARE_SCAN_H

#include "compare.h"
#include "portaudit/scan.h"

struct scan_part {
	const struct pa_scan *scan;
	const struct pa_scan_host *host;
	const struct pa_scan_answer *answer;
	unsigned flags; /* of its TCP probes */
};

#endif
