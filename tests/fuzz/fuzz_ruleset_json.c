/* SPDX-License-Identifier: GPL-2.0-or-later */
// rooms: pa_nft pa_ir pa_base
/* Any bytes as a listing of libnftables: a ruleset that can be checked and printed, or an error; nothing else. */
#include <stdlib.h>

#include "../../rules/nft/document.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pa_nft_document document = { .json = (const char *)data, .length = size, .source_name = "fuzz" };
	struct pa_diags diags = { 0 };
	struct pa_ruleset *ruleset = pa_ruleset_new();
	bool read = pa_nft_lower(&document, ruleset, &diags);
	if (read != !pa_diags_has_errors(&diags))
		abort();
	if (read && pa_ruleset_check(ruleset, &diags)) {
		struct pa_buffer text = { 0 };
		pa_ruleset_print(ruleset, &text);
		pa_buffer_done(&text);
	}
	pa_ruleset_free(ruleset);
	pa_diags_done(&diags);
	return 0;
}
