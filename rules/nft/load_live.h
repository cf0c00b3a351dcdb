/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The live kernel, with the tables that nft does not show in full read by somebody who understands iptables-save. */
#ifndef PORTAUDIT_NFT_LOAD_LIVE_H
#define PORTAUDIT_NFT_LOAD_LIVE_H

#include "load_xtables.h"
#include "portaudit/load.h"

/*
 * pa_ruleset_load_live() with a reader. NULL: tables with xt parts and legacy tables are gaps, and no program is run. The listing and
 * the texts are of one generation of the ruleset; it is read again until they are, or the time is up.
 */
struct pa_ruleset *pa_nft_load_live(const struct pa_load_options *options, const struct pa_xtables_reader *reader,
				    struct pa_diags *diags);

#endif
