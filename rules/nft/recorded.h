/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The live ruleset as it was given, kept for a snapshot, and read again from there. */
#ifndef PORTAUDIT_NFT_RECORDED_H
#define PORTAUDIT_NFT_RECORDED_H

#include "child.h"
#include "load_xtables.h"
#include "portaudit/load.h"

/* Each replaces its part of the recording: the ruleset may be read several times until it is whole. */
void pa_recording_take_listing(struct pa_recording *recording, const struct pa_child_result *result);
void pa_recording_take_names(struct pa_recording *recording, const struct pa_legacy_names names[2]);
void pa_recording_take_texts(struct pa_recording *recording, const struct pa_xtables_text *texts);

/* pa_ruleset_load_recording() with a reader of the texts. */
struct pa_ruleset *pa_nft_load_recording(const struct pa_recording *recording, const struct pa_xtables_reader *reader,
					 struct pa_diags *diags);

#endif
